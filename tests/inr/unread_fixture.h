/* unread_fixture.h: datasets whose values are read when needed, out of another dataset. */
#ifndef FC_TESTS_INR_UNREAD_FIXTURE_H
#define FC_TESTS_INR_UNREAD_FIXTURE_H

#include "inr/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a reader was asked for. It fails at `fails_at` and interrupts `interrupts` at that frame,
 * both counted over all frames read; SIZE_MAX and NULL = never. */
typedef struct unread_source {
    const fc_dataset *dataset;
    size_t fails_at, interrupts_at;
    fc_context *interrupts;
    atomic_size_t frames, calls, longest;
    atomic_int busy;
    atomic_bool together; /* two threads were in it at once */
} unread_source;

static inline fc_status unread_read(void *user, fc_context *context, size_t sequence, size_t first,
                                    size_t count, float *const *values)
{
    unread_source *source = user;
    const fc_dataset *dataset = source->dataset;
    fc_status status = FC_OK;
    if (atomic_fetch_add(&source->busy, 1) != 0)
        atomic_store(&source->together, true);
    atomic_fetch_add(&source->calls, 1);
    if (count > atomic_load(&source->longest))
        atomic_store(&source->longest, count);
    for (size_t f = 0; f < count && status == FC_OK; f++) {
        const fc_frame *frame = &dataset->sequences[sequence].frames[first + f];
        size_t size = dataset->points[frame->points].count * dataset->channel_count;
        size_t read = atomic_fetch_add(&source->frames, 1);
        memcpy(values[f], frame->values, size * sizeof **values);
        if (read == source->interrupts_at)
            fc_context_interrupt(source->interrupts);
        if (read == source->fails_at)
            status = fc__fail(context, FC_ERROR_IO, "sequence %zu, frame %zu: the disk is gone",
                              sequence, first + f);
    }
    atomic_fetch_sub(&source->busy, 1);
    return status;
}

/* The same dataset without its values; `source` must outlive it. */
static inline fc_dataset *unread_dataset(const fc_dataset *from, size_t unit, unread_source *source)
{
    fc_dataset *made;
    fc_sequence *sequence;
    size_t index;
    *source = (unread_source){.dataset = from, .fails_at = SIZE_MAX, .interrupts_at = SIZE_MAX};
    assert_int_equal(fc_dataset_create(NULL, &from->domain, from->channel_count, &made), FC_OK);
    memcpy(made->channels, from->channels, from->channel_count * sizeof *from->channels);
    made->time = from->time;
    made->record = from->record;
    for (size_t p = 0; p < from->points_count; p++)
        assert_int_equal(
            fc_dataset_add_points(NULL, made, from->points[p].count, from->points[p].coordinates,
                                  from->points[p].grid[0] ? from->points[p].grid : NULL, &index),
            FC_OK);
    for (size_t s = 0; s < from->sequence_count; s++) {
        size_t frames = from->sequences[s].frame_count;
        double *times = malloc(frames * sizeof *times);
        size_t *points = malloc(frames * sizeof *points);
        assert_true(times && points);
        for (size_t f = 0; f < frames; f++) {
            times[f] = from->sequences[s].frames[f].time;
            points[f] = from->sequences[s].frames[f].points;
        }
        assert_int_equal(fc_dataset_add_unread(NULL, made, frames, times, points, &sequence),
                         FC_OK);
        free(times);
        free(points);
    }
    made->reader = (fc_frame_reader){.user = source, .read = unread_read, .unit = unit};
    return made;
}

#endif
