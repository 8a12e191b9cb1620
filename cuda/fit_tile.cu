/* Fused layers of decoder training: a block takes its points through all layers in shared memory,
 * on tensor cores, and writes what the gradients of the weights need. A warp's 32 rows are a piece,
 * so that they have one shift, and their sum is the piece's. */
#include "cuda/device.cuh"
#include "cuda/fit_kernels.h"
#include "cuda/tile.cuh"

enum { MOST_WIDTH = 256, WIDTH_STEP = 64 }; /* of kernels: 64, 128, 192 and 256 columns */

/* Rows of W as they are streamed, and columns of the kernel that takes them. */
__host__ __device__ static int depth_of(size_t width)
{
    return static_cast<int>((width + FC__TILE_STEP - 1) / FC__TILE_STEP * FC__TILE_STEP);
}

__host__ __device__ static int columns_of(size_t width)
{
    return static_cast<int>((width + WIDTH_STEP - 1) / WIDTH_STEP * WIDTH_STEP);
}

static size_t shared_bytes(int points, int columns)
{
    int floats = points * fc__tile_stride(columns) + FC__TILE_STAGES * FC__TILE_STEP * columns;
    return static_cast<size_t>(floats) * sizeof(float);
}

bool fc__fit_tile_takes(const fc__device *device, size_t width, bool trained)
{
    return device->tensor_cores && device->precision != FC_CUDA_FP32 && !trained &&
           width <= MOST_WIDTH && shared_bytes(64, columns_of(width)) <= device->shared_limit;
}

/* ---------------------------------------------------------------- weights */

size_t fc__fit_tile_packed(size_t layers, size_t width)
{
    return 2 * layers * static_cast<size_t>(depth_of(width)) *
           static_cast<size_t>(columns_of(width));
}

/* (k, n) of h W^T in the order of the layers, then of v_bar W in the order in which the gradients
 * come to them. */
__global__ void pack(size_t layers, size_t width, const float *w, float *packed)
{
    size_t columns = columns_of(width), size = depth_of(width) * columns;
    size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    size_t matrix = i / size, k = i % size / columns, n = i % columns;
    if (matrix >= 2 * layers)
        return;
    bool back = matrix >= layers;
    size_t l = back ? 2 * layers - 1 - matrix : matrix;
    float value = 0.0f;
    if (k < width && n < width)
        value = w[(l * width + (back ? k : n)) * width + (back ? n : k)];
    packed[matrix * size + fc__packed_place(k, n, columns)] = fc__tf32(value);
}

fc_status fc__fit_tile_pack(fc_context *context, fc__device *device, size_t layers, size_t width,
                            const float *w, float *packed)
{
    enum { THREADS = 256 };
    return fc__launch(context, device, "packed weights", pack,
                      fc__blocks(fc__fit_tile_packed(layers, width), THREADS), THREADS, 0, layers,
                      width, w, packed);
}

/* ---------------------------------------------------------------- a block's points */

/* What a block of a shape works on: its points in shared memory, and the weights on their way. */
template <typename Shape> struct tile {
    static const int stride = (Shape::width + 15) / 16 * 16 + 8; /* fc__tile_stride */
    float *points;
    fc__stream<fc__matrix_source> weights;
    int depth, width;
    size_t row; /* the block's first */

    __device__ tile(const fc__fit_layers &t, const float *packed)
        : points(fc__shared_memory<float>()), depth(depth_of(t.width)),
          width(static_cast<int>(t.width)), row(static_cast<size_t>(blockIdx.x) * Shape::points)
    {
        const int step = FC__TILE_STEP * Shape::width;
        int steps = static_cast<int>(t.layers) * depth / FC__TILE_STEP;
        weights.source = {packed, step, steps};
        weights.slots = points + Shape::points * stride;
        weights.slot = step;
        weights.open();
    }

    /* part = points W, W being the next matrix; afterwards points may be written. */
    __device__ void multiply(fc__part<Shape::tiles> &part)
    {
        for (int k = 0; k < depth; k += FC__TILE_STEP) {
            const float *step = weights.next();
            fc__part_multiply<Shape>(part, points + k, stride, step);
        }
        __syncthreads();
    }

    __device__ void put(int r, int column, float v0, float v1)
    {
        float2 pair = {fc__tf32(v0), fc__tf32(v1)};
        *reinterpret_cast<float2 *>(points + r * stride + column) = pair;
    }

    /* Place of a pair in a matrix (rows, width). */
    __device__ size_t place(int r, int column) const
    {
        return (row + static_cast<size_t>(r)) * static_cast<size_t>(width) +
               static_cast<size_t>(column);
    }
};

__device__ static float2 pair_at(const float *from)
{
    return *reinterpret_cast<const float2 *>(from);
}

__device__ static const float *filters_of(const fc__fit_layers &t, size_t l)
{
    return t.s + (t.distinct > 1 ? l * t.rows * t.width : 0);
}

/* ---------------------------------------------------------------- forward */

/* h_0 = s_0 * shift_0, h_l = s_l * (W_l h_{l-1} + shift_l) */
template <typename Shape>
__global__ void __launch_bounds__(FC__TILE_THREADS, 1)
    forward(fc__fit_layers t, const float *packed)
{
    tile<Shape> own(t, packed);
    size_t piece = (own.row + static_cast<size_t>(Shape::row())) / FC__FIT_PIECE;
    const float *shift = t.shift + t.place[piece] * t.shift_rows + t.channel * t.width;
    for (size_t l = 0; l <= t.layers; l++, shift += t.channels * t.width) {
        const float *s = filters_of(t, l);
        float *h = t.h + l * t.rows * t.width;
        fc__part<Shape::tiles> part = {};
        if (l > 0)
            own.multiply(part);
        fc__part_each<Shape>(part, [&](int r, int column, float &v0, float &v1) {
            float2 state = {0.0f, 0.0f};
            if (column < own.width) {
                size_t at = own.place(r, column);
                float2 filter = pair_at(s + at), added = pair_at(shift + column);
                state = {filter.x * (v0 + added.x), filter.y * (v1 + added.y)};
                *reinterpret_cast<float2 *>(h + at) = state;
            }
            own.put(r, column, state.x, state.y);
        });
    }
}

/* ---------------------------------------------------------------- backward */

/* Column sums of a warp's part, written to sums (width). */
template <typename Shape>
__device__ void put_sums(const fc__part<Shape::tiles> &part, int width, float *sums)
{
    int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int n = 0; n < Shape::tiles; n++) {
        int column = Shape::column() + 8 * n + 2 * (lane % 4);
        float sum[2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            sum[i] = part.value[0][n][i] + part.value[0][n][i + 2] + part.value[1][n][i] +
                     part.value[1][n][i + 2];
            for (int distance = 4; distance < 32; distance *= 2)
                sum[i] += __shfl_xor_sync(0xffffffffu, sum[i], distance);
        }
        if (lane < 4 && column < width) {
            sums[column] = sum[0];
            sums[column + 1] = sum[1];
        }
    }
}

/* v_bar_{l-1} = s_{l-1} * (v_bar_l W_l) */
template <typename Shape>
__global__ void __launch_bounds__(FC__TILE_THREADS, 1)
    backward(fc__fit_layers t, const float *packed)
{
    tile<Shape> own(t, packed + t.layers * static_cast<size_t>(depth_of(t.width) * Shape::width));
    size_t piece = (own.row + static_cast<size_t>(Shape::row())) / FC__FIT_PIECE;
    float *sums = t.sums + piece * (t.layers + 3) * t.width;
    const float *last = t.v_bar + t.layers * t.rows * t.width;
    fc__part<Shape::tiles> part = {};
    fc__part_each<Shape>(part, [&](int r, int column, float &, float &) {
        float2 bar = {0.0f, 0.0f};
        if (column < own.width)
            bar = pair_at(last + own.place(r, column));
        own.put(r, column, bar.x, bar.y);
    });
    for (size_t l = t.layers; l-- > 0;) {
        const float *s = filters_of(t, l);
        float *v_bar = t.v_bar + l * t.rows * t.width;
        part = {};
        own.multiply(part);
        fc__part_each<Shape>(part, [&](int r, int column, float &v0, float &v1) {
            if (column < own.width) {
                size_t at = own.place(r, column);
                float2 filter = pair_at(s + at), bar = {filter.x * v0, filter.y * v1};
                *reinterpret_cast<float2 *>(v_bar + at) = bar;
                v0 = bar.x;
                v1 = bar.y;
            }
            own.put(r, column, v0, v1);
        });
        put_sums<Shape>(part, own.width, sums + l * t.width);
    }
}

/* ---------------------------------------------------------------- shapes */

typedef void (*tile_kernel)(fc__fit_layers, const float *);

/* Blocks of 128 points where there are so many that all multiprocessors have one, else of 64. */
template <int COLUMNS>
static fc_status launch(fc_context *context, fc__device *device, const fc__fit_layers *layers,
                        const float *packed, bool back)
{
    using large = fc__shape<4, COLUMNS / 16>;
    using small = fc__shape<2, COLUMNS / 32>;
    size_t blocks = layers->rows / large::points;
    bool many = blocks >= static_cast<size_t>(device->multiprocessors) &&
                shared_bytes(large::points, COLUMNS) <= device->shared_limit;
    tile_kernel kernel = many ? (back ? backward<large> : forward<large>)
                              : (back ? backward<small> : forward<small>);
    int points = many ? large::points : small::points;
    return fc__launch(context, device, back ? "layers backward" : "layers", kernel,
                      fc__blocks(layers->rows, points), FC__TILE_THREADS,
                      shared_bytes(points, COLUMNS), *layers, packed);
}

static fc_status launch_width(fc_context *context, fc__device *device, const fc__fit_layers *layers,
                              const float *packed, bool back)
{
    switch (columns_of(layers->width)) {
    case 64:
        return launch<64>(context, device, layers, packed, back);
    case 128:
        return launch<128>(context, device, layers, packed, back);
    case 192:
        return launch<192>(context, device, layers, packed, back);
    default:
        return launch<256>(context, device, layers, packed, back);
    }
}

fc_status fc__fit_tile_forward(fc_context *context, fc__device *device,
                               const fc__fit_layers *layers, const float *packed)
{
    return launch_width(context, device, layers, packed, false);
}

fc_status fc__fit_tile_backward(fc_context *context, fc__device *device,
                                const fc__fit_layers *layers, const float *packed)
{
    return launch_width(context, device, layers, packed, true);
}
