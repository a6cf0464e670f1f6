/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as bytes. A recording is struct nst_record_header and then records, one behind the other:
 *
 *   u32 length of what follows these 8 bytes
 *   u16 length of its fixed part; the rest is data (payload, packets)
 *   u8  kind, enum record_kind; 0, in a file that was not ended: there are no more
 *   u8  number of the call (calls.def), else 0
 *
 * CALL, PARSED and TRANSMITTED begin with a u64, the memory in use, which is not compared. All
 * numbers are little-endian. A pointer is a u8, 0 for NULL, in front of what it points to.
 */
#ifndef NICSTACK_SRC_RECORD_FORMAT_H
#define NICSTACK_SRC_RECORD_FORMAT_H

#include <nicstack/record.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/fwd.h"

enum {
    RECORD_HEAD = 8,
    RECORD_FIXED_MAX = 1024, /* of the fixed part */
    RECORD_NAME_MAX = 32,    /* of a NIC: longer ones are refused anyway */
    RECORD_IOV_MAX = 64,     /* pieces of one send that are kept apart */
};

enum record_kind {
    RECORD_NONE = 0,
    RECORD_START,       /* the configuration */
    RECORD_CALL,        /* memory in use, arguments */
    RECORD_RESULT,      /* of the call */
    RECORD_LINK,        /* a link's caps, MTU, address, ... are others than they were */
    RECORD_DELIVERED,   /* a packet from a link */
    RECORD_PARSED,      /* how a link read its header */
    RECORD_QUEUED,      /* a packet for a link: what is compared */
    RECORD_TRANSMIT,    /* a link is given what is queued: what it delivers now stands behind it */
    RECORD_TRANSMITTED, /* how many it took */
    RECORD_WRITABLE,    /* a link has room again */
    RECORD_CHANGED,     /* what a link answered when it was asked to change */
    RECORD_END,         /* it was stopped, or the stack was freed */
    RECORD_KINDS,
};

/* Does it begin with the memory in use? */
static inline bool record_has_memory(uint8_t kind)
{
    return kind == RECORD_CALL || kind == RECORD_PARSED || kind == RECORD_TRANSMITTED;
}

/* ---- Making one ---- */

struct record_out {
    uint8_t bytes[RECORD_HEAD + RECORD_FIXED_MAX];
    uint32_t len;                   /* of bytes */
    struct nst_iovec one;           /* the usual data */
    const struct nst_iovec *pieces; /* the data; NULL: `one` */
    size_t count;
};

static inline void out_init(struct record_out *out, enum record_kind kind, uint8_t call)
{
    out->bytes[6] = (uint8_t)kind;
    out->bytes[7] = call;
    out->len = RECORD_HEAD;
    out->pieces = NULL;
    out->count = 0;
}

static inline void out_bytes(struct record_out *out, const void *from, uint32_t n)
{
    CHECK(n <= sizeof(out->bytes) - out->len);
    memcpy(out->bytes + out->len, from, n);
    out->len += n;
}

static inline void out_u8(struct record_out *out, uint8_t v)
{
    out_bytes(out, &v, 1);
}

static inline void out_u16(struct record_out *out, uint16_t v)
{
    const uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    out_bytes(out, b, 2);
}

static inline void out_u32(struct record_out *out, uint32_t v)
{
    uint8_t b[4];
    le32_put(b, v);
    out_bytes(out, b, 4);
}

static inline void out_u64(struct record_out *out, uint64_t v)
{
    uint8_t b[8];
    le64_put(b, v);
    out_bytes(out, b, 8);
}

/* False: a NULL, after which there is nothing to put. */
static inline bool out_pointer(struct record_out *out, const void *pointer)
{
    out_u8(out, pointer != NULL);
    return pointer != NULL;
}

/* The data of a record that has one piece. */
static inline void out_data(struct record_out *out, const void *data, size_t len)
{
    out->one = (struct nst_iovec){(void *)(uintptr_t)data, len};
    out->count = 1;
}

/* ---- Reading one: it may say anything ---- */

struct record_in {
    const uint8_t *at;
    size_t left; /* of the fixed part */
    const uint8_t *data;
    size_t data_len;
    bool bad; /* it ended early, or says what cannot be: everything read since is 0 */
};

/* The length of the record at `at`, 0: none, or not all of it is there. */
static inline size_t record_len(const uint8_t *at, size_t left)
{
    if (left < RECORD_HEAD || at[6] == RECORD_NONE)
        return 0;
    const size_t len = le32_get(at);
    return len <= left - RECORD_HEAD ? RECORD_HEAD + len : 0;
}

/* At a whole record. */
static inline void in_init(struct record_in *in, const uint8_t *at)
{
    const size_t len = le32_get(at);
    const size_t fixed = (size_t)at[4] | (size_t)at[5] << 8;
    *in = (struct record_in){.at = at + RECORD_HEAD, .left = min_size(fixed, len)};
    in->bad = fixed > len;
    in->data = in->at + in->left;
    in->data_len = len - in->left;
}

static inline void in_bytes(struct record_in *in, void *to, size_t n)
{
    if (n > in->left) {
        in->bad = true;
        in->left = 0;
        memset(to, 0, n);
        return;
    }
    memcpy(to, in->at, n);
    in->at += n;
    in->left -= n;
}

static inline uint8_t in_u8(struct record_in *in)
{
    uint8_t v;
    in_bytes(in, &v, 1);
    return v;
}

static inline uint16_t in_u16(struct record_in *in)
{
    uint8_t b[2];
    in_bytes(in, b, 2);
    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t in_u32(struct record_in *in)
{
    uint8_t b[4];
    in_bytes(in, b, 4);
    return le32_get(b);
}

static inline uint64_t in_u64(struct record_in *in)
{
    uint8_t b[8];
    in_bytes(in, b, 8);
    return le64_get(b);
}

/* True, and nothing is said, where there were bytes left over: a record of another version. */
static inline bool in_is_good(const struct record_in *in)
{
    return !in->bad && in->left == 0;
}

#endif
