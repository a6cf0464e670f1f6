/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of a NIC, as the public API has them (N60 to N69): each brings its on-link route. */
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"

static bool is_host_prefix(const struct nst_nic_addr *addr)
{
    return addr->prefix_len == (nst_addr_is_v4(&addr->addr) ? 32 : 128);
}

/* Without a source: that is chosen anew for each destination (N65). */
static struct nst_route on_link_route(const struct nic *nic, const struct nst_nic_addr *addr)
{
    return (struct nst_route){.prefix = addr->addr, .prefix_len = addr->prefix_len, .nic = nic->id};
}

/* A host's own prefix needs no route: look-ups find the address itself before they ask routes.
 * -NST_EEXIST: it is there already. */
static int add_on_link_route(struct nic *nic, const struct nst_nic_addr *addr)
{
    if (is_host_prefix(addr))
        return -NST_EEXIST;
    const struct nst_route route = on_link_route(nic, addr);
    return nst_route_add(nic->stack, &route);
}

static void remove_on_link_route(struct nic *nic, const struct nst_nic_addr *addr)
{
    const struct nst_route route = on_link_route(nic, addr);
    nst_route_remove(nic->stack, &route);
}

static bool is_sane(const struct nst_nic_addr *addr)
{
    return addr->prefix_len <= (nst_addr_is_v4(&addr->addr) ? 32 : 128) &&
           !addr_is_unspecified(&addr->addr) && !addr_is_multicast(&addr->addr) &&
           !addr_is_limited_broadcast(&addr->addr) && !addr_is_reserved(&addr->addr);
}

static bool has_sane_properties(const struct nst_nic_addr *addr)
{
    return addr->place <= NST_PLACE_NEVER_PRIMARY && addr->kind <= NST_ADDR_SLAAC_TEMPORARY &&
           addr_life_is_sane(addr->valid, addr->preferred);
}

int nst_nic_addr_add(struct nst_stack *stack, uint32_t id, const struct nst_nic_addr *addr)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    if (!is_sane(addr) || !has_sane_properties(addr))
        return -NST_EINVAL;
    struct net_ep *ep = nic_ep_for(nic, &addr->addr);
    if (ep == NULL)
        return -NST_EPROTONOSUPPORT;
    /* The route first, so that who hears of the address finds it. */
    const int route = add_on_link_route(nic, addr);
    if (route < 0 && route != -NST_EEXIST)
        return route;
    const int r = addrs_add(ep, addr);
    if (r < 0 && route == 0)
        remove_on_link_route(nic, addr);
    return r;
}

/* One that was made from what a router advertised has none: the router says what is on link, apart
 * from it (network/router.c). */
static bool has_on_link_route(const struct addr_entry *e)
{
    return !e->generated || e->info.kind == NST_ADDR_STATIC;
}

void nic_addr_drop(struct addr_entry *e, enum nst_event_why why)
{
    struct net_ep *ep = e->ep;
    if (has_on_link_route(e))
        remove_on_link_route(ep->nic, &e->info);
    addrs_remove(e, why);
    /* Another address of the same prefix keeps the subnet on link. */
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (has_on_link_route(e))
            add_on_link_route(ep->nic, &e->info);
    }
}

/* The entry of an address of a NIC. */
static int find(const struct nst_stack *stack, uint32_t id, const struct nst_addr *addr,
                struct addr_entry **ret_entry)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    struct net_ep *ep = nic_ep_for(nic, addr);
    struct addr_entry *e = ep != NULL ? addrs_lookup(ep, addr) : NULL;
    if (e == NULL)
        return -NST_EADDRNOTAVAIL;
    *ret_entry = e;
    return 0;
}

int nst_nic_addr_remove(struct nst_stack *stack, uint32_t id, const struct nst_addr *addr)
{
    struct addr_entry *e;
    const int r = find(stack, id, addr, &e);
    if (r == 0)
        nic_addr_drop(e, NST_WHY_ASKED);
    return r;
}

int nst_nic_addr_change(struct nst_stack *stack, uint32_t id, const struct nst_nic_addr *addr)
{
    struct addr_entry *e;
    const int r = find(stack, id, &addr->addr, &e);
    if (r < 0)
        return r;
    if (!has_sane_properties(addr))
        return -NST_EINVAL;
    e->info.kind = addr->kind;
    addrs_set_place(e, (enum nst_addr_place)addr->place);
    addrs_set_deprecated(e, addr->deprecated);
    addr_life_set(e, addr->valid, addr->preferred);
    return 0;
}

/* ---- Listing (N67) ---- */

struct listing {
    struct nst_nic_addr *to;
    size_t max, count;
    bool only_primary;
};

/* Appends the addresses of ep (NULL: none). */
static void list_ep(struct listing *l, const struct net_ep *ep)
{
    const struct addr_entry *e;
    if (ep == NULL)
        return;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (l->only_primary && e->info.place == NST_PLACE_NEVER_PRIMARY)
            continue;
        if (l->count < l->max)
            l->to[l->count] = addr_life_info(e);
        l->count++;
    }
}

static int list(const struct nst_stack *stack, uint32_t id, struct listing *l)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    list_ep(l, nic_ep(nic, NET_IPV4));
    list_ep(l, nic_ep(nic, NET_IPV6));
    return (int)l->count;
}

int nst_nic_addr_list(const struct nst_stack *stack, uint32_t id, struct nst_nic_addr *ret_addrs,
                      size_t max)
{
    struct listing l = {.to = ret_addrs, .max = max};
    return list(stack, id, &l);
}

int nst_nic_addr_list_primary(const struct nst_stack *stack, uint32_t id,
                              struct nst_nic_addr *ret_addrs, size_t max)
{
    struct listing l = {.to = ret_addrs, .max = max, .only_primary = true};
    return list(stack, id, &l);
}

int nst_nic_addr_main(const struct nst_stack *stack, uint32_t id, uint16_t protocol,
                      struct nst_nic_addr *ret_addr)
{
    struct net_ep *ep;
    const int r = nic_ip_ep(stack, id, protocol, &ep);
    if (r < 0)
        return r;
    const struct addr_entry *e = addrs_main(ep);
    if (e == NULL)
        return -NST_EADDRNOTAVAIL;
    *ret_addr = addr_life_info(e);
    return 0;
}
