/* training_fixture.h: a small world to train on, and runs from beginning to end. */
#ifndef FC_TEST_ODE_TRAINING_FIXTURE_H
#define FC_TEST_ODE_TRAINING_FIXTURE_H

#include "model_fixture.h"
#include "ode/residual.h"

static const wave_world waves = {
    .channels = 1, .sequences = 12, .frames = 10, .start = 4.0, .step = 0.5, .seed = 1};

static inline fc_training *start(fc_context *context, const fc_dataset *dataset,
                                 const fc_train_config *config, const fc_training_state *resumed)
{
    fc_training *training;
    must(context, fc_training_create(context, dataset, config, resumed, &training));
    return training;
}

static inline void finish(fc_context *context, fc_training *training)
{
    bool done = false;
    while (!done)
        must(context, fc_training_run(training, 10.0, &done));
}

static inline void assert_same_doubles(size_t count, const double *a, const double *b)
{
    assert_memory_equal(a, b, count * sizeof *a);
}

static inline void assert_same_model(const fc_model *a, const fc_model *b)
{
    size_t codes = a->decoder->config.codes;
    assert_int_equal(codes, b->decoder->config.codes);
    assert_int_equal(a->lead_count, b->lead_count);
    assert_int_equal(a->calibration_count, b->calibration_count);
    assert_int_equal(a->cycle.harmonics, b->cycle.harmonics);
    assert_memory_equal(a->decoder->parameters, b->decoder->parameters,
                        a->decoder->parameter_count * sizeof(float));
    assert_memory_equal(a->field->parameters, b->field->parameters,
                        a->field->parameter_count * sizeof(float));
    assert_same_doubles(codes, a->prior->mean, b->prior->mean);
    assert_same_doubles(codes * codes, a->prior->covariance, b->prior->covariance);
    assert_same_doubles(a->channel_count, a->noise, b->noise);
    assert_same_doubles(a->channel_count, a->mean, b->mean);
    if (a->cycle.harmonics)
        assert_same_doubles(2 * a->cycle.harmonics * codes, a->cycle.coefficient,
                            b->cycle.coefficient);
    assert_same_doubles(a->lead_count * codes, a->lead_variance, b->lead_variance);
    assert_int_equal(a->residual.lead_count, b->residual.lead_count);
    if (a->residual.lead_count) {
        assert_same_doubles(a->lead_count, a->residual.departure, b->residual.departure);
        assert_same_doubles(a->lead_count, a->residual.decay, b->residual.decay);
        assert_same_doubles(codes * codes, a->residual.baseline, b->residual.baseline);
    }
    assert_same_doubles(a->calibration_count, a->calibration_factor, b->calibration_factor);
    assert_true(a->floor_mse == b->floor_mse);
    assert_true(a->horizon == b->horizon && a->time_scale == b->time_scale);
}

#endif
