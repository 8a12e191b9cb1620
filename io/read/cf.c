/* Gridded files after the CF conventions: which variables are data, which axis is time, and the
 * values. Axes of length 1 are left out. The order of points follows the file: a latitude that
 * descends there descends here. */
#include "io/read/cf.h"
#include "io/dataset_file.h"
#include "io/read/cf_coordinates.h"
#include "io/read/cf_time.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- channels */

/* A variable on time and space, or on space alone at one time. */
static bool is_field(fc__source *source, const fc__nc_variable *variable)
{
    const fc__nc_inventory *inventory = &source->inventory;
    if (fc__cf_is_data(inventory, variable))
        return true;
    if (!variable->number || variable->dimension_only || fc__cf_horizontal(variable) ||
        (variable->roles & (FC__NC_COORDINATE | FC__NC_BOUNDS)) ||
        fc__nc_find_coordinate(inventory, variable->name) == variable)
        return false;
    bool space = false;
    for (size_t i = 0; i < variable->rank; i++) {
        if (variable->dimension[i][0] == '\0')
            return false;
        space |= variable->shape[i] > 1;
    }
    return space && fc__cf_scalar_time_of(&source->h5, inventory, variable);
}

static fc_status no_data(fc__source *source)
{
    char list[FC__TEXT_SIZE];
    fc__cf_list(&source->inventory, list);
    return fc__fail(source->h5.context, FC_ERROR_DATA,
                    "%s: no variable lies on a time axis and on an axis of space; its variables: "
                    "%s",
                    source->h5.path, list);
}

static fc_status choose_named(fc__source *source, fc__cf_grid *grid, const fc__names *names)
{
    char first[FC__TEXT_SIZE], other[FC__TEXT_SIZE];
    fc_context *context = source->h5.context;
    for (size_t i = 0; i < names->count; i++) {
        const fc__nc_variable *variable = fc__nc_find(&source->inventory, names->name[i]);
        if (!variable) {
            fc__cf_list(&source->inventory, other);
            return fc__fail(context, FC_ERROR_DATA,
                            "%s: there is no variable \"%s\"; there are: %s", source->h5.path,
                            names->name[i], other);
        }
        fc__cf_describe(variable, other, sizeof other);
        if (!is_field(source, variable))
            return fc__fail(context, FC_ERROR_DATA,
                            "%s: variable %s does not lie on a time axis and on an axis of space "
                            "longer than 1, as it must",
                            source->h5.path, other);
        grid->channels[grid->channel_count++] = variable;
        if (fc__cf_same_dimensions(variable, grid->channels[0]))
            continue;
        fc__cf_describe(grid->channels[0], first, sizeof first);
        return fc__fail(context, FC_ERROR_DATA,
                        "%s: variables %s and %s lie on different dimensions; channels must share "
                        "them",
                        source->h5.path, first, other);
    }
    return FC_OK;
}

/* The first field decides; flags are channels where there is nothing else. */
static void choose_all(fc__source *source, fc__cf_grid *grid)
{
    for (int flags = 0; flags < 2 && grid->channel_count == 0; flags++)
        for (size_t i = 0; i < source->inventory.count; i++) {
            const fc__nc_variable *variable = &source->inventory.variables[i];
            if (fc__cf_is_flag(variable) == (flags > 0) && is_field(source, variable) &&
                (grid->channel_count == 0 || fc__cf_same_dimensions(variable, grid->channels[0])))
                grid->channels[grid->channel_count++] = variable;
        }
}

/* Names the fields that are not read. */
static void note_others(fc__source *source, const fc__cf_grid *grid)
{
    char text[FC__TEXT_SIZE];
    for (size_t i = 0, c = 0; i < source->inventory.count; i++) {
        const fc__nc_variable *variable = &source->inventory.variables[i];
        if (c < grid->channel_count && grid->channels[c] == variable) {
            c++;
        } else if (is_field(source, variable)) {
            size_t used = strlen(source->note);
            fc__cf_describe(variable, text, sizeof text);
            snprintf(source->note + used, sizeof source->note - used, "%s%s",
                     used ? ", " : "not among the channels: ", text);
        }
    }
}

static fc_status choose_channels(fc__source *source, fc__cf_grid *grid)
{
    fc_status status = FC_OK;
    fc__names names = {0};
    const char *variables = source->config ? source->config->variables : NULL;
    FC_TRY(fc__names_parse(source->h5.context, variables, &names));
    FC_NEW(source->h5.context, &grid->channels,
           names.count ? names.count : source->inventory.count);
    if (names.count) {
        FC_TRY(choose_named(source, grid, &names));
    } else {
        choose_all(source, grid);
        note_others(source, grid);
    }
    if (grid->channel_count == 0) {
        status = no_data(source);
        goto done;
    }
    FC_NEW(source->h5.context, &grid->packings, grid->channel_count);
    for (size_t c = 0; c < grid->channel_count; c++) {
        size_t rank, shape[FC__MAX_RANK];
        FC_TRY(fc__h5_inspect(&source->h5, grid->channels[c]->id, grid->channels[c]->name, &rank,
                              shape));
        fc__cf_packing_of(grid->channels[c], &grid->packings[c]);
    }
done:
    free(names.name);
    return status;
}

/* ---------------------------------------------------------------- time and members */

static fc_status find_roles(fc__source *source, fc__cf_grid *grid)
{
    const fc__nc_variable *data = grid->channels[0];
    grid->time_position = grid->member_position = data->rank;
    for (size_t i = 0; i < data->rank; i++) {
        const fc__nc_variable *time = fc__cf_time_of(&source->inventory, data->dimension[i]);
        if (time && grid->time && data->shape[i] > 1 && data->shape[grid->time_position] > 1)
            return fc__fail(source->h5.context, FC_ERROR_DATA,
                            "%s: variable %s has two time axes, %s and %s; one is accepted",
                            source->h5.path, data->name, grid->time->name, time->name);
        if (time && (!grid->time || data->shape[i] > 1)) {
            grid->time = time;
            grid->time_position = i;
        } else if (fc__cf_is_member(&source->inventory, data->dimension[i])) {
            grid->member_position = i;
        }
    }
    if (!grid->time)
        grid->time = fc__cf_scalar_time_of(&source->h5, &source->inventory, data);
    grid->layout.time = grid->time_position;
    if (grid->member_position < data->rank)
        grid->layout.is_fixed[grid->member_position] = true;
    return FC_OK;
}

static fc_status read_times(fc__source *source, fc__cf_grid *grid)
{
    fc_status status = FC_OK;
    const fc__nc_variable *data = grid->channels[0];
    size_t count, frames = grid->time_position < data->rank ? data->shape[grid->time_position] : 1;
    FC_TRY(
        fc__cf_load_times(&source->h5, grid->time, false, &grid->time_axis, &count, &grid->times));
    if (frames == 0 || count != frames) {
        status = fc__fail(source->h5.context, FC_ERROR_DATA,
                          "%s: %s holds %zu times, its dimension %zu; as many and at least one are "
                          "accepted",
                          source->h5.path, grid->time->name, count, frames);
        goto done;
    }
    FC_TRY(fc__cf_check_times(&source->h5, grid->time, count, grid->times));
    if (source->config && source->config->max_frames && source->config->max_frames < frames)
        frames = source->config->max_frames;
    grid->frame_count = frames;
    FC_TRY(fc__cf_cycle(source->h5.context, &grid->time_axis, frames, grid->times,
                        &grid->time_axis.cycle));
done:
    return status;
}

/* ---------------------------------------------------------------- the dataset */

static fc_status create_dataset(fc__source *source, fc__cf_grid *grid)
{
    fc_status status = FC_OK;
    fc_context *context = source->h5.context;
    const fc__nc_variable *data = grid->channels[0];
    fc_sequence *sequence;
    size_t index, members = 1;
    status = fc_dataset_create(context, &grid->domain, grid->channel_count, &source->dataset);
    if (status != FC_OK) {
        fc__fail(context, status, "%s: %s", source->h5.path, fc_context_message(context));
        goto done;
    }
    if (grid->member_position < data->rank)
        members = data->shape[grid->member_position];
    source->dataset->time = grid->time_axis;
    source->dataset->record = members == 1;
    for (size_t c = 0; c < grid->channel_count; c++)
        fc__cf_describe_channel(grid->channels[c], &source->dataset->channels[c]);
    FC_TRY(fc_dataset_add_points(context, source->dataset, grid->point_count, grid->coordinates,
                                 grid->grid[0] ? grid->grid : NULL, &index));
    for (size_t m = 0; m < members; m++)
        FC_TRY(fc_dataset_add_unread(context, source->dataset, grid->frame_count, grid->times, NULL,
                                     &sequence));
done:
    return status;
}

/* ---------------------------------------------------------------- the format */

/* Files with dimension scales, which all netCDF-4 files have. */
static bool recognise(fc__source *source)
{
    for (size_t i = 0; i < source->inventory.count; i++)
        if (H5DSis_scale(source->inventory.variables[i].id) > 0)
            return true;
    return false;
}

static fc_status open_grid(fc__source *source)
{
    fc_status status = FC_OK;
    fc__cf_grid *grid;
    FC_NEW(source->h5.context, &grid, 1);
    source->state = grid;
    source->note[0] = '\0';
    FC_TRY(choose_channels(source, grid));
    FC_TRY(find_roles(source, grid));
    FC_TRY(read_times(source, grid));
    FC_TRY(fc__cf_find_points(source, grid));
    FC_TRY(create_dataset(source, grid));
    source->unit = fc__h5_unit(grid->channels[0]->id, grid->time_position);
done:
    return status;
}

static fc_status read_grid(fc__source *source, size_t sequence, size_t first, size_t count,
                           float *const *values)
{
    fc_status status = FC_OK;
    const fc__cf_grid *grid = source->state;
    fc__cf_layout layout = grid->layout;
    if (grid->member_position < grid->channels[0]->rank)
        layout.fixed[grid->member_position] = sequence;
    for (size_t c = 0; c < grid->channel_count; c++)
        FC_TRY(fc__cf_read_frames(&source->h5, grid->channels[c], &grid->packings[c], &layout,
                                  first, count, grid->channel_count, c, values));
done:
    return status;
}

/* Index of a place of the channels in a variable on some of their axes of space. */
static size_t index_in(const fc__cf_grid *grid, const size_t *stride, size_t place, size_t *point)
{
    const fc__nc_variable *data = grid->channels[0];
    size_t index = 0, sum = 0, rest = place;
    for (size_t i = data->rank; i-- > 0;) {
        if (!fc__cf_is_space(grid, i))
            continue;
        size_t at = rest % data->shape[i];
        rest /= data->shape[i];
        index += at * stride[i];
        sum += at * grid->layout.stride[i];
    }
    *point = grid->point ? grid->point[place] : sum;
    return index;
}

/* Finds the strides of a variable along the axes of space of the channels. */
static bool fits(const fc__cf_grid *grid, const fc__nc_variable *variable, size_t *stride)
{
    const fc__nc_variable *data = grid->channels[0];
    size_t length = 1;
    if (!variable || !variable->number)
        return false;
    for (size_t i = variable->rank; i-- > 0;) {
        size_t position = 0;
        while (position < data->rank &&
               (strcmp(variable->dimension[i], data->dimension[position]) != 0 ||
                variable->shape[i] != data->shape[position]))
            position++;
        bool space = position < data->rank && fc__cf_is_space(grid, position);
        if (!space && variable->shape[i] != 1)
            return false;
        if (space)
            stride[position] = length;
        length *= variable->shape[i];
    }
    return length > 0;
}

static fc_status read_static(fc__source *source, size_t points, const char *name, float *values)
{
    fc_status status = FC_OK;
    const fc__cf_grid *grid = source->state;
    const fc__nc_variable *variable = fc__nc_find(&source->inventory, name);
    double *loaded = NULL;
    size_t count, point, stride[FC__MAX_RANK] = {0};
    (void)points; /* there is one set */
    if (!fits(grid, variable, stride)) {
        char text[FC__TEXT_SIZE];
        fc__cf_describe(grid->channels[0], text, sizeof text);
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: \"%s\" is no variable on the axes of space of %s", source->h5.path,
                        name, text);
    }
    FC_TRY(fc__cf_load(&source->h5, variable, &count, &loaded));
    for (size_t p = 0; p < grid->place_count; p++) {
        size_t index = index_in(grid, stride, p, &point);
        if (point != SIZE_MAX)
            values[point] = (float)loaded[index];
    }
done:
    free(loaded);
    return status;
}

static void close_grid(fc__source *source)
{
    fc__cf_grid *grid = source->state;
    if (!grid)
        return;
    for (size_t i = 0; i < grid->axis_count; i++)
        free(grid->axes[i].values);
    for (size_t k = 0; k < 2; k++)
        free(grid->pair.values[k]);
    free(grid->coordinates);
    free(grid->point);
    free(grid->times);
    free(grid->packings);
    free(grid->channels);
    free(grid);
    source->state = NULL;
}

const fc__format fc__cf_grid_format = {
    .name = "CF grid",
    .accepted = "a gridded CF/netCDF-4 file",
    .recognise = recognise,
    .open = open_grid,
    .read = read_grid,
    .read_static = read_static,
    .close = close_grid,
    .drops_missing = true,
};
