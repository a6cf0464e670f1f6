/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe, packet by packet; pipe_test.c has whole connections. */
#include "top.h"

struct rig {
    struct alloc alloc;
    struct nst_link *ends[2];
    struct top top[2];
};

static void rig_init(struct rig *r, uint32_t limit, uint32_t caps)
{
    const struct nst_pipe_config config = {.size = sizeof(config), .limit = limit, .caps = caps};
    alloc_init(&r->alloc);
    assert_int_equal(nst_pipe_new(&r->alloc.allocator, &config, r->ends), 0);
    for (int i = 0; i < 2; i++) {
        top_init(&r->top[i], 4 << 20);
        top_attach(&r->top[i], r->ends[i]);
    }
}

static void rig_fini(struct rig *r)
{
    top_detach(&r->top[0]);
    top_detach(&r->top[1]);
    nst_pipe_free(r->ends);
    assert_null(r->ends[0]);
    assert_int_equal(r->alloc.live, 0);
    /* Blocks are shared between the two pools: those that hold them go first. */
    for (int i = 0; i < 2; i++) {
        top_forget(&r->top[i].got);
        top_forget(&r->top[i].txq);
    }
    top_fini(&r->top[0]);
    top_fini(&r->top[1]);
}

static void carries_both_ways_in_order(void **state)
{
    struct rig r;
    rig_init(&r, 0, 0);
    assert_true(top_deadline(&r.top[0]) == NST_TIME_NEVER);
    top_send(&r.top[0], 0, 100, 1500);
    top_send(&r.top[1], 1000, 50, 40);
    assert_true(top_deadline(&r.top[0]) <= 0);
    assert_true(top_deadline(&r.top[1]) <= 0);
    assert_true(nst_pktq_is_empty(&r.top[1].got)); /* not before the receiver runs */
    top_run(&r.top[1], 1);
    top_run(&r.top[0], 1);
    top_expect_range(&r.top[1], 0, 100);
    top_expect_range(&r.top[0], 1000, 50);
    assert_true(top_deadline(&r.top[0]) == NST_TIME_NEVER);
    rig_fini(&r);
}

static void packets_belong_to_the_receiver(void **state)
{
    struct rig r;
    rig_init(&r, 0, 0);
    struct nst_pkt *p = top_packet(&r.top[0], 3, 1000);
    p->arrival = 12345;
    nst_pkt_request_csum(p, 20, 6);
    nst_pktq_push(&r.top[0].txq, p);
    top_flush(&r.top[0]);
    assert_int_equal(r.top[0].pool->packets_alive, 0);
    assert_int_equal(r.top[1].pool->packets_alive, 1);
    top_run(&r.top[1], 1);
    p = r.top[1].got.first;
    assert_true(p->arrival == 0);
    assert_int_equal(p->csum, NST_CSUM_PARTIAL);
    assert_int_equal(nst_pkt_csum_start(p), 20);
    top_expect(&r.top[1], 3);
    rig_fini(&r);
}

static void blocks_at_its_limit(void **state)
{
    struct rig r;
    rig_init(&r, 4, 0);
    top_send(&r.top[0], 0, 4, 100);
    assert_false(r.ends[0]->tx_blocked);
    top_send(&r.top[0], 4, 3, 100);
    assert_true(r.ends[0]->tx_blocked);
    assert_int_equal(r.top[0].txq.count, 3);
    assert_int_equal(r.top[0].txq.bytes, 300);
    assert_int_equal(r.top[0].writable, 0);
    top_run(&r.top[1], 1);
    assert_int_equal(r.top[0].writable, 1);
    assert_false(r.ends[0]->tx_blocked);
    top_flush(&r.top[0]);
    top_run(&r.top[1], 1);
    assert_int_equal(r.top[0].writable, 1); /* it was not blocked again */
    top_expect_range(&r.top[1], 0, 7);
    rig_fini(&r);
}

static void what_nobody_receives_is_lost(void **state)
{
    struct rig r;
    rig_init(&r, 4, 0);
    top_send(&r.top[0], 0, 6, 100);
    assert_true(r.ends[0]->tx_blocked);
    top_detach(&r.top[1]);
    assert_false(r.ends[0]->tx_blocked);
    assert_int_equal(r.top[0].writable, 1);
    top_flush(&r.top[0]);
    top_send(&r.top[0], 6, 100, 100);
    assert_true(nst_pktq_is_empty(&r.top[0].txq));
    top_attach(&r.top[1], r.ends[1]);
    top_run(&r.top[1], 1);
    assert_true(nst_pktq_is_empty(&r.top[1].got));
    top_send(&r.top[0], 200, 1, 100);
    top_run(&r.top[1], 1);
    top_expect_range(&r.top[1], 200, 1);
    rig_fini(&r);
}

static void a_receiver_without_memory_loses(void **state)
{
    struct rig r;
    rig_init(&r, 1000, 0);
    top_fini(&r.top[1]);
    top_init(&r.top[1], 32 << 10);
    top_attach(&r.top[1], r.ends[1]);
    top_send(&r.top[0], 0, 500, 1500);
    assert_true(nst_pktq_is_empty(&r.top[0].txq));
    assert_int_equal(r.top[0].pool->packets_alive, 0);
    top_run(&r.top[1], 1);
    assert_in_range(r.top[1].got.count, 1, 499);
    rig_fini(&r);
}

static void what_it_offers_is_what_was_asked_for(void **state)
{
    struct alloc alloc;
    struct nst_link *ends[2];
    alloc_init(&alloc);
    struct nst_pipe_config config = {.size = sizeof(config),
                                     .ethernet = true,
                                     .mtu = 9000,
                                     .caps = NST_LINK_USO,
                                     .addr = {{{2, 1}}, {{2, 2}}}};
    assert_int_equal(nst_pipe_new(&alloc.allocator, &config, ends), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ends[i]->caps, NST_LINK_USO | NST_LINK_RESOLVES);
        assert_int_equal(ends[i]->gso_max, 65535);
        assert_int_equal(ends[i]->mtu, 9000);
        assert_int_equal(ends[i]->max_header, 14);
        assert_int_equal(ends[i]->addr.b[1], i + 1);
        assert_int_equal(ends[i]->ops->set_mtu(ends[i], 1400), 0);
        assert_int_equal(ends[i]->mtu, 1400);
    }
    nst_pipe_free(ends);
    config.size--;
    assert_int_equal(nst_pipe_new(&alloc.allocator, &config, ends), -NST_EINVAL);
    config.size++;
    alloc.fail_at = alloc.count + 1;
    assert_int_equal(nst_pipe_new(&alloc.allocator, &config, ends), -NST_ENOMEM);
    assert_int_equal(alloc.live, 0);
}

TESTS({"packets go both ways, in order, when the receiver runs", carries_both_ways_in_order},
      {"a packet belongs to the receiver's pool and has not arrived before it ran",
       packets_belong_to_the_receiver},
      {"an end blocks at its limit and says when there is room", blocks_at_its_limit},
      {"what is sent to an end without a NIC is lost", what_nobody_receives_is_lost},
      {"a receiver without memory loses packets, the sender none", a_receiver_without_memory_loses},
      {"an end offers what was asked for", what_it_offers_is_what_was_asked_for})
