/* The Burgers case: the transformation of Cole and Hopf, order of convergence, conservation. */
#include "tests/data/data_testing.h"

static const struct {
    double exact;      /* against Cole and Hopf, relative; float and the golden's nine digits */
    double resolution; /* of the default grid against one twice as fine, relative */
    double mean;       /* drift of the mean, absolute; float */
    double energy;     /* its budget by differences over frames, relative */
} tolerance = {.exact = 2e-7, .resolution = 1e-5, .mean = 1e-7, .energy = 1e-3};

static fc_dataset *generate(fc_context *context, const fc_burgers_config *config)
{
    fc_dataset *dataset;
    MADE(context, fc_burgers_generate(context, config, &dataset), &dataset);
    return dataset;
}

static fc_burgers_config one_trajectory(void)
{
    fc_burgers_config config = fc_burgers_config_default();
    config.sequences = 1;
    config.seed = 7;
    return config;
}

static void fields_are_those_of_cole_and_hopf(void **state)
{
    FILE *file = open_golden("burgers.txt");
    fc_burgers_config config = fc_burgers_config_default();
    float expected[128];
    config.grid = (size_t)next_number(file);
    config.seed = (uint64_t)next_number(file);
    size_t trajectory = (size_t)next_number(file);
    config.viscosity = next_number(file);
    config.sequences = trajectory + 1;
    assert_int_equal(config.grid, 128);
    fc_dataset *dataset = generate(*state, &config);
    for (size_t k = 0; k < 2; k++) {
        size_t frame = (size_t)lround(next_number(file) / config.interval);
        for (size_t p = 0; p < 128; p++)
            expected[p] = (float)next_number(file);
        assert_true(distance(128, frame_of(dataset, trajectory, frame), expected) <
                    tolerance.exact);
    }
    fclose(file);
    fc_dataset_destroy(dataset);
}

static void the_chosen_step_is_small_enough(void **state)
{
    fc_burgers_config config = one_trajectory();
    fc_dataset *chosen = generate(*state, &config);
    config.step = 1e-4; /* an eighth of it, and so an error 4096 times smaller */
    fc_dataset *shorter = generate(*state, &config);
    for (size_t f = 0; f < config.frames; f++)
        assert_true(distance(256, frame_of(chosen, 0, f), frame_of(shorter, 0, f)) <
                    tolerance.exact);
    fc_dataset_destroy(chosen);
    fc_dataset_destroy(shorter);
}

static void the_default_grid_resolves_the_fronts(void **state)
{
    fc_burgers_config config = one_trajectory();
    config.sequences = 2;
    fc_dataset *coarse = generate(*state, &config);
    config.grid = 512;
    config.output_grid = 256;
    fc_dataset *fine = generate(*state, &config);
    for (size_t s = 0; s < 2; s++)
        for (size_t f = 1; f < config.frames; f++) /* first frames differ in small scales */
            assert_true(distance(256, frame_of(coarse, s, f), frame_of(fine, s, f)) <
                        tolerance.resolution);
    fc_dataset_destroy(coarse);
    fc_dataset_destroy(fine);
}

/* d/dt int u^2 / 2 = -nu int u_x^2, both by sums over the points, in time by differences of order
 * 4. */
static void mean_is_conserved_and_energy_is_dissipated(void **state)
{
    fc_burgers_config config = one_trajectory();
    double energy[5] = {0}, dissipation = 0.0, mean = 0.0;
    config.interval = 0.01;
    config.frames = 45;
    fc_dataset *dataset = generate(*state, &config);
    for (size_t f = 0; f < config.frames; f++) {
        double sum = 0.0;
        for (size_t p = 0; p < 256; p++)
            sum += (double)frame_of(dataset, 0, f)[p] / 256.0;
        mean = fmax(mean, fabs(sum));
    }
    assert_true(mean < tolerance.mean);
    for (size_t f = 38; f < 43; f++)
        for (size_t p = 0; p < 256; p++)
            energy[f - 38] += 0.5 * pow((double)frame_of(dataset, 0, f)[p], 2.0) / 256.0;
    const float *u = frame_of(dataset, 0, 40);
    static const double weights[4] = {0.0, 3.0 / 4.0, -3.0 / 20.0, 1.0 / 60.0};
    for (size_t p = 0; p < 256; p++) {
        double slope = 0.0;
        for (size_t k = 1; k < 4; k++)
            slope += weights[k] * 256.0 * ((double)u[(p + k) % 256] - (double)u[(p - k) % 256]);
        dissipation += config.viscosity * slope * slope / 256.0;
    }
    double rate = (energy[0] - 8.0 * energy[1] + 8.0 * energy[3] - energy[4]) / (12.0 * 0.01);
    assert_true(fabs(rate + dissipation) < tolerance.energy * dissipation);
    fc_dataset_destroy(dataset);
}

static void faults_are_those_of_all_settings(void **state)
{
    fc_burgers_config config = fc_burgers_config_default();
    fc_dataset *dataset;
    config.viscosity = 0.0;
    config.step = -1.0;
    config.output_grid = 100;
    assert_int_equal(fc_burgers_open(*state, &config, &dataset), FC_ERROR_USAGE);
    assert_string_equal(fc_context_message(*state),
                        "burgers: output_grid is 100; a divisor of grid 256, or 0, is accepted; "
                        "viscosity is 0; a positive number is needed; step is -1; 0 or a positive "
                        "time is accepted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_those_of_cole_and_hopf),
        cmocka_unit_test(the_chosen_step_is_small_enough),
        cmocka_unit_test(the_default_grid_resolves_the_fronts),
        cmocka_unit_test(mean_is_conserved_and_energy_is_dissipated),
        cmocka_unit_test(faults_are_those_of_all_settings),
    };
    return cmocka_run_group_tests_name("burgers", tests, context_setup, context_teardown);
}
