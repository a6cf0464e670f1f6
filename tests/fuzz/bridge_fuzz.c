/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames into a bridge with three ports, one of which is a VLAN of a trunk, whose other links have
 * NICs too. The input is a list of (byte of what, length, bytes): who sends, whether time passes,
 * whether a port blocks, comes or goes.
 */
#include "input.h"

#include <nicstack/bridge.h>
#include <nicstack/nic.h>
#include <nicstack/vlan.h>

#include "alloc.h"
#include "memlink.h"

#define LINES 3

struct world {
    struct alloc alloc;
    struct nst_stack *stack;
    struct memlink lines[LINES];
    struct nst_trunk *trunk;
    struct nst_link *vlan, *ports[LINES];
    struct nst_bridge *bridge;
    nst_time now;
};

static struct nst_mac mac(uint8_t n)
{
    return (struct nst_mac){{2, 0, 0, 0, 0, n}};
}

static void add_nic(struct world *w, struct nst_link *link, uint8_t host)
{
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = link};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, host, 1), .prefix_len = 24};
    uint32_t id;
    check(nst_nic_add(w->stack, &nic, &id) == 0 && nst_nic_addr_add(w->stack, id, &addr) == 0);
}

static void begin(struct world *w)
{
    const struct nst_bridge_config bridge = {.size = sizeof(bridge),
                                             .addr = {{2, 0, 0, 0, 0, 0xaa}},
                                             .table_max = 16,
                                             .queue_packets = 4,
                                             .seed = {1}};
    const struct nst_vlan_config vlan = {.size = sizeof(vlan), .id = 5};
    alloc_init(&w->alloc);
    const struct nst_stack_config config = {.size = sizeof(config),
                                            .allocator = w->alloc.allocator,
                                            .memory_limit = 2 << 20,
                                            .now = NST_SEC,
                                            .seed = {1}};
    w->now = NST_SEC;
    check(nst_stack_new(&config, &w->stack) == 0);
    for (uint8_t i = 0; i < LINES; i++) {
        const struct nst_mac own = mac((uint8_t)(1 + i));
        memlink_init(&w->lines[i], &own);
    }
    check(nst_trunk_new(&w->alloc.allocator, &w->lines[2].link, &w->trunk) == 0);
    check(nst_trunk_add_vlan(w->trunk, &vlan, &w->vlan) == 0);
    check(nst_bridge_new(&w->alloc.allocator, &bridge, &w->bridge) == 0);
    w->ports[0] = &w->lines[0].link;
    w->ports[1] = &w->lines[1].link;
    w->ports[2] = w->vlan;
    for (int i = 0; i < LINES; i++)
        check(nst_bridge_add_port(w->bridge, w->ports[i]) == 0);
    add_nic(w, nst_bridge_link(w->bridge), 1);
    add_nic(w, nst_trunk_link(w->trunk), 2);
}

/* Invariants that can be seen from outside. */
static void look(const struct world *w)
{
    struct nst_bridge_entry entries[16];
    struct nst_census c;
    check(nst_bridge_table_list(w->bridge, entries, 16) <= 16);
    nst_stack_get_census(w->stack, &c);
    check(c.received + c.built + c.cloned + c.split ==
          c.transmitted + c.queued + c.delivered + c.merged + c.dropped);
}

static void end(struct world *w)
{
    look(w);
    nst_stack_free(w->stack);
    nst_bridge_free(w->bridge);
    nst_trunk_remove_vlan(w->vlan);
    nst_trunk_free(w->trunk);
    for (int i = 0; i < LINES; i++)
        memlink_fini(&w->lines[i]);
    check(w->alloc.live_bytes == 0);
}

/* One frame as memlink delivers it, some with requests that may be lies. */
static void inject(struct world *w, struct input *in, unsigned line)
{
    const uint8_t *frame;
    const uint8_t flags = input_take8(in);
    const size_t len = input_take(in, input_take8(in), &frame);
    struct nst_pktq q = {0};
    if (len == 0 || w->lines[line].link.upper == NULL)
        return;
    struct nst_pkt *p = memlink_packet(&w->lines[line], frame, len);
    if (p == NULL)
        return;
    if ((flags & 1) != 0 && len >= 40) {
        p->gso = flags & 2 ? NST_GSO_TCP6 : NST_GSO_TCP4;
        p->gso_size = (uint16_t)(flags >> 2);
        nst_pkt_request_csum(p, 34, 4);
    }
    nst_pktq_push(&q, p);
    memlink_deliver(&w->lines[line], &q);
}

static void step(struct world *w, struct input *in)
{
    const uint8_t what = input_take8(in);
    const unsigned line = what % LINES;
    switch (what >> 4) {
    case 0:
        w->now += (nst_time)(what & 15) * 100 * NST_SEC;
        break;
    case 1:
        w->lines[line].room = what & 3;
        break;
    case 2:
        memlink_set_room(&w->lines[line], UINT32_MAX);
        break;
    case 3:
        if (nst_bridge_remove_port(w->bridge, w->ports[line]) < 0)
            check(nst_bridge_add_port(w->bridge, w->ports[line]) == 0);
        break;
    case 4:
        nst_bridge_set_isolated(w->bridge, w->ports[line], (what & 8) != 0);
        break;
    default:
        inject(w, in, line);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct input in = {data, size};
    if (size > 4096)
        return 0;
    begin(&w);
    while (in.left > 0) {
        step(&w, &in);
        nst_stack_run(w.stack, w.now, 0);
        look(&w);
    }
    end(&w);
    return 0;
}
