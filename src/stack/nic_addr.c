/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of a NIC, as the public API has them (N60 to N67): each brings its on-link route. */
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"

static bool is_host_prefix(const struct nst_nic_addr *addr)
{
    return addr->prefix_len == (nst_addr_is_v4(&addr->addr) ? 32 : 128);
}

static struct nst_route on_link_route(const struct nic *nic, const struct nst_nic_addr *addr)
{
    return (struct nst_route){
        .prefix = addr->addr, .prefix_len = addr->prefix_len, .nic = nic->id, .source = addr->addr};
}

/* A host's own prefix needs no route: look-ups find the address itself before they ask routes. */
static int add_on_link_route(struct nic *nic, const struct nst_nic_addr *addr)
{
    if (is_host_prefix(addr))
        return 0;
    const struct nst_route route = on_link_route(nic, addr);
    const int r = nst_route_add(nic->stack, &route);
    return r == -NST_EEXIST ? 0 : r;
}

int nst_nic_addr_add(struct nst_stack *stack, uint32_t id, const struct nst_nic_addr *addr)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    struct net_ep *ep = nic_ep_for(nic, &addr->addr);
    if (ep == NULL || addr->prefix_len > (nst_addr_is_v4(&addr->addr) ? 32 : 128) ||
        addr->place > NST_PLACE_NEVER_PRIMARY || addr_is_unspecified(&addr->addr) ||
        addr_is_multicast(&addr->addr) || addr_is_limited_broadcast(&addr->addr) ||
        addr_is_reserved(&addr->addr))
        return -NST_EINVAL;
    int r = addrs_add(ep, addr);
    if (r < 0)
        return r;
    r = add_on_link_route(nic, addr);
    if (r < 0)
        addrs_remove(ep, &addr->addr);
    return r;
}

int nst_nic_addr_remove(struct nst_stack *stack, uint32_t id, const struct nst_addr *addr)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    struct net_ep *ep = nic_ep_for(nic, addr);
    if (ep == NULL)
        return -NST_EADDRNOTAVAIL;
    struct addr_entry *e;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (!nst_addr_equal(&e->info.addr, addr))
            continue;
        const struct nst_route route = on_link_route(nic, &e->info);
        nst_route_remove(stack, &route);
        break;
    }
    const int r = addrs_remove(ep, addr);
    if (r < 0)
        return r;
    /* Another address of the same prefix keeps the subnet on link. */
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        add_on_link_route(nic, &e->info);
    }
    return 0;
}

/* Appends the addresses of ep (NULL: none) to the n that are listed. */
static size_t list_ep(const struct net_ep *ep, struct nst_nic_addr *ret_addrs, size_t max, size_t n)
{
    const struct addr_entry *e;
    if (ep == NULL)
        return n;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (n < max)
            ret_addrs[n] = e->info;
        n++;
    }
    return n;
}

int nst_nic_addr_list(const struct nst_stack *stack, uint32_t id, struct nst_nic_addr *ret_addrs,
                      size_t max)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    const size_t n = list_ep(nic_ep(nic, NET_IPV4), ret_addrs, max, 0);
    return (int)list_ep(nic_ep(nic, NET_IPV6), ret_addrs, max, n);
}
