/* Frames to fit, and the normal equations of a series at their points. */
#include "inr/basis.h"
#include "inr/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fc_status fc__frames_select(fc_context *context, const fc_dataset *dataset, size_t limit,
                            const bool *flags, bool flag, fc__frames *frames)
{
    fc_status status = FC_OK;
    size_t count = 0;
    *frames = (fc__frames){.dataset = dataset};
    for (size_t s = 0; s < dataset->sequence_count; s++)
        count += dataset->sequences[s].frame_count;
    FC_NEW(context, &frames->frame, count);
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        const fc_sequence *sequence = &dataset->sequences[s];
        if ((flags ? flags[s] : false) != flag)
            continue;
        for (size_t f = 0; f < sequence->frame_count && (!limit || f < limit); f++)
            frames->frame[frames->count++] = &sequence->frames[f];
    }
done:
    return status;
}

void fc__frames_clear(fc__frames *frames)
{
    free(frames->frame);
    *frames = (fc__frames){0};
}

bool fc__same_observed(const fc_dataset *dataset, const fc_frame *a, const fc_frame *b)
{
    if (a->points != b->points)
        return false;
    size_t values = dataset->points[a->points].count * dataset->channel_count;
    for (size_t i = 0; i < values; i++)
        if (isnan(a->values[i]) != isnan(b->values[i]))
            return false;
    return true;
}

fc_status fc__frames_common_points(fc_context *context, const fc__frames *frames, size_t channel,
                                   size_t *count, size_t **index)
{
    fc_status status = FC_OK;
    size_t *found = NULL;
    size_t channels = frames->dataset->channel_count;
    *count = 0;
    *index = NULL;
    if (frames->count == 0)
        return FC_OK;
    const fc_frame *first = frames->frame[0];
    size_t points = frames->dataset->points[first->points].count;
    for (size_t f = 1; f < frames->count; f++) {
        if (frames->frame[f]->points != first->points)
            return FC_OK;
        for (size_t p = 0; p < points; p++) {
            size_t i = p * channels + channel;
            if (isnan(first->values[i]) != isnan(frames->frame[f]->values[i]))
                return FC_OK;
        }
    }
    FC_NEW(context, &found, points);
    for (size_t p = 0; p < points; p++)
        if (!isnan(first->values[p * channels + channel]))
            found[(*count)++] = p;
    *index = found;
done:
    return status;
}

enum { TILE = 512 };

fc_status fc__normal_equations(fc_context *context, const fc_decoder *decoder,
                               const fc_points *points, size_t count, const size_t *index,
                               const fc__frames *frames, size_t channel, double *gram, double *rhs,
                               double *square)
{
    fc_status status = FC_OK;
    size_t width = 2 * decoder->config.filters, dims = decoder->domain.dims;
    size_t number = frames ? frames->count : 0;
    size_t channels = frames ? frames->dataset->channel_count : 1;
    double *x = NULL, *g = NULL, *y = NULL;
    float *features = NULL;
    const fc_engine *engine = fc__context_engine(context);
    bool taken = false;
    if (engine && engine->decoder->normal_equations)
        FC_TRY(engine->decoder->normal_equations(engine->device, context, decoder, points, count,
                                                 index, frames, channel, gram, rhs, square,
                                                 &taken));
    if (taken)
        return FC_OK;
    FC_NEW(context, &x, TILE * dims);
    FC_NEW(context, &features, fc__product(TILE, width));
    FC_NEW(context, &g, fc__product(TILE, width));
    FC_NEW(context, &y, fc__product(TILE, number));
    for (size_t start = 0; start < count; start += TILE) {
        size_t size = count - start < TILE ? count - start : TILE;
        for (size_t p = 0; p < size; p++)
            memcpy(x + p * dims, points->coordinates + index[start + p] * dims, dims * sizeof *x);
        FC_TRY(fc__decoder_features(context, decoder, size, x, features));
        for (size_t i = 0; i < size * width; i++)
            g[i] = (double)features[i];
        if (gram)
            fc__dgemm_parallel(context, true, false, width, width, size, 1.0, g, width, g, width,
                               1.0, gram, width);
        for (size_t f = 0; f < number; f++) {
            for (size_t p = 0; p < size; p++) {
                double value =
                    (double)frames->frame[f]->values[index[start + p] * channels + channel];
                y[f * size + p] = value;
                square[f] += value * value;
            }
        }
        if (number)
            fc__dgemm_parallel(context, false, false, number, width, size, 1.0, y, size, g, width,
                               1.0, rhs, width);
    }
done:
    free(x);
    free(g);
    free(y);
    free(features);
    return status;
}
