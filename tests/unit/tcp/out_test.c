/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "tcp_peer.h"

#define MSS 1448

static void initial_window(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 30000);
    for (uint32_t i = 0; i < 10; i++)
        tcp_peer_expect(&t, TCP_ACK, 1 + i * MSS, MSS, 1);
    tcp_peer_quiet(&t);
    /* RFC 5681 3.1: slow start: each ACK of two lets four go. */
    tcp_peer_ack(&t, 1, 1 + 2 * MSS);
    for (uint32_t i = 10; i < 14; i++)
        tcp_peer_expect(&t, TCP_ACK, 1 + i * MSS, MSS, 1);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void push(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 3 * MSS + 100);
    struct tcp_seen seen;
    for (int i = 0; i < 4; i++) {
        assert_true(tcp_peer_see(&t, &seen));
        assert_int_equal((seen.flags & TCP_PSH) != 0, i == 3);
    }
    assert_int_equal(seen.len, 100);
    tcp_peer_fini(&t);
}

static void nagle(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 10);
    tcp_peer_expect(&t, TCP_ACK, 1, 10, 1);
    tcp_peer_write(&t, 10);
    tcp_peer_write(&t, 10);
    tcp_peer_quiet(&t);
    tcp_peer_ack(&t, 1, 11);
    tcp_peer_expect(&t, TCP_ACK, 11, 20, 1);
    assert_int_equal(nst_socket_set(t.stack, t.s, NST_OPT_TCP_NODELAY, 1), 0);
    tcp_peer_write(&t, 10);
    tcp_peer_expect(&t, TCP_ACK, 31, 10, 1);
    tcp_peer_fini(&t);
}

static void cork(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    assert_int_equal(nst_socket_set(t.stack, t.s, NST_OPT_TCP_CORK, 1), 0);
    tcp_peer_write(&t, 100);
    tcp_peer_quiet(&t);
    tcp_peer_write(&t, MSS);
    tcp_peer_expect(&t, TCP_ACK, 1, MSS, 1);
    tcp_peer_quiet(&t);
    assert_int_equal(nst_socket_set(t.stack, t.s, NST_OPT_TCP_CORK, 0), 0);
    world_run(&t.w);
    tcp_peer_expect(&t, TCP_ACK, 1 + MSS, 100, 1);
    tcp_peer_fini(&t);
}

static void peer_mss(void **state)
{
    struct tcp_peer t;
    const struct tcp_peer_config config = {.mss = 1000, .no_ts = true};
    tcp_peer_init(&t, &config);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 2500);
    tcp_peer_expect(&t, TCP_ACK, 1, 1000, 1);
    tcp_peer_expect(&t, TCP_ACK, 1001, 1000, 1);
    tcp_peer_expect(&t, TCP_ACK, 2001, 500, 1);
    tcp_peer_fini(&t);
}

static void zero_window(void **state)
{
    struct tcp_peer t;
    const struct tcp_peer_config config = {.no_wscale = true};
    tcp_peer_init(&t, &config);
    tcp_peer_accept(&t);
    t.wnd = 0;
    tcp_peer_ack(&t, 1, 1);
    tcp_peer_write(&t, 500);
    tcp_peer_quiet(&t);
    /* RFC 9293 3.8.6.1: after the RTO, then doubled. */
    nst_time pause = tcp_peer_info(&t).rto;
    for (int i = 0; i < 4; i++) {
        tcp_peer_wait(&t, pause - NST_MSEC);
        tcp_peer_quiet(&t);
        tcp_peer_wait(&t, NST_MSEC);
        tcp_peer_expect(&t, TCP_ACK, 0, 0, 1);
        tcp_peer_ack(&t, 1, 1);
        pause *= 2;
    }
    t.wnd = 1000;
    tcp_peer_ack(&t, 1, 1);
    tcp_peer_expect(&t, TCP_ACK, 1, 500, 1);
    tcp_peer_fini(&t);
}

/* Both happen before anything is sent. */
static void window_opens_with_the_probe(void **state)
{
    struct tcp_peer t;
    const struct tcp_peer_config config = {.no_wscale = true};
    tcp_peer_init(&t, &config);
    tcp_peer_accept(&t);
    t.wnd = 0;
    tcp_peer_ack(&t, 1, 1);
    tcp_peer_write(&t, 500);
    assert_int_equal(nst_socket_shutdown(t.stack, t.s, NST_SHUT_SEND), 0);
    tcp_peer_wait(&t, tcp_peer_info(&t).rto - NST_MSEC);
    tcp_peer_quiet(&t);
    t.w.now += NST_MSEC;
    t.wnd = 1000;
    tcp_peer_ack(&t, 1, 1);
    tcp_peer_expect(&t, TCP_ACK | TCP_FIN, 1, 500, 1);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void small_window(void **state)
{
    struct tcp_peer t;
    const struct tcp_peer_config config = {.no_wscale = true, .wnd = 500};
    tcp_peer_init(&t, &config);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 1200);
    tcp_peer_expect(&t, TCP_ACK, 1, 500, 1);
    tcp_peer_quiet(&t);
    /* RFC 9293 3.8.6.2.1: not for less than half of what it ever was. */
    t.wnd = 100;
    tcp_peer_ack(&t, 1, 501);
    tcp_peer_quiet(&t);
    t.wnd = 250;
    tcp_peer_ack(&t, 1, 501);
    tcp_peer_expect(&t, TCP_ACK, 501, 250, 1);
    tcp_peer_fini(&t);
}

static void rto(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 3 * MSS);
    for (uint32_t i = 0; i < 3; i++)
        tcp_peer_expect(&t, TCP_ACK, 1 + i * MSS, MSS, 1);
    nst_time pause = tcp_peer_info(&t).rto;
    for (int i = 0; i < 5; i++) {
        tcp_peer_wait(&t, pause - NST_MSEC);
        tcp_peer_quiet(&t);
        tcp_peer_wait(&t, NST_MSEC);
        tcp_peer_expect(&t, TCP_ACK, 1, MSS, 1);
        pause *= 2;
    }
    assert_int_equal(tcp_peer_info(&t).cwnd, MSS);
    assert_int_equal(tcp_peer_info(&t).ca_state, 4);
    tcp_peer_ack(&t, 1, 1 + MSS);
    tcp_peer_expect(&t, TCP_ACK, 1 + MSS, MSS, 1);
    tcp_peer_expect(&t, TCP_ACK, 1 + 2 * MSS, MSS, 1);
    tcp_peer_ack(&t, 1, 1 + 3 * MSS);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void gives_up(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 100);
    tcp_peer_expect(&t, TCP_ACK, 1, 100, 1);
    tcp_peer_wait(&t, 1200 * NST_SEC);
    struct tcp_seen seen;
    int n = 0;
    while (tcp_peer_see(&t, &seen))
        n++;
    assert_int_equal(n, 15);
    assert_int_equal(nst_socket_error(t.stack, t.s), -NST_ETIMEDOUT);
    tcp_peer_fini(&t);
}

static void user_timeout(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    assert_int_equal(nst_socket_set(t.stack, t.s, NST_OPT_TCP_USER_TIMEOUT, 3 * NST_SEC), 0);
    tcp_peer_write(&t, 100);
    tcp_peer_wait(&t, 8 * NST_SEC);
    assert_int_equal(nst_socket_error(t.stack, t.s), -NST_ETIMEDOUT);
    tcp_peer_fini(&t);
}

/* It limits how long data waits, not how long both were silent before. */
static void user_timeout_counts_from_what_waits(void **state)
{
    for (int closed = 0; closed < 2; closed++) {
        struct tcp_peer t;
        tcp_peer_init(&t, NULL);
        tcp_peer_accept(&t);
        assert_int_equal(nst_socket_set(t.stack, t.s, NST_OPT_TCP_USER_TIMEOUT, 30 * NST_SEC), 0);
        if (closed) {
            t.wnd = 0;
            tcp_peer_ack(&t, 1, 1);
        }
        tcp_peer_wait(&t, 3600 * NST_SEC);
        tcp_peer_write(&t, 100);
        tcp_peer_wait(&t, 20 * NST_SEC);
        assert_int_equal(nst_socket_error(t.stack, t.s), 0);
        assert_int_equal(tcp_peer_info(&t).state, NST_TCP_ESTABLISHED);
        tcp_peer_wait(&t, 40 * NST_SEC);
        assert_int_equal(nst_socket_error(t.stack, t.s), -NST_ETIMEDOUT);
        tcp_peer_fini(&t);
    }
}

/* ---- Without a way ---- */

static void what_cannot_leave_is_not_doubled(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 100);
    tcp_peer_expect(&t, TCP_ACK, 1, 100, 1);
    nst_nic_disable(t.stack, t.w.hosts[0].nic);
    tcp_peer_wait(&t, 300 * NST_SEC);
    tcp_peer_quiet(&t);
    nst_nic_enable(t.stack, t.w.hosts[0].nic);
    tcp_peer_wait(&t, 1100 * NST_MSEC);
    tcp_peer_expect(&t, TCP_ACK, 1, 100, 1);
    tcp_peer_ack(&t, 1, 101);
    assert_int_equal(nst_socket_error(t.stack, t.s), 0);
    tcp_peer_fini(&t);
}

static void without_a_way_it_gives_up_in_the_end(void **state)
{
    for (int limited = 0; limited < 2; limited++) {
        struct tcp_peer t;
        tcp_peer_init(&t, NULL);
        tcp_peer_accept(&t);
        if (limited)
            nst_socket_set(t.stack, t.s, NST_OPT_TCP_USER_TIMEOUT, 60 * NST_SEC);
        tcp_peer_wait(&t, 1000 * NST_SEC);
        nst_nic_disable(t.stack, t.w.hosts[0].nic);
        tcp_peer_write(&t, 100);
        tcp_peer_wait(&t, (limited ? 55 : 900) * NST_SEC);
        assert_int_equal(nst_socket_error(t.stack, t.s), 0);
        tcp_peer_wait(&t, 30 * NST_SEC);
        assert_int_equal(nst_socket_error(t.stack, t.s), -NST_ETIMEDOUT);
        nst_nic_enable(t.stack, t.w.hosts[0].nic);
        tcp_peer_fini(&t);
    }
}

static void keep_alive(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    assert_int_equal(nst_socket_set(t.stack, t.s, NST_OPT_TCP_KEEPALIVE, 1), 0);
    tcp_peer_wait(&t, 7199 * NST_SEC);
    tcp_peer_quiet(&t);
    tcp_peer_wait(&t, 2 * NST_SEC);
    tcp_peer_expect(&t, TCP_ACK, 0, 0, 1);
    tcp_peer_ack(&t, 1, 1);
    tcp_peer_wait(&t, 7201 * NST_SEC);
    for (int i = 0; i < 9; i++) {
        tcp_peer_expect(&t, TCP_ACK, 0, 0, 1);
        tcp_peer_quiet(&t);
        tcp_peer_wait(&t, 75 * NST_SEC);
    }
    tcp_peer_expect(&t, TCP_RST | TCP_ACK, 1, 0, 1);
    assert_int_equal(nst_socket_error(t.stack, t.s), -NST_ETIMEDOUT);
    tcp_peer_fini(&t);
}

static void idle_restart(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    uint32_t at = 1;
    for (int i = 0; i < 6; i++) {
        const uint32_t n = tcp_peer_info(&t).cwnd / MSS * MSS;
        tcp_peer_write(&t, n);
        at += n;
        tcp_peer_ack(&t, 1, at);
    }
    assert_true(tcp_peer_info(&t).cwnd > 100 * MSS);
    tcp_peer_wait(&t, 60 * NST_SEC);
    tcp_peer_write(&t, 10);
    assert_int_equal(tcp_peer_info(&t).cwnd, 10 * MSS);
    tcp_peer_fini(&t);
}

static void shrunk_window(void **state)
{
    struct tcp_peer t;
    const struct tcp_peer_config config = {.no_wscale = true};
    tcp_peer_init(&t, &config);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 5 * MSS);
    for (uint32_t i = 0; i < 5; i++)
        tcp_peer_expect(&t, TCP_ACK, 1 + i * MSS, MSS, 1);
    t.wnd = 100;
    tcp_peer_ack(&t, 1, 1 + MSS);
    tcp_peer_wait(&t, 2 * NST_SEC);
    t.wnd = 65535;
    struct tcp_seen seen;
    while (tcp_peer_see(&t, &seen))
        assert_true(seen.seq == 1 + MSS);
    tcp_peer_ack(&t, 1, 1 + 5 * MSS);
    assert_int_equal(tcp_peer_info(&t).in_flight, 0);
    tcp_peer_fini(&t);
}

/* Fills the NIC's queue, behind a link that takes nothing, with `count` RSTs for a port that nobody
 * listens at. */
static void fill_queue(struct tcp_peer *t, int count)
{
    const uint16_t port = t->local.port;
    memlink_set_room(&t->w.memlink, 0);
    t->local.port = 81;
    for (int i = 0; i < count; i++)
        tcp_peer_send(t, TCP_SYN, 7, 0);
    t->local.port = port;
}

/* Opens the link, and skips the RSTs. */
static void open_link(struct tcp_peer *t, int count)
{
    memlink_set_room(&t->w.memlink, UINT32_MAX);
    world_run(&t->w);
    t->next += (uint32_t)count;
}

static void probe_and_fin(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    fill_queue(&t, 800);
    tcp_peer_write(&t, 10);
    assert_int_equal(nst_socket_shutdown(t.stack, t.s, NST_SHUT_SEND), 0);
    world_run(&t.w);
    assert_int_equal(tcp_peer_info(&t).in_flight, 0);
    /* The persist timer and room for everything at once. */
    t.w.now += tcp_peer_info(&t).rto;
    open_link(&t, 800);
    tcp_peer_expect(&t, TCP_ACK | TCP_FIN, 1, 10, 1);
    tcp_peer_quiet(&t);
    tcp_peer_ack(&t, 1, 12);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_FIN_WAIT_2);
    tcp_peer_fini(&t);
}

static void blocked_link(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    /* Half full: a lone segment goes, and nothing behind it. */
    fill_queue(&t, 600);
    tcp_peer_write(&t, 30000);
    assert_int_equal(tcp_peer_info(&t).in_flight, MSS);
    /* However long that takes: it was not lost on the way. */
    tcp_peer_wait(&t, 5 * NST_SEC);
    assert_int_equal(tcp_peer_info(&t).in_flight, MSS);
    assert_int_equal(world_counter(t.stack, "tcp_segments_retransmitted"), 0);
    open_link(&t, 600);
    for (uint32_t i = 0; i < 10; i++)
        tcp_peer_expect(&t, TCP_ACK, 1 + i * MSS, MSS, 1);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void full_queue(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    /* RSTs stop at seven eighths. Not even an ACK goes then, and it is not forgotten. */
    fill_queue(&t, 1200);
    tcp_peer_data(&t, 1, 100);
    tcp_peer_data(&t, 101, 100);
    tcp_peer_wait(&t, NST_SEC);
    open_link(&t, 875);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 201);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

TESTS({"a probe that is due together with a FIN is not sent", probe_and_fin},
      {"a blocked link gets one segment, and is not mistaken for loss", blocked_link},
      {"a full queue gets nothing, and ACKs wait", full_queue},
      {"RFC 6928 2: ten segments at first, slow start then", initial_window},
      {"RFC 9293 3.9.1.2: PSH is on the last segment of a write alone", push},
      {"RFC 9293 3.7.4: Nagle holds a second short segment, NODELAY does not", nagle},
      {"a cork holds what is short of a segment", cork},
      {"RFC 9293 3.7.1: the peer's MSS is kept", peer_mss},
      {"RFC 9293 3.8.6.1: a zero window is probed, each time after twice as long", zero_window},
      {"a window that opens as the probe is due ends probing", window_opens_with_the_probe},
      {"RFC 9293 3.8.6.2.1: no silly little segments", small_window},
      {"RFC 6298 5: the RTO doubles, the first segment goes, then slow start", rto},
      {"RFC 9293 3.8.3: after 15 timeouts the connection ends", gives_up},
      {"RFC 5482: a user timeout ends it earlier", user_timeout},
      {"RFC 5482: it counts from what waits", user_timeout_counts_from_what_waits},
      {"nic/N8: what cannot leave is not doubled, and goes when there is a way again",
       what_cannot_leave_is_not_doubled},
      {"RFC 9293 3.8.3: without a way it gives up in the end",
       without_a_way_it_gives_up_in_the_end},
      {"RFC 9293 3.8.4: keep-alive after 2 h, every 75 s, 9 times", keep_alive},
      {"RFC 5681 4.1: after a pause the window starts anew", idle_restart},
      {"RFC 9293 3.8.6: a peer that shrinks its window is survived", shrunk_window})
