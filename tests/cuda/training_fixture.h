/* training_fixture.h: decoders and frames for the tests of decoder training on a device, and a
 * differentiation there and by the processor. */
#ifndef FC_CUDA_TRAINING_FIXTURE_H
#define FC_CUDA_TRAINING_FIXTURE_H

#include "inr/engine.h"
#include "inr/fit_pass.h"
#include "tests/cuda/cuda_fixture.h"
#include "tests/inr/decoder_fixture.h"

typedef struct network_case {
    fc_filter_kind filter;
    size_t layers, channels, filters, codes;
    bool sphere;
} network_case;

/* How frames differ. */
typedef struct frames_case {
    bool shared; /* one point set for all */
    bool ragged; /* numbers of points differ */
    size_t frames, points;
    double missing; /* share of the values: of shared points the same in all frames */
} frames_case;

/* A decoder, frames with random values, and codes. */
typedef struct training {
    fc_decoder *decoder;
    fc_dataset *dataset;
    fc__frames frames;
    size_t parameters, codes, size; /* size: of all codes */
    float *z;
} training;

static inline size_t training_points(const frames_case *of, size_t frame)
{
    return of->ragged ? 1 + (of->points * (frame + 1)) / of->frames : of->points;
}

static inline void training_values(const frames_case *of, size_t channels, fc_sequence *sequence)
{
    fc__rng rng = fc__rng_create(11, 0);
    for (size_t f = 0; f < of->frames; f++) {
        size_t values = training_points(of, f) * channels;
        for (size_t i = 0; i < values; i++)
            sequence->frames[f].values[i] = (float)fc__rng_normal(&rng);
        rng.stream += of->shared ? 0 : 1;
        fc__rng draw = fc__rng_create(12, of->shared ? 0 : f);
        for (size_t i = 0; i < values; i++)
            if (fc__rng_uniform(&draw) < of->missing)
                sequence->frames[f].values[i] = NAN;
    }
}

static inline training make_training(fc_context *context, network_case network, frames_case of)
{
    training t = {0};
    fc_decoder_config config = small_config(network.filter, network.layers);
    fc_domain domain = network.sphere ? sphere_domain() : planar_domain();
    double *times = zeros(of.frames, sizeof *times);
    size_t *set = zeros(of.frames, sizeof *set);
    fc_sequence *sequence;
    config.channels = network.channels;
    config.filters = network.filters;
    config.codes = network.codes;
    t.decoder = make_decoder(context, domain, config);
    fc_decoder_layout at = fc_decoder_layout_of(&config, t.decoder->inputs);
    for (size_t i = at.w; i < at.head; i++) /* that neither few nor many layers make large states */
        t.decoder->parameters[i] *= 2.5f / sqrtf((float)at.width);
    CHECK(fc_dataset_create(context, &domain, config.channels, &t.dataset));
    for (size_t f = 0; f < of.frames; f++) {
        times[f] = (double)f;
        if (of.shared && f > 0)
            continue;
        double *x = random_points(&domain, training_points(&of, f), 50 + f);
        CHECK(fc_dataset_add_points(context, t.dataset, training_points(&of, f), x, NULL, &set[f]));
        free(x);
    }
    CHECK(fc_dataset_add_sequence(context, t.dataset, of.frames, times, set, &sequence));
    training_values(&of, config.channels, sequence);
    CHECK(fc__frames_select(context, t.dataset, 0, NULL, false, &t.frames));
    t.parameters = t.decoder->parameter_count;
    t.codes = config.codes;
    t.size = of.frames * config.codes;
    t.z = random_floats(t.size, 12);
    free(times);
    free(set);
    return t;
}

static inline void free_training(training *t)
{
    fc_decoder_destroy(t->decoder);
    fc__frames_clear(&t->frames);
    fc_dataset_destroy(t->dataset);
    free(t->z);
}

/* Which frames and points are looked at. */
typedef struct minibatch {
    size_t count;
    const size_t *chosen; /* NULL = the first `count` */
    size_t points;
    uint64_t seed;
} minibatch;

/* What comes of a differentiation. */
typedef struct derivative {
    double loss;
    float *gradient, *z, *z_bar; /* (parameters), (frames, C), (count, C) */
} derivative;

static inline derivative make_derivative(const training *t)
{
    derivative d = {.gradient = zeros(t->parameters, sizeof *d.gradient),
                    .z = zeros(t->size, sizeof *d.z),
                    .z_bar = zeros(t->size, sizeof *d.z_bar)};
    memcpy(d.z, t->z, t->size * sizeof *d.z);
    return d;
}

static inline void free_derivative(derivative *d)
{
    free(d->gradient);
    free(d->z);
    free(d->z_bar);
}

static inline derivative by_processor(fc_context *context, const training *t,
                                      fc__code_policy policy, minibatch batch)
{
    derivative d = make_derivative(t);
    fc__fit_pass *pass;
    assert_status(fc__fit_pass_create(context, t->decoder, &t->frames, policy, &pass), context);
    fc__fit_pass_sample(pass, batch.points, batch.seed);
    assert_status(fc__fit_pass_run(context, pass, batch.count, batch.chosen, d.z,
                                   policy == FC__CODES_ADAM ? d.z_bar : NULL, &d.loss, d.gradient),
                  context);
    fc__fit_pass_destroy(pass);
    return d;
}

static inline const fc__fit_steps *steps_of(const fc_context *context)
{
    return &fc__context_engine(context)->decoder->fit;
}

static inline void *open_fit(fc_context *context, const training *t, fc__code_policy policy)
{
    void *fit;
    assert_status(steps_of(context)->create(fc__context_engine(context)->device, context,
                                            t->decoder, &t->frames, policy,
                                            policy == FC__CODES_SOLVED ? NULL : t->z, &fit),
                  context);
    assert_non_null(fit);
    return fit;
}

/* The gradient g of codes shows in their first step: z - rate * g / (|g| + epsilon), which is
 * linear in g where epsilon is large. */
static inline void read_code_gradient(fc_context *context, const training *t, void *fit,
                                      minibatch batch, derivative *d)
{
    const double large = 1e12, factor = 1e4;
    const fc__adam adam = {.rate = large * factor, .beta1 = 0.0, .beta2 = 0.0, .epsilon = large};
    const fc__adam none = {.beta1 = 0.9, .beta2 = 0.9, .epsilon = 1.0};
    float *moved = zeros(t->size, sizeof *moved);
    assert_status(steps_of(context)->step(fit, context, 0, &none, &adam), context);
    assert_status(steps_of(context)->read(fit, context, NULL, NULL, moved), context);
    for (size_t f = 0; f < batch.count; f++)
        for (size_t c = 0; c < t->codes; c++) {
            size_t at = (batch.chosen ? batch.chosen[f] : f) * t->codes + c;
            d->z_bar[f * t->codes + c] = (d->z[at] - moved[at]) / (float)factor;
        }
    free(moved);
}

static inline derivative by_device(fc_context *context, const training *t, fc__code_policy policy,
                                   minibatch batch)
{
    derivative d = make_derivative(t);
    void *fit = open_fit(context, t, policy);
    const fc__fit_steps *steps = steps_of(context);
    assert_status(
        steps->differentiate(fit, context, batch.count, batch.chosen, batch.points, batch.seed),
        context);
    assert_status(steps->loss(fit, context, &d.loss), context);
    assert_status(steps->read(fit, context, d.gradient, NULL, d.z), context);
    if (policy == FC__CODES_ADAM)
        read_code_gradient(context, t, fit, batch, &d);
    steps->destroy(fit);
    return d;
}

/* Every group of parameters by itself, as their gradients differ in size. */
static inline void compare_gradients(const training *t, const float *a, const float *b,
                                     double tolerance)
{
    fc_decoder_layout at = fc_decoder_layout_of(&t->decoder->config, t->decoder->inputs);
    const size_t first[] = {at.omega, at.a, at.b, at.w, at.head, at.bias, at.count};
    for (size_t g = 0; g + 1 < sizeof first / sizeof *first; g++) {
        size_t size = first[g + 1] - first[g];
        bool moves = g > 0 || t->decoder->config.filter == FC_FILTER_TRAINABLE;
        double found = cuda_difference(size, a + first[g], b + first[g]);
        if (moves && !(found <= tolerance))
            fail_msg("gradients %zu differ by %.3g, at most %.3g is accepted", g, found, tolerance);
        for (size_t i = first[g]; !moves && i < first[g + 1]; i++)
            assert_true(a[i] == 0.0f);
    }
}

static inline void compare(fc_context *context, fc_context *plain, const training *t,
                           fc__code_policy policy, minibatch batch, double tolerance)
{
    derivative a = by_device(context, t, policy, batch);
    derivative b = by_processor(plain, t, policy, batch);
    assert_close(fabs(a.loss - b.loss) / b.loss, tolerance);
    for (size_t f = 0; f < batch.count; f++) {
        size_t at = (batch.chosen ? batch.chosen[f] : f) * t->codes;
        assert_close(cuda_difference(t->codes, a.z + at, b.z + at), tolerance);
    }
    if (policy == FC__CODES_ADAM)
        assert_close(cuda_difference(batch.count * t->codes, a.z_bar, b.z_bar), tolerance);
    compare_gradients(t, a.gradient, b.gradient, tolerance);
    free_derivative(&a);
    free_derivative(&b);
}

/* The last two are for layers that each point goes through. */
static const network_case training_networks[] = {
    {FC_FILTER_INTEGER, 0, 1, 6, 5, false},   {FC_FILTER_INTEGER, 3, 1, 9, 7, false},
    {FC_FILTER_RANDOM, 2, 2, 8, 5, true},     {FC_FILTER_TRAINABLE, 0, 2, 6, 4, true},
    {FC_FILTER_TRAINABLE, 2, 2, 5, 3, false}, {FC_FILTER_INTEGER, 6, 1, 7, 3, false},
    {FC_FILTER_RANDOM, 1, 3, 33, 4, false},
};
static const fc__code_policy training_policies[] = {FC__CODES_FIXED, FC__CODES_SOLVED,
                                                    FC__CODES_ADAM};

/* Loss and gradient over all points of all frames, which share these or do not. */
static inline void compare_networks(bool shared)
{
    enum { NETWORKS = sizeof training_networks / sizeof *training_networks };
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    for (size_t i = 0; i < 3 * NETWORKS; i++) {
        frames_case of = {.shared = shared,
                          .ragged = !shared && i % 3 > 0,
                          .frames = 5,
                          .points = 130,
                          .missing = i % 2 ? 0.3 : 0.0};
        training t = make_training(f.plain, training_networks[i % NETWORKS], of);
        compare(f.context, f.plain, &t, training_policies[i / NETWORKS], (minibatch){.count = 5},
                TOLERANCE_FP32);
        free_training(&t);
    }
    cuda_close(&f);
}

/* The same over a sample of points of some frames. */
static inline void compare_samples(bool shared)
{
    const size_t chosen[] = {3, 0, 6};
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    for (size_t i = 0; i < 6; i++) {
        frames_case of = {.shared = shared,
                          .ragged = !shared && i >= 3,
                          .frames = 7,
                          .points = 300,
                          .missing = 0.2};
        training t = make_training(f.plain, training_networks[2], of);
        minibatch batch = {.count = 3, .chosen = chosen, .points = 50, .seed = 77 + i};
        compare(f.context, f.plain, &t, training_policies[i % 3], batch, TOLERANCE_FP32);
        free_training(&t);
    }
    cuda_close(&f);
}

#endif
