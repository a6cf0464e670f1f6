/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack with up to three Ethernet NICs, for the tests of the NIC contract: each on a memory link
 * of the test's own, all on one manual clock. NIC i (from 0) has the link address WORLD_MAC(1 + i),
 * the addresses 10.0.i.1/24 and fd00:0:0:i::1/64, and one neighbour that it knows: 10.0.i.2 and
 * fd00:0:0:i::2, at LAB_PEER.
 *
 *     struct lab l;
 *     lab_begin(&l, 2, NULL);
 *     lab_inject_udp(&l, 0, LAB_V6, &(struct lab_udp){.dst_port = 7, .text = "hello"});
 *     lab_end(&l);                  checks the census, and that all memory came back
 */
#ifndef TESTS_LIB_LAB_H
#define TESTS_LIB_LAB_H

#include "testing.h"

#include <nicstack/frame.h>
#include <nicstack/nic.h>

#include "alloc.h"
#include "frames.h"
#include "memlink.h"
#include "world.h"

#define LAB_NICS 3
#define LAB_PEER WORLD_MAC(9)

/* Which family a step of a test is about. */
enum lab_family {
    LAB_V4,
    LAB_V6,
    LAB_FAMILIES
};

struct lab_config {
    bool handle_local, weak_host, promiscuous;
    bool no_neighbours; /* nothing is known of the peers */
    uint32_t caps;      /* NST_LINK_* of the links, more than what Ethernet needs */
    uint32_t gso_max, mtu;
    uint32_t tx_queue_packets;
    uint8_t seed; /* 0: 7 */
};

struct lab {
    nst_time now;
    struct alloc alloc;
    struct nst_stack *stack;
    struct memlink link[LAB_NICS];
    uint32_t nic[LAB_NICS]; /* ids: 1 + i */
    int count;
    struct lab_config config;
    uint8_t bytes[FRAME_MAX], frame[FRAME_MAX + 14];
};

void lab_begin(struct lab *l, int nics, const struct lab_config *config);
/* One NIC more, at the end. */
void lab_add_nic(struct lab *l);
void lab_end(struct lab *l);
/* Runs until nothing is due now, and checks the census (N121). */
void lab_run(struct lab *l);
void lab_run_for(struct lab *l, nst_time duration);

/* Addresses: host 1 of NIC i is the stack, others are the test's. */
struct nst_addr lab_addr(int nic, enum lab_family family, uint8_t host);
struct nst_endpoint lab_end_of(int nic, enum lab_family family, uint8_t host, uint16_t port);

/* A frame from LAB_PEER around `packet`; the stack runs. */
void lab_inject(struct lab *l, int nic, struct nst_mac dst, uint16_t ethertype, const void *packet,
                size_t len);
/* An IP packet to the NIC's own link address, its EtherType taken from its version. */
void lab_inject_ip(struct lab *l, int nic, const void *packet, size_t len);

/* A UDP datagram; what is zero has a default. */
struct lab_udp {
    struct nst_addr src, dst; /* the peer, the stack */
    struct nst_mac mac;       /* the NIC's own */
    uint16_t src_port, dst_port;
    const char *text;
    bool bad_csum;
};
/* The IP packet of it; returns its length. */
size_t lab_build_udp(uint8_t *out, int nic, enum lab_family family, const struct lab_udp *udp);
void lab_inject_udp(struct lab *l, int nic, enum lab_family family, const struct lab_udp *udp);
/* The IP packet of a bare TCP segment; returns its length. */
size_t lab_build_tcp(uint8_t *out, const struct nst_endpoint *src, const struct nst_endpoint *dst,
                     uint16_t flags);
/* The IP packet of an ICMP message of the family, its checksum written; returns its length. */
size_t lab_build_icmp(uint8_t *out, const struct nst_addr *src, const struct nst_addr *dst,
                      void *message, size_t len);
/* An IP packet of protocol `proto`, as it is, from `src` to `dst`; returns its length. */
size_t lab_build_ip(uint8_t *out, const struct nst_addr *src, const struct nst_addr *dst,
                    uint8_t proto, const void *payload, size_t len);

nst_socket lab_open(struct lab *l, enum nst_socket_type type);
/* The same, bound: to any address, `port` and NIC `nic` (from 0; -1: every one). */
nst_socket lab_bind(struct lab *l, enum nst_socket_type type, uint16_t port, int nic);
/* What the socket has: text of its next datagram or frame, "" for none. */
const char *lab_text(struct lab *l, nst_socket s);
/* How many datagrams or frames wait; they are gone afterwards. */
int lab_drain(struct lab *l, nst_socket s);

uint64_t lab_counter(const struct lab *l, int nic, const char *name);
uint64_t lab_stack_counter(const struct lab *l, const char *name);

/* The stack's EtherType of a family. */
static inline uint16_t lab_ethertype(enum lab_family family)
{
    return family == LAB_V4 ? NST_ETHERTYPE_IPV4 : NST_ETHERTYPE_IPV6;
}

#define LAB_FOR_FAMILIES(var) for (enum lab_family var = LAB_V4; var < LAB_FAMILIES; var++)

#endif
