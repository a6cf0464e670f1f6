/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How protocols join the stack: tables of operations, held by the stack object. network/ and
 * transport/ never see one another; they meet here.
 */
#ifndef NICSTACK_SRC_STACK_PROTO_H
#define NICSTACK_SRC_STACK_PROTO_H

#include <nicstack/types.h>

#include "base/fwd.h"
#include "packet/packet.h"

struct addr_entry;
struct group;
struct net_ep;
struct dst;

/* Per-NIC endpoints, by index. */
enum net_index {
    NET_IPV4 = 0,
    NET_ARP,
    NET_IPV6,
    NET_INDEX_MAX
};

/* What an IP packet that came in is, once its header was read: given to transports. */
struct rx {
    struct nic *nic;
    const struct net_proto *net;
    struct nst_addr src, dst; /* v4-mapped for IPv4 */
    uint8_t proto;
    uint8_t ttl;
    uint8_t tos;
    uint8_t type;      /* enum pkt_type of the IP destination: PKT_HOST, BROADCAST, MULTICAST */
    bool dst_assigned; /* dst is an address of ours; false: taken by a promiscuous NIC only */
    bool raw_took;     /* a raw socket has a clone: its protocol is not unreachable (N101) */
    struct flow_slot *flow; /* what is known of its flow; NULL: nothing is kept of it */
};

/* What a transport says about an IP packet to send. */
struct ip_out {
    uint8_t proto;
    uint8_t ttl; /* 0: the default */
    uint8_t tos;
    bool dont_fragment; /* DF; too long then fails with -NST_EMSGSIZE */
    bool loop;          /* to a group that the sending NIC is in: we receive it too */
};

/* The meaning of an ICMP error, of either family. */
enum net_error {
    NET_ERROR_NET_UNREACHABLE,
    NET_ERROR_HOST_UNREACHABLE,
    NET_ERROR_PROTO_UNREACHABLE,
    NET_ERROR_PORT_UNREACHABLE,
    NET_ERROR_TOO_BIG, /* info: the next hop's MTU, 0 if it did not say */
    NET_ERROR_PROHIBITED,
    NET_ERROR_SOURCE_ROUTE,
    NET_ERROR_TTL_EXCEEDED,
    NET_ERROR_REASSEMBLY,
    NET_ERROR_PARAMETER,   /* info: the pointer */
    NET_ERROR_OPTION,      /* IPv6: an option that has to be known; info: the pointer */
    NET_ERROR_CHAIN_BROKEN /* IPv6: the first fragment has not all headers (RFC 7112) */
};

/* An ICMP error that quotes a packet of ours (N105): src was us, dst the peer. */
struct net_error_report {
    struct nic *nic;
    enum net_error kind;
    uint32_t info;
    uint8_t type, code;       /* as the message has them */
    struct nst_addr offender; /* who sent it */
    struct nst_addr src, dst; /* of the quoted packet */
    const uint8_t *quote;     /* its transport header, as far as quoted */
    size_t quote_len;         /* at least 8 */
};

struct net_proto {
    const char *name;
    uint16_t ethertype;
    uint8_t index; /* enum net_index */
    uint32_t min_mtu;
    uint32_t max_header; /* head-room that output pushes */
    /* State for the whole stack. 0 or -NST_ENOMEM; NULL: none. */
    int (*init)(struct nst_stack *stack);
    void (*fini)(struct nst_stack *stack);
    /* An endpoint for a NIC; NULL: nothing to do. */
    int (*ep_init)(struct net_ep *ep);
    void (*ep_fini)(struct net_ep *ep);
    int (*ep_enable)(struct net_ep *ep);
    void (*ep_disable)(struct net_ep *ep);
    /* e, in the endpoint's list, is new: may make it tentative. NULL: it is assigned. */
    void (*addr_added)(struct net_ep *ep, struct addr_entry *e);
    /* e is about to go. NULL: nothing to do. */
    void (*addr_removed)(struct net_ep *ep, struct addr_entry *e);
    /* ep->forwarding changed. NULL: nothing to do. */
    void (*forwarding_changed)(struct net_ep *ep);
    /* N68: the first joined g, whose endpoint may be disabled; the last left it. True: it is to
     * stay until groups_forget. Both NULL: the protocol has no groups. */
    void (*group_joined)(struct group *g);
    bool (*group_left)(struct group *g);
    /* The NIC's link address is another one: the neighbours are to learn it. NULL: nothing to say.
     */
    void (*announce)(struct net_ep *ep);
    /* N27: is there a whole network header, of a length that is there? Cuts off what follows it,
     * and sets trans_off when a transport header follows. */
    bool (*parse)(struct pkt *p);
    /* A packet from the NIC, data at the network header. Consumes p. */
    void (*input)(struct net_ep *ep, struct pkt *p);
    /*
     * Pushes the network header and sends by way of dst. Consumes p. Transport checksums are left
     * to complete (the pseudo header's sum is in its field). 0 (queued for resolution too),
     * -NST_EMSGSIZE, -NST_ENETDOWN, -NST_EHOSTUNREACH, -NST_ENOBUFS.
     */
    int (*output)(struct dst *dst, struct pkt *p, const struct ip_out *out);
    /* Answers the packet p (borrowed; data anywhere, net_off set) with an ICMP error, within the
     * limits of N106. */
    void (*send_error)(struct nic *nic, const struct pkt *p, enum net_error kind, uint32_t info);
    /* N47: the next hop of p (borrowed, data at the network header) does not answer: tells the
     * transport that sent it, or the host from which it came. */
    void (*unresolved)(struct net_ep *ep, const struct pkt *p);
    /* N47, N84: a neighbour did not answer; told before what waited for it ends. NULL: nothing to
     * do. */
    void (*neigh_failed)(struct net_ep *ep);
    /* Asks for the link address of `target`: by multicast or broadcast, or to `mac` if not NULL. */
    void (*solicit)(struct net_ep *ep, const struct nst_addr *target, const struct nst_mac *mac);
};

struct transport_proto {
    const char *name;
    uint8_t number;
    /* 0 or -NST_ENOMEM. fini ends every endpoint without sending. */
    int (*init)(struct nst_stack *stack);
    void (*fini)(struct nst_stack *stack);
    /* Consumes p; its data is at the transport header, pulled up as far as it is there. */
    void (*input)(struct nst_stack *stack, struct pkt *p, const struct rx *rx);
    void (*error)(struct nst_stack *stack, const struct net_error_report *report);
};

#endif
