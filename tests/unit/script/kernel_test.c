/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>

#include "script/kernel.h"

struct fixture {
    struct stage w;
    struct kernel p;
};

static void begin(struct fixture *f)
{
    const struct stage_config config = {
        .local = nst_addr_v4(10, 0, 0, 1), .prefix_len = 24, .mtu = 1500};
    assert_int_equal(stage_init(&f->w, &config), 0);
    kernel_init(&f->p, &f->w);
}

static void end(struct fixture *f)
{
    kernel_fini(&f->p);
    stage_fini(&f->w);
}

static struct sockaddr_in address(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(0x0a000001);
    return a;
}

static int open_bound(struct fixture *f, int type, uint16_t port)
{
    const struct sockaddr_in a = address(port);
    const int fd = kernel_socket(&f->p, AF_INET, type, 0);
    assert_true(fd >= 3);
    assert_int_equal(kernel_bind(&f->p, fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

/* A connection of the stack with itself. */
static void connected(struct fixture *f, int *ret_client, int *ret_server)
{
    const struct sockaddr_in a = address(80);
    struct kernel_wait wait = {0};
    const int listener = open_bound(f, SOCK_STREAM, 80);
    assert_int_equal(kernel_listen(&f->p, listener, 5), 0);
    *ret_client = kernel_socket(&f->p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(
        kernel_connect(&f->p, *ret_client, (const struct sockaddr *)&a, sizeof(a), &wait),
        KERNEL_WAIT);
    stage_run(&f->w);
    assert_int_equal(
        kernel_connect(&f->p, *ret_client, (const struct sockaddr *)&a, sizeof(a), &wait), 0);
    struct kernel_wait again = {0};
    *ret_server = (int)kernel_accept(&f->p, listener, NULL, NULL, SOCK_NONBLOCK, &again);
    assert_true(*ret_server >= 0);
}

static int64_t write_some(struct fixture *f, int fd, size_t len)
{
    static char data[100000];
    const struct iovec iov = {data, len};
    struct kernel_wait wait = {0};
    const int64_t r = kernel_writev(&f->p, fd, &iov, 1, &wait);
    stage_run(&f->w);
    return r;
}

static int64_t read_some(struct fixture *f, int fd, size_t len, struct kernel_wait *wait)
{
    static char data[100000];
    const struct iovec iov = {data, len};
    return kernel_readv(&f->p, fd, &iov, 1, wait);
}

static void numbers(void **state)
{
    struct fixture f;
    struct kernel_wait wait = {0};
    begin(&f);
    assert_int_equal(kernel_socket(&f.p, AF_INET, SOCK_STREAM, 0), 3);
    assert_int_equal(kernel_epoll_create(&f.p, 0), 4);
    assert_int_equal(kernel_close(&f.p, 3, &wait), 0);
    assert_int_equal(kernel_socket(&f.p, AF_INET, SOCK_DGRAM, 0), 3);
    assert_int_equal(kernel_close(&f.p, -1, &wait), -EBADF);
    assert_int_equal(kernel_close(&f.p, KERNEL_FDS_MAX, &wait), -EBADF);
    assert_int_equal(kernel_listen(&f.p, 4, 1), -ENOTSOCK);
    int n = 2;
    while (kernel_epoll_create(&f.p, 0) >= 0)
        n++;
    assert_int_equal(n, KERNEL_FDS_MAX - 3);
    assert_int_equal(kernel_socket(&f.p, AF_INET, SOCK_STREAM, 0), -EMFILE);
    end(&f);
}

static void blocking(void **state)
{
    struct fixture f;
    int client, server;
    struct kernel_wait wait = {0};
    begin(&f);
    connected(&f, &client, &server);
    assert_int_equal(read_some(&f, client, 10, &wait), KERNEL_WAIT);
    assert_int_equal(wait.until, NST_TIME_NEVER);
    assert_int_equal(write_some(&f, server, 7), 7);
    assert_int_equal(read_some(&f, client, 10, &wait), 7);
    wait = (struct kernel_wait){0};
    assert_int_equal(read_some(&f, server, 10, &wait), -EAGAIN);
    end(&f);
}

static void time_limits(void **state)
{
    struct fixture f;
    int client, server;
    const struct timeval tv = {.tv_usec = 300000};
    struct kernel_wait wait = {0};
    begin(&f);
    connected(&f, &client, &server);
    assert_int_equal(kernel_setsockopt(&f.p, client, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    assert_int_equal(read_some(&f, client, 10, &wait), KERNEL_WAIT);
    assert_int_equal(wait.until, f.w.now + 300 * NST_MSEC);
    stage_advance(&f.w, wait.until - 1);
    assert_int_equal(read_some(&f, client, 10, &wait), KERNEL_WAIT);
    stage_advance(&f.w, wait.until);
    assert_int_equal(read_some(&f, client, 10, &wait), -EAGAIN);
    end(&f);
}

static void edges(void **state)
{
    struct fixture f;
    int client, server;
    struct kernel_wait wait = {0};
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = 5}, got;
    begin(&f);
    connected(&f, &client, &server);
    const int e = kernel_epoll_create(&f.p, 0);
    assert_int_equal(kernel_epoll_ctl(&f.p, e, EPOLL_CTL_ADD, client, &event), 0);
    assert_int_equal(kernel_epoll_wait(&f.p, e, &got, 1, 0, &wait), 0);
    for (int i = 0; i < 3; i++) {
        write_some(&f, server, 5);
        wait = (struct kernel_wait){0};
        assert_int_equal(kernel_epoll_wait(&f.p, e, &got, 1, 0, &wait), 1);
        assert_int_equal(got.data.u32, 5);
        wait = (struct kernel_wait){0};
        assert_int_equal(kernel_epoll_wait(&f.p, e, &got, 1, 0, &wait), 0);
    }
    /* A descriptor that is closed leaves every set. */
    wait = (struct kernel_wait){0};
    assert_int_equal(kernel_close(&f.p, client, &wait), 0);
    assert_int_equal(kernel_epoll_ctl(&f.p, e, EPOLL_CTL_DEL, client, NULL), -EBADF);
    assert_null(kernel_file(&f.p, e)->interests);
    end(&f);
}

static void pipes(void **state)
{
    struct fixture f;
    int fds[2];
    struct kernel_wait wait = {0};
    begin(&f);
    assert_int_equal(kernel_pipe(&f.p, fds, O_NONBLOCK), 0);
    assert_int_equal(read_some(&f, fds[0], 10, &wait), -EAGAIN);
    assert_int_equal(write_some(&f, fds[1], 100000), 65536);
    assert_int_equal(write_some(&f, fds[1], 1), -EAGAIN);
    assert_int_equal(read_some(&f, fds[0], 60000, &wait), 60000);
    assert_int_equal(write_some(&f, fds[1], 60000), 60000);
    assert_int_equal(kernel_close(&f.p, fds[1], &wait), 0);
    assert_int_equal(read_some(&f, fds[0], 100000, &wait), 65536);
    assert_int_equal(read_some(&f, fds[0], 10, &wait), 0);
    assert_int_equal(kernel_pipe(&f.p, fds, 0), 0);
    assert_int_equal(kernel_close(&f.p, fds[0], &wait), 0);
    assert_int_equal(write_some(&f, fds[1], 1), -EPIPE);
    end(&f);
}

static void hostile_arguments(void **state)
{
    struct fixture f;
    struct sockaddr_in a = address(80);
    struct kernel_wait wait = {0};
    int value;
    socklen_t len = sizeof(value);
    begin(&f);
    const int fd = kernel_socket(&f.p, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(kernel_bind(&f.p, fd, NULL, sizeof(a)), -EFAULT);
    assert_int_equal(kernel_bind(&f.p, fd, (struct sockaddr *)&a, 1), -EINVAL);
    a.sin_family = AF_INET6;
    assert_int_equal(kernel_bind(&f.p, fd, (struct sockaddr *)&a, sizeof(a)), -EAFNOSUPPORT);
    assert_int_equal(kernel_sendmsg(&f.p, fd, NULL, 0, &wait), -EFAULT);
    assert_int_equal(kernel_recvmsg(&f.p, fd, NULL, 0, &wait), -EFAULT);
    assert_int_equal(kernel_setsockopt(&f.p, fd, SOL_TCP, TCP_NODELAY, NULL, 4), -EFAULT);
    assert_int_equal(kernel_setsockopt(&f.p, fd, SOL_TCP, TCP_NODELAY, &value, 1), -EINVAL);
    assert_int_equal(kernel_getsockopt(&f.p, fd, SOL_TCP, TCP_NODELAY, &value, NULL), -EFAULT);
    assert_null(f.p.unsupported);
    assert_int_equal(kernel_getsockopt(&f.p, fd, SOL_TCP, 9999, &value, &len), -ENOPROTOOPT);
    assert_non_null(f.p.unsupported);
    assert_int_equal(kernel_shutdown(&f.p, fd, 9), -EINVAL);
    assert_int_equal(kernel_poll(&f.p, NULL, 1, 0, &wait), -EFAULT);
    end(&f);
}

TESTS({"descriptors are the lowest free numbers, and end somewhere", numbers},
      {"what would block waits where the descriptor blocks", blocking},
      {"SO_RCVTIMEO ends a wait at its time", time_limits},
      {"an edge is reported once for each thing that happens", edges},
      {"a pipe holds 64 KiB, and its ends notice one another", pipes},
      {"arguments that make no sense are refused", hostile_arguments})
