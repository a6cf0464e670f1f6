/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S12: how long a stack with a NIC and an address takes to make, and what it holds.
 *
 *     start [TIMES]     prints microseconds each, and bytes of one
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nicstack/host.h>

static void check(int r, const char *what)
{
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", what, nst_strerror(r));
        exit(1);
    }
}

/* Makes one and ends it; gives the bytes that it held. */
static uint64_t make_one(const struct nst_stack_config *config)
{
    struct nst_link *link = nst_loopback_new(&config->allocator);
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = link};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, 1), .prefix_len = 24};
    struct nst_stack *stack;
    struct nst_memory memory;
    uint32_t id;
    check(nst_stack_new(config, &stack), "stack");
    check(nst_nic_add(stack, &nic, &id), "nic");
    check(nst_nic_addr_add(stack, id, &addr), "address");
    nst_stack_get_memory(stack, &memory);
    nst_stack_free(stack);
    nst_loopback_free(link);
    return memory.used;
}

int main(int argc, char **argv)
{
    const long times = argc > 1 ? strtol(argv[1], NULL, 10) : 10000;
    struct nst_stack_config config = {.size = sizeof(config), .allocator = *nst_host_allocator()};
    uint64_t bytes = 0;
    check(nst_host_seed(config.seed), "entropy");
    const nst_time begin = nst_host_now();
    for (long i = 0; i < times; i++)
        bytes = make_one(&config);
    const nst_time took = nst_host_now() - begin;
    printf("%.3f us, %llu bytes\n", (double)took / (double)times / 1000, (unsigned long long)bytes);
    return 0;
}
