/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static void refused_pool(void **state)
{
    struct alloc a;
    alloc_init(&a);
    a.fail_at = 1;
    assert_null(pool_new(&a.allocator, 0));
    assert_null(pool_new(&a.allocator, 10));
    assert_int_equal(a.live, 0);
}

static void counts_at_true_size(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *p[100];
    for (int i = 0; i < 100; i++) {
        p[i] = fixture_packet(&f, 0, (uint32_t)i * 50, NULL);
        assert_int_equal(f.pool->mem.used, f.alloc.live_bytes);
    }
    for (int i = 0; i < 100; i++)
        pkt_drop(p[i], DROP_NO_ROUTE);
    assert_int_equal(f.pool->mem.used, f.alloc.live_bytes);
    assert_int_equal(f.pool->mem.peak, f.alloc.peak_bytes);
    fixture_end(&f);
}

static void limit_holds(void **state)
{
    struct fixture f;
    struct nst_pktq q = {0};
    struct pkt *p;
    fixture_begin(&f, 1 << 20);
    while ((p = pkt_build(f.pool, 0, 1500)) != NULL)
        pktq_push(&q, p);
    assert_true(q.count > 380);
    assert_true(f.alloc.peak_bytes <= 1 << 20);
    assert_true(pool_is_critical(f.pool));
    pktq_drop(&q, DROP_NO_MEMORY);
    assert_int_equal(f.pool->drops[DROP_NO_MEMORY], f.pool->census.dropped);
    assert_true(nst_pktq_is_empty(&q));
    fixture_end(&f);
}

static void pool_outlives(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *p = fixture_packet(&f, 0, 500, (const uint32_t[]){60000, 0});
    pool_retire(f.pool);
    assert_true(f.alloc.live > 0);
    fixture_check(p, 0, 60500);
    pkt_drop(p, DROP_NO_ROUTE);
    assert_int_equal(f.alloc.live, 0);
}

TESTS({"a refused pool leaves nothing behind", refused_pool},
      {"memory is counted at its true size", counts_at_true_size}, {"the limit holds", limit_holds},
      {"a retired pool lives as long as its last packet", pool_outlives})
