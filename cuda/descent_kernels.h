/* descent_kernels.h: the kernels of dynamics fitting besides rollouts (descent.c).
 *
 * An update is recorded as one graph for each plan: what changes from one to the next, its segments
 * and the constants of Adam, is an order, of which the host sends many at a time. */
#ifndef FC_CUDA_DESCENT_KERNELS_H
#define FC_CUDA_DESCENT_KERNELS_H

#include "cuda/device.h"
#include "inr/adam.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How an update moves the weights, besides by the gradient. */
typedef struct fc__cuda_order {
    fc__adam_constants adam;
    float keep; /* of the average */
} fc__cuda_order;

typedef struct fc__cuda_progress {
    uint32_t next;  /* order to carry out */
    uint32_t apply; /* of the last gradient: 0 = it is not finite */
    float clip;     /* and what it is to be multiplied by */
    double loss, norm;
    double loss_sum, running; /* running: norm */
    fc__cuda_order order;
} fc__cuda_progress;

/* Takes the next of orders (any), with its first frames starts (any, batch), to progress->order and
 * first (batch). */
fc_status fc__cuda_descent_take(fc_context *context, fc__device *device, size_t batch,
                                const fc__cuda_order *orders, const uint32_t *starts,
                                fc__cuda_progress *progress, uint32_t *first);

enum { FC__CUDA_PARTIAL = 256 }; /* most sums of which that of squares is made */

/* Loss, norm, clip and apply of a gradient (count), and with `counts` the running norm and the sum
 * of losses after it; partial: (FC__CUDA_PARTIAL); share: of a squared error in the loss. */
fc_status fc__cuda_descent_measure(fc_context *context, fc__device *device, size_t count,
                                   const float *gradient, size_t batch, const double *row_loss,
                                   double share, bool counts, double *partial,
                                   fc__cuda_progress *progress);

typedef struct fc__cuda_weights {
    size_t count;
    float *parameters, *first, *second, *average, *gradient; /* (count) device */
} fc__cuda_weights;

/* Moves the weights as measured and ordered. */
fc_status fc__cuda_descent_step(fc_context *context, fc__device *device,
                                const fc__cuda_weights *weights, const fc__cuda_progress *progress);

#ifdef __cplusplus
}
#endif
#endif
