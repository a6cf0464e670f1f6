/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/addrs.h"

#include "stack/event.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"

void addrs_init(struct addrs *a)
{
    list_init(&a->list);
    a->count = 0;
}

/* N69 */
static void tell(const struct addr_entry *e, struct nst_event event)
{
    event.addr = e->info.addr;
    event.prefix_len = e->info.prefix_len;
    event_put(e->ep->nic, &event);
}

static void tell_kind(const struct addr_entry *e, enum nst_event_kind kind)
{
    tell(e, (struct nst_event){.kind = (uint8_t)kind});
}

static void tell_removed(const struct addr_entry *e, enum nst_event_why why)
{
    tell(e, (struct nst_event){.kind = NST_EVENT_ADDR_REMOVED, .why = (uint8_t)why});
}

void addrs_remove(struct addr_entry *e, enum nst_event_why why)
{
    struct nst_stack *stack = e->ep->nic->stack;
    tell_removed(e, why);
    if (e->ep->proto->addr_removed != NULL)
        e->ep->proto->addr_removed(e->ep, e);
    list_remove(&e->node);
    e->ep->addrs.count--;
    wheel_cancel(&stack->wheel, &e->timer);
    wheel_cancel(&stack->wheel, &e->life);
    mem_free(&stack->pool->mem, e, sizeof(*e));
    route_changed(stack);
    stack_ways_changed(stack);
}

void addrs_fini(struct net_ep *ep)
{
    struct addr_entry *e, *next;
    LIST_FOR_EACH_SAFE (e, next, &ep->addrs.list, struct addr_entry, node) {
        addrs_remove(e, NST_WHY_NIC);
    }
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

static void enlist(struct addr_entry *e)
{
    struct addrs *a = &e->ep->addrs;
    if (e->info.place == NST_PLACE_FIRST_PRIMARY)
        list_add_head(&a->list, &e->node);
    else
        list_add_tail(&a->list, &e->node);
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
    timer_init(&e->life, addr_life_fire);
    e->ep = ep;
    e->info = *info;
    e->info.state = NST_ADDR_TENTATIVE;
    enlist(e);
    ep->addrs.count++;
    tell_kind(e, NST_EVENT_ADDR_ADDED);
    if (info->deprecated)
        tell(e, (struct nst_event){.kind = NST_EVENT_ADDR_DEPRECATED, .value = 1});
    addr_life_set(e, info->valid, info->preferred);
    if (ep->proto->addr_added != NULL)
        ep->proto->addr_added(ep, e);
    else
        addrs_set_state(e, NST_ADDR_ASSIGNED);
    route_changed(ep->nic->stack);
    return 0;
}

void addrs_set_state(struct addr_entry *e, enum nst_addr_state state)
{
    if (e->info.state == state)
        return;
    e->info.state = (uint8_t)state;
    tell_kind(e, state == NST_ADDR_ASSIGNED ? NST_EVENT_ADDR_ASSIGNED : NST_EVENT_ADDR_TENTATIVE);
    route_changed(e->ep->nic->stack);
    stack_ways_changed(e->ep->nic->stack);
}

void addrs_set_duplicate(struct addr_entry *e, const struct nst_mac *who)
{
    struct nst_event event = {.kind = NST_EVENT_ADDR_DUPLICATE};
    if (who != NULL)
        event.mac = *who;
    e->info.state = NST_ADDR_DUPLICATE;
    tell(e, event);
    route_changed(e->ep->nic->stack);
    stack_ways_changed(e->ep->nic->stack);
}

void addrs_set_deprecated(struct addr_entry *e, bool deprecated)
{
    if (e->info.deprecated == deprecated)
        return;
    e->info.deprecated = deprecated;
    tell(e, (struct nst_event){.kind = NST_EVENT_ADDR_DEPRECATED, .value = deprecated});
    route_changed(e->ep->nic->stack);
}

void addrs_set_place(struct addr_entry *e, enum nst_addr_place place)
{
    if (e->info.place == place)
        return;
    e->info.place = (uint8_t)place;
    list_remove(&e->node);
    enlist(e);
    route_changed(e->ep->nic->stack);
}

void addrs_replace(struct addr_entry *e, const struct nst_addr *addr)
{
    tell_removed(e, NST_WHY_DUPLICATE);
    e->info.addr = *addr;
    e->info.state = NST_ADDR_TENTATIVE;
    tell_kind(e, NST_EVENT_ADDR_ADDED);
    route_changed(e->ep->nic->stack);
}

const struct addr_entry *addrs_link_local(const struct net_ep *ep, enum nst_addr_state state)
{
    const struct addr_entry *e;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (addr_is_link_local(&e->info.addr) && e->info.state == state)
            return e;
    }
    return NULL;
}

const struct addr_entry *addrs_main(const struct net_ep *ep)
{
    const struct addr_entry *e, *deprecated = NULL;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (!addr_entry_is_primary(e))
            continue;
        if (!e->info.deprecated)
            return e;
        if (deprecated == NULL)
            deprecated = e;
    }
    return deprecated;
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

unsigned addr_entry_near_bits(const struct addr_entry *e, const struct nst_addr *remote)
{
    const unsigned bits = addrs_common_bits(&e->info.addr, remote);
    return bits < e->info.prefix_len ? bits : e->info.prefix_len;
}

/* N65 for IPv4; NULL: none. */
static const struct addr_entry *select4(const struct net_ep *ep, const struct nst_addr *remote)
{
    const struct addr_entry *e, *best = NULL;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (!addr_entry_is_primary(e))
            continue;
        if (best == NULL || (best->info.deprecated && !e->info.deprecated) ||
            (best->info.deprecated == e->info.deprecated &&
             addr_entry_near_bits(e, remote) > addr_entry_near_bits(best, remote)))
            best = e;
    }
    return best;
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
    const struct addr_entry *best = select4(ep, remote);
    if (best == NULL)
        return false;
    *ret_source = best->info.addr;
    return true;
}
