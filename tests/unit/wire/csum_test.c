/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/addr.h"
#include "wire/csum.h"

/* RFC 1071 as it is written: 16-bit words in network order, the last byte padded. */
static uint16_t naive(const uint8_t *data, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum += i & 1 ? data[i] : (uint32_t)data[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

enum pattern {
    RANDOM,
    ONES,
    ZEROS,
    SIGNS,
    PATTERNS
};

static void fill(uint8_t *data, size_t len, enum pattern pattern)
{
    uint32_t seed = 7;

    for (size_t i = 0; i < len; i++) {
        const uint8_t values[] = {(uint8_t)exact_random(&seed), 0xff, 0, i & 1 ? 0x80 : 0x00};
        data[i] = values[pattern];
    }
}

/* The two forms of zero are one checksum. */
static uint16_t same_zero(uint16_t csum)
{
    return csum == 0xffff ? 0 : csum;
}

static void check_ops(const struct csum_ops *ops, const uint8_t *data, size_t len, size_t align)
{
    uint8_t *block = malloc(align + len + 1);
    uint8_t *copy = exact_copy(data, len + align);
    const uint16_t expected = naive(data, len);

    memcpy(block + align, data, len);
    assert_int_equal(same_zero(csum_fold(ops->sum(block + align, len, 0))), same_zero(expected));
    assert_int_equal(same_zero(csum_fold(csum_short(block + align, len, 0))), same_zero(expected));
    memset(copy, 0x55, len + align);
    if (len > 0)
        assert_int_equal(same_zero(csum_fold(ops->copy(copy + align, block + align, len, 0))),
                         same_zero(expected));
    assert_memory_equal(copy + align, data, len);
    for (size_t i = 0; i < align; i++)
        assert_int_equal(copy[i], 0x55);
    free(copy);
    free(block);
}

static void check_all(const struct csum_ops *ops)
{
    uint8_t data[400];

    for (enum pattern pattern = RANDOM; pattern < PATTERNS; pattern++) {
        fill(data, sizeof(data), pattern);
        for (size_t len = 0; len <= 300; len++) {
            for (size_t align = 0; align < 32; align += pattern == RANDOM ? 1 : 5)
                check_ops(ops, data, len, align);
        }
    }
}

static void the_portable_sum_is_right_at_each_length_and_alignment(void **state)
{
    check_all(&csum_portable);
}

static void the_selected_sum_is_right_at_each_length_and_alignment(void **state)
{
    const struct csum_ops *ops = csum_select();
    assert_non_null(ops->name);
    check_all(ops);
}

static void both_agree_on_long_data(void **state)
{
    enum {
        SIZE = 5 * 1024 * 1024 + 77
    };
    uint8_t *data = malloc(SIZE), *copy = malloc(SIZE);
    const struct csum_ops *ops = csum_select();

    for (enum pattern pattern = RANDOM; pattern < PATTERNS; pattern++) {
        fill(data, SIZE, pattern);
        const uint16_t expected = naive(data, SIZE);
        assert_int_equal(same_zero(csum_fold(ops->sum(data, SIZE, 0))), same_zero(expected));
        assert_int_equal(same_zero(csum_fold(csum_portable.sum(data, SIZE, 0))),
                         same_zero(expected));
        memset(copy, 0x55, SIZE);
        assert_int_equal(same_zero(csum_fold(csum_portable.copy(copy, data, SIZE, 0))),
                         same_zero(expected));
        assert_memory_equal(copy, data, SIZE);
        memset(copy, 0x55, SIZE);
        assert_int_equal(same_zero(csum_fold(ops->copy(copy, data, SIZE, 0))), same_zero(expected));
        assert_memory_equal(copy, data, SIZE);
    }
    free(copy);
    free(data);
}

static void pieces_join_at_odd_and_even_offsets(void **state)
{
    uint8_t data[200];
    fill(data, sizeof(data), RANDOM);
    const uint16_t expected = naive(data, sizeof(data));

    for (size_t a = 0; a <= 60; a++) {
        for (size_t b = a; b <= 130; b += 3) {
            uint32_t sum = csum_short(data, a, 0);
            sum = csum_block_add(sum, csum_portable.sum(data + a, b - a, 0), a);
            sum = csum_block_add(sum, csum_portable.sum(data + b, sizeof(data) - b, 0), b);
            assert_int_equal(same_zero(csum_fold(sum)), same_zero(expected));
        }
    }
}

static void a_sum_goes_on_from_another_at_an_even_offset(void **state)
{
    uint8_t data[301];
    const struct csum_ops *ops = csum_select();
    fill(data, sizeof(data), RANDOM);

    for (size_t cut = 0; cut <= sizeof(data); cut += 2) {
        uint32_t sum = ops->sum(data, cut, 0);
        sum = ops->sum(data + cut, sizeof(data) - cut, sum);
        assert_int_equal(same_zero(csum_fold(sum)), same_zero(naive(data, sizeof(data))));
    }
    assert_int_equal(ops->sum(data, 0, 0xfffffffe), 0xfffffffe);
}

/* The example of RFC 1071 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2. */
static void the_example_of_the_rfc_comes_out(void **state)
{
    const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

    assert_int_equal(csum_fold(csum_header8(data)), (uint16_t)~0xddf2);
    assert_int_equal(csum_fold(csum_short(data, sizeof(data), 0)), (uint16_t)~0xddf2);
}

static void a_known_ipv4_header_is_intact_and_one_bit_breaks_it(void **state)
{
    uint8_t header[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                          0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

    assert_true(csum_ok(csum_header20(header)));
    for (size_t bit = 0; bit < 160; bit++) {
        header[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(csum_ok(csum_header20(header)));
        header[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    header[10] = header[11] = 0;
    assert_int_equal(csum_fold(csum_header20(header)), 0xb861);
}

static void pseudo_headers_sum_as_if_they_were_written_out(void **state)
{
    const uint8_t v4[12] = {10, 0, 0, 1, 10, 200, 0, 2, 0, 17, 0x12, 0x34};
    uint8_t v6[40] = {0x20, 0x01, [15] = 1, [16] = 0xfe, [31] = 2, [34] = 0xab, 0xcd, [39] = 6};
    const struct nst_addr src4 = addr_v4_get(v4), dst4 = addr_v4_get(v4 + 4);
    struct nst_addr src6, dst6;

    memcpy(src6.b, v6, 16);
    memcpy(dst6.b, v6 + 16, 16);
    assert_int_equal(csum_fold(csum_pseudo_v4(src4.w[3], dst4.w[3], 17, 0x1234)), naive(v4, 12));
    assert_int_equal(csum_fold(csum_pseudo(&src4, &dst4, 17, 0x1234)), naive(v4, 12));
    assert_int_equal(csum_fold(csum_pseudo_v6(&src6, &dst6, 6, 0xabcd)), naive(v6, 40));
    assert_int_equal(csum_fold(csum_pseudo(&src6, &dst6, 6, 0xabcd)), naive(v6, 40));
}

static void an_update_equals_a_new_sum(void **state)
{
    uint8_t data[40];
    uint32_t seed = 3;

    for (unsigned round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = (uint8_t)exact_random(&seed);
        const uint32_t to = round % 3 ? exact_random(&seed) << 8 ^ exact_random(&seed) : 0;
        const uint16_t before = naive(data, sizeof(data));
        const uint32_t from = be32_get(data + 12), old_sum = csum_short(data + 12, 4, 0);
        be32_put(data + 12, to);
        const uint16_t after = naive(data, sizeof(data));
        assert_int_equal(csum_replace32(before, from, to), after);
        assert_int_equal(csum_replace(before, old_sum, csum_short(data + 12, 4, 0)), after);
        be16_put(data + 20, (uint16_t)(be16_get(data + 20) + 1));
        assert_int_equal(
            csum_replace16(after, (uint16_t)(be16_get(data + 20) - 1), be16_get(data + 20)),
            naive(data, sizeof(data)));
    }
}

/* RFC 1624 4: with the old equation this gave 0xffff instead of 0. */
static void the_example_of_rfc_1624_gives_zero(void **state)
{
    assert_int_equal(csum_replace16(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void udp_never_sends_zero(void **state)
{
    const uint8_t ones[2] = {0xff, 0xff};

    assert_int_equal(csum_fold(csum_short(ones, 2, 0)), 0);
    assert_int_equal(csum_fold_udp(csum_short(ones, 2, 0)), 0xffff);
    assert_int_equal(csum_from16(0x0102), csum_short("\x01\x02", 2, 0));
}

TESTS({"the portable sum is right at each length and alignment",
       the_portable_sum_is_right_at_each_length_and_alignment},
      {"the selected sum is right at each length and alignment",
       the_selected_sum_is_right_at_each_length_and_alignment},
      {"both agree on long data", both_agree_on_long_data},
      {"pieces join at odd and even offsets", pieces_join_at_odd_and_even_offsets},
      {"a sum goes on from another at an even offset",
       a_sum_goes_on_from_another_at_an_even_offset},
      {"the example of the RFC comes out", the_example_of_the_rfc_comes_out},
      {"a known IPv4 header is intact and one bit breaks it",
       a_known_ipv4_header_is_intact_and_one_bit_breaks_it},
      {"pseudo headers sum as if they were written out",
       pseudo_headers_sum_as_if_they_were_written_out},
      {"an update equals a new sum", an_update_equals_a_new_sum},
      {"the example of RFC 1624 gives zero", the_example_of_rfc_1624_gives_zero},
      {"UDP never sends zero", udp_never_sends_zero})
