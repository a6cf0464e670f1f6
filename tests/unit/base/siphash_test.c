/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/siphash.h"

static struct siphash_key reference_key(void)
{
    uint8_t bytes[16];
    for (unsigned i = 0; i < 16; i++)
        bytes[i] = (uint8_t)i;
    return siphash_key_from(bytes);
}

/* The paper's appendix A (15 bytes) and the first published vectors of 0 to 8 bytes 0, 1, 2, ... */
static void published_vectors(void **state)
{
    static const uint64_t expected[] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
                                        0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
                                        0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462};
    struct siphash_key key = reference_key();
    uint8_t input[15];
    for (unsigned i = 0; i < sizeof(input); i++)
        input[i] = (uint8_t)i;
    for (unsigned n = 0; n < 9; n++)
        assert_true(siphash24_bytes(&key, input, n) == expected[n]);
    assert_true(siphash24_bytes(&key, input, 15) == 0xa129ca6149be45e5);
    assert_true(siphash24_bytes(&key, NULL, 0) == expected[0]);
}

static void words_equal_bytes(void **state)
{
    struct siphash_key key = reference_key();
    uint64_t w[6];
    uint8_t bytes[48];
    for (unsigned i = 0; i < 6; i++) {
        w[i] = 0x0123456789abcdef * (i + 1);
        le64_put(bytes + 8 * i, w[i]);
    }
    assert_true(siphash24_1(&key, w[0]) == siphash24_bytes(&key, bytes, 8));
    assert_true(siphash24_2(&key, w[0], w[1]) == siphash24_bytes(&key, bytes, 16));
    assert_true(siphash24_3(&key, w[0], w[1], w[2]) == siphash24_bytes(&key, bytes, 24));
    assert_true(siphash24_5(&key, w) == siphash24_bytes(&key, bytes, 40));
    assert_true(siphash24_6(&key, w) == siphash24_bytes(&key, bytes, 48));
    assert_true(siphash13_1(&key, w[0]) == siphash13_bytes(&key, bytes, 8));
    assert_true(siphash13_2(&key, w[0], w[1]) == siphash13_bytes(&key, bytes, 16));
    assert_true(siphash13_3(&key, w[0], w[1], w[2]) == siphash13_bytes(&key, bytes, 24));
    assert_true(siphash13_5(&key, w) == siphash13_bytes(&key, bytes, 40));
    assert_true(siphash13_6(&key, w) == siphash13_bytes(&key, bytes, 48));
    assert_true(siphash13_6(&key, w) != siphash24_6(&key, w));
}

TESTS({"SipHash-2-4 gives the published values", published_vectors},
      {"the fixed lengths equal the byte version", words_equal_bytes})
