/* The basis and its gradient between arrays in host memory, in tiles of points that the device has
 * room for. */
#include "cuda/basis.h"
#include "cuda/network.h"

#include <stdlib.h>

enum { MOST_POINTS = 1 << 20, FEWEST_POINTS = 128 };

/* A tile of points and what belongs to them, device. */
typedef struct tile_memory {
    size_t points, dims, rows, values; /* numbers a point: coordinates, of phi0, of phi */
    double *coordinates;
    float *phi0, *phi;
} tile_memory;

static fc_status tile_open(fc_context *context, fc__device *device, const fc_decoder *decoder,
                           size_t count, tile_memory *tile)
{
    fc_status status = FC_OK;
    size_t channels = decoder->config.channels;
    *tile = (tile_memory){.dims = decoder->domain.dims,
                          .rows = channels,
                          .values = fc__product(channels, decoder->config.codes)};
    size_t point = tile->dims * sizeof(double) + (tile->rows + tile->values) * sizeof(float);
    size_t points = fc__device_room(device) / 2 / point;
    points = points > MOST_POINTS ? MOST_POINTS : points < FEWEST_POINTS ? FEWEST_POINTS : points;
    tile->points = points < count ? points : count;
    FC_DEVICE_NEW(context, device, "coordinates", &tile->coordinates, tile->points * tile->dims);
    FC_DEVICE_NEW(context, device, "basis", &tile->phi0, tile->points * tile->rows);
    FC_DEVICE_NEW(context, device, "basis", &tile->phi, tile->points * tile->values);
done:
    return status;
}

static void tile_close(fc__device *device, tile_memory *tile)
{
    fc__device_free(device, tile->coordinates);
    fc__device_free(device, tile->phi0);
    fc__device_free(device, tile->phi);
}

static size_t tile_size(const tile_memory *tile, size_t count, size_t start)
{
    return count - start < tile->points ? count - start : tile->points;
}

fc_status fc__cuda_basis(void *device, fc_context *context, const fc_decoder *decoder, size_t count,
                         const double *coordinates, float *phi0, float *phi, bool *taken)
{
    fc_status status = FC_OK;
    fc__device *on = ((fc__cuda *)device)->device;
    fc__cuda_network *network = NULL;
    tile_memory tile = {0};
    FC_TRY(fc__cuda_network_create(context, on, decoder, &network));
    *taken = network != NULL;
    if (!network)
        goto done;
    FC_TRY(tile_open(context, on, decoder, count, &tile));
    for (size_t start = 0; start < count; start += tile.points) {
        size_t size = tile_size(&tile, count, start);
        FC_TRY(fc__device_upload(context, on, tile.coordinates, coordinates + start * tile.dims,
                                 size * tile.dims * sizeof(double)));
        FC_TRY(
            fc__cuda_network_basis(context, network, size, tile.coordinates, tile.phi0, tile.phi));
        FC_TRY(fc__device_download(context, on, phi0 + start * tile.rows, tile.phi0,
                                   size * tile.rows * sizeof(float)));
        FC_TRY(fc__device_download(context, on, phi + start * tile.values, tile.phi,
                                   size * tile.values * sizeof(float)));
    }
done:
    tile_close(on, &tile);
    fc__cuda_network_destroy(network);
    return status;
}

fc_status fc__cuda_basis_vjp(void *device, fc_context *context, const fc_decoder *decoder,
                             size_t count, const double *coordinates, const float *phi0_bar,
                             const float *phi_bar, float *parameter_gradient, bool *taken)
{
    fc_status status = FC_OK;
    fc__device *on = ((fc__cuda *)device)->device;
    fc__cuda_network *network = NULL;
    tile_memory tile = {0};
    float *gradient = NULL;
    size_t bytes = decoder->parameter_count * sizeof *gradient;
    FC_TRY(fc__cuda_network_create(context, on, decoder, &network));
    *taken = network != NULL;
    if (!network)
        goto done;
    FC_TRY(tile_open(context, on, decoder, count, &tile));
    FC_DEVICE_NEW(context, on, "gradient", &gradient, decoder->parameter_count);
    FC_TRY(fc__device_upload(context, on, gradient, parameter_gradient, bytes));
    for (size_t start = 0; start < count; start += tile.points) {
        size_t size = tile_size(&tile, count, start);
        FC_TRY(fc__device_upload(context, on, tile.coordinates, coordinates + start * tile.dims,
                                 size * tile.dims * sizeof(double)));
        FC_TRY(fc__device_upload(context, on, tile.phi0, phi0_bar + start * tile.rows,
                                 size * tile.rows * sizeof(float)));
        FC_TRY(fc__device_upload(context, on, tile.phi, phi_bar + start * tile.values,
                                 size * tile.values * sizeof(float)));
        FC_TRY(fc__cuda_network_basis_vjp(context, network, size, tile.coordinates, tile.phi0,
                                          tile.phi, gradient));
    }
    FC_TRY(fc__device_download(context, on, parameter_gradient, gradient, bytes));
done:
    tile_close(on, &tile);
    fc__device_free(on, gradient);
    fc__cuda_network_destroy(network);
    return status;
}
