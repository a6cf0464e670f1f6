/* SPDX-License-Identifier: Apache-2.0 */
/* Forwarder requests become sockets: a guest host, and one that stands for the rest of the world.
 */
#include "testing.h"

#include <nicstack/forwarder.h>
#include <nicstack/socket.h>

#include "world.h"

#define GUEST(w) ((w)->hosts[0].stack)
#define HOST(w)  ((w)->hosts[1].stack)

static const struct nst_endpoint *far_away(void)
{
    static struct nst_endpoint end;
    end = (struct nst_endpoint){.addr = nst_addr_v4(203, 0, 113, 9), .port = 443};
    return &end;
}

static void start(struct world *w)
{
    const struct nst_forwarder_config config = {
        .size = sizeof(config), .tcp = true, .udp = true, .icmp_echo = true};
    world_init_pair(w, NULL);
    world_route_all(w);
    assert_int_equal(nst_forwarder_start(HOST(w), &config), 0);
}

static nst_socket dial(struct world *w, struct nst_request_info *ret_info)
{
    nst_socket s;
    assert_int_equal(nst_socket_open(GUEST(w), NST_STREAM, &s), 0);
    assert_int_equal(nst_socket_connect(GUEST(w), s, far_away()), -NST_EINPROGRESS);
    world_run_for(w, 100 * NST_MSEC);
    assert_true(nst_request_next(HOST(w), ret_info));
    assert_int_equal(ret_info->type, NST_STREAM);
    return s;
}

static void an_accepted_stream_talks_as_whom_the_guest_called(void **state)
{
    struct world w;
    struct nst_request_info info;
    struct nst_endpoint end;
    nst_socket accepted;
    char text[16];

    start(&w);
    const nst_socket s = dial(&w, &info);
    assert_memory_equal(&info.local.addr, &far_away()->addr, 16);
    assert_int_equal(info.local.port, 443);
    assert_false(nst_socket_events(GUEST(&w), s) & NST_READY_OUT); /* not before accept */
    assert_int_equal(nst_request_accept(HOST(&w), info.request, &accepted), 0);
    assert_int_equal(nst_request_accept(HOST(&w), info.request, &accepted), -NST_EBADHANDLE);
    world_run_for(&w, 100 * NST_MSEC);
    assert_true(nst_socket_events(GUEST(&w), s) & NST_READY_OUT);
    assert_true(nst_socket_events(HOST(&w), accepted) & NST_READY_OUT);
    assert_int_equal(nst_socket_send(GUEST(&w), s, "ask", 3, 0), 3);
    world_run_for(&w, 100 * NST_MSEC);
    assert_int_equal(nst_socket_recv(HOST(&w), accepted, text, sizeof(text), 0), 3);
    assert_int_equal(nst_socket_send(HOST(&w), accepted, "answer", 6, 0), 6);
    world_run_for(&w, 100 * NST_MSEC);
    assert_int_equal(nst_socket_recv(GUEST(&w), s, text, sizeof(text), 0), 6);
    assert_int_equal(nst_socket_get_local(HOST(&w), accepted, &end), 0);
    assert_memory_equal(&end.addr, &far_away()->addr, 16);
    /* It does not keep the port from anybody. */
    nst_socket l;
    assert_int_equal(nst_socket_open(HOST(&w), NST_STREAM, &l), 0);
    assert_int_equal(nst_socket_bind(HOST(&w), l, &(struct nst_endpoint){.port = 443}), 0);
    world_fini(&w);
}

static void refusals_reach_the_caller_as_its_errors(void **state)
{
    const struct {
        enum nst_refusal how;
        int error;
    } cases[] = {
        {NST_REFUSE_RESET, -NST_ECONNREFUSED},
        {NST_REFUSE_HOST_UNREACHABLE, -NST_EHOSTUNREACH},
        {NST_REFUSE_NET_UNREACHABLE, -NST_ENETUNREACH},
        {NST_REFUSE_PROHIBITED, -NST_EHOSTUNREACH},
        {NST_REFUSE_DROP, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        struct nst_request_info info;
        start(&w);
        const nst_socket s = dial(&w, &info);
        assert_int_equal(nst_request_refuse(HOST(&w), info.request, cases[i].how), 0);
        world_run_for(&w, 100 * NST_MSEC);
        assert_int_equal(nst_socket_error(GUEST(&w), s), cases[i].error);
        world_fini(&w);
    }
}

static void a_guest_that_gives_up_ends_nothing_but_itself(void **state)
{
    struct world w;
    struct nst_request_info info;
    nst_socket accepted;

    start(&w);
    const nst_socket s = dial(&w, &info);
    assert_int_equal(nst_socket_close(GUEST(&w), s), 0);
    world_run_for(&w, 70 * NST_SEC);
    assert_false(nst_request_is_alive(HOST(&w), info.request));
    assert_int_equal(nst_request_accept(HOST(&w), info.request, &accepted), -NST_EBADHANDLE);
    world_fini(&w);
}

static void missing_pointers_are_an_error(void **state)
{
    struct world w;
    struct nst_request_info info;
    nst_socket s;

    start(&w);
    dial(&w, &info);
    assert_int_equal(nst_request_accept(NULL, info.request, &s), -NST_EFAULT);
    assert_int_equal(nst_request_accept(HOST(&w), info.request, NULL), -NST_EFAULT);
    assert_true(nst_request_is_alive(HOST(&w), info.request));
    assert_false(nst_request_next(NULL, &info));
    assert_int_equal(nst_request_refuse(NULL, info.request, NST_REFUSE_RESET), -NST_EBADHANDLE);
    world_fini(&w);
}

TESTS({"an accepted stream talks as whom the guest called",
       an_accepted_stream_talks_as_whom_the_guest_called},
      {"refusals reach the caller as its errors", refusals_reach_the_caller_as_its_errors},
      {"a guest that gives up ends nothing but itself",
       a_guest_that_gives_up_ends_nothing_but_itself},
      {"missing pointers are an error", missing_pointers_are_an_error})
