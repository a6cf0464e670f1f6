/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Impairment: loss, duplication, corruption, rate, delay, jitter, reordering, each way, from a
 * seed.
 *
 * Theory of operation. A packet passes, in this order: loss, duplication, corruption, the rate (one
 * packet at a time is sent at rate_bps while `queue` others wait, none longer than `latency`), then
 * delay with jitter; one that is chosen to be reordered skips the delay and overtakes. Afterwards
 * it waits in a heap for its time. Time is the `now` of run(), which comes before anything is
 * transmitted; what the lower link delivers between two runs waits for the next, so that its delay
 * is counted from then. The same seed and packets give the same fate.
 *
 * Large segments are one packet to a link with segmentation, but many on the wire: so the impaired
 * link offers no segmentation, and every wire packet has its own fate. What the lower link delivers
 * as one packet has one.
 *
 * Invariants: (1) the heap is ordered by (time, arrival); (2) what is due was passed on when run or
 * transmit returns, unless the lower link is full; then the NIC is held back; (3) rate_free and
 * rate_rest are the exact end of the last transmission, so no rounding adds up.
 */
#include "link/middleware.h"

#include <string.h>

#define DEFAULT_QUEUE 1000
#define MILLION       1000000u

struct waiting {
    nst_time due;
    uint64_t order;
    struct nst_pkt *p;
};

struct direction {
    struct nst_impair_direction config;
    struct nst_impair_stats stats;
    uint64_t random;
    nst_time rate_free; /* when the last transmission ends, */
    uint64_t rate_rest; /* and rate_bps-ths of a nanosecond more */
    nst_time *starts;   /* a ring of config.queue: when those that wait for the rate begin */
    uint32_t starts_first, starts_count;
    struct waiting *heap; /* smallest (due, order) first */
    uint32_t count, capacity;
    uint64_t order;
};

struct impair {
    struct middleware m; /* first */
    nst_time now;
    struct direction tx, rx;
    struct nst_pktq arrived; /* from the lower link, before the next run */
};

/* xorshift64*: reproducible, and good enough for chance that nobody attacks. */
static uint32_t draw(struct direction *d, uint32_t below)
{
    d->random ^= d->random >> 12;
    d->random ^= d->random << 25;
    d->random ^= d->random >> 27;
    uint64_t r = (d->random * 0x2545f4914f6cdd1du) >> 32;
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

static bool chance(struct direction *d, uint32_t ppm)
{
    return ppm != 0 && draw(d, MILLION) < ppm;
}

/* ---- The heap ---- */

static bool is_before(const struct waiting *x, const struct waiting *y)
{
    return x->due != y->due ? x->due < y->due : x->order < y->order;
}

static bool reserve(struct impair *im, struct direction *d)
{
    if (d->count < d->capacity)
        return true;
    uint32_t capacity = d->capacity != 0 ? d->capacity * 2 : 64;
    const struct nst_allocator *a = &im->m.allocator;
    struct waiting *heap = a->alloc(a->context, capacity * sizeof(*heap));
    if (heap == NULL)
        return false;
    if (d->heap != NULL) {
        memcpy(heap, d->heap, d->count * sizeof(*heap));
        a->free(a->context, d->heap, d->capacity * sizeof(*heap));
    }
    d->heap = heap;
    d->capacity = capacity;
    return true;
}

static void heap_push(struct impair *im, struct direction *d, struct nst_pkt *p, nst_time due)
{
    if (!reserve(im, d)) {
        d->stats.overflowed++;
        nst_pkt_free(p);
        return;
    }
    struct waiting w = {.due = due, .order = d->order++, .p = p};
    uint32_t i = d->count++;
    while (i > 0 && is_before(&w, &d->heap[(i - 1) / 2])) {
        d->heap[i] = d->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    d->heap[i] = w;
}

static struct nst_pkt *heap_pop(struct direction *d)
{
    struct nst_pkt *p = d->heap[0].p;
    struct waiting last = d->heap[--d->count];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= d->count)
            break;
        if (child + 1 < d->count && is_before(&d->heap[child + 1], &d->heap[child]))
            child++;
        if (!is_before(&d->heap[child], &last))
            break;
        d->heap[i] = d->heap[child];
        i = child;
    }
    d->heap[i] = last;
    return p;
}

/* ---- The fate of a packet ---- */

/* A flat copy with one bit flipped, and a checksum that says what was right before. NULL: no
 * memory. */
static struct nst_pkt *corrupt(struct direction *d, struct nst_pool *pool, struct nst_pkt *p)
{
    nst_pkt_complete_csum(p);
    struct nst_pkt *copy = nst_pkt_new(pool, nst_pkt_headroom(p), p->len);
    if (copy != NULL) {
        nst_pkt_copy_out(p, 0, nst_pkt_put(copy, p->len), p->len);
        uint32_t bit = draw(d, p->len * 8);
        copy->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        copy->csum = NST_CSUM_UNKNOWN;
        d->stats.corrupted++;
    }
    nst_pkt_free(p);
    return copy;
}

/* A place among those that wait for the rate, for one that begins at `start`. False: all taken. */
static bool take_place(struct direction *d, nst_time now, nst_time start)
{
    while (d->starts_count > 0 && d->starts[d->starts_first] <= now) {
        d->starts_first = d->starts_first + 1 < d->config.queue ? d->starts_first + 1 : 0;
        d->starts_count--;
    }
    if (start <= now)
        return true;
    if (d->starts_count == d->config.queue)
        return false;
    uint64_t last = (uint64_t)d->starts_first + d->starts_count++;
    d->starts[last < d->config.queue ? last : last - d->config.queue] = start;
    return true;
}

/* Would it wait longer than it may? Whatever finds the line free goes. */
static bool is_late(const struct direction *d, nst_time now)
{
    return d->config.latency != 0 && d->rate_free - now > d->config.latency;
}

/* When the rate lets the packet out; false: its queue is full. */
static bool pass_rate(struct direction *d, nst_time now, uint32_t bytes, nst_time *ret_out)
{
    *ret_out = now;
    if (d->config.rate_bps == 0)
        return true;
    if (d->rate_free < now) {
        d->rate_free = now;
        d->rate_rest = 0;
    }
    if (is_late(d, now) || !take_place(d, now, d->rate_free))
        return false;
    uint64_t work = (uint64_t)bytes * 8 * (uint64_t)NST_SEC + d->rate_rest;
    d->rate_free += (nst_time)(work / d->config.rate_bps);
    d->rate_rest = work % d->config.rate_bps;
    *ret_out = d->rate_free;
    return true;
}

static nst_time delay_of(struct direction *d)
{
    if (chance(d, d->config.reorder_ppm)) {
        d->stats.reordered++;
        return 0;
    }
    nst_time delay = d->config.delay;
    if (d->config.jitter > 0) {
        /* Uniform over delay +- jitter, in steps of a 2^20th. */
        int64_t step = (int64_t)draw(d, 1u << 21) - (1 << 20);
        delay +=
            d->config.jitter / (1 << 20) * step + d->config.jitter % (1 << 20) * step / (1 << 20);
    }
    return delay > 0 ? delay : 0;
}

/* Lets p wait for its turn and its delay. Consumes p. */
static void enqueue(struct impair *im, struct direction *d, struct nst_pkt *p)
{
    nst_time out;
    p->arrival = 0; /* it has not arrived yet */
    if (pass_rate(d, im->now, p->len, &out)) {
        heap_push(im, d, p, out + delay_of(d));
    } else {
        d->stats.overflowed++;
        nst_pkt_free(p);
    }
}

/* Gives one packet its fate. Consumes p. */
static void impair_packet(struct impair *im, struct direction *d, struct nst_pkt *p)
{
    d->stats.packets++;
    if (chance(d, d->config.loss_ppm)) {
        d->stats.lost++;
        nst_pkt_free(p);
        return;
    }
    struct nst_pkt *twin = chance(d, d->config.duplicate_ppm) ? nst_pkt_clone(p) : NULL;
    if (p->len > 0 && chance(d, d->config.corrupt_ppm))
        p = corrupt(d, im->m.link.pool, p);
    if (p != NULL)
        enqueue(im, d, p);
    if (twin != NULL) {
        d->stats.duplicated++;
        enqueue(im, d, twin);
    }
}

static void impair_all(struct impair *im, struct direction *d, struct nst_pktq *q)
{
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL)
        impair_packet(im, d, p);
}

static void take_due(struct direction *d, nst_time now, struct nst_pktq *q)
{
    while (d->count > 0 && d->heap[0].due <= now)
        nst_pktq_push(q, heap_pop(d));
}

/* ---- The link ---- */

static void impair_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct impair *im = (struct impair *)link;
    impair_all(im, &im->tx, q);
    take_due(&im->tx, im->now, &im->m.out);
    middleware_send(&im->m);
}

static void impair_deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    nst_pktq_splice(&((struct impair *)middleware_of_upper(upper))->arrived, q);
}

static void impair_run(struct nst_link *link, nst_time now)
{
    struct impair *im = (struct impair *)link;
    struct nst_pktq in = {0};
    im->now = now;
    middleware_run(link, now);
    impair_all(im, &im->rx, &im->arrived);
    take_due(&im->rx, now, &in);
    if (!nst_pktq_is_empty(&in))
        nst_link_deliver(link, &in);
    take_due(&im->tx, now, &im->m.out);
    middleware_send(&im->m);
}

static nst_time impair_next_deadline(struct nst_link *link)
{
    struct impair *im = (struct impair *)link;
    nst_time next = middleware_next_deadline(link);
    if (!nst_pktq_is_empty(&im->arrived))
        return 0;
    if (im->tx.count > 0 && im->tx.heap[0].due < next)
        next = im->tx.heap[0].due;
    if (im->rx.count > 0 && im->rx.heap[0].due < next)
        next = im->rx.heap[0].due;
    return next;
}

/* Frees what waits in d, and its heap. */
static void empty(struct impair *im, struct direction *d)
{
    while (d->count > 0)
        nst_pkt_free(d->heap[--d->count].p);
    const struct nst_allocator *a = &im->m.allocator;
    if (d->heap != NULL)
        a->free(a->context, d->heap, d->capacity * sizeof(*d->heap));
    d->heap = NULL;
    d->capacity = 0;
}

static void impair_detach(struct nst_link *link)
{
    struct impair *im = (struct impair *)link;
    struct nst_pkt *p;
    middleware_detach(link);
    empty(im, &im->tx);
    empty(im, &im->rx);
    while ((p = nst_pktq_pop(&im->arrived)) != NULL)
        nst_pkt_free(p);
}

static const struct nst_link_ops impair_ops = {
    .transmit = impair_transmit,
    .parse_header = middleware_parse_header,
    .push_header = middleware_push_header,
    .attach = middleware_attach,
    .detach = impair_detach,
    .run = impair_run,
    .next_deadline = impair_next_deadline,
    .set_mtu = middleware_set_mtu,
    .set_address = middleware_set_address,
};

static bool init_direction(struct impair *im, struct direction *d,
                           const struct nst_impair_direction *config, uint64_t seed)
{
    *d = (struct direction){.config = *config, .random = first_state(seed)};
    if (d->config.queue == 0)
        d->config.queue = DEFAULT_QUEUE;
    if (d->config.rate_bps == 0)
        return true;
    const struct nst_allocator *a = &im->m.allocator;
    d->starts = a->alloc(a->context, d->config.queue * sizeof(*d->starts));
    return d->starts != NULL;
}

struct nst_link *nst_impair_new(const struct nst_allocator *allocator, struct nst_link *lower,
                                const struct nst_impair_config *config)
{
    if (config->size != sizeof(*config))
        return NULL;
    struct impair *im = allocator->alloc(allocator->context, sizeof(*im));
    if (im == NULL)
        return NULL;
    *im = (struct impair){0};
    middleware_init(&im->m, allocator, lower, &impair_ops,
                    NST_LINK_TSO4 | NST_LINK_TSO6 | NST_LINK_USO);
    im->m.upper =
        (struct nst_link_upper){.deliver = impair_deliver, .writable = middleware_writable};
    if (!init_direction(im, &im->tx, &config->tx, config->seed) ||
        !init_direction(im, &im->rx, &config->rx, ~config->seed)) {
        nst_impair_free(&im->m.link);
        return NULL;
    }
    return &im->m.link;
}

void nst_impair_get_stats(struct nst_link *link, struct nst_impair_stats *ret_tx,
                          struct nst_impair_stats *ret_rx)
{
    const struct impair *im = (const struct impair *)link;
    *ret_tx = im->tx.stats;
    *ret_rx = im->rx.stats;
}

static void free_starts(struct impair *im, struct direction *d)
{
    const struct nst_allocator *a = &im->m.allocator;
    if (d->starts != NULL)
        a->free(a->context, d->starts, d->config.queue * sizeof(*d->starts));
}

void nst_impair_free(struct nst_link *link)
{
    if (link == NULL)
        return;
    struct impair *im = (struct impair *)link;
    empty(im, &im->tx);
    empty(im, &im->rx);
    free_starts(im, &im->tx);
    free_starts(im, &im->rx);
    const struct nst_allocator allocator = im->m.allocator;
    allocator.free(allocator.context, im, sizeof(*im));
}
