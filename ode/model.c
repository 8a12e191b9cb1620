#include "ode/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void fc_model_destroy(fc_model *model)
{
    if (!model)
        return;
    fc_decoder_destroy(model->decoder);
    fc_prior_destroy(model->prior);
    fc_field_destroy(model->field);
    free(model->channels);
    free(model->mean);
    free(model->scale);
    free(model->noise);
    free(model->cycle.coefficient);
    free(model->lead_time);
    free(model->lead_variance);
    free(model->calibration_values);
    free(model->calibration_factor);
    free(model->configuration);
    free(model->provenance);
    free(model);
}

static fc_status check_axes(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                            const char *what)
{
    static const char *const kinds[] = {"plain", "periodic", "longitude", "latitude"};
    for (size_t i = 0; i < model->domain.dims; i++) {
        const fc_axis *a = &model->domain.axis[i], *b = &dataset->domain.axis[i];
        double length = a->upper - a->lower;
        if (a->kind != b->kind)
            return fc__fail(context, FC_ERROR_DATA,
                            "%s: axis %zu (%s) is %s; the model was trained on a %s axis (%s)",
                            what, i, b->name, kinds[b->kind], kinds[a->kind], a->name);
        if (a->kind == FC_AXIS_PERIODIC && fabs((b->upper - b->lower) - length) > 1e-6 * length)
            return fc__fail(context, FC_ERROR_DATA, "%s: axis %s has period %g; the model's is %g",
                            what, b->name, b->upper - b->lower, length);
        if (a->kind == FC_AXIS_PLAIN &&
            (b->lower < a->lower - 0.01 * length || b->upper > a->upper + 0.01 * length))
            return fc__fail(context, FC_ERROR_DATA,
                            "%s: axis %s runs from %g to %g; the model knows %g to %g", what,
                            b->name, b->lower, b->upper, a->lower, a->upper);
    }
    return FC_OK;
}

fc_status fc_model_check_dataset(fc_context *context, const fc_model *model,
                                 const fc_dataset *dataset, const char *what)
{
    if (dataset->domain.dims != model->domain.dims)
        return fc__fail(context, FC_ERROR_DATA,
                        "%s: points have %zu coordinates; the model was trained with %zu", what,
                        dataset->domain.dims, model->domain.dims);
    if (dataset->channel_count != model->channel_count)
        return fc__fail(context, FC_ERROR_DATA, "%s: %zu channels; the model was trained with %zu",
                        what, dataset->channel_count, model->channel_count);
    for (size_t c = 0; c < model->channel_count; c++)
        if (strcmp(dataset->channels[c].name, model->channels[c].name) != 0)
            return fc__fail(context, FC_ERROR_DATA,
                            "%s: channel %zu is called %s; the model was trained on %s", what, c,
                            dataset->channels[c].name, model->channels[c].name);
    return check_axes(context, model, dataset, what);
}

void fc__observed_clear(fc__observed *observed)
{
    free(observed->y);
    free(observed->phi0);
    free(observed->phi);
    free(observed->noise);
    *observed = (fc__observed){0};
}

/* Points with at least one observed value: keep (count) indices. */
static size_t observed_points(const fc_model *model, size_t count, const float *values,
                              const bool *seen, size_t *keep)
{
    size_t channels = model->channel_count, kept = 0;
    for (size_t p = 0; p < count; p++) {
        bool any = false;
        for (size_t c = 0; c < channels; c++)
            any |= !isnan(values[p * channels + c]);
        if (any && (!seen || seen[p]))
            keep[kept++] = p;
    }
    return kept;
}

/* Squeezes out missing values and takes the cycle's field off: y = (v - mean)/scale - Phi z_cycle.
 */
static void fill_observed(const fc_model *model, const double *cycle, size_t kept,
                          const size_t *keep, const float *values, fc__observed *o)
{
    size_t channels = model->channel_count, codes = model->decoder->config.codes;
    for (size_t k = 0; k < kept * channels; k++) {
        size_t c = k % channels;
        float value = values[keep[k / channels] * channels + c];
        if (isnan(value))
            continue;
        size_t at = o->values++;
        double y = ((double)value - model->mean[c]) / model->scale[c];
        for (size_t i = 0; cycle && i < codes; i++)
            y -= (double)o->phi[k * codes + i] * cycle[i];
        o->y[at] = (float)y;
        o->noise[at] = model->noise[c];
        o->phi0[at] = o->phi0[k];
        if (at != k)
            memcpy(o->phi + at * codes, o->phi + k * codes, codes * sizeof *o->phi);
    }
}

fc_status fc__observe(fc_context *context, const fc_model *model, double time, size_t count,
                      const double *coordinates, const float *values, const bool *seen,
                      fc__observed *observed)
{
    fc_status status = FC_OK;
    size_t dims = model->domain.dims, channels = model->channel_count;
    size_t codes = model->decoder->config.codes, *keep = NULL;
    double *x = NULL, *cycle = NULL;
    *observed = (fc__observed){0};
    FC_NEW(context, &keep, count);
    size_t kept = observed_points(model, count, values, seen, keep);
    if (kept == 0) {
        status = fc__fail(context, FC_ERROR_DATA,
                          "nothing is observed at time %g: all %zu values are missing", time,
                          count * channels);
        goto done;
    }
    FC_NEW(context, &x, fc__product(kept, dims));
    for (size_t k = 0; k < kept; k++)
        memcpy(x + k * dims, coordinates + keep[k] * dims, dims * sizeof *x);
    size_t rows = fc__product(kept, channels);
    FC_NEW(context, &observed->y, rows);
    FC_NEW(context, &observed->phi0, rows);
    FC_NEW(context, &observed->phi, fc__product(rows, codes));
    FC_NEW(context, &observed->noise, rows);
    FC_NEW(context, &cycle, codes);
    fc__cycle_at(model, time, cycle);
    FC_TRY(fc_decoder_basis(context, model->decoder, kept, x, observed->phi0, observed->phi));
    fill_observed(model, model->cycle.harmonics ? cycle : NULL, kept, keep, values, observed);
done:
    free(keep);
    free(x);
    free(cycle);
    if (status != FC_OK)
        fc__observed_clear(observed);
    return status;
}

fc_status fc__encode_departure(fc_context *context, const fc_model *model,
                               const fc__observed *observed, double *z, double *covariance)
{
    fc_status status = FC_OK;
    fc_posterior *posterior = NULL;
    FC_TRY(fc_posterior_create(context, model->prior, observed->values, observed->phi0,
                               observed->phi, observed->noise, FC_POSTERIOR_AUTO, &posterior));
    FC_TRY(fc_posterior_encode(context, posterior, 1, observed->y, z));
    if (covariance)
        fc_posterior_covariance(posterior, covariance);
done:
    fc_posterior_destroy(posterior);
    return status;
}

fc_status fc_model_encode(fc_context *context, const fc_model *model, double time, size_t count,
                          const double *coordinates, const float *values, double *z,
                          double *covariance)
{
    fc_status status = FC_OK;
    fc__observed observed = {0};
    double *cycle = NULL;
    FC_TRY(fc_domain_check(context, &model->domain, "observations", 0.01, count, coordinates));
    FC_TRY(fc__observe(context, model, time, count, coordinates, values, NULL, &observed));
    FC_TRY(fc__encode_departure(context, model, &observed, z, covariance));
    FC_NEW(context, &cycle, model->decoder->config.codes);
    fc__cycle_at(model, time, cycle);
    for (size_t i = 0; i < model->decoder->config.codes; i++)
        z[i] += cycle[i];
done:
    fc__observed_clear(&observed);
    free(cycle);
    return status;
}

fc_status fc__decode_with(fc_context *context, const fc_model *model, size_t count,
                          const float *phi0, const float *phi, size_t frames, const double *z,
                          float *values)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, channels = model->channel_count;
    size_t rows = fc__product(count, channels);
    float *zf = NULL;
    FC_NEW(context, &zf, fc__product(frames, codes));
    for (size_t i = 0; i < frames * codes; i++)
        zf[i] = (float)z[i];
    fc__sgemm_parallel(context, false, true, frames, rows, codes, 1.0f, zf, codes, phi, codes, 0.0f,
                       values, rows);
#pragma omp parallel for num_threads(fc_context_threads(context))
    for (size_t f = 0; f < frames; f++)
        for (size_t k = 0; k < rows; k++) {
            float *value = values + f * rows + k;
            *value = (float)model->mean[k % channels] +
                     (float)model->scale[k % channels] * (*value + phi0[k]);
        }
done:
    free(zf);
    return status;
}

/* Linear between the measured leads; after the last the growth of the last interval goes on, up to
 * the variance of the prior. */
void fc__lead_variance_at(const fc_model *model, double lead, double *variance)
{
    size_t codes = model->decoder->config.codes, k = 1;
    if (model->lead_count < 2 || lead <= 0.0)
        return;
    while (k + 1 < model->lead_count && model->lead_time[k] < lead)
        k++;
    const double *low = model->lead_variance + (k - 1) * codes, *high = low + codes;
    double share =
        (lead - model->lead_time[k - 1]) / (model->lead_time[k] - model->lead_time[k - 1]);
    for (size_t i = 0; i < codes; i++) {
        double slope = share > 1.0 ? fmax(high[i] - low[i], 0.0) : high[i] - low[i];
        double value = share > 1.0 ? high[i] + (share - 1.0) * slope : low[i] + share * slope;
        variance[i] += fmin(value, 2.0 * model->prior->covariance[i * (codes + 1)] + high[i]);
    }
}

double fc__calibration_at(const fc_model *model, size_t observed)
{
    size_t count = model->calibration_count, k = 0;
    if (count == 0)
        return 1.0;
    const double *n = model->calibration_values, *factor = model->calibration_factor;
    while (k < count && n[k] < (double)observed)
        k++;
    if (k == 0 || k == count)
        return factor[k == 0 ? 0 : count - 1];
    double share = log((double)observed / n[k - 1]) / log(n[k] / n[k - 1]);
    return factor[k - 1] + share * (factor[k] - factor[k - 1]);
}

enum { TILE = 8192 }; /* points whose basis is held at once */

fc_status fc_model_decode(fc_context *context, const fc_model *model, size_t count,
                          const double *coordinates, size_t frames, const double *z, float *values)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, channels = model->channel_count;
    size_t tile = count < TILE ? count : TILE;
    float *phi0 = NULL, *phi = NULL, *part = NULL;
    FC_NEW(context, &phi0, fc__product(tile, channels));
    FC_NEW(context, &phi, fc__product(tile, channels * codes));
    FC_NEW(context, &part, fc__product(fc__product(tile, channels), frames));
    for (size_t start = 0; start < count; start += tile) {
        size_t size = count - start < tile ? count - start : tile;
        FC_TRY(fc_decoder_basis(context, model->decoder, size,
                                coordinates + start * model->domain.dims, phi0, phi));
        FC_TRY(fc__decode_with(context, model, size, phi0, phi, frames, z, part));
        for (size_t f = 0; f < frames; f++)
            memcpy(values + (f * count + start) * channels, part + f * size * channels,
                   size * channels * sizeof *values);
    }
done:
    free(phi0);
    free(phi);
    free(part);
    return status;
}

fc_status fc_model_decode_std(fc_context *context, const fc_model *model, size_t count,
                              const double *coordinates, size_t observed, const double *covariance,
                              float *deviation)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, channels = model->channel_count;
    size_t tile = count < TILE ? count : TILE;
    float *phi0 = NULL, *phi = NULL;
    double *variance = NULL, factor = fc__calibration_at(model, observed);
    FC_NEW(context, &phi0, fc__product(tile, channels));
    FC_NEW(context, &phi, fc__product(tile, channels * codes));
    FC_NEW(context, &variance, fc__product(tile, channels));
    for (size_t start = 0; start < count; start += tile) {
        size_t size = count - start < tile ? count - start : tile;
        FC_TRY(fc_decoder_basis(context, model->decoder, size,
                                coordinates + start * model->domain.dims, phi0, phi));
        FC_TRY(fc_basis_variance(context, codes, covariance, size * channels, phi, variance));
        for (size_t k = 0; k < size * channels; k++)
            deviation[start * channels + k] =
                (float)(factor * model->scale[k % channels] *
                        sqrt(variance[k] + model->noise[k % channels]));
    }
done:
    free(phi0);
    free(phi);
    free(variance);
    return status;
}
