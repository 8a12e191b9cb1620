#include "cuda/kept.h"

#include <stdlib.h>

enum { SHARE = 4 }; /* one in so many bytes of the room */

struct fc__cuda_kept {
    fc__cache *cache;
};

fc_status fc__cuda_kept_create(fc_context *context, const fc__device *device, fc__cuda_kept **kept)
{
    fc_status status = FC_OK;
    fc__cuda_kept *made = NULL;
    *kept = NULL;
    FC_NEW(context, &made, 1);
    FC_TRY(fc__cache_create(&made->cache));
    fc__cache_set_limit(made->cache, fc__device_room(device) / SHARE);
    *kept = made;
    made = NULL;
done:
    free(made);
    return status;
}

void fc__cuda_kept_destroy(fc__cuda_kept *kept)
{
    if (!kept)
        return;
    fc__cache_destroy(kept->cache);
    free(kept);
}

bool fc__cuda_kept_accepts(const fc__cuda_kept *kept, size_t bytes)
{
    return fc__cache_accepts(kept->cache, bytes);
}

static fc__key key_of(fc__kept_kind kind, const fc__key *key)
{
    const uint64_t number = (uint64_t)kind;
    fc__key own = *key;
    fc__key_add(&own, &number, sizeof number);
    return own;
}

fc__kept *fc__cuda_kept_find(fc__cuda_kept *kept, fc__kept_kind kind, const fc__key *key)
{
    fc__key own = key_of(kind, key);
    return (fc__kept *)fc__cache_find(kept->cache, &own);
}

static void destroy(fc__shared *shared)
{
    fc__kept *kept = (fc__kept *)shared;
    kept->destroy(kept->thing);
    free(kept);
}

fc_status fc__cuda_kept_add(fc_context *context, fc__cuda_kept *kept, fc__kept_kind kind,
                            const fc__key *key, size_t bytes, void *thing,
                            void (*destroy_thing)(void *thing), fc__kept **held)
{
    fc_status status = FC_OK;
    *held = NULL;
    FC_NEW(context, held, 1);
    (*held)->shared = (fc__shared){.key = key_of(kind, key), .bytes = bytes, .destroy = destroy};
    (*held)->thing = thing;
    (*held)->destroy = destroy_thing;
    atomic_init(&(*held)->shared.owners, 1);
    fc__cache_keep(kept->cache, &(*held)->shared);
done:
    if (status != FC_OK)
        destroy_thing(thing);
    return status;
}

void fc__cuda_kept_release(fc__kept *held)
{
    fc__shared_release(held ? &held->shared : NULL);
}
