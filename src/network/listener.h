/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host side of IGMP and MLD: one machine for both. listener.c has the theory of operation,
 * igmp.c and mld.c read and write the messages.
 */
#ifndef NICSTACK_SRC_NETWORK_LISTENER_H
#define NICSTACK_SRC_NETWORK_LISTENER_H

#include "stack/groups.h"
#include "wire/grouprec.h"

/* RFC 3376 8, RFC 3810 9; RFC 2236 8, RFC 2710 7 for the old versions. */
#define LISTENER_ROBUSTNESS      2
#define LISTENER_INTERVAL        (125 * NST_SEC)
#define LISTENER_UNSOLICITED     NST_SEC        /* between reports of a change */
#define LISTENER_UNSOLICITED_OLD (10 * NST_SEC) /* the same, old versions */
#define LISTENER_RECORDS_MAX     60             /* in one report: 60 MLD records fit 1,280 bytes */

/* How old is what the querier speaks? */
enum listener_mode {
    LISTENER_NEW,    /* IGMPv3, MLDv2 */
    LISTENER_OLD,    /* IGMPv2, MLDv1 */
    LISTENER_OLDEST, /* IGMPv1 */
};

struct listener_family {
    uint32_t headers;     /* bytes of a report before its records, IP header and options included */
    uint32_t record_size; /* bytes */
    /* Is g to be told about? (Not all hosts, not what stays inside the node.) */
    bool (*is_told)(const struct group *g);
    /* Each sends, or does not for want of memory. `count` is 1 or more. */
    void (*send_records)(struct net_ep *ep, const struct group_record *records, unsigned count);
    void (*send_report)(struct net_ep *ep, const struct group *g, enum listener_mode mode);
    void (*send_leave)(struct net_ep *ep, const struct group *g);
};

/* A query that passed its checks. */
struct listener_query {
    enum listener_mode mode;
    bool general;
    struct nst_addr group; /* unless general */
    nst_time max_delay, interval;
    uint8_t robustness; /* 0, as interval: it did not say */
};

/* For net_proto.ep_init: before the first join. */
void listener_init(struct net_ep *ep, const struct listener_family *family);
/* The NIC comes up: `all` (all hosts) is joined, everything is told anew. 0 or -NST_ENOMEM. */
int listener_start(struct net_ep *ep, const struct nst_addr *all);
/* It goes down: routers are told that everything is left; `all` is. */
void listener_stop(struct net_ep *ep, const struct nst_addr *all);
/* Tells everything anew: there is a better source address than when it was told. */
void listener_tell_all(struct net_ep *ep);

/* net_proto.group_joined and group_left. */
void listener_joined(struct group *g);
bool listener_left(struct group *g);

void listener_query(struct net_ep *ep, const struct listener_query *query);
/* Another host reported the group, by an old version. */
void listener_report_heard(struct net_ep *ep, const struct nst_addr *group);

#endif
