/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbour discovery: the bodies of ICMPv6 types 133 to 137 and their options. RFC 4861 4, RFC
 * 4191 2.2, RFC 7527 4.1 (nonce), RFC 8106 5.1 (DNS servers).
 *
 * `data` and `len` are always those of the whole ICMPv6 message. What a receiver has to check of
 * the IP header (hop limit 255, addresses) is its own to check.
 */
#ifndef NICSTACK_SRC_WIRE_NDP_H
#define NICSTACK_SRC_WIRE_NDP_H

#include "wire/icmp6.h"

enum {
    NDP_ROUTER_SOLICITATION_LEN = 8, /* without options, as the others */
    NDP_ROUTER_ADVERTISEMENT_LEN = 16,
    NDP_NEIGHBOR_LEN = 24, /* solicitation and advertisement */
    NDP_REDIRECT_LEN = 40,
    NDP_HOP_LIMIT = 255,
    NDP_OPT_MAC_LEN = 8,
    NDP_OPT_NONCE_LEN = 8,
    NDP_NONCE = 6, /* bytes of a nonce that we make */
};

enum ndp_opt_type {
    NDP_OPT_SOURCE_MAC = 1,
    NDP_OPT_TARGET_MAC = 2,
    NDP_OPT_PREFIX = 3,
    NDP_OPT_REDIRECTED = 4,
    NDP_OPT_MTU = 5,
    NDP_OPT_NONCE = 14,
    NDP_OPT_RDNSS = 25,
};

/* RFC 4861 4.3, 4.4. The flags are of advertisements only. */
struct ndp_neighbor {
    struct nst_addr target;
    bool router, solicited, override;
};

/* RFC 4861 4.2. */
struct ndp_router {
    uint32_t reachable_ms;  /* 0: it does not say */
    uint32_t retransmit_ms; /* 0: it does not say */
    uint16_t lifetime_s;    /* as default router; 0: it is none */
    uint8_t hop_limit;      /* 0: it does not say */
    int8_t preference;      /* RFC 4191 2.1: 1 high, 0 medium (reserved too), -1 low */
    bool managed, other;    /* DHCPv6 gives addresses, or other things */
};

/* RFC 4861 4.5. target equal to destination: it is on link. */
struct ndp_redirect {
    struct nst_addr target, destination;
};

/*
 * Each gives false if the message is shorter than its type needs, or an option has length 0 or runs
 * past the end (RFC 4861 6.1, 7.1, 8.1: such a message is dropped whole).
 */
bool ndp_neighbor_parse(const uint8_t *data, size_t len, struct ndp_neighbor *ret);
bool ndp_router_parse(const uint8_t *data, size_t len, struct ndp_router *ret);
bool ndp_redirect_parse(const uint8_t *data, size_t len, struct ndp_redirect *ret);
/* A router solicitation has nothing but options. */
bool ndp_solicitation_is_whole(const uint8_t *data, size_t len);

/* Writes the message of `type` (ICMP6_NEIGHBOR_SOLICITATION or _ADVERTISEMENT) without options, the
 * checksum field zero. Returns NDP_NEIGHBOR_LEN. */
size_t ndp_neighbor_build(uint8_t *data, uint8_t type, const struct ndp_neighbor *n);
/* The same for a router solicitation and (for tests and routers) an advertisement. */
size_t ndp_solicitation_build(uint8_t *data);
size_t ndp_router_build(uint8_t *data, const struct ndp_router *r);
size_t ndp_redirect_build(uint8_t *data, const struct ndp_redirect *r);

/* ---- Options ---- */

struct ndp_opt_iter {
    const uint8_t *data;
    size_t len;
    size_t off;
    bool malformed; /* stopped at a length of 0 or past the end */
};

struct ndp_opt {
    uint8_t type;        /* enum ndp_opt_type, or unknown: to be skipped */
    uint16_t len;        /* whole, a multiple of 8 */
    const uint8_t *data; /* the option from its type on */
};

/* Begins behind the `fixed` bytes of a message; fixed <= len. */
static inline struct ndp_opt_iter ndp_opt_begin(const uint8_t *data, size_t len, size_t fixed)
{
    return (struct ndp_opt_iter){.data = data, .len = len, .off = fixed};
}

/* The next option, known or not; false at the end or where it is malformed. */
bool ndp_opt_next(struct ndp_opt_iter *iter, struct ndp_opt *ret_opt);

/* What an option says; false: it is too short, or not of that type. */
bool ndp_opt_mac(const struct ndp_opt *opt, uint8_t type, struct nst_mac *ret_mac);
bool ndp_opt_mtu(const struct ndp_opt *opt, uint32_t *ret_mtu);
/* The first NDP_NONCE bytes; a longer one than ours is another's. */
bool ndp_opt_nonce(const struct ndp_opt *opt, uint8_t ret_nonce[NDP_NONCE]);

/* RFC 4861 4.6.2. Lifetimes in seconds, UINT32_MAX for ever. */
struct ndp_prefix {
    struct nst_addr prefix; /* as sent: bits behind the length may be set */
    uint32_t valid_s, preferred_s;
    uint8_t len;            /* bits, 0 to 128 */
    bool on_link, autoconf; /* the flags L and A */
};
/* False also for a length over 128. */
bool ndp_opt_prefix(const struct ndp_opt *opt, struct ndp_prefix *ret_prefix);

/* RFC 8106 5.1: how many servers, and the i-th. */
struct ndp_rdnss {
    uint32_t lifetime_s;
    uint8_t count; /* at least 1 */
};
bool ndp_opt_rdnss(const struct ndp_opt *opt, struct ndp_rdnss *ret_rdnss);
struct nst_addr ndp_opt_rdnss_at(const struct ndp_opt *opt, unsigned i);

/* Write an option; each returns its length. */
size_t ndp_opt_mac_build(uint8_t *data, uint8_t type, const struct nst_mac *mac);
size_t ndp_opt_nonce_build(uint8_t *data, const uint8_t nonce[NDP_NONCE]);
size_t ndp_opt_mtu_build(uint8_t *data, uint32_t mtu);
size_t ndp_opt_prefix_build(uint8_t *data, const struct ndp_prefix *prefix);

#endif
