/* SPDX-License-Identifier: Apache-2.0 */
/* Each flag combination in each state, inside, at the edges and outside of the window: nothing
 * crashes, no invariant breaks (tcb_check runs after each segment), nothing leaks. */
#include "testing.h"

#include "tcp_peer.h"

#include "transport/tcp/legal.h"

static void open_active(struct tcp_peer *t)
{
    assert_int_equal(nst_socket_open(t->stack, NST_STREAM, &t->s), 0);
    nst_socket_connect(t->stack, t->s, &t->remote);
    world_run(&t->w);
    nst_socket_get_local(t->stack, t->s, &t->local);
    tcp_peer_expect(t, TCP_SYN, 0, 0, 0);
}

static void fin(struct tcp_peer *t)
{
    nst_socket_shutdown(t->stack, t->s, NST_SHUT_SEND);
    world_run(&t->w);
}

static void enter(struct tcp_peer *t, uint8_t state)
{
    switch (state) {
    case NST_TCP_CLOSED:
        return;
    case NST_TCP_LISTEN:
        tcp_peer_listen(t, 5);
        return;
    case NST_TCP_SYN_SENT:
        open_active(t);
        return;
    case NST_TCP_SYN_RECEIVED:
        tcp_peer_listen(t, 5);
        tcp_peer_send_syn(t, TCP_SYN);
        tcp_peer_expect(t, TCP_SYN | TCP_ACK, 0, 0, 1);
        t->ack = 1;
        return;
    default:
        break;
    }
    tcp_peer_accept(t);
    tcp_peer_write(t, 1000);
    if (state == NST_TCP_CLOSE_WAIT || state == NST_TCP_LAST_ACK)
        tcp_peer_send(t, TCP_FIN | TCP_ACK, 1, 0);
    if (state == NST_TCP_ESTABLISHED || state == NST_TCP_CLOSE_WAIT)
        return;
    fin(t);
    t->ack = state == NST_TCP_FIN_WAIT_2 || state == NST_TCP_TIME_WAIT ? 1002 : 1;
    if (state == NST_TCP_CLOSING || state == NST_TCP_TIME_WAIT)
        tcp_peer_send(t, TCP_FIN | TCP_ACK, 1, 0);
    else
        tcp_peer_send(t, TCP_ACK, state == NST_TCP_LAST_ACK ? 2 : 1, 0);
}

static void try_one(uint8_t state, uint16_t flags, uint32_t seq, uint32_t ack)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    enter(&t, state);
    if (t.s != 0)
        assert_int_equal(tcp_peer_state(&t), state);
    static const uint32_t lens[] = {0, 1, 1448};
    for (size_t i = 0; i < 3; i++) {
        t.ack = ack;
        tcp_peer_send(&t, flags, seq, lens[i]);
    }
    tcp_peer_wait(&t, 2 * NST_SEC);
    memlink_clear(&t.w.memlink);
    if (t.s != 0)
        nst_socket_close(t.stack, t.s);
    tcp_peer_wait(&t, 2000 * NST_SEC);
    tcp_peer_fini(&t);
}

static void sweep(void **state)
{
    static const uint32_t seqs[] = {0,     1,      2,          1000,       65160,     65161,
                                    65281, 100000, 0x7fffffff, 0x80000001, 0xfffffff0};
    static const uint32_t acks[] = {0, 1, 500, 1001, 1002, 1003, 0x80000000};
    for (unsigned s = NST_TCP_CLOSED; s <= NST_TCP_TIME_WAIT; s++)
        for (uint16_t bits = 0; bits < 32; bits++)
            for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
                const uint16_t flags =
                    (uint16_t)((bits & 7) | (bits & 8 ? TCP_ACK : 0) | (bits & 16 ? TCP_URG : 0));
                /* Every number with the flags once; the ACKs in turn. */
                try_one(s, flags, seqs[i], acks[(i + bits + s) % 7]);
            }
}

static void table(void **state)
{
    for (unsigned s = NST_TCP_ESTABLISHED; s <= NST_TCP_LAST_ACK; s++) {
        assert_int_equal(legal_check(s, TCP_ACK), LEGAL_PASS);
        assert_int_equal(legal_check(s, TCP_ACK | TCP_FIN | TCP_PSH | TCP_URG), LEGAL_PASS);
        assert_int_equal(legal_check(s, TCP_SYN), LEGAL_CHALLENGE);
        assert_int_equal(legal_check(s, TCP_SYN | TCP_ACK), LEGAL_CHALLENGE);
        assert_int_equal(legal_check(s, TCP_SYN | TCP_RST), LEGAL_DROP);
        assert_int_equal(legal_check(s, 0), LEGAL_DROP);
        assert_int_equal(legal_check(s, TCP_RST), LEGAL_PASS);
    }
    assert_int_equal(legal_check(NST_TCP_LISTEN, TCP_SYN | TCP_ECE | TCP_CWR), LEGAL_PASS);
    assert_int_equal(legal_check(NST_TCP_LISTEN, TCP_ACK), LEGAL_RESET);
    assert_int_equal(legal_check(NST_TCP_CLOSED, TCP_RST | TCP_ACK), LEGAL_DROP);
}

TESTS({"RFC 9293 3.10.7: what each state does with flags", table},
      {"every flag combination in every state, around the window, breaks nothing", sweep})
