/* Where the points of a gridded CF file are: the axes of its variables, in which order they become
 * those of the domain, and the points on them. */
#include "io/read/cf.h"
#include "io/read/cf_coordinates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool fc__cf_is_space(const fc__cf_grid *grid, size_t position)
{
    return position != grid->time_position && position != grid->member_position;
}

/* ---------------------------------------------------------------- one axis */

/* A variable that says where the points along a dimension are, without being named like it; NULL
 * when there is none. *several: when two of a kind, or two horizontal ones, do. */
static const fc__nc_variable *auxiliary_of(const fc__source *source, const char *dimension,
                                           bool *several)
{
    const fc__nc_variable *found = NULL;
    *several = false;
    for (size_t i = 0; i < source->inventory.count; i++) {
        const fc__nc_variable *variable = &source->inventory.variables[i];
        if (!variable->number || variable->dimension_only || variable->rank != 1 ||
            strcmp(variable->dimension[0], dimension) != 0 ||
            strcmp(variable->name, dimension) == 0 || !fc__cf_letter(variable) ||
            (variable->roles & FC__NC_BOUNDS))
            continue;
        *several = found != NULL;
        if (found)
            break;
        found = variable;
    }
    return found;
}

/* A longitude, latitude or map coordinate on the dimension, beside which the other one is missing.
 */
static const fc__nc_variable *lone_coordinate(const fc__source *source, const char *dimension)
{
    for (size_t i = 0; i < source->inventory.count; i++) {
        const fc__nc_variable *variable = &source->inventory.variables[i];
        if (!variable->dimension_only && fc__cf_horizontal(variable) &&
            !(variable->roles & FC__NC_BOUNDS) && fc__cf_lies_on(variable, dimension))
            return variable;
    }
    return NULL;
}

static fc_status no_coordinate(fc__source *source, const fc__nc_variable *data,
                               const char *dimension, bool several)
{
    char text[FC__TEXT_SIZE], other[FC__TEXT_SIZE];
    const fc__nc_variable *lone = lone_coordinate(source, dimension);
    fc__cf_describe(data, text, sizeof text);
    if (several)
        return fc__fail(
            source->h5.context, FC_ERROR_DATA,
            "%s: variable %s: several coordinates lie on dimension %s alone, which is no "
            "axis of a grid; point observations on time and that dimension are accepted",
            source->h5.path, text, dimension);
    if (!lone)
        return fc__fail(
            source->h5.context, FC_ERROR_DATA,
            "%s: variable %s: dimension %s has no coordinate variable %s(%s), nor do "
            "longitude and latitude lie on it, so that the places of its points are not "
            "known",
            source->h5.path, text, dimension, dimension, dimension);
    fc__cf_describe(lone, other, sizeof other);
    return fc__fail(source->h5.context, FC_ERROR_DATA,
                    "%s: variable %s: dimension %s has the coordinate %s, but no %s on the same "
                    "dimensions beside it, so that the places of its points are not known",
                    source->h5.path, text, dimension, other,
                    fc__cf_horizontal(lone) == 'X' ? "latitude or y" : "longitude or x");
}

/* Strictly monotonic; longitudes may wrap around once. */
static fc_status check_axis(fc__source *source, const fc__cf_axis *axis)
{
    const double *x = axis->values;
    fc_status status = FC_OK;
    size_t turns = 0, allowed = fc__cf_geographic(axis->variable) == 'X' ? 1 : 0;
    for (size_t i = 1; i < axis->length; i++) {
        bool turned = x[i] == x[i - 1] || (x[i] > x[i - 1]) != (x[1] > x[0]);
        turns += turned;
        if (x[i] == x[i - 1] || (turned && turns > allowed))
            FC_TRY(fc__fault(source->h5.context, FC_ERROR_DATA,
                             "%s: coordinate %s: %.10g at index %zu follows %.10g; coordinates "
                             "must increase or decrease all the way",
                             source->h5.path, axis->variable->name, x[i], i, x[i - 1]));
    }
done:
    return status;
}

static fc_status read_axis(fc__source *source, fc__cf_grid *grid, size_t position)
{
    fc_status status = FC_OK;
    bool several;
    size_t count;
    const fc__nc_variable *data = grid->channels[0];
    const char *dimension = data->dimension[position];
    const fc__nc_variable *coordinate = fc__nc_find_coordinate(&source->inventory, dimension);
    const fc__nc_variable *auxiliary = auxiliary_of(source, dimension, &several);
    if (!coordinate || (auxiliary && fc__cf_is_index(coordinate)))
        coordinate = several ? NULL : auxiliary;
    if (!coordinate)
        return no_coordinate(source, data, dimension, several);
    if (coordinate->shape[0] != data->shape[position])
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: coordinate %s has length %zu, the dimension %zu", source->h5.path,
                        coordinate->name, coordinate->shape[0], data->shape[position]);
    fc__cf_axis *axis = &grid->axes[grid->axis_count++];
    *axis = (fc__cf_axis){.position = position, .variable = coordinate};
    FC_TRY(fc__cf_load_finite(&source->h5, coordinate, &count, &axis->values));
    axis->length = count;
    if (fc__cf_geographic(coordinate) == 'X')
        FC_TRY(fc__cf_join_longitudes(source->h5.context, count, 1, axis->values));
    FC_TRY(check_axis(source, axis));
done:
    return status;
}

static fc_status read_axes(fc__source *source, fc__cf_grid *grid, const bool *taken)
{
    const fc__nc_variable *data = grid->channels[0];
    size_t free_dims = FC_MAX_DIMS - (grid->pair.values[0] ? 2 : 0);
    for (size_t i = data->rank; i-- > 0;) { /* fastest first */
        if (!fc__cf_is_space(grid, i) || data->shape[i] == 1 || taken[i])
            continue;
        if (grid->axis_count == free_dims)
            return fc__fail(source->h5.context, FC_ERROR_DATA,
                            "%s: variable %s has more than %d axes of space", source->h5.path,
                            data->name, FC_MAX_DIMS);
        fc_status status = read_axis(source, grid, i);
        if (status != FC_OK)
            return status;
    }
    return FC_OK;
}

static void swap_axes(fc__cf_axis *a, fc__cf_axis *b)
{
    fc__cf_axis other = *a;
    *a = *b;
    *b = other;
}

/* X, Y, Z where all axes tell which they are; else they stay as they are, fastest first, with
 * longitude before latitude. */
static void order_axes(fc__cf_grid *grid)
{
    fc__cf_axis *axes = grid->axes;
    size_t count = grid->axis_count, longitude = count, latitude = count;
    bool all = true;
    for (size_t i = 0; i < count; i++)
        all = all && fc__cf_letter(axes[i].variable);
    for (size_t i = 0; all && i < count; i++)
        for (size_t k = count - 1; k > i; k--)
            if (fc__cf_letter(axes[k].variable) < fc__cf_letter(axes[k - 1].variable))
                swap_axes(&axes[k], &axes[k - 1]);
    for (size_t i = 0; i < count; i++) {
        char letter = fc__cf_geographic(axes[i].variable);
        longitude = letter == 'X' ? i : longitude;
        latitude = letter == 'Y' ? i : latitude;
    }
    if (latitude < longitude && longitude < count)
        swap_axes(&axes[longitude], &axes[latitude]);
}

/* ---------------------------------------------------------------- the domain */

static void describe_pair(const fc__cf_pair *pair, fc_domain *domain)
{
    static const char *const names[2] = {"longitude", "latitude"};
    for (size_t k = 0; k < 2; k++) {
        if (pair->variable[k])
            fc__cf_describe_axis(pair->variable[k], &domain->axis[k]);
        else
            fc__copy_name(domain->axis[k].name, names[k]);
    }
}

/* Longitudes that go once around the globe, without latitudes. */
static bool goes_around(const fc__cf_axis *axis, const fc_axis *found)
{
    double length = found->upper - found->lower, count = (double)axis->length;
    return fc__cf_geographic(axis->variable) == 'X' && axis->length > 2 &&
           fabs(length * count / (count - 1.0) - 360.0) < 1e-3 * 360.0 / count;
}

/* Longitude and latitude are those of a sphere only together. */
static void set_kinds(fc__cf_grid *grid)
{
    size_t first = grid->domain.dims - grid->axis_count, place[2] = {FC_MAX_DIMS, FC_MAX_DIMS};
    fc_axis *axis = grid->domain.axis;
    if (grid->pair.geographic) {
        place[0] = 0;
        place[1] = 1;
    }
    for (size_t i = 0; i < grid->axis_count && !grid->pair.geographic; i++) {
        char letter = fc__cf_geographic(grid->axes[i].variable);
        if (letter)
            place[letter == 'Y'] = first + i;
    }
    if (place[0] < FC_MAX_DIMS && place[1] < FC_MAX_DIMS) {
        axis[place[0]].kind = FC_AXIS_LONGITUDE;
        axis[place[1]].kind = FC_AXIS_LATITUDE;
        if (axis[place[0]].units[0] == '\0')
            fc__copy_name(axis[place[0]].units, "degrees_east");
        if (axis[place[1]].units[0] == '\0')
            fc__copy_name(axis[place[1]].units, "degrees_north");
    } else if (place[0] < FC_MAX_DIMS &&
               goes_around(&grid->axes[place[0] - first], &axis[place[0]])) {
        axis[place[0]].kind = FC_AXIS_PERIODIC;
        axis[place[0]].upper = axis[place[0]].lower + 360.0;
    }
}

static void set_domain(fc__cf_grid *grid)
{
    fc_domain *domain = &grid->domain;
    size_t first = grid->pair.values[0] ? 2 : 0;
    domain->dims = first + grid->axis_count;
    if (first)
        describe_pair(&grid->pair, domain);
    for (size_t i = 0; i < grid->axis_count; i++)
        fc__cf_describe_axis(grid->axes[i].variable, &domain->axis[first + i]);
    for (size_t i = 0; i < domain->dims; i++) {
        fc_axis *axis = &domain->axis[i];
        axis->lower = INFINITY;
        axis->upper = -INFINITY;
        for (size_t p = 0; p < grid->point_count; p++) {
            axis->lower = fmin(axis->lower, grid->coordinates[p * domain->dims + i]);
            axis->upper = fmax(axis->upper, grid->coordinates[p * domain->dims + i]);
        }
    }
    set_kinds(grid);
}

/* ---------------------------------------------------------------- points */

/* A tensor grid: points run through the first axis of the domain fastest. */
static fc_status make_tensor(fc__source *source, fc__cf_grid *grid)
{
    fc_status status = FC_OK;
    size_t dims = grid->axis_count, stride = 1;
    grid->point_count = grid->place_count;
    FC_NEW(source->h5.context, &grid->coordinates, fc__product(grid->point_count, dims));
    for (size_t i = 0; i < dims; i++) {
        const fc__cf_axis *axis = &grid->axes[i];
        for (size_t p = 0; p < grid->point_count; p++)
            grid->coordinates[p * dims + i] = axis->values[p / stride % axis->length];
        grid->layout.stride[axis->position] = stride;
        grid->grid[dims - 1 - i] = axis->length;
        stride *= axis->length;
    }
done:
    return status;
}

/* Coordinates of a place, NaN where the file has no such point. */
static void locate(const fc__cf_grid *grid, size_t place, double *x)
{
    const fc__nc_variable *data = grid->channels[0];
    size_t index[FC__MAX_RANK] = {0}, at[2] = {0, 0};
    for (size_t i = data->rank; i-- > 0;) {
        if (!fc__cf_is_space(grid, i))
            continue;
        index[i] = place % data->shape[i];
        place /= data->shape[i];
        for (size_t k = 0; k < 2; k++)
            at[k] += index[i] * grid->pair.stride[k][i];
    }
    for (size_t k = 0; k < 2; k++)
        x[k] = grid->pair.values[k][at[k]];
    for (size_t i = 0; i < grid->axis_count; i++)
        x[2 + i] = grid->axes[i].values[index[grid->axes[i].position]];
}

/* Scattered points, in the order of the file. */
static fc_status make_scattered(fc__source *source, fc__cf_grid *grid)
{
    fc_status status = FC_OK;
    size_t dims = 2 + grid->axis_count;
    FC_NEW(source->h5.context, &grid->coordinates, fc__product(grid->place_count, dims));
    FC_NEW(source->h5.context, &grid->point, grid->place_count);
    for (size_t p = 0; p < grid->place_count; p++) {
        double *x = grid->coordinates + grid->point_count * dims;
        locate(grid, p, x);
        grid->point[p] = isnan(x[0]) || isnan(x[1]) ? SIZE_MAX : grid->point_count++;
    }
    grid->layout.point = grid->point;
    if (grid->point_count == 0)
        status = fc__fail(source->h5.context, FC_ERROR_DATA,
                          "%s: all coordinates of %s are missing (NaN or a fill value)",
                          source->h5.path, grid->channels[0]->name);
    else if (grid->pair.geographic)
        status =
            fc__cf_join_longitudes(source->h5.context, grid->point_count, dims, grid->coordinates);
done:
    return status;
}

fc_status fc__cf_find_points(fc__source *source, fc__cf_grid *grid)
{
    fc_status status = FC_OK;
    bool taken[FC__MAX_RANK] = {false};
    const fc__nc_variable *data = grid->channels[0];
    for (size_t i = 0; i < data->rank; i++)
        if (data->shape[i] == 0) {
            status = fc__fail(source->h5.context, FC_ERROR_DATA,
                              "%s: variable %s: dimension %s is empty", source->h5.path, data->name,
                              data->dimension[i]);
            goto done;
        }
    FC_TRY(fc__cf_find_pair(source, grid, taken));
    FC_TRY(read_axes(source, grid, taken));
    order_axes(grid);
    grid->place_count = 1;
    for (size_t i = 0; i < data->rank; i++)
        if (fc__cf_is_space(grid, i))
            grid->place_count = fc__product(grid->place_count, data->shape[i]);
    FC_TRY(grid->pair.values[0] ? make_scattered(source, grid) : make_tensor(source, grid));
    set_domain(grid);
done:
    return status;
}
