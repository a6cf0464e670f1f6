/* SPDX-License-Identifier: Apache-2.0 */
#include "host/timers.h"

#include "testing.h"

#define COUNT 500

static uint32_t random_state = 1;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % below;
}

static struct nst_loop_timer *pop(struct timers *timers)
{
    struct nst_loop_timer *first = timers->root;
    if (first != NULL)
        timers_remove(timers, first);
    return first;
}

static void come_out_in_order_of_time_then_arming(void **state)
{
    struct timers timers = {0};
    static struct nst_loop_timer t[COUNT];
    memset(t, 0, sizeof(t));
    for (int i = 0; i < COUNT; i++)
        timers_add(&timers, &t[i], draw(50));
    const struct nst_loop_timer *last = pop(&timers);
    for (int i = 1; i < COUNT; i++) {
        const struct nst_loop_timer *next = pop(&timers);
        assert_non_null(next);
        assert_true(next->when > last->when || (next->when == last->when && next > last));
        last = next;
    }
    assert_null(timers.root);
}

/* Against a plain array: a hundred thousand random operations. */
static void agrees_with_an_array(void **state)
{
    struct timers timers = {0};
    static struct nst_loop_timer t[COUNT];
    static bool in[COUNT];
    memset(t, 0, sizeof(t));
    for (int step = 0; step < 100000; step++) {
        uint32_t i = draw(COUNT);
        assert_int_equal(timers_has(&timers, &t[i]), in[i]);
        if (in[i] || draw(3) == 0)
            timers_remove(&timers, &t[i]);
        else
            timers_add(&timers, &t[i], draw(1000));
        in[i] = timers_has(&timers, &t[i]);
        if (draw(8) != 0)
            continue;
        const struct nst_loop_timer *first = NULL;
        for (int k = 0; k < COUNT; k++)
            if (in[k] && (first == NULL || t[k].when < first->when ||
                          (t[k].when == first->when && t[k].order < first->order)))
                first = &t[k];
        assert_ptr_equal(timers.root, first);
        if (first != NULL && draw(4) == 0) {
            in[first - t] = false;
            assert_ptr_equal(pop(&timers), first);
        }
    }
}

static void removing_what_is_not_in_does_nothing(void **state)
{
    struct timers timers = {0};
    struct nst_loop_timer a = {0}, b = {0};
    timers_remove(&timers, &a);
    timers_add(&timers, &b, 1);
    timers_remove(&timers, &a);
    assert_ptr_equal(timers.root, &b);
    timers_remove(&timers, &b);
    timers_remove(&timers, &b);
    assert_null(timers.root);
}

TESTS({"timers come out in order of time, equal ones in order of arming",
       come_out_in_order_of_time_then_arming},
      {"100,000 random operations agree with an array", agrees_with_an_array},
      {"removing what is not in does nothing", removing_what_is_not_in_does_nothing})
