/* gauss_newton.h: the most likely code of observations that depend on it nonlinearly.
 *
 *   J(z) = (y - D(z))^T R^-1 (y - D(z)) + (z - m)^T Sigma^-1 (z - m)
 *
 * is decreased by steps to the posterior mean of the linearised problem, damped after Levenberg and
 * Marquardt by lambda (z' - z)^T Sigma^-1 (z' - z) where it would not decrease: the prior
 * N((m + lambda z) / (1 + lambda), Sigma / (1 + lambda)) instead of N(m, Sigma). */
#ifndef FC_INR_GAUSS_NEWTON_H
#define FC_INR_GAUSS_NEWTON_H

#include "inr/analysis.h"

/* What the observations say at a code, with D(z') = phi0 + Phi z' to first order. */
typedef struct fc__linearisation {
    double misfit;  /* (y - D(z))^T R^-1 (y - D(z)) */
    double *normal; /* (C, C), lower triangle: Phi^T R^-1 Phi */
    double *sum;    /* (C): Phi^T R^-1 (y - phi0) */
} fc__linearisation;

/* Fills the linearisation, whose arrays are zero, at z (C). */
typedef fc_status fc__linearise(void *user, fc_context *context, const double *z,
                                fc__linearisation *linearisation);

/* z (C): start, then result; analysis: of the linearisation at the result, released by the caller.
 * FC_ERROR_SOLVER when J is not finite at the start. */
fc_status fc__gauss_newton(fc_context *context, const fc_prior *prior, const double *m,
                           const fc_encoding_config *config, fc__linearise *linearise, void *user,
                           double *z, fc__analysis **analysis, fc_encoding_report *report);

#endif
