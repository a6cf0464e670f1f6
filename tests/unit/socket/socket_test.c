/* SPDX-License-Identifier: Apache-2.0 */
/* Handles, names and errors of sockets, through the public API. */
#include "guest.h"

#define PEER(port) GUEST_END(GUEST_PEER, port)

/* Every public function that takes a socket, called so that only the handle can be wrong. */
static int64_t call(struct nst_stack *stack, nst_socket s, int which)
{
    static uint8_t bytes[16];
    struct nst_endpoint end = PEER(9);
    struct nst_iovec iov = {bytes, 1};
    struct nst_message message;
    struct nst_tcp_info info;
    nst_socket child;
    int64_t value;

    switch (which) {
    case 0:
        return nst_socket_close(stack, s);
    case 1:
        return nst_socket_abort(stack, s);
    case 2:
        return nst_socket_bind(stack, s, &end);
    case 3:
        return nst_socket_connect(stack, s, &end);
    case 4:
        return nst_socket_listen(stack, s, 1);
    case 5:
        return nst_socket_accept(stack, s, &child, &end);
    case 6:
        return nst_socket_send(stack, s, bytes, 1, 0);
    case 7:
        return nst_socket_sendto(stack, s, bytes, 1, 0, &end);
    case 8:
        return nst_socket_sendv(stack, s, &iov, 1, 0);
    case 9:
        return nst_socket_recv(stack, s, bytes, 1, 0);
    case 10:
        return nst_socket_recvfrom(stack, s, bytes, 1, 0, &message);
    case 11:
        return nst_socket_recv_lend(stack, s, &iov, 1);
    case 12:
        return nst_socket_recv_consume(stack, s, 0);
    case 13:
        return nst_socket_send_reserve(stack, s, &iov, 1);
    case 14:
        return nst_socket_send_commit(stack, s, 0);
    case 15:
        return nst_socket_send_lend(stack, s, bytes, 1, NULL, NULL);
    case 16:
        return nst_socket_shutdown(stack, s, NST_SHUT_SEND);
    case 17:
        return nst_socket_get_local(stack, s, &end);
    case 18:
        return nst_socket_get_remote(stack, s, &end);
    case 19:
        return nst_socket_error(stack, s);
    case 20:
        return nst_socket_set(stack, s, NST_OPT_TTL, 3);
    case 21:
        return nst_socket_get(stack, s, NST_OPT_TTL, &value);
    case 22:
        return nst_socket_tcp_info(stack, s, &info);
    case 23:
        return nst_socket_watch(stack, s, NST_READY_IN, NULL);
    case 24:
        return nst_socket_events(stack, s);
    default:
        return 1;
    }
}
#define CALLS 25

static nst_socket open_socket(struct guest *g, enum nst_socket_type type)
{
    nst_socket s;
    assert_int_equal(nst_socket_open(g->stack, type, &s), 0);
    assert_true(s != 0);
    return s;
}

static void a_stale_or_invented_handle_is_refused_in_each_call(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket closed = open_socket(g, NST_DATAGRAM);
    const nst_socket open = open_socket(g, NST_DATAGRAM);

    assert_int_equal(nst_socket_close(g->stack, closed), 0);
    const nst_socket again = open_socket(g, NST_DATAGRAM); /* in the same slot */
    assert_int_equal((uint32_t)again, (uint32_t)closed);
    const nst_socket bad[] = {
        closed, 0, 1, UINT64_MAX, again + ((uint64_t)1 << 32), open + 1000, again & 0xffffffff};
    for (int which = 0; which < CALLS; which++) {
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
            assert_int_equal(call(g->stack, bad[i], which), -NST_EBADHANDLE);
        assert_int_equal(call(NULL, open, which), -NST_EBADHANDLE);
    }
    assert_int_equal(call(NULL, open, CALLS), 1); /* the table is complete */
    /* Those that are open did not notice. */
    assert_int_equal(nst_socket_error(g->stack, again), 0);
    assert_int_equal(nst_socket_error(g->stack, open), 0);
    guest_free(g);
}

static void missing_pointers_are_an_error(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = open_socket(g, NST_DATAGRAM);
    char c;

    assert_int_equal(nst_socket_open(NULL, NST_DATAGRAM, &(nst_socket){0}), -NST_EFAULT);
    assert_int_equal(nst_socket_open(g->stack, NST_DATAGRAM, NULL), -NST_EFAULT);
    assert_int_equal(nst_socket_bind(g->stack, s, NULL), -NST_EFAULT);
    assert_int_equal(nst_socket_connect(g->stack, s, NULL), -NST_EFAULT);
    assert_int_equal(nst_socket_accept(g->stack, s, NULL, NULL), -NST_EFAULT);
    assert_int_equal(nst_socket_send(g->stack, s, NULL, 1, 0), -NST_EFAULT);
    assert_int_equal(nst_socket_sendv(g->stack, s, NULL, 1, 0), -NST_EFAULT);
    assert_int_equal(nst_socket_recv(g->stack, s, NULL, 1, 0), -NST_EFAULT);
    assert_int_equal(nst_socket_get_local(g->stack, s, NULL), -NST_EFAULT);
    assert_int_equal(nst_socket_get_remote(g->stack, s, NULL), -NST_EFAULT);
    assert_int_equal(nst_socket_get(g->stack, s, NST_OPT_TTL, NULL), -NST_EFAULT);
    /* Nothing is nothing. */
    assert_int_equal(nst_socket_recv(g->stack, s, NULL, 0, 0), -NST_EAGAIN);
    assert_int_equal(nst_socket_sendto(g->stack, s, NULL, 0, 0, &PEER(9)), 0);
    assert_int_equal(nst_socket_recvfrom(g->stack, s, &c, 1, 0, NULL), -NST_EAGAIN);
    guest_free(g);
}

static void a_datagram_socket_cannot_do_what_streams_do(void **state)
{
    const enum nst_socket_type types[] = {NST_DATAGRAM, NST_PING, NST_RAW, NST_PACKET_RAW};
    for (int t = 0; t < 4; t++) {
        struct guest *g = guest_new(NULL);
        const nst_socket s = open_socket(g, types[t]);
        const int streams_only[] = {4, 5, 11, 12, 13, 14, 15, 22};
        for (size_t i = 0; i < sizeof(streams_only) / sizeof(streams_only[0]); i++)
            assert_int_equal(call(g->stack, s, streams_only[i]), -NST_EPROTOTYPE);
        guest_free(g);
    }
}

static void unknown_types_are_refused(void **state)
{
    struct guest *g = guest_new(NULL);
    nst_socket s = 5;
    assert_int_equal(nst_socket_open(g->stack, 0, &s), -NST_EPROTONOSUPPORT);
    assert_int_equal(nst_socket_open(g->stack, NST_PACKET_COOKED + 1, &s), -NST_EPROTONOSUPPORT);
    assert_int_equal(s, 5);
    guest_free(g);
}

static void bind_socket_of(enum nst_socket_type type)
{
    struct guest *g = guest_new(NULL);
    const nst_socket a = open_socket(g, type), b = open_socket(g, type);
    const struct nst_endpoint foreign = GUEST_END(GUEST_FOREIGN, 53);
    const struct nst_endpoint no_nic = {.port = 53, .nic = 99};
    const struct nst_endpoint ours = GUEST_END(GUEST_OURS, 53), any = {.port = 53};
    struct nst_endpoint end;

    assert_int_equal(nst_socket_bind(g->stack, a, &foreign), -NST_EADDRNOTAVAIL);
    assert_int_equal(nst_socket_bind(g->stack, a, &no_nic), -NST_EADDRNOTAVAIL);
    assert_int_equal(nst_socket_bind(g->stack, a, &ours), 0);
    assert_int_equal(nst_socket_bind(g->stack, a, &ours), -NST_EINVAL);
    assert_int_equal(nst_socket_bind(g->stack, b, &any), -NST_EADDRINUSE);
    assert_int_equal(nst_socket_close(g->stack, a), 0);
    assert_int_equal(nst_socket_bind(g->stack, b, &any), 0);
    const nst_socket chosen = open_socket(g, type);
    assert_int_equal(nst_socket_get_local(g->stack, chosen, &end), 0);
    assert_int_equal(end.port, 0);
    assert_int_equal(nst_socket_bind(g->stack, chosen, &(struct nst_endpoint){0}), 0);
    assert_int_equal(nst_socket_get_local(g->stack, chosen, &end), 0);
    assert_true(end.port >= 1024);
    guest_free(g);
}

static void bind_says_what_is_wrong(void **state)
{
    bind_socket_of(NST_DATAGRAM);
    bind_socket_of(NST_STREAM);
}

static void connect_and_send_say_what_is_wrong(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = open_socket(g, NST_DATAGRAM);
    const struct nst_endpoint nowhere = GUEST_END(nst_addr_v4(192, 0, 2, 9), 9);
    const struct nst_route everywhere = {.prefix = nst_addr_v4(0, 0, 0, 0), .nic = g->nic};
    struct nst_endpoint end;

    assert_int_equal(nst_socket_connect(g->stack, s, &PEER(0)), -NST_EINVAL);
    assert_int_equal(nst_socket_get_remote(g->stack, s, &end), -NST_ENOTCONN);
    assert_int_equal(nst_socket_shutdown(g->stack, s, NST_SHUT_SEND), -NST_ENOTCONN);
    assert_int_equal(nst_socket_send(g->stack, s, "x", 1, 0), -NST_ENOTCONN);
    assert_int_equal(nst_socket_sendto(g->stack, s, "x", 1, 0, &PEER(0)), -NST_EINVAL);
    assert_int_equal(nst_route_remove(g->stack, &everywhere), 0);
    assert_int_equal(nst_socket_connect(g->stack, s, &nowhere), -NST_ENETUNREACH);
    assert_int_equal(nst_socket_sendto(g->stack, s, "x", 1, 0, &nowhere), -NST_ENETUNREACH);
    assert_int_equal(nst_socket_connect(g->stack, s, &PEER(9)), 0);
    assert_int_equal(nst_socket_shutdown(g->stack, s, 0), -NST_EINVAL);
    assert_int_equal(nst_socket_shutdown(g->stack, s, 4), -NST_EINVAL);
    assert_int_equal(nst_nic_disable(g->stack, g->nic), 0);
    assert_true(nst_socket_send(g->stack, s, "x", 1, 0) < 0);
    assert_int_equal(nst_nic_enable(g->stack, g->nic), 0);
    assert_int_equal(nst_socket_send(g->stack, s, "x", 1, 0), 1);
    assert_int_equal(nst_nic_remove(g->stack, g->nic), 0);
    assert_int_equal(nst_socket_send(g->stack, s, "x", 1, 0), -NST_ENETUNREACH);
    assert_true(nst_socket_events(g->stack, s) & NST_READY_OUT);
    guest_free(g);
}

static void many_sockets_come_and_go_without_a_trace(void **state)
{
    enum {
        COUNT_ = 2000
    };
    struct guest *g = guest_new(NULL);
    nst_socket s[COUNT_];
    struct nst_memory before, after;

    nst_stack_get_memory(g->stack, &before);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT_; i++) {
            s[i] = open_socket(g, i % 2 == 0 ? NST_DATAGRAM : NST_PING);
            assert_int_equal(nst_socket_connect(g->stack, s[i], &PEER(9)), 0);
        }
        for (int i = 0; i < COUNT_; i++)
            assert_int_equal(nst_socket_close(g->stack, s[i]), 0);
    }
    nst_stack_get_memory(g->stack, &after);
    assert_true(after.used < before.used + 32 * 1024); /* a chunk of each slab stays */
    guest_free(g);
}

static void a_stack_may_go_with_its_sockets_open(void **state)
{
    struct guest *g = guest_new(NULL);
    for (int i = 0; i < 20; i++) {
        const nst_socket s = open_socket(g, NST_DATAGRAM);
        assert_int_equal(nst_socket_connect(g->stack, s, &PEER(9)), 0);
        assert_int_equal(nst_socket_watch(g->stack, s, NST_READY_OUT, NULL), 0);
    }
    guest_free(g);
}

static void refused_memory_opens_nothing(void **state)
{
    for (int n = 0; n < 12; n++) {
        struct guest *g = guest_new(NULL);
        nst_socket s;
        guest_fail_after(g, n);
        for (int type = NST_DATAGRAM; type <= NST_PACKET_COOKED; type++) {
            const int r = nst_socket_open(g->stack, (enum nst_socket_type)type, &s);
            assert_true(r == 0 || r == -NST_ENOMEM);
        }
        guest_free(g);
    }
}

TESTS({"a stale or invented handle is refused in each call",
       a_stale_or_invented_handle_is_refused_in_each_call},
      {"missing pointers are an error", missing_pointers_are_an_error},
      {"a datagram socket cannot do what streams do", a_datagram_socket_cannot_do_what_streams_do},
      {"unknown types are refused", unknown_types_are_refused},
      {"bind says what is wrong", bind_says_what_is_wrong},
      {"connect and send say what is wrong", connect_and_send_say_what_is_wrong},
      {"many sockets come and go without a trace", many_sockets_come_and_go_without_a_trace},
      {"a stack may go with its sockets open", a_stack_may_go_with_its_sockets_open},
      {"refused memory opens nothing", refused_memory_opens_nothing})
