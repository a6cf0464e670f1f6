/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static void census_balances(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    const struct pool_census *c = &f.pool->census;
    struct pkt *built = fixture_packet(&f, 20, 40, (const uint32_t[]){100, 200, 0});
    struct pkt *clone = pkt_clone(built);
    struct pkt *part = pkt_split(built, 30, 10, 250);
    struct pkt *received = pkt_of(nst_pkt_new(f.pool, 0, 60));
    assert_int_equal(pool_queued(f.pool), 3);
    pkt_receive(received);
    assert_int_equal(pool_queued(f.pool), 4);
    pkt_drop(built, DROP_NO_ROUTE);
    pkt_deliver(clone);
    nst_pkt_free(pkt_pub(part));
    pkt_count_delivered(received);
    assert_int_equal(pool_queued(f.pool), 0);
    assert_int_equal(f.pool->packets_alive, 1);
    pkt_free(received);
    assert_int_equal(c->built, 1);
    assert_int_equal(c->cloned, 1);
    assert_int_equal(c->split, 1);
    assert_int_equal(c->received, 1);
    assert_int_equal(c->dropped, 1);
    assert_int_equal(c->delivered, 2);
    assert_int_equal(c->transmitted, 1);
    assert_int_equal(f.pool->drops[DROP_NO_ROUTE], 1);
    fixture_end(&f);
}

static void link_made_is_not_counted(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct nst_pkt *p = nst_pkt_new(f.pool, 10, 100);
    struct nst_pkt *twin = nst_pkt_clone(p);
    assert_int_equal(f.pool->census.cloned, 0);
    nst_pkt_free(twin);
    nst_pkt_free(p);
    assert_int_equal(f.pool->census.transmitted, 0);
    pkt_drop(NULL, DROP_NO_ROUTE);
    assert_int_equal(f.pool->census.dropped, 0);
    fixture_end(&f);
}

static void looped_packet_is_both(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *p = fixture_packet(&f, 0, 10, NULL);
    pkt_receive(p);
    assert_int_equal(f.pool->census.transmitted, 1);
    assert_int_equal(f.pool->census.received, 1);
    assert_int_equal(pool_queued(f.pool), 1);
    pkt_drop(p, DROP_NO_SOCKET);
    fixture_end(&f);
}

static void small_is_inline(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *small = pkt_build(f.pool, PKT_INLINE - 20, 20);
    assert_null(small->block);
    struct pkt *large = pkt_build(f.pool, PKT_INLINE - 20, 21);
    assert_non_null(large->block);
    assert_true(nst_pkt_headroom(pkt_pub(large)) == PKT_INLINE - 20);
    assert_true(nst_pkt_tailroom(pkt_pub(large)) >= 21);
    pkt_drop(small, DROP_NO_ROUTE);
    pkt_drop(large, DROP_NO_ROUTE);
    fixture_end(&f);
}

static void clone_is_equal_and_apart(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    static const uint32_t sizes[] = {30, 600};
    for (int i = 0; i < 2; i++) {
        struct pkt *p = fixture_packet(&f, 40, sizes[i], (const uint32_t[]){9, 8, 7, 6, 5, 0});
        nst_pkt_request_csum(pkt_pub(p), 8, 4);
        p->gso = NST_GSO_TCP4;
        p->gso_size = 77;
        p->arrival = 5;
        pkt_set_trans(p);
        struct pkt *clone = pkt_clone(p);
        fixture_check(clone, 0, sizes[i] + 35);
        assert_int_equal(clone->csum_start, p->csum_start);
        assert_int_equal(clone->gso_size, 77);
        assert_int_equal(clone->trans_off, p->trans_off);
        assert_int_equal(clone->arrival, 5);
        assert_int_equal(nst_pkt_headroom(pkt_pub(clone)), 40);
        assert_ptr_equal(clone->slice[0].block, p->slice[0].block);
        assert_true(pkt_linear_is_private(p) && pkt_linear_is_private(clone));
        p->data[0] ^= 0xff;
        fixture_check(clone, 0, sizes[i] + 35);
        pkt_drop(p, DROP_NO_ROUTE);
        fixture_check(clone, 0, sizes[i] + 35);
        pkt_drop(clone, DROP_NO_ROUTE);
    }
    fixture_end(&f);
}

static void split_gives_every_range(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    static const uint32_t linears[] = {0, 13, 300};
    for (int i = 0; i < 3; i++) {
        uint32_t total = linears[i] + 5 + 1 + 11;
        struct pkt *p = fixture_packet(&f, 3, linears[i], (const uint32_t[]){5, 1, 11, 0});
        for (uint32_t from = 0; from <= total; from++) {
            for (uint32_t len = 0; len <= total - from; len++) {
                struct pkt *part = pkt_split(p, 54, from, len);
                fixture_check(part, from, len);
                assert_true(nst_pkt_headroom(pkt_pub(part)) >= 54);
                pkt_drop(part, DROP_NO_ROUTE);
            }
        }
        pkt_drop(p, DROP_NO_ROUTE);
    }
    fixture_end(&f);
}

static void split_shares(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *p = fixture_packet(&f, 0, 400, NULL);
    struct pkt *part = pkt_split(p, 20, 100, 200);
    assert_false(pkt_linear_is_private(p));
    assert_int_equal(f.pool->blocks_alive, 1);
    pkt_drop(part, DROP_NO_ROUTE);
    assert_true(pkt_linear_is_private(p));
    pkt_drop(p, DROP_NO_ROUTE);
    fixture_end(&f);
}

struct outside {
    int released;
    uint8_t memory[256];
};

static void release(void *context, uint8_t *memory)
{
    struct outside *o = context;
    assert_ptr_equal(memory, o->memory);
    o->released++;
}

static void outside_memory_is_released_once(void **state)
{
    struct fixture f;
    struct outside o = {0};
    fixture_begin(&f, 0);
    assert_null(
        nst_pkt_new_external(f.pool, &(struct nst_external){o.memory, 256, 200, 57, release, &o}));
    struct nst_pkt *p =
        nst_pkt_new_external(f.pool, &(struct nst_external){o.memory, 256, 16, 100, release, &o});
    assert_ptr_equal(p->data, o.memory + 16);
    assert_int_equal(nst_pkt_tailroom(p), 140);
    pkt_receive(pkt_of(p));
    struct pkt *part = pkt_split(pkt_of(p), 0, 50, 10);
    pkt_drop(pkt_of(p), DROP_NO_SOCKET);
    assert_int_equal(o.released, 0);
    pkt_drop(part, DROP_NO_SOCKET);
    assert_int_equal(o.released, 1);
    fixture_end(&f);
}

static void transfer_outlives_its_pool(void **state)
{
    struct fixture a, b;
    fixture_begin(&a, 0);
    fixture_begin(&b, 0);
    struct pkt *p = fixture_packet(&a, 10, 20, (const uint32_t[]){500, 0});
    struct pkt *moved = pkt_of(nst_pkt_transfer(b.pool, pkt_pub(p)));
    assert_int_equal(a.pool->census.transmitted, 1);
    assert_int_equal(a.pool->packets_alive, 0);
    assert_int_equal(a.pool->blocks_alive, 1);
    pool_retire(a.pool);
    assert_true(a.alloc.live > 0);
    fixture_check(moved, 0, 520);
    pkt_receive(moved);
    pkt_drop(moved, DROP_NO_SOCKET);
    assert_int_equal(a.alloc.live, 0);
    fixture_end(&b);
}

static void transfer_without_memory(void **state)
{
    struct fixture a, b;
    fixture_begin(&a, 0);
    fixture_begin(&b, 0);
    b.alloc.fail_from = b.alloc.count + 1;
    assert_null(nst_pkt_transfer(b.pool, pkt_pub(fixture_packet(&a, 0, 20, NULL))));
    fixture_end(&b);
    fixture_end(&a);
}

/* Every allocation may fail, whatever is being made: nothing is left behind. */
static void every_allocation_may_fail(void **state)
{
    static const uint32_t slices[] = {3, 4, 5, 6, 7, 0};
    for (uint64_t n = 1;; n++) {
        struct fixture f;
        fixture_begin(&f, 0);
        struct pkt *p = fixture_packet(&f, 0, 300, slices);
        struct pkt *more[16] = {NULL};
        f.alloc.fail_at = f.alloc.count + n;
        for (int i = 0; i < 16; i++)
            more[i] = i % 2 ? pkt_clone(p) : pkt_split(p, 300, 100, 220);
        bool reached = f.alloc.count >= f.alloc.fail_at;
        for (int i = 0; i < 16; i++)
            pkt_drop(more[i], DROP_NO_ROUTE);
        fixture_check(p, 0, 325);
        pkt_drop(p, DROP_NO_ROUTE);
        fixture_end(&f);
        if (!reached)
            break;
        assert_true(n < 1000);
    }
}

TESTS({"packet/N121: every begin and end is counted, once", census_balances},
      {"what a link makes is in no count until it is delivered", link_made_is_not_counted},
      {"a packet that a loopback delivers was transmitted and received", looped_packet_is_both},
      {"what fits lies in the descriptor", small_is_inline},
      {"a clone is equal, and apart from its original", clone_is_equal_and_apart},
      {"split gives every range of every shape", split_gives_every_range},
      {"split shares the block and copies nothing", split_shares},
      {"outside memory is released once, with the last packet", outside_memory_is_released_once},
      {"a transferred packet keeps the blocks of a stack that is gone", transfer_outlives_its_pool},
      {"a transfer without memory ends the packet", transfer_without_memory},
      {"every allocation may fail", every_allocation_may_fail})
