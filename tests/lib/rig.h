/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack with up to three Ethernet NICs, for the tests of the NIC contract: each on a memory link
 * of the test's own, all on one manual clock, and silent until something happens. NIC i (from 0)
 * has the link address WORLD_MAC(1 + i), the addresses 10.0.i.1/24 and fd00:0:0:i::1/64, and one
 * neighbour that it knows: 10.0.i.2 and fd00:0:0:i::2, at RIG_PEER.
 *
 *     struct rig l;
 *     rig_begin(&l, 2, NULL);
 *     rig_inject_udp(&l, 0, RIG_V6, &(struct rig_udp){.dst_port = 7, .text = "hello"});
 *     rig_end(&l);                  checks the census, and that all memory came back
 */
#ifndef TESTS_LIB_RIG_H
#define TESTS_LIB_RIG_H

#include "testing.h"

#include <nicstack/frame.h>
#include <nicstack/nic.h>

#include "alloc.h"
#include "frames.h"
#include "memlink.h"
#include "world.h"

#define RIG_NICS 3
#define RIG_PEER WORLD_MAC(9)

/* Which family a step of a test is about. */
enum rig_family {
    RIG_V4,
    RIG_V6,
    RIG_FAMILIES
};

struct rig_config {
    bool handle_local, weak_host, promiscuous;
    bool no_neighbours; /* nothing is known of the peers */
    uint32_t caps;      /* NST_LINK_* of the links, more than what Ethernet needs */
    uint32_t gso_max, mtu;
    uint32_t tx_queue_packets;
    uint8_t seed; /* 0: 7 */
};

struct rig {
    nst_time now;
    struct alloc alloc;
    struct nst_stack *stack;
    struct memlink link[RIG_NICS];
    uint32_t nic[RIG_NICS]; /* ids: 1 + i */
    int count;
    struct rig_config config;
    uint8_t bytes[FRAME_MAX], frame[FRAME_MAX + 14];
};

void rig_begin(struct rig *l, int nics, const struct rig_config *config);
/* One NIC more, at the end. */
void rig_add_nic(struct rig *l);
void rig_end(struct rig *l);
/* Runs until nothing is due now, and checks the census (N121). */
void rig_run(struct rig *l);

/* Addresses: host 1 of NIC i is the stack, others are the test's. */
struct nst_addr rig_addr(int nic, enum rig_family family, uint8_t host);
struct nst_endpoint rig_end_of(int nic, enum rig_family family, uint8_t host, uint16_t port);

/* A frame from RIG_PEER around `packet`; the stack runs. */
void rig_inject(struct rig *l, int nic, struct nst_mac dst, uint16_t ethertype, const void *packet,
                size_t len);
/* An IP packet to the NIC's own link address, its EtherType taken from its version. */
void rig_inject_ip(struct rig *l, int nic, const void *packet, size_t len);

/* A UDP datagram; what is zero has a default. */
struct rig_udp {
    struct nst_addr src, dst; /* the peer, the stack */
    struct nst_mac mac;       /* the NIC's own */
    uint16_t src_port, dst_port;
    const char *text;
    bool bad_csum;
};
/* The IP packet of it; returns its length. */
size_t rig_build_udp(uint8_t *out, int nic, enum rig_family family, const struct rig_udp *udp);
void rig_inject_udp(struct rig *l, int nic, enum rig_family family, const struct rig_udp *udp);
/* The IP packet of a bare TCP segment; returns its length. */
size_t rig_build_tcp(uint8_t *out, const struct nst_endpoint *src, const struct nst_endpoint *dst,
                     uint16_t flags);
/* The IP packet of an ICMP message of the family, its checksum written; returns its length. */
size_t rig_build_icmp(uint8_t *out, const struct nst_addr *src, const struct nst_addr *dst,
                      void *message, size_t len);

nst_socket rig_open(struct rig *l, enum nst_socket_type type);
/* The same, bound: to any address, `port` and NIC `nic` (from 0; -1: every one). */
nst_socket rig_bind(struct rig *l, enum nst_socket_type type, uint16_t port, int nic);
/* What the socket has: text of its next datagram or frame, "" for none. */
const char *rig_text(struct rig *l, nst_socket s);
/* How many datagrams or frames wait; they are gone afterwards. */
int rig_drain(struct rig *l, nst_socket s);

uint64_t rig_counter(const struct rig *l, int nic, const char *name);
uint64_t rig_stack_counter(const struct rig *l, const char *name);

/* The stack's EtherType of a family. */
static inline uint16_t rig_ethertype(enum rig_family family)
{
    return family == RIG_V4 ? NST_ETHERTYPE_IPV4 : NST_ETHERTYPE_IPV6;
}

#define RIG_FOR_FAMILIES(var) for (enum rig_family var = RIG_V4; var < RIG_FAMILIES; var++)

#endif
