/* SPDX-License-Identifier: Apache-2.0 */
/* The neighbours of a NIC, as the public API has them (N88). */
#include "stack/neigh.h"

#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"

/* The table for the family of addr. */
static int table_for(const struct nst_stack *stack, uint32_t id, const struct nst_addr *addr,
                     struct neigh_table **ret_table)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    struct net_ep *ep = nic_ep_for(nic, addr);
    if (ep == NULL || (nic->link->caps & NST_LINK_RESOLVES) == 0)
        return -NST_EOPNOTSUPP;
    *ret_table = &ep->neighs;
    return 0;
}

/* Appends the entries of ep (NULL: none) to the n that are listed. */
static size_t list_ep(struct net_ep *ep, struct nst_neigh *ret, size_t max, size_t n)
{
    if (ep == NULL)
        return n;
    HASH_FOR_EACH(node, &ep->neighs.table)
    {
        const struct neigh *e = container_of(node, struct neigh, node);
        if (n < max)
            ret[n] = (struct nst_neigh){
                .addr = e->addr, .mac = e->mac, .state = e->state, .updated = e->updated};
        n++;
    }
    return n;
}

int nst_neigh_list(const struct nst_stack *stack, uint32_t id, struct nst_neigh *ret, size_t max)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    if ((nic->link->caps & NST_LINK_RESOLVES) == 0)
        return -NST_EOPNOTSUPP;
    const size_t n = list_ep(nic_ep(nic, NET_IPV4), ret, max, 0);
    return (int)list_ep(nic_ep(nic, NET_IPV6), ret, max, n);
}

int nst_neigh_add(struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr,
                  struct nst_mac mac)
{
    struct neigh_table *t;
    const int r = table_for(stack, nic, addr, &t);
    return r < 0 ? r : neigh_add_static(t, addr, &mac);
}

int nst_neigh_remove(struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr)
{
    struct neigh_table *t;
    const int r = table_for(stack, nic, addr, &t);
    return r < 0 ? r : neigh_remove(t, addr);
}
