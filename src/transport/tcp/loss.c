/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/loss.h"

#include "transport/tcp/cc.h"
#include "transport/tcp/sack.h"

#define DUP_THRESH 3

static void enter_recovery(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
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

static void in_recovery(struct tcb *tcb, const struct ack_news *news)
{
    struct tx *tx = tcb->tx;
    if (!tcb->sack_ok)
        count_reno(tcb, news);
    if (news->acked > 0 && seq_geq(tcb->snd.una, tx->recover)) {
        leave_recovery(tcb);
        return;
    }
    /* RFC 6582 3.2 step 3, partial acknowledgment: the next hole is lost too. With SACK it is the
     * same for a hole at the head that nothing covers (RFC 6675 NextSeg 3). */
    if (news->acked > 0)
        sack_mark_head_lost(tcb, tcb->snd.mss);
    if (tcb->sack_ok && news->sacked > 0)
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
    if ((tx->dupacks >= DUP_THRESH || tx->lost > 0) && may_enter(tcb))
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
    switch (tx->ca) {
    case CA_RECOVERY:
        in_recovery(tcb, news);
        return;
    case CA_LOSS:
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
