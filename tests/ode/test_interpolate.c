#include "model_fixture.h"
#include "ode/interpolate.h"
#include "ode/neighbours.h"

#define TOLERANCE_DENSE 1e-5 /* float results against a dense solution in double */

enum { KNOWN = 12, ASKED = 40 };

static fc_domain plane(void)
{
    return (fc_domain){
        .dims = 2,
        .axis = {axis_of(FC_AXIS_PLAIN, 0.0, 4.0, "x"), axis_of(FC_AXIS_PLAIN, -1.0, 1.0, "y")}};
}

static fc_domain globe(void)
{
    return (fc_domain){.dims = 2,
                       .axis = {axis_of(FC_AXIS_LONGITUDE, 0.0, 360.0, "lon"),
                                axis_of(FC_AXIS_LATITUDE, -90.0, 90.0, "lat")}};
}

static void draw(uint64_t seed, size_t count, double *x, float *values)
{
    fc__rng rng = fc__rng_create(seed, 1);
    for (size_t p = 0; p < count; p++) {
        x[2 * p] = 4.0 * fc__rng_uniform(&rng);
        x[2 * p + 1] = -1.0 + 2.0 * fc__rng_uniform(&rng);
        if (values)
            values[p] = (float)fc__rng_normal(&rng);
    }
}

static void the_nearest_places_are_those_of_a_search_of_all(void **state)
{
    enum { PLACES = 300, MOST = 9 };
    double place[3 * PLACES], square[MOST];
    size_t index[MOST];
    fc__neighbours tree;
    fc__rng rng = fc__rng_create(3, 3);
    for (size_t i = 0; i < 3 * PLACES; i++) /* many ties */
        place[i] = (double)fc__rng_below(&rng, 6);
    must(*state, fc__neighbours_create(*state, PLACES, 3, place, &tree));
    for (int trial = 0; trial < 100; trial++) {
        bool used[PLACES] = {false};
        double x[3];
        for (int i = 0; i < 3; i++)
            x[i] = 6.0 * fc__rng_uniform(&rng);
        assert_int_equal(fc__neighbours_find(&tree, x, MOST, index, square), MOST);
        for (size_t k = 0; k < MOST; k++) {
            double least = INFINITY;
            size_t best = 0;
            for (size_t p = 0; p < PLACES; p++) {
                double s = 0.0;
                for (int i = 0; i < 3; i++)
                    s += (x[i] - place[3 * p + i]) * (x[i] - place[3 * p + i]);
                if (!used[p] && s < least) {
                    least = s;
                    best = p;
                }
            }
            used[best] = true;
            assert_int_equal(index[k], best);
            assert_near(square[k], least, 1e-12);
        }
    }
    fc__neighbours_clear(&tree);
}

static void few_places_are_all_found(void **state)
{
    const double place[2] = {1.0, 3.0};
    double square[4], x = 2.5;
    size_t index[4];
    fc__neighbours tree;
    must(*state, fc__neighbours_create(*state, 2, 1, place, &tree));
    assert_int_equal(fc__neighbours_find(&tree, &x, 4, index, square), 2);
    assert_int_equal(index[0], 1);
    assert_near(square[1], 2.25, 1e-12);
    fc__neighbours_clear(&tree);
    must(*state, fc__neighbours_create(*state, 0, 1, place, &tree));
    assert_int_equal(fc__neighbours_find(&tree, &x, 4, index, square), 0);
    fc__neighbours_clear(&tree);
}

static void interpolation_is_exact_at_known_points(void **state)
{
    const double nuggets[] = {0.0, 0.6};
    double x[2 * KNOWN];
    float values[KNOWN], found[KNOWN], left[KNOWN];
    fc_domain domain = plane();
    draw(1, KNOWN, x, values);
    for (int k = 0; k < 2; k++) {
        fc__correlation correlation = {.length = 0.2, .nugget = nuggets[k]};
        fc__known known = {.count = KNOWN, .columns = 1, .coordinates = x, .values = values};
        must(*state, fc__interpolate(*state, &domain, &correlation, &known, KNOWN, x, found, left));
        for (size_t p = 0; p < KNOWN; p++) {
            assert_true(found[p] == values[p]);
            assert_true(left[p] == 0.0f);
        }
    }
}

/* K w = k by Gaussian elimination over all known points, which are fewer than the neighbours. */
static void interpolation_equals_dense_kriging(void **state)
{
    const double nugget = 0.1, length = 0.3;
    double x[2 * KNOWN], asked[2 * ASKED];
    float values[KNOWN], found[ASKED], left[ASKED];
    fc_domain domain = plane();
    fc__correlation correlation = {.length = length, .nugget = nugget};
    fc__known known = {.count = KNOWN, .columns = 1, .coordinates = x, .values = values};
    draw(1, KNOWN, x, values);
    draw(2, ASKED, asked, NULL);
    must(*state, fc__interpolate(*state, &domain, &correlation, &known, ASKED, asked, found, left));
    for (size_t p = 0; p < ASKED; p++) {
        double k[KNOWN], w[KNOWN], matrix[KNOWN * KNOWN], sum = 0.0, rest = 1.0;
        for (size_t i = 0; i < KNOWN; i++) {
            /* both axes have the unit "": one scale, the longer extent of 4 */
            double h = hypot(asked[2 * p] - x[2 * i], asked[2 * p + 1] - x[2 * i + 1]) / 4.0;
            k[i] = w[i] = (1.0 - nugget) * exp(-h / length);
            for (size_t j = 0; j < KNOWN; j++) {
                h = hypot(x[2 * j] - x[2 * i], x[2 * j + 1] - x[2 * i + 1]) / 4.0;
                matrix[i * KNOWN + j] = i == j ? 1.0 : (1.0 - nugget) * exp(-h / length);
            }
        }
        must(*state, fc__solve(*state, "kriging", KNOWN, matrix, 1, w));
        for (size_t i = 0; i < KNOWN; i++) {
            sum += w[i] * (double)values[i];
            rest -= w[i] * k[i];
        }
        assert_near((double)found[p], sum, TOLERANCE_DENSE);
        assert_near((double)left[p], rest, TOLERANCE_DENSE);
    }
}

static void far_from_everything_known_nothing_is_known(void **state)
{
    const double x[2] = {0.0, 0.0}, asked[2] = {4.0, 1.0};
    const float value = 3.0f;
    float found, left;
    fc_domain domain = plane();
    fc__correlation correlation = {.length = 0.02};
    fc__known known = {.count = 1, .columns = 1, .coordinates = x, .values = &value};
    must(*state, fc__interpolate(*state, &domain, &correlation, &known, 1, asked, &found, &left));
    assert_near((double)found, 0.0, 1e-6);
    assert_near((double)left, 1.0, 1e-6);
    known.count = 0;
    must(*state, fc__interpolate(*state, &domain, &correlation, &known, 1, asked, &found, &left));
    assert_true(found == 0.0f && left == 1.0f);
}

/* The same gap among neighbours that differ by little and by much. */
static void what_is_left_unknown_follows_how_much_the_neighbours_vary(void **state)
{
    enum { MANY = 17 };
    const double asked[2] = {0.25, 0.1};
    double x[2 * MANY];
    float values[MANY], found, same, calm, rough;
    fc_domain domain = plane();
    fc__correlation correlation = {.length = 0.5};
    fc__known known = {.count = MANY, .columns = 1, .coordinates = x, .values = values};
    fc__rng rng = fc__rng_create(5, 6);
    for (size_t k = 0; k < MANY; k++) {
        x[2 * k] = fc__rng_uniform(&rng);
        x[2 * k + 1] = fc__rng_uniform(&rng);
        values[k] = k % 2 ? 1.0f : -1.0f;
    }
    must(*state, fc__interpolate(*state, &domain, &correlation, &known, 1, asked, &found, &same));
    known.variance = 100.0;
    must(*state, fc__interpolate(*state, &domain, &correlation, &known, 1, asked, &found, &calm));
    known.variance = 0.01;
    must(*state, fc__interpolate(*state, &domain, &correlation, &known, 1, asked, &found, &rough));
    assert_true(same > 0.0f && same < 1.0f);
    /* left (left + (1 - left) q / (16 variance)): both give the same q */
    double far = (double)same;
    double calm_q = 100.0 * ((double)calm / far - far) / (1.0 - far);
    double rough_q = 0.01 * ((double)rough / far - far) / (1.0 - far);
    assert_true(calm_q > 0.0);
    assert_near(calm_q / rough_q, 1.0, 1e-3);
}

static void there_is_no_seam_at_the_date_line(void **state)
{
    const double x[4] = {359.0, 10.0, 180.0, 10.0}, asked[2] = {0.5, 10.0},
                 other[2] = {357.5, 10.0};
    const float values[2] = {1.0f, -1.0f};
    float east, west, left;
    fc_domain domain = globe();
    fc__correlation correlation = {.length = 0.1};
    fc__known known = {.count = 2, .columns = 1, .coordinates = x, .values = values};
    must(*state, fc__interpolate(*state, &domain, &correlation, &known, 1, asked, &east, &left));
    must(*state, fc__interpolate(*state, &domain, &correlation, &known, 1, other, &west, &left));
    assert_near((double)east, (double)west, 1e-6);
    /* the chord over 1.5 degrees of longitude */
    assert_near((double)east, exp(-2.0 * sin(0.75 * M_PI / 180.0) * cos(M_PI / 18.0) / 0.1), 1e-5);
}

static void a_correlation_is_found_again(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        const double length = 0.05 * (k + 1), nugget = 0.15 * k;
        fc__correlogram sums = {.shortest = 0.005, .longest = 1.0};
        for (size_t i = 0; i < 2000; i++) {
            double h = 0.005 * pow(200.0, (double)i / 2000.0);
            double rho = (1.0 - nugget) * exp(-h / length);
            fc__correlogram_add(&sums, h, 2.0, 2.0 * rho); /* E[a b] = 4 rho with both of 4 */
        }
        for (size_t c = 0; c < FC__DISTANCES; c++)
            sums.second[c] = sums.first[c];
        fc__correlation found = fc__correlation_fit(&sums);
        assert_near(found.length / length, 1.0, 0.1);
        assert_near(found.nugget, nugget, 0.03);
    }
}

/* Gaps are filled from near by: there the fit has to be right, whatever the correlation far away.
 */
static void the_shortest_distances_decide_the_fit(void **state)
{
    (void)state;
    fc__correlogram sums = {.shortest = 0.005, .longest = 1.0};
    for (size_t i = 0; i < 2000; i++) {
        double h = 0.005 * pow(200.0, (double)i / 2000.0);
        fc__correlogram_add(&sums, h, 2.0, 2.0 * (0.3 + 0.7 * exp(-h / 0.2)));
    }
    for (size_t c = 0; c < FC__DISTANCES; c++)
        sums.second[c] = sums.first[c];
    fc__correlation found = fc__correlation_fit(&sums);
    double semivariance = 1.0 - fc__correlation_at(&found, 0.01);
    assert_near(semivariance / (0.7 * (1.0 - exp(-0.05))), 1.0, 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_places_are_those_of_a_search_of_all),
        cmocka_unit_test(few_places_are_all_found),
        cmocka_unit_test(interpolation_is_exact_at_known_points),
        cmocka_unit_test(interpolation_equals_dense_kriging),
        cmocka_unit_test(far_from_everything_known_nothing_is_known),
        cmocka_unit_test(what_is_left_unknown_follows_how_much_the_neighbours_vary),
        cmocka_unit_test(there_is_no_seam_at_the_date_line),
        cmocka_unit_test(a_correlation_is_found_again),
        cmocka_unit_test(the_shortest_distances_decide_the_fit),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
