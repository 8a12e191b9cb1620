/* The shallow water case: jets and bumps, and the dataset they fill. */
#include "tests/data/sphere_testing.h"

static const struct {
    double single;  /* values that differ by rounding to float, relative to the largest */
    double balance; /* height of degree 255 against the balance of the untruncated jets, relative */
    double jet;     /* the same of the vorticity */
    double step;    /* fields computed with other chosen steps, relative to the largest */
    double spread;  /* sample moments, in standard deviations of the estimate */
} tolerance = {.single = 2e-7, .balance = 1e-5, .jet = 1e-3, .step = 1e-4, .spread = 4.5};

static const double RADIUS = 6.37122e6, ROTATION = 7.292e-5, GRAVITY = 9.80616;
static const double METRES = 6.37122e6 / 3000.0, PER_SECOND = 1.0 / 7200.0; /* units of a file */

static fc_shallow_water_config small_config(void)
{
    fc_shallow_water_config config = fc_shallow_water_config_default();
    config.sequences = 5;
    config.per_trajectory = 2;
    config.frames = 3;
    config.burn_in = 1.5;
    config.grid = 32;
    config.seed = 11;
    return config;
}

static fc_dataset *generate(fc_context *context, fc_shallow_water_config config)
{
    fc_dataset *dataset;
    MADE(context, fc_shallow_water_generate(context, &config, &dataset), &dataset);
    return dataset;
}

static bool same_frames(const fc_dataset *a, size_t sequence_a, size_t frame_a, const fc_dataset *b,
                        size_t sequence_b, size_t frame_b)
{
    return memcmp(frame_of(a, sequence_a, frame_a), frame_of(b, sequence_b, frame_b),
                  2 * a->points[0].count * sizeof(float)) == 0;
}

/* Largest difference of a channel relative to the largest value of b. */
static double difference(size_t points, size_t channel, const float *a, const float *b)
{
    double largest = 0.0, apart = 0.0;
    for (size_t i = channel; i < 2 * points; i += 2) {
        largest = fmax(largest, fabs((double)b[i]));
        apart = fmax(apart, fabs((double)a[i] - (double)b[i]));
    }
    return apart / largest;
}

/* ---------------------------------------------------------------- initial states */

static double slope_of_height(double umax, double latitude)
{
    double u = fc__shallow_water_jet(umax, latitude);
    return -(RADIUS * 2.0 * ROTATION * sin(latitude) + u * tan(latitude)) * u / GRAVITY;
}

/* Height in gradient wind balance, g dh/dlat = -u (R f + u tan(lat)), by Simpson's rule from the
 * south pole, at `count` latitudes that ascend. */
static void integrate_balance(double umax, size_t count, const double *latitudes, double *height)
{
    enum { PIECES = 40 };
    double sum = 0.0, from = -M_PI_2;
    for (size_t i = 0; i < count; i++) {
        double h = (latitudes[i] - from) / PIECES;
        for (int k = 0; k < PIECES; k++) {
            double x = from + h * k;
            sum += h / 6.0 *
                   (slope_of_height(umax, x) + 4.0 * slope_of_height(umax, x + 0.5 * h) +
                    slope_of_height(umax, x + h));
        }
        from = latitudes[i];
        height[i] = sum;
    }
}

/* curl u = tan(lat) u / R - du/dlat / R, the derivative by central differences of order 4. */
static double vorticity_of_jet(double umax, double latitude)
{
    const double h = 1e-4;
    double near =
        fc__shallow_water_jet(umax, latitude + h) - fc__shallow_water_jet(umax, latitude - h);
    double far = fc__shallow_water_jet(umax, latitude + 2.0 * h) -
                 fc__shallow_water_jet(umax, latitude - 2.0 * h);
    double slope = (8.0 * near - far) / (12.0 * h);
    return (tan(latitude) * fc__shallow_water_jet(umax, latitude) - slope) / RADIUS;
}

static void jets_peak_at_45_degrees_in_both_hemispheres(void **state)
{
    (void)state;
    assert_true(fabs(fc__shallow_water_jet(80.0, M_PI_4) - 80.0) < 1e-12);
    assert_true(fabs(fc__shallow_water_jet(70.0, -M_PI_4) - 70.0) < 1e-12);
    assert_true(fc__shallow_water_jet(80.0, M_PI / 7.0) == 0.0);
    assert_true(fc__shallow_water_jet(80.0, -M_PI_2 + M_PI / 7.0) == 0.0);
    assert_true(fc__shallow_water_jet(80.0, 0.0) == 0.0);
    /* half way to the edge: e^(4 / w^2 - 1 / (3/16 w^2)) */
    double width = M_PI_2 - 2.0 * M_PI / 7.0;
    double half = fc__shallow_water_jet(80.0, M_PI_4 + 0.25 * width);
    assert_true(fabs(half - 80.0 * exp(-4.0 / (3.0 * width * width))) < 1e-12);
}

static void first_frame_is_the_balanced_jet_in_the_units_of_the_file(void **state)
{
    enum { GRID = 512, ROWS = GRID / 2 };
    fc_shallow_water_config config = small_config();
    config.sequences = config.frames = 1;
    config.grid = config.output_grid = GRID;
    config.burn_in = config.perturbation = 0.0;
    fc_dataset *dataset = generate(*state, config);
    double latitudes[ROWS], height[ROWS], mean = 0.0, weights = 0.0, range = 0.0, spin = 0.0;
    double umax = fc__shallow_water_draw(&config, 0);
    for (size_t r = 0; r < ROWS; r++)
        latitudes[r] = M_PI / 180.0 * dataset->points[0].coordinates[2 * r * GRID + 1];
    integrate_balance(umax, ROWS, latitudes, height);
    for (size_t r = 0; r < ROWS; r++) { /* weights good enough for a mean that is subtracted */
        double above = r + 1 < ROWS ? 0.5 * (latitudes[r] + latitudes[r + 1]) : M_PI_2;
        double below = r ? 0.5 * (latitudes[r] + latitudes[r - 1]) : -M_PI_2;
        mean += (sin(above) - sin(below)) *
                (frame_of(dataset, 0, 0)[2 * r * GRID] * METRES - height[r]);
        weights += sin(above) - sin(below);
        range = fmax(range, fabs(height[r]));
        spin = fmax(spin, fabs(vorticity_of_jet(umax, latitudes[r])));
    }
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t c = 0; c < GRID; c += 100) {
            const float *value = frame_of(dataset, 0, 0) + 2 * (r * GRID + c);
            double h = (double)value[0] * METRES - mean / weights;
            assert_true(fabs(h - height[r]) < tolerance.balance * range);
            double zeta = (double)value[1] * PER_SECOND;
            assert_true(fabs(zeta - vorticity_of_jet(umax, latitudes[r])) < tolerance.jet * spin);
        }
    }
    fc_dataset_destroy(dataset);
}

/* What the bump adds to h, after Galewsky et al. 2004, eq. 4, in both hemispheres. */
static void bumps_stand_at_longitude_0_on_both_jets(void **state)
{
    enum { GRID = 256 };
    fc_shallow_water_config config = small_config();
    config.sequences = config.frames = 1;
    config.grid = config.output_grid = GRID;
    config.burn_in = 0.0;
    fc_dataset *with = generate(*state, config);
    config.perturbation = 0.0;
    fc_dataset *without = generate(*state, config);
    for (size_t p = 0; p < with->points[0].count; p++) {
        double lambda = M_PI / 180.0 * with->points[0].coordinates[2 * p];
        double phi = M_PI / 180.0 * with->points[0].coordinates[2 * p + 1];
        lambda = lambda > M_PI ? lambda - 2.0 * M_PI : lambda;
        double along = exp(-9.0 * lambda * lambda);
        double across = exp(-225.0 * pow(M_PI_4 - fabs(phi), 2.0));
        double added = (double)frame_of(with, 0, 0)[2 * p] - (double)frame_of(without, 0, 0)[2 * p];
        assert_true(fabs(added * METRES - 120.0 * cos(phi) * along * across) < 0.002 * 120.0);
        assert_true(frame_of(with, 0, 0)[2 * p + 1] == frame_of(without, 0, 0)[2 * p + 1]);
    }
    fc_dataset_destroy(with);
    fc_dataset_destroy(without);
}

static void speeds_of_jets_are_uniform_between_their_bounds(void **state)
{
    enum { SAMPLES = 4000 };
    fc_shallow_water_config config = small_config();
    double sum = 0.0, square = 0.0;
    (void)state;
    for (uint64_t i = 0; i < SAMPLES; i++) {
        double u = (fc__shallow_water_draw(&config, i) - 60.0) / 20.0;
        assert_true(u >= 0.0 && u < 1.0);
        sum += u - 0.5;
        square += (u - 0.5) * (u - 0.5) - 1.0 / 12.0;
    }
    assert_true(fabs(sum) < tolerance.spread * sqrt(SAMPLES / 12.0));
    assert_true(fabs(square) < tolerance.spread * sqrt(SAMPLES / 180.0));
}

/* ---------------------------------------------------------------- the dataset */

static void dataset_describes_itself(void **state)
{
    fc_shallow_water_config config = small_config();
    config.interval = 0.5;
    fc_dataset *dataset = generate(*state, config);
    assert_int_equal(dataset->sequence_count, 5);
    assert_int_equal(dataset->domain.dims, 2);
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_LONGITUDE);
    assert_int_equal(dataset->domain.axis[1].kind, FC_AXIS_LATITUDE);
    assert_int_equal(dataset->points[0].grid[0], 8);
    assert_int_equal(dataset->points[0].grid[1], 16);
    for (size_t p = 0; p < 8 * 16; p++) {
        const double *x = dataset->points[0].coordinates + 2 * p;
        assert_true(x[0] == 22.5 * (double)(p % 16));
        assert_true(p < 16 ? x[1] > -90.0 : x[1] > x[-32 + 1]);
    }
    assert_string_equal(dataset->channels[0].name, "height");
    assert_string_equal(dataset->channels[0].units, "2123.74 m");
    assert_string_equal(dataset->channels[1].name, "vorticity");
    assert_string_equal(dataset->channels[1].units, "0.5 h-1");
    assert_string_equal(dataset->time.units, "h");
    for (size_t s = 0; s < 5; s++) {
        for (size_t f = 0; f < 3; f++)
            assert_true(dataset->sequences[s].frames[f].time == 0.5 * (double)f);
    }
    fc_dataset_destroy(dataset);
}

static void output_grid_takes_every_nth_point_from_the_south_on(void **state)
{
    fc_shallow_water_config config = small_config();
    config.output_grid = 32;
    fc_dataset *whole = generate(*state, config);
    config.output_grid = 8;
    fc_dataset *part = generate(*state, config);
    assert_int_equal(whole->points[0].count, 32 * 16);
    assert_int_equal(part->points[0].count, 8 * 4);
    for (size_t p = 0; p < 8 * 4; p++) {
        size_t from = p / 8 * 4 * 32 + p % 8 * 4;
        for (size_t i = 0; i < 2; i++) {
            assert_true(part->points[0].coordinates[2 * p + i] ==
                        whole->points[0].coordinates[2 * from + i]);
            assert_true(frame_of(part, 4, 2)[2 * p + i] == frame_of(whole, 4, 2)[2 * from + i]);
        }
    }
    fc_dataset_destroy(whole);
    fc_dataset_destroy(part);
}

static void hemispheres_mirror_each_other(void **state)
{
    fc_shallow_water_config config = small_config();
    config.output_grid = 32;
    fc_dataset *dataset = generate(*state, config);
    float mirrored[2 * 32 * 16];
    for (size_t p = 0; p < 32 * 16; p++) {
        const float *from = frame_of(dataset, 4, 2) + 2 * ((15 - p / 32) * 32 + p % 32);
        mirrored[2 * p] = from[0];
        mirrored[2 * p + 1] = -from[1];
    }
    for (size_t channel = 0; channel < 2; channel++)
        assert_true(difference(32 * 16, channel, mirrored, frame_of(dataset, 4, 2)) <
                    tolerance.single);
    fc_dataset_destroy(dataset);
}

static void same_seed_gives_the_same_bits_for_any_number_of_threads(void **state)
{
    fc_context *one;
    CHECK(fc_context_create(1, &one));
    fc_shallow_water_config config = small_config();
    fc_dataset *serial = generate(one, config), *parallel = generate(*state, config);
    config.sequences = 3;
    fc_dataset *few = generate(*state, config);
    for (size_t s = 0; s < 5; s++) {
        for (size_t f = 0; f < 3; f++) {
            assert_true(same_frames(serial, s, f, parallel, s, f));
            assert_true(s >= 3 || same_frames(few, s, f, parallel, s, f));
        }
    }
    fc_dataset_destroy(serial);
    fc_dataset_destroy(parallel);
    fc_dataset_destroy(few);
    fc_context_destroy(one);
}

static void other_seeds_and_trajectories_are_other_flows(void **state)
{
    fc_shallow_water_config config = small_config();
    fc_dataset *first = generate(*state, config);
    config.seed++;
    fc_dataset *second = generate(*state, config);
    size_t count = first->points[0].count;
    assert_true(difference(count, 0, frame_of(first, 0, 0), frame_of(second, 0, 0)) > 1e-3);
    assert_true(difference(count, 0, frame_of(first, 0, 0), frame_of(first, 2, 0)) > 1e-3);
    fc_dataset_destroy(first);
    fc_dataset_destroy(second);
}

static void sequences_of_a_trajectory_follow_each_other_without_a_gap(void **state)
{
    fc_shallow_water_config config = small_config();
    config.sequences = 4;
    fc_dataset *cut = generate(*state, config);
    config.sequences = 2;
    config.per_trajectory = 1;
    config.frames *= 2;
    fc_dataset *whole = generate(*state, config);
    for (size_t s = 0; s < 4; s++) {
        for (size_t f = 0; f < 3; f++)
            assert_true(same_frames(cut, s, f, whole, s / 2, s % 2 * 3 + f));
    }
    fc_dataset_destroy(cut);
    fc_dataset_destroy(whole);
}

static void chosen_step_is_accurate(void **state)
{
    fc_shallow_water_config config = small_config();
    config.grid = 64;
    config.sequences = 1;
    config.burn_in = 6.0;
    fc_dataset *chosen = generate(*state, config);
    config.step = 0.125;
    fc_dataset *small = generate(*state, config);
    for (size_t channel = 0; channel < 2; channel++) {
        double error = difference(chosen->points[0].count, channel, frame_of(chosen, 0, 2),
                                  frame_of(small, 0, 2));
        if (!(error < tolerance.step && error > 0.0))
            fail_msg("channel %zu: %.2e", channel, error);
    }
    fc_dataset_destroy(chosen);
    fc_dataset_destroy(small);
}

/* ---------------------------------------------------------------- what can go wrong */

static void expect_fault(fc_context *context, fc_shallow_water_config config, const char *text)
{
    fc_dataset *dataset = (fc_dataset *)&config;
    assert_int_equal(fc_shallow_water_generate(context, &config, &dataset), FC_ERROR_USAGE);
    assert_null(dataset);
    if (!strstr(fc_context_message(context), text))
        fail_msg("\"%s\" lacks \"%s\"", fc_context_message(context), text);
}

static void every_fault_of_the_settings_is_named(void **state)
{
    fc_shallow_water_config config = small_config();
    config.output_grid = 12;
    expect_fault(*state, config, "shallow-water: output_grid is 12; an even divisor of grid 32");
    config = small_config();
    config.umax_max = 59.0;
    expect_fault(*state, config, "umax_max is 59; a speed from umax_min 60 on");
    config = (fc_shallow_water_config){.interval = -1.0,
                                       .burn_in = -INFINITY,
                                       .grid = 34,
                                       .umax_min = 0.0,
                                       .umax_max = NAN,
                                       .perturbation = NAN,
                                       .viscosity = -1.0,
                                       .step = -1.0};
    static const char *const faults[] = {
        "sequences is 0",      "per_trajectory is 0", "frames is 0",   "interval is -1",
        "burn_in is -inf",     "grid is 34",          "umax_min is 0", "umax_max is nan",
        "perturbation is nan", "viscosity is -1",     "step is -1"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        expect_fault(*state, config, faults[i]);
}

static void flow_that_blows_up_is_reported_with_trajectory_and_advice(void **state)
{
    fc_shallow_water_config config = small_config();
    fc_dataset *dataset;
    config.sequences = 1;
    config.umax_min = config.umax_max = 1e5;
    config.burn_in = 1e3;
    assert_int_equal(fc_shallow_water_generate(*state, &config, &dataset), FC_ERROR_SOLVER);
    assert_null(dataset);
    assert_non_null(strstr(fc_context_message(*state), "trajectory 0"));
    assert_non_null(strstr(fc_context_message(*state), "slower jets than 100000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jets_peak_at_45_degrees_in_both_hemispheres),
        cmocka_unit_test(first_frame_is_the_balanced_jet_in_the_units_of_the_file),
        cmocka_unit_test(bumps_stand_at_longitude_0_on_both_jets),
        cmocka_unit_test(speeds_of_jets_are_uniform_between_their_bounds),
        cmocka_unit_test(dataset_describes_itself),
        cmocka_unit_test(output_grid_takes_every_nth_point_from_the_south_on),
        cmocka_unit_test(hemispheres_mirror_each_other),
        cmocka_unit_test(same_seed_gives_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(other_seeds_and_trajectories_are_other_flows),
        cmocka_unit_test(sequences_of_a_trajectory_follow_each_other_without_a_gap),
        cmocka_unit_test(chosen_step_is_accurate),
        cmocka_unit_test(every_fault_of_the_settings_is_named),
        cmocka_unit_test(flow_that_blows_up_is_reported_with_trajectory_and_advice),
    };
    return RUN_ON_THE_SPHERE(tests);
}
