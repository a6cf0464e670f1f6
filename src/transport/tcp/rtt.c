/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/rtt.h"

#define RTO_INITIAL_US 1000000u
#define RTT_MAX_US     120000000u

void rtt_init(struct tcb *tcb)
{
    tcb->rtt = (struct tcb_rtt){.rto = RTO_INITIAL_US, .min = UINT32_MAX};
}

void rtt_sample(struct tcb *tcb, uint32_t us)
{
    const struct tcp_state *tcp = tcb->stack->tcp;
    struct tcb_rtt *r = &tcb->rtt;
    us = max_u32(min_u32(us, RTT_MAX_US), 1);
    if (us < r->min)
        r->min = us;
    if (r->srtt == 0) {
        /* RFC 6298 2.2: SRTT = R, RTTVAR = R / 2. */
        r->srtt = us << 3;
        r->rttvar = us << 1;
    } else {
        /* 2.3: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|, SRTT = 7/8 SRTT + 1/8 R. */
        const int32_t delta = (int32_t)us - (int32_t)(r->srtt >> 3);
        const uint32_t magnitude = (uint32_t)(delta < 0 ? -delta : delta);
        r->srtt = (uint32_t)((int32_t)r->srtt + delta);
        r->rttvar = r->rttvar - (r->rttvar >> 2) + magnitude;
    }
    /* DEVIATION from RFC 6298 2.4 (at least 1 s): the variance has the floor, as in Linux. */
    const uint32_t rto = (r->srtt >> 3) + max_u32(tcp->rto_min_us, r->rttvar);
    r->rto = min_u32(rto, tcp->rto_max_us);
}

nst_time rtt_timeout(const struct tcb *tcb)
{
    const uint64_t max = tcb->stack->tcp->rto_max_us;
    /* RFC 6298 5.5: doubled for each timeout, up to the maximum. */
    const uint64_t us = (uint64_t)tcb->rtt.rto << (tcb->backoff < 16 ? tcb->backoff : 16);
    return (nst_time)(us < max ? us : max) * NST_USEC;
}
