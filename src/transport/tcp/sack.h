/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scoreboard of the sender: what is in flight, as records in order of sequence numbers
 * (RFC 2018 5, RFC 6675 3). A record is what left together, up to a large segment; a selective
 * acknowledgment of a part splits it, neighbours that were acknowledged are joined. Bounded:
 * beyond REC_MAX news about single segments is ignored, which costs speed and nothing else.
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_SACK_H
#define NICSTACK_SRC_TRANSPORT_TCP_SACK_H

#include "transport/tcp/seg.h"
#include "transport/tcp/sndbuf.h"

#define REC_MAX             1024u
#define SACK_DUP_THRESH     3u
#define SACK_REORDERING_MAX 255u

enum rec_flag {
    REC_SACKED = 1,  /* the peer has it */
    REC_LOST = 2,    /* believed lost: to be sent again */
    REC_RETRANS = 4, /* sent again, and that one may still arrive; only with REC_LOST */
    REC_EVER = 8,    /* was ever sent again: no round-trip time from it (Karn) */
};

struct rec {
    struct list node; /* tx->recs */
    nst_time sent;    /* the last time */
    uint32_t start, end;
    uint8_t flags; /* enum rec_flag */
};

/* [start, end) was sent for the first time. False: no memory; then it must not be sent. */
bool sack_sent(struct tcb *tcb, uint32_t start, uint32_t end);
/* Takes the end of the last sack_sent back to `end`: less left than was meant to. */
void sack_unsent(struct tcb *tcb, uint32_t end);
/* Drops everything before `una`. *ret_rtt gets the round-trip time in microseconds of the oldest
 * that was sent only once, if there is one. */
void sack_advance(struct tcb *tcb, uint32_t una, uint32_t *ret_rtt);
/* Works in the SACK blocks of a segment. Returns how many bytes are newly acknowledged.
 * RFC 2883: a duplicate report marks nothing; *ret_duplicate gets how many bytes it is about. */
uint32_t sack_input(struct tcb *tcb, const struct seg *seg, uint32_t *ret_duplicate);
/* RFC 6675 IsLost: marks what has enough selectively acknowledged above it, and what was sent again
 * and overtaken by what was sent a quarter of a round trip later. */
void sack_mark_lost(struct tcb *tcb);
/* Bytes that have to be acknowledged above a hole: RFC 6675's DupThresh, raised by the reordering
 * that the path has shown, but never to more than two thirds of what is under way (RFC 4653 2). */
uint32_t sack_threshold(const struct tcb *tcb);
/* Nothing but what was sent again already counts as lost any more. */
void sack_unmark_lost(struct tcb *tcb);
/* Marks the first `len` bytes that are neither acknowledged nor marked yet. */
void sack_mark_head_lost(struct tcb *tcb, uint32_t len);
/* RFC 6298 5.4 and RFC 6675 5.1: everything unacknowledged is lost, retransmissions too. */
void sack_mark_all_lost(struct tcb *tcb);
/* The first record that is to be sent again, or NULL. */
struct rec *sack_next_lost(struct tcb *tcb);
/* Cuts a record so that it has at most `len` bytes. False: no memory. */
bool sack_cut(struct tcb *tcb, struct rec *rec, uint32_t len);
/* The record was sent again just now. */
void sack_resent(struct tcb *tcb, struct rec *rec);
/* How many segments a record is. */
HIDDEN uint32_t sack_segments(const struct tcb *tcb, const struct rec *rec);
/* Frees all records. */
void sack_clear(struct tcb *tcb);
/* RFC 6675 SetPipe: bytes believed to be under way. */
static inline uint32_t sack_pipe(const struct tcb *tcb)
{
    const struct tx *tx = tcb->tx;
    uint32_t out = tcb_flight(tcb);
    const uint32_t gone = tx->sacked + tx->lost + tx->reno;
    out = out > gone ? out - gone : 0;
    return out + tx->retrans;
}

#endif
