/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows: when they start, pause, stop and are over, and what their path explains.
 *
 * Each flow has a port of its own, SIM_PORT_FIRST + its number, on which its server listens from
 * the beginning. What is special to streams and datagrams is in stream.c and datagram.c.
 *
 * Stalls. While something is on its way to an end, the time since the last progress there is kept.
 * What a path explains is a second and four round trips with full queues, doubled for each moment
 * at which a packet of the flow was lost or damaged (its retransmission timer may have backed off),
 * in this pause or, one less each time, in those before it.
 */
#include <string.h>

#include "sim/sim.h"

#define ATTEMPTS_MAX 8
#define HARM_APART   (100 * NST_MSEC) /* losses closer than this are one moment */

/* ---- Progress ---- */

static nst_time explained(const struct sim_flow *flow)
{
    uint32_t doubled = flow->attempts + flow->attempts_before;
    if (doubled > ATTEMPTS_MAX)
        doubled = ATTEMPTS_MAX;
    return flow->patience << doubled;
}

static void end_pause(struct sim_end *end)
{
    struct sim_flow *flow = end->flow;
    const nst_time pause = sim_now(flow->sim) - end->since;
    if (pause > flow->result.longest_stall)
        flow->result.longest_stall = pause;
    if (pause > explained(flow)) {
        flow->result.stalls++;
        sim_fault(flow->sim,
                  "flow %u (%s -> %s) stalled for %lld ms until %lld ms; its path explains %lld ms",
                  flow->index, sim_node_name(flow->sim, flow->config.from),
                  sim_node_name(flow->sim, flow->config.to), (long long)(pause / NST_MSEC),
                  (long long)(sim_now(flow->sim) / NST_MSEC),
                  (long long)(explained(flow) / NST_MSEC));
    }
}

void sim_flow_progress(struct sim_end *end, bool moved, bool waiting)
{
    struct sim_flow *flow = end->flow;
    if (moved) {
        if (end->since != NST_TIME_NEVER)
            end_pause(end);
        if (flow->attempts_before > 0)
            flow->attempts_before--;
        if (flow->attempts > flow->attempts_before)
            flow->attempts_before = flow->attempts;
        flow->attempts = 0;
        end->since = NST_TIME_NEVER;
    }
    if (!waiting)
        end->since = NST_TIME_NEVER;
    else if (end->since == NST_TIME_NEVER)
        end->since = sim_now(flow->sim);
}

void sim_flow_harm(struct sim_flow *flow)
{
    const nst_time now = sim_now(flow->sim);
    if (flow->last_harm != 0 && now - flow->last_harm < HARM_APART)
        return;
    flow->last_harm = now;
    flow->attempts++;
}

/* ---- The end ---- */

static void close_end(struct sim_end *end, bool abort)
{
    if (!end->is_open)
        return;
    end->is_open = false;
    end->since = NST_TIME_NEVER;
    if (abort && end->flow->config.kind != NST_SIM_DATAGRAMS)
        nst_socket_abort(end->host->stack, end->s);
    else
        nst_socket_close(end->host->stack, end->s);
    sim_host_kick(end->host);
}

void sim_flow_fail(struct sim_flow *flow, int error)
{
    if (flow->result.error != 0)
        return;
    flow->result.error = error;
    flow->result.ended = sim_now(flow->sim);
    close_end(&flow->ends[0], true);
    close_end(&flow->ends[1], true);
    if (flow->attempts + flow->attempts_before < 3 && flow->sim->unnamed_harms < 3)
        sim_fault(flow->sim, "flow %u (%s -> %s) ended with %s at %lld ms, and its path was fine",
                  flow->index, sim_node_name(flow->sim, flow->config.from),
                  sim_node_name(flow->sim, flow->config.to), nst_error_name(error),
                  (long long)(flow->result.ended / NST_MSEC));
}

void sim_flow_end_closed(struct sim_end *end)
{
    struct sim_flow *flow = end->flow;
    close_end(end, false);
    if (flow->ends[0].is_open || flow->ends[1].is_open || !flow->has_server)
        return;
    flow->result.is_done = true;
    flow->result.ended = sim_now(flow->sim);
}

void sim_flow_close(struct sim_flow *flow)
{
    if (flow->listener != 0) {
        nst_socket_close(flow->ends[1].host->stack, flow->listener);
        sim_host_kick(flow->ends[1].host);
        flow->listener = 0;
    }
    if (flow->config.kind == NST_SIM_DATAGRAMS) {
        flow->result.is_done = flow->result.is_started;
        close_end(&flow->ends[0], false);
        close_end(&flow->ends[1], false);
    }
}

bool sim_flow_is_over(const struct sim_flow *flow)
{
    return flow->result.is_done || flow->result.error != 0 || !flow->result.is_started ||
           flow->config.kind == NST_SIM_DATAGRAMS;
}

/* ---- Time ---- */

static nst_time min_time(nst_time x, nst_time y)
{
    return x < y ? x : y;
}

static void pump(struct sim_flow *flow)
{
    if (flow->config.kind == NST_SIM_DATAGRAMS) {
        sim_datagram_send(flow);
        return;
    }
    for (int i = 0; i < 2; i++)
        if (flow->ends[i].is_open)
            sim_stream_pump(&flow->ends[i]);
}

static void start(struct sim_flow *flow)
{
    const nst_time now = sim_now(flow->sim);
    flow->result.is_started = true;
    flow->result.started = now;
    flow->phase_end =
        flow->config.on != 0 && flow->config.off != 0 ? now + flow->config.on : NST_TIME_NEVER;
    if (flow->config.kind == NST_SIM_DATAGRAMS)
        sim_datagram_start(flow);
    else
        sim_stream_start(flow);
}

void sim_flow_stop(struct sim_flow *flow)
{
    if (flow->is_stopped)
        return;
    flow->is_stopped = true;
    flow->is_off = false;
    flow->phase_end = NST_TIME_NEVER;
    flow->act_at = NST_TIME_NEVER;
    if (flow->config.kind == NST_SIM_DATAGRAMS)
        flow->result.ended = sim_now(flow->sim);
    if (flow->result.is_started)
        pump(flow);
}

static void change_phase(struct sim_flow *flow)
{
    flow->is_off = !flow->is_off;
    flow->phase_end += flow->is_off ? flow->config.off : flow->config.on;
    if (!flow->is_off)
        pump(flow);
}

void sim_flow_rearm(struct sim_flow *flow)
{
    nst_time next = min_time(flow->phase_end, flow->act_at);
    if (!flow->result.is_started && !flow->is_stopped)
        next = flow->config.start;
    if (flow->config.stop != 0 && !flow->is_stopped)
        next = min_time(next, flow->config.stop);
    sim_events_arm(&flow->sim->events, &flow->actor, next);
}

static void flow_act(struct sim_actor *actor)
{
    struct sim_flow *flow = (struct sim_flow *)actor;
    const nst_time now = sim_now(flow->sim);
    if (!flow->is_stopped && !flow->result.is_started && now >= flow->config.start)
        start(flow);
    if (!flow->is_stopped && flow->config.stop != 0 && now >= flow->config.stop)
        sim_flow_stop(flow);
    if (now >= flow->phase_end)
        change_phase(flow);
    if (now >= flow->act_at) {
        flow->act_at = NST_TIME_NEVER;
        flow->readable = flow->config.reader_bps / 8 / SIM_READS + 1;
        pump(flow);
    }
    sim_flow_rearm(flow);
}

void sim_flow_ready(struct sim_end *end, nst_socket s)
{
    if (end->flow->config.kind == NST_SIM_DATAGRAMS)
        sim_datagram_receive(end);
    else if (s == end->flow->listener && s != end->s)
        sim_stream_accept(end);
    else if (end->is_open)
        sim_stream_pump(end);
    sim_flow_rearm(end->flow);
}

/* ---- Making them ---- */

/* The server's socket, open from the beginning. */
static int listen_at(struct sim_flow *flow)
{
    struct sim_end *end = &flow->ends[1];
    const struct nst_endpoint local = {.port = flow->server.port};
    const bool datagrams = flow->config.kind == NST_SIM_DATAGRAMS;
    nst_socket s;
    int r = nst_socket_open(end->host->stack, datagrams ? NST_DATAGRAM : NST_STREAM, &s);
    if (r == 0)
        r = nst_socket_bind(end->host->stack, s, &local);
    if (r == 0 && !datagrams)
        r = nst_socket_listen(end->host->stack, s, 8);
    if (r == 0)
        r = nst_socket_watch(end->host->stack, s, NST_READY_IN, end);
    if (datagrams) {
        end->s = s;
        end->is_open = true;
    } else {
        flow->listener = s;
    }
    return r;
}

static int init_flow(struct nst_sim *sim, uint32_t i, struct nst_sim_error *error)
{
    struct sim_flow *flow = &sim->flows[i];
    struct sim_port *to, *from;
    *flow = (struct sim_flow){.actor = {.act = flow_act},
                              .sim = sim,
                              .index = i,
                              .config = sim->topology->flows[i],
                              .phase_end = NST_TIME_NEVER,
                              .act_at = NST_TIME_NEVER};
    from = sim_find_port(sim, flow->config.from, flow->config.to, &to);
    if (from == NULL)
        return sim_refuse(error,
                          "no path from %s to %s: hosts do not forward; join them by a link or "
                          "switches",
                          sim_node_name(sim, flow->config.from),
                          sim_node_name(sim, flow->config.to));
    flow->patience = NST_SEC + 4 * sim_round_trip_max(sim, from, to);
    if (flow->config.reader_bps != 0)
        flow->patience *= 16; /* a lost window update is found by a probe that has backed off */
    flow->server = (struct nst_endpoint){.addr = sim_address(to, flow->config.ipv6),
                                         .port = (uint16_t)(SIM_PORT_FIRST + i)};
    for (int k = 0; k < 2; k++) {
        flow->ends[k].flow = flow;
        flow->ends[k].host = k == 0 ? from->host : to->host;
        flow->ends[k].since = NST_TIME_NEVER;
    }
    sim_flow_rearm(flow);
    return listen_at(flow);
}

int sim_flows_init(struct nst_sim *sim, struct nst_sim_error *ret_error)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < sim->topology->flow_count; i++)
        r = init_flow(sim, i, ret_error);
    return r;
}
