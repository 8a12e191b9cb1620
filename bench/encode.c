/* encode MODEL DATA: time and error of the closed-form encoding on points seen before, one thread,
 * beside 300 Adam steps on the code as DINo takes them (rate 1e-2 from zero, best iterate kept) on
 * the same basis. Errors are of the encoded frames at all points, normalised units. */
#include "io/io.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAMES = 64, REPEATS = 21, STEPS = 300 };

typedef struct problem {
    size_t values, codes;
    float *phi0, *phi; /* (values), (values, C) */
    double *noise;     /* (values) */
    float *y;          /* (FRAMES, values) */
} problem;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* residual (values) = phi0 + Phi z - y; returns its mean square */
static double residual(const problem *p, const float *y, const float *z, float *r)
{
    double sum = 0.0;
    for (size_t i = 0; i < p->values; i++) {
        float u = p->phi0[i] - y[i];
        for (size_t c = 0; c < p->codes; c++)
            u += p->phi[i * p->codes + c] * z[c];
        r[i] = u;
        sum += (double)u * (double)u;
    }
    return sum / (double)p->values;
}

/* Lowest mean squared error of the iterates. */
static double adam(const problem *p, const float *y, float *r)
{
    float z[4096] = {0}, first[4096] = {0}, second[4096] = {0}, gradient[4096];
    double best = INFINITY;
    for (int step = 1; step <= STEPS + 1; step++) {
        best = fmin(best, residual(p, y, z, r));
        memset(gradient, 0, p->codes * sizeof *gradient);
        for (size_t i = 0; i < p->values; i++)
            for (size_t c = 0; c < p->codes; c++)
                gradient[c] += 2.0f / (float)p->values * r[i] * p->phi[i * p->codes + c];
        for (size_t c = 0; c < p->codes; c++) {
            first[c] = 0.9f * first[c] + 0.1f * gradient[c];
            second[c] = 0.999f * second[c] + 0.001f * gradient[c] * gradient[c];
            double rate = 1e-2 / (1.0 - pow(0.9, step));
            z[c] -= (float)(rate * (double)first[c] /
                            (sqrt((double)second[c] / (1.0 - pow(0.999, step))) + 1e-8));
        }
    }
    return best;
}

static void check(fc_context *context, fc_status status)
{
    if (status == FC_OK)
        return;
    fprintf(stderr, "encode: %s\n", fc_context_message(context));
    exit(1);
}

/* Basis at the points of the first frame, and the first frames of as many sequences on them. */
static void prepare(fc_context *context, const fc_model *model, const fc_dataset *data, problem *p)
{
    const fc_points *points = &data->points[data->sequences[0].frames[0].points];
    size_t channels = model->channel_count;
    p->codes = model->decoder->config.codes;
    p->values = points->count * channels;
    p->phi0 = calloc(p->values, sizeof *p->phi0);
    p->phi = calloc(p->values * p->codes, sizeof *p->phi);
    p->noise = calloc(p->values, sizeof *p->noise);
    p->y = calloc(FRAMES * p->values, sizeof *p->y);
    if (!p->phi0 || !p->phi || !p->noise || !p->y || p->codes > 4096)
        exit(1);
    check(context, fc_decoder_basis(context, model->decoder, points->count, points->coordinates,
                                    p->phi0, p->phi));
    for (size_t i = 0; i < p->values; i++)
        p->noise[i] = model->noise[i % channels];
    for (size_t f = 0; f < FRAMES; f++) {
        const fc_sequence *sequence = &data->sequences[f % data->sequence_count];
        const fc_frame *frame = &sequence->frames[f / data->sequence_count % sequence->frame_count];
        for (size_t i = 0; i < p->values; i++)
            p->y[f * p->values + i] =
                (float)(((double)frame->values[i] - model->mean[i % channels]) /
                        model->scale[i % channels]);
    }
}

/* Median seconds a frame when `batch` frames are encoded by one call; z (FRAMES, C). */
static double time_encoding(fc_context *context, const fc_posterior *posterior, const problem *p,
                            size_t batch, double *z)
{
    double times[REPEATS];
    for (int r = 0; r < REPEATS; r++) {
        double start = seconds();
        for (size_t f = 0; f < FRAMES; f += batch)
            check(context, fc_posterior_encode(context, posterior, batch, p->y + f * p->values,
                                               z + f * p->codes));
        times[r] = (seconds() - start) / FRAMES;
    }
    qsort(times, REPEATS, sizeof *times, ascending);
    return times[REPEATS / 2];
}

/* Prints times and errors of both ways. */
static void compare(fc_context *context, const fc_model *model, const problem *p)
{
    fc_posterior *posterior;
    double *z = calloc(FRAMES * p->codes, sizeof *z), worst = 0.0, sums[2] = {0};
    float *r = calloc(p->values, sizeof *r), *zf = calloc(p->codes, sizeof *zf);
    check(context, fc_posterior_create(context, model->prior, p->values, p->phi0, p->phi, p->noise,
                                       FC_POSTERIOR_AUTO, &posterior));
    double one = time_encoding(context, posterior, p, 1, z);
    double many = time_encoding(context, posterior, p, FRAMES, z), start = seconds();
    for (size_t f = 0; f < FRAMES; f++) {
        for (size_t c = 0; c < p->codes; c++)
            zf[c] = (float)z[f * p->codes + c];
        double own = residual(p, p->y + f * p->values, zf, r);
        double searched = adam(p, p->y + f * p->values, r);
        worst = fmax(worst, own / searched);
        sums[0] += own / FRAMES;
        sums[1] += searched / FRAMES;
    }
    double slow = (seconds() - start) / FRAMES;
    printf("%zu values, C = %zu, one thread, median of %d over %d frames\n", p->values, p->codes,
           REPEATS, FRAMES);
    printf("closed form  %.4f ms a frame, %.4f ms in one call; MSE %.3e\n", 1e3 * one, 1e3 * many,
           sums[0]);
    printf("%d Adam steps %.2f ms a frame; MSE %.3e; worst ratio closed / Adam %.4f\n", STEPS,
           1e3 * slow, sums[1], worst);
    free(z);
    free(r);
    free(zf);
    fc_posterior_destroy(posterior);
}

static void problem_clear(problem *p)
{
    free(p->phi0);
    free(p->phi);
    free(p->noise);
    free(p->y);
}

int main(int count, char **arguments)
{
    fc_context *context;
    fc_model *model;
    fc_dataset *data;
    fc_read_config all = {0};
    problem p;
    bool unfinished;
    if (count != 3 || fc_context_create(1, &context) != FC_OK) {
        fprintf(stderr, "usage: encode MODEL DATA\n");
        return 2;
    }
    check(context, fc_model_read(context, arguments[1], &model, NULL, &unfinished));
    check(context, fc_dataset_read(context, arguments[2], &all, &data));
    check(context, fc_model_check_dataset(context, model, data, arguments[2]));
    prepare(context, model, data, &p);
    compare(context, model, &p);
    problem_clear(&p);
    fc_model_destroy(model);
    fc_dataset_destroy(data);
    fc_context_destroy(context);
    return 0;
}
