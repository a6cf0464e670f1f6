/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP for IPv6: RFC 4443. The neighbour discovery messages are in ndp.h.
 */
#ifndef NICSTACK_SRC_WIRE_ICMP6_H
#define NICSTACK_SRC_WIRE_ICMP6_H

#include "wire/addr.h"
#include "wire/csum.h"
#include "wire/ipproto.h"

enum {
    ICMP6_HDR_LEN = 8,
};

enum icmp6_type {
    ICMP6_UNREACHABLE = 1,
    ICMP6_TOO_BIG = 2,
    ICMP6_TIME_EXCEEDED = 3,
    ICMP6_PARAMETER_PROBLEM = 4,
    ICMP6_ERROR_LAST = 127, /* RFC 4443 2.1: errors have the high bit clear */
    ICMP6_ECHO_REQUEST = 128,
    ICMP6_ECHO_REPLY = 129,
    ICMP6_MLD_QUERY = 130, /* RFC 2710, RFC 3810 */
    ICMP6_MLD_REPORT = 131,
    ICMP6_MLD_DONE = 132,
    ICMP6_ROUTER_SOLICITATION = 133, /* RFC 4861 4: to REDIRECT */
    ICMP6_ROUTER_ADVERTISEMENT = 134,
    ICMP6_NEIGHBOR_SOLICITATION = 135,
    ICMP6_NEIGHBOR_ADVERTISEMENT = 136,
    ICMP6_REDIRECT = 137,
    ICMP6_MLD2_REPORT = 143,
};

/* Codes of ICMP6_UNREACHABLE, RFC 4443 3.1. */
enum icmp6_unreachable {
    ICMP6_NO_ROUTE = 0,
    ICMP6_PROHIBITED = 1,
    ICMP6_BEYOND_SCOPE = 2,
    ICMP6_ADDR_UNREACHABLE = 3,
    ICMP6_PORT_UNREACHABLE = 4,
    ICMP6_SOURCE_POLICY = 5,
    ICMP6_REJECT_ROUTE = 6,
};

/* Codes of time exceeded and parameter problem, RFC 4443 3.3 and 3.4, RFC 7112 6. */
enum {
    ICMP6_HOP_LIMIT_EXCEEDED = 0,
    ICMP6_REASSEMBLY_EXCEEDED = 1,
    ICMP6_BAD_FIELD = 0,
    ICMP6_BAD_NEXT_HEADER = 1,
    ICMP6_BAD_OPTION = 2,
    ICMP6_INCOMPLETE_CHAIN = 3, /* the first fragment has not all headers */
};

/* Fields beyond csum hold values for the types named, 0 for the others. */
struct icmp6_hdr {
    uint8_t type; /* enum icmp6_type, or unknown */
    uint8_t code;
    uint16_t csum;    /* parse: as it stands. build: ignored, the field is written as 0 */
    uint16_t id;      /* ECHO */
    uint16_t seq;     /* ECHO */
    uint32_t mtu;     /* TOO_BIG */
    uint32_t pointer; /* PARAMETER_PROBLEM */
};

/* The header at `data`. Returns ICMP6_HDR_LEN, or 0 if `len` is less. Any type is accepted; the
 * checksum over pseudo header and message is the caller's to check. */
size_t icmp6_parse(const uint8_t *data, size_t len, struct icmp6_hdr *ret_hdr);

/* Writes ICMP6_HDR_LEN bytes at `data` with a checksum field of zero; returns their number. */
size_t icmp6_build(uint8_t *data, const struct icmp6_hdr *hdr);

/* Writes the checksum into the message's header at `data`: `sum` is the partial sum of pseudo
 * header and message, with a zero field. */
void icmp6_csum_put(uint8_t *data, uint32_t sum);

/* RFC 4443 2.1: quotes a packet; never answered with an error. Unknown types too. */
static inline bool icmp6_is_error(uint8_t type)
{
    return type <= ICMP6_ERROR_LAST;
}

#endif
