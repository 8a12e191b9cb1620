/* harmonic_filters.h: spherical harmonics as filters of a decoder. Filter (l, m), 0 <= m <= l, has
 *
 *   [sin, cos] = [Im, Re] Q_lm(z) (x + i y)^m,   (x, y, z) the unit vector of the point,
 *
 * Q_lm the associated Legendre function of degree l and order m over cos(latitude)^m, scaled so
 * that Q_lm cos(latitude)^m has a mean square of 1 over the sphere: that of the cosine is then 1
 * for m = 0 and 1/2 else, as of waves, and harmonics are orthogonal. In this form they are
 * polynomials in x, y, z, which the poles do not trouble. */
#ifndef FC_INR_HARMONIC_FILTERS_H
#define FC_INR_HARMONIC_FILTERS_H

#include "inr/support.h"

/* Tables of Q have, order by order, the degrees m, m + 1, ... as far as a filter needs them:
 * entry i is Q_i = first z Q_{i-1} - second Q_{i-2} (Holmes & Featherstone 2002, eq. 11). */
typedef struct fc__harmonic_filters {
    size_t layers, count;   /* filters in each layer */
    size_t orders;          /* largest order + 1 */
    size_t entries;         /* of a table */
    size_t *start;          /* (orders + 1) */
    double *first, *second; /* (entries); where l = m, `first` is Q itself */
    size_t *entry, *order;  /* (layers, count) of the filters */
} fc__harmonic_filters;

/* omega (layers, count, 3): degree, order and 0 of every filter. */
fc_status fc__harmonic_filters_create(fc_context *context, size_t layers, size_t count,
                                      const double *omega, fc__harmonic_filters *filters);
void fc__harmonic_filters_clear(fc__harmonic_filters *filters);

/* Doubles of scratch for one evaluation, at up to `lanes` points. */
size_t fc__harmonic_filters_work_size(const fc__harmonic_filters *filters, size_t lanes);

/* All layers at up to FC__WAVE_POINTS points x (count, 3): that of layer l and point p at
 * s + l * layer_stride + p * ld, the sines followed by the cosines. */
void fc__harmonic_filters_tile(const fc__harmonic_filters *filters, size_t count, const double *x,
                               float *s, size_t ld, size_t layer_stride, double *work);
/* The same at one point in double, layer l at s + l * stride. */
void fc__harmonic_filters_double(const fc__harmonic_filters *filters, const double *x, double *s,
                                 size_t stride, double *work);

/* First and second derivatives, (2 count) each, of a layer along a curve through the point x with
 * the given velocity and acceleration. */
void fc__harmonic_filters_jets(const fc__harmonic_filters *filters, size_t layer, const double x[3],
                               const double velocity[3], const double acceleration[3],
                               double *first, double *second, double *work);

#endif
