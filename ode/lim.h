/* lim.h: linear inverse models of codes (Penland & Magorian 1993; the linear map of dynamic mode
 * decomposition): dz/dt = A (z - mean), whose propagator over one unit of model time is the
 * regression of codes on those one frame before. */
#ifndef FC_ODE_LIM_H
#define FC_ODE_LIM_H

#include "ode/ode.h"

/* Growing modes, and modes that change sign from frame to frame, which no flow does, are either
 * noise, held at neutral and forgotten at once, or they are kept: growing, and two and two turning
 * about each other by half a turn, as a wave does whose period is two frames. Where the data leave
 * a motion undetermined, it is forgotten in the first case and stays as it is in the second. */
typedef enum fc__lim_modes { FC__LIM_CAUTIOUS, FC__LIM_FAITHFUL } fc__lim_modes;

/* The generator A (C, C) from the pairs of neighbouring frames about one unit of time apart: the
 * first `modes` codes act on each other, each of the others forgets at its own rate. `ridge`, added
 * to the codes' covariance, is a share of each code's variance (cautious), or of the mean square of
 * all codes together (faithful). */
fc_status fc__lim_fit(fc_context *context, const fc_trajectories *trajectories, const double *mean,
                      size_t modes, double ridge, fc__lim_modes kind, double *generator);

/* propagator = exp(time A), (n, n) */
fc_status fc__exponential(fc_context *context, size_t n, const double *a, double time,
                          double *propagator);

#endif
