/* residual_fit.h: how forecasts of a record are put together, found by blocked validation in time.
 */
#ifndef FC_ODE_RESIDUAL_FIT_H
#define FC_ODE_RESIDUAL_FIT_H

#include "ode/model.h"

/* Chooses the number of codes (unless `fit` names it) and the linear dynamics of a normalised
 * record whose model has a decoder and its prior, and fits model->residual but for its climatology,
 * and the error growth of the codes (lead_time, lead_variance). For each of some blocks of the
 * record the modes are found again without it, and forecasts that start in the block are held
 * against what follows. Where another number of codes is better, decoder, prior and noise become
 * those of it. `fit` as the decoder was fitted; NULL: its modes stay as they are, also in blocks.
 * `harmonics` are those of the cycle. A record of few frames keeps its codes, which stay where they
 * are but for their damping; one of fewer than FC__LEAST_FRAMES is left without a residual. */
fc_status fc__residual_fit(fc_context *context, const fc_dataset *dataset, const fc_fit_config *fit,
                           size_t harmonics, uint64_t seed, fc_model *model);

/* The climatology of the residuals of some normalised frames under the finished decoder, prior and
 * cycle, where they share their points and are not few. */
fc_status fc__residual_climate(fc_context *context, const fc_dataset *dataset, fc_model *model);

#endif
