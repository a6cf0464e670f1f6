/* SPDX-License-Identifier: Apache-2.0 */
/* Reassembly of IPv4 fragments: reassembly.c has the theory of operation. */
#ifndef NICSTACK_SRC_NETWORK_REASSEMBLY_H
#define NICSTACK_SRC_NETWORK_REASSEMBLY_H

#include "base/hash.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/timer.h"
#include "packet/packet.h"

#define REASSEMBLY_TIMEOUT        (30 * NST_SEC) /* RFC 791 3.2: 15 s; RFC 1122 3.3.2: 60 to 120 */
#define REASSEMBLY_DATAGRAMS_MAX  1024
#define REASSEMBLY_PER_SOURCE_MAX 64
#define REASSEMBLY_FRAGMENTS_MAX  256 /* of one datagram */
#define REASSEMBLY_BYTES_MAX      (4 * 1024 * 1024)
#define REASSEMBLY_SOURCE_BUCKETS 64

struct net_ep;
struct ip4_hdr;

/* Incomplete datagrams of the sources whose keyed hash falls here, oldest first. */
struct reassembly_source {
    struct list list;
    uint32_t count;
};

struct reassembly {
    struct nst_stack *stack;
    struct hash table;
    struct list age; /* all, oldest first */
    uint32_t count;
    uint64_t bytes; /* memory that waiting fragments hold */
    struct timer timer;
    struct slab slab;
    struct reassembly_source sources[REASSEMBLY_SOURCE_BUCKETS];
};

void reassembly_init(struct reassembly *r, struct nst_stack *stack);
/* Drops what waits. */
void reassembly_fini(struct reassembly *r);
/* Drops what came in by `nic`. */
void reassembly_forget_nic(struct reassembly *r, const struct nic *nic);

/*
 * Takes the fragment p, data at its IP header `hdr`, trimmed to its total length. Gives the whole
 * datagram, with the first fragment's header made to fit, or NULL: it waits or was dropped.
 */
struct pkt *reassembly_add(struct reassembly *r, struct net_ep *ep, struct pkt *p,
                           const struct ip4_hdr *hdr);

/* Fragments that wait: for checks of the packet census (N121). */
uint64_t reassembly_packets(const struct reassembly *r);

#endif
