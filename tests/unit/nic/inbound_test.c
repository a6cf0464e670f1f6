/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of the NIC, section 2: N20 to N30, through the public API. */
#include "rig.h"

#include "wire/csum.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"
#include "wire/ipproto.h"
#include "wire/udp.h"

#define OTHER   WORLD_MAC(77)
#define NO_MAC  ((struct nst_mac){{0}})
#define UNKNOWN 0x88b5 /* a local experiment (RFC 9542 B.2) */
#define ECHO    7

static const struct nst_mac everybody = {{255, 255, 255, 255, 255, 255}};

static void assert_mac(struct nst_mac a, struct nst_mac b)
{
    assert_memory_equal(a.b, b.b, sizeof(a.b));
}

/* The next frame of a packet socket; fails without one. */
static struct nst_frame_info frame_of(struct rig *l, nst_socket s, void *data, size_t size)
{
    struct nst_frame_info info;
    const int64_t n = nst_frame_recv(l->stack, s, data, size, 0, &info);
    if (n < 0)
        fail_msg("no frame: %s", nst_strerror((int)n));
    return info;
}

/* ---- N20 to N25 ---- */

static void data_at_network_header(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint8_t packet[200], raw[300], cooked[300];
        rig_begin(&l, 1, NULL);
        const nst_socket r = rig_bind(&l, NST_PACKET_RAW, 0, 0),
                         c = rig_bind(&l, NST_PACKET_COOKED, 0, 0),
                         u = rig_bind(&l, NST_DATAGRAM, ECHO, 0);
        const struct rig_udp udp = {.dst_port = ECHO, .text = "hello"};
        const size_t n = rig_build_udp(packet, 0, f, &udp);
        rig_inject_udp(&l, 0, f, &udp);
        struct nst_frame_info info = frame_of(&l, c, cooked, sizeof(cooked));
        assert_int_equal(info.len, n);
        assert_memory_equal(cooked, packet, n);
        assert_int_equal(info.ethertype, rig_ethertype(f));
        assert_mac(info.src, RIG_PEER);
        assert_mac(info.dst, WORLD_MAC(1));
        assert_int_equal(info.nic, l.nic[0]);
        assert_int_equal(info.arrival, l.now);
        info = frame_of(&l, r, raw, sizeof(raw));
        assert_int_equal(info.len, 14 + n);
        assert_memory_equal(raw, WORLD_MAC(1).b, 6);
        assert_memory_equal(raw + 14, packet, n);
        assert_string_equal(rig_text(&l, u), "hello");
        assert_int_equal(rig_counter(&l, 0, "rx_bytes"), n);
        rig_end(&l);
    }
}

/* The sum of all counters of the stack and the NIC but those that N21 names. */
static uint64_t all_counters(const struct rig *l)
{
    struct nst_counter c;
    uint64_t sum = 0;
    for (size_t n = 0; nst_stack_counter_at(l->stack, n, &c); n++)
        sum += strcmp(c.name, "drop_nic_disabled") != 0 ? c.value : 0;
    for (size_t n = 0; nst_nic_counter_at(l->stack, l->nic[0], n, &c); n++)
        sum += strncmp(c.name, "rx_disabled_", 12) != 0 ? c.value : 0;
    return sum;
}

static void a_disabled_nic_counts_apart(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 1, NULL);
        const nst_socket p = rig_bind(&l, NST_PACKET_RAW, 0, -1),
                         r = rig_bind(&l, NST_RAW, IP_PROTO_UDP, -1),
                         u = rig_bind(&l, NST_DATAGRAM, ECHO, -1);
        const struct rig_udp udp = {.dst_port = ECHO, .text = "hello"};
        const size_t n = rig_build_udp(l.bytes, 0, f, &udp);
        assert_int_equal(nst_nic_disable(l.stack, l.nic[0]), 0);
        rig_run(&l);
        const uint64_t before = all_counters(&l);
        rig_inject_udp(&l, 0, f, &udp);
        memlink_inject(&l.link[0], "short", 5);
        rig_run(&l);
        assert_int_equal(all_counters(&l), before);
        assert_int_equal(rig_counter(&l, 0, "rx_disabled_packets"), 2);
        assert_int_equal(rig_counter(&l, 0, "rx_disabled_bytes"), n + 5);
        assert_int_equal(rig_stack_counter(&l, "drop_nic_disabled"), 2);
        assert_int_equal(rig_drain(&l, p) + rig_drain(&l, r) + rig_drain(&l, u), 0);
        rig_end(&l);
    }
}

static void counts_before_anything_drops(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint8_t packet[100];
        rig_begin(&l, 1, NULL);
        const size_t n =
            rig_build_udp(packet, 0, f, &(struct rig_udp){.dst_port = 1, .bad_csum = true});
        rig_inject(&l, 0, OTHER, rig_ethertype(f), packet, n);
        rig_inject(&l, 0, WORLD_MAC(1), UNKNOWN, packet, 20);
        rig_inject(&l, 0, WORLD_MAC(1), rig_ethertype(f), packet, 10);
        rig_inject(&l, 0, WORLD_MAC(1), rig_ethertype(f), packet, n);
        memlink_inject(&l.link[0], "short", 5);
        rig_run(&l);
        assert_int_equal(rig_counter(&l, 0, "rx_packets"), 5);
        assert_int_equal(rig_counter(&l, 0, "rx_bytes"), n + 20 + 10 + n + 5);
        assert_int_equal(rig_counter(&l, 0, "rx_malformed"), 2);
        assert_int_equal(rig_stack_counter(&l, "udp_malformed"), 1);
        rig_end(&l);
    }
}

static void an_empty_destination_is_our_own(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 1, NULL);
        const nst_socket p = rig_bind(&l, NST_PACKET_RAW, 0, 0),
                         u = rig_bind(&l, NST_DATAGRAM, ECHO, 0);
        const size_t n =
            rig_build_udp(l.bytes, 0, f, &(struct rig_udp){.dst_port = ECHO, .text = "x"});
        rig_inject(&l, 0, NO_MAC, rig_ethertype(f), l.bytes, n);
        const struct nst_frame_info info = frame_of(&l, p, NULL, 0);
        assert_int_equal(info.type, NST_FRAME_HOST);
        assert_mac(info.dst, WORLD_MAC(1));
        assert_string_equal(rig_text(&l, u), "x");
        rig_end(&l);
    }
}

static void the_type_is_the_destinations(void **state)
{
    const struct nst_mac group4 = {{1, 0, 0x5e, 0, 0, 1}}, group6 = {{0x33, 0x33, 0, 0, 0, 1}};
    const struct {
        struct nst_mac dst;
        uint8_t type;
    } cases[] = {{WORLD_MAC(1), NST_FRAME_HOST},
                 {everybody, NST_FRAME_BROADCAST},
                 {group4, NST_FRAME_MULTICAST},
                 {group6, NST_FRAME_MULTICAST},
                 {OTHER, NST_FRAME_OTHERHOST}};
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 1, NULL);
        const nst_socket p = rig_bind(&l, NST_PACKET_COOKED, rig_ethertype(f), 0);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = 1, .mac = cases[i].dst});
            assert_int_equal(frame_of(&l, p, NULL, 0).type, cases[i].type);
        }
        rig_end(&l);
    }
}

/* A link without addresses sets no destination. */
static void without_addresses_all_is_for_us(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        struct memlink bare;
        uint32_t id;
        rig_begin(&l, 1, NULL);
        memlink_init(&bare, NULL);
        const struct nst_nic_config config = {.size = sizeof(config), .link = &bare.link};
        assert_int_equal(nst_nic_add(l.stack, &config, &id), 0);
        const nst_socket p = rig_bind(&l, NST_PACKET_RAW, 0, -1);
        const size_t n = rig_build_udp(l.bytes, 0, f, &(struct rig_udp){.dst_port = 1});
        memlink_inject(&bare, l.bytes, n);
        rig_run(&l);
        const struct nst_frame_info info = frame_of(&l, p, NULL, 0);
        assert_int_equal(info.type, NST_FRAME_HOST);
        assert_int_equal(info.ethertype, rig_ethertype(f));
        assert_int_equal(info.len, n);
        assert_int_equal(info.nic, id);
        assert_mac(info.dst, NO_MAC);
        assert_int_equal(nst_nic_remove(l.stack, id), 0);
        rig_end(&l);
        memlink_fini(&bare);
    }
}

static void other_hosts_frames(void **state)
{
    RIG_FOR_FAMILIES (f) {
        for (int promiscuous = 0; promiscuous < 2; promiscuous++) {
            struct rig l;
            rig_begin(&l, 1, NULL);
            nst_nic_set_promiscuous(l.stack, l.nic[0], promiscuous);
            const nst_socket p = rig_bind(&l, NST_PACKET_RAW, 0, 0),
                             r = rig_bind(&l, NST_RAW, IP_PROTO_UDP, 0),
                             u = rig_bind(&l, NST_DATAGRAM, ECHO, 0);
            rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = ECHO, .mac = OTHER});
            assert_int_equal(rig_drain(&l, p), 1);
            assert_int_equal(rig_drain(&l, r), promiscuous);
            assert_int_equal(rig_drain(&l, u), promiscuous);
            assert_int_equal(rig_counter(&l, 0, "rx_otherhost"), 1);
            assert_int_equal(rig_stack_counter(&l, "drop_otherhost"), !promiscuous);
            rig_end(&l);
        }
    }
}

static void a_link_may_check_checksums(void **state)
{
    RIG_FOR_FAMILIES (f) {
        for (int checked = 0; checked < 2; checked++) {
            struct rig l;
            struct nst_pktq q = {0};
            rig_begin(&l, 1, NULL);
            const nst_socket u = rig_bind(&l, NST_DATAGRAM, ECHO, 0);
            const size_t n =
                rig_build_udp(l.bytes, 0, f, &(struct rig_udp){.dst_port = ECHO, .bad_csum = true});
            const size_t whole =
                frame_eth(l.frame, RIG_PEER, WORLD_MAC(1), rig_ethertype(f), l.bytes, n);
            struct nst_pkt *p = memlink_packet(&l.link[0], l.frame, whole);
            p->csum = checked ? NST_CSUM_VALID : NST_CSUM_UNKNOWN;
            nst_pktq_push(&q, p);
            memlink_deliver(&l.link[0], &q);
            rig_run(&l);
            assert_int_equal(rig_drain(&l, u), checked);
            assert_int_equal(rig_stack_counter(&l, "udp_malformed"), !checked);
            rig_end(&l);
        }
    }
}

/* ---- N26 ---- */

/* The ready list has sockets in the order in which something came for them. */
static void in_order_of_registration(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        struct nst_ready ready[6];
        rig_begin(&l, 1, NULL);
        const nst_socket s[] = {
            rig_bind(&l, NST_PACKET_RAW, 0, 0),
            rig_bind(&l, NST_PACKET_COOKED, rig_ethertype(f), -1),
            rig_bind(&l, NST_PACKET_COOKED, 0, -1),
            rig_bind(&l, NST_PACKET_RAW, rig_ethertype(f), 0),
            rig_bind(&l, NST_PACKET_RAW, NST_ETHERTYPE_ARP, 0),
        };
        const int order[] = {1, 3, 0, 2};
        rig_bind(&l, NST_DATAGRAM, 1, -1); /* so that nothing is answered */
        for (int i = 0; i < 5; i++)
            assert_int_equal(nst_socket_watch(l.stack, s[i], NST_READY_IN, NULL), 0);
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = 1});
        assert_int_equal(nst_ready_list(l.stack, ready, 6), 4);
        for (int i = 0; i < 4; i++)
            assert_true(ready[i].socket == s[order[i]]);
        /* One that registers again is the last of its kind. */
        assert_int_equal(
            nst_socket_bind(l.stack, s[1], &(struct nst_endpoint){.port = rig_ethertype(f)}), 0);
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = 1});
        assert_int_equal(nst_ready_list(l.stack, ready, 6), 4);
        assert_true(ready[0].socket == s[3] && ready[1].socket == s[1]);
        for (int i = 0; i < 5; i++)
            assert_int_equal(rig_drain(&l, s[i]), i < 4 ? 2 : 0);
        rig_end(&l);
    }
}

static void a_clone_each(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        struct nst_census before, after;
        uint8_t seen[200];
        rig_begin(&l, 1, NULL);
        const nst_socket a = rig_bind(&l, NST_PACKET_RAW, 0, 0),
                         b = rig_bind(&l, NST_PACKET_COOKED, rig_ethertype(f), 0),
                         u = rig_bind(&l, NST_DATAGRAM, ECHO, 0);
        nst_stack_get_census(l.stack, &before);
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = ECHO, .text = "mine"});
        nst_stack_get_census(l.stack, &after);
        assert_int_equal(after.received - before.received, 1);
        assert_int_equal(after.cloned - before.cloned, 2);
        assert_int_equal(after.delivered - before.delivered, 3);
        /* Reading one leaves the others whole. */
        const struct nst_frame_info info = frame_of(&l, b, seen, sizeof(seen));
        assert_memory_equal(seen + info.len - 4, "mine", 4);
        assert_string_equal(rig_text(&l, u), "mine");
        const struct nst_frame_info raw = frame_of(&l, a, seen, sizeof(seen));
        assert_int_equal(raw.len, info.len + 14);
        assert_memory_equal(seen + raw.len - 4, "mine", 4);
        rig_end(&l);
    }
}

static void unknown_ethertypes_are_shown(void **state)
{
    struct rig l;
    struct nst_tally tally;
    char seen[30];
    rig_begin(&l, 1, NULL);
    const nst_socket all = rig_bind(&l, NST_PACKET_RAW, 0, 0),
                     one = rig_bind(&l, NST_PACKET_COOKED, UNKNOWN, 0),
                     other = rig_bind(&l, NST_PACKET_COOKED, NST_ETHERTYPE_IPV4, 0);
    rig_inject(&l, 0, WORLD_MAC(1), UNKNOWN, "experiment", 11);
    assert_int_equal(frame_of(&l, one, seen, sizeof(seen)).ethertype, UNKNOWN);
    assert_string_equal(seen, "experiment");
    assert_int_equal(rig_drain(&l, all), 1);
    assert_int_equal(rig_drain(&l, other), 0);
    assert_int_equal(rig_counter(&l, 0, "rx_unknown_protocol"), 1);
    assert_int_equal(rig_stack_counter(&l, "drop_unknown_protocol"), 1);
    /* By EtherType, and in bounded memory. */
    for (int i = 0; i < 20; i++)
        rig_inject(&l, 0, WORLD_MAC(1), (uint16_t)(0x9000 + i), "x", 1);
    rig_inject(&l, 0, WORLD_MAC(1), UNKNOWN, "x", 1);
    assert_true(nst_nic_unknown_at(l.stack, l.nic[0], 0, &tally));
    assert_int_equal(tally.number, UNKNOWN);
    assert_int_equal(tally.count, 2);
    assert_false(tally.others);
    uint64_t sum = 0;
    for (size_t n = 0; nst_nic_unknown_at(l.stack, l.nic[0], n, &tally); n++)
        sum += tally.count;
    assert_true(tally.others);
    assert_int_equal(sum, rig_counter(&l, 0, "rx_unknown_protocol"));
    rig_end(&l);
}

static void each_sees_its_nic(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 2, NULL);
        rig_bind(&l, NST_DATAGRAM, 1, -1);
        const nst_socket first = rig_bind(&l, NST_PACKET_RAW, 0, 0),
                         second = rig_bind(&l, NST_PACKET_RAW, 0, 1),
                         any = rig_bind(&l, NST_PACKET_RAW, 0, -1);
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = 1});
        rig_inject_udp(&l, 1, f, &(struct rig_udp){.dst_port = 1});
        rig_inject_udp(&l, 1, f, &(struct rig_udp){.dst_port = 1, .mac = OTHER});
        assert_int_equal(frame_of(&l, any, NULL, 0).nic, l.nic[0]);
        assert_int_equal(frame_of(&l, any, NULL, 0).nic, l.nic[1]);
        assert_int_equal(rig_drain(&l, first), 1);
        assert_int_equal(rig_drain(&l, second), 2);
        rig_end(&l);
    }
}

/* ---- N27 to N29 ---- */

static void malformed_is_seen_first(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint8_t packet[100];
        rig_begin(&l, 1, NULL);
        const nst_socket p = rig_bind(&l, NST_PACKET_RAW, rig_ethertype(f), 0),
                         r = rig_bind(&l, NST_RAW, IP_PROTO_UDP, 0);
        const size_t n = rig_build_udp(packet, 0, f, &(struct rig_udp){.dst_port = 1});
        const size_t cuts[] = {0, 1, 19, f == RIG_V4 ? 27 : 39, n - 1};
        for (size_t i = 0; i < 5; i++) {
            rig_inject(&l, 0, WORLD_MAC(1), rig_ethertype(f), packet, cuts[i]);
            assert_int_equal(rig_drain(&l, p), 1);
            assert_int_equal(rig_counter(&l, 0, "rx_malformed"), i + 1);
            assert_int_equal(rig_stack_counter(&l, "drop_net_malformed"), i + 1);
        }
        packet[0] ^= 0x30; /* the other version */
        rig_inject(&l, 0, WORLD_MAC(1), rig_ethertype(f), packet, n);
        assert_int_equal(rig_counter(&l, 0, "rx_malformed"), 6);
        assert_int_equal(rig_drain(&l, p), 1);
        assert_int_equal(rig_drain(&l, r), 0);
        rig_end(&l);
    }
}

/* A network header may say that a transport header follows, and be wrong: not the NIC's affair. */
static void a_short_transport_header_is_not_fatal(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 1, NULL);
        const nst_socket r = rig_bind(&l, NST_RAW, IP_PROTO_UDP, 0);
        const struct nst_addr src = rig_addr(0, f, 2), dst = rig_addr(0, f, 1);
        rig_inject_ip(&l, 0, l.bytes, frame_ip(l.bytes, &src, &dst, IP_PROTO_UDP, "abc", 3));
        assert_int_equal(rig_counter(&l, 0, "rx_malformed"), 0);
        assert_int_equal(rig_stack_counter(&l, "udp_malformed"), 1);
        assert_int_equal(rig_drain(&l, r), 1);
        rig_end(&l);
    }
}

static void own_sources_are_refused(void **state)
{
    RIG_FOR_FAMILIES (f) {
        for (int on = 0; on < 2; on++) {
            struct rig l;
            rig_begin(&l, 2, &(struct rig_config){.handle_local = on, .promiscuous = true});
            const nst_socket p = rig_bind(&l, NST_PACKET_RAW, rig_ethertype(f), 0),
                             u = rig_bind(&l, NST_DATAGRAM, ECHO, -1);
            struct rig_udp udp = {.dst_port = ECHO, .src = rig_addr(0, f, 1)};
            rig_inject_udp(&l, 0, f, &udp);
            assert_int_equal(rig_counter(&l, 0, "rx_own_source"), on);
            assert_int_equal(rig_stack_counter(&l, "drop_own_source"), on);
            assert_int_equal(rig_drain(&l, p), 1);
            assert_int_equal(rig_drain(&l, u), !on);
            /* A promiscuous NIC does not make every source ours; nor are another NIC's this one's.
             */
            udp.src = rig_addr(0, f, 77);
            rig_inject_udp(&l, 0, f, &udp);
            udp.src = rig_addr(1, f, 1);
            rig_inject_udp(&l, 0, f, &udp);
            assert_int_equal(rig_counter(&l, 0, "rx_own_source"), on);
            assert_int_equal(rig_drain(&l, u), 2);
            rig_end(&l);
        }
    }
}

/* On a loopback NIC every source is our own. */
static void a_loopback_hears_itself(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint32_t id;
        rig_begin(&l, 0, &(struct rig_config){.handle_local = true});
        struct nst_link *link = nst_loopback_new(&l.alloc.allocator);
        const struct nst_nic_config config = {.size = sizeof(config), .link = link};
        const struct nst_addr lo4 = nst_addr_v4(127, 0, 0, 1), lo6 = {{{[15] = 1}}};
        const struct nst_nic_addr addr = {.addr = f == RIG_V4 ? lo4 : lo6,
                                          .prefix_len = f == RIG_V4 ? 8 : 128};
        assert_int_equal(nst_nic_add(l.stack, &config, &id), 0);
        assert_int_equal(nst_nic_addr_add(l.stack, id, &addr), 0);
        const nst_socket u = rig_bind(&l, NST_DATAGRAM, ECHO, -1);
        const struct nst_endpoint to = {.addr = addr.addr, .port = ECHO};
        assert_int_equal(nst_socket_sendto(l.stack, u, "me", 2, 0, &to), 2);
        rig_run(&l);
        assert_string_equal(rig_text(&l, u), "me");
        assert_int_equal(nst_nic_remove(l.stack, id), 0);
        nst_loopback_free(link);
        rig_end(&l);
    }
}

static void then_the_network_gets_it(void **state)
{
    struct rig l;
    rig_begin(&l, 1, NULL);
    RIG_FOR_FAMILIES (f) {
        const char *received = f == RIG_V4 ? "ip4_received" : "ip6_received",
                   *delivered = f == RIG_V4 ? "ip4_delivered" : "ip6_delivered";
        const uint64_t before = rig_stack_counter(&l, received);
        const nst_socket u = rig_bind(&l, NST_DATAGRAM, (uint16_t)(ECHO + f), 0);
        rig_inject_udp(&l, 0, f, &(struct rig_udp){.dst_port = (uint16_t)(ECHO + f), .text = "in"});
        assert_int_equal(rig_stack_counter(&l, received), before + 1);
        assert_int_equal(rig_stack_counter(&l, delivered), 1);
        assert_string_equal(rig_text(&l, u), "in");
    }
    const struct nst_addr peer = rig_addr(0, RIG_V4, 3), us = rig_addr(0, RIG_V4, 1);
    const struct arp_hdr question = {.op = 1, .sha = RIG_PEER, .spa4 = peer.w[3], .tpa4 = us.w[3]};
    memlink_inject(&l.link[0], l.frame, frame_arp(l.frame, &question));
    rig_run(&l);
    assert_int_equal(rig_stack_counter(&l, "arp_received"), 1);
    assert_int_equal(rig_stack_counter(&l, "arp_replies_sent"), 1);
    rig_end(&l);
}

/* ---- N30 ---- */

static void outbound_copies(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint8_t seen[200];
        rig_begin(&l, 1, NULL);
        const nst_socket all = rig_bind(&l, NST_PACKET_RAW, 0, 0),
                         cooked = rig_bind(&l, NST_PACKET_COOKED, 0, -1),
                         one = rig_bind(&l, NST_PACKET_RAW, rig_ethertype(f), 0),
                         u = rig_bind(&l, NST_DATAGRAM, ECHO, 0);
        const struct nst_endpoint to = rig_end_of(0, f, 2, 9);
        assert_int_equal(nst_socket_sendto(l.stack, u, "out", 3, 0, &to), 3);
        rig_run(&l);
        assert_int_equal(l.link[0].count, 1);
        const struct memlink_frame *sent = &l.link[0].frames[0];
        struct nst_frame_info info = frame_of(&l, all, seen, sizeof(seen));
        assert_int_equal(info.type, NST_FRAME_OUTGOING);
        assert_int_equal(info.len, sent->len);
        assert_memory_equal(seen, sent->data, sent->len);
        assert_int_equal(info.arrival, l.now);
        info = frame_of(&l, cooked, seen, sizeof(seen));
        assert_int_equal(info.type, NST_FRAME_OUTGOING);
        assert_int_equal(info.ethertype, rig_ethertype(f));
        assert_mac(info.src, WORLD_MAC(1));
        assert_mac(info.dst, RIG_PEER);
        assert_int_equal(info.len, sent->len - 14);
        assert_memory_equal(seen, sent->data + 14, sent->len - 14);
        assert_int_equal(rig_drain(&l, one), 0);
        rig_end(&l);
    }
}

/* What asks for a neighbour is shown too, and what waits for the answer when it leaves. */
static void outbound_with_the_header_it_carries(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint8_t seen[200];
        rig_begin(&l, 1, &(struct rig_config){.no_neighbours = true});
        const nst_socket all = rig_bind(&l, NST_PACKET_RAW, 0, 0),
                         u = rig_bind(&l, NST_DATAGRAM, ECHO, 0);
        const struct nst_endpoint to = rig_end_of(0, f, 2, 9);
        assert_int_equal(nst_socket_sendto(l.stack, u, "out", 3, 0, &to), 3);
        rig_run(&l);
        assert_int_equal(rig_drain(&l, all), 1); /* the question */
        assert_int_equal(nst_neigh_add(l.stack, l.nic[0], &to.addr, RIG_PEER), 0);
        rig_run(&l);
        const struct nst_frame_info info = frame_of(&l, all, seen, sizeof(seen));
        assert_mac(info.dst, RIG_PEER);
        assert_memory_equal(seen, RIG_PEER.b, 6);
        rig_end(&l);
    }
}

/* As it would be on a wire, although the link completes checksums. */
static void outbound_checksums_are_complete(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint8_t seen[200];
        rig_begin(&l, 1, &(struct rig_config){.caps = NST_LINK_CSUM_TX});
        const nst_socket cooked = rig_bind(&l, NST_PACKET_COOKED, 0, 0),
                         u = rig_bind(&l, NST_DATAGRAM, ECHO, 0);
        const struct nst_endpoint to = rig_end_of(0, f, 2, 9), us = rig_end_of(0, f, 1, 0);
        assert_int_equal(nst_socket_sendto(l.stack, u, "out", 3, 0, &to), 3);
        rig_run(&l);
        assert_int_equal(l.link[0].frames[0].csum, NST_CSUM_PARTIAL);
        const struct nst_frame_info info = frame_of(&l, cooked, seen, sizeof(seen));
        const uint32_t header = f == RIG_V4 ? 20 : IP6_HDR_LEN, len = info.len - header;
        assert_int_equal(info.gso_size, 0);
        assert_true(csum_ok(
            csum_short(seen + header, len, csum_pseudo(&us.addr, &to.addr, IP_PROTO_UDP, len))));
        rig_end(&l);
    }
}

TESTS({"nic/N20: data starts at the network header, for sockets of both kinds",
       data_at_network_header},
      {"nic/N21: a disabled NIC counts apart, and nothing else counts or sees it",
       a_disabled_nic_counts_apart},
      {"nic/N22: packets are counted before anything can drop them", counts_before_anything_drops},
      {"nic/N23: an empty destination means the NIC's own", an_empty_destination_is_our_own},
      {"nic/N24: the type comes from the destination", the_type_is_the_destinations},
      {"nic/N24: where the link sets no destination, all is for this host",
       without_addresses_all_is_for_us},
      {"nic/N24: other hosts' frames reach packet sockets, and the network if promiscuous",
       other_hosts_frames},
      {"nic/N25: what the link checked the transport does not check", a_link_may_check_checksums},
      {"nic/N26: packet sockets of the EtherType first, then all, in order of registration",
       in_order_of_registration},
      {"nic/N26: each packet socket gets a clone of its own", a_clone_each},
      {"nic/N26: unknown EtherTypes are shown, then counted by EtherType and dropped",
       unknown_ethertypes_are_shown},
      {"nic/N26: a packet socket of one NIC sees that one", each_sees_its_nic},
      {"nic/N27: a malformed network header is dropped after packet sockets saw it",
       malformed_is_seen_first},
      {"nic/N27: a transport header that does not fit is not fatal here",
       a_short_transport_header_is_not_fatal},
      {"nic/N28: own sources are refused with handle-local, also if promiscuous",
       own_sources_are_refused},
      {"nic/N28: a loopback NIC hears itself", a_loopback_hears_itself},
      {"nic/N29: then the network endpoint gets the packet", then_the_network_gets_it},
      {"nic/N30: outbound copies go to sockets of every EtherType alone, as outgoing",
       outbound_copies},
      {"nic/N30: with the link header that the frame really carries",
       outbound_with_the_header_it_carries},
      {"nic/N30: a checksum that was left to the link is shown complete",
       outbound_checksums_are_complete})
