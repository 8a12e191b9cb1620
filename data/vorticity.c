#include "data/vorticity.h"

#include "inr/planner.h"

#include <fftw3.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bounds on the step; see largest_step. */
static const double COURANT = 2.5, VISCOUS = 4.0, DISPLACEMENT = 0.022, LONGEST_STEP = 0.1;
/* Smallest step, as a share of the time to advance: a flow that needs less has blown up. */
static const double SMALLEST_SHARE = 1e-6;

struct fc__vorticity {
    size_t grid, modes, count; /* points an axis, K, stored coefficients */
    size_t stride;             /* between rows: a few more than the grid, as rows a power of two
                                  apart would compete for the same cache lines */
    size_t steps;
    double viscosity;
    /* (count) each, kx fastest */
    fc__complex *state, *forcing, *stage, *tendency, *sum;
    double *decay_axis;                /* (K + 1) factors of decay_half */
    double *decay_half, *decay;        /* exp(-nu 4 pi^2 |k|^2 h / 2) and its square */
    double decay_step;                 /* the h they were made for */
    double *velocity_x, *velocity_y;   /* (kx, ky) / (2 pi |k|^2) */
    double *advection_1, *advection_2; /* pi^2 / grid^2 times kx^2 - ky^2, 2 kx ky */
    /* (grid, stride), kx or x fastest: complex velocity, its square and their transforms */
    fc__complex *spectral, *physical;
    double *field; /* (grid, grid) real values */
    fftw_plan columns_backward, rows_backward, rows_forward, columns_forward;
    fftw_plan field_backward, field_forward;
};

/* ---------------------------------------------------------------- layout */

size_t fc__spectrum_count(size_t modes)
{
    return fc__product(2 * modes + 1, modes + 1);
}

size_t fc__spectrum_index(size_t modes, long kx, long ky)
{
    return (size_t)(ky + (long)modes) * (modes + 1) + (size_t)kx;
}

size_t fc__vorticity_modes(const fc__vorticity *solver)
{
    return solver->modes;
}

fc__complex *fc__vorticity_spectrum(fc__vorticity *solver)
{
    return solver->state;
}

fc__complex *fc__vorticity_forcing(fc__vorticity *solver)
{
    return solver->forcing;
}

size_t fc__vorticity_steps(const fc__vorticity *solver)
{
    return solver->steps;
}

/* ---------------------------------------------------------------- life cycle */

/* Only the columns that hold
 * kept wave numbers, 0..K and grid-K-1..grid-1, are transformed along y. */
static bool make_plans(fc__vorticity *s)
{
    int n = (int)s->grid, kept = (int)s->modes + 1;
    int stride = (int)s->stride;
    fftw_iodim along_x = {n, 1, 1}, along_y = {n, stride, stride};
    fftw_iodim columns[2] = {{2, n - kept, n - kept}, {kept, 1, 1}};
    fftw_iodim rows = {n, stride, stride};
    fftw_complex *spectral = s->spectral, *physical = s->physical;
    fc__planner_lock();
    s->columns_backward = fftw_plan_guru_dft(1, &along_y, 2, columns, spectral, physical,
                                             FFTW_BACKWARD, FFTW_ESTIMATE);
    s->rows_backward =
        fftw_plan_guru_dft(1, &along_x, 1, &rows, physical, physical, FFTW_BACKWARD, FFTW_ESTIMATE);
    s->rows_forward =
        fftw_plan_guru_dft(1, &along_x, 1, &rows, physical, physical, FFTW_FORWARD, FFTW_ESTIMATE);
    s->columns_forward = fftw_plan_guru_dft(1, &along_y, 2, columns, physical, physical,
                                            FFTW_FORWARD, FFTW_ESTIMATE);
    s->field_backward = fftw_plan_dft_c2r_2d(n, n, physical, s->field, FFTW_ESTIMATE);
    s->field_forward = fftw_plan_dft_r2c_2d(n, n, s->field, physical, FFTW_ESTIMATE);
    fc__planner_unlock();
    return s->columns_backward && s->rows_backward && s->rows_forward && s->columns_forward &&
           s->field_backward && s->field_forward;
}

/* Tables of wave numbers for the velocity and the advection below. */
static void make_tables(fc__vorticity *s)
{
    double scale = M_PI * M_PI / ((double)s->grid * (double)s->grid);
    long modes = (long)s->modes;
    for (long ky = -modes; ky <= modes; ky++) {
        for (long kx = 0; kx <= modes; kx++) {
            size_t i = fc__spectrum_index(s->modes, kx, ky);
            double square = (double)(kx * kx + ky * ky);
            double inverse = square > 0.0 ? 1.0 / (2.0 * M_PI * square) : 0.0;
            s->velocity_x[i] = (double)kx * inverse;
            s->velocity_y[i] = (double)ky * inverse;
            s->advection_1[i] = scale * (double)(kx * kx - ky * ky);
            s->advection_2[i] = scale * 2.0 * (double)(kx * ky);
        }
    }
}

fc_status fc__vorticity_create(fc_context *context, size_t grid, double viscosity,
                               fc__vorticity **solver)
{
    fc_status status = FC_OK;
    fc__vorticity *s = NULL;
    *solver = NULL;
    FC_NEW(context, &s, 1);
    s->grid = grid;
    s->modes = (grid - 1) / 3;
    s->count = fc__spectrum_count(s->modes);
    s->stride = grid + 4;
    s->viscosity = viscosity;
    s->decay_step = NAN;
    FC_NEW(context, &s->state, s->count);
    FC_NEW(context, &s->forcing, s->count);
    FC_NEW(context, &s->stage, s->count);
    FC_NEW(context, &s->tendency, s->count);
    FC_NEW(context, &s->sum, s->count);
    FC_NEW(context, &s->decay_axis, s->modes + 1);
    FC_NEW(context, &s->decay_half, s->count);
    FC_NEW(context, &s->decay, s->count);
    FC_NEW(context, &s->velocity_x, s->count);
    FC_NEW(context, &s->velocity_y, s->count);
    FC_NEW(context, &s->advection_1, s->count);
    FC_NEW(context, &s->advection_2, s->count);
    FC_NEW(context, &s->spectral, fc__product(grid, s->stride));
    FC_NEW(context, &s->physical, fc__product(grid, s->stride));
    FC_NEW(context, &s->field, fc__product(grid, grid));
    if (!make_plans(s)) {
        status =
            fc__fail(context, FC_ERROR_MEMORY,
                     "vorticity: FFTW made no plan for a grid of %zu x %zu points", grid, grid);
        goto done;
    }
    make_tables(s);
    *solver = s;
    s = NULL;
done:
    fc__vorticity_destroy(s);
    return status;
}

void fc__vorticity_destroy(fc__vorticity *s)
{
    if (!s)
        return;
    fftw_plan plans[] = {s->columns_backward, s->rows_backward,  s->rows_forward,
                         s->columns_forward,  s->field_backward, s->field_forward};
    fc__planner_lock();
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        fftw_destroy_plan(plans[i]);
    fc__planner_unlock();
    void *arrays[] = {s->state,       s->forcing,     s->stage,    s->tendency,   s->sum,
                      s->decay_axis,  s->decay_half,  s->decay,    s->velocity_x, s->velocity_y,
                      s->advection_1, s->advection_2, s->spectral, s->physical,   s->field};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    free(s);
}

/* ---------------------------------------------------------------- fields */

void fc__vorticity_set_field(fc__vorticity *s, const double *field)
{
    size_t half = s->grid / 2 + 1;
    long modes = (long)s->modes;
    double scale = 1.0 / ((double)s->grid * (double)s->grid);
    memcpy(s->field, field, s->grid * s->grid * sizeof *field);
    fftw_execute(s->field_forward);
    for (long ky = -modes; ky <= modes; ky++) {
        size_t row = ky < 0 ? s->grid - (size_t)-ky : (size_t)ky;
        for (long kx = 0; kx <= modes; kx++) {
            const double *from = s->physical[row * half + (size_t)kx];
            double *to = s->state[fc__spectrum_index(s->modes, kx, ky)];
            to[0] = scale * from[0];
            to[1] = scale * from[1];
        }
    }
}

const double *fc__vorticity_field(fc__vorticity *s)
{
    size_t half = s->grid / 2 + 1;
    long modes = (long)s->modes;
    memset(s->physical, 0, s->grid * half * sizeof *s->physical);
    for (long ky = -modes; ky <= modes; ky++) {
        size_t row = ky < 0 ? s->grid - (size_t)-ky : (size_t)ky;
        memcpy(s->physical[row * half], s->state[fc__spectrum_index(s->modes, 0, ky)],
               (s->modes + 1) * sizeof *s->state);
    }
    fftw_execute(s->field_backward);
    return s->field;
}

/* ---------------------------------------------------------------- tendency */

/* The nonlinear term through the complex velocity q = u + i v, in one complex transform each way.
 * With D = d/dx - i d/dy, incompressibility and w = dv/dx - du/dy give
 *
 *   D q = i w                      so   q(k) = w(k) (kx + i ky) / (2 pi |k|^2)
 *   u . grad w = Im(D^2 q^2) / 2   (the stress form of Basdevant 1983, J. Comput. Phys. 50, as
 *                                   q^2 = u^2 - v^2 + 2 i u v)
 *
 * and the imaginary part of a field g has the coefficients (g(k) - conj g(-k)) / 2i. */

/* Complex velocity at every kept wave number of the full plane from the half plane of w. */
static void pack_velocity(const fc__vorticity *s, const fc__complex *w)
{
    size_t modes = s->modes, grid = s->grid;
    for (size_t r = 0; r <= 2 * modes; r++) {
        size_t row = (r + grid - modes) % grid, opposite = (grid - row) % grid;
        const fc__complex *from = w + r * (modes + 1);
        const double *vx = s->velocity_x + r * (modes + 1);
        const double *vy = s->velocity_y + r * (modes + 1);
        fc__complex *at = s->spectral + row * s->stride;
        fc__complex *mirror = s->spectral + opposite * s->stride + grid;
        for (size_t k = 1; k <= modes; k++) {
            double ax = from[k][0] * vx[k], ay = from[k][0] * vy[k];
            double bx = from[k][1] * vx[k], by = from[k][1] * vy[k];
            at[k][0] = ax - by;
            at[k][1] = ay + bx;
            mirror[-(long)k][0] = -ax - by;
            mirror[-(long)k][1] = bx - ay;
        }
        at[0][0] = -from[0][1] * vy[0];
        at[0][1] = from[0][0] * vy[0];
    }
}

/* q^2 in place; returns the largest |q|^2. Two maxima, as rows have even length, keep the loop free
 * of a chain of dependent comparisons. */
static double square_velocity(fc__vorticity *s)
{
    double even = 0.0, odd = 0.0;
    for (size_t row = 0; row < s->grid; row++) {
        fc__complex *q = s->physical + row * s->stride;
        for (size_t i = 0; i < s->grid; i += 2) {
            double uu = q[i][0] * q[i][0], vv = q[i][1] * q[i][1];
            q[i][1] *= 2.0 * q[i][0];
            q[i][0] = uu - vv;
            even = uu + vv > even ? uu + vv : even;
            uu = q[i + 1][0] * q[i + 1][0], vv = q[i + 1][1] * q[i + 1][1];
            q[i + 1][1] *= 2.0 * q[i + 1][0];
            q[i + 1][0] = uu - vv;
            odd = uu + vv > odd ? uu + vv : odd;
        }
    }
    return even > odd ? even : odd;
}

/* -u . grad w + f from the transform of q^2. */
static void unpack_tendency(const fc__vorticity *s, fc__complex *tendency)
{
    size_t modes = s->modes, grid = s->grid;
    for (size_t r = 0; r <= 2 * modes; r++) {
        size_t row = (r + grid - modes) % grid, opposite = (grid - row) % grid;
        const fc__complex *plus = s->physical + row * s->stride;
        const fc__complex *minus = s->physical + opposite * s->stride;
        const double *c1 = s->advection_1 + r * (modes + 1);
        const double *c2 = s->advection_2 + r * (modes + 1);
        const fc__complex *f = s->forcing + r * (modes + 1);
        fc__complex *to = tendency + r * (modes + 1);
        for (size_t k = 0; k <= modes; k++) {
            const double *p = plus[k], *m = minus[k ? grid - k : 0];
            to[k][0] = f[k][0] + c1[k] * (p[1] + m[1]) - c2[k] * (p[0] + m[0]);
            to[k][1] = f[k][1] - c1[k] * (p[0] - m[0]) - c2[k] * (p[1] - m[1]);
        }
    }
}

/* Tendency without the viscous term at w; returns the largest speed. */
static double evaluate(fc__vorticity *s, const fc__complex *w, fc__complex *tendency)
{
    size_t kept = s->modes + 1;
    pack_velocity(s, w);
    fftw_execute(s->columns_backward);
    for (size_t row = 0; row < s->grid; row++)
        memset(s->physical + row * s->stride + kept, 0, (s->grid - 2 * kept) * sizeof *s->physical);
    fftw_execute(s->rows_backward);
    double largest = square_velocity(s);
    fftw_execute(s->rows_forward);
    fftw_execute(s->columns_forward);
    unpack_tendency(s, tendency);
    return sqrt(largest);
}

/* ---------------------------------------------------------------- time steps */

/* exp(-nu 4 pi^2 (kx^2 + ky^2) h / 2) as the product of its factors along the axes. */
static void set_decay(fc__vorticity *s, double h)
{
    if (h == s->decay_step)
        return;
    s->decay_step = h;
    size_t modes = s->modes;
    for (size_t k = 0; k <= modes; k++)
        s->decay_axis[k] = exp(-2.0 * M_PI * M_PI * s->viscosity * h * (double)(k * k));
    for (size_t r = 0; r <= 2 * modes; r++) {
        double along_y = s->decay_axis[r < modes ? modes - r : r - modes];
        double *half = s->decay_half + r * (modes + 1), *whole = s->decay + r * (modes + 1);
        for (size_t k = 0; k <= modes; k++) {
            half[k] = along_y * s->decay_axis[k];
            whole[k] = half[k] * half[k];
        }
    }
}

/* One step of the classical Runge-Kutta method for exp(nu 4 pi^2 |k|^2 t) w, in which the viscous
 * term is exact (integrating factor; Canuto et al. 2007, Spectral Methods, appendix D). E is the
 * decay over half a step; the tendency at w is there already.
 *
 *   w1 = E (w + h/2 N(w))       w2 = E w + h/2 N(w1)        w3 = E^2 w + h E N(w2)
 *   w' = E^2 w + h/6 (E^2 N(w) + 2 E N(w1) + 2 E N(w2) + N(w3)) */
static void step(fc__vorticity *s, double h)
{
    set_decay(s, h);
    size_t count = s->count;
    fc__complex *w = s->state, *stage = s->stage, *n = s->tendency, *sum = s->sum;
    const double *half = s->decay_half, *whole = s->decay;
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < 2; c++) {
            stage[i][c] = half[i] * (w[i][c] + 0.5 * h * n[i][c]);
            sum[i][c] = whole[i] * (w[i][c] + h / 6.0 * n[i][c]);
        }
    }
    evaluate(s, stage, n);
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < 2; c++) {
            stage[i][c] = half[i] * w[i][c] + 0.5 * h * n[i][c];
            sum[i][c] += h / 3.0 * half[i] * n[i][c];
        }
    }
    evaluate(s, stage, n);
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < 2; c++) {
            stage[i][c] = whole[i] * w[i][c] + h * half[i] * n[i][c];
            sum[i][c] += h / 3.0 * half[i] * n[i][c];
        }
    }
    evaluate(s, stage, n);
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < 2; c++)
            w[i][c] = sum[i][c] + h / 6.0 * n[i][c];
    }
    s->steps++;
}

/* Largest stable and accurate step at the largest speed U. For a mode carried by U, with y = 2 pi
 * |k| U h, a step multiplies by R(i y) exp(-nu 4 pi^2 |k|^2 h), R the polynomial of the classical
 * Runge-Kutta method. It does not grow if y <= 2.83, where |R| <= 1; nor, whatever the wave number,
 * if nu / (U^2 h) >= max ln|R(i y)| / y^2 = 0.129. For accuracy a step carries the flow by a small
 * part of the domain at most, and never lasts longer than the forcing and the decay allow. */
static double largest_step(const fc__vorticity *s, double speed)
{
    double courant = COURANT / (2.0 * M_PI * sqrt(2.0) * (double)s->modes * speed);
    double viscous = VISCOUS * s->viscosity / (speed * speed);
    double stable = courant > viscous ? courant : viscous;
    return fmin(LONGEST_STEP, fmin(stable, DISPLACEMENT / speed));
}

fc_status fc__vorticity_advance(const fc_context *context, fc__vorticity *s, double duration,
                                double largest, double *elapsed)
{
    double time = 0.0, ignored;
    double *reached = elapsed ? elapsed : &ignored;
    while (time < duration) {
        *reached = time;
        double speed = evaluate(s, s->state, s->tendency);
        double bound = largest_step(s, speed), remaining = duration - time;
        if (largest > 0.0 && largest < bound)
            bound = largest;
        if (!isfinite(s->tendency[0][0]) || !(bound > SMALLEST_SHARE * duration))
            return FC_ERROR_SOLVER;
        if (context && fc_context_interrupted(context))
            return FC_INTERRUPTED;
        double count = ceil(remaining / bound);
        step(s, remaining / count);
        time = count > 1.0 ? time + remaining / count : duration;
    }
    *reached = duration;
    for (size_t i = 0; i < s->count; i++) {
        if (!isfinite(s->state[i][0]) || !isfinite(s->state[i][1]))
            return FC_ERROR_SOLVER;
    }
    return FC_OK;
}
