/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/csum.h"
#include "wire/icmp4.h"

static void each_type_survives_a_round_trip(void **state)
{
    const struct {
        struct icmp4_hdr hdr;
        uint8_t bytes[8];
    } rows[] = {
        {{.type = ICMP4_ECHO_REQUEST, .id = 0x0102, .seq = 0x0304}, {8, 0, 0, 0, 1, 2, 3, 4}},
        {{.type = ICMP4_ECHO_REPLY, .id = 0x0102, .seq = 0x0304}, {0, 0, 0, 0, 1, 2, 3, 4}},
        {{.type = ICMP4_UNREACHABLE, .code = 4, .mtu = 1400}, {3, 4, 0, 0, 0, 0, 5, 0x78}},
        {{.type = ICMP4_UNREACHABLE, .code = 3}, {3, 3}},
        {{.type = ICMP4_SOURCE_QUENCH}, {4}},
        {{.type = ICMP4_REDIRECT, .code = 1, .gateway4 = addr_raw4(10, 0, 0, 9)},
         {5, 1, 0, 0, 10, 0, 0, 9}},
        {{.type = ICMP4_TIME_EXCEEDED, .code = 1}, {11, 1}},
        {{.type = ICMP4_PARAMETER_PROBLEM, .pointer = 20}, {12, 0, 0, 0, 20}},
        {{.type = ICMP4_TIMESTAMP_REPLY, .id = 5, .seq = 6}, {14, 0, 0, 0, 0, 5, 0, 6}},
        {{.type = ICMP4_INFO_REQUEST, .id = 5, .seq = 6}, {15, 0, 0, 0, 0, 5, 0, 6}},
        {{.type = 99, .code = 7}, {99, 7}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct icmp4_hdr *in = &rows[i].hdr;
        struct icmp4_hdr out;
        uint8_t bytes[8];
        memset(bytes, 0x55, sizeof(bytes));
        assert_int_equal(icmp4_build(bytes, in), 8);
        assert_memory_equal(bytes, rows[i].bytes, 8);
        assert_int_equal(icmp4_parse(bytes, 8, &out), 8);
        assert_true(out.type == in->type && out.code == in->code && out.id == in->id &&
                    out.seq == in->seq && out.mtu == in->mtu && out.pointer == in->pointer &&
                    out.gateway4 == in->gateway4);
    }
}

static void truncations_are_refused(void **state)
{
    const uint8_t bytes[20] = {13, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5};
    struct icmp4_timestamp times;
    struct icmp4_hdr hdr;
    uint8_t again[20];

    FOR_EACH_TRUNCATION(bytes, sizeof(bytes), p, n, {
        assert_int_equal(icmp4_parse(p, n, &hdr), n < 8 ? 0 : 8);
        assert_int_equal(icmp4_timestamp_parse(p, n, &times), n < 20 ? 0 : 20);
    })
    assert_true(times.originate == 3 && times.receive == 4 && times.transmit == 5);
    icmp4_build(again, &hdr);
    assert_int_equal(icmp4_timestamp_build(again, &times), 20);
    assert_memory_equal(again, bytes, 20);
}

static void the_checksum_makes_the_message_intact(void **state)
{
    const struct icmp4_hdr hdr = {.type = ICMP4_ECHO_REQUEST, .id = 77, .seq = 1};
    uint8_t bytes[31];

    memset(bytes, 0xa7, sizeof(bytes));
    icmp4_build(bytes, &hdr);
    icmp4_csum_put(bytes, csum_short(bytes, sizeof(bytes), 0));
    assert_true(csum_ok(csum_short(bytes, sizeof(bytes), 0)));
}

static void types_are_classified(void **state)
{
    const uint8_t errors[] = {3, 4, 5, 11, 12}, queries[] = {8, 10, 13, 15, 17},
                  replies[] = {0, 9, 14, 16, 18};

    for (unsigned type = 0; type < 256; type++) {
        enum icmp4_class expected = ICMP4_CLASS_UNKNOWN;
        if (memchr(errors, (int)type, 5))
            expected = ICMP4_CLASS_ERROR;
        if (memchr(queries, (int)type, 5))
            expected = ICMP4_CLASS_QUERY;
        if (memchr(replies, (int)type, 5))
            expected = ICMP4_CLASS_REPLY;
        assert_int_equal(icmp4_classify((uint8_t)type), expected);
        assert_int_equal(icmp4_is_error((uint8_t)type), expected == ICMP4_CLASS_ERROR);
    }
    assert_true(icmp4_is_hard(3, 3) && icmp4_is_hard(3, 2));
    assert_false(icmp4_is_hard(3, 1) || icmp4_is_hard(3, 4) || icmp4_is_hard(11, 3));
}

TESTS({"each type survives a round trip", each_type_survives_a_round_trip},
      {"truncations are refused", truncations_are_refused},
      {"the checksum makes the message intact", the_checksum_makes_the_message_intact},
      {"types are classified", types_are_classified})
