/* SPDX-License-Identifier: Apache-2.0 */
/* A stack object with nothing but a demux, for the tests of demux.c and ports.c. */
#ifndef TESTS_UNIT_STACK_DEMUX_FIXTURE_H
#define TESTS_UNIT_STACK_DEMUX_FIXTURE_H

#include "testing.h"

#include "alloc.h"
#include "stack/demux.h"
#include "stack/nic.h"
#include "stack/ports.h"
#include "stack/stack.h"
#include "wire/addr.h"
#include "wire/ipproto.h"

#define ANY           \
    (struct nst_addr) \
    {                 \
        0             \
    }
#define A1 nst_addr_v4(10, 0, 0, 1)
#define A2 nst_addr_v4(10, 0, 0, 2)
#define R1 nst_addr_v4(192, 0, 2, 1)
#define R2 nst_addr_v4(192, 0, 2, 2)

struct bare {
    struct nst_stack stack;
    struct nst_pool pool;
    struct nic nic[3]; /* ids 1 to 3 */
    struct alloc alloc;
};

static inline struct bare *bare_new(uint8_t seed)
{
    struct bare *b = calloc(1, sizeof(*b));
    const uint8_t bytes[32] = {seed};

    alloc_init(&b->alloc);
    mem_init(&b->pool.mem, &b->alloc.allocator, 0);
    b->stack.pool = &b->pool;
    rand_init(&b->stack.rand, bytes);
    b->stack.hash_key = rand_siphash_key(&b->stack.rand);
    list_init(&b->stack.nics);
    for (uint32_t i = 0; i < 3; i++)
        b->nic[i].id = i + 1;
    demux_init(&b->stack);
    return b;
}

static inline void bare_free(struct bare *b)
{
    demux_fini(&b->stack);
    assert_int_equal(b->pool.mem.used, 0);
    assert_int_equal(b->alloc.live, 0);
    free(b);
}

static inline struct demux_entry entry(uint8_t proto, struct nst_addr local, uint16_t port,
                                       uint32_t nic)
{
    return (struct demux_entry){
        .key = {.local = local, .local_port = port, .nic = nic, .proto = proto}};
}

static inline struct demux_entry peered(uint8_t proto, struct nst_addr local, uint16_t port,
                                        struct nst_addr remote, uint16_t remote_port)
{
    struct demux_entry e = entry(proto, local, port, 0);
    e.key.remote = remote;
    e.key.remote_port = remote_port;
    return e;
}

/* A packet from R1 to `dst` that came in on NIC `nic`. */
static inline struct rx packet(struct bare *b, uint8_t proto, struct nst_addr src,
                               struct nst_addr dst, uint32_t nic)
{
    return (struct rx){.nic = &b->nic[nic - 1], .src = src, .dst = dst, .proto = proto};
}

#endif
