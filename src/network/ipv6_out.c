/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending. What is longer than the path takes is cut here, at the source (RFC 8200 4.5), after its
 * transport checksum was completed, unless it is to be segmented below. Identifications are drawn
 * by chance (RFC 7739 5.3): 32 bits are enough for what can be under way at once.
 *
 * The flow label is a keyed hash of addresses and ports (RFC 6437 3): the same for all packets of a
 * flow, and telling nobody what the next flow's will be.
 */
#include "base/check.h"
#include "network/icmp6.h"
#include "network/ipv6.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/icmp6.h"
#include "wire/ndp.h"

#define LABEL_SHIFT 44 /* leaves 20 of 64 bits */

static uint32_t flow_label(const struct dst *d, const struct pkt *p, uint8_t proto)
{
    uint64_t words = d->addr_sum;
    if ((proto == IP_PROTO_TCP || proto == IP_PROTO_UDP) && p->linear >= 4)
        words |= (uint64_t)be32_get(p->data) << 32;
    return (uint32_t)((words * d->stack->ip6->label_factor) >> LABEL_SHIFT);
}

/* Pushes the fixed header. */
static inline void push_header(struct pkt *p, const struct nst_addr *src,
                               const struct nst_addr *dst, uint32_t first_word, uint32_t last)
{
    DEBUG_CHECK(nst_pkt_headroom(pkt_pub(p)) >= IP6_HDR_LEN);
    const uint32_t payload_len = p->len;
    uint8_t *h = nst_pkt_push(pkt_pub(p), IP6_HDR_LEN);
    pkt_set_net(p);
    be32_put(h, first_word);
    be32_put(h + 4, payload_len << 16 | last);
    memcpy(h + 8, src, sizeof(*src));
    memcpy(h + 24, dst, sizeof(*dst));
}

static inline uint32_t first_word(uint8_t tclass, uint32_t label)
{
    return 6u << 28 | (uint32_t)tclass << 20 | label;
}

/* Next header and hop limit as they stand side by side. */
static inline uint32_t last_word(const struct dst *d, const struct ip_out *out, uint8_t next)
{
    uint32_t hop_limit = out->ttl;
    if (hop_limit == 0 && d->type == PKT_MULTICAST) /* RFC 3493 5.2: a group's default is 1 */
        hop_limit = 1;
    else if (hop_limit == 0)
        hop_limit = d->hop_limit != 0 ? d->hop_limit : IP6_HOP_LIMIT_DEFAULT;
    return (uint32_t)next << 8 | hop_limit;
}

/* The fragments of p, whose data is at the transport header, in *q; false: no memory, q is empty.
 */
static bool cut(struct dst *d, const struct pkt *p, const struct ip_out *out, struct nst_pktq *q)
{
    const uint32_t step = (d->mtu - IP6_HDR_LEN - IP6_FRAGMENT_LEN) & ~7u;
    const uint32_t word = first_word(out->tos, flow_label(d, p, out->proto));
    const uint32_t last = last_word(d, out, IP_PROTO_FRAGMENT);
    struct ip6_fragment frag = {.id = rand_u32(&d->stack->rand), .next = out->proto};
    for (uint32_t offset = 0; offset < p->len; offset += step) {
        const uint32_t len = min_u32(step, p->len - offset);
        struct pkt *f = pkt_split(p, d->headroom + IP6_FRAGMENT_LEN, offset, len);
        if (f == NULL) {
            pktq_drop(q, DROP_NO_MEMORY);
            return false;
        }
        frag.off = (uint16_t)offset;
        frag.mf = offset + len < p->len;
        ip6_fragment_build(nst_pkt_push(pkt_pub(f), IP6_FRAGMENT_LEN), &frag);
        push_header(f, &d->source, &d->addr, word, last);
        pktq_push(q, f);
    }
    return true;
}

static SLOW_PATH int output_long(struct dst *d, struct pkt *p, const struct ip_out *out)
{
    struct nst_stack *stack = d->stack;
    if (out->dont_fragment || p->gso != NST_GSO_NONE || p->len > UINT16_MAX) {
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
    COUNT(stack->counters.ip6_sent);
    COUNT_N(stack->counters.ip6_fragments_sent, q.count);
    int r = 0;
    for (struct pkt *f; (f = pktq_pop(&q)) != NULL;) {
        r = nic_output_dst(d, f, NST_ETHERTYPE_IPV6);
        if (r < 0) { /* half a packet is of no use to anybody */
            pktq_drop(&q, DROP_TX_NO_BUFFER);
            break;
        }
    }
    return r;
}

/* As over IPv4. */
static SLOW_PATH void loop(struct dst *d, const struct pkt *p, const struct ip_out *out)
{
    struct pkt *copy = dst_group_copy(d, p, IP6_HDR_LEN, UINT16_MAX);
    if (copy == NULL)
        return;
    push_header(copy, &d->source, &d->addr, first_word(out->tos, flow_label(d, copy, out->proto)),
                last_word(d, out, out->proto));
    nic_loop(d->nic, copy, NST_ETHERTYPE_IPV6);
}

int ip6_output(struct dst *d, struct pkt *p, const struct ip_out *out)
{
    pkt_set_trans(p);
    if (unlikely(out->loop && d->type == PKT_MULTICAST))
        loop(d, p, out);
    if (unlikely(p->len + IP6_HDR_LEN > d->mtu) && (p->gso == NST_GSO_NONE || p->len > UINT16_MAX))
        return output_long(d, p, out);
    push_header(p, &d->source, &d->addr, first_word(out->tos, flow_label(d, p, out->proto)),
                last_word(d, out, out->proto));
    COUNT(d->stack->counters.ip6_sent);
    return nic_output_dst(d, p, NST_ETHERTYPE_IPV6);
}

void ip6_send_ndp(struct net_ep *ep, struct pkt *p, const struct nst_addr *src,
                  const struct nst_addr *dst, const struct nst_mac *mac)
{
    struct nic *nic = ep->nic;
    icmp6_csum_put(p->data, csum_add(csum_pseudo_v6(src, dst, IP_PROTO_ICMPV6, p->len),
                                     pkt_csum(p, 0, p->len)));
    pkt_set_trans(p);
    push_header(p, src, dst, first_word(0, 0), (uint32_t)IP_PROTO_ICMPV6 << 8 | NDP_HOP_LIMIT);
    if (mac != NULL) {
        nic_output(nic, p, NST_ETHERTYPE_IPV6, mac);
        return;
    }
    struct neigh *n = neigh_get(&ep->neighs, dst);
    if (n == NULL) {
        pkt_drop(p, DROP_NO_MEMORY);
        return;
    }
    nic_output_neigh(nic, p, NST_ETHERTYPE_IPV6, n);
    neigh_put(n);
}

void ip6_unresolved(struct net_ep *ep, const struct pkt *p)
{
    struct ip6_chain chain;
    if (!ip6_read_chain(p->data, p->linear, &chain) || chain.later_fragment ||
        p->linear < chain.len + 8)
        return;
    const struct net_error_report report = {.nic = ep->nic,
                                            .kind = NET_ERROR_HOST_UNREACHABLE,
                                            .type = ICMP6_UNREACHABLE,
                                            .code = ICMP6_ADDR_UNREACHABLE,
                                            .offender = addr_v6_get(p->data + 8),
                                            .src = addr_v6_get(p->data + 8),
                                            .dst = addr_v6_get(p->data + 24),
                                            .quote = p->data + chain.len,
                                            .quote_len = p->linear - chain.len};
    stack_report_unresolved(ep, p, chain.next, &report);
}
