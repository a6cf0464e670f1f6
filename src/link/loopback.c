/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loopback link: what is transmitted is delivered again, in order, in the stack's next turn.
 * Nothing can go wrong on the way, so checksums stay uncomputed and large segments stay whole.
 */
#include <nicstack/link.h>

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
    struct nst_allocator *kept =
        allocator->alloc(allocator->context, sizeof(*kept) + sizeof(struct nst_link));
    if (kept == NULL)
        return NULL;
    struct nst_link *link = (struct nst_link *)(kept + 1);
    *kept = *allocator;
    *link = (struct nst_link){
        .ops = &loopback_ops,
        .caps = NST_LINK_LOOPBACK | NST_LINK_CSUM_TX | NST_LINK_TSO4 | NST_LINK_TSO6 |
                NST_LINK_USO | NST_LINK_NO_MERGE,
        .mtu = 65536,
        .gso_max = 65535,
    };
    return link;
}

void nst_loopback_free(struct nst_link *link)
{
    if (link == NULL)
        return;
    struct nst_allocator *kept = (struct nst_allocator *)(void *)link - 1;
    kept->free(kept->context, kept, sizeof(*kept) + sizeof(*link));
}
