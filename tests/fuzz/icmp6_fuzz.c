/* SPDX-License-Identifier: Apache-2.0 */
/* ICMPv6 headers and neighbour discovery: parsing what was built gives the same values. */
#include <string.h>

#include "base/check.h"
#include "wire/ndp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const uint8_t *data, size_t size, size_t fixed)
{
    struct ndp_opt_iter iter = ndp_opt_begin(data, size, fixed);
    struct ndp_opt opt;
    size_t sum = fixed;

    while (ndp_opt_next(&iter, &opt)) {
        struct ndp_prefix prefix, again;
        struct ndp_rdnss rdnss;
        struct nst_mac mac;
        uint8_t out[32], nonce[NDP_NONCE];
        uint32_t mtu;
        sum += opt.len;
        if (ndp_opt_mac(&opt, opt.type, &mac)) {
            ndp_opt_mac_build(out, opt.type, &mac);
            CHECK(memcmp(out, opt.data, NDP_OPT_MAC_LEN) == 0);
        }
        if (ndp_opt_nonce(&opt, nonce)) {
            ndp_opt_nonce_build(out, nonce);
            CHECK(memcmp(out, opt.data, NDP_OPT_NONCE_LEN) == 0);
        }
        if (ndp_opt_mtu(&opt, &mtu)) {
            ndp_opt_mtu_build(out, mtu);
            CHECK(memcmp(out + 4, opt.data + 4, 4) == 0);
        }
        if (ndp_opt_prefix(&opt, &prefix)) {
            ndp_opt_prefix_build(out, &prefix);
            const struct ndp_opt built = {NDP_OPT_PREFIX, 32, out};
            CHECK(ndp_opt_prefix(&built, &again) && again.len == prefix.len &&
                  again.valid_s == prefix.valid_s && again.on_link == prefix.on_link);
        }
        for (unsigned i = 0; ndp_opt_rdnss(&opt, &rdnss) && i < rdnss.count; i++)
            (void)ndp_opt_rdnss_at(&opt, i);
    }
    CHECK(sum <= size && (iter.malformed || sum == size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct icmp6_hdr hdr, again;
    struct ndp_neighbor neighbor;
    struct ndp_router router;
    struct ndp_redirect redirect;
    uint8_t out[NDP_REDIRECT_LEN];

    if (icmp6_parse(data, size, &hdr) == 0)
        return 0;
    icmp6_build(out, &hdr);
    CHECK(icmp6_parse(out, ICMP6_HDR_LEN, &again) == ICMP6_HDR_LEN);
    CHECK(again.type == hdr.type && again.code == hdr.code && again.id == hdr.id &&
          again.seq == hdr.seq && again.mtu == hdr.mtu && again.pointer == hdr.pointer);
    if (ndp_neighbor_parse(data, size, &neighbor)) {
        ndp_neighbor_build(out, data[0], &neighbor);
        CHECK(memcmp(out + 8, data + 8, 16) == 0);
        walk(data, size, NDP_NEIGHBOR_LEN);
    }
    if (ndp_router_parse(data, size, &router)) {
        ndp_router_build(out, &router);
        CHECK(memcmp(out + 6, data + 6, 10) == 0 && out[4] == data[4]);
        walk(data, size, NDP_ROUTER_ADVERTISEMENT_LEN);
    }
    if (ndp_redirect_parse(data, size, &redirect)) {
        ndp_redirect_build(out, &redirect);
        CHECK(memcmp(out + 8, data + 8, 32) == 0);
    }
    if (ndp_solicitation_is_whole(data, size))
        walk(data, size, NDP_ROUTER_SOLICITATION_LEN);
    return 0;
}
