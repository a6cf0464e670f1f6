/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens next: one clock for everything. An actor has one time at which it wants to act;
 * equal times act in the order in which they were asked for, so that every run is the same.
 */
#ifndef NICSTACK_SRC_SIM_EVENTS_H
#define NICSTACK_SRC_SIM_EVENTS_H

#include <nicstack/types.h>

/* Embed it. Zero-initialise all but `act`. */
struct sim_actor {
    void (*act)(struct sim_actor *actor);
    nst_time when;
    uint64_t order;
    uint32_t place; /* in the heap, from 1; 0: it wants nothing */
};

struct sim_events {
    struct sim_actor **heap; /* smallest (when, order) first */
    uint32_t count, capacity;
    uint64_t order;
    nst_time now;
    uint64_t done; /* events so far */
};

/* Room for so many actors. 0, -NST_ENOMEM. */
int sim_events_init(struct sim_events *events, const struct nst_allocator *allocator,
                    uint32_t actors);
void sim_events_fini(struct sim_events *events, const struct nst_allocator *allocator);

/* Lets the actor act at `when`, or now if that is over; NST_TIME_NEVER: not at all. Asking for the
 * same time again changes nothing. */
void sim_events_arm(struct sim_events *events, struct sim_actor *actor, nst_time when);

/* Acts once, if there is something to do up to `until`, which is not before the present. */
bool sim_events_step(struct sim_events *events, nst_time until);

#endif
