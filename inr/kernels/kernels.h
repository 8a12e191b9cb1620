/* kernels.h: the inner loops of this room that gain from wide vectors, one table of them per level
 * (inr/level.h). Each kernel does one thread's share of a step on memory that its caller owns. */
#ifndef FC_INR_KERNELS_KERNELS_H
#define FC_INR_KERNELS_KERNELS_H

#include "inr/level.h"

/* The constants of one Adam step; unbias1 = 1 / (1 - beta1^t) and keep = 1 - rate * decay. */
typedef struct fc__adam_constants {
    float beta1, beta2, unbias1, unbias2, rate, epsilon, keep;
} fc__adam_constants;

typedef struct fc__kernels {
    void (*adam)(const fc__adam_constants *adam, size_t count, const float *gradient, float *first,
                 float *second, float *parameters);
} fc__kernels;

/* The table of the chosen level. */
const fc__kernels *fc__kernels_chosen(void);

#endif
