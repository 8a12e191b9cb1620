/* device.h: one CUDA device in use: its stream, its libraries' handles and its memory, for the C
 * sources of this room; device.cuh shows kernels the inside.
 *
 * All work of a device is queued on its one stream, in order. Functions that fail have left a
 * message in the context that names the device. Pointers marked `device` may be read by kernels
 * only. */
#ifndef FC_CUDA_DEVICE_H
#define FC_CUDA_DEVICE_H

#include "cuda/cuda.h"
#include "inr/support.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc__device fc__device;

fc_status fc__device_open(fc_context *context, const fc_cuda_config *config, fc__device **device);
void fc__device_close(fc__device *device);

fc_cuda_precision fc__device_precision(const fc__device *device);
size_t fc__device_in_use(const fc__device *device); /* bytes allocated and not freed */
/* Bytes that may still be allocated: what is free, within the limit of the configuration. */
size_t fc__device_room(const fc__device *device);

/* Device memory for `count` things of `size` bytes, not initialised; *pointer = NULL and
 * FC_ERROR_MEMORY naming `what` and the sizes when there is not enough. count = 0 gives NULL. */
fc_status fc__device_allocate(fc_context *context, fc__device *device, const char *what,
                              size_t count, size_t size, void *pointer);
#define FC_DEVICE_NEW(context, device, what, pointer, count)                                       \
    FC_TRY(fc__device_allocate((context), (device), (what), (count), sizeof **(pointer),           \
                               (void *)(pointer)))
void fc__device_free(fc__device *device, void *pointer); /* NULL is legal */
/* Host memory that copies to and from the device go through without a copy on the way. */
fc_status fc__device_pin(fc_context *context, fc__device *device, const char *what, size_t count,
                         size_t size, void *pointer);
void fc__device_unpin(void *pointer); /* NULL is legal */

/* Copies of bytes. Those from the host have been read when the call returns; those to the host are
 * complete then. */
fc_status fc__device_upload(fc_context *context, fc__device *device, void *to, const void *from,
                            size_t bytes);
fc_status fc__device_download(fc_context *context, fc__device *device, void *to, const void *from,
                              size_t bytes);
fc_status fc__device_copy(fc_context *context, fc__device *device, void *to, const void *from,
                          size_t bytes);
fc_status fc__device_zero(fc_context *context, fc__device *device, void *to, size_t bytes);
/* Waits for everything queued, and reports what failed in it. */
fc_status fc__device_wait(fc_context *context, fc__device *device);

/* C = alpha op(A) op(B) + beta C, row-major as fc__sgemm (inr/support.h), all device. `exact`: with
 * float factors whatever the device's precision. */
fc_status fc__device_sgemm(fc_context *context, fc__device *device, bool exact, bool ta, bool tb,
                           size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
                           const float *b, size_t ldb, float beta, float *c, size_t ldc);
fc_status fc__device_dgemm(fc_context *context, fc__device *device, bool ta, bool tb, size_t m,
                           size_t n, size_t k, double alpha, const double *a, size_t lda,
                           const double *b, size_t ldb, double beta, double *c, size_t ldc);

#ifdef __cplusplus
}
#endif
#endif
