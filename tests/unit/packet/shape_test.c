/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static const uint32_t pieces[] = {5, 1, 11, 200, 3, 0};
#define PIECES_LEN 220

static void pull_up_any_length(void **state)
{
    static const uint32_t linears[] = {0, 13, 140, 300};
    struct fixture f;
    fixture_begin(&f, 0);
    for (int i = 0; i < 4; i++) {
        uint32_t total = linears[i] + PIECES_LEN;
        for (uint32_t n = 0; n <= total; n++) {
            struct pkt *p = fixture_packet(&f, 4, linears[i], pieces);
            pkt_set_net(p);
            assert_true(pkt_pull_up(p, n));
            assert_true(p->linear >= n);
            assert_ptr_equal(pkt_net(p), p->data);
            fixture_check(p, 0, total);
            assert_false(pkt_pull_up(p, total + 1));
            fixture_check(p, 0, total);
            pkt_drop(p, DROP_NO_ROUTE);
        }
    }
    fixture_end(&f);
}

static void pull_up_leaves_others_alone(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *p = fixture_packet(&f, 0, 300, (const uint32_t[]){50, 0});
    struct pkt *part = pkt_split(p, 0, 100, 200);
    assert_true(pkt_pull_up(p, 350));
    p->data[150] ^= 0xff;
    fixture_check(part, 100, 200);
    pkt_drop(p, DROP_NO_ROUTE);
    pkt_drop(part, DROP_NO_ROUTE);
    fixture_end(&f);
}

static void writable_copies_what_is_shared(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    static const uint32_t linears[] = {100, 1000};
    for (int i = 0; i < 2; i++) {
        struct pkt *p = fixture_packet(&f, 60, linears[i], NULL);
        pkt_set_link(p);
        struct pkt *part = pkt_split(p, 0, 0, linears[i]);
        uint8_t *before = p->data;
        assert_true(pkt_make_writable(p));
        assert_true(pkt_linear_is_private(p));
        assert_ptr_not_equal(p->data, before);
        assert_ptr_equal(p->head + p->link_off, p->data);
        before = p->data;
        assert_true(pkt_make_writable(p));
        assert_ptr_equal(p->data, before);
        memset(p->data, 0, p->linear);
        fixture_check(part, 0, linears[i]);
        pkt_drop(p, DROP_NO_ROUTE);
        pkt_drop(part, DROP_NO_ROUTE);
    }
    fixture_end(&f);
}

static void headroom_grows(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    for (uint32_t linear = 1; linear < 400; linear += 57) {
        struct pkt *p = fixture_packet(&f, 2, linear, pieces);
        pkt_set_net(p);
        nst_pkt_request_csum(pkt_pub(p), 1, 0);
        assert_true(pkt_reserve_headroom(p, 2));
        assert_true(pkt_reserve_headroom(p, 64));
        assert_true(nst_pkt_headroom(pkt_pub(p)) >= 64);
        assert_ptr_equal(pkt_net(p), p->data);
        assert_int_equal(nst_pkt_csum_start(pkt_pub(p)), 1);
        fixture_check(p, 0, linear + PIECES_LEN);
        nst_pkt_push(pkt_pub(p), 64);
        pkt_drop(p, DROP_NO_ROUTE);
    }
    fixture_end(&f);
}

static void slices_grow_to_their_limit(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *p = pkt_build(f.pool, 0, 0);
    for (uint32_t i = 0; i < PKT_SLICES_MAX; i++)
        fixture_add(&f, p, 3);
    struct nst_block *b = block_new(f.pool, 10);
    assert_false(pkt_add_slice(p, b, b->memory, 10));
    assert_int_equal(b->refs, 1);
    assert_true(pkt_add_slice(p, b, b->memory, 0));
    block_unref(b);
    fixture_check(p, 0, 3 * PKT_SLICES_MAX);
    pkt_drop(p, DROP_NO_ROUTE);
    fixture_end(&f);
}

static void continuing_slice_is_one(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *p = pkt_build(f.pool, 0, 0);
    struct nst_block *b = block_new(f.pool, 100);
    for (uint32_t i = 0; i < 100; i++)
        b->memory[i] = fixture_byte(i);
    assert_true(pkt_add_slice(p, b, b->memory, 40));
    assert_true(pkt_add_slice(p, b, b->memory + 40, 60));
    assert_int_equal(p->nslices, 1);
    assert_int_equal(b->refs, 2);
    block_unref(b);
    fixture_check(p, 0, 100);
    pkt_drop(p, DROP_NO_ROUTE);
    fixture_end(&f);
}

static void append_moves_all(void **state)
{
    static const uint32_t linears[] = {0, 20, 400};
    struct fixture f;
    fixture_begin(&f, 0);
    for (int i = 0; i < 3; i++) {
        struct pkt *whole = fixture_packet(&f, 0, 30, (const uint32_t[]){400, 77, 9, 0});
        struct pkt *to = pkt_split(whole, 0, 0, linears[i]);
        struct pkt *from = pkt_split(whole, 0, linears[i], 516 - linears[i]);
        assert_true(pkt_append(to, from));
        fixture_check(to, 0, 516);
        pkt_drop(whole, DROP_NO_ROUTE);
        fixture_check(to, 0, 516);
        pkt_drop(to, DROP_NO_ROUTE);
    }
    assert_int_equal(f.pool->census.merged, 3);
    fixture_end(&f);
}

static void failed_append_changes_nothing(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *to = pkt_build(f.pool, 0, 0);
    for (uint32_t i = 0; i < PKT_SLICES_MAX - 2; i++)
        fixture_add(&f, to, 3);
    struct pkt *from = fixture_packet(&f, 0, 10, (const uint32_t[]){5, 6, 0});
    assert_false(pkt_append(to, from));
    fixture_check(to, 0, 3 * (PKT_SLICES_MAX - 2));
    fixture_check(from, 0, 21);
    pkt_trim(from, 15);
    pkt_drop(to, DROP_NO_ROUTE);
    pkt_drop(from, DROP_NO_ROUTE);
    fixture_end(&f);
}

static void trim_and_pull_every_length(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    for (uint32_t n = 0; n <= 30 + PIECES_LEN; n++) {
        struct pkt *p = fixture_packet(&f, 0, 30, pieces);
        pkt_trim(p, n);
        fixture_check(p, 0, n);
        pkt_drop(p, DROP_NO_ROUTE);
        p = fixture_packet(&f, 0, 30, pieces);
        pkt_pull_any(p, n);
        fixture_check(p, n, 30 + PIECES_LEN - n);
        pkt_drop(p, DROP_NO_ROUTE);
    }
    fixture_end(&f);
}

static void shrink_frees_the_large_block(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    static const uint32_t lens[] = {60, 300, 3000};
    for (int i = 0; i < 3; i++) {
        struct pkt *p = pkt_build(f.pool, 32, 65536);
        for (uint32_t n = 0; n < 14 + lens[i]; n++)
            *(uint8_t *)nst_pkt_put(pkt_pub(p), 1) = n < 14 ? 0xee : fixture_byte(n - 14);
        pkt_set_link(p);
        nst_pkt_pull(pkt_pub(p), 14);
        pkt_set_net(p);
        pkt_set_trans(p);
        nst_pkt_shrink(pkt_pub(p));
        assert_true(p->block == NULL || p->block->size <= 4096);
        assert_ptr_equal(pkt_net(p), p->data);
        assert_int_equal(p->head[p->link_off], 0xee);
        fixture_check(p, 0, lens[i]);
        pkt_drop(p, DROP_NO_ROUTE);
    }
    fixture_end(&f);
}

static void shrink_leaves_what_fits(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *p = fixture_packet(&f, 0, 1500, NULL);
    uint8_t *data = p->data;
    nst_pkt_shrink(pkt_pub(p));
    assert_ptr_equal(p->data, data);
    pkt_drop(p, DROP_NO_ROUTE);
    p = fixture_packet(&f, 0, 10, pieces);
    nst_pkt_shrink(pkt_pub(p));
    fixture_check(p, 0, 10 + PIECES_LEN);
    pkt_drop(p, DROP_NO_ROUTE);
    fixture_end(&f);
}

TESTS({"any number of bytes can be made linear, and no more than there are", pull_up_any_length},
      {"pulling up leaves those alone who share the bytes", pull_up_leaves_others_alone},
      {"make_writable copies what is shared, and only that", writable_copies_what_is_shared},
      {"head-room grows and offsets stay true", headroom_grows},
      {"slices grow to their limit", slices_grow_to_their_limit},
      {"a view that continues the last one extends it", continuing_slice_is_one},
      {"append moves all bytes of every shape", append_moves_all},
      {"an append that fails changes nothing", failed_append_changes_nothing},
      {"trim and pull cut at every length", trim_and_pull_every_length},
      {"shrink moves few bytes out of a large block", shrink_frees_the_large_block},
      {"shrink leaves what fits its block, and slices", shrink_leaves_what_fits})
