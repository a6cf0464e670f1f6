/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of one network endpoint (NIC.md section 4): a list in order of preference.
 * Temporary ones (promiscuous, spoofing) are not kept as entries: whoever refers to one holds its
 * own key, and the NIC's mode is asked when it matters, so a flood of destinations costs nothing
 * (docs/decisions/).
 */
#ifndef NICSTACK_SRC_STACK_ADDRS_H
#define NICSTACK_SRC_STACK_ADDRS_H

#include <nicstack/event.h>

#include "base/fwd.h"
#include "base/list.h"
#include "base/timer.h"

struct net_ep;

struct addr_entry {
    struct list node;
    struct net_ep *ep;
    struct nst_nic_addr info; /* with its state; without its lifetimes */
    /* When they end; NST_TIME_NEVER: for ever (addr_life.c). */
    nst_time valid_until, preferred_until;
    struct timer life;
    /* The rest is the network protocol's, which arms the timer and sets its function; it is
     * cancelled when the entry goes. */
    struct timer timer;
    bool joined;                   /* its solicited-node group */
    bool generated;                /* made by us, not by the host: so another can be tried */
    nst_time made, preferred_most; /* of a temporary one: when, and for how long at most */
    uint8_t attempt;
    uint8_t probes; /* questions sent */
    uint8_t looped; /* of them seen coming back */
    uint8_t nonce[6];
    nst_time conflict; /* when it was told last that another has it; 0: never */
};

struct addrs {
    struct list list; /* of struct addr_entry, preferred ones first */
    uint32_t count;
};

/* What an address is to an endpoint. */
enum addr_kind {
    ADDR_NOT_OURS = 0,
    ADDR_ASSIGNED,         /* permanent, not tentative: receives and sends */
    ADDR_SUBNET_BROADCAST, /* of an assigned IPv4 subnet */
    ADDR_TEMPORARY,        /* taken only because the NIC is promiscuous */
};

void addrs_init(struct addrs *a);
void addrs_fini(struct net_ep *ep);
/* 0, -NST_EEXIST, -NST_ENOMEM. The on-link route is nic_addr.c's. */
int addrs_add(struct net_ep *ep, const struct nst_nic_addr *info);
/* The entry, whatever its state; NULL: none. */
struct addr_entry *addrs_lookup(const struct net_ep *ep, const struct nst_addr *addr);
/* Sets the state of an entry: assigned or tentative. */
void addrs_set_state(struct addr_entry *e, enum nst_addr_state state);
/* Another node has it: `who`, NULL where that is not known. */
void addrs_set_duplicate(struct addr_entry *e, const struct nst_mac *who);
/* Deprecated from now on, or preferred again. */
void addrs_set_deprecated(struct addr_entry *e, bool deprecated);
/* Moves it to where addresses of that place stand. */
void addrs_set_place(struct addr_entry *e, enum nst_addr_place place);
/* Another address in place of that of e, which is a duplicate; it is tentative. */
void addrs_replace(struct addr_entry *e, const struct nst_addr *addr);
/* Takes e out and frees it. */
void addrs_remove(struct addr_entry *e, enum nst_event_why why);
/* N62, N63. */
enum addr_kind addrs_classify(const struct net_ep *ep, const struct nst_addr *addr);
/* The first link-local address (IPv6) in that state; NULL: none. */
const struct addr_entry *addrs_link_local(const struct net_ep *ep, enum nst_addr_state state);
/* Is it assigned here (not temporary)? */
bool addrs_has(const struct net_ep *ep, const struct nst_addr *addr);
/* The enabled endpoint of the network protocol `index` to which addr is assigned; NULL: none. */
struct net_ep *addrs_owner(const struct nst_stack *stack, unsigned index,
                           const struct nst_addr *addr);
/* N65: the source for `remote`; `hint` (what the host said of the route, all zero: none) first.
 * False: none. IPv4 takes one that is not deprecated, then the longest matching prefix, then list
 * order; IPv6 what RFC 6724 says (source6.c). */
bool addrs_select_source(const struct net_ep *ep, const struct nst_addr *remote,
                         const struct nst_addr *hint, struct nst_addr *ret_source);
/* The second half of it, for IPv6. */
bool source6_select(const struct net_ep *ep, const struct nst_addr *remote,
                    struct nst_addr *ret_source);
/* Bits that two addresses share, counted as their family counts them. */
unsigned addrs_common_bits(const struct nst_addr *x, const struct nst_addr *y);

/* N64: the main address; NULL: none. */
const struct addr_entry *addrs_main(const struct net_ep *ep);

/* ---- Lifetimes (addr_life.c): as durations from now on, 0 and NST_TIME_NEVER are for ever ---- */

/* Are they possible? */
bool addr_life_is_sane(nst_time valid, nst_time preferred);
/* Sets both. An end that is reached deprecates the address, or removes it by nic_addr_drop. */
void addr_life_set(struct addr_entry *e, nst_time valid, nst_time preferred);
/* What nst_nic_addr_list tells of e: with what is left of its lifetimes. */
struct nst_nic_addr addr_life_info(const struct addr_entry *e);
/* Of e->life. */
HIDDEN void addr_life_fire(struct timer *timer, nst_time now);

/* ---- With its on-link route (nic_addr.c) ---- */

/* Removes e, and its on-link route where no other address needs it. For whoever finds out that an
 * address has to go: its lifetime, a conflict. */
void nic_addr_drop(struct addr_entry *e, enum nst_event_why why);

/* Bits that it shares with `remote`; those behind its prefix say nothing about nearness (RFC 6724
 * 2.2). */
unsigned addr_entry_near_bits(const struct addr_entry *e, const struct nst_addr *remote);

static inline bool addr_entry_is_assigned(const struct addr_entry *e)
{
    return e->info.state == NST_ADDR_ASSIGNED;
}
/* Can it be chosen as a source? */
static inline bool addr_entry_is_primary(const struct addr_entry *e)
{
    return addr_entry_is_assigned(e) && e->info.place != NST_PLACE_NEVER_PRIMARY;
}

#endif
