/* Posterior codes of many frames. */
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

/* Where frames of a group are observed, and the basis there. */
typedef struct observed {
    size_t count;
    size_t *index;     /* (count) into values of a frame */
    float *phi0, *phi; /* (count), (count, C) */
    double *noise;     /* (count) */
} observed;

static void observed_clear(observed *o)
{
    free(o->index);
    free(o->phi0);
    free(o->phi);
    free(o->noise);
}

/* Basis at all points of the frame, of which the rows without a value are squeezed out. */
static fc_status observe(fc_context *context, const fc_decoder *decoder, const fc_dataset *dataset,
                         const fc_frame *frame, const double *noise, observed *o)
{
    fc_status status = FC_OK;
    const fc_points *points = &dataset->points[frame->points];
    size_t channels = dataset->channel_count, codes = decoder->config.codes;
    size_t values = fc__product(points->count, channels);
    FC_NEW(context, &o->index, values);
    FC_NEW(context, &o->phi0, values);
    FC_NEW(context, &o->phi, fc__product(values, codes));
    FC_NEW(context, &o->noise, values);
    FC_TRY(fc_decoder_basis(context, decoder, points->count, points->coordinates, o->phi0, o->phi));
    for (size_t i = 0; i < values; i++) {
        if (isnan(frame->values[i]))
            continue;
        size_t at = o->count++;
        o->index[at] = i;
        o->noise[at] = noise[i % channels];
        o->phi0[at] = o->phi0[i];
        if (at != i)
            memcpy(o->phi + at * codes, o->phi + i * codes, codes * sizeof *o->phi);
    }
    if (o->count == 0)
        status = fc__fail(context, FC_ERROR_DATA, "no value is observed");
done:
    return status;
}

/* What a group adds up, (channels) each. */
typedef struct totals {
    double *number;   /* of values */
    double *square;   /* of residuals */
    double *leverage; /* NULL = not wanted */
} totals;

/* Squared residuals and numbers of values, given codes (frames, C). */
static fc_status add_residuals(fc_context *context, const observed *o, size_t codes,
                               size_t channels, size_t frames, const float *y, const double *z,
                               totals *sum)
{
    fc_status status = FC_OK;
    float *u = NULL, *zf = NULL;
    FC_NEW(context, &u, fc__product(frames, o->count));
    FC_NEW(context, &zf, fc__product(frames, codes));
    for (size_t i = 0; i < frames * codes; i++)
        zf[i] = (float)z[i];
    fc__sgemm_parallel(context, false, true, frames, o->count, codes, 1.0f, zf, codes, o->phi,
                       codes, 0.0f, u, o->count);
    for (size_t f = 0; f < frames; f++) {
        for (size_t i = 0; i < o->count; i++) {
            double r = (double)(y[f * o->count + i] - u[f * o->count + i] - o->phi0[i]);
            sum->square[o->index[i] % channels] += r * r;
            sum->number[o->index[i] % channels] += 1.0;
        }
    }
done:
    free(u);
    free(zf);
    return status;
}

/* Leverages of the values of `frames` frames: diag(Phi P Phi^T R^-1). */
static fc_status add_leverages(fc_context *context, const observed *o,
                               const fc_posterior *posterior, size_t codes, size_t channels,
                               size_t frames, totals *sum)
{
    fc_status status = FC_OK;
    double *covariance = NULL, *variance = NULL;
    FC_NEW(context, &covariance, fc__product(codes, codes));
    FC_NEW(context, &variance, o->count);
    fc_posterior_covariance(posterior, covariance);
    FC_TRY(fc_basis_variance(context, codes, covariance, o->count, o->phi, variance));
    for (size_t i = 0; i < o->count; i++)
        sum->leverage[o->index[i] % channels] += (double)frames * variance[i] / o->noise[i];
done:
    free(covariance);
    free(variance);
    return status;
}

/* Encodes frames[0..count), a group; z (count, C). */
static fc_status encode_group(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                              const double *noise, const fc_dataset *dataset, size_t count,
                              const place *frames, double *z, totals *sum)
{
    enum { BLOCK_BYTES = 1 << 25 };
    fc_status status = FC_OK;
    size_t codes = decoder->config.codes;
    observed o = {0};
    fc_posterior *posterior = NULL;
    float *y = NULL;
    FC_TRY(observe(context, decoder, dataset, frames[0].frame, noise, &o));
    FC_TRY(fc_posterior_create(context, prior, o.count, o.phi0, o.phi, o.noise, FC_POSTERIOR_AUTO,
                               &posterior));
    size_t block = 1 + BLOCK_BYTES / sizeof *y / o.count;
    FC_NEW(context, &y, fc__product(count < block ? count : block, o.count));
    for (size_t start = 0; start < count; start += block) {
        size_t size = count - start < block ? count - start : block;
        for (size_t f = 0; f < size; f++)
            for (size_t i = 0; i < o.count; i++)
                y[f * o.count + i] = frames[start + f].frame->values[o.index[i]];
        FC_TRY(fc_posterior_encode(context, posterior, size, y, z + start * codes));
        FC_TRY(add_residuals(context, &o, codes, dataset->channel_count, size, y, z + start * codes,
                             sum));
    }
    if (sum->leverage)
        FC_TRY(add_leverages(context, &o, posterior, codes, dataset->channel_count, count, sum));
done:
    observed_clear(&o);
    fc_posterior_destroy(posterior);
    free(y);
    return status;
}

/* Encodes every group; many groups are divided among threads, few use all threads each. */
static fc_status encode_groups(fc_context *context, const fc_decoder *decoder,
                               const fc_prior *prior, const double *noise,
                               const fc_dataset *dataset, size_t group_count, group *groups,
                               const place *sorted, double *z, totals *sums)
{
    size_t codes = decoder->config.codes;
    int threads = fc_context_threads(context);
    bool many = group_count >= 4 * (size_t)threads;
    fc_context *inner = many ? NULL : context;
#pragma omp parallel for num_threads(many ? threads : 1) schedule(dynamic, 1)
    for (size_t g = 0; g < group_count; g++)
        groups[g].status =
            encode_group(inner, decoder, prior, noise, dataset, groups[g].end - groups[g].begin,
                         sorted + groups[g].begin, z + groups[g].begin * codes, &sums[g]);
    for (size_t g = 0; g < group_count; g++)
        if (groups[g].status != FC_OK)
            return fc__fail(context, groups[g].status, "encoding frame %zu: %s",
                            sorted[groups[g].begin].order,
                            inner ? fc_context_message(inner) : fc_status_text(groups[g].status));
    return FC_OK;
}

/* Means over all values of each channel, 0 for a channel without any. */
static void average(size_t channels, size_t group_count, const totals *sums, double *square,
                    double *leverage)
{
    for (size_t ch = 0; ch < channels; ch++) {
        double number = 0.0, squares = 0.0, leverages = 0.0;
        for (size_t g = 0; g < group_count; g++) {
            number += sums[g].number[ch];
            squares += sums[g].square[ch];
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
                           .square = own + channels,
                           .leverage = leverage ? own + 2 * channels : NULL};
    }
    FC_TRY(encode_groups(context, decoder, prior, noise, frames->dataset, group_count, groups,
                         sorted, z, sums));
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
