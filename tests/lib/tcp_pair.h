/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two stacks that talk TCP over a pipe (world.h); and a
 * transfer of bytes that knows what every byte has to be.
 */
#ifndef TESTS_LIB_TCP_PAIR_H
#define TESTS_LIB_TCP_PAIR_H

#include "world.h"

#define TCP_PAIR_PORT 80

struct tcp_pair {
    struct world w;      /* its clock, and run */
    nst_socket listener; /* on host 1 */
    nst_socket s[2];     /* a connection: 0 connected, 1 accepted */
};

/* NULL: bare IP, and a pipe that holds 4,096 packets. */
void tcp_pair_init(struct tcp_pair *p, const struct world_config *config);
/* Connects s[0] to s[1]; fails the test if that takes more than a minute. */
void tcp_pair_connect(struct tcp_pair *p);
/* Closes nothing: checks that all memory comes back when the stacks go. */
void tcp_pair_fini(struct tcp_pair *p);

/* Byte i of the stream that host `from` sends is byte i % TCP_PAIR_PERIOD of its pattern: a prime,
 * so that nothing that is moved by a power of two or a segment looks right. */
#define TCP_PAIR_PERIOD 65521u

/* One direction of a transfer: pumps what there is room for, reads and checks what came. */
struct tcp_flow {
    int from;
    uint64_t total, sent, received;
    bool shut;      /* FIN after the last byte: the flow is over when the reader has seen it */
    bool has_shut;  /* so far */
    bool ended;     /* the reader has seen the end */
    uint32_t chunk; /* bytes a send or receive call; 0: 64 KiB */
};
/* Runs both flows (either may be NULL) until everything has arrived; false: `limit` has passed, or
 * nothing moved for 120 s. */
bool tcp_pair_transfer(struct tcp_pair *p, struct tcp_flow *a, struct tcp_flow *b, nst_time limit);

struct nst_tcp_info tcp_pair_info(struct tcp_pair *p, int i);

#endif
