/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What setting up an interface asks of rtnetlink, written by hand. Each call waits
 * for the kernel's acknowledgement. They act on the network namespace in which the socket was
 * opened.
 */
#ifndef NICSTACK_CLI_ATTACH_NETLINK_H
#define NICSTACK_CLI_ATTACH_NETLINK_H

#include <stdint.h>

/* An IPv4 or IPv6 address with its network and the router there. */
struct netlink_network {
    int family; /* AF_INET, AF_INET6, or 0 for none */
    uint8_t address[16];
    uint8_t gateway[16];
    uint8_t prefix; /* bits */
};

/* Opens a route socket, close-on-exec; close(2) ends it. Returns the descriptor or a negative
 * errno. */
int netlink_open(void);

/* One of two Ethernet interfaces that are joined. */
struct netlink_veth_end {
    const char *name;   /* up to IFNAMSIZ - 1 bytes */
    const uint8_t *mac; /* 6 bytes */
};

/* Makes such a pair, both ends down and with ARP off. Returns 0 or a negative errno (-EOPNOTSUPP:
 * the kernel has no veth). */
int netlink_add_veth(int fd, const struct netlink_veth_end *one,
                     const struct netlink_veth_end *two);

/* Lets the interface make no IPv6 address of its own. Returns 0 or a negative errno. */
int netlink_set_no_address6(int fd, unsigned ifindex);

/*
 * Sets an interface up.
 * mtu: bytes, or 0 to leave it. Returns 0 or a negative errno.
 */
int netlink_set_up(int fd, unsigned ifindex, uint32_t mtu);

/* How many packets the interface holds before it drops some. Returns 0 or a negative errno. */
int netlink_set_queue(int fd, unsigned ifindex, uint32_t packets);

/*
 * Adds the network's address, without duplicate address detection for IPv6, so that it may be used
 * at once. Returns 0 or a negative errno (-EOPNOTSUPP, -EACCES: this kernel has no such family
 * here).
 */
int netlink_add_address(int fd, unsigned ifindex, const struct netlink_network *network);

/* Adds the default route by the network's gateway. Returns 0 or a negative errno. */
int netlink_add_default_route(int fd, unsigned ifindex, const struct netlink_network *network);

#endif
