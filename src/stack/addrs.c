/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/addrs.h"

#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"

void addrs_init(struct addrs *a)
{
    list_init(&a->list);
    a->count = 0;
}

static void free_entry(struct addr_entry *e)
{
    struct nst_stack *stack = e->ep->nic->stack;
    list_remove(&e->node);
    wheel_cancel(&stack->wheel, &e->timer);
    mem_free(&stack->pool->mem, e, sizeof(*e));
}

void addrs_fini(struct net_ep *ep)
{
    struct addr_entry *e, *next;
    LIST_FOR_EACH_SAFE (e, next, &ep->addrs.list, struct addr_entry, node) {
        free_entry(e);
    }
    ep->addrs.count = 0;
    route_changed(ep->nic->stack);
}

struct addr_entry *addrs_lookup(const struct net_ep *ep, const struct nst_addr *addr)
{
    struct addr_entry *e;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (nst_addr_equal(&e->info.addr, addr))
            return e;
    }
    return NULL;
}

int addrs_add(struct net_ep *ep, const struct nst_nic_addr *info)
{
    if (addrs_lookup(ep, &info->addr) != NULL)
        return -NST_EEXIST;
    struct addr_entry *e = mem_zalloc(&ep->nic->stack->pool->mem, sizeof(*e));
    if (e == NULL)
        return -NST_ENOMEM;
    list_init(&e->node);
    timer_init(&e->timer, NULL);
    e->ep = ep;
    e->info = *info;
    e->info.state = NST_ADDR_ASSIGNED;
    if (info->place == NST_PLACE_FIRST_PRIMARY)
        list_add_head(&ep->addrs.list, &e->node);
    else
        list_add_tail(&ep->addrs.list, &e->node);
    ep->addrs.count++;
    if (ep->proto->addr_added != NULL)
        ep->proto->addr_added(ep, e);
    route_changed(ep->nic->stack);
    return 0;
}

void addrs_set_state(struct addr_entry *e, enum nst_addr_state state)
{
    e->info.state = (uint8_t)state;
    route_changed(e->ep->nic->stack);
}

int addrs_remove(struct net_ep *ep, const struct nst_addr *addr)
{
    struct addr_entry *e = addrs_lookup(ep, addr);
    if (e == NULL)
        return -NST_EADDRNOTAVAIL;
    if (ep->proto->addr_removed != NULL)
        ep->proto->addr_removed(ep, e);
    free_entry(e);
    ep->addrs.count--;
    route_changed(ep->nic->stack);
    return 0;
}

unsigned addrs_common_bits(const struct nst_addr *x, const struct nst_addr *y)
{
    const unsigned n = addr_common_prefix(x, y);
    return nst_addr_is_v4(x) ? (n > 96 ? n - 96 : 0) : n;
}

static bool in_subnet(const struct nst_nic_addr *info, const struct nst_addr *addr)
{
    return nst_addr_is_v4(addr) == nst_addr_is_v4(&info->addr) &&
           addrs_common_bits(addr, &info->addr) >= info->prefix_len;
}

/* RFC 919 7: all host bits set. Subnets of 31 and 32 bits have none (RFC 3021 2.2). */
static bool is_subnet_broadcast(const struct nst_nic_addr *info, const struct nst_addr *addr)
{
    if (!nst_addr_is_v4(addr) || info->prefix_len == 0 || info->prefix_len >= 31)
        return false;
    const uint32_t host = UINT32_MAX >> info->prefix_len;
    const uint32_t own = be32_get(&info->addr.w[3]);
    return be32_get(&addr->w[3]) == (own | host);
}

enum addr_kind addrs_classify(const struct net_ep *ep, const struct nst_addr *addr)
{
    struct addr_entry *e;
    enum addr_kind kind = ADDR_NOT_OURS;
    const bool loopback = (ep->nic->link->caps & NST_LINK_LOOPBACK) != 0;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        /* N61: a tentative address does not receive, whatever the NIC's mode. */
        if (nst_addr_equal(&e->info.addr, addr))
            return addr_entry_is_assigned(e) ? ADDR_ASSIGNED : ADDR_NOT_OURS;
        if (is_subnet_broadcast(&e->info, addr))
            kind = ADDR_SUBNET_BROADCAST;
        else if (loopback && kind == ADDR_NOT_OURS && in_subnet(&e->info, addr))
            kind = ADDR_ASSIGNED;
    }
    if (kind == ADDR_NOT_OURS && ep->nic->promiscuous && !addr_is_multicast(addr) &&
        !addr_is_unspecified(addr) && !addr_is_limited_broadcast(addr))
        return ADDR_TEMPORARY;
    return kind;
}

bool addrs_has(const struct net_ep *ep, const struct nst_addr *addr)
{
    return addrs_classify(ep, addr) == ADDR_ASSIGNED;
}

struct net_ep *addrs_owner(const struct nst_stack *stack, unsigned index,
                           const struct nst_addr *addr)
{
    struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        struct net_ep *ep = nic_ep(nic, (enum net_index)index);
        if (nic->enabled && ep != NULL && addrs_has(ep, addr))
            return ep;
    }
    return NULL;
}

bool addrs_select_source(const struct net_ep *ep, const struct nst_addr *remote,
                         const struct nst_addr *hint, struct nst_addr *ret_source)
{
    if (!addr_is_unspecified(hint) && addrs_has(ep, hint)) {
        *ret_source = *hint;
        return true;
    }
    if (!nst_addr_is_v4(remote))
        return source6_select(ep, remote, ret_source);
    const struct addr_entry *e, *best = NULL;
    unsigned best_bits = 0;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (e->info.place == NST_PLACE_NEVER_PRIMARY)
            continue;
        /* Bits behind the prefix say nothing about nearness. */
        unsigned bits = addrs_common_bits(&e->info.addr, remote);
        if (bits > e->info.prefix_len)
            bits = e->info.prefix_len;
        if (best == NULL || bits > best_bits) {
            best = e;
            best_bits = bits;
        }
    }
    if (best == NULL)
        return false;
    *ret_source = best->info.addr;
    return true;
}
