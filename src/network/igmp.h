/* SPDX-License-Identifier: Apache-2.0 */
/* IGMP as a host: RFC 3376, RFC 2236, RFC 1112. igmp.c reads and writes the messages, listener.c
 * knows when. */
#ifndef NICSTACK_SRC_NETWORK_IGMP_H
#define NICSTACK_SRC_NETWORK_IGMP_H

#include "network/listener.h"
#include "stack/proto.h"

extern HIDDEN const struct transport_proto igmp_proto;
extern HIDDEN const struct listener_family igmp_family;
extern HIDDEN const struct nst_addr igmp_all_hosts; /* 224.0.0.1 */

#endif
