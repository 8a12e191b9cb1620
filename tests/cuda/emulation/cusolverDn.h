/* cusolverDn.h: the part of cuSOLVER that fieldcast uses, computed by LAPACK. Matrices, arrays of
 * pointers, workspaces and infos must lie in device memory, or the call fails. */
#ifndef FC_EMULATION_CUSOLVERDN_H
#define FC_EMULATION_CUSOLVERDN_H

#include "cublas_v2.h"

typedef struct cusolverDnContext *cusolverDnHandle_t;

typedef enum {
    CUSOLVER_STATUS_SUCCESS = 0,
    CUSOLVER_STATUS_NOT_INITIALIZED = 1,
    CUSOLVER_STATUS_ALLOC_FAILED = 2,
    CUSOLVER_STATUS_INVALID_VALUE = 3,
    CUSOLVER_STATUS_ARCH_MISMATCH = 4,
    CUSOLVER_STATUS_MAPPING_ERROR = 5,
    CUSOLVER_STATUS_EXECUTION_FAILED = 6,
    CUSOLVER_STATUS_INTERNAL_ERROR = 7,
    CUSOLVER_STATUS_MATRIX_TYPE_NOT_SUPPORTED = 8,
    CUSOLVER_STATUS_NOT_SUPPORTED = 9
} cusolverStatus_t;

typedef enum { CUSOLVER_EIG_MODE_NOVECTOR = 0, CUSOLVER_EIG_MODE_VECTOR = 1 } cusolverEigMode_t;

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t *handle);
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle);
cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream);
cusolverStatus_t cusolverGetProperty(libraryPropertyType type, int *value);

/* Cholesky; *info is 0, or the order of the leading minor that is not positive. */
cusolverStatus_t cusolverDnSpotrf_bufferSize(cusolverDnHandle_t handle, cublasFillMode_t fill,
                                             int n, float *a, int lda, int *size);
cusolverStatus_t cusolverDnDpotrf_bufferSize(cusolverDnHandle_t handle, cublasFillMode_t fill,
                                             int n, double *a, int lda, int *size);
cusolverStatus_t cusolverDnSpotrf(cusolverDnHandle_t handle, cublasFillMode_t fill, int n, float *a,
                                  int lda, float *workspace, int size, int *info);
cusolverStatus_t cusolverDnDpotrf(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                  double *a, int lda, double *workspace, int size, int *info);
cusolverStatus_t cusolverDnSpotrs(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                  int columns, const float *a, int lda, float *b, int ldb,
                                  int *info);
cusolverStatus_t cusolverDnDpotrs(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                  int columns, const double *a, int lda, double *b, int ldb,
                                  int *info);
cusolverStatus_t cusolverDnSpotrfBatched(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                         float *a[], int lda, int *infos, int count);
cusolverStatus_t cusolverDnDpotrfBatched(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                         double *a[], int lda, int *infos, int count);
/* One column only, as cuSOLVER has it. */
cusolverStatus_t cusolverDnSpotrsBatched(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                         int columns, float *a[], int lda, float *b[], int ldb,
                                         int *info, int count);
cusolverStatus_t cusolverDnDpotrsBatched(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                         int columns, double *a[], int lda, double *b[], int ldb,
                                         int *info, int count);

/* Eigenvalues in ascending order, and eigenvectors in place of the matrix. */
cusolverStatus_t cusolverDnDsyevd_bufferSize(cusolverDnHandle_t handle, cusolverEigMode_t mode,
                                             cublasFillMode_t fill, int n, const double *a, int lda,
                                             const double *values, int *size);
cusolverStatus_t cusolverDnDsyevd(cusolverDnHandle_t handle, cusolverEigMode_t mode,
                                  cublasFillMode_t fill, int n, double *a, int lda, double *values,
                                  double *workspace, int size, int *info);

#endif
