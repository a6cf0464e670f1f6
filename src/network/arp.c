/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. ARP has no state: questions and answers go to the neighbour table of the
 * IPv4 endpoint of the same NIC, which owns timers and limits (stack/neigh.c).
 *
 * Who is believed (N89): a frame concerns us when its target address is ours. Then a request makes
 * or updates the sender's entry, and a reply confirms it: solicited if a question of ours is open.
 * A gratuitous frame (sender and target address are the same, RFC 5227 3) only updates what is
 * there. All others teach nothing.
 *
 * Who is answered: whoever asks for an assigned address; on a spoofing NIC, for any address, except
 * where that would deny an address to its owner: probes (RFC 5227 2.1) and gratuitous requests.
 *
 * Whatever else it says, a frame in which another station has an address of ours is told to acd.c.
 */
#include "network/arp.h"

#include "network/acd.h"
#include "network/ipv4.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/arp.h"

static const struct nst_mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/* The wire layer's link address as the stack's, and back: 6 bytes each. */
#define TO_NST(mac)  ((const struct nst_mac *)(const void *)(mac))
#define TO_WIRE(mac) ((const void *)(mac))

static bool parse(struct pkt *p)
{
    return pkt_pull_up(p, ARP_LEN);
}

static void send(struct nic *nic, const struct arp_hdr *hdr, const struct nst_mac *to)
{
    struct nst_stack *stack = nic->stack;
    struct pkt *p = nic_build(nic, 0, ARP_LEN);
    if (p == NULL)
        return;
    arp_build(p->data, hdr);
    pkt_set_net(p);
    if (hdr->op == ARP_OP_REQUEST)
        COUNT(stack->counters.arp_requests_sent);
    else
        COUNT(stack->counters.arp_replies_sent);
    nic_output(nic, p, NST_ETHERTYPE_ARP, to);
}

void arp_solicit(struct net_ep *ep, const struct nst_addr *target, const struct nst_mac *mac)
{
    static const struct nst_addr none;
    struct nst_addr source = nst_addr_v4(0, 0, 0, 0);
    /* Without an address of its own a spoofing NIC asks from 0.0.0.0, as a probe does. */
    addrs_select_source(ep, target, &none, &source);
    struct arp_hdr hdr =
        arp_request(TO_WIRE(&ep->nic->link->addr), addr_to_raw4(&source), addr_to_raw4(target));
    send(ep->nic, &hdr, mac != NULL ? mac : &broadcast);
}

/* To everybody; spa4 0: a probe. */
static void ask_all(struct net_ep *ep, uint32_t spa4, const struct nst_addr *target)
{
    const struct arp_hdr hdr =
        arp_request(TO_WIRE(&ep->nic->link->addr), spa4, addr_to_raw4(target));
    send(ep->nic, &hdr, &broadcast);
}

void arp_probe(struct net_ep *ep, const struct nst_addr *addr)
{
    ask_all(ep, 0, addr);
}

void arp_announce(struct net_ep *ep, const struct nst_addr *addr)
{
    ask_all(ep, addr_to_raw4(addr), addr);
}

/* Does the frame make sense as something that a neighbour said? */
static bool is_sane(const struct nic *nic, const struct arp_hdr *hdr)
{
    const struct nst_addr spa = addr_from_raw4(hdr->spa4);
    if (!mac_is_unicast(&hdr->sha) || addr_is_multicast(&spa) || addr_is_limited_broadcast(&spa) ||
        addr_raw4_is_loopback(hdr->spa4) || addr_is_reserved(&spa))
        return false;
    /* Our own frames, come back. */
    return memcmp(&hdr->sha, &nic->link->addr, MAC_LEN) != 0;
}

/* N89: for whom a spoofing NIC answers besides itself. */
static bool may_answer_for(const struct net_ep *ip, const struct arp_hdr *hdr)
{
    const struct nst_addr target = addr_from_raw4(hdr->tpa4);
    return ip->nic->spoofing && !arp_is_probe(hdr) && !addr_is_unspecified(&target) &&
           !addr_is_multicast(&target) && !addr_is_reserved(&target) &&
           !addr_is_limited_broadcast(&target) &&
           addrs_classify(ip, &target) != ADDR_SUBNET_BROADCAST;
}

static void handle_request(struct net_ep *ip, const struct arp_hdr *hdr)
{
    struct nic *nic = ip->nic;
    const struct nst_addr target = addr_from_raw4(hdr->tpa4), sender = addr_from_raw4(hdr->spa4);
    const bool ours = addrs_has(ip, &target);
    const bool claims_ours = hdr->spa4 != 0 && addrs_has(ip, &sender);
    const bool learn = hdr->spa4 != 0 && !claims_ours;
    if (arp_is_gratuitous(hdr)) {
        if (learn)
            neigh_request_seen(&ip->neighs, &sender, TO_NST(&hdr->sha), false);
        return;
    }
    if (!ours && !may_answer_for(ip, hdr))
        return;
    if (learn)
        neigh_request_seen(&ip->neighs, &sender, TO_NST(&hdr->sha), true);
    const struct arp_hdr reply = arp_reply(hdr, TO_WIRE(&nic->link->addr));
    send(nic, &reply, TO_NST(&hdr->sha));
}

static void handle_reply(struct net_ep *ip, const struct pkt *p, const struct arp_hdr *hdr)
{
    const struct nst_addr target = addr_from_raw4(hdr->tpa4), sender = addr_from_raw4(hdr->spa4);
    if (hdr->spa4 == 0 || addrs_has(ip, &sender))
        return;
    const struct neigh *n = neigh_lookup(&ip->neighs, &sender);
    const bool asking = n != NULL && neigh_is_asking(n);
    if (arp_is_gratuitous(hdr)) {
        if (n != NULL)
            neigh_confirm(&ip->neighs, &sender, TO_NST(&hdr->sha), false, true);
        return;
    }
    /* tpa 0 answers a question that a NIC without an address asked. */
    if (!addrs_has(ip, &target) && !(hdr->tpa4 == 0 && asking))
        return;
    neigh_confirm(&ip->neighs, &sender, TO_NST(&hdr->sha), asking && p->type == PKT_HOST, true);
}

/* RFC 5227 2.1.1, 2.4. */
static void look_for_conflicts(struct net_ep *ip, const struct arp_hdr *hdr)
{
    const struct nst_addr sender = addr_from_raw4(hdr->spa4), target = addr_from_raw4(hdr->tpa4);
    const bool probe = arp_is_probe(hdr);
    struct addr_entry *e = addrs_lookup(ip, probe ? &target : &sender);
    if (e != NULL)
        acd_conflict(e, TO_NST(&hdr->sha), probe);
}

static void input(struct net_ep *ep, struct pkt *p)
{
    struct nst_stack *stack = ep->nic->stack;
    struct net_ep *ip = nic_ep(ep->nic, NET_IPV4);
    struct arp_hdr hdr;
    COUNT(stack->counters.arp_received);
    if (arp_parse(p->data, p->linear, &hdr) == 0 || !is_sane(ep->nic, &hdr)) {
        COUNT(stack->counters.arp_malformed);
        pkt_drop(p, DROP_ARP_MALFORMED);
        return;
    }
    if (ip != NULL && (ep->nic->link->caps & NST_LINK_RESOLVES) != 0 && p->type != PKT_OTHERHOST) {
        look_for_conflicts(ip, &hdr);
        if (hdr.op == ARP_OP_REQUEST)
            handle_request(ip, &hdr);
        else if (hdr.op == ARP_OP_REPLY)
            handle_reply(ip, p, &hdr);
    }
    pkt_deliver(p);
}

const struct net_proto arp_proto = {
    .name = "arp",
    .ethertype = NST_ETHERTYPE_ARP,
    .index = NET_ARP,
    .min_mtu = ARP_LEN,
    .parse = parse,
    .input = input,
};
