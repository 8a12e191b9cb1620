#include "inr/adam.h"
#include "inr/kernels/kernels.h"

#include <math.h>

fc__adam_constants fc__adam_constants_of(const fc__adam *adam, uint64_t step)
{
    return (fc__adam_constants){
        .beta1 = (float)adam->beta1,
        .beta2 = (float)adam->beta2,
        .unbias1 = (float)(1.0 / (1.0 - pow(adam->beta1, (double)step + 1.0))),
        .unbias2 = (float)(1.0 / (1.0 - pow(adam->beta2, (double)step + 1.0))),
        .rate = (float)adam->rate,
        .epsilon = (float)adam->epsilon,
        .keep = (float)(1.0 - adam->rate * adam->decay),
    };
}

void fc__adam_step(const fc_context *context, const fc__adam *adam, uint64_t step, size_t count,
                   const float *gradient, float *first, float *second, float *parameters)
{
    const fc__adam_constants constants = fc__adam_constants_of(adam, step);
    const fc__kernels *kernels = fc__kernels_chosen();
    /* Parts of whole vectors, whatever their length: the same bits for any number of threads. */
    enum { VECTOR = 64 };
    size_t parts = (size_t)fc_context_threads(context), vectors = (count + VECTOR - 1) / VECTOR;
#pragma omp parallel for num_threads((int)parts) schedule(static, 1)
    for (size_t part = 0; part < parts; part++) {
        size_t begin, end;
        fc__slice(vectors, parts, part, &begin, &end);
        begin = begin * VECTOR < count ? begin * VECTOR : count;
        end = end * VECTOR < count ? end * VECTOR : count;
        kernels->adam(&constants, end - begin, gradient + begin, first + begin, second + begin,
                      parameters + begin);
    }
}
