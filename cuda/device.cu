/* A CUDA device in use. */
#include "cuda/device.cuh"
#include "cuda/staging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is allocated, so that it can be counted when it is freed. */
struct fc__device_block {
    void *pointer;
    size_t bytes;
    fc__device_block *next;
};

/* The runtime waits for the device before it frees or, often, allocates. Small blocks are therefore
 * kept when they are freed: as all work of a device is in one order, the next owner may have one
 * while work of the last is still queued. */
static void free_idle(fc__device *device)
{
    while (device->idle) {
        fc__device_block *block = device->idle;
        device->idle = block->next;
        (void)cudaFree(block->pointer);
        free(block);
    }
    device->idle_bytes = 0;
}

/* The smallest idle block of `bytes` and little more, which is idle no longer; NULL where there is
 * none. */
static fc__device_block *take_idle(fc__device *device, size_t bytes)
{
    const size_t most = bytes + bytes / 8;
    fc__device_block **best = NULL;
    for (fc__device_block **link = &device->idle; *link; link = &(*link)->next)
        if ((*link)->bytes >= bytes && (*link)->bytes <= most &&
            (!best || (*link)->bytes < (*best)->bytes))
            best = link;
    if (!best)
        return NULL;
    fc__device_block *block = *best;
    *best = block->next;
    device->idle_bytes -= block->bytes;
    return block;
}

/* ---------------------------------------------------------------- failures */

static fc_status report(fc_context *context, const fc__device *device, const char *call,
                        const char *text, bool memory)
{
    /* "cublasSgemm(device->blas, ..." is told as cublasSgemm */
    int length = static_cast<int>(strcspn(call, "("));
    return fc__fail(context, memory ? FC_ERROR_MEMORY : FC_ERROR_DEVICE, "cuda:%d: %.*s: %s",
                    device->index, length, call, text);
}

fc_status fc__device_report(fc_context *context, const fc__device *device, const char *call,
                            cudaError_t error)
{
    if (error == cudaSuccess)
        return FC_OK;
    (void)cudaGetLastError(); /* or it would be told again of the next call */
    return report(context, device, call, cudaGetErrorString(error),
                  error == cudaErrorMemoryAllocation);
}

fc_status fc__device_report(fc_context *context, const fc__device *device, const char *call,
                            cublasStatus_t error)
{
    if (error == CUBLAS_STATUS_SUCCESS)
        return FC_OK;
    return report(context, device, call, cublasGetStatusString(error),
                  error == CUBLAS_STATUS_ALLOC_FAILED);
}

fc_status fc__device_report(fc_context *context, const fc__device *device, const char *call,
                            cusolverStatus_t error)
{
    char text[32];
    if (error == CUSOLVER_STATUS_SUCCESS)
        return FC_OK;
    if (error == CUSOLVER_STATUS_NOT_INITIALIZED) /* cuda/libraries.c */
        return report(context, device, call, "cuSOLVER cannot be loaded or initialised", false);
    snprintf(text, sizeof text, "cuSOLVER status %d", static_cast<int>(error));
    return report(context, device, call, text, error == CUSOLVER_STATUS_ALLOC_FAILED);
}

/* ---------------------------------------------------------------- description */

fc_cuda_config fc_cuda_config_default(void)
{
    fc_cuda_config config = {};
    config.precision = FC_CUDA_TF32;
    return config;
}

/* `device` leads the message: "CUDA" or "cuda:0" */
static fc_status count_devices(fc_context *context, const char *device, int *count)
{
    int driver = 0;
    *count = 0;
    cudaError_t error = cudaGetDeviceCount(count);
    if (error == cudaSuccess && *count > 0)
        return FC_OK;
    (void)cudaGetLastError();
    *count = 0;
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
        return fc__fail(context, FC_ERROR_DEVICE, "%s: no NVIDIA driver is loaded", device);
    return fc__fail(context, FC_ERROR_DEVICE, "%s: %s (driver for CUDA %d.%d)", device,
                    error == cudaSuccess ? "there is no device" : cudaGetErrorString(error),
                    driver / 1000, driver % 1000 / 10);
}

fc_status fc_cuda_count(fc_context *context, int *count)
{
    return count_devices(context, "CUDA", count);
}

fc_status fc_cuda_check(fc_context *context, int index)
{
    enum { OLDEST = 7 }; /* major compute capability */
    int count = 0;
    char name[32];
    cudaDeviceProp properties;
    snprintf(name, sizeof name, "cuda:%d", index);
    FC_RETURN_TRY(count_devices(context, name, &count));
    if (index < 0 || index >= count)
        return fc__fail(context, FC_ERROR_DEVICE,
                        "%s: there is no such device; the last one is cuda:%d", name, count - 1);
    cudaError_t error = cudaGetDeviceProperties(&properties, index);
    if (error != cudaSuccess) {
        (void)cudaGetLastError();
        return fc__fail(context, FC_ERROR_DEVICE, "%s: %s", name, cudaGetErrorString(error));
    }
    if (properties.major < OLDEST)
        return fc__fail(context, FC_ERROR_DEVICE,
                        "%s: %s has compute capability %d.%d; %d.0 or above is needed", name,
                        properties.name, properties.major, properties.minor, OLDEST);
    return FC_OK;
}

static int library_version(int major, int minor, int patch)
{
    return 10000 * major + 100 * minor + patch;
}

fc_status fc_cuda_describe(fc_context *context, int index, fc_cuda_description *description)
{
    fc__device device = {};
    cudaDeviceProp properties;
    int major = 0, minor = 0, patch = 0;
    device.index = index;
    *description = {};
    FC_RETURN_TRY(fc_cuda_check(context, index));
    FC_CUDA_TRY(context, &device, cudaGetDeviceProperties(&properties, index));
    snprintf(description->name, sizeof description->name, "%s", properties.name);
    description->major = properties.major;
    description->minor = properties.minor;
    description->multiprocessors = properties.multiProcessorCount;
    FC_CUDA_TRY(context, &device, cudaSetDevice(index));
    FC_CUDA_TRY(context, &device, cudaMemGetInfo(&description->free, &description->memory));
    FC_CUDA_TRY(context, &device, cudaDriverGetVersion(&description->driver));
    FC_CUDA_TRY(context, &device, cudaRuntimeGetVersion(&description->runtime));
    FC_CUDA_TRY(context, &device, cublasGetProperty(MAJOR_VERSION, &major));
    FC_CUDA_TRY(context, &device, cublasGetProperty(MINOR_VERSION, &minor));
    FC_CUDA_TRY(context, &device, cublasGetProperty(PATCH_LEVEL, &patch));
    description->cublas = library_version(major, minor, patch);
    FC_CUDA_TRY(context, &device, cusolverGetProperty(MAJOR_VERSION, &major));
    FC_CUDA_TRY(context, &device, cusolverGetProperty(MINOR_VERSION, &minor));
    FC_CUDA_TRY(context, &device, cusolverGetProperty(PATCH_LEVEL, &patch));
    description->cusolver = library_version(major, minor, patch);
    return FC_OK;
}

/* ---------------------------------------------------------------- life */

/* Tells what there is of this library's code for a device. */
static __global__ void code_kernel()
{
}

static fc_status set_up(fc_context *context, const fc_cuda_config *config, fc__device *device)
{
    const size_t workspace = 32 << 20; /* bytes: what cuBLAS would take for itself on sm_90 */
    const int tensor_code = 80;        /* below it cuda/machine.cuh traps */
    cudaDeviceProp properties;
    cudaFuncAttributes code;
    size_t free = 0, total = 0;
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device, cudaGetDeviceProperties(&properties, device->index));
    FC_CUDA_TRY(context, device, cudaFuncGetAttributes(&code, code_kernel));
    device->tensor_cores = code.ptxVersion >= tensor_code;
    device->multiprocessors = properties.multiProcessorCount;
    device->shared_limit = properties.sharedMemPerBlockOptin;
    FC_CUDA_TRY(context, device, cudaStreamCreateWithFlags(&device->stream, cudaStreamNonBlocking));
    FC_CUDA_TRY(context, device, cublasCreate(&device->blas));
    FC_CUDA_TRY(context, device, cublasSetStream(device->blas, device->stream));
    FC_CUDA_TRY(context, device, cudaMalloc(&device->workspace, workspace));
    FC_CUDA_TRY(context, device, cublasSetWorkspace(device->blas, device->workspace, workspace));
    FC_CUDA_TRY(context, device, cusolverDnCreate(&device->solver));
    FC_CUDA_TRY(context, device, cusolverDnSetStream(device->solver, device->stream));
    FC_CUDA_TRY(context, device, cudaMemGetInfo(&free, &total));
    device->limit = config->memory ? config->memory : free - free / 10;
    return FC_OK;
}

fc_status fc__device_open(fc_context *context, const fc_cuda_config *config, fc__device **device)
{
    *device = NULL;
    FC_RETURN_TRY(fc_cuda_check(context, config->index));
    fc__device *made = NULL;
    FC_RETURN_TRY(fc__allocate(context, 1, sizeof *made, &made));
    made->index = config->index;
    made->precision = config->precision;
    fc_status status = set_up(context, config, made);
    if (!made->tensor_cores)
        made->precision = FC_CUDA_FP32;
    if (status == FC_OK)
        *device = made;
    else
        fc__device_close(made);
    return status;
}

void fc__device_close(fc__device *device)
{
    if (!device)
        return;
    (void)cudaSetDevice(device->index);
    fc__staging_free_spare(device);
    while (device->blocks)
        fc__device_free(device, device->blocks->pointer);
    free_idle(device);
    if (device->solver)
        (void)cusolverDnDestroy(device->solver);
    if (device->blas)
        (void)cublasDestroy(device->blas);
    if (device->workspace)
        (void)cudaFree(device->workspace);
    if (device->stream)
        (void)cudaStreamDestroy(device->stream);
    free(device);
}

fc_cuda_precision fc__device_precision(const fc__device *device)
{
    return device->precision;
}

/* ---------------------------------------------------------------- memory */

size_t fc__device_in_use(const fc__device *device)
{
    return device->used;
}

size_t fc__device_room(const fc__device *device)
{
    size_t free = 0, total = 0;
    size_t left = device->limit > device->used ? device->limit - device->used : 0;
    if (cudaSetDevice(device->index) != cudaSuccess ||
        cudaMemGetInfo(&free, &total) != cudaSuccess) {
        (void)cudaGetLastError();
        return 0;
    }
    free += device->idle_bytes;
    return left < free ? left : free;
}

static fc_status refuse(fc_context *context, const fc__device *device, const char *what,
                        size_t count, size_t size)
{
    double wanted = static_cast<double>(count) * static_cast<double>(size);
    return fc__fail(context, FC_ERROR_MEMORY,
                    "cuda:%d: out of device memory: %s takes %zu x %zu bytes (%.3g GB), %.3g GB "
                    "are in use and %.3g GB left of the %.3g GB that may be used",
                    device->index, what, count, size, 1e-9 * wanted,
                    1e-9 * static_cast<double>(device->used),
                    1e-9 * static_cast<double>(fc__device_room(device)),
                    1e-9 * static_cast<double>(device->limit));
}

/* New memory; what is idle goes where it would not do beside it. */
static cudaError_t allocate_new(fc__device *device, size_t bytes, void **memory)
{
    if (device->used + device->idle_bytes > device->limit - bytes)
        free_idle(device);
    cudaError_t error = cudaMalloc(memory, bytes);
    if (error != cudaErrorMemoryAllocation || !device->idle)
        return error;
    (void)cudaGetLastError();
    free_idle(device);
    return cudaMalloc(memory, bytes);
}

fc_status fc__device_allocate(fc_context *context, fc__device *device, const char *what,
                              size_t count, size_t size, void *pointer)
{
    void *memory = NULL;
    size_t bytes = fc__product(count, size);
    memcpy(pointer, &memory, sizeof memory);
    if (bytes == 0)
        return FC_OK;
    FC_DEVICE_USE(context, device);
    if (bytes > device->limit || device->used > device->limit - bytes)
        return refuse(context, device, what, count, size);
    fc__device_block *block = take_idle(device, bytes);
    if (!block) {
        FC_RETURN_TRY(fc__allocate(context, 1, sizeof *block, &block));
        cudaError_t error = allocate_new(device, bytes, &memory);
        if (error != cudaSuccess) {
            (void)cudaGetLastError();
            free(block);
            return error == cudaErrorMemoryAllocation
                       ? refuse(context, device, what, count, size)
                       : fc__device_report(context, device, "cudaMalloc", error);
        }
        *block = {memory, bytes, NULL};
    }
    block->next = device->blocks;
    device->blocks = block;
    device->used += block->bytes;
    memcpy(pointer, &block->pointer, sizeof memory);
    return FC_OK;
}

void fc__device_free(fc__device *device, void *pointer)
{
    const size_t largest = 64 << 20, share = 16; /* bytes of a block, and of the limit in all */
    if (!device || !pointer)
        return;
    fc__device_block **link = &device->blocks;
    while (*link && (*link)->pointer != pointer)
        link = &(*link)->next;
    fc__device_block *block = *link;
    if (!block)
        return;
    *link = block->next;
    device->used -= block->bytes;
    if (block->bytes <= largest && device->idle_bytes + block->bytes <= device->limit / share) {
        block->next = device->idle;
        device->idle = block;
        device->idle_bytes += block->bytes;
        return;
    }
    (void)cudaFree(pointer);
    free(block);
}

fc_status fc__device_pin(fc_context *context, fc__device *device, const char *what, size_t count,
                         size_t size, void *pointer)
{
    void *memory = NULL;
    memcpy(pointer, &memory, sizeof memory);
    FC_DEVICE_USE(context, device);
    cudaError_t error = cudaMallocHost(&memory, fc__product(count, size));
    memcpy(pointer, &memory, sizeof memory);
    if (error != cudaErrorMemoryAllocation)
        return fc__device_report(context, device, "cudaMallocHost", error);
    (void)cudaGetLastError();
    return fc__fail(context, FC_ERROR_MEMORY,
                    "cuda:%d: out of pinned host memory: %s takes %zu x %zu bytes", device->index,
                    what, count, size);
}

void fc__device_unpin(void *pointer)
{
    if (pointer)
        (void)cudaFreeHost(pointer);
}

fc_status fc__device_upload(fc_context *context, fc__device *device, void *to, const void *from,
                            size_t bytes)
{
    if (bytes == 0)
        return FC_OK;
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device,
                cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device->stream));
    return fc__device_wait(context, device);
}

fc_status fc__device_download(fc_context *context, fc__device *device, void *to, const void *from,
                              size_t bytes)
{
    if (bytes == 0)
        return FC_OK;
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device,
                cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device->stream));
    return fc__device_wait(context, device);
}

fc_status fc__device_copy(fc_context *context, fc__device *device, void *to, const void *from,
                          size_t bytes)
{
    if (bytes == 0)
        return FC_OK;
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device,
                cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, device->stream));
    return FC_OK;
}

fc_status fc__device_zero(fc_context *context, fc__device *device, void *to, size_t bytes)
{
    if (bytes == 0)
        return FC_OK;
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device, cudaMemsetAsync(to, 0, bytes, device->stream));
    return FC_OK;
}

fc_status fc__device_wait(fc_context *context, fc__device *device)
{
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device, cudaStreamSynchronize(device->stream));
    return FC_OK;
}

/* ---------------------------------------------------------------- products */

static cublasOperation_t operation(bool transposed)
{
    return transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

/* cuBLAS is column-major: C^T = op(B)^T op(A)^T. */
fc_status fc__device_sgemm(fc_context *context, fc__device *device, bool exact, bool ta, bool tb,
                           size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
                           const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    cublasComputeType_t compute = exact || device->precision == FC_CUDA_FP32
                                      ? CUBLAS_COMPUTE_32F_PEDANTIC
                                      : CUBLAS_COMPUTE_32F_FAST_TF32;
    if (m == 0 || n == 0)
        return FC_OK;
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device,
                cublasGemmEx(device->blas, operation(tb), operation(ta), static_cast<int>(n),
                             static_cast<int>(m), static_cast<int>(k), &alpha, b, CUDA_R_32F,
                             static_cast<int>(ldb), a, CUDA_R_32F, static_cast<int>(lda), &beta, c,
                             CUDA_R_32F, static_cast<int>(ldc), compute, CUBLAS_GEMM_DEFAULT));
    return FC_OK;
}

fc_status fc__device_dgemm(fc_context *context, fc__device *device, bool ta, bool tb, size_t m,
                           size_t n, size_t k, double alpha, const double *a, size_t lda,
                           const double *b, size_t ldb, double beta, double *c, size_t ldc)
{
    if (m == 0 || n == 0)
        return FC_OK;
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device,
                cublasDgemm(device->blas, operation(tb), operation(ta), static_cast<int>(n),
                            static_cast<int>(m), static_cast<int>(k), &alpha, b,
                            static_cast<int>(ldb), a, static_cast<int>(lda), &beta, c,
                            static_cast<int>(ldc)));
    return FC_OK;
}
