/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ndp.h"

enum {
    FLAG_ROUTER = 0x80,
    FLAG_SOLICITED = 0x40,
    FLAG_OVERRIDE = 0x20,
    FLAG_MANAGED = 0x80,
    FLAG_OTHER = 0x40,
    PREFERENCE_SHIFT = 3,
    FLAG_ON_LINK = 0x80,
    FLAG_AUTOCONF = 0x40,
    PREFIX_LEN = 32,
    RDNSS_MIN = 24,
};

/* ---- Options ---- */

bool ndp_opt_next(struct ndp_opt_iter *iter, struct ndp_opt *ret_opt)
{
    if (iter->malformed || iter->off >= iter->len)
        return false;
    const uint8_t *p = iter->data + iter->off;
    const size_t left = iter->len - iter->off;
    const size_t len = left < 2 ? 0 : (size_t)p[1] * 8;
    if (len == 0 || len > left) {
        iter->malformed = true;
        return false;
    }
    *ret_opt = (struct ndp_opt){.type = p[0], .len = (uint16_t)len, .data = p};
    iter->off += len;
    return true;
}

/* Is the message as long as its fixed part, with whole options behind it? */
static bool is_whole(const uint8_t *data, size_t len, size_t fixed)
{
    if (len < fixed)
        return false;
    struct ndp_opt_iter iter = ndp_opt_begin(data, len, fixed);
    struct ndp_opt opt;
    while (ndp_opt_next(&iter, &opt))
        continue;
    return !iter.malformed;
}

bool ndp_opt_mac(const struct ndp_opt *opt, uint8_t type, struct nst_mac *ret_mac)
{
    if (opt->type != type || opt->len != NDP_OPT_MAC_LEN)
        return false;
    *ret_mac = mac_get(opt->data + 2);
    return true;
}

bool ndp_opt_mtu(const struct ndp_opt *opt, uint32_t *ret_mtu)
{
    if (opt->type != NDP_OPT_MTU || opt->len != 8)
        return false;
    *ret_mtu = be32_get(opt->data + 4);
    return true;
}

bool ndp_opt_nonce(const struct ndp_opt *opt, uint8_t ret_nonce[NDP_NONCE])
{
    if (opt->type != NDP_OPT_NONCE || opt->len != NDP_OPT_NONCE_LEN)
        return false;
    memcpy(ret_nonce, opt->data + 2, NDP_NONCE);
    return true;
}

bool ndp_opt_prefix(const struct ndp_opt *opt, struct ndp_prefix *ret_prefix)
{
    if (opt->type != NDP_OPT_PREFIX || opt->len != PREFIX_LEN || opt->data[2] > 128)
        return false;
    *ret_prefix = (struct ndp_prefix){
        .prefix = addr_v6_get(opt->data + 16),
        .valid_s = be32_get(opt->data + 4),
        .preferred_s = be32_get(opt->data + 8),
        .len = opt->data[2],
        .on_link = (opt->data[3] & FLAG_ON_LINK) != 0,
        .autoconf = (opt->data[3] & FLAG_AUTOCONF) != 0,
    };
    return true;
}

bool ndp_opt_rdnss(const struct ndp_opt *opt, struct ndp_rdnss *ret_rdnss)
{
    if (opt->type != NDP_OPT_RDNSS || opt->len < RDNSS_MIN)
        return false;
    /* RFC 8106 5.1: lengths are odd; half an address at the end is none. */
    *ret_rdnss = (struct ndp_rdnss){.lifetime_s = be32_get(opt->data + 4),
                                    .count = (uint8_t)((opt->len - 8) / 16)};
    return true;
}

struct nst_addr ndp_opt_rdnss_at(const struct ndp_opt *opt, unsigned i)
{
    return addr_v6_get(opt->data + 8 + (size_t)i * 16);
}

size_t ndp_opt_mac_build(uint8_t *data, uint8_t type, const struct nst_mac *mac)
{
    data[0] = type;
    data[1] = NDP_OPT_MAC_LEN / 8;
    mac_put(data + 2, mac);
    return NDP_OPT_MAC_LEN;
}

size_t ndp_opt_nonce_build(uint8_t *data, const uint8_t nonce[NDP_NONCE])
{
    data[0] = NDP_OPT_NONCE;
    data[1] = NDP_OPT_NONCE_LEN / 8;
    memcpy(data + 2, nonce, NDP_NONCE);
    return NDP_OPT_NONCE_LEN;
}

size_t ndp_opt_mtu_build(uint8_t *data, uint32_t mtu)
{
    data[0] = NDP_OPT_MTU;
    data[1] = 1;
    be16_put(data + 2, 0);
    be32_put(data + 4, mtu);
    return 8;
}

size_t ndp_opt_prefix_build(uint8_t *data, const struct ndp_prefix *prefix)
{
    data[0] = NDP_OPT_PREFIX;
    data[1] = PREFIX_LEN / 8;
    data[2] = prefix->len;
    data[3] =
        (uint8_t)((prefix->on_link ? FLAG_ON_LINK : 0) | (prefix->autoconf ? FLAG_AUTOCONF : 0));
    be32_put(data + 4, prefix->valid_s);
    be32_put(data + 8, prefix->preferred_s);
    be32_put(data + 12, 0);
    addr_v6_put(data + 16, &prefix->prefix);
    return PREFIX_LEN;
}

/* ---- Messages ---- */

static size_t begin(uint8_t *data, uint8_t type, size_t len)
{
    memset(data, 0, len);
    data[0] = type;
    return len;
}

bool ndp_neighbor_parse(const uint8_t *data, size_t len, struct ndp_neighbor *ret)
{
    if (!is_whole(data, len, NDP_NEIGHBOR_LEN))
        return false;
    *ret = (struct ndp_neighbor){.target = addr_v6_get(data + 8)};
    if (data[0] == ICMP6_NEIGHBOR_ADVERTISEMENT) {
        ret->router = (data[4] & FLAG_ROUTER) != 0;
        ret->solicited = (data[4] & FLAG_SOLICITED) != 0;
        ret->override = (data[4] & FLAG_OVERRIDE) != 0;
    }
    return true;
}

size_t ndp_neighbor_build(uint8_t *data, uint8_t type, const struct ndp_neighbor *n)
{
    begin(data, type, NDP_NEIGHBOR_LEN);
    if (type == ICMP6_NEIGHBOR_ADVERTISEMENT)
        data[4] = (uint8_t)((n->router ? FLAG_ROUTER : 0) | (n->solicited ? FLAG_SOLICITED : 0) |
                            (n->override ? FLAG_OVERRIDE : 0));
    addr_v6_put(data + 8, &n->target);
    return NDP_NEIGHBOR_LEN;
}

/* RFC 4191 2.1: two bits in two's complement; the reserved value counts as medium. */
static int8_t preference_of(uint8_t flags)
{
    static const int8_t values[] = {0, 1, 0, -1};
    return values[flags >> PREFERENCE_SHIFT & 3];
}

bool ndp_router_parse(const uint8_t *data, size_t len, struct ndp_router *ret)
{
    if (!is_whole(data, len, NDP_ROUTER_ADVERTISEMENT_LEN))
        return false;
    *ret = (struct ndp_router){
        .reachable_ms = be32_get(data + 8),
        .retransmit_ms = be32_get(data + 12),
        .lifetime_s = be16_get(data + 6),
        .hop_limit = data[4],
        .preference = preference_of(data[5]),
        .managed = (data[5] & FLAG_MANAGED) != 0,
        .other = (data[5] & FLAG_OTHER) != 0,
    };
    return true;
}

size_t ndp_router_build(uint8_t *data, const struct ndp_router *r)
{
    begin(data, ICMP6_ROUTER_ADVERTISEMENT, NDP_ROUTER_ADVERTISEMENT_LEN);
    data[4] = r->hop_limit;
    data[5] = (uint8_t)((r->managed ? FLAG_MANAGED : 0) | (r->other ? FLAG_OTHER : 0) |
                        (r->preference & 3) << PREFERENCE_SHIFT);
    be16_put(data + 6, r->lifetime_s);
    be32_put(data + 8, r->reachable_ms);
    be32_put(data + 12, r->retransmit_ms);
    return NDP_ROUTER_ADVERTISEMENT_LEN;
}

bool ndp_redirect_parse(const uint8_t *data, size_t len, struct ndp_redirect *ret)
{
    if (!is_whole(data, len, NDP_REDIRECT_LEN))
        return false;
    *ret = (struct ndp_redirect){.target = addr_v6_get(data + 8),
                                 .destination = addr_v6_get(data + 24)};
    return true;
}

size_t ndp_redirect_build(uint8_t *data, const struct ndp_redirect *r)
{
    begin(data, ICMP6_REDIRECT, NDP_REDIRECT_LEN);
    addr_v6_put(data + 8, &r->target);
    addr_v6_put(data + 24, &r->destination);
    return NDP_REDIRECT_LEN;
}

bool ndp_solicitation_is_whole(const uint8_t *data, size_t len)
{
    return is_whole(data, len, NDP_ROUTER_SOLICITATION_LEN);
}

size_t ndp_solicitation_build(uint8_t *data)
{
    return begin(data, ICMP6_ROUTER_SOLICITATION, NDP_ROUTER_SOLICITATION_LEN);
}
