/* data.h: generators of the benchmark cases. General rules as in inr.h. */
#ifndef FC_DATA_H
#define FC_DATA_H

#include "inr/inr.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 2-D incompressible Navier-Stokes in vorticity form on the periodic unit square (Li et al. 2021;
 * settings of Yin et al. 2023, PEERS 1.1):
 *
 *   dw/dt + u . grad w = nu lap w + f,   f = 0.1 (sin 2 pi (x + y) + cos 2 pi (x + y))
 *
 * pseudo-spectral with 2/3 dealiasing and an integrating factor for the viscous term. The initial
 * vorticity is the Gaussian random field w0 = Re ifft2(N^2 sqrt 2 sigma (4 pi^2 |k|^2 +
 * tau^2)^(-alpha/2) xi), alpha = 2.5, tau = 7, sigma = tau^1.5, E|xi|^2 = 1, no mean. */
typedef struct fc_navier_stokes_config {
    size_t sequences;      /* default 512 */
    size_t per_trajectory; /* sequences cut from one trajectory, default 2; the trajectory goes on
                              between them without a gap */
    size_t frames;         /* frames of a sequence, default 20 */
    double interval;       /* time between frames, default 1 */
    double burn_in;        /* time before the first frame, default 28.5 */
    size_t grid;           /* points an axis, even, >= 16; default 64 */
    size_t output_grid;    /* points an axis written: a divisor of grid; 0 = grid */
    double viscosity;      /* nu > 0, default 1e-3 */
    double forcing;        /* amplitude, default 0.1 */
    double step;           /* largest time step; default 0 = chosen from the flow at every step */
    uint64_t seed;         /* trajectory i depends on seed and i alone, not on threads */
} fc_navier_stokes_config;

FC_API fc_navier_stokes_config fc_navier_stokes_config_default(void);
FC_API FC_NODISCARD fc_status fc_navier_stokes_generate(fc_context *context,
                                                        const fc_navier_stokes_config *config,
                                                        fc_dataset **dataset);

/* 2-D wave equation on the periodic square [-1, 1)^2 (settings of Yin et al. 2023, PEERS 1.1):
 *
 *   d2w/dt2 = speed^2 lap w,   w(x, 0) = A exp(-|x - centre|^2 / (2 r^2)),   dw/dt(x, 0) = 0
 *
 * with A from U(2, 4), r from U(0.25, 0.30), any corner of a 64 x 64 grid as the centre, and the
 * periodic images of the bump. Channels are w and dw/dt ("w_t"); values are those of the exact
 * solution. */
typedef struct fc_wave_config {
    size_t sequences;      /* default 512 */
    size_t per_trajectory; /* sequences cut from one trajectory, default 8; the trajectory goes on
                              between them without a gap */
    size_t frames;         /* frames of a sequence, default 20 */
    double interval;       /* time between frames, default 0.25 */
    size_t grid;           /* points an axis, even, >= 16; default 64 */
    double speed;          /* of the waves, > 0; default 1/4 */
    uint64_t seed;         /* trajectory i depends on seed and i alone */
} fc_wave_config;

FC_API fc_wave_config fc_wave_config_default(void);
FC_API FC_NODISCARD fc_status fc_wave_generate(fc_context *context, const fc_wave_config *config,
                                               fc_dataset **dataset);

/* Shallow water on the rotating earth with a jet in each hemisphere that a bump of the surface
 * makes unstable (Galewsky et al. 2004; settings of Yin et al. 2023, PEERS 1.1):
 *
 *   du/dt + (zeta + f) k x u = -grad (g h + u.u / 2) - nu lap^2 u,   zeta = curl u
 *   dh/dt + div ((H + h) u) = -nu lap^2 h,   H = 10 km
 *
 * by spherical harmonics up to the degree grid / 2 - 1, nu = viscosity radius^2 / 32^2. The speed
 * of a trajectory's jets, the only thing that is drawn, comes from U(umax_min, umax_max); h starts
 * in balance with them, and the bump is added at longitude 0. Channels are h in units of radius /
 * 3000 = 2123.74 m ("height") and zeta in units of 1 / (2 h) ("vorticity"), on equally spaced
 * longitudes from 0 on and on Gaussian latitudes. Needs libsharp. */
typedef struct fc_shallow_water_config {
    size_t sequences;      /* default 64 */
    size_t per_trajectory; /* sequences cut from one trajectory, default 8; the trajectory goes on
                              between them without a gap */
    size_t frames;         /* frames of a sequence, default 20 */
    double interval;       /* hours between frames, default 1 */
    double burn_in;        /* hours before the first frame, default 160 */
    size_t grid;        /* longitudes, on grid / 2 latitudes; a multiple of 4, >= 32; default 256 */
    size_t output_grid; /* longitudes written, an even divisor of grid, every grid / output_grid-th
                           of them and of the latitudes from the south on; 0 = grid / 2 */
    double umax_min, umax_max; /* m/s, defaults 60 and 80 */
    double perturbation;       /* height of the bump, m, default 120 */
    double viscosity; /* m^2/s, that the flow has at degree 32, default 1e5; the damping of smaller
                         scales grows with the fourth power of the degree */
    double step;      /* largest time step, hours; default 0 = chosen from the flow at every step */
    uint64_t seed;    /* trajectory i depends on seed and i alone, not on threads */
} fc_shallow_water_config;

FC_API fc_shallow_water_config fc_shallow_water_config_default(void);
FC_API FC_NODISCARD fc_status fc_shallow_water_generate(fc_context *context,
                                                        const fc_shallow_water_config *config,
                                                        fc_dataset **dataset);

/* The same cases without values, which are made when fc_dataset_load or a writer wants them: so
 * that a data set can be larger than memory. Sequences are cheapest in their order. */
FC_API FC_NODISCARD fc_status fc_wave_open(fc_context *context, const fc_wave_config *config,
                                           fc_dataset **dataset);
FC_API FC_NODISCARD fc_status fc_navier_stokes_open(fc_context *context,
                                                    const fc_navier_stokes_config *config,
                                                    fc_dataset **dataset);
FC_API FC_NODISCARD fc_status fc_shallow_water_open(fc_context *context,
                                                    const fc_shallow_water_config *config,
                                                    fc_dataset **dataset);

#ifdef __cplusplus
}
#endif
#endif
