/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/event.h"

#include "base/bytes.h"
#include "stack/nic.h"

#define EVENTS_DEFAULT 256
#define EVENTS_MAX     (1u << 16)

static size_t size_for(uint32_t capacity)
{
    return sizeof(struct event_ring) + (size_t)capacity * sizeof(struct nst_event);
}

int nst_event_start(struct nst_stack *stack, uint32_t mask, uint32_t events)
{
    uint32_t capacity = 2; /* NST_EVENT_LOST and one more */
    stack_check_caller(stack);
    if (stack->events != NULL)
        return -NST_EALREADY;
    if ((mask & NST_EVENTS_ALL) == 0 || events > EVENTS_MAX)
        return -NST_EINVAL;
    while (capacity < (events != 0 ? events : EVENTS_DEFAULT))
        capacity *= 2;
    struct event_ring *r = mem_zalloc(&stack->pool->mem, size_for(capacity));
    if (r == NULL)
        return -NST_ENOMEM;
    ring_init(&r->ring, r->events, sizeof(r->events[0]), capacity);
    r->mask = mask;
    stack->events = r;
    return 0;
}

void nst_event_stop(struct nst_stack *stack)
{
    struct event_ring *r = stack->events;
    if (r == NULL)
        return;
    stack->events = NULL;
    mem_free(&stack->pool->mem, r, size_for(r->ring.mask + 1));
}

bool nst_event_next(struct nst_stack *stack, struct nst_event *ret_event)
{
    return stack->events != NULL && ring_pop(&stack->events->ring, ret_event);
}

/* What is in the ring is lost, and that is said once. */
static void overflow(struct event_ring *r, nst_time now)
{
    const struct nst_event lost = {.kind = NST_EVENT_LOST, .number = r->number, .time = now};
    r->ring.head = r->ring.tail;
    ring_push(&r->ring, &lost);
}

void event_put(const struct nic *nic, const struct nst_event *event)
{
    struct nst_stack *stack = nic->stack;
    if (!event_is_wanted(stack, event->kind))
        return;
    struct event_ring *r = stack->events;
    if (ring_is_full(&r->ring))
        overflow(r, stack->now);
    struct nst_event e = *event;
    e.number = ++r->number;
    e.time = stack->now;
    e.nic = nic->id;
    memcpy(e.name, nic->name, sizeof(e.name));
    ring_push(&r->ring, &e);
}

/* ---- Words ---- */

static const char *const kinds[NST_EVENT_KINDS] = {
    [NST_EVENT_LOST] = "lost",
    [NST_EVENT_NIC_ADDED] = "nic_added",
    [NST_EVENT_NIC_REMOVED] = "nic_removed",
    [NST_EVENT_NIC_ENABLED] = "nic_enabled",
    [NST_EVENT_NIC_DISABLED] = "nic_disabled",
    [NST_EVENT_NIC_RENAMED] = "nic_renamed",
    [NST_EVENT_NIC_MTU] = "nic_mtu",
    [NST_EVENT_NIC_LINK_ADDR] = "nic_link_addr",
    [NST_EVENT_ADDR_ADDED] = "addr_added",
    [NST_EVENT_ADDR_ASSIGNED] = "addr_assigned",
    [NST_EVENT_ADDR_TENTATIVE] = "addr_tentative",
    [NST_EVENT_ADDR_DUPLICATE] = "addr_duplicate",
    [NST_EVENT_ADDR_DEPRECATED] = "addr_deprecated",
    [NST_EVENT_ADDR_REMOVED] = "addr_removed",
    [NST_EVENT_NEIGH_ADDED] = "neigh_added",
    [NST_EVENT_NEIGH_CHANGED] = "neigh_changed",
    [NST_EVENT_NEIGH_REMOVED] = "neigh_removed",
    [NST_EVENT_GROUP_JOINED] = "group_joined",
    [NST_EVENT_GROUP_LEFT] = "group_left",
};

static const char *const reasons[] = {
    [NST_WHY_ASKED] = "asked", [NST_WHY_EXPIRED] = "expired", [NST_WHY_DUPLICATE] = "duplicate",
    [NST_WHY_NIC] = "nic",     [NST_WHY_EVICTED] = "evicted", [NST_WHY_FAILED] = "failed",
};

const char *nst_event_name(unsigned kind)
{
    return kind < ARRAY_SIZE(kinds) ? kinds[kind] : "";
}

const char *nst_event_why_name(unsigned why)
{
    return why < ARRAY_SIZE(reasons) ? reasons[why] : "";
}
