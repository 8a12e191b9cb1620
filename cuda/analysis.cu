/* Whitened normal matrices, and covariances of codes. */
#include "cuda/analysis.h"
#include "cuda/device.cuh"

enum { THREADS = 256 };

/* to_g = a_g^T b_g, row-major; a stride of 0 is one matrix for all. cuBLAS is column-major. */
static fc_status products(fc_context *context, fc__device *device, size_t groups, size_t n,
                          const double *a, size_t stride_a, const double *b, double *to)
{
    const double one = 1.0, zero = 0.0;
    const int size = static_cast<int>(n);
    const long long square = static_cast<long long>(n * n);
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device,
                cublasDgemmStridedBatched(device->blas, CUBLAS_OP_N, CUBLAS_OP_T, size, size, size,
                                          &one, b, size, square, a, size,
                                          static_cast<long long>(stride_a), &zero, to, size, square,
                                          static_cast<int>(groups)));
    return FC_OK;
}

__global__ void add_identity_kernel(size_t count, size_t n, double *matrices)
{
    size_t i = blockIdx.x * size_t{THREADS} + threadIdx.x;
    if (i < count)
        matrices[i / n * n * n + i % n * n + i % n] += 1.0;
}

fc_status fc__cuda_whiten(fc_context *context, fc__device *device, size_t groups, size_t codes,
                          const double *factor, const double *normal, double *product,
                          double *whitened)
{
    size_t count = groups * codes;
    if (count == 0)
        return FC_OK;
    FC_RETURN_TRY(fc__device_dgemm(context, device, false, false, count, codes, codes, 1.0, normal,
                                   codes, factor, codes, 0.0, product, codes));
    FC_RETURN_TRY(products(context, device, groups, codes, factor, 0, product, whitened));
    return fc__launch(context, device, "whitened matrices", add_identity_kernel,
                      dim3(fc__blocks(count, THREADS)), dim3(THREADS), 0, count, codes, whitened);
}

/* root_g = F^T for all groups; what is above F's diagonal is taken to be zero */
__global__ void transpose_kernel(size_t size, size_t n, const double *factor, double *root)
{
    size_t i = blockIdx.x * size_t{THREADS} + threadIdx.x, row = i / n % n, column = i % n;
    if (i < size)
        root[i] = column >= row ? factor[column * n + row] : 0.0;
}

fc_status fc__cuda_roots(fc_context *context, fc__device *device, fc__cuda_cholesky *whitened,
                         size_t groups, size_t codes, const double *factor, double *root,
                         double *covariance)
{
    size_t square = codes * codes, size = groups * square;
    if (size == 0)
        return FC_OK;
    FC_RETURN_TRY(fc__launch(context, device, "transposed factor", transpose_kernel,
                             dim3(fc__blocks(size, THREADS)), dim3(THREADS), 0, size, codes, factor,
                             root));
    FC_RETURN_TRY(fc__cuda_cholesky_triangular(context, whitened, root));
    return products(context, device, groups, codes, root, square, root, covariance);
}
