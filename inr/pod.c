/* Proper orthogonal decomposition of series coefficients in the metric of the observed points. */
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void fc__regularise(size_t n, double share, double *matrix)
{
    double trace = 0.0;
    for (size_t i = 0; i < n; i++)
        trace += matrix[i * n + i];
    for (size_t i = 0; i < n; i++)
        matrix[i * n + i] += share * trace / (double)n;
}

void fc__times_blocks(const fc_context *context, size_t blocks, size_t size, const double *matrix,
                      size_t rows, const double *x, double *y)
{
    size_t side = size / blocks;
    for (size_t k = 0; k < blocks; k++)
        fc__dgemm_parallel(context, false, false, rows, side, side, 1.0, x + k * side, size,
                           matrix + k * side * side, side, 0.0, y + k * side, size);
}

void fc__blocks_times(const fc_context *context, bool transposed, size_t blocks, size_t size,
                      const double *matrix, size_t columns, const double *x, double *y)
{
    size_t side = size / blocks;
    for (size_t k = 0; k < blocks; k++)
        fc__dgemm_parallel(context, transposed, false, side, columns, side, 1.0,
                           matrix + k * side * side, side, x + k * side * columns, columns, 0.0,
                           y + k * side * columns, columns);
}

/* Lower Cholesky factors of the metric's blocks, in place. */
static fc_status factorise(fc_context *context, size_t blocks, size_t size, double *gram)
{
    fc_status status = FC_OK;
    size_t side = size / blocks;
    for (size_t k = 0; k < blocks && status == FC_OK; k++) {
        fc__regularise(side, 1e-10, gram + k * side * side);
        status = fc__cholesky(context, "metric of the series", side, gram + k * side * side);
    }
    return status;
}

/* Keeps the modes whose variance stands above rounding, and maps them from the metric's square root
 * back to coefficients: modes = L^-T vectors. */
static fc_status keep_modes(fc_context *context, size_t blocks, size_t size, size_t available,
                            const double *values, const double *vectors, const double *factor,
                            fc__series *series)
{
    enum { MOST = 2048 };
    fc_status status = FC_OK;
    size_t count = 0, side = size / blocks;
    while (count < available && count < MOST && values[count] > 1e-13 * values[0])
        count++;
    series->size = size;
    series->count = count;
    FC_NEW(context, &series->modes, fc__product(size, count));
    FC_NEW(context, &series->variance, count);
    for (size_t j = 0; j < count; j++)
        series->variance[j] = values[j];
    for (size_t i = 0; i < size; i++)
        memcpy(series->modes + i * count, vectors + i * available, count * sizeof *vectors);
    for (size_t k = 0; k < blocks; k++)
        fc__triangular_solve(true, side, factor + k * side * side, count,
                             series->modes + k * side * count);
done:
    return status;
}

fc_status fc__series_modes(fc_context *context, size_t blocks, size_t size, double *covariance,
                           double *gram, fc__series *series)
{
    fc_status status = FC_OK;
    double *work = NULL, *values = NULL;
    FC_NEW(context, &work, fc__product(size, size));
    FC_NEW(context, &values, size);
    FC_TRY(factorise(context, blocks, size, gram));
    fc__times_blocks(context, blocks, size, gram, size, covariance, work);
    fc__blocks_times(context, true, blocks, size, gram, size, work, covariance);
    FC_TRY(fc__eigen(context, size, covariance, values, work));
    FC_TRY(keep_modes(context, blocks, size, size, values, work, gram, series));
done:
    free(work);
    free(values);
    return status;
}

fc_status fc__series_modes_of_snapshots(fc_context *context, size_t blocks, size_t size,
                                        size_t count, const double *x, double *gram,
                                        fc__series *series)
{
    fc_status status = FC_OK;
    double *scaled = NULL, *products = NULL, *values = NULL, *vectors = NULL, *modes = NULL;
    FC_NEW(context, &scaled, fc__product(count, size));
    FC_NEW(context, &products, fc__product(count, count));
    FC_NEW(context, &values, count);
    FC_NEW(context, &vectors, fc__product(count, count));
    FC_NEW(context, &modes, fc__product(size, count));
    FC_TRY(factorise(context, blocks, size, gram));
    fc__times_blocks(context, blocks, size, gram, count, x, scaled);
    fc__dgemm_parallel(context, false, true, count, count, size, 1.0 / (double)count, scaled, size,
                       scaled, size, 0.0, products, count);
    FC_TRY(fc__eigen(context, count, products, values, vectors));
    fc__dgemm_parallel(context, true, false, size, count, count, 1.0, scaled, size, vectors, count,
                       0.0, modes, count);
    for (size_t j = 0; j < count; j++) {
        double norm = sqrt((double)count * fmax(values[j], 1e-300));
        for (size_t i = 0; i < size; i++)
            modes[i * count + j] /= norm;
    }
    FC_TRY(keep_modes(context, blocks, size, count, values, modes, gram, series));
done:
    free(scaled);
    free(products);
    free(values);
    free(vectors);
    free(modes);
    return status;
}
