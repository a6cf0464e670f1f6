/* SPDX-License-Identifier: Apache-2.0 */
/* The beginnings and ends of packets; packet.h has the theory of operation, shape.c what is in
 * between. */
#include "packet/packet.h"

#include "base/check.h"
#include "packet/block.h"
#include "packet/counter.h"
#include "packet/pool.h"
#include "packet/trace.h"

/* No descriptor is left: what is cached makes room, once. */
static __attribute__((noinline)) struct pkt *take_slow(struct nst_pool *pool)
{
    pool_trim(pool);
    return slab_take(&pool->packets);
}

/* A descriptor with any content, which give() takes back once it has some. */
static inline struct pkt *take_raw(struct nst_pool *pool)
{
    struct pkt *p = slab_take(&pool->packets);
    if (unlikely(p == NULL)) {
        p = take_slow(pool);
        if (p == NULL)
            return NULL;
    }
    pool->packets_alive++;
    return p;
}

/* A descriptor with an empty inline linear part and no head-room. */
static inline struct pkt *take(struct nst_pool *pool)
{
    struct pkt *p = take_raw(pool);
    if (unlikely(p == NULL))
        return NULL;
    p->next = NULL;
    p->data = p->inline_data;
    p->head = p->inline_data;
    p->end = p->inline_data + PKT_INLINE;
    p->slice = p->inline_slice;
    p->linear = 0;
    p->len = 0;
    p->nslices = 0;
    p->csum = NST_CSUM_UNKNOWN;
    p->gso = NST_GSO_NONE;
    p->gso_size = 0;
    p->csum_start = 0;
    p->csum_offset = 0;
    p->flags = 0;
    p->note = NST_NOTE_NONE;
    p->trace = 0;
    p->arrival = 0;
    p->pool = pool;
    p->block = NULL;
    p->nic_id = 0;
    p->link_off = 0;
    p->net_off = 0;
    p->trans_off = 0;
    p->type = PKT_HOST;
    p->begun = false;
    p->slice_cap = PKT_INLINE_SLICES;
    return p;
}

/* Gives the descriptor back, whose references are gone. */
static inline void give_raw(struct pkt *p)
{
    struct nst_pool *pool = p->pool;
    if (unlikely(p->slice_cap != PKT_INLINE_SLICES))
        slab_give(&pool->slices, p->slice);
    slab_give(&pool->packets, p);
    pool->packets_alive--;
    if (unlikely(pool->retired))
        pool_settle(pool);
}

/* Gives everything back and counts nothing. */
static inline void give(struct pkt *p)
{
    for (uint32_t i = 0; i < p->nslices; i++)
        block_unref(p->slice[i].block);
    if (p->block != NULL)
        block_unref(p->block);
    give_raw(p);
}

/* Puts the empty linear part of p into a block for `size` bytes. Without memory p is given back. */
static __attribute__((noinline)) struct pkt *move_to_block(struct pkt *p, uint32_t headroom,
                                                           uint32_t size)
{
    struct nst_block *b = NULL;
    if (size <= INT32_MAX && headroom <= UINT16_MAX)
        b = block_new(p->pool, headroom + size);
    if (b == NULL) {
        give(p);
        return NULL;
    }
    p->block = b;
    p->head = b->memory;
    p->end = b->memory + b->size;
    p->data = p->head + headroom;
    return p;
}

static inline struct pkt *make(struct nst_pool *pool, uint32_t headroom, uint32_t size)
{
    struct pkt *p = take(pool);
    if (unlikely(p == NULL))
        return NULL;
    if (unlikely((uint64_t)headroom + size > PKT_INLINE))
        return move_to_block(p, headroom, size);
    p->data = p->inline_data + headroom;
    return p;
}

/* ---- Begin ---- */

struct pkt *pkt_build(struct nst_pool *pool, uint32_t headroom, uint32_t size)
{
    struct pkt *p = make(pool, headroom, size);
    if (likely(p != NULL)) {
        p->begun = true;
        pool->census.built++;
    }
    return p;
}

/* What is not bytes: everything that still holds for a packet with the same head-room. Note and
 * trace are the stack's own, and do not go with a packet that leaves it. */
static void copy_metadata(struct pkt *to, const struct pkt *from)
{
    to->csum = from->csum;
    to->gso = from->gso;
    to->gso_size = from->gso_size;
    to->csum_start = from->csum_start;
    to->csum_offset = from->csum_offset;
    to->flags = from->flags;
    to->arrival = from->arrival;
    to->nic_id = from->nic_id;
    to->link_off = from->link_off;
    to->net_off = from->net_off;
    to->trans_off = from->trans_off;
    to->type = from->type;
}

static bool share_slices(struct pkt *to, const struct pkt *from)
{
    for (uint32_t i = 0; i < from->nslices; i++) {
        const struct nst_slice *s = &from->slice[i];
        if (!pkt_add_slice(to, s->block, s->data, s->len))
            return false;
    }
    return true;
}

/* A packet of `pool` that is not in the census, with p's bytes: head-room too, for it may hold
 * the headers that were pulled. */
static struct pkt *duplicate(struct nst_pool *pool, const struct pkt *p)
{
    uint32_t headroom = nst_pkt_headroom((const struct nst_pkt *)p);
    struct pkt *copy = make(pool, headroom, p->linear);
    if (copy == NULL)
        return NULL;
    memcpy(copy->head, p->head, headroom + p->linear);
    copy->linear = p->linear;
    copy->len = p->linear;
    copy_metadata(copy, p);
    if (!share_slices(copy, p)) {
        give(copy);
        return NULL;
    }
    return copy;
}

struct pkt *pkt_clone(const struct pkt *p)
{
    struct pkt *copy = duplicate(p->pool, p);
    /* A copy of what a link has not delivered yet is not in the census either. */
    if (copy == NULL)
        return NULL;
    copy->note = p->note;
    copy->trace = p->trace;
    if (p->begun) {
        copy->begun = true;
        copy->pool->census.cloned++;
    }
    return copy;
}

/* The bytes [offset, offset + len) of p's inline linear part, copied behind the head-room. */
static struct pkt *split_inline(const struct pkt *p, uint32_t headroom, uint32_t offset,
                                uint32_t len)
{
    struct pkt *part = make(p->pool, headroom, len);
    if (part != NULL)
        memcpy(nst_pkt_put(pkt_pub(part), len), p->data + offset, len);
    return part;
}

/* Appends views of bytes [offset, offset + len) of p's slices, which are there. */
static inline bool share_range(struct pkt *to, const struct pkt *p, uint32_t offset, uint32_t len)
{
    const struct nst_slice *s = p->slice;
    for (; len > 0; s++) {
        if (offset >= s->len) {
            offset -= s->len;
            continue;
        }
        uint32_t n = min_u32(len, s->len - offset);
        if (unlikely(!pkt_add_slice(to, s->block, s->data + offset, n)))
            return false;
        offset = 0;
        len -= n;
    }
    return true;
}

/* The same where the range begins in the linear part of p. */
static struct pkt *split_linear(const struct pkt *p, uint32_t headroom, uint32_t offset,
                                uint32_t len)
{
    uint32_t linear = min_u32(len, p->linear - offset);
    struct pkt *part = split_inline(p, headroom, offset, p->block == NULL ? linear : 0);
    if (part == NULL)
        return NULL;
    if ((p->block != NULL && !pkt_add_slice(part, p->block, p->data + offset, linear)) ||
        !share_range(part, p, 0, len - linear)) {
        give(part);
        return NULL;
    }
    return part;
}

static inline struct pkt *split_slices(const struct pkt *p, uint32_t headroom, uint32_t offset,
                                       uint32_t len)
{
    struct pkt *part = make(p->pool, headroom, 0);
    if (likely(part != NULL) && unlikely(!share_range(part, p, offset, len))) {
        give(part);
        return NULL;
    }
    return part;
}

struct pkt *pkt_split(const struct pkt *p, uint32_t headroom, uint32_t offset, uint32_t len)
{
    DEBUG_CHECK(offset <= p->len && len <= p->len - offset);
    struct pkt *part = likely(offset >= p->linear)
                           ? split_slices(p, headroom, offset - p->linear, len)
                           : split_linear(p, headroom, offset, len);
    if (unlikely(part == NULL))
        return NULL;
    part->begun = true;
    part->note = p->note;
    p->pool->census.split++;
    return part;
}

/* ---- End ---- */

void pkt_drop(struct pkt *p, enum drop_reason reason)
{
    if (p == NULL)
        return;
    if (p->begun) {
        counter_add(&p->pool->drops[reason], 1);
        p->pool->census.dropped++;
    }
    if (unlikely(p->trace != 0))
        trace_dropped(p, reason);
    give(p);
}

void pkt_deliver(struct pkt *p)
{
    pkt_count_delivered(p);
    give(p);
}

void pkt_merge(struct pkt *p)
{
    p->pool->census.merged += p->begun;
    give(p);
}

void pkt_free(struct pkt *p)
{
    DEBUG_CHECK(!p->begun);
    give(p);
}

void pktq_drop(struct nst_pktq *q, enum drop_reason reason)
{
    while (!nst_pktq_is_empty(q))
        pkt_drop(pktq_pop(q), reason);
}

/* ---- For links ---- */

struct nst_pkt *nst_pkt_new(struct nst_pool *pool, uint32_t headroom, uint32_t size)
{
    return pkt_pub(make(pool, headroom, size));
}

static void release_nothing(void *context, uint8_t *memory)
{
    (void)context;
    (void)memory;
}

struct nst_pkt *nst_pkt_new_external(struct nst_pool *pool, const struct nst_external *e)
{
    if (e->headroom > e->size || e->len > e->size - e->headroom)
        return NULL;
    struct pkt *p = take(pool);
    if (p == NULL)
        return NULL;
    p->block = block_new_external(pool, e->memory, e->size,
                                  e->release != NULL ? e->release : release_nothing, e->context);
    if (p->block == NULL) {
        give(p);
        return NULL;
    }
    p->head = e->memory;
    p->end = e->memory + e->size;
    p->data = e->memory + e->headroom;
    p->linear = e->len;
    p->len = e->len;
    return pkt_pub(p);
}

/* The way of nearly every packet: everything but a few slices lies in the descriptor. The slices
 * move with their references. */
static inline struct pkt *transfer_inline(struct nst_pool *to, struct pkt *p)
{
    struct pkt *copy = take_raw(to);
    if (likely(copy != NULL)) {
        const uint32_t headroom = nst_pkt_headroom(pkt_pub(p));
        memcpy((void *)copy, p, offsetof(struct pkt, cb));
        copy->next = NULL;
        copy->head = copy->inline_data;
        copy->data = copy->inline_data + headroom;
        copy->end = copy->inline_data + PKT_INLINE;
        copy->slice = copy->inline_slice;
        copy->pool = to;
        copy->begun = false;
        copy->note = NST_NOTE_NONE;
        copy->trace = 0;
        memcpy(copy->inline_data, p->inline_data, headroom + p->linear);
        for (uint32_t i = 0; i < p->nslices; i++)
            copy->inline_slice[i] = p->inline_slice[i];
        p->nslices = 0;
    }
    nst_pkt_free(pkt_pub(p));
    return copy;
}

struct nst_pkt *nst_pkt_transfer(struct nst_pool *to, struct nst_pkt *public)
{
    struct pkt *p = pkt_of(public);
    if (likely(p->block == NULL && p->slice_cap == PKT_INLINE_SLICES))
        return pkt_pub(transfer_inline(to, p));
    struct pkt *copy = duplicate(to, p);
    nst_pkt_free(public);
    return pkt_pub(copy);
}

struct nst_pkt *nst_pkt_clone(const struct nst_pkt *p)
{
    return pkt_pub(pkt_clone((const struct pkt *)p));
}

void nst_pkt_free(struct nst_pkt *public)
{
    struct pkt *p = pkt_of(public);
    if (p == NULL)
        return;
    p->pool->census.transmitted += p->begun;
    give(p);
}
