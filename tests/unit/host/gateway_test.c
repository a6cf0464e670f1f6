/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway between a stack inside, over a pipe, and sockets of the host on its loopback. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "gate.h"

static nst_socket open_inside(struct gate *w, enum nst_socket_type type)
{
    nst_socket s;
    const struct nst_endpoint to = {.addr = OUTSIDE, .port = 4242};
    assert_int_equal(nst_socket_open(w->inside, type, &s), 0);
    assert_int_equal(nst_socket_connect(w->inside, s, &to),
                     type == NST_STREAM ? -NST_EINPROGRESS : 0);
    return s;
}

/* A socket of the host, bound to a free port, which becomes every flow's target. */
static int open_host(struct gate *w, int type)
{
    socklen_t len = sizeof(w->target);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    w->target.sin_port = 0;
    assert_int_equal(bind(fd, (struct sockaddr *)&w->target, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&w->target, &len), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 64), 0);
    return fd;
}

/* ---- Datagrams ---- */

static void datagrams_go_both_ways(void **state)
{
    struct gate w;
    static uint8_t out[9000], in[65536];
    struct sockaddr_in from;
    gate_init(&w, 0);
    int fd = open_host(&w, SOCK_DGRAM);
    nst_socket s = open_inside(&w, NST_DATAGRAM);
    const size_t sizes[] = {1, 0, 1472, 9000};
    for (size_t i = 0; i < 4; i++) {
        socklen_t len = sizeof(from);
        ssize_t n = -1;
        memset(out, (int)i + 1, sizeof(out));
        assert_int_equal(nst_socket_send(w.inside, s, out, sizes[i], 0), sizes[i]);
        WAIT_FOR(&w, (n = recvfrom(fd, in, sizeof(in), 0, (void *)&from, &len)) >= 0);
        assert_int_equal(n, sizes[i]);
        assert_memory_equal(in, out, sizes[i]);
        assert_int_equal(sendto(fd, in, (size_t)n, 0, (void *)&from, len), n);
        WAIT_FOR(&w, (n = nst_socket_recv(w.inside, s, in, sizeof(in), 0)) >= 0);
        assert_int_equal(n, sizes[i]);
        assert_memory_equal(in, out, sizes[i]);
    }
    assert_int_equal(w.decided, 1); /* one flow */
    assert_int_equal(w.observed_out, 4);
    assert_int_equal(w.observed_in, 4);
    assert_int_equal(stats(&w).udp_flows, 1);
    assert_int_equal(stats(&w).active, 1);
    assert_int_equal(stats(&w).bytes_out, 1 + 1472 + 9000);
    assert_int_equal(stats(&w).bytes_in, 1 + 1472 + 9000);
    close(fd);
    gate_fini(&w);
    assert_int_equal(w.ended, 1);
    assert_int_equal(w.last.error, 0);
    assert_ptr_equal(w.last.flow_context, &w);
}

static void idle_datagram_flows_end(void **state)
{
    struct gate w;
    char byte;
    gate_init(&w, 0);
    w.udp_timeout = 80 * NST_MSEC;
    int fd = open_host(&w, SOCK_DGRAM);
    nst_socket s = open_inside(&w, NST_DATAGRAM);
    for (int i = 0; i < 5; i++) { /* longer than the timeout in all, but never idle */
        nst_socket_send(w.inside, s, "x", 1, 0);
        WAIT_FOR(&w, recv(fd, &byte, 1, 0) == 1);
        nst_time until = nst_host_now() + 30 * NST_MSEC;
        WAIT_FOR(&w, nst_host_now() >= until);
    }
    assert_int_equal(w.decided, 1);
    WAIT_FOR(&w, w.ended == 1);
    assert_int_equal(w.last.error, 0);
    assert_int_equal(w.last.bytes_out, 5);
    assert_true(w.last.ended - w.last.begun >= 200 * NST_MSEC);
    assert_int_equal(stats(&w).active, 0);
    nst_socket_send(w.inside, s, "x", 1, 0);
    WAIT_FOR(&w, w.decided == 2); /* a new flow */
    close(fd);
    gate_fini(&w);
}

static void a_closed_port_outside_ends_the_flow(void **state)
{
    struct gate w;
    gate_init(&w, 0);
    close(open_host(&w, SOCK_DGRAM));
    nst_socket s = open_inside(&w, NST_DATAGRAM);
    nst_socket_send(w.inside, s, "x", 1, 0);
    WAIT_FOR(&w, w.ended == 1);
    assert_int_equal(w.last.error, -NST_ECONNREFUSED);
    assert_int_equal(stats(&w).failed, 1);
    WAIT_FOR(&w, (nst_socket_events(w.inside, s) & NST_READY_ERROR) != 0);
    assert_int_equal(nst_socket_recv(w.inside, s, w.target.sin_zero, 1, 0), -NST_ECONNREFUSED);
    gate_fini(&w);
}

static void a_port_that_closes_later_refuses_too(void **state)
{
    struct gate w;
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    char byte = 0;
    gate_init(&w, 0);
    int fd = open_host(&w, SOCK_DGRAM);
    nst_socket s = open_inside(&w, NST_DATAGRAM);
    nst_socket_send(w.inside, s, "x", 1, 0);
    WAIT_FOR(&w, recvfrom(fd, &byte, 1, 0, (void *)&from, &len) == 1);
    assert_int_equal(sendto(fd, "y", 1, 0, (void *)&from, len), 1);
    WAIT_FOR(&w, nst_socket_recv(w.inside, s, &byte, 1, 0) == 1);
    close(fd);
    for (int i = 0; i < 3; i++) /* the error of the first meets the sending of the next */
        nst_socket_send(w.inside, s, "z", 1, 0);
    WAIT_FOR(&w, nst_socket_error(w.inside, s) == -NST_ECONNREFUSED);
    WAIT_FOR(&w, w.ended >= 1 && stats(&w).active == 0);
    assert_int_equal(w.last.error, -NST_ECONNREFUSED);
    gate_fini(&w);
}

static void refusals_reach_the_sender(void **state)
{
    static const struct {
        enum nst_refusal how;
        int error, error_of_flow;
    } cases[] = {
        {NST_REFUSE_RESET, -NST_ECONNREFUSED, -NST_ECONNREFUSED},
        {NST_REFUSE_HOST_UNREACHABLE, -NST_EHOSTUNREACH, -NST_EHOSTUNREACH},
        {NST_REFUSE_NET_UNREACHABLE, -NST_ENETUNREACH, -NST_ENETUNREACH},
        {NST_REFUSE_PROHIBITED, -NST_EHOSTUNREACH, -NST_EPERM},
        {NST_REFUSE_DROP, 0, -NST_EPERM},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gate w;
        gate_init(&w, 0);
        w.refuse = -1 - (int)cases[i].how;
        nst_socket s = open_inside(&w, NST_DATAGRAM);
        nst_socket_send(w.inside, s, "x", 1, 0);
        WAIT_FOR(&w, w.ended == 1);
        turn(&w);
        assert_int_equal(w.last.error, cases[i].error_of_flow);
        assert_int_equal(stats(&w).refused, 1);
        assert_int_equal(stats(&w).active, 0);
        assert_int_equal(nst_socket_error(w.inside, s), cases[i].error);
        gate_fini(&w);
    }
}

static void a_target_without_address_is_a_failure(void **state)
{
    struct gate w;
    gate_init(&w, 0);
    w.no_target = true;
    nst_socket s = open_inside(&w, NST_DATAGRAM);
    nst_socket_send(w.inside, s, "x", 1, 0);
    WAIT_FOR(&w, w.ended == 1);
    assert_int_equal(stats(&w).failed, 1);
    assert_int_equal(stats(&w).refused, 0);
    gate_fini(&w);
}

static void more_flows_than_allowed_wait(void **state)
{
    struct gate w;
    char byte;
    nst_socket s[6];
    gate_init(&w, 2);
    w.udp_timeout = 100 * NST_MSEC;
    int fd = open_host(&w, SOCK_DGRAM);
    for (int i = 0; i < 6; i++) {
        s[i] = open_inside(&w, NST_DATAGRAM);
        nst_socket_send(w.inside, s[i], "x", 1, 0);
    }
    WAIT_FOR(&w, w.decided == 6);
    assert_int_equal(stats(&w).active, 6);
    assert_int_equal(recv(fd, &byte, 1, 0) + recv(fd, &byte, 1, 0), 2);
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    int received = 2; /* the others follow as these end */
    WAIT_FOR(&w, (received += recv(fd, &byte, 1, 0) == 1) == 6);
    WAIT_FOR(&w, w.ended == 6);
    close(fd);
    gate_fini(&w);
}

static void without_descriptors_requests_wait(void **state)
{
    struct gate w;
    struct rlimit old, none;
    char byte;
    gate_init(&w, 0);
    int fd = open_host(&w, SOCK_DGRAM);
    nst_socket s = open_inside(&w, NST_DATAGRAM);
    nst_socket_send(w.inside, s, "x", 1, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    WAIT_FOR(&w, w.decided == 1);
    /* It is tried again, but does not spin: a loop that waits 50 ms takes few turns for 300. */
    nst_time until = nst_host_now() + 300 * NST_MSEC;
    int turns = 0;
    for (; nst_host_now() < until; turns++)
        nst_loop_turn(w.loop, 50 * NST_MSEC);
    assert_true(turns < 30);
    assert_int_equal(w.ended, 0);
    assert_int_equal(stats(&w).active, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0); /* one came free, and no flow had ended */
    WAIT_FOR(&w, recv(fd, &byte, 1, 0) == 1);
    close(fd);
    gate_fini(&w);
}

static void the_gateway_is_freed_with_requests_waiting(void **state)
{
    struct gate w;
    gate_init(&w, 1);
    int fd = open_host(&w, SOCK_DGRAM);
    for (int i = 0; i < 20; i++)
        nst_socket_send(w.inside, open_inside(&w, NST_DATAGRAM), "x", 1, 0);
    WAIT_FOR(&w, w.decided == 20);
    close(fd);
    gate_fini(&w);
    assert_int_equal(w.ended, 20);
}

static void configurations_that_cannot_be_are_refused(void **state)
{
    struct gate w;
    struct nst_gateway *g;
    gate_init(&w, 0);
    const struct nst_gateway_config good = {
        .size = sizeof(good), .loop = w.loop, .stack = w.stack, .decide = decide};
    struct nst_gateway_config c = good;
    c.size = 1;
    assert_int_equal(nst_gateway_new(&c, &g), -NST_EINVAL);
    c = good, c.decide = NULL;
    assert_int_equal(nst_gateway_new(&c, &g), -NST_EINVAL);
    c = good, c.loop = NULL;
    assert_int_equal(nst_gateway_new(&c, &g), -NST_EINVAL);
    c = good, c.stack = NULL;
    assert_int_equal(nst_gateway_new(&c, &g), -NST_EINVAL);
    const struct nst_ready other = {.socket = 77, .events = NST_READY_IN};
    assert_false(nst_gateway_ready(w.gateway, &other));
    nst_gateway_free(NULL);
    gate_fini(&w);
}

/* ---- Streams ---- */

/* A stream from inside that a listener of the host accepted, in a gateway of its own. */
struct stream {
    int listener, fd;
    nst_socket inside;
};

static struct stream stream_begin(struct gate *w)
{
    gate_init(w, 0);
    struct stream t = {.listener = open_host(w, SOCK_STREAM)};
    t.inside = open_inside(w, NST_STREAM);
    t.fd = accept_host(w, t.listener);
    return t;
}

/* `fd` is closed by then. */
static void stream_end(struct gate *w, const struct stream *t)
{
    close(t->listener);
    gate_fini(w);
}

static void a_stream_ends_one_way_at_a_time(void **state)
{
    struct gate w;
    char text[16] = "";
    int64_t n;
    const struct stream t = stream_begin(&w);
    WAIT_FOR(&w, nst_socket_send(w.inside, t.inside, "request", 7, 0) == 7);
    assert_int_equal(nst_socket_shutdown(w.inside, t.inside, NST_SHUT_SEND), 0);
    WAIT_FOR(&w, recv(t.fd, text, sizeof(text), 0) == 7);
    assert_string_equal(text, "request");
    WAIT_FOR(&w, recv(t.fd, text, sizeof(text), 0) == 0); /* the FIN came through */
    assert_int_equal(w.ended, 0);
    assert_int_equal(send(t.fd, "answer", 6, 0), 6);
    WAIT_FOR(&w, recv_inside(&w, t.inside) == 6);
    close(t.fd);
    WAIT_FOR(&w, (n = recv_inside(&w, t.inside)) != -NST_EAGAIN);
    assert_int_equal(n, 0);
    WAIT_FOR(&w, w.ended == 1);
    assert_int_equal(w.last.error, 0);
    assert_int_equal(w.last.bytes_out, 7);
    assert_int_equal(w.last.bytes_in, 6);
    assert_int_equal(w.last.type, NST_STREAM);
    stream_end(&w, &t);
}

static void a_refusal_outside_is_a_refusal_inside(void **state)
{
    struct gate w;
    int error = 0;
    gate_init(&w, 0);
    close(open_host(&w, SOCK_STREAM));
    nst_socket s = open_inside(&w, NST_STREAM);
    WAIT_FOR(&w, (error = nst_socket_error(w.inside, s)) != 0);
    assert_int_equal(error, -NST_ECONNREFUSED);
    assert_int_equal(w.last.error, -NST_ECONNREFUSED);
    assert_int_equal(stats(&w).failed, 1);
    gate_fini(&w);
}

static void decide_refuses_a_stream_by_reset(void **state)
{
    struct gate w;
    int error = 0;
    gate_init(&w, 0);
    w.refuse = -1 - NST_REFUSE_RESET;
    nst_socket s = open_inside(&w, NST_STREAM);
    WAIT_FOR(&w, (error = nst_socket_error(w.inside, s)) != 0);
    assert_int_equal(error, -NST_ECONNREFUSED);
    assert_int_equal(stats(&w).refused, 1);
    gate_fini(&w);
}

static void a_reset_outside_is_a_reset_inside(void **state)
{
    for (int half_closed = 0; half_closed < 2; half_closed++) {
        struct gate w;
        int64_t n;
        const struct stream t = stream_begin(&w);
        WAIT_FOR(&w, nst_socket_send(w.inside, t.inside, "x", 1, 0) == 1);
        WAIT_FOR(&w, stats(&w).bytes_out == 1);
        if (half_closed) {
            shutdown(t.fd, SHUT_WR);
            WAIT_FOR(&w, recv_inside(&w, t.inside) == 0);
        }
        reset_by_host(t.fd);
        WAIT_FOR(&w, w.ended == 1);
        assert_int_equal(w.last.error, -NST_ECONNRESET);
        WAIT_FOR(&w, (n = nst_socket_send(w.inside, t.inside, "x", 1, 0)) < 0);
        /* After the peer's FIN it is a broken pipe, as on Linux. */
        assert_int_equal(n, half_closed ? -NST_EPIPE : -NST_ECONNRESET);
        stream_end(&w, &t);
    }
}

static void a_reset_inside_is_a_reset_outside(void **state)
{
    struct gate w;
    char byte;
    const struct stream t = stream_begin(&w);
    WAIT_FOR(&w, nst_socket_send(w.inside, t.inside, "x", 1, 0) == 1);
    WAIT_FOR(&w, recv(t.fd, &byte, 1, 0) == 1);
    assert_int_equal(nst_socket_abort(w.inside, t.inside), 0);
    WAIT_FOR(&w, w.ended == 1);
    assert_int_equal(recv(t.fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(t.fd);
    stream_end(&w, &t);
}

static void a_slow_reader_outside_holds_the_sender_back(void **state)
{
    struct gate w;
    static uint8_t data[65536];
    uint64_t sent = 0, received = 0;
    const struct stream t = stream_begin(&w);
    for (int idle = 0; idle < 200;) { /* until nothing moves any more */
        int64_t n = nst_socket_send(w.inside, t.inside, data, sizeof(data), 0);
        assert_true(n > 0 || n == -NST_EAGAIN);
        sent += n > 0 ? (uint64_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        turn(&w);
    }
    assert_in_range(sent, 1, 64 << 20);
    nst_socket_shutdown(w.inside, t.inside, NST_SHUT_SEND);
    ssize_t n;
    WAIT_FOR(&w, ({
        while ((n = recv(t.fd, data, sizeof(data), 0)) > 0)
            received += (uint64_t)n;
        n == 0;
    }));
    assert_true(received == sent);
    close(t.fd);
    stream_end(&w, &t);
}

static void a_slow_reader_inside_holds_the_host_back(void **state)
{
    struct gate w;
    static uint8_t data[65536];
    uint64_t sent = 0, received = 0;
    const struct stream t = stream_begin(&w);
    for (int idle = 0; idle < 200;) {
        ssize_t n = send(t.fd, data, sizeof(data), MSG_NOSIGNAL);
        sent += n > 0 ? (uint64_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        turn(&w);
    }
    assert_in_range(sent, 1, 64 << 20);
    close(t.fd);
    int64_t n;
    WAIT_FOR(&w, ({
        while ((n = recv_inside(&w, t.inside)) > 0)
            received += (uint64_t)n;
        n == 0;
    }));
    assert_true(received == sent);
    stream_end(&w, &t);
}

static void many_streams_share_the_loop(void **state)
{
    struct gate w;
    enum {
        COUNT = 30
    };
    nst_socket s[COUNT];
    int fd[COUNT];
    gate_init(&w, 0);
    int listener = open_host(&w, SOCK_STREAM);
    for (int i = 0; i < COUNT; i++)
        s[i] = open_inside(&w, NST_STREAM);
    for (int i = 0; i < COUNT; i++)
        fd[i] = accept_host(&w, listener);
    for (int i = 0; i < COUNT; i++)
        WAIT_FOR(&w, nst_socket_send(w.inside, s[i], "x", 1, 0) == 1);
    WAIT_FOR(&w, stats(&w).bytes_out == COUNT);
    assert_int_equal(stats(&w).active_tcp, COUNT);
    for (int i = 0; i < COUNT; i++) {
        if (i % 3 == 0)
            nst_socket_abort(w.inside, s[i]); /* many end in one batch */
        else if (i % 3 == 1)
            reset_by_host(fd[i]);
    }
    WAIT_FOR(&w, w.ended == 20);
    assert_int_equal(stats(&w).active_tcp, 10);
    for (int i = 0; i < COUNT; i++)
        if (i % 3 != 1)
            close(fd[i]);
    close(listener);
    gate_fini(&w);
    assert_int_equal(w.ended, COUNT);
}

static void flows_are_listed_as_they_are(void **state)
{
    struct gate w;
    struct nst_flow_info flows[3];
    gate_init(&w, 1);
    int listener = open_host(&w, SOCK_STREAM);
    nst_socket s = open_inside(&w, NST_STREAM);
    int fd = accept_host(&w, listener);
    WAIT_FOR(&w, nst_socket_send(w.inside, s, "hello", 5, 0) == 5);
    WAIT_FOR(&w, stats(&w).bytes_out == 5);
    open_inside(&w, NST_STREAM); /* waits for the first to end */
    WAIT_FOR(&w, w.decided == 2);
    assert_int_equal(nst_gateway_flow_list(w.gateway, NULL, 0), 2);
    assert_int_equal(nst_gateway_flow_list(w.gateway, flows, 3), 2);
    assert_int_equal(flows[0].summary.type, NST_STREAM);
    assert_int_equal(flows[0].summary.bytes_out, 5);
    assert_int_equal(flows[0].summary.outside.port, 4242);
    assert_int_equal(flows[0].summary.ended, 0);
    assert_true(flows[0].summary.srtt > 0);
    assert_int_equal(flows[0].tcp_state, NST_TCP_ESTABLISHED);
    assert_false(flows[0].is_waiting);
    assert_true(flows[1].id > flows[0].id);
    assert_true(flows[1].is_waiting);
    assert_int_equal(flows[1].tcp_state, 0);
    memset(&flows[1], 0xee, sizeof(flows[1]));
    assert_int_equal(nst_gateway_flow_list(w.gateway, flows, 1), 2);
    assert_int_equal(flows[1].tcp_state, 0xee); /* no more than there is room for */
    close(fd);
    close(listener);
    gate_fini(&w);
}

TESTS({"datagrams of a flow go both ways, empty ones too", datagrams_go_both_ways},
      {"a datagram flow ends when it was idle, not before", idle_datagram_flows_end},
      {"a closed port outside ends the flow, and the sender is told",
       a_closed_port_outside_ends_the_flow},
      {"a port that closes later refuses too", a_port_that_closes_later_refuses_too},
      {"each refusal reaches the sender as what it is", refusals_reach_the_sender},
      {"a target without address is a failure", a_target_without_address_is_a_failure},
      {"more flows than are allowed wait for one to end", more_flows_than_allowed_wait},
      {"without descriptors requests wait, and nothing spins", without_descriptors_requests_wait},
      {"the gateway is freed while requests wait", the_gateway_is_freed_with_requests_waiting},
      {"configurations that cannot be are refused", configurations_that_cannot_be_are_refused},
      {"a stream ends one way at a time", a_stream_ends_one_way_at_a_time},
      {"a refusal outside is a refusal inside", a_refusal_outside_is_a_refusal_inside},
      {"decide refuses a stream by reset", decide_refuses_a_stream_by_reset},
      {"a reset outside is a reset inside, after a FIN too", a_reset_outside_is_a_reset_inside},
      {"a reset inside is a reset outside", a_reset_inside_is_a_reset_outside},
      {"a slow reader outside holds the sender back", a_slow_reader_outside_holds_the_sender_back},
      {"a slow reader inside holds the host back", a_slow_reader_inside_holds_the_host_back},
      {"many streams end in one batch", many_streams_share_the_loop},
      {"flows are listed as they are now", flows_are_listed_as_they_are})
