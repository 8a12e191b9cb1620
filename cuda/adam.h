/* adam.h: Adam steps on the device (inr/adam.h). */
#ifndef FC_CUDA_ADAM_H
#define FC_CUDA_ADAM_H

#include "cuda/device.h"
#include "inr/adam.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gradient, first, second, parameters: (count) device */
fc_status fc__cuda_adam(fc_context *context, fc__device *device,
                        const fc__adam_constants *constants, size_t count, const float *gradient,
                        float *first, float *second, float *parameters);

#ifdef __cplusplus
}
#endif
#endif
