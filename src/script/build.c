/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that come in: what the script says, on the wire. */
#include <string.h>

#include "script/codec.h"
#include "wire/csum.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcpopt.h"
#include "wire/udp.h"

#define TTL          255
#define WINDOW       65535 /* where the script names none */
#define QUOTE_LEN    20    /* bytes of the transport header in an ICMP error */
#define ICMP6_PROTO  58
#define IP6_HDR_SIZE 40

static uint8_t tos_of(const struct script_ip *ip)
{
    static const uint8_t bits[] = {
        [ECN_ANY] = 0,  [ECN_NONE] = 0,  [ECN_ECT0] = 2,
        [ECN_ECT1] = 1, [ECN_ECT01] = 2, [ECN_CE] = 3,
    };
    return (uint8_t)((ip->has_tos ? ip->tos & (ip->ecn == ECN_ANY ? 0xff : 0xfc) : 0) |
                     bits[ip->ecn]);
}

static size_t ip_len(const struct codec_ends *ends)
{
    return nst_addr_is_v4(&ends->remote) ? (size_t)IP4_HDR_LEN : (size_t)IP6_HDR_SIZE;
}

/* The IP header in front of `len` bytes from `src` to `dst`. Returns its length. */
static size_t build_ip(uint8_t *data, const struct nst_addr *src, const struct nst_addr *dst,
                       const struct script_ip *ip, uint8_t proto, size_t len)
{
    if (nst_addr_is_v4(src)) {
        const struct ip4_hdr hdr = {
            .src4 = addr_to_raw4(src),
            .dst4 = addr_to_raw4(dst),
            .total_len = (uint16_t)(IP4_HDR_LEN + len),
            .hdr_len = IP4_HDR_LEN,
            .tos = tos_of(ip),
            .ttl = ip->has_ttl ? ip->ttl : TTL,
            .proto = proto,
        };
        return ip4_build(data, &hdr);
    }
    be32_put(data, 6u << 28 | (uint32_t)tos_of(ip) << 20 | (ip->has_flow ? ip->flow : 0));
    be16_put(data + 4, (uint16_t)len);
    data[6] = proto;
    data[7] = ip->has_ttl ? ip->ttl : TTL;
    addr_v6_put(data + 8, src);
    addr_v6_put(data + 24, dst);
    return IP6_HDR_SIZE;
}

/* ---- TCP ---- */

static size_t put_sack(uint8_t *data, const struct script_option *o, uint32_t offset)
{
    data[0] = TCP_OPT_SACK;
    data[1] = (uint8_t)(2 + 8 * o->count);
    for (unsigned i = 0; i < o->count; i++) {
        be32_put(data + 2 + 8 * i, o->start[i] + offset);
        be32_put(data + 6 + 8 * i, o->end[i] + offset);
    }
    return data[1];
}

static size_t put_hex(uint8_t *data, const struct script_option *o)
{
    size_t n = 2;
    data[0] = o->kind;
    if (o->experiment) {
        be16_put(data + 2, TCP_OPT_FASTOPEN_MAGIC);
        n = 4;
    }
    memcpy(data + n, o->hex, o->count);
    data[1] = (uint8_t)(n + o->count);
    return data[1];
}

static size_t put_timestamps(uint8_t *data, const struct script_option *o, const struct flow *flow,
                             const struct script_tcp *tcp, uint32_t tick_us)
{
    data[0] = TCP_OPT_TS;
    data[1] = 10;
    be32_put(data + 2, o->value);
    be32_put(data + 6,
             (tcp->flags & TCP_ACK) != 0 ? flow_ts_to_wire(flow, o->ecr, tick_us) : o->ecr);
    return 10;
}

/* The length on the wire, at most. */
static size_t option_len(const struct script_option *o)
{
    switch (o->kind) {
    case TCP_OPT_EOL:
    case TCP_OPT_NOP:
        return 1;
    case TCP_OPT_MSS:
        return 4;
    case TCP_OPT_WSCALE:
        return 3;
    case TCP_OPT_SACK_PERMITTED:
        return 2;
    case TCP_OPT_SACK:
        return 2 + (size_t)8 * o->count;
    case TCP_OPT_TS:
        return 10;
    case TCP_OPT_ACCECN0:
    case TCP_OPT_ACCECN1:
        return 2 + (size_t)3 * o->count;
    default:
        return (size_t)(o->experiment ? 4 : 2) + o->count;
    }
}

static size_t put_option(uint8_t *data, const struct script_option *o, const struct flow *flow,
                         const struct script_tcp *tcp, uint32_t tick_us)
{
    switch (o->kind) {
    case TCP_OPT_SACK:
        return put_sack(data, o, flow->offset);
    case TCP_OPT_TS:
        return put_timestamps(data, o, flow, tcp, tick_us);
    case TCP_OPT_MD5:
    case TCP_OPT_FASTOPEN:
    case TCP_OPT_EXPERIMENT:
        return put_hex(data, o);
    default:
        break;
    }
    const size_t len = option_len(o);
    data[0] = o->kind;
    if (len > 1)
        data[1] = (uint8_t)len;
    if (o->kind == TCP_OPT_MSS)
        be16_put(data + 2, (uint16_t)o->value);
    if (o->kind == TCP_OPT_WSCALE)
        data[2] = (uint8_t)o->value;
    if (o->kind == TCP_OPT_ACCECN0 || o->kind == TCP_OPT_ACCECN1)
        for (unsigned i = 0; i < o->count; i++)
            be24_put(data + 2 + 3 * i, o->field[i]);
    return len;
}

/* All options, padded. SIZE_MAX: they do not fit. */
static size_t put_options(uint8_t *data, const struct script_tcp *tcp, const struct flow *flow,
                          uint32_t tick_us)
{
    size_t len = 0;
    for (const struct script_option *o = tcp->options; o != NULL; o = o->next) {
        if (option_len(o) > TCP_OPTIONS_MAX - len)
            return SIZE_MAX;
        len += put_option(data + len, o, flow, tcp, tick_us);
    }
    while (len % 4 != 0)
        data[len++] = TCP_OPT_EOL;
    return len;
}

/* A segment whose options and payload stand behind `data`. */
static void put_tcp(uint8_t *data, const struct script_tcp *tcp, const struct flow *flow,
                    size_t hdr_len)
{
    const struct tcp_hdr hdr = {
        .src_port = flow->remote_port,
        .dst_port = flow->local_port,
        .seq = tcp->seq,
        .ack = tcp->has_ack || (tcp->flags & TCP_ACK) != 0 ? tcp->ack + flow->offset : 0,
        .flags = tcp->flags,
        .wnd = tcp->has_wnd ? tcp->wnd : WINDOW,
        .urg = tcp->urg,
        .hdr_len = (uint8_t)hdr_len,
    };
    tcp_build(data, &hdr);
}

static void note_sent(struct flow *flow, const struct script_tcp *tcp)
{
    if ((tcp->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
        flow_note_syn(flow, tcp->seq);
    if ((tcp->flags & TCP_ACK) != 0)
        flow->una = tcp->ack + flow->offset;
    flow->remote_nxt = tcp->seq + tcp_seg_len(tcp->flags, tcp->len);
}

static size_t build_tcp(const struct codec_ends *ends, const struct script_packet *packet,
                        struct flow *flow, uint8_t *bytes)
{
    const struct script_tcp *tcp = &packet->tcp;
    uint8_t *data = bytes + ip_len(ends);
    const size_t opts = put_options(data + TCP_HDR_LEN, tcp, flow, ends->ts_tick_us);
    if (opts == SIZE_MAX)
        return 0;
    const size_t hdr_len = TCP_HDR_LEN + opts, len = hdr_len + tcp->len;
    if (len + ip_len(ends) > CODEC_PACKET_MAX)
        return 0;
    memset(data + hdr_len, 0, tcp->len);
    put_tcp(data, tcp, flow, hdr_len);
    const uint32_t sum = csum_pseudo(&ends->remote, &ends->local, IP_PROTO_TCP, (uint32_t)len);
    tcp_csum_put(data, csum_portable.sum(data, len, sum));
    note_sent(flow, tcp);
    return build_ip(bytes, &ends->remote, &ends->local, &packet->ip, IP_PROTO_TCP, len) + len;
}

/* ---- UDP ---- */

static size_t build_udp(const struct codec_ends *ends, const struct script_packet *packet,
                        const struct flow *flow, uint8_t *bytes)
{
    uint8_t *data = bytes + ip_len(ends);
    const size_t len = UDP_HDR_LEN + packet->udp_len;
    if (len + ip_len(ends) > CODEC_PACKET_MAX)
        return 0;
    const struct udp_hdr hdr = {flow->remote_port, flow->local_port, (uint16_t)len, 0};
    memset(data, 0, len);
    udp_build(data, &hdr);
    const uint32_t sum = csum_pseudo(&ends->remote, &ends->local, IP_PROTO_UDP, (uint32_t)len);
    udp_csum_put(data, csum_portable.sum(data, len, sum));
    return build_ip(bytes, &ends->remote, &ends->local, &packet->ip, IP_PROTO_UDP, len) + len;
}

/* ---- ICMP ---- */

/* The transport header that an error quotes: of a packet of the stack's. Returns its length. */
static size_t put_quoted_transport(uint8_t *data, const struct script_icmp *icmp,
                                   const struct flow *flow, uint8_t *ret_proto, size_t *ret_whole)
{
    if (icmp->echoed == ECHOED_UDP || flow->protocol == PROTOCOL_UDP) {
        const size_t len = UDP_HDR_LEN + icmp->len;
        const struct udp_hdr hdr = {flow->local_port, flow->remote_port, (uint16_t)len, 0};
        *ret_proto = IP_PROTO_UDP;
        *ret_whole = len;
        return udp_build(data, &hdr);
    }
    const struct tcp_hdr hdr = {
        .src_port = flow->local_port,
        .dst_port = flow->remote_port,
        .seq = icmp->echoed == ECHOED_TCP ? icmp->seq + flow->offset : flow->una,
        .ack = flow->remote_nxt,
        .flags = TCP_ACK,
        .hdr_len = TCP_HDR_LEN,
    };
    *ret_proto = IP_PROTO_TCP;
    *ret_whole = TCP_HDR_LEN + icmp->len;
    tcp_build(data, &hdr);
    return QUOTE_LEN;
}

static size_t put_quote(const struct codec_ends *ends, uint8_t *data,
                        const struct script_icmp *icmp, const struct flow *flow)
{
    const struct script_ip ip = {.has_ttl = true, .ttl = 64};
    const size_t hdr_len = ip_len(ends);
    uint8_t proto;
    size_t whole;
    const size_t len = put_quoted_transport(data + hdr_len, icmp, flow, &proto, &whole);
    build_ip(data, &ends->local, &ends->remote, &ip, proto, whole);
    return hdr_len + len;
}

static bool quotes(const struct codec_ends *ends, const struct script_icmp *icmp)
{
    if (icmp->echoed == ECHOED_RAW)
        return false;
    return nst_addr_is_v4(&ends->remote) ? icmp4_is_error(icmp->type) : icmp->type < 128;
}

static size_t build_icmp(const struct codec_ends *ends, const struct script_packet *packet,
                         const struct flow *flow, uint8_t *bytes)
{
    const struct script_icmp *icmp = &packet->icmp;
    const bool v4 = nst_addr_is_v4(&ends->remote);
    uint8_t *data = bytes + ip_len(ends);
    size_t len = ICMP4_HDR_LEN;
    memset(data, 0, ICMP4_HDR_LEN);
    data[0] = icmp->type;
    data[1] = icmp->code;
    if (icmp->has_id)
        be16_put(data + 4, icmp->id);
    if (icmp->has_mtu)
        be32_put(data + 4, icmp->mtu);
    if (v4 && icmp->type == ICMP4_TIMESTAMP_REQUEST) {
        memset(data + len, 0, ICMP4_TIMESTAMP_LEN - ICMP4_HDR_LEN);
        len = ICMP4_TIMESTAMP_LEN;
    }
    if (quotes(ends, icmp)) {
        len += put_quote(ends, data + len, icmp, flow);
    } else {
        memset(data + len, 0, icmp->len);
        len += icmp->len;
    }
    if (len + ip_len(ends) > CODEC_PACKET_MAX)
        return 0;
    const uint8_t proto = v4 ? IP_PROTO_ICMP : ICMP6_PROTO;
    const uint32_t pseudo = v4 ? 0 : csum_pseudo(&ends->remote, &ends->local, proto, (uint32_t)len);
    icmp4_csum_put(data, csum_portable.sum(data, len, pseudo));
    return build_ip(bytes, &ends->remote, &ends->local, &packet->ip, proto, len) + len;
}

size_t codec_build(const struct codec_ends *ends, const struct script_packet *packet,
                   struct flow *flow, uint8_t *ret_bytes)
{
    switch (packet->protocol) {
    case PROTOCOL_TCP:
        return build_tcp(ends, packet, flow, ret_bytes);
    case PROTOCOL_UDP:
        return build_udp(ends, packet, flow, ret_bytes);
    case PROTOCOL_ICMP:
        return build_icmp(ends, packet, flow, ret_bytes);
    }
    return 0;
}
