#include "inr/cache.h"
#include "inr/kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

struct fc__cache {
    size_t limit, used;
    fc__shared *newest, *oldest;
    fc__shared *bucket[BUCKETS];
};

void fc__key_add(fc__key *key, const void *data, size_t bytes)
{
    fc__key pair[2] = {*key};
    const fc__kernels *kernels = fc__kernels_chosen();
    kernels->hash(data, bytes, pair[1].half);
    kernels->hash(pair, sizeof pair, key->half);
}

fc_status fc__cache_create(fc__cache **cache)
{
    return fc__allocate(NULL, 1, sizeof **cache, cache);
}

static fc__shared **bucket_of(fc__cache *cache, const fc__key *key)
{
    return &cache->bucket[key->half[0] % BUCKETS];
}

static void unlink_order(fc__cache *cache, fc__shared *shared)
{
    *(shared->newer ? &shared->newer->older : &cache->newest) = shared->older;
    *(shared->older ? &shared->older->newer : &cache->oldest) = shared->newer;
}

static void link_newest(fc__cache *cache, fc__shared *shared)
{
    shared->newer = NULL;
    shared->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = shared;
    cache->newest = shared;
}

/* Drops the least recently used until what is left occupies at most `limit`. */
static void shrink(fc__cache *cache, size_t limit)
{
    while (cache->used > limit) {
        fc__shared *dropped = cache->oldest, **link = bucket_of(cache, &dropped->key);
        while (*link != dropped)
            link = &(*link)->next;
        *link = dropped->next;
        unlink_order(cache, dropped);
        cache->used -= dropped->bytes;
        fc__shared_release(dropped);
    }
}

void fc__cache_destroy(fc__cache *cache)
{
    if (!cache)
        return;
    shrink(cache, 0);
    free(cache);
}

void fc__cache_set_limit(fc__cache *cache, size_t limit)
{
    cache->limit = limit;
    shrink(cache, limit);
}

bool fc__cache_accepts(const fc__cache *cache, size_t bytes)
{
    return cache && bytes <= cache->limit;
}

size_t fc__cache_used(const fc__cache *cache)
{
    return cache ? cache->used : 0;
}

fc__shared *fc__cache_find(fc__cache *cache, const fc__key *key)
{
    if (!cache)
        return NULL;
    fc__shared *shared = *bucket_of(cache, key);
    while (shared && memcmp(&shared->key, key, sizeof *key) != 0)
        shared = shared->next;
    if (!shared)
        return NULL;
    unlink_order(cache, shared);
    link_newest(cache, shared);
    atomic_fetch_add_explicit(&shared->owners, 1, memory_order_relaxed);
    return shared;
}

void fc__cache_keep(fc__cache *cache, fc__shared *shared)
{
    if (!fc__cache_accepts(cache, shared->bytes))
        return;
    shrink(cache, cache->limit - shared->bytes);
    fc__shared **bucket = bucket_of(cache, &shared->key);
    shared->next = *bucket;
    *bucket = shared;
    link_newest(cache, shared);
    cache->used += shared->bytes;
    atomic_fetch_add_explicit(&shared->owners, 1, memory_order_relaxed);
}

void fc__shared_release(fc__shared *shared)
{
    if (shared && atomic_fetch_sub_explicit(&shared->owners, 1, memory_order_acq_rel) == 1)
        shared->destroy(shared);
}
