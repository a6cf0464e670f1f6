/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of one network endpoint (NIC.md section 4): a list in order of preference.
 * Temporary ones (promiscuous, spoofing) are not kept as entries: whoever refers to one holds its
 * own key, and the NIC's mode is asked when it matters, so a flood of destinations costs nothing
 * (docs/decisions/).
 */
#ifndef NICSTACK_SRC_STACK_ADDRS_H
#define NICSTACK_SRC_STACK_ADDRS_H

#include <nicstack/nic.h>

#include "base/fwd.h"
#include "base/list.h"

struct addr_entry {
    struct list node;
    struct nst_nic_addr info;
};

struct addrs {
    struct list list; /* of struct addr_entry, preferred ones first */
    uint32_t count;
};

/* What an address is to an endpoint. */
enum addr_kind {
    ADDR_NOT_OURS = 0,
    ADDR_ASSIGNED,         /* permanent: receives and sends */
    ADDR_SUBNET_BROADCAST, /* of an assigned IPv4 subnet */
    ADDR_TEMPORARY,        /* taken only because the NIC is promiscuous */
};

struct net_ep;

void addrs_init(struct addrs *a);
void addrs_fini(struct net_ep *ep);
/* 0, -NST_EEXIST, -NST_ENOMEM. */
int addrs_add(struct net_ep *ep, const struct nst_nic_addr *info);
/* 0 or -NST_EADDRNOTAVAIL. */
int addrs_remove(struct net_ep *ep, const struct nst_addr *addr);
/* N62, N63. */
enum addr_kind addrs_classify(const struct net_ep *ep, const struct nst_addr *addr);
/* Is it assigned here (not temporary)? */
bool addrs_has(const struct net_ep *ep, const struct nst_addr *addr);
/* The enabled endpoint of the network protocol `index` to which addr is assigned; NULL: none. */
struct net_ep *addrs_owner(const struct nst_stack *stack, unsigned index,
                           const struct nst_addr *addr);
/* N65: the source for `remote`; `hint` (the route's, all zero: none) first. False: none. */
bool addrs_select_source(const struct net_ep *ep, const struct nst_addr *remote,
                         const struct nst_addr *hint, struct nst_addr *ret_source);

#endif
