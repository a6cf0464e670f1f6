/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbours: the machine of NIC.md section 5, one for ARP and NDP. neigh.c has the theory of
 * operation.
 */
#ifndef NICSTACK_SRC_STACK_NEIGH_H
#define NICSTACK_SRC_STACK_NEIGH_H

#include <nicstack/nic.h>

#include "base/fwd.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/timer.h"
#include "packet/packet.h"

#define NEIGH_DYNAMIC_MAX    512
#define NEIGH_UNRESOLVED_MAX 64
#define NEIGH_PENDING_MAX    256
#define NEIGH_PENDING_BYTES  (256 * 1024)

struct net_ep;

struct neigh {
    struct hash_node node;
    struct list lru;
    struct list unresolved; /* in the table's list while it has pending packets */
    struct neigh_table *table;
    struct nst_addr addr;
    struct nst_mac mac;
    uint8_t state; /* enum nst_neigh_state */
    uint8_t probes;
    uint32_t refs; /* destinations that use it: never evicted while > 0 */
    nst_time updated;
    struct timer timer;
    struct nst_pktq pending;
};

struct neigh_table {
    struct net_ep *ep;
    struct hash table;
    struct list lru;        /* dynamic ones, least recently used first */
    struct list unresolved; /* oldest first */
    uint32_t dynamic, unresolved_count, pending_bytes;
    nst_time reachable_time;
    nst_time reachable_drawn;
};

void neigh_table_init(struct neigh_table *t, struct net_ep *ep);
/* N7: everything goes, static ones too; pending packets are dropped. */
void neigh_table_flush(struct neigh_table *t);
void neigh_table_fini(struct neigh_table *t);

/* The entry for addr, made if need be, with a reference. NULL: no memory. */
struct neigh *neigh_get(struct neigh_table *t, const struct nst_addr *addr);
void neigh_put(struct neigh *n);
struct neigh *neigh_lookup(struct neigh_table *t, const struct nst_addr *addr);

/* N82: true: *ret_mac is the address to send to now. False: not resolved, call neigh_enqueue. */
bool neigh_use(struct neigh *n, struct nst_mac *ret_mac);
/* N40, N46: p waits for resolution, data at the network header. Consumes p. */
void neigh_enqueue(struct neigh *n, struct pkt *p);

/* N85: a request from a neighbour; `create` if it was for us. */
void neigh_request_seen(struct neigh_table *t, const struct nst_addr *addr,
                        const struct nst_mac *mac, bool create);
/* N86. mac NULL: without a link address. */
void neigh_confirm(struct neigh_table *t, const struct nst_addr *addr, const struct nst_mac *mac,
                   bool solicited, bool override);
/* N87. */
void neigh_progress(struct neigh *n);
/* N88. */
int neigh_add_static(struct neigh_table *t, const struct nst_addr *addr, const struct nst_mac *mac);
int neigh_remove(struct neigh_table *t, const struct nst_addr *addr);

#endif
