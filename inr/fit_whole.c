/* Decoders with layers = 0 and a code for each coefficient that varies. */
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Covariance of the coefficients that vary, `kept` of them. With few frames it is drawn towards its
 * diagonal, to which coefficients of fields without a preferred place tend. */
static fc_status whole_covariance(fc_context *context, const fc__series *series, size_t frames,
                                  size_t count, const size_t *kept, double *covariance)
{
    fc_status status = FC_OK;
    double share = fmin(1.0, (double)count / (double)frames);
    double *scaled = NULL;
    FC_NEW(context, &scaled, fc__product(count, series->count));
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < series->count; j++)
            scaled[i * series->count + j] =
                series->modes[kept[i] * series->count + j] * sqrt(series->variance[j]);
    fc__dgemm_parallel(context, false, true, count, count, series->count, 1.0, scaled,
                       series->count, scaled, series->count, 0.0, covariance, count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            covariance[i * count + j] *= i == j ? 1.0 : 1.0 - share;
done:
    free(scaled);
    return status;
}

/* Codes at one common scale, for coefficients `kept` with a covariance (destroyed) about a mean
 * (size) of all. */
static fc_status install(fc_context *context, const fc_dataset *dataset,
                         const fc_decoder_config *config, const double *center, const size_t *kept,
                         double *covariance, fc_decoder **decoder, fc_prior **prior)
{
    fc_status status = FC_OK;
    size_t codes = config->codes, size = config->channels * 2 * config->filters;
    double *mean = NULL, trace = 0.0;
    FC_NEW(context, &mean, codes);
    for (size_t i = 0; i < codes; i++)
        trace += covariance[i * codes + i];
    double scale = sqrt(trace / (double)codes);
    for (size_t i = 0; i < codes * codes; i++) {
        covariance[i] /= scale * scale;
        covariance[i] += i % (codes + 1) == 0 ? 1e-9 : 0.0;
    }
    FC_TRY(fc_decoder_create(context, &dataset->domain, config, decoder));
    fc_decoder_layout at = fc_decoder_layout_of(config, (*decoder)->inputs);
    float *p = (*decoder)->parameters;
    memset(p + at.a, 0, size * codes * sizeof *p);
    for (size_t i = 0; i < size; i++) {
        p[at.head + i] = 1.0f;
        p[at.b + i] = (float)center[i];
    }
    for (size_t j = 0; j < codes; j++)
        p[at.a + kept[j] * codes + j] = (float)scale;
    for (size_t ch = 0; ch < config->channels; ch++)
        p[at.bias + ch] = 0.0f;
    FC_TRY(fc_prior_create(context, codes, mean, covariance, prior));
done:
    free(mean);
    return status;
}

fc_status fc__install_whole(fc_context *context, const fc_dataset *dataset,
                            const fc_decoder_config *config, const fc__series *series,
                            size_t frames, fc_decoder **decoder, fc_prior **prior)
{
    fc_status status = FC_OK;
    fc_decoder_config wanted = *config;
    size_t *kept = NULL;
    double *covariance = NULL;
    wanted.codes = 0;
    FC_NEW(context, &kept, series->size);
    for (size_t i = 0; i < series->size; i++) {
        double square = 0.0;
        for (size_t j = 0; j < series->count; j++)
            square += series->variance[j] * pow(series->modes[i * series->count + j], 2);
        if (square > 1e-13 * series->variance[0])
            kept[wanted.codes++] = i;
    }
    FC_NEW(context, &covariance, fc__product(wanted.codes, wanted.codes));
    FC_TRY(whole_covariance(context, series, frames, wanted.codes, kept, covariance));
    FC_TRY(install(context, dataset, &wanted, series->mean, kept, covariance, decoder, prior));
done:
    free(kept);
    free(covariance);
    return status;
}

fc_status fc__install_coefficients(fc_context *context, const fc_dataset *dataset,
                                   const fc_decoder_config *config, const double *variance,
                                   fc_decoder **decoder, fc_prior **prior)
{
    fc_status status = FC_OK;
    fc_decoder_config wanted = *config;
    size_t size = config->channels * 2 * config->filters, *kept = NULL;
    double *covariance = NULL, *mean = NULL, largest = 0.0;
    wanted.codes = 0;
    FC_NEW(context, &kept, size);
    FC_NEW(context, &mean, size);
    for (size_t i = 0; i < size; i++)
        largest = fmax(largest, variance[i]);
    for (size_t i = 0; i < size; i++)
        if (variance[i] > 1e-13 * largest)
            kept[wanted.codes++] = i;
    FC_NEW(context, &covariance, fc__product(wanted.codes, wanted.codes));
    for (size_t i = 0; i < wanted.codes; i++)
        covariance[i * (wanted.codes + 1)] = variance[kept[i]];
    FC_TRY(install(context, dataset, &wanted, mean, kept, covariance, decoder, prior));
done:
    free(kept);
    free(mean);
    free(covariance);
    return status;
}
