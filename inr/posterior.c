/* The posterior of observations that the caller has put together. */
#include "inr/analysis.h"
#include "inr/kernels/kernels.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { TILE = 128 }; /* rows converted to double at a time */

/* An analysis and the rows that it was made of. */
struct fc_posterior {
    fc__analysis *analysis;
    size_t codes, values;
    double *mean;      /* (C) of the prior */
    float *phi0, *phi; /* (values), (values, C) */
    double *weight;    /* (values) */
};

static fc__rows rows_of(const fc_posterior *posterior)
{
    return (fc__rows){.count = posterior->values,
                      .codes = posterior->codes,
                      .phi0 = posterior->phi0,
                      .phi = posterior->phi,
                      .weight = posterior->weight};
}

static fc_status check_arguments(fc_context *context, const fc_prior *prior, size_t values,
                                 const double *noise, fc_posterior_form form)
{
    if (prior->codes == 0 || values == 0)
        return fc__fail(context, FC_ERROR_USAGE,
                        "posterior: %zu values for %zu codes; at least one of each is needed",
                        values, prior->codes);
    if (form != FC_POSTERIOR_AUTO && form != FC_POSTERIOR_PRIMAL && form != FC_POSTERIOR_DUAL)
        return fc__fail(context, FC_ERROR_USAGE, "posterior: form %d is unknown", (int)form);
    for (size_t p = 0; p < values; p++)
        if (!isfinite(noise[p]) || noise[p] <= 0.0)
            return fc__fail(context, FC_ERROR_USAGE,
                            "posterior: noise variance of value %zu is %g; a positive number is "
                            "needed",
                            p, noise[p]);
    return FC_OK;
}

fc_status fc_posterior_create(fc_context *context, const fc_prior *prior, size_t values,
                              const float *phi0, const float *phi, const double *noise,
                              fc_posterior_form form, fc_posterior **posterior)
{
    fc_status status = FC_OK;
    fc_posterior *made = NULL;
    double *normal = NULL;
    *posterior = NULL;
    FC_TRY(check_arguments(context, prior, values, noise, form));
    size_t codes = prior->codes, size = fc__product(values, codes);
    FC_NEW(context, &made, 1);
    made->codes = codes;
    made->values = values;
    FC_NEW(context, &made->mean, codes);
    FC_NEW(context, &made->phi0, values);
    FC_NEW(context, &made->phi, size);
    FC_NEW(context, &made->weight, values);
    memcpy(made->mean, prior->mean, codes * sizeof *made->mean);
    memcpy(made->phi0, phi0, values * sizeof *phi0);
    memcpy(made->phi, phi, size * sizeof *phi);
    for (size_t p = 0; p < values; p++)
        made->weight[p] = 1.0 / noise[p];
    fc__rows rows = rows_of(made);
    if (form == FC_POSTERIOR_DUAL || (form == FC_POSTERIOR_AUTO && values < codes)) {
        FC_TRY(fc__analysis_dual(context, prior, &rows, &made->analysis));
    } else {
        FC_NEW(context, &normal, fc__product(codes, codes));
        FC_TRY(fc__normal_add(context, &rows, normal));
        FC_TRY(fc__analysis_primal(context, prior, normal, &made->analysis));
    }
    *posterior = made;
    made = NULL;
done:
    fc_posterior_destroy(made);
    free(normal);
    return status;
}

void fc_posterior_destroy(fc_posterior *posterior)
{
    if (!posterior)
        return;
    fc__analysis_release(posterior->analysis);
    free(posterior->mean);
    free(posterior->phi0);
    free(posterior->phi);
    free(posterior->weight);
    free(posterior);
}

void fc_posterior_covariance(const fc_posterior *posterior, double *covariance)
{
    memcpy(covariance, posterior->analysis->covariance,
           posterior->codes * posterior->codes * sizeof *covariance);
}

fc_status fc_posterior_encode(fc_context *context, const fc_posterior *posterior, size_t frames,
                              const float *y, double *z)
{
    fc_status status = FC_OK;
    const fc__analysis *analysis = posterior->analysis;
    fc__rows rows = rows_of(posterior);
    const float **frame = NULL;
    double *sum = NULL;
    FC_NEW(context, &frame, frames);
    FC_NEW(context, &sum, fc__product(frames, posterior->codes));
    for (size_t f = 0; f < frames; f++)
        frame[f] = y + f * posterior->values;
    fc__values values = {.frames = frames, .channels = 1, .frame = frame};
    FC_TRY(fc__values_check(context, &rows, &values));
    FC_TRY(fc__project_add(context, &rows, &values, analysis, posterior->mean, sum));
    FC_TRY(fc__analysis_solve(context, analysis, frames, posterior->mean, sum, z));
done:
    free(frame);
    free(sum);
    return status;
}

/* ---------------------------------------------------------------- variance of fields */

fc_status fc_basis_variance(fc_context *context, size_t codes, const double *covariance,
                            size_t values, const float *phi, double *variance)
{
    fc_status status = FC_OK;
    double *work = NULL;
    size_t tiles = (values + TILE - 1) / TILE, size = 2 * TILE * codes;
    int threads = fc__threads_worth(context, fc__product(values, fc__product(codes, codes)), tiles);
    FC_NEW(context, &work, fc__product((size_t)threads, size));
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (size_t t = 0; t < tiles; t++) {
        size_t start = t * TILE, rest = values - start, number = rest < TILE ? rest : TILE;
        double *rows = work + (size_t)omp_get_thread_num() * size, *product = rows + TILE * codes;
        fc__kernels_chosen()->widen(number, codes, phi + start * codes, NULL, rows);
        fc__dgemm(false, false, number, codes, codes, 1.0, rows, codes, covariance, codes, 0.0,
                  product, codes);
        for (size_t p = 0; p < number; p++) {
            double sum = 0.0;
#pragma omp simd reduction(+ : sum)
            for (size_t c = 0; c < codes; c++)
                sum += rows[p * codes + c] * product[p * codes + c];
            variance[start + p] = sum > 0.0 ? sum : 0.0; /* rounding of a vanishing variance */
        }
    }
done:
    free(work);
    return status;
}
