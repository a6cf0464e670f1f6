/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. A large segment is one packet with one set of headers and a wish: cut me
 * into gso_size bytes of payload. Each piece is a copy of the headers and a view of the payload,
 * then the headers are made to fit: total length, IPv4 identification counted up (RFC 6864 4.1:
 * unique for what is not atomic), sequence number; FIN and PSH stay with the last piece, CWR with
 * the first (RFC 3168 6.1.2: it is said once). For UDP each piece is a datagram of its own. The
 * packet itself becomes the first piece, so the census has only the others as split.
 *
 * The pseudo header's sum is put into every piece anew: it depends on the length.
 */
#include "stack/gso.h"

#include "base/check.h"
#include "wire/csum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp.h"
#include "wire/udp.h"

/* What is common to the pieces of one packet. */
struct cut {
    struct nst_addr src, dst;
    uint32_t net_len;   /* bytes of the network header */
    uint32_t trans_len; /* of the transport header */
    uint32_t size;      /* payload of each piece but the last */
    uint32_t payload;   /* all of it */
    uint32_t seq;
    /* Partial checksums of what all pieces share, without lengths and identification. */
    uint32_t net_sum;    /* of the IPv4 header */
    uint32_t pseudo_sum; /* of the pseudo header */
    uint16_t ip_id;
    uint8_t proto;
    bool v4;
};

static uint32_t header_len(const struct cut *c)
{
    return c->net_len + c->trans_len;
}

static bool read_network(const struct pkt *p, struct cut *c)
{
    if (p->linear < IP4_HDR_LEN)
        return false;
    c->v4 = p->data[0] >> 4 == 4;
    if (c->v4) {
        c->net_len = (uint32_t)(p->data[0] & 0x0f) * 4;
        c->ip_id = be16_get(p->data + 4);
        c->src = addr_v4_get(p->data + 12);
        c->dst = addr_v4_get(p->data + 16);
        return c->net_len >= IP4_HDR_LEN && c->net_len <= p->linear;
    }
    if (p->linear < IP6_HDR_LEN)
        return false;
    c->src = addr_v6_get(p->data + 8);
    c->dst = addr_v6_get(p->data + 24);
    /* Extension headers may be in between: whoever asked for the checksum knows. */
    c->net_len =
        p->csum == NST_CSUM_PARTIAL ? nst_pkt_csum_start((const struct nst_pkt *)p) : IP6_HDR_LEN;
    return c->net_len >= IP6_HDR_LEN;
}

static bool read_transport(const struct pkt *p, struct cut *c)
{
    if (c->net_len >= p->linear)
        return false;
    const uint8_t *header = p->data + c->net_len;
    size_t len = p->linear - c->net_len;
    if (p->gso == NST_GSO_UDP) {
        c->proto = IP_PROTO_UDP;
        c->trans_len = UDP_HDR_LEN;
        return len >= UDP_HDR_LEN;
    }
    struct tcp_hdr tcp;
    c->proto = IP_PROTO_TCP;
    c->trans_len = (uint32_t)tcp_parse(header, len, &tcp);
    c->seq = c->trans_len != 0 ? tcp.seq : 0;
    return c->trans_len != 0;
}

static bool read_cut(const struct pkt *p, struct cut *ret_cut)
{
    struct cut c = {.size = p->gso_size};
    if (c.size == 0 || !read_network(p, &c) || !read_transport(p, &c))
        return false;
    c.payload = p->len - header_len(&c);
    c.pseudo_sum = csum_pseudo(&c.src, &c.dst, c.proto, 0);
    if (c.v4) {
        c.net_sum = csum_short(p->data, c.net_len, 0);
        c.net_sum = csum_sub(c.net_sum, csum_from16(be16_get(p->data + 2)));
        c.net_sum = csum_sub(c.net_sum, csum_from16(c.ip_id));
        c.net_sum = csum_sub(c.net_sum, csum_from16(be16_get(p->data + 10)));
    }
    *ret_cut = c;
    return true;
}

uint32_t gso_segments(const struct pkt *p)
{
    struct cut c;
    if (p->gso == NST_GSO_NONE || !read_cut(p, &c) || c.payload <= c.size)
        return 1;
    return (c.payload + c.size - 1) / c.size;
}

static void fit_network(uint8_t *header, const struct cut *c, uint32_t index, uint32_t len)
{
    if (!c->v4) {
        be16_put(header + 4, (uint16_t)(len - IP6_HDR_LEN));
        return;
    }
    const uint16_t total_len = (uint16_t)len;
    const uint16_t id = (uint16_t)(c->ip_id + index);
    be16_put(header + 2, total_len);
    be16_put(header + 4, id);
    be16_put(header + 10, csum_fold(csum_reduce((uint64_t)c->net_sum + csum_from16(total_len) +
                                                csum_from16(id))));
}

static void fit_tcp(uint8_t *header, const struct cut *c, uint32_t index, bool last)
{
    be32_put(header + 4, c->seq + index * c->size);
    uint8_t flags = header[13];
    if (!last)
        flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (index > 0)
        flags &= (uint8_t)~TCP_CWR;
    header[13] = flags;
}

/* Makes the headers of piece `index` its own; they are a copy of the whole packet's. */
static void fit(struct pkt *p, const struct cut *c, uint32_t index, bool last)
{
    uint8_t *header = p->data + c->net_len;
    uint32_t len = p->len - c->net_len;
    uint32_t field = c->proto == IP_PROTO_TCP ? TCP_CSUM_OFFSET : 6;
    fit_network(p->data, c, index, p->len);
    if (c->proto == IP_PROTO_TCP)
        fit_tcp(header, c, index, last);
    else
        be16_put(header + 4, (uint16_t)len);
    uint16_t pseudo = csum_fold_raw(csum_add(c->pseudo_sum, csum_from16((uint16_t)len)));
    memcpy(header + field, &pseudo, sizeof(pseudo));
    nst_pkt_request_csum(pkt_pub(p), c->net_len, field);
    p->gso = NST_GSO_NONE;
    p->gso_size = 0;
}

/* Piece `index` of p, with p's headers. NULL: no memory. */
static struct pkt *cut_piece(const struct pkt *p, const struct cut *c, uint32_t headroom,
                             uint32_t index)
{
    uint32_t offset = index * c->size;
    uint32_t headers = header_len(c);
    struct pkt *piece =
        pkt_split(p, headroom + headers, headers + offset, min_u32(c->size, c->payload - offset));
    if (piece == NULL)
        return NULL;
    memcpy(nst_pkt_push(pkt_pub(piece), headers), p->data, headers);
    piece->arrival = p->arrival;
    piece->nic_id = p->nic_id;
    piece->type = p->type;
    pkt_set_net(piece);
    piece->trans_off = (uint16_t)(piece->net_off + c->net_len);
    return piece;
}

bool gso_cut(struct pkt *p, uint32_t headroom, struct nst_pktq *q)
{
    struct cut c;
    struct nst_pktq pieces = {0};
    if (!read_cut(p, &c)) {
        pkt_drop(p, DROP_GSO_MALFORMED);
        return false;
    }
    /* At least one piece, even of nothing. */
    uint32_t count = c.payload > c.size ? (c.payload + c.size - 1) / c.size : 1;
    for (uint32_t i = 1; i < count; i++) {
        struct pkt *piece = cut_piece(p, &c, headroom, i);
        if (piece == NULL)
            goto no_memory;
        fit(piece, &c, i, i == count - 1);
        pktq_push(&pieces, piece);
    }
    /* The pieces hold their views; what p keeps is the first. Its linear part may be one of them.
     */
    pkt_trim(p, header_len(&c) + min_u32(c.size, c.payload));
    if (!pkt_reserve_headroom(p, headroom))
        goto no_memory;
    fit(p, &c, 0, count == 1);
    pktq_push(q, p);
    nst_pktq_splice(q, &pieces);
    return true;
no_memory:
    pktq_drop(&pieces, DROP_NO_MEMORY);
    pkt_drop(p, DROP_NO_MEMORY);
    return false;
}

#define LINK_HEADER_MAX 64

bool nst_pkt_segment(struct nst_pkt *public, uint32_t header, uint32_t headroom, struct nst_pktq *q)
{
    struct pkt *p = pkt_of(public);
    uint8_t copy[LINK_HEADER_MAX];
    struct nst_pktq pieces = {0};
    struct nst_pkt *piece;
    if (header > sizeof(copy) || header > p->linear) {
        pkt_drop(p, DROP_GSO_MALFORMED);
        return false;
    }
    memcpy(copy, p->data, header);
    nst_pkt_pull(public, header);
    if (!gso_cut(p, headroom + header, &pieces))
        return false;
    while ((piece = nst_pktq_pop(&pieces)) != NULL) {
        memcpy(nst_pkt_push(piece, header), copy, header);
        nst_pktq_push(q, piece);
    }
    return true;
}
