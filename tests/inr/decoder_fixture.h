/* decoder_fixture.h: domains, points and weights that the decoder's tests share. */
#ifndef FC_TESTS_INR_DECODER_FIXTURE_H
#define FC_TESTS_INR_DECODER_FIXTURE_H

#include "inr/basis.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHECK(call) assert_int_equal((call), FC_OK)

static inline fc_axis axis_of(fc_axis_kind kind, double lower, double upper, const char *name)
{
    fc_axis axis = {.kind = kind, .lower = lower, .upper = upper};
    fc__copy_name(axis.name, name);
    return axis;
}

/* A periodic axis [0, 1) and a plain axis [-1, 2]. */
static inline fc_domain planar_domain(void)
{
    return (fc_domain){
        .dims = 2,
        .axis = {axis_of(FC_AXIS_PERIODIC, 0.0, 1.0, "x"), axis_of(FC_AXIS_PLAIN, -1.0, 2.0, "y")}};
}

/* Depth beside longitude and latitude. */
static inline fc_domain sphere_domain(void)
{
    return (fc_domain){.dims = 3,
                       .axis = {axis_of(FC_AXIS_PLAIN, 0.0, 4.0, "depth"),
                                axis_of(FC_AXIS_LONGITUDE, 0.0, 360.0, "lon"),
                                axis_of(FC_AXIS_LATITUDE, -90.0, 90.0, "lat")}};
}

/* Longitude and latitude from -north to north. */
static inline fc_domain zone_domain(double north)
{
    return (fc_domain){.dims = 2,
                       .axis = {axis_of(FC_AXIS_LONGITUDE, 0.0, 360.0, "lon"),
                                axis_of(FC_AXIS_LATITUDE, -north, north, "lat")}};
}

static inline fc_decoder_config small_config(fc_filter_kind filter, size_t layers)
{
    fc_decoder_config config = fc_decoder_config_default();
    config.codes = 5;
    config.channels = 2;
    config.layers = layers;
    config.filters = 6;
    config.filter = filter;
    config.bandwidth = 6.0;
    config.seed = 7;
    return config;
}

static inline fc_decoder *make_decoder(fc_context *context, fc_domain domain,
                                       fc_decoder_config config)
{
    fc_decoder *decoder;
    fc_status status = fc_decoder_create(context, &domain, &config, &decoder);
    if (status != FC_OK)
        fail_msg("%s", fc_context_message(context));
    /* Weights of which none is zero or one, as the initial ones partly are. */
    fc_decoder_layout layout = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    fc__rng rng = fc__rng_create(99, 0);
    for (size_t i = layout.a; i < layout.count; i++)
        decoder->parameters[i] = (float)(0.4 * fc__rng_normal(&rng));
    return decoder;
}

/* Zeroed memory, or the test fails. */
static inline void *zeros(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    assert_non_null(memory);
    return memory;
}

static inline double *random_points(const fc_domain *domain, size_t count, uint64_t seed)
{
    double *points = zeros(count * domain->dims, sizeof *points);
    fc__rng rng = fc__rng_create(seed, 1);
    for (size_t i = 0; i < count * domain->dims; i++) {
        const fc_axis *axis = &domain->axis[i % domain->dims];
        points[i] = axis->lower + (axis->upper - axis->lower) * fc__rng_uniform(&rng);
    }
    return points;
}

static inline double *random_doubles(size_t count, uint64_t seed)
{
    double *numbers = zeros(count, sizeof *numbers);
    fc__rng rng = fc__rng_create(seed, 2);
    for (size_t i = 0; i < count; i++)
        numbers[i] = fc__rng_normal(&rng);
    return numbers;
}

static inline float *random_floats(size_t count, uint64_t seed)
{
    float *numbers = zeros(count, sizeof *numbers);
    fc__rng rng = fc__rng_create(seed, 2);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (float)fc__rng_normal(&rng);
    return numbers;
}

static inline double *to_double(size_t count, const float *numbers)
{
    double *copy = zeros(count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = (double)numbers[i];
    return copy;
}

/* max |a - b| / max |b| */
static inline double difference(size_t count, const double *a, const double *b)
{
    double largest = 0.0, scale = 0.0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(a[i] - b[i]));
        scale = fmax(scale, fabs(b[i]));
        if (isnan(a[i]))
            return INFINITY;
    }
    return largest / (scale > 0.0 ? scale : 1.0);
}

static inline double difference_float(size_t count, const float *a, const double *b)
{
    double *wide = to_double(count, a), result = difference(count, wide, b);
    free(wide);
    return result;
}

static inline int context_setup(void **state)
{
    fc_context *context;
    CHECK(fc_context_create(2, &context));
    *state = context;
    return 0;
}

static inline int context_teardown(void **state)
{
    fc_context_destroy(*state);
    return 0;
}

#endif
