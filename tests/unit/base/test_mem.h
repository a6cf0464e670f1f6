/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A heap whose n-th allocation fails, and small deterministic numbers, for the tests of base/.
 */
#ifndef TESTS_UNIT_BASE_TEST_MEM_H
#define TESTS_UNIT_BASE_TEST_MEM_H

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

struct test_heap {
    uint64_t allocations;
    uint64_t fail_from; /* allocations of this number and later fail; 0: none */
    uint64_t live;
};

static inline void *test_heap_alloc(void *context, size_t size)
{
    struct test_heap *heap = context;
    heap->allocations++;
    if (heap->fail_from && heap->allocations >= heap->fail_from)
        return NULL;
    heap->live++;
    return malloc(size);
}

static inline void test_heap_free(void *context, void *memory, size_t size)
{
    struct test_heap *heap = context;
    heap->live--;
    free(memory);
}

static inline void test_mem_init(struct mem *m, struct test_heap *heap, uint64_t limit)
{
    *heap = (struct test_heap){0};
    struct nst_allocator allocator = {test_heap_alloc, test_heap_free, heap};
    mem_init(m, &allocator, limit);
}

/* xorshift64*: the same numbers in every run. */
static inline uint64_t test_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}

#endif
