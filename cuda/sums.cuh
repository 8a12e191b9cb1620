/* sums.cuh: sums over blocks whose order is fixed, so that they have the same bits every time. */
#ifndef FC_CUDA_SUMS_CUH
#define FC_CUDA_SUMS_CUH

#include "cuda/device.cuh"

const unsigned fc__warp = 32;

/* Bytes of shared memory that a sum over `threads` threads, a multiple of a warp, needs. */
inline size_t fc__block_sum_shared(unsigned threads)
{
    return threads / fc__warp * sizeof(double);
}

/* The sum over the block in thread 0; `sums`: shared memory, free again after a barrier. */
__device__ inline double fc__block_sum(double value, double *sums)
{
    for (unsigned offset = fc__warp / 2; offset > 0; offset /= 2)
        value += __shfl_down_sync(0xffffffffu, value, offset);
    if (threadIdx.x % fc__warp == 0)
        sums[threadIdx.x / fc__warp] = value;
    __syncthreads();
    double sum = 0.0;
    for (unsigned i = 0; threadIdx.x == 0 && i < blockDim.x / fc__warp; i++)
        sum += sums[i];
    return sum;
}

#endif
