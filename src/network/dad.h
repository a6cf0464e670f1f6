/* SPDX-License-Identifier: Apache-2.0 */
/* Duplicate address detection: RFC 4862 5.4, RFC 7527. dad.c has the theory of operation. */
#ifndef NICSTACK_SRC_NETWORK_DAD_H
#define NICSTACK_SRC_NETWORK_DAD_H

#include "stack/addrs.h"

#define DAD_TRANSMITS 1       /* DupAddrDetectTransmits */
#define DAD_DELAY     NST_SEC /* MAX_RTR_SOLICITATION_DELAY: before the first */
#define DAD_LOOPS_MAX 3       /* MAX_MULTICAST_SOLICIT: more when they come back */

/* e is new, or its NIC comes up: tentative from now on, or assigned where nothing is to be asked.
 */
void dad_start(struct addr_entry *e);
/* Its NIC goes down. */
void dad_stop(struct addr_entry *e);
/* Another node, `who`, asks for e, which is not assigned, in order to have it; nonce may be NULL.
 */
void dad_solicited(struct addr_entry *e, const uint8_t *nonce, const struct nst_mac *who);
/* Another node, `who`, says that it has e, which is not assigned. */
void dad_advertised(struct addr_entry *e, const struct nst_mac *who);

#endif
