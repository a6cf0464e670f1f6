/* SPDX-License-Identifier: Apache-2.0 */
/* What changes of a NIC while it is up (N10), and what fits it (N4). */
#include "testing.h"

#include "nicbox.h"
#include "tcp_pair.h"
#include "wire/ipproto.h"

static struct nicbox b;

static struct nst_nic_info info(void)
{
    struct nst_nic_info i;
    assert_int_equal(nst_nic_get_info(b.stack, 1, &i), 0);
    return i;
}

static void begin(enum nicbox_kind kind)
{
    nicbox_begin(&b, NULL);
    nicbox_add(&b, 1, kind);
    nicbox_addr(&b, 1, "10.0.0.1/24");
    nicbox_addr(&b, 1, "fd00::1/64");
    nicbox_skip_events(&b);
}

static void it_is_renamed(void **state)
{
    begin(NICBOX_IP);
    nicbox_add(&b, 2, NICBOX_IP);
    nicbox_skip_events(&b);
    assert_int_equal(nst_nic_set_name(b.stack, 1, "uplink"), 0);
    assert_string_equal(info().name, "uplink");
    const struct nst_event e = nicbox_event(&b, NST_EVENT_NIC_RENAMED);
    assert_string_equal(e.name, "uplink");
    assert_int_equal(e.nic, 1);
    assert_int_equal(nst_nic_set_name(b.stack, 1, "uplink"), 0); /* as it was */
    assert_int_equal(nst_nic_set_name(b.stack, 1, "nic2"), -NST_EEXIST);
    assert_int_equal(nst_nic_set_name(b.stack, 1, ""), -NST_EINVAL);
    assert_int_equal(nst_nic_set_name(b.stack, 1, NULL), -NST_EINVAL);
    assert_int_equal(nst_nic_set_name(b.stack, 1, "sixteen letters!"), -NST_EINVAL);
    assert_int_equal(nst_nic_set_name(b.stack, 9, "x"), -NST_ENOENT);
    assert_string_equal(info().name, "uplink");
    nicbox_no_event(&b);
    assert_int_equal(nst_nic_set_name(b.stack, 2, "nic1"), 0); /* the old name is free */
    nicbox_end(&b);
}

static void its_context_is_another(void **state)
{
    int context;
    begin(NICBOX_IP);
    assert_int_equal(nst_nic_set_context(b.stack, 1, &context), 0);
    assert_ptr_equal(info().context, &context);
    assert_int_equal(nst_nic_set_context(b.stack, 9, NULL), -NST_ENOENT);
    nicbox_end(&b);
}

/* ---- MTU ---- */

static uint32_t path_mtu(bool v6)
{
    struct nst_path path;
    const struct nst_addr to = nicbox_parse(nicbox_pick(v6, "10.0.0.2", "fd00::2"));
    assert_int_equal(nst_path_lookup(b.stack, &to, NULL, 0, &path), 0);
    return path.mtu;
}

static void its_mtu_reaches_the_paths(void **state)
{
    static const uint8_t data[2000];
    struct nicbox_sent sent;
    begin(NICBOX_IP);
    for (int v6 = 0; v6 < 2; v6++) {
        const nst_socket s =
            nicbox_socket(&b, NST_DATAGRAM, nicbox_pick(v6, "0.0.0.0", "::"), 7, 0);
        const struct nst_endpoint to = {
            .addr = nicbox_parse(nicbox_pick(v6, "10.0.0.2", "fd00::2")), .port = 9};
        assert_int_equal(nst_socket_connect(b.stack, s, &to), 0);
        assert_int_equal(nst_nic_set_mtu(b.stack, 1, 1400), 0);
        assert_int_equal(info().mtu, 1400);
        assert_int_equal(nicbox_event(&b, NST_EVENT_NIC_MTU).value, 1400);
        assert_int_equal(path_mtu(v6), 1400);
        assert_int_equal(nst_socket_send(b.stack, s, data, 1390, 0), 1390);
        nicbox_run(&b);
        const uint8_t fragment = v6 ? IP_PROTO_FRAGMENT : IP_PROTO_UDP;
        assert_true(nicbox_take(&b, 1, fragment, &sent) && sent.len <= 1400);
        assert_true(nicbox_take(&b, 1, fragment, &sent));
        assert_int_equal(nst_nic_set_mtu(b.stack, 1, 1500), 0);
        nicbox_event(&b, NST_EVENT_NIC_MTU);
        assert_int_equal(path_mtu(v6), 1500);
        assert_int_equal(nst_nic_set_mtu(b.stack, 1, 1500), 0); /* as it was */
        nicbox_no_event(&b);
        nst_socket_close(b.stack, s);
    }
    nicbox_end(&b);
}

static void a_link_may_refuse(void **state)
{
    begin(NICBOX_ETHERNET);
    b.links[0].refuses = NST_EBUSY;
    assert_int_equal(nst_nic_set_mtu(b.stack, 1, 1400), -NST_EBUSY);
    assert_int_equal(nst_nic_set_link_addr(b.stack, 1, WORLD_MAC(7)), -NST_EBUSY);
    struct nst_link_ops ops = *b.links[0].link.ops;
    ops.set_mtu = NULL;
    ops.set_address = NULL;
    b.links[0].link.ops = &ops;
    assert_int_equal(nst_nic_set_mtu(b.stack, 1, 1400), -NST_EOPNOTSUPP);
    assert_int_equal(nst_nic_set_mtu(b.stack, 1, 0), -NST_EINVAL);
    assert_int_equal(nst_nic_set_mtu(b.stack, 9, 1400), -NST_ENOENT);
    assert_int_equal(nst_nic_set_link_addr(b.stack, 1, WORLD_MAC(7)), -NST_EOPNOTSUPP);
    assert_int_equal(info().mtu, 1500);
    nicbox_no_event(&b);
    nicbox_end(&b);
}

/* N4, N10: a protocol runs on the NIC exactly if it fits. */
static void protocols_that_do_not_fit_are_stopped(void **state)
{
    struct nst_path path;
    const struct nst_addr to4 = nicbox_parse("10.0.0.2"), to6 = nicbox_parse("fd00::2");
    begin(NICBOX_IP);
    nicbox_route(&b, "2001:db8::/32", 1, "fd00::9");
    const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, NULL, 7, 0);
    assert_int_equal(nicbox_send(&b, s, "fd00::2"), 1);
    assert_int_equal(nst_nic_set_mtu(b.stack, 1, 1279), 0);
    assert_int_equal(nicbox_event(&b, NST_EVENT_ADDR_REMOVED).why, NST_WHY_NIC);
    nicbox_event(&b, NST_EVENT_NIC_MTU);
    nicbox_no_event(&b);
    assert_int_equal(nst_nic_addr_list(b.stack, 1, NULL, 0), 1);
    assert_int_equal(nst_route_list(b.stack, NULL, 0), 1);
    assert_true(nst_path_lookup(b.stack, &to6, NULL, 0, &path) < 0);
    assert_true(nicbox_send(&b, s, "fd00::2") < 0);
    assert_int_equal(nst_path_lookup(b.stack, &to4, NULL, 0, &path), 0);
    const struct nst_nic_addr six = {.addr = nicbox_parse("fd00::1"), .prefix_len = 64};
    assert_int_equal(nst_nic_addr_add(b.stack, 1, &six), -NST_EPROTONOSUPPORT);
    assert_int_equal(nst_nic_get_forwarding(b.stack, 1, NST_ETHERTYPE_IPV6), -NST_EOPNOTSUPP);
    /* Nothing at all fits. */
    assert_int_equal(nst_nic_set_mtu(b.stack, 1, 20), 0);
    assert_int_equal(nst_nic_addr_list(b.stack, 1, NULL, 0), 0);
    /* And all of it again: without addresses, but whole. */
    assert_int_equal(nst_nic_set_mtu(b.stack, 1, 1280), 0);
    nicbox_addr(&b, 1, "fd00::1/64");
    nicbox_addr(&b, 1, "10.0.0.1/24");
    assert_int_equal(nicbox_send(&b, s, "fd00::2"), 1);
    assert_int_equal(nicbox_send(&b, s, "10.0.0.2"), 1);
    nicbox_end(&b);
}

static void a_small_link_has_what_fits(void **state)
{
    nicbox_begin(&b, NULL);
    memlink_init(&b.links[0], NULL);
    b.links[0].link.mtu = 1000;
    b.has[0] = true;
    nicbox_add(&b, 1, NICBOX_IP);
    nicbox_addr(&b, 1, "10.0.0.1/24");
    const struct nst_nic_addr six = {.addr = nicbox_parse("fd00::1"), .prefix_len = 64};
    assert_int_equal(nst_nic_addr_add(b.stack, 1, &six), -NST_EPROTONOSUPPORT);
    nicbox_end(&b);
}

static void connections_follow_the_mtu(void **state)
{
    static const uint32_t mtus[] = {1300, 9000, 1280};
    for (int v6 = 0; v6 < 2; v6++) {
        const struct world_config config = {.ipv6 = v6, .mtu = 9000, .limit = 4096};
        struct tcp_pair p;
        tcp_pair_init(&p, &config);
        tcp_pair_connect(&p);
        for (int i = 0; i < 3; i++) {
            struct tcp_flow out = {.from = 0, .total = 300000};
            /* In the middle of it: what is under way goes again in smaller pieces. */
            struct tcp_flow half = {.from = 0, .total = 300000};
            half.total = 150000;
            assert_true(tcp_pair_transfer(&p, &half, NULL, 60 * NST_SEC));
            assert_int_equal(nst_nic_set_mtu(p.w.hosts[0].stack, p.w.hosts[0].nic, mtus[i]), 0);
            assert_true(tcp_pair_transfer(&p, &out, NULL, 60 * NST_SEC));
            const struct nst_tcp_info t = tcp_pair_info(&p, 0);
            assert_int_equal(t.pmtu, mtus[i]);
            assert_true(t.mss_snd <= mtus[i] - (v6 ? 60 : 40));
            assert_true(t.mss_snd >= mtus[i] - (v6 ? 60 : 40) - 12);
        }
        tcp_pair_fini(&p);
    }
}

/* ---- Link address ---- */

static void its_link_address_is_another(void **state)
{
    struct nicbox_sent sent;
    for (int v6 = 0; v6 < 2; v6++) {
        begin(NICBOX_ETHERNET);
        const char *peer = nicbox_pick(v6, "10.0.0.2", "fd00::2");
        const struct nst_addr peer_addr = nicbox_parse(peer);
        nst_neigh_add(b.stack, 1, &peer_addr, WORLD_MAC(0x99));
        nicbox_skip_events(&b);
        const nst_socket s =
            nicbox_socket(&b, NST_DATAGRAM, nicbox_pick(v6, "10.0.0.1", "fd00::1"), 7, 0);
        assert_int_equal(nst_nic_set_link_addr(b.stack, 1, WORLD_MAC(7)), 0);
        const struct nst_event e = nicbox_event(&b, NST_EVENT_NIC_LINK_ADDR);
        assert_memory_equal(&e.mac, &WORLD_MAC(7), 6);
        const struct nst_nic_info i = info();
        assert_memory_equal(&i.addr, &WORLD_MAC(7), 6);
        assert_int_equal(nicbox_send(&b, s, peer), 1);
        assert_true(nicbox_take(&b, 1, IP_PROTO_UDP, &sent));
        assert_memory_equal(&sent.from, &WORLD_MAC(7), 6);
        /* What comes to the new one is for us; what comes to the old one is not. */
        struct nicbox_udp udp = {.src = peer,
                                 .dst = nicbox_pick(v6, "10.0.0.1", "fd00::1"),
                                 .dport = 7,
                                 .payload = "new"};
        nicbox_inject(&b, 1, &udp);
        assert_true(nicbox_got(&b, s, "new"));
        udp.to = WORLD_MAC(1);
        nicbox_inject(&b, 1, &udp);
        assert_true(nicbox_got_nothing(&b, s));
        assert_int_equal(nst_nic_set_link_addr(b.stack, 1, WORLD_MAC(7)), 0); /* as it was */
        nicbox_no_event(&b);
        nicbox_end(&b);
    }
}

static void not_every_link_address_will_do(void **state)
{
    begin(NICBOX_ETHERNET);
    assert_int_equal(nst_nic_set_link_addr(b.stack, 1, (struct nst_mac){{1}}), -NST_EINVAL);
    assert_int_equal(nst_nic_set_link_addr(b.stack, 1, (struct nst_mac){{0}}), -NST_EINVAL);
    assert_int_equal(nst_nic_set_link_addr(b.stack, 9, WORLD_MAC(7)), -NST_ENOENT);
    nicbox_add(&b, 2, NICBOX_IP);
    assert_int_equal(nst_nic_set_link_addr(b.stack, 2, WORLD_MAC(7)), -NST_EOPNOTSUPP);
    nicbox_end(&b);
}

/* ---- Forwarding ---- */

static void forwarding_is_a_mode_of_each_protocol(void **state)
{
    begin(NICBOX_ETHERNET);
    assert_int_equal(nst_nic_set_forwarding(b.stack, 1, NST_ETHERTYPE_IPV6, true), 0);
    assert_int_equal(nst_nic_get_forwarding(b.stack, 1, NST_ETHERTYPE_IPV6), 1);
    assert_int_equal(nst_nic_get_forwarding(b.stack, 1, NST_ETHERTYPE_IPV4), 0);
    assert_true(info().forwarding);
    assert_int_equal(nst_nic_set_forwarding(b.stack, 1, NST_ETHERTYPE_IPV6, false), 0);
    assert_false(info().forwarding);
    assert_int_equal(nst_nic_set_forwarding(b.stack, 1, NST_ETHERTYPE_ARP, true), -NST_EOPNOTSUPP);
    assert_int_equal(nst_nic_set_forwarding(b.stack, 1, 0x1234, true), -NST_EPROTONOSUPPORT);
    assert_int_equal(nst_nic_set_forwarding(b.stack, 9, NST_ETHERTYPE_IPV4, true), -NST_ENOENT);
    nicbox_end(&b);
}

TESTS({"nic/N10: it is renamed", it_is_renamed},
      {"nic/N10: its context is another", its_context_is_another},
      {"nic/N10: its MTU reaches the paths of both families", its_mtu_reaches_the_paths},
      {"nic/N10: a link may refuse, and all is as it was", a_link_may_refuse},
      {"nic/N10: protocols that do not fit any more are stopped, those that do are started",
       protocols_that_do_not_fit_are_stopped},
      {"nic/N4: a small link has what fits it", a_small_link_has_what_fits},
      {"nic/N10: connections of both families follow the MTU", connections_follow_the_mtu},
      {"nic/N10: its link address is another, for both families", its_link_address_is_another},
      {"nic/N10: not every link address will do", not_every_link_address_will_do},
      {"nic/N1: forwarding is a mode of each protocol", forwarding_is_a_mode_of_each_protocol})
