/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole stack in a box: up to three NICs on links of the test's own, a virtual clock, and both
 * families. Everything goes through the public API and the links.
 *
 *     struct nicbox b;
 *     nicbox_begin(&b, NULL);
 *     nicbox_add(&b, 1, NICBOX_ETHERNET);
 *     nicbox_addr(&b, 1, "10.0.0.1/24");
 *     ...
 *     nicbox_end(&b);            nothing is left, and the census balances
 *
 * Where a test is about both families it runs twice, and says each address for both:
 * nicbox_pick(v6, "10.0.0.1", "fd00::1").
 */
#ifndef TESTS_LIB_NICBOX_H
#define TESTS_LIB_NICBOX_H

#include <nicstack/event.h>
#include <nicstack/socket.h>

#include "alloc.h"
#include "memlink.h"

#define NICBOX_NICS 3

enum nicbox_kind {
    NICBOX_IP,       /* bare IP: nothing is resolved */
    NICBOX_ETHERNET, /* with link addresses; 02:00:00:00:00:0N is NIC N's */
    NICBOX_LOOPBACK, /* it claims to be one: what it sends is not delivered back by itself */
};

struct nicbox_config {
    bool weak_host, no_handle_local;
};

struct nicbox {
    struct nst_stack *stack;
    nst_time now;
    struct alloc alloc;
    struct memlink links[NICBOX_NICS];
    uint32_t taken[NICBOX_NICS]; /* frames of each that were looked at */
    bool has[NICBOX_NICS];
};

/* `config` NULL: strong host, handle-local. Events of NICs and addresses are
 * kept. */
void nicbox_begin(struct nicbox *b, const struct nicbox_config *config);
void nicbox_end(struct nicbox *b);

/* A NIC with id n (1 to 3), named "nicN". */
void nicbox_add(struct nicbox *b, unsigned n, enum nicbox_kind kind);
/* The same; *config may say more. What nst_nic_add says. */
int nicbox_add_with(struct nicbox *b, unsigned n, enum nicbox_kind kind,
                    const struct nst_nic_config *config);
/* "10.0.0.1/24": assigned at once. */
void nicbox_addr(struct nicbox *b, unsigned n, const char *text);
/* "10.1.0.0/16" by NIC n and a gateway (NULL: on link). */
void nicbox_route(struct nicbox *b, const char *prefix, unsigned n, const char *gateway);

struct nst_addr nicbox_parse(const char *text);
static inline const char *nicbox_pick(bool v6, const char *four, const char *six)
{
    return v6 ? six : four;
}

/* Runs the stack; moves the clock from deadline to deadline first. */
void nicbox_run(struct nicbox *b);
void nicbox_advance(struct nicbox *b, nst_time by);

/* A UDP datagram for NIC n, and a run. */
struct nicbox_udp {
    struct nst_mac to; /* none: the NIC's own link address */
    const char *src, *dst;
    uint16_t sport, dport;
    const char *payload;
};
void nicbox_inject(struct nicbox *b, unsigned n, const struct nicbox_udp *udp);

/* Another node, 02:00:00:00:00:99 on NIC n (Ethernet), has the IPv6 address `target`: it advertises
 * it, or asks for it in order to have it. */
void nicbox_inject_rival(struct nicbox *b, unsigned n, const struct nst_addr *target,
                         bool advertises);

/* An IP packet that left NIC n. */
struct nicbox_sent {
    struct nst_addr src, dst;
    struct nst_mac from, to; /* of the frame, on Ethernet */
    uint8_t proto;
    size_t len; /* of the whole packet */
    const uint8_t *payload;
    size_t payload_len; /* behind the IP header */
};
/* The next packet of that protocol (IP_PROTO_*) that left NIC n; others are passed over. False:
 * none. */
bool nicbox_take(struct nicbox *b, unsigned n, uint8_t proto, struct nicbox_sent *ret_sent);
/* Is there none? Passes over all. */
bool nicbox_is_silent(struct nicbox *b, unsigned n, uint8_t proto);

/* A socket bound to address (NULL: any), port and NIC (0: any); it must be possible. */
nst_socket nicbox_socket(struct nicbox *b, enum nst_socket_type type, const char *addr,
                         uint16_t port, uint32_t nic);
/* Sends "x" to port 9 of `to`; what nst_socket_sendto says. */
int nicbox_send(struct nicbox *b, nst_socket s, const char *to);
/* Did the socket receive that payload, and nothing else? */
bool nicbox_got(struct nicbox *b, nst_socket s, const char *payload);
bool nicbox_got_nothing(struct nicbox *b, nst_socket s);

/* The next event must be this one. */
struct nst_event nicbox_event(struct nicbox *b, enum nst_event_kind kind);
void nicbox_no_event(struct nicbox *b);
/* Forgets all events so far. */
void nicbox_skip_events(struct nicbox *b);

/* The i-th address of NIC n, which must be there. */
struct nst_nic_addr nicbox_address(const struct nicbox *b, unsigned n, unsigned i);

#endif
