/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a line, for its parts: line.c (fate, rate, the API), line_heap.c (delay), and the
 * queue disciplines line_fifo.c, line_codel.c and line_fq.c, each a table of operations.
 */
#ifndef NICSTACK_SRC_LINK_LINE_H
#define NICSTACK_SRC_LINK_LINE_H

#include <nicstack/line.h>

struct line_waiting {
    nst_time due;
    uint64_t order;
    struct nst_pkt *p;
};

/* Packets that wait for their time, smallest (due, order) first. */
struct line_heap {
    struct line_waiting *at;
    uint32_t count, capacity;
    uint64_t order;
};

/* False: no memory; p stays the caller's. */
bool line_heap_push(struct line_heap *heap, const struct nst_allocator *allocator,
                    struct nst_pkt *p, nst_time due);
/* The heap is not empty. */
struct nst_pkt *line_heap_pop(struct line_heap *heap);

/* CoDel's state (RFC 8289 4), of a queue. */
struct line_codel {
    nst_time first_above; /* 0: the delay is below the target */
    nst_time drop_next;
    uint32_t count, last_count;
    bool is_dropping;
};

/* A flow of a fair queue; in one list or none. */
struct line_flow {
    struct nst_pktq q;
    struct line_codel codel;
    struct line_flow *next;
    int64_t deficit;
    bool is_listed;
};

struct line_flows {
    struct line_flow *first, *last;
};

/* A fair queue: RFC 8290. */
struct line_fq {
    struct line_flow *flows; /* LINE_FLOWS */
    struct line_flows fresh, old;
};

enum {
    LINE_FLOWS = 1024,
};

/* What waits for the rate. While a packet waits, its `arrival` is when it was put in. */
struct line_queue {
    uint32_t packets;
    uint64_t bytes;
    struct nst_pktq q; /* FIFO and CoDel */
    struct line_codel codel;
    struct line_fq fq;
};

struct line_queue_ops {
    /* Consumes p, which may be dropped. */
    void (*enqueue)(struct nst_line *line, struct nst_pkt *p, nst_time now);
    /* The next to send at `now`; NULL: there is none (any more). */
    struct nst_pkt *(*dequeue)(struct nst_line *line, nst_time now);
};

struct nst_line {
    struct nst_impair_direction config;
    struct nst_impair_stats stats;
    struct nst_allocator allocator;
    const struct line_queue_ops *ops;
    void (*harmed)(void *context, const struct nst_pkt *p, enum nst_line_fate fate);
    void *context;
    uint64_t random;
    uint32_t header;
    uint32_t largest;   /* frame that was sent, bytes */
    bool is_bad;        /* the state of Gilbert and Elliott's channel */
    nst_time rate_free; /* when the last transmission ends, */
    uint64_t rate_rest; /* and rate_bps-ths of a nanosecond more */
    struct line_queue queue;
    struct line_heap heap;
};

extern const struct line_queue_ops line_fifo_ops __attribute__((visibility("hidden")));
extern const struct line_queue_ops line_codel_ops __attribute__((visibility("hidden")));
extern const struct line_queue_ops line_fq_ops __attribute__((visibility("hidden")));

/* ---- For the disciplines ---- */

/* p waits at the end of q from `now` on. */
void line_queue_push(struct nst_line *line, struct nst_pktq *q, struct nst_pkt *p, nst_time now);
/* The first of q, which waits no longer; *ret_since is when it was put in. NULL: q is empty. */
struct nst_pkt *line_queue_pop(struct nst_line *line, struct nst_pktq *q, nst_time *ret_since);
/* True: p would wait too long, or all places are taken. */
bool line_is_full(const struct nst_line *line, nst_time now);
/* Frees p and counts it. */
void line_drop(struct nst_line *line, struct nst_pkt *p, enum nst_line_fate fate);
/* Sets congestion experienced where the sender understands it. False: it does not. */
bool line_mark(struct nst_line *line, struct nst_pkt *p);
/* The next of q as CoDel lets it out at `now`; NULL: q is empty. */
struct nst_pkt *line_codel_pop(struct nst_line *line, struct line_codel *codel, struct nst_pktq *q,
                               nst_time now);

#endif
