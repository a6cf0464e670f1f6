/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "alloc.h"
#include "base/slab.h"
#include "random.h"

#define OBJECTS 500

static void objects_are_distinct_and_come_back(void **state)
{
    static const size_t sizes[] = {1, 4, 8, 12, 60, 64, 100, 124, 508, 2000};
    for (size_t n = 0; n < ARRAY_SIZE(sizes); n++) {
        struct mem m;
        struct alloc heap;
        struct slab s;
        unsigned char *objects[OBJECTS] = {NULL};
        uint64_t seed = n + 1;
        alloc_init(&heap);
        mem_init(&m, &heap.allocator, 0);
        slab_init(&s, &m, sizes[n], "test", 1 + n * 3);
        for (unsigned step = 0; step < 5000; step++) {
            unsigned i = (unsigned)(random_next(&seed) % OBJECTS);
            if (objects[i]) {
                for (size_t k = 0; k < sizes[n]; k++)
                    assert_int_equal(objects[i][k], (unsigned char)i);
                slab_give(&s, objects[i]);
                objects[i] = NULL;
            } else {
                objects[i] = slab_take(&s);
                assert_int_equal((uintptr_t)objects[i] % (sizes[n] % 64 == 60 ? 64 : 8), 0);
                memset(objects[i], (int)i, sizes[n]);
            }
        }
        for (unsigned i = 0; i < OBJECTS; i++)
            if (objects[i])
                slab_give(&s, objects[i]);
        assert_int_equal(s.live, 0);
        assert_int_equal(heap.live, 1); /* the one empty chunk that is kept */
        slab_fini(&s);
        assert_int_equal(m.used, 0);
        assert_int_equal(heap.live, 0);
    }
}

static void refusal_gives_null(void **state)
{
    struct mem m;
    struct alloc heap;
    struct slab s;
    void *taken[8];
    alloc_init(&heap);
    mem_init(&m, &heap.allocator, 0);
    slab_init(&s, &m, 40, "test", 4);
    heap.fail_from = 2;
    for (unsigned i = 0; i < 4; i++)
        assert_non_null(taken[i] = slab_take(&s));
    assert_null(slab_take(&s));
    assert_int_equal(s.live, 4);
    slab_give(&s, taken[2]);
    assert_ptr_equal(slab_take(&s), taken[2]);
    for (unsigned i = 0; i < 4; i++)
        slab_give(&s, taken[i]);
    slab_fini(&s);
    assert_int_equal(m.used, 0);
}

static void at_most_one_chunk_is_empty(void **state)
{
    struct mem m;
    struct alloc heap;
    struct slab s;
    void *taken[40];
    alloc_init(&heap);
    mem_init(&m, &heap.allocator, 0);
    slab_init(&s, &m, 100, "test", 4);
    for (unsigned i = 0; i < 40; i++)
        taken[i] = slab_take(&s);
    assert_int_equal(heap.live, 10);
    for (unsigned i = 0; i < 40; i++) {
        slab_give(&s, taken[i]);
        unsigned empty = (i + 1) / 4;
        assert_int_equal(heap.live, empty <= 1 ? 10 : 11 - empty);
    }
    slab_fini(&s);
}

TESTS({"objects are distinct, keep their content, and all memory comes back",
       objects_are_distinct_and_come_back},
      {"without memory there is no object, and later there is one again", refusal_gives_null},
      {"at most one empty chunk is kept", at_most_one_chunk_is_empty})
