/* kept.h: what stays on a device from one call to the next, found by a key of everything it follows
 * from and bounded to a share of the device's memory: the least recently used go first. */
#ifndef FC_CUDA_KEPT_H
#define FC_CUDA_KEPT_H

#include "cuda/device.h"
#include "inr/cache.h"

typedef struct fc__cuda_kept fc__cuda_kept;

/* Things of different kinds may follow from the same. */
typedef enum fc__kept_kind { FC__KEPT_BASIS, FC__KEPT_ANALYSIS } fc__kept_kind;

/* One thing, which lives at least until its last holder has released it. */
typedef struct fc__kept {
    fc__shared shared; /* first */
    void *thing;
    void (*destroy)(void *thing);
} fc__kept;

/* Keeps up to a quarter of the room there is now. The things go before the device. */
fc_status fc__cuda_kept_create(fc_context *context, const fc__device *device, fc__cuda_kept **kept);
void fc__cuda_kept_destroy(fc__cuda_kept *kept); /* NULL is legal */

/* Whether a thing of this size would be kept. */
bool fc__cuda_kept_accepts(const fc__cuda_kept *kept, size_t bytes);
/* That with the key, held by the caller from now on, or NULL. */
fc__kept *fc__cuda_kept_find(fc__cuda_kept *kept, fc__kept_kind kind, const fc__key *key);
/* Keeps a thing of `bytes` of device memory whose key is not there yet; the caller holds it. On
 * failure, and when it is given up, destroy(thing) is called. */
fc_status fc__cuda_kept_add(fc_context *context, fc__cuda_kept *kept, fc__kept_kind kind,
                            const fc__key *key, size_t bytes, void *thing,
                            void (*destroy)(void *thing), fc__kept **held);
void fc__cuda_kept_release(fc__kept *held); /* NULL is legal */

#endif
