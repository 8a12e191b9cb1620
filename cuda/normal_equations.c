/* The normal equations of a Fourier series at the points of some frames (inr/fit_frames.c), in
 * tiles of points and frames. */
#include "cuda/encode.h"
#include "cuda/network.h"
#include "cuda/normal.h"
#include "cuda/sizes.h"

#include <stdlib.h>
#include <string.h>

enum { FEWEST_POINTS = 128, MOST_POINTS = 1 << 14, MOST_VALUES = 1 << 24 }; /* of a tile */

/* What is wanted, and memory for tiles, device but for `host`. */
typedef struct series {
    fc_context *context;
    fc__device *device;
    fc__cuda_network *network;
    const fc_points *set;
    const size_t *index;
    const fc__frames *frames; /* NULL = none */
    size_t channel, dims, inputs, width;
    size_t points, number; /* of a tile: points, frames */
    void *host;            /* coordinates or values of a tile */
    double *x, *e;         /* (points, dims), (points, inputs) */
    float *s, *y;          /* features (points, width), values (number, points) */
    double *wide, *wide_y; /* the same in double */
    double *gram, *rhs;    /* (width, width) lower triangle, (frames, width) */
} series;

static fc_status series_open(series *s, size_t count, bool wants_gram)
{
    fc_status status = FC_OK;
    size_t frames = s->frames ? s->frames->count : 0, room = fc__device_room(s->device) / 8;
    size_t point = (s->dims + s->inputs + 2 * s->width) * sizeof(double);
    s->points = fc__larger(fc__smaller(room / point, MOST_POINTS), FEWEST_POINTS);
    s->points = fc__smaller(s->points, count);
    s->number = fc__smaller(fc__smaller(room / sizeof(double), MOST_VALUES) / s->points, frames);
    s->number = frames ? fc__larger(s->number, 1) : 0;
    size_t host = fc__larger(s->dims * sizeof(double), s->number * sizeof(float));
    FC_TRY(fc__allocate(s->context, s->points, host, &s->host));
    FC_DEVICE_NEW(s->context, s->device, "coordinates", &s->x, s->points * s->dims);
    FC_DEVICE_NEW(s->context, s->device, "inputs", &s->e, s->points * s->inputs);
    FC_DEVICE_NEW(s->context, s->device, "features", &s->s, s->points * s->width);
    FC_DEVICE_NEW(s->context, s->device, "features", &s->wide, s->points * s->width);
    FC_DEVICE_NEW(s->context, s->device, "values of frames", &s->y, s->number * s->points);
    FC_DEVICE_NEW(s->context, s->device, "values of frames", &s->wide_y, s->number * s->points);
    if (wants_gram) {
        size_t square = fc__product(s->width, s->width);
        FC_DEVICE_NEW(s->context, s->device, "normal matrix", &s->gram, square);
        FC_TRY(fc__device_zero(s->context, s->device, s->gram, square * sizeof *s->gram));
    }
    size_t size = fc__product(frames, s->width);
    FC_DEVICE_NEW(s->context, s->device, "right sides", &s->rhs, size);
    FC_TRY(fc__device_zero(s->context, s->device, s->rhs, size * sizeof *s->rhs));
done:
    return status;
}

static void series_close(series *s)
{
    void *const memory[] = {s->x, s->e, s->s, s->y, s->wide, s->wide_y, s->gram, s->rhs};
    fc__cuda_network_destroy(s->network);
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        fc__device_free(s->device, memory[i]);
    free(s->host);
}

/* Features at points index[start..start + size). */
static fc_status add_points(series *s, size_t start, size_t size)
{
    fc_status status = FC_OK;
    double *x = s->host;
    for (size_t p = 0; p < size; p++)
        memcpy(x + p * s->dims, s->set->coordinates + s->index[start + p] * s->dims,
               s->dims * sizeof *x);
    FC_TRY(fc__device_upload(s->context, s->device, s->x, x, size * s->dims * sizeof *x));
    FC_TRY(fc__cuda_network_embed(s->context, s->network, size, s->x, s->e));
    FC_TRY(fc__cuda_network_filters(s->context, s->network, size, s->e, s->s));
    FC_TRY(fc__cuda_widen(s->context, s->device, size * s->width, s->s, s->wide));
    if (s->gram)
        FC_TRY(fc__cuda_syrk_add(s->context, s->device, s->width, size, s->wide, s->gram));
done:
    return status;
}

/* Values of frames [first, first + number) there. */
static fc_status add_frames(series *s, size_t start, size_t size, size_t first, size_t number,
                            double *square)
{
    fc_status status = FC_OK;
    float *y = s->host;
    size_t channels = s->frames->dataset->channel_count;
    int threads = fc__threads_worth(s->context, number * size, number);
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (size_t f = 0; f < number; f++) {
        const float *values = s->frames->frame[first + f]->values;
        for (size_t p = 0; p < size; p++) {
            float value = values[s->index[start + p] * channels + s->channel];
            y[f * size + p] = value;
            square[first + f] += (double)value * (double)value;
        }
    }
    FC_TRY(fc__device_upload(s->context, s->device, s->y, y, number * size * sizeof *y));
    FC_TRY(fc__cuda_widen(s->context, s->device, number * size, s->y, s->wide_y));
    FC_TRY(fc__device_dgemm(s->context, s->device, false, false, number, s->width, size, 1.0,
                            s->wide_y, size, s->wide, s->width, 1.0, s->rhs + first * s->width,
                            s->width));
done:
    return status;
}

/* Adds the sums to the caller's. */
static fc_status add_results(series *s, double *gram, double *rhs)
{
    fc_status status = FC_OK;
    size_t width = s->width, size = s->frames ? s->frames->count * width : 0;
    double *found = NULL;
    FC_NEW(s->context, &found, fc__larger(size, gram ? width * width : 0));
    FC_TRY(fc__device_download(s->context, s->device, found, s->rhs, size * sizeof *found));
    for (size_t i = 0; i < size; i++)
        rhs[i] += found[i];
    if (!gram)
        goto done;
    FC_TRY(
        fc__device_download(s->context, s->device, found, s->gram, width * width * sizeof *found));
    for (size_t i = 0; i < width; i++)
        for (size_t j = 0; j < width; j++)
            gram[i * width + j] += found[i > j ? i * width + j : j * width + i];
done:
    free(found);
    return status;
}

fc_status fc__cuda_normal_equations(void *device, fc_context *context, const fc_decoder *decoder,
                                    const fc_points *points, size_t count, const size_t *index,
                                    const fc__frames *frames, size_t channel, double *gram,
                                    double *rhs, double *square, bool *taken)
{
    fc_status status = FC_OK;
    size_t all = frames ? frames->count : 0;
    double *squares = NULL;
    series s = {.context = context,
                .device = ((fc__cuda *)device)->device,
                .set = points,
                .index = index,
                .frames = frames,
                .channel = channel,
                .dims = decoder->domain.dims,
                .inputs = decoder->inputs,
                .width = 2 * decoder->config.filters};
    *taken = fc__cuda_network_takes(decoder) && decoder->config.layers == 0;
    if (!*taken || count == 0)
        return FC_OK;
    FC_TRY(fc__cuda_network_create(context, s.device, decoder, &s.network));
    FC_TRY(series_open(&s, count, gram != NULL));
    FC_NEW(context, &squares, all);
    for (size_t start = 0; start < count; start += s.points) {
        size_t size = fc__smaller(count - start, s.points);
        FC_TRY(add_points(&s, start, size));
        for (size_t first = 0; first < all; first += s.number)
            FC_TRY(add_frames(&s, start, size, first, fc__smaller(all - first, s.number), squares));
    }
    FC_TRY(add_results(&s, gram, rhs));
    for (size_t f = 0; f < all; f++)
        square[f] += squares[f];
done:
    series_close(&s);
    free(squares);
    return status;
}
