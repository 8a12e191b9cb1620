/* The basis and its gradient on a device, against the processor's and the reference in double. */
#include "cuda_fixture.h"

#include "tests/inr/decoder_fixture.h"

#include "inr/engine.h"

#ifdef FC_EMULATED
#include "emulation/emulation.h"
#endif

/* Sizes of which none is a multiple of a tile, one point, no and many layers, each width that a
 * kernel is made for and one beyond. */
static const struct shape {
    fc_filter_kind filter;
    bool sphere;
    size_t layers, filters, codes, channels, count;
} shapes[] = {
    {FC_FILTER_INTEGER, false, 0, 6, 5, 2, 1},     {FC_FILTER_INTEGER, false, 3, 32, 128, 1, 131},
    {FC_FILTER_RANDOM, true, 2, 13, 70, 3, 77},    {FC_FILTER_TRAINABLE, false, 2, 31, 33, 1, 130},
    {FC_FILTER_INTEGER, false, 1, 64, 150, 1, 40}, {FC_FILTER_TRAINABLE, true, 16, 9, 4, 1, 9},
    {FC_FILTER_RANDOM, true, 1, 100, 30, 1, 65},   {FC_FILTER_INTEGER, false, 1, 128, 129, 1, 70},
    {FC_FILTER_RANDOM, false, 1, 200, 17, 2, 33},  {FC_FILTER_INTEGER, false, 1, 300, 7, 1, 33},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static fc_decoder *decoder_of(fc_context *context, const struct shape *shape)
{
    fc_decoder_config config = small_config(shape->filter, shape->layers);
    config.filters = shape->filters;
    config.codes = shape->codes;
    config.channels = shape->channels;
    fc_decoder *decoder =
        make_decoder(context, shape->sphere ? sphere_domain() : planar_domain(), config);
    /* States that keep their size from layer to layer. */
    float factor = sqrtf(2.0f / 0.4f / 0.4f / (float)(2 * shape->filters));
    fc_decoder_layout layout = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    for (size_t i = layout.w; i < layout.head; i++)
        decoder->parameters[i] *= factor;
    return decoder;
}

/* Points of the domain, those on periodic axes and longitudes some turns outside. */
static double *points_in(const fc_domain *domain, size_t count)
{
    double *x = zeros(count * domain->dims, sizeof *x);
    fc__rng rng = fc__rng_create(5, count);
    for (size_t i = 0; i < count * domain->dims; i++) {
        const fc_axis *axis = &domain->axis[i % domain->dims];
        bool turns = axis->kind == FC_AXIS_PERIODIC || axis->kind == FC_AXIS_LONGITUDE;
        double part = fc__rng_uniform(&rng) + (turns ? (double)fc__rng_below(&rng, 5) - 2.0 : 0.0);
        x[i] = axis->lower + part * (axis->upper - axis->lower);
    }
    return x;
}

static float *normals(size_t count, uint64_t seed)
{
    float *values = zeros(count, sizeof *values);
    fc__rng rng = fc__rng_create(seed, count);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)fc__rng_normal(&rng);
    return values;
}

static void compare_basis(const cuda_fixture *f, const struct shape *shape, double tolerance)
{
    fc_decoder *decoder = decoder_of(f->plain, shape);
    size_t rows = shape->count * shape->channels, size = rows * shape->codes;
    double *x = points_in(&decoder->domain, shape->count);
    float *phi0 = normals(rows, 1), *phi = normals(size, 1);
    float *right0 = zeros(rows, sizeof *right0), *right = zeros(size, sizeof *right);
    CHECK(fc_decoder_basis(f->plain, decoder, shape->count, x, right0, right));
    assert_status(fc_decoder_basis(f->context, decoder, shape->count, x, phi0, phi), f->context);
    assert_close(cuda_difference(rows, phi0, right0), tolerance);
    assert_close(cuda_difference(size, phi, right), tolerance);
    free(x);
    free(phi0);
    free(phi);
    free(right0);
    free(right);
    fc_decoder_destroy(decoder);
}

/* Of the gradient each kind of weight for itself, as their sizes differ. */
static void compare_gradient(const cuda_fixture *f, const struct shape *shape, double tolerance)
{
    fc_decoder *decoder = decoder_of(f->plain, shape);
    size_t rows = shape->count * shape->channels, size = rows * shape->codes;
    size_t total = decoder->parameter_count;
    double *x = points_in(&decoder->domain, shape->count);
    float *phi0_bar = normals(rows, 2), *phi_bar = normals(size, 3);
    float *gradient = normals(total, 4), *right = normals(total, 4);
    CHECK(fc_decoder_basis_vjp(f->plain, decoder, shape->count, x, phi0_bar, phi_bar, right));
    assert_status(
        fc_decoder_basis_vjp(f->context, decoder, shape->count, x, phi0_bar, phi_bar, gradient),
        f->context);
    fc_decoder_layout layout = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    const size_t at[] = {layout.omega, layout.a,    layout.b,    layout.w,
                         layout.head,  layout.bias, layout.count};
    for (size_t i = 0; i + 1 < sizeof at / sizeof *at; i++)
        assert_close(cuda_difference(at[i + 1] - at[i], gradient + at[i], right + at[i]),
                     2.0 * tolerance); /* through the layers and back */
    free(x);
    free(phi0_bar);
    free(phi_bar);
    free(gradient);
    free(right);
    fc_decoder_destroy(decoder);
}

static const struct {
    fc_cuda_precision precision;
    double tolerance;
} precisions[] = {{FC_CUDA_FP32, TOLERANCE_FP32},
                  {FC_CUDA_TF32, TOLERANCE_TF32},
                  {FC_CUDA_BF16, TOLERANCE_TF32}}; /* cuda.h: fields alone are BF16 */
enum { PRECISIONS = sizeof precisions / sizeof *precisions };

static void the_basis_is_the_processors_in_each_precision_and_shape(void **state)
{
    (void)state;
    for (size_t p = 0; p < PRECISIONS; p++) {
        cuda_fixture f = cuda_open(precisions[p].precision);
        assert_non_null(f.engine->decoder->basis);
        for (size_t s = 0; s < SHAPES; s++)
            compare_basis(&f, &shapes[s], precisions[p].tolerance);
        cuda_close(&f);
    }
}

static void the_gradient_is_the_processors_in_each_precision_and_shape(void **state)
{
    (void)state;
    for (size_t p = 0; p < PRECISIONS; p++) {
        cuda_fixture f = cuda_open(precisions[p].precision);
        assert_non_null(f.engine->decoder->basis_vjp);
        for (size_t s = 0; s < SHAPES; s++)
            compare_gradient(&f, &shapes[s], precisions[p].tolerance);
        cuda_close(&f);
    }
}

/* A fixture whose device has so little memory. */
static cuda_fixture open_small(size_t bytes)
{
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_cuda_config config = fc_cuda_config_default();
    config.memory = bytes;
    fc_engine_destroy(f.engine);
    assert_status(fc_cuda_engine_create(f.context, &config, &f.engine), f.context);
    fc_context_set_engine(f.context, f.engine);
    return f;
}

static void a_small_device_takes_points_in_tiles(void **state)
{
    (void)state;
    static const struct shape plain = {FC_FILTER_TRAINABLE, false, 1, 40, 50, 1, 1500};
    static const struct shape fused = {FC_FILTER_INTEGER, false, 1, 20, 50, 1, 1500};
    cuda_fixture f = open_small(300 << 10);
    compare_basis(&f, &fused, TOLERANCE_TF32);
    cuda_close(&f);
    f = open_small(900 << 10);
    compare_gradient(&f, &plain, TOLERANCE_TF32);
    cuda_close(&f);
}

static void a_device_too_small_for_the_weights_says_so(void **state)
{
    (void)state;
    cuda_fixture f = open_small(10 << 10);
    fc_decoder *decoder = decoder_of(f.plain, &shapes[1]);
    double *x = points_in(&decoder->domain, 1);
    float phi0[1], phi[128];
    assert_int_equal(fc_decoder_basis(f.context, decoder, 1, x, phi0, phi), FC_ERROR_MEMORY);
    assert_non_null(strstr(fc_context_message(f.context), "decoder weights"));
    free(x);
    fc_decoder_destroy(decoder);
    cuda_close(&f);
}

static void the_same_input_gives_the_same_bits(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    const struct shape *shape = &shapes[3];
    fc_decoder *decoder = decoder_of(f.plain, shape);
    size_t rows = shape->count * shape->channels, size = rows * shape->codes;
    double *x = points_in(&decoder->domain, shape->count);
    float *phi0 = normals(rows, 1), *phi = normals(size, 2), *gradient[2];
    for (int i = 0; i < 2; i++) {
        gradient[i] = zeros(decoder->parameter_count, sizeof **gradient);
        assert_status(
            fc_decoder_basis_vjp(f.context, decoder, shape->count, x, phi0, phi, gradient[i]),
            f.context);
    }
    assert_memory_equal(gradient[0], gradient[1], decoder->parameter_count * sizeof **gradient);
    free(x);
    free(phi0);
    free(phi);
    free(gradient[0]);
    free(gradient[1]);
    fc_decoder_destroy(decoder);
    cuda_close(&f);
}

#ifdef FC_EMULATED
/* Every call of a device may fail; nothing stays allocated. */
static void a_failure_anywhere_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    const int out_of_memory = 2, launch_failure = 719;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    const struct shape *shape = &shapes[5];
    fc_decoder *decoder = decoder_of(f.plain, shape);
    size_t rows = shape->count * shape->channels, size = rows * shape->codes;
    double *x = points_in(&decoder->domain, shape->count);
    float *phi0 = normals(rows, 1), *phi = normals(size, 2);
    float *gradient = normals(decoder->parameter_count, 3);
    size_t before = cuda_in_use(&f), failures = 0;
    for (size_t n = 1; n < 200; n += 1 + n / 10) {
        cuda_renew(&f);
        fc_emulation_fail_after(n, n % 2 ? launch_failure : out_of_memory);
        fc_status basis = fc_decoder_basis(f.context, decoder, shape->count, x, phi0, phi);
        fc_status vjp =
            fc_decoder_basis_vjp(f.context, decoder, shape->count, x, phi0, phi, gradient);
        fc_emulation_fail_after(0, 0);
        failures += basis != FC_OK || vjp != FC_OK;
        assert_int_equal(cuda_in_use(&f), before);
    }
    assert_true(failures > 20);
    free(x);
    free(phi0);
    free(phi);
    free(gradient);
    fc_decoder_destroy(decoder);
    cuda_close(&f);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_basis_is_the_processors_in_each_precision_and_shape),
        cmocka_unit_test(the_gradient_is_the_processors_in_each_precision_and_shape),
        cmocka_unit_test(a_small_device_takes_points_in_tiles),
        cmocka_unit_test(a_device_too_small_for_the_weights_says_so),
        cmocka_unit_test(the_same_input_gives_the_same_bits),
#ifdef FC_EMULATED
        cmocka_unit_test(a_failure_anywhere_is_told_and_leaves_nothing),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
