/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 address conflict detection: RFC 5227. acd.c has the theory of operation. */
#ifndef NICSTACK_SRC_NETWORK_ACD_H
#define NICSTACK_SRC_NETWORK_ACD_H

#include "stack/addrs.h"

/* RFC 5227 1.1. */
#define ACD_PROBE_WAIT        NST_SEC /* at most, before the first probe */
#define ACD_PROBES            3
#define ACD_PROBE_MIN         NST_SEC /* between probes, at least */
#define ACD_PROBE_MAX         (2 * NST_SEC)
#define ACD_ANNOUNCE_WAIT     (2 * NST_SEC) /* from the last probe to the first announcement */
#define ACD_ANNOUNCEMENTS     2
#define ACD_ANNOUNCE_INTERVAL (2 * NST_SEC)
#define ACD_DEFEND_INTERVAL   (10 * NST_SEC)

/* e is new, or its NIC comes up, or has another link address: it is probed for, or assigned and
 * announced. */
void acd_start(struct addr_entry *e);
/* Its NIC goes down. */
void acd_stop(struct addr_entry *e);
/* The NIC's link address changed: assigned ones are announced again. */
void acd_announce(struct addr_entry *e);
/* Another station, `mac`, uses the address of e; or (probe) asks for it in order to use it. */
void acd_conflict(struct addr_entry *e, const struct nst_mac *mac, bool probe);

/* Tells the host that `mac` has the address of e, which we keep: at most once in 10 s. False: that
 * was told already. Of both families. */
bool acd_tell(struct addr_entry *e, const struct nst_mac *mac);

#endif
