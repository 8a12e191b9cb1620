/* device.cpp: the emulated devices, errors, and what is asked of kernels before they run. */
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>

#include "internal.h"

namespace emulation
{

static int device_count = 1;
static size_t memory_bytes = (size_t)4 << 30;
static size_t fail_in;
static cudaError_t fail_with;
static size_t launches;
static size_t objects;
static std::map<std::pair<const void *, int>, size_t> raised_limits;

static thread_local int device_now;
static thread_local cudaError_t last_error;

std::recursive_mutex &mutex()
{
    static std::recursive_mutex mutex;
    return mutex;
}

cudaError_t keep(cudaError_t error)
{
    last_error = error ? error : last_error;
    return error;
}

cudaError_t failure(can_fail kind)
{
    if (device_count <= 0) {
        return device_count == 0 ? cudaErrorNoDevice : cudaErrorInsufficientDriver;
    }
    if (kind == can_fail::yes && fail_in > 0 && --fail_in == 0) {
        return fail_with;
    }
    return cudaSuccess;
}

void count_objects(int change)
{
    objects += (size_t)change;
}

int current_device()
{
    return device_now;
}

size_t total_memory()
{
    return memory_bytes;
}

/* Shared memory by compute capability, as the CUDA programming guide lists it. */
static const struct {
    int major, minor;
    size_t per_block, per_multiprocessor;
} shared_sizes[] = {
    {7, 0, 98304, 98304},    {7, 5, 65536, 65536},    {8, 0, 166912, 167936},
    {8, 6, 101376, 102400},  {8, 9, 101376, 102400},  {9, 0, 232448, 233472},
    {10, 0, 232448, 233472}, {12, 0, 101376, 102400},
};

static cudaDeviceProp describe(int major, int minor)
{
    cudaDeviceProp it = {};
    snprintf(it.name, sizeof it.name, "emulated");
    it.major = major;
    it.minor = minor;
    it.sharedMemPerBlock = it.sharedMemPerBlockOptin = it.sharedMemPerMultiprocessor = 49152;
    for (const auto &row : shared_sizes) {
        if (row.major * 10 + row.minor <= major * 10 + minor) {
            it.sharedMemPerBlockOptin = row.per_block;
            it.sharedMemPerMultiprocessor = row.per_multiprocessor;
        }
    }
    it.reservedSharedMemPerBlock = major < 8 ? 0 : 1024;
    it.totalGlobalMem = memory_bytes;
    it.regsPerBlock = it.regsPerMultiprocessor = 65536;
    it.warpSize = 32;
    it.maxThreadsPerBlock = it.maxThreadsDim[0] = it.maxThreadsDim[1] = 1024;
    it.maxThreadsDim[2] = 64;
    it.maxGridSize[0] = 0x7FFFFFFF;
    it.maxGridSize[1] = it.maxGridSize[2] = 65535;
    it.maxThreadsPerMultiProcessor = 2048;
    it.maxBlocksPerMultiProcessor = 32;
    it.multiProcessorCount = 4;
    it.l2CacheSize = 4 << 20;
    it.concurrentKernels = it.asyncEngineCount = 1;
    it.memoryPoolsSupported = it.unifiedAddressing = 1;
    return it;
}

static cudaDeviceProp device_properties = describe(9, 0);

const cudaDeviceProp &properties()
{
    return device_properties;
}

/* ---------------------------------------------------------------- kernels */

static size_t shared_limit(const void *kernel)
{
    auto raised = raised_limits.find({kernel, device_now});
    return raised == raised_limits.end() ? device_properties.sharedMemPerBlock : raised->second;
}

static cudaError_t check_launch(const cudaLaunchConfig_t &config, const void *kernel)
{
    dim3 grid = config.gridDim, block = config.blockDim;
    const cudaDeviceProp &device = device_properties;
    if (!kernel) {
        return cudaErrorInvalidDeviceFunction;
    }
    bool empty = !grid.x || !grid.y || !grid.z || !block.x || !block.y || !block.z;
    if (empty || grid.x > (unsigned)device.maxGridSize[0] ||
        grid.y > (unsigned)device.maxGridSize[1] || grid.z > (unsigned)device.maxGridSize[2] ||
        block.x > (unsigned)device.maxThreadsDim[0] ||
        block.y > (unsigned)device.maxThreadsDim[1] ||
        block.z > (unsigned)device.maxThreadsDim[2] ||
        block.x * block.y * block.z > (unsigned)device.maxThreadsPerBlock) {
        return cudaErrorInvalidConfiguration;
    }
    for (unsigned i = 0; i < config.numAttrs; i++) {
        if (config.attrs[i].id != cudaLaunchAttributeIgnore &&
            config.attrs[i].id != cudaLaunchAttributeProgrammaticStreamSerialization) {
            return cudaErrorNotSupported;
        }
    }
    return config.dynamicSmemBytes > shared_limit(kernel) ? cudaErrorInvalidValue : cudaSuccess;
}

cudaError_t launch(const cudaLaunchConfig_t *config, const void *kernel, work thread)
{
    return call(can_fail::yes, [&] {
        cudaError_t error = check_launch(*config, kernel);
        if (error) {
            return error;
        }
        dim3 grid = config->gridDim, block = config->blockDim;
        size_t shared_bytes = config->dynamicSmemBytes;
        return submit(config->stream, [=] {
            launches++;
            run_grid(grid, block, shared_bytes, thread);
        });
    });
}

cudaError_t set_function_attribute(const void *kernel, enum cudaFuncAttribute attribute, int value)
{
    return call(can_fail::yes, [&] {
        if (!kernel) {
            return cudaErrorInvalidDeviceFunction;
        }
        if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) {
            return value < -1 || value > 100 ? cudaErrorInvalidValue : cudaSuccess;
        }
        if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
            (size_t)value > device_properties.sharedMemPerBlockOptin) {
            return cudaErrorInvalidValue;
        }
        raised_limits[{kernel, device_now}] = (size_t)value;
        return cudaSuccess;
    });
}

cudaError_t get_function_attributes(cudaFuncAttributes *attributes, const void *kernel)
{
    return call(can_fail::yes, [&] {
        if (!kernel) {
            return cudaErrorInvalidDeviceFunction;
        }
        *attributes = {};
        attributes->maxThreadsPerBlock = device_properties.maxThreadsPerBlock;
        attributes->numRegs = 32;
        attributes->ptxVersion = attributes->binaryVersion =
            device_properties.major * 10 + device_properties.minor;
        attributes->maxDynamicSharedSizeBytes = (int)shared_limit(kernel);
        return cudaSuccess;
    });
}

cudaError_t occupancy(int *blocks, const void *kernel, int threads, size_t shared_bytes)
{
    return call(can_fail::no, [&] {
        const cudaDeviceProp &device = device_properties;
        if (!kernel || threads < 1) {
            return cudaErrorInvalidValue;
        }
        size_t warps = ((size_t)threads + 31) / 32;
        size_t by_threads = (size_t)device.maxThreadsPerMultiProcessor / (warps * 32);
        size_t by_memory = device.sharedMemPerMultiprocessor /
                           std::max<size_t>(1, shared_bytes + device.reservedSharedMemPerBlock);
        bool possible =
            threads <= device.maxThreadsPerBlock && shared_bytes <= shared_limit(kernel);
        size_t most = (size_t)device.maxBlocksPerMultiProcessor;
        *blocks = possible ? (int)std::min({by_threads, by_memory, most}) : 0;
        return cudaSuccess;
    });
}

} // namespace emulation

using namespace emulation;

/* ---------------------------------------------------------------- errors */

#define FC_EMULATION_ERROR(name, text)                                                             \
    {                                                                                              \
        name, #name, text                                                                          \
    }
static const struct {
    cudaError_t error;
    const char *name, *text;
} error_texts[] = {
    FC_EMULATION_ERROR(cudaSuccess, "no error"),
    FC_EMULATION_ERROR(cudaErrorInvalidValue, "invalid argument"),
    FC_EMULATION_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    FC_EMULATION_ERROR(cudaErrorInitializationError, "initialization error"),
    FC_EMULATION_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    FC_EMULATION_ERROR(cudaErrorInvalidPitchValue, "invalid pitch argument"),
    FC_EMULATION_ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    FC_EMULATION_ERROR(cudaErrorInsufficientDriver,
                       "CUDA driver version is insufficient for CUDA runtime version"),
    FC_EMULATION_ERROR(cudaErrorDevicesUnavailable,
                       "CUDA-capable device(s) is/are busy or unavailable"),
    FC_EMULATION_ERROR(cudaErrorInvalidDeviceFunction, "invalid device function"),
    FC_EMULATION_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    FC_EMULATION_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    FC_EMULATION_ERROR(cudaErrorNoKernelImageForDevice,
                       "no kernel image is available for execution on the device"),
    FC_EMULATION_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    FC_EMULATION_ERROR(cudaErrorNotReady, "device not ready"),
    FC_EMULATION_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    FC_EMULATION_ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    FC_EMULATION_ERROR(cudaErrorLaunchTimeout, "the launch timed out and was terminated"),
    FC_EMULATION_ERROR(cudaErrorMisalignedAddress, "misaligned address"),
    FC_EMULATION_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    FC_EMULATION_ERROR(cudaErrorNotSupported, "operation not supported"),
    FC_EMULATION_ERROR(cudaErrorStreamCaptureUnsupported,
                       "operation not permitted when stream is capturing"),
    FC_EMULATION_ERROR(cudaErrorStreamCaptureInvalidated,
                       "operation failed due to a previous error during capture"),
    FC_EMULATION_ERROR(cudaErrorStreamCaptureMerge,
                       "operation would result in a merge of separate capture sequences"),
    FC_EMULATION_ERROR(cudaErrorStreamCaptureUnmatched,
                       "capture was not ended in the same stream as it began"),
    FC_EMULATION_ERROR(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
    FC_EMULATION_ERROR(cudaErrorStreamCaptureIsolation,
                       "dependency created on uncaptured work in another stream"),
    FC_EMULATION_ERROR(cudaErrorStreamCaptureImplicit,
                       "operation would make the legacy stream depend on a capturing blocking "
                       "stream"),
    FC_EMULATION_ERROR(cudaErrorCapturedEvent,
                       "operation not permitted on an event last recorded in a capturing stream"),
    FC_EMULATION_ERROR(cudaErrorUnknown, "unknown error"),
};

const char *cudaGetErrorName(cudaError_t error)
{
    for (const auto &row : error_texts) {
        if (row.error == error) {
            return row.name;
        }
    }
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    for (const auto &row : error_texts) {
        if (row.error == error) {
            return row.text;
        }
    }
    return "unrecognized error code";
}

cudaError_t cudaGetLastError()
{
    cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

cudaError_t cudaPeekAtLastError()
{
    return last_error;
}

/* ---------------------------------------------------------------- devices */

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 0;
    return call(can_fail::no, [&] {
        *count = device_count;
        return cudaSuccess;
    });
}

cudaError_t cudaSetDevice(int device)
{
    return call(can_fail::yes, [&] {
        if (device < 0 || device >= device_count) {
            return cudaErrorInvalidDevice;
        }
        device_now = device;
        return cudaSuccess;
    });
}

cudaError_t cudaGetDevice(int *device)
{
    return call(can_fail::no, [&] {
        *device = device_now;
        return cudaSuccess;
    });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *to, int device)
{
    return call(can_fail::yes, [&] {
        if (device < 0 || device >= device_count) {
            return cudaErrorInvalidDevice;
        }
        *to = device_properties;
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    const cudaDeviceProp &it = device_properties;
    const std::pair<cudaDeviceAttr, size_t> values[] = {
        {cudaDevAttrMaxThreadsPerBlock, (size_t)it.maxThreadsPerBlock},
        {cudaDevAttrMaxSharedMemoryPerBlock, it.sharedMemPerBlock},
        {cudaDevAttrWarpSize, (size_t)it.warpSize},
        {cudaDevAttrMaxRegistersPerBlock, (size_t)it.regsPerBlock},
        {cudaDevAttrMultiProcessorCount, (size_t)it.multiProcessorCount},
        {cudaDevAttrL2CacheSize, (size_t)it.l2CacheSize},
        {cudaDevAttrMaxThreadsPerMultiProcessor, (size_t)it.maxThreadsPerMultiProcessor},
        {cudaDevAttrComputeCapabilityMajor, (size_t)it.major},
        {cudaDevAttrComputeCapabilityMinor, (size_t)it.minor},
        {cudaDevAttrMaxSharedMemoryPerMultiprocessor, it.sharedMemPerMultiprocessor},
        {cudaDevAttrMaxSharedMemoryPerBlockOptin, it.sharedMemPerBlockOptin},
        {cudaDevAttrReservedSharedMemoryPerBlock, it.reservedSharedMemPerBlock},
        {cudaDevAttrMemoryPoolsSupported, (size_t)it.memoryPoolsSupported},
    };
    return call(can_fail::yes, [&] {
        if (device < 0 || device >= device_count) {
            return cudaErrorInvalidDevice;
        }
        auto found = std::find_if(std::begin(values), std::end(values),
                                  [&](const auto &row) { return row.first == attribute; });
        if (found == std::end(values)) {
            return cudaErrorInvalidValue;
        }
        *value = (int)found->second;
        return cudaSuccess;
    });
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = device_count < 0 ? 0 : CUDART_VERSION; /* 0: no driver, which is no error */
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

/* ---------------------------------------------------------------- controls */

extern "C" {

void fc_emulation_set_devices(int count)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    device_count = std::min<int>(count, FC_EMULATION_MOST_DEVICES);
}

void fc_emulation_set_memory(size_t bytes)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    memory_bytes = bytes;
    device_properties.totalGlobalMem = bytes;
}

void fc_emulation_set_capability(int major, int minor)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    device_properties = describe(major, minor);
}

void fc_emulation_fail_after(size_t n, int error)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    fail_in = n;
    fail_with = (cudaError_t)error;
}

size_t fc_emulation_launches(void)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    finish_all();
    return launches;
}

size_t fc_emulation_objects(void)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    return objects;
}
}
