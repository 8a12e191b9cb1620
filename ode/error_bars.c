/* How far forecasts can be trusted, measured on validation frames: growth of the code error with
 * lead time, and a correction of the posterior's standard deviation. */
#include "ode/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LEADS = 32 };

/* Adds the squared code errors of the rollout from frame f of a trajectory that ends at `end`. */
static fc_status add_rollout(fc_context *context, const fc_model *model, const fc_trajectories *t,
                             size_t f, size_t end, double *square, double *lead, double *number)
{
    fc_status status = FC_OK;
    size_t codes = t->codes, leads = end - f - 1 < MOST_LEADS ? end - f - 1 : MOST_LEADS;
    fc_rk_plan plan = {.field = model->field->config,
                       .scheme = FC_RK_RK4,
                       .substeps = 2,
                       .intervals = leads,
                       .batch = 1};
    float *dt = NULL, *z = NULL, *work = NULL;
    FC_NEW(context, &dt, leads);
    FC_NEW(context, &z, fc__product(leads, codes));
    FC_NEW(context, &work, fc_rk_work_size(&plan));
    for (size_t k = 0; k < leads; k++)
        dt[k] = (float)(t->times[f + k + 1] - t->times[f + k]);
    fc_rk_forward(&plan, model->field->parameters, dt, t->z + f * codes, z, NULL, work);
    for (size_t k = 0; k < leads; k++) {
        for (size_t i = 0; i < codes; i++) {
            double error = (double)(z[k * codes + i] - t->z[(f + k + 1) * codes + i]);
            square[(k + 1) * codes + i] += isfinite(error) ? error * error : 0.0;
        }
        lead[k + 1] += t->times[f + k + 1] - t->times[f];
        number[k + 1] += 1.0;
    }
done:
    free(dt);
    free(z);
    free(work);
    return status;
}

fc_status fc__fit_lead_variance(fc_context *context, fc_model *model,
                                const fc_trajectories *trajectories)
{
    fc_status status = FC_OK;
    size_t codes = trajectories->codes;
    double number[MOST_LEADS + 1] = {0};
    FC_NEW(context, &model->lead_time, MOST_LEADS + 1);
    FC_NEW(context, &model->lead_variance, (MOST_LEADS + 1) * codes);
    for (size_t s = 0; s < trajectories->count; s++) {
        size_t end = trajectories->first[s + 1];
        for (size_t f = trajectories->first[s]; f + 1 < end; f++)
            FC_TRY(add_rollout(context, model, trajectories, f, end, model->lead_variance,
                               model->lead_time, number));
    }
    model->lead_count = 1;
    /* With unequal intervals the mean lead of few long rollouts can fall behind; it ends the table.
     */
    for (size_t k = 1; k <= MOST_LEADS && number[k] > 0.0; k++) {
        model->lead_time[k] /= number[k];
        if (model->lead_time[k] <= model->lead_time[k - 1])
            break;
        for (size_t i = 0; i < codes; i++)
            model->lead_variance[k * codes + i] /= number[k];
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
    enum { SHARES = 4 };
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
                              seed + 100 * k + f, &values, &count, ratios));
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
