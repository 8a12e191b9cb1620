#include "cuda/engine.h"
#include "cuda/right_hand_side.h"
#include "cuda_fixture.h"
#include "inr/engine.h"

#include <stdlib.h>

/* Of fields in float: products of floats taken apart in two TF32 parts are as good as those of
 * floats, and without the small parts 4e-5 and more. */
#define TOLERANCE_FLOAT 1e-5

static fc__device *device_of(const cuda_fixture *f)
{
    return ((const fc__cuda *)f->engine->device)->device;
}

static fc_field *create_field(cuda_fixture *f, fc_field_config config)
{
    fc_field *field;
    fc__rng rng = fc__rng_create(3, config.codes + config.rank);
    assert_status(fc_field_create(f->context, &config, 5, &field), f->context);
    for (size_t i = 0; i < field->parameter_count; i++) /* no part is left at zero */
        field->parameters[i] += (float)(0.1 * fc__rng_normal(&rng));
    return field;
}

static void *zeros(size_t count, size_t size)
{
    void *memory;
    assert_int_equal(fc__allocate(NULL, count, size, &memory), FC_OK);
    return memory;
}

/* States and directions of some rows on both sides. */
typedef struct rows {
    cuda_fixture *f;
    size_t count;
    double *host, *device;
} rows;

static rows rows_create(cuda_fixture *f, size_t count, uint64_t seed)
{
    rows r = {.f = f, .count = count, .host = zeros(count, sizeof *r.host)};
    fc__rng rng = fc__rng_create(seed, 9);
    for (size_t i = 0; i < count; i++)
        r.host[i] = fc__rng_normal(&rng);
    assert_status(
        fc__device_allocate(f->context, device_of(f), "rows", count, sizeof *r.device, &r.device),
        f->context);
    assert_status(
        fc__device_upload(f->context, device_of(f), r.device, r.host, count * sizeof *r.host),
        f->context);
    return r;
}

static void rows_read(rows *r)
{
    assert_status(fc__device_download(r->f->context, device_of(r->f), r->host, r->device,
                                      r->count * sizeof *r->host),
                  r->f->context);
}

static void rows_destroy(rows *r)
{
    fc__device_free(device_of(r->f), r->device);
    free(r->host);
}

/* The processor's rate of change and derivative in double. */
typedef struct reference {
    double *dz, *dz_dot;
} reference;

static reference reference_create(const fc_field *field, size_t count, const double *z,
                                  const double *z_dot)
{
    const fc_field_config *config = &field->config;
    double *parameters = zeros(field->parameter_count, sizeof *parameters);
    double *work = zeros(fc_field_work_size(config, count), sizeof *work);
    reference r = {zeros(count * config->codes, sizeof *r.dz),
                   zeros(count * config->codes, sizeof *r.dz_dot)};
    for (size_t i = 0; i < field->parameter_count; i++)
        parameters[i] = (double)field->parameters[i];
    fc_field_eval_double(config, parameters, count, z, r.dz, work);
    fc_field_jvp_double(config, parameters, count, z, z_dot, r.dz_dot, work);
    free(parameters);
    free(work);
    return r;
}

static void compare(cuda_fixture *f, fc_field_config config, size_t count, bool in_float,
                    double accepted)
{
    fc_field *field = create_field(f, config);
    size_t size = count * config.codes;
    rows z = rows_create(f, size, 1), z_dot = rows_create(f, size, 2);
    rows dz = rows_create(f, size, 3), dz_dot = rows_create(f, size, 4);
    reference exact = reference_create(field, count, z.host, z_dot.host);
    fc__right_hand_side *on_device;
    bool finite = false;
    assert_status(fc__right_hand_side_create(f->context, device_of(f), field, count, in_float, true,
                                             &on_device),
                  f->context);
    assert_status(
        fc__right_hand_side_eval(f->context, on_device, count, z.device, dz.device, &finite),
        f->context);
    assert_true(finite);
    finite = false;
    assert_status(fc__right_hand_side_jvp(f->context, on_device, count, z.device, z_dot.device,
                                          dz_dot.device, &finite),
                  f->context);
    assert_true(finite);
    rows_read(&dz);
    rows_read(&dz_dot);
    assert_close(cuda_difference_double(size, dz.host, exact.dz), accepted);
    assert_close(cuda_difference_double(size, dz_dot.host, exact.dz_dot), TOLERANCE_DOUBLE);
    fc__right_hand_side_destroy(on_device);
    rows_destroy(&z);
    rows_destroy(&z_dot);
    rows_destroy(&dz);
    rows_destroy(&dz_dot);
    free(exact.dz);
    free(exact.dz_dot);
    fc_field_destroy(field);
}

/* Of every shape of the fused kernel, with parts on and off and odd sizes. */
static const fc_field_config configs[] = {
    {.codes = 1, .linear = true, .rank = 1, .hidden = 1},
    {.codes = 6, .linear = true, .rank = 9, .hidden = 4},
    {.codes = 32, .linear = false, .rank = 64},
    {.codes = 33, .linear = true, .rank = 40, .hidden = 37},
    {.codes = 65, .linear = true, .rank = 0, .hidden = 0},
    {.codes = 100, .linear = true, .rank = 70, .hidden = 0},
    {.codes = 112, .linear = true, .rank = 33, .hidden = 0},
    {.codes = 128, .linear = true, .rank = 50, .hidden = 5},
    {.codes = 130, .linear = true, .rank = 45, .hidden = 0},
    {.codes = 255, .linear = true, .rank = 5, .hidden = 33},
    {.codes = 300, .linear = true, .rank = 17, .hidden = 3}, /* too many for it */
    {.codes = 5, .linear = false, .rank = 0, .hidden = 0},
};
enum { CONFIGS = sizeof configs / sizeof *configs };

static void rates_in_float_match_the_processors_at_every_size(void **state)
{
    (void)state;
    for (int precision = FC_CUDA_TF32; precision <= FC_CUDA_FP32; precision++) {
        cuda_fixture f = cuda_open((fc_cuda_precision)precision);
        for (size_t i = 0; i < CONFIGS; i++)
            for (size_t count = 1; count < 250; count = 4 * count + 39)
                compare(&f, configs[i], count, true, TOLERANCE_FLOAT);
        cuda_close(&f);
    }
}

static void rates_and_derivatives_in_double_match_the_processors(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    for (size_t i = 0; i < CONFIGS; i++)
        compare(&f, configs[i], 43, false, TOLERANCE_DOUBLE);
    cuda_close(&f);
}

static void more_rows_than_are_taken_at_a_time_are_as_good(void **state)
{
    (void)state;
    fc_field_config config = {.codes = 3, .linear = true, .rank = 2};
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    compare(&f, config, 4097, true, TOLERANCE_FLOAT);
    compare(&f, config, 4097, false, TOLERANCE_DOUBLE);
    cuda_close(&f);
}

static void the_same_states_give_the_same_bits(void **state)
{
    (void)state;
    enum { CODES = 34, COUNT = 130, SIZE = CODES * COUNT };
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_field *field =
        create_field(&f, (fc_field_config){.codes = CODES, .linear = true, .rank = 90});
    rows z = rows_create(&f, SIZE, 1), a = rows_create(&f, SIZE, 2), b = rows_create(&f, SIZE, 3);
    fc__right_hand_side *on_device;
    bool finite;
    assert_status(
        fc__right_hand_side_create(f.context, device_of(&f), field, COUNT, true, false, &on_device),
        f.context);
    assert_status(
        fc__right_hand_side_eval(f.context, on_device, COUNT, z.device, a.device, &finite),
        f.context);
    assert_status(
        fc__right_hand_side_eval(f.context, on_device, COUNT, z.device, b.device, &finite),
        f.context);
    rows_read(&a);
    rows_read(&b);
    assert_memory_equal(a.host, b.host, SIZE * sizeof *a.host);
    fc__right_hand_side_destroy(on_device);
    rows_destroy(&z);
    rows_destroy(&a);
    rows_destroy(&b);
    fc_field_destroy(field);
    cuda_close(&f);
}

/* A state that is not finite, or grows beyond floats, is told; the next evaluation is sound. */
static void what_is_not_finite_is_told_once(void **state)
{
    (void)state;
    const double bad[] = {NAN, INFINITY, 1e30};
    for (int precision = FC_CUDA_TF32; precision <= FC_CUDA_FP32; precision++) {
        cuda_fixture f = cuda_open((fc_cuda_precision)precision);
        fc_field *field =
            create_field(&f, (fc_field_config){.codes = 5, .linear = true, .rank = 7});
        rows z = rows_create(&f, 45, 1), dz = rows_create(&f, 45, 2);
        fc__right_hand_side *on_device;
        assert_status(
            fc__right_hand_side_create(f.context, device_of(&f), field, 9, true, false, &on_device),
            f.context);
        for (size_t i = 0; i < 3; i++) {
            bool finite = true;
            double kept = z.host[32];
            z.host[32] = bad[i];
            for (int round = 0; round < 2; round++) {
                assert_status(fc__device_upload(f.context, device_of(&f), z.device, z.host, 45 * 8),
                              f.context);
                assert_status(
                    fc__right_hand_side_eval(f.context, on_device, 9, z.device, dz.device, &finite),
                    f.context);
                assert_int_equal(finite, round == 1);
                z.host[32] = kept;
            }
        }
        fc__right_hand_side_destroy(on_device);
        rows_destroy(&z);
        rows_destroy(&dz);
        fc_field_destroy(field);
        cuda_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_in_float_match_the_processors_at_every_size),
        cmocka_unit_test(rates_and_derivatives_in_double_match_the_processors),
        cmocka_unit_test(more_rows_than_are_taken_at_a_time_are_as_good),
        cmocka_unit_test(the_same_states_give_the_same_bits),
        cmocka_unit_test(what_is_not_finite_is_told_once),
    };
    return cmocka_run_group_tests_name("cuda: right-hand side", tests, NULL, NULL);
}
