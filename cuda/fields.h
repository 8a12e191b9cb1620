/* fields.h: fields of many codes from a basis on the device. */
#ifndef FC_CUDA_FIELDS_H
#define FC_CUDA_FIELDS_H

#include "cuda/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Floats of device memory that fc__cuda_fields works in. */
size_t fc__cuda_fields_work(size_t codes, size_t frames);

/* values (frames, rows) = mean + scale (phi0 + Phi z), where row r is of channel r % channels; all
 * device: phi0 (rows), phi (rows, C), z (frames, C), mean and scale (channels), both NULL = 0
 * and 1. The products are of floats, or nearly so: by tensor cores each factor is the sum of two
 * bfloat16, which leaves relative errors of 4e-6; with FC_CUDA_BF16 it is one, 4e-3. */
fc_status fc__cuda_fields(fc_context *context, fc__device *device, size_t rows, size_t codes,
                          size_t channels, size_t frames, const float *phi0, const float *phi,
                          const float *z, const float *mean, const float *scale, float *work,
                          float *values);

#ifdef __cplusplus
}
#endif
#endif
