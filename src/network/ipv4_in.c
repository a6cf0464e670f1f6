/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. A packet is judged in this order, and the first objection decides: header
 * shape (and padding is cut off), header checksum, source, destination, options, reassembly; then
 * its transport gets it. What a link says about checksums is about the transport's (N25): the
 * header's own is always checked. What passed is kept as a known flow (flow_cache.h), whose next
 * packet costs one comparison.
 *
 * RFC 1122 3.2.1.3 (addresses), 3.3.6 (link broadcasts), 3.3.4.2 (strong model by default, weak by
 * stack->weak_host), 3.2.1.8 and RFC 7126 (options). Not done: forwarding.
 */
#include "base/check.h"
#include "network/ipv4.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"

/* A header without options, whole, of a packet without padding: nearly every one. */
static inline bool is_plain(const struct pkt *p)
{
    if (p->linear < IP4_HDR_LEN || p->data[0] != 0x45)
        return false;
    const uint32_t total_len = be16_get(p->data + 2);
    return total_len >= IP4_HDR_LEN && total_len == p->len;
}

static SLOW_PATH bool parse_any(struct pkt *p)
{
    if (!pkt_pull_up(p, IP4_HDR_LEN))
        return false;
    const uint32_t hdr_len = (p->data[0] & 0x0fu) * 4;
    if (hdr_len > p->linear && !pkt_pull_up(p, hdr_len))
        return false;
    struct ip4_hdr hdr;
    if (ip4_parse(p->data, p->linear, &hdr) == 0 || hdr.total_len > p->len)
        return false;
    if (p->len > hdr.total_len) /* RFC 894: Ethernet pads */
        pkt_trim(p, hdr.total_len);
    p->trans_off = (uint16_t)(p->data + hdr_len - p->head);
    return true;
}

bool ip4_parse_packet(struct pkt *p)
{
    if (unlikely(!is_plain(p)))
        return parse_any(p);
    p->trans_off = (uint16_t)(p->data + IP4_HDR_LEN - p->head);
    return true;
}

bool ip4_source_is_sane(const struct net_ep *ep, uint32_t src4, bool to_group)
{
    const struct nst_addr src = addr_from_raw4(src4);
    const uint8_t first = src.b[12];
    /* RFC 1122 3.2.1.3 a: "this host" asks a group, for its address; "a host of this net" never. */
    if (first == 0)
        return src4 == 0 && to_group;
    /* (c), (g), RFC 1112 4: 224/4 and 240/4, loopback from outside. */
    if (first >= 224)
        return false;
    if (first == 127)
        return (ep->nic->link->caps & NST_LINK_LOOPBACK) != 0;
    return addrs_classify(ep, &src) != ADDR_SUBNET_BROADCAST; /* (e) */
}

/* What the destination is to us; false: nothing. */
static bool judge_destination(const struct net_ep *ep, const struct pkt *p, struct rx *rx)
{
    const struct nst_stack *stack = ep->nic->stack;
    const uint8_t first = rx->dst.b[12];
    rx->dst_assigned = true;
    if (addr_raw4_is_limited_broadcast(rx->dst.w[3])) {
        rx->type = PKT_BROADCAST;
        return true;
    }
    if (addr_raw4_is_multicast(rx->dst.w[3])) {
        rx->type = PKT_MULTICAST;
        rx->dst_assigned = groups_has(ep, &rx->dst); /* N68 */
        return rx->dst_assigned || ep->nic->promiscuous;
    }
    if (first == 0 || first >= 240 ||
        (first == 127 && (ep->nic->link->caps & NST_LINK_LOOPBACK) == 0))
        return false;
    const enum addr_kind kind = addrs_classify(ep, &rx->dst);
    if (kind == ADDR_SUBNET_BROADCAST) {
        rx->type = PKT_BROADCAST;
        return true;
    }
    rx->type = PKT_HOST;
    /* RFC 1122 3.3.6: a link broadcast may not carry a unicast. */
    if (p->type == PKT_BROADCAST || p->type == PKT_MULTICAST)
        return false;
    if (kind == ADDR_ASSIGNED)
        return true;
    if (stack->weak_host && addrs_owner(stack, NET_IPV4, &rx->dst) != NULL)
        return true;
    rx->dst_assigned = false;
    return kind == ADDR_TEMPORARY;
}

/* Fills in rx->type and dst_assigned; DROP_REASON_MAX: fine. */
static enum drop_reason judge_addresses(const struct net_ep *ep, const struct pkt *p, struct rx *rx)
{
    const bool ours = judge_destination(ep, p, rx);
    if (!ip4_source_is_sane(ep, rx->src.w[3], rx->type != PKT_HOST))
        return DROP_IP_BAD_SOURCE;
    if (!ours)
        return DROP_IP_NOT_OURS;
    return DROP_REASON_MAX;
}

/*
 * The options of a packet for us. Record route and timestamps are read over: nothing is recorded.
 * DEVIATION: RFC 1122 3.2.1.8 c wants source routes to be obeyed; RFC 7126 4.3 and 4.4 tell
 * everybody to refuse them, and we do.
 */
static bool judge_options(struct net_ep *ep, const struct pkt *p, const struct ip4_hdr *hdr)
{
    struct ip4_opt_iter it =
        ip4_opt_begin(p->data + IP4_HDR_LEN, (size_t)hdr->hdr_len - IP4_HDR_LEN);
    struct ip4_opt opt;
    while (ip4_opt_next(&it, &opt))
        if (opt.type == IP4_OPT_LSRR || opt.type == IP4_OPT_SSRR)
            return false;
    if (!it.malformed)
        return true;
    /* RFC 1122 3.2.2.5: say which byte. */
    ep->proto->send_error(ep->nic, p, NET_ERROR_PARAMETER, IP4_HDR_LEN + (uint32_t)it.bad_off);
    return false;
}

static void refuse(struct net_ep *ep, struct pkt *p, enum drop_reason reason)
{
    struct stack_counters *c = &ep->nic->stack->counters;
    if (reason == DROP_IP_BAD_SOURCE || reason == DROP_IP_NOT_OURS)
        COUNT(c->ip4_address_errors);
    else
        COUNT(c->ip4_header_errors);
    pkt_drop(p, reason);
}

/* The bytes of a transport header that its first fragment has to show: RFC 3128 for TCP. */
static uint32_t least_first(uint8_t proto)
{
    return proto == IP_PROTO_TCP ? 20 : 8;
}

static struct pkt *reassemble(struct net_ep *ep, struct pkt *p, const struct ip4_hdr *hdr)
{
    const struct fragment fragment = {
        .src = addr_from_raw4(hdr->src4),
        .dst = addr_from_raw4(hdr->dst4),
        .id = hdr->id,
        .offset = hdr->frag_off,
        .hdr_len = hdr->hdr_len,
        .least = least_first(hdr->proto),
        .proto = hdr->proto,
        .tos = hdr->tos,
        .more = hdr->mf,
    };
    return reassembly_add(&ep->nic->stack->ip4->reassembly, ep, p, &fragment);
}

void ip4_fix_header(struct pkt *p, uint32_t hdr_len, uint32_t len, bool ce)
{
    struct ip4_hdr hdr;
    ip4_parse(p->data, p->linear, &hdr);
    hdr.total_len = (uint16_t)(hdr_len + len);
    if (ce)
        hdr.tos |= IP_ECN_CE;
    hdr.mf = false;
    ip4_build(p->data, &hdr);
}

/* The rarer part: options and fragments. Gives the whole packet with its header in *hdr, or NULL.
 */
static struct pkt *input_slow(struct net_ep *ep, struct pkt *p, struct ip4_hdr *hdr)
{
    if (hdr->hdr_len > IP4_HDR_LEN && !judge_options(ep, p, hdr)) {
        refuse(ep, p, DROP_IP_OPTIONS);
        return NULL;
    }
    if (!ip4_is_fragment(hdr))
        return p;
    p = reassemble(ep, p, hdr);
    if (p != NULL)
        ip4_parse(p->data, p->linear, hdr);
    return p;
}

static inline void deliver(struct nst_stack *stack, struct pkt *p, const struct rx *rx,
                           uint32_t hdr_len)
{
    nst_pkt_pull(pkt_pub(p), hdr_len);
    COUNT(stack->counters.ip4_delivered);
    stack_deliver_transport(stack, p, rx);
}

/* ---- The flow cache ---- */

/* In one piece, without options, and long enough for ports. */
static inline bool may_be_known(const struct pkt *p)
{
    return p->type == PKT_HOST && p->linear >= IP4_HDR_LEN + 4 && p->data[0] == 0x45 &&
           (csum_load16(p->data + 6) & be16_swap(IP4_FRAGMENT)) == 0;
}

static inline struct flow_slot *slot_of(struct nst_stack *stack, const uint8_t *header)
{
    uint64_t addrs;
    memcpy(&addrs, header + 12, sizeof(addrs));
    return flow_slot_of(&stack->flows, addrs, flow_ports(header + IP4_HDR_LEN));
}

/* The slot of p's flow; NULL: it is not known. */
static inline struct flow_slot *find_known(struct net_ep *ep, const struct pkt *p)
{
    if (unlikely(!may_be_known(p)))
        return NULL;
    struct nst_stack *stack = ep->nic->stack;
    const uint8_t *h = p->data;
    struct flow_slot *slot = slot_of(stack, h);
    if (likely(slot->rx.src.w[3] == addr_raw4_get(h + 12) &&
               slot->rx.dst.w[3] == addr_raw4_get(h + 16) &&
               flow_is(slot, ep, h[9], flow_ports(h + IP4_HDR_LEN), stack->routes.generation)))
        return slot;
    return NULL;
}

/* What was found out about p, whose addresses are good. */
static void keep(struct net_ep *ep, const struct pkt *p, struct rx *rx)
{
    struct nst_stack *stack = ep->nic->stack;
    if (rx->type == PKT_HOST && rx->dst_assigned && flow_has_ports(rx->proto) && may_be_known(p))
        flow_keep(slot_of(stack, p->data), rx, ep, flow_ports(p->data + IP4_HDR_LEN),
                  stack->routes.generation);
}

/* ---- Input ---- */

/* Every packet: in the order that the theory of operation gives. */
static SLOW_PATH void input_any(struct net_ep *ep, struct pkt *p)
{
    struct ip4_hdr hdr;
    ip4_parse(p->data, p->linear, &hdr);
    if (!ip4_csum_ok(p->data, hdr.hdr_len)) {
        refuse(ep, p, DROP_IP_CSUM);
        return;
    }
    struct rx rx = {.nic = ep->nic,
                    .net = ep->proto,
                    .src = addr_from_raw4(hdr.src4),
                    .dst = addr_from_raw4(hdr.dst4)};
    const enum drop_reason objection = judge_addresses(ep, p, &rx);
    if (objection != DROP_REASON_MAX) {
        refuse(ep, p, objection);
        return;
    }
    p = input_slow(ep, p, &hdr);
    if (p == NULL)
        return;
    rx.proto = hdr.proto;
    rx.ttl = hdr.ttl;
    rx.tos = hdr.tos;
    keep(ep, p, &rx);
    p->trans_off = (uint16_t)(p->net_off + hdr.hdr_len); /* a whole that was reassembled, too */
    deliver(ep->nic->stack, p, &rx, hdr.hdr_len);
}

/* The same for a packet of a flow that is known: nothing else can object. ip4_parse_packet has
 * found the header, and that its length is plausible. */
void ip4_input(struct net_ep *ep, struct pkt *p)
{
    struct nst_stack *stack = ep->nic->stack;
    const uint8_t *h = p->data;
    COUNT(stack->counters.ip4_received);
    struct flow_slot *slot = find_known(ep, p);
    if (unlikely(slot == NULL || !csum_header20_ok(h))) {
        input_any(ep, p);
        return;
    }
    slot->rx.ttl = h[8];
    slot->rx.tos = h[1];
    deliver(stack, p, &slot->rx, IP4_HDR_LEN);
}
