/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where everything is: checks that a topology makes sense, finds the segments (what frames can
 * reach) and the paths in them, and gives addresses.
 *
 * A segment is a tree of switches with hosts as leaves, or two hosts. Its hosts have addresses in
 * 10.S.0.0/16 (of at most 256 segments) or, when there are more, in 10.S.S.0/24; and
 * fd00:0:0:S::/64.
 */
#include "sim/sim.h"

#define SEGMENTS_WIDE   256   /* so many can have a /16 each */
#define SEGMENTS_NARROW 65536 /* or a /24, */
#define HOSTS_NARROW    250   /* of so many hosts */

static bool is_host(const struct nst_sim_topology *t, uint32_t node)
{
    return t->nodes[node].kind == NST_SIM_HOST;
}

static int check_links(const struct nst_sim_topology *t, struct nst_sim_error *error)
{
    for (uint32_t i = 0; i < t->link_count; i++) {
        const struct nst_sim_link *l = &t->links[i];
        if (l->from >= t->node_count || l->to >= t->node_count)
            return sim_refuse(error, "link %u ends at a node that there is not", i);
        if (l->from == l->to)
            return sim_refuse(error, "a link joins '%s' with itself; name two nodes",
                              t->nodes[l->from].name);
        if (l->way[0].rate_bps > NST_SIM_RATE_MAX || l->way[1].rate_bps > NST_SIM_RATE_MAX)
            return sim_refuse(error, "the rate of link %s -- %s is over 100gbit",
                              t->nodes[l->from].name, t->nodes[l->to].name);
        if (l->mtu < 576 || l->mtu > 65535)
            return sim_refuse(error, "the mtu %u of link %s -- %s is not 576 to 65535", l->mtu,
                              t->nodes[l->from].name, t->nodes[l->to].name);
    }
    return 0;
}

/* More than a million a second, and the world would hardly get on. */
static bool is_too_fast(const struct nst_sim_flow *f)
{
    return f->kind == NST_SIM_DATAGRAMS && f->rate_bps / 8 > f->size * (uint64_t)1000000;
}

static int check_flow(const struct nst_sim_topology *t, const struct nst_sim_flow *f,
                      struct nst_sim_error *error)
{
    if (f->from >= t->node_count || f->to >= t->node_count)
        return sim_refuse(error, "a flow ends at a node that there is not");
    const char *from = t->nodes[f->from].name, *to = t->nodes[f->to].name;
    if (!is_host(t, f->from) || !is_host(t, f->to))
        return sim_refuse(error, "flow %s -> %s: both ends have to be hosts", from, to);
    if (f->kind > NST_SIM_DATAGRAMS || f->start < 0 || f->stop < 0)
        return sim_refuse(error, "flow %s -> %s: a kind or a time that there is not", from, to);
    if ((f->on != 0 || f->off != 0) && (f->on < NST_MSEC || f->off < NST_MSEC))
        return sim_refuse(error, "flow %s -> %s: give both on and off, at least 1ms", from, to);
    if (f->kind == NST_SIM_DATAGRAMS && (f->size < 24 || f->size > NST_SIM_SIZE_MAX))
        return sim_refuse(error, "flow %s -> %s: size %u is not 24 to %u", from, to, f->size,
                          NST_SIM_SIZE_MAX);
    if (is_too_fast(f))
        return sim_refuse(error, "flow %s -> %s: over a million datagrams a second", from, to);
    return 0;
}

static int check_flows(const struct nst_sim_topology *t, struct nst_sim_error *error)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < t->flow_count; i++)
        r = check_flow(t, &t->flows[i], error);
    return r;
}

/* ---- Segments ---- */

static uint32_t root_of(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* Joins switches; a link between two that are joined already closes a loop. */
static int join_switches(const struct nst_sim_topology *t, uint32_t *parent,
                         struct nst_sim_error *error)
{
    for (uint32_t i = 0; i < t->node_count; i++)
        parent[i] = i;
    for (uint32_t i = 0; i < t->link_count; i++) {
        const struct nst_sim_link *l = &t->links[i];
        if (is_host(t, l->from) || is_host(t, l->to))
            continue;
        const uint32_t from = root_of(parent, l->from), to = root_of(parent, l->to);
        if (from == to)
            return sim_refuse(error,
                              "link %s -- %s closes a loop; frames would turn for ever: leave "
                              "one out",
                              t->nodes[l->from].name, t->nodes[l->to].name);
        parent[from] = to;
    }
    return 0;
}

/* Numbers the segments from 0 in the order of links: of_root[] holds them by switch, plus one. */
static uint32_t number_segments(struct nst_sim *sim, uint32_t *parent, uint32_t *of_root)
{
    const struct nst_sim_topology *t = sim->topology;
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->link_count; i++) {
        const struct nst_sim_link *l = &t->links[i];
        uint32_t segment = count;
        if (!is_host(t, l->from) || !is_host(t, l->to)) {
            const uint32_t root = root_of(parent, is_host(t, l->from) ? l->to : l->from);
            if (of_root[root] == 0)
                of_root[root] = ++count;
            segment = of_root[root] - 1;
        } else {
            count++;
        }
        sim->links[i].ports[0].segment = sim->links[i].ports[1].segment = segment;
    }
    return count;
}

/* Gives each port of a host its number within its segment, from 1; the most that one has. */
static uint32_t number_ports(struct nst_sim *sim, uint32_t *in_segment)
{
    const struct nst_sim_topology *t = sim->topology;
    uint32_t most = 0;
    for (uint32_t i = 0; i < t->link_count; i++) {
        for (int side = 0; side < 2; side++) {
            struct sim_port *port = &sim->links[i].ports[side];
            port->node = side == 0 ? t->links[i].from : t->links[i].to;
            if (!is_host(t, port->node))
                continue;
            port->number = ++sim->host_ports;
            port->in_segment = ++in_segment[port->segment];
            if (port->in_segment > most)
                most = port->in_segment;
        }
    }
    return most;
}

static int lay_out(struct nst_sim *sim, uint32_t *scratch, struct nst_sim_error *error)
{
    const struct nst_sim_topology *t = sim->topology;
    uint32_t *parent = scratch, *of_root = scratch + t->node_count;
    uint32_t *in_segment = of_root + t->node_count;
    int r = join_switches(t, parent, error);
    if (r < 0)
        return r;
    const uint32_t segments = number_segments(sim, parent, of_root);
    const uint32_t most = number_ports(sim, in_segment);
    sim->is_narrow = segments > SEGMENTS_WIDE;
    if (sim->is_narrow && (segments > SEGMENTS_NARROW || most > HOSTS_NARROW))
        return sim_refuse(error,
                          "%u segments of up to %u hosts: more than %u segments may have no "
                          "more than %u hosts each",
                          segments, most, SEGMENTS_WIDE, HOSTS_NARROW);
    return 0;
}

int sim_layout(struct nst_sim *sim, struct nst_sim_error *ret_error)
{
    const struct nst_sim_topology *t = sim->topology;
    int r = check_links(t, ret_error);
    if (r == 0)
        r = check_flows(t, ret_error);
    if (r < 0)
        return r;
    const size_t words = 2 * (size_t)t->node_count + t->link_count;
    uint32_t *scratch = sim_alloc(&sim->allocator, words, sizeof(*scratch));
    if (scratch == NULL)
        return -NST_ENOMEM;
    r = lay_out(sim, scratch, ret_error);
    sim_dealloc(&sim->allocator, scratch, words, sizeof(*scratch));
    return r;
}

/* ---- Addresses and paths ---- */

struct nst_addr sim_address(const struct sim_port *port, bool ipv6)
{
    const uint32_t s = port->segment, n = port->in_segment;
    if (ipv6)
        return (struct nst_addr){
            {{0xfd, [6] = (uint8_t)(s >> 8), (uint8_t)s, [14] = (uint8_t)(n >> 8), (uint8_t)n}}};
    if (port->sim->is_narrow)
        return nst_addr_v4(10, (uint8_t)(s >> 8), (uint8_t)s, (uint8_t)n);
    return nst_addr_v4(10, (uint8_t)s, (uint8_t)(n >> 8), (uint8_t)n);
}

struct sim_port *sim_find_port(struct nst_sim *sim, uint32_t from, uint32_t to,
                               struct sim_port **ret_peer)
{
    const struct sim_host *a = &sim->hosts[from], *b = &sim->hosts[to];
    for (uint32_t i = 0; i < a->port_count; i++) {
        for (uint32_t k = 0; k < b->port_count; k++) {
            if (a->ports[i] != b->ports[k] && a->ports[i]->segment == b->ports[k]->segment) {
                *ret_peer = b->ports[k];
                return a->ports[i];
            }
        }
    }
    return NULL;
}

/* The longest that a packet may be on its way over one line. */
static nst_time time_over(const struct nst_sim_topology *t, const struct sim_wire *wire)
{
    const struct nst_sim_link *l = &t->links[wire->link];
    const struct nst_impair_direction *w = &l->way[wire->is_back];
    nst_time time = w->delay + w->jitter;
    if (w->rate_bps == 0)
        return time;
    const uint64_t bits = (w->queue + (uint64_t)1) * (l->mtu + 14) * 8;
    return time + (nst_time)(bits / w->rate_bps * (uint64_t)NST_SEC +
                             bits % w->rate_bps * (uint64_t)NST_SEC / w->rate_bps);
}

/* Finds `to` behind `wire`, at most `depth` lines away. False: it is not there. */
static bool find_path(struct nst_sim *sim, const struct sim_wire *wire, const struct sim_port *to,
                      unsigned depth, nst_time *ret_time)
{
    const nst_time own = time_over(sim->topology, wire) +
                         time_over(sim->topology, &sim->links[wire->link].wires[!wire->is_back]);
    if (wire->to == to) {
        *ret_time = own;
        return true;
    }
    const struct sim_switch *sw = wire->to->sw;
    if (sw == NULL || depth == 0)
        return false;
    for (uint32_t i = 0; i < sw->port_count; i++) {
        nst_time rest;
        if (sw->ports[i] == wire->to ||
            (sw->ports[i]->out->to->host != NULL && sw->ports[i]->out->to != to))
            continue;
        if (find_path(sim, sw->ports[i]->out, to, depth - 1, &rest)) {
            *ret_time = own + rest;
            return true;
        }
    }
    return false;
}

nst_time sim_round_trip_max(struct nst_sim *sim, const struct sim_port *from,
                            const struct sim_port *to)
{
    nst_time time = 0;
    find_path(sim, from->out, to, 64, &time);
    return time;
}
