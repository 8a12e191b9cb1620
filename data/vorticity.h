/* vorticity.h: pseudo-spectral solver of the two-dimensional vorticity equation on the periodic
 * unit square, dw/dt + u . grad w = nu lap w + f. Private to this room. */
#ifndef FC_DATA_VORTICITY_H
#define FC_DATA_VORTICITY_H

#include "data/generator.h"

typedef struct fc__vorticity fc__vorticity;

/* Number of stored coefficients of a real field kept to |kx|, |ky| <= modes, and the place of
 * coefficient (kx, ky), 0 <= kx <= modes, |ky| <= modes, among them. Coefficients are those of
 * w(x, y) = sum w(kx, ky) exp(2 pi i (kx x + ky y)); the other half plane is their conjugate. */
size_t fc__spectrum_count(size_t modes);
size_t fc__spectrum_index(size_t modes, long kx, long ky);

/* grid: points an axis, even. Wave numbers |k| < grid / 3 are kept. The state and the forcing are
 * zero. Safe to call from several threads. */
fc_status fc__vorticity_create(fc_context *context, size_t grid, double viscosity,
                               fc__vorticity **solver);
void fc__vorticity_destroy(fc__vorticity *solver);

size_t fc__vorticity_modes(const fc__vorticity *solver);    /* largest kept wave number */
fc__complex *fc__vorticity_spectrum(fc__vorticity *solver); /* state, may be written */
fc__complex *fc__vorticity_forcing(fc__vorticity *solver);  /* f, may be written */
size_t fc__vorticity_steps(const fc__vorticity *solver);    /* taken so far */

/* The state from and to values on the grid, (grid, grid), rows of constant y. What comes back
 * belongs to the solver and holds until its next call. */
void fc__vorticity_set_field(fc__vorticity *solver, const double *field);
const double *fc__vorticity_field(fc__vorticity *solver);

/* Advances the state by `duration` in steps no larger than `largest` (0 = no such bound) nor than
 * the Courant condition allows. FC_ERROR_SOLVER when the state ceases to be finite or would need
 * too small steps, FC_INTERRUPTED when the context asks for it; *elapsed (may be NULL) tells how
 * far the solver came. Leaves no message, so that threads may share the context. */
fc_status fc__vorticity_advance(const fc_context *context, fc__vorticity *solver, double duration,
                                double largest, double *elapsed);

#endif
