/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. A packet is judged in this order, and the first objection decides: header
 * shape (and padding is cut off), source, destination, the chain of extension headers (with
 * reassembly); then its transport gets it. What passed is kept as a known flow (flow_cache.h).
 *
 * IPv4-mapped addresses (::ffff:0:0/96) are how the stack writes IPv4 addresses, so no packet on a
 * wire may have one: it would be taken for what it is not (RFC 4942 2.2).
 *
 * RFC 8200 3 and 4, RFC 4291 2.5 to 2.8. The strong host model by default, weak by
 * stack->weak_host, but never for link-local addresses. Not done: forwarding; jumbograms (RFC
 * 2675).
 */
#include "base/check.h"
#include "network/ipv6.h"
#include "network/ndp.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"

bool ip6_parse_packet(struct pkt *p)
{
    if (!pkt_pull_up(p, IP6_HDR_LEN) || p->data[0] >> 4 != 6)
        return false;
    const uint32_t total_len = (uint32_t)be16_get(p->data + 4) + IP6_HDR_LEN;
    if (unlikely(total_len != p->len)) {
        if (total_len > p->len)
            return false;
        pkt_trim(p, total_len); /* padding */
    }
    p->trans_off = (uint16_t)(p->data + IP6_HDR_LEN - p->head);
    return true;
}

static bool is_loopback_link(const struct net_ep *ep)
{
    return (ep->nic->link->caps & NST_LINK_LOOPBACK) != 0;
}

bool ip6_source_is_sane(const struct net_ep *ep, const struct nst_addr *src, bool to_group)
{
    if (addr_is_multicast(src) || nst_addr_is_v4(src))
        return false;
    /* RFC 4291 2.5.2: who has no address yet speaks to groups only. */
    if (addr_is_unspecified(src))
        return to_group;
    return !addr_is_loopback(src) || is_loopback_link(ep);
}

/* What the destination is to us; false: nothing. */
static bool judge_destination(const struct net_ep *ep, const struct pkt *p, struct rx *rx)
{
    const struct nst_stack *stack = ep->nic->stack;
    rx->dst_assigned = true;
    rx->type = PKT_HOST;
    if (nst_addr_is_v4(&rx->dst) || addr_is_unspecified(&rx->dst) ||
        (addr_is_loopback(&rx->dst) && !is_loopback_link(ep)))
        return false;
    if (addr_is_multicast(&rx->dst)) {
        rx->type = PKT_MULTICAST;
        rx->dst_assigned = ndp_takes_group(ep, &rx->dst);
        return rx->dst_assigned || ep->nic->promiscuous;
    }
    /* As RFC 1122 3.3.6 has it: a link broadcast may not carry a unicast. */
    if (p->type == PKT_BROADCAST || p->type == PKT_MULTICAST)
        return false;
    const enum addr_kind kind = addrs_classify(ep, &rx->dst);
    if (kind == ADDR_ASSIGNED)
        return true;
    if (stack->weak_host && !addr_is_link_local(&rx->dst) &&
        addrs_owner(stack, NET_IPV6, &rx->dst) != NULL)
        return true;
    rx->dst_assigned = false;
    return kind == ADDR_TEMPORARY;
}

/* Fills in rx->type and dst_assigned; DROP_REASON_MAX: fine. */
static enum drop_reason judge_addresses(const struct net_ep *ep, const struct pkt *p, struct rx *rx)
{
    const bool ours = judge_destination(ep, p, rx);
    if (!ip6_source_is_sane(ep, &rx->src, rx->type != PKT_HOST))
        return DROP_IP_BAD_SOURCE;
    if (!ours)
        return DROP_IP_NOT_OURS;
    return DROP_REASON_MAX;
}

static inline uint8_t tclass_of(const uint8_t *header)
{
    return (uint8_t)(be16_get(header) >> 4);
}

static inline void deliver(struct nst_stack *stack, struct pkt *p, const struct rx *rx,
                           uint32_t hdr_len)
{
    nst_pkt_pull(pkt_pub(p), hdr_len);
    COUNT(stack->counters.ip6_delivered);
    stack_deliver_transport(stack, p, rx);
}

/* ---- The flow cache ---- */

/* In one piece, without extension headers, and long enough for ports. */
static inline bool may_be_known(const struct pkt *p)
{
    return p->type == PKT_HOST && p->linear >= IP6_HDR_LEN + 4 && flow_has_ports(p->data[6]);
}

static inline struct flow_slot *slot_of(struct nst_stack *stack, const uint8_t *header)
{
    uint64_t src, dst;
    memcpy(&src, header + 16, sizeof(src)); /* the interfaces' halves */
    memcpy(&dst, header + 32, sizeof(dst));
    return flow_slot_of(&stack->flows, src ^ dst, flow_ports(header + IP6_HDR_LEN));
}

/* The slot of p's flow; NULL: it is not known. */
static inline struct flow_slot *find_known(struct net_ep *ep, const struct pkt *p)
{
    if (unlikely(!may_be_known(p)))
        return NULL;
    struct nst_stack *stack = ep->nic->stack;
    const uint8_t *h = p->data;
    struct flow_slot *slot = slot_of(stack, h);
    if (likely(memcmp(&slot->rx.src, h + 8, 16) == 0 && memcmp(&slot->rx.dst, h + 24, 16) == 0 &&
               flow_is(slot, ep, h[6], flow_ports(h + IP6_HDR_LEN), stack->routes.generation)))
        return slot;
    return NULL;
}

/* What was found out about p, whose addresses are good. */
static void keep(struct net_ep *ep, const struct pkt *p, struct rx *rx)
{
    struct nst_stack *stack = ep->nic->stack;
    if (rx->type == PKT_HOST && rx->dst_assigned && may_be_known(p))
        flow_keep(slot_of(stack, p->data), rx, ep, flow_ports(p->data + IP6_HDR_LEN),
                  stack->routes.generation);
}

/* ---- Input ---- */

static void refuse_ndp(struct nst_stack *stack, struct pkt *p)
{
    COUNT(stack->counters.ndp_malformed);
    pkt_drop(p, DROP_NDP_MALFORMED);
}

static void deliver_any(struct net_ep *ep, struct pkt *p, struct rx *rx,
                        const struct ip6_chain *chain)
{
    keep(ep, p, rx);
    p->trans_off = (uint16_t)(p->net_off + chain->len);
    deliver(ep->nic->stack, p, rx, chain->len);
}

/* Every packet: in the order that the theory of operation gives. */
static SLOW_PATH void input_any(struct net_ep *ep, struct pkt *p)
{
    struct nst_stack *stack = ep->nic->stack;
    struct rx rx = {.nic = ep->nic,
                    .net = ep->proto,
                    .src = addr_v6_get(p->data + 8),
                    .dst = addr_v6_get(p->data + 24),
                    .proto = p->data[6],
                    .ttl = p->data[7],
                    .tos = tclass_of(p->data),
                    .type = PKT_HOST};
    const enum drop_reason objection = judge_addresses(ep, p, &rx);
    if (objection != DROP_REASON_MAX) {
        COUNT(stack->counters.ip6_address_errors);
        pkt_drop(p, objection);
        return;
    }
    struct ip6_chain chain;
    p = ip6_obey_chain(ep, p, &rx, &chain);
    if (p == NULL)
        return;
    rx.proto = chain.next;
    rx.tos = tclass_of(p->data);     /* a fragment's congestion mark may have come in */
    if (chain.next == IP_PROTO_NONE) /* RFC 8200 4.7: nothing follows */
        pkt_drop(p, DROP_TRANS_UNKNOWN);
    else if (chain.fragmented && ndp_is_message(p, &chain)) /* RFC 6980 5: silently */
        refuse_ndp(stack, p);
    else
        deliver_any(ep, p, &rx, &chain);
}

/* The same for a packet of a flow that is known: nothing else can object. ip6_parse_packet has
 * found the header, and that its length is plausible. */
void ip6_input(struct net_ep *ep, struct pkt *p)
{
    struct nst_stack *stack = ep->nic->stack;
    const uint8_t *h = p->data;
    COUNT(stack->counters.ip6_received);
    struct flow_slot *slot = find_known(ep, p);
    if (unlikely(slot == NULL)) {
        input_any(ep, p);
        return;
    }
    slot->rx.ttl = h[7];
    slot->rx.tos = tclass_of(h);
    deliver(stack, p, &slot->rx, IP6_HDR_LEN);
}
