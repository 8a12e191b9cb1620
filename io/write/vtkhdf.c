/* VTKHDF: the HDF5 files of VTK and ParaView (VTK file formats, "VTKHDF File Format", versions 1.0
 * for one time and 2.0 for several).
 *
 * Uniform grids are ImageData, slowest axis first after the time; z, and then y, are left out where
 * they have one point, as the reader does:
 *     PointData/w (time, z, y, x)
 * and all other points are an UnstructuredGrid of vertices, with one part for every set of points:
 *     NumberOfPoints, NumberOfCells, NumberOfConnectivityIds (sets)    Points (points, 3)
 *     Connectivity (points), Offsets (points + sets), Types (points)   PointData/w (observations)
 *     Steps/PartOffsets, PointOffsets, PointDataOffsets/w (times)      Steps/CellOffsets (times, 1)
 * A file has one series of times: the sequences of a dataset are arrays of their own, w_0, w_1, ...
 */
#include "io/write/writing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DRAWN = 3, VERTEX = 1 /* VTK_VERTEX */ };

typedef struct writer {
    fc__h5 *h5;
    const fc_dataset *dataset, *deviation;
    size_t times;
    bool image;
    size_t image_dims; /* axes of more than one point */
    hid_t root, point_data;
    hid_t offsets; /* Steps/PointDataOffsets, < 0 for one time */
    double spacing[MAX_DRAWN];
} writer;

/* ---------------------------------------------------------------- what fits */

static fc_status check_fit(fc_context *context, const char *path, const fc_dataset *dataset)
{
    const fc_sequence *first = &dataset->sequences[0];
    if (dataset->domain.dims > MAX_DRAWN)
        return fc__fail(context, FC_ERROR_DATA,
                        "%s: VTKHDF holds points with up to three coordinates, these have %zu; "
                        "native files (.nc) and CSV hold them",
                        path, dataset->domain.dims);
    for (size_t s = 1; s < dataset->sequence_count; s++) {
        const fc_sequence *sequence = &dataset->sequences[s];
        bool same = sequence->frame_count == first->frame_count;
        for (size_t f = 0; same && f < first->frame_count; f++)
            same = sequence->frames[f].time == first->frames[f].time &&
                   sequence->frames[f].points == first->frames[f].points;
        if (!same)
            return fc__fail(context, FC_ERROR_DATA,
                            "%s: sequence %zu has other times or points than sequence 0, and "
                            "VTKHDF holds one series of times; native files (.nc), XDMF and CSV "
                            "hold all of them",
                            path, s);
    }
    return FC_OK;
}

/* Whether the points can be ImageData: a grid, uniform along every axis, of whose axes only the
 * last ones have one point. */
static bool is_image(writer *out)
{
    const fc_dataset *dataset = out->dataset;
    if (fc__layout_of(dataset) != LAYOUT_GRID)
        return false;
    for (size_t i = 0; i < dataset->domain.dims; i++) {
        if (!fc__grid_is_uniform(dataset, &dataset->points[0], i, &out->spacing[i]) ||
            out->spacing[i] < 0.0)
            return false;
        bool thick = fc__grid_length(dataset, &dataset->points[0], i) > 1;
        if (thick && out->image_dims < i)
            return false;
        out->image_dims += thick;
    }
    return out->image_dims > 0;
}

/* ---------------------------------------------------------------- description */

static fc_status put_type(writer *out, const char *name)
{
    fc_status status = FC_OK;
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(name));
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    hid_t attribute = H5Acreate2(out->root, "Type", type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, type, name) < 0 || out->h5->write_error)
        status = fc__h5_fail(out->h5, FC_ERROR_IO, "attribute Type cannot be written");
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

static fc_status write_image(writer *out)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = out->dataset;
    const fc_points *points = &dataset->points[0];
    const double direction[9] = {1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0};
    double origin[3] = {0.0}, spacing[3] = {1.0, 1.0, 1.0};
    int64_t extent[6] = {0};
    for (size_t i = 0; i < dataset->domain.dims; i++) {
        origin[i] = fc__grid_coordinate(dataset, points, i, 0);
        spacing[i] = out->spacing[i];
        extent[2 * i + 1] = (int64_t)fc__grid_length(dataset, points, i) - 1;
    }
    FC_TRY(fc__h5_put(out->h5, out->root, "WholeExtent", H5T_NATIVE_INT64, 6, extent));
    FC_TRY(fc__h5_put(out->h5, out->root, "Origin", H5T_NATIVE_DOUBLE, 3, origin));
    FC_TRY(fc__h5_put(out->h5, out->root, "Spacing", H5T_NATIVE_DOUBLE, 3, spacing));
    FC_TRY(fc__h5_put(out->h5, out->root, "Direction", H5T_NATIVE_DOUBLE, 9, direction));
done:
    return status;
}

static fc_status write_counts(writer *out, hid_t group, const char *name, size_t count,
                              const int64_t *values)
{
    return fc__h5_write_array(out->h5, group, name, H5T_NATIVE_INT64, 1, &count, values);
}

static fc_status write_coordinates(writer *out, size_t total)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = out->dataset;
    size_t dims = dataset->domain.dims, next = 0;
    const size_t shape[2] = {total, 3};
    double *points = NULL;
    FC_NEW(out->h5->context, &points, fc__product(total, 3));
    for (size_t set = 0; set < dataset->points_count; set++)
        for (size_t p = 0; p < dataset->points[set].count; p++, next++)
            memcpy(points + 3 * next, dataset->points[set].coordinates + p * dims,
                   dims * sizeof *points);
    FC_TRY(fc__h5_write_array(out->h5, out->root, "Points", H5T_NATIVE_DOUBLE, 2, shape, points));
done:
    free(points);
    return status;
}

/* One vertex a point; numbers start again in every part. */
static fc_status write_vertices(writer *out, size_t total)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = out->dataset;
    size_t sets = dataset->points_count, next = 0;
    int64_t *counts = NULL, *numbers = NULL, *offsets = NULL;
    uint8_t *types = NULL;
    FC_NEW(out->h5->context, &counts, sets);
    FC_NEW(out->h5->context, &numbers, total);
    FC_NEW(out->h5->context, &offsets, total + sets);
    FC_NEW(out->h5->context, &types, total);
    for (size_t set = 0; set < sets; set++) {
        counts[set] = (int64_t)dataset->points[set].count;
        for (size_t p = 0; p < dataset->points[set].count; p++, next++) {
            numbers[next] = offsets[next + set] = (int64_t)p;
            types[next] = VERTEX;
        }
        offsets[next + set] = counts[set];
    }
    FC_TRY(write_counts(out, out->root, "NumberOfPoints", sets, counts));
    FC_TRY(write_counts(out, out->root, "NumberOfCells", sets, counts));
    FC_TRY(write_counts(out, out->root, "NumberOfConnectivityIds", sets, counts));
    FC_TRY(write_counts(out, out->root, "Connectivity", total, numbers));
    FC_TRY(write_counts(out, out->root, "Offsets", total + sets, offsets));
    FC_TRY(fc__h5_write_array(out->h5, out->root, "Types", H5T_NATIVE_UINT8, 1, &total, types));
    FC_TRY(write_coordinates(out, total));
done:
    free(counts);
    free(numbers);
    free(offsets);
    free(types);
    return status;
}

static fc_status write_points(writer *out)
{
    size_t total = 0;
    for (size_t set = 0; set < out->dataset->points_count; set++)
        total += out->dataset->points[set].count;
    return write_vertices(out, total);
}

/* ---------------------------------------------------------------- times */

/* Which part and which of its points and cells a time has. */
static fc_status write_parts(writer *out, hid_t steps)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = out->dataset;
    const size_t shape[2] = {out->times, 1};
    int64_t *parts = NULL, *starts = NULL, *ones = NULL;
    FC_NEW(out->h5->context, &parts, out->times);
    FC_NEW(out->h5->context, &starts, out->times);
    FC_NEW(out->h5->context, &ones, out->times);
    for (size_t f = 0; f < out->times; f++) {
        size_t set = dataset->sequences[0].frames[f].points;
        parts[f] = (int64_t)set;
        ones[f] = 1;
        for (size_t p = 0; p < set; p++)
            starts[f] += (int64_t)dataset->points[p].count;
    }
    FC_TRY(write_counts(out, steps, "PartOffsets", out->times, parts));
    FC_TRY(write_counts(out, steps, "NumberOfParts", out->times, ones));
    FC_TRY(write_counts(out, steps, "PointOffsets", out->times, starts));
    FC_TRY(fc__h5_write_array(out->h5, steps, "CellOffsets", H5T_NATIVE_INT64, 2, shape, starts));
    FC_TRY(fc__h5_write_array(out->h5, steps, "ConnectivityIdOffsets", H5T_NATIVE_INT64, 2, shape,
                              starts));
done:
    free(parts);
    free(starts);
    free(ones);
    return status;
}

static fc_status write_steps(writer *out)
{
    fc_status status = FC_OK;
    hid_t steps;
    double *times = NULL;
    int64_t count = (int64_t)out->times;
    FC_NEW(out->h5->context, &times, out->times);
    for (size_t f = 0; f < out->times; f++)
        times[f] = out->dataset->sequences[0].frames[f].time;
    FC_TRY(fc__h5_make_group(out->h5, out->root, "Steps", &steps));
    FC_TRY(fc__h5_put(out->h5, steps, "NSteps", H5T_NATIVE_INT64, 1, &count));
    FC_TRY(fc__h5_write_array(out->h5, steps, "Values", H5T_NATIVE_DOUBLE, 1, &out->times, times));
    if (!out->image)
        FC_TRY(write_parts(out, steps));
    FC_TRY(fc__h5_make_group(out->h5, steps, "PointDataOffsets", &out->offsets));
done:
    free(times);
    return status;
}

/* ---------------------------------------------------------------- values */

static size_t shape_of_image(const writer *out, size_t *shape)
{
    size_t rank = 0;
    const fc_dataset *dataset = out->dataset;
    if (out->times > 1)
        shape[rank++] = out->times;
    for (size_t i = out->image_dims; i-- > 0;)
        shape[rank++] = fc__grid_length(dataset, &dataset->points[0], i);
    return rank;
}

static fc_status write_values(writer *out, const char *name, const fc_dataset *values, size_t s,
                              size_t c, size_t observations, int64_t *offsets)
{
    fc_status status = FC_OK;
    size_t shape[1 + MAX_DRAWN] = {observations}, start[1 + MAX_DRAWN] = {0};
    size_t rank = out->image ? shape_of_image(out, shape) : 1, next = 0;
    float *packed = NULL;
    hid_t array;
    FC_NEW(out->h5->context, &packed, fc_dataset_max_points(values));
    FC_TRY(fc__make_array(out->h5, out->point_data, name, H5T_NATIVE_FLOAT, rank, shape, &array));
    for (size_t f = 0; f < out->times; f++) {
        size_t count = fc__pack_channel(values, &values->sequences[s].frames[f], c, packed);
        offsets[f] = (int64_t)(out->image ? f : next);
        if (out->times > 1 || !out->image) {
            start[0] = out->image ? f : next;
            shape[0] = out->image ? 1 : count;
        }
        FC_TRY(
            fc__h5_write_box(out->h5, array, name, H5T_NATIVE_FLOAT, rank, start, shape, packed));
        next += count;
    }
    H5Dclose(array);
    if (out->offsets >= 0)
        FC_TRY(write_counts(out, out->offsets, name, out->times, offsets));
done:
    free(packed);
    return status;
}

/* Names of arrays have neither "/" nor ".". */
static void name_array(char *name, size_t size, const char *channel, const char *suffix,
                       size_t sequence, size_t sequences)
{
    if (sequences > 1)
        snprintf(name, size, "%s%s_%zu", channel, suffix, sequence);
    else
        snprintf(name, size, "%s%s", channel, suffix);
    for (char *at = name; *at; at++)
        if (*at == '/' || *at == '.')
            *at = '_';
}

static fc_status write_channels(writer *out, const fc_dataset *values, const char *suffix)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = out->dataset;
    int64_t *offsets = NULL;
    size_t observations = 0;
    FC_NEW(out->h5->context, &offsets, out->times);
    for (size_t f = 0; f < out->times; f++)
        observations += dataset->points[dataset->sequences[0].frames[f].points].count;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t c = 0; c < dataset->channel_count; c++) {
            char name[FC_NAME_SIZE + 32];
            name_array(name, sizeof name, dataset->channels[c].name, suffix, s,
                       dataset->sequence_count);
            if (H5Lexists(out->point_data, name, H5P_DEFAULT) > 0) {
                status = fc__fail(out->h5->context, FC_ERROR_DATA,
                                  "%s: two channels would be called \"%s\", where names have "
                                  "neither \"/\" nor \".\"; names must differ",
                                  out->h5->path, name);
                goto done;
            }
            FC_TRY(write_values(out, name, values, s, c, observations, offsets));
        }
done:
    free(offsets);
    return status;
}

/* ---------------------------------------------------------------- the file */

static fc_status write_file(writer *out)
{
    fc_status status = FC_OK;
    fc__h5 *h5 = out->h5;
    const int64_t version[2] = {out->times > 1 ? 2 : 1, 0};
    FC_TRY(fc__h5_make_group(h5, h5->file, "VTKHDF", &out->root));
    FC_TRY(fc__h5_put(h5, out->root, "Version", H5T_NATIVE_INT64, 2, version));
    FC_TRY(put_type(out, out->image ? "ImageData" : "UnstructuredGrid"));
    FC_TRY(out->image ? write_image(out) : write_points(out));
    FC_TRY(fc__h5_make_group(h5, out->root, "PointData", &out->point_data));
    if (out->times > 1)
        FC_TRY(write_steps(out));
    FC_TRY(write_channels(out, out->dataset, ""));
    if (out->deviation)
        FC_TRY(write_channels(out, out->deviation, "_std"));
done:
    return status;
}

fc_status fc_vtkhdf_write(fc_context *context, const char *path, const fc_dataset *dataset,
                          const fc_dataset *deviation)
{
    fc_status status = FC_OK;
    fc__h5 h5;
    FC_TRY(fc__check_written(context, path, dataset, deviation));
    FC_TRY(fc__check_loaded(context, path, dataset));
    if (deviation)
        FC_TRY(fc__check_loaded(context, path, deviation));
    FC_TRY(check_fit(context, path, dataset));
    writer out = {.h5 = &h5,
                  .dataset = dataset,
                  .deviation = deviation,
                  .times = dataset->sequences[0].frame_count,
                  .offsets = H5I_INVALID_HID};
    out.image = is_image(&out);
    status = fc__h5_create(context, path, &h5);
    if (status == FC_OK)
        status = write_file(&out);
    if (status == FC_OK)
        status = fc__h5_commit(&h5);
    fc__h5_close(&h5);
done:
    return status;
}
