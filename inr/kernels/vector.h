/* vector.h: the widest vectors of the level that is being compiled, as the compiler's own vector
 * types, so that one source serves every instruction set. */
#ifndef FC_INR_KERNELS_VECTOR_H
#define FC_INR_KERNELS_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
enum { VECTOR_BYTES = 64, REGISTERS = 32 };
#elif defined(__AVX__)
enum { VECTOR_BYTES = 32, REGISTERS = 16 };
#elif defined(__aarch64__)
enum { VECTOR_BYTES = 16, REGISTERS = 32 };
#else
enum { VECTOR_BYTES = 16, REGISTERS = 16 };
#endif
enum { LANES = VECTOR_BYTES / sizeof(float) };

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));
typedef float loose_vector __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));

#define FC__INLINE static inline __attribute__((always_inline, unused))

FC__INLINE vector load(const float *from)
{
    return *(const loose_vector *)from;
}

FC__INLINE void store(float *to, vector value)
{
    *(loose_vector *)to = value;
}

/* The first `count` lanes; the others are zero, and are not touched in memory. */
FC__INLINE vector load_part(const float *from, size_t count)
{
    vector value = {0};
    memcpy(&value, from, count * sizeof(float));
    return value;
}

FC__INLINE void store_part(float *to, vector value, size_t count)
{
    memcpy(to, &value, count * sizeof(float));
}

FC__INLINE vector broadcast(float value)
{
    return value - (vector){0};
}

/* Next multiple of the vector's length. */
FC__INLINE size_t padded(size_t count)
{
    return (count + LANES - 1) / LANES * LANES;
}

#endif
