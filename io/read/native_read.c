/* Reads what native.c describes. Nothing in the file is believed before it has been checked. */
#include "io/dataset_file.h"
#include "io/read/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ragged frames: which observations are theirs. */
typedef struct ragged_index {
    size_t sequences, frames, sets, points, observations;
    int64_t *frame_count, *frame_set, *point_count, *point_grid;
    double *times;
} ragged_index;

typedef struct reader {
    fc__h5 *h5;
    const fc__nc_inventory *inventory;
    fc_domain domain;
    const fc__nc_variable *axes[FC_MAX_DIMS];
    const fc__nc_variable *time;
    fc_time_axis time_axis;
    size_t channel_count;
    const fc__nc_variable **channels; /* (channel_count) */
    fc_dataset *dataset;
    size_t max_frames;
    size_t rank, time_position; /* of channels on shared points; rank = 1 for ragged ones */
    size_t shape[FC__MAX_RANK];
    size_t *first_frame; /* (sequences) ragged: number of the first frame of each sequence */
    size_t *observation; /* (frames + 1) ragged: first observation of each frame */
} reader;

static fc_status damaged(reader *in, const char *what)
{
    return fc__fail(in->h5->context, FC_ERROR_DATA, "%s: damaged dataset: %s", in->h5->path, what);
}

/* ---------------------------------------------------------------- description */

static fc_status read_axis(reader *in, const fc__nc_variable *variable)
{
    char kind[FC_NAME_SIZE];
    fc_axis axis = {0};
    double number = -1.0;
    fc__h5_get_text(variable->id, "fieldcast_axis", kind, sizeof kind);
    fc__h5_get_double(variable->id, "fieldcast_axis_number", &number);
    if (!fc__axis_kind_parse(kind, &axis.kind) || !(number >= 0.0 && number < FC_MAX_DIMS) ||
        in->axes[(size_t)number] || variable->rank != 1 ||
        !fc__h5_get_double(variable->id, "fieldcast_lower", &axis.lower) ||
        !fc__h5_get_double(variable->id, "fieldcast_upper", &axis.upper))
        return fc__fail(in->h5->context, FC_ERROR_DATA,
                        "%s: %s: its attributes fieldcast_axis, fieldcast_axis_number, "
                        "fieldcast_lower and fieldcast_upper do not describe an axis",
                        in->h5->path, variable->name);
    fc__copy_name(axis.name, variable->name);
    fc__h5_get_text(variable->id, "units", axis.units, sizeof axis.units);
    in->axes[(size_t)number] = variable;
    in->domain.axis[(size_t)number] = axis;
    in->domain.dims++;
    return FC_OK;
}

static fc_status read_domain(reader *in)
{
    fc_status status = FC_OK;
    for (size_t i = 0; i < in->inventory->count; i++)
        if (fc__h5_has(in->inventory->variables[i].id, "fieldcast_axis"))
            FC_TRY(read_axis(in, &in->inventory->variables[i]));
    for (size_t i = 0; i < in->domain.dims; i++)
        if (!in->axes[i])
            FC_TRY(damaged(in, "an axis is missing"));
    if (in->domain.dims == 0)
        FC_TRY(damaged(in, "no variable has the attribute fieldcast_axis"));
done:
    return status;
}

static bool is_channel(const fc__nc_variable *variable)
{
    char role[FC_NAME_SIZE] = "";
    fc__h5_get_text(variable->id, "fieldcast_role", role, sizeof role);
    return variable->number && strcmp(role, "channel") == 0;
}

static fc_status unknown_variable(reader *in, const char *name)
{
    char list[FC__TEXT_SIZE] = "";
    for (size_t i = 0; i < in->inventory->count; i++) {
        const fc__nc_variable *variable = &in->inventory->variables[i];
        size_t used = strlen(list);
        if (fc__h5_has(variable->id, "fieldcast_role"))
            snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", variable->name);
    }
    return fc__fail(in->h5->context, FC_ERROR_DATA,
                    "%s: there is no variable \"%s\"; there are: %s", in->h5->path, name, list);
}

static fc_status choose_channels(reader *in, const char *wanted)
{
    fc_status status = FC_OK;
    fc__names names = {0};
    FC_TRY(fc__names_parse(in->h5->context, wanted, &names));
    FC_NEW(in->h5->context, &in->channels, names.count ? names.count : in->inventory->count);
    for (size_t i = 0; i < names.count; i++) {
        const fc__nc_variable *variable = fc__nc_find(in->inventory, names.name[i]);
        if (!variable || !fc__h5_has(variable->id, "fieldcast_role") || !variable->number)
            FC_TRY(unknown_variable(in, names.name[i]));
        in->channels[in->channel_count++] = variable;
    }
    for (size_t i = 0; names.count == 0 && i < in->inventory->count; i++)
        if (is_channel(&in->inventory->variables[i]))
            in->channels[in->channel_count++] = &in->inventory->variables[i];
    if (in->channel_count == 0)
        status = damaged(in, "it has no channels");
done:
    free(names.name);
    return status;
}

static fc_status read_time_axis(reader *in)
{
    in->time = fc__nc_find(in->inventory, "time");
    if (!in->time || in->time->rank != 1 || !in->time->number)
        return damaged(in, "it has no variable time");
    fc__h5_get_text(in->time->id, "units", in->time_axis.units, FC_NAME_SIZE);
    fc__h5_get_text(in->time->id, "calendar", in->time_axis.calendar, FC_NAME_SIZE);
    fc__h5_get_double(in->time->id, "fieldcast_cycle", &in->time_axis.cycle);
    return FC_OK;
}

static void read_channels(reader *in)
{
    for (size_t c = 0; c < in->channel_count; c++) {
        fc_channel *channel = &in->dataset->channels[c];
        fc__copy_name(channel->name, in->channels[c]->name);
        fc__h5_get_text(in->channels[c]->id, "units", channel->units, FC_NAME_SIZE);
        fc__h5_get_text(in->channels[c]->id, "long_name", channel->long_name, FC_NAME_SIZE);
    }
}

/* All of a 1-D variable that must have `count` numbers. */
static fc_status load(reader *in, const fc__nc_variable *variable, size_t count, double **values)
{
    fc_status status = FC_OK;
    size_t rank, shape[FC__MAX_RANK];
    const size_t start = 0;
    *values = NULL;
    FC_TRY(fc__h5_inspect(in->h5, variable->id, variable->name, &rank, shape));
    if (rank != 1 || shape[0] != count)
        FC_TRY(damaged(in, "the lengths of its coordinates differ"));
    FC_NEW(in->h5->context, values, count);
    FC_TRY(fc__h5_read_box(in->h5, variable->id, variable->name, H5T_NATIVE_DOUBLE, 1, &start,
                           &count, *values));
done:
    if (status != FC_OK) {
        free(*values);
        *values = NULL;
    }
    return status;
}

/* FC_ERROR_DATA unless all channels have this shape and their file can hold them. */
static fc_status check_channels(reader *in, size_t rank, const size_t *shape)
{
    fc_status status = FC_OK;
    for (size_t c = 0; c < in->channel_count; c++) {
        size_t found_rank, found[FC__MAX_RANK];
        const fc__nc_variable *variable = in->channels[c];
        FC_TRY(fc__h5_inspect(in->h5, variable->id, variable->name, &found_rank, found));
        bool same = found_rank == rank;
        for (size_t i = 0; same && i < rank; i++)
            same = found[i] == shape[i];
        if (!same)
            status = fc__fail(in->h5->context, FC_ERROR_DATA,
                              "%s: damaged dataset: the shape of %s does not fit its coordinates",
                              in->h5->path, variable->name);
        if (!same)
            goto done;
    }
done:
    return status;
}

/* ---------------------------------------------------------------- shared points */

/* The product of the coordinates of the axes. */
static fc_status add_grid(reader *in)
{
    fc_status status = FC_OK;
    size_t dims = in->domain.dims, count = 1, stride = 1, index, grid[FC_MAX_DIMS];
    double *coordinates = NULL, *values = NULL;
    for (size_t i = 0; i < dims; i++)
        count = fc__product(count, grid[dims - 1 - i] = in->axes[i]->shape[0]);
    FC_TRY(fc__reserve(in->h5->context, count, dims * sizeof *coordinates, &coordinates));
    for (size_t i = 0; i < dims; i++) {
        size_t length = in->axes[i]->shape[0];
        FC_TRY(load(in, in->axes[i], length, &values));
        for (size_t p = 0, k = 0; p < count; k = k + 1 < length ? k + 1 : 0)
            for (size_t end = p + stride; p < end; p++)
                coordinates[p * dims + i] = values[k];
        stride *= length;
        free(values);
        values = NULL;
    }
    FC_TRY(fc_dataset_add_points(in->h5->context, in->dataset, count, coordinates, grid, &index));
done:
    free(coordinates);
    free(values);
    return status;
}

/* Coordinates (total, dims) of all points of all sets. */
static fc_status load_points(reader *in, size_t total, double **coordinates)
{
    fc_status status = FC_OK;
    size_t dims = in->domain.dims;
    double *values = NULL;
    FC_TRY(load(in, in->axes[0], total, &values)); /* proves that the file can hold them */
    FC_NEW(in->h5->context, coordinates, fc__product(total, dims));
    for (size_t i = 0; i < dims; i++) {
        for (size_t p = 0; p < total; p++)
            (*coordinates)[p * dims + i] = values[p];
        free(values);
        values = NULL;
        if (i + 1 < dims)
            FC_TRY(load(in, in->axes[i + 1], total, &values));
    }
done:
    free(values);
    return status;
}
static fc_status add_scattered(reader *in, size_t count)
{
    fc_status status = FC_OK;
    size_t index;
    double *coordinates = NULL;
    FC_TRY(load_points(in, count, &coordinates));
    FC_TRY(fc_dataset_add_points(in->h5->context, in->dataset, count, coordinates, NULL, &index));
done:
    free(coordinates);
    return status;
}

static size_t kept_frames(const reader *in, size_t frames)
{
    return in->max_frames && in->max_frames < frames ? in->max_frames : frames;
}

static fc_status open_shared(reader *in, bool grid)
{
    fc_status status = FC_OK;
    double *times = NULL;
    fc_sequence *sequence;
    const fc__nc_variable *first = in->channels[0];
    size_t *shape = in->shape, rank = 0, space = grid ? in->domain.dims : 1;
    size_t frames = in->time->shape[0], sequences = 1;
    if (first->rank != space + 1 && first->rank != space + 2)
        FC_TRY(damaged(in, "the channels do not lie on (sequence,) time and space"));
    if (first->rank == space + 2) {
        shape[rank++] = sequences = first->shape[0];
        in->time_position = 1;
    }
    shape[rank++] = frames;
    for (size_t i = 0; i < space; i++)
        shape[rank++] = in->axes[space - 1 - i]->shape[0];
    if (sequences == 0 || frames == 0)
        FC_TRY(damaged(in, "it has no frames"));
    FC_TRY(check_channels(in, rank, shape));
    FC_TRY(load(in, in->time, frames, &times));
    FC_TRY(grid ? add_grid(in) : add_scattered(in, shape[rank - 1]));
    in->rank = rank;
    for (size_t s = 0; s < sequences; s++)
        FC_TRY(fc_dataset_add_unread(in->h5->context, in->dataset, kept_frames(in, frames), times,
                                     NULL, &sequence));
done:
    free(times);
    return status;
}

static fc_status read_shared(reader *in, size_t sequence, size_t first, size_t count,
                             float *const *values)
{
    size_t start[FC__MAX_RANK] = {0}, extent[FC__MAX_RANK];
    fc_status status = FC_OK;
    memcpy(extent, in->shape, sizeof extent);
    start[0] = sequence;
    extent[0] = 1;
    start[in->time_position] = first;
    extent[in->time_position] = count;
    for (size_t c = 0; status == FC_OK && c < in->channel_count; c++)
        status = fc__h5_read_frames(in->h5, in->channels[c]->id, in->channels[c]->name, in->rank,
                                    start, extent, in->time_position, in->channel_count, c, values);
    return status;
}

/* ---------------------------------------------------------------- ragged */

static fc_status load_counts(reader *in, const char *name, size_t rank, const size_t *shape,
                             int64_t most, int64_t **values)
{
    size_t count = 1;
    for (size_t i = 0; i < rank; i++)
        count *= shape[i];
    fc_status status =
        fc__h5_load_array(in->h5, in->h5->file, name, H5T_NATIVE_INT64, rank, shape, values);
    if (status == FC_OK && !*values)
        return fc__fail(in->h5->context, FC_ERROR_DATA, "%s: damaged dataset: %s is missing",
                        in->h5->path, name);
    for (size_t i = 0; status == FC_OK && i < count; i++)
        if ((*values)[i] < 0 || (*values)[i] > most)
            return fc__fail(in->h5->context, FC_ERROR_DATA,
                            "%s: damaged dataset: %s[%zu] is %lld; 0 to %lld is possible",
                            in->h5->path, name, i, (long long)(*values)[i], (long long)most);
    return status;
}

static fc_status load_ragged_index(reader *in, ragged_index *index)
{
    fc_status status = FC_OK;
    size_t dims = in->domain.dims;
    const fc__nc_variable *counts = fc__nc_find(in->inventory, "frame_count");
    const fc__nc_variable *sets = fc__nc_find(in->inventory, "point_count");
    if (!counts || counts->rank != 1 || !sets || sets->rank != 1)
        FC_TRY(damaged(in, "frame_count or point_count is missing"));
    index->sequences = counts->shape[0];
    index->frames = in->time->shape[0];
    index->sets = sets->shape[0];
    index->points = in->axes[0]->shape[0];
    index->observations = in->channels[0]->rank == 1 ? in->channels[0]->shape[0] : 0;
    const size_t grid_shape[2] = {index->sets, dims};
    FC_TRY(check_channels(in, 1, &index->observations));
    FC_TRY(load_counts(in, "frame_count", 1, &index->sequences, (int64_t)index->frames,
                       &index->frame_count));
    FC_TRY(load_counts(in, "frame_point_set", 1, &index->frames, (int64_t)index->sets - 1,
                       &index->frame_set));
    FC_TRY(load_counts(in, "point_count", 1, &index->sets, (int64_t)index->points,
                       &index->point_count));
    FC_TRY(
        load_counts(in, "point_grid", 2, grid_shape, (int64_t)index->points, &index->point_grid));
    FC_TRY(load(in, in->time, index->frames, &index->times));
done:
    return status;
}

/* Whether counts[which[i]], or counts[i], add up to `total` without passing it. */
static bool adds_up(size_t count, const int64_t *counts, const int64_t *which, size_t total)
{
    for (size_t i = 0; i < count; i++) {
        size_t next = (size_t)counts[which ? (size_t)which[i] : i];
        if (next > total)
            return false;
        total -= next;
    }
    return total == 0;
}

static fc_status check_ragged_index(reader *in, const ragged_index *index)
{
    if (!adds_up(index->sequences, index->frame_count, NULL, index->frames))
        return damaged(in, "frame_count does not add up to the number of frames");
    if (!adds_up(index->sets, index->point_count, NULL, index->points))
        return damaged(in, "point_count does not add up to the number of points");
    if (!adds_up(index->frames, index->point_count, index->frame_set, index->observations))
        return damaged(in, "the points of the frames do not add up to the observations");
    return FC_OK;
}

static fc_status add_point_sets(reader *in, const ragged_index *index)
{
    fc_status status = FC_OK;
    double *coordinates = NULL;
    size_t dims = in->domain.dims, next = 0, added;
    FC_TRY(load_points(in, index->points, &coordinates));
    for (size_t p = 0; p < index->sets; p++) {
        size_t grid[FC_MAX_DIMS], count = (size_t)index->point_count[p];
        for (size_t i = 0; i < dims; i++)
            grid[i] = (size_t)index->point_grid[p * dims + i];
        FC_TRY(fc_dataset_add_points(in->h5->context, in->dataset, count, coordinates + next * dims,
                                     grid[0] ? grid : NULL, &added));
        next += count;
    }
done:
    free(coordinates);
    return status;
}

/* Where the frames of each sequence and the observations of each frame begin. */
static fc_status find_observations(reader *in, const ragged_index *index)
{
    fc_status status = FC_OK;
    FC_NEW(in->h5->context, &in->first_frame, index->sequences);
    FC_NEW(in->h5->context, &in->observation, index->frames + 1);
    for (size_t s = 0; s + 1 < index->sequences; s++)
        in->first_frame[s + 1] = in->first_frame[s] + (size_t)index->frame_count[s];
    for (size_t f = 0; f < index->frames; f++)
        in->observation[f + 1] =
            in->observation[f] + (size_t)index->point_count[index->frame_set[f]];
done:
    return status;
}

static fc_status open_ragged(reader *in)
{
    fc_status status = FC_OK;
    ragged_index index = {0};
    size_t *sets = NULL;
    fc_sequence *sequence;
    FC_TRY(load_ragged_index(in, &index));
    FC_TRY(check_ragged_index(in, &index));
    FC_TRY(add_point_sets(in, &index));
    FC_TRY(find_observations(in, &index));
    FC_NEW(in->h5->context, &sets, index.frames);
    for (size_t f = 0; f < index.frames; f++)
        sets[f] = (size_t)index.frame_set[f];
    for (size_t s = 0; s < index.sequences; s++)
        FC_TRY(fc_dataset_add_unread(
            in->h5->context, in->dataset, kept_frames(in, (size_t)index.frame_count[s]),
            index.times + in->first_frame[s], sets + in->first_frame[s], &sequence));
    in->rank = 1;
done:
    free(sets);
    free(index.frame_count);
    free(index.frame_set);
    free(index.point_count);
    free(index.point_grid);
    free(index.times);
    return status;
}

/* Frames of a sequence lie behind each other, so that many small ones are read at once. */
static fc_status read_ragged(reader *in, size_t c, size_t first, size_t count, float *const *values)
{
    enum { STAGE_VALUES = 1 << 18 };
    fc_status status = FC_OK;
    const fc__nc_variable *variable = in->channels[c];
    const size_t *begin = in->observation + first;
    float *packed = NULL;
    size_t room = begin[count] - begin[0] < STAGE_VALUES ? begin[count] - begin[0] : STAGE_VALUES;
    for (size_t f = 0; f < count; f++)
        room = begin[f + 1] - begin[f] > room ? begin[f + 1] - begin[f] : room;
    FC_TRY(fc__reserve(in->h5->context, room, sizeof *packed, &packed));
    for (size_t f = 0, end; f < count; f = end) {
        for (end = f + 1; end < count && begin[end + 1] - begin[f] <= room;)
            end++;
        size_t size = begin[end] - begin[f];
        FC_TRY(fc__h5_read_box(in->h5, variable->id, variable->name, H5T_NATIVE_FLOAT, 1, &begin[f],
                               &size, packed));
        for (size_t k = f; k < end; k++)
            for (size_t p = 0; p < begin[k + 1] - begin[k]; p++)
                values[k][p * in->channel_count + c] = packed[begin[k] - begin[f] + p];
    }
done:
    free(packed);
    return status;
}

/* ---------------------------------------------------------------- the format */

static bool recognise(fc__source *source)
{
    fc_file_kind kind = fc__file_kind_of(&source->h5);
    return kind == FC_FILE_DATASET || kind == FC_FILE_FORECAST;
}

static fc_status create_dataset(reader *in)
{
    double record = 0.0;
    fc_context *context = in->h5->context;
    fc_status status = fc_dataset_create(context, &in->domain, in->channel_count, &in->dataset);
    if (status != FC_OK)
        return fc__fail(context, status, "%s: %s", in->h5->path, fc_context_message(context));
    read_channels(in);
    in->dataset->time = in->time_axis;
    in->dataset->record =
        fc__h5_get_double(in->h5->file, "fieldcast_record", &record) && record != 0.0;
    return FC_OK;
}

static size_t largest_unit(const reader *in)
{
    size_t unit = 1;
    for (size_t c = 0; c < in->channel_count && in->rank > 1; c++) {
        size_t chunk = fc__h5_unit(in->channels[c]->id, in->time_position);
        unit = chunk > unit ? chunk : unit;
    }
    return unit;
}

static fc_status open_native(fc__source *source)
{
    fc_status status = FC_OK;
    reader *in = NULL;
    char layout[FC_NAME_SIZE] = "";
    fc__h5 *h5 = &source->h5;
    FC_NEW(h5->context, &in, 1);
    source->state = in;
    *in = (reader){
        .h5 = h5, .inventory = &source->inventory, .max_frames = source->config->max_frames};
    FC_TRY(fc__h5_check_version(h5, "dataset", FC__DATASET_VERSION));
    FC_TRY(read_domain(in));
    FC_TRY(read_time_axis(in));
    FC_TRY(choose_channels(in, source->config->variables));
    FC_TRY(create_dataset(in));
    source->dataset = in->dataset;
    fc__h5_get_text(h5->file, "fieldcast_layout", layout, sizeof layout);
    if (strcmp(layout, "ragged") == 0)
        FC_TRY(open_ragged(in));
    else if (strcmp(layout, "grid") == 0 || strcmp(layout, "points") == 0)
        FC_TRY(open_shared(in, layout[0] == 'g'));
    else
        FC_TRY(damaged(in, "its fieldcast_layout is none of grid, points and ragged"));
    source->unit = largest_unit(in);
done:
    return status;
}

static fc_status read_native(fc__source *source, size_t sequence, size_t first, size_t count,
                             float *const *values)
{
    reader *in = source->state;
    fc_status status = FC_OK;
    if (in->rank > 1)
        return read_shared(in, sequence, first, count, values);
    for (size_t c = 0; status == FC_OK && c < in->channel_count; c++)
        status = read_ragged(in, c, in->first_frame[sequence] + first, count, values);
    return status;
}

static void close_native(fc__source *source)
{
    reader *in = source->state;
    if (!in)
        return;
    free(in->channels);
    free(in->first_frame);
    free(in->observation);
    free(in);
}

const fc__format fc__native_format = {
    .name = "fieldcast dataset",
    .accepted = "a file written by fieldcast",
    .recognise = recognise,
    .open = open_native,
    .read = read_native,
    .close = close_native,
};
