#include "ode/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void fc__harmonics_at(double period, size_t harmonics, double origin, double time, double *row)
{
    for (size_t k = 0; k < harmonics; k++) {
        double phase = 2.0 * M_PI * (double)(k + 1) * (time - origin) / period;
        row[2 * k] = cos(phase);
        row[2 * k + 1] = sin(phase);
    }
}

void fc__cycle_at(const fc_model *model, double time, double *z)
{
    size_t codes = model->decoder->config.codes, harmonics = model->cycle.harmonics;
    double row[2 * FC__MAX_HARMONICS];
    memset(z, 0, codes * sizeof *z);
    fc__harmonics_at(model->cycle.period, harmonics, model->time_origin, time, row);
    for (size_t k = 0; k < 2 * harmonics; k++)
        for (size_t i = 0; i < codes; i++)
            z[i] += row[k] * model->cycle.coefficient[k * codes + i];
}

/* Least squares of the codes on a constant and the harmonics; the constant is left to the mean. */
fc_status fc__cycle_fit(fc_context *context, fc_model *model, size_t count, const double *times,
                        const double *z)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, columns = 2 * model->cycle.harmonics + 1;
    double *design = NULL, *normal = NULL, *rhs = NULL;
    FC_NEW(context, &design, fc__product(count, columns));
    FC_NEW(context, &normal, columns * columns);
    FC_NEW(context, &rhs, fc__product(columns, codes));
    for (size_t f = 0; f < count; f++) {
        design[f * columns] = 1.0;
        fc__harmonics_at(model->cycle.period, model->cycle.harmonics, model->time_origin, times[f],
                         design + f * columns + 1);
    }
    fc__dsyrk(columns, count, 1.0, design, 0.0, normal);
    for (size_t i = 0; i < columns; i++)
        normal[i * columns + i] += 1e-6 * (double)count;
    fc__dgemm(true, false, columns, codes, count, 1.0, design, columns, z, codes, 0.0, rhs, codes);
    FC_TRY(fc__cholesky(context, "harmonics of the cycle", columns, normal));
    fc__cholesky_solve(columns, normal, codes, rhs);
    FC_NEW(context, &model->cycle.coefficient, fc__product(columns - 1, codes));
    memcpy(model->cycle.coefficient, rhs + codes, (columns - 1) * codes * sizeof *rhs);
done:
    free(design);
    free(normal);
    free(rhs);
    return status;
}

/* The variance of a cos p + b sin p over a period is (a^2 + b^2) / 2. */
fc_status fc__prior_with_cycle(fc_context *context, const fc_model *model, fc_prior **prior)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes;
    double *covariance = NULL;
    *prior = NULL;
    FC_NEW(context, &covariance, fc__product(codes, codes));
    memcpy(covariance, model->prior->covariance, codes * codes * sizeof *covariance);
    for (size_t k = 0; k < 2 * model->cycle.harmonics; k++) {
        for (size_t i = 0; i < codes; i++) {
            double amplitude = model->cycle.coefficient[k * codes + i];
            covariance[i * (codes + 1)] += 0.5 * amplitude * amplitude;
        }
    }
    FC_TRY(fc_prior_create(context, codes, model->prior->mean, covariance, prior));
done:
    free(covariance);
    return status;
}

fc_status fc__cycle_take_out(fc_context *context, fc_model *model, size_t harmonics, size_t count,
                             const double *times, const double *codes)
{
    fc_status status = FC_OK;
    size_t c = model->decoder->config.codes;
    size_t resolved = (size_t)(0.5 * model->time.cycle / model->time_scale - 0.5);
    double *departure = NULL, *cycle = NULL, *diagonal = NULL;
    fc_prior *raw = NULL;
    FC_NEW(context, &departure, fc__product(count, c));
    FC_NEW(context, &cycle, c);
    FC_NEW(context, &diagonal, fc__product(c, c));
    model->cycle.period = model->time.cycle;
    model->cycle.harmonics = harmonics < resolved ? harmonics : resolved;
    FC_TRY(fc__cycle_fit(context, model, count, times, codes));
    for (size_t f = 0; f < count; f++) {
        fc__cycle_at(model, times[f], cycle);
        for (size_t i = 0; i < c; i++)
            departure[f * c + i] = codes[f * c + i] - cycle[i];
    }
    FC_TRY(fc_prior_fit(context, c, count, departure, 1e-9, &raw));
    for (size_t i = 0; i < c; i++)
        diagonal[i * (c + 1)] = raw->covariance[i * (c + 1)];
    fc_prior_destroy(model->prior);
    model->prior = NULL;
    FC_TRY(fc_prior_create(context, c, raw->mean, diagonal, &model->prior));
done:
    free(departure);
    free(cycle);
    free(diagonal);
    fc_prior_destroy(raw);
    return status;
}
