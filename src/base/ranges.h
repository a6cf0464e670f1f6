/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded set of disjoint ranges [start, end) of 32-bit numbers in sequence space: what was
 * received out of order, what SACK reported, which parts of a datagram are there. Ranges are kept
 * sorted; ranges that touch or overlap are one. All numbers in one set, and the ends of what is
 * inserted, have to lie within 2^31 of one another: plain numbers below 2^31 do.
 */
#ifndef NICSTACK_SRC_BASE_RANGES_H
#define NICSTACK_SRC_BASE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/seq.h"

struct range {
    uint32_t start, end; /* start is in, end is not; never equal */
};

struct ranges {
    struct range *items; /* ascending, with gaps between them */
    uint32_t count;
    uint32_t cap;
};

/* Makes an empty set in the caller's array of `cap` items. */
static inline void ranges_init(struct ranges *r, struct range *items, uint32_t cap)
{
    *r = (struct ranges){.items = items, .cap = cap};
}

static inline void ranges_clear(struct ranges *r)
{
    r->count = 0;
}

static inline bool ranges_is_empty(const struct ranges *r)
{
    return r->count == 0;
}

/*
 * Adds [start, end), merging; an empty or backward range changes nothing and is fine. False when it
 * would need one range more than there is room for: then the set is unchanged.
 */
bool ranges_insert(struct ranges *r, uint32_t start, uint32_t end);

/* Removes every number before `limit`. */
void ranges_remove_below(struct ranges *r, uint32_t limit);

/* Removes every number at or behind `limit`. */
void ranges_remove_from(struct ranges *r, uint32_t limit);

/* True when all of [start, end) is in the set; true for an empty range. */
bool ranges_contains(const struct ranges *r, uint32_t start, uint32_t end);

/* True when some number of [start, end) is in the set. */
bool ranges_overlaps(const struct ranges *r, uint32_t start, uint32_t end);

/* The range that `x` is in, or else the first behind it; NULL when there is none. Borrowed. */
const struct range *ranges_lookup(const struct ranges *r, uint32_t x);

/* How many numbers are in the set. */
uint32_t ranges_total(const struct ranges *r);

#endif
