/* SPDX-License-Identifier: Apache-2.0 */
/* An indexed heap of actors: see events.h. */
#include "sim/events.h"

int sim_events_init(struct sim_events *events, const struct nst_allocator *allocator,
                    uint32_t actors)
{
    *events = (struct sim_events){.capacity = actors};
    events->heap = allocator->alloc(allocator->context, (actors + 1) * sizeof(*events->heap));
    return events->heap != NULL ? 0 : -NST_ENOMEM;
}

void sim_events_fini(struct sim_events *events, const struct nst_allocator *allocator)
{
    if (events->heap != NULL)
        allocator->free(allocator->context, events->heap,
                        (events->capacity + 1) * sizeof(*events->heap));
    *events = (struct sim_events){0};
}

static bool is_before(const struct sim_actor *x, const struct sim_actor *y)
{
    return x->when != y->when ? x->when < y->when : x->order < y->order;
}

static void put(struct sim_events *e, uint32_t i, struct sim_actor *actor)
{
    e->heap[i] = actor;
    actor->place = i + 1;
}

static void sift_up(struct sim_events *e, uint32_t i, struct sim_actor *actor)
{
    while (i > 0 && is_before(actor, e->heap[(i - 1) / 2])) {
        put(e, i, e->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(e, i, actor);
}

static void sift_down(struct sim_events *e, uint32_t i, struct sim_actor *actor)
{
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= e->count)
            break;
        if (child + 1 < e->count && is_before(e->heap[child + 1], e->heap[child]))
            child++;
        if (!is_before(e->heap[child], actor))
            break;
        put(e, i, e->heap[child]);
        i = child;
    }
    put(e, i, actor);
}

static void remove_actor(struct sim_events *e, struct sim_actor *actor)
{
    const uint32_t i = actor->place - 1;
    struct sim_actor *last = e->heap[--e->count];
    actor->place = 0;
    if (last == actor)
        return;
    if (i > 0 && is_before(last, e->heap[(i - 1) / 2]))
        sift_up(e, i, last);
    else
        sift_down(e, i, last);
}

void sim_events_arm(struct sim_events *events, struct sim_actor *actor, nst_time when)
{
    if (when < events->now)
        when = events->now;
    if (actor->place != 0) {
        if (actor->when == when)
            return;
        remove_actor(events, actor);
    }
    if (when == NST_TIME_NEVER)
        return;
    actor->when = when;
    actor->order = events->order++;
    sift_up(events, events->count++, actor);
}

bool sim_events_step(struct sim_events *events, nst_time until)
{
    if (events->count == 0 || events->heap[0]->when > until)
        return false;
    struct sim_actor *actor = events->heap[0];
    remove_actor(events, actor);
    events->now = actor->when;
    events->done++;
    actor->act(actor);
    return true;
}
