/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line: what happens to packets between two points.
 *
 * Theory of operation. A packet passes, in this order: loss (by chance, or in bursts), duplication,
 * corruption, marking, then the rate: one packet at a time is sent at rate_bps while others wait as
 * the queue discipline lets them; then delay with jitter, where one that is chosen to be reordered
 * skips the delay and overtakes. Afterwards it waits in a heap for its time.
 *
 * Nothing here runs by itself: what should have happened since the last call is caught up with, at
 * the time at which it should have happened, by the next put or take. The line says when that is.
 *
 * Invariants: (1) the heap is ordered by (time, arrival); (2) packets wait for the rate only while
 * rate_free is in the future, seen from the last put or take; (3) rate_free and rate_rest are the
 * exact end of the last transmission, so no rounding adds up; (4) queue.packets and queue.bytes are
 * what the discipline holds.
 */
#include "link/line.h"

#include <string.h>

#include "wire/ip4.h"
#include "wire/ip6.h"

#define DEFAULT_QUEUE 1000
#define MILLION       1000000u
#define WAITING_MAX   ((uint64_t)1 << 30) /* bytes before the rate: their time can be computed */

/* xorshift64*: reproducible, and good enough for chance that nobody attacks. */
static uint32_t draw(struct nst_line *line, uint32_t below)
{
    line->random ^= line->random >> 12;
    line->random ^= line->random << 25;
    line->random ^= line->random >> 27;
    const uint64_t r = (line->random * 0x2545f4914f6cdd1du) >> 32;
    return (uint32_t)((r * below) >> 32);
}

/* A first state that differs in every bit for seeds that hardly differ (splitmix64's finish). */
static uint64_t first_state(uint64_t seed)
{
    seed += 0x9e3779b97f4a7c15u;
    seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9u;
    seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebu;
    seed ^= seed >> 31;
    return seed != 0 ? seed : 1;
}

static bool chance(struct nst_line *line, uint32_t ppm)
{
    return ppm != 0 && draw(line, MILLION) < ppm;
}

/* ---- What the disciplines use ---- */

void line_queue_push(struct nst_line *line, struct nst_pktq *q, struct nst_pkt *p, nst_time now)
{
    p->arrival = now;
    nst_pktq_push(q, p);
    line->queue.packets++;
    line->queue.bytes += p->len;
    if (line->queue.packets > line->stats.waiting_max)
        line->stats.waiting_max = line->queue.packets;
}

struct nst_pkt *line_queue_pop(struct nst_line *line, struct nst_pktq *q, nst_time *ret_since)
{
    struct nst_pkt *p = nst_pktq_pop(q);
    if (p == NULL)
        return NULL;
    *ret_since = p->arrival;
    p->arrival = 0; /* it has not arrived yet */
    line->queue.packets--;
    line->queue.bytes -= p->len;
    return p;
}

void line_drop(struct nst_line *line, struct nst_pkt *p, enum nst_line_fate fate)
{
    if (fate == NST_LINE_LOST)
        line->stats.lost++;
    else if (fate == NST_LINE_MANAGED)
        line->stats.managed++;
    else
        line->stats.overflowed++;
    if (line->harmed != NULL)
        line->harmed(line->context, p, fate);
    nst_pkt_free(p);
}

/* Would it wait longer than it may? Whatever finds the line free goes. */
static bool is_late(const struct nst_line *line, nst_time now)
{
    if (line->config.latency == 0 || line->rate_free <= now)
        return false;
    const uint64_t work = line->queue.bytes * 8 * (uint64_t)NST_SEC + line->rate_rest;
    const nst_time wait = (nst_time)(work / line->config.rate_bps);
    return line->rate_free - now + wait > line->config.latency;
}

bool line_is_full(const struct nst_line *line, nst_time now)
{
    return line->queue.packets >= line->config.queue || line->queue.bytes > WAITING_MAX ||
           is_late(line, now);
}

static bool mark_ip4(uint8_t *at)
{
    const uint8_t ecn = at[1] & IP_ECN_MASK;
    if (ecn == IP_ECN_NOT_ECT)
        return false;
    const uint16_t before = be16_get(at);
    at[1] |= IP_ECN_CE;
    be16_put(at + 10, csum_replace16(be16_get(at + 10), before, be16_get(at)));
    return true;
}

/* The two bits are the traffic class's last, and lie in the second byte's upper half. */
static bool mark_ip6(uint8_t *at)
{
    if ((at[1] >> 4 & IP_ECN_MASK) == IP_ECN_NOT_ECT)
        return false;
    at[1] |= IP_ECN_CE << 4;
    return true;
}

bool line_mark(struct nst_line *line, struct nst_pkt *p)
{
    if (p->linear < line->header + IP4_HDR_LEN)
        return false;
    uint8_t *at = p->data + line->header;
    bool is_marked = false;
    if (at[0] >> 4 == 4)
        is_marked = mark_ip4(at);
    else if (at[0] >> 4 == 6)
        is_marked = mark_ip6(at);
    line->stats.marked += is_marked;
    return is_marked;
}

/* ---- The fate of a packet ---- */

/* A flat copy with one bit flipped, and a checksum that says what was right before. NULL: no
 * memory. */
static struct nst_pkt *corrupt(struct nst_line *line, struct nst_pool *pool, struct nst_pkt *p)
{
    nst_pkt_complete_csum(p);
    struct nst_pkt *copy = nst_pkt_new(pool, nst_pkt_headroom(p), p->len);
    if (copy != NULL) {
        nst_pkt_copy_out(p, 0, nst_pkt_put(copy, p->len), p->len);
        const uint32_t bit = draw(line, p->len * 8);
        copy->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        copy->csum = NST_CSUM_UNKNOWN;
        line->stats.corrupted++;
        if (line->harmed != NULL)
            line->harmed(line->context, p, NST_LINE_CORRUPTED);
    }
    nst_pkt_free(p);
    return copy;
}

static nst_time delay_of(struct nst_line *line)
{
    if (chance(line, line->config.reorder_ppm)) {
        line->stats.reordered++;
        return 0;
    }
    nst_time delay = line->config.delay;
    const nst_time jitter = line->config.jitter;
    if (jitter > 0) {
        /* Uniform over delay +- jitter, in steps of a 2^20th. */
        const int64_t step = (int64_t)draw(line, 1u << 21) - (1 << 20);
        delay += jitter / (1 << 20) * step + jitter % (1 << 20) * step / (1 << 20);
    }
    return delay > 0 ? delay : 0;
}

/* p left the sender at `out`. Consumes p. */
static void delay(struct nst_line *line, struct nst_pkt *p, nst_time out)
{
    if (!line_heap_push(&line->heap, &line->allocator, p, out + delay_of(line)))
        line_drop(line, p, NST_LINE_OVERFLOWED);
}

/* Sends what had its turn by `now`, each when it had. */
static void catch_up(struct nst_line *line, nst_time now)
{
    while (line->queue.packets > 0 && line->rate_free <= now) {
        struct nst_pkt *p = line->ops->dequeue(line, line->rate_free);
        if (p == NULL)
            continue; /* all that waited were dropped */
        const uint64_t work = (uint64_t)p->len * 8 * (uint64_t)NST_SEC + line->rate_rest;
        line->rate_free += (nst_time)(work / line->config.rate_bps);
        line->rate_rest = work % line->config.rate_bps;
        delay(line, p, line->rate_free);
    }
}

/* Lets p wait for its turn and its delay. Consumes p. */
static void enqueue(struct nst_line *line, struct nst_pkt *p, nst_time now)
{
    p->arrival = 0;
    if (line->config.rate_bps == 0) {
        delay(line, p, now);
        return;
    }
    if (line->queue.packets == 0 && line->rate_free < now) {
        line->rate_free = now;
        line->rate_rest = 0;
    }
    if (p->len > line->largest)
        line->largest = p->len;
    line->ops->enqueue(line, p, now);
    catch_up(line, now);
}

/* Gilbert and Elliott's channel: the state may change before each packet. */
static bool is_lost(struct nst_line *line)
{
    const struct nst_impair_direction *c = &line->config;
    if (c->burst_begin_ppm != 0 &&
        chance(line, line->is_bad ? c->burst_end_ppm : c->burst_begin_ppm))
        line->is_bad = !line->is_bad;
    return chance(line, line->is_bad ? c->burst_loss_ppm : c->loss_ppm);
}

/* Gives one packet its fate. Consumes p. */
static void impair_packet(struct nst_line *line, struct nst_pool *pool, nst_time now,
                          struct nst_pkt *p)
{
    line->stats.packets++;
    if (is_lost(line)) {
        line_drop(line, p, NST_LINE_LOST);
        return;
    }
    struct nst_pkt *twin = chance(line, line->config.duplicate_ppm) ? nst_pkt_clone(p) : NULL;
    if (p->len > 0 && chance(line, line->config.corrupt_ppm))
        p = corrupt(line, pool, p);
    if (p != NULL && chance(line, line->config.mark_ppm))
        line_mark(line, p);
    if (p != NULL)
        enqueue(line, p, now);
    if (twin != NULL) {
        line->stats.duplicated++;
        enqueue(line, twin, now);
    }
}

void nst_line_put(struct nst_line *line, struct nst_pool *pool, nst_time now, struct nst_pktq *q)
{
    struct nst_pkt *p;
    catch_up(line, now);
    while ((p = nst_pktq_pop(q)) != NULL)
        impair_packet(line, pool, now, p);
}

void nst_line_take(struct nst_line *line, nst_time now, struct nst_pktq *q)
{
    catch_up(line, now);
    while (line->heap.count > 0 && line->heap.at[0].due <= now) {
        struct nst_pkt *p = line_heap_pop(&line->heap);
        line->stats.delivered++;
        line->stats.delivered_bytes += p->len;
        nst_pktq_push(q, p);
    }
}

nst_time nst_line_next_deadline(const struct nst_line *line)
{
    nst_time next = line->heap.count > 0 ? line->heap.at[0].due : NST_TIME_NEVER;
    if (line->queue.packets > 0 && line->rate_free < next)
        next = line->rate_free;
    return next;
}

void nst_line_get_stats(const struct nst_line *line, struct nst_impair_stats *ret_stats)
{
    *ret_stats = line->stats;
    ret_stats->waiting = line->queue.packets;
    ret_stats->waiting_bytes = line->queue.bytes;
}

/* ---- Life ---- */

static const struct line_queue_ops *const disciplines[] = {
    [NST_QUEUE_FIFO] = &line_fifo_ops,
    [NST_QUEUE_CODEL] = &line_codel_ops,
    [NST_QUEUE_FQ] = &line_fq_ops,
    [NST_QUEUE_FQ_CODEL] = &line_fq_ops,
};

static bool is_valid(const struct nst_line_config *config)
{
    const struct nst_impair_direction *c = &config->impair;
    const uint32_t chances[] = {c->loss_ppm,      c->duplicate_ppm, c->corrupt_ppm,
                                c->reorder_ppm,   c->mark_ppm,      c->burst_begin_ppm,
                                c->burst_end_ppm, c->burst_loss_ppm};
    for (size_t i = 0; i < sizeof(chances) / sizeof(chances[0]); i++)
        if (chances[i] > MILLION)
            return false;
    return config->size == sizeof(*config) && c->discipline <= NST_QUEUE_FQ_CODEL &&
           c->delay >= 0 && c->jitter >= 0 && c->latency >= 0 && c->target >= 0 &&
           c->interval >= 0 && c->interval <= 3600 * NST_SEC;
}

static void take_defaults(struct nst_impair_direction *c)
{
    if (c->queue == 0)
        c->queue = DEFAULT_QUEUE;
    if (c->target == 0)
        c->target = 5 * NST_MSEC;
    if (c->interval == 0)
        c->interval = 100 * NST_MSEC;
    if (c->burst_loss_ppm == 0)
        c->burst_loss_ppm = MILLION;
}

/* What a fair queue needs. False: no memory. */
static bool make_flows(struct nst_line *line)
{
    const struct nst_allocator *a = &line->allocator;
    if (line->ops != &line_fq_ops)
        return true;
    line->queue.fq.flows = a->alloc(a->context, LINE_FLOWS * sizeof(struct line_flow));
    if (line->queue.fq.flows == NULL)
        return false;
    memset(line->queue.fq.flows, 0, LINE_FLOWS * sizeof(struct line_flow));
    return true;
}

int nst_line_new(const struct nst_allocator *allocator, const struct nst_line_config *config,
                 struct nst_line **ret_line)
{
    if (!is_valid(config))
        return -NST_EINVAL;
    struct nst_line *line = allocator->alloc(allocator->context, sizeof(*line));
    if (line == NULL)
        return -NST_ENOMEM;
    *line = (struct nst_line){
        .config = config->impair,
        .allocator = *allocator,
        .ops = disciplines[config->impair.discipline],
        .harmed = config->harmed,
        .context = config->context,
        .random = first_state(config->seed),
        .header = config->header,
    };
    take_defaults(&line->config);
    if (!make_flows(line)) {
        nst_line_free(line);
        return -NST_ENOMEM;
    }
    *ret_line = line;
    return 0;
}

static void free_all(struct nst_line *line, struct nst_pktq *q)
{
    struct nst_pkt *p;
    nst_time since;
    while ((p = line_queue_pop(line, q, &since)) != NULL)
        nst_pkt_free(p);
}

void nst_line_clear(struct nst_line *line)
{
    const struct nst_allocator *a = &line->allocator;
    while (line->heap.count > 0)
        nst_pkt_free(line->heap.at[--line->heap.count].p);
    free_all(line, &line->queue.q);
    for (uint32_t i = 0; line->queue.fq.flows != NULL && i < LINE_FLOWS; i++)
        free_all(line, &line->queue.fq.flows[i].q);
    if (line->heap.at != NULL)
        a->free(a->context, line->heap.at, line->heap.capacity * sizeof(*line->heap.at));
    line->heap = (struct line_heap){.order = line->heap.order};
}

void nst_line_free(struct nst_line *line)
{
    if (line == NULL)
        return;
    nst_line_clear(line);
    const struct nst_allocator a = line->allocator;
    if (line->queue.fq.flows != NULL)
        a.free(a.context, line->queue.fq.flows, LINE_FLOWS * sizeof(struct line_flow));
    a.free(a.context, line, sizeof(*line));
}
