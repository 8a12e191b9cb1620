/* Kernels of a run over frames that differ in their points or missing values. */
#include "cuda/draw.cuh"

enum { THREADS = 256, PIECE = FC__FIT_PIECE };

/* ---------------------------------------------------------------- rows */

__device__ static const fc__fit_frame &frame_at(const fc__fit_rows &r, size_t place)
{
    return r.frame[r.chosen[place]];
}

__device__ static size_t pieces_at(const fc__fit_rows &r, size_t place)
{
    return (fc__draw_size(r.draw, frame_at(r, place).points) + PIECE - 1) / PIECE;
}

/* One block: every thread has a stretch of the places. */
__global__ void lay_out(fc__fit_rows r)
{
    size_t *before = fc__shared_memory<size_t>(); /* pieces before each thread's */
    size_t begin = r.count * threadIdx.x / blockDim.x;
    size_t end = r.count * (threadIdx.x + 1) / blockDim.x, sum = 0;
    for (size_t place = begin; place < end; place++)
        sum += pieces_at(r, place);
    before[threadIdx.x + 1] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        before[0] = 0;
        for (unsigned t = 0; t < blockDim.x; t++)
            before[t + 1] += before[t];
    }
    __syncthreads();
    size_t piece = before[threadIdx.x];
    for (size_t place = begin; place < end; place++) {
        r.first[place] = piece * PIECE;
        for (size_t last = piece + pieces_at(r, place); piece < last; piece++)
            r.place[piece] = static_cast<uint32_t>(place);
    }
    size_t all = before[blockDim.x];
    if (threadIdx.x == 0)
        r.first[r.count] = all * PIECE;
    for (piece = all + threadIdx.x; piece < r.rows / PIECE; piece += blockDim.x)
        r.place[piece] = 0; /* of rows that fill the last block, beyond those of any place */
}

fc_status fc__fit_layout(fc_context *context, fc__device *device, const fc__fit_rows *rows)
{
    /* as many as there are places, as the sums before them are formed one after the other */
    unsigned threads = fc__blocks(rows->count < THREADS ? rows->count : size_t{THREADS}, 32) * 32;
    return fc__launch(context, device, "rows of points", lay_out, 1, threads,
                      (threads + 1) * sizeof(size_t), *rows);
}

__global__ void count_values(fc__fit_rows r)
{
    unsigned *number = fc__shared_memory<unsigned>();
    const fc__fit_frame &frame = frame_at(r, blockIdx.x);
    size_t size = fc__draw_size(r.draw, frame.points);
    unsigned own = 0;
    for (size_t k = threadIdx.x; k < size; k += blockDim.x) {
        size_t p = fc__draw_point(r.draw, frame.stream, frame.points, k);
        for (size_t ch = 0; ch < r.channels; ch++)
            own += !isnan(r.values[frame.values + p * r.channels + ch]);
    }
    number[threadIdx.x] = own;
    __syncthreads();
    if (threadIdx.x > 0)
        return;
    for (unsigned t = 1; t < blockDim.x; t++)
        own += number[t];
    double values = static_cast<double>(own) * static_cast<double>(r.count);
    r.share[blockIdx.x] = own ? 1.0 / values : 0.0;
}

fc_status fc__fit_shares(fc_context *context, fc__device *device, const fc__fit_rows *rows)
{
    enum { SMALL = 128 };
    return fc__launch(context, device, "observed values", count_values, fc__blocks(rows->count, 1),
                      SMALL, SMALL * sizeof(unsigned), *rows);
}

/* Rows that only fill up are at the frame's first point. */
__global__ void gather(fc__fit_rows r, size_t start, size_t count, double *x, float *y)
{
    size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x, row = start + i;
    if (i >= count)
        return;
    size_t place = r.place[row / PIECE], k = row - r.first[place];
    const fc__fit_frame &frame = frame_at(r, place);
    bool real = k < fc__draw_size(r.draw, frame.points);
    size_t p = real ? fc__draw_point(r.draw, frame.stream, frame.points, k) : 0;
    for (size_t j = 0; j < r.dims; j++)
        x[i * r.dims + j] = r.coordinates[(frame.coordinates + p) * r.dims + j];
    for (size_t ch = 0; ch < r.channels; ch++)
        y[i * r.channels + ch] = real ? r.values[frame.values + p * r.channels + ch] : NAN;
}

fc_status fc__fit_gather(fc_context *context, fc__device *device, const fc__fit_rows *rows,
                         size_t start, size_t count, double *x, float *y)
{
    return fc__launch(context, device, "points of a minibatch", gather, fc__blocks(count, THREADS),
                      THREADS, 0, *rows, start, count, x, y);
}

__global__ void rebase(const size_t *first, size_t count, size_t *to)
{
    for (size_t i = threadIdx.x; i <= count; i += blockDim.x)
        to[i] = first[i] - first[0];
}

fc_status fc__fit_rebase(fc_context *context, fc__device *device, const fc__fit_rows *rows,
                         size_t place, size_t count, size_t *to)
{
    return fc__launch(context, device, "rows of points", rebase, 1, THREADS, 0, rows->first + place,
                      count, to);
}

/* ---------------------------------------------------------------- elementwise, rows by columns */

static fc_status launch_elements(fc_context *context, fc__device *device, const char *name,
                                 void (*kernel)(fc__fit_layers, size_t),
                                 const fc__fit_layers *layers, size_t l)
{
    return fc__launch(context, device, name, kernel,
                      fc__blocks(layers->rows * layers->width, THREADS), THREADS, 0, *layers, l);
}

__device__ static const float *filters_of(const fc__fit_layers &t, size_t l)
{
    return t.s + (t.distinct > 1 ? l * t.rows * t.width : 0);
}

__device__ static const float *shift_of(const fc__fit_layers &t, size_t row, size_t l)
{
    return t.shift + t.place[row / PIECE] * t.shift_rows + (l * t.channels + t.channel) * t.width;
}

__global__ void forward(fc__fit_layers t, size_t l)
{
    size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i >= t.rows * t.width)
        return;
    size_t at = l * t.rows * t.width + i;
    float v = shift_of(t, i / t.width, l)[i % t.width];
    if (l > 0)
        v += t.v ? t.v[at] : t.h[at];
    if (t.v)
        t.v[at] = v;
    t.h[at] = filters_of(t, l)[i] * v;
}

fc_status fc__fit_first(fc_context *context, fc__device *device, const fc__fit_layers *layers)
{
    return launch_elements(context, device, "layer", forward, layers, 0);
}

fc_status fc__fit_forward(fc_context *context, fc__device *device, const fc__fit_layers *layers,
                          size_t l)
{
    return launch_elements(context, device, "layer", forward, layers, l);
}

/* d sin(phase) = cos(phase), d cos(phase) = -sin(phase) */
__global__ void phases(fc__fit_layers t, size_t l)
{
    size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x, filters = t.width / 2;
    if (i >= t.rows * filters)
        return;
    size_t at = i / filters * t.width + i % filters;
    const float *s = filters_of(t, l) + at;
    float *s_bar = t.s_bar + l * t.rows * t.width + at;
    *s_bar = *s_bar * s[filters] - s_bar[filters] * *s;
}

fc_status fc__fit_phases(fc_context *context, fc__device *device, const fc__fit_layers *layers)
{
    for (size_t l = 0; l <= layers->layers; l++)
        FC_RETURN_TRY(launch_elements(context, device, "phases", phases, layers, l));
    return FC_OK;
}

__global__ void narrow(size_t count, const double *from, float *to)
{
    size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count)
        to[i] = static_cast<float>(from[i]);
}

fc_status fc__fit_narrow(fc_context *context, fc__device *device, size_t count, const double *from,
                         float *to)
{
    return fc__launch(context, device, "inputs", narrow, fc__blocks(count, THREADS), THREADS, 0,
                      count, from, to);
}

/* ---------------------------------------------------------------- a block has a piece */

static fc_status launch_pieces(fc_context *context, fc__device *device, const char *name,
                               void (*kernel)(fc__fit_layers, size_t), size_t shared,
                               const fc__fit_layers *layers, size_t l)
{
    return fc__launch(context, device, name, kernel, fc__blocks(layers->rows / FC__FIT_PIECE, 1),
                      THREADS, shared, *layers, l);
}

__device__ static float *sums_of(const fc__fit_layers &t, size_t l)
{
    return t.sums + (blockIdx.x * (t.layers + 3) + l) * t.width;
}

__device__ static float dot_of_warp(size_t width, const float *a, const float *b)
{
    float dot = 0.0f;
    for (size_t i = threadIdx.x % 32; i < width; i += 32)
        dot += a[i] * b[i];
    for (int distance = 16; distance > 0; distance /= 2)
        dot += __shfl_xor_sync(0xffffffffu, dot, distance);
    return dot;
}

/* What the residuals' squares and sums are, by one thread; its width is at least 2. */
__device__ static void add_residuals(const fc__fit_layers &t, float weight, double share,
                                     const float *residual)
{
    double square = 0.0;
    float sum = 0.0f, *bias_bar = sums_of(t, t.layers + 2);
    for (unsigned k = 0; k < PIECE; k++) {
        square += static_cast<double>(residual[k]) * static_cast<double>(residual[k]);
        sum += weight * residual[k];
    }
    t.square[blockIdx.x] = share * square;
    bias_bar[0] = sum;
}

/* v_bar_l of an element out of h_bar_l; what filters are trained by. */
__device__ static float back_at(const fc__fit_layers &t, size_t l, size_t at, float bar)
{
    size_t place = l * t.rows * t.width + at;
    if (t.v)
        t.s_bar[place] += bar * t.v[place];
    bar *= __ldg(filters_of(t, l) + at); /* which need not wait for what was stored before */
    t.v_bar[place] = bar;
    return bar;
}

__global__ void head(fc__fit_layers t, size_t l)
{
    float *residual = fc__shared_memory<float>(); /* (PIECE) */
    size_t row = static_cast<size_t>(blockIdx.x) * PIECE, layer = l * t.rows * t.width;
    double share = t.share[t.place[blockIdx.x]];
    float weight = static_cast<float>(2.0 * share);
    const float *h = t.h + layer + row * t.width;
    for (unsigned k = threadIdx.x / 32; k < PIECE; k += blockDim.x / 32) {
        float y = t.y[(row + k) * t.channels + t.channel];
        float u = dot_of_warp(t.width, h + k * t.width, t.head) + *t.bias;
        if (threadIdx.x % 32 == 0)
            residual[k] = isnan(y) ? 0.0f : u - y;
    }
    __syncthreads();
    if (threadIdx.x == 0)
        add_residuals(t, weight, share, residual);
    for (size_t i = threadIdx.x; i < t.width; i += blockDim.x) {
        float sum = 0.0f, shift_bar = 0.0f;
#pragma unroll 8
        for (unsigned k = 0; k < PIECE; k++) {
            float u_bar = weight * residual[k];
            sum += u_bar * __ldg(h + k * t.width + i);
            shift_bar += back_at(t, l, (row + k) * t.width + i, u_bar * t.head[i]);
        }
        sums_of(t, l)[i] = shift_bar;
        sums_of(t, l + 1)[i] = sum;
    }
}

fc_status fc__fit_head(fc_context *context, fc__device *device, const fc__fit_layers *layers)
{
    return launch_pieces(context, device, "residuals", head, FC__FIT_PIECE * sizeof(float), layers,
                         layers->layers);
}

__global__ void backward(fc__fit_layers t, size_t l)
{
    size_t row = static_cast<size_t>(blockIdx.x) * PIECE;
    const float *bar = t.v_bar + l * t.rows * t.width;
    for (size_t i = threadIdx.x; i < t.width; i += blockDim.x) {
        float sum = 0.0f;
        for (size_t at = row * t.width + i; at < (row + PIECE) * t.width; at += t.width)
            sum += back_at(t, l, at, bar[at]);
        sums_of(t, l)[i] = sum;
    }
}

fc_status fc__fit_backward(fc_context *context, fc__device *device, const fc__fit_layers *layers,
                           size_t l)
{
    return launch_pieces(context, device, "gradient of a layer", backward, 0, layers, l);
}

/* ---------------------------------------------------------------- sums over pieces */

/* grid (places, blocks of columns): the sums of those of a place's pieces that are among the rows
 * start... */
__global__ void add_shifts(fc__fit_rows r, size_t start, fc__fit_layers t, float *shift_bar)
{
    size_t place = blockIdx.x, i = blockIdx.y * size_t{THREADS} + threadIdx.x;
    size_t begin = r.first[place] > start ? r.first[place] - start : 0;
    size_t end = r.first[place + 1] > start ? r.first[place + 1] - start : 0;
    end = end < t.rows ? end : t.rows;
    if (i >= (t.layers + 1) * t.width || begin >= end)
        return;
    size_t l = i / t.width, column = i % t.width;
    float sum = 0.0f;
    for (size_t piece = begin / PIECE; piece < end / PIECE; piece++)
        sum += t.sums[piece * (t.layers + 3) * t.width + i];
    shift_bar[place * t.shift_rows + (l * t.channels + t.channel) * t.width + column] += sum;
}

fc_status fc__fit_shift_bar(fc_context *context, fc__device *device, const fc__fit_rows *rows,
                            size_t start, const fc__fit_layers *layers, float *shift_bar)
{
    dim3 grid(static_cast<unsigned>(rows->count),
              fc__blocks((layers->layers + 1) * layers->width, THREADS));
    return fc__launch(context, device, "gradient of shifts", add_shifts, grid, THREADS, 0, *rows,
                      start, *layers, shift_bar);
}

size_t fc__fit_slices(const fc__device *device, size_t layers, size_t width, size_t bytes)
{
    const size_t tile = 128; /* rows and columns of a matrix that cuBLAS gives a multiprocessor */
    size_t side = (width + tile - 1) / tile, tiles = layers * side * side;
    size_t useful = static_cast<size_t>(device->multiprocessors) / tiles;
    size_t fitting = bytes / fc__product(layers, fc__product(width, width * sizeof(float)));
    size_t slices = useful < fitting ? useful : fitting;
    return slices ? slices : 1;
}

/* The largest number of equal slices, of whole pieces, that is not above `most`. */
static size_t cut(size_t rows, size_t most)
{
    const size_t fewest_rows = 256; /* of a slice */
    size_t slices = rows / fewest_rows < most ? rows / fewest_rows : most;
    while (slices > 1 && rows / PIECE % slices > 0)
        slices--;
    return slices ? slices : 1;
}

__global__ void add_parts(size_t size, size_t slices, size_t square, const float *parts,
                          float *gradient)
{
    size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i >= size)
        return;
    const float *part = parts + i / square * slices * square + i % square;
    float sum = 0.0f;
    for (size_t slice = 0; slice < slices; slice++)
        sum += part[slice * square];
    gradient[i] += sum;
}

/* All layers at once: slices of one follow those of the layer before. cuBLAS is column-major. */
fc_status fc__fit_outer(fc_context *context, fc__device *device, const fc__fit_layers *layers,
                        size_t slices, float *parts, float *gradient)
{
    const float zero = 0.0f, one = 1.0f;
    const size_t matrix = layers->rows * layers->width, square = layers->width * layers->width;
    if (layers->layers == 0)
        return FC_OK;
    slices = cut(layers->rows, slices);
    const bool whole = slices == 1;
    const int width = static_cast<int>(layers->width);
    const int depth = static_cast<int>(layers->rows / slices);
    const long long step = static_cast<long long>(matrix / slices);
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device,
                cublasGemmStridedBatchedEx(
                    device->blas, CUBLAS_OP_N, CUBLAS_OP_T, width, width, depth, &one, layers->h,
                    CUDA_R_32F, width, step, layers->v_bar + matrix, CUDA_R_32F, width, step,
                    whole ? &one : &zero, whole ? gradient : parts, CUDA_R_32F, width,
                    static_cast<long long>(square), static_cast<int>(layers->layers * slices),
                    device->precision == FC_CUDA_FP32 ? CUBLAS_COMPUTE_32F_PEDANTIC
                                                      : CUBLAS_COMPUTE_32F_FAST_TF32,
                    CUBLAS_GEMM_DEFAULT));
    size_t size = layers->layers * square;
    return whole
               ? FC_OK
               : fc__launch(context, device, "sums of slices", add_parts, fc__blocks(size, THREADS),
                            THREADS, 0, size, slices, square, parts, gradient);
}

__global__ void add_squares(size_t count, const double *square, double *loss)
{
    double *parts = fc__shared_memory<double>(), sum = 0.0;
    for (size_t i = threadIdx.x; i < count; i += blockDim.x)
        sum += square[i];
    parts[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x > 0)
        return;
    for (unsigned t = 1; t < blockDim.x; t++)
        sum += parts[t];
    *loss += sum;
}

fc_status fc__fit_loss(fc_context *context, fc__device *device, const fc__fit_layers *layers,
                       double *loss)
{
    return fc__launch(context, device, "loss", add_squares, 1, THREADS, THREADS * sizeof(double),
                      layers->rows / FC__FIT_PIECE, layers->square, loss);
}
