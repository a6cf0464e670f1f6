/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <nicstack/forwarder.h>

#include "wire/csum.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"
#include "wire/ipproto.h"

#define OSPF 89

static const struct memlink_frame *last(const struct rig *l)
{
    assert_true(l->link[0].count > 0);
    return &l->link[0].frames[l->link[0].count - 1];
}

static int64_t send_bytes(struct rig *l, nst_socket s, const void *data, size_t len,
                          const struct nst_endpoint *to)
{
    const int64_t r = nst_socket_sendto(l->stack, s, data, len, 0, to);
    rig_run(l);
    return r;
}

static void sends_behind_an_ip_header(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 1, NULL);
        const nst_socket s = rig_bind(&l, NST_RAW, OSPF, -1);
        const struct nst_endpoint to = rig_end_of(0, f, 2, 0), us = rig_end_of(0, f, 1, 0);
        assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_TTL, 3), 0);
        assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_TOS, 0xc0), 0);
        assert_int_equal(send_bytes(&l, s, "payload", 7, &to), 7);
        const uint8_t *ip = last(&l)->data + 14;
        if (f == RIG_V4) {
            struct ip4_hdr hdr;
            assert_true(frame_ip4_is_right(ip, last(&l)->len - 14));
            assert_int_equal(ip4_parse(ip, 27, &hdr), IP4_HDR_LEN);
            assert_true(hdr.proto == OSPF && hdr.ttl == 3 && hdr.tos == 0xc0);
            assert_true(hdr.src4 == us.addr.w[3] && hdr.dst4 == to.addr.w[3]);
        } else {
            struct ip6_hdr hdr;
            assert_int_equal(ip6_parse(ip, 47, &hdr), IP6_HDR_LEN);
            assert_true(hdr.next == OSPF && hdr.hop_limit == 3 && hdr.tclass == 0xc0);
            assert_true(nst_addr_equal(&hdr.src, &us.addr) && nst_addr_equal(&hdr.dst, &to.addr));
        }
        assert_memory_equal(last(&l)->data + last(&l)->len - 7, "payload", 7);
        /* Connected, no address is needed. */
        assert_int_equal(send_bytes(&l, s, "x", 1, NULL), -NST_ENOTCONN);
        assert_int_equal(nst_socket_connect(l.stack, s, &to), 0);
        assert_int_equal(send_bytes(&l, s, "x", 1, NULL), 1);
        assert_int_equal(rig_stack_counter(&l, "raw_sent"), 2);
        rig_end(&l);
    }
}

static void long_packets_are_cut(void **state)
{
    static uint8_t data[65536];
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        const int64_t most = f == RIG_V4 ? 65515 : 65535;
        rig_begin(&l, 1, NULL);
        const nst_socket s = rig_bind(&l, NST_RAW, OSPF, -1);
        const struct nst_endpoint to = rig_end_of(0, f, 2, 0);
        assert_int_equal(send_bytes(&l, s, data, 4000, &to), 4000);
        assert_int_equal(l.link[0].count, 3);
        assert_int_equal(send_bytes(&l, s, data, (size_t)most, &to), most);
        assert_int_equal(send_bytes(&l, s, data, (size_t)most + 1, &to), -NST_EMSGSIZE);
        assert_int_equal(send_bytes(&l, s, data, 65536, &to), -NST_EMSGSIZE);
        rig_end(&l);
    }
}

/* ---- With a header of the sender's own ---- */

static void fills_in_what_the_sender_left_open(void **state)
{
    struct rig l;
    uint8_t packet[64] = {0};
    struct ip4_hdr hdr;
    rig_begin(&l, 1, NULL);
    const nst_socket s = rig_open(&l, NST_RAW); /* no protocol is needed */
    const struct nst_endpoint to = rig_end_of(0, RIG_V4, 2, 0);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_HEADER_INCLUDED, 1), 0);
    /* Destination and protocol stand where they like; the way is that to `to`. */
    packet[0] = 0x45;
    packet[8] = 17;
    packet[9] = OSPF;
    memcpy(packet + 16, "\xcb\x00\x71\x09", 4);
    assert_int_equal(send_bytes(&l, s, packet, 28, &to), 28);
    const uint8_t *ip = last(&l)->data + 14;
    assert_int_equal(ip4_parse(ip, 28, &hdr), IP4_HDR_LEN);
    assert_true(ip4_csum_ok(ip, IP4_HDR_LEN));
    assert_int_equal(hdr.total_len, 28);
    assert_true(hdr.id != 0 && hdr.ttl == 17 && hdr.proto == OSPF);
    assert_int_equal(hdr.src4, rig_addr(0, RIG_V4, 1).w[3]);
    assert_memory_equal(ip + 16, "\xcb\x00\x71\x09", 4);
    assert_memory_equal(last(&l)->data, RIG_PEER.b, 6);
    /* What the sender said stays: options, a source of somebody else, an identification. */
    packet[0] = 0x46;
    memcpy(packet + 4, "\x12\x34", 2);
    memcpy(packet + 12, "\xc0\x00\x02\x07", 4);
    memcpy(packet + 20, "\x94\x04\x00\x00", 4);
    assert_int_equal(send_bytes(&l, s, packet, 32, &to), 32);
    ip = last(&l)->data + 14;
    assert_true(ip4_csum_ok(ip, 24));
    assert_memory_equal(ip + 4, "\x12\x34", 2);
    assert_memory_equal(ip + 12, "\xc0\x00\x02\x07", 4);
    assert_memory_equal(ip + 20, "\x94\x04\x00\x00", 4);
    rig_end(&l);
}

static void refuses_headers_that_are_none(void **state)
{
    static uint8_t packet[1501];
    struct rig l;
    rig_begin(&l, 1, NULL);
    const nst_socket s = rig_bind(&l, NST_RAW, OSPF, -1);
    const struct nst_endpoint to = rig_end_of(0, RIG_V4, 2, 0), to6 = rig_end_of(0, RIG_V6, 2, 0);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_HEADER_INCLUDED, 1), 0);
    packet[0] = 0x46;
    for (size_t len = 0; len < 24; len++) /* every truncation */
        assert_int_equal(send_bytes(&l, s, packet, len, &to), -NST_EINVAL);
    assert_int_equal(send_bytes(&l, s, packet, 24, &to), 24);
    packet[0] = 0x44;
    assert_int_equal(send_bytes(&l, s, packet, 30, &to), -NST_EINVAL);
    packet[0] = 0x65;
    assert_int_equal(send_bytes(&l, s, packet, 60, &to), -NST_EINVAL);
    packet[0] = 0x45;
    assert_int_equal(send_bytes(&l, s, packet, 1500, &to), 1500);
    assert_int_equal(send_bytes(&l, s, packet, 1501, &to), -NST_EMSGSIZE);
    assert_int_equal(l.link[0].count, 2);
    /* IPv6 headers are the stack's. */
    assert_int_equal(send_bytes(&l, s, "six", 3, &to6), 3);
    assert_int_equal(last(&l)->data[14 + 6], OSPF);
    rig_end(&l);
}

/* ---- Checksums ---- */

static void sums_icmpv6(void **state)
{
    struct rig l;
    uint8_t message[13], packet[100];
    int64_t value;
    rig_begin(&l, 1, NULL);
    const nst_socket s = rig_bind(&l, NST_RAW, IP_PROTO_ICMPV6, -1);
    const struct nst_endpoint to = rig_end_of(0, RIG_V6, 2, 0), us = rig_end_of(0, RIG_V6, 1, 0);
    icmp6_build(message, &(struct icmp6_hdr){.type = ICMP6_ECHO_REQUEST, .id = 5, .seq = 6});
    memcpy(message + 8, "ping!", 5);
    message[2] = 0xaa; /* not the sender's to say */
    assert_int_equal(send_bytes(&l, s, message, sizeof(message), &to), 13);
    assert_true(csum_ok(csum_short(last(&l)->data + 54, 13,
                                   csum_pseudo_v6(&us.addr, &to.addr, IP_PROTO_ICMPV6, 13))));
    assert_int_equal(send_bytes(&l, s, message, 3, &to), -NST_EINVAL);
    assert_int_equal(nst_socket_get(l.stack, s, NST_OPT_CHECKSUM, &value), 0);
    assert_int_equal(value, 2);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_CHECKSUM, 4), -NST_EINVAL);
    /* The answer: what is wrong is not shown. */
    rig_drain(&l, s);
    message[0] = ICMP6_ECHO_REPLY;
    const size_t n = rig_build_icmp(packet, &to.addr, &us.addr, message, sizeof(message));
    rig_inject_ip(&l, 0, packet, n);
    packet[n - 1] ^= 1;
    rig_inject_ip(&l, 0, packet, n);
    assert_int_equal(nst_socket_recv(l.stack, s, message, sizeof(message), 0), 13);
    assert_int_equal(message[0], ICMP6_ECHO_REPLY);
    assert_int_equal(rig_drain(&l, s), 0);
    rig_end(&l);
}

static void sums_where_it_is_told_to(void **state)
{
    struct rig l;
    uint8_t packet[100], message[8] = "12345678";
    int64_t value;
    rig_begin(&l, 1, NULL);
    const nst_socket s = rig_bind(&l, NST_RAW, OSPF, -1);
    const struct nst_endpoint to = rig_end_of(0, RIG_V6, 2, 0), us = rig_end_of(0, RIG_V6, 1, 0);
    assert_int_equal(nst_socket_get(l.stack, s, NST_OPT_CHECKSUM, &value), 0);
    assert_int_equal(value, -1);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_CHECKSUM, 3), -NST_EINVAL);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_CHECKSUM, -2), -NST_EINVAL);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_CHECKSUM, 65536), -NST_EINVAL);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_CHECKSUM, 6), 0);
    assert_int_equal(send_bytes(&l, s, message, 8, &to), 8);
    const uint32_t pseudo = csum_pseudo_v6(&us.addr, &to.addr, OSPF, 8);
    assert_true(csum_ok(csum_short(last(&l)->data + 54, 8, pseudo)));
    assert_memory_equal(last(&l)->data + 54, "123456", 6);
    assert_int_equal(send_bytes(&l, s, message, 7, &to), -NST_EINVAL);
    /* What comes is checked; what cannot have one is wrong. */
    be16_put(message + 6, 0);
    be16_put(message + 6, csum_fold(csum_short(message, 8, pseudo)));
    rig_inject_ip(&l, 0, packet, frame_ip(packet, &to.addr, &us.addr, OSPF, message, 8));
    assert_int_equal(rig_drain(&l, s), 1);
    rig_inject_ip(&l, 0, packet, frame_ip(packet, &to.addr, &us.addr, OSPF, message, 7));
    rig_inject_ip(&l, 0, packet, frame_ip(packet, &to.addr, &us.addr, OSPF, message, 0));
    message[0] ^= 1;
    rig_inject_ip(&l, 0, packet, frame_ip(packet, &to.addr, &us.addr, OSPF, message, 8));
    assert_int_equal(rig_drain(&l, s), 0);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_CHECKSUM, -1), 0);
    rig_inject_ip(&l, 0, packet, frame_ip(packet, &to.addr, &us.addr, OSPF, message, 8));
    assert_int_equal(rig_drain(&l, s), 1);
    rig_end(&l);
}

/* A link in memory leaves checksums open: the reader sees a packet as a wire would carry it. */
static void shows_checksums_complete(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint8_t seen[100];
        struct nst_pktq q = {0};
        rig_begin(&l, 1, NULL);
        const nst_socket s = rig_bind(&l, NST_RAW, IP_PROTO_UDP, -1);
        const size_t n = rig_build_udp(l.bytes, 0, f,
                                       &(struct rig_udp){.dst_port = 1, .text = "abc"}),
                     header = f == RIG_V4 ? IP4_HDR_LEN : IP6_HDR_LEN;
        const struct nst_addr src = rig_addr(0, f, 2), dst = rig_addr(0, f, 1);
        const uint32_t len = (uint32_t)(n - header),
                       pseudo = csum_pseudo(&src, &dst, IP_PROTO_UDP, len);
        const uint16_t open = csum_fold_raw(pseudo);
        memcpy(l.bytes + header + 6, &open, sizeof(open));
        const size_t whole =
            frame_eth(l.frame, RIG_PEER, WORLD_MAC(1), rig_ethertype(f), l.bytes, n);
        struct nst_pkt *p = memlink_packet(&l.link[0], l.frame, whole);
        nst_pkt_request_csum(p, (uint32_t)(14 + header), 6);
        nst_pktq_push(&q, p);
        memlink_deliver(&l.link[0], &q);
        rig_run(&l);
        const int64_t got = nst_socket_recv(l.stack, s, seen, sizeof(seen), 0);
        assert_int_equal(got, f == RIG_V4 ? n : len);
        assert_true(csum_ok(csum_short(seen + got - len, len, pseudo)));
        rig_end(&l);
    }
}

/* ---- As a socket ---- */

static void pings_over_raw_sockets(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint8_t message[12], seen[100];
        rig_begin(&l, 1, &(struct rig_config){.handle_local = true});
        const nst_socket s =
            rig_bind(&l, NST_RAW, f == RIG_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6, -1);
        const struct nst_endpoint us = rig_end_of(0, f, 1, 0);
        const size_t header = f == RIG_V4 ? IP4_HDR_LEN : 0;
        const int request = f == RIG_V4 ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST;
        icmp4_build(message, &(struct icmp4_hdr){.type = ICMP4_ECHO_REQUEST, .id = 7, .seq = 1});
        message[0] = (uint8_t)request;
        memcpy(message + 8, "data", 4);
        icmp4_csum_put(message, csum_short(message, 12, 0));
        assert_int_equal(send_bytes(&l, s, message, 12, &us), 12);
        rig_run(&l);
        /* Request and reply both come by. */
        assert_int_equal(nst_socket_recv(l.stack, s, seen, sizeof(seen), 0), header + 12);
        assert_int_equal(seen[header], request);
        assert_int_equal(nst_socket_recv(l.stack, s, seen, sizeof(seen), 0), header + 12);
        assert_int_equal(seen[header], f == RIG_V4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY);
        assert_memory_equal(seen + header + 4, message + 4, 8);
        rig_end(&l);
    }
}

static void is_bounded_and_counts(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        int64_t dropped;
        uint8_t packet[100];
        rig_begin(&l, 1, NULL);
        const nst_socket s = rig_bind(&l, NST_RAW, OSPF, -1);
        const struct nst_addr src = rig_addr(0, f, 2), dst = rig_addr(0, f, 1);
        assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_RECEIVE_BUFFER, 4096), 0);
        for (int i = 0; i < 100; i++)
            rig_inject_ip(&l, 0, packet, frame_ip(packet, &src, &dst, OSPF, "x", 1));
        assert_int_equal(nst_socket_get(l.stack, s, NST_OPT_RECEIVE_DROPPED, &dropped), 0);
        assert_true(dropped > 0);
        assert_int_equal(rig_drain(&l, s), 100 - dropped);
        assert_int_equal(rig_stack_counter(&l, "raw_buffer_full"), dropped);
        assert_int_equal(rig_stack_counter(&l, "raw_received"), 100 - dropped);
        assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_RECEIVE_DROPPED, 0), -NST_EOPNOTSUPP);
        rig_end(&l);
    }
}

static void is_a_socket_like_others(void **state)
{
    struct rig l;
    struct nst_endpoint at = {.port = 0};
    rig_begin(&l, 1, NULL);
    const nst_socket s = rig_open(&l, NST_RAW);
    const struct nst_endpoint to = rig_end_of(0, RIG_V4, 2, 0), to6 = rig_end_of(0, RIG_V6, 2, 0);
    assert_int_equal(nst_socket_bind(l.stack, s, &at), -NST_EINVAL);
    at.port = 256;
    assert_int_equal(nst_socket_bind(l.stack, s, &at), -NST_EINVAL);
    assert_int_equal(nst_socket_sendto(l.stack, s, "x", 1, 0, &to), -NST_EINVAL); /* which? */
    at = (struct nst_endpoint){.port = OSPF, .nic = 5};
    assert_int_equal(nst_socket_bind(l.stack, s, &at), -NST_EADDRNOTAVAIL);
    at = rig_end_of(0, RIG_V4, 77, OSPF);
    assert_int_equal(nst_socket_bind(l.stack, s, &at), -NST_EADDRNOTAVAIL);
    at = rig_end_of(0, RIG_V4, 1, OSPF);
    assert_int_equal(nst_socket_bind(l.stack, s, &at), 0);
    assert_int_equal(nst_socket_bind(l.stack, s, &at), -NST_EINVAL);
    assert_int_equal(nst_socket_get_local(l.stack, s, &at), 0);
    assert_int_equal(at.port, OSPF);
    assert_int_equal(nst_socket_sendto(l.stack, s, "x", 1, 0, &to6), -NST_EAFNOSUPPORT);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_REUSE_PORT, 1), -NST_ENOPROTOOPT);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_HEADER_INCLUDED, 2), -NST_EINVAL);
    assert_int_equal(nst_socket_listen(l.stack, s, 1), -NST_EPROTOTYPE);
    assert_int_equal(nst_socket_refuse(l.stack, s, NST_REFUSE_DROP), -NST_EINVAL);
    /* Others can have the same protocol, and the same port. */
    const nst_socket twin = rig_bind(&l, NST_RAW, OSPF, -1),
                     udp = rig_bind(&l, NST_DATAGRAM, OSPF, -1);
    assert_int_equal(nst_socket_connect(l.stack, s, &to), 0);
    assert_int_equal(nst_socket_shutdown(l.stack, s, NST_SHUT_RECV), 0);
    rig_inject_ip(&l, 0, l.bytes, frame_ip(l.bytes, &to.addr, &at.addr, OSPF, "twin", 4));
    assert_int_equal(nst_socket_recv(l.stack, s, NULL, 0, 0), 0);
    assert_int_equal(rig_drain(&l, twin), 1);
    assert_int_equal(rig_drain(&l, udp), 0);
    rig_end(&l); /* closes what is open */
}

/* N105: a path MTU is taken for the way that is used, connected or not. */
static void hears_of_the_path(void **state)
{
    RIG_FOR_FAMILIES (f) {
        static uint8_t data[1400];
        struct rig l;
        uint8_t message[100] = {0}, packet[200];
        rig_begin(&l, 1, NULL);
        const nst_socket s = rig_bind(&l, NST_RAW, OSPF, -1);
        const struct nst_endpoint to = rig_end_of(0, f, 2, 0);
        const struct nst_addr us = rig_addr(0, f, 1);
        assert_int_equal(send_bytes(&l, s, data, sizeof(data), &to), sizeof(data));
        assert_int_equal(l.link[0].count, 1);
        const uint32_t quoted = 60;
        memcpy(message + 8, last(&l)->data + 14, quoted);
        if (f == RIG_V4)
            icmp4_build(message, &(struct icmp4_hdr){.type = ICMP4_UNREACHABLE,
                                                     .code = ICMP4_FRAG_NEEDED,
                                                     .mtu = 1300});
        else
            icmp6_build(message, &(struct icmp6_hdr){.type = ICMP6_TOO_BIG, .mtu = 1300});
        rig_inject_ip(&l, 0, packet, rig_build_icmp(packet, &to.addr, &us, message, 8 + quoted));
        assert_int_equal(nst_socket_error(l.stack, s), 0);
        assert_int_equal(send_bytes(&l, s, data, sizeof(data), &to), sizeof(data));
        assert_int_equal(l.link[0].count, 3); /* in two pieces */
        rig_end(&l);
    }
}

TESTS({"sends behind an IP header of either family", sends_behind_an_ip_header},
      {"long packets are cut, and what no packet can hold is refused", long_packets_are_cut},
      {"a header of the sender's own: what was left open is filled in",
       fills_in_what_the_sender_left_open},
      {"a header of the sender's own that is none is refused", refuses_headers_that_are_none},
      {"RFC 3542 3.1: checksums of ICMPv6 are computed and checked", sums_icmpv6},
      {"RFC 3542 3.1: checksums are computed and checked where the socket says",
       sums_where_it_is_told_to},
      {"checksums that were left open are shown complete", shows_checksums_complete},
      {"a ping over raw sockets", pings_over_raw_sockets},
      {"the receive buffer is bounded and what finds no room is counted", is_bounded_and_counts},
      {"a raw socket is a socket like others", is_a_socket_like_others},
      {"nic/N105: a path MTU reaches the raw socket that uses the path", hears_of_the_path})
