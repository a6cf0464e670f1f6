/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs here share: an allocator, a stack on a link, and what time it is. */
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

/* Ends the program: `r` is the error, or what came was wrong (0). */
static inline void fail(const char *what, int64_t r)
{
    fprintf(stderr, "%s: %s\n", what, r < 0 ? nst_strerror((int)r) : "wrong");
    exit(1);
}

static inline void check(int64_t r, const char *what)
{
    if (r < 0)
        fail(what, r);
}

/* Host 10.0.0.`host` on `link`, its clock at 0, with a budget of so many bytes (0: the default). */
static inline struct nst_stack *bench_stack(struct nst_link *link, uint8_t host, uint64_t memory)
{
    const struct nst_stack_config config = {.size = sizeof(config),
                                            .allocator = bench_allocator,
                                            .memory_limit = memory,
                                            .seed = {host}};
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = link};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, host), .prefix_len = 24};
    struct nst_stack *stack;
    uint32_t id;
    check(nst_stack_new(&config, &stack), "stack");
    check(nst_nic_add(stack, &nic, &id), "nic");
    check(nst_nic_addr_add(stack, id, &addr), "addr");
    return stack;
}

/* Seconds since some moment. */
static inline double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#endif
