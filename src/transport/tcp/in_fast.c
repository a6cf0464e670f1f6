/* SPDX-License-Identifier: Apache-2.0 */
/* Header prediction: the next segment in order, or an acknowledgment of what is in flight, with
 * nothing remarkable about it. Whatever is done here is what in_sync.c would do. */
#include "transport/tcp/ack.h"
#include "transport/tcp/budget.h"
#include "transport/tcp/in.h"
#include "transport/tcp/out.h"
#include "transport/tcp/rcvbuf.h"
#include "transport/tcp/sndbuf.h"

/* ACK alone, PSH or not; established; the next number; only timestamps; no hole; no urgent data. */
static bool is_predicted(const struct tcb *tcb, const struct seg *seg)
{
    return tcb->state == NST_TCP_ESTABLISHED && (seg->flags & ~TCP_PSH) == TCP_ACK &&
           seg->seq == tcb->rcv.nxt && tcb->ooo == NULL && !tcb->up_valid && !tcb->fin_known &&
           seg->opts.present == (tcb->ts_ok ? TCP_OPTS_TS : 0) && !tcb->shut_recv &&
           seg->len <= tcb_rcv_wnd(tcb);
}

bool in_fast(struct tcb *tcb, struct seg *seg)
{
    if (!is_predicted(tcb, seg))
        return false;
    /* RFC 7323 appendix D: the timestamp does not go back. */
    if (tcb->ts_ok && (int32_t)(seg->opts.ts_val - tcb->ts.recent) < 0)
        return false;
    const uint32_t acked = seg->ack - tcb->snd.una;
    if (acked > tcb_flight(tcb))
        return false;
    if (unlikely(tcb->rxq.count > 0 && pool_is_tight(tcb->stack->pool)) &&
        !budget_may_keep(tcb, seg->len))
        return false;
    /* A duplicate, or the end of a handshake or a recovery, is for the slow path. */
    if (acked == 0 && seg->len == 0)
        return false;
    if (tcb->ts_ok && tcb->rcv.wup == seg->seq) {
        tcb->ts.recent = seg->opts.ts_val;
        tcb->ts.recent_s = (uint32_t)(tcb->stack->now / NST_SEC);
    }
    tcb->alive_ms = tcb_now_ms(tcb);
    tcb->probes = 0;
    ack_window(tcb, seg);
    if (acked > 0)
        ack_advance(tcb, seg);
    if (seg->len > 0) {
        const uint32_t len = seg->len;
        rcvbuf_in_order(tcb, seg);
        in_ack_later(tcb, seg, len);
        tcb_notify(tcb, NST_READY_IN);
    }
    return true;
}
