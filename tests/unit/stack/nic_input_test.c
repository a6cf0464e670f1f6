/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#define US    WORLD_MAC(1)
#define OTHER WORLD_MAC(9)

static const struct nst_mac everybody = {{255, 255, 255, 255, 255, 255}};
static const struct nst_mac group = {{1, 0, 0x5e, 0, 0, 1}};

static void data_at_network_header(void **state)
{
    struct probe b;
    probe_begin(&b);
    probe_inject(&b, US, NST_ETHERTYPE_IPV4, 77);
    assert_int_equal(calls.input, 1);
    assert_int_equal(calls.len, 77);
    assert_int_equal(calls.first_byte, 0x45);
    assert_int_equal(calls.arrival, WORLD_START);
    probe_end(&b);
}

static void disabled(void **state)
{
    struct probe b;
    probe_begin(&b);
    nst_nic_disable(b.stack, b.id);
    probe_inject(&b, US, NST_ETHERTYPE_IPV4, 77);
    assert_int_equal(probe_counter(&b, "rx_disabled_packets"), 1);
    assert_int_equal(probe_counter(&b, "rx_disabled_bytes"), 77);
    assert_int_equal(probe_counter(&b, "rx_packets"), 0);
    assert_int_equal(calls.parsed + calls.input, 0);
    assert_int_equal(probe_drops(&b, DROP_NIC_DISABLED), 1);
    probe_end(&b);
}

static void counts_first(void **state)
{
    struct probe b;
    probe_begin(&b);
    probe_inject(&b, OTHER, NST_ETHERTYPE_IPV4, 10);
    probe_inject(&b, US, 0x1234, 20);
    calls.fail_parse = true;
    probe_inject(&b, US, NST_ETHERTYPE_IPV4, 40);
    memlink_inject(&b.link, "short", 5);
    nst_stack_run(b.stack, WORLD_START, 0);
    assert_int_equal(probe_counter(&b, "rx_packets"), 4);
    assert_int_equal(probe_counter(&b, "rx_bytes"), 10 + 20 + 40 + 5);
    assert_int_equal(probe_counter(&b, "rx_malformed"), 2);
    assert_int_equal(probe_drops(&b, DROP_LINK_MALFORMED), 1);
    assert_int_equal(probe_drops(&b, DROP_NET_MALFORMED), 1);
    assert_int_equal(calls.input, 0);
    probe_end(&b);
}

static void types(void **state)
{
    struct probe b;
    const struct nst_mac dst[] = {US, everybody, group};
    static const uint8_t type[] = {PKT_HOST, PKT_BROADCAST, PKT_MULTICAST};
    probe_begin(&b);
    for (int i = 0; i < 3; i++) {
        probe_inject(&b, dst[i], NST_ETHERTYPE_IPV4, 20);
        assert_int_equal(calls.input, i + 1);
        assert_int_equal(calls.type, type[i]);
    }
    probe_end(&b);
}

static void empty_destination(void **state)
{
    struct probe b;
    struct memlink bare;
    probe_stack(&b, false);
    memlink_init(&bare, NULL);
    assert_int_equal(probe_add(&b, &(struct nst_nic_config){.link = &bare.link}), 0);
    memlink_inject(&bare, "E0123456789012345678", 20);
    nst_stack_run(b.stack, WORLD_START, 0);
    assert_int_equal(calls.input, 1);
    assert_int_equal(calls.type, PKT_HOST);
    probe_end(&b);
    memlink_fini(&bare);
}

static void otherhost(void **state)
{
    struct probe b;
    probe_begin(&b);
    probe_inject(&b, OTHER, NST_ETHERTYPE_IPV4, 20);
    assert_int_equal(calls.input, 0);
    assert_int_equal(probe_counter(&b, "rx_otherhost"), 1);
    assert_int_equal(probe_drops(&b, DROP_OTHERHOST), 1);
    nst_nic_set_promiscuous(b.stack, b.id, true);
    probe_inject(&b, OTHER, NST_ETHERTYPE_IPV4, 20);
    assert_int_equal(calls.input, 1);
    assert_int_equal(calls.type, PKT_OTHERHOST);
    probe_end(&b);
}

static void checked_by_link(void **state)
{
    struct probe b;
    uint8_t frame[100];
    struct nst_pktq q = {0};
    probe_begin(&b);
    memset(frame, 0x45, sizeof(frame));
    size_t n = frame_eth(frame, WORLD_MAC(2), US, NST_ETHERTYPE_IPV4, "E", 1);
    struct nst_pkt *p = memlink_packet(&b.link, frame, n);
    p->csum = NST_CSUM_VALID;
    nst_pktq_push(&q, p);
    memlink_deliver(&b.link, &q);
    nst_stack_run(b.stack, WORLD_START, 0);
    assert_int_equal(calls.csum, NST_CSUM_VALID);
    probe_end(&b);
}

static void unknown_ethertype(void **state)
{
    struct probe b;
    probe_begin(&b);
    probe_inject(&b, US, NST_ETHERTYPE_IPV6, 40);
    assert_int_equal(probe_counter(&b, "rx_unknown_protocol"), 1);
    assert_int_equal(probe_drops(&b, DROP_UNKNOWN_PROTOCOL), 1);
    probe_end(&b);
}

static void own_source(void **state)
{
    for (int on = 0; on < 2; on++) {
        struct world w;
        uint8_t packet[64];
        struct nst_endpoint us = {.addr = nst_addr_v4(10, 0, 0, 1), .port = 5};
        struct nst_endpoint them = {.addr = nst_addr_v4(10, 0, 0, 2), .port = 5};
        world_init_single(
            &w, &(struct world_config){.stack.handle_local = on, .nic.promiscuous = true});
        world_inject_ip(&w, packet, frame_udp(packet, &us, &us, "x", 1));
        world_run(&w);
        assert_int_equal(world_nic_counter(&w.hosts[0], "rx_own_source"), on);
        assert_int_equal(world_counter(w.hosts[0].stack, "drop_own_source"), on);
        /* A promiscuous NIC does not make every source ours. */
        world_inject_ip(&w, packet, frame_udp(packet, &them, &us, "x", 1));
        world_run(&w);
        assert_int_equal(world_nic_counter(&w.hosts[0], "rx_own_source"), on);
        world_fini(&w);
    }
}

static void looped(void **state)
{
    struct probe b;
    probe_begin(&b);
    assert_int_equal(nic_loop(probe_nic(&b), probe_packet(&b, 0, 33), NST_ETHERTYPE_IPV4), 0);
    assert_true(nst_stack_next_deadline(b.stack) <= WORLD_START);
    assert_int_equal(nst_stack_run(b.stack, WORLD_START, 0), 1);
    assert_int_equal(calls.input, 1);
    assert_int_equal(calls.type, PKT_HOST);
    assert_int_equal(calls.len, 33);
    assert_int_equal(probe_counter(&b, "rx_packets"), 0);
    assert_int_equal(b.link.count, 0);
    calls.fail_parse = true;
    assert_int_equal(nic_loop(probe_nic(&b), probe_packet(&b, 0, 33), NST_ETHERTYPE_IPV4), 0);
    nst_stack_run(b.stack, WORLD_START, 0);
    assert_int_equal(calls.input, 1);
    probe_end(&b);
}

static void merges_or_not(void **state)
{
    for (int no_merge = 0; no_merge < 2; no_merge++) {
        struct probe b;
        struct nst_pktq q = {0};
        uint8_t packet[200], frame[300];
        char digits[] = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9'};
        struct nst_endpoint src = {.addr = nst_addr_v4(10, 0, 0, 2), .port = 5};
        struct nst_endpoint dst = {.addr = nst_addr_v4(10, 0, 0, 1), .port = 6};
        probe_stack(&b, false);
        b.link.link.caps |= no_merge ? NST_LINK_NO_MERGE : 0;
        assert_int_equal(probe_add(&b, NULL), 0);
        for (uint32_t i = 0; i < 3; i++) {
            const struct tcp_hdr hdr = {.seq = i * 10, .flags = TCP_ACK};
            size_t n = frame_tcp4(packet, &src, &dst, &hdr, NULL,
                                  &(struct nst_iovec){digits, sizeof(digits)});
            n = frame_eth(frame, WORLD_MAC(2), US, NST_ETHERTYPE_IPV4, packet, n);
            nst_pktq_push(&q, memlink_packet(&b.link, frame, n));
        }
        memlink_deliver(&b.link, &q);
        assert_int_equal(nst_stack_run(b.stack, WORLD_START, 0), 3);
        assert_int_equal(probe_counter(&b, "rx_packets"), 3);
        assert_int_equal(probe_counter(&b, "rx_merged"), no_merge ? 0 : 2);
        assert_int_equal(calls.input, no_merge ? 3 : 1);
        assert_int_equal(calls.len, no_merge ? 50 : 70);
        world_check_census(b.stack, true);
        probe_end(&b);
    }
}

TESTS({"nic/N20: data starts at the network header", data_at_network_header},
      {"nic/N21: a disabled NIC counts apart and nothing sees it", disabled},
      {"nic/N22: counts before anything can drop it", counts_first},
      {"nic/N23: an empty destination is the NIC's own", empty_destination},
      {"nic/N24: the type comes from the destination", types},
      {"nic/N24: other hosts' frames reach the network of a promiscuous NIC only", otherhost},
      {"nic/N25: what the link checked stays checked", checked_by_link},
      {"nic/N26: an unknown EtherType is counted and dropped", unknown_ethertype},
      {"nic/N28: an own source from outside is dropped with handle-local on", own_source},
      {"what is looped comes in without the link", looped},
      {"segments of a batch are merged unless the link forbids it", merges_or_not})
