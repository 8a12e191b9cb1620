/* Spherical harmonic transforms on Gaussian grids. */
#include "inr/filters.h"
#include "tests/data/sphere_testing.h"

static const struct {
    double rounding; /* of a transform, relative to the largest value */
} tolerance = {.rounding = 1e-12};

/* ---------------------------------------------------------------- grids and coefficients */

typedef struct grid {
    fc__harmonics *harmonics;
    size_t degree, rings, longitudes, points, count;
} grid;

static grid make_grid(fc_context *context, size_t degree, size_t rings, size_t longitudes)
{
    grid g = {.degree = degree,
              .rings = rings,
              .longitudes = longitudes,
              .points = rings * longitudes,
              .count = fc__harmonics_count(degree)};
    CHECK(fc__harmonics_create(context, degree, rings, longitudes, &g.harmonics));
    return g;
}

static double colatitude(const grid *g, size_t point)
{
    return fc__harmonics_colatitudes(g->harmonics)[point / g->longitudes];
}

static double longitude(const grid *g, size_t point)
{
    return 2.0 * M_PI * (double)(point % g->longitudes) / (double)g->longitudes;
}

/* Coefficients of a real field from degree `first` on. */
static fc__complex *draw(const grid *g, size_t first, fc__rng *rng)
{
    fc__complex *c = calloc(g->count, sizeof *c);
    assert_non_null(c);
    for (size_t m = 0; m <= g->degree; m++) {
        for (size_t l = m > first ? m : first; l <= g->degree; l++) {
            size_t i = fc__harmonics_index(g->degree, l, m);
            c[i][0] = fc__rng_normal(rng);
            c[i][1] = m ? fc__rng_normal(rng) : 0.0;
        }
    }
    return c;
}

static double *draw_values(const grid *g, fc__rng *rng)
{
    double *values = new_values(g->points);
    for (size_t p = 0; p < g->points; p++)
        values[p] = fc__rng_normal(rng);
    return values;
}

/* Sum over all l and m of a conj(b), of which m < 0 are the conjugates. */
static double product_of_coefficients(const grid *g, const fc__complex *a, const fc__complex *b)
{
    double sum = 0.0;
    for (size_t m = 0; m <= g->degree; m++) {
        for (size_t l = m; l <= g->degree; l++) {
            size_t i = fc__harmonics_index(g->degree, l, m);
            sum += (m ? 2.0 : 1.0) * (a[i][0] * b[i][0] + a[i][1] * b[i][1]);
        }
    }
    return sum;
}

/* Integral of a b over the sphere by the quadrature. */
static double product_of_values(const grid *g, const double *a, const double *b)
{
    double sum = 0.0;
    for (size_t p = 0; p < g->points; p++)
        sum += fc__harmonics_weights(g->harmonics)[p / g->longitudes] * a[p] * b[p];
    return sum;
}

/* ---------------------------------------------------------------- tests */

static void indices_count_every_degree_and_order_once(void **state)
{
    enum { DEGREE = 7 };
    size_t next = 0;
    (void)state;
    for (size_t m = 0; m <= DEGREE; m++) {
        for (size_t l = m; l <= DEGREE; l++)
            assert_int_equal(fc__harmonics_index(DEGREE, l, m), next++);
    }
    assert_int_equal(fc__harmonics_count(DEGREE), next);
}

static void rings_run_from_north_to_south_and_weigh_the_sphere(void **state)
{
    for (size_t rings = 8; rings <= 33; rings += 5) { /* odd ones have a ring on the equator */
        grid g = make_grid(*state, 5, rings, 2 * rings);
        const double *angle = fc__harmonics_colatitudes(g.harmonics);
        double sum = 0.0;
        for (size_t r = 0; r < rings; r++) {
            assert_true(angle[r] > (r ? angle[r - 1] : 0.0) && angle[r] < M_PI);
            assert_true(fabs(angle[r] + angle[rings - 1 - r] - M_PI) < tolerance.rounding);
            sum += (double)g.longitudes * fc__harmonics_weights(g.harmonics)[r];
        }
        assert_true(fabs(sum - 4.0 * M_PI) < tolerance.rounding);
        fc__harmonics_destroy(g.harmonics);
    }
}

static void coefficients_come_back_from_values(void **state)
{
    fc__rng rng = fc__rng_create(1, 0);
    static const size_t degrees[] = {2, 15, 21, 42};
    for (size_t i = 0; i < 4; i++) {
        size_t degree = degrees[i];
        grid g = make_grid(*state, degree, degree + 1, 2 * degree + 1);
        fc__complex *a = draw(&g, 0, &rng), *b = draw(&g, 1, &rng), *c = draw(&g, 1, &rng);
        fc__complex *back = draw(&g, 0, &rng), *other = draw(&g, 0, &rng);
        double *u = new_values(g.points), *v = new_values(g.points);
        fc__harmonics_values(g.harmonics, a, u);
        fc__harmonics_coefficients(g.harmonics, u, back);
        assert_true(largest_difference(2 * g.count, *back, *a) < tolerance.rounding);
        fc__harmonics_vector_values(g.harmonics, b, c, u, v);
        fc__harmonics_vector_coefficients(g.harmonics, u, v, back, other);
        back[0][0] = back[0][1] = other[0][0] = other[0][1] = 0.0;
        assert_true(largest_difference(2 * g.count, *back, *b) < tolerance.rounding);
        assert_true(largest_difference(2 * g.count, *other, *c) < tolerance.rounding);
        void *all[] = {a, b, c, back, other, u, v};
        for (size_t k = 0; k < 7; k++)
            free(all[k]);
        fc__harmonics_destroy(g.harmonics);
    }
}

/* With the weights of the quadrature: <a, A f> = <S a, f> for any values f, scalar and vector. */
static void analysis_is_the_adjoint_of_synthesis(void **state)
{
    fc__rng rng = fc__rng_create(2, 0);
    grid g = make_grid(*state, 12, 21, 40);
    fc__complex *a = draw(&g, 1, &rng), *b = draw(&g, 1, &rng);
    fc__complex *to_a = draw(&g, 1, &rng), *to_b = draw(&g, 1, &rng);
    double *f = draw_values(&g, &rng), *h = draw_values(&g, &rng);
    double *u = new_values(g.points), *v = new_values(g.points);
    fc__harmonics_values(g.harmonics, a, u);
    fc__harmonics_coefficients(g.harmonics, f, to_a);
    double left = product_of_coefficients(&g, a, to_a), right = product_of_values(&g, u, f);
    assert_true(fabs(left - right) < tolerance.rounding * fabs(left));
    fc__harmonics_vector_values(g.harmonics, a, b, u, v);
    fc__harmonics_vector_coefficients(g.harmonics, f, h, to_a, to_b);
    left = product_of_coefficients(&g, a, to_a) + product_of_coefficients(&g, b, to_b);
    right = product_of_values(&g, u, f) + product_of_values(&g, v, h);
    assert_true(fabs(left - right) < tolerance.rounding * fabs(left));
    void *all[] = {a, b, to_a, to_b, f, h, u, v};
    for (size_t k = 0; k < 8; k++)
        free(all[k]);
    fc__harmonics_destroy(g.harmonics);
}

/* The two have nothing in common but the definition: Y = (-1)^m Q cos^m exp(i m lon) / sqrt(4 pi).
 */
static void filters_of_decoders_are_the_same_harmonics(void **state)
{
    enum { DEGREE = 85 };
    fc__rng rng = fc__rng_create(5, 0);
    grid g = make_grid(*state, DEGREE, 20, 31);
    fc__complex *a = draw(&g, 0, &rng);
    double *u = new_values(g.points), *omega = new_values(3 * g.count);
    double *s = new_values(2 * g.count), largest = 0.0, difference = 0.0;
    for (size_t m = 0; m <= DEGREE; m++) {
        for (size_t l = m; l <= DEGREE; l++) {
            omega[3 * fc__harmonics_index(DEGREE, l, m)] = (double)l;
            omega[3 * fc__harmonics_index(DEGREE, l, m) + 1] = (double)m;
        }
    }
    fc__filters filters;
    CHECK(fc__filters_create(*state, FC_FILTER_HARMONIC, 1, g.count, 3, omega, &filters));
    double *work = new_values(fc__filters_work_size(&filters));
    fc__harmonics_values(g.harmonics, a, u);
    for (size_t p = 0; p < g.points; p++) {
        double angle = colatitude(&g, p), lon = longitude(&g, p), sum = 0.0;
        const double x[3] = {sin(angle) * cos(lon), sin(angle) * sin(lon), cos(angle)};
        fc__filters_double(&filters, x, s, 2 * g.count, work);
        for (size_t i = 0; i < g.count; i++) {
            double m = omega[3 * i + 1], by = m == 0.0 ? 1.0 : fmod(m, 2.0) == 0.0 ? 2.0 : -2.0;
            sum += by * (a[i][0] * s[g.count + i] - a[i][1] * s[i]) / sqrt(4.0 * M_PI);
        }
        largest = fmax(largest, fabs(sum));
        difference = fmax(difference, fabs(sum - u[p]));
    }
    assert_true(difference < tolerance.rounding * largest);
    fc__filters_clear(&filters);
    void *all[] = {a, u, omega, s, work};
    for (size_t k = 0; k < 5; k++)
        free(all[k]);
    fc__harmonics_destroy(g.harmonics);
}

/* f = x y z + x = sin^2 cos sin(2 lon) / 2 + sin cos(lon) of the colatitude, of degrees 3 and 1. */
static double cubic(double t, double lon)
{
    return 0.5 * sin(t) * sin(t) * cos(t) * sin(2.0 * lon) + sin(t) * cos(lon);
}

static double cubic_south(double t, double lon)
{
    return 0.5 * (2.0 * sin(t) * cos(t) * cos(t) - pow(sin(t), 3.0)) * sin(2.0 * lon) +
           cos(t) * cos(lon);
}

static double cubic_east(double t, double lon)
{
    return sin(t) * cos(t) * cos(2.0 * lon) - sin(lon);
}

/* The gradient of f and, with the curl's coefficients, the same turned by 90 degrees to the left.
 */
static void gradients_of_a_known_field_are_exact(void **state)
{
    grid g = make_grid(*state, 6, 10, 17);
    fc__complex *f = calloc(g.count, sizeof *f), *zero = calloc(g.count, sizeof *zero);
    double *u = new_values(g.points), *v = new_values(g.points), *expected = new_values(g.points);
    double *turned = new_values(g.points);
    assert_true(f && zero);
    for (size_t p = 0; p < g.points; p++)
        u[p] = cubic(colatitude(&g, p), longitude(&g, p));
    fc__harmonics_coefficients(g.harmonics, u, f);
    for (size_t m = 0; m <= g.degree; m++) {
        for (size_t l = m; l <= g.degree; l++) {
            double *c = f[fc__harmonics_index(g.degree, l, m)];
            bool present = (l == 3 && m == 2) || (l == 1 && m == 1);
            assert_true((hypot(c[0], c[1]) > 0.1) == present);
            c[0] *= sqrt((double)(l * (l + 1)));
            c[1] *= sqrt((double)(l * (l + 1)));
        }
    }
    for (size_t p = 0; p < g.points; p++) {
        expected[p] = cubic_south(colatitude(&g, p), longitude(&g, p));
        turned[p] = cubic_east(colatitude(&g, p), longitude(&g, p));
    }
    fc__harmonics_vector_values(g.harmonics, f, zero, u, v);
    assert_true(largest_difference(g.points, u, expected) < tolerance.rounding);
    assert_true(largest_difference(g.points, v, turned) < tolerance.rounding);
    fc__harmonics_vector_values(g.harmonics, zero, f, u, v);
    assert_true(largest_difference(g.points, v, expected) < tolerance.rounding);
    for (size_t p = 0; p < g.points; p++)
        u[p] = -u[p];
    assert_true(largest_difference(g.points, u, turned) < tolerance.rounding);
    void *all[] = {f, zero, u, v, expected, turned};
    for (size_t k = 0; k < 6; k++)
        free(all[k]);
    fc__harmonics_destroy(g.harmonics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indices_count_every_degree_and_order_once),
        cmocka_unit_test(rings_run_from_north_to_south_and_weigh_the_sphere),
        cmocka_unit_test(coefficients_come_back_from_values),
        cmocka_unit_test(analysis_is_the_adjoint_of_synthesis),
        cmocka_unit_test(filters_of_decoders_are_the_same_harmonics),
        cmocka_unit_test(gradients_of_a_known_field_are_exact),
    };
    return RUN_ON_THE_SPHERE(tests);
}
