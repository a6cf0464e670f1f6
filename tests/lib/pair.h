/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two stacks, 10.0.0.1 and 10.0.0.2, joined by a pipe (with impairment on demand), on one virtual
 * clock. Through the public API alone.
 */
#ifndef TESTS_LIB_PAIR_H
#define TESTS_LIB_PAIR_H

#include <nicstack/nic.h>
#include <nicstack/socket.h>

#include "heap.h"

struct pair {
    struct heap heap;
    nst_time now;
    struct nst_stack *stack[2];
    uint32_t nic[2];
    struct nst_link *ends[2];   /* of the pipe */
    struct nst_link *impair[2]; /* NULL: none */
    struct nst_link *sniffer[2];
    uint64_t digest; /* of every frame that either side sent, in order */
    uint64_t frames;
};

struct pair_config {
    uint64_t seed;
    struct nst_pipe_config pipe;        /* size may be 0 */
    struct nst_impair_direction impair; /* of both ways; all zero: none */
    uint64_t memory_limit;
};

void pair_init(struct pair *p, const struct pair_config *config);
/* Frees both, and asserts that every byte and packet is back. */
void pair_fini(struct pair *p);
/* Lets both work at `now` until nothing is due. */
void pair_settle(struct pair *p);
/* Moves the clock to the next deadline (at most `limit`) and settles. False: there is none before.
 */
bool pair_step(struct pair *p, nst_time limit);
/* Steps until `until`. */
void pair_run_until(struct pair *p, nst_time until);

/* The endpoint 10.0.0.(1+i):port. */
struct nst_endpoint pair_endpoint(int i, uint16_t port);
/* A stream from stack 0 to a listener of stack 1 at port 80: connected, accepted, listener closed.
 */
void pair_connect(struct pair *p, nst_socket *ret_client, nst_socket *ret_server);

#endif
