/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The budgeted allocator: everything that a stack owns comes from one `struct mem`, which counts
 * it at its true size and refuses what would pass the limit.
 */
#ifndef NICSTACK_SRC_BASE_MEM_H
#define NICSTACK_SRC_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include <nicstack/types.h>

struct mem {
    struct nst_allocator allocator;
    uint64_t used; /* bytes that are out now */
    uint64_t peak; /* the most that was ever out */
    uint64_t limit;
};

/* Starts with nothing out. `limit` is in bytes; 0 means none. The allocator is copied. */
void mem_init(struct mem *m, const struct nst_allocator *allocator, uint64_t limit);

/*
 * Gives `size` bytes aligned to 16, with any content, or NULL when the budget or the allocator
 * refuses (then nothing changed) or `size` is 0. mem_zalloc gives zeroes.
 */
void *mem_alloc(struct mem *m, size_t size);
void *mem_zalloc(struct mem *m, size_t size);

/* Takes back what mem_alloc gave for exactly that `size`. NULL is allowed and does nothing. */
void mem_free(struct mem *m, void *memory, size_t size);

/* Bytes left below the limit. */
static inline uint64_t mem_room(const struct mem *m)
{
    return m->used < m->limit ? m->limit - m->used : 0;
}

/* Changes the limit, which may go below what is in use: then nothing is given until enough is back.
 */
void mem_set_limit(struct mem *m, uint64_t limit);

#endif
