/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 9293 3.10.7.4: SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING,
 * LAST-ACK. The steps have the RFC's names and order; each returns false when the segment ends
 * there.
 */
#include "transport/tcp/ack.h"
#include "transport/tcp/budget.h"
#include "transport/tcp/fsm.h"
#include "transport/tcp/in.h"
#include "transport/tcp/listen.h"
#include "transport/tcp/out.h"
#include "transport/tcp/rcvbuf.h"
#include "transport/tcp/sndbuf.h"
#include "transport/tcp/timers.h"
#include "transport/tcp/timewait.h"

/* ---- First: sequence number ---- */

/* RFC 9293 3.4, table 5. */
static bool is_acceptable(const struct tcb *tcb, const struct seg *seg)
{
    const uint32_t nxt = tcb->rcv.nxt, wnd = tcb_rcv_wnd(tcb);
    const uint32_t len = seg->end - seg->seq;
    if (len == 0) {
        if (wnd == 0)
            return seg->seq == nxt;
        /* An ACK that was overtaken by data is still news to the sender's side. */
        return seq_geq(seg->seq, tcb->rcv.wup) && seq_lt(seg->seq, nxt + wnd);
    }
    if (wnd == 0)
        return false;
    return seq_in(seg->seq, nxt, wnd) || seq_in(seg->end - 1, nxt, wnd);
}

/* RFC 7323 5.3: older than what was last seen, and that not longer ago than 24 days. */
static bool is_paws_rejected(const struct tcb *tcb, const struct seg *seg)
{
    if (!tcb->ts_ok || (seg->opts.present & TCP_OPTS_TS) == 0 || (seg->flags & TCP_RST) != 0)
        return false;
    if ((int32_t)(seg->opts.ts_val - tcb->ts.recent) >= 0)
        return false;
    return (uint32_t)(tcb->stack->now / NST_SEC) - tcb->ts.recent_s < 24 * 86400;
}

/* RFC 2883 4.1: what came twice is reported first. */
static void note_duplicate(struct tcb *tcb, const struct seg *seg)
{
    if (seg->len > 0 && seq_lt(seg->seq, tcb->rcv.nxt)) {
        tcb->rcv.dsack_from = seg->seq;
        tcb->rcv.dsack_to = seq_min(seg->seq + seg->len, tcb->rcv.nxt);
    }
}

/* RFC 9293 3.8.4, and 3.8.6.1 as most do it: the number before the next one and no data asks for an
 * ACK. It is not acceptable, and no fault either. */
static bool is_probe(const struct tcb *tcb, const struct seg *seg)
{
    return seg->len == 0 && seg->seq + 1 == tcb->rcv.nxt &&
           (seg->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK &&
           tcb->state != NST_TCP_SYN_RECEIVED;
}

static bool step_sequence(struct tcb *tcb, struct seg *seg)
{
    if (is_paws_rejected(tcb, seg)) {
        COUNT(tcb->stack->counters.tcp_paws_rejected);
        note_duplicate(tcb, seg);
        out_duplicate_ack(tcb, seg);
        return seg_refuse(seg, DROP_TCP_PAWS);
    }
    if (is_probe(tcb, seg)) {
        COUNT(tcb->stack->counters.tcp_probes_received);
        if (!ack_input(tcb, seg))
            return false;
        /* A window that is shut is asked for at the peer's pace; else as any old segment. */
        if (tcb_rcv_wnd(tcb) == 0)
            tcb_schedule(tcb, TODO_ACK);
        else
            out_duplicate_ack(tcb, seg);
        tcb->alive_ms = tcb_now_ms(tcb);
        return false;
    }
    if (!is_acceptable(tcb, seg)) {
        /* 3.10.7.4: with a closed window, valid ACKs, URGs and RSTs still count. */
        if (tcb_rcv_wnd(tcb) == 0 && seg->seq == tcb->rcv.nxt &&
            tcb->state != NST_TCP_SYN_RECEIVED && (seg->flags & (TCP_ACK | TCP_RST)) == TCP_ACK &&
            !ack_input(tcb, seg))
            return false;
        note_duplicate(tcb, seg);
        out_duplicate_ack(tcb, seg);
        return seg_refuse(seg, DROP_TCP_NOT_ACCEPTABLE);
    }
    /* RFC 7323 4.3: the timestamp to echo is that of the segment that the next ACK is about.
     * DEVIATION from 3.2: a segment without timestamps is accepted, as in Linux. */
    if (tcb->ts_ok && (seg->opts.present & TCP_OPTS_TS) != 0 && (seg->flags & TCP_RST) == 0 &&
        seq_leq(seg->seq, tcb->rcv.wup)) {
        tcb->ts.recent = seg->opts.ts_val;
        tcb->ts.recent_s = (uint32_t)(tcb->stack->now / NST_SEC);
    }
    return true;
}

/* ---- Second: RST ---- */

static bool step_reset(struct tcb *tcb, struct seg *seg)
{
    if ((seg->flags & TCP_RST) == 0)
        return true;
    /* RFC 5961 3.2: exactly the next number resets; elsewhere in the window it is challenged. */
    if (seg->seq != tcb->rcv.nxt) {
        out_challenge(tcb);
        return seg_refuse(seg, DROP_TCP_NOT_ACCEPTABLE);
    }
    int error = NST_ECONNRESET;
    if (tcb->state == NST_TCP_SYN_RECEIVED) {
        COUNT(tcb->stack->counters.tcp_failed_attempts);
        if (!tcb->passive)
            error = NST_ECONNREFUSED;
    } else {
        COUNT(tcb->stack->counters.tcp_established_resets);
        if (tcb->state == NST_TCP_CLOSE_WAIT)
            error = NST_EPIPE;
        else if (tcb->state == NST_TCP_CLOSING || tcb->state == NST_TCP_LAST_ACK)
            error = 0;
    }
    /* Third (security) is not of our time. What was received before stays readable. */
    rcvbuf_free_ooo(tcb);
    tcb_end(tcb, error);
    return false;
}

/* ---- Fourth: SYN ---- */

static bool step_syn(struct tcb *tcb, struct seg *seg)
{
    if ((seg->flags & TCP_SYN) == 0)
        return true;
    /* RFC 5961 4.2. */
    out_challenge(tcb);
    return seg_refuse(seg, DROP_TCP_BAD_FLAGS);
}

/* ---- Fifth: ACK ---- */

static bool ack_syn_received(struct tcb *tcb, struct seg *seg)
{
    /* snd.una < seg.ack <= snd.nxt, else a RST with that number. */
    if (!seq_gt(seg->ack, tcb->snd.una) || seq_gt(seg->ack, tcb->snd.nxt)) {
        out_reset_for(tcb->stack, seg);
        return seg_refuse(seg, DROP_TCP_BAD_ACK);
    }
    if (tcb->embryo && !listen_may_establish(tcb))
        return seg_refuse(seg, DROP_TCP_BACKLOG_FULL);
    tcb->snd.una = tcb->snd.iss + 1;
    in_established(tcb, seg);
    tcb->snd.wnd = (uint32_t)seg->wnd << tcb->snd.wscale;
    tcb->snd.max_wnd = max_u32(tcb->snd.max_wnd, tcb->snd.wnd);
    if (tcb->embryo)
        listen_established(tcb);
    if (tcb->fin_queued) {
        fsm_set(tcb, NST_TCP_FIN_WAIT_1);
        tcb_schedule(tcb, TODO_SEND);
    }
    tcb_notify(tcb, NST_READY_OUT);
    return true;
}

/* Our FIN was acknowledged. False: there is no connection any more. */
static bool fin_acked(struct tcb *tcb)
{
    switch (tcb->state) {
    case NST_TCP_FIN_WAIT_1:
        fsm_set(tcb, NST_TCP_FIN_WAIT_2);
        timers_set_life(tcb);
        return true;
    case NST_TCP_CLOSING:
        timewait_enter(tcb);
        return false;
    case NST_TCP_LAST_ACK:
        tcb_end(tcb, 0);
        return false;
    default:
        return true;
    }
}

static bool step_ack(struct tcb *tcb, struct seg *seg)
{
    if ((seg->flags & TCP_ACK) == 0)
        return seg_refuse(seg, DROP_TCP_BAD_FLAGS);
    if (tcb->state == NST_TCP_SYN_RECEIVED && !ack_syn_received(tcb, seg))
        return false;
    if (!ack_input(tcb, seg))
        return false;
    if (tcb->fin_acked && !fin_acked(tcb))
        return false;
    return true;
}

/* ---- Sixth: URG ---- */

static void step_urgent(struct tcb *tcb, const struct seg *seg)
{
    /* RFC 6093 4: received and marked, never promoted. The pointer counts from seg.seq and names
     * the byte behind the urgent data. */
    if ((seg->flags & TCP_URG) == 0 || seg->urg == 0 || !fsm_can_receive(tcb->state))
        return;
    const uint32_t up = seg->seq + seg->urg;
    if (!seq_gt(up, tcb->rcv.nxt) || (tcb->up_valid && seq_leq(up, tcb->rcv.up)))
        return;
    tcb->rcv.up = up;
    tcb->up_valid = true;
    tcb_notify(tcb, NST_READY_IN);
}

/* ---- Seventh: text ---- */

/* When the peer's segments are this long, a second one is a reason to answer. */
static void learn_mss(struct tcb *tcb, const struct seg *seg, uint32_t len)
{
    const struct pkt *p = seg->p;
    const uint32_t offered = tcb_offered_mss(tcb);
    if (p != NULL && p->gso != NST_GSO_NONE && p->gso_size != 0)
        len = min_u32(len, p->gso_size);
    len = min_u32(len, offered);
    if (len > tcb->rcv.mss)
        tcb->rcv.mss = (uint16_t)len;
}

void in_ack_later(struct tcb *tcb, const struct seg *seg, uint32_t len)
{
    struct tcb_rcv *rcv = &tcb->rcv;
    rcv->last_ms = tcb_now_ms(tcb);
    if (len > rcv->mss)
        learn_mss(tcb, seg, len);
    /* RFC 5681 4.2: more than one full segment, quick ACK, a hole behind: now; and when the window
     * leaves the peer nothing to send that could bring company. */
    if (rcv->nxt - rcv->wup > rcv->mss || (rcv->quick > 0 && !tcb->pingpong) || tcb->quickack ||
        tcb->ooo != NULL || tcb_rcv_wnd(tcb) < rcv->mss) {
        tcb_schedule(tcb, TODO_ACK);
        return;
    }
    if (tcb->timers.delack == NST_TIME_NEVER)
        tcb->timers.delack = tcb->stack->now + TIMERS_DELACK;
    /* The wheel is brought up to date in the epilogue, where data may take the ACK along. */
    tcb_schedule(tcb, TODO_SEND);
}

/* Cuts off what is not wanted: before rcv.nxt, and behind the window with the FIN (RFC 9293
 * 3.10.7.4: trim to fit). */
static void trim(struct tcb *tcb, struct seg *seg)
{
    if (seq_lt(seg->seq, tcb->rcv.nxt)) {
        note_duplicate(tcb, seg);
        const uint32_t n = min_u32(tcb->rcv.nxt - seg->seq, seg->len);
        pkt_pull_any(seg->p, n);
        seg->seq += n;
        seg->len -= n;
        tcb_schedule(tcb, TODO_ACK);
    }
    const uint32_t right = tcb->rcv.nxt + tcb_rcv_wnd(tcb);
    if (seq_gt(seg->seq + seg->len, right)) {
        seg->len = right - seg->seq;
        pkt_trim(seg->p, seg->len);
        seg->flags &= (uint16_t)~TCP_FIN;
    }
}

/* RFC 9293 3.6.1, RFC 2525 2.17: data for somebody who has left is answered by RST. */
static bool is_nobody_there(const struct tcb *tcb, const struct seg *seg)
{
    return tcb->orphan && seg->len > 0 && seq_gt(seg->seq + seg->len, tcb->rcv.nxt) &&
           (tcb->state == NST_TCP_FIN_WAIT_1 || tcb->state == NST_TCP_FIN_WAIT_2);
}

static bool step_text(struct tcb *tcb, struct seg *seg)
{
    if (is_nobody_there(tcb, seg)) {
        tcb_schedule(tcb, TODO_RST);
        tcb_end(tcb, 0);
        return seg_refuse(seg, DROP_TCP_CLOSED);
    }
    if (!fsm_can_receive(tcb->state) || tcb->fin_received) {
        if (seg->len > 0)
            seg_refuse(seg, DROP_TCP_CLOSED);
        return true;
    }
    trim(tcb, seg);
    if (seg->len == 0)
        return true;
    const uint32_t len = seg->len;
    if (seg->seq == tcb->rcv.nxt && !budget_may_keep(tcb, len)) {
        /* The peer takes it for lost, and hears that we live. */
        tcb_schedule(tcb, TODO_ACK);
        return seg_refuse(seg, DROP_NO_MEMORY);
    }
    if (seg->seq == tcb->rcv.nxt) {
        const bool filled = tcb->ooo != NULL;
        rcvbuf_in_order(tcb, seg);
        if (filled)
            tcb_schedule(tcb, TODO_ACK); /* RFC 5681 4.2: a hole was filled, wholly or in part */
        in_ack_later(tcb, seg, len);
        tcb_notify(tcb, NST_READY_IN);
    } else {
        COUNT(tcb->stack->counters.tcp_out_of_order);
        tcb->segs_ooo++;
        if (tcb->dupack_due < 255)
            tcb->dupack_due++;
        rcvbuf_out_of_order(tcb, seg);
        tcb_schedule(tcb, TODO_ACK);
    }
    return true;
}

/* ---- Eighth: FIN ---- */

static void fin_in_order(struct tcb *tcb)
{
    tcb->fin_known = false;
    tcb->fin_received = true;
    tcb->rcv.nxt++;
    if (seq_lt(tcb->rcv.edge, tcb->rcv.nxt))
        tcb->rcv.edge = tcb->rcv.nxt;
    rcvbuf_free_ooo(tcb);
    tcb_schedule(tcb, TODO_ACK);
    tcb_notify(tcb, NST_READY_IN | NST_READY_RDHUP);
    switch (tcb->state) {
    case NST_TCP_ESTABLISHED:
        fsm_set(tcb, NST_TCP_CLOSE_WAIT);
        break;
    case NST_TCP_FIN_WAIT_1:
        fsm_set(tcb, NST_TCP_CLOSING);
        break;
    case NST_TCP_FIN_WAIT_2:
        timewait_enter(tcb);
        break;
    default:
        break;
    }
}

static void step_fin(struct tcb *tcb, const struct seg *seg)
{
    if ((seg->flags & TCP_FIN) != 0 && fsm_can_receive(tcb->state) && !tcb->fin_received) {
        tcb->fin_known = true;
        tcb->rcv.fin = seg->end - 1;
        tcb_schedule(tcb, TODO_ACK);
    }
    if (tcb->fin_known && tcb->rcv.fin == tcb->rcv.nxt)
        fin_in_order(tcb);
}

/* A SYN in SYN-RECEIVED: the first one again, or the answer in a simultaneous open. True: it was
 * one of these; *ret_go_on says whether the steps follow. */
static bool special_syn(struct tcb *tcb, struct seg *seg, bool *ret_go_on)
{
    if (tcb->state != NST_TCP_SYN_RECEIVED || (seg->flags & TCP_SYN) == 0 ||
        seg->seq != tcb->rcv.irs)
        return false;
    *ret_go_on = false;
    if ((seg->flags & TCP_ACK) == 0) {
        /* Our SYN, ACK was lost. */
        tcb_schedule(tcb, TODO_SYN);
        return true;
    }
    if (seg->ack == tcb->snd.nxt && !tcb->passive) {
        /* RFC 9293 3.5, figure 7, line 5: nothing but the ACK in it is new. */
        seg->flags &= (uint16_t)~TCP_SYN;
        seg->seq++;
        *ret_go_on = true;
        return true;
    }
    return false;
}

void in_synchronized(struct tcb *tcb, struct seg *seg)
{
    bool go_on = true;
    if (special_syn(tcb, seg, &go_on) && !go_on)
        return;
    if (!step_sequence(tcb, seg))
        return;
    if (!step_reset(tcb, seg) || !step_syn(tcb, seg))
        return;
    tcb->alive_ms = tcb_now_ms(tcb);
    if (!step_ack(tcb, seg))
        return;
    step_urgent(tcb, seg);
    if (step_text(tcb, seg))
        step_fin(tcb, seg);
}
