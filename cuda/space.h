/* space.h: CVODE's vectors and the right-hand side on a device (ode/space.h). */
#ifndef FC_CUDA_SPACE_H
#define FC_CUDA_SPACE_H

#include "cuda/engine.h"

/* fc__dynamics_steps.space; device: an fc__cuda. Takes fields with trained weights. The capacity is
 * what of `samples` fits into the device's memory beside CVODE's history. */
fc_status fc__cuda_space_create(void *device, fc_context *context, const fc_field *field,
                                const fc_integrator_config *config, size_t samples,
                                fc__space **space);

#endif
