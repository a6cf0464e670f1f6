/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/check.h"
#include "base/ranges.h"
#include "random.h"

#define SPACE 256

static void inserting_merges(void **state)
{
    struct range items[4];
    struct ranges r;
    ranges_init(&r, items, 4);
    assert_true(ranges_insert(&r, 10, 20));
    assert_true(ranges_insert(&r, 30, 40));
    assert_int_equal(r.count, 2);
    assert_true(ranges_insert(&r, 20, 30));
    assert_int_equal(r.count, 1);
    assert_int_equal(items[0].start, 10);
    assert_int_equal(items[0].end, 40);
    assert_true(ranges_insert(&r, 25, 25));
    assert_true(ranges_insert(&r, 9, 5));
    assert_int_equal(ranges_total(&r), 30);
}

static void full_set_is_unchanged(void **state)
{
    struct range items[2];
    struct ranges r;
    ranges_init(&r, items, 2);
    assert_true(ranges_insert(&r, 10, 20));
    assert_true(ranges_insert(&r, 30, 40));
    assert_false(ranges_insert(&r, 50, 60));
    assert_int_equal(ranges_total(&r), 20);
    assert_true(ranges_insert(&r, 40, 60));
    assert_true(ranges_insert(&r, 0, 100));
    assert_int_equal(r.count, 1);
}

static void no_room_at_all(void **state)
{
    struct ranges r;
    ranges_init(&r, NULL, 0);
    assert_false(ranges_insert(&r, 1, 2));
    assert_false(ranges_contains(&r, 1, 2));
    assert_null(ranges_lookup(&r, 0));
}

/* Compares with one bool a number, around `base` in sequence space. */
static void agree(uint32_t base, uint64_t seed)
{
    bool model[SPACE] = {false};
    struct range items[64];
    struct ranges r;
    ranges_init(&r, items, ARRAY_SIZE(items));
    for (unsigned step = 0; step < 2000; step++) {
        uint32_t a = (uint32_t)(random_next(&seed) % SPACE);
        uint32_t b = (uint32_t)min_u64(SPACE, a + random_next(&seed) % 12);
        switch (random_next(&seed) % 16) {
        case 0:
            ranges_remove_below(&r, base + a / 4);
            memset(model, 0, a / 4);
            break;
        case 1:
            ranges_remove_from(&r, base + SPACE - a / 4);
            memset(model + SPACE - a / 4, 0, a / 4);
            break;
        default:
            if (ranges_insert(&r, base + a, base + b))
                memset(model + a, 1, b - a);
            else
                assert_int_equal(r.count, r.cap);
        }
        uint32_t total = 0, runs = 0;
        for (uint32_t i = 0; i < SPACE; i++) {
            total += model[i];
            runs += model[i] && (i == 0 || !model[i - 1]);
            assert_int_equal(ranges_contains(&r, base + i, base + i + 1), model[i]);
        }
        assert_int_equal(ranges_total(&r), total);
        assert_int_equal(r.count, runs);
        bool all = true, some = false;
        for (uint32_t i = a; i < b; i++) {
            all = all && model[i];
            some = some || model[i];
        }
        assert_int_equal(ranges_contains(&r, base + a, base + b), all);
        assert_int_equal(ranges_overlaps(&r, base + a, base + b), some);
    }
}

static void agrees_with_bits(void **state)
{
    agree(0, 1);
    agree(0x7fffff80, 2);
    agree(0xffffff80, 3);
}

static void sequence_space(void **state)
{
    assert_true(seq_lt(0xfffffff0, 5));
    assert_true(seq_gt(5, 0xfffffff0));
    assert_true(seq_leq(7, 7));
    assert_false(seq_lt(7, 7));
    assert_true(seq_geq(7, 7));
    assert_int_equal(seq_max(0xffffffff, 0), 0);
    assert_int_equal(seq_min(0xffffffff, 0), 0xffffffff);
    assert_true(seq_in(2, 0xfffffffe, 5));
    assert_false(seq_in(3, 0xfffffffe, 5));
}

TESTS({"ranges that touch or overlap are one", inserting_merges},
      {"a full set refuses and is unchanged, but still merges", full_set_is_unchanged},
      {"a set without room refuses everything", no_room_at_all},
      {"random operations agree with a bit for each number, also across 2^32", agrees_with_bits},
      {"sequence numbers compare modulo 2^32", sequence_space})
