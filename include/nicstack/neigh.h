/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbours: the link addresses of the hosts on the link, one table for each NIC and network
 * protocol that resolves (ARP, neighbour discovery), by one machine for both (RFC 4861 7.3, RFC
 * 7048). What changes in a table is an event (<nicstack/event.h>).
 *
 * A protocol is named by its EtherType: NST_ETHERTYPE_IPV4, NST_ETHERTYPE_IPV6.
 *
 * Every call here gives -NST_ENOENT where there is no such NIC, and -NST_EOPNOTSUPP where the link
 * does not resolve addresses or the protocol does not fit the NIC.
 */
#ifndef NICSTACK_NEIGH_H
#define NICSTACK_NEIGH_H

#include <nicstack/link.h>
#include <nicstack/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

enum nst_neigh_state {
    NST_NEIGH_INCOMPLETE,  /* it is being asked for; packets wait */
    NST_NEIGH_REACHABLE,   /* it was heard of lately */
    NST_NEIGH_STALE,       /* known, but not lately */
    NST_NEIGH_DELAY,       /* the same and in use: perhaps an upper layer hears of it */
    NST_NEIGH_PROBE,       /* the same, and it is being asked itself */
    NST_NEIGH_STATIC,      /* set by the host, and changed by it alone */
    NST_NEIGH_UNREACHABLE, /* it did not answer; the next packet asks anew */
};

struct nst_neigh {
    struct nst_addr addr;
    struct nst_mac mac; /* all zero: none yet; of an unreachable one the last */
    uint8_t state;      /* enum nst_neigh_state */
    bool router;        /* IPv6: it says that it is one */
    uint32_t pending;   /* packets that wait for it */
    nst_time updated;   /* when state or link address changed last */
    nst_time confirmed; /* the last proof that it can be reached; 0: none yet */
};

/* The word of a state ("incomplete"); "" for unknown ones. */
NST_API const char *nst_neigh_state_name(unsigned state);

/* Copies up to max neighbours, IPv4 before IPv6; returns how many there are. */
NST_API int nst_neigh_list(const struct nst_stack *stack, uint32_t nic, struct nst_neigh *ret,
                           size_t max);
/* One of them. 0; -NST_ENOENT: it is not there. */
NST_API int nst_neigh_get(const struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr,
                          struct nst_neigh *ret);
/* A static entry; it replaces a dynamic one, and what waited leaves. 0; -NST_EINVAL: `addr` is not
 * one host's, or `mac` is all zero; -NST_ENOMEM. */
NST_API int nst_neigh_add(struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr,
                          struct nst_mac mac);
/* Removes an entry, static or not; what waits for it is dropped. 0; -NST_ENOENT: there is none. */
NST_API int nst_neigh_remove(struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr);
/* Removes the dynamic entries of a protocol (0: of every one), with `statics` the others too.
 * Returns how many; -NST_EPROTONOSUPPORT: no such protocol. */
NST_API int nst_neigh_flush(struct nst_stack *stack, uint32_t nic, uint16_t protocol, bool statics);
/* An upper layer of the host's own heard of this neighbour in answer to what it sent, so it can be
 * reached (RFC 4861 7.3.1). TCP says so by itself. 0; -NST_ENOENT: it is not there. */
NST_API int nst_neigh_confirm(struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr);

/* ---- What can be set (RFC 4861 10) ---- */

/* Times and counts of one protocol on one NIC. A value that is out of its range, zero too, is
 * replaced by its default, each for itself. */
struct nst_neigh_config {
    size_t size;             /* sizeof(struct nst_neigh_config) */
    nst_time base_reachable; /* 30 s; 1 ms to 1 h */
    uint32_t min_random_ppt; /* what it is multiplied with, at least: 500 thousandths; to 10,000 */
    uint32_t max_random_ppt; /* and at most: 1500; not below the other (then three times that) */
    nst_time retransmit;     /* between questions: 1 s; 1 ms to 1 h */
    nst_time first_probe;    /* from DELAY to PROBE: 5 s; 1 ms to 1 h */
    uint32_t multicast_probes; /* questions to everybody: 3; to 255 */
    uint32_t unicast_probes;   /* questions to the neighbour: 3; to 255 */
    uint32_t dynamic_max;      /* entries that are not static: 512; to 1,048,576 */
};

/* 0; -NST_EPROTONOSUPPORT: no such protocol. */
NST_API int nst_neigh_get_config(const struct nst_stack *stack, uint32_t nic, uint16_t protocol,
                                 struct nst_neigh_config *ret_config);
/* Holds from the next question and the next time that one becomes reachable; entries beyond
 * dynamic_max that nobody uses go at once. 0; -NST_EPROTONOSUPPORT; -NST_EINVAL: its size. */
NST_API int nst_neigh_set_config(struct nst_stack *stack, uint32_t nic, uint16_t protocol,
                                 const struct nst_neigh_config *config);

/* What may wait on one NIC for link addresses, of both families; zero is replaced by the default.
 */
struct nst_neigh_limits {
    size_t size;           /* sizeof(struct nst_neigh_limits) */
    uint32_t destinations; /* that packets wait for: 64 */
    uint32_t packets;      /* for each: 256 */
    uint32_t bytes;        /* for each: 256 KiB */
    uint32_t total_bytes;  /* for all: 1 MiB; not below `bytes` (then that) */
};

/* 0. */
NST_API int nst_neigh_get_limits(const struct nst_stack *stack, uint32_t nic,
                                 struct nst_neigh_limits *ret_limits);
/* Holds from the next packet that has to wait. 0; -NST_EINVAL: its size. */
NST_API int nst_neigh_set_limits(struct nst_stack *stack, uint32_t nic,
                                 const struct nst_neigh_limits *limits);

#ifdef __cplusplus
}
#endif

#endif
