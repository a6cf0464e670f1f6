/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destinations: the cached way to one address: route, next hop, source address, path MTU, neighbour
 * and the link header as it will be pushed. Network protocols fill it in, transports hold a
 * reference and read it.
 *
 * A dst is shared by (destination, source, NIC) and counted. It is stale when routes, addresses or
 * NICs changed since (dst_is_valid): then its holder gets a new one. Path MTU survives in the entry
 * as long as somebody holds it or it is recent (10 minutes, RFC 1191 6.3).
 *
 * What every packet asks of one, dst_is_valid and dst_output, is in stack.h, in line.
 */
#ifndef NICSTACK_SRC_STACK_DST_H
#define NICSTACK_SRC_STACK_DST_H

#include <nicstack/types.h>

#include "base/fwd.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/slab.h"
#include "packet/packet.h"

struct neigh_table;
struct net_proto;
struct ip_out;

struct dst {
    struct hash_node node;
    struct list lru; /* linked while refs == 0 */
    struct nst_stack *stack;
    const struct net_proto *net;
    struct nic *nic;
    struct neigh *neigh; /* the next hop's, held; NULL where nothing is to be resolved */
    struct nst_addr addr, source, next_hop;
    struct nst_addr key_source; /* the source that was asked for, all zero: any */
    struct nst_mac mac;         /* where neigh is NULL */
    uint32_t refs;
    uint32_t generation;
    uint32_t mtu;     /* of the path, bytes of a whole IP packet */
    uint32_t key_nic; /* the NIC that was asked for, 0 any */
    uint32_t headroom;
    uint32_t gso_max;
    uint32_t addr_sum; /* partial checksum of both addresses, for headers and pseudo headers */
    uint16_t ip_id;    /* IPv4: of the next packet */
    uint8_t hop_limit; /* IPv6: what routers advise; 0: nothing */
    uint8_t type;      /* enum pkt_type of addr: PKT_HOST, BROADCAST, MULTICAST */
    bool is_local;     /* it loops back: addr is ours */
    bool hashed;       /* look-ups find it; else it goes with its last reference */
    nst_time mtu_expires;
};

struct dst_table {
    struct hash table;
    struct list lru; /* unreferenced ones, oldest first, at most 1024 */
    uint32_t idle;
    struct slab slab;
};

void dst_table_init(struct nst_stack *stack);
void dst_table_fini(struct nst_stack *stack);

/*
 * The way to `remote`, with `local` as source (all zero or the family's unspecified: chosen), out
 * of NIC `nic` (0: the route's). Gives a reference. On failure *ret_dst is unchanged:
 * -NST_ENETUNREACH, -NST_EADDRNOTAVAIL (local is not ours, and the NIC does not spoof),
 * -NST_ENETDOWN, -NST_ENOMEM, -NST_EAFNOSUPPORT.
 */
int dst_get(struct nst_stack *stack, const struct nst_addr *remote, const struct nst_addr *local,
            uint32_t nic, struct dst **ret_dst);
static inline struct dst *dst_ref(struct dst *d)
{
    d->refs++;
    return d;
}
/* NULL is fine. */
void dst_put(struct dst *d);
/* Frees the longest unused destination, so that what it holds (a neighbour) is free too. False:
 * there is none. */
bool dst_shed(struct nst_stack *stack);
/* The same for one that holds a neighbour of table t: rather one that does not answer than the
 * longest unused (N90). */
bool dst_shed_neigh(struct nst_stack *stack, const struct neigh_table *t);

/* A copy of p, at most `most` bytes at the transport header, for our own members of the group that
 * d leads to: whole, with its checksum and `room` for the network header. NULL: none is to be made,
 * for nobody is in it or the link is a loopback, which brings it anyway; or no memory. */
struct pkt *dst_group_copy(const struct dst *d, const struct pkt *p, uint32_t room, uint32_t most);

/* Head-room that a packet for dst needs in front of its transport header. */
static inline uint32_t dst_headroom(const struct dst *d)
{
    return d->headroom;
}
/* Largest transport segment or datagram payload + header that fits one packet: mtu less the IP
 * header. */
uint32_t dst_mtu(const struct dst *d);
/* Largest IP packet with a TCP gso request that may be given to output; 0: none, send MSS-sized
 * ones. The NIC cuts in software where the link cannot. */
static inline uint32_t dst_gso_max(const struct dst *d)
{
    return d->gso_max;
}
/* The NIC's queue towards this destination takes no more now: emit nothing but a small share
 * (DESIGN decision 11). nic_wait_writable(d->nic, todo) tells when it may go on. */
bool dst_is_blocked(const struct dst *d);
/* The small share, in eighths of that queue: a lone segment may go up to the sixth, what carries no
 * data up to the seventh. */
#define DST_FILLED_LONE    6
#define DST_FILLED_CONTROL 7
bool dst_is_filled(const struct dst *d, uint32_t eighths);
/* How many packets of `size` bytes fit before there is no room for a lone one; at least 1. */
uint32_t dst_room(const struct dst *d, uint32_t size);
/* An upper layer made progress with the peer: the neighbour is reachable (N87). */
void dst_confirm(struct dst *d);
/* The path takes only `mtu` bytes (ICMP; believed by the transport first). */
void dst_lower_mtu(struct dst *d, uint32_t mtu);

#endif
