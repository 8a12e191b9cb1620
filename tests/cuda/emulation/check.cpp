/* check.cpp: the emulation checks itself: kernels, streams, graphs and controls (the libraries:
 * check_libraries.h). Prints what is wrong; returns 0 if nothing is. */
#include "check.h"
#include "check_libraries.h"

#include <string.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "cuda/machine.cuh"
#include "cuda_bf16.h"

extern __shared__ __align__(16) unsigned char fc__shared_bytes[];

/* ---------------------------------------------------------------- kernels */

static __global__ void axpy(float *y, const float *x, float a, size_t n)
{
    size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    if (i < n) {
        y[i] += a * x[i];
    }
}

static void an_elementwise_kernel_reaches_each_element_once()
{
    size_t n = 1000003;
    device_array<float> x(n, 2.0f), y(n, 1.0f);
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3((unsigned)((n + 255) / 256));
    config.blockDim = dim3(256);
    CHECK(cudaLaunchKernelEx(&config, axpy, y.data, x.data, 3, n) == cudaSuccess);
    for (float value : y.read()) {
        if (value != 7.0f) {
            CHECK(value == 7.0f);
            break;
        }
    }
}

static __global__ void sum(float *sums, const float *x)
{
    float *partial = (float *)(void *)fc__shared_bytes;
    unsigned i = threadIdx.x + blockDim.x * threadIdx.y;
    unsigned count = blockDim.x * blockDim.y;
    float mine = x[blockIdx.x * count + i];
    for (unsigned step = 16; step > 0; step /= 2) {
        float other = __shfl_down_sync(0xFFFFFFFFu, mine, step);
        mine += i + step < count && i % 32 + step < 32 ? other : 0.0f;
    }
    if (i % 32 == 0) {
        partial[i / 32] = mine;
    }
    __syncthreads();
    if (i == 0) {
        for (unsigned j = 1; j < (count + 31) / 32; j++) {
            mine += partial[j];
        }
        sums[blockIdx.x] = mine;
    }
}

static void a_block_sums_by_shuffles_and_a_barrier()
{
    std::vector<float> values(5 * 200);
    for (size_t i = 0; i < values.size(); i++) {
        values[i] = (float)(i % 13);
    }
    device_array<float> x(values), sums(5, 0.0f);
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(5);
    config.blockDim = dim3(20, 10); /* the last warp has 8 lanes */
    config.dynamicSmemBytes = 7 * sizeof(float);
    CHECK(cudaLaunchKernelEx(&config, sum, sums.data, x.data) == cudaSuccess);
    std::vector<float> found = sums.read();
    for (size_t j = 0; j < 5; j++) {
        float expected = 0;
        for (size_t i = 0; i < 200; i++) {
            expected += values[j * 200 + i];
        }
        CHECK(found[j] == expected);
    }
}

static __global__ void warp_operations(double *out)
{
    unsigned i = threadIdx.x, all = 0xFFFFFFFFu;
    double *row = out + i * 8;
    row[0] = __shfl_sync(all, (double)i, 5);
    row[1] = __shfl_sync(all, (long long)i, 11, 8);
    row[2] = __shfl_xor_sync(all, (float)i, 3);
    row[3] = __shfl_down_sync(all, (int)i, 3, 8);
    row[4] = __shfl_up_sync(all, (unsigned)i, 3, 8);
    row[5] = __ballot_sync(all, i % 3 == 0);
    if (i % 2 == 0) { /* each half with its own mask, out of step */
        row[6] = __shfl_xor_sync(0x55555555u, (int)i, 2) + __any_sync(0x55555555u, i == 4);
    } else {
        row[6] = __all_sync(0xAAAAAAAAu, i > 0) - __all_sync(0xAAAAAAAAu, i > 1);
    }
    if (i >= 16) {
        return;
    }
    row[7] = __shfl_sync(all, (int)i, (int)i ^ 1); /* the others have returned */
}

static void warps_exchange_as_on_a_device()
{
    device_array<double> out(32 * 8, 0.0);
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(1);
    config.blockDim = dim3(32);
    CHECK(cudaLaunchKernelEx(&config, warp_operations, out.data) == cudaSuccess);
    std::vector<double> found = out.read();
    for (unsigned i = 0; i < 32; i++) {
        const double *row = &found[i * 8];
        CHECK(row[0] == 5);
        CHECK(row[1] == i / 8 * 8 + 3);
        CHECK(row[2] == (i ^ 3));
        CHECK(row[3] == (i % 8 < 5 ? i + 3 : i));
        CHECK(row[4] == (i % 8 < 3 ? i : i - 3));
        CHECK(row[5] == (double)0x49249249u);
        CHECK(row[6] == (i % 2 == 0 ? (i ^ 2) + 1 : 1));
        CHECK(row[7] == (i < 16 ? (i ^ 1) : 0));
    }
}

/* Reads the neighbour's element with a barrier or, wrongly, without one. */
static __global__ void rotate(int *out, bool with_barrier)
{
    int *tile = (int *)(void *)fc__shared_bytes;
    tile[threadIdx.x] = (int)threadIdx.x;
    if (with_barrier) {
        __syncthreads();
    }
    out[threadIdx.x] = tile[(threadIdx.x + 1) % blockDim.x];
}

static void a_missing_barrier_shows()
{
    device_array<int> out(64, 0);
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(1);
    config.blockDim = dim3(64);
    config.dynamicSmemBytes = 64 * sizeof(int);
    for (bool with_barrier : {false, true}) {
        cudaLaunchKernelEx(&config, rotate, out.data, with_barrier);
        std::vector<int> found = out.read();
        bool right = true;
        for (int i = 0; i < 64; i++) {
            right = right && found[(size_t)i] == (i + 1) % 64;
        }
        CHECK(right == with_barrier);
    }
}

/* ---------------------------------------------------------------- machine.cuh */

/* c (16 x 8) = a (16 x k) b (k x 8), all by rows. */
static __global__ void tile_tf32(float *c, const float *a, const float *b, int k)
{
    unsigned g = threadIdx.x / 4, t = threadIdx.x % 4;
    float d[4] = {};
    for (int first = 0; first < k; first += 8) {
        const float *row = a + (size_t)g * (size_t)k + (size_t)first, *low = row + 8 * k;
        const float *column = b + (size_t)first * 8 + g;
        uint32_t of_a[4] = {fc__to_tf32(row[t]), fc__to_tf32(low[t]), fc__to_tf32(row[t + 4]),
                            fc__to_tf32(low[t + 4])};
        uint32_t of_b[2] = {fc__to_tf32(column[t * 8]), fc__to_tf32(column[(t + 4) * 8])};
        fc__mma_tf32(d, of_a, of_b);
    }
    for (unsigned i = 0; i < 4; i++) {
        c[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = d[i];
    }
}

static __device__ uint32_t pair(float low, float high)
{
    __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
    uint32_t bits;
    memcpy(&bits, &both, sizeof bits);
    return bits;
}

static __global__ void tile_bf16(float *c, const float *a, const float *b, int k)
{
    unsigned g = threadIdx.x / 4, t = threadIdx.x % 4;
    float d[4] = {};
    for (int first = 0; first < k; first += 16) {
        const float *row = a + (size_t)g * (size_t)k + (size_t)first + 2 * t, *low = row + 8 * k;
        const float *column = b + ((size_t)first + 2 * t) * 8 + g;
        uint32_t of_a[4] = {pair(row[0], row[1]), pair(low[0], low[1]), pair(row[8], row[9]),
                            pair(low[8], low[9])};
        uint32_t of_b[2] = {pair(column[0], column[8]), pair(column[64], column[72])};
        fc__mma_bf16(d, of_a, of_b);
    }
    for (unsigned i = 0; i < 4; i++) {
        c[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = d[i];
    }
}

static void tensor_cores_multiply_tiles()
{
    int k = 48;
    std::vector<float> a(16 * 48), b(48 * 8);
    for (size_t i = 0; i < a.size(); i++) {
        a[i] = (float)((int)(i * 7 % 31) - 15); /* exact in either format */
    }
    for (size_t i = 0; i < b.size(); i++) {
        b[i] = (float)((int)(i * 5 % 29) - 14);
    }
    device_array<float> on_a(a), on_b(b), c(16 * 8, 0.0f);
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(1);
    config.blockDim = dim3(32);
    for (auto kernel : {tile_tf32, tile_bf16}) {
        CHECK(cudaLaunchKernelEx(&config, kernel, c.data, on_a.data, on_b.data, k) == cudaSuccess);
        std::vector<float> found = c.read();
        for (size_t i = 0; i < 16; i++) {
            for (size_t j = 0; j < 8; j++) {
                float expected = 0;
                for (size_t l = 0; l < 48; l++) {
                    expected += a[i * 48 + l] * b[l * 8 + j];
                }
                CHECK(found[i * 8 + j] == expected);
            }
        }
    }
    CHECK(fc__to_tf32(1.0f + 0x1p-11f) == __float_as_uint(1.0f + 0x1p-10f)); /* away from zero */
    CHECK(fc__to_tf32(-1.0f - 0x1p-12f) == __float_as_uint(-1.0f));
    CHECK((float)__nv_bfloat16(1.0f + 0x1p-8f) == 1.0f); /* to even */
    CHECK((float)__nv_bfloat16(1.0f + 0x1.8p-7f) == 1.0f + 0x1p-6f);
}

/* Sums tiles of 32 x 4 numbers, the next on its way while one is summed. */
static __global__ void stream_tiles(float *out, const float *x, int tiles, bool waits)
{
    float4 *buffers = (float4 *)(void *)fc__shared_bytes;
    const float4 *from = (const float4 *)(const void *)x;
    float total = 0;
    fc__copy_async16(&buffers[threadIdx.x], &from[threadIdx.x], true);
    fc__copy_commit();
    for (int i = 0; i < tiles; i++) {
        size_t next = (size_t)(i + 1);
        fc__copy_async16(&buffers[next % 2 * 32 + threadIdx.x], &from[next * 32 + threadIdx.x],
                         i + 1 < tiles);
        fc__copy_commit();
        if (waits) {
            fc__copy_wait<1>();
        }
        __syncthreads();
        float4 mine = buffers[i % 2 * 32 + (threadIdx.x ^ 1)];
        total += mine.x + mine.y + mine.z + mine.w;
        __syncthreads();
    }
    fc__copy_wait<0>();
    out[threadIdx.x] = total + buffers[tiles % 2 * 32 + threadIdx.x].x; /* 0: it was not valid */
}

static void asynchronous_copies_arrive_at_their_wait()
{
    std::vector<float> values(5 * 128);
    for (size_t i = 0; i < values.size(); i++) {
        values[i] = (float)(i / 4 % 32);
    }
    device_array<float> x(values), out(32, 0.0f);
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(1);
    config.blockDim = dim3(32);
    config.dynamicSmemBytes = 2 * 32 * sizeof(float4);
    cudaLaunchKernelEx(&config, stream_tiles, out.data, x.data, 5, true);
    std::vector<float> found = out.read();
    for (unsigned i = 0; i < 32; i++) {
        CHECK(found[i] == (float)(20 * (i ^ 1)));
    }
    cudaLaunchKernelEx(&config, stream_tiles, out.data, x.data, 5, false);
    CHECK(isnan(out.read()[0]));
}

/* ---------------------------------------------------------------- launches */

static __global__ void nothing()
{
}

static cudaError_t try_launch(dim3 grid, dim3 block, size_t shared_bytes)
{
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared_bytes;
    return cudaLaunchKernelEx(&config, nothing);
}

static void launches_a_device_refuses_fail()
{
    CHECK(try_launch(dim3(0), dim3(32), 0) == cudaErrorInvalidConfiguration);
    CHECK(try_launch(dim3(1, 65536), dim3(32), 0) == cudaErrorInvalidConfiguration);
    CHECK(try_launch(dim3(1), dim3(1025), 0) == cudaErrorInvalidConfiguration);
    CHECK(try_launch(dim3(1), dim3(32, 8, 8), 0) == cudaErrorInvalidConfiguration);
    CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
    CHECK(cudaGetLastError() == cudaSuccess);
    CHECK(try_launch(dim3(1), dim3(1024), 49153) == cudaErrorInvalidValue);
    int blocks = -1;
    auto attribute = cudaFuncAttributeMaxDynamicSharedMemorySize;
    CHECK(cudaFuncSetAttribute(nothing, attribute, 232449) == cudaErrorInvalidValue);
    CHECK(cudaFuncSetAttribute(nothing, attribute, 232448) == cudaSuccess);
    CHECK(try_launch(dim3(1), dim3(1024), 232448) == cudaSuccess);
    CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nothing, 256, 50000) ==
          cudaSuccess);
    CHECK(blocks == 4);
    CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

static __global__ void half_of_a_barrier()
{
    if (threadIdx.x == 3) {
        __shfl_sync(0xFFFFFFFFu, 1, 0);
    } else {
        __syncthreads();
    }
}

/* What the emulation says before it stops. */
static void a_deadlock_stops_with_a_message()
{
    int ends[2], status;
    char text[4096] = "";
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        cudaLaunchConfig_t config = {};
        config.gridDim = dim3(1);
        config.blockDim = dim3(32);
        dup2(ends[1], STDERR_FILENO);
        cudaLaunchKernelEx(&config, half_of_a_barrier);
        cudaDeviceSynchronize();
        _exit(0);
    }
    close(ends[1]);
    std::string said;
    for (ssize_t got; (got = read(ends[0], text, sizeof text)) > 0;) {
        said.append(text, (size_t)got);
    }
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child && !(WIFEXITED(status) && WEXITSTATUS(status) == 0));
    CHECK(said.find("thread (3, 0, 0) waits at __shfl_sync") != std::string::npos);
    CHECK(said.find("31 of 32 threads wait at __syncthreads") != std::string::npos);
}

/* ---------------------------------------------------------------- streams and graphs */

static __global__ void add(float *x, float value)
{
    x[threadIdx.x] += value;
}

struct pinned {
    float *data = nullptr;

    explicit pinned(size_t count)
    {
        CHECK(cudaMallocHost(&data, count * sizeof(float)) == cudaSuccess);
    }
    ~pinned()
    {
        CHECK(cudaFreeHost(data) == cudaSuccess);
    }
};

static cudaLaunchConfig_t one_warp(cudaStream_t stream)
{
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(1);
    config.blockDim = dim3(32);
    config.stream = stream;
    return config;
}

static void streams_run_only_when_waited_for()
{
    cudaStream_t first, second;
    cudaEvent_t begun = nullptr, done = nullptr;
    device_array<float> x(32, 1.0f);
    pinned host(32);
    CHECK(cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking) == cudaSuccess);
    CHECK(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking) == cudaSuccess);
    CHECK(cudaEventCreate(&begun) == cudaSuccess && cudaEventCreate(&done) == cudaSuccess);
    cudaLaunchConfig_t config = one_warp(first);
    host.data[0] = -1;
    CHECK(cudaEventRecord(begun, first) == cudaSuccess);
    CHECK(cudaLaunchKernelEx(&config, add, x.data, 2.0) == cudaSuccess);
    CHECK(cudaEventRecord(done, first) == cudaSuccess);
    CHECK(cudaStreamWaitEvent(second, done) == cudaSuccess);
    CHECK(cudaMemcpyAsync(host.data, x.data, 128, cudaMemcpyDeviceToHost, second) == cudaSuccess);
    if (!getenv("CUDA_LAUNCH_BLOCKING")) {
        CHECK(host.data[0] == -1);
    }
    CHECK(cudaStreamSynchronize(second) == cudaSuccess);
    CHECK(host.data[0] == 3);
    float milliseconds = -1;
    CHECK(cudaEventElapsedTime(&milliseconds, begun, done) == cudaSuccess && milliseconds >= 0);
    CHECK(cudaMemcpyAsync(x.data, host.data, 132, cudaMemcpyHostToDevice, first) ==
          cudaErrorInvalidValue); /* past the end */
    CHECK(cudaMemcpyAsync(x.data, host.data, 8, cudaMemcpyDeviceToHost, first) ==
          cudaErrorInvalidValue); /* the wrong way */
    CHECK(cudaEventDestroy(begun) == cudaSuccess && cudaEventDestroy(done) == cudaSuccess);
    CHECK(cudaStreamDestroy(first) == cudaSuccess && cudaStreamDestroy(second) == cudaSuccess);
    CHECK(cudaStreamSynchronize(first) == cudaErrorInvalidResourceHandle);
}

static void a_graph_runs_what_was_captured()
{
    cudaStream_t stream, side;
    cudaEvent_t fork, join;
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    device_array<float> x(32, 1.0f), y(32, 1.0f);
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&fork, cudaEventDisableTiming);
    cudaEventCreateWithFlags(&join, cudaEventDisableTiming);
    cudaLaunchConfig_t config = one_warp(stream), beside = one_warp(side);
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    CHECK(cudaMemsetAsync(y.data, 0, 128, stream) == cudaSuccess);
    CHECK(cudaEventRecord(fork, stream) == cudaSuccess);
    CHECK(cudaStreamWaitEvent(side, fork) == cudaSuccess);
    CHECK(cudaLaunchKernelEx(&beside, add, y.data, 5.0f) == cudaSuccess);
    CHECK(cudaEventRecord(join, side) == cudaSuccess);
    CHECK(cudaStreamWaitEvent(stream, join) == cudaSuccess);
    CHECK(cudaLaunchKernelEx(&config, add, x.data, 1.0f) == cudaSuccess);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    CHECK(x.read()[0] == 1 && y.read()[0] == 1);
    CHECK(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
    CHECK(cudaGraphDestroy(graph) == cudaSuccess);
    size_t before = fc_emulation_launches();
    CHECK(cudaGraphUpload(executable, stream) == cudaSuccess);
    CHECK(cudaGraphLaunch(executable, stream) == cudaSuccess);
    CHECK(cudaGraphLaunch(executable, stream) == cudaSuccess);
    CHECK(cudaGraphExecDestroy(executable) == cudaSuccess); /* while it is on its way */
    CHECK(fc_emulation_launches() == before + 4);
    CHECK(x.read()[0] == 3 && y.read()[0] == 5);
    CHECK(cudaEventDestroy(fork) == cudaSuccess && cudaEventDestroy(join) == cudaSuccess);
    CHECK(cudaStreamDestroy(stream) == cudaSuccess && cudaStreamDestroy(side) == cudaSuccess);
}

static void what_must_not_be_captured_spoils_the_graph()
{
    void *memory;
    cudaStream_t stream, side;
    cudaEvent_t fork;
    cudaGraph_t graph;
    cudaStreamCaptureStatus status;
    device_array<float> x(32, 1.0f);
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&fork, cudaEventDisableTiming);
    cudaLaunchConfig_t config = one_warp(stream), beside = one_warp(side);
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    CHECK(cudaMalloc(&memory, 8) == cudaErrorStreamCaptureUnsupported);
    CHECK(cudaStreamIsCapturing(stream, &status) == cudaSuccess);
    CHECK(status == cudaStreamCaptureStatusInvalidated);
    CHECK(cudaLaunchKernelEx(&config, add, x.data, 1.0f) == cudaErrorStreamCaptureInvalidated);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated && !graph);
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaErrorStreamCaptureUnsupported);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated && !graph);
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
    cudaEventRecord(fork, stream);
    cudaStreamWaitEvent(side, fork);
    cudaLaunchKernelEx(&beside, add, x.data, 5.0f);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureUnjoined && !graph);
    CHECK(cudaEventDestroy(fork) == cudaSuccess);
    CHECK(cudaStreamDestroy(stream) == cudaSuccess && cudaStreamDestroy(side) == cudaSuccess);
}

/* ---------------------------------------------------------------- controls */

static void memory_is_limited_and_counted()
{
    void *first, *second;
    size_t available, total, before = fc_emulation_allocated();
    fc_emulation_set_memory(before + 1000);
    CHECK(cudaMalloc(&first, 600) == cudaSuccess);
    CHECK(*(unsigned char *)first == 0xFF);
    CHECK(cudaMalloc(&second, 600) == cudaErrorMemoryAllocation && !second);
    CHECK(cudaMemGetInfo(&available, &total) == cudaSuccess);
    CHECK(available == 400 && total == before + 1000);
    CHECK(cudaFreeAsync(first, 0) == cudaSuccess);
    CHECK(cudaMallocAsync(&second, 1000, 0) == cudaSuccess);
    CHECK(fc_emulation_allocated() == before + 1000);
    CHECK(cudaFree(second) == cudaSuccess);
    CHECK(cudaFree(second) == cudaErrorInvalidValue);
    CHECK(cudaFree(nullptr) == cudaSuccess);
    CHECK(fc_emulation_allocated() == before);
    fc_emulation_set_memory((size_t)4 << 30);
    cudaGetLastError();
}

static void a_call_fails_where_a_test_wants_it()
{
    void *memory;
    device_array<float> x(32, 1.0f);
    cudaLaunchConfig_t config = one_warp(0);
    fc_emulation_fail_after(2, cudaErrorLaunchFailure);
    CHECK(cudaMalloc(&memory, 8) == cudaSuccess);
    CHECK(cudaLaunchKernelEx(&config, add, x.data, 1.0f) == cudaErrorLaunchFailure);
    CHECK(cudaPeekAtLastError() == cudaErrorLaunchFailure);
    CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
    CHECK(cudaFree(memory) == cudaSuccess);
    CHECK(x.read()[0] == 1);
    CHECK(strcmp(cudaGetErrorName(cudaErrorLaunchFailure), "cudaErrorLaunchFailure") == 0);
}

static void devices_are_as_a_test_wants_them()
{
    int count = -1, value = -1;
    cudaDeviceProp properties;
    fc_emulation_set_devices(0);
    CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice && count == 0);
    fc_emulation_set_devices(2);
    CHECK(cudaGetDeviceCount(&count) == cudaSuccess && count == 2);
    CHECK(cudaSetDevice(2) == cudaErrorInvalidDevice);
    fc_emulation_set_capability(7, 5);
    CHECK(cudaGetDeviceProperties(&properties, 1) == cudaSuccess);
    CHECK(properties.major == 7 && properties.minor == 5);
    CHECK(properties.sharedMemPerBlockOptin == 65536);
    fc_emulation_set_capability(9, 0);
    CHECK(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0) ==
              cudaSuccess &&
          value == 232448);
    fc_emulation_set_devices(1);
    cudaGetLastError();
}

int main()
{
    an_elementwise_kernel_reaches_each_element_once();
    a_block_sums_by_shuffles_and_a_barrier();
    warps_exchange_as_on_a_device();
    a_missing_barrier_shows();
    tensor_cores_multiply_tiles();
    asynchronous_copies_arrive_at_their_wait();
    launches_a_device_refuses_fail();
    a_deadlock_stops_with_a_message();
    streams_run_only_when_waited_for();
    a_graph_runs_what_was_captured();
    what_must_not_be_captured_spoils_the_graph();
    memory_is_limited_and_counted();
    a_call_fails_where_a_test_wants_it();
    devices_are_as_a_test_wants_them();
    check_libraries();
    CHECK(fc_emulation_allocated() == 0);
    CHECK(fc_emulation_objects() == 0);
    fprintf(stderr, failures ? "emulation: %d checks failed\n" : "emulation: all checks passed\n",
            failures);
    return failures != 0;
}
