/* SPDX-License-Identifier: Apache-2.0 */
/* Link-local addresses that a NIC makes itself: RFC 4291 appendix A, RFC 7217. */
#ifndef NICSTACK_SRC_NETWORK_LINKLOCAL_H
#define NICSTACK_SRC_NETWORK_LINKLOCAL_H

#include "stack/addrs.h"

/* Makes one, if the NIC's configuration asks for it and there is none. 0 or -NST_ENOMEM. */
int linklocal_add(struct net_ep *ep);
/* Another node has e, which was made here: another identifier in its place. False: that cannot be,
 * or was tried often enough. */
bool linklocal_change(struct addr_entry *e);

#endif
