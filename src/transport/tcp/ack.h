/* SPDX-License-Identifier: Apache-2.0 */
/* Acknowledgments: what the ACK field and the window of a segment mean for the send side. */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_ACK_H
#define NICSTACK_SRC_TRANSPORT_TCP_ACK_H

#include "transport/tcp/seg.h"
#include "transport/tcp/tcb.h"

/*
 * RFC 9293 3.10.7.4, fifth: the ACK of a segment that was found acceptable, in a synchronized
 * state. False: the segment is refused (it acknowledges what was never sent, or is too old).
 */
bool ack_input(struct tcb *tcb, struct seg *seg);
/* The part for the fast path: snd.una < ack <= snd.nxt, no SACK, window and flags unremarkable. */
void ack_advance(struct tcb *tcb, const struct seg *seg);
/* RFC 9293 3.10.7.4: takes the window over if the segment is newer than the last that did. True if
 * it changed. */
bool ack_window(struct tcb *tcb, const struct seg *seg);

#endif
