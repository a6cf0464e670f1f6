/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. A block's memory lies right behind its descriptor. Up to 4 KiB it comes from
 * a slab of its size class; 16, 32 and 65 KiB ones come from the allocator, and a few free ones of
 * each are kept, because taking and giving such a block is what every large read and write does.
 * What is kept counts as used. It goes back when the budget is nearly spent, when an allocation is
 * refused, and when the stack was idle for a while (stack.c). Anything longer is allocated as it
 * is. External blocks are a descriptor alone, over the host's memory.
 *
 * Invariants: (1) blocks_alive counts the blocks with a reference, external ones too; (2) a cached
 * block has none and its first word links to the next.
 */
#include "packet/block.h"

#include "base/check.h"

#define BLOCK_HEADER 48 /* sizeof(struct nst_block), rounded up so that memory is aligned to 16 */
#define SLAB_MAX     4096
#define CHUNK_BYTES  16384

_Static_assert(sizeof(struct nst_block) <= BLOCK_HEADER, "the descriptor fits in front");
_Static_assert(sizeof(struct nst_pkt) == 72, "the public packet is frozen");

/* The last small class is for external descriptors, which have no memory of ours. */
static const uint32_t slab_bytes[POOL_BLOCK_CLASSES] = {128, 256, 512, 1024, 2048, SLAB_MAX, 0};
static const char *const slab_name[POOL_BLOCK_CLASSES] = {
    "block 128", "block 256", "block 512", "block 1024", "block 2048", "block 4096", "block"};
#define EXTERNAL_CLASS (POOL_BLOCK_CLASSES - 1)

static const uint32_t cached_bytes[POOL_CACHE_CLASSES] = {16384, 32768, 66560};

/* The smallest small class for `size`, at most SLAB_MAX. */
static unsigned slab_class(uint32_t size)
{
    if (size <= slab_bytes[0])
        return 0;
    return 32 - clz32(size - 1) - 7;
}

/* The smallest cached class for `size`; POOL_CACHE_CLASSES: none is large enough. */
static unsigned cache_class(uint32_t size)
{
    unsigned i = 0;
    while (i < POOL_CACHE_CLASSES && size > cached_bytes[i])
        i++;
    return i;
}

uint32_t block_capacity(uint32_t size)
{
    if (size <= SLAB_MAX)
        return slab_bytes[slab_class(size)];
    unsigned class = cache_class(size);
    return class < POOL_CACHE_CLASSES ? cached_bytes[class] : size;
}

void block_classes_init(struct nst_pool *pool)
{
    for (unsigned i = 0; i < POOL_BLOCK_CLASSES; i++) {
        uint32_t size = BLOCK_HEADER + slab_bytes[i];
        slab_init(&pool->blocks[i], &pool->mem, size, slab_name[i],
                  min_u32(max_u32(CHUNK_BYTES / size, 2), 32));
    }
}

void block_classes_fini(struct nst_pool *pool)
{
    for (unsigned i = 0; i < POOL_BLOCK_CLASSES; i++)
        slab_fini(&pool->blocks[i]);
}

void block_cache_empty(struct nst_pool *pool, unsigned class)
{
    struct pool_cache *cache = &pool->cache[class];
    while (cache->first != NULL) {
        void *memory = cache->first;
        memcpy(&cache->first, memory, sizeof(cache->first));
        cache->count--;
        pool->cache_bytes -= cached_bytes[class];
        mem_free(&pool->mem, memory, BLOCK_HEADER + cached_bytes[class]);
    }
}

/* Memory of the allocator; what is cached makes room if need be. */
static void *alloc_large(struct nst_pool *pool, size_t size)
{
    void *memory = pool_is_spent(pool, size) ? NULL : mem_alloc(&pool->mem, size);
    if (memory == NULL) {
        pool_trim(pool);
        memory = pool_is_spent(pool, size) ? NULL : mem_alloc(&pool->mem, size);
    }
    return memory;
}

static void *take_large(struct nst_pool *pool, uint32_t capacity)
{
    unsigned class = cache_class(capacity);
    if (class < POOL_CACHE_CLASSES && pool->cache[class].first != NULL) {
        struct pool_cache *cache = &pool->cache[class];
        void *memory = cache->first;
        memcpy(&cache->first, memory, sizeof(cache->first));
        cache->count--;
        pool->cache_bytes -= cached_bytes[class];
        pool->cache_used = true;
        return memory;
    }
    return alloc_large(pool, BLOCK_HEADER + (size_t)capacity);
}

/* Is there room to keep one more? */
static bool is_kept(const struct nst_pool *pool, unsigned class)
{
    if (class >= POOL_CACHE_CLASSES || pool->retired || pool_is_critical(pool))
        return false;
    if (pool->cache[class].count < POOL_CACHE_MIN)
        return true;
    return !pool_is_tight(pool) && pool->cache_bytes + cached_bytes[class] <=
                                       min_u64(pool->mem.limit / POOL_CACHE_PART, POOL_CACHE_BYTES);
}

static void give_large(struct nst_pool *pool, void *memory, uint32_t capacity)
{
    unsigned class = cache_class(capacity);
    if (is_kept(pool, class)) {
        struct pool_cache *cache = &pool->cache[class];
        memcpy(memory, &cache->first, sizeof(cache->first));
        cache->first = memory;
        cache->count++;
        pool->cache_bytes += cached_bytes[class];
        pool->cache_used = true;
        return;
    }
    mem_free(&pool->mem, memory, BLOCK_HEADER + (size_t)capacity);
}

/* Descriptors of outside memory may have the pool's reserve: a link's packets need them. */
static void *try_small(struct nst_pool *pool, unsigned class)
{
    struct slab *slab = &pool->blocks[class];
    if (unlikely(list_is_empty(&slab->partial)) && class != EXTERNAL_CLASS &&
        pool_is_spent(pool, CHUNK_BYTES))
        return NULL;
    return slab_take(slab);
}

/* Nothing of a small class is left: what is cached makes room, once. */
static void *take_small(struct nst_pool *pool, unsigned class)
{
    void *memory = try_small(pool, class);
    if (unlikely(memory == NULL)) {
        pool_trim(pool);
        memory = try_small(pool, class);
    }
    return memory;
}

struct nst_block *block_new(struct nst_pool *pool, uint32_t size)
{
    if (size > INT32_MAX)
        return NULL;
    uint32_t capacity = block_capacity(size);
    struct nst_block *b =
        size <= SLAB_MAX ? take_small(pool, slab_class(size)) : take_large(pool, capacity);
    if (b == NULL)
        return NULL;
    b->refs = 1;
    b->size = capacity;
    b->memory = (uint8_t *)b + BLOCK_HEADER;
    b->pool = pool;
    b->release = NULL;
    pool->blocks_alive++;
    return b;
}

struct nst_block *block_new_external(struct nst_pool *pool, uint8_t *memory, uint32_t size,
                                     void (*release)(void *, uint8_t *), void *context)
{
    struct nst_block *b = take_small(pool, EXTERNAL_CLASS);
    if (b == NULL)
        return NULL;
    *b = (struct nst_block){
        .refs = 1,
        .size = size,
        .memory = memory,
        .pool = pool,
        .release = release,
        .context = context,
    };
    pool->blocks_alive++;
    return b;
}

void block_release_last(struct nst_block *b)
{
    struct nst_pool *pool = b->pool;
    if (b->release != NULL) {
        b->release(b->context, b->memory);
        slab_give(&pool->blocks[EXTERNAL_CLASS], b);
    } else if (b->size <= SLAB_MAX) {
        slab_give(&pool->blocks[slab_class(b->size)], b);
    } else {
        give_large(pool, b, b->size);
    }
    pool->blocks_alive--;
    if (unlikely(pool->retired))
        pool_settle(pool);
}
