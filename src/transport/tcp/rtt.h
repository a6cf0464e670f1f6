/* SPDX-License-Identifier: Apache-2.0 */
/* Round-trip times and the retransmission timeout (RFC 6298, RFC 7323 4). */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_RTT_H
#define NICSTACK_SRC_TRANSPORT_TCP_RTT_H

#include "transport/tcp/tcb.h"

/* RFC 6298 2.1: 1 s before there is a measurement. */
void rtt_init(struct tcb *tcb);
/* A measurement in microseconds of what was sent once (Karn). Ends the back-off. */
void rtt_sample(struct tcb *tcb, uint32_t us);
/* The timeout as it is now, backed off, nanoseconds. */
nst_time rtt_timeout(const struct tcb *tcb);
/* The smoothed time in microseconds; 0 before the first measurement. */
static inline uint32_t rtt_smoothed(const struct tcb *tcb)
{
    return tcb->rtt.srtt >> 3;
}

#endif
