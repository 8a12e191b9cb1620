/* Decoder training on a device: frames that differ in their points. */
#include "training_fixture.h"

#ifdef FC_EMULATED
#include "emulation/emulation.h"
#endif

static void loss_and_gradient_are_those_of_the_processor(void **state)
{
    (void)state;
    compare_networks(false);
}

static void a_sample_of_points_and_frames_is_the_same(void **state)
{
    (void)state;
    compare_samples(false);
}

static void a_frame_without_values_adds_nothing(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    training t =
        make_training(f.plain, training_networks[1], (frames_case){.frames = 3, .points = 40});
    float *values = t.dataset->sequences[0].frames[1].values;
    for (size_t i = 0; i < 40; i++)
        values[i] = NAN;
    for (size_t i = 0; i < 3; i++) {
        derivative a = by_device(f.context, &t, training_policies[i], (minibatch){.count = 3});
        derivative b = by_processor(f.plain, &t, training_policies[i], (minibatch){.count = 3});
        assert_close(fabs(a.loss - b.loss) / b.loss, TOLERANCE_FP32);
        compare_gradients(&t, a.gradient, b.gradient, TOLERANCE_FP32);
        free_derivative(&a);
        free_derivative(&b);
    }
    free_training(&t);
    cuda_close(&f);
}

/* Widths with and without room beside them in the fused kernels, and one that is too wide; so few
 * rows that blocks have 64 of them, and more. */
static void fused_layers_are_as_good_as_their_factors(void **state)
{
    (void)state;
    const network_case wide[] = {
        {FC_FILTER_INTEGER, 1, 1, 32, 5, false},  {FC_FILTER_INTEGER, 4, 2, 20, 5, false},
        {FC_FILTER_RANDOM, 2, 1, 37, 5, true},    {FC_FILTER_INTEGER, 2, 1, 128, 6, false},
        {FC_FILTER_INTEGER, 1, 1, 130, 4, false}, {FC_FILTER_TRAINABLE, 1, 1, 16, 5, false}};
    const fc_cuda_precision precisions[] = {FC_CUDA_TF32, FC_CUDA_BF16};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        cuda_fixture f = cuda_open(precisions[i % 2]);
        frames_case of = {
            .ragged = true, .frames = 4, .points = i / 2 % 2 ? 40 : 150, .missing = 0.1};
        training t = make_training(f.plain, wide[i], of);
        compare(f.context, f.plain, &t, FC__CODES_ADAM, (minibatch){.count = 4},
                2.0 * TOLERANCE_TF32); /* through several layers and back */
        free_training(&t);
        cuda_close(&f);
    }
}

static void the_same_bits_come_again(void **state)
{
    (void)state;
    const fc_cuda_precision precisions[] = {FC_CUDA_TF32, FC_CUDA_FP32};
    for (size_t i = 0; i < 2; i++) {
        cuda_fixture f = cuda_open(precisions[i]);
        training t = make_training(f.plain, (network_case){FC_FILTER_INTEGER, 2, 1, 20, 4, false},
                                   (frames_case){.ragged = true, .frames = 4, .points = 300});
        derivative a = by_device(f.context, &t, FC__CODES_SOLVED, (minibatch){.count = 4});
#ifdef FC_EMULATED
        fc_emulation_set_order(1234);
#endif
        derivative b = by_device(f.context, &t, FC__CODES_SOLVED, (minibatch){.count = 4});
#ifdef FC_EMULATED
        fc_emulation_set_order(0);
#endif
        assert_true(a.loss == b.loss);
        assert_memory_equal(a.gradient, b.gradient, t.parameters * sizeof(float));
        assert_memory_equal(a.z, b.z, t.size * sizeof(float));
        free_derivative(&a);
        free_derivative(&b);
        free_training(&t);
        cuda_close(&f);
    }
}

/* So little memory that the rows of a minibatch are taken in several parts, and too little. */
static void little_memory_takes_more_parts(void **state)
{
    (void)state;
    const network_case network = {FC_FILTER_INTEGER, 6, 1, 60, 4, false};
    const frames_case of = {.frames = 6, .points = 600};
    for (size_t i = 0; i < 2; i++) {
        cuda_fixture f = cuda_open(FC_CUDA_FP32);
        fc_cuda_config config = fc_cuda_config_default();
        fc_engine *small;
        config.precision = FC_CUDA_FP32;
        config.memory = i == 0 ? 16 << 20 : 1 << 20;
        assert_status(fc_cuda_engine_create(f.context, &config, &small), f.context);
        fc_context_set_engine(f.context, small);
        training t = make_training(f.plain, network, of);
        if (i == 0) {
            compare(f.context, f.plain, &t, FC__CODES_ADAM, (minibatch){.count = 6},
                    TOLERANCE_FP32);
            compare(f.context, f.plain, &t, FC__CODES_SOLVED, (minibatch){.count = 6},
                    TOLERANCE_FP32);
        } else {
            const fc__fit_steps *steps = steps_of(f.context);
            void *fit;
            fc_status status = steps->create(small->device, f.context, t.decoder, &t.frames,
                                             FC__CODES_ADAM, t.z, &fit);
            if (status == FC_OK)
                status = steps->differentiate(fit, f.context, 6, NULL, 0, 0);
            assert_int_equal(status, FC_ERROR_MEMORY);
            assert_non_null(strstr(fc_context_message(f.context), "out of device memory"));
            steps->destroy(fit);
        }
        free_training(&t);
        fc_context_set_engine(f.context, NULL);
        fc_engine_destroy(small);
        cuda_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_and_gradient_are_those_of_the_processor),
        cmocka_unit_test(a_sample_of_points_and_frames_is_the_same),
        cmocka_unit_test(a_frame_without_values_adds_nothing),
        cmocka_unit_test(fused_layers_are_as_good_as_their_factors),
        cmocka_unit_test(the_same_bits_come_again),
        cmocka_unit_test(little_memory_takes_more_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
