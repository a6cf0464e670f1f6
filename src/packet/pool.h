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

#define POOL_BLOCK_CLASSES 8

struct pool_census {
    uint64_t received, built, cloned, split;
    uint64_t transmitted, delivered, merged, dropped;
};

struct nst_pool {
    struct mem mem; /* the stack's budget: everything of the stack is charged here */
    struct slab packets;
    struct slab slices; /* arrays of PKT_SLICES_MAX */
    struct slab blocks[POOL_BLOCK_CLASSES];
    uint64_t blocks_alive;
    uint64_t packets_alive;
    struct pool_census census;
    uint64_t drops[DROP_REASON_MAX];
    const struct csum_ops *csum;
    bool retired;
};

/* NULL: the allocator refused. */
struct nst_pool *pool_new(const struct nst_allocator *allocator, uint64_t limit);
/* The stack is done with it: frees it now or when its last packet and block come back. */
void pool_retire(struct nst_pool *pool);

/* Packets that are in nobody's end yet: what must be found in the stack's queues. */
static inline uint64_t pool_queued(const struct nst_pool *pool)
{
    const struct pool_census *c = &pool->census;
    return c->received + c->built + c->cloned + c->split - c->transmitted - c->delivered -
           c->merged - c->dropped;
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

#endif
