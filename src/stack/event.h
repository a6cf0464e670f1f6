/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of events (<nicstack/event.h>), from the inside: whoever changes a NIC, an address, a
 * neighbour or a group says so in the same function.
 *
 * Theory of operation. The ring exists while the host wants events. When it is full, everything in
 * it is forgotten and one NST_EVENT_LOST stands for it: a reader that has to list again has no use
 * for older ones. Invariants: (1) an NST_EVENT_LOST is only ever the first in the ring; (2) numbers
 * go up by one, and skip only what was lost.
 */
#ifndef NICSTACK_SRC_STACK_EVENT_H
#define NICSTACK_SRC_STACK_EVENT_H

#include <nicstack/event.h>

#include "base/fwd.h"
#include "base/ring.h"
#include "stack/stack.h"

struct event_ring {
    struct ring ring;
    uint32_t mask;
    uint64_t number; /* of the last one */
    struct nst_event events[];
};

/* Is anybody interested in this kind? Asked before an event is put together. */
static inline bool event_is_wanted(const struct nst_stack *stack, enum nst_event_kind kind)
{
    return unlikely(stack->events != NULL) && (stack->events->mask & NST_EVENT_BIT(kind)) != 0;
}

/* Puts the event in, if it is wanted; number, time, nic and name are filled in here. */
void event_put(const struct nic *nic, const struct nst_event *event);

/* One of a NIC itself, about which there is nothing more to say. */
static inline void event_nic(const struct nic *nic, enum nst_event_kind kind)
{
    const struct nst_event event = {.kind = (uint8_t)kind};
    event_put(nic, &event);
}

#endif
