/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which endpoint a packet is for (N102, N103), and which local port is free.
 *
 * Connected endpoints are found by their whole 4-tuple: one SipHash, one look-up. The others are
 * listed by (protocol, local port) and the best is chosen: without local address but with remote,
 * local address and port, local port. Among equals an endpoint bound to the packet's NIC wins over
 * one bound to none; one bound to another NIC does not match.
 */
#ifndef NICSTACK_SRC_STACK_DEMUX_H
#define NICSTACK_SRC_STACK_DEMUX_H

#include <nicstack/types.h>

#include "base/fwd.h"
#include "base/hash.h"

struct rx;

struct demux_key {
    struct nst_addr local, remote; /* all zero: any */
    uint16_t local_port, remote_port;
    uint32_t nic; /* 0: any */
    uint8_t proto;
};

/* Lies in an endpoint. */
struct demux_entry {
    struct hash_node node;            /* by 4-tuple if connected, by local port if not */
    struct demux_entry *next_on_port; /* not connected ones of one port */
    struct demux_key key;
    uint64_t seq; /* order of registration: the newest wins with REUSEADDR */
    bool connected;
    bool reuse_address, reuse_port;
    bool registered;
    uint32_t tag; /* the owner's: which of its objects this lies in, and what else fits */
};

struct demux {
    struct hash connected;
    struct hash bound;
    struct hash ports; /* use of (protocol, local port) by connected and bound ones alike */
    uint64_t seq;
};

void demux_init(struct nst_stack *stack);
void demux_fini(struct nst_stack *stack);

/*
 * Registers e with e->key as filled in by the caller; local_port 0 chooses a free one (RFC 6056,
 * keyed) and writes it. connected is set when remote_port != 0. -NST_EADDRINUSE, -NST_EADDRNOTAVAIL
 * (no port free), -NST_ENOMEM.
 */
int demux_add(struct nst_stack *stack, struct demux_entry *e);
/* Unregisters; not registered is fine. */
void demux_remove(struct nst_stack *stack, struct demux_entry *e);

/* The endpoint for a packet: exact 4-tuple first. NULL: none. Ports in host order. */
struct demux_entry *demux_lookup(struct nst_stack *stack, const struct rx *rx, uint16_t src_port,
                                 uint16_t dst_port);
/* Only the exact 4-tuple, from our side of it; nic 0 is any. */
struct demux_entry *demux_lookup_exact(struct nst_stack *stack, const struct demux_key *key);
/* The next endpoint after `e` (NULL: the first) that also matches a multicast or broadcast
 * datagram. */
struct demux_entry *demux_next_match(struct nst_stack *stack, const struct rx *rx,
                                     uint16_t src_port, uint16_t dst_port, struct demux_entry *e);
/* The keyed hash of a 4-tuple: also for the connection tables of others (forwarder requests). */
uint64_t demux_hash(const struct nst_stack *stack, const struct demux_key *key);

#endif
