/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A table belongs to a network endpoint whose link resolves addresses. Destinations hold entries
 * (refs); neigh_use gives the link address on the way out, neigh_enqueue keeps what cannot leave
 * yet. The protocol (ARP, NDP) sends the questions through proto->solicit and reports what it hears
 * through neigh_request_seen and neigh_confirm. This file owns states, timers and limits.
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
 * STATIC entries are set by hand and change by hand alone.
 *
 * Timers: one an entry. INCOMPLETE and PROBE: the next question. DELAY: the first. REACHABLE: the
 * end of reachable_time, counted from `confirmed`, which moves without touching the timer.
 *
 * Invariants
 *  1. An entry is in table->lru exactly when it is dynamic and has no references.
 *  2. It is in table->unresolved exactly when it has pending packets; then it is INCOMPLETE.
 *  3. pending_bytes is the sum of what waits in all entries.
 *  4. INCOMPLETE without an armed timer was made but never asked for.
 *
 * Limits: 512 dynamic entries, 64 entries with 256 packets and 256 KiB each that wait, 1 MiB in all
 * (N46, N80). Entries that nobody refers to make room: first those that we never used or that do
 * not answer, then the least recently used (RFC 6583 6.1); what is referred to is never evicted
 * (N90).
 *
 * RFC 4861 7.3, appendix C; RFC 1122 2.3.2; RFC 7048 3 (what was unreachable is asked again).
 * Not done: events to the host, run-time access to the configuration.
 */
#include "stack/neigh.h"

#include "base/check.h"
#include "stack/nic.h"
#include "stack/stack.h"

#define REDRAW_AFTER (2 * 3600 * NST_SEC)

static const struct neigh_config defaults = {
    .base_reachable = 30 * NST_SEC,
    .min_random_ppt = 500,
    .max_random_ppt = 1500,
    .retransmit = NST_SEC,
    .first_probe = 5 * NST_SEC,
    .multicast_probes = 3,
    .unicast_probes = 3,
};

static struct nst_stack *stack_of(const struct neigh_table *t)
{
    return t->ep->nic->stack;
}

/* RFC 4861 6.3.2: uniform between the factors. */
static void draw_reachable_time(struct neigh_table *t)
{
    const struct neigh_config *c = &t->config;
    const uint32_t span = c->max_random_ppt - c->min_random_ppt;
    const uint32_t ppt = c->min_random_ppt + rand_below(&stack_of(t)->rand, span + 1);
    t->reachable_time = c->base_reachable / 1000 * ppt;
    t->reachable_drawn = stack_of(t)->now;
}

void neigh_table_configure(struct neigh_table *t, const struct neigh_config *config)
{
    struct neigh_config c = *config;
    /* N81: repaired one by one. */
    if (c.base_reachable < NST_MSEC || c.base_reachable > 3600 * NST_SEC)
        c.base_reachable = defaults.base_reachable;
    if (c.min_random_ppt == 0 || c.min_random_ppt > 10000)
        c.min_random_ppt = defaults.min_random_ppt;
    if (c.max_random_ppt < c.min_random_ppt || c.max_random_ppt > 30000)
        c.max_random_ppt = c.min_random_ppt * 3;
    if (c.retransmit < NST_MSEC)
        c.retransmit = defaults.retransmit;
    if (c.first_probe <= 0)
        c.first_probe = defaults.first_probe;
    if (c.multicast_probes == 0)
        c.multicast_probes = defaults.multicast_probes;
    if (c.unicast_probes == 0)
        c.unicast_probes = defaults.unicast_probes;
    t->config = c;
    draw_reachable_time(t);
}

void neigh_table_init(struct neigh_table *t, struct net_ep *ep)
{
    *t = (struct neigh_table){.ep = ep};
    hash_init(&t->table, &ep->nic->stack->pool->mem);
    list_init(&t->lru);
    list_init(&t->unresolved);
    neigh_table_configure(t, &defaults);
}

static uint64_t hash_of(const struct neigh_table *t, const struct nst_addr *addr)
{
    return siphash13_2(&stack_of(t)->hash_key, addr->q[0], addr->q[1]);
}

struct neigh *neigh_lookup(struct neigh_table *t, const struct nst_addr *addr)
{
    struct hash_node *node = hash_first(&t->table, hash_of(t, addr));
    for (; node != NULL; node = hash_next(node)) {
        struct neigh *n = container_of(node, struct neigh, node);
        if (nst_addr_equal(&n->addr, addr))
            return n;
    }
    return NULL;
}

static void enter(struct neigh *n, enum nst_neigh_state state)
{
    n->state = (uint8_t)state;
    n->updated = n->stack->now;
}

static void free_neigh(struct neigh *n)
{
    mem_free(&n->stack->pool->mem, n, sizeof(*n));
}

/* Takes all waiting packets out of n. */
static struct nst_pktq take_pending(struct neigh *n)
{
    struct nst_pktq q = n->pending;
    n->pending = (struct nst_pktq){0};
    if (list_is_linked(&n->unresolved)) {
        list_remove(&n->unresolved);
        n->table->unresolved_count--;
    }
    n->table->pending_bytes -= q.bytes;
    return q;
}

/* Takes n out of its table; it is freed with its last reference. */
static void detach(struct neigh *n, enum drop_reason reason)
{
    struct neigh_table *t = n->table;
    struct nst_pktq q = take_pending(n);
    pktq_drop(&q, reason);
    wheel_cancel(&n->stack->wheel, &n->timer);
    hash_remove(&t->table, &n->node);
    list_remove(&n->lru);
    if (n->state != NST_NEIGH_STATIC)
        t->dynamic--;
    n->table = NULL;
    enter(n, NST_NEIGH_UNREACHABLE);
    if (n->refs == 0)
        free_neigh(n);
}

void neigh_table_flush(struct neigh_table *t)
{
    HASH_FOR_EACH_SAFE(node, next, &t->table)
    {
        detach(container_of(node, struct neigh, node), DROP_TX_NIC_DOWN);
    }
    /* Destinations still hold what was detached: they have to ask for a new entry. */
    route_changed(stack_of(t));
}

void neigh_table_fini(struct neigh_table *t)
{
    neigh_table_flush(t);
    hash_fini(&t->table);
}

static bool is_resolved(const struct neigh *n)
{
    return n->state != NST_NEIGH_INCOMPLETE && n->state != NST_NEIGH_UNREACHABLE;
}

/* N80, N90: the first in the list to go makes room. Destinations that nobody uses let go before. */
static bool make_room(struct neigh_table *t)
{
    while (t->dynamic >= NEIGH_DYNAMIC_MAX) {
        struct neigh *victim = LIST_FIRST(&t->lru, struct neigh, lru);
        if (victim != NULL) {
            COUNT(stack_of(t)->counters.neigh_evicted);
            detach(victim, DROP_NEIGH_CANCELLED);
        } else if (!dst_shed(stack_of(t))) {
            return false;
        }
    }
    return true;
}

static void fire(struct timer *timer, nst_time now);

/* A new entry without references, in no list. NULL: no memory, or all entries are in use. */
static struct neigh *create(struct neigh_table *t, const struct nst_addr *addr, bool is_static)
{
    struct nst_stack *stack = stack_of(t);
    if (!is_static && !make_room(t))
        return NULL;
    struct neigh *n = mem_zalloc(&stack->pool->mem, sizeof(*n));
    if (n == NULL)
        return NULL;
    list_init(&n->lru);
    list_init(&n->unresolved);
    timer_init(&n->timer, fire);
    n->stack = stack;
    n->table = t;
    n->addr = *addr;
    enter(n, is_static ? NST_NEIGH_STATIC : NST_NEIGH_INCOMPLETE);
    hash_insert(&t->table, &n->node, hash_of(t, addr));
    if (!is_static)
        t->dynamic++;
    COUNT(stack->counters.neigh_created);
    return n;
}

struct neigh *neigh_get(struct neigh_table *t, const struct nst_addr *addr)
{
    struct neigh *n = neigh_lookup(t, addr);
    if (n == NULL)
        n = create(t, addr, false);
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
    else if (is_resolved(n))
        list_add_tail(&n->table->lru, &n->lru);
    else
        list_add_head(&n->table->lru, &n->lru);
}

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
    struct nst_pktq q = take_pending(n);
    n->refs++;
    list_remove(&n->lru);
    enter(n, NST_NEIGH_UNREACHABLE);
    COUNT(n->stack->counters.neigh_failed);
    for (struct pkt *p; (p = pktq_pop(&q)) != NULL;) {
        COUNT(ep->nic->counters.tx_resolution_failed);
        ep->proto->unresolved(ep, p);
        pkt_drop(p, DROP_NEIGH_UNREACHABLE);
    }
    neigh_put(n);
}

static void fire(struct timer *timer, nst_time now)
{
    struct neigh *n = container_of(timer, struct neigh, timer);
    const struct neigh_config *c = &n->table->config;
    switch ((enum nst_neigh_state)n->state) {
    case NST_NEIGH_INCOMPLETE: /* N83 */
        if (n->probes < c->multicast_probes)
            ask(n);
        else
            fail(n);
        break;
    case NST_NEIGH_REACHABLE: /* N84 */
        if (n->confirmed + n->table->reachable_time > now)
            stack_arm(n->stack, &n->timer, n->confirmed + n->table->reachable_time);
        else
            enter(n, NST_NEIGH_STALE);
        break;
    case NST_NEIGH_DELAY:
        enter(n, NST_NEIGH_PROBE);
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

bool neigh_use_slow(struct neigh *n, struct nst_mac *ret_mac)
{
    if (n->state != NST_NEIGH_STALE)
        return false;
    enter(n, NST_NEIGH_DELAY);
    arm(n, n->table->config.first_probe);
    *ret_mac = n->mac;
    return true;
}

/* Drops the oldest packet of n, which has one. */
static void drop_oldest(struct neigh *n)
{
    struct pkt *p = pktq_pop(&n->pending);
    n->table->pending_bytes -= p->len;
    if (n->pending.count == 0) {
        list_remove(&n->unresolved);
        n->table->unresolved_count--;
    }
    pkt_drop(p, DROP_NEIGH_QUEUE_FULL);
}

/* N46: the oldest destination that waits gives up, without being told about to anybody. */
static void cancel_oldest(struct neigh_table *t)
{
    struct neigh *n = LIST_FIRST(&t->unresolved, struct neigh, unresolved);
    struct nst_pktq q = take_pending(n);
    COUNT_N(t->ep->nic->counters.tx_resolution_failed, q.count);
    pktq_drop(&q, DROP_NEIGH_CANCELLED);
    wheel_cancel(&n->stack->wheel, &n->timer);
    enter(n, NST_NEIGH_UNREACHABLE);
}

/* Room for `len` more bytes in n and in its table. */
static void make_pending_room(struct neigh *n, uint32_t len)
{
    struct neigh_table *t = n->table;
    while (n->pending.count > 0 &&
           (n->pending.count >= NEIGH_PENDING_MAX || n->pending.bytes + len > NEIGH_PENDING_BYTES))
        drop_oldest(n);
    while (t->pending_bytes + len > NEIGH_PENDING_TOTAL) {
        if (LIST_FIRST(&t->unresolved, struct neigh, unresolved) == n)
            drop_oldest(n);
        else
            cancel_oldest(t);
    }
    if (!list_is_linked(&n->unresolved)) {
        if (t->unresolved_count >= NEIGH_UNRESOLVED_MAX)
            cancel_oldest(t);
        list_add_tail(&t->unresolved, &n->unresolved);
        t->unresolved_count++;
    }
}

void neigh_enqueue(struct neigh *n, struct pkt *p)
{
    if (n->table == NULL) {
        pkt_drop(p, DROP_TX_NIC_DOWN);
        return;
    }
    make_pending_room(n, p->len);
    pktq_push(&n->pending, p);
    n->table->pending_bytes += p->len;
    /* N83: a new packet to an unreachable neighbour asks again. */
    if (n->state != NST_NEIGH_INCOMPLETE || !timer_is_armed(&n->timer)) {
        enter(n, NST_NEIGH_INCOMPLETE);
        n->probes = 0;
        ask(n);
    }
}

/* The address is known: what waited leaves in order (N47). */
static void release(struct neigh *n)
{
    struct net_ep *ep = n->table->ep;
    struct nst_pktq q = take_pending(n);
    if (list_is_linked(&n->lru)) { /* it is one that we use */
        list_remove(&n->lru);
        list_add_tail(&n->table->lru, &n->lru);
    }
    for (struct pkt *p; (p = pktq_pop(&q)) != NULL;)
        nic_output(ep->nic, p, ep->proto->ethertype, &n->mac);
}

static void set_reachable(struct neigh *n)
{
    struct neigh_table *t = n->table;
    if (n->stack->now - t->reachable_drawn > REDRAW_AFTER)
        draw_reachable_time(t);
    n->confirmed = n->stack->now;
    enter(n, NST_NEIGH_REACHABLE);
    arm(n, t->reachable_time);
}

static void set_stale(struct neigh *n)
{
    wheel_cancel(&n->stack->wheel, &n->timer);
    enter(n, NST_NEIGH_STALE);
}

static bool same_mac(const struct nst_mac *x, const struct nst_mac *y)
{
    return memcmp(x->b, y->b, sizeof(x->b)) == 0;
}

void neigh_request_seen(struct neigh_table *t, const struct nst_addr *addr,
                        const struct nst_mac *mac, bool make)
{
    struct neigh *n = neigh_lookup(t, addr);
    if (n == NULL && make) {
        n = create(t, addr, false);
        if (n != NULL) /* we never used it: it goes first */
            list_add_head(&t->lru, &n->lru);
    }
    if (n == NULL || n->state == NST_NEIGH_STATIC)
        return;
    if (is_resolved(n) && same_mac(&n->mac, mac))
        return;
    n->mac = *mac;
    set_stale(n);
    if (n->pending.count > 0) {
        neigh_use_slow(n, &n->mac); /* STALE and used at once: DELAY */
        release(n);
    }
}

/* N86, the states that have an address. */
static bool confirm_resolved(struct neigh *n, const struct nst_mac *mac, bool solicited,
                             bool override)
{
    const bool changed = mac != NULL && !same_mac(&n->mac, mac);
    if (changed && !override) {
        if (n->state == NST_NEIGH_REACHABLE)
            set_stale(n);
        return false;
    }
    if (changed)
        n->mac = *mac;
    if (solicited)
        set_reachable(n);
    else if (changed)
        set_stale(n);
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
    if (mac == NULL)
        return false;
    n->mac = *mac;
    if (solicited)
        set_reachable(n);
    else
        set_stale(n);
    release(n);
    return true;
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
        set_reachable(n);
        break;
    case NST_NEIGH_INCOMPLETE:
    case NST_NEIGH_STATIC:
    case NST_NEIGH_UNREACHABLE:
        break;
    }
}

int neigh_add_static(struct neigh_table *t, const struct nst_addr *addr, const struct nst_mac *mac)
{
    struct neigh *n = neigh_lookup(t, addr);
    if (n == NULL) {
        n = create(t, addr, true);
        if (n == NULL)
            return -NST_ENOMEM;
    } else if (n->state != NST_NEIGH_STATIC) {
        t->dynamic--;
        list_remove(&n->lru);
        wheel_cancel(&n->stack->wheel, &n->timer);
    }
    n->mac = *mac;
    enter(n, NST_NEIGH_STATIC);
    release(n);
    return 0;
}

int neigh_remove(struct neigh_table *t, const struct nst_addr *addr)
{
    struct neigh *n = neigh_lookup(t, addr);
    if (n == NULL)
        return -NST_ENOENT;
    const bool held = n->refs > 0;
    detach(n, DROP_NEIGH_CANCELLED);
    if (held)
        route_changed(stack_of(t));
    return 0;
}
