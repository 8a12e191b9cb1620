/* decode.h: from codes to fields, the one way that forecasting and evaluation take. */
#ifndef FC_INR_DECODE_H
#define FC_INR_DECODE_H

#include "inr/support.h"

/* Fields wanted at a set of points. */
typedef struct fc__decoding {
    size_t count, frames;
    const double *coordinates;
    const double *const *codes; /* (frames) arrays (C) */
    float *const *values;       /* (frames) arrays (count, channels), written */
    const double *mean, *scale; /* (channels), NULL = 0 and 1: value = mean + scale u */
} fc__decoding;

/* With the basis from the context's cache, or formed and kept there. Where the cache would not keep
 * it, points are taken in parts, and by the decoder's layers themselves if that costs less; sizes
 * and the cache's bound alone decide, so that the same request gives the same bits. */
fc_status fc__decode(fc_context *context, const fc_decoder *decoder, const fc__decoding *decoding);
/* The same with the basis at hand. */
fc_status fc__decode_basis(fc_context *context, const fc_basis *basis,
                           const fc__decoding *decoding);

#endif
