/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of the stack and a unix socket, joined by a pump. */
#include "testing.h"

#include <nicstack/host.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "world.h"

struct joined {
    struct world w;
    nst_socket far; /* at the second host: its peer is the pump's */
    struct nst_pump pump;
    int fd; /* the other end of the pump's */
};

static void joined_init(struct joined *j)
{
    int fds[2];
    nst_socket listener, near;
    world_init_pair(&j->w, NULL);
    struct nst_stack *here = j->w.hosts[0].stack, *there = j->w.hosts[1].stack;
    const struct nst_endpoint to = {.addr = j->w.hosts[1].addr, .port = 80}, at = {.port = 80};
    assert_int_equal(nst_socket_open(there, NST_STREAM, &listener), 0);
    assert_int_equal(nst_socket_bind(there, listener, &at), 0);
    assert_int_equal(nst_socket_listen(there, listener, 1), 0);
    assert_int_equal(nst_socket_open(here, NST_STREAM, &near), 0);
    assert_int_equal(nst_socket_connect(here, near, &to), -NST_EINPROGRESS);
    world_run_for(&j->w, 100 * NST_MSEC);
    assert_int_equal(nst_socket_accept(there, listener, &j->far, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    j->fd = fds[1];
    j->pump = (struct nst_pump){
        .stack = here, .socket = near, .fd = fds[0], .fd_readable = true, .fd_writable = true};
}

static void joined_fini(struct joined *j)
{
    close(j->pump.fd);
    if (j->fd >= 0)
        close(j->fd);
    world_fini(&j->w);
}

/* Runs both until nothing moves, with what epoll would say. */
static int settle(struct joined *j)
{
    int r = NST_PUMP_WAITS;
    for (int i = 0; i < 20; i++) {
        j->pump.fd_readable = j->pump.fd_writable = true;
        r = nst_pump_run(&j->pump);
        if (r < 0 || r == NST_PUMP_ENDED)
            return r;
        world_run_for(&j->w, 50 * NST_MSEC);
    }
    return r;
}

static void bytes_and_ends_pass_both_ways(void **state)
{
    struct joined j;
    char text[16];
    joined_init(&j);
    assert_int_equal(write(j.fd, "hello", 5), 5);
    assert_int_equal(nst_socket_send(j.w.hosts[1].stack, j.far, "world!", 6, 0), 6);
    world_run_for(&j.w, 50 * NST_MSEC);
    assert_int_equal(settle(&j), NST_PUMP_WAITS);
    assert_int_equal(read(j.fd, text, sizeof(text)), 6);
    assert_memory_equal(text, "world!", 6);
    assert_int_equal(nst_socket_recv(j.w.hosts[1].stack, j.far, text, sizeof(text), 0), 5);
    assert_memory_equal(text, "hello", 5);
    assert_int_equal(j.pump.bytes_in, 5);
    assert_int_equal(j.pump.bytes_out, 6);
    shutdown(j.fd, SHUT_WR);
    assert_int_equal(settle(&j), NST_PUMP_WAITS);
    assert_true(j.pump.in_ended && !j.pump.out_ended);
    assert_int_equal(nst_socket_recv(j.w.hosts[1].stack, j.far, text, sizeof(text), 0), 0);
    assert_int_equal(nst_socket_send(j.w.hosts[1].stack, j.far, "late", 4, 0), 4);
    assert_int_equal(nst_socket_shutdown(j.w.hosts[1].stack, j.far, NST_SHUT_SEND), 0);
    world_run_for(&j.w, 50 * NST_MSEC);
    assert_int_equal(settle(&j), NST_PUMP_ENDED);
    assert_int_equal(read(j.fd, text, sizeof(text)), 4);
    assert_int_equal(read(j.fd, text, sizeof(text)), 0);
    joined_fini(&j);
}

static void a_reader_that_is_slow_holds_the_writer_back(void **state)
{
    static uint8_t data[1 << 16];
    struct joined j;
    joined_init(&j);
    size_t sent = 0;
    for (int i = 0; i < 400; i++) { /* nobody reads at the far end */
        ssize_t n = write(j.fd, data, sizeof(data));
        sent += n > 0 ? (size_t)n : 0;
        j.pump.fd_readable = true;
        assert_true(nst_pump_run(&j.pump) >= 0);
        world_run_for(&j.w, 10 * NST_MSEC);
    }
    assert_true(sent < 24u << 20);
    assert_true(j.pump.bytes_in < sent);
    size_t got = 0;
    for (int i = 0; i < 2000 && got < sent; i++) {
        int64_t n = nst_socket_recv(j.w.hosts[1].stack, j.far, data, sizeof(data), 0);
        got += n > 0 ? (size_t)n : 0;
        j.pump.fd_readable = true;
        assert_true(nst_pump_run(&j.pump) >= 0);
        world_run_for(&j.w, 10 * NST_MSEC);
    }
    assert_int_equal(got, sent);
    joined_fini(&j);
}

static void the_end_of_either_side_is_told(void **state)
{
    struct joined j;
    joined_init(&j);
    assert_int_equal(nst_socket_abort(j.w.hosts[1].stack, j.far), 0);
    world_run_for(&j.w, 50 * NST_MSEC);
    assert_int_equal(settle(&j), -NST_ECONNRESET);
    joined_fini(&j);
    joined_init(&j);
    close(j.fd); /* both directions at once: what comes has nowhere to go */
    j.fd = -1;
    assert_int_equal(nst_socket_send(j.w.hosts[1].stack, j.far, "x", 1, 0), 1);
    world_run_for(&j.w, 50 * NST_MSEC);
    assert_int_equal(settle(&j), -NST_EPIPE);
    joined_fini(&j);
}

static void a_direction_that_was_stopped_stays_so(void **state)
{
    struct joined j;
    char byte;
    joined_init(&j);
    j.pump.out_ended = true;
    assert_int_equal(nst_socket_send(j.w.hosts[1].stack, j.far, "x", 1, 0), 1);
    world_run_for(&j.w, 50 * NST_MSEC);
    assert_int_equal(settle(&j), NST_PUMP_WAITS);
    assert_int_equal(read(j.fd, &byte, 1), -1);
    shutdown(j.fd, SHUT_WR);
    assert_int_equal(settle(&j), NST_PUMP_ENDED);
    joined_fini(&j);
}

TESTS({"bytes and ends pass both ways", bytes_and_ends_pass_both_ways},
      {"a reader that is slow holds the writer back", a_reader_that_is_slow_holds_the_writer_back},
      {"the end of either side is told", the_end_of_either_side_is_told},
      {"a direction that was stopped stays so", a_direction_that_was_stopped_stays_so})
