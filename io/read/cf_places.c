#include "io/read/cf_places.h"
#include "io/dataset_file.h"
#include "io/read/cf_coordinates.h"
#include "io/read/cf_time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- channels */

static fc_status add_named(fc__source *source, const char *name, fc__cf_check *check,
                           fc__cf_channels *channels)
{
    char list[FC__TEXT_SIZE], first[FC__TEXT_SIZE], other[FC__TEXT_SIZE];
    const fc__nc_variable *variable = fc__nc_find(&source->inventory, name);
    if (!variable) {
        fc__cf_list(&source->inventory, list);
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: there is no variable \"%s\"; there are: %s", source->h5.path, name,
                        list);
    }
    fc_status status = check(source, variable);
    if (status != FC_OK)
        return status;
    channels->variables[channels->count++] = variable;
    if (fc__cf_same_dimensions(variable, channels->variables[0]))
        return FC_OK;
    fc__cf_describe(channels->variables[0], first, sizeof first);
    fc__cf_describe(variable, other, sizeof other);
    return fc__fail(source->h5.context, FC_ERROR_DATA,
                    "%s: variables %s and %s lie on different dimensions; channels must share them",
                    source->h5.path, first, other);
}

fc_status fc__cf_choose_channels(fc__source *source,
                                 bool (*suits)(const fc__source *, const fc__nc_variable *),
                                 fc__cf_check *check, fc__cf_channels *channels)
{
    fc_status status = FC_OK;
    fc__names names = {0};
    *channels = (fc__cf_channels){0};
    FC_TRY(fc__names_parse(source->h5.context, source->config ? source->config->variables : NULL,
                           &names));
    FC_NEW(source->h5.context, &channels->variables,
           names.count ? names.count : source->inventory.count);
    for (size_t i = 0; i < names.count; i++)
        FC_TRY(add_named(source, names.name[i], check, channels));
    for (size_t i = 0; names.count == 0 && i < source->inventory.count; i++) {
        const fc__nc_variable *variable = &source->inventory.variables[i];
        if (suits(source, variable) &&
            (channels->count == 0 || fc__cf_same_dimensions(variable, channels->variables[0])) &&
            check(source, variable) == FC_OK)
            channels->variables[channels->count++] = variable;
    }
    for (size_t c = 0; c < channels->count; c++) {
        size_t rank, shape[FC__MAX_RANK];
        FC_TRY(fc__h5_inspect(&source->h5, channels->variables[c]->id, channels->variables[c]->name,
                              &rank, shape));
    }
done:
    free(names.name);
    if (status != FC_OK) {
        free(channels->variables);
        *channels = (fc__cf_channels){0};
    }
    return status;
}

/* ---------------------------------------------------------------- places and the dataset */

void fc__cf_add_axis(fc__cf_where *where, const fc__nc_variable *variable, fc_axis_kind kind)
{
    fc_axis *axis = &where->axis[where->dims];
    where->variable[where->dims++] = variable;
    fc__cf_describe_axis(variable, axis);
    axis->kind = kind;
    if (axis->units[0] == '\0' && kind == FC_AXIS_LONGITUDE)
        fc__copy_name(axis->units, "degrees_east");
    if (axis->units[0] == '\0' && kind == FC_AXIS_LATITUDE)
        fc__copy_name(axis->units, "degrees_north");
}

/* A domain needs an extent; one of no length at all says as much about the field as any. */
static void find_extent(fc_axis *axis, size_t count, size_t stride, const double *x)
{
    axis->lower = INFINITY;
    axis->upper = -INFINITY;
    for (size_t p = 0; p < count; p++) {
        axis->lower = fmin(axis->lower, x[p * stride]);
        axis->upper = fmax(axis->upper, x[p * stride]);
    }
    if (axis->lower < axis->upper)
        return;
    axis->lower -= 0.5;
    axis->upper += 0.5;
    if (axis->kind == FC_AXIS_LATITUDE) {
        axis->lower = fmax(axis->lower, -90.0);
        axis->upper = fmin(axis->upper, 90.0);
    }
}

fc_status fc__cf_create_dataset(fc__source *source, const fc__cf_channels *channels,
                                fc__cf_where *where, size_t count, double *places)
{
    fc_status status = FC_OK;
    fc_domain domain = {.dims = where->dims};
    for (size_t i = 0; i < where->dims; i++) {
        if (where->axis[i].kind == FC_AXIS_LONGITUDE)
            FC_TRY(fc__cf_join_longitudes(source->h5.context, count, where->dims, places + i));
        find_extent(&where->axis[i], count, where->dims, places + i);
        domain.axis[i] = where->axis[i];
    }
    status = fc_dataset_create(source->h5.context, &domain, channels->count, &source->dataset);
    if (status != FC_OK) {
        status = fc__fail(source->h5.context, status, "%s: %s", source->h5.path,
                          fc_context_message(source->h5.context));
        goto done;
    }
    source->dataset->record = true;
    for (size_t c = 0; c < channels->count; c++)
        fc__cf_describe_channel(channels->variables[c], &source->dataset->channels[c]);
done:
    return status;
}

fc_status fc__cf_set_time_axis(fc__source *source, const fc_time_axis *axis)
{
    fc_status status = FC_OK;
    const fc_sequence *sequence = &source->dataset->sequences[0];
    double *times = NULL;
    FC_NEW(source->h5.context, &times, sequence->frame_count);
    for (size_t f = 0; f < sequence->frame_count; f++)
        times[f] = sequence->frames[f].time;
    source->dataset->time = *axis;
    FC_TRY(fc__cf_cycle(source->h5.context, axis, sequence->frame_count, times,
                        &source->dataset->time.cycle));
done:
    free(times);
    return status;
}

void fc__cf_note_left_out(fc__source *source, size_t left_out, size_t total, const char *what)
{
    if (left_out)
        snprintf(source->note, sizeof source->note,
                 "%s: %zu of %zu places have no coordinates and are left out", what, left_out,
                 total);
}

/* ---------------------------------------------------------------- places that do not move */

/* Elements of the first frame in the order of the file. */
static void list_places(fc__cf_table *table, size_t time_axis)
{
    const fc__nc_variable *variable = table->samples.variable;
    for (size_t i = 0; i < table->place_count; i++) {
        size_t rest = i, element = 0, stride = 1;
        for (size_t axis = variable->rank; axis-- > 0;) {
            size_t length = axis == time_axis ? 1 : variable->shape[axis];
            element += rest % length * stride;
            rest /= length;
            stride *= variable->shape[axis];
        }
        table->elements[i] = element;
    }
}

fc_status fc__cf_table_open(fc__source *source, fc__cf_channels *channels, size_t time_axis,
                            fc__cf_table *table)
{
    fc_status status = FC_OK;
    const fc__nc_variable *variable = channels->variables[0];
    table->channels = *channels;
    *channels = (fc__cf_channels){0};
    fc__cf_samples_describe(&source->h5, &source->inventory, variable, &table->samples);
    table->layout.time = time_axis;
    table->place_count = 1;
    for (size_t axis = 0; axis < variable->rank; axis++)
        if (axis != time_axis)
            table->place_count = fc__product(table->place_count, variable->shape[axis]);
    FC_NEW(source->h5.context, &table->packings, table->channels.count);
    for (size_t c = 0; c < table->channels.count; c++)
        fc__cf_packing_of(table->channels.variables[c], &table->packings[c]);
    FC_NEW(source->h5.context, &table->elements, table->place_count);
    FC_NEW(source->h5.context, &table->point, table->place_count);
    FC_NEW(source->h5.context, &table->kept, table->place_count);
    table->layout.point = table->point;
    list_places(table, time_axis);
done:
    return status;
}

/* Numbers the places that are somewhere and moves their coordinates together. */
static void keep_finite(fc__cf_table *table, size_t dims, double *coordinates)
{
    for (size_t i = 0; i < table->place_count; i++) {
        bool finite = true;
        for (size_t k = 0; k < dims; k++)
            finite = finite && isfinite(coordinates[i * dims + k]);
        table->point[i] = finite ? table->point_count : SIZE_MAX;
        if (!finite)
            continue;
        memmove(coordinates + table->point_count * dims, coordinates + i * dims,
                dims * sizeof *coordinates);
        table->kept[table->point_count++] = table->elements[i];
    }
}

fc_status fc__cf_table_make(fc__source *source, fc__cf_table *table, fc__cf_where *where,
                            double *coordinates, const char *what, const fc_time_axis *axis,
                            size_t frame_count, const double *times)
{
    fc_status status = FC_OK;
    size_t set;
    fc_sequence *sequence;
    const fc_read_config *config = source->config;
    const fc__nc_variable *variable = table->samples.variable;
    size_t wanted = table->layout.time < variable->rank ? variable->shape[table->layout.time] : 1;
    if (frame_count == 0 || frame_count != wanted)
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: variable %s has %zu frames and %zu times; as many, and at least one, "
                        "are needed",
                        source->h5.path, variable->name, wanted, frame_count);
    keep_finite(table, where->dims, coordinates);
    if (table->point_count == 0)
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: none of the %zu places (%s) of %s has coordinates (%s, %s)",
                        source->h5.path, table->place_count, what, variable->name,
                        where->axis[0].name, where->axis[1].name);
    fc__cf_note_left_out(source, table->place_count - table->point_count, table->place_count, what);
    FC_TRY(fc__cf_create_dataset(source, &table->channels, where, table->point_count, coordinates));
    FC_TRY(fc_dataset_add_points(source->h5.context, source->dataset, table->point_count,
                                 coordinates, NULL, &set));
    if (config && config->max_frames && config->max_frames < frame_count)
        frame_count = config->max_frames;
    FC_TRY(fc_dataset_add_unread(source->h5.context, source->dataset, frame_count, times, NULL,
                                 &sequence));
    FC_TRY(fc__cf_set_time_axis(source, axis));
    if (table->layout.time < variable->rank)
        source->unit = fc__h5_unit(variable->id, table->layout.time);
done:
    return status;
}

fc_status fc__cf_table_read(fc__source *source, const fc__cf_table *table, size_t first,
                            size_t count, float *const *values)
{
    fc_status status = FC_OK;
    for (size_t c = 0; status == FC_OK && c < table->channels.count; c++)
        status = fc__cf_read_frames(&source->h5, table->channels.variables[c], &table->packings[c],
                                    &table->layout, first, count, table->channels.count, c, values);
    return status;
}

fc_status fc__cf_table_read_static(fc__source *source, const fc__cf_table *table, const char *name,
                                   float *values)
{
    fc_status status = FC_OK;
    double *gathered = NULL;
    char text[FC__TEXT_SIZE];
    const fc__nc_variable *variable = fc__nc_find(&source->inventory, name);
    if (!variable)
        return fc__fail(source->h5.context, FC_ERROR_DATA, "%s: there is no variable \"%s\"",
                        source->h5.path, name);
    if (!fc__cf_samples_have(&table->samples, variable) ||
        fc__cf_samples_vary(&table->samples, variable, table->layout.time)) {
        fc__cf_describe(variable, text, sizeof text);
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: variable %s does not lie on the places of %s alone, as one that does "
                        "not change with time must",
                        source->h5.path, text, table->samples.variable->name);
    }
    FC_NEW(source->h5.context, &gathered, table->point_count);
    FC_TRY(fc__cf_samples_gather(&table->samples, variable, table->point_count, table->kept,
                                 gathered));
    for (size_t p = 0; p < table->point_count; p++)
        values[p] = (float)gathered[p];
done:
    free(gathered);
    return status;
}

void fc__cf_table_release(fc__cf_table *table)
{
    fc__cf_samples_release(&table->samples);
    free(table->channels.variables);
    free(table->packings);
    free(table->elements);
    free(table->point);
    free(table->kept);
}
