/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ranges.h"

#include <string.h>

/* The index of the first range whose end is behind `x` (or at it, when `touching`). */
static uint32_t first_behind(const struct ranges *r, uint32_t x, bool touching)
{
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t end = r->items[middle].end;
        if (touching ? seq_lt(end, x) : seq_leq(end, x))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Replaces items [first, last) by `with` items of room; the caller fills that. */
static void replace(struct ranges *r, uint32_t first, uint32_t last, uint32_t with)
{
    memmove(r->items + first + with, r->items + last, (r->count - last) * sizeof(*r->items));
    r->count = r->count - (last - first) + with;
}

bool ranges_insert(struct ranges *r, uint32_t start, uint32_t end)
{
    if (seq_geq(start, end))
        return true;
    uint32_t first = first_behind(r, start, true);
    uint32_t last = first;
    while (last < r->count && seq_leq(r->items[last].start, end)) {
        start = seq_min(start, r->items[last].start);
        end = seq_max(end, r->items[last].end);
        last++;
    }
    if (first == last && r->count == r->cap)
        return false;
    replace(r, first, last, 1);
    r->items[first] = (struct range){start, end};
    return true;
}

void ranges_remove_below(struct ranges *r, uint32_t limit)
{
    uint32_t first = first_behind(r, limit, false);
    if (first > 0)
        replace(r, 0, first, 0);
    if (r->count > 0)
        r->items[0].start = seq_max(r->items[0].start, limit);
}

void ranges_remove_from(struct ranges *r, uint32_t limit)
{
    while (r->count > 0 && seq_geq(r->items[r->count - 1].start, limit))
        r->count--;
    if (r->count > 0)
        r->items[r->count - 1].end = seq_min(r->items[r->count - 1].end, limit);
}

const struct range *ranges_lookup(const struct ranges *r, uint32_t x)
{
    uint32_t first = first_behind(r, x, false);
    return first < r->count ? &r->items[first] : NULL;
}

bool ranges_contains(const struct ranges *r, uint32_t start, uint32_t end)
{
    if (seq_geq(start, end))
        return true;
    const struct range *range = ranges_lookup(r, start);
    return range && seq_leq(range->start, start) && seq_geq(range->end, end);
}

bool ranges_overlaps(const struct ranges *r, uint32_t start, uint32_t end)
{
    if (seq_geq(start, end))
        return false;
    const struct range *range = ranges_lookup(r, start);
    return range && seq_lt(range->start, end);
}

uint32_t ranges_total(const struct ranges *r)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < r->count; i++)
        total += r->items[i].end - r->items[i].start;
    return total;
}
