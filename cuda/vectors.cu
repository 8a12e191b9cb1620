/* Arithmetic on CVODE's vectors. */
#include "cuda/device.cuh"
#include "cuda/vectors.h"

#include <math.h>

enum { WARP = 32, THREADS = 256, WARPS = THREADS / WARP };

/* ---------------------------------------------------------------- element by element */

static __device__ double evaluate(const fc__vector_step &step, double x, double y)
{
    switch (step.operation) {
    case FC__LINEAR_SUM:
        return step.a * x + step.b * y;
    case FC__FILL:
        return step.a;
    case FC__MULTIPLY:
        return x * y;
    case FC__DIVIDE:
        return x / y;
    case FC__MAGNITUDE:
        return fabs(x);
    case FC__INVERT:
        return 1.0 / x;
    case FC__SHIFT:
        return x + step.a;
    case FC__WEIGH:
        return 1.0 / (step.a * fabs(x) + step.b);
    }
    return 0.0;
}

/* What a step has just written is at hand for the next; the rest of an element's values stays in
 * the first-level cache. */
static __global__ void run_kernel(size_t length, const fc__vector_program program)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= length)
        return;
    const double *held = nullptr;
    double value = 0.0;
    for (size_t k = 0; k < program.count; k++) {
        const fc__vector_step &step = program.step[k];
        double x = 0.0, y = 0.0;
        if (step.operation != FC__FILL) {
            x = step.x == held ? value : step.x[i];
            y = step.y == step.x ? x : step.y == held ? value : step.y[i];
        }
        value = evaluate(step, x, y);
        held = step.z;
        step.z[i] = value;
    }
}

fc_status fc__vectors_run(fc_context *context, fc__device *device, size_t length,
                          const fc__vector_program *program)
{
    if (length == 0 || program->count == 0)
        return FC_OK;
    return fc__launch(context, device, "run_kernel", run_kernel, fc__blocks(length, THREADS),
                      THREADS, 0, length, *program);
}

/* ---------------------------------------------------------------- sums and extremes */

struct Sum {
    static __host__ __device__ double join(double a, double b)
    {
        return a + b;
    }
};

struct Largest {
    static __host__ __device__ double join(double a, double b)
    {
        return b > a || b != b ? b : a; /* keeps NaN */
    }
};

struct Smallest {
    static __host__ __device__ double join(double a, double b)
    {
        return b < a ? b : a;
    }
};

template <typename Join> static __device__ double join_warp(double mine)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        mine = Join::join(mine, __shfl_down_sync(0xffffffff, mine, distance));
    return mine; /* that of lane 0 is of all */
}

/* Writes the block's result. */
template <typename Join> static __device__ void join_block(double mine, double *blocks)
{
    double *warps = fc__shared_memory<double>();
    mine = join_warp<Join>(mine);
    if (threadIdx.x % WARP == 0)
        warps[threadIdx.x / WARP] = mine;
    __syncthreads();
    if (threadIdx.x > 0)
        return;
    for (int w = 1; w < WARPS; w++)
        mine = Join::join(mine, warps[w]);
    blocks[blockIdx.x] = mine;
}

static __global__ void dot_kernel(size_t length, const double *x, const double *y, double *blocks)
{
    double sum = 0.0;
    for (size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x; i < length;
         i += (size_t)gridDim.x * THREADS)
        sum += x[i] * y[i];
    join_block<Sum>(sum, blocks);
}

static __global__ void largest_kernel(size_t length, const double *x, double *blocks)
{
    double largest = 0.0;
    for (size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x; i < length;
         i += (size_t)gridDim.x * THREADS)
        largest = Largest::join(largest, fabs(x[i]));
    join_block<Largest>(largest, blocks);
}

/* A warp takes a sample at a time: max over samples of sum_c (x w)^2. */
static __global__ void norm_kernel(size_t batch, size_t codes, const double *x, const double *w,
                                   double *blocks)
{
    size_t lane = threadIdx.x % WARP;
    double largest = 0.0;
    for (size_t sample = (size_t)blockIdx.x * WARPS + threadIdx.x / WARP; sample < batch;
         sample += (size_t)gridDim.x * WARPS) {
        double sum = 0.0;
        for (size_t i = sample * codes + lane; i < (sample + 1) * codes; i += WARP) {
            double scaled = x[i] * w[i];
            sum += scaled * scaled;
        }
        largest = Largest::join(largest, join_warp<Sum>(sum));
    }
    join_block<Largest>(lane == 0 ? largest : 0.0, blocks);
}

static __global__ void outside_kernel(size_t batch, size_t codes, const double *z,
                                      const double *bound, double *blocks)
{
    double first = (double)batch;
    for (size_t sample = (size_t)blockIdx.x * WARPS + threadIdx.x / WARP; sample < batch;
         sample += (size_t)gridDim.x * WARPS)
        for (size_t i = sample * codes + threadIdx.x % WARP; i < (sample + 1) * codes; i += WARP)
            if (!(fabs(z[i]) <= bound[sample]))
                first = Smallest::join(first, (double)sample);
    join_block<Smallest>(first, blocks);
}

/* Launches a reduction over `work` shares of a block, and joins what the blocks found. */
template <typename Join, typename... Expected, typename... Actual>
static fc_status reduce(fc_context *context, fc__device *device, double *blocks, const char *name,
                        size_t work, double *result, void (*kernel)(Expected...),
                        Actual... arguments)
{
    const unsigned most = FC__REDUCTION_BLOCKS;
    unsigned count = work < most ? static_cast<unsigned>(work) : most;
    FC_RETURN_TRY(fc__launch(context, device, name, kernel, count, THREADS, WARPS * sizeof(double),
                             arguments..., blocks));
    FC_RETURN_TRY(fc__device_wait(context, device));
    *result = blocks[0];
    for (unsigned b = 1; b < count; b++)
        *result = Join::join(*result, blocks[b]);
    return FC_OK;
}

fc_status fc__vectors_dot(fc_context *context, fc__device *device, double *blocks, size_t length,
                          const double *x, const double *y, double *dot)
{
    return reduce<Sum>(context, device, blocks, "dot_kernel", fc__blocks(length, THREADS), dot,
                       dot_kernel, length, x, y);
}

fc_status fc__vectors_largest(fc_context *context, fc__device *device, double *blocks,
                              size_t length, const double *x, double *largest)
{
    return reduce<Largest>(context, device, blocks, "largest_kernel", fc__blocks(length, THREADS),
                           largest, largest_kernel, length, x);
}

fc_status fc__vectors_norm(fc_context *context, fc__device *device, double *blocks, size_t batch,
                           size_t codes, const double *x, const double *w, double *norm)
{
    double largest = 0.0;
    FC_RETURN_TRY(reduce<Largest>(context, device, blocks, "norm_kernel", fc__blocks(batch, WARPS),
                                  &largest, norm_kernel, batch, codes, x, w));
    *norm = sqrt(largest / (double)codes);
    return FC_OK;
}

fc_status fc__vectors_outside(fc_context *context, fc__device *device, double *blocks, size_t batch,
                              size_t codes, const double *z, const double *bound, size_t *sample)
{
    double first = 0.0;
    FC_RETURN_TRY(reduce<Smallest>(context, device, blocks, "outside_kernel",
                                   fc__blocks(batch, WARPS), &first, outside_kernel, batch, codes,
                                   z, bound));
    *sample = (size_t)first;
    return FC_OK;
}

/* ---------------------------------------------------------------- rows */

static __global__ void gather_kernel(size_t count, size_t codes, const size_t *index,
                                     const double *from, double *to)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < count * codes)
        to[i] = from[index[i / codes] * codes + i % codes];
}

fc_status fc__vectors_gather(fc_context *context, fc__device *device, size_t count, size_t codes,
                             const size_t *index, const double *from, double *to)
{
    return fc__launch(context, device, "gather_kernel", gather_kernel,
                      fc__blocks(count * codes, THREADS), THREADS, 0, count, codes, index, from,
                      to);
}
