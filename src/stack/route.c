/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. One trie for each family; its values are leaves, one for a prefix, which
 * hold the routes to it: lowest metric first, then first added. A leaf lives as long as it has a
 * route. Look-ups take the longest prefix; when no NIC of its routes will do (disabled, or not the
 * one asked for), shorter prefixes are tried one length at a time.
 *
 * Invariants: (1) no leaf is empty; (2) `prefix` of a route has no bit set behind its prefix_len;
 * (3) every change bumps `generation`, which is never 0.
 */
#include "stack/route.h"

#include "base/bytes.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"

static struct lpm *family_table(struct route_table *t, const struct nst_addr *addr)
{
    return nst_addr_is_v4(addr) ? &t->v4 : &t->v6;
}

static struct lpm_key key_of(const struct nst_addr *addr)
{
    return nst_addr_is_v4(addr) ? lpm_key_4(&addr->w[3]) : lpm_key_16(addr->b);
}

/* The address with all bits behind the prefix cleared, so that equal prefixes compare equal. */
static struct nst_addr mask(const struct nst_addr *addr, unsigned bits)
{
    return addr_prefix(addr, nst_addr_is_v4(addr) ? bits + 96 : bits);
}

void route_table_init(struct nst_stack *stack)
{
    struct route_table *t = &stack->routes;
    lpm_init(&t->v4, &stack->pool->mem);
    lpm_init(&t->v6, &stack->pool->mem);
    t->generation = 1;
    t->count = 0;
}

/* The routes to one prefix. */
struct leaf {
    struct route *first;
    unsigned bits;
};

static void bump(struct nst_stack *stack)
{
    if (++stack->routes.generation == 0)
        stack->routes.generation = 1;
}

void route_changed(struct nst_stack *stack)
{
    bump(stack);
}

static void fini_family(struct nst_stack *stack, struct lpm *table)
{
    struct lpm_iter it = {0};
    struct leaf *leaf;
    while ((leaf = lpm_next(table, &it)) != NULL) {
        while (leaf->first != NULL) {
            struct route *r = leaf->first;
            leaf->first = r->next;
            mem_free(&stack->pool->mem, r, sizeof(*r));
        }
        mem_free(&stack->pool->mem, leaf, sizeof(*leaf));
    }
    lpm_fini(table);
}

void route_table_fini(struct nst_stack *stack)
{
    fini_family(stack, &stack->routes.v4);
    fini_family(stack, &stack->routes.v6);
    stack->routes.count = 0;
    bump(stack);
}

/* The best route of a leaf that may be used: `nic` NULL is any, `down` takes disabled NICs too. */
static const struct route *choose(const struct leaf *leaf, const struct nic *nic, bool down)
{
    const struct route *r = leaf != NULL ? leaf->first : NULL;
    while (r != NULL && ((!r->nic->enabled && !down) || (nic != NULL && r->nic != nic)))
        r = r->next;
    return r;
}

static const struct route *find(const struct nst_stack *stack, const struct nst_addr *addr,
                                const struct nic *nic, bool down)
{
    const struct lpm *table = nst_addr_is_v4(addr) ? &stack->routes.v4 : &stack->routes.v6;
    const struct lpm_key key = key_of(addr);
    const struct leaf *leaf = lpm_lookup(table, key);
    if (leaf == NULL)
        return NULL;
    const struct route *found = choose(leaf, nic, down);
    for (unsigned bits = leaf->bits; found == NULL && bits-- > 0;)
        found = choose(lpm_exact(table, key, bits), nic, down);
    return found;
}

const struct route *route_lookup(const struct nst_stack *stack, const struct nst_addr *addr,
                                 const struct nic *nic)
{
    return find(stack, addr, nic, false);
}

bool route_is_down(const struct nst_stack *stack, const struct nst_addr *addr,
                   const struct nic *nic)
{
    const struct route *r = find(stack, addr, nic, true);
    return r != NULL && !r->nic->enabled;
}

/* Are prefix and length possible, and gateway and source of the same family and plausible? */
static bool is_sane(const struct nst_route *route)
{
    const bool v4 = nst_addr_is_v4(&route->prefix);
    if (route->prefix_len > (v4 ? 32 : 128))
        return false;
    if (!addr_is_unspecified(&route->gateway) &&
        (nst_addr_is_v4(&route->gateway) != v4 || addr_is_multicast(&route->gateway) ||
         addr_is_limited_broadcast(&route->gateway)))
        return false;
    return addr_is_unspecified(&route->source) || nst_addr_is_v4(&route->source) == v4;
}

static bool same_route(const struct nst_route *x, const struct nst_route *y)
{
    return x->metric == y->metric && x->nic == y->nic;
}

/* The leaf of a prefix, made if need be; NULL: no memory. */
static struct leaf *get_leaf(struct nst_stack *stack, const struct nst_addr *prefix, unsigned bits)
{
    struct lpm *table = family_table(&stack->routes, prefix);
    struct leaf *leaf = lpm_exact(table, key_of(prefix), bits);
    if (leaf != NULL)
        return leaf;
    leaf = mem_zalloc(&stack->pool->mem, sizeof(*leaf));
    if (leaf == NULL)
        return NULL;
    leaf->bits = bits;
    if (lpm_insert(table, key_of(prefix), bits, leaf) < 0) {
        mem_free(&stack->pool->mem, leaf, sizeof(*leaf));
        return NULL;
    }
    return leaf;
}

static void drop_leaf_if_empty(struct nst_stack *stack, struct leaf *leaf,
                               const struct nst_addr *prefix)
{
    if (leaf->first != NULL)
        return;
    lpm_remove(family_table(&stack->routes, prefix), key_of(prefix), leaf->bits);
    mem_free(&stack->pool->mem, leaf, sizeof(*leaf));
}

/* Takes *at out of its leaf and frees it. */
static void unlink_at(struct nst_stack *stack, struct route **at)
{
    struct route *r = *at;
    *at = r->next;
    mem_free(&stack->pool->mem, r, sizeof(*r));
    stack->routes.count--;
    bump(stack);
}

int nst_route_add(struct nst_stack *stack, const struct nst_route *route)
{
    if (!is_sane(route))
        return -NST_EINVAL;
    struct nic *nic = nic_by_id(stack, route->nic);
    if (nic == NULL)
        return -NST_ENOENT;
    const struct nst_addr prefix = mask(&route->prefix, route->prefix_len);
    struct leaf *leaf = get_leaf(stack, &prefix, route->prefix_len);
    if (leaf == NULL)
        return -NST_ENOMEM;
    struct route **at = &leaf->first;
    for (; *at != NULL && (*at)->info.metric <= route->metric; at = &(*at)->next)
        if (same_route(&(*at)->info, route))
            return -NST_EEXIST;
    struct route *r = mem_alloc(&stack->pool->mem, sizeof(*r));
    if (r == NULL) {
        drop_leaf_if_empty(stack, leaf, &prefix);
        return -NST_ENOMEM;
    }
    *r = (struct route){.next = *at, .nic = nic, .info = *route};
    r->info.prefix = prefix;
    *at = r;
    stack->routes.count++;
    bump(stack);
    return 0;
}

int nst_route_remove(struct nst_stack *stack, const struct nst_route *route)
{
    if (!is_sane(route))
        return -NST_ENOENT;
    const struct nst_addr prefix = mask(&route->prefix, route->prefix_len);
    struct leaf *leaf =
        lpm_exact(family_table(&stack->routes, &prefix), key_of(&prefix), route->prefix_len);
    if (leaf == NULL)
        return -NST_ENOENT;
    for (struct route **at = &leaf->first; *at != NULL; at = &(*at)->next) {
        if (same_route(&(*at)->info, route)) {
            unlink_at(stack, at);
            drop_leaf_if_empty(stack, leaf, &prefix);
            return 0;
        }
    }
    return -NST_ENOENT;
}

static void remove_nic_from(struct nst_stack *stack, struct lpm *table, const struct nic *nic)
{
    struct lpm_iter it = {0};
    struct leaf *leaf;
    while ((leaf = lpm_next(table, &it)) != NULL) {
        const struct nst_addr prefix = leaf->first->info.prefix;
        for (struct route **at = &leaf->first; *at != NULL;) {
            if ((*at)->nic == nic)
                unlink_at(stack, at);
            else
                at = &(*at)->next;
        }
        drop_leaf_if_empty(stack, leaf, &prefix);
    }
}

void route_remove_family(struct nst_stack *stack, const struct nic *nic, bool v4)
{
    remove_nic_from(stack, v4 ? &stack->routes.v4 : &stack->routes.v6, nic);
    bump(stack);
}

void route_remove_nic(struct nst_stack *stack, const struct nic *nic)
{
    route_remove_family(stack, nic, true);
    route_remove_family(stack, nic, false);
}

static size_t list_family(const struct lpm *table, struct nst_route *ret_routes, size_t max,
                          size_t n)
{
    struct lpm_iter it = {0};
    const struct leaf *leaf;
    while ((leaf = lpm_next(table, &it)) != NULL)
        for (const struct route *r = leaf->first; r != NULL; r = r->next, n++)
            if (n < max)
                ret_routes[n] = r->info;
    return n;
}

size_t nst_route_list(const struct nst_stack *stack, struct nst_route *ret_routes, size_t max)
{
    const size_t n = list_family(&stack->routes.v4, ret_routes, max, 0);
    return list_family(&stack->routes.v6, ret_routes, max, n);
}

int nst_route_lookup(const struct nst_stack *stack, const struct nst_addr *dst,
                     struct nst_route *ret_route)
{
    const struct route *r = route_lookup(stack, dst, NULL);
    if (r == NULL)
        return -NST_ENETUNREACH;
    *ret_route = r->info;
    return 0;
}
