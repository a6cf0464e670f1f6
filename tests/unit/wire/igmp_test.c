/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/igmp.h"

static const struct nst_addr group = {{{[10] = 0xff, [11] = 0xff, 239, 1, 2, 3}}};

static void queries_of_each_version_survive_a_round_trip(void **state)
{
    uint8_t bytes[IGMP_QUERY3_LEN];
    for (uint8_t version = 1; version <= 3; version++) {
        const struct igmp_query in = {.version = version,
                                      .group4 = addr_to_raw4(&group),
                                      .max_resp_ms = version == 1 ? 10000 : 2500,
                                      .interval_s = version == 3 ? 60 : 0,
                                      .robustness = version == 3 ? 5 : 0};
        struct igmp_query out;
        const size_t len = igmp_query_build(bytes, &in);
        assert_int_equal(len, version == 3 ? 12 : 8);
        igmp_csum_put(bytes, len);
        assert_true(csum_ok(csum_short(bytes, len, 0)));
        assert_true(igmp_query_parse(bytes, len, &out));
        assert_int_equal(out.version, version);
        assert_int_equal(out.group4, in.group4);
        assert_int_equal(out.max_resp_ms, in.max_resp_ms);
        assert_int_equal(out.interval_s, in.interval_s);
        assert_int_equal(out.robustness, in.robustness);
        assert_int_equal(out.sources, 0);
    }
}

/* RFC 3376 4.1.1: from 128 on mantissa and exponent; RFC 3810 5.1.3 the same with 16 bits. */
static void codes_of_times_are_floating_point(void **state)
{
    assert_int_equal(group_code8_get(127), 127);
    assert_int_equal(group_code8_get(0x80), 128);
    assert_int_equal(group_code8_get(0x8f), 31 << 3);
    assert_int_equal(group_code8_get(0xff), 31 << 10);
    assert_int_equal(group_code16_get(0x7fff), 32767);
    assert_int_equal(group_code16_get(0x8000), 32768);
    assert_int_equal(group_code16_get(0xffff), 0x1fff << 10);
    for (unsigned code = 0; code < 256; code++)
        assert_int_equal(group_code8_make(group_code8_get((uint8_t)code)), code);
    for (unsigned code = 0; code < 0x10000; code += 251)
        assert_int_equal(group_code16_make(group_code16_get((uint16_t)code)), code);
    assert_int_equal(group_code8_get(group_code8_make(1000)), 992); /* never more */
}

static void a_report_has_a_record_for_each_group(void **state)
{
    uint8_t bytes[IGMP_LEN + 2 * IGMP_RECORD_LEN];
    const struct group_record in[] = {{.group = group, .type = GROUP_TO_EXCLUDE},
                                      {.group = group, .type = GROUP_IS_EXCLUDE}};
    struct group_record out;
    size_t len = igmp_report3_build(bytes, 2);
    len += igmp_record_build(bytes + len, &in[0]);
    len += igmp_record_build(bytes + len, &in[1]);
    struct group_record_iter it = igmp_records_begin(bytes, len);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(igmp_record_next(&it, &out));
        assert_true(nst_addr_equal(&out.group, &group));
        assert_int_equal(out.type, in[i].type);
    }
    assert_false(igmp_record_next(&it, &out) || it.malformed);
}

static void sources_and_auxiliary_words_are_stepped_over(void **state)
{
    /* Two records: one with a source and two auxiliary words, one without. */
    const uint8_t bytes[] = {0x22, 0, 0, 0, 0, 0, 0, 2, 6, 2, 0, 1, 239, 1, 2,   3, 10, 0,
                             0,    1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 0, 0,   0, 239, 9, 9,  9};
    struct group_record r;
    struct group_record_iter it = igmp_records_begin(bytes, sizeof(bytes));
    assert_true(igmp_record_next(&it, &r) && r.type == GROUP_BLOCK && r.sources == 1);
    assert_true(igmp_record_next(&it, &r) && r.type == GROUP_TO_EXCLUDE && r.group.b[13] == 9);
    assert_false(igmp_record_next(&it, &r) || it.malformed);
}

static void versions_are_told_apart_by_length(void **state)
{
    struct igmp_query q;
    uint8_t bytes[20] = {IGMP_QUERY, 10};
    for (size_t len = 0; len <= 16; len++)
        assert_int_equal(igmp_query_parse(bytes, len, &q), len == 8 || len >= 12);
    be16_put(bytes + 10, 2); /* two sources need 8 bytes more */
    assert_false(igmp_query_parse(bytes, 19, &q));
    assert_true(igmp_query_parse(bytes, 20, &q) && q.sources == 2);
}

static void nothing_is_read_behind_a_truncated_message(void **state)
{
    uint8_t bytes[IGMP_LEN + 20] = {IGMP_REPORT3, [7] = 2, [8] = 4, [11] = 2, [12] = 239};
    FOR_EACH_TRUNCATION(bytes, sizeof(bytes), p, n, {
        struct igmp_query q;
        uint32_t group4;
        struct group_record r;
        igmp_query_parse(p, n, &q);
        assert_int_equal(igmp_group_parse(p, n, &group4), n >= IGMP_LEN);
        if (n >= IGMP_LEN) {
            struct group_record_iter it = igmp_records_begin(p, n);
            while (igmp_record_next(&it, &r))
                continue;
            assert_true(it.malformed); /* the second record is never there */
        }
    });
}

TESTS({"RFC 3376 7.1: queries of each version survive a round trip",
       queries_of_each_version_survive_a_round_trip},
      {"RFC 3376 4.1.1: codes of times are floating point", codes_of_times_are_floating_point},
      {"a report has a record for each group", a_report_has_a_record_for_each_group},
      {"sources and auxiliary words are stepped over",
       sources_and_auxiliary_words_are_stepped_over},
      {"versions are told apart by length", versions_are_told_apart_by_length},
      {"nothing is read behind a truncated message", nothing_is_read_behind_a_truncated_message})
