/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. Time is cut into ticks of 2^14 ns, and a tick number into digits of 5 bits.
 * A timer lies at the level of the highest digit in which its tick differs from the wheel's own
 * `tick`, in the slot of that digit; what differs above all levels lies in one slot more. So all of
 * level n is earlier than all of level n + 1, and within a level a lower slot is earlier: the
 * earliest timer is in the first occupied slot of the first occupied level, which two bitmaps name.
 *
 * Slots keep lists in the order of (expires, seq). An arming walks at most a few timers back from
 * the end to find its place: timers of one kind are armed in the order in which they expire, so
 * mostly it walks none. Beyond that it appends and marks the slot unsorted; the slot is
 * merge-sorted when its first timer is to fire, at level 0, where slots are short. So the tick
 * bounds how many timers share a slot, never the precision.
 *
 * When `tick` moves, exactly one slot can have to be spread over the levels below: that of the new
 * tick at the level of the highest digit that changed (every lower level is empty, as its timers
 * were earlier).
 *
 * Invariants: (1) no armed timer has a tick before `tick`, but for those armed in the past, which
 * lie in its slot at level 0; (2) `tick` never passes a timer that has not fired; (3) an occupied
 * bit is set exactly when the list is not empty; (4) `next`, when valid, is the earliest deadline.
 *
 * Costs: arm and cancel O(1). Firing: a timer moves down at most 8 times in its life. wheel_next is
 * O(1) while `next` is valid or the first slot is in order; otherwise it reads through that slot,
 * which above level 0 may hold very many timers, and after SCAN_LIMIT readings of one slot it sorts
 * it: so cancelling the earliest again and again costs no more than about twice the one sorting.
 */
#include "base/timer.h"

#include "base/bytes.h"
#include "base/check.h"

#define BEYOND     TIMER_LEVELS /* the level of the one slot behind all levels */
#define SLOT_MASK  (TIMER_SLOTS - 1)
#define WALK_LIMIT 8
#define SCAN_LIMIT 16
#define SORT_BINS  64 /* bin n holds a list of 2^n */

static struct timer *timer_of(struct list *node)
{
    return container_of(node, struct timer, node);
}

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->expires < b->expires || (a->expires == b->expires && a->seq < b->seq);
}

static uint64_t tick_of(nst_time when)
{
    return when > 0 ? (uint64_t)when >> TIMER_TICK_BITS : 0;
}

/* The level of the highest digit in which two ticks differ. */
static unsigned level_of(uint64_t difference)
{
    if (difference == 0)
        return 0;
    return min_u32((63 - clz64(difference)) / TIMER_LEVEL_BITS, BEYOND);
}

static unsigned slot_in_level(uint64_t tick, unsigned level)
{
    return level == BEYOND ? 0 : (unsigned)(tick >> (TIMER_LEVEL_BITS * level)) & SLOT_MASK;
}

static struct list *head_of(struct wheel *w, unsigned level, unsigned slot)
{
    return &w->slots[level * TIMER_SLOTS + slot];
}

static void clear_slot(struct wheel *w, unsigned level, unsigned slot)
{
    w->occupied[level] &= ~(1u << slot);
    w->unsorted[level] &= ~(1u << slot);
    if (w->occupied[level] == 0)
        w->levels &= ~(1u << level);
}

/* Puts a timer that is in no list where its deadline belongs. */
static void place(struct wheel *w, struct timer *t)
{
    uint64_t tick = max_u64(tick_of(t->expires), w->tick);
    unsigned level = level_of(tick ^ w->tick);
    unsigned slot = slot_in_level(tick, level);
    struct list *head = head_of(w, level, slot);
    struct list *position = head;
    w->levels |= 1u << level;
    w->occupied[level] |= 1u << slot;
    if (!(w->unsorted[level] >> slot & 1)) {
        unsigned walked = 0;
        while (position->prev != head && is_before(t, timer_of(position->prev))) {
            if (walked++ == WALK_LIMIT) {
                w->unsorted[level] |= 1u << slot;
                position = head;
                break;
            }
            position = position->prev;
        }
    }
    list_insert_before(position, &t->node);
}

/* Takes an armed timer out of its slot. When it was alone there, its neighbour is the head. */
static void detach(struct wheel *w, struct timer *t)
{
    struct list *neighbour = t->node.next;
    bool alone = neighbour == t->node.prev;
    list_remove(&t->node);
    w->count--;
    if (alone) {
        unsigned index = (unsigned)(neighbour - w->slots);
        clear_slot(w, index / TIMER_SLOTS, index % TIMER_SLOTS);
    }
    if (t->expires == w->next)
        w->next_valid = false;
}

/* Merges two sorted chains (linked by next, ended by NULL) into one. */
static struct list *merge(struct list *a, struct list *b)
{
    struct list *chain = NULL, **end = &chain;
    while (a && b) {
        struct list **first = is_before(timer_of(b), timer_of(a)) ? &b : &a;
        *end = *first;
        end = &(*first)->next;
        *first = (*first)->next;
    }
    *end = a ? a : b;
    return chain;
}

/* Sorts a list that is not empty, by merging chains of equal length, without recursion. */
static void sort(struct list *head)
{
    struct list *bins[SORT_BINS] = {NULL};
    struct list *next, *chain;
    head->prev->next = NULL;
    for (struct list *node = head->next; node; node = next) {
        next = node->next;
        node->next = NULL;
        chain = node;
        unsigned i = 0;
        for (; bins[i]; i++) {
            chain = merge(bins[i], chain);
            bins[i] = NULL;
        }
        bins[i] = chain;
    }
    chain = NULL;
    for (unsigned i = 0; i < SORT_BINS; i++)
        chain = merge(bins[i], chain);
    list_init(head);
    for (; chain; chain = next) {
        next = chain->next;
        list_add_tail(head, chain);
    }
}

/* The first of a slot that is not empty; sorts it if need be. */
static struct timer *first_in(struct wheel *w, unsigned level, unsigned slot)
{
    struct list *head = head_of(w, level, slot);
    if (w->unsorted[level] >> slot & 1) {
        sort(head);
        w->unsorted[level] &= ~(1u << slot);
    }
    return timer_of(head->next);
}

/* The earliest deadline of a list that is not empty and out of order. */
static nst_time scan(const struct list *head)
{
    nst_time earliest = NST_TIME_NEVER;
    for (struct list *node = head->next; node != head; node = node->next)
        earliest = min_i64(earliest, timer_of(node)->expires);
    return earliest;
}

static nst_time earliest_deadline(struct wheel *w)
{
    if (w->levels == 0)
        return NST_TIME_NEVER;
    unsigned level = ctz32(w->levels);
    unsigned slot = ctz32(w->occupied[level]);
    struct list *head = head_of(w, level, slot);
    if (w->scanned != head) {
        w->scanned = head;
        w->scans = 0;
    }
    if ((w->unsorted[level] >> slot & 1) && w->scans++ < SCAN_LIMIT)
        return scan(head);
    w->scans = 0;
    return first_in(w, level, slot)->expires;
}

/* Moves `tick` on, never past a timer, and spreads the one slot that it enters. */
static void move_to(struct wheel *w, uint64_t tick)
{
    if (tick <= w->tick)
        return;
    unsigned level = level_of(tick ^ w->tick);
    w->tick = tick;
    if (level == 0)
        return;
    unsigned slot = slot_in_level(tick, level);
    if (!(w->occupied[level] >> slot & 1))
        return;
    struct list moving;
    list_init(&moving);
    list_splice_tail(&moving, head_of(w, level, slot));
    clear_slot(w, level, slot);
    while (!list_is_empty(&moving)) {
        struct timer *t = timer_of(moving.next);
        list_remove(&t->node);
        place(w, t);
    }
}

/* The first tick of an occupied slot; of the one behind all levels, the first that may be in it. */
static uint64_t start_of(const struct wheel *w, unsigned level, unsigned slot)
{
    unsigned shift = TIMER_LEVEL_BITS * level;
    if (level == BEYOND)
        return ((w->tick >> shift) + 1) << shift;
    uint64_t above = w->tick >> shift >> TIMER_LEVEL_BITS << TIMER_LEVEL_BITS;
    return (above | slot) << shift;
}

/* The timer that fires next if it is due at `now`, or NULL. Moves on over slots that begin by then.
 */
static struct timer *due(struct wheel *w, nst_time now)
{
    while (w->levels != 0) {
        unsigned level = ctz32(w->levels);
        unsigned slot = ctz32(w->occupied[level]);
        if (level == 0) {
            struct timer *t = first_in(w, level, slot);
            return t->expires <= now ? t : NULL;
        }
        uint64_t start = start_of(w, level, slot);
        if (start > tick_of(now))
            return NULL;
        move_to(w, start);
    }
    return NULL;
}

void wheel_init(struct wheel *w, nst_time now)
{
    *w = (struct wheel){.tick = tick_of(now), .next = NST_TIME_NEVER, .next_valid = true};
    for (unsigned i = 0; i < ARRAY_SIZE(w->slots); i++)
        list_init(&w->slots[i]);
}

void wheel_arm(struct wheel *w, struct timer *t, nst_time when)
{
    if (timer_is_armed(t))
        detach(w, t);
    if (when == NST_TIME_NEVER)
        return;
    t->expires = when;
    t->seq = w->seq++;
    place(w, t);
    w->count++;
    if (when < w->next)
        w->next = when; /* as valid as it was: if not, it is still not later than the earliest */
}

void wheel_cancel(struct wheel *w, struct timer *t)
{
    if (timer_is_armed(t))
        detach(w, t);
}

nst_time wheel_next(struct wheel *w)
{
    if (!w->next_valid) {
        w->next = earliest_deadline(w);
        w->next_valid = true;
    }
    return w->next;
}

uint64_t wheel_advance(struct wheel *w, nst_time now, uint64_t max_fires)
{
    for (uint64_t fired = 0; fired < max_fires; fired++) {
        /* Without a valid `next`, `due` looks itself: an exact answer may cost more than it needs.
         */
        bool none = w->next_valid && w->next > now;
        struct timer *t = none ? NULL : due(w, now);
        if (!t) {
            move_to(w, tick_of(now));
            return fired;
        }
        move_to(w, tick_of(t->expires));
        detach(w, t);
        t->fire(t, now);
    }
    return max_fires;
}
