/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP protocol numbers (the next header of IPv6 too) and the ECN field, shared by both families.
 */
#ifndef NICSTACK_SRC_WIRE_IPPROTO_H
#define NICSTACK_SRC_WIRE_IPPROTO_H

enum ip_proto {
    IP_PROTO_HOP_BY_HOP = 0, /* IPv6 extension, RFC 8200 4.3 */
    IP_PROTO_ICMP = 1,
    IP_PROTO_IGMP = 2,
    IP_PROTO_IPV4 = 4,
    IP_PROTO_TCP = 6,
    IP_PROTO_UDP = 17,
    IP_PROTO_IPV6 = 41,
    IP_PROTO_ROUTING = 43,  /* IPv6 extension, RFC 8200 4.4 */
    IP_PROTO_FRAGMENT = 44, /* IPv6 extension, RFC 8200 4.5 */
    IP_PROTO_GRE = 47,
    IP_PROTO_ESP = 50,
    IP_PROTO_AH = 51, /* IPv6 extension, RFC 4302 */
    IP_PROTO_ICMPV6 = 58,
    IP_PROTO_NONE = 59,        /* RFC 8200 4.7: nothing follows */
    IP_PROTO_DESTINATION = 60, /* IPv6 extension, RFC 8200 4.6 */
    IP_PROTO_MOBILITY = 135,   /* IPv6 extension, RFC 6275 */
    IP_PROTO_UDPLITE = 136,
    IP_PROTO_HIP = 139,   /* IPv6 extension, RFC 7401 */
    IP_PROTO_SHIM6 = 140, /* IPv6 extension, RFC 5533 */
    IP_PROTO_RESERVED = 255,
};

/* The low two bits of the TOS or traffic class byte, RFC 3168 5. */
enum ip_ecn {
    IP_ECN_NOT_ECT = 0,
    IP_ECN_ECT1 = 1,
    IP_ECN_ECT0 = 2,
    IP_ECN_CE = 3,
    IP_ECN_MASK = 3,
};

#endif
