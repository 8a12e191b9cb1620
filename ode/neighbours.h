/* neighbours.h: the nearest of many places, by a k-d tree (Bentley 1975). */
#ifndef FC_ODE_NEIGHBOURS_H
#define FC_ODE_NEIGHBOURS_H

#include "inr/support.h"

/* Places in the order of the tree: the middle of a range divides it along its axis. */
typedef struct fc__neighbours {
    size_t count, dims;
    double *place; /* (count, dims) */
    size_t *order; /* (count) index of each place in the caller's order */
    unsigned char *axis;
} fc__neighbours;

fc_status fc__neighbours_create(fc_context *context, size_t count, size_t dims,
                                const double *place, /* (count, dims) */
                                fc__neighbours *neighbours);
void fc__neighbours_clear(fc__neighbours *neighbours);

/* The up to `most` places nearest to x, nearest first (ties by index): their indices and squared
 * distances. Their number is returned. */
size_t fc__neighbours_find(const fc__neighbours *neighbours, const double *x, size_t most,
                           size_t *index, double *square);

#endif
