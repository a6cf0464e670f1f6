/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. A prefix of 64 bits with the autonomous flag gives an address: the prefix
 * and an identifier, made as the NIC makes its link-local one (linklocal.c). With
 * temporary_addresses a second one gets a random identifier (RFC 8981) and is preferred as source
 * (RFC 6724 rule 7); before its time is over the next one is made (ip6_host.renew).
 *
 * Addresses live as long as the router says (stack/addr_life.c), with one distrust: nobody can make
 * one shorter than two hours at a stroke (RFC 4862 5.5.3 e). A temporary one never lives longer
 * than its own limits, which begin when it is made (RFC 8981 3.4).
 *
 * Not of a prefix: that it is on link. The routes to prefixes are router.c's.
 *
 * Limits: SLAAC_ADDRS_MAX; more prefixes are counted (router_limited) and give none.
 */
#include "network/slaac.h"

#include "network/linklocal.h"
#include "network/router.h"
#include "stack/nic.h"
#include "stack/stack.h"

#define TWO_HOURS (2 * 3600 * NST_SEC)

static struct nst_stack *stack_of(const struct net_ep *ep)
{
    return ep->nic->stack;
}

static nst_time lifetime(uint32_t seconds)
{
    return seconds == UINT32_MAX ? NST_TIME_NEVER : seconds * NST_SEC;
}

static nst_time left_until(const struct net_ep *ep, nst_time end)
{
    return end == NST_TIME_NEVER ? end : max_i64(end - stack_of(ep)->now, 0);
}

static bool is_of_prefix(const struct addr_entry *e, const struct nst_addr *prefix)
{
    return e->info.kind != NST_ADDR_STATIC &&
           addr_common_prefix(&e->info.addr, prefix) >= SLAAC_PREFIX_LEN;
}

static unsigned count_made(const struct net_ep *ep)
{
    const struct addr_entry *e;
    unsigned n = 0;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node)
        n += e->info.kind != NST_ADDR_STATIC;
    return n;
}

/* ---- Lifetimes ---- */

/* A preferred lifetime of 0 is none. */
static void set_life(struct addr_entry *e, nst_time valid, nst_time preferred)
{
    addrs_set_deprecated(e, preferred == 0);
    addr_life_set(e, valid, preferred != 0 ? preferred : valid);
}

/* RFC 4862 5.5.3 e */
static nst_time trusted(const struct addr_entry *e, nst_time valid)
{
    const nst_time left = left_until(e->ep, e->valid_until);
    if (valid > TWO_HOURS || valid > left)
        return valid;
    return min_i64(left, TWO_HOURS);
}

/* RFC 8981 3.4: how long a temporary address may still live, that was made at `made`. */
static nst_time within(const struct addr_entry *e, nst_time most, nst_time said)
{
    return min_i64(said, max_i64(e->made + most - stack_of(e->ep)->now, 0));
}

static void update(struct addr_entry *e, nst_time valid, nst_time preferred)
{
    valid = trusted(e, valid);
    if (e->info.kind == NST_ADDR_SLAAC_TEMPORARY) {
        valid = within(e, SLAAC_TEMPORARY_VALID, valid);
        preferred = within(e, e->preferred_most, preferred);
    }
    if (valid > 0)
        set_life(e, valid, min_i64(preferred, valid));
}

/* ---- Making ---- */

/* The address in the endpoint's list from now on; NULL: it is there already, or no memory. */
static struct addr_entry *add(struct net_ep *ep, const struct nst_nic_addr *info)
{
    if (count_made(ep) >= SLAAC_ADDRS_MAX) {
        COUNT(stack_of(ep)->counters.router_limited);
        return NULL;
    }
    if (addrs_add(ep, info) < 0)
        return NULL;
    struct addr_entry *e = addrs_lookup(ep, &info->addr);
    e->generated = true;
    e->made = stack_of(ep)->now;
    return e;
}

static void make_stable(struct net_ep *ep, const struct nst_addr *prefix, nst_time valid,
                        nst_time preferred)
{
    const struct nst_nic_addr info = {.addr = linklocal_make(ep->nic, prefix, 0),
                                      .prefix_len = SLAAC_PREFIX_LEN,
                                      .kind = NST_ADDR_SLAAC};
    struct addr_entry *e = add(ep, &info);
    if (e != NULL)
        set_life(e, valid, preferred);
}

static void make_temporary(struct net_ep *ep, const struct nst_addr *prefix, nst_time valid,
                           nst_time preferred)
{
    /* RFC 8981 3.8: DESYNC_FACTOR, so that not all hosts change at once. */
    const uint32_t desync = rand_below(&stack_of(ep)->rand, 400);
    const nst_time most = SLAAC_TEMPORARY_PREFERRED / 1000 * (1000 - desync);
    valid = min_i64(valid, SLAAC_TEMPORARY_VALID);
    preferred = min_i64(preferred, most);
    if (preferred <= SLAAC_RENEW_ADVANCE)
        return;
    const struct nst_nic_addr info = {.addr = linklocal_make_random(ep->nic, prefix),
                                      .prefix_len = SLAAC_PREFIX_LEN,
                                      .kind = NST_ADDR_SLAAC_TEMPORARY};
    struct addr_entry *e = add(ep, &info);
    if (e == NULL)
        return;
    e->preferred_most = most;
    set_life(e, valid, preferred);
}

/* ---- Temporary addresses: the next one in time ---- */

static bool is_fresh(const struct addr_entry *e)
{
    return !e->info.deprecated && e->info.state != NST_ADDR_DUPLICATE &&
           left_until(e->ep, e->preferred_until) > SLAAC_RENEW_ADVANCE;
}

static bool has_fresh(const struct net_ep *ep, const struct nst_addr *prefix)
{
    const struct addr_entry *e;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (e->info.kind == NST_ADDR_SLAAC_TEMPORARY && is_of_prefix(e, prefix) && is_fresh(e))
            return true;
    }
    return false;
}

/* When the first of the fresh ones is to have its successor. */
static void arm_renew(struct net_ep *ep)
{
    const struct addr_entry *e;
    nst_time next = NST_TIME_NEVER;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (e->info.kind == NST_ADDR_SLAAC_TEMPORARY && is_fresh(e) &&
            e->preferred_until != NST_TIME_NEVER)
            next = min_i64(next, e->preferred_until - SLAAC_RENEW_ADVANCE);
    }
    stack_arm(stack_of(ep), &ep->host->renew, next);
}

/* Every stable address that is preferred has a fresh temporary one beside it. */
static void renew(struct net_ep *ep)
{
    struct addr_entry *e;
    if (!ep->host->is_temporary)
        return;
    /* What is added goes to the end of the list, and is no stable one. */
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (e->info.kind == NST_ADDR_SLAAC && !e->info.deprecated && !has_fresh(ep, &e->info.addr))
            make_temporary(ep, &e->info.addr, left_until(ep, e->valid_until),
                           left_until(ep, e->preferred_until));
    }
    arm_renew(ep);
}

void slaac_renew_fire(struct timer *timer, nst_time now)
{
    renew(container_of(timer, struct ip6_host, renew)->ep);
}

/* ---- From outside ---- */

void slaac_prefix(struct net_ep *ep, const struct ndp_prefix *prefix)
{
    const nst_time valid = lifetime(prefix->valid_s), preferred = lifetime(prefix->preferred_s);
    struct addr_entry *e;
    bool is_known = false;
    /* RFC 4862 5.5.3 c, d */
    if (preferred > valid || prefix->len != SLAAC_PREFIX_LEN)
        return;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (!is_of_prefix(e, &prefix->prefix))
            continue;
        is_known |= e->info.kind == NST_ADDR_SLAAC;
        update(e, valid, preferred);
    }
    if (!is_known && valid > 0)
        make_stable(ep, &prefix->prefix, valid, preferred);
    renew(ep);
}

void slaac_forget(struct net_ep *ep)
{
    struct addr_entry *e, *next;
    LIST_FOR_EACH_SAFE (e, next, &ep->addrs.list, struct addr_entry, node) {
        if (e->info.kind != NST_ADDR_STATIC && e->generated)
            addrs_remove(e, NST_WHY_NIC);
    }
}
