/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles that tell when they are stale: generation in the upper 32 bits, index + 1 in the lower
 * ones, so 0 is never one.
 *
 * Theory of operation. A slot's generation grows when its object leaves, so the old handle matches
 * no more. An empty table gives its memory back and remembers the highest generation it ever used,
 * with which new slots begin; so a handle is not repeated before 2^32 others were given.
 */
#ifndef NICSTACK_SRC_STACK_HANDLE_H
#define NICSTACK_SRC_STACK_HANDLE_H

#include <stdint.h>

#include "base/check.h"
#include "base/mem.h"

struct handle_slot {
    void *object; /* NULL: free */
    uint32_t generation;
    uint32_t next_free; /* index + 1; 0: the last */
};

struct handle_table {
    struct mem *mem;
    struct handle_slot *slots;
    uint32_t capacity; /* slots that there are */
    uint32_t free;     /* index + 1 of the first free one */
    uint32_t count;    /* objects */
    uint32_t first_generation;
};

/* Takes no memory yet. */
void handle_table_init(struct handle_table *t, struct mem *mem);
/* Forgets the objects. */
void handle_table_fini(struct handle_table *t);

/* A new handle for `object` (not NULL); 0: no memory. */
uint64_t handle_add(struct handle_table *t, void *object);
/* The handle, which is valid, becomes stale. */
void handle_remove(struct handle_table *t, uint64_t handle);

/* The object of a handle; NULL: stale or never valid. Any value is allowed. */
static inline void *handle_lookup(const struct handle_table *t, uint64_t handle)
{
    const uint32_t index = (uint32_t)handle - 1;
    if (unlikely(index >= t->capacity))
        return NULL;
    const struct handle_slot *slot = &t->slots[index];
    return likely(slot->generation == handle >> 32) ? slot->object : NULL;
}

/* The object at slot `index` < capacity, or NULL: to walk them all. */
static inline void *handle_at(const struct handle_table *t, uint32_t index)
{
    return t->slots[index].object;
}

#endif
