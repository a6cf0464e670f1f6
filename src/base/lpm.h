/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Longest-prefix match over keys of up to 128 bits, most significant bit first: routes, rules.
 *
 * A tree bitmap: each node decides 6 bits, so that an IPv4 look-up reads at most 6 nodes of 32
 * bytes, however many routes there are (lpm.c). An IPv4 table uses keys of 32 bits in a tree of its
 * own.
 */
#ifndef NICSTACK_SRC_BASE_LPM_H
#define NICSTACK_SRC_BASE_LPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/mem.h"

#define LPM_MAX_BITS 128

/* A key, left-aligned: bit 0 is the top bit of `hi`. */
struct lpm_key {
    uint64_t hi, lo;
};

struct lpm_node {
    uint64_t shorter;        /* prefixes of 1 to 5 bits: bit 2^len - 2 + value */
    uint64_t full;           /* prefixes of 6 bits: bit value */
    uint64_t child;          /* deeper nodes: bit value */
    struct lpm_block *block; /* the child nodes, then the values; NULL when there are none */
};

struct lpm {
    struct mem *mem;
    struct lpm_node root;
    void *default_value; /* of the prefix of 0 bits, or NULL */
    uint64_t count;
};

/* Where an iteration is: the last prefix that it gave. All zero before the first. */
struct lpm_iter {
    struct lpm_key key;
    uint32_t bits;
    bool started;
};

/* The key of an IPv4 address in host order, and of 4 or 16 bytes in network order. */
static inline struct lpm_key lpm_key_v4(uint32_t address)
{
    return (struct lpm_key){(uint64_t)address << 32, 0};
}

static inline struct lpm_key lpm_key_4(const void *bytes)
{
    return lpm_key_v4(be32_get(bytes));
}

static inline struct lpm_key lpm_key_16(const void *bytes)
{
    return (struct lpm_key){be64_get(bytes), be64_get((const uint8_t *)bytes + 8)};
}

/* Makes an empty table. Takes no memory yet. */
void lpm_init(struct lpm *t, struct mem *mem);

/* Gives all memory back; the values are the caller's. */
void lpm_fini(struct lpm *t);

/*
 * Adds the prefix of the first `bits` (0 to 128) of `key`, whose other bits are ignored, with a
 * value that is not NULL (both checked). -NST_EEXIST when it is there already, -NST_ENOMEM: then
 * no prefix changed.
 */
int lpm_insert(struct lpm *t, struct lpm_key key, unsigned bits, void *value);

/* Removes a prefix and returns its value, or NULL when it was not there. Never fails for memory. */
void *lpm_remove(struct lpm *t, struct lpm_key key, unsigned bits);

/* The value of the longest prefix of `key`, or NULL. */
void *lpm_lookup(const struct lpm *t, struct lpm_key key);

/* The value of exactly this prefix, or NULL. */
void *lpm_exact(const struct lpm *t, struct lpm_key key, unsigned bits);

/*
 * The value of the next prefix in the order of key, then of length, with both in `it`; NULL at the
 * end. The table may change between two calls: what stays is given exactly once.
 */
void *lpm_next(const struct lpm *t, struct lpm_iter *it);

#endif
