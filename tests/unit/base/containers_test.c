/* SPDX-License-Identifier: Apache-2.0 */
/* The headers without a .c file: check, bytes, list, ring. */
#include "testing.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/fwd.h"
#include "base/list.h"
#include "base/ring.h"

struct item {
    int value;
    struct list node;
};

static int sum_digits(const struct list *head)
{
    int digits = 0;
    struct item *item;
    LIST_FOR_EACH (item, head, struct item, node)
        digits = digits * 10 + item->value;
    return digits;
}

static void lists(void **state)
{
    struct list head, other;
    struct item items[6], *item, *next;
    list_init(&head);
    list_init(&other);
    assert_null(LIST_FIRST(&head, struct item, node));
    assert_null(LIST_LAST(&head, struct item, node));
    for (int i = 0; i < 6; i++) {
        items[i].value = i;
        list_init(&items[i].node);
        assert_false(list_is_linked(&items[i].node));
        list_add_tail(i < 4 ? &head : &other, &items[i].node);
    }
    list_splice_tail(&head, &other);
    list_splice_tail(&head, &other);
    assert_true(list_is_empty(&other));
    assert_int_equal(sum_digits(&head), 12345);
    list_remove(&items[3].node);
    list_remove(&items[3].node);
    assert_false(list_is_linked(&items[3].node));
    list_add_head(&head, &items[3].node);
    assert_int_equal(sum_digits(&head), 301245);
    assert_ptr_equal(LIST_NEXT(&items[3], &head, struct item, node), &items[0]);
    assert_null(LIST_NEXT(&items[5], &head, struct item, node));
    assert_null(LIST_PREV(&items[3], &head, struct item, node));
    LIST_FOR_EACH_SAFE (item, next, &head, struct item, node)
        if (item->value % 2)
            list_remove(&item->node);
    assert_int_equal(sum_digits(&head), 24);
    assert_ptr_equal(LIST_LAST(&head, struct item, node), &items[4]);
}

static void rings(void **state)
{
    uint16_t memory[4], v = 0;
    struct ring r;
    ring_init(&r, memory, sizeof(v), 4);
    r.head = r.tail = UINT32_MAX - 1; /* the counters wrap on the way */
    assert_null(ring_peek(&r));
    assert_false(ring_pop(&r, &v));
    for (uint16_t i = 0; i < 6; i++)
        assert_int_equal(ring_push(&r, &i), i < 4);
    assert_int_equal(r.lost, 2);
    assert_int_equal(*(uint16_t *)ring_peek(&r), 0);
    v = 9;
    assert_false(ring_push_over(&r, &v));
    static const uint16_t expected[] = {1, 2, 3, 9};
    for (unsigned i = 0; i < 4; i++) {
        assert_true(ring_pop(&r, &v));
        assert_int_equal(v, expected[i]);
    }
    assert_true(ring_push_over(&r, &v));
    assert_int_equal(ring_count(&r), 1);
    assert_int_equal(r.lost, 3);
}

static void byte_order(void **state)
{
    uint8_t b[16] = {0};
    for (unsigned shift = 0; shift < 8; shift++) {
        be16_put(b + shift, 0x1234);
        assert_int_equal(b[shift], 0x12);
        assert_int_equal(be16_get(b + shift), 0x1234);
        be24_put(b + shift, 0x123456);
        assert_int_equal(be24_get(b + shift), 0x123456);
        be32_put(b + shift, 0x12345678);
        assert_int_equal(b[shift + 3], 0x78);
        assert_int_equal(be32_get(b + shift), 0x12345678);
        be64_put(b + shift, 0x123456789abcdef0);
        assert_int_equal(b[shift + 7], 0xf0);
        assert_true(be64_get(b + shift) == 0x123456789abcdef0);
        le32_put(b + shift, 0x12345678);
        assert_int_equal(b[shift], 0x78);
        assert_int_equal(le32_get(b + shift), 0x12345678);
        le64_put(b + shift, 0x123456789abcdef0);
        assert_true(le64_get(b + shift) == 0x123456789abcdef0);
    }
    uint16_t wire;
    memcpy(&wire, "\x12\x34", 2);
    assert_int_equal(be16_swap(wire), 0x1234);
}

static void bits(void **state)
{
    assert_int_equal(clz32(0), 32);
    assert_int_equal(clz64(1), 63);
    assert_int_equal(ctz32(0), 32);
    assert_int_equal(ctz64(0), 64);
    assert_int_equal(ctz64(8), 3);
    assert_int_equal(rotl32(0x80000001, 1), 3);
    assert_int_equal(rotl32(5, 0), 5);
    assert_true(rotl64(1, 63) == 1ull << 63);
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(popcount64(~0ull >> i), 64 - i);
        assert_int_equal(popcount64(0x8000000000000001 | 1ull << i), i % 63 ? 3 : 2);
        assert_true(is_pow2(1ull << i));
        assert_true(roundup_pow2(1ull << i) == 1ull << i);
    }
    assert_false(is_pow2(0));
    assert_false(is_pow2(6));
    assert_int_equal(roundup_pow2(0), 1);
    assert_int_equal(roundup_pow2(5), 8);
    assert_true(roundup_pow2((1ull << 63) + 1) == 0);
    assert_int_equal(roundup_to(17, 16), 32);
}

static void macros(void **state)
{
    int calls = 0;
    assert_int_equal(MIN(++calls, 5), 1);
    assert_int_equal(MAX(++calls, 1), 2);
    assert_int_equal(calls, 2);
    assert_int_equal(min_u32(1, 2) + max_u32(1, 2), 3);
    assert_true(min_i64(-1, 1) == -1 && max_i64(-1, 1) == 1);
    int array[7];
    assert_int_equal(ARRAY_SIZE(array), 7);
    struct item item = {3};
    assert_ptr_equal(container_of(&item.node, struct item, node), &item);
}

TESTS({"a list keeps its order and knows its members", lists},
      {"a full ring loses the newest or the oldest, as asked", rings},
      {"bytes are in network order at any address", byte_order},
      {"bit operations hold at their edges", bits}, {"minimum and maximum evaluate once", macros})
