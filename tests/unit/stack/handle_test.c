/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "stack/handle.h"

static int refuse_after = -1; /* allocations that still succeed; negative: all */

static void *alloc(void *context, size_t size)
{
    if (refuse_after == 0)
        return NULL;
    if (refuse_after > 0)
        refuse_after--;
    return aligned_alloc(16, (size + 15) & ~(size_t)15);
}

static void release(void *context, void *memory, size_t size)
{
    free(memory);
}

static void start(struct mem *mem, struct handle_table *t)
{
    refuse_after = -1;
    mem_init(mem, &(struct nst_allocator){alloc, release, NULL}, 0);
    handle_table_init(t, mem);
}

static void finds_what_was_added(void **state)
{
    struct mem mem;
    struct handle_table t;
    int objects[100];
    uint64_t handles[100];

    start(&mem, &t);
    for (int i = 0; i < 100; i++) {
        handles[i] = handle_add(&t, &objects[i]);
        assert_true(handles[i] != 0);
    }
    for (int i = 0; i < 100; i++)
        assert_ptr_equal(handle_lookup(&t, handles[i]), &objects[i]);
    handle_table_fini(&t);
    assert_int_equal(mem.used, 0);
}

static void a_removed_handle_is_stale(void **state)
{
    struct mem mem;
    struct handle_table t;
    int a, b, c;

    start(&mem, &t);
    const uint64_t first = handle_add(&t, &a);
    const uint64_t keep = handle_add(&t, &c);
    handle_remove(&t, first);
    assert_null(handle_lookup(&t, first));
    const uint64_t second = handle_add(&t, &b);
    assert_int_equal((uint32_t)first, (uint32_t)second); /* the slot is used again */
    assert_null(handle_lookup(&t, first));
    assert_ptr_equal(handle_lookup(&t, second), &b);
    assert_ptr_equal(handle_lookup(&t, keep), &c);
    handle_table_fini(&t);
}

static void nonsense_is_never_a_handle(void **state)
{
    struct mem mem;
    struct handle_table t;
    int a;

    start(&mem, &t);
    assert_null(handle_lookup(&t, 0));
    assert_null(handle_lookup(&t, UINT64_MAX));
    const uint64_t handle = handle_add(&t, &a);
    assert_null(handle_lookup(&t, 0));
    assert_null(handle_lookup(&t, UINT64_MAX));
    assert_null(handle_lookup(&t, handle & 0xffffffff));
    assert_null(handle_lookup(&t, handle + 1));
    assert_null(handle_lookup(&t, handle + ((uint64_t)1 << 32)));
    handle_table_fini(&t);
}

static void an_empty_table_has_no_memory_and_repeats_no_handle(void **state)
{
    struct mem mem;
    struct handle_table t;
    int a;
    uint64_t seen[50];

    start(&mem, &t);
    for (int round = 0; round < 50; round++) {
        seen[round] = handle_add(&t, &a);
        for (int i = 0; i < round; i++)
            assert_true(seen[i] != seen[round]);
        handle_remove(&t, seen[round]);
        assert_int_equal(mem.used, 0);
        assert_null(handle_lookup(&t, seen[round]));
    }
}

static void refused_memory_gives_no_handle_and_breaks_nothing(void **state)
{
    struct mem mem;
    struct handle_table t;
    int a;
    uint64_t handles[16];

    start(&mem, &t);
    refuse_after = 0;
    assert_int_equal(handle_add(&t, &a), 0);
    refuse_after = 1;
    for (int i = 0; i < 16; i++)
        handles[i] = handle_add(&t, &a);
    assert_int_equal(handle_add(&t, &a), 0); /* the 17th has to grow */
    for (int i = 0; i < 16; i++)
        assert_ptr_equal(handle_lookup(&t, handles[i]), &a);
    handle_table_fini(&t);
    assert_int_equal(mem.used, 0);
}

TESTS({"finds what was added", finds_what_was_added},
      {"a removed handle is stale, also when its slot is used again", a_removed_handle_is_stale},
      {"nonsense is never a handle", nonsense_is_never_a_handle},
      {"an empty table has no memory, and repeats no handle",
       an_empty_table_has_no_memory_and_repeats_no_handle},
      {"refused memory gives no handle and breaks nothing",
       refused_memory_gives_no_handle_and_breaks_nothing})
