/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers that outsiders cannot predict, and that the same seed repeats: the ChaCha20 key
 * stream (RFC 8439 2.3, with a 64-bit counter and a zero nonce) whose key is the seed.
 */
#ifndef NICSTACK_SRC_BASE_RAND_H
#define NICSTACK_SRC_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

struct rand {
    uint32_t key[8];
    uint64_t counter;
    uint32_t next; /* bytes of `block` that are used up */
    uint8_t block[64];
};

/* Starts the stream of `seed`, which should be 32 bytes of the host's entropy. */
void rand_init(struct rand *r, const uint8_t seed[32]);

/* The next `size` bytes of the stream. */
void rand_bytes(struct rand *r, void *bytes, size_t size);

uint32_t rand_u32(struct rand *r);
uint64_t rand_u64(struct rand *r);

/* 0 to n - 1, each exactly as likely; 0 for n = 0. */
uint32_t rand_below(struct rand *r, uint32_t n);

/* A key for a table, a cookie, a port hash. */
struct siphash_key rand_siphash_key(struct rand *r);

#endif
