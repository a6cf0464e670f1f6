/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/ip4.h"

static const struct ip4_hdr sample = {.src4 = 0x0100000a,
                                      .dst4 = 0x0200000a,
                                      .total_len = 1500,
                                      .id = 0x1234,
                                      .frag_off = 1480,
                                      .hdr_len = 20,
                                      .tos = 0xb9,
                                      .ttl = 64,
                                      .proto = IP_PROTO_UDP,
                                      .mf = true};

static void a_header_survives_a_round_trip(void **state)
{
    uint8_t bytes[60];
    struct ip4_hdr hdr;

    for (uint8_t flags = 0; flags < 8; flags++) {
        struct ip4_hdr in = sample;
        in.df = flags & 1;
        in.mf = flags & 2;
        in.evil = flags & 4;
        in.frag_off = (uint16_t)(flags * 9360);
        assert_int_equal(ip4_build(bytes, &in), 20);
        assert_true(ip4_csum_ok(bytes, 20));
        assert_int_equal(ip4_parse(bytes, 20, &hdr), 20);
        in.csum = be16_get(bytes + 10);
        assert_memory_equal(&hdr, &in, sizeof(hdr));
    }
    assert_true(ip4_is_fragment(&hdr));
}

static void options_are_part_of_the_checksum(void **state)
{
    uint8_t bytes[60];
    struct ip4_hdr hdr = sample;

    for (uint8_t len = 20; len <= 60; len += 4) {
        memset(bytes, 0x5a, sizeof(bytes));
        hdr.hdr_len = len;
        assert_int_equal(ip4_build(bytes, &hdr), len);
        assert_true(ip4_csum_ok(bytes, len));
        assert_int_equal(ip4_parse(bytes, len, &hdr), len);
        bytes[len - 1] ^= 1;
        assert_false(ip4_csum_ok(bytes, len));
    }
}

static void each_truncation_is_refused(void **state)
{
    uint8_t bytes[60] = {0};
    struct ip4_hdr hdr = sample, out;

    hdr.hdr_len = 60;
    ip4_build(bytes, &hdr);
    FOR_EACH_TRUNCATION(bytes, sizeof(bytes), p, n,
                        { assert_int_equal(ip4_parse(p, n, &out), n < 60 ? 0 : 60); })
}

static void each_first_byte_and_total_length_is_judged(void **state)
{
    uint8_t bytes[60];
    struct ip4_hdr hdr;

    memset(bytes, 0, sizeof(bytes));
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned total = 0; total <= 80; total++) {
            bytes[0] = (uint8_t)first;
            be16_put(bytes + 2, (uint16_t)total);
            const unsigned ihl = (first & 15) * 4;
            const bool good = first >> 4 == 4 && ihl >= 20 && ihl <= 40 && total >= ihl;
            uint8_t *copy = exact_copy(bytes, 40);
            assert_int_equal(ip4_parse(copy, 40, &hdr), good ? ihl : 0);
            free(copy);
        }
    }
}

static void a_hop_less_keeps_the_checksum_right(void **state)
{
    uint8_t bytes[20];
    uint32_t seed = 5;

    for (unsigned round = 0; round < 70000; round++) {
        struct ip4_hdr hdr = sample;
        hdr.id = (uint16_t)round;
        hdr.ttl = (uint8_t)(1 + exact_random(&seed) % 255);
        ip4_build(bytes, &hdr);
        ip4_decrement_ttl(bytes);
        assert_int_equal(bytes[8], hdr.ttl - 1);
        assert_true(ip4_csum_ok(bytes, 20));
    }
}

static void options_are_walked_in_order(void **state)
{
    const uint8_t options[] = {1, 148, 4, 0, 0, 1, 7, 7, 4, 10, 0, 0, 1, 0, 9, 9};
    struct ip4_opt_iter iter = ip4_opt_begin(options, sizeof(options));
    struct ip4_opt opt;

    assert_true(ip4_opt_next(&iter, &opt));
    assert_int_equal(opt.type, IP4_OPT_ALERT);
    assert_int_equal(opt.off, 1);
    assert_int_equal(opt.len, 4);
    assert_true(ip4_opt_next(&iter, &opt));
    assert_int_equal(opt.type, IP4_OPT_RR);
    assert_int_equal(opt.data[0], 4);
    assert_false(ip4_opt_next(&iter, &opt));
    assert_false(ip4_opt_next(&iter, &opt));
    assert_false(iter.malformed);
    assert_true(ip4_has_router_alert(options, sizeof(options)));
}

/* Walks `len` bytes that end with their allocation; false if it leaves them or does not move on. */
static bool walk_is_good(const uint8_t *options, size_t len)
{
    struct ip4_opt_iter iter = ip4_opt_begin(options, len);
    struct ip4_opt opt;
    size_t end = 0;

    while (ip4_opt_next(&iter, &opt)) {
        if (opt.off < end || opt.len < 2 || opt.off + opt.len > len ||
            opt.data != options + opt.off + 2)
            return false;
        end = (size_t)opt.off + opt.len;
    }
    return !iter.malformed || (iter.bad_off >= end && iter.bad_off < len);
}

static void every_string_of_up_to_three_bytes_is_walked(void **state)
{
    uint8_t *options = malloc(3);

    for (uint32_t value = 0; value < 1 << 24; value++) {
        options[0] = (uint8_t)(value >> 16);
        options[1] = (uint8_t)(value >> 8);
        options[2] = (uint8_t)value;
        if (!walk_is_good(options, 3) || (value < 1 << 16 && !walk_is_good(options + 1, 2)) ||
            (value < 1 << 8 && !walk_is_good(options + 2, 1)))
            fail_msg("string %06x", value);
    }
    free(options);
}

static void every_string_of_eight_awkward_bytes_is_walked(void **state)
{
    static const uint8_t letters[] = {0, 1, 2, 3, 4, 5, 8, 255};
    uint8_t *options = malloc(8);

    for (uint32_t value = 0; value < 1 << 24; value++) {
        for (unsigned i = 0; i < 8; i++)
            options[i] = letters[value >> 3 * i & 7];
        if (!walk_is_good(options, 8))
            fail_msg("string %08o", value);
    }
    free(options);
}

static void bad_lengths_stop_the_walk_where_they_are(void **state)
{
    const struct {
        uint8_t bytes[4];
        uint8_t off;
    } rows[] = {{{1, 1, 7, 0}, 2}, {{1, 7, 1, 0}, 1}, {{7, 5, 0, 0}, 0}, {{1, 1, 1, 7}, 3}};

    for (size_t i = 0; i < 4; i++) {
        struct ip4_opt_iter iter = ip4_opt_begin(rows[i].bytes, 4);
        struct ip4_opt opt;
        assert_false(ip4_opt_next(&iter, &opt));
        assert_true(iter.malformed);
        assert_int_equal(iter.bad_off, rows[i].off);
    }
}

static void later_fragments_carry_only_copied_options(void **state)
{
    const uint8_t options[] = {7, 3, 4, 148, 4, 0, 0, 131, 3, 4, 68, 4, 5, 0};
    const uint8_t expected[] = {148, 4, 0, 0, 131, 3, 4, 0};
    uint8_t out[40], all[40];

    assert_int_equal(ip4_options_for_fragments(options, sizeof(options), out), sizeof(expected));
    assert_memory_equal(out, expected, sizeof(expected));
    memset(all, 131, sizeof(all));
    all[1] = 39;
    assert_int_equal(ip4_options_for_fragments(all, 40, out), 40);
    assert_int_equal(ip4_options_for_fragments(all, 0, out), 0);
}

static void only_a_whole_router_alert_counts(void **state)
{
    uint8_t options[8] = {0};

    assert_int_equal(ip4_router_alert_build(options), 4);
    assert_true(ip4_has_router_alert(options, 4));
    assert_false(ip4_has_router_alert(options, 3));
    options[3] = 1;
    assert_false(ip4_has_router_alert(options, 4));
    assert_false(ip4_has_router_alert(options, 0));
}

TESTS({"a header survives a round trip", a_header_survives_a_round_trip},
      {"options are part of the checksum", options_are_part_of_the_checksum},
      {"each truncation is refused", each_truncation_is_refused},
      {"each first byte and total length is judged", each_first_byte_and_total_length_is_judged},
      {"a hop less keeps the checksum right", a_hop_less_keeps_the_checksum_right},
      {"options are walked in order", options_are_walked_in_order},
      {"every string of up to three bytes is walked", every_string_of_up_to_three_bytes_is_walked},
      {"every string of eight awkward bytes is walked",
       every_string_of_eight_awkward_bytes_is_walked},
      {"bad lengths stop the walk where they are", bad_lengths_stop_the_walk_where_they_are},
      {"later fragments carry only copied options", later_fragments_carry_only_copied_options},
      {"only a whole router alert counts", only_a_whole_router_alert_counts})
