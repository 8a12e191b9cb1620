/* batch.h: the integration of some samples as one system under CVODE, and their division when that
 * fails. */
#ifndef FC_ODE_BATCH_H
#define FC_ODE_BATCH_H

#include "ode/space.h"

/* What all batches share: the arguments of fc_integrate. */
typedef struct fc__batch_job {
    fc_context *context;
    const fc_field *field;
    const fc_integrator_config *config;
    const double *z0;
    const size_t *time_counts;
    const double *const *times;
    double *const *z;
    fc_integration *integrations; /* (samples) */
} fc__batch_job;

/* Integrates the samples members[0..count), at most the space's capacity, as one system; when that
 * fails, those not complete are divided until the failing ones stand alone. members is reordered.
 * What went wrong with samples is in their integrations; the call itself fails for want of memory
 * and when a device does, without a message but that of the space. */
FC_NODISCARD fc_status fc__batch_integrate(const fc__batch_job *job, fc__space *space,
                                           size_t *members, size_t count);

#endif
