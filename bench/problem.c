#include "bench/bench.h"
#include "data/data.h"
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ns and sw: Navier-Stokes and shallow water as in DINo (Yin et al. 2023); series: the decoder that
 * fieldcast fits by default, on the data of ns. */
const bench_size bench_sizes[] = {
    {.name = "ns",
     .grid = {64, 64},
     .channels = 1,
     .filters = 32,
     .layers = 3,
     .codes = 100,
     .frames = 5120,
     .scattered_frames = 5120,
     .rank = 512,
     .batch = 64,
     .horizon = 9,
     .sequences = 512,
     .decode_grid = {256, 256},
     .decode_frames = 20,
     .sensors = 205,
     .forecast_frames = 20},
    {.name = "sw",
     .sphere = true,
     .grid = {128, 64},
     .channels = 2,
     .filters = 128,
     .layers = 6,
     .codes = 400,
     .frames = 640,
     .scattered_frames = 640,
     .rank = 1024,
     .batch = 16,
     .horizon = 9,
     .sequences = 64,
     .decode_grid = {256, 128},
     .decode_frames = 20,
     .sensors = 410,
     .forecast_frames = 20},
    {.name = "series",
     .grid = {64, 64},
     .channels = 1,
     .filters = 256,
     .layers = 0,
     .codes = 100,
     .frames = 5120,
     .scattered_frames = 5120,
     .rank = 512,
     .batch = 64,
     .horizon = 9,
     .sequences = 512,
     .decode_grid = {256, 256},
     .decode_frames = 20,
     .sensors = 205,
     .forecast_frames = 20},
    {.name = "large",
     .grid = {1024, 1024},
     .channels = 1,
     .filters = 128,
     .layers = 3,
     .codes = 512,
     .frames = 16,
     .scattered_frames = 2,
     .rank = 2048,
     .batch = 64,
     .horizon = 9,
     .sequences = 512,
     .decode_grid = {1024, 1024},
     .decode_frames = 20,
     .sensors = 10000,
     .forecast_frames = 20},
};
const size_t bench_size_count = sizeof bench_sizes / sizeof *bench_sizes;

/* ---------------------------------------------------------------- points */

static fc_domain domain_of(const bench_size *size)
{
    fc_domain domain = {.dims = 2};
    if (size->sphere) {
        domain.axis[0] = (fc_axis){.kind = FC_AXIS_LONGITUDE, .lower = 0.0, .upper = 360.0};
        domain.axis[1] = (fc_axis){.kind = FC_AXIS_LATITUDE, .lower = -90.0, .upper = 90.0};
    } else {
        domain.axis[0] = (fc_axis){.kind = FC_AXIS_PERIODIC, .lower = 0.0, .upper = 1.0};
        domain.axis[1] = domain.axis[0];
    }
    return domain;
}

/* Cell centres along latitudes, so that no point lies at a pole; else from the lower end on. */
fc_status bench_grid_create(fc_context *context, const fc_domain *domain, const size_t n[2],
                            fc_points *points)
{
    fc_status status = FC_OK;
    *points = (fc_points){.count = fc__product(n[0], n[1]), .grid = {n[1], n[0]}};
    FC_NEW(context, &points->coordinates, fc__product(points->count, domain->dims));
    for (size_t p = 0; p < points->count; p++) {
        const size_t at[2] = {p % n[0], p / n[0]};
        for (size_t j = 0; j < 2; j++) {
            const fc_axis *axis = &domain->axis[j];
            double shift = axis->kind == FC_AXIS_LATITUDE ? 0.5 : 0.0;
            points->coordinates[p * 2 + j] =
                axis->lower + (axis->upper - axis->lower) * ((double)at[j] + shift) / (double)n[j];
        }
    }
done:
    return status;
}

fc_status bench_points_copy(fc_context *context, const fc_domain *domain, const fc_points *points,
                            fc_points *copy)
{
    fc_status status = FC_OK;
    size_t size = fc__product(points->count, domain->dims);
    *copy = *points;
    FC_NEW(context, &copy->coordinates, size);
    memcpy(copy->coordinates, points->coordinates, size * sizeof *copy->coordinates);
done:
    return status;
}

void bench_points_shift(const fc_domain *domain, fc_points *points)
{
    double shift = 1e-7 * (domain->axis[0].upper - domain->axis[0].lower);
    for (size_t p = 0; p < points->count; p++)
        points->coordinates[p * domain->dims] += shift;
}

/* ---------------------------------------------------------------- model */

fc_status bench_decoder_create(fc_context *context, const bench_size *size, fc_filter_kind filter,
                               fc_decoder **decoder)
{
    fc_domain domain = domain_of(size);
    fc_decoder_config config = fc_decoder_config_default();
    config.codes = size->codes;
    config.channels = size->channels;
    config.layers = size->layers;
    config.filters = size->filters;
    config.filter = filter;
    config.bandwidth = 16.0;
    config.seed = 1;
    return fc_decoder_create(context, &domain, &config, decoder);
}

/* A becomes skew-symmetric with frequencies up to 1 radian per frame, in a basis that mixes all
 * codes: with S made of 2 x 2 rotations and the reflection H = I - 2 v v^T, |v| = 1,
 *
 *   A = H S H = S - 2 v (v^T S) - 2 (S v) v^T        (v^T S v = 0)
 *
 * and the bilinear term is a small part of the whole. */
static fc_status slow_field(fc_context *context, fc_field *field)
{
    fc_status status = FC_OK;
    size_t codes = field->config.codes;
    fc_field_layout at = fc_field_layout_of(&field->config);
    float *a = field->parameters + at.a;
    double *v = NULL, *w = NULL, square = 0.0;
    fc__rng rng = fc__rng_create(3, 0);
    FC_NEW(context, &v, codes);
    FC_NEW(context, &w, codes); /* S v = -(v^T S)^T */
    for (size_t i = 0; i < codes; i++) {
        v[i] = fc__rng_normal(&rng);
        square += v[i] * v[i];
    }
    for (size_t i = 0; i + 1 < codes; i += 2) {
        double frequency = fc__rng_uniform(&rng);
        a[i * codes + i + 1] = (float)-frequency;
        a[(i + 1) * codes + i] = (float)frequency;
        w[i] = -frequency * v[i + 1] / sqrt(square);
        w[i + 1] = frequency * v[i] / sqrt(square);
    }
    for (size_t i = 0; i < codes; i++)
        for (size_t j = 0; j < codes; j++)
            a[i * codes + j] += (float)(2.0 * (v[i] * w[j] - w[i] * v[j]) / sqrt(square));
    for (size_t i = 0; i < codes * field->config.rank; i++)
        field->parameters[at.u + i] *= 0.3f;
done:
    free(v);
    free(w);
    return status;
}

static fc_status unit_prior(fc_context *context, size_t codes, fc_prior **prior)
{
    fc_status status = FC_OK;
    double *mean = NULL, *covariance = NULL;
    FC_NEW(context, &mean, codes);
    FC_NEW(context, &covariance, fc__product(codes, codes));
    for (size_t i = 0; i < codes; i++)
        covariance[i * (codes + 1)] = 1.0;
    FC_TRY(fc_prior_create(context, codes, mean, covariance, prior));
done:
    free(mean);
    free(covariance);
    return status;
}

static fc_status model_create(fc_context *context, const bench_size *size, fc_filter_kind filter,
                              fc_model **model)
{
    fc_status status = FC_OK;
    fc_field_config config = fc_field_config_default(size->codes);
    fc_model *made = NULL;
    config.rank = size->rank;
    FC_NEW(context, &made, 1);
    made->domain = domain_of(size);
    made->channel_count = size->channels;
    made->time_scale = 1.0;
    FC_NEW(context, &made->channels, size->channels);
    FC_NEW(context, &made->mean, size->channels);
    FC_NEW(context, &made->scale, size->channels);
    FC_NEW(context, &made->noise, size->channels);
    for (size_t c = 0; c < size->channels; c++) {
        snprintf(made->channels[c].name, FC_NAME_SIZE, "u%zu", c);
        made->scale[c] = 1.0;
        made->noise[c] = 1e-4;
    }
    FC_TRY(bench_decoder_create(context, size, filter, &made->decoder));
    FC_TRY(unit_prior(context, size->codes, &made->prior));
    FC_TRY(fc_field_create(context, &config, 2, &made->field));
    FC_TRY(slow_field(context, made->field));
    *model = made;
    made = NULL;
done:
    fc_model_destroy(made);
    return status;
}

/* ---------------------------------------------------------------- data */

/* Values of a random code with noise of 1 % of their root mean square. */
static fc_status observe(fc_context *context, bench_problem *problem)
{
    fc_status status = FC_OK;
    const bench_size *size = problem->size;
    size_t count = fc__product(problem->grid.count, size->channels);
    double *z = NULL, square = 0.0;
    fc__rng rng = fc__rng_create(4, 0);
    FC_NEW(context, &z, size->codes);
    FC_NEW(context, &problem->values, count);
    for (size_t i = 0; i < size->codes; i++)
        z[i] = fc__rng_normal(&rng);
    FC_TRY(fc_model_decode(context, problem->model, problem->grid.count, problem->grid.coordinates,
                           1, z, problem->values));
    for (size_t i = 0; i < count; i++)
        square += (double)problem->values[i] * (double)problem->values[i];
    for (size_t i = 0; i < count; i++)
        problem->values[i] += (float)(0.01 * sqrt(square / (double)count) * fc__rng_normal(&rng));
done:
    free(z);
    return status;
}

fc_status bench_problem_create(fc_context *context, const bench_size *size, fc_filter_kind filter,
                               bench_problem *problem)
{
    fc_status status = FC_OK;
    *problem = (bench_problem){.size = size};
    FC_TRY(model_create(context, size, filter, &problem->model));
    FC_TRY(bench_grid_create(context, &problem->model->domain, size->grid, &problem->grid));
    FC_TRY(
        bench_grid_create(context, &problem->model->domain, size->decode_grid, &problem->output));
    FC_TRY(observe(context, problem));
done:
    if (status != FC_OK)
        bench_problem_clear(problem);
    return status;
}

void bench_problem_clear(bench_problem *problem)
{
    fc_model_destroy(problem->model);
    free(problem->grid.coordinates);
    free(problem->output.coordinates);
    free(problem->values);
    *problem = (bench_problem){0};
}

/* A few waves that travel with time, of mean square about 1. */
static void smooth_frame(const fc_domain *domain, const fc_points *points, size_t channels,
                         double time, float *values)
{
    enum { WAVES = 3 };
    const double number[WAVES][2] = {{1.0, 0.0}, {1.0, 2.0}, {-3.0, 1.0}};
    for (size_t p = 0; p < points->count; p++) {
        const double *x = points->coordinates + p * domain->dims;
        for (size_t c = 0; c < channels; c++) {
            double sum = 0.0;
            for (size_t k = 0; k < WAVES; k++) {
                double phase = 0.7 * (double)c + 0.3 * (double)(k + 1) * time;
                for (size_t j = 0; j < domain->dims; j++) {
                    double length = domain->axis[j].upper - domain->axis[j].lower;
                    phase += 2.0 * M_PI * number[k][j] * x[j] / length;
                }
                sum += 0.8 * sin(phase);
            }
            values[p * channels + c] = (float)sum;
        }
    }
}

/* `count` random points, evenly spread over the domain's area. */
static fc_status scatter(fc_context *context, const fc_domain *domain, size_t count, uint64_t seed,
                         fc_dataset *dataset, size_t *index)
{
    fc_status status = FC_OK;
    double *x = NULL;
    fc__rng rng = fc__rng_create(5, seed);
    FC_NEW(context, &x, fc__product(count, domain->dims));
    for (size_t i = 0; i < count * domain->dims; i++) {
        const fc_axis *axis = &domain->axis[i % domain->dims];
        double u = fc__rng_uniform(&rng);
        x[i] = axis->kind == FC_AXIS_LATITUDE ? asin(2.0 * u - 1.0) * 180.0 / M_PI
                                              : axis->lower + u * (axis->upper - axis->lower);
    }
    FC_TRY(fc_dataset_add_points(context, dataset, count, x, NULL, index));
done:
    free(x);
    return status;
}

/* Frames on the grid of the square: Navier-Stokes flows, as the cost of a pass by moments depends
 * on how many directions the frames have. */
static fc_status flow_frames(fc_context *context, const bench_size *size, fc_dataset **dataset)
{
    fc_navier_stokes_config config = fc_navier_stokes_config_default();
    config.frames = 10;
    config.sequences = size->frames / config.frames;
    config.grid = size->grid[0];
    return fc_navier_stokes_generate(context, &config, dataset);
}

fc_status bench_frames_create(fc_context *context, const fc_domain *domain, const bench_size *size,
                              bool scattered, fc_dataset **dataset)
{
    fc_status status = FC_OK;
    size_t frames = scattered ? size->scattered_frames : size->frames, first;
    size_t *points = NULL;
    double *times = NULL;
    fc_points grid = {0};
    fc_sequence *sequence;
    fc_dataset *made = NULL;
    if (!scattered && !size->sphere && size->grid[0] <= 64)
        return flow_frames(context, size, dataset);
    FC_TRY(fc_dataset_create(context, domain, size->channels, &made));
    FC_NEW(context, &times, frames);
    FC_NEW(context, &points, frames);
    FC_TRY(bench_grid_create(context, domain, size->grid, &grid));
    if (!scattered)
        FC_TRY(
            fc_dataset_add_points(context, made, grid.count, grid.coordinates, grid.grid, &first));
    for (size_t f = 0; f < frames; f++) {
        times[f] = (double)f;
        if (scattered)
            FC_TRY(scatter(context, domain, grid.count, f, made, &points[f]));
    }
    FC_TRY(fc_dataset_add_sequence(context, made, frames, times, points, &sequence));
#pragma omp parallel for num_threads(fc_context_threads(context))
    for (size_t f = 0; f < frames; f++)
        smooth_frame(domain, &made->points[points[f]], size->channels, times[f],
                     sequence->frames[f].values);
    *dataset = made;
    made = NULL;
done:
    free(points);
    free(times);
    free(grid.coordinates);
    fc_dataset_destroy(made);
    return status;
}
