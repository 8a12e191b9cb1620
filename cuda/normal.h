/* normal.h: sums over rows of the basis on the device, in double: normal matrices, right sides and
 * residuals of many frames at once. Codes of training frames by least squares are in cuda/codes.h.
 *
 * Arrays are device memory unless they are said to be on the host. Work is queued; sums are formed
 * in an order that sizes alone decide. */
#ifndef FC_CUDA_NORMAL_H
#define FC_CUDA_NORMAL_H

#include "cuda/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a frame's rows and values are. */
typedef struct fc__cuda_span {
    size_t point; /* its first among the points of the basis */
    size_t count; /* points */
    size_t value; /* its first among the values */
} fc__cuda_span;

/* Frames on rows of the basis, which they may share: value v of a frame is at row
 * span.point * channels + v, in channel v % channels. */
typedef struct fc__cuda_sets {
    size_t channels, codes;
    const fc__cuda_span *span; /* (frames) */
    const float *phi0, *phi;   /* (rows), (rows, C) */
    const float *y;            /* values, NaN = not observed; NULL: no values, all observed */
    const double *precision;   /* (channels): of the noise, NULL = 1 */
} fc__cuda_sets;

enum { FC__ALL_CHANNELS = -1 };

/* normal (groups, C, C) = Phi^T R^-1 Phi over what is observed in frame lead[g] (NULL = g), in one
 * channel or in all. */
fc_status fc__cuda_normal(fc_context *context, fc__device *device, const fc__cuda_sets *sets,
                          size_t groups, const size_t *lead, int channel, double *normal);
/* rhs (frames, C) = Phi^T R^-1 (y - phi0) over what is observed. */
fc_status fc__cuda_project(fc_context *context, fc__device *device, const fc__cuda_sets *sets,
                           size_t frames, double *rhs);
/* square (frames, channels) = sums of squares of y - phi0 - Phi z, z (frames, C). */
fc_status fc__cuda_squares(fc_context *context, fc__device *device, const fc__cuda_sets *sets,
                           size_t frames, const double *z, double *square);

/* ---------------------------------------------------------------- one set of many rows */

/* Cuts points [0, count) into at most `most` slices that fill the device when each has its own
 * normal matrix: span (most); returns in *slices how many there are. */
size_t fc__cuda_slices_enough(size_t codes); /* more than these have no use */
fc_status fc__cuda_slices(fc_context *context, fc__device *device, size_t most, size_t channels,
                          size_t count, fc__cuda_span *span, size_t *slices);
/* total (size) += the `count` arrays (size) of `parts`, in order. */
fc_status fc__cuda_sum(fc_context *context, fc__device *device, size_t count, size_t size,
                       const double *parts, double *total);

/* normal (n, n) += rows^T rows for rows (count, n), its lower triangle. */
fc_status fc__cuda_syrk_add(fc_context *context, fc__device *device, size_t n, size_t count,
                            const double *rows, double *normal);
/* wide (size) = phi in double */
fc_status fc__cuda_widen(fc_context *context, fc__device *device, size_t size, const float *phi,
                         double *wide);

/* Values of frames at a set of points, as the frames have them. */
typedef struct fc__cuda_values {
    size_t frames, rows, channels; /* rows = points * channels */
    size_t stride;                 /* from a frame's values to the next one's */
    const float *y;                /* (frames, stride) */
    const double *mean, *scale;    /* (channels), NULL = 0 and 1: y = (value - mean) / scale */
    const float *phi0;             /* (rows) */
    const double *weight;          /* (rows): 1 / noise variance, 0 = not observed */
} fc__cuda_values;

/* innovation (frames, rows) = y - phi0, times the weights if `weighted`; 0 where the weight is. */
fc_status fc__cuda_innovations(fc_context *context, fc__device *device,
                               const fc__cuda_values *values, bool weighted, double *innovation);
/* Adds to square (channels) the squares of residual (frames, rows) at weights above 0; parts
 * (FC__SQUARE_PARTS, channels) is scratch. */
enum { FC__SQUARE_PARTS = 256 };
fc_status fc__cuda_squares_add(fc_context *context, fc__device *device,
                               const fc__cuda_values *values, const double *residual, double *parts,
                               double *square);

/* ---------------------------------------------------------------- matrices */

/* trace (groups) = trace of a_g b_g, symmetric (groups, n, n). */
fc_status fc__cuda_traces(fc_context *context, fc__device *device, size_t groups, size_t n,
                          const double *a, const double *b, double *trace);
/* x_f -= a_g m, x (frames, n), symmetric a (groups, n, n), g = group[f] (NULL = f). */
fc_status fc__cuda_subtract_product(fc_context *context, fc__device *device, size_t frames,
                                    size_t n, const double *a, const size_t *group, const double *m,
                                    double *x);
/* x (rows, n) = m (n) in every row */
fc_status fc__cuda_repeat(fc_context *context, fc__device *device, size_t rows, size_t n,
                          const double *m, double *x);

#ifdef __cplusplus
}
#endif
#endif
