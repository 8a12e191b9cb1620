/* The Navier-Stokes case: random fields, trajectories, and the dataset they fill. */
#include "data/navier_stokes.h"
#include "inr/support.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    double single; /* values that differ by rounding to float, relative to the largest */
    double step;   /* fields computed with other chosen steps, relative to the largest */
    double grid;   /* 192 points an axis against 256 at a viscosity of 1e-5, the same */
    double spread; /* sample moments, in standard deviations of the estimate */
} tolerance = {.single = 2e-7, .step = 2e-5, .grid = 2e-3, .spread = 4.5};

#define CHECK(call) assert_int_equal((call), FC_OK)

static fc_navier_stokes_config small_config(void)
{
    fc_navier_stokes_config config = fc_navier_stokes_config_default();
    config.sequences = 5;
    config.frames = 3;
    config.burn_in = 1.3;
    config.grid = 32;
    config.seed = 11;
    return config;
}

static fc_dataset *generate(fc_context *context, fc_navier_stokes_config config)
{
    fc_dataset *dataset;
    fc_status status = fc_navier_stokes_generate(context, &config, &dataset);
    if (status != FC_OK)
        fail_msg("%s", fc_context_message(context));
    return dataset;
}

static const float *values_of(const fc_dataset *dataset, size_t sequence, size_t frame)
{
    return dataset->sequences[sequence].frames[frame].values;
}

static bool same_frames(const fc_dataset *a, size_t sequence_a, size_t frame_a, const fc_dataset *b,
                        size_t sequence_b, size_t frame_b)
{
    return memcmp(values_of(a, sequence_a, frame_a), values_of(b, sequence_b, frame_b),
                  a->points[0].count * sizeof(float)) == 0;
}

/* Largest difference relative to the largest value of b. */
static double difference(size_t count, const float *a, const float *b)
{
    double largest = 0.0, difference = 0.0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)b[i]));
        difference = fmax(difference, fabs((double)a[i] - (double)b[i]));
    }
    return difference / largest;
}

/* ---------------------------------------------------------------- initial fields */

static void variance_of_every_shell_follows_the_formula(void **state)
{
    enum { MODES = 9, SAMPLES = 3000, COUNT = (2 * MODES + 1) * (MODES + 1) };
    (void)state;
    fc__complex w[COUNT];
    /* Of the coefficients of one shell, max(|kx|, |ky|), each over its deviation by the formula. */
    double sum[MODES + 1] = {0}, square[MODES + 1] = {0}, count[MODES + 1] = {0};
    double product[MODES + 1] = {0};
    for (uint64_t sample = 0; sample < SAMPLES; sample++) {
        fc__navier_stokes_initial(3, sample, MODES, w);
        assert_true(w[fc__spectrum_index(MODES, 0, 0)][0] == 0.0);
        for (long ky = -MODES; ky <= MODES; ky++) {
            for (long kx = 0; kx <= MODES; kx++) {
                if (kx == 0 && ky <= 0)
                    continue;
                double k2 = 4.0 * M_PI * M_PI * (double)(kx * kx + ky * ky);
                double variance = pow(7.0, 3.0) * pow(k2 + 49.0, -2.5) / 2.0;
                const double *c = w[fc__spectrum_index(MODES, kx, ky)];
                long shell = labs(ky) > kx ? labs(ky) : kx;
                sum[shell] += (c[0] + c[1]) / sqrt(variance);
                square[shell] += (c[0] * c[0] + c[1] * c[1]) / variance;
                product[shell] += c[0] * c[1] / variance;
                count[shell] += 2.0;
            }
        }
    }
    for (int shell = 1; shell <= MODES; shell++) {
        double n = count[shell];
        assert_true(fabs(sum[shell]) < tolerance.spread * sqrt(n));
        assert_true(fabs(square[shell] - n) < tolerance.spread * sqrt(2.0 * n));
        assert_true(fabs(product[shell]) < tolerance.spread * sqrt(0.5 * n));
    }
}

static void initial_field_is_real(void **state)
{
    enum { MODES = 7, COUNT = (2 * MODES + 1) * (MODES + 1) };
    (void)state;
    fc__complex w[COUNT];
    fc__navier_stokes_initial(1, 2, MODES, w);
    for (long ky = 1; ky <= MODES; ky++) {
        const double *c = w[fc__spectrum_index(MODES, 0, ky)];
        const double *conjugate = w[fc__spectrum_index(MODES, 0, -ky)];
        assert_true(c[0] != 0.0 && c[0] == conjugate[0] && c[1] == -conjugate[1]);
    }
}

static void finer_grid_adds_small_scales_to_the_same_field(void **state)
{
    enum { FEW = 5, MANY = 21 };
    (void)state;
    fc__complex few[(2 * FEW + 1) * (FEW + 1)], many[(2 * MANY + 1) * (MANY + 1)];
    fc__navier_stokes_initial(8, 4, FEW, few);
    fc__navier_stokes_initial(8, 4, MANY, many);
    for (long ky = -FEW; ky <= FEW; ky++) {
        for (long kx = 0; kx <= FEW; kx++)
            assert_memory_equal(few[fc__spectrum_index(FEW, kx, ky)],
                                many[fc__spectrum_index(MANY, kx, ky)], sizeof(fc__complex));
    }
    assert_true(many[fc__spectrum_index(MANY, MANY, MANY)][0] != 0.0);
}

/* ---------------------------------------------------------------- the dataset */

static void dataset_describes_itself(void **state)
{
    fc_navier_stokes_config config = small_config();
    config.interval = 0.25;
    fc_dataset *dataset = generate(*state, config);
    CHECK(fc_dataset_validate(*state, dataset, "generated"));
    assert_int_equal(dataset->sequence_count, 5);
    assert_int_equal(dataset->domain.dims, 2);
    assert_string_equal(dataset->domain.axis[0].name, "x");
    assert_string_equal(dataset->domain.axis[1].name, "y");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(dataset->domain.axis[i].kind, FC_AXIS_PERIODIC);
        assert_true(dataset->domain.axis[i].lower == 0.0 && dataset->domain.axis[i].upper == 1.0);
        assert_int_equal(dataset->points[0].grid[i], 32);
    }
    assert_int_equal(dataset->channel_count, 1);
    assert_string_equal(dataset->channels[0].name, "vorticity");
    assert_string_equal(dataset->channels[0].units, "1");
    assert_string_equal(dataset->time.units, "1");
    assert_string_equal(dataset->time.calendar, "");
    assert_false(dataset->record);
    assert_int_equal(dataset->points_count, 1);
    for (size_t s = 0; s < 5; s++) {
        assert_int_equal(dataset->sequences[s].frame_count, 3);
        for (size_t f = 0; f < 3; f++)
            assert_true(dataset->sequences[s].frames[f].time == 0.25 * (double)f);
    }
    fc_dataset_destroy(dataset);
}

/* By the Fourier sum at the coordinates of the points, which also fixes the order of the axes. */
static void first_frame_without_burn_in_is_the_random_field_at_the_points(void **state)
{
    enum { MODES = 5, COUNT = (2 * MODES + 1) * (MODES + 1) };
    fc_navier_stokes_config config = small_config();
    config.burn_in = 0.0;
    config.grid = 16;
    config.per_trajectory = 1;
    fc_dataset *dataset = generate(*state, config);
    fc__complex w[COUNT];
    float expected[16 * 16];
    for (size_t s = 0; s < config.sequences; s++) {
        fc__navier_stokes_initial(config.seed, s, MODES, w);
        for (size_t p = 0; p < 16 * 16; p++) {
            const double *x = dataset->points[0].coordinates + 2 * p;
            double sum = 0.0;
            for (long ky = -MODES; ky <= MODES; ky++) {
                for (long kx = 0; kx <= MODES; kx++) {
                    const double *c = w[fc__spectrum_index(MODES, kx, ky)];
                    double phase = 2.0 * M_PI * ((double)kx * x[0] + (double)ky * x[1]);
                    sum += (kx ? 2.0 : 1.0) * (c[0] * cos(phase) - c[1] * sin(phase));
                }
            }
            expected[p] = (float)sum;
        }
        assert_true(difference(16 * 16, values_of(dataset, s, 0), expected) < tolerance.single);
    }
    fc_dataset_destroy(dataset);
}

static void same_seed_gives_the_same_bits_for_any_number_of_threads(void **state)
{
    fc_context *one;
    CHECK(fc_context_create(1, &one));
    fc_navier_stokes_config config = small_config();
    config.sequences = 7;
    fc_dataset *serial = generate(one, config), *parallel = generate(*state, config);
    for (size_t s = 0; s < config.sequences; s++) {
        for (size_t f = 0; f < config.frames; f++)
            assert_true(same_frames(serial, s, f, parallel, s, f));
    }
    fc_dataset_destroy(serial);
    fc_dataset_destroy(parallel);
    fc_context_destroy(one);
}

static void trajectory_does_not_depend_on_how_many_there_are(void **state)
{
    fc_navier_stokes_config config = small_config();
    fc_dataset *many = generate(*state, config);
    config.sequences = 3;
    fc_dataset *few = generate(*state, config);
    for (size_t s = 0; s < config.sequences; s++)
        assert_true(same_frames(few, s, 2, many, s, 2));
    fc_dataset_destroy(few);
    fc_dataset_destroy(many);
}

static void other_seeds_and_trajectories_are_other_flows(void **state)
{
    fc_navier_stokes_config config = small_config();
    fc_dataset *first = generate(*state, config);
    config.seed++;
    fc_dataset *second = generate(*state, config);
    size_t count = first->points[0].count;
    for (size_t s = 0; s < config.sequences; s++)
        assert_true(difference(count, values_of(first, s, 0), values_of(second, s, 0)) > 0.1);
    assert_true(difference(count, values_of(first, 0, 0), values_of(first, 2, 0)) > 0.1);
    fc_dataset_destroy(first);
    fc_dataset_destroy(second);
}

static void sequences_of_a_trajectory_follow_each_other_without_a_gap(void **state)
{
    fc_navier_stokes_config config = small_config();
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

static void shorter_interval_samples_the_same_flow(void **state)
{
    fc_navier_stokes_config config = small_config();
    config.per_trajectory = 1;
    fc_dataset *coarse = generate(*state, config);
    config.interval = 0.25;
    config.frames = 9;
    fc_dataset *fine = generate(*state, config);
    size_t count = coarse->points[0].count;
    for (size_t f = 0; f < 3; f++)
        assert_true(difference(count, values_of(fine, 1, 4 * f), values_of(coarse, 1, f)) <
                    tolerance.step);
    assert_true(difference(count, values_of(fine, 1, 5), values_of(coarse, 1, 1)) > 1e-2);
    fc_dataset_destroy(coarse);
    fc_dataset_destroy(fine);
}

static void output_grid_takes_every_nth_point(void **state)
{
    fc_navier_stokes_config config = small_config();
    fc_dataset *whole = generate(*state, config);
    config.output_grid = 8;
    fc_dataset *part = generate(*state, config);
    assert_int_equal(part->points[0].count, 64);
    for (size_t p = 0; p < 64; p++) {
        size_t from = p / 8 * 4 * 32 + p % 8 * 4;
        for (size_t i = 0; i < 2; i++)
            assert_true(part->points[0].coordinates[2 * p + i] ==
                        whole->points[0].coordinates[2 * from + i]);
        assert_true(values_of(part, 4, 2)[p] == values_of(whole, 4, 2)[from]);
    }
    fc_dataset_destroy(whole);
    fc_dataset_destroy(part);
}

/* ---------------------------------------------------------------- as in the FNO data sets */

static void settings_of_the_fno_data_sets_are_those_of_their_viscosity(void **state)
{
    (void)state;
    fc_navier_stokes_config a = fc_navier_stokes_config_fno(1e-4);
    fc_navier_stokes_config b = fc_navier_stokes_config_fno(1e-5);
    assert_true(a.viscosity == 1e-4 && b.viscosity == 1e-5);
    assert_int_equal(a.frames, 30);
    assert_int_equal(b.frames, 20);
    assert_true(a.burn_in == 1.0 && a.interval == 1.0); /* t = 1, 2, ... */
    assert_int_equal(a.per_trajectory, 1);
    assert_int_equal(a.output_grid, 64);
    assert_true(a.forcing == 0.1);
}

static void their_grid_resolves_the_lowest_viscosity(void **state)
{
    fc_navier_stokes_config config = fc_navier_stokes_config_fno(1e-5);
    config.sequences = config.frames = 1;
    config.burn_in = 0.5; /* when the random field is still rough: the error is largest early */
    fc_dataset *coarse = generate(*state, config);
    config.grid = 256;
    fc_dataset *fine = generate(*state, config);
    double found = difference(64 * 64, values_of(coarse, 0, 0), values_of(fine, 0, 0));

    assert_true(found < tolerance.grid);
    config.grid = 64; /* which does not */
    fc_dataset *poor = generate(*state, config);
    assert_true(difference(64 * 64, values_of(poor, 0, 0), values_of(fine, 0, 0)) > 10.0 * found);
    fc_dataset_destroy(poor);
    fc_dataset_destroy(coarse);
    fc_dataset_destroy(fine);
}

/* ---------------------------------------------------------------- what can go wrong */

static void expect_fault(fc_context *context, fc_navier_stokes_config config, const char *text)
{
    fc_dataset *dataset = (fc_dataset *)&config;
    assert_int_equal(fc_navier_stokes_generate(context, &config, &dataset), FC_ERROR_USAGE);
    assert_null(dataset);
    if (!strstr(fc_context_message(context), text))
        fail_msg("\"%s\" lacks \"%s\"", fc_context_message(context), text);
}

static void every_fault_of_the_settings_is_named(void **state)
{
    fc_navier_stokes_config config = small_config();
    config.output_grid = 5;
    expect_fault(*state, config, "navier-stokes: output_grid is 5; a divisor of grid 32");
    config.grid = 33;
    config.interval = 0.0;
    config.viscosity = NAN;
    expect_fault(*state, config, "grid is 33; an even number from 16 to");
    expect_fault(*state, config, "interval is 0; a positive time");
    expect_fault(*state, config, "viscosity is nan; a positive number");
    config = (fc_navier_stokes_config){
        .interval = -1.0, .burn_in = -INFINITY, .viscosity = -1.0, .forcing = NAN, .step = -1.0};
    static const char *const names[] = {"sequences", "per_trajectory", "frames",    "interval",
                                        "burn_in",   "grid",           "viscosity", "forcing"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect_fault(*state, config, names[i]);
    expect_fault(*state, config, "step is -1");
}

static void flow_that_blows_up_is_reported_with_trajectory_and_advice(void **state)
{
    fc_navier_stokes_config config = small_config();
    fc_dataset *dataset;
    config.sequences = 1;
    config.forcing = 1e300;
    assert_int_equal(fc_navier_stokes_generate(*state, &config, &dataset), FC_ERROR_SOLVER);
    assert_null(dataset);
    assert_non_null(strstr(fc_context_message(*state), "trajectory 0"));
    assert_non_null(strstr(fc_context_message(*state), "at time "));
    assert_non_null(strstr(fc_context_message(*state), "weaker forcing than 1e+300"));
}

static void amount_of_data_that_does_not_fit_is_refused(void **state)
{
    fc_navier_stokes_config config = small_config();
    fc_dataset *dataset;
    config.frames = SIZE_MAX / 4;
    assert_int_equal(fc_navier_stokes_generate(*state, &config, &dataset), FC_ERROR_MEMORY);
    assert_null(dataset);
}

/* Counted here and judged by the test, as a callback from a wrong thread cannot fail it. */
typedef struct progress_record {
    pthread_t caller;
    uint64_t calls, last, wrong;
    fc_context *stop_after_two;
} progress_record;

static void record_progress(void *user, const char *stage, uint64_t done, uint64_t total,
                            double loss)
{
    progress_record *record = user;
    bool right = pthread_equal(pthread_self(), record->caller) && strcmp(stage, "generate") == 0 &&
                 isnan(loss) && done >= record->last && done <= total && total == 15;
    record->wrong += right ? 0 : 1;
    record->last = done;
    record->calls++;
    if (record->stop_after_two && record->calls == 2)
        fc_context_interrupt(record->stop_after_two);
}

static void progress_ends_at_the_total_and_comes_from_the_calling_thread(void **state)
{
    progress_record record = {.caller = pthread_self()};
    fc_context_set_progress(*state, record_progress, &record);
    fc_dataset *dataset = generate(*state, small_config());
    fc_context_set_progress(*state, NULL, NULL);
    assert_int_equal(record.last, 15);
    assert_int_equal(record.wrong, 0);
    fc_dataset_destroy(dataset);
}

static void interrupt_stops_between_steps_and_leaves_nothing(void **state)
{
    fc_context *context;
    fc_dataset *dataset;
    fc_navier_stokes_config config = small_config();
    (void)state;
    CHECK(fc_context_create(1, &context));
    progress_record record = {.caller = pthread_self(), .stop_after_two = context};
    fc_context_set_progress(context, record_progress, &record);
    assert_int_equal(fc_navier_stokes_generate(context, &config, &dataset), FC_INTERRUPTED);
    assert_null(dataset);
    assert_int_equal(record.calls, 2);
    assert_string_equal(fc_context_message(context),
                        "navier-stokes: interrupted after 2 of 15 frames");
    fc_context_destroy(context);
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
        cmocka_unit_test(variance_of_every_shell_follows_the_formula),
        cmocka_unit_test(initial_field_is_real),
        cmocka_unit_test(finer_grid_adds_small_scales_to_the_same_field),
        cmocka_unit_test(dataset_describes_itself),
        cmocka_unit_test(first_frame_without_burn_in_is_the_random_field_at_the_points),
        cmocka_unit_test(same_seed_gives_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(trajectory_does_not_depend_on_how_many_there_are),
        cmocka_unit_test(other_seeds_and_trajectories_are_other_flows),
        cmocka_unit_test(sequences_of_a_trajectory_follow_each_other_without_a_gap),
        cmocka_unit_test(shorter_interval_samples_the_same_flow),
        cmocka_unit_test(output_grid_takes_every_nth_point),
        cmocka_unit_test(settings_of_the_fno_data_sets_are_those_of_their_viscosity),
        cmocka_unit_test(their_grid_resolves_the_lowest_viscosity),
        cmocka_unit_test(every_fault_of_the_settings_is_named),
        cmocka_unit_test(flow_that_blows_up_is_reported_with_trajectory_and_advice),
        cmocka_unit_test(amount_of_data_that_does_not_fit_is_refused),
        cmocka_unit_test(progress_ends_at_the_total_and_comes_from_the_calling_thread),
        cmocka_unit_test(interrupt_stops_between_steps_and_leaves_nothing),
    };
    return cmocka_run_group_tests_name("navier_stokes", tests, set_up, tear_down);
}
