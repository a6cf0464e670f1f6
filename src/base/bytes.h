/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte order and bits. be16_get(p) and its family read and write network order at any address;
 * be16_swap(v) turns a value between network and host order. One instruction each.
 */
#ifndef NICSTACK_SRC_BASE_BYTES_H
#define NICSTACK_SRC_BASE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTES_IS_LITTLE 1
#else
#define BYTES_IS_LITTLE 0
#endif

static inline uint16_t bswap16(uint16_t v)
{
    return __builtin_bswap16(v);
}

static inline uint32_t bswap32(uint32_t v)
{
    return __builtin_bswap32(v);
}

static inline uint64_t bswap64(uint64_t v)
{
    return __builtin_bswap64(v);
}

/* Host to network order and back (the same operation). */
static inline uint16_t be16_swap(uint16_t v)
{
    return BYTES_IS_LITTLE ? bswap16(v) : v;
}

static inline uint32_t be32_swap(uint32_t v)
{
    return BYTES_IS_LITTLE ? bswap32(v) : v;
}

static inline uint64_t be64_swap(uint64_t v)
{
    return BYTES_IS_LITTLE ? bswap64(v) : v;
}

/* Host to little-endian order and back. */
static inline uint32_t le32_swap(uint32_t v)
{
    return BYTES_IS_LITTLE ? v : bswap32(v);
}

static inline uint64_t le64_swap(uint64_t v)
{
    return BYTES_IS_LITTLE ? v : bswap64(v);
}

static inline uint16_t be16_get(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return be16_swap(v);
}

static inline uint32_t be24_get(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
}

static inline uint32_t be32_get(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return be32_swap(v);
}

static inline uint64_t be64_get(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return be64_swap(v);
}

static inline void be16_put(void *p, uint16_t v)
{
    v = be16_swap(v);
    memcpy(p, &v, sizeof(v));
}

static inline void be24_put(void *p, uint32_t v)
{
    uint8_t *b = p;
    b[0] = (uint8_t)(v >> 16);
    b[1] = (uint8_t)(v >> 8);
    b[2] = (uint8_t)v;
}

static inline void be32_put(void *p, uint32_t v)
{
    v = be32_swap(v);
    memcpy(p, &v, sizeof(v));
}

static inline void be64_put(void *p, uint64_t v)
{
    v = be64_swap(v);
    memcpy(p, &v, sizeof(v));
}

static inline uint32_t le32_get(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return le32_swap(v);
}

static inline uint64_t le64_get(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return le64_swap(v);
}

static inline void le32_put(void *p, uint32_t v)
{
    v = le32_swap(v);
    memcpy(p, &v, sizeof(v));
}

static inline void le64_put(void *p, uint64_t v)
{
    v = le64_swap(v);
    memcpy(p, &v, sizeof(v));
}

/* Leading and trailing zero bits; all of them (32 or 64) for zero. */
static inline unsigned clz32(uint32_t v)
{
    return v ? (unsigned)__builtin_clz(v) : 32;
}

static inline unsigned clz64(uint64_t v)
{
    return v ? (unsigned)__builtin_clzll(v) : 64;
}

static inline unsigned ctz32(uint32_t v)
{
    return v ? (unsigned)__builtin_ctz(v) : 32;
}

static inline unsigned ctz64(uint64_t v)
{
    return v ? (unsigned)__builtin_ctzll(v) : 64;
}

/* Bits set. Written out: without -mpopcnt the builtin is a call into libgcc. */
static inline unsigned popcount64(uint64_t v)
{
    v -= v >> 1 & 0x5555555555555555u;
    v = (v & 0x3333333333333333u) + (v >> 2 & 0x3333333333333333u);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)(v * 0x0101010101010101u >> 56);
}

/* Rotations; `n` is 0 to 31, or 0 to 63. */
static inline uint32_t rotl32(uint32_t v, unsigned n)
{
    return v << (n & 31) | v >> (-n & 31);
}

static inline uint64_t rotl64(uint64_t v, unsigned n)
{
    return v << (n & 63) | v >> (-n & 63);
}

/* True for 1, 2, 4, ... and false for 0. */
static inline bool is_pow2(uint64_t v)
{
    return v != 0 && (v & (v - 1)) == 0;
}

/* The smallest power of two that is at least `v`: 1 for 0, and 0 when it would be 2^64. */
static inline uint64_t roundup_pow2(uint64_t v)
{
    if (v <= 1)
        return 1;
    unsigned bits = 64 - clz64(v - 1);
    return bits == 64 ? 0 : (uint64_t)1 << bits;
}

/* `v` up to the next multiple of `unit`, a power of two. */
static inline uint64_t roundup_to(uint64_t v, uint64_t unit)
{
    return (v + unit - 1) & ~(unit - 1);
}

#endif
