/* PDEBench's files of whole arrays: /tensor or /density, /pressure, /Vx..., each (sequence, time, x
 * [, y [, z]]), beside /x-coordinate, /y-coordinate, /z-coordinate and /t-coordinate. The latter
 * often has one time more than there are frames. Darcy flow has no time: (sequence, 1, x, y) and
 * /nu (sequence, x, y), of which each sequence is a single frame.
 *
 * Of boundaries the files say nothing. Advection (attribute beta), Burgers and reaction-diffusion
 * (attribute Nu) are periodic in their one dimension, by their definition in the benchmark.
 */
#include "io/read/field_arrays.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 3 };
static const char *const axis_names[PLACES] = {"x", "y", "z"};
static const char *const coordinates[PLACES] = {"x-coordinate", "y-coordinate", "z-coordinate"};
static const char times_name[] = "t-coordinate";
/* Before the others, in this order: the order of the file is that of the alphabet. */
static const char *const leading[] = {"density", "pressure", "Vx", "Vy", "Vz"};
enum { LEADING = sizeof leading / sizeof *leading };

static bool is_coordinate(const char *name)
{
    static const char ending[] = "-coordinate";
    size_t length = strlen(name), end = sizeof ending - 1;
    return length >= end && strcmp(name + length - end, ending) == 0;
}

static bool recognise(fc__source *source)
{
    return fc__nc_find(&source->inventory, coordinates[0]) != NULL;
}

/* (sequence, time, space) or, where nothing changes with time, (sequence, space). */
static fc_status add_field(fc__source *source, const fc__nc_variable *variable, size_t dims,
                           bool timeless)
{
    fc__fields *fields = source->state;
    if (!variable->number || is_coordinate(variable->name) || variable->dimension_only ||
        (variable->rank != dims + 1 && variable->rank != dims + 2))
        return FC_OK;
    fc__field *field = &fields->fields[fields->field_count];
    fc_status status = fc__field_inspect(&source->h5, variable->id, variable->name, field);
    if (status != FC_OK)
        return status;
    field->sequence = 0;
    if (field->rank == dims + 2)
        field->time = 1;
    for (size_t i = 0; i < dims; i++)
        field->space[i] = field->rank - dims + i;
    fields->field_count++;
    fc__fields_add_component(fields, 0, variable->name, "", timeless || field->time != FC__NO_AXIS);
    return FC_OK;
}

static bool is_leading(const char *name)
{
    size_t i = 0;
    while (i < LEADING && strcmp(leading[i], name) != 0)
        i++;
    return i < LEADING;
}

static fc_status add_fields(fc__source *source, size_t dims, bool timeless)
{
    fc_status status = FC_OK;
    const fc__nc_inventory *inventory = &source->inventory;
    fc__fields *fields = source->state;
    FC_TRY(fc__fields_create(source->h5.context, inventory->count, inventory->count, fields));
    for (size_t i = 0; i < LEADING; i++) {
        const fc__nc_variable *variable = fc__nc_find(inventory, leading[i]);
        if (variable)
            FC_TRY(add_field(source, variable, dims, timeless));
    }
    for (size_t i = 0; i < inventory->count; i++)
        if (!is_leading(inventory->variables[i].name))
            FC_TRY(add_field(source, &inventory->variables[i], dims, timeless));
    if (fields->field_count == 0)
        status = fc__fail(source->h5.context, FC_ERROR_DATA,
                          "%s: no array has the axes of PDEBench, (sequence, time, x%s%s)",
                          source->h5.path, dims > 1 ? ", y" : "", dims > 2 ? ", z" : "");
done:
    return status;
}

static fc_status load_axes(fc__source *source, size_t *dims, fc__grid_axis axes[PLACES])
{
    fc_status status = FC_OK;
    fc__h5 *h5 = &source->h5;
    for (size_t i = 0; i < PLACES && fc__nc_find(&source->inventory, coordinates[i]); i++) {
        size_t length;
        double *values;
        FC_TRY(fc__load_numbers(h5, h5->file, coordinates[i], coordinates[i], &length, &values));
        *dims = i + 1;
        FC_TRY(fc__grid_set_axis(h5, coordinates[i], axis_names[i], length, values, &axes[i]));
    }
    if (*dims == 1 && (fc__h5_has(h5->file, "beta") || fc__h5_has(h5->file, "Nu")))
        fc__grid_make_periodic(&axes[0], 0.5); /* coordinates are the middles of cells */
done:
    return status;
}

/* Times of `frames` frames, of which the file may have one more. */
static fc_status load_times(fc__source *source, bool timeless, size_t frames, double **times)
{
    size_t length;
    fc__h5 *h5 = &source->h5;
    if (timeless && frames == 1)
        return fc__allocate(h5->context, 1, sizeof **times, (void *)times);
    fc_status status = fc__load_numbers(h5, h5->file, times_name, times_name, &length, times);
    if (status != FC_OK || length == frames || length == frames + 1)
        return status;
    return fc__fail(h5->context, FC_ERROR_DATA,
                    "%s: %s has %zu times for %zu frames; %zu or %zu are expected", h5->path,
                    times_name, length, frames, frames, frames + 1);
}

static fc_status open_file(fc__source *source)
{
    fc_status status = FC_OK;
    fc_sequence *sequence;
    fc__grid_axis axes[PLACES] = {{.length = 0}};
    size_t dims = 0, index, frames = 1;
    double *times = NULL;
    bool timeless = !fc__nc_find(&source->inventory, times_name);
    FC_TRY(fc__allocate(source->h5.context, 1, sizeof(fc__fields), (void *)&source->state));
    fc__fields *fields = source->state;
    FC_TRY(load_axes(source, &dims, axes));
    FC_TRY(add_fields(source, dims, timeless));
    for (size_t f = 0; f < fields->field_count; f++)
        if (fields->fields[f].time != FC__NO_AXIS)
            frames = fields->fields[f].shape[1];
    for (size_t f = 0; f < fields->field_count; f++)
        FC_TRY(fc__field_check(&source->h5, &fields->fields[f], dims, axes,
                               fields->fields[0].shape[0], frames));
    FC_TRY(load_times(source, timeless, frames, &times));
    FC_TRY(fc__fields_create_dataset(source, fields, dims, axes));
    FC_TRY(fc__grid_add_points(source->h5.context, source->dataset, axes, &index));
    for (size_t s = 0; s < fields->fields[0].shape[0]; s++)
        FC_TRY(fc_dataset_add_unread(source->h5.context, source->dataset,
                                     fc__frames_wanted(source, frames), times, NULL, &sequence));
done:
    free(times);
    for (size_t i = 0; i < PLACES; i++)
        free(axes[i].values);
    return status;
}

const fc__format fc__pdebench_format = {
    .name = "PDEBench",
    .accepted = "PDEBench (x-coordinate beside arrays of sequences)",
    .recognise = recognise,
    .open = open_file,
    .read = fc__fields_read,
    .read_static = fc__fields_read_static,
    .close = fc__fields_close,
};
