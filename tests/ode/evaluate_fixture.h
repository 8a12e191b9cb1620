/* evaluate_fixture.h: scores in the most obvious way, and what is scored. */
#ifndef FC_TEST_ODE_EVALUATE_FIXTURE_H
#define FC_TEST_ODE_EVALUATE_FIXTURE_H

#include "model_fixture.h"
#include "ode/evaluate.h"

#define TOLERANCE_PLAIN 1e-4     /* scores against plain loops over float fields, relative */
#define TOLERANCE_COVERAGE 0.025 /* shares of 400 x 256 Gaussian values */

/* ---------------------------------------------------------------- plain scores */

/* Sums in the most obvious way. */
typedef struct plain {
    double square, values, relative, frames;
} plain;

static inline void plain_add(plain *sum, size_t points, size_t channels, const float *u,
                             const float *truth, const bool *seen, bool flag)
{
    double square = 0.0, energy = 0.0;
    size_t values = 0;
    for (size_t i = 0; i < points * channels; i++) {
        if (isnan(truth[i]) || isnan(u[i]) || (seen && seen[i / channels] != flag))
            continue;
        square += pow((double)u[i] - (double)truth[i], 2.0);
        energy += pow((double)truth[i], 2.0);
        values++;
    }
    if (values) {
        sum->square += square;
        sum->values += (double)values;
        sum->relative += sqrt(square / energy);
        sum->frames += 1.0;
    }
}

static inline void assert_score(fc_score score, const plain *sum)
{
    assert_near(score.mse / (sum->square / sum->values), 1.0, TOLERANCE_PLAIN);
    assert_near(score.rel_l2 / (sum->relative / sum->frames), 1.0, TOLERANCE_PLAIN);
}

static inline void assert_no_score(fc_score score)
{
    assert_true(isnan(score.mse) && isnan(score.rel_l2));
}

/* Fields (count, points, channels) of a sequence from departure z0 at its frame `start`, at the
 * frames start + offset[k]. */
static inline float *plain_forecast(fc_context *context, const fc_model *model,
                                    const fc_dataset *dataset, size_t s, size_t start, size_t count,
                                    const size_t *offset, const double *z0)
{
    const fc_frame *frames = dataset->sequences[s].frames + start;
    double *times = zeros(count, sizeof *times), *z = zeros(count * CODES, sizeof *z), at[CODES];
    const double *wanted = times;
    float *u = zeros(count * POINTS * dataset->channel_count, sizeof *u);
    fc_integrator_config config = tight_integrator();
    for (size_t k = 0; k < count; k++)
        times[k] = (frames[offset[k]].time - frames[0].time) / model->time_scale;
    must(context, fc_integrate(context, model->field, &config, 1, z0, &count, &wanted, &z, NULL));
    for (size_t k = 0; k < count; k++) {
        fc__cycle_at(model, frames[offset[k]].time, at);
        for (size_t i = 0; i < CODES; i++)
            z[k * CODES + i] += at[i];
    }
    must(context,
         fc_model_decode(context, model, POINTS, dataset->points[0].coordinates, count, z, u));
    free(times);
    free(z);
    return u;
}

/* The field of the prior's mean and the cycle at a time. */
static inline void plain_mean(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                              double time, float *u)
{
    double z[CODES];
    fc__cycle_at(model, time, z);
    for (size_t i = 0; i < CODES; i++)
        z[i] += model->prior->mean[i];
    must(context, fc_model_decode(context, model, POINTS, dataset->points[0].coordinates, 1, z, u));
}

/* Departure codes of a frame from everything observed in it. */
static inline void plain_encode(fc_context *context, const fc_model *model,
                                const fc_dataset *dataset, const fc_frame *frame, double z[CODES])
{
    double at[CODES];
    must(context, fc_model_encode(context, model, frame->time, POINTS,
                                  dataset->points[0].coordinates, frame->values, z, NULL));
    fc__cycle_at(model, frame->time, at);
    for (size_t i = 0; i < CODES; i++)
        z[i] -= at[i];
}

static inline fc_evaluation *evaluate(fc_context *context, const fc_model *model,
                                      const fc_dataset *dataset, const fc_evaluate_config *config)
{
    fc_evaluation *e;
    must(context, fc_model_evaluate(context, model, dataset, config, &e));
    return e;
}

/* ---------------------------------------------------------------- sequences */

enum { FRAMES = 8 };
static const size_t every_frame[FRAMES] = {0, 1, 2, 3, 4, 5, 6, 7};

/* Noisy waves of two channels over 0 to 7 hours, of which the model's horizon is 5, with holes. */
static inline fc_dataset *holey_waves(fc_context *context)
{
    fc_dataset *dataset = wave_dataset(
        context,
        (wave_world){
            .channels = 2, .sequences = 3, .frames = FRAMES, .step = 1.0, .noise = 0.1, .seed = 5});
    for (size_t f = 0; f < FRAMES; f++)
        for (size_t i = 0; i < 2 * POINTS; i += 7 + f)
            dataset->sequences[1].frames[f].values[i] = NAN;
    return dataset;
}

/* A mean that is not zero, so that climatology is more than the normalisation's mean. */
static inline fc_model *shifted_model(fc_context *context)
{
    fc_model *model = wave_model(context, 2, 0.1);
    for (size_t i = 0; i < CODES; i++)
        model->prior->mean[i] = 0.05 * (double)(i + 1);
    return model;
}

/* ---------------------------------------------------------------- records */

enum { MONTHS = 40, TRAINED = 24 };

/* Two years of training and some of test in one record of noisy waves, one step a month. */
static inline fc_dataset *wave_record(fc_context *context, size_t months)
{
    fc_dataset *dataset = wave_dataset(context, (wave_world){.channels = 2,
                                                             .sequences = 1,
                                                             .frames = months,
                                                             .start = 3.0,
                                                             .step = 0.5,
                                                             .noise = 0.2,
                                                             .seed = 6});
    dataset->record = true;
    dataset->time.cycle = 6.0;
    for (size_t i = 5; i < 2 * POINTS; i += 11) /* land */
        for (size_t f = 0; f < months; f++)
            dataset->sequences[0].frames[f].values[i] = NAN;
    return dataset;
}

static inline fc_model *record_model(fc_context *context)
{
    fc_model *model = wave_model(context, 2, 0.2);
    model->record = true;
    model->time.cycle = 6.0;
    model->time_origin = 3.0;
    model->horizon = 0.5 * (TRAINED - 1);
    model->train_frames = 0;
    model->cycle.period = 6.0;
    model->cycle.harmonics = 1;
    model->cycle.coefficient = zeros(2 * CODES, sizeof *model->cycle.coefficient);
    for (size_t i = 0; i < 2 * CODES; i++)
        model->cycle.coefficient[i] = 0.1 - 0.01 * (double)i;
    return model;
}

#endif
