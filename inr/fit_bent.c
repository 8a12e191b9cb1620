/* Fitting of decoders that bend. */
#include "inr/bent.h"
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the caller has left open. */
static fc_decoder_config settle(const fc_decoder_config *config)
{
    fc_decoder_config settled = *config;
    bool siren = config->family == FC_DECODER_SIREN;
    settled.layers = config->layers ? config->layers : siren ? 2 : 1;
    settled.width = config->width ? config->width : 64;
    settled.omega0 = config->omega0 > 0.0 ? config->omega0 : 10.0;
    return settled;
}

/* The code of every frame from all of its values, from where it is. */
static fc_status solve_codes(fc_context *context, const fc_decoder *decoder,
                             const fc__frames *frames, double *z)
{
    fc_status status = FC_OK;
    size_t c = decoder->config.codes, channels = decoder->config.channels;
    fc_encoding_config config = fc_encoding_config_default();
    fc_prior *wide = NULL;
    fc_status *statuses = NULL;
    double *mean = NULL, *covariance = NULL, *noise = NULL;
    FC_NEW(context, &mean, c);
    FC_NEW(context, &covariance, fc__product(c, c));
    FC_NEW(context, &noise, channels);
    FC_NEW(context, &statuses, frames->count);
    for (size_t i = 0; i < c; i++)
        covariance[i * c + i] = 1e2;
    for (size_t i = 0; i < channels; i++)
        noise[i] = 1e-4;
    FC_TRY(fc_prior_create(context, c, mean, covariance, &wide));
    config.steps = 4;
    config.tolerance = 1e-2;
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(dynamic, 1)
    for (size_t f = 0; f < frames->count; f++) {
        const fc_points *points = &frames->dataset->points[frames->frame[f]->points];
        statuses[f] =
            fc_decoder_encode(NULL, decoder, wide, noise, points->count, points->coordinates,
                              frames->frame[f]->values, &config, z + f * c, NULL, NULL);
    }
    for (size_t f = 0; f < frames->count; f++)
        if (statuses[f] != FC_OK) {
            status = fc__fail(context, statuses[f], "fitting the decoder: code of frame %zu: %s", f,
                              fc_status_text(statuses[f]));
            goto done;
        }
done:
    fc_prior_destroy(wide);
    free(statuses);
    free(mean);
    free(covariance);
    free(noise);
    return status;
}

/* Gives the decoder codes of frames that lie far from each other: after the one nearest to the mean
 * always that which is furthest from all that are chosen (Gonzalez 1985). */
static fc_status choose_starts(fc_context *context, fc_decoder *decoder, size_t frames,
                               const double *z)
{
    enum { STARTS = 32 };
    fc_status status = FC_OK;
    size_t c = decoder->config.codes, count = frames < STARTS ? frames : STARTS, next = 0;
    double *distance = NULL, *mean = NULL;
    float *starts = NULL;
    FC_NEW(context, &distance, frames);
    FC_NEW(context, &mean, c);
    FC_NEW(context, &starts, fc__product(count, c));
    for (size_t i = 0; i < frames * c; i++)
        mean[i % c] += z[i] / (double)frames;
    for (size_t k = 0; k < count; k++) {
        for (size_t f = 0, first = next; f < frames; f++) {
            double square = 0.0;
            for (size_t i = 0; i < c; i++)
                square += pow(z[f * c + i] - (k ? z[first * c + i] : mean[i]), 2);
            distance[f] = k > 1 ? fmin(distance[f], square) : square;
            if (k ? distance[f] > distance[next] : distance[f] < distance[next])
                next = f;
        }
        for (size_t i = 0; i < c; i++)
            starts[k * c + i] = (float)z[next * c + i];
    }
    FC_TRY(fc__decoder_set_starts(context, decoder, count, starts));
done:
    free(distance);
    free(mean);
    free(starts);
    return status;
}

/* A SIREN starts from random weights and learns the frames at their codes in the POD, which are
 * centred and as large as they matter, before these are solved for. */
static fc_status start_siren(fc_context *context, const fc__frames *training,
                             const fc__frames *validation, const fc_decoder_config *config,
                             const fc_fit_config *fit, size_t steps, fc_decoder **decoder,
                             float **codes)
{
    fc_status status = FC_OK;
    fc_decoder_config wanted = *config;
    double *z = NULL;
    FC_TRY(fc__series_codes(context, training, validation, &wanted, fit, &wanted.codes, &z));
    FC_TRY(fc_decoder_create(context, &training->dataset->domain, &wanted, decoder));
    size_t size = fc__product(training->count, wanted.codes);
    FC_NEW(context, codes, size);
    for (size_t i = 0; i < size; i++)
        (*codes)[i] = (float)z[i];
    FC_TRY(fc__gradient_fit(context, *decoder, training, fit, FC__CODES_FIXED, steps, *codes));
done:
    free(z);
    return status;
}

/* A multiplicative decoder starts as the affine one that it contains, with B = 0 and g = 1. */
static fc_status start_multiplicative(fc_context *context, const fc__frames *training,
                                      const fc__frames *validation, const fc_decoder_config *config,
                                      const fc_fit_config *fit, size_t steps, fc_decoder **decoder,
                                      float **codes)
{
    fc_status status = FC_OK;
    fc_decoder_config wanted = *config;
    fc_fit_config half = *fit;
    fc_decoder *affine = NULL;
    fc_prior *prior = NULL;
    double *z = NULL;
    wanted.family = FC_DECODER_FOURIER;
    half.steps = steps;
    FC_TRY(fc__fit_network(context, training, validation, &wanted, &half, &affine, &prior));
    wanted = affine->config;
    wanted.family = FC_DECODER_MULTIPLICATIVE;
    FC_TRY(fc_decoder_create(context, &training->dataset->domain, &wanted, decoder));
    fc_decoder_layout at = fc_decoder_layout_of(&wanted, affine->inputs);
    memcpy((*decoder)->parameters, affine->parameters, at.gate * sizeof(float));
    memset((*decoder)->parameters + at.gate, 0, (at.gain - at.gate) * sizeof(float));
    size_t size = fc__product(training->count, wanted.codes);
    FC_NEW(context, codes, size);
    FC_NEW(context, &z, size);
    FC_TRY(fc__solve_freely(context, affine, training, z));
    for (size_t i = 0; i < size; i++)
        (*codes)[i] = (float)z[i];
done:
    fc_decoder_destroy(affine);
    fc_prior_destroy(prior);
    free(z);
    return status;
}

fc_status fc__fit_bent(fc_context *context, const fc__frames *training,
                       const fc__frames *validation, const fc_decoder_config *config,
                       const fc_fit_config *fit, fc_decoder **decoder, fc_prior **prior)
{
    fc_status status = FC_OK;
    fc_decoder_config wanted = settle(config);
    double *z = NULL;
    float *codes = NULL;
    bool siren = wanted.family == FC_DECODER_SIREN, adam = fit->method == FC_FIT_AUTO_DECODING;
    size_t first = siren ? fit->steps / 4 : fit->steps / 2;
    FC_TRY((siren ? start_siren : start_multiplicative)(context, training, validation, &wanted, fit,
                                                        first, decoder, &codes));
    FC_TRY(fc__gradient_fit(context, *decoder, training, fit,
                            adam ? FC__CODES_ADAM : FC__CODES_SOLVED, fit->steps - first, codes));
    size_t size = fc__product(training->count, (*decoder)->config.codes);
    FC_NEW(context, &z, size);
    for (size_t i = 0; i < size; i++)
        z[i] = (double)codes[i];
    FC_TRY(solve_codes(context, *decoder, training, z));
    FC_TRY(choose_starts(context, *decoder, training->count, z));
    FC_TRY(fc__pod_gauge(context, *decoder, training, z, prior));
done:
    free(z);
    free(codes);
    return status;
}
