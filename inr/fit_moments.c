/* Mean and covariance of frames observed at the same values. */
#include "inr/fit_pass_paths.h"

#include <stdlib.h>
#include <string.h>

enum {
    LARGEST = 8192, /* values: a covariance of 256 MiB */
    ROWS = 256,     /* of the covariance, formed together */
    FRAMES = 512    /* that a product sums in float; their sums are added in double */
};

bool fc__moments_worth(size_t values, size_t frames)
{
    return values <= LARGEST && values < 3 * frames;
}

void fc__moments_destroy(fc__moments *moments)
{
    if (!moments)
        return;
    free(moments->mean);
    free(moments->covariance);
    free(moments);
}

/* y (frames, values) less the mean; values that are not observed are zero. */
static fc_status centre(fc_context *context, const fc__frames *frames, fc__moments *m, float **y)
{
    fc_status status = FC_OK;
    double *sum = NULL;
    size_t values = m->values;
    FC_NEW(context, y, fc__product(frames->count, values));
    FC_NEW(context, &sum, values);
    for (size_t f = 0; f < frames->count; f++)
        for (size_t v = 0; v < values; v++)
            sum[v] +=
                isnan(frames->frame[f]->values[v]) ? 0.0 : (double)frames->frame[f]->values[v];
    for (size_t v = 0; v < values; v++)
        m->mean[v] = (float)(sum[v] / (double)frames->count);
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(static)
    for (size_t f = 0; f < frames->count; f++)
        for (size_t v = 0; v < values; v++) {
            float value = frames->frame[f]->values[v];
            (*y)[f * values + v] = isnan(value) ? 0.0f : value - m->mean[v];
        }
done:
    free(sum);
    return status;
}

/* Rows [begin, end) of the covariance up to its diagonal, and their mirror image. */
static fc_status form_rows(size_t begin, size_t end, size_t frames, const float *y, fc__moments *m)
{
    fc_status status = FC_OK;
    size_t values = m->values, rows = end - begin;
    float *product = NULL;
    double *sum = NULL;
    FC_NEW(NULL, &product, fc__product(rows, end));
    FC_NEW(NULL, &sum, fc__product(rows, end));
    for (size_t start = 0; start < frames; start += FRAMES) {
        size_t count = frames - start < FRAMES ? frames - start : FRAMES;
        fc__sgemm(true, false, rows, end, count, 1.0f, y + start * values + begin, values,
                  y + start * values, values, 0.0f, product, end);
        for (size_t i = 0; i < rows * end; i++)
            sum[i] += (double)product[i];
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j <= begin + i; j++) {
            float value = (float)(sum[i * end + j] / (double)frames);
            m->covariance[(begin + i) * values + j] = value;
            m->covariance[j * values + begin + i] = value;
        }
done:
    free(product);
    free(sum);
    return status;
}

fc_status fc__moments_create(fc_context *context, const fc__frames *frames, fc__moments **moments)
{
    fc_status status = FC_OK, *each = NULL;
    fc__moments *made = NULL;
    float *y = NULL;
    *moments = NULL;
    FC_NEW(context, &made, 1);
    made->values =
        frames->dataset->points[frames->frame[0]->points].count * frames->dataset->channel_count;
    size_t values = made->values, blocks = (values + ROWS - 1) / ROWS;
    FC_NEW(context, &made->mean, values);
    FC_NEW(context, &made->covariance, fc__product(values, values));
    FC_NEW(context, &each, blocks);
    FC_TRY(centre(context, frames, made, &y));
    /* The last blocks, which are the longest, come first. */
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(dynamic, 1)
    for (size_t k = 0; k < blocks; k++) {
        size_t begin = (blocks - 1 - k) * ROWS;
        size_t end = begin + ROWS < values ? begin + ROWS : values;
        each[k] = form_rows(begin, end, frames->count, y, made);
    }
    for (size_t k = 0; k < blocks; k++)
        if (each[k] != FC_OK) {
            status = fc__fail(context, each[k], "covariance of %zu values: %s", values,
                              fc_status_text(each[k]));
            goto done;
        }
    *moments = made;
    made = NULL;
done:
    fc__moments_destroy(made);
    free(each);
    free(y);
    return status;
}
