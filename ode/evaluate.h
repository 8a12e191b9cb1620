/* evaluate.h: how forecasts are scored. */
#ifndef FC_ODE_EVALUATE_H
#define FC_ODE_EVALUATE_H

#include "ode/estimate.h"
#include "ode/training_data.h"

/* Sums behind an fc_score. */
typedef struct fc__tally {
    double square, values, relative, frames;
} fc__tally;

/* Adds a frame: forecast against truth (count, channels), where the truth is known and `seen` (NULL
 * = all points) equals `flag`. */
void fc__tally_add(fc__tally *tally, size_t count, size_t channels, const float *forecast,
                   const float *truth, const bool *seen, bool flag);
fc_score fc__tally_score(const fc__tally *tally);

/* The basis at one point set, held for the next frame on the same points. */
typedef struct fc__basis_cache {
    size_t points; /* index of the point set, SIZE_MAX = none */
    const fc_basis *basis;
} fc__basis_cache;
fc_status fc__cached_decode(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                            size_t points, fc__basis_cache *cache, const double *z, float *values);
void fc__basis_cache_clear(fc__basis_cache *cache);

/* Adds the scores of an encoded frame to sums over frames. */
typedef struct fc__encoding {
    fc__tally error;
    double within1, within2, values; /* values within one and two standard deviations */
    double seconds;
} fc__encoding;
fc_status fc__evaluate_encoding(fc_context *context, const fc_model *model,
                                const fc_dataset *dataset, const fc_frame *frame,
                                const fc__estimate *estimate, fc__basis_cache *cache,
                                fc__encoding *encoding);

/* Error of the decoder itself over all frames, physical units. */
fc_status fc__evaluate_floor(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                             double *mse);

fc_status fc__evaluate_sequences(fc_context *context, const fc_model *model,
                                 const fc_dataset *dataset, const fc_evaluate_config *config,
                                 fc_evaluation *evaluation);
fc_status fc__evaluate_record(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                              const fc_evaluate_config *config, fc_evaluation *evaluation);

#endif
