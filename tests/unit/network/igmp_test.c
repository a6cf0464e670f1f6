/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "network/igmp.h"
#include "wire/igmp.h"

static struct lab lab;
static struct nic *nic;
static uint8_t packet[2000];

static void begin(void)
{
    lab_init(&lab);
    lab.group_reports = true;
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    lab_run(&lab);
    assert_int_equal(lab_frames(&lab, 1), 0); /* all hosts is never reported */
}

static int join(const char *group)
{
    const struct nst_addr a = lab_addr(group);
    return nst_nic_group_join(lab.stack, 1, NST_ETHERTYPE_IPV4, &a);
}

static int leave(const char *group)
{
    const struct nst_addr a = lab_addr(group);
    return nst_nic_group_leave(lab.stack, 1, NST_ETHERTYPE_IPV4, &a);
}

/* The IGMP message that left next; its header is checked (RFC 3376 4). NULL: none. */
static const uint8_t *take(const char *to, size_t *ret_len)
{
    struct ip4_hdr hdr;
    struct nst_mac mac;
    size_t len;
    uint16_t type;
    const uint8_t *r = lab_take(&lab, 1, &len, &type, &mac);
    if (r == NULL)
        return NULL;
    assert_int_equal(type, NST_ETHERTYPE_IPV4);
    assert_int_equal(ip4_parse(r, len, &hdr), 24);
    const struct nst_addr dst = lab_addr(to);
    const struct nst_mac group = mac_from_group(&dst);
    assert_true(ip4_csum_ok(r, 24) && ip4_has_router_alert(r + 20, 4));
    assert_int_equal(hdr.ttl, 1);
    assert_int_equal(hdr.tos, 0xc0);
    assert_int_equal(hdr.proto, IP_PROTO_IGMP);
    assert_int_equal(hdr.dst4, addr_to_raw4(&dst));
    assert_int_equal(hdr.total_len, len);
    assert_true(mac_equal(&mac, &group));
    assert_true(csum_ok(csum_short(r + 24, len - 24, 0)));
    *ret_len = len - 24;
    return r + 24;
}

/* A version 3 report with exactly this record left. */
static void expect_record(enum group_record_type type, const char *group)
{
    struct group_record record;
    size_t len;
    const uint8_t *m = take("224.0.0.22", &len);
    assert_non_null(m);
    assert_int_equal(m[0], IGMP_REPORT3);
    struct group_record_iter it = igmp_records_begin(m, len);
    assert_true(igmp_record_next(&it, &record));
    const struct nst_addr a = lab_addr(group);
    assert_true(nst_addr_equal(&record.group, &a));
    assert_int_equal(record.type, type);
    assert_int_equal(record.sources, 0);
    assert_false(igmp_record_next(&it, &record));
    assert_int_equal(it.off, len);
}

/* A message of an older version left. */
static void expect_message(enum igmp_type type, const char *group, const char *to)
{
    size_t len;
    uint32_t group4;
    const struct nst_addr a = lab_addr(group);
    const uint8_t *m = take(to, &len);
    assert_non_null(m);
    assert_int_equal(len, IGMP_LEN);
    assert_int_equal(m[0], type);
    assert_true(igmp_group_parse(m, len, &group4) && group4 == addr_to_raw4(&a));
}

static void expect_nothing(nst_time within)
{
    lab_advance(&lab, within);
    assert_int_equal(lab_frames(&lab, 1), 0);
}

/* How a message is sent, where it is not as it should be. */
struct how {
    uint8_t ttl;
    bool no_alert, bad_csum;
    const char *to;
};

static void feed(uint8_t *message, size_t len, const char *to, const struct how *how)
{
    uint8_t alert[4];
    ip4_router_alert_build(alert);
    igmp_csum_put(message, len);
    if (how != NULL && how->bad_csum)
        message[2] ^= 1;
    struct lab_ip ip = {.src = "10.0.0.9",
                        .dst = to,
                        .proto = IP_PROTO_IGMP,
                        .ttl = how != NULL && how->ttl != 0 ? how->ttl : 1,
                        .options = alert,
                        .options_len = how != NULL && how->no_alert ? 0 : 4};
    if (how != NULL && how->to != NULL)
        ip.dst = how->to;
    const struct nst_addr dst = lab_addr(ip.dst);
    const struct nst_mac mac = mac_from_group(&dst);
    lab_feed(&lab, 1, NST_ETHERTYPE_IPV4, packet, lab_build_ip(packet, &ip, message, len),
             addr_is_multicast(&dst) ? &mac : NULL);
}

/* group NULL: general. */
static void query_as(uint8_t version, const char *group, uint32_t max_ms, const struct how *how)
{
    uint8_t message[IGMP_QUERY3_LEN];
    const struct nst_addr a = lab_addr(group != NULL ? group : "0.0.0.0");
    const struct igmp_query q = {.version = version,
                                 .group4 = addr_to_raw4(&a),
                                 .max_resp_ms = max_ms,
                                 .interval_s = 125,
                                 .robustness = 2};
    feed(message, igmp_query_build(message, &q), group != NULL ? group : "224.0.0.1", how);
}

static void query(uint8_t version, const char *group, uint32_t max_ms)
{
    query_as(version, group, max_ms, NULL);
}

/* ---- Version 3 ---- */

static void a_join_and_a_leave_are_told_twice(void **state)
{
    begin();
    assert_int_equal(join("239.1.1.1"), 0);
    assert_int_equal(join("239.1.1.1"), 0); /* counted, and no news */
    lab_run(&lab);
    expect_record(GROUP_TO_EXCLUDE, "239.1.1.1");
    lab_advance(&lab, LISTENER_UNSOLICITED);
    expect_record(GROUP_TO_EXCLUDE, "239.1.1.1");
    expect_nothing(60 * NST_SEC);
    assert_int_equal(leave("239.1.1.1"), 0);
    expect_nothing(60 * NST_SEC);
    assert_int_equal(leave("239.1.1.1"), 0);
    lab_run(&lab);
    expect_record(GROUP_TO_INCLUDE, "239.1.1.1");
    assert_int_equal(leave("239.1.1.1"), -NST_EADDRNOTAVAIL);
    lab_advance(&lab, LISTENER_UNSOLICITED);
    expect_record(GROUP_TO_INCLUDE, "239.1.1.1");
    expect_nothing(60 * NST_SEC);
    assert_int_equal(nic->eps[NET_IPV4].groups.count, 1); /* it is forgotten: all hosts is left */
    lab_fini(&lab);
}

static void joining_again_while_leaving_is_told(void **state)
{
    begin();
    join("239.1.1.1");
    lab_advance(&lab, 2 * NST_SEC);
    lab_discard(&lab, 1);
    leave("239.1.1.1");
    lab_run(&lab);
    expect_record(GROUP_TO_INCLUDE, "239.1.1.1");
    join("239.1.1.1");
    lab_run(&lab);
    expect_record(GROUP_TO_EXCLUDE, "239.1.1.1");
    lab_advance(&lab, LISTENER_UNSOLICITED);
    expect_record(GROUP_TO_EXCLUDE, "239.1.1.1");
    expect_nothing(60 * NST_SEC);
    lab_fini(&lab);
}

static void changes_of_one_turn_share_a_report(void **state)
{
    struct group_record record;
    char text[32];
    size_t len;
    begin();
    for (unsigned i = 1; i <= 70; i++) {
        snprintf(text, sizeof(text), "239.1.1.%u", i);
        assert_int_equal(join(text), 0);
    }
    lab_run(&lab);
    assert_int_equal(lab_frames(&lab, 1), 2);
    unsigned records = 0;
    for (const uint8_t *m; (m = take("224.0.0.22", &len)) != NULL;) {
        struct group_record_iter it = igmp_records_begin(m, len);
        while (igmp_record_next(&it, &record))
            records += record.type == GROUP_TO_EXCLUDE;
        assert_false(it.malformed);
    }
    assert_int_equal(records, 70);
    lab_fini(&lab);
}

static void a_general_query_is_answered_once_after_a_random_time(void **state)
{
    nst_time first = 0;
    bool differ = false;
    for (unsigned i = 0; i < 4; i++) {
        begin();
        join("239.1.1.1");
        lab_advance(&lab, 2 * NST_SEC + i * NST_MSEC);
        lab_discard(&lab, 1);
        for (unsigned n = 0; n <= i; n++) /* draws more, so another time */
            rand_u32(&lab.stack->rand);
        query(3, NULL, 10000);
        const nst_time due = nst_stack_next_deadline(lab.stack) - lab.now;
        assert_true(due > 0 && due <= 10 * NST_SEC);
        differ |= first != 0 && due != first;
        first = due;
        query(3, NULL, 10000); /* asked again: still one answer */
        lab_advance(&lab, 10 * NST_SEC);
        expect_record(GROUP_IS_EXCLUDE, "239.1.1.1");
        expect_nothing(30 * NST_SEC);
        lab_fini(&lab);
    }
    assert_true(differ);
}

static void a_query_for_a_group_is_answered_by_its_members_alone(void **state)
{
    begin();
    join("239.1.1.1");
    join("239.1.1.2");
    lab_advance(&lab, 2 * NST_SEC);
    lab_discard(&lab, 1);
    query(3, "239.1.1.2", 1000);
    lab_advance(&lab, NST_SEC);
    expect_record(GROUP_IS_EXCLUDE, "239.1.1.2");
    query(3, "239.1.1.3", 1000);
    expect_nothing(30 * NST_SEC);
    /* About sources: everything is wanted. */
    uint8_t message[IGMP_QUERY3_LEN + 4] = {0};
    const struct nst_addr a = lab_addr("239.1.1.1");
    const struct igmp_query q = {.version = 3, .group4 = addr_to_raw4(&a), .max_resp_ms = 500};
    igmp_query_build(message, &q);
    be16_put(message + 10, 1);
    feed(message, sizeof(message), "239.1.1.1", NULL);
    lab_advance(&lab, NST_SEC);
    expect_record(GROUP_IS_EXCLUDE, "239.1.1.1");
    lab_fini(&lab);
}

static void the_querier_sets_the_robustness(void **state)
{
    uint8_t message[IGMP_QUERY3_LEN];
    begin();
    const struct igmp_query q = {.version = 3, .max_resp_ms = 100, .robustness = 5};
    feed(message, igmp_query_build(message, &q), "224.0.0.1", NULL);
    lab_advance(&lab, NST_SEC);
    lab_discard(&lab, 1);
    join("239.1.1.1");
    lab_advance(&lab, 10 * NST_SEC);
    for (unsigned i = 0; i < 5; i++)
        expect_record(GROUP_TO_EXCLUDE, "239.1.1.1");
    expect_nothing(60 * NST_SEC);
    lab_fini(&lab);
}

/* ---- Old versions ---- */

static void a_version_2_querier_is_spoken_to_in_version_2(void **state)
{
    begin();
    join("239.1.1.1");
    lab_advance(&lab, 2 * NST_SEC);
    lab_discard(&lab, 1);
    query(2, NULL, 10000);
    lab_advance(&lab, 10 * NST_SEC);
    expect_message(IGMP_REPORT2, "239.1.1.1", "239.1.1.1");
    join("239.1.1.2");
    lab_run(&lab);
    expect_message(IGMP_REPORT2, "239.1.1.2", "239.1.1.2");
    lab_advance(&lab, LISTENER_UNSOLICITED_OLD);
    expect_message(IGMP_REPORT2, "239.1.1.2", "239.1.1.2");
    expect_nothing(30 * NST_SEC);
    query(2, "239.1.1.2", 1000);
    lab_advance(&lab, NST_SEC);
    expect_message(IGMP_REPORT2, "239.1.1.2", "239.1.1.2");
    leave("239.1.1.2");
    lab_run(&lab);
    expect_message(IGMP_LEAVE, "239.1.1.2", "224.0.0.2");
    expect_nothing(30 * NST_SEC);
    /* RFC 3376 8.12: 2 * 125 s + 10 s after the last query it is forgotten. */
    lab_advance(&lab, 260 * NST_SEC);
    join("239.1.1.3");
    lab_run(&lab);
    expect_record(GROUP_TO_EXCLUDE, "239.1.1.3");
    lab_fini(&lab);
}

static void another_hosts_report_takes_ours_away(void **state)
{
    uint8_t message[IGMP_LEN];
    begin();
    join("239.1.1.1");
    lab_advance(&lab, 2 * NST_SEC);
    lab_discard(&lab, 1);
    query(2, NULL, 10000);
    const struct nst_addr a = lab_addr("239.1.1.1");
    feed(message, igmp_group_build(message, IGMP_REPORT2, addr_to_raw4(&a)), "239.1.1.1", NULL);
    expect_nothing(30 * NST_SEC);
    leave("239.1.1.1"); /* we were not the last who reported it: no leave */
    expect_nothing(30 * NST_SEC);
    lab_fini(&lab);
}

static void a_report_is_no_news_to_version_3(void **state)
{
    uint8_t message[IGMP_LEN];
    begin();
    join("239.1.1.1");
    lab_advance(&lab, 2 * NST_SEC);
    lab_discard(&lab, 1);
    query(3, NULL, 1000);
    const struct nst_addr a = lab_addr("239.1.1.1");
    feed(message, igmp_group_build(message, IGMP_REPORT2, addr_to_raw4(&a)), "239.1.1.1", NULL);
    lab_advance(&lab, NST_SEC);
    expect_record(GROUP_IS_EXCLUDE, "239.1.1.1");
    lab_fini(&lab);
}

static void a_version_1_querier_hears_no_leave(void **state)
{
    const struct how no_alert = {.no_alert = true};
    begin();
    join("239.1.1.1");
    lab_advance(&lab, 2 * NST_SEC);
    lab_discard(&lab, 1);
    query_as(1, NULL, 0, &no_alert); /* version 1 had none */
    lab_advance(&lab, 10 * NST_SEC);
    expect_message(IGMP_REPORT1, "239.1.1.1", "239.1.1.1");
    query(2, NULL, 1000); /* the oldest counts */
    lab_advance(&lab, 10 * NST_SEC);
    expect_message(IGMP_REPORT1, "239.1.1.1", "239.1.1.1");
    leave("239.1.1.1");
    expect_nothing(30 * NST_SEC);
    lab_fini(&lab);
}

static void a_sooner_query_moves_the_report_forward(void **state)
{
    begin();
    join("239.1.1.1");
    lab_advance(&lab, 2 * NST_SEC);
    lab_discard(&lab, 1);
    query(2, NULL, 25000);
    query(2, "239.1.1.1", 100);
    lab_advance(&lab, NST_SEC / 10);
    expect_message(IGMP_REPORT2, "239.1.1.1", "239.1.1.1");
    expect_nothing(30 * NST_SEC);
    lab_fini(&lab);
}

/* ---- What is not believed ---- */

static void messages_that_fail_a_check_are_counted_and_dropped(void **state)
{
    static const struct how ways[] = {{.ttl = 2},
                                      {.no_alert = true},
                                      {.bad_csum = true},
                                      {.to = "10.0.0.1"},
                                      {.to = "239.1.1.1"}};
    begin();
    join("239.1.1.1");
    lab_advance(&lab, 2 * NST_SEC);
    lab_discard(&lab, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
        query_as(3, NULL, 1000, &ways[i]);
        expect_nothing(10 * NST_SEC);
        assert_int_equal(lab.stack->counters.igmp_malformed, i + 1);
        assert_int_equal(lab_drops(&lab, DROP_GROUP_MALFORMED), i + 1);
    }
    query_as(3, "10.0.0.7", 1000, &(const struct how){.to = "10.0.0.1"}); /* no group */
    uint8_t message[20] = {IGMP_QUERY, 1};
    for (size_t len = 1; len < sizeof(message); len++)
        if (len != 8 && len < 12)
            feed(message, len, "224.0.0.1", NULL);
    expect_nothing(10 * NST_SEC);
    assert_int_equal(lab.stack->counters.igmp_malformed, 5 + 1 + 7 + 3);
    lab_fini(&lab);
}

/* ---- Up, down, and where nobody is told ---- */

static void a_disabled_nic_leaves_and_an_enabled_one_joins_again(void **state)
{
    const struct nst_addr all = lab_addr("224.0.0.1"), a = lab_addr("239.1.1.1");
    begin();
    join("239.1.1.1");
    lab_advance(&lab, 2 * NST_SEC);
    lab_discard(&lab, 1);
    assert_int_equal(nst_nic_group_has(lab.stack, 1, &all), 1);
    nst_nic_disable(lab.stack, 1);
    expect_record(GROUP_TO_INCLUDE, "239.1.1.1");
    assert_int_equal(nst_nic_group_has(lab.stack, 1, &a), 1);
    assert_int_equal(nst_nic_group_has(lab.stack, 1, &all), 0);
    assert_int_equal(join("239.1.1.2"), 0); /* remembered */
    expect_nothing(60 * NST_SEC);
    nst_nic_enable(lab.stack, 1);
    lab_run(&lab);
    assert_int_equal(nst_nic_group_has(lab.stack, 1, &all), 1);
    size_t len;
    const uint8_t *m = take("224.0.0.22", &len);
    assert_true(m != NULL && be16_get(m + 6) == 2);
    lab_advance(&lab, NST_SEC);
    lab_discard(&lab, 1);
    expect_nothing(60 * NST_SEC);
    lab_fini(&lab);
}

static void nobody_is_told_where_nobody_routes(void **state)
{
    static const uint32_t caps[] = {0, NST_LINK_LOOPBACK, NST_LINK_LOOPBACK | NST_LINK_RESOLVES};
    for (unsigned i = 0; i < ARRAY_SIZE(caps); i++) {
        lab_init(&lab);
        lab.group_reports = true;
        nic = lab_add_nic(&lab, 1, caps[i], 1500);
        lab_add_addr(&lab, 1, "10.0.0.1/24");
        assert_int_equal(join("239.1.1.1"), 0);
        expect_nothing(30 * NST_SEC);
        query(2, NULL, 1000);
        expect_nothing(30 * NST_SEC);
        assert_int_equal(leave("239.1.1.1"), 0);
        expect_nothing(30 * NST_SEC);
        assert_int_equal(nst_stack_next_deadline(lab.stack), NST_TIME_NEVER);
        lab_fini(&lab);
    }
}

static void without_an_address_reports_leave_from_nowhere(void **state)
{
    lab_init(&lab);
    lab.group_reports = true;
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    join("239.1.1.1");
    lab_run(&lab);
    const uint8_t *r = lab_take(&lab, 1, NULL, NULL, NULL);
    assert_non_null(r);
    assert_int_equal(be32_get(r + 12), 0);
    lab_fini(&lab);
}

TESTS({"RFC 3376 5.1: a join and a leave are told twice", a_join_and_a_leave_are_told_twice},
      {"RFC 3376 5.1: joining again while leaving is told", joining_again_while_leaving_is_told},
      {"changes of one turn share a report", changes_of_one_turn_share_a_report},
      {"RFC 3376 5.2: a general query is answered once, after a random time",
       a_general_query_is_answered_once_after_a_random_time},
      {"RFC 3376 5.2: a query for a group is answered by its members alone",
       a_query_for_a_group_is_answered_by_its_members_alone},
      {"RFC 3376 8.1: the querier sets the robustness", the_querier_sets_the_robustness},
      {"RFC 3376 7.2.1: a version 2 querier is spoken to in version 2, for a while",
       a_version_2_querier_is_spoken_to_in_version_2},
      {"RFC 2236 3: another host's report takes ours away", another_hosts_report_takes_ours_away},
      {"RFC 3376 5.2: a report is no news to version 3", a_report_is_no_news_to_version_3},
      {"RFC 2236 4: a version 1 querier hears no leave", a_version_1_querier_hears_no_leave},
      {"RFC 2236 3: a sooner query moves the report forward",
       a_sooner_query_moves_the_report_forward},
      {"messages that fail a check are counted and dropped",
       messages_that_fail_a_check_are_counted_and_dropped},
      {"nic/N7: a disabled NIC leaves its groups softly; nic/N6: an enabled one joins them again",
       a_disabled_nic_leaves_and_an_enabled_one_joins_again},
      {"nobody is told where nobody routes", nobody_is_told_where_nobody_routes},
      {"RFC 3376 4.2.13: without an address reports leave from nowhere",
       without_an_address_reports_leave_from_nowhere})
