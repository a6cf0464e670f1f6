/* SPDX-License-Identifier: Apache-2.0 */
/* LISTEN and SYN-SENT: RFC 9293 3.10.7.2 and 3.10.7.3. Fast Open will come here. */
#include "transport/tcp/ack.h"
#include "transport/tcp/cc.h"
#include "transport/tcp/fsm.h"
#include "transport/tcp/in.h"
#include "transport/tcp/listen.h"
#include "transport/tcp/opts.h"
#include "transport/tcp/out.h"
#include "transport/tcp/timers.h"

void in_listen(struct tcb *tcb, struct seg *seg, uint32_t isn_floor)
{
    /* First to third (RST, ACK, other flags): legal.c let only a SYN through. */
    struct tcp_syn syn;
    listen_read_syn(seg, &syn);
    struct tcb *child;
    const int r = listen_child(tcb, &syn, isn_floor, &child);
    if (r == -NST_ENOBUFS)
        seg_refuse(seg, DROP_TCP_BACKLOG_FULL);
    else if (r < 0)
        seg_refuse(seg, DROP_NO_MEMORY);
}

void in_established(struct tcb *tcb, const struct seg *seg)
{
    fsm_set(tcb, NST_TCP_ESTABLISHED);
    tcb->connected = true;
    timers_stop_rtx(tcb);
    /* RFC 6298 3, Karn: a SYN sent again gives no time; RFC 6298 5.7: then the RTO begins at 3 s,
     * which with timestamps is soon corrected. */
    if (tcb->backoff == 0)
        rtt_sample(tcb, tcb_now_us(tcb) - tcb->rcv.round_us);
    else
        tcb->rtt.rto = max_u32(tcb->rtt.rto, 1000000);
    tcb_update_mss(tcb);
    cc_init(tcb);
    /* RFC 6928 2: a lost SYN halves nothing but forbids the large window. */
    if (tcb->backoff > 0)
        tcb->cc.cwnd = tcb->snd.mss;
    tcb->backoff = 0;
    tcb->rcv.quick = 16;
    tcb->rcv.round_us = tcb_now_us(tcb);
    tcb->last_ms = tcb_now_ms(tcb);
    tcb->snd.wl1 = seg->seq;
    tcb->snd.wl2 = seg->ack;
    timers_set_life(tcb);
}

/* RFC 9293 3.10.7.3, first and second. False: the segment ends here. */
static bool syn_sent_ack_rst(struct tcb *tcb, struct seg *seg)
{
    const bool ack = (seg->flags & TCP_ACK) != 0;
    if (ack && (seq_leq(seg->ack, tcb->snd.iss) || seq_gt(seg->ack, tcb->snd.nxt))) {
        if ((seg->flags & TCP_RST) == 0)
            out_reset_for(tcb->stack, seg);
        return seg_refuse(seg, DROP_TCP_BAD_ACK);
    }
    if ((seg->flags & TCP_RST) != 0) {
        /* A RST without ACK may be anybody's. */
        if (!ack)
            return seg_refuse(seg, DROP_TCP_NOT_ACCEPTABLE);
        COUNT(tcb->stack->counters.tcp_failed_attempts);
        tcb_end(tcb, NST_ECONNREFUSED);
        return false;
    }
    return true;
}

/* Fourth: what the peer's SYN says. */
static void take_syn(struct tcb *tcb, const struct seg *seg)
{
    const uint32_t offered = tcb->rcv.edge; /* the SYN's window field */
    tcb->rcv.irs = seg->seq;
    tcb->rcv.nxt = seg->seq + 1;
    tcb->rcv.wup = tcb->rcv.nxt;
    tcb->rcv.edge = tcb->rcv.nxt + offered;
    opts_negotiate(tcb, &seg->opts);
    /* RFC 7323 2.2: the window of a SYN is never scaled. */
    tcb->snd.wnd = seg->wnd;
    tcb->snd.max_wnd = max_u32(tcb->snd.max_wnd, seg->wnd);
    tcb->snd.wl1 = seg->seq;
    tcb->snd.wl2 = seg->ack;
    tcb->rcv.mss = 536;
}

void in_syn_sent(struct tcb *tcb, struct seg *seg)
{
    /* RFC 9293 3.10.7.3: first (ACK), second (RST). */
    if (!syn_sent_ack_rst(tcb, seg))
        return;
    /* Fifth: neither SYN nor RST. */
    if ((seg->flags & TCP_SYN) == 0) {
        seg_refuse(seg, DROP_TCP_BAD_FLAGS);
        return;
    }
    /* RFC 7323 3.2: an echo of what was never sent is no answer to our SYN. */
    if ((seg->flags & TCP_ACK) != 0 && (seg->opts.present & TCP_OPTS_TS) != 0 && tcb->ts_ok &&
        seg->opts.ts_ecr != 0 && (int32_t)(seg->opts.ts_ecr - tcb_ts_now(tcb)) > 0) {
        out_reset_for(tcb->stack, seg);
        seg_refuse(seg, DROP_TCP_PAWS);
        return;
    }
    tcb->alive_ms = tcb_now_ms(tcb);
    take_syn(tcb, seg);
    if ((seg->flags & TCP_ACK) != 0) {
        tcb->snd.una = seg->ack;
        in_established(tcb, seg);
        tcb_schedule(tcb, TODO_ACK | TODO_SEND);
        tcb_notify(tcb, NST_READY_OUT);
        return;
    }
    /* Simultaneous open (3.5, figure 7): our SYN again, with an ACK of theirs. */
    fsm_set(tcb, NST_TCP_SYN_RECEIVED);
    tcb->backoff = 0;
    timers_stop_rtx(tcb);
    tcb_schedule(tcb, TODO_SYN);
}
