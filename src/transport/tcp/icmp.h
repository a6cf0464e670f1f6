/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP errors about segments of ours. */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_ICMP_H
#define NICSTACK_SRC_TRANSPORT_TCP_ICMP_H

#include "transport/tcp/tcb.h"

/* transport_proto.error: RFC 9293 3.9.2.2, RFC 5927, RFC 5461, RFC 1191. */
void icmp_error(struct nst_stack *stack, const struct net_error_report *report);

#endif
