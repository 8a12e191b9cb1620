#include "io/read/cf_variables.h"
#include "io/read/cf_time.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- attributes */

bool fc__cf_text_is(const fc__nc_variable *variable, const char *attribute, const char *wanted)
{
    char text[FC__TEXT_SIZE];
    return fc__h5_get_text(variable->id, attribute, text, sizeof text) && strcmp(text, wanted) == 0;
}

bool fc__cf_is_named_in(const fc__nc_inventory *inventory, const char *attribute, const char *name)
{
    char list[FC__TEXT_SIZE];
    for (size_t i = 0; i < inventory->count; i++)
        if (strcmp(inventory->variables[i].name, name) != 0 &&
            fc__h5_get_text(inventory->variables[i].id, attribute, list, sizeof list) &&
            fc__nc_lists(list, name))
            return true;
    return false;
}

/* ---------------------------------------------------------------- coordinates */

/* Units are compared without blanks, underscores and case, so that "degrees East" is understood. */
static void plain_units(const fc__nc_variable *variable, char plain[FC_NAME_SIZE])
{
    char units[FC_NAME_SIZE] = "";
    size_t size = 0;
    fc__h5_get_text(variable->id, "units", units, sizeof units);
    for (size_t i = 0; units[i]; i++)
        if (units[i] != ' ' && units[i] != '_')
            plain[size++] = (char)tolower((unsigned char)units[i]);
    plain[size] = '\0';
}

static bool named(const fc__nc_variable *variable, const char *a, const char *b)
{
    return strcasecmp(variable->name, a) == 0 || strcasecmp(variable->name, b) == 0;
}

char fc__cf_geographic(const fc__nc_variable *variable)
{
    static const char *const east[] = {"degreeeast", "degreeseast", "degreee", "degreese"};
    static const char *const north[] = {"degreenorth", "degreesnorth", "degreen", "degreesn"};
    char plain[FC_NAME_SIZE];
    plain_units(variable, plain);
    for (size_t i = 0; i < sizeof east / sizeof *east; i++) {
        if (strcmp(plain, east[i]) == 0)
            return 'X';
        if (strcmp(plain, north[i]) == 0)
            return 'Y';
    }
    if (fc__cf_text_is(variable, "standard_name", "longitude"))
        return 'X';
    if (fc__cf_text_is(variable, "standard_name", "latitude"))
        return 'Y';
    if (plain[0] && strcmp(plain, "degree") != 0 && strcmp(plain, "degrees") != 0)
        return 0;
    if (fc__h5_has(variable->id, "standard_name"))
        return 0;
    return named(variable, "lon", "longitude") ? 'X' : named(variable, "lat", "latitude") ? 'Y' : 0;
}

static char projected(const fc__nc_variable *variable)
{
    if (fc__cf_text_is(variable, "standard_name", "projection_x_coordinate"))
        return 'X';
    return fc__cf_text_is(variable, "standard_name", "projection_y_coordinate") ? 'Y' : 0;
}

char fc__cf_horizontal(const fc__nc_variable *variable)
{
    char geographic = variable->number ? fc__cf_geographic(variable) : 0;
    return geographic ? geographic : variable->number ? projected(variable) : 0;
}

/* Whether units are those of pressure, which CF reads as a vertical coordinate. */
static bool is_pressure(const fc__nc_variable *variable)
{
    static const char known[] = " pa hpa kpa bar mbar millibar millibars dbar decibar decibars ";
    char plain[FC_NAME_SIZE], word[FC_NAME_SIZE + 2];
    plain_units(variable, plain);
    snprintf(word, sizeof word, " %s ", plain);
    return plain[0] && strstr(known, word);
}

char fc__cf_letter(const fc__nc_variable *variable)
{
    char letter = fc__cf_horizontal(variable), text[FC_NAME_SIZE] = "";
    if (letter)
        return letter;
    fc__h5_get_text(variable->id, "axis", text, sizeof text);
    if (text[0] && strchr("XYZ", text[0]) && text[1] == '\0')
        return text[0];
    if (fc__cf_text_is(variable, "standard_name", "grid_longitude") || named(variable, "x", "rlon"))
        return 'X';
    if (fc__cf_text_is(variable, "standard_name", "grid_latitude") || named(variable, "y", "rlat"))
        return 'Y';
    if (fc__h5_has(variable->id, "positive") || is_pressure(variable) ||
        named(variable, "z", "depth") || named(variable, "lev", "level"))
        return 'Z';
    return 0;
}

bool fc__cf_is_time_variable(const fc__nc_variable *variable)
{
    char units[FC__TEXT_SIZE] = "";
    if (variable->rank > 1 || !variable->number || variable->dimension_only)
        return false;
    fc__h5_get_text(variable->id, "units", units, sizeof units);
    return fc__cf_is_time(units) || fc__cf_text_is(variable, "axis", "T") ||
           fc__cf_text_is(variable, "standard_name", "time") || named(variable, "time", "t");
}

/* The time at which a forecast was made, which says nothing about when its fields are. */
static bool is_reference_time(const fc__nc_variable *variable)
{
    return fc__cf_text_is(variable, "standard_name", "forecast_reference_time");
}

static bool is_lead_time(const fc__nc_variable *coordinate)
{
    char units[FC__TEXT_SIZE] = "";
    fc__h5_get_text(coordinate->id, "units", units, sizeof units);
    return fc__cf_is_duration(units) && !fc__cf_letter(coordinate);
}

const fc__nc_variable *fc__cf_time_of(const fc__nc_inventory *inventory, const char *dimension)
{
    const fc__nc_variable *coordinate = fc__nc_find_coordinate(inventory, dimension);
    if (coordinate && fc__cf_is_time_variable(coordinate))
        return coordinate;
    if (coordinate && !is_lead_time(coordinate))
        return NULL;
    for (size_t i = 0; i < inventory->count; i++) {
        const fc__nc_variable *variable = &inventory->variables[i];
        if (variable->rank == 1 && strcmp(variable->dimension[0], dimension) == 0 &&
            fc__cf_is_time_variable(variable) && !is_reference_time(variable))
            return variable;
    }
    return coordinate;
}

const fc__nc_variable *fc__cf_scalar_time_of(fc__h5 *h5, const fc__nc_inventory *inventory,
                                             const fc__nc_variable *variable)
{
    char list[FC__TEXT_SIZE] = "", global[FC__TEXT_SIZE] = "";
    fc__h5_get_text(variable->id, "coordinates", list, sizeof list);
    fc__h5_get_text(h5->file, "coordinates", global, sizeof global);
    for (size_t i = 0; i < inventory->count; i++) {
        const fc__nc_variable *time = &inventory->variables[i];
        if (time->rank == 0 && fc__cf_is_time_variable(time) && !is_reference_time(time) &&
            (fc__nc_lists(list, time->name) || fc__nc_lists(global, time->name)))
            return time;
    }
    return NULL;
}

bool fc__cf_is_index(const fc__nc_variable *coordinate)
{
    char units[FC_NAME_SIZE] = "";
    fc__h5_get_text(coordinate->id, "units", units, sizeof units);
    return fc__cf_letter(coordinate) == 0 && (units[0] == '\0' || strcmp(units, "1") == 0);
}

bool fc__cf_is_member(const fc__nc_inventory *inventory, const char *dimension)
{
    static const char *const names[] = {"realization", "member", "ensemble", "ens",
                                        "ensemble_member"};
    const fc__nc_variable *coordinate = fc__nc_find_coordinate(inventory, dimension);
    if (coordinate && fc__cf_text_is(coordinate, "standard_name", "realization"))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(dimension, names[i]) == 0)
            return true;
    return false;
}

/* ---------------------------------------------------------------- data */

bool fc__cf_is_data(const fc__nc_inventory *inventory, const fc__nc_variable *variable)
{
    size_t times = 0, spaces = 0;
    if (!variable->number || variable->dimension_only || variable->rank < 2)
        return false;
    for (size_t i = 0; i < variable->rank; i++) {
        const char *dimension = variable->dimension[i];
        if (dimension[0] == '\0')
            return false;
        if (fc__cf_time_of(inventory, dimension))
            times++;
        else
            spaces += variable->shape[i] > 1 && !fc__cf_is_member(inventory, dimension);
    }
    return times > 0 && spaces > 0 && !fc__cf_horizontal(variable) &&
           !(variable->roles & (FC__NC_COORDINATE | FC__NC_BOUNDS));
}

bool fc__cf_is_flag(const fc__nc_variable *variable)
{
    return (variable->roles & FC__NC_ANCILLARY) || fc__h5_has(variable->id, "flag_values") ||
           fc__h5_has(variable->id, "flag_masks");
}

bool fc__cf_same_dimensions(const fc__nc_variable *a, const fc__nc_variable *b)
{
    bool same = a->rank == b->rank;
    for (size_t i = 0; same && i < a->rank; i++)
        same = a->shape[i] == b->shape[i] && strcmp(a->dimension[i], b->dimension[i]) == 0;
    return same;
}

bool fc__cf_lies_on(const fc__nc_variable *variable, const char *dimension)
{
    for (size_t i = 0; i < variable->rank; i++)
        if (strcmp(variable->dimension[i], dimension) == 0)
            return true;
    return false;
}

void fc__cf_describe_channel(const fc__nc_variable *variable, fc_channel *channel)
{
    fc__copy_name(channel->name, variable->name);
    fc__copy_name(channel->units, "1");
    fc__h5_get_text(variable->id, "units", channel->units, FC_NAME_SIZE);
    if (!fc__h5_get_text(variable->id, "long_name", channel->long_name, FC_NAME_SIZE))
        fc__h5_get_text(variable->id, "standard_name", channel->long_name, FC_NAME_SIZE);
}

void fc__cf_describe_axis(const fc__nc_variable *variable, fc_axis *axis)
{
    fc__copy_name(axis->name, variable->name);
    axis->units[0] = '\0';
    fc__h5_get_text(variable->id, "units", axis->units, FC_NAME_SIZE);
}

/* ---------------------------------------------------------------- words for messages */

void fc__cf_describe(const fc__nc_variable *variable, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s(", variable->name);
    for (size_t i = 0; i < variable->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 variable->dimension[i][0] ? variable->dimension[i] : "?");
    if (used < size)
        snprintf(text + used, size - used, ")");
}

void fc__cf_list(const fc__nc_inventory *inventory, char text[FC__TEXT_SIZE])
{
    text[0] = '\0';
    for (int all = 0; all < 2 && text[0] == '\0'; all++) {
        for (size_t i = 0; i < inventory->count; i++) {
            const fc__nc_variable *variable = &inventory->variables[i];
            size_t used = strlen(text);
            if (variable->dimension_only || (!all && !fc__cf_is_data(inventory, variable)))
                continue;
            snprintf(text + used, FC__TEXT_SIZE - used, "%s", used ? ", " : "");
            used = strlen(text);
            fc__cf_describe(variable, text + used, FC__TEXT_SIZE - used);
        }
    }
    if (text[0] == '\0')
        snprintf(text, FC__TEXT_SIZE, "none in the root group");
}
