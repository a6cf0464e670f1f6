/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/pool.h"

#include "packet/block.h"
#include "packet/trace.h"

#define PACKETS_PER_CHUNK 16
#define SLICES_PER_CHUNK  4

struct nst_pool *pool_new(const struct nst_allocator *allocator, uint64_t limit)
{
    struct mem mem;
    mem_init(&mem, allocator, limit);
    struct nst_pool *pool = mem_zalloc(&mem, sizeof(*pool));
    if (pool == NULL)
        return NULL;
    pool->mem = mem;
    pool->csum = &csum_portable;
    slab_init(&pool->packets, &pool->mem, sizeof(struct pkt), "packet", PACKETS_PER_CHUNK);
    slab_keep(&pool->packets, min_u64(POOL_DESCRIPTORS_KEPT, limit / POOL_DESCRIPTORS_PART));
    slab_init(&pool->slices, &pool->mem, sizeof(struct nst_slice[PKT_SLICES_MAX]), "slices",
              SLICES_PER_CHUNK);
    block_classes_init(pool);
    return pool;
}

void pool_settle(struct nst_pool *pool)
{
    if (!pool->retired || pool->packets_alive != 0 || pool->blocks_alive != 0)
        return;
    pool_trim(pool);
    block_classes_fini(pool);
    slab_fini(&pool->slices);
    slab_fini(&pool->packets);
    struct mem mem = pool->mem;
    mem_free(&mem, pool, sizeof(*pool));
}

void pool_retire(struct nst_pool *pool)
{
    pool->retired = true;
    trace_stop(pool);
    pool_trim(pool);
    pool_settle(pool);
}

void pool_trim(struct nst_pool *pool)
{
    for (unsigned i = 0; i < POOL_CACHE_CLASSES; i++)
        block_cache_empty(pool, i);
    slab_trim(&pool->packets);
}
