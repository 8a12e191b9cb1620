#include "ode/model.h"
#include "inr/basis_cache.h"
#include "inr/decode.h"
#include "inr/encode.h"
#include "ode/residual.h"

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
    fc__residual_clear(&model->residual);
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

fc_status fc__encode_departure(fc_context *context, const fc_model *model, double time,
                               size_t count, const double *coordinates, const float *values,
                               const bool *seen, double *z, double *covariance, size_t *observed)
{
    fc_status status = FC_OK;
    double *cycle = NULL;
    fc__encoded encoded = {.codes = z, .covariance = covariance};
    FC_NEW(context, &cycle, model->decoder->config.codes);
    fc__cycle_at(model, time, cycle);
    fc__observed frame = {.count = count,
                          .frames = 1,
                          .coordinates = coordinates,
                          .values = &values,
                          .seen = seen,
                          .mean = model->mean,
                          .scale = model->scale,
                          .shift = model->cycle.harmonics ? cycle : NULL};
    status = fc__encode(context, model->decoder, model->prior, model->noise, &frame, &encoded);
    if (status == FC_ERROR_DATA && encoded.values == 0)
        status =
            fc__fail(context, status, "nothing is observed at time %g: all %zu values are missing",
                     time, count * model->channel_count);
    if (observed)
        *observed = encoded.values;
done:
    free(cycle);
    return status;
}

fc_status fc_model_encode(fc_context *context, const fc_model *model, double time, size_t count,
                          const double *coordinates, const float *values, double *z,
                          double *covariance)
{
    fc_status status = FC_OK;
    double *cycle = NULL;
    FC_TRY(fc_domain_check(context, &model->domain, "observations", 0.01, count, coordinates));
    FC_TRY(fc__encode_departure(context, model, time, count, coordinates, values, NULL, z,
                                covariance, NULL));
    FC_NEW(context, &cycle, model->decoder->config.codes);
    fc__cycle_at(model, time, cycle);
    for (size_t i = 0; i < model->decoder->config.codes; i++)
        z[i] += cycle[i];
done:
    free(cycle);
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

fc_status fc_model_decode(fc_context *context, const fc_model *model, size_t count,
                          const double *coordinates, size_t frames, const double *z, float *values)
{
    fc_status status = FC_OK;
    size_t size = fc__product(count, model->channel_count);
    const double **codes = NULL;
    float **fields = NULL;
    FC_NEW(context, &codes, frames);
    FC_NEW(context, &fields, frames);
    for (size_t f = 0; f < frames; f++) {
        codes[f] = z + f * model->decoder->config.codes;
        fields[f] = values + f * size;
    }
    const fc__decoding decoding = {.count = count,
                                   .frames = frames,
                                   .coordinates = coordinates,
                                   .codes = codes,
                                   .values = fields,
                                   .mean = model->mean,
                                   .scale = model->scale};
    FC_TRY(fc__decode(context, model->decoder, &decoding));
done:
    free(codes);
    free(fields);
    return status;
}

fc_status fc_model_decode_std(fc_context *context, const fc_model *model, size_t count,
                              const double *coordinates, size_t observed, const double *z,
                              const double *covariance, float *deviation)
{
    enum { TILE = 8192 }; /* points whose basis is held at once */
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, channels = model->channel_count;
    fc__basis_view view = {0};
    double *variance = NULL, factor = fc__calibration_at(model, observed);
    float *code = NULL;
    FC_NEW(context, &code, codes);
    for (size_t i = 0; i < codes; i++)
        code[i] = (float)z[i];
    FC_NEW(context, &variance, fc__product(count < TILE ? count : TILE, channels));
    FC_TRY(fc__basis_open(context, model->decoder, NULL, count, coordinates, TILE, &view));
    fc__basis_move(&view, code);
    for (size_t start = 0; start < count; start += TILE) {
        size_t size = count - start < TILE ? count - start : TILE;
        const float *phi0, *phi;
        FC_TRY(fc__basis_part(context, &view, start, size, &phi0, &phi));
        FC_TRY(fc_basis_variance(context, codes, covariance, size * channels, phi, variance));
        for (size_t k = 0; k < size * channels; k++)
            deviation[start * channels + k] =
                (float)(factor * model->scale[k % channels] *
                        sqrt(variance[k] + model->noise[k % channels]));
    }
done:
    fc__basis_close(&view);
    free(code);
    free(variance);
    return status;
}
