#include "inr/support.h"
#include "ode/ode.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TOLERANCE_FACTOR 60.0    /* global error over one period in units of rtol */
#define TOLERANCE_FLOAT 3e-6     /* floor of that error where the field is evaluated in float */
#define TOLERANCE_REFERENCE 1e-6 /* CVODE at rtol 1e-8 against fine RK4, relative */
#define TOLERANCE_BATCH 2e-6     /* batch against one by one at rtol 1e-8, relative */
#define TOLERANCE_DRIFT 1e-4     /* growth of a difference of 1e-9, relative */
#define TOLERANCE_BLOWUP 2e-4    /* z' = z^2 beside a failing sample at rtol 1e-5, relative */

/* ---------------------------------------------------------------- fields */

static int create_context(void **state)
{
    fc_context *context;
    if (fc_context_create(1, &context) != FC_OK)
        return 1;
    *state = context;
    return 0;
}

static int destroy_context(void **state)
{
    fc_context_destroy(*state);
    return 0;
}

static fc_field *create_field(fc_context *context, fc_field_config config)
{
    fc_field *field;
    assert_int_equal(fc_field_create(context, &config, 5, &field), FC_OK);
    return field;
}

static fc_field *create_linear(fc_context *context, size_t codes, const float *a)
{
    fc_field *field = create_field(context, (fc_field_config){.codes = codes, .linear = true});
    fc_field_layout at = fc_field_layout_of(&field->config);
    memcpy(field->parameters + at.a, a, codes * codes * sizeof *a);
    return field;
}

/* z' = (-y, x) */
static fc_field *create_oscillator(fc_context *context)
{
    const float a[4] = {0, -1, 1, 0};
    return create_linear(context, 2, a);
}

/* z' = z^2, whose solution z0 / (1 - z0 t) ends at t = 1 / z0 */
static fc_field *create_square(fc_context *context)
{
    fc_field *field = create_field(context, (fc_field_config){.codes = 1, .rank = 1});
    fc_field_layout at = fc_field_layout_of(&field->config);
    field->parameters[at.v] = field->parameters[at.w] = field->parameters[at.u] = 1;
    field->parameters[at.va] = field->parameters[at.wd] = 0;
    return field;
}

/* x' = -y s, y' = x s, s' = 0: a rotation whose rate is part of the state */
static fc_field *create_rotor(fc_context *context)
{
    fc_field *field = create_field(context, (fc_field_config){.codes = 3, .rank = 2});
    fc_field_layout at = fc_field_layout_of(&field->config);
    const float v[6] = {0, 1, 0, 1, 0, 0}, w[6] = {0, 0, 1, 0, 0, 1}, u[6] = {-1, 0, 0, 1, 0, 0};
    memcpy(field->parameters + at.v, v, sizeof v);
    memcpy(field->parameters + at.w, w, sizeof w);
    memcpy(field->parameters + at.u, u, sizeof u);
    memset(field->parameters + at.va, 0, 2 * sizeof(float));
    memset(field->parameters + at.wd, 0, 2 * sizeof(float));
    return field;
}

/* Every part switched on, with bounded trajectories. */
static fc_field *create_full(fc_context *context)
{
    fc_field *field = create_field(
        context, (fc_field_config){.codes = 6, .linear = true, .rank = 9, .hidden = 4});
    fc_field_layout at = fc_field_layout_of(&field->config);
    fc__rng rng = fc__rng_create(3, 3);
    for (size_t i = at.m1; i < at.count; i++)
        field->parameters[i] = (float)(0.3 * fc__rng_normal(&rng));
    for (size_t i = 0; i < 36; i++)
        field->parameters[at.a + i] =
            (float)(0.6 * fc__rng_normal(&rng)) - (i % 7 == 0 ? 2.0F : 0.0F);
    return field;
}

/* ---------------------------------------------------------------- trajectories */

/* Wanted times and results of several samples. */
typedef struct trajectories {
    size_t samples, codes, *counts;
    double **times, **z, *z0;
    fc_integration *integrations;
} trajectories;

static trajectories trajectories_create(size_t samples, size_t codes)
{
    trajectories t = {.samples = samples, .codes = codes};
    t.counts = calloc(samples, sizeof *t.counts);
    t.times = calloc(samples, sizeof *t.times);
    t.z = calloc(samples, sizeof *t.z);
    t.z0 = calloc(samples * codes, sizeof *t.z0);
    t.integrations = calloc(samples, sizeof *t.integrations);
    return t;
}

/* times (i + 1) step, or i step when zero is wanted */
static void want_times(trajectories *t, size_t sample, size_t count, double step, bool zero)
{
    t->counts[sample] = count;
    t->times[sample] = calloc(count + 1, sizeof *t->times[sample]);
    t->z[sample] = calloc((count + 1) * t->codes, sizeof *t->z[sample]);
    for (size_t i = 0; i < count; i++)
        t->times[sample][i] = step * (double)(zero ? i : i + 1);
}

static void random_starts(trajectories *t, uint64_t seed)
{
    fc__rng rng = fc__rng_create(seed, 1);
    for (size_t i = 0; i < t->samples * t->codes; i++)
        t->z0[i] = 0.6 * fc__rng_normal(&rng);
}

static void trajectories_destroy(trajectories *t)
{
    for (size_t i = 0; i < t->samples; i++) {
        free(t->times[i]);
        free(t->z[i]);
    }
    free(t->counts);
    free(t->times);
    free(t->z);
    free(t->z0);
    free(t->integrations);
}

static fc_status integrate(fc_context *context, const fc_field *field, fc_integrator_config config,
                           trajectories *t)
{
    return fc_integrate(context, field, &config, t->samples, t->z0, t->counts,
                        (const double *const *)t->times, t->z, t->integrations);
}

static fc_integrator_config tolerance(double rtol)
{
    fc_integrator_config config = fc_integrator_config_default();
    config.rtol = rtol;
    config.atol = 0.1 * rtol;
    return config;
}

static double largest_difference(size_t count, const double *x, const double *y)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++)
        if (!(fabs(x[i] - y[i]) <= worst))
            worst = isnan(x[i] - y[i]) ? INFINITY : fabs(x[i] - y[i]);
    return worst;
}

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
        cmocka_unit_test(an_oscillator_meets_the_tolerances_with_both_methods),
        cmocka_unit_test(adams_and_bdf_agree_with_fine_runge_kutta_steps),
        cmocka_unit_test(strict_tolerances_are_met_in_double),
        cmocka_unit_test(query_times_cost_no_evaluations),
        cmocka_unit_test(time_zero_is_the_start_itself_and_no_time_is_no_work),
        cmocka_unit_test(a_ragged_batch_equals_one_by_one_integration),
        cmocka_unit_test(small_batches_on_two_threads_give_the_same_trajectories),
        cmocka_unit_test(a_hard_sample_is_as_accurate_in_a_batch_as_alone),
        cmocka_unit_test(bdf_crosses_a_stiff_system_in_far_fewer_steps_than_adams),
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
