/* Sines and cosines of the filters against the mathematics library in long double. */
#include "inr/filters.h"
#include "tests/inr/decoder_fixture.h"

/* Half a unit of float twice (of the argument and of the result), and the rounding of the phase in
 * double, in units of the phase. */
static const long double of_float = 1.2e-7L, of_double = 4e-16L;

typedef struct filter_case {
    size_t layers, count, inputs, points;
    double largest; /* of |Omega| */
    bool whole, shared;
    double reach; /* of |x| */
} filter_case;

static void check_point(const filter_case *c, const double *omega, const double *x, const float *s)
{
    for (size_t f = 0; f < c->count; f++) {
        long double phase = 0.0L, size = 0.0L;
        for (size_t j = 0; j < c->inputs; j++) {
            phase += (long double)omega[f * c->inputs + j] * (long double)x[j];
            size += fabsl((long double)omega[f * c->inputs + j] * (long double)x[j]);
        }
        long double allowed = of_float + of_double * size;
        if (fabsl((long double)s[f] - sinl(phase)) > allowed ||
            fabsl((long double)s[c->count + f] - cosl(phase)) > allowed)
            fail_msg("filter %zu of %zu: sine off by %Lg, cosine by %Lg", f, c->count,
                     (long double)s[f] - sinl(phase), (long double)s[c->count + f] - cosl(phase));
    }
}

static void check_case(fc_context *context, const filter_case *c)
{
    enum { GUARD = 2 };
    size_t layer = c->count * c->inputs, ld = (2 * c->count + 15) / 16 * 16;
    size_t distinct = c->shared ? 1 : c->layers, matrix = c->points * ld + GUARD;
    double *omega = zeros(c->layers * layer, sizeof *omega);
    double *x = zeros(c->points * c->inputs, sizeof *x);
    float *s = zeros(distinct * matrix, sizeof *s);
    fc__rng rng = fc__rng_create(c->count, 3);
    for (size_t i = 0; i < c->layers * layer; i++) {
        omega[i] = c->largest * (2.0 * fc__rng_uniform(&rng) - 1.0);
        if (c->whole)
            omega[i] = round(omega[i]);
        if (c->shared && i >= layer)
            omega[i] = omega[i - layer];
    }
    for (size_t i = 0; i < c->points * c->inputs; i++)
        x[i] = c->reach * (2.0 * fc__rng_uniform(&rng) - 1.0);
    memset(s, 0x7f, distinct * matrix * sizeof *s);
    fc__filters filters;
    CHECK(fc__filters_create(context, c->whole ? FC_FILTER_INTEGER : FC_FILTER_RANDOM, c->layers,
                             c->count, c->inputs, omega, &filters));
    assert_int_equal(filters.distinct, distinct);
    assert_int_equal(filters.whole, c->whole);
    double *work = zeros(fc__filters_work_size(&filters), sizeof *work);
    fc__filters_tile(&filters, c->points, x, s, ld, matrix, work);
    for (size_t l = 0; l < distinct; l++) {
        for (size_t p = 0; p < c->points; p++) {
            const float *row = s + l * matrix + p * ld;
            check_point(c, omega + l * layer, x + p * c->inputs, row);
            for (size_t i = 2 * c->count; i < ld; i++)
                assert_true(row[i] == 0.0f);
        }
        for (size_t i = c->points * ld; i < matrix; i++)
            assert_true(s[l * matrix + i] > 1e38f); /* not touched */
    }
    fc__filters_clear(&filters);
    free(omega);
    free(x);
    free(s);
    free(work);
}

static void whole_filters_match_the_mathematics_library(void **state)
{
    const filter_case cases[] = {
        {1, 250, 2, 37, 12.0, true, true, 7.0},  {3, 7, 1, 16, 4096.0, true, false, 7.0},
        {2, 16, 3, 5, 6.0, true, true, 7.0},     {2, 33, 4, 17, 3.0, true, false, 7.0},
        {1, 20, 2, 33, 20.0, true, true, 1.0e8}, {1, 1, 2, 1, 5.0, true, true, 7.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(*state, &cases[i]);
}

static void other_filters_match_the_mathematics_library(void **state)
{
    const filter_case cases[] = {
        {1, 250, 2, 37, 60.0, false, true, 7.0}, {4, 32, 2, 16, 60.0, false, false, 7.0},
        {2, 9, 1, 5, 500.0, false, false, 7.0},  {2, 33, 3, 17, 30.0, false, true, 1.0},
        {1, 17, 4, 3, 30.0, false, true, 1.0},   {1, 12, 2, 9, 1e6, false, true, 90.0},
        {1, 12, 2, 9, 1e9, false, true, 700.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(*state, &cases[i]);
}

static void a_value_does_not_depend_on_the_points_beside_it(void **state)
{
    enum { POINTS = 40, FILTERS = 21, WIDTH = 2 * FILTERS };
    for (int whole = 0; whole < 2; whole++) {
        double omega[FILTERS * 2], x[POINTS * 2];
        float together[POINTS * WIDTH], alone[WIDTH];
        fc__rng rng = fc__rng_create(4, 1);
        for (size_t i = 0; i < FILTERS * 2; i++)
            omega[i] = whole ? (double)fc__rng_below(&rng, 9) - 4.0 : 9.0 * fc__rng_normal(&rng);
        for (size_t i = 0; i < POINTS * 2; i++)
            x[i] = 6.0 * fc__rng_uniform(&rng);
        fc__filters filters;
        CHECK(fc__filters_create(*state, FC_FILTER_RANDOM, 1, FILTERS, 2, omega, &filters));
        double *work = zeros(fc__filters_work_size(&filters), sizeof *work);
        fc__filters_tile(&filters, POINTS, x, together, WIDTH, 0, work);
        for (size_t p = 0; p < POINTS; p++) {
            fc__filters_tile(&filters, 1, x + 2 * p, alone, WIDTH, 0, work);
            assert_memory_equal(alone, together + p * WIDTH, sizeof alone);
        }
        fc__filters_clear(&filters);
        free(work);
    }
}

static void points_that_are_not_numbers_give_no_numbers(void **state)
{
    const double omega[] = {1.0, 2.5}, whole[] = {1.0, 2.0}, x = NAN;
    for (int i = 0; i < 2; i++) {
        fc__filters filters;
        float s[4];
        CHECK(fc__filters_create(*state, FC_FILTER_RANDOM, 1, 2, 1, i ? whole : omega, &filters));
        double *work = zeros(fc__filters_work_size(&filters), sizeof *work);
        fc__filters_tile(&filters, 1, &x, s, 4, 0, work);
        for (int k = 0; k < 4; k++)
            assert_true(isnan(s[k]));
        fc__filters_clear(&filters);
        free(work);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_filters_match_the_mathematics_library),
        cmocka_unit_test(other_filters_match_the_mathematics_library),
        cmocka_unit_test(a_value_does_not_depend_on_the_points_beside_it),
        cmocka_unit_test(points_that_are_not_numbers_give_no_numbers),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
