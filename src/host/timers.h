/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers in a pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986): arming is constant, the next
 * one is known at once, taking one out is logarithmic on average. Nodes are the callers'. Equal
 * times come out in the order of arming.
 */
#ifndef NICSTACK_SRC_HOST_TIMERS_H
#define NICSTACK_SRC_HOST_TIMERS_H

#include <nicstack/host.h>

struct timers {
    struct nst_loop_timer *root; /* the first due; NULL: none */
    uint64_t order;
};

/* Puts `timer`, which is in no heap, in. */
void timers_add(struct timers *timers, struct nst_loop_timer *timer, nst_time when);
/* Takes `timer` out; one that is in no heap is left alone. */
void timers_remove(struct timers *timers, struct nst_loop_timer *timer);
static inline bool timers_has(const struct timers *timers, const struct nst_loop_timer *timer)
{
    return timer->link != NULL || timers->root == timer;
}

#endif
