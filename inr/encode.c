/* Posterior codes of frames observed at one set of points. */
#include "inr/engine.h"
#include "inr/intake.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- one set of points */

enum {
    PART_ROWS = 8192,
    PART_MULTIPLE = 512
}; /* rows taken at a time, points a multiple of this */

void fc__intake_clear(fc__intake *e)
{
    fc__basis_close(&e->view);
    free(e->place);
    free(e->coordinates);
    free(e->precision);
    free(e->weight);
    free(e->m);
}

/* Numbers of observed values of a frame. */
static size_t count_values(size_t values, const float *y)
{
    size_t found = 0;
    for (size_t i = 0; i < values; i++)
        found += !isnan(y[i]);
    return found;
}

/* Chooses the points with an observed value; *values counts these. */
static fc_status keep_points(fc_context *context, const fc__observed *o, size_t dims, fc__intake *e,
                             size_t *values)
{
    fc_status status = FC_OK;
    size_t channels = e->channels;
    *values = count_values(o->count * channels, o->values[0]);
    if (*values == o->count * channels && !o->seen && o->count) {
        e->kept = o->count;
        return FC_OK;
    }
    FC_NEW(context, &e->place, o->count);
    *values = 0;
    for (size_t p = 0; p < o->count; p++) {
        size_t found =
            o->seen && !o->seen[p] ? 0 : count_values(channels, o->values[0] + p * channels);
        if (found)
            e->place[e->kept++] = p;
        *values += found;
    }
    if (e->kept == 0) {
        status = fc__fail(context, FC_ERROR_DATA, "no value is observed");
        goto done;
    }
    FC_NEW(context, &e->coordinates, fc__product(e->kept, dims));
    for (size_t k = 0; k < e->kept; k++)
        memcpy(e->coordinates + k * dims, o->coordinates + e->place[k] * dims,
               dims * sizeof *e->coordinates);
done:
    return status;
}

/* Opens the basis at the kept points: rows of that at all points where it is at hand. */
fc_status fc__intake_basis(fc_context *context, const fc_decoder *decoder, const fc__observed *o,
                           const fc__key *decoder_key, const fc__key *key, fc__intake *e)
{
    fc_status status = FC_OK;
    const fc_basis *found = NULL, *all = o->basis;
    const double *coordinates = e->coordinates ? e->coordinates : o->coordinates;
    if (!all && e->place && e->keyed) {
        fc__key whole = fc__basis_key(decoder_key, decoder, o->count, o->coordinates);
        all = found = fc__basis_find(context, &whole);
    }
    status = all ? fc__basis_open_at(context, all, e->kept, e->place, e->part, &e->view)
                 : fc__basis_open(context, decoder, key, e->kept, coordinates, e->part, &e->view);
    fc_basis_release(found);
    return status;
}

void fc__intake_weights(const fc__intake *e, size_t start, size_t size, double *weight)
{
    size_t channels = e->channels;
    for (size_t k = 0; k < size; k++) {
        const float *y =
            e->values.frame[0] + (e->place ? e->place[start + k] : start + k) * channels;
        for (size_t c = 0; c < channels; c++)
            weight[k * channels + c] = isnan(y[c]) ? 0.0 : e->precision[c];
    }
}

/* The kept points [start, start + size), size at most one part. */
static size_t set_weights(fc__intake *e, size_t start)
{
    size_t size = e->kept - start < e->part ? e->kept - start : e->part;
    fc__intake_weights(e, start, size, e->weight);
    e->values.first = start;
    return size;
}

/* The next part: its rows, with their weights, and its number of points. */
fc_status fc__intake_part(fc_context *context, fc__intake *e, size_t start, fc__rows *rows)
{
    size_t size = set_weights(e, start);
    *rows = (fc__rows){.count = size * e->channels, .codes = e->codes, .weight = e->weight};
    return fc__basis_part(context, &e->view, start, size, &rows->phi0, &rows->phi);
}

fc__key fc__intake_key(const fc__key *basis_key, fc__intake *e)
{
    size_t codes = e->codes;
    fc__key key = *basis_key;
    for (size_t start = 0; start < e->kept; start += e->part) {
        size_t size = set_weights(e, start);
        fc__key_add(&key, e->weight, size * e->channels * sizeof *e->weight);
    }
    fc__key_add(&key, e->prior->factor, codes * codes * sizeof *e->prior->factor);
    return key;
}

/* The sums over all parts, and the normal matrix unless the analysis is known already. */
static fc_status add_parts(fc_context *context, fc__intake *e, const fc__analysis *analysis,
                           double *normal, double *sum)
{
    fc_status status = FC_OK;
    fc__rows rows;
    for (size_t start = 0; start < e->kept; start += e->part) {
        FC_TRY(fc__intake_part(context, e, start, &rows));
        if (normal)
            FC_TRY(fc__normal_add(context, &rows, normal));
        FC_TRY(fc__project_add(context, &rows, &e->values, analysis, e->m, sum));
    }
done:
    return status;
}

/* The analysis, from the cache or made, and the sums (frames, C). */
static fc_status analyse(fc_context *context, fc__intake *e, size_t values, const fc__key *key,
                         fc__analysis **analysis, double *sum)
{
    fc_status status = FC_OK;
    double *normal = NULL;
    fc__rows rows;
    fc__cache *cache = fc__context_cache(context);
    *analysis = e->keyed ? (fc__analysis *)fc__cache_find(cache, key) : NULL;
    bool made = !*analysis;
    if (made && values < e->codes && e->kept <= e->part) {
        FC_TRY(fc__intake_part(context, e, 0, &rows));
        FC_TRY(fc__analysis_dual(context, e->prior, &rows, analysis));
    } else if (made) {
        FC_NEW(context, &normal, fc__product(e->codes, e->codes));
    }
    FC_TRY(add_parts(context, e, *analysis, normal, sum));
    if (normal)
        FC_TRY(fc__analysis_primal(context, e->prior, normal, analysis));
    if (made) {
        (*analysis)->shared.key = *key;
        fc__cache_keep(cache, &(*analysis)->shared);
    }
done:
    free(normal);
    return status;
}

/* Residuals and leverages, in a second pass over the parts. */
fc_status fc__intake_residuals(fc_context *context, fc__intake *e, const fc__analysis *analysis,
                               fc__encoded *encoded)
{
    fc_status status = FC_OK;
    fc__rows rows;
    for (size_t start = 0; start < e->kept; start += e->part) {
        FC_TRY(fc__intake_part(context, e, start, &rows));
        for (size_t r = 0; encoded->number && r < rows.count; r++)
            encoded->number[r % e->channels] +=
                rows.weight[r] > 0.0 ? (double)e->values.frames : 0.0;
        if (encoded->square)
            FC_TRY(fc__residuals_add(context, &rows, &e->values, encoded->codes, encoded->square));
        if (encoded->leverage)
            FC_TRY(fc__leverage_add(context, &rows, &e->values, analysis, encoded->leverage));
    }
done:
    return status;
}

/* Which value of which frame kept the codes from being finite. */
static fc_status name_culprit(fc_context *context, fc__intake *e)
{
    fc_status status = FC_OK;
    fc__rows rows;
    for (size_t start = 0; start < e->kept; start += e->part) {
        FC_TRY(fc__intake_part(context, e, start, &rows));
        FC_TRY(fc__values_check(context, &rows, &e->values));
    }
    status = fc__fail(context, FC_ERROR_SOLVER, "posterior: the codes are not finite");
done:
    return status;
}

fc_status fc__intake_open(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                          const double *noise, const fc__observed *o, fc__intake *e, size_t *values)
{
    fc_status status = FC_OK;
    size_t channels = decoder->config.channels, codes = decoder->config.codes;
    size_t part = PART_ROWS / channels / PART_MULTIPLE * PART_MULTIPLE;
    *e = (fc__intake){.prior = prior,
                      .channels = channels,
                      .codes = codes,
                      .keyed = fc__cache_accepts(fc__context_cache(context), 1)};
    FC_TRY(keep_points(context, o, decoder->domain.dims, e, values));
    part = part ? part : PART_MULTIPLE;
    e->part = part < e->kept ? part : e->kept;
    e->values = (fc__values){.frames = o->frames,
                             .channels = channels,
                             .frame = o->values,
                             .place = e->place,
                             .mean = o->mean,
                             .scale = o->scale};
    FC_NEW(context, &e->weight, fc__product(e->part, channels));
    FC_NEW(context, &e->precision, channels);
    FC_NEW(context, &e->m, codes);
    for (size_t c = 0; c < channels; c++)
        e->precision[c] = 1.0 / noise[c];
    for (size_t i = 0; i < codes; i++)
        e->m[i] = prior->mean[i] + (o->shift ? o->shift[i] : 0.0);
done:
    return status;
}

fc_status fc__encode(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                     const double *noise, const fc__observed *observed, fc__encoded *encoded)
{
    fc_status status = FC_OK;
    size_t codes = decoder->config.codes, size = fc__product(observed->frames, codes);
    fc__intake e = {0};
    fc__analysis *analysis = NULL;
    fc__key decoder_key = {{0}}, key = {{0}};
    double *sum = NULL;
    if (!fc_decoder_is_affine(&decoder->config))
        return fc__encode_bent(context, decoder, prior, noise, observed, encoded);
    const fc_engine *engine = fc__context_engine(context);
    bool taken = false;
    if (engine && engine->decoder->encode)
        FC_TRY(engine->decoder->encode(engine->device, context, decoder, prior, noise, observed,
                                       encoded, &taken));
    if (taken)
        return FC_OK;
    FC_TRY(fc__intake_open(context, decoder, prior, noise, observed, &e, &encoded->values));
    if (e.keyed) {
        decoder_key = fc__decoder_key(decoder);
        key = fc__basis_key(&decoder_key, decoder, e.kept,
                            e.coordinates ? e.coordinates : observed->coordinates);
    }
    FC_TRY(fc__intake_basis(context, decoder, observed, &decoder_key, &key, &e));
    if (e.keyed)
        key = fc__intake_key(&key, &e);
    FC_NEW(context, &sum, size);
    FC_TRY(analyse(context, &e, encoded->values, &key, &analysis, sum));
    FC_TRY(fc__analysis_solve(context, analysis, observed->frames, e.m, sum, encoded->codes));
    for (size_t i = 0; i < size; i++)
        if (!isfinite(encoded->codes[i]))
            FC_TRY(name_culprit(context, &e));
    if (encoded->number || encoded->square || encoded->leverage)
        FC_TRY(fc__intake_residuals(context, &e, analysis, encoded));
    for (size_t i = 0; observed->shift && i < size; i++)
        encoded->codes[i] -= observed->shift[i % codes];
    if (encoded->covariance)
        memcpy(encoded->covariance, analysis->covariance, codes * codes * sizeof *sum);
done:
    fc__intake_clear(&e);
    fc__analysis_release(analysis);
    free(sum);
    return status;
}
