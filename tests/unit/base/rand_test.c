/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/rand.h"

/* RFC 8439 A.1, test vectors 1 and 2 (zero key, counters 0 and 1), the first 16 bytes of each. */
static void is_chacha20(void **state)
{
    static const uint8_t seed[32];
    static const uint8_t first[] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                    0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    static const uint8_t second[] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a,
                                     0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d};
    struct rand r;
    uint8_t out[128];
    rand_init(&r, seed);
    rand_bytes(&r, out, sizeof(out));
    assert_memory_equal(out, first, sizeof(first));
    assert_memory_equal(out + 64, second, sizeof(second));
}

static void pieces_make_one_stream(void **state)
{
    uint8_t seed[32] = {1, 2, 3}, whole[1000], pieces[1000];
    struct rand r;
    rand_init(&r, seed);
    rand_bytes(&r, whole, sizeof(whole));
    rand_init(&r, seed);
    size_t at = 0;
    for (size_t n = 0; at < sizeof(pieces); n = (n + 7) % 90) {
        n = n < sizeof(pieces) - at ? n : sizeof(pieces) - at;
        rand_bytes(&r, pieces + at, n);
        at += n;
    }
    assert_memory_equal(whole, pieces, sizeof(whole));
    rand_init(&r, seed);
    assert_int_equal(rand_u32(&r), le32_get(whole));
    assert_true(rand_u64(&r) == le64_get(whole + 4));
}

static void below_is_even(void **state)
{
    uint8_t seed[32] = {7};
    struct rand r;
    unsigned seen[6] = {0};
    rand_init(&r, seed);
    for (unsigned i = 0; i < 60000; i++) {
        uint32_t v = rand_below(&r, 6);
        assert_true(v < 6);
        seen[v]++;
    }
    for (unsigned i = 0; i < 6; i++)
        assert_in_range(seen[i], 9500, 10500);
    /* With n = 3 << 30 the plain remainder would give the first third twice as often. */
    unsigned low = 0;
    for (unsigned i = 0; i < 30000; i++)
        low += rand_below(&r, 3u << 30) < 1u << 30;
    assert_in_range(low, 9500, 10500);
    assert_int_equal(rand_below(&r, 1), 0);
    assert_int_equal(rand_below(&r, 0), 0);
}

TESTS({"the stream is ChaCha20's", is_chacha20},
      {"pieces of any size make the same stream", pieces_make_one_stream},
      {"every number below n is as likely", below_is_even})
