/* An update runs on the device from end to end; the host only sends orders: which segments, and
 * what constants Adam has. They wait in a block of host memory until it is full or something needs
 * what they lead to, and go over in one copy; then the update is queued as often. A plan's first
 * update is queued as it is, so that libraries have loaded what they need, its second is recorded
 * as a graph, which serves from then on. */
#include "cuda/descent.h"

#include "cuda/descent_kernels.h"
#include "cuda/graph.h"
#include "cuda/staging.h"
#include "cuda/validation.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH = 64 }; /* orders that go over together */

typedef struct planned {
    fc_rk_plan plan;
    uint64_t updates;
    fc__graph *graph;
} planned;

typedef struct descent {
    fc__device *device;
    fc__cuda_field field;
    size_t plan_count, batch;
    planned *plans;
    fc__cuda_trajectories training;
    fc__cuda_rollout rollout;
    fc__cuda_validation validation;
    fc__cuda_weights weights;
    double *partial;
    fc__cuda_progress *progress;
    fc__cuda_order *orders; /* (DEPTH) device, one block with */
    uint32_t *starts;       /* (DEPTH, batch) first frames */
    fc__staging *staging;   /* of such blocks */
    size_t waiting;         /* orders in the block that is being filled, */
    size_t plan[DEPTH];     /* and by which plan */
    float *host;            /* (weights.count) */
} descent;

/* ---------------------------------------------------------------- life */

static void descent_destroy(void *pointer)
{
    descent *d = pointer;
    if (!d)
        return;
    const fc__cuda_weights *w = &d->weights;
    void *blocks[] = {w->parameters, w->first,   w->second,   w->average,
                      w->gradient,   d->partial, d->progress, d->orders};
    fc__staging_destroy(d->staging);
    for (size_t i = 0; d->plans && i < d->plan_count; i++)
        fc__graph_destroy(d->plans[i].graph);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        fc__device_free(d->device, blocks[i]);
    fc__cuda_validation_clear(d->device, &d->validation);
    fc__cuda_rollout_clear(&d->rollout);
    fc__cuda_trajectories_clear(d->device, &d->training);
    free(d->plans);
    free(d->host);
    free(d);
}

static fc_status weights_create(fc_context *context, fc__device *device, size_t count,
                                fc__cuda_weights *w)
{
    fc_status status = FC_OK;
    w->count = count;
    FC_DEVICE_NEW(context, device, "weights of the dynamics", &w->parameters, count);
    FC_DEVICE_NEW(context, device, "first moments of the dynamics", &w->first, count);
    FC_DEVICE_NEW(context, device, "second moments of the dynamics", &w->second, count);
    FC_DEVICE_NEW(context, device, "average weights of the dynamics", &w->average, count);
    FC_DEVICE_NEW(context, device, "gradient of the dynamics", &w->gradient, count);
done:
    return status;
}

/* Bytes of a block of orders with its starts. */
static size_t block_size(const descent *d)
{
    return DEPTH * (sizeof *d->orders + d->batch * sizeof *d->starts);
}

static fc_status queue_create(fc_context *context, descent *d)
{
    fc_status status = FC_OK;
    FC_TRY(fc__staging_create(context, d->device, block_size(d), &d->staging));
    FC_TRY(fc__device_allocate(context, d->device, "updates to do", block_size(d), 1, &d->orders));
    d->starts = (uint32_t *)(d->orders + DEPTH);
    FC_DEVICE_NEW(context, d->device, "progress of the dynamics", &d->progress, 1);
    FC_DEVICE_NEW(context, d->device, "sums of squares", &d->partial, FC__CUDA_PARTIAL);
    FC_TRY(fc__device_zero(context, d->device, d->progress, sizeof *d->progress));
done:
    return status;
}

static fc_status descent_write(void *pointer, fc_context *context, const fc_trainer_state *state);

static fc_status descent_create(void *engine, fc_context *context, size_t plan_count,
                                const fc_rk_plan *plans, const fc_trajectories *trajectories,
                                const fc_trainer_state *state, void **result)
{
    fc_status status = FC_OK;
    const fc_field_config *config = &plans[0].field;
    descent *d = NULL;
    *result = NULL;
    bool constant = !config->linear && config->rank == 0 && config->hidden == 0;
    if (constant || trajectories->first[trajectories->count] > UINT32_MAX)
        return FC_OK;
    FC_NEW(context, &d, 1);
    d->device = ((fc__cuda *)engine)->device;
    d->batch = plans[0].batch;
    d->plan_count = plan_count;
    FC_NEW(context, &d->plans, plan_count);
    for (size_t i = 0; i < plan_count; i++)
        d->plans[i].plan = plans[i];
    FC_TRY(fc__cuda_field_of(context, config, &d->field));
    FC_NEW(context, &d->host, d->field.count);
    FC_TRY(weights_create(context, d->device, d->field.count, &d->weights));
    FC_TRY(queue_create(context, d));
    FC_TRY(fc__cuda_trajectories_create(context, d->device, &d->field, trajectories, &d->training));
    FC_TRY(fc__cuda_rollout_create(context, d->device, &d->field, plan_count, plans, &d->rollout));
    FC_TRY(descent_write(d, context, state));
    *result = d;
    d = NULL;
done:
    descent_destroy(d);
    return status;
}

/* ---------------------------------------------------------------- updates */

typedef struct recorded {
    const descent *descent;
    const fc_rk_plan *plan;
    bool step; /* or only the gradient */
} recorded;

static fc_status run(fc_context *context, const void *work)
{
    fc_status status = FC_OK;
    const recorded *r = work;
    const descent *d = r->descent;
    const fc_rk_plan *plan = r->plan;
    const fc__cuda_weights *w = &d->weights;
    double share = 1.0 / (double)(plan->intervals * plan->batch * plan->field.codes);
    FC_TRY(fc__cuda_descent_take(context, d->device, d->batch, d->orders, d->starts, d->progress,
                                 d->rollout.first));
    FC_TRY(fc__cuda_rollout_forward(context, &d->rollout, plan, &d->training, w->parameters, true));
    FC_TRY(fc__cuda_rollout_backward(context, &d->rollout, plan, &d->training, w->parameters,
                                     w->gradient));
    FC_TRY(fc__cuda_descent_measure(context, d->device, w->count, w->gradient, d->batch,
                                    d->rollout.row_loss, share, r->step, d->partial, d->progress));
    if (r->step)
        FC_TRY(fc__cuda_descent_step(context, d->device, w, d->progress));
done:
    return status;
}

static fc_status queue_update(fc_context *context, const descent *d, planned *p)
{
    const recorded work = {d, &p->plan, true};
    if (p->updates++ == 1) {
        fc_status status = fc__graph_record(context, d->device, run, &work, &p->graph);
        if (status != FC_OK)
            return status;
    }
    return p->graph ? fc__graph_launch(context, d->device, p->graph) : run(context, &work);
}

/* Sends the orders that wait; the device starts with the first of them. */
static fc_status send(fc_context *context, descent *d)
{
    fc_status status = FC_OK;
    d->waiting = 0;
    FC_TRY(fc__staging_send(context, d->staging, d->orders, block_size(d)));
    FC_TRY(fc__device_zero(context, d->device, &d->progress->next, sizeof d->progress->next));
done:
    return status;
}

static fc_status flush(fc_context *context, descent *d)
{
    fc_status status = FC_OK;
    size_t count = d->waiting;
    if (count == 0)
        return FC_OK;
    FC_TRY(send(context, d));
    for (size_t i = 0; i < count; i++)
        FC_TRY(queue_update(context, d, &d->plans[d->plan[i]]));
done:
    return status;
}

/* Adds an order to those that wait. */
static fc_status order(fc_context *context, descent *d, size_t plan, const size_t *first,
                       const fc__cuda_order *how)
{
    fc_status status = FC_OK;
    void *block;
    FC_TRY(fc__staging_block(context, d->staging, &block));
    fc__cuda_order *orders = block;
    uint32_t *starts = (uint32_t *)(orders + DEPTH) + d->waiting * d->batch;
    orders[d->waiting] = *how;
    for (size_t b = 0; b < d->batch; b++)
        starts[b] = (uint32_t)first[b];
    d->plan[d->waiting++] = plan;
done:
    return status;
}

static fc_status descent_update(void *pointer, fc_context *context, size_t plan,
                                const size_t *first, const fc__update *update, uint64_t number)
{
    fc_status status = FC_OK;
    descent *d = pointer;
    const fc__cuda_order how = {fc__adam_constants_of(&update->adam, number), update->keep};
    FC_TRY(order(context, d, plan, first, &how));
    if (d->waiting == DEPTH)
        FC_TRY(flush(context, d));
done:
    return status;
}

/* ---------------------------------------------------------------- what comes back */

static fc_status download(fc_context *context, const descent *d, const float *weights,
                          float *parameters)
{
    fc_status status = fc__device_download(context, d->device, d->host, weights,
                                           d->weights.count * sizeof *d->host);
    if (status == FC_OK)
        fc__cuda_field_collect(&d->plans[0].plan.field, d->host, parameters);
    return status;
}

static fc_status upload(fc_context *context, const descent *d, const float *parameters,
                        float *weights)
{
    fc__cuda_field_place(&d->plans[0].plan.field, parameters, d->host);
    return fc__device_upload(context, d->device, weights, d->host,
                             d->weights.count * sizeof *d->host);
}

static fc_status descent_read(void *pointer, fc_context *context, fc_trainer_state *state,
                              double *loss_sum)
{
    fc_status status = FC_OK;
    descent *d = pointer;
    const fc__cuda_weights *w = &d->weights;
    fc__cuda_progress progress;
    FC_TRY(flush(context, d));
    FC_TRY(fc__device_download(context, d->device, &progress, d->progress, sizeof progress));
    FC_TRY(fc__device_zero(context, d->device, &d->progress->loss_sum, sizeof(double)));
    *loss_sum = progress.loss_sum;
    if (!state)
        return FC_OK;
    state->gradient_norm = progress.running;
    FC_TRY(download(context, d, w->parameters, state->parameters));
    FC_TRY(download(context, d, w->first, state->first_moment));
    FC_TRY(download(context, d, w->second, state->second_moment));
    FC_TRY(download(context, d, w->average, state->average));
done:
    return status;
}

static fc_status descent_write(void *pointer, fc_context *context, const fc_trainer_state *state)
{
    fc_status status = FC_OK;
    descent *d = pointer;
    const fc__cuda_weights *w = &d->weights;
    FC_TRY(flush(context, d));
    FC_TRY(fc__device_upload(context, d->device, &d->progress->running, &state->gradient_norm,
                             sizeof(double)));
    FC_TRY(upload(context, d, state->parameters, w->parameters));
    FC_TRY(upload(context, d, state->first_moment, w->first));
    FC_TRY(upload(context, d, state->second_moment, w->second));
    FC_TRY(upload(context, d, state->average, w->average));
done:
    return status;
}

static fc_status descent_validate(void *pointer, fc_context *context,
                                  const fc_trajectories *validation, double *loss)
{
    descent *d = pointer;
    fc_status status = flush(context, d);
    if (status != FC_OK)
        return status;
    return fc__cuda_validate(context, d->device, &d->validation, &d->field, &d->plans[0].plan.field,
                             d->weights.average, validation, loss);
}

static fc_status descent_differentiate(void *pointer, fc_context *context, size_t plan,
                                       const size_t *first, float *gradient, double *loss,
                                       double *norm)
{
    fc_status status = FC_OK;
    descent *d = pointer;
    const fc__cuda_order nothing = {.keep = 1.0f};
    const recorded work = {d, &d->plans[plan].plan, false};
    fc__cuda_progress progress;
    FC_TRY(flush(context, d));
    FC_TRY(order(context, d, plan, first, &nothing));
    FC_TRY(send(context, d));
    FC_TRY(run(context, &work));
    FC_TRY(fc__device_download(context, d->device, &progress, d->progress, sizeof progress));
    FC_TRY(download(context, d, d->weights.gradient, gradient));
    *loss = progress.loss;
    *norm = progress.norm;
done:
    return status;
}

const fc__descent_steps fc__cuda_descent = {
    .create = descent_create,
    .destroy = descent_destroy,
    .update = descent_update,
    .read = descent_read,
    .write = descent_write,
    .validate = descent_validate,
    .differentiate = descent_differentiate,
};
