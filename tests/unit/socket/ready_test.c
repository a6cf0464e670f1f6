/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

static nst_socket bound(struct guest *g, uint16_t port)
{
    nst_socket s;
    assert_int_equal(nst_socket_open(g->stack, NST_DATAGRAM, &s), 0);
    assert_int_equal(nst_socket_bind(g->stack, s, &(struct nst_endpoint){.port = port}), 0);
    return s;
}

static void inject(struct guest *g, uint16_t port)
{
    guest_inject_udp(g, &GUEST_END(GUEST_PEER, 9), &GUEST_END(GUEST_OURS, port), "x", 1);
}

static void nothing_is_watched_at_first(void **state)
{
    struct guest *g = guest_new(NULL);
    struct nst_ready ready[2];
    const nst_socket s = bound(g, 1);
    inject(g, 1);
    assert_int_equal(nst_ready_list(g->stack, ready, 2), 0);
    assert_int_equal(nst_socket_events(g->stack, s), NST_READY_IN | NST_READY_OUT);
    guest_free(g);
}

static void a_watched_event_lists_the_socket_once_with_its_context(void **state)
{
    struct guest *g = guest_new(NULL);
    struct nst_ready ready[4];
    const nst_socket s = bound(g, 1);
    int context;
    assert_int_equal(nst_socket_watch(g->stack, s, NST_READY_IN, &context), 0);
    assert_int_equal(nst_ready_list(g->stack, ready, 4), 0);
    inject(g, 1);
    inject(g, 1);
    assert_int_equal(nst_ready_list(g->stack, ready, 4), 1);
    assert_true(ready[0].socket == s);
    assert_ptr_equal(ready[0].context, &context);
    assert_int_equal(ready[0].events, NST_READY_IN); /* OUT holds, but is not watched */
    assert_int_equal(nst_ready_list(g->stack, ready, 4), 0);
    inject(g, 1); /* more: again */
    assert_int_equal(nst_ready_list(g->stack, ready, 4), 1);
    guest_free(g);
}

static void what_holds_already_is_listed_at_once(void **state)
{
    struct guest *g = guest_new(NULL);
    struct nst_ready ready[4];
    const nst_socket s = bound(g, 1);
    inject(g, 1);
    assert_int_equal(nst_socket_watch(g->stack, s, NST_READY_IN | NST_READY_OUT, NULL), 0);
    assert_int_equal(nst_ready_list(g->stack, ready, 4), 1);
    assert_int_equal(ready[0].events, NST_READY_IN | NST_READY_OUT);
    guest_free(g);
}

static void what_is_over_is_not_listed(void **state)
{
    struct guest *g = guest_new(NULL);
    struct nst_ready ready[4];
    const nst_socket a = bound(g, 1), b = bound(g, 2);
    char c;
    assert_int_equal(nst_socket_watch(g->stack, a, NST_READY_IN, NULL), 0);
    assert_int_equal(nst_socket_watch(g->stack, b, NST_READY_IN, NULL), 0);
    inject(g, 1);
    inject(g, 2);
    assert_int_equal(nst_socket_recv(g->stack, a, &c, 1, 0), 1); /* read before */
    assert_int_equal(nst_ready_list(g->stack, ready, 4), 1);
    assert_true(ready[0].socket == b);
    inject(g, 1);
    assert_int_equal(nst_socket_close(g->stack, a), 0); /* closed before */
    assert_int_equal(nst_ready_list(g->stack, ready, 4), 0);
    guest_free(g);
}

static void lists_in_order_and_no_more_than_asked(void **state)
{
    struct guest *g = guest_new(NULL);
    struct nst_ready ready[5];
    nst_socket s[5];
    for (uint16_t i = 0; i < 5; i++) {
        s[i] = bound(g, (uint16_t)(i + 1));
        assert_int_equal(nst_socket_watch(g->stack, s[i], NST_READY_IN, NULL), 0);
    }
    for (uint16_t i = 0; i < 5; i++)
        inject(g, (uint16_t)(5 - i));
    assert_int_equal(nst_ready_list(g->stack, ready, 0), 0);
    assert_int_equal(nst_ready_list(g->stack, ready, 2), 2);
    assert_int_equal(nst_ready_list(g->stack, ready + 2, 5), 3);
    for (int i = 0; i < 5; i++)
        assert_true(ready[i].socket == s[4 - i]);
    guest_free(g);
}

static void unknown_events_are_refused(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = bound(g, 1);
    assert_int_equal(nst_socket_watch(g->stack, s, NST_READY_REQUEST, NULL), -NST_EINVAL);
    assert_int_equal(nst_socket_watch(g->stack, s, 0x80, NULL), -NST_EINVAL);
    assert_int_equal(nst_ready_list(NULL, NULL, 1), 0);
    guest_free(g);
}

TESTS({"nothing is watched at first", nothing_is_watched_at_first},
      {"a watched event lists the socket once, with its context",
       a_watched_event_lists_the_socket_once_with_its_context},
      {"what holds already is listed at once", what_holds_already_is_listed_at_once},
      {"what is over is not listed", what_is_over_is_not_listed},
      {"lists in order, and no more than asked", lists_in_order_and_no_more_than_asked},
      {"unknown events are refused", unknown_events_are_refused})
