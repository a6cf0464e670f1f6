/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. Within one batch of received packets, segments of a TCP flow that follow one
 * another are put together: one pass through the network and transport layers for up to 64 KiB. A
 * packet is held only until the end of its batch, so nothing is delayed.
 *
 * The first segment of a flow is held; the next is merged when it says nothing that the first did
 * not, but more data: consecutive sequence number, same acknowledgment, same flags (PSH apart,
 * which ends a merge), same TCP options byte by byte (so the same timestamps), same TOS, TTL and
 * DF (IPv6: traffic class, flow label and hop limit), and a payload no longer than the first's. A
 * shorter one is merged and ends it. Its window is taken over, for it is the newer one. Anything
 * else of the flow first sends on what is held.
 *
 * Both checksums of both segments are checked before the first merge. A bad one is not merged: it
 * goes on alone, and is counted and dropped where it would have been.
 *
 * Invariants: (1) packets of one flow come out in the order in which they came in; (2) what was
 * merged has a right IP header, csum NST_CSUM_VALID, and gso_size says what it was made of; (3) at
 * most one held packet a flow.
 */
#include "stack/coalesce.h"

#include "base/check.h"
#include "packet/trace.h"
#include "wire/tcp.h"

#define MERGED_MAX 65535

/* A segment that may be merged. */
struct part {
    uint32_t seq, ack;
    uint16_t net;     /* bytes of IP header */
    uint16_t headers; /* bytes of IP and TCP */
    uint16_t payload;
    bool push;
};

static bool is_v4(const uint8_t *header)
{
    return header[0] >> 4 == 4;
}

/* Source, destination and ports lie side by side when there are no IP options. */
static bool is_same_flow(const uint8_t *x, const uint8_t *y)
{
    if (is_v4(x))
        return x[0] == y[0] && memcmp(x + 12, y + 12, 12) == 0;
    return !is_v4(y) && memcmp(x + 8, y + 8, 36) == 0;
}

static struct coalesce_flow *find(struct coalesce *c, const uint8_t *header)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (is_same_flow(c->flows[i].p->data, header))
            return &c->flows[i];
    }
    return NULL;
}

/* Is p a plain segment with data, whole, and without link padding once this returns? */
static bool read_part(struct pkt *p, struct part *ret_part)
{
    struct tcp_hdr tcp;
    const bool v4 = is_v4(p->data);
    const uint32_t net = v4 ? IP4_HDR_LEN : IP6_HDR_LEN;
    const uint32_t total = v4 ? be16_get(p->data + 2) : be16_get(p->data + 4) + IP6_HDR_LEN;
    if (p->gso != NST_GSO_NONE || total > p->len ||
        tcp_parse(p->data + net, p->linear - net, &tcp) == 0)
        return false;
    uint32_t headers = net + (uint32_t)tcp.hdr_len;
    if (total <= headers || (tcp.flags & ~(uint32_t)TCP_PSH) != TCP_ACK)
        return false;
    if (total < p->len)
        pkt_trim(p, total);
    *ret_part = (struct part){
        .seq = tcp.seq,
        .ack = tcp.ack,
        .net = (uint16_t)net,
        .headers = (uint16_t)headers,
        .payload = (uint16_t)(total - headers),
        .push = (tcp.flags & TCP_PSH) != 0,
    };
    return true;
}

static uint32_t pseudo_sum(const uint8_t *header, uint32_t len)
{
    if (is_v4(header))
        return csum_pseudo_v4(addr_raw4_get(header + 12), addr_raw4_get(header + 16), IP_PROTO_TCP,
                              len);
    const struct nst_addr src = addr_v6_get(header + 8), dst = addr_v6_get(header + 24);
    return csum_pseudo_v6(&src, &dst, IP_PROTO_TCP, len);
}

/* Checks both checksums; the answer for the transport's stays with p. */
static bool verify(struct pkt *p, uint32_t net)
{
    if (net == IP4_HDR_LEN && !ip4_csum_ok(p->data, IP4_HDR_LEN))
        return false;
    if (p->csum != NST_CSUM_UNKNOWN)
        return true;
    const uint32_t len = p->len - net;
    if (!csum_ok(csum_add(pseudo_sum(p->data, len), pkt_csum(p, net, len))))
        return false;
    p->csum = NST_CSUM_VALID;
    return true;
}

/* Do the IP headers of one flow ask for the same? */
static bool is_same_service(const uint8_t *x, const uint8_t *y)
{
    if (is_v4(x))
        return x[1] == y[1] && x[8] == y[8] && (x[6] & 0x40) == (y[6] & 0x40);
    return memcmp(x, y, 4) == 0 && x[7] == y[7];
}

/* Does p only add data to what is held? */
static bool continues(const struct coalesce_flow *f, const struct pkt *p, const struct part *part)
{
    const uint8_t *x = f->p->data + part->net;
    const uint8_t *y = p->data + part->net;
    return part->seq == f->next_seq && part->payload <= f->size &&
           f->p->len + part->payload <= MERGED_MAX && is_same_service(f->p->data, p->data) &&
           x[12] >> 4 == y[12] >> 4 && part->ack == be32_get(x + 8) &&
           memcmp(x + TCP_HDR_LEN, y + TCP_HDR_LEN, part->headers - part->net - TCP_HDR_LEN) == 0;
}

static bool merge(struct coalesce_flow *f, struct pkt *p, const struct part *part)
{
    if (!continues(f, p, part) || !verify(p, part->net) ||
        (f->segments == 1 && !verify(f->p, part->net)) || !pkt_make_writable(f->p))
        return false;
    uint8_t window[2];
    memcpy(window, p->data + part->net + 14, sizeof(window));
    nst_pkt_pull(pkt_pub(p), part->headers);
    const uint32_t trace = p->trace;
    if (!pkt_append(f->p, p)) {
        nst_pkt_push(pkt_pub(p), part->headers);
        return false;
    }
    if (unlikely(trace != 0))
        trace_merged(f->p, trace);
    uint8_t *tcp = f->p->data + part->net;
    memcpy(tcp + 14, window, sizeof(window));
    if (part->push)
        tcp[13] |= TCP_PSH;
    f->next_seq += part->payload;
    f->segments++;
    return true;
}

/* Makes the IP header fit the length. */
static void fit_header(struct pkt *p)
{
    if (!is_v4(p->data)) {
        be16_put(p->data + 4, (uint16_t)(p->len - IP6_HDR_LEN));
        p->gso = NST_GSO_TCP6;
        return;
    }
    be16_put(p->data + 2, (uint16_t)p->len);
    be16_put(p->data + 10, 0);
    be16_put(p->data + 10, csum_fold(csum_header20(p->data)));
    p->gso = NST_GSO_TCP4;
}

/* Takes flow f out and puts its packet, with headers that fit its length, into `due`. */
static void finish(struct coalesce *c, struct coalesce_flow *f, struct nst_pktq *due)
{
    struct pkt *p = f->p;
    if (f->segments > 1) {
        fit_header(p);
        p->csum = NST_CSUM_VALID;
        p->gso_size = f->size;
    }
    pktq_push(due, p);
    c->count--;
    memmove(f, f + 1, (size_t)(&c->flows[c->count] - f) * sizeof(*f));
}

static void hold(struct coalesce *c, struct pkt *p, const struct part *part, struct nst_pktq *due)
{
    if (c->count == COALESCE_FLOWS)
        finish(c, &c->flows[0], due);
    c->flows[c->count++] = (struct coalesce_flow){
        .p = p,
        .next_seq = part->seq + part->payload,
        .size = part->payload,
        .segments = 1,
    };
}

/* Options, fragments, headers in pieces: rare, and which flow it is may be hidden. */
static bool is_plain(const struct pkt *p)
{
    const uint8_t *header = p->data;
    if (p->linear < IP4_HDR_LEN + TCP_HDR_LEN)
        return false;
    if (likely(header[0] == 0x45))
        return (be16_get(header + 6) & 0x3fff) == 0;
    return header[0] >> 4 == 6 && header[6] == IP_PROTO_TCP &&
           p->linear >= IP6_HDR_LEN + TCP_HDR_LEN;
}

bool coalesce_add(struct coalesce *c, struct pkt *p, struct nst_pktq *due)
{
    if (!is_plain(p)) {
        coalesce_flush(c, due);
        return false;
    }
    struct coalesce_flow *f = find(c, p->data);
    struct part part;
    bool plain = read_part(p, &part);
    if (f != NULL && plain && merge(f, p, &part)) {
        c->merged++;
        if (part.push || part.payload < f->size || f->p->len + f->size > MERGED_MAX)
            finish(c, f, due);
        return true;
    }
    if (f != NULL)
        finish(c, f, due);
    if (!plain || part.push)
        return false;
    hold(c, p, &part, due);
    return true;
}

void coalesce_flush(struct coalesce *c, struct nst_pktq *due)
{
    while (c->count > 0)
        finish(c, &c->flows[0], due);
}
