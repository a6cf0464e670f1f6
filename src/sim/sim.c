/* SPDX-License-Identifier: Apache-2.0 */
/* Worlds: making, running, settling and freeing them. The theory of operation is in sim.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/sim.h"

/* Bytes that a stack may keep: its pool's free blocks and descriptors, neighbours, routes in use.
 */
#define MEMORY_SLACK (640 * 1024)
#define QUIET        (200 * NST_SEC) /* after the last flow: TIME-WAIT, and caches that expire */

void sim_fault(struct nst_sim *sim, const char *format, ...)
{
    va_list args;
    if (sim->fault_count == SIM_FAULTS_MAX)
        return;
    va_start(args, format);
    vsnprintf(sim->faults[sim->fault_count++], SIM_FAULT_TEXT, format, args);
    va_end(args);
}

int sim_refuse(struct nst_sim_error *error, const char *format, ...)
{
    va_list args;
    *error = (struct nst_sim_error){0};
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return -NST_EINVAL;
}

const char *sim_node_name(const struct nst_sim *sim, uint32_t node)
{
    return sim->topology->nodes[node].name;
}

/* ---- Making ---- */

static int copy_topology(struct nst_sim *sim, const struct nst_sim_topology *from)
{
    int r = nst_sim_topology_new(&sim->allocator, &sim->topology);
    if (r < 0)
        return r;
    for (uint32_t i = 0; r >= 0 && i < from->node_count; i++)
        r = nst_sim_topology_add_node(sim->topology, &from->nodes[i]);
    for (uint32_t i = 0; r >= 0 && i < from->link_count; i++)
        r = nst_sim_topology_add_link(sim->topology, &from->links[i]);
    for (uint32_t i = 0; r >= 0 && i < from->flow_count; i++)
        r = nst_sim_topology_add_flow(sim->topology, &from->flows[i]);
    sim->topology->seed = from->seed;
    sim->topology->duration = from->duration;
    sim_take_defaults(sim->topology);
    return r < 0 ? r : 0;
}

/* xorshift64*, from a constant: the pattern is the same in every world. */
static void fill_pattern(uint8_t *pattern)
{
    uint64_t state = 0x6e6963737461636bu;
    for (uint32_t i = 0; i < SIM_PERIOD; i++) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        pattern[i] = (uint8_t)(state * 0x2545f4914f6cdd1du >> 56);
    }
    for (uint32_t i = 0; i < SIM_CHUNK; i++)
        pattern[SIM_PERIOD + i] = pattern[i % SIM_PERIOD];
}

static int make_arrays(struct nst_sim *sim)
{
    const struct nst_sim_topology *t = sim->topology;
    const struct nst_allocator *a = &sim->allocator;
    sim->hosts = sim_alloc(a, t->node_count, sizeof(*sim->hosts));
    sim->switches = sim_alloc(a, t->node_count, sizeof(*sim->switches));
    sim->links = sim_alloc(a, t->link_count, sizeof(*sim->links));
    sim->flows = sim_alloc(a, t->flow_count, sizeof(*sim->flows));
    sim->pattern = sim_alloc(a, SIM_PERIOD + SIM_CHUNK, 1);
    sim->buffer = sim_alloc(a, SIM_CHUNK, 1);
    if (sim->hosts == NULL || sim->switches == NULL || sim->links == NULL || sim->flows == NULL ||
        sim->pattern == NULL || sim->buffer == NULL)
        return -NST_ENOMEM;
    fill_pattern(sim->pattern);
    return sim_events_init(&sim->events, a, t->node_count + 2 * t->link_count + t->flow_count);
}

static int make(struct nst_sim *sim, const struct nst_sim_topology *topology,
                struct nst_sim_error *error)
{
    int r = copy_topology(sim, topology);
    if (r == 0)
        r = make_arrays(sim);
    if (r == 0)
        r = sim_layout(sim, error);
    if (r == 0)
        r = sim_wires_init(sim);
    if (r == 0)
        r = sim_hosts_init(sim);
    return r == 0 ? sim_flows_init(sim, error) : r;
}

int nst_sim_new(const struct nst_allocator *allocator, const struct nst_sim_topology *topology,
                struct nst_sim_error *ret_error, struct nst_sim **ret_sim)
{
    struct nst_sim *sim = sim_alloc(allocator, 1, sizeof(*sim));
    sim_refuse(ret_error, "out of memory");
    if (sim == NULL)
        return -NST_ENOMEM;
    sim->allocator = *allocator;
    const int r = make(sim, topology, ret_error);
    if (r < 0) {
        if (r != -NST_ENOMEM && r != -NST_EINVAL)
            sim_refuse(ret_error, "a host cannot be made: %s", nst_strerror(r));
        nst_sim_free(sim);
        return r;
    }
    *ret_sim = sim;
    return 0;
}

void nst_sim_free(struct nst_sim *sim)
{
    if (sim == NULL)
        return;
    const struct nst_allocator a = sim->allocator;
    const struct nst_sim_topology *t = sim->topology;
    if (t != NULL && sim->hosts != NULL && sim->switches != NULL && sim->links != NULL) {
        sim_wires_clear(sim);
        sim_hosts_fini(sim);
        sim_wires_fini(sim);
    }
    if (t != NULL) {
        sim_dealloc(&a, sim->hosts, t->node_count, sizeof(*sim->hosts));
        sim_dealloc(&a, sim->switches, t->node_count, sizeof(*sim->switches));
        sim_dealloc(&a, sim->links, t->link_count, sizeof(*sim->links));
        sim_dealloc(&a, sim->flows, t->flow_count, sizeof(*sim->flows));
    }
    sim_dealloc(&a, sim->pattern, SIM_PERIOD + SIM_CHUNK, 1);
    sim_dealloc(&a, sim->buffer, SIM_CHUNK, 1);
    sim_events_fini(&sim->events, &a);
    nst_sim_topology_free(sim->topology);
    sim_dealloc(&a, sim, 1, sizeof(*sim));
}

/* ---- Running ---- */

void nst_sim_run(struct nst_sim *sim, nst_time until)
{
    if (until < sim->events.now)
        return;
    while (sim_events_step(&sim->events, until))
        ;
    sim->events.now = until;
}

nst_time nst_sim_now(const struct nst_sim *sim)
{
    return sim->events.now;
}

nst_time nst_sim_duration(const struct nst_sim *sim)
{
    return sim->topology->duration;
}

uint64_t nst_sim_events(const struct nst_sim *sim)
{
    return sim->events.done;
}

/* ---- Settling ---- */

static bool is_over(const struct nst_sim *sim)
{
    for (uint32_t i = 0; i < sim->topology->flow_count; i++)
        if (!sim_flow_is_over(&sim->flows[i]))
            return false;
    return true;
}

static void check_flow(struct sim_flow *flow)
{
    if (sim_flow_is_over(flow))
        return;
    sim_fault(flow->sim, "flow %u (%s -> %s) did not end: %llu bytes sent, %llu received",
              flow->index, sim_node_name(flow->sim, flow->config.from),
              sim_node_name(flow->sim, flow->config.to), (unsigned long long)flow->result.sent,
              (unsigned long long)flow->result.received);
}

static void check_rest(struct sim_host *host)
{
    struct nst_memory memory;
    struct nst_census census;
    if (host->stack == NULL)
        return;
    nst_stack_get_memory(host->stack, &memory);
    nst_stack_get_census(host->stack, &census);
    if (memory.used > host->memory_at_rest + MEMORY_SLACK)
        sim_fault(host->sim, "%s keeps %llu bytes more than before",
                  sim_node_name(host->sim, host->node),
                  (unsigned long long)(memory.used - host->memory_at_rest));
    if (census.alive != 0 || census.blocks != 0)
        sim_fault(host->sim, "%s keeps %llu packets and %llu blocks",
                  sim_node_name(host->sim, host->node), (unsigned long long)census.alive,
                  (unsigned long long)census.blocks);
}

bool nst_sim_settle(struct nst_sim *sim, nst_time patience)
{
    const nst_time end = sim->events.now + patience;
    const uint32_t flows = sim->topology->flow_count;
    for (uint32_t i = 0; i < flows; i++) {
        sim_flow_stop(&sim->flows[i]);
        sim_flow_rearm(&sim->flows[i]);
    }
    while (!is_over(sim) && sim->events.now < end)
        nst_sim_run(sim, sim->events.now + NST_SEC);
    for (uint32_t i = 0; i < flows; i++)
        check_flow(&sim->flows[i]);
    nst_sim_run(sim, sim->events.now + 5 * NST_SEC);
    for (uint32_t i = 0; i < flows; i++)
        sim_flow_close(&sim->flows[i]);
    nst_sim_run(sim, sim->events.now + QUIET);
    for (uint32_t i = 0; i < sim->topology->node_count; i++)
        check_rest(&sim->hosts[i]);
    return sim->fault_count == 0;
}

/* ---- Looking ---- */

const char *nst_sim_get_fault(const struct nst_sim *sim, size_t n)
{
    return n < sim->fault_count ? sim->faults[n] : NULL;
}

struct nst_stack *nst_sim_get_stack(struct nst_sim *sim, uint32_t node)
{
    return node < sim->topology->node_count ? sim->hosts[node].stack : NULL;
}

void nst_sim_kick(struct nst_sim *sim, uint32_t node)
{
    if (nst_sim_get_stack(sim, node) != NULL)
        sim_host_kick(&sim->hosts[node]);
}

bool nst_sim_get_flow(struct nst_sim *sim, uint32_t flow, struct nst_sim_flow_result *ret_result)
{
    if (flow >= sim->topology->flow_count)
        return false;
    struct sim_flow *f = &sim->flows[flow];
    sim_stream_look(f);
    *ret_result = f->result;
    return true;
}

bool nst_sim_get_link(const struct nst_sim *sim, uint32_t link, int way,
                      struct nst_impair_stats *ret_stats)
{
    if (link >= sim->topology->link_count || way < 0 || way > 1)
        return false;
    nst_line_get_stats(sim->links[link].wires[way].line, ret_stats);
    return true;
}

bool nst_sim_watch(struct nst_sim *sim, uint32_t link, nst_sim_see *see, void *context)
{
    if (link >= sim->topology->link_count)
        return false;
    sim->links[link].see = see;
    sim->links[link].see_context = context;
    return true;
}
