/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "packet/trace.h"

static struct nst_trace_event next(struct fixture *f)
{
    struct nst_trace_event event;
    assert_true(trace_next(f->pool, &event));
    return event;
}

static void off_it_costs_and_tells_nothing(void **state)
{
    struct fixture f;
    struct nst_trace_event event;
    fixture_begin(&f, 0);
    struct pkt *p = fixture_packet(&f, 0, 10, NULL);
    assert_int_equal(nst_pkt_trace(pkt_pub(p)), 0);
    assert_int_equal(p->trace, 0);
    pkt_drop(p, DROP_NO_ROUTE);
    assert_false(trace_next(f.pool, &event));
    trace_stop(f.pool);
    fixture_end(&f);
}

static void a_drop_is_told_with_its_reason(void **state)
{
    struct fixture f;
    struct nst_trace_event event;
    fixture_begin(&f, 0);
    assert_int_equal(trace_start(f.pool, 0), 0);
    assert_int_equal(trace_start(f.pool, 0), -NST_EALREADY);
    struct pkt *p = fixture_packet(&f, 0, 10, NULL), *q = fixture_packet(&f, 0, 10, NULL);
    struct pkt *unseen = fixture_packet(&f, 0, 10, NULL);
    const uint32_t first = nst_pkt_trace(pkt_pub(p));
    assert_int_equal(p->trace, first);
    assert_int_equal(nst_pkt_trace(pkt_pub(q)), first + 1);
    pkt_drop(unseen, DROP_NO_ROUTE);
    pkt_deliver(p);
    assert_false(trace_next(f.pool, &event));
    pkt_drop(q, DROP_TRANS_CSUM);
    event = next(&f);
    assert_int_equal(event.kind, NST_TRACE_DROPPED);
    assert_int_equal(event.trace, first + 1);
    assert_string_equal(event.name, "trans_csum");
    assert_string_equal(event.text, "the transport checksum is wrong");
    assert_false(trace_next(f.pool, &event));
    trace_stop(f.pool);
    fixture_end(&f);
}

static void a_copy_is_followed_and_a_transfer_is_not(void **state)
{
    struct fixture f, other;
    fixture_begin(&f, 0);
    fixture_begin(&other, 0);
    assert_int_equal(trace_start(f.pool, 4), 0);
    assert_int_equal(trace_start(other.pool, 4), 0);
    for (unsigned linear = 10; linear <= 1000; linear += 990) {
        struct pkt *p = fixture_packet(&f, 0, linear, (const uint32_t[]){100, 0});
        p->note = NST_NOTE_KEEPALIVE;
        const uint32_t trace = nst_pkt_trace(pkt_pub(p));
        struct pkt *clone = pkt_clone(p);
        assert_int_equal(clone->trace, trace);
        assert_int_equal(clone->note, NST_NOTE_KEEPALIVE);
        pkt_drop(clone, DROP_SOCKET_FULL);
        assert_int_equal(next(&f).trace, trace);
        struct pkt *part = pkt_split(p, 20, 0, 50);
        assert_int_equal(part->trace, 0);
        assert_int_equal(part->note, NST_NOTE_KEEPALIVE);
        pkt_drop(part, DROP_NO_MEMORY);
        struct pkt *moved = pkt_of(nst_pkt_transfer(other.pool, pkt_pub(p)));
        assert_int_equal(moved->trace, 0);
        assert_int_equal(moved->note, NST_NOTE_NONE);
        nst_pkt_free(pkt_pub(moved));
    }
    trace_stop(other.pool);
    fixture_end(&other);
    trace_stop(f.pool);
    fixture_end(&f);
}

static void what_does_not_fit_is_counted(void **state)
{
    struct fixture f;
    struct nst_trace_event event;
    fixture_begin(&f, 0);
    assert_int_equal(trace_start(f.pool, (1u << 20) + 1), -NST_EINVAL);
    assert_int_equal(trace_start(f.pool, 3), 0);
    uint32_t first = 0;
    for (int i = 0; i < 7; i++) {
        struct pkt *p = fixture_packet(&f, 0, 10, NULL);
        const uint32_t trace = nst_pkt_trace(pkt_pub(p));
        first = i == 0 ? trace : first;
        pkt_drop(p, DROP_NO_ROUTE);
    }
    assert_int_equal(f.pool->trace->ring.lost, 3);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(next(&f).trace, first + i);
    assert_false(trace_next(f.pool, &event));
    trace_stop(f.pool);
    fixture_end(&f);
}

static void numbers_go_on_and_are_never_zero(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    assert_int_equal(trace_start(f.pool, 0), 0);
    f.pool->trace_last = UINT32_MAX - 1;
    struct pkt *p = fixture_packet(&f, 0, 10, NULL);
    assert_int_equal(nst_pkt_trace(pkt_pub(p)), UINT32_MAX);
    assert_int_equal(nst_pkt_trace(pkt_pub(p)), 1);
    trace_stop(f.pool);
    pkt_drop(p, DROP_NO_ROUTE); /* of a trace that is over */
    assert_int_equal(trace_start(f.pool, 0), 0);
    p = fixture_packet(&f, 0, 10, NULL);
    assert_int_equal(nst_pkt_trace(pkt_pub(p)), 2);
    pkt_deliver(p);
    trace_stop(f.pool);
    fixture_end(&f);
}

static void without_memory_there_is_none(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    alloc_fail_after(&f.alloc, 0);
    assert_int_equal(trace_start(f.pool, 0), -NST_ENOMEM);
    alloc_fail_after(&f.alloc, -1);
    fixture_end(&f);
}

static void every_note_has_a_name_and_a_text(void **state)
{
    for (unsigned i = NST_NOTE_RETRANSMIT_TIMEOUT; i <= NST_NOTE_ABORTED; i++) {
        assert_true(strlen(nst_note_name(i)) > 0);
        assert_true(strlen(nst_note_text(i)) > 0);
    }
    assert_string_equal(nst_note_name(NST_NOTE_NONE), "");
    assert_string_equal(nst_note_text(NST_NOTE_ABORTED + 1), "");
}

TESTS({"off, it costs and tells nothing", off_it_costs_and_tells_nothing},
      {"a drop of a packet with a number is told with its reason", a_drop_is_told_with_its_reason},
      {"a copy is followed, and a packet for another stack is not",
       a_copy_is_followed_and_a_transfer_is_not},
      {"what does not fit the ring is lost and counted", what_does_not_fit_is_counted},
      {"numbers go on from one trace to the next, and are never zero",
       numbers_go_on_and_are_never_zero},
      {"without memory there is no trace", without_memory_there_is_none},
      {"every note has a name and a text", every_note_has_a_name_and_a_text})
