#include "io/read/cf_geometry.h"
#include "io/read/cf_time.h"
#include "io/read/cf_variables.h"

#include <string.h>
#include <strings.h>

/* Times of a variable of any rank; how well it says so. */
static int rate_time(const fc__nc_variable *variable)
{
    char units[FC_NAME_SIZE] = "";
    int rate = fc__cf_text_is(variable, "standard_name", "time") ? 4 : 0;
    if (rate == 0 && fc__h5_has(variable->id, "standard_name"))
        return 0;
    fc__h5_get_text(variable->id, "units", units, sizeof units);
    if (fc__cf_is_time(units))
        return rate + 3;
    if (fc__cf_text_is(variable, "axis", "T"))
        return rate + 2;
    return rate + (strcasecmp(variable->name, "time") == 0);
}

static int rate_name(const fc__nc_variable *variable, const char *standard_name)
{
    static const char *const usual[] = {"lon", "lat", "longitude", "latitude", "x", "y", "z"};
    if (fc__cf_text_is(variable, "standard_name", standard_name))
        return 3;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcasecmp(variable->name, usual[i]) == 0)
            return 2;
    return 1;
}

/* How well a variable serves as a coordinate: 'E' longitude, 'N' latitude, 'X', 'Y', 'Z', or 'T'
 * time. 0 = not at all. */
static int rate(const fc__nc_variable *variable, char role)
{
    char geographic = fc__cf_geographic(variable);
    switch (role) {
    case 'T':
        return rate_time(variable);
    case 'E':
        return geographic == 'X' ? rate_name(variable, "longitude") : 0;
    case 'N':
        return geographic == 'Y' ? rate_name(variable, "latitude") : 0;
    case 'X':
        return fc__cf_letter(variable) == 'X' && !geographic
                   ? rate_name(variable, "projection_x_coordinate")
                   : 0;
    case 'Y':
        return fc__cf_letter(variable) == 'Y' && !geographic
                   ? rate_name(variable, "projection_y_coordinate")
                   : 0;
    default:
        return fc__cf_letter(variable) == 'Z' ? rate_name(variable, "depth") : 0;
    }
}

enum { NAMED = 100 }; /* more than any other reason to take a coordinate */

/* A coordinate and how well it serves. */
typedef struct choice {
    const fc__nc_variable *variable;
    int rated;
} choice;

/* The best of those that every element has. What the variable names in `coordinates` comes before
 * all else; scalars that it could have named belong to other variables. */
static choice find_coordinate(const fc__cf_samples *samples, char role)
{
    choice best = {0};
    char list[FC__TEXT_SIZE] = "";
    fc__h5_get_text(samples->variable->id, "coordinates", list, sizeof list);
    for (size_t i = 0; i < samples->inventory->count; i++) {
        const fc__nc_variable *variable = &samples->inventory->variables[i];
        if (variable == samples->variable || !fc__cf_samples_have(samples, variable))
            continue;
        bool named = fc__nc_lists(list, variable->name);
        if (variable->rank == 0 && list[0] && !named)
            continue;
        int rated = rate(variable, role);
        if (rated && named)
            rated += NAMED;
        if (rated > best.rated)
            best = (choice){variable, rated};
    }
    return best;
}

void fc__cf_find_geometry(const fc__cf_samples *samples, fc__cf_geometry *found)
{
    choice longitude = find_coordinate(samples, 'E'), latitude = find_coordinate(samples, 'N');
    choice x = find_coordinate(samples, 'X'), y = find_coordinate(samples, 'Y');
    bool map_is_named = x.rated > NAMED && y.rated > NAMED;
    found->sphere = longitude.variable && latitude.variable &&
                    (longitude.rated > NAMED || latitude.rated > NAMED || !map_is_named);
    found->time = find_coordinate(samples, 'T').variable;
    found->x = found->sphere ? longitude.variable : x.variable;
    found->y = found->sphere ? latitude.variable : y.variable;
    found->z = find_coordinate(samples, 'Z').variable;
}

size_t fc__cf_untold_axis(const fc__cf_samples *samples, const fc__cf_geometry *by)
{
    const fc__nc_variable *variable = samples->variable;
    for (size_t axis = 0; axis < variable->rank; axis++)
        if (variable->shape[axis] > 1 && !fc__cf_samples_vary(samples, by->time, axis) &&
            !fc__cf_samples_vary(samples, by->x, axis) &&
            !fc__cf_samples_vary(samples, by->y, axis) &&
            !(by->z && fc__cf_samples_vary(samples, by->z, axis)))
            return axis;
    return variable->rank;
}

bool fc__cf_is_coordinate(const fc__nc_variable *variable)
{
    return fc__cf_letter(variable) || rate_time(variable);
}
