/* Fields from a basis on the device, against sums in double. */
#include "cuda_fixture.h"

#include "cuda/engine.h"
#include "cuda/fields.h"

#include <stdlib.h>

/* Factors of two bfloat16 each, which have 16 bits: 4e-6, random signs. */
#define TOLERANCE_SPLIT 5e-5

/* Sizes of which none is a multiple of a tile, for each number of frames that a kernel is made for;
 * more codes than shared memory takes. */
static const struct shape {
    size_t rows, channels, codes, frames;
    bool scaled;
} shapes[] = {
    {1, 1, 1, 1, true},      {130, 2, 128, 3, false}, {99, 3, 33, 40, true},
    {128, 1, 70, 130, true}, {260, 1, 5, 300, false}, {64, 4, 100, 65, true},
    {40, 2, 450, 20, true},
};

static float *normals(size_t count, uint64_t seed)
{
    float *values = malloc(count * sizeof *values);
    fc__rng rng = fc__rng_create(seed, count);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)fc__rng_normal(&rng);
    return values;
}

static float *on_device(const cuda_fixture *f, size_t count, const float *values)
{
    float *copy;
    fc__device *device = ((fc__cuda *)f->engine->device)->device;
    assert_status(fc__device_allocate(f->context, device, "test", count, sizeof *copy, &copy),
                  f->context);
    if (values)
        assert_status(fc__device_upload(f->context, device, copy, values, count * sizeof *copy),
                      f->context);
    return copy;
}

static void compare(const cuda_fixture *f, const struct shape *s, double tolerance)
{
    fc__device *device = ((fc__cuda *)f->engine->device)->device;
    float *phi0 = normals(s->rows, 1), *phi = normals(s->rows * s->codes, 2);
    float *z = normals(s->frames * s->codes, 3), *mean = normals(s->channels, 4);
    float *scale = normals(s->channels, 5), *values = normals(s->frames * s->rows, 6);
    float *right = normals(s->frames * s->rows, 7);
    for (size_t i = 0; i < s->frames * s->rows; i++) {
        size_t row = i % s->rows, channel = row % s->channels;
        double sum = (double)phi0[row];
        for (size_t c = 0; c < s->codes; c++)
            sum += (double)phi[row * s->codes + c] * (double)z[i / s->rows * s->codes + c];
        right[i] = (float)(s->scaled ? (double)mean[channel] + (double)scale[channel] * sum : sum);
    }
    float *arrays[] = {on_device(f, s->rows, phi0),
                       on_device(f, s->rows * s->codes, phi),
                       on_device(f, s->frames * s->codes, z),
                       on_device(f, s->channels, mean),
                       on_device(f, s->channels, scale),
                       on_device(f, fc__cuda_fields_work(s->codes, s->frames), NULL),
                       on_device(f, s->frames * s->rows, values)};
    assert_status(fc__cuda_fields(f->context, device, s->rows, s->codes, s->channels, s->frames,
                                  arrays[0], arrays[1], arrays[2], s->scaled ? arrays[3] : NULL,
                                  s->scaled ? arrays[4] : NULL, arrays[5], arrays[6]),
                  f->context);
    assert_status(fc__device_download(f->context, device, values, arrays[6],
                                      s->frames * s->rows * sizeof *values),
                  f->context);
    assert_close(cuda_difference(s->frames * s->rows, values, right), tolerance);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        fc__device_free(device, arrays[i]);
    float *host[] = {phi0, phi, z, mean, scale, values, right};
    for (size_t i = 0; i < sizeof host / sizeof *host; i++)
        free(host[i]);
}

static void compare_all(fc_cuda_precision precision, double tolerance)
{
    cuda_fixture f = cuda_open(precision);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        compare(&f, &shapes[i], tolerance);
    cuda_close(&f);
}

static void fields_of_floats_are_their_sums(void **state)
{
    (void)state;
    compare_all(FC_CUDA_FP32, TOLERANCE_FP32);
}

static void fields_by_tensor_cores_are_nearly_as_exact_as_floats(void **state)
{
    (void)state;
    compare_all(FC_CUDA_TF32, TOLERANCE_SPLIT);
}

static void fields_of_bfloat16_are_the_sums_to_their_precision(void **state)
{
    (void)state;
    compare_all(FC_CUDA_BF16, TOLERANCE_BF16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_floats_are_their_sums),
        cmocka_unit_test(fields_by_tensor_cores_are_nearly_as_exact_as_floats),
        cmocka_unit_test(fields_of_bfloat16_are_the_sums_to_their_precision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
