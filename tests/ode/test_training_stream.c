/* Training on values that stay where they are until they are needed: the same bits as with all of
 * them in memory, within a limit. */
#include "model_fixture.h"
#include "ode/evaluate.h"
#include "tests/inr/unread_fixture.h"

#include <stdio.h>

static const wave_world waves = {.channels = 2,
                                 .sequences = 12,
                                 .frames = 10,
                                 .start = 4.0,
                                 .step = 0.5,
                                 .noise = 0.05,
                                 .seed = 1};

static void assert_same(size_t count, size_t size, const void *a, const void *b)
{
    if (count)
        assert_memory_equal(a, b, count * size);
}

static void assert_same_model(const fc_model *a, const fc_model *b)
{
    size_t codes = a->decoder->config.codes, channels = a->channel_count;
    assert_int_equal(codes, b->decoder->config.codes);
    assert_int_equal(a->lead_count, b->lead_count);
    assert_int_equal(a->calibration_count, b->calibration_count);
    assert_int_equal(a->cycle.harmonics, b->cycle.harmonics);
    assert_int_equal(a->field->parameter_count, b->field->parameter_count);
    assert_same(a->decoder->parameter_count, 4, a->decoder->parameters, b->decoder->parameters);
    assert_same(a->field->parameter_count, 4, a->field->parameters, b->field->parameters);
    assert_same(codes, 8, a->prior->mean, b->prior->mean);
    assert_same(codes * codes, 8, a->prior->covariance, b->prior->covariance);
    assert_same(channels, 8, a->noise, b->noise);
    assert_same(channels, 8, a->mean, b->mean);
    assert_same(channels, 8, a->scale, b->scale);
    assert_same(2 * a->cycle.harmonics * codes, 8, a->cycle.coefficient, b->cycle.coefficient);
    assert_same(a->lead_count * codes, 8, a->lead_variance, b->lead_variance);
    assert_same(a->calibration_count, 8, a->calibration_factor, b->calibration_factor);
    assert_same(a->calibration_count, 8, a->calibration_values, b->calibration_values);
    assert_true(a->floor_mse == b->floor_mse);
}

/* Trains on the dataset and on one whose values are read, in the same way. */
static void compare_runs(fc_context *context, const fc_dataset *dataset,
                         const fc_train_config *config)
{
    unread_source source;
    fc_dataset *unread = unread_dataset(dataset, 3, &source);
    fc_model *whole = train(context, dataset, config);
    fc_model *streamed = train(context, unread, config);
    assert_true(source.frames > 0);
    assert_false(source.together);
    assert_null(unread->sequences[0].frames[0].values);
    assert_same_model(whole, streamed);
    fc_model_destroy(whole);
    fc_model_destroy(streamed);
    fc_dataset_destroy(unread);
}

static void a_streamed_training_ends_with_the_bits_of_one_in_memory(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    fc_train_config config = quick_config(600);
    compare_runs(*state, dataset, &config);
    config.fit_frames = 37;
    compare_runs(*state, dataset, &config);
    config.memory = (size_t)400 << 20;
    config.train_frames = 7;
    compare_runs(*state, dataset, &config);
    fc_dataset_destroy(dataset);
}

static void a_streamed_record_with_seasons_ends_with_the_same_bits(void **state)
{
    fc_dataset *dataset = monthly_record(*state, 60, 1);
    fc_train_config config = quick_config(600);
    config.decoder.filter = FC_FILTER_RANDOM;
    config.decoder.bandwidth = 2.0;
    compare_runs(*state, dataset, &config);
    config.until = 1400.0;
    config.fit_frames = 30;
    compare_runs(*state, dataset, &config);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- the passes in many blocks */

static void codes_do_not_depend_on_the_blocks(void **state)
{
    wave_world world = waves;
    world.sequences = 150; /* more frames than are encoded together */
    fc_dataset *dataset = wave_dataset(*state, world);
    unread_source source;
    fc_dataset *unread = unread_dataset(dataset, 7, &source);
    fc_model *model = wave_model(*state, 2, 0.05);
    size_t batch = fc__encoding_batch(dataset), frame = fc__largest_frame(dataset), count;
    fc__place *places;
    must(*state, fc__places_of_all(*state, dataset, &count, &places));
    assert_true(batch < count);
    double *whole = zeros(count * CODES, sizeof *whole), *parts = zeros(count * CODES, 8);
    double square[2], again[2];
    must(*state, fc__normalised_codes(*state, model, model->prior, dataset, count, places, 0, whole,
                                      square));
    must(*state, fc__normalised_codes(*state, model, model->prior, unread, count, places,
                                      2 * batch * frame, parts, again));
    assert_memory_equal(whole, parts, count * CODES * sizeof *whole);
    assert_memory_equal(square, again, sizeof square);
    must(*state,
         fc__normalised_codes(*state, model, model->prior, unread, count, places, 0, NULL, again));
    assert_memory_equal(square, again, sizeof square);
    assert_int_equal(fc__normalised_codes(*state, model, model->prior, unread, count, places,
                                          batch * frame, parts, again),
                     FC_ERROR_MEMORY);
    free(whole);
    free(parts);
    free(places);
    fc_model_destroy(model);
    fc_dataset_destroy(unread);
    fc_dataset_destroy(dataset);
}

/* Against a plain loop: the noise of 0.05 of the values is what the decoder cannot explain. */
static void the_mean_squared_residual_is_that_of_a_plain_loop(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    fc_model *model = wave_model(*state, 2, 0.05);
    fc__place *places;
    size_t count;
    must(*state, fc__places_of_all(*state, dataset, &count, &places));
    double *z = zeros(count * CODES, sizeof *z), square[2], plain[2] = {0.0, 0.0};
    float *u = zeros(2 * POINTS, sizeof *u);
    must(*state,
         fc__normalised_codes(*state, model, model->prior, dataset, count, places, 0, z, square));
    for (size_t k = 0; k < count; k++) {
        const fc_frame *frame = &dataset->sequences[places[k].sequence].frames[places[k].frame];
        must(*state, fc_model_decode(*state, model, POINTS, dataset->points[0].coordinates, 1,
                                     z + k * CODES, u));
        for (size_t i = 0; i < 2 * POINTS; i++) {
            double error = ((double)u[i] - (double)frame->values[i]) / model->scale[i % 2];
            plain[i % 2] += error * error / (double)(count * POINTS);
        }
    }
    for (size_t c = 0; c < 2; c++)
        assert_near(square[c] / plain[c], 1.0, 1e-3);
    free(z);
    free(u);
    free(places);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

static void copies_hold_the_frames_asked_for_in_normalised_units(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    unread_source source;
    fc_dataset *unread = unread_dataset(dataset, 2, &source), *copy;
    fc_model *model = wave_model(*state, 2, 0.05);
    const size_t lengths[] = {2, 0, 3};
    const fc__place places[] = {{1, 2}, {1, 5}, {0, 0}, {0, 1}, {0, 9}};
    must(*state, fc__normalised_copy(*state, model, unread, 3, lengths, places,
                                     2 * fc__largest_frame(dataset), &copy));
    assert_int_equal(copy->sequence_count, 3);
    for (size_t s = 0, next = 0; s < 3; s++) {
        assert_int_equal(copy->sequences[s].frame_count, lengths[s]);
        for (size_t f = 0; f < lengths[s]; f++, next++) {
            const fc_frame *from =
                &dataset->sequences[places[next].sequence].frames[places[next].frame];
            assert_true(copy->sequences[s].frames[f].time == from->time);
            for (size_t i = 0; i < 2 * POINTS; i++)
                assert_near((double)copy->sequences[s].frames[f].values[i],
                            ((double)from->values[i] - model->mean[i % 2]) / model->scale[i % 2],
                            1e-5);
        }
    }
    fc_dataset_destroy(copy);
    fc_model_destroy(model);
    fc_dataset_destroy(unread);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- which frames are fitted on */

static void the_frames_fitted_on_are_spread_over_all_sequences_and_times(void **state)
{
    wave_world world = waves;
    world.sequences = 40;
    fc_dataset *dataset = wave_dataset(*state, world);
    fc_train_config config = quick_config(100);
    config.fit_frames = 80; /* one frame in five: half the length of a sequence */
    config.validation = 0.25;
    fc__training_data data;
    fc_model *model = zeros(1, sizeof *model);
    size_t at_time[10] = {0}, training = 0, validation = 0;
    must(*state, fc__training_data_create(*state, dataset, &config, model, &data));
    for (size_t s = 0; s < 40; s++) {
        const fc_sequence *sequence = &data.dataset->sequences[s];
        assert_true(sequence->frame_count >= 1 && sequence->frame_count <= 3);
        *(data.validation[s] ? &validation : &training) += sequence->frame_count;
        for (size_t f = 0; f < sequence->frame_count; f++)
            at_time[lround((sequence->frames[f].time - world.start) / world.step)]++;
    }
    assert_int_equal(training, 60);
    assert_int_equal(validation, 20);
    for (size_t f = 0; f < 10; f++)
        assert_true(at_time[f] >= 2);
    fc__training_data_clear(&data);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

static void less_memory_means_fewer_frames_to_fit_on_and_too_little_is_refused(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    fc_train_config config = fc_train_config_default();
    fc__memory_plan plan;
    size_t last = 100001, least_bytes = 0;
    dataset->points[0].count = 1 << 18; /* as if frames had 2 MB; nothing looks at values here */
    must(*state, fc__memory_plan_make(*state, dataset, &config, 90000, 10000, &plan));
    assert_int_equal(plan.fit_training, 90000);
    assert_int_equal(plan.stream, 0);
    for (size_t megabytes = 16384; megabytes >= 16; megabytes /= 2) {
        config.memory = megabytes << 20;
        fc_status status = fc__memory_plan_make(*state, dataset, &config, 90000, 10000, &plan);
        if (status != FC_OK) {
            assert_int_equal(status, FC_ERROR_USAGE);
            assert_message(*state, "too little to train on 100000 frames of 2.10 MB; at least");
            least_bytes =
                (size_t)(1e6 * strtod(strstr(fc_context_message(*state), "at least ") + 9, NULL));
            break;
        }
        size_t frames = plan.fit_training + plan.fit_validation;
        assert_true(frames < last && frames >= 63 && frames << 21 < config.memory);
        assert_true(plan.fit_validation * 8 <= plan.fit_training);
        assert_true(plan.stream <= config.memory / 4);
        last = frames;
    }
    assert_true(least_bytes > config.memory);
    config.memory = least_bytes + 1000000;
    must(*state, fc__memory_plan_make(*state, dataset, &config, 90000, 10000, &plan));
    dataset->points[0].count = POINTS;
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- what goes wrong */

static void failures_and_faults_in_the_file_end_training_with_their_message(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    fc_train_config config = quick_config(100);
    unread_source source;
    fc_dataset *unread = unread_dataset(dataset, 1, &source);
    fc_training *training;
    for (source.fails_at = 3; source.fails_at < 400; source.fails_at *= 3) {
        source.frames = 0;
        fc_status status = fc_training_create(*state, unread, &config, NULL, &training);
        if (status == FC_OK)
            break;
        assert_int_equal(status, FC_ERROR_IO);
        assert_message(*state, "the disk is gone");
    }
    assert_true(source.fails_at > 100); /* it has failed in every pass */
    fc_training_destroy(training);
    source.fails_at = SIZE_MAX;
    dataset->sequences[5].frames[3].values[20] = INFINITY;
    assert_int_equal(fc_training_create(*state, unread, &config, NULL, &training), FC_ERROR_DATA);
    assert_message(*state, "sequence 5, frame 3, point 10");
    for (size_t i = 0; i < 2 * POINTS; i++)
        dataset->sequences[5].frames[3].values[i] = NAN;
    assert_int_equal(fc_training_create(*state, unread, &config, NULL, &training), FC_ERROR_DATA);
    assert_message(*state, "nothing is observed in sequence 5, frame 3");
    fc_dataset_destroy(unread);
    fc_dataset_destroy(dataset);
}

static void an_interruption_ends_every_pass(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    fc_train_config config = quick_config(100);
    for (size_t at = 5; at < 350; at += 118) { /* normalisation, copies, codes */
        unread_source source;
        fc_dataset *unread = unread_dataset(dataset, 1, &source);
        fc_training *training;
        fc_context *context;
        must(*state, fc_context_create(1, &context));
        source.interrupts = context;
        source.interrupts_at = at;
        assert_int_equal(fc_training_create(context, unread, &config, NULL, &training),
                         FC_INTERRUPTED);
        assert_null(training);
        assert_message(context, "interrupted after");
        fc_dataset_destroy(unread);
        fc_context_destroy(context);
    }
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- evaluation */

static void sequences_are_scored_alike_from_a_file_and_from_memory(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    unread_source source;
    fc_dataset *unread = unread_dataset(dataset, 4, &source);
    fc_model *model = wave_model(*state, 2, 0.05);
    fc_evaluate_config config = fc_evaluate_config_default();
    fc_evaluation *a, *b;
    config.mask.share = 0.3;
    must(*state, fc_model_evaluate(*state, model, dataset, &config, &a));
    must(*state, fc_model_evaluate(*state, model, unread, &config, &b));
    assert_same(1, sizeof a->in_t, &a->in_t, &b->in_t);
    assert_same(1, sizeof a->in_t, &a->out_s, &b->out_s);
    assert_same(1, sizeof a->in_t, &a->encode, &b->encode);
    assert_same(1, sizeof a->in_t, &a->persistence_in_t, &b->persistence_in_t);
    assert_true(a->floor.mse == b->floor.mse);
    assert_true(isfinite(a->in_t.mse) && isfinite(a->floor.mse));
    assert_same(a->frame_count, sizeof *a->frame, a->frame, b->frame);
    fc_evaluation_destroy(a);
    fc_evaluation_destroy(b);
    unread->record = true;
    assert_int_equal(fc_model_evaluate(*state, model, unread, &config, &b), FC_ERROR_USAGE);
    assert_message(*state, "must be in memory");
    fc_model_destroy(model);
    fc_dataset_destroy(unread);
    fc_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_streamed_training_ends_with_the_bits_of_one_in_memory),
        cmocka_unit_test(a_streamed_record_with_seasons_ends_with_the_same_bits),
        cmocka_unit_test(codes_do_not_depend_on_the_blocks),
        cmocka_unit_test(the_mean_squared_residual_is_that_of_a_plain_loop),
        cmocka_unit_test(copies_hold_the_frames_asked_for_in_normalised_units),
        cmocka_unit_test(the_frames_fitted_on_are_spread_over_all_sequences_and_times),
        cmocka_unit_test(less_memory_means_fewer_frames_to_fit_on_and_too_little_is_refused),
        cmocka_unit_test(failures_and_faults_in_the_file_end_training_with_their_message),
        cmocka_unit_test(an_interruption_ends_every_pass),
        cmocka_unit_test(sequences_are_scored_alike_from_a_file_and_from_memory),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
