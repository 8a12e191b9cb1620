/* Spherical harmonics as filters: closed forms, the addition theorem, the poles, bad filters. Their
 * derivatives are in test_derivatives.c, libsharp's harmonics in tests/data/test_harmonics.c. */
#include "inr/filters.h"
#include "tests/inr/decoder_fixture.h"

static const struct {
    double rounding;   /* of low degrees */
    double recurrence; /* relative, after hundreds of degrees */
} tolerance = {.rounding = 1e-14, .recurrence = 1e-11};

static void unit_vector(double longitude, double latitude, double x[3])
{
    x[0] = cos(latitude) * cos(longitude);
    x[1] = cos(latitude) * sin(longitude);
    x[2] = sin(latitude);
}

static fc__filters make_filters(fc_context *context, size_t layers, size_t count,
                                const double *omega)
{
    fc__filters filters;
    fc_status status =
        fc__filters_create(context, FC_FILTER_HARMONIC, layers, count, 3, omega, &filters);
    if (status != FC_OK)
        fail_msg("%s", fc_context_message(context));
    return filters;
}

static void low_degrees_have_their_closed_forms(void **state)
{
    enum { COUNT = 6 };
    const double omega[COUNT * 3] = {2, 2, 0, 0, 0, 0, 1, 0, 0, 2, 1, 0, 1, 1, 0, 2, 0, 0};
    fc__filters filters = make_filters(*state, 1, COUNT, omega);
    double *work = zeros(fc__filters_work_size(&filters), sizeof *work), x[3], s[2 * COUNT];
    for (int i = 0; i < 20; i++) {
        double longitude = 0.7 * i - 3.0, latitude = -M_PI_2 + M_PI * i / 19.0;
        unit_vector(longitude, latitude, x);
        fc__filters_double(&filters, x, s, 2 * COUNT, work);
        double c = cos(latitude), z = sin(latitude);
        double legendre[COUNT] = {
            sqrt(15.0 / 8.0) * c * c, 1.0,           sqrt(3.0) * z,
            sqrt(7.5) * z * c,        sqrt(1.5) * c, sqrt(1.25) * (3.0 * z * z - 1.0)};
        for (size_t f = 0; f < COUNT; f++) {
            double angle = omega[3 * f + 1] * longitude;
            assert_true(fabs(s[f] - legendre[f] * sin(angle)) < tolerance.rounding);
            assert_true(fabs(s[COUNT + f] - legendre[f] * cos(angle)) < tolerance.rounding);
        }
    }
    fc__filters_clear(&filters);
    free(work);
}

/* sum_m (2 - [m = 0]) (sin^2 + cos^2) = 2 l + 1 at every point. */
static void harmonics_of_a_degree_add_up(void **state)
{
    const size_t degrees[] = {1, 2, 17, 85, 300};
    const double latitudes[] = {0.0, 0.3, -0.9, 1.4, 1.57, -M_PI_2};
    for (size_t i = 0; i < sizeof degrees / sizeof *degrees; i++) {
        size_t count = degrees[i] + 1;
        double *omega = zeros(3 * count, sizeof *omega), *s = zeros(2 * count, sizeof *s);
        for (size_t m = 0; m < count; m++) {
            omega[3 * m] = (double)degrees[i];
            omega[3 * m + 1] = (double)m;
        }
        fc__filters filters = make_filters(*state, 1, count, omega);
        double *work = zeros(fc__filters_work_size(&filters), sizeof *work);
        for (size_t k = 0; k < sizeof latitudes / sizeof *latitudes; k++) {
            double x[3], sum = 0.0, whole = 2.0 * (double)degrees[i] + 1.0;
            unit_vector(2.0 + (double)k, latitudes[k], x);
            fc__filters_double(&filters, x, s, 2 * count, work);
            for (size_t m = 0; m < count; m++)
                sum += (m ? 2.0 : 1.0) * (s[m] * s[m] + s[count + m] * s[count + m]);
            if (!(fabs(sum - whole) < tolerance.recurrence * whole))
                fail_msg("degree %zu at latitude %g: %.17g", degrees[i], latitudes[k], sum);
        }
        fc__filters_clear(&filters);
        free(omega);
        free(s);
        free(work);
    }
}

/* Blocks of points, the last one partly filled, and two layers of other harmonics. */
static void tiles_have_the_values_of_single_points(void **state)
{
    enum { COUNT = 4, POINTS = 37, LD = 11, LAYER = POINTS * LD };
    const double omega[2 * COUNT * 3] = {9, 4, 0, 3, 0, 0, 20, 20, 0, 7, 6, 0,
                                         5, 5, 0, 8, 1, 0, 2,  0,  0, 1, 1, 0};
    fc__filters filters = make_filters(*state, 2, COUNT, omega);
    double *work = zeros(fc__filters_work_size(&filters), sizeof *work);
    double x[POINTS * 3], expected[2 * 2 * COUNT];
    float s[2 * LAYER], *at;
    fc__rng rng = fc__rng_create(3, 0);
    assert_int_equal(filters.distinct, 2);
    for (size_t p = 0; p < POINTS; p++)
        unit_vector(6.0 * fc__rng_uniform(&rng), 3.0 * fc__rng_uniform(&rng) - 1.5, x + 3 * p);
    fc__filters_tile(&filters, POINTS, x, s, LD, LAYER, work);
    for (size_t p = 0; p < POINTS; p++) {
        fc__filters_double(&filters, x + 3 * p, expected, 2 * COUNT, work);
        for (size_t l = 0; l < 2; l++) {
            at = s + l * LAYER + p * LD;
            for (size_t i = 0; i < 2 * COUNT; i++)
                assert_true(at[i] == (float)expected[l * 2 * COUNT + i]);
            for (size_t i = 2 * COUNT; i < LD; i++)
                assert_true(at[i] == 0.0f);
        }
    }
    fc__filters_clear(&filters);
    free(work);
}

static void other_numbers_than_degree_and_order_are_refused(void **state)
{
    const double bad[][3] = {{1.5, 1, 0}, {1, 2, 0},    {2, -1, 0},
                             {2, 0.5, 0}, {5000, 0, 0}, {NAN, 0, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fc__filters filters;
        assert_int_equal(fc__filters_create(*state, FC_FILTER_HARMONIC, 1, 1, 3, bad[i], &filters),
                         FC_ERROR_DATA);
        assert_non_null(strstr(fc_context_message(*state), "filter 0 is no spherical harmonic"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(low_degrees_have_their_closed_forms),
        cmocka_unit_test(harmonics_of_a_degree_add_up),
        cmocka_unit_test(tiles_have_the_values_of_single_points),
        cmocka_unit_test(other_numbers_than_degree_and_order_are_refused),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
