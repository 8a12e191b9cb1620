/* writing.h: what the writers of datasets share: how the points and times of a dataset may be laid
 * out, its values one channel at a time, and text files that appear only when whole.
 */
#ifndef FC_IO_WRITING_H
#define FC_IO_WRITING_H

#include "io/hdf5/hdf5_file.h"
#include "io/io.h"

#include <stdio.h>

/* ---------------------------------------------------------------- layouts */

typedef enum fc__layout {
    LAYOUT_GRID,   /* all frames share one tensor grid, all sequences have the same times */
    LAYOUT_POINTS, /* the same with scattered points */
    LAYOUT_RAGGED  /* everything else */
} fc__layout;

fc__layout fc__layout_of(const fc_dataset *dataset);
/* Whether the sequences are an axis of the arrays of the first two layouts: a record is not one of
 * many. */
bool fc__has_sequence_axis(const fc_dataset *dataset);

/* Number of points of axis `i` of a tensor grid and how many points lie between its neighbours. */
size_t fc__grid_length(const fc_dataset *dataset, const fc_points *points, size_t i);
size_t fc__grid_stride(const fc_dataset *dataset, const fc_points *points, size_t i);
/* The coordinate of step `k` along axis `i`. */
double fc__grid_coordinate(const fc_dataset *dataset, const fc_points *points, size_t i, size_t k);
/* Whether the coordinates of an axis lie at equal distances, to a millionth of one; 1 is the
 * distance of a single coordinate. */
bool fc__grid_is_uniform(const fc_dataset *dataset, const fc_points *points, size_t i,
                         double *spacing);

/* ---------------------------------------------------------------- checks and values */

/* FC_ERROR_DATA when there is nothing to write, FC_ERROR_USAGE when the standard deviations (may be
 * NULL) do not have the shape of the forecast. */
fc_status fc__check_written(fc_context *context, const char *path, const fc_dataset *dataset,
                            const fc_dataset *deviation);
/* FC_ERROR_USAGE when values are not in memory. */
fc_status fc__check_loaded(fc_context *context, const char *path, const fc_dataset *dataset);

/* Values of channel c of a frame, in the order of its points; returns their number. */
size_t fc__pack_channel(const fc_dataset *dataset, const fc_frame *frame, size_t c, float *packed);

/* An array without values yet, without filters or chunks. */
fc_status fc__make_array(fc__h5 *h5, hid_t parent, const char *name, hid_t type, size_t rank,
                         const size_t *shape, hid_t *array);

/* ---------------------------------------------------------------- text files */

typedef struct fc__text_file {
    fc_context *context;
    const char *path; /* as the caller named it; borrowed */
    FILE *file;
    char *target, *temporary; /* path with links resolved, and its name until it is whole */
} fc__text_file;

/* As fc__h5_create, fc__h5_commit and fc__h5_close. */
fc_status fc__text_create(fc_context *context, const char *path, fc__text_file *text);
fc_status fc__text_commit(fc__text_file *text);
void fc__text_close(fc__text_file *text);

#endif
