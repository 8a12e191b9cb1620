/* Decoder training on a device: frames observed at the same values. */
#include "training_fixture.h"

static void loss_and_gradient_are_those_of_the_processor(void **state)
{
    (void)state;
    compare_networks(true);
}

static void a_sample_of_points_and_frames_is_the_same(void **state)
{
    (void)state;
    compare_samples(true);
}

static void many_frames_are_as_their_moments(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    frames_case of = {.shared = true, .frames = 600, .points = 40};
    training t = make_training(f.plain, training_networks[1], of);
    fc__fit_pass *pass;
    double loss;
    assert_true(fc__fit_pass_by_moments(t.decoder, &t.frames, FC__CODES_SOLVED));
    derivative a = by_device(f.context, &t, FC__CODES_SOLVED, (minibatch){.count = 600});
    derivative b = make_derivative(&t);
    CHECK(fc__fit_pass_create(f.plain, t.decoder, &t.frames, FC__CODES_SOLVED, &pass));
    CHECK(fc__fit_pass_run(f.plain, pass, 600, NULL, NULL, NULL, &loss, b.gradient));
    /* as far as the processor's two ways may be apart (tests/inr/test_fit_pass.c) */
    assert_close(fabs(a.loss - loss) / loss, 5e-5);
    compare_gradients(&t, a.gradient, b.gradient, 5e-5);
    fc__fit_pass_destroy(pass);
    free_derivative(&a);
    free_derivative(&b);
    free_training(&t);
    cuda_close(&f);
}

static void rounded_factors_change_little(void **state)
{
    (void)state;
    const fc_cuda_precision precisions[] = {FC_CUDA_TF32, FC_CUDA_BF16};
    for (size_t i = 0; i < 2; i++) {
        cuda_fixture f = cuda_open(precisions[i]);
        frames_case of = {.shared = true, .frames = 6, .points = 200};
        training t = make_training(f.plain, training_networks[1], of);
        compare(f.context, f.plain, &t, FC__CODES_ADAM, (minibatch){.count = 6},
                2.0 * TOLERANCE_TF32); /* through three layers and back */
        free_training(&t);
        cuda_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_and_gradient_are_those_of_the_processor),
        cmocka_unit_test(a_sample_of_points_and_frames_is_the_same),
        cmocka_unit_test(many_frames_are_as_their_moments),
        cmocka_unit_test(rounded_factors_change_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
