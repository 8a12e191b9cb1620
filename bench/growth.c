/* Case growth: time and memory of decoding at points never seen before, over the number of points
 * and over the number of frames. */
#include "bench/bench.h"

#include <stdlib.h>

typedef struct work {
    fc_context *context;
    const fc_model *model;
    fc_points points;
    size_t frames;
    double *z;
    float *fields;
} work;

static fc_status move_points(void *user)
{
    work *w = user;
    bench_points_shift(&w->model->domain, &w->points);
    return FC_OK;
}

static fc_status decode(void *user)
{
    work *w = user;
    return fc_model_decode(w->context, w->model, w->points.count, w->points.coordinates, w->frames,
                           w->z, w->fields);
}

/* Points anywhere in the domain. */
static fc_status scatter(work *w, size_t count)
{
    const fc_domain *domain = &w->model->domain;
    fc__rng rng = fc__rng_create(11, count);
    w->points = (fc_points){.count = count};
    fc_status status = fc__allocate(w->context, fc__product(count, domain->dims), sizeof(double),
                                    (void *)&w->points.coordinates);
    for (size_t i = 0; status == FC_OK && i < count * domain->dims; i++) {
        const fc_axis *axis = &domain->axis[i % domain->dims];
        w->points.coordinates[i] =
            axis->lower + (axis->upper - axis->lower) * fc__rng_uniform(&rng);
    }
    return status;
}

/* Memory is what the calls take beside their arguments: the peak during them over what was there
 * before, when the results had been written to once. Nothing is kept between calls. */
static fc_status measure(bench *b, const char *name, const bench_problem *problem, size_t count,
                         size_t frames)
{
    fc_status status = FC_OK;
    const fc_decoder_config *config = &problem->model->decoder->config;
    work w = {.context = b->context, .model = problem->model, .frames = frames};
    size_t values = fc__product(count, config->channels);
    double decoded = (double)values * (double)frames;
    bench_result result = {
        .name = name, .size = problem->size->name, .unit = "values/s", .amount = decoded};
    if (!bench_fits(name, problem->size->name, 4.0 * decoded + 16.0 * (double)count))
        return FC_OK;
    FC_TRY(scatter(&w, count));
    FC_TRY(bench_codes_create(b->context, frames, config->codes, &w.z));
    FC_NEW(b->context, &w.fields, fc__product(values, frames));
    fc_context_set_cache(b->context, 0);
    bench_memory_forget_peak();
    double before = (double)bench_memory_resident();
    FC_TRY(bench_time(b->context, b->repeats, move_points, decode, &w, &result.time));
    double peak = (double)bench_memory_peak() - before;
    result.flops = bench_fields_flops(config, count, (double)frames);
    result.bytes = 4.0 * decoded + 16.0 * (double)count;
    snprintf(result.note, sizeof result.note, "%zu points, %zu frames, peak memory +%.1f MiB",
             count, frames, peak / 1048576.0);
    snprintf(result.keys, sizeof result.keys,
             ", \"points\": %zu, \"frames\": %zu, \"peak_bytes\": %.0f", count, frames, peak);
    FC_TRY(bench_keep(b, &result));
done:
    bench_keep_bases(b, 0.0);
    free(w.points.coordinates);
    free(w.z);
    free(w.fields);
    return status;
}

fc_status bench_run_growth(bench *b, const bench_case *which, const bench_problem *problem)
{
    fc_status status = FC_OK;
    (void)which;
    for (size_t count = 1000; status == FC_OK && count <= 10000000; count *= 10)
        status = measure(b, "growth-points", problem, count, problem->size->decode_frames);
    for (size_t frames = 1; status == FC_OK && frames <= 10000; frames *= 10)
        status = measure(b, "growth-frames", problem, problem->grid.count, frames);
    return status;
}
