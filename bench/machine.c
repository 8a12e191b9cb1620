#include "bench/bench.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const bench_limit_name[BENCH_LIMITS] = {"fma", "triad", "cache", "sgemm"};

/* ---------------------------------------------------------------- memory and name */

/* The number after `key` in a file of the form "Key:   1234 kB", in bytes. */
static size_t proc_value(const char *path, const char *key, size_t otherwise)
{
    char line[256];
    size_t kilobytes = 0, length = strlen(key);
    bool found = false;
    FILE *file = fopen(path, "r");
    while (file && !found && fgets(line, sizeof line, file))
        found = strncmp(line, key, length) == 0 && line[length] == ':' &&
                sscanf(line + length + 1, "%zu", &kilobytes) == 1;
    if (file)
        fclose(file);
    return found ? 1024 * kilobytes : otherwise;
}

size_t bench_memory_available(void)
{
    return proc_value("/proc/meminfo", "MemAvailable", SIZE_MAX);
}

size_t bench_memory_resident(void)
{
    return proc_value("/proc/self/status", "VmRSS", 0);
}

size_t bench_memory_peak(void)
{
    return proc_value("/proc/self/status", "VmHWM", 0);
}

void bench_memory_forget_peak(void)
{
#ifdef __GLIBC__
    malloc_trim(0); /* or what was freed before would hide what is taken now */
#endif
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file) {
        fputs("5", file);
        fclose(file);
    }
}

void bench_processor_name(char *name, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    snprintf(name, size, "unknown processor");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(name, size, "%s", colon + 2);
        break;
    }
    if (file)
        fclose(file);
}

/* ---------------------------------------------------------------- fused multiply-adds */

/* Each of CHAINS accumulators waits for its own last result only: with a latency of 4 cycles and
 * two units, 8 of them fill the processor. 12 leave registers free for the two constants. */
enum { CHAINS = 12, ROUNDS = 4096 };

typedef float fma_work(size_t rounds, float scale, float shift);

#define DEFINE_FMA(NAME, TARGET, BYTES)                                                            \
    TARGET static float NAME(size_t rounds, float scale, float shift)                              \
    {                                                                                              \
        typedef float vector __attribute__((vector_size(BYTES)));                                  \
        const vector m = scale - (vector){0}, a = shift - (vector){0};                             \
        vector x0 = a, x1 = a + 1, x2 = a + 2, x3 = a + 3, x4 = a + 4, x5 = a + 5, x6 = a + 6,     \
               x7 = a + 7, x8 = a + 8, x9 = a + 9, x10 = a + 10, x11 = a + 11;                     \
        for (size_t i = 0; i < rounds; i++) {                                                      \
            x0 = x0 * m + a, x1 = x1 * m + a, x2 = x2 * m + a, x3 = x3 * m + a;                    \
            x4 = x4 * m + a, x5 = x5 * m + a, x6 = x6 * m + a, x7 = x7 * m + a;                    \
            x8 = x8 * m + a, x9 = x9 * m + a, x10 = x10 * m + a, x11 = x11 * m + a;                \
        }                                                                                          \
        x0 += x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11;                              \
        float sum = 0.0f;                                                                          \
        for (size_t i = 0; i < (BYTES) / sizeof(float); i++)                                       \
            sum += x0[i];                                                                          \
        return sum;                                                                                \
    }

#if defined(__x86_64__)
DEFINE_FMA(fma_avx512, __attribute__((target("avx512f"))), 64)
DEFINE_FMA(fma_avx2, __attribute__((target("avx2,fma"))), 32)
#endif
DEFINE_FMA(fma_baseline, , 16)

/* Floats of the widest vectors that the processor offers, whatever the library was told to use. */
static size_t widest(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return 16;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return 8;
#endif
    return 4;
}

static void measure_fma(const fc_context *context, double *flops, double *seconds)
{
    size_t lanes = widest(), threads = (size_t)fc_context_threads(context), calls = 64;
    fma_work *work = fma_baseline;
    volatile float sink = 0.0f;
    double until = fc__seconds() + 0.3;
#if defined(__x86_64__)
    work = lanes == 16 ? fma_avx512 : lanes == 8 ? fma_avx2 : fma_baseline;
#endif
    *flops = 2.0 * (double)(threads * calls * ROUNDS * CHAINS * lanes);
    *seconds = INFINITY;
    do {
        double start = fc__seconds();
#pragma omp parallel for num_threads((int)threads) schedule(static, 1)
        for (size_t t = 0; t < threads; t++) {
            float sum = 0.0f;
            for (size_t i = 0; i < calls; i++)
                sum += work(ROUNDS, 0.999f, 0.001f * (float)t);
#pragma omp critical
            sink = sink + sum;
        }
        *seconds = fmin(*seconds, fc__seconds() - start);
    } while (fc__seconds() < until);
}

/* ---------------------------------------------------------------- memory bandwidth */

/* STREAM triad (McCalpin 1995): three streams are counted; what a processor reads of `a` before it
 * writes there is not. */
static void triad(size_t threads, size_t count, float s, const float *restrict b,
                  const float *restrict c, float *restrict a)
{
#pragma omp parallel for num_threads((int)threads) schedule(static, 1)
    for (size_t t = 0; t < threads; t++) {
        size_t begin, end;
        fc__slice(count, threads, t, &begin, &end);
#pragma omp simd
        for (size_t i = begin; i < end; i++)
            a[i] = b[i] + s * c[i];
    }
}

/* Floats of one of three arrays that together are three times as large as the last cache, where
 * the system says how large that is, within 64 to 512 MiB each. */
static size_t triad_size(void)
{
    const size_t least = (size_t)64 << 20, most = (size_t)512 << 20;
    size_t bytes = least;
#ifdef _SC_LEVEL3_CACHE_SIZE
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    bytes = cache > 0 && (size_t)cache > least ? (size_t)cache : least;
#endif
    return (bytes < most ? bytes : most) / sizeof(float);
}

static fc_status measure_triad(fc_context *context, double *bytes, double *seconds)
{
    fc_status status = FC_OK;
    size_t count = triad_size(), threads = (size_t)fc_context_threads(context);
    float *a = NULL, *b = NULL, *c = NULL;
    FC_NEW(context, &a, count);
    FC_NEW(context, &b, count);
    FC_NEW(context, &c, count);
    *bytes = 3.0 * (double)(count * sizeof *a);
    *seconds = INFINITY;
    double until = fc__seconds() + 0.3;
    for (int i = 0; i < 5 || fc__seconds() < until; i++) {
        double start = fc__seconds();
        triad(threads, count, 0.5f + (float)i, b, c, a);
        *seconds = fmin(*seconds, fc__seconds() - start);
    }
done:
    free(a);
    free(b);
    free(c);
    return status;
}

/* ---------------------------------------------------------------- cache bandwidth */

size_t bench_cache_size(void)
{
    long bytes = 0;
#ifdef _SC_LEVEL2_CACHE_SIZE
    bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    return bytes > 0 ? (size_t)bytes : (size_t)1 << 20;
}

typedef float read_work(size_t count, const float *from);

#define DEFINE_READ(NAME, TARGET, BYTES)                                                           \
    TARGET static float NAME(size_t count, const float *from)                                      \
    {                                                                                              \
        typedef float vector __attribute__((vector_size(BYTES)));                                  \
        const vector *v = (const vector *)(const void *)from;                                      \
        vector x0 = {0}, x1 = {0}, x2 = {0}, x3 = {0};                                             \
        for (size_t i = 0; i < count * sizeof(float) / (BYTES); i += 4)                            \
            x0 += v[i], x1 += v[i + 1], x2 += v[i + 2], x3 += v[i + 3];                            \
        x0 += x1 + x2 + x3;                                                                        \
        return x0[0];                                                                              \
    }

#if defined(__x86_64__)
DEFINE_READ(read_avx512, __attribute__((target("avx512f"))), 64)
DEFINE_READ(read_avx2, __attribute__((target("avx2"))), 32)
#endif
DEFINE_READ(read_baseline, , 16)

/* A quarter of the cache on each thread, so that it stays there beside everything else. */
static fc_status measure_cache(fc_context *context, double *bytes, double *seconds)
{
    enum { CALLS = 256 };
    fc_status status = FC_OK;
    size_t threads = (size_t)fc_context_threads(context);
    size_t count = bench_cache_size() / 4 / sizeof(float) / 64 * 64;
    read_work *work = read_baseline;
    volatile float sink = 0.0f;
    float *from = NULL;
#if defined(__x86_64__)
    work = widest() == 16 ? read_avx512 : widest() == 8 ? read_avx2 : read_baseline;
#endif
    FC_NEW(context, &from, fc__product(threads, count));
    *bytes = (double)(threads * count * sizeof *from);
    *seconds = INFINITY;
    double until = fc__seconds() + 0.2;
    do {
        double start = fc__seconds();
#pragma omp parallel for num_threads((int)threads) schedule(static, 1)
        for (size_t t = 0; t < threads; t++) {
            float sum = 0.0f;
            for (size_t i = 0; i < CALLS; i++) {
                from[t * count] = (float)i; /* or the sum would be taken once for all */
                sum += work(count, from + t * count);
            }
#pragma omp critical
            sink = sink + sum;
        }
        *seconds = fmin(*seconds, (fc__seconds() - start) / CALLS);
    } while (fc__seconds() < until);
done:
    free(from);
    return status;
}

/* ---------------------------------------------------------------- matrix products */

static fc_status measure_sgemm(fc_context *context, double *flops, double *seconds)
{
    enum { SIDE = 2048 };
    fc_status status = FC_OK;
    size_t rows = SIDE * (size_t)fc_context_threads(context);
    float *a = NULL, *b = NULL, *c = NULL;
    FC_NEW(context, &a, fc__product(rows, SIDE));
    FC_NEW(context, &b, (size_t)SIDE * SIDE);
    FC_NEW(context, &c, fc__product(rows, SIDE));
    for (size_t i = 0; i < rows * SIDE; i++)
        a[i] = 1e-3f * (float)(i % 1009);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++)
        b[i] = 1e-3f * (float)(i % 1013);
    *flops = 2.0 * (double)rows * SIDE * SIDE;
    *seconds = INFINITY;
    for (int i = 0; i < 4; i++) {
        double start = fc__seconds();
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(static, 1)
        for (size_t row = 0; row < rows; row += SIDE)
            fc__sgemm(false, false, SIDE, SIDE, SIDE, 1.0f, a + row * SIDE, SIDE, b, SIDE, 0.0f,
                      c + row * SIDE, SIDE);
        *seconds = fmin(*seconds, fc__seconds() - start);
    }
done:
    free(a);
    free(b);
    free(c);
    return status;
}

fc_status bench_measure_limit(fc_context *context, bench_limit limit, double *work, double *seconds)
{
    if (limit == BENCH_TRIAD)
        return measure_triad(context, work, seconds);
    if (limit == BENCH_CACHE)
        return measure_cache(context, work, seconds);
    if (limit == BENCH_SGEMM)
        return measure_sgemm(context, work, seconds);
    measure_fma(context, work, seconds);
    return FC_OK;
}
