/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. Like ARP, neighbour discovery has no state of its own: questions and answers
 * go to the neighbour table of the IPv6 endpoint (stack/neigh.c), what concerns tentative addresses
 * to dad.c.
 *
 * Every message has to pass the checks of RFC 4861 6.1, 7.1 and 8.1: hop limit 255, so that it
 * comes from the link; code 0; whole options. In fragments they never get here (RFC 6980 5:
 * ipv6_in.c drops them).
 *
 * Who is answered (N89): whoever asks for an assigned address; on a spoofing NIC for any address,
 * without the override flag, except where that would deny an address to its owner (probes). Who is
 * believed: who asks for an address of ours (N85), and whose advertisement we have an entry for
 * (N86).
 *
 * What routers say goes to router.c. Not done: anycast; proxies.
 */
#include "network/ndp.h"

#include "network/acd.h"
#include "network/dad.h"
#include "network/ipv6.h"
#include "network/router.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/ndp.h"

#define ANNOUNCEMENTS 3 /* MAX_NEIGHBOR_ADVERTISEMENT */
#define MESSAGE_MAX   (NDP_NEIGHBOR_LEN + NDP_OPT_MAC_LEN + NDP_OPT_NONCE_LEN)

static const struct nst_addr all_nodes = {{{0xff, 0x02, [15] = 1}}};
static const struct nst_addr all_routers = {{{0xff, 0x02, [15] = 2}}};

/* ---- Groups ---- */

static bool is_all_nodes(const struct nst_addr *group)
{
    return group->q[1] == all_nodes.q[1] && group->w[1] == 0 && group->b[0] == 0xff &&
           group->b[2] == 0 && group->b[3] == 0;
}

bool ndp_takes_group(const struct net_ep *ep, const struct nst_addr *group)
{
    const bool loopback = (ep->nic->link->caps & NST_LINK_LOOPBACK) != 0;
    /* RFC 4291 2.7: interface-local ones never come from a wire; scope 0 is no scope. */
    if (groups_has(ep, group))
        return (group->b[1] & 0x0f) != 0 && ((group->b[1] & 0x0f) != 1 || loopback);
    if (is_all_nodes(group))
        return group->b[1] == 2 || (group->b[1] == 1 && loopback);
    const struct nst_addr own = addr_solicited_node(group);
    if (!nst_addr_equal(&own, group))
        return false;
    if (ep->nic->spoofing)
        return true;
    const struct addr_entry *e;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (memcmp(e->info.addr.b + 13, group->b + 13, 3) == 0)
            return true;
    }
    return false;
}

/* ---- Sending ---- */

/* Sends to `dst`; mac NULL: a group's link address is known, a neighbour's is looked up. */
static bool send(struct net_ep *ep, const uint8_t *message, size_t len, const struct nst_addr *src,
                 const struct nst_addr *dst, const struct nst_mac *mac)
{
    struct pkt *p = nic_build(ep->nic, IP6_HDR_LEN, (uint32_t)len);
    if (p == NULL)
        return false;
    memcpy(p->data, message, len);
    const struct nst_mac group = mac_from_group(dst);
    if (mac == NULL && addr_is_multicast(dst))
        mac = &group;
    ip6_send_ndp(ep, p, src, dst, mac);
    return true;
}

void ndp_solicit(struct net_ep *ep, const struct nst_addr *target, const struct nst_mac *mac)
{
    static const struct nst_addr none;
    uint8_t message[MESSAGE_MAX];
    struct nst_addr source;
    if (!addrs_select_source(ep, target, &none, &source))
        return;
    const struct ndp_neighbor question = {.target = *target};
    size_t len = ndp_neighbor_build(message, ICMP6_NEIGHBOR_SOLICITATION, &question);
    len += ndp_opt_mac_build(message + len, NDP_OPT_SOURCE_MAC, &ep->nic->link->addr);
    const struct nst_addr group = addr_solicited_node(target);
    if (send(ep, message, len, &source, mac != NULL ? target : &group, mac))
        COUNT(ep->nic->stack->counters.ndp_solicitations_sent);
}

void ndp_probe(struct net_ep *ep, const struct nst_addr *target, const uint8_t nonce[6])
{
    static const struct nst_addr unspecified;
    uint8_t message[MESSAGE_MAX];
    const struct ndp_neighbor question = {.target = *target};
    size_t len = ndp_neighbor_build(message, ICMP6_NEIGHBOR_SOLICITATION, &question);
    len += ndp_opt_nonce_build(message + len, nonce);
    const struct nst_addr group = addr_solicited_node(target);
    if (send(ep, message, len, &unspecified, &group, NULL))
        COUNT(ep->nic->stack->counters.ndp_solicitations_sent);
}

void ndp_solicit_router(struct net_ep *ep)
{
    static const struct nst_addr unspecified;
    uint8_t message[MESSAGE_MAX];
    const struct addr_entry *own = addrs_link_local(ep, NST_ADDR_ASSIGNED);
    size_t len = ndp_solicitation_build(message);
    /* RFC 4861 4.1: not from the unspecified address. */
    if (own != NULL)
        len += ndp_opt_mac_build(message + len, NDP_OPT_SOURCE_MAC, &ep->nic->link->addr);
    if (send(ep, message, len, own != NULL ? &own->info.addr : &unspecified, &all_routers, NULL))
        COUNT(ep->nic->stack->counters.router_solicitations_sent);
}

/* RFC 4861 7.2.4: answers the question for `target`; mac is the asker's, NULL where it did not say.
 */
static void advertise(struct net_ep *ep, const struct rx *rx, const struct nst_addr *target,
                      bool ours, const struct nst_mac *mac)
{
    uint8_t message[MESSAGE_MAX];
    const bool probe = addr_is_unspecified(&rx->src);
    const struct ndp_neighbor answer = {
        .target = *target, .router = ep->forwarding, .solicited = !probe, .override = ours};
    size_t len = ndp_neighbor_build(message, ICMP6_NEIGHBOR_ADVERTISEMENT, &answer);
    len += ndp_opt_mac_build(message + len, NDP_OPT_TARGET_MAC, &ep->nic->link->addr);
    if (send(ep, message, len, target, probe ? &all_nodes : &rx->src, mac))
        COUNT(ep->nic->stack->counters.ndp_advertisements_sent);
}

/* RFC 4861 7.2.6 */
static void advertise_unasked(struct addr_entry *e)
{
    struct net_ep *ep = e->ep;
    uint8_t message[MESSAGE_MAX];
    const struct ndp_neighbor news = {
        .target = e->info.addr, .router = ep->forwarding, .override = true};
    size_t len = ndp_neighbor_build(message, ICMP6_NEIGHBOR_ADVERTISEMENT, &news);
    len += ndp_opt_mac_build(message + len, NDP_OPT_TARGET_MAC, &ep->nic->link->addr);
    if (send(ep, message, len, &e->info.addr, &all_nodes, NULL))
        COUNT(ep->nic->stack->counters.ndp_advertisements_sent);
    if (++e->probes < ANNOUNCEMENTS)
        stack_arm(ep->nic->stack, &e->timer, ep->nic->stack->now + ep->neighs.config.retransmit);
}

static void fire_announce(struct timer *timer, nst_time now)
{
    advertise_unasked(container_of(timer, struct addr_entry, timer));
}

void ndp_announce(struct net_ep *ep)
{
    struct addr_entry *e;
    if ((ep->nic->link->caps & NST_LINK_RESOLVES) == 0)
        return;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (!addr_entry_is_assigned(e))
            continue;
        wheel_cancel(&ep->nic->stack->wheel, &e->timer);
        timer_init(&e->timer, fire_announce);
        e->probes = 0;
        advertise_unasked(e);
    }
}

/* ---- Receiving ---- */

/* The options that neighbours use. */
struct options {
    struct nst_mac mac; /* without the option: who sent the frame */
    bool has_mac;
    uint8_t nonce[NDP_NONCE];
    bool has_nonce;
};

static struct options read_options(const struct nic *nic, const struct pkt *p, uint8_t mac_type)
{
    struct options o = {.mac = nic_sender(nic, p)};
    struct ndp_opt_iter it = ndp_opt_begin(p->data, p->len, NDP_NEIGHBOR_LEN);
    struct ndp_opt opt;
    while (ndp_opt_next(&it, &opt)) {
        o.has_mac |= ndp_opt_mac(&opt, mac_type, &o.mac);
        o.has_nonce |= ndp_opt_nonce(&opt, o.nonce);
    }
    return o;
}

/* N89: for whom a spoofing NIC answers besides itself. */
static bool may_answer_for(const struct net_ep *ep, const struct rx *rx)
{
    return ep->nic->spoofing && !addr_is_unspecified(&rx->src);
}

static void solicited(struct net_ep *ep, const struct rx *rx, const struct nst_addr *target,
                      const struct options *o)
{
    const bool probe = addr_is_unspecified(&rx->src);
    struct addr_entry *e = addrs_lookup(ep, target);
    if (e != NULL && !addr_entry_is_assigned(e)) {
        if (probe)
            dad_solicited(e, o->has_nonce ? o->nonce : NULL, &o->mac);
        return;
    }
    if (e == NULL && !may_answer_for(ep, rx))
        return;
    if (!probe && o->has_mac && !addrs_has(ep, &rx->src))
        neigh_request_seen(&ep->neighs, &rx->src, &o->mac, true);
    advertise(ep, rx, target, e != NULL, o->has_mac ? &o->mac : NULL);
}

/* RFC 4861 7.1.1. False: malformed. */
static bool input_solicitation(struct net_ep *ep, const struct pkt *p, const struct rx *rx)
{
    struct ndp_neighbor n;
    if (!ndp_neighbor_parse(p->data, p->len, &n) || addr_is_multicast(&n.target) ||
        nst_addr_is_v4(&n.target))
        return false;
    const struct options o = read_options(ep->nic, p, NDP_OPT_SOURCE_MAC);
    if (o.has_mac && !mac_is_unicast(&o.mac))
        return false;
    const struct nst_addr group = addr_solicited_node(&rx->dst);
    if (addr_is_unspecified(&rx->src) && (o.has_mac || !nst_addr_equal(&group, &rx->dst)))
        return false;
    solicited(ep, rx, &n.target, &o);
    return true;
}

static void advertised(struct net_ep *ep, const struct ndp_neighbor *n, const struct options *o)
{
    struct addr_entry *e = addrs_lookup(ep, &n->target);
    if (e != NULL) {
        if (!addr_entry_is_assigned(e))
            dad_advertised(e, &o->mac);
        else if (o->has_mac && memcmp(&o->mac, &ep->nic->link->addr, sizeof(o->mac)) != 0)
            acd_tell(e, &o->mac);
        return; /* RFC 4862 5.4.4: nobody takes what is ours */
    }
    if (!neigh_confirm(&ep->neighs, &n->target, o->has_mac ? &o->mac : NULL, n->solicited,
                       n->override))
        return;
    struct neigh *neigh = neigh_lookup(&ep->neighs, &n->target);
    /* N86, RFC 4861 7.3.3: what goes by way of it looks for another next hop. */
    if (neigh != NULL && neigh_set_router(neigh, n->router)) {
        router_gone(ep, &n->target);
        route_changed(ep->nic->stack);
    }
}

/* RFC 4861 7.1.2. False: malformed. */
static bool input_advertisement(struct net_ep *ep, const struct pkt *p, const struct rx *rx)
{
    struct ndp_neighbor n;
    if (!ndp_neighbor_parse(p->data, p->len, &n) || addr_is_multicast(&n.target) ||
        nst_addr_is_v4(&n.target) || (rx->type == PKT_MULTICAST && n.solicited))
        return false;
    const struct options o = read_options(ep->nic, p, NDP_OPT_TARGET_MAC);
    if (o.has_mac && !mac_is_unicast(&o.mac))
        return false;
    advertised(ep, &n, &o);
    return true;
}

/* False: malformed. */
static bool dispatch(struct net_ep *ep, const struct pkt *p, const struct rx *rx)
{
    switch (p->data[0]) {
    case ICMP6_NEIGHBOR_SOLICITATION:
        return input_solicitation(ep, p, rx);
    case ICMP6_NEIGHBOR_ADVERTISEMENT:
        return input_advertisement(ep, p, rx);
    case ICMP6_ROUTER_SOLICITATION:
        return ndp_solicitation_is_whole(p->data, p->len);
    case ICMP6_ROUTER_ADVERTISEMENT:
        return addr_is_link_local(&rx->src) && router_advertised(ep, p, rx);
    default:
        return addr_is_link_local(&rx->src) && router_redirected(ep, p, rx);
    }
}

void ndp_input(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    struct net_ep *ep = nic_ep(rx->nic, NET_IPV6);
    COUNT(stack->counters.ndp_received);
    if (rx->ttl != NDP_HOP_LIMIT || p->data[1] != 0 || !pkt_pull_up(p, p->len)) {
        COUNT(stack->counters.ndp_malformed);
        pkt_drop(p, DROP_NDP_MALFORMED);
        return;
    }
    if ((rx->nic->link->caps & NST_LINK_RESOLVES) == 0 || p->type == PKT_OTHERHOST) {
        pkt_drop(p, DROP_ICMP_IGNORED);
        return;
    }
    if (dispatch(ep, p, rx)) {
        pkt_deliver(p);
        return;
    }
    COUNT(stack->counters.ndp_malformed);
    pkt_drop(p, DROP_NDP_MALFORMED);
}
