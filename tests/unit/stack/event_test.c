/* SPDX-License-Identifier: Apache-2.0 */
#include <nicstack/event.h>

#include "probe.h"

static void expect(struct probe *b, enum nst_event_kind kind, uint64_t number)
{
    struct nst_event e;
    assert_true(nst_event_next(b->stack, &e));
    assert_string_equal(nst_event_name(e.kind), nst_event_name(kind));
    assert_int_equal(e.number, number);
    if (kind == NST_EVENT_LOST)
        return;
    assert_int_equal(e.nic, 3);
    assert_string_equal(e.name, "up");
}

static void expect_none(struct probe *b)
{
    struct nst_event e;
    assert_false(nst_event_next(b->stack, &e));
}

static void begin(struct probe *b, uint32_t mask, uint32_t events)
{
    probe_stack(b, false);
    assert_int_equal(nst_event_start(b->stack, mask, events), 0);
    assert_int_equal(probe_add(b, &(struct nst_nic_config){.id = 3, .name = "up"}), 0);
}

static void in_order(void **state)
{
    struct probe b;
    begin(&b, NST_EVENTS_ALL, 0);
    assert_int_equal(nst_nic_disable(b.stack, 3), 0);
    assert_int_equal(nst_nic_disable(b.stack, 3), 0);
    assert_int_equal(nst_nic_enable(b.stack, 3), 0);
    assert_int_equal(nst_nic_enable(b.stack, 3), 0);
    assert_int_equal(nst_nic_remove(b.stack, 3), 0);
    expect(&b, NST_EVENT_NIC_ADDED, 1);
    expect(&b, NST_EVENT_NIC_ENABLED, 2);
    expect(&b, NST_EVENT_NIC_DISABLED, 3);
    expect(&b, NST_EVENT_NIC_ENABLED, 4);
    expect(&b, NST_EVENT_NIC_DISABLED, 5);
    expect(&b, NST_EVENT_NIC_REMOVED, 6);
    expect_none(&b);
    probe_end(&b);
}

static void only_what_was_asked_for(void **state)
{
    struct probe b;
    begin(&b, NST_EVENT_BIT(NST_EVENT_NIC_DISABLED), 0);
    nst_nic_disable(b.stack, 3);
    expect(&b, NST_EVENT_NIC_DISABLED, 1);
    expect_none(&b);
    probe_end(&b);
}

static void overflow_is_said_once(void **state)
{
    struct probe b;
    begin(&b, NST_EVENTS_ALL, 4);
    for (unsigned i = 0; i < 2; i++) {
        nst_nic_disable(b.stack, 3);
        nst_nic_enable(b.stack, 3);
    }
    /* Six so far: the fifth found the ring full. */
    expect(&b, NST_EVENT_LOST, 4);
    expect(&b, NST_EVENT_NIC_DISABLED, 5);
    expect(&b, NST_EVENT_NIC_ENABLED, 6);
    expect_none(&b);
    probe_end(&b);
}

static void starting_and_stopping(void **state)
{
    struct probe b;
    struct nst_event e;
    probe_stack(&b, false);
    assert_false(nst_event_next(b.stack, &e));
    assert_int_equal(nst_event_start(b.stack, 0, 0), -NST_EINVAL);
    assert_int_equal(nst_event_start(b.stack, NST_EVENTS_ALL, (1u << 16) + 1), -NST_EINVAL);
    assert_int_equal(nst_event_start(b.stack, NST_EVENTS_ALL, 1), 0);
    assert_int_equal(nst_event_start(b.stack, NST_EVENTS_ALL, 1), -NST_EALREADY);
    nst_event_stop(b.stack);
    nst_event_stop(b.stack);
    probe_end(&b);
}

static void every_one_has_a_word(void **state)
{
    for (unsigned kind = 0; kind < NST_EVENT_KINDS; kind++)
        assert_true(nst_event_name(kind)[0] != 0);
    assert_string_equal(nst_event_name(NST_EVENT_KINDS), "");
    for (unsigned why = 0; why <= NST_WHY_FAILED; why++)
        assert_true(nst_event_why_name(why)[0] != 0);
    assert_string_equal(nst_event_why_name(NST_WHY_FAILED + 1), "");
}

TESTS({"event: a NIC's life is told in order, and only what changed", in_order},
      {"event: only kinds that were asked for are kept", only_what_was_asked_for},
      {"event: overflow is one 'lost' in place of what was there", overflow_is_said_once},
      {"event: starts once, stops often", starting_and_stopping},
      {"event: every kind and every reason has a word", every_one_has_a_word})
