#include "cuda_fixture.h"

#include "../ode/integrate_fixture.h"
#include "inr/engine.h"
#include "ode/engine.h"
#include "ode/equation.h"

#ifdef FC_EMULATED
#include "emulation/emulation.h"
#endif

/* Of trajectories from the processor's, over a few units of time. Where both take the same steps,
 * rounding alone tells them apart; in float they may differ by a step, and then by what the
 * tolerance lets through. */
#define TOLERANCE_STEPS 1e-9
#define TOLERANCE_FLOAT 30.0 /* in units of rtol */

/* A fixture whose other context integrates all samples as one system, as the device does. */
static cuda_fixture open_single(fc_cuda_precision precision)
{
    cuda_fixture f = cuda_open(precision);
    fc_context_destroy(f.plain);
    assert_int_equal(fc_context_create(1, &f.plain), FC_OK);
    return f;
}

static fc_integrator_config config_of(double rtol, fc_ode_method method)
{
    fc_integrator_config config = tolerance(rtol);
    config.method = method;
    config.batch = 1000; /* of the processor's */
    return config;
}

static fc_field *create_bilinear(fc_context *context)
{
    fc_field *field =
        create_field(context, (fc_field_config){.codes = 34, .linear = true, .rank = 40});
    fc_field_layout at = fc_field_layout_of(&field->config);
    for (size_t i = 0; i < 34; i++)
        field->parameters[at.a + 35 * i] = -1.5F;
    return field;
}

/* Starts and wanted times, the same for both sides. */
static trajectories wanted_create(size_t samples, size_t codes, bool ragged)
{
    trajectories t = trajectories_create(samples, codes);
    random_starts(&t, 4);
    for (size_t i = 0; i < samples; i++)
        if (ragged)
            want_times(&t, i, 3 + 5 * i % 4, 0.2 + 0.1 * (double)(i % 3), i % 2);
        else
            want_times(&t, i, 3, 0.3, false);
    return t;
}

static void assert_same(const trajectories *a, const trajectories *b, double accepted)
{
    for (size_t i = 0; i < a->samples; i++) {
        double difference = largest_difference(a->counts[i] * a->codes, a->z[i], b->z[i]);
        if (!(difference <= accepted))
            fail_msg("sample %zu differs by %.3g, at most %.3g is accepted", i, difference,
                     accepted);
        assert_int_equal(a->integrations[i].status, FC_OK);
        assert_true(a->integrations[i].reached == b->integrations[i].reached);
    }
}

static void compare(cuda_fixture *f, const fc_field *field, size_t samples, bool ragged,
                    fc_integrator_config config)
{
    trajectories a = wanted_create(samples, field->config.codes, ragged);
    trajectories b = wanted_create(samples, field->config.codes, ragged);
    bool strict = config.rtol < 1e-6;
    assert_status(integrate(f->context, field, config, &a), f->context);
    assert_status(integrate(f->plain, field, config, &b), f->plain);
    assert_same(&a, &b, strict ? TOLERANCE_STEPS : TOLERANCE_FLOAT * config.rtol);
    for (size_t i = 0; strict && i < samples; i++)
        assert_int_equal(a.integrations[i].steps, b.integrations[i].steps);
    trajectories_destroy(&a);
    trajectories_destroy(&b);
}

static void trajectories_match_the_processors(void **state)
{
    (void)state;
    cuda_fixture f = open_single(FC_CUDA_TF32);
    fc_field *field = create_full(f.plain);
    for (int method = FC_ODE_ADAMS; method <= FC_ODE_BDF; method++)
        for (double rtol = 1e-4; rtol > 1e-9; rtol *= 1e-4) {
            fc_integrator_config config = config_of(rtol, (fc_ode_method)method);
            compare(&f, field, 9, true, config);
            compare(&f, field, 1, false, config);
        }
    fc_field_destroy(field);
    cuda_close(&f);
}

static void fields_without_hidden_units_match_at_both_precisions(void **state)
{
    (void)state;
    for (int precision = FC_CUDA_TF32; precision <= FC_CUDA_FP32; precision++) {
        cuda_fixture f = open_single((fc_cuda_precision)precision);
        fc_field *field = create_bilinear(f.plain);
        compare(&f, field, 5, false, config_of(1e-4, FC_ODE_ADAMS));
        compare(&f, field, 5, false, config_of(1e-7, FC_ODE_BDF));
        fc_field_destroy(field);
        cuda_close(&f);
    }
}

static void three_hundred_samples_make_one_system(void **state)
{
    (void)state;
    cuda_fixture f = open_single(FC_CUDA_TF32);
    fc_field *field = create_full(f.plain);
    fc_integrator_config config = config_of(1e-4, FC_ODE_ADAMS);
    trajectories t = wanted_create(300, 6, false), plain = wanted_create(300, 6, false);
    assert_status(integrate(f.plain, field, config, &plain), f.plain);
    config.batch = 2; /* a choice for the processor */
    assert_status(integrate(f.context, field, config, &t), f.context);
    assert_same(&t, &plain, TOLERANCE_FLOAT * config.rtol);
    for (size_t i = 1; i < 300; i++)
        assert_int_equal(t.integrations[i].evaluations, t.integrations[0].evaluations);
    trajectories_destroy(&plain);
    trajectories_destroy(&t);
    fc_field_destroy(field);
    cuda_close(&f);
}

/* ---------------------------------------------------------------- failures */

static void a_sample_that_blows_up_leaves_the_others_complete(void **state)
{
    (void)state;
    cuda_fixture f = open_single(FC_CUDA_TF32);
    fc_field *field = create_square(f.plain);
    trajectories t[2];
    for (int side = 0; side < 2; side++) {
        t[side] = trajectories_create(9, 1);
        for (size_t i = 0; i < 9; i++) {
            t[side].z0[i] = i == 2 ? 0.5 : i == 6 ? 1 : -0.3 * (double)(i + 1);
            want_times(&t[side], i, 7, 0.5, true);
        }
        assert_int_equal(
            integrate(side ? f.plain : f.context, field, config_of(1e-8, FC_ODE_ADAMS), &t[side]),
            FC_OK);
    }
    for (size_t i = 0; i < 9; i++) {
        const fc_integration *a = &t[0].integrations[i], *b = &t[1].integrations[i];
        assert_int_equal(a->status, b->status);
        assert_int_equal(a->status, i == 2 || i == 6 ? FC_ERROR_SOLVER : FC_OK);
        assert_string_equal(a->message, b->message);
        assert_true(fabs(a->reached - b->reached) < TOLERANCE_STEPS);
        for (size_t k = 0; k < 7; k++) {
            assert_int_equal(isfinite(t[0].z[i][k]), isfinite(t[1].z[i][k]));
            if (isfinite(t[0].z[i][k]))
                assert_true(fabs(t[0].z[i][k] / t[1].z[i][k] - 1) < 1e-7);
        }
    }
    trajectories_destroy(&t[0]);
    trajectories_destroy(&t[1]);
    fc_field_destroy(field);
    cuda_close(&f);
}

/* x' = x^2 from x0 is x0 / (1 - x0 t): without end at 1 / x0. */
static void many_that_blow_up_leave_the_others_of_a_large_system_complete(void **state)
{
    (void)state;
    enum { SAMPLES = 14, TIMES = 3 };
    cuda_fixture f = open_single(FC_CUDA_TF32);
    fc_field *field = create_square(f.plain);
    fc_integrator_config config = config_of(1e-5, FC_ODE_ADAMS);
    trajectories t = trajectories_create(SAMPLES, 1);
    config.blowup = 10;
    config.batch = 3; /* larger systems are halved as well */
    for (size_t i = 0; i < SAMPLES; i++) {
        t.z0[i] = i % 5 == 2 ? 1 + 0.01 * (double)i : -0.1 * (double)(i + 1);
        want_times(&t, i, TIMES, 0.6, true);
    }
    assert_status(integrate(f.context, field, config, &t), f.context);
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_int_equal(t.integrations[i].status, i % 5 == 2 ? FC_ERROR_SOLVER : FC_OK);
        for (size_t k = 0; i % 5 != 2 && k < TIMES; k++)
            assert_true(fabs(t.z[i][k] * (1 - t.z0[i] * t.times[i][k]) / t.z0[i] - 1) < 1e-3);
    }
    trajectories_destroy(&t);
    fc_field_destroy(field);
    cuda_close(&f);
}

static void weights_without_an_absolute_tolerance_may_be_infinite(void **state)
{
    (void)state;
    cuda_fixture f = open_single(FC_CUDA_TF32);
    fc_field *field = create_square(f.plain);
    trajectories t = trajectories_create(1, 1);
    fc_integrator_config config = tolerance(1e-5);
    config.atol = 0;
    want_times(&t, 0, 3, 1, false);
    assert_int_equal(integrate(f.context, field, config, &t), FC_ERROR_SOLVER);
    assert_non_null(strstr(t.integrations[0].message, "sample 0: CV_ILL_INPUT at t = 0"));
    t.z0[0] = -1;
    assert_status(integrate(f.context, field, config, &t), f.context);
    trajectories_destroy(&t);
    fc_field_destroy(field);
    cuda_close(&f);
}

static void an_interruption_stops_between_steps(void **state)
{
    (void)state;
    cuda_fixture f = open_single(FC_CUDA_TF32);
    fc_field *field = create_oscillator(f.plain);
    trajectories t = trajectories_create(2, 2);
    t.z0[0] = t.z0[2] = 1;
    want_times(&t, 0, 4, 1, true);
    want_times(&t, 1, 1, 1, true);
    fc_context_interrupt(f.context);
    assert_int_equal(integrate(f.context, field, tolerance(1e-5), &t), FC_INTERRUPTED);
    assert_int_equal(t.integrations[0].status, FC_INTERRUPTED);
    assert_int_equal(t.integrations[1].status, FC_OK);
    assert_true(t.z[0][0] == 1 && isnan(t.z[0][2]));
    trajectories_destroy(&t);
    fc_field_destroy(field);
    cuda_close(&f);
}

/* The engine with another limit of its memory. */
static void limit_memory(cuda_fixture *f, size_t bytes)
{
    fc_cuda_config config = fc_cuda_config_default();
    config.memory = bytes;
    fc_context_set_engine(f->context, NULL);
    fc_engine_destroy(f->engine);
    assert_status(fc_cuda_engine_create(f->context, &config, &f->engine), f->context);
    fc_context_set_engine(f->context, f->engine);
}

static void samples_that_do_not_fit_are_divided_into_systems(void **state)
{
    (void)state;
    cuda_fixture f = open_single(FC_CUDA_FP32);
    fc_field *field = create_full(f.plain);
    trajectories a = wanted_create(40, 6, true), b = wanted_create(40, 6, true);
    size_t systems = 1;
    limit_memory(&f, 64 << 10);
    assert_status(integrate(f.context, field, config_of(1e-8, FC_ODE_ADAMS), &a), f.context);
    assert_status(integrate(f.plain, field, config_of(1e-8, FC_ODE_ADAMS), &b), f.plain);
    assert_same(&a, &b, 2e-6);
    for (size_t i = 1; i < 40; i++)
        systems += a.integrations[i].evaluations != a.integrations[0].evaluations;
    assert_true(systems > 1);
    trajectories_destroy(&a);
    trajectories_destroy(&b);
    fc_field_destroy(field);
    cuda_close(&f);
}

static void a_device_without_room_says_so(void **state)
{
    (void)state;
    cuda_fixture f = open_single(FC_CUDA_TF32);
    fc_field *field = create_full(f.plain);
    for (size_t bytes = 1 << 8; bytes < 1 << 16; bytes *= 2) {
        trajectories t = wanted_create(3, 6, true);
        limit_memory(&f, bytes);
        fc_status status = integrate(f.context, field, config_of(1e-4, FC_ODE_BDF), &t);
        if (status != FC_OK) {
            assert_int_equal(status, FC_ERROR_MEMORY);
            assert_non_null(strstr(fc_context_message(f.context), "cuda:0: out of device memory"));
        }
        trajectories_destroy(&t);
    }
    fc_field_destroy(field);
    cuda_close(&f);
}

#ifdef FC_EMULATED
/* Whatever call fails, the integration does, with the device's words, and leaves nothing behind. */
static void a_failing_device_is_an_error_of_the_device(void **state)
{
    (void)state;
    enum { ILLEGAL_ADDRESS = 700 };
    cuda_fixture f = open_single(FC_CUDA_TF32);
    fc_field *field = create_full(f.plain);
    size_t before = cuda_in_use(&f);
    bool failed = true;
    for (size_t call = 1; failed; call += call / 3 + 1) {
        trajectories t = wanted_create(3, 6, true);
        fc_emulation_fail_after(call, ILLEGAL_ADDRESS);
        fc_status status = integrate(f.context, field, config_of(1e-2, FC_ODE_BDF), &t);
        fc_emulation_fail_after(0, 0);
        failed = status != FC_OK;
        if (failed) {
            assert_int_equal(status, FC_ERROR_DEVICE);
            assert_non_null(strstr(fc_context_message(f.context), "cuda:0: "));
        }
        assert_int_equal(cuda_in_use(&f), before);
        trajectories_destroy(&t);
    }
    fc_field_destroy(field);
    cuda_close(&f);
}
#endif

/* ---------------------------------------------------------------- not taken */

static fc_field *create_diffusion(fc_context *context)
{
    fc_domain domain = {.dims = 1};
    domain.axis[0] = (fc_axis){.kind = FC_AXIS_PERIODIC, .lower = 0, .upper = 3};
    fc_decoder_config config = fc_decoder_config_default();
    config.filters = 5;
    config.channels = 1;
    config.codes = 9;
    config.filter = FC_FILTER_INTEGER;
    fc_decoder *decoder;
    fc_equation *equation;
    assert_status(fc_decoder_create(context, &domain, &config, &decoder), context);
    assert_status(fc__equation_create(context, decoder, &equation), context);
    equation->terms = calloc(1, sizeof *equation->terms);
    equation->terms[0] = (fc_term){.factors = 1, .factor = {{.order = 2}}, .coefficient = -0.1};
    equation->term_count = 1;
    fc_field *field = create_field(context, (fc_field_config){.codes = 9, .linear = false});
    assert_status(fc_field_set_equation(context, field, decoder, equation), context);
    fc_decoder_destroy(decoder);
    return field;
}

static void equations_stay_with_the_processor(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_field *field = create_diffusion(f.plain);
    fc_integrator_config config = tolerance(1e-5);
    fc__space *space = NULL;
    trajectories a = wanted_create(5, 9, true), b = wanted_create(5, 9, true);
    assert_status(f.engine->dynamics->space(f.engine->device, f.context, field, &config, 5, &space),
                  f.context);
    assert_null(space);
    assert_status(integrate(f.context, field, config, &a), f.context);
    assert_status(integrate(f.plain, field, config, &b), f.plain);
    assert_same(&a, &b, 0);
    trajectories_destroy(&a);
    trajectories_destroy(&b);
    fc_field_destroy(field);
    cuda_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trajectories_match_the_processors),
        cmocka_unit_test(fields_without_hidden_units_match_at_both_precisions),
        cmocka_unit_test(three_hundred_samples_make_one_system),
        cmocka_unit_test(a_sample_that_blows_up_leaves_the_others_complete),
        cmocka_unit_test(many_that_blow_up_leave_the_others_of_a_large_system_complete),
        cmocka_unit_test(weights_without_an_absolute_tolerance_may_be_infinite),
        cmocka_unit_test(an_interruption_stops_between_steps),
        cmocka_unit_test(samples_that_do_not_fit_are_divided_into_systems),
        cmocka_unit_test(a_device_without_room_says_so),
#ifdef FC_EMULATED
        cmocka_unit_test(a_failing_device_is_an_error_of_the_device),
#endif
        cmocka_unit_test(equations_stay_with_the_processor),
    };
    return cmocka_run_group_tests_name("cuda: integrate", tests, NULL, NULL);
}
