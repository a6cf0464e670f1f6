/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of the NIC, section 6: N100 to N107, through the public API. */
#include "rig.h"

#include <nicstack/forwarder.h>

#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"
#include "wire/ipproto.h"

#define ECHO 7
#define OSPF 89 /* no transport here has this number */

static const struct nst_mac everybody = {{255, 255, 255, 255, 255, 255}};

static void allow(struct rig *l, nst_socket s, enum nst_option option)
{
    assert_int_equal(nst_socket_set(l->stack, s, option, 1), 0);
}

/* A datagram socket that shares its port with others, bound to `at`. */
static nst_socket shared(struct rig *l, enum nst_option option, const struct nst_endpoint *at)
{
    const nst_socket s = rig_open(l, NST_DATAGRAM);
    allow(l, s, option);
    assert_int_equal(nst_socket_bind(l->stack, s, at), 0);
    return s;
}

static void inject_proto(struct rig *l, enum rig_family f, uint8_t proto, const void *payload,
                         size_t len)
{
    const struct nst_addr src = rig_addr(0, f, 2), dst = rig_addr(0, f, 1);
    rig_inject_ip(l, 0, l->bytes, frame_ip(l->bytes, &src, &dst, proto, payload, len));
}

/* Type, code and pointer of the ICMP message that frame i of NIC 0 carries. */
static void answer_of(const struct rig *l, uint32_t i, enum rig_family f, uint8_t *ret_type,
                      uint8_t *ret_code, uint32_t *ret_pointer)
{
    assert_true(i < l->link[0].count);
    const struct memlink_frame *frame = &l->link[0].frames[i];
    const size_t off = 14 + (f == RIG_V4 ? IP4_HDR_LEN : IP6_HDR_LEN);
    *ret_pointer = 0;
    if (f == RIG_V4) {
        struct icmp4_hdr hdr;
        assert_true(icmp4_parse(frame->data + off, frame->len - off, &hdr) != 0);
        *ret_type = hdr.type;
        *ret_code = hdr.code;
        return;
    }
    struct icmp6_hdr hdr;
    assert_true(icmp6_parse(frame->data + off, frame->len - off, &hdr) != 0);
    *ret_type = hdr.type;
    *ret_code = hdr.code;
    *ret_pointer = hdr.pointer;
}

/* ---- N100 ---- */

static void raw_sockets_come_first(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        struct nst_ready ready[4];
        rig_begin(&l, 1, NULL);
        const nst_socket u = rig_bind(&l, NST_DATAGRAM, ECHO, 0),
                         a = rig_bind(&l, NST_RAW, IP_PROTO_UDP, -1),
                         b = rig_bind(&l, NST_RAW, IP_PROTO_UDP, 0),
                         c = rig_bind(&l, NST_RAW, OSPF, -1);
        const nst_socket order[] = {a, b, u};
        nst_socket_watch(l.stack, u, NST_READY_IN, NULL);
        nst_socket_watch(l.stack, a, NST_READY_IN, NULL);
        nst_socket_watch(l.stack, b, NST_READY_IN, NULL);
        nst_socket_watch(l.stack, c, NST_READY_IN, NULL);
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = ECHO, .text = "all"});
        assert_int_equal(nst_ready_list(l.stack, ready, 4), 3);
        for (int i = 0; i < 3; i++)
            assert_true(ready[i].socket == order[i]);
        assert_string_equal(rig_text(&l, u), "all"); /* this stops nothing */
        assert_int_equal(rig_drain(&l, a) + rig_drain(&l, b), 2);
        assert_int_equal(rig_drain(&l, c), 0);
        rig_end(&l);
    }
}

static void raw_sockets_without_a_transport(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        struct nst_message m;
        uint8_t seen[100];
        rig_begin(&l, 1, NULL);
        const nst_socket r = rig_bind(&l, NST_RAW, OSPF, -1);
        const size_t header = f == RIG_V4 ? IP4_HDR_LEN : 0;
        inject_proto(&l, f, OSPF, "hello ospf", 10);
        assert_int_equal(nst_socket_recvfrom(l.stack, r, seen, sizeof(seen), 0, &m), header + 10);
        assert_memory_equal(seen + header, "hello ospf", 10);
        if (f == RIG_V4)
            assert_int_equal(seen[0], 0x45);
        const struct nst_endpoint peer = rig_end_of(0, f, 2, 0);
        assert_true(nst_addr_equal(&m.remote.addr, &peer.addr));
        assert_int_equal(m.local.nic, l.nic[0]);
        assert_int_equal(m.ttl, 64);
        rig_end(&l);
    }
}

static void raw_sockets_whatever_the_payload(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 1, NULL);
        const nst_socket udp = rig_bind(&l, NST_RAW, IP_PROTO_UDP, -1),
                         tcp = rig_bind(&l, NST_RAW, IP_PROTO_TCP, -1),
                         ospf = rig_bind(&l, NST_RAW, OSPF, -1),
                         icmp = rig_bind(&l, NST_RAW, IP_PROTO_ICMP, -1);
        for (size_t len = 0; len < 8; len++) {
            inject_proto(&l, f, IP_PROTO_UDP, "garbage", len);
            inject_proto(&l, f, IP_PROTO_TCP, "garbage", len);
            inject_proto(&l, f, IP_PROTO_ICMP, "garbage", len);
            inject_proto(&l, f, OSPF, "garbage", len);
        }
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = 1, .bad_csum = true});
        assert_int_equal(rig_drain(&l, udp), 9);
        assert_int_equal(rig_drain(&l, tcp), 8);
        assert_int_equal(rig_drain(&l, icmp), 8);
        assert_int_equal(rig_drain(&l, ospf), 8);
        rig_end(&l);
    }
}

static void raw_sockets_choose(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 2, NULL);
        const struct nst_endpoint mine = rig_end_of(0, f, 1, OSPF),
                                  other = rig_end_of(1, f, 1, OSPF),
                                  only4 = {.addr = nst_addr_v4(0, 0, 0, 0), .port = OSPF},
                                  peer = rig_end_of(0, f, 2, 0), stranger = rig_end_of(0, f, 3, 0);
        const nst_socket nic0 = rig_bind(&l, NST_RAW, OSPF, 0),
                         nic1 = rig_bind(&l, NST_RAW, OSPF, 1), ours = rig_open(&l, NST_RAW),
                         not_ours = rig_open(&l, NST_RAW), v4 = rig_open(&l, NST_RAW),
                         connected = rig_bind(&l, NST_RAW, OSPF, -1),
                         elsewhere = rig_bind(&l, NST_RAW, OSPF, -1);
        assert_int_equal(nst_socket_bind(l.stack, ours, &mine), 0);
        assert_int_equal(nst_socket_bind(l.stack, not_ours, &other), 0);
        assert_int_equal(nst_socket_bind(l.stack, v4, &only4), 0);
        assert_int_equal(nst_socket_connect(l.stack, connected, &peer), 0);
        assert_int_equal(nst_socket_connect(l.stack, elsewhere, &stranger), 0);
        inject_proto(&l, f, OSPF, "x", 1);
        assert_int_equal(rig_drain(&l, nic0), 1);
        assert_int_equal(rig_drain(&l, nic1), 0);
        assert_int_equal(rig_drain(&l, ours), 1);
        assert_int_equal(rig_drain(&l, not_ours), 0);
        assert_int_equal(rig_drain(&l, v4), f == RIG_V4);
        assert_int_equal(rig_drain(&l, connected), 1);
        assert_int_equal(rig_drain(&l, elsewhere), 0);
        rig_end(&l);
    }
}

/* ---- N101 ---- */

static void an_unknown_transport_is_refused(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        struct nst_tally tally;
        uint8_t type, code;
        uint32_t pointer;
        rig_begin(&l, 1, NULL);
        inject_proto(&l, f, OSPF, "hello", 5);
        assert_int_equal(l.link[0].count, 1);
        answer_of(&l, 0, f, &type, &code, &pointer);
        assert_int_equal(type, f == RIG_V4 ? ICMP4_UNREACHABLE : ICMP6_PARAMETER_PROBLEM);
        assert_int_equal(code, f == RIG_V4 ? ICMP4_PROTO_UNREACHABLE : ICMP6_BAD_NEXT_HEADER);
        assert_int_equal(pointer, f == RIG_V4 ? 0 : 6);
        inject_proto(&l, f, OSPF + 1, "hello", 5);
        inject_proto(&l, f, OSPF, "hello", 5);
        assert_int_equal(rig_stack_counter(&l, "drop_trans_unknown"), 3);
        assert_true(nst_stack_unknown_at(l.stack, 0, &tally));
        assert_true(tally.number == OSPF && tally.count == 2);
        assert_true(nst_stack_unknown_at(l.stack, 1, &tally));
        assert_true(tally.number == OSPF + 1 && tally.count == 1);
        assert_false(nst_stack_unknown_at(l.stack, 2, &tally));
        rig_end(&l);
    }
}

static void not_what_a_raw_socket_took(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        struct nst_tally tally;
        rig_begin(&l, 1, NULL);
        const nst_socket r = rig_bind(&l, NST_RAW, OSPF, -1);
        assert_int_equal(nst_socket_set(l.stack, r, NST_OPT_RECEIVE_BUFFER, 0), 0);
        for (int i = 0; i < 50; i++)
            inject_proto(&l, f, OSPF, "hello", 5);
        assert_int_equal(l.link[0].count, 0); /* taken, though there was no room */
        assert_true(rig_stack_counter(&l, "raw_buffer_full") > 0);
        assert_true(nst_stack_unknown_at(l.stack, 0, &tally));
        assert_int_equal(tally.count, 50);
        inject_proto(&l, f, OSPF + 1, "hello", 5);
        assert_int_equal(l.link[0].count, 1);
        assert_int_equal(nst_socket_close(l.stack, r), 0);
        inject_proto(&l, f, OSPF, "hello", 5);
        assert_int_equal(l.link[0].count, 2);
        rig_end(&l);
    }
}

static void malformed_is_handled(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 1, NULL);
        inject_proto(&l, f, IP_PROTO_UDP, "1234567", 7);
        inject_proto(&l, f, IP_PROTO_TCP, "123456789012345", 15);
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = 1, .bad_csum = true});
        assert_int_equal(l.link[0].count, 0);
        assert_int_equal(rig_stack_counter(&l, "udp_malformed"), 2);
        assert_int_equal(rig_stack_counter(&l, "tcp_segments_malformed"), 1);
        assert_int_equal(rig_stack_counter(&l, "drop_trans_malformed"), 2);
        rig_end(&l);
    }
}

static void nobodys_packets_are_refused(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint8_t type, code;
        uint32_t pointer;
        rig_begin(&l, 1, NULL);
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = ECHO});
        answer_of(&l, 0, f, &type, &code, &pointer);
        assert_int_equal(type, f == RIG_V4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE);
        assert_int_equal(code, f == RIG_V4 ? ICMP4_PORT_UNREACHABLE : ICMP6_PORT_UNREACHABLE);
        /* TCP has an answer of its own */
        const struct nst_endpoint src = rig_end_of(0, f, 2, 5000), dst = rig_end_of(0, f, 1, ECHO);
        rig_inject_ip(&l, 0, l.bytes, rig_build_tcp(l.bytes, &src, &dst, TCP_SYN));
        assert_int_equal(rig_stack_counter(&l, "tcp_resets_sent"), 1);
        assert_int_equal(l.link[0].count, 2);
        rig_end(&l);
    }
}

static void the_default_handler_is_before_them(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        struct nst_request_info info;
        rig_begin(&l, 1, NULL);
        const struct nst_forwarder_config forwarder = {.size = sizeof(forwarder), .udp = true};
        assert_int_equal(nst_forwarder_start(l.stack, &forwarder), 0);
        const nst_socket r = rig_bind(&l, NST_RAW, IP_PROTO_UDP, -1),
                         u = rig_bind(&l, NST_DATAGRAM, ECHO, -1);
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = ECHO});
        assert_false(nst_request_next(l.stack, &info)); /* a socket matched */
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = ECHO + 1});
        assert_true(nst_request_next(l.stack, &info));
        assert_int_equal(info.local.port, ECHO + 1);
        assert_int_equal(l.link[0].count, 0);
        assert_int_equal(rig_drain(&l, r), 2);
        assert_int_equal(rig_drain(&l, u), 1);
        assert_int_equal(nst_request_refuse(l.stack, info.request, NST_REFUSE_DROP), 0);
        rig_end(&l);
    }
}

/* ---- N102 ---- */

static void the_best_match_gets_it(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 1, NULL);
        const struct nst_endpoint local = rig_end_of(0, f, 1, ECHO),
                                  peer = rig_end_of(0, f, 2, 5000);
        struct nst_endpoint on_nic = local;
        on_nic.nic = l.nic[0];
        nst_socket s[5];
        /* From the worst to the best. */
        s[0] = shared(&l, NST_OPT_REUSE_ADDRESS, &(struct nst_endpoint){.port = ECHO});
        s[1] = shared(&l, NST_OPT_REUSE_ADDRESS,
                      &(struct nst_endpoint){.port = ECHO, .nic = l.nic[0]});
        s[2] = shared(&l, NST_OPT_REUSE_ADDRESS, &local);
        s[3] = shared(&l, NST_OPT_REUSE_ADDRESS, &on_nic);
        s[4] = shared(&l, NST_OPT_REUSE_ADDRESS, &local);
        assert_int_equal(nst_socket_connect(l.stack, s[4], &peer), 0);
        for (int best = 4; best >= 0; best--) {
            rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = ECHO});
            for (int i = 0; i <= best; i++)
                assert_int_equal(rig_drain(&l, s[i]), i == best);
            assert_int_equal(nst_socket_close(l.stack, s[best]), 0);
        }
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = ECHO});
        assert_int_equal(rig_stack_counter(&l, "udp_no_port"), 1);
        rig_end(&l);
    }
}

/* The same 4-tuple on two NICs: each packet belongs to its own. */
static void the_same_flow_on_two_nics(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        nst_socket s[2];
        rig_begin(&l, 2, NULL);
        const struct nst_nic_addr twin = {
            .addr = rig_addr(0, f, 1), .prefix_len = f == RIG_V4 ? 32 : 128, .no_dad = true};
        assert_int_equal(nst_nic_addr_add(l.stack, l.nic[1], &twin), 0);
        const struct nst_endpoint peer = rig_end_of(0, f, 2, 5000);
        for (int i = 0; i < 2; i++) {
            struct nst_endpoint at = rig_end_of(0, f, 1, ECHO), to = peer;
            const struct nst_route route = {
                .prefix = peer.addr, .prefix_len = f == RIG_V4 ? 32 : 128, .nic = l.nic[i]};
            at.nic = to.nic = l.nic[i];
            assert_int_equal(nst_route_add(l.stack, &route), 0);
            s[i] = shared(&l, NST_OPT_REUSE_ADDRESS, &at);
            assert_int_equal(nst_socket_connect(l.stack, s[i], &to), 0);
        }
        const struct rig_udp udp = {.src = peer.addr, .dst = rig_addr(0, f, 1), .dst_port = ECHO};
        for (int i = 0; i < 2; i++) {
            rig_inject_udp(&l, i, f, &udp);
            assert_int_equal(rig_drain(&l, s[i]), 1);
            assert_int_equal(rig_drain(&l, s[1 - i]), 0);
        }
        rig_end(&l);
    }
}

/* Decided: a match on the wrong NIC is a miss, not a swallowed packet. */
static void the_wrong_nic_is_a_miss(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 2, &(struct rig_config){.weak_host = true});
        const struct nst_endpoint peer = rig_end_of(0, f, 2, 5000);
        const nst_socket any = shared(&l, NST_OPT_REUSE_ADDRESS,
                                      &(struct nst_endpoint){.port = ECHO}),
                         bound = rig_open(&l, NST_DATAGRAM), connected = rig_open(&l, NST_DATAGRAM);
        allow(&l, bound, NST_OPT_REUSE_ADDRESS);
        allow(&l, connected, NST_OPT_REUSE_ADDRESS);
        const struct nst_endpoint port_on_second = {.port = ECHO, .nic = l.nic[1]};
        assert_int_equal(nst_socket_bind(l.stack, bound, &port_on_second), 0);
        assert_int_equal(nst_socket_bind(l.stack, connected, &port_on_second), 0);
        const struct nst_route to_peer = {
            .prefix = peer.addr, .prefix_len = f == RIG_V4 ? 32 : 128, .nic = l.nic[1]};
        assert_int_equal(nst_route_add(l.stack, &to_peer), 0);
        assert_int_equal(nst_socket_connect(l.stack, connected, &peer), 0);
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = ECHO});
        assert_int_equal(rig_drain(&l, any), 1);
        assert_int_equal(rig_drain(&l, bound) + rig_drain(&l, connected), 0);
        assert_int_equal(nst_socket_close(l.stack, any), 0);
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = ECHO});
        assert_int_equal(rig_drain(&l, bound) + rig_drain(&l, connected), 0);
        assert_int_equal(rig_stack_counter(&l, "udp_no_port"), 1);
        assert_int_equal(l.link[0].count, 1); /* port unreachable */
        rig_end(&l);
    }
}

static nst_socket listener(struct rig *l, const struct nst_endpoint *at)
{
    const nst_socket s = rig_open(l, NST_STREAM);
    allow(l, s, NST_OPT_REUSE_PORT);
    assert_int_equal(nst_socket_bind(l->stack, s, at), 0);
    assert_int_equal(nst_socket_listen(l->stack, s, 4), 0);
    return s;
}

/* The sequence of a handshake with whoever listens. */
static void shake_hands(struct rig *l, enum rig_family f, uint16_t port)
{
    const struct nst_endpoint src = rig_end_of(0, f, 2, port), dst = rig_end_of(0, f, 1, ECHO);
    const size_t off = 14 + (f == RIG_V4 ? IP4_HDR_LEN : IP6_HDR_LEN);
    struct tcp_hdr answer;
    memlink_clear(&l->link[0]);
    rig_inject_ip(l, 0, l->bytes, rig_build_tcp(l->bytes, &src, &dst, TCP_SYN));
    assert_int_equal(l->link[0].count, 1);
    const struct memlink_frame *sent = &l->link[0].frames[0];
    assert_true(tcp_parse(sent->data + off, sent->len - off, &answer) != 0);
    if ((answer.flags & TCP_SYN) == 0)
        return;
    uint8_t body[TCP_HDR_LEN];
    const struct tcp_hdr ack = {.src_port = port,
                                .dst_port = ECHO,
                                .seq = 1001,
                                .ack = answer.seq + 1,
                                .flags = TCP_ACK,
                                .wnd = 1000,
                                .hdr_len = TCP_HDR_LEN};
    tcp_build(body, &ack);
    tcp_csum_put(body, csum_short(body, sizeof(body),
                                  csum_pseudo(&src.addr, &dst.addr, IP_PROTO_TCP, sizeof(body))));
    rig_inject_ip(l, 0, l->bytes,
                  frame_ip(l->bytes, &src.addr, &dst.addr, IP_PROTO_TCP, body, sizeof(body)));
}

static bool accepts(struct rig *l, nst_socket s)
{
    nst_socket fresh;
    if (nst_socket_accept(l->stack, s, &fresh, NULL) != 0)
        return false;
    assert_int_equal(nst_socket_abort(l->stack, fresh), 0);
    rig_run(l);
    return true;
}

static void listeners_too(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 2, NULL);
        struct nst_endpoint at = {.port = ECHO, .nic = l.nic[1]};
        const nst_socket wrong = listener(&l, &at);
        shake_hands(&l, f, 5000);
        assert_false(accepts(&l, wrong));
        assert_int_equal(rig_stack_counter(&l, "tcp_resets_sent"), 1);
        at.nic = 0;
        const nst_socket any = listener(&l, &at);
        shake_hands(&l, f, 5001);
        assert_true(accepts(&l, any));
        at.nic = l.nic[0];
        const nst_socket here = listener(&l, &at);
        shake_hands(&l, f, 5002);
        assert_false(accepts(&l, any));
        assert_true(accepts(&l, here));
        at = rig_end_of(0, f, 1, ECHO);
        const nst_socket address = listener(&l, &at);
        shake_hands(&l, f, 5003);
        assert_false(accepts(&l, here));
        assert_true(accepts(&l, address));
        rig_end(&l);
    }
}

/* ---- N103 ---- */

#define FLOWS  400
#define SHARES 4

/* Which of the sockets each flow went to. */
static void spread(struct rig *l, enum rig_family f, const nst_socket *s, int *ret_of)
{
    for (int flow = 0; flow < FLOWS; flow++) {
        const struct rig_udp udp = {.dst_port = ECHO, .src_port = (uint16_t)(1000 + flow)};
        rig_inject_udp(l, 0, f, &udp);
        ret_of[flow] = -1;
        for (int i = 0; i < SHARES; i++) {
            if (rig_drain(l, s[i]) == 1)
                ret_of[flow] = i;
        }
        assert_true(ret_of[flow] >= 0);
    }
}

static void reuse_port_spreads(void **state)
{
    static int first[FLOWS], again[FLOWS], other[FLOWS];
    RIG_FOR_FAMILIES (f) {
        for (uint8_t seed = 1; seed <= 2; seed++) {
            struct rig l;
            nst_socket s[SHARES];
            int share[SHARES] = {0}, same = 0;
            rig_begin(&l, 1, &(struct rig_config){.seed = seed});
            for (int i = 0; i < SHARES; i++)
                s[i] = shared(&l, NST_OPT_REUSE_PORT, &(struct nst_endpoint){.port = ECHO});
            spread(&l, f, s, seed == 1 ? first : other);
            spread(&l, f, s, again);
            /* A flow stays where it is. */
            assert_memory_equal(again, seed == 1 ? first : other, sizeof(again));
            for (int i = 0; i < FLOWS; i++) {
                share[again[i]]++;
                same += first[i] == again[i];
            }
            for (int i = 0; i < SHARES; i++)
                assert_in_range(share[i], FLOWS / SHARES / 2, FLOWS / SHARES * 2);
            /* Nobody can tell beforehand: another key, another spread. */
            assert_true(seed == 1 ? same == FLOWS : same < FLOWS / 2);
            rig_end(&l);
        }
    }
}

static void reuse_address_prefers_the_newest(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        nst_socket s[3];
        rig_begin(&l, 1, NULL);
        for (int i = 0; i < 3; i++)
            s[i] = shared(&l, NST_OPT_REUSE_ADDRESS, &(struct nst_endpoint){.port = ECHO});
        for (int newest = 2; newest >= 0; newest--) {
            rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = ECHO});
            for (int i = 0; i <= newest; i++)
                assert_int_equal(rig_drain(&l, s[i]), i == newest);
            assert_int_equal(nst_socket_close(l.stack, s[newest]), 0);
        }
        rig_end(&l);
    }
}

static void every_match_of_a_group(void **state)
{
    const struct nst_addr groups[][3] = {
        [RIG_V4] = {nst_addr_v4(224, 0, 0, 1), nst_addr_v4(255, 255, 255, 255),
                    nst_addr_v4(10, 0, 0, 255)},
        [RIG_V6] = {{{{0xff, 2, [15] = 1}}}, {{{0xff, 1, [15] = 1}}}, {{{0}}}}};
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 2, NULL);
        const struct nst_endpoint any = {.port = ECHO}, here = {.port = ECHO, .nic = l.nic[0]},
                                  there = {.port = ECHO, .nic = l.nic[1]},
                                  unicast = rig_end_of(0, f, 1, ECHO);
        for (int i = 0; i < 3; i++) {
            if (f == RIG_V6 && i > 0)
                break;
            const struct nst_endpoint group = {.addr = groups[f][i], .port = ECHO};
            const nst_socket s[] = {
                shared(&l, NST_OPT_REUSE_PORT, &any),   shared(&l, NST_OPT_REUSE_PORT, &any),
                shared(&l, NST_OPT_REUSE_PORT, &here),  shared(&l, NST_OPT_REUSE_PORT, &group),
                shared(&l, NST_OPT_REUSE_PORT, &there), shared(&l, NST_OPT_REUSE_PORT, &unicast)};
            const nst_socket raw = rig_bind(&l, NST_RAW, IP_PROTO_UDP, -1);
            const struct rig_udp udp = {
                .dst = group.addr, .dst_port = ECHO, .mac = everybody, .text = "all"};
            rig_inject_udp(&l, 0, f, &udp);
            for (int k = 0; k < 6; k++) {
                assert_int_equal(rig_drain(&l, s[k]), k < 4);
                assert_int_equal(nst_socket_close(l.stack, s[k]), 0);
            }
            assert_int_equal(rig_drain(&l, raw), 1);
            assert_int_equal(nst_socket_close(l.stack, raw), 0);
            /* Nobody's: no answer (N106). */
            rig_inject_udp(&l, 0, f, &udp);
            assert_int_equal(l.link[0].count, 0);
        }
        rig_end(&l);
    }
}

/* ---- N104 ---- */

static uint64_t all_drops(const struct rig *l)
{
    struct nst_counter c;
    uint64_t sum = 0;
    for (size_t n = 0; nst_stack_counter_at(l->stack, n, &c); n++)
        sum += strncmp(c.name, "drop_", 5) == 0 ? c.value : 0;
    return sum;
}

static void tcp_is_between_two(void **state)
{
    const struct nst_addr bad[][5] = {
        [RIG_V4] = {nst_addr_v4(0, 0, 0, 0), nst_addr_v4(224, 0, 0, 1),
                    nst_addr_v4(255, 255, 255, 255), nst_addr_v4(10, 0, 0, 255),
                    nst_addr_v4(224, 0, 0, 251)},
        [RIG_V6] = {{{{0}}},
                    {{{0xff, 2, [15] = 1}}},
                    {{{0xff, 2, [15] = 2}}},
                    {{{0xff, 1, [15] = 1}}},
                    {{{0xff, 2, [11] = 1, 0xff, 0, 0, 1}}}}};
    RIG_FOR_FAMILIES (f) {
        for (int listens = 0; listens < 2; listens++) {
            struct rig l;
            rig_begin(&l, 1, NULL);
            if (listens)
                listener(&l, &(struct nst_endpoint){.port = ECHO});
            const struct nst_endpoint us = rig_end_of(0, f, 1, ECHO),
                                      peer = rig_end_of(0, f, 2, 99);
            uint64_t drops = all_drops(&l);
            for (int i = 0; i < 5; i++) {
                const struct nst_endpoint from = {.addr = bad[f][i], .port = 99},
                                          to = {.addr = bad[f][i], .port = ECHO};
                rig_inject_ip(&l, 0, l.bytes, rig_build_tcp(l.bytes, &from, &us, TCP_SYN));
                rig_inject_ip(&l, 0, l.bytes, rig_build_tcp(l.bytes, &peer, &to, TCP_SYN));
                rig_inject(&l, 0, everybody, rig_ethertype(f), l.bytes,
                           rig_build_tcp(l.bytes, &peer, &to, TCP_ACK));
                assert_int_equal(all_drops(&l), drops + 3);
                drops += 3;
            }
            assert_int_equal(l.link[0].count, 0);
            assert_int_equal(rig_stack_counter(&l, "tcp_resets_sent"), 0);
            assert_true(rig_stack_counter(&l, "drop_tcp_bad_address") > 0);
            rig_end(&l);
        }
    }
}

/* ---- N105 ---- */

/* "Nobody speaks this protocol here" from the peer about frame 0. */
static void inject_error(struct rig *l, enum rig_family f, const struct nst_addr *about)
{
    uint8_t message[100] = {0}, packet[200];
    const struct nst_addr peer = rig_addr(0, f, 2), us = rig_addr(0, f, 1);
    const size_t quote = frame_ip(message + 8, about, &peer, OSPF, "eight...", 8);
    if (f == RIG_V4)
        icmp4_build(message, &(struct icmp4_hdr){.type = ICMP4_UNREACHABLE,
                                                 .code = ICMP4_PROTO_UNREACHABLE});
    else
        icmp6_build(message, &(struct icmp6_hdr){.type = ICMP6_PARAMETER_PROBLEM,
                                                 .code = ICMP6_BAD_NEXT_HEADER,
                                                 .pointer = 6});
    rig_inject_ip(l, 0, packet, rig_build_icmp(packet, &peer, &us, message, 8 + quote));
}

static void errors_reach_raw_sockets(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 1, NULL);
        const struct nst_endpoint peer = rig_end_of(0, f, 2, 0), stranger = rig_end_of(0, f, 3, 0);
        const struct nst_addr us = rig_addr(0, f, 1), not_us = rig_addr(0, f, 8);
        const nst_socket connected = rig_bind(&l, NST_RAW, OSPF, -1),
                         other = rig_bind(&l, NST_RAW, OSPF, -1),
                         loose = rig_bind(&l, NST_RAW, OSPF, -1),
                         udp = rig_bind(&l, NST_RAW, IP_PROTO_UDP, -1);
        assert_int_equal(nst_socket_connect(l.stack, connected, &peer), 0);
        assert_int_equal(nst_socket_connect(l.stack, other, &stranger), 0);
        assert_int_equal(nst_socket_connect(l.stack, udp, &peer), 0);
        inject_error(&l, f, &not_us);
        assert_int_equal(nst_socket_error(l.stack, connected), 0);
        inject_error(&l, f, &us);
        assert_int_equal(nst_socket_error(l.stack, connected), -NST_ECONNREFUSED);
        assert_int_equal(nst_socket_error(l.stack, connected), 0);
        assert_int_equal(nst_socket_error(l.stack, other), 0);
        assert_int_equal(nst_socket_error(l.stack, loose), 0);
        assert_int_equal(nst_socket_error(l.stack, udp), 0);
        assert_int_equal(
            rig_stack_counter(&l, f == RIG_V4 ? "icmp4_errors_received" : "icmp6_errors_received"),
            1);
        rig_end(&l);
    }
}

/* ---- N107 ---- */

static void unregistering_twice(void **state)
{
    struct rig l;
    rig_begin(&l, 1, NULL);
    const nst_socket never = rig_open(&l, NST_PACKET_RAW),
                     shut = rig_bind(&l, NST_PACKET_RAW, 0, 0),
                     other = rig_bind(&l, NST_PACKET_RAW, 0, -1);
    assert_int_equal(nst_socket_shutdown(l.stack, shut, NST_SHUT_RECV), 0);
    assert_int_equal(nst_socket_shutdown(l.stack, shut, NST_SHUT_RECV), 0);
    assert_int_equal(nst_socket_shutdown(l.stack, never, NST_SHUT_RECV), 0);
    RIG_FOR_FAMILIES (f)
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = 1, .mac = WORLD_MAC(50)});
    assert_int_equal(nst_socket_recv(l.stack, shut, NULL, 0, 0), 0); /* the end */
    assert_int_equal(nst_socket_close(l.stack, never), 0);
    assert_int_equal(nst_socket_close(l.stack, shut), 0);
    assert_int_equal(rig_drain(&l, other), 2);
    rig_end(&l);
}

static void nic_zero_is_every_one(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        const struct rig_udp udp = {.dst_port = 1, .mac = WORLD_MAC(50)};
        rig_begin(&l, 0, NULL);
        const nst_socket every = rig_bind(&l, NST_PACKET_RAW, rig_ethertype(f), -1);
        rig_add_nic(&l);
        rig_inject_udp(&l, 0, f, &udp);
        assert_int_equal(rig_drain(&l, every), 1);
        rig_add_nic(&l);
        rig_inject_udp(&l, 1, f, &udp);
        rig_inject_udp(&l, 0, f, &udp);
        assert_int_equal(rig_drain(&l, every), 2);
        /* One that goes takes nothing along. */
        assert_int_equal(nst_nic_remove(l.stack, l.nic[0]), 0);
        rig_inject_udp(&l, 1, f, &udp);
        assert_int_equal(rig_drain(&l, every), 1);
        assert_int_equal(nst_socket_error(l.stack, every), 0);
        rig_end(&l);
    }
}

TESTS({"nic/N100: raw sockets get a clone before the transport, which stops nothing",
       raw_sockets_come_first},
      {"nic/N100: raw sockets get what no transport knows", raw_sockets_without_a_transport},
      {"nic/N100: raw sockets get it whatever the payload", raw_sockets_whatever_the_payload},
      {"nic/N100: raw sockets choose by NIC, address, family and peer", raw_sockets_choose},
      {"nic/N101: an unknown transport is counted by number and refused",
       an_unknown_transport_is_refused},
      {"nic/N101: what a raw socket took is not refused", not_what_a_raw_socket_took},
      {"nic/N101: malformed counts as handled, with no ICMP", malformed_is_handled},
      {"nic/N101: nobody's packets get the protocol's answer, else port-unreachable",
       nobodys_packets_are_refused},
      {"nic/N101: the default handler comes before those answers",
       the_default_handler_is_before_them},
      {"nic/N102: 4-tuple, address and port, port; the packet's NIC first in each",
       the_best_match_gets_it},
      {"nic/N102: one flow on two NICs is two", the_same_flow_on_two_nics},
      {"nic/N102: a match on the wrong NIC is a miss", the_wrong_nic_is_a_miss},
      {"nic/N102: listeners are found in the same order", listeners_too},
      {"nic/N103: REUSEPORT spreads flows by a keyed hash", reuse_port_spreads},
      {"nic/N103: REUSEADDR prefers the newest", reuse_address_prefers_the_newest},
      {"nic/N103: multicast and broadcast reach every match", every_match_of_a_group},
      {"nic/N104: TCP from or to what is no single node is counted and dropped, no RST",
       tcp_is_between_two},
      {"nic/N105: an ICMP error reaches the raw socket that is connected to whom it is about",
       errors_reach_raw_sockets},
      {"nic/N107: unregistering what is not registered does nothing", unregistering_twice},
      {"nic/N107: NIC 0 is every NIC, present and later", nic_zero_is_every_one})
