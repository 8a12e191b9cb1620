/* Walks over frames that are not in memory: order, blocks, failures and interruption. */
#include "inr/stream.h"
#include "tests/inr/decoder_fixture.h"
#include "tests/inr/unread_fixture.h"

enum { SEQUENCES = 5, CHANNELS = 2 };

/* Sequences of 7, 8, ... frames on sets of 3, 5 and 9 points; every value tells where it stands. */
static fc_dataset *told_dataset(fc_context *context)
{
    fc_domain domain = planar_domain();
    fc_dataset *dataset;
    fc_sequence *sequence;
    size_t index, points[16];
    double times[16];
    CHECK(fc_dataset_create(context, &domain, CHANNELS, &dataset));
    for (size_t p = 0; p < 3; p++) {
        double *x = random_points(&domain, 9, p);
        CHECK(fc_dataset_add_points(context, dataset,
                                    p == 0   ? 3
                                    : p == 1 ? 5
                                             : 9,
                                    x, NULL, &index));
        free(x);
    }
    for (size_t s = 0; s < SEQUENCES; s++) {
        for (size_t f = 0; f < 7 + s; f++) {
            times[f] = 0.5 * (double)(f + s);
            points[f] = (f + s) % 3;
        }
        CHECK(fc_dataset_add_sequence(context, dataset, 7 + s, times, points, &sequence));
        for (size_t f = 0; f < 7 + s; f++)
            for (size_t i = 0; i < CHANNELS * dataset->points[points[f]].count; i++)
                sequence->frames[f].values[i] = (float)(1000 * s + 50 * f + i);
    }
    return dataset;
}

static void assert_frame(const fc_dataset *dataset, const fc__place *place, const fc_frame *frame)
{
    const fc_frame *true_frame = &dataset->sequences[place->sequence].frames[place->frame];
    assert_true(frame->time == true_frame->time);
    assert_int_equal(frame->points, true_frame->points);
    assert_memory_equal(frame->values, true_frame->values, fc__bytes_of_frame(dataset, true_frame));
}

/* Walks to the end; returns the number of blocks. */
static size_t walk(fc_context *context, const fc_dataset *unread, const fc_dataset *truth,
                   size_t count, const fc__place *places, size_t step, size_t bytes)
{
    fc__stream *stream;
    fc__block block;
    size_t blocks = 0, seen = 0, held;
    CHECK(fc__stream_create(context, unread, count, places, step, bytes, &stream));
    for (;;) {
        CHECK(fc__stream_next(stream, &block));
        if (block.frames.count == 0)
            break;
        assert_int_equal(block.first, seen);
        held = 0;
        for (size_t f = 0; f < block.frames.count; f++) {
            assert_frame(truth, &places[seen + f], block.frames.frame[f]);
            if (!unread->sequences[places[seen + f].sequence].frames[places[seen + f].frame].values)
                held += fc__bytes_of_frame(truth, block.frames.frame[f]);
        }
        assert_true(held <= bytes / 2);
        seen += block.frames.count;
        assert_true(seen == count || block.frames.count % step == 0);
        blocks++;
    }
    assert_int_equal(seen, count);
    fc__stream_destroy(stream);
    return blocks;
}

static void every_frame_comes_once_and_in_order_whatever_the_blocks(void **state)
{
    fc_dataset *truth = told_dataset(*state);
    unread_source source;
    size_t count, blocks = SIZE_MAX;
    fc__place *places;
    CHECK(fc__places_of_all(*state, truth, &count, &places));
    for (size_t bytes = 1200; bytes < 20000; bytes = bytes * 3 / 2) {
        for (size_t unit = 0; unit < 6; unit++) {
            fc_dataset *unread = unread_dataset(truth, unit, &source);
            size_t found = walk(*state, unread, truth, count, places, 1 + unit % 3, bytes);
            assert_true(found > 0 && (unit || found <= blocks));
            blocks = unit ? blocks : found;
            assert_int_equal(source.frames, count);
            assert_false(source.together);
            fc_dataset_destroy(unread);
        }
    }
    assert_int_equal(blocks, 1);
    free(places);
    fc_dataset_destroy(truth);
}

static void neighbours_are_read_together_and_scattered_frames_apart(void **state)
{
    fc_dataset *truth = told_dataset(*state);
    unread_source source;
    fc_dataset *unread = unread_dataset(truth, 1, &source);
    const fc__place places[] = {{4, 2}, {4, 3}, {4, 4}, {0, 6}, {1, 7}, {1, 6}, {3, 0}};
    assert_int_equal(walk(*state, unread, truth, 7, places, 1, 100000), 1);
    assert_int_equal(source.calls, 5);
    assert_int_equal(source.longest, 3);
    fc_dataset_destroy(unread);
    fc_dataset_destroy(truth);
}

static void blocks_end_where_units_of_the_reader_end(void **state)
{
    fc_dataset *truth = told_dataset(*state);
    unread_source source;
    fc_dataset *unread = unread_dataset(truth, 4, &source);
    fc__place places[11];
    fc__stream *stream;
    fc__block block;
    for (size_t f = 0; f < 11; f++)
        places[f] = (fc__place){4, f};
    /* Six or seven frames of 24 to 72 bytes fit. */
    CHECK(fc__stream_create(*state, unread, 11, places, 1, 2 * 330, &stream));
    CHECK(fc__stream_next(stream, &block));
    assert_int_equal(block.frames.count, 4);
    CHECK(fc__stream_next(stream, &block));
    assert_int_equal(block.frames.count, 4);
    CHECK(fc__stream_next(stream, &block));
    assert_int_equal(block.frames.count, 3);
    fc__stream_destroy(stream);
    fc_dataset_destroy(unread);
    fc_dataset_destroy(truth);
}

static void values_in_memory_pass_through_without_a_copy(void **state)
{
    fc_dataset *truth = told_dataset(*state);
    size_t count;
    fc__place *places;
    fc__stream *stream;
    fc__block block;
    CHECK(fc__places_of_all(*state, truth, &count, &places));
    CHECK(fc__stream_create(*state, truth, count, places, 3, 1, &stream));
    CHECK(fc__stream_next(stream, &block));
    assert_int_equal(block.frames.count, count);
    for (size_t k = 0; k < count; k++)
        assert_ptr_equal(block.frames.frame[k]->values,
                         truth->sequences[places[k].sequence].frames[places[k].frame].values);
    CHECK(fc__stream_next(stream, &block));
    assert_int_equal(block.frames.count, 0);
    fc__stream_destroy(stream);
    free(places);
    fc_dataset_destroy(truth);
}

static void frames_that_are_loaded_already_are_not_read_again(void **state)
{
    fc_dataset *truth = told_dataset(*state);
    unread_source source;
    fc_dataset *unread = unread_dataset(truth, 1, &source);
    size_t count;
    fc__place *places;
    CHECK(fc__places_of_all(*state, truth, &count, &places));
    CHECK(fc_dataset_load(*state, unread, 2, 1, 5));
    assert_int_equal(source.frames, 5);
    walk(*state, unread, truth, count, places, 1, 4000);
    assert_int_equal(source.frames, count);
    free(places);
    fc_dataset_destroy(unread);
    fc_dataset_destroy(truth);
}

static void a_failed_read_comes_back_with_its_message(void **state)
{
    fc_dataset *truth = told_dataset(*state);
    unread_source source;
    size_t count, seen = 0;
    fc__place *places;
    CHECK(fc__places_of_all(*state, truth, &count, &places));
    for (size_t k = 0; k < 3; k++) { /* at once, in the middle, in the last frame */
        fc_dataset *unread = unread_dataset(truth, 1, &source);
        fc_status status = FC_OK;
        fc__stream *stream;
        fc__block block = {.frames = {.count = 1}};
        source.fails_at = k == 0 ? 0 : k == 1 ? 20 : count - 1;
        CHECK(fc__stream_create(*state, unread, count, places, 2, 1000, &stream));
        for (seen = 0; status == FC_OK && seen < count; seen += block.frames.count)
            status = fc__stream_next(stream, &block);
        assert_int_equal(status, FC_ERROR_IO);
        assert_non_null(strstr(fc_context_message(*state), "the disk is gone"));
        assert_true(seen <= source.fails_at);
        fc__stream_destroy(stream);
        fc_dataset_destroy(unread);
    }
    free(places);
    fc_dataset_destroy(truth);
}

static void an_interrupted_walk_ends(void **state)
{
    fc_dataset *truth = told_dataset(*state);
    unread_source source;
    fc_context *context;
    size_t count;
    fc__place *places;
    fc__stream *stream;
    fc__block block;
    CHECK(fc_context_create(1, &context));
    CHECK(fc__places_of_all(*state, truth, &count, &places));
    fc_dataset *unread = unread_dataset(truth, 1, &source);
    CHECK(fc__stream_create(context, unread, count, places, 1, 1000, &stream));
    CHECK(fc__stream_next(stream, &block));
    fc_context_interrupt(context);
    assert_int_equal(fc__stream_next(stream, &block), FC_INTERRUPTED);
    assert_int_equal(block.frames.count, 0);
    assert_non_null(strstr(fc_context_message(context), "interrupted after"));
    fc__stream_destroy(stream);
    fc_dataset_destroy(unread);
    fc_context_destroy(context);
    free(places);
    fc_dataset_destroy(truth);
}

static void a_walk_may_be_left_at_any_time(void **state)
{
    fc_dataset *truth = told_dataset(*state);
    unread_source source;
    size_t count;
    fc__place *places;
    CHECK(fc__places_of_all(*state, truth, &count, &places));
    for (size_t stop = 0; stop < 6; stop++) {
        fc_dataset *unread = unread_dataset(truth, 1, &source);
        fc__stream *stream;
        fc__block block;
        CHECK(fc__stream_create(*state, unread, count, places, 1, 700, &stream));
        for (size_t k = 0; k < stop; k++)
            CHECK(fc__stream_next(stream, &block));
        fc__stream_destroy(stream);
        fc_dataset_destroy(unread);
    }
    free(places);
    fc_dataset_destroy(truth);
}

static void a_limit_below_two_steps_is_refused(void **state)
{
    fc_dataset *truth = told_dataset(*state);
    unread_source source;
    fc_dataset *unread = unread_dataset(truth, 1, &source);
    fc__stream *stream;
    const fc__place places[] = {{0, 0}, {0, 1}, {0, 2}};
    assert_int_equal(fc__stream_create(*state, unread, 3, places, 3, 100, &stream),
                     FC_ERROR_MEMORY);
    assert_null(stream);
    assert_non_null(strstr(fc_context_message(*state), "reading 3 frames at a time"));
    walk(*state, unread, truth, 3, places, 3, 2 * (24 + 40 + 72));
    fc_dataset_destroy(unread);
    fc_dataset_destroy(truth);
}

static void an_empty_walk_has_no_blocks(void **state)
{
    fc_dataset *truth = told_dataset(*state);
    unread_source source;
    fc_dataset *unread = unread_dataset(truth, 1, &source);
    assert_int_equal(walk(*state, unread, truth, 0, NULL, 1, 1), 0);
    fc_dataset_destroy(unread);
    fc_dataset_destroy(truth);
}

static void sizes_count_every_value(void **state)
{
    fc_dataset *truth = told_dataset(*state);
    size_t bytes = 0;
    for (size_t s = 0; s < truth->sequence_count; s++)
        for (size_t f = 0; f < truth->sequences[s].frame_count; f++)
            bytes += 4 * CHANNELS * truth->points[truth->sequences[s].frames[f].points].count;
    assert_int_equal(fc__values_bytes(truth), bytes);
    assert_int_equal(fc__largest_frame(truth), 9 * CHANNELS * 4);
    fc_dataset_destroy(truth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_comes_once_and_in_order_whatever_the_blocks),
        cmocka_unit_test(neighbours_are_read_together_and_scattered_frames_apart),
        cmocka_unit_test(blocks_end_where_units_of_the_reader_end),
        cmocka_unit_test(values_in_memory_pass_through_without_a_copy),
        cmocka_unit_test(frames_that_are_loaded_already_are_not_read_again),
        cmocka_unit_test(a_failed_read_comes_back_with_its_message),
        cmocka_unit_test(an_interrupted_walk_ends),
        cmocka_unit_test(a_walk_may_be_left_at_any_time),
        cmocka_unit_test(a_limit_below_two_steps_is_refused),
        cmocka_unit_test(an_empty_walk_has_no_blocks),
        cmocka_unit_test(sizes_count_every_value),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
