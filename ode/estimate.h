/* estimate.h: the code of a sequence at a time, from the frames seen so far.
 */
#ifndef FC_ODE_ESTIMATE_H
#define FC_ODE_ESTIMATE_H

#include "ode/model.h"

/* A Gaussian estimate of the departure code. */
typedef struct fc__estimate {
    bool begun; /* a frame has been seen; set it to false before another sequence */
    double time;
    double *z;          /* (C) */
    double *covariance; /* (C, C) */
    size_t observed;    /* values observed in the latest frame */
} fc__estimate;

fc_status fc__estimate_create(fc_context *context, const fc_model *model, fc__estimate *estimate);
void fc__estimate_clear(fc__estimate *estimate);

/* Takes in a frame (count points, values in physical units), which must come after those before:
 * the first one is encoded under the model's prior. Those that follow are an extended Kalman filter
 * (Jazwinski 1970, ch. 8) in code space, whose forecast of the frame is the prior of its code:
 *
 *   z_f = flow(z),   P_f = F P F^T + Q,   F the flow's derivative, Q its error at that lead
 *
 * where the estimate's leading directions are carried by differences of the flow over one standard
 * deviation, and the rest, which has less than a tenth of the variance of Q, stays as it is. Where
 * the flow breaks down the estimate begins anew; where nothing is observed the forecast stands. */
fc_status fc__estimate_observe(fc_context *context, const fc_model *model,
                               const fc_integrator_config *config, double time, size_t count,
                               const double *coordinates, const float *values, const bool *seen,
                               fc__estimate *estimate);

#endif
