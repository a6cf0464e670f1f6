/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners: half-open children, and established ones that wait for accept. Together they are at
 * most the backlog, and as many again half-open. The SYN cache and cookies will come here.
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_LISTEN_H
#define NICSTACK_SRC_TRANSPORT_TCP_LISTEN_H

#include "transport/tcp/seg.h"
#include "transport/tcp/tcb.h"

struct listener {
    struct list embryos; /* struct tcb.node: SYN-RECEIVED, oldest first */
    struct list ready;   /* established (or already closed by the peer), oldest first */
    uint32_t embryo_count, ready_count;
    uint32_t backlog;
};

/* Makes tcb, which is CLOSED and bound, a listener. 0, -NST_ENOMEM. */
int listen_start(struct tcb *tcb, uint32_t backlog);
/* Resets every child that was not accepted and gives the queues back. */
void listen_stop(struct tcb *tcb);
/* What the answer to a SYN needs. */
void listen_read_syn(const struct seg *seg, struct tcp_syn *ret_syn);
/*
 * A connection in SYN-RECEIVED for a SYN. `parent` NULL: nobody's (the forwarder). isn_floor: see
 * in_listen. -NST_ENOBUFS (backlog), -NST_ENOMEM, or what dst_get and demux_add say.
 */
int listen_child(struct tcb *parent, const struct tcp_syn *syn, uint32_t isn_floor,
                 struct tcb **ret_child);
int listen_make(struct nst_stack *stack, const struct tcp_syn *syn, struct tcb *parent,
                uint32_t isn_floor, struct tcb **ret_tcb);
/* May this embryo become established, or is the accept queue full? */
bool listen_may_establish(const struct tcb *tcb);
/* It is: to the accept queue, and the listener's user is told. */
void listen_established(struct tcb *tcb);
/* An embryo ends before it was accepted: out of the queues. */
void listen_forget(struct tcb *tcb);
/* The oldest that waits, which is the caller's from now on; NULL: none. */
struct tcb *listen_take(struct tcb *tcb);

#endif
