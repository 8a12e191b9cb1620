/* adam.h: one thread's share of an Adam step (inr/fit.h: fc__adam_step). */

static void adam(const fc__adam_constants *c, size_t count, const float *gradient, float *first,
                 float *second, float *parameters)
{
    const fc__adam_constants a = *c;
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        first[i] = a.beta1 * first[i] + (1.0f - a.beta1) * gradient[i];
        second[i] = a.beta2 * second[i] + (1.0f - a.beta2) * gradient[i] * gradient[i];
        parameters[i] = a.keep * parameters[i] -
                        a.rate * first[i] * a.unbias1 / (sqrtf(second[i] * a.unbias2) + a.epsilon);
    }
}
