/* Dynamics fitting: Adam on the mean squared error of Runge-Kutta rollouts in code space, with the
 * horizon schedule, a learning-rate decay, clipping and averaged weights of RECIPE. Update n draws
 * its segments from a random stream of its own, so that a saved run continues with the same bits.
 */
#include "ode/descent.h"
#include "ode/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fc_trainer {
    fc_context *context;
    fc_field *field;
    const fc_trajectories *training, *validation;
    fc_dynamics_config config;
    fc__schedule schedule;
    size_t *start[FC__PHASES]; /* first frames of the segments long enough for a phase */
    size_t start_count[FC__PHASES];
    const fc__descent_steps *steps; /* the engine's, or the processor's */
    void *descent;
    double loss_sum; /* of the updates of a run that have been waited for */
    uint64_t validate_every;
    double started; /* clock when a run planned by time began; 0 for one planned by updates */
    double last_validation;
    fc_trainer_state state;
};

fc_dynamics_config fc_dynamics_config_default(void)
{
    return (fc_dynamics_config){
        .seconds = 60.0,
        .batch = 64,
        .rate = 1.2e-3,
        .horizon = 9,
        .patience = 0.5,
        .average = 0.999,
    };
}

static fc_rk_plan plan_of(const fc_trainer *trainer, size_t phase)
{
    const fc__phase *p = &trainer->schedule.phase[phase];
    return (fc_rk_plan){.field = trainer->field->config,
                        .scheme = p->scheme,
                        .substeps = p->substeps,
                        .intervals = p->intervals,
                        .batch = trainer->config.batch};
}

static fc_status list_segments(fc_trainer *trainer)
{
    fc_status status = FC_OK;
    const fc_trajectories *t = trainer->training;
    for (size_t i = 0; i < FC__PHASES; i++) {
        size_t needed = trainer->schedule.phase[i].intervals + 1;
        FC_NEW(trainer->context, &trainer->start[i], t->first[t->count]);
        for (size_t s = 0; s < t->count; s++)
            for (size_t f = t->first[s]; f + needed <= t->first[s + 1]; f++)
                trainer->start[i][trainer->start_count[i]++] = f;
    }
done:
    return status;
}

/* Rate: warm-up, constant for a tenth of the compute, then cosine to zero. */
static double rate_of(const fc_trainer *trainer, uint64_t update)
{
    enum { WARM_UP = 100 };
    double share = fc__schedule_share(&trainer->schedule, update);
    double rate = trainer->config.rate * fmin(1.0, (double)(update + 1) / WARM_UP);
    return share < 0.1 ? rate : rate * 0.5 * (1.0 + cos(M_PI * (share - 0.1) / 0.9));
}

/* Of the average of the weights, which spans a hundredth of the schedule at most, or it would lag
 * behind its short last phases. */
static float keep_of(const fc_trainer *trainer, uint64_t update)
{
    double n = (double)update, span = 0.01 * (double)trainer->schedule.total;
    double longest = fmin(trainer->config.average, 1.0 - 1.0 / fmax(span, 1.0));
    return (float)fmin(longest, (1.0 + n) / (10.0 + n));
}

/* By the context's engine, or where it has none or does not take it by the processor. */
static fc_status create_descent(fc_trainer *t)
{
    const fc_engine *engine = fc__context_engine(t->context);
    fc_rk_plan plans[FC__PHASES];
    for (size_t i = 0; i < FC__PHASES; i++)
        plans[i] = plan_of(t, i);
    if (engine && engine->dynamics->descent) {
        t->steps = engine->dynamics->descent;
        fc_status status = t->steps->create(engine->device, t->context, FC__PHASES, plans,
                                            t->training, &t->state, &t->descent);
        if (status != FC_OK || t->descent)
            return status;
    }
    t->steps = &fc__descent_host;
    return t->steps->create(NULL, t->context, FC__PHASES, plans, t->training, &t->state,
                            &t->descent);
}

static fc_status update(fc_trainer *trainer)
{
    enum { MOST_BATCH = 4096 };
    size_t chosen[MOST_BATCH], batch = trainer->config.batch;
    uint64_t number = trainer->state.update;
    size_t phase = fc__schedule_phase(&trainer->schedule, number);
    const fc__update how = {.adam = {.rate = rate_of(trainer, number),
                                     .beta1 = 0.9,
                                     .beta2 = 0.99,
                                     .epsilon = 1e-8,
                                     .decay = trainer->config.weight_decay},
                            .keep = keep_of(trainer, number)};
    fc__rng rng = fc__rng_create(trainer->config.seed, number);
    for (size_t b = 0; b < batch; b++)
        chosen[b] = trainer->start[phase][fc__rng_below(&rng, trainer->start_count[phase])];
    fc_status status =
        trainer->steps->update(trainer->descent, trainer->context, phase, chosen, &how, number);
    if (status == FC_OK)
        trainer->state.update++;
    return status;
}

/* Waits for the updates made so far; `state`: NULL, or the trainer's to bring up to date. */
static fc_status catch_up(fc_trainer *trainer, fc_trainer_state *state)
{
    double sum = 0.0;
    fc_status status = trainer->steps->read(trainer->descent, trainer->context, state, &sum);
    trainer->loss_sum += sum;
    return status;
}

/* Keeps the averaged weights when they are the best so far. */
static fc_status keep_best(fc_trainer *trainer)
{
    fc_status status = FC_OK;
    fc_trainer_state *s = &trainer->state;
    FC_TRY(trainer->steps->validate(trainer->descent, trainer->context, trainer->validation,
                                    &trainer->last_validation));
    if (trainer->last_validation < s->best_loss) {
        FC_TRY(catch_up(trainer, s));
        s->best_loss = trainer->last_validation;
        s->best_update = s->update;
        memcpy(s->best, s->average, s->parameter_count * sizeof *s->best);
    }
done:
    return status;
}

/* One-interval updates that fit into the wall-clock budget, measured on scratch weights. */
static fc_status measure_budget(fc_trainer *trainer, double *updates)
{
    enum { WARM_UP = 4, TRIALS = 24 };
    fc_status status = FC_OK;
    fc_trainer_state *s = &trainer->state;
    size_t bytes = s->parameter_count * sizeof *s->parameters;
    for (int i = 0; i < WARM_UP; i++)
        FC_TRY(update(trainer));
    FC_TRY(catch_up(trainer, NULL));
    double start = fc__seconds();
    for (int i = 0; i < TRIALS; i++)
        FC_TRY(update(trainer));
    FC_TRY(catch_up(trainer, NULL));
    double each = (fc__seconds() - start) / TRIALS;
    memcpy(s->parameters, trainer->field->parameters, bytes);
    memcpy(s->average, s->parameters, bytes);
    memset(s->first_moment, 0, bytes);
    memset(s->second_moment, 0, bytes);
    s->update = 0;
    s->gradient_norm = 0.0;
    FC_TRY(trainer->steps->write(trainer->descent, trainer->context, s));
    *updates = fmax(100.0, trainer->config.seconds / each);
done:
    return status;
}

static fc_status check(fc_context *context, const fc_field *field, const fc_trajectories *training,
                       const fc_dynamics_config *config)
{
    if (config->batch < 1 || config->batch > 4096)
        return fc__fail(context, FC_ERROR_USAGE, "dynamics.batch is %zu; 1 to 4096 is accepted",
                        config->batch);
    if (training->codes != field->config.codes)
        return fc__fail(context, FC_ERROR_USAGE,
                        "trajectories have %zu codes, the field expects %zu", training->codes,
                        field->config.codes);
    if (fc__longest_sequence(training) < 2)
        return fc__fail(context, FC_ERROR_DATA,
                        "every training sequence has a single frame; dynamics needs at least two "
                        "frames in time");
    return FC_OK;
}

static fc_status state_create(fc_context *context, const fc_field *field, fc_trainer_state *s)
{
    fc_status status = FC_OK;
    size_t count = field->parameter_count;
    s->parameter_count = count;
    s->best_loss = INFINITY;
    FC_NEW(context, &s->parameters, count);
    FC_NEW(context, &s->first_moment, count);
    FC_NEW(context, &s->second_moment, count);
    FC_NEW(context, &s->average, count);
    FC_NEW(context, &s->best, count);
    memcpy(s->parameters, field->parameters, count * sizeof *s->parameters);
    memcpy(s->average, field->parameters, count * sizeof *s->parameters);
    memcpy(s->best, field->parameters, count * sizeof *s->parameters);
done:
    return status;
}

fc_status fc_trainer_create(fc_context *context, fc_field *field, const fc_trajectories *training,
                            const fc_trajectories *validation, const fc_dynamics_config *config,
                            fc_trainer **trainer)
{
    fc_status status = FC_OK;
    fc_trainer *made = NULL;
    *trainer = NULL;
    FC_TRY(check(context, field, training, config));
    FC_NEW(context, &made, 1);
    made->context = context;
    made->field = field;
    made->training = training;
    made->validation = validation && fc__longest_sequence(validation) > 1 ? validation : NULL;
    made->config = *config;
    made->last_validation = NAN;
    size_t longest = fc__longest_sequence(training) - 1;
    /* Without a number of updates a long schedule stands in, of which only the start is measured.
     */
    double wanted = config->updates ? (double)config->updates : 1e9;
    made->schedule = fc__schedule_create(wanted, config->horizon, longest);
    FC_TRY(state_create(context, field, &made->state));
    FC_TRY(list_segments(made));
    FC_TRY(create_descent(made));
    if (config->updates == 0) {
        FC_TRY(measure_budget(made, &wanted));
        made->schedule = fc__schedule_create(wanted, config->horizon, longest);
    }
    for (size_t i = 0; i < FC__PHASES; i++)
        made->state.updates[i] = made->schedule.phase[i].updates;
    if (config->updates == 0)
        made->started = fc__seconds();
    made->validate_every = made->schedule.total / 60 + 1;
    *trainer = made;
    made = NULL;
done:
    fc_trainer_destroy(made);
    return status;
}

void fc_trainer_destroy(fc_trainer *trainer)
{
    if (!trainer)
        return;
    if (trainer->descent)
        trainer->steps->destroy(trainer->descent);
    for (size_t i = 0; i < FC__PHASES; i++)
        free(trainer->start[i]);
    free(trainer->state.parameters);
    free(trainer->state.first_moment);
    free(trainer->state.second_moment);
    free(trainer->state.average);
    free(trainer->state.best);
    free(trainer);
}

fc_trainer_state fc_trainer_get_state(const fc_trainer *trainer)
{
    return trainer->state;
}

fc_status fc_trainer_set_state(fc_trainer *trainer, const fc_trainer_state *state)
{
    fc_trainer_state *s = &trainer->state;
    size_t bytes = s->parameter_count * sizeof(float);
    if (state->parameter_count != s->parameter_count)
        return fc__fail(trainer->context, FC_ERROR_DATA,
                        "saved training has %zu parameters, this field has %zu",
                        state->parameter_count, s->parameter_count);
    memcpy(s->parameters, state->parameters, bytes);
    memcpy(s->first_moment, state->first_moment, bytes);
    memcpy(s->second_moment, state->second_moment, bytes);
    memcpy(s->average, state->average, bytes);
    memcpy(s->best, state->best, bytes);
    s->update = state->update;
    s->best_update = state->best_update;
    s->best_loss = state->best_loss;
    s->gradient_norm = state->gradient_norm;
    memcpy(s->updates, state->updates, sizeof s->updates);
    trainer->started = 0.0;
    fc__schedule_restore(&trainer->schedule, s->updates);
    trainer->validate_every = trainer->schedule.total / 60 + 1;
    return trainer->steps->write(trainer->descent, trainer->context, s);
}

/* Holds a run that was planned by time to its budget when the machine is slower or faster than it
 * was at the start. A resumed run keeps its plan. */
static fc_status replan(fc_trainer *trainer)
{
    fc_status status = catch_up(trainer, NULL);
    if (status != FC_OK)
        return status;
    double elapsed = fc__seconds() - trainer->started;
    double share = fc__schedule_share(&trainer->schedule, trainer->state.update);
    double left = fmax(trainer->config.seconds - elapsed, 0.0);
    double ratio = left / elapsed * share / fmax(1.0 - share, 1e-9);
    ratio = fmin(fmax(ratio, 0.7), 1.4);
    if (share >= 1.0 || fabs(ratio - 1.0) < 0.03)
        return FC_OK;
    fc__schedule_stretch(&trainer->schedule, trainer->state.update, ratio);
    for (size_t i = 0; i < FC__PHASES; i++)
        trainer->state.updates[i] = trainer->schedule.phase[i].updates;
    return FC_OK;
}

/* True at the end of the schedule, or when validation has not improved for too long. */
static bool finished(const fc_trainer *trainer)
{
    const fc_trainer_state *s = &trainer->state;
    if (s->update >= trainer->schedule.total)
        return true;
    double since = fc__schedule_share(&trainer->schedule, s->update) -
                   fc__schedule_share(&trainer->schedule, s->best_update);
    return trainer->validation && isfinite(s->best_loss) && since > trainer->config.patience;
}

/* Whatever ended the updates, the state is that after those which were made. */
fc_status fc_trainer_run(fc_trainer *trainer, uint64_t updates, bool *done, double *loss,
                         double *validation)
{
    fc_status status = FC_OK;
    fc_trainer_state *s = &trainer->state;
    uint64_t count = 0;
    trainer->loss_sum = 0.0;
    for (; status == FC_OK && count < updates && !finished(trainer); count++) {
        if (fc_context_interrupted(trainer->context)) {
            status = fc__fail(trainer->context, FC_INTERRUPTED, "interrupted at update %llu",
                              (unsigned long long)s->update);
            break;
        }
        status = update(trainer);
        bool due = s->update % trainer->validate_every == 0;
        if (status == FC_OK && trainer->started > 0.0 && due)
            status = replan(trainer);
        bool last = s->update == trainer->schedule.total;
        if (status == FC_OK && trainer->validation && (last || due))
            status = keep_best(trainer);
    }
    fc_status caught_up = catch_up(trainer, s);
    if (status != FC_OK || caught_up != FC_OK)
        return status != FC_OK ? status : caught_up;
    *done = finished(trainer);
    *loss = count ? trainer->loss_sum / (double)count : NAN;
    *validation = trainer->last_validation;
    return FC_OK;
}

double fc_trainer_share(const fc_trainer *trainer)
{
    return fc__schedule_share(&trainer->schedule, trainer->state.update);
}

void fc_trainer_finish(fc_trainer *trainer)
{
    const fc_trainer_state *s = &trainer->state;
    bool best = trainer->validation && isfinite(s->best_loss);
    memcpy(trainer->field->parameters, best ? s->best : s->average,
           s->parameter_count * sizeof *s->best);
}
