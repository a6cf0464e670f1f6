/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worlds for whole-stack tests: a manual clock, and one or two hosts.
 *
 *     struct world w;
 *     world_init_pair(&w, NULL);       two hosts, 10.0.0.1 and 10.0.0.2, by an Ethernet pipe
 *     ... sockets on w.hosts[0].stack and w.hosts[1].stack ...
 *     world_run_for(&w, NST_SEC);
 *     world_fini(&w);                  checks that nothing is left of them
 *
 * world_init_single gives one host, 10.0.0.1/24, on a memory link that the test plays the network
 * on. Every world_run checks the census of every host (N121).
 */
#ifndef TESTS_LIB_WORLD_H
#define TESTS_LIB_WORLD_H

#include <nicstack/link.h>
#include <nicstack/nic.h>
#include <nicstack/stack.h>

#include "alloc.h"
#include "frames.h"
#include "memlink.h"
#include "recording.h"

struct host {
    struct nst_stack *stack;
    struct nst_addr addr;
    struct nst_mac mac;
    uint32_t nic;          /* id */
    struct nst_link *link; /* the NIC's: the outermost of what follows */
    struct nst_link *impaired, *sniffer;
    struct alloc alloc;
    struct recording recording; /* empty: it is not recorded */
};

struct world {
    nst_time now;
    int count; /* hosts */
    struct host hosts[2];
    struct nst_link *pipe[2]; /* of a pair */
    struct memlink memlink;   /* of a single host */
    struct alloc link_alloc;
    uint64_t fingerprint; /* of every frame that a host of the pair sent, and when */
};

/* What may differ; zero-initialise it. NULL takes all defaults. */
struct world_config {
    nst_time start;                /* 0: WORLD_START */
    bool bare_ip;                  /* no Ethernet, no ARP */
    bool ipv6;                     /* fd00::(1 + i)/64 too, and it is hosts[i].addr */
    uint32_t caps;                 /* NST_LINK_* of the links, more than what Ethernet needs */
    uint32_t gso_max;              /* of the links */
    uint32_t mtu;                  /* 0: 1500 */
    uint32_t limit;                /* of the pipe, packets; 0: its default */
    struct nst_stack_config stack; /* size, allocator, seed (if zero) and now are filled in */
    struct nst_nic_config nic;     /* size and link are filled in */
    /* Of a pair: what is done to the frames that host i sends; all zero: nothing. */
    struct nst_impair_direction impair[2];
    uint64_t impair_seed;
    bool fingerprint; /* keep it */
    bool record; /* each host, and replay it in world_fini (environment NST_RECORD_WORLDS: all) */
};

#define WORLD_MAC(n) ((struct nst_mac){{2, 0, 0, 0, 0, (n)}})
#define WORLD_START  (1000 * NST_SEC)

void world_init_pair(struct world *w, const struct world_config *config);
void world_init_single(struct world *w, const struct world_config *config);
/* Frees stacks, then links; fails the test if memory or packets are left, or a census does not
 * balance. */
void world_fini(struct world *w);

/* Runs every host until nothing is due at the present time. */
void world_run(struct world *w);
/* The same, then moves the clock to the next deadline and runs there. False: there is none up to
 * `limit`, and the clock stands where it was. */
bool world_step(struct world *w, nst_time limit);
/* Moves the clock from deadline to deadline up to `when`, running the hosts at each. */
void world_run_until(struct world *w, nst_time when);
static inline void world_run_for(struct world *w, nst_time duration)
{
    world_run_until(w, w->now + duration);
}
/* The same until `done(context)` says true. False: `limit` has passed before. */
bool world_run_until_true(struct world *w, bool (*done)(void *context), void *context,
                          nst_time limit);
/* The earliest deadline of all hosts. */
nst_time world_next_deadline(const struct world *w);

/* Host i's address, 10.0.0.(1 + i), and a port. */
static inline struct nst_endpoint world_endpoint(int i, uint16_t port)
{
    return frame_endpoint(10, 0, 0, (uint8_t)(1 + i), port);
}
/* Host i's address, of the family that the world was made for, and a port. */
static inline struct nst_endpoint world_end(const struct world *w, int i, uint16_t port)
{
    return (struct nst_endpoint){.addr = w->hosts[i].addr, .port = port};
}
/* A stream that listens at any address of host i. */
nst_socket world_listen(struct world *w, int i, uint16_t port, int backlog);

/* Host 0 sends everything (of that family) by way of host 1, which takes it all and answers in any
 * name. */
void world_route_all(struct world *w);

/* An IPv4 packet to the single host: with an Ethernet header from WORLD_MAC(2) where the link has
 * them. Delivered, not yet run. */
void world_inject_ip(struct world *w, const void *packet, size_t len);
/* Teaches the single host that 10.0.0.2 is at WORLD_MAC(2) (static; nothing without Ethernet). */
void world_add_neighbour(struct world *w);
/* Frame i that the single host sent, from the network header on; NULL if there is none. */
const uint8_t *world_sent(const struct world *w, uint32_t i, size_t *ret_len);

/* A counter of the stack or of a NIC; the name must exist. */
uint64_t world_counter(const struct nst_stack *stack, const char *name);
uint64_t world_nic_counter(const struct host *host, const char *name);

/* N121: the census balances, and (with `empty`) nothing is queued. Fails the test if not. */
void world_check_census(const struct nst_stack *stack, bool empty);

#endif
