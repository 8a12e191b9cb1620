/* model.h: what training, forecasting and evaluation share of the model. */
#ifndef FC_ODE_MODEL_H
#define FC_ODE_MODEL_H

#include "inr/fit.h"
#include "ode/ode.h"

enum { FC__MAX_HARMONICS = 16 };

/* row (2 harmonics) = [cos p, sin p, cos 2p, sin 2p, ...], p = 2 pi (time - origin) / period */
void fc__harmonics_at(double period, size_t harmonics, double origin, double time, double *row);
/* Mean codes of the forcing cycle at a dataset time (zero without one). */
void fc__cycle_at(const fc_model *model, double time, double *z /* (C) */);
/* Fits model->cycle.coefficient for its period and harmonics to codes (count, C). */
fc_status fc__cycle_fit(fc_context *context, fc_model *model, size_t count, const double *times,
                        const double *z);
/* Prior of the codes themselves: that of their departures, widened by the variance of the cycle. */
fc_status fc__prior_with_cycle(fc_context *context, const fc_model *model, fc_prior **prior);

/* Fits the cycle, of up to `harmonics`, to codes (count, C) and takes it out of the prior, which
 * becomes that of the departures. */
fc_status fc__cycle_take_out(fc_context *context, fc_model *model, size_t harmonics, size_t count,
                             const double *times, const double *codes);

/* Departure codes z (C) of one frame from its observed values, physical units, at the points that
 * were seen (count flags, NULL = all), with their posterior covariance (C, C) and the number of
 * observed values; either may be NULL. FC_ERROR_DATA when nothing is observed. */
fc_status fc__encode_departure(fc_context *context, const fc_model *model, double time,
                               size_t count, const double *coordinates, const float *values,
                               const bool *seen, double *z, double *covariance, size_t *observed);

/* Factor on standard deviations for a number of observed values. */
double fc__calibration_at(const fc_model *model, size_t observed);
/* Adds the variance of the code error at a lead (model time) to `variance` (C). */
void fc__lead_variance_at(const fc_model *model, double lead, double *variance);

/* Codes at dataset times for sequences with departures z0 (sequences, C) at start times: the cycle
 * and the integrated departure. z: (sequences) arrays (counts[i], C). */
fc_status fc__integrate_codes(fc_context *context, const fc_model *model,
                              const fc_integrator_config *config, size_t sequences,
                              const double *z0, const double *start, const size_t *counts,
                              const double *const *times, double *const *z,
                              fc_integration *integrations);

/* Error growth on validation trajectories; calibration of the error bars on the frames of a
 * normalised dataset, for which FC__CALIBRATION_FRAMES are enough, no factor below `least`. */
enum { FC__CALIBRATION_FRAMES = 48 };
fc_status fc__fit_lead_variance(fc_context *context, fc_model *model,
                                const fc_trajectories *trajectories);
fc_status fc__fit_calibration(fc_context *context, fc_model *model, const fc_dataset *dataset,
                              double least, uint64_t seed);

#endif
