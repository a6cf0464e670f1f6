/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timers of a connection. There is one entry in the wheel; it stands at or before the earliest
 * of these deadlines and is moved later only when it fires.
 *
 *  timer      armed by                        stopped by                 on fire
 *  rtx: SYN   out_run, sending a SYN          the SYN's ACK, the end     SYN again, doubled; fails
 *                                                                        after 6 (5 for SYN, ACK)
 *  rtx: RTO   out_run, sending; ack, news     everything acknowledged    loss_timeout, doubled;
 *                                                                        fails after 15
 *  rtx: persist  out_run, nothing in flight   an ACK that opens the      probe, doubled
 *             and no window for what waits    window, by out_run
 *  delack     in_sync, data that can wait     any ACK sent               ACK
 *  life: keep-alive  option; segments move it option                     probe; fails after 9
 *  life: FIN-WAIT-2  of an orphan             FIN                        the end
 *  life: linger      close                    the end                    RST
 *
 * TIME-WAIT has its own list and timer (timewait.c).
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_TIMERS_H
#define NICSTACK_SRC_TRANSPORT_TCP_TIMERS_H

#include "transport/tcp/rtt.h"
#include "transport/tcp/tcb.h"

#define TIMERS_DELACK     (40 * NST_MSEC)
#define TIMERS_SYN_MAX    6
#define TIMERS_SYNACK_MAX 5
#define TIMERS_RTX_MAX    15
#define TIMERS_ORPHAN_MAX 8
#define TIMERS_NO_WAY     NST_SEC
#define TIMERS_NO_WAY_MAX \
    (924 * NST_SEC) /* as long as TIMERS_RTX_MAX timeouts take, from 200 ms on */
#define TIMERS_FIN_WAIT_2 (60 * NST_SEC)

void timers_init(struct tcb *tcb);
/* Arms the wheel for the earliest deadline, unless it stands before that anyway. */
void timers_update(struct tcb *tcb);
/* Stops everything. */
void timers_stop(struct tcb *tcb);
/* RFC 9293 3.8.4: what keep-alive goes by, as set or by default. */
HIDDEN nst_time timers_keep_idle(const struct tcb *tcb);
HIDDEN nst_time timers_keep_interval(const struct tcb *tcb);
HIDDEN uint16_t timers_keep_count(const struct tcb *tcb);
/* life anew: keep-alive or FIN-WAIT-2, whatever the state asks for. */
void timers_set_life(struct tcb *tcb);

/* RFC 6298 5.1, 5.3: the RTO counts from now. */
static inline void timers_start_rtx(struct tcb *tcb)
{
    tcb->probing = false;
    tcb->timers.rtx = tcb->stack->now + rtt_timeout(tcb);
}
static inline void timers_stop_rtx(struct tcb *tcb)
{
    tcb->probing = false;
    tcb->timers.rtx = NST_TIME_NEVER;
}

#endif
