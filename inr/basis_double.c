/* The decoder in double, with BLAS and without packing: the reference of the float path in basis.c.
 *
 * Points are taken in tiles of fixed size, divided among the threads, so that results do not depend
 * on the number of threads. Matrices of a tile are (points, width). */
#include "inr/basis.h"
#include "inr/filters.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum {
    TILE = 128,     /* points taken at a time: their matrices stay in the cache */
    MAX_SLICES = 16 /* separate gradients that are summed in order */
};

typedef struct double_network {
    const fc_decoder *decoder;
    const double *parameters;
    fc_decoder_layout layout;
    fc__filters filters;
    size_t layers, width, codes, channels;
} double_network;

static void network_close(double_network *network)
{
    fc__filters_clear(&network->filters);
}

static fc_status network_open(fc_context *context, const fc_decoder *decoder,
                              const double *parameters, double_network *network)
{
    fc_status status = FC_OK;
    double *omega = NULL;
    const fc_decoder_config *config = &decoder->config;
    *network = (double_network){.decoder = decoder,
                                .parameters = parameters,
                                .layout = fc_decoder_layout_of(config, decoder->inputs),
                                .layers = config->layers,
                                .width = 2 * config->filters,
                                .codes = config->codes,
                                .channels = config->channels};
    FC_NEW(context, &omega, network->layout.a);
    for (size_t i = 0; i < network->layout.a; i++)
        omega[i] = (double)parameters[i];
    FC_TRY(fc__filters_create(context, config->filter, config->layers + 1, config->filters,
                              decoder->inputs, omega, &network->filters));
done:
    free(omega);
    return status;
}

/* The blocks of layer l and a channel. */
static size_t block_b(const double_network *network, size_t l, size_t channel)
{
    return network->layout.b + (l * network->channels + channel) * network->width;
}

static size_t block_a(const double_network *network, size_t l, size_t channel)
{
    return network->layout.a + (l * network->channels + channel) * network->width * network->codes;
}

/* W of layer l >= 1 */
static size_t block_w(const double_network *network, size_t l)
{
    return network->layout.w + (l - 1) * network->width * network->width;
}

/* ---------------------------------------------------------------- filters of a tile */

/* Doubles that tile_filters needs; its first count * inputs are the network inputs afterwards. */
static size_t filter_work_size(const double_network *network)
{
    return TILE * network->decoder->inputs + fc__filters_work_size(&network->filters);
}

/* s (distinct layers, TILE, width) */
static void tile_filters(const double_network *network, size_t count, const double *coordinates,
                         double *s, double *work)
{
    size_t inputs = network->decoder->inputs;
    fc_domain_embed(&network->decoder->domain, count, coordinates, work);
    for (size_t p = 0; p < count; p++)
        fc__filters_double(&network->filters, work + p * inputs, s + p * network->width,
                           TILE * network->width, work + TILE * inputs);
}

static const double *layer_filters(const double_network *network, size_t l, const double *s)
{
    return s + (network->filters.distinct > 1 ? l * TILE * network->width : 0);
}

/* out = s * q for a tile; q has rows of `stride`, 0 = one row for all points. */
static void multiply(size_t count, size_t width, const double *s, const double *q, size_t stride,
                     double *out)
{
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < width; i++)
            out[p * width + i] = s[p * width + i] * q[p * stride + i];
}

/* ---------------------------------------------------------------- basis */

/* Reverse accumulation from the head down (r_l = du / d(A_l z + b_l) as a row):
 *
 *   r_L = head * s_L,   r_{l-1} = (r_l W_l) * s_{l-1},   Phi = sum_l r_l A_l,
 *   phi0 = bias + sum_l r_l b_l
 *
 * work: r and q, (TILE, width) each */
static void tile_basis(const double_network *network, size_t count, const double *s, double *phi0,
                       double *phi, double *work)
{
    const double *parameters = network->parameters;
    size_t width = network->width, codes = network->codes, channels = network->channels;
    size_t row = channels * codes;
    double *r = work, *q = work + TILE * width;
    for (size_t channel = 0; channel < channels; channel++) {
        double *out = phi + channel * codes;
        const double *head = parameters + network->layout.head + channel * width;
        multiply(count, width, layer_filters(network, network->layers, s), head, 0, r);
        for (size_t p = 0; p < count; p++)
            phi0[p * channels + channel] = parameters[network->layout.bias + channel];
        for (size_t l = network->layers + 1; l-- > 0;) {
            const double *b = parameters + block_b(network, l, channel);
            fc__dgemm(false, false, count, codes, width, 1, r, width,
                      parameters + block_a(network, l, channel), codes, l < network->layers, out,
                      row);
            for (size_t p = 0; p < count; p++)
                phi0[p * channels + channel] += fc__ddot(width, r + p * width, b);
            if (l == 0)
                break;
            fc__dgemm(false, false, count, width, width, 1, r, width,
                      parameters + block_w(network, l), width, 0, q, width);
            multiply(count, width, layer_filters(network, l - 1, s), q, width, r);
        }
    }
}

fc_status fc__decoder_basis_double(fc_context *context, const fc_decoder *decoder,
                                   const double *parameters, size_t count,
                                   const double *coordinates, double *phi0, double *phi)
{
    fc_status status = FC_OK;
    double_network network = {0};
    double *work = NULL;
    double *filter_work = NULL;
    FC_TRY(network_open(context, decoder, parameters, &network));
    size_t dims = decoder->domain.dims, channels = network.channels;
    size_t threads = (size_t)fc_context_threads(context), double_size = filter_work_size(&network);
    size_t filters = network.filters.distinct * TILE * network.width;
    size_t size = filters + 2 * TILE * network.width;
    FC_NEW(context, &work, fc__product(threads, size));
    FC_NEW(context, &filter_work, fc__product(threads, double_size));
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, 1)
    for (size_t start = 0; start < count; start += TILE) {
        size_t thread = (size_t)omp_get_thread_num();
        size_t tile = count - start < TILE ? count - start : TILE;
        double *s = work + thread * size;
        tile_filters(&network, tile, coordinates + start * dims, s,
                     filter_work + thread * double_size);
        tile_basis(&network, tile, s, phi0 + start * channels,
                   phi + start * channels * network.codes, s + filters);
    }
done:
    network_close(&network);
    free(work);
    free(filter_work);
    return status;
}

/* ---------------------------------------------------------------- gradient of the basis */

/* What the backward pass of one thread works on; matrices are (TILE, width). */
typedef struct double_tape {
    double *filter_work;
    double *s; /* (distinct, TILE, width) */
    double *r; /* (layers + 1, TILE, width) */
    double *q; /* (layers, TILE, width): q_l = r_{l+1} W_{l+1} */
    double *r_bar, *q_bar;
    double *s_bar; /* (layers + 1, TILE, width), trainable filters only */
} double_tape;

static size_t tape_size(const double_network *network)
{
    size_t matrices = network->filters.distinct + 2 * network->layers + 3;
    if (network->decoder->config.filter == FC_FILTER_TRAINABLE)
        matrices += network->layers + 1;
    return matrices * TILE * network->width;
}

static double_tape tape_of(const double_network *network, double *work, double *filter_work)
{
    size_t matrix = TILE * network->width;
    double_tape tape = {.filter_work = filter_work, .s = work};
    tape.r = tape.s + network->filters.distinct * matrix;
    tape.q = tape.r + (network->layers + 1) * matrix;
    tape.r_bar = tape.q + network->layers * matrix;
    tape.q_bar = tape.r_bar + matrix;
    if (network->decoder->config.filter == FC_FILTER_TRAINABLE)
        tape.s_bar = tape.q_bar + matrix;
    return tape;
}

/* The r_l and q_l of one channel, as in tile_basis. */
static void forward_channel(const double_network *network, size_t count, size_t channel,
                            const double_tape *tape)
{
    size_t width = network->width, matrix = TILE * width, layers = network->layers;
    const double *head = network->parameters + network->layout.head + channel * width;
    multiply(count, width, layer_filters(network, layers, tape->s), head, 0,
             tape->r + layers * matrix);
    for (size_t l = layers; l > 0; l--) {
        double *q = tape->q + (l - 1) * matrix;
        fc__dgemm(false, false, count, width, width, 1, tape->r + l * matrix, width,
                  network->parameters + block_w(network, l), width, 0, q, width);
        multiply(count, width, layer_filters(network, l - 1, tape->s), q, width,
                 tape->r + (l - 1) * matrix);
    }
}

/* Gradients of A_l and b_l, and r_bar += Phi_bar A_l^T + phi0_bar b_l^T. */
static void backward_shift(const double_network *network, size_t count, size_t channel, size_t l,
                           const double *phi0_bar, const double *phi_bar, const double_tape *tape,
                           double *gradient)
{
    size_t width = network->width, codes = network->codes, channels = network->channels;
    size_t a = block_a(network, l, channel), b = block_b(network, l, channel);
    const double *r = tape->r + l * TILE * width, *bar = phi_bar + channel * codes;
    fc__dgemm(true, false, width, codes, count, 1, r, width, bar, channels * codes, 1, gradient + a,
              codes);
    fc__dgemm(false, true, count, width, codes, 1, bar, channels * codes, network->parameters + a,
              codes, l > 0, tape->r_bar, width);
    for (size_t p = 0; p < count; p++) {
        double mean_bar = phi0_bar[p * channels + channel];
        for (size_t i = 0; i < width; i++) {
            gradient[b + i] += mean_bar * r[p * width + i];
            tape->r_bar[p * width + i] += mean_bar * network->parameters[b + i];
        }
    }
}

/* Adds r_bar * q to s_bar of layer l, where r_l = s_l * q; stride as in multiply. */
static void backward_filters(size_t count, size_t width, size_t l, const double *q, size_t stride,
                             const double_tape *tape)
{
    if (!tape->s_bar)
        return;
    double *s_bar = tape->s_bar + l * TILE * width;
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < width; i++)
            s_bar[p * width + i] += tape->r_bar[p * width + i] * q[p * stride + i];
}

/* From r_0 up to the head, the reverse of forward_channel. */
static void backward_channel(const double_network *network, size_t count, size_t channel,
                             const double *phi0_bar, const double *phi_bar, const double_tape *tape,
                             double *gradient)
{
    size_t width = network->width, matrix = TILE * width, layers = network->layers;
    size_t head = network->layout.head + channel * width;
    for (size_t l = 0; l <= layers; l++) {
        if (l > 0) {
            /* r_{l-1} = q_{l-1} * s_{l-1}, q_{l-1} = r_l W_l; r_bar is that of r_{l-1} here */
            size_t w = block_w(network, l);
            backward_filters(count, width, l - 1, tape->q + (l - 1) * matrix, width, tape);
            multiply(count, width, layer_filters(network, l - 1, tape->s), tape->r_bar, width,
                     tape->q_bar);
            fc__dgemm(true, false, width, width, count, 1, tape->r + l * matrix, width, tape->q_bar,
                      width, 1, gradient + w, width);
            fc__dgemm(false, true, count, width, width, 1, tape->q_bar, width,
                      network->parameters + w, width, 0, tape->r_bar, width);
        }
        backward_shift(network, count, channel, l, phi0_bar, phi_bar, tape, gradient);
    }
    backward_filters(count, width, layers, network->parameters + head, 0, tape);
    const double *s = layer_filters(network, layers, tape->s);
    for (size_t p = 0; p < count; p++) {
        gradient[network->layout.bias + channel] += phi0_bar[p * network->channels + channel];
        for (size_t i = 0; i < width; i++)
            gradient[head + i] += tape->r_bar[p * width + i] * s[p * width + i];
    }
}

/* d sin(phase) = cos(phase), d cos(phase) = -sin(phase), phase = Omega x; q_bar is free here. */
static void backward_omega(const double_network *network, size_t count, const double_tape *tape,
                           double *gradient)
{
    size_t width = network->width, filters = width / 2, inputs = network->decoder->inputs;
    for (size_t l = 0; l <= network->layers; l++) {
        const double *s = layer_filters(network, l, tape->s);
        const double *s_bar = tape->s_bar + l * TILE * width;
        double *omega_bar = gradient + network->layout.omega + l * filters * inputs;
        for (size_t p = 0; p < count; p++, s += width, s_bar += width) {
            const double *x = tape->filter_work + p * inputs;
            for (size_t f = 0; f < filters; f++) {
                double phase_bar = s_bar[f] * s[filters + f] - s_bar[filters + f] * s[f];
                for (size_t j = 0; j < inputs; j++)
                    omega_bar[f * inputs + j] += phase_bar * (double)x[j];
            }
        }
    }
}

static void tile_vjp(const double_network *network, size_t count, const double *coordinates,
                     const double *phi0_bar, const double *phi_bar, const double_tape *tape,
                     double *gradient)
{
    tile_filters(network, count, coordinates, tape->s, tape->filter_work);
    if (tape->s_bar)
        memset(tape->s_bar, 0, (network->layers + 1) * TILE * network->width * sizeof(double));
    for (size_t channel = 0; channel < network->channels; channel++) {
        forward_channel(network, count, channel, tape);
        backward_channel(network, count, channel, phi0_bar, phi_bar, tape, gradient);
    }
    if (tape->s_bar)
        backward_omega(network, count, tape, gradient);
}

/* The points are cut into slices, whose number depends on the number of points alone; each has its
 * own gradient, and these are added in order. */
fc_status fc__decoder_basis_vjp_double(fc_context *context, const fc_decoder *decoder,
                                       const double *parameters, size_t count,
                                       const double *coordinates, const double *phi0_bar,
                                       const double *phi_bar, double *parameter_gradient)
{
    fc_status status = FC_OK;
    double_network network = {0};
    double *work = NULL, *gradients = NULL;
    double *filter_work = NULL;
    FC_TRY(network_open(context, decoder, parameters, &network));
    size_t tiles = (count + TILE - 1) / TILE, slices = tiles < MAX_SLICES ? tiles : MAX_SLICES;
    size_t threads = (size_t)fc_context_threads(context), total = network.layout.count;
    size_t size = tape_size(&network), double_size = filter_work_size(&network);
    FC_NEW(context, &work, fc__product(threads, size));
    FC_NEW(context, &filter_work, fc__product(threads, double_size));
    FC_NEW(context, &gradients, fc__product(slices, total));
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, 1)
    for (size_t slice = 0; slice < slices; slice++) {
        size_t thread = (size_t)omp_get_thread_num(), begin, end;
        double_tape tape =
            tape_of(&network, work + thread * size, filter_work + thread * double_size);
        fc__slice(tiles, slices, slice, &begin, &end);
        for (size_t start = begin * TILE; start < end * TILE; start += TILE)
            tile_vjp(&network, count - start < TILE ? count - start : TILE,
                     coordinates + start * decoder->domain.dims,
                     phi0_bar + start * network.channels,
                     phi_bar + start * network.channels * network.codes, &tape,
                     gradients + slice * total);
    }
#pragma omp parallel for num_threads((int)threads) schedule(static)
    for (size_t i = 0; i < total; i++)
        for (size_t slice = 0; slice < slices; slice++)
            parameter_gradient[i] += gradients[slice * total + i];
done:
    network_close(&network);
    free(work);
    free(filter_work);
    free(gradients);
    return status;
}

/* ---------------------------------------------------------------- values */

/* shift (layers + 1, columns, width): A_l z + b_l of every code and channel, column = code *
 * channels
 * + channel, the same at all points. */
static void shifts(const fc_context *context, const double_network *network, size_t codes_count,
                   const double *z, double *shift)
{
    size_t width = network->width, codes = network->codes, channels = network->channels;
    size_t blocks = (network->layers + 1) * channels;
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(static)
    for (size_t block = 0; block < blocks; block++) {
        size_t l = block / channels, channel = block % channels;
        const double *b = network->parameters + block_b(network, l, channel);
        double *to = shift + (l * codes_count * channels + channel) * width;
        for (size_t code = 0; code < codes_count; code++)
            memcpy(to + code * channels * width, b, width * sizeof *b);
        fc__dgemm(false, true, codes_count, width, codes, 1, z, codes,
                  network->parameters + block_a(network, l, channel), codes, 1, to,
                  channels * width);
    }
}

/* One column of a tile: h_0 = s_0 * shift_0, h_l = s_l * (W_l h_{l-1} + shift_l), u = head h_L +
 * bias. work: h and v, (TILE, width) each */
static void tile_column(const double_network *network, size_t count, const double *s,
                        size_t columns, size_t column, const double *shift, double *u, double *work)
{
    size_t width = network->width, channel = column % network->channels;
    const double *head = network->parameters + network->layout.head + channel * width;
    double bias = network->parameters[network->layout.bias + channel];
    double *h = work, *v = work + TILE * width;
    multiply(count, width, layer_filters(network, 0, s), shift + column * width, 0, h);
    for (size_t l = 1; l <= network->layers; l++) {
        for (size_t p = 0; p < count; p++)
            memcpy(v + p * width, shift + (l * columns + column) * width, width * sizeof *v);
        fc__dgemm(false, true, count, width, width, 1, h, width,
                  network->parameters + block_w(network, l), width, 1, v, width);
        multiply(count, width, layer_filters(network, l, s), v, width, h);
    }
    for (size_t p = 0; p < count; p++)
        u[p * network->channels] = fc__ddot(width, h + p * width, head) + bias;
}

fc_status fc__decoder_values_double(fc_context *context, const fc_decoder *decoder,
                                    const double *parameters, size_t count,
                                    const double *coordinates, size_t codes_count, const double *z,
                                    double *u)
{
    fc_status status = FC_OK;
    double_network network = {0};
    double *work = NULL, *shift = NULL;
    double *filter_work = NULL;
    FC_TRY(network_open(context, decoder, parameters, &network));
    size_t dims = decoder->domain.dims, channels = network.channels;
    size_t columns = fc__product(codes_count, channels);
    size_t threads = (size_t)fc_context_threads(context), double_size = filter_work_size(&network);
    size_t filters = network.filters.distinct * TILE * network.width;
    size_t size = filters + 2 * TILE * network.width;
    FC_NEW(context, &shift, fc__product(columns, fc__product(network.layers + 1, network.width)));
    FC_NEW(context, &work, fc__product(threads, size));
    FC_NEW(context, &filter_work, fc__product(threads, double_size));
    shifts(context, &network, codes_count, z, shift);
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, 1)
    for (size_t start = 0; start < count; start += TILE) {
        size_t thread = (size_t)omp_get_thread_num();
        size_t tile = count - start < TILE ? count - start : TILE;
        double *s = work + thread * size;
        tile_filters(&network, tile, coordinates + start * dims, s,
                     filter_work + thread * double_size);
        for (size_t column = 0; column < columns; column++)
            tile_column(&network, tile, s, columns, column, shift,
                        u + (column / channels * count + start) * channels + column % channels,
                        s + filters);
    }
done:
    network_close(&network);
    free(work);
    free(shift);
    free(filter_work);
    return status;
}
