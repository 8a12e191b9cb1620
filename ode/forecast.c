#include "inr/basis_cache.h"
#include "inr/decode.h"
#include "ode/residual.h"

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
            /* mean + a (z - mean) + b (z0 - mean), where a = 1 and b = 0 but in records */
            double still, factor = fc__departure_at(model, relative[s][k], &still);
            fc__cycle_at(model, times[s][k], cycle);
            for (size_t i = 0; i < codes; i++) {
                double *value = &z[s][k * codes + i], mean = model->prior->mean[i];
                if (factor != 1.0 || still != 0.0)
                    *value = mean + factor * (*value - mean) + still * (z0[s * codes + i] - mean);
                *value += cycle[i];
            }
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
    fc__carry carry;         /* residual of the observed frame at the wanted points */
} task;

static void task_clear(task *t)
{
    free(t->z0);
    free(t->covariance);
    free(t->z);
    fc__carry_clear(&t->carry);
}

static fc_status encode_task(fc_context *context, const fc_model *model, size_t time_count, task *t)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes;
    FC_NEW(context, &t->z0, codes);
    FC_NEW(context, &t->covariance, fc__product(codes, codes));
    FC_NEW(context, &t->z, fc__product(time_count, codes));
    FC_TRY(fc_domain_check(context, &model->domain, "observations", 0.01, t->observed->count,
                           t->observed->coordinates));
    FC_TRY(fc__encode_departure(context, model, t->frame->time, t->observed->count,
                                t->observed->coordinates, t->frame->values, NULL, t->z0,
                                t->covariance, &t->values));
done:
    return status;
}

/* What the codes do not hold of the observed frame, brought to the wanted points. */
static fc_status carry_residual(fc_context *context, const fc_model *model, const fc_points *points,
                                task *t)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes;
    double *z = NULL;
    float *field = NULL;
    if (model->residual.lead_count == 0)
        return FC_OK;
    FC_NEW(context, &z, codes);
    FC_NEW(context, &field, fc__product(t->observed->count, model->channel_count));
    fc__cycle_at(model, t->frame->time, z);
    for (size_t i = 0; i < codes; i++)
        z[i] += t->z0[i];
    FC_TRY(
        fc_model_decode(context, model, t->observed->count, t->observed->coordinates, 1, z, field));
    const fc__observation observation = {.time = t->frame->time,
                                         .count = t->observed->count,
                                         .coordinates = t->observed->coordinates,
                                         .values = t->frame->values,
                                         .field = field};
    FC_TRY(fc__carry_create(context, model, &observation, points->count, points->coordinates,
                            &t->carry));
done:
    free(z);
    free(field);
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

/* What the standard deviations of a sequence need: departures of the members from their mean, and
 * the variance that the dynamics adds. */
typedef struct spread {
    size_t values;  /* observed */
    float *members; /* (times, members, C) */
    float *growth;  /* (times, C) */
} spread;

static fc_status spread_create(fc_context *context, const fc_model *model,
                               const fc_forecast_config *config, const task *t, size_t sequence,
                               size_t time_count, const double *times, spread *made)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, m = config->members;
    double *members = NULL, *growth = NULL;
    FC_NEW(context, &members, fc__product(fc__product(m, time_count), codes));
    FC_NEW(context, &growth, codes);
    FC_NEW(context, &made->members, fc__product(fc__product(m, time_count), codes));
    FC_NEW(context, &made->growth, fc__product(time_count, codes));
    FC_TRY(draw_members(context, model, config, t, sequence, time_count, times, members));
    made->values = t->values;
    for (size_t k = 0; k < time_count; k++) {
        memset(growth, 0, codes * sizeof *growth);
        fc__lead_variance_at(model, (times[k] - t->frame->time) / model->time_scale, growth);
        for (size_t i = 0; i < codes; i++) {
            double mean = 0.0;
            for (size_t j = 0; j < m; j++)
                mean += members[(j * time_count + k) * codes + i] / (double)m;
            for (size_t j = 0; j < m; j++)
                made->members[(k * m + j) * codes + i] =
                    (float)(members[(j * time_count + k) * codes + i] - mean);
            made->growth[k * codes + i] = (float)growth[i];
        }
    }
done:
    free(members);
    free(growth);
    return status;
}

static void spread_clear(spread *s)
{
    free(s->members);
    free(s->growth);
}

/* Standard deviations of one sequence and time at a tile of points:
 *
 *   scale sqrt(f^2 (sum_j (Phi d_j)^2 / (m - 1) + noise) + Phi^2 growth + rest)
 *
 * with f the calibration of the posterior; a record's `rest` (rows) is the error of its residual,
 * which takes the place of the noise. projected (m, rows) and grown (rows) are scratch. */
static void deviate(const fc_context *context, const fc_model *model, size_t m, size_t k,
                    const spread *s, size_t rows, const float *phi, const float *squared,
                    float *projected, float *grown, const double *rest, float *deviation)
{
    size_t codes = model->decoder->config.codes, channels = model->channel_count;
    double factor = fc__calibration_at(model, s->values);
    bool carried = model->residual.lead_count > 0;
    fc__sgemm_parallel(context, false, true, m, rows, codes, 1.0f, s->members + k * m * codes,
                       codes, phi, codes, 0.0f, projected, rows);
    fc__sgemm_parallel(context, false, true, 1, rows, codes, 1.0f, s->growth + k * codes, codes,
                       squared, codes, 0.0f, grown, rows);
#pragma omp parallel for num_threads(fc_context_threads(context))
    for (size_t r = 0; r < rows; r++) {
        double variance = 0.0;
        for (size_t j = 0; j < m; j++)
            variance += (double)(projected[j * rows + r] * projected[j * rows + r]);
        variance = variance / (double)(m - 1) + (carried ? 0.0 : model->noise[r % channels]);
        deviation[r] = (float)(model->scale[r % channels] *
                               sqrt(factor * factor * variance + (double)grown[r] + rest[r]));
    }
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

/* The results and what they are made from. */
typedef struct output {
    size_t count, time_count, members;
    const task *tasks;     /* (count) */
    const spread *spreads; /* (count), NULL without standard deviations */
    fc_dataset *mean, *deviation;
} output;

static double lead_of(const fc_model *model, const task *t, double time)
{
    return (time - t->frame->time) / model->time_scale;
}

/* What a record's forecasts have beside the codes. */
static fc_status add_residuals(fc_context *context, const fc_model *model, const output *o)
{
    fc_status status = FC_OK;
    const fc_points *points = &o->mean->points[0];
    float *climate = NULL;
    FC_TRY(fc__climate_create(context, model, points->count, points->coordinates, &climate));
    for (size_t s = 0; s < o->count; s++) {
        for (size_t k = 0; k < o->time_count; k++) {
            const fc_frame *frame = &o->mean->sequences[s].frames[k];
            fc__climate_add(model, climate, frame->time, points->count, frame->values);
            fc__carry_add(model, &o->tasks[s].carry, lead_of(model, &o->tasks[s], frame->time), 0,
                          points->count, frame->values);
        }
    }
done:
    free(climate);
    return status;
}

/* Fields of all sequences and times, straight into the results. */
static fc_status fill_means(fc_context *context, const fc_model *model, const output *o)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, times = o->time_count;
    size_t frames = fc__product(o->count, times);
    const double **z = NULL;
    float **values = NULL;
    FC_NEW(context, &z, frames);
    FC_NEW(context, &values, frames);
    for (size_t f = 0; f < frames; f++) {
        z[f] = o->tasks[f / times].z + f % times * codes;
        values[f] = o->mean->sequences[f / times].frames[f % times].values;
    }
    const fc__decoding decoding = {.count = o->mean->points[0].count,
                                   .frames = frames,
                                   .coordinates = o->mean->points[0].coordinates,
                                   .codes = z,
                                   .values = values,
                                   .mean = model->mean,
                                   .scale = model->scale};
    FC_TRY(fc__decode(context, model->decoder, &decoding));
    FC_TRY(add_residuals(context, model, o));
done:
    free(z);
    free(values);
    return status;
}

enum { TILE = 8192 }; /* points whose basis is held at once */

/* Rows of the tangent at a code, and their squares; the same for every code of an affine decoder.
 */
static fc_status find_rows(fc_context *context, fc__basis_view *view, const double *z, float *code,
                           size_t start, size_t size, const float **phi, float *squared)
{
    fc_status status = FC_OK;
    const fc_decoder_config *config = &view->decoder->config;
    const float *phi0;
    for (size_t i = 0; i < config->codes; i++)
        code[i] = (float)z[i];
    fc__basis_move(view, code);
    FC_TRY(fc__basis_part(context, view, start, size, &phi0, phi));
    for (size_t i = 0; i < size * config->channels * config->codes; i++)
        squared[i] = (*phi)[i] * (*phi)[i];
done:
    return status;
}

/* Standard deviations of all sequences and times. */
static fc_status fill_deviations(fc_context *context, const fc_model *model, const output *o)
{
    fc_status status = FC_OK;
    const fc_points *points = &o->mean->points[0];
    size_t codes = model->decoder->config.codes, channels = model->channel_count;
    size_t most = fc__product(points->count < TILE ? points->count : TILE, channels);
    fc__basis_view view = {0};
    bool affine = fc_decoder_is_affine(&model->decoder->config);
    float *squared = NULL, *work = NULL, *code = NULL;
    double *rest = NULL;
    FC_NEW(context, &code, codes);
    FC_NEW(context, &squared, fc__product(most, codes));
    FC_NEW(context, &work, fc__product(most, o->members + 1));
    FC_NEW(context, &rest, most);
    FC_TRY(fc__basis_open(context, model->decoder, NULL, points->count, points->coordinates, TILE,
                          &view));
    for (size_t start = 0; start < points->count; start += TILE) {
        size_t size = points->count - start < TILE ? points->count - start : TILE;
        size_t rows = size * channels;
        const float *phi = NULL;
        for (size_t s = 0; s < o->count; s++) {
            for (size_t k = 0; k < o->time_count; k++) {
                const fc_frame *frame = &o->deviation->sequences[s].frames[k];
                if (!phi || !affine)
                    FC_TRY(find_rows(context, &view, o->tasks[s].z + k * codes, code, start, size,
                                     &phi, squared));
                memset(rest, 0, rows * sizeof *rest);
                fc__carry_variance(model, &o->tasks[s].carry,
                                   lead_of(model, &o->tasks[s], frame->time), start, size, rest);
                deviate(context, model, o->members, k, &o->spreads[s], rows, phi, squared,
                        work + rows, work, rest, frame->values + start * channels);
            }
        }
    }
done:
    fc__basis_close(&view);
    free(code);
    free(squared);
    free(work);
    free(rest);
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
    bool spreading = deviation && config->deviation;
    task *tasks = NULL;
    spread *spreads = NULL;
    output o = {.count = count, .time_count = time_count, .members = config->members};
    *forecast = NULL;
    if (deviation)
        *deviation = NULL;
    FC_TRY(check_request(context, model, observations, from, time_count, times, points, config));
    FC_NEW(context, &tasks, count);
    FC_NEW(context, &spreads, count);
    for (size_t s = 0; s < count; s++) {
        tasks[s].frame = &observations->sequences[s].frames[from];
        tasks[s].observed = &observations->points[tasks[s].frame->points];
        FC_TRY(encode_task(context, model, time_count, &tasks[s]));
        FC_TRY(carry_residual(context, model, points, &tasks[s]));
    }
    FC_TRY(integrate_tasks(context, model, &config->integrator, count, tasks, time_count, times,
                           integrations));
    for (size_t s = 0; spreading && s < count; s++)
        FC_TRY(spread_create(context, model, config, &tasks[s], s, time_count, times, &spreads[s]));
    o.tasks = tasks;
    o.spreads = spreading ? spreads : NULL;
    FC_TRY(empty_like(context, model, count, time_count, times, points, &o.mean));
    if (spreading)
        FC_TRY(empty_like(context, model, count, time_count, times, points, &o.deviation));
    FC_TRY(fill_means(context, model, &o));
    if (spreading)
        FC_TRY(fill_deviations(context, model, &o));
    *forecast = o.mean;
    if (spreading)
        *deviation = o.deviation;
    o.mean = o.deviation = NULL;
done:
    for (size_t s = 0; s < count; s++) {
        if (tasks)
            task_clear(&tasks[s]);
        if (spreads)
            spread_clear(&spreads[s]);
    }
    free(tasks);
    free(spreads);
    fc_dataset_destroy(o.mean);
    fc_dataset_destroy(o.deviation);
    return status;
}
