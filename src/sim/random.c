/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds: a shape, what its links do, and what its hosts want of each other, all from a
 * seed. They stay small enough that a thousand of them take minutes.
 *
 * One line in a world corrupts at most: two flipped bits in one packet may cancel out in the
 * checksum, and nobody could tell.
 */
#include <stdio.h>
#include <string.h>

#include "sim/sim.h"

struct dice {
    struct nst_sim_topology *t;
    uint64_t state;
    bool has_corrupted;
    int error;
};

/* splitmix64 */
static uint64_t draw64(struct dice *d)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t draw(struct dice *d, uint32_t below)
{
    return (uint32_t)(draw64(d) % below);
}

static bool one_in(struct dice *d, uint32_t n)
{
    return draw(d, n) == 0;
}

/* From 1 to 2^bits, small ones as often as large ones. */
static uint64_t draw_log(struct dice *d, unsigned bits)
{
    const unsigned shift = 1 + draw(d, bits); /* first: compilers choose the order otherwise */
    return 1 + draw64(d) % ((uint64_t)1 << shift);
}

static uint32_t add_node(struct dice *d, enum nst_sim_node_kind kind)
{
    struct nst_sim_node node = {.kind = (uint8_t)kind};
    snprintf(node.name, sizeof(node.name), "%c%u", kind == NST_SIM_HOST ? 'h' : 's',
             d->t->node_count);
    if (kind == NST_SIM_HOST && one_in(d, 4))
        node.send_buffer = 4096u << draw(d, 8);
    if (kind == NST_SIM_HOST && one_in(d, 4))
        node.receive_buffer = 4096u << draw(d, 8);
    const int n = nst_sim_topology_add_node(d->t, &node);
    if (n < 0)
        d->error = n;
    return n < 0 ? 0 : (uint32_t)n;
}

/* ---- Links ---- */

static void draw_queue(struct dice *d, struct nst_impair_direction *w)
{
    w->rate_bps = 200000 * draw_log(d, 12);
    w->discipline = (uint8_t)draw(d, NST_QUEUE_FQ_CODEL + 1);
    w->queue = 4 + draw(d, one_in(d, 2) ? 20 : 1000);
    w->ecn = one_in(d, 3);
    if (one_in(d, 6))
        w->mark_from = 1 + draw(d, w->queue);
    if (one_in(d, 8))
        w->latency = (nst_time)(10 + draw(d, 500)) * NST_MSEC;
}

static void draw_harm(struct dice *d, struct nst_impair_direction *w)
{
    if (one_in(d, 4))
        w->loss_ppm = draw(d, 40000);
    if (one_in(d, 8)) {
        w->burst_begin_ppm = 1 + draw(d, 5000);
        w->burst_end_ppm = 100000 + draw(d, 500000);
    }
    if (one_in(d, 6))
        w->duplicate_ppm = draw(d, 50000);
    if (one_in(d, 6))
        w->reorder_ppm = draw(d, 100000);
    if (one_in(d, 6))
        w->mark_ppm = draw(d, 100000);
    if (!d->has_corrupted && one_in(d, 8)) {
        w->corrupt_ppm = 1 + draw(d, 20000);
        d->has_corrupted = true;
    }
}

static void draw_way(struct dice *d, struct nst_impair_direction *w)
{
    if (!one_in(d, 4))
        w->delay = (nst_time)draw_log(d, 27);
    if (w->delay > 0 && one_in(d, 4))
        w->jitter = (nst_time)(draw64(d) % (uint64_t)w->delay);
    if (one_in(d, 2))
        draw_queue(d, w);
    if (one_in(d, 2))
        draw_harm(d, w);
}

static void add_link(struct dice *d, uint32_t from, uint32_t to)
{
    struct nst_sim_link link = {.from = from, .to = to};
    draw_way(d, &link.way[0]);
    if (one_in(d, 2))
        draw_way(d, &link.way[1]);
    else
        link.way[1] = link.way[0];
    if (link.way[1].corrupt_ppm != 0 && link.way[0].corrupt_ppm != 0)
        link.way[1].corrupt_ppm = 0;
    const int n = nst_sim_topology_add_link(d->t, &link);
    if (n < 0)
        d->error = n;
}

/* ---- Flows ---- */

static void draw_bulk(struct dice *d, struct nst_sim_flow *f)
{
    f->kind = NST_SIM_BULK;
    f->bytes = draw_log(d, 21);
    f->back = one_in(d, 3);
    if (one_in(d, 5))
        f->reader_bps = 8000 * draw_log(d, 10);
}

static void draw_request(struct dice *d, struct nst_sim_flow *f)
{
    f->kind = NST_SIM_REQUEST;
    f->count = draw_log(d, 6);
    f->request = (uint32_t)draw_log(d, 12);
    f->response = (uint32_t)draw_log(d, 15);
    f->think = one_in(d, 2) ? (nst_time)draw_log(d, 29) : 0;
}

static void draw_datagrams(struct dice *d, struct nst_sim_flow *f)
{
    f->kind = NST_SIM_DATAGRAMS;
    f->rate_bps = 1000 * draw_log(d, 11);
    f->size = 24 + (uint32_t)draw_log(d, 11);
}

static void add_flow(struct dice *d, uint32_t from, uint32_t to)
{
    struct nst_sim_flow f = {.from = from, .to = to, .ipv6 = one_in(d, 3)};
    const uint32_t kind = draw(d, 5);
    if (kind < 3)
        draw_bulk(d, &f);
    else if (kind == 3)
        draw_request(d, &f);
    else
        draw_datagrams(d, &f);
    if (one_in(d, 2))
        f.start = (nst_time)draw_log(d, 32);
    if (one_in(d, 4))
        f.stop = f.start + (nst_time)draw_log(d, 33);
    if (one_in(d, 4)) {
        f.on = 10 * NST_MSEC + (nst_time)draw_log(d, 30);
        f.off = NST_MSEC + (nst_time)draw_log(d, 31);
    }
    const int n = nst_sim_topology_add_flow(d->t, &f);
    if (n < 0)
        d->error = n;
}

/* Some flows between hosts first to last. */
static void add_flows(struct dice *d, const uint32_t *hosts, uint32_t count)
{
    const uint32_t flows = 1 + draw(d, 6);
    for (uint32_t i = 0; i < flows; i++) {
        const uint32_t from = draw(d, count), step = 1 + draw(d, count - 1);
        add_flow(d, hosts[from], hosts[(from + step) % count]);
    }
}

/* ---- Shapes ---- */

#define HOSTS_MAX 8

/* Hosts around one switch, or switches in a tree. */
static void make_tree(struct dice *d, uint32_t switches)
{
    uint32_t hosts[HOSTS_MAX], sw[4];
    const uint32_t count = 2 + draw(d, HOSTS_MAX - 1);
    for (uint32_t i = 0; i < switches; i++) {
        sw[i] = add_node(d, NST_SIM_SWITCH);
        if (i > 0)
            add_link(d, sw[draw(d, i)], sw[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        hosts[i] = add_node(d, NST_SIM_HOST);
        add_link(d, hosts[i], sw[draw(d, switches)]);
    }
    add_flows(d, hosts, count);
}

/* A host with a link to each of the others. */
static void make_rays(struct dice *d)
{
    const uint32_t middle = add_node(d, NST_SIM_HOST), count = 1 + draw(d, 3);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t pair[2] = {middle, add_node(d, NST_SIM_HOST)};
        add_link(d, pair[0], pair[1]);
        add_flows(d, pair, 2);
    }
}

int nst_sim_topology_random(struct nst_sim_topology *topology, uint64_t seed)
{
    struct dice d = {.t = topology, .state = seed};
    topology->seed = seed;
    topology->duration = NST_SEC + (nst_time)(draw64(&d) % (20 * (uint64_t)NST_SEC));
    if (one_in(&d, 3))
        make_rays(&d);
    else
        make_tree(&d, 1 + draw(&d, 4));
    return d.error;
}
