/* fit_kernels.h: the kernels of decoder training. All pointers are to device memory but where it
 * says otherwise; work is queued, and sums are formed in a fixed order. */
#ifndef FC_CUDA_FIT_KERNELS_H
#define FC_CUDA_FIT_KERNELS_H

#include "cuda/device.h"
#include "inr/adam.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which points of a frame are looked at (fc__fit_pass_sample); points = 0: all. */
typedef struct fc__fit_draw {
    size_t points;
    uint64_t seed;
} fc__fit_draw;

/* Of so many points; for the host and kernels. */
#ifdef __CUDACC__
#define FC__DRAW_SIZE static inline __host__ __device__ size_t fc__draw_size
#else
#define FC__DRAW_SIZE static inline size_t fc__draw_size
#endif
FC__DRAW_SIZE(fc__fit_draw draw, size_t total)
{
    return draw.points && draw.points < total ? draw.points : total;
}
#undef FC__DRAW_SIZE

/* ---------------------------------------------------------------- fit.cu: both ways */

/* chosen <- which (count), host, NULL = 0, 1, ...; without waiting for the device. */
fc_status fc__fit_choose(fc_context *context, fc__device *device, size_t count, const size_t *which,
                         uint32_t *chosen);
/* to (count, width) = rows `chosen` of from, and back. */
fc_status fc__fit_take_rows(fc_context *context, fc__device *device, size_t count, size_t width,
                            const uint32_t *chosen, const float *from, float *to);
fc_status fc__fit_put_rows(fc_context *context, fc__device *device, size_t count, size_t width,
                           const uint32_t *chosen, const float *from, float *to);
/* to (count, width) <- a row each */
fc_status fc__fit_repeat(fc_context *context, fc__device *device, size_t count, size_t width,
                         const float *row, float *to);
/* to[j] += sum over i of from[i * stride + j], j < columns */
fc_status fc__fit_sum_rows(fc_context *context, fc__device *device, size_t rows, size_t columns,
                           const float *from, size_t stride, float *to);
/* Adam on rows `chosen` of codes z (frames, C) and their moments, each row with its own count of
 * steps (frames); gradient (count, C). */
fc_status fc__fit_move_codes(fc_context *context, fc__device *device, const fc__adam *adam,
                             size_t count, size_t codes, const uint32_t *chosen,
                             const float *gradient, uint32_t *steps, float *first, float *second,
                             float *z);

/* ---------------------------------------------------------------- fit_shared.cu */

/* Frames observed at the same values. A value is a pair of a point looked at and a channel. */
typedef struct fc__fit_shared {
    fc__fit_draw draw;
    size_t seen;                          /* points that are observed at all */
    size_t points, channels, dims, codes; /* points: of those, looked at */
    const double *coordinates;            /* (seen, dims) */
    const float *values;                  /* (frames, seen, channels) */
    const uint32_t *chosen;
    uint32_t *point;   /* (points) index into those seen */
    double *x;         /* (points, dims) */
    float *phi0, *phi; /* (values), (values, C) */
    double *number;    /* values observed of those looked at */
} fc__fit_shared;

/* point and x */
fc_status fc__fit_shared_points(fc_context *context, fc__device *device,
                                const fc__fit_shared *shared);
/* number; phi0 and phi are made zero where a value is missing */
fc_status fc__fit_shared_observe(fc_context *context, fc__device *device,
                                 const fc__fit_shared *shared);
/* residual (count, values) = phi0 - y of frames chosen[start..start + count), 0 where missing */
fc_status fc__fit_shared_departures(fc_context *context, fc__device *device,
                                    const fc__fit_shared *shared, size_t start, size_t count,
                                    float *residual);
/* phi0_bar (values) += columns, and square[0..squares(values)) += squares of residual (count,
 * values); `parts` has FC__FIT_PARTS rows of values. */
enum { FC__FIT_PARTS = 32 };
size_t fc__fit_shared_squares(size_t values);
fc_status fc__fit_shared_sums(fc_context *context, fc__device *device, size_t count, size_t values,
                              const float *residual, float *parts, float *phi0_bar, double *square);
/* x (size) *= factor / number; loss = sum of `count` squares * factor / number */
fc_status fc__fit_shared_scale(fc_context *context, fc__device *device, const double *number,
                               double factor, size_t size, float *x);
fc_status fc__fit_shared_loss(fc_context *context, fc__device *device, const double *number,
                              double factor, size_t count, const double *square, double *loss);

/* ---------------------------------------------------------------- fit_scattered.cu */

/* Rows of points come in pieces of FC__FIT_PIECE, each of one frame; a frame's last piece is filled
 * up with rows without values, and so are the last pieces of a block of FC__FIT_BLOCK rows. */
enum { FC__FIT_PIECE = 32, FC__FIT_BLOCK = 128 };

typedef struct fc__fit_frame {
    size_t points;      /* of its point set */
    size_t stream;      /* of the draw: index of the point set */
    size_t coordinates; /* first of them, in points */
    size_t values;      /* first of them */
} fc__fit_frame;

/* The rows of all frames chosen; places count these. */
typedef struct fc__fit_rows {
    fc__fit_draw draw;
    size_t dims, channels, count, rows; /* rows: a multiple of FC__FIT_BLOCK */
    const fc__fit_frame *frame;         /* (frames) */
    const double *coordinates;          /* of all point sets */
    const float *values;                /* of all frames */
    const uint32_t *chosen;             /* (count) */
    size_t *first;                      /* (count + 1) first row of each place */
    uint32_t *place;                    /* (rows / FC__FIT_PIECE) */
    double *share;                      /* (count) 1 / (values observed * count), 0 for none */
} fc__fit_rows;

/* first and place; share */
fc_status fc__fit_layout(fc_context *context, fc__device *device, const fc__fit_rows *rows);
fc_status fc__fit_shares(fc_context *context, fc__device *device, const fc__fit_rows *rows);
/* x (count, dims) and y (count, channels), NaN = not observed, of rows start..start + count */
fc_status fc__fit_gather(fc_context *context, fc__device *device, const fc__fit_rows *rows,
                         size_t start, size_t count, double *x, float *y);
/* to (count + 1) = first[place..place + count] - first[place] */
fc_status fc__fit_rebase(fc_context *context, fc__device *device, const fc__fit_rows *rows,
                         size_t place, size_t count, size_t *to);

/* One channel of some rows on their way through the layers. */
typedef struct fc__fit_layers {
    size_t rows, layers, width, channels, channel;
    size_t distinct;       /* 1 or layers + 1 */
    size_t shift_rows;     /* (layers + 1) channels width, the rows of A */
    const uint32_t *place; /* (pieces) */
    const double *share;   /* (places) */
    const float *s;        /* (distinct, rows, width) */
    const float *y;        /* (rows, channels) */
    const float *shift;    /* (places, shift_rows) */
    const float *w;        /* (layers, width, width) */
    const float *head;     /* (width) of the channel */
    const float *bias;     /* of the channel */
    float *h;              /* (layers + 1, rows, width) */
    float *v;              /* the same of trained filters: W_l h_{l-1} + shift_l; else NULL */
    float *v_bar;          /* (layers + 1, rows, width): h_bar_l, then v_bar_l */
    float *s_bar;          /* (layers + 1, rows, width) of trained filters */
    float *sums;           /* (pieces, layers + 3, width): shift_bar by layers, head_bar, and a row
                              that begins with bias_bar */
    double *square;        /* (pieces): of residuals, times the share */
} fc__fit_layers;

/* h_0 = s_0 * shift_0; h_l = s_l * (h_l + shift_l), where h_l, or v_l of trained filters, is
 * W_l h_{l-1} before */
fc_status fc__fit_first(fc_context *context, fc__device *device, const fc__fit_layers *layers);
fc_status fc__fit_forward(fc_context *context, fc__device *device, const fc__fit_layers *layers,
                          size_t l);
/* Residuals r = head h_L + bias - y: square, head_bar, bias_bar, and out of h_bar_L what
 * fc__fit_backward makes of the layers below */
fc_status fc__fit_head(fc_context *context, fc__device *device, const fc__fit_layers *layers);
/* s_bar_l += v_l * h_bar_l, v_bar_l = s_l * h_bar_l, shift_bar_l */
fc_status fc__fit_backward(fc_context *context, fc__device *device, const fc__fit_layers *layers,
                           size_t l);
/* shift_bar (places, shift_rows) += the sums of the pieces of each place, which rows start.. of
 * all have */
fc_status fc__fit_shift_bar(fc_context *context, fc__device *device, const fc__fit_rows *rows,
                            size_t start, const fc__fit_layers *layers, float *shift_bar);
/* gradient (layers, width, width) of W += v_bar_l^T h_{l-1}. Few tiles of a matrix would be the
 * work of few multiprocessors, so that rows are cut into slices, at most `slices` of them, with a
 * product each: parts (layers, slices, width, width). Slices that a device has use for, not more
 * than have room in so many bytes: */
size_t fc__fit_slices(const fc__device *device, size_t layers, size_t width, size_t bytes);
fc_status fc__fit_outer(fc_context *context, fc__device *device, const fc__fit_layers *layers,
                        size_t slices, float *parts, float *gradient);
/* *loss += squares */
fc_status fc__fit_loss(fc_context *context, fc__device *device, const fc__fit_layers *layers,
                       double *loss);
/* Where filters are trained: phase_bar of the filters in place of the first half of s_bar's
 * columns; and doubles as floats */
fc_status fc__fit_phases(fc_context *context, fc__device *device, const fc__fit_layers *layers);
fc_status fc__fit_narrow(fc_context *context, fc__device *device, size_t count, const double *from,
                         float *to);

/* ---------------------------------------------------------------- fit_tile.cu: fused */

/* Whether there are fused kernels for a decoder of that width, and floats of its packed weights. */
bool fc__fit_tile_takes(const fc__device *device, size_t width, bool trained);
size_t fc__fit_tile_packed(size_t layers, size_t width);
/* W (layers, width, width), for both directions */
fc_status fc__fit_tile_pack(fc_context *context, fc__device *device, size_t layers, size_t width,
                            const float *w, float *packed);
/* h_0..h_L; v_bar_l and shift_bar_l for l < L out of those of L */
fc_status fc__fit_tile_forward(fc_context *context, fc__device *device,
                               const fc__fit_layers *layers, const float *packed);
fc_status fc__fit_tile_backward(fc_context *context, fc__device *device,
                                const fc__fit_layers *layers, const float *packed);

#ifdef __cplusplus
}
#endif
#endif
