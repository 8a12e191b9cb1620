/* Values, basis and gradient of the decoder. */
#include "tests/inr/decoder_fixture.h"

#include <stdio.h>

static const struct {
    double single;  /* float results against double ones */
    double exact;   /* double results that differ by rounding alone */
    double adjoint; /* of a linear map, in double */
    double slope;   /* central differences, step 1e-5 */
} tolerance = {.single = 4e-6, .exact = 1e-13, .adjoint = 1e-12, .slope = 2e-8};

/* A network of every kind. The point counts span several tiles, the last one partly filled. */
static const struct {
    fc_filter_kind filter;
    size_t layers;
    bool sphere;
} cases[] = {{FC_FILTER_INTEGER, 0, false},  {FC_FILTER_INTEGER, 2, false},
             {FC_FILTER_RANDOM, 0, true},    {FC_FILTER_RANDOM, 3, true},
             {FC_FILTER_TRAINABLE, 0, true}, {FC_FILTER_TRAINABLE, 2, false},
             {FC_FILTER_HARMONIC, 0, true},  {FC_FILTER_HARMONIC, 2, true}};
enum { CASES = sizeof cases / sizeof *cases, POINTS = 300, CODES = 5, CHANNELS = 2 };

static fc_decoder *case_decoder(fc_context *context, size_t i)
{
    fc_domain domain = cases[i].filter == FC_FILTER_HARMONIC ? zone_domain(90.0)
                       : cases[i].sphere                     ? sphere_domain()
                                                             : planar_domain();
    return make_decoder(context, domain, small_config(cases[i].filter, cases[i].layers));
}

static void values_are_the_offset_plus_the_basis_times_the_code(void **state)
{
    enum { SAMPLES = 3, SIZE = POINTS * CHANNELS };
    for (size_t i = 0; i < CASES; i++) {
        fc_decoder *decoder = case_decoder(*state, i);
        double *weights = to_double(decoder->parameter_count, decoder->parameters);
        double *x = random_points(&decoder->domain, POINTS, 3);
        double *z = random_doubles(SAMPLES * CODES, 4);
        double *u = zeros(SAMPLES * SIZE, sizeof *u), *expected = zeros(SAMPLES * SIZE, sizeof *u);
        double *phi0 = zeros(SIZE, sizeof *u), *phi = zeros(SIZE * CODES, sizeof *u);
        CHECK(fc__decoder_values_double(*state, decoder, weights, POINTS, x, SAMPLES, z, u));
        CHECK(fc__decoder_basis_double(*state, decoder, weights, POINTS, x, phi0, phi));
        for (size_t v = 0; v < SAMPLES * SIZE; v++) {
            expected[v] = phi0[v % SIZE];
            for (size_t c = 0; c < CODES; c++)
                expected[v] += phi[v % SIZE * CODES + c] * z[v / SIZE * CODES + c];
        }
        assert_true(difference(SAMPLES * SIZE, u, expected) < tolerance.exact);
        free(weights);
        free(x);
        free(z);
        free(u);
        free(expected);
        free(phi0);
        free(phi);
        fc_decoder_destroy(decoder);
    }
}

static void float_results_match_double_ones(void **state)
{
    enum { SIZE = POINTS * CHANNELS };
    for (size_t i = 0; i < CASES; i++) {
        fc_decoder *decoder = case_decoder(*state, i);
        size_t count = decoder->parameter_count;
        double *weights = to_double(count, decoder->parameters);
        double *x = random_points(&decoder->domain, POINTS, 3);
        float *z = random_floats(CODES, 4), *bar0 = random_floats(SIZE, 5);
        float *bar = random_floats(SIZE * CODES, 6);
        double *z2 = to_double(CODES, z), *bar02 = to_double(SIZE, bar0);
        double *bar2 = to_double(SIZE * CODES, bar);
        float *u = zeros(SIZE, sizeof *u), *phi = zeros(SIZE * CODES, sizeof *u);
        double *u2 = zeros(SIZE, sizeof *u2), *phi2 = zeros(SIZE * CODES, sizeof *u2);
        float *gradient = zeros(count, sizeof *u);
        double *gradient2 = zeros(count, sizeof *u2);
        CHECK(fc_decoder_values(*state, decoder, POINTS, x, 1, z, u));
        CHECK(fc__decoder_values_double(*state, decoder, weights, POINTS, x, 1, z2, u2));
        assert_true(difference_float(SIZE, u, u2) < tolerance.single);
        CHECK(fc_decoder_basis(*state, decoder, POINTS, x, u, phi));
        CHECK(fc__decoder_basis_double(*state, decoder, weights, POINTS, x, u2, phi2));
        assert_true(difference_float(SIZE, u, u2) < tolerance.single);
        assert_true(difference_float(SIZE * CODES, phi, phi2) < tolerance.single);
        CHECK(fc_decoder_basis_vjp(*state, decoder, POINTS, x, bar0, bar, gradient));
        CHECK(fc__decoder_basis_vjp_double(*state, decoder, weights, POINTS, x, bar02, bar2,
                                           gradient2));
        assert_true(difference_float(count, gradient, gradient2) < tolerance.single);
        void *all[] = {weights, x, z,   bar0, bar,  z2,       bar02,
                       bar2,    u, phi, u2,   phi2, gradient, gradient2};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
        fc_decoder_destroy(decoder);
    }
}

/* Whole and partly filled blocks of the kernels, several stacks of layers, one point and many. */
static void float_results_match_double_ones_at_any_width_and_number_of_codes(void **state)
{
    const struct {
        size_t filters, layers, codes, points;
    } sizes[] = {{9, 2, 1, 1},    {1, 1, 17, 97},  {32, 3, 100, 50},  {65, 1, 64, 193},
                 {256, 0, 33, 5}, {150, 3, 20, 7}, {128, 4, 130, 100}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fc_decoder_config config = small_config(FC_FILTER_TRAINABLE, sizes[i].layers);
        config.filters = sizes[i].filters;
        config.codes = sizes[i].codes;
        fc_decoder *decoder = make_decoder(*state, planar_domain(), config);
        size_t count = decoder->parameter_count, points = sizes[i].points;
        size_t size = points * CHANNELS, all_size = size * config.codes;
        /* weights that keep the states near one at any width */
        fc_decoder_layout at = fc_decoder_layout_of(&decoder->config, decoder->inputs);
        for (size_t k = at.w; k < at.head; k++)
            decoder->parameters[k] /= 0.4f * sqrtf((float)config.filters);
        double *weights = to_double(count, decoder->parameters);
        double *x = random_points(&decoder->domain, points, 3);
        float *bar0 = random_floats(size, 5), *bar = random_floats(all_size, 6);
        double *bar02 = to_double(size, bar0), *bar2 = to_double(all_size, bar);
        float *phi0 = zeros(size, sizeof *phi0), *phi = zeros(all_size, sizeof *phi);
        double *phi02 = zeros(size, sizeof *phi02), *phi2 = zeros(all_size, sizeof *phi2);
        float *gradient = zeros(count, sizeof *gradient);
        double *gradient2 = zeros(count, sizeof *gradient2);
        CHECK(fc_decoder_basis(*state, decoder, points, x, phi0, phi));
        CHECK(fc__decoder_basis_double(*state, decoder, weights, points, x, phi02, phi2));
        assert_true(difference_float(size, phi0, phi02) < tolerance.single);
        assert_true(difference_float(all_size, phi, phi2) < tolerance.single);
        CHECK(fc_decoder_values(*state, decoder, points, x, 1, bar, phi0));
        CHECK(fc__decoder_values_double(*state, decoder, weights, points, x, 1, bar2, phi02));
        assert_true(difference_float(size, phi0, phi02) < tolerance.single);
        CHECK(fc_decoder_basis_vjp(*state, decoder, points, x, bar0, bar, gradient));
        CHECK(fc__decoder_basis_vjp_double(*state, decoder, weights, points, x, bar02, bar2,
                                           gradient2));
        assert_true(difference_float(count, gradient, gradient2) < tolerance.single);
        void *all[] = {weights, x,   bar0,  bar,  bar02,    bar2,
                       phi0,    phi, phi02, phi2, gradient, gradient2};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
        fc_decoder_destroy(decoder);
    }
}

static void fields_of_codes_superpose(void **state)
{
    enum { SIZE = POINTS * CHANNELS };
    fc_decoder *decoder = case_decoder(*state, 5);
    double *weights = to_double(decoder->parameter_count, decoder->parameters);
    double *x = random_points(&decoder->domain, POINTS, 8), *u = zeros(4 * SIZE, sizeof *u);
    double z[4 * CODES] = {0}; /* a, b, a + b, 0 */
    fc__rng rng = fc__rng_create(5, 0);
    for (size_t c = 0; c < CODES; c++) {
        z[c] = fc__rng_normal(&rng);
        z[CODES + c] = fc__rng_normal(&rng);
        z[2 * CODES + c] = z[c] + z[CODES + c];
    }
    CHECK(fc__decoder_values_double(*state, decoder, weights, POINTS, x, 4, z, u));
    for (size_t v = 0; v < SIZE; v++)
        u[SIZE + v] += u[v] - u[3 * SIZE + v];
    assert_true(difference(SIZE, u + SIZE, u + 2 * SIZE) < tolerance.exact);
    free(weights);
    free(x);
    free(u);
    fc_decoder_destroy(decoder);
}

static void read_numbers(FILE *file, size_t count, double *numbers)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fscanf(file, "%lf", &numbers[i]), 1);
}

static void values_match_an_independent_implementation(void **state)
{
    size_t points, samples;
    fc_decoder_config config = small_config(FC_FILTER_TRAINABLE, 0);
    size_t inputs;
    FILE *file = fopen(FC_TEST_GOLDEN "/fourier_net.txt", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu %zu %zu %zu %zu %zu", &config.layers, &config.filters,
                            &inputs, &config.channels, &config.codes, &points, &samples),
                     7);
    fc_decoder *decoder = make_decoder(*state, planar_domain(), config);
    assert_int_equal(inputs, decoder->inputs);
    size_t size = samples * points * config.channels;
    double *weights = zeros(decoder->parameter_count, sizeof *weights);
    double *x = zeros(points * 2, sizeof *x), *z = zeros(samples * config.codes, sizeof *z);
    double *expected = zeros(size, sizeof *expected), *u = zeros(size, sizeof *u);
    read_numbers(file, decoder->parameter_count, weights);
    read_numbers(file, points * 2, x);
    read_numbers(file, samples * config.codes, z);
    read_numbers(file, size, expected);
    fclose(file);
    CHECK(fc__decoder_values_double(*state, decoder, weights, points, x, samples, z, u));
    assert_true(difference(size, u, expected) < tolerance.exact);
    free(weights);
    free(x);
    free(z);
    free(expected);
    free(u);
    fc_decoder_destroy(decoder);
}

/* <phi0_bar, phi0> + <phi_bar, Phi> at some weights */
static double pairing(fc_context *context, const fc_decoder *decoder, const double *weights,
                      size_t points, const double *x, const double *bar0, const double *bar)
{
    enum { SIZE = POINTS * CHANNELS };
    double *phi0 = zeros(SIZE, sizeof *phi0), *phi = zeros(SIZE * CODES, sizeof *phi), sum = 0.0;
    CHECK(fc__decoder_basis_double(context, decoder, weights, points, x, phi0, phi));
    for (size_t i = 0; i < points * CHANNELS; i++)
        sum += bar0[i] * phi0[i];
    for (size_t i = 0; i < points * CHANNELS * CODES; i++)
        sum += bar[i] * phi[i];
    free(phi0);
    free(phi);
    return sum;
}

/* Every parameter group along random directions. */
static void gradient_of_every_group_matches_finite_differences(void **state)
{
    enum { SIZE = POINTS * CHANNELS, GROUPS = 6 };
    const double step = 1e-5;
    for (size_t i = 0; i < CASES; i++) {
        fc_decoder *decoder = case_decoder(*state, i);
        size_t count = decoder->parameter_count;
        fc_decoder_layout at = fc_decoder_layout_of(&decoder->config, decoder->inputs);
        size_t first[GROUPS + 1] = {at.omega, at.a, at.b, at.w, at.head, at.bias, at.count};
        double *weights = to_double(count, decoder->parameters);
        double *moved = zeros(count, sizeof *moved), *gradient = zeros(count, sizeof *gradient);
        double *x = random_points(&decoder->domain, POINTS, 3);
        double *bar0 = random_doubles(SIZE, 5), *bar = random_doubles(SIZE * CODES, 6);
        double *direction = random_doubles(count, 7);
        CHECK(
            fc__decoder_basis_vjp_double(*state, decoder, weights, POINTS, x, bar0, bar, gradient));
        for (size_t g = 0; g < GROUPS; g++) {
            bool fixed = g == 0 && decoder->config.filter != FC_FILTER_TRAINABLE;
            double slope = 0.0, product = 0.0, scale = 0.0;
            for (int sign = -1; sign <= 1 && !fixed; sign += 2) {
                memcpy(moved, weights, count * sizeof *moved);
                for (size_t k = first[g]; k < first[g + 1]; k++)
                    moved[k] += sign * step * direction[k];
                slope += sign * pairing(*state, decoder, moved, POINTS, x, bar0, bar) / (2 * step);
            }
            for (size_t k = first[g]; k < first[g + 1]; k++) {
                product += gradient[k] * direction[k];
                scale += fabs(gradient[k] * direction[k]);
            }
            if (fixed)
                assert_true(product == 0.0); /* fixed filters have no gradient */
            else if (first[g] < first[g + 1])
                assert_true(fabs(product - slope) < tolerance.slope * scale);
        }
        void *all[] = {weights, moved, gradient, x, bar0, bar, direction};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
        fc_decoder_destroy(decoder);
    }
}

/* Phi is linear in A and phi0 in (b, bias): <bar, Phi(A)> = <A_bar, A>, and so on. */
static void gradient_is_the_adjoint_of_the_linear_part(void **state)
{
    enum { SIZE = POINTS * CHANNELS };
    fc_decoder *decoder = case_decoder(*state, 3);
    size_t count = decoder->parameter_count;
    fc_decoder_layout at = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    double *weights = to_double(count, decoder->parameters), *gradient = zeros(count, 8);
    double *x = random_points(&decoder->domain, POINTS, 3);
    double *bar0 = random_doubles(SIZE, 5), *bar = random_doubles(SIZE * CODES, 6), product = 0.0;
    CHECK(fc__decoder_basis_vjp_double(*state, decoder, weights, POINTS, x, bar0, bar, gradient));
    for (size_t k = at.a; k < at.w; k++)
        product += gradient[k] * weights[k];
    for (size_t k = at.bias; k < at.count; k++)
        product += gradient[k] * weights[k];
    double expected = pairing(*state, decoder, weights, POINTS, x, bar0, bar);
    assert_true(fabs(product - expected) < tolerance.adjoint * fabs(expected));
    free(weights);
    free(gradient);
    free(x);
    free(bar0);
    free(bar);
    fc_decoder_destroy(decoder);
}

static void gradient_is_added_to_what_is_there(void **state)
{
    fc_decoder *decoder = case_decoder(*state, 1);
    size_t count = decoder->parameter_count;
    double *x = random_points(&decoder->domain, 9, 3);
    float *bar0 = random_floats(9 * CHANNELS, 5), *bar = random_floats(9 * CHANNELS * CODES, 6);
    float *once = zeros(count, sizeof *once), *twice = zeros(count, sizeof *twice);
    CHECK(fc_decoder_basis_vjp(*state, decoder, 9, x, bar0, bar, once));
    CHECK(fc_decoder_basis_vjp(*state, decoder, 9, x, bar0, bar, twice));
    CHECK(fc_decoder_basis_vjp(*state, decoder, 9, x, bar0, bar, twice));
    for (size_t k = 0; k < count; k++)
        assert_true(twice[k] == 2.0f * once[k]);
    free(x);
    free(bar0);
    free(bar);
    free(once);
    free(twice);
    fc_decoder_destroy(decoder);
}

static void results_do_not_depend_on_the_number_of_threads(void **state)
{
    enum { MANY = 3000 };
    fc_context *one;
    CHECK(fc_context_create(1, &one));
    fc_decoder *decoder = case_decoder(*state, 5);
    size_t count = decoder->parameter_count, size = MANY * CHANNELS;
    double *x = random_points(&decoder->domain, MANY, 3);
    float *phi0[2], *phi[2], *gradient[2];
    for (int i = 0; i < 2; i++) {
        fc_context *context = i ? one : *state;
        phi0[i] = zeros(size, sizeof(float));
        phi[i] = zeros(size * CODES, sizeof(float));
        gradient[i] = zeros(count, sizeof(float));
        CHECK(fc_decoder_basis(context, decoder, MANY, x, phi0[i], phi[i]));
        CHECK(fc_decoder_basis_vjp(context, decoder, MANY, x, phi0[i], phi[i], gradient[i]));
    }
    assert_memory_equal(phi0[0], phi0[1], size * sizeof(float));
    assert_memory_equal(phi[0], phi[1], size * CODES * sizeof(float));
    assert_memory_equal(gradient[0], gradient[1], count * sizeof(float));
    for (int i = 0; i < 2; i++) {
        free(phi0[i]);
        free(phi[i]);
        free(gradient[i]);
    }
    free(x);
    fc_decoder_destroy(decoder);
    fc_context_destroy(one);
}

/* Sines and cosines against the mathematics library, at whole, random and very large frequencies.
 */
static void features_are_sines_then_cosines_of_the_phases(void **state)
{
    const double largest[] = {1.0, 60.0, 1e10};
    for (size_t i = 0; i < 2 * 3; i++) {
        fc_decoder_config config = small_config(i % 2 ? FC_FILTER_RANDOM : FC_FILTER_INTEGER, 1);
        config.filters = 40;
        fc_decoder *decoder = make_decoder(*state, planar_domain(), config);
        for (size_t k = 0; k < 2 * 40; k++)
            decoder->parameters[k] = (float)(largest[i / 2] * (double)decoder->parameters[k]);
        double *x = random_points(&decoder->domain, POINTS, 3), inputs[POINTS * 2];
        float *features = zeros(POINTS * 80, sizeof *features);
        CHECK(fc__decoder_features(*state, decoder, POINTS, x, features));
        fc_domain_embed(&decoder->domain, POINTS, x, inputs);
        for (size_t p = 0; p < POINTS; p++)
            for (size_t f = 0; f < 40; f++) {
                double phase = (double)decoder->parameters[2 * f] * inputs[2 * p];
                phase += (double)decoder->parameters[2 * f + 1] * inputs[2 * p + 1];
                /* half a unit of float, and the rounding of the phase */
                double allowed = 1.2e-7 + 4e-16 * fabs(phase);
                assert_true(fabs((double)features[p * 80 + f] - sin(phase)) < allowed);
                assert_true(fabs((double)features[p * 80 + 40 + f] - cos(phase)) < allowed);
            }
        free(x);
        free(features);
        fc_decoder_destroy(decoder);
    }
}

static void no_points_are_no_fault(void **state)
{
    fc_decoder *decoder = case_decoder(*state, 1);
    float z[CODES] = {0}, nothing = 0;
    double x = 0.0;
    CHECK(fc_decoder_values(*state, decoder, 0, &x, 1, z, &nothing));
    CHECK(fc_decoder_basis(*state, decoder, 0, &x, &nothing, &nothing));
    CHECK(fc_decoder_basis_vjp(*state, decoder, 0, &x, &nothing, &nothing, decoder->parameters));
    CHECK(fc_decoder_derivatives(*state, decoder, 0, &x, z, NULL, NULL));
    fc_decoder_destroy(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_the_offset_plus_the_basis_times_the_code),
        cmocka_unit_test(float_results_match_double_ones),
        cmocka_unit_test(float_results_match_double_ones_at_any_width_and_number_of_codes),
        cmocka_unit_test(fields_of_codes_superpose),
        cmocka_unit_test(values_match_an_independent_implementation),
        cmocka_unit_test(gradient_of_every_group_matches_finite_differences),
        cmocka_unit_test(gradient_is_the_adjoint_of_the_linear_part),
        cmocka_unit_test(gradient_is_added_to_what_is_there),
        cmocka_unit_test(results_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(features_are_sines_then_cosines_of_the_phases),
        cmocka_unit_test(no_points_are_no_fault),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
