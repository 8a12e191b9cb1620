/* cf_places.h: what the readers of point observations (cf_points.c) and of meshes (ugrid.c) share:
 * the choice of channels, the domain around scattered places, and variables on time and on places
 * that do not move, whose values stay in the file until they are wanted.
 */
#ifndef FC_IO_CF_PLACES_H
#define FC_IO_CF_PLACES_H

#include "io/read/cf_frames.h"
#include "io/read/cf_samples.h"
#include "io/read/source.h"

/* ---------------------------------------------------------------- channels */

typedef struct fc__cf_channels {
    size_t count;
    const fc__nc_variable **variables; /* (count) all on the same dimensions */
} fc__cf_channels;

/* Tells why a variable cannot be read, FC_OK when it can. */
typedef fc_status fc__cf_check(fc__source *source, const fc__nc_variable *variable);

/* Those that config->variables names or, where it is NULL, the first that `suits` and passes
 * `check`, with all others of its dimensions that do. count = 0 and FC_OK when there are none. */
fc_status fc__cf_choose_channels(fc__source *source,
                                 bool (*suits)(const fc__source *, const fc__nc_variable *),
                                 fc__cf_check *check, fc__cf_channels *channels);

/* ---------------------------------------------------------------- places and the dataset */

/* Coordinates of a point in the order of the domain, and the axes, whose extents are found. */
typedef struct fc__cf_where {
    size_t dims;
    const fc__nc_variable *variable[FC_MAX_DIMS];
    fc_axis axis[FC_MAX_DIMS];
} fc__cf_where;

/* Adds an axis described by a coordinate variable: longitude and latitude in pairs only. */
void fc__cf_add_axis(fc__cf_where *where, const fc__nc_variable *variable, fc_axis_kind kind);

/* Creates source->dataset around places (count, dims), all finite, whose longitudes are joined
 * across the seam. An axis along which all of them agree is given a length of 1. */
fc_status fc__cf_create_dataset(fc__source *source, const fc__cf_channels *channels,
                                fc__cf_where *where, size_t count, double *places);

/* Once the frames are there: the dataset's time axis, with the cycle that they resolve. */
fc_status fc__cf_set_time_axis(fc__source *source, const fc_time_axis *axis);

/* Notes for the user how many of `total` places of some kind have no coordinates. */
void fc__cf_note_left_out(fc__source *source, size_t left_out, size_t total, const char *what);

/* ---------------------------------------------------------------- places that do not move */

typedef struct fc__cf_table {
    fc__cf_samples samples; /* of the first channel */
    fc__cf_channels channels;
    fc__cf_packing *packings; /* (channels) */
    fc__cf_layout layout;
    size_t place_count; /* in a frame, with those that are left out */
    size_t *elements;   /* (place_count) flat indices in the variable at the first time */
    size_t *point;      /* (place_count) of the dataset; SIZE_MAX = left out */
    size_t point_count;
    size_t *kept; /* (point_count) elements of the points */
} fc__cf_table;

/* Finds the places of the variables when `time_axis` is that of time (their rank: none). Takes the
 * channels over. */
fc_status fc__cf_table_open(fc__source *source, fc__cf_channels *channels, size_t time_axis,
                            fc__cf_table *table);
/* Makes the dataset from the coordinates of all places (place_count, dims), of which those that are
 * not finite are left out, and from the times of frames, which must increase. */
fc_status fc__cf_table_make(fc__source *source, fc__cf_table *table, fc__cf_where *where,
                            double *coordinates, const char *what, const fc_time_axis *axis,
                            size_t frame_count, const double *times);
fc_status fc__cf_table_read(fc__source *source, const fc__cf_table *table, size_t first,
                            size_t count, float *const *values);
fc_status fc__cf_table_read_static(fc__source *source, const fc__cf_table *table, const char *name,
                                   float *values);
void fc__cf_table_release(fc__cf_table *table);

#endif
