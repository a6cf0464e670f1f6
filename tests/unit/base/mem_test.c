/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "alloc.h"
#include "base/mem.h"

static void the_limit_holds(void **state)
{
    struct mem m;
    struct alloc heap;
    alloc_init(&heap);
    mem_init(&m, &heap.allocator, 100);
    void *a = mem_alloc(&m, 60);
    assert_non_null(a);
    assert_int_equal(mem_room(&m), 40);
    assert_null(mem_alloc(&m, 41));
    assert_null(mem_alloc(&m, SIZE_MAX));
    void *b = mem_alloc(&m, 40);
    assert_non_null(b);
    assert_int_equal(mem_room(&m), 0);
    mem_free(&m, a, 60);
    assert_int_equal(m.used, 40);
    assert_int_equal(m.peak, 100);
    mem_set_limit(&m, 10);
    assert_int_equal(mem_room(&m), 0);
    assert_null(mem_alloc(&m, 1));
    mem_free(&m, b, 40);
    assert_int_equal(m.used, 0);
    assert_int_equal(heap.live, 0);
}

static void a_refusal_is_not_charged(void **state)
{
    struct mem m;
    struct alloc heap;
    alloc_init(&heap);
    mem_init(&m, &heap.allocator, 0);
    heap.fail_from = 1;
    assert_null(mem_alloc(&m, 10));
    assert_null(mem_zalloc(&m, 10));
    assert_int_equal(m.used, 0);
    assert_int_equal(m.peak, 0);
}

static void zalloc_gives_zeroes(void **state)
{
    struct mem m;
    struct alloc heap;
    static const char zeroes[64];
    alloc_init(&heap);
    mem_init(&m, &heap.allocator, 0);
    void *p = mem_zalloc(&m, sizeof(zeroes));
    assert_memory_equal(p, zeroes, sizeof(zeroes));
    mem_free(&m, p, sizeof(zeroes));
    mem_free(&m, NULL, 7);
    assert_null(mem_alloc(&m, 0));
    assert_int_equal(m.used, 0);
}

TESTS({"no more than the limit is out", the_limit_holds},
      {"what the allocator refuses is not charged", a_refusal_is_not_charged},
      {"zalloc gives zeroes, and freeing NULL does nothing", zalloc_gives_zeroes})
