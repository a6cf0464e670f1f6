/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: the header is written in one go from what the destination knows, its checksum from the
 * sum of the addresses, which the destination keeps. What is longer than the path takes is cut
 * (RFC 791 3.2) after its transport checksum was completed, unless DF forbids it or it is to be
 * segmented below.
 *
 * Identification, RFC 6864: a counter for each destination that begins at a random value, so that
 * nobody but the peer can see or guess it (RFC 7739 5.2).
 */
#include "base/check.h"
#include "network/ipv4.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/icmp4.h"

#define FLAG_DF 0x4000u
#define FLAG_MF 0x2000u

/* Pushes the header. `frag` is the word of flags and offset. */
static inline void push_header(const struct dst *d, struct pkt *p, const struct ip_out *out,
                               uint16_t id, uint16_t frag)
{
    DEBUG_CHECK(nst_pkt_headroom(pkt_pub(p)) >= IP4_HDR_LEN);
    uint8_t *h = nst_pkt_push(pkt_pub(p), IP4_HDR_LEN);
    pkt_set_net(p);
    uint32_t ttl = out->ttl;
    if (ttl == 0) /* RFC 1112 6.1: a group's default is 1 */
        ttl = d->type == PKT_MULTICAST ? 1 : IP4_TTL_DEFAULT;
    const uint32_t w0 = be32_swap(0x45u << 24 | (uint32_t)out->tos << 16 | (p->len & 0xffff));
    const uint32_t w1 = be32_swap((uint32_t)id << 16 | frag);
    const uint32_t w2 = be32_swap(ttl << 24 | (uint32_t)out->proto << 16);
    const uint16_t csum = csum_fold(csum_reduce((uint64_t)w0 + w1 + w2 + d->addr_sum));
    memcpy(h, &w0, 4);
    memcpy(h + 4, &w1, 4);
    memcpy(h + 8, &w2, 4);
    be16_put(h + 10, csum);
    memcpy(h + 12, &d->source.w[3], 4);
    memcpy(h + 16, &d->addr.w[3], 4);
}

/* The fragments of p, whose data is at the transport header, in *q; false: no memory, q is empty.
 */
static bool cut(struct dst *d, const struct pkt *p, const struct ip_out *out, struct nst_pktq *q)
{
    const uint32_t step = (d->mtu - IP4_HDR_LEN) & ~7u;
    const uint16_t id = d->ip_id++;
    for (uint32_t offset = 0; offset < p->len; offset += step) {
        const uint32_t len = min_u32(step, p->len - offset);
        struct pkt *f = pkt_split(p, d->headroom, offset, len);
        if (f == NULL) {
            pktq_drop(q, DROP_NO_MEMORY);
            return false;
        }
        const bool last = offset + len == p->len;
        push_header(d, f, out, id, (uint16_t)(offset >> 3 | (last ? 0 : FLAG_MF)));
        pktq_push(q, f);
    }
    return true;
}

static SLOW_PATH int output_long(struct dst *d, struct pkt *p, const struct ip_out *out)
{
    struct nst_stack *stack = d->stack;
    if (out->dont_fragment || p->gso != NST_GSO_NONE || p->len > IP4_MAX_LEN - IP4_HDR_LEN) {
        pkt_drop(p, DROP_IP_TOO_BIG);
        return -NST_EMSGSIZE;
    }
    nst_pkt_complete_csum(pkt_pub(p));
    struct nst_pktq q = {0};
    if (!cut(d, p, out, &q)) {
        pkt_drop(p, DROP_NO_MEMORY);
        return -NST_ENOBUFS;
    }
    pkt_merge(p); /* its bytes live on in the fragments */
    COUNT(stack->counters.ip4_sent);
    COUNT_N(stack->counters.ip4_fragments_sent, q.count);
    int r = 0;
    for (struct pkt *f; (f = pktq_pop(&q)) != NULL;) {
        r = nic_output_dst(d, f, NST_ETHERTYPE_IPV4);
        if (r < 0) { /* half a packet is of no use to anybody */
            pktq_drop(&q, DROP_TX_NO_BUFFER);
            break;
        }
    }
    return r;
}

/* RFC 1112 6.1 */
static SLOW_PATH void loop(struct dst *d, const struct pkt *p, const struct ip_out *out)
{
    struct pkt *copy = dst_group_copy(d, p, IP4_HDR_LEN, IP4_MAX_LEN - IP4_HDR_LEN);
    if (copy == NULL)
        return;
    push_header(d, copy, out, d->ip_id, 0);
    nic_loop(d->nic, copy, NST_ETHERTYPE_IPV4);
}

int ip4_output(struct dst *d, struct pkt *p, const struct ip_out *out)
{
    const uint32_t len = p->len + IP4_HDR_LEN;
    pkt_set_trans(p);
    if (unlikely(out->loop && d->type == PKT_MULTICAST))
        loop(d, p, out);
    if (unlikely(len > d->mtu) && (p->gso == NST_GSO_NONE || len > IP4_MAX_LEN))
        return output_long(d, p, out);
    const uint16_t id = d->ip_id++;
    if (p->gso != NST_GSO_NONE && p->gso_size != 0) /* each segment gets one */
        d->ip_id = (uint16_t)(d->ip_id + p->len / p->gso_size);
    push_header(d, p, out, id, out->dont_fragment ? FLAG_DF : 0);
    COUNT(d->stack->counters.ip4_sent);
    return nic_output_dst(d, p, NST_ETHERTYPE_IPV4);
}

void ip4_unresolved(struct net_ep *ep, const struct pkt *p)
{
    struct ip4_hdr hdr;
    if (ip4_parse(p->data, p->linear, &hdr) == 0 || hdr.frag_off != 0 ||
        p->linear < hdr.hdr_len + 8u)
        return;
    const struct net_error_report report = {.nic = ep->nic,
                                            .kind = NET_ERROR_HOST_UNREACHABLE,
                                            .type = ICMP4_UNREACHABLE,
                                            .code = ICMP4_HOST_UNREACHABLE,
                                            .offender = addr_from_raw4(hdr.src4),
                                            .src = addr_from_raw4(hdr.src4),
                                            .dst = addr_from_raw4(hdr.dst4),
                                            .quote = p->data + hdr.hdr_len,
                                            .quote_len = p->linear - hdr.hdr_len};
    stack_report_unresolved(ep, p, hdr.proto, &report);
}
