/* SPDX-License-Identifier: Apache-2.0 */
/* Received TCP segments of one flow become one packet, within one batch (coalesce.c). */
#ifndef NICSTACK_SRC_STACK_COALESCE_H
#define NICSTACK_SRC_STACK_COALESCE_H

#include "base/check.h"
#include "packet/packet.h"
#include "stack/proto.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#define COALESCE_FLOWS 8

struct coalesce_flow {
    struct pkt *p;
    uint32_t next_seq;
    uint16_t size;     /* payload of each segment but the last */
    uint16_t segments; /* in p */
};

struct coalesce {
    uint32_t count;
    uint64_t merged;                            /* packets that went into others */
    struct coalesce_flow flows[COALESCE_FLOWS]; /* oldest first */
};

static inline void coalesce_init(struct coalesce *c)
{
    c->count = 0;
    c->merged = 0;
}

/* May p, of that network protocol, be TCP? Everything else passes by without a call. */
static inline bool coalesce_concerns(const struct pkt *p, enum net_index index)
{
    if (likely(index == NET_IPV4))
        return p->linear < IP4_HDR_LEN || p->data[9] == IP_PROTO_TCP;
    if (index != NET_IPV6)
        return false;
    /* Behind extension headers may be TCP. */
    return p->linear < IP6_HDR_LEN || (p->data[6] != IP_PROTO_UDP && p->data[6] != IP_PROTO_ICMPV6);
}

/*
 * Offers an IP packet that concerns it, data at the network header, type PKT_HOST. True: it was
 * taken, into another or to wait for more. False: p stays the caller's. Packets that must be
 * delivered now, and before p where p was not taken, are put into `due`.
 */
bool coalesce_add(struct coalesce *c, struct pkt *p, struct nst_pktq *due);

/* Puts what is held into `due`, in order of arrival of each flow's first. */
void coalesce_flush(struct coalesce *c, struct nst_pktq *due);

#endif
