/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The send queue: what the application wrote and the peer has not acknowledged, in blocks of up to
 * 64 KiB that segments and retransmissions refer to. What is written is copied once; small writes
 * fill the last block.
 *
 * struct tx holds it, and with it everything else that is needed only while something is
 * outstanding.
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_SNDBUF_H
#define NICSTACK_SRC_TRANSPORT_TCP_SNDBUF_H

#include "transport/tcp/tcb.h"

/* A stretch of the stream in one block. */
struct piece {
    struct piece *next;
    struct nst_block *block;
    uint8_t *data;
    uint32_t seq; /* of data[0] */
    uint32_t len;
    bool lent; /* the application's memory: nothing is appended */
};

struct tx {
    struct piece *first, *last;
    struct piece *at; /* where the last look-up ended: new data is near */
    uint32_t end;     /* behind the last queued byte: the FIN's number */
    uint32_t push;    /* the end of the last write that asked for PSH */
    uint32_t small;   /* snd.nxt after the last segment under one MSS (Nagle) */
    /* Scoreboard (sack.c) */
    struct list recs; /* struct rec, in order */
    uint32_t rec_count;
    uint32_t sacked, lost, retrans; /* bytes */
    uint32_t high_sacked;           /* the highest that was selectively acknowledged */
    uint32_t reno;                  /* without SACK: bytes that duplicate ACKs say have left */
    nst_time newest;                /* when what was delivered last in order of sending left */
    /* Recovery (loss.c) */
    uint32_t prior_cwnd, prior_ssthresh; /* before it; prior_cwnd 0: not to be undone any more */
    uint32_t resent_ts;                  /* TSval of its first retransmission */
    uint32_t resent_bytes;               /* that no DSACK has reported yet */
    uint32_t recover;
    uint16_t dupacks;
    uint8_t ca;       /* enum tcb_ca */
    bool force_first; /* the first retransmission of a recovery goes whatever cwnd says */
    bool judged;      /* Eifel's one question was answered */
    bool reserved;    /* the application writes into the last piece: it stays */
};

/* tx, made if need be; NULL: no memory. The queue begins at snd.nxt. */
struct tx *sndbuf_tx(struct tcb *tcb);
/* Frees tx and everything in it. tx may be NULL. */
void sndbuf_free(struct tcb *tcb);
/* Copies up to len bytes in; returns how many: what there is room and memory for. */
uint32_t sndbuf_write(struct tcb *tcb, const uint8_t *data, uint32_t len);
/* Room for direct writing at the end: its address and size, at most `want`. NULL: none. */
uint8_t *sndbuf_reserve(struct tcb *tcb, uint32_t want, uint32_t *ret_len);
/* The first n bytes of what was reserved are queued. */
void sndbuf_commit(struct tcb *tcb, uint32_t n);
/* Queues the caller's memory. 0 or -NST_ENOMEM. */
int sndbuf_lend(struct tcb *tcb, uint8_t *memory, uint32_t len,
                void (*release)(void *context, uint8_t *memory), void *context);
/* Everything before `una` is acknowledged. */
void sndbuf_ack(struct tcb *tcb, uint32_t una);
/* Adds bytes [seq, seq + len) of the queue, which has them, to p; len > 0. Returns how many: fewer
 * when there are too many pieces, or without memory. */
uint32_t sndbuf_slices(struct tcb *tcb, struct pkt *p, uint32_t seq, uint32_t len);
/* Bytes that the queue may hold now: snd.buf, or what memory leaves of it. */
uint32_t sndbuf_limit(const struct tcb *tcb);
/* Is it worth to try a send: is a third of snd.buf free? Who was refused for want of memory waits
 * until he is told; who never asked is not, so he may ask. */
bool sndbuf_is_writable(const struct tcb *tcb);
/* Bytes that a send would take now. */
uint32_t sndbuf_room(const struct tcb *tcb);
/* Lets snd.buf follow the congestion window. */
void sndbuf_autotune(struct tcb *tcb);

/* Bytes queued, acknowledged ones not counted. */
static inline uint32_t sndbuf_queued(const struct tcb *tcb)
{
    if (tcb->tx == NULL)
        return 0;
    return seq_gt(tcb->tx->end, tcb->snd.una) ? tcb->tx->end - tcb->snd.una : 0;
}

#endif
