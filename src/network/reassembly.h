/* SPDX-License-Identifier: Apache-2.0 */
/* Reassembly of fragments of either family: reassembly.c has the theory of operation. */
#ifndef NICSTACK_SRC_NETWORK_REASSEMBLY_H
#define NICSTACK_SRC_NETWORK_REASSEMBLY_H

#include "base/hash.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/timer.h"
#include "packet/packet.h"

#define REASSEMBLY_DATAGRAMS_MAX  1024
#define REASSEMBLY_PER_SOURCE_MAX 64
#define REASSEMBLY_FRAGMENTS_MAX  256 /* of one datagram */
#define REASSEMBLY_BYTES_MAX      (4 * 1024 * 1024)
#define REASSEMBLY_SOURCE_BUCKETS 64

struct net_ep;

/* What a family does its own way. */
struct reassembly_family {
    nst_time timeout;
    uint32_t payload_max; /* bytes of a whole datagram behind its first header */
    /* Makes the header of the first fragment that of the whole: `hdr_len` bytes, private and
     * linear, in front of `len` of payload. `ce`: a fragment had a congestion mark. */
    void (*fix_header)(struct pkt *p, uint32_t hdr_len, uint32_t len, bool ce);
    uint64_t *received, *reassembled, *failed; /* counters */
};

/* What a fragment's headers say. */
struct fragment {
    struct nst_addr src, dst;
    uint32_t id;
    uint32_t offset;  /* of its payload in the datagram, bytes */
    uint32_t hdr_len; /* bytes in front of its payload */
    uint32_t least;   /* a first fragment that shows fewer bytes hides a header */
    uint8_t proto;    /* of IPv4, where it is part of the identity; 0 */
    uint8_t tos;
    bool more;
};

/* Incomplete datagrams of the sources whose keyed hash falls here, oldest first. */
struct reassembly_source {
    struct list list;
    uint32_t count;
};

struct reassembly {
    struct nst_stack *stack;
    struct reassembly_family family;
    struct hash table;
    struct list age; /* all, oldest first */
    uint32_t count;
    uint64_t bytes; /* memory that waiting fragments hold */
    struct timer timer;
    struct slab slab;
    struct reassembly_source sources[REASSEMBLY_SOURCE_BUCKETS];
};

void reassembly_init(struct reassembly *r, struct nst_stack *stack,
                     const struct reassembly_family *family);
/* Drops what waits. */
void reassembly_fini(struct reassembly *r);
/* Drops what came in by `nic`. */
void reassembly_forget_nic(struct reassembly *r, const struct nic *nic);

/*
 * Takes the fragment p, data at its IP header, trimmed to its length. Gives the whole datagram,
 * with the first fragment's header made to fit, or NULL: it waits or was dropped.
 */
struct pkt *reassembly_add(struct reassembly *r, struct net_ep *ep, struct pkt *p,
                           const struct fragment *fragment);

/* Fragments that wait: for checks of the packet census (N121). */
uint64_t reassembly_packets(const struct reassembly *r);

#endif
