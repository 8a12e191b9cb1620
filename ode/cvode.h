/* cvode.h: one initial-value problem for a batch of samples under CVODE. cvode.c and
 * batch_vector.c are the only files that know SUNDIALS. */
#ifndef FC_ODE_CVODE_H
#define FC_ODE_CVODE_H

#include "ode/space.h"

/* The space's present system; it outlives the integrator. */
typedef struct fc__cvode_problem {
    fc__space *space;
    fc_ode_method method;
    double rtol, atol;
    long max_steps;
} fc__cvode_problem;

typedef struct fc__cvode_statistics {
    long steps, evaluations, error_failures; /* evaluations: of eval and jvp */
    int last_order;
    double last_step;
} fc__cvode_statistics;

typedef struct fc__cvode fc__cvode;

/* Starts at time 0 from z0 (batch, C) in host memory. *flag: CVODE's return value when it refuses
 * the problem, else 0. */
FC_NODISCARD fc_status fc__cvode_create(fc_context *context, const fc__cvode_problem *problem,
                                        const double *z0, fc__cvode **cvode, int *flag);
void fc__cvode_destroy(fc__cvode *cvode);

/* One step of CVODE's own length towards `end`, which it may pass. Returns its flag, >= 0 when the
 * step was made; *time is where it ended, or where the failing step began. */
int fc__cvode_step(fc__cvode *cvode, double end, double *time);
/* A vector of the space, at the end of the last step. */
const double *fc__cvode_state(const fc__cvode *cvode);
/* *z: a vector of the space, at a time within the last step, from the method's own polynomial.
 * Returns the flag. */
int fc__cvode_interpolate(fc__cvode *cvode, double time, const double **z);

fc__cvode_statistics fc__cvode_get_statistics(const fc__cvode *cvode);
void fc__cvode_flag_name(int flag, char name[FC_NAME_SIZE]); /* "CV_CONV_FAILURE" */

#endif
