/* What all cases have in common, case by case: their datasets, seeds, threads, trajectories, and
 * what can go wrong. */
#include "tests/data/data_testing.h"

/* The settings that all of them have, at small sizes. */
typedef struct settings {
    size_t sequences, per_trajectory, frames;
    double interval;
    size_t grid;
    uint64_t seed;
} settings;

static const settings small = {
    .sequences = 5, .per_trajectory = 2, .frames = 3, .interval = 0.5, .grid = 32, .seed = 11};

/* Opens the case, or generates it. */
typedef fc_status maker(fc_context *context, const settings *s, bool open, fc_dataset **dataset);

#define MAKER(thing, ...)                                                                          \
    static fc_status thing(fc_context *context, const settings *s, bool open,                      \
                           fc_dataset **dataset)                                                   \
    {                                                                                              \
        fc_##thing##_config config = fc_##thing##_config_default();                                \
        config.sequences = s->sequences;                                                           \
        config.per_trajectory = s->per_trajectory;                                                 \
        config.frames = s->frames;                                                                 \
        config.interval = s->interval;                                                             \
        config.grid = s->grid;                                                                     \
        config.seed = s->seed;                                                                     \
        __VA_ARGS__;                                                                               \
        return open ? fc_##thing##_open(context, &config, dataset)                                 \
                    : fc_##thing##_generate(context, &config, dataset);                            \
    }

MAKER(navier_stokes, config.burn_in = 0.4)
MAKER(wave, )
MAKER(heat, )
MAKER(burgers, config.interval = 0.1 * s->interval)
MAKER(kuramoto_sivashinsky, config.burn_in = 3.0, config.length = 22.0)
MAKER(gray_scott, config.output_grid = 0)

static const struct {
    const char *name;
    maker *make;
    size_t dims, channels;
} cases[] = {
    {"navier-stokes", navier_stokes, 2, 1},
    {"wave", wave, 2, 2},
    {"heat", heat, 2, 1},
    {"burgers", burgers, 1, 1},
    {"kuramoto-sivashinsky", kuramoto_sivashinsky, 1, 1},
    {"gray-scott", gray_scott, 2, 2},
};
enum { CASES = sizeof cases / sizeof *cases };

static fc_dataset *generate(fc_context *context, size_t i, settings s)
{
    fc_dataset *dataset;
    MADE(context, cases[i].make(context, &s, false, &dataset), &dataset);
    return dataset;
}

static size_t values_of(size_t i)
{
    return (cases[i].dims == 2 ? small.grid : 1) * small.grid * cases[i].channels;
}

static bool same(size_t i, const float *a, const float *b)
{
    return memcmp(a, b, values_of(i) * sizeof *a) == 0;
}

static void datasets_describe_themselves(void **state)
{
    for (size_t i = 0; i < CASES; i++) {
        fc_dataset *dataset = generate(*state, i, small);
        assert_int_equal(dataset->domain.dims, cases[i].dims);
        assert_int_equal(dataset->channel_count, cases[i].channels);
        assert_int_equal(dataset->sequence_count, 5);
        assert_int_equal(dataset->points_count, 1);
        assert_int_equal(dataset->points[0].count * cases[i].channels, values_of(i));
        assert_false(dataset->record);
        for (size_t d = 0; d < cases[i].dims; d++) {
            assert_string_equal(dataset->domain.axis[d].name, d ? "y" : "x");
            assert_int_equal(dataset->domain.axis[d].kind, FC_AXIS_PERIODIC);
            assert_int_equal(dataset->points[0].grid[d], small.grid);
            assert_true(dataset->points[0].coordinates[d] == dataset->domain.axis[d].lower);
        }
        fc_dataset_destroy(dataset);
    }
}

static void same_seed_gives_the_same_bits_for_any_number_of_threads(void **state)
{
    fc_context *single;
    CHECK(fc_context_create(1, &single));
    for (size_t i = 0; i < CASES; i++) {
        fc_dataset *serial = generate(single, i, small), *parallel = generate(*state, i, small);
        for (size_t s = 0; s < 5; s++)
            for (size_t f = 0; f < 3; f++)
                if (!same(i, frame_of(serial, s, f), frame_of(parallel, s, f)))
                    fail_msg("%s: sequence %zu, frame %zu", cases[i].name, s, f);
        fc_dataset_destroy(serial);
        fc_dataset_destroy(parallel);
    }
    fc_context_destroy(single);
}

static void sequences_of_a_trajectory_follow_each_other_without_a_gap(void **state)
{
    for (size_t i = 0; i < CASES; i++) {
        settings whole = small;
        whole.sequences = 2; /* and so other numbers of sequences change nothing */
        whole.per_trajectory = 1;
        whole.frames = 6;
        fc_dataset *parts = generate(*state, i, small), *wholes = generate(*state, i, whole);
        for (size_t s = 0; s < 4; s++)
            for (size_t f = 0; f < 3; f++)
                if (!same(i, frame_of(parts, s, f), frame_of(wholes, s / 2, s % 2 * 3 + f)))
                    fail_msg("%s: sequence %zu, frame %zu", cases[i].name, s, f);
        fc_dataset_destroy(parts);
        fc_dataset_destroy(wholes);
    }
}

static void sequences_of_one_frame_are_an_interval_apart(void **state)
{
    for (size_t i = 0; i < CASES; i++) {
        settings single = small;
        single.frames = 1;
        fc_dataset *parts = generate(*state, i, single), *whole = generate(*state, i, small);
        assert_true(same(i, frame_of(parts, 1, 0), frame_of(whole, 0, 1)));
        assert_true(same(i, frame_of(parts, 2, 0), frame_of(whole, 2, 0)));
        fc_dataset_destroy(parts);
        fc_dataset_destroy(whole);
    }
}

static void seeds_and_trajectories_differ(void **state)
{
    for (size_t i = 0; i < CASES; i++) {
        settings other = small;
        other.seed++;
        fc_dataset *a = generate(*state, i, small), *b = generate(*state, i, other);
        assert_true(distance(values_of(i), frame_of(a, 0, 0), frame_of(b, 0, 0)) > 0.01);
        assert_true(distance(values_of(i), frame_of(a, 0, 0), frame_of(a, 2, 0)) > 0.01);
        assert_true(distance(values_of(i), frame_of(a, 0, 0), frame_of(a, 0, 2)) > 1e-3);
        fc_dataset_destroy(a);
        fc_dataset_destroy(b);
    }
}

static void frames_made_when_needed_are_those_of_the_whole(void **state)
{
    for (size_t i = 0; i < CASES; i++) {
        fc_dataset *whole = generate(*state, i, small), *open;
        CHECK(cases[i].make(*state, &small, true, &open));
        assert_null(open->sequences[3].frames[1].values);
        CHECK(fc_dataset_load(*state, open, 3, 1, 2));
        assert_true(same(i, frame_of(open, 3, 2), frame_of(whole, 3, 2)));
        CHECK(fc_dataset_load(*state, open, 0, 0, 1)); /* back to an earlier one */
        assert_true(same(i, frame_of(open, 0, 0), frame_of(whole, 0, 0)));
        fc_dataset_destroy(open);
        fc_dataset_destroy(whole);
    }
}

static void an_interrupted_generation_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        fc_context *context;
        fc_dataset *dataset;
        CHECK(fc_context_create(2, &context));
        fc_context_interrupt(context);
        assert_int_equal(cases[i].make(context, &small, false, &dataset), FC_INTERRUPTED);
        assert_null(dataset);
        assert_non_null(strstr(fc_context_message(context), cases[i].name));
        assert_non_null(strstr(fc_context_message(context), "interrupted after"));
        fc_context_destroy(context);
    }
}

static void all_faults_of_the_settings_are_reported_together(void **state)
{
    static const char *const parts[] = {"sequences is 0", "per_trajectory is 0", "frames is 0",
                                        "grid is 33; an even number from 16 to 8192"};
    const settings wrong = {.interval = -1.0, .grid = 33};
    for (size_t i = 0; i < CASES; i++) {
        fc_dataset *dataset;
        assert_int_equal(cases[i].make(*state, &wrong, true, &dataset), FC_ERROR_USAGE);
        assert_null(dataset);
        const char *message = fc_context_message(*state);
        assert_int_equal(strncmp(message, cases[i].name, strlen(cases[i].name)), 0);
        assert_true(strstr(message, "interval is -1") || strstr(message, "interval is -0.1"));
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
            if (!strstr(message, parts[k]))
                fail_msg("\"%s\" is not in \"%s\"", parts[k], message);
    }
}

static void amounts_of_data_that_do_not_fit_are_refused(void **state)
{
    settings large = small;
    large.frames = SIZE_MAX / 4;
    for (size_t i = 0; i < CASES; i++) {
        fc_dataset *dataset;
        assert_int_equal(cases[i].make(*state, &large, false, &dataset), FC_ERROR_MEMORY);
        assert_null(dataset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datasets_describe_themselves),
        cmocka_unit_test(same_seed_gives_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(sequences_of_a_trajectory_follow_each_other_without_a_gap),
        cmocka_unit_test(sequences_of_one_frame_are_an_interval_apart),
        cmocka_unit_test(seeds_and_trajectories_differ),
        cmocka_unit_test(frames_made_when_needed_are_those_of_the_whole),
        cmocka_unit_test(an_interrupted_generation_leaves_nothing),
        cmocka_unit_test(all_faults_of_the_settings_are_reported_together),
        cmocka_unit_test(amounts_of_data_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests_name("cases", tests, context_setup, context_teardown);
}
