/* SPDX-License-Identifier: Apache-2.0 */
/* Why a segment is sent stands in its packet's note. */
#include "testing.h"

#include "tcp_peer.h"

#define MSS 1448u

static unsigned last_note(const struct tcp_peer *t)
{
    assert_true(t->w.memlink.count > 0);
    return t->w.memlink.frames[t->w.memlink.count - 1].note;
}

static void begin(struct tcp_peer *t, uint32_t n)
{
    tcp_peer_init(t, NULL);
    tcp_peer_accept(t);
    tcp_peer_write(t, n * MSS);
    if (n > 0)
        assert_int_equal(last_note(t), NST_NOTE_NONE);
}

static void a_timeout(void **state)
{
    struct tcp_peer t;
    begin(&t, 1);
    const uint32_t count = t.w.memlink.count;
    tcp_peer_wait(&t, 2 * NST_SEC);
    assert_true(t.w.memlink.count > count);
    assert_int_equal(last_note(&t), NST_NOTE_RETRANSMIT_TIMEOUT);
    tcp_peer_fini(&t);
}

static void fast_retransmit(void **state)
{
    struct tcp_peer t;
    begin(&t, 10);
    for (uint32_t i = 2; i <= 4; i++) {
        t.opts = (struct tcp_opts){.present = TCP_OPTS_SACK, .n_sack = 1};
        t.opts.sack[0] = (struct tcp_sack_block){t.iss + 1 + MSS, t.iss + 1 + i * MSS};
        tcp_peer_ack(&t, 1, 1);
    }
    assert_int_equal(last_note(&t), NST_NOTE_RETRANSMIT_FAST);
    tcp_peer_fini(&t);
}

static void a_handshake_without_answer(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_listen(&t, 5);
    tcp_peer_send_syn(&t, TCP_SYN);
    assert_int_equal(last_note(&t), NST_NOTE_NONE);
    tcp_peer_wait(&t, 2 * NST_SEC);
    assert_int_equal(last_note(&t), NST_NOTE_RETRANSMIT_SYN);
    tcp_peer_fini(&t);
}

static void a_window_that_is_shut(void **state)
{
    struct tcp_peer t;
    begin(&t, 0);
    t.wnd = 0;
    tcp_peer_ack(&t, 1, 1);
    tcp_peer_write(&t, MSS);
    tcp_peer_wait(&t, 5 * NST_SEC);
    assert_int_equal(last_note(&t), NST_NOTE_WINDOW_PROBE);
    tcp_peer_fini(&t);
}

static void a_peer_that_is_silent(void **state)
{
    struct tcp_peer t;
    begin(&t, 0);
    assert_int_equal(nst_socket_set(t.stack, t.s, NST_OPT_TCP_KEEPALIVE, 1), 0);
    tcp_peer_wait(&t, 7201 * NST_SEC);
    assert_int_equal(last_note(&t), NST_NOTE_KEEPALIVE);
    tcp_peer_fini(&t);
}

static void what_is_not_acceptable(void **state)
{
    struct tcp_peer t;
    begin(&t, 0);
    tcp_peer_data(&t, 1, 100);
    tcp_peer_wait(&t, NST_SEC);
    assert_int_equal(last_note(&t), NST_NOTE_NONE);
    tcp_peer_data(&t, 1, 100);
    assert_int_equal(last_note(&t), NST_NOTE_DUPLICATE_ACK);
    /* A SYN in the window. */
    tcp_peer_send(&t, TCP_SYN, 101, 0);
    assert_int_equal(last_note(&t), NST_NOTE_CHALLENGE_ACK);
    /* It is said once. */
    tcp_peer_wait(&t, NST_SEC);
    tcp_peer_data(&t, 101, 100);
    tcp_peer_wait(&t, NST_SEC);
    assert_int_equal(last_note(&t), NST_NOTE_NONE);
    tcp_peer_fini(&t);
}

static void resets(void **state)
{
    struct tcp_peer t;
    begin(&t, 0);
    assert_int_equal(nst_socket_abort(t.stack, t.s), 0);
    tcp_peer_wait(&t, NST_MSEC);
    assert_int_equal(last_note(&t), NST_NOTE_ABORTED);
    tcp_peer_data(&t, 1, 100);
    assert_int_equal(last_note(&t), NST_NOTE_NO_SOCKET);
    tcp_peer_fini(&t);
}

TESTS({"what a timeout sends again", a_timeout},
      {"what acknowledgments of later segments send again", fast_retransmit},
      {"a SYN, ACK that is sent again", a_handshake_without_answer},
      {"a probe of a window that is shut", a_window_that_is_shut},
      {"a probe of a peer that is silent", a_peer_that_is_silent},
      {"ACKs for what is not acceptable, and challenges, once each", what_is_not_acceptable},
      {"a reset by this side, and one for what nobody takes", resets})
