/* device.h: the emulated device language: qualifiers, vector types, built-in variables, intrinsics,
 * warp operations and atomics. Included by cuda_runtime.h. Kernels run one thread at a time on the
 * processor (block.cpp), so an atomic is a plain read and write. */
#ifndef FC_EMULATION_DEVICE_H
#define FC_EMULATION_DEVICE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <type_traits>

#define FC_CUDA_EMULATION 1

#define __global__
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
/* Kernels take their shared memory as `extern __shared__ ... fc__shared_bytes[]` only. */
#define __shared__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

extern __shared__ __align__(16) unsigned char fc__shared_bytes[];

/* ---------------------------------------------------------------- vector types */

#define FC_EMULATION_VECTOR2(name, type, alignment)                                                \
    struct __align__(alignment) name                                                               \
    {                                                                                              \
        type x, y;                                                                                 \
    };                                                                                             \
    static inline name make_##name(type x, type y)                                                 \
    {                                                                                              \
        return name{x, y};                                                                         \
    }
#define FC_EMULATION_VECTOR3(name, type, alignment)                                                \
    struct __align__(alignment) name                                                               \
    {                                                                                              \
        type x, y, z;                                                                              \
    };                                                                                             \
    static inline name make_##name(type x, type y, type z)                                         \
    {                                                                                              \
        return name{x, y, z};                                                                      \
    }
#define FC_EMULATION_VECTOR4(name, type, alignment)                                                \
    struct __align__(alignment) name                                                               \
    {                                                                                              \
        type x, y, z, w;                                                                           \
    };                                                                                             \
    static inline name make_##name(type x, type y, type z, type w)                                 \
    {                                                                                              \
        return name{x, y, z, w};                                                                   \
    }

FC_EMULATION_VECTOR2(float2, float, 8)
FC_EMULATION_VECTOR3(float3, float, 4)
FC_EMULATION_VECTOR4(float4, float, 16)
FC_EMULATION_VECTOR2(double2, double, 16)
FC_EMULATION_VECTOR3(double3, double, 8)
FC_EMULATION_VECTOR4(double4, double, 16)
FC_EMULATION_VECTOR2(int2, int, 8)
FC_EMULATION_VECTOR3(int3, int, 4)
FC_EMULATION_VECTOR4(int4, int, 16)
FC_EMULATION_VECTOR2(uint2, unsigned, 8)
FC_EMULATION_VECTOR3(uint3, unsigned, 4)
FC_EMULATION_VECTOR4(uint4, unsigned, 16)

#undef FC_EMULATION_VECTOR2
#undef FC_EMULATION_VECTOR3
#undef FC_EMULATION_VECTOR4

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned width = 1, unsigned height = 1, unsigned depth = 1)
        : x(width), y(height), z(depth)
    {
    }
    constexpr dim3(uint3 from) : x(from.x), y(from.y), z(from.z)
    {
    }
};

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

/* ---------------------------------------------------------------- waiting (block.cpp) */

namespace emulation
{

constexpr int exchange_bytes = 64; /* at most so much a lane deposits */
using exchange_slots = unsigned char (*)[exchange_bytes];

/* Deposits `bytes` of `value`, waits until all living lanes of `mask` have come to the same
 * operation, and returns what each of the 32 lanes has deposited; lanes that did not take part show
 * 0xFF bytes. Valid until this thread's next exchange. */
exchange_slots exchange(unsigned mask, const char *operation, const void *value, size_t bytes);

unsigned lane();
unsigned living_lanes();
void wait_for_block();
void require_capability(int major, const char *operation);

/* cp.async: the copy happens when a wait covers its group, so that a missing wait shows. */
void copy_async(void *shared, const void *global, size_t bytes, bool valid);
void copy_commit();
void copy_wait(unsigned pending_groups);

template <typename T> T take(exchange_slots slots, unsigned from)
{
    T value;
    memcpy(&value, slots[from], sizeof value);
    return value;
}

/* `own_when` says whether the lane keeps its own value: the source lies outside its segment. */
template <typename T>
T shuffle(unsigned mask, const char *operation, T value, unsigned from, bool own_when)
{
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "CUDA shuffles 32 and 64 bits");
    exchange_slots slots = exchange(mask, operation, &value, sizeof value);
    return own_when ? value : take<T>(slots, from & 31);
}

} // namespace emulation

static inline void __syncthreads()
{
    emulation::wait_for_block();
}

static inline void __syncwarp(unsigned mask = 0xFFFFFFFFu)
{
    emulation::exchange(mask, "__syncwarp", nullptr, 0);
}

static inline void __threadfence()
{
}

static inline void __threadfence_block()
{
}

template <typename T> T __shfl_sync(unsigned mask, T value, int source, int width = 32)
{
    unsigned within = (unsigned)width - 1, first = emulation::lane() & ~within;
    return emulation::shuffle(mask, "__shfl_sync", value, first | ((unsigned)source & within),
                              false);
}

template <typename T> T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32)
{
    unsigned last = emulation::lane() | ((unsigned)width - 1);
    unsigned from = emulation::lane() ^ (unsigned)bits;
    return emulation::shuffle(mask, "__shfl_xor_sync", value, from, from > last);
}

template <typename T> T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32)
{
    unsigned within = (unsigned)width - 1, from = emulation::lane() + delta;
    return emulation::shuffle(mask, "__shfl_down_sync", value, from,
                              (emulation::lane() & within) + delta > within);
}

template <typename T> T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32)
{
    unsigned within = (unsigned)width - 1, from = emulation::lane() - delta;
    return emulation::shuffle(mask, "__shfl_up_sync", value, from,
                              (emulation::lane() & within) < delta);
}

static inline unsigned __ballot_sync(unsigned mask, int predicate)
{
    int yes = predicate != 0;
    emulation::exchange_slots slots = emulation::exchange(mask, "__ballot_sync", &yes, sizeof yes);
    unsigned ballot = 0;
    for (unsigned i = 0; i < 32; i++) {
        ballot |= (unsigned)(emulation::take<int>(slots, i) == 1) << i;
    }
    return ballot;
}

static inline int __any_sync(unsigned mask, int predicate)
{
    return __ballot_sync(mask, predicate) != 0;
}

static inline int __all_sync(unsigned mask, int predicate)
{
    return __ballot_sync(mask, !predicate) == 0;
}

/* Which lanes run together a device does not promise; here all that have not returned. */
static inline unsigned __activemask()
{
    return emulation::living_lanes();
}

/* ---------------------------------------------------------------- atomics */

namespace emulation
{
template <typename T> struct same { /* lets the pointer alone say the type, as in CUDA */
    using type = T;
};
} // namespace emulation

template <typename T> T atomicAdd(T *address, typename emulation::same<T>::type value)
{
    T old = *address;
    *address = old + value;
    return old;
}

template <typename T> T atomicMax(T *address, typename emulation::same<T>::type value)
{
    static_assert(std::is_integral<T>::value, "CUDA has it for integers only");
    T old = *address;
    *address = old > value ? old : value;
    return old;
}

template <typename T> T atomicMin(T *address, typename emulation::same<T>::type value)
{
    static_assert(std::is_integral<T>::value, "CUDA has it for integers only");
    T old = *address;
    *address = old < value ? old : value;
    return old;
}

template <typename T> T atomicExch(T *address, typename emulation::same<T>::type value)
{
    T old = *address;
    *address = value;
    return old;
}

template <typename T> T atomicOr(T *address, typename emulation::same<T>::type value)
{
    T old = *address;
    *address = old | value;
    return old;
}

template <typename T>
T atomicCAS(T *address, typename emulation::same<T>::type compare,
            typename emulation::same<T>::type value)
{
    static_assert(std::is_integral<T>::value, "CUDA has it for integers only");
    T old = *address;
    *address = old == compare ? value : old;
    return old;
}

#include "intrinsics.h"

#endif
