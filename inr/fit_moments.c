/* Mean and covariance of frames observed at the same values. */
#include "inr/fit_pass_paths.h"

#include <lapacke.h>
#include <stdlib.h>
#include <string.h>

enum {
    LARGEST = 6144, /* values: a covariance of 288 MiB */
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
    free(moments->variance);
    free(moments->factor);
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

/* Rows [begin, end) of the covariance up to its diagonal. */
static fc_status form_rows(size_t begin, size_t end, size_t frames, size_t values, const float *y,
                           double *covariance)
{
    fc_status status = FC_OK;
    size_t rows = end - begin;
    float *product = NULL;
    FC_NEW(NULL, &product, fc__product(rows, end));
    for (size_t start = 0; start < frames; start += FRAMES) {
        size_t count = frames - start < FRAMES ? frames - start : FRAMES;
        fc__sgemm(true, false, rows, end, count, 1.0f, y + start * values + begin, values,
                  y + start * values, values, 0.0f, product, end);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j <= begin + i; j++)
                covariance[(begin + i) * values + j] += (double)product[i * end + j];
    }
    for (size_t i = begin; i < end; i++)
        for (size_t j = 0; j <= i; j++)
            covariance[i * values + j] /= (double)frames;
done:
    free(product);
    return status;
}

/* Lower triangle of the covariance of y (frames, values). */
static fc_status form_covariance(fc_context *context, size_t frames, size_t values, const float *y,
                                 double *covariance)
{
    fc_status status = FC_OK, *each = NULL;
    size_t blocks = (values + ROWS - 1) / ROWS;
    FC_NEW(context, &each, blocks);
    /* The last blocks, which are the longest, come first. */
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(dynamic, 1)
    for (size_t k = 0; k < blocks; k++) {
        size_t begin = (blocks - 1 - k) * ROWS;
        size_t end = begin + ROWS < values ? begin + ROWS : values;
        each[k] = form_rows(begin, end, frames, values, y, covariance);
    }
    for (size_t k = 0; k < blocks; k++)
        if (each[k] != FC_OK)
            status = fc__fail(context, each[k], "covariance of %zu values: %s", values,
                              fc_status_text(each[k]));
done:
    free(each);
    return status;
}

/* Pivoted Cholesky factorisation (Higham 2002, 10.3) until what is left of every variance is below
 * 1e-12 of their mean; S itself when that takes more than a third of its columns. */
static fc_status factorise(fc_context *context, double *covariance, fc__moments *m)
{
    fc_status status = FC_OK;
    size_t values = m->values;
    double *kept = NULL, mean = 0.0;
    lapack_int *pivot = NULL, rank = 0;
    FC_NEW(context, &pivot, values);
    FC_NEW(context, &kept, fc__product(values, values));
    memcpy(kept, covariance, values * values * sizeof *kept);
    for (size_t v = 0; v < values; v++) {
        m->variance[v] = covariance[v * (values + 1)];
        mean += m->variance[v] / (double)values;
    }
    /* Row-major lower is LAPACK's upper. */
    lapack_int info = LAPACKE_dpstrf(LAPACK_COL_MAJOR, 'U', (lapack_int)values, covariance,
                                     (lapack_int)values, pivot, &rank, 1e-12 * mean);
    m->is_factor = info >= 0 && 3 * (size_t)rank <= values;
    m->rank = m->is_factor ? (size_t)rank : values;
    FC_NEW(context, &m->factor, fc__product(values, m->rank));
    for (size_t i = 0; i < values; i++)
        for (size_t j = 0; j <= i && j < m->rank; j++)
            if (m->is_factor)
                m->factor[(size_t)(pivot[i] - 1) * m->rank + j] = (float)covariance[i * values + j];
            else
                m->factor[i * values + j] = m->factor[j * values + i] = (float)kept[i * values + j];
done:
    free(pivot);
    free(kept);
    return status;
}

fc_status fc__moments_create(fc_context *context, const fc__frames *frames, fc__moments **moments)
{
    fc_status status = FC_OK;
    fc__moments *made = NULL;
    float *y = NULL;
    double *covariance = NULL;
    *moments = NULL;
    FC_NEW(context, &made, 1);
    made->values =
        frames->dataset->points[frames->frame[0]->points].count * frames->dataset->channel_count;
    FC_NEW(context, &made->mean, made->values);
    FC_NEW(context, &made->variance, made->values);
    FC_NEW(context, &covariance, fc__product(made->values, made->values));
    FC_TRY(centre(context, frames, made, &y));
    FC_TRY(form_covariance(context, frames->count, made->values, y, covariance));
    FC_TRY(factorise(context, covariance, made));
    *moments = made;
    made = NULL;
done:
    fc__moments_destroy(made);
    free(covariance);
    free(y);
    return status;
}
