/* adam.cuh: the Adam step of one weight. */
#ifndef FC_CUDA_ADAM_CUH
#define FC_CUDA_ADAM_CUH

#include "cuda/adam.h"
#include "cuda/device.cuh"

__device__ inline void fc__adam_one(const fc__adam_constants &a, float gradient, float &first,
                                    float &second, float &parameter)
{
    first = a.beta1 * first + (1.0f - a.beta1) * gradient;
    second = a.beta2 * second + (1.0f - a.beta2) * gradient * gradient;
    parameter =
        a.keep * parameter - a.rate * first * a.unbias1 / (sqrtf(second * a.unbias2) + a.epsilon);
}

#endif
