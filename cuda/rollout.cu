#include "cuda/rollout.h"
#include "cuda/sums.cuh"

/* One block for each row, a thread for every four codes. */
namespace
{

__device__ float4 sum_of(float4 a, float factor, float4 b)
{
    return make_float4(a.x + factor * b.x, a.y + factor * b.y, a.z + factor * b.z,
                       a.w + factor * b.w);
}

__device__ float4 scaled(float factor, float4 a)
{
    return make_float4(factor * a.x, factor * a.y, factor * a.z, factor * a.w);
}

template <typename T> __device__ float4 *units(T *values, size_t ld)
{
    return reinterpret_cast<float4 *>(values + blockIdx.x * ld);
}
template <typename T> __device__ const float4 *units(const T *values, size_t ld)
{
    return reinterpret_cast<const float4 *>(values + blockIdx.x * ld);
}

/* Rows that are longer than their sequence go on along the frames there are, and count nowhere. */
__device__ uint32_t frame(const fc__cuda_rows &rows, uint32_t after)
{
    uint32_t f = rows.first[blockIdx.x] + rows.interval + after;
    return f < rows.last ? f : rows.last;
}

__device__ float step_length(const fc__cuda_rows &rows)
{
    return rows.length[frame(rows, 0)] / rows.substeps;
}

__global__ void begin_kernel(fc__cuda_rows rows, float *start, float *state, float *next)
{
    const float4 *z =
        reinterpret_cast<const float4 *>(rows.z + static_cast<size_t>(frame(rows, 0)) * rows.codes);
    float4 *a = units(start, rows.codes), *b = units(state, rows.codes);
    float4 *y = units(next, rows.width);
    for (unsigned i = threadIdx.x; i < rows.codes / FC__CUDA_UNIT; i += blockDim.x)
        a[i] = b[i] = y[i] = z[i];
}

__global__ void stage_kernel(fc__cuda_rows rows, fc__cuda_stage stage)
{
    float h = step_length(rows);
    const float4 *k = units(stage.k, rows.codes);
    float4 *start = units(stage.start, rows.codes), *state = units(stage.state, rows.codes);
    float4 *next = stage.next ? units(stage.next, rows.width) : NULL;
    for (unsigned i = threadIdx.x; i < rows.codes / FC__CUDA_UNIT; i += blockDim.x) {
        float4 moved = sum_of(state[i], h * stage.beta, k[i]);
        float4 y = stage.ends ? moved : sum_of(start[i], h * stage.alpha, k[i]);
        state[i] = moved;
        if (stage.ends)
            start[i] = moved;
        if (next)
            next[i] = y;
    }
}

__global__ void compare_kernel(fc__cuda_rows rows, const float *state, const uint32_t *intervals,
                               float factor, float *z_bar, double *row_loss)
{
    const float4 *z =
        reinterpret_cast<const float4 *>(rows.z + static_cast<size_t>(frame(rows, 1)) * rows.codes);
    const float4 *s = units(state, rows.codes);
    float4 *bar = z_bar ? units(z_bar, rows.codes) : NULL;
    double sum = 0.0;
    for (unsigned i = threadIdx.x; i < rows.codes / FC__CUDA_UNIT; i += blockDim.x) {
        float4 error = sum_of(s[i], -1.0f, z[i]);
        sum += static_cast<double>(error.x * error.x) + static_cast<double>(error.y * error.y) +
               static_cast<double>(error.z * error.z) + static_cast<double>(error.w * error.w);
        if (bar)
            bar[i] = scaled(factor, error);
    }
    sum = fc__block_sum(sum, fc__shared_memory<double>());
    uint32_t counted = intervals[blockIdx.x];
    if (threadIdx.x == 0 && (counted == 0 || rows.interval < counted))
        row_loss[blockIdx.x] = rows.interval == 0 ? sum : row_loss[blockIdx.x] + sum;
}

__global__ void pull_kernel(fc__cuda_rows rows, fc__cuda_pull pull)
{
    const float4 zero = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    float h = step_length(rows);
    const float4 *y_bar = pull.y_bar ? units(pull.y_bar, rows.width) : NULL;
    const float4 *z_bar = pull.z_bar ? units(pull.z_bar, rows.codes) : NULL;
    float4 *lambda = units(pull.lambda, rows.codes), *sum = units(pull.sum, rows.codes);
    float4 *k_bar = units(pull.k_bar, rows.codes);
    for (unsigned i = threadIdx.x; i < rows.codes / FC__CUDA_UNIT; i += blockDim.x) {
        float4 y = y_bar ? y_bar[i] : zero;
        float4 all = y_bar ? sum_of(sum[i], 1.0f, y) : zero;
        if (z_bar)
            all = sum_of(all, 1.0f, z_bar[i]);
        float4 l = pull.ends ? all : lambda[i];
        sum[i] = all;
        if (pull.ends)
            lambda[i] = all;
        float4 bar = scaled(h * pull.beta, l);
        k_bar[i] = pull.alpha != 0.0f ? sum_of(bar, h * pull.alpha, y) : bar;
    }
}

unsigned threads_of(const fc__cuda_rows *rows)
{
    const size_t most = 256, units = rows->codes / FC__CUDA_UNIT;
    return static_cast<unsigned>(units < most ? (units + fc__warp - 1) / fc__warp * fc__warp
                                              : most);
}

dim3 grid_of(const fc__cuda_rows *rows)
{
    return dim3(static_cast<unsigned>(rows->rows));
}

} // namespace

fc_status fc__cuda_rollout_begin(fc_context *context, fc__device *device, const fc__cuda_rows *rows,
                                 float *start, float *state, float *next)
{
    return fc__launch(context, device, "start of rollouts", begin_kernel, grid_of(rows),
                      dim3(threads_of(rows)), 0, *rows, start, state, next);
}

fc_status fc__cuda_rollout_stage(fc_context *context, fc__device *device, const fc__cuda_rows *rows,
                                 const fc__cuda_stage *stage)
{
    return fc__launch(context, device, "stage of rollouts", stage_kernel, grid_of(rows),
                      dim3(threads_of(rows)), 0, *rows, *stage);
}

fc_status fc__cuda_rollout_compare(fc_context *context, fc__device *device,
                                   const fc__cuda_rows *rows, const float *state,
                                   const uint32_t *intervals, float factor, float *z_bar,
                                   double *row_loss)
{
    unsigned threads = threads_of(rows);
    return fc__launch(context, device, "errors of rollouts", compare_kernel, grid_of(rows),
                      dim3(threads), fc__block_sum_shared(threads), *rows, state, intervals, factor,
                      z_bar, row_loss);
}

fc_status fc__cuda_rollout_pull(fc_context *context, fc__device *device, const fc__cuda_rows *rows,
                                const fc__cuda_pull *pull)
{
    return fc__launch(context, device, "adjoint of rollouts", pull_kernel, grid_of(rows),
                      dim3(threads_of(rows)), 0, *rows, *pull);
}
