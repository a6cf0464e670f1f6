/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Router discovery as a host: RFC 4861 6.3 and 8.3, RFC 4191 (preferences), RFC 7559 (asking on).
 * router.c has the theory of operation, slaac.c the addresses.
 */
#ifndef NICSTACK_SRC_NETWORK_ROUTER_H
#define NICSTACK_SRC_NETWORK_ROUTER_H

#include "base/timer.h"
#include "packet/packet.h"
#include "stack/addrs.h"
#include "stack/proto.h"

#define ROUTERS_MAX   8
#define PREFIXES_MAX  32
#define REDIRECTS_MAX 32
/* Of the routes that routers teach: what the host says itself (0) goes first. */
#define ROUTER_METRIC 1024
#define PREFIX_METRIC 256

#define SOLICIT_DELAY    NST_SEC          /* MAX_RTR_SOLICITATION_DELAY */
#define SOLICIT_WAIT     (4 * NST_SEC)    /* RTR_SOLICITATION_INTERVAL */
#define SOLICIT_WAIT_MAX (3600 * NST_SEC) /* RFC 7559 2.1: MRT */

struct default_router {
    struct nst_addr addr;
    nst_time until;
    int8_t preference; /* RFC 4191 2.1: 1 high, 0 medium, -1 low */
};

struct on_link_prefix {
    struct nst_addr prefix; /* bits behind len are zero */
    nst_time until;
    uint8_t len;
};

struct redirect {
    struct nst_addr destination, target;
};

/* What routers taught one IPv6 endpoint. */
struct ip6_host {
    struct net_ep *ep;
    struct timer solicit; /* the next question */
    struct timer life;    /* the next end of a router or a prefix */
    struct timer renew;   /* the next temporary address (slaac.c) */
    nst_time wait;        /* between the last question and the next; 0: none was asked */
    bool is_temporary;    /* make temporary addresses */
    bool has_default;     /* routers[..] that is `gateway` has the default route */
    bool has_tuned;       /* the neighbour table; how it was before: */
    nst_time base_reachable, retransmit;
    struct nst_addr gateway;
    unsigned router_count, prefix_count, redirect_count;
    struct default_router routers[ROUTERS_MAX];
    struct on_link_prefix prefixes[PREFIXES_MAX];
    struct redirect redirects[REDIRECTS_MAX]; /* oldest first */
};

/* net_proto.ep_init and ep_fini. Without accept_ra in the NIC's configuration there is no state,
 * and all of this does nothing. 0 or -NST_ENOMEM. */
int router_init(struct net_ep *ep);
void router_fini(struct net_ep *ep);
/* N6, N7, and the NIC becomes a host or a router (ep->forwarding). */
void router_start(struct net_ep *ep);
void router_stop(struct net_ep *ep);

/* A router advertisement or redirect, data at the ICMPv6 header, from a link-local address. False:
 * it is malformed. */
bool router_advertised(struct net_ep *ep, const struct pkt *p, const struct rx *rx);
bool router_redirected(struct net_ep *ep, const struct pkt *p, const struct rx *rx);
/* N86: the neighbour says that it is no router any more. */
void router_gone(struct net_ep *ep, const struct nst_addr *addr);
/* A neighbour did not answer: if it was the next hop of something, another is chosen. */
void router_unreachable(struct net_ep *ep);

#endif
