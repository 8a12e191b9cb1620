/* Kernels of a run over frames observed at the same values. */
#include "cuda/draw.cuh"

enum { THREADS = 256, MOST_THREADS = 1024 }; /* the latter where there is one block */

/* Sum over the threads of a block in a fixed order, there for thread 0; `parts` is shared memory
 * for as many numbers as there are threads, a power of two. */
__device__ static double block_sum(double *parts, double own)
{
    parts[threadIdx.x] = own;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half)
            parts[threadIdx.x] += parts[threadIdx.x + half];
        __syncthreads();
    }
    return parts[0];
}

/* ---------------------------------------------------------------- what is looked at */

__global__ void draw_points(fc__fit_shared s)
{
    size_t k = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (k >= s.points)
        return;
    size_t p = fc__draw_point(s.draw, 0, s.seen, k);
    s.point[k] = static_cast<uint32_t>(p);
    for (size_t i = 0; i < s.dims; i++)
        s.x[k * s.dims + i] = s.coordinates[p * s.dims + i];
}

fc_status fc__fit_shared_points(fc_context *context, fc__device *device,
                                const fc__fit_shared *shared)
{
    return fc__launch(context, device, "points of a minibatch", draw_points,
                      fc__blocks(shared->points, THREADS), THREADS, 0, *shared);
}

/* All frames are observed where the first one is. */
__device__ static float first_value(const fc__fit_shared &s, size_t v)
{
    return s.values[s.point[v / s.channels] * s.channels + v % s.channels];
}

__global__ void count_observed(fc__fit_shared s)
{
    double number = 0.0;
    for (size_t v = threadIdx.x; v < s.points * s.channels; v += blockDim.x)
        number += isnan(first_value(s, v)) ? 0.0 : 1.0;
    number = block_sum(fc__shared_memory<double>(), number);
    if (threadIdx.x == 0)
        *s.number = number;
}

__global__ void clear_missing(fc__fit_shared s)
{
    size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x, v = i / s.codes;
    if (v >= s.points * s.channels || !isnan(first_value(s, v)))
        return;
    s.phi[i] = 0.0f;
    if (i % s.codes == 0)
        s.phi0[v] = 0.0f;
}

fc_status fc__fit_shared_observe(fc_context *context, fc__device *device,
                                 const fc__fit_shared *shared)
{
    size_t values = shared->points * shared->channels;
    FC_RETURN_TRY(fc__launch(context, device, "observed values", count_observed, 1, MOST_THREADS,
                             MOST_THREADS * sizeof(double), *shared));
    return fc__launch(context, device, "missing values", clear_missing,
                      fc__blocks(values * shared->codes, THREADS), THREADS, 0, *shared);
}

/* ---------------------------------------------------------------- residuals */

__global__ void departures(fc__fit_shared s, size_t start, float *residual)
{
    size_t v = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    size_t values = s.points * s.channels;
    if (v >= values)
        return;
    size_t at = s.point[v / s.channels] * s.channels + v % s.channels;
    float y = s.values[s.chosen[start + blockIdx.y] * s.seen * s.channels + at];
    residual[blockIdx.y * values + v] = isnan(y) ? 0.0f : s.phi0[v] - y;
}

fc_status fc__fit_shared_departures(fc_context *context, fc__device *device,
                                    const fc__fit_shared *shared, size_t start, size_t count,
                                    float *residual)
{
    dim3 grid(fc__blocks(shared->points * shared->channels, THREADS), static_cast<unsigned>(count));
    return fc__launch(context, device, "departures", departures, grid, THREADS, 0, *shared, start,
                      residual);
}

/* Column sums and squares of part blockIdx.y of the frames. */
__global__ void sum_part(size_t count, size_t values, const float *residual, float *parts,
                         double *square)
{
    size_t v = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    size_t begin = count * blockIdx.y / gridDim.y, end = count * (blockIdx.y + 1) / gridDim.y;
    float sum = 0.0f;
    double squares = 0.0;
    for (size_t f = begin; f < end && v < values; f++) {
        float r = residual[f * values + v];
        sum += r;
        squares += static_cast<double>(r) * static_cast<double>(r);
    }
    if (v < values)
        parts[blockIdx.y * values + v] = sum;
    squares = block_sum(fc__shared_memory<double>(), squares);
    if (threadIdx.x == 0)
        square[blockIdx.y * gridDim.x + blockIdx.x] += squares;
}

__global__ void sum_parts(size_t values, unsigned count, const float *parts, float *phi0_bar)
{
    size_t v = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (v >= values)
        return;
    float sum = phi0_bar[v];
    for (unsigned part = 0; part < count; part++)
        sum += parts[part * values + v];
    phi0_bar[v] = sum;
}

size_t fc__fit_shared_squares(size_t values)
{
    return FC__FIT_PARTS * static_cast<size_t>(fc__blocks(values, THREADS));
}

fc_status fc__fit_shared_sums(fc_context *context, fc__device *device, size_t count, size_t values,
                              const float *residual, float *parts, float *phi0_bar, double *square)
{
    unsigned blocks = fc__blocks(values, THREADS);
    FC_RETURN_TRY(fc__launch(context, device, "sums of residuals", sum_part,
                             dim3(blocks, FC__FIT_PARTS), THREADS, THREADS * sizeof(double), count,
                             values, residual, parts, square));
    return fc__launch(context, device, "sums of residuals", sum_parts, blocks, THREADS, 0, values,
                      static_cast<unsigned>(FC__FIT_PARTS), parts, phi0_bar);
}

/* ---------------------------------------------------------------- means */

__global__ void scale(const double *number, double factor, size_t size, float *x)
{
    size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < size)
        x[i] *= static_cast<float>(factor / *number);
}

fc_status fc__fit_shared_scale(fc_context *context, fc__device *device, const double *number,
                               double factor, size_t size, float *x)
{
    return fc__launch(context, device, "mean", scale, fc__blocks(size, THREADS), THREADS, 0, number,
                      factor, size, x);
}

__global__ void mean_square(const double *number, double factor, size_t count, const double *square,
                            double *loss)
{
    double sum = 0.0;
    for (size_t i = threadIdx.x; i < count; i += blockDim.x)
        sum += square[i];
    sum = block_sum(fc__shared_memory<double>(), sum);
    if (threadIdx.x == 0)
        *loss = sum * factor / *number;
}

fc_status fc__fit_shared_loss(fc_context *context, fc__device *device, const double *number,
                              double factor, size_t count, const double *square, double *loss)
{
    return fc__launch(context, device, "loss", mean_square, 1, MOST_THREADS,
                      MOST_THREADS * sizeof(double), number, factor, count, square, loss);
}
