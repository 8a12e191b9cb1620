/* Codes of frames whose decoder bends: for each frame Gauss-Newton steps, the first of them from
 * several codes and with few of its points. */
#include "inr/gauss_newton.h"
#include "inr/intake.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

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
    fc__intake e;
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
    fc__intake *e = &frame->e;
    fc__rows rows;
    FC_TRY(move_to(context, z, frame));
    memset(frame->square, 0, e->channels * sizeof *frame->square);
    for (size_t start = 0; start < e->kept; start += e->part) {
        FC_TRY(fc__intake_part(context, e, start, &rows));
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
    fc__intake *e = &frame.e;
    fc__analysis *analysis = NULL;
    size_t codes = call->decoder->config.codes;
    FC_TRY(fc__intake_open(context, call->decoder, call->prior, call->noise, observed, e,
                           &encoded->values));
    e->keyed = false;
    FC_TRY(fc__intake_basis(context, call->decoder, observed, NULL, NULL, e));
    FC_NEW(context, &frame.z, codes);
    FC_NEW(context, &frame.square, e->channels);
    FC_TRY(check_finite(context, observed->count * e->channels, observed->values[0]));
    FC_TRY(fc__gauss_newton(context, call->prior, e->m, call->config, linearise, &frame, z,
                            &analysis, report));
    if (encoded->number || encoded->square || encoded->leverage) {
        encoded->codes = z;
        FC_TRY(move_to(context, z, &frame));
        FC_TRY(fc__intake_residuals(context, e, analysis, encoded));
    }
    if (encoded->covariance)
        memcpy(encoded->covariance, analysis->covariance, codes * codes * sizeof *z);
done:
    fc__intake_clear(e);
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

/* J of codes (count, C) for the values that `observed`, which is one frame, has. */
static fc_status find_costs(fc_context *context, const bent_call *call,
                            const fc__observed *observed, size_t count, const float *z,
                            double *cost)
{
    fc_status status = FC_OK;
    fc__intake e = {0};
    const fc_decoder *decoder = call->decoder;
    size_t codes = decoder->config.codes, values;
    float *u = NULL;
    double *away = NULL;
    FC_TRY(fc__intake_open(context, decoder, call->prior, call->noise, observed, &e, &values));
    size_t size = e.kept * e.channels;
    FC_NEW(context, &u, fc__product(count, size));
    FC_NEW(context, &away, codes);
    FC_TRY(fc_decoder_values(context, decoder, e.kept,
                             e.coordinates ? e.coordinates : observed->coordinates, count, z, u));
    for (size_t k = 0; k < count; k++) {
        cost[k] = 0.0;
        for (size_t r = 0; r < size; r++) {
            size_t point = r / e.channels, c = r % e.channels;
            double value =
                (double)observed->values[0][(e.place ? e.place[point] : point) * e.channels + c];
            if (isnan(value))
                continue;
            if (observed->mean)
                value = (value - observed->mean[c]) / observed->scale[c];
            cost[k] += pow(value - (double)u[k * size + r], 2) * e.precision[c];
        }
        for (size_t i = 0; i < codes; i++)
            away[i] = (double)z[k * codes + i] - e.m[i];
        fc__triangular_solve(false, codes, call->prior->factor, 1, away);
        for (size_t i = 0; i < codes; i++)
            cost[k] += away[i] * away[i];
    }
done:
    fc__intake_clear(&e);
    free(u);
    free(away);
    return status;
}

/* Steps from z, the prior's mean, and from the two best of the decoder's starts; z becomes the code
 * of the lowest J. */
static fc_status try_starts(fc_context *context, const bent_call *call,
                            const fc__observed *observed, fc__encoded *encoded, double *z)
{
    enum { TRIED = 2, STEPS = 6 };
    fc_status status = FC_OK;
    size_t codes = call->decoder->config.codes, count = call->decoder->start_count;
    fc_encoding_report best, report;
    fc_encoding_config short_way = *call->config;
    bent_call some = *call;
    double *cost = NULL, *other = NULL;
    short_way.steps = short_way.steps < STEPS ? short_way.steps : STEPS;
    some.config = &short_way;
    FC_NEW(context, &cost, count);
    FC_NEW(context, &other, codes);
    FC_TRY(descend(context, &some, observed, encoded, z, &best));
    if (count)
        FC_TRY(find_costs(context, call, observed, count, call->decoder->starts, cost));
    for (size_t tried = 0; tried < TRIED && tried < count; tried++) {
        size_t k = 0;
        for (size_t i = 1; i < count; i++)
            k = cost[i] < cost[k] ? i : k;
        cost[k] = INFINITY;
        for (size_t i = 0; i < codes; i++)
            other[i] = (double)call->decoder->starts[k * codes + i];
        FC_TRY(descend(context, &some, observed, encoded, other, &report));
        if (report.cost < best.cost) {
            best = report;
            memcpy(z, other, codes * sizeof *z);
        }
    }
done:
    free(cost);
    free(other);
    return status;
}

/* The first steps look at a sample of the points, as most of the way needs no more. */
static fc_status approach(fc_context *context, const bent_call *call, const fc__observed *frame,
                          double *z)
{
    enum { ENOUGH = 512 }; /* values, or four times the codes */
    fc_status status = FC_OK;
    bool *seen = NULL;
    size_t codes = call->decoder->config.codes, channels = call->decoder->config.channels;
    size_t enough = (4 * codes > ENOUGH ? 4 * codes : ENOUGH) / channels + 1;
    size_t stride = frame->count / enough;
    fc__observed few = *frame;
    fc__encoded encoded = {0};
    if (stride >= 4) {
        FC_NEW(context, &seen, frame->count);
        thin_out(frame, stride, seen);
        few.seen = seen;
    }
    status = try_starts(context, call, &few, &encoded, z);
    if (status == FC_ERROR_DATA && encoded.values == 0)
        status = FC_OK; /* nothing of the sample is observed: the steps with all points will tell */
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
    if (!frame.start)
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
static fc_status encode_frames(fc_context *context, const bent_call *call, fc__encoded *encoded)
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

fc_status fc__encode_bent(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                          const double *noise, const fc__observed *observed, fc__encoded *encoded)
{
    fc_encoding_config config = fc_encoding_config_default();
    const bent_call call = {decoder, prior, noise, observed, &config};
    return encode_frames(context, &call, encoded);
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
