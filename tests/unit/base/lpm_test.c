/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "alloc.h"
#include "base/lpm.h"
#include "random.h"

#define PREFIXES 400

struct prefix {
    struct lpm_key key;
    unsigned bits;
    bool present;
};

static struct prefix prefixes[PREFIXES];

static bool covers(const struct prefix *p, struct lpm_key key)
{
    for (unsigned i = 0; i < p->bits; i++) {
        uint64_t a = i < 64 ? p->key.hi >> (63 - i) : p->key.lo >> (127 - i);
        uint64_t b = i < 64 ? key.hi >> (63 - i) : key.lo >> (127 - i);
        if ((a ^ b) & 1)
            return false;
    }
    return true;
}

static struct prefix *model_lookup(struct lpm_key key)
{
    struct prefix *best = NULL;
    for (unsigned i = 0; i < PREFIXES; i++)
        if (prefixes[i].present && (!best || prefixes[i].bits > best->bits) &&
            covers(&prefixes[i], key))
            best = &prefixes[i];
    return best;
}

/* Keys whose first bits are few, so that prefixes nest; any of the later bits. */
static struct lpm_key random_key(uint64_t *seed)
{
    struct lpm_key key = {random_next(seed), random_next(seed)};
    uint64_t shape = random_next(seed);
    if (shape & 1)
        key.hi &= 0xc0030000c0000003;
    if (shape & 2)
        key.lo &= 0xf;
    return key;
}

static void make_prefixes(uint64_t *seed, unsigned max_bits)
{
    for (unsigned i = 0; i < PREFIXES; i++)
        prefixes[i] = (struct prefix){random_key(seed), random_next(seed) % (max_bits + 1), false};
}

/* Whether another present prefix is the same one. */
static bool is_twin(const struct prefix *p)
{
    for (unsigned i = 0; i < PREFIXES; i++)
        if (prefixes[i].present && prefixes[i].bits == p->bits && covers(p, prefixes[i].key))
            return true;
    return false;
}

static void check_iteration(const struct lpm *t)
{
    struct lpm_iter it = {0};
    struct lpm_iter last = {0};
    uint64_t n = 0;
    for (struct prefix *p; (p = lpm_next(t, &it)) != NULL; n++) {
        assert_true(p->present);
        assert_int_equal(p->bits, it.bits);
        assert_true(covers(p, it.key));
        if (n > 0)
            assert_true(
                last.key.hi < it.key.hi ||
                (last.key.hi == it.key.hi &&
                 (last.key.lo < it.key.lo || (last.key.lo == it.key.lo && last.bits < it.bits))));
        last = it;
    }
    assert_int_equal(n, t->count);
    assert_null(lpm_next(t, &it));
}

static void agree(unsigned max_bits, uint64_t seed)
{
    struct mem mem;
    struct alloc heap;
    struct lpm t;
    alloc_init(&heap);
    mem_init(&mem, &heap.allocator, 0);
    lpm_init(&t, &mem);
    make_prefixes(&seed, max_bits);
    for (unsigned step = 0; step < 3000; step++) {
        struct prefix *p = &prefixes[random_next(&seed) % PREFIXES];
        if (p->present) {
            assert_ptr_equal(lpm_remove(&t, p->key, p->bits), p);
            p->present = false;
        } else if (is_twin(p)) {
            assert_int_equal(lpm_insert(&t, p->key, p->bits, p), -NST_EEXIST);
        } else {
            assert_null(lpm_exact(&t, p->key, p->bits));
            assert_null(lpm_remove(&t, p->key, p->bits));
            assert_int_equal(lpm_insert(&t, p->key, p->bits, p), 0);
            p->present = true;
            assert_ptr_equal(lpm_exact(&t, p->key, p->bits), p);
        }
        struct lpm_key key = step % 2 ? random_key(&seed) : prefixes[step % PREFIXES].key;
        assert_ptr_equal(lpm_lookup(&t, key), model_lookup(key));
        if (step % 100 == 0)
            check_iteration(&t);
    }
    for (unsigned i = 0; i < PREFIXES; i++)
        if (prefixes[i].present)
            assert_ptr_equal(lpm_remove(&t, prefixes[i].key, prefixes[i].bits), &prefixes[i]);
    assert_int_equal(mem.used, 0);
    assert_int_equal(heap.live, 0);
}

static void agrees_v6(void **state)
{
    for (uint64_t seed = 1; seed < 8; seed++)
        agree(128, seed);
}

static void agrees_v4(void **state)
{
    for (uint64_t seed = 1; seed < 8; seed++)
        agree(32, seed * 31);
}

static void survives_refusal(void **state)
{
    for (uint64_t n = 1; n < 60; n++) {
        struct mem mem;
        struct alloc heap;
        struct lpm t;
        uint64_t seed = n;
        unsigned refused = 0;
        alloc_init(&heap);
        mem_init(&mem, &heap.allocator, 0);
        lpm_init(&t, &mem);
        make_prefixes(&seed, 128);
        heap.fail_from = n;
        for (unsigned i = 0; i < 40; i++) {
            int result = lpm_insert(&t, prefixes[i].key, prefixes[i].bits, &prefixes[i]);
            prefixes[i].present = result == 0;
            refused += result == -NST_ENOMEM;
        }
        assert_true(refused > 0);
        check_iteration(&t);
        for (unsigned i = 0; i < 40; i++)
            assert_ptr_equal(lpm_lookup(&t, prefixes[i].key), model_lookup(prefixes[i].key));
        for (unsigned i = 0; i < 40; i++)
            if (prefixes[i].present)
                assert_ptr_equal(lpm_remove(&t, prefixes[i].key, prefixes[i].bits), &prefixes[i]);
        assert_int_equal(mem.used, 0);
    }
}

static void fini_gives_all_back(void **state)
{
    struct mem mem;
    struct alloc heap;
    struct lpm t;
    uint64_t seed = 5;
    alloc_init(&heap);
    mem_init(&mem, &heap.allocator, 0);
    lpm_init(&t, &mem);
    make_prefixes(&seed, 128);
    for (unsigned i = 0; i < PREFIXES; i++)
        lpm_insert(&t, prefixes[i].key, prefixes[i].bits, &prefixes[i]);
    assert_true(mem.used > 0);
    lpm_fini(&t);
    assert_int_equal(mem.used, 0);
    assert_null(lpm_lookup(&t, prefixes[0].key));
}

static void routes_as_people_write_them(void **state)
{
    struct mem mem;
    struct alloc heap;
    struct lpm t;
    int a, b, c;
    alloc_init(&heap);
    mem_init(&mem, &heap.allocator, 0);
    lpm_init(&t, &mem);
    assert_null(lpm_lookup(&t, lpm_key_v4(0x0a000001)));
    assert_int_equal(lpm_insert(&t, lpm_key_v4(0), 0, &a), 0);
    assert_int_equal(lpm_insert(&t, lpm_key_v4(0x0a0000ff), 8, &b), 0);
    assert_int_equal(lpm_insert(&t, lpm_key_v4(0x0a000001), 32, &c), 0);
    assert_ptr_equal(lpm_lookup(&t, lpm_key_v4(0x0a000001)), &c);
    assert_ptr_equal(lpm_lookup(&t, lpm_key_v4(0x0a000002)), &b);
    assert_ptr_equal(lpm_lookup(&t, lpm_key_v4(0x0b000002)), &a);
    assert_ptr_equal(lpm_remove(&t, lpm_key_v4(0), 0), &a);
    assert_null(lpm_lookup(&t, lpm_key_v4(0x0b000002)));
    lpm_fini(&t);
}

TESTS({"routes nest as people write them", routes_as_people_write_them},
      {"random prefixes of up to 128 bits agree with a list", agrees_v6},
      {"random prefixes of up to 32 bits agree with a list", agrees_v4},
      {"an insertion that gets no memory changes no prefix", survives_refusal},
      {"ending a full table gives all memory back", fini_gives_all_back})
