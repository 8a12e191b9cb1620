/* A decoder's weights, embedding and filters on the device. */
#include "cuda_fixture.h"

#include "cuda/engine.h"
#include "cuda/network.h"
#include "inr/filters.h"
#include "tests/inr/decoder_fixture.h"

static fc__device *device_of(const cuda_fixture *f)
{
    return ((fc__cuda *)f->engine->device)->device;
}

static void *device_copy(const cuda_fixture *f, size_t count, size_t size, const void *values)
{
    void *copy;
    assert_status(fc__device_allocate(f->context, device_of(f), "test", count, size, &copy),
                  f->context);
    if (values)
        assert_status(fc__device_upload(f->context, device_of(f), copy, values, count * size),
                      f->context);
    return copy;
}

static fc_decoder *decoder_on(const cuda_fixture *f, fc_domain domain, fc_filter_kind filter,
                              size_t layers)
{
    return make_decoder(f->plain, domain, small_config(filter, layers));
}

/* A decoder's filters at some points far from the domain's middle. */
static void compare_filters(const cuda_fixture *f, fc_domain domain, fc_filter_kind filter,
                            float factor, size_t distinct)
{
    enum { POINTS = 45, LAYERS = 3 };
    fc_decoder *decoder = decoder_on(f, domain, filter, LAYERS);
    fc_decoder_layout layout = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    size_t inputs = decoder->inputs, filters = decoder->config.filters, width = 2 * filters;
    double *x = random_points(&domain, POINTS, 8), *right = zeros(POINTS * inputs, sizeof *right);
    double *found = zeros(POINTS * inputs, sizeof *found);
    double *omega = zeros(layout.a, sizeof *omega);
    float *s = random_floats((LAYERS + 1) * POINTS * width, 9);
    float *right_s = random_floats((LAYERS + 1) * POINTS * width, 10);
    for (size_t i = 0; i < POINTS * domain.dims; i++)
        x[i] += domain.axis[i % domain.dims].kind == FC_AXIS_PERIODIC ? 5.0 : 0.0;
    for (size_t i = 0; i < layout.a; i++)
        omega[i] = (double)(decoder->parameters[i] *= factor);
    fc__cuda_network *network;
    assert_status(fc__cuda_network_create(f->context, device_of(f), decoder, &network), f->context);
    assert_int_equal(fc__cuda_network_distinct(network), distinct);
    double *x_there = device_copy(f, POINTS * domain.dims, sizeof *x, x);
    double *inputs_there = device_copy(f, POINTS * inputs, sizeof *x, NULL);
    float *s_there = device_copy(f, distinct * POINTS * width, sizeof *s, s);
    assert_status(fc__cuda_network_embed(f->context, network, POINTS, x_there, inputs_there),
                  f->context);
    assert_status(fc__cuda_network_filters(f->context, network, POINTS, inputs_there, s_there),
                  f->context);
    assert_status(fc__device_download(f->context, device_of(f), found, inputs_there,
                                      POINTS * inputs * sizeof *found),
                  f->context);
    assert_status(fc__device_download(f->context, device_of(f), s, s_there,
                                      distinct * POINTS * width * sizeof *s),
                  f->context);
    fc_domain_embed(&domain, POINTS, x, right);
    assert_close(cuda_difference_double(POINTS * inputs, found, right), TOLERANCE_DOUBLE);
    fc__filters cpu;
    CHECK(fc__filters_create(f->plain, filter, LAYERS + 1, filters, inputs, omega, &cpu));
    double *work = zeros(fc__filters_work_size(&cpu), sizeof *work);
    fc__filters_tile(&cpu, POINTS, right, right_s, width, POINTS * width, work);
    assert_close(cuda_difference(cpu.distinct * POINTS * width, s, right_s), 1e-6);
    fc__filters_clear(&cpu);
    void *there[] = {x_there, inputs_there, s_there};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        fc__device_free(device_of(f), there[i]);
    void *here[] = {x, right, found, omega, s, right_s, work};
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        free(here[i]);
    fc__cuda_network_destroy(network);
    fc_decoder_destroy(decoder);
}

static void filters_are_the_processors_on_every_kind_of_axis(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    compare_filters(&f, planar_domain(), FC_FILTER_INTEGER, 1.0f, 1);
    compare_filters(&f, sphere_domain(), FC_FILTER_RANDOM, 1.0f, 4);
    compare_filters(&f, planar_domain(), FC_FILTER_TRAINABLE, 1.0f, 4);
    cuda_close(&f);
}

static void high_frequencies_lose_no_accuracy(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    compare_filters(&f, planar_domain(), FC_FILTER_RANDOM, 1000.0f, 4);
    cuda_close(&f);
}

static void decoders_that_bend_or_have_harmonics_are_declined(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_decoder_config siren = small_config(FC_FILTER_AUTO, 1);
    siren.family = FC_DECODER_SIREN;
    siren.width = 8;
    siren.omega0 = 5.0;
    fc_decoder *decoders[] = {decoder_on(&f, zone_domain(90.0), FC_FILTER_HARMONIC, 1),
                              make_decoder(f.plain, planar_domain(), siren)};
    for (size_t i = 0; i < 2; i++) {
        fc__cuda_network *network = (fc__cuda_network *)&f;
        assert_status(fc__cuda_network_create(f.context, device_of(&f), decoders[i], &network),
                      f.context);
        assert_null(network);
        fc_decoder_destroy(decoders[i]);
    }
    cuda_close(&f);
}

/* What is written to the parameters counts after a refresh, in the fused path too. */
static void new_weights_count_after_a_refresh(void **state)
{
    (void)state;
    enum { POINTS = 20 };
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_decoder *decoder = decoder_on(&f, planar_domain(), FC_FILTER_INTEGER, 2);
    size_t rows = POINTS * decoder->config.channels, size = rows * decoder->config.codes;
    double *x = random_points(&decoder->domain, POINTS, 11);
    float *phi0 = random_floats(rows, 1), *phi = random_floats(size, 2);
    float *right0 = random_floats(rows, 3), *right = random_floats(size, 4);
    fc__cuda_network *network;
    assert_status(fc__cuda_network_create(f.context, device_of(&f), decoder, &network), f.context);
    fc_decoder_layout layout = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    for (size_t i = layout.a; i < layout.count; i++)
        decoder->parameters[i] = cosf((float)i);
    assert_status(fc__device_upload(f.context, device_of(&f), fc__cuda_network_parameters(network),
                                    decoder->parameters, layout.count * sizeof(float)),
                  f.context);
    assert_status(fc__cuda_network_refresh(f.context, network), f.context);
    double *x_there = device_copy(&f, POINTS * decoder->domain.dims, sizeof *x, x);
    float *phi0_there = device_copy(&f, rows, sizeof *phi0, phi0);
    float *phi_there = device_copy(&f, size, sizeof *phi, phi);
    assert_status(
        fc__cuda_network_basis(f.context, network, POINTS, x_there, phi0_there, phi_there),
        f.context);
    assert_status(
        fc__device_download(f.context, device_of(&f), phi0, phi0_there, rows * sizeof *phi0),
        f.context);
    assert_status(fc__device_download(f.context, device_of(&f), phi, phi_there, size * sizeof *phi),
                  f.context);
    CHECK(fc_decoder_basis(f.plain, decoder, POINTS, x, right0, right));
    assert_close(cuda_difference(rows, phi0, right0), TOLERANCE_TF32);
    assert_close(cuda_difference(size, phi, right), TOLERANCE_TF32);
    void *there[] = {x_there, phi0_there, phi_there};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        fc__device_free(device_of(&f), there[i]);
    void *here[] = {x, phi0, phi, right0, right};
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        free(here[i]);
    fc__cuda_network_destroy(network);
    fc_decoder_destroy(decoder);
    cuda_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_are_the_processors_on_every_kind_of_axis),
        cmocka_unit_test(high_frequencies_lose_no_accuracy),
        cmocka_unit_test(decoders_that_bend_or_have_harmonics_are_declined),
        cmocka_unit_test(new_weights_count_after_a_refresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
