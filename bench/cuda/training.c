/* Case train-decoder: a step of auto-decoding on frames that differ in their points, through the
 * engine's steps of decoder training. */
#include "bench/cuda/cuda.h"
#include "inr/fit_pass.h"

#include <math.h>
#include <stdlib.h>

enum { COMPARED = 2 }; /* frames of the gradient that is compared */

typedef struct work {
    bench_cuda_run *run;
    const fc__fit_steps *steps;
    fc_decoder *decoder;
    fc_dataset *dataset;
    fc__frames frames;
    float *codes;   /* (frames, C) */
    size_t *chosen; /* (frames) all of them */
    void *fit;
    uint64_t step;
} work;

static void work_clear(work *w)
{
    if (w->fit)
        w->steps->destroy(w->fit);
    fc__frames_clear(&w->frames);
    fc_dataset_destroy(w->dataset);
    fc_decoder_destroy(w->decoder);
    free(w->codes);
    free(w->chosen);
}

static fc_status work_create(work *w, const bench_size *size)
{
    fc_status status = FC_OK;
    bench_cuda_run *b = w->run;
    w->steps = &b->engine->decoder->fit;
    if (!w->steps->create)
        return fc__fail(b->context, FC_ERROR_DEVICE, "the engine has no steps of decoder training");
    FC_TRY(bench_decoder_create(b->plain, size, FC_FILTER_TRAINABLE, &w->decoder));
    const fc_domain *domain = &w->decoder->domain;
    FC_TRY(bench_frames_create(b->plain, domain, size, true, &w->dataset));
    FC_TRY(fc__frames_select(b->plain, w->dataset, 0, NULL, false, &w->frames));
    FC_NEW(b->context, &w->codes, fc__product(w->frames.count, size->codes));
    FC_NEW(b->context, &w->chosen, w->frames.count);
    fc__rng rng = fc__rng_create(7, 0);
    for (size_t i = 0; i < w->frames.count * size->codes; i++)
        w->codes[i] = (float)fc__rng_normal(&rng);
    for (size_t f = 0; f < w->frames.count; f++)
        w->chosen[f] = f;
    FC_TRY(w->steps->create(b->engine->device, b->context, w->decoder, &w->frames, FC__CODES_ADAM,
                            w->codes, &w->fit));
    if (!w->fit)
        return fc__fail(b->context, FC_ERROR_DEVICE, "the engine does not take this decoder");
done:
    return status;
}

static fc_status step(void *user)
{
    fc_status status = FC_OK;
    work *w = user;
    const fc__adam weights = {.rate = 1e-4, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8};
    const fc__adam codes = {.rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    fc_context *context = w->run->context;
    FC_TRY(w->steps->differentiate(w->fit, context, w->frames.count, w->chosen, 0, 1));
    FC_TRY(w->steps->step(w->fit, context, w->step++, &weights, &codes));
done:
    return status;
}

/* The gradient of a few frames, before any step, beside the processor's. */
static fc_status compare(work *w, double *error)
{
    fc_status status = FC_OK;
    bench_cuda_run *b = w->run;
    size_t count = w->decoder->parameter_count, codes = w->decoder->config.codes;
    float *device = NULL, *processor = NULL, *code_gradient = NULL;
    double *a = NULL, *v = NULL, loss;
    fc__fit_pass *pass = NULL;
    FC_NEW(b->context, &device, count);
    FC_NEW(b->context, &processor, count);
    FC_NEW(b->context, &code_gradient, COMPARED * codes);
    FC_NEW(b->context, &a, count);
    FC_NEW(b->context, &v, count);
    FC_TRY(w->steps->differentiate(w->fit, b->context, COMPARED, w->chosen, 0, 1));
    FC_TRY(w->steps->read(w->fit, b->context, device, NULL, NULL));
    FC_TRY(fc__fit_pass_create(b->plain, w->decoder, &w->frames, FC__CODES_ADAM, &pass));
    FC_TRY(fc__fit_pass_run(b->plain, pass, COMPARED, w->chosen, w->codes, code_gradient, &loss,
                            processor));
    for (size_t i = 0; i < count; i++) {
        a[i] = (double)device[i];
        v[i] = (double)processor[i];
    }
    *error = bench_difference(count, a, v);
done:
    fc__fit_pass_destroy(pass);
    free(device);
    free(processor);
    free(code_gradient);
    free(a);
    free(v);
    return status;
}

fc_status bench_cuda_train_decoder(bench_cuda_run *b)
{
    fc_status status = FC_OK;
    bench_size size = {.name = "train-decoder",
                       .grid = {128, 64},
                       .channels = 1,
                       .filters = 128,
                       .layers = 6,
                       .codes = 200};
    size.grid[0] = bench_cuda_size(b, size.grid[0], 4);
    size.scattered_frames = bench_cuda_size(b, 64, COMPARED);
    work w = {.run = b};
    double loss;
    bench_cuda_result result = {
        .name = "train-decoder", .unit = "steps/s", .amount = 1.0, .memory = BENCH_COPY};
    FC_TRY(work_create(&w, &size));
    FC_TRY(compare(&w, &result.error));
    FC_TRY(bench_cuda_time(b, NULL, step, &w, &result.time));
    FC_TRY(w.steps->loss(w.fit, b->context, &loss));
    if (!isfinite(loss))
        FC_TRY(fc__fail(b->context, FC_ERROR_DEVICE, "the loss is %g after %zu steps", loss,
                        (size_t)w.step));
    double frames = (double)w.frames.count, points = (double)(size.grid[0] * size.grid[1]);
    result.flops = bench_scattered_flops(&w.decoder->config, size.grid[0] * size.grid[1], frames);
    result.bytes = frames * points * 20.0; /* values and coordinates */
    snprintf(result.note, sizeof result.note,
             "%.0f frames of %.0f other points, width %zu, %zu layers, C = %zu; loss %.3e", frames,
             points, 2 * size.filters, size.layers, size.codes, loss);
    snprintf(result.keys, sizeof result.keys, ", \"frames\": %.0f, \"points\": %.0f", frames,
             points);
    bench_cuda_print(b, &result);
done:
    work_clear(&w);
    return status;
}
