/* The Kuramoto-Sivashinsky case: another method, the budget of its energy, steps and grids. */
#include "tests/data/data_testing.h"

static const struct {
    double golden; /* against another method, relative; float and the golden's nine digits */
    double step;   /* over 5 units, chosen steps against a quarter of them, relative */
    double grid;   /* over 5 units, against twice as many points, relative */
    double mean;   /* absolute; float */
    double energy; /* its budget by differences over frames, relative to its largest term */
} tolerance = {.golden = 2e-6, .step = 3e-6, .grid = 3e-5, .mean = 1e-6, .energy = 3e-3};

static fc_dataset *generate(fc_context *context, const fc_kuramoto_sivashinsky_config *config)
{
    fc_dataset *dataset;
    MADE(context, fc_kuramoto_sivashinsky_generate(context, config, &dataset), &dataset);
    return dataset;
}

static void fields_agree_with_another_method(void **state)
{
    FILE *file = open_golden("kuramoto_sivashinsky.txt");
    fc_kuramoto_sivashinsky_config config = fc_kuramoto_sivashinsky_config_default();
    float expected[64];
    config.grid = (size_t)next_number(file);
    config.seed = (uint64_t)next_number(file);
    size_t trajectory = (size_t)next_number(file);
    config.length = next_number(file);
    config.sequences = trajectory + 1;
    config.per_trajectory = 1;
    config.burn_in = 0.0;
    assert_int_equal(config.grid, 64);
    fc_dataset *dataset = generate(*state, &config);
    for (size_t k = 0; k < 2; k++) {
        size_t frame = (size_t)lround(next_number(file) / config.interval);
        for (size_t p = 0; p < 64; p++)
            expected[p] = (float)next_number(file);
        assert_true(distance(64, frame_of(dataset, trajectory, frame), expected) <
                    tolerance.golden);
    }
    fclose(file);
    fc_dataset_destroy(dataset);
}

static void chosen_steps_and_grids_are_fine_enough(void **state)
{
    fc_kuramoto_sivashinsky_config config = fc_kuramoto_sivashinsky_config_default();
    config.sequences = 4;
    config.per_trajectory = 1;
    config.frames = 6;
    config.burn_in = 0.0;
    fc_dataset *chosen = generate(*state, &config);
    config.step = 0.0125;
    fc_dataset *shorter = generate(*state, &config);
    config.step = 0.0;
    config.grid = 256;
    config.output_grid = 128;
    fc_dataset *finer = generate(*state, &config);
    for (size_t s = 0; s < 4; s++)
        for (size_t f = 1; f < 6; f++) { /* first frames differ in small scales */
            const float *values = frame_of(chosen, s, f);
            assert_true(distance(128, values, frame_of(shorter, s, f)) < tolerance.step);
            assert_true(distance(128, values, frame_of(finer, s, f)) < tolerance.grid);
        }
    fc_dataset_destroy(chosen);
    fc_dataset_destroy(shorter);
    fc_dataset_destroy(finer);
}

/* d/dt int u^2 / 2 = int u_x^2 - int u_xx^2 by Fourier coefficients, in time by differences of
 * order 4; the mean stays zero; and the waves are those of the attractor. */
static void energy_has_its_budget_and_the_mean_is_conserved(void **state)
{
    enum { GRID = 128 };
    fc_kuramoto_sivashinsky_config config = fc_kuramoto_sivashinsky_config_default();
    double energy[5] = {0}, gain = 0.0, loss = 0.0;
    config.sequences = config.per_trajectory = 1;
    config.frames = 5;
    config.interval = 0.05;
    fc_dataset *dataset = generate(*state, &config);
    for (size_t f = 0; f < 5; f++) {
        double sum = 0.0;
        for (size_t p = 0; p < GRID; p++) {
            double u = (double)frame_of(dataset, 0, f)[p];
            sum += u / GRID;
            energy[f] += 0.5 * u * u / GRID;
        }
        assert_true(fabs(sum) < tolerance.mean);
    }
    assert_true(sqrt(2.0 * energy[2]) > 0.8 && sqrt(2.0 * energy[2]) < 2.0);
    for (size_t k = 1; k < GRID / 2; k++) {
        double real = 0.0, imaginary = 0.0;
        for (size_t p = 0; p < GRID; p++) {
            double phase = 2.0 * M_PI * (double)(k * p % GRID) / GRID;
            real += (double)frame_of(dataset, 0, 2)[p] * cos(phase) / GRID;
            imaginary -= (double)frame_of(dataset, 0, 2)[p] * sin(phase) / GRID;
        }
        double kappa = 2.0 * M_PI * (double)k / config.length;
        double power = 2.0 * (real * real + imaginary * imaginary);
        gain += kappa * kappa * power;
        loss += pow(kappa, 4.0) * power;
    }
    double rate = (energy[0] - 8.0 * energy[1] + 8.0 * energy[3] - energy[4]) / (12.0 * 0.05);
    assert_true(fabs(rate - gain + loss) < tolerance.energy * gain);
    fc_dataset_destroy(dataset);
}

static void faults_are_those_of_all_settings(void **state)
{
    fc_kuramoto_sivashinsky_config config = fc_kuramoto_sivashinsky_config_default();
    fc_dataset *dataset;
    config.length = 200.0;
    config.burn_in = -1.0;
    config.step = NAN;
    assert_int_equal(fc_kuramoto_sivashinsky_open(*state, &config, &dataset), FC_ERROR_USAGE);
    assert_string_equal(fc_context_message(*state),
                        "kuramoto-sivashinsky: burn_in is -1; 0 or a positive time is accepted; "
                        "length is 200; a positive one up to 131.947, which grid 128 resolves, is "
                        "needed; step is nan; 0 or a positive time is accepted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_agree_with_another_method),
        cmocka_unit_test(chosen_steps_and_grids_are_fine_enough),
        cmocka_unit_test(energy_has_its_budget_and_the_mean_is_conserved),
        cmocka_unit_test(faults_are_those_of_all_settings),
    };
    return cmocka_run_group_tests_name("kuramoto_sivashinsky", tests, context_setup,
                                       context_teardown);
}
