#include "inr/support.h"

#include <math.h>

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

fc__rng fc__rng_create(uint64_t seed, uint64_t stream)
{
    return (fc__rng){.seed = seed, .stream = stream};
}

uint64_t fc__rng_bits(fc__rng *rng)
{
    const uint64_t golden = 0x9E3779B97F4A7C15u;
    uint64_t key = mix(rng->seed + golden) ^ mix((rng->stream + 1) * golden);
    return mix(key + ++rng->counter * golden);
}

double fc__rng_uniform(fc__rng *rng)
{
    return (double)(fc__rng_bits(rng) >> 11) * 0x1p-53;
}

double fc__rng_normal(fc__rng *rng)
{
    double radius = sqrt(-2.0 * log(1.0 - fc__rng_uniform(rng)));
    return radius * cos(2.0 * M_PI * fc__rng_uniform(rng));
}

size_t fc__rng_below(fc__rng *rng, size_t bound)
{
    return (size_t)(((unsigned __int128)fc__rng_bits(rng) * bound) >> 64);
}

void fc__rng_choose(fc__rng *rng, size_t count, size_t chosen, size_t *items)
{
    for (size_t i = 0; i < count; i++)
        items[i] = i;
    for (size_t i = 0; i < chosen && i + 1 < count; i++) {
        size_t j = i + fc__rng_below(rng, count - i);
        size_t item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}

void fc__rng_shuffle(fc__rng *rng, size_t count, size_t *items)
{
    for (size_t i = 0; i + 1 < count; i++) {
        size_t j = i + fc__rng_below(rng, count - i);
        size_t item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}
