/* netcdf.h: netCDF-4 files as the HDF5 files they are: dimensions are dimension scales, and a
 * variable on dimensions is a data set whose axes they are attached to (netCDF-C, appendix "The
 * NetCDF-4 format").
 */
#ifndef FC_IO_NETCDF_H
#define FC_IO_NETCDF_H

#include "io/hdf5/hdf5_file.h"

enum {
    FC__NC_NAME_SIZE = 257, /* NC_MAX_NAME and the end of the text */
    FC__NC_PATH_SIZE = 2 * FC__NC_NAME_SIZE + 16
};

/* ---------------------------------------------------------------- writing */

/* A dimension without a variable, and one with its coordinates. Scales are numbered from 0 in the
 * order in which they are made: *next counts them. */
fc_status fc__nc_make_dimension(fc__h5 *h5, const char *name, size_t size, int *next, hid_t *scale);
fc_status fc__nc_make_coordinate(fc__h5 *h5, const char *name, size_t size, const double *values,
                                 int *next, hid_t *scale);

/* A variable on `rank` dimensions. chunk: shape of its chunks, compressed; NULL = contiguous.
 * Single precision variables are filled with NaN. */
fc_status fc__nc_make_variable(fc__h5 *h5, const char *name, hid_t type, size_t rank,
                               const hid_t *scales, const size_t *chunk, hid_t *variable);

/* ---------------------------------------------------------------- reading */

/* Names in a group that are no soft or external links, in the order of creation where it is known,
 * else of the alphabet. free(links->names), also after a failure. */
typedef struct fc__nc_links {
    size_t count, room;
    char (*names)[FC__NC_NAME_SIZE];
} fc__nc_links;

fc_status fc__nc_list_links(fc__h5 *h5, hid_t parent, fc__nc_links *links);

/* Attributes by which variables name others. */
typedef enum fc__nc_role {
    FC__NC_COORDINATE = 1, /* coordinates */
    FC__NC_BOUNDS = 2,     /* bounds, climatology */
    FC__NC_ANCILLARY = 4   /* ancillary_variables */
} fc__nc_role;

/* A variable in the root group. Its dimensions go by the names of their scales, "" where an axis
 * has none. */
typedef struct fc__nc_variable {
    char name[FC__NC_NAME_SIZE];
    hid_t id;
    bool number;         /* integers or floating point */
    bool dimension_only; /* stands for a dimension that has no variable */
    unsigned roles;      /* fc__nc_role: what other variables name it as */
    size_t rank;
    size_t shape[FC__MAX_RANK];
    char dimension[FC__MAX_RANK][FC__NC_NAME_SIZE];
} fc__nc_variable;

typedef struct fc__nc_inventory {
    size_t count;
    fc__nc_variable *variables; /* (count) in the order of the file */
} fc__nc_inventory;

/* Variables with more than FC__MAX_RANK axes are left out. `dimensions`: whether those of variables
 * are looked up; the HDF5 of the day crashes on damaged references to them, so that only readers
 * which need the names of dimensions ask for them. */
fc_status fc__nc_take_inventory(fc__h5 *h5, bool dimensions, fc__nc_inventory *inventory);
void fc__nc_release_inventory(fc__nc_inventory *inventory);

/* Data sets in the groups of the file, for messages: "image1/data(765, 700), ...", cut to the room
 * there is; "none" where there are none. */
void fc__nc_list_groups(fc__h5 *h5, char *text, size_t size);

/* Path of the first scale of an axis of a data set, "" when it has none. */
void fc__nc_scale_path(hid_t variable, size_t rank, size_t axis, char path[FC__NC_PATH_SIZE]);

/* NULL when there is none. */
const fc__nc_variable *fc__nc_find(const fc__nc_inventory *inventory, const char *name);
/* The 1-D variable named like the dimension it lies on, NULL when there is none. */
const fc__nc_variable *fc__nc_find_coordinate(const fc__nc_inventory *inventory,
                                              const char *dimension);

/* Whether the blank-separated list has this word. */
bool fc__nc_lists(const char *list, const char *word);

#endif
