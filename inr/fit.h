/* fit.h: the pieces of decoder fitting. */
#ifndef FC_INR_FIT_H
#define FC_INR_FIT_H

#include "inr/adam.h"
#include "inr/support.h"

/* Some frames of a dataset, in a fixed order. */
typedef struct fc__frames {
    const fc_dataset *dataset;
    size_t count;
    const fc_frame **frame; /* (count) */
} fc__frames;

/* First `limit` frames (0 = all) of the sequences whose flag equals `flag`; flags NULL = all false.
 */
fc_status fc__frames_select(fc_context *context, const fc_dataset *dataset, size_t limit,
                            const bool *flags, bool flag, fc__frames *frames);
void fc__frames_clear(fc__frames *frames);

/* Whether two frames are observed at the same points in the same channels. */
bool fc__same_observed(const fc_dataset *dataset, const fc_frame *a, const fc_frame *b);

/* The points at which a channel is observed in every one of the frames, given that they share a
 * point set and each point is observed either always or never (a land mask): index (count), else
 * NULL. */
fc_status fc__frames_common_points(fc_context *context, const fc__frames *frames, size_t channel,
                                   size_t *count, size_t **index);

/* A Gaussian model of the frames' series coefficients: coefficients ~ N(mean, modes diag(variance)
 * modes^T), modes orthonormal in the mean square over observed values, by decreasing variance. */
typedef struct fc__series {
    size_t size;                /* channels * width coefficients of a frame */
    size_t count;               /* modes */
    double *mean;               /* (size) */
    double *modes;              /* (size, count) */
    double *variance;           /* (count) */
    double residual;            /* mean square that the series itself leaves, per value */
    double *validation_mse;     /* (count + 1): error on validation frames with 0, 1, ... modes; NaN
                                   when     there are no validation frames on the same points */
    double validation_variance; /* mean square of the validation values about their mean field */
} fc__series;

/* Fits the series of a decoder with layers = 0 (its filters only are used). `ridge` is relative to
 * the mean diagonal of the normal matrix. */
fc_status fc__series_fit(fc_context *context, const fc_decoder *decoder, const fc__frames *training,
                         const fc__frames *validation, double ridge, const fc_fit_config *fit,
                         fc__series *series);
void fc__series_clear(fc__series *series);

/* The same from frames whose points differ, by expectation maximisation (fit_scattered.c). */
fc_status fc__series_fit_scattered(fc_context *context, const fc_decoder *decoder,
                                   const fc__frames *training, size_t iterations,
                                   fc__series *series);

/* Takes away what carries least of a fitted series of spherical harmonics with POD codes, together
 * no more than `spare` of the mean square over the sphere (fit_prune.c). */
fc_status fc__prune_harmonics(fc_context *context, fc_decoder *decoder, const fc_prior *prior,
                              double spare);

/* A decoder with layers = 0 and a code for each coefficient that varies: in a series, or without
 * means and with given variances (channels, 2 filters). */
fc_status fc__install_whole(fc_context *context, const fc_dataset *dataset,
                            const fc_decoder_config *config, const fc__series *series,
                            size_t frames, fc_decoder **decoder, fc_prior **prior);
fc_status fc__install_coefficients(fc_context *context, const fc_dataset *dataset,
                                   const fc_decoder_config *config, const double *variance,
                                   fc_decoder **decoder, fc_prior **prior);

/* Such a decoder for fields that look alike everywhere (fit_stationary.c), and the noise
 * (channels); and whether the frames are scattered on a domain without edges, which lets hope for
 * that. */
bool fc__suits_stationary(const fc__frames *frames);
fc_status fc__fit_stationary(fc_context *context, const fc__frames *training,
                             const fc_decoder_config *config, const fc_fit_config *fit,
                             fc_decoder **decoder, fc_prior **prior, double *noise);

/* Eigenmodes of coefficients with the given covariance (size, size) in the metric of the normal
 * matrix, of which `gram` (blocks, size / blocks, size / blocks) has the blocks on the diagonal;
 * both are destroyed. */
fc_status fc__series_modes(fc_context *context, size_t blocks, size_t size, double *covariance,
                           double *gram, fc__series *series);
/* The same from fewer samples than coefficients, x (count, size) and centred, by the (count, count)
 * matrix of their products (method of snapshots, Sirovich 1987). */
fc_status fc__series_modes_of_snapshots(fc_context *context, size_t blocks, size_t size,
                                        size_t count, const double *x, double *gram,
                                        fc__series *series);
/* Products with such a matrix: y (rows, size) = x (rows, size) M, and y (size, columns) = M x or
 * M^T x. */
void fc__times_blocks(const fc_context *context, size_t blocks, size_t size, const double *matrix,
                      size_t rows, const double *x, double *y);
void fc__blocks_times(const fc_context *context, bool transposed, size_t blocks, size_t size,
                      const double *matrix, size_t columns, const double *x, double *y);
/* Adds `share` times the mean diagonal to the diagonal of an (n, n) matrix. */
void fc__regularise(size_t n, double share, double *matrix);

/* Adds to `gram` (width, width), which may be NULL, the normal matrix of the decoder's features at
 * some points of a set and, when frames are given, to rhs (frames, width) their projections and to
 * square (frames) the sums of squares of the values. */
fc_status fc__normal_equations(fc_context *context, const fc_decoder *decoder,
                               const fc_points *points, size_t count, const size_t *index,
                               const fc__frames *frames, size_t channel, double *gram, double *rhs,
                               double *square);

/* Kind and number of filters, bandwidth and ridge by the error on held-out points; what the caller
 * has set (non-zero) stays. */
fc_status fc__choose_filters(fc_context *context, const fc__frames *training,
                             const fc_fit_config *fit, fc_decoder_config *config, double *ridge);

/* Iterative fitting of a decoder by Adam (fit_gradient.c). */
typedef enum fc__code_policy {
    FC__CODES_FIXED,  /* regression onto given codes */
    FC__CODES_SOLVED, /* variable projection */
    FC__CODES_ADAM    /* auto-decoding */
} fc__code_policy;

/* codes (frames, C): read when fixed, written back for FC__CODES_ADAM; not used when solved for. */
fc_status fc__gradient_fit(fc_context *context, fc_decoder *decoder, const fc__frames *training,
                           const fc_fit_config *fit, fc__code_policy policy, size_t steps,
                           float *codes);

/* Codes (frames, C), newly allocated, of the frames in a Fourier series of fit->codes modes, 0 = as
 * many as needed. */
fc_status fc__series_codes(fc_context *context, const fc__frames *training,
                           const fc__frames *validation, const fc_decoder_config *config,
                           const fc_fit_config *fit, size_t *codes, double **z);

/* Fits a FourierNet by FC_FIT_PROJECTION or FC_FIT_AUTO_DECODING. */
fc_status fc__fit_network(fc_context *context, const fc__frames *training,
                          const fc__frames *validation, const fc_decoder_config *config,
                          const fc_fit_config *fit, fc_decoder **decoder, fc_prior **prior);

/* Fits a decoder that bends (fit_bent.c). */
fc_status fc__fit_bent(fc_context *context, const fc__frames *training,
                       const fc__frames *validation, const fc_decoder_config *config,
                       const fc_fit_config *fit, fc_decoder **decoder, fc_prior **prior);

/* Posterior codes (frames, C) of frames from everything observed in them; frames with the same
 * points and the same missing values share one factorisation. square (channels), may be NULL: mean
 * squared residual at the observed values. leverage (channels), may be NULL: mean of
 * diag(Phi P Phi^T R^-1), the share of the values' degrees of freedom that the codes take up. */
fc_status fc__encode_frames(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                            const double *noise, const fc__frames *frames, double *codes,
                            double *square, double *leverage);

/* Codes (frames, C) under a prior so wide that they are least-squares codes. */
fc_status fc__solve_freely(fc_context *context, const fc_decoder *decoder, const fc__frames *frames,
                           double *codes);

/* Changes the codes of a fitted decoder to the POD gauge, given those of its frames (frames, C):
 * uncorrelated, and orthogonal in the metric of the basis, or of the mean tangent. */
fc_status fc__pod_gauge(fc_context *context, fc_decoder *decoder, const fc__frames *frames,
                        const double *codes, fc_prior **prior);

#endif
