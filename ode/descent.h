/* descent.h: the loss of rollouts over a batch of segments and its gradient, on all threads.
 *
 * Threads divide the rows of the batch on the way forward and back, and the weights where the
 * gradient is summed over all rows, so that no thread has a gradient of its own to add. Nothing
 * depends on how many threads there are. */
#ifndef FC_ODE_DESCENT_H
#define FC_ODE_DESCENT_H

#include "inr/support.h"
#include "ode/engine.h"
#include "ode/runge_kutta.h"

typedef struct fc__descent {
    fc_context *context;
    size_t batch, count;       /* most segments, number of parameters */
    float *z0;                 /* (batch, C) */
    float *target, *z, *z_bar; /* (intervals, batch, C) */
    float *dt;                 /* (intervals, batch) */
    float *tape, *work;
    float *forward, *backward; /* packed weights */
    float *gradient;           /* (count) */
    double *row_loss;          /* (batch) */
    double *square;            /* sums of squares over blocks of the gradient */
} fc__descent;

/* Room for every one of the plans, whose field and batch are the same. */
fc_status fc__descent_create(fc_context *context, size_t plan_count, const fc_rk_plan *plans,
                             fc__descent *descent);
void fc__descent_clear(fc__descent *descent);

/* The mean squared error of the rollouts from frames first[0..plan->batch), its gradient in
 * descent->gradient, and the gradient's norm. */
double fc__descent_differentiate(fc__descent *descent, const fc_rk_plan *plan,
                                 const fc_trajectories *trajectories, const size_t *first,
                                 const float *parameters, double *norm);

/* Frames of the longest of the trajectories. */
size_t fc__longest_sequence(const fc_trajectories *trajectories);

/* The processor's steps of fitting, in the arrays of the trainer's state. */
extern const fc__descent_steps fc__descent_host;

/* Numbers below 1e-38 count as zero in this thread until the mode is given back: where a system
 * needs few of the field's factors the others fade away, and the processor takes a hundred cycles
 * for each operation on what is left of them. */
unsigned fc__flush_denormals(void);
void fc__restore_denormals(unsigned mode);

#endif
