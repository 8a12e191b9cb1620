#include "integrate_fixture.h"

#define TOLERANCE_FACTOR 60.0    /* global error over one period in units of rtol */
#define TOLERANCE_FLOAT 3e-6     /* floor of that error where the field is evaluated in float */
#define TOLERANCE_REFERENCE 1e-6 /* CVODE at rtol 1e-8 against fine RK4, relative */
#define TOLERANCE_BATCH 2e-6     /* batch against one by one at rtol 1e-8, relative */
#define TOLERANCE_DRIFT 1e-4     /* growth of a difference of 1e-9, relative */

/* ---------------------------------------------------------------- accuracy */

static double oscillator_error(fc_context *context, fc_ode_method method, double rtol)
{
    fc_field *field = create_oscillator(context);
    fc_integrator_config config = tolerance(rtol);
    trajectories t = trajectories_create(1, 2);
    double worst = 0;
    config.method = method;
    t.z0[0] = 1;
    want_times(&t, 0, 63, 0.1, false);
    assert_int_equal(integrate(context, field, config, &t), FC_OK);
    for (size_t i = 0; i < 63; i++) {
        double time = t.times[0][i], exact[2] = {cos(time), sin(time)};
        worst = fmax(worst, largest_difference(2, t.z[0] + 2 * i, exact));
    }
    trajectories_destroy(&t);
    fc_field_destroy(field);
    return worst;
}

static void an_oscillator_meets_the_tolerances_with_both_methods(void **state)
{
    for (int method = FC_ODE_ADAMS; method <= FC_ODE_BDF; method++) {
        double before = INFINITY;
        for (double rtol = 1e-3; rtol > 1e-10; rtol *= 0.01) {
            double error = oscillator_error(*state, (fc_ode_method)method, rtol);
            double floor = rtol < 1e-6 ? 0 : TOLERANCE_FLOAT;
            if (!(error <= TOLERANCE_FACTOR * rtol + floor && error < before))
                fail_msg("error %.3g at rtol %.0e, before %.3g", error, rtol, before);
            before = error;
        }
    }
}

static void adams_and_bdf_agree_with_fine_runge_kutta_steps(void **state)
{
    fc_field *field = create_full(*state);
    double parameters[512], z[5 * 6], dt[5] = {1, 1, 1, 1, 1};
    fc_rk_plan plan = {field->config, FC_RK_RK4, 400, 5, 1};
    double *work = calloc(fc_rk_work_size(&plan), sizeof *work);
    trajectories t = trajectories_create(1, 6);
    assert_true(field->parameter_count <= 512);
    for (size_t i = 0; i < field->parameter_count; i++)
        parameters[i] = (double)field->parameters[i];
    random_starts(&t, 1);
    want_times(&t, 0, 5, 1, false);
    fc_rk_forward_double(&plan, parameters, dt, t.z0, z, NULL, work);
    double zero[5 * 6] = {0}, scale = largest_difference(5 * 6, z, zero);
    for (int method = FC_ODE_ADAMS; method <= FC_ODE_BDF; method++) {
        fc_integrator_config config = tolerance(1e-8);
        config.method = (fc_ode_method)method;
        assert_int_equal(integrate(*state, field, config, &t), FC_OK);
        double error = largest_difference(5 * 6, t.z[0], z) / scale;
        if (!(error < TOLERANCE_REFERENCE))
            fail_msg("relative difference %.3g", error);
    }
    free(work);
    trajectories_destroy(&t);
    fc_field_destroy(field);
}

/* Two starts that are one number in float drift apart like e^t only where z' = z is evaluated in
 * double. */
static void strict_tolerances_are_met_in_double(void **state)
{
    const float a = 1;
    fc_field *field = create_linear(*state, 1, &a);
    trajectories t = trajectories_create(2, 1);
    t.z0[0] = 1;
    t.z0[1] = 1 + 1e-9;
    want_times(&t, 0, 1, 1, false);
    want_times(&t, 1, 1, 1, false);
    assert_int_equal(integrate(*state, field, tolerance(1e-11), &t), FC_OK);
    assert_true(fabs((t.z[1][0] - t.z[0][0]) / (1e-9 * exp(1)) - 1) < TOLERANCE_DRIFT);
    trajectories_destroy(&t);
    fc_field_destroy(field);
}

static void query_times_cost_no_evaluations(void **state)
{
    fc_field *field = create_full(*state);
    fc_integration few, many;
    for (int round = 0; round < 2; round++) {
        trajectories t = trajectories_create(1, 6);
        random_starts(&t, 1);
        want_times(&t, 0, round ? 1024 : 8, round ? 8.0 / 1024 : 1, false);
        assert_int_equal(integrate(*state, field, tolerance(1e-6), &t), FC_OK);
        *(round ? &many : &few) = t.integrations[0];
        trajectories_destroy(&t);
    }
    assert_true(few.evaluations > 20 && few.steps > 10);
    assert_int_equal(few.evaluations, many.evaluations);
    assert_int_equal(few.steps, many.steps);
    assert_true(few.reached == 8 && many.reached == 8);
    fc_field_destroy(field);
}

static void time_zero_is_the_start_itself_and_no_time_is_no_work(void **state)
{
    fc_field *field = create_oscillator(*state);
    trajectories t = trajectories_create(3, 2);
    random_starts(&t, 2);
    want_times(&t, 0, 0, 1, false);
    want_times(&t, 1, 1, 1, true);
    want_times(&t, 2, 3, 0.5, true);
    assert_int_equal(integrate(*state, field, tolerance(1e-5), &t), FC_OK);
    assert_memory_equal(t.z[1], t.z0 + 2, 2 * sizeof(double));
    assert_memory_equal(t.z[2], t.z0 + 4, 2 * sizeof(double));
    assert_true(t.integrations[1].reached == 0 && t.integrations[2].reached == 1);
    trajectories none = trajectories_create(1, 2);
    want_times(&none, 0, 1, 1, true);
    assert_int_equal(integrate(*state, field, tolerance(1e-5), &none), FC_OK);
    assert_int_equal(none.integrations[0].evaluations, 0);
    trajectories_destroy(&none);
    trajectories_destroy(&t);
    fc_field_destroy(field);
}

/* ---------------------------------------------------------------- batches */

static void fill_ragged(trajectories *t)
{
    random_starts(t, 4);
    for (size_t i = 0; i < t->samples; i++)
        want_times(t, i, 3 + 5 * i % 7, 0.3 + 0.11 * (double)(i % 5), i % 2);
}

static void compare_with_one_by_one(fc_context *context, const fc_field *field,
                                    const trajectories *t)
{
    for (size_t i = 0; i < t->samples; i++) {
        trajectories one = trajectories_create(1, 6);
        memcpy(one.z0, t->z0 + i * 6, 6 * sizeof *one.z0);
        want_times(&one, 0, t->counts[i], 1, false);
        memcpy(one.times[0], t->times[i], t->counts[i] * sizeof **one.times);
        assert_int_equal(integrate(context, field, tolerance(1e-8), &one), FC_OK);
        double error = largest_difference(t->counts[i] * 6, one.z[0], t->z[i]);
        if (!(error < TOLERANCE_BATCH))
            fail_msg("sample %zu differs by %.3g", i, error);
        trajectories_destroy(&one);
    }
}

static void a_ragged_batch_equals_one_by_one_integration(void **state)
{
    fc_field *field = create_full(*state);
    trajectories t = trajectories_create(11, 6);
    fill_ragged(&t);
    assert_int_equal(integrate(*state, field, tolerance(1e-8), &t), FC_OK);
    for (size_t i = 1; i < 11; i++) /* one system, never divided */
        assert_int_equal(t.integrations[i].steps, t.integrations[0].steps);
    compare_with_one_by_one(*state, field, &t);
    trajectories_destroy(&t);
    fc_field_destroy(field);
}

static void small_batches_on_two_threads_give_the_same_trajectories(void **state)
{
    fc_context *context;
    assert_int_equal(fc_context_create(2, &context), FC_OK);
    fc_field *field = create_full(context);
    trajectories t = trajectories_create(21, 6);
    fc_integrator_config config = tolerance(1e-8);
    config.batch = 4;
    fill_ragged(&t);
    assert_int_equal(integrate(context, field, config, &t), FC_OK);
    compare_with_one_by_one(*state, field, &t);
    trajectories_destroy(&t);
    fc_field_destroy(field);
    fc_context_destroy(context);
}

/* Under the norm of the whole batch the resting samples would dilute the error of the moving one by
 * sqrt(32), and it would be crossed in fewer, worse steps. */
static void a_hard_sample_is_as_accurate_in_a_batch_as_alone(void **state)
{
    fc_field *field = create_rotor(*state);
    trajectories alone = trajectories_create(1, 3), batch = trajectories_create(32, 3);
    fc_integrator_config config = tolerance(1e-7);
    for (size_t i = 0; i < 32; i++) {
        batch.z0[3 * i + 2] = 1;
        want_times(&batch, i, 4, 1, false);
    }
    const double hard[3] = {1, 0, 5};
    memcpy(batch.z0 + 3 * 17, hard, sizeof hard);
    memcpy(alone.z0, hard, sizeof hard);
    want_times(&alone, 0, 4, 1, false);
    assert_int_equal(integrate(*state, field, config, &alone), FC_OK);
    assert_int_equal(integrate(*state, field, config, &batch), FC_OK);
    assert_int_equal(batch.integrations[17].steps, alone.integrations[0].steps);
    assert_true(largest_difference(12, batch.z[17], alone.z[0]) < 1e-10);
    trajectories_destroy(&alone);
    trajectories_destroy(&batch);
    fc_field_destroy(field);
}

static void bdf_crosses_a_stiff_system_in_far_fewer_steps_than_adams(void **state)
{
    const float a[4] = {-1, 0, 500, -1000};
    fc_field *field = create_linear(*state, 2, a);
    long steps[2];
    for (int method = FC_ODE_ADAMS; method <= FC_ODE_BDF; method++) {
        trajectories t = trajectories_create(3, 2);
        fc_integrator_config config = tolerance(1e-5);
        config.method = (fc_ode_method)method;
        for (size_t i = 0; i < 3; i++) {
            t.z0[2 * i] = 1 + (double)i;
            want_times(&t, i, 10, 1, false);
        }
        assert_int_equal(integrate(*state, field, config, &t), FC_OK);
        double exact[2] = {exp(-10.0), 500.0 / 999.0 * exp(-10.0)};
        assert_true(largest_difference(2, t.z[0] + 18, exact) < 1e-4);
        steps[method] = t.integrations[0].steps;
        trajectories_destroy(&t);
    }
    assert_true(10 * steps[FC_ODE_BDF] < steps[FC_ODE_ADAMS]);
    fc_field_destroy(field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_oscillator_meets_the_tolerances_with_both_methods),
        cmocka_unit_test(adams_and_bdf_agree_with_fine_runge_kutta_steps),
        cmocka_unit_test(strict_tolerances_are_met_in_double),
        cmocka_unit_test(query_times_cost_no_evaluations),
        cmocka_unit_test(time_zero_is_the_start_itself_and_no_time_is_no_work),
        cmocka_unit_test(a_ragged_batch_equals_one_by_one_integration),
        cmocka_unit_test(small_batches_on_two_threads_give_the_same_trajectories),
        cmocka_unit_test(a_hard_sample_is_as_accurate_in_a_batch_as_alone),
        cmocka_unit_test(bdf_crosses_a_stiff_system_in_far_fewer_steps_than_adams),
    };
    return cmocka_run_group_tests(tests, create_context, destroy_context);
}
