/* Cases train-decoder and its kin: one epoch of decoder training, that is one pass over all frames
 * and one Adam step of the weights, and of the codes where Adam moves them. */
#include "bench/bench.h"
#include "inr/fit_pass.h"

#include <stdlib.h>
#include <string.h>

typedef struct work {
    fc_context *context;
    fc_decoder *decoder;
    fc_dataset *dataset;
    fc__frames frames;
    fc__fit_pass *pass;
    float *codes, *code_gradient, *code_first, *code_second; /* (frames, C) */
    float *gradient, *first, *second;                        /* (parameters) */
    uint64_t steps;
    double loss, preparation; /* preparation: seconds, once */
} work;

static void work_clear(work *w)
{
    fc__fit_pass_destroy(w->pass);
    fc__frames_clear(&w->frames);
    fc_dataset_destroy(w->dataset);
    fc_decoder_destroy(w->decoder);
    free(w->codes);
    free(w->code_gradient);
    free(w->code_first);
    free(w->code_second);
    free(w->gradient);
    free(w->first);
    free(w->second);
}

static fc_status work_create(bench *b, const bench_problem *problem, bool scattered,
                             fc__code_policy policy, work *w)
{
    fc_status status = FC_OK;
    fc_context *context = w->context = b->context;
    FC_TRY(bench_decoder_create(context, problem->size, b->filter, &w->decoder));
    FC_TRY(bench_frames_create(context, &problem->model->domain, problem->size, scattered,
                               &w->dataset));
    FC_TRY(fc__frames_select(context, w->dataset, 0, NULL, false, &w->frames));
    size_t numbers = fc__product(w->frames.count, problem->size->codes);
    size_t moved = policy == FC__CODES_ADAM ? numbers : 0;
    FC_NEW(context, &w->codes, numbers);
    FC_NEW(context, &w->code_first, moved);
    FC_NEW(context, &w->code_second, moved);
    FC_NEW(context, &w->gradient, w->decoder->parameter_count);
    FC_NEW(context, &w->first, w->decoder->parameter_count);
    FC_NEW(context, &w->second, w->decoder->parameter_count);
    if (moved)
        FC_NEW(context, &w->code_gradient, moved);
    fc__rng rng = fc__rng_create(7, 0);
    for (size_t i = 0; i < numbers; i++)
        w->codes[i] = (float)fc__rng_normal(&rng);
    double start = fc__seconds();
    FC_TRY(fc__fit_pass_create(context, w->decoder, &w->frames, policy, &w->pass));
    w->preparation = fc__seconds() - start;
done:
    return status;
}

static fc_status epoch(void *user)
{
    fc_status status = FC_OK;
    work *w = user;
    const fc__adam adam = {.rate = 1e-4, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8};
    size_t count = w->decoder->parameter_count;
    memset(w->gradient, 0, count * sizeof *w->gradient);
    float *codes = fc__fit_pass_has_moments(w->pass) ? NULL : w->codes;
    FC_TRY(fc__fit_pass_run(w->context, w->pass, w->frames.count, NULL, codes, w->code_gradient,
                            &w->loss, w->gradient));
    if (w->code_gradient)
        fc__adam_step(w->context, &adam, w->steps, w->frames.count * w->decoder->config.codes,
                      w->code_gradient, w->code_first, w->code_second, w->codes);
    fc__adam_step(w->context, &adam, w->steps, count, w->gradient, w->first, w->second,
                  w->decoder->parameters);
    w->steps++;
done:
    return status;
}

/* README.md, "train-decoder" */
static double shared_flops(const fc_decoder_config *config, size_t points, double frames,
                           size_t moments)
{
    double codes = (double)config->codes, values = (double)(points * config->channels);
    double rank = (double)moments;
    if (moments)
        return 3.0 * bench_basis_flops(config, points) + 4.0 * values * rank * codes +
               9.0 * values * codes * codes;
    double reduced = 4.0 * frames * values * codes;
    double squares = 4.0 * values * codes * codes + 4.0 * frames * codes * codes;
    return 3.0 * bench_basis_flops(config, points) + reduced + squares;
}

double bench_scattered_flops(const fc_decoder_config *config, size_t points, double frames)
{
    double width = 2.0 * (double)config->filters, layers = (double)config->layers;
    double codes = (double)config->codes, values = frames * (double)(points * config->channels);
    return values * (6.0 * layers * width * width + 6.0 * (layers + 1.0) * width) +
           frames * (double)config->channels * 6.0 * (layers + 1.0) * width * codes;
}

static double solving_flops(const fc_decoder_config *config, size_t points, double frames)
{
    double codes = (double)config->codes, values = frames * (double)(points * config->channels);
    double basis = bench_basis_flops(config, points) + codes * codes * codes / 3.0;
    return frames * basis + values * codes * (codes + 1.0) + 2.0 * values * codes;
}

fc_status bench_run_train_decoder(bench *b, const bench_case *which, const bench_problem *problem)
{
    fc_status status = FC_OK;
    bool scattered =
        which->variant == BENCH_SCATTERED_ADAM || which->variant == BENCH_SCATTERED_SOLVED;
    bool solved = which->variant == BENCH_SHARED_SOLVED || which->variant == BENCH_SCATTERED_SOLVED;
    const fc_decoder_config *config = &problem->model->decoder->config;
    size_t points = problem->grid.count;
    double frames = (double)(scattered ? problem->size->scattered_frames : problem->size->frames);
    double values = frames * (double)(points * config->channels);
    double coordinates = scattered ? 16.0 * frames * (double)points : 0.0;
    bench_result result = {.name = which->name, .size = problem->size->name, .unit = "values/s"};
    work w = {0};
    if (!bench_fits(which->name, problem->size->name, 4.0 * values + coordinates))
        return FC_OK;
    FC_TRY(work_create(b, problem, scattered, solved ? FC__CODES_SOLVED : FC__CODES_ADAM, &w));
    size_t moments = fc__fit_pass_moments_rank(w.pass);
    FC_TRY(bench_time(b->context, b->repeats, NULL, epoch, &w, &result.time));
    result.amount = values;
    result.flops = scattered ? bench_scattered_flops(config, points, frames)
                             : shared_flops(config, points, frames, moments);
    if (scattered && solved)
        result.flops += solving_flops(config, points, frames);
    /* The covariance, or the values: twice where codes must be known before the gradient. */
    double places = (double)(points * config->channels);
    result.bytes = moments ? 8.0 * places * (double)moments
                           : 4.0 * values * (solved && !scattered ? 2.0 : 1.0) + coordinates;
    snprintf(result.note, sizeof result.note,
             "%.0f frames of %zu %s points, %s codes%s; loss %.3e; prepared once in %.2f s", frames,
             points, scattered ? "other" : "shared", solved ? "solved" : "Adam's",
             moments ? ", by moments" : "", w.loss, w.preparation);
    snprintf(result.keys, sizeof result.keys, ", \"preparation\": %.3e, \"rank\": %zu",
             w.preparation, moments);
    FC_TRY(bench_keep(b, &result));
done:
    work_clear(&w);
    return status;
}
