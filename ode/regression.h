/* regression.h: a bilinear field by regression of its flow.
 *
 * The field's products are those of a quadratic kernel k(z, z') = (z . z')^2 at R anchors, frames
 * drawn from the data (the subset of regressors of a Gaussian process, Smola & Bartlett 2001):
 *
 *   dz/dt = b + A z + U (V z)^2,   V the anchors, W = V, a = d = 0
 *
 * so that b, A and U are found by ridge regression as in operator inference (Peherstorfer &
 * Willcox 2016), but from where the flow arrives after an interval, not from derivatives, which
 * frames an interval apart do not give. The ridge weighs U by the kernel's norm. */
#ifndef FC_ODE_REGRESSION_H
#define FC_ODE_REGRESSION_H

#include "inr/support.h"
#include "ode/ode.h"

/* Sets the weights of a field with a linear part and no hidden units. Frames must be at
 * equal intervals of about one: FC_ERROR_DATA. Ends when the loss no longer falls or after
 * `seconds`; loss: mean squared error of one-interval forecasts. */
fc_status fc__regression_fit(fc_context *context, const fc_trajectories *trajectories, double ridge,
                             double seconds, uint64_t seed, fc_field *field, double *loss);

/* ---------------------------------------------------------------- its normal equations */

/* Features phi(z) = [b0; z / size; L^-1 g (V z)^2], whose coefficients theta (F, C) all have the
 * same prior; L L^T is the kernel's matrix of the anchors. */
typedef struct fc__features {
    size_t codes, rank, count; /* C, R, F = 1 + C + R */
    double size;               /* root mean square of |z| */
    double *anchors;           /* V (R, C) */
    double *factor;            /* L (R, R) */
} fc__features;
fc_status fc__features_create(fc_context *context, const fc_trajectories *trajectories, size_t rank,
                              uint64_t seed, fc__features *features);
void fc__features_clear(fc__features *features);
/* phi (F, rows) of codes (rows, C) */
void fc__features_at(fc_context *context, const fc__features *features, size_t rows,
                     const double *z, double *phi);
/* The field's parameters from theta. */
void fc__features_field(const fc__features *features, const fc_field_config *config,
                        const double *theta, double *scratch /* (R, C) */, double *parameters);

/* How the end of an interval depends on theta, sum_q w_q exp((1 - s_q) A) theta^T phi(z(s_q)): by
 * Simpson's nodes s_q, with the mean propagator of a generator A for that of each pair of frames.
 */
enum { FC__NODES = 3 };
typedef struct fc__normal {
    size_t codes, count;
    double ridge, unit;                       /* on theta; mean square of phi */
    double damping;                           /* of steps, see fc__normal_solve */
    double *gram[FC__NODES][FC__NODES];       /* (F, F) of p <= q, sums over pairs of frames */
    double *propagator[FC__NODES];            /* (C, C), from a node to the end */
    double *mean;                             /* (F, F) of the three p = q */
    double *axes, *spread;                    /* its eigenvectors (F, F) and eigenvalues (F) */
    double *metric;                           /* M (C, C), of the ridge */
    double *modes, *gain;                     /* its eigenvectors (C, C) and eigenvalues (C) */
    double *turned[FC__NODES], *mixed, *work; /* (F, C) */
    double *phi[FC__NODES], *pulled;          /* (F, rows), (rows, C) */
} fc__normal;
fc_status fc__normal_create(fc_context *context, const fc__features *features, fc__normal *normal);
void fc__normal_clear(fc__normal *normal);
fc_status fc__normal_propagate(fc_context *context, const double *generator, fc__normal *normal);
/* The sums over intervals that the field itself crosses by state[q] (pairs, C) at node q: not the
 * data's, as the data may have invariants that the field has yet to learn. descent (F, C): how
 * theta would have to change by what `residual` (pairs, C) is missing at the ends. `ridge` on theta
 * is a share of the mean square of phi. */
void fc__normal_sum(fc_context *context, const fc__features *features, size_t pairs,
                    double *const state[FC__NODES], const double *residual, double ridge,
                    fc__normal *normal, double *descent);
/* The metric M of the ridge, the square of the mean propagator over the nodes and a tenth of the
 * identity, and what steps are preconditioned by; after both of the above. */
fc_status fc__normal_factor(fc_context *context, fc__normal *normal);
/* ridge / 2 tr(theta M theta^T): what counts is what theta does by the end of an interval, which
 * for motions that turn or decay fast is little. Its gradient is taken from `descent`, if given. */
double fc__normal_prior(fc_context *context, fc__normal *normal, const double *theta,
                        double *descent);
/* image (F, C): the damped normal matrix times theta (F, C) */
void fc__normal_apply(fc_context *context, const fc__normal *normal, const double *theta,
                      double *image);
/* step (F, C): the Gauss-Newton step for a negative gradient (F, C), by conjugate gradients. Steps
 * are damped (Levenberg-Marquardt) by the share normal->damping of the mean square of the change of
 * the field at the nodes. */
fc_status fc__normal_solve(fc_context *context, fc__normal *normal, const double *descent,
                           double *step);

#endif
