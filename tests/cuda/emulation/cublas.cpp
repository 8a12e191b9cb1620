/* cublas.cpp: handles of cuBLAS, and what it computes beside products, by OpenBLAS. */
#include "blas.h"

using namespace emulation;

/* The same for one number as result, which the host waits for. */
template <typename T, typename Operands>
static cublasStatus_t run_to_result(cublasHandle_t handle, Operands operands, T *result, work body)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    bool waits = handle && handle->pointers == CUBLAS_POINTER_MODE_HOST;
    if (waits && (forbid_in_capture() || is_capturing(handle->stream))) {
        return CUBLAS_STATUS_INTERNAL_ERROR;
    }
    cublasStatus_t status = run(
        handle, result,
        [&] { return operands() && (waits || on_device("cublas result", result, sizeof(T))); },
        std::move(body));
    if (!status && waits) {
        finish(handle->stream);
    }
    return status;
}

template <typename T>
static cublasStatus_t rank_k(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t op,
                             int n, int k, const T *alpha, const T *a, int lda, const T *beta, T *c,
                             int ldc)
{
    int rows = op == CUBLAS_OP_N ? n : k, columns = op == CUBLAS_OP_N ? k : n;
    bool valid = alpha && beta && fits(rows, columns, lda) && fits(n, n, ldc);
    scalar<T> factor = read_scalar(handle, alpha), kept = read_scalar(handle, beta);
    auto operands = [&] {
        return matrix_on_device("syrk A", a, rows, columns, lda) &&
               matrix_on_device("syrk C", c, n, n, ldc);
    };
    return run(handle, valid, operands, [=] {
        for (int j = 0; j < n && kept.get() == 0; j++) {
            int first = fill == CUBLAS_FILL_MODE_LOWER ? j : 0;
            int last = fill == CUBLAS_FILL_MODE_LOWER ? n : j + 1;
            std::fill_n(c + (size_t)j * (size_t)ldc + first, last - first, T(0));
        }
        blas<T>::syrk(CblasColMajor, cblas(fill), cblas(op), n, k, factor.get(), a, lda, kept.get(),
                      c, ldc);
    });
}

template <typename T>
static cublasStatus_t matrix_vector(cublasHandle_t handle, cublasOperation_t op, int m, int n,
                                    const T *alpha, const T *a, int lda, const T *x, int incx,
                                    const T *beta, T *y, int incy)
{
    int length_x = op == CUBLAS_OP_N ? n : m, length_y = op == CUBLAS_OP_N ? m : n;
    bool valid = alpha && beta && fits(m, n, lda) && incx != 0 && incy != 0;
    scalar<T> factor = read_scalar(handle, alpha), kept = read_scalar(handle, beta);
    auto operands = [&] {
        return matrix_on_device("gemv A", a, m, n, lda) &&
               vector_on_device("gemv x", x, length_x, incx) &&
               vector_on_device("gemv y", y, length_y, incy);
    };
    return run(handle, valid, operands, [=] {
        if (kept.get() == 0) {
            clear(y, 1, length_y, std::abs(incy));
        }
        blas<T>::gemv(CblasColMajor, cblas(op), m, n, factor.get(), a, lda, x, incx, kept.get(), y,
                      incy);
    });
}

template <typename T>
static cublasStatus_t add(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                          int m, int n, const T *alpha, const T *a, int lda, const T *beta,
                          const T *b, int ldb, T *c, int ldc)
{
    bool plain_a = op_a == CUBLAS_OP_N, plain_b = op_b == CUBLAS_OP_N;
    bool in_place_fits = (c != a || (plain_a && lda == ldc)) && (c != b || (plain_b && ldb == ldc));
    bool valid = alpha && beta && in_place_fits && fits(m, n, ldc) &&
                 fits(plain_a ? m : n, plain_a ? n : m, lda) &&
                 fits(plain_b ? m : n, plain_b ? n : m, ldb);
    scalar<T> of_a = read_scalar(handle, alpha), of_b = read_scalar(handle, beta);
    auto operands = [&] {
        bool reads_a = of_a.device || of_a.host != 0, reads_b = of_b.device || of_b.host != 0;
        return (!reads_a || matrix_on_device("geam A", a, plain_a ? m : n, plain_a ? n : m, lda)) &&
               (!reads_b || matrix_on_device("geam B", b, plain_b ? m : n, plain_b ? n : m, ldb)) &&
               matrix_on_device("geam C", c, m, n, ldc);
    };
    return run(handle, valid, operands, [=] {
        for (ptrdiff_t j = 0; j < n; j++) {
            for (ptrdiff_t i = 0; i < m; i++) {
                T sum = 0;
                sum += of_a.get() == 0 ? 0 : of_a.get() * a[plain_a ? i + j * lda : j + i * lda];
                sum += of_b.get() == 0 ? 0 : of_b.get() * b[plain_b ? i + j * ldb : j + i * ldb];
                c[i + j * ldc] = sum;
            }
        }
    });
}

template <typename T>
static cublasStatus_t scale(cublasHandle_t handle, cublasSideMode_t side, int m, int n, const T *a,
                            int lda, const T *x, int incx, T *c, int ldc)
{
    bool left = side == CUBLAS_SIDE_LEFT;
    int length = left ? m : n;
    bool valid = fits(m, n, lda) && fits(m, n, ldc);
    auto operands = [&] {
        return matrix_on_device("dgmm A", a, m, n, lda) &&
               vector_on_device("dgmm x", x, incx == 0 ? 1 : length, incx) &&
               matrix_on_device("dgmm C", c, m, n, ldc);
    };
    return run(handle, valid, operands, [=] {
        const T *first = incx < 0 ? x - (ptrdiff_t)(length - 1) * incx : x;
        for (ptrdiff_t j = 0; j < n; j++) {
            for (ptrdiff_t i = 0; i < m; i++) {
                c[i + j * ldc] = a[i + j * lda] * first[(left ? i : j) * incx];
            }
        }
    });
}

/* A triangular system: which matrix solves which. */
struct system {
    cublasSideMode_t side;
    cublasFillMode_t fill;
    cublasOperation_t op;
    cublasDiagType_t diagonal;
    int m, n, lda, ldb;

    int order() const
    {
        return side == CUBLAS_SIDE_LEFT ? m : n;
    }
    bool valid() const
    {
        return fits(order(), order(), lda) && fits(m, n, ldb);
    }
    template <typename T> void solve(T alpha, const T *a, T *b) const
    {
        blas<T>::trsm(CblasColMajor, cblas(side), cblas(fill), cblas(op), cblas(diagonal), m, n,
                      alpha, a, lda, b, ldb);
    }
};

template <typename T>
static cublasStatus_t solve(cublasHandle_t handle, struct system s, const T *alpha, const T *a,
                            T *b)
{
    bool valid = alpha && s.valid();
    scalar<T> factor = read_scalar(handle, alpha);
    auto operands = [&] {
        return matrix_on_device("trsm A", a, s.order(), s.order(), s.lda) &&
               matrix_on_device("trsm B", b, s.m, s.n, s.ldb);
    };
    return run(handle, valid, operands, [=] { s.solve(factor.get(), a, b); });
}

template <typename T>
static cublasStatus_t solve_batched(cublasHandle_t handle, struct system s, const T *alpha,
                                    const T *const a[], T *const b[], int count)
{
    bool valid = alpha && count >= 0 && s.valid();
    scalar<T> factor = read_scalar(handle, alpha);
    auto operands = [&] {
        return vector_on_device("trsm pointers of A", a, count, 1) &&
               vector_on_device("trsm pointers of B", b, count, 1);
    };
    return run(handle, valid, operands, [=] {
        for (int i = 0; i < count; i++) {
            require(matrix_on_device("trsm A", a[i], s.order(), s.order(), s.lda) &&
                    matrix_on_device("trsm B", b[i], s.m, s.n, s.ldb));
            s.solve(factor.get(), a[i], b[i]);
        }
    });
}

template <typename T>
static cublasStatus_t norm(cublasHandle_t handle, int n, const T *x, int incx, T *result)
{
    return run_to_result(
        handle, [&] { return vector_on_device("nrm2 x", x, n, incx); }, result,
        [=] { *result = n > 0 ? blas<T>::nrm2(n, x, incx) : T(0); });
}

template <typename T>
static cublasStatus_t inner(cublasHandle_t handle, int n, const T *x, int incx, const T *y,
                            int incy, T *result)
{
    return run_to_result(
        handle,
        [&] {
            return vector_on_device("dot x", x, n, incx) && vector_on_device("dot y", y, n, incy);
        },
        result, [=] { *result = n > 0 ? blas<T>::dot(n, x, incx, y, incy) : T(0); });
}

/* ---------------------------------------------------------------- handles */

cublasStatus_t cublasCreate(cublasHandle_t *handle)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    if (failure(can_fail::yes)) {
        return CUBLAS_STATUS_NOT_INITIALIZED;
    }
    *handle = new cublasContext;
    count_objects(1);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    if (!handle) {
        return CUBLAS_STATUS_NOT_INITIALIZED;
    }
    delete handle;
    count_objects(-1);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetStream(cublasHandle_t handle, cudaStream_t *stream)
{
    *stream = handle->stream;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode)
{
    handle->math = mode;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetAtomicsMode(cublasHandle_t, cublasAtomicsMode_t)
{
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetPointerMode(cublasHandle_t handle, cublasPointerMode_t mode)
{
    handle->pointers = mode;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *workspace, size_t bytes)
{
    bool valid = (uintptr_t)workspace % 256 == 0 && on_device("cublas workspace", workspace, bytes);
    return valid ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasGetVersion(cublasHandle_t, int *version)
{
    *version = 130100;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetProperty(libraryPropertyType type, int *value)
{
    *value = type == MAJOR_VERSION ? 13 : type == MINOR_VERSION ? 1 : 0;
    return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusName(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_SUCCESS:
        return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
        return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
        return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
        return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
        return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
        return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
        return "unknown cuBLAS status";
    }
}

const char *cublasGetStatusString(cublasStatus_t status)
{
    return cublasGetStatusName(status);
}

/* ---------------------------------------------------------------- the names of cuBLAS */

cublasStatus_t cublasSsyrk(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t op,
                           int n, int k, const float *alpha, const float *a, int lda,
                           const float *beta, float *c, int ldc)
{
    return rank_k(handle, fill, op, n, k, alpha, a, lda, beta, c, ldc);
}

cublasStatus_t cublasSgemv(cublasHandle_t handle, cublasOperation_t op, int m, int n,
                           const float *alpha, const float *a, int lda, const float *x, int incx,
                           const float *beta, float *y, int incy)
{
    return matrix_vector(handle, op, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

cublasStatus_t cublasSgeam(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                           int m, int n, const float *alpha, const float *a, int lda,
                           const float *beta, const float *b, int ldb, float *c, int ldc)
{
    return add(handle, op_a, op_b, m, n, alpha, a, lda, beta, b, ldb, c, ldc);
}

cublasStatus_t cublasSdgmm(cublasHandle_t handle, cublasSideMode_t side, int m, int n,
                           const float *a, int lda, const float *x, int incx, float *c, int ldc)
{
    return scale(handle, side, m, n, a, lda, x, incx, c, ldc);
}

cublasStatus_t cublasSnrm2(cublasHandle_t handle, int n, const float *x, int incx, float *result)
{
    return norm(handle, n, x, incx, result);
}

cublasStatus_t cublasSdot(cublasHandle_t handle, int n, const float *x, int incx, const float *y,
                          int incy, float *result)
{
    return inner(handle, n, x, incx, y, incy, result);
}

cublasStatus_t cublasStrsm(cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t fill,
                           cublasOperation_t op, cublasDiagType_t diagonal, int m, int n,
                           const float *alpha, const float *a, int lda, float *b, int ldb)
{
    return solve(handle, {side, fill, op, diagonal, m, n, lda, ldb}, alpha, a, b);
}

cublasStatus_t cublasStrsmBatched(cublasHandle_t handle, cublasSideMode_t side,
                                  cublasFillMode_t fill, cublasOperation_t op,
                                  cublasDiagType_t diagonal, int m, int n, const float *alpha,
                                  const float *const a[], int lda, float *const b[], int ldb,
                                  int count)
{
    return solve_batched(handle, {side, fill, op, diagonal, m, n, lda, ldb}, alpha, a, b, count);
}

cublasStatus_t cublasDsyrk(cublasHandle_t handle, cublasFillMode_t fill, cublasOperation_t op,
                           int n, int k, const double *alpha, const double *a, int lda,
                           const double *beta, double *c, int ldc)
{
    return rank_k(handle, fill, op, n, k, alpha, a, lda, beta, c, ldc);
}

cublasStatus_t cublasDgemv(cublasHandle_t handle, cublasOperation_t op, int m, int n,
                           const double *alpha, const double *a, int lda, const double *x, int incx,
                           const double *beta, double *y, int incy)
{
    return matrix_vector(handle, op, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

cublasStatus_t cublasDgeam(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                           int m, int n, const double *alpha, const double *a, int lda,
                           const double *beta, const double *b, int ldb, double *c, int ldc)
{
    return add(handle, op_a, op_b, m, n, alpha, a, lda, beta, b, ldb, c, ldc);
}

cublasStatus_t cublasDdgmm(cublasHandle_t handle, cublasSideMode_t side, int m, int n,
                           const double *a, int lda, const double *x, int incx, double *c, int ldc)
{
    return scale(handle, side, m, n, a, lda, x, incx, c, ldc);
}

cublasStatus_t cublasDnrm2(cublasHandle_t handle, int n, const double *x, int incx, double *result)
{
    return norm(handle, n, x, incx, result);
}

cublasStatus_t cublasDdot(cublasHandle_t handle, int n, const double *x, int incx, const double *y,
                          int incy, double *result)
{
    return inner(handle, n, x, incx, y, incy, result);
}

cublasStatus_t cublasDtrsm(cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t fill,
                           cublasOperation_t op, cublasDiagType_t diagonal, int m, int n,
                           const double *alpha, const double *a, int lda, double *b, int ldb)
{
    return solve(handle, {side, fill, op, diagonal, m, n, lda, ldb}, alpha, a, b);
}

cublasStatus_t cublasDtrsmBatched(cublasHandle_t handle, cublasSideMode_t side,
                                  cublasFillMode_t fill, cublasOperation_t op,
                                  cublasDiagType_t diagonal, int m, int n, const double *alpha,
                                  const double *const a[], int lda, double *const b[], int ldb,
                                  int count)
{
    return solve_batched(handle, {side, fill, op, diagonal, m, n, lda, ldb}, alpha, a, b, count);
}
