/* SPDX-License-Identifier: Apache-2.0 */
/* What nst sim prints: flows, links, and what must not have happened. */
#include <inttypes.h>
#include <stdio.h>

#include "simulate/sim.h"
#include "tool/json.h"
#include "tool/units.h"

static const char *const kinds[] = {"bulk", "request", "udp"};

/* How long it took, or takes. */
static nst_time lasted(const struct nst_sim *sim, const struct nst_sim_flow_result *r)
{
    return (r->ended != 0 ? r->ended : nst_sim_now(sim)) - r->started;
}

/* Bits a second; of 0 seconds, 0. */
static uint64_t rate_of(uint64_t bytes, nst_time time)
{
    const nst_time us = time / NST_USEC;
    return us > 0 ? bytes * 8 * 1000000 / (uint64_t)us : 0;
}

/* ---- Tables ---- */

static const char *state_of(const struct nst_sim_flow_result *r)
{
    if (r->error != 0)
        return nst_error_name(r->error);
    if (r->is_done)
        return "done";
    return r->is_started ? "running" : "waiting";
}

static void print_flow(struct nst_sim *sim, const struct nst_sim_topology *t, uint32_t i)
{
    struct nst_sim_flow_result r;
    char received[UNITS_TEXT], rate[UNITS_TEXT], rtt[UNITS_TEXT], stall[UNITS_TEXT],
        took[UNITS_TEXT];
    const struct nst_sim_flow *f = &t->flows[i];
    nst_sim_get_flow(sim, i, &r);
    const bool is_udp = f->kind == NST_SIM_DATAGRAMS;
    nst_time delay = r.messages > 0 ? r.delay_sum / (nst_time)r.messages : r.tcp.srtt;
    printf("%5u %-8s %-12s %-12s %-8s %9s %9s %9s %9s %8" PRIu64 " %6" PRIu64 " %9s\n", i,
           kinds[f->kind], t->nodes[f->from].name, t->nodes[f->to].name, state_of(&r),
           r.is_started ? units_format_time(lasted(sim, &r), took) : "-",
           units_format_bytes(r.received, received),
           units_format_rate(rate_of(r.received, lasted(sim, &r)), rate),
           units_format_time(delay, rtt), r.messages,
           is_udp ? r.messages_sent - (r.messages - r.duplicates) : r.tcp.retransmits,
           is_udp ? "-" : units_format_time(r.longest_stall, stall));
}

static void print_way(struct nst_sim *sim, const struct nst_sim_topology *t, uint32_t i, int way)
{
    struct nst_impair_stats s;
    const struct nst_sim_link *l = &t->links[i];
    nst_sim_get_link(sim, i, way, &s);
    char rate[UNITS_TEXT];
    printf("%5u %-12s %-12s %9" PRIu64 " %9s %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64
           " %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %6u\n",
           i, t->nodes[way == 0 ? l->from : l->to].name, t->nodes[way == 0 ? l->to : l->from].name,
           s.packets, units_format_rate(rate_of(s.delivered_bytes, nst_sim_now(sim)), rate), s.lost,
           s.overflowed, s.managed, s.marked, s.duplicated, s.corrupted, s.reordered,
           s.waiting_max);
}

static void print_tables(struct nst_sim *sim, const struct nst_sim_topology *t)
{
    if (t->flow_count > 0)
        printf(
            " FLOW KIND     FROM         TO           STATE         TIME  RECEIVED   GOODPUT     "
            "DELAY MESSAGES   LOST     PAUSE\n");
    for (uint32_t i = 0; i < t->flow_count; i++)
        print_flow(sim, t, i);
    if (t->link_count > 0)
        printf(
            "\n LINK FROM         TO             PACKETS      RATE    LOST OVERFLO   CODEL  MARKED "
            "   DUPL CORRUPT REORDER   WAIT\n");
    for (uint32_t i = 0; i < t->link_count; i++)
        for (int way = 0; way < 2; way++)
            print_way(sim, t, i, way);
}

/* ---- JSON ---- */

static void write_tcp(struct json *j, const struct nst_tcp_info *tcp)
{
    json_begin(j, "tcp", '{');
    json_number(j, "cwnd", tcp->cwnd);
    json_number(j, "ssthresh", tcp->ssthresh);
    json_number(j, "srtt", (uint64_t)tcp->srtt);
    json_number(j, "retransmits", tcp->retransmits);
    json_number(j, "timeouts", tcp->timeouts);
    json_number(j, "spurious", tcp->spurious);
    json_number(j, "bytes_retransmitted", tcp->bytes_retransmitted);
    json_end(j, '}');
}

static void write_flow(struct json *j, struct nst_sim *sim, const struct nst_sim_topology *t,
                       uint32_t i)
{
    struct nst_sim_flow_result r;
    const struct nst_sim_flow *f = &t->flows[i];
    nst_sim_get_flow(sim, i, &r);
    json_begin(j, NULL, '{');
    json_number(j, "flow", i);
    json_text(j, "kind", kinds[f->kind]);
    json_text(j, "from", t->nodes[f->from].name);
    json_text(j, "to", t->nodes[f->to].name);
    json_text(j, "state", state_of(&r));
    json_number(j, "started", (uint64_t)r.started);
    json_number(j, "lasted", r.is_started ? (uint64_t)lasted(sim, &r) : 0);
    json_number(j, "sent", r.sent);
    json_number(j, "received", r.received);
    json_number(j, "goodput", rate_of(r.received, lasted(sim, &r)));
    json_number(j, "messages_sent", r.messages_sent);
    json_number(j, "messages", r.messages);
    if (r.messages > 0) {
        json_number(j, "delay_mean", (uint64_t)r.delay_sum / r.messages);
        json_number(j, "delay_min", (uint64_t)r.delay_min);
        json_number(j, "delay_max", (uint64_t)r.delay_max);
    }
    if (f->kind == NST_SIM_DATAGRAMS) {
        json_number(j, "late", r.late);
        json_number(j, "duplicates", r.duplicates);
    } else {
        json_number(j, "longest_pause", (uint64_t)r.longest_stall);
        json_number(j, "stalls", r.stalls);
        write_tcp(j, &r.tcp);
    }
    json_end(j, '}');
}

static void write_way(struct json *j, struct nst_sim *sim, const struct nst_sim_topology *t,
                      uint32_t i, int way)
{
    struct nst_impair_stats s;
    const struct nst_sim_link *l = &t->links[i];
    nst_sim_get_link(sim, i, way, &s);
    json_begin(j, NULL, '{');
    json_number(j, "link", i);
    json_text(j, "from", t->nodes[way == 0 ? l->from : l->to].name);
    json_text(j, "to", t->nodes[way == 0 ? l->to : l->from].name);
    json_number(j, "packets", s.packets);
    json_number(j, "delivered", s.delivered);
    json_number(j, "delivered_bytes", s.delivered_bytes);
    json_number(j, "lost", s.lost);
    json_number(j, "overflowed", s.overflowed);
    json_number(j, "managed", s.managed);
    json_number(j, "marked", s.marked);
    json_number(j, "duplicated", s.duplicated);
    json_number(j, "corrupted", s.corrupted);
    json_number(j, "reordered", s.reordered);
    json_number(j, "waiting_max", s.waiting_max);
    json_end(j, '}');
}

static void write_json(struct nst_sim *sim, const struct nst_sim_topology *t, bool pretty)
{
    struct json j = {.out = stdout, .is_pretty = pretty};
    const char *fault;
    json_begin(&j, NULL, '{');
    json_number(&j, "seed", t->seed);
    json_number(&j, "time", (uint64_t)nst_sim_now(sim));
    json_number(&j, "events", nst_sim_events(sim));
    json_begin(&j, "flows", '[');
    for (uint32_t i = 0; i < t->flow_count; i++)
        write_flow(&j, sim, t, i);
    json_end(&j, ']');
    json_begin(&j, "links", '[');
    for (uint32_t i = 0; i < t->link_count; i++)
        for (int way = 0; way < 2; way++)
            write_way(&j, sim, t, i, way);
    json_end(&j, ']');
    json_begin(&j, "faults", '[');
    for (size_t n = 0; (fault = nst_sim_get_fault(sim, n)) != NULL; n++)
        json_text(&j, NULL, fault);
    json_end(&j, ']');
    json_end(&j, '}');
}

void sim_report(struct nst_sim *sim, const struct nst_sim_topology *topology,
                const struct sim_options *options)
{
    const char *fault;
    if (options->json)
        write_json(sim, topology, options->pretty);
    else if (!options->quiet)
        print_tables(sim, topology);
    for (size_t n = 0; (fault = nst_sim_get_fault(sim, n)) != NULL; n++)
        fprintf(stderr, "nst sim: %s\n", fault);
}
