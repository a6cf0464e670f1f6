/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ping endpoints: ICMP echo of either family (RFC 792, RFC 1122 3.2.2.6; RFC 4443 4). What is sent
 * and received is the ICMP message of the peer's family, from its type on.
 *
 *   A ping endpoint sends echo requests. Its local port is the identifier, which is written over
 *   the one in the message; so is the checksum. It receives the replies to its identifier (of its
 *   peer, once connected).
 *
 *   A responder is what a forwarder request becomes: it receives the echo requests of one flow (two
 *   addresses and an identifier). What is sent goes back as echo reply: type, code, identifier and
 *   checksum are written over those in the message, the sequence number is taken from it.
 *
 * Identifiers are those of both families: a demux key's protocol is always IP_PROTO_ICMP. A
 * responder's has ICMP's echo request type as local and the identifier as remote port.
 */
#ifndef NICSTACK_SRC_TRANSPORT_PING_H
#define NICSTACK_SRC_TRANSPORT_PING_H

#include "transport/dgram.h"

/* The longest message: 65,535 less the IPv4 header. */
#define PING_MESSAGE_MAX 65515

/* Installs the hooks of the ICMP layer. 0 or -NST_ENOMEM. */
int ping_init(struct nst_stack *stack);
/* Ends every endpoint; not initialised is fine. */
void ping_fini(struct nst_stack *stack);

/* An endpoint; NULL: no memory. `ready` may be NULL. */
struct dgram *ping_new(struct nst_stack *stack, struct ready *ready);
/* Ends it. */
void ping_free(struct dgram *d);

/* Sends the message `out`; `to` NULL: the peer. As nst_socket_sendto says, and -NST_EINVAL for what
 * is no echo request, -NST_EISCONN for an address with a responder. */
int64_t ping_send(struct dgram *d, const struct dgram_out *out, const struct nst_endpoint *to);

/* A responder for the flow. 0, -NST_ENOMEM, -NST_EADDRINUSE. */
int ping_new_flow(struct nst_stack *stack, const struct demux_key *key, struct ready *ready,
                  struct dgram **ret_dgram);

/* Offers an echo request, data at the ICMP header, to the responder of its flow. True: it consumed
 * p. */
bool ping_request(struct nst_stack *stack, struct pkt *p, const struct rx *rx);

/* The key of an echo request that came in, data at its header. False: it is none. */
bool ping_request_key(const struct pkt *p, const struct rx *rx, struct demux_key *ret_key);

#endif
