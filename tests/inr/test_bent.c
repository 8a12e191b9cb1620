/* Values, tangent and gradient of decoders that bend. */
#include "inr/bent.h"
#include "tests/inr/decoder_fixture.h"

#include <stdio.h>

static const struct {
    double golden;  /* double results against an independent implementation */
    double single;  /* float results against double ones, of the largest: sums of a few hundred */
    double slope;   /* central differences, step 2e-6 */
    double affine;  /* a family inside another one, in float */
    double changed; /* the same fields after a change of codes, in float */
} tolerance = {.golden = 1e-12, .single = 1e-5, .slope = 1e-7, .affine = 4e-6, .changed = 2e-5};

/* The point count spans several tiles, the last one partly filled. */
static const struct {
    fc_decoder_family family;
    fc_filter_kind filter;
    size_t layers;
    bool sphere;
} cases[] = {{FC_DECODER_SIREN, FC_FILTER_AUTO, 0, false},
             {FC_DECODER_SIREN, FC_FILTER_AUTO, 2, true},
             {FC_DECODER_SIREN, FC_FILTER_AUTO, 2, false},
             {FC_DECODER_MULTIPLICATIVE, FC_FILTER_INTEGER, 1, false},
             {FC_DECODER_MULTIPLICATIVE, FC_FILTER_RANDOM, 2, true}};
enum { CASES = sizeof cases / sizeof *cases, POINTS = 300, CODES = 5, CHANNELS = 2 };
enum { SIZE = POINTS * CHANNELS };

static fc_decoder_config bent_config(fc_decoder_family family, fc_filter_kind filter, size_t layers)
{
    fc_decoder_config config = small_config(filter, layers);
    config.family = family;
    config.width = 8;
    config.omega0 = 2.5;
    return config;
}

static fc_decoder *case_decoder(fc_context *context, size_t i)
{
    return make_decoder(context, cases[i].sphere ? sphere_domain() : planar_domain(),
                        bent_config(cases[i].family, cases[i].filter, cases[i].layers));
}

static void *read_numbers(FILE *file, size_t count)
{
    double *numbers = zeros(count, sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fscanf(file, "%lf", &numbers[i]), 1);
    return numbers;
}

static void values_and_jacobian_match_an_independent_implementation(void **state)
{
    static const fc_decoder_family families[] = {FC_DECODER_SIREN, FC_DECODER_MULTIPLICATIVE};
    FILE *file = fopen(FC_TEST_GOLDEN "/bent_nets.txt", "r");
    assert_non_null(file);
    for (size_t i = 0; i < 2; i++) {
        size_t layers, half, inputs, channels, codes, points, samples;
        assert_int_equal(fscanf(file, "%zu %zu %zu %zu %zu %zu %zu", &layers, &half, &inputs,
                                &channels, &codes, &points, &samples),
                         7);
        fc_decoder_config config = bent_config(families[i], FC_FILTER_RANDOM, layers);
        config.filters = half;
        config.width = 2 * half;
        fc_decoder *decoder = make_decoder(*state, planar_domain(), config);
        assert_int_equal(decoder->inputs, inputs);
        size_t size = points * channels, slopes = size * codes;
        double *weights = read_numbers(file, decoder->parameter_count);
        double *x = read_numbers(file, points * 2), *z = read_numbers(file, samples * codes);
        double *u = read_numbers(file, samples * size), *du = read_numbers(file, samples * slopes);
        double *found = zeros(samples * size, sizeof *found);
        double *phi0 = zeros(size, sizeof *phi0), *phi = zeros(slopes, sizeof *phi);
        CHECK(fc__bent_values_double(*state, decoder, weights, points, x, samples, z, found));
        assert_true(difference(samples * size, found, u) < tolerance.golden);
        for (size_t s = 0; s < samples; s++) {
            CHECK(fc__bent_tangent_double(*state, decoder, weights, points, x, z + s * codes, phi0,
                                          phi));
            assert_true(difference(slopes, phi, du + s * slopes) < tolerance.golden);
        }
        void *all[] = {weights, x, z, u, du, found, phi0, phi};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
        fc_decoder_destroy(decoder);
    }
    fclose(file);
}

static void float_results_match_double_ones(void **state)
{
    for (size_t i = 0; i < CASES; i++) {
        fc_decoder *decoder = case_decoder(*state, i);
        size_t count = decoder->parameter_count;
        double *weights = to_double(count, decoder->parameters);
        double *x = random_points(&decoder->domain, POINTS, 3);
        float *z = random_floats(CODES, 4), *bar = random_floats(SIZE, 5);
        double *z2 = to_double(CODES, z), *bar2 = to_double(SIZE, bar);
        float *u = zeros(SIZE, sizeof *u), *phi = zeros(SIZE * CODES, sizeof *u);
        double *u2 = zeros(SIZE, sizeof *u2), *phi2 = zeros(SIZE * CODES, sizeof *u2);
        float *gradient = zeros(count + CODES, sizeof *u);
        double *gradient2 = zeros(count + CODES, sizeof *u2);
        CHECK(fc_decoder_values(*state, decoder, POINTS, x, 1, z, u));
        CHECK(fc__bent_values_double(*state, decoder, weights, POINTS, x, 1, z2, u2));
        assert_true(difference_float(SIZE, u, u2) < tolerance.single);
        CHECK(fc_decoder_tangent(*state, decoder, POINTS, x, z, u, phi));
        CHECK(fc__bent_tangent_double(*state, decoder, weights, POINTS, x, z2, u2, phi2));
        assert_true(difference_float(SIZE, u, u2) < tolerance.single);
        assert_true(difference_float(SIZE * CODES, phi, phi2) < tolerance.single);
        CHECK(
            fc_decoder_values_vjp(*state, decoder, POINTS, x, z, bar, gradient, gradient + count));
        CHECK(fc__bent_vjp_double(*state, decoder, weights, POINTS, x, z2, bar2, gradient2,
                                  gradient2 + count));
        assert_true(difference_float(count, gradient, gradient2) < tolerance.single);
        assert_true(difference_float(CODES, gradient + count, gradient2 + count) <
                    tolerance.single);
        void *all[] = {weights, x, z, bar, z2, bar2, u, phi, u2, phi2, gradient, gradient2};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
        fc_decoder_destroy(decoder);
    }
}

/* Finite differences of the values along one code after the other. */
static void tangent_is_the_slope_of_the_values(void **state)
{
    const double step = 2e-6; /* sine layers have steep third derivatives */
    for (size_t i = 0; i < CASES; i++) {
        fc_decoder *decoder = case_decoder(*state, i);
        double *weights = to_double(decoder->parameter_count, decoder->parameters);
        double *x = random_points(&decoder->domain, POINTS, 3), *z = random_doubles(CODES, 4);
        double *phi0 = zeros(SIZE, sizeof *phi0), *phi = zeros(SIZE * CODES, sizeof *phi);
        double *u = zeros(SIZE, sizeof *u), *near = zeros(2 * SIZE, sizeof *near);
        double *slope = zeros(SIZE * CODES, sizeof *slope);
        CHECK(fc__bent_values_double(*state, decoder, weights, POINTS, x, 1, z, u));
        CHECK(fc__bent_tangent_double(*state, decoder, weights, POINTS, x, z, phi0, phi));
        for (size_t c = 0; c < CODES; c++) {
            double pair[2 * CODES];
            for (size_t k = 0; k < 2 * CODES; k++)
                pair[k] = z[k % CODES] + (k % CODES == c ? (k < CODES ? -step : step) : 0.0);
            CHECK(fc__bent_values_double(*state, decoder, weights, POINTS, x, 2, pair, near));
            for (size_t r = 0; r < SIZE; r++)
                slope[r * CODES + c] = (near[SIZE + r] - near[r]) / (2 * step);
        }
        assert_true(difference(SIZE * CODES, phi, slope) < tolerance.slope);
        for (size_t r = 0; r < SIZE; r++) /* the tangent touches the values */
            for (size_t c = 0; c < CODES; c++)
                phi0[r] += phi[r * CODES + c] * z[c];
        assert_true(difference(SIZE, phi0, u) < tolerance.golden);
        void *all[] = {weights, x, z, phi0, phi, u, near, slope};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
        fc_decoder_destroy(decoder);
    }
}

static double pairing(fc_context *context, const fc_decoder *decoder, const double *weights,
                      const double *x, const double *z, const double *bar)
{
    double *u = zeros(SIZE, sizeof *u), sum = 0.0;
    CHECK(fc__bent_values_double(context, decoder, weights, POINTS, x, 1, z, u));
    for (size_t r = 0; r < SIZE; r++)
        sum += u[r] * bar[r];
    free(u);
    return sum;
}

/* <bar, u> along a random direction of each group of weights, and of the code. */
static void gradient_is_the_slope_of_a_product(void **state)
{
    enum { GROUPS = 9 };
    const double step = 2e-6; /* sine layers have steep third derivatives */
    for (size_t i = 0; i < CASES; i++) {
        fc_decoder *decoder = case_decoder(*state, i);
        size_t count = decoder->parameter_count, all_count = count + CODES;
        fc_decoder_layout at = fc_decoder_layout_of(&decoder->config, decoder->inputs);
        size_t first[GROUPS + 1] = {at.omega, at.a,    at.b,    at.w,     at.head,
                                    at.bias,  at.gate, at.gain, at.count, all_count};
        double *z = random_doubles(CODES, 4), *moved = zeros(all_count, sizeof *moved);
        double *weights = to_double(count, decoder->parameters);
        double *gradient = zeros(all_count, sizeof *gradient);
        double *x = random_points(&decoder->domain, POINTS, 3), *bar = random_doubles(SIZE, 5);
        double *direction = random_doubles(all_count, 7);
        CHECK(fc__bent_vjp_double(*state, decoder, weights, POINTS, x, z, bar, gradient,
                                  gradient + count));
        for (size_t g = 0; g < GROUPS; g++) {
            double slope = 0.0, product = 0.0, scale = 0.0;
            for (int sign = -1; sign <= 1; sign += 2) {
                memcpy(moved, weights, count * sizeof *moved);
                memcpy(moved + count, z, CODES * sizeof *moved);
                for (size_t k = first[g]; k < first[g + 1]; k++)
                    moved[k] += sign * step * direction[k];
                slope += sign * pairing(*state, decoder, moved, x, moved + count, bar) / (2 * step);
            }
            for (size_t k = first[g]; k < first[g + 1]; k++) {
                product += gradient[k] * direction[k];
                scale += fabs(gradient[k] * direction[k]);
            }
            if (g == 0 && decoder->config.family != FC_DECODER_SIREN)
                assert_true(product == 0.0); /* fixed filters have no gradient */
            else if (first[g] < first[g + 1])
                assert_true(fabs(product - slope) < tolerance.slope * scale);
        }
        void *all[] = {z, moved, weights, gradient, x, bar, direction};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
        fc_decoder_destroy(decoder);
    }
}

static void a_gradient_that_is_not_wanted_may_be_null(void **state)
{
    for (size_t i = 0; i < CASES; i += 3) {
        fc_decoder *decoder = case_decoder(*state, i);
        size_t count = decoder->parameter_count;
        double *x = random_points(&decoder->domain, POINTS, 3);
        float *z = random_floats(CODES, 4), *bar = random_floats(SIZE, 5);
        float *both = zeros(count + CODES, sizeof *both), *one = zeros(count + CODES, sizeof *one);
        CHECK(fc_decoder_values_vjp(*state, decoder, POINTS, x, z, bar, both, both + count));
        CHECK(fc_decoder_values_vjp(*state, decoder, POINTS, x, z, bar, one, NULL));
        CHECK(fc_decoder_values_vjp(*state, decoder, POINTS, x, z, bar, NULL, one + count));
        assert_memory_equal(both, one, (count + CODES) * sizeof *one);
        void *all[] = {x, z, bar, both, one};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
        fc_decoder_destroy(decoder);
    }
}

/* B = 0 and g = 1 make a FourierNet of a multiplicative decoder; its calls for one code agree with
 * those of the affine family, and so do its gradients. */
static void a_multiplicative_decoder_without_gates_is_affine(void **state)
{
    fc_decoder *bent = make_decoder(*state, planar_domain(),
                                    bent_config(FC_DECODER_MULTIPLICATIVE, FC_FILTER_INTEGER, 2));
    fc_decoder *affine = make_decoder(*state, planar_domain(), small_config(FC_FILTER_INTEGER, 2));
    fc_decoder_layout at = fc_decoder_layout_of(&bent->config, bent->inputs);
    size_t count = affine->parameter_count;
    assert_int_equal(count, at.gate);
    memcpy(bent->parameters, affine->parameters, count * sizeof(float));
    for (size_t k = at.gate; k < at.count; k++)
        bent->parameters[k] = k < at.gain ? 0.0f : 1.0f;
    double *x = random_points(&bent->domain, POINTS, 3);
    float *z = random_floats(CODES, 4), *bar = random_floats(SIZE, 5);
    float *found[2], *phi[2], *gradient[2], *z_bar[2];
    for (size_t i = 0; i < 2; i++) {
        const fc_decoder *decoder = i ? affine : bent;
        found[i] = zeros(2 * SIZE, sizeof(float));
        phi[i] = zeros(SIZE * CODES, sizeof(float));
        gradient[i] = zeros(at.count, sizeof(float));
        z_bar[i] = zeros(CODES, sizeof(float));
        CHECK(fc_decoder_values(*state, decoder, POINTS, x, 1, z, found[i]));
        CHECK(fc_decoder_tangent(*state, decoder, POINTS, x, z, found[i] + SIZE, phi[i]));
        CHECK(fc_decoder_values_vjp(*state, decoder, POINTS, x, z, bar, gradient[i], z_bar[i]));
    }
    double *wide[] = {to_double(2 * SIZE, found[1]), to_double(SIZE * CODES, phi[1]),
                      to_double(count, gradient[1]), to_double(CODES, z_bar[1])};
    assert_true(difference_float(2 * SIZE, found[0], wide[0]) < tolerance.affine);
    assert_true(difference_float(SIZE * CODES, phi[0], wide[1]) < tolerance.affine);
    assert_true(difference_float(count, gradient[0], wide[2]) < tolerance.affine);
    assert_true(difference_float(CODES, z_bar[0], wide[3]) < tolerance.affine);
    for (size_t i = 0; i < 2; i++) {
        void *all[] = {found[i], phi[i], gradient[i], z_bar[i], wide[i], wide[2 + i]};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
    }
    free(x);
    free(z);
    free(bar);
    fc_decoder_destroy(bent);
    fc_decoder_destroy(affine);
}

static void a_siren_has_no_seam(void **state)
{
    fc_decoder *decoder = case_decoder(*state, 2);
    const double x[] = {0.0, 0.7, 1.0, 0.7, -3.0, 0.7}; /* one place of the periodic axis */
    float *z = random_floats(CODES, 4), u[3 * CHANNELS];
    CHECK(fc_decoder_values(*state, decoder, 3, x, 1, z, u));
    for (size_t k = CHANNELS; k < 3 * CHANNELS; k++)
        assert_true(fabsf(u[k] - u[k % CHANNELS]) < 1e-5f);
    free(z);
    fc_decoder_destroy(decoder);
}

static void change_of_codes_keeps_the_fields(void **state)
{
    enum { NEW = 3 };
    double *transform = random_doubles(CODES * NEW, 1), *offset = random_doubles(CODES, 2);
    float *z_new = random_floats(NEW, 3), z_old[CODES];
    for (size_t i = 0; i < CODES; i++) {
        double sum = offset[i];
        for (size_t j = 0; j < NEW; j++)
            sum += transform[i * NEW + j] * (double)z_new[j];
        z_old[i] = (float)sum;
    }
    for (size_t i = 0; i < CASES; i++) {
        fc_decoder *decoder = case_decoder(*state, i);
        double *x = random_points(&decoder->domain, POINTS, 3);
        float *before = zeros(SIZE, sizeof *before), *after = zeros(SIZE, sizeof *after);
        CHECK(fc_decoder_values(*state, decoder, POINTS, x, 1, z_old, before));
        CHECK(fc__decoder_set_starts(*state, decoder, 1, z_old));
        CHECK(fc_decoder_change_codes(*state, decoder, NEW, transform, offset));
        for (size_t c = 0; c < NEW; c++) /* codes to start from move along */
            assert_true(fabsf(decoder->starts[c] - z_new[c]) < 1e-4f);
        CHECK(fc_decoder_values(*state, decoder, POINTS, x, 1, z_new, after));
        double *expected = to_double(SIZE, before);
        assert_true(difference_float(SIZE, after, expected) < tolerance.changed);
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

static void results_do_not_depend_on_the_number_of_threads(void **state)
{
    enum { MANY = 3000 };
    fc_context *one;
    CHECK(fc_context_create(1, &one));
    for (size_t i = 2; i < CASES; i += 2) {
        fc_decoder *decoder = case_decoder(*state, i);
        double *x = random_points(&decoder->domain, MANY, 3);
        float *z = random_floats(2 * CODES, 4), *found[2];
        for (int t = 0; t < 2; t++) {
            found[t] = zeros(MANY * CHANNELS * (3 + CODES), sizeof(float));
            float *phi0 = found[t] + 2 * MANY * CHANNELS, *phi = phi0 + MANY * CHANNELS;
            CHECK(fc_decoder_values(t ? one : *state, decoder, MANY, x, 2, z, found[t]));
            CHECK(fc_decoder_tangent(t ? one : *state, decoder, MANY, x, z, phi0, phi));
        }
        assert_memory_equal(found[0], found[1], MANY * CHANNELS * (3 + CODES) * sizeof(float));
        free(x);
        free(z);
        free(found[0]);
        free(found[1]);
        fc_decoder_destroy(decoder);
    }
    fc_context_destroy(one);
}

static void bad_settings_are_named_all_at_once(void **state)
{
    fc_domain domain = planar_domain();
    fc_decoder_config config = bent_config(FC_DECODER_SIREN, FC_FILTER_AUTO, 20);
    fc_decoder *decoder;
    config.width = 0;
    config.omega0 = NAN;
    assert_int_equal(fc_decoder_create(*state, &domain, &config, &decoder), FC_ERROR_USAGE);
    const char *message = fc_context_message(*state);
    assert_non_null(strstr(message, "layers = 20"));
    assert_non_null(strstr(message, "width = 0"));
    assert_non_null(strstr(message, "omega0 = nan"));
    assert_null(strstr(message, "filters"));
    config = bent_config(FC_DECODER_MULTIPLICATIVE, FC_FILTER_TRAINABLE, 0);
    assert_int_equal(fc_decoder_create(*state, &domain, &config, &decoder), FC_ERROR_USAGE);
    message = fc_context_message(*state);
    assert_non_null(strstr(message, "trainable filters"));
    assert_non_null(strstr(message, "layers = 0"));
}

static void what_only_affine_decoders_have_is_refused(void **state)
{
    fc_decoder *decoder = case_decoder(*state, 2);
    const double x[2] = {0};
    float z[CODES] = {0}, phi0[CHANNELS], phi[CHANNELS * CODES], gradient[2 * CHANNELS];
    assert_int_equal(fc_decoder_basis(*state, decoder, 1, x, phi0, phi), FC_ERROR_USAGE);
    assert_int_equal(fc_decoder_basis_vjp(*state, decoder, 1, x, phi0, phi, gradient),
                     FC_ERROR_USAGE);
    assert_int_equal(fc_decoder_derivatives(*state, decoder, 1, x, z, gradient, NULL),
                     FC_ERROR_USAGE);
    fc_decoder_destroy(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_jacobian_match_an_independent_implementation),
        cmocka_unit_test(float_results_match_double_ones),
        cmocka_unit_test(tangent_is_the_slope_of_the_values),
        cmocka_unit_test(gradient_is_the_slope_of_a_product),
        cmocka_unit_test(a_gradient_that_is_not_wanted_may_be_null),
        cmocka_unit_test(a_multiplicative_decoder_without_gates_is_affine),
        cmocka_unit_test(a_siren_has_no_seam),
        cmocka_unit_test(change_of_codes_keeps_the_fields),
        cmocka_unit_test(results_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(bad_settings_are_named_all_at_once),
        cmocka_unit_test(what_only_affine_decoders_have_is_refused),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
