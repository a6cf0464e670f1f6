/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include "wire/csum.h"
#include "wire/icmp4.h"
#include "wire/ipproto.h"
#include "wire/udp.h"

#define PEER(port)    GUEST_END(GUEST_PEER, port)
#define OURS(port)    GUEST_END(GUEST_OURS, port)
#define FOREIGN(port) GUEST_END(GUEST_FOREIGN, port)

static nst_socket open_socket(struct guest *g)
{
    nst_socket s;
    assert_int_equal(nst_socket_open(g->stack, NST_DATAGRAM, &s), 0);
    return s;
}

static nst_socket bound(struct guest *g, uint16_t port)
{
    const nst_socket s = open_socket(g);
    const struct nst_endpoint local = {.port = port};
    assert_int_equal(nst_socket_bind(g->stack, s, &local), 0);
    return s;
}

static nst_socket connected(struct guest *g, uint16_t port, uint16_t peer_port)
{
    const nst_socket s = bound(g, port);
    assert_int_equal(nst_socket_connect(g->stack, s, &PEER(peer_port)), 0);
    return s;
}

static int64_t send_text(struct guest *g, nst_socket s, const char *text,
                         const struct nst_endpoint *to)
{
    const int64_t r = nst_socket_sendto(g->stack, s, text, strlen(text), 0, to);
    guest_run(g);
    return r;
}

static int64_t recv_text(struct guest *g, nst_socket s, char *text, size_t size)
{
    const int64_t r = nst_socket_recv(g->stack, s, text, size - 1, 0);
    text[r > 0 ? r : 0] = 0;
    return r;
}

static void inject_text(struct guest *g, struct nst_endpoint src, struct nst_endpoint dst,
                        const char *text)
{
    guest_inject_udp(g, &src, &dst, text, strlen(text));
}

static void receives_with_everything_that_comes_along(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = bound(g, 53);
    struct nst_message m;
    char text[64];

    assert_int_equal(recv_text(g, s, text, sizeof(text)), -NST_EAGAIN);
    inject_text(g, PEER(1000), OURS(53), "hello");
    assert_int_equal(nst_socket_recvfrom(g->stack, s, text, sizeof(text), 0, &m), 5);
    assert_memory_equal(text, "hello", 5);
    assert_memory_equal(&m.remote.addr, &PEER(0).addr, sizeof(struct nst_addr));
    assert_memory_equal(&m.local.addr, &OURS(0).addr, sizeof(struct nst_addr));
    assert_int_equal(m.remote.port, 1000);
    assert_int_equal(m.local.port, 53);
    assert_int_equal(m.local.nic, g->nic);
    assert_int_equal(m.ttl, 61);
    assert_int_equal(m.tos, 0x10);
    assert_false(m.truncated);
    assert_int_equal(recv_text(g, s, text, sizeof(text)), -NST_EAGAIN);
    assert_int_equal(guest_counter(g, "udp_received"), 1);
    guest_free(g);
}

static void keeps_datagrams_apart_and_in_order(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = bound(g, 53);
    char text[64];

    inject_text(g, PEER(1), OURS(53), "one");
    inject_text(g, PEER(2), OURS(53), "");
    inject_text(g, PEER(3), OURS(53), "three");
    assert_int_equal(recv_text(g, s, text, sizeof(text)), 3);
    assert_int_equal(recv_text(g, s, text, sizeof(text)), 0);
    assert_int_equal(recv_text(g, s, text, sizeof(text)), 5);
    assert_string_equal(text, "three");
    guest_free(g);
}

static void peeks_and_truncates(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = bound(g, 53);
    struct nst_message m;
    char text[4] = "";

    inject_text(g, PEER(1), OURS(53), "hello");
    inject_text(g, PEER(1), OURS(53), "x");
    assert_int_equal(nst_socket_recvfrom(g->stack, s, text, 3, NST_MSG_PEEK, &m), 3);
    assert_true(m.truncated);
    assert_int_equal(nst_socket_recvfrom(g->stack, s, text, 3, 0, &m), 3);
    assert_string_equal(text, "hel");
    assert_int_equal(nst_socket_recvfrom(g->stack, s, text, 3, 0, &m), 1);
    assert_false(m.truncated);
    guest_free(g);
}

static void sends_a_right_datagram(void **state)
{
    const uint32_t caps[] = {0, NST_LINK_CSUM_TX};
    for (int i = 0; i < 2; i++) {
        struct guest *g = guest_new(&(struct guest_config){.caps = caps[i]});
        const nst_socket s = bound(g, 53);
        struct udp_hdr hdr;
        size_t len;

        assert_int_equal(send_text(g, s, "hello, world", &PEER(2000)), 12);
        assert_non_null(guest_last(g));
        assert_int_equal(guest_last(g)->csum == NST_CSUM_PARTIAL, i);
        assert_int_equal(guest_proto(guest_last(g)), IP_PROTO_UDP);
        const uint8_t *body = guest_body(guest_last(g), &len);
        assert_true(udp_parse(body, len, &hdr) != 0);
        assert_int_equal(hdr.src_port, 53);
        assert_int_equal(hdr.dst_port, 2000);
        assert_int_equal(hdr.len, 20);
        assert_int_equal(len, 20);
        assert_memory_equal(body + UDP_HDR_LEN, "hello, world", 12);
        assert_int_equal(guest_counter(g, "udp_sent"), 1);
        guest_free(g);
    }
}

static void sends_pieces_of_any_length_as_one(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = connected(g, 53, 2000);
    uint8_t bytes[64];
    size_t len;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37 + 1);
    for (size_t a = 0; a < 8; a++) {
        for (size_t b = 0; b < 8; b++) {
            /* An empty one need not be anywhere. */
            const struct nst_iovec iov[3] = {
                {bytes, a}, {b > 0 ? bytes + a : NULL, b}, {bytes + a + b, 9}};
            assert_int_equal(nst_socket_sendv(g->stack, s, iov, 3, 0), a + b + 9);
            guest_run(g);
            const uint8_t *body = guest_body(guest_last(g), &len); /* checks the sum */
            assert_int_equal(len, UDP_HDR_LEN + a + b + 9);
            assert_memory_equal(body + UDP_HDR_LEN, bytes, a + b + 9);
        }
    }
    guest_free(g);
}

static void a_long_datagram_leaves_in_fragments(void **state)
{
    struct guest *g = guest_new(&(struct guest_config){.caps = NST_LINK_CSUM_TX});
    const nst_socket s = connected(g, 53, 2000);
    static uint8_t data[65508];
    uint8_t *whole = calloc(1, 65535);
    size_t total = 0;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * i >> 3);
    assert_int_equal(nst_socket_send(g->stack, s, data, 65508, 0), -NST_EMSGSIZE);
    assert_int_equal(nst_socket_send(g->stack, s, data, 65507, 0), 65507);
    guest_run(g);
    assert_true(guest_count(g) > 40);
    for (uint32_t i = 0; i < guest_count(g); i++) {
        const struct memlink_frame *f = &g->w.memlink.frames[i];
        const size_t offset = (size_t)(be16_get(f->data + 6) & 0x1fff) * 8;
        assert_int_equal(f->csum, NST_CSUM_UNKNOWN);
        memcpy(whole + offset, f->data + 20, f->len - 20);
        total += f->len - 20;
    }
    assert_int_equal(total, 65515);
    assert_memory_equal(whole + UDP_HDR_LEN, data, 65507);
    const struct nst_addr ours = GUEST_OURS, peer = GUEST_PEER;
    const uint32_t pseudo = csum_pseudo(&ours, &peer, IP_PROTO_UDP, 65515);
    assert_true(csum_ok(csum_add(pseudo, csum_portable.sum(whole, 65515, 0))));
    free(whole);
    guest_free(g);
}

static void malformed_datagrams_are_dropped_without_an_answer(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = bound(g, 53);
    const struct nst_addr peer = GUEST_PEER, ours = GUEST_OURS;
    char text[16];
    struct {
        uint16_t len, dst_port, csum;
        size_t bytes;
    } cases[] = {
        {12, 53, 0, 11},                 /* longer than the packet */
        {7, 53, 0, 12},                  /* shorter than the header */
        {0, 53, 0, 12},  {12, 0, 0, 12}, /* port 0 */
        {12, 53, 1, 12},                 /* wrong checksum */
        {12, 53, 0, 7},                  /* cut short */
        {12, 53, 0, 0},  {65535, 53, 0, 12},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t body[16] = {0};
        udp_build(body, &(struct udp_hdr){1000, cases[i].dst_port, cases[i].len, cases[i].csum});
        uint8_t *exact = malloc(cases[i].bytes);
        memcpy(exact, body, cases[i].bytes);
        guest_inject(g, &peer, &ours, IP_PROTO_UDP, exact, cases[i].bytes);
        free(exact);
        assert_int_equal(guest_counter(g, "udp_malformed"), i + 1);
    }
    assert_int_equal(recv_text(g, s, text, sizeof(text)), -NST_EAGAIN);
    assert_int_equal(guest_count(g), 0);
    guest_free(g);
}

static void padding_behind_the_datagram_is_cut_off(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = bound(g, 53);
    const struct nst_addr peer = GUEST_PEER, ours = GUEST_OURS;
    uint8_t body[20] = {0};
    char text[32];

    udp_build(body, &(struct udp_hdr){1000, 53, 11, 0}); /* no checksum: RFC 768 */
    memcpy(body + 8, "abcJUNK", 7);
    guest_inject(g, &peer, &ours, IP_PROTO_UDP, body, sizeof(body));
    assert_int_equal(recv_text(g, s, text, sizeof(text)), 3);
    assert_string_equal(text, "abc");
    guest_free(g);
}

static void a_closed_port_answers_unreachable(void **state)
{
    struct guest *g = guest_new(NULL);
    size_t len;

    inject_text(g, PEER(1000), OURS(9), "anyone?");
    assert_int_equal(guest_counter(g, "udp_no_port"), 1);
    assert_int_equal(guest_count(g), 1);
    assert_int_equal(guest_proto(guest_last(g)), IP_PROTO_ICMP);
    const uint8_t *body = guest_body(guest_last(g), &len);
    assert_int_equal(body[0], ICMP4_UNREACHABLE);
    assert_int_equal(body[1], ICMP4_PORT_UNREACHABLE);
    assert_true(len >= 8 + 20 + 8);
    assert_int_equal(be16_get(body + 8 + 20 + 2), 9); /* the quoted destination port */
    guest_free(g);
}

static void somebody_elses_closed_port_does_not(void **state)
{
    struct guest *g = guest_new(&(struct guest_config){.open = true});
    inject_text(g, PEER(1000), FOREIGN(9), "anyone?");
    assert_int_equal(guest_count(g), 0);
    assert_int_equal(guest_counter(g, "udp_no_port"), 1);
    guest_free(g);
}

static void the_receive_buffer_is_bounded_at_true_size(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = bound(g, 53);
    struct nst_memory before, after;
    int64_t queued;

    nst_stack_get_memory(g->stack, &before);
    for (int i = 0; i < 3000; i++)
        inject_text(g, PEER(1000), OURS(53), "x");
    nst_stack_get_memory(g->stack, &after);
    assert_true(after.used - before.used < 450 * 1024);
    assert_int_equal(nst_socket_get(g->stack, s, NST_OPT_RECEIVE_QUEUED, &queued), 0);
    assert_in_range(queued, 100, 1000);
    assert_int_equal(guest_counter(g, "udp_buffer_full"), 3000 - queued);
    assert_int_equal(guest_counter(g, "drop_socket_full"), 3000 - queued);
    /* What is read makes room. */
    char c;
    assert_int_equal(nst_socket_recv(g->stack, s, &c, 1, 0), 1);
    inject_text(g, PEER(1000), OURS(53), "x");
    assert_int_equal(guest_counter(g, "udp_buffer_full"), 3000 - queued);
    assert_int_equal(nst_socket_close(g->stack, s), 0);
    nst_stack_get_memory(g->stack, &after);
    guest_free(g);
}

static void a_small_buffer_still_takes_one_large_datagram(void **state)
{
    struct guest *g = guest_new(&(struct guest_config){.mtu = 65535});
    const nst_socket s = bound(g, 53);
    static uint8_t data[60000];

    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_RECEIVE_BUFFER, 1), 0);
    guest_inject_udp(g, &PEER(1), &OURS(53), data, sizeof(data));
    guest_inject_udp(g, &PEER(1), &OURS(53), data, sizeof(data));
    assert_int_equal(nst_socket_recv(g->stack, s, data, sizeof(data), 0), sizeof(data));
    assert_int_equal(nst_socket_recv(g->stack, s, data, sizeof(data), 0), -NST_EAGAIN);
    guest_free(g);
}

static void an_icmp_error_reaches_the_connected_socket_once(void **state)
{
    const struct {
        uint8_t type, code;
        int error;
    } cases[] = {
        {ICMP4_UNREACHABLE, ICMP4_PORT_UNREACHABLE, -NST_ECONNREFUSED},
        {ICMP4_UNREACHABLE, ICMP4_PROTO_UNREACHABLE, -NST_ECONNREFUSED},
        {ICMP4_UNREACHABLE, ICMP4_HOST_UNREACHABLE, -NST_EHOSTUNREACH},
        {ICMP4_UNREACHABLE, ICMP4_NET_UNREACHABLE, -NST_ENETUNREACH},
        {ICMP4_UNREACHABLE, ICMP4_ADMIN_PROHIBITED, -NST_EHOSTUNREACH},
        {ICMP4_TIME_EXCEEDED, ICMP4_TTL_EXCEEDED, -NST_EHOSTUNREACH},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guest *g = guest_new(NULL);
        const struct nst_addr peer = GUEST_PEER;
        const nst_socket s = connected(g, 53, 2000);
        char text[8];

        assert_int_equal(send_text(g, s, "hi", NULL), 2);
        guest_inject_error(g, &peer, cases[i].type, cases[i].code, guest_last(g));
        assert_true(nst_socket_events(g->stack, s) & NST_READY_ERROR);
        if (i % 3 == 0)
            assert_int_equal(nst_socket_error(g->stack, s), cases[i].error);
        else if (i % 3 == 1)
            assert_int_equal(recv_text(g, s, text, sizeof(text)), cases[i].error);
        else
            assert_int_equal(send_text(g, s, "hi", NULL), cases[i].error);
        assert_int_equal(nst_socket_error(g->stack, s), 0);
        assert_false(nst_socket_events(g->stack, s) & NST_READY_ERROR);
        assert_int_equal(send_text(g, s, "hi", NULL), 2);
        guest_free(g);
    }
}

static void an_icmp_error_about_another_flow_does_not(void **state)
{
    struct guest *g = guest_new(NULL);
    const struct nst_addr peer = GUEST_PEER;
    const nst_socket s = connected(g, 53, 2000), other = connected(g, 54, 2000);
    const nst_socket unconnected = bound(g, 55);

    assert_int_equal(send_text(g, other, "hi", NULL), 2);
    guest_inject_error(g, &peer, ICMP4_UNREACHABLE, ICMP4_PORT_UNREACHABLE, guest_last(g));
    assert_int_equal(nst_socket_error(g->stack, s), 0);
    assert_int_equal(nst_socket_error(g->stack, other), -NST_ECONNREFUSED);
    assert_int_equal(send_text(g, unconnected, "hi", &PEER(2000)), 2);
    guest_inject_error(g, &peer, ICMP4_UNREACHABLE, ICMP4_PORT_UNREACHABLE, guest_last(g));
    assert_int_equal(nst_socket_error(g->stack, unconnected), 0);
    guest_free(g);
}

static void errors_are_kept_one_by_one(void **state)
{
    struct guest *g = guest_new(NULL);
    const struct nst_addr router = nst_addr_v4(10, 0, 0, 77);
    const nst_socket s = bound(g, 55);
    struct nst_error_info info;
    char text[8] = "";
    int64_t on = 0;

    assert_int_equal(nst_socket_recv_error(g->stack, s, text, 8, &info), -NST_EAGAIN);
    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_RECEIVE_ERRORS, 2), -NST_EINVAL);
    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_RECEIVE_ERRORS, 1), 0);
    assert_int_equal(nst_socket_get(g->stack, s, NST_OPT_RECEIVE_ERRORS, &on), 0);
    assert_int_equal(on, 1);
    assert_int_equal(send_text(g, s, "hi", &PEER(2000)), 2);
    guest_inject_error(g, &router, ICMP4_UNREACHABLE, ICMP4_HOST_UNREACHABLE, guest_last(g));
    guest_inject_error(g, &router, ICMP4_PARAMETER_PROBLEM, 0, guest_last(g));
    /* The pending error is the latest, and is taken without the queue. */
    assert_int_equal(nst_socket_error(g->stack, s), -NST_EHOSTUNREACH);
    assert_int_equal(nst_socket_error(g->stack, s), 0);
    assert_true(nst_socket_events(g->stack, s) & NST_READY_ERROR);

    /* guest_inject_error quotes the first 8 bytes behind the IP header: nothing of the payload. */
    assert_int_equal(nst_socket_recv_error(g->stack, s, text, 8, &info), 0);
    assert_int_equal(info.error, -NST_EHOSTUNREACH);
    assert_int_equal(info.type, ICMP4_UNREACHABLE);
    assert_int_equal(info.code, ICMP4_HOST_UNREACHABLE);
    assert_false(info.v6);
    assert_int_equal(info.remote.port, 2000);
    assert_true(nst_addr_equal(&info.remote.addr, &PEER(2000).addr));
    assert_true(nst_addr_equal(&info.offender, &router));
    assert_int_equal(nst_socket_recv_error(g->stack, s, text, 8, &info), 0);
    assert_int_equal(info.type, ICMP4_PARAMETER_PROBLEM);
    assert_int_equal(nst_socket_recv_error(g->stack, s, text, 8, &info), -NST_EAGAIN);
    assert_false(nst_socket_events(g->stack, s) & NST_READY_ERROR);
    guest_free(g);
}

static void what_must_not_be_cut_is_refused(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = connected(g, 53, 2000);
    static const uint8_t data[4000];
    struct nst_error_info info;
    int64_t on = 1;

    assert_int_equal(nst_socket_get(g->stack, s, NST_OPT_DONT_FRAGMENT, &on), 0);
    assert_int_equal(on, 0);
    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_DONT_FRAGMENT, 1), 0);
    assert_int_equal(nst_socket_send(g->stack, s, data, sizeof(data), 0), -NST_EMSGSIZE);
    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_RECEIVE_ERRORS, 1), 0);
    assert_int_equal(nst_socket_send(g->stack, s, data, sizeof(data), 0), -NST_EMSGSIZE);
    assert_int_equal(nst_socket_error(g->stack, s), 0); /* it was told already */
    assert_int_equal(nst_socket_recv_error(g->stack, s, NULL, 0, &info), 0);
    assert_true(info.local);
    assert_int_equal(info.error, -NST_EMSGSIZE);
    assert_int_equal(info.info, 1500);
    assert_int_equal(info.remote.port, 2000);
    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_DONT_FRAGMENT, 0), 0);
    assert_int_equal(nst_socket_send(g->stack, s, data, sizeof(data), 0), sizeof(data));
    guest_free(g);
}

static void no_more_than_sixteen_errors_are_kept(void **state)
{
    struct guest *g = guest_new(NULL);
    const struct nst_addr peer = GUEST_PEER;
    const nst_socket s = connected(g, 53, 2000);
    struct nst_error_info info;
    int n = 0;

    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_RECEIVE_ERRORS, 1), 0);
    assert_int_equal(send_text(g, s, "hi", NULL), 2);
    for (int i = 0; i < 20; i++)
        guest_inject_error(g, &peer, ICMP4_UNREACHABLE, ICMP4_PORT_UNREACHABLE, guest_last(g));
    while (nst_socket_recv_error(g->stack, s, NULL, 0, &info) >= 0)
        n++;
    assert_int_equal(n, 16);
    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_RECEIVE_ERRORS, 0), 0);
    guest_inject_error(g, &peer, ICMP4_UNREACHABLE, ICMP4_PORT_UNREACHABLE, guest_last(g));
    assert_int_equal(nst_socket_recv_error(g->stack, s, NULL, 0, &info), -NST_EAGAIN);
    guest_free(g);
}

static void a_connected_socket_hears_only_its_peer(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = connected(g, 53, 2000);
    struct nst_endpoint end;
    char text[8];

    inject_text(g, PEER(2001), OURS(53), "no");
    assert_int_equal(guest_count(g), 1); /* unreachable */
    inject_text(g, PEER(2000), OURS(53), "yes");
    assert_int_equal(recv_text(g, s, text, sizeof(text)), 3);
    assert_int_equal(nst_socket_get_local(g->stack, s, &end), 0);
    assert_memory_equal(&end.addr, &OURS(0).addr, sizeof(end.addr));
    assert_int_equal(nst_socket_get_remote(g->stack, s, &end), 0);
    assert_int_equal(end.port, 2000);
    /* Again to another, and to none. */
    assert_int_equal(nst_socket_connect(g->stack, s, &PEER(3000)), 0);
    inject_text(g, PEER(2000), OURS(53), "no");
    inject_text(g, PEER(3000), OURS(53), "yes");
    assert_int_equal(recv_text(g, s, text, sizeof(text)), 3);
    assert_int_equal(nst_socket_connect(g->stack, s, &(struct nst_endpoint){0}), 0);
    assert_int_equal(nst_socket_get_remote(g->stack, s, &end), -NST_ENOTCONN);
    inject_text(g, PEER(2000), OURS(53), "yes");
    assert_int_equal(recv_text(g, s, text, sizeof(text)), 3);
    assert_int_equal(send_text(g, s, "x", NULL), -NST_ENOTCONN);
    guest_free(g);
}

static void broadcast_needs_permission_and_reaches_everybody(void **state)
{
    struct guest *g = guest_new(NULL);
    const struct nst_endpoint everybody = GUEST_END(nst_addr_v4(255, 255, 255, 255), 53);
    nst_socket s[3];
    char text[8];
    for (int i = 0; i < 3; i++) {
        s[i] = open_socket(g);
        assert_int_equal(nst_socket_set(g->stack, s[i], NST_OPT_REUSE_ADDRESS, 1), 0);
        assert_int_equal(nst_socket_bind(g->stack, s[i], &(struct nst_endpoint){.port = 53}), 0);
    }
    assert_int_equal(send_text(g, s[0], "hi", &everybody), -NST_EPERM);
    assert_int_equal(nst_socket_set(g->stack, s[0], NST_OPT_BROADCAST, 1), 0);
    assert_int_equal(send_text(g, s[0], "hi", &everybody), 2);
    assert_int_equal(guest_count(g), 1);
    inject_text(g, PEER(1), everybody, "all");
    for (int i = 0; i < 3; i++)
        assert_int_equal(recv_text(g, s[i], text, sizeof(text)), 3);
    /* To nobody: no answer. */
    inject_text(g, PEER(1), GUEST_END(everybody.addr, 54), "all");
    assert_int_equal(guest_count(g), 1);
    /* A unicast reaches the newest. */
    inject_text(g, PEER(1), OURS(53), "one");
    assert_int_equal(recv_text(g, s[0], text, sizeof(text)), -NST_EAGAIN);
    assert_int_equal(recv_text(g, s[2], text, sizeof(text)), 3);
    guest_free(g);
}

static void ttl_and_tos_are_the_sockets(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = connected(g, 53, 2000);

    assert_int_equal(send_text(g, s, "x", NULL), 1);
    assert_int_equal(guest_last(g)->data[8], 64);
    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_TTL, 3), 0);
    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_TOS, 0x2e), 0);
    assert_int_equal(send_text(g, s, "x", NULL), 1);
    assert_int_equal(guest_last(g)->data[8], 3);
    assert_int_equal(guest_last(g)->data[1], 0x2e);
    assert_int_equal(
        send_text(g, s, "x", &(struct nst_endpoint){.addr = nst_addr_v4(224, 0, 0, 9), .port = 9}),
        1);
    guest_free(g);
}

static void a_full_nic_pushes_back_and_tells_when_it_is_over(void **state)
{
    struct guest *g = guest_new(&(struct guest_config){.block = true, .tx_queue_packets = 100});
    const nst_socket s = connected(g, 53, 2000);
    struct nst_ready ready;
    int sent = 0;

    assert_int_equal(nst_socket_watch(g->stack, s, NST_READY_OUT, NULL), 0);
    assert_int_equal(nst_ready_list(g->stack, &ready, 1), 1);
    while (sent < 1000 && send_text(g, s, "x", NULL) == 1)
        sent++;
    assert_in_range(sent, 10, 100);
    assert_int_equal(send_text(g, s, "x", NULL), -NST_EAGAIN);
    assert_false(nst_socket_events(g->stack, s) & NST_READY_OUT);
    assert_int_equal(nst_ready_list(g->stack, &ready, 1), 0);
    guest_unblock(g);
    assert_int_equal(guest_count(g), sent);
    assert_int_equal(nst_ready_list(g->stack, &ready, 1), 1);
    assert_int_equal(ready.events, NST_READY_OUT);
    assert_int_equal(send_text(g, s, "x", NULL), 1);
    guest_free(g);
}

static void shutdown_ends_a_direction(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = connected(g, 53, 2000);
    char text[8];

    inject_text(g, PEER(2000), OURS(53), "old");
    assert_int_equal(nst_socket_shutdown(g->stack, s, NST_SHUT_RECV), 0);
    inject_text(g, PEER(2000), OURS(53), "new");
    assert_int_equal(recv_text(g, s, text, sizeof(text)), 3);
    assert_int_equal(recv_text(g, s, text, sizeof(text)), 0);
    assert_int_equal(guest_counter(g, "drop_socket_closed"), 1);
    assert_int_equal(send_text(g, s, "x", NULL), 1);
    assert_int_equal(nst_socket_shutdown(g->stack, s, NST_SHUT_SEND), 0);
    assert_int_equal(send_text(g, s, "x", NULL), -NST_EPIPE);
    assert_true(nst_socket_events(g->stack, s) & NST_READY_HUP);
    guest_free(g);
}

static void refused_memory_is_an_error_and_no_more(void **state)
{
    for (int n = 0; n < 40; n++) {
        struct guest *g = guest_new(NULL);
        nst_socket s;
        static uint8_t data[4000];
        guest_fail_after(g, n);
        int64_t r = nst_socket_open(g->stack, NST_DATAGRAM, &s);
        if (r == 0) {
            r = nst_socket_connect(g->stack, s, &PEER(2000));
            assert_true(r == 0 || r == -NST_ENOMEM);
            r = nst_socket_sendto(g->stack, s, data, sizeof(data), 0, &PEER(9));
            assert_true(r == 4000 || r == -NST_ENOMEM || r == -NST_ENOBUFS);
            guest_inject_udp(g, &PEER(2000), &OURS(53), data, sizeof(data));
        } else {
            assert_int_equal(r, -NST_ENOMEM);
        }
        guest_run(g);
        guest_free(g);
    }
}

TESTS({"receives, with everything that comes along", receives_with_everything_that_comes_along},
      {"keeps datagrams apart and in order", keeps_datagrams_apart_and_in_order},
      {"peeks and truncates", peeks_and_truncates},
      {"sends a right datagram, with and without the link's help", sends_a_right_datagram},
      {"sends pieces of any length as one datagram", sends_pieces_of_any_length_as_one},
      {"a long datagram leaves in fragments", a_long_datagram_leaves_in_fragments},
      {"malformed datagrams are dropped without an answer",
       malformed_datagrams_are_dropped_without_an_answer},
      {"padding behind the datagram is cut off", padding_behind_the_datagram_is_cut_off},
      {"a closed port answers port unreachable", a_closed_port_answers_unreachable},
      {"a closed port of an address that is not ours does not",
       somebody_elses_closed_port_does_not},
      {"the receive buffer is bounded at true size", the_receive_buffer_is_bounded_at_true_size},
      {"a small buffer still takes one large datagram",
       a_small_buffer_still_takes_one_large_datagram},
      {"an ICMP error reaches the connected socket, once",
       an_icmp_error_reaches_the_connected_socket_once},
      {"an ICMP error about another flow does not", an_icmp_error_about_another_flow_does_not},
      {"who asks gets errors one by one, without a connection too", errors_are_kept_one_by_one},
      {"what must not be cut is refused, and kept as an error", what_must_not_be_cut_is_refused},
      {"no more than 16 errors are kept", no_more_than_sixteen_errors_are_kept},
      {"a connected socket hears only its peer", a_connected_socket_hears_only_its_peer},
      {"a broadcast needs permission, and reaches every socket",
       broadcast_needs_permission_and_reaches_everybody},
      {"TTL and TOS are the socket's", ttl_and_tos_are_the_sockets},
      {"a full NIC pushes back, and tells when it is over",
       a_full_nic_pushes_back_and_tells_when_it_is_over},
      {"shutdown ends a direction", shutdown_ends_a_direction},
      {"refused memory is an error and no more", refused_memory_is_an_error_and_no_more})
