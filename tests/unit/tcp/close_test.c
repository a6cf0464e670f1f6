/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "tcp_peer.h"

static void shut(struct tcp_peer *t)
{
    assert_int_equal(nst_socket_shutdown(t->stack, t->s, NST_SHUT_SEND), 0);
    world_run(&t->w);
}

static void we_first(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    shut(&t);
    tcp_peer_expect(&t, TCP_FIN | TCP_ACK, 1, 0, 1);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_FIN_WAIT_1);
    tcp_peer_ack(&t, 1, 2);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_FIN_WAIT_2);
    /* Half-closed: the peer may go on. */
    tcp_peer_data(&t, 1, 100);
    tcp_peer_expect(&t, TCP_ACK, 2, 0, 101);
    assert_int_equal(tcp_peer_read(&t), 100);
    tcp_peer_send(&t, TCP_FIN | TCP_ACK, 101, 0);
    tcp_peer_expect(&t, TCP_ACK, 2, 0, 102);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_TIME_WAIT);
    assert_int_equal(tcp_peer_read(&t), 0);
    /* The FIN again is acknowledged again. */
    tcp_peer_send(&t, TCP_FIN | TCP_ACK, 101, 0);
    tcp_peer_expect(&t, TCP_ACK, 2, 0, 102);
    nst_socket_close(t.stack, t.s);
    tcp_peer_wait(&t, 61 * NST_SEC);
    tcp_peer_quiet(&t);
    /* Nobody is there any more. */
    nst_socket_close(t.stack, t.listener);
    tcp_peer_send(&t, TCP_FIN | TCP_ACK, 101, 0);
    tcp_peer_expect(&t, TCP_RST, 2, 0, 0);
    tcp_peer_fini(&t);
}

static void they_first(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_send(&t, TCP_FIN | TCP_ACK, 1, 10);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 12);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_CLOSE_WAIT);
    assert_int_equal(tcp_peer_read(&t), 10);
    assert_int_equal(tcp_peer_read(&t), 0);
    tcp_peer_write(&t, 5);
    tcp_peer_expect(&t, TCP_ACK, 1, 5, 12);
    nst_socket_close(t.stack, t.s);
    world_run(&t.w);
    tcp_peer_expect(&t, TCP_FIN | TCP_ACK, 6, 0, 12);
    tcp_peer_ack(&t, 12, 7);
    tcp_peer_quiet(&t);
    struct nst_census census;
    nst_stack_get_census(t.stack, &census);
    assert_int_equal(census.alive, 0);
    tcp_peer_fini(&t);
}

static void at_once(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    shut(&t);
    tcp_peer_expect(&t, TCP_FIN | TCP_ACK, 1, 0, 1);
    tcp_peer_send(&t, TCP_FIN | TCP_ACK, 1, 0);
    tcp_peer_expect(&t, TCP_ACK, 2, 0, 2);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_CLOSING);
    tcp_peer_ack(&t, 2, 2);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_TIME_WAIT);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void fin_with_ack(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 100);
    tcp_peer_expect(&t, TCP_ACK, 1, 100, 1);
    nst_socket_close(t.stack, t.s);
    world_run(&t.w);
    tcp_peer_expect(&t, TCP_FIN | TCP_ACK, 101, 0, 1);
    t.ack = 102;
    tcp_peer_send(&t, TCP_FIN | TCP_ACK, 1, 0);
    tcp_peer_expect(&t, TCP_ACK, 102, 0, 2);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void unread(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_data(&t, 1, 10);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 11);
    nst_socket_close(t.stack, t.s);
    world_run(&t.w);
    tcp_peer_expect(&t, TCP_RST | TCP_ACK, 1, 0, 11);
    tcp_peer_fini(&t);
}

static void data_after_close(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    nst_socket_close(t.stack, t.s);
    world_run(&t.w);
    tcp_peer_expect(&t, TCP_FIN | TCP_ACK, 1, 0, 1);
    tcp_peer_ack(&t, 1, 2);
    tcp_peer_data(&t, 1, 10);
    tcp_peer_expect(&t, TCP_RST | TCP_ACK, 2, 0, 1);
    tcp_peer_fini(&t);
}

static void orphan_fin_wait_2(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    nst_socket_close(t.stack, t.s);
    nst_socket_close(t.stack, t.listener);
    world_run(&t.w);
    tcp_peer_expect(&t, TCP_FIN | TCP_ACK, 1, 0, 1);
    tcp_peer_ack(&t, 1, 2);
    tcp_peer_wait(&t, 61 * NST_SEC);
    tcp_peer_ack(&t, 1, 2);
    tcp_peer_expect(&t, TCP_RST, 2, 0, 0);
    tcp_peer_fini(&t);
}

static void fin_retransmitted(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    shut(&t);
    tcp_peer_expect(&t, TCP_FIN | TCP_ACK, 1, 0, 1);
    tcp_peer_wait(&t, NST_SEC);
    tcp_peer_expect(&t, TCP_FIN | TCP_ACK, 1, 0, 1);
    tcp_peer_fini(&t);
}

static void fin_out_of_order(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_send(&t, TCP_FIN | TCP_ACK, 101, 100);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 1);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    tcp_peer_data(&t, 1, 100);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 202);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_CLOSE_WAIT);
    assert_int_equal(tcp_peer_read(&t), 200);
    tcp_peer_fini(&t);
}

static void linger_zero(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    assert_int_equal(nst_socket_set(t.stack, t.s, NST_OPT_LINGER, 0), 0);
    nst_socket_close(t.stack, t.s);
    world_run(&t.w);
    tcp_peer_expect(&t, TCP_RST | TCP_ACK, 1, 0, 1);
    tcp_peer_fini(&t);
}

static void read_before_reset(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_data(&t, 1, 10);
    tcp_peer_expect(&t, TCP_ACK, 1, 0, 11);
    tcp_peer_send(&t, TCP_RST, 11, 0);
    assert_int_equal(tcp_peer_read(&t), 10);
    assert_int_equal(tcp_peer_read(&t), -NST_ECONNRESET);
    assert_int_equal(tcp_peer_read(&t), 0);
    tcp_peer_fini(&t);
}

static void time_wait_reuse(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    nst_socket_close(t.stack, t.s);
    world_run(&t.w);
    tcp_peer_expect(&t, TCP_FIN | TCP_ACK, 1, 0, 1);
    t.ack = 2;
    tcp_peer_send(&t, TCP_FIN | TCP_ACK, 1, 0);
    tcp_peer_expect(&t, TCP_ACK, 2, 0, 2);
    /* RFC 1337: RST changes nothing. */
    tcp_peer_send(&t, TCP_RST, 2, 0);
    const uint32_t before = t.iss;
    /* A lower number, but a later timestamp. */
    t.isn -= 100000;
    t.ts_val += 10;
    tcp_peer_send_syn(&t, TCP_SYN);
    tcp_peer_expect(&t, TCP_SYN | TCP_ACK, 0, 0, 1);
    assert_true((int32_t)(t.iss - before) > 0);
    tcp_peer_ack(&t, 1, 1);
    assert_int_equal(nst_socket_accept(t.stack, t.listener, &t.s, NULL), 0);
    tcp_peer_fini(&t);
}

static void time_wait_old_syn(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    nst_socket_close(t.stack, t.s);
    world_run(&t.w);
    tcp_peer_expect(&t, TCP_FIN | TCP_ACK, 1, 0, 1);
    t.ack = 2;
    tcp_peer_send(&t, TCP_FIN | TCP_ACK, 1, 0);
    tcp_peer_expect(&t, TCP_ACK, 2, 0, 2);
    t.ts_val -= 10;
    tcp_peer_send(&t, TCP_SYN, 0, 0);
    tcp_peer_expect(&t, TCP_ACK, 2, 0, 2);
    tcp_peer_fini(&t);
}

TESTS({"RFC 9293 3.6: closing first leads over FIN-WAIT-2 to TIME-WAIT for 60 s", we_first},
      {"RFC 9293 3.6: closing second leads over CLOSE-WAIT and LAST-ACK to nothing", they_first},
      {"RFC 9293 3.6: closing at once leads over CLOSING to TIME-WAIT", at_once},
      {"RFC 9293 3.6: a FIN that acknowledges ours leads straight to TIME-WAIT", fin_with_ack},
      {"RFC 2525 2.17: closing with unread data resets", unread},
      {"RFC 9293 3.6.1: data for a closed socket is answered by RST", data_after_close},
      {"an orphan waits 60 s in FIN-WAIT-2", orphan_fin_wait_2},
      {"a lost FIN is sent again", fin_retransmitted},
      {"a FIN behind a hole is remembered", fin_out_of_order}, {"linger 0 resets", linger_zero},
      {"data before a RST is readable, then the error, then the end", read_before_reset},
      {"RFC 6191 2: a later timestamp reopens a connection in TIME-WAIT", time_wait_reuse},
      {"RFC 9293 3.10.7.4: an old SYN in TIME-WAIT is acknowledged", time_wait_old_syn})
