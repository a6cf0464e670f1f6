/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/bucket.h"
#include "random.h"

static void burst_then_rate(void **state)
{
    struct bucket b;
    bucket_init(&b, 10, 5, 0);
    for (unsigned i = 0; i < 5; i++)
        assert_true(bucket_take(&b, 0, 1));
    assert_false(bucket_take(&b, 0, 1));
    assert_int_equal(bucket_when(&b, 0, 1), NST_SEC / 10);
    assert_false(bucket_take(&b, NST_SEC / 10 - 1, 1));
    assert_true(bucket_take(&b, NST_SEC / 10, 1));
    assert_int_equal(bucket_level(&b, 100 * NST_SEC), 5);
    assert_false(bucket_take(&b, 100 * NST_SEC, 6));
    assert_int_equal(bucket_when(&b, 100 * NST_SEC, 6), NST_TIME_NEVER);
}

static void nothing_is_lost_to_rounding(void **state)
{
    struct bucket b;
    uint64_t taken = 0, seed = 5;
    bucket_init(&b, 777777, 1000000, 0);
    assert_true(bucket_take(&b, 0, 1000000));
    nst_time now = 0;
    while (now < NST_SEC) {
        now += (nst_time)(random_next(&seed) % 5000);
        now = now < NST_SEC ? now : NST_SEC;
        taken += bucket_take(&b, now, 1);
    }
    assert_int_equal(taken + bucket_level(&b, NST_SEC), 777777);
}

static void extremes_do_not_overflow(void **state)
{
    struct bucket b;
    bucket_init(&b, UINT64_MAX, UINT64_MAX, 0);
    assert_true(bucket_take(&b, 0, BUCKET_MAX));
    assert_int_equal(bucket_level(&b, NST_SEC - 1), BUCKET_MAX - 18);
    assert_int_equal(bucket_level(&b, NST_TIME_NEVER), BUCKET_MAX);
    assert_int_equal(bucket_level(&b, 0), BUCKET_MAX);
    bucket_init(&b, 0, 3, 0);
    assert_true(bucket_take(&b, 0, 3));
    assert_false(bucket_take(&b, NST_TIME_NEVER, 1));
    assert_int_equal(bucket_when(&b, 0, 1), NST_TIME_NEVER);
}

static void when_is_exact(void **state)
{
    uint64_t seed = 9;
    for (unsigned i = 0; i < 5000; i++) {
        struct bucket b;
        uint64_t rate = 1 + random_next(&seed) % (1ull << (1 + random_next(&seed) % 34));
        uint64_t burst = 1 + random_next(&seed) % 100000;
        bucket_init(&b, rate, burst, 100);
        bucket_take(&b, 100, burst);
        nst_time from = 100 + (nst_time)(random_next(&seed) % 1000);
        uint64_t n = 1 + random_next(&seed) % burst;
        nst_time when = bucket_when(&b, from, n);
        struct bucket copy = b;
        if (when > from)
            assert_false(bucket_take(&copy, when - 1, n));
        assert_true(bucket_take(&b, when, n));
    }
}

TESTS({"a burst, then the rate", burst_then_rate},
      {"fractions of tokens are carried on exactly", nothing_is_lost_to_rounding},
      {"extreme rates and times do not overflow", extremes_do_not_overflow},
      {"the time of the next success is exact", when_is_exact})
