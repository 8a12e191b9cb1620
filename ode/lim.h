/* lim.h: linear inverse models of codes (Penland & Magorian 1993; the linear map of dynamic mode
 * decomposition): dz/dt = A (z - mean), whose propagator over one unit of model time is the
 * regression of codes on those one frame before. */
#ifndef FC_ODE_LIM_H
#define FC_ODE_LIM_H

#include "ode/ode.h"

/* The generator A (C, C) from the pairs of neighbouring frames about one unit of time apart: the
 * first `modes` codes act on each other, each of the others forgets at its own rate. `ridge` is the
 * share of the codes' variance added to their covariance. Growing modes are held at neutral, and a
 * mode that changes sign from frame to frame, which no flow does, is forgotten at once. */
fc_status fc__lim_fit(fc_context *context, const fc_trajectories *trajectories, const double *mean,
                      size_t modes, double ridge, double *generator);

/* propagator = exp(time A), (n, n) */
fc_status fc__exponential(fc_context *context, size_t n, const double *a, double time,
                          double *propagator);

#endif
