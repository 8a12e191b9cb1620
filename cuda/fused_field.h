/* fused_field.h: a vector field with trained weights in one kernel on tensor cores.
 *
 * A block of threads keeps some rows of z in shared memory and goes through the factors in chunks:
 * p = V z + a, q = W z + d and p * q stay in registers and shared memory, and U (p * q) is summed
 * in registers. Hidden units and the linear part are chunks as well. Products are of floats taken
 * apart into two TF32 parts each, of which three products are kept: as exact as in float. */
#ifndef FC_CUDA_FUSED_FIELD_H
#define FC_CUDA_FUSED_FIELD_H

#include "cuda/device.h"
#include "ode/ode.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc__fused_field fc__fused_field;

/* *made = NULL, with FC_OK, where the device has no tensor cores or is asked for FP32, or the codes
 * are too many for its shared memory. */
fc_status fc__fused_field_create(fc_context *context, fc__device *device, const fc_field *field,
                                 fc__fused_field **made);
void fc__fused_field_destroy(fc__fused_field *field);

/* dz = f(z), (rows, C) device each; sets *infinite (device, or pinned
 * host memory) to 1 where any of it is not finite. */
fc_status fc__fused_field_eval(fc_context *context, fc__fused_field *field, size_t rows,
                               const double *z, double *dz, int *infinite);

#ifdef __cplusplus
}
#endif
#endif
