/* network.h: an affine decoder's weights on the device, and its basis at points there.
 *
 * Pointers marked `device` are to device memory; shapes are those of inr.h (fc_decoder_layout). */
#ifndef FC_CUDA_NETWORK_H
#define FC_CUDA_NETWORK_H

#include "cuda/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc__cuda_network fc__cuda_network;

/* Whether the device takes a decoder: none that bends, and none with harmonic filters. */
bool fc__cuda_network_takes(const fc_decoder *decoder);

/* *network = NULL, with FC_OK, for a decoder that the device does not take. The decoder must
 * outlive it. */
fc_status fc__cuda_network_create(fc_context *context, fc__device *device,
                                  const fc_decoder *decoder, fc__cuda_network **network);
void fc__cuda_network_destroy(fc__cuda_network *network);

/* (parameter_count) device, laid out as decoder->parameters; starts as their copy. Who writes there
 * calls refresh before the next function below. */
float *fc__cuda_network_parameters(fc__cuda_network *network);
fc_status fc__cuda_network_refresh(fc_context *context, fc__cuda_network *network);

/* coordinates: (count, dims) device. inputs (count, inputs) device, double. */
fc_status fc__cuda_network_embed(fc_context *context, fc__cuda_network *network, size_t count,
                                 const double *coordinates, double *inputs);

/* Layers with filters of their own: 1 where all have the same, else layers + 1. */
size_t fc__cuda_network_distinct(const fc__cuda_network *network);
/* s (distinct, count, 2 filters) device: [sin, cos](Omega_l x) */
fc_status fc__cuda_network_filters(fc_context *context, fc__cuda_network *network, size_t count,
                                   const double *inputs, float *s);

/* phi0 (count, channels), phi (count, channels, C) device */
fc_status fc__cuda_network_basis(fc_context *context, fc__cuda_network *network, size_t count,
                                 const double *coordinates, float *phi0, float *phi);

/* Adds to gradient (parameter_count) device, given phi0_bar and phi_bar device. */
fc_status fc__cuda_network_basis_vjp(fc_context *context, fc__cuda_network *network, size_t count,
                                     const double *coordinates, const float *phi0_bar,
                                     const float *phi_bar, float *gradient);

#ifdef __cplusplus
}
#endif
#endif
