/* cuda.h: the CUDA engine. General rules as in inr.h. */
#ifndef FC_CUDA_H
#define FC_CUDA_H

#include "ode/ode.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether this library can compute on CUDA device `index`; if not, FC_ERROR_DEVICE and a message
 * that says why. */
FC_API FC_NODISCARD fc_status fc_cuda_check(fc_context *context, int index);

#ifdef __cplusplus
}
#endif
#endif
