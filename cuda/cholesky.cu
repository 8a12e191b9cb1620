/* Cholesky factors by cuSOLVER: one call for one matrix, a batched one for many. Row-major lower is
 * its upper. */
#include "cuda/cholesky.h"
#include "cuda/device.cuh"

#include <stdlib.h>

enum { THREADS = 256, WARP = 32 };

struct fc__cuda_cholesky {
    fc__device *device;
    size_t n, most, columns;
    size_t count;     /* factored last */
    double *matrices; /* (most, n, n) */
    double **matrix;  /* (most) */
    double **left;    /* (columns): the matrices of the right sides */
    double **right;   /* (columns), or of the triangular solve (most) */
    int *info;        /* (most + 1), the last of solutions, which cannot fail */
    double *work;     /* of one factorisation */
    int work_size;
    int *host_info; /* (most) */
};

/* to[i] = base + place[i] * stride, place NULL = i */
__global__ void pointers_kernel(size_t count, size_t stride, const size_t *place, double *base,
                                double **to)
{
    size_t i = blockIdx.x * size_t{THREADS} + threadIdx.x;
    if (i < count)
        to[i] = base + (place ? place[i] : i) * stride;
}

static fc_status point(fc_context *context, const fc__cuda_cholesky *s, size_t count, size_t stride,
                       const size_t *place, double *base, double **to)
{
    return fc__launch(context, s->device, "pointers", pointers_kernel,
                      dim3(fc__blocks(count, THREADS)), dim3(THREADS), 0, count, stride, place,
                      base, to);
}

/* ---------------------------------------------------------------- life */

static fc_status set_up(fc_context *context, fc__cuda_cholesky *s)
{
    fc__device *device = s->device;
    size_t rights = s->columns > s->most ? s->columns : s->most;
    int n = static_cast<int>(s->n);
    FC_RETURN_TRY(fc__allocate(context, s->most, sizeof *s->host_info, &s->host_info));
    FC_RETURN_TRY(fc__device_allocate(context, device, "normal matrices",
                                      fc__product(s->most, fc__product(s->n, s->n)),
                                      sizeof *s->matrices, &s->matrices));
    FC_RETURN_TRY(fc__device_allocate(context, device, "pointers to normal matrices", s->most,
                                      sizeof *s->matrix, &s->matrix));
    FC_RETURN_TRY(fc__device_allocate(context, device, "pointers to normal matrices", s->columns,
                                      sizeof *s->left, &s->left));
    FC_RETURN_TRY(fc__device_allocate(context, device, "pointers to right sides", rights,
                                      sizeof *s->right, &s->right));
    FC_RETURN_TRY(fc__device_allocate(context, device, "results of factorisations", s->most + 1,
                                      sizeof *s->info, &s->info));
    FC_CUDA_TRY(context, device,
                cusolverDnDpotrf_bufferSize(device->solver, CUBLAS_FILL_MODE_UPPER, n, s->matrices,
                                            n, &s->work_size));
    FC_RETURN_TRY(fc__device_allocate(context, device, "work of a factorisation",
                                      static_cast<size_t>(s->work_size), sizeof *s->work,
                                      &s->work));
    return point(context, s, s->most, s->n * s->n, NULL, s->matrices, s->matrix);
}

fc_status fc__cuda_cholesky_create(fc_context *context, fc__device *device, size_t n, size_t most,
                                   size_t columns, fc__cuda_cholesky **cholesky)
{
    fc__cuda_cholesky *made = NULL;
    *cholesky = NULL;
    FC_RETURN_TRY(fc__allocate(context, 1, sizeof *made, &made));
    made->device = device;
    made->n = n;
    made->most = most;
    made->columns = columns;
    fc_status status = set_up(context, made);
    if (status == FC_OK)
        *cholesky = made;
    else
        fc__cuda_cholesky_destroy(made);
    return status;
}

void fc__cuda_cholesky_destroy(fc__cuda_cholesky *s)
{
    if (!s)
        return;
    fc__device_free(s->device, s->matrices);
    fc__device_free(s->device, s->matrix);
    fc__device_free(s->device, s->left);
    fc__device_free(s->device, s->right);
    fc__device_free(s->device, s->info);
    fc__device_free(s->device, s->work);
    free(s->host_info);
    free(s);
}

double *fc__cuda_cholesky_matrices(fc__cuda_cholesky *s)
{
    return s->matrices;
}

/* ---------------------------------------------------------------- factors */

fc_status fc__cuda_cholesky_factor(fc_context *context, fc__cuda_cholesky *s, size_t count)
{
    fc__device *device = s->device;
    int n = static_cast<int>(s->n);
    s->count = count;
    FC_DEVICE_USE(context, device);
    if (count == 1)
        FC_CUDA_TRY(context, device,
                    cusolverDnDpotrf(device->solver, CUBLAS_FILL_MODE_UPPER, n, s->matrices, n,
                                     s->work, s->work_size, s->info));
    else if (count > 1)
        FC_CUDA_TRY(context, device,
                    cusolverDnDpotrfBatched(device->solver, CUBLAS_FILL_MODE_UPPER, n, s->matrix, n,
                                            s->info, static_cast<int>(count)));
    return FC_OK;
}

fc_status fc__cuda_cholesky_check(fc_context *context, fc__cuda_cholesky *s, const char *what,
                                  size_t *failed)
{
    FC_RETURN_TRY(
        fc__device_download(context, s->device, s->host_info, s->info, s->count * sizeof *s->info));
    for (*failed = 0; *failed < s->count; ++*failed)
        if (s->host_info[*failed] != 0)
            return fc__fail(context, FC_ERROR_SOLVER,
                            "%s: the matrix (%zu, %zu) is not positive definite at row %d", what,
                            s->n, s->n, s->host_info[*failed] - 1);
    return FC_OK;
}

/* One warp. cuSOLVER may take a NaN for positive: it then reaches the last pivot. */
__global__ void note_kernel(size_t count, size_t n, size_t first, const int *info,
                            const double *factors, unsigned long long *failed)
{
    for (size_t start = 0; start < count && failed[0] == 0; start += WARP) {
        size_t i = start + threadIdx.x, row = 0; /* counted from 1 */
        if (i < count)
            row = info[i] != 0 ? static_cast<size_t>(info[i])
                               : (isnan(factors[(i + 1) * n * n - 1]) ? n : 0);
        unsigned some = __ballot_sync(0xffffffffu, row > 0);
        if (some == 0)
            continue;
        if (static_cast<int>(threadIdx.x) == __ffs(static_cast<int>(some)) - 1) {
            failed[0] = first + i + 1;
            failed[1] = row - 1;
        }
        return;
    }
}

fc_status fc__cuda_cholesky_note(fc_context *context, fc__cuda_cholesky *s, size_t first,
                                 unsigned long long *failed)
{
    return fc__launch(context, s->device, "failures", note_kernel, dim3(1), dim3(WARP), 0, s->count,
                      s->n, first, s->info, s->matrices, failed);
}

/* ---------------------------------------------------------------- solutions */

fc_status fc__cuda_cholesky_solve(fc_context *context, fc__cuda_cholesky *s, size_t columns,
                                  const size_t *matrix, double *x)
{
    fc__device *device = s->device;
    int n = static_cast<int>(s->n);
    if (columns == 0)
        return FC_OK;
    FC_RETURN_TRY(point(context, s, columns, s->n * s->n, matrix, s->matrices, s->left));
    FC_RETURN_TRY(point(context, s, columns, s->n, NULL, x, s->right));
    FC_CUDA_TRY(context, device,
                cusolverDnDpotrsBatched(device->solver, CUBLAS_FILL_MODE_UPPER, n, 1, s->left, n,
                                        s->right, n, s->info + s->most, static_cast<int>(columns)));
    return FC_OK;
}

fc_status fc__cuda_cholesky_solve_first(fc_context *context, fc__cuda_cholesky *s, size_t columns,
                                        double *x)
{
    fc__device *device = s->device;
    const double one = 1.0;
    const int n = static_cast<int>(s->n), count = static_cast<int>(columns);
    if (columns == 0)
        return FC_OK;
    FC_DEVICE_USE(context, device);
    for (int transposed = 1; transposed >= 0; transposed--)
        FC_CUDA_TRY(context, device,
                    cublasDtrsm(device->blas, CUBLAS_SIDE_LEFT, CUBLAS_FILL_MODE_UPPER,
                                transposed ? CUBLAS_OP_T : CUBLAS_OP_N, CUBLAS_DIAG_NON_UNIT, n,
                                count, &one, s->matrices, n, x, n));
    return FC_OK;
}

/* Row-major x = L^-1 x is column-major x^T = x^T U^-1, U = L^T. */
fc_status fc__cuda_cholesky_triangular(fc_context *context, fc__cuda_cholesky *s, double *x)
{
    fc__device *device = s->device;
    const double one = 1.0;
    const int n = static_cast<int>(s->n);
    FC_DEVICE_USE(context, device);
    if (s->count == 1) {
        FC_CUDA_TRY(context, device,
                    cublasDtrsm(device->blas, CUBLAS_SIDE_RIGHT, CUBLAS_FILL_MODE_UPPER,
                                CUBLAS_OP_N, CUBLAS_DIAG_NON_UNIT, n, n, &one, s->matrices, n, x,
                                n));
    } else if (s->count > 1) {
        FC_RETURN_TRY(point(context, s, s->count, s->n * s->n, NULL, x, s->right));
        FC_CUDA_TRY(context, device,
                    cublasDtrsmBatched(device->blas, CUBLAS_SIDE_RIGHT, CUBLAS_FILL_MODE_UPPER,
                                       CUBLAS_OP_N, CUBLAS_DIAG_NON_UNIT, n, n, &one, s->matrix, n,
                                       s->right, n, static_cast<int>(s->count)));
    }
    return FC_OK;
}
