/* memory.cpp: allocations, copies and fills. Device memory is host memory of which the emulation
 * keeps a list, so that a pointer of the wrong side or past an end is refused. */
#include <cstdio>
#include <cstdlib>
#include <map>

#include "internal.h"

namespace emulation
{

struct allocation {
    size_t bytes;
    memory where;
    int device;
};

static std::map<const char *, allocation> allocations;
static size_t allocated[FC_EMULATION_MOST_DEVICES];

bool find_memory(const void *pointer, size_t bytes, memory *where)
{
    const char *first = (const char *)pointer;
    auto next = allocations.upper_bound(first);
    *where = memory::pageable;
    if (next != allocations.begin()) {
        auto at = std::prev(next);
        size_t offset = (size_t)(first - at->first);
        if (offset < at->second.bytes) {
            *where = at->second.where;
            return bytes <= at->second.bytes - offset;
        }
    }
    return next == allocations.end() || bytes <= (size_t)(next->first - first);
}

bool on_device(const char *what, const void *pointer, size_t bytes)
{
    memory where;
    if (bytes == 0 || (find_memory(pointer, bytes, &where) && where == memory::device)) {
        return true;
    }
    fprintf(stderr, "emulation: %s: %p with %zu bytes is not in device memory\n", what, pointer,
            bytes);
    return false;
}

static cudaError_t allocate(void **pointer, size_t bytes, memory where)
{
    int device = current_device();
    *pointer = nullptr;
    if (bytes == 0) {
        return cudaSuccess;
    }
    const auto fits = [&] { return allocated[device] + bytes <= total_memory(); };
    if (where == memory::device && !fits()) {
        finish_all(); /* cudaFreeAsync may give some back */
        if (!fits()) {
            return cudaErrorMemoryAllocation;
        }
    }
    if (posix_memalign(pointer, 256, bytes) != 0) {
        *pointer = nullptr;
        return cudaErrorMemoryAllocation;
    }
    memset(*pointer, 0xFF, bytes); /* NaN, so that a read of what nobody wrote shows */
    allocations[(const char *)*pointer] = {bytes, where, device};
    allocated[device] += where == memory::device ? bytes : 0;
    count_objects(where == memory::pinned);
    return cudaSuccess;
}

/* Takes it off the list; *release then gives the memory back. */
static cudaError_t forget(void *pointer, memory where, work *release)
{
    auto found = allocations.find((const char *)pointer);
    if (found == allocations.end() || found->second.where != where) {
        return cudaErrorInvalidValue;
    }
    allocation gone = found->second;
    allocations.erase(found);
    *release = [=] {
        allocated[gone.device] -= gone.where == memory::device ? gone.bytes : 0;
        count_objects(-(gone.where == memory::pinned));
        free(pointer);
    };
    return cudaSuccess;
}

static cudaError_t free_now(void *pointer, memory where)
{
    return call(can_fail::no, [&] {
        work release;
        if (!pointer) {
            return cudaSuccess;
        }
        cudaError_t error = forbid_in_capture();
        if (error) {
            return error;
        }
        finish_all();
        error = forget(pointer, where, &release);
        if (!error) {
            release();
        }
        return error;
    });
}

/* A block of `height` rows of `width` bytes, `pitch` apart. */
struct area {
    const void *pointer;
    size_t pitch, width, height;

    size_t bytes() const
    {
        return height == 0 ? 0 : (height - 1) * pitch + width;
    }
};

static cudaError_t check_side(const area &area, bool may_be_host, bool may_be_device,
                              bool *pageable)
{
    memory where;
    if (area.width > area.pitch) {
        return cudaErrorInvalidPitchValue;
    }
    if (!area.pointer || !find_memory(area.pointer, area.bytes(), &where)) {
        return cudaErrorInvalidValue;
    }
    *pageable = *pageable || where == memory::pageable;
    return (where == memory::device ? may_be_device : may_be_host) ? cudaSuccess
                                                                   : cudaErrorInvalidValue;
}

static cudaError_t copy(area to, area from, cudaMemcpyKind kind, cudaStream_t stream)
{
    bool pageable = false, any = kind == cudaMemcpyDefault;
    if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) {
        return cudaErrorInvalidMemcpyDirection;
    }
    if (to.width == 0 || to.height == 0) {
        return cudaSuccess;
    }
    bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    cudaError_t error = check_side(to, any || !to_device, any || to_device, &pageable);
    error = error ? error : check_side(from, any || !from_device, any || from_device, &pageable);
    error = error ? error : submit(stream, [=] {
        for (size_t i = 0; i < to.height; i++) {
            memmove((char *)to.pointer + i * to.pitch, (const char *)from.pointer + i * from.pitch,
                    to.width);
        }
    });
    /* A device, too, returns only when it has read from or written to pageable memory. */
    return error || !pageable || is_capturing(stream) ? error : finish(stream);
}

static cudaError_t fill(area to, int value, cudaStream_t stream)
{
    bool pageable = false;
    if (to.width == 0 || to.height == 0) {
        return cudaSuccess;
    }
    cudaError_t error = check_side(to, false, true, &pageable);
    return error ? error : submit(stream, [=] {
        for (size_t i = 0; i < to.height; i++) {
            memset((char *)to.pointer + i * to.pitch, value, to.width);
        }
    });
}

} // namespace emulation

using namespace emulation;

cudaError_t cudaMalloc(void **pointer, size_t bytes)
{
    return call(can_fail::yes, [&] {
        cudaError_t error = forbid_in_capture();
        return error ? error : allocate(pointer, bytes, memory::device);
    });
}

cudaError_t cudaFree(void *pointer)
{
    return free_now(pointer, memory::device);
}

cudaError_t cudaMallocAsync(void **pointer, size_t bytes, cudaStream_t stream)
{
    return call(can_fail::yes, [&] {
        cudaError_t error = is_stream(stream) ? forbid_in_capture() : cudaErrorInvalidValue;
        return error ? error : allocate(pointer, bytes, memory::device);
    });
}

cudaError_t cudaFreeAsync(void *pointer, cudaStream_t stream)
{
    return call(can_fail::no, [&] {
        work release;
        if (!pointer) {
            return cudaSuccess;
        }
        cudaError_t error = is_stream(stream) ? forbid_in_capture() : cudaErrorInvalidValue;
        error = error ? error : forget(pointer, memory::device, &release);
        return error ? error : submit(stream, release);
    });
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    return call(can_fail::yes, [&] {
        size_t used = allocated[current_device()];
        *total = total_memory();
        *available = used < *total ? *total - used : 0;
        return cudaSuccess;
    });
}

cudaError_t cudaMallocHost(void **pointer, size_t bytes)
{
    return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault);
}

cudaError_t cudaHostAlloc(void **pointer, size_t bytes, unsigned)
{
    return call(can_fail::yes, [&] {
        cudaError_t error = forbid_in_capture();
        return error ? error : allocate(pointer, bytes, memory::pinned);
    });
}

cudaError_t cudaFreeHost(void *pointer)
{
    return free_now(pointer, memory::pinned);
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    return call(can_fail::yes, [&] {
        cudaError_t error = forbid_in_capture();
        error = error ? error : copy({to, bytes, bytes, 1}, {from, bytes, bytes, 1}, kind, 0);
        return error ? error : finish(0);
    });
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    return call(can_fail::yes, [&] {
        return copy({to, bytes, bytes, 1}, {from, bytes, bytes, 1}, kind, stream);
    });
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch,
                              size_t width, size_t height, enum cudaMemcpyKind kind,
                              cudaStream_t stream)
{
    return call(can_fail::yes, [&] {
        return copy({to, to_pitch, width, height}, {from, from_pitch, width, height}, kind, stream);
    });
}

cudaError_t cudaMemset(void *pointer, int value, size_t bytes)
{
    return call(can_fail::yes, [&] {
        cudaError_t error = forbid_in_capture();
        return error ? error : fill({pointer, bytes, bytes, 1}, value, 0);
    });
}

cudaError_t cudaMemsetAsync(void *pointer, int value, size_t bytes, cudaStream_t stream)
{
    return call(can_fail::yes, [&] { return fill({pointer, bytes, bytes, 1}, value, stream); });
}

cudaError_t cudaMemset2DAsync(void *pointer, size_t pitch, int value, size_t width, size_t height,
                              cudaStream_t stream)
{
    return call(can_fail::yes, [&] {
        return fill({pointer, pitch, width, height}, value, stream);
    });
}

extern "C" size_t fc_emulation_allocated(void)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    size_t sum = 0;
    finish_all();
    for (size_t bytes : allocated) {
        sum += bytes;
    }
    return sum;
}
