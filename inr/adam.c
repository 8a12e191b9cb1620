#include "inr/fit.h"
#include "inr/simd.h"

#include <math.h>

/* One thread's share of a step; keep = 1 - rate * decay. */
FC__CLONES
static void step_part(const float *gradient, size_t count, float b1, float b2, float unbias1,
                      float unbias2, float rate, float epsilon, float keep, float *first,
                      float *second, float *parameters)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        first[i] = b1 * first[i] + (1.0f - b1) * gradient[i];
        second[i] = b2 * second[i] + (1.0f - b2) * gradient[i] * gradient[i];
        parameters[i] = keep * parameters[i] -
                        rate * first[i] * unbias1 / (sqrtf(second[i] * unbias2) + epsilon);
    }
}

void fc__adam_step(const fc_context *context, const fc__adam *adam, uint64_t step, size_t count,
                   const float *gradient, float *first, float *second, float *parameters)
{
    const float unbias1 = (float)(1.0 / (1.0 - pow(adam->beta1, (double)step + 1.0)));
    const float unbias2 = (float)(1.0 / (1.0 - pow(adam->beta2, (double)step + 1.0)));
    const float keep = (float)(1.0 - adam->rate * adam->decay);
    /* Parts of whole vectors, whatever their length: the same bits for any number of threads. */
    enum { VECTOR = 64 };
    size_t parts = (size_t)fc_context_threads(context), vectors = (count + VECTOR - 1) / VECTOR;
#pragma omp parallel for num_threads((int)parts) schedule(static, 1)
    for (size_t part = 0; part < parts; part++) {
        size_t begin, end;
        fc__slice(vectors, parts, part, &begin, &end);
        begin = begin * VECTOR < count ? begin * VECTOR : count;
        end = end * VECTOR < count ? end * VECTOR : count;
        step_part(gradient + begin, end - begin, (float)adam->beta1, (float)adam->beta2, unbias1,
                  unbias2, (float)adam->rate, (float)adam->epsilon, keep, first + begin,
                  second + begin, parameters + begin);
    }
}
