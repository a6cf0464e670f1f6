/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line: one direction of a path, between two points that the caller names. Packets are put in at
 * one end and come out of the other when their time has come, or never: loss, duplication,
 * corruption, a rate with a queue before it, delay and jitter are those of struct
 * nst_impair_direction (link.h). nst_impair_new makes a link of two lines, nst_sim (sim.h) whole
 * networks.
 *
 * Time is an argument and never runs backwards. The same seed, and packets at the same times, have
 * the same fate.
 */
#ifndef NICSTACK_LINE_H
#define NICSTACK_LINE_H

#include <nicstack/link.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nst_line;

/* What became of a packet that does not arrive as it was sent. */
enum nst_line_fate {
    NST_LINE_LOST = 1,   /* by chance */
    NST_LINE_OVERFLOWED, /* the queue was full, or there was no memory to wait in */
    NST_LINE_MANAGED,    /* the queue's management (CoDel) dropped it */
    NST_LINE_CORRUPTED,  /* it goes on with one bit changed */
};

struct nst_line_config {
    size_t size; /* sizeof(struct nst_line_config) */
    struct nst_impair_direction impair;
    uint64_t seed;
    uint32_t header; /* bytes of link header before the network's: 0 or 14 */
    /* Tells of such packets, before they are freed; borrows the packet, and must not call the
     * line or a stack. May be NULL. */
    void (*harmed)(void *context, const struct nst_pkt *p, enum nst_line_fate fate);
    void *context;
};

/* 0; -NST_EINVAL (size, queue discipline, a probability over 1,000,000), -NST_ENOMEM. */
NST_API int nst_line_new(const struct nst_allocator *allocator,
                         const struct nst_line_config *config, struct nst_line **ret_line);

/* Sends all of q at `now`; what is corrupted is copied into `pool`. */
NST_API void nst_line_put(struct nst_line *line, struct nst_pool *pool, nst_time now,
                          struct nst_pktq *q);

/* Appends what has arrived by `now` to q, in the order of arrival. */
NST_API void nst_line_take(struct nst_line *line, nst_time now, struct nst_pktq *q);

/* When nst_line_take has something to do; NST_TIME_NEVER while nothing is on its way. */
NST_API nst_time nst_line_next_deadline(const struct nst_line *line);

NST_API void nst_line_get_stats(const struct nst_line *line, struct nst_impair_stats *ret_stats);

/* Frees what is on its way. */
NST_API void nst_line_clear(struct nst_line *line);
/* The same, and the line. NULL is fine. */
NST_API void nst_line_free(struct nst_line *line);

#ifdef __cplusplus
}
#endif

#endif
