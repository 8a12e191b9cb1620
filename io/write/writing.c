#include "io/write/writing.h"

#include <math.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- layouts */

size_t fc__grid_length(const fc_dataset *dataset, const fc_points *points, size_t i)
{
    return points->grid[dataset->domain.dims - 1 - i];
}

size_t fc__grid_stride(const fc_dataset *dataset, const fc_points *points, size_t i)
{
    size_t stride = 1;
    for (size_t k = 0; k < i; k++)
        stride *= fc__grid_length(dataset, points, k);
    return stride;
}

double fc__grid_coordinate(const fc_dataset *dataset, const fc_points *points, size_t i, size_t k)
{
    return points->coordinates[k * fc__grid_stride(dataset, points, i) * dataset->domain.dims + i];
}

bool fc__grid_is_uniform(const fc_dataset *dataset, const fc_points *points, size_t i,
                         double *spacing)
{
    size_t length = fc__grid_length(dataset, points, i);
    double first = fc__grid_coordinate(dataset, points, i, 0);
    *spacing = 1.0;
    if (length < 2)
        return true;
    *spacing = (fc__grid_coordinate(dataset, points, i, length - 1) - first) / (double)(length - 1);
    for (size_t k = 1; k < length; k++) {
        double x = fc__grid_coordinate(dataset, points, i, k);
        if (!(fabs(x - first - (double)k * *spacing) <= 1e-6 * fabs(*spacing)))
            return false;
    }
    return *spacing != 0.0;
}

/* Whether the points are exactly the products of 1-D coordinates, as their shape claims. */
static bool is_tensor_grid(const fc_dataset *dataset, const fc_points *points)
{
    size_t dims = dataset->domain.dims;
    for (size_t i = 0; i < dims; i++) {
        size_t stride = fc__grid_stride(dataset, points, i);
        size_t length = fc__grid_length(dataset, points, i);
        for (size_t p = 0; p < points->count; p++)
            if (points->coordinates[p * dims + i] !=
                points->coordinates[p / stride % length * stride * dims + i])
                return false;
    }
    return true;
}

fc__layout fc__layout_of(const fc_dataset *dataset)
{
    const fc_sequence *first = &dataset->sequences[0];
    if (dataset->points_count != 1 || dataset->sequence_count == 0 || first->frame_count == 0)
        return LAYOUT_RAGGED;
    for (size_t s = 1; s < dataset->sequence_count; s++) {
        const fc_sequence *sequence = &dataset->sequences[s];
        if (sequence->frame_count != first->frame_count)
            return LAYOUT_RAGGED;
        for (size_t f = 0; f < first->frame_count; f++)
            if (sequence->frames[f].time != first->frames[f].time)
                return LAYOUT_RAGGED;
    }
    if (dataset->points[0].grid[0] == 0)
        return LAYOUT_POINTS;
    return is_tensor_grid(dataset, &dataset->points[0]) ? LAYOUT_GRID : LAYOUT_RAGGED;
}

bool fc__has_sequence_axis(const fc_dataset *dataset)
{
    return !dataset->record || dataset->sequence_count != 1;
}

/* ---------------------------------------------------------------- checks and values */

static bool have_same_shape(const fc_dataset *dataset, const fc_dataset *deviation)
{
    bool same = deviation->channel_count == dataset->channel_count &&
                deviation->sequence_count == dataset->sequence_count;
    for (size_t s = 0; same && s < dataset->sequence_count; s++) {
        const fc_sequence *a = &dataset->sequences[s], *b = &deviation->sequences[s];
        same = a->frame_count == b->frame_count;
        for (size_t f = 0; same && f < a->frame_count; f++)
            same = dataset->points[a->frames[f].points].count ==
                   deviation->points[b->frames[f].points].count;
    }
    return same;
}

static bool has_observations(const fc_dataset *dataset)
{
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
            if (dataset->points[dataset->sequences[s].frames[f].points].count)
                return true;
    return false;
}

fc_status fc__check_written(fc_context *context, const char *path, const fc_dataset *dataset,
                            const fc_dataset *deviation)
{
    if (!has_observations(dataset))
        return fc__fail(context, FC_ERROR_DATA, "%s: the dataset holds no frames", path);
    if (deviation && !have_same_shape(dataset, deviation))
        return fc__fail(context, FC_ERROR_USAGE,
                        "%s: the standard deviations do not have the channels, frames and points "
                        "of the forecast",
                        path);
    return FC_OK;
}

fc_status fc__check_loaded(fc_context *context, const char *path, const fc_dataset *dataset)
{
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
            if (!dataset->sequences[s].frames[f].values &&
                dataset->points[dataset->sequences[s].frames[f].points].count)
                return fc__fail(context, FC_ERROR_USAGE,
                                "%s: frame %zu of sequence %zu is not in memory; "
                                "fc_dataset_load reads it",
                                path, f, s);
    return FC_OK;
}

size_t fc__pack_channel(const fc_dataset *dataset, const fc_frame *frame, size_t c, float *packed)
{
    size_t points = dataset->points[frame->points].count, channels = dataset->channel_count;
    for (size_t p = 0; p < points; p++)
        packed[p] = frame->values[p * channels + c];
    return points;
}

fc_status fc__make_array(fc__h5 *h5, hid_t parent, const char *name, hid_t type, size_t rank,
                         const size_t *shape, hid_t *array)
{
    hsize_t extent[FC__MAX_RANK];
    for (size_t i = 0; i < rank; i++)
        extent[i] = shape[i];
    hid_t stored = H5Tcopy(type), creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple((int)rank, extent, NULL);
    H5Tset_order(stored, H5T_ORDER_LE);
    fc__h5_set_dataset_properties(creation);
    *array = H5Dcreate2(parent, name, stored, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    fc_status status = *array < 0 || h5->write_error
                           ? fc__h5_fail(h5, FC_ERROR_IO, "%s cannot be written", name)
                           : FC_OK;
    H5Sclose(space);
    H5Pclose(creation);
    H5Tclose(stored);
    return status;
}
