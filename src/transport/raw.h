/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw sockets (N100): IP packets of one protocol number, both families (RFC 3542 3 for IPv6).
 *
 * Theory of operation
 *
 * What raw endpoints have in common with UDP's is in dgram.h; they are in no demultiplexer, but in
 * the stack's list of all, in order of opening: they are few. While there are any, the stack calls
 * raw_input with each packet that goes to a transport, before the transport and whether or not
 * there is one; each endpoint that matches gets a clone, IPv4 from its header on, IPv6 from what
 * follows the last extension header. So what a raw socket does stops nothing.
 *
 * Invariants: (1) stack->raw_input and raw_error are set exactly while stack->raws is not empty;
 * (2) key.proto is the bound protocol, 0 while there is none, and key.local_port is the same;
 * (3) no raw endpoint is registered in the demultiplexer.
 *
 * Not done: filters of ICMP types (RFC 3542 3.2), IPv6 headers of the sender's own.
 */
#ifndef NICSTACK_SRC_TRANSPORT_RAW_H
#define NICSTACK_SRC_TRANSPORT_RAW_H

#include "transport/dgram.h"

/* An endpoint without protocol; NULL: no memory. `ready` may be NULL. */
struct dgram *raw_new(struct nst_stack *stack, struct ready *ready);
/* Ends it. */
void raw_free(struct dgram *d);
/* local->port is the protocol. As nst_socket_bind says, and -NST_EINVAL for what is none. */
int raw_bind(struct dgram *d, const struct nst_endpoint *local);
/* Sends; `to` NULL: the peer. As nst_socket_sendto says. */
int64_t raw_send(struct dgram *d, const struct dgram_out *out, const struct nst_endpoint *to);
int raw_set(struct dgram *d, enum nst_option option, int64_t value);
int raw_get(const struct dgram *d, enum nst_option option, int64_t *ret_value);

#endif
