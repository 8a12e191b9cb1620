/* Gradient and Laplacian of decoded fields. */
#include "tests/inr/decoder_fixture.h"

static const struct {
    double exact;     /* rounding of the float results */
    double slope;     /* differences of fourth order, step 1e-3, waves up to 40 */
    double curvature; /* the same */
    double linear;    /* sin(1e-3 x) / 1e-3 in place of x */
} tolerance = {.exact = 2e-7, .slope = 1e-6, .curvature = 1e-6, .linear = 2e-6};

enum { POINTS = 70, CHANNELS = 2, CODES = 5 };

/* u at one point moved by h along one axis, in the units of the axis */
static void moved_values(fc_context *context, const fc_decoder *decoder, const double *weights,
                         const double *x, size_t axis, double h, const double *z, double *u)
{
    double moved[FC_MAX_DIMS];
    memcpy(moved, x, decoder->domain.dims * sizeof *moved);
    moved[axis] += h;
    CHECK(fc__decoder_values_double(context, decoder, weights, 1, moved, 1, z, u));
}

/* Derivatives of a field at one point by differences of fourth order: for planar axes plain, on the
 * sphere by (1 / cos lat) d/dlon, d/dlat and u_lonlon / cos^2 lat - tan lat u_lat + u_latlat. */
static void differentiate(fc_context *context, const fc_decoder *decoder, const double *weights,
                          const double *x, const double *z, double gradient[][FC_MAX_DIMS],
                          double *laplacian)
{
    const double degree = M_PI / 180.0;
    const fc_domain *domain = &decoder->domain;
    double latitude = 0.0;
    for (size_t i = 0; i < domain->dims; i++)
        if (domain->axis[i].kind == FC_AXIS_LATITUDE)
            latitude = x[i] * degree;
    memset(laplacian, 0, CHANNELS * sizeof *laplacian);
    for (size_t i = 0; i < domain->dims; i++) {
        bool lon = domain->axis[i].kind == FC_AXIS_LONGITUDE;
        bool lat = domain->axis[i].kind == FC_AXIS_LATITUDE;
        double metric = lon ? cos(latitude) : 1.0, unit = lon || lat ? 1.0 / degree : 1.0;
        double h = 1e-3, one = h * metric, u[5][CHANNELS];
        for (size_t k = 0; k < 5; k++)
            moved_values(context, decoder, weights, x, i, ((double)k - 2.0) * h * unit, z, u[k]);
        for (size_t c = 0; c < CHANNELS; c++) {
            double first = (u[0][c] - 8 * u[1][c] + 8 * u[3][c] - u[4][c]) / 12;
            double second = (16 * (u[1][c] + u[3][c]) - u[0][c] - u[4][c] - 30 * u[2][c]) / 12;
            gradient[c][i] = first / one;
            laplacian[c] += second / (one * one) - (lat ? tan(latitude) * gradient[c][i] : 0.0);
        }
    }
}

static void derivatives_match_finite_differences(void **state)
{
    const fc_filter_kind kinds[] = {FC_FILTER_INTEGER,   FC_FILTER_TRAINABLE, FC_FILTER_RANDOM,
                                    FC_FILTER_TRAINABLE, FC_FILTER_HARMONIC,  FC_FILTER_HARMONIC};
    for (size_t i = 0; i < 6; i++) {
        fc_domain domain = i < 2 ? planar_domain() : i < 4 ? sphere_domain() : zone_domain(90.0);
        fc_decoder *decoder = make_decoder(*state, domain, small_config(kinds[i], i % 2 ? 2 : 0));
        size_t dims = domain.dims, size = POINTS * CHANNELS;
        double *weights = to_double(decoder->parameter_count, decoder->parameters);
        float *z = random_floats(CODES, 4), *gradient = zeros(size * dims, sizeof *gradient);
        float *laplacian = zeros(size, sizeof *laplacian);
        double *z2 = to_double(CODES, z), *x = random_points(&domain, POINTS, 3);
        double *slopes = zeros(size * dims, 8), *curvatures = zeros(size, 8);
        for (size_t p = 0; p < POINTS && i >= 2; p++)
            x[(p + 1) * dims - 1] *= 0.8; /* the differences need cos lat > 0 */
        CHECK(fc_decoder_derivatives(*state, decoder, POINTS, x, z, gradient, laplacian));
        for (size_t p = 0; p < POINTS; p++) {
            double slope[CHANNELS][FC_MAX_DIMS];
            differentiate(*state, decoder, weights, x + p * dims, z2, slope,
                          curvatures + p * CHANNELS);
            for (size_t k = 0; k < CHANNELS * dims; k++)
                slopes[p * CHANNELS * dims + k] = slope[k / dims][k % dims];
        }
        assert_true(difference_float(size * dims, gradient, slopes) < tolerance.slope);
        assert_true(difference_float(size, laplacian, curvatures) < tolerance.curvature);
        void *all[] = {weights, z, gradient, laplacian, z2, x, slopes, curvatures};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
        fc_decoder_destroy(decoder);
    }
}

/* A series of one code: u = amplitude * feature of one filter. */
static fc_decoder *one_wave(fc_context *context, fc_domain domain, fc_decoder_config config,
                            size_t feature, double amplitude)
{
    fc_decoder *decoder;
    config.codes = config.channels = 1;
    config.layers = 0;
    CHECK(fc_decoder_create(context, &domain, &config, &decoder));
    fc_decoder_layout at = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    memset(decoder->parameters + at.a, 0, (at.b - at.a) * sizeof(float));
    decoder->parameters[at.a + feature] = (float)amplitude;
    return decoder;
}

static void derivatives_of_one_wave_are_exact(void **state)
{
    fc_decoder_config config = small_config(FC_FILTER_INTEGER, 0);
    config.filters = 8;
    fc_decoder *decoder = one_wave(*state, planar_domain(), config, 3, 1.0); /* sin(x - y) */
    double *x = random_points(&decoder->domain, POINTS, 3), kx = 2 * M_PI, ky = -2 * M_PI / 4.5;
    double slopes[POINTS * 2], curvatures[POINTS];
    float z = 1.5f, gradient[POINTS * 2], laplacian[POINTS];
    CHECK(fc_decoder_derivatives(*state, decoder, POINTS, x, &z, gradient, laplacian));
    for (size_t p = 0; p < POINTS; p++) {
        double phase = kx * x[2 * p] + ky * (x[2 * p + 1] + 1.0);
        slopes[2 * p] = 1.5 * kx * cos(phase);
        slopes[2 * p + 1] = 1.5 * ky * cos(phase);
        curvatures[p] = -1.5 * (kx * kx + ky * ky) * sin(phase);
    }
    assert_true(difference_float(POINTS * 2, gradient, slopes) < tolerance.exact);
    assert_true(difference_float(POINTS, laplacian, curvatures) < tolerance.exact);
    free(x);
    fc_decoder_destroy(decoder);
}

/* x, y and z of the unit vector are spherical harmonics of degree 1: their Laplacian is -2 times
 * themselves, at the poles as well. */
static void linear_functions_on_the_sphere_have_eigenvalue_minus_two(void **state)
{
    fc_domain domain = {.dims = 2,
                        .axis = {axis_of(FC_AXIS_LONGITUDE, -180.0, 180.0, "lon"),
                                 axis_of(FC_AXIS_LATITUDE, -90.0, 90.0, "lat")}};
    fc_decoder_config config = small_config(FC_FILTER_RANDOM, 0);
    for (size_t j = 0; j < 3; j++) {
        fc_decoder *decoder = one_wave(*state, domain, config, 0, 1e3);
        for (size_t k = 0; k < 3; k++)
            decoder->parameters[k] = k == j ? 1e-3f : 0.0f;
        double *x = random_points(&domain, POINTS, 3), expected[POINTS], inputs[POINTS * 3];
        x[1] = 90.0;
        x[3] = -90.0;
        float z = 1.0f, laplacian[POINTS];
        CHECK(fc_decoder_derivatives(*state, decoder, POINTS, x, &z, NULL, laplacian));
        fc_domain_embed(&domain, POINTS, x, inputs);
        for (size_t p = 0; p < POINTS; p++)
            expected[p] = -2.0 * inputs[3 * p + j];
        assert_true(difference_float(POINTS, laplacian, expected) < tolerance.linear);
        free(x);
        fc_decoder_destroy(decoder);
    }
}

static void either_result_may_be_left_out(void **state)
{
    fc_decoder *decoder = make_decoder(*state, sphere_domain(), small_config(FC_FILTER_RANDOM, 1));
    double *x = random_points(&decoder->domain, POINTS, 3);
    float *z = random_floats(CODES, 4), gradient[2][POINTS * CHANNELS * 3];
    float laplacian[2][POINTS * CHANNELS];
    CHECK(fc_decoder_derivatives(*state, decoder, POINTS, x, z, gradient[0], laplacian[0]));
    CHECK(fc_decoder_derivatives(*state, decoder, POINTS, x, z, gradient[1], NULL));
    CHECK(fc_decoder_derivatives(*state, decoder, POINTS, x, z, NULL, laplacian[1]));
    assert_memory_equal(gradient[0], gradient[1], sizeof gradient[0]);
    assert_memory_equal(laplacian[0], laplacian[1], sizeof laplacian[0]);
    free(x);
    free(z);
    fc_decoder_destroy(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivatives_match_finite_differences),
        cmocka_unit_test(derivatives_of_one_wave_are_exact),
        cmocka_unit_test(linear_functions_on_the_sphere_have_eigenvalue_minus_two),
        cmocka_unit_test(either_result_may_be_left_out),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
