#include "inr/decode.h"
#include "inr/basis_cache.h"
#include "inr/engine.h"
#include "inr/kernels/kernels.h"

#include <stdlib.h>

enum { PART = 8192, BLOCK_ROWS = 960 }; /* points taken at a time, rows of one piece of work */

/* What all parts of a decoding have in common: a request to the kernel and its memory. */
typedef struct shared_part {
    fc__fields fields;
    float *z, *mean, *scale;
} shared_part;

static void shared_close(shared_part *shared)
{
    free(shared->z);
    free(shared->mean);
    free(shared->scale);
}

static fc_status shared_open(fc_context *context, size_t channels, size_t codes,
                             const fc__decoding *d, shared_part *shared)
{
    fc_status status = FC_OK;
    FC_NEW(context, &shared->z, fc__product(codes, d->frames));
    for (size_t f = 0; f < d->frames; f++)
        for (size_t c = 0; c < codes; c++)
            shared->z[f * codes + c] = (float)d->codes[f][c];
    if (d->mean) {
        FC_NEW(context, &shared->mean, channels);
        FC_NEW(context, &shared->scale, channels);
        for (size_t c = 0; c < channels; c++) {
            shared->mean[c] = (float)d->mean[c];
            shared->scale[c] = (float)d->scale[c];
        }
    }
    shared->fields = (fc__fields){.codes = codes,
                                  .channels = channels,
                                  .frames = d->frames,
                                  .z = shared->z,
                                  .mean = shared->mean,
                                  .scale = shared->scale,
                                  .values = d->values};
done:
    if (status != FC_OK)
        shared_close(shared);
    return status;
}

/* Rows of the basis from point `start` on. */
static void decode_rows(const fc_context *context, shared_part *shared, size_t start, size_t rows,
                        const float *phi0, const float *phi)
{
    fc__fields *f = &shared->fields;
    size_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    f->phi0 = phi0;
    f->phi = phi;
    f->offset = start * f->channels;
#pragma omp parallel for num_threads(                                                              \
    fc__threads_worth(context, rows * f->codes * f->frames, blocks)) schedule(dynamic, 1)
    for (size_t b = 0; b < blocks; b++)
        fc__kernels_chosen()->fields(f, b * BLOCK_ROWS,
                                     (b + 1) * BLOCK_ROWS < rows ? (b + 1) * BLOCK_ROWS : rows);
}

fc_status fc__decode_basis(fc_context *context, const fc_basis *basis, const fc__decoding *decoding)
{
    shared_part shared = {0};
    fc_status status = shared_open(context, basis->channels, basis->codes, decoding, &shared);
    if (status != FC_OK)
        return status;
    decode_rows(context, &shared, 0, decoding->count * basis->channels, basis->phi0, basis->phi);
    shared_close(&shared);
    return FC_OK;
}

/* Layer by layer, without the basis. */
static fc_status decode_directly(fc_context *context, const fc_decoder *decoder,
                                 const fc__decoding *d)
{
    fc_status status = FC_OK;
    size_t codes = decoder->config.codes, channels = decoder->config.channels;
    float *z = NULL, *u = NULL;
    FC_NEW(context, &z, fc__product(d->frames, codes));
    FC_NEW(context, &u, fc__product(d->frames, fc__product(PART, channels)));
    for (size_t i = 0; i < d->frames * codes; i++)
        z[i] = (float)d->codes[i / codes][i % codes];
    for (size_t start = 0; start < d->count; start += PART) {
        size_t size = d->count - start < PART ? d->count - start : PART;
        FC_TRY(fc_decoder_values(context, decoder, size,
                                 d->coordinates + start * decoder->domain.dims, d->frames, z, u));
        for (size_t f = 0; f < d->frames; f++)
            for (size_t i = 0; i < size * channels; i++) {
                float value = u[f * size * channels + i];
                size_t c = i % channels;
                d->values[f][start * channels + i] =
                    d->mean ? (float)d->mean[c] + (float)d->scale[c] * value : value;
            }
    }
done:
    free(z);
    free(u);
    return status;
}

/* Multiply-adds a point and channel, width w: L w^2 + 2 (L + 1) w for each code by the layers, and
 * once L w^2 + (L + 1) w C for the basis, then C for each code. */
static bool direct_is_cheaper(const fc_decoder *decoder, size_t frames)
{
    if (!fc_decoder_is_affine(&decoder->config))
        return true; /* there is no other way */
    double layers = (double)decoder->config.layers, width = 2.0 * (double)decoder->config.filters;
    double codes = (double)decoder->config.codes, products = layers * width * width;
    double direct = (double)frames * (products + 2.0 * (layers + 1.0) * width);
    double basis = products + (layers + 1.0) * width * codes + (double)frames * codes;
    return direct < basis;
}

fc_status fc__decode(fc_context *context, const fc_decoder *decoder, const fc__decoding *d)
{
    fc_status status = FC_OK;
    size_t channels = decoder->config.channels;
    fc__basis_view view = {0};
    shared_part shared = {0};
    const fc_engine *engine = fc__context_engine(context);
    bool taken = false;
    if (engine && engine->decoder->decode)
        FC_TRY(engine->decoder->decode(engine->device, context, decoder, d, &taken));
    if (taken)
        return FC_OK;
    if (!fc__basis_fits(context, decoder, d->count) && direct_is_cheaper(decoder, d->frames))
        return decode_directly(context, decoder, d);
    FC_TRY(shared_open(context, channels, decoder->config.codes, d, &shared));
    FC_TRY(fc__basis_open(context, decoder, NULL, d->count, d->coordinates, PART, &view));
    if (view.basis) {
        decode_rows(context, &shared, 0, d->count * channels, view.basis->phi0, view.basis->phi);
        goto done;
    }
    for (size_t start = 0; start < d->count; start += PART) {
        size_t size = d->count - start < PART ? d->count - start : PART;
        const float *phi0, *phi;
        FC_TRY(fc__basis_part(context, &view, start, size, &phi0, &phi));
        decode_rows(context, &shared, start, size * channels, phi0, phi);
    }
done:
    fc__basis_close(&view);
    shared_close(&shared);
    return status;
}
