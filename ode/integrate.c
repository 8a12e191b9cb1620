#include "inr/support.h"
#include "ode/batch.h"
#include "ode/engine.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---------------------------------------------------------------- order */

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

/* ---------------------------------------------------------------- on the processor */

/* Samples [begin, end) of the order as one batch, whose evaluations `threads` threads share. */
static fc_status integrate_part(const fc__batch_job *job, const fc__processor_weights *weights,
                                size_t *order, size_t begin, size_t end, size_t threads)
{
    fc__space *space;
    fc__evaluator *evaluator;
    fc_status status =
        fc__processor_space_create(weights, end - begin, threads, &space, &evaluator);
    if (status != FC_OK)
        return status;
#pragma omp parallel num_threads((int)threads) if (threads > 1)
    {
        int member = omp_get_thread_num();
        if (member > 0) {
            fc__evaluator_help(evaluator, (size_t)member);
        } else {
            status = fc__batch_integrate(job, space, order + begin, end - begin);
            if (threads > 1)
                fc__evaluator_close(evaluator);
        }
    }
    space->operations->destroy(space);
    return status;
}

/* Batches run beside each other, one on a thread: at least as many as there are threads to use,
 * unless they would hold fewer than SMALLEST samples. A single batch has its evaluations shared
 * where they are long enough for that. */
static fc_status integrate_parts(const fc__batch_job *job, const fc__processor_weights *weights,
                                 size_t samples, size_t *order)
{
    enum { SMALLEST = 8, WORTH_SHARING = 1 << 16 /* parameters */ };
    size_t threads = (size_t)fc_context_threads(job->context), batch_size = job->config->batch;
    size_t parts = samples / batch_size + (samples % batch_size ? 1 : 0);
    size_t wanted = samples / SMALLEST < threads ? samples / SMALLEST : threads;
    fc_status status = FC_OK;
    if (parts < wanted)
        parts = wanted;
    if (parts == 1) {
        bool shared = weights->panels && job->field->parameter_count >= WORTH_SHARING;
        return integrate_part(job, weights, order, 0, samples, shared ? threads : 1);
    }
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, 1)
    for (size_t part = 0; part < parts; part++) {
        size_t begin, end;
        fc__slice(samples, parts, part, &begin, &end);
        fc_status mine = integrate_part(job, weights, order, begin, end, 1);
        if (mine != FC_OK) {
#pragma omp critical(fc_integrate_status)
            status = mine;
        }
    }
    return status;
}

static fc_status integrate_on_processor(const fc__batch_job *job, size_t samples, size_t *order)
{
    fc_status status = FC_OK;
    fc__processor_weights weights;
    FC_TRY(fc__processor_weights_create(job->context, job->field, job->config, &weights));
    status = integrate_parts(job, &weights, samples, order);
    fc__processor_weights_clear(&weights);
done:
    return status;
}

/* ---------------------------------------------------------------- on a device */

/* Batches one after the other, each as large as the device takes. */
static fc_status integrate_in_space(const fc__batch_job *job, fc__space *space, size_t samples,
                                    size_t *order)
{
    size_t parts = (samples - 1) / space->capacity + 1;
    fc_status status = FC_OK;
    for (size_t part = 0; part < parts && status == FC_OK; part++) {
        size_t begin, end;
        fc__slice(samples, parts, part, &begin, &end);
        status = fc__batch_integrate(job, space, order + begin, end - begin);
    }
    return status;
}

/* ---------------------------------------------------------------- all samples */

/* On the context's engine where that takes the field. */
static fc_status integrate_all(const fc__batch_job *job, size_t samples, size_t *order)
{
    fc_status status = FC_OK;
    fc__space *space = NULL;
    const fc_engine *engine = fc__context_engine(job->context);
    if (samples > 0 && engine && engine->dynamics->space)
        FC_TRY(engine->dynamics->space(engine->device, job->context, job->field, job->config,
                                       samples, &space));
    status = space ? integrate_in_space(job, space, samples, order)
                   : integrate_on_processor(job, samples, order);
    if (status == FC_ERROR_MEMORY && !(space && space->status == status))
        FC_TRY(fc__fail(job->context, status,
                        "integration: out of memory for %zu samples of %zu codes", samples,
                        job->field->config.codes));
done:
    if (space)
        space->operations->destroy(space);
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
    fc_integration *records = NULL;
    FC_TRY(check_config(context, config));
    for (size_t i = 0; i < samples; i++)
        FC_TRY(check_sample(context, codes, i, z0 + i * codes, time_counts[i], times[i]));
    FC_NEW(context, &order, samples);
    FC_NEW(context, &records, integrations ? 0 : samples);
    FC_TRY(order_samples(context, samples, time_counts, times, order));
    fc__batch_job job = {.context = context,
                         .field = field,
                         .config = config,
                         .z0 = z0,
                         .time_counts = time_counts,
                         .times = times,
                         .z = z,
                         .integrations = integrations ? integrations : records};
    FC_TRY(integrate_all(&job, samples, order));
    FC_TRY(conclude(context, samples, job.integrations));
done:
    free(order);
    free(records);
    return status;
}
