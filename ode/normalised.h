/* normalised.h: frames of a dataset in a model's normalised units, wherever their values are:
 * copies of some, codes of many. A dataset whose values stay in their file is read in blocks, of
 * which two take up to `bytes` (0 = a few dozen megabytes each). Results do not depend on where
 * values are.
 */
#ifndef FC_ODE_NORMALISED_H
#define FC_ODE_NORMALISED_H

#include "inr/stream.h"
#include "ode/model.h"

/* A dataset of `count` sequences of lengths[i] frames, which are those at the places in turn. */
fc_status fc__normalised_copy(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                              size_t count, const size_t *lengths, const fc__place *places,
                              size_t bytes, fc_dataset **copy);

/* Frames that are encoded together. It follows from the size of the frames alone, as the rounding
 * of codes depends on it. */
size_t fc__encoding_batch(const fc_dataset *dataset);

/* Posterior codes (count, C), which may be NULL, of the frames at some places, as fc__encode_frames
 * gives them for one batch after the other. square (channels), may be NULL: mean squared residual
 * at the observed values, normalised units. Reports its progress as "encode". */
fc_status fc__normalised_codes(fc_context *context, const fc_model *model, const fc_prior *prior,
                               const fc_dataset *dataset, size_t count, const fc__place *places,
                               size_t bytes, double *codes, double *square);

#endif
