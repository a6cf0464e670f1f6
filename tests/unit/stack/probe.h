/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bare stack with one network protocol of the test's own on EtherType 0x0800, so that NIC and
 * stack can be watched without any real protocol: it counts what is called and takes every packet.
 */
#ifndef TESTS_UNIT_STACK_PROBE_H
#define TESTS_UNIT_STACK_PROBE_H

#include "testing.h"

#include "stack/nic.h"
#include "world.h"

struct probe_calls {
    int init, fini, ep_init, ep_fini, enabled, disabled, parsed, input;
    int fail_init, fail_ep_init, fail_enable; /* the error to give, 0: none */
    bool fail_parse;
    uint8_t type; /* of the last packet given to input */
    uint8_t csum;
    uint32_t len;
    uint32_t first_byte; /* of its data */
    nst_time arrival;
    bool nic_enabled; /* while the endpoint was being enabled or disabled */
};
static struct probe_calls calls;

static int probe_init(struct nst_stack *stack)
{
    calls.init++;
    return calls.fail_init;
}
static void probe_fini(struct nst_stack *stack)
{
    calls.fini++;
}
static int probe_ep_init(struct net_ep *ep)
{
    if (calls.fail_ep_init == 0)
        calls.ep_init++;
    return calls.fail_ep_init;
}
static void probe_ep_fini(struct net_ep *ep)
{
    calls.ep_fini++;
}
static int probe_enable(struct net_ep *ep)
{
    if (calls.fail_enable == 0)
        calls.enabled++;
    calls.nic_enabled = ep->nic->enabled;
    return calls.fail_enable;
}
static void probe_disable(struct net_ep *ep)
{
    calls.disabled++;
    calls.nic_enabled = ep->nic->enabled;
}
static bool probe_parse(struct pkt *p)
{
    calls.parsed++;
    return !calls.fail_parse;
}
static void probe_input(struct net_ep *ep, struct pkt *p)
{
    calls.input++;
    calls.type = p->type;
    calls.csum = p->csum;
    calls.len = p->len;
    calls.first_byte = p->data[0];
    calls.arrival = p->arrival;
    pkt_deliver(p);
}

static const struct net_proto probe_proto = {
    .name = "probe",
    .ethertype = NST_ETHERTYPE_IPV4,
    .index = NET_IPV4,
    .min_mtu = 68,
    .init = probe_init,
    .fini = probe_fini,
    .ep_init = probe_ep_init,
    .ep_fini = probe_ep_fini,
    .ep_enable = probe_enable,
    .ep_disable = probe_disable,
    .parse = probe_parse,
    .input = probe_input,
};

struct probe {
    struct alloc alloc;
    struct nst_stack *stack;
    struct memlink link;
    uint32_t id;
};

static inline void probe_stack(struct probe *b, bool handle_local)
{
    memset(b, 0, sizeof(*b));
    memset(&calls, 0, sizeof(calls));
    alloc_init(&b->alloc);
    const struct nst_stack_config config = {
        .size = sizeof(config),
        .allocator = b->alloc.allocator,
        .seed = {1},
        .now = WORLD_START,
        .handle_local = handle_local,
    };
    assert_int_equal(stack_new(&config, &b->stack), 0);
    stack_add_net(b->stack, &probe_proto);
    assert_int_equal(stack_start(b->stack), 0);
    struct nst_mac mac = WORLD_MAC(1);
    memlink_init(&b->link, &mac);
}

static inline int probe_add(struct probe *b, const struct nst_nic_config *config)
{
    struct nst_nic_config c = config != NULL ? *config : (struct nst_nic_config){0};
    c.size = sizeof(c);
    if (c.link == NULL)
        c.link = &b->link.link;
    return nst_nic_add(b->stack, &c, &b->id);
}

/* A stack with one enabled NIC. */
static inline void probe_begin(struct probe *b)
{
    probe_stack(b, false);
    assert_int_equal(probe_add(b, NULL), 0);
}

static inline void probe_end(struct probe *b)
{
    world_check_census(b->stack, false);
    stack_free(b->stack);
    memlink_fini(&b->link);
    assert_int_equal(b->alloc.live, 0);
    assert_int_equal(b->alloc.live_bytes, 0);
}

static inline uint64_t probe_counter(struct probe *b, const char *name)
{
    uint64_t value = 0;
    assert_int_equal(nst_nic_counter_get(b->stack, b->id, name, &value), 0);
    return value;
}

static inline uint64_t probe_drops(struct probe *b, enum drop_reason reason)
{
    return b->stack->pool->drops[reason];
}

/* Injects a frame with `len` bytes of 0x45 behind the header, and runs. */
static inline void probe_inject(struct probe *b, struct nst_mac dst, uint16_t ethertype,
                                uint32_t len)
{
    uint8_t frame[FRAME_MAX], packet[2000];
    memset(packet, 0x45, len);
    memlink_inject(&b->link, frame, frame_eth(frame, WORLD_MAC(2), dst, ethertype, packet, len));
    nst_stack_run(b->stack, WORLD_START, 0);
    world_check_census(b->stack, false);
}

/* A packet to send, `len` bytes of network layer, small head-room. */
static inline struct pkt *probe_packet(struct probe *b, uint32_t headroom, uint32_t len)
{
    struct pkt *p = pkt_build(b->stack->pool, headroom, len);
    memset(nst_pkt_put(pkt_pub(p), len), 0x45, len);
    return p;
}

static inline struct nic *probe_nic(struct probe *b)
{
    return nic_by_id(b->stack, b->id);
}

#endif
