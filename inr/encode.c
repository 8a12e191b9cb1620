/* Posterior codes of observed frames. */
#include "inr/encode.h"
#include "inr/analysis.h"
#include "inr/basis_cache.h"
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Frames order[begin..end) have the same points and the same missing values. */
typedef struct group {
    size_t begin, end;
    fc_status status;
} group;

/* A frame and its place in the caller's order. */
typedef struct place {
    const fc_frame *frame;
    size_t order;
} place;

static int by_points(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->frame->points != y->frame->points)
        return x->frame->points < y->frame->points ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

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

fc_status fc__encode(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                     const double *noise, const fc__observed *observed, fc__encoded *encoded)
{
    fc_status status = FC_OK;
    size_t codes = decoder->config.codes, size = fc__product(observed->frames, codes);
    encoding e = {0};
    fc__analysis *analysis = NULL;
    fc__key decoder_key = {{0}}, key = {{0}};
    double *sum = NULL;
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

/* ---------------------------------------------------------------- many sets of points */

/* What a group adds up, (channels) each. */
typedef struct totals {
    double *number;   /* of values */
    double *square;   /* of residuals, NULL = not wanted */
    double *leverage; /* NULL = not wanted */
} totals;

/* Encodes frames[0..count), a group; z (count, C). */
static fc_status encode_group(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                              const double *noise, const fc_dataset *dataset, const fc_basis *basis,
                              size_t count, const place *frames, double *z, const totals *sum)
{
    fc_status status = FC_OK;
    const fc_points *points = &dataset->points[frames[0].frame->points];
    const float **values = NULL;
    FC_NEW(context, &values, count);
    for (size_t f = 0; f < count; f++)
        values[f] = frames[f].frame->values;
    fc__observed observed = {.count = points->count,
                             .frames = count,
                             .coordinates = points->coordinates,
                             .values = values,
                             .basis = basis};
    fc__encoded encoded = {
        .codes = z, .number = sum->number, .square = sum->square, .leverage = sum->leverage};
    FC_TRY(fc__encode(context, decoder, prior, noise, &observed, &encoded));
done:
    free(values);
    return status;
}

/* What all groups have in common. */
typedef struct request {
    const fc_decoder *decoder;
    const fc_prior *prior;
    const double *noise;
    const fc_dataset *dataset;
    const place *sorted;
    double *z;
    totals *sums;
} request;

/* Encodes groups [begin, end), which share a point set if a basis is given; many groups are divided
 * among threads, few use all threads each. */
static fc_status encode_run(fc_context *context, const request *r, const fc_basis *basis,
                            size_t begin, size_t end, group *groups)
{
    size_t codes = r->decoder->config.codes;
    int threads = fc_context_threads(context);
    bool many = end - begin >= 4 * (size_t)threads;
    fc_context *inner = many ? NULL : context;
#pragma omp parallel for num_threads(many ? threads : 1) schedule(dynamic, 1)
    for (size_t g = begin; g < end; g++)
        groups[g].status =
            encode_group(inner, r->decoder, r->prior, r->noise, r->dataset, basis,
                         groups[g].end - groups[g].begin, r->sorted + groups[g].begin,
                         r->z + groups[g].begin * codes, &r->sums[g]);
    for (size_t g = begin; g < end; g++)
        if (groups[g].status != FC_OK)
            return fc__fail(context, groups[g].status, "encoding frame %zu: %s",
                            r->sorted[groups[g].begin].order,
                            inner ? fc_context_message(inner) : fc_status_text(groups[g].status));
    return FC_OK;
}

/* The end of the run of groups that begins at `begin`: groups that share a point set (*shared), or
 * groups each of which has its own. */
static size_t run_end(const place *sorted, const group *groups, size_t count, size_t begin,
                      bool *shared)
{
    size_t end = begin + 1;
    *shared = end < count &&
              sorted[groups[begin].begin].frame->points == sorted[groups[end].begin].frame->points;
    for (; end < count; end++) {
        size_t points = sorted[groups[end].begin].frame->points;
        if ((points == sorted[groups[end - 1].begin].frame->points) != *shared)
            break;
    }
    return *shared || end == count ? end : end - (end - begin > 1);
}

/* Groups with the same points but other missing values take their rows from one basis. */
static fc_status encode_groups(fc_context *context, const request *r, size_t group_count,
                               group *groups)
{
    fc_status status = FC_OK;
    const fc_basis *basis = NULL;
    for (size_t begin = 0, end; begin < group_count; begin = end) {
        bool shared;
        end = run_end(r->sorted, groups, group_count, begin, &shared);
        const fc_points *points = &r->dataset->points[r->sorted[groups[begin].begin].frame->points];
        if (shared && fc__basis_fits(context, r->decoder, points->count))
            FC_TRY(
                fc_basis_acquire(context, r->decoder, points->count, points->coordinates, &basis));
        FC_TRY(encode_run(context, r, basis, begin, end, groups));
        fc_basis_release(basis);
        basis = NULL;
    }
done:
    fc_basis_release(basis);
    return status;
}

/* Means over all values of each channel, 0 for a channel without any. */
static void average(size_t channels, size_t group_count, const totals *sums, double *square,
                    double *leverage)
{
    for (size_t ch = 0; ch < channels; ch++) {
        double number = 0.0, squares = 0.0, leverages = 0.0;
        for (size_t g = 0; g < group_count; g++) {
            number += sums[g].number[ch];
            squares += square ? sums[g].square[ch] : 0.0;
            leverages += leverage ? sums[g].leverage[ch] : 0.0;
        }
        if (square)
            square[ch] = number > 0.0 ? squares / number : 0.0;
        if (leverage)
            leverage[ch] = number > 0.0 ? leverages / number : 0.0;
    }
}

fc_status fc__encode_frames(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                            const double *noise, const fc__frames *frames, double *codes,
                            double *square, double *leverage)
{
    fc_status status = FC_OK;
    size_t channels = frames->dataset->channel_count, c = decoder->config.codes, group_count = 0;
    place *sorted = NULL;
    group *groups = NULL;
    totals *sums = NULL;
    double *z = NULL, *numbers = NULL;
    FC_NEW(context, &sorted, frames->count);
    FC_NEW(context, &groups, frames->count);
    FC_NEW(context, &z, fc__product(frames->count, c));
    for (size_t f = 0; f < frames->count; f++)
        sorted[f] = (place){.frame = frames->frame[f], .order = f};
    qsort(sorted, frames->count, sizeof *sorted, by_points);
    for (size_t f = 0; f < frames->count; f++) {
        if (f == 0 || !fc__same_observed(frames->dataset, sorted[f - 1].frame, sorted[f].frame))
            groups[group_count++].begin = f;
        groups[group_count - 1].end = f + 1;
    }
    FC_NEW(context, &sums, group_count);
    FC_NEW(context, &numbers, fc__product(group_count, 3 * channels));
    for (size_t g = 0; g < group_count; g++) {
        double *own = numbers + g * 3 * channels;
        sums[g] = (totals){.number = own,
                           .square = square ? own + channels : NULL,
                           .leverage = leverage ? own + 2 * channels : NULL};
    }
    const request all = {.decoder = decoder,
                         .prior = prior,
                         .noise = noise,
                         .dataset = frames->dataset,
                         .sorted = sorted,
                         .z = z,
                         .sums = sums};
    FC_TRY(encode_groups(context, &all, group_count, groups));
    for (size_t f = 0; f < frames->count; f++)
        memcpy(codes + sorted[f].order * c, z + f * c, c * sizeof *codes);
    average(channels, group_count, sums, square, leverage);
done:
    free(sorted);
    free(groups);
    free(sums);
    free(z);
    free(numbers);
    return status;
}
