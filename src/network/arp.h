/* SPDX-License-Identifier: Apache-2.0 */
/* ARP: RFC 826, RFC 1122 2.3.2; what RFC 5227 does with it is in acd.c. */
#ifndef NICSTACK_SRC_NETWORK_ARP_H
#define NICSTACK_SRC_NETWORK_ARP_H

#include "stack/proto.h"

extern HIDDEN const struct net_proto arp_proto;

/* Sends a request for `target` on the NIC of `ep`, the IPv4 endpoint: to everybody, or to `mac`
 * alone (RFC 1122 2.3.2.1, unicast poll). */
void arp_solicit(struct net_ep *ep, const struct nst_addr *target, const struct nst_mac *mac);

/* RFC 5227 2.1.1: asks whether anybody has `addr`, which is not ours yet. */
void arp_probe(struct net_ep *ep, const struct nst_addr *addr);
/* RFC 5227 2.3: says that `addr` is ours ("gratuitous ARP"). */
void arp_announce(struct net_ep *ep, const struct nst_addr *addr);

#endif
