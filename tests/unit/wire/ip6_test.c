/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/ip6.h"

static void a_header_survives_a_round_trip(void **state)
{
    const struct ip6_hdr in = {.src = {{{0x20, 1, [15] = 1}}},
                               .dst = {{{0xff, 2, [15] = 2}}},
                               .flow = 0xfedcb,
                               .payload_len = 1234,
                               .tclass = 0xa5,
                               .next = IP_PROTO_TCP,
                               .hop_limit = 7};
    struct ip6_hdr out;
    uint8_t bytes[IP6_HDR_LEN], again[IP6_HDR_LEN];

    assert_int_equal(ip6_build(bytes, &in), IP6_HDR_LEN);
    assert_memory_equal(bytes, "\x6a\x5f\xed\xcb\x04\xd2\x06\x07", 8);
    assert_int_equal(ip6_parse(bytes, sizeof(bytes), &out), IP6_HDR_LEN);
    assert_true(nst_addr_equal(&out.src, &in.src) && nst_addr_equal(&out.dst, &in.dst));
    assert_int_equal(out.flow, in.flow);
    assert_int_equal(out.tclass, in.tclass);
    ip6_build(again, &out);
    assert_memory_equal(again, bytes, sizeof(bytes));
}

static void short_ones_and_other_versions_are_refused(void **state)
{
    uint8_t bytes[41] = {0x60};
    struct ip6_hdr hdr;

    FOR_EACH_TRUNCATION(bytes, sizeof(bytes), p, n,
                        { assert_int_equal(ip6_parse(p, n, &hdr), n < 40 ? 0 : 40); })
    for (unsigned first = 0; first < 256; first++) {
        bytes[0] = (uint8_t)first;
        assert_int_equal(ip6_parse(bytes, 40, &hdr), first >> 4 == 6 ? 40 : 0);
    }
}

static void a_fragment_header_survives_a_round_trip(void **state)
{
    const struct ip6_fragment in = {.id = 0x01020304, .off = 1448, .mf = true, .next = 17};
    struct ip6_fragment out;
    uint8_t bytes[8];

    assert_int_equal(ip6_fragment_build(bytes, &in), 8);
    FOR_EACH_TRUNCATION(bytes, sizeof(bytes), p, n,
                        { assert_int_equal(ip6_fragment_parse(p, n, &out), n < 8 ? 0 : 8); })
    assert_int_equal(out.id, in.id);
    assert_int_equal(out.off, in.off);
    assert_true(out.mf);
    assert_int_equal(out.next, 17);
}

/* Hop-by-hop, routing of 24 bytes, first fragment, AH of 24 bytes, then TCP. */
static const uint8_t chain[8 + 24 + 8 + 24 + 4] = {
    IP_PROTO_ROUTING,    0, [8] = IP_PROTO_FRAGMENT, 2, [32] = IP_PROTO_AH, 0, 0, 1,
    [40] = IP_PROTO_TCP, 4};

static void a_chain_is_walked_to_its_upper_protocol(void **state)
{
    const size_t lens[] = {8, 24, 8, 24};
    const uint8_t types[] = {IP_PROTO_HOP_BY_HOP, IP_PROTO_ROUTING, IP_PROTO_FRAGMENT, IP_PROTO_AH};
    struct ip6_ext_iter iter = ip6_ext_begin(chain, sizeof(chain), IP_PROTO_HOP_BY_HOP);
    struct ip6_ext ext;
    size_t off = 0;

    for (size_t i = 0; i < 4; i++) {
        assert_true(ip6_ext_next(&iter, &ext));
        assert_int_equal(ext.type, types[i]);
        assert_int_equal(ext.off, off);
        assert_int_equal(ext.len, lens[i]);
        off += lens[i];
    }
    assert_false(ip6_ext_next(&iter, &ext));
    assert_false(iter.malformed || iter.fragment);
    assert_int_equal(iter.next, IP_PROTO_TCP);
    assert_int_equal(iter.off, 64);
    assert_int_equal(iter.next_off, 40);
}

static void a_chain_cut_anywhere_is_malformed(void **state)
{
    FOR_EACH_TRUNCATION(chain, 64, p, n, {
        struct ip6_ext_iter iter = ip6_ext_begin(p, n, IP_PROTO_HOP_BY_HOP);
        struct ip6_ext ext;
        while (ip6_ext_next(&iter, &ext))
            assert_true(ext.off + ext.len <= n);
        assert_int_equal(iter.malformed, n < 64);
        assert_true(iter.off <= n);
    })
}

static void a_later_fragment_ends_the_walk(void **state)
{
    const uint8_t bytes[16] = {IP_PROTO_DESTINATION, 0, 0, 8};
    struct ip6_ext_iter iter = ip6_ext_begin(bytes, sizeof(bytes), IP_PROTO_FRAGMENT);
    struct ip6_ext ext;

    assert_true(ip6_ext_next(&iter, &ext));
    assert_false(ip6_ext_next(&iter, &ext));
    assert_true(iter.fragment);
    assert_false(iter.malformed);
    assert_int_equal(iter.off, 8);
}

static void an_endless_chain_ends(void **state)
{
    uint8_t bytes[8 * (IP6_EXT_MAX + 10)];
    struct ip6_ext ext;
    unsigned count = 0;

    memset(bytes, 0, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i += 8)
        bytes[i] = IP_PROTO_DESTINATION;
    struct ip6_ext_iter iter = ip6_ext_begin(bytes, sizeof(bytes), IP_PROTO_DESTINATION);
    while (ip6_ext_next(&iter, &ext))
        count++;
    assert_int_equal(count, IP6_EXT_MAX);
    assert_true(iter.malformed);
}

static void every_length_of_an_extension_is_judged(void **state)
{
    for (unsigned code = 0; code < 256; code++) {
        for (size_t len = 0; len <= 72; len += 4) {
            const uint8_t head[72] = {IP_PROTO_TCP, (uint8_t)code};
            uint8_t *copy = exact_copy(head, len);
            struct ip6_ext_iter iter =
                ip6_ext_begin(exact_begin(copy, len), len, IP_PROTO_DESTINATION);
            struct ip6_ext ext;
            const bool fits = len >= 8 && (code + 1) * 8 <= len;
            assert_int_equal(ip6_ext_next(&iter, &ext), fits);
            assert_int_equal(iter.malformed, !fits);
            free(copy);
        }
    }
}

static void options_are_walked_past_their_padding(void **state)
{
    const uint8_t header[16] = {6, 1, 0, 1, 2, 0, 0, 5, 2, 0, 0, 0xc2, 3, 1, 2, 3};
    struct ip6_opt_iter iter = ip6_opt_begin(header, sizeof(header));
    struct ip6_opt opt;

    assert_true(ip6_opt_next(&iter, &opt));
    assert_int_equal(opt.type, IP6_OPT_ROUTER_ALERT);
    assert_int_equal(opt.off, 5);
    assert_true(ip6_opt_next(&iter, &opt));
    assert_int_equal(opt.type & IP6_OPT_ACTION_MASK, IP6_OPT_ACTION_SEND_UNICAST);
    assert_memory_equal(opt.data, "\1\2\3", 3);
    assert_false(ip6_opt_next(&iter, &opt));
    assert_false(iter.malformed);
}

static void every_string_of_six_option_bytes_ends(void **state)
{
    static const uint8_t letters[] = {0, 1, 2, 3, 4, 5, 8, 255};

    for (uint32_t value = 0; value < 1 << 18; value++) {
        uint8_t header[8] = {0};
        for (unsigned i = 0; i < 6; i++)
            header[2 + i] = letters[value >> 3 * i & 7];
        uint8_t *copy = exact_copy(header, 8);
        struct ip6_opt_iter iter = ip6_opt_begin(copy, 8);
        struct ip6_opt opt;
        size_t end = 0;
        while (ip6_opt_next(&iter, &opt)) {
            assert_true(opt.off >= end && opt.type > 1);
            end = opt.off + 2 + opt.len;
            assert_true(end <= 6);
        }
        free(copy);
    }
}

TESTS({"a header survives a round trip", a_header_survives_a_round_trip},
      {"short ones and other versions are refused", short_ones_and_other_versions_are_refused},
      {"a fragment header survives a round trip", a_fragment_header_survives_a_round_trip},
      {"a chain is walked to its upper protocol", a_chain_is_walked_to_its_upper_protocol},
      {"a chain cut anywhere is malformed", a_chain_cut_anywhere_is_malformed},
      {"a later fragment ends the walk", a_later_fragment_ends_the_walk},
      {"an endless chain ends", an_endless_chain_ends},
      {"every length of an extension is judged", every_length_of_an_extension_is_judged},
      {"options are walked past their padding", options_are_walked_past_their_padding},
      {"every string of six option bytes ends", every_string_of_six_option_bytes_ends})
