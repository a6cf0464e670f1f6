/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP for IPv4: RFC 792, 1122 3.2.2, 1191 4, 1256, 950, 6633, 6918.
 */
#ifndef NICSTACK_SRC_WIRE_ICMP4_H
#define NICSTACK_SRC_WIRE_ICMP4_H

#include "wire/addr.h"

enum {
    ICMP4_HDR_LEN = 8,
    ICMP4_TIMESTAMP_LEN = 20,
};

enum icmp4_type {
    ICMP4_ECHO_REPLY = 0,
    ICMP4_UNREACHABLE = 3,
    ICMP4_SOURCE_QUENCH = 4, /* deprecated by RFC 6633: ignore */
    ICMP4_REDIRECT = 5,
    ICMP4_ECHO_REQUEST = 8,
    ICMP4_ROUTER_ADVERTISEMENT = 9,
    ICMP4_ROUTER_SOLICITATION = 10,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAMETER_PROBLEM = 12,
    ICMP4_TIMESTAMP_REQUEST = 13,
    ICMP4_TIMESTAMP_REPLY = 14,
    ICMP4_INFO_REQUEST = 15, /* 15 to 18 are deprecated by RFC 6918 */
    ICMP4_INFO_REPLY = 16,
    ICMP4_MASK_REQUEST = 17,
    ICMP4_MASK_REPLY = 18,
};

/* Codes of ICMP4_UNREACHABLE: RFC 792, 1122 3.2.2.1, 1812 5.2.7.1. */
enum icmp4_unreachable {
    ICMP4_NET_UNREACHABLE = 0,
    ICMP4_HOST_UNREACHABLE = 1,
    ICMP4_PROTO_UNREACHABLE = 2,
    ICMP4_PORT_UNREACHABLE = 3,
    ICMP4_FRAG_NEEDED = 4, /* with the next hop's MTU: RFC 1191 */
    ICMP4_SOURCE_ROUTE_FAILED = 5,
    ICMP4_NET_UNKNOWN = 6,
    ICMP4_HOST_UNKNOWN = 7,
    ICMP4_HOST_ISOLATED = 8,
    ICMP4_NET_PROHIBITED = 9,
    ICMP4_HOST_PROHIBITED = 10,
    ICMP4_NET_TOS = 11,
    ICMP4_HOST_TOS = 12,
    ICMP4_ADMIN_PROHIBITED = 13,
    ICMP4_PRECEDENCE_VIOLATION = 14,
    ICMP4_PRECEDENCE_CUTOFF = 15,
};

/* Codes of redirect, time exceeded and parameter problem. */
enum {
    ICMP4_REDIRECT_NET = 0,
    ICMP4_REDIRECT_HOST = 1,
    ICMP4_REDIRECT_TOS_NET = 2,
    ICMP4_REDIRECT_TOS_HOST = 3,
    ICMP4_TTL_EXCEEDED = 0,
    ICMP4_REASSEMBLY_EXCEEDED = 1,
    ICMP4_POINTER = 0, /* `pointer` names the byte */
    ICMP4_OPTION_MISSING = 1,
    ICMP4_BAD_LENGTH = 2,
};

/* Fields beyond csum hold values for the types named, 0 for the others. */
struct icmp4_hdr {
    uint8_t type; /* enum icmp4_type, or unknown */
    uint8_t code;
    uint8_t pointer;   /* PARAMETER_PROBLEM */
    uint16_t csum;     /* parse: as it stands. build: ignored, the field is written as 0 */
    uint16_t id;       /* ECHO, TIMESTAMP, INFO, MASK */
    uint16_t seq;      /* the same */
    uint16_t mtu;      /* UNREACHABLE with FRAG_NEEDED; 0 from routers before RFC 1191 */
    uint32_t gateway4; /* REDIRECT, raw network order */
};

enum icmp4_class {
    ICMP4_CLASS_ERROR,   /* quotes a packet behind its header; never answered with an error */
    ICMP4_CLASS_QUERY,   /* asks for an answer */
    ICMP4_CLASS_REPLY,   /* or announces something unasked */
    ICMP4_CLASS_UNKNOWN, /* dropped silently: RFC 1122 3.2.2 */
};

/* The header at `data`. Returns ICMP4_HDR_LEN, or 0 if `len` is less. Any type is accepted; the
 * checksum over the message is the caller's to check. */
size_t icmp4_parse(const uint8_t *data, size_t len, struct icmp4_hdr *ret_hdr);

/* Writes ICMP4_HDR_LEN bytes at `data` with a checksum field of zero; returns their number. */
size_t icmp4_build(uint8_t *data, const struct icmp4_hdr *hdr);

/* Writes the checksum of the message of `len` >= 8 bytes, whose partial sum with a zero field is
 * `sum`, into its header at `data`. */
void icmp4_csum_put(uint8_t *data, uint32_t sum);

/* RFC 1122 3.2.2: which kind of message `type` is. */
enum icmp4_class icmp4_classify(uint8_t type);

static inline bool icmp4_is_error(uint8_t type)
{
    return icmp4_classify(type) == ICMP4_CLASS_ERROR;
}

/* True for codes of ICMP4_UNREACHABLE that end a connection attempt (RFC 1122 4.2.3.9): protocol,
 * port. FRAG_NEEDED is not one; the others are soft. */
static inline bool icmp4_is_hard(uint8_t type, uint8_t code)
{
    return type == ICMP4_UNREACHABLE &&
           (code == ICMP4_PROTO_UNREACHABLE || code == ICMP4_PORT_UNREACHABLE);
}

/* The times of a timestamp message, milliseconds since midnight UT, RFC 792. */
struct icmp4_timestamp {
    uint32_t originate;
    uint32_t receive;
    uint32_t transmit;
};

/* The times behind the header: `data` and `len` are of the whole message. Returns
 * ICMP4_TIMESTAMP_LEN or 0 if short. */
size_t icmp4_timestamp_parse(const uint8_t *data, size_t len, struct icmp4_timestamp *ret_times);

/* Writes them behind the header at `data`, 12 bytes; returns ICMP4_TIMESTAMP_LEN. */
size_t icmp4_timestamp_build(uint8_t *data, const struct icmp4_timestamp *times);

#endif
