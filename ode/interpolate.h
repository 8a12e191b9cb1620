/* interpolate.h: what is known at scattered points brought to others by simple kriging with few
 * neighbours (Cressie 1993), under the correlation
 *
 *   rho(h) = (1 - nugget) exp(-h / length),  rho(0) = 1
 *
 * of fields of mean zero. The nugget is what varies between the nearest points; a point keeps its
 * own. Distances: between unit vectors for longitude and latitude (chords); along a circle's chord
 * for a periodic axis; axes of the same unit on one scale, that of the longest of them. */
#ifndef FC_ODE_INTERPOLATE_H
#define FC_ODE_INTERPOLATE_H

#include "inr/support.h"

enum { FC__NEIGHBOURS = 16 };

typedef struct fc__correlation {
    double length; /* > 0, in the distances of fc__metric_places */
    double nugget; /* [0, 1] */
} fc__correlation;

double fc__correlation_at(const fc__correlation *correlation, double distance);

/* Places in the space of distances: their number of coordinates, and (count, that number). */
size_t fc__metric_size(const fc_domain *domain);
void fc__metric_places(const fc_domain *domain, size_t count, const double *coordinates,
                       double *place);

/* Values known at some points, `columns` of them each. */
typedef struct fc__known {
    size_t count, columns;
    const double *coordinates; /* (count, dims) */
    const float *values;       /* (count, columns), finite */
    double variance;           /* of the values of one column: `left` then follows how much they
                                  vary around each point; 0 = the same everywhere */
} fc__known;

/* values (count, columns) at other points; left (count), may be NULL: the share of the variance
 * that remains unknown there. Without known points: 0 and 1. */
fc_status fc__interpolate(fc_context *context, const fc_domain *domain,
                          const fc__correlation *correlation, const fc__known *known, size_t count,
                          const double *coordinates, float *values, float *left);

/* Sums over pairs of points by distance, from which a correlation is fitted. */
enum { FC__DISTANCES = 24 };
typedef struct fc__correlogram {
    double shortest, longest; /* limits of the classes of distance, which are geometric */
    double product[FC__DISTANCES], first[FC__DISTANCES], second[FC__DISTANCES];
    double distance[FC__DISTANCES], number[FC__DISTANCES];
} fc__correlogram;

/* Adds the values a, b of a pair. */
void fc__correlogram_add(fc__correlogram *correlogram, double distance, double a, double b);
/* Least squares of the semivariances found relative to those fitted, weighted by their numbers.
 * Without any pairs: a length of the longest distance and a nugget of 1. */
fc__correlation fc__correlation_fit(const fc__correlogram *correlogram);

#endif
