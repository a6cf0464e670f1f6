/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/ndp.h"

static const struct nst_addr target = {{{0xfe, 0x80, [8] = 2, [15] = 9}}};
static const struct nst_mac mac = {{2, 0, 0, 0, 0, 7}};

static void a_solicitation_and_its_options_survive_a_round_trip(void **state)
{
    const struct ndp_neighbor in = {.target = target};
    const uint8_t nonce[NDP_NONCE] = {1, 2, 3, 4, 5, 6};
    struct ndp_neighbor out;
    struct nst_mac got;
    uint8_t bytes[40], got_nonce[NDP_NONCE];

    size_t len = ndp_neighbor_build(bytes, ICMP6_NEIGHBOR_SOLICITATION, &in);
    assert_int_equal(len, 24);
    len += ndp_opt_mac_build(bytes + len, NDP_OPT_SOURCE_MAC, &mac);
    len += ndp_opt_nonce_build(bytes + len, nonce);
    assert_int_equal(len, 40);
    assert_true(ndp_neighbor_parse(bytes, len, &out));
    assert_true(nst_addr_equal(&out.target, &target));
    struct ndp_opt_iter iter = ndp_opt_begin(bytes, len, NDP_NEIGHBOR_LEN);
    struct ndp_opt opt;
    assert_true(ndp_opt_next(&iter, &opt));
    assert_false(ndp_opt_mac(&opt, NDP_OPT_TARGET_MAC, &got));
    assert_true(ndp_opt_mac(&opt, NDP_OPT_SOURCE_MAC, &got) && mac_equal(&got, &mac));
    assert_true(ndp_opt_next(&iter, &opt));
    assert_true(ndp_opt_nonce(&opt, got_nonce));
    assert_memory_equal(nonce, got_nonce, NDP_NONCE);
    assert_false(ndp_opt_next(&iter, &opt) || iter.malformed);
}

static void flags_are_of_advertisements_only(void **state)
{
    struct ndp_neighbor out;
    uint8_t bytes[24];

    for (unsigned flags = 0; flags < 8; flags++) {
        const struct ndp_neighbor in = {.target = target,
                                        .router = (flags & 1) != 0,
                                        .solicited = (flags & 2) != 0,
                                        .override = (flags & 4) != 0};
        ndp_neighbor_build(bytes, ICMP6_NEIGHBOR_ADVERTISEMENT, &in);
        assert_true(ndp_neighbor_parse(bytes, 24, &out));
        assert_true(out.router == in.router && out.solicited == in.solicited &&
                    out.override == in.override);
        bytes[0] = ICMP6_NEIGHBOR_SOLICITATION;
        assert_true(ndp_neighbor_parse(bytes, 24, &out));
        assert_false(out.router || out.solicited || out.override);
    }
}

static void a_router_advertisement_survives_a_round_trip(void **state)
{
    const struct ndp_prefix prefix = {.prefix = {{{0xfd, [15] = 0}}},
                                      .valid_s = 86400,
                                      .preferred_s = 14400,
                                      .len = 64,
                                      .on_link = true,
                                      .autoconf = true};
    struct ndp_prefix got_prefix;
    struct ndp_router out;
    uint32_t mtu = 0;
    uint8_t bytes[56];

    for (int8_t preference = -1; preference <= 1; preference++) {
        const struct ndp_router in = {.reachable_ms = 30000,
                                      .retransmit_ms = 1000,
                                      .lifetime_s = 1800,
                                      .hop_limit = 64,
                                      .preference = preference,
                                      .other = true};
        size_t len = ndp_router_build(bytes, &in);
        len += ndp_opt_prefix_build(bytes + len, &prefix);
        len += ndp_opt_mtu_build(bytes + len, 1400);
        assert_int_equal(len, sizeof(bytes));
        assert_true(ndp_router_parse(bytes, len, &out));
        assert_true(out.reachable_ms == 30000 && out.retransmit_ms == 1000 &&
                    out.lifetime_s == 1800 && out.hop_limit == 64 && out.preference == preference &&
                    out.other && !out.managed);
    }
    struct ndp_opt_iter iter = ndp_opt_begin(bytes, sizeof(bytes), NDP_ROUTER_ADVERTISEMENT_LEN);
    struct ndp_opt opt;
    assert_true(ndp_opt_next(&iter, &opt) && ndp_opt_prefix(&opt, &got_prefix));
    assert_true(nst_addr_equal(&got_prefix.prefix, &prefix.prefix) && got_prefix.len == 64 &&
                got_prefix.valid_s == 86400 && got_prefix.preferred_s == 14400 &&
                got_prefix.on_link && got_prefix.autoconf);
    assert_true(ndp_opt_next(&iter, &opt) && ndp_opt_mtu(&opt, &mtu));
    assert_int_equal(mtu, 1400);
}

static void a_redirect_survives_a_round_trip(void **state)
{
    const struct ndp_redirect in = {.target = target, .destination = {{{0x20, 1, [15] = 1}}}};
    struct ndp_redirect out;
    uint8_t bytes[40];

    assert_int_equal(ndp_redirect_build(bytes, &in), 40);
    assert_true(ndp_redirect_parse(bytes, 40, &out));
    assert_true(nst_addr_equal(&out.target, &in.target) &&
                nst_addr_equal(&out.destination, &in.destination));
}

static void dns_servers_are_counted(void **state)
{
    uint8_t bytes[8 + 40] = {ICMP6_ROUTER_SOLICITATION, [8] = NDP_OPT_RDNSS, 5, 0, 0, 0, 0, 2, 1};
    struct ndp_rdnss rdnss;
    struct ndp_opt opt;

    bytes[16] = 0xfd;
    bytes[32] = 0xfe;
    struct ndp_opt_iter iter = ndp_opt_begin(bytes, sizeof(bytes), 8);
    assert_true(ndp_opt_next(&iter, &opt) && ndp_opt_rdnss(&opt, &rdnss));
    assert_int_equal(rdnss.count, 2);
    assert_int_equal(rdnss.lifetime_s, 513);
    assert_int_equal(ndp_opt_rdnss_at(&opt, 0).b[0], 0xfd);
    assert_int_equal(ndp_opt_rdnss_at(&opt, 1).b[0], 0xfe);
    bytes[9] = 2; /* no whole address */
    iter = ndp_opt_begin(bytes, 24, 8);
    assert_true(ndp_opt_next(&iter, &opt));
    assert_false(ndp_opt_rdnss(&opt, &rdnss));
}

static void options_of_length_zero_and_past_the_end_spoil_the_message(void **state)
{
    uint8_t bytes[48] = {0};
    struct ndp_neighbor neighbor;
    struct ndp_router router;
    struct ndp_redirect redirect;

    bytes[0] = ICMP6_NEIGHBOR_SOLICITATION;
    bytes[24] = 200; /* unknown: skipped */
    bytes[25] = 1;
    assert_true(ndp_neighbor_parse(bytes, 32, &neighbor));
    bytes[25] = 0;
    assert_false(ndp_neighbor_parse(bytes, 32, &neighbor));
    bytes[25] = 2;
    assert_false(ndp_neighbor_parse(bytes, 32, &neighbor));
    bytes[25] = 1;
    assert_false(ndp_neighbor_parse(bytes, 33, &neighbor)); /* a type without a length */
    assert_false(ndp_router_parse(bytes, 48, &router));     /* zeros at 16 */
    assert_true(ndp_redirect_parse(bytes, 40, &redirect));
    assert_false(ndp_redirect_parse(bytes, 48, &redirect));
    assert_true(ndp_solicitation_is_whole(bytes, 8));
    assert_false(ndp_solicitation_is_whole(bytes, 16));
}

static void prefixes_longer_than_an_address_are_refused(void **state)
{
    struct ndp_prefix prefix = {.len = 129}, out;
    uint8_t bytes[32];

    ndp_opt_prefix_build(bytes, &prefix);
    struct ndp_opt_iter iter = ndp_opt_begin(bytes, sizeof(bytes), 0);
    struct ndp_opt opt;
    assert_true(ndp_opt_next(&iter, &opt));
    assert_false(ndp_opt_prefix(&opt, &out));
    bytes[2] = 128;
    assert_true(ndp_opt_prefix(&opt, &out));
}

/* What a reader does with any bytes. */
static void read_all(const uint8_t *p, size_t n)
{
    struct ndp_neighbor neighbor;
    struct ndp_router router;
    struct ndp_redirect redirect;
    struct ndp_opt_iter iter = ndp_opt_begin(p, n, 0);
    struct ndp_opt opt;

    ndp_neighbor_parse(p, n, &neighbor);
    ndp_router_parse(p, n, &router);
    ndp_redirect_parse(p, n, &redirect);
    ndp_solicitation_is_whole(p, n);
    while (ndp_opt_next(&iter, &opt)) {
        struct ndp_prefix prefix;
        struct ndp_rdnss rdnss;
        struct nst_mac m;
        uint32_t mtu;
        uint8_t nonce[NDP_NONCE];
        ndp_opt_mac(&opt, NDP_OPT_SOURCE_MAC, &m);
        ndp_opt_mtu(&opt, &mtu);
        ndp_opt_prefix(&opt, &prefix);
        ndp_opt_nonce(&opt, nonce);
        for (unsigned i = 0; ndp_opt_rdnss(&opt, &rdnss) && i < rdnss.count; i++)
            (void)ndp_opt_rdnss_at(&opt, i);
    }
}

static void truncations_are_refused(void **state)
{
    uint8_t bytes[56];
    const struct ndp_neighbor in = {.target = target};
    struct ndp_neighbor neighbor;

    size_t len = ndp_neighbor_build(bytes, ICMP6_NEIGHBOR_SOLICITATION, &in);
    len += ndp_opt_mac_build(bytes + len, NDP_OPT_SOURCE_MAC, &mac);
    FOR_EACH_TRUNCATION(bytes, len, p, n, {
        assert_int_equal(ndp_neighbor_parse(p, n, &neighbor), n == 24 || n == 32);
        read_all(p, n);
    })
    const struct ndp_prefix prefix = {.len = 64};
    len = ndp_router_build(bytes, &(struct ndp_router){.hop_limit = 1});
    len += ndp_opt_prefix_build(bytes + len, &prefix);
    FOR_EACH_TRUNCATION(bytes, len, p, n, { read_all(p, n); })
}

static void every_string_over_few_values_is_survived(void **state)
{
    static const uint8_t values[] = {0, 1, 2, 3, 4, 5, 8, 255};
    uint8_t bytes[8];

    for (uint32_t i = 0; i < 1u << 24; i += 7) {
        for (unsigned k = 0; k < 8; k++)
            bytes[k] = values[i >> (3 * k) & 7];
        read_all(bytes, sizeof(bytes));
    }
}

TESTS({"a solicitation and its options survive a round trip",
       a_solicitation_and_its_options_survive_a_round_trip},
      {"flags are of advertisements only", flags_are_of_advertisements_only},
      {"a router advertisement survives a round trip",
       a_router_advertisement_survives_a_round_trip},
      {"a redirect survives a round trip", a_redirect_survives_a_round_trip},
      {"RFC 8106: DNS servers are counted", dns_servers_are_counted},
      {"RFC 4861 7.1: options of length zero and past the end spoil the message",
       options_of_length_zero_and_past_the_end_spoil_the_message},
      {"prefixes longer than an address are refused", prefixes_longer_than_an_address_are_refused},
      {"truncations are refused", truncations_are_refused},
      {"every string over few values is survived", every_string_over_few_values_is_survived})
