/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chained hash table of nodes that lie inside the caller's objects, by 64-bit values that the
 * caller computes (with SipHash, where peers choose keys).
 *
 * Theory of operation. The bucket array is a power of two and doubles when there is more than one
 * node a bucket. It grows step by step: the old array stays beside the new one, and every insertion
 * moves a few buckets over, so that no packet pays for a million nodes. Old bucket i is moved when
 * i < `moved`; outside of a growth `old_mask` is 0 and `moved` is 1, so that the test is always
 * true without another branch. A growth that gets no memory is tried again at the next insertion
 * that doubles the size of the chains. An empty table gives all but the smallest array back.
 *
 * A `struct hash` must not be moved in memory while it is in use (`inline_bucket`).
 */
#ifndef NICSTACK_SRC_BASE_HASH_H
#define NICSTACK_SRC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/mem.h"

struct hash_node {
    struct hash_node *next;
    uint64_t hash;
};

struct hash {
    struct hash_node **buckets;
    struct hash_node **old; /* while growing */
    uint64_t mask, old_mask;
    uint64_t moved;
    uint64_t count;
    uint64_t grow_at; /* grow when count passes this */
    struct mem *mem;
    struct hash_node *inline_bucket;
};

/* Makes an empty table. Takes no memory yet. */
void hash_init(struct hash *h, struct mem *mem);

/* Gives all memory back; the nodes are the caller's and are forgotten. */
void hash_fini(struct hash *h);

/* Adds a node, newest first among equal hashes. Never fails: without memory chains are longer. */
void hash_insert(struct hash *h, struct hash_node *node, uint64_t hashval);

/* Removes a node that is in the table. */
void hash_remove(struct hash *h, struct hash_node *node);

static inline struct hash_node **hash_bucket(const struct hash *h, uint64_t hashval)
{
    uint64_t i = hashval & h->old_mask;
    return likely(i < h->moved) ? &h->buckets[hashval & h->mask] : &h->old[i];
}

/* The first node of exactly that hash, or NULL. The caller still compares keys. */
static inline struct hash_node *hash_first(const struct hash *h, uint64_t hashval)
{
    struct hash_node *node = *hash_bucket(h, hashval);
    while (node && node->hash != hashval)
        node = node->next;
    return node;
}

/* The next node of the same hash as `node`, or NULL. */
static inline struct hash_node *hash_next(const struct hash_node *node)
{
    uint64_t hashval = node->hash;
    struct hash_node *next = node->next;
    while (next && next->hash != hashval)
        next = next->next;
    return next;
}

/* Starts to load what hash_first will need first: call it for a whole batch, then look up. */
static inline void hash_prefetch(const struct hash *h, uint64_t hashval)
{
    __builtin_prefetch(hash_bucket(h, hashval));
}

/* The second step of a batch: loads the first node of the chain, which the first step made cheap.
 */
static inline void hash_prefetch_node(const struct hash *h, uint64_t hashval)
{
    __builtin_prefetch(*hash_bucket(h, hashval));
}

static inline uint64_t hash_count(const struct hash *h)
{
    return h->count;
}

/* The first node of the table and the one after `node`, in the order of buckets; NULL at the end.
 */
struct hash_node *hash_iterate(const struct hash *h);
struct hash_node *hash_iterate_next(const struct hash *h, const struct hash_node *node);

/* Walks all nodes; the body must neither insert nor remove. */
#define HASH_FOR_EACH(var, h) \
    for (struct hash_node *var = hash_iterate(h); var; var = hash_iterate_next(h, var))

/*
 * Walks all nodes; the body may remove `var` and must not insert. Ends well when it empties the
 * table, because the successor is found before.
 */
#define HASH_FOR_EACH_SAFE(var, next_var, h)                                  \
    for (struct hash_node *var = hash_iterate(h),                             \
                          *next_var = var ? hash_iterate_next(h, var) : NULL; \
         var; var = next_var, next_var = var ? hash_iterate_next(h, var) : NULL)

#endif
