/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache of objects of one size.
 *
 * Theory of operation. Objects live in chunks of a fixed number, taken from a `struct mem`. Each
 * chunk has its own list of free objects, threaded through their first word, so that a chunk whose
 * last object comes back can leave as a whole. Behind each object lie 4 bytes with its index in the
 * chunk, which leads from the object to the chunk by one multiplication: half of a back pointer,
 * often hidden in padding, and it needs no aligned chunks, which a host's allocator cannot give
 * without waste.
 *
 * Invariants: (1) a chunk is in `partial` while it has a free object, else in `full`; (2) at most
 * `empty_max` chunks of `partial` are empty, and then they are the last; (3) `live` is the number
 * of objects that are out. Chunks with objects out come first in `partial`, so empty ones are
 * filled last. One empty chunk is kept unless slab_keep says more: what comes and goes by the
 * hundred, as packets do, shall not ask the allocator each time.
 *
 * With NST_DEBUG freed objects are filled with 0xdd; with AddressSanitizer they are poisoned.
 */
#ifndef NICSTACK_SRC_BASE_SLAB_H
#define NICSTACK_SRC_BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ASAN 1
#endif
#endif
#ifdef SLAB_ASAN
#include <sanitizer/asan_interface.h>
#define SLAB_POISON(p, n)   __asan_poison_memory_region(p, n)
#define SLAB_UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define SLAB_POISON(p, n)   ((void)(p), (void)(n))
#define SLAB_UNPOISON(p, n) ((void)(p), (void)(n))
#endif

struct slab {
    struct list partial, full; /* of struct slab_chunk.node */
    struct mem *mem;
    const char *name;
    uint32_t object_size;
    uint32_t stride; /* object_size, the index, padding */
    uint32_t objects_per_chunk;
    uint32_t empty_chunks; /* up to empty_max */
    uint32_t empty_max;    /* at least 1 */
    uint64_t live;
};

/* Lies right before the first object. */
struct slab_chunk {
    struct list node;
    void *free; /* the first free object, whose first word points to the next */
    void *memory;
    uint32_t live; /* objects that are out */
} __attribute__((aligned(16)));

/*
 * Makes an empty cache of objects of `object_size` bytes (at least 1). Objects are aligned to 8; to
 * 64 when object_size + 4, rounded up to 8, is a multiple of 64. `name` (not copied) is for people.
 * `objects_per_chunk` is at least 1. Takes no memory yet.
 */
void slab_init(struct slab *s, struct mem *mem, size_t object_size, const char *name,
               uint32_t objects_per_chunk);

/* Gives the empty chunk back. Every object has to be back (checked). */
void slab_fini(struct slab *s);

/* Keeps up to `bytes` of empty chunks from now on; one at least, whatever its size. */
void slab_keep(struct slab *s, size_t bytes);

/* Gives the empty chunks but one back. */
void slab_trim(struct slab *s);

/* The slow halves of slab_take and slab_give; for them alone. */
struct slab_chunk *slab_grow(struct slab *s);
void slab_settle(struct slab *s, struct slab_chunk *chunk, bool was_full);

/* Gives an object with any content, or NULL when the memory is refused. */
static inline void *slab_take(struct slab *s)
{
    struct slab_chunk *chunk = container_of(s->partial.next, struct slab_chunk, node);
    if (unlikely(list_is_empty(&s->partial))) {
        chunk = slab_grow(s);
        if (!chunk)
            return NULL;
    }
    void *object = chunk->free;
    SLAB_UNPOISON(object, s->object_size);
    memcpy(&chunk->free, object, sizeof(void *));
    s->empty_chunks -= chunk->live == 0;
    chunk->live++;
    s->live++;
    if (unlikely(!chunk->free)) {
        list_remove(&chunk->node);
        list_add_tail(&s->full, &chunk->node);
    }
    return object;
}

/* Takes back an object that slab_take of the same cache gave. NULL is not allowed. */
static inline void slab_give(struct slab *s, void *object)
{
    uint32_t index;
    memcpy(&index, (char *)object + s->stride - sizeof(index), sizeof(index));
    DEBUG_CHECK(index < s->objects_per_chunk);
    struct slab_chunk *chunk =
        (struct slab_chunk *)(void *)((char *)object - (size_t)index * s->stride) - 1;
    DEBUG_CHECK(chunk->live > 0);
#ifdef NST_DEBUG
    memset(object, 0xdd, s->object_size);
#endif
    bool was_full = chunk->free == NULL;
    memcpy(object, &chunk->free, sizeof(void *));
    SLAB_POISON(object, s->object_size);
    chunk->free = object;
    chunk->live--;
    s->live--;
    if (unlikely(was_full || chunk->live == 0))
        slab_settle(s, chunk, was_full);
}

#endif
