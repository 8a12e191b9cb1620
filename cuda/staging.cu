#include "cuda/device.cuh"
#include "cuda/staging.h"

#include <stdlib.h>

/* Pieces take the blocks in turn; an event says that the last copy of a block is complete. */
struct fc__staging {
    fc__device *device;
    size_t bytes; /* of a block */
    void *block[2];
    cudaEvent_t copied[2];
    unsigned queued, popped;
};

static fc_status set_up(fc_context *context, fc__staging *staging)
{
    FC_DEVICE_USE(context, staging->device);
    for (int i = 0; i < 2; i++) {
        FC_CUDA_TRY(context, staging->device, cudaMallocHost(&staging->block[i], staging->bytes));
        FC_CUDA_TRY(context, staging->device,
                    cudaEventCreateWithFlags(&staging->copied[i], cudaEventDisableTiming));
    }
    return FC_OK;
}

static void free_staging(fc__staging *staging)
{
    if (!staging)
        return;
    for (int i = 0; i < 2; i++) {
        if (staging->copied[i])
            (void)cudaEventDestroy(staging->copied[i]);
        if (staging->block[i])
            (void)cudaFreeHost(staging->block[i]);
    }
    free(staging);
}

void fc__staging_free_spare(fc__device *device)
{
    free_staging(device->spare);
    device->spare = NULL;
}

fc_status fc__staging_create(fc_context *context, fc__device *device, size_t bytes,
                             fc__staging **staging)
{
    fc__staging *made = device->spare;
    *staging = NULL;
    if (made && made->bytes >= bytes) {
        device->spare = NULL;
        made->queued = made->popped = 0;
        *staging = made;
        return FC_OK;
    }
    fc__staging_free_spare(device);
    FC_RETURN_TRY(fc__allocate(context, 1, sizeof *made, &made));
    made->device = device;
    made->bytes = bytes;
    fc_status status = set_up(context, made);
    if (status == FC_OK)
        *staging = made;
    else
        free_staging(made);
    return status;
}

void fc__staging_destroy(fc__staging *staging)
{
    if (!staging)
        return;
    for (int i = 0; i < 2; i++) /* one that was never recorded is waited for at once */
        (void)cudaEventSynchronize(staging->copied[i]);
    fc__staging_free_spare(staging->device);
    staging->device->spare = staging;
}

static fc_status queue(fc_context *context, fc__staging *staging, void *to, const void *from,
                       size_t bytes, cudaMemcpyKind kind)
{
    const fc__device *device = staging->device;
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device, cudaMemcpyAsync(to, from, bytes, kind, device->stream));
    FC_CUDA_TRY(context, device,
                cudaEventRecord(staging->copied[staging->queued % 2], device->stream));
    staging->queued++;
    return FC_OK;
}

fc_status fc__staging_push(fc_context *context, fc__staging *staging, const void *from,
                           size_t bytes)
{
    return queue(context, staging, staging->block[staging->queued % 2], from, bytes,
                 cudaMemcpyDeviceToHost);
}

fc_status fc__staging_pop(fc_context *context, fc__staging *staging, const void **piece)
{
    unsigned i = staging->popped % 2;
    FC_CUDA_TRY(context, staging->device, cudaEventSynchronize(staging->copied[i]));
    staging->popped++;
    *piece = staging->block[i];
    return FC_OK;
}

fc_status fc__staging_block(fc_context *context, fc__staging *staging, void **block)
{
    unsigned i = staging->queued % 2;
    FC_CUDA_TRY(context, staging->device, cudaEventSynchronize(staging->copied[i]));
    *block = staging->block[i];
    return FC_OK;
}

fc_status fc__staging_send(fc_context *context, fc__staging *staging, void *to, size_t bytes)
{
    return queue(context, staging, to, staging->block[staging->queued % 2], bytes,
                 cudaMemcpyHostToDevice);
}
