/* Decoder training on a device: descents, and whole fits. */
#include "tests/inr/fit_fixture.h"
#include "training_fixture.h"

#ifdef FC_EMULATED
#include "emulation/emulation.h"
#endif

enum { CODES = 4, RANK = 8 };

/* ---------------------------------------------------------------- descents */

/* Parameters and codes after twenty steps by both. */
static void compare_descents(cuda_fixture *f, network_case network, frames_case of,
                             fc__code_policy policy, double tolerance)
{
    training device = make_training(f->plain, network, of);
    training processor = make_training(f->plain, network, of);
    fc_fit_config fit = short_fit(FC_FIT_PROJECTION, CODES, 20);
    fit.batch_frames = 3;
    fit.batch_points = 25;
    fit.rate = fit.code_rate = 1e-3;
    assert_status(
        fc__gradient_fit(f->context, device.decoder, &device.frames, &fit, policy, 20, device.z),
        f->context);
    assert_status(fc__gradient_fit(f->plain, processor.decoder, &processor.frames, &fit, policy, 20,
                                   processor.z),
                  f->plain);
    assert_close(cuda_difference(device.parameters, device.decoder->parameters,
                                 processor.decoder->parameters),
                 tolerance);
    if (policy != FC__CODES_SOLVED) /* not used, so of no account */
        assert_close(cuda_difference(device.size, device.z, processor.z), tolerance);
    free_training(&device);
    free_training(&processor);
}

static void twenty_steps_end_where_the_processor_does(void **state)
{
    (void)state;
    /* Adam divides gradients by their size: where one is nearly zero its rounding moves a weight by
     * a share of the rate, 1e-3 a step. */
    const double tolerance = 1e-3;
    const network_case networks[] = {{FC_FILTER_INTEGER, 2, 1, 7, 5, false},
                                     {FC_FILTER_TRAINABLE, 1, 2, 6, 3, true}};
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    for (size_t i = 0; i < 6; i++) {
        frames_case of = {.shared = i % 2, .frames = 5, .points = 60, .missing = i % 3 ? 0.2 : 0};
        compare_descents(&f, networks[i / 3], of, (fc__code_policy)(i % 3), tolerance);
    }
    cuda_close(&f);
}

static void all_frames_are_taken_where_the_processor_goes_by_moments(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    compare_descents(&f, (network_case){FC_FILTER_INTEGER, 1, 1, 7, 5, false},
                     (frames_case){.shared = true, .frames = 60, .points = 100}, FC__CODES_SOLVED,
                     2e-3);
    cuda_close(&f);
}

/* ---------------------------------------------------------------- whole fits */

typedef struct reports {
    int calls;
    uint64_t last;
    double first, loss;
} reports;

static void note(void *user, const char *stage, uint64_t done, uint64_t total, double loss)
{
    reports *r = user;
    if (strcmp(stage, "decoder") != 0)
        return;
    assert_true(done > r->last && done <= total && loss > 0.0);
    r->first = r->calls++ ? r->first : loss;
    r->last = done == total ? 0 : done;
    r->loss = loss;
}

static void whole_fits_are_as_good(void **state)
{
    (void)state;
    const fc_fit_method methods[] = {FC_FIT_PROJECTION, FC_FIT_AUTO_DECODING};
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    for (size_t i = 0; i < 4; i++) {
        family fields = periodic_family(1, i < 2 ? RANK : CODES, 0.6, 2);
        sample s = i < 2 ? grid_sample(f.plain, fields, 12, 3, 8)
                         : scattered_sample(f.plain, fields, 20, 2, 5, 0.0);
        fc_decoder_config config = small_network();
        fc_fit_config fit = short_fit(methods[i % 2], CODES, 64);
        reports noted = {0};
        fc_context_set_progress(f.context, note, &noted);
        fitted device = fit_sample(f.context, &s, NULL, &config, &fit);
        fc_context_set_progress(f.context, NULL, NULL);
        fitted processor = fit_sample(f.plain, &s, NULL, &config, &fit);
        assert_true(noted.calls >= 1 && noted.loss <= noted.first);
        double ratio = device.report.training_mse / processor.report.training_mse;
        assert_close(fabs(log(ratio)), 0.05);
        free_fitted(&device);
        free_fitted(&processor);
        free_sample(&s);
    }
    cuda_close(&f);
}

static void stop(void *user, const char *stage, uint64_t done, uint64_t total, double loss)
{
    (void)total;
    (void)loss;
    if (strcmp(stage, "decoder") == 0 && done >= 64)
        fc_context_interrupt(user);
}

static void an_interrupted_fit_stops(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    training t = make_training(f.plain, (network_case){FC_FILTER_INTEGER, 1, 1, 6, 3, false},
                               (frames_case){.frames = 4, .points = 30});
    fc_fit_config fit = short_fit(FC_FIT_AUTO_DECODING, CODES, 1000);
    fc_context_set_progress(f.context, stop, f.context);
    assert_int_equal(
        fc__gradient_fit(f.context, t.decoder, &t.frames, &fit, FC__CODES_ADAM, 1000, t.z),
        FC_INTERRUPTED);
    free_training(&t);
    cuda_close(&f);
}

static void decoders_that_bend_stay_with_the_processor(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    training t = make_training(f.plain, (network_case){FC_FILTER_INTEGER, 1, 1, 6, 3, false},
                               (frames_case){.frames = 4, .points = 30});
    fc_decoder_config config = t.decoder->config;
    fc_decoder *bent;
    void *fit;
    config.family = FC_DECODER_MULTIPLICATIVE;
    assert_status(fc_decoder_create(f.plain, &t.dataset->domain, &config, &bent), f.plain);
    assert_status(steps_of(f.context)->create(f.engine->device, f.context, bent, &t.frames,
                                              FC__CODES_ADAM, t.z, &fit),
                  f.context);
    assert_null(fit);
    fc_fit_config short_one = short_fit(FC_FIT_AUTO_DECODING, CODES, 3);
    assert_status(fc__gradient_fit(f.context, bent, &t.frames, &short_one, FC__CODES_ADAM, 3, t.z),
                  f.context);
    fc_decoder_destroy(bent);
    free_training(&t);
    cuda_close(&f);
}

#ifdef FC_EMULATED
/* Whatever call of the device fails, the fit fails with it and leaves nothing behind. */
static void every_failure_is_reported_and_leaves_nothing(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_fit_config fit = short_fit(FC_FIT_AUTO_DECODING, CODES, 1);
    for (size_t i = 0; i < 4; i++) {
        frames_case of = {.shared = i % 2, .frames = 3, .points = 20};
        fc__code_policy policy = i / 2 ? FC__CODES_ADAM : FC__CODES_SOLVED;
        training t =
            make_training(f.plain, (network_case){FC_FILTER_INTEGER, 1, 1, 6, 3, false}, of);
        size_t before, failures = 0;
        fc_status status = FC_ERROR_DEVICE;
        for (size_t n = 1; status != FC_OK; n++) {
            cuda_renew(&f);
            before = cuda_in_use(&f);
            fc_emulation_fail_after(n, 719); /* cudaErrorLaunchFailure */
            status = fc__gradient_fit(f.context, t.decoder, &t.frames, &fit, policy, 1, t.z);
            fc_emulation_fail_after(0, 0);
            assert_true(status == FC_OK || status == FC_ERROR_DEVICE);
            assert_true(cuda_in_use(&f) == before);
            failures += status != FC_OK;
        }
        assert_true(failures > 40);
        free_training(&t);
    }
    cuda_close(&f);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_steps_end_where_the_processor_does),
        cmocka_unit_test(all_frames_are_taken_where_the_processor_goes_by_moments),
        cmocka_unit_test(whole_fits_are_as_good),
        cmocka_unit_test(an_interrupted_fit_stops),
        cmocka_unit_test(decoders_that_bend_stay_with_the_processor),
#ifdef FC_EMULATED
        cmocka_unit_test(every_failure_is_reported_and_leaves_nothing),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
