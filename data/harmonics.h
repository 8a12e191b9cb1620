/* harmonics.h: spherical harmonic transforms on Gaussian grids, by libsharp. Private to this room.
 *
 * A real field on the unit sphere is f = sum f(l, m) Y(l, m) over l <= degree, |m| <= l (triangular
 * truncation), with orthonormal Y and f(l, -m) = (-1)^m conj f(l, m); coefficients with m >= 0 are
 * stored, those of one m after each other. A vector field is the gradient of one such sum and the
 * rotated gradient of another,
 *
 *   (south, east) = sum (g(l, m) grad Y + c(l, m) k x grad Y) / sqrt(l (l + 1)),   k upwards,
 *
 * so that its divergence is -sqrt(l (l + 1)) g(l, m) and its curl -sqrt(l (l + 1)) c(l, m). */
#ifndef FC_DATA_HARMONICS_H
#define FC_DATA_HARMONICS_H

#include "data/generator.h"

typedef struct fc__harmonics fc__harmonics;

/* Number of stored coefficients, and the place of (l, m) among them. */
size_t fc__harmonics_count(size_t degree);
size_t fc__harmonics_index(size_t degree, size_t l, size_t m);

/* A grid of Gaussian latitudes (rings) from north to south and of equally spaced longitudes from 0
 * on. Products of two fields are free of aliasing with 2 rings > 3 degree and longitudes > 3
 * degree. FC_ERROR_USAGE when the library was built without libsharp. */
fc_status fc__harmonics_create(fc_context *context, size_t degree, size_t rings, size_t longitudes,
                               fc__harmonics **harmonics);
void fc__harmonics_destroy(fc__harmonics *harmonics);

/* Angles from the north pole, and weights of the quadrature over the sphere, a point. (rings) */
const double *fc__harmonics_colatitudes(const fc__harmonics *harmonics);
const double *fc__harmonics_weights(const fc__harmonics *harmonics);

/* From coefficients (count) to values (rings, longitudes) and back. The way back takes the integral
 * with every Y, and inverts the first where the field has no higher degrees. Vector fields have no
 * coefficient at l = 0. Safe to call from several threads. */
void fc__harmonics_values(const fc__harmonics *harmonics, const fc__complex *coefficients,
                          double *values);
void fc__harmonics_coefficients(const fc__harmonics *harmonics, const double *values,
                                fc__complex *coefficients);
void fc__harmonics_vector_values(const fc__harmonics *harmonics, const fc__complex *gradient,
                                 const fc__complex *curl, double *south, double *east);
void fc__harmonics_vector_coefficients(const fc__harmonics *harmonics, const double *south,
                                       const double *east, fc__complex *gradient,
                                       fc__complex *curl);

#endif
