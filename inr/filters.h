/* filters.h: s(x) = [sin, cos](Omega x), the sines and cosines that every layer of a decoder starts
 * from, or spherical harmonics in their place. Phases are formed in double whatever the precision
 * of the result, as wave number times angle may reach hundreds. */
#ifndef FC_INR_FILTERS_H
#define FC_INR_FILTERS_H

#include "inr/harmonic_filters.h"

typedef struct fc__filters {
    size_t layers, count, inputs; /* count filters in each layer */
    size_t distinct;              /* 1 when every layer has the same frequencies, else layers */
    bool harmonic;                /* spherical harmonics, to which nothing below applies */
    fc__harmonic_filters harmonics;
    bool whole;                    /* whole frequencies: products of e^{i k x_j} from tables */
    size_t zero[FC_MAX_INPUTS];    /* entry of k = 0 of each input in the table */
    size_t largest[FC_MAX_INPUTS]; /* largest |k| of each input */
    size_t table;                  /* entries of the table */
    size_t stride;                 /* count and what pads it */
    double *omega;                 /* (distinct, inputs, stride) */
    size_t *entry;                 /* (distinct, inputs, stride) into the table; whole only */
    double *reach;                 /* (distinct, inputs): largest |Omega| */
} fc__filters;

/* Those of a decoder, the first `layers` of its layers; omega (layers, count, inputs), which is
 * read only here, are its frequencies in double. */
fc_status fc__filters_create(fc_context *context, fc_filter_kind kind, size_t layers, size_t count,
                             size_t inputs, const double *omega, fc__filters *filters);
void fc__filters_clear(fc__filters *filters);

/* Doubles of scratch for one evaluation. */
size_t fc__filters_work_size(const fc__filters *filters);

/* All distinct layers at points x (count, inputs): that of layer l and point p is written to
 * s + l * layer_stride + p * ld, the sines followed by the cosines, then zeros up to ld. */
void fc__filters_tile(const fc__filters *filters, size_t count, const double *x, float *s,
                      size_t ld, size_t layer_stride, double *work);

/* The same at one point in double, layer l at s + l * stride. */
void fc__filters_double(const fc__filters *filters, const double *x, double *s, size_t stride,
                        double *work);

/* First and second derivatives, (2 count) each, of a distinct layer along a curve through the point
 * x with the given velocity and acceleration, (inputs) each; s (2 count): the layer there. */
void fc__filters_jets(const fc__filters *filters, size_t layer, const double *x,
                      const double *velocity, const double *acceleration, const double *s,
                      double *first, double *second, double *work);

#endif
