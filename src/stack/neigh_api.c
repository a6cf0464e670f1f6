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
    struct net_ep *ep = nst_addr_is_v4(addr) ? nic_ep(nic, NET_IPV4) : NULL;
    if (ep == NULL || (nic->link->caps & NST_LINK_RESOLVES) == 0)
        return -NST_EOPNOTSUPP;
    *ret_table = &ep->neighs;
    return 0;
}

int nst_neigh_list(const struct nst_stack *stack, uint32_t nic, struct nst_neigh *ret, size_t max)
{
    const struct nst_addr v4 = nst_addr_v4(0, 0, 0, 0);
    struct neigh_table *t;
    const int r = table_for(stack, nic, &v4, &t);
    if (r < 0)
        return r;
    size_t n = 0;
    HASH_FOR_EACH(node, &t->table)
    {
        const struct neigh *e = container_of(node, struct neigh, node);
        if (n < max)
            ret[n] = (struct nst_neigh){
                .addr = e->addr, .mac = e->mac, .state = e->state, .updated = e->updated};
        n++;
    }
    return (int)n;
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
