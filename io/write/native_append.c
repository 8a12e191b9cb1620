/* Native datasets whose values are not in memory: every block of frames is read, or made by a
 * generator, once, and appended to the variables of all channels. The file is the one that a
 * dataset in memory would give, but that the first block stands for all when it is decided whether
 * values are compressed. */
#include "io/write/native.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fc__native_is_unread(const fc_dataset *dataset)
{
    if (dataset->reader.read)
        for (size_t s = 0; s < dataset->sequence_count; s++)
            for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
                if (!dataset->sequences[s].frames[f].values)
                    return true;
    return false;
}

/* Some neighbouring frames of a sequence with their values. */
typedef struct window {
    fc__native_writer *out;
    size_t most;      /* frames */
    float *room;      /* of those that are read */
    float **values;   /* (most) */
    fc_frame *frames; /* (most) copies of the dataset's */
    float *packed;    /* one channel of all */
    hid_t *variable;  /* (channels) */
    size_t written;   /* ragged: observations so far */
} window;

static size_t largest_frame(const fc_dataset *dataset)
{
    return fc__product(fc_dataset_max_points(dataset), dataset->channel_count);
}

static fc_status window_create(fc__native_writer *out, window *w)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = out->dataset;
    fc_context *context = out->h5->context;
    size_t unit = dataset->reader.unit ? dataset->reader.unit : 1, longest = 0;
    size_t values = largest_frame(dataset);
    *w = (window){.out = out};
    for (size_t s = 0; s < dataset->sequence_count; s++)
        if (dataset->sequences[s].frame_count > longest)
            longest = dataset->sequences[s].frame_count;
    w->most = fc__block_frames(fc__product(values, sizeof(float)), unit);
    w->most = w->most < longest ? w->most : longest;
    FC_TRY(fc__reserve(context, fc__product(w->most, values), sizeof(float), &w->room));
    FC_TRY(fc__reserve(context, fc__product(w->most, fc_dataset_max_points(dataset)), sizeof(float),
                       &w->packed));
    FC_NEW(context, &w->values, w->most);
    FC_NEW(context, &w->frames, w->most);
    FC_NEW(context, &w->variable, dataset->channel_count);
    for (size_t c = 0; c < dataset->channel_count; c++)
        w->variable[c] = H5I_INVALID_HID;
done:
    return status;
}

static void window_clear(window *w, size_t channels)
{
    for (size_t c = 0; w->variable && c < channels; c++)
        if (w->variable[c] >= 0)
            H5Dclose(w->variable[c]);
    free(w->room);
    free(w->packed);
    free(w->values);
    free(w->frames);
    free(w->variable);
}

/* Frames [first, first + count): runs of those without values are read into the room. */
static fc_status window_fill(window *w, size_t s, size_t first, size_t count)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = w->out->dataset;
    size_t values = largest_frame(dataset);
    memcpy(w->frames, dataset->sequences[s].frames + first, count * sizeof *w->frames);
    for (size_t begin = 0, end; begin < count && status == FC_OK; begin = end) {
        for (end = begin; end < count && !w->frames[end].values; end++)
            w->values[end] = w->room + end * values;
        if (end > begin)
            status = dataset->reader.read(dataset->reader.user, w->out->h5->context, s,
                                          first + begin, end - begin, w->values + begin);
        for (size_t f = begin; f < end; f++)
            w->frames[f].values = w->values[f];
        end += end == begin;
    }
    return status;
}

/* An eighth or more of the values, as for datasets in memory. */
static bool window_has_many_gaps(const window *w, size_t count)
{
    const fc_dataset *dataset = w->out->dataset;
    size_t all = 0, missing = 0;
    for (size_t f = 0; f < count; f++) {
        size_t values = dataset->points[w->frames[f].points].count * dataset->channel_count;
        all += values;
        for (size_t i = 0; i < values; i++)
            missing += isnan(w->frames[f].values[i]) != 0;
    }
    return missing >= all / 8;
}

static fc_status make_variables(window *w, bool compressed)
{
    fc_status status = FC_OK;
    fc__native_writer *out = w->out;
    size_t chunk[FC__MAX_RANK];
    fc__native_chunk(out, chunk);
    for (size_t c = 0; c < out->dataset->channel_count; c++) {
        FC_TRY(fc__nc_make_variable(out->h5, out->dataset->channels[c].name, H5T_NATIVE_FLOAT,
                                    out->rank, out->scales, compressed ? chunk : NULL,
                                    &w->variable[c]));
        FC_TRY(fc__native_put_channel(out, w->variable[c], c, false));
    }
done:
    return status;
}

/* Appends the window's frames, which are frames `first` on of sequence s, to every channel. */
static fc_status window_write(window *w, size_t s, size_t first, size_t count)
{
    fc_status status = FC_OK;
    fc__native_writer *out = w->out;
    size_t start[FC__MAX_RANK] = {0}, size[FC__MAX_RANK], values = 0;
    memcpy(size, out->shape, sizeof size);
    for (size_t f = 0; f < count; f++)
        fc__checksum_add(out->checksum, out->dataset, &w->frames[f]);
    for (size_t c = 0; c < out->dataset->channel_count; c++) {
        values = 0;
        for (size_t f = 0; f < count; f++)
            values += fc__pack_channel(out->dataset, &w->frames[f], c, w->packed + values);
        if (out->layout == LAYOUT_RAGGED) {
            start[0] = w->written;
            size[0] = values;
        } else {
            start[0] = s;
            size[0] = 1;
            start[out->time] = first;
            size[out->time] = count;
        }
        FC_TRY(fc__h5_write_box(out->h5, w->variable[c], out->dataset->channels[c].name,
                                H5T_NATIVE_FLOAT, out->rank, start, size, w->packed));
    }
    w->written += values;
done:
    return status;
}

fc_status fc__native_write_unread(fc__native_writer *out)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = out->dataset;
    window w = {0};
    bool made = false;
    FC_TRY(window_create(out, &w));
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        size_t frames = dataset->sequences[s].frame_count;
        for (size_t f = 0, count; f < frames; f += count) {
            count = frames - f < w.most ? frames - f : w.most;
            FC_TRY(window_fill(&w, s, f, count));
            if (!made)
                FC_TRY(make_variables(&w, window_has_many_gaps(&w, count)));
            made = true;
            FC_TRY(window_write(&w, s, f, count));
            if (fc_context_interrupted(out->h5->context)) {
                status = fc__fail(out->h5->context, FC_INTERRUPTED,
                                  "%s: interrupted after %zu of %zu sequences", out->h5->path, s,
                                  dataset->sequence_count);
                goto done;
            }
        }
    }
done:
    window_clear(&w, dataset->channel_count);
    return status;
}
