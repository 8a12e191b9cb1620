/* validation.h: rollouts of whole sequences on the device and their mean squared error. */
#ifndef FC_CUDA_VALIDATION_H
#define FC_CUDA_VALIDATION_H

#include "cuda/rollout.h"

/* What is kept for the trajectories seen last. */
typedef struct fc__cuda_validation {
    const fc_trajectories *of; /* NULL = none yet */
    size_t count, *sequence;   /* those of two frames or more, the longest first */
    size_t batch;              /* of them that are rolled out together */
    fc__cuda_trajectories trajectories;
    fc__cuda_rollout rollout;
    uint32_t *rows;   /* (batch) */
    double *row_loss; /* (batch) */
} fc__cuda_validation;

/* As fc__descent_steps' validate, by the weights [E, D] of a field; trajectories that were seen
 * before have not changed. */
fc_status fc__cuda_validate(fc_context *context, fc__device *device,
                            fc__cuda_validation *validation, const fc__cuda_field *field,
                            const fc_field_config *config, const float *weights,
                            const fc_trajectories *trajectories, double *loss);
void fc__cuda_validation_clear(fc__device *device, fc__cuda_validation *validation);

#endif
