/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NIC: it joins a link below to the network protocols above.
 */
#ifndef NICSTACK_NIC_H
#define NICSTACK_NIC_H

#include <nicstack/link.h>
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

/* N60 to N67. */
enum nst_addr_place {
    NST_PLACE_CAN_BE_PRIMARY = 0,
    NST_PLACE_FIRST_PRIMARY,
    NST_PLACE_NEVER_PRIMARY,
};

/* What an address can be used for. */
enum nst_addr_state {
    NST_ADDR_ASSIGNED = 0, /* it receives and sends */
    NST_ADDR_TENTATIVE,    /* IPv6: nobody knows yet whether another node has it; unusable */
    NST_ADDR_DUPLICATE,    /* IPv6: another node has it; unusable until it is removed */
};

struct nst_nic_addr {
    struct nst_addr addr;
    uint8_t prefix_len; /* of the family: 24 of 10.0.2.15/24 */
    uint8_t place;      /* enum nst_addr_place */
    bool no_dad;        /* IPv6: assigned at once, without asking who has it (RFC 4862 5.4) */
    bool deprecated;    /* not for new connections while there is another (RFC 4862 5.5.4) */
    uint8_t state;      /* enum nst_addr_state: told by nst_nic_addr_list */
};

/*
 * 0; -NST_ENOENT (NIC), -NST_EEXIST, -NST_EINVAL (also a family that does not fit the NIC),
 * -NST_ENOMEM. Adds the on-link route as well. An IPv6 address on a link that resolves addresses
 * begins as tentative: it is assigned a second or two later if nobody else has it.
 */
NST_API int nst_nic_addr_add(struct nst_stack *stack, uint32_t id, const struct nst_nic_addr *addr);
/* 0; -NST_ENOENT (NIC), -NST_EADDRNOTAVAIL. */
NST_API int nst_nic_addr_remove(struct nst_stack *stack, uint32_t id, const struct nst_addr *addr);
/* Copies up to max permanent addresses, IPv4 before IPv6, each in order; returns how many there
 * are, or -NST_ENOENT. */
NST_API int nst_nic_addr_list(const struct nst_stack *stack, uint32_t id,
                              struct nst_nic_addr *ret_addrs, size_t max);

/* The n-th counter of a NIC (rx_packets, tx_bytes, ...). False at the end or without such a NIC. */
NST_API bool nst_nic_counter_at(const struct nst_stack *stack, uint32_t id, size_t n,
                                struct nst_counter *ret);
/* What rx_unknown_protocol counts, by EtherType: the n-th count, n from 0. False at the end or
 * without such a NIC. */
NST_API bool nst_nic_unknown_at(const struct nst_stack *stack, uint32_t id, size_t n,
                                struct nst_tally *ret);
NST_API int nst_nic_counter_get(const struct nst_stack *stack, uint32_t id, const char *name,
                                uint64_t *ret_value);

/* N80. */
enum nst_neigh_state {
    NST_NEIGH_INCOMPLETE,
    NST_NEIGH_REACHABLE,
    NST_NEIGH_STALE,
    NST_NEIGH_DELAY,
    NST_NEIGH_PROBE,
    NST_NEIGH_STATIC,
    NST_NEIGH_UNREACHABLE,
};

struct nst_neigh {
    struct nst_addr addr;
    struct nst_mac mac;
    uint8_t state;    /* enum nst_neigh_state */
    nst_time updated; /* when the state was entered */
};

/* Copies up to max neighbours of both families; returns how many there are, -NST_ENOENT (NIC) or
 * -NST_EOPNOTSUPP (a link that does not resolve). */
NST_API int nst_neigh_list(const struct nst_stack *stack, uint32_t nic, struct nst_neigh *ret,
                           size_t max);
/* A static entry; replaces a dynamic one. 0, -NST_ENOENT (NIC), -NST_EOPNOTSUPP, -NST_ENOMEM. */
NST_API int nst_neigh_add(struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr,
                          struct nst_mac mac);
/* 0, -NST_ENOENT, -NST_EOPNOTSUPP. */
NST_API int nst_neigh_remove(struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr);

#ifdef __cplusplus
}
#endif

#endif
