/* The basis at points on the device: the fused kernel where there is one, else the plain path, a
 * product of matrices for each layer. */
#include "cuda/network.cuh"

enum { THREADS = 256, WARP = 32 };

/* phi0 (points, channels) of one channel: += r . b of each point, with bias in the first layer
 * (bias != NULL) in place of what is there. A warp takes a point. */
static __global__ void mean_kernel(size_t points, int width, const float *r, const float *b,
                                   const float *bias, int channels, float *phi0)
{
    size_t point = (blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x) / WARP;
    int lane = threadIdx.x % WARP;
    if (point >= points)
        return;
    float sum = 0.0f;
    for (int i = lane; i < width; i += WARP)
        sum += r[point * width + i] * b[i];
    for (int bits = WARP / 2; bits > 0; bits /= 2)
        sum += __shfl_xor_sync(0xffffffffu, sum, bits);
    if (lane == 0)
        phi0[point * channels] = sum + (bias ? *bias : phi0[point * channels]);
}

/* Reverse accumulation from the head down (r_l = du / d(A_l z + b_l) as a row):
 *
 *   r_L = head * s_L,   r_{l-1} = s_{l-1} * (r_l W_l),   Phi = sum_l r_l A_l,
 *   phi0 = bias + sum_l r_l . b_l */
static fc_status plain_channel(fc_context *context, const fc__cuda_network *n, size_t points,
                               size_t channel, float *phi0, float *phi)
{
    const fc__network_scratch *scratch = &n->scratch;
    const float *weights = n->parameters;
    size_t width = n->width, codes = n->codes, row = n->channels * codes;
    FC_RETURN_TRY(fc__network_multiply(context, n, points,
                                       fc__network_layer(n, scratch->s, points, n->layers),
                                       weights + n->layout.head + channel * width, 0, scratch->r));
    for (size_t l = n->layers + 1; l-- > 0;) {
        size_t block = (l * n->channels + channel) * width;
        bool first = l == n->layers;
        FC_RETURN_TRY(fc__device_sgemm(context, n->device, false, false, false, points, codes,
                                       width, 1.0f, scratch->r, width,
                                       weights + n->layout.a + block * codes, codes,
                                       first ? 0.0f : 1.0f, phi + channel * codes, row));
        FC_RETURN_TRY(fc__launch(context, n->device, "mean of the basis", mean_kernel,
                                 fc__blocks(points * WARP, THREADS), THREADS, 0, points, width,
                                 scratch->r, weights + n->layout.b + block,
                                 first ? weights + n->layout.bias + channel : nullptr, n->channels,
                                 phi0 + channel));
        if (l == 0)
            break;
        FC_RETURN_TRY(fc__device_sgemm(
            context, n->device, false, false, false, points, width, width, 1.0f, scratch->r, width,
            weights + n->layout.w + (l - 1) * width * width, width, 0.0f, scratch->q, width));
        FC_RETURN_TRY(fc__network_multiply(context, n, points,
                                           fc__network_layer(n, scratch->s, points, l - 1),
                                           scratch->q, width, scratch->r));
    }
    return FC_OK;
}

fc_status fc__cuda_network_basis(fc_context *context, fc__cuda_network *network, size_t count,
                                 const double *coordinates, float *phi0, float *phi)
{
    if (count == 0)
        return FC_OK;
    if (network->packed.memory)
        return fc__fused_basis(context, network, count, coordinates, phi0, phi);
    FC_RETURN_TRY(fc__network_scratch_open(context, network, count, false));
    const fc__network_scratch *scratch = &network->scratch;
    size_t dims = network->decoder->domain.dims;
    for (size_t start = 0; start < count; start += scratch->tile) {
        size_t points = count - start < scratch->tile ? count - start : scratch->tile;
        FC_RETURN_TRY(fc__cuda_network_embed(context, network, points, coordinates + start * dims,
                                             scratch->inputs));
        FC_RETURN_TRY(
            fc__cuda_network_filters(context, network, points, scratch->inputs, scratch->s));
        for (size_t channel = 0; channel < network->channels; channel++)
            FC_RETURN_TRY(plain_channel(context, network, points, channel,
                                        phi0 + start * network->channels,
                                        phi + start * network->channels * network->codes));
    }
    return FC_OK;
}
