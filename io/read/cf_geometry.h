/* cf_geometry.h: when and where the elements of a variable were observed. */
#ifndef FC_IO_CF_GEOMETRY_H
#define FC_IO_CF_GEOMETRY_H

#include "io/read/cf_samples.h"

typedef struct fc__cf_geometry {
    const fc__nc_variable *time, *x, *y, *z; /* NULL = there is none */
    bool sphere;                             /* x and y are longitude and latitude */
} fc__cf_geometry;

/* Coordinates that every element has one value of: those that the variable names in `coordinates`
 * before others, those with telling standard names or usual names before what only has the units.
 */
void fc__cf_find_geometry(const fc__cf_samples *samples, fc__cf_geometry *found);
/* An axis of the variable, longer than 1, along which none of them changes; its rank when there is
 * none. */
size_t fc__cf_untold_axis(const fc__cf_samples *samples, const fc__cf_geometry *by);
/* Whether a variable looks like a coordinate of time or space. */
bool fc__cf_is_coordinate(const fc__nc_variable *variable);

#endif
