/* validation.h: sums over the forecasts that start in held-out blocks, for every candidate of the
 * linear dynamics, and the factors by lead time that follow from them. */
#ifndef FC_ODE_VALIDATION_H
#define FC_ODE_VALIDATION_H

#include "ode/record.h"

/* A linear dynamics: codes that stay where they are, or a linear inverse model (lim.h). */
typedef struct fc__candidate {
    bool still;
    size_t modes;
    double ridge;
    bool failed; /* in some block */
} fc__candidate;

/* Sums of products over values of one channel: f the departure forecast by the codes, s theirs at
 * the start, r the residual at the start, d the departure from climatology that came. */
typedef struct fc__moments {
    double ff, fs, fr, fd, ss, sr, sd, rr, rd, dd, number;
} fc__moments;

/* Of one code: forecast, start and truth. */
typedef struct fc__code_moments {
    double pp, ps, pt, ss, st, tt, number;
} fc__code_moments;

/* A forecast is a f + b s + rho r: of the dynamics, of staying still, of the residual. */
typedef struct fc__factors {
    double a, b;
} fc__factors;

enum { FC__BLOCKS = 5, FC__MOST_CANDIDATES = 32, FC__MOST_LEADS = 20 };

typedef struct fc__validation {
    size_t channels, codes;
    size_t candidate_count, lead_count;
    fc__candidate candidate[FC__MOST_CANDIDATES]; /* the first is still */
    size_t lead[FC__MOST_LEADS];                  /* steps: 1, 2, 3, 4, 6, 8, 12, ... */
    size_t starts;                                /* of forecasts in all blocks */
    fc__moments *moments;                         /* (candidates, leads, blocks, channels) */
    fc__code_moments *code;                       /* (candidates, leads, C) */
    fc__correlogram *correlogram;                 /* (channels) of residuals in the blocks */
    double *variance, *number;    /* (channels): sum of squares of residuals, and their number */
    double *noise;                /* (channels) sum over blocks of what the codes leave */
    double *basis, *basis_number; /* (channels, C) sum of Phi^2, (channels) number of values */
} fc__validation;

/* Candidates and leads for a record of `frames` frames. */
fc_status fc__validation_create(fc_context *context, size_t frames, size_t channels, size_t codes,
                                fc__validation *validation);
void fc__validation_clear(fc__validation *validation);

/* Adds the forecasts that start in the fold's block. */
fc_status fc__validation_add(fc_context *context, const fc__record *record, const fc__fold *fold,
                             size_t block, uint64_t seed, fc__validation *validation);

/* Sums (channels) of a candidate, lead and block, and their addition. */
fc__moments *fc__validation_moments(const fc__validation *validation, size_t candidate, size_t lead,
                                    size_t block);
void fc__moments_add(fc__moments *sum, const fc__moments *moments);

/* Factors of a candidate at a lead by least squares, drawn to the best of persistence, codes alone
 * and climatology; rho (channels). All lie in [0, 1]. */
fc__factors fc__validation_weigh(const fc__validation *validation, size_t candidate, size_t lead,
                                 double *rho);
/* The validation, of `count` for as many numbers of codes, and its candidate to use: better than
 * staying still with the codes of the first by more than its blocks differ. */
fc_status fc__validation_choose(fc_context *context, size_t count,
                                const fc__validation *validations, size_t *chosen,
                                size_t *candidate);
/* Mean squared error of one channel with given factors over all blocks. */
double fc__validation_error(const fc__validation *validation, size_t candidate, size_t lead,
                            size_t channel, fc__factors factors, double rho);

#endif
