/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loss: when something is believed lost, and how the window answers (RFC 5681 3.2, RFC 6582 without
 * SACK, RFC 6675 with it, RFC 3042). What is sent again is then out.c's: records that are marked
 * lost, as far as cwnd exceeds the pipe. RACK-TLP and PRR will come here.
 *
 * Reordering is no loss. How far segments overtake one another raises the threshold
 * (tcb.reordering, by sack.c). A recovery that turns out to be none is undone, once: when the first
 * acknowledgment that moves snd.una echoes a timestamp from before the first retransmission (Eifel,
 * RFC 3522), or when DSACKs have reported every byte that was sent again (RFC 3708).
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_LOSS_H
#define NICSTACK_SRC_TRANSPORT_TCP_LOSS_H

#include "transport/tcp/sndbuf.h"

/* What an acknowledgment said. */
struct ack_news {
    uint32_t acked;    /* bytes newly acknowledged cumulatively */
    uint32_t sacked;   /* and selectively */
    uint32_t flight;   /* bytes outstanding before it */
    uint32_t reported; /* bytes that a DSACK says came twice */
    uint32_t ts_ecr;   /* the echoed timestamp; 0: none */
    bool duplicate;    /* RFC 5681 2: a duplicate ACK */
};

/* After the scoreboard was brought up to date; tcb->tx is there. */
void loss_ack(struct tcb *tcb, const struct ack_news *news);
/* The retransmission timeout has fired with something outstanding. */
void loss_timeout(struct tcb *tcb);

#endif
