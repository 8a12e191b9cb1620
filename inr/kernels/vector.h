/* vector.h: the widest vectors of the level that is being compiled, as the compiler's own vector
 * types, so that one source serves every instruction set. */
#ifndef FC_INR_KERNELS_VECTOR_H
#define FC_INR_KERNELS_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX__)
#include <immintrin.h> /* masked loads and stores, which the vector types cannot express */
#endif

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
typedef uint32_t bits_vector __attribute__((vector_size(VECTOR_BYTES)));
typedef double double_vector __attribute__((vector_size(VECTOR_BYTES)));
typedef float half_vector __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef float loose_vector __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef double loose_double_vector
    __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));

/* The loop that follows has few iterations, all of which are to be written out. */
#if defined(__clang__)
#define FC__UNROLL _Pragma("clang loop unroll(full)")
#else
#define FC__UNROLL _Pragma("GCC unroll 16")
#endif

#define FC__INLINE static inline __attribute__((always_inline, unused))

FC__INLINE vector load(const float *from)
{
    return *(const loose_vector *)from;
}

FC__INLINE double_vector load_doubles(const double *from)
{
    return *(const loose_double_vector *)from;
}

FC__INLINE void store(float *to, vector value)
{
    *(loose_vector *)to = value;
}

/* The first `count` lanes; the others are zero, and are not touched in memory. */
#if defined(__AVX512F__)
FC__INLINE __mmask16 first_lanes(size_t count)
{
    return (__mmask16)((1u << count) - 1u);
}

FC__INLINE vector load_part(const float *from, size_t count)
{
    return (vector)_mm512_maskz_loadu_ps(first_lanes(count), from);
}

FC__INLINE void store_part(float *to, vector value, size_t count)
{
    _mm512_mask_storeu_ps(to, first_lanes(count), (__m512)value);
}
#elif defined(__AVX2__)
FC__INLINE __m256i first_lanes(size_t count)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

FC__INLINE vector load_part(const float *from, size_t count)
{
    return (vector)_mm256_maskload_ps(from, first_lanes(count));
}

FC__INLINE void store_part(float *to, vector value, size_t count)
{
    _mm256_maskstore_ps(to, first_lanes(count), (__m256)value);
}
#else
FC__INLINE vector load_part(const float *from, size_t count)
{
    vector value = {0};
    for (size_t i = 0; i < count; i++)
        value[i] = from[i];
    return value;
}

FC__INLINE void store_part(float *to, vector value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = value[i];
}
#endif

FC__INLINE vector broadcast(float value)
{
    return value - (vector){0};
}

#if defined(__AVX512F__)
#define FC__EACH_LANE(F)                                                                           \
    F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7), F(8), F(9), F(10), F(11), F(12), F(13), F(14), \
        F(15)
#elif defined(__AVX__)
#define FC__EACH_LANE(F) F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7)
#else
#define FC__EACH_LANE(F) F(0), F(1), F(2), F(3)
#endif
#define FC__LANE(i) (i)
#define FC__LOW_WORD(i) (2 * (i) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__))

/* The numbers of a, then those of b, as floats. */
FC__INLINE vector narrow(double_vector a, double_vector b)
{
    half_vector low = __builtin_convertvector(a, half_vector);
    half_vector high = __builtin_convertvector(b, half_vector);
    return __builtin_shufflevector(low, high, FC__EACH_LANE(FC__LANE));
}

/* The low words of the numbers of a, then of b. */
FC__INLINE bits_vector low_words(double_vector a, double_vector b)
{
    return __builtin_shufflevector((bits_vector)a, (bits_vector)b, FC__EACH_LANE(FC__LOW_WORD));
}

/* a where the mask is all ones, b where it is zero */
FC__INLINE vector choose(bits_vector mask, vector a, vector b)
{
    return (vector)((bits_vector)b ^ (((bits_vector)a ^ (bits_vector)b) & mask));
}

/* Next multiple of the vector's length. */
FC__INLINE size_t padded(size_t count)
{
    return (count + LANES - 1) / LANES * LANES;
}

#endif
