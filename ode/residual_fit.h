/* residual_fit.h: how forecasts of a record are put together, found by blocked validation in time.
 */
#ifndef FC_ODE_RESIDUAL_FIT_H
#define FC_ODE_RESIDUAL_FIT_H

#include "ode/model.h"

/* Fits model->residual, the error growth of the codes (lead_time, lead_variance) and the choice of
 * the linear dynamics to a normalised record, whose codes (frames, C) under the finished decoder,
 * prior and cycle are given. For each of some blocks of the record the decoder is fitted again
 * without it, with the settings of `fit` (NULL: the decoder stays as it is), and forecasts that
 * start in the block are held against what follows. A record that is too short for that is left
 * without a residual. */
fc_status fc__residual_fit(fc_context *context, const fc_dataset *dataset, const double *codes,
                           const fc_fit_config *fit, uint64_t seed, fc_model *model);

#endif
