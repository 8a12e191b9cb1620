/* Mean and covariance of frames observed at the same values. */
#include "inr/fit_pass_paths.h"

#include <lapacke.h>
#include <stdlib.h>
#include <string.h>

enum {
    LARGEST = 6144, /* values: a covariance of 288 MiB */
    ROWS = 256      /* of the covariance, formed together */
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
static fc_status centre(fc_context *context, const fc__frames *frames, fc__moments *m, double **y)
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
            (*y)[f * values + v] = isnan(value) ? 0.0 : (double)(value - m->mean[v]);
        }
done:
    free(sum);
    return status;
}

/* Rows [begin, end) of the covariance up to its diagonal (and what lies beyond it in their block).
 * In double: what a float product rounds off would pass for further columns of the factor. */
static void form_rows(size_t begin, size_t end, size_t frames, size_t values, const double *y,
                      double *covariance)
{
    fc__dgemm(true, false, end - begin, end, frames, 1.0 / (double)frames, y + begin, values, y,
              values, 0.0, covariance + begin * values, values);
}

/* Lower triangle of the covariance of y (frames, values). */
static void form_covariance(fc_context *context, size_t frames, size_t values, const double *y,
                            double *covariance)
{
    size_t blocks = (values + ROWS - 1) / ROWS;
    /* The last blocks, which are the longest, come first. */
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(dynamic, 1)
    for (size_t k = 0; k < blocks; k++) {
        size_t begin = (blocks - 1 - k) * ROWS;
        size_t end = begin + ROWS < values ? begin + ROWS : values;
        form_rows(begin, end, frames, values, y, covariance);
    }
}

/* Pivoted Cholesky factorisation (Higham 2002, 10.3) until what is left of every variance is below
 * 1e-9 of their mean; S itself when that takes more than a third of its columns. */
static fc_status factorise(fc_context *context, double *covariance, fc__moments *m)
{
    fc_status status = FC_OK;
    size_t values = m->values;
    double mean = 0.0;
    lapack_int *pivot = NULL, rank = 0;
    FC_NEW(context, &pivot, values);
    /* The factor takes the place of the lower triangle: the upper one keeps S. */
    for (size_t v = 0; v < values; v++) {
        m->variance[v] = covariance[v * (values + 1)];
        mean += m->variance[v] / (double)values;
        for (size_t j = 0; j < v; j++)
            covariance[j * values + v] = covariance[v * values + j];
    }
    /* Row-major lower is LAPACK's upper. */
    lapack_int info = LAPACKE_dpstrf(LAPACK_COL_MAJOR, 'U', (lapack_int)values, covariance,
                                     (lapack_int)values, pivot, &rank, 1e-9 * mean);
    m->is_factor = info >= 0 && 3 * (size_t)rank <= values;
    m->rank = m->is_factor ? (size_t)rank : values;
    FC_NEW(context, &m->factor, fc__product(values, m->rank));
    for (size_t i = 0; i < values; i++)
        for (size_t j = 0; j <= i && j < m->rank; j++)
            if (m->is_factor)
                m->factor[(size_t)(pivot[i] - 1) * m->rank + j] = (float)covariance[i * values + j];
            else
                m->factor[i * values + j] = m->factor[j * values + i] =
                    (float)(i == j ? m->variance[i] : covariance[j * values + i]);
done:
    free(pivot);
    return status;
}

fc_status fc__moments_create(fc_context *context, const fc__frames *frames, fc__moments **moments)
{
    fc_status status = FC_OK;
    fc__moments *made = NULL;
    double *y = NULL, *covariance = NULL;
    *moments = NULL;
    FC_NEW(context, &made, 1);
    made->values =
        frames->dataset->points[frames->frame[0]->points].count * frames->dataset->channel_count;
    FC_NEW(context, &made->mean, made->values);
    FC_NEW(context, &made->variance, made->values);
    FC_NEW(context, &covariance, fc__product(made->values, made->values));
    FC_TRY(centre(context, frames, made, &y));
    form_covariance(context, frames->count, made->values, y, covariance);
    FC_TRY(factorise(context, covariance, made));
    *moments = made;
    made = NULL;
done:
    fc__moments_destroy(made);
    free(covariance);
    free(y);
    return status;
}
