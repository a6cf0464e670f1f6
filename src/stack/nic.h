/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NIC inside the stack: nic.c has its life, nic_input.c the inbound order of NIC.md section 2,
 * nic_output.c the outbound one of section 3.
 */
#ifndef NICSTACK_SRC_STACK_NIC_H
#define NICSTACK_SRC_STACK_NIC_H

#include <nicstack/nic.h>

#include "base/list.h"
#include "packet/counter.h"
#include "packet/packet.h"
#include "stack/addrs.h"
#include "stack/groups.h"
#include "stack/neigh.h"
#include "stack/nic_tap.h"
#include "stack/proto.h"
#include "stack/stack.h"
#include "stack/tally.h"

struct ip6_host;

/* A network protocol on a NIC. */
struct net_ep {
    struct nic *nic;
    const struct net_proto *proto; /* NULL: the protocol does not fit this NIC */
    bool enabled;
    bool forwarding; /* the NIC is a router's, as far as this protocol goes */
    struct addrs addrs;
    struct groups groups;
    struct ip6_host *host;     /* IPv6: what routers taught; NULL: nobody is listened to */
    uint32_t mtu;              /* of packets, if less than the link's; 0: the link's */
    uint8_t hop_limit;         /* IPv6: what routers advise; 0: nothing */
    struct neigh_table neighs; /* where the protocol and the link resolve */
};

struct nic {
    struct nst_link_upper upper; /* first: what the link delivers to */
    struct list node;            /* stack->nics */
    struct nst_stack *stack;
    struct nst_link *link;
    uint32_t id;
    bool enabled, promiscuous, spoofing;
    bool tx_blocked_seen;
    bool no_group_reports, accept_ra, temporary_addresses;
    bool tapped;        /* a packet socket looks: nic_tap.h */
    uint8_t link_local; /* enum nst_link_local */
    char name[NST_NIC_NAME_MAX];
    void *context;
    struct net_ep eps[NET_INDEX_MAX];
    struct neigh_pending pending; /* what waits for link addresses */
    struct nst_pktq rxq;          /* delivered by the link, not yet looked at */
    struct nst_pktq loopq;        /* to our own addresses, not yet looked at */
    struct nst_pktq txq;          /* ready for the link */
    uint32_t txq_max_packets, txq_max_bytes;
    /* Sums over all that was ever put in txq, and over all of it that the link took. */
    struct nic_tx_sums {
        uint64_t bytes; /* at network level */
        uint64_t segments;
    } tx_queued, tx_taken;
    struct list tx_waiters; /* of struct todo: connections that wait for room */
    struct todo todo;       /* flush */
    struct tape_link taped; /* the recorder's */
    struct nic_counters counters;
    struct tally unknown_protocols; /* N26, by EtherType */
};

static inline struct net_ep *nic_ep(struct nic *nic, enum net_index index)
{
    return nic->eps[index].proto != NULL ? &nic->eps[index] : NULL;
}
/* Can others be on its link, whose link addresses are asked for? */
static inline bool nic_has_neighbours(const struct nic *nic)
{
    return (nic->link->caps & (NST_LINK_RESOLVES | NST_LINK_LOOPBACK)) == NST_LINK_RESOLVES;
}
/* The endpoint of the family of addr; NULL: it does not fit this NIC. */
static inline struct net_ep *nic_ep_for(struct nic *nic, const struct nst_addr *addr)
{
    return nic_ep(nic, nst_addr_is_v4(addr) ? NET_IPV4 : NET_IPV6);
}
/* The endpoint of a network protocol with addresses, as the public API names it, by EtherType. 0;
 * -NST_ENOENT (NIC), -NST_EPROTONOSUPPORT, -NST_EOPNOTSUPP (ARP; or it does not fit the NIC). */
int nic_ip_ep(const struct nst_stack *stack, uint32_t id, uint16_t protocol,
              struct net_ep **ret_ep);

/* NULL: no such NIC. */
struct nic *nic_by_id(const struct nst_stack *stack, uint32_t id);

/* The other NIC of that name; NULL: none. */
struct nic *nic_by_name(const struct nst_stack *stack, const char *name);
/* Writes `name`, or nicN (NULL), if it is a possible one that no NIC has. 0, -NST_EINVAL,
 * -NST_EEXIST. */
int nic_choose_name(const struct nst_stack *stack, const char *name, uint32_t id,
                    char ret_name[NST_NIC_NAME_MAX]);

/* A NIC that is on the stack's list: what nst_nic_remove does. */
void nic_free(struct nic *nic);

/* Begins and ends the endpoint of a protocol; it is disabled at both. 0 or -NST_ENOMEM. */
int nic_ep_init(struct nic *nic, const struct net_proto *proto);
void nic_ep_fini(struct net_ep *ep);
/* Starts it, on a NIC that is enabled. 0 or an error of the protocol: then it is disabled. */
int nic_ep_enable(struct net_ep *ep);
/* Stops it, and empties its neighbour table. Not enabled is fine. */
void nic_ep_disable(struct net_ep *ep);

/* Who sent the frame that p came in, where the link says so; else all zero. */
struct nst_mac nic_sender(const struct nic *nic, const struct pkt *p);

/* The ends of struct nst_link_upper, for nic.c: they queue and schedule. */
HIDDEN void nic_deliver(struct nst_link_upper *upper, struct nst_pktq *q);
HIDDEN void nic_writable(struct nst_link_upper *upper);
/* The NIC's todo: hands txq to the link. */
HIDDEN void nic_flush(struct todo *todo);

static inline bool nic_has_input(const struct nic *nic)
{
    return !nst_pktq_is_empty(&nic->rxq) || !nst_pktq_is_empty(&nic->loopq);
}

/* Works off up to `limit` received packets; returns how many. */
uint32_t nic_run_input(struct nic *nic, uint32_t limit);

/* A packet of `len` bytes, still to be written, with room for `headers` and the link's header in
 * front. NULL: no memory. */
struct pkt *nic_build(const struct nic *nic, uint32_t headers, uint32_t len);

/*
 * Sends p, data at the network header, to a link address: pushes the link header, cuts and
 * completes what the link cannot (N45), queues. Consumes p. 0, -NST_ENETDOWN, -NST_ENOBUFS.
 */
int nic_output(struct nic *nic, struct pkt *p, uint16_t ethertype, const struct nst_mac *dst);
/* The same for a whole frame, data at its link header, which is as the sender wants it. 0,
 * -NST_EINVAL (no link header), -NST_EMSGSIZE (longer than the MTU), -NST_ENETDOWN, -NST_ENOBUFS.
 */
int nic_output_frame(struct nic *nic, struct pkt *p);
/* Sends p to a neighbour, now or when it is resolved (N40). Consumes p. 0 or an error. */
int nic_output_neigh(struct nic *nic, struct pkt *p, uint16_t ethertype, struct neigh *neigh);

/*
 * Gives p, data at the network header, back to the NIC's own network layer in the next turn without
 * the link seeing it: a packet to an address of our own (dst->is_local). N28 does not apply to it,
 * its type is PKT_HOST and its checksums count as NST_CSUM_PARTIAL or are complete. Consumes p. 0,
 * -NST_ENETDOWN, -NST_ENOBUFS.
 */
int nic_loop(struct nic *nic, struct pkt *p, uint16_t ethertype);

/* Sends p, data at the network header, the way that d says. Consumes p. 0 or an error. */
static inline int nic_output_dst(struct dst *d, struct pkt *p, uint16_t ethertype)
{
    if (likely(d->neigh != NULL))
        return nic_output_neigh(d->nic, p, ethertype, d->neigh);
    if (d->is_local)
        return nic_loop(d->nic, p, ethertype);
    return nic_output(d->nic, p, ethertype, &d->mac);
}

/* Is txq full to that many eighths? */
static inline bool nic_is_filled(const struct nic *nic, uint32_t eighths)
{
    return nic->txq.bytes >= (uint64_t)nic->txq_max_bytes * eighths / 8 ||
           nic->txq.count >= (uint64_t)nic->txq_max_packets * eighths / 8;
}
/* No room beyond a small share. */
static inline bool nic_is_blocked(const struct nic *nic)
{
    return nic_is_filled(nic, 4);
}
/* Schedules `todo` once there is room again. It must be on no list; it is removed with todo_cancel.
 */
static inline void nic_wait_writable(struct nic *nic, struct todo *todo)
{
    if (!list_is_linked(&todo->node))
        list_add_tail(&nic->tx_waiters, &todo->node);
}

#endif
