/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include "wire/csum.h"
#include "wire/eth.h"
#include "wire/ip6.h"
#include "wire/udp.h"

size_t frame_ip4_hdr(uint8_t *out, const struct ip4_hdr *hdr, const uint8_t *options,
                     const void *payload, size_t len)
{
    struct ip4_hdr h = *hdr;
    if (h.hdr_len == 0)
        h.hdr_len = IP4_HDR_LEN;
    h.total_len = (uint16_t)(h.hdr_len + len);
    if (h.hdr_len > IP4_HDR_LEN)
        memcpy(out + IP4_HDR_LEN, options, h.hdr_len - IP4_HDR_LEN);
    ip4_build(out, &h);
    if (len > 0 && payload != NULL)
        memmove(out + h.hdr_len, payload, len);
    return h.total_len;
}

size_t frame_ip4(uint8_t *out, const struct nst_addr *src, const struct nst_addr *dst,
                 uint8_t proto, const void *payload, size_t len)
{
    const struct ip4_hdr hdr = {
        .src4 = addr_to_raw4(src),
        .dst4 = addr_to_raw4(dst),
        .id = 0x1234,
        .ttl = 64,
        .proto = proto,
        .df = true,
    };
    return frame_ip4_hdr(out, &hdr, NULL, payload, len);
}

size_t frame_udp_body(uint8_t *out, const struct nst_endpoint *src, const struct nst_endpoint *dst,
                      const void *payload, size_t len)
{
    const size_t total = UDP_HDR_LEN + len;
    const struct udp_hdr hdr = {src->port, dst->port, (uint16_t)total, 0};
    udp_build(out, &hdr);
    if (len > 0 && payload != NULL)
        memmove(out + UDP_HDR_LEN, payload, len);
    const uint32_t pseudo = csum_pseudo(&src->addr, &dst->addr, IP_PROTO_UDP, (uint32_t)total);
    udp_csum_put(out, csum_portable.sum(out, total, pseudo));
    return total;
}

size_t frame_icmp4_body(uint8_t *out, const struct icmp4_hdr *hdr, const void *payload, size_t len)
{
    const size_t total = ICMP4_HDR_LEN + len;
    icmp4_build(out, hdr);
    if (len > 0 && payload != NULL)
        memmove(out + ICMP4_HDR_LEN, payload, len);
    icmp4_csum_put(out, csum_portable.sum(out, total, 0));
    return total;
}

size_t frame_ip(uint8_t *out, const struct nst_addr *src, const struct nst_addr *dst, uint8_t proto,
                const void *payload, size_t len)
{
    if (nst_addr_is_v4(dst))
        return frame_ip4(out, src, dst, proto, payload, len);
    if (payload != NULL)
        memcpy(out + IP6_HDR_LEN, payload, len);
    return len + ip6_build(out, &(struct ip6_hdr){.src = *src,
                                                  .dst = *dst,
                                                  .payload_len = (uint16_t)len,
                                                  .next = proto,
                                                  .hop_limit = 64});
}

size_t frame_udp(uint8_t *out, const struct nst_endpoint *src, const struct nst_endpoint *dst,
                 const void *payload, size_t len)
{
    const size_t ip_len = nst_addr_is_v4(&dst->addr) ? IP4_HDR_LEN : IP6_HDR_LEN;
    len = frame_udp_body(out + ip_len, src, dst, payload, len);
    return frame_ip(out, &src->addr, &dst->addr, IP_PROTO_UDP, NULL, len);
}

size_t frame_tcp4(uint8_t *out, const struct nst_endpoint *src, const struct nst_endpoint *dst,
                  const struct tcp_hdr *hdr, const uint8_t *options,
                  const struct nst_iovec *payload)
{
    const size_t len = payload != NULL ? payload->len : 0;
    uint8_t *tcp = out + IP4_HDR_LEN;
    struct tcp_hdr h = *hdr;
    h.src_port = src->port;
    h.dst_port = dst->port;
    h.csum = 0;
    if (h.hdr_len == 0)
        h.hdr_len = TCP_HDR_LEN;
    tcp_build(tcp, &h);
    if (h.hdr_len > TCP_HDR_LEN)
        memcpy(tcp + TCP_HDR_LEN, options, h.hdr_len - TCP_HDR_LEN);
    if (len > 0)
        memcpy(tcp + h.hdr_len, payload->base, len);
    size_t total = h.hdr_len + len;
    tcp_csum_put(
        tcp, csum_portable.sum(tcp, total,
                               csum_pseudo(&src->addr, &dst->addr, IP_PROTO_TCP, (uint32_t)total)));
    return frame_ip4(out, &src->addr, &dst->addr, IP_PROTO_TCP, NULL, total);
}

size_t frame_eth(uint8_t *out, struct nst_mac src, struct nst_mac dst, uint16_t ethertype,
                 const void *packet, size_t len)
{
    memcpy(out, dst.b, 6);
    memcpy(out + 6, src.b, 6);
    be16_put(out + 12, ethertype);
    memcpy(out + ETH_HDR_LEN, packet, len);
    return ETH_HDR_LEN + len;
}

size_t frame_arp(uint8_t *out, const struct arp_hdr *hdr)
{
    uint8_t arp[ARP_LEN];
    struct nst_mac src, dst = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    memcpy(src.b, hdr->sha.b, 6);
    if (hdr->op != ARP_OP_REQUEST)
        memcpy(dst.b, hdr->tha.b, 6);
    return frame_eth(out, src, dst, ETH_TYPE_ARP, arp, arp_build(arp, hdr));
}

struct nst_endpoint frame_endpoint(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
    return (struct nst_endpoint){.addr = nst_addr_v4(a, b, c, d), .port = port};
}

bool frame_ip4_is_right(const uint8_t *packet, size_t len)
{
    struct ip4_hdr ip;
    size_t n = ip4_parse(packet, len, &ip);
    if (n == 0 || !ip4_csum_ok(packet, n) || ip.total_len != len)
        return false;
    if (ip4_is_fragment(&ip))
        return true;
    uint32_t pseudo = csum_pseudo_v4(ip.src4, ip.dst4, ip.proto, (uint32_t)(len - n));
    if (ip.proto == IP_PROTO_TCP || ip.proto == IP_PROTO_UDP)
        return csum_ok(csum_portable.sum(packet + n, len - n, pseudo));
    if (ip.proto == IP_PROTO_ICMP)
        return csum_ok(csum_portable.sum(packet + n, len - n, 0));
    return true;
}
