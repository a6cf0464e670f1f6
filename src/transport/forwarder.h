/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forwarder inside the stack; <nicstack/forwarder.h> has its public half, forwarder.c the
 * theory of operation.
 */
#ifndef NICSTACK_SRC_TRANSPORT_FORWARDER_H
#define NICSTACK_SRC_TRANSPORT_FORWARDER_H

#include <nicstack/forwarder.h>

#include "stack/stack.h"

struct tcb;
struct dgram;

/* What an accepted request has become; the caller's. */
union forwarder_flow {
    struct tcb *tcb;     /* a stream's */
    struct dgram *dgram; /* the others' */
};

/* The type of socket that a request would become; 0: it is dead. */
enum nst_socket_type forwarder_type(const struct nst_stack *stack, nst_request request);

/* Makes an endpoint of the request, which is gone then. `ready` as for a new endpoint. 0,
 * -NST_EBADHANDLE, -NST_ENOMEM and others: the request stays. */
int forwarder_accept(struct nst_stack *stack, nst_request request, struct ready *ready,
                     union forwarder_flow *ret_flow);

/* As nst_socket_refuse says, of the endpoint that a request became. 0 or -NST_EINVAL. */
int forwarder_refuse(struct dgram *d, enum nst_refusal how);

/* An ICMP error quotes a packet of the flow `key` that no endpoint has: a request for it dies. */
void forwarder_report(struct nst_stack *stack, const struct demux_key *key);

/* True for the entry by which the forwarder is on the ready list. */
bool forwarder_owns_ready(const struct nst_stack *stack, const struct ready *ready);

/* Packets that requests hold: for checks of the packet census (N121). */
uint64_t forwarder_packets(const struct nst_stack *stack);

#endif
