/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP (RFC 768, RFC 1122 4.1): endpoints for sockets and for what the forwarder accepted. What both
 * kinds of datagram sockets share is in dgram.h.
 *
 * A checksum that the link did not check is checked; a datagram without one is taken over IPv4 and
 * refused over IPv6 (RFC 8200 8.1). To send, it is left to the link where the link completes
 * checksums, and else made while the data is copied.
 */
#ifndef NICSTACK_SRC_TRANSPORT_UDP_H
#define NICSTACK_SRC_TRANSPORT_UDP_H

#include "transport/dgram.h"

/* The longest payload: 65,535 less IPv4 and UDP headers. */
#define UDP_PAYLOAD_MAX 65507

extern HIDDEN const struct transport_proto udp_proto;

/* An endpoint; NULL: no memory. `ready` may be NULL. */
struct dgram *udp_new(struct nst_stack *stack, struct ready *ready);
/* Ends it. */
void udp_free(struct dgram *d);

/* As nst_socket_sendto says; `to` NULL: the peer. */
int64_t udp_send(struct dgram *d, const struct dgram_out *out, const struct nst_endpoint *to);

/* An endpoint of one flow, on any port and address: what a forwarder request becomes. 0,
 * -NST_ENOMEM, -NST_EADDRINUSE. */
int udp_new_flow(struct nst_stack *stack, const struct demux_key *key, struct ready *ready,
                 struct dgram **ret_dgram);

/* Hands a packet that was held, data at its UDP header, to an endpoint. Consumes p. */
void udp_redeliver(struct dgram *d, struct pkt *p, const struct rx *rx);

#endif
