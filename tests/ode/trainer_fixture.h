/* trainer_fixture.h: trajectories of known systems and fields to learn them. */
#ifndef FC_TESTS_TRAINER_FIXTURE_H
#define FC_TESTS_TRAINER_FIXTURE_H

#include "model_fixture.h"

enum { LINEAR = 4, PREY = 2, SEQUENCES = 24, FRAMES = 9 };

/* ---------------------------------------------------------------- trajectories of known systems */

typedef void exact_flow(double time, double *z);

/* Two oscillators with 0.5 and 0.8 radians an interval, the second damped. */
static inline void oscillate(double time, double *z)
{
    static const double turn[2] = {0.5, -0.8}, damping[2] = {0.0, 0.05};
    for (int k = 0; k < 2; k++) {
        double c = cos(turn[k] * time), s = sin(turn[k] * time), keep = exp(-damping[k] * time);
        double x = z[2 * k], y = z[2 * k + 1];
        z[2 * k] = keep * (c * x - s * y);
        z[2 * k + 1] = keep * (s * x + c * y);
    }
}

/* x' = x (0.4 - 0.5 y), y' = y (0.4 x - 0.3), about (0.9, 0.8), by fine RK4 steps. */
static inline void hunt(double time, double *z)
{
    enum { STEPS = 60 };
    double h = time / STEPS, k[5][2] = {{0}};
    for (int n = 0; n < STEPS; n++) {
        for (int stage = 1; stage < 5; stage++) {
            double step = stage == 1 ? 0.0 : stage == 4 ? h : 0.5 * h;
            double x = 0.9 + z[0] + step * k[stage - 1][0];
            double y = 0.8 + z[1] + step * k[stage - 1][1];
            k[stage][0] = x * (0.4 - 0.5 * y);
            k[stage][1] = y * (0.4 * x - 0.3);
        }
        for (int i = 0; i < 2; i++)
            z[i] += h / 6.0 * (k[1][i] + 2.0 * k[2][i] + 2.0 * k[3][i] + k[4][i]);
    }
}

typedef struct sample {
    fc_trajectories t;
    size_t *first;
    double *times;
    float *z;
} sample;

/* Random starts; intervals of 1, or between 0.6 and 1.6. */
static inline sample sample_create(exact_flow *flow, size_t codes, size_t count, size_t frames,
                                   bool unequal, uint64_t seed)
{
    sample s = {.first = zeros(count + 1, sizeof *s.first),
                .times = zeros(count * frames, sizeof *s.times),
                .z = zeros(count * frames * codes, sizeof *s.z)};
    fc__rng rng = fc__rng_create(seed, 55);
    double z[LINEAR];
    for (size_t k = 0; k < count; k++) {
        s.first[k] = k * frames;
        for (size_t i = 0; i < codes; i++)
            z[i] = 0.5 * (2.0 * fc__rng_uniform(&rng) - 1.0);
        for (size_t f = k * frames; f < (k + 1) * frames; f++) {
            for (size_t i = 0; i < codes; i++)
                s.z[f * codes + i] = (float)z[i];
            double interval = unequal ? 0.6 + fc__rng_uniform(&rng) : 1.0;
            if (f + 1 < (k + 1) * frames)
                s.times[f + 1] = s.times[f] + interval;
            flow(interval, z);
        }
    }
    s.first[count] = count * frames;
    s.t = (fc_trajectories){
        .codes = codes, .count = count, .first = s.first, .times = s.times, .z = s.z};
    return s;
}

/* Errors of measurement, which real codes have and without which nothing is left to learn badly. */
static inline void add_noise(sample *s, double deviation)
{
    fc__rng rng = fc__rng_create(12, 12);
    for (size_t i = 0; i < s->first[s->t.count] * s->t.codes; i++)
        s->z[i] += (float)(deviation * fc__rng_normal(&rng));
}

static inline void sample_clear(sample *s)
{
    free(s->first);
    free(s->times);
    free(s->z);
}

static inline fc_field *make_field(fc_context *context, size_t codes, size_t rank)
{
    fc_field_config config = {.codes = codes, .linear = true, .rank = rank};
    fc_field *field;
    must(context, fc_field_create(context, &config, 2, &field));
    return field;
}

static inline fc_dynamics_config budget(uint64_t updates)
{
    fc_dynamics_config config = fc_dynamics_config_default();
    config.updates = updates;
    config.batch = 32;
    config.rate = 5e-3;
    config.average = 0.98; /* the last phases of so short a schedule are a few dozen updates */
    config.seed = 8;
    return config;
}

/* A field of the given rank trained to the end. */
static inline fc_field *learn(fc_context *context, const sample *training, size_t rank,
                              uint64_t updates)
{
    fc_field *field = make_field(context, training->t.codes, rank);
    fc_dynamics_config config = budget(updates);
    fc_trainer *trainer;
    double loss, validation;
    bool done;
    must(context, fc_trainer_create(context, field, &training->t, NULL, &config, &trainer));
    must(context, fc_trainer_run(trainer, UINT64_MAX, &done, &loss, &validation));
    assert_true(done);
    assert_true(isnan(validation));
    fc_trainer_finish(trainer);
    fc_trainer_destroy(trainer);
    return field;
}

/* ---------------------------------------------------------------- forecasts */

enum { TESTS = 20, LEADS = 8 };

/* States of the truth (TESTS, count, codes) at times offset + 1, offset + 2, ... from fresh starts.
 */
static inline void true_states(exact_flow *flow, size_t codes, double offset, double *z0, double *z)
{
    fc__rng rng = fc__rng_create(777, 1);
    for (size_t s = 0; s < TESTS; s++) {
        double now[LINEAR];
        for (size_t i = 0; i < codes; i++)
            now[i] = z0[s * codes + i] = 0.5 * (2.0 * fc__rng_uniform(&rng) - 1.0);
        flow(1.0 + offset, now);
        for (size_t k = 0; k < LEADS; k++) {
            memcpy(z + (s * LEADS + k) * codes, now, codes * sizeof *now);
            flow(1.0, now);
        }
    }
}

static inline void integrate_states(fc_context *context, const fc_field *field, double offset,
                                    const double *z0, double *z)
{
    size_t codes = field->config.codes, counts[TESTS];
    double times[LEADS], *rows[TESTS];
    const double *wanted[TESTS];
    fc_integrator_config config = fc_integrator_config_default();
    config.rtol = config.atol = 1e-8;
    for (size_t k = 0; k < LEADS; k++)
        times[k] = (double)k + 1.0 + offset;
    for (size_t s = 0; s < TESTS; s++) {
        counts[s] = LEADS;
        wanted[s] = times;
        rows[s] = z + s * LEADS * codes;
    }
    must(context, fc_integrate(context, field, &config, TESTS, z0, counts, wanted, rows, NULL));
}

/* The same at whole intervals by RK4. */
static inline void step_states(const fc_field *field, size_t substeps, const double *z0, double *z)
{
    size_t codes = field->config.codes;
    fc_rk_plan plan = {.field = field->config,
                       .scheme = FC_RK_RK4,
                       .substeps = substeps,
                       .intervals = LEADS,
                       .batch = TESTS};
    float *dt = zeros(LEADS * TESTS, sizeof *dt),
          *work = zeros(fc_rk_work_size(&plan), sizeof *work);
    float *start = zeros(TESTS * codes, sizeof *start);
    float *rolled = zeros(LEADS * TESTS * codes, sizeof *rolled);
    for (size_t i = 0; i < LEADS * TESTS; i++)
        dt[i] = 1.0f;
    for (size_t i = 0; i < TESTS * codes; i++)
        start[i] = (float)z0[i];
    fc_rk_forward(&plan, field->parameters, dt, start, rolled, NULL, work);
    for (size_t s = 0; s < TESTS; s++)
        for (size_t k = 0; k < LEADS; k++)
            for (size_t i = 0; i < codes; i++)
                z[(s * LEADS + k) * codes + i] = (double)rolled[(k * TESTS + s) * codes + i];
    free(dt);
    free(work);
    free(start);
    free(rolled);
}

/* Root mean square difference. */
static inline double distance(size_t count, const double *a, const double *b)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum / (double)count);
}

static inline double forecast_error(fc_context *context, const fc_field *field, exact_flow *flow,
                                    double offset)
{
    size_t codes = field->config.codes, count = TESTS * LEADS * codes;
    double z0[TESTS * LINEAR], z[TESTS * LEADS * LINEAR], truth[TESTS * LEADS * LINEAR];
    double nothing[TESTS * LEADS * LINEAR] = {0};
    true_states(flow, codes, offset, z0, truth);
    integrate_states(context, field, offset, z0, z);
    return distance(count, z, truth) / distance(count, nothing, truth);
}

#endif
