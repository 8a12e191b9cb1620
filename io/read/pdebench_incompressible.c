/* PDEBench's incompressible Navier-Stokes flow: /velocity (sequence, time, x, y, 2), /particles
 * (sequence, time, x, y, 1), /force (sequence, x, y, 2) and /t (sequence, time), without
 * coordinates: the flow is in the unit square, and values are those of cells. Simulations that were
 * stopped leave frames without times behind the one that the attribute latestIndex names.
 */
#include "io/read/field_arrays.h"

#include <stdio.h>
#include <stdlib.h>

static bool recognise(fc__source *source)
{
    const fc__nc_variable *velocity = fc__nc_find(&source->inventory, "velocity");
    const fc__nc_variable *times = fc__nc_find(&source->inventory, "t");
    return velocity && times && velocity->number && times->number && times->rank == 2 &&
           (velocity->rank == 5 || velocity->rank == 6) &&
           velocity->shape[velocity->rank - 1] == velocity->rank - 3;
}

/* `name` if the file has it and it is a field (sequence, [time,] space, component). */
static fc_status add_field(fc__source *source, const char *name, size_t dims, bool timed)
{
    static const char *const letters[] = {"x", "y", "z"};
    char component[FC_NAME_SIZE];
    fc__fields *fields = source->state;
    fc__field *field = &fields->fields[fields->field_count];
    const fc__nc_variable *variable = fc__nc_find(&source->inventory, name);
    size_t rank = dims + (timed ? 3 : 2);
    if (!variable)
        return FC_OK;
    fc_status status = fc__field_inspect(&source->h5, variable->id, name, field);
    if (status != FC_OK)
        return status;
    if (field->rank != rank || (field->shape[rank - 1] != dims && field->shape[rank - 1] != 1))
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: %s does not have the axes (sequence, %sspace, component) with %zu "
                        "axes of space",
                        source->h5.path, name, timed ? "time, " : "", dims);
    field->sequence = 0;
    if (timed)
        field->time = 1;
    for (size_t i = 0; i < dims; i++)
        field->space[i] = rank - 1 - dims + i;
    field->component = rank - 1;
    field->components = field->shape[rank - 1];
    fields->field_count++;
    for (size_t i = 0; i < field->components; i++) {
        snprintf(component, sizeof component, "%s_%s", name, letters[i]);
        fc__fields_add_component(fields, i, field->components > 1 ? component : name, "", timed);
    }
    return FC_OK;
}

/* Middles of cells of the unit interval. */
static fc_status make_axis(fc__h5 *h5, const char *name, size_t length, fc__grid_axis *axis)
{
    fc_status status = FC_OK;
    double *middles;
    FC_NEW(h5->context, &middles, length);
    for (size_t i = 0; i < length; i++)
        middles[i] = ((double)i + 0.5) / (double)length;
    FC_TRY(fc__grid_set_axis(h5, name, name, length, middles, axis));
    axis->axis.lower = 0.0;
    axis->axis.upper = 1.0;
done:
    return status;
}

/* Each sequence with its own times. */
static fc_status add_sequences(fc__source *source, size_t sequences, size_t frames)
{
    fc_status status = FC_OK;
    fc__h5 *h5 = &source->h5;
    const size_t shape[2] = {sequences, frames};
    fc_sequence *sequence;
    double *times = NULL, latest = -1.0;
    FC_TRY(fc__h5_load_array(h5, h5->file, "t", H5T_NATIVE_DOUBLE, 2, shape, &times));
    fc__h5_get_double(h5->file, "latestIndex", &latest);
    for (size_t s = 0; s < sequences; s++) {
        const double *own = times + s * frames;
        size_t count = 1;
        while (count < frames && own[count] > own[count - 1])
            count++;
        if (count < frames && !(latest >= 0.0 && (double)count > latest)) {
            status = fc__fail(h5->context, FC_ERROR_DATA,
                              "%s: t[%zu, %zu] is %g after %g; times must increase", h5->path, s,
                              count, own[count], own[count - 1]);
            goto done;
        }
        FC_TRY(fc_dataset_add_unread(h5->context, source->dataset, fc__frames_wanted(source, count),
                                     own, NULL, &sequence));
    }
done:
    free(times);
    return status;
}

static fc_status open_file(fc__source *source)
{
    enum { FIELDS = 3, MOST_DIMS = 3 };
    static const char *const names[] = {"x", "y", "z"};
    fc_status status = FC_OK;
    fc__grid_axis axes[MOST_DIMS] = {{.length = 0}};
    size_t index, dims = fc__nc_find(&source->inventory, "velocity")->rank - 3;
    FC_TRY(fc__allocate(source->h5.context, 1, sizeof(fc__fields), (void *)&source->state));
    fc__fields *fields = source->state;
    FC_TRY(fc__fields_create(source->h5.context, FIELDS, FIELDS * MOST_DIMS, fields));
    FC_TRY(add_field(source, "velocity", dims, true));
    FC_TRY(add_field(source, "particles", dims, true));
    FC_TRY(add_field(source, "force", dims, false));
    const size_t *shape = fields->fields[0].shape;
    for (size_t i = 0; i < dims; i++)
        FC_TRY(make_axis(&source->h5, names[i], shape[2 + i], &axes[i]));
    for (size_t f = 0; f < fields->field_count; f++)
        FC_TRY(fc__field_check(&source->h5, &fields->fields[f], dims, axes, shape[0], shape[1]));
    FC_TRY(fc__fields_create_dataset(source, fields, dims, axes));
    FC_TRY(fc__grid_add_points(source->h5.context, source->dataset, axes, &index));
    FC_TRY(add_sequences(source, shape[0], shape[1]));
done:
    for (size_t i = 0; i < MOST_DIMS; i++)
        free(axes[i].values);
    return status;
}

const fc__format fc__pdebench_incompressible_format = {
    .name = "PDEBench, incompressible flow",
    .accepted = "PDEBench's incompressible flow (velocity, t)",
    .recognise = recognise,
    .open = open_file,
    .read = fc__fields_read,
    .read_static = fc__fields_read_static,
    .close = fc__fields_close,
};
