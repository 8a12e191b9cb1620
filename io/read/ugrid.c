/* Unstructured meshes after UGRID 1.0: values at the nodes, edges or faces of a mesh become
 * scattered points that all frames share. A vertical axis with fixed heights is a third coordinate.
 * Channels are the variables on time and on the same location as the first of them. */
#include "io/read/cf_coordinates.h"
#include "io/read/cf_places.h"
#include "io/read/ugrid_mesh.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- where a variable lies */

typedef struct placement {
    fc__ugrid_mesh mesh;
    fc__ugrid_location location;
    const fc__nc_variable *time, *layers; /* layers: NULL when there is one or none */
    size_t time_axis;                     /* the rank of the variable for a single time */
    size_t place_axis, layer_axis;
} placement;

static bool is_topology(const fc__nc_variable *variable)
{
    return fc__cf_text_is(variable, "cf_role", "mesh_topology");
}

static size_t axis_on(const fc__nc_variable *variable, const char *dimension)
{
    size_t axis = 0;
    while (axis < variable->rank && strcmp(variable->dimension[axis], dimension) != 0)
        axis++;
    return dimension[0] ? axis : variable->rank;
}

/* The location of a mesh whose dimension the variable lies on; the attribute `location` excludes
 * others. A transposed connectivity without face_dimension is recognised by the data. */
static bool find_location(const fc__nc_variable *variable, placement *found)
{
    char wanted[FC_NAME_SIZE] = "";
    fc__ugrid_mesh *mesh = &found->mesh;
    fc__h5_get_text(variable->id, "location", wanted, sizeof wanted);
    for (int i = FC__UGRID_NODE; i <= FC__UGRID_FACE; i++) {
        found->location = (fc__ugrid_location)i;
        if (wanted[0] && strcmp(wanted, fc__ugrid_location_name(found->location)) != 0)
            continue;
        const fc__nc_variable *corners = mesh->connectivity[i];
        found->place_axis = axis_on(variable, mesh->dimension[i]);
        if (wanted[0] && corners && found->place_axis == variable->rank) {
            found->place_axis = axis_on(variable, corners->dimension[1]);
            if (found->place_axis < variable->rank)
                memcpy(mesh->dimension[i], corners->dimension[1], FC__NC_NAME_SIZE);
        }
        if (found->place_axis < variable->rank)
            return true;
    }
    return false;
}

static fc_status find_mesh(fc__source *source, const fc__nc_variable *variable, placement *found)
{
    fc_status status;
    char name[FC__NC_NAME_SIZE] = "", text[FC__TEXT_SIZE];
    fc__h5_get_text(variable->id, "mesh", name, sizeof name);
    fc__cf_describe(variable, text, sizeof text);
    for (size_t i = 0; i < source->inventory.count; i++) {
        const fc__nc_variable *topology = &source->inventory.variables[i];
        if (!is_topology(topology) || (name[0] && strcmp(name, topology->name) != 0))
            continue;
        status = fc__ugrid_describe(&source->h5, &source->inventory, topology, &found->mesh);
        if (status != FC_OK)
            return status;
        if (find_location(variable, found))
            return FC_OK;
    }
    return fc__fail(source->h5.context, FC_ERROR_DATA,
                    "%s: variable %s lies on the nodes, edges or faces of no mesh%s%s; variables "
                    "with the attributes mesh and location (node, edge or face) are accepted",
                    source->h5.path, text, name[0] ? " named " : "", name);
}

static fc_status find_time(fc__source *source, const fc__nc_variable *variable, placement *found)
{
    char text[FC__TEXT_SIZE];
    found->time_axis = variable->rank;
    found->time = NULL;
    for (size_t i = 0; i < variable->rank && !found->time; i++) {
        found->time = fc__cf_time_of(&source->inventory, variable->dimension[i]);
        if (found->time)
            found->time_axis = i;
    }
    if (!found->time)
        found->time = fc__cf_scalar_time_of(&source->h5, &source->inventory, variable);
    if (found->time)
        return FC_OK;
    fc__cf_describe(variable, text, sizeof text);
    return fc__fail(source->h5.context, FC_ERROR_DATA,
                    "%s: variable %s has no time coordinate (units \"... since DATE\")",
                    source->h5.path, text);
}

/* The axis beside time and place, if it is longer than 1: heights or depths. */
static fc_status find_layers(fc__source *source, const fc__nc_variable *variable, placement *found)
{
    char text[FC__TEXT_SIZE];
    found->layers = NULL;
    fc__cf_describe(variable, text, sizeof text);
    for (size_t i = 0; i < variable->rank; i++) {
        if (i == found->time_axis || i == found->place_axis || variable->shape[i] == 1)
            continue;
        const char *dimension = variable->dimension[i];
        const fc__nc_variable *heights = fc__nc_find_coordinate(&source->inventory, dimension);
        if (found->layers || !heights || fc__cf_letter(heights) != 'Z' ||
            fc__h5_has(heights->id, "formula_terms"))
            return fc__fail(source->h5.context, FC_ERROR_DATA,
                            "%s: variable %s: dimension %s has no coordinate %s(%s) of fixed "
                            "heights or depths (axis Z, or positive up or down); choose one of its "
                            "layers: `ncks -d %s,0 in.nc out.nc`",
                            source->h5.path, text, dimension, dimension, dimension, dimension);
        found->layers = heights;
        found->layer_axis = i;
    }
    return FC_OK;
}

static fc_status place_variable(fc__source *source, const fc__nc_variable *variable,
                                placement *found)
{
    fc_status status = FC_OK;
    char text[FC__TEXT_SIZE];
    if (!variable->number || fc__h5_has(variable->id, "location_index_set")) {
        fc__cf_describe(variable, text, sizeof text);
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: variable %s %s; numbers on all nodes, edges or faces of a mesh are "
                        "accepted",
                        source->h5.path, text,
                        variable->number ? "lies on a location_index_set" : "holds no numbers");
    }
    FC_TRY(find_mesh(source, variable, found));
    FC_TRY(find_time(source, variable, found));
    FC_TRY(find_layers(source, variable, found));
done:
    return status;
}

/* ---------------------------------------------------------------- channels */

static fc_status check_variable(fc__source *source, const fc__nc_variable *variable)
{
    placement found;
    return place_variable(source, variable, &found);
}

static bool suits(const fc__source *source, const fc__nc_variable *variable)
{
    const fc__nc_inventory *inventory = &source->inventory;
    return variable->number && !variable->dimension_only && variable->rank > 0 &&
           !fc__h5_has(variable->id, "cf_role") && !fc__cf_is_time_variable(variable) &&
           fc__nc_find_coordinate(inventory, variable->name) != variable &&
           !fc__cf_is_flag(variable) &&
           !fc__cf_is_named_in(inventory, "coordinates", variable->name) &&
           !fc__cf_is_named_in(inventory, "bounds", variable->name);
}

static bool recognise(fc__source *source)
{
    for (size_t i = 0; i < source->inventory.count; i++)
        if (is_topology(&source->inventory.variables[i]))
            return true;
    return false;
}

static fc_status no_data(fc__source *source)
{
    char list[FC__TEXT_SIZE];
    fc__cf_list(&source->inventory, list);
    return fc__fail(source->h5.context, FC_ERROR_DATA,
                    "%s: has an unstructured mesh (UGRID), but no variable on time and on its "
                    "nodes, edges or faces; its variables: %s",
                    source->h5.path, list);
}

/* ---------------------------------------------------------------- the dataset */

static void add_axes(const placement *at, fc__cf_where *where, bool *sphere)
{
    const fc__ugrid_mesh *mesh = &at->mesh;
    const fc__nc_variable *x = mesh->x[at->location] ? mesh->x[at->location] : mesh->node_x;
    const fc__nc_variable *y = mesh->x[at->location] ? mesh->y[at->location] : mesh->node_y;
    *sphere = fc__cf_geographic(x) == 'X' && fc__cf_geographic(y) == 'Y';
    fc__cf_add_axis(where, x, *sphere ? FC_AXIS_LONGITUDE : FC_AXIS_PLAIN);
    fc__cf_add_axis(where, y, *sphere ? FC_AXIS_LATITUDE : FC_AXIS_PLAIN);
    if (at->layers)
        fc__cf_add_axis(where, at->layers, FC_AXIS_PLAIN);
}

/* Whether there are as many places as the variable has, on the same dimension. */
static fc_status check_places(fc__source *source, const fc__cf_table *table, const placement *at,
                              size_t count)
{
    char text[FC__TEXT_SIZE];
    const fc__nc_variable *own = at->mesh.x[at->location];
    const fc__cf_dimension *place = &table->samples.dimensions[at->place_axis];
    if (own && strcmp(own->dimension[0], place->name) != 0) {
        fc__cf_describe(own, text, sizeof text);
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: mesh %s: coordinates of %ss on dimension %s are needed, %s is not",
                        source->h5.path, at->mesh.topology->name,
                        fc__ugrid_location_name(at->location), place->name, text);
    }
    if (count == place->length)
        return FC_OK;
    return fc__fail(source->h5.context, FC_ERROR_DATA,
                    "%s: mesh %s has %zu %ss, dimension %s of variable %s has length %zu",
                    source->h5.path, at->mesh.topology->name, count,
                    fc__ugrid_location_name(at->location), place->name,
                    table->samples.variable->name, place->length);
}

/* Coordinates of all places of a frame: (places, dims). */
static fc_status load_places(fc__source *source, const fc__cf_table *table, const placement *at,
                             bool sphere, size_t dims, double **coordinates)
{
    fc_status status = FC_OK;
    const fc__cf_samples *samples = &table->samples;
    const fc__cf_dimension *place = &samples->dimensions[at->place_axis];
    double *x = NULL, *y = NULL, *z = NULL;
    size_t count, layers = 0;
    FC_TRY(fc__ugrid_load_places(&source->h5, &at->mesh, at->location, sphere, &count, &x, &y));
    FC_TRY(check_places(source, table, at, count));
    if (at->layers)
        FC_TRY(fc__cf_load_finite(&source->h5, at->layers, &layers, &z));
    if (at->layers && layers != samples->dimensions[at->layer_axis].length) {
        status = fc__fail(source->h5.context, FC_ERROR_DATA,
                          "%s: %s holds %zu heights, its dimension has length %zu", source->h5.path,
                          at->layers->name, layers, samples->dimensions[at->layer_axis].length);
        goto done;
    }
    FC_NEW(source->h5.context, coordinates, fc__product(table->place_count, dims));
    for (size_t p = 0; p < table->place_count; p++) {
        size_t element = table->elements[p], i = fc__cf_samples_index(samples, place, element);
        (*coordinates)[p * dims] = x[i];
        (*coordinates)[p * dims + 1] = y[i];
        if (at->layers)
            (*coordinates)[p * dims + 2] =
                z[fc__cf_samples_index(samples, &samples->dimensions[at->layer_axis], element)];
    }
done:
    free(x);
    free(y);
    free(z);
    return status;
}

static fc_status open_table(fc__source *source, fc__cf_channels *channels, fc__cf_table *table)
{
    fc_status status = FC_OK;
    placement at;
    fc__cf_where where = {0};
    fc_time_axis axis;
    size_t frame_count;
    bool sphere;
    char what[FC_NAME_SIZE];
    double *times = NULL, *coordinates = NULL;
    FC_TRY(place_variable(source, channels->variables[0], &at));
    FC_TRY(fc__cf_table_open(source, channels, at.time_axis, table));
    add_axes(&at, &where, &sphere);
    FC_TRY(load_places(source, table, &at, sphere, where.dims, &coordinates));
    FC_TRY(fc__cf_load_times(&source->h5, at.time, false, &axis, &frame_count, &times));
    FC_TRY(fc__cf_check_times(&source->h5, at.time, frame_count, times));
    snprintf(what, sizeof what, "%ss", fc__ugrid_location_name(at.location));
    FC_TRY(fc__cf_table_make(source, table, &where, coordinates, what, &axis, frame_count, times));
done:
    free(times);
    free(coordinates);
    return status;
}

/* ---------------------------------------------------------------- the format */

static fc_status open(fc__source *source)
{
    fc_status status = FC_OK;
    fc__cf_table *table = NULL;
    fc__cf_channels channels = {0};
    FC_NEW(source->h5.context, &table, 1);
    source->state = table;
    FC_TRY(fc__cf_choose_channels(source, suits, check_variable, &channels));
    if (channels.count == 0)
        status = no_data(source);
    else
        status = open_table(source, &channels, table);
done:
    free(channels.variables);
    return status;
}

static fc_status read(fc__source *source, size_t sequence, size_t first, size_t count,
                      float *const *values)
{
    (void)sequence; /* there is one */
    return fc__cf_table_read(source, source->state, first, count, values);
}

static fc_status read_static(fc__source *source, size_t points, const char *name, float *values)
{
    (void)points; /* likewise */
    return fc__cf_table_read_static(source, source->state, name, values);
}

static void close(fc__source *source)
{
    if (!source->state)
        return;
    fc__cf_table_release(source->state);
    free(source->state);
    source->state = NULL;
}

const fc__format fc__ugrid_format = {
    .name = "UGRID mesh",
    .accepted = "a UGRID mesh (cf_role mesh_topology)",
    .recognise = recognise,
    .open = open,
    .read = read,
    .read_static = read_static,
    .close = close,
    .drops_missing = true,
};
