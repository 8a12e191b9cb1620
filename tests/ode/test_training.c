#include "inr/displacement.h"
#include "ode/residual.h"
#include "ode/training_data.h"
#include "training_fixture.h"

#include <stdio.h>

#define TOLERANCE_FORECAST                                                                         \
    5e-3                          /* rms error of waves over 3 horizons, relative to their own rms \
                                   */
#define TOLERANCE_SPIN 3e-2       /* the same of the spinning body over 1.5 horizons */
#define TOLERANCE_STATISTICS 2e-6 /* mean and deviation of the training values, relative */
/* ---------------------------------------------------------------- helpers */

/* Root mean square error of forecasts over the departure from the mean field of the same frames. */
static double forecast_error(fc_context *context, const fc_model *model, const fc_dataset *dataset)
{
    fc_evaluate_config config = fc_evaluate_config_default();
    fc_evaluation *e;
    must(context, fc_model_evaluate(context, model, dataset, &config, &e));
    double error = e->frame[e->frame_count - 1].mse, sum = 0.0, square = 0.0, number = 0.0;
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        const float *values = dataset->sequences[s].frames[e->frame_count - 1].values;
        for (size_t p = 0; p < POINTS; p++) {
            sum += (double)values[p];
            square += (double)values[p] * (double)values[p];
            number += 1.0;
        }
    }
    fc_evaluation_destroy(e);
    return sqrt(error / (square / number - sum * sum / number / number));
}

/* ---------------------------------------------------------------- from dataset to model */

static void learn_waves(fc_context *context, const fc_train_config *config)
{
    fc_dataset *dataset = wave_dataset(context, waves);
    wave_world later = waves;
    later.seed = 77;
    later.frames = 28;
    fc_dataset *fresh = wave_dataset(context, later);
    fc_model *model = train(context, dataset, config);
    assert_int_equal(model->decoder->config.codes, CODES);
    assert_below(forecast_error(context, model, fresh), TOLERANCE_FORECAST);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
    fc_dataset_destroy(fresh);
}

static void waves_are_learned_and_forecast_beyond_the_horizon(void **state)
{
    fc_train_config config = quick_config(4000);
    learn_waves(*state, &config);
}

static void a_quadratic_world_needs_and_gets_the_bilinear_term(void **state)
{
    fc_dataset *dataset = spin_dataset(*state, 24, 12, 0.4, 1);
    fc_dataset *fresh = spin_dataset(*state, 8, 18, 0.4, 50);
    fc_train_config config = quick_config(6000);
    fc_model *linear = train(*state, dataset, &config); /* few transitions: chosen linear */
    assert_int_equal(linear->field->config.rank, 0);
    config.field_auto = false;
    config.field.rank = 12;
    fc_model *bilinear = train(*state, dataset, &config);
    assert_int_equal(bilinear->field->config.rank, 12);
    assert_below(forecast_error(*state, bilinear, fresh), TOLERANCE_SPIN);
    assert_true(forecast_error(*state, linear, fresh) > 10.0 * TOLERANCE_SPIN);
    fc_model_destroy(linear);
    fc_model_destroy(bilinear);
    fc_dataset_destroy(dataset);
    fc_dataset_destroy(fresh);
}

static void the_model_describes_the_training_data(void **state)
{
    wave_world world = waves;
    world.channels = 2;
    fc_dataset *dataset = wave_dataset(*state, world);
    fc_train_config config = quick_config(200);
    config.train_frames = 7;
    config.validation = 0.25;
    fc__training_data data;
    fc_model *model = zeros(1, sizeof *model);
    must(*state, fc__training_data_create(*state, dataset, &config, model, &data));
    assert_false(model->record);
    assert_int_equal(model->train_frames, 7);
    assert_near(model->time_scale, 0.5, 1e-12);
    assert_near(model->horizon, 3.0, 1e-12);
    assert_near(model->time_origin, 4.0, 1e-12);
    assert_string_equal(model->channels[1].name, "speed");
    assert_string_equal(model->time.units, "hours");
    size_t held = 0;
    double sum[2] = {0}, square[2] = {0}, number = 0.0;
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        assert_int_equal(data.dataset->sequences[s].frame_count, 7);
        held += data.validation[s];
        for (size_t f = 0; f < 7 && !data.validation[s]; f++) {
            for (size_t i = 0; i < 2 * POINTS; i++) {
                double value = (double)dataset->sequences[s].frames[f].values[i];
                sum[i % 2] += value;
                square[i % 2] += value * value;
                number += 0.5;
            }
        }
    }
    assert_int_equal(held, 3);
    for (size_t c = 0; c < 2; c++) {
        double mean = sum[c] / number, deviation = sqrt(square[c] / number - mean * mean);
        assert_near(model->mean[c] / mean, 1.0, TOLERANCE_STATISTICS);
        assert_near(model->scale[c] / deviation, 1.0, TOLERANCE_STATISTICS);
        double value = (double)dataset->sequences[2].frames[3].values[2 * 5 + c];
        assert_near((double)data.dataset->sequences[2].frames[3].values[2 * 5 + c],
                    (value - mean) / deviation, 1e-5);
    }
    fc__training_data_clear(&data);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

static void most_sequences_may_be_held_out_but_not_all(void **state)
{
    wave_world world = waves;
    for (world.sequences = 4; world.sequences <= 6; world.sequences++) {
        fc_dataset *dataset = wave_dataset(*state, world);
        fc_train_config config = quick_config(100);
        config.validation = 0.89;
        fc__training_data data;
        fc_model *model = zeros(1, sizeof *model);
        size_t held = 0;
        must(*state, fc__training_data_create(*state, dataset, &config, model, &data));
        for (size_t s = 0; s < world.sequences; s++)
            held += data.validation[s];
        assert_int_equal(held, world.sequences < 5 ? 0 : world.sequences - 1);
        assert_near(model->mean[0], wave_mean[0], 2.0);
        fc__training_data_clear(&data);
        fc_model_destroy(model);
        fc_dataset_destroy(dataset);
    }
}

static void gaps_in_time_cut_a_sequence_into_trajectories(void **state)
{
    wave_world world = waves;
    world.sequences = 1;
    fc_dataset *dataset = wave_dataset(*state, world);
    for (size_t f = 6; f < world.frames; f++)
        dataset->sequences[0].frames[f].time += 2.0; /* five intervals */
    fc_train_config config = quick_config(100);
    fc__training_data data;
    fc_trajectories t;
    fc_model *model = zeros(1, sizeof *model);
    must(*state, fc__training_data_create(*state, dataset, &config, model, &data));
    model->decoder = wave_decoder(*state, 1);
    double *codes = zeros(world.frames * CODES, sizeof *codes);
    for (size_t i = 0; i < world.frames * CODES; i++)
        codes[i] = (double)i;
    must(*state, fc__trajectories_create(*state, model, &data, false, codes, &t));
    assert_int_equal(t.count, 2);
    assert_int_equal(t.first[1], 6);
    assert_int_equal(t.first[2], world.frames);
    assert_near(t.times[5], 5.0, 1e-12);
    assert_near(t.times[6], 10.0, 1e-12);
    assert_near((double)t.z[6 * CODES + 3], 6.0 * CODES + 3.0, 1e-5);
    fc__trajectories_clear(&t);
    must(*state, fc__trajectories_create(*state, model, &data, true, codes, &t));
    assert_int_equal(t.count, 0);
    fc__trajectories_clear(&t);
    fc__training_data_clear(&data);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
    free(codes);
}

/* A wave's codes turn by its phase over the displacement. */
static void copies_are_trajectories_of_displaced_fields(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    fc_train_config config = quick_config(100);
    config.validation = 0.3; /* of which there are no copies */
    config.fit.copies = 2;
    config.fit.shift = 0.4;
    fc__training_data data;
    fc_trajectories t;
    fc_model *model = zeros(1, sizeof *model), *right = wave_model(*state, 1, 1e-4);
    must(*state, fc__training_data_create(*state, dataset, &config, model, &data));
    model->decoder = wave_decoder(*state, 1);
    model->noise[0] = 1e-8;
    double *codes = zeros(data.frame_count * CODES, sizeof *codes);
    must(*state, fc__normalised_codes(*state, model, right->prior, data.source, data.frame_count,
                                      data.places, 0, codes, NULL));
    must(*state, fc__trajectories_create(*state, model, &data, false, codes, &t));
    size_t count = t.count, frames = t.first[count];
    assert_int_equal(count, waves.sequences - 4);
    must(*state,
         fc__trajectories_add_copies(*state, model, right->prior, &data, &config.fit, codes, &t));
    assert_int_equal(t.count, 3 * count);
    assert_int_equal(t.first[t.count], 3 * frames);
    for (size_t i = 0; i < 3 * frames; i++) {
        double offset[FC_MAX_DIMS];
        fc__displacement(&model->domain, &config.fit, i / frames, offset);
        assert_near(t.times[i], t.times[i % frames], 1e-12);
        for (size_t w = 0; w < WAVES; w++) {
            double turn =
                2.0 * M_PI *
                (wave_number[w][0] * offset[0] / 2.0 + wave_number[w][1] * offset[1] / 3.0);
            const float *z = t.z + i % frames * CODES + 2 * w, *moved = t.z + i * CODES + 2 * w;
            double a = (double)z[0], b = (double)z[1];
            assert_near((double)moved[0], a * cos(turn) - b * sin(turn), 1e-5);
            assert_near((double)moved[1], a * sin(turn) + b * cos(turn), 1e-5);
        }
    }
    fc__trajectories_clear(&t);
    fc__training_data_clear(&data);
    fc_model_destroy(model);
    fc_model_destroy(right);
    fc_dataset_destroy(dataset);
    free(codes);
}

static void copies_are_learned_from_as_well(void **state)
{
    fc_train_config config = quick_config(4000);
    config.fit.copies = 3;
    config.fit.shift = 0.5;
    learn_waves(*state, &config);
}

static void error_bars_are_measured_at_the_end(void **state)
{
    fc_dataset *dataset = wave_dataset(*state, waves);
    fc_train_config config = quick_config(1000);
    fc_training *training = start(*state, dataset, &config, NULL);
    fc_training_report before = fc_training_get_report(training);
    assert_true(before.share == 0.0 && isnan(before.loss) && before.codes == CODES);
    finish(*state, training);
    fc_training_report after = fc_training_get_report(training);
    assert_true(after.share == 1.0);
    assert_true(after.seconds > before.seconds);
    assert_below(after.floor, 1e-6);
    fc_model *model = fc_training_take_model(training);
    fc_training_destroy(training);
    assert_int_equal(model->lead_count, waves.frames);
    for (size_t k = 0; k < model->lead_count; k++)
        assert_near(model->lead_time[k], (double)k, 1e-9);
    for (size_t i = 0; i < CODES; i++) {
        assert_true(model->lead_variance[i] == 0.0);
        assert_true(model->lead_variance[CODES + i] > 0.0);
    }
    assert_true(model->calibration_count >= 2);
    for (size_t k = 0; k < model->calibration_count; k++) {
        assert_true(model->calibration_factor[k] > 0.0);
        assert_true(k == 0 || model->calibration_values[k] > model->calibration_values[k - 1]);
    }
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}
/* ---------------------------------------------------------------- records */

static void a_monthly_record_is_forecast_better_than_persistence(void **state)
{
    static const size_t leads[] = {1, 3, 6};
    fc_dataset *record = monthly_record(*state, 72, 1);
    fc_train_config config = fc_train_config_default();
    fc_evaluate_config evaluate = fc_evaluate_config_default();
    fc_evaluation *e;
    config.dynamics.updates = 2000;
    config.until = record->sequences[0].frames[60].time;
    fc_model *model = train(*state, record, &config);
    assert_true(model->record);
    assert_int_equal(model->cycle.harmonics, 3);
    assert_near(model->horizon, record->sequences[0].frames[59].time - 15.0, 1e-9);
    assert_near(model->time_scale, 365.25 / 12.0, 1e-9);
    evaluate.from = config.until;
    evaluate.leads = leads;
    evaluate.lead_count = 3;
    must(*state, fc_model_evaluate(*state, model, record, &evaluate, &e));
    assert_int_equal(e->lead_count, 3);
    for (size_t k = 0; k < 3; k++) {
        print_message("lead %zu: %.3f, persistence %.3f, climatology %.3f\n", e->leads[k].lead,
                      e->leads[k].rmse, e->leads[k].persistence_rmse, e->leads[k].climatology_rmse);
        assert_int_equal(e->leads[k].lead, leads[k]);
        assert_below(e->leads[k].rmse, e->leads[k].persistence_rmse);
    }
    assert_below(e->leads[0].rmse, e->leads[0].climatology_rmse);
    fc_evaluation_destroy(e);
    fc_model_destroy(model);
    fc_dataset_destroy(record);
}

/* What comes after `until` must not matter at all. */
static void nothing_after_the_end_of_training_is_learned_from(void **state)
{
    fc_dataset *whole = monthly_record(*state, 50, 1), *tampered = monthly_record(*state, 50, 1);
    fc_train_config config = quick_config(300);
    config.decoder.filter = FC_FILTER_RANDOM;
    config.decoder.bandwidth = 2.0;
    config.until = whole->sequences[0].frames[40].time;
    for (size_t f = 40; f < 50; f++)
        for (size_t p = 0; p < tampered->points[0].count; p++)
            tampered->sequences[0].frames[f].values[p] *= 3.0f;
    fc_model *a = train(*state, whole, &config), *b = train(*state, tampered, &config);
    assert_same_model(a, b);
    fc_model_destroy(a);
    fc_model_destroy(b);
    fc_dataset_destroy(whole);
    fc_dataset_destroy(tampered);
}

static bool same_decoder(fc_context *context, const fc_dataset *a, const fc_dataset *b,
                         const fc_train_config *config)
{
    fc_training *x = start(context, a, config, NULL), *y = start(context, b, config, NULL);
    const fc_decoder *p = fc_training_get_state(x).model->decoder;
    const fc_decoder *q = fc_training_get_state(y).model->decoder;
    bool same = p->parameter_count == q->parameter_count &&
                !memcmp(p->parameters, q->parameters, p->parameter_count * sizeof(float));
    fc_training_destroy(x);
    fc_training_destroy(y);
    return same;
}

/* Held-out frames of a record take part in its decoder, those of sequences in nothing but scores.
 */
static void only_records_show_their_held_out_frames_to_the_decoder(void **state)
{
    fc_dataset *record = monthly_record(*state, 40, 1), *other = monthly_record(*state, 40, 1);
    fc_train_config config = quick_config(100);
    config.fit.codes = 4;
    config.decoder.filter = FC_FILTER_RANDOM;
    config.decoder.bandwidth = 2.0;
    assert_true(same_decoder(*state, record, other, &config));
    for (size_t p = 0; p < record->points[0].count; p++)
        other->sequences[0].frames[39].values[p] *= 1.5f;
    assert_false(same_decoder(*state, record, other, &config));
    fc_dataset_destroy(record);
    fc_dataset_destroy(other);
    config = quick_config(100);
    config.fit.codes = 4;
    fc_dataset *sequences = wave_dataset(*state, waves), *changed = wave_dataset(*state, waves);
    fc__training_data data;
    fc_model *model = zeros(1, sizeof *model);
    must(*state, fc__training_data_create(*state, sequences, &config, model, &data));
    for (size_t s = 0; s < waves.sequences; s++)
        for (size_t p = 0; p < POINTS && data.validation[s]; p++)
            changed->sequences[s].frames[1].values[p] *= 1.5f;
    assert_true(same_decoder(*state, sequences, changed, &config));
    fc__training_data_clear(&data);
    fc_model_destroy(model);
    fc_dataset_destroy(sequences);
    fc_dataset_destroy(changed);
}

/* ---------------------------------------------------------------- errors */

static void all_faults_of_a_configuration_are_named_at_once(void **state)
{
    static const char *const named[] = {"minutes must be",
                                        "validation must",
                                        "until must",
                                        "train-frames must",
                                        "window must",
                                        "harmonics must",
                                        "codes must",
                                        "fit.tolerance must",
                                        "fit.max_codes and fit.max_filters must",
                                        "fit.batch_frames and",
                                        "fit.rate must",
                                        "fit.copies and fit.shift go",
                                        "fit.copies must",
                                        "decoder.width must",
                                        "decoder.omega0 must",
                                        "decoder.layers must",
                                        "dynamics.rate must",
                                        "dynamics.batch must",
                                        "dynamics.horizon must",
                                        "dynamics.average must",
                                        "dynamics.patience must",
                                        "dynamics.weight_decay must",
                                        "linear, rank and hidden are all off"};
    fc_train_config config = fc_train_config_default();
    must(*state, fc_train_config_validate(*state, &config));
    config.minutes = NAN;
    config.validation = 0.95;
    config.until = NAN;
    config.train_frames = config.window = 1;
    config.harmonics = 17;
    config.fit.codes = 65537;
    config.fit.tolerance = 0.0;
    config.fit.max_codes = 0;
    config.fit.batch_points = 0;
    config.fit.rate = -1.0;
    config.fit.copies = 65;
    config.decoder.layers = 17;
    config.decoder.width = 65537;
    config.decoder.omega0 = -1.0;
    config.dynamics.rate = 0.0;
    config.dynamics.batch = 5000;
    config.dynamics.horizon = 0;
    config.dynamics.average = 1.0;
    config.dynamics.patience = 0.0;
    config.dynamics.weight_decay = NAN;
    config.field_auto = config.field.linear = false;
    config.field.rank = 0;
    assert_int_equal(fc_train_config_validate(*state, &config), FC_ERROR_USAGE);
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        assert_message(*state, named[i]);
    config = fc_train_config_default();
    config.minutes = 0.0;
    assert_int_equal(fc_train_config_validate(*state, &config), FC_ERROR_USAGE);
    assert_string_equal(fc_context_message(*state),
                        "minutes and dynamics.updates are both 0: one of them must bound the "
                        "training");
}

static void data_without_motion_in_time_are_refused(void **state)
{
    wave_world world = waves;
    fc_train_config config = quick_config(100);
    fc_training *training;
    world.frames = 1;
    fc_dataset *dataset = wave_dataset(*state, world);
    assert_int_equal(fc_training_create(*state, dataset, &config, NULL, &training), FC_ERROR_DATA);
    assert_message(*state, "every sequence has a single frame; at least two frames in time are "
                           "needed");
    assert_null(training);
    fc_dataset_destroy(dataset);
    fc_dataset *record = monthly_record(*state, 30, 1);
    config.until = 20.0;
    assert_int_equal(fc_training_create(*state, record, &config, NULL, &training), FC_ERROR_DATA);
    assert_message(*state, "1 of the record's 30 frames come before the end of training");
    fc_dataset_destroy(record);
    fc_training_destroy(NULL);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waves_are_learned_and_forecast_beyond_the_horizon),
        cmocka_unit_test(a_quadratic_world_needs_and_gets_the_bilinear_term),
        cmocka_unit_test(the_model_describes_the_training_data),
        cmocka_unit_test(most_sequences_may_be_held_out_but_not_all),
        cmocka_unit_test(gaps_in_time_cut_a_sequence_into_trajectories),
        cmocka_unit_test(copies_are_trajectories_of_displaced_fields),
        cmocka_unit_test(copies_are_learned_from_as_well),
        cmocka_unit_test(error_bars_are_measured_at_the_end),
        cmocka_unit_test(a_monthly_record_is_forecast_better_than_persistence),
        cmocka_unit_test(nothing_after_the_end_of_training_is_learned_from),
        cmocka_unit_test(only_records_show_their_held_out_frames_to_the_decoder),
        cmocka_unit_test(all_faults_of_a_configuration_are_named_at_once),
        cmocka_unit_test(data_without_motion_in_time_are_refused),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
