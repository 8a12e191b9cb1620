/* groups.h: frames in the order of what they are observed at, so that those with the same points
 * and the same missing values stand together. */
#ifndef FC_INR_GROUPS_H
#define FC_INR_GROUPS_H

#include "inr/fit.h"

/* A frame and its place in the caller's order. */
typedef struct fc__place {
    const fc_frame *frame;
    size_t order;
} fc__place;

/* Frames place[begin..end) have the same points and the same missing values. */
typedef struct fc__group {
    size_t begin, end;
} fc__group;

typedef struct fc__groups {
    const fc_dataset *dataset;
    size_t count;
    fc__group *group; /* (count) */
    fc__place *place; /* (frames) */
} fc__groups;

fc_status fc__groups_create(fc_context *context, const fc__frames *frames, fc__groups *groups);
void fc__groups_clear(fc__groups *groups);

/* The point set of a group. */
const fc_points *fc__groups_points(const fc__groups *groups, size_t group);
/* The end of the run of groups that begins at `begin`: groups that share a point set (*shared), or
 * groups each of which has its own. */
size_t fc__groups_run(const fc__groups *groups, size_t begin, bool *shared);

#endif
