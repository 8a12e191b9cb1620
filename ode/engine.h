/* engine.h: the steps of latent dynamics that a device may take over from the processor; general
 * rules as in inr/engine.h. */
#ifndef FC_ODE_ENGINE_H
#define FC_ODE_ENGINE_H

#include "inr/engine.h"
#include "ode/ode.h"
#include "ode/space.h"

/* How an update moves the weights (ode/trainer.c), besides by what the device knows. */
typedef struct fc__update {
    fc__adam adam;
    float keep; /* of the average of the weights */
} fc__update;

/* Dynamics fitting as fc_trainer does it, resident on the device: trajectories, weights, moments,
 * averages, the running norm of the gradient. fc__descent_host (ode/descent.h) are the processor's.
 */
typedef struct fc__descent_steps {
    /* Room for rollouts by any of the plans, whose field and batch are the same, and the state to
     * go on from. Trajectories and the state's arrays outlive the descent, which may work in those
     * arrays. *descent = NULL: not taken. */
    fc_status (*create)(void *device, fc_context *context, size_t plan_count,
                        const fc_rk_plan *plans, const fc_trajectories *trajectories,
                        const fc_trainer_state *state, void **descent);
    void (*destroy)(void *descent);
    /* One update by plan `plan` of those: loss and gradient of the rollouts from frames
     * first[0..batch) (fc__descent_differentiate), clipped at twice its running norm, then Adam and
     * the average of the weights; a gradient that is not finite clears the first moment instead.
     * Updates may queue: nothing need have come back to the host. */
    fc_status (*update)(void *descent, fc_context *context, size_t plan, const size_t *first,
                        const fc__update *update, uint64_t number);
    /* Waits; the state's weights, moments, average and gradient_norm (NULL = not wanted), and the
     * sum of the losses since the last call. */
    fc_status (*read)(void *descent, fc_context *context, fc_trainer_state *state,
                      double *loss_sum);
    /* The other way. */
    fc_status (*write)(void *descent, fc_context *context, const fc_trainer_state *state);
    /* Mean squared error over all frames of rollouts of whole sequences by the averaged weights,
     * with RK4 of two substeps an interval; INFINITY where one blows up. What is kept of them
     * serves while the pointer is the same. */
    fc_status (*validate)(void *descent, fc_context *context, const fc_trajectories *validation,
                          double *loss);
    /* Loss and gradient alone, and the gradient's norm: gradient (parameters). */
    fc_status (*differentiate)(void *descent, fc_context *context, size_t plan, const size_t *first,
                               float *gradient, double *loss, double *norm);
} fc__descent_steps;

typedef struct fc__dynamics_steps {
    /* Where CVODE's vectors of `samples` samples of a field, or as many of them as the space's
     * capacity says, live and what computes with them. The field outlives it. *space = NULL: not
     * taken. */
    fc_status (*space)(void *device, fc_context *context, const fc_field *field,
                       const fc_integrator_config *config, size_t samples, fc__space **space);
    const fc__descent_steps *descent; /* NULL = none */
} fc__dynamics_steps;

#endif
