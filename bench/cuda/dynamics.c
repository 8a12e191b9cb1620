/* Cases ensemble and train-dynamics. */
#include "bench/cuda/cuda.h"
#include "ode/descent.h"
#include "ode/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- ensemble */

enum { COMPARED = 64 }; /* members whose trajectories are compared */

typedef struct ensemble {
    bench_cuda_run *run;
    const fc_field *field;
    fc_integrator_config config;
    size_t members, frames;
    double *z0;    /* (members, C) */
    double *z;     /* (members, frames, C) */
    double *times; /* (frames) */
    size_t *counts;
    const double **at; /* (members) times */
    double **to;       /* (members) rows of z */
    fc_integration *integrations;
} ensemble;

static void ensemble_clear(ensemble *e)
{
    free(e->z0);
    free(e->z);
    free(e->times);
    free(e->counts);
    free((void *)e->at);
    free((void *)e->to);
    free(e->integrations);
}

static fc_status ensemble_create(ensemble *e)
{
    fc_status status = FC_OK;
    fc_context *context = e->run->context;
    size_t codes = e->field->config.codes, row = fc__product(e->frames, codes);
    FC_TRY(bench_codes_create(context, e->members, codes, &e->z0));
    FC_NEW(context, &e->z, fc__product(e->members, row));
    FC_NEW(context, &e->times, e->frames);
    FC_NEW(context, &e->counts, e->members);
    FC_NEW(context, &e->at, e->members);
    FC_NEW(context, &e->to, e->members);
    FC_NEW(context, &e->integrations, e->members);
    for (size_t f = 0; f < e->frames; f++)
        e->times[f] = (double)(f + 1);
    for (size_t i = 0; i < e->members; i++) {
        e->counts[i] = e->frames;
        e->at[i] = e->times;
        e->to[i] = e->z + i * row;
    }
done:
    return status;
}

static fc_status poison(void *user)
{
    ensemble *e = user;
    memset(e->z, 0xff, e->members * e->frames * e->field->config.codes * sizeof *e->z);
    return FC_OK;
}

static fc_status integrate(void *user)
{
    ensemble *e = user;
    return fc_integrate(e->run->context, e->field, &e->config, e->members, e->z0, e->counts, e->at,
                        e->to, e->integrations);
}

/* Error of the first members against tight tolerances, on the device and on the processor. */
static fc_status compare(ensemble *e, double *device, double *processor)
{
    fc_status status = FC_OK;
    size_t members = e->members < COMPARED ? e->members : COMPARED;
    size_t count = members * e->frames * e->field->config.codes;
    fc_integrator_config config = e->config;
    double *found = NULL, *tight = NULL;
    FC_NEW(e->run->context, &found, count);
    FC_NEW(e->run->context, &tight, count);
    memcpy(found, e->z, count * sizeof *found);
    config.batch = 4; /* so that threads have some each */
    for (int tightly = 1; tightly >= 0; tightly--) {
        config.rtol = tightly ? 1e-11 : e->config.rtol;
        config.atol = tightly ? 1e-12 : e->config.atol;
        FC_TRY(fc_integrate(e->run->plain, e->field, &config, members, e->z0, e->counts, e->at,
                            e->to, NULL));
        if (tightly)
            memcpy(tight, e->z, count * sizeof *tight);
    }
    *device = bench_difference(count, found, tight);
    *processor = bench_difference(count, e->z, tight);
done:
    free(found);
    free(tight);
    return status;
}

static fc_status check_integrations(const ensemble *e)
{
    for (size_t i = 0; i < e->members; i++)
        if (e->integrations[i].status != FC_OK)
            return fc__fail(e->run->context, FC_ERROR_DEVICE, "ensemble: %s",
                            e->integrations[i].message);
    for (size_t i = 0; i < e->members * e->frames * e->field->config.codes; i++)
        if (!isfinite(e->z[i]))
            return fc__fail(e->run->context, FC_ERROR_DEVICE, "ensemble: result %zu is not finite",
                            i);
    return FC_OK;
}

fc_status bench_cuda_ensemble(bench_cuda_run *b)
{
    fc_status status = FC_OK;
    const bench_size size = {.name = "ensemble",
                             .grid = {8, 8},
                             .channels = 1,
                             .filters = 16,
                             .codes = 128,
                             .rank = 512,
                             .decode_grid = {8, 8}};
    bench_problem problem = {0};
    ensemble e = {.run = b, .frames = 20, .config = fc_integrator_config_default()};
    bench_cuda_result result = {.name = "ensemble", .unit = "members/s", .memory = BENCH_COPY};
    double processor = NAN;
    e.members = bench_cuda_size(b, 100000, 2);
    e.config.rtol = 1e-5;
    e.config.atol = 1e-6;
    e.config.batch = e.members;
    FC_TRY(bench_problem_create(b->plain, &size, FC_FILTER_AUTO, &problem));
    e.field = problem.model->field;
    FC_TRY(ensemble_create(&e));
    FC_TRY(bench_cuda_time(b, poison, integrate, &e, &result.time));
    FC_TRY(check_integrations(&e));
    FC_TRY(compare(&e, &result.error, &processor));
    double evaluations = (double)e.integrations[0].evaluations;
    result.amount = (double)e.members;
    result.flops = evaluations * (double)e.members * bench_field_flops(&e.field->config);
    snprintf(result.note, sizeof result.note,
             "%zu members, %zu frames, C = %zu, R = %zu, rtol %g, atol %g, %.0f evaluations; the "
             "processor's error is %.2e",
             e.members, e.frames, size.codes, size.rank, e.config.rtol, e.config.atol, evaluations,
             processor);
    snprintf(result.keys, sizeof result.keys,
             ", \"members\": %zu, \"evaluations\": %.0f, \"processor_error\": %.3e", e.members,
             evaluations, processor);
    bench_cuda_print(b, &result);
done:
    ensemble_clear(&e);
    bench_problem_clear(&problem);
    return status;
}

/* ---------------------------------------------------------------- training */

enum { PLANS = 2, UPDATES = 64 }; /* updates between two looks at the clock, which wait for them */

typedef struct training {
    bench_cuda_run *run;
    const fc__descent_steps *steps;
    fc_field *field;
    bench_codes codes;
    fc_trainer *trainer; /* whose state the device starts from */
    fc_rk_plan plans[PLANS];
    size_t plan;   /* of these */
    size_t *first; /* (UPDATES, batch) */
    void *descent;
    uint64_t number;
    double loss; /* sum over the last updates */
} training;

static void training_clear(training *t)
{
    if (t->descent)
        t->steps->destroy(t->descent);
    fc_trainer_destroy(t->trainer);
    fc_field_destroy(t->field);
    bench_codes_clear(&t->codes);
    free(t->first);
}

static fc_status training_create(training *t, const bench_size *size)
{
    fc_status status = FC_OK;
    bench_cuda_run *b = t->run;
    fc_field_config config = fc_field_config_default(size->codes);
    fc_dynamics_config dynamics = fc_dynamics_config_default();
    fc__rng rng = fc__rng_create(13, 0);
    t->steps = b->engine->dynamics->descent;
    if (!t->steps)
        return fc__fail(b->context, FC_ERROR_DEVICE,
                        "the engine has no steps of dynamics training");
    config.rank = size->rank;
    dynamics.updates = 1000;
    dynamics.batch = size->batch;
    dynamics.horizon = size->horizon;
    FC_TRY(fc_field_create(b->plain, &config, 2, &t->field));
    FC_TRY(bench_codes_turn(b->plain, size, &t->codes));
    FC_TRY(fc_trainer_create(b->plain, t->field, &t->codes.trajectories, NULL, &dynamics,
                             &t->trainer));
    FC_NEW(b->context, &t->first, UPDATES * size->batch);
    for (size_t i = 0; i < UPDATES * size->batch; i++)
        t->first[i] = fc__rng_below(&rng, size->sequences) * (size->horizon + 1);
    t->plans[0] = (fc_rk_plan){config, FC_RK_MIDPOINT, 2, 1, size->batch};
    t->plans[1] = (fc_rk_plan){config, FC_RK_RK4, 2, size->horizon, size->batch};
    const fc_trainer_state state = fc_trainer_get_state(t->trainer);
    FC_TRY(t->steps->create(b->engine->device, b->context, PLANS, t->plans, &t->codes.trajectories,
                            &state, &t->descent));
    if (!t->descent)
        return fc__fail(b->context, FC_ERROR_DEVICE, "the engine does not take this field");
done:
    return status;
}

static fc_status update(void *user)
{
    fc_status status = FC_OK;
    training *t = user;
    size_t batch = t->plans[t->plan].batch;
    const fc__update how = {.adam = {.rate = 1e-4, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8},
                            .keep = 0.999f};
    for (size_t i = 0; i < UPDATES; i++)
        FC_TRY(t->steps->update(t->descent, t->run->context, t->plan, t->first + i * batch, &how,
                                t->number++));
    FC_TRY(t->steps->read(t->descent, t->run->context, NULL, &t->loss));
done:
    return status;
}

/* The gradient at these weights beside the processor's. */
static fc_status compare_gradients(training *t, const float *parameters, double *error)
{
    fc_status status = FC_OK;
    bench_cuda_run *b = t->run;
    size_t count = t->field->parameter_count;
    fc__descent descent = {0};
    float *gradient = NULL;
    double *device = NULL, *processor = NULL, loss, norm;
    FC_NEW(b->context, &gradient, count);
    FC_NEW(b->context, &device, count);
    FC_NEW(b->context, &processor, count);
    FC_TRY(
        t->steps->differentiate(t->descent, b->context, t->plan, t->first, gradient, &loss, &norm));
    FC_TRY(fc__descent_create(b->plain, PLANS, t->plans, &descent));
    (void)fc__descent_differentiate(&descent, &t->plans[t->plan], &t->codes.trajectories, t->first,
                                    parameters, &norm);
    for (size_t i = 0; i < count; i++) {
        device[i] = (double)gradient[i];
        processor[i] = (double)descent.gradient[i];
    }
    *error = bench_difference(count, device, processor);
done:
    fc__descent_clear(&descent);
    free(gradient);
    free(device);
    free(processor);
    return status;
}

/* From the weights in the trainer's state, where those that come of it are left. */
static fc_status measure_updates(training *t, const char *name)
{
    fc_status status = FC_OK;
    bench_cuda_run *b = t->run;
    const fc_rk_plan *plan = &t->plans[t->plan];
    fc_trainer_state state = fc_trainer_get_state(t->trainer);
    double stages = plan->scheme == FC_RK_RK4 ? 4.0 : 2.0;
    bench_cuda_result result = {
        .name = name, .unit = "updates/s", .amount = 1.0, .memory = BENCH_COPY};
    FC_TRY(t->steps->write(t->descent, b->context, &state));
    FC_TRY(compare_gradients(t, state.parameters, &result.error));
    FC_TRY(bench_cuda_time(b, NULL, update, t, &result.time));
    if (!isfinite(t->loss))
        FC_TRY(fc__fail(b->context, FC_ERROR_DEVICE, "the loss is %g after %zu updates",
                        t->loss / UPDATES, (size_t)t->number));
    /* each evaluation is done once forward and costs twice that backward */
    double evaluations = stages * (double)(plan->substeps * plan->intervals * plan->batch);
    result.flops = 3.0 * evaluations * bench_field_flops(&plan->field);
    result.time.median /= UPDATES; /* of one */
    result.time.min /= UPDATES;
    result.time.max /= UPDATES;
    snprintf(result.note, sizeof result.note,
             "%zu rollouts over %zu intervals, C = %zu, R = %zu; %d updates at a time", plan->batch,
             plan->intervals, plan->field.codes, plan->field.rank, UPDATES);
    snprintf(result.keys, sizeof result.keys, ", \"evaluations\": %.0f", evaluations);
    bench_cuda_print(b, &result);
    FC_TRY(t->steps->read(t->descent, b->context, &state, &t->loss));
done:
    return status;
}

fc_status bench_cuda_train_dynamics(bench_cuda_run *b)
{
    fc_status status = FC_OK;
    const bench_size size = {.name = "train-dynamics",
                             .codes = bench_cuda_size(b, 220, 8),
                             .rank = bench_cuda_size(b, 1024, 16),
                             .batch = 64,
                             .horizon = 9,
                             .sequences = 512};
    training t = {.run = b};
    FC_TRY(training_create(&t, &size));
    t.plan = 1;
    FC_TRY(measure_updates(&t, "train-dynamics"));
    t.plan = 0;
    FC_TRY(measure_updates(&t, "train-dynamics-step"));
done:
    training_clear(&t);
    return status;
}
