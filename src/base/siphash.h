/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash (Aumasson and Bernstein, 2012): a keyed hash that outsiders cannot predict. SipHash-1-3
 * is for tables, 2-4 where the value itself leaves the stack (cookies, sequence numbers, ports).
 *
 * siphash13_words(key, {a, b, ...}, n) equals siphash13_bytes over the words in little-endian
 * order; with a constant n it unrolls into straight code.
 */
#ifndef NICSTACK_SRC_BASE_SIPHASH_H
#define NICSTACK_SRC_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct siphash_key {
    uint64_t k0, k1;
};

struct siphash_state {
    uint64_t v0, v1, v2, v3;
};

/* The key that 16 bytes mean. */
static inline struct siphash_key siphash_key_from(const uint8_t bytes[16])
{
    return (struct siphash_key){le64_get(bytes), le64_get(bytes + 8)};
}

static inline struct siphash_state siphash_begin(const struct siphash_key *key)
{
    return (struct siphash_state){key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
                                  key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u};
}

static inline void siphash_round(struct siphash_state *s)
{
    s->v0 += s->v1;
    s->v1 = rotl64(s->v1, 13) ^ s->v0;
    s->v0 = rotl64(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl64(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl64(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl64(s->v1, 17) ^ s->v2;
    s->v2 = rotl64(s->v2, 32);
}

/* Absorbs one word with `rounds` rounds. */
static inline void siphash_absorb(struct siphash_state *s, uint64_t word, unsigned rounds)
{
    s->v3 ^= word;
    for (unsigned i = 0; i < rounds; i++)
        siphash_round(s);
    s->v0 ^= word;
}

static inline uint64_t siphash_end(struct siphash_state *s, unsigned rounds)
{
    s->v2 ^= 0xff;
    for (unsigned i = 0; i < rounds; i++)
        siphash_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* SipHash-c-d of `count` words. */
static inline uint64_t siphash_words(const struct siphash_key *key, const uint64_t *words,
                                     unsigned count, unsigned c, unsigned d)
{
    struct siphash_state s = siphash_begin(key);
    for (unsigned i = 0; i < count; i++)
        siphash_absorb(&s, words[i], c);
    siphash_absorb(&s, (uint64_t)(count * 8) << 56, c);
    return siphash_end(&s, d);
}

static inline uint64_t siphash13_words(const struct siphash_key *key, const uint64_t *words,
                                       unsigned count)
{
    return siphash_words(key, words, count, 1, 3);
}

static inline uint64_t siphash24_words(const struct siphash_key *key, const uint64_t *words,
                                       unsigned count)
{
    return siphash_words(key, words, count, 2, 4);
}

/* The fixed lengths of the hot paths: 1 to 6 words. */
static inline uint64_t siphash13_1(const struct siphash_key *key, uint64_t a)
{
    return siphash13_words(key, (const uint64_t[]){a}, 1);
}

static inline uint64_t siphash13_2(const struct siphash_key *key, uint64_t a, uint64_t b)
{
    return siphash13_words(key, (const uint64_t[]){a, b}, 2);
}

static inline uint64_t siphash13_3(const struct siphash_key *key, uint64_t a, uint64_t b,
                                   uint64_t c)
{
    return siphash13_words(key, (const uint64_t[]){a, b, c}, 3);
}

static inline uint64_t siphash13_5(const struct siphash_key *key, const uint64_t words[5])
{
    return siphash13_words(key, words, 5);
}

static inline uint64_t siphash13_6(const struct siphash_key *key, const uint64_t words[6])
{
    return siphash13_words(key, words, 6);
}

static inline uint64_t siphash24_1(const struct siphash_key *key, uint64_t a)
{
    return siphash24_words(key, (const uint64_t[]){a}, 1);
}

static inline uint64_t siphash24_2(const struct siphash_key *key, uint64_t a, uint64_t b)
{
    return siphash24_words(key, (const uint64_t[]){a, b}, 2);
}

static inline uint64_t siphash24_3(const struct siphash_key *key, uint64_t a, uint64_t b,
                                   uint64_t c)
{
    return siphash24_words(key, (const uint64_t[]){a, b, c}, 3);
}

static inline uint64_t siphash24_5(const struct siphash_key *key, const uint64_t words[5])
{
    return siphash24_words(key, words, 5);
}

static inline uint64_t siphash24_6(const struct siphash_key *key, const uint64_t words[6])
{
    return siphash24_words(key, words, 6);
}

/* Of `size` bytes at any address; `bytes` may be NULL when `size` is 0. */
uint64_t siphash13_bytes(const struct siphash_key *key, const void *bytes, size_t size);
uint64_t siphash24_bytes(const struct siphash_key *key, const void *bytes, size_t size);

#endif
