/* SPDX-License-Identifier: Apache-2.0 */
/* Links: the lines between ports, the link below a host's NIC, and switches. See sim.h. */
#include <string.h>

#include "sim/sim.h"
#include "wire/eth.h"

/* Hosts have 02:00 and the number of their port. */
static struct nst_mac mac_of(uint32_t number)
{
    return (struct nst_mac){{2, 0, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
                             (uint8_t)(number >> 8), (uint8_t)number}};
}

/* The number in a link address of ours; 0: it is none. */
static uint32_t number_of(const struct nst_sim *sim, const uint8_t *mac)
{
    const uint32_t number = be32_get(mac + 2);
    return mac[0] == 2 && mac[1] == 0 && number <= sim->host_ports ? number : 0;
}

/* ---- Sending into a line ---- */

static void see(struct nst_sim *sim, const struct sim_wire *wire, const struct nst_pkt *p,
                bool is_sent)
{
    const struct sim_link *link = &sim->links[wire->link];
    /* The capture stands at `from`: what is sent there, and what arrives there. */
    if (link->see != NULL && is_sent != wire->is_back)
        link->see(link->see_context, wire->link, p, is_sent);
}

static void rearm(struct sim_wire *wire)
{
    sim_events_arm(&wire->sim->events, &wire->actor, nst_line_next_deadline(wire->line));
}

void sim_wire_send(struct sim_wire *wire, struct nst_pktq *q)
{
    struct nst_sim *sim = wire->sim;
    for (const struct nst_pkt *p = q->first; p != NULL; p = p->next)
        see(sim, wire, p, true);
    nst_line_put(wire->line, sim->carrier_link.pool, sim_now(sim), q);
    rearm(wire);
}

static void harmed(void *context, const struct nst_pkt *p, enum nst_line_fate fate)
{
    (void)fate;
    sim_observe_harm(context, p);
}

/* ---- Switches ---- */

/* Sends p out of a port, unless it is too long for the link there. Consumes p. */
static void forward(struct nst_sim *sim, const struct sim_port *port, struct nst_pkt *p)
{
    struct nst_pktq q = {0};
    if (p == NULL)
        return;
    if (p->len > sim->topology->links[port->out->link].mtu + ETH_HDR_LEN) {
        sim_observe_harm(sim, p);
        nst_pkt_free(p);
        return;
    }
    nst_pktq_push(&q, p);
    sim_wire_send(port->out, &q);
}

/* To the port that is known for the destination, or to all others. Consumes p. */
static void switch_frame(struct sim_port *in, struct nst_pkt *p)
{
    struct nst_sim *sim = in->sim;
    struct sim_switch *sw = in->sw;
    if (p->linear < ETH_HDR_LEN) {
        nst_pkt_free(p);
        return;
    }
    const uint32_t to = number_of(sim, p->data), from = number_of(sim, p->data + 6);
    if (from != 0)
        sw->learned[from] = in;
    const struct sim_port *known = to != 0 ? sw->learned[to] : NULL;
    if (known == in) {
        nst_pkt_free(p);
        return;
    }
    if (known != NULL) {
        forward(sim, known, p);
        return;
    }
    for (uint32_t i = 0; i < sw->port_count; i++)
        if (sw->ports[i] != in)
            forward(sim, sw->ports[i], nst_pkt_clone(p));
    nst_pkt_free(p);
}

/* ---- Arriving ---- */

static void deliver_to_host(struct sim_port *port, struct nst_pktq *q)
{
    struct nst_pktq in = {0};
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL) {
        sim_observe(port->sim, p, port, false);
        p = nst_pkt_transfer(port->link.pool, p);
        if (p != NULL)
            nst_pktq_push(&in, p);
    }
    if (nst_pktq_is_empty(&in))
        return;
    nst_link_deliver(&port->link, &in);
    sim_host_kick(port->host);
}

static void wire_act(struct sim_actor *actor)
{
    struct sim_wire *wire = (struct sim_wire *)actor;
    struct nst_pktq q = {0};
    struct nst_pkt *p;
    nst_line_take(wire->line, sim_now(wire->sim), &q);
    rearm(wire);
    for (p = q.first; p != NULL; p = p->next)
        see(wire->sim, wire, p, false);
    if (wire->to->host != NULL) {
        deliver_to_host(wire->to, &q);
        return;
    }
    while ((p = nst_pktq_pop(&q)) != NULL)
        switch_frame(wire->to, p);
}

/* ---- The link below a NIC ---- */

static void port_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct sim_port *port = (struct sim_port *)link;
    struct nst_pktq out = {0};
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL) {
        sim_observe(port->sim, p, port, true);
        p = nst_pkt_transfer(port->sim->carrier_link.pool, p);
        if (p != NULL)
            nst_pktq_push(&out, p);
    }
    sim_wire_send(port->out, &out);
}

static const struct nst_link_ops port_ops = {
    .transmit = port_transmit,
    .parse_header = nst_ethernet_parse,
    .push_header = nst_ethernet_push,
};

/* ---- The carrier ---- */

/* It has no addresses and sends nothing. */
static void carrier_transmit(struct nst_link *link, struct nst_pktq *q)
{
    (void)link;
    while (!nst_pktq_is_empty(q))
        nst_pkt_free(nst_pktq_pop(q));
}

static const struct nst_link_ops carrier_ops = {
    .transmit = carrier_transmit,
    .parse_header = nst_ethernet_parse,
    .push_header = nst_ethernet_push,
};

static int make_carrier(struct nst_sim *sim)
{
    struct nst_stack_config config = {.size = sizeof(config),
                                      .allocator = sim->allocator,
                                      .memory_limit = (uint64_t)1 << 40,
                                      .seed = {1}};
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = &sim->carrier_link};
    uint32_t id;
    sim->carrier_link = (struct nst_link){
        .ops = &carrier_ops, .mtu = 65535, .max_header = ETH_HDR_LEN, .addr = mac_of(0)};
    const int r = nst_stack_new(&config, &sim->carrier);
    return r < 0 ? r : nst_nic_add(sim->carrier, &nic, &id);
}

/* ---- Making them ---- */

static void init_port(struct nst_sim *sim, uint32_t i, int side)
{
    struct sim_link *l = &sim->links[i];
    struct sim_port *port = &l->ports[side];
    port->sim = sim;
    port->out = &l->wires[side];
    if (sim->topology->nodes[port->node].kind == NST_SIM_SWITCH) {
        port->sw = &sim->switches[port->node];
        port->sw->ports[port->sw->port_count++] = port;
        return;
    }
    port->host = &sim->hosts[port->node];
    port->host->ports[port->host->port_count++] = port;
    port->link = (struct nst_link){.ops = &port_ops,
                                   .caps = NST_LINK_RESOLVES,
                                   .mtu = sim->topology->links[i].mtu,
                                   .max_header = ETH_HDR_LEN,
                                   .addr = mac_of(port->number)};
}

/* Without a rate it has one all the same, and a queue that never fills: time has to move on when
 * packets do, or two hosts without delay between them would talk for ever in one instant. */
static struct nst_impair_direction way_of(const struct nst_sim *sim, uint32_t i, int way)
{
    struct nst_impair_direction w = sim->topology->links[i].way[way];
    if (w.rate_bps == 0) {
        w.rate_bps = NST_SIM_RATE_MAX;
        w.queue = 1u << 20;
        w.discipline = NST_QUEUE_FIFO;
        w.latency = 0;
        w.mark_from = 0;
    }
    return w;
}

static int init_wire(struct nst_sim *sim, uint32_t i, int way)
{
    struct sim_wire *wire = &sim->links[i].wires[way];
    const struct nst_line_config config = {
        .size = sizeof(config),
        .impair = way_of(sim, i, way),
        .seed = sim->topology->seed * 0x10001u + 2 * (uint64_t)i + (unsigned)way,
        .header = ETH_HDR_LEN,
        .harmed = harmed,
        .context = sim,
    };
    *wire = (struct sim_wire){.actor = {.act = wire_act},
                              .sim = sim,
                              .to = &sim->links[i].ports[!way],
                              .link = i,
                              .is_back = way != 0};
    sim->may_corrupt = sim->may_corrupt || config.impair.corrupt_ppm != 0;
    return nst_line_new(&sim->allocator, &config, &wire->line);
}

/* How many links end at each node: the room that their lists of ports need. */
static int make_port_lists(struct nst_sim *sim)
{
    const struct nst_sim_topology *t = sim->topology;
    for (uint32_t i = 0; i < t->link_count; i++) {
        sim->hosts[t->links[i].from].port_room++;
        sim->hosts[t->links[i].to].port_room++;
    }
    for (uint32_t i = 0; i < t->node_count; i++) {
        struct sim_host *host = &sim->hosts[i];
        host->ports = sim_alloc(&sim->allocator, host->port_room, sizeof(*host->ports));
        if (host->ports == NULL)
            return -NST_ENOMEM;
        if (t->nodes[i].kind == NST_SIM_HOST)
            continue;
        struct sim_switch *sw = &sim->switches[i];
        sw->ports = host->ports;
        sw->learned = sim_alloc(&sim->allocator, sim->host_ports + 1, sizeof(*sw->learned));
        if (sw->learned == NULL)
            return -NST_ENOMEM;
    }
    return 0;
}

int sim_wires_init(struct nst_sim *sim)
{
    int r = make_carrier(sim);
    if (r == 0)
        r = make_port_lists(sim);
    for (uint32_t i = 0; r == 0 && i < sim->topology->link_count; i++) {
        for (int side = 0; r == 0 && side < 2; side++) {
            init_port(sim, i, side);
            r = init_wire(sim, i, side);
        }
    }
    return r;
}

void sim_wires_clear(struct nst_sim *sim)
{
    for (uint32_t i = 0; i < sim->topology->link_count; i++)
        for (int way = 0; way < 2; way++)
            if (sim->links[i].wires[way].line != NULL)
                nst_line_clear(sim->links[i].wires[way].line);
}

void sim_wires_fini(struct nst_sim *sim)
{
    const struct nst_allocator *a = &sim->allocator;
    for (uint32_t i = 0; i < sim->topology->link_count; i++)
        for (int way = 0; way < 2; way++)
            nst_line_free(sim->links[i].wires[way].line);
    for (uint32_t i = 0; i < sim->topology->node_count; i++) {
        struct sim_host *host = &sim->hosts[i];
        sim_dealloc(a, host->ports, host->port_room, sizeof(*host->ports));
        sim_dealloc(a, sim->switches[i].learned, sim->host_ports + 1, sizeof(struct sim_port *));
    }
    nst_stack_free(sim->carrier);
}
