#include "cuda/cuda.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_build_without_cuda_says_so_and_names_the_device(void **state)
{
    (void)state;
    fc_context *context;
    fc_cuda_config config = fc_cuda_config_default();
    fc_cuda_description description;
    fc_engine *engine;
    int count = 7;
    assert_int_equal(fc_context_create(1, &context), FC_OK);
    assert_int_equal(fc_cuda_check(context, 3), FC_ERROR_DEVICE);
    assert_string_equal(fc_context_message(context), "cuda:3: fieldcast was built without CUDA");
    assert_int_equal(fc_cuda_describe(context, 1, &description), FC_ERROR_DEVICE);
    assert_string_equal(fc_context_message(context), "cuda:1: fieldcast was built without CUDA");
    config.index = 2;
    assert_int_equal(fc_cuda_engine_create(context, &config, &engine), FC_ERROR_DEVICE);
    assert_null(engine);
    assert_string_equal(fc_context_message(context), "cuda:2: fieldcast was built without CUDA");
    assert_int_equal(fc_cuda_count(context, &count), FC_ERROR_DEVICE);
    assert_int_equal(count, 0);
    fc_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_without_cuda_says_so_and_names_the_device),
    };
    return cmocka_run_group_tests_name("cuda: stub", tests, NULL, NULL);
}
