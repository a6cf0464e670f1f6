/* SPDX-License-Identifier: Apache-2.0 */
/* What fails becomes small, and still fails. */
#include "testing.h"

#include <nicstack/host.h>

#include "sim/shrink.h"

static struct nst_sim_topology *read_text(const char *text)
{
    struct nst_sim_topology *t;
    struct nst_sim_error error;
    assert_int_equal(nst_sim_topology_new(nst_host_allocator(), &t), 0);
    assert_int_equal(nst_sim_topology_read(t, text, strlen(text), &error), 0);
    return t;
}

static const char large[] = "host a b c d\n"
                            "switch s t\n"
                            "link a -- s delay 5ms\n"
                            "link b -- s rate 10mbit loss 1% duplicate 2%\n"
                            "link c -- t\n"
                            "link d -- t delay 1ms\n"
                            "link s -- t rate 1mbit delay 3ms loss 2% reorder 3%\n"
                            "bulk a -> c bytes 1m\n"
                            "bulk b -> d bytes 1m start 1s on 1s off 1s\n"
                            "request c -> d count 100\n"
                            "udp a -> d\n";

/* The fault that is planted: over 1,000 bytes from b to d while a link loses something. */
static bool has_planted(void *context, const struct nst_sim_topology *t)
{
    struct nst_sim_error error;
    struct nst_sim *sim;
    bool loses = false, sends = false;
    ++*(uint32_t *)context;
    assert_int_equal(nst_sim_new(nst_host_allocator(), t, &error, &sim), 0);
    nst_sim_free(sim);
    for (uint32_t i = 0; i < t->link_count; i++)
        loses = loses || t->links[i].way[0].loss_ppm != 0;
    for (uint32_t i = 0; i < t->flow_count; i++)
        sends = sends || (strcmp(t->nodes[t->flows[i].from].name, "b") == 0 &&
                          t->flows[i].kind == NST_SIM_BULK && t->flows[i].bytes > 1000);
    return loses && sends;
}

static void what_the_fault_does_not_need_goes(void **state)
{
    struct nst_sim_topology *t = read_text(large);
    uint32_t calls = 0;
    const uint32_t tries = sim_shrink(t, has_planted, &calls, 1000);
    assert_int_equal(tries, calls);
    assert_true(has_planted(&calls, t));
    assert_int_equal(t->flow_count, 1);
    assert_in_range(t->flows[0].bytes, 1001, 2002);
    assert_true(t->flows[0].start == 0 && t->flows[0].on == 0);
    assert_int_equal(t->node_count, 4); /* b, s, t, d */
    assert_int_equal(t->link_count, 3);
    uint32_t options = 0;
    for (uint32_t i = 0; i < t->link_count; i++)
        for (int way = 0; way < 2; way++)
            options += (t->links[i].way[way].loss_ppm != 0) + (t->links[i].way[way].delay != 0) +
                       (t->links[i].way[way].rate_bps != 0) +
                       (t->links[i].way[way].duplicate_ppm != 0) +
                       (t->links[i].way[way].reorder_ppm != 0);
    assert_int_equal(options, 1);
    nst_sim_topology_free(t);
}

static void it_ends_when_its_tries_are_used_up(void **state)
{
    struct nst_sim_topology *t = read_text(large);
    uint32_t calls = 0;
    assert_int_equal(sim_shrink(t, has_planted, &calls, 5), 5);
    assert_int_equal(calls, 5);
    assert_true(has_planted(&calls, t));
    nst_sim_topology_free(t);
}

TESTS({"what the fault does not need goes", what_the_fault_does_not_need_goes},
      {"it ends when its tries are used up", it_ends_when_its_tries_are_used_up})
