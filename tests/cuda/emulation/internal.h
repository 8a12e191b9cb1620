/* internal.h: what the files of the emulation share. */
#ifndef FC_EMULATION_INTERNAL_H
#define FC_EMULATION_INTERNAL_H

#include <functional>
#include <mutex>

#include "cuda_runtime.h"
#include "emulation.h"

namespace emulation
{

using work = std::function<void()>;

constexpr size_t shared_capacity = 228 << 10; /* fc__shared_bytes, as the largest device has it */

/* ---------------------------------------------------------------- block.cpp */

/* Runs every thread of every block. */
void run_grid(dim3 grid, dim3 block, size_t shared_bytes, const work &thread);

/* ---------------------------------------------------------------- device.cpp */

/* One call at a time, from whichever thread. */
std::recursive_mutex &mutex();

enum class can_fail { no, yes };

/* Keeps `error` for cudaGetLastError, and returns it. */
cudaError_t keep(cudaError_t error);
/* The error of this call if a test has asked for one, or if there is no device. */
cudaError_t failure(can_fail kind);

/* What all calls of the runtime do around their own. */
template <typename Body> cudaError_t call(can_fail kind, Body body)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    cudaError_t error = failure(kind);
    return keep(error ? error : body());
}

/* One more or one less of what fc_emulation_objects counts. */
void count_objects(int change);

int current_device();
size_t total_memory();
const cudaDeviceProp &properties();

/* ---------------------------------------------------------------- memory.cpp */

enum class memory { pageable, pinned, device };
/* Where all of the `bytes` at `pointer` lie; false if they reach over the end of an allocation. */
bool find_memory(const void *pointer, size_t bytes, memory *where);
/* Whether a kernel may use these bytes; says so on stderr where not. */
bool on_device(const char *what, const void *pointer, size_t bytes);

/* ---------------------------------------------------------------- stream.cpp */

/* Puts `run` into the stream, or into the graph that the stream is being captured into. */
cudaError_t submit(cudaStream_t stream, work run);
/* Runs what is in the stream and in those that it has to wait for. */
cudaError_t finish(cudaStream_t stream);
void finish_all();
/* Fails, and spoils the captures, if a stream is being captured: for calls that must not be made
 * meanwhile. */
cudaError_t forbid_in_capture();
bool is_capturing(cudaStream_t stream);
bool is_stream(cudaStream_t stream);

} // namespace emulation

#endif
