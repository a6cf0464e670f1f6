/* SPDX-License-Identifier: Apache-2.0 */
/* A pool over the counting allocator, and packets of known bytes. */
#ifndef TESTS_UNIT_PACKET_FIXTURE_H
#define TESTS_UNIT_PACKET_FIXTURE_H

#include "testing.h"

#include "alloc.h"
#include "packet/pool.h"

struct fixture {
    struct alloc alloc;
    struct nst_pool *pool;
};

static inline void fixture_begin(struct fixture *f, uint64_t limit)
{
    *f = (struct fixture){0};
    alloc_init(&f->alloc);
    f->pool = pool_new(&f->alloc.allocator, limit);
    assert_non_null(f->pool);
}

/* The pool must be empty: all memory is back. */
static inline void fixture_end(struct fixture *f)
{
    assert_int_equal(f->pool->packets_alive, 0);
    assert_int_equal(f->pool->blocks_alive, 0);
    assert_int_equal(pool_queued(f->pool), 0);
    pool_retire(f->pool);
    assert_int_equal(f->alloc.live, 0);
    assert_int_equal(f->alloc.live_bytes, 0);
}

/* Byte i of every test packet. */
static inline uint8_t fixture_byte(uint32_t i)
{
    return (uint8_t)(i * 7 + (i >> 8) + 1);
}

/* Appends `len` bytes as a slice of a new block, going on where p ends. */
static inline void fixture_add(struct fixture *f, struct pkt *p, uint32_t len)
{
    struct nst_block *b = block_new(f->pool, len);
    assert_non_null(b);
    for (uint32_t i = 0; i < len; i++)
        b->memory[i] = fixture_byte(p->len + i);
    assert_true(pkt_add_slice(p, b, b->memory, len));
    block_unref(b);
}

/* A built packet: `linear` bytes, then slices of the given lengths up to a 0. */
static inline struct pkt *fixture_packet(struct fixture *f, uint32_t headroom, uint32_t linear,
                                         const uint32_t *slices)
{
    struct pkt *p = pkt_build(f->pool, headroom, linear);
    assert_non_null(p);
    uint8_t *at = nst_pkt_put(pkt_pub(p), linear);
    for (uint32_t i = 0; i < linear; i++)
        at[i] = fixture_byte(i);
    for (; slices != NULL && *slices != 0; slices++)
        fixture_add(f, p, *slices);
    return p;
}

/* p holds bytes [from, from + len) of a test packet, and its lengths agree. */
static inline void fixture_check(const struct pkt *p, uint32_t from, uint32_t len)
{
    uint32_t sum = p->linear;
    for (uint32_t i = 0; i < p->nslices; i++)
        sum += p->slice[i].len;
    assert_int_equal(sum, p->len);
    assert_int_equal(p->len, len);
    assert_true(p->head <= p->data && p->data + p->linear <= p->end);
    uint8_t *bytes = malloc(len + 1);
    assert_int_equal(nst_pkt_copy_out((const struct nst_pkt *)p, 0, bytes, len), len);
    for (uint32_t i = 0; i < len; i++)
        assert_int_equal(bytes[i], fixture_byte(from + i));
    free(bytes);
}

#endif
