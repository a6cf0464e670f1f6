/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 5681 with bytes counted (RFC 3465). */
#include "transport/tcp/cc.h"

/* RFC 5681 3.1: slow start by what was acknowledged, then one MSS for each window of bytes. */
static void newreno_ack(struct tcb *tcb, uint32_t acked)
{
    struct tcb_cc *cc = &tcb->cc;
    if (cc->cwnd < cc->ssthresh) {
        const uint32_t step = min_u32(acked, cc->ssthresh - cc->cwnd);
        cc->cwnd = min_u32(cc->cwnd + step, CC_CWND_MAX);
        acked -= step;
    }
    cc->acked += acked;
    if (cc->acked >= cc->cwnd) {
        cc->acked -= cc->cwnd;
        cc->cwnd = min_u32(cc->cwnd + tcb->snd.mss, CC_CWND_MAX);
    }
}

/* RFC 5681 equation 4. */
static uint32_t newreno_ssthresh(struct tcb *tcb, uint32_t flight)
{
    return max_u32(flight / 2, 2u * tcb->snd.mss);
}

const struct cc_ops cc_newreno = {
    .name = "newreno",
    .ack = newreno_ack,
    .ssthresh = newreno_ssthresh,
};
