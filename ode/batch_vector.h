/* batch_vector.h: SUNDIALS' vector for a batch of samples. */
#ifndef FC_ODE_BATCH_VECTOR_H
#define FC_ODE_BATCH_VECTOR_H

#include <stddef.h>
#include <sundials/sundials_nvector.h>

/* A serial vector (batch, codes) whose weighted root-mean-square norm is the largest of its
 * samples' norms: tests against it hold for each sample as if it were integrated alone. NULL when
 * memory is short. */
N_Vector fc__batch_vector_create(size_t batch, size_t codes, SUNContext sundials);

/* weights = 1 / (rtol |z| + atol); -1 where that is infinite, as CVODE expects. */
int fc__batch_vector_weigh(double rtol, double atol, N_Vector z, N_Vector weights);

#endif
