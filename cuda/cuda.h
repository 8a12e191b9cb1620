/* cuda.h: the CUDA engine. General rules as in inr.h.
 *
 * An engine takes over, from a context's processor, forming and applying the basis, posterior
 * encoding, decoder and dynamics training, and CVODE's integration of vector fields with trained
 * weights. Decoders that bend, harmonic filters, and learned equations stay with the processor. In
 * a build without CUDA every function here fails with FC_ERROR_DEVICE and says so. */
#ifndef FC_CUDA_H
#define FC_CUDA_H

#include "ode/ode.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Arithmetic of the products of decoders and of dynamics training. Weights, gradients and sums are
 * float whatever the precision; covariances and what CVODE owns are double. Tensor cores of compute
 * capability 8.0 and above; FP32 below. */
typedef enum fc_cuda_precision {
    FC_CUDA_TF32, /* products of 11-bit factors: relative errors about 3e-4; the default */
    FC_CUDA_FP32, /* products of floats, as the processor's */
    FC_CUDA_BF16  /* products of 8-bit factors where fields are decoded, else as FC_CUDA_TF32 */
} fc_cuda_precision;

typedef struct fc_cuda_config {
    int index;                   /* of the device; default 0 */
    fc_cuda_precision precision; /* default FC_CUDA_TF32 */
    size_t memory; /* most bytes of device memory; default 0 = nine tenths of what is free */
} fc_cuda_config;

FC_API fc_cuda_config fc_cuda_config_default(void);

/* What there is to say about a device. */
typedef struct fc_cuda_description {
    char name[256];
    int major, minor; /* compute capability */
    int multiprocessors;
    size_t memory, free;  /* bytes */
    int driver, runtime;  /* CUDA versions, 1000 major + 10 minor */
    int cublas, cusolver; /* 10000 major + 100 minor + patch */
} fc_cuda_description;

/* Number of devices; FC_ERROR_DEVICE and a message that says why there are none. */
FC_API FC_NODISCARD fc_status fc_cuda_count(fc_context *context, int *count);
FC_API FC_NODISCARD fc_status fc_cuda_describe(fc_context *context, int index,
                                               fc_cuda_description *description);
/* Whether this library can compute on CUDA device `index`; if not, FC_ERROR_DEVICE and a message
 * that says why. */
FC_API FC_NODISCARD fc_status fc_cuda_check(fc_context *context, int index);

/* An engine on a device, for fc_context_set_engine. FC_ERROR_USAGE for a precision that does not
 * exist, FC_ERROR_DEVICE as fc_cuda_check. */
FC_API FC_NODISCARD fc_status fc_cuda_engine_create(fc_context *context,
                                                    const fc_cuda_config *config,
                                                    fc_engine **engine);

#ifdef __cplusplus
}
#endif
#endif
