/* SPDX-License-Identifier: Apache-2.0 */
/* ICMPv6: RFC 4443, RFC 8201. icmp6.c receives, icmp6_error.c sends errors, ndp.c has types 133 to
 * 137. */
#ifndef NICSTACK_SRC_NETWORK_ICMP6_H
#define NICSTACK_SRC_NETWORK_ICMP6_H

#include "base/bucket.h"
#include "stack/proto.h"

extern HIDDEN const struct transport_proto icmp6_proto;

/* N106 */
#define ICMP6_ERROR_RATE  1000
#define ICMP6_ERROR_BURST 50
/* RFC 4443 2.4 c: an error is at most this long, IP header included. */
#define ICMP6_ERROR_LEN 1280

struct icmp6_state {
    struct bucket errors; /* those that may be sent */
};

/*
 * net_proto.send_error: answers p (borrowed, net_off set, received by `nic`) with an error, unless
 * N106 forbids it. `info` is the MTU of NET_ERROR_TOO_BIG, the pointer of the kinds that have one;
 * of NET_ERROR_PROTO_UNREACHABLE 0 means the byte that named the transport.
 */
void icmp6_send_error(struct nic *nic, const struct pkt *p, enum net_error kind, uint32_t info);

#endif
