/* Decoder fitting: chooses filters and the number of codes, fits, and fixes the gauge of the codes.
 */
#include "inr/fit.h"
#include "inr/displacement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fc_fit_config fc_fit_config_default(void)
{
    return (fc_fit_config){
        .method = FC_FIT_AUTO,
        .max_codes = 256,
        .max_filters = 4096,
        .tolerance = 3e-6,
        .steps = 3000,
        .batch_frames = 16,
        .batch_points = 512,
        .code_rate = 1e-3,
        .em_iterations = 5,
    };
}

/* The smallest number of modes that leaves the tolerated share of the validation variance; without
 * a validation curve, of the model's own. */
static size_t choose_codes(const fc_fit_config *fit, const fc__series *series, size_t frames)
{
    size_t most = frames / 3 < fit->max_codes ? frames / 3 : fit->max_codes;
    most = most < 1 ? 1 : most;
    most = most < series->count ? most : series->count;
    if (fit->codes)
        return fit->codes < series->count ? fit->codes : series->count;
    double total = 0.0, tail;
    for (size_t j = 0; j < series->count; j++)
        total += series->variance[j];
    tail = total;
    for (size_t c = 1; c < most; c++) {
        tail -= series->variance[c - 1];
        bool enough =
            series->validation_mse
                ? series->validation_mse[c] <= fit->tolerance * series->validation_variance
                : tail <= fit->tolerance * total + 0.1 * series->residual;
        if (enough)
            return c;
    }
    return most;
}

/* A decoder with layers = 0 whose basis spans the first modes, at one common scale for all. */
static fc_status install_series(fc_context *context, const fc_dataset *dataset,
                                const fc_decoder_config *config, const fc__series *series,
                                size_t codes, fc_decoder **decoder, fc_prior **prior)
{
    fc_status status = FC_OK;
    fc_decoder_config wanted = *config;
    size_t width = 2 * config->filters;
    double scale = 0.0, *mean = NULL, *covariance = NULL;
    wanted.codes = codes;
    FC_TRY(fc_decoder_create(context, &dataset->domain, &wanted, decoder));
    fc_decoder_layout at = fc_decoder_layout_of(&wanted, (*decoder)->inputs);
    float *p = (*decoder)->parameters;
    for (size_t j = 0; j < codes; j++)
        scale += series->variance[j] / (double)codes;
    scale = sqrt(scale);
    for (size_t i = 0; i < wanted.channels * width; i++) {
        p[at.head + i] = 1.0f;
        p[at.b + i] = (float)series->mean[i];
        for (size_t j = 0; j < codes; j++)
            p[at.a + i * codes + j] = (float)(scale * series->modes[i * series->count + j]);
    }
    for (size_t ch = 0; ch < wanted.channels; ch++)
        p[at.bias + ch] = 0.0f;
    FC_NEW(context, &mean, codes);
    FC_NEW(context, &covariance, fc__product(codes, codes));
    for (size_t j = 0; j < codes; j++)
        covariance[j * codes + j] = series->variance[j] / (scale * scale);
    FC_TRY(fc_prior_create(context, codes, mean, covariance, prior));
done:
    free(mean);
    free(covariance);
    return status;
}

/* What the codes leave of the variance, which is returned in *total: of validation frames, or of
 * the model's own. */
static double unresolved(const fc__series *series, size_t codes, double *total)
{
    double tail = series->residual;
    if (series->validation_mse) {
        *total = series->validation_variance;
        return series->validation_mse[codes];
    }
    *total = series->residual;
    for (size_t j = 0; j < series->count; j++) {
        *total += series->variance[j];
        tail += j < codes ? 0.0 : series->variance[j];
    }
    return tail;
}

static fc_status fit_series(fc_context *context, const fc__frames *training,
                            const fc__frames *validation, const fc_decoder_config *config,
                            const fc_fit_config *fit, fc_decoder **decoder, fc_prior **prior,
                            double *chosen_ridge)
{
    fc_status status = FC_OK;
    fc__series series = {0};
    fc_decoder *filters = NULL;
    fc_decoder_config wanted = *config;
    double ridge = fit->ridge;
    wanted.codes = 1;
    wanted.layers = 0;
    FC_TRY(fc__choose_filters(context, training, fit, &wanted, &ridge));
    *chosen_ridge = ridge;
    FC_TRY(fc_decoder_create(context, &training->dataset->domain, &wanted, &filters));
    FC_TRY(fc__series_fit(context, filters, training, validation, ridge, fit, &series));
    if (series.count == 0) {
        status = fc__fail(context, FC_ERROR_DATA,
                          "the training frames are all alike: there is nothing to learn");
        goto done;
    }
    size_t codes = choose_codes(fit, &series, training->count * (fit->copies + 1));
    double total, left = unresolved(&series, codes, &total), tolerated = fit->tolerance * total;
    if (fit->complete && fit->codes == 0 && left > tolerated) {
        FC_TRY(fc__install_whole(context, training->dataset, &wanted, &series, training->count,
                                 decoder, prior));
        goto done;
    }
    FC_TRY(install_series(context, training->dataset, &wanted, &series, codes, decoder, prior));
    if (wanted.filter == FC_FILTER_HARMONIC)
        FC_TRY(fc__prune_harmonics(context, *decoder, *prior, 0.01 * fmax(left, tolerated)));
done:
    fc__series_clear(&series);
    fc_decoder_destroy(filters);
    return status;
}

/* Mean of Phi^T Phi over observed values at some points, spread over those of some frames, whose
 * codes (frames, C) say where the tangent is meant. */
static fc_status basis_metric(fc_context *context, const fc_decoder *decoder,
                              const fc__frames *frames, const double *z, double *metric)
{
    enum { SOME_FRAMES = 64, SOME_POINTS = 4096 };
    fc_status status = FC_OK;
    size_t codes = decoder->config.codes, channels = frames->dataset->channel_count, values = 0;
    size_t number = frames->count < SOME_FRAMES ? frames->count : SOME_FRAMES;
    size_t dims = decoder->domain.dims, most = fc__product(SOME_POINTS, channels);
    bool affine = fc_decoder_is_affine(&decoder->config);
    float *phi0 = NULL, *phi = NULL, *code = NULL;
    double *x = NULL, *rows = NULL;
    FC_NEW(context, &code, codes);
    FC_NEW(context, &x, SOME_POINTS * dims);
    FC_NEW(context, &phi0, most);
    FC_NEW(context, &phi, fc__product(most, codes));
    FC_NEW(context, &rows, fc__product(most, codes));
    for (size_t k = 0; k < number; k++) {
        size_t f = k * frames->count / number;
        const fc_frame *frame = frames->frame[f];
        const fc_points *points = &frames->dataset->points[frame->points];
        size_t count = points->count < SOME_POINTS ? points->count : SOME_POINTS, seen = 0;
        if (affine && k && frame->points == frames->frame[0]->points)
            break;
        for (size_t i = 0; i < codes; i++)
            code[i] = (float)z[f * codes + i];
        for (size_t p = 0; p < count; p++)
            memcpy(x + p * dims, points->coordinates + p * points->count / count * dims,
                   dims * sizeof *x);
        FC_TRY(fc_decoder_tangent(context, decoder, count, x, code, phi0, phi));
        for (size_t r = 0; r < count * channels; r++) {
            size_t p = r / channels * points->count / count;
            if (isnan(frame->values[p * channels + r % channels]))
                continue;
            for (size_t i = 0; i < codes; i++)
                rows[seen * codes + i] = (double)phi[r * codes + i];
            seen++;
        }
        fc__dsyrk(codes, seen, 1.0, rows, 1.0, metric);
        values += seen;
    }
    for (size_t i = 0; i < codes * codes; i++)
        metric[i] /= (double)values;
done:
    free(code);
    free(phi0);
    free(phi);
    free(x);
    free(rows);
    return status;
}

fc_status fc__pod_gauge(fc_context *context, fc_decoder *decoder, const fc__frames *frames,
                        const double *codes, fc_prior **prior)
{
    fc_status status = FC_OK;
    size_t c = decoder->config.codes;
    fc__series modes = {0};
    fc_prior *raw = NULL;
    double *metric = NULL, *transform = NULL, *mean = NULL, *covariance = NULL, scale = 0.0;
    FC_TRY(fc_prior_fit(context, c, frames->count, codes, 0.0, &raw));
    FC_NEW(context, &metric, fc__product(c, c));
    FC_TRY(basis_metric(context, decoder, frames, codes, metric));
    FC_TRY(fc__series_modes(context, 1, c, raw->covariance, metric, &modes));
    FC_NEW(context, &transform, fc__product(c, modes.count));
    FC_NEW(context, &mean, modes.count);
    FC_NEW(context, &covariance, fc__product(modes.count, modes.count));
    for (size_t j = 0; j < modes.count; j++)
        scale += modes.variance[j] / (double)modes.count;
    scale = sqrt(scale);
    for (size_t i = 0; i < c * modes.count; i++)
        transform[i] = scale * modes.modes[i];
    for (size_t j = 0; j < modes.count; j++)
        covariance[j * modes.count + j] = modes.variance[j] / (scale * scale);
    FC_TRY(fc_decoder_change_codes(context, decoder, modes.count, transform, raw->mean));
    FC_TRY(fc_prior_create(context, modes.count, mean, covariance, prior));
done:
    fc__series_clear(&modes);
    fc_prior_destroy(raw);
    free(metric);
    free(transform);
    free(mean);
    free(covariance);
    return status;
}

fc_status fc__solve_freely(fc_context *context, const fc_decoder *decoder, const fc__frames *frames,
                           double *codes)
{
    fc_status status = FC_OK;
    size_t c = decoder->config.codes;
    double *mean = NULL, *covariance = NULL, *noise = NULL;
    fc_prior *wide = NULL;
    FC_NEW(context, &mean, c);
    FC_NEW(context, &covariance, fc__product(c, c));
    FC_NEW(context, &noise, frames->dataset->channel_count);
    for (size_t i = 0; i < c; i++)
        covariance[i * c + i] = 1e2;
    for (size_t i = 0; i < frames->dataset->channel_count; i++)
        noise[i] = 1e-4;
    FC_TRY(fc_prior_create(context, c, mean, covariance, &wide));
    FC_TRY(fc__encode_frames(context, decoder, wide, noise, frames, codes, NULL, NULL));
done:
    fc_prior_destroy(wide);
    free(mean);
    free(covariance);
    free(noise);
    return status;
}

fc_status fc__series_codes(fc_context *context, const fc__frames *training,
                           const fc__frames *validation, const fc_decoder_config *config,
                           const fc_fit_config *fit, size_t *codes, double **z)
{
    fc_status status = FC_OK;
    fc_decoder *series = NULL;
    fc_prior *prior = NULL;
    fc_decoder_config plain = *config;
    plain.family = FC_DECODER_FOURIER;
    plain.filters = 0;
    plain.filter = FC_FILTER_AUTO;
    plain.bandwidth = 0.0;
    double ridge;
    FC_TRY(fit_series(context, training, validation, &plain, fit, &series, &prior, &ridge));
    *codes = series->config.codes;
    FC_NEW(context, z, fc__product(training->count, *codes));
    FC_TRY(fc__solve_freely(context, series, training, *z));
done:
    fc_decoder_destroy(series);
    fc_prior_destroy(prior);
    return status;
}

fc_status fc__fit_network(fc_context *context, const fc__frames *training,
                          const fc__frames *validation, const fc_decoder_config *config,
                          const fc_fit_config *fit, fc_decoder **decoder, fc_prior **prior)
{
    fc_status status = FC_OK;
    fc_decoder_config wanted = *config;
    double *z = NULL, ridge = fit->ridge;
    float *codes = NULL;
    bool shared = fc_dataset_shares_points(training->dataset);
    wanted.codes = fit->codes ? fit->codes : 100;
    if (fit->method != FC_FIT_AUTO_DECODING && shared)
        FC_TRY(fc__series_codes(context, training, validation, config, fit, &wanted.codes, &z));
    wanted.filters = wanted.filters ? wanted.filters : 32;
    FC_TRY(fc__choose_filters(context, training, fit, &wanted, &ridge));
    FC_TRY(fc_decoder_create(context, &training->dataset->domain, &wanted, decoder));
    FC_NEW(context, &codes, fc__product(training->count, wanted.codes));
    for (size_t i = 0; z && i < training->count * wanted.codes; i++)
        codes[i] = (float)z[i];
    if (fit->method == FC_FIT_AUTO_DECODING) {
        FC_TRY(
            fc__gradient_fit(context, *decoder, training, fit, FC__CODES_ADAM, fit->steps, codes));
    } else {
        size_t regression = z ? fit->steps * 3 / 4 : 0;
        FC_TRY(
            fc__gradient_fit(context, *decoder, training, fit, FC__CODES_FIXED, regression, codes));
        FC_TRY(fc__gradient_fit(context, *decoder, training, fit, FC__CODES_SOLVED,
                                fit->steps - regression, codes));
    }
    free(z);
    z = NULL;
    FC_NEW(context, &z, fc__product(training->count, wanted.codes));
    FC_TRY(fc__solve_freely(context, *decoder, training, z));
    FC_TRY(fc__pod_gauge(context, *decoder, training, z, prior));
done:
    free(z);
    free(codes);
    return status;
}

/* Whether all frames are the same, so that there is nothing to learn from them. */
static bool are_alike(const fc__frames *frames)
{
    const fc_frame *first = frames->frame[0];
    size_t values = frames->dataset->points[first->points].count * frames->dataset->channel_count;
    for (size_t f = 1; f < frames->count; f++)
        if (frames->frame[f]->points != first->points ||
            memcmp(frames->frame[f]->values, first->values, values * sizeof *first->values) != 0)
            return false;
    return true;
}

/* Mean square of the observed values about the mean field, which is that of code 0. */
static fc_status variance_about_mean(fc_context *context, const fc_decoder *decoder,
                                     const fc__frames *frames, double *variance)
{
    fc_status status = FC_OK;
    size_t channels = decoder->config.channels, number = 0;
    float *zero = NULL, *mean = NULL;
    FC_NEW(context, &zero, decoder->config.codes);
    FC_NEW(context, &mean, fc__product(fc_dataset_max_points(frames->dataset), channels));
    *variance = 0.0;
    for (size_t f = 0; f < frames->count; f++) {
        const fc_frame *frame = frames->frame[f];
        const fc_points *points = &frames->dataset->points[frame->points];
        if (f == 0 || frame->points != frames->frame[f - 1]->points)
            FC_TRY(fc_decoder_values(context, decoder, points->count, points->coordinates, 1, zero,
                                     mean));
        for (size_t i = 0; i < points->count * channels; i++) {
            double departure = (double)(frame->values[i] - mean[i]);
            if (isnan(departure))
                continue;
            *variance += departure * departure;
            number++;
        }
    }
    *variance /= (double)number;
done:
    free(zero);
    free(mean);
    return status;
}

/* Errors with codes from everything observed, and the noise that they leave of the values, whose
 * degrees of freedom the codes take up in part (MacKay 1992): noise = sum r^2 / sum (1 - leverage),
 * from a first guess.
 * On validation frames where there are any, as few training frames flatter their own modes. */
static fc_status assess(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                        const fc__frames *training, const fc__frames *validation, double *noise,
                        fc_fit_report *report)
{
    fc_status status = FC_OK;
    size_t channels = decoder->config.channels, codes = decoder->config.codes;
    double *z = NULL, *square = NULL, *leverage = NULL, variance;
    FC_NEW(context, &z, fc__product(training->count + validation->count, codes));
    FC_NEW(context, &square, channels);
    FC_NEW(context, &leverage, channels);
    report->training_mse = 0.0;
    report->validation_mse = report->unresolved = validation->count ? 0.0 : NAN;
    for (int round = 0; round < 3; round++) { /* each with the noise of the last */
        FC_TRY(fc__encode_frames(context, decoder, prior, noise, training, z, square, leverage));
        for (size_t ch = 0; ch < channels; ch++)
            noise[ch] = fmax(square[ch] / fmax(1.0 - leverage[ch], 1e-3), 1e-12);
    }
    for (size_t ch = 0; ch < channels; ch++)
        report->training_mse += square[ch] / (double)channels;
    if (validation->count) {
        FC_TRY(fc__encode_frames(context, decoder, prior, noise, validation, z, square, leverage));
        for (size_t ch = 0; ch < channels; ch++) {
            report->validation_mse += square[ch] / (double)channels;
            noise[ch] = fmax(square[ch] / fmax(1.0 - leverage[ch], 1e-3), 1e-12);
        }
        FC_TRY(variance_about_mean(context, decoder, validation, &variance));
        report->unresolved = report->validation_mse / variance;
    }
done:
    free(z);
    free(square);
    free(leverage);
    return status;
}

/* Keeps at most so many frames, spread over all of them. */
static void thin_out(fc__frames *frames, size_t most)
{
    size_t count = frames->count < most ? frames->count : most;
    for (size_t k = 0; k < count; k++)
        frames->frame[k] = frames->frame[k * frames->count / count];
    frames->count = count;
}

fc_status fc_decoder_fit(fc_context *context, const fc_dataset *dataset, size_t train_frames,
                         const bool *validation, const fc_decoder_config *decoder_config,
                         const fc_fit_config *fit, fc_decoder **decoder, fc_prior **prior,
                         double *noise, fc_fit_report *report)
{
    fc_status status = FC_OK;
    double start = fc__seconds();
    fc__frames training = {0}, held = {0};
    enum { SOME_FRAMES = 64 };
    fc_decoder_config config = *decoder_config;
    fc_fit_report result = {0};
    *decoder = NULL;
    *prior = NULL;
    config.channels = dataset->channel_count;
    for (size_t ch = 0; ch < config.channels; ch++)
        noise[ch] = 1e-4;
    FC_TRY(fc__check_displacement(context, &config, fit, &dataset->domain));
    FC_TRY(fc__frames_select(context, dataset, train_frames, validation, false, &training));
    FC_TRY(fc__frames_select(context, dataset, train_frames, validation, true, &held));
    if (training.count < 2) {
        status = fc__fail(context, FC_ERROR_DATA,
                          "%zu training frame%s; at least 2 are needed to learn from",
                          training.count, training.count == 1 ? "" : "s");
        goto done;
    }
    if (are_alike(&training)) {
        status = fc__fail(context, FC_ERROR_DATA,
                          "the %zu training frames are all alike: there is nothing to learn",
                          training.count);
        goto done;
    }
    if (!fc_decoder_is_affine(&config))
        FC_TRY(fc__fit_bent(context, &training, &held, &config, fit, decoder, prior));
    else if (config.layers == 0 && fit->complete && fit->codes == 0 && fit->copies == 0 &&
             fc__suits_stationary(&training))
        FC_TRY(fc__fit_stationary(context, &training, &config, fit, decoder, prior, noise));
    else if (config.layers == 0 && fit->method != FC_FIT_AUTO_DECODING)
        FC_TRY(fit_series(context, &training, &held, &config, fit, decoder, prior, &result.ridge));
    else
        FC_TRY(fc__fit_network(context, &training, &held, &config, fit, decoder, prior));
    /* Each frame takes its own steps where the decoder bends: some of them tell enough. */
    if (!fc_decoder_is_affine(&config))
        thin_out(&training, SOME_FRAMES);
    FC_TRY(assess(context, *decoder, *prior, &training, &held, noise, &result));
    result.codes = (*decoder)->config.codes;
    result.seconds = fc__seconds() - start;
    if (report)
        *report = result;
done:
    fc__frames_clear(&training);
    fc__frames_clear(&held);
    if (status != FC_OK) {
        fc_decoder_destroy(*decoder);
        fc_prior_destroy(*prior);
        *decoder = NULL;
        *prior = NULL;
    }
    return status;
}
