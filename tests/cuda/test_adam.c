#include "cuda_fixture.h"

#include "cuda/adam.h"
#include "cuda/engine.h"

#include <stdlib.h>

static float *random_values(size_t count, uint64_t stream, double least)
{
    fc__rng rng = fc__rng_create(4, stream);
    float *values;
    assert_int_equal(fc__allocate(NULL, count, sizeof *values, &values), FC_OK);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)fmax(fc__rng_normal(&rng), least);
    return values;
}

static float *to_device(const cuda_fixture *f, size_t count, const float *values)
{
    fc__device *device = ((fc__cuda *)f->engine->device)->device;
    float *copy;
    assert_status(fc__device_allocate(f->context, device, "test", count, sizeof *copy, &copy),
                  f->context);
    assert_status(fc__device_upload(f->context, device, copy, values, count * sizeof *copy),
                  f->context);
    return copy;
}

static void assert_on_device(const cuda_fixture *f, size_t count, const float *found,
                             const float *expected)
{
    fc__device *device = ((fc__cuda *)f->engine->device)->device;
    float *values = random_values(count, 0, 0.0);
    assert_status(fc__device_download(f->context, device, values, found, count * sizeof *values),
                  f->context);
    assert_close(cuda_difference(count, values, expected), TOLERANCE_FP32);
    free(values);
}

static void compare(size_t count, uint64_t step)
{
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc__device *device = ((fc__cuda *)f.engine->device)->device;
    const fc__adam adam = {
        .rate = 1e-2, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .decay = 0.5};
    const fc__adam_constants constants = fc__adam_constants_of(&adam, step);
    float *host[4], *copy[4]; /* gradient, first, second, parameters */
    for (size_t i = 0; i < 4; i++) {
        host[i] = random_values(count, i, i == 2 ? 0.0 : -INFINITY);
        copy[i] = to_device(&f, count, host[i]);
    }
    assert_status(
        fc__cuda_adam(f.context, device, &constants, count, copy[0], copy[1], copy[2], copy[3]),
        f.context);
    fc__adam_step(f.plain, &adam, step, count, host[0], host[1], host[2], host[3]);
    for (size_t i = 0; i < 4; i++) {
        assert_on_device(&f, count, copy[i], host[i]);
        fc__device_free(device, copy[i]);
        free(host[i]);
    }
    cuda_close(&f);
}

static void steps_are_those_of_the_processor(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 255, 1000, 300001};
    for (size_t i = 0; i < 4; i++) {
        compare(counts[i], 0);
        compare(counts[i], 1000 * i);
    }
}

static void a_step_of_no_weights_is_nothing(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    const fc__adam_constants constants = {.rate = 1.0f};
    assert_status(fc__cuda_adam(f.context, ((fc__cuda *)f.engine->device)->device, &constants, 0,
                                NULL, NULL, NULL, NULL),
                  f.context);
    cuda_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_those_of_the_processor),
        cmocka_unit_test(a_step_of_no_weights_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
