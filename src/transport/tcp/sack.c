/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/sack.h"

#define DUP_THRESH 3u

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
        set_flags(tx, rec, 0);
        if (whole) {
            free_rec(tcb, rec);
            continue;
        }
        rec->start = una;
        set_flags(tx, rec, flags);
        break;
    }
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

uint32_t sack_input(struct tcb *tcb, const struct seg *seg)
{
    struct tx *tx = tcb->tx;
    const uint32_t before = tx->sacked;
    for (unsigned i = 0; i < seg->opts.n_sack; i++) {
        struct tcp_sack_block b = seg->opts.sack[i];
        /* A block that begins under the acknowledgment reports a duplicate (RFC 2883 4), or what
         * lies above it still counts. */
        if (seq_lt(b.start, tcb->snd.una) && seq_gt(b.end, tcb->snd.una) &&
            seq_lt(tcb->snd.una - tcb->snd.max_wnd, b.start))
            b.start = tcb->snd.una;
        if (!block_is_valid(tcb, &b))
            continue;
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
    return tx->sacked - before;
}

void sack_mark_lost(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    const uint32_t enough = (DUP_THRESH - 1) * tcb->snd.mss;
    uint32_t above = 0, stretches = 0;
    struct rec *rec = LIST_LAST(&tx->recs, struct rec, node);
    for (; rec != NULL; rec = REC_PREV(rec, tx)) {
        if ((rec->flags & REC_SACKED) != 0) {
            above += rec_len(rec);
            stretches++;
        } else if ((above > enough || stretches >= DUP_THRESH) &&
                   (rec->flags & (REC_LOST | REC_RETRANS)) == 0) {
            set_flags(tx, rec, rec->flags | REC_LOST);
        }
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
    rec->sent = tcb->stack->now;
    set_flags(tcb->tx, rec, REC_LOST | REC_RETRANS | REC_EVER);
}

void sack_clear(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    while (!list_is_empty(&tx->recs))
        free_rec(tcb, LIST_FIRST(&tx->recs, struct rec, node));
    tx->sacked = tx->lost = tx->retrans = 0;
}
