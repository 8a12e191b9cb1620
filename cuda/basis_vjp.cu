/* The gradient of the weights given those of the basis, by products of matrices over tiles of
 * points; forward and backward as in basis.cu. */
#include "cuda/network.cuh"

enum { THREADS = 256, SUM_THREADS = 1024, SUM_COLUMNS = 8 };

static fc_status gemm_add(fc_context *context, const fc__cuda_network *n, bool ta, bool tb,
                          size_t rows, size_t columns, size_t depth, const float *a, size_t lda,
                          const float *b, size_t ldb, bool add, float *c, size_t ldc)
{
    return fc__device_sgemm(context, n->device, false, ta, tb, rows, columns, depth, 1.0f, a, lda,
                            b, ldb, add ? 1.0f : 0.0f, c, ldc);
}

/* A layer's matrix (points, width) of the scratch. */
static float *layer_of(const fc__cuda_network *n, float *matrices, size_t l)
{
    return matrices + l * n->scratch.tile * n->width;
}

/* The r_l and q_l of one channel: q_{l-1} = r_l W_l, r_{l-1} = s_{l-1} * q_{l-1}. */
static fc_status forward(fc_context *context, const fc__cuda_network *n, size_t points,
                         size_t channel)
{
    const fc__network_scratch *scratch = &n->scratch;
    size_t width = n->width;
    FC_RETURN_TRY(fc__network_multiply(
        context, n, points, fc__network_layer(n, scratch->s, points, n->layers),
        n->parameters + n->layout.head + channel * width, 0, layer_of(n, scratch->r, n->layers)));
    for (size_t l = n->layers; l > 0; l--) {
        float *q = layer_of(n, scratch->q, l - 1);
        FC_RETURN_TRY(gemm_add(
            context, n, false, false, points, width, width, layer_of(n, scratch->r, l), width,
            n->parameters + n->layout.w + (l - 1) * width * width, width, false, q, width));
        FC_RETURN_TRY(fc__network_multiply(context, n, points,
                                           fc__network_layer(n, scratch->s, points, l - 1), q,
                                           width, layer_of(n, scratch->r, l - 1)));
    }
    return FC_OK;
}

/* Completes r_bar += phi0_bar b and passes it through r = s * q: s_bar += r_bar * q (where there is
 * one), q_bar = r_bar * s. q has rows of `stride`, 0 = one row for all points. */
static __global__ void product_backward(size_t points, int width, const float *phi0_bar,
                                        int channels, const float *b, const float *s,
                                        const float *q, size_t stride, const float *r_bar,
                                        float *q_bar, float *s_bar)
{
    size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x;
    if (i >= points * width)
        return;
    size_t point = i / width, column = i % width;
    float bar = r_bar[i] + phi0_bar[point * channels] * b[column];
    q_bar[i] = bar * s[i];
    if (s_bar)
        s_bar[i] += bar * q[point * stride + column];
}

/* gradient[column] += sum over points of factor[point] m[point][column], factor NULL = ones; both
 * have rows of their stride. A block takes as many columns as a sector of memory has, so that there
 * are many blocks, and a thread has some loads on their way at a time. */
static __global__ void __launch_bounds__(SUM_THREADS)
    column_sums(size_t points, int width, const float *factor, int factor_stride, const float *m,
                int m_stride, float *gradient)
{
    const int rows = SUM_THREADS / SUM_COLUMNS, together = 8;
    float *sums = fc__shared_memory<float>() + threadIdx.x;
    int column = blockIdx.x * SUM_COLUMNS + threadIdx.x % SUM_COLUMNS;
    float sum = 0.0f;
    for (size_t p = threadIdx.x / SUM_COLUMNS; p < points; p += rows * together) {
        float value[together], weight[together];
#pragma unroll
        for (int i = 0; i < together; i++) {
            size_t row = p + i * rows;
            bool valid = row < points && column < width;
            value[i] = valid ? m[row * m_stride + column] : 0.0f;
            weight[i] = valid && factor ? factor[row * factor_stride] : 1.0f;
        }
#pragma unroll
        for (int i = 0; i < together; i++)
            sum += value[i] * weight[i];
    }
    *sums = sum;
    for (unsigned half = SUM_THREADS / 2; half >= SUM_COLUMNS; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half)
            *sums += sums[half];
    }
    if (threadIdx.x < SUM_COLUMNS && column < width)
        gradient[column] += *sums;
}

static fc_status add_column_sums(fc_context *context, const fc__cuda_network *n, size_t points,
                                 size_t width, const float *factor, const float *m, size_t stride,
                                 float *gradient)
{
    return fc__launch(context, n->device, "sums over points", column_sums,
                      fc__blocks(width, SUM_COLUMNS), SUM_THREADS, SUM_THREADS * sizeof(float),
                      points, width, factor, n->channels, m, stride, gradient);
}

/* Gradients of A_l and b_l, and r_bar += Phi_bar A_l^T (of r_l, 0 before for l = 0). */
static fc_status shift_backward(fc_context *context, const fc__cuda_network *n, size_t points,
                                size_t channel, size_t l, const float *phi0_bar,
                                const float *phi_bar, float *gradient)
{
    const fc__network_scratch *scratch = &n->scratch;
    size_t width = n->width, codes = n->codes, row = n->channels * codes;
    size_t block = (l * n->channels + channel) * width;
    size_t a = n->layout.a + block * codes, b = n->layout.b + block;
    const float *r = layer_of(n, scratch->r, l), *bar = phi_bar + channel * codes;
    FC_RETURN_TRY(gemm_add(context, n, true, false, width, codes, points, r, width, bar, row, true,
                           gradient + a, codes));
    FC_RETURN_TRY(gemm_add(context, n, false, true, points, width, codes, bar, row,
                           n->parameters + a, codes, l > 0, scratch->r_bar, width));
    return add_column_sums(context, n, points, width, phi0_bar + channel, r, width, gradient + b);
}

/* Through q_{l-1} = r_l W_l: gradient of W_l, and r_bar = q_bar W_l^T. */
static fc_status layer_backward(fc_context *context, const fc__cuda_network *n, size_t points,
                                size_t l, float *gradient)
{
    const fc__network_scratch *scratch = &n->scratch;
    size_t width = n->width, w = n->layout.w + (l - 1) * width * width;
    FC_RETURN_TRY(gemm_add(context, n, true, false, width, width, points,
                           layer_of(n, scratch->r, l), width, scratch->q_bar, width, true,
                           gradient + w, width));
    return gemm_add(context, n, false, true, points, width, width, scratch->q_bar, width,
                    n->parameters + w, width, false, scratch->r_bar, width);
}

/* From r_0 up to the head, the reverse of forward. */
static fc_status backward(fc_context *context, const fc__cuda_network *n, size_t points,
                          size_t channel, const float *phi0_bar, const float *phi_bar,
                          float *gradient)
{
    const fc__network_scratch *scratch = &n->scratch;
    size_t width = n->width, head = n->layout.head + channel * width;
    for (size_t l = 0; l <= n->layers; l++) {
        bool last = l == n->layers;
        const float *q = last ? n->parameters + head : layer_of(n, scratch->q, l);
        const float *b = n->parameters + n->layout.b + (l * n->channels + channel) * width;
        if (l > 0)
            FC_RETURN_TRY(layer_backward(context, n, points, l, gradient));
        FC_RETURN_TRY(shift_backward(context, n, points, channel, l, phi0_bar, phi_bar, gradient));
        FC_RETURN_TRY(fc__launch(context, n->device, "product with filters, backward",
                                 product_backward, fc__blocks(points * width, THREADS), THREADS, 0,
                                 points, width, phi0_bar + channel, n->channels, b,
                                 fc__network_layer(n, scratch->s, points, l), q, last ? 0 : width,
                                 scratch->r_bar, scratch->q_bar,
                                 scratch->s_bar ? layer_of(n, scratch->s_bar, l) : NULL));
    }
    FC_RETURN_TRY(
        add_column_sums(context, n, points, width, NULL, scratch->q_bar, width, gradient + head));
    return add_column_sums(context, n, points, 1, NULL, phi0_bar + channel, n->channels,
                           gradient + n->layout.bias + channel);
}

/* d sin(phase) = cos(phase), d cos(phase) = -sin(phase), phase = Omega x. A block takes a filter of
 * a layer (y) and its inputs. */
static __global__ void omega_backward(size_t points, int filters, int inputs, const double *x,
                                      const float *s, size_t s_layer, const float *s_bar,
                                      size_t s_bar_layer, float *gradient)
{
    float *sums = fc__shared_memory<float>(); /* (THREADS, inputs) */
    size_t filter = blockIdx.x, layer = blockIdx.y;
    float sum[FC_MAX_INPUTS] = {};
    s += layer * s_layer;
    s_bar += layer * s_bar_layer;
    for (size_t p = threadIdx.x; p < points; p += THREADS) {
        size_t sine = p * 2 * filters + filter, cosine = sine + filters;
        float phase_bar = s_bar[sine] * s[cosine] - s_bar[cosine] * s[sine];
#pragma unroll
        for (int j = 0; j < FC_MAX_INPUTS; j++)
            if (j < inputs)
                sum[j] += phase_bar * static_cast<float>(x[p * inputs + j]);
    }
#pragma unroll
    for (int j = 0; j < FC_MAX_INPUTS; j++)
        sums[j * THREADS + threadIdx.x] = sum[j];
    for (unsigned half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        for (int j = 0; threadIdx.x < half && j < inputs; j++)
            sums[j * THREADS + threadIdx.x] += sums[j * THREADS + threadIdx.x + half];
    }
    if (threadIdx.x == 0)
        for (int j = 0; j < inputs; j++)
            gradient[(layer * filters + filter) * inputs + j] += sums[j * THREADS];
}

static fc_status filters_backward(fc_context *context, const fc__cuda_network *n, size_t points,
                                  float *gradient)
{
    const fc__network_scratch *scratch = &n->scratch;
    dim3 grid(static_cast<unsigned>(n->filters), static_cast<unsigned>(n->layers + 1));
    size_t s_layer = n->distinct > 1 ? points * n->width : 0;
    return fc__launch(context, n->device, "gradient of the filters", omega_backward, grid, THREADS,
                      THREADS * FC_MAX_INPUTS * sizeof(float), points, n->filters, n->inputs,
                      scratch->inputs, scratch->s, s_layer, scratch->s_bar,
                      scratch->tile * n->width, gradient + n->layout.omega);
}

fc_status fc__cuda_network_basis_vjp(fc_context *context, fc__cuda_network *network, size_t count,
                                     const double *coordinates, const float *phi0_bar,
                                     const float *phi_bar, float *gradient)
{
    if (count == 0)
        return FC_OK;
    FC_RETURN_TRY(fc__network_scratch_open(context, network, count, true));
    const fc__network_scratch *scratch = &network->scratch;
    size_t dims = network->decoder->domain.dims, channels = network->channels;
    for (size_t start = 0; start < count; start += scratch->tile) {
        size_t points = count - start < scratch->tile ? count - start : scratch->tile;
        FC_RETURN_TRY(fc__cuda_network_embed(context, network, points, coordinates + start * dims,
                                             scratch->inputs));
        FC_RETURN_TRY(
            fc__cuda_network_filters(context, network, points, scratch->inputs, scratch->s));
        if (scratch->s_bar)
            FC_RETURN_TRY(fc__device_zero(context, network->device, scratch->s_bar,
                                          (network->layers + 1) * scratch->tile * network->width *
                                              sizeof(float)));
        for (size_t channel = 0; channel < channels; channel++) {
            FC_RETURN_TRY(forward(context, network, points, channel));
            FC_RETURN_TRY(backward(context, network, points, channel, phi0_bar + start * channels,
                                   phi_bar + start * channels * network->codes, gradient));
        }
        if (scratch->s_bar)
            FC_RETURN_TRY(filters_backward(context, network, points, gradient));
    }
    return FC_OK;
}
