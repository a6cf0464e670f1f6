/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a world, for the files of src/sim.
 *
 * Theory of operation. A world has hosts and switches with ports; a link is two lines (line.h), one
 * each way, between two ports. A host's port is the link below a NIC of its stack: what the stack
 * sends moves into the carrier, a stack without addresses whose pool owns every packet on its way,
 * and into the line. When a line has something for its other end, it acts: a switch passes frames
 * on into other lines, a host's port delivers them, and the host runs at the same instant. A host
 * runs until it has nothing more to do now, its applications too, and acts again at its deadline.
 *
 * The segments are what frames can reach: switches joined by links, with the hosts around them, or
 * two hosts alone. Hosts do not forward. Each segment is a prefix, and a host has an address in it
 * by the number of its port.
 *
 * Owners: the world owns everything; lines own packets of the carrier.
 *
 * Invariants: (1) an actor is armed whenever it has something to do; (2) nothing reads a clock, an
 * address of memory or a hash of one, so order depends on the topology and the seed alone;
 * (3) lines are emptied before stacks are freed, for packets share blocks of the stack that sent
 * them.
 */
#ifndef NICSTACK_SRC_SIM_SIM_H
#define NICSTACK_SRC_SIM_SIM_H

#include <nicstack/nic.h>
#include <nicstack/sim.h>

#include "sim/events.h"

enum {
    SIM_FAULTS_MAX = 16,
    SIM_FAULT_TEXT = 200,
    SIM_PORT_FIRST = 5001, /* TCP and UDP port of flow 0 */
    SIM_PERIOD = 65521,    /* of the pattern that flows send: a prime, so that nothing that is moved
                              by a power of two looks right */
    SIM_CHUNK = 65536,     /* most bytes of one call */
    SIM_READS = 50,        /* of a slow reader, a second */
};

struct sim_host;
struct sim_switch;
struct sim_flow;

/* One direction of a link. */
struct sim_wire {
    struct sim_actor actor; /* first */
    struct nst_sim *sim;
    struct nst_line *line;
    struct sim_port *to; /* where it ends */
    uint32_t link;
    bool is_back;
};

/* Where a link meets a node. */
struct sim_port {
    struct nst_link link; /* first; of a host */
    struct nst_sim *sim;
    struct sim_wire *out;
    uint32_t node, number;        /* number: of a host's port in the world, from 1 */
    uint32_t segment, in_segment; /* in_segment: the number of a host's port there, from 1 */
    struct sim_host *host;        /* one of both */
    struct sim_switch *sw;
    uint32_t nic; /* id */
};

struct sim_host {
    struct sim_actor actor; /* first */
    struct nst_sim *sim;
    struct nst_stack *stack;
    uint32_t node;
    uint64_t memory_at_rest; /* that its stack used before anything happened */
    struct sim_port **ports; /* a switch's too */
    uint32_t port_count, port_room;
    bool has_ipv6;
};

struct sim_switch {
    struct sim_port **ports; /* the sim_host's of the same node */
    uint32_t port_count;
    struct sim_port **learned; /* by the number of a host's port */
};

struct sim_link {
    struct sim_port ports[2]; /* at `from`, at `to` */
    struct sim_wire wires[2];
    nst_sim_see *see;
    void *see_context;
};

/* What the observer knows of one direction of a connection: see observe.c. */
struct sim_observed {
    uint32_t edge; /* the highest sequence number that the receiver's window allowed */
    bool has_edge;
    uint8_t wscale; /* of the windows that the receiver sends */
};

/* One end of a flow. */
struct sim_end {
    struct sim_flow *flow;
    struct sim_host *host;
    nst_socket s;
    bool is_open, is_shut, has_seen_end;
    uint64_t sent, received, allowed; /* bytes; allowed: that it may have sent by now */
    nst_time since; /* something is on its way to this end, without progress; NEVER: nothing is */
    struct sim_observed observed; /* what this end sends */
};

struct sim_flow {
    struct sim_actor actor; /* first */
    struct nst_sim *sim;
    struct nst_sim_flow config;
    uint32_t index;
    struct sim_end ends[2]; /* client, server */
    nst_socket listener;
    struct nst_endpoint server; /* its address */
    bool is_stopped, is_off;
    nst_time phase_end;         /* of on or off */
    nst_time act_at;            /* the next request or datagram; NEVER: none is planned */
    nst_time asked;             /* when the present request was sent */
    uint64_t paced_rest;        /* rate_bps-ths of a nanosecond */
    uint64_t highest, seen[16]; /* datagrams: the last 1,024 numbers that came */
    nst_time patience;          /* how long the path explains a pause without any loss */
    nst_time last_harm;
    uint32_t attempts; /* times at which packets of it were harmed, since there was progress */
    uint32_t attempts_before; /* what is left to explain of those before */
    bool has_server;          /* its connection was accepted */
    uint64_t readable;        /* bytes that a slow reader may read before act_at */
    struct nst_sim_flow_result result;
};

struct nst_sim {
    struct nst_allocator allocator;
    struct sim_events events;
    struct nst_sim_topology *topology; /* a copy */
    struct sim_host *hosts;            /* by node; stack NULL: a switch */
    struct sim_switch *switches;       /* by node */
    struct sim_link *links;
    struct sim_flow *flows;
    uint32_t host_ports; /* how many there are */
    struct nst_stack *carrier;
    struct nst_link carrier_link; /* for its pool */
    uint8_t *pattern;             /* SIM_PERIOD + SIM_CHUNK bytes */
    uint8_t *buffer;              /* SIM_CHUNK bytes */
    bool may_corrupt;             /* some line does */
    bool is_narrow;               /* segments are a /24 each */
    uint64_t unnamed_harms;       /* packets of no flow that were harmed: ARP, NDP */
    uint32_t fault_count;
    char faults[SIM_FAULTS_MAX][SIM_FAULT_TEXT];
};

static inline nst_time sim_now(const struct nst_sim *sim)
{
    return sim->events.now;
}

/* Memory of the world's allocator, zeroed; NULL: none. */
void *sim_alloc(const struct nst_allocator *a, size_t count, size_t size);
void sim_dealloc(const struct nst_allocator *a, void *memory, size_t count, size_t size);

/* Something that must not happen did. */
void sim_fault(struct nst_sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What is wrong with a topology; -NST_EINVAL. */
int sim_refuse(struct nst_sim_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *sim_node_name(const struct nst_sim *sim, uint32_t node);

/* ---- Pieces of nst_sim_new, in this order: 0 or a negative error, with *ret_error ---- */

/* defaults.c: fills in what was left open. */
void sim_take_defaults(struct nst_sim_topology *topology);

/* layout.c: checks the topology, fills in segments and ports' numbers. */
int sim_layout(struct nst_sim *sim, struct nst_sim_error *ret_error);
/* wire.c: lines and ports. */
int sim_wires_init(struct nst_sim *sim);
void sim_wires_clear(struct nst_sim *sim); /* frees what is on its way */
void sim_wires_fini(struct nst_sim *sim);
/* host.c */
int sim_hosts_init(struct nst_sim *sim);
void sim_hosts_fini(struct nst_sim *sim);
/* flow.c */
int sim_flows_init(struct nst_sim *sim, struct nst_sim_error *ret_error);

/* The port of a host that reaches the other host, whose port there is *ret_peer; NULL: none. */
struct sim_port *sim_find_port(struct nst_sim *sim, uint32_t from, uint32_t to,
                               struct sim_port **ret_peer);
/* How long a packet may take from one to the other and back, with full queues. */
nst_time sim_round_trip_max(struct nst_sim *sim, const struct sim_port *from,
                            const struct sim_port *to);
/* The address of a host's port. */
struct nst_addr sim_address(const struct sim_port *port, bool ipv6);

/* ---- While it runs ---- */

/* Lets the host run now. */
void sim_host_kick(struct sim_host *host);
/* Packets that a node sends into a line; consumes them. */
void sim_wire_send(struct sim_wire *wire, struct nst_pktq *q);
/* One of the flow's sockets wants attention. */
void sim_flow_ready(struct sim_end *end, nst_socket s);
/* No more data: what is on its way is finished. */
void sim_flow_stop(struct sim_flow *flow);
/* Lets the flow act when it next has to. */
void sim_flow_rearm(struct sim_flow *flow);
/* True: nothing of it is on its way. */
bool sim_flow_is_over(const struct sim_flow *flow);
/* Closes what is left: the listener, the sockets of datagrams. */
void sim_flow_close(struct sim_flow *flow);

/* observe.c: what a host sends, and what arrives at one. */
void sim_observe(struct nst_sim *sim, const struct nst_pkt *p, const struct sim_port *port,
                 bool outgoing);
void sim_observe_harm(struct nst_sim *sim, const struct nst_pkt *p);

/* stream.c: the streams of a flow. */
void sim_stream_start(struct sim_flow *flow);
void sim_stream_accept(struct sim_end *end);
/* Reads, sends and ends what there is to read, send and end. */
void sim_stream_pump(struct sim_end *end);
/* Brings what TCP says about itself up to date. */
void sim_stream_look(struct sim_flow *flow);
/* datagram.c */
void sim_datagram_start(struct sim_flow *flow);
void sim_datagram_send(struct sim_flow *flow);
void sim_datagram_receive(struct sim_end *end);

/* ---- What they tell their flow ---- */

/* `moved`: something came at `end`, which receives; `waiting`: more is on its way. */
void sim_flow_progress(struct sim_end *end, bool moved, bool waiting);
/* A packet of it was lost or damaged. */
void sim_flow_harm(struct sim_flow *flow);
/* This end has sent all and seen all: closes it. */
void sim_flow_end_closed(struct sim_end *end);
void sim_flow_fail(struct sim_flow *flow, int error);

/* One more message of a flow, which took `delay`. */
static inline void sim_count_message(struct nst_sim_flow_result *r, nst_time delay)
{
    r->messages++;
    r->delay_sum += delay;
    r->delay_min = r->messages == 1 || delay < r->delay_min ? delay : r->delay_min;
    r->delay_max = delay > r->delay_max ? delay : r->delay_max;
}

#endif
