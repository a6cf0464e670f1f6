/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upper end of a link, played by the test: what the link delivers is kept, and packets are
 * handed to it, without a stack. Each packet carries its number in its first four bytes.
 */
#ifndef TESTS_UNIT_LINK_TOP_H
#define TESTS_UNIT_LINK_TOP_H

#include "testing.h"

#include <nicstack/link.h>

#include "alloc.h"
#include "packet/pool.h"

#define TOP_HEADROOM 64

struct top {
    struct nst_link_upper upper;
    struct alloc alloc;
    struct nst_pool *pool;
    struct nst_link *link; /* NULL: not attached */
    struct nst_pktq got;
    struct nst_pktq txq; /* what the link left there */
    int writable;        /* how often it said so */
};

static inline void top_deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    nst_pktq_splice(&((struct top *)upper)->got, q);
}

static inline void top_writable(struct nst_link_upper *upper)
{
    ((struct top *)upper)->writable++;
}

static inline void top_init(struct top *t, uint64_t memory_limit)
{
    *t = (struct top){.upper = {.deliver = top_deliver, .writable = top_writable}};
    alloc_init(&t->alloc);
    t->pool = pool_new(&t->alloc.allocator, memory_limit);
    assert_non_null(t->pool);
}

static inline void top_attach(struct top *t, struct nst_link *link)
{
    t->link = link;
    link->upper = &t->upper;
    link->pool = t->pool;
    if (link->ops->attach != NULL)
        link->ops->attach(link);
}

static inline void top_detach(struct top *t)
{
    if (t->link == NULL)
        return;
    if (t->link->ops->detach != NULL)
        t->link->ops->detach(t->link);
    t->link->upper = NULL;
    t->link->pool = NULL;
    t->link = NULL;
}

static inline void top_forget(struct nst_pktq *q)
{
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL)
        nst_pkt_free(p);
}

/* Every packet and byte must be back. */
static inline void top_fini(struct top *t)
{
    top_detach(t);
    top_forget(&t->got);
    top_forget(&t->txq);
    assert_int_equal(t->pool->packets_alive, 0);
    pool_retire(t->pool);
    assert_int_equal(t->alloc.live_bytes, 0);
}

static inline uint8_t top_byte(uint32_t number, uint32_t i)
{
    return (uint8_t)(number * 31 + i * 7 + (i >> 8));
}

/* A packet of `len` bytes, at least 4. */
static inline struct nst_pkt *top_packet(struct top *t, uint32_t number, uint32_t len)
{
    struct nst_pkt *p = nst_pkt_new(t->pool, TOP_HEADROOM, len);
    assert_non_null(p);
    uint8_t *data = nst_pkt_put(p, len);
    memcpy(data, &number, sizeof(number));
    for (uint32_t i = sizeof(number); i < len; i++)
        data[i] = top_byte(number, i);
    return p;
}

/* The number of p, whose other bytes are checked. */
static inline uint32_t top_number(const struct nst_pkt *p)
{
    static uint8_t data[70000];
    uint32_t number;
    assert_int_equal(nst_pkt_copy_out(p, 0, data, sizeof(data)), p->len);
    memcpy(&number, data, sizeof(number));
    for (uint32_t i = sizeof(number); i < p->len; i++)
        assert_int_equal(data[i], top_byte(number, i));
    return number;
}

/* Hands what is in txq to the link, as a NIC does. */
static inline void top_flush(struct top *t)
{
    if (!nst_pktq_is_empty(&t->txq) && !t->link->tx_blocked)
        t->link->ops->transmit(t->link, &t->txq);
}

/* Sends `count` packets of `len` bytes, numbered from `first`, as one batch. */
static inline void top_send(struct top *t, uint32_t first, uint32_t count, uint32_t len)
{
    for (uint32_t i = 0; i < count; i++)
        nst_pktq_push(&t->txq, top_packet(t, first + i, len));
    top_flush(t);
}

static inline void top_run(struct top *t, nst_time now)
{
    if (t->link->ops->run != NULL)
        t->link->ops->run(t->link, now);
}

static inline nst_time top_deadline(const struct top *t)
{
    return t->link->ops->next_deadline != NULL ? t->link->ops->next_deadline(t->link)
                                               : NST_TIME_NEVER;
}

/* The next packet that was delivered must be `number`. */
static inline void top_expect(struct top *t, uint32_t number)
{
    struct nst_pkt *p = nst_pktq_pop(&t->got);
    assert_non_null(p);
    assert_int_equal(top_number(p), number);
    nst_pkt_free(p);
}

static inline void top_expect_range(struct top *t, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        top_expect(t, first + i);
    assert_true(nst_pktq_is_empty(&t->got));
    assert_int_equal(t->got.count, 0);
    assert_int_equal(t->got.bytes, 0);
}

#endif
