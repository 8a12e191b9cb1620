#include "ode/batch.h"
#include "inr/support.h"
#include "ode/cvode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A member's next wanted time. */
typedef struct waiting {
    double time;
    size_t member;
} waiting;

/* One batch and its scratch, made for the largest size. */
typedef struct batch {
    const fc__batch_job *job;
    fc__space *space;
    size_t count;          /* samples */
    const size_t *members; /* (count) */
    size_t *next;          /* (count) index of each member's next wanted time */
    double *bound;         /* (count) largest |z| of a sound trajectory */
    double *start;         /* (count, C) */
    waiting *waiting;      /* (waiting_count) of incomplete members: a heap, the earliest first */
    size_t waiting_count;
    size_t *wanting; /* (count) members that want the same time */
    double **to;     /* (count) where they want it */
} batch;

static void batch_destroy(batch *b)
{
    free(b->next);
    free(b->bound);
    free(b->start);
    free(b->waiting);
    free(b->wanting);
    free(b->to);
}

static fc_status batch_create(const fc__batch_job *job, fc__space *space, size_t largest, batch *b)
{
    fc_status status = FC_OK;
    *b = (batch){.job = job, .space = space};
    FC_NEW(NULL, &b->next, largest);
    FC_NEW(NULL, &b->bound, largest);
    FC_NEW(NULL, &b->start, fc__product(largest, space->codes));
    FC_NEW(NULL, &b->waiting, largest);
    FC_NEW(NULL, &b->wanting, largest);
    FC_NEW(NULL, &b->to, largest);
done:
    return status;
}

/* ---------------------------------------------------------------- wanted times */

static bool is_before(waiting a, waiting b)
{
    return a.time < b.time || (a.time == b.time && a.member < b.member);
}

/* Moves entry i of the heap down to where it belongs. */
static void sift(batch *b, size_t i)
{
    waiting moved = b->waiting[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < b->waiting_count && is_before(b->waiting[child + 1], b->waiting[child]))
            child++;
        if (child >= b->waiting_count || !is_before(b->waiting[child], moved))
            break;
        b->waiting[i] = b->waiting[child];
        i = child;
    }
    b->waiting[i] = moved;
}

static bool is_complete(const batch *b, size_t member)
{
    return b->next[member] == b->job->time_counts[b->members[member]];
}

/* The first of those waiting gets a place for its time, and waits for its next. */
static double *serve_first(batch *b)
{
    const fc__batch_job *job = b->job;
    size_t member = b->waiting[0].member, sample = b->members[member];
    double *to = job->z[sample] + b->next[member]++ * b->space->codes;
    if (is_complete(b, member))
        b->waiting[0] = b->waiting[--b->waiting_count];
    else
        b->waiting[0].time = job->times[sample][b->next[member]];
    if (b->waiting_count)
        sift(b, 0);
    return to;
}

/* Records every wanted time up to `reached`, which lies in the last step: one interpolation serves
 * all members that want the same time. Returns CVODE's flag. */
static int record_times(batch *b, fc__cvode *cvode, double reached)
{
    while (b->waiting_count && b->waiting[0].time <= reached) {
        const double *state;
        double time = b->waiting[0].time;
        int flag = fc__cvode_interpolate(cvode, time, &state);
        if (flag < 0)
            return flag;
        size_t count = 0;
        while (b->waiting_count && b->waiting[0].time == time) {
            b->wanting[count] = b->waiting[0].member;
            b->to[count++] = serve_first(b);
        }
        b->space->operations->read(b->space, state, count, b->wanting, b->to);
    }
    return 0;
}

/* ---------------------------------------------------------------- one system */

/* Copies the start, records it where time 0 is wanted, marks all else as unreached, and returns the
 * last wanted time. */
static double begin_batch(batch *b)
{
    const fc__batch_job *job = b->job;
    size_t codes = b->space->codes;
    double end = 0;
    b->waiting_count = 0;
    for (size_t i = 0; i < b->count; i++) {
        size_t sample = b->members[i], count = job->time_counts[sample];
        const double *z0 = job->z0 + sample * codes, *times = job->times[sample];
        double *z = job->z[sample];
        double largest = 1;
        memcpy(b->start + i * codes, z0, codes * sizeof *z0);
        for (size_t c = 0; c < codes; c++)
            largest = fmax(largest, fabs(z0[c]));
        b->bound[i] = job->config->blowup * largest;
        b->next[i] = count > 0 && times[0] == 0 ? 1 : 0;
        if (b->next[i])
            memcpy(z, z0, codes * sizeof *z);
        for (size_t k = b->next[i] * codes; k < count * codes; k++)
            z[k] = NAN;
        if (b->next[i] < count)
            b->waiting[b->waiting_count++] = (waiting){times[b->next[i]], i};
        if (count > 0)
            end = fmax(end, times[count - 1]);
    }
    for (size_t i = b->waiting_count / 2; i-- > 0;)
        sift(b, i);
    return end;
}

/* How the integration of a batch ended. */
typedef struct outcome {
    fc_status status;
    int flag;
    size_t culprit; /* member that blew up, or the count of the batch */
    double reached;
    fc__cvode_statistics statistics;
} outcome;

/* Steps until the end is reached, or a member leaves its bound: finished members as well, as they
 * would take the others' steps along with them. */
static void step_batch(batch *b, fc__cvode *cvode, double end, outcome *result)
{
    while (result->status == FC_OK && result->reached < end) {
        double time;
        if (fc_context_interrupted(b->job->context)) {
            result->status = FC_INTERRUPTED;
            return;
        }
        result->flag = fc__cvode_step(cvode, end, &time);
        if (result->flag >= 0)
            result->culprit = b->space->operations->outside(b->space, fc__cvode_state(cvode));
        if (result->flag >= 0 && result->culprit == b->count)
            result->flag = record_times(b, cvode, time);
        if (result->flag < 0 || result->culprit < b->count)
            result->status = FC_ERROR_SOLVER;
        else
            result->reached = time;
    }
}

static outcome run_batch(batch *b)
{
    const fc_integrator_config *config = b->job->config;
    outcome result = {.status = FC_OK, .culprit = b->count};
    fc__cvode *cvode = NULL;
    fc__cvode_problem problem = {.space = b->space,
                                 .method = config->method,
                                 .rtol = config->rtol,
                                 .atol = config->atol,
                                 .max_steps = config->max_steps};
    double end = begin_batch(b);
    if (end == 0)
        return result;
    b->space->operations->begin(b->space, b->count, b->bound);
    result.status = fc__cvode_create(NULL, &problem, b->start, &cvode, &result.flag);
    step_batch(b, cvode, end, &result);
    if (b->space->status != FC_OK)
        result.status = b->space->status;
    if (cvode)
        result.statistics = fc__cvode_get_statistics(cvode);
    fc__cvode_destroy(cvode);
    return result;
}

/* ---------------------------------------------------------------- results and division */

static void describe_failure(const outcome *result, const fc_integrator_config *config,
                             size_t sample, fc_integration *integration)
{
    char cause[FC_NAME_SIZE];
    if (result->status == FC_INTERRUPTED)
        snprintf(cause, sizeof cause, "interrupted");
    else if (result->flag < 0)
        fc__cvode_flag_name(result->flag, cause);
    else
        snprintf(cause, sizeof cause, "|z| grew beyond %g times its start", config->blowup);
    snprintf(integration->message, sizeof integration->message,
             "sample %zu: %s at t = %.6g, h = %.3g, order %d", sample, cause, result->reached,
             result->statistics.last_step, result->statistics.last_order);
}

static void report_member(const batch *b, size_t member, const outcome *result)
{
    const fc__batch_job *job = b->job;
    size_t sample = b->members[member], count = job->time_counts[sample];
    const fc__cvode_statistics *statistics = &result->statistics;
    fc_integration integration = {.steps = statistics->steps,
                                  .evaluations = statistics->evaluations,
                                  .error_failures = statistics->error_failures,
                                  .last_order = statistics->last_order,
                                  .last_step = statistics->last_step};
    if (is_complete(b, member)) {
        integration.reached = count ? job->times[sample][count - 1] : 0;
    } else {
        integration.status = result->status;
        integration.flag = result->flag < 0 ? result->flag : 0;
        integration.reached = result->reached;
        describe_failure(result, job->config, sample, &integration);
    }
    job->integrations[sample] = integration;
}

/* Reports the members that are complete, or all of them, and moves the others to the front; returns
 * how many these are. A member that blew up comes last. */
static size_t report_batch(const batch *b, size_t *members, const outcome *result, bool all)
{
    size_t left = 0, culprit = SIZE_MAX;
    for (size_t i = 0; i < b->count; i++)
        if (all || is_complete(b, i))
            report_member(b, i, result);
        else if (i == result->culprit)
            culprit = members[i];
        else
            members[left++] = members[i];
    if (culprit != SIZE_MAX)
        members[left++] = culprit;
    return left;
}

/* Integrates the members from the start. When that fails, those that had been completed are done,
 * and the others are divided: a culprit that is known and not complete from the rest, and these in
 * halves unless that culprit was what failed of no more than a batch. Large systems are a device's,
 * where each further culprit would take all of the rest to its end. */
static fc_status integrate_members(batch *b, size_t *members, size_t count)
{
    b->members = members;
    b->count = count;
    outcome result = run_batch(b);
    if (result.status == FC_ERROR_MEMORY || result.status == FC_ERROR_DEVICE)
        return result.status;
    bool divisible = result.status == FC_ERROR_SOLVER && count > 1;
    bool culprit_known = result.culprit < count;
    bool culprit_done = culprit_known && is_complete(b, result.culprit);
    size_t left = report_batch(b, members, &result, !divisible);
    if (left == 0)
        return FC_OK;
    size_t rest = culprit_known && !culprit_done ? left - 1 : left;
    bool whole = culprit_known && rest <= b->job->config->batch;
    const size_t ends[] = {whole ? rest : rest / 2, rest, left};
    fc_status status = FC_OK;
    for (size_t i = 0, begin = 0; i < 3 && status == FC_OK; begin = ends[i++])
        if (begin < ends[i])
            status = integrate_members(b, members + begin, ends[i] - begin);
    return status;
}

fc_status fc__batch_integrate(const fc__batch_job *job, fc__space *space, size_t *members,
                              size_t count)
{
    batch b;
    fc_status status = batch_create(job, space, count, &b);
    if (status == FC_OK)
        status = integrate_members(&b, members, count);
    batch_destroy(&b);
    return status;
}
