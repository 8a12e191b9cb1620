/* random_field.h: Gaussian random fields on periodic boxes. Private to this room.
 *
 * Coefficients of a field with E|w(k)|^2 = sigma^2 (kappa^2 + tau^2)^-alpha, kappa = 2 pi |k| / L,
 * without mean, drawn from large scales to small, so that a finer grid has the same field with more
 * detail. Fields depend on (seed, trajectory) alone. */
#ifndef FC_DATA_RANDOM_FIELD_H
#define FC_DATA_RANDOM_FIELD_H

#include "data/vorticity.h"

typedef struct fc__random_field {
    double length; /* L, of the sides of the box */
    double sigma, tau, alpha;
} fc__random_field;

/* On the unit square, alpha = 2.5, tau = 7, sigma = tau^1.5: the initial vorticity of Li et al.
 * 2021 as their program draws it (data_generation/navier_stokes/random_fields.py). */
extern const fc__random_field fc__random_vorticity;

/* (fc__spectrum_count(modes)) of a field in the plane. */
void fc__random_plane(const fc__random_field *field, uint64_t seed, uint64_t trajectory,
                      size_t modes, fc__complex *spectrum);
/* (modes + 1) of a field on a line; the other coefficients are their conjugates. */
void fc__random_line(const fc__random_field *field, uint64_t seed, uint64_t trajectory,
                     size_t modes, fc__complex *spectrum);

#endif
