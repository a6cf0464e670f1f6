/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses from the prefixes that routers advertise: RFC 4862 5.5, RFC 7217, RFC 8981. */
#ifndef NICSTACK_SRC_NETWORK_SLAAC_H
#define NICSTACK_SRC_NETWORK_SLAAC_H

#include "stack/addrs.h"
#include "wire/ndp.h"

#define SLAAC_PREFIX_LEN 64
#define SLAAC_ADDRS_MAX  32 /* of both kinds, on a NIC */
/* RFC 8981 3.8. DESYNC_FACTOR is drawn for each address, up to 0.4 of the preferred lifetime. */
#define SLAAC_TEMPORARY_VALID     (2 * 86400 * NST_SEC)
#define SLAAC_TEMPORARY_PREFERRED (86400 * NST_SEC)
#define SLAAC_RENEW_ADVANCE       (5 * NST_SEC) /* REGEN_ADVANCE */

/* A router advertised a prefix with the autonomous flag. */
void slaac_prefix(struct net_ep *ep, const struct ndp_prefix *prefix);
/* N7: removes all addresses that were made so. */
void slaac_forget(struct net_ep *ep);
/* Of ip6_host.renew. */
HIDDEN void slaac_renew_fire(struct timer *timer, nst_time now);

#endif
