/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/icmp6.h"

static void each_type_survives_a_round_trip(void **state)
{
    const struct {
        struct icmp6_hdr hdr;
        uint8_t bytes[8];
    } rows[] = {
        {{.type = ICMP6_ECHO_REQUEST, .id = 0x0102, .seq = 0x0304}, {128, 0, 0, 0, 1, 2, 3, 4}},
        {{.type = ICMP6_ECHO_REPLY, .id = 0x0102, .seq = 0x0304}, {129, 0, 0, 0, 1, 2, 3, 4}},
        {{.type = ICMP6_UNREACHABLE, .code = 4}, {1, 4}},
        {{.type = ICMP6_TOO_BIG, .mtu = 0x01020304}, {2, 0, 0, 0, 1, 2, 3, 4}},
        {{.type = ICMP6_TIME_EXCEEDED, .code = 1}, {3, 1}},
        {{.type = ICMP6_PARAMETER_PROBLEM, .code = 1, .pointer = 40}, {4, 1, 0, 0, 0, 0, 0, 40}},
        {{.type = 99, .code = 7}, {99, 7}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct icmp6_hdr *in = &rows[i].hdr;
        struct icmp6_hdr out;
        uint8_t bytes[8];
        memset(bytes, 0x55, sizeof(bytes));
        assert_int_equal(icmp6_build(bytes, in), 8);
        assert_memory_equal(bytes, rows[i].bytes, 8);
        assert_int_equal(icmp6_parse(bytes, 8, &out), 8);
        assert_true(out.type == in->type && out.code == in->code && out.id == in->id &&
                    out.seq == in->seq && out.mtu == in->mtu && out.pointer == in->pointer);
    }
}

static void truncations_are_refused(void **state)
{
    const uint8_t bytes[12] = {128, 0, 0, 0, 0, 1, 0, 2};
    struct icmp6_hdr hdr;

    FOR_EACH_TRUNCATION(bytes, sizeof(bytes), p, n,
                        { assert_int_equal(icmp6_parse(p, n, &hdr), n < 8 ? 0 : 8); })
}

static void the_checksum_covers_the_pseudo_header(void **state)
{
    const struct nst_addr src = {{{0xfe, 0x80, [15] = 1}}}, dst = {{{0xff, 2, [15] = 1}}};
    const struct icmp6_hdr hdr = {.type = ICMP6_ECHO_REQUEST, .id = 77, .seq = 1};
    uint8_t bytes[31];

    memset(bytes, 0xa7, sizeof(bytes));
    icmp6_build(bytes, &hdr);
    const uint32_t pseudo = csum_pseudo_v6(&src, &dst, IP_PROTO_ICMPV6, sizeof(bytes));
    icmp6_csum_put(bytes, csum_short(bytes, sizeof(bytes), pseudo));
    assert_true(csum_ok(csum_short(bytes, sizeof(bytes), pseudo)));
    assert_false(csum_ok(csum_short(bytes, sizeof(bytes), 0)));
}

static void errors_are_told_by_their_high_bit(void **state)
{
    for (unsigned type = 0; type < 256; type++)
        assert_int_equal(icmp6_is_error((uint8_t)type), type < 128);
}

TESTS({"each type survives a round trip", each_type_survives_a_round_trip},
      {"truncations are refused", truncations_are_refused},
      {"RFC 4443 2.3: the checksum covers the pseudo header",
       the_checksum_covers_the_pseudo_header},
      {"RFC 4443 2.1: errors are told by their high bit", errors_are_told_by_their_high_bit})
