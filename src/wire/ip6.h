/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IPv6 header and a walk over extension headers: RFC 8200, 7045.
 */
#ifndef NICSTACK_SRC_WIRE_IP6_H
#define NICSTACK_SRC_WIRE_IP6_H

#include "wire/addr.h"
#include "wire/ipproto.h"

enum {
    IP6_HDR_LEN = 40,
    IP6_FRAGMENT_LEN = 8, /* the fragment header */
    IP6_MIN_MTU = 1280,
    IP6_EXT_MAX = 32, /* extension headers in one packet; more is malformed here */
};

struct ip6_hdr {
    struct nst_addr src;
    struct nst_addr dst;
    uint32_t flow; /* label, 20 bits */
    uint16_t payload_len;
    uint8_t tclass; /* DSCP and ECN */
    uint8_t next;   /* enum ip_proto */
    uint8_t hop_limit;
};

/*
 * The header at `data`. Returns IP6_HDR_LEN, or 0 if it is short or its version is not 6. A payload
 * length beyond len - 40 is the caller's to judge.
 */
size_t ip6_parse(const uint8_t *data, size_t len, struct ip6_hdr *ret_hdr);

/* Writes IP6_HDR_LEN bytes at `data`; returns their number. Excess bits of flow are cut. */
size_t ip6_build(uint8_t *data, const struct ip6_hdr *hdr);

/* What a fragment header says, RFC 8200 4.5. */
struct ip6_fragment {
    uint32_t id;
    uint16_t off; /* bytes, a multiple of 8 up to 65528 */
    bool mf;
    uint8_t next; /* of the first header behind it, in the first fragment */
};

/* Returns IP6_FRAGMENT_LEN, or 0 if short. */
size_t ip6_fragment_parse(const uint8_t *data, size_t len, struct ip6_fragment *ret_fragment);

/* Writes IP6_FRAGMENT_LEN bytes; returns their number. */
size_t ip6_fragment_build(uint8_t *data, const struct ip6_fragment *fragment);

/* A walk over the chain of extension headers, each once, in the order they stand. */
struct ip6_ext_iter {
    const uint8_t *data; /* what follows the fixed header */
    size_t len;
    size_t off;      /* where the header named by `next` begins */
    size_t next_off; /* where the byte lies that says `next`, from data; SIZE_MAX: in the
                        fixed header */
    uint8_t next;    /* what comes at `off`: after the walk, the upper protocol */
    uint8_t count;   /* headers passed */
    bool malformed;  /* a header past the end, or more than IP6_EXT_MAX of them */
    bool fragment;   /* a non-first fragment: what follows is no header, the walk stopped */
};

struct ip6_ext {
    uint8_t type; /* enum ip_proto: HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION, AH, ... */
    size_t off;   /* from the iterator's data */
    size_t len;   /* whole, a multiple of 8 (of 4 for AH) */
};

/* True for the extension headers that a walk passes. ESP is not one: nothing behind it is legible.
 */
bool ip6_is_extension(uint8_t next);

/* Begins a walk over the `len` bytes behind the fixed header, of type `next`. */
static inline struct ip6_ext_iter ip6_ext_begin(const uint8_t *data, size_t len, uint8_t next)
{
    return (struct ip6_ext_iter){.data = data, .len = len, .next = next, .next_off = SIZE_MAX};
}

/* The next extension header; false at the upper protocol, behind a non-first fragment header, or
 * where it is malformed. */
bool ip6_ext_next(struct ip6_ext_iter *iter, struct ip6_ext *ret_ext);

/* A walk over the options of a hop-by-hop or destination header, RFC 8200 4.2. */
struct ip6_opt_iter {
    const uint8_t *data; /* the header's bytes behind next header and length */
    size_t len;
    size_t off;
    bool malformed;
};

struct ip6_opt {
    uint8_t type; /* never Pad1 or PadN; bits 6-7 say what to do when it is unknown */
    uint8_t len;  /* of data */
    size_t off;   /* of the type byte, from the iterator's data */
    const uint8_t *data;
};

enum {
    IP6_OPT_PAD1 = 0,
    IP6_OPT_PADN = 1,
    IP6_OPT_ROUTER_ALERT = 5, /* RFC 2711 */
    IP6_OPT_JUMBO = 0xc2,     /* RFC 2675 */
    /* What a receiver does with an unknown type: RFC 8200 4.2 */
    IP6_OPT_ACTION_MASK = 0xc0,
    IP6_OPT_ACTION_SKIP = 0x00,
    IP6_OPT_ACTION_DISCARD = 0x40,
    IP6_OPT_ACTION_SEND = 0x80,         /* discard, parameter problem always */
    IP6_OPT_ACTION_SEND_UNICAST = 0xc0, /* discard, parameter problem unless to a group */
};

/* Begins at the extension header of `len` bytes (from ip6_ext_next) at `header`. */
struct ip6_opt_iter ip6_opt_begin(const uint8_t *header, size_t len);

/* The next option but padding; false at the end or where it is malformed. */
bool ip6_opt_next(struct ip6_opt_iter *iter, struct ip6_opt *ret_opt);

#endif
