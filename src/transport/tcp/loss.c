/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/loss.h"

#include "transport/tcp/cc.h"
#include "transport/tcp/sack.h"

/* Remembers what an undo brings back; a recovery that follows another at once is judged with it. */
static void begin_episode(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    if (tx->ca != CA_RECOVERY && tx->ca != CA_LOSS) {
        tx->prior_cwnd = tcb->cc.cwnd;
        tx->prior_ssthresh = tcb->cc.ssthresh;
        tx->resent_bytes = 0;
        tx->judged = false;
    }
}

static void enter_recovery(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    begin_episode(tcb);
    COUNT(tcb->stack->counters.tcp_fast_retransmits);
    /* RFC 6675 5 (4.2), RFC 6582 3.2 step 2. */
    tcb->cc.ssthresh = tcb->cc.ops->ssthresh(tcb, tcb_flight(tcb));
    tcb->cc.cwnd = tcb->cc.ssthresh;
    tcb->cc.acked = 0;
    tx->recover = tcb->snd.nxt;
    tx->ca = CA_RECOVERY;
    tx->force_first = true;
    sack_mark_head_lost(tcb, tcb->snd.mss);
}

static void leave_recovery(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    /* RFC 6582 3.2 step 3, full acknowledgment: no burst when little is under way. */
    if (tx->ca == CA_RECOVERY) {
        const uint32_t flight = max_u32(tcb_flight(tcb), tcb->snd.mss) + tcb->snd.mss;
        tcb->cc.cwnd = min_u32(tcb->cc.ssthresh, flight);
        tcb->cc.cwnd = max_u32(tcb->cc.cwnd, tcb->snd.mss);
    }
    tx->ca = tx->sacked > 0 ? CA_DISORDER : CA_OPEN;
    tx->dupacks = 0;
    tx->reno = 0;
    tx->force_first = false;
}

/* Without SACK each duplicate says that one segment has left; a partial acknowledgment takes back
 * what it covers but for the segment that was sent again. */
static void count_reno(struct tcb *tcb, const struct ack_news *news)
{
    struct tx *tx = tcb->tx;
    if (news->duplicate) {
        tx->reno = min_u32(tx->reno + tcb->snd.mss, tcb_flight(tcb));
    } else if (news->acked > tcb->snd.mss) {
        const uint32_t back = news->acked - tcb->snd.mss;
        tx->reno = tx->reno > back ? tx->reno - back : 0;
    }
}

/* RFC 4015 3 in short: the windows are as they were, and nothing more is sent again. */
static void undo(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    COUNT(tcb->stack->counters.tcp_spurious_recoveries);
    tcb->spurious++;
    tcb->cc.cwnd = max_u32(tcb->cc.cwnd, tx->prior_cwnd);
    tcb->cc.ssthresh = max_u32(tcb->cc.ssthresh, tx->prior_ssthresh);
    if (tx->ca == CA_RECOVERY && tcb->reordering < SACK_REORDERING_MAX)
        tcb->reordering++;
    sack_unmark_lost(tcb);
    tx->prior_cwnd = 0;
    tx->ca = tx->sacked > 0 ? CA_DISORDER : CA_OPEN;
    tx->dupacks = 0;
    tx->force_first = false;
}

/* Was the recovery a mistake? */
static bool check_spurious(struct tcb *tcb, const struct ack_news *news)
{
    struct tx *tx = tcb->tx;
    if (tx->prior_cwnd == 0 || tx->resent_bytes == 0)
        return false;
    bool spurious = false;
    if (news->reported > 0) {
        tx->resent_bytes -= min_u32(news->reported, tx->resent_bytes);
        spurious = tx->resent_bytes == 0;
    }
    if (news->acked > 0 && news->ts_ecr != 0 && !tx->judged) {
        tx->judged = true;
        spurious = spurious || (int32_t)(news->ts_ecr - tx->resent_ts) < 0;
    }
    if (spurious)
        undo(tcb);
    return spurious;
}

/* Nothing new can be sent, or too little is under way to say more about a hole. */
static bool is_short_of_news(const struct tcb *tcb)
{
    return tcb->snd.nxt == tcb->tx->end + tcb->fin_queued ||
           tcb_flight(tcb) <= (SACK_DUP_THRESH + 1) * tcb->snd.mss;
}

static void in_recovery(struct tcb *tcb, const struct ack_news *news)
{
    struct tx *tx = tcb->tx;
    if (!tcb->sack_ok)
        count_reno(tcb, news);
    if (news->acked > 0 && seq_geq(tcb->snd.una, tx->recover)) {
        leave_recovery(tcb);
        return;
    }
    /* RFC 6582 3.2 step 3, partial acknowledgment: the next hole is lost too. With SACK more will
     * be heard of it, unless there is nothing to bring news (RFC 6675 NextSeg 3, 4). */
    if (news->acked > 0 && (!tcb->sack_ok || is_short_of_news(tcb)))
        sack_mark_head_lost(tcb, tcb->snd.mss);
    /* Without SACK nothing else brings news of the hole: it goes whatever cwnd says, as the first
     * one did. */
    if (news->acked > 0 && !tcb->sack_ok)
        tx->force_first = true;
    if (tcb->sack_ok)
        sack_mark_lost(tcb);
}

/* RFC 6582 3.2 step 1: duplicates of what a recovery before has sent itself begin no new one. */
static bool may_enter(const struct tcb *tcb)
{
    return tcb->sack_ok || seq_gt(tcb->snd.una, tcb->tx->recover);
}

static void in_order(struct tcb *tcb, const struct ack_news *news)
{
    struct tx *tx = tcb->tx;
    if (news->acked > 0) {
        tx->dupacks = 0;
        tx->reno = 0;
        tx->ca = tx->sacked > 0 ? CA_DISORDER : CA_OPEN;
    }
    /* RFC 6675 2: with SACK a duplicate is one that acknowledges something selectively. */
    if (tcb->sack_ok ? news->sacked == 0 : !news->duplicate)
        return;
    tx->ca = CA_DISORDER;
    tx->dupacks++;
    if (tcb->sack_ok)
        sack_mark_lost(tcb);
    else
        count_reno(tcb, news); /* RFC 3042: room for one more segment */
    if ((tx->dupacks * tcb->snd.mss >= sack_threshold(tcb) || tx->lost > tx->retrans) &&
        may_enter(tcb))
        enter_recovery(tcb);
}

/* RFC 5681 4.3 and RFC 2861: the window grows only while it limits. */
static bool was_limited(const struct tcb *tcb, uint32_t flight)
{
    if (tcb->cc.cwnd < tcb->cc.ssthresh)
        return tcb->cc.cwnd < 2 * flight;
    return flight + tcb->snd.mss >= tcb->cc.cwnd;
}

void loss_ack(struct tcb *tcb, const struct ack_news *news)
{
    struct tx *tx = tcb->tx;
    if (unlikely(check_spurious(tcb, news)))
        return;
    switch (tx->ca) {
    case CA_RECOVERY:
        in_recovery(tcb, news);
        return;
    case CA_LOSS:
        if (tcb->sack_ok)
            sack_mark_lost(tcb);
        if (news->acked > 0 && seq_geq(tcb->snd.una, tx->recover))
            leave_recovery(tcb);
        break;
    default:
        in_order(tcb, news);
        break;
    }
    if (news->acked > 0 && tx->ca != CA_RECOVERY &&
        (tx->ca == CA_LOSS || was_limited(tcb, news->flight)))
        tcb->cc.ops->ack(tcb, news->acked);
}

void loss_timeout(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    COUNT(tcb->stack->counters.tcp_timeouts);
    begin_episode(tcb);
    /* RFC 5681 3.1: ssthresh stays when the same data is timed out again. */
    if (tx->ca != CA_LOSS || seq_gt(tcb->snd.una, tx->recover))
        tcb->cc.ssthresh = tcb->cc.ops->ssthresh(tcb, tcb_flight(tcb));
    tcb->cc.cwnd = tcb->snd.mss;
    tcb->cc.acked = 0;
    tx->ca = CA_LOSS;
    tx->recover = tcb->snd.nxt;
    tx->dupacks = 0;
    tx->reno = 0;
    sack_mark_all_lost(tcb);
}
