/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. An endpoint whose NIC accepts advice keeps what routers said in one struct
 * ip6_host, made with the endpoint. While it is enabled and no router itself, it asks (RFC 4861
 * 6.3.7): after a random time of up to a second, then less and less often, until a router answers
 * (RFC 7559). It waits with that while its link-local address is being tried.
 *
 * What an advertisement says goes where it is used: default routers and prefixes on link into the
 * routing table, hop limit and MTU into the endpoint, times into the neighbour table, addresses to
 * slaac.c. Of the routers one has the default route: the one that answers, then the preferred one
 * (RFC 4191), then the first that was heard. Another is chosen when that changes: by an
 * advertisement, by the end of a lifetime, when it says that it is none any more, when it does not
 * answer. A redirect of the present first hop is a host route.
 *
 * Timers: `solicit`, the next question; `life`, the nearest end of a router or prefix.
 *
 * Invariants: (1) a default route of ROUTER_METRIC by way of this NIC is there exactly if
 * has_default, to `gateway`, one of the routers; (2) every prefix and every redirect of the lists
 * is in the routing table; (3) nothing is in them while the endpoint is disabled.
 *
 * Limits: ROUTERS_MAX, PREFIXES_MAX: what comes when they are full is counted (router_limited) and
 * not taken, so that made-up ones do not drive out those in use. REDIRECTS_MAX: the oldest goes.
 *
 * RFC 4861 6.3 and 8.3, RFC 4191 2.2 and 3.2, RFC 7559, RFC 5942 (no prefix is on link but those
 * that are said to be). Not done: route information options (RFC 4191 2.3), DNS servers.
 */
#include "network/router.h"

#include "base/check.h"
#include "network/ndp.h"
#include "network/slaac.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/ndp.h"

static const struct nst_addr any;

static struct nst_stack *stack_of(const struct net_ep *ep)
{
    return ep->nic->stack;
}

static bool is_listening(const struct net_ep *ep)
{
    return ep->host != NULL && ep->enabled && !ep->forwarding;
}

/* ---- Routes ---- */

static bool add_route(const struct ip6_host *h, struct nst_route route)
{
    route.nic = h->ep->nic->id;
    return nst_route_add(stack_of(h->ep), &route) == 0;
}

static void remove_route(const struct ip6_host *h, struct nst_route route)
{
    route.nic = h->ep->nic->id;
    nst_route_remove(stack_of(h->ep), &route);
}

static bool is_dead(const struct ip6_host *h, const struct nst_addr *addr)
{
    const struct neigh *n = neigh_lookup(&h->ep->neighs, addr);
    return n != NULL && n->state == NST_NEIGH_UNREACHABLE;
}

/* RFC 4861 6.3.6, RFC 4191 3.2: who answers first, then who is preferred. */
static const struct default_router *best_router(const struct ip6_host *h)
{
    const struct default_router *best = NULL;
    int best_rank = 0;
    for (unsigned i = 0; i < h->router_count; i++) {
        const struct default_router *r = &h->routers[i];
        const int rank = (is_dead(h, &r->addr) ? 0 : 4) + r->preference + 2;
        if (rank > best_rank) {
            best = r;
            best_rank = rank;
        }
    }
    return best;
}

/* The best router gets the default route. */
static void choose_default(struct ip6_host *h)
{
    const struct default_router *best = best_router(h);
    const struct nst_route route = {.metric = ROUTER_METRIC};
    if (h->has_default && best != NULL && nst_addr_equal(&h->gateway, &best->addr))
        return;
    if (h->has_default)
        remove_route(h, route);
    h->has_default = false;
    if (best == NULL)
        return;
    h->gateway = best->addr;
    h->has_default =
        add_route(h, (struct nst_route){.metric = ROUTER_METRIC, .gateway = best->addr});
}

static struct nst_route prefix_route(const struct on_link_prefix *p)
{
    return (struct nst_route){.prefix = p->prefix, .prefix_len = p->len, .metric = PREFIX_METRIC};
}

static void forget_prefix(struct ip6_host *h, unsigned i)
{
    remove_route(h, prefix_route(&h->prefixes[i]));
    h->prefixes[i] = h->prefixes[--h->prefix_count];
}

static void forget_redirect(struct ip6_host *h, unsigned i)
{
    const struct redirect *r = &h->redirects[i];
    remove_route(h, (struct nst_route){.prefix = r->destination, .prefix_len = 128});
    for (h->redirect_count--; i < h->redirect_count; i++)
        h->redirects[i] = h->redirects[i + 1];
}

static void forget_redirects_to(struct ip6_host *h, const struct nst_addr *target)
{
    for (unsigned i = h->redirect_count; i-- > 0;)
        if (nst_addr_equal(&h->redirects[i].target, target))
            forget_redirect(h, i);
}

static void forget_router(struct ip6_host *h, unsigned i)
{
    forget_redirects_to(h, &h->routers[i].addr);
    for (h->router_count--; i < h->router_count; i++)
        h->routers[i] = h->routers[i + 1];
}

/* ---- Lifetimes ---- */

static nst_time end_of(const struct ip6_host *h, uint32_t seconds)
{
    return seconds == UINT32_MAX ? NST_TIME_NEVER : stack_of(h->ep)->now + seconds * NST_SEC;
}

static void arm_life(struct ip6_host *h)
{
    nst_time next = NST_TIME_NEVER;
    for (unsigned i = 0; i < h->router_count; i++)
        next = min_i64(next, h->routers[i].until);
    for (unsigned i = 0; i < h->prefix_count; i++)
        next = min_i64(next, h->prefixes[i].until);
    stack_arm(stack_of(h->ep), &h->life, next);
}

static void fire_life(struct timer *timer, nst_time now)
{
    struct ip6_host *h = container_of(timer, struct ip6_host, life);
    for (unsigned i = h->router_count; i-- > 0;)
        if (h->routers[i].until <= now)
            forget_router(h, i);
    for (unsigned i = h->prefix_count; i-- > 0;)
        if (h->prefixes[i].until <= now)
            forget_prefix(h, i);
    choose_default(h);
    arm_life(h);
}

/* ---- Asking ---- */

/* A random time around `mean`: a tenth less or more (RFC 7559 2, as RFC 3315 14). */
static nst_time around(struct ip6_host *h, nst_time mean)
{
    const uint32_t ppt = 900 + rand_below(&stack_of(h->ep)->rand, 201);
    return mean / 1000 * ppt;
}

static void fire_solicit(struct timer *timer, nst_time now)
{
    struct ip6_host *h = container_of(timer, struct ip6_host, solicit);
    /* Its source is still being tried. */
    if (addrs_link_local(h->ep, NST_ADDR_TENTATIVE) != NULL) {
        stack_arm(stack_of(h->ep), timer, now + h->ep->neighs.config.retransmit / 2);
        return;
    }
    ndp_solicit_router(h->ep);
    h->wait = around(h, h->wait == 0 ? SOLICIT_WAIT : 2 * h->wait);
    if (h->wait > SOLICIT_WAIT_MAX)
        h->wait = around(h, SOLICIT_WAIT_MAX);
    stack_arm(stack_of(h->ep), timer, now + h->wait);
}

/* ---- Life ---- */

int router_init(struct net_ep *ep)
{
    const struct nic *nic = ep->nic;
    ep->host = NULL;
    if (!nic->accept_ra || (nic->link->caps & NST_LINK_RESOLVES) == 0)
        return 0;
    struct ip6_host *h = mem_zalloc(&stack_of(ep)->pool->mem, sizeof(*h));
    if (h == NULL)
        return -NST_ENOMEM;
    h->ep = ep;
    h->is_temporary = nic->temporary_addresses;
    timer_init(&h->solicit, fire_solicit);
    timer_init(&h->life, fire_life);
    timer_init(&h->renew, slaac_renew_fire);
    ep->host = h;
    return 0;
}

void router_fini(struct net_ep *ep)
{
    if (ep->host == NULL)
        return;
    router_stop(ep);
    mem_free(&stack_of(ep)->pool->mem, ep->host, sizeof(*ep->host));
    ep->host = NULL;
}

void router_start(struct net_ep *ep)
{
    struct ip6_host *h = ep->host;
    if (!is_listening(ep))
        return;
    h->wait = 0;
    const uint32_t ms = rand_below(&stack_of(ep)->rand, SOLICIT_DELAY / NST_MSEC);
    stack_arm(stack_of(ep), &h->solicit, stack_of(ep)->now + ms * NST_MSEC);
}

static void untune(struct ip6_host *h)
{
    struct net_ep *ep = h->ep;
    struct nst_neigh_config config = ep->neighs.config;
    ep->hop_limit = 0;
    ep->mtu = 0;
    if (!h->has_tuned)
        return;
    h->has_tuned = false;
    config.base_reachable = h->base_reachable;
    config.retransmit = h->retransmit;
    neigh_table_configure(&ep->neighs, &config);
}

void router_stop(struct net_ep *ep)
{
    struct ip6_host *h = ep->host;
    if (h == NULL)
        return;
    struct wheel *wheel = &stack_of(ep)->wheel;
    wheel_cancel(wheel, &h->solicit);
    wheel_cancel(wheel, &h->life);
    wheel_cancel(wheel, &h->renew);
    while (h->redirect_count > 0)
        forget_redirect(h, h->redirect_count - 1);
    while (h->prefix_count > 0)
        forget_prefix(h, h->prefix_count - 1);
    h->router_count = 0;
    choose_default(h);
    slaac_forget(ep);
    untune(h);
    route_changed(stack_of(ep));
}

void router_gone(struct net_ep *ep, const struct nst_addr *addr)
{
    struct ip6_host *h = ep->host;
    if (h == NULL)
        return;
    for (unsigned i = h->router_count; i-- > 0;)
        if (nst_addr_equal(&h->routers[i].addr, addr))
            forget_router(h, i);
    forget_redirects_to(h, addr);
    choose_default(h);
    arm_life(h);
}

void router_unreachable(struct net_ep *ep)
{
    struct ip6_host *h = ep->host;
    if (h == NULL)
        return;
    for (unsigned i = h->redirect_count; i-- > 0;)
        if (is_dead(h, &h->redirects[i].target))
            forget_redirect(h, i);
    choose_default(h);
}

/* ---- What an advertisement says (RFC 4861 6.3.4) ---- */

static struct default_router *find_router(struct ip6_host *h, const struct nst_addr *addr)
{
    for (unsigned i = 0; i < h->router_count; i++)
        if (nst_addr_equal(&h->routers[i].addr, addr))
            return &h->routers[i];
    return NULL;
}

static void count_limited(const struct ip6_host *h)
{
    COUNT(stack_of(h->ep)->counters.router_limited);
}

static void learn_router(struct ip6_host *h, const struct nst_addr *addr,
                         const struct ndp_router *said)
{
    struct default_router *r = find_router(h, addr);
    if (said->lifetime_s == 0) {
        if (r != NULL)
            forget_router(h, (unsigned)(r - h->routers));
        return;
    }
    if (r == NULL && h->router_count == ROUTERS_MAX) {
        count_limited(h);
        return;
    }
    if (r == NULL)
        r = &h->routers[h->router_count++];
    *r = (struct default_router){
        .addr = *addr, .until = end_of(h, said->lifetime_s), .preference = said->preference};
}

static struct on_link_prefix *find_prefix(struct ip6_host *h, const struct on_link_prefix *like)
{
    for (unsigned i = 0; i < h->prefix_count; i++)
        if (h->prefixes[i].len == like->len &&
            nst_addr_equal(&h->prefixes[i].prefix, &like->prefix))
            return &h->prefixes[i];
    return NULL;
}

static void learn_prefix(struct ip6_host *h, const struct ndp_prefix *said)
{
    const struct on_link_prefix like = {.prefix = addr_prefix(&said->prefix, said->len),
                                        .until = end_of(h, said->valid_s),
                                        .len = said->len};
    struct on_link_prefix *p = find_prefix(h, &like);
    if (p != NULL) {
        p->until = like.until;
        if (said->valid_s == 0)
            forget_prefix(h, (unsigned)(p - h->prefixes));
        return;
    }
    if (said->valid_s == 0)
        return;
    if (h->prefix_count == PREFIXES_MAX) {
        count_limited(h);
        return;
    }
    if (add_route(h, prefix_route(&like)))
        h->prefixes[h->prefix_count++] = like;
}

/* RFC 4861 6.3.4: 0 says nothing. Times beyond an hour are nonsense (6.2.1). */
static void tune(struct ip6_host *h, const struct ndp_router *said)
{
    struct neigh_table *t = &h->ep->neighs;
    struct nst_neigh_config config = t->config;
    if (said->reachable_ms != 0 && said->reachable_ms <= 3600000)
        config.base_reachable = said->reachable_ms * NST_MSEC;
    if (said->retransmit_ms != 0 && said->retransmit_ms <= 3600000)
        config.retransmit = said->retransmit_ms * NST_MSEC;
    if (config.base_reachable == t->config.base_reachable &&
        config.retransmit == t->config.retransmit)
        return;
    if (!h->has_tuned) {
        h->base_reachable = t->config.base_reachable;
        h->retransmit = t->config.retransmit;
        h->has_tuned = true;
    }
    neigh_table_configure(t, &config);
}

static void set_hop_limit(struct net_ep *ep, uint8_t hop_limit)
{
    if (hop_limit == 0 || hop_limit == ep->hop_limit)
        return;
    ep->hop_limit = hop_limit;
    route_changed(stack_of(ep));
}

/* RFC 4861 6.3.4: at least 1,280, and no more than the link takes. */
static void set_mtu(struct net_ep *ep, uint32_t mtu)
{
    if (mtu < IP6_MIN_MTU || mtu > ep->nic->link->mtu || mtu == ep->mtu)
        return;
    ep->mtu = mtu;
    route_changed(stack_of(ep));
}

/* The router's link address. It is a router because it advertises (RFC 4861 6.3.4). */
static void learn_neighbour(struct net_ep *ep, const struct nst_addr *addr,
                            const struct nst_mac *mac)
{
    if (!mac_is_unicast(mac) || addrs_has(ep, addr))
        return;
    neigh_request_seen(&ep->neighs, addr, mac, true);
    struct neigh *n = neigh_lookup(&ep->neighs, addr);
    if (n != NULL)
        neigh_set_router(n, true);
}

static void take_option(struct ip6_host *h, const struct ndp_opt *opt, const struct rx *rx)
{
    struct ndp_prefix prefix;
    struct nst_mac mac;
    uint32_t mtu;
    if (ndp_opt_mac(opt, NDP_OPT_SOURCE_MAC, &mac))
        learn_neighbour(h->ep, &rx->src, &mac);
    else if (ndp_opt_mtu(opt, &mtu))
        set_mtu(h->ep, mtu);
    else if (ndp_opt_prefix(opt, &prefix) && !addr_is_link_local(&prefix.prefix) &&
             !addr_is_multicast(&prefix.prefix)) {
        if (prefix.on_link)
            learn_prefix(h, &prefix);
        if (prefix.autoconf)
            slaac_prefix(h->ep, &prefix);
    }
}

bool router_advertised(struct net_ep *ep, const struct pkt *p, const struct rx *rx)
{
    struct ip6_host *h = ep->host;
    struct ndp_router said;
    if (!ndp_router_parse(p->data, p->len, &said))
        return false;
    if (!is_listening(ep) || addrs_has(ep, &rx->src))
        return true;
    COUNT(stack_of(ep)->counters.router_advertisements);
    /* RFC 7559 2.1: a router has answered. */
    if (said.lifetime_s != 0)
        wheel_cancel(&stack_of(ep)->wheel, &h->solicit);
    tune(h, &said);
    set_hop_limit(ep, said.hop_limit);
    learn_router(h, &rx->src, &said);
    struct ndp_opt_iter it = ndp_opt_begin(p->data, p->len, NDP_ROUTER_ADVERTISEMENT_LEN);
    struct ndp_opt opt;
    while (ndp_opt_next(&it, &opt))
        take_option(h, &opt, rx);
    choose_default(h);
    arm_life(h);
    return true;
}

/* ---- Redirects (RFC 4861 8) ---- */

/* RFC 4861 8.1: is `from` the present first hop to the destination? */
static bool is_first_hop(const struct ip6_host *h, const struct nst_addr *from,
                         const struct nst_addr *destination)
{
    const struct route *route = route_lookup(stack_of(h->ep), destination, h->ep->nic);
    return route != NULL && nst_addr_equal(&route->info.gateway, from);
}

static void learn_redirect(struct ip6_host *h, const struct ndp_redirect *said)
{
    const bool on_link = nst_addr_equal(&said->target, &said->destination);
    for (unsigned i = h->redirect_count; i-- > 0;)
        if (nst_addr_equal(&h->redirects[i].destination, &said->destination))
            forget_redirect(h, i);
    if (h->redirect_count == REDIRECTS_MAX)
        forget_redirect(h, 0);
    const struct nst_route route = {
        .prefix = said->destination, .prefix_len = 128, .gateway = on_link ? any : said->target};
    if (add_route(h, route))
        h->redirects[h->redirect_count++] =
            (struct redirect){.destination = said->destination, .target = said->target};
}

static bool is_sane_redirect(const struct ndp_redirect *said)
{
    return !addr_is_multicast(&said->destination) &&
           (addr_is_link_local(&said->target) || nst_addr_equal(&said->target, &said->destination));
}

bool router_redirected(struct net_ep *ep, const struct pkt *p, const struct rx *rx)
{
    struct ip6_host *h = ep->host;
    struct ndp_redirect said;
    struct nst_mac mac;
    if (!ndp_redirect_parse(p->data, p->len, &said) || !is_sane_redirect(&said))
        return false;
    if (!is_listening(ep) || !is_first_hop(h, &rx->src, &said.destination))
        return true;
    COUNT(stack_of(ep)->counters.router_redirects);
    struct ndp_opt_iter it = ndp_opt_begin(p->data, p->len, NDP_REDIRECT_LEN);
    struct ndp_opt opt;
    while (ndp_opt_next(&it, &opt))
        if (ndp_opt_mac(&opt, NDP_OPT_TARGET_MAC, &mac) && mac_is_unicast(&mac) &&
            !addrs_has(ep, &said.target))
            neigh_request_seen(&ep->neighs, &said.target, &mac, true);
    learn_redirect(h, &said);
    return true;
}
