/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Congestion control as a table of operations, integers only. An algorithm sets cc.cwnd and
 * cc.ssthresh (bytes); when to call it is loss.c's and ack.c's business.
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_CC_H
#define NICSTACK_SRC_TRANSPORT_TCP_CC_H

#include "transport/tcp/tcb.h"

struct cc_ops {
    const char *name;
    void (*init)(struct tcb *tcb);
    /* `acked` bytes were newly acknowledged, outside of recovery, while cwnd limited sending. */
    void (*ack)(struct tcb *tcb, uint32_t acked);
    /* The slow start threshold after a loss noticed with `flight` bytes outstanding. */
    uint32_t (*ssthresh)(struct tcb *tcb, uint32_t flight);
};

extern HIDDEN const struct cc_ops cc_newreno;

#define CC_SSTHRESH_NONE UINT32_MAX
#define CC_CWND_MAX      (1u << 30)

/* RFC 6928 2: min(10 MSS, max(2 MSS, 14600)). */
uint32_t cc_initial_window(const struct tcb *tcb);
/* Starts with the initial window. */
void cc_init(struct tcb *tcb);
/* RFC 5681 4.1, RFC 2861: nothing was sent for `idle_us`; halves cwnd for each RTO in it, down to
 * the restart window, and remembers half of what was there in ssthresh. */
void cc_restart(struct tcb *tcb, uint32_t idle_us);

#endif
