/* Decoders that bend, in float: values, tangent, gradient. */
#include "inr/bent.h"
#include "inr/bent_float.h"

#include <omp.h>

typedef fc__bent_network network;

/* Memory of all threads. */
typedef struct desks {
    size_t double_size, real_size; /* of one */
    double *doubles;
    float *reals;
} desks;

static fc_status desks_create(fc_context *context, const network *n, int threads, desks *d)
{
    fc_status status = FC_OK;
    d->double_size = fc__bent_tape_doubles(n);
    d->real_size = fc__bent_tape_reals(n);
    FC_NEW(context, &d->doubles, fc__product((size_t)threads, d->double_size));
    FC_NEW(context, &d->reals, fc__product((size_t)threads, d->real_size));
done:
    return status;
}

static void desks_destroy(desks *d)
{
    free(d->doubles);
    free(d->reals);
}

static fc__bent_tape my_tape(const network *n, const desks *d)
{
    size_t thread = (size_t)omp_get_thread_num();
    return fc__bent_tape_in(n, d->doubles + thread * d->double_size,
                            d->reals + thread * d->real_size);
}

static size_t tile_size(size_t count, size_t start)
{
    return count - start < BENT_TILE ? count - start : BENT_TILE;
}

fc_status fc__bent_values(fc_context *context, const fc_decoder *decoder, size_t count,
                          const double *coordinates, size_t codes_count, const float *z, float *u)
{
    fc_status status = FC_OK;
    network n = {0};
    desks memory = {0};
    float *shifts = NULL;
    size_t tiles = (count + BENT_TILE - 1) / BENT_TILE, dims = decoder->domain.dims;
    size_t work = fc__product(fc__product(count, codes_count), decoder->parameter_count);
    int threads = fc__threads_worth(context, work, tiles);
    FC_TRY(fc__bent_open(context, decoder, decoder->parameters, &n));
    FC_TRY(desks_create(context, &n, threads, &memory));
    FC_NEW(context, &shifts, fc__product(codes_count, n.shifts));
    for (size_t f = 0; f < codes_count; f++)
        fc__bent_find_shifts(&n, z + f * n.codes, shifts + f * n.shifts);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
    for (size_t start = 0; start < count; start += BENT_TILE) {
        fc__bent_tape tape = my_tape(&n, &memory);
        size_t tile = tile_size(count, start);
        fc__bent_take_points(&n, tile, coordinates + start * dims, &tape);
        for (size_t f = 0; f < codes_count; f++)
            for (size_t block = 0; block < n.blocks; block++)
                fc__bent_forward(&n, block, tile, shifts + f * n.shifts, &tape,
                                 u + (f * count + start) * n.channels);
    }
done:
    fc__bent_close(&n);
    desks_destroy(&memory);
    free(shifts);
    return status;
}

fc_status fc__bent_tangent_at(fc_context *context, const fc_decoder *decoder, size_t count,
                              const double *coordinates, const float *z, float *phi0, float *phi)
{
    fc_status status = FC_OK;
    network n = {0};
    desks memory = {0};
    float *shifts = NULL;
    size_t tiles = (count + BENT_TILE - 1) / BENT_TILE, dims = decoder->domain.dims;
    int threads = fc__threads_worth(context, fc__product(count, decoder->parameter_count), tiles);
    FC_TRY(fc__bent_open(context, decoder, decoder->parameters, &n));
    FC_TRY(desks_create(context, &n, threads, &memory));
    FC_NEW(context, &shifts, n.shifts);
    fc__bent_find_shifts(&n, z, shifts);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
    for (size_t start = 0; start < count; start += BENT_TILE) {
        fc__bent_tape tape = my_tape(&n, &memory);
        size_t tile = tile_size(count, start);
        float *u = phi0 + start * n.channels, *rows = phi + start * n.channels * n.codes;
        fc__bent_take_points(&n, tile, coordinates + start * dims, &tape);
        for (size_t block = 0; block < n.blocks; block++) {
            fc__bent_forward(&n, block, tile, shifts, &tape, u);
            fc__bent_tangent(&n, block, tile, shifts, &tape, rows);
        }
        for (size_t r = 0; r < tile * n.channels; r++) {
            double moved = 0.0;
            for (size_t c = 0; c < n.codes; c++)
                moved += (double)rows[r * n.codes + c] * (double)z[c];
            u[r] = (float)((double)u[r] - moved);
        }
    }
done:
    fc__bent_close(&n);
    desks_destroy(&memory);
    free(shifts);
    return status;
}

fc_status fc__bent_values_vjp(fc_context *context, const fc_decoder *decoder, size_t count,
                              const double *coordinates, const float *z, const float *u_bar,
                              float *parameter_gradient, float *z_gradient)
{
    fc_status status = FC_OK;
    network n = {0};
    desks memory = {0};
    float *shifts = NULL, *u = NULL;
    FC_TRY(fc__bent_open(context, decoder, decoder->parameters, &n));
    FC_TRY(desks_create(context, &n, 1, &memory));
    FC_NEW(context, &shifts, 2 * n.shifts);
    FC_NEW(context, &u, BENT_TILE * n.channels);
    fc__bent_find_shifts(&n, z, shifts);
    for (size_t start = 0; start < count; start += BENT_TILE) {
        fc__bent_tape tape = fc__bent_tape_in(&n, memory.doubles, memory.reals);
        size_t tile = tile_size(count, start);
        fc__bent_take_points(&n, tile, coordinates + start * decoder->domain.dims, &tape);
        for (size_t block = 0; block < n.blocks; block++) {
            fc__bent_forward(&n, block, tile, shifts, &tape, u);
            fc__bent_backward(&n, block, tile, shifts, u_bar + start * n.channels, &tape,
                              parameter_gradient, shifts + n.shifts);
        }
    }
    fc__bent_give_back(&n, z, shifts + n.shifts, parameter_gradient, z_gradient);
done:
    fc__bent_close(&n);
    desks_destroy(&memory);
    free(shifts);
    free(u);
    return status;
}
