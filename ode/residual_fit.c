#include "ode/residual_fit.h"
#include "ode/validation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES = 5 };

/* ---------------------------------------------------------------- tables by lead */

/* Growth of the codes' errors, (a p + b s - t)^2, and what is left of the fields' for the
 * residuals. */
static void tabulate_errors(const fc__validation *v, size_t chosen, size_t lead, fc_model *model)
{
    fc_residual *r = &model->residual;
    size_t entry = lead + 1, channels = v->channels;
    fc__factors x = {r->departure[entry], r->persistence[entry]};
    double *growth = model->lead_variance + entry * v->codes;
    for (size_t i = 0; i < v->codes; i++) {
        const fc__code_moments *m = &v->code[(chosen * v->lead_count + lead) * v->codes + i];
        double square = x.a * x.a * m->pp + x.b * x.b * m->ss + m->tt +
                        2.0 * (x.a * x.b * m->ps - x.a * m->pt - x.b * m->st);
        growth[i] = m->number > 0.0 ? fmax(square, 0.0) / m->number : 0.0;
    }
    for (size_t c = 0; c < channels; c++) {
        double all = fc__validation_error(v, chosen, lead, c, x, r->decay[entry * channels + c]);
        double codes = 0.0;
        for (size_t i = 0; i < v->codes; i++)
            codes += growth[i] * v->basis[c * v->codes + i] / fmax(v->basis_number[c], 1.0);
        r->error[entry * channels + c] = fmax(all - codes, 0.05 * all);
    }
}

static fc_status tabulate(fc_context *context, const fc__validation *v, size_t chosen,
                          fc_model *model)
{
    fc_status status = FC_OK;
    fc_residual *r = &model->residual;
    size_t channels = v->channels, entries = v->lead_count + 1;
    FC_NEW(context, &r->lead, entries);
    FC_NEW(context, &r->departure, entries);
    FC_NEW(context, &r->persistence, entries);
    FC_NEW(context, &r->decay, fc__product(entries, channels));
    FC_NEW(context, &r->error, fc__product(entries, channels));
    FC_NEW(context, &model->lead_time, entries);
    FC_NEW(context, &model->lead_variance, fc__product(entries, v->codes));
    r->departure[0] = 1.0;
    for (size_t c = 0; c < channels; c++)
        r->decay[c] = 1.0;
    for (size_t l = 0; l < v->lead_count; l++) {
        model->lead_time[l + 1] = r->lead[l + 1] = (double)v->lead[l];
        fc__factors x = fc__validation_weigh(v, chosen, l, r->decay + (l + 1) * channels);
        r->departure[l + 1] = x.a;
        r->persistence[l + 1] = x.b;
        tabulate_errors(v, chosen, l, model);
    }
    r->lead_count = model->lead_count = entries;
    r->still = v->candidate[chosen].still;
    r->modes = v->candidate[chosen].modes;
    r->ridge = v->candidate[chosen].ridge;
done:
    return status;
}

static fc_status keep_correlation(fc_context *context, const fc__validation *v, fc_residual *r)
{
    fc_status status = FC_OK;
    FC_NEW(context, &r->variance, v->channels);
    FC_NEW(context, &r->length, v->channels);
    FC_NEW(context, &r->nugget, v->channels);
    for (size_t c = 0; c < v->channels; c++) {
        fc__correlation found = {.length = 1.0, .nugget = 1.0};
        if (v->correlogram[c].longest > 0.0)
            found = fc__correlation_fit(&v->correlogram[c]);
        r->length[c] = found.length;
        r->nugget[c] = found.nugget;
        r->variance[c] = v->number[c] > 0.0 ? v->variance[c] / v->number[c] : 0.0;
    }
done:
    return status;
}

/* ---------------------------------------------------------------- climatology */

/* Codes of the frames as the finished model gives them. */
static fc_status encode(fc_context *context, const fc_model *model, const fc__record *record,
                        double *codes)
{
    fc_status status = FC_OK;
    fc_prior *whole = NULL;
    fc__frames frames = {.dataset = record->dataset, .count = record->count};
    FC_NEW(context, &frames.frame, record->count);
    for (size_t f = 0; f < record->count; f++)
        frames.frame[f] = &record->frames[f];
    FC_TRY(fc__prior_with_cycle(context, model, &whole));
    FC_TRY(fc__encode_frames(context, model->decoder, whole, model->noise, &frames, codes, NULL,
                             NULL));
done:
    fc__frames_clear(&frames);
    fc_prior_destroy(whole);
    return status;
}

/* Some points at a time. */
fc_status fc__residual_climate(fc_context *context, const fc_dataset *dataset, fc_model *model)
{
    enum { TILE = 8192 };
    fc_status status = FC_OK;
    size_t columns = 1 + 2 * model->cycle.harmonics, width = model->channel_count * columns;
    fc_residual *r = &model->residual;
    fc__record record = {0};
    fc__sample sample = {0};
    double *codes = NULL;
    FC_TRY(fc__record_create(context, dataset, &record));
    if (!record.climate)
        goto done;
    const fc_points *points = &dataset->points[record.frames[0].points];
    FC_NEW(context, &codes, fc__product(record.count, model->decoder->config.codes));
    FC_TRY(encode(context, model, &record, codes));
    FC_NEW(context, &r->coordinates, fc__product(points->count, model->domain.dims));
    FC_NEW(context, &r->climate, fc__product(points->count, width));
    memcpy(r->coordinates, points->coordinates,
           points->count * model->domain.dims * sizeof *r->coordinates);
    for (size_t begin = 0; begin < points->count; begin += TILE) {
        size_t end = begin + TILE < points->count ? begin + TILE : points->count;
        FC_TRY(fc__sample_create(context, model->decoder, points, begin, end, TILE, 0, &sample));
        FC_TRY(fc__climate_fit(context, model, &record, &sample, codes, 0, 0,
                               r->climate + begin * width));
        fc__sample_clear(&sample);
    }
    r->point_count = points->count;
    r->harmonics = model->cycle.harmonics;
done:
    fc__record_clear(&record);
    fc__sample_clear(&sample);
    free(codes);
    return status;
}

/* ---------------------------------------------------------------- the whole */

/* One number of codes, or some around the one that the fit has chosen, which comes first. */
static size_t list_sizes(const fc_model *model, const fc__rich_decoder *rich, bool free_choice,
                         size_t frames, size_t *sizes)
{
    size_t codes = model->decoder->config.codes, count = 0, most = frames / 3;
    if (!rich->decoder || !free_choice) {
        sizes[count++] = codes;
        return count;
    }
    codes = codes < rich->modes ? codes : rich->modes;
    sizes[count++] = codes;
    most = most < rich->modes ? most : rich->modes;
    if (codes > 1)
        sizes[count++] = codes / 2;
    for (size_t next = 2 * codes; next <= most && next <= 64 && count < SIZES; next *= 2)
        sizes[count++] = next;
    return count;
}

/* All blocks, for all numbers of codes. */
static fc_status validate(fc_context *context, const fc__record *record,
                          const fc__rich_decoder *rich, const fc_model *model, size_t harmonics,
                          uint64_t seed, size_t count, fc__validation *validations)
{
    fc_status status = FC_OK;
    fc__fold fold = {0};
    for (size_t b = 0; b < FC__BLOCKS; b++) {
        size_t begin, end;
        fc__slice(record->count, FC__BLOCKS, b, &begin, &end);
        if (begin == end) /* of fewer frames than blocks */
            continue;
        for (size_t n = 0; n < count; n++) {
            fc__report(context, "validation", b * count + n, FC__BLOCKS * count, NAN);
            FC_TRY(fc__fold_create(context, model, record, rich->decoder ? rich : NULL,
                                   validations[n].codes, harmonics, seed + b, begin, end, &fold));
            FC_TRY(fc__validation_add(context, record, &fold, b, seed + b, &validations[n]));
            fc__fold_clear(record, &fold);
            if (fc_context_interrupted(context)) {
                status = fc__fail(context, FC_INTERRUPTED, "interrupted during validation");
                goto done;
            }
        }
    }
done:
    fc__fold_clear(record, &fold);
    return status;
}

/* Puts the chosen number of codes into the model. */
static fc_status resize(fc_context *context, const fc__rich_decoder *rich, const fc__validation *v,
                        size_t frames, fc_model *model)
{
    fc_status status = FC_OK;
    if (v->codes == model->decoder->config.codes)
        return FC_OK;
    fc_decoder_destroy(model->decoder);
    fc_prior_destroy(model->prior);
    model->decoder = NULL;
    model->prior = NULL;
    FC_TRY(fc__rich_decoder_reduce(context, rich, v->codes, frames, 0, 0, 0, &model->decoder,
                                   &model->prior));
    model->floor_mse = 0.0;
    for (size_t c = 0; c < model->channel_count; c++) {
        model->noise[c] = v->noise[c] / FC__BLOCKS;
        model->floor_mse += model->noise[c] / (double)model->channel_count;
    }
done:
    return status;
}

fc_status fc__residual_fit(fc_context *context, const fc_dataset *dataset, const fc_fit_config *fit,
                           size_t harmonics, uint64_t seed, fc_model *model)
{
    fc_status status = FC_OK;
    fc__record record = {0};
    fc__validation validations[SIZES] = {{0}};
    fc__rich_decoder rich = {0};
    size_t sizes[SIZES], count, chosen, candidate;
    FC_TRY(fc__record_create(context, dataset, &record));
    if (record.count < FC__LEAST_FRAMES)
        goto done;
    if (fit && model->decoder->config.layers == 0)
        FC_TRY(fc__rich_decoder_create(context, model, &record, fit, &rich));
    count = list_sizes(model, &rich, fit && fit->codes == 0 && record.count >= FC__MANY_FRAMES,
                       record.count, sizes);
    for (size_t n = 0; n < count; n++)
        FC_TRY(fc__validation_create(context, record.count, model->channel_count, sizes[n],
                                     &validations[n]));
    FC_TRY(validate(context, &record, &rich, model, harmonics, seed, count, validations));
    FC_TRY(fc__validation_choose(context, count, validations, &chosen, &candidate));
    FC_TRY(resize(context, &rich, &validations[chosen], record.count, model));
    FC_TRY(tabulate(context, &validations[chosen], candidate, model));
    FC_TRY(keep_correlation(context, &validations[chosen], &model->residual));
done:
    for (size_t n = 0; n < SIZES; n++)
        fc__validation_clear(&validations[n]);
    fc__rich_decoder_clear(&rich);
    fc__record_clear(&record);
    return status;
}
