#include "cuda_fixture.h"

#include "cuda/device.h"

#include <string.h>

#ifdef FC_EMULATED
#include "emulation/emulation.h"
#endif

static fc_context *context_new(void)
{
    fc_context *context;
    assert_int_equal(fc_context_create(1, &context), FC_OK);
    return context;
}

static void assert_message(const fc_context *context, const char *part)
{
    if (!strstr(fc_context_message(context), part))
        fail_msg("the message is '%s', without '%s'", fc_context_message(context), part);
}

static void a_device_that_is_not_there_is_named_with_the_reason(void **state)
{
    (void)state;
    fc_context *context = context_new();
    fc_cuda_config config = fc_cuda_config_default();
    fc_cuda_description description;
    fc_engine *engine;
    config.index = 1000;
    assert_int_equal(fc_cuda_check(context, 1000), FC_ERROR_DEVICE);
    assert_message(context, "cuda:1000: ");
    assert_int_equal(fc_cuda_describe(context, 1000, &description), FC_ERROR_DEVICE);
    assert_int_equal(fc_cuda_engine_create(context, &config, &engine), FC_ERROR_DEVICE);
    assert_null(engine);
    assert_int_equal(fc_cuda_check(context, -1), FC_ERROR_DEVICE);
    fc_context_destroy(context);
}

static void a_context_without_an_engine_is_the_processors(void **state)
{
    (void)state;
    assert_string_equal(fc_engine_name(NULL), "cpu");
    fc_engine_destroy(NULL);
}

static void an_engine_has_the_name_of_its_device(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    assert_string_equal(fc_engine_name(f.engine), "cuda:0");
    cuda_close(&f);
}

static void a_device_is_described(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_cuda_description d;
    int count;
    assert_status(fc_cuda_count(f.context, &count), f.context);
    assert_true(count >= 1);
    assert_status(fc_cuda_describe(f.context, 0, &d), f.context);
    assert_true(d.name[0] != '\0' && d.major >= 7 && d.multiprocessors > 0);
    assert_true(d.free > 0 && d.free <= d.memory);
    assert_true(d.runtime >= 12000 && d.cublas >= 120000 && d.cusolver >= 110000);
    cuda_close(&f);
}

/* ---------------------------------------------------------------- memory and products */

static fc__device *device_open(cuda_fixture *f, size_t memory)
{
    fc_cuda_config config = fc_cuda_config_default();
    fc__device *device;
    config.memory = memory;
    assert_status(fc__device_open(f->context, &config, &device), f->context);
    return device;
}

static void memory_beyond_the_limit_is_refused_with_the_sizes(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc__device *device = device_open(&f, 1 << 20);
    float *first, *second;
    assert_status(fc__device_allocate(f.context, device, "first", 1000, 512, &first), f.context);
    assert_true(fc__device_room(device) <= (1 << 20) - 512000);
    assert_int_equal(fc__device_allocate(f.context, device, "the second", 2000, 512, &second),
                     FC_ERROR_MEMORY);
    assert_null(second);
    assert_message(f.context, "cuda:0: out of device memory: the second takes 2000 x 512 bytes");
    assert_int_equal(fc__device_allocate(f.context, device, "all", SIZE_MAX / 2, 4, &second),
                     FC_ERROR_MEMORY);
    fc__device_free(device, first);
    assert_status(fc__device_allocate(f.context, device, "again", 2000, 512, &second), f.context);
    fc__device_close(device); /* frees what is left */
    cuda_close(&f);
}

static void small_memory_that_was_freed_serves_again_until_it_is_in_the_way(void **state)
{
    (void)state;
    enum { LIMIT = 1 << 20, SMALL = 40000 };
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc__device *device = device_open(&f, LIMIT);
    char *first, *second, *all;
    size_t room = fc__device_room(device);
    assert_status(fc__device_allocate(f.context, device, "first", SMALL, 1, &first), f.context);
    fc__device_free(device, first);
    assert_int_equal(fc__device_room(device), room);
    assert_status(fc__device_allocate(f.context, device, "second", SMALL - 1000, 1, &second),
                  f.context);
    assert_ptr_equal(second, first); /* a little smaller */
    fc__device_free(device, second);
    assert_status(fc__device_allocate(f.context, device, "other", SMALL / 2, 1, &second),
                  f.context);
    assert_ptr_not_equal(second, first); /* half as large: not worth it */
    fc__device_free(device, second);
    assert_status(fc__device_allocate(f.context, device, "all", LIMIT, 1, &all), f.context);
    assert_int_equal(fc__device_room(device), 0);
#ifdef FC_EMULATED
    fc__device_free(device, all); /* too much to be kept */
    size_t before = fc_emulation_allocated();
    assert_status(fc__device_allocate(f.context, device, "first", SMALL, 1, &first), f.context);
    fc__device_free(device, first);
    assert_int_equal(fc_emulation_allocated(), before + SMALL);
    fc_emulation_set_memory(before + SMALL + 1000); /* others have the rest */
    assert_status(fc__device_allocate(f.context, device, "more", SMALL + 900, 1, &first),
                  f.context);
    fc_emulation_set_memory((size_t)4 << 30);
#endif
    fc__device_close(device);
    cuda_close(&f);
}

static void what_goes_to_the_device_comes_back(void **state)
{
    (void)state;
    enum { COUNT = 1001 };
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc__device *device = device_open(&f, 0);
    float to[COUNT], back[COUNT], *a, *b;
    for (int i = 0; i < COUNT; i++)
        to[i] = (float)i;
    assert_status(fc__device_allocate(f.context, device, "a", COUNT, 4, &a), f.context);
    assert_status(fc__device_allocate(f.context, device, "b", COUNT, 4, &b), f.context);
    assert_status(fc__device_upload(f.context, device, a, to, sizeof to), f.context);
    assert_status(fc__device_copy(f.context, device, b, a, sizeof to), f.context);
    assert_status(fc__device_zero(f.context, device, b + 500, 4), f.context);
    assert_status(fc__device_download(f.context, device, back, b, sizeof back), f.context);
    to[500] = 0.0f;
    assert_memory_equal(to, back, sizeof to);
    fc__device_close(device);
    cuda_close(&f);
}

/* C = 2 A^T B^T + 3 C, A (4, 3), B (2, 4) */
static void products_are_row_major(void **state)
{
    (void)state;
    enum { M = 3, N = 2, K = 4 };
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    fc__device *device = device_open(&f, 0);
    double a[K * M], b[N * K], c[M * N], wanted[M * N], *on_device;
    float narrow[K * M + N * K + M * N], found[M * N], *floats;
    for (int i = 0; i < K * M; i++)
        a[i] = narrow[i] = (float)(i - 5);
    for (int i = 0; i < N * K; i++)
        b[i] = narrow[K * M + i] = (float)(3 - i);
    for (int i = 0; i < M * N; i++)
        c[i] = narrow[K * M + N * K + i] = (float)i;
    for (int i = 0; i < M * N; i++) {
        wanted[i] = 3.0 * c[i];
        for (int k = 0; k < K; k++)
            wanted[i] += 2.0 * a[k * M + i / N] * b[i % N * K + k];
    }
    double *da, *db, *dc;
    assert_status(
        fc__device_allocate(f.context, device, "doubles", K * M + N * K + M * N, 8, &on_device),
        f.context);
    da = on_device, db = da + K * M, dc = db + N * K;
    assert_status(fc__device_upload(f.context, device, da, a, sizeof a), f.context);
    assert_status(fc__device_upload(f.context, device, db, b, sizeof b), f.context);
    assert_status(fc__device_upload(f.context, device, dc, c, sizeof c), f.context);
    assert_status(
        fc__device_dgemm(f.context, device, true, true, M, N, K, 2.0, da, M, db, K, 3.0, dc, N),
        f.context);
    assert_status(fc__device_download(f.context, device, c, dc, sizeof c), f.context);
    assert_close(cuda_difference_double(M * N, c, wanted), 1e-14);
    assert_status(
        fc__device_allocate(f.context, device, "floats", K * M + N * K + M * N, 4, &floats),
        f.context);
    assert_status(fc__device_upload(f.context, device, floats, narrow, sizeof narrow), f.context);
    assert_status(fc__device_sgemm(f.context, device, true, true, true, M, N, K, 2.0f, floats, M,
                                   floats + K * M, K, 3.0f, floats + K * M + N * K, N),
                  f.context);
    assert_status(
        fc__device_download(f.context, device, found, floats + K * M + N * K, sizeof found),
        f.context);
    for (int i = 0; i < M * N; i++)
        assert_float_equal(found[i], wanted[i], 1e-5);
    fc__device_close(device);
    cuda_close(&f);
}

static void a_precision_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    fc_cuda_config config = fc_cuda_config_default();
    fc_engine *engine;
    config.precision = (fc_cuda_precision)7;
    assert_int_equal(fc_cuda_engine_create(f.context, &config, &engine), FC_ERROR_USAGE);
    assert_message(f.context, "precision 7");
    cuda_close(&f);
}

/* ---------------------------------------------------------------- machines that there are not */

#ifdef FC_EMULATED

static void a_machine_without_driver_or_device_says_so(void **state)
{
    (void)state;
    fc_context *context = context_new();
    int count;
    fc_emulation_set_devices(-1);
    assert_int_equal(fc_cuda_check(context, 0), FC_ERROR_DEVICE);
    assert_message(context, "cuda:0: ");
    assert_message(context, "driver");
    fc_emulation_set_devices(0);
    assert_int_equal(fc_cuda_count(context, &count), FC_ERROR_DEVICE);
    assert_int_equal(count, 0);
    assert_message(context, "CUDA: no ");
    fc_emulation_set_devices(2);
    assert_status(fc_cuda_check(context, 1), context);
    assert_int_equal(fc_cuda_check(context, 2), FC_ERROR_DEVICE);
    assert_message(context, "cuda:2: there is no such device; the last one is cuda:1");
    fc_emulation_set_devices(1);
    fc_context_destroy(context);
}

static void
a_device_that_is_too_old_is_refused_and_one_without_tensor_cores_computes_in_fp32(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_emulation_set_capability(6, 1);
    assert_int_equal(fc_cuda_check(f.context, 0), FC_ERROR_DEVICE);
    assert_message(f.context, "compute capability 6.1; 7.0 or above is needed");
    fc_emulation_set_capability(7, 5);
    fc__device *device = device_open(&f, 0);
    assert_int_equal(fc__device_precision(device), FC_CUDA_FP32);
    fc__device_close(device);
    fc_emulation_set_capability(9, 0);
    device = device_open(&f, 0);
    assert_int_equal(fc__device_precision(device), FC_CUDA_TF32);
    fc__device_close(device);
    cuda_close(&f);
}

static void devices_are_used_in_turn_whichever_was_opened_last(void **state)
{
    (void)state;
    fc_context *context = context_new();
    fc__device *device[2];
    float sent[2] = {3.0f, 4.0f}, *x[2];
    fc_emulation_set_devices(2);
    for (int i = 0; i < 2; i++) {
        fc_cuda_config config = fc_cuda_config_default();
        config.index = i;
        assert_status(fc__device_open(context, &config, &device[i]), context);
    }
    for (int i = 0; i < 2; i++) {
        float back[2] = {0};
        assert_status(fc__device_allocate(context, device[i], "x", 2, sizeof *x[i], &x[i]),
                      context);
        assert_status(fc__device_upload(context, device[i], x[i], sent, sizeof sent), context);
        assert_status(fc__device_sgemm(context, device[i], true, false, false, 1, 1, 1, 2.0f, x[i],
                                       1, x[i], 1, 0.0f, x[i] + 1, 1),
                      context);
        assert_status(fc__device_download(context, device[i], back, x[i], sizeof back), context);
        assert_true(back[0] == 3.0f && back[1] == 18.0f);
    }
    for (int i = 0; i < 2; i++) {
        assert_status(fc__device_zero(context, device[i], x[i], sizeof sent), context);
        assert_status(fc__device_wait(context, device[i]), context);
        fc__device_free(device[i], x[i]);
    }
    fc__device_close(device[0]);
    fc__device_close(device[1]);
    fc_emulation_set_devices(1);
    fc_context_destroy(context);
}

/* Whatever call of the driver fails, the engine is refused with a message and leaves nothing. */
static void an_engine_that_cannot_be_opened_leaves_nothing_behind(void **state)
{
    (void)state;
    enum { MOST_CALLS = 50, ERROR = 719 /* cudaErrorLaunchFailure */ };
    fc_context *context = context_new();
    fc_cuda_config config = fc_cuda_config_default();
    fc_engine *engine = NULL;
    size_t failures = 0, before = fc_emulation_allocated();
    for (size_t n = 1; n < MOST_CALLS; n++) {
        fc_emulation_fail_after(n, ERROR);
        fc_status status = fc_cuda_engine_create(context, &config, &engine);
        fc_emulation_fail_after(0, 0);
        failures += status != FC_OK;
        if (status != FC_OK) {
            assert_null(engine);
            assert_message(context, "cuda:0: ");
        }
        fc_engine_destroy(engine);
        assert_int_equal(fc_emulation_allocated(), before);
    }
    assert_true(failures > 2 && failures < MOST_CALLS - 1);
    fc_context_destroy(context);
}

static void a_device_whose_memory_others_have_taken_says_how_much_is_left(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc__device *device = device_open(&f, 0);
    char *memory;
    fc_emulation_set_memory(1 << 20);
    assert_int_equal(fc__device_allocate(f.context, device, "a vector", 1 << 21, 1, &memory),
                     FC_ERROR_MEMORY);
    assert_message(f.context, "out of device memory: a vector takes 2097152 x 1 bytes");
    fc_emulation_set_memory((size_t)4 << 30);
    fc__device_close(device);
    cuda_close(&f);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_that_is_not_there_is_named_with_the_reason),
        cmocka_unit_test(a_context_without_an_engine_is_the_processors),
        cmocka_unit_test(an_engine_has_the_name_of_its_device),
        cmocka_unit_test(a_device_is_described),
        cmocka_unit_test(memory_beyond_the_limit_is_refused_with_the_sizes),
        cmocka_unit_test(small_memory_that_was_freed_serves_again_until_it_is_in_the_way),
        cmocka_unit_test(what_goes_to_the_device_comes_back),
        cmocka_unit_test(products_are_row_major),
        cmocka_unit_test(a_precision_that_does_not_exist_is_refused),
#ifdef FC_EMULATED
        cmocka_unit_test(a_machine_without_driver_or_device_says_so),
        cmocka_unit_test(
            a_device_that_is_too_old_is_refused_and_one_without_tensor_cores_computes_in_fp32),
        cmocka_unit_test(devices_are_used_in_turn_whichever_was_opened_last),
        cmocka_unit_test(an_engine_that_cannot_be_opened_leaves_nothing_behind),
        cmocka_unit_test(a_device_whose_memory_others_have_taken_says_how_much_is_left),
#endif
    };
    return cmocka_run_group_tests_name("cuda: device", tests, NULL, NULL);
}
