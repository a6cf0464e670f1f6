/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/ack.h"

#include "transport/tcp/budget.h"
#include "transport/tcp/loss.h"
#include "transport/tcp/out.h"
#include "transport/tcp/rtt.h"
#include "transport/tcp/sack.h"
#include "transport/tcp/timers.h"

bool ack_window(struct tcb *tcb, const struct seg *seg)
{
    struct tcb_snd *snd = &tcb->snd;
    if (!(seq_lt(snd->wl1, seg->seq) || (snd->wl1 == seg->seq && seq_leq(snd->wl2, seg->ack))))
        return false;
    const uint32_t wnd = (uint32_t)seg->wnd << snd->wscale;
    const bool changed = wnd != snd->wnd;
    snd->wl1 = seg->seq;
    snd->wl2 = seg->ack;
    snd->wnd = wnd;
    if (wnd > snd->max_wnd)
        snd->max_wnd = wnd;
    if (changed && tcb->tx != NULL)
        tcb_schedule(tcb, TODO_SEND);
    return changed;
}

/* RFC 7323 4: where Karn's rule leaves nothing, the echoed timestamp tells, in milliseconds. */
static void sample_rtt(struct tcb *tcb, const struct seg *seg, uint32_t rtt_us)
{
    if (rtt_us == UINT32_MAX && tcb->ts_ok && (seg->opts.present & TCP_OPTS_TS) != 0 &&
        seg->opts.ts_ecr != 0) {
        const uint32_t ms = tcb_ts_now(tcb) - seg->opts.ts_ecr;
        if (ms < 120000)
            rtt_us = max_u32(ms, 1) * 1000;
    }
    if (rtt_us != UINT32_MAX)
        rtt_sample(tcb, rtt_us);
}

/* Everything was acknowledged: what served the sending goes. */
static void all_acked(struct tcb *tcb)
{
    if (tcb->fin_queued)
        tcb->fin_acked = true;
    timers_stop_rtx(tcb);
    if (!tcb->tx->reserved || tcb->fin_queued)
        sndbuf_free(tcb);
}

/* There is room again: tell a sender that was refused, once a third is free. */
static void notify_room(struct tcb *tcb)
{
    sndbuf_autotune(tcb);
    budget_freed(tcb->stack->tcp);
    if (tcb->want_room && sndbuf_is_writable(tcb)) {
        tcb->want_room = false;
        tcb_notify(tcb, NST_READY_OUT);
    }
}

static void advance(struct tcb *tcb, const struct seg *seg, struct ack_news *news)
{
    struct tx *tx = tcb->tx;
    uint32_t rtt_us = UINT32_MAX;
    news->acked = seg->ack - tcb->snd.una;
    sack_advance(tcb, seg->ack, &rtt_us);
    tcb->snd.una = seg->ack;
    tcb->bytes_acked += news->acked - (tcb->fin_queued && seg->ack == tx->end + 1);
    sndbuf_ack(tcb, seg->ack);
    sample_rtt(tcb, seg, rtt_us);
    /* RFC 4861 7.3.1: the next hop took it. */
    if (likely(tcb->dst != NULL))
        dst_confirm(tcb->dst);
    /* RFC 6298 5.3; the back-off ends with news (5.7 by way of Karn, RFC 7323). */
    tcb->backoff = 0;
    tcb->probes = 0;
    if (tcb->snd.una != tcb->snd.nxt)
        timers_start_rtx(tcb);
    else
        timers_stop_rtx(tcb);
}

/* The end of each acknowledgment that moved snd.una. */
static void finish(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    if (tcb->snd.una == tcb->snd.nxt && seq_geq(tcb->snd.una, tx->end + tcb->fin_queued))
        all_acked(tcb);
    else
        tcb_schedule(tcb, TODO_SEND);
    notify_room(tcb);
}

void ack_advance(struct tcb *tcb, const struct seg *seg)
{
    struct ack_news news = {.flight = tcb_flight(tcb)};
    news.ts_ecr = tcb->ts_ok ? seg->opts.ts_ecr : 0;
    advance(tcb, seg, &news);
    loss_ack(tcb, &news);
    finish(tcb);
}

/* RFC 5681 2: something outstanding, no data, no SYN or FIN, the same ACK and window. */
static bool is_duplicate(const struct tcb *tcb, const struct seg *seg, bool window_changed)
{
    return seg->ack == tcb->snd.una && seg->len == 0 && (seg->flags & (TCP_SYN | TCP_FIN)) == 0 &&
           !window_changed && tcb_flight(tcb) > 0;
}

static void receive(struct tcb *tcb, const struct seg *seg, bool window_changed)
{
    struct ack_news news = {.flight = tcb_flight(tcb)};
    news.duplicate = is_duplicate(tcb, seg, window_changed);
    const bool moves = seq_gt(seg->ack, tcb->snd.una);
    if (tcb->sack_ok && (seg->opts.present & TCP_OPTS_SACK) != 0)
        news.sacked = sack_input(tcb, seg, &news.reported);
    if (moves)
        advance(tcb, seg, &news);
    if (tcb->ts_ok && (seg->opts.present & TCP_OPTS_TS) != 0)
        news.ts_ecr = seg->opts.ts_ecr;
    loss_ack(tcb, &news);
    if (moves)
        finish(tcb);
    else if (news.duplicate || news.sacked > 0)
        tcb_schedule(tcb, TODO_SEND);
}

bool ack_input(struct tcb *tcb, struct seg *seg)
{
    struct tcb_snd *snd = &tcb->snd;
    /* RFC 9293 3.10.7.4, RFC 5961 5.2: snd.una - max.snd.wnd <= seg.ack <= snd.nxt. */
    if (seq_gt(seg->ack, snd->nxt)) {
        out_duplicate_ack(tcb, seg);
        return seg_refuse(seg, DROP_TCP_BAD_ACK);
    }
    if (seq_lt(seg->ack, snd->una - snd->max_wnd)) {
        out_challenge(tcb);
        return seg_refuse(seg, DROP_TCP_BAD_ACK);
    }
    const bool window_changed = seq_geq(seg->ack, snd->una) && ack_window(tcb, seg);
    /* The peer answers: a zero window may last (RFC 9293 3.8.6.1). */
    tcb->probes = 0;
    if (tcb->tx != NULL && tcb_flight(tcb) > 0 &&
        (seq_geq(seg->ack, snd->una) || (seg->opts.present & TCP_OPTS_SACK) != 0))
        receive(tcb, seg, window_changed);
    return true;
}
