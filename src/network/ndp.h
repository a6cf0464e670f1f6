/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbour discovery: RFC 4861, RFC 6980 (never in fragments). ndp.c has the theory of operation.
 */
#ifndef NICSTACK_SRC_NETWORK_NDP_H
#define NICSTACK_SRC_NETWORK_NDP_H

#include "network/ipv6.h"
#include "packet/packet.h"
#include "stack/proto.h"
#include "wire/icmp6.h"

/* A message of types 133 to 137, data at its header, checksum checked. Consumes p. */
void ndp_input(struct nst_stack *stack, struct pkt *p, const struct rx *rx);

/* Do these headers lead to such a message? */
static inline bool ndp_is_message(struct pkt *p, const struct ip6_chain *chain)
{
    if (chain->next != IP_PROTO_ICMPV6 || !pkt_pull_up(p, chain->len + 1))
        return false;
    const uint8_t type = p->data[chain->len];
    return type >= ICMP6_ROUTER_SOLICITATION && type <= ICMP6_REDIRECT;
}

/* net_proto.solicit: asks for the link address of `target`: its solicited-node group, or `mac`
 * alone. Without an address of its own a NIC cannot ask. */
void ndp_solicit(struct net_ep *ep, const struct nst_addr *target, const struct nst_mac *mac);
/* Asks all routers to advertise (RFC 4861 6.3.7). */
void ndp_solicit_router(struct net_ep *ep);
/* Asks whether another node has `target` (RFC 4862 5.4.2), with a nonce (RFC 7527 4.1). */
void ndp_probe(struct net_ep *ep, const struct nst_addr *target, const uint8_t nonce[6]);

/* RFC 4861 7.2.6: the NIC has another link address; says so for each address, three times. */
void ndp_announce(struct net_ep *ep);

/* Does the endpoint listen to that group? (RFC 4291 2.8: all nodes, and the solicited-node groups
 * of its addresses, tentative ones too.) */
bool ndp_takes_group(const struct net_ep *ep, const struct nst_addr *group);

#endif
