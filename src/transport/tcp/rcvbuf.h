/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive queue: payload in order as it came, not copied until the application reads it, and
 * the store of what came out of order, as runs: a run is a stretch without holes with its own
 * queue of packets. rcv.nxt reaching a run moves its queue over as a whole.
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_RCVBUF_H
#define NICSTACK_SRC_TRANSPORT_TCP_RCVBUF_H

#include "transport/tcp/seg.h"
#include "transport/tcp/tcb.h"

#define OOO_RUNS_MAX 512u

struct run {
    struct list node;
    uint32_t start, end;
    struct nst_pktq q;
};

struct ooo {
    struct list node; /* tcp_state.holes */
    struct tcb *tcb;
    struct list runs; /* in order */
    uint32_t count;
    uint32_t bytes;
    /* In the runs that changed last, the latest first: what SACK reports, and again. Numbers that
     * are in no run any more mean nothing. */
    uint32_t recent[TCP_SACK_MAX];
    uint8_t n_recent;
};

/* Payload at rcv.nxt: queues it and advances rcv.nxt, over runs that it reaches too. */
void rcvbuf_in_order(struct tcb *tcb, struct seg *seg);
/* Payload behind rcv.nxt: stores it. False: refused (limit). Duplicates go to rcv.dsack_*. */
bool rcvbuf_out_of_order(struct tcb *tcb, struct seg *seg);
/* Copies up to size bytes out; without `peek` they are gone. Returns how many. */
uint32_t rcvbuf_read(struct tcb *tcb, uint8_t *data, size_t size, bool peek);
/* Drops n bytes from the front; n is at most what is there. */
void rcvbuf_consume(struct tcb *tcb, uint32_t n);
/* Up to `count` views of what is there; returns how many. */
int rcvbuf_lend(struct tcb *tcb, struct nst_iovec *ret_pieces, int count);
/* Fills in SACK blocks: the duplicate, the latest, then others. Returns their number. */
unsigned rcvbuf_sack_blocks(const struct tcb *tcb, unsigned max, struct tcp_sack_block *ret);
/* Frees what is stored out of order; and everything. */
void rcvbuf_free_ooo(struct tcb *tcb);
void rcvbuf_free(struct tcb *tcb);
/* Brings rcv.edge up to what may be offered now and gives the window (RFC 9293 3.8.6.2.2). */
uint32_t rcvbuf_window(struct tcb *tcb);
/* The window that could be offered. True: it is so much more than what is, a segment or half of the
 * buffer, that silly-window avoidance lets the edge move. */
bool rcvbuf_space(const struct tcb *tcb, uint32_t *ret_space);
/* The user has read n bytes: lets rcv.buf follow the speed of reading. */
void rcvbuf_autotune(struct tcb *tcb, uint32_t n);

static inline uint32_t rcvbuf_unread(const struct tcb *tcb)
{
    return (uint32_t)tcb->rxq.bytes;
}

#endif
