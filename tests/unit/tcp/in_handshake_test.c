/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "tcp_peer.h"

static void passive(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_listen(&t, 5);
    tcp_peer_send_syn(&t, TCP_SYN);
    const struct tcp_seen seen = tcp_peer_expect(&t, TCP_SYN | TCP_ACK, 0, 0, 1);
    assert_int_equal(seen.opts.present,
                     TCP_OPTS_MSS | TCP_OPTS_SACK_PERMITTED | TCP_OPTS_TS | TCP_OPTS_WSCALE);
    assert_int_equal(seen.opts.mss, 1460);
    assert_int_equal(seen.opts.wscale, 7);
    assert_int_equal(seen.opts.ts_ecr, 1000);
    assert_int_equal(seen.wnd, 65160);
    tcp_peer_ack(&t, 1, 1);
    assert_int_equal(nst_socket_accept(t.stack, t.listener, &t.s, NULL), 0);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    tcp_peer_fini(&t);
}

static void active(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_connect(&t);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    assert_true(nst_socket_events(t.stack, t.s) & NST_READY_OUT);
    tcp_peer_fini(&t);
}

static void bare(void **state)
{
    struct tcp_peer t;
    const struct tcp_peer_config config = {.no_ts = true, .no_sack = true, .no_wscale = true};
    tcp_peer_init(&t, &config);
    tcp_peer_listen(&t, 5);
    tcp_peer_send_syn(&t, TCP_SYN);
    const struct tcp_seen seen = tcp_peer_expect(&t, TCP_SYN | TCP_ACK, 0, 0, 1);
    assert_int_equal(seen.opts.present, TCP_OPTS_MSS);
    assert_int_equal(seen.wnd, 64240);
    tcp_peer_fini(&t);
}

static void simultaneous(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    assert_int_equal(nst_socket_open(t.stack, NST_STREAM, &t.s), 0);
    assert_int_equal(nst_socket_connect(t.stack, t.s, &t.remote), -NST_EINPROGRESS);
    world_run(&t.w);
    assert_int_equal(nst_socket_get_local(t.stack, t.s, &t.local), 0);
    tcp_peer_expect(&t, TCP_SYN, 0, 0, 0);
    tcp_peer_send_syn(&t, TCP_SYN);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_SYN_RECEIVED);
    tcp_peer_expect(&t, TCP_SYN | TCP_ACK, 0, 0, 1);
    t.ack = 1;
    tcp_peer_send_syn(&t, TCP_SYN | TCP_ACK);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    tcp_peer_fini(&t);
}

static void syn_retries(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    assert_int_equal(nst_socket_open(t.stack, NST_STREAM, &t.s), 0);
    nst_socket_connect(t.stack, t.s, &t.remote);
    world_run(&t.w);
    tcp_peer_expect(&t, TCP_SYN, 0, 0, 0);
    /* RFC 6298 5.5: 1, 2, 4, 8, 16, 32 s. */
    for (int i = 0; i < 6; i++) {
        tcp_peer_wait(&t, ((nst_time)1 << i) * NST_SEC - NST_MSEC);
        tcp_peer_quiet(&t);
        tcp_peer_wait(&t, NST_MSEC);
        tcp_peer_expect(&t, TCP_SYN, 0, 0, 0);
    }
    tcp_peer_wait(&t, 64 * NST_SEC);
    tcp_peer_quiet(&t);
    assert_int_equal(nst_socket_error(t.stack, t.s), -NST_ETIMEDOUT);
    tcp_peer_fini(&t);
}

static void refused(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    assert_int_equal(nst_socket_open(t.stack, NST_STREAM, &t.s), 0);
    nst_socket_connect(t.stack, t.s, &t.remote);
    world_run(&t.w);
    nst_socket_get_local(t.stack, t.s, &t.local);
    tcp_peer_expect(&t, TCP_SYN, 0, 0, 0);
    /* Without ACK, or with a wrong one, it may be anybody's. */
    tcp_peer_send(&t, TCP_RST, 0, 0);
    t.ack = 7;
    tcp_peer_send(&t, TCP_RST | TCP_ACK, 0, 0);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_SYN_SENT);
    t.ack = 1;
    tcp_peer_send(&t, TCP_RST | TCP_ACK, 0, 0);
    assert_int_equal(nst_socket_error(t.stack, t.s), -NST_ECONNREFUSED);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void bad_ack(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    assert_int_equal(nst_socket_open(t.stack, NST_STREAM, &t.s), 0);
    nst_socket_connect(t.stack, t.s, &t.remote);
    world_run(&t.w);
    nst_socket_get_local(t.stack, t.s, &t.local);
    tcp_peer_expect(&t, TCP_SYN, 0, 0, 0);
    t.ack = 2;
    tcp_peer_send(&t, TCP_SYN | TCP_ACK, 0, 0);
    tcp_peer_expect(&t, TCP_RST, 2, 0, 0);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_SYN_SENT);
    tcp_peer_fini(&t);
}

static void repeated_syn(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_listen(&t, 5);
    tcp_peer_send_syn(&t, TCP_SYN);
    tcp_peer_expect(&t, TCP_SYN | TCP_ACK, 0, 0, 1);
    tcp_peer_send_syn(&t, TCP_SYN);
    tcp_peer_expect(&t, TCP_SYN | TCP_ACK, 0, 0, 1);
    /* And by itself, 1 s after the last. */
    tcp_peer_wait(&t, NST_SEC);
    tcp_peer_expect(&t, TCP_SYN | TCP_ACK, 0, 0, 1);
    tcp_peer_fini(&t);
}

static void listen_answers(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_listen(&t, 5);
    tcp_peer_send(&t, TCP_RST, 5, 0);
    tcp_peer_send(&t, TCP_FIN, 5, 0);
    tcp_peer_send(&t, TCP_SYN | TCP_FIN, 5, 0);
    tcp_peer_quiet(&t);
    t.ack = 77;
    tcp_peer_send(&t, TCP_ACK, 5, 0);
    tcp_peer_expect(&t, TCP_RST, 77, 0, 0);
    tcp_peer_fini(&t);
}

static void closed_answers(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_send(&t, TCP_SYN, 0, 0);
    tcp_peer_expect(&t, TCP_RST | TCP_ACK, 0, 0, 1);
    tcp_peer_send(&t, TCP_SYN, 0, 10);
    tcp_peer_expect(&t, TCP_RST | TCP_ACK, 0, 0, 11);
    t.ack = 9;
    tcp_peer_send(&t, TCP_ACK, 1, 3);
    tcp_peer_expect(&t, TCP_RST, 9, 0, 0);
    tcp_peer_send(&t, TCP_RST, 0, 0);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void backlog(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_listen(&t, 1);
    tcp_peer_send_syn(&t, TCP_SYN);
    tcp_peer_expect(&t, TCP_SYN | TCP_ACK, 0, 0, 1);
    tcp_peer_ack(&t, 1, 1);
    t.remote.port++;
    tcp_peer_send_syn(&t, TCP_SYN);
    tcp_peer_quiet(&t);
    assert_int_equal(world_counter(t.stack, "tcp_listen_drops"), 1);
    assert_int_equal(nst_socket_accept(t.stack, t.listener, &t.s, NULL), 0);
    tcp_peer_send_syn(&t, TCP_SYN);
    tcp_peer_expect(&t, TCP_SYN | TCP_ACK, 0, 0, 1);
    tcp_peer_fini(&t);
}

static void reset_in_syn_received(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_listen(&t, 1);
    for (int i = 0; i < 3; i++) {
        tcp_peer_send_syn(&t, TCP_SYN);
        tcp_peer_expect(&t, TCP_SYN | TCP_ACK, 0, 0, 1);
        tcp_peer_send(&t, TCP_RST, 1, 0);
    }
    tcp_peer_quiet(&t);
    assert_int_equal(nst_socket_accept(t.stack, t.listener, &t.s, NULL), -NST_EAGAIN);
    tcp_peer_fini(&t);
}

static void listener_closed(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_listen(&t, 4);
    tcp_peer_send_syn(&t, TCP_SYN);
    tcp_peer_expect(&t, TCP_SYN | TCP_ACK, 0, 0, 1);
    tcp_peer_ack(&t, 1, 1);
    nst_socket_close(t.stack, t.listener);
    world_run(&t.w);
    tcp_peer_expect(&t, TCP_RST | TCP_ACK, 1, 0, 1);
    tcp_peer_fini(&t);
}

TESTS({"RFC 9293 3.5: a SYN is answered with what it offered", passive},
      {"RFC 9293 3.5: connect ends established and writable", active},
      {"RFC 7323 2.2: a SYN without options is answered without", bare},
      {"RFC 9293 3.5: both may open at once", simultaneous},
      {"RFC 6298 5.5: a SYN is sent six times more, each time after twice as long", syn_retries},
      {"RFC 9293 3.10.7.3: only a RST that acknowledges our SYN refuses", refused},
      {"RFC 9293 3.10.7.3: a wrong ACK in SYN-SENT is reset", bad_ack},
      {"a repeated SYN brings the SYN, ACK again", repeated_syn},
      {"RFC 9293 3.10.7.2: LISTEN drops RST and answers ACK by RST", listen_answers},
      {"RFC 9293 3.10.7.1: nobody there is told by RST", closed_answers},
      {"a full accept queue drops SYNs until accept", backlog},
      {"RFC 9293 3.10.7.4: RST in SYN-RECEIVED leads back to LISTEN", reset_in_syn_received},
      {"children nobody accepted are reset when the listener closes", listener_closed})
