/* vectors.h: arithmetic on CVODE's vectors in device memory.
 *
 * Operations element by element are gathered in programs, each of which is one kernel: an element
 * goes through all steps before the next one is touched, so that what the steps share is read from
 * memory once, and one launch serves many short operations. CVODE's prediction alone is q (q + 1) /
 * 2 sums of neighbours in its history. All pointers are device unless said otherwise. */
#ifndef FC_CUDA_VECTORS_H
#define FC_CUDA_VECTORS_H

#include "cuda/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fc__vector_operation {
    FC__LINEAR_SUM, /* z = a x + b y */
    FC__FILL,       /* z = a */
    FC__MULTIPLY,   /* z = x y */
    FC__DIVIDE,     /* z = x / y */
    FC__MAGNITUDE,  /* z = |x| */
    FC__INVERT,     /* z = 1 / x */
    FC__SHIFT,      /* z = x + a */
    FC__WEIGH       /* z = 1 / (a |x| + b) */
} fc__vector_operation;

typedef struct fc__vector_step {
    fc__vector_operation operation;
    double a, b;
    const double *x, *y; /* either may be z; y = x where there is one operand */
    double *z;
} fc__vector_step;

/* A kernel's parameters may take 4 kB. */
enum { FC__PROGRAM_STEPS = 64 };
typedef struct fc__vector_program {
    size_t count;
    fc__vector_step step[FC__PROGRAM_STEPS];
} fc__vector_program;

fc_status fc__vectors_run(fc_context *context, fc__device *device, size_t length,
                          const fc__vector_program *program);

/* Reductions wait. They leave the results of blocks, from which the host has the whole in a fixed
 * order, in `blocks` (FC__REDUCTION_BLOCKS): pinned host memory, into which kernels write at once.
 */
enum { FC__REDUCTION_BLOCKS = 512 };

fc_status fc__vectors_dot(fc_context *context, fc__device *device, double *blocks, size_t length,
                          const double *x, const double *y, double *dot);
/* max |x|; NaN where any is */
fc_status fc__vectors_largest(fc_context *context, fc__device *device, double *blocks,
                              size_t length, const double *x, double *largest);
/* max over samples of sqrt(1/codes sum_c (x w)^2); NaN where any is */
fc_status fc__vectors_norm(fc_context *context, fc__device *device, double *blocks, size_t batch,
                           size_t codes, const double *x, const double *w, double *norm);
/* The first sample with an entry not within +-bound[sample], or `batch`. */
fc_status fc__vectors_outside(fc_context *context, fc__device *device, double *blocks, size_t batch,
                              size_t codes, const double *z, const double *bound, size_t *sample);

/* to (count, codes) = the rows index[0..count) of from */
fc_status fc__vectors_gather(fc_context *context, fc__device *device, size_t count, size_t codes,
                             const size_t *index, const double *from, double *to);

#ifdef __cplusplus
}
#endif
#endif
