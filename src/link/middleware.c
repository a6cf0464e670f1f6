/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that every middleware has in common: see middleware.h. */
#include "link/middleware.h"

static struct nst_link *lower_of(struct nst_link *link)
{
    return ((struct middleware *)link)->lower;
}

void middleware_init(struct middleware *m, const struct nst_allocator *allocator,
                     struct nst_link *lower, const struct nst_link_ops *ops, uint32_t without)
{
    m->allocator = *allocator;
    m->lower = lower;
    m->link = (struct nst_link){
        .ops = ops,
        .caps = lower->caps & ~without,
        .mtu = lower->mtu,
        .max_header = lower->max_header,
        .addr = lower->addr,
    };
    m->out = (struct nst_pktq){0};
    if ((m->link.caps & (NST_LINK_TSO4 | NST_LINK_TSO6 | NST_LINK_USO)) != 0)
        m->link.gso_max = lower->gso_max;
}

bool middleware_parse_header(struct nst_link *link, struct nst_pkt *p,
                             struct nst_link_header *ret_header)
{
    struct nst_link *lower = lower_of(link);
    return lower->ops->parse_header(lower, p, ret_header);
}

void middleware_push_header(struct nst_link *link, struct nst_pkt *p,
                            const struct nst_link_header *header)
{
    struct nst_link *lower = lower_of(link);
    lower->ops->push_header(lower, p, header);
}

void middleware_attach(struct nst_link *link)
{
    struct middleware *m = (struct middleware *)link;
    m->lower->upper = &m->upper;
    m->lower->pool = link->pool;
    link->tx_blocked = m->lower->tx_blocked;
    if (m->lower->ops->attach != NULL)
        m->lower->ops->attach(m->lower);
}

void middleware_detach(struct nst_link *link)
{
    struct middleware *m = (struct middleware *)link;
    struct nst_pkt *p;
    if (m->lower->ops->detach != NULL)
        m->lower->ops->detach(m->lower);
    m->lower->upper = NULL;
    m->lower->pool = NULL;
    while ((p = nst_pktq_pop(&m->out)) != NULL)
        nst_pkt_free(p);
}

void middleware_run(struct nst_link *link, nst_time now)
{
    struct nst_link *lower = lower_of(link);
    if (lower->ops->run != NULL)
        lower->ops->run(lower, now);
}

nst_time middleware_next_deadline(struct nst_link *link)
{
    struct nst_link *lower = lower_of(link);
    return lower->ops->next_deadline != NULL ? lower->ops->next_deadline(lower) : NST_TIME_NEVER;
}

int middleware_set_mtu(struct nst_link *link, uint32_t mtu)
{
    struct nst_link *lower = lower_of(link);
    int r = lower->ops->set_mtu != NULL ? lower->ops->set_mtu(lower, mtu) : -NST_EOPNOTSUPP;
    link->mtu = lower->mtu;
    return r;
}

int middleware_set_address(struct nst_link *link, struct nst_mac addr)
{
    struct nst_link *lower = lower_of(link);
    int r =
        lower->ops->set_address != NULL ? lower->ops->set_address(lower, addr) : -NST_EOPNOTSUPP;
    link->addr = lower->addr;
    return r;
}

void middleware_send(struct middleware *m)
{
    if (!nst_pktq_is_empty(&m->out) && !m->lower->tx_blocked)
        m->lower->ops->transmit(m->lower, &m->out);
    if (!nst_pktq_is_empty(&m->out) || m->lower->tx_blocked)
        m->link.tx_blocked = true;
    else if (m->link.tx_blocked)
        nst_link_set_writable(&m->link);
}

void middleware_writable(struct nst_link_upper *upper)
{
    middleware_send(middleware_of_upper(upper));
}
