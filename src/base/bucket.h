/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket: `rate` tokens a second, at most `burst` saved up. Integers only, exact: what is
 * left of a token is carried on. Rate and burst are at most BUCKET_MAX (17e9: 137 Gbit/s in bytes).
 */
#ifndef NICSTACK_SRC_BASE_BUCKET_H
#define NICSTACK_SRC_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include <nicstack/types.h>

#define BUCKET_MAX ((uint64_t)1 << 34)

struct bucket {
    uint64_t rate;     /* tokens a second */
    uint64_t burst;    /* the most that is saved */
    uint64_t tokens;   /* whole tokens at `last` */
    uint64_t fraction; /* and billionths of one */
    nst_time last;
};

/* Starts full. A rate or burst above BUCKET_MAX becomes BUCKET_MAX. */
void bucket_init(struct bucket *b, uint64_t rate, uint64_t burst, nst_time now);

/* Takes `n` tokens if they are there. False takes nothing. Time that goes backwards adds nothing.
 */
bool bucket_take(struct bucket *b, nst_time now, uint64_t n);

/* Tokens there at `now`. */
uint64_t bucket_level(struct bucket *b, nst_time now);

/* The earliest time at which bucket_take(b, that, n) succeeds; NST_TIME_NEVER when n > burst or the
 * rate is 0. */
nst_time bucket_when(struct bucket *b, nst_time now, uint64_t n);

#endif
