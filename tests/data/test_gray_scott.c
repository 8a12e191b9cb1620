/* The Gray-Scott case: another method, uniform fields as an ordinary differential equation, pure
 * diffusion, steps and grids. */
#include "data/gray_scott.h"
#include "tests/data/data_testing.h"

static const struct {
    double golden;  /* against another method, relative; mostly the step */
    double exact;   /* rounding of double precision */
    double uniform; /* against small steps of another method */
    double step;    /* chosen steps against half of them, relative */
    double grid;    /* the default grid against a finer one, relative */
} tolerance = {.golden = 1e-5, .exact = 1e-12, .uniform = 1e-6, .step = 3e-5, .grid = 3e-5};

static fc_dataset *generate(fc_context *context, const fc_gray_scott_config *config)
{
    fc_dataset *dataset;
    MADE(context, fc_gray_scott_generate(context, config, &dataset), &dataset);
    return dataset;
}

static void fields_agree_with_another_method(void **state)
{
    FILE *file = open_golden("gray_scott.txt");
    fc_gray_scott_config config = fc_gray_scott_config_default();
    float expected[2 * 16 * 16];
    config.output_grid = (size_t)next_number(file);
    config.seed = (uint64_t)next_number(file);
    size_t trajectory = (size_t)next_number(file);
    config.length = next_number(file);
    config.feed = next_number(file);
    config.kill = next_number(file);
    config.diffusion_u = next_number(file);
    config.diffusion_v = next_number(file);
    config.interval = next_number(file);
    config.sequences = trajectory + 1;
    config.frames = 2;
    assert_int_equal(config.output_grid, 16);
    fc_dataset *dataset;
    MADE(*state, fc_gray_scott_open(*state, &config, &dataset), &dataset);
    CHECK(fc_dataset_load(*state, dataset, trajectory, 1, 1));
    for (size_t i = 0; i < 2 * 16 * 16; i++)
        expected[i] = (float)next_number(file);
    fclose(file);
    assert_true(distance(2 * 16 * 16, frame_of(dataset, trajectory, 1), expected) <
                tolerance.golden);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- parts of the equation */

/* By the classical Runge-Kutta method with small steps. */
static void integrate(const fc_gray_scott_config *c, double duration, double w[2])
{
    const size_t steps = 20000;
    double h = duration / (double)steps;
    static const double nodes[4] = {0.0, 0.5, 0.5, 1.0}, weights[4] = {1.0, 2.0, 2.0, 1.0};
    for (size_t i = 0; i < steps; i++) {
        double rate[2] = {0.0, 0.0}, sum[2] = {0.0, 0.0};
        for (size_t k = 0; k < 4; k++) {
            double u = w[0] + nodes[k] * h * rate[0], v = w[1] + nodes[k] * h * rate[1];
            rate[0] = -u * v * v + c->feed * (1.0 - u);
            rate[1] = u * v * v - (c->feed + c->kill) * v;
            for (size_t j = 0; j < 2; j++)
                sum[j] += weights[k] * rate[j];
        }
        for (size_t j = 0; j < 2; j++)
            w[j] += h / 6.0 * sum[j];
    }
}

static void uniform_fields_follow_the_reaction_alone(void **state)
{
    enum { GRID = 16, POINTS = GRID * GRID };
    const fc_gray_scott_config config = fc_gray_scott_config_default();
    const fc__periodic_equation equation = fc__gray_scott_equation(&config);
    double expected[2] = {0.5, 0.4};
    fc__periodic *solver;
    CHECK(fc__periodic_create(*state, &equation, GRID, &solver));
    for (size_t p = 0; p < 2 * POINTS; p++)
        fc__periodic_buffer(solver)[p] = expected[p / POINTS];
    fc__periodic_take(solver);
    CHECK(fc__periodic_advance(NULL, solver, 40.0, 0.25, NULL));
    integrate(&config, 40.0, expected);
    const double *values = fc__periodic_values(solver);
    for (size_t p = 0; p < 2 * POINTS; p++)
        assert_true(fabs(values[p] - expected[p / POINTS]) < tolerance.uniform);
    fc__periodic_destroy(solver);
}

/* Without v nothing reacts: u - 1 diffuses and decays at the rate of the feed. */
static void substrate_alone_diffuses_exactly(void **state)
{
    enum { GRID = 16, POINTS = GRID * GRID };
    const fc_gray_scott_config config = fc_gray_scott_config_default();
    const fc__periodic_equation equation = fc__gray_scott_equation(&config);
    double kappa = 2.0 * M_PI / config.length, square = kappa * kappa * (9.0 + 4.0);
    fc__periodic *solver;
    CHECK(fc__periodic_create(*state, &equation, GRID, &solver));
    double *buffer = fc__periodic_buffer(solver);
    for (size_t p = 0; p < POINTS; p++) {
        double phase = 2.0 * M_PI / GRID * (3.0 * (double)(p % GRID) + 2.0 * (double)(p / GRID));
        buffer[p] = 0.7 + 0.2 * cos(phase);
        buffer[POINTS + p] = 0.0;
    }
    fc__periodic_take(solver);
    CHECK(fc__periodic_advance(NULL, solver, 15.0, 1.0, NULL));
    const double *values = fc__periodic_values(solver);
    for (size_t p = 0; p < POINTS; p++) {
        double phase = 2.0 * M_PI / GRID * (3.0 * (double)(p % GRID) + 2.0 * (double)(p / GRID));
        double expected =
            1.0 + exp(-config.feed * 15.0) *
                      (-0.3 + 0.2 * exp(-config.diffusion_u * square * 15.0) * cos(phase));
        assert_true(fabs(values[p] - expected) < tolerance.exact);
        assert_true(values[POINTS + p] == 0.0);
    }
    fc__periodic_destroy(solver);
}

/* ---------------------------------------------------------------- initial fields, accuracy */

static void first_fields_are_three_squares(void **state)
{
    (void)state;
    fc_gray_scott_config config = fc_gray_scott_config_default();
    config.grid = 64;
    double *values = malloc(2 * 64 * 64 * sizeof *values), inside = 0.0;
    for (size_t trajectory = 0; trajectory < 20; trajectory++) {
        fc__gray_scott_initial(&config, trajectory, values);
        for (size_t p = 0; p < 64 * 64; p++) {
            double u = values[p], v = values[64 * 64 + p];
            assert_true(u >= 0.0 && u <= 0.95 && fabs(u + v - 1.0) < tolerance.exact);
            inside += (1.0 - u / 0.95) / 20.0; /* spacing 1: the area of the squares */
        }
    }
    free(values);
    assert_true(inside > 85.0 && inside < 108.0); /* 3 x 6 x 6, less where they overlap */
}

static void chosen_steps_and_grids_are_fine_enough(void **state)
{
    fc_gray_scott_config config = fc_gray_scott_config_default();
    config.sequences = 1;
    config.frames = 2;
    fc_dataset *chosen = generate(*state, &config);
    config.step = 0.5;
    fc_dataset *shorter = generate(*state, &config);
    config.step = 0.0;
    config.grid = 192;
    fc_dataset *finer = generate(*state, &config);
    for (size_t f = 0; f < 2; f++) {
        const float *values = frame_of(chosen, 0, f);
        assert_int_equal(chosen->points[0].count, 32 * 32);
        assert_true(distance(2 * 32 * 32, values, frame_of(shorter, 0, f)) < tolerance.step);
        assert_true(distance(2 * 32 * 32, values, frame_of(finer, 0, f)) < tolerance.grid);
    }
    fc_dataset_destroy(chosen);
    fc_dataset_destroy(shorter);
    fc_dataset_destroy(finer);
}

static void faults_are_those_of_all_settings(void **state)
{
    fc_gray_scott_config config = fc_gray_scott_config_default();
    fc_dataset *dataset;
    config.length = 0.0;
    config.feed = -0.1;
    config.kill = NAN;
    config.diffusion_u = config.diffusion_v = -1.0;
    assert_int_equal(fc_gray_scott_open(*state, &config, &dataset), FC_ERROR_USAGE);
    static const char *const parts[] = {"gray-scott: length is 0; a positive number",
                                        "feed is -0.1; 0 or a positive number", "kill is nan",
                                        "diffusion_u is -1", "diffusion_v is -1"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(fc_context_message(*state), parts[i]))
            fail_msg("\"%s\" is not in \"%s\"", parts[i], fc_context_message(*state));
}

static void steps_without_end_are_reported_with_advice(void **state)
{
    fc_gray_scott_config config = fc_gray_scott_config_default();
    fc_dataset *dataset;
    config.sequences = 1;
    config.grid = config.output_grid = 32;
    config.step = 1e-9;
    assert_int_equal(fc_gray_scott_generate(*state, &config, &dataset), FC_ERROR_SOLVER);
    assert_null(dataset);
    assert_non_null(strstr(fc_context_message(*state), "gray-scott: the solution of trajectory 0"));
    assert_non_null(strstr(fc_context_message(*state), "try a smaller step or a finer grid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_agree_with_another_method),
        cmocka_unit_test(uniform_fields_follow_the_reaction_alone),
        cmocka_unit_test(substrate_alone_diffuses_exactly),
        cmocka_unit_test(first_fields_are_three_squares),
        cmocka_unit_test(chosen_steps_and_grids_are_fine_enough),
        cmocka_unit_test(faults_are_those_of_all_settings),
        cmocka_unit_test(steps_without_end_are_reported_with_advice),
    };
    return cmocka_run_group_tests_name("gray_scott", tests, context_setup, context_teardown);
}
