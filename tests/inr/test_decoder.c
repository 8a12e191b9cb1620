/* Construction of decoders and changes of their codes. */
#include "tests/inr/decoder_fixture.h"

static const struct {
    double single; /* fields before and after a change of codes, float weights */
} tolerance = {.single = 3e-6};

static void integer_filters_are_the_lowest_half_plane_wave_vectors(void **state)
{
    const float expected[8][2] = {{0, 0}, {0, 1}, {1, 0}, {1, -1}, {1, 1}, {0, 2}, {2, 0}, {1, -2}};
    fc_domain domain = planar_domain();
    fc_decoder_config config = small_config(FC_FILTER_INTEGER, 1);
    config.filters = 8;
    fc_decoder *decoder;
    CHECK(fc_decoder_create(*state, &domain, &config, &decoder));
    assert_memory_equal(decoder->parameters, expected, sizeof expected);
    assert_memory_equal(decoder->parameters + 16, expected, sizeof expected);
    fc_decoder_destroy(decoder);
}

static void integer_filters_never_hold_a_vector_twice(void **state)
{
    for (size_t dims = 1; dims <= FC_MAX_DIMS; dims++) {
        fc_domain domain = {.dims = dims};
        for (size_t i = 0; i < dims; i++)
            domain.axis[i] = axis_of(FC_AXIS_PERIODIC, 0.0, 1.0, "x");
        fc_decoder_config config = small_config(FC_FILTER_INTEGER, 0);
        config.filters = 307;
        fc_decoder *decoder;
        CHECK(fc_decoder_create(*state, &domain, &config, &decoder));
        const float *k = decoder->parameters;
        for (size_t f = 0; f < 307; f++)
            for (size_t g = 0; g < f; g++) {
                bool same = true, opposite = true;
                for (size_t j = 0; j < dims; j++) {
                    same = same && k[f * dims + j] == k[g * dims + j];
                    opposite = opposite && k[f * dims + j] == -k[g * dims + j];
                }
                assert_false(same || opposite);
            }
        fc_decoder_destroy(decoder);
    }
}

static void random_filters_fill_the_bandwidth(void **state)
{
    fc_domain domain = sphere_domain();
    fc_decoder_config config = small_config(FC_FILTER_RANDOM, 3);
    config.filters = 500;
    for (int trainable = 0; trainable < 2; trainable++) {
        /* products of layers + 1 waves: trainable filters start lower by its root */
        double bandwidth = trainable ? config.bandwidth / 2.0 : config.bandwidth;
        double mean = 0.0, largest = 0.0, total[FC_MAX_INPUTS] = {0};
        config.filter = trainable ? FC_FILTER_TRAINABLE : FC_FILTER_RANDOM;
        fc_decoder *decoder;
        CHECK(fc_decoder_create(*state, &domain, &config, &decoder));
        for (size_t f = 0; f < 2000; f++) {
            double square = 0.0;
            for (size_t j = 0; j < 4; j++) {
                double k = (double)decoder->parameters[f * 4 + j];
                square += k * k;
                total[j] += k;
            }
            mean += sqrt(square) / 2000.0;
            largest = fmax(largest, sqrt(square));
        }
        assert_true(largest <= bandwidth * 1.000001 && largest > 0.99 * bandwidth);
        assert_true(fabs(mean / bandwidth - 0.5) < 0.03); /* 4.6 standard errors */
        for (size_t j = 0; j < 4; j++)
            assert_true(fabs(total[j] / 2000.0) < 0.03 * bandwidth);
        fc_decoder_destroy(decoder);
    }
}

static void every_layer_of_random_filters_starts_with_a_constant(void **state)
{
    fc_domain domain = sphere_domain();
    fc_decoder_config config = small_config(FC_FILTER_RANDOM, 2);
    fc_decoder *decoder;
    CHECK(fc_decoder_create(*state, &domain, &config, &decoder));
    for (size_t f = 0; f < 3 * config.filters; f++)
        for (size_t j = 0; j < 4; j++)
            assert_true((decoder->parameters[f * 4 + j] == 0.0f) == (f % config.filters == 0));
    fc_decoder_destroy(decoder);
}

static void automatic_filters_follow_the_domain(void **state)
{
    fc_domain bay = zone_domain(30.0);
    bay.axis[0].upper = 40.0;
    const struct {
        fc_domain domain;
        size_t layers;
        fc_filter_kind expected;
    } cases[] = {
        {planar_domain(), 0, FC_FILTER_INTEGER},    {sphere_domain(), 0, FC_FILTER_RANDOM},
        {zone_domain(90.0), 0, FC_FILTER_HARMONIC}, {zone_domain(90.0), 2, FC_FILTER_RANDOM},
        {zone_domain(60.0), 0, FC_FILTER_RANDOM},   {bay, 0, FC_FILTER_RANDOM}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fc_decoder *decoder =
            make_decoder(*state, cases[i].domain, small_config(FC_FILTER_AUTO, cases[i].layers));
        assert_int_equal(decoder->config.filter, cases[i].expected);
        fc_decoder_destroy(decoder);
    }
}

static void harmonics_come_lowest_degree_first(void **state)
{
    const float expected[][2] = {{0, 0}, {1, 0}, {1, 1}, {2, 0}, {2, 1}, {2, 2}, {3, 0}, {3, 1}};
    const float limited[][2] = {{0, 0}, {1, 0}, {1, 1}, {2, 0}, {2, 1}, {3, 0}, {3, 1}, {4, 0}};
    fc_decoder_config config = small_config(FC_FILTER_HARMONIC, 1);
    config.filters = 8;
    for (int limit = 0; limit < 2; limit++) {
        config.bandwidth = limit;
        fc_decoder *decoder = make_decoder(*state, zone_domain(90.0), config);
        for (size_t i = 0; i < 16; i++) {
            const float *omega = decoder->parameters + 3 * i, *wanted = expected[i % 8];
            wanted = limit ? limited[i % 8] : wanted;
            assert_true(omega[0] == wanted[0] && omega[1] == wanted[1] && omega[2] == 0.0f);
        }
        fc_decoder_destroy(decoder);
    }
}

static void the_same_seed_gives_the_same_weights(void **state)
{
    fc_domain domain = sphere_domain();
    fc_decoder_config config = small_config(FC_FILTER_TRAINABLE, 2);
    fc_decoder *a, *b, *c;
    CHECK(fc_decoder_create(*state, &domain, &config, &a));
    CHECK(fc_decoder_create(*state, &domain, &config, &b));
    config.seed++;
    CHECK(fc_decoder_create(*state, &domain, &config, &c));
    assert_memory_equal(a->parameters, b->parameters, a->parameter_count * sizeof(float));
    assert_memory_not_equal(a->parameters, c->parameters, a->parameter_count * sizeof(float));
    fc_decoder_destroy(a);
    fc_decoder_destroy(b);
    fc_decoder_destroy(c);
}

static void a_series_starts_with_unit_head_and_no_offset(void **state)
{
    fc_domain domain = planar_domain();
    fc_decoder_config config = small_config(FC_FILTER_INTEGER, 0);
    fc_decoder *decoder;
    CHECK(fc_decoder_create(*state, &domain, &config, &decoder));
    fc_decoder_layout at = fc_decoder_layout_of(&config, decoder->inputs);
    assert_int_equal(at.count, decoder->parameter_count);
    double bound = 1.0 / sqrt(5.0);
    for (size_t i = at.a; i < at.b; i++)
        assert_true(fabs((double)decoder->parameters[i]) <= bound && decoder->parameters[i] != 0);
    for (size_t i = at.b; i < at.w; i++)
        assert_true(decoder->parameters[i] == 0.0f);
    for (size_t i = at.head; i < at.bias; i++)
        assert_true(decoder->parameters[i] == 1.0f);
    for (size_t i = at.bias; i < at.count; i++)
        assert_true(decoder->parameters[i] == 0.0f);
    fc_decoder_destroy(decoder);
}

static void change_of_codes_keeps_the_fields(void **state)
{
    enum { POINTS = 60, CODES = 5, NEW = 3, SIZE = POINTS * 2 };
    double *transform = random_doubles(CODES * NEW, 1), *offset = random_doubles(CODES, 2);
    float *z_new = random_floats(NEW, 3), z_old[CODES];
    for (size_t i = 0; i < CODES; i++) {
        double sum = offset[i];
        for (size_t j = 0; j < NEW; j++)
            sum += transform[i * NEW + j] * (double)z_new[j];
        z_old[i] = (float)sum;
    }
    for (size_t layers = 0; layers <= 2; layers += 2) {
        fc_decoder *decoder =
            make_decoder(*state, planar_domain(), small_config(FC_FILTER_INTEGER, layers));
        double *x = random_points(&decoder->domain, POINTS, 3);
        float *before = zeros(SIZE, sizeof *before), *after = zeros(SIZE, sizeof *after);
        CHECK(fc_decoder_values(*state, decoder, POINTS, x, 1, z_old, before));
        CHECK(fc_decoder_change_codes(*state, decoder, NEW, transform, offset));
        assert_int_equal(decoder->config.codes, NEW);
        CHECK(fc_decoder_values(*state, decoder, POINTS, x, 1, z_new, after));
        double *expected = to_double(SIZE, before);
        assert_true(difference_float(SIZE, after, expected) < tolerance.single);
        free(x);
        free(before);
        free(after);
        free(expected);
        fc_decoder_destroy(decoder);
    }
    free(transform);
    free(offset);
    free(z_new);
}

/* The call fails, leaves NULL behind, and its message holds the text. */
static void refused(fc_context *context, fc_domain domain, fc_decoder_config config,
                    const char *text)
{
    fc_decoder *decoder = (fc_decoder *)&config;
    assert_int_equal(fc_decoder_create(context, &domain, &config, &decoder), FC_ERROR_USAGE);
    assert_null(decoder);
    if (!strstr(fc_context_message(context), text))
        fail_msg("'%s' does not hold '%s'", fc_context_message(context), text);
}

static void bad_configurations_are_refused_with_advice(void **state)
{
    fc_decoder_config config = small_config(FC_FILTER_INTEGER, 0), bad = config;
    refused(*state, sphere_domain(), config, "choose harmonic, random or trainable filters");
    bad.filter = FC_FILTER_HARMONIC;
    refused(*state, planar_domain(), bad, "choose integer, random or trainable filters");
    refused(*state, sphere_domain(), bad, "suit longitude and latitude alone");
    bad = config;
    bad.codes = 0;
    bad.filters = 0;
    refused(*state, planar_domain(), bad, "codes = 0");
    refused(*state, planar_domain(), bad, "filters = 0, 1 to 65536"); /* all faults at once */
    bad = config;
    bad.layers = 17;
    refused(*state, planar_domain(), bad, "layers = 17");
    bad = config;
    bad.channels = 0;
    refused(*state, planar_domain(), bad, "channels = 0");
    bad = config;
    bad.filter = (fc_filter_kind)9;
    refused(*state, planar_domain(), bad, "filter kind 9");
    bad = config;
    bad.filter = FC_FILTER_RANDOM;
    bad.bandwidth = (double)NAN;
    refused(*state, planar_domain(), bad, "bandwidth");
    bad = config;
    bad.codes = SIZE_MAX / 2;
    refused(*state, planar_domain(), bad, "basis values");
}

static void layout_of_impossible_sizes_saturates(void **state)
{
    (void)state;
    fc_decoder_config config = small_config(FC_FILTER_INTEGER, 16);
    config.codes = SIZE_MAX / 16;
    assert_true(fc_decoder_layout_of(&config, 2).count == SIZE_MAX);
    config.filters = SIZE_MAX;
    assert_true(fc_decoder_layout_of(&config, 2).count == SIZE_MAX);
}

static void destroying_nothing_is_legal(void **state)
{
    (void)state;
    fc_decoder_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_filters_are_the_lowest_half_plane_wave_vectors),
        cmocka_unit_test(integer_filters_never_hold_a_vector_twice),
        cmocka_unit_test(random_filters_fill_the_bandwidth),
        cmocka_unit_test(every_layer_of_random_filters_starts_with_a_constant),
        cmocka_unit_test(automatic_filters_follow_the_domain),
        cmocka_unit_test(harmonics_come_lowest_degree_first),
        cmocka_unit_test(the_same_seed_gives_the_same_weights),
        cmocka_unit_test(a_series_starts_with_unit_head_and_no_offset),
        cmocka_unit_test(change_of_codes_keeps_the_fields),
        cmocka_unit_test(bad_configurations_are_refused_with_advice),
        cmocka_unit_test(layout_of_impossible_sizes_saturates),
        cmocka_unit_test(destroying_nothing_is_legal),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
