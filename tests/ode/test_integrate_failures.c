#include "integrate_fixture.h"

#define TOLERANCE_BLOWUP 2e-4 /* z' = z^2 beside a failing sample at rtol 1e-5, relative */

/* ---------------------------------------------------------------- failures */

static void assert_reached_part(const trajectories *t, size_t sample)
{
    double reached = t->integrations[sample].reached;
    for (size_t i = 0; i < t->counts[sample]; i++)
        assert_int_equal(isfinite(t->z[sample][i * t->codes]) != 0, t->times[sample][i] <= reached);
}

static void a_blowing_up_sample_leaves_the_others_complete(void **state)
{
    fc_field *field = create_square(*state);
    trajectories t = trajectories_create(9, 1);
    for (size_t i = 0; i < 9; i++) {
        t.z0[i] = i == 2 ? 0.5 : i == 6 ? 1 : -0.3 * (double)(i + 1);
        want_times(&t, i, 31, 0.1, true);
    }
    assert_int_equal(integrate(*state, field, tolerance(1e-5), &t), FC_OK);
    for (size_t i = 0; i < 9; i++) {
        const fc_integration *integration = t.integrations + i;
        double life = t.z0[i] > 0 ? 1 / t.z0[i] : INFINITY;
        for (size_t k = 0; k < 31 && t.times[i][k] < 0.95 * life; k++) {
            double exact = t.z0[i] / (1 - t.z0[i] * t.times[i][k]);
            assert_true(fabs(t.z[i][k] / exact - 1) <
                        TOLERANCE_BLOWUP / (1 - t.times[i][k] / life));
        }
        if (isfinite(life)) {
            char name[32];
            snprintf(name, sizeof name, "sample %zu", i);
            assert_int_equal(integration->status, FC_ERROR_SOLVER);
            assert_non_null(strstr(integration->message, name));
            assert_non_null(strstr(integration->message, "order"));
            assert_true(integration->reached > 0.95 * life && integration->reached < life);
            assert_reached_part(&t, i);
        } else {
            assert_int_equal(integration->status, FC_OK);
            assert_string_equal(integration->message, "");
            assert_true(integration->reached == t.times[i][30]);
        }
    }
    trajectories_destroy(&t);
    fc_field_destroy(field);
}

static void what_a_sample_does_after_its_last_time_costs_the_others_nothing(void **state)
{
    fc_field *field = create_square(*state);
    trajectories t = trajectories_create(4, 1);
    for (size_t i = 0; i < 4; i++) {
        t.z0[i] = i == 1 ? 1 : -0.5;
        want_times(&t, i, i == 1 ? 5 : 30, 0.1, false);
    }
    assert_int_equal(integrate(*state, field, tolerance(1e-5), &t), FC_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(t.integrations[i].status, FC_OK);
        assert_true(t.integrations[i].steps < 200);
        assert_true(fabs(t.z[i][4] * (1 - 0.5 * t.z0[i]) / t.z0[i] - 1) < TOLERANCE_BLOWUP);
    }
    trajectories_destroy(&t);
    fc_field_destroy(field);
}

static void a_sample_beyond_max_steps_is_found_by_division(void **state)
{
    fc_field *field = create_rotor(*state);
    trajectories t = trajectories_create(13, 3);
    fc_integrator_config config = tolerance(1e-6);
    config.max_steps = 400;
    for (size_t i = 0; i < 13; i++) {
        t.z0[3 * i] = 1;
        t.z0[3 * i + 2] = i == 4 ? 400 : 1;
        want_times(&t, i, 5, 1, false);
    }
    config.blowup = 1e6;
    assert_int_equal(integrate(*state, field, config, &t), FC_OK);
    for (size_t i = 0; i < 13; i++) {
        const fc_integration *integration = t.integrations + i;
        double exact[2] = {cos(5), sin(5)};
        if (i != 4) {
            assert_int_equal(integration->status, FC_OK);
            assert_true(largest_difference(2, t.z[i] + 12, exact) < 1e-4);
            continue;
        }
        assert_int_equal(integration->status, FC_ERROR_SOLVER);
        assert_int_equal(integration->flag, -1);
        assert_non_null(strstr(integration->message, "sample 4: CV_TOO_MUCH_WORK at t = "));
        assert_int_equal(integration->steps, 400);
        assert_reached_part(&t, i);
    }
    trajectories_destroy(&t);
    fc_field_destroy(field);
}

static void the_call_fails_when_every_sample_fails(void **state)
{
    fc_field *field = create_square(*state);
    trajectories t = trajectories_create(3, 1);
    for (size_t i = 0; i < 3; i++) {
        t.z0[i] = 1 + (double)i;
        want_times(&t, i, 4, 1, true);
    }
    assert_int_equal(integrate(*state, field, tolerance(1e-5), &t), FC_ERROR_SOLVER);
    assert_non_null(strstr(fc_context_message(*state), "all of 3 samples failed, sample 0: "));
    for (size_t i = 0; i < 3; i++) {
        assert_true(t.z[i][0] == t.z0[i]);
        assert_reached_part(&t, i);
    }
    trajectories_destroy(&t);
    fc_field_destroy(field);
}

/* CVODE itself gives up on weights of zero and, past the guard, on a right-hand side that is not
 * finite; neither may write to the terminal. */
static void failures_of_cvode_are_named_and_print_nothing(void **state)
{
    fc_field *field = create_square(*state);
    trajectories t = trajectories_create(1, 1);
    fc_integrator_config config = tolerance(1e-5);
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    assert_true(file && saved >= 0);
    dup2(fileno(file), STDERR_FILENO);
    config.atol = 0;
    want_times(&t, 0, 3, 1, false);
    fc_status weights = integrate(*state, field, config, &t);
    fc_integration first = t.integrations[0];
    config.blowup = 1e300;
    t.z0[0] = 1;
    fc_status infinite = integrate(*state, field, config, &t);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    fseek(file, 0, SEEK_END);
    assert_int_equal(ftell(file), 0);
    fclose(file);
    assert_int_equal(weights, FC_ERROR_SOLVER);
    assert_non_null(strstr(first.message, "sample 0: CV_ILL_INPUT at t = 0"));
    assert_int_equal(infinite, FC_ERROR_SOLVER);
    assert_true(t.integrations[0].flag < 0);
    assert_non_null(strstr(t.integrations[0].message, "sample 0: CV_"));
    trajectories_destroy(&t);
    fc_field_destroy(field);
}

static void an_interruption_stops_between_steps(void **state)
{
    (void)state;
    fc_context *context;
    assert_int_equal(fc_context_create(1, &context), FC_OK);
    fc_field *field = create_oscillator(context);
    trajectories t = trajectories_create(2, 2);
    t.z0[0] = t.z0[2] = 1;
    want_times(&t, 0, 4, 1, true);
    want_times(&t, 1, 1, 1, true);
    fc_context_interrupt(context);
    assert_int_equal(integrate(context, field, tolerance(1e-5), &t), FC_INTERRUPTED);
    assert_int_equal(t.integrations[0].status, FC_INTERRUPTED);
    assert_int_equal(t.integrations[1].status, FC_OK);
    assert_true(t.z[0][0] == 1 && isnan(t.z[0][2]));
    trajectories_destroy(&t);
    fc_field_destroy(field);
    fc_context_destroy(context);
}

static void all_faults_of_a_configuration_are_named_at_once(void **state)
{
    fc_field *field = create_oscillator(*state);
    trajectories t = trajectories_create(1, 2);
    fc_integrator_config config = tolerance(1e-5);
    want_times(&t, 0, 2, 1, true);
    config.rtol = -1e-4;
    config.atol = NAN;
    config.max_steps = 0;
    config.batch = 0;
    config.blowup = 0.5;
    assert_int_equal(integrate(*state, field, config, &t), FC_ERROR_USAGE);
    const char *message = fc_context_message(*state);
    assert_non_null(strstr(message, "rtol -0.0001 must be positive"));
    assert_non_null(strstr(message, "atol nan must be"));
    assert_non_null(strstr(message, "max_steps 0"));
    assert_non_null(strstr(message, "batch 0"));
    assert_non_null(strstr(message, "blowup 0.5"));
    trajectories_destroy(&t);
    fc_field_destroy(field);
}

static void unusable_starts_and_times_are_refused(void **state)
{
    fc_field *field = create_oscillator(*state);
    trajectories t = trajectories_create(2, 2);
    want_times(&t, 0, 2, 1, true);
    want_times(&t, 1, 2, 1, true);
    t.z0[3] = NAN;
    assert_int_equal(integrate(*state, field, tolerance(1e-5), &t), FC_ERROR_DATA);
    assert_non_null(strstr(fc_context_message(*state), "sample 1 starts with code 1 = nan"));
    t.z0[3] = 0;
    t.times[1][1] = t.times[1][0];
    assert_int_equal(integrate(*state, field, tolerance(1e-5), &t), FC_ERROR_USAGE);
    assert_non_null(strstr(fc_context_message(*state), "time 1 of sample 1"));
    t.times[1][0] = -1;
    assert_int_equal(integrate(*state, field, tolerance(1e-5), &t), FC_ERROR_USAGE);
    assert_int_equal(
        fc_integrate(*state, field,
                     &(fc_integrator_config){.rtol = 1, .max_steps = 1, .batch = 1, .blowup = 2}, 0,
                     NULL, NULL, NULL, NULL, NULL),
        FC_OK);
    trajectories_destroy(&t);
    fc_field_destroy(field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blowing_up_sample_leaves_the_others_complete),
        cmocka_unit_test(what_a_sample_does_after_its_last_time_costs_the_others_nothing),
        cmocka_unit_test(a_sample_beyond_max_steps_is_found_by_division),
        cmocka_unit_test(the_call_fails_when_every_sample_fails),
        cmocka_unit_test(failures_of_cvode_are_named_and_print_nothing),
        cmocka_unit_test(an_interruption_stops_between_steps),
        cmocka_unit_test(all_faults_of_a_configuration_are_named_at_once),
        cmocka_unit_test(unusable_starts_and_times_are_refused),
    };
    return cmocka_run_group_tests(tests, create_context, destroy_context);
}
