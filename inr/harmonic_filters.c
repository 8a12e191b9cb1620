#include "inr/harmonic_filters.h"
#include "inr/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- plan */

static bool is_harmonic(double degree, double order)
{
    enum { LARGEST = 4096 };
    return degree >= 0.0 && degree <= LARGEST && degree == floor(degree) && order >= 0.0 &&
           order <= degree && order == floor(order);
}

/* Sets the tables' places: `start` holds for each order the largest degree + 1 at first. */
static void lay_out(fc__harmonic_filters *h)
{
    size_t next = 0;
    for (size_t m = 0; m <= h->orders; m++) {
        size_t degrees = h->start[m] > m ? h->start[m] - m : 0;
        h->start[m] = next;
        next += degrees;
    }
    h->entries = next;
}

static void fill_factors(fc__harmonic_filters *h)
{
    double sectoral = 1.0; /* Q_mm */
    for (size_t m = 0; m < h->orders; m++) {
        if (m > 0)
            sectoral *= sqrt((2.0 * (double)m + 1.0) / (2.0 * (double)m));
        for (size_t i = h->start[m]; i < h->start[m + 1]; i++) {
            double l = (double)(m + i - h->start[m]), square = (double)(m * m);
            if (i == h->start[m]) {
                h->first[i] = sectoral;
                continue;
            }
            double ratio = (4.0 * l * l - 1.0) / (l * l - square), before = l - 1.0;
            h->first[i] = sqrt(ratio);
            h->second[i] = sqrt(ratio * (before * before - square) / (4.0 * before * before - 1.0));
        }
    }
}

fc_status fc__harmonic_filters_create(fc_context *context, size_t layers, size_t count,
                                      const double *omega, fc__harmonic_filters *h)
{
    fc_status status = FC_OK;
    size_t all = fc__product(layers, count);
    *h = (fc__harmonic_filters){.layers = layers, .count = count};
    for (size_t f = 0; f < all; f++) {
        if (!is_harmonic(omega[3 * f], omega[3 * f + 1]))
            return fc__fail(context, FC_ERROR_DATA,
                            "decoder: filter %zu is no spherical harmonic: degree %g, order %g; "
                            "whole numbers with order <= degree <= 4096 are needed",
                            f % count, omega[3 * f], omega[3 * f + 1]);
        size_t order = (size_t)omega[3 * f + 1];
        h->orders = order + 1 > h->orders ? order + 1 : h->orders;
    }
    FC_NEW(context, &h->start, h->orders + 1);
    FC_NEW(context, &h->entry, all);
    FC_NEW(context, &h->order, all);
    for (size_t f = 0; f < all; f++) {
        size_t degree = (size_t)omega[3 * f], *most = &h->start[(size_t)omega[3 * f + 1]];
        *most = degree + 1 > *most ? degree + 1 : *most;
    }
    lay_out(h);
    FC_NEW(context, &h->first, h->entries);
    FC_NEW(context, &h->second, h->entries);
    fill_factors(h);
    for (size_t f = 0; f < all; f++) {
        size_t degree = (size_t)omega[3 * f], order = (size_t)omega[3 * f + 1];
        h->order[f] = order;
        h->entry[f] = h->start[order] + degree - order;
    }
done:
    if (status != FC_OK)
        fc__harmonic_filters_clear(h);
    return status;
}

void fc__harmonic_filters_clear(fc__harmonic_filters *h)
{
    free(h->start);
    free(h->first);
    free(h->second);
    free(h->entry);
    free(h->order);
    *h = (fc__harmonic_filters){0};
}

/* ---------------------------------------------------------------- tables */

size_t fc__harmonic_filters_work_size(const fc__harmonic_filters *h, size_t lanes)
{
    size_t values = h->entries + 2 * h->orders, jets = 3 * h->entries + 2 * h->orders;
    return lanes * values > jets ? lanes * values : jets;
}

/* q (entries, lanes) at z (lanes). */
static inline void fill_legendre(const fc__harmonic_filters *h, size_t lanes, const double *z,
                                 double *q)
{
    for (size_t m = 0; m < h->orders; m++) {
        size_t start = h->start[m], end = h->start[m + 1];
        for (size_t i = start; i < end; i++) {
            double first = h->first[i], second = h->second[i];
            for (size_t p = 0; p < lanes; p++) {
                double value = first;
                if (i > start)
                    value *= z[p] * q[(i - 1) * lanes + p];
                if (i > start + 1)
                    value -= second * q[(i - 2) * lanes + p];
                q[i * lanes + p] = value;
            }
        }
    }
}

/* re, im (orders, lanes) of (x + i y)^m. */
static inline void fill_powers(size_t orders, size_t lanes, const double *x, const double *y,
                               double *re, double *im)
{
    for (size_t p = 0; p < lanes; p++) {
        re[p] = 1.0;
        im[p] = 0.0;
    }
    for (size_t i = lanes; i < orders * lanes; i++) {
        size_t p = i % lanes, before = i - lanes;
        re[i] = re[before] * x[p] - im[before] * y[p];
        im[i] = re[before] * y[p] + im[before] * x[p];
    }
}

/* ---------------------------------------------------------------- values */

void fc__harmonic_filters_tile(const fc__harmonic_filters *h, size_t count, const double *x,
                               float *s, size_t ld, size_t layer_stride, double *work)
{
    enum { LANES = FC__WAVE_POINTS };
    double at[3][LANES] = {{0}};
    double *q = work, *re = q + h->entries * LANES, *im = re + h->orders * LANES;
    for (size_t i = 0; i < 3 * count; i++)
        at[i % 3][i / 3] = x[i];
    fill_legendre(h, LANES, at[2], q);
    fill_powers(h->orders, LANES, at[0], at[1], re, im);
    for (size_t l = 0; l < h->layers; l++) {
        for (size_t p = 0; p < count; p++) {
            float *sine = s + l * layer_stride + p * ld, *cosine = sine + h->count;
            for (size_t f = 0; f < h->count; f++) {
                size_t order = h->order[l * h->count + f] * LANES + p;
                double legendre = q[h->entry[l * h->count + f] * LANES + p];
                sine[f] = (float)(legendre * im[order]);
                cosine[f] = (float)(legendre * re[order]);
            }
        }
    }
}

void fc__harmonic_filters_double(const fc__harmonic_filters *h, const double *x, double *s,
                                 size_t stride, double *work)
{
    double *q = work, *re = q + h->entries, *im = re + h->orders;
    fill_legendre(h, 1, x + 2, q);
    fill_powers(h->orders, 1, x, x + 1, re, im);
    for (size_t l = 0; l < h->layers; l++) {
        double *sine = s + l * stride, *cosine = sine + h->count;
        for (size_t f = 0; f < h->count; f++) {
            double legendre = q[h->entry[l * h->count + f]];
            sine[f] = legendre * im[h->order[l * h->count + f]];
            cosine[f] = legendre * re[h->order[l * h->count + f]];
        }
    }
}

/* ---------------------------------------------------------------- derivatives */

/* q (3, entries): Q, dQ/dz and d2Q/dz2. */
static void fill_legendre_jets(const fc__harmonic_filters *h, double z, double *q)
{
    double *slope = q + h->entries, *bend = slope + h->entries;
    fill_legendre(h, 1, &z, q);
    for (size_t m = 0; m < h->orders; m++) {
        for (size_t i = h->start[m]; i < h->start[m + 1]; i++) {
            slope[i] = bend[i] = 0.0;
            if (i == h->start[m])
                continue;
            slope[i] = h->first[i] * (q[i - 1] + z * slope[i - 1]);
            bend[i] = h->first[i] * (2.0 * slope[i - 1] + z * bend[i - 1]);
            if (i == h->start[m] + 1)
                continue;
            slope[i] -= h->second[i] * slope[i - 2];
            bend[i] -= h->second[i] * bend[i - 2];
        }
    }
}

void fc__harmonic_filters_jets(const fc__harmonic_filters *h, size_t layer, const double x[3],
                               const double velocity[3], const double acceleration[3],
                               double *first, double *second, double *work)
{
    const double zero[2] = {0.0, 0.0}, *v = velocity, *a = acceleration;
    double *q = work, *re = q + 3 * h->entries, *im = re + h->orders;
    fill_legendre_jets(h, x[2], q);
    fill_powers(h->orders, 1, x, x + 1, re, im);
    for (size_t f = 0; f < h->count; f++) {
        size_t entry = h->entry[layer * h->count + f], m = h->order[layer * h->count + f];
        double order = (double)m, value = q[entry], slope = q[h->entries + entry];
        double bend = q[2 * h->entries + entry], order_before = order * (order - 1.0);
        /* Q along the curve, then w^m, w = x + i y: m w^{m-1} w' and so on */
        double q1 = slope * v[2], q2 = bend * v[2] * v[2] + slope * a[2];
        const double w[2] = {re[m], im[m]};
        const double w1[2] = {m > 0 ? re[m - 1] : zero[0], m > 0 ? im[m - 1] : zero[1]};
        const double w2[2] = {m > 1 ? re[m - 2] : zero[0], m > 1 ? im[m - 2] : zero[1]};
        double d1[2] = {order * (w1[0] * v[0] - w1[1] * v[1]),
                        order * (w1[0] * v[1] + w1[1] * v[0])};
        double s0 = v[0] * v[0] - v[1] * v[1], s1 = 2.0 * v[0] * v[1];
        double d2[2] = {
            order_before * (w2[0] * s0 - w2[1] * s1) + order * (w1[0] * a[0] - w1[1] * a[1]),
            order_before * (w2[0] * s1 + w2[1] * s0) + order * (w1[0] * a[1] + w1[1] * a[0])};
        for (size_t part = 0; part < 2; part++) {
            size_t to = part == 0 ? h->count + f : f; /* cosine, sine */
            first[to] = q1 * w[part] + value * d1[part];
            second[to] = q2 * w[part] + 2.0 * q1 * d1[part] + value * d2[part];
        }
    }
}
