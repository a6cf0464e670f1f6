/* SPDX-License-Identifier: Apache-2.0 */
/* The slow half of hash.h: growth, removal, iteration. */
#include "base/hash.h"

#define FIRST_SIZE 16
#define BUCKETS_PER_STEP                                                     \
    4 /* a growth ends long before the next, which is `size` insertions away \
       */

/* Back to the one bucket that needs no memory. */
static void reset(struct hash *h)
{
    h->inline_bucket = NULL;
    h->buckets = &h->inline_bucket;
    h->old = NULL;
    h->mask = 0;
    h->old_mask = 0;
    h->moved = 1;
    h->grow_at = 1;
}

static void free_array(struct hash *h, struct hash_node **array, uint64_t mask)
{
    if (array && array != &h->inline_bucket)
        mem_free(h->mem, array, (size_t)(mask + 1) * sizeof(*array));
}

static void free_arrays(struct hash *h)
{
    free_array(h, h->old, h->old_mask);
    free_array(h, h->buckets, h->mask);
}

void hash_init(struct hash *h, struct mem *mem)
{
    *h = (struct hash){.mem = mem};
    reset(h);
}

void hash_fini(struct hash *h)
{
    free_arrays(h);
    reset(h);
    h->count = 0;
}

static void push(struct hash_node **bucket, struct hash_node *node)
{
    node->next = *bucket;
    *bucket = node;
}

/* Spreads a chain over the new array, in its order. Its target buckets are empty until then. */
static void move_chain(struct hash *h, struct hash_node *chain)
{
    struct hash_node *reversed = NULL, *next;
    for (struct hash_node *node = chain; node; node = next) {
        next = node->next;
        push(&reversed, node);
    }
    for (struct hash_node *node = reversed; node; node = next) {
        next = node->next;
        push(&h->buckets[node->hash & h->mask], node);
    }
}

static void move_some(struct hash *h)
{
    for (unsigned i = 0; i < BUCKETS_PER_STEP && h->moved <= h->old_mask; i++)
        move_chain(h, h->old[h->moved++]);
    if (h->moved <= h->old_mask)
        return;
    free_array(h, h->old, h->old_mask);
    h->old = NULL;
    h->old_mask = 0;
    h->moved = 1;
}

static void grow(struct hash *h)
{
    uint64_t size = h->mask == 0 ? FIRST_SIZE : 2 * (h->mask + 1);
    struct hash_node **array = mem_zalloc(h->mem, (size_t)size * sizeof(*array));
    if (!array) {
        h->grow_at = 2 * h->count;
        return;
    }
    struct hash_node *chain = h->inline_bucket;
    bool was_inline = h->mask == 0;
    if (!was_inline) {
        h->old = h->buckets;
        h->old_mask = h->mask;
        h->moved = 0;
    }
    h->buckets = array;
    h->mask = size - 1;
    h->grow_at = size;
    if (was_inline) {
        h->inline_bucket = NULL;
        move_chain(h, chain);
    }
}

void hash_insert(struct hash *h, struct hash_node *node, uint64_t hashval)
{
    node->hash = hashval;
    push(hash_bucket(h, hashval), node);
    h->count++;
    if (unlikely(h->old))
        move_some(h);
    else if (unlikely(h->count > h->grow_at))
        grow(h);
}

void hash_remove(struct hash *h, struct hash_node *node)
{
    struct hash_node **link = hash_bucket(h, node->hash);
    while (*link != node) {
        CHECK(*link);
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
    h->count--;
    if (h->count == 0 && h->mask >= FIRST_SIZE) {
        free_arrays(h);
        reset(h);
    }
}

/* Positions in the order of iteration: all new buckets, then those old ones that are not moved. */
static struct hash_node *first_from(const struct hash *h, uint64_t position)
{
    for (; position <= h->mask; position++)
        if (h->buckets[position])
            return h->buckets[position];
    if (!h->old)
        return NULL;
    uint64_t i = position - h->mask - 1;
    for (i = max_u64(i, h->moved); i <= h->old_mask; i++)
        if (h->old[i])
            return h->old[i];
    return NULL;
}

struct hash_node *hash_iterate(const struct hash *h)
{
    return first_from(h, 0);
}

struct hash_node *hash_iterate_next(const struct hash *h, const struct hash_node *node)
{
    if (node->next)
        return node->next;
    uint64_t i = node->hash & h->old_mask;
    uint64_t position = i < h->moved ? node->hash & h->mask : h->mask + 1 + i;
    return first_from(h, position + 1);
}
