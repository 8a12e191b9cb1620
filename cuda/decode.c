/* Decoding on the device: one product of matrices from the basis, which stays there where it is not
 * too large, else in parts of the points. Values go to the host piece by piece. */
#include "cuda/decode.h"
#include "cuda/fields.h"
#include "cuda/staging.h"
#include "inr/basis_cache.h"

#include <stdlib.h>
#include <string.h>

static const size_t piece_values = (size_t)4 << 20; /* most values of a piece */
static const size_t slice_values = (size_t)1 << 18; /* that a thread delivers at a time */
static const size_t fewest_points = 128;

/* ---------------------------------------------------------------- basis */

static void basis_destroy(void *thing)
{
    fc__cuda_basis_kept *basis = thing;
    if (!basis)
        return;
    fc__device_free(basis->device, basis->phi0);
    fc__device_free(basis->device, basis->phi);
    free(basis);
}

static fc_status basis_create(fc_context *context, fc__device *device, const fc_decoder *decoder,
                              size_t count, fc__cuda_basis_kept **basis)
{
    fc_status status = FC_OK;
    size_t channels = decoder->config.channels, codes = decoder->config.codes;
    size_t rows = fc__product(count, channels);
    *basis = NULL;
    FC_NEW(context, basis, 1);
    **basis = (fc__cuda_basis_kept){
        .device = device, .count = count, .channels = channels, .codes = codes};
    FC_DEVICE_NEW(context, device, "basis", &(*basis)->phi0, rows);
    FC_DEVICE_NEW(context, device, "basis", &(*basis)->phi, fc__product(rows, codes));
done:
    if (status != FC_OK) {
        basis_destroy(*basis);
        *basis = NULL;
    }
    return status;
}

/* At points [start, start + size), size at most that of the basis. */
static fc_status basis_fill(fc_context *context, fc__cuda_network *network,
                            const fc_decoder *decoder, size_t start, size_t size,
                            const double *coordinates, fc__cuda_basis_kept *basis)
{
    fc_status status = FC_OK;
    fc__device *device = basis->device;
    size_t dims = decoder->domain.dims;
    double *x = NULL;
    FC_DEVICE_NEW(context, device, "coordinates", &x, fc__product(size, dims));
    FC_TRY(
        fc__device_upload(context, device, x, coordinates + start * dims, size * dims * sizeof *x));
    FC_TRY(fc__cuda_network_basis(context, network, size, x, basis->phi0, basis->phi));
done:
    fc__device_free(device, x);
    return status;
}

static size_t basis_bytes(const fc_decoder *decoder, size_t count)
{
    size_t rows = fc__product(count, decoder->config.channels);
    return fc__product(rows, (decoder->config.codes + 1) * sizeof(float));
}

fc_status fc__cuda_basis_hold(fc_context *context, fc__cuda *cuda, const fc_decoder *decoder,
                              const fc__key *key, size_t count, const double *coordinates,
                              fc__kept **held)
{
    fc_status status = FC_OK;
    fc__cuda_network *network = NULL;
    fc__cuda_basis_kept *basis = NULL;
    size_t bytes = basis_bytes(decoder, count);
    fc__key own;
    *held = NULL;
    if (!fc__cuda_network_takes(decoder) || !fc__cuda_kept_accepts(cuda->kept, bytes))
        return FC_OK;
    if (!key) {
        fc__key decoder_key = fc__decoder_key(decoder);
        own = fc__basis_key(&decoder_key, decoder, count, coordinates);
        key = &own;
    }
    *held = fc__cuda_kept_find(cuda->kept, FC__KEPT_BASIS, key);
    if (*held || bytes > fc__device_room(cuda->device) / 2) /* who uses it wants memory, too */
        return FC_OK;
    FC_TRY(fc__cuda_network_create(context, cuda->device, decoder, &network));
    FC_TRY(basis_create(context, cuda->device, decoder, count, &basis));
    FC_TRY(basis_fill(context, network, decoder, 0, count, coordinates, basis));
    status = fc__cuda_kept_add(context, cuda->kept, FC__KEPT_BASIS, key, bytes, basis,
                               basis_destroy, held);
    basis = NULL;
done:
    basis_destroy(basis);
    fc__cuda_network_destroy(network);
    return status;
}

/* ---------------------------------------------------------------- a request */

/* What all parts of a decoding have in common, device but for `staging`. */
typedef struct request {
    fc__device *device;
    const fc__decoding *decoding;
    size_t codes, channels;
    size_t points, frames; /* of a piece at most */
    float *z, *affine;     /* (frames, C), mean and scale (channels) each or NULL */
    float *work, *values;
    fc__staging *staging;
} request;

/* A piece of the values: frames [frame, frame + frames) at points [start, start + points). */
typedef struct piece {
    size_t start, points, frame, frames;
} piece;

static fc_status upload_codes(fc_context *context, request *r)
{
    fc_status status = FC_OK;
    const fc__decoding *d = r->decoding;
    float *host = NULL;
    size_t size = fc__product(d->frames, r->codes);
    FC_NEW(context, &host, size > 2 * r->channels ? size : 2 * r->channels);
    for (size_t i = 0; i < size; i++)
        host[i] = (float)d->codes[i / r->codes][i % r->codes];
    FC_DEVICE_NEW(context, r->device, "codes", &r->z, size);
    FC_TRY(fc__device_upload(context, r->device, r->z, host, size * sizeof *host));
    if (!d->mean)
        goto done;
    for (size_t c = 0; c < r->channels; c++) {
        host[c] = (float)d->mean[c];
        host[r->channels + c] = (float)d->scale[c];
    }
    FC_DEVICE_NEW(context, r->device, "scales", &r->affine, 2 * r->channels);
    FC_TRY(fc__device_upload(context, r->device, r->affine, host, 2 * r->channels * sizeof *host));
done:
    free(host);
    return status;
}

static void request_close(request *r)
{
    fc__staging_destroy(r->staging);
    fc__device_free(r->device, r->z);
    fc__device_free(r->device, r->affine);
    fc__device_free(r->device, r->work);
    fc__device_free(r->device, r->values);
}

/* Pieces of all frames at some points or, at all points, of some frames. */
static fc_status request_open(fc_context *context, fc__device *device, const fc_decoder *decoder,
                              const fc__decoding *d, request *r)
{
    fc_status status = FC_OK;
    *r = (request){.device = device,
                   .decoding = d,
                   .codes = decoder->config.codes,
                   .channels = decoder->config.channels};
    size_t most = fc__device_room(device) / 4 / sizeof(float);
    most = most < piece_values ? most : piece_values;
    size_t rows = fc__product(d->count, r->channels);
    r->frames = rows > most ? 1 : most / rows;
    r->frames = r->frames < d->frames ? r->frames : d->frames;
    r->points = rows > most ? most / r->channels : d->count;
    r->points = r->points > 0 ? r->points : 1;
    size_t values = fc__product(r->frames, r->points * r->channels);
    FC_TRY(upload_codes(context, r));
    FC_DEVICE_NEW(context, device, "work of fields", &r->work,
                  fc__cuda_fields_work(r->codes, r->frames));
    FC_DEVICE_NEW(context, device, "fields", &r->values, values);
    FC_TRY(fc__staging_create(context, device, values * sizeof(float), &r->staging));
done:
    return status;
}

/* Takes the oldest piece on its way to where it belongs. */
static fc_status deliver(fc_context *context, request *r, const piece *p)
{
    const void *at;
    size_t rows = p->points * r->channels;
    fc_status status = fc__staging_pop(context, r->staging, &at);
    if (status != FC_OK)
        return status;
    size_t slices = (rows + slice_values - 1) / slice_values, count = p->frames * slices;
    int threads = fc__threads_worth(context, p->frames * rows, count);
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (size_t i = 0; i < count; i++) {
        size_t frame = i / slices, start = i % slices * slice_values;
        size_t size = rows - start < slice_values ? rows - start : slice_values;
        memcpy(r->decoding->values[p->frame + frame] + p->start * r->channels + start,
               (const float *)at + frame * rows + start, size * sizeof(float));
    }
    return FC_OK;
}

/* The fields at the points of a basis, which begin with point `first` of the request. */
static fc_status decode_points(fc_context *context, request *r, size_t first, size_t count,
                               const fc__cuda_basis_kept *basis)
{
    fc_status status = FC_OK;
    const fc__decoding *d = r->decoding;
    piece last = {0};
    for (size_t start = 0; start < count; start += r->points)
        for (size_t frame = 0; frame < d->frames; frame += r->frames) {
            piece now = {.start = first + start, .frame = frame};
            now.points = count - start < r->points ? count - start : r->points;
            now.frames = d->frames - frame < r->frames ? d->frames - frame : r->frames;
            size_t rows = now.points * r->channels, offset = start * r->channels;
            FC_TRY(fc__cuda_fields(context, r->device, rows, r->codes, r->channels, now.frames,
                                   basis->phi0 + offset, basis->phi + offset * r->codes,
                                   r->z + frame * r->codes, r->affine,
                                   r->affine ? r->affine + r->channels : NULL, r->work, r->values));
            FC_TRY(fc__staging_push(context, r->staging, r->values,
                                    now.frames * rows * sizeof(float)));
            if (last.frames)
                FC_TRY(deliver(context, r, &last));
            last = now;
        }
    if (last.frames)
        FC_TRY(deliver(context, r, &last));
done:
    return status;
}

/* ---------------------------------------------------------------- decoding */

/* Points in parts that leave room for the rest. */
static fc_status decode_in_parts(fc_context *context, fc__cuda *cuda, const fc_decoder *decoder,
                                 request *r)
{
    fc_status status = FC_OK;
    const fc__decoding *d = r->decoding;
    fc__cuda_network *network = NULL;
    fc__cuda_basis_kept *basis = NULL;
    FC_TRY(fc__cuda_network_create(context, cuda->device, decoder, &network));
    size_t part = fc__device_room(cuda->device) / 2 / basis_bytes(decoder, 1);
    part = part > fewest_points ? part : fewest_points;
    part = part < d->count ? part : d->count;
    FC_TRY(basis_create(context, cuda->device, decoder, part, &basis));
    for (size_t start = 0; start < d->count; start += part) {
        size_t size = d->count - start < part ? d->count - start : part;
        FC_TRY(basis_fill(context, network, decoder, start, size, d->coordinates, basis));
        FC_TRY(decode_points(context, r, start, size, basis));
    }
done:
    basis_destroy(basis);
    fc__cuda_network_destroy(network);
    return status;
}

fc_status fc__cuda_decode(void *device, fc_context *context, const fc_decoder *decoder,
                          const fc__decoding *d, bool *taken)
{
    fc_status status = FC_OK;
    fc__cuda *cuda = device;
    fc__kept *held = NULL;
    request r = {0};
    *taken = fc__cuda_network_takes(decoder);
    if (!*taken || d->count == 0 || d->frames == 0)
        return FC_OK;
    FC_TRY(fc__cuda_basis_hold(context, cuda, decoder, NULL, d->count, d->coordinates, &held));
    FC_TRY(request_open(context, cuda->device, decoder, d, &r));
    if (held)
        FC_TRY(decode_points(context, &r, 0, d->count, held->thing));
    else
        FC_TRY(decode_in_parts(context, cuda, decoder, &r));
done:
    request_close(&r);
    fc__cuda_kept_release(held);
    return status;
}
