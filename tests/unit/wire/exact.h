/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in an allocation of exactly their size, so that the sanitizer sees the first byte that is
 * read behind them.
 */
#ifndef TESTS_UNIT_WIRE_EXACT_H
#define TESTS_UNIT_WIRE_EXACT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A copy of `len` bytes; free() it. */
static inline uint8_t *exact_copy(const void *data, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (copy == NULL)
        abort();
    memcpy(copy + (len == 0), data, len);
    return copy;
}

/* Where the `len` bytes of an exact_copy begin: for none, at its very end. */
static inline uint8_t *exact_begin(uint8_t *copy, size_t len)
{
    return copy + (len == 0);
}

/* Runs `statement` for each length 0..size of `bytes`, with `p` and `n` as the cut copy. */
#define FOR_EACH_TRUNCATION(bytes, size, p, n, ...)  \
    for (size_t n = 0; n <= (size); n++) {           \
        uint8_t *copy_##p = exact_copy((bytes), n);  \
        const uint8_t *p = exact_begin(copy_##p, n); \
        __VA_ARGS__                                  \
        free(copy_##p);                              \
    }

/* A small generator of test bytes: the same on each run. */
static inline uint32_t exact_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

#endif
