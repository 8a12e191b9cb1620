/* navier_stokes.h: pieces of the Navier-Stokes case. Private to this room. */
#ifndef FC_DATA_NAVIER_STOKES_H
#define FC_DATA_NAVIER_STOKES_H

#include "data/data.h"
#include "data/vorticity.h"

/* Initial vorticity of a trajectory: the Gaussian random field of data.h cut off at |kx|, |ky| <=
 * modes. Coefficients are drawn shell by shell, so that a finer grid adds small scales to the same
 * flow. spectrum: (fc__spectrum_count(modes)). */
void fc__navier_stokes_initial(uint64_t seed, uint64_t trajectory, size_t modes,
                               fc__complex *spectrum);

/* f of data.h with the given amplitude. spectrum: (fc__spectrum_count(modes)). */
void fc__navier_stokes_forcing(double amplitude, size_t modes, fc__complex *spectrum);

#endif
