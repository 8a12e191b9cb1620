/* cuda_bf16.h: the part of CUDA's bfloat16 that fieldcast uses. */
#ifndef FC_EMULATION_CUDA_BF16_H
#define FC_EMULATION_CUDA_BF16_H

#include "cuda_runtime.h"

struct __align__(2) __nv_bfloat16
{
    unsigned short bits;

    __nv_bfloat16() = default;
    /* To nearest, halves to even; of NaN the device's one. */
    __nv_bfloat16(float x)
    {
        unsigned whole = __float_as_uint(x);
        bits = isnan(x) ? (unsigned short)0x7FFF
                        : (unsigned short)((whole + 0x7FFF + (whole >> 16 & 1)) >> 16);
    }
    operator float() const
    {
        return __uint_as_float((unsigned)bits << 16);
    }
};
typedef __nv_bfloat16 nv_bfloat16;

struct __align__(4) __nv_bfloat162
{
    __nv_bfloat16 x, y; /* x in the lower half */
};
typedef __nv_bfloat162 nv_bfloat162;

static inline __nv_bfloat16 __float2bfloat16(float x)
{
    return __nv_bfloat16(x);
}

static inline __nv_bfloat16 __float2bfloat16_rn(float x)
{
    return __nv_bfloat16(x);
}

static inline float __bfloat162float(__nv_bfloat16 x)
{
    return (float)x;
}

static inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y)
{
    return {__nv_bfloat16(x), __nv_bfloat16(y)};
}

static inline __nv_bfloat162 __float22bfloat162_rn(float2 pair)
{
    return {__nv_bfloat16(pair.x), __nv_bfloat16(pair.y)};
}

static inline float2 __bfloat1622float2(__nv_bfloat162 pair)
{
    return {(float)pair.x, (float)pair.y};
}

static inline __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 x, __nv_bfloat16 y)
{
    return {x, y};
}

static inline float __low2float(__nv_bfloat162 pair)
{
    return (float)pair.x;
}

static inline float __high2float(__nv_bfloat162 pair)
{
    return (float)pair.y;
}

static inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 x)
{
    return x.bits;
}

static inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits)
{
    __nv_bfloat16 x;
    x.bits = bits;
    return x;
}

#endif
