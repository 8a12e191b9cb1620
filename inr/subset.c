/* Datasets that are a part of another one: some of its points, some of its frames. */
#include "inr/stream.h"

#include <stdlib.h>
#include <string.h>

/* Where the values of a subset come from. */
typedef struct source {
    const fc_dataset *dataset;
    const fc_dataset *subset;
    size_t every, set_count;
    size_t **kept; /* (set_count) places of the points of each set in the dataset's, NULL = all */
    float *room;   /* (span, values of the largest frame): frames as they are read */
    size_t span;
} source;

static void source_destroy(void *user)
{
    source *s = user;
    if (!s)
        return;
    for (size_t k = 0; k < s->set_count; k++)
        free(s->kept[k]);
    free(s->kept);
    free(s->room);
    free(s);
}

/* The values of a frame that a subset keeps. */
static void gather(const source *s, const fc_frame *frame, const float *from, float *to)
{
    size_t channels = s->subset->channel_count, count = s->subset->points[frame->points].count;
    const size_t *kept = s->kept[frame->points];
    if (!kept)
        memcpy(to, from, count * channels * sizeof *to);
    for (size_t p = 0; kept && p < count; p++)
        memcpy(to + p * channels, from + kept[p] * channels, channels * sizeof *to);
}

/* Reads frames that are neighbours in the subset, as many as there is room for, and gathers them;
 * *taken of them. */
static fc_status read_some(source *s, fc_context *context, size_t sequence, size_t first,
                           size_t count, float *const *values, size_t *taken)
{
    fc_status status = FC_OK;
    const fc_frame_reader *reader = &s->dataset->reader;
    const fc_frame *frame = &s->subset->sequences[sequence].frames[first];
    const fc_frame *from = s->dataset->sequences[sequence].frames + first * s->every;
    float **rows = NULL;
    *taken = 1;
    if (from->values) {
        gather(s, frame, from->values, values[0]);
        return FC_OK;
    }
    while (*taken < count && *taken * s->every < s->span && !from[*taken * s->every].values)
        ++*taken;
    size_t span = (*taken - 1) * s->every + 1,
           widest = fc__largest_frame(s->dataset) / sizeof **rows;
    FC_NEW(context, &rows, span);
    for (size_t k = 0; k < span; k++)
        rows[k] = s->room + k * widest;
    FC_TRY(reader->read(reader->user, context, sequence, first * s->every, span, rows));
    for (size_t k = 0; k < *taken; k++)
        gather(s, frame + k, rows[k * s->every], values[k]);
done:
    free(rows);
    return status;
}

static fc_status read_subset(void *user, fc_context *context, size_t sequence, size_t first,
                             size_t count, float *const *values)
{
    fc_status status = FC_OK;
    for (size_t k = 0, taken; k < count && status == FC_OK; k += taken)
        status = read_some(user, context, sequence, first + k, count - k, values + k, &taken);
    return status;
}

/* Adds what a frame's mask leaves of a set of points. */
static fc_status add_set(fc_context *context, const fc_mask *mask, const fc_points *points,
                         size_t sequence, size_t frame, source *s, fc_dataset *made, size_t *index)
{
    fc_status status = FC_OK;
    size_t dims = made->domain.dims, count = points->count, *kept = NULL, next = 0;
    const size_t *shape = points->grid[0] ? points->grid : NULL;
    const double *coordinates = points->coordinates;
    double *some = NULL;
    bool *seen = NULL;
    if (!fc_mask_sees_all(mask)) {
        FC_NEW(context, &seen, points->count);
        FC_TRY(fc_mask_points(context, mask, &made->domain, points, sequence, frame, seen, &count));
        FC_NEW(context, &kept, count);
        FC_NEW(context, &some, fc__product(count, dims));
        for (size_t p = 0; p < points->count; p++)
            if (seen[p])
                kept[next++] = p;
        for (size_t k = 0; k < count; k++)
            memcpy(some + k * dims, coordinates + kept[k] * dims, dims * sizeof *some);
        coordinates = some;
        shape = mask->share == 1.0 ? mask->grid : NULL;
    }
    FC_TRY(fc_dataset_add_points(context, made, count, coordinates, shape, index));
    s->kept[s->set_count++] = kept;
    kept = NULL;
done:
    free(kept);
    free(some);
    free(seen);
    return status;
}

/* Adds a sequence. set: (points of the dataset) their part in the subset, SIZE_MAX = none yet. */
static fc_status add_sequence(fc_context *context, const fc_mask *mask, size_t sequence, source *s,
                              fc_dataset *made, size_t *set)
{
    fc_status status = FC_OK;
    const fc_sequence *from = &s->dataset->sequences[sequence];
    size_t count = (from->frame_count + s->every - 1) / s->every, *points = NULL;
    double *times = NULL;
    fc_sequence *added;
    FC_NEW(context, &points, count);
    FC_NEW(context, &times, count);
    for (size_t f = 0; f < from->frame_count; f++)
        if (mask->kind != FC_MASK_SHARED)
            set[from->frames[f].points] = SIZE_MAX;
    for (size_t k = 0; k < count; k++) {
        const fc_frame *frame = &from->frames[k * s->every];
        if (set[frame->points] == SIZE_MAX || mask->kind == FC_MASK_FRAME)
            FC_TRY(add_set(context, mask, &s->dataset->points[frame->points], sequence,
                           k * s->every, s, made, &set[frame->points]));
        points[k] = set[frame->points];
        times[k] = frame->time;
    }
    FC_TRY(fc_dataset_add_unread(context, made, count, times, points, &added));
done:
    free(points);
    free(times);
    return status;
}

/* Most sets of points that the subset can have, and whether any frame is still to be read. */
static size_t count_sets(const fc_dataset *dataset, const fc_mask *mask, bool *unread)
{
    size_t frames = 0;
    *unread = false;
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        frames += dataset->sequences[s].frame_count;
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
            *unread = *unread || !dataset->sequences[s].frames[f].values;
    }
    return mask->kind == FC_MASK_SHARED ? dataset->points_count : frames;
}

fc_status fc_dataset_subset(fc_context *context, const fc_dataset *dataset, const fc_mask *mask,
                            size_t every, fc_dataset **subset)
{
    fc_status status = FC_OK;
    fc_mask plain = *mask; /* a mask that sees everything sees the same in every frame */
    fc_dataset *made = NULL;
    size_t *set = NULL, unit = dataset->reader.unit > 1 ? dataset->reader.unit : 1;
    source *s = NULL;
    bool unread;
    *subset = NULL;
    if (every == 0)
        return fc__fail(context, FC_ERROR_USAGE, "every 0th frame; 1 and more are accepted");
    if (fc_mask_sees_all(mask))
        plain.kind = FC_MASK_SHARED;
    FC_NEW(context, &s, 1);
    FC_TRY(fc_dataset_create(context, &dataset->domain, dataset->channel_count, &made));
    *s = (source){.dataset = dataset, .subset = made, .every = every, .span = unit};
    FC_NEW(context, &s->kept, count_sets(dataset, &plain, &unread));
    if (unread)
        FC_TRY(fc__reserve(context, fc__product(unit, fc__largest_frame(dataset)), 1, &s->room));
    memcpy(made->channels, dataset->channels, dataset->channel_count * sizeof *dataset->channels);
    made->time = dataset->time;
    made->record = dataset->record;
    FC_NEW(context, &set, dataset->points_count);
    for (size_t p = 0; p < dataset->points_count; p++)
        set[p] = SIZE_MAX;
    for (size_t k = 0; k < dataset->sequence_count; k++)
        FC_TRY(add_sequence(context, &plain, k, s, made, set));
    made->reader = (fc_frame_reader){
        .user = s, .read = read_subset, .destroy = source_destroy, .unit = (unit - 1) / every + 1};
    *subset = made;
    made = NULL;
    s = NULL;
done:
    fc_dataset_destroy(made);
    source_destroy(s);
    free(set);
    return status;
}
