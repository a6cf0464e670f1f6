/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include "wire/csum.h"
#include "wire/icmp4.h"
#include "wire/ipproto.h"

#define PEER GUEST_END(GUEST_PEER, 0)

static nst_socket open_ping(struct guest *g, uint16_t id)
{
    nst_socket s;
    assert_int_equal(nst_socket_open(g->stack, NST_PING, &s), 0);
    if (id != 0)
        assert_int_equal(nst_socket_bind(g->stack, s, &(struct nst_endpoint){.port = id}), 0);
    return s;
}

/* An echo request with another identifier than the socket's, as ping(8) writes it. */
static int64_t send_echo(struct guest *g, nst_socket s, uint16_t seq, const struct nst_endpoint *to)
{
    uint8_t message[ICMP4_HDR_LEN + 4];
    icmp4_build(message, &(struct icmp4_hdr){.type = ICMP4_ECHO_REQUEST, .id = 1, .seq = seq});
    memcpy(message + ICMP4_HDR_LEN, "ping", 4);
    const int64_t r = nst_socket_sendto(g->stack, s, message, sizeof(message), 0, to);
    guest_run(g);
    return r;
}

static void sends_requests_with_its_own_identifier(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = open_ping(g, 77);
    struct icmp4_hdr hdr;
    size_t len;

    assert_int_equal(send_echo(g, s, 5, &PEER), 12);
    assert_int_equal(guest_proto(guest_last(g)), IP_PROTO_ICMP); /* checks the sum */
    const uint8_t *body = guest_body(guest_last(g), &len);
    assert_true(icmp4_parse(body, len, &hdr) != 0);
    assert_int_equal(hdr.type, ICMP4_ECHO_REQUEST);
    assert_int_equal(hdr.id, 77);
    assert_int_equal(hdr.seq, 5);
    assert_int_equal(len, 12);
    assert_memory_equal(body + 8, "ping", 4);
    guest_free(g);
}

static void receives_the_replies_to_its_identifier(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket a = open_ping(g, 77), b = open_ping(g, 78);
    const struct nst_addr ours = GUEST_OURS;
    uint8_t message[32];
    struct nst_message m;

    guest_inject_echo(g, ICMP4_ECHO_REPLY, &GUEST_END(GUEST_PEER, 77), &ours, 6, "pong");
    guest_inject_echo(g, ICMP4_ECHO_REPLY, &GUEST_END(GUEST_PEER, 79), &ours, 6, "pong");
    assert_int_equal(nst_socket_recvfrom(g->stack, b, message, 32, 0, &m), -NST_EAGAIN);
    assert_int_equal(nst_socket_recvfrom(g->stack, a, message, 32, 0, &m), 12);
    assert_int_equal(message[0], ICMP4_ECHO_REPLY);
    assert_int_equal(be16_get(message + 6), 6);
    assert_memory_equal(message + 8, "pong", 4);
    assert_memory_equal(&m.remote.addr, &PEER.addr, 16);
    assert_int_equal(m.ttl, 61);
    assert_int_equal(nst_socket_recvfrom(g->stack, a, message, 32, 0, &m), -NST_EAGAIN);
    guest_free(g);
}

static void chooses_an_identifier_and_keeps_others_out(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket a = open_ping(g, 0), b = open_ping(g, 0);
    struct nst_endpoint ea, eb;
    nst_socket c;

    assert_int_equal(send_echo(g, a, 1, &PEER), 12);
    assert_int_equal(send_echo(g, b, 1, &PEER), 12);
    assert_int_equal(nst_socket_get_local(g->stack, a, &ea), 0);
    assert_int_equal(nst_socket_get_local(g->stack, b, &eb), 0);
    assert_true(ea.port != 0 && eb.port != 0 && ea.port != eb.port);
    assert_int_equal(nst_socket_open(g->stack, NST_PING, &c), 0);
    assert_int_equal(nst_socket_bind(g->stack, c, &(struct nst_endpoint){.port = ea.port}),
                     -NST_EADDRINUSE);
    guest_free(g);
}

static void a_connected_one_hears_only_its_peer(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = open_ping(g, 77);
    const struct nst_addr ours = GUEST_OURS;
    uint8_t message[32];

    assert_int_equal(send_echo(g, s, 1, NULL), -NST_ENOTCONN);
    assert_int_equal(nst_socket_connect(g->stack, s, &PEER), 0);
    assert_int_equal(send_echo(g, s, 1, NULL), 12);
    guest_inject_echo(g, ICMP4_ECHO_REPLY, &GUEST_END(GUEST_FOREIGN, 77), &ours, 1, "");
    assert_int_equal(nst_socket_recv(g->stack, s, message, 32, 0), -NST_EAGAIN);
    guest_inject_echo(g, ICMP4_ECHO_REPLY, &GUEST_END(GUEST_PEER, 77), &ours, 1, "");
    assert_int_equal(nst_socket_recv(g->stack, s, message, 32, 0), 8);
    guest_free(g);
}

static void refuses_to_send_anything_else(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = open_ping(g, 77);
    static uint8_t message[65516];
    const struct {
        uint8_t type, code;
        size_t len;
        int64_t result;
    } cases[] = {
        {8, 0, 0, -NST_EINVAL},       {8, 0, 7, -NST_EINVAL}, {0, 0, 8, -NST_EINVAL},
        {5, 0, 20, -NST_EINVAL},      {8, 1, 8, -NST_EINVAL}, {3, 3, 64, -NST_EINVAL},
        {8, 0, 65516, -NST_EMSGSIZE}, {8, 0, 8, 8},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        message[0] = cases[i].type;
        message[1] = cases[i].code;
        assert_int_equal(nst_socket_sendto(g->stack, s, message, cases[i].len, 0, &PEER),
                         cases[i].result);
    }
    guest_run(g);
    assert_int_equal(guest_count(g), 1);
    guest_free(g);
}

static void an_icmp_error_about_a_request_is_told(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = open_ping(g, 77), other = open_ping(g, 78);
    const struct nst_addr peer = GUEST_PEER;

    assert_int_equal(send_echo(g, s, 1, &PEER), 12);
    guest_inject_error(g, &peer, ICMP4_UNREACHABLE, ICMP4_HOST_UNREACHABLE, guest_last(g));
    assert_int_equal(nst_socket_error(g->stack, other), 0);
    assert_int_equal(nst_socket_error(g->stack, s), -NST_EHOSTUNREACH);
    assert_int_equal(nst_socket_error(g->stack, s), 0);
    guest_free(g);
}

static void a_reply_cut_short_reaches_nobody(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = open_ping(g, 77);
    const struct nst_addr peer = GUEST_PEER, ours = GUEST_OURS;
    uint8_t message[8], out[8];

    icmp4_build(message, &(struct icmp4_hdr){.type = ICMP4_ECHO_REPLY, .id = 77});
    icmp4_csum_put(message, csum_short(message, 8, 0));
    for (size_t len = 0; len < 8; len++) {
        uint8_t *exact = malloc(len);
        memcpy(exact, message, len);
        guest_inject(g, &peer, &ours, IP_PROTO_ICMP, exact, len);
        free(exact);
    }
    assert_int_equal(nst_socket_recv(g->stack, s, out, 8, 0), -NST_EAGAIN);
    guest_inject(g, &peer, &ours, IP_PROTO_ICMP, message, 8);
    assert_int_equal(nst_socket_recv(g->stack, s, out, 8, 0), 8);
    guest_free(g);
}

static void refused_memory_is_an_error_and_no_more(void **state)
{
    for (int n = 0; n < 30; n++) {
        struct guest *g = guest_new(NULL);
        nst_socket s;
        guest_fail_after(g, n);
        int64_t r = nst_socket_open(g->stack, NST_PING, &s);
        if (r == 0)
            r = send_echo(g, s, 1, &PEER);
        assert_true(r == 0 || r == 12 || r == -NST_ENOMEM || r == -NST_ENOBUFS);
        guest_free(g);
    }
}

TESTS({"sends requests with its own identifier", sends_requests_with_its_own_identifier},
      {"receives the replies to its identifier", receives_the_replies_to_its_identifier},
      {"chooses an identifier and keeps others out", chooses_an_identifier_and_keeps_others_out},
      {"a connected one hears only its peer", a_connected_one_hears_only_its_peer},
      {"refuses to send anything but echo requests", refuses_to_send_anything_else},
      {"an ICMP error about a request is told to its sender",
       an_icmp_error_about_a_request_is_told},
      {"a reply cut short reaches nobody", a_reply_cut_short_reaches_nobody},
      {"refused memory is an error and no more", refused_memory_is_an_error_and_no_more})
