/* staging.h: what goes between host and device piece by piece, through two blocks of pinned memory:
 * while one is on its way, the host fills or empties the other. One staging serves one direction.
 */
#ifndef FC_CUDA_STAGING_H
#define FC_CUDA_STAGING_H

#include "cuda/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc__staging fc__staging;

/* Pieces of at most `bytes`. The memory is that of a staging destroyed before where it is enough.
 */
fc_status fc__staging_create(fc_context *context, fc__device *device, size_t bytes,
                             fc__staging **staging);
void fc__staging_destroy(fc__staging *staging);  /* NULL is legal; waits for what is on its way */
void fc__staging_free_spare(fc__device *device); /* what the device keeps for the next one */

/* To the host. Queues the copy of a piece; at most two are on their way. */
fc_status fc__staging_push(fc_context *context, fc__staging *staging, const void *from,
                           size_t bytes);
/* The oldest piece on its way, once it is there; valid until the next push but one. */
fc_status fc__staging_pop(fc_context *context, fc__staging *staging, const void **piece);

/* To the device. The block to fill, once what it held before has been sent; always the same until
 * the next send. */
fc_status fc__staging_block(fc_context *context, fc__staging *staging, void **block);
/* Queues the copy of its first `bytes` to device memory. */
fc_status fc__staging_send(fc_context *context, fc__staging *staging, void *to, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
