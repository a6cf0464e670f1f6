/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/csum.h"
#include "wire/udp.h"

static void a_header_survives_a_round_trip(void **state)
{
    const struct udp_hdr in = {.src_port = 0x1234, .dst_port = 53, .len = 0x0708, .csum = 0xbeef};
    uint8_t bytes[8];
    struct udp_hdr out;

    assert_int_equal(udp_build(bytes, &in), 8);
    assert_memory_equal(bytes, "\x12\x34\x00\x35\x07\x08\xbe\xef", 8);
    FOR_EACH_TRUNCATION(bytes, sizeof(bytes), p, n,
                        { assert_int_equal(udp_parse(p, n, &out), n < 8 ? 0 : 8); })
    assert_memory_equal(&out, &in, sizeof(in));
}

static void a_length_under_the_header_is_refused(void **state)
{
    for (unsigned len = 0; len < 65536; len++) {
        struct udp_hdr hdr = {.len = (uint16_t)len};
        uint8_t bytes[8];
        udp_build(bytes, &hdr);
        assert_int_equal(udp_parse(bytes, 8, &hdr), len < 8 ? 0 : 8);
    }
}

static void a_checksum_of_zero_is_sent_as_ones(void **state)
{
    uint8_t bytes[8] = {0};

    udp_csum_put(bytes, 0xffff);
    assert_int_equal(be16_get(bytes + 6), 0xffff);
    udp_csum_put(bytes, csum_from16(0x1234));
    assert_int_equal(be16_get(bytes + 6), 0xedcb);
}

TESTS({"a header survives a round trip", a_header_survives_a_round_trip},
      {"a length under the header is refused", a_length_under_the_header_is_refused},
      {"a checksum of zero is sent as ones", a_checksum_of_zero_is_sent_as_ones})
