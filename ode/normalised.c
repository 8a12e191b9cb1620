#include "ode/normalised.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* normalised = (value - mean) / scale */
static void normalise(const fc_model *model, size_t values, const float *from, float *to)
{
    size_t channels = model->channel_count;
    for (size_t c = 0; c < channels; c++) {
        double mean = model->mean[c], scale = model->scale[c];
        for (size_t i = c; i < values; i += channels)
            to[i] = (float)(((double)from[i] - mean) / scale);
    }
}

static size_t values_of(const fc_dataset *dataset, const fc_frame *frame)
{
    return dataset->points[frame->points].count * dataset->channel_count;
}

/* ---------------------------------------------------------------- copies */

/* Domain, channels, points and times of the copy; values are still missing. */
static fc_status make_copy(fc_context *context, const fc_dataset *dataset, size_t count,
                           const size_t *lengths, const fc__place *places, fc_dataset **copy)
{
    fc_status status = FC_OK;
    fc_dataset *made = NULL;
    fc_sequence *sequence;
    double *times = NULL;
    size_t *points = NULL, index, total = 0, next = 0;
    for (size_t k = 0; k < count; k++)
        total += lengths[k];
    FC_NEW(context, &times, total);
    FC_NEW(context, &points, total);
    for (size_t k = 0; k < total; k++) {
        const fc_frame *frame = &dataset->sequences[places[k].sequence].frames[places[k].frame];
        times[k] = frame->time;
        points[k] = frame->points;
    }
    FC_TRY(fc_dataset_create(context, &dataset->domain, dataset->channel_count, &made));
    memcpy(made->channels, dataset->channels, dataset->channel_count * sizeof *dataset->channels);
    made->time = dataset->time;
    made->record = dataset->record;
    for (size_t p = 0; p < dataset->points_count; p++) {
        const fc_points *set = &dataset->points[p];
        FC_TRY(fc_dataset_add_points(context, made, set->count, set->coordinates,
                                     set->grid[0] ? set->grid : NULL, &index));
    }
    for (size_t k = 0; k < count; next += lengths[k++])
        FC_TRY(fc_dataset_add_sequence(context, made, lengths[k], times + next, points + next,
                                       &sequence));
    *copy = made;
    made = NULL;
done:
    fc_dataset_destroy(made);
    free(times);
    free(points);
    return status;
}

fc_status fc__normalised_copy(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                              size_t count, const size_t *lengths, const fc__place *places,
                              size_t bytes, fc_dataset **copy)
{
    fc_status status = FC_OK;
    fc_dataset *made = NULL;
    fc__stream *stream = NULL;
    fc__frames frames = {0};
    fc__block block;
    *copy = NULL;
    FC_TRY(make_copy(context, dataset, count, lengths, places, &made));
    FC_TRY(fc__frames_select(context, made, 0, NULL, false, &frames));
    FC_TRY(fc__stream_create(context, dataset, frames.count, places, 1, bytes, &stream));
    do {
        FC_TRY(fc__stream_next(stream, &block));
        for (size_t f = 0; f < block.frames.count; f++) {
            const fc_frame *frame = block.frames.frame[f];
            normalise(model, values_of(dataset, frame), frame->values,
                      frames.frame[block.first + f]->values);
        }
    } while (block.frames.count);
    *copy = made;
    made = NULL;
done:
    fc__stream_destroy(stream);
    fc__frames_clear(&frames);
    fc_dataset_destroy(made);
    return status;
}

/* ---------------------------------------------------------------- codes */

size_t fc__encoding_batch(const fc_dataset *dataset)
{
    enum { BATCH_BYTES = 1 << 25, LEAST = 8, MOST = 1024 };
    size_t frames = BATCH_BYTES / (fc__largest_frame(dataset) + 1);
    return frames < LEAST ? LEAST : frames > MOST ? MOST : frames;
}

/* One walk over frames. */
typedef struct encoding {
    fc_context *context;
    const fc_model *model;
    const fc_prior *prior;
    const fc_dataset *dataset;
    size_t batch;
    float *room;           /* (batch, values of the largest frame) */
    fc_frame *frame;       /* (batch) in normalised units */
    const fc_frame **list; /* (batch) */
    double *square;        /* (channels) of a batch */
    double *unwanted;      /* (batch, C): codes that nobody asked for, NULL = they are wanted */
    double *sum, *number;  /* (channels) of the walk, NULL = not wanted */
} encoding;

static void encoding_clear(encoding *e)
{
    free(e->room);
    free(e->frame);
    free(e->list);
    free(e->square);
    free(e->unwanted);
    free(e->sum);
    free(e->number);
}

static void add_squares(encoding *e, size_t count)
{
    size_t channels = e->model->channel_count;
    for (size_t c = 0; c < channels; c++) {
        size_t seen = 0;
        for (size_t f = 0; f < count; f++) {
            size_t values = values_of(e->dataset, &e->frame[f]);
            for (size_t i = c; i < values; i += channels)
                seen += !isnan(e->frame[f].values[i]);
        }
        e->sum[c] += e->square[c] * (double)seen;
        e->number[c] += (double)seen;
    }
}

/* Frames [first, first + count) of a block, at most a batch. */
static fc_status encode_batch(encoding *e, const fc__block *block, size_t first, size_t count,
                              double *codes)
{
    size_t widest = fc__largest_frame(e->dataset) / sizeof(float);
#pragma omp parallel for num_threads(fc_context_threads(e->context)) schedule(static)
    for (size_t f = 0; f < count; f++) {
        const fc_frame *from = block->frames.frame[first + f];
        e->frame[f] = *from;
        e->frame[f].values = e->room + f * widest;
        e->list[f] = &e->frame[f];
        normalise(e->model, values_of(e->dataset, from), from->values, e->frame[f].values);
    }
    const fc__frames frames = {.dataset = e->dataset, .count = count, .frame = e->list};
    fc_status status = fc__encode_frames(e->context, e->model->decoder, e->prior, e->model->noise,
                                         &frames, codes, e->sum ? e->square : NULL, NULL);
    if (status != FC_OK)
        return fc__fail(e->context, status, "of the frames from number %zu on: %s",
                        block->first + first, fc_context_message(e->context));
    if (e->sum)
        add_squares(e, count);
    return FC_OK;
}

static fc_status encode_block(encoding *e, const fc__block *block, size_t total, double *codes)
{
    size_t code_count = e->model->decoder->config.codes;
    for (size_t f = 0; f < block->frames.count; f += e->batch) {
        size_t left = block->frames.count - f, count = left < e->batch ? left : e->batch;
        double *z = e->unwanted ? e->unwanted : codes + (block->first + f) * code_count;
        fc_status status = encode_batch(e, block, f, count, z);
        if (status != FC_OK)
            return status;
        fc__report(e->context, "encode", block->first + f + count, total, NAN);
        if (fc_context_interrupted(e->context))
            return fc__fail(e->context, FC_INTERRUPTED,
                            "interrupted after encoding %zu of %zu "
                            "frames",
                            block->first + f + count, total);
    }
    return FC_OK;
}

fc_status fc__normalised_codes(fc_context *context, const fc_model *model, const fc_prior *prior,
                               const fc_dataset *dataset, size_t count, const fc__place *places,
                               size_t bytes, double *codes, double *square)
{
    fc_status status = FC_OK;
    fc__stream *stream = NULL;
    fc__block block;
    size_t channels = model->channel_count, batch = fc__encoding_batch(dataset);
    encoding e = {.context = context, .model = model, .prior = prior, .dataset = dataset};
    e.batch = batch;
    batch = batch < count ? batch : count;
    FC_TRY(fc__reserve(context, fc__product(batch, fc__largest_frame(dataset)), 1, &e.room));
    FC_NEW(context, &e.frame, batch);
    FC_NEW(context, &e.list, batch);
    FC_NEW(context, &e.square, channels);
    if (!codes)
        FC_NEW(context, &e.unwanted, fc__product(batch, model->decoder->config.codes));
    if (square) {
        FC_NEW(context, &e.sum, channels);
        FC_NEW(context, &e.number, channels);
    }
    FC_TRY(fc__stream_create(context, dataset, count, places, e.batch, bytes, &stream));
    do {
        FC_TRY(fc__stream_next(stream, &block));
        FC_TRY(encode_block(&e, &block, count, codes));
    } while (block.frames.count);
    for (size_t c = 0; square && c < channels; c++)
        square[c] = e.number[c] > 0.0 ? e.sum[c] / e.number[c] : 0.0;
done:
    fc__stream_destroy(stream);
    encoding_clear(&e);
    return status;
}
