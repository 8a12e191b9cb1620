/* cf_observations.h: observations that come one by one, each with its time and place, arranged in
 * frames: all those of one time, in increasing order of time. Their values are kept in memory in
 * that order, as the list of times and places that finds them is larger than they are.
 */
#ifndef FC_IO_CF_OBSERVATIONS_H
#define FC_IO_CF_OBSERVATIONS_H

#include "inr/support.h"

typedef struct fc__cf_observation {
    double time;
    double at[FC_MAX_DIMS]; /* coordinates; 0 beyond those of the domain */
    size_t identity;        /* of a thing that has one value at a time, such as a station */
    size_t element;         /* where its values are in the file */
    size_t place;           /* found when they are arranged */
} fc__cf_observation;

typedef struct fc__cf_observations {
    size_t dims;
    size_t count;
    fc__cf_observation *items; /* (count), sorted by time and place once arranged */
    size_t frame_count;
    size_t *begin; /* (frame_count + 1) among the items */
    size_t place_count;
    double *places;       /* (place_count, dims) */
    size_t *place_sample; /* (place_count) an element of each */
    size_t point_set_count;
    size_t *set_frame; /* (point_set_count) the frame that has this set first */
    bool all_places;   /* the only point set is all places, whether observed in a frame or not */
} fc__cf_observations;

/* Sorts the items, numbers their places and finds the frames, of which at most max_frames are kept
 * (0 = all). With `unique`, two at the same time and place are FC_ERROR_DATA naming them, after
 * `what`, "FILE: VARIABLE". */
fc_status fc__cf_arrange(fc_context *context, const char *what, bool unique, size_t max_frames,
                         fc__cf_observations *observations);

/* Point sets and frames for a dataset without any. Where on average more than half of all places
 * are observed in a frame, all frames share all places; else those with the same places share
 * these. */
fc_status fc__cf_add_frames(fc_context *context, fc__cf_observations *observations,
                            fc_dataset *dataset);

/* Which point of its frame an item is. */
size_t fc__cf_slot(const fc__cf_observations *observations, size_t frame, size_t item);
/* Place of a point of a point set. */
size_t fc__cf_place_of(const fc__cf_observations *observations, size_t set, size_t point);

void fc__cf_observations_release(fc__cf_observations *observations);

#endif
