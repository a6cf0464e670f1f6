/* SPDX-License-Identifier: Apache-2.0 */
/* The neighbours of a NIC, as the public API has them (N88). */
#include <nicstack/neigh.h>

#include "base/bytes.h"
#include "base/config.h"
#include "stack/neigh.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"

/* ---- Which table ---- */

static int find_nic(const struct nst_stack *stack, uint32_t id, struct nic **ret_nic)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    if ((nic->link->caps & NST_LINK_RESOLVES) == 0)
        return -NST_EOPNOTSUPP;
    *ret_nic = nic;
    return 0;
}

/* The table for the family of addr. */
static int table_for(const struct nst_stack *stack, uint32_t id, const struct nst_addr *addr,
                     struct neigh_table **ret_table)
{
    struct nic *nic;
    const int r = find_nic(stack, id, &nic);
    if (r < 0)
        return r;
    struct net_ep *ep = nic_ep_for(nic, addr);
    if (ep == NULL)
        return -NST_EOPNOTSUPP;
    *ret_table = &ep->neighs;
    return 0;
}

static int table_of(const struct nst_stack *stack, uint32_t id, uint16_t protocol,
                    struct neigh_table **ret_table)
{
    struct net_ep *ep;
    const int r = nic_ip_ep(stack, id, protocol, &ep);
    if (r < 0)
        return r;
    if ((ep->nic->link->caps & NST_LINK_RESOLVES) == 0)
        return -NST_EOPNOTSUPP;
    *ret_table = &ep->neighs;
    return 0;
}

/* ---- Entries ---- */

static struct nst_neigh describe(const struct neigh *n)
{
    return (struct nst_neigh){.addr = n->addr,
                              .mac = n->mac,
                              .state = n->state,
                              .router = n->router,
                              .pending = n->pending.count,
                              .updated = n->updated,
                              .confirmed = n->confirmed};
}

/* Appends the entries of ep (NULL: none) to the n that are listed. */
static size_t list_ep(struct net_ep *ep, struct nst_neigh *ret, size_t max, size_t n)
{
    if (ep == NULL)
        return n;
    HASH_FOR_EACH(node, &ep->neighs.table)
    {
        if (n < max)
            ret[n] = describe(container_of(node, struct neigh, node));
        n++;
    }
    return n;
}

int nst_neigh_list(const struct nst_stack *stack, uint32_t id, struct nst_neigh *ret, size_t max)
{
    struct nic *nic;
    const int r = find_nic(stack, id, &nic);
    if (r < 0)
        return r;
    const size_t n = list_ep(nic_ep(nic, NET_IPV4), ret, max, 0);
    return (int)list_ep(nic_ep(nic, NET_IPV6), ret, max, n);
}

int nst_neigh_get(const struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr,
                  struct nst_neigh *ret)
{
    struct neigh_table *t;
    const int r = table_for(stack, nic, addr, &t);
    if (r < 0)
        return r;
    const struct neigh *n = neigh_lookup(t, addr);
    if (n == NULL)
        return -NST_ENOENT;
    *ret = describe(n);
    return 0;
}

int nst_neigh_add(struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr,
                  struct nst_mac mac)
{
    struct neigh_table *t;
    stack_check_caller(stack);
    const int r = table_for(stack, nic, addr, &t);
    if (r < 0)
        return r;
    if (addr_is_unspecified(addr) || addr_is_multicast(addr) || addr_is_limited_broadcast(addr) ||
        mac_is_zero(&mac))
        return -NST_EINVAL;
    return neigh_add_static(t, addr, &mac);
}

int nst_neigh_remove(struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr)
{
    struct neigh_table *t;
    stack_check_caller(stack);
    const int r = table_for(stack, nic, addr, &t);
    return r < 0 ? r : neigh_remove(t, addr);
}

int nst_neigh_confirm(struct nst_stack *stack, uint32_t nic, const struct nst_addr *addr)
{
    struct neigh_table *t;
    stack_check_caller(stack);
    const int r = table_for(stack, nic, addr, &t);
    if (r < 0)
        return r;
    struct neigh *n = neigh_lookup(t, addr);
    if (n == NULL)
        return -NST_ENOENT;
    neigh_progress(n);
    return 0;
}

static int flush_all(struct nst_stack *stack, uint32_t id, bool statics)
{
    struct nic *nic;
    int count = 0;
    const int r = find_nic(stack, id, &nic);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < NET_INDEX_MAX; i++) {
        struct net_ep *ep = nic_ep(nic, (enum net_index)i);
        if (ep != NULL)
            count += (int)neigh_table_flush(&ep->neighs, statics, NST_WHY_ASKED);
    }
    return count;
}

int nst_neigh_flush(struct nst_stack *stack, uint32_t nic, uint16_t protocol, bool statics)
{
    struct neigh_table *t;
    stack_check_caller(stack);
    if (protocol == 0)
        return flush_all(stack, nic, statics);
    const int r = table_of(stack, nic, protocol, &t);
    return r < 0 ? r : (int)neigh_table_flush(t, statics, NST_WHY_ASKED);
}

/* ---- Settings ---- */

int nst_neigh_get_config(const struct nst_stack *stack, uint32_t nic, uint16_t protocol,
                         struct nst_neigh_config *ret_config)
{
    struct neigh_table *t;
    const int r = table_of(stack, nic, protocol, &t);
    if (r == 0)
        *ret_config = t->config;
    return r;
}

int nst_neigh_set_config(struct nst_stack *stack, uint32_t nic, uint16_t protocol,
                         const struct nst_neigh_config *config)
{
    struct neigh_table *t;
    struct nst_neigh_config c;
    stack_check_caller(stack);
    const int r = table_of(stack, nic, protocol, &t);
    if (r < 0)
        return r;
    if (!config_copy(&c, sizeof(c), config, sizeof(c.size)))
        return -NST_EINVAL;
    neigh_table_configure(t, &c);
    return 0;
}

int nst_neigh_get_limits(const struct nst_stack *stack, uint32_t id,
                         struct nst_neigh_limits *ret_limits)
{
    struct nic *nic;
    const int r = find_nic(stack, id, &nic);
    if (r == 0)
        *ret_limits = nic->pending.limits;
    return r;
}

int nst_neigh_set_limits(struct nst_stack *stack, uint32_t id,
                         const struct nst_neigh_limits *limits)
{
    struct nic *nic;
    struct nst_neigh_limits l;
    stack_check_caller(stack);
    const int r = find_nic(stack, id, &nic);
    if (r < 0)
        return r;
    if (!config_copy(&l, sizeof(l), limits, sizeof(l.size)))
        return -NST_EINVAL;
    neigh_pending_configure(&nic->pending, &l);
    return 0;
}

/* ---- Words ---- */

static const char *const states[] = {
    [NST_NEIGH_INCOMPLETE] = "incomplete",
    [NST_NEIGH_REACHABLE] = "reachable",
    [NST_NEIGH_STALE] = "stale",
    [NST_NEIGH_DELAY] = "delay",
    [NST_NEIGH_PROBE] = "probe",
    [NST_NEIGH_STATIC] = "static",
    [NST_NEIGH_UNREACHABLE] = "unreachable",
};

const char *nst_neigh_state_name(unsigned state)
{
    return state < ARRAY_SIZE(states) ? states[state] : "";
}
