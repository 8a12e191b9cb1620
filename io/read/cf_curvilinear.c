/* Grids whose points need two coordinates at once: curvilinear ones, whose longitude and latitude
 * (or x and y of a map projection) are variables on two dimensions, and rotated ones, whose
 * longitude and latitude follow from those of another pole (CF conventions, appendix F). */
#include "io/read/cf.h"
#include "io/read/cf_coordinates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- curvilinear */

static size_t position_of(const fc__nc_variable *variable, const char *dimension)
{
    size_t i = 0;
    while (i < variable->rank && strcmp(variable->dimension[i], dimension) != 0)
        i++;
    return i;
}

/* Whether a variable gives a coordinate of every point on exactly two axes of space of the
 * channels; it may repeat it for every time. */
static bool is_on_two_axes(const fc__cf_grid *grid, const fc__nc_variable *variable)
{
    const fc__nc_variable *data = grid->channels[0];
    size_t spaces = 0;
    if (variable->dimension_only || !fc__cf_horizontal(variable))
        return false;
    for (size_t i = 0; i < variable->rank; i++) {
        size_t position = position_of(data, variable->dimension[i]);
        if (position == data->rank && variable->shape[i] > 1)
            return false;
        if (position < data->rank && variable->shape[i] != data->shape[position])
            return false;
        spaces +=
            position < data->rank && fc__cf_is_space(grid, position) && variable->shape[i] > 1;
        if (position < data->rank && position == grid->member_position && variable->shape[i] > 1)
            return false;
    }
    return spaces == 2;
}

/* Those that the channel names before others, longitude and latitude before x and y. */
static void find_variables(const fc__source *source, fc__cf_grid *grid)
{
    char list[FC__TEXT_SIZE] = "";
    fc__h5_get_text(grid->channels[0]->id, "coordinates", list, sizeof list);
    for (int choice = 0; choice < 4; choice++) {
        bool named = choice % 2 == 0;
        const fc__nc_variable *pair[2] = {NULL, NULL};
        for (size_t i = 0; i < source->inventory.count; i++) {
            const fc__nc_variable *variable = &source->inventory.variables[i];
            if (!is_on_two_axes(grid, variable) ||
                (fc__cf_geographic(variable) == 0) != choice / 2 ||
                (named && !fc__nc_lists(list, variable->name)))
                continue;
            const fc__nc_variable **place = &pair[fc__cf_horizontal(variable) == 'Y'];
            *place = *place ? *place : variable;
        }
        if (pair[0] && pair[1]) {
            grid->pair.variable[0] = pair[0];
            grid->pair.variable[1] = pair[1];
            grid->pair.geographic = choice < 2;
            return;
        }
    }
}

/* Coordinates that change with time are those of a grid that moves. */
static fc_status check_still(fc__source *source, const fc__nc_variable *variable, size_t time_axis,
                             size_t count, const double *values)
{
    size_t after = 1;
    for (size_t i = time_axis + 1; i < variable->rank; i++)
        after *= variable->shape[i];
    size_t times = variable->shape[time_axis];
    for (size_t k = 0; k < count; k++) {
        double first = values[k - k / after % times * after];
        if (values[k] != first && !(isnan(values[k]) && isnan(first)))
            return fc__fail(source->h5.context, FC_ERROR_DATA,
                            "%s: coordinate %s changes with time (%.10g becomes %.10g): grids that "
                            "move are not read; points that stay where they are are accepted",
                            source->h5.path, variable->name, first, values[k]);
    }
    return FC_OK;
}

static fc_status load_pair(fc__source *source, fc__cf_grid *grid)
{
    fc_status status = FC_OK;
    const fc__nc_variable *data = grid->channels[0];
    for (size_t k = 0; k < 2; k++) {
        const fc__nc_variable *variable = grid->pair.variable[k];
        size_t count, stride = 1;
        FC_TRY(fc__cf_load(&source->h5, variable, &count, &grid->pair.values[k]));
        for (size_t i = variable->rank; i-- > 0; stride *= variable->shape[i]) {
            size_t position = position_of(data, variable->dimension[i]);
            if (position < data->rank && position == grid->time_position)
                FC_TRY(check_still(source, variable, i, count, grid->pair.values[k]));
            else if (position < data->rank)
                grid->pair.stride[k][position] = stride;
        }
        for (size_t i = 0; i < count; i++)
            if (isinf(grid->pair.values[k][i])) {
                status =
                    fc__fail(source->h5.context, FC_ERROR_DATA,
                             "%s: %s[%zu] is infinite; numbers, and missing values where there "
                             "is no point, are accepted",
                             source->h5.path, variable->name, i);
                goto done;
            }
    }
done:
    return status;
}

/* Both must lie on the same two axes. */
static fc_status take_axes(fc__source *source, fc__cf_grid *grid, bool *taken)
{
    char x[FC__TEXT_SIZE], y[FC__TEXT_SIZE];
    const fc__nc_variable *data = grid->channels[0], **pair = grid->pair.variable;
    for (size_t i = 0; i < data->rank; i++) {
        bool on[2];
        for (size_t k = 0; k < 2; k++)
            on[k] = fc__cf_is_space(grid, i) && data->shape[i] > 1 &&
                    fc__cf_lies_on(pair[k], data->dimension[i]);
        taken[i] = on[0];
        if (on[0] == on[1])
            continue;
        fc__cf_describe(pair[0], x, sizeof x);
        fc__cf_describe(pair[1], y, sizeof y);
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: coordinates %s and %s lie on different dimensions; they must share "
                        "them",
                        source->h5.path, x, y);
    }
    return FC_OK;
}

/* ---------------------------------------------------------------- rotated */

typedef struct rotation {
    double sine, cosine; /* of the latitude of the grid's north pole */
    double pole;         /* its longitude, degrees */
    double origin;       /* longitude of the true north pole on the grid, degrees */
} rotation;

/* Whether the channels lie on a grid whose pole is not that of the earth. */
static bool find_rotation(const fc__source *source, const fc__nc_variable *data, rotation *turned)
{
    const double degree = M_PI / 180.0;
    char name[FC__TEXT_SIZE] = "";
    double latitude, longitude, origin = 0.0;
    fc__h5_get_text(data->id, "grid_mapping", name, sizeof name);
    name[strcspn(name, ": ")] = '\0'; /* "rotated_pole: rlon rlat" */
    const fc__nc_variable *mapping = fc__nc_find(&source->inventory, name);
    if (!mapping || !fc__cf_text_is(mapping, "grid_mapping_name", "rotated_latitude_longitude") ||
        !fc__h5_get_double(mapping->id, "grid_north_pole_latitude", &latitude) ||
        !fc__h5_get_double(mapping->id, "grid_north_pole_longitude", &longitude))
        return false;
    fc__h5_get_double(mapping->id, "north_pole_grid_longitude", &origin);
    *turned = (rotation){sin(latitude * degree), cos(latitude * degree), longitude, origin};
    return isfinite(latitude) && isfinite(longitude) && isfinite(origin);
}

/* With the grid's pole at (l, p) and grid coordinates (u, v), u from the meridian of the true pole:
 *
 *   sin lat = cos p cos v cos u + sin p sin v
 *   lon = l + 180 + atan2(cos v sin u, sin p cos v cos u - cos p sin v)                          */
static void unrotate(const rotation *turned, double u, double v, double *longitude,
                     double *latitude)
{
    const double degree = M_PI / 180.0;
    u = (u - turned->origin) * degree;
    v *= degree;
    double sine = turned->cosine * cos(v) * cos(u) + turned->sine * sin(v);
    double east =
        atan2(cos(v) * sin(u), turned->sine * cos(v) * cos(u) - turned->cosine * sin(v)) / degree;
    *latitude = asin(fmax(-1.0, fmin(1.0, sine))) / degree;
    *longitude = turned->pole + 180.0 + east;
    *longitude -= 360.0 * floor((*longitude + 180.0) / 360.0);
}

/* Positions of the axes of longitude and latitude on the grid. */
static bool find_grid_axes(const fc__source *source, const fc__cf_grid *grid, size_t position[2])
{
    const fc__nc_variable *data = grid->channels[0];
    position[0] = position[1] = data->rank;
    for (size_t i = 0; i < data->rank; i++) {
        const fc__nc_variable *coordinate =
            fc__nc_find_coordinate(&source->inventory, data->dimension[i]);
        char letter =
            coordinate && fc__cf_is_space(grid, i) && coordinate->shape[0] == data->shape[i]
                ? fc__cf_letter(coordinate)
                : 0;
        if (letter == 'X' || letter == 'Y')
            position[letter == 'Y'] = i;
    }
    return position[0] < data->rank && position[1] < data->rank && data->shape[position[0]] > 1 &&
           data->shape[position[1]] > 1;
}

static fc_status compute_pair(fc__source *source, fc__cf_grid *grid, const rotation *turned,
                              const size_t position[2])
{
    fc_status status = FC_OK;
    const fc__nc_variable *data = grid->channels[0];
    fc__cf_pair *pair = &grid->pair;
    double *u = NULL, *v = NULL;
    size_t columns, rows;
    FC_TRY(fc__cf_load_finite(
        &source->h5, fc__nc_find(&source->inventory, data->dimension[position[0]]), &columns, &u));
    FC_TRY(fc__cf_load_finite(
        &source->h5, fc__nc_find(&source->inventory, data->dimension[position[1]]), &rows, &v));
    FC_NEW(source->h5.context, &pair->values[0], fc__product(rows, columns));
    FC_NEW(source->h5.context, &pair->values[1], fc__product(rows, columns));
    for (size_t j = 0; j < rows; j++)
        for (size_t i = 0; i < columns; i++)
            unrotate(turned, u[i], v[j], &pair->values[0][j * columns + i],
                     &pair->values[1][j * columns + i]);
    for (size_t k = 0; k < 2; k++) {
        pair->stride[k][position[0]] = 1;
        pair->stride[k][position[1]] = columns;
    }
    pair->geographic = true;
done:
    free(u);
    free(v);
    return status;
}

/* ---------------------------------------------------------------- both */

/* Whether the axes have longitudes and latitudes of their own. */
static bool has_plain_sphere(const fc__source *source, const fc__cf_grid *grid)
{
    bool found[2] = {false, false};
    const fc__nc_variable *data = grid->channels[0];
    for (size_t i = 0; i < data->rank; i++) {
        const fc__nc_variable *coordinate =
            fc__nc_find_coordinate(&source->inventory, data->dimension[i]);
        char letter = coordinate && fc__cf_is_space(grid, i) ? fc__cf_geographic(coordinate) : 0;
        if (letter)
            found[letter == 'Y'] = true;
    }
    return found[0] && found[1];
}

fc_status fc__cf_find_pair(fc__source *source, fc__cf_grid *grid, bool *taken)
{
    fc_status status = FC_OK;
    size_t position[2];
    rotation turned;
    if (has_plain_sphere(source, grid))
        return FC_OK;
    find_variables(source, grid);
    if (grid->pair.variable[0]) {
        FC_TRY(take_axes(source, grid, taken));
        FC_TRY(load_pair(source, grid));
    } else if (find_rotation(source, grid->channels[0], &turned) &&
               find_grid_axes(source, grid, position)) {
        FC_TRY(compute_pair(source, grid, &turned, position));
        taken[position[0]] = taken[position[1]] = true;
    }
done:
    return status;
}
