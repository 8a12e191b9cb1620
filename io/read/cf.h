/* cf.h: gridded CF files: between choosing what to read (cf.c) and finding out where its points are
 * (cf_axes.c, cf_curvilinear.c).
 */
#ifndef FC_IO_CF_H
#define FC_IO_CF_H

#include "io/read/cf_frames.h"
#include "io/read/source.h"

/* A coordinate along one axis of the channels' variables. */
typedef struct fc__cf_axis {
    size_t position; /* which axis it is */
    const fc__nc_variable *variable;
    size_t length;
    double *values; /* (length) */
} fc__cf_axis;

/* A pair of coordinates on two axes at once: those of a curvilinear grid, or longitude and latitude
 * of a rotated one. */
typedef struct fc__cf_pair {
    const fc__nc_variable *variable[2]; /* x, y; NULL = none */
    double *values[2];                  /* (count) each; NaN = no such point */
    size_t count;
    size_t stride[2][FC__MAX_RANK]; /* of the values along the axes of the channels' variables */
    bool geographic;
} fc__cf_pair;

typedef struct fc__cf_grid {
    size_t channel_count;
    const fc__nc_variable **channels; /* (channel_count) all on the same dimensions */
    fc__cf_packing *packings;         /* (channel_count) */
    const fc__nc_variable *time;
    size_t time_position;   /* which axis of the channels' variables is time; their rank: none */
    size_t member_position; /* which axis counts members of an ensemble; their rank: none */
    size_t frame_count;
    double *times; /* (frame_count) */
    fc_time_axis time_axis;
    size_t axis_count;
    fc__cf_axis axes[FC_MAX_DIMS]; /* in the order of the domain, after the pair */
    fc__cf_pair pair;
    fc_domain domain;
    size_t place_count;  /* product of the lengths of the axes of space */
    size_t point_count;  /* places that there are */
    double *coordinates; /* (point_count, dims) */
    size_t grid[FC_MAX_DIMS];
    size_t *point; /* layout.point */
    fc__cf_layout layout;
} fc__cf_grid;

/* Whether an axis of the channels' variables is one of space, length 1 included. */
bool fc__cf_is_space(const fc__cf_grid *grid, size_t position);

/* Finds the axes of space, the domain and the points. */
fc_status fc__cf_find_points(fc__source *source, fc__cf_grid *grid);

/* The part of it for grids without coordinates of their own along two of their axes: finds the pair
 * and the two axes that it takes, as flags (rank). */
fc_status fc__cf_find_pair(fc__source *source, fc__cf_grid *grid, bool *taken);

#endif
