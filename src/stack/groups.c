/* SPDX-License-Identifier: Apache-2.0 */
/* groups.h has the theory of operation. */
#include "stack/groups.h"

#include <nicstack/event.h>

#include "stack/event.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"

void groups_init(struct net_ep *ep)
{
    struct groups *g = &ep->groups;
    hash_init(&g->table, &ep->nic->stack->pool->mem);
    list_init(&g->list);
    timer_init(&g->listener.changes, NULL);
    timer_init(&g->listener.answer, NULL);
    g->count = 0;
}

static uint64_t hash_of(const struct net_ep *ep, const struct nst_addr *addr)
{
    return siphash13_2(&ep->nic->stack->hash_key, addr->q[0], addr->q[1]);
}

static void free_group(struct group *g)
{
    struct groups *all = &g->ep->groups;
    struct nst_stack *stack = g->ep->nic->stack;
    struct membership *m, *next;
    LIST_FOR_EACH_SAFE (m, next, &g->members, struct membership, by_group) {
        list_remove(&m->by_group);
        m->group = NULL;
    }
    wheel_cancel(&stack->wheel, &g->timer);
    hash_remove(&all->table, &g->node);
    list_remove(&g->by_order);
    all->count--;
    mem_free(&stack->pool->mem, g, sizeof(*g));
}

void groups_fini(struct net_ep *ep)
{
    struct groups *all = &ep->groups;
    struct wheel *wheel = &ep->nic->stack->wheel;
    struct group *g, *next;
    LIST_FOR_EACH_SAFE (g, next, &all->list, struct group, by_order) {
        free_group(g);
    }
    wheel_cancel(wheel, &all->listener.changes);
    wheel_cancel(wheel, &all->listener.answer);
    hash_fini(&all->table);
}

struct group *groups_lookup(const struct net_ep *ep, const struct nst_addr *addr)
{
    struct hash_node *node = hash_first(&ep->groups.table, hash_of(ep, addr));
    for (; node != NULL; node = hash_next(node)) {
        struct group *g = container_of(node, struct group, node);
        if (nst_addr_equal(&g->addr, addr))
            return g;
    }
    return NULL;
}

bool groups_has(const struct net_ep *ep, const struct nst_addr *addr)
{
    const struct group *g = groups_lookup(ep, addr);
    return g != NULL && g->joins > 0;
}

/* A new group without joins. 0, -NST_ENOBUFS, -NST_ENOMEM. */
static int create(struct net_ep *ep, const struct nst_addr *addr, struct group **ret_group)
{
    struct groups *all = &ep->groups;
    if (all->count >= GROUPS_MAX)
        return -NST_ENOBUFS;
    struct group *g = mem_zalloc(&ep->nic->stack->pool->mem, sizeof(*g));
    if (g == NULL)
        return -NST_ENOMEM;
    list_init(&g->by_order);
    list_init(&g->members);
    timer_init(&g->timer, NULL);
    g->ep = ep;
    g->addr = *addr;
    hash_insert(&all->table, &g->node, hash_of(ep, addr));
    list_add_tail(&all->list, &g->by_order);
    all->count++;
    *ret_group = g;
    return 0;
}

static void note(const struct group *g, enum nst_event_kind kind)
{
    event_put(g->ep->nic, &(const struct nst_event){.kind = (uint8_t)kind, .addr = g->addr});
}

/* The group with one join more. */
static int join(struct net_ep *ep, const struct nst_addr *addr, struct group **ret_group)
{
    const bool v4 = ep->proto->index == NET_IPV4;
    if (!addr_is_multicast(addr) || nst_addr_is_v4(addr) != v4)
        return -NST_EINVAL;
    struct group *g = groups_lookup(ep, addr);
    if (g == NULL) {
        const int r = create(ep, addr, &g);
        if (r < 0)
            return r;
    }
    if (g->joins++ == 0) {
        note(g, NST_EVENT_GROUP_JOINED);
        ep->proto->group_joined(g);
    }
    *ret_group = g;
    return 0;
}

static void leave(struct group *g)
{
    if (--g->joins > 0)
        return;
    note(g, NST_EVENT_GROUP_LEFT);
    if (!g->ep->proto->group_left(g))
        free_group(g);
}

int groups_join(struct net_ep *ep, const struct nst_addr *addr)
{
    struct group *g;
    return join(ep, addr, &g);
}

int groups_leave(struct net_ep *ep, const struct nst_addr *addr)
{
    struct group *g = groups_lookup(ep, addr);
    if (g == NULL || g->joins == 0)
        return -NST_EADDRNOTAVAIL;
    leave(g);
    return 0;
}

void groups_forget(struct group *g)
{
    DEBUG_CHECK(g->joins == 0);
    free_group(g);
}

/* ---- Sockets ---- */

/* The NIC that a packet to the group would leave by. */
static struct nic *nic_for(struct nst_stack *stack, const struct nst_addr *addr)
{
    const struct route *route = route_lookup(stack, addr, NULL);
    if (route != NULL)
        return route->nic;
    struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        if ((nic->link->caps & NST_LINK_LOOPBACK) == 0)
            return nic;
    }
    return NULL;
}

int membership_join(struct nst_stack *stack, struct membership *m)
{
    if (!addr_is_multicast(&m->addr))
        return -NST_EINVAL;
    struct nic *nic = m->nic != 0 ? nic_by_id(stack, m->nic) : nic_for(stack, &m->addr);
    if (nic == NULL)
        return -NST_ENOENT;
    struct net_ep *ep = nic_ep_for(nic, &m->addr);
    if (ep == NULL || ep->proto->group_joined == NULL)
        return -NST_EOPNOTSUPP;
    const int r = join(ep, &m->addr, &m->group);
    if (r < 0)
        return r;
    m->nic = nic->id;
    list_add_tail(&m->group->members, &m->by_group);
    return 0;
}

void membership_leave(struct membership *m)
{
    struct group *g = m->group;
    if (g == NULL)
        return;
    list_remove(&m->by_group);
    m->group = NULL;
    leave(g);
}

/* ---- The public calls ---- */

static int find_ep(const struct nst_stack *stack, uint32_t id, uint16_t protocol,
                   struct net_ep **ret_ep)
{
    const int r = nic_ip_ep(stack, id, protocol, ret_ep);
    return r == 0 && (*ret_ep)->proto->group_joined == NULL ? -NST_EOPNOTSUPP : r;
}

int nst_nic_group_join(struct nst_stack *stack, uint32_t id, uint16_t protocol,
                       const struct nst_addr *group)
{
    stack_check_caller(stack);
    struct net_ep *ep;
    struct group *g;
    int r = find_ep(stack, id, protocol, &ep);
    if (r == 0)
        r = join(ep, group, &g);
    if (r == 0)
        g->host_joins++;
    return r;
}

int nst_nic_group_leave(struct nst_stack *stack, uint32_t id, uint16_t protocol,
                        const struct nst_addr *group)
{
    stack_check_caller(stack);
    struct net_ep *ep;
    const int r = find_ep(stack, id, protocol, &ep);
    if (r < 0)
        return r;
    struct group *g = groups_lookup(ep, group);
    if (g == NULL || g->host_joins == 0)
        return -NST_EADDRNOTAVAIL;
    g->host_joins--;
    leave(g);
    return 0;
}

int nst_nic_group_has(const struct nst_stack *stack, uint32_t id, const struct nst_addr *group)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    for (unsigned i = 0; i < NET_INDEX_MAX; i++) {
        const struct net_ep *ep = nic_ep(nic, i);
        if (ep != NULL && groups_has(ep, group))
            return 1;
    }
    return 0;
}

int nst_nic_group_list(const struct nst_stack *stack, uint32_t id, struct nst_addr *ret_groups,
                       size_t max)
{
    struct nic *nic = nic_by_id(stack, id);
    size_t n = 0;
    if (nic == NULL)
        return -NST_ENOENT;
    for (unsigned i = 0; i < NET_INDEX_MAX; i++) {
        const struct net_ep *ep = nic_ep(nic, i);
        const struct group *g;
        if (ep == NULL)
            continue;
        LIST_FOR_EACH (g, &ep->groups.list, struct group, by_order) {
            if (g->joins > 0 && n++ < max)
                ret_groups[n - 1] = g->addr;
        }
    }
    return (int)n;
}
