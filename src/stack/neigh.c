/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A table belongs to a network endpoint whose link resolves addresses. Destinations hold entries
 * (refs); neigh_use gives the link address on the way out, neigh_enqueue keeps what cannot leave
 * yet (neigh_pending.c). The protocol (ARP, NDP) sends the questions through proto->solicit and
 * reports what it hears through neigh_request_seen and neigh_confirm. This file owns states and
 * timers; `become` is the only function that changes state or link address of an entry in a table,
 * and says so as one event.
 *
 *                enqueue: 3 questions, 1 s apart           no answer
 *      (new) INCOMPLETE ------------------------------------------------> UNREACHABLE
 *                |  \                                              ^           |
 *      solicited |   \ request seen, unsolicited                   |           | enqueue: asks anew
 *      answer    |    v                                            |           v
 *                |   STALE --use--> DELAY --5 s--> PROBE -- 3 unicast     INCOMPLETE
 *                v     ^             |               |      unanswered
 *            REACHABLE-+ time        +---------------+
 *                ^                           | solicited answer, progress of an upper layer
 *                +---------------------------+
 *
 * A request that is seen makes STALE of UNREACHABLE as well. STATIC entries are set by hand and
 * change by hand alone.
 *
 * Timers: one an entry. INCOMPLETE and PROBE: the next question. DELAY: the first. REACHABLE: the
 * end of reachable_time, counted from `confirmed`, which moves without touching the timer.
 *
 * Invariants
 *  1. An entry is in table->lru exactly when it is dynamic and has no references.
 *  2. table->dynamic counts the entries that are not STATIC.
 *  3. INCOMPLETE without an armed timer was made but never asked for: nothing waits in it.
 *  4. A timer is armed only in INCOMPLETE, REACHABLE, DELAY and PROBE, and in the last three
 *     always.
 *
 * Limits: 512 dynamic entries (N80). Entries that nobody refers to make room: first those that we
 * never used or that do not answer, then the least recently used (RFC 6583 6.1); then destinations
 * without holders let go of theirs. What is in use is never evicted (N90): when all are, there is
 * no more room.
 *
 * RFC 4861 7.3, appendix C; RFC 1122 2.3.2; RFC 7048 3 (what was unreachable is asked again).
 */
#include "stack/neigh.h"

#include "base/check.h"
#include "stack/event.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/addr.h"

#define REDRAW_AFTER (2 * 3600 * NST_SEC)

/* ---- Settings ---- */

static const struct nst_neigh_config defaults = {
    .size = sizeof(defaults),
    .base_reachable = 30 * NST_SEC,
    .min_random_ppt = 500,
    .max_random_ppt = 1500,
    .retransmit = NST_SEC,
    .first_probe = 5 * NST_SEC,
    .multicast_probes = 3,
    .unicast_probes = 3,
    .dynamic_max = 512,
};

static struct nst_stack *stack_of(const struct neigh_table *t)
{
    return t->ep->nic->stack;
}

/* RFC 4861 6.3.2: uniform between the factors. */
static void draw_reachable_time(struct neigh_table *t)
{
    const struct nst_neigh_config *c = &t->config;
    const uint32_t span = c->max_random_ppt - c->min_random_ppt;
    const uint32_t ppt = c->min_random_ppt + rand_below(&stack_of(t)->rand, span + 1);
    t->reachable_time = c->base_reachable / 1000 * ppt;
    t->reachable_drawn = stack_of(t)->now;
}

/* N81: every two hours. */
static void redraw_if_due(struct neigh_table *t)
{
    if (stack_of(t)->now - t->reachable_drawn >= REDRAW_AFTER)
        draw_reachable_time(t);
}

static void repair_time(nst_time *t, nst_time standard)
{
    if (*t < NST_MSEC || *t > 3600 * NST_SEC)
        *t = standard;
}

static void repair_count(uint32_t *n, uint32_t max, uint32_t standard)
{
    if (*n == 0 || *n > max)
        *n = standard;
}

/* N81: one by one. */
static struct nst_neigh_config repair(const struct nst_neigh_config *config)
{
    struct nst_neigh_config c = *config;
    repair_time(&c.base_reachable, defaults.base_reachable);
    repair_time(&c.retransmit, defaults.retransmit);
    repair_time(&c.first_probe, defaults.first_probe);
    repair_count(&c.min_random_ppt, 10000, defaults.min_random_ppt);
    if (c.max_random_ppt < c.min_random_ppt || c.max_random_ppt > 30000)
        c.max_random_ppt = c.min_random_ppt * 3;
    repair_count(&c.multicast_probes, UINT8_MAX, defaults.multicast_probes);
    repair_count(&c.unicast_probes, UINT8_MAX, defaults.unicast_probes);
    repair_count(&c.dynamic_max, 1u << 20, defaults.dynamic_max);
    return c;
}

/* Entries that are reachable are so for the new time, counted from when they were confirmed. */
static void rearm_reachable(struct neigh_table *t)
{
    HASH_FOR_EACH(node, &t->table)
    {
        struct neigh *n = container_of(node, struct neigh, node);
        if (n->state == NST_NEIGH_REACHABLE)
            stack_arm(n->stack, &n->timer, n->confirmed + t->reachable_time);
    }
}

static void detach(struct neigh *n, enum nst_event_why why);

/* False: nobody lets go of any. */
static bool evict_one(struct neigh_table *t)
{
    struct neigh *victim = LIST_FIRST(&t->lru, struct neigh, lru);
    if (victim == NULL)
        return false;
    COUNT(stack_of(t)->counters.neigh_evicted);
    detach(victim, NST_WHY_EVICTED);
    return true;
}

void neigh_table_configure(struct neigh_table *t, const struct nst_neigh_config *config)
{
    t->config = repair(config);
    draw_reachable_time(t);
    rearm_reachable(t);
    while (t->dynamic > t->config.dynamic_max && evict_one(t))
        continue;
}

void neigh_table_init(struct neigh_table *t, struct net_ep *ep)
{
    *t = (struct neigh_table){.ep = ep};
    hash_init(&t->table, &ep->nic->stack->pool->mem);
    list_init(&t->lru);
    neigh_table_configure(t, &defaults);
}

/* ---- Entries ---- */

static uint64_t hash_of(const struct neigh_table *t, const struct nst_addr *addr)
{
    return siphash13_2(&stack_of(t)->hash_key, addr->q[0], addr->q[1]);
}

struct neigh *neigh_lookup(const struct neigh_table *t, const struct nst_addr *addr)
{
    struct hash_node *node = hash_first(&t->table, hash_of(t, addr));
    for (; node != NULL; node = hash_next(node)) {
        struct neigh *n = container_of(node, struct neigh, node);
        if (nst_addr_equal(&n->addr, addr))
            return n;
    }
    return NULL;
}

/* N88: every change is an event. */
static void tell(const struct neigh *n, enum nst_event_kind kind, enum nst_event_why why)
{
    if (!event_is_wanted(n->stack, kind))
        return;
    const struct nst_event event = {.kind = (uint8_t)kind,
                                    .why = (uint8_t)why,
                                    .value = n->state,
                                    .mac = n->mac,
                                    .addr = n->addr};
    event_put(n->table->ep->nic, &event);
}

/* The state and (mac not NULL) the link address from now on. */
static void become_because(struct neigh *n, enum nst_neigh_state state, const struct nst_mac *mac,
                           enum nst_event_why why)
{
    const bool moved = mac != NULL && !mac_equal(&n->mac, mac);
    if (!moved && n->state == state)
        return;
    if (moved)
        n->mac = *mac;
    n->state = (uint8_t)state;
    n->updated = n->stack->now;
    tell(n, NST_EVENT_NEIGH_CHANGED, why);
}

static void become(struct neigh *n, enum nst_neigh_state state, const struct nst_mac *mac)
{
    become_because(n, state, mac, NST_WHY_ASKED);
}

static void free_neigh(struct neigh *n)
{
    mem_free(&n->stack->pool->mem, n, sizeof(*n));
}

/* Nobody will answer for what waits in n (N46, N88); with its NIC it goes another way. */
static void drop_pending(struct neigh *n, enum nst_event_why why)
{
    struct nst_pktq q = neigh_pending_take(n);
    if (why == NST_WHY_NIC) {
        pktq_drop(&q, DROP_TX_NIC_DOWN);
        return;
    }
    COUNT_N(n->table->ep->nic->counters.tx_resolution_failed, q.count);
    pktq_drop(&q, DROP_NEIGH_CANCELLED);
}

/* Takes n out of its table; it is freed with its last reference. */
static void detach(struct neigh *n, enum nst_event_why why)
{
    struct neigh_table *t = n->table;
    drop_pending(n, why);
    tell(n, NST_EVENT_NEIGH_REMOVED, why);
    wheel_cancel(&n->stack->wheel, &n->timer);
    hash_remove(&t->table, &n->node);
    list_remove(&n->lru);
    if (n->state != NST_NEIGH_STATIC)
        t->dynamic--;
    n->table = NULL;
    n->state = NST_NEIGH_UNREACHABLE;
    if (n->refs == 0)
        free_neigh(n);
}

uint32_t neigh_table_flush(struct neigh_table *t, bool statics, enum nst_event_why why)
{
    uint32_t count = 0;
    HASH_FOR_EACH_SAFE(node, next, &t->table)
    {
        struct neigh *n = container_of(node, struct neigh, node);
        if (n->state == NST_NEIGH_STATIC && !statics)
            continue;
        detach(n, why);
        count++;
    }
    /* Destinations still hold what was detached: they have to ask for a new entry. */
    if (count > 0)
        route_changed(stack_of(t));
    return count;
}

void neigh_table_fini(struct neigh_table *t)
{
    neigh_table_flush(t, true, NST_WHY_NIC);
    hash_fini(&t->table);
}

/* N80, N90: the first in the list to go makes room. Destinations that nobody uses let go before. */
static bool make_room(struct neigh_table *t)
{
    while (neigh_table_is_full(t)) {
        if (!evict_one(t) && !dst_shed_neigh(stack_of(t), t))
            return false;
    }
    return true;
}

static void fire(struct timer *timer, nst_time now);

/* A new entry without references, in no list, mac NULL: not known. NULL: no memory, or all entries
 * are in use. */
static struct neigh *create(struct neigh_table *t, const struct nst_addr *addr,
                            enum nst_neigh_state state, const struct nst_mac *mac)
{
    struct nst_stack *stack = stack_of(t);
    if (state != NST_NEIGH_STATIC && !make_room(t)) {
        COUNT(stack->counters.neigh_refused);
        return NULL;
    }
    struct neigh *n = mem_zalloc(&stack->pool->mem, sizeof(*n));
    if (n == NULL)
        return NULL;
    list_init(&n->lru);
    list_init(&n->unresolved);
    timer_init(&n->timer, fire);
    n->stack = stack;
    n->table = t;
    n->addr = *addr;
    n->state = (uint8_t)state;
    n->updated = stack->now;
    if (mac != NULL)
        n->mac = *mac;
    hash_insert(&t->table, &n->node, hash_of(t, addr));
    if (state != NST_NEIGH_STATIC)
        t->dynamic++;
    COUNT(stack->counters.neigh_created);
    tell(n, NST_EVENT_NEIGH_ADDED, NST_WHY_ASKED);
    return n;
}

struct neigh *neigh_get(struct neigh_table *t, const struct nst_addr *addr)
{
    struct neigh *n = neigh_lookup(t, addr);
    if (n == NULL)
        n = create(t, addr, NST_NEIGH_INCOMPLETE, NULL);
    if (n == NULL)
        return NULL;
    list_remove(&n->lru);
    n->refs++;
    return n;
}

void neigh_put(struct neigh *n)
{
    if (--n->refs > 0)
        return;
    if (n->table == NULL)
        free_neigh(n);
    else if (n->state == NST_NEIGH_STATIC)
        return;
    else if (neigh_is_resolved(n))
        list_add_tail(&n->table->lru, &n->lru);
    else
        list_add_head(&n->table->lru, &n->lru);
}

/* ---- Time ---- */

static void arm(struct neigh *n, nst_time delay)
{
    stack_arm(n->stack, &n->timer, n->stack->now + delay);
}

/* Asks: everybody, or (PROBE) the neighbour alone. */
static void ask(struct neigh *n)
{
    struct net_ep *ep = n->table->ep;
    n->probes++;
    arm(n, n->table->config.retransmit);
    ep->proto->solicit(ep, &n->addr, n->state == NST_NEIGH_PROBE ? &n->mac : NULL);
}

/* N47. The transports that are told may let go of destinations, and so of n: keep it. */
static void fail(struct neigh *n)
{
    struct net_ep *ep = n->table->ep;
    struct nst_pktq q = neigh_pending_take(n);
    n->refs++;
    list_remove(&n->lru);
    COUNT(n->stack->counters.neigh_failed);
    become_because(n, NST_NEIGH_UNREACHABLE, NULL, NST_WHY_FAILED);
    if (ep->proto->neigh_failed != NULL)
        ep->proto->neigh_failed(ep);
    for (struct pkt *p; (p = pktq_pop(&q)) != NULL;) {
        COUNT(ep->nic->counters.tx_resolution_failed);
        ep->proto->unresolved(ep, p);
        pkt_drop(p, DROP_NEIGH_UNREACHABLE);
    }
    neigh_put(n);
}

/* N84: its time may have been moved by what confirmed it since. */
static void end_reachable(struct neigh *n, nst_time now)
{
    redraw_if_due(n->table);
    const nst_time end = n->confirmed + n->table->reachable_time;
    if (end > now)
        stack_arm(n->stack, &n->timer, end);
    else
        become(n, NST_NEIGH_STALE, NULL);
}

static void fire(struct timer *timer, nst_time now)
{
    struct neigh *n = container_of(timer, struct neigh, timer);
    const struct nst_neigh_config *c = &n->table->config;
    switch ((enum nst_neigh_state)n->state) {
    case NST_NEIGH_INCOMPLETE: /* N83 */
        if (n->probes < c->multicast_probes)
            ask(n);
        else
            fail(n);
        break;
    case NST_NEIGH_REACHABLE:
        end_reachable(n, now);
        break;
    case NST_NEIGH_DELAY: /* N84 */
        become(n, NST_NEIGH_PROBE, NULL);
        n->probes = 0;
        ask(n);
        break;
    case NST_NEIGH_PROBE:
        if (n->probes < c->unicast_probes)
            ask(n);
        else
            fail(n);
        break;
    case NST_NEIGH_STALE:
    case NST_NEIGH_STATIC:
    case NST_NEIGH_UNREACHABLE:
        break;
    }
}

/* ---- Outbound ---- */

bool neigh_use_slow(struct neigh *n, struct nst_mac *ret_mac)
{
    if (n->state != NST_NEIGH_STALE)
        return false;
    become(n, NST_NEIGH_DELAY, NULL);
    arm(n, n->table->config.first_probe);
    *ret_mac = n->mac;
    return true;
}

void neigh_cancel(struct neigh *n)
{
    drop_pending(n, NST_WHY_EVICTED);
    COUNT(n->stack->counters.neigh_cancelled);
    wheel_cancel(&n->stack->wheel, &n->timer);
    become_because(n, NST_NEIGH_UNREACHABLE, NULL, NST_WHY_EVICTED);
}

void neigh_enqueue(struct neigh *n, struct pkt *p)
{
    if (n->table == NULL) {
        pkt_drop(p, DROP_TX_NIC_DOWN);
        return;
    }
    neigh_pending_add(n, p);
    /* N83: a new packet to an unreachable neighbour asks again. */
    if (n->state != NST_NEIGH_INCOMPLETE || !timer_is_armed(&n->timer)) {
        become(n, NST_NEIGH_INCOMPLETE, NULL);
        n->probes = 0;
        ask(n);
    }
}

/* The address is known: what waited leaves in order (N47). */
static void release(struct neigh *n)
{
    struct net_ep *ep = n->table->ep;
    struct nst_pktq q = neigh_pending_take(n);
    if (list_is_linked(&n->lru)) { /* it is one that we use */
        list_remove(&n->lru);
        list_add_tail(&n->table->lru, &n->lru);
    }
    for (struct pkt *p; (p = pktq_pop(&q)) != NULL;)
        nic_output(ep->nic, p, ep->proto->ethertype, &n->mac);
}

/* ---- What is heard ---- */

static void set_reachable(struct neigh *n, const struct nst_mac *mac)
{
    struct neigh_table *t = n->table;
    redraw_if_due(t);
    n->confirmed = n->stack->now;
    become(n, NST_NEIGH_REACHABLE, mac);
    arm(n, t->reachable_time);
}

static void set_stale(struct neigh *n, const struct nst_mac *mac)
{
    wheel_cancel(&n->stack->wheel, &n->timer);
    become(n, NST_NEIGH_STALE, mac);
}

void neigh_request_seen(struct neigh_table *t, const struct nst_addr *addr,
                        const struct nst_mac *mac, bool make)
{
    struct neigh *n = neigh_lookup(t, addr);
    if (n == NULL && make) {
        n = create(t, addr, NST_NEIGH_STALE, mac);
        if (n != NULL) /* we never used it: it goes first */
            list_add_head(&t->lru, &n->lru);
        return;
    }
    if (n == NULL || n->state == NST_NEIGH_STATIC)
        return;
    if (neigh_is_resolved(n) && mac_equal(&n->mac, mac))
        return;
    const bool waited = n->state == NST_NEIGH_INCOMPLETE;
    set_stale(n, mac);
    /* RFC 4861 appendix C: STALE, though what waited is sent; the next packet makes it DELAY. */
    if (waited)
        release(n);
}

/* N86, the states that have an address. */
static bool confirm_resolved(struct neigh *n, const struct nst_mac *mac, bool solicited,
                             bool override)
{
    const bool changed = mac != NULL && !mac_equal(&n->mac, mac);
    if (changed && !override) {
        if (n->state == NST_NEIGH_REACHABLE)
            set_stale(n, NULL);
        return false;
    }
    if (solicited)
        set_reachable(n, mac);
    else if (changed)
        set_stale(n, mac);
    return true;
}

bool neigh_confirm(struct neigh_table *t, const struct nst_addr *addr, const struct nst_mac *mac,
                   bool solicited, bool override)
{
    struct neigh *n = neigh_lookup(t, addr);
    if (n == NULL) {
        COUNT(stack_of(t)->counters.neigh_unexpected_confirmations);
        return false;
    }
    if (n->state == NST_NEIGH_STATIC || n->state == NST_NEIGH_UNREACHABLE)
        return false;
    if (n->state != NST_NEIGH_INCOMPLETE)
        return confirm_resolved(n, mac, solicited, override);
    if (mac == NULL) {
        COUNT(stack_of(t)->counters.neigh_invalid_confirmations);
        return false;
    }
    if (solicited)
        set_reachable(n, mac);
    else
        set_stale(n, mac);
    release(n);
    return true;
}

bool neigh_set_router(struct neigh *n, bool router)
{
    const bool was = n->router;
    n->router = router;
    if (was != router)
        tell(n, NST_EVENT_NEIGH_CHANGED, NST_WHY_ASKED);
    return was && !router;
}

bool neigh_is_asking(const struct neigh *n)
{
    return n->state == NST_NEIGH_PROBE ||
           (n->state == NST_NEIGH_INCOMPLETE && timer_is_armed(&n->timer));
}

void neigh_progress(struct neigh *n)
{
    switch ((enum nst_neigh_state)n->state) {
    case NST_NEIGH_REACHABLE:
        n->confirmed = n->stack->now;
        break;
    case NST_NEIGH_STALE:
    case NST_NEIGH_DELAY:
    case NST_NEIGH_PROBE:
        set_reachable(n, NULL);
        break;
    case NST_NEIGH_INCOMPLETE:
    case NST_NEIGH_STATIC:
    case NST_NEIGH_UNREACHABLE:
        break;
    }
}

/* ---- By hand ---- */

int neigh_add_static(struct neigh_table *t, const struct nst_addr *addr, const struct nst_mac *mac)
{
    struct neigh *n = neigh_lookup(t, addr);
    if (n == NULL)
        return create(t, addr, NST_NEIGH_STATIC, mac) != NULL ? 0 : -NST_ENOMEM;
    if (n->state != NST_NEIGH_STATIC) {
        t->dynamic--;
        list_remove(&n->lru);
        wheel_cancel(&n->stack->wheel, &n->timer);
    }
    become(n, NST_NEIGH_STATIC, mac);
    release(n);
    return 0;
}

int neigh_remove(struct neigh_table *t, const struct nst_addr *addr)
{
    struct neigh *n = neigh_lookup(t, addr);
    if (n == NULL)
        return -NST_ENOENT;
    const bool held = n->refs > 0;
    detach(n, NST_WHY_ASKED);
    if (held)
        route_changed(stack_of(t));
    return 0;
}
