/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bucket.h"

#include "base/check.h"

#define PER_SEC ((uint64_t)NST_SEC)

void bucket_init(struct bucket *b, uint64_t rate, uint64_t burst, nst_time now)
{
    *b = (struct bucket){
        .rate = min_u64(rate, BUCKET_MAX), .burst = min_u64(burst, BUCKET_MAX), .last = now};
    b->tokens = b->burst;
}

/* Adds what came in since `last`. With rate <= 2^34 no product passes 64 bits. */
static void refill(struct bucket *b, nst_time now)
{
    if (now <= b->last)
        return;
    uint64_t elapsed = (uint64_t)now - (uint64_t)b->last;
    b->last = now;
    if (b->rate == 0)
        return;
    uint64_t seconds = elapsed / PER_SEC;
    if (seconds <= b->burst / b->rate) {
        uint64_t parts = elapsed % PER_SEC * b->rate + b->fraction;
        b->tokens += seconds * b->rate + parts / PER_SEC;
        b->fraction = parts % PER_SEC;
    } else {
        b->tokens = b->burst;
    }
    if (b->tokens >= b->burst) {
        b->tokens = b->burst;
        b->fraction = 0;
    }
}

bool bucket_take(struct bucket *b, nst_time now, uint64_t n)
{
    refill(b, now);
    if (n > b->tokens)
        return false;
    b->tokens -= n;
    return true;
}

uint64_t bucket_level(struct bucket *b, nst_time now)
{
    refill(b, now);
    return b->tokens;
}

nst_time bucket_when(struct bucket *b, nst_time now, uint64_t n)
{
    refill(b, now);
    if (n <= b->tokens)
        return now;
    if (n > b->burst || b->rate == 0)
        return NST_TIME_NEVER;
    uint64_t missing = n - b->tokens; /* at least 1, so more than `fraction` billionths */
    uint64_t seconds = (missing - 1) / b->rate;
    uint64_t parts = (missing - seconds * b->rate) * PER_SEC - b->fraction;
    uint64_t wait = seconds * PER_SEC + (parts + b->rate - 1) / b->rate;
    nst_time from = max_i64(now, b->last);
    return wait > (uint64_t)(NST_TIME_NEVER - max_i64(from, 0)) ? NST_TIME_NEVER
                                                                : from + (nst_time)wait;
}
