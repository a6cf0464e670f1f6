/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/csum.h"

/* Sums 32-bit words into 64-bit accumulators, which have room for 16 GiB: no carries to catch, and
 * two chains that the CPU runs side by side. */
static uint32_t sum_portable(const void *data, size_t len, uint32_t initial)
{
    const uint8_t *p = data;
    uint64_t even = initial;
    uint64_t odd = 0;

    for (; len >= 32; len -= 32, p += 32) {
        even += csum_load32(p) + csum_load32(p + 8);
        odd += csum_load32(p + 4) + csum_load32(p + 12);
        even += csum_load32(p + 16) + csum_load32(p + 24);
        odd += csum_load32(p + 20) + csum_load32(p + 28);
    }
    return csum_add(csum_reduce(even), csum_short(p, len, csum_reduce(odd)));
}

/* Copies in pieces that stay in the first-level cache, and sums each while it is there. */
static uint32_t copy_portable(void *dst, const void *src, size_t len, uint32_t initial)
{
    enum {
        PIECE = 4096
    };
    uint8_t *to = dst;
    const uint8_t *from = src;
    uint32_t sum = initial;

    for (; len > PIECE; len -= PIECE, to += PIECE, from += PIECE) {
        memcpy(to, from, PIECE);
        sum = sum_portable(to, PIECE, sum);
    }
    memcpy(to, from, len);
    return sum_portable(to, len, sum);
}

const struct csum_ops csum_portable = {sum_portable, copy_portable, "portable"};

const struct csum_ops *csum_select(void)
{
    const struct csum_ops *avx2 = csum_avx2_lookup();
    return avx2 != NULL ? avx2 : &csum_portable;
}
