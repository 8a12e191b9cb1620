#include "cuda/cuda.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void a_build_without_cuda_says_so_and_names_the_device(void **state)
{
    (void)state;
    fc_context *context;
    assert_int_equal(fc_context_create(1, &context), FC_OK);
    assert_int_equal(fc_cuda_check(context, 3), FC_ERROR_DEVICE);
    assert_non_null(strstr(fc_context_message(context), "cuda:3"));
    assert_non_null(strstr(fc_context_message(context), "built without CUDA"));
    fc_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_without_cuda_says_so_and_names_the_device),
    };
    return cmocka_run_group_tests_name("cuda: check", tests, NULL, NULL);
}
