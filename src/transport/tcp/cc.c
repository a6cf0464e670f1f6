/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/cc.h"

uint32_t cc_initial_window(const struct tcb *tcb)
{
    const uint32_t mss = tcb->snd.mss, segments = tcb->stack->tcp->initial_window;
    if (segments > 0)
        return segments * mss;
    return min_u32(10u * mss, max_u32(2u * mss, 14600));
}

void cc_init(struct tcb *tcb)
{
    if (tcb->cc.ops == NULL)
        tcb->cc.ops = &cc_newreno;
    tcb->cc.cwnd = cc_initial_window(tcb);
    tcb->cc.ssthresh = CC_SSTHRESH_NONE;
    tcb->cc.acked = 0;
    if (tcb->cc.ops->init != NULL)
        tcb->cc.ops->init(tcb);
}

void cc_restart(struct tcb *tcb, uint32_t idle_us)
{
    if ((tcb->stack->tcp->off & NST_TCP_OFF_IDLE_RESTART) != 0)
        return;
    const uint32_t restart = min_u32(cc_initial_window(tcb), tcb->cc.cwnd);
    uint32_t cwnd = tcb->cc.cwnd;
    /* RFC 2861 3.2: remember three quarters of what was once possible. */
    tcb->cc.ssthresh = max_u32(tcb->cc.ssthresh, cwnd / 4 * 3);
    for (; idle_us > tcb->rtt.rto && cwnd > restart; idle_us -= tcb->rtt.rto)
        cwnd /= 2;
    tcb->cc.cwnd = max_u32(cwnd, restart);
    tcb->cc.acked = 0;
}
