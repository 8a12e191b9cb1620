/* selection.h: leaves out of a dataset what is never observed: frames without any value and points
 * (land) that have none in any frame, or with `complete` points that lack one in some frame.
 *
 * A survey sees all values once, in any blocks, and tells what is left out. The selection then
 * applies to values in memory, and to a reader that delivers the rest.
 */
#ifndef FC_IO_SELECTION_H
#define FC_IO_SELECTION_H

#include "inr/support.h"

typedef struct fc__survey {
    const fc_dataset *dataset;
    size_t sequence_count, set_count; /* before anything is left out */
    const char *path;
    bool drops;                  /* frames may be empty, as they are left out */
    bool complete;               /* points must be observed in every frame, in all channels */
    unsigned char **frame_seen;  /* (sequences)(frames) */
    unsigned char **point_seen;  /* (point sets)(points) in some frame */
    unsigned char **point_whole; /* the same in all frames that are not empty; if complete */
    bool *set_seen;              /* (point sets) all of its points have been seen */
    size_t *channel_seen;        /* (channels) */
} fc__survey;

/* The survey is to be released whether or not this succeeds. */
fc_status fc__survey_start(fc_context *context, const fc_dataset *dataset, const char *path,
                           bool drops, bool complete, fc__survey *survey);
/* Values of frames [first, first + count); FC_ERROR_DATA naming one that is infinite and, unless
 * they are left out, a frame without values. */
fc_status fc__survey_frames(fc__survey *survey, fc_context *context, size_t sequence, size_t first,
                            size_t count, float *const *values);
/* FC_ERROR_DATA naming a channel without values, and when nothing would be kept. */
fc_status fc__survey_finish(fc__survey *survey, fc_context *context);
void fc__survey_release(fc__survey *survey);

/* Takes what the survey left out from a dataset whose values are in memory. */
fc_status fc__selection_apply(fc_context *context, const fc__survey *survey, fc_dataset *dataset);

/* A dataset with what is left of `inner`, which it owns, and reads from when its own frames are
 * asked for; the values are checked as fc_dataset_validate does, unless `trusting` (forecasts may
 * have frames without values). survey = NULL keeps everything. inner is destroyed on failure. */
fc_status fc__selection_open(fc_context *context, const char *path, fc_dataset *inner,
                             const fc__survey *survey, bool trusting, fc_dataset **dataset);

#endif
