#include "inr/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Allocates a prior and factorises its covariance. */
static fc_status make_prior(fc_context *context, size_t codes, const double *mean,
                            const double *covariance, fc_prior **prior)
{
    fc_status status = FC_OK;
    fc_prior *made = NULL;
    size_t square = fc__product(codes, codes);
    FC_NEW(context, &made, 1);
    FC_NEW(context, &made->mean, codes);
    FC_NEW(context, &made->covariance, square);
    FC_NEW(context, &made->factor, square);
    made->codes = codes;
    memcpy(made->mean, mean, codes * sizeof *mean);
    memcpy(made->covariance, covariance, square * sizeof *covariance);
    memcpy(made->factor, covariance, square * sizeof *covariance);
    FC_TRY(fc__cholesky(context, "prior covariance", codes, made->factor));
    *prior = made;
    made = NULL;
done:
    fc_prior_destroy(made);
    return status;
}

static fc_status check_finite(fc_context *context, const char *what, size_t count,
                              const double *values)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return fc__fail(context, FC_ERROR_DATA, "prior: %s number %zu is %g", what, i,
                            values[i]);
    return FC_OK;
}

fc_status fc_prior_create(fc_context *context, size_t codes, const double *mean,
                          const double *covariance, fc_prior **prior)
{
    fc_status status = FC_OK;
    *prior = NULL;
    if (codes == 0)
        return fc__fail(context, FC_ERROR_USAGE, "prior: codes = 0, at least 1 is needed");
    FC_TRY(check_finite(context, "mean", codes, mean));
    FC_TRY(check_finite(context, "covariance", codes * codes, covariance));
    for (size_t i = 0; i < codes; i++)
        for (size_t j = 0; j < i; j++) {
            double a = covariance[i * codes + j], b = covariance[j * codes + i];
            double scale = sqrt(fabs(covariance[i * codes + i] * covariance[j * codes + j]));
            if (fabs(a - b) > 1e-8 * scale)
                return fc__fail(context, FC_ERROR_DATA,
                                "prior: covariance (%zu, %zu) is %g but (%zu, %zu) is %g; a "
                                "symmetric matrix is needed",
                                i, j, a, j, i, b);
        }
    FC_TRY(make_prior(context, codes, mean, covariance, prior));
done:
    return status;
}

/* mean = sum z / n, covariance = sum (z - mean)(z - mean)^T / (n - 1) + floor trace / C I */
fc_status fc_prior_fit(fc_context *context, size_t codes, size_t count, const double *z,
                       double floor, fc_prior **prior)
{
    const double default_floor = 1e-9;
    fc_status status = FC_OK;
    double *mean = NULL, *centred = NULL, *covariance = NULL;
    *prior = NULL;
    if (codes == 0 || count == 0 || !isfinite(floor) || floor < 0.0)
        return fc__fail(context, FC_ERROR_USAGE,
                        "prior: %zu samples of %zu codes with floor %g; at least one of each and a "
                        "floor >= 0 are needed",
                        count, codes, floor);
    FC_TRY(check_finite(context, "code", fc__product(count, codes), z));
    FC_NEW(context, &mean, codes);
    FC_NEW(context, &centred, fc__product(count, codes));
    FC_NEW(context, &covariance, fc__product(codes, codes));
    for (size_t n = 0; n < count; n++)
        for (size_t i = 0; i < codes; i++)
            mean[i] += z[n * codes + i] / (double)count;
    for (size_t n = 0; n < count; n++)
        for (size_t i = 0; i < codes; i++)
            centred[n * codes + i] = z[n * codes + i] - mean[i];
    fc__dsyrk(codes, count, 1.0 / (double)(count > 1 ? count - 1 : 1), centred, 0.0, covariance);
    double trace = 0.0;
    for (size_t i = 0; i < codes; i++)
        trace += covariance[i * codes + i];
    if (!(trace > 0.0)) {
        status = fc__fail(context, FC_ERROR_DATA, "prior: the %zu codes given do not vary", count);
        goto done;
    }
    for (size_t i = 0; i < codes; i++)
        covariance[i * codes + i] += (floor > 0.0 ? floor : default_floor) * trace / (double)codes;
    FC_TRY(make_prior(context, codes, mean, covariance, prior));
done:
    free(mean);
    free(centred);
    free(covariance);
    return status;
}

void fc_prior_destroy(fc_prior *prior)
{
    if (!prior)
        return;
    free(prior->mean);
    free(prior->covariance);
    free(prior->factor);
    free(prior);
}
