/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers: a hierarchical wheel with exact deadlines (timer.c has the theory of operation).
 *
 * A timer never fires before its deadline; timers fire in the order of (expires, seq), where seq
 * counts armings, however far each advance jumps. Arming and cancelling are O(1).
 */
#ifndef NICSTACK_SRC_BASE_TIMER_H
#define NICSTACK_SRC_BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nicstack/types.h>

#include "base/list.h"

struct timer {
    struct list node; /* in a slot of the wheel, or self-linked */
    nst_time expires; /* valid while armed and in `fire` */
    uint64_t seq;     /* the number of the arming */
    void (*fire)(struct timer *timer, nst_time now);
};

#define TIMER_LEVEL_BITS 5
#define TIMER_SLOTS      (1 << TIMER_LEVEL_BITS)
#define TIMER_LEVELS     8
#define TIMER_TICK_BITS  14 /* 16.4 us: level 0 spans 0.5 ms, all levels 208 days */

struct wheel {
    uint64_t tick;  /* no timer that is armed lies before this one */
    uint64_t seq;   /* of the next arming */
    uint64_t count; /* timers armed */
    nst_time next;  /* the earliest deadline, when next_valid */
    bool next_valid;
    uint32_t scans;                                    /* how often `scanned` was read through */
    const struct list *scanned;                        /* the slot that wheel_next last looked at */
    uint32_t levels;                                   /* bit: the level has an occupied slot */
    uint32_t occupied[TIMER_LEVELS + 1];               /* bit: the slot has a timer */
    uint32_t unsorted[TIMER_LEVELS + 1];               /* bit: the slot's list is out of order */
    struct list slots[TIMER_LEVELS * TIMER_SLOTS + 1]; /* the last: beyond all levels */
};

/* Starts an empty wheel at `now`. */
void wheel_init(struct wheel *w, nst_time now);

/* Makes a timer that is not armed. `fire` is called without the timer being armed, so it may arm it
 * again, cancel any other, or free the object that it lies in. */
static inline void timer_init(struct timer *t, void (*fire)(struct timer *timer, nst_time now))
{
    list_init(&t->node);
    t->expires = NST_TIME_NEVER;
    t->seq = 0;
    t->fire = fire;
}

static inline bool timer_is_armed(const struct timer *t)
{
    return list_is_linked(&t->node);
}

/* Arms the timer, or moves it, to `when`: one in the past is due at once, NST_TIME_NEVER cancels.
 */
void wheel_arm(struct wheel *w, struct timer *t, nst_time when);

/* Disarms the timer, if it is armed. */
void wheel_cancel(struct wheel *w, struct timer *t);

/* The deadline of a timer, or NST_TIME_NEVER when it is not armed. */
static inline nst_time timer_deadline(const struct timer *t)
{
    return timer_is_armed(t) ? t->expires : NST_TIME_NEVER;
}

/* The earliest deadline, exactly, or NST_TIME_NEVER. */
nst_time wheel_next(struct wheel *w);

/*
 * Fires what is due at `now`, in order, at most `max_fires` of them, also those that become due
 * while it fires. Returns how many: when it is `max_fires`, more may be due. A `now` before the
 * last is treated as the last.
 */
uint64_t wheel_advance(struct wheel *w, nst_time now, uint64_t max_fires);

#endif
