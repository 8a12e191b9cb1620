/* The basis at points in one kernel (TF32): a block takes some points from their coordinates to
 * their rows of Phi, with all between in shared memory and registers.
 *
 * Within it the width is numbered with the sine and the cosine of a filter side by side, which is
 * how mma leaves a product's columns to a thread: each thread then forms the filters of its own
 * pairs, and keeps them where all layers have the same. A layer's two products r_l [W_l, A_l] run
 * together, for they have the factor r_l in common; weights are packed in the order of their use,
 * those of the last layer first. */
#include "cuda/network.cuh"
#include "cuda/tile.cuh"

enum { THREADS = 256 }; /* of the packing kernels */

/* ---------------------------------------------------------------- kernel */

struct basis_job {
    fc__embedding embedding;
    size_t count;
    int layers, filters, distinct, codes, channels, passes, depth;
    bool pairs; /* whether phi may be written by two floats at a time */
    const double *coordinates;
    const float *omega, *w, *a, *b, *head, *bias;
    float *phi0, *phi;
};

/* Steps of [W_l, A_l] from the last layer down, for each channel and pass over the codes. */
template <typename States, typename Codes> struct basis_source {
    const float *w_start, *w, *a;
    int layers, layer, steps, step, passes;

    __device__ void fetch(float *to)
    {
        const int w_step = FC__TILE_STEP * States::width, a_step = FC__TILE_STEP * Codes::width;
        if (passes == 0)
            return;
        if (layer > 0) {
            fc__tile_fetch<w_step>(to, w);
            w += w_step;
        }
        fc__tile_fetch<a_step>(to + w_step, a);
        a += a_step;
        if (++step < steps)
            return;
        step = 0;
        if (layer-- > 0)
            return;
        layer = layers;
        w = w_start;
        passes--;
    }
};

/* What a block has in shared memory. */
template <typename States, typename Codes> struct basis_memory {
    static const int slot = FC__TILE_STEP * (States::width + Codes::width);
    static const int pairs = 4 * States::tiles; /* that a thread holds of r */

    static __host__ __device__ size_t r_at(int inputs)
    {
        return static_cast<size_t>(States::points) * inputs * sizeof(double);
    }
    static __host__ __device__ size_t s_at(int inputs, int depth)
    {
        return r_at(inputs) + States::points * fc__tile_stride(depth) * sizeof(float);
    }
    static __host__ __device__ size_t mean_at(int inputs, int depth)
    {
        return s_at(inputs, depth) + pairs * FC__TILE_THREADS * sizeof(float2);
    }
    static __host__ __device__ size_t slots_at(int inputs, int depth)
    {
        return mean_at(inputs, depth) + States::columns * States::points * sizeof(float);
    }
    static __host__ __device__ size_t bytes(int inputs, int depth)
    {
        return slots_at(inputs, depth) + FC__TILE_STAGES * slot * sizeof(float);
    }
};

/* The filters of a layer at the thread's own pairs, s[pair * FC__TILE_THREADS]. */
template <typename States>
__device__ inline void own_filters(const basis_job &job, int layer, const double *x, float2 *s)
{
    int lane = threadIdx.x % 32, inputs = job.embedding.inputs;
    const float *omega = job.omega + static_cast<size_t>(layer) * job.filters * inputs;
#pragma unroll 2
    for (int pair = 0; pair < 4 * States::tiles; pair++) {
        int row = States::row() + lane / 4 + pair % 4 * 8;
        int filter = States::column() / 2 + pair / 4 * 4 + lane % 4;
        s[pair * FC__TILE_THREADS] =
            filter < job.filters ? fc__filter(inputs, omega + filter * inputs, x + row * inputs)
                                 : make_float2(0.0f, 0.0f);
    }
}

/* r = s * q, rounded for the next product; q is zero then. mean += r . b of the thread's pairs, a
 * sum for each of its four rows. */
template <typename States>
__device__ inline void store_states(const basis_job &job, const float2 *s, const float *b,
                                    fc__part<States::tiles> &q, float *r, int stride, float mean[4])
{
    int pair = 0;
    fc__part_each<States>(q, [&](int row, int column, float &v0, float &v1) {
        float2 state = {s->x * v0, s->y * v1};
        if (column < job.depth) {
            *reinterpret_cast<float2 *>(r + row * stride + column) =
                make_float2(fc__tf32(state.x), fc__tf32(state.y));
            mean[pair % 4] += state.x * b[column] + state.y * b[column + 1];
        }
        s += FC__TILE_THREADS;
        pair++;
        v0 = v1 = 0.0f;
    });
}

/* phi += r_l A_l, and with INNER q = r_l W_l. */
template <typename States, typename Codes, bool INNER, typename Stream>
__device__ inline void multiply_layer(int depth, const float *r, int stride, Stream &stream,
                                      fc__part<States::tiles> &q, fc__part<Codes::tiles> &phi)
{
    r += States::row() * stride;
    for (int step = 0; step < depth; step += FC__TILE_STEP) {
        const float *w = stream.next(), *a = w + FC__TILE_STEP * States::width;
        w = fc__step_part<States>(w);
        a = fc__step_part<Codes>(a);
#pragma unroll
        for (int k = 0; k < FC__TILE_STEP; k += 8) {
            fc__rows rows = fc__rows_load(r + step + k, stride);
            if (INNER)
                fc__rows_multiply(q, rows, w + k * States::width);
            fc__rows_multiply(phi, rows, a + k * Codes::width);
        }
    }
}

template <typename Codes>
__device__ inline void store_phi(const basis_job &job, size_t first, int channel, int pass,
                                 fc__part<Codes::tiles> &phi)
{
    fc__part_each<Codes>(phi, [&](int row, int column, float &v0, float &v1) {
        int code = pass * Codes::width + column;
        if (first + row >= job.count || code >= job.codes)
            return;
        float *to = job.phi + ((first + row) * job.channels + channel) * job.codes + code;
        if (job.pairs) {
            *reinterpret_cast<float2 *>(to) = make_float2(v0, v1);
            return;
        }
        to[0] = v0;
        if (code + 1 < job.codes)
            to[1] = v1;
    });
}

/* phi0 = bias + the sums of all threads with columns of a row; `sums` (columns of warps, points).
 */
template <typename States>
__device__ inline void store_mean(const basis_job &job, size_t first, int channel,
                                  const float mean[4], float *sums)
{
    int lane = threadIdx.x % 32, point = threadIdx.x;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float sum = mean[i];
        sum += __shfl_xor_sync(0xffffffffu, sum, 1);
        sum += __shfl_xor_sync(0xffffffffu, sum, 2);
        if (lane % 4 == 0)
            sums[States::warp() / States::rows * States::points + States::row() + lane / 4 +
                 8 * i] = sum;
    }
    __syncthreads();
    if (point >= States::points || first + point >= job.count)
        return;
    float sum = job.bias[channel];
    for (int i = 0; i < States::columns; i++)
        sum += sums[i * States::points + point];
    job.phi0[(first + point) * job.channels + channel] = sum;
}

template <typename States>
__device__ inline void embed_points(const basis_job &job, size_t first, double *x)
{
    int point = threadIdx.x, inputs = job.embedding.inputs;
    if (point >= States::points)
        return;
    for (int j = 0; j < inputs; j++)
        x[point * inputs + j] = 0.0;
    if (first + point < job.count)
        fc__embed(job.embedding, job.coordinates + (first + point) * job.embedding.dims,
                  x + point * inputs);
}

/* r_l = s_l * q_l, q_L = head, q_{l-1} = r_l W_l; Phi = sum_l r_l A_l, for one channel and one pass
 * over the codes. */
template <typename States, typename Codes, typename Stream>
__device__ inline void basis_pass(const basis_job &job, size_t first, int channel, int pass,
                                  const double *x, float *r, float2 *s, float *sums, Stream &stream)
{
    int stride = fc__tile_stride(job.depth);
    const float *head = job.head + static_cast<size_t>(channel) * States::width;
    const float *b = job.b + static_cast<size_t>(channel) * (job.layers + 1) * job.depth;
    fc__part<States::tiles> q;
    fc__part<Codes::tiles> phi = {};
    float mean[4] = {};
    fc__part_each<States>(q, [&](int, int column, float &v0, float &v1) {
        v0 = head[column];
        v1 = head[column + 1];
    });
    for (int layer = job.layers; layer >= 0; layer--) {
        if (job.distinct > 1)
            own_filters<States>(job, layer, x, s);
        store_states<States>(job, s, b + layer * job.depth, q, r, stride, mean);
        if (layer > 0)
            multiply_layer<States, Codes, true>(job.depth, r, stride, stream, q, phi);
        else
            multiply_layer<States, Codes, false>(job.depth, r, stride, stream, q, phi);
        __syncthreads(); /* before r is written again */
    }
    store_phi<Codes>(job, first, channel, pass, phi);
    if (pass == 0)
        store_mean<States>(job, first, channel, mean, sums);
}

template <typename States, typename Codes, int BLOCKS>
static __global__ void __launch_bounds__(FC__TILE_THREADS, BLOCKS) basis_kernel(basis_job job)
{
    using memory = basis_memory<States, Codes>;
    using source = basis_source<States, Codes>;
    int inputs = job.embedding.inputs;
    size_t first = static_cast<size_t>(blockIdx.x) * States::points;
    double *x = fc__shared_memory<double>();
    float *r = fc__shared_memory<float>(memory::r_at(inputs));
    float *sums = fc__shared_memory<float>(memory::mean_at(inputs, job.depth));
    float2 *s = fc__shared_memory<float2>(memory::s_at(inputs, job.depth)) + threadIdx.x;
    fc__stream<source> stream = {{job.w, job.w, job.a, job.layers, job.layers,
                                  job.depth / FC__TILE_STEP, 0, job.channels * job.passes},
                                 fc__shared_memory<float>(memory::slots_at(inputs, job.depth)),
                                 memory::slot,
                                 0};
    stream.open();
    embed_points<States>(job, first, x);
    __syncthreads();
    if (job.distinct == 1)
        own_filters<States>(job, 0, x, s);
    for (int channel = 0; channel < job.channels; channel++)
        for (int pass = 0; pass < job.passes; pass++)
            basis_pass<States, Codes>(job, first, channel, pass, x, r, s, sums, stream);
}

/* ---------------------------------------------------------------- choice of a kernel */

struct basis_variant {
    void (*kernel)(basis_job job);
    int points, width, columns;
    size_t shared;
};

template <int ROWS, int STATE_TILES, int CODE_TILES, int BLOCKS>
static basis_variant variant_of(int inputs, int depth)
{
    using states = fc__shape<ROWS, STATE_TILES>;
    using codes = fc__shape<ROWS, CODE_TILES>;
    return {basis_kernel<states, codes, BLOCKS>, states::points, states::width, codes::width,
            basis_memory<states, codes>::bytes(inputs, depth)};
}

/* The narrowest that takes the network's width and fits into shared memory; kernel = NULL when none
 * does. */
static basis_variant choose(const fc__cuda_network *n)
{
    int inputs = static_cast<int>(n->inputs);
    if (n->width > 512)
        return {};
    int depth = static_cast<int>((n->width + FC__TILE_STEP - 1) / FC__TILE_STEP * FC__TILE_STEP);
    bool few = n->codes <= 64;
    const basis_variant variants[] = {
        few ? variant_of<4, 4, 4, 2>(inputs, depth) : variant_of<4, 4, 8, 2>(inputs, depth),
        few ? variant_of<4, 8, 4, 1>(inputs, depth) : variant_of<4, 8, 8, 1>(inputs, depth),
        few ? variant_of<2, 8, 2, 1>(inputs, depth) : variant_of<2, 8, 4, 1>(inputs, depth),
        variant_of<1, 8, 2, 1>(inputs, depth),
    };
    for (const basis_variant &variant : variants)
        if (static_cast<size_t>(variant.width) >= n->width &&
            variant.shared <= n->device->shared_limit)
            return variant;
    return {};
}

bool fc__fused_takes(const fc__cuda_network *network)
{
    return network->device->precision != FC_CUDA_FP32 && choose(network).kernel;
}

/* ---------------------------------------------------------------- weights */

/* The network's own number of column i here; columns beyond its width have none. */
__device__ inline int interleaved(int i, int filters)
{
    return i % 2 * filters + i / 2;
}

/* packed (layers) matrices (depth, columns) of w (layers, width, width), the last layer first. */
static __global__ void pack_w(int layers, int depth, int columns, int filters, const float *w,
                              float *packed)
{
    size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x;
    size_t size = static_cast<size_t>(depth) * columns, matrix = i / size;
    int k = i % size / columns, n = i % columns, width = 2 * filters;
    if (matrix >= static_cast<size_t>(layers))
        return;
    float value = 0.0f;
    if (k < width && n < width)
        value = w[((layers - 1 - matrix) * width + interleaved(k, filters)) * width +
                  interleaved(n, filters)];
    packed[matrix * size + fc__packed_place(k, n, columns)] = fc__tf32(value);
}

/* packed (channels, passes, states) matrices (depth, columns) of a (states, channels, width, C),
 * the last layer first. */
static __global__ void pack_a(int channels, int passes, int states, int depth, int columns,
                              int filters, int codes, const float *a, float *packed)
{
    size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x;
    size_t size = static_cast<size_t>(depth) * columns, matrix = i / size;
    size_t layer = states - 1 - matrix % states, channel = matrix / states / passes;
    int k = i % size / columns, n = i % columns, width = 2 * filters;
    int code = matrix / states % passes * columns + n;
    if (channel >= static_cast<size_t>(channels))
        return;
    float value = 0.0f;
    if (k < width && code < codes)
        value = a[((layer * channels + channel) * width + interleaved(k, filters)) * codes + code];
    packed[matrix * size + fc__packed_place(k, n, columns)] = fc__tf32(value);
}

/* packed (rows, depth): row (channel, layer) of b (layers, channels, width), whole floats. */
static __global__ void pack_rows(int channels, int states, int depth, int filters, const float *b,
                                 float *packed)
{
    size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x;
    size_t row = i / depth, channel = row / states, layer = row % states;
    int k = i % depth;
    if (channel >= static_cast<size_t>(channels))
        return;
    packed[i] = k < 2 * filters
                    ? b[(layer * channels + channel) * 2 * filters + interleaved(k, filters)]
                    : 0.0f;
}

fc_status fc__fused_open(fc_context *context, fc__cuda_network *network)
{
    fc__packed_network *p = &network->packed;
    basis_variant variant = choose(network);
    size_t codes = network->codes, states = network->layers + 1, channels = network->channels;
    p->width = variant.width;
    p->columns = variant.columns;
    p->passes = static_cast<int>((codes + variant.columns - 1) / variant.columns);
    p->depth =
        static_cast<int>((network->width + FC__TILE_STEP - 1) / FC__TILE_STEP) * FC__TILE_STEP;
    size_t w = network->layers * p->depth * p->width;
    size_t a =
        fc__product(channels * p->passes * states, static_cast<size_t>(p->depth) * p->columns);
    size_t b = channels * states * p->depth, head = channels * p->width;
    size_t total = a > SIZE_MAX - (w + b + head) ? SIZE_MAX : w + a + b + head;
    FC_RETURN_TRY(fc__device_allocate(context, network->device, "packed decoder weights", total,
                                      sizeof(float), &p->memory));
    p->w = p->memory;
    p->a = p->w + w;
    p->b = p->a + a;
    p->head = p->b + b;
    return FC_OK;
}

fc_status fc__fused_pack(fc_context *context, fc__cuda_network *network)
{
    const fc__packed_network *p = &network->packed;
    const float *parameters = network->parameters;
    size_t states = network->layers + 1, channels = network->channels;
    size_t w = network->layers * p->depth * p->width;
    size_t a = channels * p->passes * states * p->depth * p->columns;
    if (w > 0)
        FC_RETURN_TRY(fc__launch(context, network->device, "packing of weights", pack_w,
                                 fc__blocks(w, THREADS), THREADS, 0, network->layers, p->depth,
                                 p->width, network->filters, parameters + network->layout.w, p->w));
    FC_RETURN_TRY(fc__launch(context, network->device, "packing of weights", pack_a,
                             fc__blocks(a, THREADS), THREADS, 0, channels, p->passes, states,
                             p->depth, p->columns, network->filters, network->codes,
                             parameters + network->layout.a, p->a));
    FC_RETURN_TRY(fc__launch(context, network->device, "packing of weights", pack_rows,
                             fc__blocks(channels * states * p->depth, THREADS), THREADS, 0,
                             channels, states, p->depth, network->filters,
                             parameters + network->layout.b, p->b));
    return fc__launch(context, network->device, "packing of weights", pack_rows,
                      fc__blocks(channels * p->width, THREADS), THREADS, 0, channels, 1, p->width,
                      network->filters, parameters + network->layout.head, p->head);
}

/* ---------------------------------------------------------------- basis */

fc_status fc__fused_basis(fc_context *context, const fc__cuda_network *network, size_t count,
                          const double *coordinates, float *phi0, float *phi)
{
    basis_variant variant = choose(network);
    const fc__packed_network *p = &network->packed;
    basis_job job = {};
    job.embedding = network->embedding;
    job.count = count;
    job.layers = static_cast<int>(network->layers);
    job.filters = static_cast<int>(network->filters);
    job.distinct = static_cast<int>(network->distinct);
    job.codes = static_cast<int>(network->codes);
    job.channels = static_cast<int>(network->channels);
    job.passes = p->passes;
    job.depth = p->depth;
    job.pairs = network->codes % 2 == 0 && reinterpret_cast<uintptr_t>(phi) % sizeof(float2) == 0;
    job.coordinates = coordinates;
    job.omega = network->parameters + network->layout.omega;
    job.w = p->w;
    job.a = p->a;
    job.b = p->b;
    job.head = p->head;
    job.bias = network->parameters + network->layout.bias;
    job.phi0 = phi0;
    job.phi = phi;
    return fc__launch(context, network->device, "basis", variant.kernel,
                      fc__blocks(count, variant.points), FC__TILE_THREADS, variant.shared, job);
}
