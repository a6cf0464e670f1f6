/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "alloc.h"
#include "base/hash.h"
#include "random.h"

#define NODES 3000

static struct item {
    struct hash_node node;
    bool present;
} items[NODES];

/* Few hash values, some nodes share one. */
static uint64_t hash_of(unsigned i)
{
    return (uint64_t)(i / 3) * 0x9e3779b97f4a7c15u;
}

static bool is_found(const struct hash *h, unsigned i)
{
    struct hash_node *node = hash_first(h, hash_of(i));
    for (; node; node = hash_next(node)) {
        assert_int_equal(node->hash, hash_of(i));
        if (node == &items[i].node)
            return true;
    }
    return false;
}

static void check(const struct hash *h)
{
    uint64_t present = 0, walked = 0;
    for (unsigned i = 0; i < NODES; i++) {
        assert_int_equal(is_found(h, i), items[i].present);
        present += items[i].present;
    }
    HASH_FOR_EACH(node, h)
    {
        assert_true(container_of(node, struct item, node)->present);
        walked++;
    }
    assert_int_equal(walked, present);
    assert_int_equal(hash_count(h), present);
}

static void churn(struct hash *h, uint64_t seed, unsigned steps)
{
    memset(items, 0, sizeof(items));
    for (unsigned step = 0; step < steps; step++) {
        unsigned i = (unsigned)(random_next(&seed) % NODES);
        if (!items[i].present)
            hash_insert(h, &items[i].node, hash_of(i));
        else
            hash_remove(h, &items[i].node);
        items[i].present = !items[i].present;
        hash_prefetch(h, hash_of(i));
        if (step % 97 == 0)
            check(h);
    }
    check(h);
}

static void finds_what_is_there(void **state)
{
    struct mem m;
    struct alloc heap;
    struct hash h;
    alloc_init(&heap);
    mem_init(&m, &heap.allocator, 0);
    hash_init(&h, &m);
    churn(&h, 3, 9000);
    HASH_FOR_EACH_SAFE(node, next, &h)
    {
        container_of(node, struct item, node)->present = false;
        hash_remove(&h, node);
    }
    check(&h);
    assert_int_equal(m.used, 0);
    churn(&h, 4, 1000);
    hash_fini(&h);
    assert_int_equal(m.used, 0);
}

static void works_without_memory(void **state)
{
    for (uint64_t fail_from = 1; fail_from < 6; fail_from++) {
        struct mem m;
        struct alloc heap;
        struct hash h;
        alloc_init(&heap);
        mem_init(&m, &heap.allocator, 0);
        heap.fail_from = fail_from;
        hash_init(&h, &m);
        churn(&h, fail_from, 1200);
        assert_true(heap.count >= fail_from);
        hash_fini(&h);
        assert_int_equal(m.used, 0);
    }
}

static void equal_hashes_newest_first(void **state)
{
    struct mem m;
    struct alloc heap;
    struct hash h;
    alloc_init(&heap);
    mem_init(&m, &heap.allocator, 0);
    hash_init(&h, &m);
    for (unsigned i = 0; i < 200; i++) /* grows several times on the way */
        hash_insert(&h, &items[i].node, i % 2 ? 42 : i);
    unsigned expected = 199;
    for (struct hash_node *n = hash_first(&h, 42); n; n = hash_next(n)) {
        if (n == &items[42].node)
            continue;
        assert_ptr_equal(n, &items[expected].node);
        expected -= 2;
    }
    hash_fini(&h);
}

TESTS({"it finds exactly what is there, while it grows, and gives all back", finds_what_is_there},
      {"without memory its chains are longer and nothing is lost", works_without_memory},
      {"equal hashes come newest first, also after growing", equal_hashes_newest_first})
