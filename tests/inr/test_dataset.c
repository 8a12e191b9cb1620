/* Growth of datasets, and the faults that validation names. */
#include "tests/inr/decoder_fixture.h"

/* One channel "t" on two points of a line, one sequence of three frames full of ones. */
static fc_dataset *small_dataset(fc_context *context)
{
    fc_domain domain = {.dims = 1, .axis = {axis_of(FC_AXIS_PLAIN, 0.0, 1.0, "x")}};
    fc_dataset *dataset;
    fc_sequence *sequence;
    size_t index;
    CHECK(fc_dataset_create(context, &domain, 1, &dataset));
    fc__copy_name(dataset->channels[0].name, "t");
    CHECK(fc_dataset_add_points(context, dataset, 2, (double[]){0.25, 0.75}, NULL, &index));
    CHECK(fc_dataset_add_sequence(context, dataset, 3, (double[]){0.0, 1.0, 2.5}, NULL, &sequence));
    for (size_t f = 0; f < 3; f++)
        sequence->frames[f].values[0] = sequence->frames[f].values[1] = 1.0f;
    return dataset;
}

/* Validation fails with a message that holds the text. */
static void faulty(fc_context *context, fc_dataset *dataset, const char *text)
{
    assert_int_equal(fc_dataset_validate(context, dataset, "a.nc"), FC_ERROR_DATA);
    if (!strstr(fc_context_message(context), text))
        fail_msg("'%s' does not hold '%s'", fc_context_message(context), text);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- growth */

static void everything_added_stays_while_a_dataset_grows(void **state)
{
    enum { SETS = 37, SEQUENCES = 41 };
    fc_domain domain = planar_domain();
    fc_dataset *dataset;
    CHECK(fc_dataset_create(*state, &domain, 2, &dataset));
    for (size_t p = 0; p < SETS; p++) {
        double *x = random_points(&domain, p + 1, p);
        size_t index;
        CHECK(fc_dataset_add_points(*state, dataset, p + 1, x, NULL, &index));
        assert_int_equal(index, p);
        free(x);
    }
    for (size_t s = 0; s < SEQUENCES; s++) {
        double times[3] = {(double)s, (double)s + 1.0, (double)s + 3.0};
        size_t points[3] = {s % SETS, 0, SETS - 1};
        fc_sequence *sequence;
        CHECK(fc_dataset_add_sequence(*state, dataset, 1 + s % 3, times, points, &sequence));
        for (size_t f = 0; f < sequence->frame_count; f++)
            for (size_t i = 0; i < 2 * (points[f] + 1); i++) {
                assert_true(isnan(sequence->frames[f].values[i]));
                sequence->frames[f].values[i] = (float)(s + 100 * f + i);
            }
    }
    assert_int_equal(dataset->points_count, SETS);
    assert_int_equal(dataset->sequence_count, SEQUENCES);
    assert_int_equal(fc_dataset_max_points(dataset), SETS);
    for (size_t p = 0; p < SETS; p++) {
        double *x = random_points(&domain, p + 1, p);
        assert_memory_equal(dataset->points[p].coordinates, x, (p + 1) * 2 * sizeof *x);
        free(x);
    }
    for (size_t s = 0; s < SEQUENCES; s++) {
        const fc_sequence *sequence = &dataset->sequences[s];
        assert_int_equal(sequence->frame_count, 1 + s % 3);
        for (size_t f = 0; f < sequence->frame_count; f++) {
            const fc_frame *frame = &sequence->frames[f];
            assert_true(frame->time == (double)s + (f == 2 ? 3.0 : (double)f));
            assert_int_equal(frame->points, f == 0 ? s % SETS : f == 1 ? 0 : SETS - 1);
            for (size_t i = 0; i < 2 * dataset->points[frame->points].count; i++)
                assert_true(frame->values[i] == (float)(s + 100 * f + i));
        }
    }
    CHECK(fc_dataset_validate(*state, dataset, "grown"));
    fc_dataset_destroy(dataset);
}

static void frames_share_points_until_one_does_not(void **state)
{
    fc_dataset *dataset = small_dataset(*state);
    fc_sequence *sequence;
    size_t index;
    assert_true(fc_dataset_shares_points(dataset));
    CHECK(fc_dataset_add_points(*state, dataset, 1, (double[]){0.5}, NULL, &index));
    assert_true(fc_dataset_shares_points(dataset)); /* of which no frame makes use */
    CHECK(fc_dataset_add_sequence(*state, dataset, 1, (double[]){0.0}, NULL, &sequence));
    assert_true(fc_dataset_shares_points(dataset));
    CHECK(fc_dataset_add_sequence(*state, dataset, 2, (double[]){0.0, 1.0}, (size_t[]){0, 1},
                                  &sequence));
    assert_false(fc_dataset_shares_points(dataset));
    assert_int_equal(fc_dataset_max_points(dataset), 2);
    fc_dataset_destroy(dataset);
}

static void a_grid_must_have_as_many_points_as_its_shape(void **state)
{
    fc_domain domain = planar_domain();
    fc_dataset *dataset;
    size_t index = 99;
    double *x = random_points(&domain, 12, 1);
    CHECK(fc_dataset_create(*state, &domain, 1, &dataset));
    assert_int_equal(fc_dataset_add_points(*state, dataset, 12, x, (size_t[]){3, 5}, &index),
                     FC_ERROR_DATA);
    assert_non_null(strstr(fc_context_message(*state), "12 points do not match the shape"));
    assert_int_equal(
        fc_dataset_add_points(*state, dataset, 12, x, (size_t[]){SIZE_MAX / 4, 12}, &index),
        FC_ERROR_DATA);
    assert_int_equal(fc_dataset_add_points(*state, dataset, 0, x, NULL, &index), FC_ERROR_DATA);
    assert_int_equal(dataset->points_count, 0);
    CHECK(fc_dataset_add_points(*state, dataset, 12, x, (size_t[]){3, 4}, &index));
    assert_int_equal(dataset->points[index].grid[0], 3);
    assert_int_equal(dataset->points[index].grid[1], 4);
    free(x);
    fc_dataset_destroy(dataset);
}

static void what_cannot_be_added_leaves_the_dataset_as_it_was(void **state)
{
    fc_dataset *dataset = small_dataset(*state), *none = dataset;
    fc_sequence *sequence;
    size_t index = 99;
    assert_int_equal(fc_dataset_add_sequence(*state, dataset, 2, (double[]){0.0, 1.0},
                                             (size_t[]){0, 1}, &sequence),
                     FC_ERROR_DATA);
    assert_null(sequence);
    assert_non_null(strstr(fc_context_message(*state), "sequence 1, frame 1: point set 1 of 1"));
    assert_int_equal(
        fc_dataset_add_points(*state, dataset, SIZE_MAX / 4, (double[]){0.0}, NULL, &index),
        FC_ERROR_MEMORY);
    assert_int_equal(dataset->sequence_count, 1);
    assert_int_equal(dataset->points_count, 1);
    CHECK(fc_dataset_validate(*state, dataset, "a.nc"));
    assert_int_equal(fc_dataset_create(*state, &dataset->domain, 0, &none), FC_ERROR_DATA);
    assert_null(none);
    assert_non_null(strstr(fc_context_message(*state), "0 channels; 1 to 4096"));
    fc_dataset_destroy(dataset);
    fc_dataset_destroy(NULL);
}

/* ---------------------------------------------------------------- validation */

static void missing_values_are_no_fault(void **state)
{
    fc_dataset *dataset = small_dataset(*state);
    dataset->sequences[0].frames[1].values[0] = NAN;
    CHECK(fc_dataset_validate(*state, dataset, "a.nc"));
    fc_dataset_destroy(dataset);
}

static void times_that_do_not_increase_are_found(void **state)
{
    fc_dataset *dataset = small_dataset(*state);
    dataset->sequences[0].frames[2].time = 0.5;
    faulty(*state, dataset, "a.nc: sequence 0: time 0.5 of frame 2 does not come after 1;");
    dataset = small_dataset(*state);
    dataset->sequences[0].frames[1].time = 0.0; /* twice the same */
    faulty(*state, dataset, "time 0 of frame 1 does not come after 0;");
}

static void times_that_are_no_numbers_are_found(void **state)
{
    fc_dataset *dataset = small_dataset(*state);
    dataset->sequences[0].frames[1].time = (double)NAN;
    faulty(*state, dataset, "a.nc: sequence 0, frame 1: time is nan");
    dataset = small_dataset(*state);
    dataset->sequences[0].frames[2].time = (double)INFINITY;
    faulty(*state, dataset, "a.nc: sequence 0, frame 2: time is inf");
}

static void infinite_values_are_found(void **state)
{
    fc_dataset *dataset = small_dataset(*state);
    dataset->sequences[0].frames[2].values[1] = -INFINITY;
    faulty(*state, dataset, "a.nc: t is infinite in sequence 0, frame 2, point 1;");
}

static void a_frame_without_values_is_found(void **state)
{
    fc_dataset *dataset = small_dataset(*state);
    dataset->sequences[0].frames[1].values[0] = dataset->sequences[0].frames[1].values[1] = NAN;
    faulty(*state, dataset, "a.nc: nothing is observed in sequence 0, frame 1");
}

static void a_channel_without_values_is_found(void **state)
{
    fc_domain domain = planar_domain();
    fc_dataset *dataset;
    fc_sequence *sequence;
    size_t index;
    CHECK(fc_dataset_create(*state, &domain, 2, &dataset));
    fc__copy_name(dataset->channels[0].name, "u");
    fc__copy_name(dataset->channels[1].name, "v");
    CHECK(fc_dataset_add_points(*state, dataset, 1, (double[]){0.5, 0.5}, NULL, &index));
    CHECK(fc_dataset_add_sequence(*state, dataset, 1, (double[]){0.0}, NULL, &sequence));
    sequence->frames[0].values[0] = 1.0f;
    faulty(*state, dataset, "a.nc: v has no value at all");
}

static void a_dataset_without_frames_is_found(void **state)
{
    fc_domain domain = planar_domain();
    fc_dataset *dataset;
    fc_sequence *sequence;
    CHECK(fc_dataset_create(*state, &domain, 1, &dataset));
    CHECK(fc_dataset_add_sequence(*state, dataset, 0, NULL, NULL, &sequence));
    faulty(*state, dataset, "a.nc: holds no frames");
}

static void points_outside_the_domain_are_found(void **state)
{
    fc_dataset *dataset = small_dataset(*state);
    dataset->points[0].coordinates[1] = 1.5;
    faulty(*state, dataset, "a.nc: point 1: x = 1.5 lies outside the domain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_added_stays_while_a_dataset_grows),
        cmocka_unit_test(frames_share_points_until_one_does_not),
        cmocka_unit_test(a_grid_must_have_as_many_points_as_its_shape),
        cmocka_unit_test(what_cannot_be_added_leaves_the_dataset_as_it_was),
        cmocka_unit_test(missing_values_are_no_fault),
        cmocka_unit_test(times_that_do_not_increase_are_found),
        cmocka_unit_test(times_that_are_no_numbers_are_found),
        cmocka_unit_test(infinite_values_are_found),
        cmocka_unit_test(a_frame_without_values_is_found),
        cmocka_unit_test(a_channel_without_values_is_found),
        cmocka_unit_test(a_dataset_without_frames_is_found),
        cmocka_unit_test(points_outside_the_domain_are_found),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
