/* layer.h: spectral solver of the shallow water equations on a rotating sphere. Private to this
 * room. Everything is in SI units. */
#ifndef FC_DATA_LAYER_H
#define FC_DATA_LAYER_H

#include "data/harmonics.h"

/* A layer of mean depth H with the surface h above it, u its velocity, zeta = curl u, delta = div
 * u:
 *
 *   du/dt + (zeta + f) k x u = -grad (g h + u.u / 2) - nu lap^2 u
 *   dh/dt + div ((H + h) u) = -nu lap^2 h */
typedef struct fc__layer_config {
    size_t degree;    /* of the triangular truncation, >= 2 */
    double radius;    /* m */
    double rotation;  /* 1/s; f = 2 rotation sin latitude */
    double gravity;   /* m/s^2 */
    double depth;     /* H, m */
    double viscosity; /* nu, m^4/s */
} fc__layer_config;

typedef struct fc__layer fc__layer;

fc_status fc__layer_create(fc_context *context, const fc__layer_config *config, fc__layer **layer);
void fc__layer_destroy(fc__layer *layer);

/* The solver's own grid, (rings, longitudes), on which products are free of aliasing. */
const fc__harmonics *fc__layer_harmonics(const fc__layer *layer);
size_t fc__layer_rings(const fc__layer *layer);
size_t fc__layer_longitudes(const fc__layer *layer);
double *fc__layer_coriolis(fc__layer *layer);   /* f on that grid, may be written */
size_t fc__layer_steps(const fc__layer *layer); /* taken so far */

/* The state from values on that grid. height: h, or NULL for the one that goes with a velocity
 * without divergence to keep it so at first: g lap h = -div ((zeta + f) k x u) - lap (u.u / 2), of
 * mean 0. */
void fc__layer_set(fc__layer *layer, const double *south, const double *east, const double *height);
void fc__layer_add_height(fc__layer *layer, const double *height);

/* Coefficients of the state: zeta, delta or h. */
const fc__complex *fc__layer_vorticity(const fc__layer *layer);
const fc__complex *fc__layer_divergence(const fc__layer *layer);
const fc__complex *fc__layer_height(fc__layer *layer); /* holds until the next call */

/* Advances the state by `duration` s in steps no larger than `largest` (0 = no such bound) nor than
 * the speed of the flow allows. FC_ERROR_SOLVER when the state ceases to be finite or would need
 * too small steps, FC_INTERRUPTED when the context asks for it; *elapsed (may be NULL) tells how
 * far the solver came. Leaves no message, so that threads may share the context. */
fc_status fc__layer_advance(const fc_context *context, fc__layer *layer, double duration,
                            double largest, double *elapsed);

#endif
