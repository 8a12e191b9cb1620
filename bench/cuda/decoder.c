/* Cases decode and basis: everything stays on the device. */
#include "bench/cuda/cuda.h"
#include "cuda/fields.h"
#include "cuda/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    STRIP = 64,
    STRIPS = 3
}; /* points whose results are compared, at the start, in the middle
      and at the end */

typedef struct work {
    bench_cuda_run *run;
    fc_decoder *decoder;
    size_t points, frames;
    double *x; /* (points, 2) */
    float *z;  /* (frames, C) */
    fc__cuda_network *network;
    double *coordinates;                          /* x, device */
    float *codes, *phi0, *phi, *fields, *scratch; /* z; the basis; (frames, points); device */
} work;

static void work_clear(work *w)
{
    fc__device *device = w->run->device;
    fc__cuda_network_destroy(w->network);
    fc__device_free(device, w->coordinates);
    fc__device_free(device, w->codes);
    fc__device_free(device, w->phi0);
    fc__device_free(device, w->phi);
    fc__device_free(device, w->fields);
    fc__device_free(device, w->scratch);
    fc_decoder_destroy(w->decoder);
    free(w->x);
    free(w->z);
}

/* A decoder with random weights and its basis at random points of the periodic square. */
static fc_status work_create(work *w, const bench_size *size)
{
    fc_status status = FC_OK;
    bench_cuda_run *b = w->run;
    size_t codes = size->codes;
    fc__rng rng = fc__rng_create(12, 0);
    FC_TRY(bench_decoder_create(b->plain, size, FC_FILTER_AUTO, &w->decoder));
    FC_NEW(b->context, &w->x, fc__product(w->points, 2));
    FC_NEW(b->context, &w->z, fc__product(w->frames, codes));
    for (size_t i = 0; i < 2 * w->points; i++)
        w->x[i] = fc__rng_uniform(&rng);
    for (size_t i = 0; i < w->frames * codes; i++)
        w->z[i] = (float)fc__rng_normal(&rng);
    FC_TRY(fc__cuda_network_create(b->context, b->device, w->decoder, &w->network));
    FC_DEVICE_NEW(b->context, b->device, "points", &w->coordinates, fc__product(w->points, 2));
    FC_DEVICE_NEW(b->context, b->device, "codes", &w->codes, fc__product(w->frames, codes));
    FC_DEVICE_NEW(b->context, b->device, "a mean field", &w->phi0, w->points);
    FC_DEVICE_NEW(b->context, b->device, "a basis", &w->phi, fc__product(w->points, codes));
    FC_DEVICE_NEW(b->context, b->device, "fields", &w->fields, fc__product(w->frames, w->points));
    FC_DEVICE_NEW(b->context, b->device, "scratch", &w->scratch,
                  w->frames ? fc__cuda_fields_work(codes, w->frames) : 0);
    FC_TRY(fc__device_upload(b->context, b->device, w->coordinates, w->x,
                             2 * w->points * sizeof *w->x));
    FC_TRY(
        fc__device_upload(b->context, b->device, w->codes, w->z, w->frames * codes * sizeof *w->z));
done:
    return status;
}

static size_t strip_start(const work *w, size_t strip)
{
    return strip * (w->points - STRIP) / (STRIPS - 1);
}

/* ---------------------------------------------------------------- basis */

static fc_status poison_basis(void *user)
{
    work *w = user;
    bench_cuda_run *b = w->run;
    size_t bytes = w->points * sizeof *w->phi;
    fc_status status = bench_probe_poison(b->context, b->device, w->phi0, bytes);
    return status == FC_OK
               ? bench_probe_poison(b->context, b->device, w->phi, bytes * w->decoder->config.codes)
               : status;
}

static fc_status form_basis(void *user)
{
    work *w = user;
    return fc__cuda_network_basis(w->run->context, w->network, w->points, w->coordinates, w->phi0,
                                  w->phi);
}

/* [phi0, phi] (STRIP, C + 1) of a strip, by the device and by the processor. */
static fc_status basis_strip(work *w, size_t first, double *device, double *processor)
{
    fc_status status = FC_OK;
    bench_cuda_run *b = w->run;
    size_t codes = w->decoder->config.codes;
    float *phi0 = NULL, *phi = NULL;
    FC_NEW(b->context, &phi0, STRIP);
    FC_NEW(b->context, &phi, STRIP * codes);
    for (int side = 0; side < 2; side++) {
        double *to = side == 0 ? device : processor;
        if (side == 0) {
            FC_TRY(fc__device_download(b->context, b->device, phi0, w->phi0 + first,
                                       STRIP * sizeof *phi0));
            FC_TRY(fc__device_download(b->context, b->device, phi, w->phi + first * codes,
                                       STRIP * codes * sizeof *phi));
        } else {
            FC_TRY(fc_decoder_basis(b->plain, w->decoder, STRIP, w->x + 2 * first, phi0, phi));
        }
        for (size_t p = 0; p < STRIP; p++)
            for (size_t c = 0; c <= codes; c++)
                to[p * (codes + 1) + c] = (double)(c == 0 ? phi0[p] : phi[p * codes + c - 1]);
    }
done:
    free(phi0);
    free(phi);
    return status;
}

static fc_status compare_basis(work *w, double *error)
{
    fc_status status = FC_OK;
    size_t strip = STRIP * (w->decoder->config.codes + 1);
    double *device = NULL, *processor = NULL;
    FC_NEW(w->run->context, &device, STRIPS * strip);
    FC_NEW(w->run->context, &processor, STRIPS * strip);
    for (size_t s = 0; s < STRIPS; s++)
        FC_TRY(basis_strip(w, strip_start(w, s), device + s * strip, processor + s * strip));
    *error = bench_difference(STRIPS * strip, device, processor);
done:
    free(device);
    free(processor);
    return status;
}

static fc_status measure_basis(bench_cuda_run *b, size_t width)
{
    fc_status status = FC_OK;
    const bench_size size = {
        .name = "basis", .channels = 1, .filters = width / 2, .layers = 3, .codes = 100};
    work w = {.run = b, .points = bench_cuda_size(b, 10000000, STRIP)};
    bench_cuda_result result = {
        .name = "basis", .unit = "points/s", .memory = BENCH_WRITE, .error = NAN};
    FC_TRY(work_create(&w, &size));
    FC_TRY(bench_cuda_time(b, poison_basis, form_basis, &w, &result.time));
    FC_TRY(bench_cuda_check_written(b, "basis", w.points, w.phi0));
    FC_TRY(bench_cuda_check_written(b, "basis", w.points * size.codes, w.phi));
    FC_TRY(compare_basis(&w, &result.error));
    result.amount = (double)w.points;
    result.flops = bench_basis_flops(&w.decoder->config, w.points);
    result.bytes = 4.0 * (double)w.points * (double)(size.codes + 1);
    snprintf(result.note, sizeof result.note, "%zu points, width %zu, C = %zu, %zu layers",
             w.points, width, size.codes, size.layers);
    snprintf(result.keys, sizeof result.keys, ", \"points\": %zu, \"width\": %zu", w.points, width);
    bench_cuda_print(b, &result);
done:
    work_clear(&w);
    return status;
}

fc_status bench_cuda_basis(bench_cuda_run *b)
{
    fc_status status = measure_basis(b, 64);
    return status == FC_OK ? measure_basis(b, 256) : status;
}

/* ---------------------------------------------------------------- decode */

static fc_status poison_fields(void *user)
{
    work *w = user;
    return bench_probe_poison(w->run->context, w->run->device, w->fields,
                              w->frames * w->points * sizeof *w->fields);
}

static fc_status form_fields(void *user)
{
    work *w = user;
    return fc__cuda_fields(w->run->context, w->run->device, w->points, w->decoder->config.codes, 1,
                           w->frames, w->phi0, w->phi, w->codes, NULL, NULL, w->scratch, w->fields);
}

/* Strips of the first, a middle and the last frame, against the layers of the decoder. */
static fc_status compare_fields(work *w, double *error)
{
    fc_status status = FC_OK;
    bench_cuda_run *b = w->run;
    size_t codes = w->decoder->config.codes;
    float device[STRIP], processor[STRIP];
    double *a = NULL, *v = NULL;
    FC_NEW(b->context, &a, STRIPS * STRIPS * STRIP);
    FC_NEW(b->context, &v, STRIPS * STRIPS * STRIP);
    for (size_t i = 0; i < STRIPS * STRIPS; i++) {
        size_t first = strip_start(w, i % STRIPS);
        size_t frame = i / STRIPS * (w->frames - 1) / (STRIPS - 1);
        FC_TRY(fc__device_download(b->context, b->device, device,
                                   w->fields + frame * w->points + first, sizeof device));
        FC_TRY(fc_decoder_values(b->plain, w->decoder, STRIP, w->x + 2 * first, 1,
                                 w->z + frame * codes, processor));
        for (size_t p = 0; p < STRIP; p++) {
            a[i * STRIP + p] = (double)device[p];
            v[i * STRIP + p] = (double)processor[p];
        }
    }
    *error = bench_difference(STRIPS * STRIPS * STRIP, a, v);
done:
    free(a);
    free(v);
    return status;
}

fc_status bench_cuda_decode(bench_cuda_run *b)
{
    fc_status status = FC_OK;
    const bench_size size = {
        .name = "decode", .channels = 1, .filters = 32, .layers = 3, .codes = 128};
    work w = {.run = b, .points = bench_cuda_size(b, 1 << 20, STRIP), .frames = 1024};
    bench_cuda_result result = {.name = "decode", .unit = "values/s", .memory = BENCH_WRITE};
    FC_TRY(work_create(&w, &size));
    FC_TRY(form_basis(&w));
    FC_TRY(bench_cuda_time(b, poison_fields, form_fields, &w, &result.time));
    FC_TRY(bench_cuda_check_written(b, "decode", w.frames * w.points, w.fields));
    FC_TRY(compare_fields(&w, &result.error));
    result.amount = (double)w.frames * (double)w.points;
    result.flops = 2.0 * result.amount * (double)size.codes;
    result.bytes = 4.0 * result.amount;
    snprintf(result.note, sizeof result.note, "%zu points x %zu frames, C = %zu, basis known",
             w.points, w.frames, size.codes);
    snprintf(result.keys, sizeof result.keys, ", \"points\": %zu, \"frames\": %zu", w.points,
             w.frames);
    bench_cuda_print(b, &result);
done:
    work_clear(&w);
    return status;
}
