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
/* As in the data sets of Li et al. 2021 (NavierStokes_V1e-4_N10000_T30 and V1e-5_N1200_T20):
 * frames at t = 1, 2, ..., 30 for viscosities of 1e-4 and more, ..., 20 for lower ones, one
 * sequence a trajectory, points of a 64 x 64 grid. The grid simulated has 192 x 192 points (there
 * 256 x 256, of which every fourth was kept). */
FC_API fc_navier_stokes_config fc_navier_stokes_config_fno(double viscosity);
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

/* 2-D heat equation on the periodic unit square:
 *
 *   du/dt = diffusivity lap u
 *
 * from the random field that is the initial vorticity above. Values are those of the exact
 * solution. */
typedef struct fc_heat_config {
    size_t sequences;      /* default 512 */
    size_t per_trajectory; /* sequences cut from one trajectory, default 1; the trajectory goes on
                              between them without a gap */
    size_t frames;         /* frames of a sequence, default 20 */
    double interval;       /* time between frames, default 1 */
    size_t grid;           /* points an axis, even, >= 16; default 64 */
    double diffusivity;    /* > 0; default 1e-3: over 20 frames the longest waves lose half */
    uint64_t seed;         /* trajectory i depends on seed and i alone */
} fc_heat_config;

FC_API fc_heat_config fc_heat_config_default(void);
FC_API FC_NODISCARD fc_status fc_heat_generate(fc_context *context, const fc_heat_config *config,
                                               fc_dataset **dataset);

/* 1-D Burgers' equation on the periodic unit interval (Li et al. 2021, section 5.1):
 *
 *   du/dt + u du/dx = viscosity d2u/dx2
 *
 * from the Gaussian random field with covariance 625 (-d2/dx2 + 25)^-2, without mean. Li et al.
 * have a viscosity of 0.1, their program (data_generation/burgers) 1e-3; the default lies between:
 * fronts form, and 256 points resolve them. */
typedef struct fc_burgers_config {
    size_t sequences;      /* default 512 */
    size_t per_trajectory; /* default 1 */
    size_t frames;         /* default 20 */
    double interval;       /* time between frames, default 0.05 */
    size_t grid;           /* points, even, >= 16; default 256. Fronts are about 8 viscosity / jump
                              wide */
    size_t output_grid;    /* points written: a divisor of grid; 0 = grid */
    double viscosity;      /* > 0, default 0.01 */
    double step;           /* largest time step; default 0 = chosen from the initial field */
    uint64_t seed;         /* trajectory i depends on seed and i alone, not on threads */
} fc_burgers_config;

FC_API fc_burgers_config fc_burgers_config_default(void);
FC_API FC_NODISCARD fc_status fc_burgers_generate(fc_context *context,
                                                  const fc_burgers_config *config,
                                                  fc_dataset **dataset);

/* 1-D Kuramoto-Sivashinsky equation on a periodic interval, chaotic from a length of about 22 on
 * (Cvitanovic et al. 2010, SIAM J. Appl. Dyn. Syst. 9):
 *
 *   du/dt + u du/dx + d2u/dx2 + d4u/dx4 = 0
 *
 * from small random waves without mean, the burn-in of which leads to the attractor. */
typedef struct fc_kuramoto_sivashinsky_config {
    size_t sequences;      /* default 512 */
    size_t per_trajectory; /* default 8 */
    size_t frames;         /* default 20 */
    double interval;       /* time between frames, default 1 */
    double burn_in;        /* time before the first frame, default 200 */
    size_t grid;           /* points, even, >= 16; default 128 */
    size_t output_grid;    /* points written: a divisor of grid; 0 = grid */
    double length;         /* of the interval, 0 < length <= pi (grid / 3); default 64 */
    double step;           /* largest time step; default 0 = 0.05 */
    uint64_t seed;         /* trajectory i depends on seed and i alone, not on threads */
} fc_kuramoto_sivashinsky_config;

FC_API fc_kuramoto_sivashinsky_config fc_kuramoto_sivashinsky_config_default(void);
FC_API FC_NODISCARD fc_status fc_kuramoto_sivashinsky_generate(
    fc_context *context, const fc_kuramoto_sivashinsky_config *config, fc_dataset **dataset);

/* 2-D Gray-Scott reaction and diffusion on a periodic square (parameters of Kirchmeyer et al. 2022,
 * CoDA, PEERS 3):
 *
 *   du/dt = diffusion_u lap u - u v^2 + feed (1 - u)
 *   dv/dt = diffusion_v lap v + u v^2 - (feed + kill) v
 *
 * from u = 0.95, v = 0.05 but for three squares of 3/32 of the length with u = 0, v = 1, at random
 * places, whose edges are smooth over 1/32 of it. Channels are u and v. CoDA's own data are those
 * of a difference scheme on 32 x 32 points 2 units apart, which is too coarse for the equation;
 * here it is solved on a finer grid and written at these points. */
typedef struct fc_gray_scott_config {
    size_t sequences;                /* default 128 */
    size_t per_trajectory;           /* default 1 */
    size_t frames;                   /* default 20 */
    double interval;                 /* time between frames, default 40 */
    double burn_in;                  /* time before the first frame, default 0 */
    size_t grid;                     /* points an axis, even, >= 16; default 128 */
    size_t output_grid;              /* points an axis written: a divisor of grid; default 32, 0 =
                                        grid */
    double length;                   /* of the sides, default 64 */
    double feed, kill;               /* >= 0, default 0.030, 0.062 */
    double diffusion_u, diffusion_v; /* >= 0, default 0.2097, 0.105 */
    double step;                     /* largest time step; default 0 = 1 */
    uint64_t seed;                   /* trajectory i depends on seed and i alone, not on threads */
} fc_gray_scott_config;

FC_API fc_gray_scott_config fc_gray_scott_config_default(void);
FC_API FC_NODISCARD fc_status fc_gray_scott_generate(fc_context *context,
                                                     const fc_gray_scott_config *config,
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
FC_API FC_NODISCARD fc_status fc_heat_open(fc_context *context, const fc_heat_config *config,
                                           fc_dataset **dataset);
FC_API FC_NODISCARD fc_status fc_burgers_open(fc_context *context, const fc_burgers_config *config,
                                              fc_dataset **dataset);
FC_API FC_NODISCARD fc_status fc_kuramoto_sivashinsky_open(
    fc_context *context, const fc_kuramoto_sivashinsky_config *config, fc_dataset **dataset);
FC_API FC_NODISCARD fc_status fc_gray_scott_open(fc_context *context,
                                                 const fc_gray_scott_config *config,
                                                 fc_dataset **dataset);

#ifdef __cplusplus
}
#endif
#endif
