/* codes.h: codes of training frames by least squares, with everything on the device: what
 * fit_codes.c and fit_pass_shared.c do on the processor.
 *
 *   z = (Phi^T Phi + ridge)^-1 Phi^T (y - phi0)
 *
 * over the observed values of a frame, where `ridge` times the mean diagonal of Phi^T Phi is added
 * to its diagonal; zero where nothing is observed. Work is queued, and nothing is allocated after
 * create; a matrix that is not positive definite shows when check is called. */
#ifndef FC_CUDA_CODES_H
#define FC_CUDA_CODES_H

#include "cuda/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc__cuda_codes fc__cuda_codes;

/* Room for codes of `frames` frames in one call; fewer are taken at a time where the device's
 * memory asks for that. */
fc_status fc__cuda_codes_create(fc_context *context, fc__device *device, size_t frames,
                                size_t codes, fc__cuda_codes **solver);
void fc__cuda_codes_destroy(fc__cuda_codes *solver);

/* Frames that differ in their points: frame f has points first[f]..first[f + 1) of `first` (frames
 * + 1), and value r = point * channels + channel is row r of phi0 (rows), phi (rows, C) and y
 * (rows), NaN = not observed. z (frames, C). All device. */
fc_status fc__cuda_codes_solve(fc_context *context, fc__cuda_codes *solver, size_t frames,
                               size_t channels, const size_t *first, const float *phi0,
                               const float *phi, const float *y, double ridge, float *z);

/* Frames observed at the same values: the Cholesky factor of Phi^T Phi + ridge for phi (values, C)
 * device, zero where a value is missing; then x (count, C) = rhs (count, C) (Phi^T Phi + ridge)^-1,
 * device, which may be one array, any number of times until the next factor or solve. */
fc_status fc__cuda_codes_factor(fc_context *context, fc__cuda_codes *solver, size_t values,
                                const float *phi, double ridge);
fc_status fc__cuda_codes_apply(fc_context *context, fc__cuda_codes *solver, size_t count,
                               const float *rhs, float *x);

/* Waits for the device. FC_ERROR_SOLVER, naming frame (its place in the call) and row, if a matrix
 * since the last check was not positive definite. */
fc_status fc__cuda_codes_check(fc_context *context, fc__cuda_codes *solver);

#ifdef __cplusplus
}
#endif
#endif
