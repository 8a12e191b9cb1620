/* swish.cuh: the activation of hidden units, swish(h) = h sigma(h), sigma(h) = 1 / (1 + e^-h). */
#ifndef FC_CUDA_SWISH_CUH
#define FC_CUDA_SWISH_CUH

#include "cuda/device.cuh"

#include <math.h>

__device__ inline float fc__exponential(float x)
{
    return expf(x);
}

__device__ inline double fc__exponential(double x)
{
    return exp(x);
}

template <typename Real> __device__ inline Real fc__swish(Real h)
{
    return h / (1 + fc__exponential(-h));
}

/* swish'(h) = sigma(h) (1 + h (1 - sigma(h))) */
template <typename Real> __device__ inline Real fc__swish_slope(Real h)
{
    Real sigma = 1 / (1 + fc__exponential(-h));
    return sigma * (1 + h * (1 - sigma));
}

#endif
