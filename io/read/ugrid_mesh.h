/* ugrid_mesh.h: the mesh of a UGRID file: where its nodes, edges and faces are. */
#ifndef FC_IO_UGRID_MESH_H
#define FC_IO_UGRID_MESH_H

#include "io/hdf5/netcdf.h"

typedef enum fc__ugrid_location {
    FC__UGRID_NODE,
    FC__UGRID_EDGE,
    FC__UGRID_FACE
} fc__ugrid_location;

/* What the elements at a location of a mesh have. */
typedef struct fc__ugrid_mesh {
    const fc__nc_variable *topology;
    const fc__nc_variable *node_x, *node_y;
    const fc__nc_variable *x[3], *y[3];     /* own coordinates by location; NULL = none */
    const fc__nc_variable *connectivity[3]; /* nodes of edges and faces; NULL = none */
    char dimension[3][FC__NC_NAME_SIZE];    /* that data at the location lie on; "" = none */
} fc__ugrid_mesh;

const char *fc__ugrid_location_name(fc__ugrid_location location);

/* Looks up what a variable with cf_role = "mesh_topology" names; FC_ERROR_DATA when it has no node
 * coordinates. */
fc_status fc__ugrid_describe(fc__h5 *h5, const fc__nc_inventory *inventory,
                             const fc__nc_variable *topology, fc__ugrid_mesh *mesh);

/* Coordinates of the elements at a location: *x and *y (*count) each, to be freed; NaN for one
 * without corners. They are those in the file or, where it has none, the mean of the corners: on a
 * sphere that of their unit vectors, brought back to its surface. */
fc_status fc__ugrid_load_places(fc__h5 *h5, const fc__ugrid_mesh *mesh, fc__ugrid_location location,
                                bool sphere, size_t *count, double **x, double **y);

#endif
