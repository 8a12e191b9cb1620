/* The solver on periodic boxes: exact solutions, order of convergence, aliasing, failures. */
#include "data/gray_scott.h"
#include "data/periodic_run.h"
#include "tests/data/data_testing.h"

static const struct {
    double exact; /* rounding of double precision */
    double order; /* of convergence, 4, from below */
} tolerance = {.exact = 1e-12, .order = 3.7};

static fc__periodic *make(fc_context *context, const fc__periodic_equation *equation, size_t grid)
{
    fc__periodic *solver;
    CHECK(fc__periodic_create(context, equation, grid, &solver));
    return solver;
}

/* ---------------------------------------------------------------- exact solutions */

static double decay(const void *parameters, size_t field, double square)
{
    return -*(const double *)parameters * (double)(field + 1) * square;
}

static void nothing(const void *parameters, size_t points, const double *values, double *result)
{
    (void)parameters;
    (void)values;
    memset(result, 0, 2 * points * sizeof *result); /* two fields */
}

/* On a square of side 3, with two fields that decay at different rates; also where values lie. */
static void waves_without_a_product_decay_exactly(void **state)
{
    enum { GRID = 20 };
    const double diffusivity = 0.3, kx = 2.0 * M_PI * 2.0 / 3.0, ky = -2.0 * M_PI * 5.0 / 3.0;
    const fc__periodic_equation equation = {.dims = 2,
                                            .fields = 2,
                                            .length = 3.0,
                                            .parameters = &diffusivity,
                                            .rate = decay,
                                            .product = nothing};
    fc__periodic *solver = make(*state, &equation, GRID);
    double *buffer = fc__periodic_buffer(solver), elapsed;
    float stored[2 * 10 * 10];
    for (size_t p = 0; p < GRID * GRID; p++) {
        double phase = kx * 3.0 * (double)(p % GRID) / GRID + ky * 3.0 * (double)(p / GRID) / GRID;
        buffer[p] = cos(phase);
        buffer[GRID * GRID + p] = 2.0 * sin(phase);
    }
    fc__periodic_take(solver);
    CHECK(fc__periodic_advance(NULL, solver, 0.05, 0.02, &elapsed));
    assert_true(elapsed == 0.05);
    assert_int_equal(fc__periodic_steps(solver), 3);
    const double *values = fc__periodic_values(solver);
    double size = exp(-diffusivity * (kx * kx + ky * ky) * 0.05);
    for (size_t p = 0; p < GRID * GRID; p++) {
        double phase = kx * 3.0 * (double)(p % GRID) / GRID + ky * 3.0 * (double)(p / GRID) / GRID;
        assert_true(fabs(values[p] - size * cos(phase)) < tolerance.exact);
        assert_true(fabs(values[GRID * GRID + p] - 2.0 * size * size * sin(phase)) <
                    tolerance.exact);
    }
    double there = values[GRID * GRID + 4 * GRID + 6];
    fc__periodic_store(solver, 10, stored);
    assert_true(stored[2 * (2 * 10 + 3) + 1] == (float)there);
    fc__periodic_destroy(solver);
}

static double steep(const void *parameters, size_t field, double square)
{
    (void)parameters;
    (void)field;
    return -square * square;
}

/* The sum of all kept waves as a source: u = (exp(L t) - 1) / L at every one, with |L| from 0 and
 * 1e-3 to 1e5, whatever the step. */
static void source(const void *parameters, size_t points, const double *values, double *result)
{
    (void)values;
    memcpy(result, parameters, points * sizeof *result);
}

static void a_steady_source_is_integrated_exactly(void **state)
{
    enum { GRID = 64, MODES = 21 };
    double waves[GRID];
    for (size_t p = 0; p < GRID; p++) {
        waves[p] = 1.0;
        for (size_t k = 1; k <= MODES; k++)
            waves[p] += 2.0 * cos(2.0 * M_PI * (double)(k * p % GRID) / GRID);
    }
    const fc__periodic_equation equation = {.dims = 1,
                                            .fields = 1,
                                            .length = 2.0 * M_PI * 5.6,
                                            .parameters = waves,
                                            .rate = steep,
                                            .product = source};
    fc__periodic *solver = make(*state, &equation, GRID);
    assert_int_equal(fc__periodic_modes(solver), MODES);
    CHECK(fc__periodic_advance(NULL, solver, 2.0, 0.7, NULL));
    for (long k = 0; k <= MODES; k++) {
        double rate = steep(NULL, 0, pow((double)k / 5.6, 2.0));
        double expected = k ? expm1(2.0 * rate) / rate : 2.0;
        const double *found = fc__periodic_coefficient(solver, 0, k, 0);
        assert_true(fabs(found[0] - expected) < tolerance.exact * fabs(expected));
        assert_true(fabs(found[1]) < tolerance.exact);
    }
    fc__periodic_destroy(solver);
}

/* ---------------------------------------------------------------- the product */

static double none(const void *parameters, size_t field, double square)
{
    (void)parameters;
    (void)field;
    (void)square;
    return 0.0;
}

/* u u_x of a wave has twice its wave number, which where it is not kept leaves nothing. */
static void products_of_kept_waves_are_free_of_aliasing(void **state)
{
    const fc__periodic_equation equation = {.dims = 1,
                                            .fields = 1,
                                            .length = 1.0,
                                            .rate = none,
                                            .product = fc__half_square,
                                            .flux = true};
    fc__periodic *solver = make(*state, &equation, 32);
    fc__periodic_coefficient(solver, 0, 9, 0)[0] = 0.5;
    CHECK(fc__periodic_advance(NULL, solver, 1e-3, 1e-3, NULL));
    for (long k = 0; k <= 10; k++)
        assert_true(fabs(fc__periodic_coefficient(solver, 0, k, 0)[0] - (k == 9 ? 0.5 : 0.0)) <
                    tolerance.exact);
    fc__periodic_clear(solver);
    fc__periodic_coefficient(solver, 0, 3, 0)[0] = 0.5; /* cos(6 pi x) */
    CHECK(fc__periodic_advance(NULL, solver, 1e-6, 1e-6, NULL));
    /* -u u_x = 3 pi sin(12 pi x), whose coefficient is -i 3 pi / 2 */
    assert_true(fabs(fc__periodic_coefficient(solver, 0, 6, 0)[1] / 1e-6 + 1.5 * M_PI) < 1e-4);
    fc__periodic_destroy(solver);
}

/* ---------------------------------------------------------------- order of convergence */

static double chaos(const void *parameters, size_t field, double square)
{
    (void)parameters;
    (void)field;
    return square - square * square;
}

static double viscous(const void *parameters, size_t field, double square)
{
    (void)parameters;
    (void)field;
    return -0.02 * square;
}

/* Largest difference of the values after `duration` in `fewest` steps, twice and four times as many
 * from those in 64 times as many. */
static void measure(fc_context *context, const fc__periodic_equation *equation, size_t grid,
                    const double *start, double duration, double fewest, double error[3])
{
    const double steps[] = {64.0 * fewest, fewest, 2.0 * fewest, 4.0 * fewest};
    size_t count = equation->fields * (equation->dims == 2 ? grid * grid : grid);
    double *right = malloc(count * sizeof *right);
    for (size_t i = 0; i < 4; i++) {
        fc__periodic *solver = make(context, equation, grid);
        memcpy(fc__periodic_buffer(solver), start, count * sizeof *start);
        fc__periodic_take(solver);
        CHECK(fc__periodic_advance(NULL, solver, duration, duration / steps[i], NULL));
        const double *values = fc__periodic_values(solver);
        if (i == 0)
            memcpy(right, values, count * sizeof *right);
        else
            error[i - 1] = 0.0;
        for (size_t p = 0; i > 0 && p < count; p++)
            error[i - 1] = fmax(error[i - 1], fabs(values[p] - right[p]));
        fc__periodic_destroy(solver);
    }
    free(right);
}

static void assert_order(const char *what, const double error[3])
{
    for (size_t i = 0; i < 2; i++)
        if (!(error[i + 1] > 1e-12 && log2(error[i] / error[i + 1]) > tolerance.order))
            fail_msg("%s: errors %g, %g, %g", what, error[0], error[1], error[2]);
}

static void error_falls_with_the_fourth_power_of_the_step(void **state)
{
    enum { GRID = 64, SQUARE = 16 };
    double start[2 * GRID * GRID], error[3];
    fc__periodic_equation equation = {.dims = 1,
                                      .fields = 1,
                                      .length = 1.0,
                                      .rate = viscous,
                                      .product = fc__half_square,
                                      .flux = true};
    for (size_t p = 0; p < GRID; p++) {
        double x = 2.0 * M_PI * (double)p / GRID;
        start[p] = sin(x) + 0.5 * cos(2.0 * x + 1.0);
    }
    measure(*state, &equation, GRID, start, 0.1, 16.0, error);
    assert_order("Burgers", error);
    equation.length = 22.0;
    equation.rate = chaos;
    /* Modes of rate L show the order only where h L is small: 4 is approached from below. */
    measure(*state, &equation, GRID, start, 2.0, 256.0, error);
    assert_order("Kuramoto-Sivashinsky", error);
    fc_gray_scott_config config = fc_gray_scott_config_default();
    config.length = 20.0;
    equation = fc__gray_scott_equation(&config);
    for (size_t p = 0; p < SQUARE * SQUARE; p++) {
        double x = 2.0 * M_PI * (double)(p % SQUARE) / SQUARE,
               y = 2.0 * M_PI * (double)(p / SQUARE);
        start[p] = 0.6 + 0.3 * cos(x);
        start[SQUARE * SQUARE + p] = 0.3 + 0.2 * sin(y / SQUARE - x);
    }
    measure(*state, &equation, SQUARE, start, 20.0, 16.0, error);
    assert_order("Gray-Scott", error);
}

/* ---------------------------------------------------------------- failures */

static double growth(const void *parameters, size_t field, double square)
{
    (void)parameters;
    (void)field;
    (void)square;
    return 1e3;
}

static void failures_are_told_with_the_time_that_was_reached(void **state)
{
    fc__periodic_equation equation = {.dims = 1,
                                      .fields = 1,
                                      .length = 1.0,
                                      .rate = growth,
                                      .product = fc__half_square,
                                      .flux = true};
    fc__periodic *solver = make(*state, &equation, 16);
    fc_context *context;
    double elapsed;
    fc__periodic_coefficient(solver, 0, 1, 0)[0] = 1.0;
    assert_int_equal(fc__periodic_advance(NULL, solver, 10.0, 0.1, &elapsed), FC_ERROR_SOLVER);
    assert_true(elapsed < 10.0);
    fc__periodic_clear(solver);
    assert_int_equal(fc__periodic_advance(NULL, solver, 10.0, 1e-9, NULL), FC_ERROR_SOLVER);
    assert_int_equal(fc__periodic_advance(NULL, solver, 10.0, NAN, NULL), FC_ERROR_SOLVER);
    CHECK(fc_context_create(1, &context));
    fc_context_interrupt(context);
    assert_int_equal(fc__periodic_advance(context, solver, 1.0, 0.1, &elapsed), FC_INTERRUPTED);
    assert_true(elapsed == 0.0);
    fc_context_destroy(context);
    fc__periodic_destroy(solver);
    fc__periodic_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waves_without_a_product_decay_exactly),
        cmocka_unit_test(a_steady_source_is_integrated_exactly),
        cmocka_unit_test(products_of_kept_waves_are_free_of_aliasing),
        cmocka_unit_test(error_falls_with_the_fourth_power_of_the_step),
        cmocka_unit_test(failures_are_told_with_the_time_that_was_reached),
    };
    return cmocka_run_group_tests_name("periodic", tests, context_setup, context_teardown);
}
