#include "inr/basis.h"
#include "inr/bent.h"
#include "inr/engine.h"
#include "inr/kernels/kernels.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Points are taken in tiles of fixed size, divided among the threads, so that results do not depend
 * on the number of threads. The kernels do a tile; inr/network.h says what they work on. */

enum { MAX_SLICES = 16, SLICE_TILES = 4 }; /* separate gradients that are summed in order */

/* Memory of all threads for tapes. */
typedef struct tapes {
    size_t float_size, double_size; /* of one */
    float *floats;
    double *doubles;
} tapes;

static fc_status tapes_create(fc_context *context, const fc__network *network, unsigned use,
                              int threads, tapes *t)
{
    fc_status status = FC_OK;
    t->float_size = fc__round_up(fc__tape_floats(network, use), FC__ROW);
    t->double_size = fc__round_up(fc__tape_doubles(network), FC__ROW);
    FC_NEW(context, &t->floats, fc__product((size_t)threads, t->float_size));
    FC_NEW(context, &t->doubles, fc__product((size_t)threads, t->double_size));
done:
    return status;
}

static void tapes_destroy(tapes *t)
{
    free(t->floats);
    free(t->doubles);
}

/* That of the calling thread. */
static fc__tape my_tape(const fc__network *network, unsigned use, const tapes *t)
{
    size_t thread = (size_t)omp_get_thread_num();
    return fc__tape_in(network, use, t->floats + thread * t->float_size,
                       t->doubles + thread * t->double_size);
}

static size_t tiles_of(size_t count)
{
    return count / FC__TILE + (count % FC__TILE > 0);
}

static size_t tile_size(size_t count, size_t start)
{
    return count - start < FC__TILE ? count - start : FC__TILE;
}

/* ---------------------------------------------------------------- basis */

static fc_status no_basis(fc_context *context)
{
    return fc__fail(context, FC_ERROR_USAGE,
                    "decoder: its fields are not affine in the code, so that it has a tangent at "
                    "each code but no basis");
}

fc_status fc_decoder_basis(fc_context *context, const fc_decoder *decoder, size_t count,
                           const double *coordinates, float *phi0, float *phi)
{
    fc_status status = FC_OK;
    fc__network network = {0};
    tapes memory = {0};
    if (!fc_decoder_is_affine(&decoder->config))
        return no_basis(context);
    const fc_engine *engine = fc__context_engine(context);
    bool taken = false;
    if (engine && engine->decoder->basis)
        FC_TRY(engine->decoder->basis(engine->device, context, decoder, count, coordinates, phi0,
                                      phi, &taken));
    if (taken)
        return FC_OK;
    size_t work = fc__product(count, decoder->parameter_count);
    int threads = fc__threads_worth(context, work, tiles_of(count));
    FC_TRY(fc__network_open(context, decoder, FC__FOR_BASIS, &network));
    FC_TRY(tapes_create(context, &network, FC__FOR_BASIS, threads, &memory));
    size_t dims = decoder->domain.dims, channels = network.channels, row = channels * network.codes;
    const fc__kernels *kernels = fc__kernels_chosen();
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
    for (size_t start = 0; start < count; start += FC__TILE) {
        fc__tape tape = my_tape(&network, FC__FOR_BASIS, &memory);
        size_t tile = tile_size(count, start);
        fc__tape_filters(&network, tile, coordinates + start * dims, &tape);
        kernels->basis_tile(&network, tile, &tape, phi0 + start * channels, phi + start * row);
    }
done:
    fc__network_close(&network);
    tapes_destroy(&memory);
    return status;
}

/* ---------------------------------------------------------------- gradient of the basis */

/* The points are cut into slices, whose number depends on the number of points alone; each has its
 * own gradient, and these are added in order. A power of two divides evenly among most numbers of
 * threads; a slice of few tiles would take longer to add than to compute. */
static size_t slices_of(size_t tiles)
{
    size_t slices = SLICE_TILES;
    while (slices < MAX_SLICES && 2 * slices * SLICE_TILES <= tiles)
        slices *= 2;
    return slices < tiles ? slices : tiles;
}

fc_status fc_decoder_basis_vjp(fc_context *context, const fc_decoder *decoder, size_t count,
                               const double *coordinates, const float *phi0_bar,
                               const float *phi_bar, float *parameter_gradient)
{
    const unsigned use = FC__FOR_GRADIENT;
    fc_status status = FC_OK;
    fc__network network = {0};
    tapes memory = {0};
    float *gradients = NULL;
    size_t tiles = tiles_of(count), slices = slices_of(tiles);
    if (!fc_decoder_is_affine(&decoder->config))
        return no_basis(context);
    const fc_engine *engine = fc__context_engine(context);
    bool taken = false;
    if (engine && engine->decoder->basis_vjp)
        FC_TRY(engine->decoder->basis_vjp(engine->device, context, decoder, count, coordinates,
                                          phi0_bar, phi_bar, parameter_gradient, &taken));
    if (taken)
        return FC_OK;
    size_t work = fc__product(count, decoder->parameter_count);
    int threads = fc__threads_worth(context, work, slices);
    FC_TRY(fc__network_open(context, decoder, use, &network));
    FC_TRY(tapes_create(context, &network, use, threads, &memory));
    size_t total = network.layout.count, channels = network.channels, codes = network.codes;
    FC_NEW(context, &gradients, fc__product(slices, total));
    const fc__kernels *kernels = fc__kernels_chosen();
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        fc__tape tape = my_tape(&network, use, &memory);
#pragma omp for schedule(dynamic, 1)
        for (size_t slice = 0; slice < slices; slice++) {
            size_t begin, end;
            fc__slice(tiles, slices, slice, &begin, &end);
            for (size_t p = begin * FC__TILE; p < end * FC__TILE; p += FC__TILE) {
                size_t tile = tile_size(count, p);
                fc__tape_filters(&network, tile, coordinates + p * decoder->domain.dims, &tape);
                kernels->gradient_tile(&network, tile, phi0_bar + p * channels,
                                       phi_bar + p * channels * codes, &tape,
                                       gradients + slice * total);
            }
        }
#pragma omp for schedule(static)
        for (size_t i = 0; i < total; i++)
            for (size_t slice = 0; slice < slices; slice++)
                parameter_gradient[i] += gradients[slice * total + i];
    }
done:
    fc__network_close(&network);
    tapes_destroy(&memory);
    free(gradients);
    return status;
}

/* ---------------------------------------------------------------- values */

/* shift (layers + 1, columns, width): A_l z + b_l of every code and channel, column = code *
 * channels + channel, the same at all points. */
static void fill_shifts(const fc_context *context, const fc__network *network, size_t codes_count,
                        const float *z, float *shift)
{
    size_t width = network->width, codes = network->codes, channels = network->channels;
    size_t states = network->layers + 1, blocks = states * channels;
    int threads =
        fc__threads_worth(context, codes_count * blocks * network->real_width * codes, blocks);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (size_t block = 0; block < blocks; block++) {
        size_t l = block / channels, channel = block % channels;
        const float *a =
            network->decoder->parameters + network->layout.a + block * network->real_width * codes;
        float *to = shift + (l * codes_count * channels + channel) * width;
        for (size_t code = 0; code < codes_count; code++)
            memcpy(to + code * channels * width, network->b + (channel * states + l) * width,
                   width * sizeof *to);
        fc__sgemm(false, true, codes_count, network->real_width, codes, 1.0f, z, codes, a, codes,
                  1.0f, to, channels * width);
    }
}

fc_status fc_decoder_values(fc_context *context, const fc_decoder *decoder, size_t count,
                            const double *coordinates, size_t codes_count, const float *z, float *u)
{
    fc_status status = FC_OK;
    fc__network network = {0};
    tapes memory = {0};
    float *shift = NULL;
    if (!fc_decoder_is_affine(&decoder->config))
        return fc__bent_values(context, decoder, count, coordinates, codes_count, z, u);
    size_t work = fc__product(fc__product(count, codes_count), decoder->parameter_count);
    int threads = fc__threads_worth(context, work, tiles_of(count));
    FC_TRY(fc__network_open(context, decoder, FC__FOR_VALUES, &network));
    FC_TRY(tapes_create(context, &network, FC__FOR_VALUES, threads, &memory));
    size_t channels = network.channels, columns = fc__product(codes_count, channels);
    FC_NEW(context, &shift, fc__product(columns, (network.layers + 1) * network.width));
    fill_shifts(context, &network, codes_count, z, shift);
    const fc__kernels *kernels = fc__kernels_chosen();
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
    for (size_t start = 0; start < count; start += FC__TILE) {
        fc__tape tape = my_tape(&network, FC__FOR_VALUES, &memory);
        size_t tile = tile_size(count, start);
        fc__tape_filters(&network, tile, coordinates + start * decoder->domain.dims, &tape);
        for (size_t column = 0; column < columns; column++) {
            size_t channel = column % channels, at = column / channels * count + start;
            kernels->values_tile(&network, tile, channel, columns, shift + column * network.width,
                                 &tape, u + at * channels + channel, channels);
        }
    }
done:
    fc__network_close(&network);
    tapes_destroy(&memory);
    free(shift);
    return status;
}

/* ---------------------------------------------------------------- at one code */

fc_status fc_decoder_tangent(fc_context *context, const fc_decoder *decoder, size_t count,
                             const double *coordinates, const float *z, float *phi0, float *phi)
{
    if (fc_decoder_is_affine(&decoder->config))
        return fc_decoder_basis(context, decoder, count, coordinates, phi0, phi);
    return fc__bent_tangent_at(context, decoder, count, coordinates, z, phi0, phi);
}

/* phi0_bar = u_bar, Phi_bar = u_bar z^T, z_bar = Phi^T u_bar */
static fc_status affine_vjp(fc_context *context, const fc_decoder *decoder, size_t count,
                            const double *coordinates, const float *z, const float *u_bar,
                            float *parameter_gradient, float *z_gradient)
{
    fc_status status = FC_OK;
    size_t rows = fc__product(count, decoder->config.channels), codes = decoder->config.codes;
    float *phi0 = NULL, *phi = NULL;
    FC_NEW(context, &phi0, rows);
    FC_NEW(context, &phi, fc__product(rows, codes));
    if (z_gradient) {
        FC_TRY(fc_decoder_basis(context, decoder, count, coordinates, phi0, phi));
        fc__sgemm(true, false, codes, 1, rows, 1.0f, phi, codes, u_bar, 1, 1.0f, z_gradient, 1);
    }
    if (parameter_gradient) {
        for (size_t i = 0; i < rows * codes; i++)
            phi[i] = u_bar[i / codes] * z[i % codes];
        FC_TRY(fc_decoder_basis_vjp(context, decoder, count, coordinates, u_bar, phi,
                                    parameter_gradient));
    }
done:
    free(phi0);
    free(phi);
    return status;
}

fc_status fc_decoder_values_vjp(fc_context *context, const fc_decoder *decoder, size_t count,
                                const double *coordinates, const float *z, const float *u_bar,
                                float *parameter_gradient, float *z_gradient)
{
    if (fc_decoder_is_affine(&decoder->config))
        return affine_vjp(context, decoder, count, coordinates, z, u_bar, parameter_gradient,
                          z_gradient);
    return fc__bent_values_vjp(context, decoder, count, coordinates, z, u_bar, parameter_gradient,
                               z_gradient);
}

/* ---------------------------------------------------------------- features */

fc_status fc__decoder_features(fc_context *context, const fc_decoder *decoder, size_t count,
                               const double *coordinates, float *features)
{
    fc_status status = FC_OK;
    fc__filters filters = {0};
    double *omega = NULL, *work = NULL;
    size_t inputs = decoder->inputs, number = decoder->config.filters;
    FC_NEW(context, &omega, fc__product(number, inputs));
    for (size_t i = 0; i < number * inputs; i++)
        omega[i] = (double)decoder->parameters[i];
    FC_TRY(fc__filters_create(context, decoder->config.filter, 1, number, inputs, omega, &filters));
    int threads = fc__threads_worth(context, fc__product(count, 32 * number), tiles_of(count));
    size_t size = FC__TILE * inputs + fc__filters_work_size(&filters);
    FC_NEW(context, &work, fc__product((size_t)threads, size));
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (size_t start = 0; start < count; start += FC__TILE) {
        double *x = work + (size_t)omp_get_thread_num() * size;
        size_t tile = tile_size(count, start);
        fc_domain_embed(&decoder->domain, tile, coordinates + start * decoder->domain.dims, x);
        fc__filters_tile(&filters, tile, x, features + start * 2 * number, 2 * number, 0,
                         x + FC__TILE * inputs);
    }
done:
    fc__filters_clear(&filters);
    free(omega);
    free(work);
    return status;
}
