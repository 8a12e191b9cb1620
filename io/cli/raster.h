/* raster.h: fields as cells of a picture, and fields at other points. */
#ifndef FC_CLI_RASTER_H
#define FC_CLI_RASTER_H

#include "io/cli/cli.h"

typedef struct cli_raster {
    float *values; /* (height, width), bottom row first; NaN = nothing known */
    size_t width, height;
    double extent[4]; /* edges of the cells: x lower, x upper, y lower, y upper */
} cli_raster;

/* One channel of a frame on two axes: points of an even lattice, gaps allowed, as its
 * cells, other points by the nearest one, as far as about one typical spacing. */
FC_NODISCARD fc_status cli_raster_map(const cli_session *session, const fc_dataset *dataset,
                                      const fc_frame *frame, size_t channel, cli_raster *raster);
/* A sequence on one axis: the axis to the right, time upwards, one row a frame. */
FC_NODISCARD fc_status cli_raster_space_time(const cli_session *session, const fc_dataset *dataset,
                                             const fc_sequence *sequence, size_t channel,
                                             cli_raster *raster);
void cli_raster_clear(cli_raster *raster);

/* Values (count) of one channel at other points: bilinear within a two-dimensional grid, across
 * closed axes too, else from the nearest point. */
FC_NODISCARD fc_status cli_resample(const cli_session *session, const fc_dataset *dataset,
                                    const fc_frame *frame, size_t channel, size_t count,
                                    const double *coordinates, float *values);

#endif
