/* Native datasets: netCDF-4 files after the CF conventions that lose nothing of an fc_dataset.
 *
 * Global attributes: Conventions, title, source, fieldcast_format ("dataset" or "forecast"),
 * fieldcast_format_version, fieldcast_layout, fieldcast_record (1: one long record to be windowed),
 * checksum (of the channels' values, see checksum.h), and those of the caller. The layouts, in
 * netCDF's notation, for axes x, y and a channel w:
 *
 * "grid": all frames share one tensor grid, all sequences have the same times.
 *     double time(time), y(y), x(x)        float w(sequence, time, y, x)
 * "points": the same with scattered points; a CF timeSeries where time has a reference date.
 *     double time(time), x(point), y(point)  int64 point_id(point)  float w(sequence, time, point)
 * "ragged": everything else; a CF contiguous ragged array in two steps. Sequence s owns the next
 * frame_count[s] frames, frame f has the points of set frame_point_set[f], set p owns the next
 * point_count[p] points, and the values of the frames follow each other along `observation`.
 *     int64 frame_count(sequence), frame_point_set(frame), point_count(point_set)
 *     int64 point_grid(point_set, axis)     shape if a tensor grid, slowest axis first, else zeros
 *     double time(frame), x(point), y(point)        float w(observation)
 * Where frame f has point set f, `observation` takes the place of `point`, with
 *     double observation_time(observation)
 * and the file is a CF collection of points.
 *
 * In "grid" and "points" the dimension `sequence` is left out for a record of one sequence.
 *
 * Attributes of x, y: units, axis, standard_name, fieldcast_axis (plain, periodic, longitude or
 * latitude), fieldcast_axis_number (place among the coordinates of a point), fieldcast_lower,
 * fieldcast_upper. Of time: units, calendar, fieldcast_cycle (period of the forcing cycle, 0 =
 * none). Of w: units, long_name, _FillValue NaN (not observed), fieldcast_role ("channel" or
 * "standard_deviation", the latter named w_std and w's ancillary variable). Channels stand in the
 * order of creation. Values are compressed (gzip, shuffle) only where an eighth or more of them is
 * missing. */
#include "io/write/native.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- dimensions and coordinates */

static void add_dimension(fc__native_writer *out, hid_t scale, size_t size)
{
    out->shape[out->rank] = size;
    out->scales[out->rank++] = scale;
}

static void add_coordinate(fc__native_writer *out, const char *name)
{
    size_t used = strlen(out->coordinates);
    snprintf(out->coordinates + used, sizeof out->coordinates - used, "%s%s", used ? " " : "",
             name);
}

/* A 1-D variable of doubles on a dimension that has another name. */
static fc_status write_doubles(fc__native_writer *out, const char *name, hid_t scale, size_t count,
                               const double *values, hid_t *variable)
{
    const size_t first = 0;
    fc_status status =
        fc__nc_make_variable(out->h5, name, H5T_NATIVE_DOUBLE, 1, &scale, NULL, variable);
    if (status == FC_OK)
        status = fc__h5_write_box(out->h5, *variable, name, H5T_NATIVE_DOUBLE, 1, &first, &count,
                                  values);
    return status;
}

static fc_status write_axis_of_grid(fc__native_writer *out, size_t i)
{
    fc_status status = FC_OK;
    hid_t scale;
    double *values = NULL;
    const fc_dataset *dataset = out->dataset;
    const fc_points *points = &dataset->points[0];
    size_t length = fc__grid_length(dataset, points, i);
    FC_NEW(out->h5->context, &values, length);
    for (size_t k = 0; k < length; k++)
        values[k] = fc__grid_coordinate(dataset, points, i, k);
    FC_TRY(fc__nc_make_coordinate(out->h5, dataset->domain.axis[i].name, length, values,
                                  &out->next_dimension, &scale));
    FC_TRY(fc__native_put_axis(out, scale, i));
    add_dimension(out, scale, length);
done:
    free(values);
    return status;
}

/* The coordinates of all point sets, one after the other, as variables on `scale`. */
static fc_status write_axes_of_points(fc__native_writer *out, hid_t scale, size_t total)
{
    fc_status status = FC_OK;
    hid_t variable;
    double *values = NULL;
    const fc_dataset *dataset = out->dataset;
    size_t dims = dataset->domain.dims;
    FC_NEW(out->h5->context, &values, total);
    for (size_t i = 0; i < dims; i++) {
        size_t next = 0;
        for (size_t set = 0; set < dataset->points_count; set++)
            for (size_t p = 0; p < dataset->points[set].count; p++)
                values[next++] = dataset->points[set].coordinates[p * dims + i];
        const char *name = dataset->domain.axis[i].name;
        FC_TRY(write_doubles(out, name, scale, total, values, &variable));
        FC_TRY(fc__native_put_axis(out, variable, i));
        add_coordinate(out, name);
    }
done:
    free(values);
    return status;
}

static fc_status write_counts(fc__native_writer *out, const char *name, size_t rank,
                              const hid_t *scales, const size_t *shape, const int64_t *values,
                              const char *attribute, const char *dimension)
{
    fc_status status = FC_OK;
    hid_t variable;
    const size_t first[2] = {0, 0};
    FC_TRY(fc__nc_make_variable(out->h5, name, H5T_NATIVE_INT64, rank, scales, NULL, &variable));
    if (attribute)
        FC_TRY(fc__h5_put_text(out->h5, variable, attribute, dimension));
    FC_TRY(fc__h5_write_box(out->h5, variable, name, H5T_NATIVE_INT64, rank, first, shape, values));
done:
    return status;
}

static fc_status write_point_ids(fc__native_writer *out, hid_t scale, size_t count)
{
    fc_status status = FC_OK;
    hid_t variable;
    int64_t *ids = NULL;
    const size_t first = 0;
    FC_NEW(out->h5->context, &ids, count);
    for (size_t p = 0; p < count; p++)
        ids[p] = (int64_t)p;
    FC_TRY(fc__nc_make_variable(out->h5, "point_id", H5T_NATIVE_INT64, 1, &scale, NULL, &variable));
    FC_TRY(fc__native_put_point_id(out, variable));
    FC_TRY(
        fc__h5_write_box(out->h5, variable, "point_id", H5T_NATIVE_INT64, 1, &first, &count, ids));
done:
    free(ids);
    return status;
}

/* "grid" and "points": dimensions (sequence,) time and those of space. */
static fc_status write_shared_frame(fc__native_writer *out)
{
    fc_status status = FC_OK;
    hid_t scale;
    double *times = NULL;
    const fc_dataset *dataset = out->dataset;
    const fc_sequence *first = &dataset->sequences[0];
    size_t frames = first->frame_count, points = dataset->points[0].count;
    FC_NEW(out->h5->context, &times, frames);
    for (size_t f = 0; f < frames; f++)
        times[f] = first->frames[f].time;
    if (fc__has_sequence_axis(dataset)) {
        FC_TRY(fc__nc_make_dimension(out->h5, "sequence", dataset->sequence_count,
                                     &out->next_dimension, &scale));
        add_dimension(out, scale, dataset->sequence_count);
    }
    FC_TRY(fc__nc_make_coordinate(out->h5, "time", frames, times, &out->next_dimension, &scale));
    FC_TRY(fc__native_put_time(out, scale));
    out->time = out->rank;
    add_dimension(out, scale, frames);
    if (out->layout == LAYOUT_GRID) {
        for (size_t i = dataset->domain.dims; i-- > 0;)
            FC_TRY(write_axis_of_grid(out, i));
    } else {
        FC_TRY(fc__nc_make_dimension(out->h5, "point", points, &out->next_dimension, &scale));
        FC_TRY(write_axes_of_points(out, scale, points));
        FC_TRY(write_point_ids(out, scale, points));
        add_coordinate(out, "point_id");
        add_dimension(out, scale, points);
    }
done:
    free(times);
    return status;
}

/* Sizes of the ragged layout. */
typedef struct ragged_sizes {
    size_t frames, points, observations;
} ragged_sizes;

static ragged_sizes count_ragged(const fc_dataset *dataset)
{
    ragged_sizes sizes = {0};
    for (size_t p = 0; p < dataset->points_count; p++)
        sizes.points += dataset->points[p].count;
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        const fc_sequence *sequence = &dataset->sequences[s];
        sizes.frames += sequence->frame_count;
        for (size_t f = 0; f < sequence->frame_count; f++)
            sizes.observations += dataset->points[sequence->frames[f].points].count;
    }
    return sizes;
}

static fc_status write_point_sets(fc__native_writer *out, hid_t set_scale)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = out->dataset;
    size_t sets = dataset->points_count, dims = dataset->domain.dims;
    int64_t *counts = NULL, *grids = NULL;
    hid_t scales[2] = {set_scale};
    const size_t shape[2] = {sets, dims};
    FC_NEW(out->h5->context, &counts, sets);
    FC_NEW(out->h5->context, &grids, fc__product(sets, dims));
    for (size_t p = 0; p < sets; p++) {
        counts[p] = (int64_t)dataset->points[p].count;
        for (size_t i = 0; i < dims; i++)
            grids[p * dims + i] = (int64_t)dataset->points[p].grid[i];
    }
    FC_TRY(fc__nc_make_dimension(out->h5, "axis", dims, &out->next_dimension, &scales[1]));
    FC_TRY(write_counts(out, "point_count", 1, scales, shape, counts, "fieldcast_counts",
                        out->own_points ? "observation" : "point"));
    FC_TRY(write_counts(out, "point_grid", 2, scales, shape, grids, NULL, NULL));
done:
    free(counts);
    free(grids);
    return status;
}

static fc_status write_ragged_index(fc__native_writer *out, hid_t sequence, hid_t frame,
                                    size_t frames)
{
    fc_status status = FC_OK;
    hid_t variable;
    double *times = NULL;
    int64_t *counts = NULL, *sets = NULL;
    const fc_dataset *dataset = out->dataset;
    size_t next = 0, sequences = dataset->sequence_count;
    FC_NEW(out->h5->context, &times, frames);
    FC_NEW(out->h5->context, &sets, frames);
    FC_NEW(out->h5->context, &counts, sequences);
    for (size_t s = 0; s < sequences; s++) {
        counts[s] = (int64_t)dataset->sequences[s].frame_count;
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++) {
            times[next] = dataset->sequences[s].frames[f].time;
            sets[next++] = (int64_t)dataset->sequences[s].frames[f].points;
        }
    }
    FC_TRY(write_counts(out, "frame_count", 1, &sequence, &sequences, counts, "fieldcast_counts",
                        "frame"));
    FC_TRY(write_doubles(out, "time", frame, frames, times, &variable));
    FC_TRY(fc__native_put_time(out, variable));
    FC_TRY(write_counts(out, "frame_point_set", 1, &frame, &frames, sets, "fieldcast_indexes",
                        "point_set"));
done:
    free(times);
    free(sets);
    free(counts);
    return status;
}

/* The time of every observation, where the frames do not share points. */
static fc_status write_observation_times(fc__native_writer *out, hid_t scale, size_t observations)
{
    fc_status status = FC_OK;
    hid_t variable;
    double *times = NULL;
    const fc_dataset *dataset = out->dataset;
    size_t next = 0;
    FC_NEW(out->h5->context, &times, observations);
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++) {
            const fc_frame *frame = &dataset->sequences[s].frames[f];
            for (size_t p = 0; p < dataset->points[frame->points].count; p++)
                times[next++] = frame->time;
        }
    FC_TRY(write_doubles(out, "observation_time", scale, observations, times, &variable));
    FC_TRY(fc__native_put_observation_time(out, variable));
done:
    free(times);
    return status;
}

/* Whether the observations of the frames, one after the other, lie at the points of the sets, one
 * after the other. */
static bool frames_own_points(const fc_dataset *dataset)
{
    size_t next = 0;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
            if (dataset->sequences[s].frames[f].points != next++)
                return false;
    return next == dataset->points_count;
}

static fc_status write_ragged_frame(fc__native_writer *out)
{
    fc_status status = FC_OK;
    fc__h5 *h5 = out->h5;
    hid_t sequence, frame, set, point, observation;
    const fc_dataset *dataset = out->dataset;
    ragged_sizes sizes = count_ragged(dataset);
    int *next = &out->next_dimension;
    FC_TRY(fc__nc_make_dimension(h5, "sequence", dataset->sequence_count, next, &sequence));
    FC_TRY(fc__nc_make_dimension(h5, "frame", sizes.frames, next, &frame));
    FC_TRY(fc__nc_make_dimension(h5, "point_set", dataset->points_count, next, &set));
    if (!out->own_points)
        FC_TRY(fc__nc_make_dimension(h5, "point", sizes.points, next, &point));
    FC_TRY(fc__nc_make_dimension(h5, "observation", sizes.observations, next, &observation));
    if (out->own_points)
        point = observation;
    FC_TRY(write_ragged_index(out, sequence, frame, sizes.frames));
    FC_TRY(write_point_sets(out, set));
    FC_TRY(write_axes_of_points(out, point, sizes.points));
    if (out->own_points) {
        FC_TRY(write_observation_times(out, observation, sizes.observations));
        add_coordinate(out, "observation_time");
    } else {
        out->coordinates[0] = '\0'; /* they do not lie on the dimension of the observations */
    }
    add_dimension(out, observation, sizes.observations);
done:
    return status;
}

/* ---------------------------------------------------------------- values */

void fc__native_chunk(const fc__native_writer *out, size_t *chunk)
{
    enum { USEFUL = 1 << 14, LARGEST = 1 << 24 }; /* elements */
    size_t elements = 1, time = out->time;
    for (size_t i = 0; i < out->rank; i++)
        chunk[i] = i < time ? 1 : out->shape[i];
    for (size_t i = time + 1; i < out->rank; i++)
        elements = fc__product(elements, chunk[i]);
    for (size_t i = time + 1; i < out->rank && elements > LARGEST; i++) {
        elements /= chunk[i];
        chunk[i] = elements > LARGEST ? 1 : LARGEST / elements;
        elements *= chunk[i];
    }
    size_t frames = USEFUL / elements + 1;
    chunk[time] = frames < out->shape[time] ? frames : out->shape[time];
}

/* Whether an eighth or more of the values is missing. Compressing fields that are whole saves about
 * a sixth of the room at five times the time, gaps it makes vanish. */
static bool has_many_gaps(const fc_dataset *values)
{
    size_t all = 0, missing = 0;
    for (size_t s = 0; s < values->sequence_count; s++) {
        for (size_t f = 0; f < values->sequences[s].frame_count; f++) {
            const fc_frame *frame = &values->sequences[s].frames[f];
            size_t count = values->points[frame->points].count * values->channel_count;
            all += count;
            for (size_t i = 0; i < count; i++)
                missing += isnan(frame->values[i]) != 0;
        }
    }
    return missing >= all / 8;
}

/* Values of one channel of `count` frames from `first` on, packed. */
static size_t pack_frames(const fc_dataset *dataset, size_t s, size_t first, size_t count, size_t c,
                          float *packed)
{
    size_t next = 0;
    for (size_t f = first; f < first + count; f++)
        next += fc__pack_channel(dataset, &dataset->sequences[s].frames[f], c, packed + next);
    return next;
}

static fc_status write_shared_values(fc__native_writer *out, const fc_dataset *values, size_t c,
                                     hid_t variable, size_t unit)
{
    fc_status status = FC_OK;
    float *packed = NULL;
    size_t start[FC__MAX_RANK] = {0}, count[FC__MAX_RANK];
    size_t points = out->dataset->points[0].count, time = out->time, frames = out->shape[time];
    size_t block = fc__block_frames(points * sizeof *packed, unit);
    const char *name = out->dataset->channels[c].name;
    block = block < frames ? block : frames;
    memcpy(count, out->shape, sizeof count);
    count[0] = 1;
    FC_NEW(out->h5->context, &packed, fc__product(block, points));
    for (size_t s = 0; s < values->sequence_count; s++) {
        start[0] = s;
        for (size_t f = 0; f < frames; f += block) {
            start[time] = f;
            count[time] = frames - f < block ? frames - f : block;
            pack_frames(values, s, f, count[time], c, packed);
            FC_TRY(fc__h5_write_box(out->h5, variable, name, H5T_NATIVE_FLOAT, out->rank, start,
                                    count, packed));
        }
    }
done:
    free(packed);
    return status;
}

/* Writes when the next frame would no longer fit. */
static fc_status write_ragged_values(fc__native_writer *out, const fc_dataset *values, size_t c,
                                     hid_t variable)
{
    fc_status status = FC_OK;
    float *packed = NULL;
    const char *name = out->dataset->channels[c].name;
    size_t most = fc_dataset_max_points(values), room = fc__block_frames(sizeof *packed, 1);
    size_t used = 0, start = 0;
    room = room < most ? most : room;
    FC_NEW(out->h5->context, &packed, room);
    for (size_t s = 0; s < values->sequence_count; s++) {
        for (size_t f = 0; f < values->sequences[s].frame_count; f++) {
            if (room - used < most) {
                FC_TRY(fc__h5_write_box(out->h5, variable, name, H5T_NATIVE_FLOAT, 1, &start, &used,
                                        packed));
                start += used;
                used = 0;
            }
            used += pack_frames(values, s, f, 1, c, packed + used);
        }
    }
    FC_TRY(fc__h5_write_box(out->h5, variable, name, H5T_NATIVE_FLOAT, 1, &start, &used, packed));
done:
    free(packed);
    return status;
}

static fc_status write_channels(fc__native_writer *out, const fc_dataset *values, bool deviation)
{
    fc_status status = FC_OK;
    size_t chunk[FC__MAX_RANK];
    bool compressed = has_many_gaps(values);
    fc__native_chunk(out, chunk);
    for (size_t c = 0; c < out->dataset->channel_count; c++) {
        char name[FC_NAME_SIZE + 4];
        hid_t variable;
        snprintf(name, sizeof name, "%s%s", out->dataset->channels[c].name,
                 deviation ? "_std" : "");
        FC_TRY(fc__nc_make_variable(out->h5, name, H5T_NATIVE_FLOAT, out->rank, out->scales,
                                    compressed ? chunk : NULL, &variable));
        FC_TRY(fc__native_put_channel(out, variable, c, deviation));
        if (out->layout == LAYOUT_RAGGED)
            FC_TRY(write_ragged_values(out, values, c, variable));
        else
            FC_TRY(write_shared_values(out, values, c, variable, chunk[out->time]));
        H5Dclose(variable);
    }
done:
    return status;
}

fc_status fc__native_write(fc__h5 *h5, const char *format, const fc_dataset *dataset,
                           const fc_dataset *deviation, const char *attributes)
{
    fc_status status = FC_OK;
    fc__native_writer out = {.h5 = h5, .dataset = dataset, .deviation = deviation != NULL};
    bool unread = fc__native_is_unread(dataset);
    char checksum[FC_CHECKSUM_SIZE];
    FC_TRY(fc__check_written(h5->context, h5->path, dataset, deviation));
    if (!unread)
        FC_TRY(fc__check_loaded(h5->context, h5->path, dataset));
    if (deviation)
        FC_TRY(fc__check_loaded(h5->context, h5->path, deviation));
    out.layout = fc__layout_of(dataset);
    out.own_points = out.layout == LAYOUT_RAGGED && frames_own_points(dataset);
    FC_TRY(fc__native_check_names(&out));
    FC_TRY(fc__native_put_global(&out, format, attributes));
    FC_TRY(out.layout == LAYOUT_RAGGED ? write_ragged_frame(&out) : write_shared_frame(&out));
    FC_TRY(fc__checksum_create(h5->context, &out.checksum));
    if (!unread)
        fc__checksum_add_all(out.checksum, dataset);
    FC_TRY(unread ? fc__native_write_unread(&out) : write_channels(&out, dataset, false));
    if (deviation)
        FC_TRY(write_channels(&out, deviation, true));
    fc__checksum_text(out.checksum, checksum);
    FC_TRY(fc__h5_put_text(h5, h5->file, "checksum", checksum));
done:
    fc__checksum_destroy(out.checksum);
    return status;
}
