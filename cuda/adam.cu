#include "cuda/adam.cuh"

namespace
{

__global__ void adam_kernel(fc__adam_constants constants, size_t count, const float *gradient,
                            float *first, float *second, float *parameters)
{
    size_t stride = static_cast<size_t>(gridDim.x) * blockDim.x;
    for (size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += stride)
        fc__adam_one(constants, gradient[i], first[i], second[i], parameters[i]);
}

} // namespace

fc_status fc__cuda_adam(fc_context *context, fc__device *device,
                        const fc__adam_constants *constants, size_t count, const float *gradient,
                        float *first, float *second, float *parameters)
{
    const unsigned threads = 256, most = 8 * static_cast<unsigned>(device->multiprocessors);
    if (count == 0)
        return FC_OK;
    unsigned blocks = fc__blocks(count, threads) < most ? fc__blocks(count, threads) : most;
    return fc__launch(context, device, "Adam", adam_kernel, dim3(blocks), dim3(threads), 0,
                      *constants, count, gradient, first, second, parameters);
}
