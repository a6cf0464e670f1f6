/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pipe: two link ends in one thread; what one end transmits the other delivers.
 *
 * Theory of operation. Each end has a queue of packets on their way to it, which belong to the pool
 * of its own stack already: the bytes are shared, not copied. They are delivered in the run() of
 * the receiving stack, whose deadline says "at once" while some wait. An end whose peer's queue
 * holds `limit` packets is blocked, and becomes writable when the peer has taken them.
 *
 * Invariants: (1) queue.count <= limit; (2) an end is tx_blocked only while its peer's queue is
 * full; (3) an end that is not attached has an empty queue, and what is sent to it is lost.
 */
#include <nicstack/link.h>

#define DEFAULT_LIMIT 1024
#define DEFAULT_MTU   1500

struct pipe_end {
    struct nst_link link; /* first */
    struct pipe *pipe;
    struct pipe_end *peer;
    struct nst_pktq queue; /* on its way to this end */
    bool is_attached;      /* upper and pool are cleared only after detach: too late to look at */
};

struct pipe {
    struct pipe_end ends[2];
    uint32_t limit;
    struct nst_allocator allocator;
};

static void pipe_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct pipe_end *end = (struct pipe_end *)link;
    struct pipe_end *peer = end->peer;
    while (!nst_pktq_is_empty(q)) {
        if (peer->queue.count >= end->pipe->limit) {
            link->tx_blocked = true;
            return;
        }
        struct nst_pkt *p = nst_pktq_pop(q);
        if (!peer->is_attached) {
            nst_pkt_free(p);
            continue;
        }
        p = nst_pkt_transfer(peer->link.pool, p);
        if (p == NULL)
            continue;   /* lost, as on any wire whose other end has no memory */
        p->arrival = 0; /* it has not arrived yet */
        nst_pktq_push(&peer->queue, p);
    }
}

static void pipe_run(struct nst_link *link, nst_time now)
{
    (void)now;
    struct pipe_end *end = (struct pipe_end *)link;
    if (nst_pktq_is_empty(&end->queue))
        return;
    nst_link_deliver(link, &end->queue);
    if (end->peer->link.tx_blocked)
        nst_link_set_writable(&end->peer->link);
}

static nst_time pipe_next_deadline(struct nst_link *link)
{
    return nst_pktq_is_empty(&((struct pipe_end *)link)->queue) ? NST_TIME_NEVER : 0;
}

static void pipe_attach(struct nst_link *link)
{
    ((struct pipe_end *)link)->is_attached = true;
}

static void pipe_detach(struct nst_link *link)
{
    struct pipe_end *end = (struct pipe_end *)link;
    struct nst_pkt *p;
    end->is_attached = false;
    while ((p = nst_pktq_pop(&end->queue)) != NULL)
        nst_pkt_free(p);
    if (end->peer->link.tx_blocked)
        nst_link_set_writable(&end->peer->link);
}

static int pipe_set_mtu(struct nst_link *link, uint32_t mtu)
{
    link->mtu = mtu;
    return 0;
}

static int pipe_set_address(struct nst_link *link, struct nst_mac addr)
{
    link->addr = addr;
    return 0;
}

#define PIPE_OPS                                                                     \
    .transmit = pipe_transmit, .run = pipe_run, .next_deadline = pipe_next_deadline, \
    .attach = pipe_attach, .detach = pipe_detach, .set_mtu = pipe_set_mtu

static const struct nst_link_ops pipe_ip_ops = {
    PIPE_OPS,
    .parse_header = nst_bare_ip_parse,
    .push_header = nst_bare_ip_push,
};

static const struct nst_link_ops pipe_ethernet_ops = {
    PIPE_OPS,
    .set_address = pipe_set_address,
    .parse_header = nst_ethernet_parse,
    .push_header = nst_ethernet_push,
};

static void init_end(struct pipe *pipe, int i, const struct nst_pipe_config *config)
{
    struct pipe_end *end = &pipe->ends[i];
    *end = (struct pipe_end){.pipe = pipe, .peer = &pipe->ends[1 - i]};
    end->link.ops = config->ethernet ? &pipe_ethernet_ops : &pipe_ip_ops;
    end->link.caps = config->caps | (config->ethernet ? NST_LINK_RESOLVES : 0);
    end->link.mtu = config->mtu != 0 ? config->mtu : DEFAULT_MTU;
    end->link.max_header = config->ethernet ? 14 : 0;
    if ((config->caps & (NST_LINK_TSO4 | NST_LINK_TSO6 | NST_LINK_USO)) != 0)
        end->link.gso_max = config->gso_max != 0 ? config->gso_max : 65535;
    end->link.addr = config->addr[i];
}

int nst_pipe_new(const struct nst_allocator *allocator, const struct nst_pipe_config *config,
                 struct nst_link *ret_ends[2])
{
    if (config->size != sizeof(*config))
        return -NST_EINVAL;
    struct pipe *pipe = allocator->alloc(allocator->context, sizeof(*pipe));
    if (pipe == NULL)
        return -NST_ENOMEM;
    pipe->allocator = *allocator;
    pipe->limit = config->limit != 0 ? config->limit : DEFAULT_LIMIT;
    for (int i = 0; i < 2; i++) {
        init_end(pipe, i, config);
        ret_ends[i] = &pipe->ends[i].link;
    }
    return 0;
}

void nst_pipe_free(struct nst_link *ends[2])
{
    if (ends[0] == NULL)
        return;
    struct pipe *pipe = ((struct pipe_end *)ends[0])->pipe;
    const struct nst_allocator allocator = pipe->allocator;
    allocator.free(allocator.context, pipe, sizeof(*pipe));
    ends[0] = ends[1] = NULL;
}
