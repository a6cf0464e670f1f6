/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NIC: it joins a link below to the network protocols above.
 */
#ifndef NICSTACK_NIC_H
#define NICSTACK_NIC_H

#include <nicstack/link.h>
#include <nicstack/neigh.h>
#include <nicstack/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NST_NIC_NAME_MAX 16 /* with its NUL */

/* How a NIC makes itself an IPv6 link-local address. */
enum nst_link_local {
    NST_LINK_LOCAL_NONE = 0, /* not at all */
    NST_LINK_LOCAL_EUI64,    /* from the link address (RFC 4291 appendix A) */
    NST_LINK_LOCAL_OPAQUE,   /* stable for NIC and seed, and telling nobody anything (RFC 7217) */
};

struct nst_nic_config {
    size_t size;               /* sizeof(struct nst_nic_config) */
    uint32_t id;               /* 0: the next free one */
    const char *name;          /* unique, not empty; NULL: "nicN" */
    void *context;             /* returned unchanged */
    struct nst_link *link;     /* required; stays the caller's, who frees it after nst_nic_remove */
    bool disabled;             /* do not enable it yet */
    bool promiscuous;          /* take packets for any address */
    bool spoofing;             /* send from any address */
    uint32_t tx_queue_packets; /* 0: 1000 */
    uint32_t tx_queue_bytes;   /* 0: 4 MiB */
    uint8_t link_local;        /* enum nst_link_local: IPv6's own, made when the NIC is enabled */
    bool no_group_reports;     /* tell no router what groups are joined: neither IGMP nor MLD */
    bool accept_ra;           /* IPv6: listen to routers, for routes and addresses (RFC 4861, 4862);
                                 set link_local, too */
    bool temporary_addresses; /* with accept_ra: random ones besides, preferred as sources (RFC
                                 8981) */
};

/* 0; -NST_EINVAL (config, link, link address), -NST_EEXIST (id or name), -NST_ENOMEM. Nothing is
 * left behind on failure. */
NST_API int nst_nic_add(struct nst_stack *stack, const struct nst_nic_config *config,
                        uint32_t *ret_id);
/* Disables, drops what waits, deletes its routes and detaches the link. 0 or -NST_ENOENT. */
NST_API int nst_nic_remove(struct nst_stack *stack, uint32_t id);
/* Both idempotent. 0, -NST_ENOENT, -NST_ENOMEM (then it is disabled). */
NST_API int nst_nic_enable(struct nst_stack *stack, uint32_t id);
NST_API int nst_nic_disable(struct nst_stack *stack, uint32_t id);

struct nst_nic_info {
    uint32_t id;
    char name[NST_NIC_NAME_MAX];
    void *context;
    uint32_t mtu;
    uint32_t caps; /* NST_LINK_* */
    struct nst_mac addr;
    bool enabled, promiscuous, spoofing, forwarding, tx_blocked;
};
/* 0 or -NST_ENOENT. */
NST_API int nst_nic_get_info(const struct nst_stack *stack, uint32_t id,
                             struct nst_nic_info *ret_info);
/* The id after `id` in order, starting with 0; 0 at the end. */
NST_API uint32_t nst_nic_next(const struct nst_stack *stack, uint32_t id);

/* 0 or -NST_ENOENT. */
NST_API int nst_nic_set_promiscuous(struct nst_stack *stack, uint32_t id, bool on);
NST_API int nst_nic_set_spoofing(struct nst_stack *stack, uint32_t id, bool on);
NST_API int nst_nic_set_context(struct nst_stack *stack, uint32_t id, void *context);

/* ---- What can be changed while the NIC is up, or down (N10). Each is an event, but not if it is
 * as it was. ---- */

/* 0; -NST_ENOENT, -NST_EINVAL (empty, too long), -NST_EEXIST (another NIC's). */
NST_API int nst_nic_set_name(struct nst_stack *stack, uint32_t id, const char *name);

/*
 * The largest network-layer packet, in bytes. Routes, path MTUs and the segments of connections
 * follow with the next packet; what is queued leaves as it is. A network protocol that does not fit
 * any more (IPv4 68, IPv6 1280) is stopped on this NIC, its addresses and routes go; one that fits
 * now is started, without addresses (docs/decisions/0020).
 *
 * 0; -NST_ENOENT, -NST_EOPNOTSUPP (the link's MTU is fixed), -NST_EINVAL (out of the link's range),
 * -NST_ENOMEM, or another error of the link: then all is as it was.
 */
NST_API int nst_nic_set_mtu(struct nst_stack *stack, uint32_t id, uint32_t mtu);

/* The link address. IPv6 addresses that were made from the old one stay. 0; -NST_ENOENT,
 * -NST_EOPNOTSUPP (the link has none, or a fixed one), -NST_EINVAL (not a unicast address), or
 * another error of the link. */
NST_API int nst_nic_set_link_addr(struct nst_stack *stack, uint32_t id, struct nst_mac addr);

/*
 * Is this NIC a router's, for one network protocol (NST_ETHERTYPE_IPV4, NST_ETHERTYPE_IPV6)? Over
 * IPv6 a router says so in its neighbour advertisements, and takes no advice of routers. Packets
 * for others are not sent on yet: they end as drop_ip_not_ours, whatever this says.
 *
 * 0; -NST_ENOENT, -NST_EPROTONOSUPPORT (no such protocol), -NST_EOPNOTSUPP (it does not forward, as
 * ARP; or it does not fit the NIC). The second gives 1 or 0, or the same errors.
 */
NST_API int nst_nic_set_forwarding(struct nst_stack *stack, uint32_t id, uint16_t protocol,
                                   bool on);
NST_API int nst_nic_get_forwarding(const struct nst_stack *stack, uint32_t id, uint16_t protocol);

/* ---- Addresses (N60 to N69), of both families alike ---- */

/* Where an address stands in the list of its family. */
enum nst_addr_place {
    NST_PLACE_CAN_BE_PRIMARY = 0, /* at the end */
    NST_PLACE_FIRST_PRIMARY,      /* at the front */
    NST_PLACE_NEVER_PRIMARY,      /* it receives, and sends for who asks for it alone */
};

/* Who made it. */
enum nst_addr_kind {
    NST_ADDR_STATIC = 0,     /* the host */
    NST_ADDR_SLAAC,          /* the stack, from what a router advertised (RFC 4862) */
    NST_ADDR_SLAAC_TEMPORARY /* the same, to be changed often (RFC 8981) */
};

/* What an address can be used for. */
enum nst_addr_state {
    NST_ADDR_ASSIGNED = 0, /* it receives and sends */
    NST_ADDR_TENTATIVE,    /* nobody knows yet whether another node has it; unusable */
    NST_ADDR_DUPLICATE,    /* another node has it; unusable until it is removed */
};

struct nst_nic_addr {
    struct nst_addr addr;
    uint8_t prefix_len; /* of the family: 24 of 10.0.2.15/24 */
    uint8_t place;      /* enum nst_addr_place */
    bool no_dad;        /* assigned at once, without asking who has it (RFC 4862 5.4), and silently:
                         * an IPv4 address is else announced and defended (RFC 5227 2.3, 2.4) */
    bool probe;      /* IPv4: assigned only when nobody objects, 4 to 7 s later, and given up when
                      * another station insists on it (RFC 5227 2.1, 2.4 b) */
    bool deprecated; /* not for new connections while there is another (RFC 4862 5.5.4) */
    uint8_t state;   /* enum nst_addr_state: told by nst_nic_addr_list */
    uint8_t kind;    /* enum nst_addr_kind */
    /* From now on, as durations; 0 and NST_TIME_NEVER are for ever. An address whose preferred
     * lifetime ended is deprecated, one whose valid lifetime ended is removed. In a list: what is
     * left, or NST_TIME_NEVER. */
    nst_time valid, preferred;
};

/*
 * 0; -NST_ENOENT (NIC), -NST_EEXIST, -NST_EINVAL (also a preferred lifetime beyond the valid one),
 * -NST_EPROTONOSUPPORT (a family that the NIC does not have), -NST_ENOMEM. Adds the on-link route
 * as well. An IPv6 address on a link that resolves addresses begins as tentative: it is assigned a
 * second or two later if nobody else has it. A connection whose address was removed goes on when
 * the address is added again (docs/decisions/0019).
 */
NST_API int nst_nic_addr_add(struct nst_stack *stack, uint32_t id, const struct nst_nic_addr *addr);
/* 0; -NST_ENOENT (NIC), -NST_EADDRNOTAVAIL. */
NST_API int nst_nic_addr_remove(struct nst_stack *stack, uint32_t id, const struct nst_addr *addr);
/* Gives an address that is there another place, lifetimes and `deprecated`; a static one becomes a
 * SLAAC one by `kind`, and back. What else is in *addr does not matter. 0; -NST_ENOENT (NIC),
 * -NST_EADDRNOTAVAIL, -NST_EINVAL. */
NST_API int nst_nic_addr_change(struct nst_stack *stack, uint32_t id,
                                const struct nst_nic_addr *addr);
/* Copies up to max permanent addresses, tentative ones too, IPv4 before IPv6, each in order;
 * returns how many there are, or -NST_ENOENT. */
NST_API int nst_nic_addr_list(const struct nst_stack *stack, uint32_t id,
                              struct nst_nic_addr *ret_addrs, size_t max);
/* The same without those that are never primary: the ones that are chosen from. */
NST_API int nst_nic_addr_list_primary(const struct nst_stack *stack, uint32_t id,
                                      struct nst_nic_addr *ret_addrs, size_t max);
/* The main address of a network protocol (an EtherType, as above): the first assigned primary one
 * that is not deprecated, else the first deprecated one. It is there while the NIC is disabled,
 * too. 0; -NST_ENOENT (NIC), -NST_EADDRNOTAVAIL (none), -NST_EPROTONOSUPPORT (no such protocol),
 * -NST_EOPNOTSUPP (it has no addresses, as ARP; or it does not fit the NIC). */
NST_API int nst_nic_addr_main(const struct nst_stack *stack, uint32_t id, uint16_t protocol,
                              struct nst_nic_addr *ret_addr);

/* ---- Multicast groups (N68) ---- */

/*
 * Joins and leaves a group for one network protocol, NST_ETHERTYPE_IPV4 or NST_ETHERTYPE_IPV6.
 * Joins are counted: the group is left when each was undone. They hold while the NIC is disabled.
 * Routers are told by IGMP or MLD where the link has link addresses (docs/decisions/0028). The
 * stack itself joins 224.0.0.1, ff02::1 and the solicited-node groups of its addresses; sockets
 * join by nst_socket_join_group.
 *
 * 0; -NST_ENOENT (NIC), -NST_EPROTONOSUPPORT (no such protocol), -NST_EOPNOTSUPP (it has no groups,
 * or does not fit the NIC). Joining: -NST_EINVAL (no multicast address of the protocol),
 * -NST_ENOBUFS (1024 groups), -NST_ENOMEM. Leaving: -NST_EADDRNOTAVAIL (never joined so).
 */
NST_API int nst_nic_group_join(struct nst_stack *stack, uint32_t id, uint16_t protocol,
                               const struct nst_addr *group);
NST_API int nst_nic_group_leave(struct nst_stack *stack, uint32_t id, uint16_t protocol,
                                const struct nst_addr *group);
/* 1: some protocol of the NIC is in the group; 0: none is; -NST_ENOENT. */
NST_API int nst_nic_group_has(const struct nst_stack *stack, uint32_t id,
                              const struct nst_addr *group);
/* Copies up to max groups, IPv4 before IPv6, in order of joining; returns how many there are, or
 * -NST_ENOENT. */
NST_API int nst_nic_group_list(const struct nst_stack *stack, uint32_t id,
                               struct nst_addr *ret_groups, size_t max);

/* The n-th counter of a NIC (rx_packets, tx_bytes, ...). False at the end or without such a NIC. */
NST_API bool nst_nic_counter_at(const struct nst_stack *stack, uint32_t id, size_t n,
                                struct nst_counter *ret);
/* What rx_unknown_protocol counts, by EtherType: the n-th count, n from 0. False at the end or
 * without such a NIC. */
NST_API bool nst_nic_unknown_at(const struct nst_stack *stack, uint32_t id, size_t n,
                                struct nst_tally *ret);
NST_API int nst_nic_counter_get(const struct nst_stack *stack, uint32_t id, const char *name,
                                uint64_t *ret_value);

#ifdef __cplusplus
}
#endif

#endif
