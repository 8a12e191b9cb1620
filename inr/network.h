/* network.h: a decoder's weights as the kernels of inr/kernels/network.h want them, packed once a
 * call, and what they work on. Points are taken in tiles of FC__TILE, whose matrices stay in the
 * cache. */
#ifndef FC_INR_NETWORK_H
#define FC_INR_NETWORK_H

#include "inr/filters.h"

enum {
    FC__TILE = 96,        /* a multiple of the 6 rows and 16 points that kernels take at a time */
    FC__ROW = 16,         /* rows are padded to a multiple of the longest vector */
    FC__PACK = 64,        /* packed columns are padded to a multiple of the widest panel */
    FC__STACK_DEPTH = 512 /* terms that a sum over the layers' states takes at a time */
};

/* What a network is opened for. */
typedef enum fc__network_use {
    FC__FOR_VALUES = 1,
    FC__FOR_BASIS = 2,
    FC__FOR_GRADIENT = 4
} fc__network_use;

typedef struct fc__network {
    const fc_decoder *decoder;
    fc_decoder_layout layout;
    fc__filters filters;
    size_t layers, codes, channels;
    size_t real_width, width; /* 2 filters, and padded with zeros to a multiple of FC__ROW */
    size_t row;               /* numbers from a point's states to the next point's */
    size_t stack;             /* layers whose A stand in one packed matrix */
    float *memory;            /* of all arrays below */
    float *head;              /* (channels, width) */
    float *b;                 /* (channels, layers + 1, width) */
    float *a;                 /* (channels, layers + 1, width, C) by stacks, packed; with
                                 layers = 0 times head, and so is b, as r_0 is then s_0 */
    float *w;                 /* (layers, width, width), each packed */
    float *w_transposed;      /* the same of W^T */
    float *a_transposed;      /* (channels, layers + 1, C, width), each packed */
} fc__network;

/* A tile's matrices; NULL = not wanted. A point's states r_0..r_L follow each other in a row of
 * network->row numbers, which is longer than they are lest equal columns of all points compete for
 * the same few lines of the cache. */
typedef struct fc__tape {
    double *inputs;  /* (FC__TILE, inputs) */
    double *scratch; /* of the filters */
    float *s;        /* (distinct, FC__TILE, width) */
    float *r;        /* (FC__TILE, row) */
    float *q;        /* (layers, FC__TILE, width), trainable filters only */
    float *s_bar;    /* (layers + 1, FC__TILE, width), trainable filters only */
    float *r_bar;    /* (FC__TILE, width + FC__ROW) */
    float *q_bar;    /* (FC__TILE, width + FC__ROW) */
    float *phi_bar;  /* (FC__TILE, C) packed */
    float *sums;     /* (row) */
} fc__tape;

fc_status fc__network_open(fc_context *context, const fc_decoder *decoder, unsigned use,
                           fc__network *network);
void fc__network_close(fc__network *network);

/* Floats and doubles of a tape for that use, and the tape laid out in them. */
size_t fc__tape_floats(const fc__network *network, unsigned use);
size_t fc__tape_doubles(const fc__network *network);
fc__tape fc__tape_in(const fc__network *network, unsigned use, float *floats, double *doubles);

/* The inputs and filters of a tile. */
void fc__tape_filters(const fc__network *network, size_t count, const double *coordinates,
                      const fc__tape *tape);

/* ---------------------------------------------------------------- sizes of packed matrices */

static inline size_t fc__round_up(size_t count, size_t to)
{
    return (count + to - 1) / to * to;
}

static inline size_t fc__packed_codes(const fc__network *network)
{
    return network->width * fc__round_up(network->codes, FC__PACK);
}

static inline size_t fc__packed_square(const fc__network *network)
{
    return network->width * fc__round_up(network->width, FC__PACK);
}

static inline size_t fc__packed_turned(const fc__network *network)
{
    return network->codes * fc__round_up(network->width, FC__PACK);
}

#endif
