/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rand.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

/* RFC 8439 2.1 */
static inline void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotl32(*d ^ *a, 16);
    *c += *d;
    *b = rotl32(*b ^ *c, 12);
    *a += *b;
    *d = rotl32(*d ^ *a, 8);
    *c += *d;
    *b = rotl32(*b ^ *c, 7);
}

/* RFC 8439 2.3: the next 64 bytes of the key stream. The counter has 64 bits, the nonce is zero. */
static void next_block(struct rand *r)
{
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(start + 4, r->key, sizeof(r->key));
    start[12] = (uint32_t)r->counter;
    start[13] = (uint32_t)(r->counter >> 32);
    r->counter++;

    uint32_t x[16];
    memcpy(x, start, sizeof(x));
    for (unsigned i = 0; i < 10; i++) {
        for (unsigned column = 0; column < 4; column++)
            quarter_round(&x[column], &x[column + 4], &x[column + 8], &x[column + 12]);
        for (unsigned n = 0; n < 4; n++)
            quarter_round(&x[n], &x[4 + (n + 1) % 4], &x[8 + (n + 2) % 4], &x[12 + (n + 3) % 4]);
    }
    for (unsigned i = 0; i < 16; i++)
        le32_put(r->block + 4 * i, x[i] + start[i]);
    r->next = 0;
}

void rand_init(struct rand *r, const uint8_t seed[32])
{
    *r = (struct rand){.next = sizeof(r->block)};
    for (unsigned i = 0; i < 8; i++)
        r->key[i] = le32_get(seed + 4 * i);
}

void rand_bytes(struct rand *r, void *bytes, size_t size)
{
    uint8_t *p = bytes;
    while (size > 0) {
        if (r->next == sizeof(r->block))
            next_block(r);
        size_t n = min_size(size, sizeof(r->block) - r->next);
        memcpy(p, r->block + r->next, n);
        /* What was given cannot be read out of the state again. */
        memset(r->block + r->next, 0, n);
        r->next += (uint32_t)n;
        p += n;
        size -= n;
    }
}

uint32_t rand_u32(struct rand *r)
{
    uint8_t bytes[4];
    rand_bytes(r, bytes, sizeof(bytes));
    return le32_get(bytes);
}

uint64_t rand_u64(struct rand *r)
{
    uint8_t bytes[8];
    rand_bytes(r, bytes, sizeof(bytes));
    return le64_get(bytes);
}

uint32_t rand_below(struct rand *r, uint32_t n)
{
    if (n == 0)
        return 0;
    /* Lemire's method: the low half of the product tells the few draws that would be too many. */
    uint32_t too_many = -n % n;
    for (;;) {
        uint64_t product = (uint64_t)rand_u32(r) * n;
        if ((uint32_t)product >= too_many)
            return (uint32_t)(product >> 32);
    }
}

struct siphash_key rand_siphash_key(struct rand *r)
{
    uint8_t bytes[16];
    rand_bytes(r, bytes, sizeof(bytes));
    return siphash_key_from(bytes);
}
