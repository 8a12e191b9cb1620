/* The pseudo-spectral solver of the vorticity equation. */
#include "data/navier_stokes.h"
#include "inr/support.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    double exact;     /* against exact solutions, relative to the largest value */
    double golden;    /* against the reference, relative; its own tolerance is 1e-12 */
    double order;     /* of the observed order of convergence, 4 */
    double conserved; /* drift of energy and enstrophy of inviscid flow, relative */
    double budget;    /* unaccounted change of energy and enstrophy, relative to their change */
    double chosen;    /* error of the chosen step after burn-in and 20 frames, relative L2 */
    double strong;    /* the same after one unit of time in faster flows */
} tolerance = {.exact = 2e-11,
               .golden = 1e-10,
               .order = 0.02,
               .conserved = 1e-11,
               .budget = 2e-8,
               .chosen = 1e-6,
               .strong = 5e-6};

#define CHECK(call) assert_int_equal((call), FC_OK)

static const double TURN = 2.0 * M_PI;

static fc__vorticity *make_solver(fc_context *context, size_t grid, double viscosity)
{
    fc__vorticity *solver;
    CHECK(fc__vorticity_create(context, grid, viscosity, &solver));
    return solver;
}

typedef double formula(double x, double y);

static void set_formula(fc__vorticity *solver, size_t grid, formula *w)
{
    double *field = malloc(grid * grid * sizeof *field);
    assert_non_null(field);
    for (size_t p = 0; p < grid * grid; p++)
        field[p] = w((double)(p % grid) / (double)grid, (double)(p / grid) / (double)grid);
    fc__vorticity_set_field(solver, field);
    free(field);
}

/* Largest difference between the field and factor * w(x, y). */
static double formula_error(fc__vorticity *solver, size_t grid, double factor, formula *w)
{
    const double *field = fc__vorticity_field(solver);
    double largest = 0.0;
    for (size_t p = 0; p < grid * grid; p++) {
        double x = (double)(p % grid) / (double)grid, y = (double)(p / grid) / (double)grid;
        largest = fmax(largest, fabs(field[p] - factor * w(x, y)));
    }
    return largest;
}

static double *copy_field(fc__vorticity *solver, size_t grid)
{
    double *copy = malloc(grid * grid * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, fc__vorticity_field(solver), grid * grid * sizeof *copy);
    return copy;
}

static double relative_difference(size_t count, const double *a, const double *b)
{
    double difference = 0.0, square = 0.0;
    for (size_t i = 0; i < count; i++) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        square += b[i] * b[i];
    }
    return sqrt(difference / square);
}

/* Several shells, and no symmetry between x and y; make_navier_stokes.py has the same. */
static double several_waves(double x, double y)
{
    return 3.0 * sin(TURN * x) * cos(TURN * 2.0 * y) + 2.0 * cos(TURN * (3.0 * x - y) + 0.5) +
           1.5 * sin(TURN * (x + 4.0 * y) - 1.0) + cos(TURN * (2.0 * x + 2.0 * y));
}

/* Waves of |k| = 5: psi is proportional to w, so that nothing is advected. */
static double one_shell(double x, double y)
{
    return sin(TURN * 5.0 * x) - 2.0 * cos(TURN * (3.0 * x + 4.0 * y)) +
           0.7 * sin(TURN * (4.0 * x - 3.0 * y));
}

static void fields_come_back_as_they_were_set(void **state)
{
    for (size_t grid = 16; grid <= 50; grid += 2) {
        fc__vorticity *solver = make_solver(*state, grid, 1e-3);
        set_formula(solver, grid, several_waves);
        assert_true(formula_error(solver, grid, 1.0, several_waves) < tolerance.exact);
        fc__vorticity_destroy(solver);
    }
}

static void waves_of_one_length_only_decay(void **state)
{
    const double viscosity = 2e-3, time = 1.3;
    for (size_t grid = 16; grid <= 48; grid += 16) {
        fc__vorticity *solver = make_solver(*state, grid, viscosity);
        set_formula(solver, grid, one_shell);
        CHECK(fc__vorticity_advance(*state, solver, time, 0.0, NULL));
        double factor = exp(-viscosity * TURN * TURN * 25.0 * time);
        assert_true(formula_error(solver, grid, factor, one_shell) < tolerance.exact);
        fc__vorticity_destroy(solver);
    }
}

static double case_forcing(double x, double y)
{
    return 0.1 * (sin(TURN * (x + y)) + cos(TURN * (x + y)));
}

/* From rest, dw/dt = nu lap w + f alone: the forcing is one wave. */
static void forcing_from_rest_gives_its_exact_response(void **state)
{
    enum { GRID = 32 };
    const double viscosity = 1e-2, time = 5.0, rate = viscosity * TURN * TURN * 2.0;
    fc__vorticity *solver = make_solver(*state, GRID, viscosity);
    fc__navier_stokes_forcing(0.1, fc__vorticity_modes(solver), fc__vorticity_forcing(solver));
    CHECK(fc__vorticity_advance(*state, solver, time, 0.02, NULL));
    double factor = (1.0 - exp(-rate * time)) / rate;
    assert_true(formula_error(solver, GRID, factor, case_forcing) < tolerance.exact);
    fc__vorticity_destroy(solver);
}

static void compare_with_reference(fc_context *context, const char *path)
{
    FILE *file = fopen(path, "r");
    size_t grid;
    double viscosity, time;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %lf %lf", &grid, &viscosity, &time), 3);
    double *expected = malloc(grid * grid * sizeof *expected);
    for (size_t p = 0; p < grid * grid; p++)
        assert_int_equal(fscanf(file, "%lf", &expected[p]), 1);
    fclose(file);
    fc__vorticity *solver = make_solver(context, grid, viscosity);
    set_formula(solver, grid, several_waves);
    fc__navier_stokes_forcing(0.1, fc__vorticity_modes(solver), fc__vorticity_forcing(solver));
    CHECK(fc__vorticity_advance(context, solver, time, 0.002, NULL));
    assert_true(relative_difference(grid * grid, fc__vorticity_field(solver), expected) <
                tolerance.golden);
    free(expected);
    fc__vorticity_destroy(solver);
}

static void field_matches_the_independent_reference(void **state)
{
    compare_with_reference(*state, FC_TEST_GOLDEN "/navier_stokes.txt");
    compare_with_reference(*state, FC_TEST_GOLDEN "/navier_stokes_1e-5.txt");
}

/* The field after one unit of time in equal steps. */
static double *field_by_steps(fc_context *context, size_t grid, size_t steps)
{
    fc__vorticity *solver = make_solver(context, grid, 1e-3);
    set_formula(solver, grid, several_waves);
    fc__navier_stokes_forcing(0.1, fc__vorticity_modes(solver), fc__vorticity_forcing(solver));
    CHECK(fc__vorticity_advance(context, solver, 1.0, 1.0 / (double)steps * (1.0 + 1e-9), NULL));
    assert_int_equal(fc__vorticity_steps(solver), steps);
    double *field = copy_field(solver, grid);
    fc__vorticity_destroy(solver);
    return field;
}

static void error_falls_with_the_fourth_power_of_the_step(void **state)
{
    enum { GRID = 32 };
    double *coarse = field_by_steps(*state, GRID, 64), *fine = field_by_steps(*state, GRID, 128);
    double *reference = field_by_steps(*state, GRID, 1024);
    double order = log2(relative_difference(GRID * GRID, coarse, reference) /
                        relative_difference(GRID * GRID, fine, reference));
    assert_true(fabs(order - 4.0) < tolerance.order);
    free(coarse);
    free(fine);
    free(reference);
}

/* Mean of a (-lap)^power b over the square, by Parseval; the half plane kx > 0 counts twice. */
static double inner_product(size_t modes, const fc__complex *a, const fc__complex *b, int power)
{
    double sum = 0.0;
    for (long ky = -(long)modes; ky <= (long)modes; ky++) {
        for (long kx = 0; kx <= (long)modes; kx++) {
            size_t i = fc__spectrum_index(modes, kx, ky);
            double product = a[i][0] * b[i][0] + a[i][1] * b[i][1];
            double square = TURN * TURN * (double)(kx * kx + ky * ky);
            if (square > 0.0)
                sum += (kx ? 2.0 : 1.0) * product * pow(square, power);
        }
    }
    return sum;
}

static double enstrophy(fc__vorticity *solver)
{
    const fc__complex *w = fc__vorticity_spectrum(solver);
    return 0.5 * inner_product(fc__vorticity_modes(solver), w, w, 0);
}

static double energy(fc__vorticity *solver)
{
    const fc__complex *w = fc__vorticity_spectrum(solver);
    return 0.5 * inner_product(fc__vorticity_modes(solver), w, w, -1);
}

static void inviscid_flow_keeps_its_energy_and_enstrophy(void **state)
{
    enum { GRID = 48 };
    fc__vorticity *solver = make_solver(*state, GRID, 0.0);
    set_formula(solver, GRID, several_waves);
    double energy_before = energy(solver), enstrophy_before = enstrophy(solver);
    double *before = copy_field(solver, GRID);
    CHECK(fc__vorticity_advance(*state, solver, 1.0, 0.002, NULL));
    assert_true(relative_difference(GRID * GRID, fc__vorticity_field(solver), before) > 0.5);
    assert_true(fabs(energy(solver) / energy_before - 1.0) < tolerance.conserved);
    assert_true(fabs(enstrophy(solver) / enstrophy_before - 1.0) < tolerance.conserved);
    free(before);
    fc__vorticity_destroy(solver);
}

/* dE/dt = -nu <w, w> + <psi, f>,   dZ/dt = -nu <grad w, grad w> + <w, f> */
static void energy_and_enstrophy_change_by_forcing_and_viscosity_alone(void **state)
{
    enum { GRID = 48, INTERVALS = 100 };
    const double viscosity = 5e-3, h = 0.005;
    fc__vorticity *solver = make_solver(*state, GRID, viscosity);
    size_t modes = fc__vorticity_modes(solver);
    const fc__complex *w = fc__vorticity_spectrum(solver), *f = fc__vorticity_forcing(solver);
    set_formula(solver, GRID, several_waves);
    fc__navier_stokes_forcing(2.0, modes, fc__vorticity_forcing(solver));
    double energy_before = energy(solver), enstrophy_before = enstrophy(solver);
    double energy_rates = 0.0, enstrophy_rates = 0.0;
    for (int i = 0; i <= INTERVALS; i++) {
        double weight = (i == 0 || i == INTERVALS ? 1.0 : i % 2 ? 4.0 : 2.0) * h / 3.0;
        energy_rates +=
            weight * (inner_product(modes, w, f, -1) - viscosity * inner_product(modes, w, w, 0));
        enstrophy_rates +=
            weight * (inner_product(modes, w, f, 0) - viscosity * inner_product(modes, w, w, 1));
        if (i < INTERVALS)
            CHECK(fc__vorticity_advance(*state, solver, h, 0.0, NULL));
    }
    double energy_change = energy(solver) - energy_before;
    double enstrophy_change = enstrophy(solver) - enstrophy_before;
    assert_true(fabs(energy_rates / energy_change - 1.0) < tolerance.budget);
    assert_true(fabs(enstrophy_rates / enstrophy_change - 1.0) < tolerance.budget);
    fc__vorticity_destroy(solver);
}

static double *case_field(fc_context *context, size_t grid, double largest, size_t *steps)
{
    fc__vorticity *solver = make_solver(context, grid, 1e-3);
    size_t modes = fc__vorticity_modes(solver);
    fc__navier_stokes_initial(5, 0, modes, fc__vorticity_spectrum(solver));
    fc__navier_stokes_forcing(0.1, modes, fc__vorticity_forcing(solver));
    CHECK(fc__vorticity_advance(context, solver, 28.5 + 19.0, largest, NULL));
    double *field = copy_field(solver, grid);
    *steps = fc__vorticity_steps(solver);
    fc__vorticity_destroy(solver);
    return field;
}

static void chosen_step_is_as_good_as_a_small_one(void **state)
{
    enum { GRID = 48 };
    size_t few, many;
    double *chosen = case_field(*state, GRID, 0.0, &few);
    double *reference = case_field(*state, GRID, 0.02, &many);
    assert_true(few < many / 2);
    assert_true(relative_difference(GRID * GRID, chosen, reference) < tolerance.chosen);
    free(chosen);
    free(reference);
}

/* One unit of time of a flow that is `strength` times several_waves. */
static double *strong_field(fc_context *context, size_t grid, double strength, double viscosity,
                            double largest)
{
    fc__vorticity *solver = make_solver(context, grid, viscosity);
    set_formula(solver, grid, several_waves);
    fc__complex *w = fc__vorticity_spectrum(solver);
    for (size_t i = 0; i < fc__spectrum_count(fc__vorticity_modes(solver)); i++) {
        w[i][0] *= strength;
        w[i][1] *= strength;
    }
    CHECK(fc__vorticity_advance(context, solver, 1.0, largest, NULL));
    double *field = copy_field(solver, grid);
    fc__vorticity_destroy(solver);
    return field;
}

/* The first case is bound by stability, the second by accuracy. */
static void chosen_step_follows_the_strength_of_the_flow(void **state)
{
    enum { GRID = 64 };
    static const struct {
        double strength, viscosity;
    } flows[] = {{1.0, 1e-3}, {8.0, 1e-2}};
    for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) {
        double strength = flows[i].strength, viscosity = flows[i].viscosity;
        double *chosen = strong_field(*state, GRID, strength, viscosity, 0.0);
        double *reference = strong_field(*state, GRID, strength, viscosity, 0.002);
        assert_true(relative_difference(GRID * GRID, chosen, reference) < tolerance.strong);
        free(chosen);
        free(reference);
    }
}

/* Without forcing the enstrophy can only fall, and does at any viscosity if the step is stable. */
static void chosen_step_is_stable_at_any_viscosity(void **state)
{
    static const double viscosities[] = {0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1.0};
    for (size_t i = 0; i < sizeof viscosities / sizeof *viscosities; i++) {
        fc__vorticity *solver = make_solver(*state, 64, viscosities[i]);
        set_formula(solver, 64, several_waves);
        double before = enstrophy(solver);
        for (int t = 0; t < 8; t++) {
            CHECK(fc__vorticity_advance(*state, solver, 1.0, 0.0, NULL));
            double after = enstrophy(solver);
            assert_true(after <= before);
            before = after;
        }
        fc__vorticity_destroy(solver);
    }
}

static void state_that_is_not_finite_is_reported_with_its_time(void **state)
{
    fc__vorticity *solver = make_solver(*state, 16, 1e-3);
    double elapsed = -1.0;
    set_formula(solver, 16, several_waves);
    CHECK(fc__vorticity_advance(*state, solver, 0.5, 0.0, &elapsed));
    assert_true(elapsed == 0.5);
    fc__vorticity_spectrum(solver)[3][1] = NAN;
    assert_int_equal(fc__vorticity_advance(*state, solver, 0.5, 0.0, &elapsed), FC_ERROR_SOLVER);
    assert_true(elapsed == 0.0);
    fc__vorticity_destroy(solver);
}

static int set_up(void **state)
{
    return fc_context_create(2, (fc_context **)state) == FC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    fc_context_destroy(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_come_back_as_they_were_set),
        cmocka_unit_test(waves_of_one_length_only_decay),
        cmocka_unit_test(forcing_from_rest_gives_its_exact_response),
        cmocka_unit_test(field_matches_the_independent_reference),
        cmocka_unit_test(error_falls_with_the_fourth_power_of_the_step),
        cmocka_unit_test(inviscid_flow_keeps_its_energy_and_enstrophy),
        cmocka_unit_test(energy_and_enstrophy_change_by_forcing_and_viscosity_alone),
        cmocka_unit_test(chosen_step_is_as_good_as_a_small_one),
        cmocka_unit_test(chosen_step_follows_the_strength_of_the_flow),
        cmocka_unit_test(chosen_step_is_stable_at_any_viscosity),
        cmocka_unit_test(state_that_is_not_finite_is_reported_with_its_time),
    };
    return cmocka_run_group_tests_name("vorticity", tests, set_up, tear_down);
}
