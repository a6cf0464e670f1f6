/* SPDX-License-Identifier: Apache-2.0 */
/* Inbound: NIC.md section 2. receive and deliver_network are the contract, in its order. */
#include "base/check.h"
#include "stack/coalesce.h"
#include "stack/nic.h"
#include "wire/addr.h"

/* What a packet in loopq is. */
struct loop_cb {
    uint16_t ethertype;
};

void nic_deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    struct nic *nic = container_of(upper, struct nic, upper);
    for (struct nst_pkt *p = q->first; p != NULL; p = p->next) {
        DEBUG_CHECK(pkt_of(p)->pool == nic->stack->pool);
        pkt_receive(pkt_of(p));
    }
    TAPE(nic->stack, delivered, nic, q);
    nst_pktq_splice(&nic->rxq, q);
}

struct nst_mac nic_sender(const struct nic *nic, const struct pkt *p)
{
    struct nst_link_header header = {.ethertype = 0};
    if (p->link_off >= p->net_off) /* looped: there is no link header */
        return header.src;
    /* Read anew, by a view of its own: p stays as it is. */
    struct nst_pkt view = *(const struct nst_pkt *)p;
    nst_pkt_push(&view, (uint32_t)(p->data - p->head) - p->link_off);
    const bool whole = nic->link->ops->parse_header(nic->link, &view, &header);
    TAPE(nic->stack, parsed, nic, (uint32_t)p->net_off - p->link_off, whole ? &header : NULL);
    return header.src;
}

/* A destination that is not the NIC's own. */
static SLOW_PATH uint8_t type_of_other(const struct nic *nic, const struct nst_mac *dst)
{
    if (mac_is_broadcast(dst))
        return PKT_BROADCAST;
    if (mac_is_multicast(dst))
        return PKT_MULTICAST;
    return (nic->link->caps & NST_LINK_RESOLVES) != 0 ? PKT_OTHERHOST : PKT_HOST;
}

/* N24: whom the frame is for, by its destination. N23: left empty, it is the NIC's own. */
static inline uint8_t type_of(const struct nic *nic, const struct nst_mac *dst)
{
    if (mac_is_zero(dst) || mac_equal(dst, &nic->link->addr))
        return PKT_HOST;
    return type_of_other(nic, dst);
}

/* N26: packet sockets see N23's address, too. */
static SLOW_PATH void tap(struct nic *nic, struct pkt *p, struct nst_link_header *header)
{
    if (mac_is_zero(&header->dst))
        header->dst = nic->link->addr;
    nic_tap_inbound(nic, p, header);
}

static struct net_ep *ep_by_ethertype(struct nic *nic, uint16_t ethertype)
{
    for (unsigned i = 0; i < NET_INDEX_MAX; i++) {
        struct net_ep *ep = &nic->eps[i];
        if (ep->proto != NULL && ep->proto->ethertype == ethertype)
            return ep;
    }
    return NULL;
}

/* N28: it claims to come from an address of this very NIC. The header was found whole. */
static bool has_own_source(const struct net_ep *ep, const struct pkt *p)
{
    struct nst_addr source;
    if (likely(ep->proto->index == NET_IPV4))
        source = addr_v4_get(p->data + 12);
    else if (ep->proto->index == NET_IPV6)
        source = addr_v6_get(p->data + 8);
    else
        return false;
    return addrs_has(ep, &source);
}

/* N27 to N29: p, data at the network header, goes to its protocol. */
static inline void deliver_network(struct net_ep *ep, struct pkt *p)
{
    struct nic *nic = ep->nic;

    /* N27: a whole network header; its transport header is found, not judged */
    if (unlikely(!ep->proto->parse(p))) {
        COUNT(nic->counters.rx_malformed);
        pkt_drop(p, DROP_NET_MALFORMED);
        return;
    }
    /* N28: a promiscuous NIC does not make every source ours, so only assigned addresses count */
    if (nic->stack->handle_local && (nic->link->caps & NST_LINK_LOOPBACK) == 0 &&
        unlikely(has_own_source(ep, p))) {
        COUNT(nic->counters.rx_own_source);
        pkt_drop(p, DROP_OWN_SOURCE);
        return;
    }
    /* N29 */
    ep->proto->input(ep, p);
}

static void deliver_due(struct nic *nic, struct nst_pktq *due)
{
    while (!nst_pktq_is_empty(due)) {
        struct pkt *p = pktq_pop(due);
        deliver_network(&nic->eps[p->data[0] >> 4 == 4 ? NET_IPV4 : NET_IPV6], p);
    }
}

/* N20 to N26, and on. `c` is NULL where nothing is to be merged. */
static void receive(struct nic *nic, struct pkt *p, struct coalesce *c)
{
    /* N20: the link's header becomes values, and data stands at the network header */
    struct nst_link_header header;
    pkt_set_link(p);
    bool whole = nic->link->ops->parse_header(nic->link, pkt_pub(p), &header);
    pkt_set_net(p);
    p->nic_id = nic->id;
    TAPE(nic->stack, parsed, nic, (uint32_t)p->net_off - p->link_off, whole ? &header : NULL);

    /* N21: nothing else counts or sees it */
    if (unlikely(!nic->enabled)) {
        COUNT(nic->counters.rx_disabled_packets);
        COUNT_N(nic->counters.rx_disabled_bytes, p->len);
        pkt_drop(p, DROP_NIC_DISABLED);
        return;
    }
    /* N22: before anything can drop it */
    COUNT(nic->counters.rx_packets);
    COUNT_N(nic->counters.rx_bytes, p->len);
    if (unlikely(!whole)) {
        COUNT(nic->counters.rx_malformed);
        pkt_drop(p, DROP_LINK_MALFORMED);
        return;
    }
    if (p->arrival == 0)
        p->arrival = nic->stack->now;

    /* N23, N24 */
    p->type = type_of(nic, &header.dst);
    /* N25: p->csum is what the link said */

    /* N26: each, whatever it is and whomever it is for */
    if (unlikely(nic->tapped))
        tap(nic, p, &header);
    /* N24: and no farther, but into a promiscuous NIC */
    if (unlikely(p->type == PKT_OTHERHOST)) {
        COUNT(nic->counters.rx_otherhost);
        if (!nic->promiscuous) {
            pkt_drop(p, DROP_OTHERHOST);
            return;
        }
    }
    /* N26: what nobody but packet sockets wants */
    struct net_ep *ep = ep_by_ethertype(nic, header.ethertype);
    if (unlikely(ep == NULL)) {
        COUNT(nic->counters.rx_unknown_protocol);
        tally_add(&nic->unknown_protocols, header.ethertype);
        pkt_drop(p, DROP_UNKNOWN_PROTOCOL);
        return;
    }
    if (c != NULL && p->type == PKT_HOST &&
        coalesce_concerns(p, (enum net_index)ep->proto->index)) {
        struct nst_pktq due = {0};
        bool taken = coalesce_add(c, p, &due);
        deliver_due(nic, &due);
        if (taken)
            return;
    }
    deliver_network(ep, p);
}

/* A packet of our own to an address of our own: no link, so N21 to N28 do not apply. */
static void receive_looped(struct nic *nic, struct pkt *p)
{
    struct net_ep *ep = ep_by_ethertype(nic, PKT_CB(p, struct loop_cb)->ethertype);
    pkt_set_link(p);
    pkt_set_net(p);
    p->nic_id = nic->id;
    p->type = PKT_HOST;
    p->arrival = nic->stack->now;
    if (ep == NULL || !ep->proto->parse(p)) {
        pkt_drop(p, DROP_NET_MALFORMED);
        return;
    }
    ep->proto->input(ep, p);
}

int nic_loop(struct nic *nic, struct pkt *p, uint16_t ethertype)
{
    _Static_assert(sizeof(struct loop_cb) <= PKT_CB_SIZE, "");
    if (!nic->enabled) {
        pkt_drop(p, DROP_TX_NIC_DOWN);
        return -NST_ENETDOWN;
    }
    if (nic->loopq.count >= nic->txq_max_packets || nic->loopq.bytes >= nic->txq_max_bytes) {
        COUNT(nic->counters.tx_dropped_no_buffer);
        pkt_drop(p, DROP_TX_NO_BUFFER);
        return -NST_ENOBUFS;
    }
    PKT_CB(p, struct loop_cb)->ethertype = ethertype;
    pktq_push(&nic->loopq, p);
    return 0;
}

static uint32_t run_received(struct nic *nic, uint32_t limit)
{
    uint32_t count = min_u32(limit, nic->rxq.count);
    /* One packet has none to be merged with. */
    if (count <= 1 || (nic->link->caps & NST_LINK_NO_MERGE) != 0) {
        for (uint32_t i = 0; i < count; i++)
            receive(nic, pktq_pop(&nic->rxq), NULL);
        return count;
    }
    struct coalesce c;
    struct nst_pktq due = {0};
    coalesce_init(&c);
    for (uint32_t i = 0; i < count; i++)
        receive(nic, pktq_pop(&nic->rxq), &c);
    coalesce_flush(&c, &due);
    deliver_due(nic, &due);
    COUNT_N(nic->counters.rx_merged, c.merged);
    return count;
}

uint32_t nic_run_input(struct nic *nic, uint32_t limit)
{
    uint32_t done = run_received(nic, limit);
    /* What is looped while this runs waits for the next turn. */
    uint32_t looped = min_u32(limit - done, nic->loopq.count);
    for (uint32_t i = 0; i < looped; i++)
        receive_looped(nic, pktq_pop(&nic->loopq));
    return done + looped;
}
