/* residual.h: what forecasts of records carry beside the codes (fc_residual). */
#ifndef FC_ODE_RESIDUAL_H
#define FC_ODE_RESIDUAL_H

#include "ode/model.h"

/* Factors a, b and rho at a lead in model time: linear between the fitted ones, and dying away
 * after the last over a time of its length; 1, 0 and 1 where the model has none. error, may be
 * NULL: variance of the error beside that of the codes, normalised units. */
double fc__departure_at(const fc_model *model, double lead, double *persistence);
double fc__decay_at(const fc_model *model, size_t channel, double lead, double *error);

/* A frame that was observed: its values, physical units, where `seen` (NULL = all) and not NaN. */
typedef struct fc__observation {
    double time;
    size_t count;
    const double *coordinates;
    const float *values; /* (count, channels) */
    const bool *seen;    /* (count) */
    const float *field;  /* (count, channels) of the codes at that time, physical units */
} fc__observation;

/* Climatology of the residual at points: (count, channels, 1 + 2 harmonics), NULL where the model
 * has none. */
fc_status fc__climate_create(fc_context *context, const fc_model *model, size_t count,
                             const double *coordinates, float **climate);
/* Adds it at a dataset time to fields (count, channels) of physical units. */
void fc__climate_add(const fc_model *model, const float *climate, double time, size_t count,
                     float *values);

/* The residual of an observed frame at some points. Nothing where the model carries none. */
typedef struct fc__carry {
    float *residual; /* (count, channels): departure from its climatology, normalised units */
    float *left;     /* (count, channels): share of its variance that the observations leave */
} fc__carry;
fc_status fc__carry_create(fc_context *context, const fc_model *model,
                           const fc__observation *observation, size_t count,
                           const double *coordinates, fc__carry *carry);
void fc__carry_clear(fc__carry *carry);

/* Adds rho(lead) times the carried residual of points [begin, begin + count) to values (count,
 * channels) of physical units; lead in model time. */
void fc__carry_add(const fc_model *model, const fc__carry *carry, double lead, size_t begin,
                   size_t count, float *values);
/* Adds the variance of the error that is not the codes' to variance (count, channels), normalised
 * units. */
void fc__carry_variance(const fc_model *model, const fc__carry *carry, double lead, size_t begin,
                        size_t count, double *variance);

void fc__residual_clear(fc_residual *residual);
fc_status fc__residual_copy(fc_context *context, const fc_model *from, fc_model *to);

#endif
