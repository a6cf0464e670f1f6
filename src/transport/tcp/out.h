/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output: what is due now? out_run is a connection's part of the epilogue, and the only place where
 * it sends. Answers without a connection (RST, TIME-WAIT's ACK) are sent by out_raw.
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_OUT_H
#define NICSTACK_SRC_TRANSPORT_TCP_OUT_H

#include "transport/tcp/seg.h"
#include "transport/tcp/tcb.h"

/* The todo of a tcb. May free it. */
HIDDEN void out_run(struct todo *todo);

/* An ACK for a segment that was not acceptable (RFC 9293 3.10.7.4, first). Not oftener than twice a
 * second for segments without data, lest two confused ends play ball. */
void out_duplicate_ack(struct tcb *tcb, const struct seg *seg);
/* A challenge ACK (RFC 5961 3.2, 4.2, 5.2, 10), limited for each connection and for the stack. */
void out_challenge(struct tcb *tcb);

/* A segment without data outside of a connection. */
struct out_raw {
    struct nst_addr local, remote;
    uint16_t local_port, remote_port;
    uint32_t nic; /* 0: the route's */
    uint32_t seq, ack;
    uint16_t flags, wnd;
    bool timestamps;
    uint32_t ts_val, ts_ecr;
    enum nst_note note;
};
/* Sends it; what cannot be sent is forgotten. */
void out_raw(struct nst_stack *stack, const struct out_raw *raw);
/* RFC 9293 3.10.7.1: the RST that answers a segment; none answers a RST. */
void out_reset_for(struct nst_stack *stack, const struct seg *seg);

#endif
