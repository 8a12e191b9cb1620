/* cusolver.cpp: cuSOLVER by LAPACK. */
#include <lapacke.h>
#include <vector>

#include "blas.h"
#include "cusolverDn.h"

struct cusolverDnContext {
    cudaStream_t stream = nullptr;
};

using namespace emulation;

template <typename T> struct lapack;

template <> struct lapack<float> {
    static constexpr auto potrf = LAPACKE_spotrf_work;
    static constexpr auto potrs = LAPACKE_spotrs_work;
};

template <> struct lapack<double> {
    static constexpr auto potrf = LAPACKE_dpotrf_work;
    static constexpr auto potrs = LAPACKE_dpotrs_work;
};

static char letter(cublasFillMode_t fill)
{
    return fill == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U';
}

/* `operands` says whether they lie in device memory, asked only of valid sizes. */
template <typename Operands>
static cusolverStatus_t run(cusolverDnHandle_t handle, bool valid, Operands operands, work body)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    if (!handle) {
        return CUSOLVER_STATUS_NOT_INITIALIZED;
    }
    if (!valid) {
        return CUSOLVER_STATUS_INVALID_VALUE;
    }
    if (failure(can_fail::yes) || !operands() || submit(handle->stream, std::move(body))) {
        return CUSOLVER_STATUS_EXECUTION_FAILED;
    }
    return CUSOLVER_STATUS_SUCCESS;
}

/* Some size that depends on the matrix, so that a workspace of another matrix does not do. */
static int workspace_size(int n)
{
    return 64 * std::max(1, n) + 16;
}

static cusolverStatus_t tell_size(cusolverDnHandle_t handle, int n, int lda, int *size)
{
    if (!handle || !fits(n, n, lda)) {
        return handle ? CUSOLVER_STATUS_INVALID_VALUE : CUSOLVER_STATUS_NOT_INITIALIZED;
    }
    *size = workspace_size(n);
    return CUSOLVER_STATUS_SUCCESS;
}

/* A routine may leave anything in its workspace. */
template <typename T> static void use_workspace(T *workspace, int n)
{
    memset((void *)workspace, 0xFF, (size_t)workspace_size(n) * sizeof(T));
}

/* ---------------------------------------------------------------- Cholesky */

template <typename T>
static cusolverStatus_t factorize(cusolverDnHandle_t handle, cublasFillMode_t fill, int n, T *a,
                                  int lda, T *workspace, int size, int *info)
{
    bool valid = fits(n, n, lda) && size >= workspace_size(n);
    auto operands = [&] {
        return matrix_on_device("potrf A", a, n, n, lda) &&
               vector_on_device("potrf workspace", workspace, size, 1) &&
               vector_on_device("potrf info", info, 1, 1);
    };
    return run(handle, valid, operands, [=] {
        use_workspace(workspace, n);
        *info = lapack<T>::potrf(LAPACK_COL_MAJOR, letter(fill), n, a, lda);
    });
}

template <typename T>
static cusolverStatus_t factorize_batched(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                          T *a[], int lda, int *infos, int count)
{
    bool valid = fits(n, n, lda) && count >= 0;
    auto operands = [&] {
        return vector_on_device("potrf pointers of A", a, count, 1) &&
               vector_on_device("potrf infos", infos, count, 1);
    };
    return run(handle, valid, operands, [=] {
        for (int i = 0; i < count; i++) {
            require(matrix_on_device("potrf A", a[i], n, n, lda));
            infos[i] = lapack<T>::potrf(LAPACK_COL_MAJOR, letter(fill), n, a[i], lda);
        }
    });
}

template <typename T>
static cusolverStatus_t solve(cusolverDnHandle_t handle, cublasFillMode_t fill, int n, int columns,
                              const T *a, int lda, T *b, int ldb, int *info)
{
    bool valid = fits(n, n, lda) && fits(n, columns, ldb);
    auto operands = [&] {
        return matrix_on_device("potrs A", a, n, n, lda) &&
               matrix_on_device("potrs B", b, n, columns, ldb) &&
               vector_on_device("potrs info", info, 1, 1);
    };
    return run(handle, valid, operands, [=] {
        *info = lapack<T>::potrs(LAPACK_COL_MAJOR, letter(fill), n, columns, a, lda, b, ldb);
    });
}

template <typename T>
static cusolverStatus_t solve_batched(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                      int columns, T *a[], int lda, T *b[], int ldb, int *info,
                                      int count)
{
    bool valid = columns == 1 && fits(n, n, lda) && fits(n, 1, ldb) && count >= 0;
    auto operands = [&] {
        return vector_on_device("potrs pointers of A", a, count, 1) &&
               vector_on_device("potrs pointers of B", b, count, 1) &&
               vector_on_device("potrs info", info, 1, 1);
    };
    return run(handle, valid, operands, [=] {
        *info = 0;
        for (int i = 0; i < count; i++) {
            require(matrix_on_device("potrs A", a[i], n, n, lda) &&
                    matrix_on_device("potrs B", b[i], n, 1, ldb));
            lapack<T>::potrs(LAPACK_COL_MAJOR, letter(fill), n, 1, a[i], lda, b[i], ldb);
        }
    });
}

/* ---------------------------------------------------------------- handles */

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t *handle)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    if (failure(can_fail::yes)) {
        return CUSOLVER_STATUS_NOT_INITIALIZED;
    }
    *handle = new cusolverDnContext;
    count_objects(1);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    if (!handle) {
        return CUSOLVER_STATUS_NOT_INITIALIZED;
    }
    delete handle;
    count_objects(-1);
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverGetProperty(libraryPropertyType type, int *value)
{
    *value = type == MAJOR_VERSION ? 12 : 0;
    return CUSOLVER_STATUS_SUCCESS;
}

/* ---------------------------------------------------------------- the names of cuSOLVER */

cusolverStatus_t cusolverDnSpotrf_bufferSize(cusolverDnHandle_t handle, cublasFillMode_t, int n,
                                             float *, int lda, int *size)
{
    return tell_size(handle, n, lda, size);
}

cusolverStatus_t cusolverDnDpotrf_bufferSize(cusolverDnHandle_t handle, cublasFillMode_t, int n,
                                             double *, int lda, int *size)
{
    return tell_size(handle, n, lda, size);
}

cusolverStatus_t cusolverDnSpotrf(cusolverDnHandle_t handle, cublasFillMode_t fill, int n, float *a,
                                  int lda, float *workspace, int size, int *info)
{
    return factorize(handle, fill, n, a, lda, workspace, size, info);
}

cusolverStatus_t cusolverDnDpotrf(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                  double *a, int lda, double *workspace, int size, int *info)
{
    return factorize(handle, fill, n, a, lda, workspace, size, info);
}

cusolverStatus_t cusolverDnSpotrs(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                  int columns, const float *a, int lda, float *b, int ldb,
                                  int *info)
{
    return solve(handle, fill, n, columns, a, lda, b, ldb, info);
}

cusolverStatus_t cusolverDnDpotrs(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                  int columns, const double *a, int lda, double *b, int ldb,
                                  int *info)
{
    return solve(handle, fill, n, columns, a, lda, b, ldb, info);
}

cusolverStatus_t cusolverDnSpotrfBatched(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                         float *a[], int lda, int *infos, int count)
{
    return factorize_batched(handle, fill, n, a, lda, infos, count);
}

cusolverStatus_t cusolverDnDpotrfBatched(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                         double *a[], int lda, int *infos, int count)
{
    return factorize_batched(handle, fill, n, a, lda, infos, count);
}

cusolverStatus_t cusolverDnSpotrsBatched(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                         int columns, float *a[], int lda, float *b[], int ldb,
                                         int *info, int count)
{
    return solve_batched(handle, fill, n, columns, a, lda, b, ldb, info, count);
}

cusolverStatus_t cusolverDnDpotrsBatched(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                         int columns, double *a[], int lda, double *b[], int ldb,
                                         int *info, int count)
{
    return solve_batched(handle, fill, n, columns, a, lda, b, ldb, info, count);
}

/* ---------------------------------------------------------------- eigenvalues */

cusolverStatus_t cusolverDnDsyevd_bufferSize(cusolverDnHandle_t handle, cusolverEigMode_t,
                                             cublasFillMode_t, int n, const double *, int lda,
                                             const double *, int *size)
{
    return tell_size(handle, n, lda, size);
}

cusolverStatus_t cusolverDnDsyevd(cusolverDnHandle_t handle, cusolverEigMode_t mode,
                                  cublasFillMode_t fill, int n, double *a, int lda, double *values,
                                  double *workspace, int size, int *info)
{
    bool valid = fits(n, n, lda) && size >= workspace_size(n);
    auto operands = [&] {
        return matrix_on_device("syevd A", a, n, n, lda) &&
               vector_on_device("syevd values", values, n, 1) &&
               vector_on_device("syevd workspace", workspace, size, 1) &&
               vector_on_device("syevd info", info, 1, 1);
    };
    return run(handle, valid, operands, [=] {
        char job = mode == CUSOLVER_EIG_MODE_VECTOR ? 'V' : 'N';
        size_t order = (size_t)n;
        std::vector<double> own(1 + 6 * order + 2 * order * order);
        std::vector<lapack_int> own_integers(3 + 5 * order);
        use_workspace(workspace, n);
        *info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, job, letter(fill), n, a, lda, values,
                                    own.data(), (lapack_int)own.size(), own_integers.data(),
                                    (lapack_int)own_integers.size());
    });
}
