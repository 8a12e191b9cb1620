/* Dynamics fitting: Adam on the mean squared error of Runge-Kutta rollouts in code space, with the
 * horizon schedule, a learning-rate decay, clipping and averaged weights of RECIPE. Update n draws
 * its segments from a random stream of its own, so that a saved run continues with the same bits.
 */
#include "inr/fit.h"
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
    fc__descent descent;
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

static size_t longest_sequence(const fc_trajectories *t)
{
    size_t longest = 0;
    for (size_t i = 0; i < t->count; i++) {
        size_t frames = t->first[i + 1] - t->first[i];
        longest = frames > longest ? frames : longest;
    }
    return longest;
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

/* average = keep average + (1 - keep) parameters. The average spans a hundredth of the schedule at
 * most, or it would lag behind its short last phases. */
static void average(fc_trainer *trainer)
{
    fc_trainer_state *s = &trainer->state;
    double n = (double)s->update, span = 0.01 * (double)trainer->schedule.total;
    double longest = fmin(trainer->config.average, 1.0 - 1.0 / fmax(span, 1.0));
    float keep = (float)fmin(longest, (1.0 + n) / (10.0 + n));
#pragma omp parallel for simd num_threads(fc_context_threads(trainer->context))
    for (size_t i = 0; i < s->parameter_count; i++)
        s->average[i] = keep * s->average[i] + (1.0f - keep) * s->parameters[i];
}

/* Clips the gradient at twice its running norm and steps. */
static void apply(fc_trainer *trainer, double norm)
{
    fc_trainer_state *s = &trainer->state;
    size_t count = s->parameter_count;
    float *gradient = trainer->descent.gradient;
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
    fc__adam adam = {.rate = rate_of(trainer, s->update),
                     .beta1 = 0.9,
                     .beta2 = 0.99,
                     .epsilon = 1e-8,
                     .decay = trainer->config.weight_decay};
    fc__adam_step(trainer->context, &adam, s->update, count, gradient, s->first_moment,
                  s->second_moment, s->parameters);
    average(trainer);
}

static double update(fc_trainer *trainer)
{
    enum { MOST_BATCH = 4096 };
    size_t chosen[MOST_BATCH], batch = trainer->config.batch;
    size_t phase = fc__schedule_phase(&trainer->schedule, trainer->state.update);
    fc_rk_plan plan = plan_of(trainer, phase);
    fc__rng rng = fc__rng_create(trainer->config.seed, trainer->state.update);
    double norm;
    for (size_t b = 0; b < batch; b++)
        chosen[b] = trainer->start[phase][fc__rng_below(&rng, trainer->start_count[phase])];
    double loss = fc__descent_differentiate(&trainer->descent, &plan, trainer->training, chosen,
                                            trainer->state.parameters, &norm);
    apply(trainer, norm);
    trainer->state.update++;
    return loss;
}

/* Mean squared error over all frames of rollouts of whole validation sequences. */
static fc_status validate(fc_trainer *trainer, double *loss)
{
    fc_status status = FC_OK;
    const fc_trajectories *t = trainer->validation;
    size_t codes = t->codes, longest = longest_sequence(t);
    float *dt = NULL, *z = NULL, *work = NULL;
    double sum = 0.0, number = 0.0;
    fc_rk_plan plan = {.field = trainer->field->config,
                       .scheme = FC_RK_RK4,
                       .substeps = 2,
                       .intervals = longest - 1,
                       .batch = 1};
    FC_NEW(trainer->context, &dt, longest);
    FC_NEW(trainer->context, &z, fc__product(longest, codes));
    FC_NEW(trainer->context, &work, fc_rk_work_size(&plan));
    for (size_t s = 0; s < t->count; s++) {
        size_t first = t->first[s], frames = t->first[s + 1] - first;
        if (frames < 2)
            continue;
        plan.intervals = frames - 1;
        for (size_t k = 0; k + 1 < frames; k++)
            dt[k] = (float)(t->times[first + k + 1] - t->times[first + k]);
        fc_rk_forward(&plan, trainer->state.average, dt, t->z + first * codes, z, NULL, work);
        for (size_t i = 0; i < plan.intervals * codes; i++) {
            double error = (double)(z[i] - t->z[(first + 1) * codes + i]);
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

/* Keeps the averaged weights when they are the best so far. */
static fc_status keep_best(fc_trainer *trainer)
{
    fc_trainer_state *s = &trainer->state;
    fc_status status = validate(trainer, &trainer->last_validation);
    if (status == FC_OK && trainer->last_validation < s->best_loss) {
        s->best_loss = trainer->last_validation;
        s->best_update = s->update;
        memcpy(s->best, s->average, s->parameter_count * sizeof *s->best);
    }
    return status;
}

/* One-interval updates that fit into the wall-clock budget, measured on scratch weights. */
static double measure_budget(fc_trainer *trainer)
{
    enum { TRIALS = 24 };
    fc_trainer_state *s = &trainer->state;
    size_t bytes = s->parameter_count * sizeof *s->parameters;
    for (int i = 0; i < 4; i++)
        update(trainer);
    double start = fc__seconds();
    for (int i = 0; i < TRIALS; i++)
        update(trainer);
    double each = (fc__seconds() - start) / TRIALS;
    memcpy(s->parameters, trainer->field->parameters, bytes);
    memcpy(s->average, s->parameters, bytes);
    memset(s->first_moment, 0, bytes);
    memset(s->second_moment, 0, bytes);
    s->update = 0;
    s->gradient_norm = 0.0;
    return fmax(100.0, trainer->config.seconds / each);
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
    if (longest_sequence(training) < 2)
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
    fc_rk_plan plans[FC__PHASES];
    *trainer = NULL;
    FC_TRY(check(context, field, training, config));
    FC_NEW(context, &made, 1);
    made->context = context;
    made->field = field;
    made->training = training;
    made->validation = validation && longest_sequence(validation) > 1 ? validation : NULL;
    made->config = *config;
    made->last_validation = NAN;
    size_t longest = longest_sequence(training) - 1;
    /* Without a number of updates a long schedule stands in, of which only the start is measured.
     */
    double wanted = config->updates ? (double)config->updates : 1e9;
    made->schedule = fc__schedule_create(wanted, config->horizon, longest);
    FC_TRY(state_create(context, field, &made->state));
    FC_TRY(list_segments(made));
    for (size_t i = 0; i < FC__PHASES; i++)
        plans[i] = plan_of(made, i);
    FC_TRY(fc__descent_create(context, FC__PHASES, plans, &made->descent));
    if (config->updates == 0)
        made->schedule = fc__schedule_create(measure_budget(made), config->horizon, longest);
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
    fc__descent_clear(&trainer->descent);
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
    return FC_OK;
}

/* Holds a run that was planned by time to its budget when the machine is slower or faster than it
 * was at the start. A resumed run keeps its plan. */
static void replan(fc_trainer *trainer)
{
    double elapsed = fc__seconds() - trainer->started;
    double share = fc__schedule_share(&trainer->schedule, trainer->state.update);
    double left = fmax(trainer->config.seconds - elapsed, 0.0);
    double ratio = left / elapsed * share / fmax(1.0 - share, 1e-9);
    ratio = fmin(fmax(ratio, 0.7), 1.4);
    if (share >= 1.0 || fabs(ratio - 1.0) < 0.03)
        return;
    fc__schedule_stretch(&trainer->schedule, trainer->state.update, ratio);
    for (size_t i = 0; i < FC__PHASES; i++)
        trainer->state.updates[i] = trainer->schedule.phase[i].updates;
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

fc_status fc_trainer_run(fc_trainer *trainer, uint64_t updates, bool *done, double *loss,
                         double *validation)
{
    fc_trainer_state *s = &trainer->state;
    double sum = 0.0;
    uint64_t count = 0;
    for (; count < updates && !finished(trainer); count++) {
        if (fc_context_interrupted(trainer->context))
            return fc__fail(trainer->context, FC_INTERRUPTED, "interrupted at update %llu",
                            (unsigned long long)s->update);
        sum += update(trainer);
        if (trainer->started > 0.0 && s->update % trainer->validate_every == 0)
            replan(trainer);
        bool last = s->update == trainer->schedule.total;
        if (trainer->validation && (last || s->update % trainer->validate_every == 0)) {
            fc_status status = keep_best(trainer);
            if (status != FC_OK)
                return status;
        }
    }
    *done = finished(trainer);
    *loss = count ? sum / (double)count : NAN;
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
