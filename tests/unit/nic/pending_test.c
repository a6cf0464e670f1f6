/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for link addresses, by the public API alone (NIC.md N40 to N47), both families. */
#include "testing.h"

#include "frames.h"
#include "lan.h"
#include "wire/eth.h"

#define PEER 7

static void set_limits(struct lan *lan, const struct nst_neigh_limits *limits)
{
    struct nst_neigh_limits l = *limits;
    l.size = sizeof(l);
    assert_int_equal(nst_neigh_set_limits(lan->stack, lan->nic, &l), 0);
}

static uint32_t pending_of(const struct lan *lan, unsigned n)
{
    struct nst_neigh e;
    return lan_get(lan, n, &e) ? e.pending : 0;
}

static void answer(struct lan *lan, unsigned n)
{
    lan_confirm(lan, n, n, LAN_SOLICITED | LAN_OVERRIDE);
}

/* The bytes of the IP packet around a datagram of `len`. */
static uint32_t packet_len(const struct lan *lan, uint32_t len)
{
    return len + 8 + (lan->v6 ? 40 : 20);
}

/* The length of the data of frame i that left. */
static uint32_t sent_len(const struct lan *lan, uint32_t i)
{
    assert_true(i < lan->m.count);
    return lan->m.frames[i].len - ETH_HDR_LEN;
}

/* ---- N40 to N45 ---- */

static void an_unknown_address_queues_and_succeeds(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        assert_int_equal(lan_send(lan, PEER, 10), 0);
        struct lan_seen seen = lan_look(lan);
        assert_true(seen.asked_all == 1 && seen.data == 0);
        answer(lan, PEER);
        assert_int_equal(lan_look(lan).data, 1);
        assert_int_equal(lan_send(lan, PEER, 10), 0); /* known: now */
        seen = lan_look(lan);
        assert_true(seen.asked_all == 0 && seen.data == 1);
        nst_nic_disable(lan->stack, lan->nic); /* any other error is returned */
        assert_int_equal(lan_send(lan, PEER, 10), -NST_ENETDOWN);
    }
}

static struct nst_mac mac_of_frame(const struct lan *lan)
{
    struct nst_mac mac = {{0}};
    if (lan->m.count > 0)
        memcpy(&mac, lan->m.frames[0].data, sizeof(mac));
    return mac;
}

static void send_to(struct lan *lan, struct nst_addr addr)
{
    const struct nst_endpoint to = {.addr = addr, .port = 9, .nic = lan->nic};
    memlink_clear(&lan->m);
    nst_socket_set(lan->stack, lan->sender, NST_OPT_BROADCAST, 1);
    assert_int_equal(nst_socket_sendto(lan->stack, lan->sender, "x", 1, 0, &to), 1);
    lan_run(lan);
}

static void assert_sent_to(struct lan *lan, struct nst_addr addr, struct nst_mac mac)
{
    send_to(lan, addr);
    const struct nst_mac got = mac_of_frame(lan);
    assert_memory_equal(&got, &mac, sizeof(mac));
    assert_int_equal(nst_neigh_list(lan->stack, lan->nic, NULL, 0), 0);
}

static void what_needs_no_address(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        send_to(lan, lan_addr(lan, 1)); /* our own: nothing leaves */
        assert_int_equal(lan->m.count, 0);
        if (lan->v6) {
            const struct nst_addr group = {
                {{0xff, 0x02, [11] = 1, [12] = 0xff, [13] = 1, [14] = 2, [15] = 3}}};
            assert_sent_to(lan, group, (struct nst_mac){{0x33, 0x33, 0xff, 1, 2, 3}});
        } else {
            assert_sent_to(lan, nst_addr_v4(239, 129, 2, 3),
                           (struct nst_mac){{1, 0, 0x5e, 1, 2, 3}});
            const struct nst_mac all = {{255, 255, 255, 255, 255, 255}};
            assert_sent_to(lan, nst_addr_v4(255, 255, 255, 255), all);
            assert_sent_to(lan, nst_addr_v4(10, 255, 255, 255), all);
        }
    }
}

static void the_gateway_is_resolved(void **state)
{
    LAN_EACH_FAMILY (lan) {
        const struct nst_addr far = lan->v6 ? (struct nst_addr){{{0x20, 1, 0xd, 0xb8, [15] = 9}}}
                                            : nst_addr_v4(192, 0, 2, 9);
        struct nst_route route = {.nic = lan->nic, .gateway = lan_addr(lan, PEER)};
        if (!lan->v6)
            route.prefix = nst_addr_v4(0, 0, 0, 0);
        assert_int_equal(nst_route_add(lan->stack, &route), 0);
        send_to(lan, far);
        struct nst_neigh e;
        assert_int_equal(nst_neigh_get(lan->stack, lan->nic, &far, &e), -NST_ENOENT);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_INCOMPLETE);
        answer(lan, PEER);
        const struct lan_seen seen = lan_look(lan);
        const struct nst_mac mac = lan_mac(PEER);
        assert_int_equal(seen.data, 1);
        assert_memory_equal(&seen.data_to, &mac, sizeof(mac));
    }
}

static void a_link_without_addresses_needs_none(void **state)
{
    struct lan lan;
    struct memlink bare;
    uint32_t id;
    lan_init_bare(&lan, false);
    memlink_init(&bare, NULL);
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = &bare.link};
    assert_int_equal(nst_nic_add(lan.stack, &nic, &id), 0);
    const struct nst_nic_addr us = {.addr = lan_addr(&lan, 1), .prefix_len = 8};
    assert_int_equal(nst_nic_addr_add(lan.stack, id, &us), 0);
    assert_int_equal(lan_send(&lan, PEER, 10), 0);
    assert_int_equal(bare.count, 1);
    nst_nic_remove(lan.stack, id);
    memlink_fini(&bare);
    lan_fini(&lan);
}

static void a_batch_waits_as_one_packet_does(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        assert_int_equal(lan_send(lan, PEER, 9000), 0); /* in fragments, written at once */
        const uint32_t n = pending_of(lan, PEER);
        assert_int_equal(n, 7);
        assert_int_equal(lan_look(lan).asked_all, 1); /* one question for all */
        answer(lan, PEER);
        assert_int_equal(lan->m.count, n);
        for (uint32_t i = 0; i < n; i++) { /* whole, and in order */
            const uint8_t *p = lan->m.frames[i].data + ETH_HDR_LEN;
            const uint32_t offset =
                lan->v6 ? be16_get(p + 42) & 0xfff8u : (be16_get(p + 6) & 0x1fffu) * 8u;
            assert_int_equal(offset, i * (lan->v6 ? 1448 : 1480));
        }
        assert_int_equal(lan_send(lan, 8, 9000), 0);
        lan_advance(lan, 3 * NST_SEC); /* and goes as one */
        assert_int_equal(lan_nic_counter(lan, "tx_resolution_failed"), n);
        assert_int_equal(lan_counter(lan, "drop_neigh_unreachable"), n);
    }
}

static void frames_carry_our_address(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        const struct nst_mac ours = lan_mac(1);
        lan_send(lan, PEER, 10);
        answer(lan, PEER);
        lan_send(lan, PEER, 10);
        assert_int_equal(lan->m.count, 3);
        for (uint32_t i = 0; i < 3; i++)
            assert_memory_equal(lan->m.frames[i].data + 6, &ours, sizeof(ours));
    }
}

static void what_waits_is_not_counted_as_sent(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        lan_send(lan, PEER, 100);
        const uint64_t packets = lan_nic_counter(lan, "tx_packets");
        const uint64_t bytes = lan_nic_counter(lan, "tx_bytes");
        assert_int_equal(packets, 1); /* the question */
        answer(lan, PEER);
        assert_int_equal(lan_nic_counter(lan, "tx_packets"), packets + 1);
        assert_int_equal(lan_nic_counter(lan, "tx_bytes"), bytes + packet_len(lan, 100));
    }
}

static void requests_wait_with_their_packet(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        /* A checksum that is asked for is there when the packet leaves, made by the NIC. */
        lan_send(lan, PEER, 100);
        answer(lan, PEER);
        assert_int_equal(lan->m.count, 2);
        const uint8_t *p = lan->m.frames[1].data + ETH_HDR_LEN;
        assert_int_equal(lan->m.frames[1].csum, NST_CSUM_UNKNOWN);
        if (!lan->v6)
            assert_true(frame_ip4_is_right(p, sent_len(lan, 1)));
        else
            assert_int_not_equal(be16_get(p + 46), 0);
    }
}

/* ---- N46 ---- */

static void a_full_destination_drops_its_oldest(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        for (uint32_t i = 0; i < 256 + 5; i++)
            assert_int_equal(lan_send(lan, PEER, 100 + i), 0);
        assert_int_equal(pending_of(lan, PEER), 256);
        assert_int_equal(lan_counter(lan, "drop_neigh_queue_full"), 5);
        memlink_clear(&lan->m);
        answer(lan, PEER);
        assert_int_equal(lan->m.count, 256);
        for (uint32_t i = 0; i < 256; i++)
            assert_int_equal(sent_len(lan, i), packet_len(lan, 105 + i));
        assert_int_equal(pending_of(lan, PEER), 0);
    }
}

static void bytes_are_bounded(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        /* 256 KiB for one: 187 packets of 1,400 bytes. */
        for (unsigned i = 0; i < 250; i++)
            lan_send(lan, PEER, 1400 - packet_len(lan, 0));
        assert_int_equal(pending_of(lan, PEER), 187);
        /* 1 MiB for all: the oldest destination gives way, as a whole. */
        for (unsigned n = 8; n < 11; n++)
            for (unsigned i = 0; i < 187; i++)
                lan_send(lan, n, 1400 - packet_len(lan, 0));
        assert_int_equal(pending_of(lan, PEER), 187);
        for (unsigned i = 0; i < 3; i++)
            lan_send(lan, 11, 1400 - packet_len(lan, 0));
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_UNREACHABLE);
        assert_int_equal(pending_of(lan, 8), 187);
        assert_int_equal(pending_of(lan, 11), 3);
        assert_int_equal(lan_counter(lan, "neigh_cancelled"), 1);
    }
}

static void a_65th_destination_cancels_the_oldest(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        for (unsigned n = 2; n < 2 + 64; n++)
            assert_int_equal(lan_send(lan, n, 10), 0);
        assert_int_equal(lan_state(lan, 2), NST_NEIGH_INCOMPLETE);
        lan_forget_events(lan);
        assert_int_equal(lan_send(lan, 100, 10), 0);
        assert_int_equal(lan_state(lan, 2), NST_NEIGH_UNREACHABLE);
        assert_int_equal(pending_of(lan, 2), 0);
        assert_int_equal(pending_of(lan, 3), 1);
        assert_int_equal(pending_of(lan, 100), 1);
        assert_int_equal(lan_counter(lan, "drop_neigh_cancelled"), 1);
        assert_int_equal(lan_nic_counter(lan, "tx_resolution_failed"), 1);
        /* One that was resolved makes room at once. */
        answer(lan, 3);
        assert_int_equal(lan_send(lan, 101, 10), 0);
        assert_int_equal(lan_state(lan, 4), NST_NEIGH_INCOMPLETE);
        assert_int_equal(lan_counter(lan, "neigh_cancelled"), 1);
    }
}

static void both_families_share_the_bounds(void **state)
{
    struct lan lan;
    lan_init(&lan, false);
    const struct nst_nic_addr six = {
        .addr = {{{0xfd, [15] = 1}}}, .prefix_len = 64, .no_dad = true};
    assert_int_equal(nst_nic_addr_add(lan.stack, lan.nic, &six), 0);
    for (unsigned n = 2; n < 2 + 64; n++)
        lan_send(&lan, n, 10);
    send_to(&lan, (struct nst_addr){{{0xfd, [15] = 9}}});
    assert_int_equal(lan_state(&lan, 2), NST_NEIGH_UNREACHABLE);
    assert_int_equal(lan_state(&lan, 3), NST_NEIGH_INCOMPLETE);
    lan_fini(&lan);
}

static void the_bounds_are_options(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        struct nst_neigh_limits l;
        assert_int_equal(nst_neigh_get_limits(lan->stack, lan->nic, &l), 0);
        assert_int_equal(l.destinations, 64);
        assert_int_equal(l.packets, 256);
        assert_int_equal(l.bytes, 256 * 1024);
        assert_int_equal(l.total_bytes, 1024 * 1024);
        set_limits(lan, &(struct nst_neigh_limits){
                            .destinations = 2, .packets = 3, .bytes = 1000, .total_bytes = 10});
        nst_neigh_get_limits(lan->stack, lan->nic, &l);
        assert_int_equal(l.total_bytes, 1000);
        for (unsigned i = 0; i < 5; i++)
            lan_send(lan, PEER, 10);
        assert_int_equal(pending_of(lan, PEER), 3);
        lan_send(lan, PEER, 950);
        assert_int_equal(pending_of(lan, PEER), 1);
        lan_send(lan, 8, 10);
        lan_send(lan, 9, 10);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_UNREACHABLE);
        set_limits(lan, &(struct nst_neigh_limits){.destinations = 0});
        nst_neigh_get_limits(lan->stack, lan->nic, &l);
        assert_int_equal(l.destinations, 64);
        lan_send(lan, PEER, 10);
        assert_int_equal(lan_counter(lan, "neigh_cancelled"), 1);
    }
}

static void what_waits_is_charged_to_the_budget(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        struct nst_memory before, after;
        nst_stack_get_memory(lan->stack, &before);
        for (unsigned i = 0; i < 100; i++)
            lan_send(lan, PEER, 1400);
        nst_stack_get_memory(lan->stack, &after);
        assert_true(after.used >= before.used + 100 * 1400);
    }
}

/* ---- N47 ---- */

static void what_waited_leaves_in_order(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        for (uint32_t i = 0; i < 20; i++)
            lan_send(lan, PEER, 100 + i);
        memlink_clear(&lan->m);
        answer(lan, PEER);
        assert_int_equal(lan->m.count, 20);
        for (uint32_t i = 0; i < 20; i++)
            assert_int_equal(sent_len(lan, i), packet_len(lan, 100 + i));
    }
}

static void failure_reaches_the_socket(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        const nst_socket udp = lan_connect(lan, PEER), other = lan_connect(lan, 8);
        const struct nst_endpoint to = {.addr = lan_addr(lan, PEER), .port = 80};
        nst_socket tcp;
        assert_int_equal(nst_socket_open(lan->stack, NST_STREAM, &tcp), 0);
        assert_int_equal(nst_socket_connect(lan->stack, tcp, &to), -NST_EINPROGRESS);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(nst_socket_send(lan->stack, udp, "x", 1, 0), 1);
        lan_advance(lan, 3 * NST_SEC);
        assert_int_equal(nst_socket_error(lan->stack, udp), -NST_EHOSTUNREACH);
        assert_int_equal(nst_socket_error(lan->stack, other), 0);
        assert_true(lan_nic_counter(lan, "tx_resolution_failed") >= 4);
        assert_int_equal(lan_nic_counter(lan, "tx_resolution_failed"),
                         lan_counter(lan, "drop_neigh_unreachable"));
    }
}

TESTS({"nic/N40: an unknown address queues and succeeds", an_unknown_address_queues_and_succeeds},
      {"nic/N41: what needs no address", what_needs_no_address},
      {"nic/N41: the gateway is resolved, not the destination", the_gateway_is_resolved},
      {"nic/N41: a link without addresses needs none", a_link_without_addresses_needs_none},
      {"nic/N42: a batch waits as one packet does", a_batch_waits_as_one_packet_does},
      {"nic/N43: frames carry our address", frames_carry_our_address},
      {"nic/N44: what waits is not counted as sent", what_waits_is_not_counted_as_sent},
      {"nic/N45: requests wait with their packet", requests_wait_with_their_packet},
      {"nic/N46: a full destination drops its oldest packet", a_full_destination_drops_its_oldest},
      {"nic/N46: waiting bytes are bounded, of one and of all", bytes_are_bounded},
      {"nic/N46: a 65th destination cancels the oldest", a_65th_destination_cancels_the_oldest},
      {"nic/N46: both families share the bounds", both_families_share_the_bounds},
      {"nic/N46: the bounds are options", the_bounds_are_options},
      {"nic/N46: what waits is charged to the budget", what_waits_is_charged_to_the_budget},
      {"nic/N47: what waited leaves in order", what_waited_leaves_in_order},
      {"nic/N47: failure reaches the socket that sent", failure_reaches_the_socket})
