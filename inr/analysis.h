/* analysis.h: the steps of posterior encoding, so that they serve rows of the basis that come all
 * at once or part by part (inr.h states the estimate).
 *
 * An analysis is what the rows and their noise make of the prior, whatever the values:
 *
 *   primal   N = Phi^T R^-1 Phi,   M = I + F^T N F = L L^T,   root = L^-1 F^T,   P = root^T root,
 *            z = m + root^T root (Phi^T R^-1 (y - phi0) - N m)
 *   dual     B = R^-1/2 Phi F,   I + B B^T = L L^T,   Y = L^-1 B,   P = F (I - Y^T Y) F^T,
 *            gain = R^-1/2 L^-T Y F^T,   z = m + gain^T (y - phi0 - Phi m)
 *
 * with the prior's factor F and m = mu + shift, a mean that may differ between frames. The primal
 * form needs sums over the rows only, the dual form all rows, of which it asks fewer than codes. */
#ifndef FC_INR_ANALYSIS_H
#define FC_INR_ANALYSIS_H

#include "inr/cache.h"

/* Rows of the basis; those that are not observed have weight 0. */
typedef struct fc__rows {
    size_t count, codes;
    const float *phi0, *phi; /* (count), (count, C) */
    const double *weight;    /* (count): 1 / noise variance */
} fc__rows;

/* Values of frames at rows: row r has value[place[r / channels] * channels + r % channels], less
 * the channel's mean and divided by its scale. */
typedef struct fc__values {
    size_t frames, channels;
    const float *const *frame;  /* (frames) */
    const size_t *place;        /* NULL = r / channels */
    const double *mean, *scale; /* (channels), NULL = 0 and 1 */
    size_t first;               /* the point that row 0 belongs to */
} fc__values;

typedef struct fc__analysis {
    fc__shared shared; /* first */
    size_t codes;
    double *covariance;    /* P (C, C) */
    double *normal, *root; /* primal: (C, C) */
    double *gain;          /* dual: (rows, C), zeros where nothing is observed */
} fc__analysis;

/* normal (C, C) += Phi^T R^-1 Phi, lower triangle only. */
fc_status fc__normal_add(fc_context *context, const fc__rows *rows, double *normal);
/* The lower triangle of `normal` is read; the analysis has one owner and no key. */
fc_status fc__analysis_primal(fc_context *context, const fc_prior *prior, const double *normal,
                              fc__analysis **analysis);
fc_status fc__analysis_dual(fc_context *context, const fc_prior *prior, const fc__rows *rows,
                            fc__analysis **analysis);
void fc__analysis_release(fc__analysis *analysis);

/* sum (frames, C) += Phi^T R^-1 (y - phi0), or with the gain of a dual analysis += gain^T (y - phi0
 * - Phi m); analysis and m (C) are ignored unless it is dual. */
fc_status fc__project_add(fc_context *context, const fc__rows *rows, const fc__values *values,
                          const fc__analysis *analysis, const double *m, double *sum);
/* z (frames, C) from the sums, which are destroyed. */
fc_status fc__analysis_solve(fc_context *context, const fc__analysis *analysis, size_t frames,
                             const double *m, double *sum, double *z);
/* FC_ERROR_DATA naming the first value of the rows that is infinite, or NaN though observed. */
fc_status fc__values_check(fc_context *context, const fc__rows *rows, const fc__values *values);

/* Adds squared residuals at the observed rows to square (channels), and to leverage (channels),
 * unless NULL, frames times the shares diag(Phi P Phi^T R^-1) of the values' degrees of freedom. */
fc_status fc__residuals_add(fc_context *context, const fc__rows *rows, const fc__values *values,
                            const double *z /* (frames, C) */, double *square);
fc_status fc__leverage_add(fc_context *context, const fc__rows *rows, const fc__values *values,
                           const fc__analysis *analysis, double *leverage);

#endif
