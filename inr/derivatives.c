#include "inr/filters.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* The second derivatives amplify rounding by the square of the wave number, so all is done in
 * double.
 *
 * Along each axis a point moves on a curve with unit speed in the units asked for: a straight line
 * for a planar axis, a great circle for eastward and northward. A quantity q along it is carried as
 * its 2-jet (q, q', q''), and the jets of all curves through a point share q. On the sphere the sum
 * of second derivatives along two orthogonal great circles is the Laplace-Beltrami operator, which
 * has no singular case at the poles. */

enum { TILE = 32 };

/* A point's curves: x'(axis) and x''(axis), each (inputs). */
typedef struct curves {
    double velocity[FC_MAX_DIMS][FC_MAX_INPUTS];
    double acceleration[FC_MAX_DIMS][FC_MAX_INPUTS];
} curves;

typedef struct network {
    const fc_decoder *decoder;
    fc__filters filters;
    double *w;     /* (layers, width, width) */
    double *shift; /* (layers + 1, channels, width): A_l z + b_l */
    double *head;  /* (channels, width) */
    size_t layers, width, channels, dims, inputs;
} network;

static void network_close(network *n)
{
    fc__filters_clear(&n->filters);
    free(n->w);
    free(n->shift);
    free(n->head);
}

static void copy_to_double(size_t count, const float *from, double *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (double)from[i];
}

static fc_status network_open(fc_context *context, const fc_decoder *decoder, const float *z,
                              network *n)
{
    fc_status status = FC_OK;
    double *omega = NULL;
    const fc_decoder_config *config = &decoder->config;
    const float *parameters = decoder->parameters;
    fc_decoder_layout layout = fc_decoder_layout_of(config, decoder->inputs);
    *n = (network){.decoder = decoder,
                   .layers = config->layers,
                   .width = 2 * config->filters,
                   .channels = config->channels,
                   .dims = decoder->domain.dims,
                   .inputs = decoder->inputs};
    FC_NEW(context, &omega, layout.a);
    FC_NEW(context, &n->w, layout.head - layout.w);
    FC_NEW(context, &n->shift, layout.w - layout.b);
    FC_NEW(context, &n->head, layout.bias - layout.head);
    copy_to_double(layout.a, parameters, omega);
    copy_to_double(layout.head - layout.w, parameters + layout.w, n->w);
    copy_to_double(layout.w - layout.b, parameters + layout.b, n->shift);
    copy_to_double(layout.bias - layout.head, parameters + layout.head, n->head);
    for (size_t i = 0; i < layout.w - layout.b; i++)
        for (size_t c = 0; c < config->codes; c++)
            n->shift[i] += (double)parameters[layout.a + i * config->codes + c] * (double)z[c];
    FC_TRY(fc__filters_create(context, config->filter, config->layers + 1, config->filters,
                              decoder->inputs, omega, &n->filters));
done:
    free(omega);
    return status;
}

/* ---------------------------------------------------------------- curves through a point */

/* Network inputs of the point with one coordinate replaced. */
static void embed_moved(const fc_domain *domain, const double *coordinates, size_t axis, double to,
                        double *inputs)
{
    double moved[FC_MAX_DIMS];
    memcpy(moved, coordinates, domain->dims * sizeof *moved);
    moved[axis] = to;
    fc_domain_embed(domain, 1, moved, inputs);
}

/* Planar axis: x' = (x(upper) - x(lower)) / (upper - lower), as the embedding is affine. */
static void straight_line(const fc_domain *domain, const double *coordinates, size_t axis,
                          double *velocity)
{
    double from[FC_MAX_INPUTS], to[FC_MAX_INPUTS];
    const fc_axis *a = &domain->axis[axis];
    embed_moved(domain, coordinates, axis, a->lower, from);
    embed_moved(domain, coordinates, axis, a->upper, to);
    for (size_t j = 0; j < fc_domain_inputs(domain); j++)
        velocity[j] = (to[j] - from[j]) / (a->upper - a->lower);
}

/* Great circle x cos t + e sin t: x' = e, x'' = -x, where e is the unit vector 90 degrees further
 * east on the equator, or 90 degrees further north. The sphere's inputs are the last three. */
static void great_circle(const fc_domain *domain, const double *coordinates, size_t longitude,
                         size_t latitude, bool eastward, double *velocity, double *acceleration)
{
    double here[FC_MAX_INPUTS], ahead[FC_MAX_INPUTS], point[FC_MAX_DIMS];
    size_t inputs = fc_domain_inputs(domain);
    memcpy(point, coordinates, domain->dims * sizeof *point);
    fc_domain_embed(domain, 1, point, here);
    if (eastward) {
        point[longitude] += 90.0;
        point[latitude] = 0.0;
    } else {
        point[latitude] += 90.0;
    }
    fc_domain_embed(domain, 1, point, ahead);
    for (size_t j = inputs - 3; j < inputs; j++) {
        velocity[j] = ahead[j];
        acceleration[j] = -here[j];
    }
}

static curves curves_through(const fc_domain *domain, const double *coordinates)
{
    curves c = {0};
    size_t longitude = 0, latitude = 0;
    for (size_t i = 0; i < domain->dims; i++) {
        if (domain->axis[i].kind == FC_AXIS_LONGITUDE)
            longitude = i;
        if (domain->axis[i].kind == FC_AXIS_LATITUDE)
            latitude = i;
    }
    for (size_t i = 0; i < domain->dims; i++) {
        if (domain->axis[i].kind == FC_AXIS_LONGITUDE || domain->axis[i].kind == FC_AXIS_LATITUDE)
            great_circle(domain, coordinates, longitude, latitude, i == longitude, c.velocity[i],
                         c.acceleration[i]);
        else
            straight_line(domain, coordinates, i, c.velocity[i]);
    }
    return c;
}

/* ---------------------------------------------------------------- jets */

/* Rows of a point's jets: 0 the value, 1 + 2 axis the first and 2 + 2 axis the second derivative.
 */
static size_t rows_of(const network *n)
{
    return 1 + 2 * n->dims;
}

/* Jets of a distinct layer's filters at one point with inputs x; s (rows, width), row 0 given. */
static void filter_jets(const network *n, size_t layer, const double *x, const curves *c, double *s,
                        double *scratch)
{
    for (size_t axis = 0; axis < n->dims; axis++) {
        double *first = s + (1 + 2 * axis) * n->width;
        fc__filters_jets(&n->filters, layer, x, c->velocity[axis], c->acceleration[axis], s, first,
                         first + n->width, scratch);
    }
}

/* h = s * v: h' = s'v + s v', h'' = s''v + 2 s'v' + s v''. v may be h. */
static void multiply_jets(const network *n, const double *s, const double *v, double *h)
{
    size_t width = n->width;
    for (size_t axis = 0; axis < n->dims; axis++) {
        size_t one = (1 + 2 * axis) * width, two = one + width;
        for (size_t i = 0; i < width; i++) {
            double d1 = s[one + i] * v[i] + s[i] * v[one + i];
            h[two + i] = s[two + i] * v[i] + 2.0 * s[one + i] * v[one + i] + s[i] * v[two + i];
            h[one + i] = d1;
        }
    }
    for (size_t i = 0; i < width; i++)
        h[i] = s[i] * v[i];
}

/* Jets of the last hidden state of a channel for a tile of points: h (TILE, rows, width); s
 * (distinct, TILE, rows, width). */
static void hidden_jets(const network *n, size_t count, size_t channel, const double *s, double *v,
                        double *h)
{
    size_t width = n->width, point = rows_of(n) * width;
    for (size_t l = 0; l <= n->layers; l++) {
        const double *shift = n->shift + (l * n->channels + channel) * width;
        const double *layer = s + (n->filters.distinct > 1 ? l * TILE * point : 0);
        if (l == 0)
            memset(v, 0, count * point * sizeof *v);
        else
            fc__dgemm(false, true, count * rows_of(n), width, width, 1.0, h, width,
                      n->w + (l - 1) * width * width, width, 0.0, v, width);
        for (size_t p = 0; p < count; p++) {
            for (size_t i = 0; i < width; i++)
                v[p * point + i] += shift[i];
            multiply_jets(n, layer + p * point, v + p * point, h + p * point);
        }
    }
}

/* ---------------------------------------------------------------- results */

/* work: s (distinct), v, h, each (TILE, rows, width), and the filters' scratch */
static void tile_derivatives(const network *n, size_t count, const double *coordinates,
                             float *gradient, float *laplacian, double *work)
{
    size_t width = n->width, point = rows_of(n) * width, distinct = n->filters.distinct;
    double *s = work, *v = s + distinct * TILE * point, *h = v + TILE * point;
    double *scratch = h + TILE * point;
    for (size_t p = 0; p < count; p++) {
        double inputs[FC_MAX_INPUTS];
        const double *at = coordinates + p * n->dims;
        curves c = curves_through(&n->decoder->domain, at);
        fc_domain_embed(&n->decoder->domain, 1, at, inputs);
        fc__filters_double(&n->filters, inputs, s + p * point, TILE * point, scratch);
        for (size_t l = 0; l < distinct; l++)
            filter_jets(n, l, inputs, &c, s + (l * TILE + p) * point, scratch);
    }
    for (size_t channel = 0; channel < n->channels; channel++) {
        const double *head = n->head + channel * width;
        hidden_jets(n, count, channel, s, v, h);
        for (size_t p = 0; p < count; p++) {
            size_t out = p * n->channels + channel;
            double sum = 0.0;
            for (size_t axis = 0; axis < n->dims; axis++) {
                const double *jet = h + p * point + (1 + 2 * axis) * width;
                if (gradient)
                    gradient[out * n->dims + axis] = (float)fc__ddot(width, head, jet);
                sum += fc__ddot(width, head, jet + width);
            }
            if (laplacian)
                laplacian[out] = (float)sum;
        }
    }
}

fc_status fc_decoder_derivatives(fc_context *context, const fc_decoder *decoder, size_t count,
                                 const double *coordinates, const float *z, float *gradient,
                                 float *laplacian)
{
    fc_status status = FC_OK;
    network n = {0};
    double *work = NULL;
    if (!fc_decoder_is_affine(&decoder->config))
        return fc__fail(context, FC_ERROR_USAGE,
                        "decoder: derivatives in space are known of the fourier family only");
    FC_TRY(network_open(context, decoder, z, &n));
    size_t per_point = n.channels, tiles = count / TILE + (count % TILE > 0);
    int threads = fc__threads_worth(context, fc__product(count, decoder->parameter_count), tiles);
    size_t size =
        (n.filters.distinct + 2) * TILE * rows_of(&n) * n.width + fc__filters_work_size(&n.filters);
    FC_NEW(context, &work, fc__product((size_t)threads, size));
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
    for (size_t start = 0; start < count; start += TILE)
        tile_derivatives(&n, count - start < TILE ? count - start : TILE,
                         coordinates + start * n.dims,
                         gradient ? gradient + start * per_point * n.dims : NULL,
                         laplacian ? laplacian + start * per_point : NULL,
                         work + (size_t)omp_get_thread_num() * size);
done:
    network_close(&n);
    free(work);
    return status;
}
