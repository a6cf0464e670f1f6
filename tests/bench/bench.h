/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs here share: two stacks, each with one socket, and what time it is. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nicstack/nic.h>
#include <nicstack/socket.h>

static void *bench_alloc(void *context, size_t size)
{
    return aligned_alloc(16, (size + 15) & ~(size_t)15);
}

static void bench_release(void *context, void *memory, size_t size)
{
    free(memory);
}

static const struct nst_allocator bench_allocator = {bench_alloc, bench_release, NULL};

/* Ends the program with a message if r is an error. */
static inline void check(int64_t r, const char *what)
{
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", what, nst_strerror((int)r));
        exit(1);
    }
}

struct end {
    struct nst_stack *stack;
    nst_socket socket;
};

/* Host 10.0.0.`host` on `link`, its clock at 1 s, and a socket of `type` at `port` (0: any). */
static inline struct end end_new(struct nst_link *link, uint8_t host, enum nst_socket_type type,
                                 uint16_t port)
{
    struct end e;
    uint32_t nic;
    const struct nst_endpoint local = {.port = port};
    const struct nst_stack_config sc = {
        .size = sizeof(sc), .allocator = bench_allocator, .seed = {host}, .now = NST_SEC};
    const struct nst_nic_config nc = {.size = sizeof(nc), .link = link};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, host), .prefix_len = 24};
    check(nst_stack_new(&sc, &e.stack), "stack");
    check(nst_nic_add(e.stack, &nc, &nic), "nic");
    check(nst_nic_addr_add(e.stack, nic, &addr), "addr");
    check(nst_socket_open(e.stack, type, &e.socket), "open");
    if (port != 0)
        check(nst_socket_bind(e.stack, e.socket, &local), "bind");
    return e;
}

/* Seconds since some moment. */
static inline double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#endif
