#include "ode/record.h"
#include "inr/fit.h"
#include "ode/neighbours.h"
#include "ode/residual.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fc_status fc__record_create(fc_context *context, const fc_dataset *dataset, fc__record *record)
{
    fc_status status = FC_OK;
    size_t at = 0;
    *record = (fc__record){.dataset = dataset, .shared = fc_dataset_shares_points(dataset)};
    for (size_t s = 0; s < dataset->sequence_count; s++)
        record->count += dataset->sequences[s].frame_count;
    record->climate = record->shared && record->count >= FC__MANY_FRAMES;
    FC_NEW(context, &record->frames, record->count);
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
            record->frames[at++] = dataset->sequences[s].frames[f];
done:
    return status;
}

void fc__record_clear(fc__record *record)
{
    free(record->frames);
    *record = (fc__record){0};
}

/* ---------------------------------------------------------------- samples */

/* Marks `count` of `all` points: of some the nearest neighbours as well, without which the spatial
 * correlation at short distances would stay unseen. */
static fc_status choose_points(fc_context *context, const fc_domain *domain, size_t all,
                               const double *x, size_t count, fc__rng *rng, bool *chosen)
{
    enum { NEAREST = 8, SHARE = 16 };
    fc_status status = FC_OK;
    size_t size = fc__metric_size(domain), made = 0, *order = NULL, index[NEAREST + 1];
    double *place = NULL, square[NEAREST + 1];
    fc__neighbours tree = {0};
    FC_NEW(context, &order, all);
    FC_NEW(context, &place, fc__product(all, size));
    fc__metric_places(domain, all, x, place);
    FC_TRY(fc__neighbours_create(context, all, size, place, &tree));
    fc__rng_choose(rng, all, count, order);
    for (size_t k = 0; k < count / SHARE; k++) {
        size_t found =
            fc__neighbours_find(&tree, place + order[k] * size, NEAREST + 1, index, square);
        for (size_t j = 0; j < found && made < count; j++) {
            made += !chosen[index[j]];
            chosen[index[j]] = true;
        }
    }
    for (size_t k = 0; k < count && made < count; k++) {
        made += !chosen[order[k]];
        chosen[order[k]] = true;
    }
done:
    fc__neighbours_clear(&tree);
    free(order);
    free(place);
    return status;
}

fc_status fc__sample_create(fc_context *context, const fc_decoder *decoder, const fc_points *points,
                            size_t begin, size_t end, size_t most, uint64_t seed,
                            fc__sample *sample)
{
    fc_status status = FC_OK;
    size_t all = end - begin, count = all < most ? all : most, dims = decoder->domain.dims;
    size_t channels = decoder->config.channels, k = 0;
    const double *x = points->coordinates + begin * dims;
    bool *chosen = NULL;
    fc__rng rng = fc__rng_create(seed, 7300);
    *sample = (fc__sample){.count = count};
    FC_NEW(context, &chosen, all);
    FC_NEW(context, &sample->index, count);
    FC_NEW(context, &sample->x, fc__product(count, dims));
    FC_NEW(context, &sample->phi0, fc__product(count, channels));
    FC_NEW(context, &sample->phi, fc__product(count, fc__product(channels, decoder->config.codes)));
    if (count < all)
        FC_TRY(choose_points(context, &decoder->domain, all, x, count, &rng, chosen));
    for (size_t p = 0; p < all; p++) {
        if (count < all && !chosen[p])
            continue;
        sample->index[k] = begin + p;
        memcpy(sample->x + k++ * dims, x + p * dims, dims * sizeof *sample->x);
    }
    FC_TRY(fc_decoder_basis(context, decoder, count, sample->x, sample->phi0, sample->phi));
done:
    free(chosen);
    if (status != FC_OK)
        fc__sample_clear(sample);
    return status;
}

void fc__sample_clear(fc__sample *sample)
{
    free(sample->index);
    free(sample->x);
    free(sample->phi0);
    free(sample->phi);
    *sample = (fc__sample){0};
}

void fc__sample_residual(const fc_decoder *decoder, const fc__sample *sample, const fc_frame *frame,
                         const double *z, float *residual)
{
    size_t channels = decoder->config.channels, codes = decoder->config.codes;
    for (size_t r = 0; r < sample->count * channels; r++) {
        double u = (double)sample->phi0[r];
        for (size_t i = 0; i < codes; i++)
            u += (double)sample->phi[r * codes + i] * z[i];
        residual[r] =
            (float)((double)frame->values[sample->index[r / channels] * channels + r % channels] -
                    u);
    }
}

/* ---------------------------------------------------------------- climatology of residuals */

enum { MOST_COLUMNS = 1 + 2 * FC__MAX_HARMONICS };

/* Least squares of one value's series on the first columns: x = (G + ridge)^-1 b. */
static bool solve_series(size_t columns, size_t side, const double *gram, const double *rhs,
                         float *x)
{
    double matrix[MOST_COLUMNS * MOST_COLUMNS], right[MOST_COLUMNS];
    for (size_t i = 0; i < columns; i++) {
        right[i] = rhs[i];
        for (size_t j = 0; j < columns; j++)
            matrix[i * columns + j] = gram[i * side + j];
        matrix[i * (columns + 1)] += i ? 1e-3 * gram[0] : 0.0;
    }
    if (fc__cholesky(NULL, "", columns, matrix) != FC_OK)
        return false;
    fc__cholesky_solve(columns, matrix, 1, right);
    for (size_t i = 0; i < columns; i++)
        x[i] = (float)right[i];
    return true;
}

/* A value seen too rarely for its cycle has a mean, one seen hardly ever nothing. */
static void solve_value(size_t columns, const double *gram, const double *rhs, float *x)
{
    double number = gram[0];
    for (size_t i = 0; i < columns; i++)
        x[i] = 0.0f;
    if (number < 2.0)
        x[0] = NAN;
    else if (columns == 1 || number < 2.0 * (double)columns ||
             !solve_series(columns, columns, gram, rhs, x))
        x[0] = (float)(rhs[0] / number);
}

fc_status fc__climate_fit(fc_context *context, const fc_model *model, const fc__record *record,
                          const fc__sample *sample, const double *codes, size_t begin, size_t end,
                          float *climate)
{
    fc_status status = FC_OK;
    size_t columns = 1 + 2 * model->cycle.harmonics, size = columns * (columns + 1);
    size_t values = sample->count * model->channel_count, c = model->decoder->config.codes;
    double *sums = NULL, row[MOST_COLUMNS] = {1.0};
    float *residual = NULL;
    FC_NEW(context, &sums, fc__product(values, size)); /* gram and right side of each value */
    FC_NEW(context, &residual, values);
    for (size_t f = 0; f < record->count; f++) {
        if (f >= begin && f < end)
            continue;
        const fc_frame *frame = &record->frames[f];
        fc__harmonics_at(model->cycle.period, model->cycle.harmonics, model->time_origin,
                         frame->time, row + 1);
        fc__sample_residual(model->decoder, sample, frame, codes + f * c, residual);
        for (size_t v = 0; v < values; v++) {
            double *gram = sums + v * size, *rhs = gram + columns * columns;
            if (isnan(residual[v]))
                continue;
            for (size_t i = 0; i < columns; i++) {
                for (size_t j = 0; j < columns; j++)
                    gram[i * columns + j] += row[i] * row[j];
                rhs[i] += row[i] * (double)residual[v];
            }
        }
    }
    for (size_t v = 0; v < values; v++)
        solve_value(columns, sums + v * size, sums + v * size + columns * columns,
                    climate + v * columns);
done:
    free(sums);
    free(residual);
    return status;
}

/* ---------------------------------------------------------------- folds */

/* Whether a frame lies outside the block and its margins. */
static bool is_other(const fc__fold *fold, size_t f)
{
    return f + fold->margin < fold->begin || f >= fold->end + fold->margin;
}

static fc_status copy_decoder(fc_context *context, const fc_decoder *decoder, fc_decoder **copy)
{
    fc_status status = fc_decoder_create(context, &decoder->domain, &decoder->config, copy);
    if (status == FC_OK)
        memcpy((*copy)->parameters, decoder->parameters,
               decoder->parameter_count * sizeof *decoder->parameters);
    return status;
}

static fc_status all_frames(fc_context *context, const fc__record *record, fc__frames *frames)
{
    fc_status status = FC_OK;
    *frames = (fc__frames){.dataset = record->dataset, .count = record->count};
    FC_NEW(context, &frames->frame, record->count);
    for (size_t f = 0; f < record->count; f++)
        frames->frame[f] = &record->frames[f];
done:
    return status;
}

fc_status fc__rich_decoder_create(fc_context *context, const fc_model *model,
                                  const fc__record *record, const fc_fit_config *fit,
                                  fc__rich_decoder *rich)
{
    fc_status status = FC_OK;
    fc_fit_config config = *fit;
    fc_fit_report report;
    fc_prior *prior = NULL;
    double *noise = NULL;
    fc__frames frames = {0};
    *rich = (fc__rich_decoder){0};
    config.codes = record->count - 1 < fit->max_codes ? record->count - 1 : fit->max_codes;
    config.codes =
        config.codes < model->decoder->config.codes ? model->decoder->config.codes : config.codes;
    FC_NEW(context, &noise, model->channel_count);
    FC_TRY(fc_decoder_fit(context, record->dataset, 0, NULL, &model->decoder->config, &config,
                          &rich->decoder, &prior, noise, &report));
    while (rich->modes < rich->decoder->config.codes &&
           prior->covariance[rich->modes * (prior->codes + 1)] > 1e-6 * prior->covariance[0])
        rich->modes++;
    FC_TRY(all_frames(context, record, &frames));
    FC_NEW(context, &rich->codes, fc__product(record->count, rich->decoder->config.codes));
    FC_TRY(
        fc__encode_frames(context, rich->decoder, prior, noise, &frames, rich->codes, NULL, NULL));
done:
    fc__frames_clear(&frames);
    fc_prior_destroy(prior);
    free(noise);
    if (status != FC_OK)
        fc__rich_decoder_clear(rich);
    return status;
}

void fc__rich_decoder_clear(fc__rich_decoder *rich)
{
    fc_decoder_destroy(rich->decoder);
    free(rich->codes);
    *rich = (fc__rich_decoder){0};
}

/* Mean and covariance of the others' codes. */
static fc_status prior_of_others(fc_context *context, const fc__rich_decoder *rich, size_t frames,
                                 size_t begin, size_t end, size_t margin, fc_prior **prior)
{
    fc_status status = FC_OK;
    size_t codes = rich->decoder->config.codes, count = 0;
    double *others = NULL;
    FC_NEW(context, &others, fc__product(frames, codes));
    for (size_t f = 0; f < frames; f++)
        if (f + margin < begin || f >= end + margin)
            memcpy(others + count++ * codes, rich->codes + f * codes, codes * sizeof *others);
    FC_TRY(fc_prior_fit(context, codes, count, others, 1e-9, prior));
done:
    free(others);
    return status;
}

/* Frames outside the block, and where they are to be fitted to, outside its margins. */
static fc_status select_others(fc_context *context, const fc__record *record, const fc__fold *fold,
                               fc__frames *frames)
{
    fc_status status = FC_OK;
    *frames = (fc__frames){.dataset = record->dataset};
    FC_NEW(context, &frames->frame, record->count);
    for (size_t f = 0; f < record->count; f++)
        if (is_other(fold, f))
            frames->frame[frames->count++] = &record->frames[f];
done:
    return status;
}

/* Principal directions of the codes under one common scale. */
fc_status fc__rich_decoder_reduce(fc_context *context, const fc__rich_decoder *rich, size_t codes,
                                  size_t frames, size_t begin, size_t end, size_t margin,
                                  fc_decoder **decoder, fc_prior **prior)
{
    fc_status status = FC_OK;
    size_t all = rich->decoder->config.codes;
    double *values = NULL, *vectors = NULL, *transform = NULL, *zero = NULL, *variance = NULL;
    double scale = 0.0;
    fc_prior *held_in = NULL;
    FC_TRY(prior_of_others(context, rich, frames, begin, end, margin, &held_in));
    FC_NEW(context, &values, all);
    FC_NEW(context, &vectors, fc__product(all, all));
    FC_NEW(context, &transform, fc__product(all, codes));
    FC_NEW(context, &zero, codes);
    FC_NEW(context, &variance, fc__product(codes, codes));
    FC_TRY(fc__eigen(context, all, held_in->covariance, values, vectors));
    for (size_t j = 0; j < codes; j++)
        scale += fmax(values[j], 0.0) / (double)codes;
    scale = sqrt(fmax(scale, 1e-300));
    for (size_t j = 0; j < codes; j++) {
        variance[j * (codes + 1)] = fmax(values[j] / (scale * scale), 1e-12);
        for (size_t i = 0; i < all; i++)
            transform[i * codes + j] = scale * vectors[i * all + j];
    }
    FC_TRY(copy_decoder(context, rich->decoder, decoder));
    FC_TRY(fc_decoder_change_codes(context, *decoder, codes, transform, held_in->mean));
    FC_TRY(fc_prior_create(context, codes, zero, variance, prior));
done:
    fc_prior_destroy(held_in);
    free(values);
    free(vectors);
    free(transform);
    free(zero);
    free(variance);
    return status;
}

/* The same decoder with a prior of its own. */
static fc_status keep_decoder(fc_context *context, const fc_model *model, fc__fold *fold)
{
    const fc_prior *prior = model->prior;
    fc_status status = copy_decoder(context, model->decoder, &fold->model.decoder);
    return status != FC_OK ? status
                           : fc_prior_create(context, prior->codes, prior->mean, prior->covariance,
                                             &fold->model.prior);
}

/* Points for all sets that a frame uses; their number keeps the bases small. */
static fc_status take_samples(fc_context *context, const fc__record *record, uint64_t seed,
                              fc__fold *fold)
{
    enum { MOST = 4096, LEAST = 16, BASIS = 1 << 24 };
    fc_status status = FC_OK;
    const fc_decoder *decoder = fold->model.decoder;
    size_t sets = record->shared ? 1 : record->dataset->points_count;
    size_t most = BASIS / (sets * decoder->config.channels * decoder->config.codes);
    most = most > MOST ? MOST : most < LEAST ? LEAST : most;
    for (size_t f = 0; f < record->count; f++) {
        size_t set = record->frames[f].points;
        const fc_points *points = &record->dataset->points[set];
        if (!fold->samples[set].index)
            FC_TRY(fc__sample_create(context, decoder, points, 0, points->count, most, seed + set,
                                     &fold->samples[set]));
    }
done:
    return status;
}

/* Residuals of all frames, less their climatology where points are shared. */
static fc_status take_residuals(fc_context *context, const fc__record *record, const double *codes,
                                fc__fold *fold)
{
    fc_status status = FC_OK;
    const fc_model *model = &fold->model;
    size_t c = model->decoder->config.codes, columns = 1 + 2 * model->cycle.harmonics;
    const fc__sample *first = &fold->samples[record->frames[0].points];
    double row[MOST_COLUMNS] = {1.0};
    float *climate = NULL;
    FC_NEW(context, &climate, fc__product(first->count * model->channel_count, columns));
    if (record->climate)
        FC_TRY(fc__climate_fit(context, model, record, first, codes,
                               fold->begin > fold->margin ? fold->begin - fold->margin : 0,
                               fold->end + fold->margin, climate));
    for (size_t f = 0; f < record->count; f++) {
        const fc_frame *frame = &record->frames[f];
        const fc__sample *sample = &fold->samples[frame->points];
        size_t values = fc__product(sample->count, model->channel_count);
        FC_NEW(context, &fold->residual[f], values);
        fc__sample_residual(model->decoder, sample, frame, codes + f * c, fold->residual[f]);
        fc__harmonics_at(model->cycle.period, model->cycle.harmonics, model->time_origin,
                         frame->time, row + 1);
        for (size_t v = 0; record->climate && v < values; v++) {
            const float *x = climate + v * columns;
            for (size_t k = 0; k < columns && !isnan(x[0]); k++)
                fold->residual[f][v] -= (float)(row[k] * (double)x[k]);
        }
    }
done:
    free(climate);
    return status;
}

static fc_status take_departures(fc_context *context, const fc__record *record, const double *codes,
                                 fc__fold *fold)
{
    fc_status status = FC_OK;
    size_t c = fold->model.decoder->config.codes;
    double *cycle = NULL;
    FC_NEW(context, &cycle, c);
    FC_NEW(context, &fold->departure, fc__product(record->count, c));
    for (size_t f = 0; f < record->count; f++) {
        fc__cycle_at(&fold->model, record->frames[f].time, cycle);
        for (size_t i = 0; i < c; i++)
            fold->departure[f * c + i] = codes[f * c + i] - cycle[i] - fold->model.prior->mean[i];
    }
done:
    free(cycle);
    return status;
}

/* The cycle of the frames, encoded under the decoder's own prior. */
static fc_status take_cycle(fc_context *context, size_t harmonics, const fc__frames *frames,
                            fc_model *model)
{
    fc_status status = FC_OK;
    double *codes = NULL, *times = NULL;
    FC_NEW(context, &codes, fc__product(frames->count, model->decoder->config.codes));
    FC_NEW(context, &times, frames->count);
    for (size_t f = 0; f < frames->count; f++)
        times[f] = frames->frame[f]->time;
    FC_TRY(fc__encode_frames(context, model->decoder, model->prior, model->noise, frames, codes,
                             NULL, NULL));
    FC_TRY(fc__cycle_take_out(context, model, harmonics, frames->count, times, codes));
done:
    free(codes);
    free(times);
    return status;
}

/* What the codes leave of the block, whose degrees of freedom they take up in part. */
static fc_status measure_noise(fc_context *context, const fc__record *record, const fc_prior *prior,
                               fc__fold *fold)
{
    fc_status status = FC_OK;
    fc_model *model = &fold->model;
    size_t channels = model->channel_count;
    double *codes = NULL, *square = NULL, *leverage = NULL;
    fc__frames block = {.dataset = record->dataset};
    FC_NEW(context, &block.frame, fold->end - fold->begin);
    FC_NEW(context, &codes, fc__product(fold->end - fold->begin, model->decoder->config.codes));
    FC_NEW(context, &square, channels);
    FC_NEW(context, &leverage, channels);
    for (size_t f = fold->begin; f < fold->end; f++)
        block.frame[block.count++] = &record->frames[f];
    FC_TRY(fc__encode_frames(context, model->decoder, prior, model->noise, &block, codes, square,
                             leverage));
    for (size_t c = 0; c < channels; c++)
        model->noise[c] = fmax(square[c] / fmax(1.0 - leverage[c], 0.05), 1e-8);
done:
    fc__frames_clear(&block);
    free(codes);
    free(square);
    free(leverage);
    return status;
}

fc_status fc__fold_create(fc_context *context, const fc_model *model, const fc__record *record,
                          const fc__rich_decoder *rich, size_t codes, size_t harmonics,
                          uint64_t seed, size_t begin, size_t end, fc__fold *fold)
{
    fc_status status = FC_OK;
    fc__frames others = {0}, all = {0};
    fc_prior *whole = NULL;
    double *z = NULL;
    *fold = (fc__fold){.begin = begin,
                       .end = end,
                       .margin = end > begin && record->count >= FC__MANY_FRAMES ? 1 : 0,
                       .model = {.domain = model->domain,
                                 .time = model->time,
                                 .channel_count = model->channel_count,
                                 .time_origin = model->time_origin,
                                 .time_scale = model->time_scale,
                                 .record = true}};
    FC_NEW(context, &fold->model.noise, model->channel_count);
    FC_NEW(context, &fold->samples, record->dataset->points_count);
    FC_NEW(context, &fold->residual, record->count);
    memcpy(fold->model.noise, model->noise, model->channel_count * sizeof *model->noise);
    FC_TRY(rich ? fc__rich_decoder_reduce(context, rich, codes, record->count, begin, end,
                                          fold->margin, &fold->model.decoder, &fold->model.prior)
                : keep_decoder(context, model, fold));
    FC_TRY(select_others(context, record, fold, &others));
    if (harmonics)
        FC_TRY(take_cycle(context, harmonics, &others, &fold->model));
    FC_TRY(all_frames(context, record, &all));
    FC_NEW(context, &z, fc__product(record->count, fold->model.decoder->config.codes));
    FC_TRY(fc__prior_with_cycle(context, &fold->model, &whole));
    FC_TRY(measure_noise(context, record, whole, fold));
    FC_TRY(fc__encode_frames(context, fold->model.decoder, whole, fold->model.noise, &all, z, NULL,
                             NULL));
    FC_TRY(take_departures(context, record, z, fold));
    FC_TRY(take_samples(context, record, seed, fold));
    FC_TRY(take_residuals(context, record, z, fold));
done:
    fc__frames_clear(&others);
    fc__frames_clear(&all);
    fc_prior_destroy(whole);
    free(z);
    if (status != FC_OK)
        fc__fold_clear(record, fold);
    return status;
}

void fc__fold_clear(const fc__record *record, fc__fold *fold)
{
    fc_decoder_destroy(fold->model.decoder);
    fc_prior_destroy(fold->model.prior);
    free(fold->model.noise);
    free(fold->model.cycle.coefficient);
    free(fold->departure);
    for (size_t p = 0; fold->samples && p < record->dataset->points_count; p++)
        fc__sample_clear(&fold->samples[p]);
    for (size_t f = 0; fold->residual && f < record->count; f++)
        free(fold->residual[f]);
    free(fold->samples);
    free(fold->residual);
    *fold = (fc__fold){0};
}
