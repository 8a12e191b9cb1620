#include "inr/network.h"
#include "inr/kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- weights */

/* Sizes of a network's arrays in the order of fc__network, each SIZE_MAX when it overflows. */
static void array_sizes(const fc__network *n, unsigned use, size_t sizes[6])
{
    size_t states = fc__product(n->channels, n->layers + 1);
    bool basis = use & FC__FOR_BASIS, gradient = use & FC__FOR_GRADIENT;
    sizes[0] = n->channels * n->width;
    sizes[1] = states * n->width;
    sizes[2] = basis ? fc__product(states, fc__packed_codes(n)) : 0;
    sizes[3] = basis || gradient ? n->layers * fc__packed_square(n) : 0;
    sizes[4] = gradient || use & FC__FOR_VALUES ? n->layers * fc__packed_square(n) : 0;
    sizes[5] = gradient ? fc__product(states, fc__packed_turned(n)) : 0;
}

static fc_status allocate_arrays(fc_context *context, unsigned use, fc__network *n)
{
    size_t sizes[6], total = 0;
    float **arrays[6] = {&n->head, &n->b, &n->a, &n->w, &n->w_transposed, &n->a_transposed};
    array_sizes(n, use, sizes);
    for (size_t i = 0; i < 6; i++)
        total = sizes[i] > SIZE_MAX - total ? SIZE_MAX : total + sizes[i];
    fc_status status = fc__allocate(context, total, sizeof(float), &n->memory);
    if (status != FC_OK)
        return status;
    float *next = n->memory;
    for (size_t i = 0; i < 6; next += sizes[i++])
        *arrays[i] = sizes[i] ? next : NULL;
    return FC_OK;
}

fc_status fc__network_open(fc_context *context, const fc_decoder *decoder, unsigned use,
                           fc__network *network)
{
    fc_status status = FC_OK;
    double *omega = NULL;
    const fc_decoder_config *config = &decoder->config;
    size_t width = 2 * config->filters, padded = fc__round_up(width, FC__ROW);
    *network = (fc__network){.decoder = decoder,
                             .layout = fc_decoder_layout_of(config, decoder->inputs),
                             .layers = config->layers,
                             .codes = config->codes,
                             .channels = config->channels,
                             .real_width = width,
                             .width = padded,
                             .row = (config->layers + 1) * padded + FC__ROW,
                             .stack = padded < FC__STACK_DEPTH ? FC__STACK_DEPTH / padded : 1};
    FC_NEW(context, &omega, network->layout.a);
    for (size_t i = 0; i < network->layout.a; i++)
        omega[i] = (double)decoder->parameters[i];
    FC_TRY(fc__filters_create(context, config->filter, config->layers + 1, config->filters,
                              decoder->inputs, omega, &network->filters));
    FC_TRY(allocate_arrays(context, use, network));
    const fc__kernels *kernels = fc__kernels_chosen();
    size_t pieces = (config->layers + 1) * config->channels;
    int threads = fc__threads_worth(context, network->layout.count, pieces);
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (size_t piece = 0; piece < pieces; piece++)
        kernels->network_pack(network, piece / config->channels, piece % config->channels);
done:
    free(omega);
    if (status != FC_OK)
        fc__network_close(network);
    return status;
}

void fc__network_close(fc__network *network)
{
    fc__filters_clear(&network->filters);
    free(network->memory);
    *network = (fc__network){0};
}

/* ---------------------------------------------------------------- tapes */

/* Sizes of a tape's arrays of floats in the order of fc__tape. */
static void tape_sizes(const fc__network *n, unsigned use, size_t sizes[7])
{
    size_t matrix = FC__TILE * n->width;
    bool gradient = use & FC__FOR_GRADIENT, values = use & FC__FOR_VALUES;
    bool trained = gradient && n->decoder->config.filter == FC_FILTER_TRAINABLE;
    sizes[0] = n->filters.distinct * matrix;
    sizes[1] = gradient || (use & FC__FOR_BASIS && n->layers > 0) ? FC__TILE * n->row : 0;
    sizes[2] = trained ? n->layers * matrix : 0;
    sizes[3] = trained ? (n->layers + 1) * matrix : 0;
    sizes[4] = gradient || values ? FC__TILE * (n->width + FC__ROW) : 0;
    sizes[5] = sizes[4];
    sizes[6] = gradient ? FC__TILE * fc__round_up(n->codes, FC__PACK) : 0;
}

size_t fc__tape_floats(const fc__network *network, unsigned use)
{
    size_t sizes[7], total = network->row;
    tape_sizes(network, use, sizes);
    for (size_t i = 0; i < 7; i++)
        total += sizes[i];
    return total;
}

size_t fc__tape_doubles(const fc__network *network)
{
    return FC__TILE * network->decoder->inputs + fc__filters_work_size(&network->filters);
}

fc__tape fc__tape_in(const fc__network *network, unsigned use, float *floats, double *doubles)
{
    size_t sizes[7];
    fc__tape tape = {.inputs = doubles,
                     .scratch = doubles + FC__TILE * network->decoder->inputs,
                     .sums = floats};
    float **arrays[7] = {&tape.s,     &tape.r,     &tape.q,      &tape.s_bar,
                         &tape.r_bar, &tape.q_bar, &tape.phi_bar};
    tape_sizes(network, use, sizes);
    floats += network->row;
    for (size_t i = 0; i < 7; floats += sizes[i++])
        *arrays[i] = sizes[i] ? floats : NULL;
    return tape;
}

void fc__tape_filters(const fc__network *network, size_t count, const double *coordinates,
                      const fc__tape *tape)
{
    fc_domain_embed(&network->decoder->domain, count, coordinates, tape->inputs);
    fc__filters_tile(&network->filters, count, tape->inputs, tape->s, network->width,
                     FC__TILE * network->width, tape->scratch);
}
