/* An affine decoder's weights on the device, and what does not depend on them but the filters. */
#include "cuda/network.cuh"

#include <stdlib.h>
#include <string.h>

enum { THREADS = 256 };

/* ---------------------------------------------------------------- life */

fc__embedding fc__embedding_of(const fc_domain *domain)
{
    const double turn = 6.28318530717958647692;
    fc__embedding e = {};
    e.dims = static_cast<int>(domain->dims);
    e.inputs = static_cast<int>(fc_domain_inputs(domain));
    for (int i = 0; i < e.dims; i++) {
        const fc_axis *axis = &domain->axis[i];
        double extension = axis->kind == FC_AXIS_PLAIN ? FC_PLAIN_EXTENSION : 1.0;
        if (axis->kind == FC_AXIS_LONGITUDE) {
            e.longitude = i;
        } else if (axis->kind == FC_AXIS_LATITUDE) {
            e.latitude = i;
        } else {
            e.axis[e.planar] = i;
            e.lower[e.planar] = axis->lower;
            e.factor[e.planar++] = turn / (extension * (axis->upper - axis->lower));
        }
    }
    return e;
}

/* As fc__filters_create decides it, but for filters that are trained: they part after one step. */
static size_t distinct_layers(const fc_decoder *decoder)
{
    size_t layers = decoder->config.layers + 1;
    size_t layer = decoder->config.filters * decoder->inputs;
    if (decoder->config.filter == FC_FILTER_TRAINABLE)
        return layers;
    for (size_t l = 1; l < layers; l++)
        if (memcmp(decoder->parameters, decoder->parameters + l * layer,
                   layer * sizeof *decoder->parameters) != 0)
            return layers;
    return 1;
}

bool fc__cuda_network_takes(const fc_decoder *decoder)
{
    return fc_decoder_is_affine(&decoder->config) && decoder->config.filter != FC_FILTER_HARMONIC;
}

static fc_status set_up(fc_context *context, fc__cuda_network *network)
{
    const fc_decoder *decoder = network->decoder;
    FC_RETURN_TRY(fc__device_allocate(context, network->device, "decoder weights",
                                      decoder->parameter_count, sizeof(float),
                                      &network->parameters));
    FC_RETURN_TRY(fc__device_upload(context, network->device, network->parameters,
                                    decoder->parameters, decoder->parameter_count * sizeof(float)));
    if (fc__fused_takes(network))
        FC_RETURN_TRY(fc__fused_open(context, network));
    return fc__cuda_network_refresh(context, network);
}

fc_status fc__cuda_network_create(fc_context *context, fc__device *device,
                                  const fc_decoder *decoder, fc__cuda_network **network)
{
    fc__cuda_network *made = NULL;
    *network = NULL;
    if (!fc__cuda_network_takes(decoder))
        return FC_OK;
    FC_RETURN_TRY(fc__allocate(context, 1, sizeof *made, &made));
    made->device = device;
    made->decoder = decoder;
    made->layout = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    made->layers = decoder->config.layers;
    made->filters = decoder->config.filters;
    made->width = made->layout.width;
    made->codes = decoder->config.codes;
    made->channels = decoder->config.channels;
    made->inputs = decoder->inputs;
    made->distinct = distinct_layers(decoder);
    made->embedding = fc__embedding_of(&decoder->domain);
    fc_status status = set_up(context, made);
    if (status == FC_OK)
        *network = made;
    else
        fc__cuda_network_destroy(made);
    return status;
}

static void scratch_close(fc__cuda_network *network)
{
    fc__network_scratch *scratch = &network->scratch;
    void *arrays[] = {scratch->inputs, scratch->s,     scratch->r,    scratch->q,
                      scratch->r_bar,  scratch->q_bar, scratch->s_bar};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        fc__device_free(network->device, arrays[i]);
    *scratch = {};
}

void fc__cuda_network_destroy(fc__cuda_network *network)
{
    if (!network)
        return;
    scratch_close(network);
    fc__device_free(network->device, network->parameters);
    fc__device_free(network->device, network->packed.memory);
    free(network);
}

float *fc__cuda_network_parameters(fc__cuda_network *network)
{
    return network->parameters;
}

fc_status fc__cuda_network_refresh(fc_context *context, fc__cuda_network *network)
{
    return network->packed.memory ? fc__fused_pack(context, network) : FC_OK;
}

size_t fc__cuda_network_distinct(const fc__cuda_network *network)
{
    return network->distinct;
}

/* ---------------------------------------------------------------- scratch of the plain paths */

static const size_t most_points = 16384, fewest_points = 128;

static fc_status new_matrices(fc_context *context, fc__cuda_network *network, const char *what,
                              size_t number, float **matrices)
{
    size_t size = fc__product(network->scratch.tile, network->width);
    return fc__device_allocate(context, network->device, what, fc__product(number, size),
                               sizeof(float), matrices);
}

static fc_status new_scratch(fc_context *context, fc__cuda_network *network, bool gradient)
{
    fc__network_scratch *s = &network->scratch;
    size_t layers = network->layers;
    FC_RETURN_TRY(fc__device_allocate(context, network->device, "decoder inputs",
                                      fc__product(s->tile, network->inputs), sizeof(double),
                                      &s->inputs));
    FC_RETURN_TRY(new_matrices(context, network, "decoder filters", network->distinct, &s->s));
    FC_RETURN_TRY(
        new_matrices(context, network, "decoder states", gradient ? layers + 1 : 1, &s->r));
    FC_RETURN_TRY(new_matrices(context, network, "decoder products", gradient ? layers : 1, &s->q));
    if (!gradient)
        return FC_OK;
    FC_RETURN_TRY(new_matrices(context, network, "decoder gradients", 1, &s->r_bar));
    FC_RETURN_TRY(new_matrices(context, network, "decoder gradients", 1, &s->q_bar));
    if (network->decoder->config.filter == FC_FILTER_TRAINABLE)
        FC_RETURN_TRY(new_matrices(context, network, "filter gradients", layers + 1, &s->s_bar));
    return FC_OK;
}

static bool scratch_serves(const fc__cuda_network *network, size_t points, bool gradient)
{
    return network->scratch.tile >= points && (network->for_gradient || !gradient);
}

fc_status fc__network_scratch_open(fc_context *context, fc__cuda_network *network, size_t count,
                                   bool gradient)
{
    size_t layers = network->layers + 1;
    size_t matrices = network->distinct + (gradient ? 3 * layers + 2 : 2);
    size_t point = network->inputs * sizeof(double) + matrices * network->width * sizeof(float);
    size_t most = count < most_points ? count : most_points;
    if (scratch_serves(network, most, gradient)) /* asking for the room takes time */
        return FC_OK;
    size_t tile = fc__device_room(network->device) / 4 / point;
    tile = tile < fewest_points ? fewest_points : tile;
    tile = tile < most ? tile : most;
    if (scratch_serves(network, tile, gradient))
        return FC_OK;
    scratch_close(network);
    network->scratch.tile = tile;
    network->for_gradient = gradient;
    fc_status status = new_scratch(context, network, gradient);
    if (status != FC_OK)
        scratch_close(network);
    return status;
}

/* ---------------------------------------------------------------- filters */

static __global__ void embed_kernel(fc__embedding embedding, size_t count,
                                    const double *coordinates, double *inputs)
{
    size_t p = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x;
    if (p < count)
        fc__embed(embedding, coordinates + p * embedding.dims, inputs + p * embedding.inputs);
}

fc_status fc__cuda_network_embed(fc_context *context, fc__cuda_network *network, size_t count,
                                 const double *coordinates, double *inputs)
{
    if (count == 0)
        return FC_OK;
    return fc__launch(context, network->device, "embedding of points", embed_kernel,
                      fc__blocks(count, THREADS), THREADS, 0, network->embedding, count,
                      coordinates, inputs);
}

/* A thread for each layer (y), point and filter. */
static __global__ void filters_kernel(size_t count, int filters, int inputs, const float *omega,
                                      const double *x, float *s)
{
    size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x;
    size_t point = i / filters, filter = i % filters;
    if (point >= count)
        return;
    float2 wave =
        fc__filter(inputs, omega + (static_cast<size_t>(blockIdx.y) * filters + filter) * inputs,
                   x + point * inputs);
    float *row = s + (blockIdx.y * count + point) * 2 * filters;
    row[filter] = wave.x;
    row[filters + filter] = wave.y;
}

fc_status fc__cuda_network_filters(fc_context *context, fc__cuda_network *network, size_t count,
                                   const double *inputs, float *s)
{
    if (count == 0)
        return FC_OK;
    dim3 grid(fc__blocks(count * network->filters, THREADS),
              static_cast<unsigned>(network->distinct));
    return fc__launch(context, network->device, "filters", filters_kernel, grid, THREADS, 0, count,
                      network->filters, network->inputs, network->parameters, inputs, s);
}

static __global__ void multiply_kernel(size_t count, int width, const float *s, const float *q,
                                       size_t stride, float *r)
{
    size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x;
    if (i < count * width)
        r[i] = s[i] * q[i / width * stride + i % width];
}

fc_status fc__network_multiply(fc_context *context, const fc__cuda_network *network, size_t points,
                               const float *s, const float *q, size_t stride, float *r)
{
    return fc__launch(context, network->device, "product with filters", multiply_kernel,
                      fc__blocks(points * network->width, THREADS), THREADS, 0, points,
                      network->width, s, q, stride, r);
}
