/* rollout.h: Runge-Kutta rollouts along trajectories and their adjoint (ode/runge_kutta_kernel.h,
 * whose formulas these are) on the device. Row b of a rollout starts from frame first[b]; its loss
 * is against the frames that follow. */
#ifndef FC_CUDA_ROLLOUT_H
#define FC_CUDA_ROLLOUT_H

#include "cuda/field.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Trajectories on the device; C as the field rounds it up. */
typedef struct fc__cuda_trajectories {
    size_t frames;
    float *z;      /* (frames, C) */
    float *length; /* (frames) to the next frame; of no meaning for the last of a sequence */
} fc__cuda_trajectories;

fc_status fc__cuda_trajectories_create(fc_context *context, fc__device *device,
                                       const fc__cuda_field *field,
                                       const fc_trajectories *trajectories,
                                       fc__cuda_trajectories *copy);
void fc__cuda_trajectories_clear(fc__device *device, fc__cuda_trajectories *copy);

/* Room for rollouts. Records, tapes and k_bar are those of all evaluations, one after the other. */
typedef struct fc__cuda_rollout {
    fc__device *device;
    fc__cuda_field field;
    float *record, *tape;     /* (rows, width), (rows, inner) */
    float *k, *start, *state; /* (batch, C) */
    double *row_loss;         /* (batch) sums of squared errors */
    uint32_t *first;          /* (batch) */
    uint32_t *intervals;      /* (batch) that count in the loss; at first 0 = all */
    float *k_bar, *pulled;    /* (rows, C), (batch, width); these for backward alone */
    float *z_bar;             /* (intervals, batch, C) */
} fc__cuda_rollout;

/* For rollouts forward and back by any of the plans, whose batch is the same. */
fc_status fc__cuda_rollout_create(fc_context *context, fc__device *device,
                                  const fc__cuda_field *field, size_t plan_count,
                                  const fc_rk_plan *plans, fc__cuda_rollout *rollout);
/* For rollouts of any length forward alone. */
fc_status fc__cuda_rollout_create_forward(fc_context *context, fc__device *device,
                                          const fc__cuda_field *field, size_t batch,
                                          fc__cuda_rollout *rollout);
void fc__cuda_rollout_clear(fc__cuda_rollout *rollout);

/* From first and intervals to row_loss; `tape`: with what backward needs. */
fc_status fc__cuda_rollout_forward(fc_context *context, const fc__cuda_rollout *rollout,
                                   const fc_rk_plan *plan,
                                   const fc__cuda_trajectories *trajectories, const float *weights,
                                   bool tape);
/* The gradient of the mean squared error over all rows, intervals and codes. */
fc_status fc__cuda_rollout_backward(fc_context *context, const fc__cuda_rollout *rollout,
                                    const fc_rk_plan *plan,
                                    const fc__cuda_trajectories *trajectories, const float *weights,
                                    float *gradient);

/* ---------------------------------------------------------------- kernels, for rollout.c */

/* What rows of a rollout read of its trajectories in interval `interval`. */
typedef struct fc__cuda_rows {
    size_t rows, codes, width;
    const float *z, *length;
    const uint32_t *first;
    uint32_t interval, last; /* last: of all frames */
    float substeps;
} fc__cuda_rows;

/* start = state = next = z[first]; next: in a record */
fc_status fc__cuda_rollout_begin(fc_context *context, fc__device *device, const fc__cuda_rows *rows,
                                 float *start, float *state, float *next);

/* After a stage: state += h beta k, next = start + h alpha k, or where the step ends (alpha = 0)
 * start = next = state. next may be NULL. */
typedef struct fc__cuda_stage {
    float alpha, beta;
    bool ends;
    const float *k;
    float *start, *state, *next;
} fc__cuda_stage;
fc_status fc__cuda_rollout_stage(fc_context *context, fc__device *device, const fc__cuda_rows *rows,
                                 const fc__cuda_stage *stage);

/* At the end of an interval: row_loss = or += |z - state|^2 in rows where it counts, and unless
 * NULL z_bar (rows, C) = factor (state - z). */
fc_status fc__cuda_rollout_compare(fc_context *context, fc__device *device,
                                   const fc__cuda_rows *rows, const float *state,
                                   const uint32_t *intervals, float factor, float *z_bar,
                                   double *row_loss);

/* Before the adjoint of a stage: sum += y_bar (NULL at the very first); where the step ends here
 * lambda = sum = sum + z_bar (NULL within an interval); k_bar = h (beta lambda + alpha y_bar). */
typedef struct fc__cuda_pull {
    float alpha, beta;
    bool ends;
    const float *y_bar; /* in pulled */
    const float *z_bar;
    float *lambda, *sum, *k_bar;
} fc__cuda_pull;
fc_status fc__cuda_rollout_pull(fc_context *context, fc__device *device, const fc__cuda_rows *rows,
                                const fc__cuda_pull *pull);

#ifdef __cplusplus
}
#endif
#endif
