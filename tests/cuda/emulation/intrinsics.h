/* intrinsics.h: arithmetic that CUDA has and C++ has not. Included by device.h. */
#ifndef FC_EMULATION_INTRINSICS_H
#define FC_EMULATION_INTRINSICS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

namespace emulation
{
template <typename To, typename From> To same_bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
} // namespace emulation

static inline unsigned __float_as_uint(float x)
{
    return emulation::same_bits<unsigned>(x);
}

static inline int __float_as_int(float x)
{
    return emulation::same_bits<int>(x);
}

static inline float __uint_as_float(unsigned x)
{
    return emulation::same_bits<float>(x);
}

static inline float __int_as_float(int x)
{
    return emulation::same_bits<float>(x);
}

static inline long long __double_as_longlong(double x)
{
    return emulation::same_bits<long long>(x);
}

static inline double __longlong_as_double(long long x)
{
    return emulation::same_bits<double>(x);
}

static inline float __double2float_rn(double x)
{
    return (float)x;
}

static inline int __float2int_rn(float x)
{
    return (int)rintf(x);
}

static inline int __double2int_rn(double x)
{
    return (int)rint(x);
}

static inline float __int2float_rn(int x)
{
    return (float)x;
}

static inline float __uint2float_rn(unsigned x)
{
    return (float)x;
}

static inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}

static inline int __popcll(unsigned long long x)
{
    return __builtin_popcountll(x);
}

static inline int __clz(int x)
{
    return x ? __builtin_clz((unsigned)x) : 32;
}

static inline int __ffs(int x)
{
    return __builtin_ffs(x);
}

static inline unsigned __umulhi(unsigned x, unsigned y)
{
    return (unsigned)((unsigned long long)x * y >> 32);
}

static inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y)
{
    return (unsigned long long)((unsigned __int128)x * y >> 64);
}

/* Loads and stores that say how to cache. */
template <typename T> T __ldg(const T *address)
{
    return *address;
}

template <typename T> T __ldcg(const T *address)
{
    return *address;
}

template <typename T> T __ldcs(const T *address)
{
    return *address;
}

template <typename T> void __stcg(T *address, T value)
{
    *address = value;
}

template <typename T> void __stcs(T *address, T value)
{
    *address = value;
}

[[noreturn]] static inline void __trap()
{
    abort();
}

/* ---------------------------------------------------------------- rounded arithmetic */

/* Functions, so that no compiler fuses what the kernel wants rounded in between. */
#define FC_EMULATION_ROUNDED(name, type, expression)                                               \
    static inline __attribute__((noinline)) type name(type x, type y)                              \
    {                                                                                              \
        return expression;                                                                         \
    }
FC_EMULATION_ROUNDED(__fadd_rn, float, x + y)
FC_EMULATION_ROUNDED(__fsub_rn, float, x - y)
FC_EMULATION_ROUNDED(__fmul_rn, float, x *y)
FC_EMULATION_ROUNDED(__fdiv_rn, float, x / y)
FC_EMULATION_ROUNDED(__dadd_rn, double, x + y)
FC_EMULATION_ROUNDED(__dsub_rn, double, x - y)
FC_EMULATION_ROUNDED(__dmul_rn, double, x *y)
FC_EMULATION_ROUNDED(__ddiv_rn, double, x / y)
#undef FC_EMULATION_ROUNDED

static inline float __fmaf_rn(float x, float y, float z)
{
    return fmaf(x, y, z);
}

static inline double __fma_rn(double x, double y, double z)
{
    return fma(x, y, z);
}

static inline float __fsqrt_rn(float x)
{
    return sqrtf(x);
}

static inline float __frcp_rn(float x)
{
    return 1.0f / x;
}

static inline float __fdividef(float x, float y)
{
    return x / y;
}

/* ---------------------------------------------------------------- functions */

/* glibc declares names such as __expf for itself, so that these must be macros. */
#define __expf(x) expf(x)
#define __logf(x) logf(x)
#define __log2f(x) log2f(x)
#define __sinf(x) sinf(x)
#define __cosf(x) cosf(x)
#define __tanf(x) tanf(x)
#define __powf(x, y) powf(x, y)
#define __sincosf(x, sine, cosine) sincosf(x, sine, cosine)

#if !defined(__GLIBC__) || __GLIBC__ * 1000 + __GLIBC_MINOR__ < 2042
static inline float rsqrtf(float x)
{
    return 1.0f / sqrtf(x);
}

static inline double rsqrt(double x)
{
    return 1.0 / sqrt(x);
}
#endif

/* Sine and cosine of pi x, exact at quarter turns as on the device: the argument is reduced before
 * pi multiplies it. */
static inline void sincospi(double x, double *sine, double *cosine)
{
    double turns = fmod(x, 2.0), quarter = rint(2.0 * turns), s, c;
    sincos(M_PI * (turns - 0.5 * quarter), &s, &c);
    switch ((int)quarter & 3) {
    case 0:
        *sine = s, *cosine = c;
        break;
    case 1:
        *sine = c, *cosine = -s;
        break;
    case 2:
        *sine = -s, *cosine = -c;
        break;
    default:
        *sine = -c, *cosine = s;
        break;
    }
}

static inline void sincospif(float x, float *sine, float *cosine)
{
    double s, c;
    sincospi((double)x, &s, &c);
    *sine = (float)s;
    *cosine = (float)c;
}

#if !defined(__GLIBC__) || __GLIBC__ * 1000 + __GLIBC_MINOR__ < 2041
static inline double sinpi(double x)
{
    double s, c;
    sincospi(x, &s, &c);
    return s;
}

static inline double cospi(double x)
{
    double s, c;
    sincospi(x, &s, &c);
    return c;
}

static inline float sinpif(float x)
{
    return (float)sinpi((double)x);
}

static inline float cospif(float x)
{
    return (float)cospi((double)x);
}
#endif

/* ---------------------------------------------------------------- min and max */

#define FC_EMULATION_MIN_MAX(type, first, second)                                                  \
    static inline type min(first x, second y)                                                      \
    {                                                                                              \
        return (type)x < (type)y ? (type)x : (type)y;                                              \
    }                                                                                              \
    static inline type max(first x, second y)                                                      \
    {                                                                                              \
        return (type)x > (type)y ? (type)x : (type)y;                                              \
    }
FC_EMULATION_MIN_MAX(int, int, int)
FC_EMULATION_MIN_MAX(unsigned, unsigned, unsigned)
FC_EMULATION_MIN_MAX(unsigned, unsigned, int)
FC_EMULATION_MIN_MAX(unsigned, int, unsigned)
FC_EMULATION_MIN_MAX(long, long, long)
FC_EMULATION_MIN_MAX(unsigned long, unsigned long, unsigned long)
FC_EMULATION_MIN_MAX(unsigned long, unsigned long, long)
FC_EMULATION_MIN_MAX(unsigned long, long, unsigned long)
FC_EMULATION_MIN_MAX(long long, long long, long long)
FC_EMULATION_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
#undef FC_EMULATION_MIN_MAX

/* Of a number and a NaN the number, as on the device. */
static inline float min(float x, float y)
{
    return fminf(x, y);
}

static inline float max(float x, float y)
{
    return fmaxf(x, y);
}

static inline double min(double x, double y)
{
    return fmin(x, y);
}

static inline double max(double x, double y)
{
    return fmax(x, y);
}

static inline double min(double x, float y)
{
    return fmin(x, (double)y);
}

static inline double min(float x, double y)
{
    return fmin((double)x, y);
}

static inline double max(double x, float y)
{
    return fmax(x, (double)y);
}

static inline double max(float x, double y)
{
    return fmax((double)x, y);
}

#endif
