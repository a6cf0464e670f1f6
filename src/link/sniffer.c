/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sniffer shows each frame, both ways, before it goes on. What it has shown is its own: it is not
 * left in the NIC's queue when the lower link is full, or it would be shown again. While nobody
 * looks it only passes on: what the lower link does not take stays with the NIC.
 */
#include "link/middleware.h"

struct sniffer {
    struct middleware m; /* first */
    void (*see)(void *context, const struct nst_pkt *p, bool outgoing);
    void *context;
    bool is_off;
};

static void show(struct sniffer *s, struct nst_pktq *q, bool outgoing)
{
    for (struct nst_pkt *p = q->first; p != NULL; p = p->next) {
        nst_pkt_trace(p);
        s->see(s->context, p, outgoing);
    }
}

static void sniffer_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct sniffer *s = (struct sniffer *)link;
    if (s->is_off && nst_pktq_is_empty(&s->m.out)) {
        s->m.lower->ops->transmit(s->m.lower, q);
        link->tx_blocked = s->m.lower->tx_blocked;
        return;
    }
    if (!s->is_off)
        show(s, q, true);
    nst_pktq_splice(&s->m.out, q);
    middleware_send(&s->m);
}

static void sniffer_deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    struct sniffer *s = (struct sniffer *)middleware_of_upper(upper);
    if (!s->is_off)
        show(s, q, false);
    nst_link_deliver(&s->m.link, q);
}

static const struct nst_link_ops sniffer_ops = {
    .transmit = sniffer_transmit,
    .parse_header = middleware_parse_header,
    .push_header = middleware_push_header,
    .attach = middleware_attach,
    .detach = middleware_detach,
    .run = middleware_run,
    .next_deadline = middleware_next_deadline,
    .set_mtu = middleware_set_mtu,
    .set_address = middleware_set_address,
};

struct nst_link *nst_sniffer_new(const struct nst_allocator *allocator, struct nst_link *lower,
                                 void (*see)(void *context, const struct nst_pkt *p, bool outgoing),
                                 void *context)
{
    struct sniffer *s = allocator->alloc(allocator->context, sizeof(*s));
    if (s == NULL)
        return NULL;
    *s = (struct sniffer){.see = see, .context = context};
    middleware_init(&s->m, allocator, lower, &sniffer_ops, 0);
    s->m.upper =
        (struct nst_link_upper){.deliver = sniffer_deliver, .writable = middleware_writable};
    return &s->m.link;
}

void nst_sniffer_set_off(struct nst_link *link, bool off)
{
    ((struct sniffer *)link)->is_off = off;
}

void nst_sniffer_free(struct nst_link *link)
{
    if (link == NULL)
        return;
    const struct nst_allocator allocator = ((struct sniffer *)link)->m.allocator;
    allocator.free(allocator.context, link, sizeof(struct sniffer));
}
