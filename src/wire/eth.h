/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Ethernet II header and the 802.1Q tag.
 */
#ifndef NICSTACK_SRC_WIRE_ETH_H
#define NICSTACK_SRC_WIRE_ETH_H

#include "wire/addr.h"

enum {
    ETH_HDR_LEN = 14,
    ETH_TAG_LEN = 4,
    ETH_TAGS_MAX = 2, /* that are looked behind */
    ETH_MIN_LEN = 60, /* the shortest frame on a real wire, without its check sequence */
};

enum eth_type {
    ETH_TYPE_MIN = 0x0600, /* below it the field is an 802.3 length */
    ETH_TYPE_IPV4 = 0x0800,
    ETH_TYPE_ARP = 0x0806,
    ETH_TYPE_VLAN = 0x8100, /* 802.1Q customer tag */
    ETH_TYPE_IPV6 = 0x86dd,
    ETH_TYPE_QINQ = 0x88a8, /* 802.1ad service tag */
};

struct eth_hdr {
    struct nst_mac dst;
    struct nst_mac src;
    uint16_t type; /* enum eth_type, or a length below ETH_TYPE_MIN */
};

/* What follows a type of ETH_TYPE_VLAN or ETH_TYPE_QINQ. */
struct eth_tag {
    uint8_t pcp;   /* priority, 0..7 */
    bool dei;      /* drop eligible */
    uint16_t vid;  /* 0 (priority only) .. 4095 (reserved) */
    uint16_t type; /* of what is inside */
};

/* The 14 bytes at `data`. Returns ETH_HDR_LEN, or 0 if `len` is less. Any type is accepted. */
static inline size_t eth_parse(const uint8_t *data, size_t len, struct eth_hdr *ret_hdr)
{
    if (len < ETH_HDR_LEN)
        return 0;
    ret_hdr->dst = mac_get(data);
    ret_hdr->src = mac_get(data + 6);
    ret_hdr->type = be16_get(data + 12);
    return ETH_HDR_LEN;
}

/* Writes ETH_HDR_LEN bytes at `data`; returns their number. */
static inline size_t eth_build(uint8_t *data, const struct eth_hdr *hdr)
{
    mac_put(data, &hdr->dst);
    mac_put(data + 6, &hdr->src);
    be16_put(data + 12, hdr->type);
    return ETH_HDR_LEN;
}

/* The tag at `data`, which points behind the type field that announced it. Returns ETH_TAG_LEN,
 * or 0 if `len` is less. */
size_t eth_tag_parse(const uint8_t *data, size_t len, struct eth_tag *ret_tag);

/* Writes ETH_TAG_LEN bytes at `data`; returns their number. Excess bits of pcp and vid are cut. */
size_t eth_tag_build(uint8_t *data, const struct eth_tag *tag);

/* Bytes in front of the network header in a frame of `len` bytes: the header and the tags that are
 * whole, ETH_TAGS_MAX at most. A frame shorter than its header counts as having it. */
static inline uint32_t eth_header_len(const uint8_t *data, size_t len)
{
    uint32_t at = ETH_HDR_LEN;
    for (unsigned i = 0; i < ETH_TAGS_MAX && len >= at + ETH_TAG_LEN; i++) {
        const uint16_t type = be16_get(data + at - 2);
        if (type != ETH_TYPE_VLAN && type != ETH_TYPE_QINQ)
            break;
        at += ETH_TAG_LEN;
    }
    return at;
}

#endif
