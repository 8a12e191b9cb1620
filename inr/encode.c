/* Posterior codes of frames observed at one set of points. */
#include "inr/encode.h"
#include "inr/analysis.h"
#include "inr/basis_cache.h"
#include "inr/fit.h"
#include "inr/gauss_newton.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- one set of points */

enum {
    PART_ROWS = 8192,
    PART_MULTIPLE = 512
}; /* rows taken at a time, points a multiple of this */

/* One call of fc__encode. */
typedef struct encoding {
    const fc_prior *prior;
    size_t channels, codes;
    size_t kept;         /* points with an observed value */
    size_t part;         /* of them taken at a time */
    size_t *place;       /* (kept) among all points, NULL = all are kept */
    double *coordinates; /* (kept, dims), NULL = those of all points */
    bool keyed;          /* something may be kept, so that keys are worth computing */
    fc__basis_view view;
    fc__values values;
    double *precision; /* (channels): of the noise */
    double *weight;    /* (part, channels) */
    double *m;         /* (C): mean of the prior and shift */
} encoding;

static void encoding_clear(encoding *e)
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
static fc_status keep_points(fc_context *context, const fc__observed *o, size_t dims, encoding *e,
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
static fc_status open_basis(fc_context *context, const fc_decoder *decoder, const fc__observed *o,
                            const fc__key *decoder_key, const fc__key *key, encoding *e)
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

/* The kept points [start, start + size), size at most one part: their weights are those of the
 * observed channels. */
static size_t set_weights(encoding *e, size_t start)
{
    size_t channels = e->channels, size = e->kept - start < e->part ? e->kept - start : e->part;
    for (size_t k = 0; k < size; k++) {
        const float *y =
            e->values.frame[0] + (e->place ? e->place[start + k] : start + k) * channels;
        for (size_t c = 0; c < channels; c++)
            e->weight[k * channels + c] = isnan(y[c]) ? 0.0 : e->precision[c];
    }
    e->values.first = start;
    return size;
}

/* The next part: its rows, with their weights, and its number of points. */
static fc_status take_part(fc_context *context, encoding *e, size_t start, fc__rows *rows)
{
    size_t size = set_weights(e, start);
    *rows = (fc__rows){.count = size * e->channels, .codes = e->codes, .weight = e->weight};
    return fc__basis_part(context, &e->view, start, size, &rows->phi0, &rows->phi);
}

/* Key of an analysis: that of the basis, weights, and the prior's covariance (its mean has no part
 * in it). */
static fc__key analysis_key(const fc__key *basis_key, encoding *e)
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
static fc_status add_parts(fc_context *context, encoding *e, const fc__analysis *analysis,
                           double *normal, double *sum)
{
    fc_status status = FC_OK;
    fc__rows rows;
    for (size_t start = 0; start < e->kept; start += e->part) {
        FC_TRY(take_part(context, e, start, &rows));
        if (normal)
            FC_TRY(fc__normal_add(context, &rows, normal));
        FC_TRY(fc__project_add(context, &rows, &e->values, analysis, e->m, sum));
    }
done:
    return status;
}

/* The analysis, from the cache or made, and the sums (frames, C). */
static fc_status analyse(fc_context *context, encoding *e, size_t values, const fc__key *key,
                         fc__analysis **analysis, double *sum)
{
    fc_status status = FC_OK;
    double *normal = NULL;
    fc__rows rows;
    fc__cache *cache = fc__context_cache(context);
    *analysis = e->keyed ? (fc__analysis *)fc__cache_find(cache, key) : NULL;
    bool made = !*analysis;
    if (made && values < e->codes && e->kept <= e->part) {
        FC_TRY(take_part(context, e, 0, &rows));
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
static fc_status add_residuals(fc_context *context, encoding *e, const fc__analysis *analysis,
                               fc__encoded *encoded)
{
    fc_status status = FC_OK;
    fc__rows rows;
    for (size_t start = 0; start < e->kept; start += e->part) {
        FC_TRY(take_part(context, e, start, &rows));
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
static fc_status name_culprit(fc_context *context, encoding *e)
{
    fc_status status = FC_OK;
    fc__rows rows;
    for (size_t start = 0; start < e->kept; start += e->part) {
        FC_TRY(take_part(context, e, start, &rows));
        FC_TRY(fc__values_check(context, &rows, &e->values));
    }
    status = fc__fail(context, FC_ERROR_SOLVER, "posterior: the codes are not finite");
done:
    return status;
}

static fc_status encoding_open(fc_context *context, const fc_decoder *decoder,
                               const fc_prior *prior, const double *noise, const fc__observed *o,
                               encoding *e, size_t *values)
{
    fc_status status = FC_OK;
    size_t channels = decoder->config.channels, codes = decoder->config.codes;
    size_t part = PART_ROWS / channels / PART_MULTIPLE * PART_MULTIPLE;
    *e = (encoding){.prior = prior,
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

/* ---------------------------------------------------------------- decoders that bend */

/* One call of fc__encode for a decoder without a basis. */
typedef struct bent_call {
    const fc_decoder *decoder;
    const fc_prior *prior;
    const double *noise;
    const fc__observed *observed;
    const fc_encoding_config *config;
} bent_call;

/* What the tangent at one code is asked for. */
typedef struct bent_frame {
    encoding e;
    float *z; /* (C) of the tangent */
    double *square;
} bent_frame;

static fc_status move_to(fc_context *context, const double *z, bent_frame *frame)
{
    (void)context;
    for (size_t i = 0; i < frame->e.codes; i++)
        frame->z[i] = (float)z[i];
    fc__basis_move(&frame->e.view, frame->z);
    return FC_OK;
}

/* fc__linearise of the values of one frame */
static fc_status linearise(void *user, fc_context *context, const double *z,
                           fc__linearisation *linearisation)
{
    fc_status status = FC_OK;
    bent_frame *frame = user;
    encoding *e = &frame->e;
    fc__rows rows;
    FC_TRY(move_to(context, z, frame));
    memset(frame->square, 0, e->channels * sizeof *frame->square);
    for (size_t start = 0; start < e->kept; start += e->part) {
        FC_TRY(take_part(context, e, start, &rows));
        FC_TRY(fc__normal_add(context, &rows, linearisation->normal));
        FC_TRY(fc__project_add(context, &rows, &e->values, NULL, e->m, linearisation->sum));
        FC_TRY(fc__residuals_add(context, &rows, &e->values, z, frame->square));
    }
    for (size_t c = 0; c < e->channels; c++)
        linearisation->misfit += frame->square[c] * e->precision[c];
done:
    return status;
}

static fc_status check_finite(fc_context *context, size_t count, const float *y)
{
    for (size_t i = 0; i < count; i++)
        if (isinf(y[i]))
            return fc__fail(context, FC_ERROR_DATA,
                            "encoding: value %zu is %g; leave out what is missing", i,
                            (double)y[i]);
    return FC_OK;
}

/* Steps from z (C, shift included) to the code of the values that `observed`, which is one frame,
 * has. */
static fc_status descend(fc_context *context, const bent_call *call, const fc__observed *observed,
                         fc__encoded *encoded, double *z, fc_encoding_report *report)
{
    fc_status status = FC_OK;
    bent_frame frame = {.e = {0}};
    encoding *e = &frame.e;
    fc__analysis *analysis = NULL;
    size_t codes = call->decoder->config.codes;
    FC_TRY(encoding_open(context, call->decoder, call->prior, call->noise, observed, e,
                         &encoded->values));
    e->keyed = false;
    FC_TRY(open_basis(context, call->decoder, observed, NULL, NULL, e));
    FC_NEW(context, &frame.z, codes);
    FC_NEW(context, &frame.square, e->channels);
    FC_TRY(check_finite(context, observed->count * e->channels, observed->values[0]));
    FC_TRY(fc__gauss_newton(context, call->prior, e->m, call->config, linearise, &frame, z,
                            &analysis, report));
    if (encoded->number || encoded->square || encoded->leverage) {
        encoded->codes = z;
        FC_TRY(move_to(context, z, &frame));
        FC_TRY(add_residuals(context, e, analysis, encoded));
    }
    if (encoded->covariance)
        memcpy(encoded->covariance, analysis->covariance, codes * codes * sizeof *z);
done:
    encoding_clear(e);
    fc__analysis_release(analysis);
    free(frame.z);
    free(frame.square);
    return status;
}

/* Marks one point of every stretch of `stride` of those that may be used, drawn at random so that
 * the sample has no grid's regularity. */
static void thin_out(const fc__observed *observed, size_t stride, bool *seen)
{
    fc__rng rng = fc__rng_create(observed->count, 77);
    size_t passed = 0, next = fc__rng_below(&rng, stride);
    for (size_t p = 0; p < observed->count; p++) {
        if (observed->seen && !observed->seen[p])
            continue;
        seen[p] = passed == next;
        if (++passed % stride == 0)
            next = passed + fc__rng_below(&rng, stride);
    }
}

/* The first steps look at a sample of the points, as most of the way needs no more. */
static fc_status approach(fc_context *context, const bent_call *call, const fc__observed *frame,
                          double *z)
{
    enum { ENOUGH = 512 }; /* values, or four times the codes */
    fc_status status = FC_OK;
    bool *seen = NULL;
    fc_encoding_report report;
    size_t codes = call->decoder->config.codes, channels = call->decoder->config.channels;
    size_t enough = (4 * codes > ENOUGH ? 4 * codes : ENOUGH) / channels + 1;
    size_t stride = frame->count / enough;
    if (stride < 4)
        return FC_OK;
    FC_NEW(context, &seen, frame->count);
    thin_out(frame, stride, seen);
    fc__observed few = *frame;
    few.seen = seen;
    fc__encoded encoded = {0};
    status = descend(context, call, &few, &encoded, z, &report);
    if (status == FC_ERROR_DATA && encoded.values == 0)
        status = FC_OK; /* nothing of the sample is observed */
done:
    free(seen);
    return status;
}

/* Frame f of the call; sums of it alone. */
static fc_status encode_bent_frame(fc_context *context, const bent_call *call, size_t f,
                                   fc__encoded *encoded, double *z, fc_encoding_report *report)
{
    fc_status status = FC_OK;
    size_t codes = call->decoder->config.codes;
    fc__observed frame = *call->observed;
    frame.frames = 1;
    frame.values += f;
    for (size_t i = 0; i < codes; i++)
        z[i] = frame.start ? frame.start[f * codes + i]
                           : call->prior->mean[i] + (frame.shift ? frame.shift[i] : 0.0);
    FC_TRY(approach(context, call, &frame, z));
    FC_TRY(descend(context, call, &frame, encoded, z, report));
    for (size_t i = 0; frame.shift && i < codes; i++)
        z[i] -= frame.shift[i];
done:
    return status;
}

static void add_sums(size_t channels, const double *from, double *to)
{
    for (size_t c = 0; to && c < channels; c++)
        to[c] += from[c];
}

/* Frames are divided among threads; one alone uses them all. */
static fc_status encode_bent(fc_context *context, const bent_call *call, fc__encoded *encoded)
{
    fc_status status = FC_OK;
    size_t frames = call->observed->frames, channels = call->decoder->config.channels;
    size_t codes = call->decoder->config.codes, most = (size_t)fc_context_threads(context);
    int threads = (int)(most < frames ? most : frames);
    fc_context *inner = threads > 1 ? NULL : context;
    double *sums = NULL;
    fc_status *statuses = NULL;
    FC_NEW(context, &sums, fc__product(frames, 3 * channels));
    FC_NEW(context, &statuses, frames);
    encoded->values = 0;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (size_t f = 0; f < frames; f++) {
        double *own = sums + f * 3 * channels;
        fc_encoding_report report;
        fc__encoded one = {.number = encoded->number ? own : NULL,
                           .square = encoded->square ? own + channels : NULL,
                           .leverage = encoded->leverage ? own + 2 * channels : NULL,
                           .covariance = f + 1 == frames ? encoded->covariance : NULL};
        statuses[f] = encode_bent_frame(inner, call, f, &one, encoded->codes + f * codes, &report);
        if (f == 0)
            encoded->values = one.values;
    }
    for (size_t f = 0; f < frames; f++) {
        if (statuses[f] != FC_OK) { /* once more, for the message */
            fc_encoding_report report;
            fc__encoded one = {0};
            FC_TRY(encode_bent_frame(context, call, f, &one, encoded->codes + f * codes, &report));
        }
        add_sums(channels, sums + f * 3 * channels, encoded->number);
        add_sums(channels, sums + (f * 3 + 1) * channels, encoded->square);
        add_sums(channels, sums + (f * 3 + 2) * channels, encoded->leverage);
    }
done:
    free(sums);
    free(statuses);
    return status;
}

static fc_status check_encoding(fc_context *context, const fc_decoder *decoder,
                                const fc_prior *prior, const double *noise,
                                const fc_encoding_config *config)
{
    if (prior->codes != decoder->config.codes)
        return fc__fail(context, FC_ERROR_USAGE,
                        "encoding: the prior has %zu codes, the decoder %zu", prior->codes,
                        decoder->config.codes);
    if (!(config->tolerance >= 0.0))
        return fc__fail(context, FC_ERROR_USAGE,
                        "encoding: tolerance = %g, a number of 0 or more is needed",
                        config->tolerance);
    for (size_t c = 0; c < decoder->config.channels; c++)
        if (!isfinite(noise[c]) || noise[c] <= 0.0)
            return fc__fail(context, FC_ERROR_USAGE,
                            "encoding: noise variance of channel %zu is %g; a positive number is "
                            "needed",
                            c, noise[c]);
    return FC_OK;
}

fc_status fc_decoder_encode(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                            const double *noise, size_t count, const double *coordinates,
                            const float *values, const fc_encoding_config *config, double *z,
                            double *covariance, fc_encoding_report *report)
{
    fc_encoding_report own;
    fc__observed observed = {
        .count = count, .frames = 1, .coordinates = coordinates, .values = &values, .start = z};
    fc__encoded encoded = {.covariance = covariance};
    const bent_call call = {decoder, prior, noise, &observed, config};
    fc_status status = check_encoding(context, decoder, prior, noise, config);
    if (status != FC_OK)
        return status;
    return descend(context, &call, &observed, &encoded, z, report ? report : &own);
}

fc_status fc__encode(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                     const double *noise, const fc__observed *observed, fc__encoded *encoded)
{
    fc_status status = FC_OK;
    size_t codes = decoder->config.codes, size = fc__product(observed->frames, codes);
    encoding e = {0};
    fc__analysis *analysis = NULL;
    fc__key decoder_key = {{0}}, key = {{0}};
    double *sum = NULL;
    if (!fc_decoder_is_affine(&decoder->config)) {
        fc_encoding_config config = fc_encoding_config_default();
        const bent_call call = {decoder, prior, noise, observed, &config};
        return encode_bent(context, &call, encoded);
    }
    FC_TRY(encoding_open(context, decoder, prior, noise, observed, &e, &encoded->values));
    if (e.keyed) {
        decoder_key = fc__decoder_key(decoder);
        key = fc__basis_key(&decoder_key, decoder, e.kept,
                            e.coordinates ? e.coordinates : observed->coordinates);
    }
    FC_TRY(open_basis(context, decoder, observed, &decoder_key, &key, &e));
    if (e.keyed)
        key = analysis_key(&key, &e);
    FC_NEW(context, &sum, size);
    FC_TRY(analyse(context, &e, encoded->values, &key, &analysis, sum));
    FC_TRY(fc__analysis_solve(context, analysis, observed->frames, e.m, sum, encoded->codes));
    for (size_t i = 0; i < size; i++)
        if (!isfinite(encoded->codes[i]))
            FC_TRY(name_culprit(context, &e));
    if (encoded->number || encoded->square || encoded->leverage)
        FC_TRY(add_residuals(context, &e, analysis, encoded));
    for (size_t i = 0; observed->shift && i < size; i++)
        encoded->codes[i] -= observed->shift[i % codes];
    if (encoded->covariance)
        memcpy(encoded->covariance, analysis->covariance, codes * codes * sizeof *sum);
done:
    encoding_clear(&e);
    fc__analysis_release(analysis);
    free(sum);
    return status;
}
