/* solvers MODEL DATA: whether the learned field is a true ODE. Forecasts every sequence of DATA
 * from its fully observed first frame with several integrators and prints the error of each, the
 * distances between them as shares of that error, and the error at whole frames of the training
 * interval and between them. */
#include "bench/bench.h"
#include "io/io.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct comparison {
    fc_context *context;
    fc_model *model;
    fc_dataset *data;
    size_t sequences, frames, codes;
    double *times; /* (frames) model time */
    double *truth; /* (sequences, frames, C): codes of the fully observed frames */
} comparison;

/* Codes of every frame, all points observed. */
static fc_status encode_truth(comparison *b)
{
    fc_status status = FC_OK;
    for (size_t s = 0; s < b->sequences; s++) {
        for (size_t f = 0; f < b->frames; f++) {
            const fc_frame *frame = &b->data->sequences[s].frames[f];
            const fc_points *points = &b->data->points[frame->points];
            FC_TRY(fc_model_encode(b->context, b->model, frame->time, points->count,
                                   points->coordinates, frame->values,
                                   b->truth + (s * b->frames + f) * b->codes, NULL));
        }
    }
done:
    return status;
}

static fc_status by_cvode(const comparison *b, double rtol, double *z)
{
    fc_status status = FC_OK;
    fc_integrator_config config = fc_integrator_config_default();
    size_t *counts = NULL;
    double *z0 = NULL, **out = NULL, evaluations = 0.0;
    const double **times = NULL;
    fc_integration *runs = NULL;
    config.rtol = rtol;
    config.atol = 0.1 * rtol;
    FC_NEW(b->context, &counts, b->sequences);
    FC_NEW(b->context, &z0, fc__product(b->sequences, b->codes));
    FC_NEW(b->context, &out, b->sequences);
    FC_NEW(b->context, &times, b->sequences);
    FC_NEW(b->context, &runs, b->sequences);
    for (size_t s = 0; s < b->sequences; s++) {
        counts[s] = b->frames;
        times[s] = b->times;
        out[s] = z + s * b->frames * b->codes;
        memcpy(z0 + s * b->codes, b->truth + s * b->frames * b->codes, b->codes * sizeof *z0);
    }
    FC_TRY(fc_integrate(b->context, b->model->field, &config, b->sequences, z0, counts, times, out,
                        runs));
    for (size_t s = 0; s < b->sequences; s++)
        evaluations += (double)runs[s].evaluations / (double)b->sequences;
    printf("CVODE rtol %-8g %6.1f evaluations a unit of time\n", rtol,
           evaluations / b->times[b->frames - 1]);
done:
    free(counts);
    free(z0);
    free(out);
    free((void *)times);
    free(runs);
    return status;
}

/* RK4 with a given number of steps a unit of model time. */
static fc_status by_rk4(const comparison *b, double steps, double *z)
{
    fc_status status = FC_OK;
    fc_rk_plan plan = {.field = b->model->field->config,
                       .scheme = FC_RK_RK4,
                       .substeps = (size_t)lround(steps * b->times[1]),
                       .intervals = b->frames - 1,
                       .batch = 1};
    float *dt = NULL, *z0 = NULL, *out = NULL, *work = NULL;
    plan.substeps = plan.substeps ? plan.substeps : 1;
    FC_NEW(b->context, &dt, b->frames);
    FC_NEW(b->context, &z0, b->codes);
    FC_NEW(b->context, &out, fc__product(b->frames, b->codes));
    FC_NEW(b->context, &work, fc_rk_work_size(&plan));
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
done:
    free(dt);
    free(z0);
    free(out);
    free(work);
    return status;
}

/* Mean squared distance of codes after the first frame; at whole units of time, between, or both.
 */
static double distance(const comparison *b, const double *x, const double *y, int whole)
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

static fc_status prepare(comparison *b, const char *model, const char *data)
{
    fc_status status = FC_OK;
    const fc_read_config all = {0};
    bool unfinished;
    FC_TRY(fc_model_read(b->context, model, &b->model, NULL, &unfinished));
    FC_TRY(fc_dataset_read(b->context, data, &all, &b->data));
    FC_TRY(fc_model_check_dataset(b->context, b->model, b->data, data));
    b->sequences = b->data->sequence_count;
    b->frames = b->data->sequences[0].frame_count;
    b->codes = b->model->decoder->config.codes;
    for (size_t s = 0; s < b->sequences; s++)
        if (b->data->sequences[s].frame_count != b->frames || b->frames < 2) {
            status = fc__fail(b->context, FC_ERROR_DATA,
                              "%s: sequence %zu has %zu frames; all need the same number, at least "
                              "2, for this comparison",
                              data, s, b->data->sequences[s].frame_count);
            goto done;
        }
    FC_NEW(b->context, &b->times, b->frames);
    FC_NEW(b->context, &b->truth, fc__product(fc__product(b->sequences, b->frames), b->codes));
    const fc_frame *frames = b->data->sequences[0].frames;
    for (size_t f = 0; f < b->frames; f++)
        b->times[f] = (frames[f].time - frames[0].time) / b->model->time_scale;
    FC_TRY(encode_truth(b));
done:
    return status;
}

static void report(const comparison *b, double *const z[4])
{
    static const char *const names[] = {"CVODE rtol 1e-5", "CVODE rtol 1e-8", "RK4, 1/8 frame",
                                        "RK4, 1/2 frame (training)"};
    double error = distance(b, z[1], b->truth, -1);
    printf("%-28s %12s %22s\n", "", "code MSE", "distance to CVODE 1e-8");
    for (int k = 0; k < 4; k++)
        printf("%-28s %12.4e %20.2f %%\n", names[k], distance(b, z[k], b->truth, -1),
               100.0 * sqrt(distance(b, z[k], z[1], -1) / error));
    double whole = distance(b, z[1], b->truth, 1), between = distance(b, z[1], b->truth, 0);
    if (isfinite(between)) /* NaN: the data have whole frames only */
        printf("whole frames %.4e, between %.4e, ratio %.3f\n", whole, between, between / whole);
}

fc_status bench_solvers(fc_context *context, const char *model, const char *data)
{
    fc_status status = FC_OK;
    comparison b = {.context = context};
    double *z[4] = {NULL};
    FC_TRY(prepare(&b, model, data));
    for (int k = 0; k < 4; k++)
        FC_NEW(context, &z[k], fc__product(fc__product(b.sequences, b.frames), b.codes));
    FC_TRY(by_cvode(&b, 1e-5, z[0]));
    FC_TRY(by_cvode(&b, 1e-8, z[1]));
    FC_TRY(by_rk4(&b, 8.0, z[2]));
    FC_TRY(by_rk4(&b, 2.0, z[3]));
    report(&b, z);
done:
    for (int k = 0; k < 4; k++)
        free(z[k]);
    free(b.times);
    free(b.truth);
    fc_model_destroy(b.model);
    fc_dataset_destroy(b.data);
    return status;
}
