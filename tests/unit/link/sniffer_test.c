/* SPDX-License-Identifier: Apache-2.0 */
#include "top.h"

struct rig {
    struct alloc alloc;
    struct nst_link *ends[2], *sniffer;
    struct top top[2]; /* 0 is above the sniffer */
    uint32_t seen_out[64], seen_in[64];
    uint32_t outs, ins;
};

static void see(void *context, const struct nst_pkt *p, bool outgoing)
{
    struct rig *r = context;
    if (outgoing)
        r->seen_out[r->outs++] = top_number(p);
    else
        r->seen_in[r->ins++] = top_number(p);
}

static void rig_init(struct rig *r, uint32_t limit)
{
    const struct nst_pipe_config config = {.size = sizeof(config), .limit = limit};
    *r = (struct rig){.outs = 0};
    alloc_init(&r->alloc);
    assert_int_equal(nst_pipe_new(&r->alloc.allocator, &config, r->ends), 0);
    r->sniffer = nst_sniffer_new(&r->alloc.allocator, r->ends[0], see, r);
    assert_non_null(r->sniffer);
    for (int i = 0; i < 2; i++)
        top_init(&r->top[i], 4 << 20);
    top_attach(&r->top[0], r->sniffer);
    top_attach(&r->top[1], r->ends[1]);
}

static void rig_fini(struct rig *r)
{
    top_detach(&r->top[0]);
    top_detach(&r->top[1]);
    nst_sniffer_free(r->sniffer);
    nst_pipe_free(r->ends);
    assert_int_equal(r->alloc.live, 0);
    top_forget(&r->top[0].got);
    top_forget(&r->top[1].got);
    top_fini(&r->top[0]);
    top_fini(&r->top[1]);
}

static void shows_both_ways(void **state)
{
    struct rig r;
    rig_init(&r, 0);
    top_send(&r.top[0], 10, 3, 60);
    top_send(&r.top[1], 20, 2, 60);
    assert_true(top_deadline(&r.top[0]) <= 0);
    top_run(&r.top[0], 1);
    top_run(&r.top[1], 1);
    top_expect_range(&r.top[1], 10, 3);
    top_expect_range(&r.top[0], 20, 2);
    assert_int_equal(r.outs, 3);
    assert_int_equal(r.seen_out[2], 12);
    assert_int_equal(r.ins, 2);
    assert_int_equal(r.seen_in[0], 20);
    rig_fini(&r);
}

static void shows_once_what_waits(void **state)
{
    struct rig r;
    rig_init(&r, 2);
    top_send(&r.top[0], 0, 5, 60);
    assert_true(r.sniffer->tx_blocked);
    assert_int_equal(r.outs, 5);
    for (int i = 0; i < 3; i++)
        top_run(&r.top[1], 1);
    assert_false(r.sniffer->tx_blocked);
    assert_int_equal(r.top[0].writable, 1);
    top_send(&r.top[0], 5, 1, 60);
    top_run(&r.top[1], 1);
    top_expect_range(&r.top[1], 0, 6);
    assert_int_equal(r.outs, 6);
    rig_fini(&r);
}

static void forgets_what_waits_when_detached(void **state)
{
    struct rig r;
    rig_init(&r, 2);
    top_send(&r.top[0], 0, 5, 60);
    top_detach(&r.top[0]);
    assert_null(r.ends[0]->upper);
    top_run(&r.top[1], 1);
    top_expect_range(&r.top[1], 0, 2);
    top_attach(&r.top[0], r.sniffer);
    assert_false(r.sniffer->tx_blocked);
    top_send(&r.top[0], 9, 1, 60);
    top_run(&r.top[1], 1);
    top_expect_range(&r.top[1], 9, 1);
    assert_int_equal(r.outs, 6);
    rig_fini(&r);
}

/* The middleware sends on as soon as the pipe has room: not to an end that is just going. */
static void what_waits_for_an_end_that_goes_is_lost(void **state)
{
    struct rig r;
    rig_init(&r, 1);
    top_send(&r.top[0], 0, 5, 60);
    top_detach(&r.top[1]);
    assert_false(r.sniffer->tx_blocked);
    assert_int_equal(r.top[1].pool->packets_alive, 0);
    top_attach(&r.top[1], r.ends[1]);
    top_run(&r.top[1], 1);
    assert_true(nst_pktq_is_empty(&r.top[1].got));
    rig_fini(&r);
}

static void without_memory_there_is_none(void **state)
{
    struct rig r;
    rig_init(&r, 0);
    r.alloc.fail_at = r.alloc.count + 1;
    assert_null(nst_sniffer_new(&r.alloc.allocator, r.ends[0], see, &r));
    nst_sniffer_free(NULL);
    rig_fini(&r);
}

TESTS({"frames of both ways are shown before they go on", shows_both_ways},
      {"what waits for a full link is shown once, and goes in order", shows_once_what_waits},
      {"what waits is forgotten when the NIC is removed", forgets_what_waits_when_detached},
      {"what waits for an end that goes away is lost", what_waits_for_an_end_that_goes_is_lost},
      {"without memory there is no sniffer", without_memory_there_is_none})
