/* Codes from several frames: against the posterior that knows all of them at once. */
#include "evaluate_fixture.h"
#include "ode/estimate.h"

#define TOLERANCE_FILTER 0.01 /* in deviations: float bases, the tolerances of CVODE */

enum { WINDOW = 4, SEEN = 3 };

/* Frames of one sequence whose channels are seen at a few points, others in every frame. */
typedef struct window {
    fc_dataset *dataset;
    fc_model *model;
    bool seen[WINDOW][POINTS];
} window;

static window make_window(fc_context *context)
{
    window w = {.model = wave_model(context, 2, 0.1)};
    w.dataset = wave_dataset(context, (wave_world){.channels = 2,
                                                   .sequences = 1,
                                                   .frames = WINDOW,
                                                   .step = 0.75,
                                                   .noise = 0.1,
                                                   .seed = 12});
    for (size_t f = 0; f < WINDOW; f++)
        for (size_t k = 0; k < SEEN; k++)
            w.seen[f][(37 * f + 85 * k) % POINTS] = true;
    return w;
}

static void window_clear(window *w)
{
    fc_model_destroy(w->model);
    fc_dataset_destroy(w->dataset);
}

static void observe(fc_context *context, const window *w, size_t f, fc__estimate *estimate)
{
    const fc_integrator_config config = tight_integrator();
    const fc_frame *frame = &w->dataset->sequences[0].frames[f];
    must(context, fc__estimate_observe(context, w->model, &config, frame->time, POINTS,
                                       w->dataset->points[0].coordinates, frame->values, w->seen[f],
                                       estimate));
}

/* Departures of the codes at time `to` from those at `from`: each pair turns by its frequency. */
static void turn(double hours, double z[CODES])
{
    for (size_t k = 0; k < WAVES; k++) {
        double c = cos(wave_frequency[k] * hours), s = sin(wave_frequency[k] * hours);
        double a = z[2 * k], b = z[2 * k + 1];
        z[2 * k] = c * a - s * b;
        z[2 * k + 1] = s * a + c * b;
    }
}

/* Adds the observations of a frame to the normal equations N z = r of the codes at the last one,
 * each as a row g z = y with g the basis after the flow between. */
static void add_frame(const window *w, size_t f, double n[CODES * CODES], double r[CODES])
{
    const fc_frame *frames = w->dataset->sequences[0].frames;
    const double *x = w->dataset->points[0].coordinates;
    double back = frames[f].time - frames[WINDOW - 1].time;
    for (size_t i = 0; i < 2 * POINTS; i++) {
        double g[CODES], c = (double)wave_scale[i % 2];
        if (!w->seen[f][i / 2])
            continue;
        for (size_t j = 0; j < CODES; j++) {
            double z[CODES] = {0};
            z[j] = 1.0;
            turn(back, z);
            g[j] = (wave_value(z, x + 2 * (i / 2), i % 2) - wave_mean[i % 2]) / c;
        }
        double y = ((double)frames[f].values[i] - wave_mean[i % 2]) / c;
        for (size_t j = 0; j < CODES; j++) {
            r[j] += g[j] * y / w->model->noise[i % 2];
            for (size_t k = 0; k < CODES; k++)
                n[j * CODES + k] += g[j] * g[k] / w->model->noise[i % 2];
        }
    }
}

/* The flow only turns codes, whose prior does not change by that; so all frames together have one
 * Gaussian posterior. */
static void a_window_gives_the_posterior_of_all_its_frames(void **state)
{
    window w = make_window(*state);
    fc__estimate estimate;
    double n[CODES * CODES] = {0}, inverse[CODES * CODES] = {0}, r[CODES] = {0}, first = 0.0;
    must(*state, fc__estimate_create(*state, w.model, &estimate));
    for (size_t f = 0; f < WINDOW; f++) {
        observe(*state, &w, f, &estimate);
        add_frame(&w, f, n, r);
        assert_int_equal(estimate.observed, 2 * SEEN);
        if (f == 0)
            for (size_t i = 0; i < CODES; i++)
                first += estimate.covariance[i * (CODES + 1)];
    }
    for (size_t i = 0; i < CODES; i++) {
        n[i * (CODES + 1)] += 1.0 / w.model->prior->covariance[i * (CODES + 1)];
        inverse[i * (CODES + 1)] = 1.0;
    }
    must(*state, fc__cholesky(*state, "normal matrix", CODES, n));
    fc__cholesky_solve(CODES, n, CODES, inverse);
    double last = 0.0;
    for (size_t i = 0; i < CODES; i++) {
        double z = 0.0, deviation = sqrt(inverse[i * (CODES + 1)]);
        for (size_t j = 0; j < CODES; j++)
            z += inverse[i * CODES + j] * r[j];
        assert_near(estimate.z[i] / deviation, z / deviation, TOLERANCE_FILTER);
        assert_near(sqrt(estimate.covariance[i * (CODES + 1)]) / deviation, 1.0, TOLERANCE_FILTER);
        last += estimate.covariance[i * (CODES + 1)];
    }
    assert_below(last, 0.2 * first);
    fc__estimate_clear(&estimate);
    window_clear(&w);
}

/* What the flow is known to miss makes earlier frames count less. */
static void the_error_of_the_flow_widens_the_estimate(void **state)
{
    window w = make_window(*state);
    fc__estimate sure, unsure;
    fc_model *model = w.model;
    double a = 0.0, b = 0.0, prior = 0.0;
    must(*state, fc__estimate_create(*state, model, &sure));
    must(*state, fc__estimate_create(*state, model, &unsure));
    for (size_t f = 0; f < WINDOW; f++)
        observe(*state, &w, f, &sure);
    model->lead_count = 2;
    model->lead_time = zeros(2, sizeof *model->lead_time);
    model->lead_variance = zeros(2 * CODES, sizeof *model->lead_variance);
    model->lead_time[1] = 1.5; /* a frame, in half hours */
    for (size_t i = 0; i < CODES; i++)
        model->lead_variance[CODES + i] = 0.3 * model->prior->covariance[i * (CODES + 1)];
    for (size_t f = 0; f < WINDOW; f++)
        observe(*state, &w, f, &unsure);
    for (size_t i = 0; i < CODES; i++) {
        a += sure.covariance[i * (CODES + 1)];
        b += unsure.covariance[i * (CODES + 1)];
        prior += model->prior->covariance[i * (CODES + 1)];
    }
    assert_below(2.0 * a, b);
    assert_below(b, prior);
    fc__estimate_clear(&sure);
    fc__estimate_clear(&unsure);
    window_clear(&w);
}

static void the_forecast_stands_where_nothing_is_observed(void **state)
{
    window w = make_window(*state);
    fc__estimate estimate;
    double z[CODES];
    must(*state, fc__estimate_create(*state, w.model, &estimate));
    observe(*state, &w, 0, &estimate);
    memcpy(z, estimate.z, sizeof z);
    memset(w.seen[1], 0, sizeof w.seen[1]);
    observe(*state, &w, 1, &estimate);
    turn(0.75, z);
    for (size_t i = 0; i < CODES; i++)
        assert_near(estimate.z[i], z[i], 1e-4);
    assert_true(estimate.time == 0.75);
    estimate.begun = false; /* a first frame has to be observed */
    const fc_integrator_config config = tight_integrator();
    assert_int_equal(fc__estimate_observe(
                         *state, w.model, &config, 0.0, POINTS, w.dataset->points[0].coordinates,
                         w.dataset->sequences[0].frames[1].values, w.seen[1], &estimate),
                     FC_ERROR_DATA);
    fc__estimate_clear(&estimate);
    window_clear(&w);
}

/* z' = 50 z^2 in the first code ends before the next frame. */
static void an_estimate_begins_anew_where_the_flow_breaks_down(void **state)
{
    window w = make_window(*state);
    fc__estimate estimate, fresh;
    fc_field_config config = {.codes = CODES, .rank = 1};
    fc_field_destroy(w.model->field);
    must(*state, fc_field_create(*state, &config, 0, &w.model->field));
    fc_field_layout at = fc_field_layout_of(&config);
    memset(w.model->field->parameters, 0, w.model->field->parameter_count * sizeof(float));
    w.model->field->parameters[at.v] = w.model->field->parameters[at.w] = 1.0f;
    w.model->field->parameters[at.u] = 50.0f;
    must(*state, fc__estimate_create(*state, w.model, &estimate));
    must(*state, fc__estimate_create(*state, w.model, &fresh));
    observe(*state, &w, 0, &estimate);
    estimate.z[0] = 1.0;
    observe(*state, &w, 1, &estimate);
    observe(*state, &w, 1, &fresh);
    for (size_t i = 0; i < CODES; i++)
        assert_near(estimate.z[i], fresh.z[i], 1e-9);
    fc__estimate_clear(&estimate);
    fc__estimate_clear(&fresh);
    window_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_gives_the_posterior_of_all_its_frames),
        cmocka_unit_test(the_error_of_the_flow_widens_the_estimate),
        cmocka_unit_test(the_forecast_stands_where_nothing_is_observed),
        cmocka_unit_test(an_estimate_begins_anew_where_the_flow_breaks_down),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
