/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fair queueing (RFC 8290), with CoDel in each flow's queue or without. Flows are told apart by a
 * hash over addresses, protocol and ports into LINE_FLOWS queues; those that just began come first
 * (RFC 8290 4.1.2), all by deficit round robin. When all places are taken, the longest queue loses
 * its first packet.
 */
#include <string.h>

#include "link/line.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#define QUANTUM 1514

static uint32_t mix(uint64_t h)
{
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((h ^ (h >> 31)) % LINE_FLOWS);
}

static uint64_t ports_at(const uint8_t *data, size_t len, size_t offset, uint8_t proto)
{
    const bool has_ports = proto == IP_PROTO_TCP || proto == IP_PROTO_UDP;
    return has_ports && len >= offset + 4 ? (uint64_t)be32_get(data + offset) << 8 | proto : proto;
}

/* The flow of p; what is no IP is one flow. */
static uint32_t flow_of(const struct nst_line *line, const struct nst_pkt *p)
{
    uint8_t bytes[IP4_HDR_MAX + 4];
    struct ip4_hdr ip4;
    struct ip6_hdr ip6;
    const size_t n = nst_pkt_copy_out(p, line->header, bytes, sizeof(bytes));
    if (ip4_parse(bytes, n, &ip4) != 0) {
        const uint64_t addrs = (uint64_t)be32_get(bytes + 12) << 32 | be32_get(bytes + 16);
        return mix(addrs ^ ports_at(bytes, n, ip4.hdr_len, ip4.proto) * 0x9e3779b97f4a7c15u);
    }
    if (ip6_parse(bytes, n, &ip6) == 0)
        return 0;
    uint64_t addrs = 0;
    for (size_t i = 8; i < IP6_HDR_LEN; i += 4)
        addrs = (addrs + be32_get(bytes + i)) * 0x9e3779b97f4a7c15u;
    return mix(addrs ^ ports_at(bytes, n, IP6_HDR_LEN, ip6.next) * 0x9e3779b97f4a7c15u);
}

static void append(struct line_flows *list, struct line_flow *flow)
{
    flow->next = NULL;
    if (list->first == NULL)
        list->first = flow;
    else
        list->last->next = flow;
    list->last = flow;
}

static struct line_flow *remove_first(struct line_flows *list)
{
    struct line_flow *flow = list->first;
    list->first = flow->next;
    return flow;
}

static void drop_from_longest(struct nst_line *line)
{
    struct line_flow *longest = &line->queue.fq.flows[0];
    nst_time since;
    for (uint32_t i = 1; i < LINE_FLOWS; i++)
        if (line->queue.fq.flows[i].q.bytes > longest->q.bytes)
            longest = &line->queue.fq.flows[i];
    line_drop(line, line_queue_pop(line, &longest->q, &since), NST_LINE_OVERFLOWED);
}

static void fq_enqueue(struct nst_line *line, struct nst_pkt *p, nst_time now)
{
    struct line_flow *flow = &line->queue.fq.flows[flow_of(line, p)];
    line_queue_push(line, &flow->q, p, now);
    if (!flow->is_listed) {
        flow->is_listed = true;
        flow->deficit = QUANTUM;
        append(&line->queue.fq.fresh, flow);
    }
    if (line->queue.packets > line->config.queue)
        drop_from_longest(line);
}

static struct nst_pkt *pop(struct nst_line *line, struct line_flow *flow, nst_time now)
{
    nst_time since;
    return line->config.discipline == NST_QUEUE_FQ_CODEL
               ? line_codel_pop(line, &flow->codel, &flow->q, now)
               : line_queue_pop(line, &flow->q, &since);
}

static struct nst_pkt *fq_dequeue(struct nst_line *line, nst_time now)
{
    struct line_fq *fq = &line->queue.fq;
    for (;;) {
        struct line_flows *list = fq->fresh.first != NULL ? &fq->fresh : &fq->old;
        struct line_flow *flow = list->first;
        if (flow == NULL)
            return NULL;
        if (flow->deficit <= 0) {
            flow->deficit += QUANTUM;
            append(&fq->old, remove_first(list));
            continue;
        }
        struct nst_pkt *p = pop(line, flow, now);
        if (p != NULL) {
            flow->deficit -= p->len;
            return p;
        }
        /* RFC 8290 4.2: a new flow that is empty becomes old once, so that it cannot stay new. */
        remove_first(list);
        if (list == &fq->fresh && fq->old.first != NULL)
            append(&fq->old, flow);
        else
            flow->is_listed = false;
    }
}

const struct line_queue_ops line_fq_ops = {.enqueue = fq_enqueue, .dequeue = fq_dequeue};
