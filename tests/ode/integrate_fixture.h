/* integrate_fixture.h: fields with known solutions, and the results of many samples. */
#ifndef FC_TESTS_INTEGRATE_FIXTURE_H
#define FC_TESTS_INTEGRATE_FIXTURE_H

#include "inr/support.h"
#include "ode/ode.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---------------------------------------------------------------- fields */

static inline int create_context(void **state)
{
    fc_context *context;
    if (fc_context_create(1, &context) != FC_OK)
        return 1;
    *state = context;
    return 0;
}

static inline int destroy_context(void **state)
{
    fc_context_destroy(*state);
    return 0;
}

static inline fc_field *create_field(fc_context *context, fc_field_config config)
{
    fc_field *field;
    assert_int_equal(fc_field_create(context, &config, 5, &field), FC_OK);
    return field;
}

static inline fc_field *create_linear(fc_context *context, size_t codes, const float *a)
{
    fc_field *field = create_field(context, (fc_field_config){.codes = codes, .linear = true});
    fc_field_layout at = fc_field_layout_of(&field->config);
    memcpy(field->parameters + at.a, a, codes * codes * sizeof *a);
    return field;
}

/* z' = (-y, x) */
static inline fc_field *create_oscillator(fc_context *context)
{
    const float a[4] = {0, -1, 1, 0};
    return create_linear(context, 2, a);
}

/* z' = z^2, whose solution z0 / (1 - z0 t) ends at t = 1 / z0 */
static inline fc_field *create_square(fc_context *context)
{
    fc_field *field = create_field(context, (fc_field_config){.codes = 1, .rank = 1});
    fc_field_layout at = fc_field_layout_of(&field->config);
    field->parameters[at.v] = field->parameters[at.w] = field->parameters[at.u] = 1;
    field->parameters[at.va] = field->parameters[at.wd] = 0;
    return field;
}

/* x' = -y s, y' = x s, s' = 0: a rotation whose rate is part of the state */
static inline fc_field *create_rotor(fc_context *context)
{
    fc_field *field = create_field(context, (fc_field_config){.codes = 3, .rank = 2});
    fc_field_layout at = fc_field_layout_of(&field->config);
    const float v[6] = {0, 1, 0, 1, 0, 0}, w[6] = {0, 0, 1, 0, 0, 1}, u[6] = {-1, 0, 0, 1, 0, 0};
    memcpy(field->parameters + at.v, v, sizeof v);
    memcpy(field->parameters + at.w, w, sizeof w);
    memcpy(field->parameters + at.u, u, sizeof u);
    memset(field->parameters + at.va, 0, 2 * sizeof(float));
    memset(field->parameters + at.wd, 0, 2 * sizeof(float));
    return field;
}

/* Every part switched on, with bounded trajectories. */
static inline fc_field *create_full(fc_context *context)
{
    fc_field *field = create_field(
        context, (fc_field_config){.codes = 6, .linear = true, .rank = 9, .hidden = 4});
    fc_field_layout at = fc_field_layout_of(&field->config);
    fc__rng rng = fc__rng_create(3, 3);
    for (size_t i = at.m1; i < at.count; i++)
        field->parameters[i] = (float)(0.3 * fc__rng_normal(&rng));
    for (size_t i = 0; i < 36; i++)
        field->parameters[at.a + i] =
            (float)(0.6 * fc__rng_normal(&rng)) - (i % 7 == 0 ? 2.0F : 0.0F);
    return field;
}

/* ---------------------------------------------------------------- trajectories */

/* Wanted times and results of several samples. */
typedef struct trajectories {
    size_t samples, codes, *counts;
    double **times, **z, *z0;
    fc_integration *integrations;
} trajectories;

static inline trajectories trajectories_create(size_t samples, size_t codes)
{
    trajectories t = {.samples = samples, .codes = codes};
    t.counts = calloc(samples, sizeof *t.counts);
    t.times = calloc(samples, sizeof *t.times);
    t.z = calloc(samples, sizeof *t.z);
    t.z0 = calloc(samples * codes, sizeof *t.z0);
    t.integrations = calloc(samples, sizeof *t.integrations);
    return t;
}

/* times (i + 1) step, or i step when zero is wanted */
static inline void want_times(trajectories *t, size_t sample, size_t count, double step, bool zero)
{
    t->counts[sample] = count;
    t->times[sample] = calloc(count + 1, sizeof *t->times[sample]);
    t->z[sample] = calloc((count + 1) * t->codes, sizeof *t->z[sample]);
    for (size_t i = 0; i < count; i++)
        t->times[sample][i] = step * (double)(zero ? i : i + 1);
}

static inline void random_starts(trajectories *t, uint64_t seed)
{
    fc__rng rng = fc__rng_create(seed, 1);
    for (size_t i = 0; i < t->samples * t->codes; i++)
        t->z0[i] = 0.6 * fc__rng_normal(&rng);
}

static inline void trajectories_destroy(trajectories *t)
{
    for (size_t i = 0; i < t->samples; i++) {
        free(t->times[i]);
        free(t->z[i]);
    }
    free(t->counts);
    free(t->times);
    free(t->z);
    free(t->z0);
    free(t->integrations);
}

static inline fc_status integrate(fc_context *context, const fc_field *field,
                                  fc_integrator_config config, trajectories *t)
{
    return fc_integrate(context, field, &config, t->samples, t->z0, t->counts,
                        (const double *const *)t->times, t->z, t->integrations);
}

static inline fc_integrator_config tolerance(double rtol)
{
    fc_integrator_config config = fc_integrator_config_default();
    config.rtol = rtol;
    config.atol = 0.1 * rtol;
    return config;
}

static inline double largest_difference(size_t count, const double *x, const double *y)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++)
        if (!(fabs(x[i] - y[i]) <= worst))
            worst = isnan(x[i] - y[i]) ? INFINITY : fabs(x[i] - y[i]);
    return worst;
}

#endif
