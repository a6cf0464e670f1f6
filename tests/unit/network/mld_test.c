/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "network/dad.h"
#include "network/mld.h"
#include "wire/mld.h"

static struct lab lab;
static struct nic *nic;
static uint8_t packet[2000];

/* A NIC with an assigned link-local address that has said all it has to say. */
static void begin(void)
{
    lab_init(&lab);
    lab.group_reports = true;
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "fe80::1/64");
    lab_advance(&lab, 10 * NST_SEC);
    lab_discard(&lab, 1);
}

static int join(const char *group)
{
    const struct nst_addr a = lab_addr(group);
    return nst_nic_group_join(lab.stack, 1, NST_ETHERTYPE_IPV6, &a);
}

static int leave(const char *group)
{
    const struct nst_addr a = lab_addr(group);
    return nst_nic_group_leave(lab.stack, 1, NST_ETHERTYPE_IPV6, &a);
}

/* The next MLD message; other ICMPv6 (duplicate detection) is passed over. Its headers are checked
 * (RFC 3810 5). NULL: none. */
static const uint8_t *take(const char *from, const char *to, size_t *ret_len)
{
    const struct nst_addr src = lab_addr(from), dst = lab_addr(to);
    const struct nst_mac group = mac_from_group(&dst);
    struct ip6_hdr hdr;
    struct nst_mac mac;
    size_t len;
    const uint8_t *r;
    do {
        r = lab_take(&lab, 1, &len, NULL, &mac);
        if (r == NULL)
            return NULL;
        assert_int_equal(ip6_parse(r, len, &hdr), IP6_HDR_LEN);
    } while (hdr.next != IP_PROTO_HOP_BY_HOP);
    assert_int_equal(hdr.hop_limit, 1);
    assert_int_equal(hdr.payload_len + IP6_HDR_LEN, len);
    assert_true(nst_addr_equal(&hdr.src, &src) && nst_addr_equal(&hdr.dst, &dst));
    assert_true(mac_equal(&mac, &group));
    const uint8_t *m = r + IP6_HDR_LEN + MLD_ALERT_LEN;
    *ret_len = len - IP6_HDR_LEN - MLD_ALERT_LEN;
    assert_true(mld_has_alert(r + IP6_HDR_LEN, MLD_ALERT_LEN));
    assert_int_equal(r[IP6_HDR_LEN], IP_PROTO_ICMPV6);
    assert_true(csum_ok(
        csum_short(m, *ret_len, csum_pseudo_v6(&src, &dst, IP_PROTO_ICMPV6, (uint32_t)*ret_len))));
    return m;
}

/* A version 2 report with these records, in order; NULL ends the list. */
static void expect_records(const char *from, enum group_record_type type, const char *one,
                           const char *two)
{
    const char *groups[] = {one, two, NULL};
    struct group_record record;
    size_t len;
    const uint8_t *m = take(from, "ff02::16", &len);
    assert_non_null(m);
    assert_int_equal(m[0], ICMP6_MLD2_REPORT);
    struct group_record_iter it = mld_records_begin(m, len);
    for (unsigned i = 0; groups[i] != NULL; i++) {
        const struct nst_addr a = lab_addr(groups[i]);
        assert_true(mld_record_next(&it, &record));
        assert_true(nst_addr_equal(&record.group, &a));
        assert_int_equal(record.type, type);
    }
    assert_false(mld_record_next(&it, &record));
    assert_int_equal(it.off, len);
}

static void expect_message(uint8_t type, const char *group, const char *to)
{
    const struct nst_addr a = lab_addr(group);
    struct nst_addr got;
    size_t len;
    const uint8_t *m = take("fe80::1", to, &len);
    assert_non_null(m);
    assert_int_equal(m[0], type);
    assert_true(mld_group_parse(m, len, &got) && nst_addr_equal(&got, &a));
}

static void expect_nothing(nst_time within)
{
    lab_advance(&lab, within);
    assert_int_equal(lab_frames(&lab, 1), 0);
}

struct how {
    const char *src, *to;
    uint8_t hop_limit;
    bool no_alert, bad_csum;
};

static void feed(uint8_t *message, size_t len, const char *to, const struct how *how)
{
    static const struct how right;
    uint8_t alert[MLD_ALERT_LEN];
    if (how == NULL)
        how = &right;
    mld_alert_build(alert);
    const struct lab_ip6 ip = {.src = how->src != NULL ? how->src : "fe80::9",
                               .dst = how->to != NULL ? how->to : to,
                               .next = IP_PROTO_HOP_BY_HOP,
                               .hop_limit = how->hop_limit != 0 ? how->hop_limit : 1,
                               .ext = alert,
                               .ext_len = how->no_alert ? 0 : MLD_ALERT_LEN};
    const size_t n = lab_build_icmp6(packet, &ip, message, len);
    packet[n - 1] ^= how->bad_csum;
    lab_feed_ip6(&lab, 1, packet, n);
}

static void query_as(uint8_t version, const char *group, uint32_t max_ms, const struct how *how)
{
    uint8_t message[MLD_QUERY2_LEN];
    const struct mld_query q = {.version = version,
                                .group = lab_addr(group != NULL ? group : "::"),
                                .max_resp_ms = max_ms,
                                .interval_s = 125,
                                .robustness = 2};
    feed(message, mld_query_build(message, &q), group != NULL ? group : "ff02::1", how);
}

static void query(uint8_t version, const char *group, uint32_t max_ms)
{
    query_as(version, group, max_ms, NULL);
}

static void a_join_and_a_leave_are_told_twice(void **state)
{
    begin();
    assert_int_equal(join("ff05::7"), 0);
    lab_run(&lab);
    expect_records("fe80::1", GROUP_TO_EXCLUDE, "ff05::7", NULL);
    lab_advance(&lab, LISTENER_UNSOLICITED);
    expect_records("fe80::1", GROUP_TO_EXCLUDE, "ff05::7", NULL);
    expect_nothing(30 * NST_SEC);
    assert_int_equal(leave("ff05::7"), 0);
    lab_run(&lab);
    expect_records("fe80::1", GROUP_TO_INCLUDE, "ff05::7", NULL);
    lab_advance(&lab, LISTENER_UNSOLICITED);
    expect_records("fe80::1", GROUP_TO_INCLUDE, "ff05::7", NULL);
    expect_nothing(30 * NST_SEC);
    lab_fini(&lab);
}

/* The solicited-node group is joined before duplicate detection asks, from :: as there is nothing
 * better; once the address is assigned it is told again from there. */
static void the_solicited_node_group_is_told(void **state)
{
    lab_init(&lab);
    lab.group_reports = true;
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    const struct nst_nic_addr a = {.addr = lab_addr("fe80::12:3456"), .prefix_len = 64};
    const struct nst_addr group = lab_addr("ff02::1:ff12:3456");
    assert_int_equal(nst_nic_addr_add(lab.stack, 1, &a), 0);
    lab_run(&lab);
    assert_int_equal(nst_nic_group_has(lab.stack, 1, &group), 1);
    expect_records("::", GROUP_TO_EXCLUDE, "ff02::1:ff12:3456", NULL);
    lab_advance(&lab, DAD_DELAY + 2 * NST_SEC);
    size_t len;
    /* The second from :: may have come before or after; the last two are from the address. */
    while (lab_frames(&lab, 1) > 2)
        lab_take(&lab, 1, &len, NULL, NULL);
    expect_records("fe80::12:3456", GROUP_TO_EXCLUDE, "ff02::1:ff12:3456", NULL);
    expect_records("fe80::12:3456", GROUP_TO_EXCLUDE, "ff02::1:ff12:3456", NULL);
    assert_int_equal(nst_nic_addr_remove(lab.stack, 1, &a.addr), 0);
    lab_run(&lab);
    expect_records("::", GROUP_TO_INCLUDE, "ff02::1:ff12:3456", NULL);
    assert_int_equal(nst_nic_group_has(lab.stack, 1, &group), 0);
    lab_fini(&lab);
}

static void two_addresses_share_their_solicited_node_group(void **state)
{
    const struct nst_addr group = lab_addr("ff02::1:ff00:1"), other = lab_addr("fd00::1");
    begin();
    lab_add_addr(&lab, 1, "fd00::1/64");
    expect_nothing(10 * NST_SEC); /* joined already */
    assert_int_equal(nst_nic_addr_remove(lab.stack, 1, &other), 0);
    expect_nothing(10 * NST_SEC);
    assert_int_equal(nst_nic_group_has(lab.stack, 1, &group), 1);
    lab_fini(&lab);
}

static void queries_are_answered(void **state)
{
    begin();
    join("ff05::7");
    lab_advance(&lab, 2 * NST_SEC);
    lab_discard(&lab, 1);
    query(2, NULL, 1000);
    lab_advance(&lab, NST_SEC);
    expect_records("fe80::1", GROUP_IS_EXCLUDE, "ff02::1:ff00:1", "ff05::7");
    query(2, "ff05::7", 1000);
    lab_advance(&lab, NST_SEC);
    expect_records("fe80::1", GROUP_IS_EXCLUDE, "ff05::7", NULL);
    query(2, "ff05::8", 1000);
    query(2, "ff02::1", 1000);
    expect_nothing(30 * NST_SEC);
    lab_fini(&lab);
}

static void all_nodes_and_the_nodes_own_scopes_are_never_told(void **state)
{
    begin();
    assert_int_equal(join("ff02::1"), 0);
    assert_int_equal(join("ff01::7"), 0);
    assert_int_equal(join("ff00::7"), 0);
    expect_nothing(30 * NST_SEC);
    lab_fini(&lab);
}

static void a_version_1_querier_is_spoken_to_in_version_1(void **state)
{
    begin();
    query(1, NULL, 1000);
    lab_advance(&lab, NST_SEC);
    expect_message(ICMP6_MLD_REPORT, "ff02::1:ff00:1", "ff02::1:ff00:1");
    join("ff05::7");
    lab_run(&lab);
    expect_message(ICMP6_MLD_REPORT, "ff05::7", "ff05::7");
    lab_advance(&lab, LISTENER_UNSOLICITED_OLD);
    expect_message(ICMP6_MLD_REPORT, "ff05::7", "ff05::7");
    leave("ff05::7");
    lab_run(&lab);
    expect_message(ICMP6_MLD_DONE, "ff05::7", "ff02::2");
    /* Another's report takes ours away. */
    join("ff05::7");
    lab_run(&lab);
    expect_message(ICMP6_MLD_REPORT, "ff05::7", "ff05::7");
    uint8_t message[MLD_LEN];
    const struct nst_addr a = lab_addr("ff05::7");
    feed(message, mld_group_build(message, ICMP6_MLD_REPORT, &a), "ff05::7", NULL);
    leave("ff05::7");
    expect_nothing(30 * NST_SEC);
    /* RFC 3810 9.12: forgotten after 2 * 125 s + 1 s. */
    lab_advance(&lab, 251 * NST_SEC);
    join("ff05::7");
    lab_run(&lab);
    expect_records("fe80::1", GROUP_TO_EXCLUDE, "ff05::7", NULL);
    lab_fini(&lab);
}

static void messages_that_fail_a_check_are_counted_and_dropped(void **state)
{
    static const struct how ways[] = {{.hop_limit = 255},
                                      {.no_alert = true},
                                      {.src = "fd00::9"},
                                      {.to = "ff02::1:ff00:1"},
                                      {.to = "fe80::1"}};
    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
        query_as(2, NULL, 1000, &ways[i]);
        expect_nothing(10 * NST_SEC);
        assert_int_equal(lab.stack->counters.mld_malformed, i + 1);
        assert_int_equal(lab_drops(&lab, DROP_GROUP_MALFORMED), i + 1);
    }
    query_as(2, NULL, 1000, &(const struct how){.bad_csum = true});
    assert_int_equal(lab.stack->counters.icmp6_malformed, 1);
    query_as(2, "fe80::1", 1000, NULL); /* no group */
    uint8_t message[30] = {ICMP6_MLD_QUERY};
    feed(message, 23, "ff02::1", NULL);
    feed(message, 27, "ff02::1", NULL);
    expect_nothing(10 * NST_SEC);
    assert_int_equal(lab.stack->counters.mld_malformed, 5 + 3);
    lab_fini(&lab);
}

static void a_disabled_nic_leaves_and_an_enabled_one_joins_again(void **state)
{
    begin();
    join("ff05::7");
    lab_advance(&lab, 2 * NST_SEC);
    lab_discard(&lab, 1);
    nst_nic_disable(lab.stack, 1);
    expect_records("fe80::1", GROUP_TO_INCLUDE, "ff02::1:ff00:1", "ff05::7");
    expect_nothing(60 * NST_SEC);
    nst_nic_enable(lab.stack, 1);
    lab_run(&lab);
    expect_records("fe80::1", GROUP_TO_EXCLUDE, "ff02::1:ff00:1", "ff05::7");
    lab_fini(&lab);
}

TESTS({"RFC 3810 6.1: a join and a leave are told twice", a_join_and_a_leave_are_told_twice},
      {"RFC 4862 5.4.2, RFC 3590 4: the solicited-node group is told, from :: and then from the "
       "address",
       the_solicited_node_group_is_told},
      {"two addresses share their solicited-node group",
       two_addresses_share_their_solicited_node_group},
      {"RFC 3810 6.2: queries are answered", queries_are_answered},
      {"RFC 3810 6: all nodes and the node's own scopes are never told",
       all_nodes_and_the_nodes_own_scopes_are_never_told},
      {"RFC 3810 8.2.1: a version 1 querier is spoken to in version 1, for a while",
       a_version_1_querier_is_spoken_to_in_version_1},
      {"messages that fail a check are counted and dropped",
       messages_that_fail_a_check_are_counted_and_dropped},
      {"nic/N7: a disabled NIC leaves its groups softly; nic/N6: an enabled one joins them again",
       a_disabled_nic_leaves_and_an_enabled_one_joins_again})
