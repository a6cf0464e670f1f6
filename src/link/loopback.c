/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loopback link: what is transmitted is delivered again, in order, in the stack's next turn.
 * Nothing can go wrong on the way, so checksums stay uncomputed and large segments stay whole.
 */
#include <nicstack/link.h>

struct loopback {
    struct nst_link link; /* first */
    struct nst_allocator allocator;
};

static void loopback_transmit(struct nst_link *link, struct nst_pktq *q)
{
    nst_link_deliver(link, q);
}

static const struct nst_link_ops loopback_ops = {
    .transmit = loopback_transmit,
    .parse_header = nst_bare_ip_parse,
    .push_header = nst_bare_ip_push,
};

struct nst_link *nst_loopback_new(const struct nst_allocator *allocator)
{
    struct loopback *l = allocator->alloc(allocator->context, sizeof(*l));
    if (l == NULL)
        return NULL;
    l->allocator = *allocator;
    l->link = (struct nst_link){
        .ops = &loopback_ops,
        .caps = NST_LINK_LOOPBACK | NST_LINK_CSUM_TX | NST_LINK_TSO4 | NST_LINK_TSO6 |
                NST_LINK_USO | NST_LINK_NO_MERGE,
        .mtu = 65536,
        .gso_max = 65535,
    };
    return &l->link;
}

void nst_loopback_free(struct nst_link *link)
{
    if (link == NULL)
        return;
    const struct nst_allocator allocator = ((struct loopback *)link)->allocator;
    allocator.free(allocator.context, link, sizeof(struct loopback));
}
