/* Decoder training on a device: frames observed at the same values. */
#include "training_fixture.h"

static const network_case networks[] = {
    {FC_FILTER_INTEGER, 0, 1, 6, 5, false},   {FC_FILTER_INTEGER, 3, 1, 9, 7, false},
    {FC_FILTER_RANDOM, 2, 2, 8, 5, true},     {FC_FILTER_TRAINABLE, 0, 2, 6, 4, true},
    {FC_FILTER_TRAINABLE, 2, 2, 5, 3, false},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

static const fc__code_policy policies[] = {FC__CODES_FIXED, FC__CODES_SOLVED, FC__CODES_ADAM};

static void loss_and_gradient_are_those_of_the_processor(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    for (size_t i = 0; i < 3 * NETWORKS; i++) {
        frames_case of = {.shared = true, .frames = 5, .points = 130, .missing = i % 2 ? 0.3 : 0.0};
        training t = make_training(f.plain, networks[i % NETWORKS], of);
        fc__code_policy policy = policies[i / NETWORKS];
        compare(f.context, f.plain, &t, policy, (minibatch){.count = 5}, TOLERANCE_FP32);
        free_training(&t);
    }
    cuda_close(&f);
}

static void a_sample_of_points_and_frames_is_the_same(void **state)
{
    (void)state;
    const size_t chosen[] = {3, 0, 6};
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    for (size_t i = 0; i < 3; i++) {
        frames_case of = {.shared = true, .frames = 7, .points = 300, .missing = 0.2};
        training t = make_training(f.plain, networks[2], of);
        minibatch batch = {.count = 3, .chosen = chosen, .points = 50, .seed = 77 + i};
        compare(f.context, f.plain, &t, policies[i], batch, TOLERANCE_FP32);
        free_training(&t);
    }
    cuda_close(&f);
}

static void many_frames_are_as_their_moments(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    frames_case of = {.shared = true, .frames = 600, .points = 40};
    training t = make_training(f.plain, networks[1], of);
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
        training t = make_training(f.plain, networks[1], of);
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
