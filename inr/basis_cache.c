#include "inr/basis_cache.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A basis and its memory. */
typedef struct kept_basis {
    fc__shared shared; /* first */
    fc_basis basis;
    float *phi0, *phi;
} kept_basis;

static kept_basis *of_basis(const fc_basis *basis)
{
    return (kept_basis *)((uintptr_t)basis - offsetof(kept_basis, basis));
}

static void destroy(fc__shared *shared)
{
    kept_basis *kept = (kept_basis *)shared;
    free(kept->phi0);
    free(kept->phi);
    free(kept);
}

fc__key fc__decoder_key(const fc_decoder *decoder)
{
    const fc_decoder_config *config = &decoder->config;
    const uint64_t sizes[] = {config->codes,       config->channels,         config->layers,
                              config->filters,     (uint64_t)config->filter, decoder->inputs,
                              decoder->domain.dims};
    fc__key key = {{0}};
    fc__key_add(&key, sizes, sizeof sizes);
    for (size_t i = 0; i < decoder->domain.dims; i++) {
        const fc_axis *axis = &decoder->domain.axis[i];
        const double extent[] = {(double)axis->kind, axis->lower, axis->upper};
        fc__key_add(&key, extent, sizeof extent);
    }
    fc__key_add(&key, decoder->parameters, decoder->parameter_count * sizeof *decoder->parameters);
    return key;
}

fc__key fc__basis_key(const fc__key *decoder_key, const fc_decoder *decoder, size_t count,
                      const double *coordinates)
{
    fc__key key = *decoder_key;
    fc__key_add(&key, coordinates, count * decoder->domain.dims * sizeof *coordinates);
    return key;
}

const fc_basis *fc__basis_find(fc_context *context, const fc__key *key)
{
    fc__shared *shared = fc__cache_find(fc__context_cache(context), key);
    return shared ? &((kept_basis *)shared)->basis : NULL;
}

/* Bytes of a basis, SIZE_MAX when they cannot be counted. */
static size_t basis_bytes(const fc_decoder *decoder, size_t count)
{
    size_t rows = fc__product(count, decoder->config.channels);
    size_t bytes = fc__product(rows, fc__product(decoder->config.codes + 1, sizeof(float)));
    return bytes > SIZE_MAX - sizeof(kept_basis) ? SIZE_MAX : bytes + sizeof(kept_basis);
}

bool fc__basis_fits(const fc_context *context, const fc_decoder *decoder, size_t count)
{
    return fc_decoder_is_affine(&decoder->config) &&
           fc__cache_accepts(fc__context_cache(context), basis_bytes(decoder, count));
}

static fc_status form_basis(fc_context *context, const fc_decoder *decoder, const fc__key *key,
                            size_t count, const double *coordinates, const fc_basis **basis)
{
    fc_status status = FC_OK;
    kept_basis *made = NULL;
    size_t rows = fc__product(count, decoder->config.channels);
    FC_NEW(context, &made, 1);
    made->shared.key = *key;
    made->shared.bytes = basis_bytes(decoder, count);
    made->shared.destroy = destroy;
    atomic_init(&made->shared.owners, 1);
    FC_NEW(context, &made->phi0, rows);
    FC_NEW(context, &made->phi, fc__product(rows, decoder->config.codes));
    FC_TRY(fc_decoder_basis(context, decoder, count, coordinates, made->phi0, made->phi));
    made->basis = (fc_basis){.count = count,
                             .channels = decoder->config.channels,
                             .codes = decoder->config.codes,
                             .phi0 = made->phi0,
                             .phi = made->phi};
    fc__cache_keep(fc__context_cache(context), &made->shared);
    *basis = &made->basis;
    made = NULL;
done:
    if (made)
        destroy(&made->shared);
    return status;
}

fc_status fc_basis_acquire(fc_context *context, const fc_decoder *decoder, size_t count,
                           const double *coordinates, const fc_basis **basis)
{
    fc__key key = {{0}};
    *basis = NULL;
    if (fc__basis_fits(context, decoder, count)) {
        fc__key decoder_key = fc__decoder_key(decoder);
        key = fc__basis_key(&decoder_key, decoder, count, coordinates);
        *basis = fc__basis_find(context, &key);
        if (*basis)
            return FC_OK;
    }
    return form_basis(context, decoder, &key, count, coordinates, basis);
}

void fc_basis_release(const fc_basis *basis)
{
    if (basis)
        fc__shared_release(&of_basis(basis)->shared);
}

/* ---------------------------------------------------------------- views */

static fc_status open_scratch(fc_context *context, size_t rows, size_t codes, fc__basis_view *view)
{
    fc_status status = FC_OK;
    FC_NEW(context, &view->phi0, rows);
    FC_NEW(context, &view->phi, fc__product(rows, codes));
done:
    if (status != FC_OK)
        fc__basis_close(view);
    return status;
}

fc_status fc__basis_open(fc_context *context, const fc_decoder *decoder, const fc__key *key,
                         size_t count, const double *coordinates, size_t part, fc__basis_view *view)
{
    *view = (fc__basis_view){
        .decoder = decoder, .count = count, .part = part, .coordinates = coordinates};
    if (fc__basis_fits(context, decoder, count)) {
        if (!key)
            return fc_basis_acquire(context, decoder, count, coordinates, &view->basis);
        view->basis = fc__basis_find(context, key);
        return view->basis ? FC_OK
                           : form_basis(context, decoder, key, count, coordinates, &view->basis);
    }
    size_t rows = fc__product(count < part ? count : part, decoder->config.channels);
    return open_scratch(context, rows, decoder->config.codes, view);
}

fc_status fc__basis_open_at(fc_context *context, const fc_basis *basis, size_t count,
                            const size_t *index, size_t part, fc__basis_view *view)
{
    *view = (fc__basis_view){.count = count, .part = part, .basis = basis, .index = index};
    atomic_fetch_add_explicit(&of_basis(basis)->shared.owners, 1, memory_order_relaxed);
    size_t rows = fc__product(count < part ? count : part, basis->channels);
    return open_scratch(context, rows, basis->codes, view);
}

/* Copies the rows that the index names. */
static void gather(fc__basis_view *view, size_t start, size_t size)
{
    const fc_basis *from = view->basis;
    size_t channels = from->channels, width = channels * from->codes;
    for (size_t p = 0; p < size; p++) {
        size_t at = view->index[start + p];
        memcpy(view->phi0 + p * channels, from->phi0 + at * channels, channels * sizeof(float));
        memcpy(view->phi + p * width, from->phi + at * width, width * sizeof(float));
    }
}

void fc__basis_move(fc__basis_view *view, const float *z)
{
    if (fc_decoder_is_affine(&view->decoder->config))
        return;
    view->z = z;
    view->size = 0;
}

fc_status fc__basis_part(fc_context *context, fc__basis_view *view, size_t start, size_t size,
                         const float **phi0, const float **phi)
{
    fc_status status = FC_OK;
    if (view->basis && !view->index) {
        size_t channels = view->basis->channels;
        *phi0 = view->basis->phi0 + start * channels;
        *phi = view->basis->phi + start * channels * view->basis->codes;
        return FC_OK;
    }
    *phi0 = view->phi0;
    *phi = view->phi;
    if (view->size == size && view->start == start)
        return FC_OK;
    view->size = 0;
    if (view->index)
        gather(view, start, size);
    else
        FC_TRY(fc_decoder_tangent(context, view->decoder, size,
                                  view->coordinates + start * view->decoder->domain.dims, view->z,
                                  view->phi0, view->phi));
    view->start = start;
    view->size = size;
done:
    return status;
}

void fc__basis_close(fc__basis_view *view)
{
    fc_basis_release(view->basis);
    free(view->phi0);
    free(view->phi);
    *view = (fc__basis_view){0};
}
