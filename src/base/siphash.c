/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

static inline uint64_t hash_bytes(const struct siphash_key *key, const void *bytes, size_t size,
                                  unsigned c, unsigned d)
{
    const uint8_t *p = bytes;
    struct siphash_state s = siphash_begin(key);
    size_t left = size;
    for (; left >= 8; left -= 8, p += 8)
        siphash_absorb(&s, le64_get(p), c);
    uint64_t last = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)p[i] << (8 * i);
    siphash_absorb(&s, last, c);
    return siphash_end(&s, d);
}

uint64_t siphash13_bytes(const struct siphash_key *key, const void *bytes, size_t size)
{
    return hash_bytes(key, bytes, size, 1, 3);
}

uint64_t siphash24_bytes(const struct siphash_key *key, const void *bytes, size_t size)
{
    return hash_bytes(key, bytes, size, 2, 4);
}
