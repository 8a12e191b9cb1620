/* Cases encode and encode-new; beside the former the 300 Adam steps on the code that DINo takes
 * (rate 1e-2 from zero, best iterate kept), on the same basis. */
#include "bench/bench.h"
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>

enum { STEPS = 300 };

double bench_posterior_flops(size_t values, size_t codes)
{
    double n = (double)codes;
    return (double)values * n * (n + 1.0) + 7.0 / 3.0 * n * n * n;
}

typedef struct work {
    fc_context *context;
    const bench_problem *problem;
    fc_points points;
    size_t values, codes;
    float *phi0, *phi; /* (values), (values, C) */
    double *noise;     /* (values) */
    fc_posterior *posterior;
    double *z; /* (C) */
} work;

static void work_clear(work *w)
{
    free(w->points.coordinates);
    free(w->phi0);
    free(w->phi);
    free(w->noise);
    free(w->z);
    fc_posterior_destroy(w->posterior);
}

static fc_status encode(void *user)
{
    work *w = user;
    return fc_posterior_encode(w->context, w->posterior, 1, w->problem->values, w->z);
}

static fc_status move_points(void *user)
{
    work *w = user;
    bench_points_shift(&w->problem->model->domain, &w->points);
    return FC_OK;
}

static fc_status encode_new(void *user)
{
    work *w = user;
    return fc_model_encode(w->context, w->problem->model, 0.0, w->points.count,
                           w->points.coordinates, w->problem->values, w->z, NULL);
}

/* target (values) = y - phi0 becomes the residual Phi z - (y - phi0) of codes; its mean square */
static double residual(const work *w, const float *target, const float *z, float *r)
{
    double sum = 0.0;
    fc__sgemm_parallel(w->context, false, true, 1, w->values, w->codes, 1.0f, z, w->codes, w->phi,
                       w->codes, 0.0f, r, w->values);
    for (size_t i = 0; i < w->values; i++) {
        r[i] -= target[i];
        sum += (double)r[i] * (double)r[i];
    }
    return sum / (double)w->values;
}

/* Seconds of the search and the lowest mean square of its iterates, beside that of w->z. */
static fc_status search(const work *w, double *seconds, double *searched, double *solved)
{
    fc_status status = FC_OK;
    const fc__adam adam = {.rate = 1e-2, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    float *target = NULL, *r = NULL, *z = NULL, *gradient = NULL, *first = NULL, *second = NULL;
    FC_NEW(w->context, &target, w->values);
    FC_NEW(w->context, &r, w->values);
    FC_NEW(w->context, &z, w->codes);
    FC_NEW(w->context, &gradient, w->codes);
    FC_NEW(w->context, &first, w->codes);
    FC_NEW(w->context, &second, w->codes);
    for (size_t i = 0; i < w->values; i++)
        target[i] = w->problem->values[i] - w->phi0[i];
    double start = fc__seconds();
    *searched = INFINITY;
    for (uint64_t step = 0; step < STEPS; step++) {
        *searched = fmin(*searched, residual(w, target, z, r));
        fc__sgemm_parallel(w->context, false, false, 1, w->codes, w->values,
                           2.0f / (float)w->values, r, w->values, w->phi, w->codes, 0.0f, gradient,
                           w->codes);
        fc__adam_step(NULL, &adam, step, w->codes, gradient, first, second, z);
    }
    *searched = fmin(*searched, residual(w, target, z, r));
    *seconds = fc__seconds() - start;
    for (size_t i = 0; i < w->codes; i++)
        z[i] = (float)w->z[i];
    *solved = residual(w, target, z, r);
done:
    free(target);
    free(r);
    free(z);
    free(gradient);
    free(first);
    free(second);
    return status;
}

static fc_status prepare_posterior(work *w)
{
    fc_status status = FC_OK;
    const fc_model *model = w->problem->model;
    FC_NEW(w->context, &w->phi0, w->values);
    FC_NEW(w->context, &w->phi, fc__product(w->values, w->codes));
    FC_NEW(w->context, &w->noise, w->values);
    for (size_t i = 0; i < w->values; i++)
        w->noise[i] = model->noise[i % model->channel_count];
    FC_TRY(fc_decoder_basis(w->context, model->decoder, w->points.count, w->points.coordinates,
                            w->phi0, w->phi));
    FC_TRY(fc_posterior_create(w->context, model->prior, w->values, w->phi0, w->phi, w->noise,
                               FC_POSTERIOR_AUTO, &w->posterior));
done:
    return status;
}

/* Where the search takes seconds rather than minutes. */
static fc_status compare(const work *w, bench_result *result)
{
    double seconds = 0.0, searched = 0.0, solved = 0.0;
    if (4.0 * STEPS * (double)(w->values * w->codes) > 2e10)
        return FC_OK;
    fc_status status = search(w, &seconds, &searched, &solved);
    if (status == FC_OK) {
        snprintf(result->note, sizeof result->note,
                 "MSE %.2e; %d Adam steps on the same basis take %.1f ms to MSE %.2e", solved,
                 STEPS, 1e3 * seconds, searched);
        snprintf(result->keys, sizeof result->keys,
                 ", \"mse\": %.4e, \"adam_seconds\": %.4e, \"adam_mse\": %.4e", solved, seconds,
                 searched);
    }
    return status;
}

fc_status bench_run_encode(bench *b, const bench_case *which, const bench_problem *problem)
{
    fc_status status = FC_OK;
    const fc_decoder_config *config = &problem->model->decoder->config;
    bool seen = which->variant == BENCH_SEEN;
    work w = {.context = b->context, .problem = problem, .codes = config->codes};
    w.values = fc__product(problem->grid.count, config->channels);
    double numbers = (double)w.values * (double)w.codes, square = (double)(w.codes * w.codes);
    bench_result result = {.name = which->name, .size = problem->size->name, .amount = 1.0};
    result.unit = "frames/s";
    /* the basis, and its copy in the posterior */
    if (!bench_fits(which->name, problem->size->name, 8.0 * numbers))
        return FC_OK;
    FC_TRY(bench_points_copy(b->context, &problem->model->domain, &problem->grid, &w.points));
    FC_NEW(b->context, &w.z, w.codes);
    if (seen)
        FC_TRY(prepare_posterior(&w));
    FC_TRY(bench_time(b->context, b->repeats, seen ? NULL : move_points, seen ? encode : encode_new,
                      &w, &result.time));
    result.flops = 2.0 * numbers + 4.0 * square;
    result.bytes = 4.0 * (numbers + (double)w.values) + (seen ? 8.0 * square : 0.0);
    if (!seen)
        result.flops +=
            bench_basis_flops(config, w.points.count) + bench_posterior_flops(w.values, w.codes);
    if (seen)
        FC_TRY(compare(&w, &result));
    FC_TRY(bench_keep(b, &result));
done:
    work_clear(&w);
    return status;
}
