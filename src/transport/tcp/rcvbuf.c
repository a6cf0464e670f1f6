/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/rcvbuf.h"

#include "transport/tcp/budget.h"
#include "transport/tcp/rtt.h"

/* Payloads under this are put together, lest each pins a descriptor. */
#define SMALL          512u
#define COLLECTOR_SIZE 2000u

#define RUN_NEXT(r, ooo) LIST_NEXT(r, &(ooo)->runs, struct run, node)
#define RUN_PREV(r, ooo) LIST_PREV(r, &(ooo)->runs, struct run, node)

static struct pkt *q_last(const struct nst_pktq *q)
{
    return q->first == NULL ? NULL : pkt_of(q->last);
}

/* Copies p into the last packet of q, if there is room there. Consumes p if so. */
static bool collect(struct nst_pktq *q, struct pkt *p)
{
    struct pkt *last = q_last(q);
    if (last == NULL || last->nslices != 0 || nst_pkt_tailroom(pkt_pub(last)) < p->len ||
        !pkt_linear_is_private(last))
        return false;
    const uint32_t len = p->len;
    nst_pkt_copy_out(pkt_pub(p), 0, nst_pkt_put(pkt_pub(last), len), len);
    last->arrival = p->arrival;
    q->bytes += len;
    pkt_merge(p);
    return true;
}

/* A second small one in a row begins a packet with room for more. Consumes p if so. */
static bool begin_collector(struct tcb *tcb, struct nst_pktq *q, struct pkt *p)
{
    const struct pkt *last = q_last(q);
    if (last == NULL || last->len >= SMALL)
        return false;
    struct pkt *collector = pkt_build(tcb->stack->pool, 0, COLLECTOR_SIZE);
    if (collector == NULL)
        return false;
    pkt_count_delivered(collector);
    collector->arrival = p->arrival;
    nst_pkt_copy_out(pkt_pub(p), 0, nst_pkt_put(pkt_pub(collector), p->len), p->len);
    pktq_push(q, collector);
    pkt_merge(p);
    return true;
}

/* Puts payload at the end of a queue where it stays. Consumes p. */
static void keep(struct tcb *tcb, struct nst_pktq *q, struct pkt *p)
{
    if (p->len < SMALL) {
        if (collect(q, p) || begin_collector(tcb, q, p))
            return;
    }
    if (p->nslices == 0)
        nst_pkt_shrink(pkt_pub(p));
    pkt_count_delivered(p);
    pktq_push(q, p);
}

static void free_queue(struct nst_pktq *q)
{
    struct pkt *p;
    while ((p = pktq_pop(q)) != NULL)
        pkt_free(p);
}

/* ---- Runs ---- */

static void free_run(struct tcb *tcb, struct run *run)
{
    struct ooo *ooo = tcb->ooo;
    ooo->bytes -= run->end - run->start;
    ooo->count--;
    list_remove(&run->node);
    free_queue(&run->q);
    slab_give(&tcb->stack->tcp->runs, run);
}

static void free_ooo_if_empty(struct tcb *tcb)
{
    if (tcb->ooo != NULL && tcb->ooo->count == 0) {
        list_remove(&tcb->ooo->node);
        slab_give(&tcb->stack->tcp->ooos, tcb->ooo);
        tcb->ooo = NULL;
    }
}

void rcvbuf_free_ooo(struct tcb *tcb)
{
    struct ooo *ooo = tcb->ooo;
    if (ooo == NULL)
        return;
    while (!list_is_empty(&ooo->runs))
        free_run(tcb, LIST_FIRST(&ooo->runs, struct run, node));
    free_ooo_if_empty(tcb);
}

void rcvbuf_free(struct tcb *tcb)
{
    rcvbuf_free_ooo(tcb);
    free_queue(&tcb->rxq);
}

/* Drops n bytes from the front of a queue that holds more. */
static void trim_front(struct nst_pktq *q, uint32_t n)
{
    while (n > 0) {
        struct pkt *p = pktq_first(q);
        if (p->len <= n) {
            n -= p->len;
            pkt_free(pktq_pop(q));
        } else {
            pkt_pull_any(p, n);
            q->bytes -= n;
            n = 0;
        }
    }
}

/* Moves the runs that rcv.nxt has reached to the receive queue. */
static void take_runs(struct tcb *tcb)
{
    struct ooo *ooo = tcb->ooo;
    while (!list_is_empty(&ooo->runs)) {
        struct run *run = LIST_FIRST(&ooo->runs, struct run, node);
        if (seq_gt(run->start, tcb->rcv.nxt))
            break;
        if (seq_gt(run->end, tcb->rcv.nxt)) {
            trim_front(&run->q, tcb->rcv.nxt - run->start);
            tcb->bytes_received += run->end - tcb->rcv.nxt;
            tcb->rcv.nxt = run->end;
            nst_pktq_splice(&tcb->rxq, &run->q);
        }
        free_run(tcb, run);
    }
    free_ooo_if_empty(tcb);
}

void rcvbuf_in_order(struct tcb *tcb, struct seg *seg)
{
    struct pkt *p = seg->p;
    seg->p = NULL;
    tcb->rcv.nxt += seg->len;
    tcb->bytes_received += seg->len;
    if (unlikely(tcb->shut_recv))
        pkt_drop(p, DROP_TCP_CLOSED);
    else
        keep(tcb, &tcb->rxq, p);
    if (unlikely(tcb->ooo != NULL))
        take_runs(tcb);
    budget_relieve(tcb->stack->tcp);
}

/* The last run that begins at or before seq; NULL: none. */
static struct run *find_run(struct ooo *ooo, uint32_t seq)
{
    struct run *run = LIST_LAST(&ooo->runs, struct run, node);
    while (run != NULL && seq_gt(run->start, seq))
        run = RUN_PREV(run, ooo);
    return run;
}

static bool make_ooo(struct tcb *tcb)
{
    if (tcb->ooo != NULL)
        return true;
    struct ooo *ooo = slab_take(&tcb->stack->tcp->ooos);
    if (ooo == NULL)
        return false;
    *ooo = (struct ooo){.tcb = tcb};
    list_init(&ooo->runs);
    list_init(&ooo->node);
    list_add_tail(&tcb->stack->tcp->holes, &ooo->node);
    tcb->ooo = ooo;
    return true;
}

/* A run for [start, end) behind `before` (NULL: first). */
static struct run *new_run(struct tcb *tcb, struct run *before, uint32_t start)
{
    struct ooo *ooo = tcb->ooo;
    if (ooo->count >= OOO_RUNS_MAX)
        return NULL;
    struct run *run = slab_take(&tcb->stack->tcp->runs);
    if (run == NULL)
        return NULL;
    *run = (struct run){.start = start, .end = start};
    list_insert_before(before != NULL ? before->node.next : ooo->runs.next, &run->node);
    ooo->count++;
    return run;
}

static void note_duplicate(struct tcb *tcb, uint32_t from, uint32_t to)
{
    tcb->rcv.dsack_from = from;
    tcb->rcv.dsack_to = to;
}

/* Cuts off what `run`, which begins at or before the segment, holds already. False: nothing is
 * left. */
static bool trim_by_run(struct tcb *tcb, struct seg *seg, const struct run *run)
{
    if (run == NULL || seq_leq(run->end, seg->seq))
        return true;
    const uint32_t end = seg->seq + seg->len;
    note_duplicate(tcb, seg->seq, seq_min(end, run->end));
    if (seq_geq(run->end, end))
        return false;
    const uint32_t n = run->end - seg->seq;
    pkt_pull_any(seg->p, n);
    seg->seq += n;
    seg->len -= n;
    return true;
}

/* Removes the runs that the segment covers and cuts its tail where the next one begins. */
static void clear_behind(struct tcb *tcb, struct seg *seg, struct run *run)
{
    struct ooo *ooo = tcb->ooo;
    const uint32_t end = seg->seq + seg->len;
    struct run *other = run != NULL ? RUN_NEXT(run, ooo) : LIST_FIRST(&ooo->runs, struct run, node);
    while (other != NULL && seq_leq(other->end, end)) {
        struct run *after = RUN_NEXT(other, ooo);
        note_duplicate(tcb, other->start, other->end);
        free_run(tcb, other);
        other = after;
    }
    if (other != NULL && seq_lt(other->start, end)) {
        note_duplicate(tcb, other->start, end);
        seg->len = other->start - seg->seq;
        pkt_trim(seg->p, seg->len);
    }
}

/* Joins run with the next one where they touch. */
static void join_runs(struct tcb *tcb, struct run *run)
{
    struct ooo *ooo = tcb->ooo;
    struct run *next = RUN_NEXT(run, ooo);
    if (next == NULL || next->start != run->end)
        return;
    nst_pktq_splice(&run->q, &next->q);
    run->end = next->end;
    next->start = next->end;
    free_run(tcb, next);
}

/* The run has changed: it is reported first from now on, and those before it afterwards. */
static void note_recent(struct ooo *ooo, const struct run *run)
{
    uint32_t n = 0;
    /* Others that lie in it are reported by it; of too many the oldest is forgotten. */
    for (uint32_t i = 0; i < ooo->n_recent && n < TCP_SACK_MAX - 1; i++)
        if (seq_lt(ooo->recent[i], run->start) || seq_geq(ooo->recent[i], run->end))
            ooo->recent[n++] = ooo->recent[i];
    for (uint32_t i = n; i > 0; i--)
        ooo->recent[i] = ooo->recent[i - 1];
    ooo->recent[0] = run->start;
    ooo->n_recent = (uint8_t)(n + 1);
}

bool rcvbuf_out_of_order(struct tcb *tcb, struct seg *seg)
{
    budget_relieve(tcb->stack->tcp);
    if (budget_level(tcb->stack->tcp) == BUDGET_CRITICAL)
        return seg_refuse(seg, DROP_TCP_OUT_OF_ORDER_LIMIT);
    if (!make_ooo(tcb))
        return seg_refuse(seg, DROP_NO_MEMORY);
    struct ooo *ooo = tcb->ooo;
    struct run *run = find_run(ooo, seg->seq);
    if (!trim_by_run(tcb, seg, run)) {
        note_recent(ooo, run);
        return seg_refuse(seg, DROP_TCP_NOT_ACCEPTABLE);
    }
    clear_behind(tcb, seg, run);
    if (run == NULL || run->end != seg->seq)
        run = new_run(tcb, run, seg->seq);
    if (run == NULL) {
        free_ooo_if_empty(tcb);
        return seg_refuse(seg, DROP_TCP_OUT_OF_ORDER_LIMIT);
    }
    run->end += seg->len;
    ooo->bytes += seg->len;
    keep(tcb, &run->q, seg->p);
    seg->p = NULL;
    join_runs(tcb, run);
    note_recent(ooo, run);
    return true;
}

/* Adds the run unless it is there. Returns how many there are. */
static unsigned report_run(const struct run *run, struct tcp_sack_block *blocks, unsigned from,
                           unsigned n)
{
    for (unsigned i = from; i < n; i++)
        if (blocks[i].start == run->start)
            return n;
    blocks[n] = (struct tcp_sack_block){run->start, run->end};
    return n + 1;
}

unsigned rcvbuf_sack_blocks(const struct tcb *tcb, unsigned max, struct tcp_sack_block *ret)
{
    unsigned n = 0;
    /* RFC 2883 4: the duplicate first. */
    if (tcb->rcv.dsack_from != tcb->rcv.dsack_to && n < max)
        ret[n++] = (struct tcp_sack_block){tcb->rcv.dsack_from, tcb->rcv.dsack_to};
    struct ooo *ooo = tcb->ooo;
    if (ooo == NULL)
        return n;
    /* RFC 2018 4: then the one that changed last, and those that were reported before, the latest
     * first: so each is told as often as there is room for, should ACKs be lost. */
    const unsigned from = n;
    for (unsigned i = 0; i < ooo->n_recent && n < max; i++) {
        const struct run *run = find_run(ooo, ooo->recent[i]);
        if (run != NULL && seq_lt(ooo->recent[i], run->end))
            n = report_run(run, ret, from, n);
    }
    struct run *run;
    LIST_FOR_EACH (run, &ooo->runs, struct run, node) {
        if (n >= max)
            break;
        n = report_run(run, ret, from, n);
    }
    return n;
}

/* ---- Reading ---- */

void rcvbuf_consume(struct tcb *tcb, uint32_t n)
{
    trim_front(&tcb->rxq, n);
}

uint32_t rcvbuf_read(struct tcb *tcb, uint8_t *data, size_t size, bool peek)
{
    uint32_t done = 0;
    struct nst_pkt *p = tcb->rxq.first;
    const uint32_t want = (uint32_t)min_size(size, tcb->rxq.bytes);
    while (done < want) {
        struct nst_pkt *next = p->next;
        const uint32_t n = min_u32(want - done, p->len);
        nst_pkt_copy_out(p, 0, data + done, n);
        done += n;
        if (!peek && n == p->len)
            pkt_free(pktq_pop(&tcb->rxq));
        else if (!peek)
            rcvbuf_consume(tcb, n);
        p = next;
    }
    return done;
}

int rcvbuf_lend(struct tcb *tcb, struct nst_iovec *ret_pieces, int count)
{
    int n = 0;
    for (const struct nst_pkt *p = tcb->rxq.first; p != NULL && n < count; p = p->next) {
        if (p->linear > 0)
            ret_pieces[n++] = (struct nst_iovec){p->data, p->linear};
        for (unsigned i = 0; i < p->nslices && n < count; i++)
            ret_pieces[n++] = (struct nst_iovec){p->slice[i].data, p->slice[i].len};
    }
    return n;
}

/* ---- Window ---- */

/* Bytes that may wait to be read: rcv.buf, or what memory leaves of it. */
static uint32_t buffer(const struct tcb *tcb)
{
    if (likely(budget_level(tcb->stack->tcp) == BUDGET_FREE))
        return tcb->rcv.buf;
    return min_u32(tcb->rcv.buf, budget_receive_share(tcb));
}

bool rcvbuf_space(const struct tcb *tcb, uint32_t *ret_space)
{
    const uint32_t unread = rcvbuf_unread(tcb);
    const uint32_t limit = buffer(tcb);
    const uint32_t cur = tcb_rcv_wnd(tcb);
    const uint32_t space = unread < limit ? limit - unread : 0;
    *ret_space = space;
    return space > cur && space - cur >= min_u32(tcb->rcv.mss, limit / 2);
}

uint32_t rcvbuf_window(struct tcb *tcb)
{
    const uint32_t cur = tcb_rcv_wnd(tcb);
    const uint32_t unit = 1u << tcb->rcv.wscale;
    const uint32_t limit = min_u32(65535u << tcb->rcv.wscale, UINT32_MAX >> 2);
    uint32_t space;
    const bool moves = rcvbuf_space(tcb, &space);
    space = min_u32(space, limit);
    /* RFC 9293 3.8.6.2.2: the edge moves by a full segment or half of the buffer, or not at all. */
    uint32_t wnd = cur;
    if (moves && space > cur)
        wnd = space;
    /* RFC 7323 2.4: rounded up, lest the scaling moves the edge left; but no more than one unit is
     * promised beyond the buffer. */
    uint32_t rounded = (wnd + unit - 1) & -unit;
    if (rounded > max_u32(space + unit, cur) || rounded > limit)
        rounded = wnd & -unit;
    if (seq_gt(tcb->rcv.nxt + rounded, tcb->rcv.edge))
        tcb->rcv.edge = tcb->rcv.nxt + rounded;
    return rounded;
}

void rcvbuf_autotune(struct tcb *tcb, uint32_t n)
{
    struct tcb_rcv *rcv = &tcb->rcv;
    const uint32_t now = tcb_now_us(tcb);
    rcv->copied += n;
    if (now - rcv->round_us < rtt_smoothed(tcb))
        return;
    /* Twice what was read in one round trip: a sender in slow start doubles. */
    if (!tcb->rcv_buf_set && tcb->wscale_ok && budget_level(tcb->stack->tcp) == BUDGET_FREE) {
        const uint32_t want = min_u32(rcv->copied, tcb->stack->tcp->rcv_buf_max / 2) * 2;
        if (want > rcv->buf)
            rcv->buf = want;
    }
    rcv->copied = 0;
    rcv->round_us = now;
}
