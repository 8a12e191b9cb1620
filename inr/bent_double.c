/* Decoders that bend, in double: the reference of inr/bent.c, from the same source. */
#include "inr/bent.h"
#include "inr/filters.h"

#include <math.h>

static void sines_double(size_t count, double factor, const double *v, double *sine, double *cosine)
{
    for (size_t i = 0; i < count; i++) {
        double phase = factor * v[i];
        sine[i] = sin(phase);
        cosine[i] = cos(phase);
    }
}

static void filters_double(const fc__filters *filters, size_t count, const double *x, double *s,
                           size_t ld, size_t layer_stride, double *work)
{
    for (size_t p = 0; p < count; p++)
        fc__filters_double(filters, x + p * filters->inputs, s + p * ld, layer_stride, work);
}

#define REAL double
#define BENT(name) fc__bent_double_##name
#define BENT_GEMM fc__dgemm
#define BENT_SINES sines_double
#define BENT_FILTERS filters_double
#include "inr/bent_tile.h"

typedef fc__bent_double_network network;

/* A network and memory for one thread. */
typedef struct desk {
    network n;
    fc__bent_double_tape tape;
    double *doubles, *reals, *shifts, *u;
} desk;

static fc_status desk_open(fc_context *context, const fc_decoder *decoder, const double *parameters,
                           desk *d)
{
    fc_status status = FC_OK;
    FC_TRY(fc__bent_double_open(context, decoder, parameters, &d->n));
    FC_NEW(context, &d->doubles, fc__bent_double_tape_doubles(&d->n));
    FC_NEW(context, &d->reals, fc__bent_double_tape_reals(&d->n));
    FC_NEW(context, &d->shifts, 2 * d->n.shifts);
    FC_NEW(context, &d->u, BENT_TILE * d->n.channels);
    d->tape = fc__bent_double_tape_in(&d->n, d->doubles, d->reals);
done:
    return status;
}

static void desk_close(desk *d)
{
    fc__bent_double_close(&d->n);
    free(d->doubles);
    free(d->reals);
    free(d->shifts);
    free(d->u);
}

fc_status fc__bent_values_double(fc_context *context, const fc_decoder *decoder,
                                 const double *parameters, size_t count, const double *coordinates,
                                 size_t codes_count, const double *z, double *u)
{
    fc_status status = FC_OK;
    desk d = {0};
    size_t dims = decoder->domain.dims;
    FC_TRY(desk_open(context, decoder, parameters, &d));
    for (size_t f = 0; f < codes_count; f++) {
        fc__bent_double_find_shifts(&d.n, z + f * d.n.codes, d.shifts);
        for (size_t start = 0; start < count; start += BENT_TILE) {
            size_t tile = count - start < BENT_TILE ? count - start : BENT_TILE;
            fc__bent_double_take_points(&d.n, tile, coordinates + start * dims, &d.tape);
            for (size_t block = 0; block < d.n.blocks; block++)
                fc__bent_double_forward(&d.n, block, tile, d.shifts, &d.tape,
                                        u + (f * count + start) * d.n.channels);
        }
    }
done:
    desk_close(&d);
    return status;
}

fc_status fc__bent_tangent_double(fc_context *context, const fc_decoder *decoder,
                                  const double *parameters, size_t count, const double *coordinates,
                                  const double *z, double *phi0, double *phi)
{
    fc_status status = FC_OK;
    desk d = {0};
    FC_TRY(desk_open(context, decoder, parameters, &d));
    size_t channels = d.n.channels, codes = d.n.codes;
    fc__bent_double_find_shifts(&d.n, z, d.shifts);
    for (size_t start = 0; start < count; start += BENT_TILE) {
        size_t tile = count - start < BENT_TILE ? count - start : BENT_TILE;
        double *u = phi0 + start * channels, *rows = phi + start * channels * codes;
        fc__bent_double_take_points(&d.n, tile, coordinates + start * decoder->domain.dims,
                                    &d.tape);
        for (size_t block = 0; block < d.n.blocks; block++) {
            fc__bent_double_forward(&d.n, block, tile, d.shifts, &d.tape, u);
            fc__bent_double_tangent(&d.n, block, tile, d.shifts, &d.tape, rows);
        }
        for (size_t r = 0; r < tile * channels; r++)
            for (size_t c = 0; c < codes; c++)
                u[r] -= rows[r * codes + c] * z[c];
    }
done:
    desk_close(&d);
    return status;
}

fc_status fc__bent_vjp_double(fc_context *context, const fc_decoder *decoder,
                              const double *parameters, size_t count, const double *coordinates,
                              const double *z, const double *u_bar, double *parameter_gradient,
                              double *z_gradient)
{
    fc_status status = FC_OK;
    desk d = {0};
    FC_TRY(desk_open(context, decoder, parameters, &d));
    fc__bent_double_find_shifts(&d.n, z, d.shifts);
    for (size_t start = 0; start < count; start += BENT_TILE) {
        size_t tile = count - start < BENT_TILE ? count - start : BENT_TILE;
        fc__bent_double_take_points(&d.n, tile, coordinates + start * decoder->domain.dims,
                                    &d.tape);
        for (size_t block = 0; block < d.n.blocks; block++) {
            fc__bent_double_forward(&d.n, block, tile, d.shifts, &d.tape, d.u);
            fc__bent_double_backward(&d.n, block, tile, d.shifts, u_bar + start * d.n.channels,
                                     &d.tape, parameter_gradient, d.shifts + d.n.shifts);
        }
    }
    fc__bent_double_give_back(&d.n, z, d.shifts + d.n.shifts, parameter_gradient, z_gradient);
done:
    desk_close(&d);
    return status;
}
