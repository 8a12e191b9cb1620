#include "model_fixture.h"
#include "ode/residual.h"

#define TOLERANCE_FLOAT 2e-5 /* fields of about 10 in float */

enum { LEADS = 3, HIDDEN = 37 };

/* A model of waves that resolves next to nothing, as its noise is large, with codes that stay where
 * they are and a residual that keeps what it has up to lead 2 and has forgotten half at 4. */
static fc_model *blind_model(fc_context *context)
{
    static const double leads[LEADS] = {0.0, 2.0, 4.0}, kept[LEADS] = {1.0, 1.0, 0.5};
    static const double error[LEADS] = {0.0, 0.04, 0.09}, one = 1.0, length = 0.3, none = 0.0;
    fc_model *model = wave_model(context, 1, 1e4);
    fc_residual *r = &model->residual;
    model->time_scale = 1.0;
    memset(model->field->parameters, 0, model->field->parameter_count * sizeof(float));
    r->lead_count = LEADS;
    r->lead = copied(leads, LEADS, sizeof *leads);
    r->departure = copied(kept, LEADS, sizeof *kept);
    r->persistence = zeros(LEADS, sizeof *r->persistence);
    r->decay = copied(kept, LEADS, sizeof *kept);
    r->error = copied(error, LEADS, sizeof *error);
    r->variance = copied(&one, 1, sizeof one);
    r->length = copied(&length, 1, sizeof length);
    r->nugget = copied(&none, 1, sizeof none);
    return model;
}

/* One noisy frame at hour 0. */
static fc_dataset *one_frame(fc_context *context)
{
    return wave_dataset(
        context,
        (wave_world){
            .channels = 1, .sequences = 1, .frames = 1, .step = 1.0, .noise = 0.5, .seed = 4});
}

static void forecast(fc_context *context, const fc_model *model, const fc_dataset *observed,
                     size_t count, const double *times, const fc_points *points, fc_dataset **mean,
                     fc_dataset **deviation)
{
    fc_forecast_config config = fc_forecast_config_default();
    config.deviation = deviation != NULL;
    must(context, fc_model_forecast(context, model, observed, 0, count, times, points, &config,
                                    mean, deviation, NULL));
}

/* ---------------------------------------------------------------- forecasts */

static void with_nothing_resolved_and_nothing_forgotten_the_forecast_is_persistence(void **state)
{
    const double times[3] = {0.0, 0.7, 2.0};
    fc_model *model = blind_model(*state);
    fc_dataset *observed = one_frame(*state), *mean;
    const float *seen = observed->sequences[0].frames[0].values;
    forecast(*state, model, observed, 3, times, &observed->points[0], &mean, NULL);
    for (size_t k = 0; k < 3; k++)
        for (size_t p = 0; p < POINTS; p++)
            assert_near((double)mean->sequences[0].frames[k].values[p], (double)seen[p],
                        TOLERANCE_FLOAT);
    fc_dataset_destroy(mean);
    fc_dataset_destroy(observed);
    fc_model_destroy(model);
}

static void the_residual_decays_between_its_leads_and_ends_as_climatology(void **state)
{
    const double times[3] = {3.0, 4.0, 200.0};
    const double share[3] = {0.75, 0.5, 0.0};
    fc_model *model = blind_model(*state);
    fc_dataset *observed = one_frame(*state), *mean;
    const float *seen = observed->sequences[0].frames[0].values;
    forecast(*state, model, observed, 3, times, &observed->points[0], &mean, NULL);
    for (size_t k = 0; k < 3; k++)
        for (size_t p = 0; p < POINTS; p++) /* the prior's mean field is that of the waves, 10 */
            assert_near((double)mean->sequences[0].frames[k].values[p],
                        wave_mean[0] + share[k] * ((double)seen[p] - wave_mean[0]),
                        TOLERANCE_FLOAT);
    fc_dataset_destroy(mean);
    fc_dataset_destroy(observed);
    fc_model_destroy(model);
}

static void a_missing_value_is_filled_from_its_neighbours(void **state)
{
    const double time = 0.0;
    fc_model *model = blind_model(*state);
    fc_dataset *observed = one_frame(*state), *mean, *deviation;
    float *seen = observed->sequences[0].frames[0].values;
    for (size_t p = 0; p < POINTS; p++)
        seen[p] = (float)(wave_mean[0] + wave_scale[0] * sin(M_PI * (double)(p % SIDE) / 8.0));
    const float hidden = seen[HIDDEN];
    forecast(*state, model, observed, 1, &time, &observed->points[0], &mean, &deviation);
    const float known = deviation->sequences[0].frames[0].values[HIDDEN];
    fc_dataset_destroy(mean);
    fc_dataset_destroy(deviation);
    seen[HIDDEN] = NAN;
    forecast(*state, model, observed, 1, &time, &observed->points[0], &mean, &deviation);
    const float *found = mean->sequences[0].frames[0].values;
    const float *bar = deviation->sequences[0].frames[0].values;
    assert_near((double)found[HIDDEN], (double)hidden, 0.3 * wave_scale[0]);
    assert_true(fabsf(found[HIDDEN] - (float)wave_mean[0]) > 0.5f * fabsf(hidden - 10.0f));
    assert_near((double)found[HIDDEN + 1], (double)seen[HIDDEN + 1], TOLERANCE_FLOAT);
    assert_true(bar[HIDDEN] > known);
    fc_dataset_destroy(mean);
    fc_dataset_destroy(deviation);
    fc_dataset_destroy(observed);
    fc_model_destroy(model);
}

/* The error of the table joins the codes' own. */
static void error_bars_grow_by_the_error_of_the_residual(void **state)
{
    const double times[2] = {2.0, 4.0};
    fc_model *model = blind_model(*state);
    fc_dataset *observed = one_frame(*state), *mean, *deviation, *again, *without;
    forecast(*state, model, observed, 2, times, &observed->points[0], &mean, &deviation);
    memset(model->residual.error, 0, LEADS * sizeof *model->residual.error);
    forecast(*state, model, observed, 2, times, &observed->points[0], &again, &without);
    for (size_t k = 0; k < 2; k++) {
        double all = (double)deviation->sequences[0].frames[k].values[HIDDEN];
        double codes = (double)without->sequences[0].frames[k].values[HIDDEN];
        double expected = (k ? 0.09 : 0.04) * wave_scale[0] * wave_scale[0];
        assert_near(all * all - codes * codes, expected, 1e-3 * (expected + all * all));
    }
    fc_dataset_destroy(mean);
    fc_dataset_destroy(again);
    fc_dataset_destroy(deviation);
    fc_dataset_destroy(without);
    fc_dataset_destroy(observed);
    fc_model_destroy(model);
}

/* Mean 0.5 everywhere, at other points too. */
static void the_climatology_of_the_residual_reaches_all_points(void **state)
{
    const double time = 300.0, elsewhere[4] = {0.31, 0.17, 1.2, -0.4};
    fc_model *model = blind_model(*state);
    fc_dataset *observed = one_frame(*state), *mean;
    fc_points asked = {.count = 2, .coordinates = (double *)elsewhere};
    fc_residual *r = &model->residual;
    r->length[0] = 100.0;
    r->point_count = POINTS;
    r->coordinates = copied(observed->points[0].coordinates, 2 * POINTS, sizeof(double));
    r->climate = zeros(POINTS, sizeof *r->climate);
    for (size_t p = 0; p < POINTS; p++)
        r->climate[p] = p == HIDDEN ? NAN : 0.5f;
    forecast(*state, model, observed, 1, &time, &observed->points[0], &mean, NULL);
    for (size_t p = 0; p < POINTS; p++)
        assert_near((double)mean->sequences[0].frames[0].values[p],
                    wave_mean[0] + (p == HIDDEN ? 0.0 : 0.5 * wave_scale[0]), 1e-3);
    fc_dataset_destroy(mean);
    forecast(*state, model, observed, 1, &time, &asked, &mean, NULL);
    for (size_t p = 0; p < 2; p++)
        assert_near((double)mean->sequences[0].frames[0].values[p],
                    wave_mean[0] + 0.5 * wave_scale[0], 0.01);
    fc_dataset_destroy(mean);
    fc_dataset_destroy(observed);
    fc_model_destroy(model);
}

/* ---------------------------------------------------------------- fitting */

/* Waves that are red noise (AR(1), memory 0.9) under white-in-space noise at each point that is red
 * in time: what no basis can hold. */
static fc_dataset *noisy_record(fc_context *context, size_t frames, double memory, double deviation)
{
    fc_dataset *dataset = wave_dataset(
        context, (wave_world){.channels = 1, .sequences = 1, .frames = frames, .step = 1.0});
    fc__rng rng = fc__rng_create(12, 34);
    double z[CODES] = {0.0}, small[POINTS];
    for (size_t p = 0; p < POINTS; p++)
        small[p] = deviation * fc__rng_normal(&rng);
    dataset->record = true;
    for (size_t f = 0; f < frames; f++) {
        for (size_t i = 0; i < CODES; i++)
            z[i] =
                0.9 * z[i] + sqrt(1.0 - 0.81) * 0.3 * wave_deviation[i / 2] * fc__rng_normal(&rng);
        for (size_t p = 0; p < POINTS; p++) {
            dataset->sequences[0].frames[f].values[p] =
                (float)(wave_value(z, dataset->points[0].coordinates + 2 * p, 0) + small[p]);
            small[p] =
                memory * small[p] + deviation * sqrt(1.0 - memory * memory) * fc__rng_normal(&rng);
        }
    }
    return dataset;
}

static fc_model *train_until(fc_context *context, const fc_dataset *record, size_t frame)
{
    fc_train_config config = quick_config(200);
    config.until = record->sequences[0].frames[frame].time;
    return train(context, record, &config);
}

static void the_decay_of_a_red_residual_is_found_again(void **state)
{
    fc_dataset *record = noisy_record(*state, 260, 0.7, 0.8);
    fc_model *model = train_until(*state, record, 259);
    const fc_residual *r = &model->residual;
    assert_true(r->lead_count > 5);
    for (size_t k = 1; k <= 4; k++) {
        assert_near(r->lead[k], (double)k, 1e-12);
        assert_near(r->decay[k], pow(0.7, (double)k), 0.04);
    }
    /* Not correlated in space; its variance is that of the noise in units of the normalisation. */
    assert_true(r->nugget[0] > 0.9 || r->length[0] < 0.05);
    assert_near(r->variance[0] * model->scale[0] * model->scale[0] / 0.64, 1.0, 0.1);
    fc_model_destroy(model);
    fc_dataset_destroy(record);
}

static fc_evaluation *score(fc_context *context, const fc_model *model, const fc_dataset *record,
                            size_t from)
{
    static const size_t leads[] = {1, 3, 12};
    fc_evaluate_config config = fc_evaluate_config_default();
    fc_evaluation *e;
    config.from = record->sequences[0].frames[from].time;
    config.leads = leads;
    config.lead_count = 3;
    must(context, fc_model_evaluate(context, model, record, &config, &e));
    return e;
}

/* Codes alone lose to persistence where the greater part is not resolved. */
static void a_record_with_small_scales_is_forecast_no_worse_than_by_any_baseline(void **state)
{
    fc_dataset *record = noisy_record(*state, 140, 0.8, 0.8);
    fc_model *model = train_until(*state, record, 100);
    fc_evaluation *e = score(*state, model, record, 100);
    for (size_t k = 0; k < 3; k++) {
        print_message("lead %zu: %.3f persistence %.3f climatology %.3f lim %.3f\n",
                      e->leads[k].lead, e->leads[k].rmse, e->leads[k].persistence_rmse,
                      e->leads[k].climatology_rmse, e->leads[k].lim_rmse);
        assert_below(e->leads[k].rmse, e->leads[k].persistence_rmse);
        assert_below(e->leads[k].rmse, 1.02 * e->leads[k].climatology_rmse);
        assert_below(e->leads[k].rmse, 1.05 * e->leads[k].lim_rmse);
    }
    fc_evaluation_destroy(e);
    fc__residual_clear(&model->residual); /* codes alone */
    e = score(*state, model, record, 100);
    assert_true(e->leads[0].rmse > e->leads[0].persistence_rmse);
    assert_true(isnan(e->leads[0].lim_rmse));
    fc_evaluation_destroy(e);
    fc_model_destroy(model);
    fc_dataset_destroy(record);
}

static void the_same_seed_gives_the_same_residual(void **state)
{
    fc_dataset *record = noisy_record(*state, 60, 0.8, 0.4);
    fc_model *a = train_until(*state, record, 50), *b = train_until(*state, record, 50);
    const fc_residual *p = &a->residual, *q = &b->residual;
    assert_int_equal(p->lead_count, q->lead_count);
    assert_int_equal(p->point_count, POINTS);
    assert_memory_equal(p->decay, q->decay, p->lead_count * sizeof *p->decay);
    assert_memory_equal(p->departure, q->departure, p->lead_count * sizeof *p->departure);
    assert_memory_equal(p->climate, q->climate, POINTS * sizeof *p->climate);
    fc_model_destroy(a);
    fc_model_destroy(b);
    fc_dataset_destroy(record);
}

/* Adds to all frames short waves in space, with an amplitude that is red in time. */
static void add_ripples(fc_dataset *record, double deviation)
{
    enum { RIPPLES = 40 };
    fc__rng rng = fc__rng_create(56, 78);
    double wave[RIPPLES][2], a[RIPPLES][2];
    const double scale = deviation / sqrt((double)RIPPLES), memory = 0.7;
    for (size_t k = 0; k < RIPPLES; k++) {
        for (size_t i = 0; i < 2; i++) {
            wave[k][i] = 0.2 * fc__rng_normal(&rng); /* radians a point */
            a[k][i] = fc__rng_normal(&rng);
        }
    }
    for (size_t f = 0; f < record->sequences[0].frame_count; f++) {
        for (size_t p = 0; p < POINTS; p++) {
            double sum = 0.0;
            for (size_t k = 0; k < RIPPLES; k++) {
                double phase = wave[k][0] * (double)(p / SIDE) + wave[k][1] * (double)(p % SIDE);
                sum += a[k][0] * cos(phase) + a[k][1] * sin(phase);
            }
            record->sequences[0].frames[f].values[p] += (float)(scale * sum);
        }
        for (size_t k = 0; k < RIPPLES; k++)
            for (size_t i = 0; i < 2; i++)
                a[k][i] = memory * a[k][i] + sqrt(1.0 - memory * memory) * fc__rng_normal(&rng);
    }
}

/* Ten frames with gaps, which no number of codes that ten frames can tell would fill. */
static void gaps_of_a_record_of_few_frames_are_filled_from_their_surroundings(void **state)
{
    enum { FEW = 10 };
    const double deviation = 1.0;
    fc_dataset *record = noisy_record(*state, FEW, 0.5, 0.05), *filled, *bars;
    float hidden[FEW][POINTS];
    double square = 0.0, number = 0.0, within = 0.0;
    fc_forecast_config config = fc_forecast_config_default();
    config.deviation = true;
    add_ripples(record, deviation);
    for (size_t f = 0; f < FEW; f++) {
        float *values = record->sequences[0].frames[f].values;
        for (size_t p = 0; p < POINTS; p++)
            hidden[f][p] = NAN;
        for (size_t p = 3 * f % 11; p < POINTS; p += 11) {
            hidden[f][p] = values[p];
            values[p] = NAN;
        }
    }
    fc_train_config training = quick_config(200);
    fc_model *model = train(*state, record, &training);
    const fc_residual *r = &model->residual;
    assert_int_equal(r->point_count, 0);
    assert_true(r->still && r->lead_count == 4);
    for (size_t k = 1; k < r->lead_count; k++)
        assert_true(r->decay[k] >= 0.0 && r->decay[k] < 1.0);
    assert_true(r->nugget[0] < 0.1);
    must(*state, fc_model_fill(*state, model, record, &record->points[0], &config, &filled, &bars));
    for (size_t f = 0; f < FEW; f++) {
        const float *found = filled->sequences[0].frames[f].values;
        const float *bar = bars->sequences[0].frames[f].values;
        for (size_t p = 0; p < POINTS; p++) {
            if (isnan(hidden[f][p])) {
                assert_near((double)found[p], (double)record->sequences[0].frames[f].values[p],
                            TOLERANCE_FLOAT);
                continue;
            }
            square += pow((double)(found[p] - hidden[f][p]), 2.0);
            within += fabsf(found[p] - hidden[f][p]) < bar[p] ? 1.0 : 0.0;
            number += 1.0;
        }
    }
    print_message("filled: %.3f, %.0f %% within one deviation, length %.2f nugget %.3f\n",
                  sqrt(square / number), 100.0 * within / number, r->length[0], r->nugget[0]);
    assert_below(sqrt(square / number), 0.25 * deviation);
    assert_true(within > 0.55 * number && within < 0.95 * number);
    fc_dataset_destroy(filled);
    fc_dataset_destroy(bars);
    fc_model_destroy(model);
    fc_dataset_destroy(record);
}

static void records_of_a_few_frames_can_be_trained_on(void **state)
{
    for (size_t frames = 2; frames < 9; frames++) {
        fc_dataset *record = noisy_record(*state, frames, 0.5, 0.4);
        fc_train_config config = quick_config(50);
        fc_model *model = train(*state, record, &config);
        assert_true((model->residual.lead_count > 0) == (frames >= 3));
        for (size_t k = 0; k < model->residual.lead_count; k++)
            assert_true(isfinite(model->residual.decay[k]) && isfinite(model->residual.error[k]));
        fc_model_destroy(model);
        fc_dataset_destroy(record);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_nothing_resolved_and_nothing_forgotten_the_forecast_is_persistence),
        cmocka_unit_test(the_residual_decays_between_its_leads_and_ends_as_climatology),
        cmocka_unit_test(a_missing_value_is_filled_from_its_neighbours),
        cmocka_unit_test(error_bars_grow_by_the_error_of_the_residual),
        cmocka_unit_test(the_climatology_of_the_residual_reaches_all_points),
        cmocka_unit_test(the_decay_of_a_red_residual_is_found_again),
        cmocka_unit_test(a_record_with_small_scales_is_forecast_no_worse_than_by_any_baseline),
        cmocka_unit_test(the_same_seed_gives_the_same_residual),
        cmocka_unit_test(gaps_of_a_record_of_few_frames_are_filled_from_their_surroundings),
        cmocka_unit_test(records_of_a_few_frames_can_be_trained_on),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
