/* cache.h: results that a context keeps for the next call that needs the same, found by a hash of
 * everything that they follow from, and bounded in memory: the least recently used go first. */
#ifndef FC_INR_CACHE_H
#define FC_INR_CACHE_H

#include "inr/support.h"

#include <stdatomic.h>

/* 128 bits, so that two different things never share a key in practice. */
typedef struct fc__key {
    uint64_t half[2];
} fc__key;

/* Key of everything that `key` stands for followed by `bytes` bytes of data (XXH3, Collet). Structs
 * must be added by their members, as their padding is undefined. */
void fc__key_add(fc__key *key, const void *data, size_t bytes);

/* What an object begins with that a cache may share. It is destroyed by its last owner, which the
 * cache is one of; objects are not changed once they are shared. */
typedef struct fc__shared {
    fc__key key;
    size_t bytes; /* that it occupies */
    void (*destroy)(struct fc__shared *shared);
    atomic_int owners;
    struct fc__shared *newer, *older; /* order of use */
    struct fc__shared *next;          /* in the same bucket */
} fc__shared;

typedef struct fc__cache fc__cache;

fc_status fc__cache_create(fc__cache **cache);
void fc__cache_destroy(fc__cache *cache);
/* The context's cache; NULL for a NULL context, which keeps nothing. */
fc__cache *fc__context_cache(const fc_context *context);

/* Changes the bound; what exceeds it is dropped. */
void fc__cache_set_limit(fc__cache *cache, size_t limit);
/* Whether an object of this size would be kept. */
bool fc__cache_accepts(const fc__cache *cache, size_t bytes);
size_t fc__cache_used(const fc__cache *cache); /* bytes of all that is kept */

/* The object with that key, which the caller then owns as well, or NULL. cache may be NULL. */
fc__shared *fc__cache_find(fc__cache *cache, const fc__key *key);
/* Keeps an object, whose key is not there yet, if it fits. cache may be NULL. */
void fc__cache_keep(fc__cache *cache, fc__shared *shared);
/* Gives one's ownership up; NULL is legal. */
void fc__shared_release(fc__shared *shared);

#endif
