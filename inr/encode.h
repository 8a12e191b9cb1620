/* encode.h: from observed frames to codes, the one way that fitting, forecasting and evaluation
 * take.
 */
#ifndef FC_INR_ENCODE_H
#define FC_INR_ENCODE_H

#include "inr/cache.h"

/* Frames that are observed at the same values of one set of points. */
typedef struct fc__observed {
    size_t count, frames;
    const double *coordinates;
    const float *const *values; /* (frames) arrays (count, channels), NaN = not observed */
    const bool *seen;           /* (count), NULL = all: points that may be used */
    const double *mean, *scale; /* (channels), NULL = 0 and 1: y = (value - mean) / scale */
    const double *shift;        /* (C), NULL = 0: codes that are known already */
    const fc_basis *basis;      /* at all of the points, NULL = not at hand */
    const double *start;        /* (frames, C), NULL = mean of the prior and shift: where a decoder
                                   that bends starts its steps */
} fc__observed;

/* Results, of which NULL ones are not wanted. Sums are over frames and observed values. */
typedef struct fc__encoded {
    size_t values;      /* observed in each frame */
    double *codes;      /* (frames, C) departures from the shift */
    double *covariance; /* (C, C), of the last frame where the decoder bends */
    double *number;     /* (channels) adds numbers of values */
    double *square;     /* (channels) adds squared residuals */
    double *leverage;   /* (channels) adds diag(Phi P Phi^T R^-1) */
} fc__encoded;

/* Posterior means under the prior of the departures from the shift, y = phi0 + Phi (shift + z),
 * with noise variances (channels). Basis and analysis come from the context's cache where they are
 * there. Point sets whose basis the cache would not keep are taken in parts, so that memory does
 * not grow with their number; a second pass over them gives residuals and leverages. FC_ERROR_DATA,
 * with `values` = 0, when nothing is observed. Where the decoder bends, each frame takes its own
 * Gauss-Newton steps, from few of its points to all, and Phi is the tangent at its code. */
fc_status fc__encode(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                     const double *noise, const fc__observed *observed, fc__encoded *encoded);

#endif
