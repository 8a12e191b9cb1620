/* Masks: shares, places, seeds, coarser grids. */
#include "decoder_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SIDE = 64, COUNT = SIDE * SIDE };

/* A grid on a periodic square, or with both ends on a plain one. */
static fc_points grid_of(const fc_domain *domain, size_t side)
{
    fc_points points = {.count = side * side, .grid = {side, side}};
    points.coordinates = zeros(2 * points.count, sizeof *points.coordinates);
    for (size_t p = 0; p < points.count; p++)
        for (size_t d = 0; d < 2; d++) {
            const fc_axis *axis = &domain->axis[d];
            size_t i = d == 0 ? p % side : p / side, steps = side;
            if (axis->kind == FC_AXIS_PLAIN)
                steps--;
            points.coordinates[2 * p + d] =
                axis->lower + (axis->upper - axis->lower) * (double)i / (double)steps;
        }
    return points;
}

static fc_domain square(fc_axis_kind kind)
{
    return (fc_domain){.dims = 2,
                       .axis = {axis_of(kind, 0.0, 1.0, "x"), axis_of(kind, 0.0, 1.0, "y")}};
}

/* The mask of a frame; returns the number of points seen. */
static size_t draw(fc_context *context, const fc_mask *mask, const fc_domain *domain,
                   const fc_points *points, size_t sequence, size_t frame, bool *seen)
{
    size_t number, counted = 0;
    CHECK(fc_mask_points(context, mask, domain, points, sequence, frame, seen, &number));
    for (size_t p = 0; p < points->count; p++)
        counted += seen[p];
    assert_int_equal(number, counted);
    return number;
}

static void a_share_of_the_points_is_seen(void **state)
{
    static const double shares[] = {0.01, 0.05, 0.2, 0.5, 0.9};
    fc_domain domain = square(FC_AXIS_PERIODIC);
    fc_points points = grid_of(&domain, SIDE);
    bool seen[COUNT];
    fc_mask mask = fc_mask_default();
    assert_true(fc_mask_sees_all(&mask));
    assert_int_equal(draw(*state, &mask, &domain, &points, 0, 0, seen), COUNT);
    for (size_t k = 0; k < 5; k++) {
        mask.share = shares[k];
        assert_false(fc_mask_sees_all(&mask));
        double sum = 0.0, deviation = sqrt(COUNT * shares[k] * (1.0 - shares[k]));
        for (mask.seed = 0; mask.seed < 16; mask.seed++)
            sum += (double)draw(*state, &mask, &domain, &points, 0, 0, seen) - COUNT * shares[k];
        assert_true(fabs(sum) <
                    4.0 * 4.0 * deviation); /* of 16 draws, whose deviation is 4 times */
    }
    free(points.coordinates);
}

static void a_smaller_share_sees_a_part_of_what_a_larger_one_does(void **state)
{
    fc_domain domain = square(FC_AXIS_PERIODIC);
    fc_points points = grid_of(&domain, SIDE);
    bool few[COUNT], many[COUNT];
    fc_mask mask = {.share = 0.05, .seed = 3};
    size_t less = draw(*state, &mask, &domain, &points, 0, 0, few);
    mask.share = 0.2;
    assert_true(draw(*state, &mask, &domain, &points, 0, 0, many) > 2 * less);
    for (size_t p = 0; p < COUNT; p++)
        assert_true(many[p] || !few[p]);
    free(points.coordinates);
}

/* Points in another order, and those of a finer grid. */
static void a_mask_belongs_to_the_places(void **state)
{
    fc_domain domain = square(FC_AXIS_PERIODIC);
    fc_points points = grid_of(&domain, SIDE), turned = grid_of(&domain, SIDE);
    fc_points fine = grid_of(&domain, 2 * SIDE);
    static bool a[COUNT], b[COUNT], c[4 * COUNT];
    const fc_mask mask = {.share = 0.2, .seed = 3};
    for (size_t p = 0; p < COUNT; p++)
        for (size_t d = 0; d < 2; d++)
            turned.coordinates[2 * p + d] = points.coordinates[2 * (COUNT - 1 - p) + d];
    assert_true(turned.coordinates[2 * COUNT - 1] == 0.0);
    turned.coordinates[2 * COUNT - 1] = -0.0;
    draw(*state, &mask, &domain, &points, 0, 0, a);
    draw(*state, &mask, &domain, &turned, 5, 6, b); /* shared by all frames */
    draw(*state, &mask, &domain, &fine, 0, 0, c);
    for (size_t p = 0; p < COUNT; p++) {
        assert_true(a[p] == b[COUNT - 1 - p]);
        assert_true(a[p] == c[2 * (p / SIDE) * 2 * SIDE + 2 * (p % SIDE)]);
    }
    free(points.coordinates);
    free(turned.coordinates);
    free(fine.coordinates);
}

/* Points that both masks see, which of two independent ones are share^2. */
static double overlap(const bool *a, const bool *b)
{
    double both = 0.0;
    for (size_t p = 0; p < COUNT; p++)
        both += a[p] && b[p];
    return both / COUNT;
}

static void seeds_sequences_and_frames_have_masks_of_their_own(void **state)
{
    fc_domain domain = square(FC_AXIS_PERIODIC);
    fc_points points = grid_of(&domain, SIDE);
    bool a[COUNT], b[COUNT];
    const double bound = 4.0 * sqrt(0.09 * 0.91 / COUNT);
    fc_mask mask = {.share = 0.3, .seed = 3}, other = {.share = 0.3, .seed = 4};
    draw(*state, &mask, &domain, &points, 0, 0, a);
    draw(*state, &other, &domain, &points, 0, 0, b);
    assert_true(fabs(overlap(a, b) - 0.09) < bound);
    mask.kind = FC_MASK_SEQUENCE;
    draw(*state, &mask, &domain, &points, 1, 0, a);
    draw(*state, &mask, &domain, &points, 1, 8, b);
    assert_memory_equal(a, b, sizeof a);
    draw(*state, &mask, &domain, &points, 2, 0, b);
    assert_true(fabs(overlap(a, b) - 0.09) < bound);
    mask.kind = FC_MASK_FRAME;
    draw(*state, &mask, &domain, &points, 1, 0, a);
    draw(*state, &mask, &domain, &points, 1, 8, b);
    assert_true(fabs(overlap(a, b) - 0.09) < bound);
    draw(*state, &mask, &domain, &points, 0, 1, b);
    assert_true(fabs(overlap(a, b) - 0.09) < bound);
    draw(*state, &mask, &domain, &points, 1, 0, b);
    assert_memory_equal(a, b, sizeof a);
    free(points.coordinates);
}

static void at_least_one_point_is_seen(void **state)
{
    fc_domain domain = square(FC_AXIS_PERIODIC);
    fc_points points = grid_of(&domain, 4);
    bool seen[16], other[16];
    fc_mask mask = {.share = 1e-9, .seed = 3}, next = {.share = 0.5, .seed = 3};
    assert_int_equal(draw(*state, &mask, &domain, &points, 0, 0, seen), 1);
    draw(*state, &next, &domain, &points, 0, 0, other); /* which sees it as well */
    for (size_t p = 0; p < 16; p++)
        assert_true(other[p] || !seen[p]);
    free(points.coordinates);
}

static void the_points_of_a_coarser_grid_are_seen(void **state)
{
    fc_domain closed = square(FC_AXIS_PERIODIC), plain = square(FC_AXIS_PLAIN);
    fc_points points = grid_of(&closed, SIDE), ends = grid_of(&plain, 33);
    bool seen[COUNT];
    fc_mask mask = {.share = 1.0, .grid = {16, 32}}; /* y, x */
    assert_false(fc_mask_sees_all(&mask));
    assert_int_equal(draw(*state, &mask, &closed, &points, 0, 0, seen), 16 * 32);
    for (size_t p = 0; p < COUNT; p++)
        assert_true(seen[p] == (p % SIDE % 2 == 0 && p / SIDE % 4 == 0));
    mask.share = 0.25;
    size_t number = draw(*state, &mask, &closed, &points, 0, 0, seen);
    assert_true(number > 90 && number < 170);
    for (size_t p = 0; p < COUNT; p++)
        assert_true(!seen[p] || (p % SIDE % 2 == 0 && p / SIDE % 4 == 0));
    mask = (fc_mask){.share = 1.0, .grid = {5, 17}}; /* both ends are on it */
    assert_int_equal(draw(*state, &mask, &plain, &ends, 0, 0, seen), 5 * 17);
    assert_true(seen[0] && seen[32] && seen[33 * 33 - 1] && seen[2] && seen[8 * 33] && !seen[33]);
    free(points.coordinates);
    free(ends.coordinates);
}

static void impossible_masks_are_refused(void **state)
{
    fc_domain domain = square(FC_AXIS_PERIODIC);
    fc_points points = grid_of(&domain, SIDE);
    bool seen[COUNT];
    fc_mask mask = {.share = 0.0};
    assert_int_equal(fc_mask_points(*state, &mask, &domain, &points, 0, 0, seen, NULL),
                     FC_ERROR_USAGE);
    assert_non_null(strstr(fc_context_message(*state), "observe is 0; a share in (0, 1]"));
    mask = (fc_mask){.share = 1.0, .grid = {16, 48}};
    assert_int_equal(fc_mask_points(*state, &mask, &domain, &points, 0, 0, seen, NULL),
                     FC_ERROR_DATA);
    assert_non_null(
        strstr(fc_context_message(*state), "axis x has 64 points; a coarser grid of 48"));
    points.grid[0] = 0;
    assert_int_equal(fc_mask_points(*state, &mask, &domain, &points, 0, 0, seen, NULL),
                     FC_ERROR_DATA);
    assert_non_null(strstr(fc_context_message(*state), "scattered"));
    free(points.coordinates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_of_the_points_is_seen),
        cmocka_unit_test(a_smaller_share_sees_a_part_of_what_a_larger_one_does),
        cmocka_unit_test(a_mask_belongs_to_the_places),
        cmocka_unit_test(seeds_sequences_and_frames_have_masks_of_their_own),
        cmocka_unit_test(at_least_one_point_is_seen),
        cmocka_unit_test(the_points_of_a_coarser_grid_are_seen),
        cmocka_unit_test(impossible_masks_are_refused),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
