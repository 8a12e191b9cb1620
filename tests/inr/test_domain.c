/* Embedding of coordinates, and the messages of what is refused. */
#include "tests/inr/decoder_fixture.h"

static const struct {
    double embed; /* network inputs, of order 1 to 10, in double */
} tolerance = {.embed = 1e-14};

static void expect_inputs(const fc_domain *domain, const double *x, const double *expected)
{
    double inputs[FC_MAX_INPUTS];
    fc_domain_embed(domain, 1, x, inputs);
    for (size_t i = 0; i < fc_domain_inputs(domain); i++)
        if (!(fabs(inputs[i] - expected[i]) < tolerance.embed))
            fail_msg("input %zu is %.17g, expected %.17g", i, inputs[i], expected[i]);
}

/* The call that gave `status` failed for its data, and its message holds the text. */
static void refused(fc_context *context, fc_status status, const char *text)
{
    assert_int_equal(status, FC_ERROR_DATA);
    if (!strstr(fc_context_message(context), text))
        fail_msg("'%s' does not hold '%s'", fc_context_message(context), text);
}

/* ---------------------------------------------------------------- embedding */

static void a_planar_axis_is_one_input_and_the_sphere_three(void **state)
{
    (void)state;
    fc_domain plane = planar_domain(), sphere = sphere_domain();
    assert_int_equal(fc_domain_inputs(&plane), 2);
    assert_int_equal(fc_domain_inputs(&sphere), 4);
}

static void a_periodic_axis_becomes_its_angle(void **state)
{
    (void)state;
    fc_domain domain = {.dims = 1, .axis = {axis_of(FC_AXIS_PERIODIC, 2.0, 6.0, "x")}};
    expect_inputs(&domain, &(double){2.0}, &(double){0.0});
    expect_inputs(&domain, &(double){3.0}, &(double){M_PI / 2.0});
    expect_inputs(&domain, &(double){6.0}, &(double){2.0 * M_PI});
}

static void a_plain_axis_takes_two_thirds_of_the_circle(void **state)
{
    (void)state;
    fc_domain domain = {.dims = 1, .axis = {axis_of(FC_AXIS_PLAIN, -1.0, 2.0, "x")}};
    expect_inputs(&domain, &(double){-1.0}, &(double){0.0});
    expect_inputs(&domain, &(double){2.0}, &(double){2.0 * M_PI / 1.5});
}

static void the_sphere_becomes_unit_vectors_after_the_planar_inputs(void **state)
{
    (void)state;
    fc_domain domain = sphere_domain(); /* depth, longitude, latitude */
    expect_inputs(&domain, (double[]){0.0, 0.0, 0.0}, (double[]){0.0, 1.0, 0.0, 0.0});
    expect_inputs(&domain, (double[]){4.0, 90.0, 0.0}, (double[]){4.0 * M_PI / 3.0, 0.0, 1.0, 0.0});
    expect_inputs(&domain, (double[]){0.0, 180.0, 60.0},
                  (double[]){0.0, -0.5, 0.0, sqrt(3.0) / 2.0});
    expect_inputs(&domain, (double[]){0.0, 123.0, -90.0}, (double[]){0.0, 0.0, 0.0, -1.0});
}

static void the_order_of_longitude_and_latitude_is_free(void **state)
{
    (void)state;
    fc_domain domain = {.dims = 3,
                        .axis = {axis_of(FC_AXIS_LATITUDE, -90.0, 90.0, "lat"),
                                 axis_of(FC_AXIS_PERIODIC, 0.0, 1.0, "phase"),
                                 axis_of(FC_AXIS_LONGITUDE, 0.0, 360.0, "lon")}};
    expect_inputs(&domain, (double[]){30.0, 0.25, 90.0},
                  (double[]){M_PI / 2.0, 0.0, sqrt(3.0) / 2.0, 0.5});
}

/* Largest difference of a decoded field at two lists of points. */
static double field_difference(const fc_decoder *decoder, size_t count, const double *a,
                               const double *b)
{
    size_t values = count * decoder->config.channels;
    float *z = random_floats(decoder->config.codes, 5), *ua = zeros(values, sizeof *ua),
          *ub = zeros(values, sizeof *ub);
    CHECK(fc_decoder_values(NULL, decoder, count, a, 1, z, ua));
    CHECK(fc_decoder_values(NULL, decoder, count, b, 1, z, ub));
    double *expected = to_double(values, ub), result = difference_float(values, ua, expected);
    free(z);
    free(ua);
    free(ub);
    free(expected);
    return result;
}

static void fields_have_no_seam(void **state)
{
    enum { POINTS = 40 };
    double a[POINTS * 2], b[POINTS * 2], c[POINTS * 3], d[POINTS * 3];
    fc_decoder *plane = make_decoder(*state, planar_domain(), small_config(FC_FILTER_INTEGER, 1));
    fc_decoder *sphere = make_decoder(*state, sphere_domain(), small_config(FC_FILTER_RANDOM, 1));
    for (size_t p = 0; p < POINTS; p++) {
        double s = (double)p / (POINTS - 1);
        memcpy(a + p * 2, (double[]){s, 3.0 * s - 1.0}, 2 * sizeof *a);
        memcpy(b + p * 2, (double[]){s - 3.0, 3.0 * s - 1.0}, 2 * sizeof *b);
        memcpy(c + p * 3, (double[]){2.0, 0.0, 180.0 * s - 90.0}, 3 * sizeof *c);
        memcpy(d + p * 3, (double[]){2.0, 360.0, 180.0 * s - 90.0}, 3 * sizeof *d);
    }
    assert_true(field_difference(plane, POINTS, a, b) < 1e-5);
    assert_true(field_difference(sphere, POINTS, c, d) < 1e-5);
    for (size_t p = 0; p < POINTS; p++) { /* the pole is one point, whatever its longitude */
        memcpy(c + p * 3, (double[]){1.0, 0.0, 90.0}, 3 * sizeof *c);
        memcpy(d + p * 3, (double[]){1.0, 9.0 * (double)p, 90.0}, 3 * sizeof *d);
    }
    assert_true(field_difference(sphere, POINTS, c, d) < 1e-5);
    fc_decoder_destroy(plane);
    fc_decoder_destroy(sphere);
}

/* ---------------------------------------------------------------- validation */

static void domains_without_meaning_are_refused(void **state)
{
    fc_domain domain = {.dims = 0};
    refused(*state, fc_domain_validate(*state, &domain), "0 dimensions; 1 to 4");
    domain.dims = 5;
    refused(*state, fc_domain_validate(*state, &domain), "5 dimensions; 1 to 4");
    domain = planar_domain();
    CHECK(fc_domain_validate(*state, &domain));
    domain.axis[1].upper = -1.0;
    refused(*state, fc_domain_validate(*state, &domain), "axis 1 (y) runs from -1 to -1");
    domain.axis[1].upper = (double)INFINITY;
    refused(*state, fc_domain_validate(*state, &domain), "axis 1 (y) runs from -1 to inf");
    domain.axis[1].upper = (double)NAN;
    refused(*state, fc_domain_validate(*state, &domain), "axis 1 (y)");
}

static void longitude_needs_latitude(void **state)
{
    fc_domain domain = sphere_domain();
    CHECK(fc_domain_validate(*state, &domain));
    domain.dims = 2;
    refused(*state, fc_domain_validate(*state, &domain), "1 longitude and 0 latitude axes");
    domain = sphere_domain();
    domain.axis[0].kind = FC_AXIS_LONGITUDE;
    refused(*state, fc_domain_validate(*state, &domain), "2 longitude and 1 latitude axes");
    domain = sphere_domain();
    domain.axis[2].upper = 91.0;
    refused(*state, fc_domain_validate(*state, &domain), "latitude lat runs from -90 to 91");
}

/* ---------------------------------------------------------------- points */

static void points_outside_are_named_with_their_axis(void **state)
{
    fc_domain domain = planar_domain(); /* x periodic in [0, 1), y in [-1, 2] */
    double x[] = {0.5, 0.0, 17.0, -1.0, 0.25, 2.0};
    CHECK(fc_domain_check(*state, &domain, "a.nc", 0.0, 3, x));
    x[5] = 2.1;
    refused(*state, fc_domain_check(*state, &domain, "a.nc", 0.0, 3, x),
            "a.nc: point 2: y = 2.1 lies outside the domain, -1 to 2");
    CHECK(fc_domain_check(*state, &domain, "a.nc", 0.05, 3, x));
    x[3] = -1.2;
    refused(*state, fc_domain_check(*state, &domain, "a.nc", 0.05, 3, x), "point 1: y = -1.2");
}

static void points_that_are_no_numbers_are_named_with_their_axis(void **state)
{
    fc_domain domain = planar_domain();
    double x[] = {0.5, 0.0, (double)NAN, 0.0, 0.5, (double)INFINITY};
    refused(*state, fc_domain_check(*state, &domain, "b.nc", 1.0, 3, x),
            "b.nc: point 1: coordinate x is nan");
    x[2] = 0.0;
    refused(*state, fc_domain_check(*state, &domain, "b.nc", 1.0, 3, x),
            "b.nc: point 2: coordinate y is inf");
}

static void latitudes_beyond_the_pole_are_refused(void **state)
{
    fc_domain domain = sphere_domain();
    double x[] = {1.0, -725.0, 90.0, 1.0, 10.0, 91.0};
    CHECK(fc_domain_check(*state, &domain, "c.nc", 0.0, 1, x)); /* any longitude is accepted */
    refused(*state, fc_domain_check(*state, &domain, "c.nc", 0.5, 2, x),
            "c.nc: point 1: lat = 91; latitudes from -90 to 90 are accepted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_planar_axis_is_one_input_and_the_sphere_three),
        cmocka_unit_test(a_periodic_axis_becomes_its_angle),
        cmocka_unit_test(a_plain_axis_takes_two_thirds_of_the_circle),
        cmocka_unit_test(the_sphere_becomes_unit_vectors_after_the_planar_inputs),
        cmocka_unit_test(the_order_of_longitude_and_latitude_is_free),
        cmocka_unit_test(fields_have_no_seam),
        cmocka_unit_test(domains_without_meaning_are_refused),
        cmocka_unit_test(longitude_needs_latitude),
        cmocka_unit_test(points_outside_are_named_with_their_axis),
        cmocka_unit_test(points_that_are_no_numbers_are_named_with_their_axis),
        cmocka_unit_test(latitudes_beyond_the_pole_are_refused),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
