/* model_fixture.h: small worlds whose truth is known in closed form, and models for them.
 *
 * Waves travel over a periodic 16 x 16 grid, each at its own frequency, so that the codes (a cosine
 * and a sine coefficient a wave) rotate: a linear oscillation. One model of them is written down by
 * hand and exact, others are trained. Three modes that exchange energy like a spinning rigid body
 * are the quadratic world, and a monthly record has seasons, red anomalies and a land mask. */
#ifndef FC_TESTS_ODE_MODEL_FIXTURE_H
#define FC_TESTS_ODE_MODEL_FIXTURE_H

#include "inr/support.h"
#include "ode/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WAVES = 4, CODES = 2 * WAVES, SIDE = 16, POINTS = SIDE * SIDE };

/* ---------------------------------------------------------------- helpers */

/* One thread: these worlds are so small that dividing them costs more than it saves. */
static inline int context_setup(void **state)
{
    fc_context *context;
    if (fc_context_create(1, &context) != FC_OK)
        return 1;
    *state = context;
    return 0;
}

static inline int context_teardown(void **state)
{
    fc_context_destroy(*state);
    return 0;
}

static inline void must(fc_context *context, fc_status status)
{
    if (status != FC_OK)
        fail_msg("%s: %s", fc_status_text(status), fc_context_message(context));
}

static inline void assert_message(fc_context *context, const char *part)
{
    if (!strstr(fc_context_message(context), part))
        fail_msg("\"%s\" is not in \"%s\"", part, fc_context_message(context));
}

/* Zeroed memory, or the test fails. */
static inline void *zeros(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    assert_non_null(memory);
    return memory;
}

static inline void *copied(const void *from, size_t count, size_t size)
{
    void *memory = zeros(count, size);
    memcpy(memory, from, count * size);
    return memory;
}

static inline void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.9g is not within %.3g of %.9g", value, tolerance, expected);
}

static inline void assert_below(double value, double limit)
{
    if (!(value < limit))
        fail_msg("%.6g is not below %.6g", value, limit);
}

/* Settings for comparing integrations that take different steps, as samples do in a batch and
 * alone: at the default tolerance their difference would show. */
static inline fc_integrator_config tight_integrator(void)
{
    fc_integrator_config config = fc_integrator_config_default();
    config.rtol = 1e-5;
    config.atol = 1e-6;
    return config;
}

static inline fc_axis axis_of(fc_axis_kind kind, double lower, double upper, const char *name)
{
    fc_axis axis = {.kind = kind, .lower = lower, .upper = upper};
    fc__copy_name(axis.name, name);
    return axis;
}

/* ---------------------------------------------------------------- waves */

static const int wave_number[WAVES][2] = {{1, 0}, {0, 1}, {1, 1}, {2, -1}};
static const double wave_frequency[WAVES] = {0.9, 0.5, -1.4, 1.9}; /* radians an hour */
static const double wave_deviation[WAVES] = {0.8, 0.6, 0.4, 0.25}; /* of a code */
static const double wave_mean[2] = {10.0, -3.0}, wave_scale[2] = {2.0, 0.5};

/* x in [0, 2), y in [-1, 2), both periodic */
static inline fc_domain wave_domain(void)
{
    return (fc_domain){.dims = 2,
                       .axis = {axis_of(FC_AXIS_PERIODIC, 0.0, 2.0, "x"),
                                axis_of(FC_AXIS_PERIODIC, -1.0, 2.0, "y")}};
}

/* A regular grid of side x side points; free() it. */
static inline double *wave_grid(size_t side)
{
    double *x = zeros(2 * side * side, sizeof *x);
    for (size_t p = 0; p < side * side; p++) {
        x[2 * p] = 2.0 * (double)(p % side) / (double)side;
        x[2 * p + 1] = -1.0 + 3.0 * (double)(p / side) / (double)side;
    }
    return x;
}

/* Codes of a sequence at a time (hours): N(0, deviation^2) at the start, then rotating. */
static inline void wave_codes(uint64_t seed, size_t sequence, double time, double z[CODES])
{
    fc__rng rng = fc__rng_create(seed, 100 + sequence);
    for (size_t w = 0; w < WAVES; w++) {
        double a = wave_deviation[w] * fc__rng_normal(&rng);
        double b = wave_deviation[w] * fc__rng_normal(&rng);
        double turn = wave_frequency[w] * time;
        z[2 * w] = a * cos(turn) - b * sin(turn);
        z[2 * w + 1] = a * sin(turn) + b * cos(turn);
    }
}

/* The field of codes at a point in physical units: cosine and sine of a wave's phase carry its two
 * codes in the first channel, sine and minus cosine in the second. */
static inline double wave_value(const double z[CODES], const double x[2], size_t channel)
{
    double sum = 0.0;
    for (size_t w = 0; w < WAVES; w++) {
        double phase =
            2.0 * M_PI * (wave_number[w][0] * x[0] / 2.0 + wave_number[w][1] * (x[1] + 1.0) / 3.0);
        sum += channel == 0 ? z[2 * w] * cos(phase) + z[2 * w + 1] * sin(phase)
                            : z[2 * w] * sin(phase) - z[2 * w + 1] * cos(phase);
    }
    return wave_mean[channel] + wave_scale[channel] * sum;
}

/* What a dataset of waves holds. */
typedef struct wave_world {
    size_t channels, sequences, frames;
    double start, step; /* hours */
    double noise;       /* standard deviation, of normalised values */
    uint64_t seed;
} wave_world;

static inline void name_channels(fc_dataset *dataset)
{
    static const char *const names[] = {"height", "speed"};
    for (size_t c = 0; c < dataset->channel_count; c++)
        fc__copy_name(dataset->channels[c].name, names[c]);
}

static inline fc_dataset *wave_dataset(fc_context *context, wave_world world)
{
    const size_t grid[FC_MAX_DIMS] = {SIDE, SIDE};
    fc_domain domain = wave_domain();
    fc_dataset *dataset;
    fc_sequence *sequence;
    size_t index, channels = world.channels;
    double *x = wave_grid(SIDE), *times = zeros(world.frames, sizeof *times), z[CODES];
    must(context, fc_dataset_create(context, &domain, channels, &dataset));
    name_channels(dataset);
    fc__copy_name(dataset->time.units, "hours");
    must(context, fc_dataset_add_points(context, dataset, POINTS, x, grid, &index));
    for (size_t f = 0; f < world.frames; f++)
        times[f] = world.start + world.step * (double)f;
    for (size_t s = 0; s < world.sequences; s++) {
        fc__rng rng = fc__rng_create(world.seed, 90000 + s);
        must(context,
             fc_dataset_add_sequence(context, dataset, world.frames, times, NULL, &sequence));
        for (size_t f = 0; f < world.frames; f++) {
            wave_codes(world.seed, s, times[f] - world.start, z);
            for (size_t i = 0; i < POINTS * channels; i++) {
                double error = world.noise * wave_scale[i % channels] * fc__rng_normal(&rng);
                sequence->frames[f].values[i] =
                    (float)(wave_value(z, x + 2 * (i / channels), i % channels) + error);
            }
        }
    }
    free(x);
    free(times);
    return dataset;
}

/* The decoder of the waves: one filter a wave, whose sine and cosine carry the two codes. */
static inline fc_decoder *wave_decoder(fc_context *context, size_t channels)
{
    fc_domain domain = wave_domain();
    fc_decoder_config config = fc_decoder_config_default();
    fc_decoder *decoder;
    config.codes = CODES;
    config.channels = channels;
    config.filters = WAVES;
    config.filter = FC_FILTER_INTEGER;
    must(context, fc_decoder_create(context, &domain, &config, &decoder));
    fc_decoder_layout at = fc_decoder_layout_of(&config, decoder->inputs);
    float *p = decoder->parameters;
    memset(p, 0, decoder->parameter_count * sizeof *p);
    for (size_t w = 0; w < WAVES; w++) {
        for (size_t j = 0; j < 2; j++)
            p[at.omega + 2 * w + j] = (float)wave_number[w][j];
        for (size_t c = 0; c < channels; c++) {
            float *sine = p + at.a + (c * 2 * WAVES + w) * CODES, *cosine = sine + WAVES * CODES;
            sine[2 * w + (c == 0 ? 1 : 0)] = 1.0f;
            cosine[2 * w + (c == 0 ? 0 : 1)] = c == 0 ? 1.0f : -1.0f;
        }
    }
    for (size_t i = 0; i < channels * 2 * WAVES; i++)
        p[at.head + i] = 1.0f;
    return decoder;
}

/* A model that is right by construction, for values with the given noise; model time is half hours.
 */
static inline fc_model *wave_model(fc_context *context, size_t channels, double noise)
{
    fc_model *model = zeros(1, sizeof *model);
    fc_field_config config = {.codes = CODES, .linear = true};
    double mean[CODES] = {0}, covariance[CODES * CODES] = {0};
    model->domain = wave_domain();
    model->channel_count = channels;
    model->channels = zeros(channels, sizeof *model->channels);
    model->mean = copied(wave_mean, channels, sizeof *model->mean);
    model->scale = copied(wave_scale, channels, sizeof *model->scale);
    model->noise = zeros(channels, sizeof *model->noise);
    model->time_scale = 0.5;
    model->horizon = 5.0;
    model->train_frames = 11;
    model->decoder = wave_decoder(context, channels);
    fc__copy_name(model->channels[0].name, "height");
    if (channels > 1)
        fc__copy_name(model->channels[1].name, "speed");
    fc__copy_name(model->time.units, "hours");
    for (size_t c = 0; c < channels; c++)
        model->noise[c] = fmax(noise * noise, 1e-8);
    must(context, fc_field_create(context, &config, 0, &model->field));
    float *a = model->field->parameters + fc_field_layout_of(&config).a;
    for (size_t w = 0; w < WAVES; w++) {
        float turn = (float)(wave_frequency[w] * model->time_scale);
        a[2 * w * CODES + 2 * w + 1] = -turn;
        a[(2 * w + 1) * CODES + 2 * w] = turn;
        for (size_t i = 2 * w; i < 2 * w + 2; i++)
            covariance[i * (CODES + 1)] = wave_deviation[w] * wave_deviation[w];
    }
    must(context, fc_prior_create(context, CODES, mean, covariance, &model->prior));
    return model;
}

/* ---------------------------------------------------------------- other worlds */

/* Euler's equations of a spinning body, a quadratic and energy-keeping flow, by fine RK4. */
static inline void spin_rate(const double a[3], double rate[3])
{
    rate[0] = 1.0 * a[1] * a[2];
    rate[1] = -1.6 * a[2] * a[0];
    rate[2] = 0.6 * a[0] * a[1];
}

static inline void spin(double time, double a[3])
{
    enum { STEPS = 40 };
    double h = time / STEPS, k[4][3], b[3];
    for (int n = 0; n < STEPS; n++) {
        spin_rate(a, k[0]);
        for (int stage = 1; stage < 4; stage++) {
            for (int i = 0; i < 3; i++)
                b[i] = a[i] + (stage == 3 ? h : 0.5 * h) * k[stage - 1][i];
            spin_rate(b, k[stage]);
        }
        for (int i = 0; i < 3; i++)
            a[i] += h / 6.0 * (k[0][i] + 2.0 * k[1][i] + 2.0 * k[2][i] + k[3][i]);
    }
}

static inline double spin_value(const double a[3], const double x[2])
{
    double p = M_PI * x[0], q = 2.0 * M_PI * (x[1] + 1.0) / 3.0;
    return 1.0 + a[0] * cos(p) + a[1] * sin(q) + a[2] * cos(p - q);
}

/* The amplitudes at the start of a sequence: a random point of a sphere of radius 1.2. */
static inline void spin_start(uint64_t seed, size_t sequence, double a[3])
{
    fc__rng rng = fc__rng_create(seed, 300 + sequence);
    double norm = 0.0;
    for (int i = 0; i < 3; i++) {
        a[i] = fc__rng_normal(&rng);
        norm += a[i] * a[i];
    }
    for (int i = 0; i < 3; i++)
        a[i] *= 1.2 / sqrt(norm);
}

static inline fc_dataset *spin_dataset(fc_context *context, size_t sequences, size_t frames,
                                       double step, uint64_t seed)
{
    wave_world world = {.channels = 1, .sequences = sequences, .frames = frames, .step = step};
    fc_dataset *dataset = wave_dataset(context, world);
    const double *x = dataset->points[0].coordinates;
    double a[3];
    for (size_t s = 0; s < sequences; s++) {
        spin_start(seed, s, a);
        for (size_t f = 0; f < frames; f++) {
            for (size_t p = 0; p < POINTS; p++)
                dataset->sequences[s].frames[f].values[p] = (float)spin_value(a, x + 2 * p);
            spin(step, a);
        }
    }
    return dataset;
}

enum { RECORD_LONGITUDES = 20, RECORD_LATITUDES = 9 };

/* A monthly record on a longitude-latitude grid: a mean field, seasons, three anomalies that forget
 * over months (AR(1)), noise of 0.05, and land where nothing is ever observed. */
static inline fc_dataset *monthly_record(fc_context *context, size_t months, uint64_t seed)
{
    enum { COUNT = RECORD_LONGITUDES * RECORD_LATITUDES };
    static const double memory[3] = {0.9, 0.85, 0.8};
    const size_t grid[FC_MAX_DIMS] = {RECORD_LATITUDES, RECORD_LONGITUDES};
    fc_domain domain = {.dims = 2,
                        .axis = {axis_of(FC_AXIS_LONGITUDE, 0.0, 360.0, "lon"),
                                 axis_of(FC_AXIS_LATITUDE, -60.0, 60.0, "lat")}};
    fc_dataset *dataset;
    fc_sequence *sequence;
    size_t index;
    double x[2 * COUNT], *times = zeros(months, sizeof *times), anomaly[3];
    fc__rng rng = fc__rng_create(seed, 17);
    for (size_t p = 0; p < COUNT; p++) {
        x[2 * p] = 360.0 / RECORD_LONGITUDES * (double)(p % RECORD_LONGITUDES);
        x[2 * p + 1] = -60.0 + 15.0 * (double)(p / RECORD_LONGITUDES);
    }
    for (size_t f = 0; f < months; f++)
        times[f] = 15.0 + 365.25 / 12.0 * (double)f;
    must(context, fc_dataset_create(context, &domain, 1, &dataset));
    name_channels(dataset);
    dataset->record = true;
    dataset->time.cycle = 365.25;
    fc__copy_name(dataset->time.units, "days since 1990-01-01");
    fc__copy_name(dataset->time.calendar, "standard");
    must(context, fc_dataset_add_points(context, dataset, COUNT, x, grid, &index));
    must(context, fc_dataset_add_sequence(context, dataset, months, times, NULL, &sequence));
    for (int k = 0; k < 3; k++)
        anomaly[k] = 0.5 * fc__rng_normal(&rng);
    for (size_t f = 0; f < months; f++) {
        double season = 2.0 * M_PI * times[f] / 365.25;
        for (size_t p = 0; p < COUNT; p++) {
            double lon = x[2 * p] * M_PI / 180.0, lat = x[2 * p + 1] * M_PI / 180.0;
            double value = 15.0 + 8.0 * cos(lat) + 1.5 * sin(lat) * cos(season) +
                           0.4 * cos(lat) * sin(2.0 * season) + anomaly[0] * cos(lat) * cos(lon) +
                           anomaly[1] * cos(lat) * sin(lon) + anomaly[2] * sin(lat) +
                           0.05 * fc__rng_normal(&rng);
            bool land = lon > 1.0 && lon < 2.0 && lat > -0.3;
            sequence->frames[f].values[p] = land ? NAN : (float)value;
        }
        for (int k = 0; k < 3; k++)
            anomaly[k] = memory[k] * anomaly[k] +
                         0.5 * sqrt(1.0 - memory[k] * memory[k]) * fc__rng_normal(&rng);
    }
    free(times);
    return dataset;
}

/* ---------------------------------------------------------------- training */

/* Nothing in it depends on the clock; the filters are given, as choosing them takes a while. The
 * dynamics is trained: test_training_equation.c has the other kind. */
static inline fc_train_config quick_config(uint64_t updates)
{
    fc_train_config config = fc_train_config_default();
    config.decoder.filters = 16;
    config.decoder.filter = FC_FILTER_INTEGER;
    config.field_kind = FC_FIELD_BILINEAR;
    config.dynamics.updates = updates;
    config.dynamics.batch = 32;
    config.dynamics.average = 0.98; /* the last phases are a few dozen updates */
    config.seed = 3;
    return config;
}

static inline fc_model *train(fc_context *context, const fc_dataset *dataset,
                              const fc_train_config *config)
{
    fc_training *training;
    bool done = false;
    must(context, fc_training_create(context, dataset, config, NULL, &training));
    while (!done)
        must(context, fc_training_run(training, 10.0, &done));
    fc_model *model = fc_training_take_model(training);
    fc_training_destroy(training);
    return model;
}

#endif
