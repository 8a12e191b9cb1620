/* linear_dynamics.h: the linear dynamics of a record, and whether the trained field is better. */
#ifndef FC_ODE_LINEAR_DYNAMICS_H
#define FC_ODE_LINEAR_DYNAMICS_H

#include "ode/model.h"

/* Parameters of a field that has a linear part: the dynamics that model->residual names, fitted to
 * trajectories of departure codes; the other parts are left as they are. */
fc_status fc__linear_start(fc_context *context, const fc_model *model,
                           const fc_trajectories *trajectories, fc_field *field);

/* The linear inverse model of all codes, model->residual.baseline; none where the codes' modes
 * cannot be told apart. */
fc_status fc__baseline_fit(fc_context *context, const fc_trajectories *trajectories,
                           fc_model *model);

/* Puts the linear dynamics, fitted to both, in place of the trained field unless that forecasts the
 * validation trajectories clearly better than the linear dynamics fitted to the training ones (a
 * field without nonlinear parts never is taken for that); then the factors a(tau) become those of
 * the trained field. */
fc_status fc__dynamics_settle(fc_context *context, const fc_trajectories *training,
                              const fc_trajectories *validation, fc_model *model);

#endif
