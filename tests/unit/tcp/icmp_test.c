/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "tcp_peer.h"

#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/ipproto.h"

/* An ICMP error that quotes a segment of the stack at `seq`, relative. */
static void error(struct tcp_peer *t, uint8_t code, uint16_t mtu, uint32_t seq)
{
    uint8_t message[ICMP4_HDR_LEN + 28] = {0}, quote[28], packet[128], tcp[8];
    be16_put(tcp, t->local.port);
    be16_put(tcp + 2, t->remote.port);
    be32_put(tcp + 4, t->iss + seq);
    frame_ip4(quote, &t->local.addr, &t->remote.addr, IP_PROTO_TCP, tcp, sizeof(tcp));
    /* It was a full segment. */
    be16_put(quote + 2, 1500);
    be16_put(quote + 10, 0);
    be16_put(quote + 10, csum_fold(csum_short(quote, IP4_HDR_LEN, 0)));
    icmp4_build(message, &(struct icmp4_hdr){.type = ICMP4_UNREACHABLE, .code = code, .mtu = mtu});
    memcpy(message + ICMP4_HDR_LEN, quote, sizeof(quote));
    icmp4_csum_put(message, csum_short(message, sizeof(message), 0));
    const size_t n =
        frame_ip4(packet, &t->remote.addr, &t->local.addr, IP_PROTO_ICMP, message, sizeof(message));
    world_inject_ip(&t->w, packet, n);
    world_run(&t->w);
}

static void hard_in_syn_sent(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    assert_int_equal(nst_socket_open(t.stack, NST_STREAM, &t.s), 0);
    nst_socket_connect(t.stack, t.s, &t.remote);
    world_run(&t.w);
    nst_socket_get_local(t.stack, t.s, &t.local);
    tcp_peer_expect(&t, TCP_SYN, 0, 0, 0);
    error(&t, ICMP4_PORT_UNREACHABLE, 0, 5);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_SYN_SENT);
    error(&t, ICMP4_PORT_UNREACHABLE, 0, 0);
    assert_int_equal(nst_socket_error(t.stack, t.s), -NST_ECONNREFUSED);
    tcp_peer_fini(&t);
}

static void soft_when_established(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 100);
    tcp_peer_expect(&t, TCP_ACK, 1, 100, 1);
    error(&t, ICMP4_PORT_UNREACHABLE, 0, 1);
    error(&t, ICMP4_HOST_UNREACHABLE, 0, 1);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    assert_int_equal(nst_socket_error(t.stack, t.s), 0);
    tcp_peer_fini(&t);
}

static void told_when_asked_for(void **state)
{
    struct tcp_peer t;
    int64_t on = 0;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    assert_int_equal(nst_socket_set(t.stack, t.s, NST_OPT_RECEIVE_ERRORS, 1), 0);
    assert_int_equal(nst_socket_get(t.stack, t.s, NST_OPT_RECEIVE_ERRORS, &on), 0);
    assert_int_equal(on, 1);
    tcp_peer_write(&t, 100);
    tcp_peer_expect(&t, TCP_ACK, 1, 100, 1);
    error(&t, ICMP4_HOST_UNREACHABLE, 0, 1);
    assert_true(nst_socket_events(t.stack, t.s) & NST_READY_ERROR);
    assert_int_equal(nst_socket_send(t.stack, t.s, "x", 1, 0), -NST_EHOSTUNREACH);
    assert_int_equal(nst_socket_send(t.stack, t.s, "x", 1, 0), 1);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    assert_int_equal(nst_socket_recv_error(t.stack, t.s, NULL, 0, &(struct nst_error_info){0}),
                     -NST_EPROTOTYPE);
    tcp_peer_fini(&t);
}

static void frag_needed(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 1448);
    tcp_peer_expect(&t, TCP_ACK, 1, 1448, 1);
    /* Not in flight: not believed. */
    error(&t, ICMP4_FRAG_NEEDED, 1000, 5000);
    tcp_peer_quiet(&t);
    error(&t, ICMP4_FRAG_NEEDED, 1000, 1);
    tcp_peer_expect(&t, TCP_ACK, 1, 948, 1);
    tcp_peer_expect(&t, TCP_ACK, 949, 500, 1);
    assert_int_equal(tcp_peer_info(&t).mss_snd, 948);
    tcp_peer_fini(&t);
}

TESTS({"RFC 9293 3.9.2.2: a hard error that quotes our SYN refuses, RFC 5927 4.1: no other",
       hard_in_syn_sent},
      {"RFC 5927 5.2: a connection that stands survives hard errors", soft_when_established},
      {"NST_OPT_RECEIVE_ERRORS: it tells of them, once, and goes on", told_when_asked_for},
      {"RFC 1191 6.5: a smaller path is believed when data in flight is quoted, and used at once",
       frag_needed})
