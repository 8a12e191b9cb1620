/* blas.h: OpenBLAS under one name for float and double, and the checks of operands. */
#ifndef FC_EMULATION_BLAS_H
#define FC_EMULATION_BLAS_H

#include <algorithm>
#include <cblas.h>
#include <cstdlib>

#include "cublas_v2.h"
#include "internal.h"

struct cublasContext {
    cudaStream_t stream = nullptr;
    cublasPointerMode_t pointers = CUBLAS_POINTER_MODE_HOST;
    cublasMath_t math = CUBLAS_DEFAULT_MATH;
};

namespace emulation
{

inline CBLAS_TRANSPOSE cblas(cublasOperation_t op)
{
    return op == CUBLAS_OP_N ? CblasNoTrans : CblasTrans;
}

inline CBLAS_UPLO cblas(cublasFillMode_t fill)
{
    return fill == CUBLAS_FILL_MODE_LOWER ? CblasLower : CblasUpper;
}

inline CBLAS_SIDE cblas(cublasSideMode_t side)
{
    return side == CUBLAS_SIDE_LEFT ? CblasLeft : CblasRight;
}

inline CBLAS_DIAG cblas(cublasDiagType_t diagonal)
{
    return diagonal == CUBLAS_DIAG_UNIT ? CblasUnit : CblasNonUnit;
}

/* Matrices by columns, as cuBLAS has them. */
template <typename T> struct blas;

template <> struct blas<float> {
    static constexpr auto gemm = cblas_sgemm;
    static constexpr auto syrk = cblas_ssyrk;
    static constexpr auto gemv = cblas_sgemv;
    static constexpr auto trsm = cblas_strsm;
    static constexpr auto nrm2 = cblas_snrm2;
    static constexpr auto dot = cblas_sdot;
};

template <> struct blas<double> {
    static constexpr auto gemm = cblas_dgemm;
    static constexpr auto syrk = cblas_dsyrk;
    static constexpr auto gemv = cblas_dgemv;
    static constexpr auto trsm = cblas_dtrsm;
    static constexpr auto nrm2 = cblas_dnrm2;
    static constexpr auto dot = cblas_ddot;
};

inline bool fits(int rows, int columns, int ld)
{
    return rows >= 0 && columns >= 0 && ld >= std::max(1, rows);
}

/* Whether `count` matrices, `stride` elements apart, lie in device memory. */
template <typename T>
bool matrix_on_device(const char *what, const T *a, int rows, int columns, int ld, int count = 1,
                      long long stride = 0)
{
    if (rows <= 0 || columns <= 0 || count <= 0) {
        return true;
    }
    size_t elements = (size_t)(columns - 1) * (size_t)ld + (size_t)rows;
    return on_device(what, a, (elements + (size_t)(count - 1) * (size_t)stride) * sizeof(T));
}

/* For what only the device knows when its turn comes, where a device would stop. */
inline void require(bool on_device)
{
    if (!on_device) {
        abort();
    }
}

template <typename T> bool vector_on_device(const char *what, const T *x, int count, int step)
{
    int apart = step < 0 ? -step : step;
    return matrix_on_device(what, x, 1, count, apart);
}

/* ---------------------------------------------------------------- running */

/* A factor by pointer: read at once from the host, when its turn comes from the device. */
template <typename T> struct scalar {
    T host;
    const T *device;

    T get() const
    {
        return device ? *device : host;
    }
};

template <typename T> scalar<T> read_scalar(cublasHandle_t handle, const T *pointer)
{
    if (!handle || !pointer || handle->pointers == CUBLAS_POINTER_MODE_DEVICE) {
        return {T(), pointer};
    }
    return {*pointer, nullptr};
}

/* `operands` says whether they lie in device memory, asked only of valid sizes. */
template <typename Operands>
cublasStatus_t run(cublasHandle_t handle, bool valid, Operands operands, work body)
{
    std::lock_guard<std::recursive_mutex> guard(mutex());
    if (!handle) {
        return CUBLAS_STATUS_NOT_INITIALIZED;
    }
    if (!valid) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (failure(can_fail::yes) || !operands() || submit(handle->stream, std::move(body))) {
        return CUBLAS_STATUS_EXECUTION_FAILED;
    }
    return CUBLAS_STATUS_SUCCESS;
}

/* With beta 0 the result may hold anything before, NaN too. */
template <typename T> void clear(T *c, int rows, int columns, int ld)
{
    for (int j = 0; j < columns; j++) {
        std::fill_n(c + (size_t)j * (size_t)ld, rows, T(0));
    }
}

} // namespace emulation

#endif
