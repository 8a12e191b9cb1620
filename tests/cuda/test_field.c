#include "cuda_fixture.h"

#include "cuda/engine.h"
#include "cuda/field.h"

#include <stdlib.h>
#include <string.h>

/* Gradients of one row are products of two numbers, the largest of them many times the root mean
 * square; its own rounding counts. */
#define TOLERANCE_GRADIENT_TF32 2e-2

static void *reserve(size_t count, size_t size)
{
    void *memory;
    assert_int_equal(fc__allocate(NULL, count, size, &memory), FC_OK);
    return memory;
}

/* Random numbers, and as doubles. */
static float *draw(uint64_t stream, double deviation, size_t count, double **doubles)
{
    fc__rng rng = fc__rng_create(6, stream);
    float *values = reserve(count, sizeof *values);
    *doubles = reserve(count, sizeof **doubles);
    for (size_t i = 0; i < count; i++)
        (*doubles)[i] = values[i] = (float)(deviation * fc__rng_normal(&rng));
    return values;
}

static void weights_come_back_as_they_were_placed(void **state)
{
    (void)state;
    static const fc_field_config configs[] = {{7, true, 5, 3}, {8, false, 4, 0}, {1, true, 0, 9}};
    for (size_t i = 0; i < 3; i++) {
        fc__cuda_field field;
        double *unused;
        size_t count = fc_field_layout_of(&configs[i]).count;
        assert_int_equal(fc__cuda_field_of(NULL, &configs[i], &field), FC_OK);
        float *parameters = draw(1, 1.0, count, &unused), *back = reserve(count, sizeof *back);
        float *weights = reserve(field.count, sizeof *weights);
        double sum = 0.0, placed = 0.0;
        fc__cuda_field_place(&configs[i], parameters, weights);
        fc__cuda_field_collect(&configs[i], weights, back);
        assert_memory_equal(back, parameters, count * sizeof *back);
        for (size_t j = 0; j < count; j++)
            sum += (double)parameters[j];
        for (size_t j = 0; j < field.count; j++)
            placed += (double)weights[j]; /* what is added to round sizes up is zero */
        assert_true(fabs(sum - placed) < 1e-9);
        free(parameters);
        free(unused);
        free(back);
        free(weights);
    }
}

/* ---------------------------------------------------------------- against doubles */

typedef struct device_field {
    const cuda_fixture *f;
    fc__device *device;
    fc__cuda_field field;
    float *weights, *record, *tape, *dz, *dz_bar, *pulled, *gradient;
} device_field;

static float *room(const device_field *d, size_t count)
{
    float *memory;
    assert_status(fc__device_allocate(d->f->context, d->device, "test", count, 4, &memory),
                  d->f->context);
    return memory;
}

/* Rows of (rows, from_width) into the first columns of (rows, to_width) or back. */
static void copy_rows(size_t rows, size_t columns, const float *from, size_t from_width, float *to,
                      size_t to_width)
{
    for (size_t i = 0; i < rows; i++)
        memcpy(to + i * to_width, from + i * from_width, columns * sizeof *to);
}

static device_field device_create(const cuda_fixture *f, const fc_field_config *config,
                                  const float *parameters, size_t rows, const float *z,
                                  const float *dz_bar)
{
    device_field d = {.f = f, .device = ((fc__cuda *)f->engine->device)->device};
    fc_context *context = f->context;
    assert_status(fc__cuda_field_of(context, config, &d.field), context);
    size_t codes = d.field.codes, width = d.field.width, most = d.field.count + rows * width;
    float *host = reserve(most, sizeof *host);
    d.weights = room(&d, d.field.count);
    d.record = room(&d, rows * width);
    d.tape = room(&d, rows * d.field.inner);
    d.dz = room(&d, rows * codes);
    d.dz_bar = room(&d, rows * codes);
    d.pulled = room(&d, rows * width);
    d.gradient = room(&d, d.field.count);
    fc__cuda_field_place(config, parameters, host);
    assert_status(fc__device_upload(context, d.device, d.weights, host, d.field.count * 4),
                  context);
    memset(host, 0, most * sizeof *host);
    copy_rows(rows, config->codes, z, config->codes, host + d.field.products + FC__CUDA_UNIT,
              width);
    assert_status(fc__device_upload(context, d.device, d.record, host, rows * width * 4), context);
    memset(host, 0, most * sizeof *host);
    copy_rows(rows, config->codes, dz_bar, config->codes, host, codes);
    assert_status(fc__device_upload(context, d.device, d.dz_bar, host, rows * codes * 4), context);
    assert_status(fc__cuda_field_prepare(context, d.device, &d.field, rows, d.record), context);
    free(host);
    return d;
}

static void device_destroy(device_field *d)
{
    float *blocks[] = {d->weights, d->record, d->tape, d->dz, d->dz_bar, d->pulled, d->gradient};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        fc__device_free(d->device, blocks[i]);
}

/* Columns from `begin` on of an array (rows, width) on the device against doubles. */
static double difference(const device_field *d, size_t rows, const float *found, size_t width,
                         size_t begin, size_t columns, const double *expected)
{
    float *host = reserve(rows * width, sizeof *host), *mine = reserve(rows * columns, 4);
    double *values = reserve(rows * columns, sizeof *values);
    assert_status(
        fc__device_download(d->f->context, d->device, host, found, rows * width * sizeof *host),
        d->f->context);
    copy_rows(rows, columns, host + begin, width, mine, columns);
    for (size_t i = 0; i < rows * columns; i++)
        values[i] = (double)mine[i];
    double largest = cuda_difference_double(rows * columns, values, expected);
    free(host);
    free(mine);
    free(values);
    return largest;
}

static double gradient_difference(const device_field *d, const fc_field_config *config,
                                  size_t count, const double *expected)
{
    float *host = reserve(d->field.count, sizeof *host), *mine = reserve(count, sizeof *mine);
    double *values = reserve(count, sizeof *values);
    assert_status(fc__device_download(d->f->context, d->device, host, d->gradient,
                                      d->field.count * sizeof *host),
                  d->f->context);
    fc__cuda_field_collect(config, host, mine);
    for (size_t i = 0; i < count; i++)
        values[i] = (double)mine[i];
    double largest = cuda_difference_double(count, values, expected);
    free(host);
    free(mine);
    free(values);
    return largest;
}

static void compare(fc_cuda_precision precision, const fc_field_config *config, size_t rows,
                    double tolerance, double gradient_tolerance)
{
    cuda_fixture f = cuda_open(precision);
    size_t codes = config->codes, count = fc_field_layout_of(config).count;
    double *parameters, *z, *dz_bar, *dz = reserve(rows * codes, sizeof *dz);
    double *work = reserve(fc_field_work_size(config, rows), sizeof *work);
    double *z_bar = reserve(rows * codes, sizeof *z_bar), *bar = reserve(count, sizeof *bar);
    float *p = draw(1, 0.3, count, &parameters), *y = draw(2, 1.0, rows * codes, &z);
    float *y_bar = draw(3, 1.0, rows * codes, &dz_bar);
    fc_field_eval_double(config, parameters, rows, z, dz, work);
    fc_field_vjp_double(config, parameters, rows, z, dz_bar, z_bar, bar, work);
    device_field d = device_create(&f, config, p, rows, y, y_bar);
    const fc__cuda_field *field = &d.field;
    assert_status(
        fc__cuda_field_forward(f.context, d.device, field, d.weights, rows, d.record, d.tape, d.dz),
        f.context);
    assert_status(fc__cuda_field_backward(f.context, d.device, field, d.weights, rows, d.dz_bar,
                                          d.tape, true, d.pulled),
                  f.context);
    assert_status(fc__cuda_field_gradient(f.context, d.device, field, rows, d.record, d.tape,
                                          d.dz_bar, d.gradient),
                  f.context);
    assert_close(difference(&d, rows, d.dz, field->codes, 0, codes, dz), tolerance);
    assert_close(
        difference(&d, rows, d.pulled, field->width, field->products + FC__CUDA_UNIT, codes, z_bar),
        tolerance);
    assert_close(gradient_difference(&d, config, count, bar), gradient_tolerance);
    device_destroy(&d);
    void *blocks[] = {parameters, z, dz_bar, dz, work, z_bar, bar, p, y, y_bar};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    cuda_close(&f);
}

static void a_field_and_its_derivatives_are_those_in_double(void **state)
{
    (void)state;
    static const fc_field_config configs[] = {
        {19, true, 37, 9},  {19, false, 37, 9}, {8, true, 64, 0},
        {21, false, 0, 30}, {5, true, 0, 0},    {1, false, 1, 0},
    };
    static const size_t rows[] = {1, 33};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 2; j++) {
            compare(FC_CUDA_FP32, &configs[i], rows[j], TOLERANCE_FP32, TOLERANCE_FP32);
            compare(FC_CUDA_TF32, &configs[i], rows[j], TOLERANCE_TF32, TOLERANCE_GRADIENT_TF32);
        }
    compare(FC_CUDA_BF16, &configs[0], 33, TOLERANCE_TF32, TOLERANCE_GRADIENT_TF32);
}

static void a_field_of_too_many_weights_is_refused(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc__cuda_field field;
    assert_int_equal(
        fc__cuda_field_of(f.context, &(fc_field_config){1 << 20, true, 1 << 20, 0}, &field),
        FC_ERROR_USAGE);
    assert_non_null(strstr(fc_context_message(f.context), "rank 1048576"));
    cuda_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_come_back_as_they_were_placed),
        cmocka_unit_test(a_field_and_its_derivatives_are_those_in_double),
        cmocka_unit_test(a_field_of_too_many_weights_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
