/* Trainings that look for an equation: a heat-conducting, drifting field on a periodic grid, whose
 * waves turn and fade at known rates. */
#include "training_fixture.h"

#define TOLERANCE_EQUATION 1e-4 /* of the departure from the mean; float data */

enum { DRIFTERS = 16, DRIFT_FRAMES = 8 };

static const double drift[2] = {0.11, -0.2}, conductivity = 0.02, drift_step = 0.5;

/* u(x, t) = sum over waves of a exp(-D kappa^2 t) cos(kappa . (x - drift t) + phase) */
static fc_dataset *drifting_dataset(fc_context *context, size_t frames, uint64_t seed)
{
    const wave_world world = {
        .channels = 1, .sequences = DRIFTERS, .frames = frames, .step = drift_step};
    fc_dataset *dataset = wave_dataset(context, world);
    const double *x = dataset->points[0].coordinates;
    for (size_t s = 0; s < DRIFTERS; s++) {
        for (size_t f = 0; f < frames; f++)
            memset(dataset->sequences[s].frames[f].values, 0, POINTS * sizeof(float));
        fc__rng rng = fc__rng_create(seed, s);
        for (int kx = -2; kx <= 2; kx++)
            for (int ky = -2; ky <= 2; ky++) {
                double size = fc__rng_normal(&rng) / (1.0 + kx * kx + ky * ky);
                double phase = 2.0 * M_PI * fc__rng_uniform(&rng);
                double wx = M_PI * kx, wy = 2.0 * M_PI / 3.0 * ky; /* box of 2 x 3 */
                for (size_t f = 0; f < frames; f++) {
                    double t = drift_step * (double)f;
                    double fade = size * exp(-conductivity * (wx * wx + wy * wy) * t);
                    for (size_t p = 0; p < POINTS; p++)
                        dataset->sequences[s].frames[f].values[p] +=
                            (float)(fade * cos(wx * (x[2 * p] - drift[0] * t) +
                                               wy * (x[2 * p + 1] - drift[1] * t) + phase));
                }
            }
    }
    return dataset;
}

static fc_train_config equation_config(void)
{
    fc_train_config config = quick_config(100);
    config.field_kind = FC_FIELD_AUTO;
    return config;
}

/* Largest relative error of the last frame over sequences. */
static double last_error(fc_context *context, const fc_model *model, const fc_dataset *dataset)
{
    fc_evaluate_config config = fc_evaluate_config_default();
    fc_evaluation *e;
    config.integrator = tight_integrator();
    must(context, fc_model_evaluate(context, model, dataset, &config, &e));
    double error = e->frame[e->frame_count - 1].rel_l2;
    fc_evaluation_destroy(e);
    return error;
}

static void an_equation_is_found_where_there_is_one(void **state)
{
    fc_dataset *dataset = drifting_dataset(*state, DRIFT_FRAMES, 1);
    fc_dataset *fresh = drifting_dataset(*state, 3 * DRIFT_FRAMES, 2);
    fc_train_config config = equation_config();
    fc_model *model = train(*state, dataset, &config);
    assert_non_null(model->field->equation);
    assert_below(last_error(*state, model, fresh), 10.0 * TOLERANCE_EQUATION);
    assert_true(model->lead_count > 1);
    for (size_t t = 0; t < model->field->equation->term_count; t++) {
        const fc_term *term = &model->field->equation->terms[t];
        double expected = term->factors == 1 && term->factor[0].order == 2 &&
                                  term->factor[0].angle == FC_ANGLE_ONE
                              ? -conductivity
                          : term->factors == 1 && term->factor[0].order == 1
                              ? -drift[term->factor[0].angle == FC_ANGLE_Y]
                              : 0.0;
        assert_near(term->coefficient / model->time_scale, expected, TOLERANCE_EQUATION);
    }
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
    fc_dataset_destroy(fresh);
}

static void what_is_asked_for_is_what_is_trained(void **state)
{
    fc_dataset *dataset = drifting_dataset(*state, DRIFT_FRAMES, 1);
    fc_train_config config = equation_config();
    config.field_kind = FC_FIELD_BILINEAR;
    fc_model *model = train(*state, dataset, &config);
    assert_null(model->field->equation);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

/* Frames without any order in time: no equation foretells them. */
static void where_no_equation_is_found_the_dynamics_is_trained(void **state)
{
    fc_dataset *dataset = drifting_dataset(*state, DRIFT_FRAMES, 1);
    fc_train_config config = equation_config();
    for (size_t s = 0; s < DRIFTERS; s++)
        for (size_t f = 0; f + 1 < DRIFT_FRAMES; f++) {
            fc__rng rng = fc__rng_create(s, f);
            fc_frame *a = &dataset->sequences[s].frames[f];
            fc_frame *b = &dataset->sequences[fc__rng_below(&rng, DRIFTERS)].frames[f + 1];
            float *values = a->values;
            a->values = b->values;
            b->values = values;
        }
    fc_model *model = train(*state, dataset, &config);
    assert_null(model->field->equation);
    config.field_kind = FC_FIELD_EQUATION; /* whatever it is worth */
    fc_model *poor = train(*state, dataset, &config);
    assert_non_null(poor->field->equation);
    fc_model_destroy(model);
    fc_model_destroy(poor);
    fc_dataset_destroy(dataset);
}

static void an_equation_is_refused_where_there_can_be_none(void **state)
{
    fc_dataset *dataset = monthly_record(*state, 40, 1);
    fc_train_config config = equation_config();
    fc_training *training;
    config.field_kind = FC_FIELD_EQUATION;
    config.decoder.filter = FC_FILTER_RANDOM;
    config.decoder.bandwidth = 2.0;
    assert_int_equal(fc_training_create(*state, dataset, &config, NULL, &training), FC_ERROR_USAGE);
    assert_message(*state, "one or two periodic axes");
    assert_null(training);
    fc_dataset_destroy(dataset);
}

/* A checkpoint holds all there is; going on from it measures the error bars. */
static void a_resumed_run_ends_with_the_same_equation(void **state)
{
    fc_dataset *dataset = drifting_dataset(*state, DRIFT_FRAMES, 1);
    fc_train_config config = equation_config();
    fc_training *part = start(*state, dataset, &config, NULL);
    fc_training_state saved = fc_training_get_state(part);
    fc_training *again = start(*state, dataset, &config, &saved);
    finish(*state, again);
    finish(*state, part);
    fc_model *resumed = fc_training_take_model(again), *whole = fc_training_take_model(part);
    const fc_equation *a = resumed->field->equation, *b = whole->field->equation;
    assert_same_model(whole, resumed);
    assert_int_equal(a->term_count, b->term_count);
    for (size_t t = 0; t < a->term_count; t++)
        assert_true(a->terms[t].coefficient == b->terms[t].coefficient);
    assert_same_doubles(2 * a->channels * a->wave_count, a->forcing, b->forcing);
    fc_training_destroy(part);
    fc_training_destroy(again);
    fc_model_destroy(resumed);
    fc_model_destroy(whole);
    fc_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_equation_is_found_where_there_is_one),
        cmocka_unit_test(what_is_asked_for_is_what_is_trained),
        cmocka_unit_test(where_no_equation_is_found_the_dynamics_is_trained),
        cmocka_unit_test(an_equation_is_refused_where_there_can_be_none),
        cmocka_unit_test(a_resumed_run_ends_with_the_same_equation),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
