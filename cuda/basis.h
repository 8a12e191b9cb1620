/* basis.h: the steps basis and basis_vjp of fc__decoder_steps (inr/engine.h). */
#ifndef FC_CUDA_BASIS_H
#define FC_CUDA_BASIS_H

#include "cuda/engine.h"

fc_status fc__cuda_basis(void *device, fc_context *context, const fc_decoder *decoder, size_t count,
                         const double *coordinates, float *phi0, float *phi, bool *taken);
fc_status fc__cuda_basis_vjp(void *device, fc_context *context, const fc_decoder *decoder,
                             size_t count, const double *coordinates, const float *phi0_bar,
                             const float *phi_bar, float *parameter_gradient, bool *taken);

#endif
