/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts: a stack each, run when something arrived, when its deadline has come, or when an
 * application did something. */
#include <nicstack/neigh.h>

#include "sim/sim.h"

#define RUNS_MAX  100000 /* at one point in time: a host that is never idle is a fault */
#define READY_MAX 64

void sim_host_kick(struct sim_host *host)
{
    sim_events_arm(&host->sim->events, &host->actor, 0);
}

/* Lets applications act on what became ready. False: nothing did. */
static bool serve(struct sim_host *host)
{
    struct nst_ready ready[READY_MAX];
    const int n = nst_ready_list(host->stack, ready, READY_MAX);
    for (int i = 0; i < n; i++)
        if (ready[i].context != NULL)
            sim_flow_ready(ready[i].context, ready[i].socket);
    return n > 0;
}

static void check_census(struct sim_host *host)
{
    struct nst_census c;
    nst_stack_get_census(host->stack, &c);
    if (c.received + c.built + c.cloned + c.split !=
        c.transmitted + c.queued + c.delivered + c.merged + c.dropped)
        sim_fault(host->sim, "the packet census of %s does not balance",
                  sim_node_name(host->sim, host->node));
}

static void host_act(struct sim_actor *actor)
{
    struct sim_host *host = (struct sim_host *)actor;
    const nst_time now = sim_now(host->sim);
    unsigned runs = 0;
    do {
        nst_stack_run(host->stack, now, 0);
        if (++runs == RUNS_MAX) {
            sim_fault(host->sim, "%s is never idle", sim_node_name(host->sim, host->node));
            return;
        }
    } while (serve(host) || nst_stack_next_deadline(host->stack) <= now);
    check_census(host);
    sim_events_arm(&host->sim->events, &host->actor, nst_stack_next_deadline(host->stack));
}

/* ---- Making them ---- */

static int add_addresses(struct sim_host *host, const struct sim_port *port)
{
    const struct nst_nic_addr ip4 = {.addr = sim_address(port, false),
                                     .prefix_len = host->sim->is_narrow ? 24 : 16};
    const struct nst_nic_addr ip6 = {
        .addr = sim_address(port, true), .prefix_len = 64, .no_dad = true};
    const int r = nst_nic_addr_add(host->stack, port->nic, &ip4);
    return r == 0 && host->has_ipv6 ? nst_nic_addr_add(host->stack, port->nic, &ip6) : r;
}

/* Room for everybody in the largest segment: more neighbours than the default come to a busy server
 * at once, and would push each other out. */
static int make_room_for_neighbours(struct sim_host *host, uint32_t nic)
{
    static const uint16_t protocols[] = {NST_ETHERTYPE_IPV4, NST_ETHERTYPE_IPV6};
    const uint32_t hosts = host->sim->host_ports;
    struct nst_neigh_limits limits = {.size = sizeof(limits)};
    struct nst_neigh_config config = {.size = sizeof(config)};
    int r = nst_neigh_get_limits(host->stack, nic, &limits);
    if (r == 0 && limits.destinations < hosts) {
        limits.destinations = hosts;
        r = nst_neigh_set_limits(host->stack, nic, &limits);
    }
    for (int i = 0; r == 0 && i < 2; i++) {
        r = nst_neigh_get_config(host->stack, nic, protocols[i], &config);
        if (r != 0 || config.dynamic_max >= hosts)
            continue;
        config.dynamic_max = hosts;
        r = nst_neigh_set_config(host->stack, nic, protocols[i], &config);
    }
    return r;
}

/* The seed of a stack: the world's, and the host's number. */
static void fill_seed(const struct sim_host *host, uint8_t seed[32])
{
    const uint64_t words[4] = {host->sim->topology->seed, host->node, 0x6e6963737461636bu, 1};
    for (unsigned i = 0; i < 32; i++)
        seed[i] = (uint8_t)(words[i / 8] >> (i % 8 * 8));
}

static int make_stack(struct sim_host *host)
{
    const struct nst_sim_node *node = &host->sim->topology->nodes[host->node];
    struct nst_stack_config config = {
        .size = sizeof(config),
        .allocator = host->sim->allocator,
        .memory_limit = node->memory,
        .tcp_send_buffer_max = node->send_buffer,
        .tcp_receive_buffer_max = node->receive_buffer,
    };
    fill_seed(host, config.seed);
    int r = nst_stack_new(&config, &host->stack);
    for (uint32_t i = 0; r == 0 && i < host->port_count; i++) {
        struct sim_port *port = host->ports[i];
        const struct nst_nic_config nic = {.size = sizeof(nic), .link = &port->link};
        r = nst_nic_add(host->stack, &nic, &port->nic);
        if (r == 0)
            r = make_room_for_neighbours(host, port->nic);
        if (r == 0)
            r = add_addresses(host, port);
    }
    struct nst_memory memory = {0};
    if (r == 0)
        nst_stack_get_memory(host->stack, &memory);
    host->memory_at_rest = memory.used;
    return r;
}

int sim_hosts_init(struct nst_sim *sim)
{
    const struct nst_sim_topology *t = sim->topology;
    int r = 0;
    for (uint32_t i = 0; i < t->flow_count; i++)
        if (t->flows[i].ipv6)
            sim->hosts[t->flows[i].from].has_ipv6 = sim->hosts[t->flows[i].to].has_ipv6 = true;
    for (uint32_t i = 0; r == 0 && i < t->node_count; i++) {
        struct sim_host *host = &sim->hosts[i];
        host->actor.act = host_act;
        host->sim = sim;
        host->node = i;
        if (t->nodes[i].kind != NST_SIM_HOST)
            continue;
        r = make_stack(host);
        if (r == 0)
            sim_host_kick(host);
    }
    return r;
}

void sim_hosts_fini(struct nst_sim *sim)
{
    for (uint32_t i = 0; i < sim->topology->node_count; i++)
        nst_stack_free(sim->hosts[i].stack);
}
