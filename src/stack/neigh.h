/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbours: the machine of NIC.md section 5, one for ARP and NDP. neigh.c has the theory of
 * operation, neigh_pending.c that of the packets that wait.
 */
#ifndef NICSTACK_SRC_STACK_NEIGH_H
#define NICSTACK_SRC_STACK_NEIGH_H

#include <nicstack/event.h>
#include <nicstack/neigh.h>

#include "base/fwd.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/timer.h"
#include "packet/packet.h"

struct net_ep;

struct neigh {
    struct hash_node node;
    struct list lru;
    struct list unresolved; /* in the NIC's list while it has pending packets */
    struct nst_stack *stack;
    struct neigh_table *table; /* NULL: removed, it goes with its last reference */
    struct nst_addr addr;
    struct nst_mac mac;
    uint8_t state; /* enum nst_neigh_state */
    uint8_t probes;
    bool router;        /* it said so (RFC 4861 4.4) */
    uint32_t refs;      /* destinations that use it: never evicted while > 0 */
    nst_time updated;   /* state or link address changed */
    nst_time confirmed; /* last proof that it is reachable; 0: none */
    struct timer timer;
    struct nst_pktq pending;
};

struct neigh_table {
    struct net_ep *ep;
    struct hash table;
    struct list lru; /* dynamic ones that nobody refers to, first to go first */
    uint32_t dynamic;
    struct nst_neigh_config config;
    nst_time reachable_time;
    nst_time reachable_drawn;
};

/* What waits for link addresses on one NIC, of both families (N46). */
struct neigh_pending {
    struct list destinations; /* of struct neigh, oldest first */
    uint32_t count;
    uint64_t bytes;
    struct nst_neigh_limits limits;
};

void neigh_table_init(struct neigh_table *t, struct net_ep *ep);
/* N81: takes the settings; each invalid one is replaced by its default. */
void neigh_table_configure(struct neigh_table *t, const struct nst_neigh_config *config);
/* Removes the dynamic entries, with `statics` the others too; what waits for them is dropped.
 * Returns how many. */
uint32_t neigh_table_flush(struct neigh_table *t, bool statics, enum nst_event_why why);
void neigh_table_fini(struct neigh_table *t);

/* The entry for addr, made if need be, with a reference. NULL: no memory, or the table is full. */
struct neigh *neigh_get(struct neigh_table *t, const struct nst_addr *addr);
/* After neigh_get gave NULL: are all entries in use? */
static inline bool neigh_table_is_full(const struct neigh_table *t)
{
    return t->dynamic >= t->config.dynamic_max;
}
void neigh_put(struct neigh *n);
struct neigh *neigh_lookup(const struct neigh_table *t, const struct nst_addr *addr);

/* N82: true: *ret_mac is the address to send to now. False: not resolved, call neigh_enqueue. */
bool neigh_use_slow(struct neigh *n, struct nst_mac *ret_mac);
static inline bool neigh_use(struct neigh *n, struct nst_mac *ret_mac)
{
    const uint32_t direct = 1u << NST_NEIGH_REACHABLE | 1u << NST_NEIGH_DELAY |
                            1u << NST_NEIGH_PROBE | 1u << NST_NEIGH_STATIC;
    if (__builtin_expect((direct >> n->state & 1) != 0, 1)) {
        *ret_mac = n->mac;
        return true;
    }
    return neigh_use_slow(n, ret_mac);
}
/* Has it a link address that can be used? */
static inline bool neigh_is_resolved(const struct neigh *n)
{
    return n->state != NST_NEIGH_INCOMPLETE && n->state != NST_NEIGH_UNREACHABLE;
}
/* A question to it is open: an answer now is solicited. */
bool neigh_is_asking(const struct neigh *n);
/* N40, N46: p waits for resolution, data at the network header. Consumes p. */
void neigh_enqueue(struct neigh *n, struct pkt *p);
/* N46: what waits for n, whose state is INCOMPLETE, is given up without being told about. */
void neigh_cancel(struct neigh *n);

/* N85: a request from a neighbour; `make` an entry if it was for us. */
void neigh_request_seen(struct neigh_table *t, const struct nst_addr *addr,
                        const struct nst_mac *mac, bool make);
/* N86. mac NULL: without a link address. True: it was believed, so what else it said of itself
 * holds too (RFC 4861 7.2.5: whether it is a router). */
bool neigh_confirm(struct neigh_table *t, const struct nst_addr *addr, const struct nst_mac *mac,
                   bool solicited, bool override);
/* RFC 4861 7.2.5: it says whether it is a router. True: it was one and is one no longer. */
bool neigh_set_router(struct neigh *n, bool router);
/* N87. */
void neigh_progress(struct neigh *n);
/* N88. */
int neigh_add_static(struct neigh_table *t, const struct nst_addr *addr, const struct nst_mac *mac);
int neigh_remove(struct neigh_table *t, const struct nst_addr *addr);

/* ---- neigh_pending.c ---- */

void neigh_pending_init(struct neigh_pending *w);
/* Takes the limits; each that is zero is replaced by its default. */
void neigh_pending_configure(struct neigh_pending *w, const struct nst_neigh_limits *limits);
/* Makes room and lets p wait for n. Consumes p. */
void neigh_pending_add(struct neigh *n, struct pkt *p);
/* Takes all that waits out of n. */
struct nst_pktq neigh_pending_take(struct neigh *n);

#endif
