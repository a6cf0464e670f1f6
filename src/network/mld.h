/* SPDX-License-Identifier: Apache-2.0 */
/* Multicast listener discovery as a host: RFC 3810, RFC 2710. mld.c reads and writes the messages,
 * listener.c knows when. */
#ifndef NICSTACK_SRC_NETWORK_MLD_H
#define NICSTACK_SRC_NETWORK_MLD_H

#include "network/listener.h"
#include "stack/addrs.h"
#include "stack/proto.h"

extern HIDDEN const struct listener_family mld_family;
extern HIDDEN const struct nst_addr mld_all_nodes; /* ff02::1 */

/* Joins and leaves the solicited-node group of an address. Without memory for that the group is
 * taken all the same (ndp_takes_group), and no router hears of it. */
void mld_join_solicited(struct addr_entry *e);
void mld_leave_solicited(struct addr_entry *e);
/* e is assigned now: if it is link-local, it is the source that reports need (RFC 3590 4). */
void mld_address_assigned(const struct addr_entry *e);

/* An ICMPv6 message of type 130 to 132 or 143, data at its header, checksum checked. Consumes p. */
void mld_input(struct nst_stack *stack, struct pkt *p, const struct rx *rx);

#endif
