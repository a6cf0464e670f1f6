/* SPDX-License-Identifier: Apache-2.0 */
/* The wheel against a search over all timers: each that fires is the first by (expires, seq). */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/timer.h"

#define TIMERS 64

static struct wheel wheel;
static struct timer timers[TIMERS];
static struct timer *fired;
static nst_time rearm;

static void on_fire(struct timer *t, nst_time now)
{
    CHECK(t->expires <= now && !timer_is_armed(t));
    fired = t;
    if (rearm > 0)
        wheel_arm(&wheel, t, now + rearm);
}

static struct timer *first(void)
{
    struct timer *best = NULL;
    for (struct timer *t = timers; t < timers + TIMERS; t++)
        if (timer_is_armed(t) && (!best || t->expires < best->expires ||
                                  (t->expires == best->expires && t->seq < best->seq)))
            best = t;
    return best;
}

static void advance(nst_time now)
{
    for (;;) {
        struct timer *expected = first();
        nst_time when = expected ? expected->expires : NST_TIME_NEVER;
        CHECK(wheel_next(&wheel) == when);
        uint64_t count = wheel_advance(&wheel, now, 1);
        CHECK(count == (expected && when <= now));
        if (count == 0)
            return;
        CHECK(fired == expected);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nst_time now = 0;
    wheel_init(&wheel, now);
    for (unsigned i = 0; i < TIMERS; i++)
        timer_init(&timers[i], on_fire);
    for (size_t i = 0; i + 4 <= size; i += 4) {
        struct timer *t = &timers[data[i] % TIMERS];
        /* A number of 8 bits, at any magnitude up to years, and a few units beside it. */
        nst_time delay = ((nst_time)data[i + 2] << data[i + 3] % 48) + (data[i + 3] >> 6);
        rearm = data[i + 1] & 64 ? delay + 1 : 0;
        if (data[i + 1] % 8 == 0) {
            wheel_cancel(&wheel, t);
        } else if (data[i + 1] % 8 == 1) {
            now += delay;
            advance(now);
        } else {
            wheel_arm(&wheel, t, now + delay);
        }
    }
    rearm = 0;
    advance(NST_TIME_NEVER - 1);
    CHECK(wheel.count == 0 && wheel.levels == 0);
    return 0;
}
