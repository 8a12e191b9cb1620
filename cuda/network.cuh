/* network.cuh: the inside of a network on the device, for the sources that compute with it. */
#ifndef FC_CUDA_NETWORK_CUH
#define FC_CUDA_NETWORK_CUH

#include "cuda/filters.cuh"
#include "cuda/network.h"

/* What the plain paths work on, for `tile` points at a time; matrices are (tile, width), layers
 * follow each other. */
struct fc__network_scratch {
    size_t tile;
    double *inputs;               /* (tile, inputs) */
    float *s, *r, *q;             /* (distinct), (layers + 1), (layers) matrices; of the basis alone
                                     r and q are one */
    float *r_bar, *q_bar, *s_bar; /* gradients only; s_bar (layers + 1): trainable filters only */
};

/* The weights as the fused kernels want them (basis_fused.cu). */
struct fc__packed_network {
    int depth;       /* rows: the width up to a multiple of FC__TILE_STEP */
    int width;       /* columns of W: those of the kernel's shape */
    int columns;     /* of A that a pass takes */
    int passes;      /* a channel */
    float *memory;   /* of all below */
    float *w;        /* (layers) matrices (depth, width) */
    float *a;        /* (channels, passes, layers + 1) matrices (depth, columns) */
    float *b, *head; /* (channels, layers + 1, depth), (channels, width) */
};

struct fc__cuda_network {
    fc__device *device;
    const fc_decoder *decoder;
    fc_decoder_layout layout;
    size_t layers, filters, width, codes, channels, inputs, distinct;
    fc__embedding embedding;
    float *parameters;
    fc__network_scratch scratch;
    bool for_gradient; /* the scratch */
    fc__packed_network packed;
};

/* Room for at most `count` points of the plain path. */
fc_status fc__network_scratch_open(fc_context *context, fc__cuda_network *network, size_t count,
                                   bool gradient);

/* Filters of layer l in s (distinct, points, width). */
inline const float *fc__network_layer(const fc__cuda_network *network, const float *s,
                                      size_t points, size_t l)
{
    return s + (network->distinct > 1 ? l * points * network->width : 0);
}

/* r = s * q, (points, width); q has rows of `stride`, 0 = one row for all. */
fc_status fc__network_multiply(fc_context *context, const fc__cuda_network *network, size_t points,
                               const float *s, const float *q, size_t stride, float *r);

/* The fused path: whether there is one for this network, its weights made and renewed, and the
 * basis. */
bool fc__fused_takes(const fc__cuda_network *network);
fc_status fc__fused_open(fc_context *context, fc__cuda_network *network);
fc_status fc__fused_pack(fc_context *context, fc__cuda_network *network);
fc_status fc__fused_basis(fc_context *context, const fc__cuda_network *network, size_t count,
                          const double *coordinates, float *phi0, float *phi);

#endif
