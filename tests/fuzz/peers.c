/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include "wire/csum.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/tcpopt.h"
#include "wire/udp.h"

#define PAYLOAD_MAX 1400

static const uint8_t payload[PAYLOAD_MAX];

struct nst_addr peers_addr(uint8_t byte)
{
    if ((byte & 0x18) == 0x18)
        return nst_addr_v4(203, 0, 113, byte & 3);
    return nst_addr_v4(10, 0, byte >> 2 & 1, byte & 3);
}

/* ---- Watching ---- */

static struct peer *find(struct peers *w, const struct nst_endpoint *local,
                         const struct nst_endpoint *remote)
{
    for (int i = 0; i < PEERS; i++) {
        struct peer *p = &w->peer[i];
        if (p->known && p->local.port == local->port && p->remote.port == remote->port &&
            nst_addr_equal(&p->local.addr, &local->addr) &&
            nst_addr_equal(&p->remote.addr, &remote->addr))
            return p;
    }
    struct peer *p = &w->peer[w->next++ % PEERS];
    *p = (struct peer){.local = *local, .remote = *remote, .known = true, .snd = 1000};
    return p;
}

void peers_see(struct peers *w, const uint8_t *packet, uint32_t len)
{
    struct ip4_hdr ip;
    struct tcp_hdr tcp;
    struct tcp_opts opts;
    w->last_len = len < FRAME_CAP ? len : FRAME_CAP;
    memcpy(w->last, packet, w->last_len);
    if (ip4_parse(packet, len, &ip) == 0 || ip.proto != IP_PROTO_TCP || ip.frag_off != 0 ||
        tcp_parse(packet + ip.hdr_len, w->last_len - ip.hdr_len, &tcp) == 0 ||
        (tcp.flags & TCP_RST) != 0)
        return;
    struct nst_endpoint local = {.port = tcp.src_port}, remote = {.port = tcp.dst_port};
    local.addr = addr_from_raw4(ip.src4);
    remote.addr = addr_from_raw4(ip.dst4);
    struct peer *p = find(w, &local, &remote);
    const uint32_t end =
        tcp.seq + tcp_seg_len(tcp.flags, (uint32_t)ip.total_len - ip.hdr_len - tcp.hdr_len);
    tcp_opts_parse(packet + ip.hdr_len + TCP_HDR_LEN, tcp.hdr_len - TCP_HDR_LEN, &opts);
    if ((opts.present & TCP_OPTS_TS) != 0) {
        p->ts_ok = true;
        p->ts = opts.ts_val;
    }
    if ((tcp.flags & TCP_SYN) != 0 || (int32_t)(end - p->rcv) > 0)
        p->rcv = end;
    if ((tcp.flags & TCP_ACK) == 0)
        return;
    p->una = tcp.ack;
    if ((tcp.flags & TCP_SYN) != 0 || (int32_t)(p->una - p->snd) > 0)
        p->snd = p->una;
}

/* ---- TCP ---- */

struct words {
    struct tcp_hdr hdr;
    struct tcp_opts opts;
    uint8_t raw[TCP_OPTIONS_MAX]; /* options as they are, if there are any */
    uint8_t raw_len;
    uint32_t len;
};

/* What a second byte of the input changes. */
static void spoil(struct peer *p, struct words *s, struct input *in)
{
    const uint8_t *raw;
    switch (input_take8(in) & 15) {
    case 1:
        s->hdr.seq += (uint32_t)(int32_t)(int16_t)input_take16(in);
        break;
    case 2:
        s->hdr.ack += (uint32_t)(int32_t)(int16_t)input_take16(in);
        break;
    case 3:
        s->hdr.flags = input_take16(in) & TCP_FLAGS;
        break;
    case 4:
        s->hdr.wnd = input_take16(in);
        break;
    case 5:
        s->hdr.flags |= TCP_URG;
        s->hdr.urg = input_take16(in);
        break;
    case 6: /* SACK blocks of any kind */
        s->opts.present |= TCP_OPTS_SACK;
        s->opts.n_sack = (uint8_t)(1 + input_take8(in) % 3);
        for (int i = 0; i < s->opts.n_sack; i++) {
            s->opts.sack[i].start = p->rcv - input_take16(in);
            s->opts.sack[i].end = s->opts.sack[i].start + input_take16(in);
        }
        break;
    case 7:
        s->raw_len = (uint8_t)(input_take(in, input_take8(in) % 11 * 4, &raw) & ~3u);
        memcpy(s->raw, raw, s->raw_len);
        break;
    case 8:
        s->opts.ts_val += (uint32_t)(int32_t)(int16_t)input_take16(in);
        s->opts.ts_ecr -= input_take8(in);
        break;
    case 9:
        s->hdr.seq = input_take32(in);
        break;
    case 10:
        s->hdr.ack = input_take32(in);
        break;
    default:
        break;
    }
}

static size_t say(struct peer *p, struct words *s, uint8_t *out)
{
    if (s->raw_len == 0)
        s->raw_len = (uint8_t)tcp_opts_build(s->raw, sizeof(s->raw), &s->opts);
    s->hdr.hdr_len = (uint8_t)(TCP_HDR_LEN + s->raw_len);
    const struct nst_iovec data = {(void *)(uintptr_t)payload, s->len};
    return frame_tcp4(out, &p->remote, &p->local, &s->hdr, s->raw, &data);
}

/* A sentence of a peer that knows what it does. */
static void choose(struct peer *p, struct words *s, struct input *in)
{
    const uint32_t half = input_take8(in);
    switch (half & 7) {
    case 0: /* acknowledges */
        break;
    case 1: /* data */
    case 2:
        s->len = input_take16(in) % PAYLOAD_MAX;
        s->hdr.flags |= TCP_PSH;
        p->snd += s->len;
        break;
    case 3: /* the end */
        s->hdr.flags |= TCP_FIN;
        p->snd++;
        break;
    case 4: /* data behind a hole */
        s->hdr.seq += input_take16(in);
        s->len = input_take8(in);
        break;
    case 5: /* a hole in what we got: a duplicate ACK with SACK */
        s->opts.present |= TCP_OPTS_SACK;
        s->opts.n_sack = 1;
        s->opts.sack[0].end = p->rcv - half / 8 * 1000;
        s->opts.sack[0].start = s->opts.sack[0].end - input_take16(in) % 3000;
        s->hdr.ack = s->opts.sack[0].start - input_take16(in) % 3000;
        break;
    case 6: /* the handshake */
        s->hdr.flags |= TCP_SYN;
        s->hdr.seq = p->snd - 1;
        s->opts.present |= TCP_OPTS_MSS | TCP_OPTS_SACK_PERMITTED | TCP_OPTS_WSCALE;
        s->opts.mss = half < 16 ? 1460 : input_take16(in);
        s->opts.wscale = input_take8(in);
        break;
    default:
        s->hdr.flags = half < 16 ? TCP_RST : TCP_RST | TCP_ACK;
        break;
    }
}

size_t peers_talk(struct peers *w, struct input *in, uint8_t *out)
{
    struct peer *p = &w->peer[input_take8(in) % PEERS];
    if (!p->known)
        p = &w->peer[0];
    if (!p->known)
        return 0;
    struct words s = {
        .hdr = {.seq = p->snd, .ack = p->rcv, .flags = TCP_ACK, .wnd = 0xffff},
        .opts = {.ts_val = ++w->clock, .ts_ecr = p->ts},
    };
    if (p->ts_ok)
        s.opts.present = TCP_OPTS_TS;
    choose(p, &s, in);
    spoil(p, &s, in);
    return say(p, &s, out);
}

size_t peers_begin(struct peers *w, struct input *in, uint8_t *out)
{
    struct peer p = {.known = true};
    p.local = (struct nst_endpoint){.addr = peers_addr(input_take8(in)), .port = 80};
    p.remote.addr = peers_addr(input_take8(in));
    p.remote.port = 1000 + (input_take8(in) & 7);
    const uint8_t how = input_take8(in);
    p.snd = 1000u * how;
    struct words s = {.hdr = {.seq = p.snd, .flags = TCP_SYN, .wnd = 0xffff}};
    if ((how & 1) == 0) {
        s.opts.present = TCP_OPTS_MSS | TCP_OPTS_SACK_PERMITTED | TCP_OPTS_WSCALE | TCP_OPTS_TS;
        s.opts.mss = 1460;
        s.opts.wscale = how >> 1 & 15;
        s.opts.ts_val = w->clock;
    }
    if ((how & 0xe0) == 0xe0)
        spoil(&p, &s, in);
    return say(&p, &s, out);
}

/* ---- The rest ---- */

size_t peers_datagram(struct peers *w, struct input *in, uint8_t *out)
{
    struct nst_endpoint from = {.addr = peers_addr(input_take8(in)), .port = 1000},
                        to = {.addr = peers_addr(input_take8(in)), .port = 80};
    const uint8_t how = input_take8(in);
    to.port = (uint16_t)(80 + (how & 1));
    from.port = (uint16_t)(from.port + (how >> 1 & 3));
    const size_t len = frame_udp(out, &from, &to, payload, input_take16(in) % PAYLOAD_MAX);
    if ((how & 0x80) != 0)
        out[IP4_HDR_LEN + 4 + (how >> 4 & 3)] = input_take8(in); /* length or checksum */
    return len;
}

static void icmp_close(uint8_t *icmp, size_t len)
{
    be16_put(icmp + 2, csum_fold(csum_portable.sum(icmp, len, 0)));
}

size_t peers_icmp(struct peers *w, struct input *in, uint8_t *out)
{
    uint8_t icmp[600] = {0};
    const struct nst_addr from = peers_addr(input_take8(in));
    struct nst_addr to = peers_addr(input_take8(in));
    const uint8_t how = input_take8(in);
    size_t len = ICMP4_HDR_LEN;
    static const uint8_t types[] = {
        ICMP4_UNREACHABLE,   ICMP4_TIME_EXCEEDED,     ICMP4_REDIRECT,   ICMP4_PARAMETER_PROBLEM,
        ICMP4_SOURCE_QUENCH, ICMP4_TIMESTAMP_REQUEST, ICMP4_ECHO_REPLY, ICMP4_ECHO_REQUEST};
    icmp[0] = types[how & 7];
    icmp[1] = how >> 3 & 15;
    if ((how & 7) < 5) {
        size_t quoted = input_take8(in) * 4u;
        quoted = quoted == 0 ? 28 : quoted;
        quoted = quoted < w->last_len ? quoted : w->last_len;
        quoted = quoted < sizeof(icmp) - len ? quoted : sizeof(icmp) - len;
        memcpy(icmp + len, w->last, quoted);
        len += quoted;
        if (w->last_len >= IP4_HDR_LEN) {
            uint32_t src4;
            memcpy(&src4, w->last + 12, 4);
            to = addr_from_raw4(src4);
        }
        icmp[6] = input_take8(in);
        icmp[7] = input_take8(in);
    } else {
        icmp[5] = how >> 3;
        len += input_take8(in);
    }
    icmp_close(icmp, len);
    return frame_ip4(out, &from, &to, IP_PROTO_ICMP, icmp, len);
}

static void ip_close(uint8_t *ip, size_t hdr_len)
{
    ip[10] = ip[11] = 0;
    be16_put(ip + 10, csum_fold(csum_portable.sum(ip, hdr_len, 0)));
}

size_t peers_fragment(struct peers *w, struct input *in, uint8_t *out)
{
    const struct nst_addr from = peers_addr(input_take8(in)), to = peers_addr(input_take8(in));
    const uint8_t how = input_take8(in);
    const uint16_t word = input_take16(in); /* more, offset */
    size_t len = 8u * (input_take8(in) % 160u) + ((word & 0x2000) == 0 ? how >> 5 : 0);
    len = frame_ip4(out, &from, &to, how & 1 ? IP_PROTO_UDP : IP_PROTO_TCP, payload, len);
    out[4] = 0;
    out[5] = how >> 1 & 3;
    out[6] = (uint8_t)(word >> 8);
    out[7] = (uint8_t)word;
    ip_close(out, IP4_HDR_LEN);
    return len;
}

size_t peers_raw(struct peers *w, struct input *in, uint8_t *out)
{
    const uint8_t *bytes;
    const bool right = (input_take8(in) & 1) == 0;
    const size_t len = input_take(in, input_take8(in) * 4u + 1, &bytes);
    memcpy(out, bytes, len);
    if (right && len >= IP4_HDR_LEN) {
        const size_t hdr_len = (out[0] & 15u) * 4u;
        out[2] = (uint8_t)(len >> 8);
        out[3] = (uint8_t)len;
        ip_close(out, hdr_len < IP4_HDR_LEN || hdr_len > len ? IP4_HDR_LEN : hdr_len);
    }
    return len;
}

size_t peers_arp(struct peers *w, struct input *in, uint8_t *out)
{
    const struct nst_addr from = peers_addr(input_take8(in)), to = peers_addr(input_take8(in));
    const uint8_t how = input_take8(in);
    struct arp_hdr hdr = {.op = how & 1 ? ARP_OP_REQUEST : ARP_OP_REPLY,
                          .sha = {{2, 0, 0, 0, 0, (uint8_t)(how >> 1 & 7)}},
                          .tha = {{2, 0, 0, 0, 0, 1}},
                          .spa4 = addr_to_raw4(&from),
                          .tpa4 = addr_to_raw4(&to)};
    const size_t len = arp_build(out, &hdr);
    if ((how & 0x80) != 0)
        out[how >> 4 & 7] = input_take8(in);
    return len;
}
