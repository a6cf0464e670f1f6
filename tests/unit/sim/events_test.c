/* SPDX-License-Identifier: Apache-2.0 */
/* One clock: actors act by time, and equal times by the order in which they were asked for. */
#include "testing.h"

#include <nicstack/host.h>

#include "random.h"
#include "sim/events.h"

struct player {
    struct sim_actor actor; /* first */
    int number;
};

static int played[4096];
static int played_count;

static void act(struct sim_actor *actor)
{
    played[played_count++] = ((struct player *)actor)->number;
}

static void begin(struct sim_events *e, struct player *players, int count)
{
    played_count = 0;
    assert_int_equal(sim_events_init(e, nst_host_allocator(), (uint32_t)count), 0);
    for (int i = 0; i < count; i++)
        players[i] = (struct player){.actor = {.act = act}, .number = i};
}

static void equal_times_act_in_the_order_of_asking(void **state)
{
    struct sim_events e;
    struct player p[4];
    begin(&e, p, 4);
    sim_events_arm(&e, &p[2].actor, 5);
    sim_events_arm(&e, &p[0].actor, 5);
    sim_events_arm(&e, &p[3].actor, 4);
    sim_events_arm(&e, &p[1].actor, 5);
    sim_events_arm(&e, &p[2].actor, 5); /* the same again: it keeps its place */
    while (sim_events_step(&e, 10))
        ;
    assert_int_equal(played_count, 4);
    const int expected[] = {3, 2, 0, 1};
    assert_memory_equal(played, expected, sizeof(expected));
    assert_int_equal(e.now, 5);
    sim_events_fini(&e, nst_host_allocator());
}

static void nothing_acts_after_the_limit_or_when_taken_back(void **state)
{
    struct sim_events e;
    struct player p[2];
    begin(&e, p, 2);
    sim_events_arm(&e, &p[0].actor, 7);
    sim_events_arm(&e, &p[1].actor, 8);
    assert_false(sim_events_step(&e, 6));
    sim_events_arm(&e, &p[0].actor, NST_TIME_NEVER);
    assert_false(sim_events_step(&e, 7));
    assert_true(sim_events_step(&e, 8));
    sim_events_arm(&e, &p[0].actor, 1); /* over: now */
    assert_int_equal(p[0].actor.when, 8);
    sim_events_fini(&e, nst_host_allocator());
}

/* A thousand actors, armed and moved at random, act in the order of a plain search. */
static void a_thousand_actors_act_in_order(void **state)
{
    enum {
        COUNT = 1000,
    };
    static struct player p[COUNT];
    struct sim_events e;
    uint64_t random = 99;
    begin(&e, p, COUNT);
    for (int round = 0; round < 3 * COUNT; round++)
        sim_events_arm(&e, &p[random_next(&random) % COUNT].actor,
                       (nst_time)(random_next(&random) % 500));
    const uint32_t armed = e.count;
    nst_time last = 0;
    uint64_t last_order = 0;
    for (uint32_t i = 0; i < armed; i++) {
        assert_true(sim_events_step(&e, 1000));
        const struct sim_actor *a = &p[played[i]].actor;
        assert_true(a->when > last || i == 0 || (a->when == last && a->order > last_order));
        last = a->when;
        last_order = a->order;
    }
    assert_false(sim_events_step(&e, 1000));
    assert_int_equal(e.done, armed);
    sim_events_fini(&e, nst_host_allocator());
}

TESTS({"equal times act in the order of asking", equal_times_act_in_the_order_of_asking},
      {"nothing acts after the limit, or when it was taken back",
       nothing_acts_after_the_limit_or_when_taken_back},
      {"a thousand actors act in order", a_thousand_actors_act_in_order})
