#include "evaluate_fixture.h"

/* Mean of the training frames of the same month. */
static void plain_month(const fc_dataset *record, size_t month, float *u)
{
    for (size_t i = 0; i < 2 * POINTS; i++) {
        double sum = 0.0, number = 0.0;
        for (size_t f = month % 12; f < TRAINED; f += 12, number += 1.0)
            sum += (double)record->sequences[0].frames[f].values[i];
        u[i] = (float)(sum / number);
    }
}

/* Clouds that come and go after the training. */
static void hide_values(fc_dataset *record)
{
    for (size_t f = TRAINED; f < MONTHS; f++)
        for (size_t i = f * f % 7; i < 2 * POINTS; i += 7)
            record->sequences[0].frames[f].values[i] = NAN;
}

/* Values of a target that its start has as well. */
static void plain_truth(const fc_frame *start, const fc_frame *target, float *truth)
{
    for (size_t i = 0; i < 2 * POINTS; i++)
        truth[i] = isnan(start->values[i]) ? NAN : target->values[i];
}

/* The codes of the start, which the linear inverse model of this test keeps. */
static void plain_still(fc_context *context, const fc_model *model, const fc_dataset *record,
                        double time, const double z0[CODES], float *u)
{
    double z[CODES];
    fc__cycle_at(model, time, z);
    for (size_t i = 0; i < CODES; i++)
        z[i] += z0[i];
    must(context, fc_model_decode(context, model, POINTS, record->points[0].coordinates, 1, z, u));
}

/* The forecast and its baselines on the same values: those observed at both times. */
static void scores_by_lead_equal_plain_loops(void **state)
{
    static const size_t wanted[] = {6, 1, 3}, leads[] = {1, 3, 6};
    fc_dataset *record = wave_record(*state, MONTHS);
    fc_model *model = record_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    const fc_frame *frames = record->sequences[0].frames;
    plain forecast[3] = {{0}}, persistence[3] = {{0}}, climatology[3] = {{0}}, lim[3] = {{0}};
    float *mean = zeros(2 * POINTS, sizeof *mean), *truth = zeros(2 * POINTS, sizeof *truth);
    model->residual.baseline = zeros(CODES * CODES, sizeof *model->residual.baseline);
    hide_values(record);
    config.integrator = tight_integrator();
    config.from = frames[TRAINED].time;
    config.leads = wanted;
    config.lead_count = 3;
    for (size_t f = TRAINED; f + 1 < MONTHS; f++) {
        double z0[CODES];
        size_t inside = 0;
        while (inside < 3 && f + leads[inside] < MONTHS)
            inside++;
        plain_encode(*state, model, record, &frames[f], z0);
        float *u = plain_forecast(*state, model, record, 0, f, inside, leads, z0);
        for (size_t k = 0; k < inside; k++) {
            plain_truth(&frames[f], &frames[f + leads[k]], truth);
            plain_month(record, f + leads[k], mean);
            plain_add(&forecast[k], POINTS, 2, u + k * 2 * POINTS, truth, NULL, true);
            plain_add(&persistence[k], POINTS, 2, frames[f].values, truth, NULL, true);
            plain_add(&climatology[k], POINTS, 2, mean, truth, NULL, true);
            plain_still(*state, model, record, frames[f + leads[k]].time, z0, mean);
            plain_add(&lim[k], POINTS, 2, mean, truth, NULL, true);
        }
        free(u);
    }
    fc_evaluation *e = evaluate(*state, model, record, &config);
    assert_int_equal(e->lead_count, 3);
    for (size_t k = 0; k < 3; k++) {
        const fc_lead_score *score = &e->leads[k];
        assert_int_equal(score->lead, leads[k]);
        assert_near(score->rmse / sqrt(forecast[k].square / forecast[k].values), 1.0,
                    TOLERANCE_PLAIN);
        assert_near(score->persistence_rmse / sqrt(persistence[k].square / persistence[k].values),
                    1.0, TOLERANCE_PLAIN);
        assert_near(score->climatology_rmse / sqrt(climatology[k].square / climatology[k].values),
                    1.0, TOLERANCE_PLAIN);
        assert_near(score->lim_rmse / sqrt(lim[k].square / lim[k].values), 1.0, TOLERANCE_PLAIN);
    }
    double square = 0.0, values = 0.0;
    for (size_t k = 0; k < 3; k++) {
        square += forecast[k].square;
        values += forecast[k].values;
    }
    assert_near(e->in_t.mse / (square / values), 1.0, TOLERANCE_PLAIN); /* all leads are short */
    assert_no_score(e->out_t);
    assert_true(e->sigma1 > 0.0 && e->sigma1 < e->sigma2 && e->sigma2 <= 1.0);
    fc_evaluation_destroy(e);
    free(mean);
    free(truth);
    fc_model_destroy(model);
    fc_dataset_destroy(record);
}

/* A record that begins after training: climatology is the model's own mean and cycle. */
static void a_record_of_later_frames_is_compared_with_the_models_mean(void **state)
{
    static const size_t leads[] = {2};
    fc_dataset *record = wave_record(*state, 8);
    fc_model *model = record_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    plain climatology = {0};
    float *mean = zeros(2 * POINTS, sizeof *mean);
    model->time_origin = -50.0;
    config.leads = leads;
    config.lead_count = 1;
    for (size_t f = 2; f < 8; f++) {
        const fc_frame *frame = &record->sequences[0].frames[f];
        plain_mean(*state, model, record, frame->time, mean);
        plain_add(&climatology, POINTS, 2, mean, frame->values, NULL, true);
    }
    fc_evaluation *e = evaluate(*state, model, record, &config);
    assert_near(e->leads[0].climatology_rmse / sqrt(climatology.square / climatology.values), 1.0,
                TOLERANCE_PLAIN);
    fc_evaluation_destroy(e);
    free(mean);
    fc_model_destroy(model);
    fc_dataset_destroy(record);
}

static void usual_leads_are_those_that_fit(void **state)
{
    fc_model *model = record_model(*state);
    fc_evaluate_config config = fc_evaluate_config_default();
    static const size_t months[] = {2, 4, 7}, fitting[] = {1, 3, 4};
    for (size_t k = 0; k < 3; k++) {
        fc_dataset *record = wave_record(*state, months[k]);
        fc_evaluation *e = evaluate(*state, model, record, &config);
        assert_int_equal(e->lead_count, fitting[k]);
        assert_int_equal(e->leads[e->lead_count - 1].lead, k == 0 ? 1 : k == 1 ? 3 : 6);
        fc_evaluation_destroy(e);
        fc_dataset_destroy(record);
    }
    fc_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_by_lead_equal_plain_loops),
        cmocka_unit_test(a_record_of_later_frames_is_compared_with_the_models_mean),
        cmocka_unit_test(usual_leads_are_those_that_fit),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
