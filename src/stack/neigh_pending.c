/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. What cannot leave a NIC yet, because the link address of its next hop is
 * not known, waits in the neighbour's entry; the NIC has the list of such entries, oldest first, of
 * both families, and the sum of what waits. The bytes stay charged to the stack's budget as those
 * of every packet.
 *
 * Invariants
 *  1. An entry is in nic->pending.destinations exactly when packets wait in it; then it is
 *     INCOMPLETE.
 *  2. pending.count is the length of that list, pending.bytes the sum of what waits.
 *
 * Limits (N46): a destination's oldest packet makes room for its newest; the oldest destination
 * makes room for another, and for bytes of others.
 */
#include "stack/neigh.h"

#include "stack/nic.h"
#include "stack/stack.h"

static const struct nst_neigh_limits defaults = {
    .size = sizeof(defaults),
    .destinations = 64,
    .packets = 256,
    .bytes = 256 * 1024,
    .total_bytes = 1024 * 1024,
};

void neigh_pending_configure(struct neigh_pending *w, const struct nst_neigh_limits *limits)
{
    struct nst_neigh_limits l = *limits;
    if (l.destinations == 0)
        l.destinations = defaults.destinations;
    if (l.packets == 0)
        l.packets = defaults.packets;
    if (l.bytes == 0)
        l.bytes = defaults.bytes;
    if (l.total_bytes == 0)
        l.total_bytes = defaults.total_bytes;
    if (l.total_bytes < l.bytes)
        l.total_bytes = l.bytes;
    w->limits = l;
}

void neigh_pending_init(struct neigh_pending *w)
{
    *w = (struct neigh_pending){0};
    list_init(&w->destinations);
    neigh_pending_configure(w, &defaults);
}

static struct neigh_pending *pending_of(const struct neigh *n)
{
    return &n->table->ep->nic->pending;
}

static void unlist(struct neigh_pending *w, struct neigh *n)
{
    list_remove(&n->unresolved);
    w->count--;
}

struct nst_pktq neigh_pending_take(struct neigh *n)
{
    struct neigh_pending *w = pending_of(n);
    struct nst_pktq q = n->pending;
    n->pending = (struct nst_pktq){0};
    if (list_is_linked(&n->unresolved))
        unlist(w, n);
    w->bytes -= q.bytes;
    return q;
}

/* Drops the oldest packet of n, which has one. */
static void drop_oldest(struct neigh_pending *w, struct neigh *n)
{
    struct pkt *p = pktq_pop(&n->pending);
    w->bytes -= p->len;
    if (n->pending.count == 0)
        unlist(w, n);
    pkt_drop(p, DROP_NEIGH_QUEUE_FULL);
}

static void make_room(struct neigh_pending *w, struct neigh *n, uint32_t len)
{
    const struct nst_neigh_limits *l = &w->limits;
    while (n->pending.count > 0 &&
           (n->pending.count >= l->packets || n->pending.bytes + len > l->bytes))
        drop_oldest(w, n);
    while (w->count > 0 && w->bytes + len > l->total_bytes) {
        struct neigh *oldest = LIST_FIRST(&w->destinations, struct neigh, unresolved);
        if (oldest == n)
            drop_oldest(w, n);
        else
            neigh_cancel(oldest);
    }
    while (!list_is_linked(&n->unresolved) && w->count >= l->destinations)
        neigh_cancel(LIST_FIRST(&w->destinations, struct neigh, unresolved));
}

void neigh_pending_add(struct neigh *n, struct pkt *p)
{
    struct neigh_pending *w = pending_of(n);
    make_room(w, n, p->len);
    if (!list_is_linked(&n->unresolved)) {
        list_add_tail(&w->destinations, &n->unresolved);
        w->count++;
    }
    w->bytes += p->len;
    pktq_push(&n->pending, p);
}
