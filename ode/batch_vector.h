/* batch_vector.h: SUNDIALS' vector in a space. */
#ifndef FC_ODE_BATCH_VECTOR_H
#define FC_ODE_BATCH_VECTOR_H

#include "ode/space.h"

#include <sundials/sundials_nvector.h>

/* A vector of the space's present system, whose weighted root-mean-square norm is the largest of
 * its samples' norms: tests against it hold for each sample as if it were integrated alone. NULL
 * when memory is short. */
N_Vector fc__batch_vector_create(fc__space *space, SUNContext sundials);

/* In the space's memory. */
double *fc__batch_vector_values(N_Vector vector);

#endif
