/* cf_variables.h: what the variables of a CF file are, told by their attributes and names. Shared
 * by the readers of grids (cf.c), of point observations (cf_points.c) and of meshes (ugrid.c).
 */
#ifndef FC_IO_CF_VARIABLES_H
#define FC_IO_CF_VARIABLES_H

#include "io/hdf5/netcdf.h"

/* ---------------------------------------------------------------- attributes */

bool fc__cf_text_is(const fc__nc_variable *variable, const char *attribute, const char *wanted);
/* Whether a variable of the file lists `name` in an attribute such as "bounds"; it does not count
 * when it lists itself. */
bool fc__cf_is_named_in(const fc__nc_inventory *inventory, const char *attribute, const char *name);

/* ---------------------------------------------------------------- coordinates */

/* Longitude 'X' or latitude 'Y' after units, standard name or, where there are no telling units,
 * name; 0 for anything else, also for the coordinates of a rotated grid. */
char fc__cf_geographic(const fc__nc_variable *variable);
/* Place of a coordinate in the domain: 'X', 'Y', 'Z', or 0 where nothing tells. */
char fc__cf_letter(const fc__nc_variable *variable);
/* 'X' or 'Y' for what can say where a point is on the map: longitude, latitude, and coordinates of
 * a map projection in metres; 0 for anything else. */
char fc__cf_horizontal(const fc__nc_variable *variable);

/* Whether a 1-D or scalar variable holds times. */
bool fc__cf_is_time_variable(const fc__nc_variable *variable);
/* The time coordinate of a dimension: the variable of its name or, where there is none or it counts
 * lead times, one on the dimension. NULL when the dimension is not time. */
const fc__nc_variable *fc__cf_time_of(const fc__nc_inventory *inventory, const char *dimension);
/* The scalar time coordinate that the variable (or the whole file) names in `coordinates`, NULL. */
const fc__nc_variable *fc__cf_scalar_time_of(fc__h5 *h5, const fc__nc_inventory *inventory,
                                             const fc__nc_variable *variable);
/* An index along a dimension says nothing about where its points are. */
bool fc__cf_is_index(const fc__nc_variable *coordinate);
/* Whether a dimension counts the members of an ensemble. */
bool fc__cf_is_member(const fc__nc_inventory *inventory, const char *dimension);

/* ---------------------------------------------------------------- data */

/* Whether a variable lies on time and on at least one axis of space longer than 1, and is neither
 * bounds nor coordinate of another. */
bool fc__cf_is_data(const fc__nc_inventory *inventory, const fc__nc_variable *variable);
/* Whether it says how good or of which kind the values of another are: no channel unless named. */
bool fc__cf_is_flag(const fc__nc_variable *variable);
bool fc__cf_same_dimensions(const fc__nc_variable *a, const fc__nc_variable *b);
bool fc__cf_lies_on(const fc__nc_variable *variable, const char *dimension);

/* Name, units and long name of a channel; name and units of an axis. */
void fc__cf_describe_channel(const fc__nc_variable *variable, fc_channel *channel);
void fc__cf_describe_axis(const fc__nc_variable *variable, fc_axis *axis);

/* ---------------------------------------------------------------- words for messages */

/* "name(time, lat, lon)", cut to the room there is. */
void fc__cf_describe(const fc__nc_variable *variable, char *text, size_t size);
/* Data variables, or all variables where there are none: "a(time, x), b(time, x)". */
void fc__cf_list(const fc__nc_inventory *inventory, char text[FC__TEXT_SIZE]);

#endif
