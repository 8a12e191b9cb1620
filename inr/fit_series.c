/* Fourier series of frames that share points: regularised least squares on the features, then
 * proper orthogonal decomposition (POD) of the coefficients in the metric of the observed points.
 */
#include "inr/displacement.h"
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void fc__series_clear(fc__series *series)
{
    free(series->mean);
    free(series->modes);
    free(series->variance);
    free(series->validation_mse);
    *series = (fc__series){0};
}

/* Coefficients of a set of frames and what is needed to measure errors with them. */
typedef struct coefficients {
    size_t count;   /* frames */
    size_t size;    /* of one frame: channels * width */
    double *x;      /* (count, size) */
    double *rhs;    /* (count, size) projections of the values on the features */
    double *square; /* (count) sums of squares of the values */
} coefficients;

static fc_status coefficients_create(fc_context *context, size_t count, size_t size,
                                     coefficients *made)
{
    fc_status status = FC_OK;
    made->count = count;
    made->size = size;
    FC_NEW(context, &made->x, fc__product(count, size));
    FC_NEW(context, &made->rhs, fc__product(count, size));
    FC_NEW(context, &made->square, count);
done:
    return status;
}

static void coefficients_clear(coefficients *c)
{
    free(c->x);
    free(c->rhs);
    free(c->square);
}

/* Solves gram x = rhs for all frames of one channel's block, `factor` the Cholesky factor. */
static fc_status solve_block(fc_context *context, const double *factor, size_t width, size_t at,
                             coefficients *c)
{
    fc_status status = FC_OK;
    double *columns = NULL;
    FC_NEW(context, &columns, fc__product(width, c->count));
    for (size_t f = 0; f < c->count; f++)
        for (size_t i = 0; i < width; i++)
            columns[i * c->count + f] = c->rhs[f * c->size + at + i];
    fc__cholesky_solve(width, factor, c->count, columns);
    for (size_t f = 0; f < c->count; f++)
        for (size_t i = 0; i < width; i++)
            c->x[f * c->size + at + i] = columns[i * c->count + f];
done:
    free(columns);
    return status;
}

/* Normal equations of one channel for training and validation frames, and their solution; `gram`
 * (width, width) is formed if it is not given. */
static fc_status fit_channel(fc_context *context, const fc_decoder *decoder,
                             const fc__frames *const sets[2], coefficients c[2], size_t channel,
                             size_t count, const size_t *index, double ridge, bool given,
                             double *gram)
{
    fc_status status = FC_OK;
    size_t width = 2 * decoder->config.filters;
    const fc_dataset *dataset = sets[0]->dataset;
    const fc_points *points = &dataset->points[sets[0]->frame[0]->points];
    double *rhs = NULL, *factor = NULL;
    FC_NEW(context, &factor, fc__product(width, width));
    for (int k = 0; k < 2; k++) {
        if (c[k].count == 0)
            continue;
        FC_NEW(context, &rhs, fc__product(c[k].count, width));
        FC_TRY(fc__normal_equations(context, decoder, points, count, index, sets[k], channel,
                                    given || k ? NULL : gram, rhs, c[k].square));
        for (size_t f = 0; f < c[k].count; f++)
            memcpy(c[k].rhs + f * c[k].size + channel * width, rhs + f * width,
                   width * sizeof *rhs);
        free(rhs);
        rhs = NULL;
    }
    memcpy(factor, gram, width * width * sizeof *gram);
    fc__regularise(width, ridge, factor);
    FC_TRY(fc__cholesky(context, "series coefficients", width, factor));
    for (int k = 0; k < 2; k++)
        if (c[k].count)
            FC_TRY(solve_block(context, factor, width, channel * width, &c[k]));
done:
    free(rhs);
    free(factor);
    return status;
}

/* All channels, with their normal matrices (channels, width, width). One that is observed at the
 * same points as the channel before has the same matrix. */
static fc_status fit_channels(fc_context *context, const fc_decoder *decoder,
                              const fc__frames *const sets[2], coefficients c[2],
                              const size_t *counts, size_t *const *index, double ridge,
                              double *gram)
{
    size_t square = 4 * decoder->config.filters * decoder->config.filters;
    for (size_t ch = 0; ch < sets[0]->dataset->channel_count; ch++, gram += square) {
        bool given = ch > 0 && counts[ch] == counts[ch - 1] &&
                     memcmp(index[ch], index[ch - 1], counts[ch] * sizeof **index) == 0;
        if (given)
            memcpy(gram, gram - square, square * sizeof *gram);
        fc_status status =
            fit_channel(context, decoder, sets, c, ch, counts[ch], index[ch], ridge, given, gram);
        if (status != FC_OK)
            return status;
    }
    return FC_OK;
}

/* Mean squares per value: left by the series, and about the mean field; gram is per value. */
static fc_status measure(fc_context *context, const coefficients *c, size_t blocks,
                         const double *mean, const double *gram, double values, double *residual,
                         double *variance)
{
    fc_status status = FC_OK;
    double *gx = NULL, *gm = NULL;
    FC_NEW(context, &gx, fc__product(c->count, c->size));
    FC_NEW(context, &gm, c->size);
    fc__times_blocks(context, blocks, c->size, gram, c->count, c->x, gx);
    fc__times_blocks(context, blocks, c->size, gram, 1, mean, gm);
    *residual = *variance = 0.0;
    for (size_t f = 0; f < c->count; f++) {
        double left = c->square[f] / values, about = left;
        for (size_t i = 0; i < c->size; i++) {
            double rhs = c->rhs[f * c->size + i] / values, x = c->x[f * c->size + i];
            left += x * gx[f * c->size + i] - 2.0 * x * rhs;
            about += mean[i] * gm[i] - 2.0 * mean[i] * rhs;
        }
        *residual += fmax(left, 0.0) / (double)c->count;
        *variance += about / (double)c->count;
    }
done:
    free(gx);
    free(gm);
    return status;
}

/* Error on validation frames (coefficients centred in place) with 0, 1, ... modes. */
static fc_status validate_modes(fc_context *context, coefficients *c, size_t blocks,
                                const double *gram, double residual, fc__series *series)
{
    fc_status status = FC_OK;
    size_t size = series->size, count = series->count;
    double *weighted = NULL, *codes = NULL, *gx = NULL;
    FC_NEW(context, &series->validation_mse, count + 1);
    FC_NEW(context, &weighted, fc__product(size, count));
    FC_NEW(context, &codes, fc__product(c->count, count));
    FC_NEW(context, &gx, fc__product(c->count, size));
    fc__blocks_times(context, false, blocks, size, gram, count, series->modes, weighted);
    double total = 0.0;
    for (size_t f = 0; f < c->count; f++)
        for (size_t i = 0; i < size; i++)
            c->x[f * size + i] -= series->mean[i];
    fc__dgemm_parallel(context, false, false, c->count, count, size, 1.0, c->x, size, weighted,
                       count, 0.0, codes, count);
    fc__times_blocks(context, blocks, size, gram, c->count, c->x, gx);
    for (size_t i = 0; i < c->count * size; i++)
        total += c->x[i] * gx[i] / (double)c->count;
    series->validation_mse[0] = residual + total;
    for (size_t j = 0; j < count; j++) {
        double energy = 0.0;
        for (size_t f = 0; f < c->count; f++)
            energy += codes[f * count + j] * codes[f * count + j] / (double)c->count;
        total = fmax(total - energy, 0.0);
        series->validation_mse[j + 1] = residual + total;
    }
done:
    free(weighted);
    free(codes);
    free(gx);
    return status;
}

/* The coefficients alone of the frames and their copies. */
static fc_status add_copies(fc_context *context, const fc_decoder *decoder,
                            const fc_fit_config *fit, const coefficients *c, coefficients *all)
{
    fc_status status = FC_OK;
    size_t width = 2 * decoder->config.filters, rows = c->count * c->size / width;
    double offset[FC_MAX_DIMS];
    all->count = c->count * (fit->copies + 1);
    all->size = c->size;
    FC_NEW(context, &all->x, fc__product(all->count, all->size));
    for (size_t copy = 0; copy <= fit->copies; copy++) {
        fc__displacement(&decoder->domain, fit, copy, offset);
        fc__displace_series(decoder, offset, rows, c->x, all->x + copy * rows * width);
    }
done:
    return status;
}

/* The training coefficients, which are centred, and their modes. */
static fc_status decompose(fc_context *context, coefficients *c, size_t blocks, const double *gram,
                           fc__series *series)
{
    fc_status status = FC_OK;
    size_t size = c->size, entries = size / blocks * size;
    double *metric = NULL, *covariance = NULL;
    FC_NEW(context, &metric, entries);
    memcpy(metric, gram, entries * sizeof *gram);
    for (size_t f = 0; f < c->count; f++)
        for (size_t i = 0; i < size; i++)
            c->x[f * size + i] -= series->mean[i];
    if (c->count < size) {
        status =
            fc__series_modes_of_snapshots(context, blocks, size, c->count, c->x, metric, series);
    } else {
        FC_NEW(context, &covariance, fc__product(size, size));
        fc__dgemm_parallel(context, true, false, size, size, c->count, 1.0 / (double)c->count, c->x,
                           size, c->x, size, 0.0, covariance, size);
        status = fc__series_modes(context, blocks, size, covariance, metric, series);
    }
done:
    free(metric);
    free(covariance);
    return status;
}

/* Observed points of every channel when all training frames share them, and whether the validation
 * frames, if any, do so as well. */
static fc_status find_common(fc_context *context, const fc__frames *const sets[2], size_t *counts,
                             size_t **index, bool *shared, bool *validated)
{
    fc_status status = FC_OK;
    *shared = true;
    *validated = sets[1]->count > 0;
    for (size_t f = 0; f < sets[1]->count && *validated; f++)
        *validated = fc__same_observed(sets[0]->dataset, sets[0]->frame[0], sets[1]->frame[f]);
    for (size_t c = 0; c < sets[0]->dataset->channel_count && *shared; c++) {
        FC_TRY(fc__frames_common_points(context, sets[0], c, &counts[c], &index[c]));
        *shared = index[c] != NULL;
    }
done:
    return status;
}

fc_status fc__series_fit(fc_context *context, const fc_decoder *decoder, const fc__frames *training,
                         const fc__frames *validation, double ridge, const fc_fit_config *fit,
                         fc__series *series)
{
    fc_status status = FC_OK;
    size_t channels = training->dataset->channel_count, width = 2 * decoder->config.filters;
    size_t size = channels * width, *counts = NULL, **index = NULL;
    const fc__frames *const sets[2] = {training, validation};
    coefficients c[2] = {{0}, {0}}, all = {0};
    double *gram = NULL, values = 0.0, variance, residual;
    bool shared, validated;
    *series = (fc__series){.validation_variance = NAN};
    FC_NEW(context, &counts, channels);
    FC_NEW(context, &index, channels);
    FC_TRY(find_common(context, sets, counts, index, &shared, &validated));
    if (!shared) {
        status = fit->copies ? fc__fail(context, FC_ERROR_USAGE,
                                        "fit.copies needs training frames that share their points")
                             : fc__series_fit_scattered(context, decoder, training,
                                                        fit->em_iterations, series);
        goto done;
    }
    FC_NEW(context, &gram, fc__product(size, width));
    FC_TRY(coefficients_create(context, training->count, size, &c[0]));
    FC_TRY(coefficients_create(context, validated ? validation->count : 0, size, &c[1]));
    FC_TRY(fit_channels(context, decoder, sets, c, counts, index, ridge, gram));
    for (size_t ch = 0; ch < channels; ch++)
        values += (double)counts[ch];
    for (size_t i = 0; i < size * width; i++)
        gram[i] /= values;
    FC_TRY(add_copies(context, decoder, fit, &c[0], &all));
    FC_NEW(context, &series->mean, size);
    for (size_t f = 0; f < all.count; f++)
        for (size_t i = 0; i < size; i++)
            series->mean[i] += all.x[f * size + i] / (double)all.count;
    FC_TRY(measure(context, &c[0], channels, series->mean, gram, values, &series->residual,
                   &variance));
    FC_TRY(decompose(context, &all, channels, gram, series));
    if (validated) {
        FC_TRY(measure(context, &c[1], channels, series->mean, gram, values, &residual,
                       &series->validation_variance));
        FC_TRY(validate_modes(context, &c[1], channels, gram, residual, series));
    }
done:
    for (size_t ch = 0; index && ch < channels; ch++)
        free(index[ch]);
    free(index);
    free(counts);
    free(gram);
    coefficients_clear(&c[0]);
    coefficients_clear(&c[1]);
    coefficients_clear(&all);
    if (status != FC_OK)
        fc__series_clear(series);
    return status;
}
