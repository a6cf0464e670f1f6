/* SPDX-License-Identifier: Apache-2.0 */
/* The slow half of slab.h: chunks come and go. */
#include "base/slab.h"

#include "base/bytes.h"

#define CACHE_LINE 64

void slab_init(struct slab *s, struct mem *mem, size_t object_size, const char *name,
               uint32_t objects_per_chunk)
{
    CHECK(object_size > 0 && object_size < UINT32_MAX / 2 && objects_per_chunk > 0);
    size_t size = max_size(object_size, sizeof(void *));
    *s = (struct slab){.mem = mem,
                       .name = name,
                       .object_size = (uint32_t)size,
                       .stride = (uint32_t)roundup_to(size + sizeof(uint32_t), 8),
                       .objects_per_chunk = objects_per_chunk,
                       .empty_max = 1};
    list_init(&s->partial);
    list_init(&s->full);
}

/* Objects that fill whole cache lines begin at one. */
static size_t alignment_slack(const struct slab *s)
{
    return s->stride % CACHE_LINE == 0 ? CACHE_LINE : 0;
}

static size_t chunk_size(const struct slab *s)
{
    return sizeof(struct slab_chunk) + alignment_slack(s) +
           (size_t)s->stride * s->objects_per_chunk;
}

static void free_chunk(struct slab *s, struct slab_chunk *chunk)
{
    list_remove(&chunk->node);
    void *memory = chunk->memory;
    SLAB_UNPOISON(memory, chunk_size(s));
    mem_free(s->mem, memory, chunk_size(s));
}

/* Threads all objects of a new chunk, the first to be taken first. */
static void thread_objects(struct slab *s, struct slab_chunk *chunk)
{
    char *first = (char *)(chunk + 1);
    chunk->free = NULL;
    for (uint32_t index = s->objects_per_chunk; index-- > 0;) {
        char *object = first + (size_t)index * s->stride;
        memcpy(object + s->stride - sizeof(index), &index, sizeof(index));
        memcpy(object, &chunk->free, sizeof(void *));
        chunk->free = object;
        SLAB_POISON(object, s->object_size);
    }
}

struct slab_chunk *slab_grow(struct slab *s)
{
    char *memory = mem_alloc(s->mem, chunk_size(s));
    if (!memory)
        return NULL;
    uintptr_t first = (uintptr_t)memory + sizeof(struct slab_chunk);
    size_t shift = alignment_slack(s) ? (size_t)(-first % CACHE_LINE) : 0;
    struct slab_chunk *chunk = (struct slab_chunk *)(void *)(memory + shift);
    chunk->memory = memory;
    chunk->live = 0;
    thread_objects(s, chunk);
    list_add_tail(&s->partial, &chunk->node);
    s->empty_chunks++;
    return chunk;
}

void slab_settle(struct slab *s, struct slab_chunk *chunk, bool was_full)
{
    if (was_full) {
        list_remove(&chunk->node);
        list_add_head(&s->partial, &chunk->node);
    }
    if (chunk->live > 0)
        return;
    if (s->empty_chunks >= s->empty_max) {
        free_chunk(s, chunk);
        return;
    }
    s->empty_chunks++;
    list_remove(&chunk->node);
    list_add_tail(&s->partial, &chunk->node);
}

void slab_keep(struct slab *s, size_t bytes)
{
    s->empty_max = (uint32_t)max_size(bytes / chunk_size(s), 1);
}

void slab_trim(struct slab *s)
{
    while (s->empty_chunks > 1) {
        free_chunk(s, container_of(s->partial.prev, struct slab_chunk, node));
        s->empty_chunks--;
    }
}

void slab_fini(struct slab *s)
{
    CHECK(s->live == 0);
    while (!list_is_empty(&s->partial))
        free_chunk(s, container_of(s->partial.next, struct slab_chunk, node));
    s->empty_chunks = 0;
}
