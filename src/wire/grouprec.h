/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What IGMPv3 and MLDv2 share: the types of group records and the floating-point codes of times.
 * RFC 3376 4.1.1, 4.1.7, 4.2.12; RFC 3810 5.1.3, 5.1.9, 5.2.12.
 */
#ifndef NICSTACK_SRC_WIRE_GROUPREC_H
#define NICSTACK_SRC_WIRE_GROUPREC_H

#include "wire/addr.h"

enum group_record_type {
    GROUP_IS_INCLUDE = 1, /* the state, in answer to a query */
    GROUP_IS_EXCLUDE = 2,
    GROUP_TO_INCLUDE = 3, /* a change of it: with no sources, "left" */
    GROUP_TO_EXCLUDE = 4, /* with no sources, "joined" */
    GROUP_ALLOW = 5,
    GROUP_BLOCK = 6,
};

struct group_record {
    struct nst_addr group;
    uint16_t sources; /* how many source addresses it has */
    uint8_t type;     /* enum group_record_type, or unknown: to be skipped */
};

/* A walk over the records of a report; its family's next function makes the steps. */
struct group_record_iter {
    const uint8_t *data; /* the whole message */
    size_t len;
    size_t off;     /* of the next record */
    uint16_t left;  /* records that the header still promises */
    bool malformed; /* one ran past the end */
};

/* RFC 3376 4.1.1: 8 bits; from 128 on one sign bit, 3 bits of exponent and 4 of mantissa. */
static inline uint32_t group_code8_get(uint8_t code)
{
    return code < 0x80 ? code : (uint32_t)((code & 0x0f) | 0x10) << (((code >> 4) & 7) + 3);
}
/* The greatest code that says no more than `value`. */
static inline uint8_t group_code8_make(uint32_t value)
{
    uint8_t code = 0xff;
    while (group_code8_get(code) > value)
        code--;
    return code;
}

/* RFC 3810 5.1.3: 16 bits; from 32,768 on 3 bits of exponent and 12 of mantissa. */
static inline uint32_t group_code16_get(uint16_t code)
{
    return code < 0x8000 ? code : (uint32_t)((code & 0x0fff) | 0x1000) << (((code >> 12) & 7) + 3);
}
static inline uint16_t group_code16_make(uint32_t value)
{
    uint16_t code = 0xffff;
    while (group_code16_get(code) > value)
        code--;
    return code;
}

#endif
