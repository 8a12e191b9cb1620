/* kernels.h: the inner loops of this room that gain from wide vectors, one table of them per level
 * (inr/level.h). Each kernel does one thread's share of a step on memory that its caller owns. */
#ifndef FC_INR_KERNELS_KERNELS_H
#define FC_INR_KERNELS_KERNELS_H

#include "inr/adam.h"
#include "inr/kernels/operands.h"
#include "inr/level.h"
#include "inr/network.h"

/* Fields from rows of the basis: values[f][offset + r] = mean + scale (phi0_r + Phi_r z_f), where
 * row r belongs to channel r % channels. */
enum { FC__FIELD_PADDING = 16 };
typedef struct fc__fields {
    size_t codes, channels, frames;
    const float *phi0, *phi;   /* (rows), (rows, C) */
    const float *z;            /* (frames, C) */
    const float *mean, *scale; /* (channels), NULL = 0 and 1 */
    float *const *values;      /* (frames) */
    size_t offset;
} fc__fields;

/* One channel of a tile of points of one frame, for forward and backward through the layers
 * (inr/fit_pass.h). Widths are multiples of FC__FIELD_PADDING, zero beyond the network's own;
 * matrices are (points, width), layers follow each other at a distance of `matrix`. */
typedef struct fc__fit_tile {
    size_t points, width, layers, matrix;
    const float *s;                  /* sines and cosines, layers at a distance of s_layer */
    size_t s_layer;                  /* 0 = the same in all layers */
    const float *forward, *backward; /* W_1.. as fit_pack leaves them, `packed` floats each */
    size_t packed;
    const float *shift; /* (layers + 1, width): A_l z + b_l */
    const float *head;  /* (width) */
    float bias, weight; /* the gradient is that of weight / 2 times the sum of squares */
    const float *y;     /* (points), NaN = missing */
    float *h;           /* scratch: layers + 1 matrices */
    float *v;           /* the same where filters are trained, else NULL */
    float *v_bar;       /* scratch: two matrices */
    float *u_bar;       /* scratch: (points) */
    float *w_bar, *head_bar, *bias_bar, *shift_bar; /* added to; shaped as w, head, bias, shift */
    float *s_bar;  /* added to where filters are trained: layers + 1 matrices */
    double square; /* result: sum of squared residuals */
} fc__fit_tile;

/* Points and filters that the kernels of the filters take at a time, and the largest angle in
 * radians that wave_table takes. */
enum { FC__WAVE_POINTS = 16, FC__WAVE_REACH = 1000000 };

typedef struct fc__kernels {
    /* products of tiles, which the other kernels contain; columns that are packed together (PANEL),
     * and B packed */
    void (*multiply)(const fc__operands *operands);
    size_t panel;
    void (*pack_panels)(size_t k, size_t n, const float *b, size_t b_row, size_t b_column,
                        float *packed);
    void (*adam)(const fc__adam_constants *adam, size_t count, const float *gradient, float *first,
                 float *second, float *parameters);
    /* 128 bits that depend on every byte */
    void (*hash)(const void *data, size_t bytes, uint64_t half[2]);
    /* wide (rows, C) = diag(factor) Phi; factor may be NULL */
    void (*widen)(size_t rows, size_t codes, const float *phi, const double *factor, double *wide);
    /* sum (C) += innovation^T Phi */
    void (*project)(size_t rows, size_t codes, const double *innovation, const float *phi,
                    double *sum);
    /* rows [begin, end) */
    void (*fields)(const fc__fields *fields, size_t begin, size_t end);
    /* Floats of one packed W (width, width), and its packing for either direction. */
    size_t (*fit_packed_size)(size_t width);
    void (*fit_pack)(size_t width, const float *w, float *forward, float *backward);
    void (*fit_tile)(fc__fit_tile *tile);
    /* s = [sin, cos](Omega x), 2 count of them, at one point: omega (inputs, stride), a multiple of
     * FC__WAVE_POINTS; phases up to 1e9 */
    void (*sines)(size_t count, size_t inputs, const double *omega, size_t stride, const double *x,
                  float *s);
    /* sine and cosine of `count` phases factor v, up to 1e9 */
    void (*sines_of)(size_t count, float factor, const float *v, float *sine, float *cosine);
    /* e^{i k x} of FC__WAVE_POINTS angles, in entries of as many cosines, then sines: k = 0 is at
     * `zero`, those of |k| <= largest before and after it */
    void (*wave_table)(size_t largest, const double *x, double *zero);
    /* s (points, 2 count; rows of ld) of up to FC__WAVE_POINTS points from entries (inputs, stride)
     * of their tables */
    void (*waves)(size_t count, size_t inputs, const size_t *entry, size_t stride,
                  const double *table, size_t points, float *s, size_t ld);
    /* packs one layer and channel of the weights into the network's arrays */
    void (*network_pack)(const fc__network *network, size_t layer, size_t channel);
    /* a tile of up to FC__TILE points, whose filters the tape holds: phi0 (count, channels), phi
     * (count, channels, C) */
    void (*basis_tile)(const fc__network *network, size_t count, const fc__tape *tape, float *phi0,
                       float *phi);
    /* adds to `gradient`, laid out as the decoder's parameters */
    void (*gradient_tile)(const fc__network *network, size_t count, const float *phi0_bar,
                          const float *phi_bar, const fc__tape *tape, float *gradient);
    /* u for one code and channel, its rows `stride` apart; shift (layers + 1, columns, width) from
     * that column on */
    void (*values_tile)(const fc__network *network, size_t count, size_t channel, size_t columns,
                        const float *shift, const fc__tape *tape, float *u, size_t stride);
} fc__kernels;

/* The table of the chosen level. */
const fc__kernels *fc__kernels_chosen(void);

#endif
