#include "io/read/selection.h"
#include "io/dataset_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- the survey */

static fc_status allocate_flags(fc_context *context, size_t count, unsigned char ***flags)
{
    return fc__allocate(context, count, sizeof **flags, flags);
}

fc_status fc__survey_start(fc_context *context, const fc_dataset *dataset, const char *path,
                           bool drops, bool complete, fc__survey *survey)
{
    fc_status status = FC_OK;
    size_t sets = dataset->points_count;
    *survey = (fc__survey){.dataset = dataset,
                           .sequence_count = dataset->sequence_count,
                           .set_count = sets,
                           .path = path,
                           .drops = drops,
                           .complete = complete};
    FC_NEW(context, &survey->channel_seen, dataset->channel_count);
    FC_NEW(context, &survey->set_seen, sets);
    FC_TRY(allocate_flags(context, dataset->sequence_count, &survey->frame_seen));
    FC_TRY(allocate_flags(context, sets, &survey->point_seen));
    FC_TRY(allocate_flags(context, sets, &survey->point_whole));
    for (size_t s = 0; s < dataset->sequence_count; s++)
        FC_NEW(context, &survey->frame_seen[s], dataset->sequences[s].frame_count);
    for (size_t p = 0; p < sets; p++) {
        FC_NEW(context, &survey->point_seen[p], dataset->points[p].count);
        if (!complete)
            continue;
        FC_NEW(context, &survey->point_whole[p], dataset->points[p].count);
        memset(survey->point_whole[p], true, dataset->points[p].count);
    }
done:
    return status;
}

void fc__survey_release(fc__survey *survey)
{
    for (size_t s = 0; survey->frame_seen && s < survey->sequence_count; s++)
        free(survey->frame_seen[s]);
    for (size_t p = 0; survey->point_seen && p < survey->set_count; p++)
        free(survey->point_seen[p]);
    for (size_t p = 0; survey->point_whole && p < survey->set_count; p++)
        free(survey->point_whole[p]);
    free(survey->frame_seen);
    free(survey->point_seen);
    free(survey->point_whole);
    free(survey->set_seen);
    free(survey->channel_seen);
    *survey = (fc__survey){0};
}

/* Whether all values are finite, as most are: one pass over integers, which compilers vectorise. */
static bool all_finite(const float *values, size_t count)
{
    int32_t special = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        special |= (bits & 0x7fffffff) > 0x7f7fffff;
    }
    return special == 0;
}

typedef struct tally {
    size_t seen;
    bool infinite;
} tally;

/* Notes at which points values of a frame, every `stride`-th number, are observed. */
static tally note_values(const float *values, size_t points, size_t stride, unsigned char *observed)
{
    uint32_t seen = 0, infinite = 0;
    for (size_t p = 0; p < points; p++) {
        uint32_t bits;
        memcpy(&bits, &values[p * stride], sizeof bits);
        bits &= 0x7fffffffu;
        observed[p] |= bits <= 0x7f800000u;
        seen += bits <= 0x7f800000u;
        infinite |= bits == 0x7f800000u;
    }
    return (tally){.seen = seen, .infinite = infinite != 0};
}

/* One channel after the other, in pieces that stay in the cache and whose counts fit. */
static tally note_frame(fc__survey *survey, size_t set, const float *values)
{
    enum { PIECE = 1 << 14 };
    size_t channels = survey->dataset->channel_count, points = survey->dataset->points[set].count;
    tally all = {0};
    for (size_t p = 0; p < points; p += PIECE) {
        size_t count = points - p < PIECE ? points - p : PIECE;
        for (size_t c = 0; c < channels; c++) {
            const float *from = values + p * channels + c;
            unsigned char *observed = survey->point_seen[set] + p;
            tally part = channels == 1 ? note_values(from, count, 1, observed)
                                       : note_values(from, count, channels, observed);
            survey->channel_seen[c] += part.seen;
            all.seen += part.seen;
            all.infinite = all.infinite || part.infinite;
        }
    }
    unsigned char *whole = survey->point_whole[set];
    for (size_t i = 0; whole && all.seen && i < points * channels; i++)
        whole[i / channels] &= !isnan(values[i]);
    return all;
}

fc_status fc__survey_frames(fc__survey *survey, fc_context *context, size_t sequence, size_t first,
                            size_t count, float *const *values)
{
    const fc_dataset *dataset = survey->dataset;
    for (size_t f = first; f < first + count; f++) {
        const float *frame = values[f - first];
        size_t set = dataset->sequences[sequence].frames[f].points;
        size_t points = dataset->points[set].count, all = points * dataset->channel_count;
        if (all_finite(frame, all)) {
            survey->frame_seen[sequence][f] = true;
            if (!survey->set_seen[set])
                memset(survey->point_seen[set], true, points);
            survey->set_seen[set] = true;
            for (size_t c = 0; c < dataset->channel_count; c++)
                survey->channel_seen[c] += points;
            continue;
        }
        tally found = note_frame(survey, set, frame);
        survey->frame_seen[sequence][f] = found.seen > 0;
        if (found.infinite || (!survey->drops && !survey->frame_seen[sequence][f]))
            return fc__dataset_check_frame(context, dataset, survey->path, sequence, f, frame,
                                           survey->channel_seen); /* knows the words */
    }
    return FC_OK;
}

fc_status fc__survey_finish(fc__survey *survey, fc_context *context)
{
    const fc_dataset *dataset = survey->dataset;
    for (size_t c = 0; c < dataset->channel_count; c++)
        if (survey->channel_seen[c] == 0)
            return fc__fail(context, FC_ERROR_DATA, "%s: %s has no value at all: all are missing",
                            survey->path, dataset->channels[c].name);
    if (!survey->complete)
        return FC_OK;
    for (size_t p = 0; p < dataset->points_count; p++)
        for (size_t i = 0; i < dataset->points[p].count; i++)
            if (survey->point_whole[p][i] && survey->point_seen[p][i])
                return FC_OK;
    return fc__fail(context, FC_ERROR_DATA,
                    "%s: no point is observed in every frame, so that nothing is complete",
                    survey->path);
}

/* ---------------------------------------------------------------- what is kept */

typedef struct selection {
    size_t set_count;      /* before */
    size_t **points;       /* (set_count)(kept) NULL = all of the set */
    size_t *kept;          /* (set_count) points; 0 = the set is left out */
    size_t sequence_count; /* after */
    size_t *sequence;      /* (sequence_count) its number before */
    size_t *frame_count;   /* (sequence_count) */
    size_t **frames;       /* (sequence_count)(frame_count) numbers before */
} selection;

static void release_selection(selection *chosen)
{
    for (size_t p = 0; chosen->points && p < chosen->set_count; p++)
        free(chosen->points[p]);
    for (size_t s = 0; chosen->frames && s < chosen->sequence_count; s++)
        free(chosen->frames[s]);
    free(chosen->points);
    free(chosen->kept);
    free(chosen->sequence);
    free(chosen->frame_count);
    free(chosen->frames);
    *chosen = (selection){0};
}

static bool keeps_point(const fc__survey *survey, size_t set, size_t p)
{
    return survey->point_seen[set][p] && (!survey->complete || survey->point_whole[set][p]);
}

static fc_status choose_points(fc_context *context, const fc__survey *survey, size_t set,
                               size_t count, selection *chosen)
{
    fc_status status = FC_OK;
    size_t kept = 0;
    for (size_t p = 0; p < count; p++)
        kept += keeps_point(survey, set, p);
    chosen->kept[set] = kept;
    if (kept == count || kept == 0)
        return FC_OK;
    FC_NEW(context, &chosen->points[set], kept);
    kept = 0;
    for (size_t p = 0; p < count; p++)
        if (keeps_point(survey, set, p))
            chosen->points[set][kept++] = p;
done:
    return status;
}

/* Frames that are observed and have points left. */
static fc_status choose_frames(fc_context *context, const fc__survey *survey,
                               const fc_dataset *dataset, size_t s, selection *chosen)
{
    fc_status status = FC_OK;
    const fc_sequence *from = &dataset->sequences[s];
    size_t count = 0, *frames = NULL;
    FC_NEW(context, &frames, from->frame_count);
    for (size_t f = 0; f < from->frame_count; f++)
        if (!survey || !survey->drops ||
            (survey->frame_seen[s][f] && chosen->kept[from->frames[f].points]))
            frames[count++] = f;
    if (count == 0 && from->frame_count)
        goto done;
    chosen->sequence[chosen->sequence_count] = s;
    chosen->frame_count[chosen->sequence_count] = count;
    chosen->frames[chosen->sequence_count++] = frames;
    frames = NULL;
done:
    free(frames);
    return status;
}

static fc_status choose(fc_context *context, const fc__survey *survey, const fc_dataset *dataset,
                        selection *chosen)
{
    fc_status status = FC_OK;
    *chosen = (selection){.set_count = dataset->points_count};
    FC_NEW(context, &chosen->points, dataset->points_count);
    FC_NEW(context, &chosen->kept, dataset->points_count);
    FC_NEW(context, &chosen->sequence, dataset->sequence_count);
    FC_NEW(context, &chosen->frame_count, dataset->sequence_count);
    FC_NEW(context, &chosen->frames, dataset->sequence_count);
    for (size_t p = 0; p < dataset->points_count; p++) {
        chosen->kept[p] = dataset->points[p].count;
        if (survey && survey->drops)
            FC_TRY(choose_points(context, survey, p, dataset->points[p].count, chosen));
    }
    for (size_t s = 0; s < dataset->sequence_count; s++)
        FC_TRY(choose_frames(context, survey, dataset, s, chosen));
done:
    return status;
}

/* ---------------------------------------------------------------- a dataset with less */

/* Moves what is kept to the front; from and to may be the same. */
static void pick_values(const selection *chosen, size_t set, size_t channels, const float *from,
                        float *to)
{
    for (size_t k = 0; k < chosen->kept[set]; k++)
        for (size_t c = 0; c < channels; c++)
            to[k * channels + c] = from[chosen->points[set][k] * channels + c];
}

static void reduce_sequences(const selection *chosen, fc_dataset *dataset)
{
    size_t kept = 0;
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        fc_sequence from = dataset->sequences[s];
        bool keeps = kept < chosen->sequence_count && chosen->sequence[kept] == s;
        size_t count = keeps ? chosen->frame_count[kept] : 0;
        for (size_t f = 0, k = 0; f < from.frame_count; f++) {
            fc_frame frame = from.frames[f];
            if (k == count || chosen->frames[kept][k] != f) {
                free(frame.values);
                continue;
            }
            if (frame.values && chosen->points[frame.points])
                pick_values(chosen, frame.points, dataset->channel_count, frame.values,
                            frame.values);
            from.frames[k++] = frame;
        }
        if (!keeps) {
            free(from.frames);
            continue;
        }
        from.frame_count = count;
        dataset->sequences[kept++] = from;
    }
    dataset->sequence_count = kept;
}

static void reduce_points(const selection *chosen, fc_points *points, size_t set, size_t dims)
{
    if (!chosen->points[set])
        return;
    for (size_t k = 0; k < chosen->kept[set]; k++)
        memmove(points->coordinates + k * dims, points->coordinates + chosen->points[set][k] * dims,
                dims * sizeof *points->coordinates);
    points->count = chosen->kept[set];
    memset(points->grid, 0, sizeof points->grid);
}

static fc_status reduce(fc_context *context, const selection *chosen, fc_dataset *dataset)
{
    fc_status status = FC_OK;
    size_t kept = 0, *number = NULL;
    FC_NEW(context, &number, dataset->points_count);
    reduce_sequences(chosen, dataset);
    for (size_t p = 0; p < chosen->set_count; p++) {
        fc_points points = dataset->points[p];
        if (chosen->kept[p] == 0) {
            free(points.coordinates);
            continue;
        }
        reduce_points(chosen, &points, p, dataset->domain.dims);
        number[p] = kept;
        dataset->points[kept++] = points;
    }
    dataset->points_count = kept;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
            dataset->sequences[s].frames[f].points = number[dataset->sequences[s].frames[f].points];
done:
    free(number);
    return status;
}

fc_status fc__selection_apply(fc_context *context, const fc__survey *survey, fc_dataset *dataset)
{
    fc_status status = FC_OK;
    selection chosen;
    FC_TRY(choose(context, survey, dataset, &chosen));
    FC_TRY(reduce(context, &chosen, dataset));
done:
    release_selection(&chosen);
    return status;
}

/* ---------------------------------------------------------------- reading */

typedef struct selecting_reader {
    fc_dataset *inner;
    selection chosen;
    char *path;
    bool trusting;
    size_t *seen; /* (channels) not looked at */
} selecting_reader;

static void selecting_destroy(void *user)
{
    selecting_reader *in = user;
    release_selection(&in->chosen);
    fc_dataset_destroy(in->inner);
    free(in->path);
    free(in->seen);
    free(in);
}

/* Inner frames [first, first + count), which follow each other, into those of the selection. */
static fc_status read_run(selecting_reader *in, fc_context *context, size_t sequence, size_t first,
                          size_t count, float *const *values)
{
    fc_status status = FC_OK;
    fc_dataset *inner = in->inner;
    const fc_frame *frames = inner->sequences[sequence].frames;
    bool reduced = false;
    for (size_t f = first; f < first + count; f++)
        reduced = reduced || in->chosen.points[frames[f].points];
    if (!reduced)
        return inner->reader.read(inner->reader.user, context, sequence, first, count, values);
    FC_TRY(fc_dataset_load(context, inner, sequence, first, count));
    for (size_t f = first; f < first + count; f++) {
        size_t set = frames[f].points, channels = inner->channel_count;
        if (in->chosen.points[set])
            pick_values(&in->chosen, set, channels, frames[f].values, values[f - first]);
        else
            memcpy(values[f - first], frames[f].values,
                   inner->points[set].count * channels * sizeof(float));
    }
done:
    fc_dataset_unload(inner, sequence, first, count);
    return status;
}

static fc_status check_values(selecting_reader *in, fc_context *context, size_t sequence,
                              size_t frame, const float *values)
{
    const fc_dataset *inner = in->inner;
    size_t set = inner->sequences[sequence].frames[frame].points;
    if (in->trusting || all_finite(values, in->chosen.kept[set] * inner->channel_count))
        return FC_OK;
    if (!in->chosen.points[set])
        return fc__dataset_check_frame(context, inner, in->path, sequence, frame, values, in->seen);
    for (size_t i = 0; i < in->chosen.kept[set] * inner->channel_count; i++)
        if (isinf(values[i]))
            return fc__fail(context, FC_ERROR_DATA, "%s: %s is infinite in frame %zu", in->path,
                            inner->channels[i % inner->channel_count].name, frame);
    return FC_OK;
}

static fc_status selecting_read(void *user, fc_context *context, size_t sequence, size_t first,
                                size_t count, float *const *values)
{
    selecting_reader *in = user;
    fc_status status = FC_OK;
    const size_t *frames = in->chosen.frames[sequence] + first;
    size_t from = in->chosen.sequence[sequence], unit = in->inner->reader.unit;
    size_t step = fc__block_frames(fc__frame_bytes(in->inner), unit);
    for (size_t f = 0, end; f < count; f = end) {
        size_t stop = frames[f] / unit * unit + step; /* of a block of whole units */
        for (end = f + 1; end < count && frames[end] == frames[end - 1] + 1 && frames[end] < stop;)
            end++;
        FC_TRY(read_run(in, context, from, frames[f], end - f, values + f));
        for (size_t k = f; k < end; k++)
            FC_TRY(check_values(in, context, from, frames[k], values[k]));
    }
done:
    return status;
}

fc_status fc__selection_open(fc_context *context, const char *path, fc_dataset *inner,
                             const fc__survey *survey, bool trusting, fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc_dataset *made = NULL;
    selecting_reader *in = NULL;
    *dataset = NULL;
    status = fc__allocate(context, 1, sizeof *in, &in);
    if (status != FC_OK) {
        fc_dataset_destroy(inner);
        return status;
    }
    *in = (selecting_reader){.inner = inner, .trusting = trusting};
    FC_TRY(fc__copy_text(context, path, &in->path));
    FC_NEW(context, &in->seen, inner->channel_count);
    FC_TRY(choose(context, survey, inner, &in->chosen));
    FC_TRY(fc__dataset_like(context, inner, inner->channel_count, &made));
    memcpy(made->channels, inner->channels, inner->channel_count * sizeof *inner->channels);
    FC_TRY(reduce(context, &in->chosen, made));
    made->reader = (fc_frame_reader){.user = in,
                                     .read = selecting_read,
                                     .destroy = selecting_destroy,
                                     .unit = inner->reader.unit};
    in = NULL;
    *dataset = made;
    made = NULL;
done:
    fc_dataset_destroy(made);
    if (in)
        selecting_destroy(in);
    return status;
}
