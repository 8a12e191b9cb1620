#include "cuda/descent_kernels.h"

#include "cuda/adam.cuh"
#include "cuda/sums.cuh"

namespace
{

const unsigned threads = 256;

__global__ void take_kernel(size_t batch, const fc__cuda_order *orders, const uint32_t *starts,
                            fc__cuda_progress *progress, uint32_t *first)
{
    uint32_t next = progress->next;
    for (size_t b = threadIdx.x; b < batch; b += blockDim.x)
        first[b] = starts[next * batch + b];
    __syncthreads();
    if (threadIdx.x == 0) {
        progress->order = orders[next];
        progress->next = next + 1;
    }
}

__global__ void square_kernel(size_t count, const float *gradient, double *partial)
{
    size_t stride = static_cast<size_t>(gridDim.x) * blockDim.x;
    double sum = 0.0;
    for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += stride)
        sum += static_cast<double>(gradient[i] * gradient[i]);
    sum = fc__block_sum(sum, fc__shared_memory<double>());
    if (threadIdx.x == 0)
        partial[blockIdx.x] = sum;
}

/* Clipping at twice the running norm, which is that of the first gradient to begin with. */
__device__ void measure(fc__cuda_progress *progress, double loss, double norm, bool counts)
{
    double running = progress->running;
    double limit = running > 0.0 ? 2.0 * running : norm;
    progress->loss = loss;
    progress->norm = norm;
    progress->apply = isfinite(norm);
    progress->clip = norm > limit ? static_cast<float>(limit / norm) : 1.0f;
    if (!counts)
        return;
    progress->loss_sum += loss;
    if (progress->apply)
        progress->running = running > 0.0 ? 0.98 * running + 0.02 * fmin(norm, limit) : norm;
}

__global__ void measure_kernel(size_t batch, const double *row_loss, double share, bool counts,
                               unsigned parts, const double *partial, fc__cuda_progress *progress)
{
    double *sums = fc__shared_memory<double>();
    double loss = 0.0, square = 0.0;
    for (size_t b = threadIdx.x; b < batch; b += blockDim.x)
        loss += share * row_loss[b];
    for (unsigned i = threadIdx.x; i < parts; i += blockDim.x)
        square += partial[i];
    loss = fc__block_sum(loss, sums);
    __syncthreads();
    square = fc__block_sum(square, sums);
    if (threadIdx.x == 0)
        measure(progress, loss, sqrt(square), counts);
}

__global__ void step_kernel(fc__cuda_weights w, const fc__cuda_progress *progress)
{
    const fc__cuda_order order = progress->order;
    const float clip = progress->clip;
    const bool apply = progress->apply != 0;
    size_t stride = static_cast<size_t>(gridDim.x) * blockDim.x;
    for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < w.count;
         i += stride) {
        if (!apply) { /* a rollout blew up: leave this batch out */
            w.first[i] = 0.0f;
            continue;
        }
        fc__adam_one(order.adam, clip * w.gradient[i], w.first[i], w.second[i], w.parameters[i]);
        w.average[i] = order.keep * w.average[i] + (1.0f - order.keep) * w.parameters[i];
    }
}

} // namespace

fc_status fc__cuda_descent_take(fc_context *context, fc__device *device, size_t batch,
                                const fc__cuda_order *orders, const uint32_t *starts,
                                fc__cuda_progress *progress, uint32_t *first)
{
    return fc__launch(context, device, "next update", take_kernel, dim3(1), dim3(threads), 0, batch,
                      orders, starts, progress, first);
}

fc_status fc__cuda_descent_measure(fc_context *context, fc__device *device, size_t count,
                                   const float *gradient, size_t batch, const double *row_loss,
                                   double share, bool counts, double *partial,
                                   fc__cuda_progress *progress)
{
    const size_t shared = fc__block_sum_shared(threads);
    const unsigned most = FC__CUDA_PARTIAL, blocks = fc__blocks(count, threads);
    const unsigned parts = blocks < most ? blocks : most;
    FC_RETURN_TRY(fc__launch(context, device, "squares of the gradient", square_kernel, dim3(parts),
                             dim3(threads), shared, count, gradient, partial));
    return fc__launch(context, device, "norm of the gradient", measure_kernel, dim3(1),
                      dim3(threads), shared, batch, row_loss, share, counts, parts, partial,
                      progress);
}

fc_status fc__cuda_descent_step(fc_context *context, fc__device *device,
                                const fc__cuda_weights *weights, const fc__cuda_progress *progress)
{
    const unsigned blocks = fc__blocks(weights->count, threads);
    const unsigned most = 8 * static_cast<unsigned>(device->multiprocessors);
    return fc__launch(context, device, "step of the weights", step_kernel,
                      dim3(blocks < most ? blocks : most), dim3(threads), 0, *weights, progress);
}
