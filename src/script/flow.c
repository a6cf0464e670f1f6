/* SPDX-License-Identifier: Apache-2.0 */
#include "script/flow.h"

#include "wire/tcp.h"

#define FIRST_REMOTE_PORT 40001
#define STACK_TICK_US     1000 /* of the stack's TSval */

void flows_init(struct flows *flows, struct arena *arena, uint16_t bind_port)
{
    *flows = (struct flows){.arena = arena, .remote_port = FIRST_REMOTE_PORT};
    for (int i = 0; i < 3; i++)
        flows->local_port[i] = bind_port;
}

static struct flow *add(struct flows *flows, enum script_protocol protocol, uint16_t local_port,
                        uint16_t remote_port)
{
    struct flow *flow = ARENA_NEW(flows->arena, struct flow);
    flow->protocol = protocol;
    flow->local_port = local_port;
    flow->remote_port = remote_port;
    flow->next = flows->first;
    flows->first = flow;
    flows->current[protocol] = flow;
    return flow;
}

static struct flow *find_script(const struct flows *flows, const struct script_packet *packet)
{
    for (struct flow *f = flows->first; f != NULL; f = f->next) {
        const uint16_t local = f->script_local_port ? f->script_local_port : f->local_port;
        const uint16_t remote = f->script_remote_port ? f->script_remote_port : f->remote_port;
        if (f->protocol == packet->protocol && local == packet->dst_port &&
            remote == packet->src_port)
            return f;
    }
    return NULL;
}

static struct flow *named(struct flows *flows, const struct script_packet *packet)
{
    struct flow *f = find_script(flows, packet);
    if (f == NULL) {
        f = add(flows, packet->protocol, packet->dst_port, packet->src_port);
        f->script_local_port = packet->dst_port;
        f->script_remote_port = packet->src_port;
    }
    flows->current[packet->protocol] = f;
    return f;
}

/* Does this SYN begin a connection of its own? */
static bool begins(const struct flows *flows, const struct script_packet *packet)
{
    return packet->protocol == PROTOCOL_TCP && flows->listening &&
           (packet->tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

struct flow *flows_incoming(struct flows *flows, const struct script_packet *packet)
{
    const enum script_protocol protocol = packet->protocol;
    if (packet->has_ports)
        return named(flows, packet);
    if (flows->current[protocol] != NULL && !begins(flows, packet))
        return flows->current[protocol];
    flows->listening = false;
    return add(flows, protocol, flows->local_port[protocol], flows->remote_port++);
}

struct flow *flows_outgoing(struct flows *flows, enum script_protocol protocol, uint16_t local_port,
                            uint16_t remote_port)
{
    for (struct flow *f = flows->first; f != NULL; f = f->next)
        if (f->protocol == protocol && f->local_port == local_port && f->remote_port == remote_port)
            return f;
    return add(flows, protocol, local_port, remote_port);
}

void flow_note_syn(struct flow *flow, uint32_t seq)
{
    flow->reborn = flow->begun && seq != flow->remote_iss;
    flow->begun = true;
    flow->remote_iss = seq;
}

void flow_learn_isn(struct flow *flow, uint32_t wire_seq, uint32_t script_seq)
{
    if (flow->isn_known && (!flow->reborn || wire_seq == flow->iss))
        return;
    flow->reborn = false;
    flow->ts_count = 0;
    flow->iss = wire_seq;
    flow->isn_known = true;
    flow->offset = wire_seq - script_seq;
    flow->una = wire_seq;
}

/* What `delta` of the script's ticks is in the stack's. */
static int64_t scale(int32_t delta, uint32_t tick_us)
{
    return tick_us == 0 ? delta : (int64_t)delta * tick_us / STACK_TICK_US;
}

uint32_t flow_ts_to_wire(const struct flow *flow, uint32_t ecr, uint32_t tick_us)
{
    if (flow->ts_count == 0)
        return ecr;
    for (uint32_t i = flow->ts_count; i-- > 0;)
        if (flow->ts_script[i] == ecr)
            return flow->ts_wire[i];
    return flow->ts_wire[0] + (uint32_t)scale((int32_t)(ecr - flow->ts_script[0]), tick_us);
}

uint32_t flow_ts_to_script(const struct flow *flow, uint32_t wire, uint32_t tick_us)
{
    if (flow->ts_count == 0)
        return wire;
    const int64_t delta = (int32_t)(wire - flow->ts_wire[0]);
    return flow->ts_script[0] + (uint32_t)(tick_us == 0 ? delta : delta * STACK_TICK_US / tick_us);
}

static void note(struct flow *flow, uint32_t script, uint32_t wire)
{
    uint32_t at = flow->ts_count;
    if (at == FLOW_TS_MAX) {
        /* The first is the base of all; the oldest of the others goes. */
        for (uint32_t i = 2; i < FLOW_TS_MAX; i++) {
            flow->ts_script[i - 1] = flow->ts_script[i];
            flow->ts_wire[i - 1] = flow->ts_wire[i];
        }
        at--;
    } else {
        flow->ts_count++;
    }
    flow->ts_script[at] = script;
    flow->ts_wire[at] = wire;
}

int64_t flow_ts_note(struct flow *flow, uint32_t script, uint32_t wire, uint32_t tick_us)
{
    int64_t off = 0;
    if (flow->ts_count > 0 && tick_us > 0) {
        const int64_t said = (int64_t)(int32_t)(script - flow->ts_script[0]) * tick_us;
        off = (int64_t)(int32_t)(wire - flow->ts_wire[0]) * STACK_TICK_US - said;
    }
    note(flow, script, wire);
    return off;
}
