/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Internet checksum, RFC 1071 and 1624.
 *
 * A *partial sum* is a uint32_t: the one's complement sum of 16-bit words as they lie in memory,
 * kept modulo 2^32 - 1, not complemented. It is opaque: add it to others, fold it at the end.
 * Partial sums depend on the machine's byte order; nothing else here does.
 * A *checksum* is a uint16_t in host order, as be16_put writes it and be16_get reads it.
 *
 * To send: be16_put(field, csum_fold(sum)) with the field zero while it was summed. To check:
 * csum_ok(sum) over everything, the field included.
 */
#ifndef NICSTACK_SRC_WIRE_CSUM_H
#define NICSTACK_SRC_WIRE_CSUM_H

#include <string.h>

#include <nicstack/types.h>

#include "base/bytes.h"
#include "base/fwd.h"

/*
 * One implementation for long data. Both functions take any alignment and length; `initial` is a
 * partial sum to go on from (0 to begin), valid when what was summed before had even length.
 */
struct csum_ops {
    /* The partial sum of `len` bytes at `data`, plus `initial`. */
    uint32_t (*sum)(const void *data, size_t len, uint32_t initial);
    /* Copies `len` bytes (no overlap) and returns their partial sum plus `initial`: one pass. */
    uint32_t (*copy)(void *dst, const void *src, size_t len, uint32_t initial);
    const char *name; /* "portable", "avx2" */
};

/* 64-bit C, for every machine. */
extern HIDDEN const struct csum_ops csum_portable;

/* Needs AVX2; NULL when it was not compiled for such a machine, or this one does not have it. */
const struct csum_ops *csum_avx2_lookup(void);

/* The fastest for this machine (asks the CPU each time: call it once, keep the pointer). */
const struct csum_ops *csum_select(void);

/* Brings a 64-bit sum of words down to a partial sum. */
static inline uint32_t csum_reduce(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);
    return (uint32_t)(sum + (sum >> 32));
}

/* The sum of two partial sums of data at even offsets. */
static inline uint32_t csum_add(uint32_t x, uint32_t y)
{
    x += y;
    return x + (x < y);
}

/* x with y, which was part of it, taken out. */
static inline uint32_t csum_sub(uint32_t x, uint32_t y)
{
    return csum_add(x, ~y);
}

/* The sum `x` of the first `offset` bytes, and `y` of what follows: only the parity counts. */
static inline uint32_t csum_block_add(uint32_t x, uint32_t y, size_t offset)
{
    /* RFC 1071 2 (B): at an odd offset the bytes change places. A rotation by 8 does that, as
     * 256 times the sum is what swapping means modulo 2^16 - 1. */
    return csum_add(x, offset & 1 ? y << 8 | y >> 24 : y);
}

/* The partial sum as 16 bits, not complemented, in memory order. */
static inline uint16_t csum_fold_raw(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)(sum + (sum >> 16));
}

/* The checksum to be16_put. */
static inline uint16_t csum_fold(uint32_t sum)
{
    const uint16_t raw = (uint16_t)~csum_fold_raw(sum);
    return be16_get((const uint8_t *)&raw);
}

/* The checksum for UDP, where 0 means "none" and is sent as its other form, RFC 768. */
static inline uint16_t csum_fold_udp(uint32_t sum)
{
    const uint16_t csum = csum_fold(sum);
    return csum != 0 ? csum : 0xffff;
}

/* A checksum or any 16-bit host-order value as partial sum. */
static inline uint32_t csum_from16(uint16_t value)
{
    uint8_t bytes[2];
    uint16_t raw;

    be16_put(bytes, value);
    memcpy(&raw, bytes, sizeof(raw));
    return raw;
}

/* True if data that includes its checksum is intact. (A sum of zero is only all-zero data.) */
static inline bool csum_ok(uint32_t sum)
{
    return csum_fold_raw(sum) == 0xffff;
}

/* The 16-bit word at `data`, in memory order. */
static inline uint16_t csum_load16(const uint8_t *data)
{
    uint16_t word;
    memcpy(&word, data, sizeof(word));
    return word;
}

/* The 32-bit word at `data`, to be added into a 64-bit sum. */
static inline uint64_t csum_load32(const uint8_t *data)
{
    uint32_t word;
    memcpy(&word, data, sizeof(word));
    return word;
}

/* The partial sum of exactly 20 bytes: an IPv4 or TCP header without options. */
static inline uint32_t csum_header20(const uint8_t *data)
{
    return csum_reduce(csum_load32(data) + csum_load32(data + 4) + csum_load32(data + 8) +
                       csum_load32(data + 12) + csum_load32(data + 16));
}

/* csum_ok(csum_header20(data)), of a header that is not all zero: its words add up to a multiple
 * of 2^16 - 1, which takes a multiplication to see instead of three folds. */
static inline bool csum_header20_ok(const uint8_t *data)
{
    const uint64_t sum = csum_load32(data) + csum_load32(data + 4) + csum_load32(data + 8) +
                         csum_load32(data + 12) + csum_load32(data + 16);
    return sum % 0xffff == 0;
}

/* The partial sum of exactly 8 bytes: a UDP header. */
static inline uint32_t csum_header8(const uint8_t *data)
{
    return csum_reduce(csum_load32(data) + csum_load32(data + 4));
}

/* The 64-bit word at `data`, added to `sum` with the carry. */
static inline uint64_t csum_add64(uint64_t sum, const void *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    return __builtin_add_overflow(sum, word, &sum) ? sum + 1 : sum;
}

/* The len % 8 bytes at p. */
static inline uint64_t csum_tail(const uint8_t *p, size_t len)
{
    uint64_t word = 0;
    if (len & 4)
        memcpy(&word, p, 4);
    if (len & 2)
        memcpy((uint8_t *)&word + (len & 4), p + (len & 4), 2);
    if (len & 1)
        memcpy((uint8_t *)&word + (len & 6), p + (len & 6), 1);
    return word;
}

/* Four such words: an addition and a carry each. */
static inline uint64_t csum_add256(uint64_t sum, const uint8_t *p)
{
    sum = csum_add64(sum, p);
    sum = csum_add64(sum, p + 8);
    sum = csum_add64(sum, p + 16);
    return csum_add64(sum, p + 24);
}

/* The rest of fewer than 32 bytes. */
static inline uint64_t csum_rest(uint64_t sum, const uint8_t *p, size_t len)
{
    for (; len >= 8; len -= 8, p += 8)
        sum = csum_add64(sum, p);
    if (len > 0) {
        const uint64_t word = csum_tail(p, len);
        sum = csum_add64(sum, &word);
    }
    return sum;
}

/* The partial sum of a few bytes, in line: for headers, cheaper than csum_ops up to CSUM_SHORT. */
#define CSUM_SHORT 128
static inline uint32_t csum_short(const void *data, size_t len, uint32_t initial)
{
    const uint8_t *p = data;
    uint64_t sum = initial;

    for (; len >= 32; len -= 32, p += 32)
        sum = csum_add256(sum, p);
    return csum_reduce(csum_rest(sum, p, len));
}

/* csum_ops.copy for as few bytes. */
static inline uint32_t csum_copy_short(void *dst, const void *src, size_t len, uint32_t initial)
{
    const uint8_t *from = src;
    uint8_t *to = dst;
    uint64_t sum = initial;

    for (; len >= 32; len -= 32, from += 32, to += 32) {
        memcpy(to, from, 32);
        sum = csum_add256(sum, from);
    }
    if (len > 0) {
        memcpy(to, from, len);
        sum = csum_rest(sum, from, len);
    }
    return csum_reduce(sum);
}

/* The partial sum of the pseudo-header of RFC 9293 3.1: raw addresses, protocol number, and `len`,
 * the bytes of the transport header and its data. */
static inline uint32_t csum_pseudo_v4(uint32_t src4, uint32_t dst4, uint8_t proto, uint32_t len)
{
    uint8_t tail[8];

    be32_put(tail, len);
    be32_put(tail + 4, proto);
    return csum_reduce((uint64_t)src4 + dst4 + csum_load32(tail) + csum_load32(tail + 4));
}

/* The same for IPv6, RFC 8200 8.1. */
static inline uint32_t csum_pseudo_v6(const struct nst_addr *src, const struct nst_addr *dst,
                                      uint8_t proto, uint32_t len)
{
    uint8_t tail[8];

    be32_put(tail, len);
    be32_put(tail + 4, proto);
    return csum_reduce((uint64_t)src->w[0] + src->w[1] + src->w[2] + src->w[3] + dst->w[0] +
                       dst->w[1] + dst->w[2] + dst->w[3] + csum_load32(tail) +
                       csum_load32(tail + 4));
}

/* Either, by the family of `dst`. Both addresses are of the same family. */
static inline uint32_t csum_pseudo(const struct nst_addr *src, const struct nst_addr *dst,
                                   uint8_t proto, uint32_t len)
{
    /* The v4-mapped prefixes would add two words of 0xffff, which is zero in this arithmetic; but
     * the exact sum is cheaper too. */
    return nst_addr_is_v4(dst) ? csum_pseudo_v4(src->w[3], dst->w[3], proto, len)
                               : csum_pseudo_v6(src, dst, proto, len);
}

/*
 * The checksum `csum` after a 16- or 32-bit field of what it covers changed from `from` to `to`,
 * all in host order. RFC 1624 3, equation 3: HC' = ~(~HC + ~m + m'). The field begins at an even
 * offset. The caller treats UDP's 0 ("no checksum") himself: before, by not calling; after, by
 * writing 0xffff for a result of 0.
 */
static inline uint16_t csum_replace16(uint16_t csum, uint16_t from, uint16_t to)
{
    return (uint16_t)~csum_fold_raw((uint32_t)(uint16_t)~csum + (uint16_t)~from + to);
}

static inline uint16_t csum_replace32(uint16_t csum, uint32_t from, uint32_t to)
{
    return (uint16_t)~csum_fold_raw(csum_add(csum_add((uint16_t)~csum, ~from), to));
}

/* The same for any even-aligned piece, given its partial sums before and after. */
static inline uint16_t csum_replace(uint16_t csum, uint32_t from, uint32_t to)
{
    return csum_fold(csum_add(csum_sub(csum_from16((uint16_t)~csum), from), to));
}

#endif
