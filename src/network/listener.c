/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. Every group of an endpoint is received from any source: EXCLUDE {} in the
 * words of RFC 3376, so a group is joined or not, and all there is to tell is that.
 *
 * New versions (IGMPv3, MLDv2). A change, the first join or the last leave, is told by
 * `robustness` reports: group->changes counts those to come. One timer of the endpoint
 * (listener->changes) sends them, at once and then after random times of up to a second; each
 * report has a record for every group with something to tell, so what changes in the same turn
 * costs one packet. A group that was left stays, without joins, until it was told. A general query
 * is answered by one report of everything after a random time (listener->answer), a query for a
 * group by one of that group (group->timer).
 *
 * Old versions (IGMPv2 and 1, MLDv1). While a querier of an old version is about, every group has
 * a report of its own, and group->timer sends it: at once and, robustness - 1 times more, after up
 * to 10 s when joined, after a random time when asked. Another host's report for the group takes
 * ours away. Leaving is told once, if ours was the last report; IGMPv1 does not tell it.
 *
 * A query of an old version makes the endpoint speak it until the querier was silent for
 * robustness * interval + its response time (RFC 3376 7.2.1, RFC 3810 8.2.1): old_until and
 * oldest_until. The change forgets what was about to be sent: the query asks for it anyway.
 *
 * Nothing is told on links without link addresses and on loopback: there is no router to tell, and
 * nobody who would not send to us otherwise; nor when the host says no_group_reports.
 *
 * Invariants: (1) a group without joins has changes left, in LISTENER_NEW; (2) timers are armed
 * only while the endpoint is enabled.
 *
 * Limits: groups.h's; a report has at most LISTENER_RECORDS_MAX records and fits the MTU.
 *
 * DEVIATION: RFC 3376 5.2 and RFC 3810 6.2 answer a query about sources with the sources; we keep
 * no lists of what was asked and answer for the whole group, as those do who ran out of memory for
 * them: the router learns that everything is wanted, which is the truth.
 * Not done: source filters (INCLUDE, sources to EXCLUDE).
 */
#include "network/listener.h"

#include "base/check.h"
#include "stack/nic.h"
#include "stack/stack.h"

static struct nst_stack *stack_of(const struct net_ep *ep)
{
    return ep->nic->stack;
}

static struct group_listener *listener_of(struct net_ep *ep)
{
    return &ep->groups.listener;
}

static enum listener_mode mode_of(const struct net_ep *ep)
{
    const struct group_listener *l = &ep->groups.listener;
    const nst_time now = stack_of(ep)->now;
    if (now < l->oldest_until)
        return LISTENER_OLDEST;
    return now < l->old_until ? LISTENER_OLD : LISTENER_NEW;
}

/* Is anything told on this endpoint now? */
static bool is_telling(const struct net_ep *ep)
{
    return ep->enabled && !ep->nic->no_group_reports && nic_has_neighbours(ep->nic);
}

static bool is_told(const struct group *g)
{
    return g->ep->groups.listener.family->is_told(g);
}

/* A moment in up to `most` from now, in steps of a millisecond; never now. */
static nst_time draw(struct net_ep *ep, nst_time most)
{
    const uint32_t ms = most > NST_MSEC ? (uint32_t)(most / NST_MSEC) : 1;
    return stack_of(ep)->now + (1 + rand_below(&stack_of(ep)->rand, ms)) * NST_MSEC;
}

/* Arms t, unless it fires before `when` anyway. */
static void arm_sooner(struct net_ep *ep, struct timer *t, nst_time when)
{
    if (!timer_is_armed(t) || timer_deadline(t) > when)
        stack_arm(stack_of(ep), t, when);
}

/* ---- Reports of the new versions ---- */

struct report {
    struct net_ep *ep;
    unsigned count, most;
    struct group_record records[LISTENER_RECORDS_MAX];
};

static void begin(struct report *r, struct net_ep *ep)
{
    const struct listener_family *f = listener_of(ep)->family;
    r->ep = ep;
    r->count = 0;
    r->most = min_u32((ep->nic->link->mtu - f->headers) / f->record_size, LISTENER_RECORDS_MAX);
}

static void finish(struct report *r)
{
    if (r->count > 0)
        listener_of(r->ep)->family->send_records(r->ep, r->records, r->count);
    r->count = 0;
}

static void append(struct report *r, const struct group *g, enum group_record_type type)
{
    if (r->count == r->most)
        finish(r);
    r->records[r->count++] = (struct group_record){.group = g->addr, .type = (uint8_t)type};
}

/* One report of the changes of g; it may go with the last. Returns how many are left. */
static uint8_t tell_change(struct report *r, struct group *g)
{
    append(r, g, g->joins > 0 ? GROUP_TO_EXCLUDE : GROUP_TO_INCLUDE);
    const uint8_t left = --g->changes;
    if (left == 0 && g->joins == 0)
        groups_forget(g);
    return left;
}

static void fire_changes(struct timer *timer, nst_time now)
{
    struct net_ep *ep = container_of(timer, struct net_ep, groups.listener.changes);
    struct group *g, *next;
    struct report r;
    bool more = false;
    begin(&r, ep);
    LIST_FOR_EACH_SAFE (g, next, &ep->groups.list, struct group, by_order) {
        if (g->changes > 0)
            more |= tell_change(&r, g) > 0;
    }
    finish(&r);
    if (more)
        stack_arm(stack_of(ep), timer, draw(ep, LISTENER_UNSOLICITED));
}

/* RFC 3376 5.2: everything that is joined. */
static void fire_answer(struct timer *timer, nst_time now)
{
    struct net_ep *ep = container_of(timer, struct net_ep, groups.listener.answer);
    const struct group *g;
    struct report r;
    begin(&r, ep);
    LIST_FOR_EACH (g, &ep->groups.list, struct group, by_order) {
        if (g->joins > 0 && is_told(g))
            append(&r, g, GROUP_IS_EXCLUDE);
    }
    finish(&r);
}

/* ---- The timer of a group ---- */

static void fire_group(struct timer *timer, nst_time now)
{
    struct group *g = container_of(timer, struct group, timer);
    struct net_ep *ep = g->ep;
    const enum listener_mode mode = mode_of(ep);
    if (mode == LISTENER_NEW) { /* also where an old querier went silent meanwhile */
        struct report r;
        begin(&r, ep);
        append(&r, g, GROUP_IS_EXCLUDE);
        finish(&r);
        return;
    }
    listener_of(ep)->family->send_report(ep, g, mode);
    g->last_reporter = true;
    if (g->changes > 0 && --g->changes > 0)
        stack_arm(stack_of(ep), timer, draw(ep, LISTENER_UNSOLICITED_OLD));
}

/* ---- Joining and leaving ---- */

/* g changed: that is told from now on. */
static void tell(struct group *g)
{
    struct net_ep *ep = g->ep;
    struct group_listener *l = listener_of(ep);
    const nst_time now = stack_of(ep)->now;
    g->changes = l->robustness;
    if (mode_of(ep) == LISTENER_NEW)
        arm_sooner(ep, &l->changes, now);
    else
        stack_arm(stack_of(ep), &g->timer, now);
}

void listener_joined(struct group *g)
{
    if (g->timer.fire == NULL)
        timer_init(&g->timer, fire_group);
    if (is_telling(g->ep) && is_told(g))
        tell(g);
}

bool listener_left(struct group *g)
{
    struct net_ep *ep = g->ep;
    const enum listener_mode mode = mode_of(ep);
    wheel_cancel(&stack_of(ep)->wheel, &g->timer);
    if (!is_telling(ep) || !is_told(g))
        return false;
    if (mode == LISTENER_NEW) {
        tell(g);
        return true;
    }
    if (mode == LISTENER_OLD && g->last_reporter)
        listener_of(ep)->family->send_leave(ep, g);
    return false;
}

/* ---- Up and down ---- */

static void reset(struct group_listener *l)
{
    l->robustness = LISTENER_ROBUSTNESS;
    l->interval = LISTENER_INTERVAL;
    l->old_until = 0;
    l->oldest_until = 0;
}

void listener_init(struct net_ep *ep, const struct listener_family *family)
{
    struct group_listener *l = listener_of(ep);
    l->family = family;
    timer_init(&l->changes, fire_changes);
    timer_init(&l->answer, fire_answer);
    reset(l);
}

/* What was about to be said is not; groups that were only kept to be told about go. */
static void forget_pending(struct net_ep *ep)
{
    struct wheel *wheel = &stack_of(ep)->wheel;
    struct group *g, *next;
    wheel_cancel(wheel, &listener_of(ep)->changes);
    wheel_cancel(wheel, &listener_of(ep)->answer);
    LIST_FOR_EACH_SAFE (g, next, &ep->groups.list, struct group, by_order) {
        wheel_cancel(wheel, &g->timer);
        g->changes = 0;
        g->last_reporter = false;
        if (g->joins == 0)
            groups_forget(g);
    }
}

void listener_tell_all(struct net_ep *ep)
{
    struct group *g;
    if (!is_telling(ep))
        return;
    LIST_FOR_EACH (g, &ep->groups.list, struct group, by_order) {
        if (g->joins > 0 && is_told(g))
            tell(g);
    }
}

int listener_start(struct net_ep *ep, const struct nst_addr *all)
{
    struct group_listener *l = listener_of(ep);
    reset(l);
    const int r = l->has_all ? 0 : groups_join(ep, all);
    if (r < 0)
        return r;
    l->has_all = true;
    listener_tell_all(ep);
    return 0;
}

/* N7: the groups are left softly: routers hear of it, and we remember them. */
static void tell_left(struct net_ep *ep)
{
    const enum listener_mode mode = mode_of(ep);
    struct group *g;
    struct report r;
    begin(&r, ep);
    LIST_FOR_EACH (g, &ep->groups.list, struct group, by_order) {
        if (!is_told(g))
            continue;
        if (mode == LISTENER_NEW)
            append(&r, g, GROUP_TO_INCLUDE);
        else if (mode == LISTENER_OLD && g->joins > 0 && g->last_reporter)
            listener_of(ep)->family->send_leave(ep, g);
    }
    finish(&r);
}

void listener_stop(struct net_ep *ep, const struct nst_addr *all)
{
    struct group_listener *l = listener_of(ep);
    if (is_telling(ep))
        tell_left(ep);
    forget_pending(ep);
    if (l->has_all)
        groups_leave(ep, all);
    l->has_all = false;
}

/* ---- Queries ---- */

/* RFC 3376 7.2.1: for how long a querier of an old version counts as there. */
static nst_time until(const struct net_ep *ep, const struct listener_query *q)
{
    const struct group_listener *l = &ep->groups.listener;
    return stack_of(ep)->now + l->robustness * l->interval + q->max_delay;
}

/* What the query says of its querier. */
static void learn(struct net_ep *ep, const struct listener_query *q)
{
    struct group_listener *l = listener_of(ep);
    const enum listener_mode before = mode_of(ep);
    if (q->mode == LISTENER_OLDEST) {
        l->oldest_until = until(ep, q);
    } else if (q->mode == LISTENER_OLD) {
        l->old_until = until(ep, q);
    } else {
        l->robustness = q->robustness != 0 ? q->robustness : LISTENER_ROBUSTNESS;
        l->interval = q->interval != 0 ? q->interval : LISTENER_INTERVAL;
    }
    if (mode_of(ep) != before)
        forget_pending(ep);
}

static void ask_group(struct net_ep *ep, struct group *g, nst_time max_delay)
{
    if (g->joins > 0 && is_told(g))
        arm_sooner(ep, &g->timer, draw(ep, max_delay));
}

/* RFC 3376 5.2: a general answer that comes soon enough is the answer to all. */
static bool is_answered(struct net_ep *ep, nst_time when)
{
    const struct timer *t = &listener_of(ep)->answer;
    return timer_is_armed(t) && timer_deadline(t) <= when;
}

static void ask_new(struct net_ep *ep, const struct listener_query *q)
{
    const nst_time when = draw(ep, q->max_delay);
    if (is_answered(ep, when))
        return;
    if (q->general) {
        stack_arm(stack_of(ep), &listener_of(ep)->answer, when);
        return;
    }
    struct group *g = groups_lookup(ep, &q->group);
    if (g != NULL && g->joins > 0 && is_told(g))
        arm_sooner(ep, &g->timer, when);
}

static void ask_old(struct net_ep *ep, const struct listener_query *q)
{
    struct group *g;
    LIST_FOR_EACH (g, &ep->groups.list, struct group, by_order) {
        if (q->general || nst_addr_equal(&g->addr, &q->group))
            ask_group(ep, g, q->max_delay);
    }
}

void listener_query(struct net_ep *ep, const struct listener_query *query)
{
    if (!is_telling(ep))
        return;
    learn(ep, query);
    if (mode_of(ep) == LISTENER_NEW)
        ask_new(ep, query);
    else
        ask_old(ep, query);
}

void listener_report_heard(struct net_ep *ep, const struct nst_addr *group)
{
    struct group *g = groups_lookup(ep, group);
    if (g == NULL || mode_of(ep) == LISTENER_NEW)
        return;
    wheel_cancel(&stack_of(ep)->wheel, &g->timer);
    g->changes = 0;
    g->last_reporter = false;
}
