/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/csum.h"
#include "wire/tcp.h"

static const struct tcp_hdr sample = {.src_port = 0x1234,
                                      .dst_port = 80,
                                      .seq = 0xdeadbeef,
                                      .ack = 0x01020304,
                                      .flags = TCP_SYN | TCP_AE | TCP_CWR | TCP_ECE,
                                      .wnd = 0xfaf0,
                                      .csum = 0xbeef,
                                      .urg = 9,
                                      .hdr_len = 24};

static void a_header_survives_a_round_trip(void **state)
{
    uint8_t bytes[24] = {0};
    struct tcp_hdr out = {0};

    assert_int_equal(tcp_build(bytes, &sample), 24);
    assert_memory_equal(bytes,
                        "\x12\x34\0\x50\xde\xad\xbe\xef\1\2\3\4\x61\xc2\xfa\xf0\xbe\xef\0\x09", 20);
    FOR_EACH_TRUNCATION(bytes, sizeof(bytes), p, n,
                        { assert_int_equal(tcp_parse(p, n, &out), n < 24 ? 0 : 24); })
    assert_true(out.src_port == sample.src_port && out.dst_port == sample.dst_port &&
                out.seq == sample.seq && out.ack == sample.ack && out.flags == sample.flags &&
                out.wnd == sample.wnd && out.csum == sample.csum && out.urg == sample.urg);
}

static void each_data_offset_is_judged_and_reserved_bits_are_ignored(void **state)
{
    uint8_t bytes[64] = {0};
    struct tcp_hdr hdr;

    for (unsigned word = 0; word < 65536; word++) {
        const unsigned off = word >> 12 << 2;
        be16_put(bytes + 12, (uint16_t)word);
        assert_int_equal(tcp_parse(bytes, 40, &hdr), off >= 20 && off <= 40 ? off : 0);
        if (off >= 20 && off <= 40)
            assert_int_equal(hdr.flags, word & 0x1ff);
    }
}

static void a_quote_needs_eight_bytes(void **state)
{
    uint8_t bytes[24] = {0};
    struct tcp_quote quote;

    tcp_build(bytes, &sample);
    FOR_EACH_TRUNCATION(bytes, sizeof(bytes), p, n,
                        { assert_int_equal(tcp_quote_parse(p, n, &quote), n < 8 ? 0 : 8); })
    assert_true(quote.src_port == 0x1234 && quote.dst_port == 80 && quote.seq == 0xdeadbeef);
}

static void syn_and_fin_take_sequence_space(void **state)
{
    assert_int_equal(tcp_seg_len(TCP_ACK | TCP_PSH, 10), 10);
    assert_int_equal(tcp_seg_len(TCP_SYN, 0), 1);
    assert_int_equal(tcp_seg_len(TCP_FIN | TCP_ACK, 5), 6);
    assert_int_equal(tcp_seg_len(TCP_SYN | TCP_FIN, 0), 2);
}

static void the_checksum_makes_the_segment_intact(void **state)
{
    uint8_t bytes[31];
    struct tcp_hdr hdr = sample;
    const uint32_t pseudo = csum_pseudo_v4(1, 2, 6, sizeof(bytes));

    memset(bytes, 0x77, sizeof(bytes));
    hdr.csum = 0;
    tcp_build(bytes, &hdr);
    tcp_csum_put(bytes, csum_short(bytes, sizeof(bytes), pseudo));
    assert_true(csum_ok(csum_short(bytes, sizeof(bytes), pseudo)));
}

TESTS({"a header survives a round trip", a_header_survives_a_round_trip},
      {"each data offset is judged and reserved bits are ignored",
       each_data_offset_is_judged_and_reserved_bits_are_ignored},
      {"a quote needs eight bytes", a_quote_needs_eight_bytes},
      {"SYN and FIN take sequence space", syn_and_fin_take_sequence_space},
      {"the checksum makes the segment intact", the_checksum_makes_the_segment_intact})
