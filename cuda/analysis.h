/* analysis.h: what normal matrices make of a prior (inr/analysis.h), on the device and for many
 * groups at once:
 *
 *   M = I + F^T N F = L L^T,   root = L^-1 F^T,   P = root^T root
 *
 * always in this primal form. In the whitened coordinates it is no worse conditioned than the dual
 * form, as the eigenvalues of M are those of the dual's matrix and ones, and a device has little to
 * gain from smaller matrices.
 *
 * Matrices are (C, C) or (groups, C, C), device. */
#ifndef FC_CUDA_ANALYSIS_H
#define FC_CUDA_ANALYSIS_H

#include "cuda/cholesky.h"

#ifdef __cplusplus
extern "C" {
#endif

/* whitened = M; product is scratch, all (groups, C, C). */
fc_status fc__cuda_whiten(fc_context *context, fc__device *device, size_t groups, size_t codes,
                          const double *factor, const double *normal, double *product,
                          double *whitened);
/* root by the factors of M; covariance = P. */
fc_status fc__cuda_roots(fc_context *context, fc__device *device, fc__cuda_cholesky *whitened,
                         size_t groups, size_t codes, const double *factor, double *root,
                         double *covariance);

#ifdef __cplusplus
}
#endif
#endif
