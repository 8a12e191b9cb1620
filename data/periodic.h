/* periodic.h: pseudo-spectral solver of du/dt = L u + N(u) on the periodic line or square, for any
 * number of fields, with L diagonal in wave numbers. Private to this room. */
#ifndef FC_DATA_PERIODIC_H
#define FC_DATA_PERIODIC_H

#include "data/vorticity.h"

/* An equation. parameters: what its functions are called with. */
typedef struct fc__periodic_equation {
    size_t dims, fields; /* 1 or 2 axes */
    double length;       /* of the sides */
    const void *parameters;
    /* L of a field at kappa^2, kappa the wave number in radians a unit of length. */
    double (*rate)(const void *parameters, size_t field, double square);
    /* N at points; values and result: (fields, points). */
    void (*product)(const void *parameters, size_t points, const double *values, double *result);
    bool flux; /* N is the derivative along x of what `product` gives */
} fc__periodic_equation;

typedef struct fc__periodic fc__periodic;

/* grid: points an axis, even. Wave numbers |k| < grid / 3 are kept: quadratic terms are free of
 * aliasing. The state is zero. Safe to call from several threads. */
fc_status fc__periodic_create(fc_context *context, const fc__periodic_equation *equation,
                              size_t grid, fc__periodic **solver);
void fc__periodic_destroy(fc__periodic *solver);

size_t fc__periodic_modes(const fc__periodic *solver); /* largest kept wave number */
size_t fc__periodic_steps(const fc__periodic *solver); /* taken so far */

/* Coefficient of exp(2 pi i (kx x + ky y) / length), 0 <= kx <= modes, |ky| <= modes, may be
 * written; where kx = 0, that of -ky is to be its conjugate. */
double *fc__periodic_coefficient(fc__periodic *solver, size_t field, long kx, long ky);
/* Those of the first field on a line, (modes + 1). */
fc__complex *fc__periodic_line(fc__periodic *solver);
/* All to zero. */
void fc__periodic_clear(fc__periodic *solver);

/* The state to and from values on the grid, (fields, points), rows of constant y. What comes back
 * belongs to the solver and holds until its next call. */
const double *fc__periodic_values(fc__periodic *solver);
double *fc__periodic_buffer(fc__periodic *solver); /* to be filled for fc__periodic_take */
void fc__periodic_take(fc__periodic *solver);
/* Every n-th point an axis of them, (size, channels) or (size, size, channels). */
void fc__periodic_store(fc__periodic *solver, size_t size, float *values);

/* Advances the state by `duration` in equal steps no larger than `largest`. Otherwise as
 * fc__vorticity_advance. */
fc_status fc__periodic_advance(const fc_context *context, fc__periodic *solver, double duration,
                               double largest, double *elapsed);

#endif
