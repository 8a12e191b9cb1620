/* solvers MODEL DATA: whether the learned field is a true ODE. Forecasts every sequence of DATA
 * from its fully observed first frame with several integrators and prints the error of each, the
 * distances between them as shares of that error, and the error at whole frames of the training
 * interval and between them. */
#include "io/io.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench {
    fc_context *context;
    fc_model *model;
    fc_dataset *data;
    size_t sequences, frames, codes;
    double *times; /* (frames) model time */
    double *truth; /* (sequences, frames, C): codes of the fully observed frames */
} bench;

static void stop(const bench *b, const char *what)
{
    fprintf(stderr, "solvers: %s: %s\n", what, fc_context_message(b->context));
    exit(1);
}

/* Codes of every frame, all points observed. */
static void encode_truth(bench *b)
{
    for (size_t s = 0; s < b->sequences; s++) {
        for (size_t f = 0; f < b->frames; f++) {
            const fc_frame *frame = &b->data->sequences[s].frames[f];
            const fc_points *points = &b->data->points[frame->points];
            if (fc_model_encode(b->context, b->model, frame->time, points->count,
                                points->coordinates, frame->values,
                                b->truth + (s * b->frames + f) * b->codes, NULL) != FC_OK)
                stop(b, "encoding");
        }
    }
}

static void by_cvode(const bench *b, double rtol, double *z)
{
    fc_integrator_config config = fc_integrator_config_default();
    config.rtol = rtol;
    config.atol = 0.1 * rtol;
    size_t *counts = calloc(b->sequences, sizeof *counts);
    double *z0 = calloc(b->sequences * b->codes, sizeof *z0);
    double **out = calloc(b->sequences, sizeof *out);
    const double **times = calloc(b->sequences, sizeof *times);
    fc_integration *runs = calloc(b->sequences, sizeof *runs);
    double evaluations = 0.0;
    if (!counts || !z0 || !out || !times || !runs)
        exit(1);
    for (size_t s = 0; s < b->sequences; s++) {
        counts[s] = b->frames;
        times[s] = b->times;
        out[s] = z + s * b->frames * b->codes;
        memcpy(z0 + s * b->codes, b->truth + s * b->frames * b->codes, b->codes * sizeof *z0);
    }
    if (fc_integrate(b->context, b->model->field, &config, b->sequences, z0, counts, times, out,
                     runs) != FC_OK)
        stop(b, "CVODE");
    for (size_t s = 0; s < b->sequences; s++)
        evaluations += (double)runs[s].evaluations / (double)b->sequences;
    printf("CVODE rtol %-8g %6.1f evaluations a unit of time\n", rtol,
           evaluations / b->times[b->frames - 1]);
    free(counts);
    free(z0);
    free(out);
    free((void *)times);
    free(runs);
}

/* RK4 with a given number of steps a unit of model time. */
static void by_rk4(const bench *b, double steps, double *z)
{
    fc_rk_plan plan = {.field = b->model->field->config,
                       .scheme = FC_RK_RK4,
                       .substeps = (size_t)lround(steps * b->times[1]),
                       .intervals = b->frames - 1,
                       .batch = 1};
    plan.substeps = plan.substeps ? plan.substeps : 1;
    float *dt = calloc(b->frames, sizeof *dt), *z0 = calloc(b->codes, sizeof *z0);
    float *out = calloc(b->frames * b->codes, sizeof *out);
    float *work = calloc(fc_rk_work_size(&plan), sizeof *work);
    if (!dt || !z0 || !out || !work)
        exit(1);
    for (size_t f = 0; f + 1 < b->frames; f++)
        dt[f] = (float)(b->times[f + 1] - b->times[f]);
    for (size_t s = 0; s < b->sequences; s++) {
        double *to = z + s * b->frames * b->codes;
        memcpy(to, b->truth + s * b->frames * b->codes, b->codes * sizeof *to);
        for (size_t i = 0; i < b->codes; i++)
            z0[i] = (float)to[i];
        fc_rk_forward(&plan, b->model->field->parameters, dt, z0, out, NULL, work);
        for (size_t i = 0; i < (b->frames - 1) * b->codes; i++)
            to[b->codes + i] = (double)out[i];
    }
    free(dt);
    free(z0);
    free(out);
    free(work);
}

/* Mean squared distance of codes after the first frame; at whole units of time, between, or both.
 */
static double distance(const bench *b, const double *x, const double *y, int whole)
{
    double sum = 0.0, number = 0.0;
    for (size_t s = 0; s < b->sequences; s++) {
        for (size_t f = 1; f < b->frames; f++) {
            bool on = fabs(b->times[f] - round(b->times[f])) < 1e-6;
            for (size_t i = 0; i < b->codes && (whole < 0 || on == (whole == 1)); i++) {
                size_t at = (s * b->frames + f) * b->codes + i;
                sum += (x[at] - y[at]) * (x[at] - y[at]);
                number += 1.0;
            }
        }
    }
    return sum / number;
}

static void *zeros(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        exit(1);
    return memory;
}

static void prepare(bench *b, const char *model, const char *data)
{
    fc_read_config all = {0};
    bool unfinished;
    if (fc_model_read(b->context, model, &b->model, NULL, &unfinished) != FC_OK ||
        fc_dataset_read(b->context, data, &all, &b->data) != FC_OK ||
        fc_model_check_dataset(b->context, b->model, b->data, data) != FC_OK)
        stop(b, "reading");
    b->sequences = b->data->sequence_count;
    b->frames = b->data->sequences[0].frame_count;
    b->codes = b->model->decoder->config.codes;
    b->times = zeros(b->frames, sizeof *b->times);
    b->truth = zeros(b->sequences * b->frames * b->codes, sizeof *b->truth);
    const fc_frame *frames = b->data->sequences[0].frames;
    for (size_t f = 0; f < b->frames; f++)
        b->times[f] = (frames[f].time - frames[0].time) / b->model->time_scale;
    encode_truth(b);
}

static void report(const bench *b, double *const z[4])
{
    static const char *const names[] = {"CVODE rtol 1e-5", "CVODE rtol 1e-8", "RK4, 1/8 frame",
                                        "RK4, 1/2 frame (training)"};
    double error = distance(b, z[1], b->truth, -1);
    printf("%-28s %12s %22s\n", "", "code MSE", "distance to CVODE 1e-8");
    for (int k = 0; k < 4; k++)
        printf("%-28s %12.4e %20.2f %%\n", names[k], distance(b, z[k], b->truth, -1),
               100.0 * sqrt(distance(b, z[k], z[1], -1) / error));
    double whole = distance(b, z[1], b->truth, 1), between = distance(b, z[1], b->truth, 0);
    printf("whole frames %.4e, between %.4e, ratio %.3f\n", whole, between, between / whole);
}

int main(int count, char **arguments)
{
    bench b = {0};
    double *z[4];
    if (count != 3 || fc_context_create(0, &b.context) != FC_OK) {
        fprintf(stderr, "usage: solvers MODEL DATA\n");
        return 2;
    }
    prepare(&b, arguments[1], arguments[2]);
    for (int k = 0; k < 4; k++)
        z[k] = zeros(b.sequences * b.frames * b.codes, sizeof *z[k]);
    by_cvode(&b, 1e-5, z[0]);
    by_cvode(&b, 1e-8, z[1]);
    by_rk4(&b, 8.0, z[2]);
    by_rk4(&b, 2.0, z[3]);
    report(&b, z);
    for (int k = 0; k < 4; k++)
        free(z[k]);
    free(b.times);
    free(b.truth);
    fc_model_destroy(b.model);
    fc_dataset_destroy(b.data);
    fc_context_destroy(b.context);
    return 0;
}
