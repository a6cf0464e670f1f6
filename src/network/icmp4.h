/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP: RFC 792, RFC 1122 3.2.2, RFC 1191, RFC 1812 4.3, RFC 6633. icmp4.c receives, icmp4_error.c
 * sends errors. */
#ifndef NICSTACK_SRC_NETWORK_ICMP4_H
#define NICSTACK_SRC_NETWORK_ICMP4_H

#include "base/bucket.h"
#include "stack/proto.h"

extern HIDDEN const struct transport_proto icmp4_proto;

/* N106 */
#define ICMP4_ERROR_RATE  1000
#define ICMP4_ERROR_BURST 50
/* RFC 1812 4.3.2.3: an error is at most this long, IP header included. */
#define ICMP4_ERROR_LEN 576

struct icmp4_state {
    struct bucket errors; /* those that may be sent */
};

/* net_proto.send_error: answers p (borrowed, net_off set, received by `nic`) with an error, unless
 * N106 forbids it. `info` is the MTU of NET_ERROR_TOO_BIG, the pointer of NET_ERROR_PARAMETER. */
void icmp4_send_error(struct nic *nic, const struct pkt *p, enum net_error kind, uint32_t info);

#endif
