#include "inr/support.h"

#include <cblas.h>
#include <lapacke.h>
#include <stdlib.h>
#include <string.h>

static CBLAS_TRANSPOSE operation(bool transposed)
{
    return transposed ? CblasTrans : CblasNoTrans;
}

void fc__sgemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a,
               size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    if (m == 1 && !ta && k) /* a product would copy all of B first */
        cblas_sgemv(CblasRowMajor, operation(!tb), (int)(tb ? n : k), (int)(tb ? k : n), alpha, b,
                    (int)ldb, a, 1, beta, c, 1);
    else if (m && n)
        cblas_sgemm(CblasRowMajor, operation(ta), operation(tb), (int)m, (int)n, (int)k, alpha, a,
                    (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

void fc__dgemm(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double *a,
               size_t lda, const double *b, size_t ldb, double beta, double *c, size_t ldc)
{
    if (m == 1 && !ta && k) /* a product would copy all of B first */
        cblas_dgemv(CblasRowMajor, operation(!tb), (int)(tb ? n : k), (int)(tb ? k : n), alpha, b,
                    (int)ldb, a, 1, beta, c, 1);
    else if (m && n)
        cblas_dgemm(CblasRowMajor, operation(ta), operation(tb), (int)m, (int)n, (int)k, alpha, a,
                    (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

/* C is divided along its longer side, by the sizes alone: the BLAS rounds products of other shapes
 * otherwise, and the result must not depend on the number of threads. */
static size_t part_size(size_t longer)
{
    enum { PARTS = 8, GRAIN = 16, LEAST = 64, MOST = 512 };
    size_t size = (longer / PARTS / GRAIN + 1) * GRAIN;
    return size < LEAST ? LEAST : size > MOST ? MOST : size;
}

#define DEFINE_GEMM_PARALLEL(NAME, REAL, GEMM)                                                     \
    void NAME(const fc_context *context, bool ta, bool tb, size_t m, size_t n, size_t k,           \
              REAL alpha, const REAL *a, size_t lda, const REAL *b, size_t ldb, REAL beta,         \
              REAL *c, size_t ldc)                                                                 \
    {                                                                                              \
        size_t longer = m >= n ? m : n, size = part_size(longer),                                  \
               parts = (longer + size - 1) / size;                                                 \
        int threads = fc__threads_worth(context, fc__product(fc__product(m, n), k), parts);        \
        _Pragma("omp parallel for num_threads(threads) schedule(dynamic, 1)") for (size_t begin =  \
                                                                                       0;          \
                                                                                   begin < longer; \
                                                                                   begin += size)  \
        {                                                                                          \
            size_t part = longer - begin < size ? longer - begin : size;                           \
            if (m >= n)                                                                            \
                GEMM(ta, tb, part, n, k, alpha, a + (ta ? begin : begin * lda), lda, b, ldb, beta, \
                     c + begin * ldc, ldc);                                                        \
            else                                                                                   \
                GEMM(ta, tb, m, part, k, alpha, a, lda, b + (tb ? begin * ldb : begin), ldb, beta, \
                     c + begin, ldc);                                                              \
        }                                                                                          \
    }

DEFINE_GEMM_PARALLEL(fc__sgemm_parallel, float, fc__sgemm)
DEFINE_GEMM_PARALLEL(fc__dgemm_parallel, double, fc__dgemm)

double fc__ddot(size_t count, const double *a, const double *b)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

void fc__dsyrk(size_t n, size_t k, double alpha, const double *a, double beta, double *c)
{
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)n, (int)k, alpha, a, (int)n, beta, c,
                (int)n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            c[i * n + j] = c[j * n + i];
}

fc_status fc__cholesky(fc_context *context, const char *what, size_t n, double *a)
{
    /* Row-major lower is LAPACK's upper: calling it column-major avoids LAPACKE's copy. */
    lapack_int info = LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', (lapack_int)n, a, (lapack_int)n);
    if (info != 0)
        return fc__fail(context, FC_ERROR_SOLVER,
                        "%s: the matrix (%zu, %zu) is not positive definite at row %d", what, n, n,
                        (int)info - 1);
    for (size_t i = 0; i < n; i++)
        memset(a + i * n + i + 1, 0, (n - i - 1) * sizeof *a);
    return FC_OK;
}

void fc__triangular_solve(bool transposed, size_t n, const double *l, size_t columns, double *x)
{
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, operation(transposed), CblasNonUnit, (int)n,
                (int)columns, 1.0, l, (int)n, x, (int)columns);
}

void fc__cholesky_solve(size_t n, const double *l, size_t columns, double *x)
{
    fc__triangular_solve(false, n, l, columns, x);
    fc__triangular_solve(true, n, l, columns, x);
}

fc_status fc__eigen(fc_context *context, size_t n, double *a, double *values, double *vectors)
{
    lapack_int info =
        LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', (lapack_int)n, a, (lapack_int)n, values);
    if (info != 0)
        return fc__fail(context,
                        info == LAPACK_WORK_MEMORY_ERROR ? FC_ERROR_MEMORY : FC_ERROR_SOLVER,
                        "eigenvalues of a (%zu, %zu) matrix: LAPACK returned %d", n, n, (int)info);
    /* LAPACK: ascending, vector j in column j of a column-major matrix = row j here. */
    for (size_t i = 0; i < n / 2; i++) {
        double value = values[i];
        values[i] = values[n - 1 - i];
        values[n - 1 - i] = value;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            vectors[i * n + j] = a[(n - 1 - j) * n + i];
    return FC_OK;
}

fc_status fc__eigen_general(fc_context *context, size_t n, double *a, double *real,
                            double *imaginary, double *vectors)
{
    lapack_int size = (lapack_int)n;
    lapack_int info = LAPACKE_dgeev(LAPACK_ROW_MAJOR, 'N', 'V', size, a, size, real, imaginary,
                                    NULL, size, vectors, size);
    return info == 0
               ? FC_OK
               : fc__fail(context,
                          info == LAPACK_WORK_MEMORY_ERROR ? FC_ERROR_MEMORY : FC_ERROR_SOLVER,
                          "eigenvalues of a general (%zu, %zu) matrix: LAPACK returned %d", n, n,
                          (int)info);
}

fc_status fc__solve(fc_context *context, const char *what, size_t n, double *a, size_t columns,
                    double *x)
{
    fc_status status = FC_OK;
    lapack_int info, *pivots = NULL;
    FC_NEW(context, &pivots, n);
    info = LAPACKE_dgesv(LAPACK_ROW_MAJOR, (lapack_int)n, (lapack_int)columns, a, (lapack_int)n,
                         pivots, x, (lapack_int)columns);
    if (info != 0)
        status =
            fc__fail(context, FC_ERROR_SOLVER, "%s: the matrix (%zu, %zu) is singular", what, n, n);
done:
    free(pivots);
    return status;
}
