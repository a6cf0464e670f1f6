/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IPv4 header and its options: RFC 791, 1122, 2113, 6864.
 */
#ifndef NICSTACK_SRC_WIRE_IP4_H
#define NICSTACK_SRC_WIRE_IP4_H

#include "wire/addr.h"
#include "wire/csum.h"
#include "wire/ipproto.h"

enum {
    IP4_HDR_LEN = 20,      /* without options */
    IP4_FRAGMENT = 0x3fff, /* of the word at 6, MF and offset: 0 where it is no fragment */
    IP4_HDR_MAX = 60,      /* with all options */
    IP4_OPTIONS_MAX = 40,  /* bytes */
    IP4_MIN_MTU = 68,      /* RFC 791 3.2 */
    IP4_MAX_LEN = 65535,
};

/* The option type byte, copied flag included. */
enum ip4_opt_type {
    IP4_OPT_EOL = 0,
    IP4_OPT_NOP = 1,
    IP4_OPT_RR = 7,        /* record route */
    IP4_OPT_TS = 68,       /* timestamps */
    IP4_OPT_SEC = 130,     /* security */
    IP4_OPT_LSRR = 131,    /* loose source route */
    IP4_OPT_SSRR = 137,    /* strict source route */
    IP4_OPT_ALERT = 148,   /* router alert, RFC 2113 */
    IP4_OPT_COPIED = 0x80, /* flag: goes into each fragment */
};

struct ip4_hdr {
    uint32_t src4; /* raw network order: see addr.h */
    uint32_t dst4;
    uint16_t total_len;
    uint16_t id;
    uint16_t frag_off; /* bytes, a multiple of 8 up to 65528 */
    uint16_t csum;
    uint8_t hdr_len; /* bytes, 20..60 */
    uint8_t tos;     /* DSCP and ECN */
    uint8_t ttl;
    uint8_t proto; /* enum ip_proto */
    bool df;
    bool mf;
    bool evil; /* the reserved flag; RFC 791 says zero, receivers ignore it */
};

/*
 * The header at `data`. Returns its length with options, or 0 if it is malformed: short, version
 * not 4, IHL under 5 or past `len`, total length under IHL. A total length beyond `len` is the
 * caller's to judge (an ICMP error quotes only the beginning; data may lie elsewhere), and so is
 * the checksum (ip4_csum_ok).
 */
static inline size_t ip4_parse(const uint8_t *data, size_t len, struct ip4_hdr *ret_hdr)
{
    if (len < IP4_HDR_LEN)
        return 0;
    const uint8_t hdr_len = (uint8_t)((data[0] & 0x0f) * 4);
    const uint16_t total_len = be16_get(data + 2);
    if (data[0] >> 4 != 4 || hdr_len < IP4_HDR_LEN || hdr_len > len || total_len < hdr_len)
        return 0;
    const uint16_t frag = be16_get(data + 6);
    ret_hdr->src4 = addr_raw4_get(data + 12);
    ret_hdr->dst4 = addr_raw4_get(data + 16);
    ret_hdr->total_len = total_len;
    ret_hdr->id = be16_get(data + 4);
    ret_hdr->frag_off = (uint16_t)((frag & 0x1fff) << 3);
    ret_hdr->csum = be16_get(data + 10);
    ret_hdr->hdr_len = hdr_len;
    ret_hdr->tos = data[1];
    ret_hdr->ttl = data[8];
    ret_hdr->proto = data[9];
    ret_hdr->df = (frag & 0x4000) != 0;
    ret_hdr->mf = (frag & 0x2000) != 0;
    ret_hdr->evil = (frag & 0x8000) != 0;
    return hdr_len;
}

/* True if the sum over the header of `hdr_len` bytes (from ip4_parse) is right. RFC 1122 3.2.1.2 */
static inline bool ip4_csum_ok(const uint8_t *data, size_t hdr_len)
{
    return csum_ok(hdr_len == IP4_HDR_LEN ? csum_header20(data) : csum_short(data, hdr_len, 0));
}

static inline bool ip4_is_fragment(const struct ip4_hdr *hdr)
{
    return hdr->mf || hdr->frag_off != 0;
}

/*
 * Writes the header at `data` with a right checksum (hdr->csum is not read). The hdr_len - 20 bytes
 * of options stand behind it already: they are summed, not written. Returns hdr_len.
 */
size_t ip4_build(uint8_t *data, const struct ip4_hdr *hdr);

/* One hop less, with the checksum brought up to date (RFC 1624). The TTL in the header of at least
 * 20 bytes at `data` is not 0. */
void ip4_decrement_ttl(uint8_t *data);

/* A walk over options. */
struct ip4_opt_iter {
    const uint8_t *data; /* the options */
    size_t len;          /* their bytes, 0..40 */
    size_t off;          /* the next one */
    bool malformed;      /* stopped at a length under 2 or past the end */
    uint8_t bad_off;     /* valid when malformed: where, for a parameter problem */
};

struct ip4_opt {
    uint8_t type;        /* enum ip4_opt_type; never EOL or NOP */
    uint8_t len;         /* whole, at least 2 */
    uint8_t off;         /* from the beginning of the options */
    const uint8_t *data; /* the bytes behind type and length: len - 2 of them */
};

/* Begins a walk over the `len` bytes of options at `data`. */
static inline struct ip4_opt_iter ip4_opt_begin(const uint8_t *data, size_t len)
{
    return (struct ip4_opt_iter){.data = data, .len = len};
}

/* The next option but NOP; false at the end (EOL too) or where it is malformed. */
bool ip4_opt_next(struct ip4_opt_iter *iter, struct ip4_opt *ret_opt);

/* True if there is a well-formed router alert of value 0 among the `len` bytes. RFC 2113 2.1 */
bool ip4_has_router_alert(const uint8_t *options, size_t len);

/* Writes a router alert, 4 bytes; returns their number. */
size_t ip4_router_alert_build(uint8_t *options);

/*
 * The options that fragments after the first carry (RFC 791 3.1, copied flag): from `len` bytes at
 * `options` to `ret_options` (40 bytes of room), padded to a multiple of 4. Returns that length.
 */
size_t ip4_options_for_fragments(const uint8_t *options, size_t len, uint8_t *ret_options);

#endif
