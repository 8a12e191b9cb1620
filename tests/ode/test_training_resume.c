#include "ode/residual.h"
#include "training_fixture.h"

static float *floats(const float *from, size_t count)
{
    return copied(from, count, sizeof *from);
}

static double *doubles(const double *from, size_t count)
{
    return copied(from, count, sizeof *from);
}

/* A copy that shares nothing with the run, as a file would hold it. */
static fc_training_state state_copy(fc_context *context, fc_training *training)
{
    fc_training_state s = fc_training_get_state(training);
    const fc_model *from = s.model;
    fc_model *to = copied(from, 1, sizeof *from);
    size_t channels = from->channel_count, codes = from->decoder->config.codes;
    size_t parameters = s.trainer.parameter_count;
    to->channels = copied(from->channels, channels, sizeof *from->channels);
    to->mean = doubles(from->mean, channels);
    to->scale = doubles(from->scale, channels);
    to->noise = doubles(from->noise, channels);
    to->cycle.coefficient =
        doubles(from->cycle.coefficient ? from->cycle.coefficient : from->mean,
                from->cycle.coefficient ? 2 * from->cycle.harmonics * codes : 0);
    must(context, fc_decoder_create(context, &from->domain, &from->decoder->config, &to->decoder));
    memcpy(to->decoder->parameters, from->decoder->parameters,
           from->decoder->parameter_count * sizeof(float));
    must(context,
         fc_prior_create(context, codes, from->prior->mean, from->prior->covariance, &to->prior));
    must(context, fc_field_create(context, &from->field->config, 1, &to->field));
    memcpy(to->field->parameters, from->field->parameters, parameters * sizeof(float));
    must(context, fc__residual_copy(context, from, to));
    to->lead_time = from->lead_count ? doubles(from->lead_time, from->lead_count) : NULL;
    to->lead_variance =
        from->lead_count ? doubles(from->lead_variance, from->lead_count * codes) : NULL;
    s.model = to;
    s.trainer.parameters = floats(s.trainer.parameters, parameters);
    s.trainer.first_moment = floats(s.trainer.first_moment, parameters);
    s.trainer.second_moment = floats(s.trainer.second_moment, parameters);
    s.trainer.average = floats(s.trainer.average, parameters);
    s.trainer.best = floats(s.trainer.best, parameters);
    return s;
}

static void state_clear(fc_training_state *s)
{
    fc_model_destroy(s->model);
    free(s->trainer.parameters);
    free(s->trainer.first_moment);
    free(s->trainer.second_moment);
    free(s->trainer.average);
    free(s->trainer.best);
}

/* Stops after at least a third of the updates, saves, and goes on in a run of its own. */
static void resume_and_compare(fc_context *context, const fc_dataset *dataset,
                               const fc_train_config *config)
{
    fc_training *part = start(context, dataset, config, NULL);
    bool done = false;
    do
        must(context, fc_training_run(part, 1e-4, &done));
    while (!done && fc_training_get_report(part).share < 1.0 / 3.0);
    assert_false(done);
    fc_training_state saved = state_copy(context, part);
    fc_training_destroy(part);
    fc_training *again = start(context, dataset, config, &saved);
    assert_true(fc_training_get_report(again).share >= 1.0 / 3.0);
    assert_true(fc_training_get_report(again).seconds >= saved.seconds);
    finish(context, again);
    fc_model *resumed = fc_training_take_model(again);
    fc_model *whole = train(context, dataset, config);
    assert_same_model(whole, resumed);
    fc_training_destroy(again);
    fc_model_destroy(resumed);
    fc_model_destroy(whole);
    state_clear(&saved);
}

static void a_resumed_run_ends_with_the_same_bits(void **state)
{
    wave_world world = waves;
    world.noise = 0.05;
    fc_dataset *dataset = wave_dataset(*state, world);
    fc_train_config config = quick_config(6000);
    config.field_auto = false;
    config.field.rank = 24;
    resume_and_compare(*state, dataset, &config);
    fc_dataset_destroy(dataset);
}

static void a_resumed_run_on_a_record_with_seasons_ends_with_the_same_bits(void **state)
{
    fc_dataset *dataset = monthly_record(*state, 40, 1);
    fc_train_config config = quick_config(6000);
    config.decoder.filter = FC_FILTER_RANDOM;
    config.decoder.bandwidth = 2.0;
    config.field_auto = false;
    config.field.rank = 24;
    resume_and_compare(*state, dataset, &config);
    fc_dataset_destroy(dataset);
}

static void a_checkpoint_without_its_decoder_or_of_other_data_is_refused(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    fc_train_config config = quick_config(100);
    fc_training *training = start(*state, dataset, &config, NULL), *again;
    fc_training_state saved = fc_training_get_state(training);
    fc_model empty = {0};
    fc_training_state lacking = {.model = &empty};
    assert_int_equal(fc_training_create(*state, dataset, &config, &lacking, &again), FC_ERROR_DATA);
    assert_message(*state, "lacks its decoder or field");
    assert_null(again);
    fc__copy_name(dataset->channels[0].name, "depth");
    assert_int_equal(fc_training_create(*state, dataset, &config, &saved, &again), FC_ERROR_DATA);
    assert_message(*state, "channel 0 is called depth; the model was trained on height");
    fc_training_destroy(training);
    fc_dataset_destroy(dataset);
}

/* A checkpoint is a model: it encodes and decodes before its dynamics is ready. */
static void a_half_trained_state_holds_a_usable_model(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    fc_train_config config = quick_config(4000);
    fc_training *training = start(*state, dataset, &config, NULL);
    bool done;
    must(*state, fc_training_run(training, 1e-3, &done));
    fc_training_state saved = fc_training_get_state(training);
    fc_evaluate_config evaluate = fc_evaluate_config_default();
    fc_evaluation *e;
    must(*state, fc_model_evaluate(*state, saved.model, dataset, &evaluate, &e));
    assert_below(e->encode.rel_l2, 1e-3);
    fc_evaluation_destroy(e);
    fc_training_destroy(training);
    fc_dataset_destroy(dataset);
}

static void an_interruption_leaves_a_run_that_can_be_saved(void **state)
{
    fc_context *stopped;
    fc_dataset *dataset = wave_dataset(*state, waves);
    fc_train_config config = quick_config(500);
    bool done = false;
    must(*state, fc_context_create(1, &stopped));
    fc_training *part = start(stopped, dataset, &config, NULL);
    fc_context_interrupt(stopped);
    assert_int_equal(fc_training_run(part, 10.0, &done), FC_INTERRUPTED);
    assert_false(done);
    fc_training_state saved = fc_training_get_state(part);
    fc_training *again = start(*state, dataset, &config, &saved);
    finish(*state, again);
    fc_model *resumed = fc_training_take_model(again), *whole = train(*state, dataset, &config);
    assert_same_model(whole, resumed);
    fc_training_destroy(part);
    fc_training_destroy(again);
    fc_model_destroy(resumed);
    fc_model_destroy(whole);
    fc_dataset_destroy(dataset);
    fc_context_destroy(stopped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_run_ends_with_the_same_bits),
        cmocka_unit_test(a_resumed_run_on_a_record_with_seasons_ends_with_the_same_bits),
        cmocka_unit_test(a_checkpoint_without_its_decoder_or_of_other_data_is_refused),
        cmocka_unit_test(a_half_trained_state_holds_a_usable_model),
        cmocka_unit_test(an_interruption_leaves_a_run_that_can_be_saved),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
