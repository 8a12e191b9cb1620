#include "inr/support.h"
#include "ode/cvode.h"
#include "ode/equation.h"
#include "ode/evaluator.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below this relative tolerance the field is evaluated in double. */
#define FLOAT_TOLERANCE 1e-6

fc_integrator_config fc_integrator_config_default(void)
{
    return (fc_integrator_config){.method = FC_ODE_ADAMS,
                                  .rtol = 1e-4,
                                  .atol = 1e-5,
                                  .max_steps = 100000,
                                  .batch = 32,
                                  .blowup = 1e3};
}

/* ---------------------------------------------------------------- arguments */

/* Appends one fault to the text of all. */
static void add_fault(char *text, size_t size, const char *fault)
{
    size_t length = strlen(text);
    snprintf(text + length, size - length, "%s%s", length ? "; " : "", fault);
}

static fc_status check_config(fc_context *context, const fc_integrator_config *config)
{
    char faults[512] = "", fault[96];
    if (config->method != FC_ODE_ADAMS && config->method != FC_ODE_BDF)
        add_fault(faults, sizeof faults, "method must be FC_ODE_ADAMS or FC_ODE_BDF");
    if (!(config->rtol > 0) || !isfinite(config->rtol)) {
        snprintf(fault, sizeof fault, "rtol %g must be positive and finite", config->rtol);
        add_fault(faults, sizeof faults, fault);
    }
    if (!(config->atol >= 0) || !isfinite(config->atol)) {
        snprintf(fault, sizeof fault, "atol %g must be finite and not negative", config->atol);
        add_fault(faults, sizeof faults, fault);
    }
    if (config->max_steps < 1) {
        snprintf(fault, sizeof fault, "max_steps %ld must be at least 1", config->max_steps);
        add_fault(faults, sizeof faults, fault);
    }
    if (config->batch < 1)
        add_fault(faults, sizeof faults, "batch 0 must be at least 1");
    if (!(config->blowup > 1)) {
        snprintf(fault, sizeof fault, "blowup %g must be above 1", config->blowup);
        add_fault(faults, sizeof faults, fault);
    }
    if (faults[0])
        return fc__fail(context, FC_ERROR_USAGE, "integrator: %s", faults);
    return FC_OK;
}

static fc_status check_sample(fc_context *context, size_t codes, size_t sample, const double *z0,
                              size_t time_count, const double *times)
{
    for (size_t c = 0; c < codes; c++)
        if (!isfinite(z0[c]))
            return fc__fail(context, FC_ERROR_DATA,
                            "integration: sample %zu starts with code %zu = %g, which must be "
                            "finite",
                            sample, c, z0[c]);
    for (size_t i = 0; i < time_count; i++)
        if (!isfinite(times[i]) || times[i] < 0 || (i > 0 && times[i] <= times[i - 1]))
            return fc__fail(context, FC_ERROR_USAGE,
                            "integration: time %zu of sample %zu is %g; times must be finite, at "
                            "least 0 and increase",
                            i, sample, times[i]);
    return FC_OK;
}

/* ---------------------------------------------------------------- a batch */

/* What all batches share. */
typedef struct batch_job {
    const fc_context *context;
    const fc_field *field;
    const fc_integrator_config *config;
    const double *parameters; /* of the field in double; NULL where float or an equation serves */
    float *panels;            /* its packed weights; NULL where it is evaluated in double */
    const double *z0;
    const size_t *time_counts;
    const double *const *times;
    double *const *z;
    fc_integration *integrations; /* (samples) */
} batch_job;

/* One batch and its scratch, made for the largest size. */
typedef struct batch {
    const batch_job *job;
    fc__evaluator *evaluator; /* NULL: in double */
    size_t count;             /* samples */
    const size_t *members;    /* (count) */
    size_t *next;             /* (count) index of each member's next wanted time */
    double *bound;            /* (count) largest |z| of a sound trajectory */
    double *start;            /* (count, C) */
    double *work;             /* of evaluations in double and of Jacobian products */
} batch;

static void batch_destroy(batch *b)
{
    free(b->next);
    free(b->bound);
    free(b->start);
    free(b->work);
    fc__evaluator_destroy(b->evaluator);
}

static fc_status batch_create(const batch_job *job, size_t largest, size_t threads, batch *b)
{
    fc_status status = FC_OK;
    const fc_field_config *field = &job->field->config;
    fc__field_weights weights = {.parameters = job->field->parameters, .forward = job->panels};
    *b = (batch){.job = job};
    FC_NEW(NULL, &b->next, largest);
    FC_NEW(NULL, &b->bound, largest);
    FC_NEW(NULL, &b->start, fc__product(largest, field->codes));
    size_t work = job->field->galerkin ? fc__galerkin_work_size(job->field->galerkin, largest)
                  : job->parameters    ? fc_field_work_size(field, largest)
                                       : 0;
    FC_NEW(NULL, &b->work, work);
    if (job->panels)
        FC_TRY(fc__evaluator_create(field, &weights, largest, threads, &b->evaluator));
done:
    return status;
}

/* 0 when all values are finite, else 1: CVODE's callback convention */
static int not_finite(size_t count, const double *values)
{
    int found = 0;
    for (size_t i = 0; i < count; i++)
        found |= !isfinite(values[i]);
    return found;
}

static int batch_eval(void *user, const double *z, double *dz)
{
    batch *b = user;
    const fc_field *field = b->job->field;
    if (field->galerkin)
        fc__galerkin_eval(field->galerkin, b->count, z, dz, b->work);
    else if (b->evaluator)
        fc__evaluator_run(b->evaluator, b->count, z, dz);
    else
        fc_field_eval_double(&field->config, b->job->parameters, b->count, z, dz, b->work);
    return not_finite(b->count * field->config.codes, dz);
}

static int batch_jvp(void *user, const double *z, const double *z_dot, double *dz_dot)
{
    batch *b = user;
    const fc_field *field = b->job->field;
    if (field->galerkin)
        fc__galerkin_jvp(field->galerkin, b->count, z, z_dot, dz_dot, b->work);
    else
        fc_field_jvp_double(&field->config, b->job->parameters, b->count, z, z_dot, dz_dot,
                            b->work);
    return not_finite(b->count * field->config.codes, dz_dot);
}

/* Copies the start, records it where time 0 is wanted, marks all else as unreached, and returns the
 * last wanted time. */
static double begin_batch(batch *b)
{
    const batch_job *job = b->job;
    size_t codes = job->field->config.codes;
    double end = 0;
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
        if (count > 0)
            end = fmax(end, times[count - 1]);
    }
    return end;
}

static bool is_complete(const batch *b, size_t member)
{
    return b->next[member] == b->job->time_counts[b->members[member]];
}

/* The first member whose state has left its bound, or b->count. Finished members count as well, as
 * they would take the others' steps along with them. */
static size_t find_blown_up(const batch *b, const double *state)
{
    size_t codes = b->job->field->config.codes;
    for (size_t i = 0; i < b->count; i++)
        for (size_t c = 0; c < codes; c++)
            if (!(fabs(state[i * codes + c]) <= b->bound[i]))
                return i;
    return b->count;
}

/* Records every wanted time up to `reached`, which lies in the last step: the earliest of all
 * members first, as one interpolation serves all that want the same time. Returns CVODE's flag. */
static int record_times(batch *b, fc__cvode *cvode, double reached)
{
    const batch_job *job = b->job;
    size_t codes = job->field->config.codes;
    for (;;) {
        double earliest = INFINITY;
        for (size_t i = 0; i < b->count; i++)
            if (!is_complete(b, i))
                earliest = fmin(earliest, job->times[b->members[i]][b->next[i]]);
        if (!(earliest <= reached))
            return 0;
        const double *state;
        int flag = fc__cvode_interpolate(cvode, earliest, &state);
        if (flag < 0)
            return flag;
        for (size_t i = 0; i < b->count; i++) {
            size_t sample = b->members[i];
            if (!is_complete(b, i) && job->times[sample][b->next[i]] == earliest)
                memcpy(job->z[sample] + b->next[i]++ * codes, state + i * codes,
                       codes * sizeof *state);
        }
    }
}

/* How the integration of a batch ended. */
typedef struct outcome {
    fc_status status;
    int flag;
    size_t culprit; /* member that blew up, or the count of the batch */
    double reached;
    fc__cvode_statistics statistics;
} outcome;

static outcome run_batch(batch *b)
{
    const batch_job *job = b->job;
    outcome result = {.status = FC_OK, .culprit = b->count};
    fc__cvode *cvode = NULL;
    fc__cvode_problem problem = {.batch = b->count,
                                 .codes = job->field->config.codes,
                                 .method = job->config->method,
                                 .rtol = job->config->rtol,
                                 .atol = job->config->atol,
                                 .max_steps = job->config->max_steps,
                                 .eval = batch_eval,
                                 .jvp = batch_jvp,
                                 .user = b};
    double end = begin_batch(b);
    if (end == 0)
        return result;
    result.status = fc__cvode_create(NULL, &problem, b->start, &cvode, &result.flag);
    while (result.status == FC_OK && result.reached < end) {
        double time;
        if (fc_context_interrupted(job->context)) {
            result.status = FC_INTERRUPTED;
            break;
        }
        result.flag = fc__cvode_step(cvode, end, &time);
        if (result.flag >= 0)
            result.culprit = find_blown_up(b, fc__cvode_state(cvode));
        if (result.flag >= 0 && result.culprit == b->count)
            result.flag = record_times(b, cvode, time);
        if (result.flag < 0 || result.culprit < b->count)
            result.status = FC_ERROR_SOLVER;
        else
            result.reached = time;
    }
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
    const batch_job *job = b->job;
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
 * and the others are divided: a known culprit from the rest, else in halves. A culprit that was
 * complete leaves the rest whole. */
static fc_status integrate_members(batch *b, size_t *members, size_t count)
{
    b->members = members;
    b->count = count;
    outcome result = run_batch(b);
    if (result.status == FC_ERROR_MEMORY)
        return FC_ERROR_MEMORY;
    bool divisible = result.status == FC_ERROR_SOLVER && count > 1;
    bool culprit_known = result.culprit < count;
    bool culprit_done = culprit_known && is_complete(b, result.culprit);
    size_t left = report_batch(b, members, &result, !divisible);
    if (left == 0)
        return FC_OK;
    size_t first = culprit_done ? left : culprit_known ? left - 1 : left / 2;
    fc_status status = first ? integrate_members(b, members, first) : FC_OK;
    if (status == FC_OK && left > first)
        status = integrate_members(b, members + first, left - first);
    return status;
}

/* ---------------------------------------------------------------- all samples */

typedef struct ranked {
    double end;
    size_t sample;
} ranked;

static int compare_ranked(const void *left, const void *right)
{
    const ranked *a = left, *b = right;
    if (a->end != b->end)
        return a->end < b->end ? -1 : 1;
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

/* Samples by their last time, so that a batch holds trajectories of like length. */
static fc_status order_samples(fc_context *context, size_t samples, const size_t *time_counts,
                               const double *const *times, size_t *order)
{
    fc_status status = FC_OK;
    ranked *ranks = NULL;
    FC_NEW(context, &ranks, samples);
    for (size_t i = 0; i < samples; i++)
        ranks[i] = (ranked){time_counts[i] ? times[i][time_counts[i] - 1] : 0, i};
    qsort(ranks, samples, sizeof *ranks, compare_ranked);
    for (size_t i = 0; i < samples; i++)
        order[i] = ranks[i].sample;
done:
    free(ranks);
    return status;
}

/* Samples [begin, end) of the order as one batch, whose evaluations `threads` threads share. */
static fc_status integrate_part(const batch_job *job, size_t *order, size_t begin, size_t end,
                                size_t threads)
{
    batch b;
    fc_status status = batch_create(job, end - begin, threads, &b);
#pragma omp parallel num_threads((int)threads) if (status == FC_OK && threads > 1)
    {
        int member = omp_get_thread_num();
        if (member > 0) {
            fc__evaluator_help(b.evaluator, (size_t)member);
        } else if (status == FC_OK) {
            status = integrate_members(&b, order + begin, end - begin);
            if (threads > 1)
                fc__evaluator_close(b.evaluator);
        }
    }
    batch_destroy(&b);
    return status;
}

/* Batches run beside each other, one on a thread: at least as many as there are threads to use,
 * unless they would hold fewer than SMALLEST samples. A single batch has its evaluations shared
 * where they are long enough for that. */
static fc_status integrate_all(const batch_job *job, size_t samples, size_t *order)
{
    enum { SMALLEST = 8, WORTH_SHARING = 1 << 16 /* parameters */ };
    size_t threads = (size_t)fc_context_threads(job->context), batch_size = job->config->batch;
    size_t parts = samples / batch_size + (samples % batch_size ? 1 : 0);
    size_t wanted = samples / SMALLEST < threads ? samples / SMALLEST : threads;
    fc_status status = FC_OK;
    if (parts < wanted)
        parts = wanted;
    if (parts == 1) {
        bool shared = job->panels && job->field->parameter_count >= WORTH_SHARING;
        return integrate_part(job, order, 0, samples, shared ? threads : 1);
    }
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, 1)
    for (size_t part = 0; part < parts; part++) {
        size_t begin, end;
        fc__slice(samples, parts, part, &begin, &end);
        fc_status mine = integrate_part(job, order, begin, end, 1);
        if (mine != FC_OK) {
#pragma omp critical(fc_integrate_status)
            status = mine;
        }
    }
    return status;
}

/* The weights as the evaluation wants them: in double, or packed. */
static fc_status prepare_weights(fc_context *context, const fc_field *field,
                                 const fc_integrator_config *config, double **in_double,
                                 float **panels)
{
    fc_status status = FC_OK;
    if (field->galerkin)
        return FC_OK;
    if (config->rtol < FLOAT_TOLERANCE || config->method == FC_ODE_BDF) {
        FC_NEW(context, in_double, field->parameter_count);
        for (size_t i = 0; i < field->parameter_count; i++)
            (*in_double)[i] = (double)field->parameters[i];
    }
    if (config->rtol >= FLOAT_TOLERANCE) {
        FC_NEW(context, panels, fc__field_panels_size(&field->config, FC__PACK_FORWARD));
        fc__field_pack(&field->config, field->parameters, FC__PACK_FORWARD, 0, 1, *panels);
    }
done:
    return status;
}

/* FC_OK when a sample was completed or there is none, else the reason of the first. */
static fc_status conclude(fc_context *context, size_t samples, const fc_integration *integrations)
{
    size_t completed = 0;
    for (size_t i = 0; i < samples; i++) {
        if (integrations[i].status == FC_INTERRUPTED)
            return fc__fail(context, FC_INTERRUPTED, "integration: %s", integrations[i].message);
        completed += integrations[i].status == FC_OK;
    }
    if (samples > 0 && completed == 0)
        return fc__fail(context, FC_ERROR_SOLVER, "integration: all of %zu samples failed, %s",
                        samples, integrations[0].message);
    return FC_OK;
}

fc_status fc_integrate(fc_context *context, const fc_field *field,
                       const fc_integrator_config *config, size_t samples, const double *z0,
                       const size_t *time_counts, const double *const *times, double *const *z,
                       fc_integration *integrations)
{
    fc_status status = FC_OK;
    size_t codes = field->config.codes, *order = NULL;
    double *parameters = NULL;
    float *panels = NULL;
    fc_integration *records = NULL;
    FC_TRY(check_config(context, config));
    for (size_t i = 0; i < samples; i++)
        FC_TRY(check_sample(context, codes, i, z0 + i * codes, time_counts[i], times[i]));
    FC_NEW(context, &order, samples);
    FC_NEW(context, &records, integrations ? 0 : samples);
    FC_TRY(order_samples(context, samples, time_counts, times, order));
    FC_TRY(prepare_weights(context, field, config, &parameters, &panels));
    batch_job job = {.context = context,
                     .field = field,
                     .config = config,
                     .parameters = parameters,
                     .panels = panels,
                     .z0 = z0,
                     .time_counts = time_counts,
                     .times = times,
                     .z = z,
                     .integrations = integrations ? integrations : records};
    status = integrate_all(&job, samples, order);
    if (status == FC_ERROR_MEMORY)
        FC_TRY(fc__fail(context, status, "integration: out of memory for %zu samples of %zu codes",
                        samples, codes));
    FC_TRY(conclude(context, samples, job.integrations));
done:
    free(order);
    free(records);
    free(parameters);
    free(panels);
    return status;
}
