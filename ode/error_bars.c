/* How far forecasts can be trusted, measured on validation frames: growth of the code error with
 * lead time, and a correction of the posterior's standard deviation. */
#include "ode/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LEADS = 32 };

/* States (leads, C) at the frames after frame f. */
static fc_status roll_out(fc_context *context, const fc_model *model, const fc_trajectories *t,
                          size_t f, size_t leads, float *z)
{
    fc_status status = FC_OK;
    size_t codes = t->codes;
    fc_rk_plan plan = {.field = model->field->config,
                       .scheme = FC_RK_RK4,
                       .substeps = 2,
                       .intervals = leads,
                       .batch = 1};
    float *dt = NULL, *work = NULL;
    FC_NEW(context, &dt, leads);
    FC_NEW(context, &work, fc_rk_work_size(&plan));
    for (size_t k = 0; k < leads; k++)
        dt[k] = (float)(t->times[f + k + 1] - t->times[f + k]);
    fc_rk_forward(&plan, model->field->parameters, dt, t->z + f * codes, z, NULL, work);
done:
    free(dt);
    free(work);
    return status;
}

/* Sums over rollouts, by number of intervals. */
typedef struct growth {
    double *square; /* (MOST_LEADS + 1, C) of code errors */
    double *lead;   /* (MOST_LEADS + 1) model time */
    double number[MOST_LEADS + 1];
} growth;

static size_t leads_from(const fc_trajectories *t, size_t sequence, size_t f)
{
    size_t left = t->first[sequence + 1] - f - 1;
    return left < MOST_LEADS ? left : MOST_LEADS;
}

/* Adds the error of states (leads, C) that a rollout from frame f has come to. */
static void add_errors(const fc_trajectories *t, size_t f, size_t leads, const float *z, growth *g)
{
    size_t codes = t->codes;
    for (size_t k = 0; k < leads; k++) {
        for (size_t i = 0; i < codes; i++) {
            double error = (double)(z[k * codes + i] - t->z[(f + k + 1) * codes + i]);
            g->square[(k + 1) * codes + i] += isfinite(error) ? error * error : 0.0;
        }
        g->lead[k + 1] += t->times[f + k + 1] - t->times[f];
        g->number[k + 1] += 1.0;
    }
}

/* From every frame, by the steps that the field was trained with. */
static fc_status add_rollouts(fc_context *context, const fc_model *model, const fc_trajectories *t,
                              growth *g)
{
    fc_status status = FC_OK;
    float *z = NULL;
    FC_NEW(context, &z, MOST_LEADS * t->codes);
    for (size_t s = 0; s < t->count; s++)
        for (size_t f = t->first[s]; f + 1 < t->first[s + 1]; f++) {
            size_t leads = leads_from(t, s, f);
            FC_TRY(roll_out(context, model, t, f, leads, z));
            add_errors(t, f, leads, z, g);
        }
done:
    free(z);
    return status;
}

/* From the first frames of some sequences, by CVODE as forecasts are. */
static fc_status add_forecasts(fc_context *context, const fc_model *model, const fc_trajectories *t,
                               growth *g)
{
    enum { MOST_SEQUENCES = 64 };
    fc_status status = FC_OK;
    const fc_integrator_config config = fc_integrator_config_default();
    size_t codes = t->codes, count = t->count < MOST_SEQUENCES ? t->count : MOST_SEQUENCES;
    size_t *leads = NULL;
    double *z0 = NULL, *times = NULL, *z = NULL, **time_of = NULL, **z_of = NULL;
    float *reached = NULL;
    FC_NEW(context, &leads, count);
    FC_NEW(context, &z0, fc__product(count, codes));
    FC_NEW(context, &times, count * MOST_LEADS);
    FC_NEW(context, &z, fc__product(count * MOST_LEADS, codes));
    FC_NEW(context, &time_of, count);
    FC_NEW(context, &z_of, count);
    FC_NEW(context, &reached, MOST_LEADS * codes);
    for (size_t s = 0; s < count; s++) {
        size_t f = t->first[s];
        leads[s] = leads_from(t, s, f);
        time_of[s] = times + s * MOST_LEADS;
        z_of[s] = z + s * MOST_LEADS * codes;
        for (size_t k = 0; k < leads[s]; k++)
            time_of[s][k] = t->times[f + k + 1] - t->times[f];
        for (size_t i = 0; i < codes; i++)
            z0[s * codes + i] = (double)t->z[f * codes + i];
    }
    FC_TRY(fc_integrate(context, model->field, &config, count, z0, leads,
                        (const double *const *)time_of, z_of, NULL));
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < leads[s] * codes; i++)
            reached[i] = (float)z_of[s][i];
        add_errors(t, t->first[s], leads[s], reached, g);
    }
done:
    free(leads);
    free(z0);
    free(times);
    free(z);
    free(time_of);
    free(z_of);
    free(reached);
    return status;
}

fc_status fc__fit_lead_variance(fc_context *context, fc_model *model,
                                const fc_trajectories *trajectories)
{
    fc_status status = FC_OK;
    size_t codes = trajectories->codes;
    growth g = {0};
    FC_NEW(context, &model->lead_time, MOST_LEADS + 1);
    FC_NEW(context, &model->lead_variance, (MOST_LEADS + 1) * codes);
    g.square = model->lead_variance;
    g.lead = model->lead_time;
    FC_TRY(model->field->galerkin ? add_forecasts(context, model, trajectories, &g)
                                  : add_rollouts(context, model, trajectories, &g));
    model->lead_count = 1;
    /* With unequal intervals the mean lead of few long rollouts can fall behind; it ends the table.
     */
    for (size_t k = 1; k <= MOST_LEADS && g.number[k] > 0.0; k++) {
        model->lead_time[k] /= g.number[k];
        if (model->lead_time[k] <= model->lead_time[k - 1])
            break;
        for (size_t i = 0; i < codes; i++)
            model->lead_variance[k * codes + i] /= g.number[k];
        model->lead_count = k + 1;
    }
done:
    return status;
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

enum { CHECKED = 1024 }; /* points of a frame at which the error bars are held against the truth */

/* |error| / standard deviation of codes at some points of a frame with known physical values. */
static fc_status compare(fc_context *context, const fc_model *model, const fc_points *points,
                         const float *physical, size_t observed, const double *z,
                         const double *covariance, fc__rng *rng, size_t *count, float *ratios)
{
    fc_status status = FC_OK;
    size_t channels = model->channel_count, dims = model->domain.dims, *order = NULL;
    size_t checked = points->count < CHECKED ? points->count : CHECKED;
    float *mean = NULL, *deviation = NULL;
    double *x = NULL;
    FC_NEW(context, &order, points->count);
    FC_NEW(context, &x, fc__product(checked, dims));
    FC_NEW(context, &mean, fc__product(checked, channels));
    FC_NEW(context, &deviation, fc__product(checked, channels));
    fc__rng_choose(rng, points->count, checked, order);
    for (size_t p = 0; p < checked; p++)
        memcpy(x + p * dims, points->coordinates + order[p] * dims, dims * sizeof *x);
    FC_TRY(fc_model_decode(context, model, checked, x, 1, z, mean));
    FC_TRY(fc_model_decode_std(context, model, checked, x, observed, z, covariance, deviation));
    for (size_t i = 0; i < checked * channels; i++) {
        float truth = physical[order[i / channels] * channels + i % channels];
        if (!isnan(truth))
            ratios[(*count)++] = fabsf(truth - mean[i]) / deviation[i];
    }
done:
    free(order);
    free(x);
    free(mean);
    free(deviation);
    return status;
}

/* Encodes one validation frame, whose values are normalised, from a share of its points, and
 * compares with all of them. */
static fc_status add_ratios(fc_context *context, const fc_model *model, const fc_points *points,
                            const fc_frame *frame, double share, uint64_t seed, double *observed,
                            size_t *count, float *ratios)
{
    fc_status status = FC_OK;
    size_t channels = model->channel_count, codes = model->decoder->config.codes;
    size_t values = fc__product(points->count, channels);
    float *physical = NULL;
    double *z = NULL, *covariance = NULL;
    bool *seen = NULL;
    size_t seen_values;
    fc__rng rng = fc__rng_create(seed, 911);
    FC_NEW(context, &physical, values);
    FC_NEW(context, &z, 2 * codes);
    FC_NEW(context, &covariance, fc__product(codes, codes));
    FC_NEW(context, &seen, points->count);
    for (size_t p = 0; p < points->count; p++)
        seen[p] = fc__rng_uniform(&rng) < share;
    seen[fc__rng_below(&rng, points->count)] = true;
    for (size_t i = 0; i < values; i++)
        physical[i] = (float)(model->mean[i % channels] +
                              model->scale[i % channels] * (double)frame->values[i]);
    status = fc__encode_departure(context, model, frame->time, points->count, points->coordinates,
                                  physical, seen, z, covariance, &seen_values);
    if (status == FC_ERROR_DATA) { /* only missing values were drawn */
        status = FC_OK;
        goto done;
    }
    FC_TRY(status);
    fc__cycle_at(model, frame->time, z + codes);
    for (size_t i = 0; i < codes; i++)
        z[i] += z[codes + i];
    *observed += (double)seen_values;
    FC_TRY(
        compare(context, model, points, physical, seen_values, z, covariance, &rng, count, ratios));
done:
    free(physical);
    free(z);
    free(covariance);
    free(seen);
    return status;
}

fc_status fc__fit_calibration(fc_context *context, fc_model *model, const fc_dataset *dataset,
                              double least, uint64_t seed)
{
    static const double shares[] = {0.01, 0.05, 0.2, 1.0};
    enum { SHARES = 4, MASKS = 4 }; /* few masks, whose bases are formed once for all frames */
    fc_status status = FC_OK;
    fc__frames frames = {0};
    float *ratios = NULL;
    double *observed = NULL, *factor = NULL;
    size_t found = 0;
    FC_TRY(fc__frames_select(context, dataset, 0, NULL, false, &frames));
    FC_NEW(context, &ratios,
           fc__product(frames.count, fc__product(CHECKED, dataset->channel_count)));
    FC_NEW(context, &observed, SHARES);
    FC_NEW(context, &factor, SHARES);
    for (size_t k = 0; k < SHARES; k++) {
        size_t count = 0;
        double values = 0.0;
        for (size_t f = 0; f < frames.count; f++) {
            const fc_frame *frame = frames.frame[f];
            FC_TRY(add_ratios(context, model, &dataset->points[frame->points], frame, shares[k],
                              seed + 100 * k + f % MASKS, &values, &count, ratios));
        }
        values /= (double)frames.count;
        if (count == 0 || (found && values <= observed[found - 1] * 1.01))
            continue;
        qsort(ratios, count, sizeof *ratios, ascending);
        observed[found] = values;
        factor[found++] = fmax((double)ratios[(size_t)(0.6827 * (double)(count - 1))], least);
    }
    model->calibration_values = observed;
    model->calibration_factor = factor;
    model->calibration_count = found;
    observed = factor = NULL;
done:
    fc__frames_clear(&frames);
    free(ratios);
    free(observed);
    free(factor);
    return status;
}
