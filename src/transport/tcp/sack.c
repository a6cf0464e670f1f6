/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/sack.h"

#define REC_NEXT(r, tx) LIST_NEXT(r, &(tx)->recs, struct rec, node)
#define REC_PREV(r, tx) LIST_PREV(r, &(tx)->recs, struct rec, node)

static uint32_t rec_len(const struct rec *rec)
{
    return rec->end - rec->start;
}

/* The sums follow the flags. */
static void set_flags(struct tx *tx, struct rec *rec, uint8_t flags)
{
    const uint32_t len = rec_len(rec);
    const uint8_t changed = rec->flags ^ flags;
    if ((changed & REC_SACKED) != 0)
        tx->sacked += (flags & REC_SACKED) != 0 ? len : -len;
    if ((changed & REC_LOST) != 0)
        tx->lost += (flags & REC_LOST) != 0 ? len : -len;
    if ((changed & REC_RETRANS) != 0)
        tx->retrans += (flags & REC_RETRANS) != 0 ? len : -len;
    rec->flags = flags;
}

static void free_rec(struct tcb *tcb, struct rec *rec)
{
    struct tx *tx = tcb->tx;
    list_remove(&rec->node);
    tx->rec_count--;
    slab_give(&tcb->stack->tcp->recs, rec);
}

static struct rec *new_rec(struct tcb *tcb, uint32_t start, uint32_t end)
{
    struct rec *rec = slab_take(&tcb->stack->tcp->recs);
    if (rec == NULL)
        return NULL;
    rec->start = start;
    rec->end = end;
    rec->sent = tcb->stack->now;
    rec->flags = 0;
    tcb->tx->rec_count++;
    return rec;
}

bool sack_sent(struct tcb *tcb, uint32_t start, uint32_t end)
{
    struct tx *tx = tcb->tx;
    struct rec *last = LIST_LAST(&tx->recs, struct rec, node);
    struct rec *rec = NULL;
    if (tx->rec_count < REC_MAX)
        rec = new_rec(tcb, start, end);
    if (rec == NULL) {
        /* Many tiny segments: the last record takes it in, and gives no time any more. */
        if (last == NULL || (last->flags & ~REC_EVER) != 0)
            return false;
        last->end = end;
        last->flags |= REC_EVER;
        return true;
    }
    list_add_tail(&tx->recs, &rec->node);
    return true;
}

void sack_unsent(struct tcb *tcb, uint32_t end)
{
    struct rec *last = LIST_LAST(&tcb->tx->recs, struct rec, node);
    last->end = end;
    if (last->start == end)
        free_rec(tcb, last);
}

/* Cuts rec at `at`, inside; the second half is a record of its own. NULL: no memory or too many. */
static struct rec *split(struct tcb *tcb, struct rec *rec, uint32_t at)
{
    if (tcb->tx->rec_count >= 2 * REC_MAX)
        return NULL;
    struct rec *second = new_rec(tcb, at, rec->end);
    if (second == NULL)
        return NULL;
    second->sent = rec->sent;
    second->flags = rec->flags;
    rec->end = at;
    list_insert_before(rec->node.next, &second->node);
    return second;
}

uint32_t sack_segments(const struct tcb *tcb, const struct rec *rec)
{
    const uint32_t mss = tcb->snd.mss;
    uint32_t len = rec_len(rec);
    if (tcb->fin_queued && rec->end == tcb->tx->end + 1 && len > 1)
        len--; /* the FIN rides on data */
    return (len + mss - 1) / mss;
}

/* The peer has what lies before `una` of rec, whole segments of it. */
static void count_delivered(struct tcb *tcb, const struct rec *rec, uint32_t una)
{
    if (seq_geq(una, rec->end))
        tcb->delivered += sack_segments(tcb, rec);
    else
        tcb->delivered += (una - rec->start) / tcb->snd.mss;
}

/* rec was delivered: what does that say of others? Called before its flags change. */
static void note_delivered(struct tcb *tcb, const struct rec *rec)
{
    struct tx *tx = tcb->tx;
    const nst_time age = tcb->stack->now - rec->sent;
    /* Of what was sent twice the first one may have arrived: the second cannot be that fast. */
    if ((rec->flags & REC_EVER) != 0) {
        if (age >= (nst_time)tcb->rtt.min * NST_USEC)
            tx->newest = max_i64(tx->newest, rec->sent);
        return;
    }
    tx->newest = max_i64(tx->newest, rec->sent);
    /* What lies above came before it: the path reorders that far. */
    if (tx->sacked == 0 || !seq_lt(rec->end, tx->high_sacked))
        return;
    tcb->reorderings++;
    const uint32_t segments = (tx->high_sacked - rec->start) / tcb->snd.mss + 1;
    if (segments > tcb->reordering)
        tcb->reordering = (uint8_t)min_u32(segments, SACK_REORDERING_MAX);
}

/* RFC 2018 8: the peer acknowledges up to what it reported and not that: it was given up there. */
static void check_reneged(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    struct rec *rec = LIST_FIRST(&tx->recs, struct rec, node);
    if (likely(rec == NULL || (rec->flags & REC_SACKED) == 0))
        return;
    for (; rec != NULL; rec = REC_NEXT(rec, tx)) {
        if ((rec->flags & REC_SACKED) != 0)
            set_flags(tx, rec, REC_LOST | REC_EVER);
    }
}

void sack_advance(struct tcb *tcb, uint32_t una, uint32_t *ret_rtt)
{
    struct tx *tx = tcb->tx;
    bool timed = false;
    while (!list_is_empty(&tx->recs)) {
        struct rec *rec = LIST_FIRST(&tx->recs, struct rec, node);
        if (seq_leq(una, rec->start))
            break;
        if (!timed && (rec->flags & (REC_EVER | REC_SACKED)) == 0) {
            timed = true;
            *ret_rtt = (uint32_t)((tcb->stack->now - rec->sent) / NST_USEC);
        }
        const uint8_t flags = rec->flags;
        const bool whole = seq_leq(rec->end, una);
        if ((flags & REC_SACKED) == 0) {
            note_delivered(tcb, rec);
            count_delivered(tcb, rec, una);
        }
        set_flags(tx, rec, 0);
        if (whole) {
            free_rec(tcb, rec);
            continue;
        }
        rec->start = una;
        set_flags(tx, rec, flags);
        break;
    }
    check_reneged(tcb);
}

/* Joins rec with the neighbour behind it when the peer has both. */
static void join_next(struct tcb *tcb, struct rec *rec)
{
    struct tx *tx = tcb->tx;
    struct rec *next = REC_NEXT(rec, tx);
    if (next == NULL || (rec->flags & next->flags & REC_SACKED) == 0)
        return;
    rec->end = next->end;
    rec->flags |= next->flags & REC_EVER;
    free_rec(tcb, next);
}

/* Marks what of rec lies in the block. Returns the record to go on behind. */
static struct rec *mark_sacked(struct tcb *tcb, struct rec *rec, const struct tcp_sack_block *b)
{
    struct tx *tx = tcb->tx;
    if ((rec->flags & REC_SACKED) != 0)
        return rec;
    if (seq_lt(rec->start, b->start)) {
        rec = split(tcb, rec, b->start);
        if (rec == NULL)
            return NULL;
    }
    if (seq_gt(rec->end, b->end) && split(tcb, rec, b->end) == NULL)
        return NULL;
    note_delivered(tcb, rec);
    count_delivered(tcb, rec, rec->end);
    set_flags(tx, rec, REC_SACKED | (rec->flags & REC_EVER));
    join_next(tcb, rec);
    struct rec *prev = REC_PREV(rec, tx);
    if (prev != NULL && (prev->flags & REC_SACKED) != 0) {
        join_next(tcb, prev);
        rec = prev;
    }
    return rec;
}

/* The record that holds `seq`: from the end, where news mostly is. */
static struct rec *find(struct tx *tx, uint32_t seq)
{
    struct rec *rec = LIST_LAST(&tx->recs, struct rec, node);
    while (rec != NULL && seq_gt(rec->start, seq))
        rec = REC_PREV(rec, tx);
    return rec;
}

/* Is it about what is in flight? RFC 2018 3, 8: blocks that make no sense are ignored. */
static bool block_is_valid(const struct tcb *tcb, const struct tcp_sack_block *b)
{
    return seq_lt(b->start, b->end) && seq_geq(b->start, tcb->snd.una) &&
           seq_leq(b->end, tcb->snd.nxt);
}

/* RFC 2883 4, 5: the first block reports a duplicate when it lies below the acknowledgment, or
 * inside the second one. */
static bool is_duplicate_report(const struct seg *seg)
{
    const struct tcp_sack_block *b = seg->opts.sack;
    if (seq_leq(b->end, seg->ack))
        return true;
    return seg->opts.n_sack > 1 && seq_geq(b->start, b[1].start) && seq_leq(b->end, b[1].end);
}

/* Marks what a block covers. */
static void work_in(struct tcb *tcb, struct tcp_sack_block b)
{
    struct tx *tx = tcb->tx;
    /* What lies above the acknowledgment still counts. */
    if (seq_lt(b.start, tcb->snd.una) && seq_gt(b.end, tcb->snd.una) &&
        seq_lt(tcb->snd.una - tcb->snd.max_wnd, b.start))
        b.start = tcb->snd.una;
    if (!block_is_valid(tcb, &b))
        return;
    for (struct rec *rec = find(tx, b.start); rec != NULL && seq_lt(rec->start, b.end);
         rec = REC_NEXT(rec, tx)) {
        if (seq_leq(rec->end, b.start))
            continue;
        rec = mark_sacked(tcb, rec, &b);
        if (rec == NULL)
            break;
    }
    tx->high_sacked = seq_max(tx->high_sacked, b.end);
}

uint32_t sack_input(struct tcb *tcb, const struct seg *seg, uint32_t *ret_duplicate)
{
    const uint32_t before = tcb->tx->sacked;
    unsigned first = 0;
    if (seg->opts.n_sack > 0 && is_duplicate_report(seg)) {
        *ret_duplicate = seg->opts.sack[0].end - seg->opts.sack[0].start;
        tcb->dsacks++;
        first = 1;
    }
    for (unsigned i = first; i < seg->opts.n_sack; i++)
        work_in(tcb, seg->opts.sack[i]);
    return tcb->tx->sacked - before;
}

uint32_t sack_threshold(const struct tcb *tcb)
{
    const uint32_t mss = tcb->snd.mss;
    const uint32_t most = max_u32(tcb_flight(tcb) / 3 * 2, SACK_DUP_THRESH * mss);
    return min_u32(tcb->reordering * mss, most);
}

/* What was sent again and is still missing, when something that left clearly later has arrived. */
static bool is_lost_again(const struct tcb *tcb, const struct rec *rec)
{
    const nst_time window = (nst_time)(tcb->rtt.srtt >> 5) * NST_USEC;
    return (rec->flags & REC_RETRANS) != 0 && rec->sent + window < tcb->tx->newest;
}

void sack_mark_lost(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    const uint32_t mss = tcb->snd.mss;
    const uint32_t enough = sack_threshold(tcb) - mss;
    uint32_t above = 0, stretches = 0;
    struct rec *rec = LIST_LAST(&tx->recs, struct rec, node);
    for (; rec != NULL; rec = REC_PREV(rec, tx)) {
        if ((rec->flags & REC_SACKED) != 0) {
            above += rec_len(rec);
            stretches += mss;
        } else if (is_lost_again(tcb, rec) ||
                   ((above > enough || stretches > enough) && (rec->flags & REC_LOST) == 0)) {
            set_flags(tx, rec, REC_LOST | (rec->flags & REC_EVER));
        }
    }
}

void sack_unmark_lost(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    struct rec *rec;
    LIST_FOR_EACH (rec, &tx->recs, struct rec, node) {
        if ((rec->flags & (REC_LOST | REC_RETRANS)) == REC_LOST)
            set_flags(tx, rec, rec->flags & REC_EVER);
    }
}

void sack_mark_head_lost(struct tcb *tcb, uint32_t len)
{
    struct tx *tx = tcb->tx;
    struct rec *rec = LIST_FIRST(&tx->recs, struct rec, node);
    while (rec != NULL && (rec->flags & REC_SACKED) != 0)
        rec = REC_NEXT(rec, tx);
    if (rec == NULL || (rec->flags & REC_LOST) != 0)
        return;
    if (rec_len(rec) > len)
        split(tcb, rec, rec->start + len);
    set_flags(tx, rec, rec->flags | REC_LOST);
}

void sack_mark_all_lost(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    struct rec *rec = LIST_FIRST(&tx->recs, struct rec, node);
    /* RFC 2018 8: when even the first is "acknowledged", the peer has taken it back. */
    const bool reneged = rec != NULL && (rec->flags & REC_SACKED) != 0;
    for (; rec != NULL; rec = REC_NEXT(rec, tx)) {
        if ((rec->flags & REC_SACKED) == 0 || reneged)
            set_flags(tx, rec, REC_LOST | (rec->flags & REC_EVER));
    }
}

struct rec *sack_next_lost(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    if (tx->lost == tx->retrans)
        return NULL;
    struct rec *rec;
    LIST_FOR_EACH (rec, &tx->recs, struct rec, node)
        if ((rec->flags & (REC_LOST | REC_RETRANS)) == REC_LOST)
            return rec;
    return NULL;
}

bool sack_cut(struct tcb *tcb, struct rec *rec, uint32_t len)
{
    return rec_len(rec) <= len || split(tcb, rec, rec->start + len) != NULL;
}

void sack_resent(struct tcb *tcb, struct rec *rec)
{
    struct tx *tx = tcb->tx;
    rec->sent = tcb->stack->now;
    set_flags(tx, rec, REC_LOST | REC_RETRANS | REC_EVER);
    if (tx->resent_bytes == 0)
        tx->resent_ts = tcb_ts_now(tcb);
    tx->resent_bytes += rec_len(rec);
}

void sack_clear(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    while (!list_is_empty(&tx->recs))
        free_rec(tcb, LIST_FIRST(&tx->recs, struct rec, node));
    tx->sacked = tx->lost = tx->retrans = 0;
}
