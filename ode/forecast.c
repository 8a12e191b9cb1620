#include "ode/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fc_forecast_config fc_forecast_config_default(void)
{
    return (fc_forecast_config){.integrator = fc_integrator_config_default(), .members = 32};
}

fc_status fc__integrate_codes(fc_context *context, const fc_model *model,
                              const fc_integrator_config *config, size_t sequences,
                              const double *z0, const double *start, const size_t *counts,
                              const double *const *times, double *const *z,
                              fc_integration *integrations)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, total = 0;
    double *block = NULL, *cycle = NULL;
    const double **relative = NULL;
    for (size_t s = 0; s < sequences; s++)
        total += counts[s];
    FC_NEW(context, &block, total);
    FC_NEW(context, &relative, sequences);
    FC_NEW(context, &cycle, codes);
    double *next = block;
    for (size_t s = 0; s < sequences; s++) {
        relative[s] = next;
        for (size_t k = 0; k < counts[s]; k++)
            *next++ = (times[s][k] - start[s]) / model->time_scale;
    }
    FC_TRY(fc_integrate(context, model->field, config, sequences, z0, counts, relative, z,
                        integrations));
    for (size_t s = 0; s < sequences; s++) {
        for (size_t k = 0; k < counts[s]; k++) {
            fc__cycle_at(model, times[s][k], cycle);
            for (size_t i = 0; i < codes; i++)
                z[s][k * codes + i] += cycle[i];
        }
    }
done:
    free(block);
    free(relative);
    free(cycle);
    return status;
}

/* One sequence on its way from observations to fields. */
typedef struct task {
    const fc_frame *frame; /* what is observed */
    const fc_points *observed;
    double *z0, *covariance; /* (C), (C, C): departure and its posterior covariance */
    size_t values;           /* observed */
    double *z;               /* (times, C) */
} task;

static void task_clear(task *t)
{
    free(t->z0);
    free(t->covariance);
    free(t->z);
}

static fc_status encode_task(fc_context *context, const fc_model *model, size_t time_count, task *t)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes;
    fc__observed o = {0};
    FC_NEW(context, &t->z0, codes);
    FC_NEW(context, &t->covariance, fc__product(codes, codes));
    FC_NEW(context, &t->z, fc__product(time_count, codes));
    FC_TRY(fc__observe(context, model, t->frame->time, t->observed->count, t->observed->coordinates,
                       t->frame->values, NULL, &o));
    FC_TRY(fc__encode_departure(context, model, &o, t->z0, t->covariance));
    t->values = o.values;
done:
    fc__observed_clear(&o);
    return status;
}

static fc_status integrate_tasks(fc_context *context, const fc_model *model,
                                 const fc_integrator_config *config, size_t count, task *tasks,
                                 size_t time_count, const double *times,
                                 fc_integration *integrations)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, *counts = NULL;
    double *z0 = NULL, *start = NULL, **z = NULL;
    const double **wanted = NULL;
    FC_NEW(context, &counts, count);
    FC_NEW(context, &z0, fc__product(count, codes));
    FC_NEW(context, &start, count);
    FC_NEW(context, &z, count);
    FC_NEW(context, &wanted, count);
    for (size_t s = 0; s < count; s++) {
        counts[s] = time_count;
        memcpy(z0 + s * codes, tasks[s].z0, codes * sizeof *z0);
        start[s] = tasks[s].frame->time;
        z[s] = tasks[s].z;
        wanted[s] = times;
    }
    FC_TRY(fc__integrate_codes(context, model, config, count, z0, start, counts, wanted, z,
                               integrations));
done:
    free(counts);
    free(z0);
    free(start);
    free(z);
    free(wanted);
    return status;
}

/* Members drawn from the posterior, integrated: members (M, times, C). */
static fc_status draw_members(fc_context *context, const fc_model *model,
                              const fc_forecast_config *config, const task *t, size_t sequence,
                              size_t time_count, const double *times, double *members)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, m = config->members;
    double *factor = NULL, trace = 0.0;
    task *drawn = NULL;
    fc__rng rng = fc__rng_create(config->seed, 4000 + sequence);
    FC_NEW(context, &factor, fc__product(codes, codes));
    FC_NEW(context, &drawn, m);
    memcpy(factor, t->covariance, codes * codes * sizeof *factor);
    for (size_t i = 0; i < codes; i++)
        trace += factor[i * (codes + 1)];
    for (size_t i = 0; i < codes; i++)
        factor[i * (codes + 1)] += 1e-12 * trace + 1e-300;
    FC_TRY(fc__cholesky(context, "posterior covariance", codes, factor));
    for (size_t k = 0; k < m; k++) {
        drawn[k].frame = t->frame;
        drawn[k].z = members + k * time_count * codes;
        FC_NEW(context, &drawn[k].z0, codes);
        memcpy(drawn[k].z0, t->z0, codes * sizeof *t->z0);
        for (size_t j = 0; j < codes; j++) {
            double normal = fc__rng_normal(&rng);
            for (size_t i = j; i < codes; i++)
                drawn[k].z0[i] += factor[i * codes + j] * normal;
        }
    }
    FC_TRY(integrate_tasks(context, model, &config->integrator, m, drawn, time_count, times, NULL));
done:
    for (size_t k = 0; drawn && k < m; k++)
        free(drawn[k].z0);
    free(drawn);
    free(factor);
    return status;
}

/* Code covariance at one time: of the members, about their mean, plus the error of the dynamics. */
static void covariance_at(const fc_model *model, size_t m, size_t time_count, size_t k, double lead,
                          const double *members, double *work, double *covariance)
{
    size_t codes = model->decoder->config.codes;
    double *mean = work, *departure = work + codes, *growth = work;
    memset(mean, 0, codes * sizeof *mean);
    for (size_t j = 0; j < m; j++)
        for (size_t i = 0; i < codes; i++)
            mean[i] += members[(j * time_count + k) * codes + i] / (double)m;
    for (size_t j = 0; j < m; j++)
        for (size_t i = 0; i < codes; i++)
            departure[j * codes + i] = members[(j * time_count + k) * codes + i] - mean[i];
    fc__dsyrk(codes, m, 1.0 / (double)(m - 1), departure, 0.0, covariance);
    memset(growth, 0, codes * sizeof *growth);
    fc__lead_variance_at(model, lead, growth);
    for (size_t i = 0; i < codes; i++)
        covariance[i * (codes + 1)] += growth[i];
}

static fc_status deviations(fc_context *context, const fc_model *model,
                            const fc_forecast_config *config, const task *t, size_t sequence,
                            size_t time_count, const double *times, const fc_points *points,
                            fc_sequence *out)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, m = config->members;
    double *members = NULL, *work = NULL, *covariance = NULL;
    FC_NEW(context, &members, fc__product(fc__product(m, time_count), codes));
    FC_NEW(context, &work, fc__product(m + 1, codes));
    FC_NEW(context, &covariance, fc__product(codes, codes));
    FC_TRY(draw_members(context, model, config, t, sequence, time_count, times, members));
    for (size_t k = 0; k < time_count; k++) {
        double lead = (times[k] - t->frame->time) / model->time_scale;
        covariance_at(model, m, time_count, k, lead, members, work, covariance);
        FC_TRY(fc_model_decode_std(context, model, points->count, points->coordinates, t->values,
                                   covariance, out->frames[k].values));
    }
done:
    free(members);
    free(work);
    free(covariance);
    return status;
}

/* A dataset like the observations' with the wanted points and times, values missing. */
static fc_status empty_like(fc_context *context, const fc_model *model, size_t sequences,
                            size_t time_count, const double *times, const fc_points *points,
                            fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc_sequence *sequence;
    size_t index;
    fc_domain domain = model->domain;
    FC_TRY(fc_dataset_create(context, &domain, model->channel_count, dataset));
    memcpy((*dataset)->channels, model->channels, model->channel_count * sizeof *model->channels);
    (*dataset)->time = model->time;
    (*dataset)->record = model->record && sequences == 1;
    FC_TRY(fc_dataset_add_points(context, *dataset, points->count, points->coordinates,
                                 points->grid[0] ? points->grid : NULL, &index));
    for (size_t s = 0; s < sequences; s++)
        FC_TRY(fc_dataset_add_sequence(context, *dataset, time_count, times, NULL, &sequence));
done:
    return status;
}

static fc_status check_request(fc_context *context, const fc_model *model,
                               const fc_dataset *observations, size_t from, size_t time_count,
                               const double *times, const fc_points *points,
                               const fc_forecast_config *config)
{
    if (time_count == 0)
        return fc__fail(context, FC_ERROR_USAGE, "forecast: no times are asked for");
    if (config->deviation && config->members < 2)
        return fc__fail(context, FC_ERROR_USAGE,
                        "forecast: %zu members; a standard deviation needs at least 2",
                        config->members);
    for (size_t s = 0; s < observations->sequence_count; s++) {
        const fc_sequence *sequence = &observations->sequences[s];
        if (from >= sequence->frame_count)
            return fc__fail(context, FC_ERROR_USAGE,
                            "forecast: frame %zu is to be encoded, but sequence %zu has %zu frames",
                            from, s, sequence->frame_count);
        for (size_t k = 0; k < time_count; k++)
            if (!(times[k] >= sequence->frames[from].time) || (k && times[k] <= times[k - 1]))
                return fc__fail(context, FC_ERROR_USAGE,
                                "forecast: time %g (number %zu): times must increase and start at "
                                "or after the observed frame, at %g in sequence %zu",
                                times[k], k, sequence->frames[from].time, s);
    }
    fc_status status = fc_model_check_dataset(context, model, observations, "observations");
    if (status == FC_OK)
        status = fc_domain_check(context, &model->domain, "query points", 0.01, points->count,
                                 points->coordinates);
    return status;
}

static fc_status decode_tasks(fc_context *context, const fc_model *model, size_t count,
                              const task *tasks, size_t time_count, const fc_points *points,
                              fc_dataset *out)
{
    fc_status status = FC_OK;
    size_t values = fc__product(points->count, model->channel_count);
    float *fields = NULL;
    FC_NEW(context, &fields, fc__product(time_count, values));
    for (size_t s = 0; s < count; s++) {
        FC_TRY(fc_model_decode(context, model, points->count, points->coordinates, time_count,
                               tasks[s].z, fields));
        for (size_t k = 0; k < time_count; k++)
            memcpy(out->sequences[s].frames[k].values, fields + k * values,
                   values * sizeof *fields);
    }
done:
    free(fields);
    return status;
}

fc_status fc_model_forecast(fc_context *context, const fc_model *model,
                            const fc_dataset *observations, size_t from, size_t time_count,
                            const double *times, const fc_points *points,
                            const fc_forecast_config *config, fc_dataset **forecast,
                            fc_dataset **deviation, fc_integration *integrations)
{
    fc_status status = FC_OK;
    size_t count = observations->sequence_count;
    fc_dataset *mean = NULL, *spread = NULL;
    task *tasks = NULL;
    *forecast = NULL;
    if (deviation)
        *deviation = NULL;
    FC_TRY(check_request(context, model, observations, from, time_count, times, points, config));
    FC_NEW(context, &tasks, count);
    for (size_t s = 0; s < count; s++) {
        tasks[s].frame = &observations->sequences[s].frames[from];
        tasks[s].observed = &observations->points[tasks[s].frame->points];
        FC_TRY(encode_task(context, model, time_count, &tasks[s]));
    }
    FC_TRY(integrate_tasks(context, model, &config->integrator, count, tasks, time_count, times,
                           integrations));
    FC_TRY(empty_like(context, model, count, time_count, times, points, &mean));
    FC_TRY(decode_tasks(context, model, count, tasks, time_count, points, mean));
    if (deviation && config->deviation) {
        FC_TRY(empty_like(context, model, count, time_count, times, points, &spread));
        for (size_t s = 0; s < count; s++)
            FC_TRY(deviations(context, model, config, &tasks[s], s, time_count, times, points,
                              &spread->sequences[s]));
        *deviation = spread;
        spread = NULL;
    }
    *forecast = mean;
    mean = NULL;
done:
    for (size_t s = 0; tasks && s < count; s++)
        task_clear(&tasks[s]);
    free(tasks);
    fc_dataset_destroy(mean);
    fc_dataset_destroy(spread);
    return status;
}
