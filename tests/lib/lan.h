/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stack with one Ethernet NIC, and neighbours that the test plays: by the public API, a link of
 * the test's own and a clock that it moves. The same test runs over either family.
 *
 *     LAN_EACH_FAMILY (lan) {          twice: over IPv4, then over IPv6
 *         lan_send(lan, 7, 100);       a datagram to neighbour 7
 *         assert_int_equal(lan_look(lan).asked_all, 1);
 *         lan_confirm(lan, 7, 7, LAN_SOLICITED);
 *         assert_int_equal(lan_state(lan, 7), NST_NEIGH_REACHABLE);
 *     }                                checks that nothing is left
 *
 * Neighbour n is 10.0.(n >> 8).(n & 255) or fd00::n; we are number 1. MAC m is 02:00:00:00:00:00
 * plus m; ours is 1.
 */
#ifndef TESTS_LIB_LAN_H
#define TESTS_LIB_LAN_H

#include <nicstack/event.h>
#include <nicstack/nic.h>
#include <nicstack/socket.h>

#include "alloc.h"
#include "memlink.h"

struct lan {
    bool v6;
    struct nst_stack *stack;
    nst_time now;
    struct alloc alloc;
    struct memlink m;
    struct nst_link_ops ops; /* the memory link's, and its address can be changed */
    uint32_t nic;            /* id */
    nst_socket sender;       /* datagrams to port 9 of anybody */
};

/* 1000 s on the clock; our address is there at once and was not announced; every event of
 * neighbours and addresses is kept. */
void lan_init(struct lan *lan, bool v6);
/* The same without an address. */
void lan_init_bare(struct lan *lan, bool v6);
/* Fails the test if a census does not balance, or memory is left. */
void lan_fini(struct lan *lan);

/* Runs the body once for each family. `break` must not leave it. */
#define LAN_EACH_FAMILY(lan) \
    for (struct lan lan_, *lan = lan_begin(&lan_); lan != NULL; lan = lan_next(&lan_))
struct lan *lan_begin(struct lan *lan);
struct lan *lan_next(struct lan *lan);

struct nst_addr lan_addr(const struct lan *lan, unsigned n);
struct nst_mac lan_mac(unsigned m);
/* NST_ETHERTYPE_IPV4 or NST_ETHERTYPE_IPV6. */
uint16_t lan_protocol(const struct lan *lan);

void lan_run(struct lan *lan);
/* Moves the clock from deadline to deadline. */
void lan_advance(struct lan *lan, nst_time by);

/* Sends a datagram of `len` bytes to neighbour n and runs; what nst_socket_sendto says. */
int lan_send(struct lan *lan, unsigned n, size_t len);
/* A datagram socket that is connected to neighbour n: it keeps its neighbour in use. */
nst_socket lan_connect(struct lan *lan, unsigned n);

/* ---- What neighbours say. Each runs the stack. ---- */

/* Neighbour n at MAC m asks for us (ARP request, solicitation). */
void lan_request(struct lan *lan, unsigned n, unsigned m);
/* Neighbour n says that it is at MAC m (0: without saying, IPv6 only): ARP reply, advertisement.
 * Over IPv4 the reply counts as solicited when it comes to us alone while we ask, and it always
 * overrides. */
#define LAN_SOLICITED 1u /* IPv4: to us alone, else to everybody */
#define LAN_OVERRIDE  2u
#define LAN_ROUTER    4u
void lan_confirm(struct lan *lan, unsigned n, unsigned m, unsigned flags);
/* IPv4: a gratuitous request. IPv6: an unsolicited advertisement with override. */
void lan_announce(struct lan *lan, unsigned n, unsigned m);
/* Somebody at MAC m probes for the address of number n, in order to have it. */
void lan_probe(struct lan *lan, unsigned n, unsigned m);
/* Whole frames. */
void lan_arp(struct lan *lan, uint16_t op, unsigned m, struct nst_addr spa, struct nst_addr tpa,
             struct nst_mac to);
/* An IPv6 packet with an ICMPv6 message, whose checksum is filled in; hop limit 255. To us, or to
 * the link address of its group. */
void lan_icmp6(struct lan *lan, unsigned m, struct nst_addr src, struct nst_addr dst,
               uint8_t *message, size_t len);

/* ---- What we said ---- */

/* The frames that left since the last look. */
struct lan_seen {
    unsigned asked_all, asked_one; /* questions for a neighbour, to everybody or to it alone */
    unsigned probes;               /* questions whether an address is free */
    unsigned answers;              /* to somebody's question */
    unsigned announced;            /* of ourselves, unasked */
    unsigned data, other;
    struct nst_mac one;     /* whom we asked alone */
    struct nst_mac data_to; /* of the last data */
    uint32_t data_bytes;
};
struct lan_seen lan_look(struct lan *lan);

/* The entry of neighbour n; state -1 in lan_state: none. */
bool lan_get(const struct lan *lan, unsigned n, struct nst_neigh *ret);
int lan_state(const struct lan *lan, unsigned n);
/* Is neighbour n known to be at MAC m? */
bool lan_is_at(const struct lan *lan, unsigned n, unsigned m);

/* The next event; kind NST_EVENT_KINDS: none. */
struct nst_event lan_event(struct lan *lan);
/* Forgets those that were not read. */
void lan_forget_events(struct lan *lan);
uint64_t lan_counter(const struct lan *lan, const char *name);
uint64_t lan_nic_counter(const struct lan *lan, const char *name);

#endif
