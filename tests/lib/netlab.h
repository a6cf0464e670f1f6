/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A laboratory for the network layer: a stack with IPv4, ARP, IPv6, both ICMPs and a transport that
 * only notes what it is given, on NICs whose wires are in the test's hands. Frames go in as bytes
 * and come out as bytes.
 */
#ifndef TESTS_LIB_NETLAB_H
#define TESTS_LIB_NETLAB_H

#include <stdio.h>

#include "alloc.h"
#include "frames.h"
#include "memlink.h"

#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/ndp.h"

#define LAB_NICS  3
#define LAB_PROTO 253 /* RFC 3692: for experiments; the lab is TCP and UDP as well */

struct lab_nic {
    struct memlink m;
    uint32_t id;    /* 0: none */
    uint32_t taken; /* of m's frames */
};

struct lab {
    struct nst_stack *stack;
    nst_time now;
    struct alloc alloc;
    struct lab_nic nics[LAB_NICS];
    /* Of NICs that are added from now on: off, so that tests see their own packets. */
    bool group_reports, accept_ra, temporary_addresses;
    uint8_t link_local; /* enum nst_link_local */
    /* What the transport was given last, and how often. */
    struct rx rx;
    uint8_t *payload;
    size_t payload_len;
    unsigned slices; /* of that packet */
    unsigned delivered;
    struct net_error_report error;
    uint8_t quote[8];
    unsigned errors;
    unsigned handled; /* calls of the default handler */
    unsigned echo_replies, echo_errors;
};

/* Begins at 1000 s, with handle_local. The second form lets the test change the configuration. */
void lab_init(struct lab *lab);
void lab_init_with(struct lab *lab, bool handle_local, bool weak_host);
/* Frees all; fails the test if memory is left or the packet census does not balance. */
void lab_fini(struct lab *lab);

/* A NIC with link address 02:00:00:00:00:0N (n from 1). caps: NST_LINK_*; Ethernet where it
 * RESOLVES, else bare IP. */
struct nic *lab_add_nic(struct lab *lab, unsigned n, uint32_t caps, uint32_t mtu);
/* An address as text with its prefix: "10.0.0.1/24"; assigned at once. */
void lab_add_addr(struct lab *lab, unsigned n, const char *text);
/* A route "10.1.0.0/16" by way of NIC n and a gateway (NULL: on link). */
void lab_add_route(struct lab *lab, const char *prefix, unsigned n, const char *gateway);

struct nst_addr lab_addr(const char *text);
struct nst_mac lab_mac(unsigned last);

void lab_run(struct lab *lab);
void lab_advance(struct lab *lab, nst_time by);

/* Delivers a network-layer packet on NIC n, from lab_mac(0x99) to `to` (NULL: the NIC's own). */
void lab_feed(struct lab *lab, unsigned n, uint16_t ethertype, const void *data, size_t len,
              const struct nst_mac *to);
void lab_feed_ip(struct lab *lab, unsigned n, const void *data, size_t len);
/* The same for IPv6; to the link address of its group if that is one. */
void lab_feed_ip6(struct lab *lab, unsigned n, const void *data, size_t len);
/* A packet with these bytes and 64 bytes of head-room, for feeding by hand. */
struct nst_pkt *lab_packet(struct lab *lab, const void *data, size_t len);

/* The next frame that left NIC n, without its link header; NULL: none. Valid until the next call
 * or run. ret_* may be NULL. */
const uint8_t *lab_take(struct lab *lab, unsigned n, size_t *ret_len, uint16_t *ret_type,
                        struct nst_mac *ret_to);
size_t lab_frames(const struct lab *lab, unsigned n);
void lab_discard(struct lab *lab, unsigned n);

/* Writes an IPv4 packet at `to`; returns its length. frag: offset in bytes, mf: more follow. */
struct lab_ip {
    const char *src, *dst;
    uint8_t proto, ttl, tos;
    uint16_t id, frag;
    bool mf, df;
    const uint8_t *options;
    size_t options_len;
};
size_t lab_build_ip(uint8_t *to, const struct lab_ip *ip, const void *payload, size_t len);
/* Writes an IPv6 packet at `to`; returns its length. hop_limit 0: 64. ext_len bytes of extension
 * headers stand at `ext`; the last of them says what the payload is, `next` says what the first is.
 */
struct lab_ip6 {
    const char *src, *dst;
    uint8_t next, hop_limit, tclass;
    const uint8_t *ext;
    size_t ext_len;
};
size_t lab_build_ip6(uint8_t *to, const struct lab_ip6 *ip, const void *payload, size_t len);
/* The same with an ICMPv6 message, whose checksum is filled in. */
size_t lab_build_icmp6(uint8_t *to, const struct lab_ip6 *ip, uint8_t *message, size_t len);
/* An echo message behind which `len` bytes of payload stand at to + 8. Returns len + 8. */
size_t lab_build_echo(uint8_t *to, uint8_t type, uint16_t id, uint16_t seq, size_t len);
/* An ARP packet: 28 bytes. */
size_t lab_build_arp(uint8_t *to, uint16_t op, unsigned from, const char *spa, const char *tpa);

/* Sends `len` bytes of pattern from the transport; what dst_get or dst_output say. */
int lab_send(struct lab *lab, const char *from, const char *to, size_t len, bool dont_fragment);

/* The drops for a reason so far. */
uint64_t lab_drops(const struct lab *lab, enum drop_reason reason);

#endif
