/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. A destination answers once what every packet to it would ask: which NIC,
 * next hop, source, neighbour, MTU. It is found by what was asked (remote, local, NIC), filled in
 * by fill(), and shared. Life: dst_get makes or finds it; while it has references its holders read
 * it; without any it waits in `lru`, at most IDLE_MAX of them, so that the next packet to the same
 * peer finds it and the path MTU is not forgotten.
 *
 * Nothing is pushed into destinations when the world changes. Routes, addresses and NICs bump
 * stack->routes.generation, and an entry of another generation is stale: dst_is_valid says so to
 * its holders; dst_get takes it out of the table (it goes with its last reference) and fills in a
 * new one, which inherits a lowered path MTU.
 *
 * Invariants: (1) `lru` links exactly the entries without references, and they are hashed;
 * (2) d->nic may be touched only while the entry is of the current generation: removing a NIC is a
 * change; (3) neigh is NULL exactly where nothing is to be resolved (N41).
 *
 * Limits: IDLE_MAX entries without references; those with references are bounded by their holders.
 * RFCs: 1122 3.3.1, 3.3.4 (source address, strong model), 1191 6.3 (a lowered MTU lasts 10
 * minutes).
 */
#include "stack/dst.h"

#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"
#include "wire/csum.h"
#include "wire/ip4.h"

#define IDLE_MAX     1024
#define MTU_LIFETIME (600 * NST_SEC)
#define HASHED_OF(n) container_of(n, struct dst, node)

void dst_table_init(struct nst_stack *stack)
{
    struct dst_table *t = &stack->dsts;
    hash_init(&t->table, &stack->pool->mem);
    list_init(&t->lru);
    t->idle = 0;
    slab_init(&t->slab, &stack->pool->mem, sizeof(struct dst), "dst", 16);
}

static void free_dst(struct dst *d)
{
    if (d->neigh != NULL)
        neigh_put(d->neigh);
    slab_give(&d->stack->dsts.slab, d);
}

static void shed(struct dst *d)
{
    struct dst_table *t = &d->stack->dsts;
    list_remove(&d->lru);
    t->idle--;
    hash_remove(&t->table, &d->node);
    free_dst(d);
}

bool dst_shed(struct nst_stack *stack)
{
    struct dst *d = LIST_FIRST(&stack->dsts.lru, struct dst, lru);
    if (d == NULL)
        return false;
    shed(d);
    return true;
}

static bool holds_neigh_of(const struct dst *d, const struct neigh_table *t)
{
    return d->neigh != NULL && d->neigh->table == t;
}

bool dst_shed_neigh(struct nst_stack *stack, const struct neigh_table *t)
{
    struct list *lru = &stack->dsts.lru;
    struct dst *d;
    /* What is passed over goes to the end, so that the next search is short; once all were, their
     * order is the old one. */
    for (uint32_t left = stack->dsts.idle; left > 0; left--) {
        d = LIST_FIRST(lru, struct dst, lru);
        if (holds_neigh_of(d, t) && !neigh_is_resolved(d->neigh)) {
            shed(d);
            return true;
        }
        list_remove(&d->lru);
        list_add_tail(lru, &d->lru);
    }
    LIST_FOR_EACH (d, lru, struct dst, lru) {
        if (holds_neigh_of(d, t)) {
            shed(d);
            return true;
        }
    }
    return false;
}

void dst_table_fini(struct nst_stack *stack)
{
    while (dst_shed(stack))
        continue;
    DEBUG_CHECK(hash_count(&stack->dsts.table) == 0);
    hash_fini(&stack->dsts.table);
    slab_fini(&stack->dsts.slab);
}

static uint64_t hash_of(const struct nst_stack *stack, const struct nst_addr *remote,
                        const struct nst_addr *local, uint32_t nic)
{
    if (nst_addr_is_v4(remote))
        return siphash13_2(&stack->hash_key, (uint64_t)remote->w[3] << 32 | local->w[3], nic);
    const uint64_t words[5] = {remote->q[0], remote->q[1], local->q[0], local->q[1], nic};
    return siphash13_5(&stack->hash_key, words);
}

static struct dst *lookup(const struct nst_stack *stack, uint64_t hash,
                          const struct nst_addr *remote, const struct nst_addr *local, uint32_t nic)
{
    struct hash_node *n = hash_first(&stack->dsts.table, hash);
    for (; n != NULL; n = hash_next(n)) {
        struct dst *d = HASHED_OF(n);
        if (nst_addr_equal(&d->addr, remote) && nst_addr_equal(&d->key_source, local) &&
            d->key_nic == nic)
            return d;
    }
    return NULL;
}

/* What dst_get was asked and what fill() finds out on the way. */
struct query {
    const struct nst_addr *remote, *local; /* local all zero: chosen */
    struct nic *nic;                       /* asked for, or where `local` lives; NULL: any */
    struct net_ep *owner;                  /* of remote, where handle-local applies */
    const struct route *route;             /* NULL: none is needed */
};

static bool is_group(const struct dst *d)
{
    return d->type != PKT_HOST;
}

/* Limited broadcast and multicast need no route: the NIC that was asked for, that of the route,
 * else the first that is no loopback. */
static struct nic *group_nic(struct nst_stack *stack, const struct query *q)
{
    if (q->nic != NULL)
        return q->nic;
    if (q->route != NULL)
        return q->route->nic;
    struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        if (nic->enabled && (nic->link->caps & NST_LINK_LOOPBACK) == 0)
            return nic;
    }
    return NULL;
}

static int no_route(const struct dst *d)
{
    if (nst_addr_is_v4(&d->addr))
        COUNT(d->stack->counters.ip4_no_route);
    else
        COUNT(d->stack->counters.ip6_no_route);
    return -NST_ENETUNREACH;
}

/* The NIC to leave by. */
static int choose_nic(struct dst *d, struct query *q)
{
    struct nst_stack *stack = d->stack;
    struct net_ep *owner = addrs_owner(stack, d->net->index, q->remote);
    if (owner != NULL && (q->nic == NULL || q->nic == owner->nic)) {
        q->owner = owner;
        d->nic = owner->nic;
        return 0;
    }
    if (addr_is_loopback(q->remote)) /* RFC 4291 2.5.3, RFC 1122 3.2.1.3 g: never on a wire */
        return no_route(d);
    q->route = route_lookup(stack, q->remote, q->nic);
    d->nic = is_group(d) ? group_nic(stack, q) : q->route != NULL ? q->route->nic : NULL;
    if (d->nic != NULL)
        return 0;
    if (route_is_down(stack, q->remote, q->nic))
        return -NST_ENETDOWN;
    return no_route(d);
}

/* RFC 1122 3.3.4.2, strong model: a source is an address of the NIC that sends; a weak host may use
 * any of its own, a spoofing NIC any at all (N62). */
static int choose_source(struct dst *d, const struct query *q)
{
    static const struct nst_addr none;
    const struct net_ep *ep = nic_ep(d->nic, (enum net_index)d->net->index);
    if (ep == NULL)
        return -NST_ENETUNREACH;
    if (!addr_is_unspecified(q->local)) {
        d->source = *q->local;
        if (d->nic->spoofing || addrs_has(ep, q->local) ||
            ((d->stack->weak_host || q->owner != NULL) &&
             addrs_owner(d->stack, d->net->index, q->local) != NULL))
            return 0;
        return -NST_EADDRNOTAVAIL;
    }
    if (q->owner != NULL) { /* to ourselves, from ourselves: RFC 1122 3.3.4.2 */
        d->source = *q->remote;
        return 0;
    }
    const struct nst_addr *hint = q->route != NULL ? &q->route->info.source : &none;
    /* IPv4 wants to be near the next hop, RFC 6724 to the destination. */
    const struct nst_addr *near = nst_addr_is_v4(&d->addr) ? &d->next_hop : &d->addr;
    if (addrs_select_source(ep, near, hint, &d->source))
        return 0;
    if (!is_group(d))
        return -NST_EADDRNOTAVAIL;
    /* RFC 1122 3.2.1.3 a: a host that does not know its address yet (DHCP). */
    d->source = nst_addr_v4(0, 0, 0, 0);
    return nst_addr_is_v4(q->remote) ? 0 : -NST_EADDRNOTAVAIL;
}

/* N41: the link address, or the neighbour that has to be asked for it. */
static int choose_link(struct dst *d, const struct query *q)
{
    struct nic *nic = d->nic;
    const struct nst_link *link = nic->link;
    d->mac = (struct nst_mac){{0}};
    if ((link->caps & NST_LINK_RESOLVES) == 0)
        return 0;
    if (q->owner != NULL || (link->caps & NST_LINK_LOOPBACK) != 0) {
        d->mac = link->addr;
    } else if (d->type == PKT_BROADCAST) {
        memset(d->mac.b, 0xff, sizeof(d->mac.b));
    } else if (d->type == PKT_MULTICAST) {
        const __typeof__(mac_from_group(q->remote)) group = mac_from_group(q->remote);
        memcpy(d->mac.b, group.b, sizeof(d->mac.b));
    } else {
        struct neigh_table *t = &nic->eps[d->net->index].neighs;
        d->neigh = neigh_get(t, &d->next_hop);
        if (d->neigh == NULL)
            return neigh_table_is_full(t) ? -NST_ENOBUFS : -NST_ENOMEM;
    }
    return 0;
}

static void fill_sizes(struct dst *d, const struct query *q)
{
    const struct nst_link *link = d->nic->link;
    const struct net_ep *ep = &d->nic->eps[d->net->index];
    d->mtu = d->is_local ? IP4_MAX_LEN : link->mtu;
    if (ep->mtu != 0 && ep->mtu < d->mtu && !d->is_local)
        d->mtu = ep->mtu;
    d->hop_limit = ep->hop_limit;
    if (q->route != NULL && q->route->info.mtu != 0 && q->route->info.mtu < d->mtu)
        d->mtu = max_u32(q->route->info.mtu, d->net->min_mtu);
    d->mtu_expires = NST_TIME_NEVER;
    d->headroom = link->max_header + d->net->max_header;
    /* N45: what the link cannot cut the NIC does. */
    const uint32_t tso = nst_addr_is_v4(&d->addr) ? NST_LINK_TSO4 : NST_LINK_TSO6;
    d->gso_max = IP4_MAX_LEN;
    if (!d->is_local && (link->caps & tso) != 0 && link->gso_max != 0)
        d->gso_max = min_u32(link->gso_max, IP4_MAX_LEN);
}

static uint8_t type_of(const struct nst_addr *remote)
{
    if (addr_is_limited_broadcast(remote))
        return PKT_BROADCAST;
    return addr_is_multicast(remote) ? PKT_MULTICAST : PKT_HOST;
}

/* The strong model sends from the NIC that has the address. */
static void prefer_owner_of_source(struct nst_stack *stack, struct query *q,
                                   const struct net_proto *net)
{
    if (q->nic != NULL || stack->weak_host || addr_is_unspecified(q->local))
        return;
    /* To ourselves any of our addresses will do. */
    struct net_ep *ep = addrs_owner(stack, net->index, q->local);
    if (ep != NULL && addrs_owner(stack, net->index, q->remote) == NULL)
        q->nic = ep->nic;
}

static int fill(struct dst *d, struct query *q)
{
    struct nst_stack *stack = d->stack;
    d->type = type_of(&d->addr);
    prefer_owner_of_source(stack, q, d->net);
    int r = choose_nic(d, q);
    if (r < 0)
        return r;
    if (!d->nic->enabled)
        return -NST_ENETDOWN;
    const struct net_ep *ep = nic_ep(d->nic, (enum net_index)d->net->index);
    if (ep != NULL && d->type == PKT_HOST && addrs_classify(ep, &d->addr) == ADDR_SUBNET_BROADCAST)
        d->type = PKT_BROADCAST;
    const bool gateway = q->route != NULL && !addr_is_unspecified(&q->route->info.gateway);
    d->next_hop = gateway && !is_group(d) ? q->route->info.gateway : d->addr;
    r = choose_source(d, q);
    if (r < 0)
        return r;
    d->is_local =
        q->owner != NULL && stack->handle_local && (d->nic->link->caps & NST_LINK_LOOPBACK) == 0;
    d->addr_sum = csum_reduce((uint64_t)d->source.w[3] + d->addr.w[3]);
    if (!nst_addr_is_v4(&d->addr))
        d->addr_sum = csum_pseudo_v6(&d->source, &d->addr, 0, 0);
    fill_sizes(d, q);
    return choose_link(d, q);
}

static int make(struct nst_stack *stack, struct query *q, const struct net_proto *net,
                struct dst **ret_dst)
{
    struct dst *d = slab_take(&stack->dsts.slab);
    if (d == NULL)
        return -NST_ENOMEM;
    memset(d, 0, sizeof(*d));
    list_init(&d->lru);
    d->stack = stack;
    d->net = net;
    d->addr = *q->remote;
    d->key_source = *q->local;
    d->generation = stack->routes.generation;
    const int r = fill(d, q);
    if (r < 0) {
        free_dst(d);
        return r;
    }
    /* RFC 6864 4: unpredictable, and unique for a destination as long as 16 bits can be. */
    d->ip_id = (uint16_t)rand_u32(&stack->rand);
    *ret_dst = d;
    return 0;
}

/* Takes a stale entry out of the table. */
static void retire(struct dst *d)
{
    struct dst_table *t = &d->stack->dsts;
    hash_remove(&t->table, &d->node);
    d->hashed = false;
    if (d->refs == 0) {
        list_remove(&d->lru);
        t->idle--;
        free_dst(d);
    }
}

static void inherit_mtu(struct dst *d, uint32_t mtu, nst_time expires)
{
    if (mtu < d->mtu && expires != NST_TIME_NEVER && expires > d->stack->now) {
        d->mtu = mtu;
        d->mtu_expires = expires;
    }
}

/* Rules out what can never be reached, and finds the protocol of the family. */
static int check_query(const struct nst_stack *stack, const struct nst_addr *remote,
                       const struct nst_addr *local, const struct net_proto **ret_net)
{
    const bool v4 = nst_addr_is_v4(remote);
    const struct net_proto *net = stack->net[v4 ? NET_IPV4 : NET_IPV6];
    if (net == NULL || (!addr_is_unspecified(local) && nst_addr_is_v4(local) != v4))
        return -NST_EAFNOSUPPORT;
    /* RFC 1122 3.2.1.3 a: never a destination; 240/4 neither. */
    if (addr_is_unspecified(remote) || addr_is_reserved(remote))
        return -NST_ENETUNREACH;
    if (addr_is_multicast(local) || addr_is_limited_broadcast(local))
        return -NST_EADDRNOTAVAIL;
    *ret_net = net;
    return 0;
}

int dst_get(struct nst_stack *stack, const struct nst_addr *remote, const struct nst_addr *local,
            uint32_t nic, struct dst **ret_dst)
{
    static const struct nst_addr any;
    if (local == NULL || addr_is_unspecified(local))
        local = &any;
    const uint64_t hash = hash_of(stack, remote, local, nic);
    struct dst *old = lookup(stack, hash, remote, local, nic);
    if (likely(old != NULL && dst_is_valid(old))) {
        if (old->refs++ == 0) {
            list_remove(&old->lru);
            stack->dsts.idle--;
        }
        *ret_dst = old;
        return 0;
    }
    const uint32_t old_mtu = old != NULL ? old->mtu : 0;
    const nst_time old_expires = old != NULL ? old->mtu_expires : NST_TIME_NEVER;
    if (old != NULL)
        retire(old);
    const struct net_proto *net;
    int r = check_query(stack, remote, local, &net);
    if (r < 0)
        return r;
    struct query q = {.remote = remote, .local = local, .nic = NULL};
    if (nic != 0) {
        q.nic = nic_by_id(stack, nic);
        if (q.nic == NULL || !q.nic->enabled)
            return -NST_ENETDOWN;
    }
    struct dst *d;
    r = make(stack, &q, net, &d);
    if (r < 0)
        return r;
    d->key_nic = nic;
    inherit_mtu(d, old_mtu, old_expires);
    hash_insert(&stack->dsts.table, &d->node, hash);
    d->hashed = true;
    d->refs = 1;
    *ret_dst = d;
    return 0;
}

void dst_put(struct dst *d)
{
    if (d == NULL || --d->refs > 0)
        return;
    if (!d->hashed) {
        free_dst(d);
        return;
    }
    struct dst_table *t = &d->stack->dsts;
    list_add_tail(&t->lru, &d->lru);
    if (++t->idle > IDLE_MAX)
        dst_shed(d->stack);
}

uint32_t dst_mtu(const struct dst *d)
{
    return d->mtu - d->net->max_header;
}

bool dst_is_filled(const struct dst *d, uint32_t eighths)
{
    return d->generation == d->stack->routes.generation && !d->is_local &&
           nic_is_filled(d->nic, eighths);
}

bool dst_is_blocked(const struct dst *d)
{
    return dst_is_filled(d, 4);
}

uint32_t dst_room(const struct dst *d, uint32_t size)
{
    if (d->is_local)
        return UINT32_MAX / size;
    const struct nic *nic = d->nic;
    const uint32_t packets = (uint32_t)((uint64_t)nic->txq_max_packets * DST_FILLED_LONE / 8);
    const uint32_t bytes = (uint32_t)((uint64_t)nic->txq_max_bytes * DST_FILLED_LONE / 8);
    const uint32_t left = packets > nic->txq.count ? packets - nic->txq.count : 0;
    const uint64_t left_bytes = bytes > nic->txq.bytes ? bytes - nic->txq.bytes : 0;
    return max_u32(min_u32(left, (uint32_t)(left_bytes / size)), 1);
}

struct pkt *dst_group_copy(const struct dst *d, const struct pkt *p, uint32_t room, uint32_t most)
{
    if (!groups_has(&d->nic->eps[d->net->index], &d->addr) ||
        (d->nic->link->caps & NST_LINK_LOOPBACK) != 0 || p->len > most)
        return NULL;
    struct pkt *copy = pkt_clone(p);
    if (copy == NULL)
        return NULL;
    if (!pkt_reserve_headroom(copy, room)) {
        pkt_drop(copy, DROP_NO_MEMORY);
        return NULL;
    }
    nst_pkt_complete_csum(pkt_pub(copy));
    return copy;
}

void dst_confirm(struct dst *d)
{
    if (d->neigh != NULL)
        neigh_progress(d->neigh);
}

void dst_lower_mtu(struct dst *d, uint32_t mtu)
{
    if (mtu < d->net->min_mtu || mtu >= d->mtu)
        return;
    d->mtu = mtu;
    d->mtu_expires = d->stack->now + MTU_LIFETIME;
}
