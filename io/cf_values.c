/* Values of CF variables: missing and packed data (CF conventions 2.5.1 and 8.1), and their way
 * from the order of the file to that of a dataset. */
#include "io/cf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- unpacking */

typedef struct packing {
    double scale, offset;
    double missing[3];   /* raw numbers that mean "not observed"; NaN = none */
    double lower, upper; /* raw numbers outside are not valid */
} packing;

/* An attribute compared with raw numbers: rounded as they are. */
static bool get_raw(hid_t variable, const char *name, bool is_float, double *value)
{
    if (!fc__h5_get_double(variable, name, value))
        return false;
    if (is_float)
        *value = (double)(float)*value;
    return true;
}

/* What netCDF fills unwritten values with, for variables without a _FillValue. */
static double default_fill(H5T_class_t class, size_t size)
{
    if (class == H5T_FLOAT)
        return size == sizeof(float) ? (double)9.9692099683868690e+36f : 9.9692099683868690e+36;
    return size == 2 ? -32767.0 : size == 4 ? -2147483647.0 : NAN;
}

static packing read_packing(hid_t variable)
{
    double range[2];
    packing found = {
        .scale = 1.0, .missing = {NAN, NAN, NAN}, .lower = -INFINITY, .upper = INFINITY};
    hid_t type = H5Dget_type(variable);
    H5T_class_t class = H5Tget_class(type);
    size_t size = H5Tget_size(type);
    bool is_float = class == H5T_FLOAT && size == sizeof(float);
    H5Tclose(type);
    fc__h5_get_double(variable, "scale_factor", &found.scale);
    fc__h5_get_double(variable, "add_offset", &found.offset);
    if (!get_raw(variable, "_FillValue", is_float, &found.missing[0]))
        found.missing[0] = default_fill(class, size);
    get_raw(variable, "missing_value", is_float, &found.missing[1]);
    get_raw(variable, "valid_min", is_float, &found.lower);
    get_raw(variable, "valid_max", is_float, &found.upper);
    if (fc__h5_get(variable, "valid_range", H5T_NATIVE_DOUBLE, 2, range)) {
        found.lower = is_float ? (double)(float)range[0] : range[0];
        found.upper = is_float ? (double)(float)range[1] : range[1];
    }
    return found;
}

static double unpack(const packing *how, double raw)
{
    for (size_t i = 0; i < sizeof how->missing / sizeof *how->missing; i++)
        if (raw == how->missing[i])
            return NAN;
    if (!(raw >= how->lower && raw <= how->upper))
        return NAN;
    return raw * how->scale + how->offset;
}

fc_status fc__cf_load(fc__cf_reader *in, const fc__nc_variable *variable, double **values)
{
    fc_status status = FC_OK;
    fc__h5 *h5 = in->h5;
    size_t rank, shape[FC__MAX_RANK];
    const size_t start = 0;
    *values = NULL;
    FC_TRY(fc__h5_inspect(h5, variable->id, variable->name, &rank, shape));
    packing how = read_packing(variable->id);
    FC_NEW(h5->context, values, shape[0]);
    FC_TRY(fc__h5_read_box(h5, variable->id, variable->name, H5T_NATIVE_DOUBLE, 1, &start, shape,
                           *values));
    for (size_t i = 0; i < shape[0]; i++) {
        double value = unpack(&how, (*values)[i]);
        if (!isfinite(value)) {
            status = fc__fail(h5->context, FC_ERROR_DATA,
                              "%s: %s[%zu] is %s; coordinates must be finite numbers", h5->path,
                              variable->name, i,
                              isinf(value) ? "infinite" : "missing (NaN or a fill value)");
            goto done;
        }
        (*values)[i] = value;
    }
done:
    if (status != FC_OK) {
        free(*values);
        *values = NULL;
    }
    return status;
}

/* ---------------------------------------------------------------- values */

/* A block of frames as it stands in memory: that of the file, cut along time. */
typedef struct block {
    size_t start[FC__MAX_RANK], count[FC__MAX_RANK];
    double *values;
    size_t *offsets; /* (points) place of each point in its frame */
} block;

static size_t stride_of(const block *part, size_t rank, size_t position)
{
    size_t stride = 1;
    for (size_t i = position + 1; i < rank; i++)
        stride *= part->count[i];
    return stride;
}

/* Points run through the first axis of the domain fastest. */
static void find_offsets(const fc__cf_reader *in, block *part, size_t points)
{
    size_t rank = in->channels[0]->rank, before = 1;
    memset(part->offsets, 0, points * sizeof *part->offsets);
    for (size_t i = 0; i < in->dims; i++) {
        size_t stride = stride_of(part, rank, in->axes[i].position), length = in->axes[i].length;
        for (size_t p = 0; p < points; p++)
            part->offsets[p] += p / before % length * stride;
        before *= length;
    }
}

static fc_status read_channel(fc__cf_reader *in, fc_dataset *dataset, size_t c, block *part,
                              size_t block_frames)
{
    fc_status status = FC_OK;
    const fc__nc_variable *variable = in->channels[c];
    packing how = read_packing(variable->id);
    size_t time = in->time_position, points = dataset->points[0].count;
    size_t frames = dataset->sequences[0].frame_count, channels = dataset->channel_count;
    for (size_t first = 0; first < frames; first += block_frames) {
        part->start[time] = first;
        part->count[time] = frames - first < block_frames ? frames - first : block_frames;
        find_offsets(in, part, points);
        size_t stride = stride_of(part, variable->rank, time);
        FC_TRY(fc__h5_read_box(in->h5, variable->id, variable->name, H5T_NATIVE_DOUBLE,
                               variable->rank, part->start, part->count, part->values));
        for (size_t f = 0; f < part->count[time]; f++) {
            float *values = dataset->sequences[0].frames[first + f].values;
            for (size_t p = 0; p < points; p++)
                values[p * channels + c] =
                    (float)unpack(&how, part->values[f * stride + part->offsets[p]]);
        }
    }
done:
    return status;
}

fc_status fc__cf_read_values(fc__cf_reader *in, fc_dataset *dataset)
{
    enum { CHUNK_FRAMES = 64 }; /* a multiple of most chunks, so that none is unpacked twice */
    fc_status status = FC_OK;
    block part = {0};
    size_t points = dataset->points[0].count, frames = dataset->sequences[0].frame_count;
    size_t block_frames = fc__block_frames(points * sizeof *part.values, CHUNK_FRAMES);
    block_frames = block_frames < frames ? block_frames : frames;
    memcpy(part.count, in->channels[0]->shape, sizeof part.count);
    FC_NEW(in->h5->context, &part.values, fc__product(block_frames, points));
    FC_NEW(in->h5->context, &part.offsets, points);
    for (size_t c = 0; c < in->channel_count; c++)
        FC_TRY(read_channel(in, dataset, c, &part, block_frames));
done:
    free(part.values);
    free(part.offsets);
    return status;
}

/* ---------------------------------------------------------------- what is never observed */

static bool any_observed(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            return true;
    return false;
}

static void drop_empty_frames(fc_sequence *sequence, size_t values)
{
    size_t kept = 0;
    for (size_t f = 0; f < sequence->frame_count; f++) {
        if (any_observed(sequence->frames[f].values, values))
            sequence->frames[kept++] = sequence->frames[f];
        else
            free(sequence->frames[f].values);
    }
    sequence->frame_count = kept;
}

static bool ever_observed(const fc_sequence *sequence, size_t point, size_t channels)
{
    for (size_t f = 0; f < sequence->frame_count; f++)
        if (any_observed(sequence->frames[f].values + point * channels, channels))
            return true;
    return false;
}

void fc__cf_drop_missing(fc_dataset *dataset)
{
    fc_points *points = &dataset->points[0];
    fc_sequence *sequence = &dataset->sequences[0];
    size_t channels = dataset->channel_count, dims = dataset->domain.dims, kept = 0;
    drop_empty_frames(sequence, points->count * channels);
    if (sequence->frame_count == 0)
        return;
    for (size_t p = 0; p < points->count; p++) {
        if (!ever_observed(sequence, p, channels))
            continue;
        if (kept != p) {
            memcpy(points->coordinates + kept * dims, points->coordinates + p * dims,
                   dims * sizeof *points->coordinates);
            for (size_t f = 0; f < sequence->frame_count; f++)
                memcpy(sequence->frames[f].values + kept * channels,
                       sequence->frames[f].values + p * channels,
                       channels * sizeof *sequence->frames[f].values);
        }
        kept++;
    }
    if (kept < points->count)
        memset(points->grid, 0, sizeof points->grid);
    points->count = kept;
}
