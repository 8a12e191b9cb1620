/* cublas_gemm.cpp: the products of cuBLAS by OpenBLAS. */
#include <vector>

#include "blas.h"
#include "cuda_bf16.h"

using namespace emulation;

enum class rounding { none, tf32, bf16 };

static float rounded(float x, rounding to)
{
    if (to == rounding::bf16) {
        return (float)__nv_bfloat16(x);
    }
    if (to == rounding::tf32 && isfinite(x)) {
        return __uint_as_float((__float_as_uint(x) + 0x1000u) & 0xFFFFE000u);
    }
    return x;
}

/* Shape of a product; a holds rows_a() x columns_a() and so on. */
struct shape {
    cublasOperation_t op_a, op_b;
    int m, n, k, lda, ldb, ldc;

    int rows_a() const
    {
        return op_a == CUBLAS_OP_N ? m : k;
    }
    int columns_a() const
    {
        return op_a == CUBLAS_OP_N ? k : m;
    }
    int rows_b() const
    {
        return op_b == CUBLAS_OP_N ? k : n;
    }
    int columns_b() const
    {
        return op_b == CUBLAS_OP_N ? n : k;
    }
    bool valid() const
    {
        return k >= 0 && fits(rows_a(), columns_a(), lda) && fits(rows_b(), columns_b(), ldb) &&
               fits(m, n, ldc);
    }
};

template <typename From>
static std::vector<float> widen(const From *a, int rows, int columns, int ld, rounding to)
{
    std::vector<float> out((size_t)rows * (size_t)columns);
    for (int j = 0; j < columns; j++) {
        for (int i = 0; i < rows; i++) {
            float x = (float)a[(size_t)j * (size_t)ld + (size_t)i];
            out[(size_t)j * (size_t)rows + (size_t)i] = rounded(x, to);
        }
    }
    return out;
}

static void multiply(shape s, double alpha, const double *a, const double *b, double beta,
                     double *c, rounding)
{
    if (beta == 0) {
        clear(c, s.m, s.n, s.ldc);
    }
    cblas_dgemm(CblasColMajor, cblas(s.op_a), cblas(s.op_b), s.m, s.n, s.k, alpha, a, s.lda, b,
                s.ldb, beta, c, s.ldc);
}

template <typename From>
static void multiply(shape s, float alpha, const From *a, const From *b, float beta, float *c,
                     rounding to)
{
    if (beta == 0) {
        clear(c, s.m, s.n, s.ldc);
    }
    if (alpha == 0) {
        s.k = 0; /* a and b are not read */
    }
    std::vector<float> wide_a = widen(a, s.rows_a(), s.columns_a(), s.lda, to);
    std::vector<float> wide_b = widen(b, s.rows_b(), s.columns_b(), s.ldb, to);
    cblas_sgemm(CblasColMajor, cblas(s.op_a), cblas(s.op_b), s.m, s.n, s.k, alpha, wide_a.data(),
                std::max(1, s.rows_a()), wide_b.data(), std::max(1, s.rows_b()), beta, c, s.ldc);
}

static rounding rounding_of(cublasHandle_t handle)
{
    bool fast = handle && (handle->math & 7) == CUBLAS_TF32_TENSOR_OP_MATH;
    return fast ? rounding::tf32 : rounding::none;
}

struct strides {
    long long a, b, c;
};

template <typename From, typename T>
static cublasStatus_t strided(cublasHandle_t handle, shape s, const T *alpha, const From *a,
                              const From *b, const T *beta, T *c, strides by, int count,
                              rounding to)
{
    bool valid = alpha && beta && count >= 0 && s.valid();
    scalar<T> factor = read_scalar(handle, alpha), kept = read_scalar(handle, beta);
    auto operands = [&] {
        return matrix_on_device("gemm A", a, s.rows_a(), s.columns_a(), s.lda, count, by.a) &&
               matrix_on_device("gemm B", b, s.rows_b(), s.columns_b(), s.ldb, count, by.b) &&
               matrix_on_device("gemm C", c, s.m, s.n, s.ldc, count, by.c);
    };
    return run(handle, valid, operands, [=] {
        for (int i = 0; i < count; i++) {
            multiply(s, factor.get(), a + i * by.a, b + i * by.b, kept.get(), c + i * by.c, to);
        }
    });
}

template <typename T>
static cublasStatus_t batched(cublasHandle_t handle, shape s, const T *alpha, const T *const a[],
                              const T *const b[], const T *beta, T *const c[], int count)
{
    bool valid = alpha && beta && count >= 0 && s.valid();
    scalar<T> factor = read_scalar(handle, alpha), kept = read_scalar(handle, beta);
    rounding to = rounding_of(handle);
    auto operands = [&] {
        return vector_on_device("gemm pointers of A", a, count, 1) &&
               vector_on_device("gemm pointers of B", b, count, 1) &&
               vector_on_device("gemm pointers of C", c, count, 1);
    };
    return run(handle, valid, operands, [=] {
        for (int i = 0; i < count; i++) {
            require(matrix_on_device("gemm A", a[i], s.rows_a(), s.columns_a(), s.lda) &&
                    matrix_on_device("gemm B", b[i], s.rows_b(), s.columns_b(), s.ldb) &&
                    matrix_on_device("gemm C", c[i], s.m, s.n, s.ldc));
            multiply(s, factor.get(), a[i], b[i], kept.get(), c[i], to);
        }
    });
}

/* ---------------------------------------------------------------- the names of cuBLAS */

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                           int m, int n, int k, const float *alpha, const float *a, int lda,
                           const float *b, int ldb, const float *beta, float *c, int ldc)
{
    return strided(handle, {op_a, op_b, m, n, k, lda, ldb, ldc}, alpha, a, b, beta, c, {}, 1,
                   rounding_of(handle));
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t op_a,
                                         cublasOperation_t op_b, int m, int n, int k,
                                         const float *alpha, const float *a, int lda,
                                         long long stride_a, const float *b, int ldb,
                                         long long stride_b, const float *beta, float *c, int ldc,
                                         long long stride_c, int count)
{
    return strided(handle, {op_a, op_b, m, n, k, lda, ldb, ldc}, alpha, a, b, beta, c,
                   {stride_a, stride_b, stride_c}, count, rounding_of(handle));
}

cublasStatus_t cublasSgemmBatched(cublasHandle_t handle, cublasOperation_t op_a,
                                  cublasOperation_t op_b, int m, int n, int k, const float *alpha,
                                  const float *const a[], int lda, const float *const b[], int ldb,
                                  const float *beta, float *const c[], int ldc, int count)
{
    return batched(handle, {op_a, op_b, m, n, k, lda, ldb, ldc}, alpha, a, b, beta, c, count);
}

cublasStatus_t cublasDgemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                           int m, int n, int k, const double *alpha, const double *a, int lda,
                           const double *b, int ldb, const double *beta, double *c, int ldc)
{
    return strided(handle, {op_a, op_b, m, n, k, lda, ldb, ldc}, alpha, a, b, beta, c, {}, 1,
                   rounding::none);
}

cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t handle, cublasOperation_t op_a,
                                         cublasOperation_t op_b, int m, int n, int k,
                                         const double *alpha, const double *a, int lda,
                                         long long stride_a, const double *b, int ldb,
                                         long long stride_b, const double *beta, double *c, int ldc,
                                         long long stride_c, int count)
{
    return strided(handle, {op_a, op_b, m, n, k, lda, ldb, ldc}, alpha, a, b, beta, c,
                   {stride_a, stride_b, stride_c}, count, rounding::none);
}

cublasStatus_t cublasDgemmBatched(cublasHandle_t handle, cublasOperation_t op_a,
                                  cublasOperation_t op_b, int m, int n, int k, const double *alpha,
                                  const double *const a[], int lda, const double *const b[],
                                  int ldb, const double *beta, double *const c[], int ldc,
                                  int count)
{
    return batched(handle, {op_a, op_b, m, n, k, lda, ldb, ldc}, alpha, a, b, beta, c, count);
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                            int m, int n, int k, const void *alpha, const void *a,
                            cudaDataType type_a, int lda, const void *b, cudaDataType type_b,
                            int ldb, const void *beta, void *c, cudaDataType type_c, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t algorithm)
{
    return cublasGemmStridedBatchedEx(handle, op_a, op_b, m, n, k, alpha, a, type_a, lda, 0, b,
                                      type_b, ldb, 0, beta, c, type_c, ldc, 0, 1, compute,
                                      algorithm);
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t op_a,
                                          cublasOperation_t op_b, int m, int n, int k,
                                          const void *alpha, const void *a, cudaDataType type_a,
                                          int lda, long long stride_a, const void *b,
                                          cudaDataType type_b, int ldb, long long stride_b,
                                          const void *beta, void *c, cudaDataType type_c, int ldc,
                                          long long stride_c, int count,
                                          cublasComputeType_t compute, cublasGemmAlgo_t)
{
    shape s = {op_a, op_b, m, n, k, lda, ldb, ldc};
    strides by = {stride_a, stride_b, stride_c};
    bool in_double = compute == CUBLAS_COMPUTE_64F || compute == CUBLAS_COMPUTE_64F_PEDANTIC;
    bool to_tf32 = compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
                   (compute == CUBLAS_COMPUTE_32F && rounding_of(handle) == rounding::tf32);
    rounding to = to_tf32                                   ? rounding::tf32
                  : compute == CUBLAS_COMPUTE_32F_FAST_16BF ? rounding::bf16
                                                            : rounding::none;
    if (type_a != type_b || type_c != (in_double ? CUDA_R_64F : CUDA_R_32F)) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (type_a == CUDA_R_64F && in_double) {
        return strided(handle, s, (const double *)alpha, (const double *)a, (const double *)b,
                       (const double *)beta, (double *)c, by, count, to);
    }
    if (type_a == CUDA_R_32F && !in_double) {
        return strided(handle, s, (const float *)alpha, (const float *)a, (const float *)b,
                       (const float *)beta, (float *)c, by, count, to);
    }
    if (type_a == CUDA_R_16BF && !in_double) {
        return strided(handle, s, (const float *)alpha, (const __nv_bfloat16 *)a,
                       (const __nv_bfloat16 *)b, (const float *)beta, (float *)c, by, count,
                       rounding::none);
    }
    return CUBLAS_STATUS_NOT_SUPPORTED;
}
