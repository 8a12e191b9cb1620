#include "evaluate_fixture.h"

static void sequence_scores_equal_plain_loops(void **state)
{
    fc_dataset *dataset = holey_waves(*state);
    fc_model *model = shifted_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    plain forecast[2] = {{0}}, persistence[2] = {{0}}, climatology[2] = {{0}};
    plain frame[FRAMES] = {{0}};
    float *mean = zeros(2 * POINTS, sizeof *mean);
    config.integrator = tight_integrator();
    for (size_t s = 0; s < 3; s++) {
        const fc_frame *frames = dataset->sequences[s].frames;
        double z0[CODES];
        plain_encode(*state, model, dataset, frames, z0);
        float *u = plain_forecast(*state, model, dataset, s, 0, FRAMES, every_frame, z0);
        for (size_t f = 0; f < FRAMES; f++) {
            const float *truth = frames[f].values, *field = u + f * 2 * POINTS;
            size_t later = frames[f].time > 5.5;
            plain_add(&frame[f], POINTS, 2, field, truth, NULL, true);
            if (f == 0)
                continue;
            plain_mean(*state, model, dataset, frames[f].time, mean);
            plain_add(&forecast[later], POINTS, 2, field, truth, NULL, true);
            plain_add(&persistence[later], POINTS, 2, frames[0].values, truth, NULL, true);
            plain_add(&climatology[later], POINTS, 2, mean, truth, NULL, true);
        }
        free(u);
    }
    fc_evaluation *e = evaluate(*state, model, dataset, &config);
    assert_score(e->in_t, &forecast[0]);
    assert_score(e->out_t, &forecast[1]);
    assert_score(e->persistence_in_t, &persistence[0]);
    assert_score(e->persistence_out_t, &persistence[1]);
    assert_score(e->climatology_in_t, &climatology[0]);
    assert_score(e->climatology_out_t, &climatology[1]);
    assert_score(e->encode, &frame[0]);
    assert_no_score(e->in_s);
    assert_no_score(e->out_s);
    assert_int_equal(e->sequences, 3);
    assert_int_equal(e->failed, 0);
    assert_int_equal(e->frame_count, FRAMES);
    for (size_t f = 0; f < FRAMES; f++) {
        assert_near(e->frame_time[f], (double)f, 1e-12);
        assert_near(e->frame[f].mse / (frame[f].square / frame[f].values), 1.0, TOLERANCE_PLAIN);
    }
    assert_true(e->seconds_encode > 0.0 && e->seconds_integrate > 0.0 && e->seconds_decode > 0.0);
    fc_evaluation_destroy(e);
    free(mean);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

static void observed_and_held_out_points_are_scored_apart(void **state)
{
    fc_dataset *dataset = holey_waves(*state);
    fc_model *model = shifted_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    plain inside = {0}, outside = {0}, all = {0};
    config.integrator = tight_integrator();
    config.mask.share = 0.05;
    config.mask.seed = 40;
    for (size_t s = 0; s < 3; s++) {
        const fc_frame *frames = dataset->sequences[s].frames;
        bool seen[POINTS];
        double z0[CODES];
        float hidden[2 * POINTS];
        size_t number = 0;
        must(*state, fc_mask_points(*state, &config.mask, &dataset->domain, &dataset->points[0], s,
                                    0, seen, NULL));
        memcpy(hidden, frames[0].values, sizeof hidden);
        for (size_t p = 0; p < POINTS; p++) {
            number += seen[p];
            if (!seen[p])
                hidden[2 * p] = hidden[2 * p + 1] = NAN;
        }
        assert_true(number > 2 && number < 30);
        const fc_frame rest = {.time = frames[0].time, .values = hidden};
        plain_encode(*state, model, dataset, &rest, z0);
        float *u = plain_forecast(*state, model, dataset, s, 0, FRAMES, every_frame, z0);
        for (size_t f = 1; f < FRAMES; f++) {
            const float *field = u + f * 2 * POINTS;
            plain_add(&inside, POINTS, 2, field, frames[f].values, seen, true);
            plain_add(&outside, POINTS, 2, field, frames[f].values, seen, false);
            plain_add(&all, POINTS, 2, field, frames[f].values, NULL, true);
        }
        free(u);
    }
    fc_evaluation *e = evaluate(*state, model, dataset, &config);
    assert_score(e->in_s, &inside);
    assert_score(e->out_s, &outside);
    assert_near(inside.values + outside.values, all.values, 0.0);
    fc_evaluation_destroy(e);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

static void other_seeds_observe_other_points(void **state)
{
    fc_dataset *dataset = holey_waves(*state);
    fc_model *model = shifted_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    config.mask.share = 0.05;
    fc_evaluation *a = evaluate(*state, model, dataset, &config);
    fc_evaluation *same = evaluate(*state, model, dataset, &config);
    config.mask.seed = 1000;
    fc_evaluation *b = evaluate(*state, model, dataset, &config);
    assert_true(a->in_t.mse == same->in_t.mse);
    assert_true(a->in_t.mse != b->in_t.mse);
    fc_evaluation_destroy(a);
    fc_evaluation_destroy(same);
    fc_evaluation_destroy(b);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

/* Residuals of the decoder at all points of all frames, channels with equal weight. */
static void the_floor_is_the_error_of_codes_from_all_points(void **state)
{
    fc_dataset *dataset = holey_waves(*state);
    fc_model *model = shifted_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    double square[2] = {0}, number[2] = {0};
    float *u = zeros(2 * POINTS, sizeof *u);
    for (size_t s = 0; s < 3; s++)
        for (size_t f = 0; f < FRAMES; f++) {
            const fc_frame *frame = &dataset->sequences[s].frames[f];
            double z[CODES];
            plain_encode(*state, model, dataset, frame, z);
            must(*state,
                 fc_model_decode(*state, model, POINTS, dataset->points[0].coordinates, 1, z, u));
            for (size_t i = 0; i < 2 * POINTS; i++) {
                if (isnan(frame->values[i]))
                    continue;
                square[i % 2] += pow((double)u[i] - (double)frame->values[i], 2.0);
                number[i % 2] += 1.0;
            }
        }
    fc_evaluation *e = evaluate(*state, model, dataset, &config);
    double floor = 0.5 * (square[0] / number[0] + square[1] / number[1]);
    assert_near(e->floor.mse / floor, 1.0, TOLERANCE_PLAIN);
    config.mask.share = 0.01; /* whatever is observed */
    fc_evaluation *little = evaluate(*state, model, dataset, &config);
    assert_true(little->floor.mse == e->floor.mse);
    fc_evaluation_destroy(e);
    fc_evaluation_destroy(little);
    free(u);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

/* Codes and noise are Gaussian with the model's own variances, so that its bars are right; values
 * that were observed lie within them a little more often. */
static void error_bars_cover_what_a_gaussian_world_promises(void **state)
{
    static const double shares[] = {0.02, 0.1, 0.5};
    for (size_t k = 0; k < 3; k++) {
        fc_dataset *dataset = wave_dataset(
            *state,
            (wave_world){.channels = 1, .sequences = 400, .frames = 1, .noise = 0.3, .seed = 8});
        fc_model *model = wave_model(*state, 1, 0.3);
        fc_evaluate_config config = fc_evaluate_config_default();
        config.mask.share = shares[k];
        fc_evaluation *e = evaluate(*state, model, dataset, &config);
        print_message("observed %.2f: %.3f within one deviation, %.3f within two\n", shares[k],
                      e->sigma1, e->sigma2);
        assert_near(e->sigma1, 0.6827, TOLERANCE_COVERAGE);
        assert_near(e->sigma2, 0.9545, TOLERANCE_COVERAGE);
        assert_no_score(e->in_t); /* single frames have no later times */
        assert_no_score(e->out_t);
        fc_evaluation_destroy(e);
        fc_model_destroy(model);
        fc_dataset_destroy(dataset);
    }
}

static void moving_points_have_no_persistence(void **state)
{
    fc_dataset *dataset = holey_waves(*state);
    fc_model *model = shifted_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    size_t index;
    must(*state, fc_dataset_add_points(*state, dataset, POINTS, dataset->points[0].coordinates,
                                       NULL, &index));
    config.mask.share = 0.5;
    fc_evaluation *shared = evaluate(*state, model, dataset, &config);
    for (size_t s = 0; s < 3; s++)
        for (size_t f = 1; f < FRAMES; f++)
            dataset->sequences[s].frames[f].points = index;
    fc_evaluation *moving = evaluate(*state, model, dataset, &config);
    assert_near(moving->in_t.mse / shared->in_t.mse, 1.0, 1e-9);
    assert_no_score(moving->persistence_in_t);
    assert_no_score(moving->out_s);
    assert_false(isnan(moving->climatology_in_t.mse));
    fc_evaluation_destroy(shared);
    fc_evaluation_destroy(moving);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- failures */

static void assert_refused(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                           const fc_evaluate_config *config, fc_status status, const char *message)
{
    fc_evaluation *e = (fc_evaluation *)1;
    assert_int_equal(fc_model_evaluate(context, model, dataset, config, &e), status);
    assert_message(context, message);
    assert_null(e);
}

static void unusable_requests_are_refused(void **state)
{
    static const size_t nothing[] = {1, 0}, far[] = {1, 8};
    fc_dataset *record = wave_record(*state, 8);
    fc_model *model = record_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    config.mask.share = 0.0;
    assert_refused(*state, model, record, &config, FC_ERROR_USAGE,
                   "observe is 0; a share in (0, 1] is accepted");
    config.mask.share = NAN;
    assert_refused(*state, model, record, &config, FC_ERROR_USAGE, "observe is nan");
    config = fc_evaluate_config_default();
    config.lead_count = 2;
    config.leads = nothing;
    assert_refused(*state, model, record, &config, FC_ERROR_USAGE, "a lead of 0 steps");
    config.leads = far;
    assert_refused(*state, model, record, &config, FC_ERROR_USAGE,
                   "lead 8: the record has 8 frames, so leads of 1 to 7 steps are accepted");
    config = fc_evaluate_config_default();
    config.from = NAN;
    assert_refused(*state, model, record, &config, FC_ERROR_USAGE, "from is not a time");
    config.from = record->sequences[0].frames[7].time;
    assert_refused(*state, model, record, &config, FC_ERROR_USAGE,
                   "no frame at or after the start of the evaluation has a target in the record, "
                   "which ends at 6.5");
    fc__copy_name(record->channels[0].name, "depth");
    config.from = 0.0;
    assert_refused(*state, model, record, &config, FC_ERROR_DATA,
                   "evaluation data: channel 0 is called depth");
    fc_evaluation_destroy(NULL);
    fc_model_destroy(model);
    fc_dataset_destroy(record);
}

/* z' = z^2 in the first code, which ends in finite time from a start above zero. */
static fc_model *explosive_model(fc_context *context)
{
    fc_model *model = record_model(context);
    fc_field_config config = {.codes = CODES, .rank = 1};
    fc_field_destroy(model->field);
    must(context, fc_field_create(context, &config, 0, &model->field));
    fc_field_layout at = fc_field_layout_of(&config);
    memset(model->field->parameters, 0, model->field->parameter_count * sizeof(float));
    model->field->parameters[at.v] = model->field->parameters[at.w] = 1.0f;
    model->field->parameters[at.u] = 1.0f;
    model->cycle.harmonics = 0;
    return model;
}

static void set_first_code(const fc_dataset *dataset, size_t s, size_t f, double value)
{
    const double z[CODES] = {value};
    for (size_t i = 0; i < 2 * POINTS; i++)
        dataset->sequences[s].frames[f].values[i] =
            (float)wave_value(z, dataset->points[0].coordinates + 2 * (i / 2), i % 2);
}

static void failed_integrations_are_counted_and_left_out(void **state)
{
    fc_dataset *dataset = holey_waves(*state), *record = wave_record(*state, 8);
    fc_model *model = explosive_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    for (size_t s = 0; s < 3; s++)
        set_first_code(dataset, s, 0, s == 1 ? 1.0 : -1.0);
    fc_evaluation *e = evaluate(*state, model, dataset, &config);
    assert_int_equal(e->failed, 1);
    assert_true(isfinite(e->in_t.mse));
    fc_evaluation_destroy(e);
    for (size_t f = 0; f < 8; f++)
        set_first_code(record, 0, f, f == 3 ? 1.0 : -1.0);
    e = evaluate(*state, model, record, &config);
    assert_int_equal(e->failed, 1);
    for (size_t k = 0; k < e->lead_count; k++)
        assert_true(isfinite(e->leads[k].rmse));
    fc_evaluation_destroy(e);
    for (size_t f = 0; f < 8; f++)
        set_first_code(record, 0, f, 1.0);
    assert_refused(*state, model, record, &config, FC_ERROR_SOLVER, "");
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
    fc_dataset_destroy(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequence_scores_equal_plain_loops),
        cmocka_unit_test(observed_and_held_out_points_are_scored_apart),
        cmocka_unit_test(other_seeds_observe_other_points),
        cmocka_unit_test(the_floor_is_the_error_of_codes_from_all_points),
        cmocka_unit_test(error_bars_cover_what_a_gaussian_world_promises),
        cmocka_unit_test(moving_points_have_no_persistence),
        cmocka_unit_test(unusable_requests_are_refused),
        cmocka_unit_test(failed_integrations_are_counted_and_left_out),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
