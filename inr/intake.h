/* intake.h: frames on their way to codes (encode.c, encode_bent.c): the points that are used of
 * them, their values and weights, and the rows of the basis or tangent, part by part. */
#ifndef FC_INR_INTAKE_H
#define FC_INR_INTAKE_H

#include "inr/analysis.h"
#include "inr/basis_cache.h"
#include "inr/encode.h"

/* One call of fc__encode. */
typedef struct fc__intake {
    const fc_prior *prior;
    size_t channels, codes;
    size_t kept;         /* points with an observed value */
    size_t part;         /* of them taken at a time */
    size_t *place;       /* (kept) among all points, NULL = all are kept */
    double *coordinates; /* (kept, dims), NULL = those of all points */
    bool keyed;          /* something may be kept, so that keys are worth computing */
    fc__basis_view view;
    fc__values values;
    double *precision; /* (channels): of the noise */
    double *weight;    /* (part, channels) */
    double *m;         /* (C): mean of the prior and shift */
} fc__intake;

/* Everything but the view; *values counts what is observed. FC_ERROR_DATA when that is nothing. */
fc_status fc__intake_open(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                          const double *noise, const fc__observed *o, fc__intake *e,
                          size_t *values);
void fc__intake_clear(fc__intake *e);
/* Weights (size, channels) of the kept points [start, start + size): of the observed channels. */
void fc__intake_weights(const fc__intake *e, size_t start, size_t size, double *weight);
/* Key of an analysis: that of the basis, weights, and the prior's covariance (its mean has no part
 * in it). */
fc__key fc__intake_key(const fc__key *basis_key, fc__intake *e);
/* Opens the basis at the kept points: rows of that at all points where it is at hand. The keys of
 * decoder and basis are needed where e->keyed. */
fc_status fc__intake_basis(fc_context *context, const fc_decoder *decoder, const fc__observed *o,
                           const fc__key *decoder_key, const fc__key *key, fc__intake *e);
/* The next part: its rows, with their weights. */
fc_status fc__intake_part(fc_context *context, fc__intake *e, size_t start, fc__rows *rows);
/* Residuals and leverages of encoded->codes, in a second pass over the parts. */
fc_status fc__intake_residuals(fc_context *context, fc__intake *e, const fc__analysis *analysis,
                               fc__encoded *encoded);

/* fc__encode for a decoder that bends. */
fc_status fc__encode_bent(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                          const double *noise, const fc__observed *observed, fc__encoded *encoded);

#endif
