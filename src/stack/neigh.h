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
#define NEIGH_PENDING_TOTAL  (1024 * 1024)

/* RFC 4861 10, N81. */
struct neigh_config {
    nst_time base_reachable;                   /* 30 s */
    uint32_t min_random_ppt;                   /* random factor, in thousandths: 500 */
    uint32_t max_random_ppt;                   /* 1500 */
    nst_time retransmit;                       /* 1 s */
    nst_time first_probe;                      /* 5 s */
    uint32_t multicast_probes, unicast_probes; /* 3 each */
};

struct net_ep;

struct neigh {
    struct hash_node node;
    struct list lru;
    struct list unresolved; /* in the table's list while it has pending packets */
    struct nst_stack *stack;
    struct neigh_table *table; /* NULL: removed, it goes with its last reference */
    struct nst_addr addr;
    struct nst_mac mac;
    uint8_t state; /* enum nst_neigh_state */
    uint8_t probes;
    bool router;        /* it said so (RFC 4861 4.4) */
    uint32_t refs;      /* destinations that use it: never evicted while > 0 */
    nst_time updated;   /* the state was entered */
    nst_time confirmed; /* last proof that it is reachable */
    struct timer timer;
    struct nst_pktq pending;
};

struct neigh_table {
    struct net_ep *ep;
    struct hash table;
    struct list lru;        /* dynamic ones that nobody refers to, first to go first */
    struct list unresolved; /* those with pending packets, oldest first */
    uint32_t dynamic, unresolved_count;
    uint64_t pending_bytes;
    struct neigh_config config;
    nst_time reachable_time;
    nst_time reachable_drawn;
};

void neigh_table_init(struct neigh_table *t, struct net_ep *ep);
/* N81: takes the settings; each invalid one is replaced by its default. */
void neigh_table_configure(struct neigh_table *t, const struct neigh_config *config);
/* N7: everything goes, static ones too; pending packets are dropped. */
void neigh_table_flush(struct neigh_table *t);
void neigh_table_fini(struct neigh_table *t);

/* The entry for addr, made if need be, with a reference. NULL: no memory. */
struct neigh *neigh_get(struct neigh_table *t, const struct nst_addr *addr);
void neigh_put(struct neigh *n);
struct neigh *neigh_lookup(struct neigh_table *t, const struct nst_addr *addr);

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
/* A question to it is open: an answer now is solicited. */
bool neigh_is_asking(const struct neigh *n);
/* N40, N46: p waits for resolution, data at the network header. Consumes p. */
void neigh_enqueue(struct neigh *n, struct pkt *p);

/* N85: a request from a neighbour; `make` an entry if it was for us. */
void neigh_request_seen(struct neigh_table *t, const struct nst_addr *addr,
                        const struct nst_mac *mac, bool make);
/* N86. mac NULL: without a link address. True: it was believed, so what else it said of itself
 * holds too (RFC 4861 7.2.5: whether it is a router). */
bool neigh_confirm(struct neigh_table *t, const struct nst_addr *addr, const struct nst_mac *mac,
                   bool solicited, bool override);
/* N87. */
void neigh_progress(struct neigh *n);
/* N88. */
int neigh_add_static(struct neigh_table *t, const struct nst_addr *addr, const struct nst_mac *mac);
int neigh_remove(struct neigh_table *t, const struct nst_addr *addr);

#endif
