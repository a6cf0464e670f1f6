/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A single host (world.h) on a link of bare IPv4 packets, 10.0.0.1/24 with a default route, and
 * the test at the other end as a UDP and ICMP peer: it injects packets and looks at those that were
 * sent.
 */
#ifndef TESTS_LIB_GUEST_H
#define TESTS_LIB_GUEST_H

#include "testing.h"

#include <nicstack/forwarder.h>

#include "world.h"

/* Ours, the guest's (the other end of the link), and one that is nobody's. */
#define GUEST_OURS    nst_addr_v4(10, 0, 0, 1)
#define GUEST_PEER    nst_addr_v4(10, 0, 0, 2)
#define GUEST_FOREIGN nst_addr_v4(203, 0, 113, 9)

struct guest_config {
    bool open;       /* promiscuous and spoofing */
    uint32_t caps;   /* NST_LINK_* */
    uint32_t mtu;    /* 0: 1500 */
    uint64_t memory; /* limit; 0: the default */
    bool block;      /* the link takes nothing until guest_unblock */
    uint32_t tx_queue_packets;
};

struct guest {
    struct world w;
    struct nst_stack *stack; /* w.hosts[0].stack */
    uint32_t nic;
};

/* NULL config: an ordinary host. */
struct guest *guest_new(const struct guest_config *config);
/* Checks that all memory came back and that the census balances. */
void guest_free(struct guest *g);

/* Allocations fail after `n` more; negative: no more failures. */
void guest_fail_after(struct guest *g, int n);
/* Runs the stack at the same time, or `later`. */
void guest_run(struct guest *g);
void guest_wait(struct guest *g, nst_time later);
void guest_unblock(struct guest *g);

/* A UDP or TCP or ICMP packet: `body` is what follows the IPv4 header, and has its checksum. */
void guest_inject(struct guest *g, const struct nst_addr *src, const struct nst_addr *dst,
                  uint8_t proto, const void *body, size_t len);

/* A datagram with right checksums; the stack runs. */
void guest_inject_udp(struct guest *g, const struct nst_endpoint *src,
                      const struct nst_endpoint *dst, const void *data, size_t len);
/* An echo message of `type`, whose identifier is src->port; the stack runs. */
void guest_inject_echo(struct guest *g, uint8_t type, const struct nst_endpoint *src,
                       const struct nst_addr *dst, uint16_t seq, const char *text);
/* An ICMP error from `src` that quotes the first bytes of `quoted`; the stack runs. */
void guest_inject_error(struct guest *g, const struct nst_addr *src, uint8_t type, uint8_t code,
                        const struct memlink_frame *quoted);

/* How many packets were sent, and the last one; NULL: nothing. */
uint32_t guest_count(const struct guest *g);
const struct memlink_frame *guest_last(const struct guest *g);
/* Its number of the protocol, and what follows the IPv4 header; checksums are checked. */
uint8_t guest_proto(const struct memlink_frame *p);
const uint8_t *guest_body(const struct memlink_frame *p, size_t *ret_len);

/* An endpoint, of which the address may be taken. */
#define GUEST_END(addr_, port_) ((struct nst_endpoint){.addr = addr_, .port = port_})

/* The value of a counter of the stack. */
uint64_t guest_counter(const struct guest *g, const char *name);

#endif
