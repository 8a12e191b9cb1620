#include "ode/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* row = [cos p, sin p, cos 2p, sin 2p, ...], p = 2 pi (time - origin) / period */
static void harmonics_at(double period, size_t harmonics, double origin, double time, double *row)
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
    harmonics_at(model->cycle.period, harmonics, model->time_origin, time, row);
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
        harmonics_at(model->cycle.period, model->cycle.harmonics, model->time_origin, times[f],
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
