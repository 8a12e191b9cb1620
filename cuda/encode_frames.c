/* Posterior codes of frames observed at many sets of points. Groups of a few frames each are solved
 * in batches: the basis at the points of all of them, then all their matrices at once. Groups of
 * many frames, and those too large for a batch, go the way of frames at one set of points. */
#include "cuda/analysis.h"
#include "cuda/decode.h"
#include "cuda/encode.h"
#include "cuda/normal.h"
#include "cuda/sizes.h"
#include "inr/groups.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MANY_FRAMES = 8,       /* of a group on its own */
    MOST_GROUPS = 4096,    /* of a batch */
    MOST_POINTS = 1 << 20, /* of a batch */
    MOST_VALUES = 1 << 24  /* of a batch */
};

/* What is wanted, and added up over all frames. */
typedef struct request {
    const fc_decoder *decoder;
    const fc_prior *prior;
    const double *noise;
    const fc__groups *groups;
    double *codes;                      /* (frames, C) in the caller's order */
    double *number, *square, *leverage; /* (channels) */
    bool wants_square, wants_leverage;
    bool finite; /* all codes so far */
} request;

/* Memory for batches, and the batch that is being put together. */
typedef struct batch {
    fc_context *context;
    fc__cuda *cuda;
    fc__device *device;
    fc__cuda_network *network;
    request *request;
    size_t codes, channels, dims;
    size_t most_groups, most_frames, most_points, most_values;
    const fc__cuda_basis_kept *basis;      /* at the points of all groups, NULL = their own */
    size_t groups, frames, points, values; /* in the batch */
    double *host_x, *host_z, *host_sums;   /* (points, dims), (frames, C), (frames, channels) */
    float *host_y;                         /* (values) */
    fc__cuda_span *host_span;              /* (frames) */
    size_t *host_lead, *host_group;        /* (groups), (frames) */
    const fc__place **place;               /* (frames) */
    double *x, *factor, *precision, *m;    /* from here on device */
    float *phi0, *phi, *y;
    fc__cuda_span *span;
    size_t *lead, *group;
    double *normal, *product, *covariance; /* (groups, C, C) */
    fc__cuda_cholesky *whitened;
    double *rhs, *z; /* (frames, C) */
    double *sums;    /* (frames, channels), or traces (groups) */
} batch;

/* ---------------------------------------------------------------- life */

static size_t frames_of(const fc__groups *groups, size_t g)
{
    return groups->group[g].end - groups->group[g].begin;
}

/* Sizes of batches: what all groups but those of many frames need, within shares of the room, half
 * of which is left to bases that are kept and to groups on their own. */
static void size_batches(batch *b)
{
    const fc__groups *groups = b->request->groups;
    size_t room = fc__device_room(b->device) / 8, count = 0, points = 0, values = 0;
    size_t square = fc__product(b->codes, b->codes) * sizeof(double);
    size_t point = b->dims * sizeof(double) + b->channels * (b->codes + 1) * sizeof(float);
    for (size_t g = 0; g < groups->count; g++) {
        size_t frames = frames_of(groups, g), own = fc__groups_points(groups, g)->count;
        if (frames >= MANY_FRAMES)
            continue;
        count++;
        points += own;
        values += own * frames * b->channels;
    }
    size_t matrices = b->request->wants_leverage ? 4 : 3;
    b->most_groups = fc__smaller(fc__smaller(room / matrices / square, MOST_GROUPS), count);
    b->most_frames = b->most_groups * (MANY_FRAMES - 1);
    b->most_points = fc__smaller(fc__smaller(room / point, MOST_POINTS), points);
    b->most_values = fc__smaller(fc__smaller(room / sizeof(float), MOST_VALUES), values);
}

static fc_status open_host(batch *b)
{
    fc_status status = FC_OK;
    FC_NEW(b->context, &b->host_x, fc__product(b->most_points, b->dims));
    FC_NEW(b->context, &b->host_y, b->most_values);
    FC_NEW(b->context, &b->host_z, fc__product(b->most_frames, b->codes));
    FC_NEW(b->context, &b->host_sums, fc__product(b->most_frames, b->channels));
    FC_NEW(b->context, &b->host_span, b->most_frames);
    FC_NEW(b->context, &b->host_lead, b->most_groups);
    FC_NEW(b->context, &b->host_group, b->most_frames);
    FC_NEW(b->context, &b->place, b->most_frames);
done:
    return status;
}

static fc_status open_device(batch *b)
{
    fc_status status = FC_OK;
    fc_context *context = b->context;
    fc__device *device = b->device;
    size_t square = b->codes * b->codes, rows = b->most_points * b->channels;
    FC_DEVICE_NEW(context, device, "coordinates", &b->x, b->most_points * b->dims);
    FC_DEVICE_NEW(context, device, "basis", &b->phi0, rows);
    FC_DEVICE_NEW(context, device, "basis", &b->phi, rows * b->codes);
    FC_DEVICE_NEW(context, device, "values of frames", &b->y, b->most_values);
    FC_DEVICE_NEW(context, device, "places of frames", &b->span, b->most_frames);
    FC_DEVICE_NEW(context, device, "places of frames", &b->lead, b->most_groups);
    FC_DEVICE_NEW(context, device, "places of frames", &b->group, b->most_frames);
    FC_DEVICE_NEW(context, device, "normal matrices", &b->normal, b->most_groups * square);
    FC_DEVICE_NEW(context, device, "whitened matrices", &b->product, b->most_groups * square);
    if (b->request->wants_leverage)
        FC_DEVICE_NEW(context, device, "covariances", &b->covariance, b->most_groups * square);
    FC_TRY(fc__cuda_cholesky_create(context, device, b->codes, b->most_groups, b->most_frames,
                                    &b->whitened));
    FC_DEVICE_NEW(context, device, "sums", &b->rhs, b->most_frames * b->codes);
    FC_DEVICE_NEW(context, device, "codes", &b->z, b->most_frames * b->codes);
    FC_DEVICE_NEW(context, device, "sums of squares", &b->sums, b->most_frames * b->channels);
done:
    return status;
}

static fc_status open_constants(batch *b)
{
    fc_status status = FC_OK;
    const request *r = b->request;
    size_t square = b->codes * b->codes;
    double *precision = NULL;
    FC_NEW(b->context, &precision, b->channels);
    for (size_t ch = 0; ch < b->channels; ch++)
        precision[ch] = 1.0 / r->noise[ch];
    FC_DEVICE_NEW(b->context, b->device, "factor of the prior", &b->factor, square);
    FC_DEVICE_NEW(b->context, b->device, "mean of the prior", &b->m, b->codes);
    FC_DEVICE_NEW(b->context, b->device, "noise", &b->precision, b->channels);
    FC_TRY(fc__device_upload(b->context, b->device, b->factor, r->prior->factor,
                             square * sizeof(double)));
    FC_TRY(
        fc__device_upload(b->context, b->device, b->m, r->prior->mean, b->codes * sizeof(double)));
    FC_TRY(fc__device_upload(b->context, b->device, b->precision, precision,
                             b->channels * sizeof(double)));
done:
    free(precision);
    return status;
}

static fc_status batch_open(fc_context *context, fc__cuda *cuda, request *r, batch *b)
{
    fc_status status = FC_OK;
    *b = (batch){.context = context,
                 .cuda = cuda,
                 .device = cuda->device,
                 .request = r,
                 .codes = r->decoder->config.codes,
                 .channels = r->decoder->config.channels,
                 .dims = r->decoder->domain.dims};
    size_batches(b);
    if (b->most_groups == 0)
        return FC_OK;
    FC_TRY(fc__cuda_network_create(context, b->device, r->decoder, &b->network));
    FC_TRY(open_host(b));
    FC_TRY(open_device(b));
    FC_TRY(open_constants(b));
done:
    return status;
}

static void batch_close(batch *b)
{
    void *const device[] = {b->x,      b->factor,  b->precision,  b->m,     b->phi0, b->phi,
                            b->y,      b->span,    b->lead,       b->group, b->rhs,  b->z,
                            b->normal, b->product, b->covariance, b->sums};
    void *const host[] = {b->host_x,    b->host_z,    b->host_sums,  b->host_y,
                          b->host_span, b->host_lead, b->host_group, (void *)b->place};
    fc__cuda_network_destroy(b->network);
    fc__cuda_cholesky_destroy(b->whitened);
    for (size_t i = 0; i < sizeof device / sizeof *device; i++)
        fc__device_free(b->device, device[i]);
    for (size_t i = 0; i < sizeof host / sizeof *host; i++)
        free(host[i]);
}

/* ---------------------------------------------------------------- putting together */

static fc_status name_frame(fc_context *context, fc_status status, const fc__place *place)
{
    char text[512];
    snprintf(text, sizeof text, "%s", fc_context_message(context));
    return fc__fail(context, status, "encoding frame %zu: %s", place->order, text);
}

/* Whether a group is too much for a batch. */
static bool is_large(const batch *b, size_t g)
{
    const fc__groups *groups = b->request->groups;
    size_t points = fc__groups_points(groups, g)->count, frames = frames_of(groups, g);
    return frames >= MANY_FRAMES || b->most_groups == 0 || points > b->most_points ||
           points * frames * b->channels > b->most_values;
}

static bool has_room(const batch *b, size_t g)
{
    const fc__groups *groups = b->request->groups;
    size_t points = fc__groups_points(groups, g)->count, frames = frames_of(groups, g);
    return b->groups < b->most_groups && (b->basis || b->points + points <= b->most_points) &&
           b->values + points * frames * b->channels <= b->most_values;
}

/* Values of a frame, and what is observed of them. */
static size_t take_values(batch *b, size_t values, const float *y)
{
    size_t found = 0;
    memcpy(b->host_y + b->values, y, values * sizeof *y);
    for (size_t v = 0; v < values; v++) {
        bool observed = !isnan(y[v]);
        b->request->number[v % b->channels] += observed ? 1.0 : 0.0;
        found += observed;
    }
    b->values += values;
    return found;
}

static fc_status take_group(batch *b, size_t g)
{
    const fc__groups *groups = b->request->groups;
    const fc_points *points = fc__groups_points(groups, g);
    b->host_lead[b->groups] = b->frames;
    for (size_t f = groups->group[g].begin; f < groups->group[g].end; f++, b->frames++) {
        const fc__place *place = groups->place + f;
        b->place[b->frames] = place;
        b->host_group[b->frames] = b->groups;
        b->host_span[b->frames] =
            (fc__cuda_span){b->basis ? 0 : b->points, points->count, b->values};
        if (take_values(b, points->count * b->channels, place->frame->values) == 0)
            return fc__fail(b->context, FC_ERROR_DATA, "encoding frame %zu: no value is observed",
                            place->order);
    }
    if (!b->basis) {
        memcpy(b->host_x + b->points * b->dims, points->coordinates,
               points->count * b->dims * sizeof *b->host_x);
        b->points += points->count;
    }
    b->groups++;
    return FC_OK;
}

/* ---------------------------------------------------------------- solving */

static fc_status upload(batch *b)
{
    fc_status status = FC_OK;
    fc_context *context = b->context;
    fc__device *device = b->device;
    FC_TRY(fc__device_upload(context, device, b->y, b->host_y, b->values * sizeof *b->y));
    FC_TRY(fc__device_upload(context, device, b->span, b->host_span, b->frames * sizeof *b->span));
    FC_TRY(fc__device_upload(context, device, b->lead, b->host_lead, b->groups * sizeof *b->lead));
    FC_TRY(
        fc__device_upload(context, device, b->group, b->host_group, b->frames * sizeof *b->group));
    if (b->basis)
        return FC_OK;
    FC_TRY(fc__device_upload(context, device, b->x, b->host_x, b->points * b->dims * sizeof *b->x));
    FC_TRY(fc__cuda_network_basis(context, b->network, b->points, b->x, b->phi0, b->phi));
done:
    return status;
}

/* z = m + F M^-1 F^T (Phi^T R^-1 (y - phi0) - N m) */
static fc_status solve(batch *b, const fc__cuda_sets *sets)
{
    fc_status status = FC_OK;
    fc_context *context = b->context;
    fc__device *device = b->device;
    size_t c = b->codes, failed = 0;
    FC_TRY(fc__cuda_normal(context, device, sets, b->groups, b->lead, FC__ALL_CHANNELS, b->normal));
    FC_TRY(fc__cuda_project(context, device, sets, b->frames, b->rhs));
    FC_TRY(fc__cuda_subtract_product(context, device, b->frames, c, b->normal, b->group, b->m,
                                     b->rhs));
    FC_TRY(fc__cuda_whiten(context, device, b->groups, c, b->factor, b->normal, b->product,
                           fc__cuda_cholesky_matrices(b->whitened)));
    FC_TRY(fc__cuda_cholesky_factor(context, b->whitened, b->groups));
    status = fc__cuda_cholesky_check(context, b->whitened, "posterior", &failed);
    if (status == FC_ERROR_SOLVER)
        status = name_frame(context, status, b->place[b->host_lead[failed]]);
    FC_TRY(status);
    FC_TRY(fc__device_dgemm(context, device, false, false, b->frames, c, c, 1.0, b->rhs, c,
                            b->factor, c, 0.0, b->z, c));
    FC_TRY(fc__cuda_cholesky_solve(context, b->whitened, b->frames, b->group, b->z));
    FC_TRY(fc__cuda_repeat(context, device, b->frames, c, b->m, b->rhs));
    FC_TRY(fc__device_dgemm(context, device, false, true, b->frames, c, c, 1.0, b->z, c, b->factor,
                            c, 1.0, b->rhs, c));
done:
    return status;
}

/* The codes to where they belong. */
static fc_status deliver(batch *b)
{
    request *r = b->request;
    size_t c = b->codes;
    fc_status status = fc__device_download(b->context, b->device, b->host_z, b->rhs,
                                           b->frames * c * sizeof *b->host_z);
    for (size_t f = 0; f < b->frames && status == FC_OK; f++)
        memcpy(r->codes + b->place[f]->order * c, b->host_z + f * c, c * sizeof *b->host_z);
    for (size_t i = 0; i < b->frames * c && status == FC_OK; i++)
        r->finite &= (bool)isfinite(b->host_z[i]);
    return status;
}

static fc_status add_squares(batch *b, const fc__cuda_sets *sets)
{
    fc_status status = FC_OK;
    size_t size = b->frames * b->channels;
    FC_TRY(fc__cuda_squares(b->context, b->device, sets, b->frames, b->rhs, b->sums));
    FC_TRY(
        fc__device_download(b->context, b->device, b->host_sums, b->sums, size * sizeof(double)));
    for (size_t i = 0; i < size; i++)
        b->request->square[i % b->channels] += b->host_sums[i];
done:
    return status;
}

/* Traces of P times the normal matrices of a channel, which take the place of the factors of M. */
static fc_status add_leverages(batch *b, const fc__cuda_sets *sets)
{
    fc_status status = FC_OK;
    double *normal = b->channels > 1 ? fc__cuda_cholesky_matrices(b->whitened) : b->normal;
    FC_TRY(fc__cuda_roots(b->context, b->device, b->whitened, b->groups, b->codes, b->factor,
                          b->product, b->covariance));
    for (size_t ch = 0; ch < b->channels; ch++) {
        if (b->channels > 1)
            FC_TRY(
                fc__cuda_normal(b->context, b->device, sets, b->groups, b->lead, (int)ch, normal));
        FC_TRY(fc__cuda_traces(b->context, b->device, b->groups, b->codes, b->covariance, normal,
                               b->sums));
        FC_TRY(fc__device_download(b->context, b->device, b->host_sums, b->sums,
                                   b->groups * sizeof *b->sums));
        for (size_t f = 0; f < b->frames; f++)
            b->request->leverage[ch] += b->host_sums[b->host_group[f]];
    }
done:
    return status;
}

/* Encodes what has been put together, if anything, and begins anew. */
static fc_status flush(batch *b)
{
    fc_status status = FC_OK;
    if (b->groups == 0)
        return FC_OK;
    const fc__cuda_sets sets = {.channels = b->channels,
                                .codes = b->codes,
                                .span = b->span,
                                .phi0 = b->basis ? b->basis->phi0 : b->phi0,
                                .phi = b->basis ? b->basis->phi : b->phi,
                                .y = b->y,
                                .precision = b->precision};
    FC_TRY(upload(b));
    FC_TRY(solve(b, &sets));
    FC_TRY(deliver(b));
    if (b->request->wants_square)
        FC_TRY(add_squares(b, &sets));
    if (b->request->wants_leverage)
        FC_TRY(add_leverages(b, &sets));
    b->groups = b->frames = b->points = b->values = 0;
done:
    return status;
}

/* ---------------------------------------------------------------- groups */

/* A group on its own. */
static fc_status encode_group(batch *b, size_t g)
{
    fc_status status = FC_OK;
    request *r = b->request;
    const fc_points *points = fc__groups_points(r->groups, g);
    const fc__place *place = r->groups->place + r->groups->group[g].begin;
    size_t count = frames_of(r->groups, g), c = b->codes;
    const float **values = NULL;
    double *z = NULL;
    bool taken = false;
    FC_NEW(b->context, &values, count);
    FC_NEW(b->context, &z, fc__product(count, c));
    for (size_t f = 0; f < count; f++)
        values[f] = place[f].frame->values;
    const fc__observed observed = {.count = points->count,
                                   .frames = count,
                                   .coordinates = points->coordinates,
                                   .values = values};
    fc__encoded encoded = {.codes = z,
                           .number = r->number,
                           .square = r->wants_square ? r->square : NULL,
                           .leverage = r->wants_leverage ? r->leverage : NULL};
    status = fc__cuda_encode(b->cuda, b->context, r->decoder, r->prior, r->noise, &observed,
                             &encoded, &taken);
    if (status != FC_OK)
        status = name_frame(b->context, status, place);
    r->finite &= taken;
    for (size_t f = 0; f < count && status == FC_OK; f++)
        memcpy(r->codes + place[f].order * c, z + f * c, c * sizeof *z);
done:
    free(values);
    free(z);
    return status;
}

/* Groups [begin, end), which share a point set or have each their own. */
static fc_status encode_run(batch *b, size_t begin, size_t end, bool shared)
{
    fc_status status = FC_OK;
    fc__kept *held = NULL;
    const fc_points *points = fc__groups_points(b->request->groups, begin);
    if (shared)
        FC_TRY(fc__cuda_basis_hold(b->context, b->cuda, b->request->decoder, NULL, points->count,
                                   points->coordinates, &held));
    b->basis = held ? held->thing : NULL;
    for (size_t g = begin; g < end && b->request->finite; g++) {
        if (is_large(b, g)) {
            FC_TRY(encode_group(b, g));
            continue;
        }
        if (!has_room(b, g))
            FC_TRY(flush(b));
        FC_TRY(take_group(b, g));
    }
    FC_TRY(flush(b));
done:
    fc__cuda_kept_release(held);
    return status;
}

static void average(size_t channels, const double *sum, const double *number, double *mean)
{
    for (size_t ch = 0; mean && ch < channels; ch++)
        mean[ch] = number[ch] > 0.0 ? sum[ch] / number[ch] : 0.0;
}

fc_status fc__cuda_encode_frames(void *device, fc_context *context, const fc_decoder *decoder,
                                 const fc_prior *prior, const double *noise,
                                 const fc__frames *frames, double *codes, double *square,
                                 double *leverage, bool *taken)
{
    fc_status status = FC_OK;
    size_t channels = decoder->config.channels;
    fc__groups groups = {0};
    double *sums = NULL;
    batch b = {0};
    request r = {.decoder = decoder,
                 .prior = prior,
                 .noise = noise,
                 .groups = &groups,
                 .codes = codes,
                 .wants_square = square != NULL,
                 .wants_leverage = leverage != NULL,
                 .finite = true};
    *taken = false;
    if (!fc__cuda_network_takes(decoder))
        return FC_OK;
    FC_NEW(context, &sums, 3 * channels);
    r.number = sums;
    r.square = sums + channels;
    r.leverage = sums + 2 * channels;
    FC_TRY(fc__groups_create(context, frames, &groups));
    FC_TRY(batch_open(context, device, &r, &b));
    for (size_t begin = 0, end; begin < groups.count && r.finite; begin = end) {
        bool shared;
        end = fc__groups_run(&groups, begin, &shared);
        FC_TRY(encode_run(&b, begin, end, shared));
    }
    average(channels, r.square, r.number, square);
    average(channels, r.leverage, r.number, leverage);
    *taken = r.finite; /* else the processor tries again, and names what is to blame */
done:
    batch_close(&b);
    fc__groups_clear(&groups);
    free(sums);
    return status;
}
