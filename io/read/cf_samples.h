/* cf_samples.h: the elements of a variable that holds observations at points, and the coordinates
 * that belong to each of them (CF conventions, chapter 9: discrete sampling geometries).
 *
 * An element lies on the dimensions of its variable and, in ragged arrays, on those of what it is a
 * sample of: an observation belongs to a profile, the profile to a station. A coordinate on any of
 * these dimensions can be gathered for each element, whatever the kind of array.
 */
#ifndef FC_IO_CF_SAMPLES_H
#define FC_IO_CF_SAMPLES_H

#include "io/hdf5/netcdf.h"

enum { FC__CF_LEVELS = 3 }; /* of ragged arrays: observation, profile, station */

/* A dimension that the elements lie on. */
typedef struct fc__cf_dimension {
    char name[FC__NC_NAME_SIZE];
    size_t length;
    size_t axis; /* of the variable, from which it follows */
    /* Of a dimension that groups the entries of another one (`child`): its count or index
     * variable, and for each index of the axis that on this dimension, SIZE_MAX = none. */
    const fc__nc_variable *ragged;
    bool counts; /* a count variable, on this dimension; else an index variable, on the child */
    size_t child;
    size_t *index;
} fc__cf_dimension;

typedef struct fc__cf_samples {
    fc__h5 *h5;
    const fc__nc_inventory *inventory;
    const fc__nc_variable *variable;
    size_t count; /* elements; SIZE_MAX when that overflows */
    size_t dimension_count;
    fc__cf_dimension dimensions[FC__MAX_RANK + FC__CF_LEVELS];
} fc__cf_samples;

/* Looks up the dimensions, reading nothing. */
void fc__cf_samples_describe(fc__h5 *h5, const fc__nc_inventory *inventory,
                             const fc__nc_variable *variable, fc__cf_samples *samples);
/* Reads what ragged arrays need to be told apart. */
fc_status fc__cf_samples_link(fc__cf_samples *samples);
void fc__cf_samples_release(fc__cf_samples *samples);

/* The dimension of that name, NULL when the elements do not lie on it. */
const fc__cf_dimension *fc__cf_samples_find(const fc__cf_samples *samples, const char *name);
/* Whether every element has one value of the coordinate: all its dimensions are the elements'. */
bool fc__cf_samples_have(const fc__cf_samples *samples, const fc__nc_variable *coordinate);
/* Whether the value of the coordinate changes along an axis of the variable. */
bool fc__cf_samples_vary(const fc__cf_samples *samples, const fc__nc_variable *coordinate,
                         size_t axis);

/* The coordinate of some elements, unpacked; NaN where it is missing. elements: (count) flat
 * indices in the order of the file, NULL = 0, 1, ... */
fc_status fc__cf_samples_gather(const fc__cf_samples *samples, const fc__nc_variable *coordinate,
                                size_t count, const size_t *elements, double *values);
/* The same of values that are in memory: all those of the coordinate. */
fc_status fc__cf_samples_spread(const fc__cf_samples *samples, const fc__nc_variable *coordinate,
                                const double *loaded, size_t count, const size_t *elements,
                                double *values);
/* Index of an element on a dimension, SIZE_MAX where it belongs to none. */
size_t fc__cf_samples_index(const fc__cf_samples *samples, const fc__cf_dimension *dimension,
                            size_t element);

#endif
