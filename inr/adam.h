/* adam.h: Adam (Kingma & Ba 2015) with bias correction; decay is decoupled (Loshchilov & Hutter
 * 2019). */
#ifndef FC_INR_ADAM_H
#define FC_INR_ADAM_H

#include "inr/inr.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc__adam {
    double rate, beta1, beta2, epsilon, decay;
} fc__adam;

/* The constants of one Adam step; unbias1 = 1 / (1 - beta1^t) and keep = 1 - rate * decay. */
typedef struct fc__adam_constants {
    float beta1, beta2, unbias1, unbias2, rate, epsilon, keep;
} fc__adam_constants;

/* Of step 0, 1, ... */
fc__adam_constants fc__adam_constants_of(const fc__adam *adam, uint64_t step);

void fc__adam_step(const fc_context *context, const fc__adam *adam, uint64_t step, size_t count,
                   const float *gradient, float *first, float *second, float *parameters);

#ifdef __cplusplus
}
#endif
#endif
