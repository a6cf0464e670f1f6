/* SPDX-License-Identifier: Apache-2.0 */
/* Stream sockets through the public API, between two hosts. */
#include "testing.h"

#include <nicstack/socket.h>

#include "world.h"

#define CLIENT(w) ((w)->hosts[0].stack)
#define SERVER(w) ((w)->hosts[1].stack)

static struct nst_endpoint server_end(const struct world *w, uint16_t port)
{
    return (struct nst_endpoint){.addr = w->hosts[1].addr, .port = port};
}

static nst_socket listener(struct world *w, uint16_t port)
{
    nst_socket s;
    assert_int_equal(nst_socket_open(SERVER(w), NST_STREAM, &s), 0);
    assert_int_equal(nst_socket_bind(SERVER(w), s, &(struct nst_endpoint){.port = port}), 0);
    assert_int_equal(nst_socket_listen(SERVER(w), s, 8), 0);
    return s;
}

static nst_socket dial(struct world *w, uint16_t port)
{
    const struct nst_endpoint to = server_end(w, port);
    nst_socket s;
    assert_int_equal(nst_socket_open(CLIENT(w), NST_STREAM, &s), 0);
    assert_int_equal(nst_socket_connect(CLIENT(w), s, &to), -NST_EINPROGRESS);
    world_run_for(w, 100 * NST_MSEC);
    return s;
}

static void connects_talks_and_closes(void **state)
{
    struct world w;
    struct nst_endpoint peer, local;
    nst_socket accepted;
    char text[16];

    world_init_pair(&w, NULL);
    const nst_socket l = listener(&w, 80);
    assert_int_equal(nst_socket_accept(SERVER(&w), l, &accepted, NULL), -NST_EAGAIN);
    const nst_socket s = dial(&w, 80);
    assert_true(nst_socket_events(CLIENT(&w), s) & NST_READY_OUT);
    assert_int_equal(nst_socket_error(CLIENT(&w), s), 0);
    assert_int_equal(nst_socket_accept(SERVER(&w), l, &accepted, &peer), 0);
    assert_int_equal(nst_socket_get_local(CLIENT(&w), s, &local), 0);
    assert_true(nst_addr_equal(&peer.addr, &local.addr));
    assert_int_equal(peer.port, local.port);
    assert_int_equal(nst_socket_send(CLIENT(&w), s, "hello", 5, 0), 5);
    world_run_for(&w, 100 * NST_MSEC);
    assert_int_equal(nst_socket_recv(SERVER(&w), accepted, text, sizeof(text), 0), 5);
    assert_memory_equal(text, "hello", 5);
    assert_int_equal(nst_socket_recv(SERVER(&w), accepted, text, sizeof(text), 0), -NST_EAGAIN);
    assert_int_equal(nst_socket_close(CLIENT(&w), s), 0);
    world_run_for(&w, 100 * NST_MSEC);
    assert_int_equal(nst_socket_recv(SERVER(&w), accepted, text, sizeof(text), 0), 0);
    assert_true(nst_socket_events(SERVER(&w), accepted) & NST_READY_RDHUP);
    assert_int_equal(nst_socket_recv(CLIENT(&w), s, text, 1, 0), -NST_EBADHANDLE);
    world_fini(&w);
}

static void a_closed_port_refuses(void **state)
{
    struct world w;
    world_init_pair(&w, NULL);
    const nst_socket s = dial(&w, 81);
    assert_true(nst_socket_events(CLIENT(&w), s) & NST_READY_ERROR);
    assert_int_equal(nst_socket_error(CLIENT(&w), s), -NST_ECONNREFUSED);
    world_fini(&w);
}

static void abort_resets_the_other_side(void **state)
{
    struct world w;
    nst_socket accepted;
    char c;

    world_init_pair(&w, NULL);
    const nst_socket l = listener(&w, 80), s = dial(&w, 80);
    assert_int_equal(nst_socket_accept(SERVER(&w), l, &accepted, NULL), 0);
    assert_int_equal(nst_socket_abort(CLIENT(&w), s), 0);
    world_run_for(&w, 100 * NST_MSEC);
    assert_int_equal(nst_socket_recv(SERVER(&w), accepted, &c, 1, 0), -NST_ECONNRESET);
    world_fini(&w);
}

static void readiness_follows_a_connection(void **state)
{
    struct world w;
    struct nst_ready ready[4];
    nst_socket accepted;
    int context;

    world_init_pair(&w, NULL);
    const nst_socket l = listener(&w, 80);
    assert_int_equal(nst_socket_watch(SERVER(&w), l, NST_READY_IN, &context), 0);
    assert_int_equal(nst_ready_list(SERVER(&w), ready, 4), 0);
    const nst_socket s = dial(&w, 80);
    assert_int_equal(nst_ready_list(SERVER(&w), ready, 4), 1);
    assert_true(ready[0].socket == l);
    assert_ptr_equal(ready[0].context, &context);
    assert_int_equal(nst_socket_accept(SERVER(&w), l, &accepted, NULL), 0);
    assert_int_equal(nst_socket_watch(SERVER(&w), accepted, NST_READY_IN, NULL), 0);
    assert_int_equal(nst_ready_list(SERVER(&w), ready, 4), 0);
    assert_int_equal(nst_socket_send(CLIENT(&w), s, "x", 1, 0), 1);
    world_run_for(&w, 100 * NST_MSEC);
    assert_int_equal(nst_ready_list(SERVER(&w), ready, 4), 1);
    assert_true(ready[0].socket == accepted);
    assert_int_equal(ready[0].events, NST_READY_IN);
    world_fini(&w);
}

static void streams_do_not_take_addresses(void **state)
{
    struct world w;
    struct nst_tcp_info info;
    struct nst_iovec iov;
    int64_t value;

    world_init_pair(&w, NULL);
    listener(&w, 80);
    const struct nst_endpoint to = server_end(&w, 80);
    const nst_socket s = dial(&w, 80);
    assert_int_equal(nst_socket_sendto(CLIENT(&w), s, "x", 1, 0, &to), -NST_EISCONN);
    assert_int_equal(nst_socket_connect(CLIENT(&w), s, &to), -NST_EISCONN);
    assert_int_equal(nst_socket_tcp_info(CLIENT(&w), s, NULL), -NST_EFAULT);
    assert_int_equal(nst_socket_tcp_info(CLIENT(&w), s, &info), 0);
    assert_int_equal(info.state, NST_TCP_ESTABLISHED);
    assert_int_equal(nst_socket_set(CLIENT(&w), s, NST_OPT_TCP_NODELAY, 1), 0);
    assert_int_equal(nst_socket_get(CLIENT(&w), s, NST_OPT_TCP_NODELAY, &value), 0);
    assert_int_equal(value, 1);
    assert_int_equal(nst_socket_listen(CLIENT(&w), s, 0), -NST_EINVAL);
    assert_int_equal(nst_socket_listen(CLIENT(&w), s, 65536), -NST_EINVAL);
    assert_int_equal(nst_socket_recv_lend(CLIENT(&w), s, NULL, 1), -NST_EFAULT);
    assert_int_equal(nst_socket_recv_lend(CLIENT(&w), s, &iov, 0), -NST_EINVAL);
    assert_int_equal(nst_socket_send_reserve(CLIENT(&w), s, NULL, 1), -NST_EFAULT);
    assert_int_equal(nst_socket_send_lend(CLIENT(&w), s, NULL, 1, NULL, NULL), -NST_EFAULT);
    world_fini(&w);
}

static void open_streams_go_with_their_stack(void **state)
{
    struct world w;
    nst_socket s;
    world_init_pair(&w, NULL);
    listener(&w, 80);
    dial(&w, 80);
    dial(&w, 80);
    assert_int_equal(nst_socket_open(CLIENT(&w), NST_STREAM, &s), 0);
    world_fini(&w);
}

static void bind_takes_own_addresses_only(void **state)
{
    struct world w;
    nst_socket s;
    world_init_pair(&w, NULL);
    const struct nst_endpoint ours = server_end(&w, 80), theirs = {.addr = w.hosts[0].addr},
                              no_nic = {.nic = 99};
    assert_int_equal(nst_socket_open(SERVER(&w), NST_STREAM, &s), 0);
    assert_int_equal(nst_socket_bind(SERVER(&w), s, &theirs), -NST_EADDRNOTAVAIL);
    assert_int_equal(nst_socket_bind(SERVER(&w), s, &no_nic), -NST_EADDRNOTAVAIL);
    assert_int_equal(nst_socket_bind(SERVER(&w), s, &ours), 0);
    assert_int_equal(nst_socket_bind(SERVER(&w), s, &ours), -NST_EINVAL);
    world_fini(&w);
}

TESTS({"connects, talks and closes", connects_talks_and_closes},
      {"a closed port refuses", a_closed_port_refuses},
      {"abort resets the other side", abort_resets_the_other_side},
      {"readiness follows a connection", readiness_follows_a_connection},
      {"streams do not take addresses, and check their arguments", streams_do_not_take_addresses},
      {"bind takes own addresses only", bind_takes_own_addresses_only},
      {"open streams go with their stack", open_streams_go_with_their_stack})
