/* Gridded files after the CF conventions: which variables are data, which axis is time, and what
 * the other axes are. The axes must have 1-D coordinates; longitude and latitude become those of a
 * sphere. Axes of length 1 are left out. The order of points follows the file: a latitude that
 * descends there descends here. */
#include "io/cf.h"
#include "io/cf_time.h"

#include <ctype.h>
#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- what a variable is */

static bool text_is(const fc__nc_variable *variable, const char *attribute, const char *wanted)
{
    char text[FC__TEXT_SIZE];
    return fc__h5_get_text(variable->id, attribute, text, sizeof text) && strcmp(text, wanted) == 0;
}

/* Longitude 'X' or latitude 'Y' after units, standard name or, where there are no telling units,
 * name; 0 for anything else. Units are compared without blanks, underscores and case, so that
 * "degrees East" is understood. */
static char geographic_axis(const fc__nc_variable *variable)
{
    static const char *const east[] = {"degreeeast", "degreeseast", "degreee", "degreese"};
    static const char *const north[] = {"degreenorth", "degreesnorth", "degreen", "degreesn"};
    char units[FC_NAME_SIZE] = "", plain[FC_NAME_SIZE] = "";
    fc__h5_get_text(variable->id, "units", units, sizeof units);
    for (size_t i = 0, k = 0; units[i]; i++)
        if (units[i] != ' ' && units[i] != '_')
            plain[k++] = (char)tolower((unsigned char)units[i]);
    for (size_t i = 0; i < sizeof east / sizeof *east; i++) {
        if (strcmp(plain, east[i]) == 0)
            return 'X';
        if (strcmp(plain, north[i]) == 0)
            return 'Y';
    }
    if (text_is(variable, "standard_name", "longitude"))
        return 'X';
    if (text_is(variable, "standard_name", "latitude"))
        return 'Y';
    if (plain[0] && strcmp(plain, "degree") != 0 && strcmp(plain, "degrees") != 0)
        return 0;
    if (strcasecmp(variable->name, "lon") == 0 || strcasecmp(variable->name, "longitude") == 0)
        return fc__h5_has(variable->id, "standard_name") ? 0 : 'X';
    if (strcasecmp(variable->name, "lat") == 0 || strcasecmp(variable->name, "latitude") == 0)
        return fc__h5_has(variable->id, "standard_name") ? 0 : 'Y';
    return 0;
}

/* Place of an axis in the domain: 'X', 'Y', 'Z', or 0 where nothing tells. */
static char axis_letter(const fc__nc_variable *variable)
{
    char geographic = geographic_axis(variable), text[FC_NAME_SIZE] = "";
    if (geographic)
        return geographic;
    fc__h5_get_text(variable->id, "axis", text, sizeof text);
    if (text[0] && strchr("XYZ", text[0]) && text[1] == '\0')
        return text[0];
    if (text_is(variable, "standard_name", "projection_x_coordinate") ||
        strcasecmp(variable->name, "x") == 0)
        return 'X';
    if (text_is(variable, "standard_name", "projection_y_coordinate") ||
        strcasecmp(variable->name, "y") == 0)
        return 'Y';
    if (fc__h5_has(variable->id, "positive") || strcasecmp(variable->name, "z") == 0)
        return 'Z';
    return 0;
}

static bool is_time(const fc__nc_variable *variable)
{
    char units[FC_NAME_SIZE] = "";
    if (variable->rank != 1 || !variable->number)
        return false;
    fc__h5_get_text(variable->id, "units", units, sizeof units);
    return fc__cf_is_time(units) || text_is(variable, "axis", "T") ||
           text_is(variable, "standard_name", "time") || strcasecmp(variable->name, "time") == 0 ||
           strcasecmp(variable->name, "t") == 0;
}

/* The time coordinate of a dimension: the variable of its name or, where there is none, one on the
 * dimension. NULL when the dimension is not time. */
static const fc__nc_variable *time_of(const fc__nc_inventory *inventory, const char *dimension)
{
    const fc__nc_variable *coordinate = fc__nc_find_coordinate(inventory, dimension);
    if (coordinate)
        return is_time(coordinate) ? coordinate : NULL;
    for (size_t i = 0; i < inventory->count; i++) {
        const fc__nc_variable *variable = &inventory->variables[i];
        if (!variable->dimension_only && variable->rank == 1 &&
            strcmp(variable->dimension[0], dimension) == 0 && is_time(variable))
            return variable;
    }
    return NULL;
}

/* Whether another variable names it in `attribute`. */
static bool is_named_in(const fc__nc_inventory *inventory, const char *attribute, const char *name)
{
    char list[FC__TEXT_SIZE];
    for (size_t i = 0; i < inventory->count; i++)
        if (fc__h5_get_text(inventory->variables[i].id, attribute, list, sizeof list) &&
            fc__nc_lists(list, name))
            return true;
    return false;
}

/* Whether a variable lies on time and at least one axis of space. */
static bool is_data(const fc__nc_inventory *inventory, const fc__nc_variable *variable)
{
    size_t times = 0, spaces = 0;
    if (!variable->number || variable->dimension_only || variable->rank < 2)
        return false;
    for (size_t i = 0; i < variable->rank; i++) {
        const char *dimension = variable->dimension[i];
        if (dimension[0] == '\0')
            return false;
        if (time_of(inventory, dimension))
            times++;
        else
            spaces += variable->shape[i] > 1;
    }
    return times > 0 && spaces > 0 && !is_named_in(inventory, "bounds", variable->name) &&
           !is_named_in(inventory, "coordinates", variable->name);
}

static bool same_dimensions(const fc__nc_variable *a, const fc__nc_variable *b)
{
    bool same = a->rank == b->rank;
    for (size_t i = 0; same && i < a->rank; i++)
        same = a->shape[i] == b->shape[i] && strcmp(a->dimension[i], b->dimension[i]) == 0;
    return same;
}

/* ---------------------------------------------------------------- descriptions for messages */

/* "name(time, lat, lon)", cut to the room that is left. */
static void describe(const fc__nc_variable *variable, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s(", variable->name);
    for (size_t i = 0; i < variable->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 variable->dimension[i][0] ? variable->dimension[i] : "?");
    if (used < size)
        snprintf(text + used, size - used, ")");
}

/* Data variables, or all variables where there are none. */
static void list_variables(const fc__nc_inventory *inventory, char text[FC__TEXT_SIZE])
{
    text[0] = '\0';
    for (int all = 0; all < 2 && text[0] == '\0'; all++) {
        for (size_t i = 0; i < inventory->count; i++) {
            const fc__nc_variable *variable = &inventory->variables[i];
            size_t used = strlen(text);
            if (variable->dimension_only || (!all && !is_data(inventory, variable)))
                continue;
            snprintf(text + used, FC__TEXT_SIZE - used, "%s", used ? ", " : "");
            used = strlen(text);
            describe(variable, text + used, FC__TEXT_SIZE - used);
        }
    }
    if (text[0] == '\0')
        snprintf(text, FC__TEXT_SIZE, "none in the root group");
}

static fc_status no_data(fc__cf_reader *in)
{
    char list[FC__TEXT_SIZE];
    bool scales = false;
    for (size_t i = 0; i < in->inventory.count; i++)
        scales |= H5DSis_scale(in->inventory.variables[i].id) > 0;
    list_variables(&in->inventory, list);
    if (!scales)
        return fc__fail(in->h5->context, FC_ERROR_DATA,
                        "%s: is an HDF5 file without dimension scales, so neither a fieldcast file "
                        "nor netCDF-4; its variables: %s",
                        in->h5->path, list);
    return fc__fail(in->h5->context, FC_ERROR_DATA,
                    "%s: no variable lies on a time axis and on an axis of space; its variables: "
                    "%s",
                    in->h5->path, list);
}

static fc_status unknown_variable(fc__cf_reader *in, const char *name)
{
    char list[FC__TEXT_SIZE];
    list_variables(&in->inventory, list);
    return fc__fail(in->h5->context, FC_ERROR_DATA,
                    "%s: there is no variable \"%s\"; there are: %s", in->h5->path, name, list);
}

/* ---------------------------------------------------------------- channels */

static fc_status choose_named(fc__cf_reader *in, const fc__names *names)
{
    char first[FC__TEXT_SIZE], other[FC__TEXT_SIZE];
    for (size_t i = 0; i < names->count; i++) {
        const fc__nc_variable *variable = fc__nc_find(&in->inventory, names->name[i]);
        if (!variable)
            return unknown_variable(in, names->name[i]);
        describe(variable, other, sizeof other);
        if (!is_data(&in->inventory, variable))
            return fc__fail(in->h5->context, FC_ERROR_DATA,
                            "%s: variable %s does not lie on a time axis and on an axis of space "
                            "longer than 1, as it must",
                            in->h5->path, other);
        in->channels[in->channel_count++] = variable;
        if (same_dimensions(variable, in->channels[0]))
            continue;
        describe(in->channels[0], first, sizeof first);
        return fc__fail(in->h5->context, FC_ERROR_DATA,
                        "%s: variables %s and %s lie on different dimensions; channels must share "
                        "them",
                        in->h5->path, first, other);
    }
    return FC_OK;
}

static fc_status choose_channels(fc__cf_reader *in)
{
    fc_status status = FC_OK;
    fc__names names = {0};
    FC_TRY(fc__names_parse(in->h5->context, in->config ? in->config->variables : NULL, &names));
    FC_NEW(in->h5->context, &in->channels, names.count ? names.count : in->inventory.count);
    if (names.count)
        FC_TRY(choose_named(in, &names));
    for (size_t i = 0; names.count == 0 && i < in->inventory.count; i++) {
        const fc__nc_variable *variable = &in->inventory.variables[i];
        if (is_data(&in->inventory, variable) &&
            (in->channel_count == 0 || same_dimensions(variable, in->channels[0])))
            in->channels[in->channel_count++] = variable;
    }
    if (in->channel_count == 0)
        status = no_data(in);
    for (size_t c = 0; status == FC_OK && c < in->channel_count; c++) {
        size_t rank, shape[FC__MAX_RANK];
        status = fc__h5_inspect(in->h5, in->channels[c]->id, in->channels[c]->name, &rank, shape);
    }
done:
    free(names.name);
    return status;
}

/* ---------------------------------------------------------------- axes */

static bool lies_on(const fc__nc_variable *variable, const char *dimension)
{
    for (size_t i = 0; i < variable->rank; i++)
        if (strcmp(variable->dimension[i], dimension) == 0)
            return true;
    return false;
}

/* A longitude, latitude or map coordinate that lies on the dimension without being its own. */
static const fc__nc_variable *auxiliary_on(const fc__cf_reader *in, const char *dimension)
{
    for (size_t i = 0; i < in->inventory.count; i++) {
        const fc__nc_variable *variable = &in->inventory.variables[i];
        bool horizontal = geographic_axis(variable) ||
                          text_is(variable, "standard_name", "projection_x_coordinate") ||
                          text_is(variable, "standard_name", "projection_y_coordinate");
        if (horizontal && !variable->dimension_only && lies_on(variable, dimension) &&
            strcmp(variable->name, dimension) != 0)
            return variable;
    }
    return NULL;
}

/* An index along a dimension says nothing about where its points are. */
static bool is_index(const fc__nc_variable *coordinate)
{
    char units[FC_NAME_SIZE] = "";
    fc__h5_get_text(coordinate->id, "units", units, sizeof units);
    return axis_letter(coordinate) == 0 && (units[0] == '\0' || strcmp(units, "1") == 0);
}

/* Says what kind of grid it is that has no 1-D coordinate on this dimension. */
static fc_status not_gridded(fc__cf_reader *in, const char *dimension,
                             const fc__nc_variable *auxiliary)
{
    char variable[FC__TEXT_SIZE], other[FC__TEXT_SIZE] = "";
    const char *path = in->h5->path;
    describe(in->channels[0], variable, sizeof variable);
    if (auxiliary)
        describe(auxiliary, other, sizeof other);
    for (size_t i = 0; i < in->inventory.count; i++)
        if (text_is(&in->inventory.variables[i], "cf_role", "mesh_topology"))
            return fc__fail(
                in->h5->context, FC_ERROR_DATA,
                "%s: variable %s lies on an unstructured mesh (UGRID, %s), which is not "
                "read yet; grids with 1-D coordinates are accepted",
                path, variable, in->inventory.variables[i].name);
    if (auxiliary && auxiliary->rank > 1)
        return fc__fail(in->h5->context, FC_ERROR_DATA,
                        "%s: variable %s lies on a curvilinear grid with coordinates %s, which is "
                        "not read yet; grids with 1-D coordinates are accepted",
                        path, variable, other);
    if (auxiliary)
        return fc__fail(in->h5->context, FC_ERROR_DATA,
                        "%s: variable %s holds point observations with coordinates %s, which are "
                        "not read yet; grids with 1-D coordinates are accepted",
                        path, variable, other);
    return fc__fail(in->h5->context, FC_ERROR_DATA,
                    "%s: variable %s: dimension %s has no coordinate variable %s(%s), so that the "
                    "places of its points are not known",
                    path, variable, dimension, dimension, dimension);
}

/* Strictly monotonic; longitudes may wrap around once. */
static fc_status check_coordinate(fc__cf_reader *in, const fc__nc_variable *variable,
                                  const fc__cf_axis *axis)
{
    const double *x = axis->values;
    size_t turns = 0, allowed = geographic_axis(variable) == 'X' ? 1 : 0;
    for (size_t i = 1; i < axis->length; i++) {
        turns += x[i] == x[i - 1] || (x[i] > x[i - 1]) != (x[1] > x[0]);
        if (x[i] == x[i - 1] || turns > allowed)
            return fc__fail(in->h5->context, FC_ERROR_DATA,
                            "%s: coordinate %s: %.10g at index %zu follows %.10g; coordinates must "
                            "increase or decrease all the way",
                            in->h5->path, variable->name, x[i], i, x[i - 1]);
    }
    return FC_OK;
}

static fc_status read_axis(fc__cf_reader *in, size_t position)
{
    fc_status status = FC_OK;
    const char *dimension = in->channels[0]->dimension[position];
    const fc__nc_variable *coordinate = fc__nc_find_coordinate(&in->inventory, dimension);
    const fc__nc_variable *auxiliary = auxiliary_on(in, dimension);
    if (!coordinate || (auxiliary && is_index(coordinate)))
        return not_gridded(in, dimension, auxiliary);
    if (in->dims == FC_MAX_DIMS)
        return fc__fail(in->h5->context, FC_ERROR_DATA,
                        "%s: variable %s has more than %d axes of space", in->h5->path,
                        in->channels[0]->name, FC_MAX_DIMS);
    fc__cf_axis *axis = &in->axes[in->dims++];
    axis->position = position;
    axis->length = coordinate->shape[0];
    if (axis->length != in->channels[0]->shape[position])
        return fc__fail(in->h5->context, FC_ERROR_DATA,
                        "%s: coordinate %s has length %zu, the dimension %zu", in->h5->path,
                        dimension, axis->length, in->channels[0]->shape[position]);
    FC_TRY(fc__cf_load(in, coordinate, &axis->values));
    FC_TRY(check_coordinate(in, coordinate, axis));
    fc__copy_name(axis->axis.name, coordinate->name);
    fc__h5_get_text(coordinate->id, "units", axis->axis.units, FC_NAME_SIZE);
    axis->axis.lower = INFINITY;
    axis->axis.upper = -INFINITY;
    for (size_t i = 0; i < axis->length; i++) {
        axis->axis.lower = fmin(axis->axis.lower, axis->values[i]);
        axis->axis.upper = fmax(axis->axis.upper, axis->values[i]);
    }
done:
    return status;
}

static void swap_axes(fc__cf_axis *a, fc__cf_axis *b)
{
    fc__cf_axis other = *a;
    *a = *b;
    *b = other;
}

static const fc__nc_variable *coordinate_of(const fc__cf_reader *in, size_t i)
{
    return fc__nc_find_coordinate(&in->inventory, in->axes[i].axis.name);
}

/* Axes come in the order of the file, slowest first. They leave as X, Y, Z where all of them tell
 * which they are, else fastest first. */
static void order_axes(fc__cf_reader *in)
{
    size_t dims = in->dims;
    bool all = true;
    for (size_t i = 0; i < dims / 2; i++)
        swap_axes(&in->axes[i], &in->axes[dims - 1 - i]);
    for (size_t i = 0; i < dims; i++)
        all = all && axis_letter(coordinate_of(in, i));
    for (size_t i = 0; all && i < dims; i++)
        for (size_t k = dims - 1; k > i; k--)
            if (axis_letter(coordinate_of(in, k)) < axis_letter(coordinate_of(in, k - 1)))
                swap_axes(&in->axes[k], &in->axes[k - 1]);
}

/* Longitude and latitude are those of a sphere only together. */
static void mark_sphere(fc__cf_reader *in)
{
    size_t longitude = in->dims, latitude = in->dims;
    for (size_t i = 0; i < in->dims; i++) {
        char letter = geographic_axis(coordinate_of(in, i));
        if (letter == 'X')
            longitude = i;
        if (letter == 'Y')
            latitude = i;
    }
    if (longitude == in->dims || latitude == in->dims)
        return;
    if (longitude > latitude) {
        swap_axes(&in->axes[longitude], &in->axes[latitude]);
        size_t place = longitude;
        longitude = latitude;
        latitude = place;
    }
    fc_axis *x = &in->axes[longitude].axis, *y = &in->axes[latitude].axis;
    x->kind = FC_AXIS_LONGITUDE;
    y->kind = FC_AXIS_LATITUDE;
    if (x->units[0] == '\0')
        fc__copy_name(x->units, "degrees_east");
    if (y->units[0] == '\0')
        fc__copy_name(y->units, "degrees_north");
}

static fc_status find_axes(fc__cf_reader *in)
{
    fc_status status = FC_OK;
    const fc__nc_variable *variable = in->channels[0];
    for (size_t i = 0; i < variable->rank; i++) {
        const fc__nc_variable *time = time_of(&in->inventory, variable->dimension[i]);
        if (time && in->time && variable->shape[i] > 1) {
            status = fc__fail(in->h5->context, FC_ERROR_DATA,
                              "%s: variable %s has two time axes, %s and %s; one is accepted",
                              in->h5->path, variable->name, in->time->name, time->name);
            goto done;
        }
        if (time && !in->time) {
            in->time = time;
            in->time_position = i;
        } else if (variable->shape[i] > 1) {
            FC_TRY(read_axis(in, i));
        }
    }
    order_axes(in);
    mark_sphere(in);
done:
    return status;
}

/* ---------------------------------------------------------------- times */

static fc_status read_times(fc__cf_reader *in)
{
    fc_status status = FC_OK;
    fc_time_axis *axis = &in->time_axis;
    in->frame_count = in->channels[0]->shape[in->time_position];
    if (in->frame_count == 0 || in->time->shape[0] != in->frame_count)
        return fc__fail(in->h5->context, FC_ERROR_DATA, "%s: %s holds %zu times, its dimension %zu",
                        in->h5->path, in->time->name, in->time->shape[0], in->frame_count);
    fc__h5_get_text(in->time->id, "units", axis->units, FC_NAME_SIZE);
    if (axis->units[0] == '\0')
        fc__copy_name(axis->units, "1");
    if (fc__cf_is_time(axis->units)) {
        fc__copy_name(axis->calendar, "standard");
        fc__h5_get_text(in->time->id, "calendar", axis->calendar, FC_NAME_SIZE);
    }
    FC_TRY(fc__cf_load(in, in->time, &in->times));
    for (size_t i = 1; i < in->frame_count; i++) {
        if (in->times[i] > in->times[i - 1])
            continue;
        status = fc__fail(in->h5->context, FC_ERROR_DATA,
                          "%s: %s: %.10g at index %zu does not come after %.10g; times must "
                          "increase",
                          in->h5->path, in->time->name, in->times[i], i, in->times[i - 1]);
        goto done;
    }
    if (in->config && in->config->max_frames && in->config->max_frames < in->frame_count)
        in->frame_count = in->config->max_frames;
    FC_TRY(fc__cf_cycle(in->h5->context, axis, in->frame_count, in->times, &axis->cycle));
done:
    return status;
}

/* ---------------------------------------------------------------- the dataset */

static fc_status add_grid(fc__cf_reader *in, fc_dataset *dataset)
{
    fc_status status = FC_OK;
    size_t count = 1, stride = 1, index, grid[FC_MAX_DIMS];
    double *coordinates = NULL;
    for (size_t i = 0; i < in->dims; i++) {
        grid[in->dims - 1 - i] = in->axes[i].length;
        count = fc__product(count, in->axes[i].length);
    }
    FC_NEW(in->h5->context, &coordinates, fc__product(count, in->dims));
    for (size_t i = 0; i < in->dims; i++) {
        for (size_t p = 0; p < count; p++)
            coordinates[p * in->dims + i] = in->axes[i].values[p / stride % in->axes[i].length];
        stride *= in->axes[i].length;
    }
    FC_TRY(fc_dataset_add_points(in->h5->context, dataset, count, coordinates, grid, &index));
done:
    free(coordinates);
    return status;
}

static fc_status create_dataset(fc__cf_reader *in, fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc_sequence *sequence;
    fc_domain domain = {.dims = in->dims};
    for (size_t i = 0; i < in->dims; i++)
        domain.axis[i] = in->axes[i].axis;
    status = fc_dataset_create(in->h5->context, &domain, in->channel_count, dataset);
    if (status != FC_OK) {
        fc__fail(in->h5->context, status, "%s: %s", in->h5->path,
                 fc_context_message(in->h5->context));
        goto done;
    }
    (*dataset)->time = in->time_axis;
    (*dataset)->record = true;
    for (size_t c = 0; c < in->channel_count; c++) {
        fc_channel *channel = &(*dataset)->channels[c];
        hid_t id = in->channels[c]->id;
        fc__copy_name(channel->name, in->channels[c]->name);
        fc__copy_name(channel->units, "1");
        fc__h5_get_text(id, "units", channel->units, FC_NAME_SIZE);
        if (!fc__h5_get_text(id, "long_name", channel->long_name, FC_NAME_SIZE))
            fc__h5_get_text(id, "standard_name", channel->long_name, FC_NAME_SIZE);
    }
    FC_TRY(add_grid(in, *dataset));
    FC_TRY(fc_dataset_add_sequence(in->h5->context, *dataset, in->frame_count, in->times, NULL,
                                   &sequence));
done:
    return status;
}

fc_status fc__cf_read(fc__h5 *h5, const fc_read_config *config, fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc__cf_reader in = {.h5 = h5, .config = config};
    fc_dataset *made = NULL;
    *dataset = NULL;
    FC_TRY(fc__nc_take_inventory(h5, true, &in.inventory));
    FC_TRY(choose_channels(&in));
    FC_TRY(find_axes(&in));
    FC_TRY(read_times(&in));
    FC_TRY(create_dataset(&in, &made));
    FC_TRY(fc__cf_read_values(&in, made));
    fc__cf_drop_missing(made);
    if (made->sequences[0].frame_count == 0) {
        status = fc__fail(h5->context, FC_ERROR_DATA, "%s: %s has no value at all: all are missing",
                          h5->path, in.channels[0]->name);
        goto done;
    }
    *dataset = made;
    made = NULL;
done:
    fc_dataset_destroy(made);
    for (size_t i = 0; i < in.dims; i++)
        free(in.axes[i].values);
    free(in.times);
    free(in.channels);
    fc__nc_release_inventory(&in.inventory);
    return status;
}
