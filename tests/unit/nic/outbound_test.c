/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of the NIC, section 3: N40 to N45, through the public API. What waits for a
 * neighbour (N46, N47) is in stack/neigh. */
#include "rig.h"

#include "wire/csum.h"
#include "wire/ip6.h"
#include "wire/ipproto.h"
#include "wire/udp.h"

#define PORT 7

static const struct nst_mac everybody = {{255, 255, 255, 255, 255, 255}};

static int64_t send_text(struct rig *l, nst_socket s, const struct nst_endpoint *to,
                         const char *text)
{
    const int64_t r = nst_socket_sendto(l->stack, s, text, strlen(text), 0, to);
    rig_run(l);
    return r;
}

/* Frames of NIC `nic` that carry IP of this family and transport, in order; the last one's number
 * is told. */
static uint32_t count_frames(const struct rig *l, int nic, enum rig_family f, uint8_t proto,
                             uint32_t *ret_last)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->link[nic].count; i++) {
        const struct memlink_frame *frame = &l->link[nic].frames[i];
        if (frame->len < 34 || be16_get(frame->data + 12) != rig_ethertype(f) ||
            frame->data[14 + (f == RIG_V4 ? 9 : 6)] != proto)
            continue;
        *ret_last = i;
        n++;
    }
    return n;
}

static const struct memlink_frame *only_frame(const struct rig *l, int nic)
{
    assert_int_equal(l->link[nic].count, 1);
    return &l->link[nic].frames[0];
}

/* ---- N40, N41 ---- */

static void unknown_waits_known_goes(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint32_t last;
        rig_begin(&l, 1, &(struct rig_config){.no_neighbours = true});
        const nst_socket s = rig_open(&l, NST_DATAGRAM);
        const struct nst_endpoint to = rig_end_of(0, f, 2, PORT),
                                  far = {.addr = {{{0x20, 1}}}, .port = 1},
                                  far4 = {.addr = nst_addr_v4(192, 0, 2, 1), .port = 1};
        assert_int_equal(send_text(&l, s, &to, "first"), 5);
        assert_int_equal(send_text(&l, s, &to, "second"), 6);
        assert_int_equal(count_frames(&l, 0, f, IP_PROTO_UDP, &last), 0);
        assert_int_equal(nst_neigh_add(l.stack, l.nic[0], &to.addr, RIG_PEER), 0);
        rig_run(&l);
        assert_int_equal(count_frames(&l, 0, f, IP_PROTO_UDP, &last), 2);
        assert_int_equal(send_text(&l, s, &to, "third"), 5);
        assert_int_equal(count_frames(&l, 0, f, IP_PROTO_UDP, &last), 3);
        assert_memory_equal(l.link[0].frames[last].data, RIG_PEER.b, 6);
        /* Any other error is returned. */
        assert_int_equal(send_text(&l, s, f == RIG_V4 ? &far4 : &far, "x"), -NST_ENETUNREACH);
        assert_int_equal(nst_nic_disable(l.stack, l.nic[0]), 0);
        assert_int_equal(send_text(&l, s, &to, "x"), -NST_ENETDOWN);
        rig_end(&l);
    }
}

static void groups_need_no_resolution(void **state)
{
    const struct {
        enum rig_family family;
        struct nst_addr addr;
        struct nst_mac mac;
    } cases[] = {
        {RIG_V4, nst_addr_v4(255, 255, 255, 255), everybody},
        {RIG_V4, nst_addr_v4(10, 0, 0, 255), everybody},
        {RIG_V4, nst_addr_v4(239, 129, 2, 3), {{1, 0, 0x5e, 1, 2, 3}}},
        {RIG_V6, {{{0xff, 2, [12] = 1, 2, 3, 4}}}, {{0x33, 0x33, 1, 2, 3, 4}}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig l;
        rig_begin(&l, 1, &(struct rig_config){.no_neighbours = true});
        const nst_socket s = rig_open(&l, NST_DATAGRAM);
        const struct nst_endpoint to = {.addr = cases[i].addr, .port = PORT, .nic = l.nic[0]};
        assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_BROADCAST, 1), 0);
        assert_int_equal(send_text(&l, s, &to, "all"), 3);
        assert_memory_equal(only_frame(&l, 0)->data, cases[i].mac.b, 6);
        assert_memory_equal(only_frame(&l, 0)->data + 6, WORLD_MAC(1).b, 6);
        rig_end(&l);
    }
}

static void the_gateway_is_resolved(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint32_t last;
        struct nst_neigh neigh[4];
        rig_begin(&l, 1, &(struct rig_config){.no_neighbours = true});
        const nst_socket s = rig_open(&l, NST_DATAGRAM);
        const struct nst_endpoint far = {.addr = f == RIG_V4 ? nst_addr_v4(192, 0, 2, 1)
                                                             : (struct nst_addr){{{0x20, 1}}},
                                         .port = PORT};
        const struct nst_route route = {.prefix = f == RIG_V4 ? nst_addr_v4(0, 0, 0, 0)
                                                              : (struct nst_addr){{{0}}},
                                        .nic = l.nic[0],
                                        .gateway = rig_addr(0, f, 254)};
        assert_int_equal(nst_route_add(l.stack, &route), 0);
        assert_int_equal(send_text(&l, s, &far, "far"), 3);
        assert_int_equal(nst_neigh_list(l.stack, l.nic[0], neigh, 4), 1);
        assert_true(nst_addr_equal(&neigh[0].addr, &route.gateway));
        assert_int_equal(nst_neigh_add(l.stack, l.nic[0], &route.gateway, RIG_PEER), 0);
        rig_run(&l);
        assert_int_equal(count_frames(&l, 0, f, IP_PROTO_UDP, &last), 1);
        assert_memory_equal(l.link[0].frames[last].data, RIG_PEER.b, 6);
        rig_end(&l);
    }
}

static void to_ourselves_nothing_is_asked(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 1, &(struct rig_config){.no_neighbours = true, .handle_local = true});
        const nst_socket s = rig_bind(&l, NST_DATAGRAM, PORT, -1);
        const struct nst_endpoint us = rig_end_of(0, f, 1, PORT);
        assert_int_equal(send_text(&l, s, &us, "me"), 2);
        assert_int_equal(l.link[0].count, 0);
        assert_string_equal(rig_text(&l, s), "me");
        rig_end(&l);
    }
}

/* ---- N42 ---- */

/* The pieces of a datagram are one batch. */
static void a_batch_waits_as_one(void **state)
{
    RIG_FOR_FAMILIES (f) {
        for (int known = 0; known < 2; known++) {
            static char text[4001];
            struct rig l;
            uint32_t last, at = 0;
            const uint8_t proto = f == RIG_V4 ? IP_PROTO_UDP : IP_PROTO_FRAGMENT;
            rig_begin(&l, 1, &(struct rig_config){.no_neighbours = !known});
            memset(text, 'x', sizeof(text) - 1);
            const nst_socket s = rig_open(&l, NST_DATAGRAM);
            const struct nst_endpoint to = rig_end_of(0, f, 2, PORT);
            assert_int_equal(send_text(&l, s, &to, text), 4000);
            assert_int_equal(count_frames(&l, 0, f, proto, &last), known ? 3 : 0);
            assert_int_equal(nst_neigh_add(l.stack, l.nic[0], &to.addr, RIG_PEER), 0);
            rig_run(&l);
            assert_int_equal(count_frames(&l, 0, f, proto, &last), 3);
            for (uint32_t i = last - 2; i <= last; i++) { /* and in order */
                const uint8_t *ip = l.link[0].frames[i].data + 14;
                const uint32_t off = f == RIG_V4 ? (be16_get(ip + 6) & 0x1fffu) * 8
                                                 : be16_get(ip + IP6_HDR_LEN + 2) & 0xfff8u;
                assert_int_equal(off, at);
                at += l.link[0].frames[i].len - 14 - (f == RIG_V4 ? 20 : IP6_HDR_LEN + 8);
            }
            assert_int_equal(at, 4000 + UDP_HDR_LEN);
            rig_end(&l);
        }
    }
}

/* ---- N43 ---- */

static void writes_to_a_link_address(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint8_t packet[100];
        rig_begin(&l, 2, &(struct rig_config){.no_neighbours = true});
        const size_t n = rig_build_udp(packet, 1, f, &(struct rig_udp){.dst_port = 1});
        const struct nst_frame_to to = {
            .nic = l.nic[1], .dst = WORLD_MAC(66), .ethertype = rig_ethertype(f)};
        assert_int_equal(nst_nic_write(l.stack, &to, packet, n), 0);
        assert_int_equal(l.link[1].count, 0); /* it leaves when the stack runs */
        rig_run(&l);
        const struct memlink_frame *sent = only_frame(&l, 1);
        assert_int_equal(sent->len, 14 + n);
        assert_memory_equal(sent->data, WORLD_MAC(66).b, 6);
        assert_memory_equal(sent->data + 6, WORLD_MAC(2).b, 6); /* filled in */
        assert_int_equal(be16_get(sent->data + 12), rig_ethertype(f));
        assert_memory_equal(sent->data + 14, packet, n);
        assert_int_equal(l.link[0].count, 0);
        assert_int_equal(nst_neigh_list(l.stack, l.nic[1], NULL, 0), 0); /* nobody was asked */
        assert_int_equal(rig_counter(&l, 1, "tx_bytes"), n);
        rig_end(&l);
    }
}

static void refuses_what_cannot_be_written(void **state)
{
    static const uint8_t packet[1501];
    struct rig l;
    rig_begin(&l, 1, &(struct rig_config){.tx_queue_packets = 2});
    const struct nst_frame_to to = {.nic = 1, .dst = RIG_PEER, .ethertype = 0x88b5},
                              nowhere = {.nic = 5, .dst = RIG_PEER, .ethertype = 0x88b5},
                              length = {.nic = 1, .dst = RIG_PEER, .ethertype = 0x5ff};
    assert_int_equal(nst_nic_write(l.stack, NULL, packet, 1), -NST_EFAULT);
    assert_int_equal(nst_nic_write(l.stack, &to, NULL, 1), -NST_EFAULT);
    assert_int_equal(nst_nic_write(l.stack, &nowhere, packet, 1), -NST_ENOENT);
    assert_int_equal(nst_nic_write(l.stack, &length, packet, 1), -NST_EINVAL);
    assert_int_equal(nst_nic_write(l.stack, &to, packet, 0), -NST_EINVAL);
    assert_int_equal(nst_nic_write(l.stack, &to, packet, 1501), -NST_EMSGSIZE);
    assert_int_equal(nst_nic_write(l.stack, &to, packet, 1500), 0);
    assert_int_equal(nst_nic_write(l.stack, &to, packet, 1), 0);
    assert_int_equal(nst_nic_write(l.stack, &to, packet, 1), -NST_ENOBUFS);
    rig_run(&l);
    assert_int_equal(l.link[0].count, 2);
    assert_int_equal(nst_nic_disable(l.stack, 1), 0);
    assert_int_equal(nst_nic_write(l.stack, &to, packet, 1), -NST_ENETDOWN); /* N8 */
    rig_end(&l);
}

static void without_memory_nothing_is_written(void **state)
{
    static const uint8_t packet[1400];
    struct rig l;
    int r = 0, written = 0;
    rig_begin(&l, 1, NULL);
    const struct nst_frame_to to = {.nic = 1, .dst = RIG_PEER, .ethertype = 0x88b5};
    alloc_fail_after(&l.alloc, 0);
    while (r == 0 && written < 100) {
        r = nst_nic_write(l.stack, &to, packet, sizeof(packet));
        written += r == 0;
    }
    assert_int_equal(r, -NST_ENOMEM);
    rig_run(&l);
    assert_int_equal(l.link[0].count, written);
    alloc_fail_after(&l.alloc, -1);
    rig_end(&l);
}

/* ---- N44 ---- */

static void counts_what_the_link_took(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        rig_begin(&l, 1, NULL);
        const nst_socket s = rig_open(&l, NST_DATAGRAM);
        const struct nst_endpoint to = rig_end_of(0, f, 2, PORT);
        const uint64_t packets = rig_counter(&l, 0, "tx_packets"),
                       bytes = rig_counter(&l, 0, "tx_bytes");
        const uint64_t each = (f == RIG_V4 ? 20 : IP6_HDR_LEN) + UDP_HDR_LEN + 4;
        memlink_set_room(&l.link[0], 2);
        for (int i = 0; i < 5; i++)
            assert_int_equal(send_text(&l, s, &to, "text"), 4);
        assert_int_equal(rig_counter(&l, 0, "tx_packets"), packets + 2);
        assert_int_equal(rig_counter(&l, 0, "tx_bytes"), bytes + 2 * each);
        assert_int_equal(rig_counter(&l, 0, "tx_dropped_no_buffer"), 0);
        assert_int_equal(rig_counter(&l, 0, "tx_blocked"), 1);
        memlink_set_room(&l.link[0], UINT32_MAX);
        rig_run(&l);
        assert_int_equal(rig_counter(&l, 0, "tx_packets"), packets + 5);
        assert_int_equal(rig_counter(&l, 0, "tx_bytes"), bytes + 5 * each);
        assert_int_equal(l.link[0].count, 5);
        rig_end(&l);
    }
}

static void only_overflow_is_dropped(void **state)
{
    RIG_FOR_FAMILIES (f) {
        struct rig l;
        uint8_t packet[100];
        rig_begin(&l, 1, &(struct rig_config){.tx_queue_packets = 4});
        const size_t n = rig_build_udp(packet, 0, f, &(struct rig_udp){.dst_port = 1});
        const struct nst_frame_to to = {
            .nic = l.nic[0], .dst = RIG_PEER, .ethertype = rig_ethertype(f)};
        memlink_set_room(&l.link[0], 0);
        for (int i = 0; i < 6; i++) {
            assert_int_equal(nst_nic_write(l.stack, &to, packet, n), i < 4 ? 0 : -NST_ENOBUFS);
            rig_run(&l);
        }
        assert_int_equal(rig_counter(&l, 0, "tx_dropped_no_buffer"), 2);
        assert_int_equal(rig_stack_counter(&l, "drop_tx_no_buffer"), 2);
        memlink_set_room(&l.link[0], UINT32_MAX);
        rig_run(&l);
        assert_int_equal(l.link[0].count, 4);
        rig_end(&l);
    }
}

/* ---- N45 ---- */

/* Requests travel through the pending queue; what the link cannot do is done last. */
static void checksums_travel(void **state)
{
    RIG_FOR_FAMILIES (f) {
        for (int link_does = 0; link_does < 2; link_does++) {
            struct rig l;
            uint32_t last;
            rig_begin(&l, 1,
                      &(struct rig_config){.no_neighbours = true,
                                           .caps = link_does ? NST_LINK_CSUM_TX : 0});
            const nst_socket s = rig_open(&l, NST_DATAGRAM);
            const struct nst_endpoint to = rig_end_of(0, f, 2, PORT), us = rig_end_of(0, f, 1, 0);
            assert_int_equal(send_text(&l, s, &to, "sum"), 3);
            assert_int_equal(nst_neigh_add(l.stack, l.nic[0], &to.addr, RIG_PEER), 0);
            rig_run(&l);
            assert_int_equal(count_frames(&l, 0, f, IP_PROTO_UDP, &last), 1);
            const struct memlink_frame *sent = &l.link[0].frames[last];
            const uint32_t header = 14 + (f == RIG_V4 ? 20 : IP6_HDR_LEN), len = sent->len - header;
            const uint32_t sum = csum_short(sent->data + header, len,
                                            csum_pseudo(&us.addr, &to.addr, IP_PROTO_UDP, len));
            assert_int_equal(sent->csum, link_does ? NST_CSUM_PARTIAL : NST_CSUM_UNKNOWN);
            assert_int_equal(csum_ok(sum), !link_does);
            if (link_does)
                assert_int_equal(sent->csum_start, header);
            rig_end(&l);
        }
    }
}

TESTS({"nic/N40: to an unknown link address it waits, to a known one it goes, else an error",
       unknown_waits_known_goes},
      {"nic/N41: broadcast and groups are not resolved", groups_need_no_resolution},
      {"nic/N41: with a gateway, the gateway is resolved", the_gateway_is_resolved},
      {"nic/N41: our own address is not resolved", to_ourselves_nothing_is_asked},
      {"nic/N42: a batch waits for resolution as one packet does", a_batch_waits_as_one},
      {"nic/N43: writes to a link address, with its own as source and nothing resolved",
       writes_to_a_link_address},
      {"nic/N43: refuses what cannot be written", refuses_what_cannot_be_written},
      {"nic/N43: without memory nothing is written", without_memory_nothing_is_written},
      {"nic/N44: counts what the link took, never what it refused", counts_what_the_link_took},
      {"nic/N44: only overflow of its own queue is dropped, and returned",
       only_overflow_is_dropped},
      {"nic/N45: checksum requests travel through the pending queue", checksums_travel})
