/* raster.h: fields as maps, cells or points of a picture, and fields at other points. */
#ifndef FC_CLI_RASTER_H
#define FC_CLI_RASTER_H

#include "io/cli/slice.h"

/* How a plane is drawn: as cells, or as it is where its points are few. */
typedef struct cli_map {
    float *values; /* (height, width), bottom row first; NaN = nothing known; NULL = points */
    size_t width, height;
    double extent[4]; /* edges: x lower, x upper, y lower, y upper */
    cli_plane points; /* count = 0 where there are cells */
} cli_map;

/* Takes the plane over. Points of an even lattice, gaps allowed, become its cells; some thousands
 * and more of others the cells in which each is the nearest, as far as its neighbours are away; few
 * stay points. */
FC_NODISCARD fc_status cli_map_make(const cli_session *session, const fc_domain *domain,
                                    cli_plane *plane, cli_map *map);
void cli_map_clear(cli_map *map);

enum { CLI_FEW_POINTS = 2500 }; /* that can be told apart on a map */

/* The parts of cli_map_make for scattered points: the rectangle around them, and cells within it.
 */
void cli_scatter_extent(const fc_domain *domain, const cli_plane *plane, double extent[4]);
FC_NODISCARD fc_status cli_scatter_map(const cli_session *session, const fc_domain *domain,
                                       const cli_plane *plane, cli_map *map);

/* Values (count) of one channel at other points: bilinear within a two-dimensional grid, across
 * closed axes too, else from the nearest point. */
FC_NODISCARD fc_status cli_resample(const cli_session *session, const fc_dataset *dataset,
                                    const fc_frame *frame, size_t channel, size_t count,
                                    const double *coordinates, float *values);

#endif
