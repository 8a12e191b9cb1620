/* The wave case: the equation that its frames solve, and the dataset that they fill. */
#include "data/wave.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    double golden;   /* against another method, whose values are rounded to nine digits */
    double single;   /* rounding to float, relative to the largest value */
    double residual; /* of the equation by differences of order 6 in space and time, relative */
    double energy;   /* relative drift; gradients by differences of order 6 */
} tolerance = {.golden = 5e-7, .single = 3e-7, .residual = 1e-3, .energy = 1e-5};

#define CHECK(call) assert_int_equal((call), FC_OK)

static int context_setup(void **state)
{
    fc_context *context;
    if (fc_context_create(2, &context) != FC_OK)
        return 1;
    *state = context;
    return 0;
}

static int context_teardown(void **state)
{
    fc_context_destroy(*state);
    return 0;
}

static fc_wave_config small_config(void)
{
    fc_wave_config config = fc_wave_config_default();
    config.sequences = 5;
    config.per_trajectory = 2;
    config.frames = 6;
    config.grid = 32;
    config.seed = 11;
    return config;
}

static fc_dataset *generate(fc_context *context, fc_wave_config config)
{
    fc_dataset *dataset;
    fc_status status = fc_wave_generate(context, &config, &dataset);
    if (status != FC_OK)
        fail_msg("%s", fc_context_message(context));
    return dataset;
}

static const float *frame_of(const fc_dataset *dataset, size_t sequence, size_t frame)
{
    return dataset->sequences[sequence].frames[frame].values;
}

/* Value of a channel at a point of a periodic grid. */
static double at(const fc_dataset *dataset, size_t sequence, size_t frame, size_t channel, size_t x,
                 size_t y)
{
    size_t grid = dataset->points[0].grid[0];
    return (double)frame_of(dataset, sequence, frame)[2 * (y % grid * grid + x % grid) + channel];
}

static double largest(const fc_dataset *dataset, size_t channel)
{
    double most = 0.0;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
            for (size_t p = 0; p < dataset->points[0].count; p++)
                most = fmax(most, fabs((double)frame_of(dataset, s, f)[2 * p + channel]));
    return most;
}

/* ---------------------------------------------------------------- the solution */

static void fields_agree_with_another_method(void **state)
{
    FILE *file = fopen(FC_TEST_GOLDEN "/wave.txt", "r");
    fc_wave_config config = fc_wave_config_default();
    size_t trajectory;
    double height, width, centre[2], time, w, rate;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %lu %zu %lf %lf %lf %lf", &config.grid, &config.seed,
                            &trajectory, &height, &width, &centre[0], &centre[1]),
                     7);
    fc__wave_bump bump = fc__wave_draw(config.seed, trajectory);
    assert_true(bump.height == height && bump.width == width);
    assert_true(bump.centre[0] == centre[0] && bump.centre[1] == centre[1]);
    config.per_trajectory = 1;
    config.sequences = trajectory + 1;
    fc_dataset *dataset = generate(*state, config);
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(fscanf(file, "%lf", &time), 1);
        size_t frame = (size_t)lround(time / config.interval);
        for (size_t p = 0; p < config.grid * config.grid; p++) {
            assert_int_equal(fscanf(file, "%lf %lf", &w, &rate), 2);
            const float *values = frame_of(dataset, trajectory, frame) + 2 * p;
            if (fabs((double)values[0] - w) > tolerance.golden ||
                fabs((double)values[1] - rate) > tolerance.golden)
                fail_msg("time %g, point %zu: (%.9g, %.9g), not (%.9g, %.9g)", time, p,
                         (double)values[0], (double)values[1], w, rate);
        }
    }
    fclose(file);
    fc_dataset_destroy(dataset);
}

static void it_starts_from_a_resting_bump(void **state)
{
    fc_wave_config config = small_config();
    config.grid = 64;
    fc_dataset *dataset = generate(*state, config);
    for (size_t s = 0; s < config.sequences; s += 2) {
        fc__wave_bump bump = fc__wave_draw(config.seed, s / 2);
        size_t x = (size_t)lround(bump.centre[0] * 32.0), y = (size_t)lround(bump.centre[1] * 32.0);
        assert_true(bump.width >= 0.25 && bump.width < 0.3);
        assert_true(bump.height >= 2.0 && bump.height < 4.0);
        assert_float_equal(at(dataset, s, 0, 0, x, y), bump.height, 1e-5);
        for (size_t d = 1; d < 16; d++) { /* the images add exp(-8) and less at the far side */
            double distance = (double)d / 32.0;
            double bare = bump.height * exp(-0.5 * pow(distance / bump.width, 2.0));
            assert_float_equal(at(dataset, s, 0, 0, x + d, y), bare, 2e-4 * bump.height);
        }
        for (size_t p = 0; p < 64 * 64; p++)
            assert_true(frame_of(dataset, s, 0)[2 * p + 1] == 0.0f);
    }
    fc_dataset_destroy(dataset);
}

/* Differences of order 6. */
static const double first[4] = {0.0, 3.0 / 4.0, -3.0 / 20.0, 1.0 / 60.0};
static const double second[4] = {-49.0 / 18.0, 3.0 / 2.0, -3.0 / 20.0, 1.0 / 90.0};

/* First or second difference along x (axis 0), y (1) or frames (2). */
static double slope(const fc_dataset *d, size_t f, size_t channel, size_t x, size_t y, int axis,
                    const double weights[4], double sign)
{
    size_t grid = d->points[0].grid[0];
    double sum = weights[0] * at(d, 0, f, channel, x, y);
    for (size_t k = 1; k < 4; k++) {
        double after = axis == 0   ? at(d, 0, f, channel, x + k, y)
                       : axis == 1 ? at(d, 0, f, channel, x, y + k)
                                   : at(d, 0, f + k, channel, x, y);
        double before = axis == 0   ? at(d, 0, f, channel, x + grid - k, y)
                        : axis == 1 ? at(d, 0, f, channel, x, y + grid - k)
                                    : at(d, 0, f - k, channel, x, y);
        sum += weights[k] * (after + sign * before);
    }
    return sum;
}

static void frames_solve_the_wave_equation(void **state)
{
    fc_wave_config config = fc_wave_config_default();
    config.sequences = config.per_trajectory = 1;
    config.frames = 40;
    config.interval = 0.1;
    config.speed = 0.5;
    fc_dataset *dataset = generate(*state, config);
    double h = FC__WAVE_LENGTH / 64.0, worst[2] = {0.0, 0.0};
    for (size_t f = 3; f < 37; f += 11) {
        for (size_t y = 0; y < 64; y += 3) {
            for (size_t x = 0; x < 64; x += 5) {
                double rate = slope(dataset, f, 0, x, y, 2, first, -1.0) / config.interval;
                double force = slope(dataset, f, 1, x, y, 2, first, -1.0) / config.interval;
                double laplacian = (slope(dataset, f, 0, x, y, 0, second, 1.0) +
                                    slope(dataset, f, 0, x, y, 1, second, 1.0)) /
                                   (h * h);
                worst[0] = fmax(worst[0], fabs(rate - at(dataset, 0, f, 1, x, y)));
                worst[1] = fmax(worst[1], fabs(force - 0.25 * laplacian));
            }
        }
    }
    assert_true(worst[0] < tolerance.residual * largest(dataset, 1));
    assert_true(worst[1] < tolerance.residual * largest(dataset, 1) * 0.5 / 0.25);
    fc_dataset_destroy(dataset);
}

static void energy_and_mean_are_conserved(void **state)
{
    fc_wave_config config = fc_wave_config_default();
    config.sequences = config.per_trajectory = 1;
    config.frames = 30;
    config.grid = 128;
    fc_dataset *dataset = generate(*state, config);
    double start[2] = {0.0, 0.0}, h = FC__WAVE_LENGTH / 128.0;
    for (size_t f = 0; f < config.frames; f++) {
        double energy = 0.0, mean = 0.0;
        for (size_t y = 0; y < 128; y++) {
            for (size_t x = 0; x < 128; x++) {
                double gx = slope(dataset, f, 0, x, y, 0, first, -1.0) / h;
                double gy = slope(dataset, f, 0, x, y, 1, first, -1.0) / h;
                energy += pow(at(dataset, 0, f, 1, x, y), 2.0) +
                          config.speed * config.speed * (gx * gx + gy * gy);
                mean += at(dataset, 0, f, 0, x, y);
            }
        }
        if (f == 0) {
            start[0] = energy;
            start[1] = mean;
        }
        assert_true(fabs(energy / start[0] - 1.0) < tolerance.energy);
        assert_true(fabs(mean / start[1] - 1.0) < tolerance.energy);
    }
    fc_dataset_destroy(dataset);
}

static void a_finer_grid_shows_the_same_waves(void **state)
{
    fc_wave_config config = small_config();
    fc_dataset *coarse = generate(*state, config);
    config.grid = 96;
    fc_dataset *fine = generate(*state, config);
    for (size_t f = 0; f < config.frames; f++)
        for (size_t y = 0; y < 32; y++)
            for (size_t x = 0; x < 32; x++)
                for (size_t c = 0; c < 2; c++)
                    assert_true(fabs(at(coarse, 4, f, c, x, y) - at(fine, 4, f, c, 3 * x, 3 * y)) <
                                tolerance.single * largest(coarse, c) * 2.0);
    fc_dataset_destroy(coarse);
    fc_dataset_destroy(fine);
}

/* ---------------------------------------------------------------- sequences and values */

static void sequences_of_a_trajectory_follow_each_other_without_a_gap(void **state)
{
    fc_wave_config config = small_config();
    fc_dataset *cut = generate(*state, config);
    config.per_trajectory = 1;
    config.frames = 12;
    config.sequences = 3;
    fc_dataset *whole = generate(*state, config);
    size_t bytes = cut->points[0].count * 2 * sizeof(float);
    for (size_t s = 0; s < 5; s++)
        for (size_t f = 0; f < 6; f++)
            assert_memory_equal(frame_of(cut, s, f), frame_of(whole, s / 2, s % 2 * 6 + f), bytes);
    assert_true(memcmp(frame_of(whole, 0, 0), frame_of(whole, 1, 0), bytes) != 0);
    fc_dataset_destroy(cut);
    fc_dataset_destroy(whole);
}

static void frames_made_when_needed_are_those_of_the_whole(void **state)
{
    fc_wave_config config = small_config();
    fc_dataset *whole = generate(*state, config), *open;
    fc_context *single;
    CHECK(fc_context_create(1, &single));
    CHECK(fc_wave_open(single, &config, &open));
    assert_null(whole->reader.read);
    assert_null(open->sequences[4].frames[0].values);
    size_t bytes = whole->points[0].count * 2 * sizeof(float);
    for (size_t s = 5; s-- > 0;) {
        CHECK(fc_dataset_load(single, open, s, s, 2 - s / 4));
        assert_memory_equal(frame_of(open, s, s), frame_of(whole, s, s), bytes);
        fc_dataset_unload(open, s, s, 2 - s / 4);
    }
    CHECK(fc_dataset_validate(*state, whole, "waves"));
    fc_dataset_destroy(open);
    fc_dataset_destroy(whole);
    fc_context_destroy(single);
}

static void seeds_give_other_waves(void **state)
{
    fc_wave_config config = small_config();
    fc_dataset *a = generate(*state, config);
    config.seed++;
    fc_dataset *b = generate(*state, config);
    assert_true(memcmp(frame_of(a, 0, 0), frame_of(b, 0, 0), 1024) != 0);
    fc_dataset_destroy(a);
    fc_dataset_destroy(b);
}

static void an_interrupted_generation_ends(void **state)
{
    (void)state;
    fc_wave_config config = small_config();
    fc_context *context;
    fc_dataset *dataset;
    CHECK(fc_context_create(1, &context));
    fc_context_interrupt(context);
    assert_int_equal(fc_wave_generate(context, &config, &dataset), FC_INTERRUPTED);
    assert_null(dataset);
    fc_context_destroy(context);
}

static void all_faults_of_the_settings_are_reported(void **state)
{
    fc_wave_config config = {.interval = -1.0, .grid = 33, .speed = NAN};
    fc_dataset *dataset;
    assert_int_equal(fc_wave_open(*state, &config, &dataset), FC_ERROR_USAGE);
    assert_null(dataset);
    const char *message = fc_context_message(*state);
    static const char *const parts[] = {"wave: sequences is 0",
                                        "per_trajectory is 0",
                                        "frames is 0",
                                        "interval is -1",
                                        "grid is 33; an even number from 16 to 8192",
                                        "speed is nan"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(message, parts[i]))
            fail_msg("\"%s\" is not in \"%s\"", parts[i], message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_agree_with_another_method),
        cmocka_unit_test(it_starts_from_a_resting_bump),
        cmocka_unit_test(frames_solve_the_wave_equation),
        cmocka_unit_test(energy_and_mean_are_conserved),
        cmocka_unit_test(a_finer_grid_shows_the_same_waves),
        cmocka_unit_test(sequences_of_a_trajectory_follow_each_other_without_a_gap),
        cmocka_unit_test(frames_made_when_needed_are_those_of_the_whole),
        cmocka_unit_test(seeds_give_other_waves),
        cmocka_unit_test(an_interrupted_generation_ends),
        cmocka_unit_test(all_faults_of_the_settings_are_reported),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
