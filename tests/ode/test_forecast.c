#include "model_fixture.h"

/* Physical units, in which the fields are of size 2 and 0.5. */
#define TOLERANCE_HAND 1e-5    /* the same operations in another order, float */
#define TOLERANCE_EXACT 2e-3   /* the model of the waves, integrated at rtol 1e-5 over 4 hours */
#define TOLERANCE_TRAINED 2e-2 /* a trained model, between frames and points */

/* What a forecast is asked for and what it gives. */
typedef struct request {
    fc_dataset *observations;
    size_t from, time_count;
    double times[8];
    fc_points points;
    fc_forecast_config config;
    fc_dataset *forecast, *deviation;
    fc_integration integrations[8];
} request;

static request request_create(fc_context *context, wave_world world, size_t side)
{
    request r = {.observations = wave_dataset(context, world),
                 .time_count = 4,
                 .times = {1.0, 1.25, 3.0, 5.0},
                 .points = {.count = side * side, .coordinates = wave_grid(side)},
                 .config = fc_forecast_config_default()};
    r.config.integrator = tight_integrator();
    r.points.grid[0] = r.points.grid[1] = side;
    return r;
}

static fc_status answer(fc_context *context, const fc_model *model, request *r)
{
    return fc_model_forecast(context, model, r->observations, r->from, r->time_count, r->times,
                             &r->points, &r->config, &r->forecast, &r->deviation, r->integrations);
}

static void request_clear(request *r)
{
    fc_dataset_destroy(r->observations);
    fc_dataset_destroy(r->forecast);
    fc_dataset_destroy(r->deviation);
    free(r->points.coordinates);
}

static const wave_world waves = {
    .channels = 2, .sequences = 3, .frames = 2, .start = 1.0, .step = 0.5, .seed = 2};

/* Largest difference from the waves themselves, over the scale of the channel. */
static double error_of(const request *r, const wave_world *world)
{
    double worst = 0.0, z[CODES];
    for (size_t s = 0; s < world->sequences; s++) {
        for (size_t k = 0; k < r->time_count; k++) {
            const float *u = r->forecast->sequences[s].frames[k].values;
            wave_codes(world->seed, s, r->times[k] - world->start, z);
            for (size_t i = 0; i < r->points.count * world->channels; i++) {
                size_t c = i % world->channels;
                double truth = wave_value(z, r->points.coordinates + 2 * (i / world->channels), c);
                worst = fmax(worst, fabs((double)u[i] - truth) / wave_scale[c]);
            }
        }
    }
    return worst;
}

/* ---------------------------------------------------------------- fields */

static void a_forecast_is_encoding_integration_and_decoding(void **state)
{
    request r = request_create(*state, waves, 5);
    fc_model *model = wave_model(*state, 2, 0.1);
    model->field->parameters[2] = 0.05f; /* a constant drift, so that the origin moves as well */
    must(*state, answer(*state, model, &r));
    for (size_t s = 0; s < waves.sequences; s++) {
        double z0[CODES], z[4 * CODES], relative[4], *rows = z;
        float *u = zeros(4 * r.points.count * 2, sizeof *u);
        const double *times = relative;
        const fc_frame *frame = &r.observations->sequences[s].frames[0];
        must(*state,
             fc_model_encode(*state, model, frame->time, POINTS,
                             r.observations->points[0].coordinates, frame->values, z0, NULL));
        for (size_t k = 0; k < 4; k++)
            relative[k] = (r.times[k] - frame->time) / model->time_scale;
        must(*state, fc_integrate(*state, model->field, &r.config.integrator, 1, z0, &r.time_count,
                                  &times, &rows, NULL));
        must(*state, fc_model_decode(*state, model, r.points.count, r.points.coordinates, 4, z, u));
        for (size_t k = 0; k < 4; k++) {
            assert_near(r.forecast->sequences[s].frames[k].time, r.times[k], 0.0);
            for (size_t i = 0; i < r.points.count * 2; i++)
                assert_near((double)r.forecast->sequences[s].frames[k].values[i],
                            (double)u[k * r.points.count * 2 + i], 100.0 * TOLERANCE_HAND);
        }
        free(u);
    }
    request_clear(&r);
    fc_model_destroy(model);
}

static void the_exact_model_forecasts_the_waves_on_a_finer_grid(void **state)
{
    request r = request_create(*state, waves, 40);
    fc_model *model = wave_model(*state, 2, 0.0);
    must(*state, answer(*state, model, &r));
    assert_below(error_of(&r, &waves), TOLERANCE_EXACT);
    for (size_t s = 0; s < waves.sequences; s++) {
        assert_int_equal(r.integrations[s].status, FC_OK);
        assert_near(r.integrations[s].reached, 8.0, 1e-9);
    }
    assert_null(r.deviation);
    request_clear(&r);
    fc_model_destroy(model);
}

static void a_later_frame_can_be_the_start(void **state)
{
    request r = request_create(*state, waves, 4);
    fc_model *model = wave_model(*state, 2, 0.0);
    r.from = 1;
    r.times[0] = 1.5;
    r.times[1] = 2.0;
    must(*state, answer(*state, model, &r));
    assert_below(error_of(&r, &waves), TOLERANCE_EXACT);
    request_clear(&r);
    fc_model_destroy(model);
}

static void the_forecast_is_a_dataset_with_names_units_and_grid(void **state)
{
    request r = request_create(*state, waves, 6);
    fc_model *model = wave_model(*state, 2, 0.0);
    must(*state, answer(*state, model, &r));
    must(*state, fc_dataset_validate(*state, r.forecast, "forecast"));
    assert_int_equal(r.forecast->sequence_count, 3);
    assert_int_equal(r.forecast->sequences[2].frame_count, 4);
    assert_int_equal(r.forecast->points_count, 1);
    assert_int_equal(r.forecast->points[0].grid[1], 6);
    assert_string_equal(r.forecast->channels[1].name, "speed");
    assert_string_equal(r.forecast->time.units, "hours");
    assert_false(r.forecast->record);
    request_clear(&r);
    fc_model_destroy(model);
}

/* Departures decay to nothing, and the field follows the cycle. */
static void the_cycle_goes_on_through_a_forecast(void **state)
{
    request r = request_create(*state, waves, 8);
    fc_model *model = wave_model(*state, 2, 0.0);
    double at[CODES];
    float *u = zeros(2 * r.points.count, sizeof *u);
    model->cycle.period = 24.0;
    model->cycle.harmonics = 1;
    model->cycle.coefficient = zeros(2 * CODES, sizeof *model->cycle.coefficient);
    for (size_t i = 0; i < 2 * CODES; i++)
        model->cycle.coefficient[i] = 0.1 * (double)(i + 1);
    size_t a = fc_field_layout_of(&model->field->config).a;
    for (size_t i = 0; i < CODES; i++)
        model->field->parameters[a + i * (CODES + 1)] = -3.0f;
    must(*state, answer(*state, model, &r));
    fc__cycle_at(model, r.times[3], at);
    must(*state, fc_model_decode(*state, model, r.points.count, r.points.coordinates, 1, at, u));
    for (size_t i = 0; i < 2 * r.points.count; i++)
        assert_near((double)r.forecast->sequences[1].frames[3].values[i], (double)u[i],
                    TOLERANCE_EXACT);
    free(u);
    request_clear(&r);
    fc_model_destroy(model);
}

static void a_trained_model_is_right_between_frames_and_points(void **state)
{
    wave_world world = waves;
    world.channels = 1;
    world.sequences = 12;
    world.frames = 10;
    fc_dataset *dataset = wave_dataset(*state, world);
    fc_train_config config = quick_config(4000);
    fc_model *model = train(*state, dataset, &config);
    world.seed = 31;
    world.sequences = 3;
    request r = request_create(*state, world, 23);
    r.times[1] = 1.17;
    r.times[2] = 2.71;
    r.times[3] = 4.33;
    must(*state, answer(*state, model, &r));
    assert_below(error_of(&r, &world), TOLERANCE_TRAINED);
    request_clear(&r);
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- standard deviations */

static double mean_deviation(const request *r, size_t k)
{
    double sum = 0.0;
    size_t values = r->points.count * 2 * r->observations->sequence_count;
    for (size_t s = 0; s < r->observations->sequence_count; s++)
        for (size_t i = 0; i < r->points.count * 2; i++) {
            float d = r->deviation->sequences[s].frames[k].values[i];
            assert_true(d > 0.0f);
            sum += (double)d / wave_scale[i % 2] / (double)values;
        }
    return sum;
}

/* All but every n-th point of the observations are missing. */
static void observe_little(request *r, size_t n)
{
    for (size_t s = 0; s < r->observations->sequence_count; s++)
        for (size_t i = 0; i < 2 * POINTS; i++)
            if (i / 2 % n)
                r->observations->sequences[s].frames[0].values[i] = NAN;
}

static void deviations_grow_with_the_lead_as_measured(void **state)
{
    request r = request_create(*state, waves, 8);
    fc_model *model = wave_model(*state, 2, 0.1);
    observe_little(&r, 22);
    r.config.deviation = true;
    model->lead_count = 2;
    model->lead_time = copied((double[]){0.0, 8.0}, 2, sizeof(double));
    model->lead_variance = zeros(2 * CODES, sizeof *model->lead_variance);
    for (size_t i = 0; i < CODES; i++)
        model->lead_variance[CODES + i] = 0.16;
    must(*state, answer(*state, model, &r));
    assert_non_null(r.deviation);
    must(*state, fc_dataset_validate(*state, r.deviation, "deviation"));
    double start = mean_deviation(&r, 0), early = mean_deviation(&r, 1),
           end = mean_deviation(&r, 3);
    assert_true(start < early && early < mean_deviation(&r, 2) && mean_deviation(&r, 2) < end);
    /* Rotation keeps the posterior's variance; each wave adds 0.16 (cos^2 + sin^2) by the end. */
    assert_near(end * end - start * start, WAVES * 0.16, 0.15 * WAVES * 0.16);
    request_clear(&r);
    fc_model_destroy(model);
}

/* At the start the members' spread is the posterior's, but for the chance of 400 draws. */
static void deviations_start_from_the_posterior(void **state)
{
    request r = request_create(*state, waves, 8);
    fc_model *model = wave_model(*state, 2, 0.1);
    double z[CODES], covariance[CODES * CODES];
    float *deviation = zeros(2 * r.points.count, sizeof *deviation);
    const fc_frame *frame = &r.observations->sequences[1].frames[0];
    observe_little(&r, 100); /* three points, so that codes rather than noise are in doubt */
    r.config.deviation = true;
    r.config.members = 400;
    must(*state, answer(*state, model, &r));
    must(*state, fc_model_encode(*state, model, 1.0, POINTS, r.observations->points[0].coordinates,
                                 frame->values, z, covariance));
    must(*state, fc_model_decode_std(*state, model, r.points.count, r.points.coordinates, 6, z,
                                     covariance, deviation));
    for (size_t i = 0; i < 2 * r.points.count; i++) {
        double given = (double)r.deviation->sequences[1].frames[0].values[i];
        assert_near(given / (double)deviation[i], 1.0, 0.12);
    }
    free(deviation);
    request_clear(&r);
    fc_model_destroy(model);
}

static void the_same_seed_gives_the_same_deviations(void **state)
{
    request first = request_create(*state, waves, 6), second = request_create(*state, waves, 6);
    fc_model *model = wave_model(*state, 2, 0.1);
    first.config.deviation = second.config.deviation = true;
    size_t bytes = 2 * first.points.count * sizeof(float);
    must(*state, answer(*state, model, &first));
    must(*state, answer(*state, model, &second));
    const float *a = first.deviation->sequences[2].frames[3].values;
    assert_memory_equal(a, second.deviation->sequences[2].frames[3].values, bytes);
    fc_dataset_destroy(second.forecast);
    fc_dataset_destroy(second.deviation);
    second.config.seed = 9;
    must(*state, answer(*state, model, &second));
    assert_memory_not_equal(a, second.deviation->sequences[2].frames[3].values, bytes);
    request_clear(&first);
    request_clear(&second);
    fc_model_destroy(model);
}

/* ---------------------------------------------------------------- errors */

static void assert_refused(fc_context *context, const fc_model *model, request *r, fc_status status,
                           const char *message)
{
    r->forecast = r->observations;
    assert_int_equal(answer(context, model, r), status);
    assert_message(context, message);
    assert_null(r->forecast);
    assert_null(r->deviation);
}

static void times_that_cannot_be_forecast_are_named(void **state)
{
    request r = request_create(*state, waves, 4);
    fc_model *model = wave_model(*state, 2, 0.1);
    r.times[2] = 1.25;
    assert_refused(*state, model, &r, FC_ERROR_USAGE, "time 1.25 (number 2): times must increase");
    r.times[2] = NAN;
    assert_refused(*state, model, &r, FC_ERROR_USAGE, "time nan (number 2)");
    r.times[0] = 0.9;
    assert_refused(*state, model, &r, FC_ERROR_USAGE,
                   "time 0.9 (number 0): times must increase and start at or after the observed "
                   "frame, at 1 in sequence 0");
    r.time_count = 0;
    assert_refused(*state, model, &r, FC_ERROR_USAGE, "no times are asked for");
    r.time_count = 1;
    r.times[0] = 4.0;
    r.from = 2;
    assert_refused(*state, model, &r, FC_ERROR_USAGE,
                   "frame 2 is to be encoded, but sequence 0 has 2 frames");
    r.from = 0;
    r.config.deviation = true;
    r.config.members = 1;
    assert_refused(*state, model, &r, FC_ERROR_USAGE,
                   "1 members; a standard deviation needs at least 2");
    request_clear(&r);
    fc_model_destroy(model);
}

static void points_outside_the_domain_are_named(void **state)
{
    request r = request_create(*state, waves, 4);
    fc_model *model = wave_model(*state, 2, 0.1);
    r.points.coordinates[2 * 7] = NAN;
    assert_refused(*state, model, &r, FC_ERROR_DATA,
                   "query points: point 7: coordinate x is nan; finite numbers are needed");
    r.points.coordinates[2 * 7] = 311.0; /* any number on a periodic axis */
    must(*state, answer(*state, model, &r));
    fc_dataset_destroy(r.forecast);
    model->domain.axis[0].kind = r.observations->domain.axis[0].kind = FC_AXIS_PLAIN;
    assert_refused(*state, model, &r, FC_ERROR_DATA,
                   "query points: point 7: x = 311 lies outside the domain");
    r.points.coordinates[2 * 7] = 1.0;
    r.observations->points[0].coordinates[2 * 3 + 1] = INFINITY;
    assert_refused(*state, model, &r, FC_ERROR_DATA, "observations: point 3: coordinate y is inf");
    request_clear(&r);
    fc_model_destroy(model);
}

static void observations_without_values_are_refused(void **state)
{
    request r = request_create(*state, waves, 4);
    fc_model *model = wave_model(*state, 2, 0.1);
    for (size_t i = 0; i < 2 * POINTS; i++)
        r.observations->sequences[1].frames[0].values[i] = NAN;
    assert_refused(*state, model, &r, FC_ERROR_DATA, "nothing is observed at time 1");
    request_clear(&r);
    fc_model_destroy(model);
}

/* z' = z^2 in the first code: a start above zero ends in finite time, one below never. */
static fc_model *explosive_model(fc_context *context)
{
    fc_model *model = wave_model(context, 2, 0.01);
    fc_field_config config = {.codes = CODES, .rank = 1};
    fc_field_destroy(model->field);
    must(context, fc_field_create(context, &config, 0, &model->field));
    fc_field_layout at = fc_field_layout_of(&config);
    memset(model->field->parameters, 0, model->field->parameter_count * sizeof(float));
    model->field->parameters[at.v] = model->field->parameters[at.w] = 1.0f;
    model->field->parameters[at.u] = 1.0f;
    return model;
}

static void set_first_code(request *r, size_t sequence, double value)
{
    const double z[CODES] = {value};
    float *values = r->observations->sequences[sequence].frames[0].values;
    for (size_t i = 0; i < 2 * POINTS; i++)
        values[i] =
            (float)wave_value(z, r->observations->points[0].coordinates + 2 * (i / 2), i % 2);
}

static void a_failing_integration_is_reported_for_its_sequence(void **state)
{
    request r = request_create(*state, waves, 4);
    fc_model *model = explosive_model(*state);
    set_first_code(&r, 0, -1.0);
    set_first_code(&r, 1, 0.5); /* ends two units after the start: at 2 hours */
    set_first_code(&r, 2, -0.5);
    must(*state, answer(*state, model, &r));
    assert_int_equal(r.integrations[0].status, FC_OK);
    assert_int_equal(r.integrations[1].status, FC_ERROR_SOLVER);
    assert_int_equal(r.integrations[2].status, FC_OK);
    assert_near(r.integrations[1].reached, 2.0, 0.05);
    assert_true(strlen(r.integrations[1].message) > 0);
    for (size_t i = 0; i < 2 * r.points.count; i++) {
        assert_true(isfinite(r.forecast->sequences[1].frames[1].values[i])); /* what was reached */
        assert_true(isnan(r.forecast->sequences[1].frames[2].values[i]));
        assert_true(isfinite(r.forecast->sequences[2].frames[3].values[i]));
    }
    fc_dataset_destroy(r.forecast);
    for (size_t s = 0; s < 3; s++)
        set_first_code(&r, s, 0.5);
    assert_refused(*state, model, &r, FC_ERROR_SOLVER, "");
    request_clear(&r);
    fc_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forecast_is_encoding_integration_and_decoding),
        cmocka_unit_test(the_exact_model_forecasts_the_waves_on_a_finer_grid),
        cmocka_unit_test(a_later_frame_can_be_the_start),
        cmocka_unit_test(the_forecast_is_a_dataset_with_names_units_and_grid),
        cmocka_unit_test(the_cycle_goes_on_through_a_forecast),
        cmocka_unit_test(a_trained_model_is_right_between_frames_and_points),
        cmocka_unit_test(deviations_grow_with_the_lead_as_measured),
        cmocka_unit_test(deviations_start_from_the_posterior),
        cmocka_unit_test(the_same_seed_gives_the_same_deviations),
        cmocka_unit_test(times_that_cannot_be_forecast_are_named),
        cmocka_unit_test(points_outside_the_domain_are_named),
        cmocka_unit_test(observations_without_values_are_refused),
        cmocka_unit_test(a_failing_integration_is_reported_for_its_sequence),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
