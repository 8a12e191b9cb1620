/* Sums over rows of the basis. */
#include "cuda/device.cuh"
#include "cuda/normal.h"

enum {
    TILE = 64,     /* rows and columns of a matrix that a block forms */
    DEPTH = 16,    /* rows of the basis in shared memory at a time */
    SIDE = 16,     /* threads are SIDE x SIDE, each with 4 x 4 numbers of the tile */
    THREADS = 256, /* of every kernel here */
    WARP = 32,
    COLUMNS = 64, /* codes that a block of the projection has, LANES threads each */
    LANES = THREADS / COLUMNS
};

/* Adds the numbers of all threads of a block, in a fixed order; the sum is thread 0's. */
__device__ static double block_sum(double value)
{
    double *sum = fc__shared_memory<double>();
    for (int step = WARP / 2; step > 0; step /= 2)
        value += __shfl_down_sync(0xffffffffu, value, step);
    if (threadIdx.x % WARP == 0)
        sum[threadIdx.x / WARP] = value;
    __syncthreads();
    value = 0.0;
    for (int i = 0; threadIdx.x == 0 && i < THREADS / WARP; i++)
        value += sum[i];
    return value;
}

/* ---------------------------------------------------------------- normal matrices */

/* Tile t of the lower triangle, counted row by row. */
__device__ static void tile_of(unsigned t, unsigned *row, unsigned *column)
{
    unsigned r = 0;
    while (t > r)
        t -= ++r;
    *row = r;
    *column = t;
}

/* Rows [start, start + DEPTH) of a frame, those of one channel or of all, in the columns of two
 * tiles: weighted to a, as they are to b (DEPTH, TILE); zeros beyond the last row and code. */
__device__ static void load_rows(const fc__cuda_sets &sets, const fc__cuda_span &span, int channel,
                                 size_t rows, size_t start, size_t first_a, size_t first_b,
                                 double *a, double *b)
{
    size_t k = threadIdx.x / SIDE, r = start + k;
    double weight = 0.0;
    const float *phi = sets.phi;
    if (r < rows) {
        size_t v = channel < 0 ? r : r * sets.channels + static_cast<size_t>(channel);
        if (!sets.y || !isnan(sets.y[span.value + v]))
            weight = sets.precision ? sets.precision[v % sets.channels] : 1.0;
        phi += (span.point * sets.channels + v) * sets.codes;
    }
    for (int j = 0; j < TILE / SIDE; j++) {
        size_t c = threadIdx.x % SIDE + static_cast<size_t>(j) * SIDE;
        bool here = weight > 0.0;
        a[k * TILE + c] = here && first_a + c < sets.codes ? weight * phi[first_a + c] : 0.0;
        b[k * TILE + c] = here && first_b + c < sets.codes ? phi[first_b + c] : 0.0;
    }
}

/* Place in the tile of number j of those that a thread has in a row or column: pairs, so that
 * neighbouring threads read neighbouring pairs. */
__device__ static int place_of(int thread, int j)
{
    return j / 2 * (TILE / 2) + thread * 2 + j % 2;
}

/* grid (tiles, groups) */
__global__ void __launch_bounds__(THREADS)
    normal_kernel(fc__cuda_sets sets, const size_t *lead, int channel, double *normal)
{
    double *a = fc__shared_memory<double>(), *b = a + DEPTH * TILE, sum[4][4] = {};
    unsigned tile_row, tile_column;
    size_t group = blockIdx.y, codes = sets.codes;
    const fc__cuda_span span = sets.span[lead ? lead[group] : group];
    int tx = static_cast<int>(threadIdx.x % SIDE), ty = static_cast<int>(threadIdx.x / SIDE);
    tile_of(blockIdx.x, &tile_row, &tile_column);
    size_t first_a = tile_row * size_t{TILE}, first_b = tile_column * size_t{TILE};
    size_t rows = span.count * (channel < 0 ? sets.channels : 1);
    for (size_t start = 0; start < rows; start += DEPTH) {
        load_rows(sets, span, channel, rows, start, first_a, first_b, a, b);
        __syncthreads();
        for (int k = 0; k < DEPTH; k++) {
            double left[4], right[4];
            for (int i = 0; i < 4; i++) {
                left[i] = a[k * TILE + place_of(ty, i)];
                right[i] = b[k * TILE + place_of(tx, i)];
            }
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++)
                    sum[i][j] += left[i] * right[j];
        }
        __syncthreads();
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            size_t r = first_a + place_of(ty, i), c = first_b + place_of(tx, j);
            if (r < codes && c <= r) {
                normal[(group * codes + r) * codes + c] = sum[i][j];
                normal[(group * codes + c) * codes + r] = sum[i][j];
            }
        }
}

static size_t tiles_of(size_t codes)
{
    size_t side = (codes + TILE - 1) / TILE;
    return side * (side + 1) / 2;
}

/* Largest second and third size of a grid. */
static const size_t most_blocks = 65535;

fc_status fc__cuda_normal(fc_context *context, fc__device *device, const fc__cuda_sets *sets,
                          size_t groups, const size_t *lead, int channel, double *normal)
{
    size_t square = sets->codes * sets->codes;
    fc__cuda_sets from = *sets;
    for (size_t first = 0; first < groups; first += most_blocks) {
        size_t count = groups - first < most_blocks ? groups - first : most_blocks;
        from.span = lead ? sets->span : sets->span + first;
        dim3 grid(static_cast<unsigned>(tiles_of(sets->codes)), static_cast<unsigned>(count));
        FC_RETURN_TRY(fc__launch(context, device, "normal matrices", normal_kernel, grid,
                                 dim3(THREADS), 2 * DEPTH * TILE * sizeof(double), from,
                                 lead ? lead + first : lead, channel, normal + first * square));
    }
    return FC_OK;
}

/* ---------------------------------------------------------------- right sides */

/* grid (blocks of codes, frames) */
__global__ void __launch_bounds__(THREADS) project_kernel(fc__cuda_sets sets, double *rhs)
{
    double *part = fc__shared_memory<double>(), sum = 0.0;
    size_t frame = blockIdx.y, column = threadIdx.x % COLUMNS, lane = threadIdx.x / COLUMNS;
    size_t c = blockIdx.x * size_t{COLUMNS} + column, codes = sets.codes;
    const fc__cuda_span span = sets.span[frame];
    size_t values = span.count * sets.channels, row = span.point * sets.channels;
#pragma unroll 4
    for (size_t v = lane; c < codes && v < values; v += LANES) {
        float y = sets.y[span.value + v];
        double phi = sets.phi[(row + v) * codes + c]; /* read in any case: nothing is waited for */
        double innovation = static_cast<double>(y) - static_cast<double>(sets.phi0[row + v]);
        if (sets.precision)
            innovation *= sets.precision[v % sets.channels];
        sum += isnan(y) ? 0.0 : innovation * phi;
    }
    part[lane * COLUMNS + column] = sum;
    __syncthreads();
    if (lane > 0 || c >= codes)
        return;
    for (size_t other = 1; other < LANES; other++)
        sum += part[other * COLUMNS + column];
    rhs[frame * codes + c] = sum;
}

fc_status fc__cuda_project(fc_context *context, fc__device *device, const fc__cuda_sets *sets,
                           size_t frames, double *rhs)
{
    fc__cuda_sets from = *sets;
    for (size_t first = 0; first < frames; first += most_blocks) {
        size_t count = frames - first < most_blocks ? frames - first : most_blocks;
        from.span = sets->span + first;
        dim3 grid(fc__blocks(sets->codes, COLUMNS), static_cast<unsigned>(count));
        FC_RETURN_TRY(fc__launch(context, device, "right sides", project_kernel, grid,
                                 dim3(THREADS), THREADS * sizeof(double), from,
                                 rhs + first * sets->codes));
    }
    return FC_OK;
}

/* ---------------------------------------------------------------- residuals */

/* grid (channels, frames); a warp has a row, then the next but seven */
__global__ void __launch_bounds__(THREADS)
    squares_kernel(fc__cuda_sets sets, const double *z, double *square)
{
    size_t frame = blockIdx.y, channel = blockIdx.x, lane = threadIdx.x % WARP;
    const fc__cuda_span span = sets.span[frame];
    double sum = 0.0;
    for (size_t p = threadIdx.x / WARP; p < span.count; p += THREADS / WARP) {
        size_t v = p * sets.channels + channel, row = span.point * sets.channels + v;
        float y = sets.y[span.value + v];
        double u = 0.0;
        if (isnan(y))
            continue;
        for (size_t c = lane; c < sets.codes; c += WARP)
            u += static_cast<double>(sets.phi[row * sets.codes + c]) * z[frame * sets.codes + c];
        for (int step = WARP / 2; step > 0; step /= 2)
            u += __shfl_xor_sync(0xffffffffu, u, step);
        double residual = static_cast<double>(y) - static_cast<double>(sets.phi0[row]) - u;
        sum += lane == 0 ? residual * residual : 0.0;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        square[frame * sets.channels + channel] = sum;
}

fc_status fc__cuda_squares(fc_context *context, fc__device *device, const fc__cuda_sets *sets,
                           size_t frames, const double *z, double *square)
{
    fc__cuda_sets from = *sets;
    for (size_t first = 0; first < frames; first += most_blocks) {
        size_t count = frames - first < most_blocks ? frames - first : most_blocks;
        from.span = sets->span + first;
        dim3 grid(static_cast<unsigned>(sets->channels), static_cast<unsigned>(count));
        FC_RETURN_TRY(fc__launch(context, device, "residuals", squares_kernel, grid, dim3(THREADS),
                                 THREADS / WARP * sizeof(double), from, z + first * sets->codes,
                                 square + first * sets->channels));
    }
    return FC_OK;
}

/* ---------------------------------------------------------------- one set of many rows */

enum { SLICE_BLOCKS = 512, SLICE_LEAST = 256 }; /* blocks of all slices, rows of one */

size_t fc__cuda_slices_enough(size_t codes)
{
    size_t enough = SLICE_BLOCKS / tiles_of(codes);
    return enough ? enough : 1;
}

__global__ void slices_kernel(size_t slices, size_t channels, size_t count, size_t size,
                              fc__cuda_span *span)
{
    size_t i = blockIdx.x * size_t{THREADS} + threadIdx.x, start = i * size;
    if (i < slices)
        span[i] = {start, count - start < size ? count - start : size, start * channels};
}

fc_status fc__cuda_slices(fc_context *context, fc__device *device, size_t most, size_t channels,
                          size_t count, fc__cuda_span *span, size_t *slices)
{
    size_t least = (SLICE_LEAST + channels - 1) / channels;
    size_t size = (count + most - 1) / most;
    size = size < least ? least : size;
    *slices = (count + size - 1) / size;
    return count == 0 ? FC_OK
                      : fc__launch(context, device, "slices", slices_kernel,
                                   dim3(fc__blocks(*slices, THREADS)), dim3(THREADS), 0, *slices,
                                   channels, count, size, span);
}

__global__ void sum_kernel(size_t count, size_t size, const double *parts, double *total)
{
    size_t i = blockIdx.x * size_t{THREADS} + threadIdx.x;
    if (i >= size)
        return;
    double sum = total[i];
    for (size_t p = 0; p < count; p++)
        sum += parts[p * size + i];
    total[i] = sum;
}

fc_status fc__cuda_sum(fc_context *context, fc__device *device, size_t count, size_t size,
                       const double *parts, double *total)
{
    return size == 0 ? FC_OK
                     : fc__launch(context, device, "sum of parts", sum_kernel,
                                  dim3(fc__blocks(size, THREADS)), dim3(THREADS), 0, count, size,
                                  parts, total);
}

/* Row-major lower is column-major upper, and rows^T a column-major matrix as it stands. */
fc_status fc__cuda_syrk_add(fc_context *context, fc__device *device, size_t n, size_t count,
                            const double *rows, double *normal)
{
    const double one = 1.0;
    const int size = static_cast<int>(n);
    if (n == 0 || count == 0)
        return FC_OK;
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device,
                cublasDsyrk(device->blas, CUBLAS_FILL_MODE_UPPER, CUBLAS_OP_N, size,
                            static_cast<int>(count), &one, rows, size, &one, normal, size));
    return FC_OK;
}

__global__ void widen_kernel(size_t size, const float *phi, double *wide)
{
    for (size_t i = blockIdx.x * size_t{THREADS} + threadIdx.x; i < size;
         i += size_t{gridDim.x} * THREADS)
        wide[i] = static_cast<double>(phi[i]);
}

/* Blocks for a loop over `size` numbers: enough to fill any device. */
static dim3 loop_grid(size_t size)
{
    const size_t most = 4096;
    size_t blocks = (size + THREADS - 1) / THREADS;
    return dim3(static_cast<unsigned>(blocks < most ? blocks : most));
}

fc_status fc__cuda_widen(fc_context *context, fc__device *device, size_t size, const float *phi,
                         double *wide)
{
    return size == 0 ? FC_OK
                     : fc__launch(context, device, "rows in double", widen_kernel, loop_grid(size),
                                  dim3(THREADS), 0, size, phi, wide);
}

__global__ void innovations_kernel(fc__cuda_values values, bool weighted, double *innovation)
{
    size_t size = values.frames * values.rows;
    for (size_t i = blockIdx.x * size_t{THREADS} + threadIdx.x; i < size;
         i += size_t{gridDim.x} * THREADS) {
        size_t frame = i / values.rows, r = i % values.rows, c = r % values.channels;
        double weight = values.weight[r], value = 0.0;
        if (weight > 0.0) {
            value = static_cast<double>(values.y[frame * values.stride + r]);
            if (values.mean)
                value = (value - values.mean[c]) / values.scale[c];
            value -= static_cast<double>(values.phi0[r]);
            value *= weighted ? weight : 1.0;
        }
        innovation[i] = value;
    }
}

fc_status fc__cuda_innovations(fc_context *context, fc__device *device,
                               const fc__cuda_values *values, bool weighted, double *innovation)
{
    size_t size = values->frames * values->rows;
    return size == 0 ? FC_OK
                     : fc__launch(context, device, "innovations", innovations_kernel,
                                  loop_grid(size), dim3(THREADS), 0, *values, weighted, innovation);
}

/* grid (parts, channels) */
__global__ void __launch_bounds__(THREADS)
    square_parts_kernel(fc__cuda_values values, const double *residual, double *parts)
{
    size_t channel = blockIdx.y, points = values.rows / values.channels;
    size_t size = values.frames * points;
    double sum = 0.0;
    for (size_t i = blockIdx.x * size_t{THREADS} + threadIdx.x; i < size;
         i += size_t{gridDim.x} * THREADS) {
        size_t r = i % points * values.channels + channel;
        double left = residual[i / points * values.rows + r];
        sum += values.weight[r] > 0.0 ? left * left : 0.0;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        parts[blockIdx.x * values.channels + channel] = sum;
}

fc_status fc__cuda_squares_add(fc_context *context, fc__device *device,
                               const fc__cuda_values *values, const double *residual, double *parts,
                               double *square)
{
    size_t numbers = values->frames * (values->rows / values->channels);
    unsigned count = fc__blocks(
        numbers < FC__SQUARE_PARTS * THREADS ? numbers : FC__SQUARE_PARTS * THREADS, THREADS);
    dim3 grid(count, static_cast<unsigned>(values->channels));
    FC_RETURN_TRY(fc__launch(context, device, "sums of squares", square_parts_kernel, grid,
                             dim3(THREADS), THREADS / WARP * sizeof(double), *values, residual,
                             parts));
    return fc__cuda_sum(context, device, count, values->channels, parts, square);
}

/* ---------------------------------------------------------------- matrices */

__global__ void __launch_bounds__(THREADS)
    trace_kernel(size_t size, const double *a, const double *b, double *trace)
{
    double sum = 0.0;
    for (size_t i = threadIdx.x; i < size; i += THREADS)
        sum += a[blockIdx.x * size + i] * b[blockIdx.x * size + i];
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        trace[blockIdx.x] = sum;
}

fc_status fc__cuda_traces(fc_context *context, fc__device *device, size_t groups, size_t n,
                          const double *a, const double *b, double *trace)
{
    return groups == 0 ? FC_OK
                       : fc__launch(context, device, "traces", trace_kernel,
                                    dim3(static_cast<unsigned>(groups)), dim3(THREADS),
                                    THREADS / WARP * sizeof(double), n * n, a, b, trace);
}

/* A warp has a number of x; rows of the matrix are its columns, as it is symmetric. */
__global__ void __launch_bounds__(THREADS)
    subtract_kernel(size_t count, size_t n, const double *a, const size_t *group, const double *m,
                    double *x)
{
    size_t i = (blockIdx.x * size_t{THREADS} + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (i >= count)
        return;
    size_t frame = i / n;
    const double *row = a + ((group ? group[frame] : frame) * n + i % n) * n;
    double sum = 0.0;
    for (size_t c = lane; c < n; c += WARP)
        sum += row[c] * m[c];
    for (int step = WARP / 2; step > 0; step /= 2)
        sum += __shfl_down_sync(0xffffffffu, sum, step);
    if (lane == 0)
        x[i] -= sum;
}

fc_status fc__cuda_subtract_product(fc_context *context, fc__device *device, size_t frames,
                                    size_t n, const double *a, const size_t *group, const double *m,
                                    double *x)
{
    size_t count = frames * n;
    return count == 0 ? FC_OK
                      : fc__launch(context, device, "mean's part", subtract_kernel,
                                   dim3(fc__blocks(count, THREADS / WARP)), dim3(THREADS), 0, count,
                                   n, a, group, m, x);
}

__global__ void repeat_kernel(size_t size, size_t n, const double *m, double *x)
{
    for (size_t i = blockIdx.x * size_t{THREADS} + threadIdx.x; i < size;
         i += size_t{gridDim.x} * THREADS)
        x[i] = m[i % n];
}

fc_status fc__cuda_repeat(fc_context *context, fc__device *device, size_t rows, size_t n,
                          const double *m, double *x)
{
    size_t size = rows * n;
    return size == 0 ? FC_OK
                     : fc__launch(context, device, "repeated rows", repeat_kernel, loop_grid(size),
                                  dim3(THREADS), 0, size, n, m, x);
}
