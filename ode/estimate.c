#include "ode/estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fc_status fc__estimate_create(fc_context *context, const fc_model *model, fc__estimate *estimate)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes;
    *estimate = (fc__estimate){0};
    FC_NEW(context, &estimate->z, codes);
    FC_NEW(context, &estimate->covariance, fc__product(codes, codes));
done:
    return status;
}

void fc__estimate_clear(fc__estimate *estimate)
{
    free(estimate->z);
    free(estimate->covariance);
    *estimate = (fc__estimate){0};
}

/* The flow of an estimate and of its neighbours along some directions. */
typedef struct flow {
    size_t count;        /* directions */
    double *start, *end; /* (1 + count, C) departures, the estimate's own first */
    bool *arrived;       /* (1 + count) */
} flow;

static void flow_clear(flow *f)
{
    free(f->start);
    free(f->end);
    free(f->arrived);
}

/* Integrates all starts; *arrived says whether the estimate's own trajectory did. */
static fc_status run(fc_context *context, const fc_model *model, const fc_integrator_config *config,
                     double from, double to, flow *f, bool *arrived)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, all = 1 + f->count, *counts = NULL;
    double *begin = NULL, *cycle = NULL, **ends = NULL;
    const double **times = NULL;
    fc_integration *integrations = NULL;
    FC_NEW(context, &counts, all);
    FC_NEW(context, &begin, all);
    FC_NEW(context, &cycle, codes);
    FC_NEW(context, &ends, all);
    FC_NEW(context, &times, all);
    FC_NEW(context, &integrations, all);
    for (size_t k = 0; k < all; k++) {
        counts[k] = 1;
        begin[k] = from;
        times[k] = &to;
        ends[k] = f->end + k * codes;
    }
    status = fc__integrate_codes(context, model, config, all, f->start, begin, counts, times, ends,
                                 integrations);
    *arrived = status == FC_OK && integrations[0].status == FC_OK;
    if (status == FC_ERROR_SOLVER) /* of every one of them */
        status = FC_OK;
    FC_TRY(status);
    fc__cycle_at(model, to, cycle);
    for (size_t k = 0; k < all; k++) {
        f->arrived[k] = *arrived && integrations[k].status == FC_OK;
        for (size_t i = 0; i < codes; i++)
            ends[k][i] -= cycle[i];
    }
done:
    free(counts);
    free(begin);
    free(cycle);
    free(ends);
    free(times);
    free(integrations);
    return status;
}

/* Directions, one standard deviation long, as rows of `root`, whose outer products sum up to the
 * covariance; *leading is the number of those beside which the others together have less than a
 * tenth of the variance that the flow adds. */
static fc_status find_directions(fc_context *context, size_t codes, const double *covariance,
                                 double added, double *root, size_t *leading)
{
    fc_status status = FC_OK;
    double *copy = NULL, *value = NULL, *vector = NULL, rest = 0.0;
    FC_NEW(context, &copy, fc__product(codes, codes));
    FC_NEW(context, &value, codes);
    FC_NEW(context, &vector, fc__product(codes, codes));
    memcpy(copy, covariance, codes * codes * sizeof *copy);
    FC_TRY(fc__eigen(context, codes, copy, value, vector));
    for (size_t k = 0; k < codes; k++) {
        value[k] = fmax(value[k], 0.0);
        for (size_t i = 0; i < codes; i++)
            root[k * codes + i] = sqrt(value[k]) * vector[i * codes + k];
    }
    *leading = codes;
    while (*leading && (rest += value[*leading - 1]) < 0.1 * added)
        --*leading;
done:
    free(copy);
    free(value);
    free(vector);
    return status;
}

/* Moves the estimate to a later time; *arrived is false where the flow breaks down. */
static fc_status carry(fc_context *context, const fc_model *model,
                       const fc_integrator_config *config, double time, fc__estimate *estimate,
                       bool *arrived)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes;
    double *root = NULL, *error = NULL, *covariance = estimate->covariance, added = 0.0;
    flow f = {0};
    FC_NEW(context, &root, fc__product(codes, codes));
    FC_NEW(context, &error, codes);
    fc__lead_variance_at(model, (time - estimate->time) / model->time_scale, error);
    for (size_t i = 0; i < codes; i++)
        added += error[i];
    FC_TRY(find_directions(context, codes, covariance, added, root, &f.count));
    FC_NEW(context, &f.start, fc__product(1 + f.count, codes));
    FC_NEW(context, &f.end, fc__product(1 + f.count, codes));
    FC_NEW(context, &f.arrived, 1 + f.count);
    memcpy(f.start, estimate->z, codes * sizeof *f.start);
    for (size_t k = 0; k < f.count; k++)
        for (size_t i = 0; i < codes; i++)
            f.start[(1 + k) * codes + i] = estimate->z[i] + root[k * codes + i];
    FC_TRY(run(context, model, config, estimate->time, time, &f, arrived));
    if (!*arrived)
        goto done;
    memcpy(estimate->z, f.end, codes * sizeof *f.end);
    for (size_t k = 0; k < f.count; k++)
        for (size_t i = 0; i < codes && f.arrived[1 + k]; i++)
            root[k * codes + i] = f.end[(1 + k) * codes + i] - f.end[i];
    fc__dsyrk(codes, codes, 1.0, root, 0.0, covariance);
    added = 0.0;
    for (size_t i = 0; i < codes; i++)
        added += covariance[i * (codes + 1)] += error[i];
    for (size_t i = 0; i < codes; i++) /* so that it has a Cholesky factor */
        covariance[i * (codes + 1)] += 1e-9 * added / (double)codes;
done:
    flow_clear(&f);
    free(root);
    free(error);
    return status;
}

fc_status fc__estimate_observe(fc_context *context, const fc_model *model,
                               const fc_integrator_config *config, double time, size_t count,
                               const double *coordinates, const float *values, const bool *seen,
                               fc__estimate *estimate)
{
    fc_status status = FC_OK;
    fc_model known = *model; /* under the prior of what is known so far */
    fc_prior *prior = NULL;
    if (estimate->begun)
        FC_TRY(carry(context, model, config, time, estimate, &estimate->begun));
    if (estimate->begun) {
        FC_TRY(fc_prior_create(context, model->decoder->config.codes, estimate->z,
                               estimate->covariance, &prior));
        known.prior = prior;
    }
    status = fc__encode_departure(context, &known, time, count, coordinates, values, seen,
                                  estimate->z, estimate->covariance, &estimate->observed);
    if (prior && status == FC_ERROR_DATA && estimate->observed == 0) /* the forecast stands */
        status = FC_OK;
    FC_TRY(status);
    estimate->begun = true;
    estimate->time = time;
done:
    fc_prior_destroy(prior);
    return status;
}
