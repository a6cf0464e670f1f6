/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that every middleware has in common: see middleware.h. */
#include "link/middleware.h"

#include "link/lower.h"

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
    link->tx_blocked = m->lower->tx_blocked;
    lower_attach(m->lower, &m->upper, link->pool);
}

void middleware_detach(struct nst_link *link)
{
    struct middleware *m = (struct middleware *)link;
    lower_detach(m->lower, &m->out);
}

void middleware_run(struct nst_link *link, nst_time now)
{
    lower_run(lower_of(link), now);
}

nst_time middleware_next_deadline(struct nst_link *link)
{
    return lower_next_deadline(lower_of(link));
}

int middleware_set_mtu(struct nst_link *link, uint32_t mtu)
{
    struct nst_link *lower = lower_of(link);
    const int r = lower_set_mtu(lower, mtu);
    link->mtu = lower->mtu;
    return r;
}

int middleware_set_address(struct nst_link *link, struct nst_mac addr)
{
    struct nst_link *lower = lower_of(link);
    const int r = lower_set_address(lower, addr);
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
