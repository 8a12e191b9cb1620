/* device.cuh: the inside of a device and the launching of kernels, for the CUDA sources of this
 * room. Kernels use dynamic shared memory only, through fc__shared_memory. */
#ifndef FC_CUDA_DEVICE_CUH
#define FC_CUDA_DEVICE_CUH

#include "cuda/device.h"

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cusolverDn.h>

struct fc__device {
    int index;
    fc_cuda_precision precision;
    bool tensor_cores; /* of TF32 and BF16: compute capability 8.0 and above */
    int multiprocessors;
    size_t shared_limit; /* bytes of shared memory that a block may ask for */
    size_t limit, used;  /* bytes */
    cudaStream_t stream;
    cublasHandle_t blas;
    cusolverDnHandle_t solver;
    void *workspace; /* of cuBLAS: one of its own, for work that is recorded as a graph */
    struct fc__device_block *blocks; /* allocated, for the count of `used` */
    struct fc__device_block *idle;   /* freed, and kept for the next that they fit */
    size_t idle_bytes;
    struct fc__staging *spare; /* pinning memory takes long: kept for the next staging */
};

/* Records what a call of the runtime, cuBLAS or cuSOLVER returned; FC_OK where it succeeded. */
fc_status fc__device_report(fc_context *context, const fc__device *device, const char *call,
                            cudaError_t error);
fc_status fc__device_report(fc_context *context, const fc__device *device, const char *call,
                            cublasStatus_t error);
fc_status fc__device_report(fc_context *context, const fc__device *device, const char *call,
                            cusolverStatus_t error);

/* Makes the function that contains it return when a call fails. */
#define FC_CUDA_TRY(context, device, call)                                                         \
    do {                                                                                           \
        fc_status fc__tried = fc__device_report((context), (device), #call, (call));               \
        if (fc__tried != FC_OK)                                                                    \
            return fc__tried;                                                                      \
    } while (0)
/* The same for calls that return a status and have left their message. */
#define FC_RETURN_TRY(call)                                                                        \
    do {                                                                                           \
        fc_status fc__tried = (call);                                                              \
        if (fc__tried != FC_OK)                                                                    \
            return fc__tried;                                                                      \
    } while (0)

/* Whatever else the calling thread has used: calls below are of its current device. */
#define FC_DEVICE_USE(context, device)                                                             \
    FC_CUDA_TRY((context), (device), cudaSetDevice((device)->index))

extern __shared__ __align__(16) unsigned char fc__shared_bytes[];

template <typename T> __device__ inline T *fc__shared_memory(size_t offset = 0)
{
    return reinterpret_cast<T *>(fc__shared_bytes + offset);
}

/* Queues a kernel on the device's stream; `shared` bytes of dynamic shared memory. */
template <typename... Expected, typename... Actual>
fc_status fc__launch(fc_context *context, const fc__device *device, const char *name,
                     void (*kernel)(Expected...), dim3 grid, dim3 block, size_t shared,
                     Actual... arguments)
{
    const size_t unasked = 48 << 10; /* bytes that every kernel may have */
    FC_DEVICE_USE(context, device);
    if (shared > unasked) {
        cudaError_t raised = cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel),
                                                  cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                  static_cast<int>(shared));
        if (raised != cudaSuccess)
            return fc__device_report(context, device, name, raised);
    }
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared;
    config.stream = device->stream;
    return fc__device_report(
        context, device, name,
        cudaLaunchKernelEx(&config, kernel, static_cast<Expected>(arguments)...));
}

/* Blocks of `size` that cover `count`. */
inline unsigned fc__blocks(size_t count, size_t size)
{
    return static_cast<unsigned>((count + size - 1) / size);
}

#endif
