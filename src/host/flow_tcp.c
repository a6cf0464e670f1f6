/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP flow: connect on the host's side first, accept inside then, and copy both ways. One that
 * began outside was accepted on the host's side, and is connected inside before anything is copied.
 *
 * Theory of operation. Bytes are read from the host's socket into the stack's send buffer, and
 * written to it from the stack's receive buffer: one copy each way, by the kernel. A direction
 * stops when its reader has nothing or its writer no room, and goes on when the other side says so:
 * so back-pressure of the host's socket fills our receive buffer and closes the window of the
 * sender inside, and a slow reader inside leaves bytes in the host's socket. The host's descriptor
 * is watched edge-triggered: one system call in its life, and what it said last is remembered until
 * the call that says otherwise.
 *
 * The end of one direction (FIN) is passed on when everything before it was; the flow ends when
 * both directions did, or by a reset of either side, which is passed on as a reset.
 *
 * A flow moves at most PUMP_MAX bytes each way in a turn, and goes on in the next.
 */
#include "host/flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#define PUMP_MAX     (1024 * 1024)
#define MEMORY_RETRY (10 * NST_MSEC)
#define PIECES_MAX   16

/* The stack's pieces go to the system as they are. */
_Static_assert(sizeof(struct nst_iovec) == sizeof(struct iovec) &&
                   offsetof(struct nst_iovec, base) == offsetof(struct iovec, iov_base) &&
                   offsetof(struct nst_iovec, len) == offsetof(struct iovec, iov_len),
               "nst_iovec is laid out as iovec");

/* A pump's result: go on when a side becomes ready, the turn is used up, or the flow has ended. */
enum pumped {
    PUMPED_WAITS,
    PUMPED_MORE,
    PUMPED_ENDED,
};

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

static enum pumped fail(struct flow *flow, int error)
{
    flow_end(flow, error, true);
    return PUMPED_ENDED;
}

static enum pumped end_out(struct flow *flow)
{
    flow->out_ended = true;
    shutdown(flow->watch.fd, SHUT_WR);
    return PUMPED_WAITS;
}

/* From inside to the host's socket. */
static enum pumped pump_out(struct flow *flow)
{
    struct nst_stack *stack = flow->gateway->config.stack;
    size_t moved = 0;
    while (!flow->out_ended && flow->host_writable) {
        struct nst_iovec pieces[PIECES_MAX];
        int n = nst_socket_recv_lend(stack, flow->socket, pieces, PIECES_MAX);
        if (n == 0)
            return end_out(flow);
        if (n < 0)
            return n == -NST_EAGAIN ? PUMPED_WAITS : fail(flow, n);
        const struct msghdr message = {.msg_iov = (struct iovec *)(void *)pieces,
                                       .msg_iovlen = (size_t)n};
        ssize_t w = sendmsg(flow->watch.fd, &message, MSG_NOSIGNAL);
        if (w < 0 && errno == EAGAIN)
            flow->host_writable = false;
        else if (w < 0 && errno != EINTR)
            return fail(flow, -nst_error_from_errno(errno));
        if (w <= 0)
            continue;
        nst_socket_recv_consume(stack, flow->socket, (size_t)w);
        flow->summary.bytes_out += (uint64_t)w;
        moved += (size_t)w;
        if (moved >= PUMP_MAX)
            return PUMPED_MORE;
    }
    return PUMPED_WAITS;
}

/* There is no room in the stack's send buffer: it tells when there is. There is no memory for it:
 * nobody tells, so it is tried again soon. */
static enum pumped wait_for_room(struct flow *flow, int error)
{
    struct nst_loop *loop = flow->gateway->config.loop;
    if (error == -NST_ENOMEM)
        nst_loop_arm(loop, &flow->timer, nst_loop_now(loop) + MEMORY_RETRY);
    else if (error != -NST_EAGAIN)
        return fail(flow, error);
    return PUMPED_WAITS;
}

/* From the host's socket to inside. */
static enum pumped pump_in(struct flow *flow)
{
    struct nst_stack *stack = flow->gateway->config.stack;
    size_t moved = 0;
    while (!flow->in_ended && flow->host_readable) {
        struct nst_iovec pieces[PIECES_MAX];
        int n = nst_socket_send_reserve(stack, flow->socket, pieces, PIECES_MAX);
        if (n < 0)
            return wait_for_room(flow, n);
        ssize_t r = readv(flow->watch.fd, (const struct iovec *)(const void *)pieces, n);
        if (r < 0 && errno == EAGAIN) {
            flow->host_readable = false;
        } else if (r < 0 && errno != EINTR) {
            return fail(flow, -nst_error_from_errno(errno));
        } else if (r == 0) {
            flow->in_ended = true;
            nst_socket_shutdown(stack, flow->socket, NST_SHUT_SEND);
        }
        if (r <= 0)
            continue;
        nst_socket_send_commit(stack, flow->socket, (size_t)r);
        flow->summary.bytes_in += (uint64_t)r;
        moved += (size_t)r;
        if (moved >= PUMP_MAX)
            return PUMPED_MORE;
    }
    return PUMPED_WAITS;
}

static void pump(struct flow *flow)
{
    enum pumped out = pump_out(flow);
    if (out == PUMPED_ENDED)
        return;
    enum pumped in = pump_in(flow);
    if (in == PUMPED_ENDED)
        return;
    if (flow->out_ended && flow->in_ended)
        flow_end(flow, 0, false);
    else if (out == PUMPED_MORE || in == PUMPED_MORE)
        flow_again(flow);
}

static void on_retry(struct nst_loop_timer *timer)
{
    pump((struct flow *)(void *)((char *)timer - offsetof(struct flow, timer)));
}

static void tcp_start(struct flow *flow)
{
    flow->timer.on_timer = on_retry; /* epoll tells when it is connected */
}

/* The host's connect has ended. */
static void finish_connect(struct flow *flow)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(flow->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error != 0)
        flow_refuse(flow, error);
    else if (flow_accept(flow, NST_READY_IN | NST_READY_OUT | NST_READY_RDHUP))
        pump(flow);
}

/* The host's side was reset after its FIN: no read would tell. */
static bool was_reset(const struct flow *flow)
{
    int error = 0;
    socklen_t len = sizeof(error);
    return flow->in_ended && getsockopt(flow->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 &&
           error != 0;
}

static void remember(struct flow *flow, uint32_t events)
{
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        flow->host_readable = true;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
        flow->host_writable = true;
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
    else if (flow->host_writable)
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
        tcp_on_stack(flow, events);
    }
}

const struct flow_ops flow_led_tcp_ops = {
    .start = tcp_start,
    .on_host = led_on_host,
    .on_stack = led_on_stack,
    .watch_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
};
