/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Internet checksum with 256-bit vectors.
 *
 * PMADDWD adds neighbouring 16-bit words into 32-bit lanes in one instruction, but takes them as
 * signed. So each word has its top bit flipped, which makes it w - 2^15; the 16 words of a vector
 * are then 2^19 too low, and 2^19 is 8 modulo 2^16 - 1. That is put back at the end.
 */
#include "wire/csum.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

enum {
    VECTOR = 32,
    STEP = 4 * VECTOR, /* one vector for each accumulator */
    /* A step moves a lane by at most 2^16, so a lane of 31 bits holds 2^15 steps. */
    CHUNK = 16384 * STEP,
    SMALL = 64,
};

struct lanes {
    __m256i a, b, c, d;
};

/* The two's complement sums of 16-bit words in each 32-bit lane, all words less 2^15. */
AVX2 static inline __m256i pairs(__m256i data)
{
    return _mm256_madd_epi16(_mm256_xor_si256(data, _mm256_set1_epi16(INT16_MIN)),
                             _mm256_set1_epi16(1));
}

AVX2 static inline __m256i load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* Loads a vector and, when `to` is not NULL, stores it there. `to` is a constant NULL or never. */
AVX2 static inline __m256i move(uint8_t *to, const uint8_t *from)
{
    const __m256i data = load(from);
    if (to != NULL)
        _mm256_storeu_si256((__m256i *)(void *)to, data);
    return data;
}

/* The sum of the lanes of `x`, which are signed. */
AVX2 static inline int64_t across(__m256i x)
{
    const __m256i wide = _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(x)),
                                          _mm256_cvtepi32_epi64(_mm256_extracti128_si256(x, 1)));
    const __m128i half =
        _mm_add_epi64(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    return _mm_cvtsi128_si64(half) + _mm_extract_epi64(half, 1);
}

/* The partial sum of `len` bytes, a multiple of VECTOR and at most CHUNK; copied on the way. */
AVX2 static inline uint32_t run(uint8_t *to, const uint8_t *from, size_t len)
{
    struct lanes sum = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                        _mm256_setzero_si256()};
    size_t i = 0;

    for (; i + STEP <= len; i += STEP) {
        sum.a = _mm256_add_epi32(sum.a, pairs(move(to ? to + i : NULL, from + i)));
        sum.b = _mm256_add_epi32(sum.b, pairs(move(to ? to + i + 32 : NULL, from + i + 32)));
        sum.c = _mm256_add_epi32(sum.c, pairs(move(to ? to + i + 64 : NULL, from + i + 64)));
        sum.d = _mm256_add_epi32(sum.d, pairs(move(to ? to + i + 96 : NULL, from + i + 96)));
    }
    for (; i < len; i += VECTOR)
        sum.a = _mm256_add_epi32(sum.a, pairs(move(to ? to + i : NULL, from + i)));
    const int64_t total = across(sum.a) + across(sum.b) + across(sum.c) + across(sum.d);
    /* What the flipped bits took away: never negative again, and under 2^36. */
    return csum_reduce((uint64_t)(total + (int64_t)(len / VECTOR) * 16 * 32768));
}

/* The last 0 to 31 bytes. */
AVX2 static inline uint32_t tail(uint8_t *to, const uint8_t *from, size_t len, uint32_t initial)
{
    if (to != NULL)
        memcpy(to, from, len);
    return csum_short(from, len, initial);
}

AVX2 static inline uint32_t work(uint8_t *to, const uint8_t *from, size_t len, uint32_t sum)
{
    while (len >= VECTOR) {
        const size_t piece = len < CHUNK ? len & ~(size_t)(VECTOR - 1) : CHUNK;
        sum = csum_add(sum, run(to, from, piece));
        to = to ? to + piece : NULL;
        from += piece;
        len -= piece;
    }
    return tail(to, from, len, sum);
}

AVX2 static uint32_t sum_avx2(const void *data, size_t len, uint32_t initial)
{
    return len <= SMALL ? csum_short(data, len, initial) : work(NULL, data, len, initial);
}

AVX2 static uint32_t copy_avx2(void *dst, const void *src, size_t len, uint32_t initial)
{
    return work(dst, src, len, initial);
}

static const struct csum_ops avx2 = {sum_avx2, copy_avx2, "avx2"};

/* The CPU knows AVX2, and the system saves the registers (Intel SDM 1, 14.3 and 14.7.1). */
static bool has_avx2(void)
{
    unsigned eax, ebx, ecx, edx;
    const unsigned osxsave_avx = bit_OSXSAVE | bit_AVX;

    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & osxsave_avx) != osxsave_avx)
        return false;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(ebx & bit_AVX2))
        return false;
    __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return (eax & 6) == 6;
}

const struct csum_ops *csum_avx2_lookup(void)
{
    return has_avx2() ? &avx2 : NULL;
}

#else

const struct csum_ops *csum_avx2_lookup(void)
{
    return NULL;
}

#endif
