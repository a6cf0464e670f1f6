/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "tcp_peer.h"

static void quick_then_delayed(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    uint32_t at = 1;
    for (int i = 0; i < 16; i++, at += 100) {
        tcp_peer_data(&t, at, 100);
        tcp_peer_expect(&t, TCP_ACK, 1, 0, at + 100);
    }
    tcp_peer_data(&t, at, 100);
    tcp_peer_quiet(&t);
    tcp_peer_wait(&t, 39 * NST_MSEC);
    tcp_peer_quiet(&t);
    tcp_peer_wait(&t, NST_MSEC);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, at + 100);
    tcp_peer_fini(&t);
}

static void every_second(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    uint32_t at = 1;
    for (int i = 0; i < 16; i++, at += 1448) {
        tcp_peer_data(&t, at, 1448);
        tcp_peer_expect(&t, TCP_ACK, 1, 0, at + 1448);
        tcp_peer_read(&t);
    }
    for (int i = 0; i < 10; i++) {
        tcp_peer_data(&t, at, 1448);
        tcp_peer_quiet(&t);
        at += 1448;
        tcp_peer_data(&t, at, 1448);
        at += 1448;
        tcp_peer_expect(&t, TCP_ACK, 1, 0, at);
        tcp_peer_read(&t);
    }
    tcp_peer_fini(&t);
}

static void piggyback(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    uint32_t at = 1;
    for (int i = 0; i < 16; i++, at += 100) {
        tcp_peer_data(&t, at, 100);
        tcp_peer_expect(&t, TCP_ACK, 1, 0, at + 100);
    }
    tcp_peer_data(&t, at, 100);
    tcp_peer_write(&t, 10);
    tcp_peer_expect(&t, TCP_ACK, 1, 10, at + 100);
    tcp_peer_wait(&t, 100 * NST_MSEC);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void out_of_order(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_data(&t, 201, 100);
    struct tcp_seen seen = tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    assert_int_equal(seen.opts.n_sack, 1);
    assert_int_equal(seen.opts.sack[0].start - t.isn, 201);
    assert_int_equal(seen.opts.sack[0].end - t.isn, 301);
    tcp_peer_data(&t, 401, 100);
    seen = tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    assert_int_equal(seen.opts.n_sack, 2);
    /* RFC 2018 4: the latest first. */
    assert_int_equal(seen.opts.sack[0].start - t.isn, 401);
    assert_int_equal(seen.opts.sack[1].start - t.isn, 201);
    tcp_peer_data(&t, 301, 100);
    seen = tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    assert_int_equal(seen.opts.n_sack, 1);
    assert_int_equal(seen.opts.sack[0].start - t.isn, 201);
    assert_int_equal(seen.opts.sack[0].end - t.isn, 501);
    tcp_peer_data(&t, 1, 200);
    seen = tcp_peer_expect(&t, TCP_ACK, 1, 0, 501);
    assert_int_equal(seen.opts.present & TCP_OPTS_SACK, 0);
    assert_int_equal(tcp_peer_read(&t), 500);
    tcp_peer_fini(&t);
}

static void blocks_again(void **state)
{
    struct tcp_peer t;
    struct tcp_seen seen = {0};
    const uint32_t order[] = {201, 601, 401, 801, 1001};
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    for (int i = 0; i < 5; i++) {
        tcp_peer_data(&t, order[i], 100);
        seen = tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    }
    /* RFC 2018 4: those that were reported last, the latest first; not those that lie first. */
    assert_int_equal(seen.opts.n_sack, 3);
    assert_int_equal(seen.opts.sack[0].start - t.isn, 1001);
    assert_int_equal(seen.opts.sack[1].start - t.isn, 801);
    assert_int_equal(seen.opts.sack[2].start - t.isn, 401);
    /* What has grown together is one. */
    tcp_peer_data(&t, 901, 100);
    seen = tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    assert_int_equal(seen.opts.sack[0].start - t.isn, 801);
    assert_int_equal(seen.opts.sack[0].end - t.isn, 1101);
    assert_int_equal(seen.opts.sack[1].start - t.isn, 401);
    assert_int_equal(seen.opts.sack[2].start - t.isn, 601);
    tcp_peer_fini(&t);
}

static void duplicates(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_data(&t, 1, 100);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 101);
    tcp_peer_data(&t, 1, 100);
    struct tcp_seen seen = tcp_peer_expect(&t, TCP_ACK, 1, 0, 101);
    assert_int_equal(seen.opts.n_sack, 1);
    assert_int_equal(seen.opts.sack[0].start - t.isn, 1);
    assert_int_equal(seen.opts.sack[0].end - t.isn, 101);
    /* Half old, half new. */
    tcp_peer_data(&t, 51, 100);
    seen = tcp_peer_expect(&t, TCP_ACK, 1, 0, 151);
    assert_int_equal(seen.opts.n_sack, 1);
    assert_int_equal(seen.opts.sack[0].start - t.isn, 51);
    assert_int_equal(seen.opts.sack[0].end - t.isn, 101);
    assert_int_equal(tcp_peer_read(&t), 150);
    tcp_peer_fini(&t);
}

static void window_edges(void **state)
{
    struct tcp_peer t;
    const struct tcp_peer_config config = {.no_wscale = true};
    tcp_peer_init(&t, &config);
    tcp_peer_accept(&t);
    const uint32_t wnd = tcp_peer_info(&t).rcv_wnd;
    /* The last byte of the window, and the first behind it. */
    tcp_peer_data(&t, wnd, 1);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    tcp_peer_data(&t, wnd + 1, 1);
    struct tcp_seen seen = tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    assert_int_equal(seen.opts.n_sack, 1);
    assert_int_equal(seen.opts.sack[0].end - t.isn, wnd + 1);
    tcp_peer_fini(&t);
}

static void closed_window(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    uint32_t at = 1;
    struct tcp_seen seen = {.wnd = 1};
    while (tcp_peer_info(&t).rcv_wnd > 0) {
        const uint32_t wnd = tcp_peer_info(&t).rcv_wnd;
        const uint32_t n = wnd < 1448 ? wnd : 1448;
        tcp_peer_data(&t, at, n);
        at += n;
        tcp_peer_wait(&t, 50 * NST_MSEC);
        while (tcp_peer_see(&t, &seen))
            ;
    }
    assert_int_equal(seen.wnd, 0);
    assert_int_equal(seen.ack, at);
    /* A probe is answered; what it carries is not taken. */
    tcp_peer_data(&t, at, 1);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, at);
    /* Linux's carry nothing, under an old number: they come as they like and are no fault. */
    for (int i = 0; i < 3; i++) {
        tcp_peer_send(&t, TCP_ACK, at - 1, 0);
        tcp_peer_expect(&t, TCP_ACK, 1, 0, at);
        tcp_peer_wait(&t, 200 * NST_MSEC);
    }
    assert_int_equal(world_counter(t.stack, "tcp_probes_received"), 3);
    assert_int_equal(world_counter(t.stack, "drop_tcp_not_acceptable"), 1);
    /* Reading opens the window, and says so once. */
    assert_int_equal(tcp_peer_read(&t), at - 1);
    seen = tcp_peer_expect(&t, TCP_ACK, 1, 0, at);
    assert_true(seen.wnd >= 500);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void paws(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    t.ts_val -= 1;
    tcp_peer_data(&t, 1, 100);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    assert_int_equal(world_counter(t.stack, "tcp_paws_rejected"), 1);
    t.ts_val += 1;
    tcp_peer_data(&t, 1, 100);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 101);
    tcp_peer_fini(&t);
}

static void resets(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_send(&t, TCP_RST, 2, 0);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    tcp_peer_wait(&t, NST_SEC);
    tcp_peer_send(&t, TCP_RST, 60000, 0);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    tcp_peer_send(&t, TCP_RST, 0, 0);
    tcp_peer_send(&t, TCP_RST, 70000, 0);
    tcp_peer_quiet(&t);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    tcp_peer_send(&t, TCP_RST, 1, 0);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_CLOSED);
    assert_int_equal(nst_socket_error(t.stack, t.s), -NST_ECONNRESET);
    tcp_peer_fini(&t);
}

static void syns(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    static const uint32_t at[] = {0, 1, 2, 100000, 0x80000000u};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        tcp_peer_send(&t, TCP_SYN, at[i], 0);
        tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
        tcp_peer_send(&t, TCP_SYN | TCP_ACK, at[i], 0);
        /* RFC 5961 10: not twice in half a second. */
        tcp_peer_quiet(&t);
        tcp_peer_wait(&t, NST_SEC);
    }
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    assert_int_equal(world_counter(t.stack, "tcp_challenge_acks"), 5);
    tcp_peer_fini(&t);
}

static void impossible_acks(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_ack(&t, 1, 1000);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    tcp_peer_wait(&t, NST_SEC);
    /* Older than any window: challenged; data in it is not taken. */
    t.ack = 1u - 20000000u;
    tcp_peer_data(&t, 1, 10);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    t.ack = 1;
    tcp_peer_data(&t, 1, 10);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 11);
    tcp_peer_fini(&t);
}

static void no_ack_storm(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    for (int i = 0; i < 100; i++)
        tcp_peer_ack(&t, 500000000, 1);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void many_holes(void **state)
{
    struct tcp_peer t;
    const struct tcp_peer_config config = {.stack = {.memory_limit = 8 << 20}};
    tcp_peer_init(&t, &config);
    tcp_peer_accept(&t);
    struct nst_memory before, after;
    nst_stack_get_memory(t.stack, &before);
    for (uint32_t i = 0; i < 30000; i++)
        tcp_peer_data(&t, 3 + i * 2 % 60000, 1);
    nst_stack_get_memory(t.stack, &after);
    assert_true(after.used < before.used + (1 << 20));
    memlink_clear(&t.w.memlink);
    t.next = 0;
    tcp_peer_data(&t, 1, 1448);
    struct tcp_seen seen;
    while (tcp_peer_see(&t, &seen))
        ;
    assert_true(seen.ack >= 1449);
    tcp_peer_fini(&t);
}

static void tiny_segments(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    struct nst_memory before, after;
    nst_stack_get_memory(t.stack, &before);
    for (uint32_t i = 1; i <= 50000; i++) {
        tcp_peer_data(&t, i, 1);
        if (i % 1000 == 0)
            memlink_clear(&t.w.memlink);
    }
    nst_stack_get_memory(t.stack, &after);
    /* 50,000 bytes shall not hold 50,000 packets. */
    assert_true(after.used < before.used + 300000);
    assert_int_equal(tcp_peer_read(&t), 50000);
    tcp_peer_fini(&t);
}

TESTS({"RFC 5681 4.2: the first 16 segments are acknowledged at once, then after 40 ms",
       quick_then_delayed},
      {"RFC 5681 4.2: at least every second full segment is acknowledged", every_second},
      {"RFC 9293 3.8.6.3: an ACK rides on data", piggyback},
      {"RFC 2018 4: holes are reported at once, the latest first", out_of_order},
      {"RFC 2018 4: the blocks that were reported last are repeated, the latest first",
       blocks_again},
      {"RFC 2883 4: duplicates are reported in the first block", duplicates},
      {"RFC 9293 3.4: the window ends where it was said to end", window_edges},
      {"RFC 9293 3.8.6: a closed window is probed, and opened by reading", closed_window},
      {"RFC 7323 5.3: an older timestamp is refused", paws},
      {"RFC 5961 3.2: only the exact number resets, others are challenged", resets},
      {"RFC 5961 4.2: any SYN is challenged, within the limit", syns},
      {"RFC 5961 5.2: impossible ACKs are answered and dropped", impossible_acks},
      {"two confused ends do not play ball", no_ack_storm},
      {"30,000 one-byte islands hold bounded memory and harm nothing", many_holes},
      {"50,000 one-byte segments are put together", tiny_segments})
