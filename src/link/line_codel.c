/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Controlled delay (RFC 8289): while packets have waited longer than the target for an interval,
 * drop one, and the next sooner and sooner, until they wait less. Names are those of RFC 8289 5;
 * the square root is taken in integers, so every machine drops the same packets.
 */
#include "link/line.h"

/* The square root, rounded down. */
static uint64_t root(uint64_t n)
{
    uint64_t r = 0;
    for (uint64_t bit = (uint64_t)1 << 62; bit != 0; bit >>= 2) {
        if (n >= r + bit) {
            n -= r + bit;
            r = (r >> 1) + bit;
        } else {
            r >>= 1;
        }
    }
    return r;
}

/* RFC 8289 5.3: t + interval / sqrt(count). */
static nst_time control_law(const struct nst_line *line, nst_time t, uint32_t count)
{
    const uint64_t scaled_root = root((uint64_t)count << 32); /* times 2^16 */
    return t + (nst_time)(((uint64_t)line->config.interval << 16) / scaled_root);
}

/* RFC 8289 5.6, dodequeue: the next packet, and whether it may be dropped. */
static struct nst_pkt *next(struct nst_line *line, struct line_codel *codel, struct nst_pktq *q,
                            nst_time now, bool *ret_may_drop)
{
    nst_time since;
    struct nst_pkt *p = line_queue_pop(line, q, &since);
    *ret_may_drop = false;
    if (p == NULL || now - since < line->config.target || q->bytes <= line->largest) {
        codel->first_above = 0;
        return p;
    }
    if (codel->first_above == 0)
        codel->first_above = now + line->config.interval;
    else
        *ret_may_drop = now >= codel->first_above;
    return p;
}

/* True: p is marked, and goes on instead of being dropped. */
static bool is_marked(struct nst_line *line, struct nst_pkt *p)
{
    return line->config.ecn && line_mark(line, p);
}

static struct nst_pkt *go_on_dropping(struct nst_line *line, struct line_codel *codel,
                                      struct nst_pktq *q, struct nst_pkt *p, nst_time now)
{
    bool may_drop = true;
    while (may_drop && now >= codel->drop_next) {
        codel->count++;
        codel->drop_next = control_law(line, codel->drop_next, codel->count);
        if (is_marked(line, p))
            return p;
        line_drop(line, p, NST_LINE_MANAGED);
        p = next(line, codel, q, now, &may_drop);
    }
    codel->is_dropping = may_drop;
    return p;
}

struct nst_pkt *line_codel_pop(struct nst_line *line, struct line_codel *codel, struct nst_pktq *q,
                               nst_time now)
{
    bool may_drop;
    struct nst_pkt *p = next(line, codel, q, now, &may_drop);
    if (!may_drop) {
        codel->is_dropping = false;
        return p;
    }
    if (codel->is_dropping)
        return go_on_dropping(line, codel, q, p, now);
    if (!is_marked(line, p)) {
        line_drop(line, p, NST_LINE_MANAGED);
        p = next(line, codel, q, now, &may_drop);
    }
    codel->is_dropping = true;
    /* RFC 8289 5.4: soon after the last dropping, begin at the rate that did then. */
    const uint32_t delta = codel->count - codel->last_count;
    codel->count = delta > 1 && now - codel->drop_next < 16 * line->config.interval ? delta : 1;
    codel->drop_next = control_law(line, now, codel->count);
    codel->last_count = codel->count;
    return p;
}

static void codel_enqueue(struct nst_line *line, struct nst_pkt *p, nst_time now)
{
    if (line_is_full(line, now))
        line_drop(line, p, NST_LINE_OVERFLOWED);
    else
        line_queue_push(line, &line->queue.q, p, now);
}

static struct nst_pkt *codel_dequeue(struct nst_line *line, nst_time now)
{
    return line_codel_pop(line, &line->queue.codel, &line->queue.q, now);
}

const struct line_queue_ops line_codel_ops = {.enqueue = codel_enqueue, .dequeue = codel_dequeue};
