/* draw.cuh: the points of a frame that a run looks at, drawn as fc__sample_point of
 * inr/fit_pass_paths.h draws them. */
#ifndef FC_CUDA_DRAW_CUH
#define FC_CUDA_DRAW_CUH

#include "cuda/device.cuh"
#include "cuda/fit_kernels.h"

/* The n-th number of a stream (inr/rng.c). */
__device__ inline uint64_t fc__draw_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

__device__ inline double fc__draw_uniform(uint64_t seed, uint64_t stream, uint64_t n)
{
    const uint64_t golden = 0x9E3779B97F4A7C15u;
    uint64_t key = fc__draw_mix(seed + golden) ^ fc__draw_mix((stream + 1) * golden);
    return static_cast<double>(fc__draw_mix(key + (n + 1) * golden) >> 11) * 0x1p-53;
}

/* Place k of those looked at. */
__device__ inline size_t fc__draw_point(fc__fit_draw draw, uint64_t stream, size_t total, size_t k)
{
    if (!draw.points || draw.points >= total)
        return k;
    double stretch = static_cast<double>(total) / static_cast<double>(draw.points);
    size_t point = static_cast<size_t>(
        (static_cast<double>(k) + fc__draw_uniform(draw.seed, stream, k)) * stretch);
    return point < total ? point : total - 1;
}

#endif
