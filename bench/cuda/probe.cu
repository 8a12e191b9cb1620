#include "bench/cuda/probe.h"
#include "cuda/device.cuh"

#include <stdlib.h>

enum { THREADS = 256 };

/* Blocks that keep the device busy whatever the count, each going on in strides. */
static dim3 blocks_for(const fc__device *device, size_t count)
{
    enum { A_PROCESSOR = 16 };
    size_t most = static_cast<size_t>(device->multiprocessors) * A_PROCESSOR;
    size_t wanted = (count + THREADS - 1) / THREADS;
    return dim3(static_cast<unsigned>(wanted < most ? wanted : most));
}

/* ---------------------------------------------------------------- the clock */

struct bench_clock {
    fc__device *device;
    cudaEvent_t start, stop;
};

fc_status bench_clock_create(fc_context *context, fc__device *device, bench_clock **clock)
{
    *clock = NULL;
    bench_clock *made = NULL;
    FC_RETURN_TRY(fc__allocate(context, 1, sizeof *made, &made));
    made->device = device;
    fc_status status =
        fc__device_report(context, device, "cudaEventCreate", cudaEventCreate(&made->start));
    if (status == FC_OK)
        status =
            fc__device_report(context, device, "cudaEventCreate", cudaEventCreate(&made->stop));
    if (status == FC_OK)
        *clock = made;
    else
        bench_clock_destroy(made);
    return status;
}

void bench_clock_destroy(bench_clock *clock)
{
    if (!clock)
        return;
    if (clock->start)
        (void)cudaEventDestroy(clock->start);
    if (clock->stop)
        (void)cudaEventDestroy(clock->stop);
    free(clock);
}

fc_status bench_clock_start(fc_context *context, bench_clock *clock)
{
    FC_CUDA_TRY(context, clock->device, cudaEventRecord(clock->start, clock->device->stream));
    return FC_OK;
}

fc_status bench_clock_stop(fc_context *context, bench_clock *clock, double *seconds)
{
    float milliseconds = 0.0f;
    FC_CUDA_TRY(context, clock->device, cudaEventRecord(clock->stop, clock->device->stream));
    FC_CUDA_TRY(context, clock->device, cudaEventSynchronize(clock->stop));
    FC_CUDA_TRY(context, clock->device,
                cudaEventElapsedTime(&milliseconds, clock->start, clock->stop));
    *seconds = 1e-3 * static_cast<double>(milliseconds);
    return FC_OK;
}

/* ---------------------------------------------------------------- values */

fc_status bench_probe_poison(fc_context *context, fc__device *device, void *to, size_t bytes)
{
    FC_CUDA_TRY(context, device, cudaMemsetAsync(to, 0xff, bytes, device->stream));
    return FC_OK;
}

__global__ static void count_unwritten(size_t count, const float *values, unsigned long long *found)
{
    unsigned long long mine = 0;
    size_t stride = static_cast<size_t>(gridDim.x) * blockDim.x;
    for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += stride)
        mine += !isfinite(values[i]);
    if (mine)
        atomicAdd(found, mine);
}

fc_status bench_probe_unwritten(fc_context *context, fc__device *device, size_t count,
                                const float *values, size_t *unwritten)
{
    unsigned long long *found = NULL, here = 0;
    FC_RETURN_TRY(fc__device_allocate(context, device, "a counter", 1, sizeof *found, &found));
    fc_status status = fc__device_zero(context, device, found, sizeof *found);
    if (status == FC_OK)
        status = fc__launch(context, device, "count_unwritten", count_unwritten,
                            blocks_for(device, count), dim3(THREADS), 0, count, values, found);
    if (status == FC_OK)
        status = fc__device_download(context, device, &here, found, sizeof here);
    fc__device_free(device, found);
    *unwritten = static_cast<size_t>(here);
    return status;
}

/* The finaliser of splitmix64 (Steele et al. 2014). */
__device__ static float random_number(uint64_t seed, uint64_t index)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + index;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return static_cast<float>(x >> 40) * 0x1p-23f - 1.0f;
}

__global__ static void fill_randomly(uint64_t seed, size_t count, float *to)
{
    size_t stride = static_cast<size_t>(gridDim.x) * blockDim.x;
    for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += stride)
        to[i] = random_number(seed, i);
}

fc_status bench_probe_random(fc_context *context, fc__device *device, uint64_t seed, size_t count,
                             float *to)
{
    return fc__launch(context, device, "fill_randomly", fill_randomly, blocks_for(device, count),
                      dim3(THREADS), 0, seed, count, to);
}

__global__ static void write_all(size_t quads, float4 *to)
{
    size_t stride = static_cast<size_t>(gridDim.x) * blockDim.x;
    for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < quads;
         i += stride) {
        float x = static_cast<float>(i & 0xffff);
        to[i] = make_float4(x, x + 0.25f, x + 0.5f, x + 0.75f);
    }
}

fc_status bench_probe_write(fc_context *context, fc__device *device, size_t count, float *to)
{
    return fc__launch(context, device, "write_all", write_all, blocks_for(device, count / 4),
                      dim3(THREADS), 0, count / 4, reinterpret_cast<float4 *>(to));
}
