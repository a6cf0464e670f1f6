/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ARP for IPv4 over Ethernet: RFC 826, with the words of RFC 5227.
 */
#ifndef NICSTACK_SRC_WIRE_ARP_H
#define NICSTACK_SRC_WIRE_ARP_H

#include "wire/addr.h"

enum {
    ARP_LEN = 28,
};

enum arp_op {
    ARP_OP_REQUEST = 1,
    ARP_OP_REPLY = 2,
};

struct arp_hdr {
    uint16_t op; /* enum arp_op; others are parsed too and ignored by the receiver */
    struct nst_mac sha;
    struct nst_mac tha;
    uint32_t spa4; /* raw network order */
    uint32_t tpa4;
};

/* Returns ARP_LEN, or 0 if short or not Ethernet/IPv4 (RFC 826: the ?Do I have questions). Bytes
 * behind are padding. */
size_t arp_parse(const uint8_t *data, size_t len, struct arp_hdr *ret_hdr);

/* Writes ARP_LEN bytes at `data`; returns their number. */
size_t arp_build(uint8_t *data, const struct arp_hdr *hdr);

/* RFC 5227 1.1: a request from 0.0.0.0, "is anybody using tpa4?". */
static inline bool arp_is_probe(const struct arp_hdr *hdr)
{
    return hdr->op == ARP_OP_REQUEST && hdr->spa4 == 0 && hdr->tpa4 != 0;
}

/* RFC 5227 1.1, 3: a request whose sender and target address are the same, "I use it now". */
static inline bool arp_is_announcement(const struct arp_hdr *hdr)
{
    return hdr->op == ARP_OP_REQUEST && hdr->spa4 == hdr->tpa4 && hdr->spa4 != 0;
}

/* Either op with equal sender and target address. */
static inline bool arp_is_gratuitous(const struct arp_hdr *hdr)
{
    return hdr->spa4 == hdr->tpa4 && hdr->spa4 != 0;
}

/* RFC 5227 2.4: another station (not `own`) claims `addr4`, which is ours. */
static inline bool arp_is_conflict(const struct arp_hdr *hdr, const struct nst_mac *own,
                                   uint32_t addr4)
{
    return hdr->spa4 == addr4 && addr4 != 0 && !mac_equal(&hdr->sha, own);
}

/* RFC 5227 2.1.1: while `addr4` is being probed by `own`, somebody uses it or probes for it too. */
static inline bool arp_is_probe_conflict(const struct arp_hdr *hdr, const struct nst_mac *own,
                                         uint32_t addr4)
{
    return arp_is_conflict(hdr, own, addr4) ||
           (arp_is_probe(hdr) && hdr->tpa4 == addr4 && !mac_equal(&hdr->sha, own));
}

/* The request, the probe (own address 0) or the announcement (tpa4 equal to spa4). RFC 5227 2.1.1:
 * the target hardware address is zero. */
struct arp_hdr arp_request(const struct nst_mac *sha, uint32_t spa4, uint32_t tpa4);

/* The answer of `sha`, which has request->tpa4. */
struct arp_hdr arp_reply(const struct arp_hdr *request, const struct nst_mac *sha);

#endif
