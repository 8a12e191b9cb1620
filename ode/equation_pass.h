/* equation_pass.h: one pass of identification over the training intervals. */
#ifndef FC_ODE_EQUATION_PASS_H
#define FC_ODE_EQUATION_PASS_H

#include "ode/equation.h"

/* Intervals between consecutive frames of trajectories, in waves. */
typedef struct fc__intervals {
    const fc_trajectories *trajectories;
    const fc__code_map *map;
    size_t count;
    size_t *frame;       /* (count) first frame of each */
    size_t *begin, *end; /* (count) frames of its sequence */
    size_t *substeps;    /* (count) Runge-Kutta steps, as fc__equation_residual finds them */
} fc__intervals;

/* Sums over intervals of the least-squares problem r = X theta + G forcing for the changes of the
 * coefficients. Rows are (channels, waves, 2), weighted so that their squares add up to mean
 * squares over the domain; columns are the equation's terms. */
typedef struct fc__normal_sums {
    size_t columns, rows, waves, channels;
    double *gram;       /* (columns, columns) of X */
    double *rhs;        /* (columns) X^T r */
    double *column_sum; /* (columns, rows) of X */
    double *row_sum;    /* (rows) of r */
    double *row_square; /* (rows) of r^2 */
    fc__wave *response; /* (waves, channels, channels) sum of G */
    double square;      /* of r */
    double count;       /* intervals */
} fc__normal_sums;
void fc__normal_sums_clear(fc__normal_sums *sums);

/* How states between the frames are had. */
typedef enum fc__between {
    FC__INTERPOLATED, /* from the frames around; r is the change over the interval */
    FC__INTEGRATED    /* by the equation; r is the error of its forecast */
} fc__between;

/* Mean squared error of the forecasts over that of persistence, INFINITY when one is not finite;
 * and the steps of every interval, whose error is small beside that of its forecast. */
fc_status fc__equation_residual(fc_context *context, const fc__spectral *spectral,
                                const fc_equation *equation, fc__intervals *intervals,
                                double *residual);

/* The sums, which are made by this. */
fc_status fc__equation_pass(fc_context *context, const fc__spectral *spectral,
                            const fc_equation *equation, const fc__intervals *intervals,
                            fc__between between, fc__normal_sums *sums);

/* One damped Gauss-Newton step from the sums of a pass (equation_step.c): new coefficients, of
 * which those that do not matter become zero, and forcing. tolerance: share by which the residual
 * may grow by that; damping: in columns of unit length. */
fc_status fc__equation_step(fc_context *context, double tolerance, double damping,
                            const fc__normal_sums *sums, fc_equation *equation);

#endif
