/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static void sizes_are_right(void **state)
{
    static const uint32_t sizes[] = {0,    1,    128,   129,   256,   257,   2048, 2049,
                                     4096, 4097, 16384, 16385, 32768, 66560, 66561};
    static const uint32_t capacity[] = {128,  128,   128,   256,   256,   512,   2048, 4096,
                                        4096, 16384, 16384, 32768, 32768, 66560, 66561};
    struct fixture f;
    fixture_begin(&f, 0);
    for (unsigned i = 0; i < 15; i++) {
        struct nst_block *b = block_new(f.pool, sizes[i]);
        assert_int_equal(b->size, capacity[i]);
        memset(b->memory, 0xaa, b->size);
        block_unref(b);
    }
    assert_null(block_new(f.pool, UINT32_MAX));
    fixture_end(&f);
}

/* Takes `count` blocks of 65 KiB and gives them all back. */
static void breathe(struct fixture *f, unsigned count)
{
    struct nst_block *b[2 * POOL_CACHE_BYTES / 66560];
    assert_true(count <= ARRAY_SIZE(b));
    for (unsigned i = 0; i < count; i++) {
        b[i] = block_new(f->pool, 60000);
        assert_non_null(b[i]);
    }
    while (count-- > 0)
        block_unref(b[count]);
}

static void cache_is_bounded(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    breathe(&f, 2 * POOL_CACHE_BYTES / 66560);
    assert_true(pool_has_cache(f.pool));
    assert_in_range(f.pool->cache_bytes, POOL_CACHE_BYTES - 66560, POOL_CACHE_BYTES);
    assert_true(f.alloc.live_bytes < POOL_CACHE_BYTES + 67000);
    assert_int_equal(f.pool->mem.used, f.alloc.live_bytes);
    const uint64_t asked = f.alloc.count;
    breathe(&f, POOL_CACHE_BYTES / 66560);
    assert_int_equal(f.alloc.count, asked);
    pool_trim(f.pool);
    assert_int_equal(f.pool->cache_bytes, 0);
    assert_true(f.alloc.live_bytes < 10000);
    fixture_end(&f);
}

static void a_small_budget_keeps_few(void **state)
{
    struct fixture f;
    fixture_begin(&f, 2000000);
    breathe(&f, 20);
    assert_int_equal(f.pool->cache[2].count, POOL_CACHE_MIN);
    fixture_end(&f);
}

static void cache_makes_room(void **state)
{
    struct fixture f;
    fixture_begin(&f, 300000);
    struct nst_block *a = block_new(f.pool, 66560);
    struct nst_block *b = block_new(f.pool, 66560);
    block_unref(a);
    block_unref(b);
    /* 133 KB are kept: a block of 200 KB still fits the budget of 300 KB. */
    struct nst_block *big = block_new(f.pool, 200000);
    assert_non_null(big);
    assert_null(block_new(f.pool, 200000));
    block_unref(big);
    fixture_end(&f);
}

static void critical_keeps_nothing(void **state)
{
    struct fixture f;
    fixture_begin(&f, 96000);
    struct nst_block *a = block_new(f.pool, 66560);
    struct nst_block *b = block_new(f.pool, 16384);
    assert_true(pool_is_critical(f.pool));
    block_unref(b);
    assert_false(pool_has_cache(f.pool));
    block_unref(a);
    fixture_end(&f);
}

static void blocks_leave_a_reserve(void **state)
{
    struct fixture f;
    struct nst_block *blocks[512];
    int n = 0;
    fixture_begin(&f, 1 << 20);
    while ((blocks[n] = block_new(f.pool, 2048)) != NULL)
        n++;
    assert_null(block_new(f.pool, 16384));
    assert_true(mem_room(&f.pool->mem) >= (1 << 20) / 16);
    assert_true(mem_room(&f.pool->mem) < (1 << 20) / 8);
    struct pkt *p = pkt_build(f.pool, 40, 60);
    assert_non_null(p);
    pkt_drop(p, DROP_NO_ROUTE);
    while (n > 0)
        block_unref(blocks[--n]);
    fixture_end(&f);
}

TESTS({"blocks leave a sixteenth to descriptors", blocks_leave_a_reserve},
      {"a block has the size of its class", sizes_are_right},
      {"free large blocks are kept up to a bound, and counted", cache_is_bounded},
      {"a small budget keeps few free blocks", a_small_budget_keeps_few},
      {"what is kept makes room for what is needed", cache_makes_room},
      {"nothing is kept when the budget is nearly spent", critical_keeps_nothing})
