/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows: what the numbers of a script stand for on the wire. A script counts from each side's ISN,
 * leaves ports out, and has its own clock in timestamps.
 *
 * The remote side is the script itself, so its sequence numbers and timestamps go to the wire as
 * they are. Those of the local side are the stack's: the first SYN that leaves shows how far they
 * are from the script's.
 */
#ifndef NICSTACK_SRC_SCRIPT_FLOW_H
#define NICSTACK_SRC_SCRIPT_FLOW_H

#include "script/ast.h"

#define FLOW_TS_MAX 64

struct flow {
    struct flow *next;
    enum script_protocol protocol;
    uint16_t local_port, remote_port;               /* on the wire */
    uint16_t script_local_port, script_remote_port; /* 0: the script named none yet */
    bool isn_known;
    bool begun, reborn;  /* the script sent a SYN; then one of another number */
    uint32_t remote_iss; /* of its latest SYN */
    uint32_t iss;        /* on the wire: of the stack's SYN */
    uint32_t offset;     /* what the stack's sequence numbers are ahead of the script's */
    uint32_t una;        /* on the wire: what the script acknowledged last */
    uint32_t remote_nxt; /* on the wire: behind the last byte that the script sent */
    /* TSvals of the stack: as the script calls them and as they are; the first and the latest. */
    uint32_t ts_count;
    uint32_t ts_script[FLOW_TS_MAX], ts_wire[FLOW_TS_MAX];
};

struct flows {
    struct arena *arena;
    struct flow *first;
    struct flow *current[3]; /* by protocol: what a packet without ports belongs to */
    uint16_t local_port[3];  /* by protocol: what was bound last */
    uint16_t remote_port;    /* for peers that have none */
    bool listening;          /* listen() came after the current flow of TCP */
};

/* `bind_port` is where packets go when no socket was bound. */
void flows_init(struct flows *flows, struct arena *arena, uint16_t bind_port);
/* The flow of a packet of the script's that comes in; made if there is none yet. */
struct flow *flows_incoming(struct flows *flows, const struct script_packet *packet);
/* The flow of a packet that left, by its ports on the wire; made if there is none. */
struct flow *flows_outgoing(struct flows *flows, enum script_protocol protocol, uint16_t local_port,
                            uint16_t remote_port);

/* A SYN of the script's: with another number it may begin a new connection of the same name. */
void flow_note_syn(struct flow *flow, uint32_t seq);
/* Learns from a SYN that left, which the script calls `script_seq`: the first, and one of another
 * number after the script's own SYN had one. */
void flow_learn_isn(struct flow *flow, uint32_t wire_seq, uint32_t script_seq);
/* The wire's value of the script's TSval `ecr` of the stack; `tick_us` is the script's tick, 0: the
 * same as the stack's. */
uint32_t flow_ts_to_wire(const struct flow *flow, uint32_t ecr, uint32_t tick_us);
/* The script calls the TSval `wire` of the stack `script`. Returns by how many microseconds that
 * is off, counted from the first; 0 where the script has no tick. */
int64_t flow_ts_note(struct flow *flow, uint32_t script, uint32_t wire, uint32_t tick_us);
/* The script's value of a TSval of the stack. */
uint32_t flow_ts_to_script(const struct flow *flow, uint32_t wire, uint32_t tick_us);

#endif
