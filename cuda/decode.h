/* decode.h: the step decode of fc__decoder_steps (inr/engine.h), and bases that stay on the device.
 */
#ifndef FC_CUDA_DECODE_H
#define FC_CUDA_DECODE_H

#include "cuda/engine.h"
#include "cuda/kept.h"
#include "cuda/network.h"

/* A basis at a set of points, device: what FC__KEPT_BASIS keeps. */
typedef struct fc__cuda_basis_kept {
    fc__device *device;
    size_t count, channels, codes;
    float *phi0; /* (count, channels) */
    float *phi;  /* (count, channels, C) */
} fc__cuda_basis_kept;

/* The basis that is kept, or formed now and kept; *held = NULL, with FC_OK, for a decoder that the
 * device does not take and where the basis is more than is kept or than there is room for. The
 * caller releases it. `key` of the basis (fc__basis_key) may be NULL: it is then computed. */
fc_status fc__cuda_basis_hold(fc_context *context, fc__cuda *cuda, const fc_decoder *decoder,
                              const fc__key *key, size_t count, const double *coordinates,
                              fc__kept **held);

fc_status fc__cuda_decode(void *device, fc_context *context, const fc_decoder *decoder,
                          const fc__decoding *decoding, bool *taken);

#endif
