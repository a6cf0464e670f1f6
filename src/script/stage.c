/* SPDX-License-Identifier: Apache-2.0 */
#include "script/stage.h"

#include <stdlib.h>
#include <string.h>

#include <nicstack/nic.h>

#define START    (1000 * NST_SEC) /* the stack's clock at time 0 */
#define HEADROOM 64
#define GSO_MAX  65535

/* ---- Memory: malloc ---- */

static void *take_memory(void *context, size_t size)
{
    (void)context;
    return aligned_alloc(16, (size + 15) & ~(size_t)15);
}

static void give_memory(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

/* ---- The link ---- */

static struct stage *of(struct nst_link *link)
{
    return (struct stage *)link;
}

static void record(struct stage *w, struct nst_pkt *p)
{
    nst_pkt_complete_csum(p);
    struct stage_packet *packet = malloc(sizeof(*packet) + p->len);
    if (packet == NULL)
        return;
    *packet = (struct stage_packet){.at = w->now, .len = p->len};
    packet->segment = p->gso != NST_GSO_NONE ? p->gso_size : 0;
    nst_pkt_copy_out(p, 0, packet->data, p->len);
    *w->sent_end = packet;
    w->sent_end = &packet->next;
}

static void transmit(struct nst_link *link, struct nst_pktq *q)
{
    while (!nst_pktq_is_empty(q)) {
        struct nst_pkt *p = nst_pktq_pop(q);
        record(of(link), p);
        nst_pkt_free(p);
    }
}

static const struct nst_link_ops ops = {
    .transmit = transmit,
    .parse_header = nst_bare_ip_parse,
    .push_header = nst_bare_ip_push,
};

/* ---- Making it ---- */

static int add_route(struct stage *w, const struct stage_config *config, uint32_t nic)
{
    struct nst_route route = {.nic = nic, .gateway = config->gateway};
    if (nst_addr_is_v4(&config->local))
        route.prefix = nst_addr_v4(0, 0, 0, 0);
    return nst_route_add(w->stack, &route);
}

static int add_nic(struct stage *w, const struct stage_config *config)
{
    uint32_t nic;
    const struct nst_nic_config nic_config = {
        .size = sizeof(nic_config),
        .name = "tun0",
        .link = &w->link,
        .promiscuous = config->any,
        .spoofing = config->any,
        .tx_queue_packets = 100000,
        .tx_queue_bytes = 64u << 20,
    };
    const struct nst_nic_addr addr = {.addr = config->local, .prefix_len = config->prefix_len};
    int r = nst_nic_add(w->stack, &nic_config, &nic);
    if (r < 0)
        return r;
    r = nst_nic_addr_add(w->stack, nic, &addr);
    return r < 0 ? r : add_route(w, config, nic);
}

int stage_init(struct stage *w, const struct stage_config *config)
{
    *w = (struct stage){.sent_end = &w->sent, .local = config->local};
    w->link = (struct nst_link){
        .ops = &ops,
        .caps = NST_LINK_NO_MERGE | NST_LINK_CSUM_TX,
        .mtu = config->mtu,
    };
    if (!config->cut) {
        w->link.caps |= NST_LINK_TSO4 | NST_LINK_TSO6;
        w->link.gso_max = GSO_MAX;
    }
    struct nst_stack_config stack_config = {
        .size = sizeof(stack_config),
        .allocator = {take_memory, give_memory, NULL},
        .memory_limit = 256u << 20,
        .seed = "packet scripts: the same seed",
        .now = START,
        .handle_local = true,
        .tcp_rto_min = config->rto_min,
        .tcp_time_wait = config->time_wait,
        .tcp_send_buffer_max = config->send_buffer_max,
        .tcp_receive_buffer_max = config->receive_buffer_max,
        .tcp_initial_window = config->initial_window,
        .tcp_off = config->tcp_off,
    };
    int r = nst_stack_new(&stack_config, &w->stack);
    if (r < 0)
        return r;
    r = add_nic(w, config);
    if (r < 0)
        stage_fini(w);
    else
        stage_run(w);
    return r;
}

void stage_fini(struct stage *w)
{
    struct stage_packet *p;
    nst_stack_free(w->stack);
    w->stack = NULL;
    while ((p = stage_take(w)) != NULL)
        free(p);
}

/* ---- Time ---- */

nst_time stage_stack_time(const struct stage *w)
{
    return START + w->now;
}

nst_time stage_time_of(nst_time stack_time)
{
    return stack_time - START;
}

void stage_run(struct stage *w)
{
    /* Nothing takes a stack more than a few turns; a world that never came to rest would hang. */
    for (int turns = 0; turns < 1000; turns++) {
        nst_stack_run(w->stack, START + w->now, 0);
        if (nst_stack_next_deadline(w->stack) > START + w->now)
            break;
    }
    if (w->ran != NULL)
        w->ran(w->context);
}

nst_time stage_next(const struct stage *w)
{
    const nst_time next = nst_stack_next_deadline(w->stack);
    return next == NST_TIME_NEVER ? next : next - START;
}

bool stage_step(struct stage *w, nst_time until)
{
    const nst_time next = stage_next(w);
    if (next > until) {
        if (until > w->now)
            w->now = until;
        return false;
    }
    if (next > w->now)
        w->now = next;
    stage_run(w);
    return true;
}

void stage_advance(struct stage *w, nst_time until)
{
    while (stage_step(w, until))
        if (stage_next(w) <= w->now)
            break; /* it does not come to rest: stage_run has given up */
    if (until > w->now)
        w->now = until;
}

/* ---- Packets ---- */

void stage_inject(struct stage *w, const void *packet, size_t len)
{
    struct nst_pktq q = {0};
    struct nst_pkt *p = nst_pkt_new(w->link.pool, HEADROOM, (uint32_t)len);
    if (p == NULL) {
        w->dropped++;
        return;
    }
    if (len > 0)
        memcpy(nst_pkt_put(p, (uint32_t)len), packet, len);
    nst_pktq_push(&q, p);
    nst_link_deliver(&w->link, &q);
    stage_run(w);
}

struct stage_packet *stage_take(struct stage *w)
{
    struct stage_packet *p = w->sent;
    if (p == NULL)
        return NULL;
    w->sent = p->next;
    if (w->sent == NULL)
        w->sent_end = &w->sent;
    p->next = NULL;
    return p;
}
