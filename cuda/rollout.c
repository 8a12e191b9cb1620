#include "cuda/rollout.h"

#include "cuda/sizes.h"
#include "ode/runge_kutta.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- room */

fc_status fc__cuda_trajectories_create(fc_context *context, fc__device *device,
                                       const fc__cuda_field *field, const fc_trajectories *t,
                                       fc__cuda_trajectories *copy)
{
    fc_status status = FC_OK;
    size_t frames = t->first[t->count], codes = field->codes;
    float *z = NULL, *length = NULL;
    *copy = (fc__cuda_trajectories){.frames = frames};
    FC_NEW(context, &z, fc__product(frames, codes));
    FC_NEW(context, &length, frames);
    for (size_t f = 0; f < frames; f++) {
        memcpy(z + f * codes, t->z + f * t->codes, t->codes * sizeof *z);
        length[f] = f + 1 < frames ? (float)(t->times[f + 1] - t->times[f]) : 0.0f;
    }
    FC_DEVICE_NEW(context, device, "trajectories", &copy->z, fc__product(frames, codes));
    FC_DEVICE_NEW(context, device, "trajectories' intervals", &copy->length, frames);
    FC_TRY(fc__device_upload(context, device, copy->z, z, frames * codes * sizeof *z));
    FC_TRY(fc__device_upload(context, device, copy->length, length, frames * sizeof *length));
done:
    free(z);
    free(length);
    if (status != FC_OK)
        fc__cuda_trajectories_clear(device, copy);
    return status;
}

void fc__cuda_trajectories_clear(fc__device *device, fc__cuda_trajectories *copy)
{
    fc__device_free(device, copy->z);
    fc__device_free(device, copy->length);
    *copy = (fc__cuda_trajectories){0};
}

/* `rows`: of all evaluations that are kept */
static fc_status create_forward(fc_context *context, fc__device *device,
                                const fc__cuda_field *field, size_t batch, size_t rows,
                                fc__cuda_rollout *r)
{
    fc_status status = FC_OK;
    size_t size = fc__product(batch, field->codes);
    *r = (fc__cuda_rollout){.device = device, .field = *field};
    FC_DEVICE_NEW(context, device, "records of rollouts", &r->record,
                  fc__product(rows, field->width));
    FC_DEVICE_NEW(context, device, "tapes of rollouts", &r->tape, fc__product(rows, field->inner));
    FC_DEVICE_NEW(context, device, "stages of rollouts", &r->k, size);
    FC_DEVICE_NEW(context, device, "stages of rollouts", &r->start, size);
    FC_DEVICE_NEW(context, device, "stages of rollouts", &r->state, size);
    FC_DEVICE_NEW(context, device, "losses of rollouts", &r->row_loss, batch);
    FC_DEVICE_NEW(context, device, "starts of rollouts", &r->first, batch);
    FC_DEVICE_NEW(context, device, "lengths of rollouts", &r->intervals, batch);
    FC_TRY(fc__device_zero(context, device, r->intervals, batch * sizeof *r->intervals));
    FC_TRY(fc__cuda_field_prepare(context, device, field, rows, r->record));
done:
    return status;
}

fc_status fc__cuda_rollout_create_forward(fc_context *context, fc__device *device,
                                          const fc__cuda_field *field, size_t batch,
                                          fc__cuda_rollout *r)
{
    fc_status status = create_forward(context, device, field, batch, batch, r);
    if (status != FC_OK)
        fc__cuda_rollout_clear(r);
    return status;
}

fc_status fc__cuda_rollout_create(fc_context *context, fc__device *device,
                                  const fc__cuda_field *field, size_t plan_count,
                                  const fc_rk_plan *plans, fc__cuda_rollout *r)
{
    fc_status status = FC_OK;
    size_t batch = plans[0].batch, codes = field->codes, rows = 0, intervals = 0;
    for (size_t i = 0; i < plan_count; i++) {
        rows = fc__larger(rows, fc__product(fc__rk_evaluations(&plans[i]), batch));
        intervals = fc__larger(intervals, fc__product(plans[i].intervals, batch));
    }
    FC_TRY(create_forward(context, device, field, batch, rows, r));
    FC_DEVICE_NEW(context, device, "adjoints of rollouts", &r->k_bar, fc__product(rows, codes));
    FC_DEVICE_NEW(context, device, "adjoints of rollouts", &r->pulled,
                  fc__product(batch, field->width));
    FC_DEVICE_NEW(context, device, "errors of rollouts", &r->z_bar, fc__product(intervals, codes));
done:
    if (status != FC_OK)
        fc__cuda_rollout_clear(r);
    return status;
}

void fc__cuda_rollout_clear(fc__cuda_rollout *r)
{
    void *blocks[] = {r->record, r->tape,      r->k,     r->start,  r->state, r->row_loss,
                      r->first,  r->intervals, r->k_bar, r->pulled, r->z_bar};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        fc__device_free(r->device, blocks[i]);
    *r = (fc__cuda_rollout){0};
}

/* ---------------------------------------------------------------- passes */

static fc__cuda_rows rows_of(const fc__cuda_rollout *r, const fc_rk_plan *plan,
                             const fc__cuda_trajectories *t)
{
    return (fc__cuda_rows){.rows = plan->batch,
                           .codes = r->field.codes,
                           .width = r->field.width,
                           .z = t->z,
                           .length = t->length,
                           .first = r->first,
                           .last = (uint32_t)(t->frames - 1),
                           .substeps = (float)plan->substeps};
}

fc_status fc__cuda_rollout_forward(fc_context *context, const fc__cuda_rollout *r,
                                   const fc_rk_plan *plan, const fc__cuda_trajectories *t,
                                   const float *weights, bool tape)
{
    fc_status status = FC_OK;
    const fc__tableau *rk = fc__rk_tableau(plan->scheme);
    const fc__cuda_field *f = &r->field;
    fc__cuda_rows rows = rows_of(r, plan, t);
    size_t each = rk->stages * plan->substeps, total = fc__rk_evaluations(plan);
    size_t size = plan->batch * f->codes, states = f->products + FC__CUDA_UNIT;
    /* Without a tape every evaluation uses the same room. */
    size_t record = tape ? plan->batch * f->width : 0, width = tape ? plan->batch * f->inner : 0;
    float factor = (float)(2.0 / (double)(plan->intervals * plan->batch * plan->field.codes));
    FC_TRY(
        fc__cuda_rollout_begin(context, r->device, &rows, r->start, r->state, r->record + states));
    for (size_t e = 0; e < total; e++) {
        size_t i = e % rk->stages;
        rows.interval = (uint32_t)(e / each);
        FC_TRY(fc__cuda_field_forward(context, r->device, f, weights, plan->batch,
                                      r->record + e * record, r->tape + e * width, r->k));
        const fc__cuda_stage stage = {.alpha = (float)rk->alpha[i + 1],
                                      .beta = (float)rk->beta[i],
                                      .ends = i + 1 == rk->stages,
                                      .k = r->k,
                                      .start = r->start,
                                      .state = r->state,
                                      .next = e + 1 < total ? r->record + (e + 1) * record + states
                                                            : NULL};
        FC_TRY(fc__cuda_rollout_stage(context, r->device, &rows, &stage));
        if ((e + 1) % each == 0)
            FC_TRY(fc__cuda_rollout_compare(context, r->device, &rows, r->state, r->intervals,
                                            factor, tape ? r->z_bar + rows.interval * size : NULL,
                                            r->row_loss));
    }
done:
    return status;
}

/* The adjoint of the state is kept where forward kept the state, and its sum where the step began.
 */
fc_status fc__cuda_rollout_backward(fc_context *context, const fc__cuda_rollout *r,
                                    const fc_rk_plan *plan, const fc__cuda_trajectories *t,
                                    const float *weights, float *gradient)
{
    fc_status status = FC_OK;
    const fc__tableau *rk = fc__rk_tableau(plan->scheme);
    const fc__cuda_field *f = &r->field;
    fc__cuda_rows rows = rows_of(r, plan, t);
    size_t each = rk->stages * plan->substeps, total = fc__rk_evaluations(plan);
    size_t size = plan->batch * f->codes, width = plan->batch * f->inner;
    for (size_t e = total; e-- > 0;) {
        size_t i = e % rk->stages;
        rows.interval = (uint32_t)(e / each);
        const fc__cuda_pull pull = {
            .alpha = (float)rk->alpha[i + 1],
            .beta = (float)rk->beta[i],
            .ends = i + 1 == rk->stages,
            .y_bar = e + 1 < total ? r->pulled + f->products + FC__CUDA_UNIT : NULL,
            .z_bar = (e + 1) % each == 0 ? r->z_bar + rows.interval * size : NULL,
            .lambda = r->state,
            .sum = r->start,
            .k_bar = r->k_bar + e * size};
        FC_TRY(fc__cuda_rollout_pull(context, r->device, &rows, &pull));
        FC_TRY(fc__cuda_field_backward(context, r->device, f, weights, plan->batch, pull.k_bar,
                                       r->tape + e * width, e > 0, r->pulled));
    }
    FC_TRY(fc__cuda_field_gradient(context, r->device, f, total * plan->batch, r->record, r->tape,
                                   r->k_bar, gradient));
done:
    return status;
}
