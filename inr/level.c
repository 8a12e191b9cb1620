#include "inr/level.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[FC__LEVELS] = {"baseline", "avx2", "avx512"};

static bool offered(fc__level level)
{
    if (level == FC__LEVEL_BASELINE)
        return true;
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (level == FC__LEVEL_AVX2)
        return avx2;
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

static fc__level best(void)
{
    fc__level level = FC__LEVEL_AVX512;
    while (!offered(level))
        level--;
    return level;
}

/* The level that the environment asks for, FC__LEVELS when it is none of those offered. */
static fc__level asked(const char *name)
{
    fc__level level = FC__LEVEL_BASELINE;
    while (level < FC__LEVELS && (strcmp(name, names[level]) != 0 || !offered(level)))
        level++;
    return level;
}

fc__level fc__level_chosen(void)
{
    static atomic_int known; /* 1 + level; the same whoever finds it first */
    int level = atomic_load_explicit(&known, memory_order_relaxed);
    if (level == 0) {
        const char *name = getenv("FIELDCAST_SIMD");
        fc__level wanted = name && name[0] ? asked(name) : best();
        level = 1 + (int)(wanted < FC__LEVELS ? wanted : best());
        atomic_store_explicit(&known, level, memory_order_relaxed);
    }
    return (fc__level)(level - 1);
}

const char *fc_simd_level(void)
{
    const char *name = getenv("FIELDCAST_SIMD");
    if (name && name[0] && asked(name) == FC__LEVELS)
        return NULL;
    return names[fc__level_chosen()];
}
