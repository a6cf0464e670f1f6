/* SPDX-License-Identifier: Apache-2.0 */
#include "six.h"

#include "wire/arp.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/ndp.h"

#define ENOUGH (SIX_CAP - 100) /* of one packet: the headers of the other family are longer */

/* ---- Addresses ---- */

struct nst_addr six_addr(const struct nst_addr *four)
{
    if (!nst_addr_is_v4(four))
        return *four;
    if (four->b[12] == 10 && four->b[13] == 0)
        return (struct nst_addr){{{0xfd, [7] = four->b[14], [15] = four->b[15]}}};
    struct nst_addr six = {{{0x20, 0x01, 0x0d, 0xb8}}};
    six.w[3] = four->w[3];
    return six;
}

static uint32_t four_addr(const struct nst_addr *six)
{
    if (six->b[0] == 0xfd)
        return addr_raw4(10, 0, six->b[7], six->b[15]);
    return six->w[3];
}

/* ---- Checksums ---- */

/* Where the checksum of a transport lies, if the `len` bytes have it; 0: nowhere. */
static size_t field_of(uint8_t proto, size_t len)
{
    const size_t field = proto == IP_PROTO_TCP ? 16 : proto == IP_PROTO_UDP ? 6 : 0;
    return field + 2 <= len ? field : 0;
}

/* The transport changes its family: what the pseudo headers differ by is the addresses. */
static void move_csum(uint8_t *t, uint8_t proto, size_t len, uint32_t from, uint32_t to)
{
    const size_t field = field_of(proto, len);
    if (field == 0 || (proto == IP_PROTO_UDP && be16_get(t + field) == 0))
        return;
    const uint16_t csum = csum_replace(be16_get(t + field), from, to);
    be16_put(t + field, csum == 0 && proto == IP_PROTO_UDP ? 0xffff : csum);
}

static uint32_t sum4(const struct ip4_hdr *ip)
{
    return csum_reduce((uint64_t)ip->src4 + ip->dst4);
}

static uint32_t sum6(const struct ip6_hdr *ip)
{
    return csum_pseudo_v6(&ip->src, &ip->dst, 0, 0);
}

/* ---- IPv4 to IPv6 ---- */

static size_t quote_from_four(uint8_t *out, const uint8_t *packet, size_t len);

/* An ICMP message in the other family's words, with its quote. */
static size_t icmp_from_four(uint8_t *out, const struct ip6_hdr *ip, const uint8_t *icmp,
                             size_t len)
{
    struct icmp4_hdr h4;
    if (icmp4_parse(icmp, len, &h4) == 0) {
        memcpy(out, icmp, len);
        return len;
    }
    struct icmp6_hdr h6 = {.code = h4.code, .id = h4.id, .seq = h4.seq, .pointer = h4.pointer};
    switch (h4.type) {
    case ICMP4_ECHO_REQUEST:
        h6.type = ICMP6_ECHO_REQUEST;
        break;
    case ICMP4_ECHO_REPLY:
        h6.type = ICMP6_ECHO_REPLY;
        break;
    case ICMP4_UNREACHABLE:
        h6.type = h4.code == ICMP4_FRAG_NEEDED ? ICMP6_TOO_BIG : ICMP6_UNREACHABLE;
        h6.mtu = h4.mtu + 20u;
        break;
    case ICMP4_TIME_EXCEEDED:
        h6.type = ICMP6_TIME_EXCEEDED;
        break;
    case ICMP4_PARAMETER_PROBLEM:
        h6.type = ICMP6_PARAMETER_PROBLEM;
        break;
    default:
        h6.type = (uint8_t)(h4.type + 120);
        break;
    }
    icmp6_build(out, &h6);
    size_t n = len - ICMP4_HDR_LEN;
    if (icmp4_is_error(h4.type))
        n = quote_from_four(out + ICMP6_HDR_LEN, icmp + ICMP4_HDR_LEN, n);
    else
        memcpy(out + ICMP6_HDR_LEN, icmp + ICMP4_HDR_LEN, n);
    n += ICMP6_HDR_LEN;
    const uint32_t pseudo = csum_pseudo_v6(&ip->src, &ip->dst, IP_PROTO_ICMPV6, (uint32_t)n);
    icmp6_csum_put(out, csum_portable.sum(out, n, pseudo));
    return n;
}

/* `whole`: lengths are made to fit; else it is the beginning of a longer packet. */
static size_t from_four(uint8_t *out, const uint8_t *packet, size_t len, bool whole)
{
    struct ip4_hdr h4;
    if (ip4_parse(packet, len, &h4) == 0 || len > ENOUGH)
        return 0;
    const struct nst_addr src = addr_from_raw4(h4.src4), dst = addr_from_raw4(h4.dst4);
    const bool icmp = h4.proto == IP_PROTO_ICMP;
    struct ip6_hdr h6 = {.src = six_addr(&src),
                         .dst = six_addr(&dst),
                         .tclass = h4.tos,
                         .next = icmp ? IP_PROTO_ICMPV6 : h4.proto,
                         .hop_limit = h4.ttl};
    uint8_t *to = out + IP6_HDR_LEN;
    if (ip4_is_fragment(&h4)) {
        const struct ip6_fragment frag = {
            .id = h4.id, .off = h4.frag_off, .mf = h4.mf, .next = h6.next};
        to += ip6_fragment_build(to, &frag);
        h6.next = IP_PROTO_FRAGMENT;
    }
    size_t n = len - h4.hdr_len;
    if (icmp && h4.frag_off == 0 && whole) {
        n = icmp_from_four(to, &h6, packet + h4.hdr_len, n);
    } else {
        memcpy(to, packet + h4.hdr_len, n);
        if (h4.frag_off == 0)
            move_csum(to, h4.proto, n, sum4(&h4), sum6(&h6));
    }
    const size_t extra = (size_t)(to - out) - IP6_HDR_LEN;
    h6.payload_len = (uint16_t)(extra + (whole ? n : (size_t)h4.total_len - h4.hdr_len));
    ip6_build(out, &h6);
    return IP6_HDR_LEN + extra + n;
}

static size_t quote_from_four(uint8_t *out, const uint8_t *packet, size_t len)
{
    const size_t n = from_four(out, packet, len, false);
    if (n != 0)
        return n;
    memcpy(out, packet, len);
    return len;
}

size_t six_from_four(uint8_t *out, const uint8_t *packet, size_t len)
{
    return from_four(out, packet, len, true);
}

/* ---- IPv6 to IPv4 ---- */

size_t four_from_six(uint8_t *out, const uint8_t *packet, size_t len)
{
    struct ip6_hdr h6;
    struct ip6_fragment frag = {0};
    size_t off = IP6_HDR_LEN;
    if (ip6_parse(packet, len, &h6) == 0 || len > ENOUGH)
        return 0;
    uint8_t next = h6.next;
    if (next == IP_PROTO_FRAGMENT) {
        off += ip6_fragment_parse(packet + off, len - off, &frag);
        next = frag.next;
    }
    const struct ip4_hdr h4 = {.src4 = four_addr(&h6.src),
                               .dst4 = four_addr(&h6.dst),
                               .total_len = (uint16_t)(IP4_HDR_LEN + len - off),
                               .id = (uint16_t)frag.id,
                               .frag_off = frag.off,
                               .hdr_len = IP4_HDR_LEN,
                               .tos = h6.tclass,
                               .ttl = h6.hop_limit,
                               .proto = next == IP_PROTO_ICMPV6 ? IP_PROTO_ICMP : next,
                               .mf = frag.mf};
    ip4_build(out, &h4);
    memcpy(out + IP4_HDR_LEN, packet + off, len - off);
    if (frag.off == 0)
        move_csum(out + IP4_HDR_LEN, next, len - off, sum6(&h6), sum4(&h4));
    if (h4.proto == IP_PROTO_ICMP && len - off >= ICMP4_HDR_LEN)
        out[IP4_HDR_LEN] =
            packet[off] == ICMP6_ECHO_REQUEST ? ICMP4_ECHO_REQUEST : ICMP4_ECHO_REPLY;
    return h4.total_len;
}

/* ---- Neighbours ---- */

size_t six_from_arp(uint8_t *out, const uint8_t *packet, size_t len)
{
    struct arp_hdr arp;
    if (arp_parse(packet, len, &arp) == 0)
        return 0;
    const bool question = arp.op == ARP_OP_REQUEST;
    const struct nst_addr spa = addr_from_raw4(arp.spa4), tpa = addr_from_raw4(arp.tpa4);
    struct ip6_hdr ip = {.src = six_addr(&spa),
                         .dst = six_addr(&tpa),
                         .next = IP_PROTO_ICMPV6,
                         .hop_limit = NDP_HOP_LIMIT};
    const struct ndp_neighbor n = {
        .target = question ? ip.dst : ip.src, .solicited = true, .override = true};
    uint8_t *message = out + IP6_HDR_LEN;
    size_t size = ndp_neighbor_build(
        message, question ? ICMP6_NEIGHBOR_SOLICITATION : ICMP6_NEIGHBOR_ADVERTISEMENT, &n);
    size += ndp_opt_mac_build(message + size, question ? NDP_OPT_SOURCE_MAC : NDP_OPT_TARGET_MAC,
                              &arp.sha);
    if (question && (arp.sha.b[5] & 1) != 0) { /* half of them look for duplicates */
        ip.src = (struct nst_addr){0};
        size = NDP_NEIGHBOR_LEN;
        ip.dst = addr_solicited_node(&n.target);
    }
    ip.payload_len = (uint16_t)size;
    ip6_build(out, &ip);
    const uint32_t pseudo = csum_pseudo_v6(&ip.src, &ip.dst, IP_PROTO_ICMPV6, (uint32_t)size);
    icmp6_csum_put(message, csum_portable.sum(message, size, pseudo));
    return IP6_HDR_LEN + size;
}
