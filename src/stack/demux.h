/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which endpoint a packet is for (N102, N103).
 *
 * Theory of operation
 *
 * Every local port in use has a `struct demux_port` per protocol. It counts the connected endpoints
 * of the port and lists the others. A packet finds its port first, by a keyed multiplication; only
 * where connected endpoints are it also pays the SipHash of its 4-tuple. So a flood to closed ports
 * and a port with one server never do.
 *
 * Among the listed endpoints the best is chosen: with remote but without local address, local
 * address and port, local port. Among equals an endpoint bound to the packet's NIC wins over one
 * bound to none; one bound to another NIC does not match. What is still equal shares the port: with
 * reuse_port a keyed hash of the flow chooses, else the newest wins.
 *
 * What was found is kept with what else is known of the flow (flow_cache.h). Every registration
 * makes all of it stale.
 *
 * Invariants
 *  1. A registered entry is in its port's `bound`, or connected, in `connected` and counted in
 *     port->connected (and in port->held unless it shares its port with whoever holds it).
 *  2. A port exists while entries refer to it.
 *  3. The key of a registered entry does not change.
 */
#ifndef NICSTACK_SRC_STACK_DEMUX_H
#define NICSTACK_SRC_STACK_DEMUX_H

#include <nicstack/types.h>

#include "base/fwd.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/slab.h"

/* Counters of RFC 6056 algorithm 4, table T. */
#define DEMUX_PORT_COUNTERS 256

struct rx;

struct demux_key {
    struct nst_addr local, remote; /* all zero: any; 0.0.0.0: any IPv4 */
    uint16_t local_port, remote_port;
    uint32_t nic; /* 0: any */
    uint8_t proto;
};

/* Lies in an endpoint. Zero-initialise it. */
struct demux_entry {
    struct hash_node node; /* by 4-tuple if connected */
    struct list on_port;   /* the port's `bound` or `held`, newest first */
    struct demux_key key;
    uint32_t tag;       /* the owner's: which of its objects this lies in, and what else fits */
    bool connected : 1; /* both ends are known */
    bool reuse_address : 1, reuse_port : 1;
    bool shares_port : 1; /* a connection on the port of another, as an accepted one is: it does not
                             keep anybody from binding */
    bool registered : 1;
};
_Static_assert(sizeof(struct demux_entry) <= 88, "every connection in TIME-WAIT has one");

/* A local port in use. */
struct demux_port {
    struct hash_node node;
    struct list bound;  /* of struct demux_entry: not connected, newest first */
    struct list held;   /* connected ones that hold the port */
    uint32_t connected; /* all connected ones */
    uint32_t users;     /* all entries */
    uint32_t id;        /* protocol << 16 | port */
};

struct demux {
    struct hash connected; /* struct demux_entry by 4-tuple */
    struct hash ports;     /* struct demux_port */
    struct slab port_slab;
    uint64_t port_mul, port_add; /* the keyed hash of ports */
    uint64_t ports_key[2];       /* RFC 6056's secret keys are drawn from it */
    uint32_t counters[DEMUX_PORT_COUNTERS];
    uint64_t change; /* grows with every registration; at least 1 */
};

void demux_init(struct nst_stack *stack);
/* Every entry is unregistered already. */
void demux_fini(struct nst_stack *stack);

/*
 * Registers e with e->key as filled in by the caller; local_port 0 chooses a free one (RFC 6056,
 * keyed) and writes it. Sets e->connected, which it is when both addresses are given.
 * -NST_EADDRINUSE, -NST_EADDRNOTAVAIL (no port free), -NST_ENOMEM: the key is as it was.
 */
int demux_add(struct nst_stack *stack, struct demux_entry *e);
/* Unregisters; not registered is fine. */
void demux_remove(struct nst_stack *stack, struct demux_entry *e);

/* The endpoint for a packet: exact 4-tuple first. NULL: none. Ports in host order, those of
 * rx->flow if there is one. In line where it is known already (stack.h). */
struct demux_entry *demux_lookup_anew(struct nst_stack *stack, const struct rx *rx,
                                      uint16_t src_port, uint16_t dst_port);
/* Only the exact 4-tuple, from our side of it; nic 0 is any. */
struct demux_entry *demux_lookup_exact(struct nst_stack *stack, const struct demux_key *key);
/* The next endpoint after `e` (NULL: the first) that also matches a multicast or broadcast
 * datagram. Nothing may be registered or unregistered in between. */
struct demux_entry *demux_next_match(struct nst_stack *stack, const struct rx *rx,
                                     uint16_t src_port, uint16_t dst_port, struct demux_entry *e);
/* The keyed hash of a 4-tuple: also for the connection tables of others (forwarder requests). */
uint64_t demux_hash(const struct nst_stack *stack, const struct demux_key *key);

/* The port of a protocol, if it is in use. */
struct demux_port *demux_port_lookup(const struct nst_stack *stack, uint8_t proto, uint16_t port);

#endif
