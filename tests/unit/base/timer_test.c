/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/timer.h"
#include "random.h"

#define TIMERS 300

struct entry {
    struct timer timer;
    nst_time rearm; /* > 0: arm again this much after `now` when it fires */
    struct entry *cancels;
};

static struct wheel wheel;
static struct entry entries[TIMERS];
static unsigned fired_index[200000];
static size_t fired_count;
static nst_time last_now;

static void on_fire(struct timer *t, nst_time now)
{
    struct entry *e = container_of(t, struct entry, timer);
    assert_false(timer_is_armed(t));
    assert_true(t->expires <= now);
    last_now = now;
    fired_index[fired_count++] = (unsigned)(e - entries);
    if (e->rearm > 0)
        wheel_arm(&wheel, t, now + e->rearm);
    if (e->cancels)
        wheel_cancel(&wheel, &e->cancels->timer);
}

static void start(nst_time now)
{
    wheel_init(&wheel, now);
    fired_count = 0;
    for (unsigned i = 0; i < TIMERS; i++) {
        entries[i] = (struct entry){0};
        timer_init(&entries[i].timer, on_fire);
    }
}

static void arm(unsigned i, nst_time when)
{
    wheel_arm(&wheel, &entries[i].timer, when);
}

static void fires_exactly(void **state)
{
    start(12345);
    arm(0, 1000001);
    assert_int_equal(wheel_next(&wheel), 1000001);
    assert_int_equal(wheel_advance(&wheel, 1000000, 100), 0);
    assert_true(timer_is_armed(&entries[0].timer));
    assert_int_equal(wheel_advance(&wheel, 1000001, 100), 1);
    assert_false(timer_is_armed(&entries[0].timer));
    assert_int_equal(wheel_next(&wheel), NST_TIME_NEVER);
}

static void equal_deadlines_keep_order(void **state)
{
    /* Some armed from afar and cascaded, some from near: one order, that of arming. */
    start(0);
    nst_time when = 40 * NST_SEC + 7;
    for (unsigned i = 0; i < 100; i++) {
        if (i == 40)
            wheel_advance(&wheel, 39 * NST_SEC, 10);
        if (i == 80)
            wheel_advance(&wheel, when - 1, 10);
        arm(i, when);
    }
    assert_int_equal(wheel_advance(&wheel, when + NST_SEC, 1000), 100);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(fired_index[i], i);
}

static void past_is_due_at_once(void **state)
{
    start(0);
    wheel_advance(&wheel, NST_SEC, 10);
    arm(0, NST_SEC);
    arm(1, 5);
    arm(2, -7);
    assert_int_equal(wheel_next(&wheel), -7);
    assert_int_equal(wheel_advance(&wheel, NST_SEC, 10), 3);
    assert_int_equal(fired_index[0], 2);
    assert_int_equal(fired_index[1], 1);
    assert_int_equal(fired_index[2], 0);
}

static void callbacks_may_arm_and_cancel(void **state)
{
    start(0);
    arm(0, 100);
    arm(1, 100);
    arm(2, 200);
    entries[0].cancels = &entries[1];
    entries[2].rearm = 50;
    assert_int_equal(wheel_advance(&wheel, 200, 100), 2);
    assert_int_equal(fired_index[0], 0);
    assert_int_equal(fired_index[1], 2);
    assert_int_equal(wheel_next(&wheel), 250);
    entries[2].cancels = &entries[2];
    assert_int_equal(wheel_advance(&wheel, 1000, 100), 1);
    assert_int_equal(wheel_next(&wheel), NST_TIME_NEVER);
}

static void max_fires_bounds_one_call(void **state)
{
    start(0);
    for (unsigned i = 0; i < 10; i++)
        arm(i, 5 + i);
    assert_int_equal(wheel_advance(&wheel, NST_SEC, 4), 4);
    assert_int_equal(wheel_next(&wheel), 9);
    assert_int_equal(wheel_advance(&wheel, NST_SEC, 0), 0);
    assert_int_equal(wheel_advance(&wheel, NST_SEC, 100), 6);
}

static void never_cancels(void **state)
{
    start(0);
    arm(0, 50);
    arm(0, NST_TIME_NEVER);
    assert_false(timer_is_armed(&entries[0].timer));
    assert_int_equal(timer_deadline(&entries[0].timer), NST_TIME_NEVER);
    assert_int_equal(wheel_advance(&wheel, NST_TIME_NEVER, 10), 0);
}

static void far_deadlines(void **state)
{
    start(0);
    arm(0, NST_TIME_NEVER - 1);
    arm(1, 400LL * 86400 * NST_SEC);
    arm(2, 200LL * 365 * 86400 * NST_SEC);
    assert_int_equal(wheel_advance(&wheel, 400LL * 86400 * NST_SEC - 1, 10), 0);
    assert_int_equal(wheel_advance(&wheel, 400LL * 86400 * NST_SEC, 10), 1);
    assert_int_equal(wheel_next(&wheel), 200LL * 365 * 86400 * NST_SEC);
    assert_int_equal(wheel_advance(&wheel, NST_TIME_NEVER - 1, 10), 2);
    assert_int_equal(fired_index[2], 0);
}

static void cancelling_the_earliest_again_and_again(void **state)
{
    /* One slot far away, armed backwards: it is out of order, read through, and at last sorted. */
    start(0);
    for (unsigned i = 0; i < TIMERS; i++)
        arm(i, 3600 * NST_SEC - (nst_time)i);
    for (unsigned i = TIMERS; i-- > 100;) {
        assert_int_equal(wheel_next(&wheel), 3600 * NST_SEC - (nst_time)i);
        wheel_cancel(&wheel, &entries[i].timer);
    }
    assert_int_equal(wheel_advance(&wheel, 3600 * NST_SEC, TIMERS), 100);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(fired_index[i], 99 - i);
}

/* The reference: the armed timer that is first by (expires, seq). */
static struct entry *model_first(void)
{
    struct entry *first = NULL;
    for (unsigned i = 0; i < TIMERS; i++) {
        struct timer *t = &entries[i].timer;
        if (!timer_is_armed(t))
            continue;
        if (!first || t->expires < first->timer.expires ||
            (t->expires == first->timer.expires && t->seq < first->timer.seq))
            first = &entries[i];
    }
    return first;
}

static nst_time random_delay(uint64_t *seed)
{
    /* All magnitudes from nanoseconds to days, often rounded so that deadlines collide. */
    unsigned bits = (unsigned)(random_next(seed) % 50);
    nst_time delay = (nst_time)(random_next(seed) & (((uint64_t)1 << bits) - 1));
    return random_next(seed) % 2 ? delay : delay & ~(((nst_time)1 << bits / 2) - 1);
}

static void step_as_model(nst_time now)
{
    /* Fire one by one, so that the model can be asked before each. */
    for (;;) {
        struct entry *first = model_first();
        assert_int_equal(wheel_next(&wheel), first ? first->timer.expires : NST_TIME_NEVER);
        size_t before = fired_count;
        uint64_t fired = wheel_advance(&wheel, now, 1);
        if (!first || first->timer.expires > now || fired == 0) {
            assert_true(!first || first->timer.expires > now);
            assert_int_equal(fired, 0);
            return;
        }
        assert_int_equal(fired, 1);
        assert_int_equal(fired_index[before], first - entries);
        fired_count = 0;
    }
}

static void agrees_with_sorted_reference(void **state)
{
    for (uint64_t round = 1; round <= 40; round++) {
        uint64_t seed = round * 7919;
        nst_time now = random_delay(&seed);
        start(now);
        for (unsigned step = 0; step < 400; step++) {
            unsigned i = (unsigned)(random_next(&seed) % TIMERS);
            switch (random_next(&seed) % 8) {
            case 0:
                wheel_cancel(&wheel, &entries[i].timer);
                break;
            case 1:
                now += random_delay(&seed) >> random_next(&seed) % 20;
                step_as_model(now);
                break;
            default:
                arm(i, now + random_delay(&seed));
            }
            if (step % 4 == 0) {
                struct entry *first = model_first();
                assert_int_equal(wheel_next(&wheel), first ? first->timer.expires : NST_TIME_NEVER);
            }
        }
        step_as_model(NST_TIME_NEVER - 1);
        assert_int_equal(wheel.count, 0);
        assert_int_equal(wheel.levels, 0);
    }
}

static void order_does_not_depend_on_jumps(void **state)
{
    static unsigned one_jump[TIMERS];
    for (unsigned pass = 0; pass < 2; pass++) {
        uint64_t seed = 99;
        start(0);
        for (unsigned i = 0; i < TIMERS; i++)
            arm(i, (nst_time)(random_next(&seed) % 64) * 10 * NST_MSEC);
        for (nst_time now = 0; pass == 1 && now < NST_SEC; now += 333333)
            wheel_advance(&wheel, now, 1000);
        wheel_advance(&wheel, NST_SEC, 1000);
        assert_int_equal(fired_count, TIMERS);
        if (pass == 0)
            memcpy(one_jump, fired_index, sizeof(one_jump));
        assert_memory_equal(one_jump, fired_index, sizeof(one_jump));
    }
}

TESTS({"a timer fires at its deadline and not a nanosecond before", fires_exactly},
      {"equal deadlines fire in the order of arming, also after a cascade",
       equal_deadlines_keep_order},
      {"a deadline in the past is due at once, in order", past_is_due_at_once},
      {"a callback may arm itself and cancel others", callbacks_may_arm_and_cancel},
      {"one call fires no more than it may", max_fires_bounds_one_call},
      {"arming for never cancels", never_cancels},
      {"deadlines of centuries are exact", far_deadlines},
      {"the next deadline is exact while the earliest is cancelled again and again",
       cancelling_the_earliest_again_and_again},
      {"random arms, cancels and advances agree with a sorted reference",
       agrees_with_sorted_reference},
      {"the order does not depend on how far an advance jumps", order_does_not_depend_on_jumps})
