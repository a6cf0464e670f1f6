/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source address for an IPv6 destination: RFC 6724 5, rules 1 to 8 (N65).
 *
 * Candidates are the assigned addresses of the NIC that sends (section 4), so rule 5 has nothing to
 * choose between; rule 4 (home addresses) and 5.5 (the prefix of the chosen router) concern nothing
 * that we keep. What is still equal is decided by the order of the list.
 */
#include "stack/nic.h"
#include "wire/addr.h"

enum scope {
    SCOPE_LINK = 0x2,
    SCOPE_SITE = 0x5,
    SCOPE_GLOBAL = 0xe,
};

/* RFC 6724 3.1: the scopes of multicast addresses, extended to unicast. */
static unsigned scope_of(const struct nst_addr *addr)
{
    if (addr_is_multicast(addr))
        return addr->b[1] & 0x0f;
    if (addr_is_link_local(addr) || addr_is_loopback(addr))
        return SCOPE_LINK;
    if (addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0xc0) /* fec0::/10 */
        return SCOPE_SITE;
    return SCOPE_GLOBAL;
}

/* RFC 6724 2.1: the default policy table, longest prefixes first. */
static const struct policy {
    struct nst_addr prefix;
    uint8_t bits, label;
} policies[] = {
    {{{{[15] = 1}}}, 128, 0},   /* ::1 */
    {{{{0}}}, 96, 3},           /* ::/96 */
    {{{{0x20, 0x01}}}, 32, 5},  /* 2001::/32 */
    {{{{0x20, 0x02}}}, 16, 2},  /* 2002::/16 */
    {{{{0x3f, 0xfe}}}, 16, 12}, /* 3ffe::/16 */
    {{{{0xfe, 0xc0}}}, 10, 11}, /* fec0::/10 */
    {{{{0xfc}}}, 7, 13},        /* fc00::/7 */
    {{{{0}}}, 0, 1},            /* ::/0 */
};

static uint8_t label_of(const struct nst_addr *addr)
{
    const struct policy *p = policies;
    while (addr_common_prefix(addr, &p->prefix) < p->bits)
        p++;
    return p->label;
}

/* Is `x` to be preferred to `y`, which stands before it in the list? */
static bool is_better(const struct addr_entry *x, const struct addr_entry *y,
                      const struct nst_addr *remote)
{
    /* Rule 1: the same address. */
    if (nst_addr_equal(&y->info.addr, remote))
        return false;
    if (nst_addr_equal(&x->info.addr, remote))
        return true;
    /* Rule 2: an appropriate scope: the smallest that reaches as far as the destination. */
    const unsigned sx = scope_of(&x->info.addr), sy = scope_of(&y->info.addr);
    const unsigned wanted = scope_of(remote);
    if (sx < sy)
        return sx >= wanted;
    if (sy < sx)
        return sy < wanted;
    /* Rule 3: not a deprecated one. */
    if (x->info.deprecated != y->info.deprecated)
        return y->info.deprecated;
    /* Rule 6: the matching label. */
    const uint8_t label = label_of(remote);
    const bool lx = label_of(&x->info.addr) == label, ly = label_of(&y->info.addr) == label;
    if (lx != ly)
        return lx;
    /* Rule 7: a temporary one (RFC 8981). */
    const bool tx = x->info.kind == NST_ADDR_SLAAC_TEMPORARY;
    if (tx != (y->info.kind == NST_ADDR_SLAAC_TEMPORARY))
        return tx;
    /* Rule 8: the longest matching prefix. */
    return addr_entry_near_bits(x, remote) > addr_entry_near_bits(y, remote);
}

bool source6_select(const struct net_ep *ep, const struct nst_addr *remote,
                    struct nst_addr *ret_source)
{
    const struct addr_entry *e, *best = NULL;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (!addr_entry_is_primary(e))
            continue;
        if (best == NULL || is_better(e, best, remote))
            best = e;
    }
    if (best == NULL)
        return false;
    *ret_source = best->info.addr;
    return true;
}
