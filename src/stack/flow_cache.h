/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the flows that were seen last.
 *
 * Theory of operation
 *
 * The packets of a flow come one after the other and get the same answers: their addresses are
 * good, and this endpoint takes them. Both are kept in one slot of a small table, found by
 * addresses and ports as they lie in the packet. The network protocol asks whether it is this very
 * flow's, and then gives the slot's own `rx` to the transport, which asks it for the endpoint
 * (demux_lookup).
 *
 * Only what has ports is kept, unicast to an assigned address, in one piece and without options.
 * The table has no secret: an outsider can do no worse than empty it.
 *
 * Invariants
 *  1. The addresses were judged good while `generation` is that of the routes, which every change
 *     of addresses, routes and NICs bumps.
 *  2. `entry` is what a look-up finds while `change` is the demultiplexer's, which every
 *     registration bumps; 0 is never.
 *  3. A stack has one packet in input at a time, so nothing writes to a slot whose rx is in use.
 */
#ifndef NICSTACK_SRC_STACK_FLOW_CACHE_H
#define NICSTACK_SRC_STACK_FLOW_CACHE_H

#include <string.h>

#include "stack/proto.h"
#include "wire/ipproto.h"

#define FLOW_SLOTS_LOG 4

struct flow_slot {
    struct rx rx;            /* rx.flow is this slot */
    const struct net_ep *ep; /* where it came in; NULL: nothing is known */
    uint32_t ports;
    uint32_t generation;
    uint64_t change;
    struct demux_entry *entry;
};

struct flow_cache {
    struct flow_slot slots[1 << FLOW_SLOTS_LOG];
};

/* Both ports of a transport header, as they lie there. */
static inline uint32_t flow_ports(const uint8_t *header)
{
    uint32_t ports;
    memcpy(&ports, header, sizeof(ports));
    return ports;
}

/* Where a flow is, if it is there. `addrs`: what its addresses were mixed to. */
static inline struct flow_slot *flow_slot_of(struct flow_cache *cache, uint64_t addrs,
                                             uint32_t ports)
{
    return &cache->slots[(addrs ^ ports) * 0x9e3779b97f4a7c15u >> (64 - FLOW_SLOTS_LOG)];
}

/* Is it of a flow with these ports, to an endpoint that is as it was? The addresses are left to
 * compare. */
static inline bool flow_is(const struct flow_slot *slot, const struct net_ep *ep, uint8_t proto,
                           uint32_t ports, uint32_t generation)
{
    return slot->ports == ports && slot->rx.proto == proto && slot->ep == ep &&
           slot->generation == generation;
}

/* Keeps in `slot` what *rx says of all packets with these ports, and tells rx. */
static inline void flow_keep(struct flow_slot *slot, struct rx *rx, const struct net_ep *ep,
                             uint32_t ports, uint32_t generation)
{
    rx->flow = slot;
    *slot = (struct flow_slot){.rx = *rx, .ep = ep, .ports = ports, .generation = generation};
}

/* Do the transport headers of `proto` begin with ports? */
static inline bool flow_has_ports(uint8_t proto)
{
    return proto == IP_PROTO_TCP || proto == IP_PROTO_UDP;
}

#endif
