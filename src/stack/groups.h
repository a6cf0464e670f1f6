/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The multicast groups of one network endpoint (N68).
 *
 * Theory of operation. A group is there while somebody joined it: the host by the public API,
 * sockets, or the stack itself (all hosts, all nodes, the solicited-node groups of its addresses).
 * Joins are counted: the first makes the entry, the last takes it away. The endpoint takes packets
 * for the groups that are there, enabled or not; what is told to routers is the network protocol's
 * (network/listener.c), which hears of the first and the last join by proto->group_joined and
 * group_left. A group whose last member left may stay without joins as long as that is told.
 *
 * A socket holds its membership as an object of its own, which knows the group by a pointer. When a
 * NIC goes its groups go, and the memberships stay without a group until their sockets let go.
 *
 * Invariants: (1) a group is in `table` and `list`, or does not exist; (2) joins is what was joined
 * less what was left, memberships included; (3) a group without joins is not a member's: look-ups
 * for receiving do not find it.
 *
 * Limits: GROUPS_MAX an endpoint, those that are still being left included.
 */
#ifndef NICSTACK_SRC_STACK_GROUPS_H
#define NICSTACK_SRC_STACK_GROUPS_H

#include <nicstack/nic.h>

#include "base/fwd.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/timer.h"

#define GROUPS_MAX 1024

struct net_ep;
struct listener_family;

struct group {
    struct hash_node node;
    struct list by_order; /* in groups->list */
    struct net_ep *ep;
    struct nst_addr addr;
    uint32_t joins;      /* 0: it was left, and that is being told */
    uint32_t host_joins; /* those of them that the host made, and may undo */
    struct list members; /* of struct membership */
    /* The rest is the network protocol's, which sets the timer's function; it is cancelled when the
     * group goes. */
    struct timer timer;
    uint8_t changes;    /* reports of the last change that are still to be sent */
    bool last_reporter; /* old versions: nobody else reported it since we did */
};

/* What the network protocol keeps for all groups of an endpoint (network/listener.c). */
struct group_listener {
    const struct listener_family *family;
    struct timer changes; /* the next report of changes */
    struct timer answer;  /* to a general query */
    nst_time old_until, oldest_until;
    nst_time interval; /* between general queries, as the querier says */
    uint8_t robustness;
    bool has_all; /* all hosts, all nodes are joined */
};

struct groups {
    struct hash table;
    struct list list; /* first joined first */
    uint32_t count;
    struct group_listener listener;
};

/* A socket's. Zero-initialised but for its owner's part. */
struct membership {
    struct list by_owner;
    struct list by_group;
    struct group *group; /* NULL: its NIC is gone */
    struct nst_addr addr;
    uint32_t nic;
};

void groups_init(struct net_ep *ep);
void groups_fini(struct net_ep *ep);

/* One join more. 0; -NST_EINVAL (no multicast address of the family), -NST_ENOBUFS (GROUPS_MAX),
 * -NST_ENOMEM. */
int groups_join(struct net_ep *ep, const struct nst_addr *addr);
/* One less. 0 or -NST_EADDRNOTAVAIL. */
int groups_leave(struct net_ep *ep, const struct nst_addr *addr);
/* Was it joined? */
bool groups_has(const struct net_ep *ep, const struct nst_addr *addr);
/* The entry, also one that is being left; NULL: none. */
struct group *groups_lookup(const struct net_ep *ep, const struct nst_addr *addr);
/* For the network protocol: g, without joins, was told about enough. */
void groups_forget(struct group *g);

/* Joins m->addr on m->nic (0: where a packet to the group would leave, which is written to m->nic).
 * 0; what groups_join says; -NST_ENOENT (no such NIC), -NST_EOPNOTSUPP (the family does not fit
 * it). m->by_owner is the caller's. */
int membership_join(struct nst_stack *stack, struct membership *m);
void membership_leave(struct membership *m);

#endif
