/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/mld.h"

static const struct nst_addr group = {{{0xff, 0x05, [14] = 0x77, [15] = 9}}};

static void queries_of_both_versions_survive_a_round_trip(void **state)
{
    uint8_t bytes[MLD_QUERY2_LEN];
    for (uint8_t version = 1; version <= 2; version++) {
        const struct mld_query in = {.version = version,
                                     .group = group,
                                     .max_resp_ms = 5000,
                                     .interval_s = version == 2 ? 30 : 0,
                                     .robustness = version == 2 ? 3 : 0};
        struct mld_query out;
        const size_t len = mld_query_build(bytes, &in);
        assert_int_equal(len, version == 2 ? 28 : 24);
        assert_true(mld_query_parse(bytes, len, &out));
        assert_int_equal(out.version, version);
        assert_true(nst_addr_equal(&out.group, &group));
        assert_int_equal(out.max_resp_ms, 5000);
        assert_int_equal(out.interval_s, in.interval_s);
        assert_int_equal(out.robustness, in.robustness);
    }
}

static void a_report_has_a_record_for_each_group(void **state)
{
    uint8_t bytes[MLD_REPORT2_LEN + 2 * MLD_RECORD_LEN];
    const struct group_record in[] = {{.group = group, .type = GROUP_TO_EXCLUDE},
                                      {.group = group, .type = GROUP_TO_INCLUDE}};
    struct group_record out;
    size_t len = mld_report2_build(bytes, 2);
    len += mld_record_build(bytes + len, &in[0]);
    len += mld_record_build(bytes + len, &in[1]);
    assert_int_equal(len, sizeof(bytes));
    struct group_record_iter it = mld_records_begin(bytes, len);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(mld_record_next(&it, &out));
        assert_true(nst_addr_equal(&out.group, &group));
        assert_int_equal(out.type, in[i].type);
    }
    assert_false(mld_record_next(&it, &out) || it.malformed);
}

static void a_group_message_survives_a_round_trip(void **state)
{
    uint8_t bytes[MLD_LEN];
    struct nst_addr out;
    assert_int_equal(mld_group_build(bytes, ICMP6_MLD_DONE, &group), 24);
    assert_int_equal(bytes[0], 132);
    assert_true(mld_group_parse(bytes, 24, &out) && nst_addr_equal(&out, &group));
    assert_false(mld_group_parse(bytes, 23, &out));
}

static void the_router_alert_is_found_among_other_options(void **state)
{
    uint8_t header[16] = {0};
    assert_int_equal(mld_alert_build(header), 8);
    assert_true(mld_has_alert(header, 8));
    header[5] = 1; /* for RSVP */
    assert_false(mld_has_alert(header, 8));
    const uint8_t other[16] = {58, 1, 0x1e, 3, 1, 2, 3, 5, 2, 0, 0, 1, 3};
    assert_true(mld_has_alert(other, 16));
    const uint8_t none[8] = {58, 0, 1, 4};
    assert_false(mld_has_alert(none, 8));
    const uint8_t broken[8] = {58, 0, 5, 9};
    assert_false(mld_has_alert(broken, 8));
}

static void versions_are_told_apart_by_length(void **state)
{
    struct mld_query q;
    uint8_t bytes[60] = {ICMP6_MLD_QUERY};
    for (size_t len = 0; len <= 40; len++)
        assert_int_equal(mld_query_parse(bytes, len, &q), len == 24 || len >= 28);
    be16_put(bytes + 26, 2); /* two sources need 32 bytes more */
    assert_false(mld_query_parse(bytes, 59, &q));
    assert_true(mld_query_parse(bytes, 60, &q) && q.sources == 2);
}

static void nothing_is_read_behind_a_truncated_message(void **state)
{
    uint8_t bytes[MLD_REPORT2_LEN + 60] = {ICMP6_MLD2_REPORT, [7] = 2, [8] = 4, [11] = 2};
    FOR_EACH_TRUNCATION(bytes, sizeof(bytes), p, n, {
        struct mld_query q;
        struct nst_addr addr;
        struct group_record r;
        mld_query_parse(p, n, &q);
        assert_int_equal(mld_group_parse(p, n, &addr), n >= MLD_LEN);
        if (n >= MLD_REPORT2_LEN) {
            struct group_record_iter it = mld_records_begin(p, n);
            while (mld_record_next(&it, &r))
                continue;
            assert_true(it.malformed);
        }
        if (n >= 2)
            mld_has_alert(p, n);
    });
}

TESTS({"RFC 3810 8.1: queries of both versions survive a round trip",
       queries_of_both_versions_survive_a_round_trip},
      {"a report has a record for each group", a_report_has_a_record_for_each_group},
      {"a version 1 report and done survive a round trip", a_group_message_survives_a_round_trip},
      {"RFC 2711: the router alert is found among other options",
       the_router_alert_is_found_among_other_options},
      {"versions are told apart by length", versions_are_told_apart_by_length},
      {"nothing is read behind a truncated message", nothing_is_read_behind_a_truncated_message})
