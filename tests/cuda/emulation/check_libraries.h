/* check_libraries.h: the emulated cuBLAS and cuSOLVER against plain loops; a part of check.cpp. */
#ifndef FC_EMULATION_CHECK_LIBRARIES_H
#define FC_EMULATION_CHECK_LIBRARIES_H

#include <cmath>
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cusolverDn.h>

#include "check.h"

static std::vector<double> numbers(size_t count, unsigned seed)
{
    std::vector<double> values(count);
    for (double &value : values) {
        seed = seed * 1664525u + 1013904223u;
        value = (double)(int)(seed >> 8) / (1 << 24) - 0.5;
    }
    return values;
}

/* Element (i, j) of op(a), by columns. */
static double element(const std::vector<double> &a, int ld, bool transposed, int i, int j)
{
    return transposed ? a[(size_t)(j + i * ld)] : a[(size_t)(i + j * ld)];
}

static bool near(double x, double y)
{
    return std::fabs(x - y) < 1e-12 * (1 + std::fabs(y));
}

static void products_are_by_columns(cublasHandle_t handle)
{
    int m = 5, n = 4, k = 3, lda = 7, ldb = 6, ldc = 8;
    double alpha = 2, beta = 0;
    std::vector<double> a = numbers(49, 1), b = numbers(42, 2);
    device_array<double> on_a(a), on_b(b), on_c(64, (double)NAN); /* beta 0: NaN is not read */
    for (int ops = 0; ops < 4; ops++) {
        cublasOperation_t op_a = ops & 1 ? CUBLAS_OP_T : CUBLAS_OP_N;
        cublasOperation_t op_b = ops & 2 ? CUBLAS_OP_T : CUBLAS_OP_N;
        CHECK(cublasDgemm(handle, op_a, op_b, m, n, k, &alpha, on_a.data, lda, on_b.data, ldb,
                          &beta, on_c.data, ldc) == CUBLAS_STATUS_SUCCESS);
        std::vector<double> c = on_c.read();
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int l = 0; l < k; l++) {
                    sum += 2 * element(a, lda, ops & 1, i, l) * element(b, ldb, ops & 2, l, j);
                }
                CHECK(near(c[(size_t)(i + j * ldc)], sum));
            }
        }
        CHECK(std::isnan(c[(size_t)m])); /* between the columns nothing is written */
    }
    CHECK(cublasDgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, m, n, k, &alpha, on_a.data, 4, on_b.data,
                      ldb, &beta, on_c.data, ldc) == CUBLAS_STATUS_INVALID_VALUE);
    CHECK(cublasDgemm(nullptr, CUBLAS_OP_N, CUBLAS_OP_N, m, n, k, &alpha, on_a.data, lda, on_b.data,
                      ldb, &beta, on_c.data, ldc) == CUBLAS_STATUS_NOT_INITIALIZED);
}

static void batches_multiply_each(cublasHandle_t handle)
{
    double alpha = 1, beta = 1;
    device_array<double> a(numbers(3 * 4, 3)), b(numbers(4, 4)), c(3 * 4, 1.0), d(3 * 4, 1.0);
    device_array<double *> as({a.data, a.data + 4, a.data + 8}), bs({b.data, b.data, b.data});
    device_array<double *> ds({d.data, d.data + 4, d.data + 8});
    CHECK(cublasDgemmStridedBatched(handle, CUBLAS_OP_N, CUBLAS_OP_T, 2, 2, 2, &alpha, a.data, 2, 4,
                                    b.data, 2, 0, &beta, c.data, 2, 4, 3) == CUBLAS_STATUS_SUCCESS);
    CHECK(cublasDgemmBatched(handle, CUBLAS_OP_N, CUBLAS_OP_T, 2, 2, 2, &alpha, as.data, 2, bs.data,
                             2, &beta, ds.data, 2, 3) == CUBLAS_STATUS_SUCCESS);
    std::vector<double> first = a.read(), second = b.read(), found = c.read();
    CHECK(found == d.read());
    CHECK(near(found[9], 1 + first[9] * second[0] + first[11] * second[2])); /* (1, 0) of the 3rd */
}

static void mixed_products_round_their_factors(cublasHandle_t handle)
{
    float alpha = 1, beta = 0, fine = 1.0f + 0x1p-12f;
    device_array<float> a(4, fine), b(4, 1.0f), c(4, 0.0f);
    device_array<__nv_bfloat16> low_a(4, __nv_bfloat16(1.5f)), low_b(4, __nv_bfloat16(2.0f));
    auto multiply = [&](const void *x, const void *y, cudaDataType type, cublasComputeType_t how) {
        CHECK(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &alpha, x, type, 2, y, type,
                           2, &beta, c.data, CUDA_R_32F, 2, how,
                           CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS);
        return c.read()[3];
    };
    CHECK(multiply(a.data, b.data, CUDA_R_32F, CUBLAS_COMPUTE_32F) == 2 * fine);
    CHECK(multiply(a.data, b.data, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32) == 2);
    CHECK(multiply(low_a.data, low_b.data, CUDA_R_16BF, CUBLAS_COMPUTE_32F) == 6);
    cublasSetMathMode(handle, CUBLAS_TF32_TENSOR_OP_MATH);
    CHECK(multiply(a.data, b.data, CUDA_R_32F, CUBLAS_COMPUTE_32F) == 2);
    CHECK(multiply(a.data, b.data, CUDA_R_32F, CUBLAS_COMPUTE_32F_PEDANTIC) == 2 * fine);
    cublasSetMathMode(handle, CUBLAS_DEFAULT_MATH);
}

static void the_rest_of_blas_is_by_columns(cublasHandle_t handle)
{
    int m = 3, n = 2;
    double one = 1, two = 2, zero = 0, result = 0;
    std::vector<double> a = numbers(6, 5);
    device_array<double> on_a(a), x(std::vector<double>{1, 0, 10, 0, 100, 0}), y(3, (double)NAN);
    device_array<double> c(9, (double)NAN);
    CHECK(cublasDgemv(handle, CUBLAS_OP_N, m, n, &two, on_a.data, m, x.data, 2, &zero, y.data, 1) ==
          CUBLAS_STATUS_SUCCESS);
    CHECK(near(y.read()[1], 2 * (a[1] + 10 * a[4])));
    CHECK(cublasDgemv(handle, CUBLAS_OP_T, m, n, &one, on_a.data, m, x.data, 2, &zero, y.data, 1) ==
          CUBLAS_STATUS_SUCCESS);
    CHECK(near(y.read()[1], a[3] + 10 * a[4] + 100 * a[5]));
    CHECK(cublasDsyrk(handle, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, m, n, &one, on_a.data, m, &zero,
                      c.data, m) == CUBLAS_STATUS_SUCCESS);
    CHECK(near(c.read()[1], a[1] * a[0] + a[4] * a[3]) && std::isnan(c.read()[3]));
    CHECK(cublasDgeam(handle, CUBLAS_OP_T, CUBLAS_OP_N, n, m, &two, on_a.data, m, &zero, nullptr, n,
                      c.data, n) == CUBLAS_STATUS_SUCCESS);
    CHECK(c.read()[3] == 2 * a[4]);
    CHECK(cublasDdgmm(handle, CUBLAS_SIDE_LEFT, m, n, on_a.data, m, x.data, 2, c.data, m) ==
          CUBLAS_STATUS_SUCCESS);
    CHECK(near(c.read()[5], 100 * a[5]));
    CHECK(cublasDdgmm(handle, CUBLAS_SIDE_RIGHT, m, n, on_a.data, m, x.data, 2, c.data, m) ==
          CUBLAS_STATUS_SUCCESS);
    CHECK(near(c.read()[5], 10 * a[5]));
    CHECK(cublasDdot(handle, 3, x.data, 2, on_a.data, 1, &result) == CUBLAS_STATUS_SUCCESS);
    CHECK(near(result, a[0] + 10 * a[1] + 100 * a[2]));
    CHECK(cublasDnrm2(handle, 3, x.data, 2, &result) == CUBLAS_STATUS_SUCCESS);
    CHECK(near(result, std::sqrt(10101.0)));
    CHECK(cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_DEVICE) == CUBLAS_STATUS_SUCCESS);
    CHECK(cublasDdot(handle, 1, x.data, 1, x.data + 2, 1, y.data) == CUBLAS_STATUS_SUCCESS);
    CHECK(cublasDgemv(handle, CUBLAS_OP_N, 1, 1, y.data, x.data, 1, x.data + 4, 1, x.data + 1,
                      y.data + 1, 1) == CUBLAS_STATUS_SUCCESS);
    CHECK(y.read()[0] == 10 && y.read()[1] == 1000);
    cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_HOST);
}

static void a_captured_product_runs_with_its_graph(cublasHandle_t handle)
{
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    float alpha = 3, beta = 0;
    device_array<float> a(1, 2.0f), b(1, 5.0f), c(1, 0.0f);
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    cublasSetStream(handle, stream);
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed) == cudaSuccess);
    CHECK(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &alpha, a.data, 1, b.data, 1,
                      &beta, c.data, 1) == CUBLAS_STATUS_SUCCESS);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    alpha = 100; /* was read at the capture */
    CHECK(c.read()[0] == 0);
    CHECK(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
    CHECK(cudaGraphLaunch(executable, stream) == cudaSuccess);
    CHECK(c.read()[0] == 30);
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
    cublasSetStream(handle, 0);
    cudaStreamDestroy(stream);
}

static void cholesky_solves_and_names_the_failing_minor(cublasHandle_t blas,
                                                        cusolverDnHandle_t handle)
{
    cublasFillMode_t lower = CUBLAS_FILL_MODE_LOWER;
    std::vector<double> definite = {4, 2, NAN, 3}, indefinite = {1, 2, NAN, 3};
    device_array<double> a(definite), b(indefinite), x(std::vector<double>{10, 8}), y(2, 1.0);
    device_array<double *> matrices({a.data, b.data}), columns({x.data, y.data});
    device_array<int> infos(2, -1);
    CHECK(cusolverDnDpotrfBatched(handle, lower, 2, matrices.data, 2, infos.data, 2) ==
          CUSOLVER_STATUS_SUCCESS);
    CHECK(infos.read() == (std::vector<int>{0, 2}));
    CHECK(a.read()[0] == 2 && a.read()[1] == 1 && std::isnan(a.read()[2]));
    CHECK(cusolverDnDpotrsBatched(handle, lower, 2, 1, matrices.data, 2, columns.data, 2,
                                  infos.data, 1) == CUSOLVER_STATUS_SUCCESS);
    CHECK(near(x.read()[0], 1.75) && near(x.read()[1], 1.5));
    CHECK(cusolverDnDpotrsBatched(handle, lower, 2, 2, matrices.data, 2, columns.data, 2,
                                  infos.data, 1) == CUSOLVER_STATUS_INVALID_VALUE);
    double one = 1;
    device_array<double> z(std::vector<double>{10, 8}); /* the same by two triangular systems */
    device_array<double *> right({z.data});
    CHECK(cublasDtrsm(blas, CUBLAS_SIDE_LEFT, lower, CUBLAS_OP_N, CUBLAS_DIAG_NON_UNIT, 2, 1, &one,
                      a.data, 2, z.data, 2) == CUBLAS_STATUS_SUCCESS);
    CHECK(cublasDtrsmBatched(blas, CUBLAS_SIDE_LEFT, lower, CUBLAS_OP_T, CUBLAS_DIAG_NON_UNIT, 2, 1,
                             &one, matrices.data, 2, right.data, 2, 1) == CUBLAS_STATUS_SUCCESS);
    CHECK(near(z.read()[0], 1.75) && near(z.read()[1], 1.5));
}

static void one_matrix_factors_and_diagonalises(cusolverDnHandle_t handle)
{
    int size = 0;
    cublasFillMode_t upper = CUBLAS_FILL_MODE_UPPER;
    device_array<double> a(std::vector<double>{4, NAN, 2, 3}), x(std::vector<double>{10, 8});
    device_array<double> s(std::vector<double>{2, NAN, 1, 2}), values(2, 0.0);
    device_array<int> info(1, -1);
    CHECK(cusolverDnDpotrf_bufferSize(handle, upper, 2, a.data, 2, &size) ==
          CUSOLVER_STATUS_SUCCESS);
    device_array<double> workspace((size_t)size, 0.0);
    CHECK(cusolverDnDpotrf(handle, upper, 2, a.data, 2, workspace.data, 1, info.data) ==
          CUSOLVER_STATUS_INVALID_VALUE);
    CHECK(cusolverDnDpotrf(handle, upper, 2, a.data, 2, workspace.data, size, info.data) ==
          CUSOLVER_STATUS_SUCCESS);
    CHECK(cusolverDnDpotrs(handle, upper, 2, 1, a.data, 2, x.data, 2, info.data) ==
          CUSOLVER_STATUS_SUCCESS);
    CHECK(info.read()[0] == 0 && near(x.read()[0], 1.75) && near(x.read()[1], 1.5));
    CHECK(cusolverDnDsyevd_bufferSize(handle, CUSOLVER_EIG_MODE_VECTOR, upper, 2, s.data, 2,
                                      values.data, &size) == CUSOLVER_STATUS_SUCCESS);
    CHECK(cusolverDnDsyevd(handle, CUSOLVER_EIG_MODE_VECTOR, upper, 2, s.data, 2, values.data,
                           workspace.data, size, info.data) == CUSOLVER_STATUS_SUCCESS);
    CHECK(info.read()[0] == 0 && near(values.read()[0], 1) && near(values.read()[1], 3));
    std::vector<double> vectors = s.read();
    CHECK(near(vectors[0], -vectors[1]) && near(vectors[2], vectors[3]));
    CHECK(near(std::fabs(vectors[3]), std::sqrt(0.5)));
}

static void check_libraries()
{
    cublasHandle_t blas;
    cusolverDnHandle_t solver;
    double one = 1;
    CHECK(cublasCreate(&blas) == CUBLAS_STATUS_SUCCESS);
    CHECK(cusolverDnCreate(&solver) == CUSOLVER_STATUS_SUCCESS);
    products_are_by_columns(blas);
    batches_multiply_each(blas);
    mixed_products_round_their_factors(blas);
    the_rest_of_blas_is_by_columns(blas);
    a_captured_product_runs_with_its_graph(blas);
    cholesky_solves_and_names_the_failing_minor(blas, solver);
    one_matrix_factors_and_diagonalises(solver);
    CHECK(cublasDnrm2(blas, 3, &one, 1, &one) == CUBLAS_STATUS_EXECUTION_FAILED); /* host memory */
    CHECK(cublasDestroy(blas) == CUBLAS_STATUS_SUCCESS);
    CHECK(cusolverDnDestroy(solver) == CUSOLVER_STATUS_SUCCESS);
}

#endif
