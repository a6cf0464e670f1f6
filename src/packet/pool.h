/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: descriptors, blocks and the census of one stack, within its memory budget.
 *
 * The pool is its own allocation and may outlive its stack by the blocks that packets of another
 * stack still share: pool_retire gives it up, and the last block that comes back frees it.
 */
#ifndef NICSTACK_SRC_PACKET_POOL_H
#define NICSTACK_SRC_PACKET_POOL_H

#include "base/mem.h"
#include "base/slab.h"
#include "packet/packet.h"
#include "wire/csum.h"

#define POOL_BLOCK_CLASSES                                                                       \
    7                        /* 128 bytes to 4 KiB from slabs, and descriptors of outside memory \
                              */
#define POOL_CACHE_CLASSES 3 /* 16, 32 and 65 KiB */
/* Free large blocks that are kept: so many of each whatever the budget, and more up to a part of it
 * while memory is plenty: an allocator that maps and unmaps them costs more than the copy. */
#define POOL_CACHE_MIN   4
#define POOL_CACHE_PART  16
#define POOL_CACHE_BYTES (4u << 20)
/* Free descriptors that are kept: for a burst of a hundred packets; but no more than
 * this part of the budget. */
#define POOL_DESCRIPTORS_KEPT (48 * 1024)
#define POOL_DESCRIPTORS_PART 64

struct pool_cache {
    void *first;
    uint32_t count;
};

struct pool_census {
    uint64_t received, built, cloned, split;
    uint64_t transmitted, delivered, merged, dropped;
};

struct nst_pool {
    struct mem mem; /* the stack's budget: everything of the stack is charged here */
    struct slab packets;
    struct slab slices; /* arrays of PKT_SLICES_MAX */
    struct slab blocks[POOL_BLOCK_CLASSES];
    struct pool_cache cache[POOL_CACHE_CLASSES];
    uint64_t cache_bytes; /* in all of them */
    bool cache_used;      /* since somebody cleared it: stack.c trims what lies idle */
    bool retired;
    uint64_t blocks_alive;
    uint64_t packets_alive;
    struct pool_census census;
    uint64_t drops[DROP_REASON_MAX];
    const struct csum_ops *csum;
    struct trace *trace; /* NULL: off */
    uint32_t trace_last; /* the number that was given last */
};

/* NULL: the allocator refused. */
struct nst_pool *pool_new(const struct nst_allocator *allocator, uint64_t limit);
/* The stack is done with it: frees it now or when its last packet and block come back. */
void pool_retire(struct nst_pool *pool);
/* Frees a retired pool if nothing of it is alive; for packet/ alone. */
void pool_settle(struct nst_pool *pool);
/* Gives the free large blocks and descriptors that are kept back to the allocator. */
void pool_trim(struct nst_pool *pool);
/* Are there large ones? They are worth a timer; descriptors wait until they are in the way. */
static inline bool pool_has_cache(const struct nst_pool *pool)
{
    return (pool->cache[0].count | pool->cache[1].count | pool->cache[2].count) != 0;
}

/* Packets that are in nobody's end yet: what must be found in the stack's queues. */
static inline uint64_t pool_queued(const struct nst_pool *pool)
{
    const struct pool_census *c = &pool->census;
    return c->received + c->built + c->cloned + c->split - c->transmitted - c->delivered -
           c->merged - c->dropped;
}

/* Counts a packet that a link delivers as received. A loopback delivers the very packet that it was
 * given to transmit. */
static inline void pkt_receive(struct pkt *p)
{
    struct pool_census *census = &p->pool->census;
    census->transmitted += p->begun;
    census->received++;
    p->begun = true;
}

/* Its bytes reached a protocol or a socket, which holds them: it ends as delivered now. */
static inline void pkt_count_delivered(struct pkt *p)
{
    p->pool->census.delivered += p->begun;
    p->begun = false;
}

/* More than half, and nearly all, of the budget is in use: stop growing windows; evict and refuse
 * (DESIGN decision 8). */
static inline bool pool_is_tight(const struct nst_pool *pool)
{
    return pool->mem.used > pool->mem.limit / 2;
}
static inline bool pool_is_critical(const struct nst_pool *pool)
{
    return pool->mem.used > pool->mem.limit - pool->mem.limit / 8;
}

/* Would `size` bytes more for blocks touch the last sixteenth? That is kept for descriptors and
 * records, so that what is under way can be acknowledged and finished. */
static inline bool pool_is_spent(const struct nst_pool *pool, uint64_t size)
{
    const uint64_t limit = pool->mem.limit;
    return limit != UINT64_MAX && mem_room(&pool->mem) < size + limit / 16;
}

#endif
