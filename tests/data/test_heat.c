/* The heat case: every Fourier coefficient of its frames, summed at the points, decays at its own
 * rate. */
#include "data/random_field.h"
#include "tests/data/data_testing.h"

static const struct {
    double single; /* rounding to float, relative */
    double mean;   /* of a field without mean, relative to its norm */
} tolerance = {.single = 2e-7, .mean = 1e-7};

static fc_dataset *generate(fc_context *context, const fc_heat_config *config)
{
    fc_dataset *dataset;
    MADE(context, fc_heat_generate(context, config, &dataset), &dataset);
    return dataset;
}

static fc_heat_config small_config(void)
{
    fc_heat_config config = fc_heat_config_default();
    config.sequences = 2;
    config.frames = 4;
    config.grid = 16;
    config.diffusivity = 2e-3;
    config.seed = 3;
    return config;
}

/* By the sum over all waves at the coordinates of the points, which also fixes the axes. */
static void frames_are_the_sum_of_decaying_waves(void **state)
{
    enum { MODES = 7, COUNT = (2 * MODES + 1) * (MODES + 1) };
    const fc_heat_config config = small_config();
    fc_dataset *dataset = generate(*state, &config);
    fc__complex w[COUNT];
    float expected[16 * 16];
    for (size_t s = 0; s < 2; s++) {
        fc__random_plane(&fc__random_vorticity, config.seed, s, MODES, w);
        for (size_t f = 0; f < 4; f++) {
            for (size_t p = 0; p < 16 * 16; p++) {
                const double *x = dataset->points[0].coordinates + 2 * p;
                double sum = 0.0;
                for (long ky = -MODES; ky <= MODES; ky++) {
                    for (long kx = 0; kx <= MODES; kx++) {
                        const double *c = w[fc__spectrum_index(MODES, kx, ky)];
                        double phase = 2.0 * M_PI * ((double)kx * x[0] + (double)ky * x[1]);
                        double square = 4.0 * M_PI * M_PI * (double)(kx * kx + ky * ky);
                        sum += (kx ? 2.0 : 1.0) * (c[0] * cos(phase) - c[1] * sin(phase)) *
                               exp(-config.diffusivity * square * (double)f);
                    }
                }
                expected[p] = (float)sum;
            }
            assert_true(distance(16 * 16, frame_of(dataset, s, f), expected) < tolerance.single);
        }
    }
    fc_dataset_destroy(dataset);
}

static void the_mean_stays_and_the_largest_value_falls(void **state)
{
    fc_heat_config config = fc_heat_config_default();
    config.sequences = 3;
    fc_dataset *dataset = generate(*state, &config);
    for (size_t s = 0; s < 3; s++) {
        double before = INFINITY, first = 0.0;
        for (size_t f = 0; f < config.frames; f++) {
            double sum = 0.0, most = 0.0;
            for (size_t p = 0; p < 64 * 64; p++) {
                sum += (double)frame_of(dataset, s, f)[p];
                most = fmax(most, fabs((double)frame_of(dataset, s, f)[p]));
            }
            first = f == 0 ? most : first;
            assert_true(fabs(sum) / (64 * 64) < tolerance.mean * first);
            assert_true(most < before); /* the maximum principle */
            before = most;
        }
        assert_true(before < 0.7 * first && before > 0.05 * first); /* decays visibly */
    }
    fc_dataset_destroy(dataset);
}

static void faults_are_those_of_all_settings(void **state)
{
    fc_heat_config config = {.interval = INFINITY, .grid = 14, .diffusivity = -2.0};
    fc_dataset *dataset;
    assert_int_equal(fc_heat_open(*state, &config, &dataset), FC_ERROR_USAGE);
    assert_non_null(strstr(fc_context_message(*state), "diffusivity is -2; a positive number"));
    assert_non_null(strstr(fc_context_message(*state), "interval is inf; a positive time"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_the_sum_of_decaying_waves),
        cmocka_unit_test(the_mean_stays_and_the_largest_value_falls),
        cmocka_unit_test(faults_are_those_of_all_settings),
    };
    return cmocka_run_group_tests_name("heat", tests, context_setup, context_teardown);
}
