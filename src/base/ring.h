/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded ring of fixed-size records in the caller's memory. ring_push keeps what is there and
 * refuses the newest when full; ring_push_over drops the oldest. What is dropped is counted.
 */
#ifndef NICSTACK_SRC_BASE_RING_H
#define NICSTACK_SRC_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

struct ring {
    uint8_t *memory;
    uint32_t record_size;
    uint32_t mask;       /* capacity - 1 */
    uint32_t head, tail; /* free-running: pop at head, push at tail */
    uint64_t lost;       /* records that were dropped */
};

/* `memory` is record_size x capacity bytes, the caller's; `capacity` is a power of two (checked).
 */
static inline void ring_init(struct ring *r, void *memory, uint32_t record_size, uint32_t capacity)
{
    CHECK(is_pow2(capacity) && record_size > 0);
    *r = (struct ring){.memory = memory, .record_size = record_size, .mask = capacity - 1};
}

static inline uint32_t ring_count(const struct ring *r)
{
    return r->tail - r->head;
}

static inline bool ring_is_full(const struct ring *r)
{
    return ring_count(r) > r->mask;
}

static inline void *ring_slot(const struct ring *r, uint32_t position)
{
    return r->memory + (size_t)(position & r->mask) * r->record_size;
}

/* The oldest record, in place, or NULL. Valid until it is popped or pushed over. */
static inline void *ring_peek(const struct ring *r)
{
    return ring_count(r) ? ring_slot(r, r->head) : NULL;
}

/* Copies the record in. False when full: then it is lost and the ring is unchanged. */
static inline bool ring_push(struct ring *r, const void *record)
{
    if (ring_is_full(r)) {
        r->lost++;
        return false;
    }
    memcpy(ring_slot(r, r->tail++), record, r->record_size);
    return true;
}

/* Copies the record in. False when the oldest was lost for it. */
static inline bool ring_push_over(struct ring *r, const void *record)
{
    bool full = ring_is_full(r);
    if (full) {
        r->lost++;
        r->head++;
    }
    memcpy(ring_slot(r, r->tail++), record, r->record_size);
    return !full;
}

/* Copies the oldest record out and removes it. False when there is none: *ret_record unchanged. */
static inline bool ring_pop(struct ring *r, void *ret_record)
{
    if (!ring_count(r))
        return false;
    memcpy(ret_record, ring_slot(r, r->head++), r->record_size);
    return true;
}

#endif
