/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons in sequence space, modulo 2^32 (RFC 9293 3.4): valid for numbers less than 2^31
 * apart.
 */
#ifndef NICSTACK_SRC_BASE_SEQ_H
#define NICSTACK_SRC_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_lt(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static inline bool seq_leq(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) <= 0;
}

static inline bool seq_gt(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

static inline bool seq_geq(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) >= 0;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
    return seq_gt(a, b) ? a : b;
}

static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
    return seq_lt(a, b) ? a : b;
}

/* True when start <= x < start + size. */
static inline bool seq_in(uint32_t x, uint32_t start, uint32_t size)
{
    return x - start < size;
}

#endif
