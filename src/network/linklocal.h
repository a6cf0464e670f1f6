/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that a NIC makes itself, link-local and others: RFC 4291 appendix A, RFC 7217. */
#ifndef NICSTACK_SRC_NETWORK_LINKLOCAL_H
#define NICSTACK_SRC_NETWORK_LINKLOCAL_H

#include "base/fwd.h"
#include "stack/addrs.h"

/* The address of a prefix of 64 bits for the NIC: by EUI-64 where it was asked for, else by RFC
 * 7217, which has another for each attempt. */
struct nst_addr linklocal_make(const struct nic *nic, const struct nst_addr *prefix,
                               uint8_t attempt);
/* One by chance (RFC 8981 3.3.1). */
struct nst_addr linklocal_make_random(const struct nic *nic, const struct nst_addr *prefix);
/* Makes one, if the NIC's configuration asks for it and there is none. 0 or -NST_ENOMEM. */
int linklocal_add(struct net_ep *ep);
/* Another node has e, which was made here, also by slaac.c: another identifier in its place. False:
 * that cannot be, or was tried often enough. */
bool linklocal_change(struct addr_entry *e);

#endif
