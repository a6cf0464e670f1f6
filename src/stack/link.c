/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways up from a link. Both only queue, so a link may use them while it is called. */
#include <nicstack/link.h>

void nst_link_deliver(struct nst_link *link, struct nst_pktq *q)
{
    if (link->upper != NULL) {
        link->upper->deliver(link->upper, q);
        return;
    }
    while (!nst_pktq_is_empty(q))
        nst_pkt_free(nst_pktq_pop(q));
}

void nst_link_set_writable(struct nst_link *link)
{
    link->tx_blocked = false;
    if (link->upper != NULL)
        link->upper->writable(link->upper);
}
