#include "inr/fit.h"

#include <math.h>

void fc__adam_step(const fc_context *context, const fc__adam *adam, uint64_t step, size_t count,
                   const float *gradient, float *first, float *second, float *parameters)
{
    const float b1 = (float)adam->beta1, b2 = (float)adam->beta2;
    const float unbias1 = (float)(1.0 / (1.0 - pow(adam->beta1, (double)step + 1.0)));
    const float unbias2 = (float)(1.0 / (1.0 - pow(adam->beta2, (double)step + 1.0)));
    const float rate = (float)adam->rate, epsilon = (float)adam->epsilon;
    const float keep = (float)(1.0 - adam->rate * adam->decay);
    (void)context;
#pragma omp parallel for simd num_threads(fc_context_threads(context)) schedule(static)
    for (size_t i = 0; i < count; i++) {
        first[i] = b1 * first[i] + (1.0f - b1) * gradient[i];
        second[i] = b2 * second[i] + (1.0f - b2) * gradient[i] * gradient[i];
        parameters[i] = keep * parameters[i] -
                        rate * first[i] * unbias1 / (sqrtf(second[i] * unbias2) + epsilon);
    }
}
