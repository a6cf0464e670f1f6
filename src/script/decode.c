/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that left: bytes to the script's form. */
#include <string.h>

#include "script/codec.h"
#include "wire/csum.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcpopt.h"
#include "wire/udp.h"

#define ICMP6_PROTO  58
#define IP6_HDR_SIZE 40

/* Where a walk over the packet stands. */
struct walk {
    struct arena *arena;
    struct codec_seen *seen;
    const uint8_t *data;
    size_t len;
    uint8_t proto;
};

static bool fail(struct walk *w, const char *fault)
{
    w->seen->fault = fault;
    return false;
}

static void note_tos(struct script_ip *ip, uint8_t tos)
{
    static const enum script_ecn ecn[] = {ECN_NONE, ECN_ECT1, ECN_ECT0, ECN_CE};
    ip->has_tos = true;
    ip->tos = tos;
    ip->ecn = ecn[tos & 3];
}

static bool take_ip4(struct walk *w)
{
    struct ip4_hdr hdr;
    struct script_ip *ip = &w->seen->packet.ip;
    const size_t n = ip4_parse(w->data, w->len, &hdr);
    if (n == 0 || hdr.total_len != w->len)
        return fail(w, "its IPv4 header is malformed");
    if (!ip4_csum_ok(w->data, n))
        return fail(w, "its IPv4 checksum is wrong");
    if (ip4_is_fragment(&hdr))
        return fail(w, "it is a fragment");
    note_tos(ip, hdr.tos);
    ip->has_ttl = true;
    ip->ttl = hdr.ttl;
    w->seen->src = addr_from_raw4(hdr.src4);
    w->seen->dst = addr_from_raw4(hdr.dst4);
    w->proto = hdr.proto;
    w->data += n;
    w->len -= n;
    return true;
}

static bool take_ip6(struct walk *w)
{
    struct script_ip *ip = &w->seen->packet.ip;
    if (w->len < IP6_HDR_SIZE || be16_get(w->data + 4) != w->len - IP6_HDR_SIZE)
        return fail(w, "its IPv6 header is malformed");
    const uint32_t word = be32_get(w->data);
    note_tos(ip, (uint8_t)(word >> 20));
    ip->has_ttl = ip->has_flow = true;
    ip->ttl = w->data[7];
    ip->flow = word & 0xfffff;
    w->seen->src = addr_v6_get(w->data + 8);
    w->seen->dst = addr_v6_get(w->data + 24);
    w->proto = w->data[6];
    w->data += IP6_HDR_SIZE;
    w->len -= IP6_HDR_SIZE;
    return true;
}

static bool sum_is_right(const struct walk *w, bool pseudo)
{
    const struct codec_seen *seen = w->seen;
    const uint32_t sum =
        pseudo ? csum_pseudo(&seen->src, &seen->dst, w->proto, (uint32_t)w->len) : 0;
    return csum_ok(csum_portable.sum(w->data, w->len, sum));
}

/* ---- TCP ---- */

static void take_sack(const uint8_t *data, size_t len, struct script_option *o)
{
    for (; len >= 8 && o->count < SCRIPT_SACK_MAX; data += 8, len -= 8) {
        o->start[o->count] = be32_get(data);
        o->end[o->count++] = be32_get(data + 4);
    }
}

/* The bytes of one option behind its kind and length. */
static void take_option(struct script_option *o, const uint8_t *data, size_t len)
{
    switch (o->kind) {
    case TCP_OPT_MSS:
        o->value = len == 2 ? be16_get(data) : 0;
        return;
    case TCP_OPT_WSCALE:
        o->value = len == 1 ? data[0] : 0;
        return;
    case TCP_OPT_SACK:
        take_sack(data, len, o);
        return;
    case TCP_OPT_TS:
        if (len == 8) {
            o->value = be32_get(data);
            o->ecr = be32_get(data + 4);
        }
        return;
    case TCP_OPT_ACCECN0:
    case TCP_OPT_ACCECN1:
        for (; len >= 3 && o->count < 3; data += 3, len -= 3)
            o->field[o->count++] = be24_get(data);
        return;
    case TCP_OPT_EXPERIMENT:
        o->experiment = len >= 2 && be16_get(data) == TCP_OPT_FASTOPEN_MAGIC;
        data += o->experiment ? 2 : 0;
        len -= o->experiment ? 2 : 0;
        break;
    default:
        break;
    }
    o->count = (uint8_t)(len < SCRIPT_HEX_MAX ? len : SCRIPT_HEX_MAX);
    if (o->count > 0)
        memcpy(o->hex, data, o->count);
}

static bool take_options(struct walk *w, const uint8_t *data, size_t len)
{
    struct script_option **end = &w->seen->packet.tcp.options;
    for (size_t at = 0; at < len;) {
        struct script_option *o = ARENA_NEW(w->arena, struct script_option);
        o->kind = data[at];
        size_t size = 1;
        if (o->kind != TCP_OPT_EOL && o->kind != TCP_OPT_NOP) {
            if (len - at < 2 || data[at + 1] < 2 || data[at + 1] > len - at)
                return fail(w, "its TCP options are malformed");
            size = data[at + 1];
            take_option(o, data + at + 2, size - 2);
        }
        *end = o;
        end = &o->next;
        at += size;
        if (o->kind == TCP_OPT_EOL)
            break;
    }
    return true;
}

static bool take_tcp(struct walk *w)
{
    struct tcp_hdr hdr;
    struct script_packet *packet = &w->seen->packet;
    const size_t n = tcp_parse(w->data, w->len, &hdr);
    packet->protocol = PROTOCOL_TCP;
    if (n == 0)
        return fail(w, "its TCP header is malformed");
    if (!sum_is_right(w, true) && w->seen->segment == 0)
        return fail(w, "its TCP checksum is wrong");
    packet->src_port = hdr.src_port;
    packet->dst_port = hdr.dst_port;
    packet->tcp = (struct script_tcp){
        .flags = hdr.flags,
        .seq = hdr.seq,
        .len = (uint32_t)(w->len - n),
        .end = hdr.seq + (uint32_t)(w->len - n),
        .has_ack = true,
        .has_wnd = true,
        .has_urg = true,
        .ack = hdr.ack,
        .wnd = hdr.wnd,
        .urg = hdr.urg,
    };
    return take_options(w, w->data + TCP_HDR_LEN, n - TCP_HDR_LEN);
}

/* ---- UDP and ICMP ---- */

static bool take_udp(struct walk *w)
{
    struct udp_hdr hdr;
    struct script_packet *packet = &w->seen->packet;
    packet->protocol = PROTOCOL_UDP;
    if (udp_parse(w->data, w->len, &hdr) == 0 || hdr.len != w->len)
        return fail(w, "its UDP header is malformed");
    if (hdr.csum != 0 && !sum_is_right(w, true))
        return fail(w, "its UDP checksum is wrong");
    packet->src_port = hdr.src_port;
    packet->dst_port = hdr.dst_port;
    packet->udp_len = (uint32_t)w->len - UDP_HDR_LEN;
    return true;
}

/* What an error quotes, as far as it is there. */
static void take_quote(struct script_icmp *icmp, const uint8_t *data, size_t len)
{
    struct ip4_hdr ip;
    size_t n, whole;
    uint8_t proto;
    if (len > 0 && data[0] >> 4 == 6) {
        n = IP6_HDR_SIZE;
        proto = len > n ? data[6] : 0;
        whole = len > n ? (size_t)be16_get(data + 4) : 0;
    } else {
        n = ip4_parse(data, len, &ip);
        proto = n > 0 ? ip.proto : 0;
        whole = n > 0 ? ip.total_len - n : 0;
    }
    if (n == 0 || len < n + 8 || whole < 8)
        return;
    if (proto == IP_PROTO_UDP) {
        icmp->echoed = ECHOED_UDP;
        icmp->len = (uint32_t)whole - UDP_HDR_LEN;
    } else if (proto == IP_PROTO_TCP && len >= n + TCP_HDR_LEN) {
        const size_t hdr_len = (size_t)(data[n + 12] >> 4) * 4;
        icmp->echoed = ECHOED_TCP;
        icmp->seq = be32_get(data + n + 4);
        icmp->len = whole > hdr_len ? (uint32_t)(whole - hdr_len) : 0;
        icmp->end = icmp->seq + icmp->len;
    }
}

static bool take_icmp(struct walk *w, bool v4)
{
    struct script_packet *packet = &w->seen->packet;
    struct script_icmp *icmp = &packet->icmp;
    packet->protocol = PROTOCOL_ICMP;
    if (w->len < ICMP4_HDR_LEN)
        return fail(w, "its ICMP header is malformed");
    if (!sum_is_right(w, !v4))
        return fail(w, "its ICMP checksum is wrong");
    icmp->type = w->data[0];
    icmp->code = w->data[1];
    icmp->id = be16_get(w->data + 4);
    icmp->mtu = be32_get(w->data + 4);
    if (v4 ? icmp4_is_error(icmp->type) : icmp->type < 128) {
        take_quote(icmp, w->data + ICMP4_HDR_LEN, w->len - ICMP4_HDR_LEN);
    } else {
        icmp->has_id = true;
        icmp->echoed = ECHOED_RAW;
        icmp->len = (uint32_t)w->len - ICMP4_HDR_LEN;
    }
    return true;
}

struct codec_seen *codec_decode(struct arena *arena, const struct stage_packet *packet)
{
    struct codec_seen *seen = ARENA_NEW(arena, struct codec_seen);
    struct walk w = {.arena = arena, .seen = seen, .data = packet->data, .len = packet->len};
    seen->at = packet->at;
    seen->segment = packet->segment;
    seen->packet.outgoing = true;
    seen->packet.has_ports = true;
    if (packet->len == 0 || !(packet->data[0] >> 4 == 6 ? take_ip6(&w) : take_ip4(&w)))
        return seen;
    if (w.proto == IP_PROTO_TCP)
        take_tcp(&w);
    else if (w.proto == IP_PROTO_UDP)
        take_udp(&w);
    else if (w.proto == IP_PROTO_ICMP || w.proto == ICMP6_PROTO)
        take_icmp(&w, w.proto == IP_PROTO_ICMP);
    else
        fail(&w, "it is of a protocol that scripts do not know");
    return seen;
}
