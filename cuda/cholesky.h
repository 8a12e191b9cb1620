/* cholesky.h: Cholesky factors of many symmetric matrices at once on the device, in double.
 *
 * Matrices and factors are row-major with the factor L in the lower triangle; what is above it is
 * undefined. All arrays are device memory. */
#ifndef FC_CUDA_CHOLESKY_H
#define FC_CUDA_CHOLESKY_H

#include "cuda/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc__cuda_cholesky fc__cuda_cholesky;

/* Room for `most` matrices (n, n), of which `columns` right sides at once are solved for. */
fc_status fc__cuda_cholesky_create(fc_context *context, fc__device *device, size_t n, size_t most,
                                   size_t columns, fc__cuda_cholesky **cholesky);
void fc__cuda_cholesky_destroy(fc__cuda_cholesky *cholesky);

/* (most, n, n): where the matrices are put, and their factors left. */
double *fc__cuda_cholesky_matrices(fc__cuda_cholesky *cholesky);
/* Factors the first `count` of them; queued. */
fc_status fc__cuda_cholesky_factor(fc_context *context, fc__cuda_cholesky *cholesky, size_t count);
/* Waits; *failed = the first matrix that was not positive definite, and FC_ERROR_SOLVER naming
 * `what` and the failing row as fc__cholesky does; `count` where there is none. */
fc_status fc__cuda_cholesky_check(fc_context *context, fc__cuda_cholesky *cholesky,
                                  const char *what, size_t *failed);
/* Without waiting: failed (2) device = 1 + `first` + the first such matrix, and its row, unless
 * failed[0] is something else than 0 already. */
fc_status fc__cuda_cholesky_note(fc_context *context, fc__cuda_cholesky *cholesky, size_t first,
                                 unsigned long long *failed);

/* x_i (columns, n) <- A_g^-1 x_i, g = matrix[i] (NULL = i), columns <= those of create. */
fc_status fc__cuda_cholesky_solve(fc_context *context, fc__cuda_cholesky *cholesky, size_t columns,
                                  const size_t *matrix, double *x);
/* x (columns, n) <- A_0^-1 x for any number of columns. */
fc_status fc__cuda_cholesky_solve_first(fc_context *context, fc__cuda_cholesky *cholesky,
                                        size_t columns, double *x);
/* x_g (n, n) <- L_g^-1 x_g for the matrices factored. */
fc_status fc__cuda_cholesky_triangular(fc_context *context, fc__cuda_cholesky *cholesky, double *x);

#ifdef __cplusplus
}
#endif
#endif
