/* Cases forecast and forecast-first: from sensors in one frame to fields at every point of the
 * grid, end to end, for one sequence; of a synthetic model, or one that is read from a file. */
#include "bench/bench.h"
#include "io/io.h"

#include <stdlib.h>

typedef struct work {
    fc_context *context;
    const fc_model *model;
    fc_dataset *observations; /* one frame at the sensors */
    fc_points points;
    size_t frames;
    double *times;
    uint64_t calls;
    double evaluations; /* of the field, in all calls */
} work;

static void work_clear(work *w)
{
    fc_dataset_destroy(w->observations);
    free(w->points.coordinates);
    free(w->times);
}

/* Other values at the same points, hardly so, and back again. */
static fc_status change_values(void *user)
{
    work *w = user;
    w->observations->sequences[0].frames[0].values[0] *= w->calls++ % 2 ? 1.0f / 1.001f : 1.001f;
    return FC_OK;
}

static fc_status move_points(void *user)
{
    work *w = user;
    bench_points_shift(&w->model->domain, &w->observations->points[0]);
    bench_points_shift(&w->model->domain, &w->points);
    return change_values(user);
}

static fc_status forecast(void *user)
{
    work *w = user;
    fc_forecast_config config = fc_forecast_config_default();
    fc_integration integration = {0};
    fc_dataset *fields;
    fc_status status =
        fc_model_forecast(w->context, w->model, w->observations, 0, w->frames, w->times, &w->points,
                          &config, &fields, NULL, &integration);
    w->evaluations += (double)integration.evaluations;
    fc_dataset_destroy(fields);
    return status;
}

/* `sensors` random points of a frame, and its values there. */
static fc_status observe(work *w, const fc_points *points, const float *values, size_t sensors)
{
    fc_status status = FC_OK;
    size_t dims = w->model->domain.dims, channels = w->model->channel_count, index;
    size_t *chosen = NULL;
    double *x = NULL;
    fc_sequence *sequence;
    fc__rng rng = fc__rng_create(10, 0);
    FC_NEW(w->context, &chosen, points->count);
    FC_NEW(w->context, &x, fc__product(sensors, dims));
    fc__rng_choose(&rng, points->count, sensors, chosen);
    for (size_t i = 0; i < sensors * dims; i++)
        x[i] = points->coordinates[chosen[i / dims] * dims + i % dims];
    FC_TRY(fc_dataset_create(w->context, &w->model->domain, channels, &w->observations));
    w->observations->time = w->model->time;
    for (size_t c = 0; c < channels; c++)
        w->observations->channels[c] = w->model->channels[c];
    FC_TRY(fc_dataset_add_points(w->context, w->observations, sensors, x, NULL, &index));
    FC_TRY(fc_dataset_add_sequence(w->context, w->observations, 1, w->times, NULL, &sequence));
    for (size_t i = 0; i < sensors * channels; i++)
        sequence->frames[0].values[i] = values[chosen[i / channels] * channels + i % channels];
    FC_TRY(bench_points_copy(w->context, &w->model->domain, points, &w->points));
done:
    free(chosen);
    free(x);
    return status;
}

static fc_status measure(bench *b, const bench_case *which, const char *size, work *w)
{
    fc_status status = FC_OK;
    bool seen = which->variant == BENCH_SEEN;
    const fc_decoder_config *config = &w->model->decoder->config;
    size_t sensors = w->observations->points[0].count;
    double codes = (double)config->codes, observed = (double)(sensors * config->channels);
    double values = (double)(w->points.count * config->channels), frames = (double)w->frames;
    bench_result result = {.name = which->name, .size = size, .unit = "forecasts/s", .amount = 1.0};
    double basis = 4.5 * (values + 2.0 * observed) * codes;
    if (!bench_fits(which->name, size, 4.0 * values * frames + (seen ? basis : 0.0)))
        return FC_OK;
    bench_keep_bases(b, seen ? basis : 0.0);
    FC_TRY(bench_time(b->context, b->repeats, seen ? change_values : move_points, forecast, w,
                      &result.time));
    double evaluations = w->evaluations / (double)w->calls; /* every call is prepared */
    result.flops = 2.0 * observed * codes + 4.0 * codes * codes +
                   evaluations * bench_field_flops(&w->model->field->config);
    result.flops += seen ? 2.0 * values * frames * codes
                         : bench_fields_flops(config, w->points.count, frames) +
                               bench_basis_flops(config, sensors) +
                               bench_posterior_flops(sensors * config->channels, config->codes);
    result.bytes = 4.0 * values * (frames + (seen ? codes : 0.0));
    snprintf(result.note, sizeof result.note,
             "%zu sensors to %zu frames of %zu points, %.1f evaluations a frame", sensors,
             w->frames, w->points.count, evaluations / frames);
    snprintf(result.keys, sizeof result.keys, ", \"evaluations\": %.1f", evaluations);
    FC_TRY(bench_keep(b, &result));
done:
    bench_keep_bases(b, 0.0);
    return status;
}

/* The first frame of a file's first sequence, and the times of that sequence. */
static fc_status run_files(bench *b, const bench_case *which)
{
    fc_status status = FC_OK;
    const fc_read_config all = {0};
    fc_model *model = NULL;
    fc_dataset *data = NULL;
    bool unfinished;
    work w = {.context = b->context};
    FC_TRY(fc_model_read(b->context, b->model_file, &model, NULL, &unfinished));
    FC_TRY(fc_dataset_read(b->context, b->data_file, &all, &data));
    FC_TRY(fc_model_check_dataset(b->context, model, data, b->data_file));
    const fc_sequence *sequence = &data->sequences[0];
    const fc_points *points = &data->points[sequence->frames[0].points];
    w.model = model;
    w.frames = sequence->frame_count;
    FC_NEW(b->context, &w.times, w.frames);
    for (size_t f = 0; f < w.frames; f++)
        w.times[f] = sequence->frames[f].time;
    FC_TRY(observe(&w, points, sequence->frames[0].values, (points->count + 19) / 20));
    FC_TRY(measure(b, which, "file", &w));
done:
    work_clear(&w);
    fc_dataset_destroy(data);
    fc_model_destroy(model);
    return status;
}

fc_status bench_run_forecast(bench *b, const bench_case *which, const bench_problem *problem)
{
    fc_status status = FC_OK;
    const bench_size *size = problem->size;
    work w = {.context = b->context, .model = problem->model, .frames = size->forecast_frames};
    if (b->model_file)
        return run_files(b, which);
    FC_NEW(b->context, &w.times, w.frames);
    for (size_t f = 0; f < w.frames; f++)
        w.times[f] = (double)f;
    FC_TRY(observe(&w, &problem->grid, problem->values, size->sensors));
    FC_TRY(measure(b, which, size->name, &w));
done:
    work_clear(&w);
    return status;
}
