/* SPDX-License-Identifier: Apache-2.0 */
/* Prefixes added, removed and looked up against a list; all memory comes back. */
#include <stdint.h>
#include <stdlib.h>

#include "alloc.h"
#include "base/check.h"
#include "base/lpm.h"

#define MAX_PREFIXES 128

static struct prefix {
    struct lpm_key key;
    unsigned bits;
    bool present;
} prefixes[MAX_PREFIXES];

static bool covers(struct lpm_key a, struct lpm_key b, unsigned bits)
{
    uint64_t hi = a.hi ^ b.hi, lo = a.lo ^ b.lo;
    unsigned equal = hi ? clz64(hi) : 64 + clz64(lo);
    return equal >= bits;
}

static struct prefix *find(struct lpm_key key, unsigned bits)
{
    for (struct prefix *p = prefixes; p < prefixes + MAX_PREFIXES; p++)
        if (p->present && p->bits == bits && covers(p->key, key, bits))
            return p;
    return NULL;
}

static struct prefix *longest(struct lpm_key key)
{
    struct prefix *best = NULL;
    for (struct prefix *p = prefixes; p < prefixes + MAX_PREFIXES; p++)
        if (p->present && (!best || p->bits > best->bits) && covers(p->key, key, p->bits))
            best = p;
    return best;
}

static void insert(struct lpm *t, struct lpm_key key, unsigned bits)
{
    struct prefix *slot = prefixes;
    while (slot < prefixes + MAX_PREFIXES && slot->present)
        slot++;
    if (slot == prefixes + MAX_PREFIXES)
        return;
    bool known = find(key, bits) != NULL;
    int result = lpm_insert(t, key, bits, slot);
    CHECK(known ? result == -NST_EEXIST : result == 0 || result == -NST_ENOMEM);
    if (result == 0)
        *slot = (struct prefix){key, bits, true};
}

static void remove_one(struct lpm *t, struct lpm_key key, unsigned bits)
{
    struct prefix *p = find(key, bits);
    CHECK(lpm_remove(t, key, bits) == p);
    if (p)
        p->present = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mem mem;
    struct alloc heap;
    struct lpm t;
    struct lpm_key key = {0, 0};
    if (size == 0)
        return 0;
    alloc_init(&heap);
    mem_init(&mem, &heap.allocator, data[0] < 128 ? (uint64_t)data[0] * 64 : 0);
    lpm_init(&t, &mem);
    memset(prefixes, 0, sizeof(prefixes));
    for (size_t i = 1; i + 3 <= size; i += 3) {
        /* Each step changes one byte of the key, so that prefixes share much. */
        uint8_t bytes[16];
        be64_put(bytes, key.hi);
        be64_put(bytes + 8, key.lo);
        bytes[data[i] & 15] = data[i + 1];
        key = lpm_key_16(bytes);
        unsigned bits = data[i + 2] % (LPM_MAX_BITS + 1);
        if (data[i] & 0x80)
            remove_one(&t, key, bits);
        else
            insert(&t, key, bits);
        CHECK(lpm_lookup(&t, key) == longest(key));
        CHECK(lpm_exact(&t, key, bits) == find(key, bits));
    }
    struct lpm_iter it = {0};
    uint64_t n = 0;
    for (struct prefix *p; (p = lpm_next(&t, &it)) != NULL; n++)
        CHECK(p->present && p->bits == it.bits && covers(p->key, it.key, it.bits));
    CHECK(n == t.count);
    lpm_fini(&t);
    CHECK(mem.used == 0 && heap.live == 0);
    return 0;
}
