/* slice.h: what is drawn of a frame: one channel on one or two of its axes, the others cut at a
 * value. */
#ifndef FC_CLI_SLICE_H
#define FC_CLI_SLICE_H

#include "io/cli/options.h"

typedef struct cli_slice {
    fc_domain domain;         /* the axes that are left */
    size_t axis[FC_MAX_DIMS]; /* of the dataset, for each of them */
    size_t cuts;
    size_t cut[FC_MAX_DIMS];                    /* axes of the dataset */
    double at[FC_MAX_DIMS], reach[FC_MAX_DIMS]; /* points within `reach` of `at` belong to it */
} cli_slice;

/* Cuts the axes named in "AXIS=VALUE"; of those that are left from the third on in their middle.
 * Values move to the nearest level of a grid. */
FC_NODISCARD fc_status cli_slice_make(const cli_session *session, const fc_dataset *dataset,
                                      const char *path, const cli_texts *at, cli_slice *slice);
/* "°E" and the like for names of units, "" for "1". */
const char *cli_short_units(const char *units);
/* ", depth = 2.5 m" for each cut. */
void cli_slice_text(const cli_slice *slice, const fc_dataset *dataset, char *text, size_t size);

/* One channel of a frame on the axes that are left. */
typedef struct cli_plane {
    size_t dims, count;
    double *coordinates; /* (count, dims) */
    float *values;       /* (count) NaN = not observed */
} cli_plane;

/* The frame's values must be in memory. FC_ERROR_DATA when it has no point on the slice. */
FC_NODISCARD fc_status cli_plane_make(const cli_session *session, const fc_dataset *dataset,
                                      const cli_slice *slice, const fc_frame *frame, size_t channel,
                                      cli_plane *plane);
void cli_plane_clear(cli_plane *plane);

#endif
