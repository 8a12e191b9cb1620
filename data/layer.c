/* The shallow water equations for zeta, delta and h, in which gravity waves and viscosity are
 * linear with constant coefficients. With F = (zeta + f) u and q = sqrt(l (l + 1)) / radius,
 *
 *   dzeta/dt  = -div F                                  - nu_u zeta
 *   ddelta/dt = curl F - lap (u.u / 2) + g q^2 h        - nu_u delta
 *   dh/dt     = -div (h u)             - H delta        - nu_h h
 *
 * (Williamson et al. 1992, J. Comput. Phys. 102; the viscous rates are nu (q^2 - 1 / radius^2)^2
 * for the vector u and nu q^4 for h). The waves turn y = delta + i s h, s = q sqrt(g / H), by dy/dt
 * = -i omega y with omega = q sqrt(g H), which exponential time differencing takes exactly. */
#include "data/layer.h"

#include "data/exponential.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bounds on the step, the first in units of radius / (degree speed); see largest_step. */
static const double COURANT = 1.3, LONGEST_STEP = 900.0;
/* Smallest step, as a share of the time to advance: a flow that needs less has blown up. */
static const double SMALLEST_SHARE = 1e-6;

/* A factor of exponential.h for every degree: `slow` of zeta, `real` + i `imaginary` of y. (degree
 * + 1) each */
typedef struct factor {
    double *slow, *real, *imaginary;
} factor;

/* zeta, delta and s h, (count) each. */
typedef struct fields {
    fc__complex *vorticity, *divergence, *surface;
} fields;

struct fc__layer {
    fc__layer_config config;
    fc__harmonics *harmonics;
    size_t rings, longitudes, points, count, steps;
    fields state, stage, next, tendency[4];
    factor factors[FC__EXPONENTIAL_FACTORS];
    double factors_step;                      /* the h they were made for */
    double *wave_number, *wave_scale, *drift; /* (degree + 1): q, s, nu_u - nu_h */
    fc__complex *gradient, *curl, *height;    /* (count) */
    double *coriolis;                         /* (rings, longitudes), as the rest */
    double *vorticity, *surface, *south, *east, *flux_south, *flux_east;
};

/* ---------------------------------------------------------------- life cycle */

const fc__harmonics *fc__layer_harmonics(const fc__layer *layer)
{
    return layer->harmonics;
}

size_t fc__layer_rings(const fc__layer *layer)
{
    return layer->rings;
}

size_t fc__layer_longitudes(const fc__layer *layer)
{
    return layer->longitudes;
}

double *fc__layer_coriolis(fc__layer *layer)
{
    return layer->coriolis;
}

size_t fc__layer_steps(const fc__layer *layer)
{
    return layer->steps;
}

/* Three fields in one piece of memory, which belongs to the first. */
static fc_status make_fields(fc_context *context, size_t count, fields *f)
{
    fc_status status = FC_OK;
    FC_NEW(context, &f->vorticity, fc__product(3, count));
    f->divergence = f->vorticity + count;
    f->surface = f->divergence + count;
done:
    return status;
}

static fc_status make_factors(fc_context *context, size_t degrees, factor *f)
{
    fc_status status = FC_OK;
    FC_NEW(context, &f->slow, 3 * degrees);
    f->real = f->slow + degrees;
    f->imaginary = f->real + degrees;
done:
    return status;
}

static void make_tables(fc__layer *s)
{
    const fc__layer_config *c = &s->config;
    const double *colatitudes = fc__harmonics_colatitudes(s->harmonics);
    for (size_t l = 0; l <= c->degree; l++) {
        double q = sqrt((double)(l * (l + 1))) / c->radius;
        double square = q * q - 1.0 / (c->radius * c->radius);
        s->wave_number[l] = q;
        s->wave_scale[l] = l ? q * sqrt(c->gravity / c->depth) : 1.0;
        s->drift[l] = l ? c->viscosity * (square * square - q * q * q * q) : 0.0;
    }
    for (size_t p = 0; p < s->points; p++)
        s->coriolis[p] = 2.0 * c->rotation * cos(colatitudes[p / s->longitudes]);
}

fc_status fc__layer_create(fc_context *context, const fc__layer_config *config, fc__layer **layer)
{
    fc_status status = FC_OK;
    fc__layer *s = NULL;
    size_t degrees = config->degree + 1;
    *layer = NULL;
    FC_NEW(context, &s, 1);
    s->config = *config;
    s->rings = (3 * degrees + 1) / 2;
    s->longitudes = 2 * s->rings;
    s->points = fc__product(s->rings, s->longitudes);
    s->count = fc__harmonics_count(config->degree);
    s->factors_step = NAN;
    FC_TRY(fc__harmonics_create(context, config->degree, s->rings, s->longitudes, &s->harmonics));
    fields *all[] = {&s->state,       &s->stage,       &s->next,       &s->tendency[0],
                     &s->tendency[1], &s->tendency[2], &s->tendency[3]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        FC_TRY(make_fields(context, s->count, all[i]));
    for (int i = 0; i < FC__EXPONENTIAL_FACTORS; i++)
        FC_TRY(make_factors(context, degrees, &s->factors[i]));
    FC_NEW(context, &s->wave_number, degrees);
    FC_NEW(context, &s->wave_scale, degrees);
    FC_NEW(context, &s->drift, degrees);
    FC_NEW(context, &s->gradient, s->count);
    FC_NEW(context, &s->curl, s->count);
    FC_NEW(context, &s->height, s->count);
    FC_NEW(context, &s->coriolis, s->points);
    FC_NEW(context, &s->vorticity, s->points);
    FC_NEW(context, &s->surface, s->points);
    FC_NEW(context, &s->south, s->points);
    FC_NEW(context, &s->east, s->points);
    FC_NEW(context, &s->flux_south, s->points);
    FC_NEW(context, &s->flux_east, s->points);
    make_tables(s);
    *layer = s;
    s = NULL;
done:
    fc__layer_destroy(s);
    return status;
}

void fc__layer_destroy(fc__layer *s)
{
    if (!s)
        return;
    void *arrays[] = {s->state.vorticity,
                      s->stage.vorticity,
                      s->next.vorticity,
                      s->tendency[0].vorticity,
                      s->tendency[1].vorticity,
                      s->tendency[2].vorticity,
                      s->tendency[3].vorticity,
                      s->wave_number,
                      s->wave_scale,
                      s->drift,
                      s->gradient,
                      s->curl,
                      s->height,
                      s->coriolis,
                      s->vorticity,
                      s->surface,
                      s->south,
                      s->east,
                      s->flux_south,
                      s->flux_east};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    for (int i = 0; i < FC__EXPONENTIAL_FACTORS; i++)
        free(s->factors[i].slow);
    fc__harmonics_destroy(s->harmonics);
    free(s);
}

/* ---------------------------------------------------------------- tendency */

/* to = by(l) from, or from / by(l) */
static void scale(const fc__layer *s, const double *by, bool divide, const fc__complex *from,
                  fc__complex *to)
{
    size_t degree = s->config.degree;
    for (size_t m = 0, i = 0; m <= degree; m++) {
        for (size_t l = m; l <= degree; l++, i++) {
            double share = divide ? 1.0 / by[l] : by[l];
            to[i][0] = share * from[i][0];
            to[i][1] = share * from[i][1];
        }
    }
}

/* Coefficients of the velocity by those of its divergence and curl. */
static void find_velocity(fc__layer *s, const fields *at)
{
    size_t degree = s->config.degree;
    for (size_t m = 0, i = 0; m <= degree; m++) {
        for (size_t l = m; l <= degree; l++, i++) {
            double by = l ? -1.0 / s->wave_number[l] : 0.0;
            for (int c = 0; c < 2; c++) {
                s->gradient[i][c] = by * at->divergence[i][c];
                s->curl[i][c] = by * at->vorticity[i][c];
            }
        }
    }
    fc__harmonics_vector_values(s->harmonics, s->gradient, s->curl, s->south, s->east);
}

/* What F = (zeta + f) u and u.u / 2 add to zeta and delta, after find_velocity; returns the largest
 * speed. */
static double add_momentum(fc__layer *s, const fields *at, fields *tendency)
{
    size_t degree = s->config.degree;
    double largest = 0.0;
    fc__harmonics_values(s->harmonics, at->vorticity, s->vorticity);
    for (size_t p = 0; p < s->points; p++) {
        double absolute = s->vorticity[p] + s->coriolis[p];
        double square = s->south[p] * s->south[p] + s->east[p] * s->east[p];
        s->flux_south[p] = absolute * s->south[p];
        s->flux_east[p] = absolute * s->east[p];
        s->vorticity[p] = 0.5 * square;
        largest = square > largest ? square : largest;
    }
    fc__harmonics_vector_coefficients(s->harmonics, s->flux_south, s->flux_east, s->gradient,
                                      s->curl);
    fc__harmonics_coefficients(s->harmonics, s->vorticity, tendency->divergence);
    for (size_t m = 0, i = 0; m <= degree; m++) {
        for (size_t l = m; l <= degree; l++, i++) {
            double q = s->wave_number[l];
            for (int c = 0; c < 2; c++) {
                tendency->vorticity[i][c] = q * s->gradient[i][c];
                tendency->divergence[i][c] = q * (q * tendency->divergence[i][c] - s->curl[i][c]);
            }
        }
    }
    return sqrt(largest);
}

/* -div (h u), and the rest of the viscous term of h. */
static void add_mass(fc__layer *s, const fields *at, fields *tendency)
{
    size_t degree = s->config.degree;
    scale(s, s->wave_scale, true, at->surface, s->height);
    fc__harmonics_values(s->harmonics, s->height, s->surface);
    for (size_t p = 0; p < s->points; p++) {
        s->flux_south[p] = s->surface[p] * s->south[p];
        s->flux_east[p] = s->surface[p] * s->east[p];
    }
    fc__harmonics_vector_coefficients(s->harmonics, s->flux_south, s->flux_east, s->gradient,
                                      s->curl);
    for (size_t m = 0, i = 0; m <= degree; m++) {
        for (size_t l = m; l <= degree; l++, i++) {
            double by = s->wave_scale[l] * s->wave_number[l];
            for (int c = 0; c < 2; c++)
                tendency->surface[i][c] = by * s->gradient[i][c] + s->drift[l] * at->surface[i][c];
        }
    }
}

/* Everything but what the factors stand for; returns the largest speed. */
static double evaluate(fc__layer *s, const fields *at, fields *tendency)
{
    find_velocity(s, at);
    double speed = add_momentum(s, at, tendency);
    add_mass(s, at, tendency);
    return speed;
}

/* ---------------------------------------------------------------- state */

const fc__complex *fc__layer_vorticity(const fc__layer *layer)
{
    return layer->state.vorticity;
}

const fc__complex *fc__layer_divergence(const fc__layer *layer)
{
    return layer->state.divergence;
}

const fc__complex *fc__layer_height(fc__layer *layer)
{
    scale(layer, layer->wave_scale, true, layer->state.surface, layer->height);
    return layer->height;
}

void fc__layer_set(fc__layer *s, const double *south, const double *east, const double *height)
{
    size_t degree = s->config.degree;
    fc__harmonics_vector_coefficients(s->harmonics, south, east, s->gradient, s->curl);
    scale(s, s->wave_number, false, s->gradient, s->state.divergence);
    scale(s, s->wave_number, false, s->curl, s->state.vorticity);
    for (size_t i = 0; i < s->count; i++) {
        for (int c = 0; c < 2; c++) {
            s->state.divergence[i][c] *= -1.0;
            s->state.vorticity[i][c] *= -1.0;
        }
    }
    memset(s->state.surface, 0, s->count * sizeof *s->state.surface);
    if (height) {
        fc__layer_add_height(s, height);
        return;
    }
    find_velocity(s, &s->state);
    add_momentum(s, &s->state, &s->tendency[0]);
    for (size_t m = 0, i = 0; m <= degree; m++) {
        for (size_t l = m; l <= degree; l++, i++) {
            /* ddelta/dt = tendency + omega s h = 0 */
            double omega = s->wave_number[l] * sqrt(s->config.gravity * s->config.depth);
            for (int c = 0; c < 2; c++)
                s->state.surface[i][c] = l ? -s->tendency[0].divergence[i][c] / omega : 0.0;
        }
    }
}

void fc__layer_add_height(fc__layer *s, const double *height)
{
    fc__harmonics_coefficients(s->harmonics, height, s->height);
    scale(s, s->wave_scale, false, s->height, s->height);
    for (size_t i = 0; i < s->count; i++) {
        for (int c = 0; c < 2; c++)
            s->state.surface[i][c] += s->height[i][c];
    }
}

/* ---------------------------------------------------------------- time steps */

static void set_factors(fc__layer *s, double h)
{
    const fc__layer_config *c = &s->config;
    if (h == s->factors_step)
        return;
    s->factors_step = h;
    for (size_t l = 0; l <= c->degree; l++) {
        double q = s->wave_number[l], square = q * q - 1.0 / (c->radius * c->radius);
        double decay = l ? c->viscosity * square * square : 0.0;
        fc__complex slow[FC__EXPONENTIAL_FACTORS], wave[FC__EXPONENTIAL_FACTORS];
        fc__exponential_factors(-decay, 0.0, h, slow);
        fc__exponential_factors(-decay, -q * sqrt(c->gravity * c->depth), h, wave);
        for (int i = 0; i < FC__EXPONENTIAL_FACTORS; i++) {
            s->factors[i].slow[l] = slow[i][0];
            s->factors[i].real[l] = wave[i][0];
            s->factors[i].imaginary[l] = wave[i][1];
        }
    }
}

/* to += share factor x */
static void add(const fc__layer *s, int which, double share, const fields *x, fields *to)
{
    size_t degree = s->config.degree;
    const factor *f = &s->factors[which];
    for (size_t m = 0, i = 0; m <= degree; m++) {
        for (size_t l = m; l <= degree; l++, i++) {
            double slow = share * f->slow[l];
            double real = share * f->real[l], imaginary = share * f->imaginary[l];
            for (int c = 0; c < 2; c++) {
                double delta = x->divergence[i][c], surface = x->surface[i][c];
                to->vorticity[i][c] += slow * x->vorticity[i][c];
                to->divergence[i][c] += real * delta - imaginary * surface;
                to->surface[i][c] += imaginary * delta + real * surface;
            }
        }
    }
}

static void clear(const fc__layer *s, fields *f)
{
    memset(f->vorticity, 0, 3 * s->count * sizeof *f->vorticity);
}

/* One step as in exponential.h, the tendency at the state being there already. */
static void step(fc__layer *s, double h)
{
    fields *n = s->tendency, *a = &s->stage, *other = &s->next;
    set_factors(s, h);
    clear(s, a);
    add(s, FC__HALF, 1.0, &s->state, a);
    add(s, FC__FIRST, 1.0, &n[0], a);
    evaluate(s, a, &n[1]);
    clear(s, other);
    add(s, FC__HALF, 1.0, &s->state, other);
    add(s, FC__FIRST, 1.0, &n[1], other);
    evaluate(s, other, &n[2]);
    clear(s, other);
    add(s, FC__HALF, 1.0, a, other);
    add(s, FC__FIRST, 2.0, &n[2], other);
    add(s, FC__FIRST, -1.0, &n[0], other);
    evaluate(s, other, &n[3]);
    clear(s, other);
    add(s, FC__WHOLE, 1.0, &s->state, other);
    add(s, FC__START, 1.0, &n[0], other);
    add(s, FC__MIDDLE, 1.0, &n[1], other);
    add(s, FC__MIDDLE, 1.0, &n[2], other);
    add(s, FC__END, 1.0, &n[3], other);
    fields last = s->state;
    s->state = s->next;
    s->next = last;
    s->steps++;
}

/* For a mode carried by the speed U, y = degree U h / radius, the method is stable to y = 2.8. The
 * rotation of the earth, which turns waves into each other, bounds the step of accurate ones. */
static double largest_step(const fc__layer *s, double speed)
{
    return fmin(LONGEST_STEP, COURANT * s->config.radius / ((double)s->config.degree * speed));
}

fc_status fc__layer_advance(const fc_context *context, fc__layer *s, double duration,
                            double largest, double *elapsed)
{
    double time = 0.0, ignored;
    double *reached = elapsed ? elapsed : &ignored;
    while (time < duration) {
        *reached = time;
        double speed = evaluate(s, &s->state, &s->tendency[0]);
        double bound = largest_step(s, speed), remaining = duration - time;
        if (largest > 0.0 && largest < bound)
            bound = largest;
        if (!isfinite(s->tendency[0].vorticity[1][0]) || !(bound > SMALLEST_SHARE * duration))
            return FC_ERROR_SOLVER;
        if (context && fc_context_interrupted(context))
            return FC_INTERRUPTED;
        double count = ceil(remaining / bound);
        step(s, remaining / count);
        time = count > 1.0 ? time + remaining / count : duration;
    }
    *reached = duration;
    for (size_t i = 0; i < 3 * s->count; i++) { /* all three fields */
        if (!isfinite(s->state.vorticity[i][0]) || !isfinite(s->state.vorticity[i][1]))
            return FC_ERROR_SOLVER;
    }
    return FC_OK;
}
