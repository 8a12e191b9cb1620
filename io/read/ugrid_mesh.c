#include "io/read/ugrid_mesh.h"
#include "io/read/cf_coordinates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const location_names[] = {
    [FC__UGRID_NODE] = "node", [FC__UGRID_EDGE] = "edge", [FC__UGRID_FACE] = "face"};

const char *fc__ugrid_location_name(fc__ugrid_location location)
{
    return location_names[location];
}

/* ---------------------------------------------------------------- what the topology names */

/* The n-th word of an attribute as a variable; NULL when there is none. */
static const fc__nc_variable *named(const fc__nc_inventory *inventory,
                                    const fc__nc_variable *topology, const char *attribute,
                                    size_t n)
{
    char list[FC__TEXT_SIZE], *rest = list;
    if (!fc__h5_get_text(topology->id, attribute, list, sizeof list))
        return NULL;
    for (char *word; (word = strtok_r(rest, " ", &rest));)
        if (n-- == 0)
            return fc__nc_find(inventory, word);
    return NULL;
}

/* Two 1-D variables on one dimension, x before y where they tell which is which. */
static bool coordinate_pair(const fc__nc_inventory *inventory, const fc__nc_variable *topology,
                            const char *attribute, const fc__nc_variable **x,
                            const fc__nc_variable **y)
{
    const fc__nc_variable *a = named(inventory, topology, attribute, 0);
    const fc__nc_variable *b = named(inventory, topology, attribute, 1);
    *x = *y = NULL;
    if (!a || !b || a->rank != 1 || !a->number || !b->number || !fc__cf_same_dimensions(a, b))
        return false;
    bool turned = fc__cf_letter(a) == 'Y' && fc__cf_letter(b) == 'X';
    *x = turned ? b : a;
    *y = turned ? a : b;
    return true;
}

/* Which axis of a connectivity runs through the elements: the first, unless edge_dimension or
 * face_dimension names the other. */
static size_t element_axis(const fc__nc_variable *connectivity, const char *dimension)
{
    return dimension[0] && strcmp(connectivity->dimension[1], dimension) == 0 &&
                   strcmp(connectivity->dimension[0], dimension) != 0
               ? 1
               : 0;
}

fc_status fc__ugrid_describe(fc__h5 *h5, const fc__nc_inventory *inventory,
                             const fc__nc_variable *topology, fc__ugrid_mesh *mesh)
{
    char attribute[FC_NAME_SIZE];
    *mesh = (fc__ugrid_mesh){.topology = topology};
    if (!coordinate_pair(inventory, topology, "node_coordinates", &mesh->node_x, &mesh->node_y))
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: mesh %s: node_coordinates must name two variables of numbers on the "
                        "dimension of the nodes",
                        h5->path, topology->name);
    mesh->x[FC__UGRID_NODE] = mesh->node_x;
    mesh->y[FC__UGRID_NODE] = mesh->node_y;
    memcpy(mesh->dimension[FC__UGRID_NODE], mesh->node_x->dimension[0], FC__NC_NAME_SIZE);
    for (int i = FC__UGRID_EDGE; i <= FC__UGRID_FACE; i++) {
        snprintf(attribute, sizeof attribute, "%s_coordinates", location_names[i]);
        bool placed = coordinate_pair(inventory, topology, attribute, &mesh->x[i], &mesh->y[i]);
        snprintf(attribute, sizeof attribute, "%s_node_connectivity", location_names[i]);
        const fc__nc_variable *found = named(inventory, topology, attribute, 0);
        mesh->connectivity[i] = found && found->rank == 2 && found->number ? found : NULL;
        snprintf(attribute, sizeof attribute, "%s_dimension", location_names[i]);
        char *dimension = mesh->dimension[i];
        if (fc__h5_get_text(topology->id, attribute, dimension, FC__NC_NAME_SIZE))
            continue;
        if (placed)
            memcpy(dimension, mesh->x[i]->dimension[0], FC__NC_NAME_SIZE);
        else if (mesh->connectivity[i])
            memcpy(dimension, mesh->connectivity[i]->dimension[0], FC__NC_NAME_SIZE);
    }
    return FC_OK;
}

/* ---------------------------------------------------------------- centres */

/* Nodes of one element and the sum over its corners. */
typedef struct centre {
    bool sphere;
    size_t corners;
    double sum[3]; /* of x and y, or of unit vectors */
    double first;  /* longitude of the first corner */
} centre;

static void add_corner(centre *of, double x, double y)
{
    const double degree = M_PI / 180.0;
    if (of->corners++ == 0)
        of->first = x;
    if (of->sphere) {
        of->sum[0] += cos(y * degree) * cos(x * degree);
        of->sum[1] += cos(y * degree) * sin(x * degree);
        of->sum[2] += sin(y * degree);
    } else {
        of->sum[0] += x;
        of->sum[1] += y;
    }
}

/* On the sphere the longitude stays within half a turn of the first corner's. */
static void finish_centre(const centre *of, double *x, double *y)
{
    const double degree = M_PI / 180.0;
    *x = *y = NAN;
    if (of->corners == 0)
        return;
    if (!of->sphere) {
        *x = of->sum[0] / (double)of->corners;
        *y = of->sum[1] / (double)of->corners;
        return;
    }
    double across = hypot(of->sum[0], of->sum[1]);
    if (hypot(across, of->sum[2]) < 1e-9 * (double)of->corners)
        return; /* corners all around the globe have no centre */
    double longitude = atan2(of->sum[1], of->sum[0]) / degree;
    *x = longitude + 360.0 * round((of->first - longitude) / 360.0);
    *y = atan2(of->sum[2], across) / degree;
}

typedef struct corner_table {
    const fc__nc_variable *variable;
    size_t axis, elements, width; /* axis of the elements, their number, corners of each at most */
    double start;
    double *nodes; /* in the order of the file; NaN = no corner */
} corner_table;

static fc_status load_corners(fc__h5 *h5, const fc__ugrid_mesh *mesh, fc__ugrid_location location,
                              corner_table *table)
{
    size_t count;
    const fc__nc_variable *variable = mesh->connectivity[location];
    if (!variable)
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: mesh %s has neither %s_coordinates nor a %s_node_connectivity with "
                        "two axes, so that the places of its %ss are not known",
                        h5->path, mesh->topology->name, location_names[location],
                        location_names[location], location_names[location]);
    table->variable = variable;
    table->axis = element_axis(variable, mesh->dimension[location]);
    table->elements = variable->shape[table->axis];
    table->width = variable->shape[1 - table->axis];
    table->start = 0.0;
    fc__h5_get_double(variable->id, "start_index", &table->start);
    return fc__cf_load(h5, variable, &count, &table->nodes);
}

static fc_status no_such_node(fc__h5 *h5, const corner_table *table, fc__ugrid_location location,
                              size_t element, double node, size_t nodes)
{
    return fc__fail(h5->context, FC_ERROR_DATA,
                    "%s: %s: node %.15g of %s %zu does not exist: with start_index %g, whole "
                    "numbers from %g to %.15g are accepted, and _FillValue where there is no "
                    "further corner",
                    h5->path, table->variable->name, node, location_names[location], element,
                    table->start, table->start, table->start + (double)nodes - 1.0);
}

static fc_status find_centres(fc__h5 *h5, const corner_table *table, fc__ugrid_location location,
                              bool sphere, size_t nodes, const double *node_x, const double *node_y,
                              double *x, double *y)
{
    for (size_t e = 0; e < table->elements; e++) {
        centre of = {.sphere = sphere};
        for (size_t k = 0; k < table->width; k++) {
            size_t at = table->axis == 0 ? e * table->width + k : k * table->elements + e;
            double node = table->nodes[at] - table->start;
            if (isnan(node))
                continue;
            if (!(node >= 0.0 && node < (double)nodes) || node != floor(node))
                return no_such_node(h5, table, location, e, table->nodes[at], nodes);
            add_corner(&of, node_x[(size_t)node], node_y[(size_t)node]);
        }
        finish_centre(&of, &x[e], &y[e]);
    }
    return FC_OK;
}

fc_status fc__ugrid_load_places(fc__h5 *h5, const fc__ugrid_mesh *mesh, fc__ugrid_location location,
                                bool sphere, size_t *count, double **x, double **y)
{
    fc_status status = FC_OK;
    size_t nodes;
    double *node_x = NULL, *node_y = NULL;
    corner_table table = {0};
    *x = *y = NULL;
    if (mesh->x[location]) {
        FC_TRY(fc__cf_load(h5, mesh->x[location], count, x));
        FC_TRY(fc__cf_load(h5, mesh->y[location], count, y));
        goto done;
    }
    FC_TRY(load_corners(h5, mesh, location, &table));
    FC_TRY(fc__cf_load(h5, mesh->node_x, &nodes, &node_x));
    FC_TRY(fc__cf_load(h5, mesh->node_y, &nodes, &node_y));
    FC_NEW(h5->context, x, table.elements);
    FC_NEW(h5->context, y, table.elements);
    *count = table.elements;
    FC_TRY(find_centres(h5, &table, location, sphere, nodes, node_x, node_y, *x, *y));
done:
    if (status != FC_OK) {
        free(*x);
        free(*y);
        *x = *y = NULL;
    }
    free(table.nodes);
    free(node_x);
    free(node_y);
    return status;
}
