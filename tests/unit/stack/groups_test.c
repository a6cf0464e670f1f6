/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include <nicstack/event.h>

#include "netlab.h"

static struct lab lab;
static struct nic *nic;
static uint8_t packet[200];

static void begin(void)
{
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    lab_add_addr(&lab, 1, "fd00::1/64");
}

static uint16_t protocol_of(const struct nst_addr *a)
{
    return nst_addr_is_v4(a) ? NST_ETHERTYPE_IPV4 : NST_ETHERTYPE_IPV6;
}

static int join(const char *group)
{
    const struct nst_addr a = lab_addr(group);
    return nst_nic_group_join(lab.stack, 1, protocol_of(&a), &a);
}

static int leave(const char *group)
{
    const struct nst_addr a = lab_addr(group);
    return nst_nic_group_leave(lab.stack, 1, protocol_of(&a), &a);
}

static int has(const char *group)
{
    const struct nst_addr a = lab_addr(group);
    return nst_nic_group_has(lab.stack, 1, &a);
}

/* Sends a packet to the group from outside; was it delivered to the transport? */
static bool is_taken(const char *group)
{
    const unsigned before = lab.delivered;
    const struct nst_addr a = lab_addr(group);
    if (nst_addr_is_v4(&a)) {
        const struct lab_ip ip = {.src = "10.0.0.9", .dst = group, .proto = LAB_PROTO};
        const struct nst_mac mac = mac_from_group(&a);
        lab_feed(&lab, 1, NST_ETHERTYPE_IPV4, packet, lab_build_ip(packet, &ip, "x", 1), &mac);
    } else {
        const struct lab_ip6 ip = {.src = "fd00::9", .dst = group, .next = LAB_PROTO};
        lab_feed_ip6(&lab, 1, packet, lab_build_ip6(packet, &ip, "x", 1));
    }
    return lab.delivered > before;
}

static void joins_are_counted(void **state)
{
    static const char *const groups[] = {"239.1.1.1", "ff05::7"};
    begin();
    for (unsigned i = 0; i < 2; i++) {
        const char *g = groups[i];
        assert_int_equal(has(g), 0);
        assert_false(is_taken(g));
        assert_int_equal(join(g), 0);
        assert_int_equal(join(g), 0);
        assert_true(has(g) == 1 && is_taken(g));
        assert_int_equal(lab.rx.type, PKT_MULTICAST);
        assert_true(lab.rx.dst_assigned);
        assert_int_equal(leave(g), 0);
        assert_true(has(g) == 1 && is_taken(g));
        assert_int_equal(leave(g), 0);
        assert_false(has(g) == 1 || is_taken(g));
        assert_int_equal(leave(g), -NST_EADDRNOTAVAIL);
    }
    lab_fini(&lab);
}

static void what_is_no_group_is_refused(void **state)
{
    const struct nst_addr four = lab_addr("239.1.1.1"), six = lab_addr("ff05::7"),
                          host = lab_addr("10.0.0.1"), host6 = lab_addr("fd00::1"),
                          all = lab_addr("255.255.255.255");
    begin();
    const struct nst_addr *const not_four[] = {&six, &host, &all, &host6};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(nst_nic_group_join(lab.stack, 1, NST_ETHERTYPE_IPV4, not_four[i]),
                         -NST_EINVAL);
    assert_int_equal(nst_nic_group_join(lab.stack, 1, NST_ETHERTYPE_IPV6, &four), -NST_EINVAL);
    assert_int_equal(nst_nic_group_join(lab.stack, 1, NST_ETHERTYPE_IPV6, &host6), -NST_EINVAL);
    lab_fini(&lab);
}

static void unknown_protocols_and_those_without_groups_differ(void **state)
{
    const struct nst_addr g = lab_addr("239.1.1.1");
    begin();
    assert_int_equal(nst_nic_group_join(lab.stack, 1, 0x88cc, &g), -NST_EPROTONOSUPPORT);
    assert_int_equal(nst_nic_group_leave(lab.stack, 1, 0x88cc, &g), -NST_EPROTONOSUPPORT);
    assert_int_equal(nst_nic_group_join(lab.stack, 1, NST_ETHERTYPE_ARP, &g), -NST_EOPNOTSUPP);
    assert_int_equal(nst_nic_group_leave(lab.stack, 1, NST_ETHERTYPE_ARP, &g), -NST_EOPNOTSUPP);
    assert_int_equal(nst_nic_group_join(lab.stack, 7, NST_ETHERTYPE_IPV4, &g), -NST_ENOENT);
    assert_int_equal(nst_nic_group_leave(lab.stack, 7, NST_ETHERTYPE_IPV4, &g), -NST_ENOENT);
    assert_int_equal(nst_nic_group_has(lab.stack, 7, &g), -NST_ENOENT);
    assert_int_equal(nst_nic_group_list(lab.stack, 7, NULL, 0), -NST_ENOENT);
    /* IPv6 does not fit this one (N4). */
    lab_add_nic(&lab, 2, NST_LINK_RESOLVES, 576);
    const struct nst_addr six = lab_addr("ff05::7");
    assert_int_equal(nst_nic_group_join(lab.stack, 2, NST_ETHERTYPE_IPV6, &six), -NST_EOPNOTSUPP);
    lab_fini(&lab);
}

static void the_stack_joins_what_every_host_joins(void **state)
{
    struct nst_addr list[8];
    static const char *const own[] = {"224.0.0.1", "ff02::1", "ff02::1:ff00:1"};
    begin();
    assert_int_equal(nst_nic_group_list(lab.stack, 1, list, 8), 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct nst_addr a = lab_addr(own[i]);
        assert_true(nst_addr_equal(&list[i], &a));
        assert_true(is_taken(own[i]));
        /* It is the stack's to leave. */
        assert_int_equal(leave(own[i]), -NST_EADDRNOTAVAIL);
        assert_int_equal(join(own[i]), 0);
        assert_int_equal(leave(own[i]), 0);
        assert_int_equal(leave(own[i]), -NST_EADDRNOTAVAIL);
        assert_int_equal(has(own[i]), 1);
    }
    assert_int_equal(nst_nic_group_list(lab.stack, 1, list, 1), 3);
    lab_fini(&lab);
}

static void groups_outlast_a_disabled_nic(void **state)
{
    begin();
    join("239.1.1.1");
    nst_nic_disable(lab.stack, 1);
    assert_int_equal(has("239.1.1.1"), 1);
    assert_int_equal(join("ff05::7"), 0);
    assert_false(is_taken("239.1.1.1"));
    nst_nic_enable(lab.stack, 1);
    assert_true(is_taken("239.1.1.1") && is_taken("ff05::7") && is_taken("224.0.0.1"));
    lab_fini(&lab);
}

static void a_promiscuous_nic_takes_all_groups(void **state)
{
    begin();
    nst_nic_set_promiscuous(lab.stack, 1, true);
    assert_true(is_taken("239.1.1.1") && !lab.rx.dst_assigned);
    assert_true(is_taken("ff05::7") && !lab.rx.dst_assigned);
    assert_int_equal(has("239.1.1.1"), 0);
    /* Nobody answers for a group that was not joined, and no forwarder sees it. */
    uint8_t echo[8];
    lab_build_echo(echo, 8, 1, 1, 0);
    const struct lab_ip ip = {.src = "10.0.0.9", .dst = "239.1.1.1", .proto = IP_PROTO_ICMP};
    lab_feed_ip(&lab, 1, packet, lab_build_ip(packet, &ip, echo, 8));
    assert_int_equal(lab.handled, 0);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

/* The next event, which has to be of that kind and about that group. */
static void expect_event(enum nst_event_kind kind, const char *group)
{
    const struct nst_addr a = lab_addr(group);
    struct nst_event e;
    assert_true(nst_event_next(lab.stack, &e));
    assert_int_equal(e.kind, kind);
    assert_int_equal(e.nic, 1);
    assert_true(nst_addr_equal(&e.addr, &a));
}

static void the_first_join_and_the_last_leave_are_events(void **state)
{
    struct nst_event e;
    begin();
    assert_int_equal(
        nst_event_start(lab.stack,
                        NST_EVENT_BIT(NST_EVENT_GROUP_JOINED) | NST_EVENT_BIT(NST_EVENT_GROUP_LEFT),
                        0),
        0);
    join("239.1.1.1");
    join("239.1.1.1");
    leave("239.1.1.1");
    leave("239.1.1.1");
    lab_add_addr(&lab, 1, "fd00::2/64");
    expect_event(NST_EVENT_GROUP_JOINED, "239.1.1.1");
    expect_event(NST_EVENT_GROUP_LEFT, "239.1.1.1");
    expect_event(NST_EVENT_GROUP_JOINED, "ff02::1:ff00:2");
    assert_false(nst_event_next(lab.stack, &e));
    nst_event_stop(lab.stack);
    lab_fini(&lab);
}

static void groups_are_bounded(void **state)
{
    begin();
    for (unsigned i = 1; i < GROUPS_MAX; i++) {
        const struct nst_addr g = nst_addr_v4(239, 2, (uint8_t)(i >> 8), (uint8_t)i);
        assert_int_equal(nst_nic_group_join(lab.stack, 1, NST_ETHERTYPE_IPV4, &g), 0);
    }
    assert_int_equal(join("239.1.1.1"), -NST_ENOBUFS);
    assert_int_equal(join("239.2.0.1"), 0); /* it is there */
    lab_fini(&lab);
}

TESTS({"nic/N68: joins are counted: the first joins and the last leaves", joins_are_counted},
      {"nic/N68: what is no group of the protocol is refused", what_is_no_group_is_refused},
      {"nic/N68: unknown protocols and those without groups differ",
       unknown_protocols_and_those_without_groups_differ},
      {"nic/N6: the stack joins what every host joins", the_stack_joins_what_every_host_joins},
      {"nic/N68: groups outlast a disabled NIC", groups_outlast_a_disabled_nic},
      {"a promiscuous NIC takes all groups", a_promiscuous_nic_takes_all_groups},
      {"nic/N68: the first join and the last leave are events",
       the_first_join_and_the_last_leave_are_events},
      {"groups are bounded", groups_are_bounded})
