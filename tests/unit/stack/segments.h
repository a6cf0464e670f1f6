/* SPDX-License-Identifier: Apache-2.0 */
/* Large TCP and UDP packets of known payload, for gso_test and coalesce_test. */
#ifndef TESTS_UNIT_STACK_SEGMENTS_H
#define TESTS_UNIT_STACK_SEGMENTS_H

#include "testing.h"

#include "alloc.h"
#include "frames.h"
#include "packet/pool.h"
#include "random.h"
#include "wire/csum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/udp.h"
#include "world.h"

struct segments {
    struct alloc alloc;
    struct nst_pool *pool;
    uint8_t payload[65536];
};

static inline void segments_begin(struct segments *s)
{
    uint64_t seed = 7;
    alloc_init(&s->alloc);
    s->pool = pool_new(&s->alloc.allocator, 0);
    assert_non_null(s->pool);
    for (size_t i = 0; i < sizeof(s->payload); i++)
        s->payload[i] = (uint8_t)random_next(&seed);
}

static inline void segments_end(struct segments *s)
{
    assert_int_equal(s->pool->packets_alive, 0);
    assert_int_equal(s->pool->blocks_alive, 0);
    assert_int_equal(pool_queued(s->pool), 0);
    pool_retire(s->pool);
    assert_int_equal(s->alloc.live, 0);
}

#define SEGMENTS_SRC ((struct nst_endpoint){.addr = nst_addr_v4(10, 0, 0, 2), .port = 4321})
#define SEGMENTS_DST ((struct nst_endpoint){.addr = nst_addr_v4(10, 0, 0, 1), .port = 80})

/* Appends payload [0, len) to p as slices of at most 16,000 bytes. */
static inline void segments_add_payload(struct segments *s, struct pkt *p, uint32_t len)
{
    for (uint32_t at = 0; at < len;) {
        uint32_t n = len - at < 16000 ? len - at : 16000;
        struct nst_block *b = block_new(s->pool, n);
        memcpy(b->memory, s->payload + at, n);
        assert_true(pkt_add_slice(p, b, b->memory, n));
        block_unref(b);
        at += n;
    }
}

/* A packet with these headers in the linear part and `len` bytes of payload behind. */
static inline struct pkt *segments_wrap(struct segments *s, const uint8_t *headers, size_t n,
                                        uint32_t len)
{
    struct pkt *p = pkt_build(s->pool, 14, (uint32_t)n);
    memcpy(nst_pkt_put(pkt_pub(p), (uint32_t)n), headers, n);
    segments_add_payload(s, p, len);
    return p;
}

/* A received packet: all linear in a block of its own, `len` bytes of frame. */
static inline struct pkt *segments_received(struct segments *s, const uint8_t *frame, size_t len)
{
    struct nst_pkt *p = nst_pkt_new(s->pool, 32, (uint32_t)len > 200 ? (uint32_t)len : 200);
    memcpy(nst_pkt_put(p, (uint32_t)len), frame, len);
    pkt_receive(pkt_of(p));
    return pkt_of(p);
}

/* The bytes of p in one piece; free them. */
static inline uint8_t *segments_flat(struct pkt *p)
{
    uint8_t *bytes = malloc(p->len + 1);
    assert_int_equal(nst_pkt_copy_out(pkt_pub(p), 0, bytes, p->len), p->len);
    return bytes;
}

#endif
