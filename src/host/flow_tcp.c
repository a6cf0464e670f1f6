/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP flow: connect on the host's side first, accept inside then, and copy both ways. One that
 * began outside was accepted on the host's side, and is connected inside before anything is copied.
 *
 * Theory of operation. The copying is pump.c's; here is what it takes to begin and to end it.
 *
 * The flow ends when both directions did, or by a reset of either side, which is passed on as a
 * reset.
 */
#include "host/flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MEMORY_RETRY (10 * NST_MSEC)

static int tcp_open(struct flow *flow)
{
    const int one = 1;
    int fd = socket(flow->target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (const struct sockaddr *)&flow->target, flow->target_len) < 0 &&
        errno != EINPROGRESS) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

static void pump(struct flow *flow)
{
    struct nst_loop *loop = flow->gateway->config.loop;
    int r = nst_pump_run(&flow->pump);
    flow->summary.bytes_out = flow->pump.bytes_out;
    flow->summary.bytes_in = flow->pump.bytes_in;
    if (r < 0)
        flow_end(flow, r, true);
    else if (r == NST_PUMP_ENDED)
        flow_end(flow, 0, false);
    else if (r == NST_PUMP_MORE)
        flow_again(flow);
    else if (r == NST_PUMP_STARVED)
        nst_loop_arm(loop, &flow->timer, nst_loop_now(loop) + MEMORY_RETRY);
}

static void on_retry(struct nst_loop_timer *timer)
{
    pump((struct flow *)(void *)((char *)timer - offsetof(struct flow, timer)));
}

static void tcp_start(struct flow *flow)
{
    flow->timer.on_timer = on_retry; /* epoll tells when it is connected */
}

/* Both sides are there now: tells the pump. */
static void join(struct flow *flow)
{
    flow->pump.stack = flow->gateway->config.stack;
    flow->pump.socket = flow->socket;
    flow->pump.fd = flow->watch.fd;
}

/* The host's connect has ended. */
static void finish_connect(struct flow *flow)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(flow->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error != 0) {
        flow_refuse(flow, error);
        return;
    }
    if (!flow_accept(flow, NST_READY_IN | NST_READY_OUT | NST_READY_RDHUP))
        return;
    join(flow);
    pump(flow);
}

/* The host's side was reset after its FIN: no read would tell. */
static bool was_reset(const struct flow *flow)
{
    int error = 0;
    socklen_t len = sizeof(error);
    return flow->pump.in_ended &&
           getsockopt(flow->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0;
}

static void remember(struct flow *flow, uint32_t events)
{
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        flow->pump.fd_readable = true;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
        flow->pump.fd_writable = true;
}

static void tcp_on_host(struct flow *flow, uint32_t events)
{
    if (flow->socket != 0 && (events & EPOLLERR) != 0 && was_reset(flow)) {
        flow_end(flow, -NST_ECONNRESET, true);
        return;
    }
    remember(flow, events);
    if (flow->socket != 0)
        pump(flow);
    else if (flow->pump.fd_writable)
        finish_connect(flow);
}

static void tcp_on_stack(struct flow *flow, uint32_t events)
{
    if ((events & NST_READY_ERROR) != 0) {
        int error = nst_socket_error(flow->gateway->config.stack, flow->socket);
        if (error != 0) {
            flow_end(flow, error, true);
            return;
        }
    }
    pump(flow);
}

const struct flow_ops flow_tcp_ops = {
    .open = tcp_open,
    .start = tcp_start,
    .on_host = tcp_on_host,
    .on_stack = tcp_on_stack,
    .watch_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
};

/* ---- From outside, while the connection inside is made ---- */

static void led_on_host(struct flow *flow, uint32_t events)
{
    if ((events & EPOLLERR) != 0)
        flow_end(flow, -NST_ECONNRESET, true); /* nobody waits for it any more */
    else
        remember(flow, events);
}

static void led_on_stack(struct flow *flow, uint32_t events)
{
    int error = nst_socket_error(flow->gateway->config.stack, flow->socket);
    if (error != 0) {
        flow->gateway->stats.failed++;
        flow_end(flow, error, true);
    } else if ((events & NST_READY_OUT) != 0) {
        flow->ops = &flow_tcp_ops;
        join(flow);
        tcp_on_stack(flow, events);
    }
}

const struct flow_ops flow_led_tcp_ops = {
    .start = tcp_start,
    .on_host = led_on_host,
    .on_stack = led_on_stack,
    .watch_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
};
