#include "data/periodic.h"

#include "data/exponential.h"
#include "inr/planner.h"
#include "inr/support.h"

#include <fftw3.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Factors of a step for every stored coefficient; see `step`. */
typedef struct factors {
    double *half, *whole, *first, *a, *b, *c; /* those of exponential.h */
} factors;

struct fc__periodic {
    fc__periodic_equation equation;
    size_t grid, modes;
    size_t points, count; /* of a field: values and coefficients, (grid,) grid / 2 + 1 */
    size_t steps;
    double factors_step; /* the h the factors were made for */
    factors factors;     /* (fields, count) each, zero where no wave number is kept */
    /* (fields, count) each */
    fc__complex *state, *stage, *work, *n_state, *n_a, *n_b, *n_c;
    double *values, *products; /* (fields, points) */
    fftw_plan backward, forward;
};

/* ---------------------------------------------------------------- layout */

size_t fc__periodic_modes(const fc__periodic *s)
{
    return s->modes;
}

size_t fc__periodic_steps(const fc__periodic *s)
{
    return s->steps;
}

static size_t place(const fc__periodic *s, size_t field, long kx, long ky)
{
    size_t row = ky < 0 ? s->grid - (size_t)-ky : (size_t)ky;
    return field * s->count + row * (s->grid / 2 + 1) + (size_t)kx;
}

double *fc__periodic_coefficient(fc__periodic *s, size_t field, long kx, long ky)
{
    return s->state[place(s, field, kx, ky)];
}

fc__complex *fc__periodic_line(fc__periodic *s)
{
    return s->state;
}

void fc__periodic_clear(fc__periodic *s)
{
    memset(s->state, 0, s->equation.fields * s->count * sizeof *s->state);
}

/* ---------------------------------------------------------------- life cycle */

static bool make_plans(fc__periodic *s)
{
    int n[2] = {(int)s->grid, (int)s->grid}, rank = (int)s->equation.dims;
    int fields = (int)s->equation.fields, count = (int)s->count, points = (int)s->points;
    fc__planner_lock();
    s->backward = fftw_plan_many_dft_c2r(rank, n, fields, s->work, NULL, 1, count, s->values, NULL,
                                         1, points, FFTW_ESTIMATE);
    s->forward = fftw_plan_many_dft_r2c(rank, n, fields, s->products, NULL, 1, points, s->work,
                                        NULL, 1, count, FFTW_ESTIMATE);
    fc__planner_unlock();
    return s->backward && s->forward;
}

fc_status fc__periodic_create(fc_context *context, const fc__periodic_equation *equation,
                              size_t grid, fc__periodic **solver)
{
    fc_status status = FC_OK;
    fc__periodic *s = NULL;
    *solver = NULL;
    FC_NEW(context, &s, 1);
    s->equation = *equation;
    s->grid = grid;
    s->modes = (grid - 1) / 3;
    s->points = equation->dims == 2 ? fc__product(grid, grid) : grid;
    s->count = (grid / 2 + 1) * (equation->dims == 2 ? grid : 1);
    s->factors_step = NAN;
    size_t coefficients = fc__product(equation->fields, s->count);
    size_t values = fc__product(equation->fields, s->points);
    double **real[] = {&s->factors.half, &s->factors.whole, &s->factors.first,
                       &s->factors.a,    &s->factors.b,     &s->factors.c};
    fc__complex **spectra[] = {&s->state, &s->stage, &s->work, &s->n_state,
                               &s->n_a,   &s->n_b,   &s->n_c};
    for (size_t i = 0; i < sizeof real / sizeof *real; i++)
        FC_NEW(context, real[i], coefficients);
    for (size_t i = 0; i < sizeof spectra / sizeof *spectra; i++)
        FC_NEW(context, spectra[i], coefficients);
    FC_NEW(context, &s->values, values);
    FC_NEW(context, &s->products, values);
    if (!make_plans(s)) {
        status = fc__fail(context, FC_ERROR_MEMORY, "periodic: FFTW made no plan for a grid of %zu",
                          grid);
        goto done;
    }
    *solver = s;
    s = NULL;
done:
    fc__periodic_destroy(s);
    return status;
}

void fc__periodic_destroy(fc__periodic *s)
{
    if (!s)
        return;
    fc__planner_lock();
    fftw_destroy_plan(s->backward);
    fftw_destroy_plan(s->forward);
    fc__planner_unlock();
    void *arrays[] = {s->factors.half, s->factors.whole, s->factors.first, s->factors.a,
                      s->factors.b,    s->factors.c,     s->state,         s->stage,
                      s->work,         s->n_state,       s->n_a,           s->n_b,
                      s->n_c,          s->values,        s->products};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    free(s);
}

/* ---------------------------------------------------------------- fields */

/* Range of ky; a line has only ky = 0. */
static long highest_y(const fc__periodic *s)
{
    return s->equation.dims == 2 ? (long)s->modes : 0;
}

/* Kept coefficients of the transformed products, divided by the number of points and, of a flux,
 * times i kappa. The others stay zero. */
static void take_spectrum(fc__periodic *s, bool derivative, fc__complex *to)
{
    double scale = 1.0 / (double)s->points, turn = 2.0 * M_PI / s->equation.length;
    long modes = (long)s->modes, most = highest_y(s);
    fftw_execute(s->forward);
    for (size_t field = 0; field < s->equation.fields; field++) {
        for (long ky = -most; ky <= most; ky++) {
            size_t row = place(s, field, 0, ky);
            for (long kx = 0; kx <= modes; kx++) {
                const double *from = s->work[row + (size_t)kx];
                double *at = to[row + (size_t)kx], kappa = turn * (double)kx;
                at[0] = derivative ? -scale * kappa * from[1] : scale * from[0];
                at[1] = derivative ? scale * kappa * from[0] : scale * from[1];
            }
        }
    }
}

/* Values at the grid of coefficients, which the transform would destroy. */
static void fill_values(fc__periodic *s, const fc__complex *spectrum)
{
    memcpy(s->work, spectrum, s->equation.fields * s->count * sizeof *spectrum);
    fftw_execute(s->backward);
}

double *fc__periodic_buffer(fc__periodic *s)
{
    return s->products;
}

void fc__periodic_take(fc__periodic *s)
{
    take_spectrum(s, false, s->state);
}

const double *fc__periodic_values(fc__periodic *s)
{
    fill_values(s, s->state);
    return s->values;
}

void fc__periodic_store(fc__periodic *s, size_t size, float *values)
{
    size_t every = s->grid / size, fields = s->equation.fields;
    size_t rows = s->equation.dims == 2 ? size : 1;
    fill_values(s, s->state);
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < size; column++)
            for (size_t field = 0; field < fields; field++)
                values[(row * size + column) * fields + field] =
                    (float)s->values[field * s->points + row * every * s->grid + column * every];
}

/* N at the coefficients w. */
static void evaluate(fc__periodic *s, const fc__complex *w, fc__complex *n)
{
    fill_values(s, w);
    s->equation.product(s->equation.parameters, s->points, s->values, s->products);
    take_spectrum(s, s->equation.flux, n);
}

/* ---------------------------------------------------------------- time steps */

static void set_factors(fc__periodic *s, double h, size_t i, double rate)
{
    fc__complex all[FC__EXPONENTIAL_FACTORS];
    fc__exponential_factors(rate, 0.0, h, all);
    s->factors.half[i] = all[FC__HALF][0];
    s->factors.whole[i] = all[FC__WHOLE][0];
    s->factors.first[i] = all[FC__FIRST][0];
    s->factors.a[i] = all[FC__START][0];
    s->factors.b[i] = all[FC__MIDDLE][0];
    s->factors.c[i] = all[FC__END][0];
}

static void make_factors(fc__periodic *s, double h)
{
    double turn = 2.0 * M_PI / s->equation.length;
    long most = highest_y(s);
    if (h == s->factors_step)
        return;
    s->factors_step = h;
    for (size_t field = 0; field < s->equation.fields; field++)
        for (long ky = -most; ky <= most; ky++)
            for (long kx = 0; kx <= (long)s->modes; kx++) {
                double square = turn * turn * (double)(kx * kx + ky * ky);
                double rate = s->equation.rate(s->equation.parameters, field, square);
                set_factors(s, h, place(s, field, kx, ky), rate);
            }
}

/* One step as in exponential.h, START to END being A to C here. */
static void step(fc__periodic *s)
{
    size_t count = s->equation.fields * s->count;
    const factors *f = &s->factors;
    fc__complex *u = s->state, *stage = s->stage;
    evaluate(s, u, s->n_state);
    for (size_t i = 0; i < count; i++)
        for (int p = 0; p < 2; p++)
            stage[i][p] = f->half[i] * u[i][p] + f->first[i] * s->n_state[i][p];
    evaluate(s, stage, s->n_a);
    for (size_t i = 0; i < count; i++)
        for (int p = 0; p < 2; p++) {
            double a = stage[i][p];
            stage[i][p] = f->half[i] * u[i][p] + f->first[i] * s->n_a[i][p];
            u[i][p] = f->whole[i] * u[i][p] + f->a[i] * s->n_state[i][p] + f->b[i] * s->n_a[i][p];
            s->n_state[i][p] = f->half[i] * a - f->first[i] * s->n_state[i][p]; /* of c */
        }
    evaluate(s, stage, s->n_b);
    for (size_t i = 0; i < count; i++)
        for (int p = 0; p < 2; p++) {
            stage[i][p] = s->n_state[i][p] + 2.0 * f->first[i] * s->n_b[i][p];
            u[i][p] += f->b[i] * s->n_b[i][p];
        }
    evaluate(s, stage, s->n_c);
    for (size_t i = 0; i < count; i++)
        for (int p = 0; p < 2; p++)
            u[i][p] += f->c[i] * s->n_c[i][p];
    s->steps++;
}

static bool is_finite(const fc__periodic *s)
{
    for (size_t i = 0; i < s->equation.fields * s->count; i++)
        if (!isfinite(s->state[i][0]) || !isfinite(s->state[i][1]))
            return false;
    return true;
}

fc_status fc__periodic_advance(const fc_context *context, fc__periodic *s, double duration,
                               double largest, double *elapsed)
{
    const double most = 1e7; /* steps: more would not end */
    double count = ceil(duration / largest), ignored;
    double *reached = elapsed ? elapsed : &ignored;
    *reached = 0.0;
    if (!(count <= most))
        return FC_ERROR_SOLVER;
    size_t steps = (size_t)count;
    if (steps > 0)
        make_factors(s, duration / count);
    for (size_t done = 0; done < steps; done++) {
        *reached = duration * (double)done / count;
        if (context && fc_context_interrupted(context))
            return FC_INTERRUPTED;
        step(s);
        if (!isfinite(s->state[0][0]) || !isfinite(s->state[1][0]))
            return FC_ERROR_SOLVER;
    }
    *reached = duration;
    return is_finite(s) ? FC_OK : FC_ERROR_SOLVER;
}
