/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace of one stack's packets: numbers, and a bounded ring of what became of those that have
 * one. <nicstack/trace.h> says what it is for.
 *
 * Theory of operation. The ring exists while somebody traces; it belongs to the pool, because that
 * is what a packet knows at its end. Numbers go on from one trace to the next, so a packet that was
 * numbered in an earlier one is never taken for another. What does not fit is lost and counted: the
 * newest, for the events before it are of packets that were shown before.
 */
#ifndef NICSTACK_SRC_PACKET_TRACE_H
#define NICSTACK_SRC_PACKET_TRACE_H

#include <nicstack/trace.h>

#include "base/ring.h"
#include "packet/pool.h"

struct trace_record {
    uint32_t trace, into;
    uint8_t kind;   /* enum nst_trace_kind */
    uint8_t reason; /* enum drop_reason */
};

struct trace {
    struct ring ring;
    struct trace_record records[];
};

/* See nst_stack_trace_start. */
int trace_start(struct nst_pool *pool, uint32_t events);
void trace_stop(struct nst_pool *pool);
/* The oldest event; false: none. */
bool trace_next(struct nst_pool *pool, struct nst_trace_event *ret_event);

/* p, which has a number, is dropped. */
void trace_dropped(const struct pkt *p, enum drop_reason reason);
/* The bytes of the packet with the number `trace` are in `into` now. */
void trace_merged(const struct pkt *into, uint32_t trace);

#endif
