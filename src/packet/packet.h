/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets inside the stack.
 *
 * Theory of operation
 *
 * `struct pkt` is a descriptor with one owner: never counted, never in two lists. Its first part is
 * the public struct nst_pkt. The bytes are head-room and a linear part, then slices. The linear
 * part lies in the descriptor itself (what the stack builds: headers) or in a block (what a link
 * received). A block is counted and immutable while more than one packet refers to it.
 *
 * Life of a packet: it begins as received, built, cloned or split and ends as transmitted,
 * delivered, merged or dropped; between the two it is queued. Each begin and end is counted in the
 * pool, so the census balances at every moment (N121). A packet that a link made and has not
 * delivered is in no count; so is one that ended but whose bytes somebody still holds (a socket's
 * queue).
 *
 * Invariants
 *  1. len == linear + sum of slice[i].len.
 *  2. head <= data <= data + linear <= end.
 *  3. The linear part is written only where pkt_linear_is_private says so, or in the inline area.
 *  4. link_off, net_off, trans_off and csum_start count from head, so push and pull leave them
 * true.
 */
#ifndef NICSTACK_SRC_PACKET_PACKET_H
#define NICSTACK_SRC_PACKET_PACKET_H

#include <nicstack/packet.h>

#include "base/fwd.h"
#include "packet/drop.h"

/* Head-room and small payloads inside the descriptor: Ethernet with a tag, IPv6, TCP with all
 * options, and a virtio-net header in front make 130. */
#define PKT_INLINE 144
/* Slices inside the descriptor; more are taken from the pool, up to PKT_SLICES_MAX. */
#define PKT_INLINE_SLICES 4
#define PKT_SLICES_MAX    48

enum pkt_type {
    PKT_HOST = 0,
    PKT_BROADCAST,
    PKT_MULTICAST,
    PKT_OTHERHOST,
    PKT_OUTGOING,
};

struct pkt {
    struct nst_pkt; /* the public part: p->data, p->len, ... (-fms-extensions) */

    struct nst_pool *pool;
    struct nst_block *block; /* under the linear part; NULL: inline */
    uint32_t nic_id;         /* where it came in */
    uint16_t link_off;
    uint16_t net_off;
    uint16_t trans_off;
    uint8_t type;  /* enum pkt_type */
    uint8_t begun; /* it is in the census */
    uint16_t slice_cap;
    /* Control block of whoever owns the packet now: stale as soon as it is passed on. */
    union {
        uint64_t align;
        uint8_t bytes[56]; /* PKT_CB_SIZE */
    } cb;
    struct nst_slice inline_slice[PKT_INLINE_SLICES];
    uint8_t inline_data[PKT_INLINE];
};

/* The control block as the owner's own type; the owner asserts that it fits:
 * _Static_assert(sizeof(struct x) <= PKT_CB_SIZE, ""). */
#define PKT_CB_SIZE     56
#define PKT_CB(p, type) ((type *)(void *)(p)->cb.bytes)

static inline struct nst_pkt *pkt_pub(struct pkt *p)
{
    return (struct nst_pkt *)p;
}

static inline struct pkt *pkt_of(struct nst_pkt *p)
{
    return (struct pkt *)p;
}

/* ---- Blocks ---- */

/*
 * Shared memory under packets. Made with one reference, which is the caller's. `size` bytes at
 * `memory`. `size` is rounded up to the pool's classes: powers of two up to 4 KiB, then 16 KiB,
 * 32 KiB and 65 KiB, of which the pool keeps a few free ones.
 */
struct nst_block {
    uint32_t refs;
    uint32_t size;
    uint8_t *memory;
    struct nst_pool *pool;
    void (*release)(void *context, uint8_t *memory); /* NULL: the pool's own memory */
    void *context;
};

struct nst_block *block_new(struct nst_pool *pool, uint32_t size);
struct nst_block *block_new_external(struct nst_pool *pool, uint8_t *memory, uint32_t size,
                                     void (*release)(void *, uint8_t *), void *context);
void block_release_last(struct nst_block *b);

static inline struct nst_block *block_ref(struct nst_block *b)
{
    b->refs++;
    return b;
}
static inline void block_unref(struct nst_block *b)
{
    if (--b->refs == 0)
        block_release_last(b);
}

/* ---- Begin ---- */

/*
 * A packet of the stack's own making: `headroom` bytes in front of an empty linear part that may
 * grow to `size`; inline when they fit PKT_INLINE together. NULL: the budget is spent.
 */
struct pkt *pkt_build(struct nst_pool *pool, uint32_t headroom, uint32_t size);

/* pkt_receive, which counts what a link delivers as received, is in pool.h. */

/* A copy that shares the blocks; its linear part is copied (all metadata too, cb not). NULL: no
 * memory. */
struct pkt *pkt_clone(const struct pkt *p);

/*
 * A packet with `headroom` bytes of room, whose payload is bytes [offset, offset + len) of p,
 * shared (bytes of an inline linear part are copied). Counted as split. NULL: no memory.
 */
struct pkt *pkt_split(const struct pkt *p, uint32_t headroom, uint32_t offset, uint32_t len);

/* ---- End: each consumes p ---- */

/* Discards: the only way to. NULL is fine. */
void pkt_drop(struct pkt *p, enum drop_reason reason);
/* Its bytes reached a protocol or a socket, and nobody holds them any more. */
void pkt_deliver(struct pkt *p);
/* Its bytes went into another packet, which shares its blocks. */
void pkt_merge(struct pkt *p);

/* For a packet that stays in memory (a socket's queue holds it): pkt_count_delivered of pool.h
 * counts its end now; free it later by pkt_free, which counts nothing. */
void pkt_free(struct pkt *p);

/* ---- Shape ---- */

/* Makes the first n bytes linear. False: there are not n bytes, or no memory; p is unchanged.
 * Inline and cheap where they are linear already. */
bool pkt_pull_up_slow(struct pkt *p, uint32_t n);
static inline bool pkt_pull_up(struct pkt *p, uint32_t n)
{
    return __builtin_expect(p->linear >= n, 1) || pkt_pull_up_slow(p, n);
}

/* Nobody else sees the linear part. */
static inline bool pkt_linear_is_private(const struct pkt *p)
{
    return p->block == NULL || p->block->refs == 1;
}
/* Makes the linear part private, by copying it if it is shared. False: no memory; p is unchanged.
 */
bool pkt_make_writable(struct pkt *p);

/* Makes `n` bytes of head-room, private and writable. False: no memory; p is unchanged. */
bool pkt_grow_headroom(struct pkt *p, uint32_t n);
static inline bool pkt_reserve_headroom(struct pkt *p, uint32_t n)
{
    return __builtin_expect(nst_pkt_headroom(pkt_pub(p)) >= n && pkt_linear_is_private(p), 1) ||
           pkt_grow_headroom(p, n);
}

/* Appends a view of `block` to p and takes a reference to it. False: no more slices or no memory. A
 * view that continues the last slice extends it. */
bool pkt_add_slice_slow(struct pkt *p, struct nst_block *block, uint8_t *data, uint32_t len);
static inline bool pkt_add_slice(struct pkt *p, struct nst_block *block, uint8_t *data,
                                 uint32_t len)
{
    if (p->nslices > 0 || len == 0)
        return pkt_add_slice_slow(p, block, data, len);
    p->slice[0] = (struct nst_slice){data, len, 0, block_ref(block)};
    p->nslices = 1;
    p->len += len;
    return true;
}

/* Moves all bytes of `from` to the end of `to` as slices and ends `from` as merged. False: too many
 * slices or inline bytes that cannot be shared and no memory to copy them; both unchanged. */
bool pkt_append(struct pkt *to, struct pkt *from);

/* Shortens to `len` bytes from the front (trim: cuts the tail). */
void pkt_trim(struct pkt *p, uint32_t len);
/* Drops n bytes in front, slices included. n <= len. */
void pkt_pull_any(struct pkt *p, uint32_t n);

/* The Internet checksum sum (not folded, not inverted) of bytes [offset, offset + len). */
uint32_t pkt_csum(const struct pkt *p, uint32_t offset, uint32_t len);

/* pkt_complete_csum and others are nst_pkt_* of <nicstack/packet.h>. */

/* ---- Offsets ---- */
static inline void pkt_set_link(struct pkt *p)
{
    p->link_off = (uint16_t)(p->data - p->head);
}
static inline void pkt_set_net(struct pkt *p)
{
    p->net_off = (uint16_t)(p->data - p->head);
}
static inline void pkt_set_trans(struct pkt *p)
{
    p->trans_off = (uint16_t)(p->data - p->head);
}
static inline uint8_t *pkt_net(const struct pkt *p)
{
    return p->head + p->net_off;
}
static inline uint8_t *pkt_trans(const struct pkt *p)
{
    return p->head + p->trans_off;
}

/* ---- Queues: struct nst_pktq of the public header, with the stack's type ---- */
static inline void pktq_push(struct nst_pktq *q, struct pkt *p)
{
    nst_pktq_push(q, pkt_pub(p));
}
static inline struct pkt *pktq_pop(struct nst_pktq *q)
{
    return pkt_of(nst_pktq_pop(q));
}
static inline struct pkt *pktq_first(const struct nst_pktq *q)
{
    return pkt_of(q->first);
}
/* Drops everything in q for one reason. */
void pktq_drop(struct nst_pktq *q, enum drop_reason reason);

#endif
