/* SPDX-License-Identifier: Apache-2.0 */
/* Input: decoding, look-up, and the steps of RFC 9293 3.10.7. */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_IN_H
#define NICSTACK_SRC_TRANSPORT_TCP_IN_H

#include "transport/tcp/seg.h"
#include "transport/tcp/tcb.h"

/* transport_proto.input. */
void in_packet(struct nst_stack *stack, struct pkt *p, const struct rx *rx);
/* RFC 9293 3.10.7.2: LISTEN. `isn_floor` is for a SYN that follows a connection in TIME-WAIT: its
 * last number, or 0. */
void in_listen(struct tcb *tcb, struct seg *seg, uint32_t isn_floor);
/* 3.10.7.3: SYN-SENT. */
void in_syn_sent(struct tcb *tcb, struct seg *seg);
/* 3.10.7.4: all other states. */
void in_synchronized(struct tcb *tcb, struct seg *seg);
/* The usual segment of an established connection, by header prediction. False: not usual, nothing
 * was done. */
bool in_fast(struct tcb *tcb, struct seg *seg);

/* New payload has come in order or not: when is it acknowledged? (RFC 5681 4.2, RFC 9293 3.8.6.3)
 */
void in_ack_later(struct tcb *tcb, const struct seg *seg, uint32_t len);

/* From SYN-RECEIVED or SYN-SENT to ESTABLISHED: windows, clocks, and the user is told. */
void in_established(struct tcb *tcb, const struct seg *seg);

#endif
