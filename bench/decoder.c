/* Cases basis, decode and decode-new. */
#include "bench/bench.h"

#include <math.h>
#include <stdlib.h>

double bench_basis_flops(const fc_decoder_config *decoder, size_t points)
{
    double layers = (double)decoder->layers, width = 2.0 * (double)decoder->filters;
    double products = 2.0 * (layers + 1.0) * width * ((double)decoder->codes + 1.0);
    return (double)points * (double)decoder->channels * (products + 2.0 * layers * width * width);
}

/* By the basis, or frame by frame through the layers, which is less for a few frames. */
double bench_fields_flops(const fc_decoder_config *decoder, size_t points, double frames)
{
    double layers = (double)decoder->layers, width = 2.0 * (double)decoder->filters;
    double values = (double)points * (double)decoder->channels * frames;
    double direct = values * (2.0 * layers * width * width + 2.0 * (layers + 1.0) * width);
    return fmin(2.0 * values * (double)decoder->codes + bench_basis_flops(decoder, points), direct);
}

fc_status bench_codes_create(fc_context *context, size_t count, size_t codes, double **z)
{
    size_t size = fc__product(count, codes);
    fc__rng rng = fc__rng_create(6, 0);
    fc_status status = fc__allocate(context, size, sizeof **z, (void *)z);
    for (size_t i = 0; status == FC_OK && i < size; i++)
        (*z)[i] = fc__rng_normal(&rng);
    return status;
}

typedef struct work {
    fc_context *context;
    const fc_model *model;
    fc_points points;
    size_t frames;
    double *z;     /* (frames, C) */
    float *fields; /* (frames, points, channels) */
    float *phi0, *phi;
} work;

static void work_clear(work *w)
{
    free(w->points.coordinates);
    free(w->z);
    free(w->fields);
    free(w->phi0);
    free(w->phi);
}

static fc_status move_points(void *user)
{
    work *w = user;
    bench_points_shift(&w->model->domain, &w->points);
    return FC_OK;
}

static fc_status form_basis(void *user)
{
    work *w = user;
    return fc_decoder_basis(w->context, w->model->decoder, w->points.count, w->points.coordinates,
                            w->phi0, w->phi);
}

static fc_status decode(void *user)
{
    work *w = user;
    return fc_model_decode(w->context, w->model, w->points.count, w->points.coordinates, w->frames,
                           w->z, w->fields);
}

fc_status bench_run_basis(bench *b, const bench_case *which, const bench_problem *problem)
{
    fc_status status = FC_OK;
    const fc_decoder_config *config = &problem->model->decoder->config;
    size_t values = fc__product(problem->output.count, config->channels);
    size_t numbers = fc__product(values, config->codes);
    work w = {.context = b->context, .model = problem->model};
    bench_result result = {.name = which->name, .size = problem->size->name, .unit = "points/s"};
    if (!bench_fits(which->name, problem->size->name, 4.0 * (double)numbers))
        return FC_OK;
    FC_TRY(bench_points_copy(b->context, &w.model->domain, &problem->output, &w.points));
    FC_NEW(b->context, &w.phi0, values);
    FC_NEW(b->context, &w.phi, numbers);
    FC_TRY(bench_time(b->context, b->repeats, move_points, form_basis, &w, &result.time));
    result.amount = (double)w.points.count;
    result.flops = bench_basis_flops(config, w.points.count);
    result.bytes = 4.0 * (double)numbers;
    snprintf(result.note, sizeof result.note, "%zu points never seen before", w.points.count);
    FC_TRY(bench_keep(b, &result));
done:
    work_clear(&w);
    return status;
}

fc_status bench_run_decode(bench *b, const bench_case *which, const bench_problem *problem)
{
    fc_status status = FC_OK;
    const fc_decoder_config *config = &problem->model->decoder->config;
    bool seen = which->variant == BENCH_SEEN;
    work w = {
        .context = b->context, .model = problem->model, .frames = problem->size->decode_frames};
    size_t values = fc__product(problem->output.count, config->channels);
    double decoded = (double)values * (double)w.frames, numbers = (double)(values * config->codes);
    bench_result result = {.name = which->name, .size = problem->size->name, .unit = "values/s"};
    if (!bench_fits(which->name, problem->size->name, 4.0 * (decoded + (seen ? numbers : 0.0))))
        return FC_OK;
    FC_TRY(bench_points_copy(b->context, &w.model->domain, &problem->output, &w.points));
    FC_TRY(bench_codes_create(b->context, w.frames, config->codes, &w.z));
    FC_NEW(b->context, &w.fields, fc__product(w.frames, values));
    bench_keep_bases(b, seen ? 4.5 * numbers : 0.0);
    FC_TRY(bench_time(b->context, b->repeats, seen ? NULL : move_points, decode, &w, &result.time));
    result.amount = decoded;
    result.flops = seen ? 2.0 * decoded * (double)config->codes
                        : bench_fields_flops(config, w.points.count, (double)w.frames);
    result.bytes = 4.0 * (decoded + (seen ? numbers : 0.0));
    snprintf(result.note, sizeof result.note, "%zu frames of %zu points %s", w.frames,
             w.points.count, seen ? "seen before" : "never seen before");
    FC_TRY(bench_keep(b, &result));
done:
    bench_keep_bases(b, 0.0);
    work_clear(&w);
    return status;
}
