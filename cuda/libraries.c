/* cuBLAS and cuSOLVER, loaded when one of their functions is first called: a gigabyte that a
 * program on the processor neither waits for nor needs to have. Functions by the libraries' names
 * stand here and hand the call on; those of a library that cannot be loaded return that it is not
 * initialised. What a machine has is looked for as the loader does, then where it was when this was
 * built. */
#include <cublas_v2.h>
#include <cusolverDn.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>

static void *find(_Atomic(void *) *known, const char *library, const char *name)
{
    void *function = atomic_load_explicit(known, memory_order_acquire);
    if (function)
        return function;
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", FC_CUDA_FOLDER, library);
        handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    if (handle)
        function = dlsym(handle, name);
    atomic_store_explicit(known, function, memory_order_release);
    return function;
}

#define HAND_ON(library, result, missing, name, parameters, arguments)                             \
    result name parameters                                                                         \
    {                                                                                              \
        static _Atomic(void *) known;                                                              \
        result(*function) parameters = find(&known, library, #name);                               \
        return function ? function arguments : (missing);                                          \
    }
#define BLAS(name, parameters, arguments)                                                          \
    HAND_ON(FC_CUBLAS, cublasStatus_t, CUBLAS_STATUS_NOT_INITIALIZED, name, parameters, arguments)
#define SOLVER(name, parameters, arguments)                                                        \
    HAND_ON(FC_CUSOLVER, cusolverStatus_t, CUSOLVER_STATUS_NOT_INITIALIZED, name, parameters,      \
            arguments)

HAND_ON(FC_CUBLAS, const char *, FC_CUBLAS " cannot be loaded", cublasGetStatusString,
        (cublasStatus_t status), (status))
BLAS(cublasCreate_v2, (cublasHandle_t * handle), (handle))
BLAS(cublasDestroy_v2, (cublasHandle_t handle), (handle))
BLAS(cublasGetProperty, (libraryPropertyType type, int *value), (type, value))
BLAS(cublasSetStream_v2, (cublasHandle_t handle, cudaStream_t stream), (handle, stream))
BLAS(cublasSetWorkspace_v2, (cublasHandle_t handle, void *workspace, size_t bytes),
     (handle, workspace, bytes))
BLAS(cublasDgemm_v2,
     (cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
      const double *alpha, const double *a, int lda, const double *b, int ldb, const double *beta,
      double *c, int ldc),
     (handle, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc))
BLAS(cublasDgemmStridedBatched,
     (cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
      const double *alpha, const double *a, int lda, long long a_stride, const double *b, int ldb,
      long long b_stride, const double *beta, double *c, int ldc, long long c_stride, int count),
     (handle, ta, tb, m, n, k, alpha, a, lda, a_stride, b, ldb, b_stride, beta, c, ldc, c_stride,
      count))
BLAS(cublasGemmStridedBatchedEx,
     (cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
      const void *alpha, const void *a, cudaDataType a_type, int lda, long long a_stride,
      const void *b, cudaDataType b_type, int ldb, long long b_stride, const void *beta, void *c,
      cudaDataType c_type, int ldc, long long c_stride, int count, cublasComputeType_t compute,
      cublasGemmAlgo_t algorithm),
     (handle, ta, tb, m, n, k, alpha, a, a_type, lda, a_stride, b, b_type, ldb, b_stride, beta, c,
      c_type, ldc, c_stride, count, compute, algorithm))
BLAS(cublasGemmEx,
     (cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
      const void *alpha, const void *a, cudaDataType a_type, int lda, const void *b,
      cudaDataType b_type, int ldb, const void *beta, void *c, cudaDataType c_type, int ldc,
      cublasComputeType_t compute, cublasGemmAlgo_t algorithm),
     (handle, ta, tb, m, n, k, alpha, a, a_type, lda, b, b_type, ldb, beta, c, c_type, ldc, compute,
      algorithm))
BLAS(cublasDsyrk_v2,
     (cublasHandle_t handle, cublasFillMode_t uplo, cublasOperation_t ta, int n, int k,
      const double *alpha, const double *a, int lda, const double *beta, double *c, int ldc),
     (handle, uplo, ta, n, k, alpha, a, lda, beta, c, ldc))
BLAS(cublasDtrsm_v2,
     (cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t uplo, cublasOperation_t ta,
      cublasDiagType_t diagonal, int m, int n, const double *alpha, const double *a, int lda,
      double *b, int ldb),
     (handle, side, uplo, ta, diagonal, m, n, alpha, a, lda, b, ldb))
BLAS(cublasDtrsmBatched,
     (cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t uplo, cublasOperation_t ta,
      cublasDiagType_t diagonal, int m, int n, const double *alpha, const double *const a[],
      int lda, double *const b[], int ldb, int count),
     (handle, side, uplo, ta, diagonal, m, n, alpha, a, lda, b, ldb, count))

SOLVER(cusolverDnCreate, (cusolverDnHandle_t * handle), (handle))
SOLVER(cusolverDnDestroy, (cusolverDnHandle_t handle), (handle))
SOLVER(cusolverGetProperty, (libraryPropertyType type, int *value), (type, value))
SOLVER(cusolverDnSetStream, (cusolverDnHandle_t handle, cudaStream_t stream), (handle, stream))
SOLVER(cusolverDnDpotrf_bufferSize,
       (cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, double *a, int lda, int *size),
       (handle, uplo, n, a, lda, size))
SOLVER(cusolverDnDpotrf,
       (cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, double *a, int lda,
        double *workspace, int size, int *info),
       (handle, uplo, n, a, lda, workspace, size, info))
SOLVER(cusolverDnDpotrfBatched,
       (cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, double *a[], int lda, int *info,
        int count),
       (handle, uplo, n, a, lda, info, count))
SOLVER(cusolverDnDpotrsBatched,
       (cusolverDnHandle_t handle, cublasFillMode_t uplo, int n, int columns, double *a[], int lda,
        double *b[], int ldb, int *info, int count),
       (handle, uplo, n, columns, a, lda, b, ldb, info, count))
