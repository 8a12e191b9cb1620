/* The steps of dynamics fitting on the processor. */
#include "ode/descent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct descent_host {
    fc__descent descent;
    fc_rk_plan *plans;
    const fc_trajectories *trajectories;
    fc_trainer_state state; /* the trainer's arrays, and a gradient_norm of our own */
    double loss_sum;
} descent_host;

static void host_destroy(void *descent)
{
    descent_host *host = descent;
    if (!host)
        return;
    fc__descent_clear(&host->descent);
    free(host->plans);
    free(host);
}

static fc_status host_create(void *device, fc_context *context, size_t plan_count,
                             const fc_rk_plan *plans, const fc_trajectories *trajectories,
                             const fc_trainer_state *state, void **descent)
{
    (void)device;
    fc_status status = FC_OK;
    descent_host *made = NULL;
    *descent = NULL;
    FC_NEW(context, &made, 1);
    made->trajectories = trajectories;
    made->state = *state;
    FC_NEW(context, &made->plans, plan_count);
    memcpy(made->plans, plans, plan_count * sizeof *plans);
    FC_TRY(fc__descent_create(context, plan_count, plans, &made->descent));
    *descent = made;
    made = NULL;
done:
    host_destroy(made);
    return status;
}

/* average = keep average + (1 - keep) parameters */
static void average(const fc_context *context, fc_trainer_state *s, float keep)
{
#pragma omp parallel for simd num_threads(fc_context_threads(context))
    for (size_t i = 0; i < s->parameter_count; i++)
        s->average[i] = keep * s->average[i] + (1.0f - keep) * s->parameters[i];
}

/* Clips the gradient at twice its running norm and steps. */
static void apply(descent_host *host, const fc_context *context, const fc__update *update,
                  uint64_t number, double norm)
{
    fc_trainer_state *s = &host->state;
    size_t count = s->parameter_count;
    float *gradient = host->descent.gradient;
    double limit = s->gradient_norm > 0.0 ? 2.0 * s->gradient_norm : norm;
    if (!isfinite(norm)) { /* a rollout blew up: leave this batch out */
        memset(s->first_moment, 0, count * sizeof *s->first_moment);
        return;
    }
    float clip = norm > limit ? (float)(limit / norm) : 1.0f;
    s->gradient_norm =
        s->gradient_norm > 0.0 ? 0.98 * s->gradient_norm + 0.02 * fmin(norm, limit) : norm;
    if (clip < 1.0f)
        for (size_t i = 0; i < count; i++)
            gradient[i] *= clip;
    fc__adam_step(context, &update->adam, number, count, gradient, s->first_moment,
                  s->second_moment, s->parameters);
    average(context, s, update->keep);
}

static fc_status host_update(void *descent, fc_context *context, size_t plan, const size_t *first,
                             const fc__update *update, uint64_t number)
{
    descent_host *host = descent;
    double norm;
    host->loss_sum +=
        fc__descent_differentiate(&host->descent, &host->plans[plan], host->trajectories, first,
                                  host->state.parameters, &norm);
    apply(host, context, update, number, norm);
    return FC_OK;
}

static fc_status host_read(void *descent, fc_context *context, fc_trainer_state *state,
                           double *loss_sum)
{
    (void)context;
    descent_host *host = descent;
    if (state)
        state->gradient_norm = host->state.gradient_norm;
    *loss_sum = host->loss_sum;
    host->loss_sum = 0.0;
    return FC_OK;
}

static fc_status host_write(void *descent, fc_context *context, const fc_trainer_state *state)
{
    (void)context;
    descent_host *host = descent;
    host->state.gradient_norm = state->gradient_norm;
    return FC_OK;
}

static fc_status host_validate(void *descent, fc_context *context,
                               const fc_trajectories *validation, double *loss)
{
    const descent_host *host = descent;
    fc_status status = FC_OK;
    size_t codes = validation->codes, longest = fc__longest_sequence(validation);
    float *dt = NULL, *z = NULL, *work = NULL;
    double sum = 0.0, number = 0.0;
    fc_rk_plan plan = {.field = host->plans[0].field,
                       .scheme = FC_RK_RK4,
                       .substeps = 2,
                       .intervals = longest - 1,
                       .batch = 1};
    FC_NEW(context, &dt, longest);
    FC_NEW(context, &z, fc__product(longest, codes));
    FC_NEW(context, &work, fc_rk_work_size(&plan));
    for (size_t s = 0; s < validation->count; s++) {
        size_t first = validation->first[s], frames = validation->first[s + 1] - first;
        const double *times = validation->times + first;
        const float *truth = validation->z + first * codes;
        if (frames < 2)
            continue;
        plan.intervals = frames - 1;
        for (size_t k = 0; k + 1 < frames; k++)
            dt[k] = (float)(times[k + 1] - times[k]);
        fc_rk_forward(&plan, host->state.average, dt, truth, z, NULL, work);
        for (size_t i = 0; i < plan.intervals * codes; i++) {
            double error = (double)(z[i] - truth[codes + i]);
            sum += error * error;
        }
        number += (double)(plan.intervals * codes);
    }
    *loss = number > 0.0 && isfinite(sum) ? sum / number : INFINITY;
done:
    free(dt);
    free(z);
    free(work);
    return status;
}

static fc_status host_differentiate(void *descent, fc_context *context, size_t plan,
                                    const size_t *first, float *gradient, double *loss,
                                    double *norm)
{
    (void)context;
    descent_host *host = descent;
    *loss = fc__descent_differentiate(&host->descent, &host->plans[plan], host->trajectories, first,
                                      host->state.parameters, norm);
    memcpy(gradient, host->descent.gradient, host->descent.count * sizeof *gradient);
    return FC_OK;
}

const fc__descent_steps fc__descent_host = {
    .create = host_create,
    .destroy = host_destroy,
    .update = host_update,
    .read = host_read,
    .write = host_write,
    .validate = host_validate,
    .differentiate = host_differentiate,
};
