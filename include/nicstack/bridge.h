/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bridge: a learning switch whose ports are links, and which is a link itself, so that a NIC can
 * be one more end of it.
 *
 * All of it runs on the stack's thread and in its pool: it forwards while its own link has a NIC.
 * Ports must carry Ethernet frames. It knows no VLANs: put trunks (vlan.h) under or over it.
 */
#ifndef NICSTACK_BRIDGE_H
#define NICSTACK_BRIDGE_H

#include <nicstack/link.h>
#include <nicstack/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nst_bridge;

struct nst_bridge_config {
    size_t size;            /* sizeof(struct nst_bridge_config) */
    struct nst_mac addr;    /* of its own link; unicast */
    uint32_t mtu;           /* of its own link; 0: 1500 */
    nst_time ageing;        /* a station that was silent so long is forgotten; 0: 300 s */
    uint32_t table_max;     /* stations that it remembers, rounded up to a power of two; 0: 4096 */
    uint32_t ports_max;     /* 0: 64; at most 4096 */
    uint32_t queue_packets; /* that wait for a port that is full, any more are dropped; 0: 512 */
    uint32_t queue_bytes;   /* 0: 1 MiB */
    uint8_t seed[16];       /* so that nobody knows which stations share a place in the table */
};

/* 0, -NST_EINVAL, -NST_ENOMEM. The table is taken here: nothing is allocated later but for ports
 * and the copies of flooded frames. */
NST_API int nst_bridge_new(const struct nst_allocator *allocator,
                           const struct nst_bridge_config *config, struct nst_bridge **ret_bridge);
/* Removes its ports. After its NIC was removed. NULL is fine. */
NST_API void nst_bridge_free(struct nst_bridge *bridge);

/* Its own end, for nst_nic_add. It takes checksums left to complete and large segments; what a port
 * cannot do is done in software. */
NST_API struct nst_link *nst_bridge_link(struct nst_bridge *bridge);

/* Makes a port of a link that has no upper end; it stays the caller's, and must outlive that. 0,
 * -NST_EINVAL (no Ethernet, or in use), -NST_ENOBUFS (ports_max), -NST_ENOMEM. */
NST_API int nst_bridge_add_port(struct nst_bridge *bridge, struct nst_link *link);
/* 0 or -NST_ENOENT. What it taught is forgotten, what waits for it is dropped. */
NST_API int nst_bridge_remove_port(struct nst_bridge *bridge, struct nst_link *link);
/* Isolated ports exchange nothing with each other, but with the other ports and the bridge's own
 * link. 0 or -NST_ENOENT. */
NST_API int nst_bridge_set_isolated(struct nst_bridge *bridge, struct nst_link *link,
                                    bool isolated);

struct nst_bridge_port {
    struct nst_link *link;
    bool isolated;
    uint64_t rx_packets, tx_packets; /* that came by it, and left by it */
    uint64_t tx_dropped;             /* too long for it, it was full, or there was no memory */
};
/* Copies up to max ports, in order of their addition; returns how many there are. */
NST_API size_t nst_bridge_port_list(const struct nst_bridge *bridge, struct nst_bridge_port *ret,
                                    size_t max);

struct nst_bridge_entry {
    struct nst_mac addr;
    struct nst_link *port;
    nst_time idle; /* since it was heard */
    bool in_use;   /* others send to it: a flood of made-up stations does not push it out */
};
/* Copies up to max stations, in no order; returns how many there are. */
NST_API size_t nst_bridge_table_list(const struct nst_bridge *bridge, struct nst_bridge_entry *ret,
                                     size_t max);

/* The n-th counter of the bridge, n from 0. False at the end. Names never change. */
NST_API bool nst_bridge_counter_at(const struct nst_bridge *bridge, size_t n,
                                   struct nst_counter *ret);

#ifdef __cplusplus
}
#endif

#endif
