/* Subsets: some points of some frames, wherever the values are. */
#include "decoder_fixture.h"
#include "unread_fixture.h"

enum { SEQUENCES = 3, CHANNELS = 2, SIDE = 8, COUNT = SIDE * SIDE };

/* Sequences of 7, 8, 9 frames that alternate between a grid and scattered points; every value tells
 * where it stands. */
static fc_dataset *told_dataset(fc_context *context)
{
    const size_t shape[FC_MAX_DIMS] = {SIDE, SIDE};
    fc_domain domain = planar_domain();
    fc_dataset *dataset;
    fc_sequence *sequence;
    size_t index, points[16];
    double times[16], *grid = random_points(&domain, COUNT, 1), *x = random_points(&domain, 40, 2);
    CHECK(fc_dataset_create(context, &domain, CHANNELS, &dataset));
    CHECK(fc_dataset_add_points(context, dataset, COUNT, grid, shape, &index));
    CHECK(fc_dataset_add_points(context, dataset, 40, x, NULL, &index));
    dataset->time.cycle = 12.0;
    dataset->channels[1].name[0] = 'u';
    for (size_t s = 0; s < SEQUENCES; s++) {
        for (size_t f = 0; f < 7 + s; f++) {
            times[f] = 0.5 * (double)(f * f + s);
            points[f] = f / 2 % 2;
        }
        CHECK(fc_dataset_add_sequence(context, dataset, 7 + s, times, points, &sequence));
        for (size_t f = 0; f < 7 + s; f++)
            for (size_t i = 0; i < CHANNELS * dataset->points[points[f]].count; i++)
                sequence->frames[f].values[i] = (float)(10000 * s + 1000 * f + i);
    }
    free(grid);
    free(x);
    return dataset;
}

/* Every value of the subset against the place that its coordinates were taken from. */
static void assert_subset(fc_context *context, const fc_dataset *dataset, const fc_mask *mask,
                          size_t every, fc_dataset *subset)
{
    bool seen[COUNT];
    CHECK(fc_dataset_load_all(context, subset));
    assert_int_equal(subset->sequence_count, SEQUENCES);
    assert_true(subset->time.cycle == 12.0);
    assert_int_equal(subset->channels[1].name[0], 'u');
    for (size_t s = 0; s < SEQUENCES; s++) {
        const fc_sequence *from = &dataset->sequences[s], *to = &subset->sequences[s];
        assert_int_equal(to->frame_count, (from->frame_count + every - 1) / every);
        for (size_t k = 0; k < to->frame_count; k++) {
            const fc_frame *frame = &from->frames[k * every], *part = &to->frames[k];
            const fc_points *points = &dataset->points[frame->points];
            const fc_points *kept = &subset->points[part->points];
            size_t number, next = 0;
            CHECK(fc_mask_points(context, mask, &dataset->domain, points, s, k * every, seen,
                                 &number));
            assert_int_equal(kept->count, number);
            assert_true(part->time == frame->time);
            for (size_t p = 0; p < points->count; p++) {
                if (!seen[p])
                    continue;
                assert_memory_equal(kept->coordinates + 2 * next, points->coordinates + 2 * p,
                                    2 * sizeof(double));
                assert_memory_equal(part->values + CHANNELS * next, frame->values + CHANNELS * p,
                                    CHANNELS * sizeof(float));
                next++;
            }
        }
    }
}

static void a_subset_holds_the_points_seen_of_some_frames(void **state)
{
    static const size_t steps[] = {1, 2, 3, 20}, units[] = {0, 1, 4, 50};
    fc_dataset *dataset = told_dataset(*state), *subset;
    for (int kind = FC_MASK_SHARED; kind <= FC_MASK_FRAME; kind++)
        for (size_t k = 0; k < 4; k++)
            for (size_t u = 0; u < 4; u++) {
                const fc_mask mask = {
                    .share = u == 2 ? 1.0 : 0.3, .kind = (fc_mask_kind)kind, .seed = 2};
                unread_source source;
                fc_dataset *unread = unread_dataset(dataset, units[u], &source);
                const fc_dataset *from = units[u] ? unread : dataset;
                CHECK(fc_dataset_subset(*state, from, &mask, steps[k], &subset));
                assert_null(subset->sequences[0].frames[0].values);
                assert_subset(*state, dataset, &mask, steps[k], subset);
                if (units[u])
                    assert_true(atomic_load(&source.longest) <= units[u]);
                fc_dataset_destroy(subset);
                fc_dataset_destroy(unread);
            }
    fc_dataset_destroy(dataset);
}

static void shared_points_stay_shared_and_grids_stay_grids(void **state)
{
    fc_dataset *dataset = told_dataset(*state), *subset;
    fc_mask mask = {.share = 0.3};
    CHECK(fc_dataset_subset(*state, dataset, &mask, 1, &subset));
    assert_int_equal(subset->points_count, 2);
    assert_int_equal(subset->points[0].grid[0], 0);
    fc_dataset_destroy(subset);
    mask.kind = FC_MASK_SEQUENCE;
    CHECK(fc_dataset_subset(*state, dataset, &mask, 1, &subset));
    assert_int_equal(subset->points_count, 2 * SEQUENCES);
    fc_dataset_destroy(subset);
    mask.kind = FC_MASK_FRAME;
    CHECK(fc_dataset_subset(*state, dataset, &mask, 1, &subset));
    assert_int_equal(subset->points_count, 7 + 8 + 9);
    fc_dataset_destroy(subset);
    mask.share = 1.0; /* which sees the same in every frame */
    CHECK(fc_dataset_subset(*state, dataset, &mask, 2, &subset));
    assert_int_equal(subset->points_count, 2);
    assert_int_equal(subset->points[0].grid[1], SIDE);
    fc_dataset_destroy(subset);
    mask.grid[0] = mask.grid[1] = 4;
    CHECK(fc_dataset_subset(*state, dataset, &mask, 4, &subset)); /* frames on the grid */
    assert_int_equal(subset->points[0].grid[1], 4);
    assert_int_equal(subset->points[0].count, 16);
    fc_dataset_destroy(subset);
    fc_dataset_destroy(dataset);
}

static void faults_of_the_mask_and_of_the_file_are_told(void **state)
{
    fc_dataset *dataset = told_dataset(*state), *subset;
    unread_source source;
    fc_dataset *unread = unread_dataset(dataset, 2, &source);
    fc_mask mask = {.share = 0.3};
    assert_int_equal(fc_dataset_subset(*state, dataset, &mask, 0, &subset), FC_ERROR_USAGE);
    assert_null(subset);
    mask.grid[0] = mask.grid[1] = 4; /* the other frames are scattered */
    assert_int_equal(fc_dataset_subset(*state, dataset, &mask, 1, &subset), FC_ERROR_DATA);
    assert_null(subset);
    mask.grid[0] = 0;
    CHECK(fc_dataset_subset(*state, unread, &mask, 1, &subset));
    source.fails_at = 9;
    assert_int_equal(fc_dataset_load_all(*state, subset), FC_ERROR_IO);
    assert_non_null(strstr(fc_context_message(*state), "the disk is gone"));
    fc_dataset_destroy(subset);
    fc_dataset_destroy(unread);
    fc_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subset_holds_the_points_seen_of_some_frames),
        cmocka_unit_test(shared_points_stay_shared_and_grids_stay_grids),
        cmocka_unit_test(faults_of_the_mask_and_of_the_file_are_told),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
