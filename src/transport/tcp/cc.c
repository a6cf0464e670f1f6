/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/cc.h"

uint32_t cc_initial_window(uint16_t mss)
{
    return min_u32(10u * mss, max_u32(2u * mss, 14600));
}

void cc_init(struct tcb *tcb)
{
    if (tcb->cc.ops == NULL)
        tcb->cc.ops = &cc_newreno;
    tcb->cc.cwnd = cc_initial_window(tcb->snd.mss);
    tcb->cc.ssthresh = CC_SSTHRESH_NONE;
    tcb->cc.acked = 0;
    if (tcb->cc.ops->init != NULL)
        tcb->cc.ops->init(tcb);
}

void cc_restart(struct tcb *tcb, uint32_t idle_us)
{
    const uint32_t restart = min_u32(cc_initial_window(tcb->snd.mss), tcb->cc.cwnd);
    uint32_t cwnd = tcb->cc.cwnd;
    /* RFC 2861 3.2: remember three quarters of what was once possible. */
    tcb->cc.ssthresh = max_u32(tcb->cc.ssthresh, cwnd / 4 * 3);
    for (; idle_us > tcb->rtt.rto && cwnd > restart; idle_us -= tcb->rtt.rto)
        cwnd /= 2;
    tcb->cc.cwnd = max_u32(cwnd, restart);
    tcb->cc.acked = 0;
}
